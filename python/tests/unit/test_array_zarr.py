"""Zarr arrays, with the zarr package as the oracle."""

import os

import numpy as np
import oxidask.array as da
import pytest
from oxidask.array.core import elemwise

zarr = pytest.importorskip("zarr", minversion="3")


@pytest.fixture
def x():
    return np.arange(70.0).reshape(7, 10)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i1", "u2", "i8", "?", "c16", "M8[ns]", "U3"])
def test_what_we_write_zarr_reads_and_the_other_way_round(x, tmp_path, zarr_format, dtype):
    data = x.astype("i8").astype(dtype)
    y = da.from_array(data, chunks=(3, 4))
    y.to_zarr(tmp_path / "ours", zarr_format=zarr_format)
    np.testing.assert_array_equal(zarr.open_array(str(tmp_path / "ours"), mode="r")[:], data)
    theirs = zarr.create_array(
        str(tmp_path / "theirs"), shape=data.shape, chunks=(2, 5), dtype=data.dtype,
        zarr_format=zarr_format,
    )  # fmt: skip
    theirs[:] = data
    for place, chunks in (("ours", (3, 4)), ("theirs", (2, 5))):
        read = da.from_zarr(tmp_path / place)
        assert read.chunksize == chunks
        assert read.dtype == data.dtype
        np.testing.assert_array_equal(read.compute(), data)
    rechunked = da.from_zarr(tmp_path / "theirs", chunks=(7, 3))
    np.testing.assert_array_equal(rechunked.compute(), data)


@pytest.mark.parametrize("compressor", ["blosc", "gzip", "none"])
def test_codecs_and_shards(x, tmp_path, compressor):
    codecs = {"blosc": zarr.codecs.BloscCodec(), "gzip": zarr.codecs.GzipCodec(), "none": None}
    theirs = zarr.create_array(
        str(tmp_path), shape=x.shape, chunks=(2, 5), shards=(4, 10), dtype="f8",
        compressors=codecs[compressor],
    )  # fmt: skip
    theirs[:] = x
    read = da.from_zarr(tmp_path)
    assert read.chunksize == (2, 5)
    np.testing.assert_array_equal(read.compute(), x)


def test_components_and_overwriting(x, tmp_path):
    y = da.from_array(x, chunks=(3, 4))
    y.to_zarr(tmp_path, component="a/b")
    with pytest.raises((OSError, ValueError)):
        y.to_zarr(tmp_path, component="a/b")
    elemwise(np.add, y, 1).to_zarr(tmp_path, component="a/b", overwrite=True)
    y.to_zarr(tmp_path, component="c")
    group = zarr.open_group(str(tmp_path), mode="r")
    assert set(group) == {"a", "c"}
    np.testing.assert_array_equal(group["a/b"][:], x + 1)
    np.testing.assert_array_equal(da.from_zarr(tmp_path, component="c").compute(), x)


def test_modes(x, tmp_path):
    y = da.from_array(x)
    with pytest.raises(ValueError, match="Cannot use"):
        y.to_zarr(tmp_path, mode="r")
    y.to_zarr(tmp_path / "x")
    with pytest.raises((OSError, ValueError)):
        y.to_zarr(tmp_path / "x", mode="w-")
    y.to_zarr(tmp_path / "x", mode="w")


@pytest.mark.parametrize("compute", [True, False])
def test_stored_arrays(x, tmp_path, compute):
    y = da.from_array(x, chunks=(3, 4))
    stored = y.to_zarr(tmp_path, compute=compute, return_stored=True)
    np.testing.assert_array_equal(stored.compute(), x)
    np.testing.assert_array_equal(zarr.open_array(str(tmp_path))[:], x)


def test_writing_later(x, tmp_path):
    lazy = da.from_array(x, chunks=(3, 4)).to_zarr(tmp_path, compute=False)
    assert not zarr.open_array(str(tmp_path))[:].any()
    lazy.compute()
    np.testing.assert_array_equal(zarr.open_array(str(tmp_path))[:], x)


def test_regions_of_arrays_that_are_there(x):
    z = zarr.create_array({}, shape=(14, 10), chunks=(7, 5), dtype="f8", fill_value=0)
    da.from_array(x, chunks=(7, 5)).to_zarr(z, region=(slice(7, 14), slice(None)))
    np.testing.assert_array_equal(z[7:], x)
    assert not z[:7].any()
    with pytest.raises(ValueError, match=r"zarr\.Array"):
        da.from_array(x).to_zarr({}, region=(slice(7),))


def test_unknown_chunks_are_refused(x):
    y = da.Array({("y", 0): x[0]}, "y", ((np.nan,),), dtype=float)
    with pytest.raises(ValueError, match=r"unknown chunk sizes.*compute_chunk_sizes"):
        y.to_zarr({})


def test_what_was_stopped_goes_on(x, tmp_path):
    written, broken = [], [True]

    def block(part):
        written.append(part[0, 0])
        if broken[0] and part[0, 0] == 20:
            raise OSError("the disk is full")
        return part

    source = da.from_array(x, chunks=(1, 10))
    args = [("blocks", source, [0, 1], [False, False])]
    y = da.core.blockwise_layer("mine", block, args, source.chunks, np.empty((0, 0)))
    if not _is_native(tmp_path / "probe"):
        pytest.skip("this build has no Zarr of its own")
    with pytest.raises(OSError, match="full"):
        y.to_zarr(tmp_path / "x")
    n_done = sum(len(files) for _, _, files in os.walk(tmp_path / "x" / "c"))
    assert n_done < 7
    broken[0] = False
    written.clear()
    y.to_zarr(tmp_path / "x", resume=True)
    assert len(written) == 7 - n_done
    np.testing.assert_array_equal(zarr.open_array(str(tmp_path / "x"))[:], x)
    assert not (tmp_path / "x" / ".oxidask-progress.json").exists()


def _is_native(path):
    da.from_array(np.ones(1)).to_zarr(path)
    return da.from_zarr(path)._expr.is_native
