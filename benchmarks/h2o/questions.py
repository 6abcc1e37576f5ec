"""The questions in the words of pandas (and Dask, and Oxidask), of Polars, and in SQL."""

from __future__ import annotations

from typing import Any

Frame = Any


# ------------------------------------------------------------------------------ pandas


def groups_1(x: Frame) -> Frame:
    """Sum of v1 by id1."""
    return x.groupby("id1").agg(v1=("v1", "sum")).reset_index()


def groups_2(x: Frame) -> Frame:
    """Sum of v1 by id1, id2."""
    return x.groupby(["id1", "id2"]).agg(v1=("v1", "sum")).reset_index()


def groups_3(x: Frame) -> Frame:
    """Sum of v1 and mean of v3 by id3."""
    return x.groupby("id3").agg(v1=("v1", "sum"), v3=("v3", "mean")).reset_index()


def groups_4(x: Frame) -> Frame:
    """Means of v1, v2, v3 by id4."""
    means = x.groupby("id4").agg(v1=("v1", "mean"), v2=("v2", "mean"), v3=("v3", "mean"))
    return means.reset_index()


def groups_5(x: Frame) -> Frame:
    """Sums of v1, v2, v3 by id6."""
    return x.groupby("id6").agg(v1=("v1", "sum"), v2=("v2", "sum"), v3=("v3", "sum")).reset_index()


def groups_6(x: Frame) -> Frame:
    """Median and standard deviation of v3 by id4, id5."""
    spreads = x.groupby(["id4", "id5"]).agg(median=("v3", "median"), sd=("v3", "std"))
    return spreads.reset_index()


def groups_7(x: Frame) -> Frame:
    """Largest v1 less smallest v2 by id3."""
    ends = x.groupby("id3").agg(v1=("v1", "max"), v2=("v2", "min"))
    return ends.assign(range=ends.v1 - ends.v2)[["range"]].reset_index()


def groups_8(x: Frame) -> Frame:
    """The two largest v3 of each id6."""
    x = x[["id6", "v3"]]
    if hasattr(x, "dask"):
        return x.reduction(
            chunk=two_largest, aggregate=two_largest, meta={"id6": "int64", "v3": "float64"}
        )
    return two_largest(x)


def two_largest(part: Frame) -> Frame:
    return part.sort_values("v3", ascending=False).groupby("id6").head(2)


def groups_9(x: Frame) -> Frame:
    """Square of the correlation of v1 and v2 by id2, id4."""
    x = x.assign(v11=x.v1 * x.v1, v22=x.v2 * x.v2, v12=x.v1 * x.v2)
    m = x.groupby(["id2", "id4"])[["v1", "v2", "v11", "v22", "v12"]].mean()
    covariance = m.v12 - m.v1 * m.v2
    variances = (m.v11 - m.v1 * m.v1) * (m.v22 - m.v2 * m.v2)
    return m.assign(r2=covariance * covariance / variances)[["r2"]].reset_index()


def groups_10(x: Frame) -> Frame:
    """Sum of v3 and count by all six."""
    by = ["id1", "id2", "id3", "id4", "id5", "id6"]
    return x.groupby(by).agg(v3=("v3", "sum"), count=("v1", "count")).reset_index()


def joins_1(t: Any) -> Frame:
    """With a small table, by an integer."""
    return t.x.merge(t.small, on="id1")


def joins_2(t: Any) -> Frame:
    """With a medium table, by an integer."""
    return t.x.merge(t.medium, on="id2")


def joins_3(t: Any) -> Frame:
    """With a medium table, by an integer, left."""
    return t.x.merge(t.medium, on="id2", how="left")


def joins_4(t: Any) -> Frame:
    """With a medium table, by a text."""
    return t.x.merge(t.medium, on="id5")


def joins_5(t: Any) -> Frame:
    """With a big table, by an integer."""
    return t.x.merge(t.big, on="id3")


GROUPS = (
    groups_1,
    groups_2,
    groups_3,
    groups_4,
    groups_5,
    groups_6,
    groups_7,
    groups_8,
    groups_9,
    groups_10,
)
JOINS = (joins_1, joins_2, joins_3, joins_4, joins_5)


# ------------------------------------------------------------------------------ Polars


def polars_groups(pl: Any, x: Frame, number: int) -> Frame:
    """Return the lazy frame of a question of groups."""
    v1, v2, v3 = pl.col("v1"), pl.col("v2"), pl.col("v3")
    by, wanted = {
        1: (["id1"], [v1.sum()]),
        2: (["id1", "id2"], [v1.sum()]),
        3: (["id3"], [v1.sum(), v3.mean()]),
        4: (["id4"], [v1.mean(), v2.mean(), v3.mean()]),
        5: (["id6"], [v1.sum(), v2.sum(), v3.sum()]),
        6: (["id4", "id5"], [v3.median().alias("median"), v3.std().alias("sd")]),
        7: (["id3"], [(v1.max() - v2.min()).alias("range")]),
        8: (["id6"], [v3.top_k(2)]),
        9: (["id2", "id4"], [(pl.corr("v1", "v2") ** 2).alias("r2")]),
        10: (
            ["id1", "id2", "id3", "id4", "id5", "id6"],
            [v3.sum(), v1.count().alias("count")],
        ),
    }[number]
    answer = x.group_by(by).agg(wanted)
    return answer.explode("v3") if number == 8 else answer


def polars_joins(t: Any, number: int) -> Frame:
    """Return the lazy frame of a join."""
    table, key, how = {
        1: (t.small, "id1", "inner"),
        2: (t.medium, "id2", "inner"),
        3: (t.medium, "id2", "left"),
        4: (t.medium, "id5", "inner"),
        5: (t.big, "id3", "inner"),
    }[number]
    return t.x.join(table, on=key, how=how)


# ------------------------------------------------------------------------------ SQL

SQL_GROUPS = {
    1: "select id1, sum(v1) as v1 from x group by id1",
    2: "select id1, id2, sum(v1) as v1 from x group by id1, id2",
    3: "select id3, sum(v1) as v1, avg(v3) as v3 from x group by id3",
    4: "select id4, avg(v1) as v1, avg(v2) as v2, avg(v3) as v3 from x group by id4",
    5: "select id6, sum(v1) as v1, sum(v2) as v2, sum(v3) as v3 from x group by id6",
    6: "select id4, id5, median(v3) as median, stddev(v3) as sd from x group by id4, id5",
    7: 'select id3, max(v1) - min(v2) as "range" from x group by id3',
    8: "select id6, unnest(max(v3, 2)) as v3 from x group by id6",
    9: "select id2, id4, corr(v1, v2) ** 2 as r2 from x group by id2, id4",
    10: """select id1, id2, id3, id4, id5, id6, sum(v3) as v3, count(*) as count
        from x group by id1, id2, id3, id4, id5, id6""",
}
SQL_JOINS = {
    1: "select * from x join small using (id1)",
    2: "select * from x join medium using (id2)",
    3: "select * from x left join medium using (id2)",
    4: "select * from x join medium using (id5)",
    5: "select * from x join big using (id3)",
}
