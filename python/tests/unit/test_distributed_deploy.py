"""Clusters on this machine: in one process, in processes, described."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import signal
import threading

import pytest
from oxidask import config
from oxidask.distributed import (
    Client,
    KilledWorker,
    LocalCluster,
    Nanny,
    Scheduler,
    SpecCluster,
    Status,
    Worker,
)
from oxidask.distributed.deploy.spec import ProcessInterface
from oxidask.distributed.deploy.utils import nprocesses_nthreads


def inc(x):
    return x + 1


def small(**options):
    given = {"n_workers": 2, "threads_per_worker": 1, "processes": False}
    return LocalCluster(**{**given, **options})


async def until(condition, timeout=10):
    """Wait for something that others do, looking again and again."""
    end = asyncio.get_running_loop().time() + timeout
    while not condition():
        assert asyncio.get_running_loop().time() < end, "it did not happen in time"
        await asyncio.sleep(0.01)


class TestInOneProcess:
    def test_workers_are_there_when_it_is_made(self):
        with small() as cluster:
            assert cluster.scheduler_address.startswith("inproc://")
            assert len(cluster.scheduler.workers) == 2
            assert all(isinstance(worker, Worker) for worker in cluster.workers.values())
            assert "workers=2, threads=2" in repr(cluster)
            assert cluster.scheduler_address in cluster._repr_html_()

    def test_nothing_is_left(self):
        before = set(threading.enumerate())
        cluster = small(n_workers=3)
        folders = [worker.local_directory for worker in cluster.workers.values()]
        assert all(map(os.path.isdir, folders))
        with Client(cluster) as client:
            assert client.gather(client.map(inc, range(10))) == list(range(1, 11))
        cluster.close()
        cluster.close()
        assert cluster.status is Status.closed
        assert not any(map(os.path.exists, folders))
        assert {thread for thread in threading.enumerate() if thread.is_alive()} <= before

    def test_values_are_not_copied(self):
        with small() as cluster, Client(cluster) as client:
            lock = threading.Lock()
            assert client.submit(lambda x: x, client.scatter(lock)).result() is lock

    def test_values_of_a_worker(self):
        with small(n_workers=1, memory_limit=None) as cluster, Client(cluster) as client:
            future = client.submit(inc, 1)
            assert future.result() == 2
            assert cluster.workers[0].data == {future.key: 2}
            assert future.key in cluster.scheduler.tasks
            assert "nothing" not in cluster.scheduler.tasks

    def test_over_tcp_too(self):
        with small(protocol="tcp") as cluster:
            assert cluster.scheduler_address.startswith("tcp://127.0.0.1:")
            ports = {worker.port for worker in cluster.workers.values()}
            assert len(ports) == 2
            assert 0 not in ports
            with Client(cluster.scheduler_address) as client:
                assert client.submit(inc, 1).result() == 2

    def test_errors_of_workers_surface(self):
        with pytest.raises(TypeError, match="unexpected keyword argument 'typo'"):
            small(typo=1)

    def test_a_token_or_tls_is_needed_beyond_this_machine(self):
        with pytest.raises(RuntimeError) as caught:
            small(host="0.0.0.0", protocol="tcp")
        assert "token" in str(caught.value.__cause__).lower()

    def test_scale(self):
        async def main():
            async with small(n_workers=0, asynchronous=True) as cluster:
                await cluster.scale(3)
                assert len(cluster.scheduler.workers) == 3
                cluster.scale(1)
                assert len(cluster.workers) == 3
                await cluster
                assert len(cluster.workers) == len(cluster.scheduler.workers) == 1
                cluster.scale(cores=2)
                assert len(cluster.worker_spec) == 2

        asyncio.run(main())

    def test_scale_by_memory_needs_a_limit(self):
        with small(memory_limit=None) as cluster, pytest.raises(ValueError, match="memory_limit"):
            cluster.scale(memory="5 GB")

    def test_inside_of_a_running_loop(self):
        async def main():
            async with small(asynchronous=True) as cluster:
                assert cluster.asynchronous
                assert cluster.loop.asyncio_loop is asyncio.get_running_loop()
                async with Client(cluster, asynchronous=True) as client:
                    return await client.submit(inc, 1)

        assert asyncio.run(main()) == 2

    def test_with_instead_of_async_with(self):
        async def main():
            async with small(asynchronous=True) as cluster:
                with pytest.raises(TypeError, match="async with"), cluster:
                    pass

        asyncio.run(main())

    def test_logs(self):
        with small() as cluster:
            logs = cluster.get_logs()
            assert set(logs) == {"Cluster", "Scheduler", *cluster.scheduler.workers}
            assert "Registered to" in str(logs)
            assert list(cluster.get_logs(scheduler=False, workers=False)) == ["Cluster"]
            assert "<details>" in logs._repr_html_()


class TestProcesses:
    @pytest.fixture(scope="class")
    def cluster(self):
        with small(processes=True) as cluster:
            yield cluster

    def test_processes_are_others(self, cluster):
        with Client(cluster) as client:
            pids = set(client.run(os.getpid).values())
            assert len(pids) == 2
            assert os.getpid() not in pids
            assert pids == {nanny.pid for nanny in cluster.workers.values()}
            assert set(client.run(os.getpid, nanny=True).values()) == {os.getpid()}

    def test_functions_of_main_and_coroutines(self, cluster):
        async def name_of(dask_worker):
            await asyncio.sleep(0)
            return dask_worker.name

        with Client(cluster) as client:
            assert sorted(client.run(name_of).values()) == [0, 1]
            with pytest.raises(ZeroDivisionError):
                client.run(lambda: 1 / 0)

    def test_a_killed_worker_comes_back(self, cluster):
        nanny = cluster.workers[0]
        before, folder = nanny.pid, nanny.worker_dir
        os.kill(before, signal.SIGKILL)

        async def back():
            await until(lambda: nanny.pid != before and len(cluster.scheduler.workers) == 2)

        asyncio.run(back())
        assert "SIGKILL" in nanny.deaths[-1][1]
        assert not os.path.exists(folder)
        with Client(cluster) as client:
            assert client.submit(inc, 1).result() == 2

    def test_children_end_with_their_parent(self):
        import subprocess
        import sys

        code = (
            "from oxidask.distributed import LocalCluster\n"
            "cluster = LocalCluster(n_workers=1, processes=True)\n"
            "print(cluster.workers[0].pid, flush=True)\n"
            "import os, signal\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        pid = int(done.stdout)

        def is_gone():
            try:
                with open(f"/proc/{pid}/stat") as file:
                    return file.read().rsplit(")", 1)[1].split()[0] == "Z"
            except FileNotFoundError:
                return True

        asyncio.run(until(is_gone))

    def test_errors_of_workers_surface(self):
        with pytest.raises(RuntimeError, match="Nanny failed to start") as caught:
            small(processes=True, n_workers=1, typo=1)
        assert isinstance(caught.value.__cause__, TypeError)

    def test_memory_limit(self):
        async def main():
            async with Scheduler(port=0) as scheduler:
                limit = "300 MB"
                async with Nanny(scheduler.address, nthreads=1, memory_limit=limit) as nanny:
                    before = nanny.pid
                    async with Client(scheduler.address, asynchronous=True) as client:
                        future = client.submit(lambda: len(bytearray(10**9)), retries=0)
                        await until(lambda: nanny.deaths)
                        future.release()
                    assert "memory" in nanny.deaths[0][1]
                    await until(lambda: nanny.pid != before)

        asyncio.run(main())


class TestDescribed:
    spec = {
        0: {"cls": "dask.distributed.Worker", "options": {"nthreads": 1}},
        "mine": {"cls": Worker, "options": {"nthreads": 2}},
    }
    scheduler = {"cls": Scheduler, "options": {"port": 0}}

    def test_names_and_threads(self):
        with SpecCluster(workers=self.spec, scheduler=self.scheduler) as cluster:
            assert {name: worker.name for name, worker in cluster.workers.items()} == {
                0: 0,
                "mine": "mine",
            }
            assert cluster.scheduler.total_nthreads == 3
            assert cluster.plan == cluster.requested == cluster.observed == {0, "mine"}

    def test_a_worker_that_ends_comes_back(self):
        async def main():
            async with SpecCluster(
                workers=self.spec, scheduler=self.scheduler, asynchronous=True
            ) as cluster:
                await cluster.workers[0].close()
                await cluster
                assert len(cluster.workers) == 2
                assert cluster.workers[0].status is Status.running

        asyncio.run(main())

    def test_a_worker_that_breaks(self):
        class Broken(Worker):
            def __await__(self):
                async def fail():
                    raise OSError("broken")

                return fail().__await__()

        with pytest.raises(OSError, match="broken"):
            SpecCluster(workers={0: {"cls": Broken}}, scheduler=self.scheduler)

    def test_without_knowing_what_workers_are_like(self):
        with (
            SpecCluster(scheduler=self.scheduler) as cluster,
            pytest.raises(ValueError, match="worker="),
        ):
            cluster.scale(1)

    def test_process_interface(self):
        async def main():
            process = ProcessInterface()
            assert process.status is Status.created
            async with process:
                assert process.status is Status.running
            assert process.status is Status.closed

        asyncio.run(main())


class TestNodes:
    def test_worker_and_scheduler(self):
        async def main():
            async with Scheduler(port=0) as scheduler:
                async with Worker(
                    scheduler.address, nthreads=2, name="w", resources={"A": 2}
                ) as worker:
                    [state] = scheduler.workers.values()
                    assert (state.name, state.nthreads, state.address) == ("w", 2, worker.address)
                    assert state.resources == {"A": 2}
                    assert state.local_directory == worker.local_directory
                await until(lambda: not scheduler.workers)
            assert scheduler.status is worker.status is Status.closed
            with pytest.raises(RuntimeError, match="closed"):
                await worker

        asyncio.run(main())

    def test_no_scheduler(self):
        async def main():
            with pytest.raises(RuntimeError) as caught:
                await Worker()
            assert "scheduler_file" in str(caught.value.__cause__)
            with pytest.raises(TimeoutError, match=r"Worker start timed out after 0\.2s.*tcp://"):
                await Worker("tcp://127.0.0.1:1", death_timeout=0.2)

        asyncio.run(main())

    def test_a_port_that_is_taken(self):
        async def main():
            async with Scheduler(port=0) as scheduler:
                with pytest.raises(RuntimeError) as caught:
                    await Scheduler(port=scheduler.port)
                assert isinstance(caught.value.__cause__, OSError)

        asyncio.run(main())

    def test_idle_timeout(self):
        async def main():
            scheduler = await Scheduler(port=0, idle_timeout="50 ms")
            async with Client(scheduler.address, asynchronous=True) as client:
                future = client.submit(inc, 1)  # waits for a worker: this is not idle
                await until(lambda: len(scheduler.tasks) == 1)
                assert await scheduler.check_idle() is None
                async with Worker(scheduler.address, nthreads=1):
                    assert await future == 2
                    await asyncio.wait_for(scheduler.finished(), 10)
            assert scheduler.status is Status.closed

        asyncio.run(main())

    def test_lifetime(self):
        async def main():
            async with Scheduler(port=0) as scheduler:
                worker = await Worker(scheduler.address, nthreads=1, lifetime="10 ms")
                await asyncio.wait_for(worker.finished(), 10)
                assert "lifetime" in worker.reason

        asyncio.run(main())


def test_processors_are_shared_out():
    assert [nprocesses_nthreads(n) for n in (1, 4, 8, 64)] == [(1, 1), (4, 1), (4, 2), (8, 8)]


def test_a_quiet_cluster_is_quiet_where_the_user_logs_to():
    mine = logging.StreamHandler(io.StringIO())
    logger = logging.getLogger("distributed")
    logger.addHandler(mine)
    try:
        with small(n_workers=1) as cluster, Client(cluster) as client:
            assert client.submit(inc, 1).result() == 2
        assert mine.stream.getvalue() == ""
        assert mine.level == logging.NOTSET
    finally:
        logger.removeHandler(mine)


def test_a_shut_down_scheduler_ends_the_workers_of_its_process():
    async def main():
        async with Scheduler(port=0) as scheduler, Worker(scheduler.address, nthreads=1) as worker:
            async with Client(scheduler.address, asynchronous=True) as client:
                await client.shutdown()
            assert worker.status in (Status.closing, Status.closed)
            await worker.finished()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_nanny_runs_functions_in_its_own_process_and_logs_events():
    async def add(x, dask_worker, y=0):
        return x + y, dask_worker.worker_address

    async def main():
        async with (
            Scheduler(port=0) as scheduler,
            Nanny(scheduler.address, nthreads=1) as nanny,
            Client(scheduler.address, asynchronous=True) as client,
        ):
            assert await nanny.run(None, os.getpid) == os.getpid()
            assert await nanny.run(None, add, (1,), {"y": 2}) == (3, nanny.worker_address)
            with pytest.raises(ZeroDivisionError):
                await nanny.run(None, lambda: 1 / 0)
            with pytest.raises(NotImplementedError, match=r"client\.run"):
                await nanny.listen("tcp://127.0.0.1:0")
            identity = nanny.identity()
            assert identity["worker"] == nanny.worker_address
            assert identity["nthreads"] == 1

            heard = asyncio.get_running_loop().create_future()
            await client.subscribe_topic("told", lambda event: heard.set_result(event[1]))
            nanny.log_event("told", {"x": (1,)})
            assert await heard == {"x": (1,)}

    asyncio.run(asyncio.wait_for(main(), 60))


def test_restarted_threads_come_back():
    with small() as cluster, Client(cluster) as client:
        before = set(client.scheduler_info(n_workers=-1)["workers"])
        lost = client.submit(inc, 1)
        client.restart(timeout=20)
        after = set(client.scheduler_info(n_workers=-1)["workers"])
        assert len(after) == 2
        assert not before & after
        assert lost.cancelled()
        assert client.submit(inc, 2).result() == 3


def test_a_restart_says_when_nobody_brings_the_workers_back():
    async def main():
        async with (
            Scheduler(port=0) as scheduler,
            Worker(scheduler.address, nthreads=1),
            Client(scheduler.address, asynchronous=True) as client,
        ):
            with pytest.raises(TimeoutError, match="0 of 1 workers are back"):
                await client.restart(timeout=0.2)
            await client.restart(timeout=0.2, wait_for_workers=False)

    asyncio.run(asyncio.wait_for(main(), 30))


def test_a_worker_that_dies_before_it_has_started_is_known_to_be_dead():
    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    with (
        config.set({"distributed.scheduler.allowed-failures": 1}),
        small(n_workers=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        # The second worker has it before its own nanny knows that it has started.
        with pytest.raises(KilledWorker):
            client.submit(die).result(timeout=30)
        told = [message for _, message in client.get_events("workers")]
        reasons = [each["reason"] for each in told if each["action"] == "worker-left"]
        assert len(reasons) == 2
        assert all("SIGKILL" in reason for reason in reasons)


def test_workers_that_have_just_joined_answer():
    with (
        small(processes=True, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        for _ in range(4):
            client.restart(timeout=30)
            assert len(set(client.run(os.getpid).values())) == 2
