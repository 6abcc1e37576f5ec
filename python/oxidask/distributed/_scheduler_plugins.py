"""Plugins of a scheduler: started, told of what happens, and closed."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import warnings
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from oxidask.distributed import _transitions
from oxidask.distributed._scheduler_views import shown_name

if TYPE_CHECKING:
    from oxidask.distributed._scheduler_views import WorkerStates

__all__ = ["PluginsOfScheduler", "warn_of_unheard"]

#: Methods that are not called as in Dask, and what there is instead.
_UNHEARD = {
    "update_graph": "is never called: `transition` tells of each task, from 'released' on",
    "add_client": "is never called: have clients use `client.log_event`",
    "remove_client": "is never called: have clients use `client.log_event`",
    "log_event": "is called for `Scheduler.log_event` only: `client.subscribe_topic` hears all",
}


class PluginsOfScheduler:
    """The part of a scheduler that has plugins.

    All of it is for the scheduler's event loop, but for ``_pushed``, which comes from the core.
    """

    core: Any
    _logger: logging.Logger
    _soon: Any

    if TYPE_CHECKING:

        @property
        def workers(self) -> WorkerStates: ...

    def __init__(self) -> None:
        self.plugins: dict[str, Any] = {}
        self._steps = _transitions.ForSchedulers()
        self._follows_tasks = False
        #: What the core has told and plugins have not heard yet.
        self._news: deque[tuple[str, Any]] = deque()
        self._reads_news = False
        super().__init__()

    async def register_scheduler_plugin(
        self, plugin: Any, name: str | None = None, idempotent: bool | None = None
    ) -> None:
        """Add a plugin of the scheduler and start it.

        Parameters
        ----------
        plugin
            A `SchedulerPlugin`, or a pickled one.
        name
            By default the plugin's own. One of the same name is closed first.
        idempotent
            Whether one of the same name stays instead.
        """
        from oxidask.distributed.diagnostics.plugin import name_of

        if isinstance(plugin, (bytes, bytearray)):
            from oxidask import _pickle

            plugin = _pickle.loads(bytes(plugin))
        else:
            warn_of_unheard(plugin)
        name = name or name_of(plugin)
        if idempotent is None:
            idempotent = bool(getattr(plugin, "idempotent", False))
        if name in self.plugins:
            if idempotent:
                return
            await self._tell(name, self.plugins[name], "close")
        result = plugin.start(self) if hasattr(plugin, "start") else None
        if inspect.isawaitable(result):
            await result
        self.plugins[name] = plugin
        self._follow_tasks()

    async def unregister_scheduler_plugin(self, name: str) -> None:
        """Remove a plugin of the scheduler."""
        if name not in self.plugins:
            raise ValueError(
                f"Could not find plugin {name!r} among the current scheduler plugins: "
                f"{sorted(self.plugins)}"
            )
        await self._tell(name, self.plugins.pop(name), "close")
        self._follow_tasks()

    def add_plugin(self, plugin: Any, *, name: str | None = None, **kwargs: Any) -> None:
        """Add a plugin without starting it."""
        from oxidask.distributed.diagnostics.plugin import name_of

        name = name or name_of(plugin)
        if name in self.plugins:
            raise ValueError(f"there is a plugin named {name!r} already")
        warn_of_unheard(plugin)
        self.plugins[name] = plugin
        self._follow_tasks()

    def remove_plugin(self, name: str | None = None) -> None:
        """Forget a plugin."""
        if name not in self.plugins:
            raise ValueError(f"there is no plugin named {name!r}")
        del self.plugins[name]
        self._follow_tasks()

    def may_be_closed(self, workers: list[str]) -> list[str]:
        """Leave out the workers that a plugin wants to keep.

        Parameters
        ----------
        workers
            Addresses of workers that could be closed.
        """
        plugins = [
            plugin
            for plugin in self.plugins.values()
            if _transitions.overrides(plugin, "valid_workers_downscaling", "SchedulerPlugin")
        ]
        if not plugins or not workers:
            return workers
        known = self.workers
        states = [known[address] for address in workers if address in known]
        for plugin in plugins:
            states = list(plugin.valid_workers_downscaling(self, states))
        return [state.address for state in states]

    def _follow_tasks(self) -> None:
        """Have the core tell of states of tasks, if a plugin wants to know."""
        wanted = any(
            _transitions.overrides(plugin, "transition", "SchedulerPlugin")
            for plugin in self.plugins.values()
        )
        if wanted is self._follows_tasks or self.core is None:
            return
        self._follows_tasks = wanted
        verb = "topic.subscribe" if wanted else "topic.unsubscribe"
        self.core.ask(verb, {"topic": _transitions.TOPIC})

    def _pushed(self, topic: str, body: Any) -> None:
        """Something happened; on a thread of the core's."""
        message = body[1] if isinstance(body, (list, tuple)) and len(body) == 2 else body
        self._news.append((topic, message))
        if not self._reads_news:
            self._reads_news = True
            self._soon(self._read_news)

    def _read_news(self) -> None:
        # What comes from now on may be missed below, and is read by another call.
        self._reads_news = False
        while self._news:
            topic, message = self._news.popleft()
            if topic == _transitions.TOPIC:
                self._stepped(message)
            elif topic == "workers" and isinstance(message, Mapping):
                self._happened(dict(message))

    def _stepped(self, told: Any) -> None:
        """A task went from state to state."""
        for step in self._steps.read(told):
            more = {} if step.worker is None else {"worker": step.worker}
            for name, plugin in list(self.plugins.items()):
                self._call_plugin(name, plugin, "transition", *step[:3], stimulus_id="", **more)

    def _happened(self, message: dict[str, Any]) -> None:
        action, worker = message.get("action"), message.get("worker")
        if action == "worker-joined":
            self._logger.info(
                "Registered worker %s, name: %s", worker, shown_name(message.get("name"))
            )
            self._tell_all("add_worker", self, worker)
        elif action == "worker-left":
            self._logger.info("Removed worker %s (%s)", worker, message.get("reason"))
            self._tell_all("remove_worker", self, worker, stimulus_id="")
        elif action == "restart":
            self._tell_all("restart", self)

    def _tell_all(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Call all plugins, in order; what they want awaited goes on by itself."""
        for name, plugin in list(self.plugins.items()):
            result = self._call_plugin(name, plugin, method, *args, **kwargs)
            if inspect.isawaitable(result):
                task = asyncio.ensure_future(result)
                _told.add(task)
                task.add_done_callback(functools.partial(self._has_told, name, method))

    def _has_told(self, name: str, method: str, task: asyncio.Future[Any]) -> None:
        _told.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._logger.error("Plugin %s failed in %s", name, method, exc_info=error)

    async def _tell(self, name: str, plugin: Any, method: str) -> None:
        """Call a plugin; an error is logged."""
        result = self._call_plugin(name, plugin, method)
        if inspect.isawaitable(result):
            try:
                await result
            except Exception:
                self._logger.exception("Plugin %s failed in %s", name, method)

    def _call_plugin(self, name: str, plugin: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        function = getattr(plugin, method, None)
        if function is None:
            return None
        try:
            return function(*args, **kwargs)
        except Exception:
            self._logger.exception("Plugin %s failed in %s", name, method)
            return None


# The loop holds its tasks weakly.
_told: set[asyncio.Future[Any]] = set()


def warn_of_unheard(plugin: Any) -> None:
    """Warn of methods of a scheduler's plugin that are not called as in Dask."""
    for method, what in _UNHEARD.items():
        if _transitions.overrides(plugin, method, "SchedulerPlugin"):
            warnings.warn(f"{type(plugin).__name__}.{method} {what}", UserWarning, stacklevel=3)
