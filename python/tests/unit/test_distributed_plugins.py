"""Plugins of schedulers and workers: what they are told of tasks, workers and restarts."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from oxidask.distributed import (
    Client,
    Nanny,
    Scheduler,
    SchedulerPlugin,
    Worker,
    WorkerPlugin,
)
from oxidask.distributed._transitions import ForSchedulers, ForWorkers


def inc(x):
    return x + 1


def fail(x):
    raise ValueError(x)


class Noting(SchedulerPlugin):
    """Notes all that it is told."""

    name = "noting"

    def __init__(self):
        self.noted = []

    def transition(self, key, start, finish, *args, **kwargs):
        self.noted.append((key, start, finish))

    def add_worker(self, scheduler, worker):
        self.noted.append(("add_worker", worker))

    async def remove_worker(self, scheduler, worker, **kwargs):
        self.noted.append(("remove_worker", worker))

    def restart(self, scheduler):
        self.noted.append("restart")


class NotingOnWorker(WorkerPlugin):
    name = "noting"

    def __init__(self):
        self.noted = []
        self.noted_before_teardown = None

    def transition(self, key, start, finish, **kwargs):
        self.noted.append((key, start, finish))

    def teardown(self, worker):
        self.noted_before_teardown = list(self.noted)


async def until(condition, timeout=10):
    """Wait for something that others do, looking again and again."""
    end = asyncio.get_running_loop().time() + timeout
    while not condition():
        assert asyncio.get_running_loop().time() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


def steps_of(noted, key):
    return [step[1:] for step in noted if step[0] == key and len(step) == 3]


def test_schedulers_plugins_hear_of_tasks_and_workers():
    plugin = Noting()

    async def main():
        async with Scheduler(port=0, plugins=[plugin]) as scheduler:
            async with Worker(scheduler.address, nthreads=1) as worker:
                address = worker.address
                async with Client(scheduler.address, asynchronous=True) as client:
                    good = client.submit(inc, 1, key="good")
                    bad = client.submit(fail, 1, key="bad")
                    assert await good == 2
                    with pytest.raises(ValueError):
                        await bad
                await until(lambda: ("bad", "erred", "forgotten") in plugin.noted)
                await until(lambda: ("good", "memory", "released") in plugin.noted)
            await until(lambda: ("remove_worker", address) in plugin.noted)
        return address

    address = asyncio.run(main())
    assert plugin.noted[0] == ("add_worker", address)
    begun = [("released", "waiting"), ("waiting", "queued"), ("queued", "processing")]
    assert steps_of(plugin.noted, "good")[:4] == [*begun, ("processing", "memory")]
    assert steps_of(plugin.noted, "bad")[:4] == [*begun, ("processing", "erred")]


def test_a_removed_plugin_hears_no_more():
    plugin = Noting()

    async def main():
        async with (
            Scheduler(port=0) as scheduler,
            Worker(scheduler.address, nthreads=1),
            Client(scheduler.address, asynchronous=True) as client,
        ):
            await scheduler.register_scheduler_plugin(plugin)
            assert await client.submit(inc, 1, key="heard") == 2
            await until(lambda: ("heard", "processing", "memory") in plugin.noted)
            await client.unregister_scheduler_plugin("noting")
            assert await client.submit(inc, 1, key="unheard") == 2
            await client.story("unheard")

    asyncio.run(main())
    assert steps_of(plugin.noted, "heard")
    assert not steps_of(plugin.noted, "unheard")


def test_schedulers_plugins_hear_of_restarts():
    plugin = Noting()

    async def main():
        async with (
            Scheduler(port=0, plugins=[plugin]) as scheduler,
            Nanny(scheduler.address, nthreads=1),
            Client(scheduler.address, asynchronous=True) as client,
        ):
            await client.restart()
            await until(lambda: "restart" in plugin.noted)

    asyncio.run(main())


def test_a_plugin_that_raises_is_logged_and_the_others_hear(caplog):
    class Broken(SchedulerPlugin):
        name = "broken"

        def transition(self, *args, **kwargs):
            raise RuntimeError("broken on purpose")

    plugin = Noting()

    async def main():
        async with (
            Scheduler(port=0, plugins=[Broken(), plugin]) as scheduler,
            Worker(scheduler.address, nthreads=1),
            Client(scheduler.address, asynchronous=True) as client,
        ):
            scheduler._logger.addHandler(caplog.handler)
            assert await client.submit(inc, 1, key="x") == 2
            await until(lambda: ("x", "processing", "memory") in plugin.noted)
            scheduler._logger.removeHandler(caplog.handler)

    asyncio.run(main())
    assert "Plugin broken failed in transition" in caplog.text


@pytest.mark.parametrize("method", ["update_graph", "add_client", "remove_client", "log_event"])
def test_what_is_not_heard_of_is_warned_of(method):
    plugin = type("Deaf", (SchedulerPlugin,), {method: lambda *args, **kwargs: None})()

    async def main():
        async with Scheduler(port=0) as scheduler:
            with pytest.warns(UserWarning, match=f"Deaf.{method}"):
                await scheduler.register_scheduler_plugin(plugin)
            async with Client(scheduler.address, asynchronous=True) as client:
                with pytest.warns(UserWarning, match=f"Deaf.{method}"):
                    await client.register_plugin(plugin, name="another")

    asyncio.run(main())


def test_a_plugin_may_keep_workers():
    class Keeping(SchedulerPlugin):
        def valid_workers_downscaling(self, scheduler, workers):
            return [worker for worker in workers if worker.name != "kept"]

    async def main():
        async with (
            Scheduler(port=0, plugins=[Keeping()]) as scheduler,
            Worker(scheduler.address, nthreads=1, name="kept"),
            Worker(scheduler.address, nthreads=1, name="other") as other,
        ):
            assert scheduler.workers_to_close(n=2) == [other.address]

    asyncio.run(main())


def test_workers_plugins_hear_of_their_tasks():
    plugin = NotingOnWorker()

    async def main():
        async with (
            Scheduler(port=0) as scheduler,
            Worker(scheduler.address, nthreads=1, plugins=[plugin]),
        ):
            async with Client(scheduler.address, asynchronous=True) as client:
                with pytest.raises(ValueError):
                    await client.submit(fail, client.submit(inc, 1, key="good"), key="bad")
            await until(lambda: ("good", "released", "forgotten") in plugin.noted)
            await until(lambda: ("bad", "released", "forgotten") in plugin.noted)

    asyncio.run(main())
    begun = [("released", "waiting"), ("waiting", "ready"), ("ready", "executing")]
    ended = ("released", "forgotten")
    good, bad = steps_of(plugin.noted, "good"), steps_of(plugin.noted, "bad")
    assert good == [*begun, ("executing", "memory"), ("memory", "released"), ended]
    assert bad == [*begun, ("executing", "error"), ("error", "released"), ended]
    assert plugin.noted_before_teardown == plugin.noted


def test_a_task_that_is_tried_again_never_skips_a_state():
    told = [
        ["x", "released", "waiting", None, 0.0],
        ["x", "waiting", "queued", None, 0.0],
        ["x", "queued", "assigned", "tcp://a", 0.0],
        ["x", "assigned", "processing", "tcp://a", 0.0],
        ["x", "processing", "waiting", None, 0.0],
        ["x", "waiting", "delayed", None, 0.0],
        ["x", "delayed", "queued", None, 0.0],
        ["x", "queued", "assigned", "tcp://b", 0.0],
        ["x", "assigned", "processing", "tcp://b", 0.0],
        ["x", "processing", "memory", "tcp://b", 0.0],
    ]
    for reader in (ForSchedulers(), ForWorkers("tcp://a"), ForWorkers("tcp://b")):
        steps = [step for each in told for step in reader.read(each)]
        assert steps[0].start == "released"
        assert all(before.finish == after.start for before, after in itertools.pairwise(steps))
    assert steps[-1].finish == "memory"
