"""Plugins of a worker: set up, torn down, and told of states of tasks."""

from __future__ import annotations

import inspect
import logging
from typing import Any

__all__ = ["PluginsOfWorker"]


class PluginsOfWorker:
    """The part of a worker that has plugins."""

    core: Any
    plugins: dict[str, Any]
    _logger: logging.Logger

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
        self._watch_transitions()

    async def plugin_remove(self, name: str) -> None:
        """Tear a plugin down."""
        plugin = self.plugins.pop(name, None)
        if plugin is None:
            return
        self._logger.info("Removing Worker plugin %s", name)
        try:
            result = plugin.teardown(worker=self) if hasattr(plugin, "teardown") else None
            if inspect.isawaitable(result):
                await result
        except Exception:
            self._logger.exception("Worker plugin %s failed to teardown", name)
            raise
        self._watch_transitions()

    def _watch_transitions(self) -> None:
        """Have the core tell of states of tasks, if a plugin wants to know."""
        from oxidask.distributed.diagnostics.plugin import WorkerPlugin

        watch = getattr(self.core, "on_transition", None)
        if watch is None:
            return
        base = WorkerPlugin.transition
        plugins = self.plugins.values()
        wanted = any(getattr(type(p), "transition", base) is not base for p in plugins)
        watch(self._transition if wanted else None)

    def _transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:
        for name, plugin in list(self.plugins.items()):
            if hasattr(plugin, "transition"):
                try:
                    plugin.transition(key, start, finish, **kwargs)
                except Exception:
                    self._logger.exception("Worker plugin %s failed in transition", name)
