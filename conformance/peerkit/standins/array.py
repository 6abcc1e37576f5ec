"""Assertion helpers for chunked arrays, through public attributes only."""

from __future__ import annotations

import itertools
import math

import numpy as np

from peerkit import runtime as _pk

FORCED = {
    "dask.array.utils": ["assert_eq", "same_keys", "assert_eq_shape"],
    "dask.array": ["assert_eq"],
}
FALLBACK = {}


def is_lazy_array(x):
    return hasattr(x, "compute") and hasattr(x, "chunks") and hasattr(x, "dtype")


def assert_eq_shape(a, b, check_ndim=True, check_nan=True):
    if check_ndim:
        assert len(a) == len(b), (a, b)
    for p, q in zip(a, b):
        if math.isnan(p) or math.isnan(q):
            assert not check_nan or math.isnan(p) == math.isnan(q), (a, b)
        else:
            assert p == q, (a, b)


def _keys(x):
    out = []

    def walk(k):
        if isinstance(k, list):
            for i in k:
                walk(i)
        else:
            out.append(k)

    if hasattr(x, "__dask_keys__"):
        walk(x.__dask_keys__())
        return out
    return [x.name]


def same_keys(a, b):
    """Were the two built from the same inputs by the same steps?  (equal output keys)"""
    return _keys(a) == _keys(b)


def _check_blocks(x, scheduler):
    """Each block has the shape and the dtype that x promises."""
    blocks = x.to_delayed()
    flat = list(np.asarray(blocks, dtype=object).ravel())
    values = _pk.module("dask").compute(*flat, scheduler=scheduler)
    grid = list(itertools.product(*(range(len(c)) for c in x.chunks)))
    assert len(grid) == len(values), f"{len(values)} blocks, chunks promise {len(grid)}"
    for idx, value in zip(grid, values):
        promised = tuple(c[i] for c, i in zip(x.chunks, idx))
        if not hasattr(value, "dtype"):
            value = np.array(value, dtype="O")
        assert_eq_shape(promised, value.shape, check_nan=False)
        assert value.dtype == x.dtype, f"block {idx} has {value.dtype}, array says {x.dtype}"


def _settle(x, check_shape, check_chunks, check_ndim, scheduler):
    if is_lazy_array(x):
        assert x.dtype is not None
        dtype, shape = x.dtype, x.shape
        if check_chunks:
            x = x.persist(scheduler=scheduler)
            _check_blocks(x, scheduler)
        value = x.compute(scheduler=scheduler)
        if hasattr(value, "todense"):
            value = value.todense()
        if not hasattr(value, "dtype"):
            value = np.array(value, dtype="O")
        if value.shape and 0 not in value.shape:
            assert value.dtype == dtype, f"computed {value.dtype}, promised {dtype}"
        if check_shape:
            assert_eq_shape(shape, value.shape, check_nan=False)
        return value, dtype
    if not hasattr(x, "dtype"):
        x = np.array(x) if isinstance(x, (list, int, float)) else np.array(x, dtype="O")
    return x, getattr(x, "dtype", None)


def _close(a, b, equal_nan, **kwargs):
    if getattr(a, "dtype", None) == "O" or getattr(b, "dtype", None) == "O":
        if a.shape != b.shape:
            return False
        for p, q in zip(np.asarray(a, dtype=object).ravel(), np.asarray(b, dtype=object).ravel()):
            try:
                if equal_nan and p != p and q != q:
                    continue
            except (TypeError, ValueError):
                pass
            if not np.all(p == q):
                return False
        return True
    if hasattr(a, "mask") or hasattr(b, "mask"):
        return np.ma.allclose(a, b, masked_equal=True, **kwargs)
    return np.allclose(a, b, equal_nan=equal_nan, **kwargs)


def assert_eq(
    a,
    b,
    check_shape=True,
    check_graph=True,
    check_meta=True,
    check_chunks=True,
    check_ndim=True,
    check_type=True,
    check_dtype=True,
    equal_nan=True,
    scheduler="sync",
    **kwargs,
):
    """a and b (lazy or not) hold the same values, with the types they promise."""
    a, adt = _settle(a, check_shape, check_chunks, check_ndim, scheduler)
    b, bdt = _settle(b, check_shape, check_chunks, check_ndim, scheduler)
    if check_dtype:
        assert str(adt) == str(bdt), f"dtypes differ: {adt} and {bdt}"
    assert a.shape == b.shape, f"shapes differ: {a.shape} and {b.shape}"
    if check_type:
        left = a if a.shape else a.item()
        right = b if b.shape else b.item()
        assert type(left) is type(right), f"types differ: {type(left)} and {type(right)}"
    try:
        same = _close(a, b, equal_nan, **kwargs)
    except TypeError:
        same = np.all(np.asarray(a == b))
    assert same, "values differ by more than the tolerance"
    return True
