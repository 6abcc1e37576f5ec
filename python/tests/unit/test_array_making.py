"""Arrays of what is there."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import oxidask
import oxidask.array as da
import pytest


def test_plain_arrays_are_cut_as_the_setting_says() -> None:
    x = np.arange(1000.0)
    with oxidask.config.set({"array.chunk-size": "80 B"}):
        lazy = da.asarray(x)
        assert lazy.npartitions > 50
        assert da.asanyarray(x.astype("O")).npartitions == 1
    np.testing.assert_array_equal(lazy.compute(), x)


def test_later_writes_change_no_array() -> None:
    x = np.arange(4)
    lazy = da.asarray(x)
    x[:] = 9
    assert lazy.compute().tolist() == [0, 1, 2, 3]
    # The name says what the array held: another of that name must hold the same.
    assert da.asarray(np.arange(4)).name == lazy.name
    assert (lazy + da.asarray(np.arange(4))).compute().tolist() == [0, 2, 4, 6]


def test_one_number_takes_any_chunks() -> None:
    x = da.from_array(np.array(5), chunks=(1,))
    assert x.chunks == ()
    assert int(x) == 5


class Foreign(np.ndarray):
    """An array that is a collection of its own kind."""

    def __dask_graph__(self) -> Any:
        return {"x": 1}


@pytest.mark.parametrize("make", [da.from_array, da.array, da.asarray])
def test_foreign_collections_warn(make: Any) -> None:
    x = np.arange(3).view(Foreign)
    with pytest.warns(UserWarning, match="Foreign"):
        assert make(x).compute().tolist() == [0, 1, 2]


def test_plugins_see_every_array() -> None:
    seen: list[Any] = []
    with oxidask.config.set(array_plugins=[seen.append]):
        x = da.ones(10, chunks=5)
        y = x + 1
    assert len(seen) == 2
    assert seen[0] is x
    assert seen[1] is y


def test_plugins_may_put_something_else_in_place() -> None:
    with oxidask.config.set(array_plugins=[lambda x: x.compute()]):
        assert type(da.ones(3) + 1) is np.ndarray


class Counter:
    """A lock that only knows how to be acquired and released."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.acquired = 0

    def acquire(self) -> bool:
        self.lock.acquire()
        self.acquired += 1
        return True

    def release(self) -> None:
        self.lock.release()


def test_locks_without_contexts() -> None:
    lock = Counter()
    target = np.zeros((4, 4))
    da.ones((4, 4), chunks=2).store(target, lock=lock, scheduler="threads")
    assert (lock.acquired, lock.lock.locked()) == (4, False)
    np.testing.assert_array_equal(target, np.ones((4, 4)))
    np.testing.assert_array_equal(da.from_array(target, chunks=2, lock=lock).compute(), target)
    assert lock.acquired == 8


def test_locks_without_contexts_are_released_after_errors() -> None:
    class Broken:
        shape, dtype = (4,), np.dtype(float)

        def __setitem__(self, index: Any, value: Any) -> None:
            raise OSError("full")

    lock = Counter()
    with pytest.raises(OSError, match="full"):
        da.ones(4, chunks=2).store(Broken(), lock=lock, scheduler="sync")
    assert not lock.lock.locked()


def test_targets_can_be_written_to_under_any_scheduler() -> None:
    def get(graph: Any, keys: Any, **kwargs: Any) -> Any:
        assert kwargs.pop("mood") == "good"
        return oxidask.get(graph, keys, **kwargs)

    target = np.zeros(6)
    x = da.ones(6, chunks=2)
    stored = da.store([x], [target], scheduler=get, return_stored=True, mood="good")
    np.testing.assert_array_equal(target, np.ones(6))
    np.testing.assert_array_equal(stored[0].compute(), np.ones(6))
