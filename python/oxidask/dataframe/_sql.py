"""Tables of databases, by pandas and SQLAlchemy: a query for each range of an index column."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from oxidask.base import tokenize
from oxidask.dataframe._io import from_map
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import parse_bytes

__all__ = ["read_sql", "read_sql_query", "read_sql_table", "to_sql"]


def _sqlalchemy() -> Any:
    try:
        import sqlalchemy
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "databases need sqlalchemy, which is not installed: pip install sqlalchemy",
            name="sqlalchemy",
        ) from None
    return sqlalchemy


def read_sql(sql: Any, con: str, index_col: Any, **kwargs: Any) -> Any:
    """Read a table by its name, or a query: :func:`read_sql_table`, :func:`read_sql_query`."""
    if isinstance(sql, str):
        return read_sql_table(sql, con, index_col, **kwargs)
    return read_sql_query(sql, con, index_col, **kwargs)


def read_sql_table(
    table_name: Any,
    con: str,
    index_col: Any,
    divisions: Any = None,
    npartitions: int | None = None,
    limits: Any = None,
    columns: Any = None,
    bytes_per_chunk: Any = "256 MiB",
    head_rows: int = 5,
    schema: str | None = None,
    meta: Any = None,
    engine_kwargs: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Read a table of a database.

    Parameters
    ----------
    table_name
        Its name.
    con
        The database's address: ``"sqlite:///path"``, ``"postgresql://user@host/name"``.
    index_col
        The column to be the index, by whose ranges partitions are read; it should have an index in
        the database.
    divisions
        The ranges; by default as many as `npartitions` says between the least and the greatest.
    limits
        The least and the greatest value, if they are known.
    columns
        Names of columns, or expressions of SQLAlchemy with labels.
    bytes_per_chunk
        Bytes of a partition, if `npartitions` isn't given.
    head_rows
        Rows that are read to infer dtypes.
    meta
        What partitions are like, instead of that.
    engine_kwargs
        For ``sqlalchemy.create_engine``.
    **kwargs
        For ``pandas.read_sql``.

    Raises
    ------
    TypeError
        If `con` is no text, or ranges can't be made of the index column.
    """
    sa = _sqlalchemy()
    if not isinstance(table_name, str):
        raise TypeError("`table_name` must be of type str, not " + str(type(table_name)))
    if index_col is None:
        raise ValueError("Must specify index column to partition on")
    _text_address(con)
    engine = sa.create_engine(con, **(engine_kwargs or {}))
    try:
        table = sa.Table(table_name, sa.MetaData(), autoload_with=engine, schema=schema)
    finally:
        engine.dispose()
    index = table.columns[index_col] if isinstance(index_col, str) else index_col
    chosen = list(table.columns) if columns is None else [
        table.columns[one] if isinstance(one, str) else one for one in columns
    ]  # fmt: skip
    if not any(one.name == index.name for one in chosen):
        chosen.append(index)
    return read_sql_query(
        sa.select(*chosen).select_from(table),
        con,
        index,
        divisions=divisions,
        npartitions=npartitions,
        limits=limits,
        bytes_per_chunk=bytes_per_chunk,
        head_rows=head_rows,
        meta=meta,
        engine_kwargs=engine_kwargs,
        **kwargs,
    )


def read_sql_query(
    sql: Any,
    con: str,
    index_col: Any,
    divisions: Any = None,
    npartitions: int | None = None,
    limits: Any = None,
    bytes_per_chunk: Any = "256 MiB",
    head_rows: int = 5,
    meta: Any = None,
    engine_kwargs: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Read what a query of SQLAlchemy selects: see :func:`read_sql_table`.

    Parameters
    ----------
    sql
        A ``sqlalchemy.select(...)``.
    """
    sa = _sqlalchemy()
    _text_address(con)
    if not isinstance(sql, sa.Select):
        raise TypeError(
            "'sql' must be of type sqlalchemy Select, not " + str(type(sql)) + ": text can't be "
            "cut into ranges"
        )
    if index_col is None:
        raise ValueError("Must specify index column to partition on")
    if not isinstance(index_col, (str, sa.Column, sa.sql.elements.ColumnElement)):
        raise TypeError(f"index_col is a name or a column of SQLAlchemy, not {index_col!r}")
    if divisions is not None and npartitions is not None:
        raise TypeError("Must supply either divisions or npartitions, not both")
    if head_rows <= 0 and meta is None:
        raise ValueError("Must provide meta if head_rows is 0")
    index = sa.column(index_col) if isinstance(index_col, str) else index_col
    settings = {"con": con, "engine_kwargs": engine_kwargs or {}, "index": index.name}
    settings["options"] = kwargs
    row_bytes = None
    if head_rows > 0:
        head = _read(sql.limit(head_rows), meta=None, **settings)
        if len(head) == 0:
            return _in_one(head)
        row_bytes = head.memory_usage(deep=True, index=True).sum() / len(head)
        meta = head.iloc[:0] if meta is None else make_meta(meta)
    else:
        meta = make_meta(meta)
        if divisions is None and npartitions is None:
            raise ValueError("Must provide divisions or npartitions when using explicit meta.")
    if divisions is None:
        divisions = _divisions(
            sql, index, settings, limits, npartitions, row_bytes, bytes_per_chunk
        )
    pairs = list(itertools.pairwise(divisions))
    queries = []
    for at, (low, high) in enumerate(pairs):
        below = index <= high if at == len(pairs) - 1 else index < high
        queries.append(_Query(sql.where(sa.and_(index >= low, below))))
    if len(queries) == 0:
        raise ValueError(f"divisions must have at least two ends, not {divisions!r}")
    ends = tuple(x.item() if isinstance(x, np.generic) else x for x in divisions)
    return from_map(_read, queries, meta=meta, divisions=ends, label="read-sql", **settings)


def _text_address(con: Any) -> None:
    if not isinstance(con, str):
        raise TypeError(
            f"'con' must be of type str, not {type(con)}: tasks open connections of their own. "
            "The address of an engine is `str(engine.url)`"
        )


class _Query:
    """A query that can be told from others by its text."""

    def __init__(self, select: Any) -> None:
        self.select = select

    def __dask_tokenize__(self) -> Any:
        compiled = self.select.compile()
        return str(compiled), str(sorted(compiled.params.items()))


def _read(
    query: Any, con: str, engine_kwargs: dict[str, Any], index: str, options: Any, meta: Any = None
) -> Any:
    """Return the rows of a query, with the dtypes of `meta`."""
    sa = _sqlalchemy()
    engine = sa.create_engine(con, **engine_kwargs)
    select = query.select if isinstance(query, _Query) else query
    try:
        with engine.connect() as connection:
            part = pd.read_sql(select, connection, index_col=index, **options)
    finally:
        engine.dispose()
    if meta is None:
        return part
    if len(part) == 0:
        return meta
    return part.astype(meta.dtypes.to_dict(), copy=False) if len(meta.columns) else part


def _in_one(head: Any) -> Any:
    from oxidask.dataframe._io import from_pandas

    return from_pandas(head, npartitions=1)


def _divisions(
    sql: Any,
    index: Any,
    settings: dict[str, Any],
    limits: Any,
    npartitions: int | None,
    row_bytes: float | None,
    bytes_per_chunk: Any,
) -> list[Any]:
    """Return ranges of the index column."""
    sa = _sqlalchemy()
    inner = sql.subquery()
    column = inner.columns[index.name]
    wanted = [sa.func.count(column)] if npartitions is None else [sa.func.count(sa.literal(1))]
    if limits is None:
        wanted += [sa.func.min(column), sa.func.max(column)]
    engine = sa.create_engine(settings["con"], **settings["engine_kwargs"])
    try:
        with engine.connect() as connection:
            count, *found = connection.execute(sa.select(*wanted)).one()
    finally:
        engine.dispose()
    low, high = found if limits is None else limits
    if npartitions is None:
        n_bytes = count * (row_bytes or 0)
        npartitions = max(1, math.ceil(n_bytes / parse_bytes(bytes_per_chunk)))
    if isinstance(low, str):
        try:
            low, high = pd.Timestamp(low), pd.Timestamp(high)
        except ValueError:
            low = str(low)
    if isinstance(low, bool) or not (
        isinstance(low, (int, float, np.number)) or hasattr(low, "year")
    ):
        raise TypeError(
            f"Provided index column is of type {type(low).__name__!r}. If divisions is not "
            "provided the index column type must be numeric or datetime."
        )
    if hasattr(low, "year"):
        times = pd.date_range(low, high, periods=npartitions + 1)
        return [time.to_pydatetime() for time in times]
    ends: list[Any] = np.linspace(low, high, npartitions + 1).tolist()
    if isinstance(low, (int, np.integer)):
        ends = [low, *(math.ceil(end) for end in ends[1:-1]), high]
    return ends


def to_sql(
    df: Any,
    name: str,
    uri: str,
    schema: str | None = None,
    if_exists: str = "fail",
    index: bool = True,
    index_label: Any = None,
    chunksize: int | None = None,
    dtype: Any = None,
    method: Any = None,
    compute: bool = True,
    parallel: bool = False,
    engine_kwargs: dict[str, Any] | None = None,
) -> Any:
    """Write rows into a table of a database.

    Parameters
    ----------
    name
        The table's name.
    uri
        The database's address.
    if_exists
        ``"fail"``, ``"replace"`` or ``"append"``.
    parallel
        Whether partitions are written side by side; else one after the other, in their order.
    compute
        Whether to write now; else a delayed value comes back that writes.
    schema, index, index_label, chunksize, dtype, method
        As of ``pandas.DataFrame.to_sql``.
    """
    from oxidask.delayed import Delayed

    if not isinstance(uri, str):
        raise ValueError(f"Expected URI to be a string, got {type(uri)}.")
    _sqlalchemy()
    settings = {
        "name": name,
        "schema": schema,
        "index": index,
        "index_label": index_label,
        "chunksize": chunksize,
        "dtype": dtype,
        "method": method,
    }
    place = (uri, engine_kwargs or {})
    label = f"to-sql-{tokenize(df, place, settings, if_exists, parallel)}"
    graph = dict(df.__dask_graph__())
    graph[(label, "table")] = (_write_sql, df._meta, place, settings, if_exists, None)
    before: Any = (label, "table")
    for at, key in enumerate(df.__dask_keys__()):
        graph[(label, at)] = (_write_sql, key, place, settings, "append", before)
        if not parallel:
            before = (label, at)
    keys = [(label, at) for at in range(df.npartitions)]
    graph[label] = (_done, keys)
    result = Delayed(label, graph)
    if not compute:
        return result
    result.compute()
    return None


def _write_sql(
    part: Any, place: tuple[str, dict[str, Any]], settings: Any, if_exists: str, _: Any
) -> int:
    sa = _sqlalchemy()
    engine = sa.create_engine(place[0], **place[1])
    try:
        with engine.begin() as connection:
            part.to_sql(con=connection, if_exists=if_exists, **settings)
    finally:
        engine.dispose()
    return len(part)


def _done(_: list[int]) -> None:
    return None
