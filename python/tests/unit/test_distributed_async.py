"""Asynchronous clients."""

import asyncio
import threading

import pytest
from oxidask import delayed
from oxidask.distributed import (
    Client,
    Event,
    Lock,
    Queue,
    Semaphore,
    Sub,
    Variable,
    as_completed,
    futures_of,
    get_client,
    wait,
)


def run(test):
    """Run a coroutine function of a client to its end; nothing may be left of it."""

    async def main():
        async with Client(
            processes=False,
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            asynchronous=True,
        ) as client:
            await asyncio.wait_for(test(client), 30)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left

    asyncio.run(main())


def fail():
    raise ZeroDivisionError("on purpose")


def test_futures_are_awaited():
    async def test(client):
        assert client.asynchronous
        x = client.submit(abs, -1)
        assert await x == 1
        assert await x.result() == 1
        assert await client.gather({"a": [x], "b": 2}) == {"a": [1], "b": 2}
        bad = client.submit(fail)
        with pytest.raises(ZeroDivisionError):
            await bad
        assert isinstance(await bad.exception(), ZeroDivisionError)
        assert (await bad.traceback()).tb_frame is not None
        assert await client.gather([x, bad], errors="skip") == [1]
        done, not_done = await wait([x, bad])
        assert (done, not_done) == ({x, bad}, set())

    run(test)


def test_large_results_are_fetched_without_holding_the_loop_up():
    async def test(client):
        future = client.submit(bytes, 10_000_000)
        assert len(await future) == 10_000_000

    run(test)


def test_timeouts_and_cancellation():
    async def test(client):
        gate = threading.Event()
        future = client.submit(gate.wait, 10, pure=False)
        try:
            with pytest.raises(TimeoutError):
                await future.result(timeout=0.01)
            with pytest.raises(TimeoutError):
                await wait(future, timeout=0.01)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(Queue("empty").get(), 0.01)
            await future.cancel()
            assert future.cancelled()
        finally:
            gate.set()

    run(test)


def test_iterating_over_what_is_done():
    async def test(client):
        futures = client.map(abs, range(6))
        assert {await future async for future in as_completed(futures)} == set(range(6))
        pairs = [pair async for pair in as_completed(futures, with_results=True)]
        assert {result for _, result in pairs} == set(range(6))
        batches = [batch async for batch in as_completed(futures).batches()]
        assert sum(map(len, batches)) == 6

    run(test)


def test_collections():
    async def test(client):
        value = delayed(sum)([delayed(abs)(-1), 2])
        assert await client.compute(value) == 3
        assert await client.get({"x": 1, "y": (abs, "x")}, ["y", "x"]) == [1, 1]
        kept = await client.persist(value)
        assert [future.status for future in futures_of(kept)] == ["finished"]
        with pytest.raises(RuntimeError, match="asynchronous"):
            value.compute()

    run(test)


def test_what_is_shared_by_name():
    async def test(client):
        async with Lock("x") as lock:
            assert await lock.locked()
            assert await Lock("x").acquire(timeout=0.01) is False
        async with await Semaphore(1, "s"):
            pass
        queue = await Queue("q")
        await queue.put((1, 2))
        assert await queue.get() == (1, 2)
        variable = Variable()
        await variable.set(client.submit(abs, -1))
        assert await (await variable.get()) == 1
        event = await Event()
        assert not await event.wait(0.01)
        await event.set()
        assert await event.wait()
        sub = await Sub("topic")
        await client.log_event("pubsub-topic", {"msg": 5})
        assert await sub.get(timeout=10) == 5

    run(test)


def test_datasets_are_awaited():
    async def test(client):
        await client.publish_dataset(x=1)
        assert await client.datasets["x"] == 1
        assert [name async for name in client.datasets] == ["x"]
        with pytest.raises(TypeError, match="publish_dataset"):
            client.datasets["y"] = 2
        with pytest.raises(TypeError, match="list_datasets"):
            len(client.datasets)

    run(test)


def test_callbacks_run_on_the_loop():
    async def test(client):
        found = asyncio.get_running_loop().create_future()
        thread = threading.get_ident()

        async def callback(future):
            found.set_result((await future, threading.get_ident()))

        client.submit(abs, -2).add_done_callback(callback)
        assert await found == (2, thread)

    run(test)


def test_other_threads_use_it_synchronously():
    async def test(client):
        def work():
            assert not client.asynchronous
            return client.submit(abs, -3).result(), client.who_has()

        value, holders = await asyncio.to_thread(work)
        assert value == 3
        assert isinstance(holders, dict)

    run(test)


async def nested(x):
    client = get_client()
    assert client.asynchronous
    return await client.submit(abs, x)


def test_tasks_that_are_coroutines_await_their_client():
    async def test(client):
        assert await client.submit(nested, -4) == 4

    run(test)


def test_current_clients_belong_to_their_task():
    async def test(client):
        other = await Client(client.cluster, asynchronous=True, set_as_default=False)
        is_inside, may_leave = asyncio.Event(), asyncio.Event()

        async def inside():
            with other.as_current():
                is_inside.set()
                await may_leave.wait()
                return Client.current(allow_global=False)

        task = asyncio.create_task(inside())
        await is_inside.wait()
        assert Client.current() is client
        may_leave.set()
        assert await task is other
        await other.close()

    run(test)


def test_a_client_that_is_not_awaited_says_so():
    async def main():
        client = Client("127.0.0.1:1", asynchronous=True)
        with pytest.raises(RuntimeError, match="await it first"):
            client.submit(abs, 1)
        await client.close()
        with pytest.raises(RuntimeError, match="closed"):
            client.submit(abs, 1)

    asyncio.run(main())


def test_a_client_of_nobody_fails_when_awaited():
    async def main():
        with pytest.raises(OSError, match="127.0.0.1:1"):
            await Client("127.0.0.1:1", asynchronous=True, timeout=1)

    asyncio.run(main())


def test_waiting_where_the_loop_would_stop_is_refused():
    async def test(client):
        running = as_completed([client.submit(Event("go").wait)])
        with pytest.raises(RuntimeError, match="async for"):
            next(running)
        await Event("go").set()
        assert await (await anext(running)) is True

    run(test)


def test_times_that_are_over_say_what_was_waited_for():
    async def test(client):
        event = Event("go")
        future = client.submit(event.wait, key="waits")
        with pytest.raises(TimeoutError, match=r"waits has no result after 0\.01 s"):
            await future.result(timeout=0.01)

        def late():
            raise TimeoutError("the task's own")

        with pytest.raises(TimeoutError, match="the task's own"):
            await client.submit(late).result(timeout=10)
        await event.set()
        assert await future is True

    run(test)
