"""The client: tasks, futures, collections, and what it says where something is wrong."""

import operator
import pickle
import threading
from collections import namedtuple
from concurrent.futures import CancelledError

import numpy as np
import oxidask
import oxidask.array as da
import pytest
from oxidask import config, delayed
from oxidask.distributed import (
    Client,
    Event,
    Future,
    Retry,
    as_completed,
    default_client,
    fire_and_forget,
    futures_of,
    get_client,
    get_worker,
    wait,
)

Point = namedtuple("Point", ["x", "y"])


@pytest.fixture(scope="module")
def client():
    with Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as client:
        yield client


def fail():
    raise ZeroDivisionError("on purpose")


def test_submit_takes_futures_at_any_depth(client):
    x = client.submit(operator.add, 1, 2)
    y = client.submit(lambda a, b: (a, b), [x, {"k": (x,)}], b=Point(x, 0))
    assert y.result() == ([3, {"k": (3,)}], Point(3, 0))


def test_equal_calls_are_one_task_unless_impure(client):
    assert client.submit(abs, -1).key == client.submit(abs, -1).key
    first, second = client.submit(abs, -1, pure=False), client.submit(abs, -1, pure=False)
    assert first.key != second.key


def test_gather_gives_what_it_got(client):
    x, y = client.map(abs, [-1, -2])
    assert client.gather({"a": x, "b": [y, (x, 5)], "c": {x}}) == {
        "a": 1,
        "b": [2, (1, 5)],
        "c": {1},
    }
    assert client.gather(Point(x, y)) == Point(1, 2)
    assert client.gather([]) == []


def test_gather_skips_what_failed(client):
    good, bad = client.submit(abs, -1), client.submit(fail)
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        client.gather([good, bad])
    assert client.gather([good, bad], errors="skip") == [1]
    assert client.gather({"a": good, "b": [bad, good]}, errors="skip") == {"a": 1, "b": [1]}
    with pytest.raises(ValueError, match="'raise' or 'skip'"):
        client.gather([good], errors="ignore")


def test_a_failed_future_has_exception_and_traceback(client):
    future = client.submit(fail)
    assert isinstance(future.exception(), ZeroDivisionError)
    assert future.traceback().tb_frame is not None
    assert future.status == "error"
    assert client.submit(abs, 1).exception() is None


def test_map(client):
    assert client.gather(client.map(operator.add, range(5), range(100))) == [0, 2, 4, 6, 8]
    assert client.gather(client.map(pow, range(5), [2] * 5, batch_size=2)) == [0, 1, 4, 9, 16]
    assert client.map(abs, []) == []
    assert [f.key for f in client.map(abs, [1, 2], key=["one", "two"])] == ["one", "two"]
    assert all(f.key.startswith("named-") for f in client.map(abs, [1, 2], key="named"))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda c: c.submit(1), TypeError, "takes a function"),
        (lambda c: c.map(1, [1]), TypeError, "takes a function"),
        (lambda c: c.map(abs, iter([1])), TypeError, "iterators"),
        (lambda c: c.map(abs, [1, 2], key=["one"]), ValueError, "1 names for 2 tasks"),
        (lambda c: c.submit(abs, 1, workers=1.5), TypeError, "workers="),
        (lambda c: c.submit(abs, 1, allow_other_workers=True), ValueError, "together with workers"),
        (lambda c: c.submit(abs, 1, retries="many"), TypeError, "retries="),
        (lambda c: c.submit(abs, 1, resources=["GPU"]), TypeError, "resources"),
        (lambda c: c.submit(abs, 1, limit=("db", 0)), ValueError, "at least one task"),
        (lambda c: c.replicate([], n=0), ValueError, "at least 1"),
        (lambda c: c.schedule(abs, 1), ValueError, "every= or cron="),
        (lambda c: c.schedule(abs, 1, every=0), ValueError, "above 0"),
        (lambda c: c.wait_for_workers(0), ValueError, "above 0"),
        (lambda c: c.scatter(iter([1])), TypeError, "iterators"),
        (lambda c: wait([], return_when="SOON"), NotImplementedError, "SOON"),
    ],
)
def test_bad_arguments_are_named(client, call, error, words):
    with pytest.raises(error, match=words):
        call(client)


def test_scatter_gives_containers_of_futures(client):
    assert client.gather(client.scatter([1, 2])) == [1, 2]
    assert client.gather(client.scatter({"key-a": 1})) == {"key-a": 1}
    point = client.scatter(Point(1, 2))
    assert type(point) is Point
    assert point.y.result() == 2
    assert client.scatter(1).key.startswith("int-")
    everywhere = client.scatter(np.arange(3), broadcast=True)
    assert len(client.who_has(everywhere)[everywhere.key]) == 2


def test_cancelled_futures_say_so(client):
    gate = threading.Event()
    future = client.submit(gate.wait, 10, pure=False)
    dependent = client.submit(operator.not_, future)
    try:
        client.cancel(future)
        assert future.cancelled()
        with pytest.raises(CancelledError, match="cancel"):
            future.result()
        with pytest.raises(CancelledError):
            dependent.result()
        with pytest.raises(CancelledError):
            wait([future])
    finally:
        gate.set()


def test_retry_runs_a_failed_task_again(client):
    state = {"n": 0}

    def flaky():
        state["n"] += 1
        if state["n"] == 1:
            raise OSError("first")
        return state["n"]

    future = client.submit(flaky)
    assert isinstance(future.exception(), OSError)
    future.retry()
    assert future.result() == 2


def test_retries_heed_the_exception(client):
    calls = []

    def flaky(error):
        calls.append(error)
        raise error("always")

    policy = Retry(2, on=ArithmeticError)
    with pytest.raises(ZeroDivisionError):
        client.submit(flaky, ZeroDivisionError, retries=policy).result()
    assert len(calls) == 3
    calls.clear()
    with pytest.raises(KeyError):
        client.submit(flaky, KeyError, retries=policy).result()
    assert len(calls) == 1


def test_wait_tells_done_from_not_done(client):
    gate = threading.Event()
    slow, quick = client.submit(gate.wait, 10, pure=False), client.submit(abs, -3)
    try:
        done, not_done = wait([slow, quick], return_when="FIRST_COMPLETED")
        assert (done, not_done) == ({quick}, {slow})
        with pytest.raises(TimeoutError, match="1 of 1 futures"):
            wait(slow, timeout=0.01)
        with pytest.raises(TimeoutError):
            slow.result(timeout="10 ms")
    finally:
        gate.set()
    assert wait([slow, quick]).not_done == set()


def test_as_completed_gives_each_future_as_often_as_it_was_added(client):
    futures = client.map(abs, range(5))
    completed = as_completed([*futures, futures[0]])
    assert completed.count() == 6
    found = list(completed)
    assert sorted(f.result() for f in found) == [0, 0, 1, 2, 3, 4]
    assert completed.is_empty()
    completed.add(futures[1])
    assert next(completed) is futures[1]
    with pytest.raises(TypeError, match="takes futures"):
        completed.add(1)


def test_as_completed_with_results(client):
    good, bad = client.submit(abs, -1), client.submit(fail)
    found = dict(as_completed([good, bad], with_results=True, raise_errors=False))
    assert found[good] == 1
    assert found[bad][0] is ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        list(as_completed([bad], with_results=True))
    batches = list(as_completed(client.map(abs, range(9))).batches())
    assert sum(map(len, batches)) == 9


def test_as_completed_times_out(client):
    gate = threading.Event()
    try:
        with pytest.raises(TimeoutError, match="1 futures"):
            list(as_completed([client.submit(gate.wait, 10, pure=False)], timeout=0.01))
    finally:
        gate.set()


def test_callbacks_come_with_the_future(client):
    found, is_there = [], threading.Event()
    future = client.submit(abs, -7)
    future.add_done_callback(lambda future: (found.append(future), is_there.set()))
    assert is_there.wait(10)
    assert found == [future]


def test_collections_run_on_the_client(client):
    x = da.arange(20, chunks=5)
    assert x.sum().compute() == 190
    assert client.compute(x.sum()).result() == 190
    assert client.compute([x.sum(), 3], sync=True) == [190, 3]
    assert client.compute({"a": [x.sum()], "b": 1}).result() == {"a": [190], "b": 1}
    total = delayed(sum)([delayed(abs)(-1), 2])
    assert oxidask.compute(total, {"x": total}) == (3, {"x": 3})
    assert total.compute(scheduler=client) == 3


def test_persisted_collections_hold_futures(client):
    x = da.arange(20, chunks=5).persist()
    assert len(futures_of(x)) == 4
    assert all(isinstance(part, Future) for part in dict(x.dask).values())
    assert wait(x).not_done == set()
    assert (x + 1).sum().compute() == 210
    y = client.persist(delayed(abs)(-5))
    assert delayed(operator.add)(y, 1).compute() == 6


def test_graphs(client):
    graph = {"x": 1, "y": (operator.add, "x", 10), "z": "y", ("w", 0): (abs, -2)}
    assert client.get(graph, ["y", ["z"], ("w", 0)]) == [11, [11], 2]
    assert client.get(graph, "y") == 11
    future = client.get({"f": (abs, client.submit(abs, -4))}, "f", sync=False)
    assert future.result() == 4
    with pytest.raises(ZeroDivisionError):
        client.get({"bad": (fail,), "x": 1}, ["bad", "x"])


def test_annotations_reach_the_tasks(client):
    state = {"n": 0}

    def flaky():
        state["n"] += 1
        if state["n"] < 3:
            raise OSError("again")
        return state["n"]

    with oxidask.annotate(retries=2):
        value = delayed(flaky, pure=False)()
    assert client.compute(value).result() == 3


def test_tasks_find_their_client_and_worker(client):
    def nested(x):
        assert not get_client().asynchronous
        return get_client().submit(abs, x).result(), get_worker().address

    value, address = client.submit(nested, -9).result()
    assert value == 9
    assert address in client.nthreads()


async def plus_one(x):
    return x + 1


def test_coroutine_functions_are_tasks(client):
    assert client.submit(plus_one, 1).result() == 2


def test_fire_and_forget_outlives_its_future(client):
    is_done = threading.Event()
    gate = threading.Event()
    future = client.submit(lambda: (gate.wait(10), is_done.set()), pure=False)
    fire_and_forget(future)
    del future
    gate.set()
    assert is_done.wait(10)


def test_what_is_forgotten_runs_though_its_client_is_closed(client):
    with Client(client.cluster, set_as_default=False) as other:
        done = Event("done", client=client)
        gate = Event("gate", client=client)
        first = other.submit(lambda: gate.wait(10), pure=False)
        fire_and_forget(other.submit(lambda _: Event("done").set(), first, pure=False))
    gate.set()
    assert done.wait(10)


def test_a_task_is_run_here(client):
    here = threading.get_ident()
    x = client.submit(operator.add, 1, 2)
    task = client.submit(lambda x, n: (threading.get_ident() == here, x * n), x, n=3)
    assert task.result() == (False, 9)
    # The input is gone by now, and computed again.
    del x
    assert client.recreate_task_locally(task) == (True, 9)
    (block,) = futures_of(client.persist(da.arange(4, chunks=4) + 1))
    np.testing.assert_array_equal(client.recreate_task_locally(block), [1, 2, 3, 4])
    with pytest.raises(ValueError, match="2 futures"):
        client.recreate_task_locally(client.map(abs, [1, 2]))
    with pytest.raises(ValueError, match="scattered"):
        client.recreate_task_locally(client.scatter(1))


def test_an_error_is_raised_here(client):
    here = threading.get_ident()

    def fail_elsewhere(x):
        raise ZeroDivisionError("here" if threading.get_ident() == here else "elsewhere")

    failed = client.submit(fail_elsewhere, client.submit(abs, -1))
    reader = client.submit(abs, client.submit(abs, failed))
    with pytest.raises(ZeroDivisionError, match="elsewhere"):
        reader.result()
    for future in (failed, reader, [client.submit(abs, -2), reader]):
        with pytest.raises(ZeroDivisionError, match="here") as info:
            client.recreate_error_locally(future)
        # What a debugger would show.
        assert info.traceback[-1].name == "fail_elsewhere"
        assert info.traceback[-1].locals["x"] == 1
    with pytest.raises(ValueError, match="No errored futures"):
        client.recreate_error_locally(client.submit(abs, -1))


def test_copies_go_where_they_should(client):
    first, second = client.nthreads()
    x = client.submit(np.arange, 5, pure=False, workers=[first])
    client.replicate(x, workers=[first])
    assert client.who_has(x)[x.key] == (first,)
    client.replicate([x], n=1, workers=[second])
    assert set(client.who_has(x)[x.key]) == {first, second}
    client.replicate([x], n=1)
    assert len(client.who_has(x)[x.key]) == 1
    client.replicate([x])
    assert len(client.who_has(x)[x.key]) == 2
    with pytest.raises(ValueError, match="none of the workers"):
        client.replicate([x], workers=["nobody"])


def test_the_client_tells_about_the_cluster(client):
    future = client.submit(np.ones, 1000)
    assert isinstance(future.result(), np.ndarray)
    assert future.type is np.ndarray
    assert "numpy" in repr(future)
    (holders,) = client.who_has(future).values()
    assert future.key in client.has_what(list(holders))[holders[0]]
    assert client.nbytes(summary=False)[future.key] >= 8000
    assert len(client.scheduler_info()["workers"]) == 2
    assert len(client.scheduler_info(n_workers=1)["workers"]) == 1
    assert "threads=2" in repr(client)
    assert client.scheduler.address in client._repr_html_()
    assert client.run(abs, -1) == dict.fromkeys(client.nthreads(), 1)
    assert client.run_on_scheduler(abs, -2) == 2


def test_run_says_what_went_wrong(client):
    with pytest.raises(ZeroDivisionError, match="on purpose"):
        client.run(fail)
    errors = client.run(fail, on_error="return")
    assert [type(error) for error in errors.values()] == [ZeroDivisionError] * 2
    assert client.run(fail, on_error="ignore") == {}


def test_futures_travel_by_their_key(client):
    future = client.submit(abs, -1)
    copy = pickle.loads(pickle.dumps(future))
    assert copy.key == future.key
    assert copy.result() == 1


def test_clients_count_their_futures(client):
    first = client.submit(abs, -11)
    second = client.submit(abs, -11)
    first.result()
    assert client.refcount[first.key] == 2
    assert "finished" in repr(client.futures[first.key])
    key = first.key
    first.release()
    assert first.cancelled()
    del second
    assert client.refcount[key] == 0


def test_executor(client):
    with client.get_executor() as executor:
        assert executor.submit(pow, 2, 5).result() == 32
        assert list(executor.map(abs, [-1, -2])) == [1, 2]


def test_periodic_tasks(client):
    is_done = threading.Event()
    seen = []

    def work():
        seen.append(len(seen))
        if len(seen) == 3:
            is_done.set()

    job = client.schedule(work, every=0.001, times=3)
    assert is_done.wait(10)
    assert job.latest.result(timeout=10) is None
    assert job.n_runs == 3
    later = client.schedule(work, cron="0 0 1 1 *")
    assert later.is_active
    later.cancel()
    assert not later.is_active


def test_the_latest_client_is_the_default(client):
    assert default_client() is client
    assert Client.current() is client
    other = Client(client.cluster, set_as_default=False)
    try:
        assert default_client() is client
        with other.as_current():
            assert get_client() is other
        assert get_client() is client
    finally:
        other.close()


def test_futures_of_another_client_are_refused(client):
    with Client(client.cluster, set_as_default=False) as other:
        future = other.submit(abs, -1)
        with pytest.raises(ValueError, match="another client"):
            client.gather([future])


def test_a_closed_client_says_so():
    client = Client(processes=False, n_workers=1, dashboard_address=None, set_as_default=False)
    future = client.submit(abs, -1)
    client.close()
    client.close()
    assert client.status == "closed"
    assert "No scheduler connected" in repr(client)
    for call in (lambda: client.submit(abs, 1), client.who_has, lambda: client.gather([future])):
        with pytest.raises(RuntimeError, match="closed"):
            call()
    assert future.cancelled()


def test_nothing_is_left_of_a_client():
    before, scheduler = set(threading.enumerate()), config.get("scheduler", None)
    with Client(processes=False, n_workers=1, dashboard_address=None) as client:
        client.submit(abs, -1).add_done_callback(print)
        client.who_has()
        assert config.get("scheduler") == "dask.distributed"
    assert config.get("scheduler", None) == scheduler
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()


def test_wrong_addresses_are_refused():
    with pytest.raises(OSError, match="127.0.0.1:1"):
        Client("127.0.0.1:1", timeout=1)
    with pytest.raises(OSError, match="inproc://nowhere"):
        Client("inproc://nowhere")
    with pytest.raises(TypeError, match="address must be"):
        Client(5)
    with pytest.raises(ValueError, match=r"\['n_workers'\]"):
        Client("127.0.0.1:1", n_workers=1)
    with pytest.raises(RuntimeError, match="without a running loop"):
        Client("127.0.0.1:1", asynchronous=True)
