"""What clients and tasks share by name."""

import pickle
import threading

import pytest
from oxidask.distributed import (
    Client,
    Event,
    Lock,
    MultiLock,
    Pub,
    Queue,
    Semaphore,
    Sub,
    Variable,
    print,
    warn,
)


@pytest.fixture(scope="module")
def client():
    with Client(
        processes=False, n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as client:
        yield client


def test_variables_hold_values_and_futures(client):
    variable = Variable("v")
    for value in (5, (1, "two"), {"a": [None, 1.5]}, {"key": "x"}, {3}, b"bytes"):
        variable.set(value)
        assert Variable("v").get() == value
    variable.set(client.submit(abs, -3))
    assert variable.get().result() == 3
    variable.delete()
    with pytest.raises(TimeoutError):
        variable.get(timeout=0.01)


def test_a_future_from_a_variable_knows_its_state(client):
    variable, future = Variable(), client.submit(int, "x")
    assert isinstance(future.exception(), ValueError)
    variable.set(future)
    with Client(client.cluster, set_as_default=False) as other:
        assert Variable(variable.name, client=other).get().status == "error"


def test_cancelled_futures_are_not_shared(client):
    gate = threading.Event()
    future = client.submit(gate.wait, 10, pure=False)
    future.cancel()
    gate.set()
    with pytest.raises(Exception, match="unknown to scheduler"):
        Queue("q-cancelled").put(future)


def test_queues_are_first_in_first_out(client):
    queue = Queue()
    for item in (1, (2,), client.submit(abs, -3)):
        queue.put(item)
    assert queue.qsize() == 3
    assert queue.get(batch=2) == [1, (2,)]
    assert queue.get().result() == 3
    assert queue.get(batch=True) == []
    with pytest.raises(TimeoutError):
        queue.get(timeout="10 ms")


def test_full_queues_make_wait(client):
    queue = Queue(maxsize=1)
    queue.put(1)
    with pytest.raises(TimeoutError):
        queue.put(2, timeout=0.01)
    assert queue.get() == 1
    queue.close()


def test_tasks_use_what_is_passed_to_them(client):
    queue, lock, variable, event = Queue(), Lock(), Variable(), Event()

    def work(x):
        with lock:
            queue.put(x)
            variable.set(x)
            event.set()

    client.gather(client.map(work, range(4)))
    assert sorted(queue.get(batch=True)) == [0, 1, 2, 3]
    assert variable.get() in range(4)
    assert event.is_set()


def test_locks_exclude(client):
    lock, same = Lock("l"), Lock("l")
    assert lock.acquire()
    assert lock.locked()
    assert not same.acquire(blocking=False)
    assert not same.acquire(timeout=0.01)
    with pytest.raises(ValueError, match="blocking=False"):
        lock.acquire(blocking=False, timeout=1)
    lock.release()
    with pytest.raises(RuntimeError, match="not held"):
        lock.release()
    assert pickle.loads(pickle.dumps(lock)).name == "l"


def test_a_lost_client_lets_go_of_its_locks(client):
    with Client(client.cluster, set_as_default=False) as other:
        assert Lock("held", client=other).acquire()
        assert not Lock("held").acquire(blocking=False)
    assert Lock("held").acquire(timeout=10)


def test_events(client):
    event = Event()
    assert not event.wait(timeout=0.01)
    future = client.submit(event.wait, 10, pure=False)
    event.set()
    assert future.result() is True
    event.clear()
    assert not event.is_set()


def test_semaphores_count_leases(client):
    semaphore = Semaphore(2)
    assert semaphore.acquire()
    with semaphore:
        assert semaphore.get_value() == 2
        assert semaphore.acquire(timeout=0.01) is False
    assert semaphore.get_value() == 1
    semaphore.release()
    with pytest.raises(RuntimeError, match="too often"):
        semaphore.release()
    with pytest.raises(ValueError, match="at least 1"):
        Semaphore(0)


def test_multi_locks_take_all_or_some(client):
    both, one = MultiLock(["a", "b"]), MultiLock(["b"])
    assert both.acquire()
    assert both.locked()
    assert not one.acquire(timeout=0.01)
    assert not one.locked()
    some = MultiLock(["b", "c"])
    assert some.acquire(num_locks=1)
    some.release()
    both.release()
    with one:
        assert one.locked()
    with pytest.raises(RuntimeError, match="not held"):
        one.release()


def test_messages_reach_all_who_listen(client):
    first, second = Sub("news"), Sub("news")
    Pub("news").put((1, "x"))
    assert first.get(timeout=10) == second.get(timeout=10) == (1, "x")
    client.submit(lambda: Pub("news").put("from a task")).result()
    assert next(first) == "from a task"
    with pytest.raises(TimeoutError):
        first.get(timeout=0.01)


def test_topics_keep_events_and_call_handlers(client):
    found, is_there = [], threading.Event()
    client.subscribe_topic("topic", lambda event: (found.append(event[1]), is_there.set()))
    client.log_event("topic", ("alice", 1))
    assert is_there.wait(10)
    client.unsubscribe_topic("topic")
    assert found == [("alice", 1)]
    assert [message for _, message in client.get_events("topic")] == found
    with pytest.raises(ValueError, match="No event handler known for topic topic"):
        client.unsubscribe_topic("topic")


def test_tasks_print_and_warn_where_the_client_is(client, capsys):
    client.submit(print, "hello", 5, sep="-").result()
    client.get_events("print")
    assert "hello-5\n" in capsys.readouterr().out

    def warn_there() -> None:
        client.submit(warn, "careful").result()
        client.get_events("warn")

    with pytest.warns(UserWarning, match="careful"):
        warn_there()


def test_datasets(client):
    future = client.submit(abs, -3)
    client.publish_dataset(x=future, plain=[1, 2])
    client.publish_dataset((1, {2}), name=("a", "tuple"))
    assert client.list_datasets() == (("a", "tuple"), "plain", "x")
    assert client.get_dataset("x").result() == 3
    assert client.get_dataset(["plain", ("a", "tuple")]) == [[1, 2], (1, {2})]
    with pytest.raises(KeyError):
        client.publish_dataset(x=1)
    client.publish_dataset(x=1, override=True)
    assert client.datasets["x"] == 1
    assert dict(client.datasets).keys() == {"x", "plain", ("a", "tuple")}
    client.unpublish_dataset(["x", "plain", ("a", "tuple"), "never there"])
    assert client.list_datasets() == ()
    with pytest.raises(KeyError, match="'x' not found"):
        client.get_dataset("x")
    assert client.get_dataset("x", default=7) == 7


class Unreadable:
    """Can be pickled, and not unpickled."""

    def __reduce__(self):
        return pickle.loads, (b"nonsense",)


def test_futures_that_are_given_and_dropped_are_forgotten(client):
    with Client(client.cluster, set_as_default=False) as other:

        def n_holders(key):
            task = other.sync(other._ask, "info.task", {"key": key})
            return None if task is None else task["n_clients"]

        def let_go(future):
            # What follows comes to the scheduler after the release.
            key = future.key
            del future
            client.sync(client._ask, "publish.list")
            return key

        queue = Queue("dropped", client=client)
        queue.put(client.submit(abs, -71))
        key = let_go(client.submit(abs, -71))
        assert n_holders(key) == 1
        Queue("dropped", client=other).get()
        assert n_holders(key) is None
        variable = Variable("dropped", client=client)
        variable.set(client.submit(abs, -72))
        key = let_go(client.submit(abs, -72))
        Variable("dropped", client=other).get()
        assert Variable("dropped", client=other).get().result() == 72
        assert n_holders(key) == 1
        variable.delete()
        assert n_holders(key) is None
        client.publish_dataset(dropped=[client.submit(abs, -73)])
        client.publish_dataset(unreadable=[client.submit(abs, -73), Unreadable()])
        key = let_go(client.submit(abs, -73))
        assert other.get_dataset("dropped")[0].result() == 73
        with pytest.raises(pickle.UnpicklingError):
            other.get_dataset("unreadable")
        assert n_holders(key) == 1
        client.unpublish_dataset(["dropped", "unreadable"])
        assert n_holders(key) is None


def noted_on_scheduler(dask_scheduler):
    assert dask_scheduler.task_metadata["a"]["c"] == {"key": 1}
    return dask_scheduler.get_metadata(["a", "b"])


def test_metadata(client):
    client.set_metadata(["a", "b"], (1, 2))
    assert client.get_metadata(["a", "b"]) == (1, 2)
    assert client.get_metadata("a") == {"b": (1, 2)}
    client.set_metadata(["a", "c"], {"key": 1})
    assert client.get_metadata("a") == {"b": (1, 2), "c": {"key": 1}}
    client.set_metadata("d", {"x": [{"pickled": b"y"}]})
    assert client.get_metadata("d") == {"x": [{"pickled": b"y"}]}
    assert client.run_on_scheduler(noted_on_scheduler) == (1, 2)
    assert client.get_metadata("absent", None) is None
    with pytest.raises(KeyError):
        client.get_metadata("absent")
