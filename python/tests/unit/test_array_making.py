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


def test_locks_are_held_through_their_methods() -> None:
    class Refusing(oxidask.utils.SerializableLock):
        def acquire(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("taken")

    x = da.from_array(np.arange(4), chunks=2, lock=Refusing())
    with pytest.raises(RuntimeError, match="taken"):
        x.compute()


class Stored:
    """An array in a store: it counts what is read of it."""

    shape, dtype, chunks, ndim = (4, 2), np.dtype(float), (2, 2), 2

    def __init__(self) -> None:
        self.read: list[Any] = []

    def __getitem__(self, index: Any) -> Any:
        self.read.append(index)
        return np.ones(self.shape)[index]


@pytest.mark.parametrize("make", [da.asarray, da.asanyarray])
def test_what_is_stored_in_chunks_is_read_when_it_is_computed(make: Any) -> None:
    stored = Stored()
    x = make(stored, dtype="f4")
    assert stored.read == []
    assert x.dtype == np.float32
    assert x.sum().compute() == 8
    assert stored.read


@pytest.mark.parametrize("make", [da.asarray, da.asanyarray])
@pytest.mark.parametrize(
    "source", [[[1, 0]], np.array([[1, 0]]), da.from_array([[1, 0]], chunks=1)]
)
def test_blocks_become_sparse_matrices_as_another_array_is(make: Any, source: Any) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    like = da.from_array(sparse.csr_array(np.eye(2)))
    x = make(source, dtype="f4", like=like)
    assert isinstance(x._meta, sparse.csr_array)
    result = x.compute()
    assert isinstance(result, sparse.csr_array)
    assert (result.dtype, result.toarray().tolist()) == (np.float32, [[1, 0]])


def test_masked_arrays_have_one_token() -> None:
    import subprocess
    import sys

    code = (
        "import numpy as np, oxidask.array as da\n"
        "from oxidask.tokenize import tokenize\n"
        "x = np.ma.array([1, 2], mask=[True, False])\n"
        "assert tokenize(x) == tokenize(x)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("make", [da.array, da.asarray, da.asanyarray])
def test_chunks_of_conversions(make: Any) -> None:
    x = np.arange(10)
    assert make(x, chunks=4).chunks == ((4, 4, 2),)
    # Arrays of other chunks have other names.
    with oxidask.config.set({"array.chunk-size": "16 B"}):
        assert make(x).name != make(x, chunks=-1).name
    np.testing.assert_array_equal((make(x, chunks=4) + make(x, chunks=3)).compute(), 2 * x)


@pytest.mark.parametrize("lock", [False, True])
@pytest.mark.parametrize("kind", [np.ndarray, np.matrix, np.ma.MaskedArray])
def test_later_writes_change_no_array_of_any_kind(kind: Any, lock: bool) -> None:
    x = np.arange(4.0).reshape(2, 2).view(kind)
    lazy = da.from_array(x, chunks=1, lock=lock)
    x[:] = 9
    np.testing.assert_array_equal(lazy.compute(), [[0, 1], [2, 3]])


@pytest.mark.parametrize("k", [-1, 0, 2])
def test_matrices_of_diagonals_of_unknown_extent(k: int) -> None:
    x = da.arange(6, chunks=6)
    known = x.compute()
    np.testing.assert_array_equal(da.diag(x[x > 2], k).compute(), np.diag(known[known > 2], k))
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        da.diag(x.rechunk(3)[x.rechunk(3) > 2], k)
