"""Arrays from memory, storage and delayed values, and back."""

import copy
import os
import pickle

import numpy as np
import oxidask
import oxidask.array as da
import pytest
from oxidask import delayed
from oxidask.array import _npy_stack
from oxidask.array.core import elemwise, from_func, getter
from oxidask.array.svg import draw_sizes, svg


@pytest.fixture
def x():
    return np.arange(24.0).reshape(4, 6)


class Source:
    """Something with a shape, a dtype and slices that counts how often it is read."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.reads = array, array.shape, array.dtype, []

    def __getitem__(self, index):
        self.reads.append(index)
        return self.array[index]


@pytest.mark.parametrize("chunks", [(2, 3), -1, ((1, 3), (5, 1)), "auto"])
def test_arrays_in_memory_come_back(x, chunks):
    for array in (x, x.T, x[::-1, ::2], x.astype(">f4"), x.astype(object), x[0, 0], x[:0]):
        if chunks == ((1, 3), (5, 1)) and array.shape != x.shape:
            continue
        if array.ndim != 2 and isinstance(chunks, tuple):
            continue
        if chunks == "auto" and array.dtype == object:
            continue
        y = da.from_array(array, chunks=chunks)
        result = np.asarray(y.compute())
        # Concatenating brings bytes into the machine's order; a single block stays as it is.
        assert result.dtype.newbyteorder("=") == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(result, array)


def test_masked_arrays_keep_their_masks():
    array = np.ma.array([1, 2, 3, 4], mask=[0, 1, 0, 1])
    result = da.from_array(array, chunks=2).compute()
    assert isinstance(result, np.ma.MaskedArray)
    assert result.tolist() == array.tolist()


def test_later_writes_to_the_array_change_nothing(x):
    y = da.from_array(x, chunks=2)
    x[:] = -1
    assert y.compute().min() == 0


def test_read_only_arrays_are_not_copied(x):
    x.flags.writeable = False
    y = da.from_array(x, chunks=(2, 6))
    assert all(np.shares_memory(block, x) for block in y.dask.values())


def test_names_are_hashes_of_what_is_read(x):
    assert da.from_array(x).name == da.from_array(x.copy()).name
    assert da.from_array(x).name != da.from_array(x + 1).name
    assert da.from_array(x, name=False).name != da.from_array(x, name=False).name
    assert da.from_array(x, name="mine").name == "mine"


def test_sources_are_read_block_by_block_under_the_lock(x):
    source = Source(x)
    lock = oxidask.utils.SerializableLock()
    y = da.from_array(source, chunks=(2, 3), lock=lock)
    assert source.reads == []
    np.testing.assert_array_equal(y.compute(), x)
    assert sorted(source.reads, key=str) == sorted(
        [(slice(i, i + 2), slice(j, j + 3)) for i in (0, 2) for j in (0, 3)], key=str
    )
    with lock, pytest.raises(RuntimeError, match="locked"):
        da.from_array(Source(x), lock=_Fussy(lock)).compute()


class _Fussy:
    def __init__(self, lock):
        self.lock = lock

    def __enter__(self):
        if self.lock.locked():
            raise RuntimeError("it is locked")

    def __exit__(self, *error):
        pass


def test_the_source_is_a_task_of_its_own_unless_inlined(x):
    source = Source(x)
    y = da.from_array(source, chunks=(2, 3), name="y")
    assert dict(y.dask)["original-y"] is source
    inlined = da.from_array(source, chunks=(2, 3), name="y", inline_array=True)
    assert set(inlined.dask) == {("y", i, j) for i in range(2) for j in range(2)}
    np.testing.assert_array_equal(inlined.compute(), x)


def test_lazy_arrays_are_refused(x):
    with pytest.raises(ValueError, match="asarray"):
        da.from_array(da.from_array(x))


def test_getter():
    assert getter([1, 2, 3], slice(1, 3)).tolist() == [2, 3]
    assert getter(np.arange(3), (None, slice(None))).shape == (1, 3)


def test_delayed_values_become_arrays_and_run_once():
    calls = []

    def load():
        calls.append(1)
        return np.arange(3.0)

    value = delayed(load)()
    a = da.from_delayed(value, (3,), dtype=float)
    b = da.from_delayed(value * 2, (3,), dtype=float)
    total, plain = oxidask.compute(elemwise(np.add, a, b), value)
    assert total.tolist() == [0, 3, 6]
    assert plain.tolist() == [0, 1, 2]
    assert len(calls) == 1
    assert da.from_delayed(value, (3,), dtype=float).name == a.name
    with pytest.raises(ValueError, match="dtype"):
        da.from_delayed(value, (3,))


def test_functions_become_arrays():
    y = from_func(lambda n: n * np.arange(3), (3,), int, kwargs={"n": 2})
    assert y.compute().tolist() == [0, 2, 4]


@pytest.mark.parametrize("optimize_graph", [True, False])
def test_blocks_become_delayed_values(x, optimize_graph):
    y = elemwise(np.multiply, elemwise(np.add, da.from_array(x, chunks=(2, 3)), 1), 2)
    blocks = y.to_delayed(optimize_graph=optimize_graph)
    assert blocks.shape == (2, 2)
    assert blocks[1, 0].key == (y.name, 1, 0)
    expected = (x + 1) * 2
    np.testing.assert_array_equal(blocks[1, 0].compute(), expected[2:, :3])
    np.testing.assert_array_equal(blocks[1, 0].compute(scheduler="sync"), expected[2:, :3])
    copied = pickle.loads(pickle.dumps(blocks[0, 1]))
    np.testing.assert_array_equal(copied.compute(), expected[:2, 3:])
    assert delayed(sum)([block.sum() for block in blocks.flat]).compute() == expected.sum()


def test_frames_name_the_way_out(x):
    with pytest.raises(NotImplementedError, match=r"pandas\.DataFrame"):
        da.from_array(x).to_dask_dataframe()


def test_store(x):
    source, target = da.from_array(x, chunks=(2, 3)), np.zeros((4, 6))
    assert da.store(source, target) is None
    np.testing.assert_array_equal(target, x)
    first, second = np.zeros((4, 6)), np.zeros((4, 6))
    assert da.store([source, elemwise(np.add, source, 1)], [first, second]) is None
    np.testing.assert_array_equal(first, x)
    np.testing.assert_array_equal(second, x + 1)


@pytest.mark.parametrize(
    "region",
    [
        (slice(1, 8, 2), slice(6, 12)),
        (slice(None, None, -2), slice(-6, None)),
        ([0, 2, 5, 7], slice(1, 7)),
        (slice(4), np.arange(12) % 2 == 0),
    ],
)
def test_store_in_regions(x, region):
    target, expected = np.zeros((8, 12)), np.zeros((8, 12))
    expected[region] = x
    da.from_array(x, chunks=(3, 4)).store(target, regions=region)
    np.testing.assert_array_equal(target, expected)


def test_stored_arrays_read_what_was_written(x):
    source = da.from_array(x, chunks=(2, 3))
    target = np.zeros((4, 6))
    lazy = source.store(target, compute=False, return_stored=True)
    assert not target.any()
    np.testing.assert_array_equal(lazy.compute(), x)
    np.testing.assert_array_equal(target, x)
    stored = source.store(target, return_stored=True)
    target += 1
    np.testing.assert_array_equal(stored.compute(), x + 1)


def test_equal_targets_are_two_targets(x):
    source = da.from_array(x, chunks=2)
    targets = [np.zeros((4, 6)), np.zeros((4, 6))]
    da.store([source, source], targets)
    assert all((target == x).all() for target in targets)


def test_store_into_delayed_targets_makes_them_once(x):
    made = []

    def make():
        made.append(np.zeros((4, 6)))
        return made[-1]

    da.from_array(x, chunks=2).store(delayed(make)())
    (target,) = made
    np.testing.assert_array_equal(target, x)


def test_store_refuses_what_does_not_fit(x):
    source = da.from_array(x)
    with pytest.raises(ValueError, match="dask arrays"):
        da.store(x, x)
    with pytest.raises(ValueError, match="1 sources and 2 targets"):
        da.store([source], [x, x])


def test_npy_stacks(x, tmp_path):
    y = da.from_array(x, chunks=(2, 6))
    da.to_npy_stack(tmp_path / "stack", y)
    assert sorted(os.listdir(tmp_path / "stack")) == ["0.npy", "1.npy", "info"]
    np.testing.assert_array_equal(np.load(tmp_path / "stack" / "1.npy"), x[2:])
    read = da.from_npy_stack(tmp_path / "stack")
    assert read.chunks == y.chunks
    np.testing.assert_array_equal(read.compute(), x)


def test_npy_stacks_go_on_where_they_were_stopped(x, tmp_path):
    written, broken = [], [True]

    def block(part, block_info=None):
        written.append(part[0, 0])
        if broken[0] and part[0, 0] == 12:
            raise OSError("the disk is full")
        return part

    args = [("blocks", da.from_array(x, chunks=(1, 6)), [0, 1], [False, False])]
    y = da.core.blockwise_layer("mine", block, args, ((1,) * 4, (6,)), np.empty((0, 0)))
    # One at a time: tasks that run beside the one that fails end later.
    with pytest.raises(OSError, match="full"), oxidask.config.set(scheduler="sync"):
        da.to_npy_stack(tmp_path, y)
    done = {name for name in os.listdir(tmp_path) if name.endswith(".npy")}
    assert "2.npy" not in done
    broken[0] = False
    written.clear()
    da.to_npy_stack(tmp_path, y, resume=True)
    assert len(written) == 4 - len(done)
    np.testing.assert_array_equal(da.from_npy_stack(tmp_path).compute(), x)


def test_half_written_files_are_never_seen(tmp_path):
    def write(file):
        file.write(b"half")
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        _npy_stack.write_atomically(tmp_path / "file", write)
    assert os.listdir(tmp_path) == []


def test_hdf5(x, tmp_path):
    h5py = pytest.importorskip("h5py")
    y = da.from_array(x, chunks=(2, 3))
    y.to_hdf5(tmp_path / "data.hdf5", "/x", compression="gzip")
    with h5py.File(tmp_path / "data.hdf5") as file:
        assert file["x"].chunks == (2, 3)
        read = da.from_array(file["x"])
        np.testing.assert_array_equal(read.compute(), x)


def test_drawings():
    assert svg(((2, 2), (3,))).count("<svg") == 1
    assert draw_sizes((10, 5), size=100) == (100, 50)
    y = da.from_array(np.ones((4, 6)), chunks=2)
    html = y._repr_html_()
    assert "<svg" in html
    assert "(4, 6)" in html
    assert "192 B" in html
    with pytest.raises(NotImplementedError, match="0 dimensions"):
        da.from_array(1.0).to_svg()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: da.from_array(x, chunks=2),
        lambda x: elemwise(np.add, da.from_array(x, chunks=2), 1),
        lambda x: da.from_array(Source(x), chunks=2),
        lambda x: da.from_array(x.astype(object), chunks=-1),
        lambda x: da.from_delayed(delayed(np.ones)((4, 6)), (4, 6), dtype=float),
        lambda x: elemwise(np.add, da.from_array(x, chunks=2), 1).persist(),
    ],
)
def test_arrays_are_pickled_and_copied(x, make):
    y = make(x)
    for other in (pickle.loads(pickle.dumps(y)), copy.deepcopy(y), copy.copy(y)):
        assert other.name == y.name
        assert other.chunks == y.chunks
        assert other.dtype == y.dtype
        np.testing.assert_array_equal(other.compute(), y.compute())


def test_a_pickle_grows_with_expressions_not_with_blocks():
    def size(n):
        y = elemwise(np.add, da.from_array(np.ones(1), chunks=1), 1)
        y = elemwise(np.add, y, da.from_array(np.broadcast_to(1.0, (n,)), chunks=1))
        return len(pickle.dumps(y)) - 8 * n

    # Chunks are tuples of numbers; tasks would take hundreds of bytes each.
    assert size(2000) - size(1000) < 20_000


def test_processes(x):
    y = elemwise(np.add, da.from_array(x, chunks=(2, 3)), 1)
    np.testing.assert_array_equal(y.compute(scheduler="processes"), x + 1)


def test_persisted_arrays_keep_their_names(x):
    y = elemwise(np.add, da.from_array(x, chunks=(2, 3)), 1)
    z = elemwise(np.multiply, y, 2)
    py, pz = oxidask.persist(y, z)
    assert (py.name, pz.name) == (y.name, z.name)
    assert py.nbytes == x.nbytes
    assert all(isinstance(block, np.ndarray) for block in py.dask.values())
    np.testing.assert_array_equal(pz.compute(), (x + 1) * 2)
    np.testing.assert_array_equal(elemwise(np.add, py, pz).compute(), (x + 1) * 3)
