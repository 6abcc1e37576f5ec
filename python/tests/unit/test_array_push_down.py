"""Slices are pushed down to sources: what isn't wanted isn't read."""

from __future__ import annotations

import threading

import numpy as np
import oxidask
import oxidask.array as da
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SHAPE = (12, 10, 8)
CHUNKS = (5, 4, 8)


class Source:
    """An array in memory that counts what it is asked for."""

    def __init__(self, values=None):
        self.values = np.arange(np.prod(SHAPE)).reshape(SHAPE) if values is None else values
        self.shape, self.dtype, self.ndim = self.values.shape, self.values.dtype, self.values.ndim
        self.n_read = np.zeros(self.shape, int)
        self.lock = threading.Lock()

    def __getitem__(self, index):
        # As HDF5 and Zarr have it: one slice for each axis, forwards.
        assert all(type(part) is slice and part.step is None for part in index), index
        assert all(0 <= part.start <= part.stop for part in index), index
        with self.lock:
            self.n_read[index] += 1
        return self.values[index]

    def lazy(self):
        return da.from_array(self, CHUNKS[-self.ndim :])

    def check(self, index, n=1):
        """Just the region was read, so often."""
        wanted = np.zeros(self.shape, int)
        wanted[index] = n
        np.testing.assert_array_equal(self.n_read, wanted)


REGIONS = [
    (slice(3, 7),),
    (slice(0, 12), slice(2, 3)),
    (slice(5, 10), slice(4, 8), slice(1, 2)),
    (7, slice(1, 9), 2),
    (slice(2, 2),),
    (-1,),
    (Ellipsis, slice(6, None)),
]


@pytest.mark.parametrize("index", REGIONS)
def test_a_slice_reads_its_region_once(index):
    source = Source()
    result = source.lazy()[index].compute()
    np.testing.assert_array_equal(result, source.values[index])
    source.check(index)


@pytest.mark.parametrize("step", [-1, 3, -4])
def test_steps_are_read_in_one_piece_and_no_further(step):
    source = Source()
    result = source.lazy()[9:2:step] if step < 0 else source.lazy()[2:9:step]
    want = source.values[9:2:step] if step < 0 else source.values[2:9:step]
    np.testing.assert_array_equal(result.compute(), want)
    assert not source.n_read[:2].any()
    assert not source.n_read[10:].any()
    assert source.n_read.max() == 1


def test_slices_of_slices_are_one_region():
    source = Source()
    result = source.lazy()[2:11][1:, ::2][4, 1:, 3:5]
    np.testing.assert_array_equal(result.compute(), source.values[7, 2::2, 3:5])
    assert source.n_read.sum() == source.n_read[7, 2:10, 3:5].sum()
    assert source.n_read.max() == 1


@pytest.mark.parametrize(
    ("make", "index"),
    [
        (lambda x: x.astype("f4")[3:7], np.s_[3:7]),
        (lambda x: x.T[:2, 4:8], np.s_[:, 4:8, :2]),
        (lambda x: x.transpose(1, 2, 0)[5, 3:], np.s_[:, 5, 3:]),
        (lambda x: (x * 2 + 1)[..., 7], np.s_[..., 7]),
        (lambda x: x[None, 2:4].astype("c8")[0, :, 3], np.s_[:]),
        (lambda x: (x.T.astype("f8") / 3)[1:3, :, 11], np.s_[11, :, 1:3]),
        (lambda x: (x[4:] - 5)[1:3][:, 2:3].sum(axis=0), np.s_[5:7, 2:3]),
    ],
)
def test_slices_go_through_casts_transposes_and_arithmetic(make, index):
    source = Source()
    lazy = make(source.lazy())
    want = make(source.values)
    result = lazy.compute()
    assert (lazy.shape, lazy.dtype) == (want.shape, want.dtype) == (result.shape, result.dtype)
    np.testing.assert_allclose(result, want)
    if index != np.s_[:]:
        source.check(index)
    assert source.n_read.max() == 1


def test_a_source_of_several_readers_is_read_once_and_whole():
    source = Source()
    x = source.lazy()
    got = oxidask.compute(x[:5] + x[5:10], x.sum())
    np.testing.assert_array_equal(got[0], source.values[:5] + source.values[5:10])
    assert got[1] == source.values.sum()
    source.check(np.s_[:])


def test_two_sources_of_one_expression():
    one, two = Source(), Source(np.arange(80).reshape(10, 8))
    result = (one.lazy() * two.lazy())[3:6, 1:3, 2:4].compute()
    np.testing.assert_array_equal(result, (one.values * two.values)[3:6, 1:3, 2:4])
    one.check(np.s_[3:6, 1:3, 2:4])
    two.check(np.s_[1:3, 2:4])


def test_what_is_stretched_is_not_cut():
    one, two = Source(), Source(np.arange(10).reshape(10, 1))
    result = (one.lazy() * two.lazy())[3:6, 1:3, 2:4].compute()
    np.testing.assert_array_equal(result, (one.values * two.values)[3:6, 1:3, 2:4])
    one.check(np.s_[3:6, 1:3, 2:4])
    two.check(np.s_[1:3])
    result = (one.lazy() * two.lazy())[3, 7, 5].compute()
    assert result == (one.values * two.values)[3, 7, 5]
    assert (one.n_read[3, 7, 5], two.n_read[7, 0]) == (1, 2 - (7 > 2))


def test_own_getters_are_asked_for_their_blocks():
    asked = []

    def read(x, index):
        asked.append(index)
        return x[index]

    x = da.from_array(Source(), CHUNKS, getitem=read)
    np.testing.assert_array_equal(x[3:7].compute(), Source().values[3:7])
    assert all(part.stop - part.start in (4, 2, 5, 8) for index in asked for part in index)


def test_what_was_wanted_keeps_its_name():
    x = Source().lazy()
    names = x[3:7].name, x[3:7].__dask_keys__()
    x[3:7].compute()
    assert (x[3:7].name, x[3:7].__dask_keys__()) == names


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_whoever_computes_reads_the_region(scheduler):
    source = Source()
    x = source.lazy()[3:7, 2]
    np.testing.assert_array_equal(x.compute(scheduler=scheduler), source.values[3:7, 2])
    np.testing.assert_array_equal(x.persist(scheduler=scheduler), source.values[3:7, 2])
    source.check(np.s_[3:7, 2], 2)


@pytest.mark.parametrize("kind", ["h5py", "zarr", "memmap"])
def test_sources_of_every_kind(kind, tmp_path):
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    if kind == "h5py":
        h5py = pytest.importorskip("h5py")
        file = h5py.File(tmp_path / "data.h5", "w")
        source = file.create_dataset("x", data=values, chunks=CHUNKS)
    elif kind == "zarr":
        zarr = pytest.importorskip("zarr")
        source = zarr.array(values, chunks=CHUNKS)
    else:
        source = np.memmap(tmp_path / "data", values.dtype, "w+", shape=SHAPE)
        source[:] = values
    x = da.from_array(source, CHUNKS)
    for index in [*REGIONS, np.s_[::-2, 3], np.s_[10:1:-3, ..., ::3]]:
        np.testing.assert_array_equal(x[index].compute(), values[index])
        np.testing.assert_array_equal((x.T + 1)[index[::-1]].compute(), (values.T + 1)[index[::-1]])
    if kind == "h5py":
        file.close()


def test_native_zarr_arrays_are_read_in_part(tmp_path):
    """Chunks of which nothing is wanted aren't opened."""
    values = np.arange(np.prod(SHAPE), dtype="f4").reshape(SHAPE)
    da.from_array(values, CHUNKS).to_zarr(tmp_path / "x")
    x = da.from_zarr(tmp_path / "x", chunks=SHAPE)
    assert x.numblocks == (1, 1, 1)
    for index in [*REGIONS, np.s_[::-2, 3], np.s_[10:1:-3, ..., ::3], np.s_[11, 9, 7]]:
        np.testing.assert_array_equal(x[index].compute(), values[index])
        np.testing.assert_array_equal((x.T + 1)[index[::-1]].compute(), (values.T + 1)[index[::-1]])
    # All chunks but the first are damaged.
    files = [p for p in (tmp_path / "x").rglob("*") if p.is_file()]
    chunks = [p for p in files if p.suffix != ".json" and not p.name.startswith(".")]
    first = min(chunks)
    assert len(chunks) == 9
    for path in chunks:
        if path != first:
            path.write_bytes(b"nothing")
    np.testing.assert_array_equal(x[:4, 1:3].compute(), values[:4, 1:3])
    with pytest.raises((OSError, RuntimeError), match=r"[Zz]std|decod|decompress"):
        x[:6].compute()


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_chain_of_slices_is_numpys(data):
    source = Source()
    x, want = source.lazy(), source.values
    for _ in range(data.draw(st.integers(1, 3))):
        index = []
        for n in want.shape:
            if n and data.draw(st.integers(0, 3)) == 0:
                index.append(data.draw(st.integers(-n, n - 1)))
            else:
                ends = st.none() | st.integers(-n - 1, n + 1)
                steps = st.sampled_from([None, 1, 2, -1, -3])
                index.append(slice(data.draw(ends), data.draw(ends), data.draw(steps)))
        x, want = x[tuple(index)], np.asarray(want[tuple(index)])
        change = data.draw(st.sampled_from(["nothing", "transpose", "cast", "add"]))
        if change == "transpose":
            x, want = x.T, want.T
        elif change == "cast":
            x, want = x.astype("f8"), want.astype("f8")
        elif change == "add" and want.ndim:
            x, want = x + want[..., :1], want + want[..., :1]
    np.testing.assert_array_equal(x.compute(), want)
    assert source.n_read.max(initial=0) <= 1
