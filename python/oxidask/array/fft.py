"""Fourier transforms.

The axes that are transformed must lie in one block each.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array.core import Array, asarray, blockwise_layer, new_array
from oxidask.tokenize import tokenize

__all__ = [
    "fft",
    "fft2",
    "fft_wrap",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

_ALONG = ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft")


def _along(kind: str, a: Any, n: int | None, axis: int | None, norm: str | None) -> Array:
    x = asarray(a)
    axis = -1 if axis is None else axis
    expr = _native.array_fft(x._expr, kind, n, axis, norm or "backward")
    if expr.typestr is not None:
        return new_array(expr)
    meta = getattr(np.fft, kind)(np.ones((1,) * x.ndim, dtype=x.dtype), n=2)
    return new_array(expr, np.empty((0,) * x.ndim, dtype=meta.dtype))


def _shape_and_axes(x: Array, s: Any, axes: Any, pair: bool) -> tuple[list[int | None], list[int]]:
    """Return points and axes of a transform of several axes."""
    if axes is None:
        if pair:
            axes = (-2, -1)
        elif s is None:
            axes = range(x.ndim)
        else:
            warnings.warn(
                "`axes` should not be `None` if `s` is not `None` (Deprecated in NumPy 2.0): the "
                "last len(s) axes are meant",
                DeprecationWarning,
                stacklevel=4,
            )
            axes = range(-len(s), 0)
    axes = list(axes)
    points = [None] * len(axes) if s is None else [None if n in (-1, None) else n for n in s]
    if len(points) != len(axes):
        raise ValueError(f"Shape and axes have different lengths: {s} and {tuple(axes)}")
    for axis in axes:
        if not -x.ndim <= axis < x.ndim:
            raise np.exceptions.AxisError(axis, x.ndim)
    if len({axis % x.ndim for axis in axes}) < len(axes):
        raise ValueError(f"Transforms of repeated axes are not supported: axes={tuple(axes)}")
    return points, axes


def _over(kind: str, a: Any, s: Any, axes: Any, norm: str | None, pair: bool = False) -> Array:
    x = asarray(a)
    points, axes = _shape_and_axes(x, s, axes, pair)
    steps = list(zip(points, axes, strict=True))
    if not steps:
        return x
    full = kind.lstrip("r").replace("irfft", "ifft")
    if kind == "rfft":
        n, axis = steps.pop()
        x, full = _along("rfft", x, n, axis, norm), "fft"
    final = steps.pop() if kind == "irfft" else None
    for n, axis in reversed(steps):
        x = _along(full, x, n, axis, norm)
    if final is not None:
        x = _along("irfft", x, *final, norm)
    return x


_DOC = """Return the {what} along {where}.

    Parameters
    ----------
    a
        An array; the axes that are transformed lie in one block each.
    {arguments}
    norm
        ``backward``, ``ortho`` or ``forward``: which direction is scaled.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones({shape}, chunks=-1)
    >>> da.fft.{name}(x).shape
    {result}
    """

_WHAT = {
    "fft": "discrete Fourier transform",
    "ifft": "inverse discrete Fourier transform",
    "rfft": "half of the spectrum of real numbers",
    "irfft": "real numbers of half a spectrum",
    "hfft": "real spectrum of half a symmetric signal",
    "ihfft": "half of the symmetric signal of a real spectrum",
}


def _document(function: Any, kind: str) -> Any:
    """Give a transform its docstring."""
    name = function.__name__
    several = name not in _ALONG
    shape = (4, 4) if several else (4,)
    last = getattr(np.fft, kind)(np.ones(4)).shape[0]
    function.__doc__ = _DOC.format(
        what=_WHAT[kind],
        where=("the last two axes" if name.endswith("2") else "axes") if several else "an axis",
        arguments=(
            "s\n        Points along each axis.\n    axes\n        The axes."
            if several
            else "n\n        Points.\n    axis\n        The axis; the last one by default."
        ),
        shape=shape,
        name=name,
        result=(*shape[:-1], last),
    )
    return function


def _make_along(kind: str) -> Callable[..., Array]:
    def function(
        a: Any, n: int | None = None, axis: int | None = None, norm: str | None = None
    ) -> Array:
        return _along(kind, a, n, axis, norm)

    function.__name__ = function.__qualname__ = kind
    return _document(function, kind)  # type: ignore[no-any-return]


def _make_over(kind: str, suffix: str) -> Callable[..., Array]:
    def function(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Array:
        return _over(kind, a, s, axes, norm, pair=suffix == "2")

    function.__name__ = function.__qualname__ = kind + suffix
    return _document(function, kind)  # type: ignore[no-any-return]


fft = _make_along("fft")
ifft = _make_along("ifft")
rfft = _make_along("rfft")
irfft = _make_along("irfft")
hfft = _make_along("hfft")
ihfft = _make_along("ihfft")
fft2 = _make_over("fft", "2")
ifft2 = _make_over("ifft", "2")
rfft2 = _make_over("rfft", "2")
irfft2 = _make_over("irfft", "2")
fftn = _make_over("fft", "n")
ifftn = _make_over("ifft", "n")
rfftn = _make_over("rfft", "n")
irfftn = _make_over("irfft", "n")


def fft_wrap(
    fft_func: Callable[..., Any],
    kind: str | None = None,
    dtype: Any = None,
    allow_fftpack: bool = False,
) -> Callable[..., Array]:
    """Return a transform of lazy arrays that runs another library's on each block.

    Parameters
    ----------
    fft_func
        A transform with NumPy's signature, such as ``scipy.fft.fft``.
    kind
        Which one it is, such as ``fft`` or ``rfft2``; by default its name.
    dtype
        The dtype of the result.
    allow_fftpack
        Whether functions of ``scipy.fftpack`` are taken without a warning.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> da.fft.fft_wrap(np.fft.rfft)(da.ones(4, chunks=4)).compute()
    array([4.+0.j, 0.+0.j, 0.+0.j])
    """
    kind = kind or fft_func.__name__
    known = (*_ALONG, *(k + s for k in _ALONG[:4] for s in ("2", "n")))
    if kind not in known:
        raise ValueError(f"Given unknown `kind` {kind}: it is one of {', '.join(known)}")
    if "fftpack" in getattr(fft_func, "__module__", "") and not allow_fftpack:
        warnings.warn(
            "A scipy.fftpack function does not match NumPy's API and is considered legacy: use "
            "scipy.fft instead",
            FutureWarning,
            stacklevel=2,
        )
    several = kind not in _ALONG

    def function(a: Any, n: Any = None, axes: Any = None, norm: str | None = None) -> Array:
        x = asarray(a)
        if several:
            points, used = _shape_and_axes(x, n, axes, kind.endswith("2"))
        else:
            points, used = [n], [-1 if axes is None else axes]
        keywords = _keywords(fft_func, several, points, used, norm)
        for axis in used:
            if x.numblocks[axis] != 1:
                raise ValueError(
                    f"Can only apply an FFT along axes of one block, but axis {axis} has chunks "
                    f"{x.chunks[axis]}. Rechunk it first: x.rechunk({{{axis}: -1}})"
                )
        sample_shape = [2] * x.ndim
        sample = fft_func(np.ones(sample_shape, dtype=x.dtype), **_unsized(keywords))
        chunks = list(x.chunks)
        for count, axis in zip(points, used, strict=True):
            chunks[axis] = (x.shape[axis] if count is None else int(count),)
        last = used[-1]
        if kind.startswith("irfft") or kind == "hfft":
            given = points[-1]
            chunks[last] = (2 * (x.shape[last] - 1) if given is None else int(given),)
        elif kind.startswith("rfft") or kind == "ihfft":
            chunks[last] = (chunks[last][0] // 2 + 1,)
        meta = np.empty((0,) * x.ndim, dtype=dtype or sample.dtype)
        return blockwise_layer(
            f"{kind}-{tokenize(fft_func, x, keywords, dtype)}",
            fft_func,
            [("blocks", x, list(range(x.ndim)), [False] * x.ndim)],
            tuple(chunks),
            meta,
            kwargs=keywords,
        )

    if several:

        def wrapped(a: Any, s: Any = None, axes: Any = None, norm: str | None = None) -> Array:
            return function(a, s, axes, norm)

    else:

        def wrapped(  # type: ignore[misc]
            a: Any, n: int | None = None, axis: int | None = None, norm: str | None = None
        ) -> Array:
            return function(a, n, axis, norm)

    wrapped.__name__ = kind
    wrapped.__doc__ = f"Run {getattr(fft_func, '__name__', kind)} on each block."
    return wrapped


def _unsized(keywords: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in keywords.items() if name not in ("n", "s", "shape")}


def _keywords(
    function: Any, several: bool, points: Sequence[Any], axes: Sequence[int], norm: str | None
) -> dict[str, Any]:
    """Return the keywords of one call of a block's transform."""
    keywords: dict[str, Any] = {"axes": list(axes)} if several else {"axis": axes[0]}
    if any(n is not None for n in points):
        try:
            names: Any = inspect.signature(function).parameters
        except (TypeError, ValueError):
            names = ("s",)
        size = "shape" if "shape" in names and "s" not in names else "s"
        keywords |= {size: list(points)} if several else {"n": points[0]}
    if norm is not None:
        keywords["norm"] = norm
    return keywords


def _frequencies(
    index: tuple[int, ...],
    starts: Sequence[int],
    extents: Sequence[int],
    n: int,
    d: float,
    half: bool,
) -> Any:
    (block,) = index
    at = np.arange(starts[block], starts[block] + extents[block])
    if not half:
        at = np.where(at < (n - 1) // 2 + 1, at, at - n)
    return at * (1.0 / (n * d))


def _frequency_array(n: int, d: float, chunks: Any, half: bool) -> Array:
    from oxidask.array.chunks import normalize_chunks

    n = int(n)
    extent = n // 2 + 1 if half else n
    cut = normalize_chunks(chunks, (extent,), dtype=float)
    starts = np.concatenate([[0], np.cumsum(cut[0])[:-1]]).tolist()
    return blockwise_layer(
        f"{'rfftfreq' if half else 'fftfreq'}-{tokenize(n, d, cut)}",
        _frequencies,
        [("index",)],
        cut,
        np.empty(0),
        kwargs={"starts": starts, "extents": list(cut[0]), "n": n, "d": d, "half": half},
    )


def fftfreq(n: int, d: float = 1.0, chunks: Any = "auto") -> Array:
    """Return the frequencies of a spectrum.

    Parameters
    ----------
    n
        Points of the transform.
    d
        Distance of the points.
    chunks
        Chunks of the result.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.fft.fftfreq(4, chunks=2).compute()
    array([ 0.  ,  0.25, -0.5 , -0.25])
    """
    return _frequency_array(n, d, chunks, half=False)


def rfftfreq(n: int, d: float = 1.0, chunks: Any = "auto") -> Array:
    """Return the frequencies of half a spectrum.

    Parameters
    ----------
    n, d, chunks
        As of :func:`fftfreq`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.fft.rfftfreq(4, chunks=2).compute()
    array([0.  , 0.25, 0.5 ])
    """
    return _frequency_array(n, d, chunks, half=True)


def _shift(x: Any, axes: Any, inverse: bool) -> Array:
    from oxidask.array import concatenate

    x = asarray(x)
    if axes is None:
        axes = range(x.ndim)
    elif not np.iterable(axes):
        axes = (axes,)
    for axis in axes:
        n = x.shape[axis]
        at = n // 2 if inverse else (n + 1) // 2
        before = (slice(None),) * (axis % x.ndim)
        moved = concatenate([x[(*before, slice(at, None))], x[(*before, slice(None, at))]], axis)
        x = moved.rechunk({axis: x.chunks[axis]}) if x.numblocks[axis] == 1 else moved
    return x


def fftshift(x: Any, axes: Any = None) -> Array:
    """Move the frequency zero to the middle.

    Parameters
    ----------
    x
        A spectrum.
    axes
        Which axes; all by default.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.fft.fftshift(da.fft.fftfreq(4, chunks=2)).compute()
    array([-0.5 , -0.25,  0.  ,  0.25])
    """
    return _shift(x, axes, inverse=False)


def ifftshift(x: Any, axes: Any = None) -> Array:
    """Move the frequency zero from the middle to the start.

    Parameters
    ----------
    x, axes
        As of :func:`fftshift`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.fft.fftfreq(4, chunks=2)
    >>> da.fft.ifftshift(da.fft.fftshift(x)).compute()
    array([ 0.  ,  0.25, -0.5 , -0.25])
    """
    return _shift(x, axes, inverse=True)
