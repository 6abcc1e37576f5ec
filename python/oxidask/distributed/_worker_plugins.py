"""Plugins of a worker: set up, torn down, and told of states of tasks."""

from __future__ import annotations

import inspect
import logging
from contextlib import suppress
from typing import Any

from oxidask.distributed import _transitions
from oxidask.distributed._loop import in_own_thread

__all__ = ["PluginsOfWorker"]


class PluginsOfWorker:
    """The part of a worker that has plugins."""

    core: Any
    plugins: dict[str, Any]
    _logger: logging.Logger
    _connect: Any
    _soon: Any
    #: A connection on which the scheduler tells of states of tasks, while a plugin wants to know.
    _follower: Any = None

    async def plugin_add(self, plugin: Any, name: str | None = None) -> None:
        """Set a plugin up; one of the same name is torn down first.

        Raises
        ------
        Exception
            What its ``setup`` raised, which is logged too.
        """
        from oxidask.distributed.diagnostics.plugin import name_of

        name = name or name_of(plugin)
        if name in self.plugins:
            if getattr(plugin, "idempotent", False):
                return
            await self.plugin_remove(name)
        self.plugins[name] = plugin
        self._logger.info("Starting Worker plugin %s", name)
        try:
            result = plugin.setup(worker=self) if hasattr(plugin, "setup") else None
            if inspect.isawaitable(result):
                await result
        except Exception:
            self._logger.exception("Worker plugin %s failed to setup", name)
            raise
        await self._watch_transitions()

    async def plugin_remove(self, name: str) -> None:
        """Tear a plugin down."""
        plugin = self.plugins.get(name)
        if plugin is None:
            return
        await self._watch_transitions(leaving=name)
        self.plugins.pop(name, None)
        self._logger.info("Removing Worker plugin %s", name)
        try:
            result = plugin.teardown(worker=self) if hasattr(plugin, "teardown") else None
            if inspect.isawaitable(result):
                await result
        except Exception:
            self._logger.exception("Worker plugin %s failed to teardown", name)
            raise

    async def _watch_transitions(self, leaving: str | None = None) -> None:
        """Have the scheduler tell of states of tasks while a plugin that stays wants to know."""
        wanted = any(
            _transitions.overrides(plugin, "transition", "WorkerPlugin")
            for name, plugin in self.plugins.items()
            if name != leaving
        )
        if self.core is None or wanted is (self._follower is not None):
            return
        follower = self._follower
        if follower is None:
            tell = _transitions.ForWorkers(str(self.core.address))
            self._follower = await in_own_thread(self._follow, tell)
        else:
            self._follower = None
            await in_own_thread(_unfollow, follower)

    def _follow(self, tell: _transitions.ForWorkers) -> Any:
        """Return a connection on which the scheduler tells of steps of tasks."""
        follower = self._connect("transitions")

        def pushed(topic: str, body: Any) -> None:
            self._soon(self._stepped, tell, body[1])

        follower.on_push(pushed)
        follower.ask("topic.subscribe", {"topic": _transitions.TOPIC})
        return follower

    def _stepped(self, tell: _transitions.ForWorkers, told: Any) -> None:
        """A task went from state to state."""
        for step in tell.read(told):
            for name, plugin in list(self.plugins.items()):
                if not hasattr(plugin, "transition"):
                    continue
                try:
                    plugin.transition(step.key, step.start, step.finish)
                except Exception:
                    self._logger.exception("Worker plugin %s failed in transition", name)


def _unfollow(follower: Any) -> None:
    """Hear what is on its way, and no more."""
    with suppress(Exception):  # the scheduler may be gone
        follower.ask("topic.unsubscribe", {"topic": _transitions.TOPIC}, 1.0)
    follower.close()
