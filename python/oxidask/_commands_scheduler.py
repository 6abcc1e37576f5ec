"""``oxidask scheduler``."""

from __future__ import annotations

import argparse
from typing import Any

from oxidask._commands import (
    add_security,
    add_version,
    leave,
    parse_with_preloads,
    pid_file,
    run_until_done,
    security_from,
    switch,
)

__all__ = ["main", "parser"]


def parser() -> argparse.ArgumentParser:
    """Return what reads the command's words."""
    made = argparse.ArgumentParser(
        prog="oxidask scheduler",
        description="Start a scheduler. Beyond this machine (--host) it needs a token or TLS.",
        allow_abbrev=False,
    )
    made.add_argument("--host", help="host, host:port or address to listen at; default: 127.0.0.1")
    made.add_argument("--port", type=int, help="port to listen at; 0 for any; default: 8786")
    made.add_argument("--protocol", help="tcp, tls or unix")
    made.add_argument("--interface", help="network interface to listen at, such as eth0")
    made.add_argument("--contact-address", help="the address that others are told")
    switch(made, "dashboard", True, "start the dashboard")
    made.add_argument(
        "--dashboard-address",
        help="default: :8787; with --no-dashboard, where only /health, /metrics and the like are",
    )
    made.add_argument("--dashboard-prefix", default="", help="prefix of the dashboard's pages")
    made.add_argument("--use-xheaders", action="store_true", help="trust headers of a proxy")
    switch(made, "show", None, "open the dashboard in a browser")
    switch(made, "jupyter", False, "start a Jupyter server beside the dashboard")
    made.add_argument("--pid-file", metavar="FILE", help="a file for the number of the process")
    made.add_argument("--scheduler-file", metavar="FILE", help="a file for the address")
    made.add_argument("--idle-timeout", help="end after so long without work, such as '1 hour'")
    made.add_argument(
        "--preload", action="append", default=[], metavar="MODULE",
        help="a module, file, address or text to run first, which may have dask_setup(scheduler)",
    )  # fmt: skip
    add_security(made)
    add_version(made)
    return made


def main(argv: list[str]) -> int:
    """Run the command; return the exit status."""
    from oxidask import config

    reader = parser()
    arguments, rest = parse_with_preloads(reader, argv)
    if arguments.jupyter:
        reader.error("--jupyter: there is no Jupyter server beside the dashboard; start your own")
    port = arguments.port
    if port is None:
        port = 8786
    if port < 0 or port > 65535:
        reader.error(f"--port {port}: a port is a number from 0 to 65535")
    preload = arguments.preload or config.get("distributed.scheduler.preload", [])
    options: dict[str, Any] = {
        "host": arguments.host,
        "port": port,
        "protocol": arguments.protocol,
        "interface": arguments.interface,
        "contact_address": arguments.contact_address,
        "security": security_from(arguments, "scheduler"),
        "dashboard": arguments.dashboard,
        "dashboard_address": arguments.dashboard_address
        or (":8787" if arguments.dashboard else None),
        "http_prefix": arguments.dashboard_prefix,
        "scheduler_file": arguments.scheduler_file,
        "idle_timeout": arguments.idle_timeout,
        "preload": preload,
        "preload_argv": rest,
    }

    async def start() -> list[Any]:
        from oxidask.distributed.scheduler import Scheduler

        return [await Scheduler(**options)]

    with pid_file(arguments.pid_file):
        status = run_until_done(start, "scheduler", "distributed.scheduler")
    return leave(status)
