"""The process of a worker, as its nanny sees it: to be started, asked, ended, and why it ended.

Nanny and worker talk through a pair of sockets. A message is a length and a pickle; each side asks
with a number and gets an answer with it. When the nanny's process dies the system closes its end,
and the worker ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import pickle
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import cloudpickle

__all__ = ["Channel", "Child", "cause_of_death"]

_LENGTH = struct.Struct("<Q")


class Channel:
    """One end of the pair of sockets, on an event loop.

    Parameters
    ----------
    answer
        A coroutine function of a verb and a body: what the other side asks.
    lost
        Called once when the other side is gone.
    """

    def __init__(
        self, answer: Callable[[str, Any], Any], lost: Callable[[], Any] | None = None
    ) -> None:
        self._answer = answer
        self._lost = lost
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._number = 0

    async def open(self, sock: socket.socket) -> None:
        """Begin to read."""
        reader, self._writer = await asyncio.open_connection(sock=sock)
        self._reader = asyncio.ensure_future(self._read(reader))

    async def ask(self, verb: str, body: Any = None) -> Any:
        """Ask the other side and wait for the answer; errors are raised here."""
        self._number += 1
        number = self._number
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._send(("ask", number, verb, body))
            return await future
        finally:
            self._waiting.pop(number, None)

    def tell(self, verb: str, body: Any = None) -> None:
        """Tell the other side something."""
        self._send(("ask", 0, verb, body))

    def _send(self, message: Any) -> None:
        if self._writer is None or self._writer.is_closing():
            raise ConnectionError("the other process is gone")
        data = cloudpickle.dumps(message)
        self._writer.write(_LENGTH.pack(len(data)) + data)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
                kind, number, *rest = pickle.loads(await reader.readexactly(length))
                if kind == "ask":
                    task = asyncio.ensure_future(self._serve(number, *rest))
                    self._answering.add(task)
                    task.add_done_callback(self._answering.discard)
                else:
                    self._settle(number, *rest)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            for future in list(self._waiting.values()):
                if not future.done():
                    future.set_exception(ConnectionError("the other process is gone"))
            if self._lost is not None:
                self._lost()

    def _settle(self, number: int, result: Any, errors: list[BaseException] | None) -> None:
        future = self._waiting.get(number)
        if future is None or future.done():
            return
        if errors:
            # Causes don't survive pickling: they travel beside.
            for error, cause in itertools.pairwise(errors):
                error.__cause__ = cause
            future.set_exception(errors[0])
        else:
            future.set_result(result)

    async def _serve(self, number: int, verb: str, body: Any) -> None:
        result, errors = None, None
        try:
            result = await self._answer(verb, body)
        except Exception as error:
            errors = _chain(error)
        if number:
            with contextlib.suppress(ConnectionError):
                self._send(("answer", number, result, errors))

    async def drain(self) -> None:
        """Wait until what was sent is on its way."""
        if self._writer is not None:
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()

    async def heard_all(self) -> None:
        """Wait until all that the other side sent, which is gone, has been read and answered."""
        if self._reader is not None:
            await asyncio.wait([self._reader, *self._answering], timeout=1)

    def close(self) -> None:
        """End."""
        if self._reader is not None and self._reader is not asyncio.current_task():
            self._reader.cancel()
        if self._writer is not None:
            self._writer.close()


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and len(chain) < 10:
        try:
            pickle.loads(cloudpickle.dumps(error))
        except Exception:
            error = RuntimeError(f"{type(error).__name__}: {error}")
        chain.append(error)
        error = error.__cause__
    return chain


class Child:
    """A worker's process.

    Parameters
    ----------
    environ
        Its environment variables.
    python_path
        Its ``sys.path``.
    answer
        A coroutine function: what the worker asks.
    ended
        Called with the exit status once it is gone.
    """

    def __init__(
        self,
        environ: dict[str, str],
        python_path: list[str],
        answer: Callable[[str, Any], Any],
        ended: Callable[[Child, int], Any],
    ) -> None:
        self._environ = environ
        self._python_path = python_path
        self._ended = ended
        self.channel = Channel(answer)
        self.process: subprocess.Popen[bytes] | None = None
        self.worker_address: str | None = None
        self.worker_dir: str | None = None
        self.worker_name: Any = None
        self._watch: asyncio.Task[None] | None = None
        self.returncode: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def pid(self) -> int | None:
        """Its process."""
        return None if self.process is None else self.process.pid

    def is_alive(self) -> bool:
        """Whether it is there."""
        return self.process is not None and not self.returncode.done()

    async def start(self) -> None:
        """Start it; it waits to be asked to ``start``."""
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
            environ = dict(self._environ)
            path = [package, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
            environ["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(path))
            command = [sys.executable, *_flags(), "-m", "oxidask.distributed._worker_main"]
            self.process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                env=environ,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self._watch = asyncio.ensure_future(self._wait())
        ours.setblocking(False)
        await self.channel.open(ours)

    async def _wait(self) -> None:
        assert self.process is not None
        try:
            status = await _exit_status(self.process)
            # What it said last may still be on its way.
            await self.channel.heard_all()
        finally:
            # If the loop ends nobody is left to watch the process, and others may wait for it.
            self.process.kill()
            status = self.process.wait()
            self.channel.close()
            if not self.returncode.done():
                self.returncode.set_result(status)
        self._ended(self, status)

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self.is_alive() and self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    async def kill(self) -> None:
        """End it at once and wait until it is gone."""
        if self.process is None:
            return
        self.signal(signal.SIGKILL)
        await asyncio.shield(self.returncode)


def _flags() -> list[str]:
    """Return what this interpreter was told that matters to another."""
    return subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined,no-any-return]


async def _exit_status(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process to end, without a thread where the system allows it."""
    status = process.poll()
    if status is not None:
        return status
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):
        from oxidask.distributed._loop import in_own_thread

        return int(await in_own_thread(process.wait))
    done = asyncio.Event()
    loop.add_reader(descriptor, done.set)
    try:
        await done.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()


def cause_of_death(status: int) -> str:
    """Say why a process ended.

    Examples
    --------
    >>> cause_of_death(-9), cause_of_death(3)
    ('killed by signal 9 (SIGKILL)', 'exit code 3')
    """
    if status >= 0:
        return f"exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    return f"killed by signal {-status} ({name})"
