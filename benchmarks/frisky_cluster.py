"""A Frisky cluster inside this process: the least that a task can cost there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from case import library


@contextmanager
def client() -> Iterator[Any]:
    """Give a client of one worker with a thread for each core."""
    frisky = library("frisky")
    cluster = frisky.LocalCluster(
        n_workers=1, threads_per_worker=os.cpu_count(), silence_summary=True
    )
    with cluster, cluster.get_client() as connected:
        yield connected
