"""Dataframes against pandas: whatever the dtypes, labels and partitions, the answers are the same."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")

import oxidask.dataframe as dd  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from pandas.testing import (  # noqa: E402
    assert_frame_equal,
    assert_index_equal,
    assert_series_equal,
)

N_EXAMPLES = 4

# Few values of each dtype, so that keys recur; the ends of the dtype and its odd ones among them.
VALUES: dict[str, Any] = {
    "i1": np.array([-128, -1, 0, 1, 2, 127], "i1"),
    "u1": np.array([0, 1, 2, 255], "u1"),
    "i4": np.array([-(2**31), -1, 0, 1, 2**31 - 1], "i4"),
    "i8": np.array([-(2**40) - 1, -1, 0, 1, 2, 2**40 + 1], "i8"),
    "u8": np.array([0, 1, 2, 2**63 + 2**11], "u8"),
    "f4": np.array([np.nan, -1.5, 0, 2, 8], "f4"),
    "f8": np.array([np.nan, -0.0, 0.0, 1.5, 2, -3]),
    "inf": np.array([np.nan, np.inf, -np.inf, 1.0]),
    "b": np.array([False, True]),
    "s": pd.array(["", "a", "Ab", "zz b", "1", None], dtype="str"),
    "t": pd.DatetimeIndex(["2020-01-01", "2020-02-29 12:00", "1969-12-31 23:59:59.999999", None]),
    "d": pd.TimedeltaIndex(["0s", "-1s", "36h", None]),
    "I": pd.array([None, 1, 2, -3], dtype="Int64"),
    "B": pd.array([None, True, False], dtype="boolean"),
    "c": pd.Categorical(["x", "y", "z", None], categories=["z", "y", "unused", "x"]),
    "o": pd.Categorical(["lo", "hi", None], categories=["lo", "mid", "hi"], ordered=True),
}
INTEGERS = ["i1", "u1", "i4", "i8", "u8"]
FLOATS = ["f4", "f8", "inf"]
NUMBERS = [*INTEGERS, *FLOATS, "b"]
NULLABLE = ["I", "B"]
TIMES = ["t", "d"]
COLUMNS = list(VALUES)
KEYS = [column for column in COLUMNS if column != "inf"]


def labels(rng: np.random.Generator, kind: str, n: int) -> Any:
    if kind == "range":
        return pd.RangeIndex(n)
    if kind == "int":
        return pd.Index(rng.integers(0, 9, n))
    if kind == "named":
        return pd.Index(rng.permutation(n), name="label")
    if kind == "str":
        return pd.Index(rng.choice(["a", "b", "cc"], n), dtype="str", name="text")
    return pd.DatetimeIndex(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 9, n), unit="D"))


LABELS = ["range", "int", "named", "str", "datetime"]


def made(seed: int, n: int, kind: str) -> Any:
    """Return a table of `n` rows with a column of each dtype."""
    rng = np.random.default_rng(seed)
    columns = {name: values.take(rng.integers(0, len(values), n)) for name, values in VALUES.items()}
    return pd.DataFrame(columns, index=labels(rng, kind, n))


def parted(frame: Any, cuts: list[int]) -> Any:
    """Return the table in partitions between `cuts`, which may be empty."""
    ends = [0, *sorted(min(cut, len(frame)) for cut in cuts), len(frame)]
    parts = [frame.iloc[a:b] for a, b in itertools.pairwise(ends)]
    return dd.concat(
        [dd.from_pandas(part, npartitions=1, sort=False).clear_divisions() for part in parts]
    )


@st.composite
def tables(draw: st.DrawFn, most: int = 12, kinds: list[str] = LABELS) -> tuple[Any, Any]:
    """Draw a table, and the same in partitions."""
    n = draw(st.integers(0, most))
    frame = made(draw(st.integers(0, 2**20)), n, draw(st.sampled_from(kinds)))
    cuts = draw(st.lists(st.integers(0, n), max_size=6))
    return frame, parted(frame, cuts)


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives, or what it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            value = call()
            return value.compute() if hasattr(value, "compute") else value
        except Exception as error:
            return error


def in_any_order(value: Any, is_by_label: bool) -> Any:
    """Return the rows in an order of their own."""
    rows = value.reset_index() if is_by_label else value.reset_index(drop=True)
    rows = rows if rows.ndim == 2 else rows.to_frame()
    order = sorted(range(len(rows)), key=lambda at: [str(x) for x in rows.iloc[at]])
    return rows.iloc[order].reset_index(drop=True)


def check(
    expected: Callable[[], Any],
    result: Callable[[], Any],
    order: str = "pandas",
    **options: Any,
) -> None:
    """Compare what two calls give: `order` is "pandas", "any" or "labels", with their labels."""
    expected, result = outcome(expected), outcome(result)
    if isinstance(expected, Exception):
        assert isinstance(result, Exception), f"pandas raises {expected!r}, not: {result!r}"
        return
    if isinstance(result, Exception):
        raise result
    if order != "pandas":
        expected, result = (in_any_order(x, order == "labels") for x in (expected, result))
    options = {"rtol": 1e-5, "atol": 1e-12, **options}
    if isinstance(expected, pd.DataFrame):
        assert_frame_equal(result, expected, check_freq=False, **options)
    elif isinstance(expected, pd.Series):
        assert_series_equal(result, expected, check_freq=False, **options)
    elif isinstance(expected, pd.Index):
        assert_index_equal(result, expected)
    elif pd.isna(expected):
        assert pd.isna(result)
        assert type(result) is type(expected) or np.isscalar(expected)
    else:
        assert result == pytest.approx(expected, rel=1e-5) if isinstance(
            expected, (float, np.floating)
        ) else result == expected


def drawn(*names: list[str]) -> Any:
    """Draw a column of each list."""
    return st.tuples(*(st.sampled_from(list(some)) for some in names))


bounded = settings(max_examples=N_EXAMPLES, derandomize=True, database=None)

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "floordiv": lambda x, y: x // y,
    "mod": lambda x, y: x % y,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "lt": lambda x, y: x < y,
    "ge": lambda x, y: x >= y,
    "and": lambda x, y: x & y,
    "or": lambda x, y: x | y,
    "xor": lambda x, y: x ^ y,
}


@pytest.mark.parametrize("name", BINARY)
@bounded
@given(tables(), drawn(COLUMNS, COLUMNS))
def test_columns_meet(name: str, both: Any, columns: Any) -> None:
    frame, lazy = both
    a, b = columns
    op = BINARY[name]
    check(lambda: op(frame[a], frame[b]), lambda: op(lazy[a], lazy[b]))


SCALARS = [0, 1, -2, 2.5, float("nan"), True, "a", pd.Timestamp("2020-01-01"), pd.Timedelta("1h")]


@pytest.mark.parametrize("name", BINARY)
@bounded
@given(tables(), drawn(COLUMNS), st.sampled_from(SCALARS), st.booleans())
def test_columns_meet_scalars(name: str, both: Any, columns: Any, scalar: Any, flip: bool) -> None:
    frame, lazy = both
    op = BINARY[name]
    if flip:
        check(lambda: op(scalar, frame[columns[0]]), lambda: op(scalar, lazy[columns[0]]))
    else:
        check(lambda: op(frame[columns[0]], scalar), lambda: op(lazy[columns[0]], scalar))


UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": lambda x: -x,
    "abs": lambda x: abs(x),
    "invert": lambda x: ~x,
    "isna": lambda x: x.isna(),
    "notna": lambda x: x.notna(),
    "fillna(0)": lambda x: x.fillna(0),
    "fillna(text)": lambda x: x.fillna("a"),
    "fillna(time)": lambda x: x.fillna(pd.Timestamp("2020-05-05")),
    "isin(numbers)": lambda x: x.isin([0, 1, 2.0]),
    "isin(text)": lambda x: x.isin(["a", "x", "lo"]),
    "isin(missing)": lambda x: x.isin([None, np.nan, 1]),
    "between": lambda x: x.between(0, 2),
    "clip": lambda x: x.clip(0, 1),
    "clip lower": lambda x: x.clip(lower=1),
    "round": lambda x: x.round(0),
    "where": lambda x: x.where(x == x),
    "where with another": lambda x: x.where(x.isna(), x),
    "mask": lambda x: x.mask(x.notna()),
    "astype(float)": lambda x: x.astype("f8"),
    "astype(int)": lambda x: x.astype("i8"),
    "astype(i1)": lambda x: x.astype("i1"),
    "astype(bool)": lambda x: x.astype(bool),
    "astype(str)": lambda x: x.astype("str"),
    "astype(Int64)": lambda x: x.astype("Int64"),
    "astype(Float64)": lambda x: x.astype("Float64"),
    "astype(object)": lambda x: x.astype(object),
    "dropna": lambda x: x.dropna(),
    "ffill": lambda x: x.ffill(),
    "bfill": lambda x: x.bfill(),
    "shift": lambda x: x.shift(1),
    "shift back": lambda x: x.shift(-2),
    "diff": lambda x: x.diff(),
    "diff(2)": lambda x: x.diff(2),
    "cumsum": lambda x: x.cumsum(),
    "cumprod": lambda x: x.cumprod(),
    "cummax": lambda x: x.cummax(),
    "cummin": lambda x: x.cummin(),
    "map(dict)": lambda x: x.map({0: 5, 1: 6, "a": 7}),
    "replace": lambda x: x.replace(1, 2),
    "to_frame": lambda x: x.to_frame("other"),
    "rename": lambda x: x.rename("other"),
    "head": lambda x: x.head(3),
    "tail": lambda x: x.tail(3),
    "index": lambda x: x.index,
    "rolling sum": lambda x: x.rolling(2).sum(),
    "rolling mean": lambda x: x.rolling(3, min_periods=1).mean(),
    "rolling max": lambda x: x.rolling(2, min_periods=1).max(),
    "rolling count": lambda x: x.rolling(2).count(),
}
#: The first of several partitions alone gives its head, and so on.
BY_PARTITION = {"head": {"npartitions": -1}}


@pytest.mark.parametrize("name", UNARY)
@bounded
@given(tables(), drawn(COLUMNS))
def test_functions_of_columns(name: str, both: Any, columns: Any) -> None:
    frame, lazy = both
    op = UNARY[name]
    if name == "head":
        check(
            lambda: frame[columns[0]].head(3), lambda: lazy[columns[0]].head(3, npartitions=-1)
        )
        return
    if name == "tail":
        lazy = lazy.repartition(npartitions=1)
    check(lambda: op(frame[columns[0]]), lambda: op(lazy[columns[0]]))


ROWS: dict[str, Callable[[Any], Any]] = {
    "filter by numbers": lambda x: x[x.i4 > 0],
    "filter by missing": lambda x: x[(x.f8 > 0) | x.s.isna()],
    "filter by text": lambda x: x[x.s == "a"],
    "filter by nullable": lambda x: x[x.B],
    "filter by times": lambda x: x[x.t >= "2020-01-01"],
    "filter by categories": lambda x: x[x.c == "x"],
    "filter by bool": lambda x: x[x.b & ~(x.u1 == 255)],
    "columns": lambda x: x[["s", "i8", "s"]] if False else x[["s", "i8"]],
    "assign": lambda x: x.assign(new=x.i8 + x.f8, b=x.s),
    "drop": lambda x: x.drop(columns=["i1", "c"]),
    "rename": lambda x: x.rename(columns={"i1": "one"}),
    "dropna": lambda x: x.dropna(),
    "dropna of some": lambda x: x.dropna(subset=["s", "t"]),
    "dropna of all": lambda x: x[["f8", "s"]].dropna(how="all"),
    "select_dtypes": lambda x: x.select_dtypes("number"),
    "fillna": lambda x: x.fillna({"f8": 0, "s": "?"}),
    "isna": lambda x: x.isna(),
    "where": lambda x: x[["i4", "f8"]].where(x.b),
    "mask": lambda x: x[["i4", "f8"]].mask(x.b, 0),
    "clip": lambda x: x[["i4", "f8", "u1"]].clip(0, 1),
    "isin": lambda x: x.isin([0, "a", True]),
    "astype": lambda x: x.astype({"i1": "f4", "b": "i8", "c": "str"}),
    "reset_index drop": lambda x: x[["i4"]],
    "sum": lambda x: x[NUMBERS].sum(),
    "mean": lambda x: x[NUMBERS].mean(),
    "mean of rows": lambda x: x[["i4", "f8", "b"]].mean(axis=1),
    "min": lambda x: x[NUMBERS].min(),
    "max": lambda x: x[["s", "i4"]].count(),
    "std": lambda x: x[["i4", "f8", "f4"]].std(),
    "nunique": lambda x: x.nunique(),
    "count": lambda x: x.count(),
    "any": lambda x: x[NUMBERS].any(),
    "all": lambda x: x[NUMBERS].all(),
    "cumsum": lambda x: x[["i4", "f8", "b"]].cumsum(),
    "shift": lambda x: x.shift(1),
    "diff": lambda x: x[["i4", "f8", "t"]].diff(),
    "query": lambda x: x.query("i4 > 0 and f8 < 2"),
    "rolling": lambda x: x[["i4", "f8"]].rolling(2).sum(),
    "idxmax": lambda x: x[["i8", "u8"]].idxmax(),
    "corr": lambda x: x[["i1", "f8", "f4"]].corr(),
    "cov": lambda x: x[["i1", "f8", "f4"]].cov(),
}


@pytest.mark.parametrize("name", ROWS)
@bounded
@given(tables())
def test_functions_of_rows(name: str, both: Any) -> None:
    frame, lazy = both
    check(lambda: ROWS[name](frame), lambda: ROWS[name](lazy))


REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    name: (lambda name: lambda x: getattr(x, name)())(name)
    for name in (
        "sum prod mean var std sem skew kurt min max count any all nunique size median "
        "is_monotonic_increasing is_monotonic_decreasing idxmin idxmax mode unique"
    ).split()
} | {
    "size": lambda x: x.size,
    "is_monotonic_increasing": lambda x: x.is_monotonic_increasing,
    "is_monotonic_decreasing": lambda x: x.is_monotonic_decreasing,
    "sum(min_count)": lambda x: x.sum(min_count=2),
    "sum(skipna)": lambda x: x.sum(skipna=False),
    "mean(skipna)": lambda x: x.mean(skipna=False),
    "max(skipna)": lambda x: x.max(skipna=False),
    "var(ddof)": lambda x: x.var(ddof=0),
    "nunique(dropna)": lambda x: x.nunique(dropna=False),
}


@pytest.mark.parametrize("name", REDUCTIONS)
@bounded
@given(tables(kinds=["range", "named"]), drawn(COLUMNS))
def test_reductions(name: str, both: Any, columns: Any) -> None:
    frame, lazy = both
    op = REDUCTIONS[name]
    a, b = frame[columns[0]], lazy[columns[0]]
    if name == "median":
        check(lambda: a.median(), lambda: b.repartition(npartitions=1).median())
        return
    if name == "unique":
        check(lambda: pd.Series(a.unique(), name=a.name), lambda: b.unique(), order="any")
        return
    check(lambda: op(a), lambda: op(b))


GROUPED: dict[str, Callable[[Any], Any]] = {
    name: (lambda name: lambda x: getattr(x, name)())(name)
    for name in (
        "sum prod mean var std min max count first last size nunique any all median "
        "cumsum cumcount idxmin idxmax"
    ).split()
} | {
    "sum(min_count)": lambda x: x.sum(min_count=2),
    "var(ddof)": lambda x: x.var(ddof=0),
    "value_counts": lambda x: x.value_counts(),
    "shift": lambda x: x.shift(1),
    "ffill": lambda x: x.ffill(),
    "head": lambda x: x.head(1),
    "transform": lambda x: x.transform("max"),
    "agg": lambda x: x.agg(["sum", "count", "min"]),
    "agg name": lambda x: x.agg("max"),
}
OF_ROWS = {"shift", "ffill", "transform"}


@pytest.mark.parametrize("name", GROUPED)
@bounded
@given(
    tables(),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    drawn(COLUMNS),
    st.booleans(),
    st.booleans(),
)
def test_groups(name: str, both: Any, keys: Any, columns: Any, dropna: bool, sort: bool) -> None:
    frame, lazy = both
    op = GROUPED[name]
    if columns[0] in keys:
        return
    by = keys if len(keys) > 1 else keys[0]

    def grouped(x: Any) -> Any:
        groups = x.groupby(by, dropna=dropna, sort=sort, observed=True)
        return op(groups[columns[0]])

    order = "labels" if name in OF_ROWS or not sort else "pandas"
    check(lambda: grouped(frame), lambda: grouped(lazy), order=order)


NAMED = {
    "total": ("f8", "sum"),
    "n": ("s", "count"),
    "least": ("i4", "min"),
    "kinds": ("s", "nunique"),
    "mean": ("i8", "mean"),
    "first": ("t", "first"),
    "spread": ("f4", "std"),
}


@bounded
@given(tables(), st.sampled_from(["b", "c", "I", "o", "u1"]), st.sets(st.sampled_from(list(NAMED)), min_size=1))
def test_named_aggregates(both: Any, key: str, names: Any) -> None:
    frame, lazy = both
    named = {name: NAMED[name] for name in sorted(names)}
    check(
        lambda: frame.groupby(key, observed=True).agg(**named),
        lambda: lazy.groupby(key, observed=True).agg(**named),
    )


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
@settings(bounded, max_examples=5 * N_EXAMPLES)
@given(
    tables(8),
    tables(8),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True),
    drawn(COLUMNS, COLUMNS),
)
def test_joins(how: str, left: Any, right: Any, keys: Any, columns: Any) -> None:
    own = [list(dict.fromkeys([*keys, column])) for column in columns]
    check(
        lambda: left[0][own[0]].merge(right[0][own[1]], on=keys, how=how),
        lambda: left[1][own[0]].merge(right[1][own[1]], on=keys, how=how),
        order="any",
        check_dtype=how == "inner",
    )


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
@bounded
@given(tables(8, ["int", "named"]), tables(8, ["int", "named"]))
def test_joins_by_labels(how: str, left: Any, right: Any) -> None:
    check(
        lambda: left[0][["i4", "s"]].join(right[0][["f8"]], how=how),
        lambda: left[1][["i4", "s"]].join(right[1][["f8"]], how=how),
        order="labels",
        check_dtype=how == "inner",
    )


@settings(bounded, max_examples=10 * N_EXAMPLES)
@given(
    tables(),
    st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.sampled_from(["first", "last"]),
)
def test_sorts(both: Any, by: Any, ascending: Any, na_position: str) -> None:
    frame, lazy = both
    how: dict[str, Any] = {
        "ascending": ascending[: len(by)] if len(by) > 1 else ascending[0],
        "na_position": na_position,
    }
    by = by if len(by) > 1 else by[0]
    check(lambda: frame.sort_values(by, kind="stable", **how), lambda: lazy.sort_values(by, **how))


@settings(bounded, max_examples=10 * N_EXAMPLES)
@given(tables(), drawn(["i1", "u1", "i4", "i8", "u8", "f4", "f8", "s", "t", "d"]))
def test_labels_of_columns(both: Any, columns: Any) -> None:
    frame, lazy = both
    frame, lazy = (x[x[columns[0]].notna()] for x in (frame, lazy))
    check(
        lambda: frame.sort_values(columns[0], kind="stable").set_index(columns[0]),
        lambda: lazy.set_index(columns[0]),
    )


RECURRING: dict[str, Callable[[Any], Any]] = {
    "drop_duplicates": lambda x: x.drop_duplicates(),
    "nunique": lambda x: x.nunique(),
}


@settings(bounded, max_examples=10 * N_EXAMPLES)
@given(
    tables(),
    st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True),
    st.booleans(),
)
def test_rows_that_recur(both: Any, by: Any, keep_last: bool) -> None:
    frame, lazy = both
    how = {"keep": "last" if keep_last else "first"}
    check(
        lambda: frame.drop_duplicates(subset=by, **how),
        lambda: lazy.drop_duplicates(subset=by, **how),
        order="labels",
    )
    check(lambda: frame[by].drop_duplicates(), lambda: lazy[by].drop_duplicates(), order="labels")


@settings(bounded, max_examples=10 * N_EXAMPLES)
@given(tables(), drawn(COLUMNS), st.booleans(), st.booleans())
def test_counts_of_values(both: Any, columns: Any, dropna: bool, normalize: bool) -> None:
    frame, lazy = both
    how = {"dropna": dropna, "normalize": normalize}
    check(
        lambda: frame[columns[0]].value_counts(**how),
        lambda: lazy[columns[0]].value_counts(**how),
        order="labels",
    )


@settings(bounded, max_examples=10 * N_EXAMPLES)
@given(tables(kinds=["int", "named", "str", "datetime"]), st.integers(1, 7), st.data())
def test_rows_by_label(both: Any, npartitions: int, data: Any) -> None:
    frame = both[0].sort_index(kind="stable")
    lazy = dd.from_pandas(frame, npartitions=npartitions)
    if not len(frame):
        return
    some = st.sampled_from(sorted(set(frame.index)))
    start, stop = sorted([data.draw(some), data.draw(some)])
    check(lambda: frame.loc[start:stop], lambda: lazy.loc[start:stop])
    check(lambda: frame.loc[start:, ["s", "i4"]], lambda: lazy.loc[start:, ["s", "i4"]])
    check(lambda: frame.loc[[start]], lambda: lazy.loc[[start]])
    check(lambda: frame.loc[frame.b], lambda: lazy.loc[lazy.b])
    check(lambda: frame.loc[start:stop, "f8"].sum(), lambda: lazy.loc[start:stop, "f8"].sum())


@settings(bounded, max_examples=5 * N_EXAMPLES)
@given(tables(), tables(), st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True), st.data())
def test_one_after_the_other(first: Any, second: Any, columns: Any, data: Any) -> None:
    others = data.draw(st.permutations(columns))
    join = data.draw(st.sampled_from(["outer", "inner"]))
    tail = data.draw(st.sampled_from(others))
    others = others[: others.index(tail) + 1]
    check(
        lambda: pd.concat([first[0][columns], second[0][others]], join=join),
        lambda: dd.concat([first[1][columns], second[1][others]], join=join),
        check_dtype=False,
    )


TEXT: dict[str, Callable[[Any], Any]] = {
    "upper": lambda x: x.upper(),
    "lower": lambda x: x.lower(),
    "title": lambda x: x.title(),
    "len": lambda x: x.len(),
    "strip": lambda x: x.strip(),
    "contains": lambda x: x.contains("b"),
    "contains regex": lambda x: x.contains("^[aA]"),
    "startswith": lambda x: x.startswith("a"),
    "endswith": lambda x: x.endswith("b"),
    "replace": lambda x: x.replace("b", "c"),
    "slice": lambda x: x.slice(0, 1),
    "get": lambda x: x[1],
    "find": lambda x: x.find("b"),
    "count": lambda x: x.count("z"),
    "cat": lambda x: x.cat(sep="-"),
    "zfill": lambda x: x.zfill(3),
    "pad": lambda x: x.pad(4, fillchar="_"),
    "isdigit": lambda x: x.isdigit(),
    "split": lambda x: x.split(),
    "split expand": lambda x: x.split(n=1, expand=True),
    "repeat": lambda x: x.repeat(2),
    "extract": lambda x: x.extract("([a-z])(.)"),
}


@pytest.mark.parametrize("name", TEXT)
@bounded
@given(tables(), st.sampled_from(["s", "s", "c", "i4"]))
def test_text(name: str, both: Any, column: str) -> None:
    frame, lazy = both
    if name == "cat":
        check(lambda: frame[column].str.cat(frame.s), lambda: lazy[column].str.cat(lazy.s))
        return
    check(lambda: TEXT[name](frame[column].str), lambda: TEXT[name](lazy[column].str))


TIME: dict[str, Callable[[Any], Any]] = {
    name: (lambda name: lambda x: getattr(x, name))(name)
    for name in (
        "year month day hour minute second microsecond nanosecond dayofweek dayofyear quarter "
        "is_month_start is_month_end is_quarter_end is_year_start is_leap_year days_in_month "
        "date time days seconds microseconds"
    ).split()
} | {
    "total_seconds": lambda x: x.total_seconds(),
    "floor": lambda x: x.floor("D"),
    "ceil": lambda x: x.ceil("h"),
    "round": lambda x: x.round("s"),
    "normalize": lambda x: x.normalize(),
    "strftime": lambda x: x.strftime("%Y-%m"),
    "day_name": lambda x: x.day_name(),
    "tz_localize": lambda x: x.tz_localize("UTC"),
    "isocalendar": lambda x: x.isocalendar(),
    "to_period": lambda x: x.to_period("D"),
}


@pytest.mark.parametrize("name", TIME)
@bounded
@given(tables(), st.sampled_from(["t", "d"]))
def test_times(name: str, both: Any, column: str) -> None:
    frame, lazy = both
    check(lambda: TIME[name](frame[column].dt), lambda: TIME[name](lazy[column].dt))
