"""Assertion helpers for partitioned frames and for bags, through public attributes only."""

from __future__ import annotations

import numpy as np

from peerkit import runtime as _pk

try:
    import pandas as pd
    import pandas.testing as tm
except ImportError:  # a target without dataframes
    pd = tm = None

FORCED = {
    "dask.dataframe.utils": [
        "assert_eq",
        "assert_divisions",
        "assert_eq_dtypes",
        "assert_dask_graph",
        "assert_max_deps",
        "assert_sane_keynames",
    ],
    "dask.dataframe": ["assert_eq"],
    "dask.dataframe.dask_expr.tests._util": [
        "assert_eq",
        "_backend_library",
        "_backend_name",
        "xfail_gpu",
    ],
    "dask.bag.utils": ["assert_eq=bag_assert_eq"],
    "dask.bag": ["assert_eq=bag_assert_eq"],
}
FALLBACK = {
    "dask.dataframe.utils": ["pyarrow_strings_enabled", "get_string_dtype", "UNKNOWN_CATEGORIES"],
    "dask.dataframe._pyarrow": ["to_pyarrow_string"],
    "dask.dataframe.tests.test_multi": ["list_eq"],
}
UNKNOWN_CATEGORIES = "__UNKNOWN_CATEGORIES__"


def _backend_name():
    return "pandas"


def _backend_library():
    return pd


def xfail_gpu(reason=None):
    import pytest

    return pytest.mark.xfail(False, reason=reason or "")


def bag_assert_eq(a, b, scheduler="sync"):
    if hasattr(a, "compute"):
        a = a.compute(scheduler=scheduler)
    if hasattr(b, "compute"):
        b = b.compute(scheduler=scheduler)
    assert a == b


def pyarrow_strings_enabled():
    try:
        value = _pk.module("dask").config.get("dataframe.convert-string", None)
    except Exception:
        value = None
    return True if value is None else value


def get_string_dtype():
    return pd.StringDtype("pyarrow") if pyarrow_strings_enabled() else object


def _stringlike(values):
    dtype = values.dtype
    if isinstance(dtype, pd.StringDtype):
        return True
    if not pd.api.types.is_object_dtype(dtype):
        return False
    return pd.api.types.infer_dtype(values, skipna=True) in ("string", "empty")


def _to_string(obj):
    want = pd.StringDtype("pyarrow")
    if isinstance(obj, pd.MultiIndex):
        return obj.set_levels([_to_string(level) for level in obj.levels])
    if isinstance(obj, pd.Index):
        return obj.astype(want) if _stringlike(obj) else obj
    if isinstance(obj, pd.Series):
        out = obj.astype(want) if _stringlike(obj) else obj.copy(deep=False)
        out.index = _to_string(out.index)
        return out
    out = obj.copy(deep=False)
    out.index = _to_string(out.index)
    if out.columns.is_unique:
        change = {c: want for c in out.columns if _stringlike(out[c])}
        if change:
            out = out.astype(change)
    return out


to_pyarrow_string = _to_string


def list_eq(a, b):
    def settle(x):
        if hasattr(x, "compute"):
            x = x.compute(scheduler="sync")
        return x

    a, b = settle(a), settle(b)
    if isinstance(a, pd.DataFrame):
        a, b = (sorted(x.values.tolist(), key=str) for x in (a, b))
    else:
        a, b = (sorted(pd.Series(x).tolist(), key=str) for x in (a, b))
    assert str(a) == str(b)


def is_lazy(x):
    return hasattr(x, "compute") and not isinstance(x, (pd.DataFrame, pd.Series, pd.Index))


def kind_of(x):
    # by the class's name first: attributes mislead (a lazy Series has .columns, a frame
    # may have a column called dtype)
    for cls in type(x).__mro__:
        for word, kind in (
            ("DataFrame", "frame"),
            ("Series", "series"),
            ("Index", "index"),
            ("Scalar", "scalar"),
        ):
            if cls.__name__ == word or (kind == "index" and cls.__name__.endswith("Index")):
                return kind
    if hasattr(x, "index") and hasattr(x, "dtype"):
        return "series"
    if hasattr(x, "columns") and hasattr(x, "dtypes"):
        return "frame"
    return "scalar"


def _same_kind_dtype(a, b):
    text, number = set("OSUa"), set("ifu")
    ka, kb = getattr(a, "kind", "O"), getattr(b, "kind", "O")
    return (ka in text and kb in text) or (ka in number and kb in number) or a == b


def assert_divisions(ddf, scheduler=None):
    """Each partition's index lies within the divisions that the frame claims."""
    if not hasattr(ddf, "divisions"):
        return
    assert isinstance(ddf.divisions, tuple)
    if not getattr(ddf, "known_divisions", False) or kind_of(ddf) not in ("frame", "series"):
        return
    if ddf.npartitions == 1 and len(ddf.divisions) < 2:
        return
    parts = _pk.module("dask").compute(*ddf.to_delayed(), scheduler=scheduler or "sync")
    assert len(parts) == len(ddf.divisions) - 1, (len(parts), ddf.divisions)
    for i, part in enumerate(parts):
        if not hasattr(part, "index") or not len(part):
            continue
        if isinstance(part.index, pd.MultiIndex):
            continue
        low, high = ddf.divisions[i], ddf.divisions[i + 1]
        assert part.index.min() >= low, (i, part.index.min(), low)
        if i + 1 == len(parts):
            assert part.index.max() <= high, (i, part.index.max(), high)
        else:
            assert part.index.max() < high, (i, part.index.max(), high)


def assert_dask_graph(x, label):
    for k in x.__dask_graph__():
        k = k[0] if isinstance(k, tuple) else k
        if k.startswith(label):
            return True
    raise AssertionError(f"no key of the graph starts with {label!r}")


def assert_max_deps(x, n, eq=True):
    (get_deps,) = _pk.names("dask.core", "get_deps")
    deps, _ = get_deps(dict(x.__dask_graph__()))
    most = max(map(len, deps.values()))
    assert most == n if eq else most <= n


def assert_sane_keynames(ddf):
    return None


def assert_eq_dtypes(a, b):
    a, b = (_to_string(x) if isinstance(x, pd.DataFrame) else x for x in (a, b))
    tm.assert_series_equal(a.dtypes.value_counts(), b.dtypes.value_counts())


def _settle(x, check_names, check_dtypes, scheduler):
    """Compute x and hold the result against what x promised."""
    if not is_lazy(x):
        return x
    value = x.compute(scheduler=scheduler)
    kind = kind_of(x)
    if kind == "frame":
        assert isinstance(value, pd.DataFrame), type(value)
        if check_names:
            cols = x.columns if isinstance(x.columns, pd.Index) else pd.Index(x.columns)
            tm.assert_index_equal(cols, value.columns, exact=False)
        if check_dtypes:
            for (name, a), b in zip(x.dtypes.items(), value.dtypes):
                assert _same_kind_dtype(a, b), f"column {name}: promised {a}, computed {b}"
    elif kind == "series":
        assert isinstance(value, pd.Series), type(value)
        if check_names:
            assert x.name == value.name or (x.name != x.name and value.name != value.name)
        if check_dtypes:
            assert _same_kind_dtype(x.dtype, value.dtype), (
                f"promised {x.dtype}, computed {value.dtype}"
            )
    elif kind == "index":
        assert isinstance(value, pd.Index), type(value)
        if check_names:
            assert x.name == value.name
    if kind in ("frame", "series") and check_names:
        assert x.index.name == value.index.name, (x.index.name, value.index.name)
    return value


def _sorted(x, check_index):
    try:
        if isinstance(x, pd.DataFrame):
            if set(x.index.names) & set(x.columns):
                x = x.copy(deep=False)
                x.index = x.index.set_names([f"index level {i}" for i in range(x.index.nlevels)])
            x = x.sort_values(by=list(x.columns))
        else:
            x = x.sort_values()
    except (TypeError, IndexError, ValueError, KeyError):
        pass
    return x.sort_index() if check_index else x


def assert_eq(
    a,
    b,
    check_names=True,
    check_dtype=True,
    check_divisions=True,
    check_index=True,
    sort_results=True,
    scheduler="sync",
    serialize_graph=True,
    **kwargs,
):
    """a and b (lazy or not) hold the same rows, with the types and divisions they promise."""
    if check_divisions:
        assert_divisions(a, scheduler=scheduler)
        assert_divisions(b, scheduler=scheduler)
        if hasattr(a, "divisions") and hasattr(b, "divisions"):
            kinds = [type(np.asarray(x.divisions).tolist()[0]) for x in (a, b)]
            assert kinds[0] == kinds[1], kinds
    a = _settle(a, check_names, check_dtype, scheduler)
    b = _settle(b, check_names, check_dtype, scheduler)
    frames = (pd.DataFrame, pd.Series, pd.Index)
    if pyarrow_strings_enabled():
        a, b = (_to_string(x) if isinstance(x, frames) else x for x in (a, b))
    if isinstance(a, (pd.DataFrame, pd.Series)) and sort_results:
        a, b = _sorted(a, check_index), _sorted(b, check_index)
    if not check_index and isinstance(a, (pd.DataFrame, pd.Series)):
        a, b = a.reset_index(drop=True), b.reset_index(drop=True)
    if isinstance(a, pd.DataFrame):
        tm.assert_frame_equal(a, b, check_names=check_names, check_dtype=check_dtype, **kwargs)
    elif isinstance(a, pd.Series):
        tm.assert_series_equal(a, b, check_names=check_names, check_dtype=check_dtype, **kwargs)
    elif isinstance(a, pd.Index):
        tm.assert_index_equal(a, b, exact=check_dtype, **kwargs)
    elif isinstance(a, type(b)) and a == b:
        return True
    elif a is b:
        return True
    else:
        try:
            if a == b:
                return True
        except (TypeError, ValueError):
            pass
        if pd.isna(a):
            assert pd.isna(b)
        else:
            assert np.allclose(a, b)
    return True
