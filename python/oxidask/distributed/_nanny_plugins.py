"""Plugins of a nanny: set up before its worker starts, and torn down."""

from __future__ import annotations

import inspect
import logging
from typing import Any

from oxidask.distributed.core import Status

__all__ = ["PluginsOfNanny"]


class PluginsOfNanny:
    """The part of a nanny that has plugins."""

    plugins: dict[str, Any]
    status: Status
    loop: Any
    restart: Any
    _spawn: Any
    _logger: logging.Logger

    async def plugin_add(self, plugin: Any, name: str | None = None) -> None:
        """Set a plugin up; the worker is started anew if the plugin asks for it."""
        from oxidask.distributed.diagnostics._plugin_bases import name_of

        name = name or name_of(plugin)
        if name in self.plugins:
            if getattr(plugin, "idempotent", False):
                return
            await self.plugin_remove(name)
        await self._set_plugin_up(plugin, name)
        if getattr(plugin, "restart", False) and self.status is Status.running:
            # Whoever asked is answered through the worker: it may end only after that.
            assert self.loop is not None
            reason = f"nanny-plugin-{name}"
            self.loop.call_later(0.05, lambda: self._spawn(self.restart(reason=reason)))

    async def _set_plugin_up(self, plugin: Any, name: str) -> None:
        self.plugins[name] = plugin
        self._logger.info("Starting Nanny plugin %s", name)
        try:
            result = plugin.setup(nanny=self) if hasattr(plugin, "setup") else None
            if inspect.isawaitable(result):
                await result
        except Exception:
            self._logger.exception("Nanny plugin %s failed to setup", name)
            raise

    async def plugin_remove(self, name: str) -> None:
        """Tear a plugin down."""
        plugin = self.plugins.pop(name, None)
        if plugin is None:
            return
        self._logger.info("Removing Nanny plugin %s", name)
        try:
            result = plugin.teardown(nanny=self) if hasattr(plugin, "teardown") else None
            if inspect.isawaitable(result):
                await result
        except Exception:
            self._logger.exception("Nanny plugin %s failed to teardown", name)
            raise
