"""Actors: objects on workers, called from clients, from tasks and from each other."""

from __future__ import annotations

import asyncio
import threading

import pytest
from oxidask.distributed import (
    Actor,
    ActorFuture,
    BaseActorFuture,
    Client,
    LocalCluster,
    get_client,
    get_worker,
    worker_client,
)
from oxidask.distributed.actor import actors_of


class Counter:
    step = 1

    def __init__(self, n=0):
        self.n = n

    def add(self, x=1):
        self.n += x
        return self.n

    async def add_later(self, x=1):
        await asyncio.sleep(0)
        return self.add(x)

    def fail(self):
        raise ArithmeticError("no")

    @property
    def broken(self):
        raise ArithmeticError("no")

    def where(self):
        return get_worker().address


class Caller:
    def call(self, counter):
        return counter.add().result()

    def look(self, counter):
        return counter.n

    async def call_later(self, counter):
        return await counter.add_later()


@pytest.fixture(params=[False, True], ids=["here", "apart"])
def client(request):
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=request.param,
                     dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):  # fmt: skip
        yield client


def test_methods_and_attributes(client):
    counter = client.submit(Counter, 5, actor=True).result()
    assert isinstance(counter, Actor)
    assert counter.n == 5
    assert counter.step == 1
    future = counter.add(2)
    assert isinstance(future, BaseActorFuture)
    assert isinstance(future, ActorFuture)
    assert future.result() == future.result() == 7
    assert future.done()
    assert counter.add_later(3).result() == 10
    assert "Counter" in repr(counter)
    assert counter.key in repr(counter)
    assert {"add", "add_later", "step"} <= set(dir(counter))


def test_calls_of_one_caller_are_run_in_their_order(client):
    items = client.submit(list, actor=True).result()
    futures = [items.append(i) for i in range(50)]
    for future in futures:
        future.result()
    assert [items.index(i).result() for i in range(50)] == list(range(50))


def test_what_methods_raise_is_raised_where_they_are_asked(client):
    counter = client.submit(Counter, actor=True).result()
    with pytest.raises(ArithmeticError, match="no"):
        counter.fail().result()
    with pytest.raises(ArithmeticError, match="no"):
        counter.broken  # noqa: B018
    with pytest.raises(AttributeError):
        counter.nothing_of_the_kind  # noqa: B018
    with pytest.raises(TypeError):
        client.submit(Counter, 1, 2, 3, actor=True).result()


def test_an_actor_lives_as_long_as_its_handle(client):
    counter = client.submit(Counter, actor=True).result()
    assert counter.add().result() == 1
    address, key = counter._address, counter.key
    assert list(client.who_has([key])[key]) == [address]
    del counter
    while client.who_has([key]).get(key):
        pass
    n_left = client.run(lambda: sum(len(actors_of(a)) for a in [get_worker().address]))
    assert set(n_left.values()) == {0}


def test_tasks_are_given_actors(client):
    counter = client.submit(Counter, actor=True)

    def use(counter, n):
        return [counter.add().result() for _ in range(n)][-1]

    first, second = sorted(client.nthreads())
    client.gather(client.submit(use, counter, 3, workers=[first]))
    client.gather(client.submit(use, counter, 4, workers=[second]))
    assert counter.result().n == 7


def test_actors_call_actors_on_workers_of_one_thread(client):
    worker = [sorted(client.nthreads())[0]]
    counter = client.submit(Counter, actor=True, workers=worker).result()
    caller = client.submit(Caller, actor=True, workers=worker).result()
    assert caller.call(counter).result() == 1
    assert caller.look(counter).result() == 1
    assert caller.call_later(counter).result() == 2


def test_actors_call_actors_of_other_workers(client):
    first, second = sorted(client.nthreads())
    counter = client.submit(Counter, actor=True, workers=[first]).result()
    caller = client.submit(Caller, actor=True, workers=[second]).result()
    assert caller.call(counter).result() == 1
    assert caller.look(counter).result() == 1
    assert counter.where().result() == first
    assert caller.call_later(counter).result() == 2


def test_methods_never_run_at_once(client):
    class Careful:
        def __init__(self):
            self.inside = threading.Lock()

        def enter(self):
            assert self.inside.acquire(blocking=False)
            self.inside.release()
            return True

    careful = client.submit(Careful, actor=True).result()
    assert all(future.result() for future in [careful.enter() for _ in range(50)])


def test_a_released_actor_says_so(client):
    future = client.submit(Counter, actor=True)
    counter = future.result()
    handle = Actor(Counter, counter._address, "nobody")
    with pytest.raises((ValueError, OSError), match="nobody"):
        handle.add().result(timeout=30)


def test_asynchronous_clients_await():
    async def main():
        async with (
            LocalCluster(n_workers=1, threads_per_worker=1, processes=False, asynchronous=True,
                         dashboard_address=None) as cluster,
            Client(cluster, asynchronous=True) as client,
        ):  # fmt: skip
            counter = await client.submit(Counter, actor=True)
            assert await asyncio.gather(*[counter.add() for _ in range(3)]) == [1, 2, 3]
            assert await counter.n == 3
            assert await counter.add_later() == 4
            with pytest.raises(ArithmeticError):
                await counter.fail()

    asyncio.run(asyncio.wait_for(main(), 60))


def test_tasks_submit_tasks_and_wait_for_them(client):
    def total(n):
        with worker_client() as inner:
            return sum(inner.gather(inner.map(abs, range(n))))

    def fibonacci(n):
        if n < 2:
            return n
        with worker_client() as inner:
            return sum(inner.gather(inner.map(fibonacci, [n - 1, n - 2])))

    assert client.submit(total, 10).result() == 45
    assert client.submit(fibonacci, 6).result() == 8


def test_the_client_of_a_task_is_of_the_same_scheduler(client):
    addresses = [client.submit(lambda: get_client().scheduler.address, pure=False).result()
                 for _ in range(2)]  # fmt: skip
    assert set(addresses) == {client.scheduler.address}
    assert get_client() is client


def test_nothing_is_left_of_actors_of_a_closed_worker():
    before = set(threading.enumerate())
    with Client(
        processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None
    ) as inner:
        counter = inner.submit(Counter, actor=True).result()
        assert counter.add().result() == 1
        method = counter.add
        inner.cluster.scale(0)
        inner.cluster.sync(inner.cluster._correct_state)
        with pytest.raises(OSError, match="is gone"):
            method().result()
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert not set(threading.enumerate()) - before
