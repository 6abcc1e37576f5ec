"""``oxidask ssh``: a scheduler and workers on several machines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from oxidask._commands import add_version, fail, leave, run_until_done

__all__ = ["main", "parser"]


def parser() -> argparse.ArgumentParser:
    """Return what reads the command's words."""
    made = argparse.ArgumentParser(
        prog="oxidask ssh",
        description="Start a scheduler on the first machine and workers on all of them.",
        allow_abbrev=False,
    )
    made.add_argument("hostnames", nargs="*", help="machines")
    made.add_argument("--hostfile", metavar="FILE", help="a file with a machine on each line")
    made.add_argument("--scheduler", help="the machine of the scheduler; default: the first")
    made.add_argument("--scheduler-port", type=int, default=8786, help="default: 8786")
    made.add_argument("--nthreads", type=int, default=0, help="threads of each worker")
    made.add_argument("--nworkers", default="1", help="workers of each machine")
    made.add_argument("--memory-limit", default="auto", help="of each worker")
    made.add_argument("--worker-port", help="port of the workers")
    made.add_argument("--nanny-port", help="accepted: nannies need none")
    made.add_argument("--nohost", action="store_true", help="let workers find out their own hosts")
    made.add_argument("--ssh-username", help="who logs in")
    made.add_argument("--ssh-port", type=int, default=22, help="default: 22")
    made.add_argument("--ssh-private-key", metavar="FILE", help="the key to log in with")
    made.add_argument("--log-directory", metavar="FOLDER", help="where each process's log goes")
    made.add_argument("--local-directory", metavar="FOLDER", help="where workers' folders are made")
    made.add_argument("--remote-python", help="the interpreter there")
    made.add_argument("--remote-dask-worker", help="accepted for Dask's sake")
    add_version(made)
    return made


def main(argv: list[str]) -> int:
    """Run the command; return the exit status."""
    reader = parser()
    arguments = reader.parse_args(argv)
    hosts = list(arguments.hostnames)
    try:
        if arguments.hostfile:
            lines = Path(arguments.hostfile).read_text(encoding="utf-8").splitlines()
            hosts += [line.strip() for line in lines if line.strip()]
    except OSError as error:
        return fail(f"--hostfile: {error}")
    if not hosts:
        reader.print_help()
        return 0
    options = _options(arguments, hosts)

    async def start() -> list[Any]:
        from oxidask.distributed.deploy.ssh import SSHCluster

        cluster = await SSHCluster(asynchronous=True, **options)
        print(f"Scheduler at: {cluster.scheduler_address}", flush=True)
        return [_Cluster(cluster)]

    return leave(run_until_done(start, "ssh", "distributed.ssh"))


class _Cluster:
    """A cluster that is waited for and closed like a node."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster

    async def finished(self) -> None:
        await self._cluster.scheduler.finished()

    async def close(self, reason: str = "") -> None:
        await self._cluster.close()


def _options(arguments: argparse.Namespace, hosts: list[str]) -> dict[str, Any]:
    connect: dict[str, Any] = {}
    if arguments.ssh_username:
        connect["username"] = arguments.ssh_username
    if arguments.ssh_port != 22:
        connect["port"] = arguments.ssh_port
    if arguments.ssh_private_key:
        connect["client_keys"] = [arguments.ssh_private_key]
    worker = {
        "nthreads": arguments.nthreads or None,
        "n_workers": arguments.nworkers,
        "memory_limit": arguments.memory_limit,
        "worker_port": arguments.worker_port,
        "local_directory": arguments.local_directory,
    }
    return {
        "hosts": [arguments.scheduler or hosts[0], *hosts],
        "connect_options": connect,
        "worker_options": worker,
        "scheduler_options": {"port": arguments.scheduler_port},
        "remote_python": arguments.remote_python,
    }
