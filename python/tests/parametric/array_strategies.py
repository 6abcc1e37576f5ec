"""What the parametric tests of arrays draw: dtypes, shapes, chunks, values and indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import oxidask.array as da
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

INTEGERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]
REALS = ["?", *INTEGERS, "f2", "f4", "f8"]
NUMBERS = [*REALS, "c8", "c16"]
DURATIONS = ["m8[s]", "m8[ns]"]
TIMES = [*DURATIONS, "M8[s]", "M8[D]"]

#: What is no number, or no ordinary one.
SPECIAL = [0.0, -0.0, np.nan, np.inf, -np.inf, 1.5, -2.0]


def shapes(
    min_dims: int = 0, max_dims: int = 3, least: int = 0, most: int = 6
) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw a shape; extents from `least` to `most`."""
    return st.lists(st.integers(least, most), min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def cuts(draw: st.DrawFn, n: int, most: int = 4) -> tuple[int, ...]:
    """Draw blocks that make up `n`, empty ones among them."""
    at = sorted(draw(st.lists(st.integers(0, n), max_size=most)))
    return tuple(int(m) for m in np.diff([0, *at, n]))


@st.composite
def chunks_of(draw: st.DrawFn, shape: tuple[int, ...], most: int = 3) -> Any:
    """Draw chunks of a shape, blocks of no extent among them."""
    return tuple(draw(cuts(n, most)) for n in shape)


@st.composite
def cut(draw: st.DrawFn, values: np.ndarray) -> da.Array:
    """Draw an array in memory as a lazy one."""
    return da.from_array(values, draw(chunks_of(values.shape)))


@st.composite
def counted(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[np.ndarray, da.Array]:
    """Draw an array of consecutive numbers, plain and lazy."""
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    return x, draw(cut(x))


@st.composite
def small_values(draw: st.DrawFn, shape: tuple[int, ...], dtypes: list[str]) -> np.ndarray:
    """Draw an array of numbers near zero, integers in any dtype."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    values = rng.integers(0 if dtype.kind == "u" else -4, 5, size=shape)
    if dtype.kind == "c":
        values = values + 1j * rng.integers(-4, 5, size=shape)
    return np.asarray(values).astype(dtype)


@st.composite
def any_values(draw: st.DrawFn, shape: tuple[int, ...], dtypes: list[str]) -> np.ndarray:
    """Draw an array of ordinary numbers, the edges of a dtype, NaN and NaT."""
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    x = np.asarray(rng.integers(0 if dtype.kind in "bu" else -9, 10, size=shape))
    if dtype.kind == "O":
        return np.asarray(x.astype(object))
    if dtype.kind in "mM":
        x = np.asarray(x.astype(dtype))
        edges = [np.array("NaT", dtype)]
    elif dtype.kind in "iu":
        x = np.asarray(x.astype(dtype))
        edges = [np.array(edge, dtype) for edge in (np.iinfo(dtype).min, np.iinfo(dtype).max, 0)]
    elif dtype.kind == "b":
        return np.asarray(x % 2 == 0)
    else:
        x = np.asarray((x / 4).astype(dtype))
        edges = [np.array(edge, dtype) for edge in SPECIAL]
        if dtype.kind == "c":
            x = np.asarray(x + np.array(1j, dtype) * rng.integers(-4, 5, size=shape)).astype(dtype)
    if x.size:
        for edge in draw(st.lists(st.sampled_from(edges), max_size=3)):
            x.flat[int(rng.integers(x.size))] = edge
    return x


def broadcastable(n: int, max_dims: int = 3) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    """Draw shapes that are broadcast to one, 0-d and empty ones among them."""
    drawn = hnp.mutually_broadcastable_shapes(
        num_shapes=n, max_dims=max_dims, min_side=0, max_side=5
    )
    return drawn.map(lambda shapes: shapes.input_shapes)


def bounds(n: int) -> st.SearchStrategy[int | None]:
    """Draw an end of a slice, beyond the axis too."""
    return st.none() | st.integers(-n - 2, n + 2)


def slices(n: int) -> st.SearchStrategy[slice]:
    """Draw a slice of any direction."""
    steps = st.none() | st.integers(-3, 3).filter(bool)
    return st.builds(slice, bounds(n), bounds(n), steps)


def arrays_of(n: int) -> st.SearchStrategy[Any]:
    """Draw three positions or a mask."""
    positions = st.lists(st.integers(-n, n - 1), min_size=3, max_size=3) if n else st.just([])
    masks = st.lists(st.booleans(), min_size=n, max_size=n).map(lambda m: np.array(m, dtype=bool))
    return positions | masks


@st.composite
def indices(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[Any, ...]:
    """Draw an index of any kind, with at most two arrays."""
    parts: list[Any] = []
    n_arrays = draw(st.integers(0, 2))
    for n in shape[: draw(st.integers(0, len(shape)))]:
        if n_arrays and draw(st.booleans()):
            n_arrays -= 1
            parts.append(draw(arrays_of(n)))
        elif n and draw(st.booleans()):
            parts.append(draw(st.integers(-n, n - 1)))
        else:
            parts.append(draw(slices(n)))
    if draw(st.booleans()):
        parts.insert(draw(st.integers(0, len(parts))), None)
    if draw(st.booleans()):
        parts.append(Ellipsis)
    return tuple(parts)
