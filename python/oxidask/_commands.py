"""Commands that start parts of a cluster: what they share."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

__all__ = [
    "add_security",
    "add_version",
    "fail",
    "parse_with_preloads",
    "pid_file",
    "run_until_done",
    "security_from",
    "switch",
]

_USAGE_ERROR = 2


def switch(parser: argparse._ActionsContainer, name: str, default: Any, text: str) -> None:
    """Add ``--name/--no-name``."""
    parser.add_argument(
        f"--{name}", action=argparse.BooleanOptionalAction, default=default, help=text
    )


def add_security(parser: argparse.ArgumentParser) -> None:
    """Add what secures links."""
    group = parser.add_argument_group("security")
    group.add_argument("--tls-ca-file", metavar="FILE", help="the authority's certificate (PEM)")
    group.add_argument("--tls-cert", metavar="FILE", help="this process's certificate (PEM)")
    group.add_argument("--tls-key", metavar="FILE", help="its key (PEM)")
    group.add_argument(
        "--token",
        help="a secret that all processes of the cluster know; better in the variable "
        "DASK_DISTRIBUTED__COMM__TOKEN, which other users of the machine don't see",
    )


def security_from(arguments: argparse.Namespace, role: str) -> Any:
    """Return the `Security` of what was given."""
    from oxidask.distributed.security import Security

    given = {
        "tls_ca_file": arguments.tls_ca_file,
        f"tls_{role}_cert": arguments.tls_cert,
        f"tls_{role}_key": arguments.tls_key,
        "token": arguments.token,
    }
    return Security(**{name: value for name, value in given.items() if value})


def add_version(parser: argparse.ArgumentParser) -> None:
    """Add ``--version``."""
    from oxidask._version import __version__

    parser.add_argument("--version", action="version", version=f"oxidask, version {__version__}")


def parse_with_preloads(
    parser: argparse.ArgumentParser, argv: list[str]
) -> tuple[argparse.Namespace, list[str]]:
    """Parse words; those that are not the command's are its preloads', if there are any."""
    arguments, rest = parser.parse_known_args(argv)
    if rest and not arguments.preload:
        flags = [word for word in rest if word.startswith("-")]
        if flags:
            parser.error(f"No such option: {flags[0]}")
        parser.error(
            f"Got unexpected extra argument ({' '.join(rest)}). See --help. Words for a preload "
            "come behind --preload."
        )
    return arguments, rest


class pid_file:  # a context manager
    """Keeps the number of this process in a file while it runs.

    Parameters
    ----------
    path
        The file; None for none.
    """

    def __init__(self, path: str | None) -> None:
        self._path = path

    def __enter__(self) -> None:
        if self._path:
            with open(self._path, "w", encoding="ascii") as file:
                file.write(str(os.getpid()))

    def __exit__(self, *args: object) -> None:
        if self._path:
            with suppress(OSError):
                os.remove(self._path)


def show_logs() -> None:
    """Show logs of the cluster from ``info`` on, as commands do."""
    from oxidask.distributed._logs import show_from

    show_from(logging.INFO)


def run_until_done(start: Callable[[], Awaitable[list[Any]]], what: str, logger_name: str) -> int:
    """Start some nodes and wait until they are closed, or until a signal comes.

    Parameters
    ----------
    start
        Starts the nodes and returns them.
    what
        What they are called in the log.
    logger_name
        Where that is logged.

    Returns
    -------
    int
        The exit status: 1 if they did not start.
    """
    show_logs()
    logger = logging.getLogger(logger_name)
    try:
        return asyncio.run(_serve(start, logger))
    finally:
        logger.info("End %s", what)
        # Threads of tasks that run on must not keep the process.
        sys.stdout.flush()
        sys.stderr.flush()


async def _serve(start: Callable[[], Awaitable[list[Any]]], logger: logging.Logger) -> int:
    stopped = asyncio.Event()
    reason: list[str] = []

    def stop(number: int) -> None:
        reason.append(f"signal-{number}")
        logger.info("Received signal %s (%d)", signal.Signals(number).name, number)
        stopped.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop, number)
    starting = asyncio.ensure_future(start())
    waiting = asyncio.ensure_future(stopped.wait())
    await asyncio.wait([starting, waiting], return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        starting.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await starting
        return 0
    try:
        nodes = starting.result()
    except Exception as error:
        waiting.cancel()
        _tell(error, logger)
        return 1
    finished = [asyncio.ensure_future(node.finished()) for node in nodes]
    while finished and not stopped.is_set():
        _, left = await asyncio.wait([*finished, waiting], return_when=asyncio.FIRST_COMPLETED)
        finished = [task for task in finished if task in left]
    waiting.cancel()
    await asyncio.gather(*(_close(node, reason) for node in nodes), return_exceptions=True)
    for task in finished:
        task.cancel()
    return 0


async def _close(node: Any, reason: list[str]) -> None:
    await node.close(reason=reason[0] if reason else "finished")


def _tell(error: BaseException, logger: logging.Logger) -> None:
    """Say what went wrong, its causes behind it."""
    seen: BaseException | None = error
    lines: list[str] = []
    while seen is not None and len(lines) < 5:
        lines.append(f"{type(seen).__name__}: {seen}" if lines else str(seen))
        seen = seen.__cause__
    logger.error("%s", "\n  from ".join(lines))
    if isinstance(error, TimeoutError):
        logger.error("Timed out starting worker")


def fail(message: str) -> int:
    """Say what is wrong with how the command was given."""
    print(f"oxidask: {message}", file=sys.stderr)
    return _USAGE_ERROR


def leave(status: int) -> int:
    """End the process with this status, whatever threads still do."""
    import threading

    if threading.active_count() > 1 and "pytest" not in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
