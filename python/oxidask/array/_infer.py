"""Finding out the dtype of what a function gives."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["apply_infer_dtype"]


def _sample(arg: Any) -> Any:
    """Return an array of one element for an array; anything else as it is."""
    from oxidask.array._meta import meta_from_array
    from oxidask.array.core import Array

    if isinstance(arg, Array):
        meta = meta_from_array(arg)
        if hasattr(meta, "__array_function__"):
            return np.ones_like(meta, shape=(1,) * arg.ndim, dtype=arg.dtype)
        return np.ones((1,) * arg.ndim, dtype=arg.dtype)
    return arg


def apply_infer_dtype(
    func: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    funcname: str,
    suggest_dtype: str | bool | None = "dtype",
    nout: int | None = None,
) -> Any:
    """Return the dtype of ``func(*args, **kwargs)``, found by calling it with small arrays of ones.

    Parameters
    ----------
    func
        A function of arrays.
    args, kwargs
        Its arguments.
    funcname
        The function that asks, for the message of an error.
    suggest_dtype
        The keyword by which users may tell the dtype, for the message; None if there is none.
    nout
        How many arrays `func` gives, if it gives a tuple.

    Raises
    ------
    ValueError
        If the call fails.

    Examples
    --------
    >>> apply_infer_dtype(np.add, [np.ones(1), 1], {}, "elemwise")
    dtype('float64')
    """
    samples = [_sample(arg) for arg in args]
    keywords = {name: _sample(value) for name, value in kwargs.items()}
    try:
        with np.errstate(all="ignore"):
            result = func(*samples, **keywords)
    except Exception as error:
        lines = "".join(traceback.format_tb(sys.exc_info()[2]))
        suggest = (
            f"Please specify the dtype explicitly using the `{suggest_dtype}` kwarg.\n\n"
            if suggest_dtype
            else ""
        )
        raise ValueError(
            f"`dtype` inference failed in `{funcname}`.\n\n{suggest}Original error is below:\n"
            f"------------------------\n{error!r}\n\nTraceback:\n---------\n{lines}"
        ) from error
    if nout is None:
        return getattr(result, "dtype", type(result))
    return tuple(part.dtype for part in result)
