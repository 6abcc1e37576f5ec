"""``oxidask worker``."""

from __future__ import annotations

import argparse
import asyncio
import importlib
from pathlib import Path
from typing import Any

from oxidask._commands import (
    add_security,
    add_version,
    fail,
    leave,
    parse_with_preloads,
    pid_file,
    run_until_done,
    security_from,
    switch,
)

__all__ = ["apportion_ports", "main", "parser"]


def parser() -> argparse.ArgumentParser:
    """Return what reads the command's words."""
    made = argparse.ArgumentParser(
        prog="oxidask worker", description="Start workers of a scheduler.", allow_abbrev=False
    )
    made.add_argument("scheduler", nargs="?", help="the scheduler's address")
    made.add_argument("--scheduler-file", metavar="FILE", help="the file the scheduler wrote")
    made.add_argument(
        "--nworkers", help="how many worker processes; 'auto' or a negative number: by processors"
    )
    made.add_argument(
        "--nthreads", type=int, default=0, help="threads of each; default: processors"
    )
    made.add_argument("--name", help="a name; several workers get numbers behind it")
    made.add_argument(
        "--memory-limit", default="auto",
        help="of each: bytes, '4GB', a fraction such as 0.5, 'auto', or 0 for none",
    )  # fmt: skip
    made.add_argument("--resources", default="", help='what tasks may ask for: "GPU=2 MEM=10e9"')
    switch(made, "nanny", None, "watch each worker and start it anew when it dies (default)")
    where = made.add_argument_group("addresses")
    where.add_argument("--host", help="the host that others reach this machine by")
    where.add_argument("--worker-port", help="a port, or a range: 3000:3026")
    where.add_argument("--nanny-port", help="a port, or a range; accepted: nannies need none")
    where.add_argument("--listen-address", help="the address to listen at")
    where.add_argument("--contact-address", help="the address that others are told")
    where.add_argument("--interface", help="network interface, such as eth0")
    where.add_argument("--protocol", help="tcp, tls or unix")
    where.add_argument("--scheduler-sni", help="accepted for Dask's sake")
    switch(where, "dashboard", True, "accepted: the scheduler's dashboard shows workers too")
    where.add_argument("--dashboard-address", default=":0", help="accepted, likewise")
    where.add_argument("--dashboard-prefix", default="", help="accepted, likewise")
    made.add_argument("--local-directory", metavar="FOLDER", help="where workers' folders are made")
    made.add_argument("--death-timeout", help="give up if the scheduler is not there after so long")
    made.add_argument("--lifetime", help="leave after so long")
    made.add_argument("--lifetime-stagger", help="a random time more or less")
    switch(made, "lifetime-restart", None, "start anew after that")
    made.add_argument("--worker-class", default="oxidask.distributed.Worker", help="a class")
    made.add_argument("--pid-file", metavar="FILE", help="a file for the number of the process")
    made.add_argument(
        "--preload", action="append", default=[], metavar="MODULE",
        help="a module, file, address or text to run first, which may have dask_setup(worker)",
    )  # fmt: skip
    made.add_argument(
        "--preload-nanny", action="append", default=[], metavar="MODULE",
        help="the same for the nanny",
    )  # fmt: skip
    add_security(made)
    add_version(made)
    return made


def main(argv: list[str]) -> int:
    """Run the command; return the exit status."""
    reader = parser()
    arguments, rest = parse_with_preloads(reader, argv)
    try:
        nodes = _plan(arguments, rest)
    except ValueError as error:
        return fail(f"worker: {error}")

    async def start() -> list[Any]:
        made = [cls(*given, **options) for cls, given, options in nodes]
        await _begin_all(made)
        return made

    with pid_file(arguments.pid_file):
        status = run_until_done(start, "worker", "distributed.worker")
    return leave(status)


async def _begin_all(nodes: list[Any]) -> None:
    """Start all, or none: whatever ends this, nothing of it goes on."""
    tasks = [asyncio.ensure_future(_begin(node)) for node in nodes]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in tasks:
            task.cancel()
        # Each has its process to end before the loop may.
        results = await asyncio.gather(*tasks, return_exceptions=True)
        failed = [result for result in results if isinstance(result, Exception)]
        if any(task.cancelled() for task in tasks) or failed:
            await asyncio.gather(*(node.close() for node in nodes), return_exceptions=True)
    if failed:
        raise failed[0]


async def _begin(node: Any) -> None:
    await node


def _plan(arguments: argparse.Namespace, rest: list[str]) -> list[tuple[Any, tuple[Any, ...], Any]]:
    """Return the classes of what to start, with their arguments."""
    from oxidask import config
    from oxidask.distributed.nanny import Nanny

    count, nthreads = _counts(arguments)
    with_nanny = arguments.nanny is not False
    if count > 1 and not with_nanny:
        raise ValueError(
            "Failed to launch worker: several workers (--nworkers) need nannies; leave "
            "--no-nanny out"
        )
    if arguments.contact_address and not arguments.listen_address:
        raise ValueError("--contact-address needs --listen-address: where the worker really is")
    address = _scheduler(arguments)
    worker_class = _class(arguments.worker_class)
    options: dict[str, Any] = {
        "nthreads": nthreads,
        "memory_limit": arguments.memory_limit,
        "local_directory": arguments.local_directory,
        "death_timeout": arguments.death_timeout,
        "preload": arguments.preload or config.get("distributed.worker.preload", []),
        "preload_argv": rest,
        "security": security_from(arguments, "worker"),
        "interface": arguments.interface,
        "protocol": arguments.protocol,
        "host": arguments.listen_address or arguments.host,
        "contact_address": arguments.contact_address,
        "lifetime": arguments.lifetime,
        "lifetime_stagger": arguments.lifetime_stagger,
        "lifetime_restart": arguments.lifetime_restart,
        "patience": arguments.death_timeout or float("inf"),
    }
    if arguments.resources:
        options["resources"] = _resources(arguments.resources)
    if with_nanny:
        options["preload_nanny"] = arguments.preload_nanny or config.get(
            "distributed.nanny.preload", []
        )
        options["worker_class"] = worker_class
    ports = apportion_ports(arguments.worker_port, arguments.nanny_port, count, with_nanny)
    cls = Nanny if with_nanny else worker_class
    names = _names(arguments.name, count)
    return [
        (cls, (address,), {**options, **port, **({} if name is None else {"name": name})})
        for port, name in zip(ports, names, strict=True)
    ]


def _scheduler(arguments: argparse.Namespace) -> str:
    from oxidask import config

    given: str | None = arguments.scheduler
    if given is None and arguments.scheduler_file:
        return _from_file(Path(arguments.scheduler_file), arguments.death_timeout)
    given = given or config.get("scheduler-address", None)
    if given is None:
        raise ValueError(
            "Need to provide scheduler address like\n"
            "  oxidask worker SCHEDULER_ADDRESS:8786\nor --scheduler-file FILE"
        )
    return given


def _from_file(path: Path, death_timeout: Any) -> str:
    """Return the address in a scheduler's file, once that is there."""
    import json
    import time

    from oxidask.distributed._node import seconds_of

    limit = seconds_of(death_timeout)
    end = None if limit is None else time.monotonic() + limit
    while True:
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["address"])
        except FileNotFoundError:
            if end is not None and time.monotonic() > end:
                raise ValueError(f"--scheduler-file {path} is not there") from None
            time.sleep(0.05)
        except (ValueError, KeyError) as error:
            raise ValueError(f"--scheduler-file {path} is no scheduler's file: {error}") from None


def _counts(arguments: argparse.Namespace) -> tuple[int, int]:
    """Return how many workers there are to be, with how many threads each."""
    from oxidask.distributed.deploy.utils import nprocesses_nthreads
    from oxidask.system import CPU_COUNT

    given, nthreads = arguments.nworkers, arguments.nthreads
    if given == "auto":
        if nthreads:
            raise ValueError("--nworkers=auto chooses --nthreads too: leave that out")
        return nprocesses_nthreads()
    try:
        count = 1 if given is None else int(given)
    except ValueError:
        raise ValueError(f"--nworkers {given}: a whole number or 'auto' is expected") from None
    if count == 0:
        raise ValueError("--nworkers 0: there is nothing to start")
    if count < 0:
        count = max(1, CPU_COUNT + 1 + count)
    return count, nthreads or max(1, CPU_COUNT // count)


def _names(name: str | None, count: int) -> list[Any]:
    if name is None:
        return [None] * count
    if count > 1:
        return [f"{name}-{number}" for number in range(count)]
    return [int(name) if name.isascii() and name.isdecimal() else name]


def _resources(text: str) -> dict[str, float]:
    """Return amounts by name from ``"GPU=2 MEM=10e9"``."""
    found = {}
    for word in text.replace(",", " ").split():
        name, equals, amount = word.partition("=")
        try:
            if not equals or not name:
                raise ValueError
            found[name] = float(amount)
        except ValueError:
            raise ValueError(f"--resources {word!r}: NAME=NUMBER is expected") from None
    return found


def _class(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    for theirs in ("dask.distributed", "distributed"):
        if module == theirs or module.startswith(theirs + "."):
            module = "oxidask.distributed" + module[len(theirs) :]
            break
    try:
        if name in ("oxidask.distributed.Worker", "oxidask.distributed.Nanny"):
            module = f"oxidask.distributed.{'worker' if attribute == 'Worker' else 'nanny'}"
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"--worker-class {name}: {error}") from None


def apportion_ports(
    worker_port: Any, nanny_port: Any, n_workers: int, nanny: bool
) -> list[dict[str, Any]]:
    """Share ports out among workers and nannies.

    Parameters
    ----------
    worker_port, nanny_port
        A port, or a range such as ``"3000:3010"``; None or 0 for any.
    n_workers
        How many workers there are.
    nanny
        Whether each has a nanny.

    Returns
    -------
    list of dict
        For each, ``port`` (and, of a nanny, ``worker_port``): a port, several to try, or any.

    Examples
    --------
    >>> apportion_ports("100:103", None, 2, False)
    [{'port': [100, 102]}, {'port': [101, 103]}]
    """
    workers, nannies = _ports(worker_port), _ports(nanny_port)
    if not nanny:
        return [{"port": port} for port in _shares(workers, n_workers)]
    if isinstance(workers, list) and isinstance(nannies, list) and set(workers) & set(nannies):
        workers, nannies = _disjoint(workers, nannies, n_workers)
    return [
        {"port": own, "worker_port": worker}
        for own, worker in zip(
            _shares(nannies, n_workers), _shares(workers, n_workers), strict=True
        )
    ]


def _ports(given: Any) -> Any:
    """Return None, 0, or a list of ports."""
    if given is None or given == "":
        return None
    if not isinstance(given, str):
        return given if given == 0 else [given]
    if ":" not in given:
        return [int(given)] if int(given) else 0
    first, last = given.split(":")
    if int(last) <= int(first):
        raise ValueError(f"port_stop must be greater than port_start, not {given!r}")
    return list(range(int(first), int(last) + 1))


def _shares(ports: Any, count: int) -> list[Any]:
    if not isinstance(ports, list):
        return [ports] * count
    if len(ports) < count:
        raise ValueError(f"Not enough ports in range: {len(ports)} for {count} processes")
    shares = [ports[number::count] for number in range(count)]
    return [share[0] if len(share) == 1 else share for share in shares]


def _disjoint(workers: list[int], nannies: list[int], count: int) -> tuple[list[int], list[int]]:
    """Share the ports that both ranges have out by turns."""
    both = sorted(set(workers) & set(nannies))
    only_workers = [port for port in workers if port not in both]
    only_nannies = [port for port in nannies if port not in both]
    for port in both:
        fewer = len(only_workers) <= len(only_nannies)
        (only_workers if fewer else only_nannies).append(port)
    return sorted(only_workers), sorted(only_nannies)
