"""Workers that die, stop, or come back, in processes of their own."""

from __future__ import annotations

import os
import random
import signal
import threading
import time

import numpy as np
import oxidask
import oxidask.array as da
import pytest
from oxidask import config
from oxidask.distributed import Client, KilledWorker, LocalCluster


def inc(x: int) -> int:
    return x + 1


def add(*parts: int) -> int:
    return sum(parts)


def tree(n_leaves: int, fan_in: int = 10) -> tuple[dict[object, object], object, int]:
    """A graph of leaves and the sums of sums over them, its last key, and what that gives."""
    graph: dict[object, object] = {("leaf", i): (inc, i) for i in range(n_leaves)}
    level = list(graph)
    depth = 0
    while len(level) > 1:
        depth += 1
        nexts = []
        for at in range(0, len(level), fan_in):
            key = (f"sum-{depth}", at // fan_in)
            graph[key] = (add, *level[at : at + fan_in])
            nexts.append(key)
        level = nexts
    return graph, level[0], n_leaves * (n_leaves + 1) // 2


def pids(client: Client) -> list[int]:
    return list(client.run(os.getpid).values())


class Killer(threading.Thread):
    """Sends a signal to random workers until it is told to stop."""

    def __init__(self, client: Client, signals: list[int], seed: int) -> None:
        super().__init__(daemon=True)
        self.client, self.signals, self.done = client, signals, threading.Event()
        self.random = random.Random(seed)
        self.n_sent = 0

    def run(self) -> None:
        while not self.done.wait(0.2) and self.n_sent < 4:
            try:
                pid = self.random.choice(pids(self.client))
                for number in self.signals:
                    os.kill(pid, number)
            except (OSError, IndexError):
                continue
            self.n_sent += 1

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.join(30)

    def __enter__(self) -> Killer:
        self.start()
        return self


def test_workers_killed_during_a_graph_of_20_000_tasks() -> None:
    graph, key, expected = tree(18_000)
    with (
        config.set({"distributed.scheduler.allowed-failures": 20}),
        LocalCluster(n_workers=3, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(3)
        with Killer(client, [signal.SIGKILL], seed=1) as killer:
            while killer.n_sent < 2:
                # A key of its own each time: nothing is remembered.
                assert client.get(graph, key) == expected
        assert client.get(graph, key) == expected


def test_a_stopped_worker_is_given_up_and_its_tasks_run_elsewhere() -> None:
    graph, key, expected = tree(2_000)
    with (
        config.set({"distributed.comm.timeouts.tcp": "1s"}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        stopped = pids(client)[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            future = client.get(graph, key, sync=False)
            assert future.result(timeout=60) == expected
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert client.submit(inc, 1).result(timeout=30) == 2


def test_all_workers_are_lost_and_come_back() -> None:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        futures = client.map(inc, range(100))
        total = client.submit(add, *futures)
        assert total.result(timeout=30) == 5050
        for pid in pids(client):
            os.kill(pid, signal.SIGKILL)
        again = client.submit(add, *futures, 1)
        assert again.result(timeout=60) == 5051
        assert client.gather(futures) == list(range(1, 101))


def die(x: int) -> int:
    os._exit(3)
    return x


def test_a_task_that_kills_its_workers_fails_with_the_cause() -> None:
    with (
        config.set({"distributed.scheduler.allowed-failures": 1}),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        bad = client.submit(die, 1)
        good = client.map(inc, range(10))
        with pytest.raises(KilledWorker, match="die"):
            bad.result(timeout=60)
        assert client.gather(good) == list(range(1, 11))


def test_arrays_larger_than_the_workers_memory() -> None:
    limit = 300_000_000
    size = 3 * 2 * limit // 8
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=limit, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(2)
        before = sorted(pids(client))
        x = client.persist(da.ones(size, chunks=size // 120) * 2.0)
        total = client.compute((x + 1.0).sum())
        assert total.result(timeout=120) == 3.0 * size
        assert sorted(pids(client)) == before, "a worker was killed"


def too_much(n: int) -> int:
    held = []
    for _ in range(n):
        held.append(np.ones(10_000_000))
        time.sleep(0.01)
    return len(held)


def test_a_worker_over_its_memory_limit_is_killed_and_named() -> None:
    with (
        config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(
            n_workers=1, threads_per_worker=1, memory_limit=400_000_000, dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        client.wait_for_workers(1)
        with pytest.raises(KilledWorker):
            client.submit(too_much, 100).result(timeout=60)
        assert client.submit(inc, 1).result(timeout=60) == 2


def test_the_answer_is_the_same_as_without_a_cluster() -> None:
    x = da.random.default_rng(7).normal(size=(400, 400), chunks=100)
    y = (x @ x.T).sum(axis=0)
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
        on_cluster = y.compute()
    with oxidask.config.set(scheduler="threads"):
        np.testing.assert_array_equal(on_cluster, y.compute())
