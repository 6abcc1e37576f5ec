"""Functions of values against pandas: over partitions, missing values, and letters beyond ASCII."""

from __future__ import annotations

import operator

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

import oxidask.dataframe as dd  # noqa: E402

TEXTS = ["apple pie", "Banana", None, "", "cherry", "x1", " padded ", "ß", "a.c", "abc"]
TIMES = pd.to_datetime(
    ["1969-12-31 23:59:59", "2000-02-29", None, "2024-12-31 12:30:45.5", "2023-01-01", "1900-03-01"]
    + ["2021-06-30"] * 4,
    format="ISO8601",
)


def frame():
    return pd.DataFrame(
        {
            "i": np.arange(10) - 4,
            "f": [0.5, -1.25, np.nan, 2.5, 1e300, -0.0, 3.0, np.nan, 7.75, 1.0],
            "b": [True, False] * 5,
            "s": pd.array(TEXTS, dtype="str"),
            "t": TIMES,
            "d": TIMES - pd.Timestamp("2000-01-01"),
        },
        index=pd.Index(range(10, 20), name="row"),
    )


@pytest.fixture(params=[1, 3, 7])
def both(request):
    data = frame()
    return data, dd.from_pandas(data, npartitions=request.param)


def same(lazy, expected, native=True):
    """Compare an answer with pandas', and check that kernels computed it."""
    assert lazy._expr.is_native is native
    got = lazy.compute()
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(got, expected)
    else:
        pd.testing.assert_series_equal(got, expected)


TEXT_CALLS = {
    "upper": lambda s: s.str.upper(),
    "title": lambda s: s.str.title(),
    "strip": lambda s: s.str.strip(),
    "lstrip": lambda s: s.str.lstrip("a "),
    "len": lambda s: s.str.len(),
    "contains": lambda s: s.str.contains("an"),
    "contains regex": lambda s: s.str.contains("a.*e"),
    "contains plain": lambda s: s.str.contains("a.c", regex=False),
    "contains any case": lambda s: s.str.contains("BAN", case=False),
    "match": lambda s: s.str.match("[a-c]"),
    "fullmatch": lambda s: s.str.fullmatch("abc|x1"),
    "startswith": lambda s: s.str.startswith("a"),
    "startswith any": lambda s: s.str.startswith(("a", "B")),
    "endswith": lambda s: s.str.endswith("c"),
    "slice": lambda s: s.str.slice(1, 4),
    "slice by brackets": lambda s: s.str[:2],
    "item": lambda s: s.str[1],
    "replace": lambda s: s.str.replace("a", "--", regex=False),
    "replace once": lambda s: s.str.replace("a", "--", n=1, regex=False),
    "zfill": lambda s: s.str.zfill(5),
    "center": lambda s: s.str.center(6, "*"),
    "repeat": lambda s: s.str.repeat(2),
    "find": lambda s: s.str.find("a"),
    "count": lambda s: s.str.count("a"),
    "isalpha": lambda s: s.str.isalpha(),
    "isdigit": lambda s: s.str.isdigit(),
    "removeprefix": lambda s: s.str.removeprefix("a"),
}


@pytest.mark.parametrize("call", TEXT_CALLS.values(), ids=TEXT_CALLS)
def test_functions_of_text(both, call):
    data, lazy = both
    expected = call(data.s)
    got = call(lazy.s)
    assert got._expr.is_native
    # Partitions without missing texts count in integers: so does the whole if none is missing.
    pd.testing.assert_series_equal(got.compute(), expected)


def test_text_of_pandas_where_letters_are_beyond_the_kernel():
    data = pd.Series(["straße", "ﬁn", "abc"], dtype="str")
    lazy = dd.from_pandas(data, npartitions=2)
    same(lazy.str.upper(), data.str.upper())
    same(lazy.str.isalpha(), data.str.isalpha())


TIME_CALLS = {
    name: operator.attrgetter(f"dt.{name}")
    for name in (
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "microsecond",
        "day_of_week",
        "day_of_year",
        "quarter",
        "days_in_month",
        "is_month_start",
        "is_quarter_end",
        "is_year_end",
        "is_leap_year",
    )
} | {
    "floor": lambda s: s.dt.floor("h"),
    "ceil": lambda s: s.dt.ceil("D"),
    "round": lambda s: s.dt.round("min"),
    "normalize": lambda s: s.dt.normalize(),
    "strftime": lambda s: s.dt.strftime("%Y-%m-%d %H:%M"),
}


@pytest.mark.parametrize("call", TIME_CALLS.values(), ids=TIME_CALLS)
def test_functions_of_times(both, call):
    data, lazy = both
    same(call(lazy.t), call(data.t))


@pytest.mark.parametrize("name", ["days", "seconds", "microseconds"])
def test_parts_of_differences(both, name):
    data, lazy = both
    same(getattr(lazy.d.dt, name), getattr(data.d.dt, name))
    same(lazy.d.dt.total_seconds(), data.d.dt.total_seconds())


VALUE_CALLS = {
    "isin": lambda df: df.i.isin([1, 3, -2]),
    "isin floats": lambda df: df.f.isin([0.5, 3]),
    "isin texts": lambda df: df.s.isin(["abc", "Banana"]),
    "isin times": lambda df: df.t.isin([pd.Timestamp("2021-06-30")]),
    "between": lambda df: df.i.between(-1, 2),
    "between exclusive": lambda df: df.f.between(0.5, 3, inclusive="neither"),
    "clip": lambda df: df.i.clip(-1, 2),
    "clip above": lambda df: df.f.clip(upper=1.0),
    "round": lambda df: df.f.round(1),
    "fillna": lambda df: df.f.fillna(0.0),
    "fillna text": lambda df: df.s.fillna("none"),
    "fillna by label": lambda df: df.fillna({"f": 1.5, "s": "?"}),
    "where": lambda df: df.f.where(df.i > 0, 0.0),
    "where missing": lambda df: df.f.where(df.b),
    "mask": lambda df: df.i.mask(df.b, -1),
    "mask by column": lambda df: df.f.mask(df.b, df.f * 2),
    "astype": lambda df: df.i.astype("float64"),
    "astype bool": lambda df: df.b.astype("int64"),
    "astype text": lambda df: df.i.astype(str),
    "astype by label": lambda df: df.astype({"i": "int32", "b": "int8"}),
    "sqrt": lambda df: np.sqrt(df.i.clip(0, 5)),
    "log1p": lambda df: np.log1p(df.f.abs()),
    "dropna": lambda df: df.dropna(),
    "dropna subset": lambda df: df.dropna(subset=["f"]),
    "dropna of a series": lambda df: df.s.dropna(),
    "assign a scalar": lambda df: df.assign(one=1, word="w", half=0.5),
    "compare with a time": lambda df: df.t >= np.datetime64("2021-01-01"),
}


@pytest.mark.parametrize("call", VALUE_CALLS.values(), ids=VALUE_CALLS)
def test_functions_of_values(both, call):
    data, lazy = both
    same(call(lazy), call(data))


def test_casts_that_values_forbid():
    lazy = dd.from_pandas(frame(), npartitions=3)
    with pytest.raises(ValueError, match="Cannot convert non-finite values"):
        lazy.f.astype("int64").compute()
    with pytest.raises(ValueError, match="could not convert string to float"):
        lazy.s.astype("float64").compute()


def test_parts_of_times_that_are_missing_in_some_partitions_only():
    # Years are integers in one partition and floating point numbers in the other.
    data = pd.DataFrame({"t": pd.to_datetime(["2020-01-01", "2021-01-01", None, "2020-05-05"])})
    lazy = dd.from_pandas(data, npartitions=2)
    year = lazy.t.dt.year
    same(year, data.t.dt.year)
    same(year + 1, data.t.dt.year + 1)
    counts = lazy.assign(y=year).groupby("y").t.count()
    pd.testing.assert_series_equal(
        counts.compute(), data.assign(y=data.t.dt.year).groupby("y").t.count()
    )


SCALAR_CALLS = {
    "above the mean": lambda df: df[df.i > df.i.mean()],
    "minus the least": lambda df: df.i - df.f.min(),
    "times twice the sum": lambda df: df.f * (df.i.sum() * 2),
    "reflected": lambda df: df.f.max() - df.i,
    "of two": lambda df: df.i / (df.i.max() - df.i.min()),
    "of none": lambda df: df.i + df.f[df.i > 100].max(),
}


@pytest.mark.parametrize("call", SCALAR_CALLS.values(), ids=SCALAR_CALLS)
def test_lazy_scalars_meet_columns(both, call):
    data, lazy = both
    same(call(lazy), call(data))
