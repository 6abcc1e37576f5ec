"""States of the processes of a cluster."""

from __future__ import annotations

import enum

__all__ = ["Status"]


class Status(enum.Enum):
    """What a scheduler, a worker, a nanny or a cluster is about.

    Examples
    --------
    >>> Status.running.name
    'running'
    """

    undefined = "undefined"
    created = "created"
    init = "init"
    starting = "starting"
    running = "running"
    paused = "paused"
    stopping = "stopping"
    stopped = "stopped"
    closing = "closing"
    closing_gracefully = "closing_gracefully"
    failed = "failed"
    closed = "closed"
    dont_reply = "dont_reply"


#: States in which a process takes part, or soon will.
ALIVE = frozenset(
    {Status.created, Status.init, Status.starting, Status.running, Status.paused, Status.undefined}
)
