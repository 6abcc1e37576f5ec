"""Schedulers and workers that run as commands of their own, here or on other machines."""

from __future__ import annotations

import asyncio
import json
import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from oxidask.distributed.core import Status
from oxidask.distributed.deploy.spec import ProcessInterface

__all__ = ["CommandProcess", "flags"]

_SCHEDULER_AT = re.compile(r"Scheduler at:\s*(\S+)")
_KEPT_LINES = 200


class CommandProcess(ProcessInterface):
    """A command that starts a part of a cluster and says so in its log.

    Derived classes start it in ``_launch`` and return a stream of its lines.
    """

    #: What people are told did not start.
    _what = "Process"
    #: What the log says once it has started.
    _ready = re.compile("")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reading: asyncio.Task[None] | None = None

    async def _launch(self) -> Any:
        raise NotImplementedError

    async def start(self) -> None:
        """Start the command and wait until its log says that it is there.

        Raises
        ------
        RuntimeError
            With its last lines, if it ends before.
        """
        self.status = Status.starting
        stream = await self._launch()
        while True:
            line = await stream.readline()
            if not line:
                self.status = Status.failed
                await self.close()
                self.status = Status.failed
                raise RuntimeError(f"{self._what} failed to start\n" + "\n".join(self.lines))
            text = _text(line)
            self.lines.append(text)
            found = self._ready.search(text)
            if found:
                if found.groups():
                    self.address = found.group(1)
                break
        self._reading = asyncio.ensure_future(self._read(stream))
        self.status = Status.running

    async def _read(self, stream: Any) -> None:
        # A pipe that nobody reads would hold the command up.
        while line := await stream.readline():
            self.lines.append(_text(line))
        if self.status is Status.running:
            await self.close()

    async def close(self, **kwargs: Any) -> None:
        """End the command."""
        if self._reading is not None and self._reading is not asyncio.current_task():
            self._reading.cancel()
        await super().close()


class SchedulerProcess(CommandProcess):
    """A command that is a scheduler."""

    _what = "Scheduler"
    _ready = _SCHEDULER_AT


class WorkerProcess(CommandProcess):
    """A command that is a worker."""

    _what = "Worker"
    _ready = re.compile(r"Registered to:")


def flags(options: Mapping[str, Any]) -> list[str]:
    """Return options of a command as words.

    Examples
    --------
    >>> flags({"n_workers": 2, "death_timeout": "5s", "nanny": False, "dashboard": None})
    ['--nworkers', '2', '--death-timeout', '5s', '--no-nanny']
    """
    words = []
    for name, value in options.items():
        if value is None:
            continue
        name = {"n_workers": "nworkers"}.get(name, name).replace("_", "-")
        if value is True:
            words.append(f"--{name}")
        elif value is False:
            words.append(f"--no-{name}")
        elif isinstance(value, dict):
            words += [f"--{name}", " ".join(f"{key}={amount}" for key, amount in value.items())]
        else:
            words += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    return words


def _text(line: Any) -> str:
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else str(line)
    return text.rstrip()
