"""Calls of pandas' methods as native expressions, where their arguments allow it."""

from __future__ import annotations

import datetime
import functools
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from oxidask.dataframe._collection import natively
from oxidask.dataframe._needs import pandas as pd

__all__ = ["NOT_NATIVE", "native_dtype", "native_scalar", "text_call", "time_call"]

NOT_NATIVE = object()


def native_scalar(value: Any) -> Any:
    """Return a scalar as native expressions take it; a marker for others."""
    if isinstance(value, np.datetime64 | datetime.datetime):
        value = pd.Timestamp(value)
    elif isinstance(value, np.timedelta64 | datetime.timedelta):
        value = pd.Timedelta(value)
    if value is pd.NA or value is pd.NaT or value is None:
        return NOT_NATIVE
    if isinstance(value, pd.Timestamp):
        zone = str(value.tz) if value.tz is not None else None
        return "datetime", value._value, value.unit, zone
    if isinstance(value, pd.Timedelta):
        return "timedelta", value._value, value.unit
    if isinstance(value, np.generic):
        if value.dtype.kind not in "biuf":
            return NOT_NATIVE
        if (value.dtype.kind in "iu" and value.dtype.itemsize < 8) or value.dtype == "f4":
            return NOT_NATIVE
        return value.item()
    return value if type(value) in (bool, int, float, str) else NOT_NATIVE


def native_dtype(dtype: Any) -> str | None:
    """Return the name of a dtype that native columns are cast to; None for others."""
    try:
        found = pd.api.types.pandas_dtype(dtype)
    except TypeError:
        return None
    if isinstance(found, pd.CategoricalDtype | pd.ArrowDtype) or found == np.dtype("O"):
        return None
    name = str(found)
    return None if name == "string" else name


def _plain_text(bound: dict[str, Any], name: str) -> tuple[Any, ...] | None:
    """Return the arguments of a function of text in the order of ``FrameExpr.text``."""
    bound = {name: _DEFAULTS.get(name) if x is _NO_DEFAULT else x for name, x in bound.items()}
    get = bound.get
    if get("flags") not in (0, None) or get("na") is not None:
        return None
    match name:
        case "contains":
            return get("pat"), bool(get("case")), bool(get("regex"))
        case "match" | "fullmatch":
            return get("pat"), bool(get("case"))
        case "replace":
            if get("regex") or get("case") is not None or get("n") == 0:
                return None
            return get("pat"), get("repl"), get("n")
        case "pad":
            return None
        case "find" | "rfind":
            return (get("sub"),) if get("start") == 0 and get("end") is None else None
        case "strip" | "lstrip" | "rstrip":
            return (get("to_strip"),)
        case "repeat":
            return (get("repeats"),) if isinstance(get("repeats"), int) else None
        case "startswith" | "endswith" | "count":
            return (get("pat"),)
        case _:
            return tuple(bound.values())


# What pandas takes where it is told nothing.
_DEFAULTS = {"case": True}
_NO_DEFAULT = pd.api.extensions.no_default


@functools.cache
def _signature(accessor: str, name: str) -> inspect.Signature | None:
    try:
        return inspect.signature(getattr(getattr(pd.Series, accessor), name))
    except (TypeError, ValueError, AttributeError):
        return None


def _bound(accessor: str, name: str, args: Any, kwargs: Any) -> dict[str, Any] | None:
    signature = _signature(accessor, name)
    if signature is None:
        return None
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    values = dict(bound.arguments)
    values.pop("self", None)
    return values


def text_call(series: Any, name: str, args: Any, kwargs: Any, otherwise: Callable[..., Any]) -> Any:
    """Return ``series.str.name(...)`` as a native series; None if pandas must compute it."""
    if not series._expr.is_native:
        return None
    bound = _bound("str", name, args, kwargs)
    plain = None if bound is None else _plain_text(bound, name)
    if plain is None:
        return None
    expr = natively(lambda: series._expr.text(name, plain).otherwise(pickle.dumps(otherwise)))
    return series._with(expr)


def time_call(series: Any, name: str, args: Any, kwargs: Any) -> Any:
    """Return ``series.dt.name``, or its call, natively; None if pandas must compute it."""
    if not series._expr.is_native:
        return None
    argument = None
    if name in ("floor", "ceil", "round"):
        if len(args) + len(kwargs) != 1:
            return None
        argument = _nanos(args[0] if args else kwargs.get("freq"))
        if argument is None:
            return None
    elif name == "strftime":
        argument = args[0] if args else kwargs.get("date_format")
    elif args or kwargs:
        return None
    return series._with(natively(lambda: series._expr.time(name, argument)))


def _nanos(freq: Any) -> int | None:
    """Return a fixed frequency in nanoseconds."""
    offset = pd.tseries.frequencies.to_offset(freq)
    if isinstance(offset, pd.offsets.Day):
        return int(offset.n) * 86_400_000_000_000
    return int(offset.nanos) if isinstance(offset, pd.offsets.Tick) else None
