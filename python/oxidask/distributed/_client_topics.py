"""Topics: what tasks, workers and the scheduler tell, pushed to the clients that want it."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import logging
import sys
import warnings
import weakref
from collections.abc import Callable
from typing import Any

from oxidask.distributed._client_base import ClientBase, logger
from oxidask.distributed._values import pack, unpack

__all__ = ["LOG_TOPIC", "TopicsMixin"]

LOG_TOPIC = "forwarded-log-record"
"""The prefix of the topics of forwarded log records."""


class TopicsMixin(ClientBase):
    """``log_event``, ``get_events``, ``subscribe_topic`` and what builds on them."""

    _handlers: dict[str, Callable[[Any], Any]]
    _listeners: dict[str, list[Any]]
    _callbacks: Any

    def log_event(self, topic: Any, msg: Any) -> Any:
        """Note an event under a topic, on the scheduler.

        Parameters
        ----------
        topic
            A name, or several.
        msg
            Any object that can be pickled.
        """
        topics = [topic] if isinstance(topic, str) else list(topic)
        return self.sync(self._log_event, topics, msg)

    async def _log_event(self, topics: list[str], msg: Any) -> None:
        for topic in topics:
            await self._ask("topic.log", {"topic": topic, "body": pack(msg)})

    def get_events(self, topic: str | None = None) -> Any:
        """Return the events of a topic, or of all of them.

        Parameters
        ----------
        topic
            A name; by default a dictionary of all topics is returned.

        Returns
        -------
        tuple of (time, msg)
        """
        return self.sync(self._get_events, topic)

    async def _get_events(self, topic: str | None) -> Any:
        found = await self._ask("topic.events", {} if topic is None else {"topic": topic})
        if topic is not None:
            return self._read_events(found)
        return {name: self._read_events(events) for name, events in found.items()}

    def _read_events(self, events: Any) -> tuple[Any, ...]:
        return tuple((time, unpack(body, self)) for time, body in events or ())

    def subscribe_topic(self, topic: str, handler: Callable[[Any], Any]) -> Any:
        """Call a function with each event of a topic from now on.

        Parameters
        ----------
        topic
            A name. There is one handler of a topic: a second one takes its place.
        handler
            A function or coroutine function of ``(time, msg)``.
        """
        if not callable(handler):
            raise TypeError(f"a handler is a function of (time, message), got {handler!r}")
        self._handlers[topic] = handler
        return self.sync(self._ask, "topic.subscribe", {"topic": topic})

    def unsubscribe_topic(self, topic: str) -> Any:
        """Stop what :meth:`subscribe_topic` began.

        Parameters
        ----------
        topic
            A name.
        """
        if topic not in self._handlers:
            raise ValueError(f"No event handler known for topic {topic}")
        del self._handlers[topic]
        return self.sync(self._ask, "topic.unsubscribe", {"topic": topic})

    def forward_logging(self, logger_name: str | None = None, level: int = 0) -> Any:
        """Handle here what a logger of the workers says, too.

        Parameters
        ----------
        logger_name
            By default the root logger.
        level
            What is below it stays on the workers.
        """
        return self.sync(self._forward_logging, logger_name, level)

    async def _forward_logging(self, logger_name: str | None, level: int) -> Any:
        from oxidask.distributed._plugin_registry import register
        from oxidask.distributed.diagnostics.plugin import ForwardLoggingPlugin

        topic = f"{LOG_TOPIC}-{logger_name or 'root'}"
        await self._subscribe(topic, _handle_log_record)
        return await register(self, ForwardLoggingPlugin(logger_name, level, topic), topic)

    async def _subscribe(self, topic: str, handler: Callable[[Any], Any]) -> None:
        self._handlers[topic] = handler
        await self._ask("topic.subscribe", {"topic": topic})

    def unforward_logging(self, logger_name: str | None = None) -> Any:
        """Stop what :meth:`forward_logging` began.

        Parameters
        ----------
        logger_name
            As it was given there.
        """
        return self.sync(self._unforward_logging, logger_name)

    async def _unforward_logging(self, logger_name: str | None) -> Any:
        from oxidask.distributed._plugin_registry import unregister

        topic = f"{LOG_TOPIC}-{logger_name or 'root'}"
        self._handlers.pop(topic, None)
        await self._ask("topic.unsubscribe", {"topic": topic})
        return await unregister(self, "worker", topic)

    def _listen_to_tasks(self) -> None:
        """Show what tasks print and warn of."""
        core = self._open_core()
        core.on_push(self._pushed)
        for topic, handler in (("print", _handle_print), ("warn", _handle_warn)):
            self._handlers[topic] = handler
            core.ask_then("topic.subscribe", {"topic": topic}, lambda value, error: None)

    def _pushed(self, topic: str, body: Any) -> None:
        """Take an event; on a thread of the native client, which must not be held up."""
        for listener in self._listeners.get(topic, ()):
            listening = listener()
            if listening is not None:
                self._deliver(listening, topic, body)
        handler = self._handlers.get(topic)
        if handler is not None:
            self._deliver(handler, topic, body)

    def _add_listener(self, topic: str, listener: Any) -> Any:
        """Have a bound method called with each event, as long as its object lives."""
        self._listeners.setdefault(topic, []).append(weakref.WeakMethod(listener))
        subscribed = self.sync(self._ask, "topic.subscribe", {"topic": topic})
        return asyncio.ensure_future(subscribed) if self.asynchronous else subscribed

    def _deliver(self, handler: Callable[[Any], Any], topic: str, body: Any) -> None:
        loop = self._aio_loop
        if loop is not None:
            loop.call_soon_threadsafe(self._handle, handler, topic, body)
        elif handler in (_handle_print, _handle_warn):
            # At once, so that it is there before the result of the task is.
            self._handle(handler, topic, body)
        else:
            self._callbacks.put(self._handle, handler, topic, body)

    _aio_loop: asyncio.AbstractEventLoop | None

    def _handle(self, handler: Callable[[Any], Any], topic: str, body: Any) -> None:
        try:
            time, packed = body
            result = handler((time, unpack(packed, self)))
            if inspect.isawaitable(result):
                self._await_soon(result)
        except Exception:
            logger.exception("the handler of topic %r failed", topic)

    def _await_soon(self, awaitable: Any) -> None:
        """Await what a callback returned, on the loop that is there for it."""
        from oxidask.distributed import _loop

        async def waited() -> Any:
            return await awaitable

        if self._aio_loop is not None:
            task = self._aio_loop.create_task(waited())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            asyncio.run_coroutine_threadsafe(waited(), _loop.get_loop())

    _tasks: set[Any]


def _handle_print(event: Any) -> None:
    """Print here what :func:`oxidask.distributed.print` printed in a task."""
    _, msg = event
    if not isinstance(msg, dict):
        raise TypeError(f"an event of topic 'print' must be a dictionary, got {msg!r}")
    args = msg.get("args")
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"what is printed must come as a tuple `args`, got {args!r}")
    file = {1: sys.stdout, 2: sys.stderr}.get(msg.get("file", 1), sys.stdout)
    builtins.print(
        *args,
        sep=msg.get("sep", " "),
        end=msg.get("end", "\n"),
        file=file,
        flush=msg.get("flush", False),
    )


def _handle_warn(event: Any) -> None:
    """Warn here of what :func:`oxidask.distributed.warn` warned of in a task."""
    _, msg = event
    if not isinstance(msg, dict) or "message" not in msg:
        raise TypeError(f"an event of topic 'warn' must have a `message`, got {msg!r}")
    warnings.warn(msg["message"], msg.get("category", UserWarning), stacklevel=3)


def _handle_log_record(event: Any) -> None:
    _, attributes = event
    record = logging.makeLogRecord(attributes)
    target = logging.getLogger(record.name)
    if target.isEnabledFor(record.levelno):
        target.handle(record)
