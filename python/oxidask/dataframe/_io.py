"""Collections of what is in memory, of functions, and of delayed values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.base import tokenize
from oxidask.dataframe._collection import Collection, natively, new_collection, python_layer
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import PerPartition

__all__ = [
    "from_array",
    "from_arrow",
    "from_dask_array",
    "from_delayed",
    "from_dict",
    "from_map",
    "from_pandas",
]


def from_pandas(
    data: Any, npartitions: int | None = None, sort: bool = True, chunksize: int | None = None
) -> Any:
    """Make a collection of a pandas object.

    Parameters
    ----------
    data
        A dataframe, a series or an index.
    npartitions
        How many partitions, at most: equal labels stay together.
    sort
        Whether to order the rows by their index, so that divisions are known.
    chunksize
        Rows of a partition, in place of `npartitions`.

    Raises
    ------
    TypeError
        If `data` is no pandas object.
    NotImplementedError
        If it has an index of several levels.

    Examples
    --------
    >>> import pandas as pd
    >>> df = from_pandas(pd.DataFrame({"x": range(6)}), npartitions=3)
    >>> df.divisions
    (0, 2, 4, 5)
    """
    if isinstance(data, pd.Index):
        return from_pandas(data.to_series(), npartitions, sort, chunksize).index
    if not isinstance(data, (pd.DataFrame, pd.Series)):
        raise TypeError("Input must be a pandas DataFrame or Series.")
    if isinstance(data.index, pd.MultiIndex):
        raise NotImplementedError("Dask does not support MultiIndex Dataframes.")
    if npartitions is not None and chunksize is not None:
        raise ValueError("Exactly one of npartitions and chunksize must be specified.")
    if npartitions is None and chunksize is None:
        npartitions = 1
    if npartitions is not None and (
        not isinstance(npartitions, (int, np.integer)) or npartitions < 1
    ):
        raise (TypeError if not isinstance(npartitions, (int, np.integer)) else ValueError)(
            f"Please provide npartitions as an int of 1 or more, not {npartitions!r}"
        )
    if chunksize is not None and not isinstance(chunksize, (int, np.integer)):
        raise TypeError(f"Please provide chunksize as an int, not {chunksize!r}")
    is_number = pd.api.types.is_numeric_dtype(data.index.dtype)
    if (sort or not is_number) and data.index.isna().any():
        raise NotImplementedError(
            "Index in passed data is non-numeric and contains nulls, which Dask does not entirely "
            "support. Consider passing `data.loc[~data.isna()]` instead."
        )
    n_rows = len(data)
    if sort and not data.index.is_monotonic_increasing:
        data = data.sort_index(ascending=True)
    step = int(chunksize) if chunksize is not None else max(1, -(-n_rows // int(npartitions or 1)))
    starts = list(range(0, n_rows, step)) or [0]
    if chunksize is None and npartitions and n_rows:
        each, more = divmod(n_rows, int(npartitions))
        starts = sorted({each * i + min(i, more) for i in range(int(npartitions))} - {n_rows})
    ends: Any = None
    if sort:
        wanted = None if chunksize is not None else int(npartitions or 1)
        starts, ends = _where_labels_change(data.index, starts, wanted)
    bounds = [*starts, n_rows]
    expr = natively(lambda: _native.frame_from_pandas(data, bounds))
    meta = data.iloc[:0]
    if expr is not None:
        return new_collection(expr, meta, ends)
    token = tokenize(data, bounds)
    parts = [data.iloc[a:b] for a, b in itertools.pairwise(bounds)]
    name = f"from_pandas-{token}"
    graph = {(name, at): part for at, part in enumerate(parts)}
    expr = _native.frame_from_graph(graph, name, list(graph))
    return new_collection(expr, meta, ends)


def _where_labels_change(index: Any, starts: list[int], wanted: int | None) -> tuple[Any, Any]:
    """Return starts of partitions moved to where labels change, and the divisions.

    If so many partitions are wanted, there are as many, or one for each label.
    """
    if len(index) == 0:
        return [0], (None, None)
    moved = sorted({int(index.searchsorted(index[at], side="left")) for at in starts})
    if wanted is not None and len(moved) < min(wanted, len(index)):
        changes = np.flatnonzero(~index.duplicated())
        n = min(wanted, len(changes))
        nearest = np.searchsorted(changes, [len(index) * i // n for i in range(n)], "right") - 1
        chosen: list[int] = []
        for i, at in enumerate(nearest.tolist()):
            least = chosen[-1] + 1 if chosen else 0
            chosen.append(min(max(at, least), len(changes) - n + i))
        moved = changes[chosen].tolist()
    ends = [index[at] for at in moved] + [index[-1]]
    return moved, tuple(end.item() if isinstance(end, np.generic) else end for end in ends)


def from_arrow(data: Any, npartitions: int | None = None, chunksize: int | None = None) -> Any:
    """Make a dataframe of a table of another library that speaks Arrow, such as Polars.

    Parameters
    ----------
    data
        Anything with ``__arrow_c_stream__``: tables of pyarrow, dataframes of Polars or DuckDB.
    npartitions, chunksize
        As of :func:`from_pandas`.

    Raises
    ------
    TypeError
        If `data` is nothing like that.

    Examples
    --------
    >>> import pyarrow as pa
    >>> from_arrow(pa.table({"x": [1, 2, 3]}), npartitions=2).x.sum().compute().item()
    6
    """
    import pyarrow as pa

    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(
            f"{type(data).__name__} has no __arrow_c_stream__: see from_pandas, from_dict"
        )
    return from_pandas(pa.table(data).to_pandas(), npartitions, chunksize=chunksize)


def from_dict(
    data: Any,
    npartitions: int,
    orient: str = "columns",
    dtype: Any = None,
    columns: Any = None,
    constructor: Any = None,
) -> Any:
    """Make a dataframe of a dict: see ``pandas.DataFrame.from_dict``.

    Examples
    --------
    >>> from_dict({"x": [1, 2]}, npartitions=1).x.sum().compute().item()
    3
    """
    if any(isinstance(value, Collection) for value in data.values()):
        raise NotImplementedError(
            "from_dict doesn't currently support Dask collections as inputs. Objects encountered "
            "in the input dict: use concat or assign"
        )
    frame = (constructor or pd.DataFrame).from_dict(
        data, orient=orient, dtype=dtype, columns=columns
    )
    return from_pandas(frame, npartitions)


def from_array(x: Any, chunksize: int = 50_000, columns: Any = None, meta: Any = None) -> Any:
    """Make a collection of the rows of an array.

    Parameters
    ----------
    x
        An array of one or two axes, of NumPy's or ours.
    columns
        Labels of the columns, or the name of the series.
    """
    from oxidask.array.core import Array

    if isinstance(x, Array):
        return from_dask_array(x, columns=columns, meta=meta)
    if x.ndim > 2:
        raise ValueError(
            f"from_array does not input more than 2D array, got array with shape {x.shape!r}"
        )
    _checked_width(x, columns)
    data = (
        pd.Series(x, name=columns)
        if x.ndim == 1 and x.dtype.names is None and not isinstance(columns, (list, pd.Index))
        else pd.DataFrame(x, columns=columns)
    )
    return from_pandas(data, chunksize=chunksize)


def _checked_width(x: Any, columns: Any) -> None:
    if x.ndim == 1:
        return
    if isinstance(x.shape[1], float) and np.isnan(x.shape[1]):
        raise ValueError(
            "Shape along axis 1 must be known: compute it, x.compute_chunk_sizes(), before"
        )
    if columns is not None and len(columns) != x.shape[1]:
        raise ValueError(
            f"Column names must match width of the array. Got {len(columns)} names for "
            f"{x.shape[1]} columns"
        )


def from_dask_array(x: Any, columns: Any = None, index: Any = None, meta: Any = None) -> Any:
    """Make a collection of an array of ours: a partition of each chunk of rows.

    Parameters
    ----------
    x
        An array of one or two axes.
    columns
        Labels of the columns, or the name of the series.
    index
        An index of ours with as many partitions as `x` has chunks of rows; by default rows are
        counted.

    Raises
    ------
    ValueError
        If the number of columns is unknown, or `index` has other partitions.
    """
    if x.ndim > 2:
        raise ValueError(
            f"from_array does not input more than 2D array, got array with shape {x.shape!r}"
        )
    _checked_width(x, columns)
    if x.ndim == 2 and len(x.chunks[1]) > 1:
        x = x.rechunk({1: x.shape[1]})
    rows = x.chunks[0]
    if index is not None:
        if not isinstance(index, Collection):
            raise ValueError("'index' must be an instance of oxidask.dataframe.Index")
        if index.npartitions != len(rows):
            raise ValueError(
                "The index and array have different numbers of blocks. "
                f"({index.npartitions} != {len(rows)})"
            )
    known = index is None and not any(np.isnan(n) for n in rows)
    starts = np.concatenate([[0], np.cumsum(rows)]).astype(int).tolist() if known else None
    empty = np.empty((0,) * x.ndim if x.ndim == 1 else (0, x.shape[1]), dtype=x.dtype)
    meta = _of_block(empty, columns, 0 if index is None else index._meta)
    keys = [key[0] if isinstance(key, list) else key for key in x.__dask_keys__()]
    graph = dict(x.__dask_graph__())
    labels: list[Any] = starts or [None] * len(keys)
    if index is not None:
        graph.update(dict(index.__dask_graph__()))
        labels = index.__dask_keys__()
    name = f"from-array-{tokenize(x, columns, index)}"
    for at, key in enumerate(keys):
        graph[(name, at)] = (_of_block, key, columns, labels[at])
    expr = _native.frame_from_graph(graph, name, [(name, at) for at in range(len(keys))])
    ends = None if index is None else index.divisions
    if starts is not None and starts[-1] > 0:
        ends = (*(min(at, starts[-1] - 1) for at in starts[:-1]), starts[-1] - 1)
    return new_collection(expr, meta, ends)


def _of_block(block: Any, columns: Any, labels: Any) -> Any:
    """Return a chunk as a partition; `labels` are its index, or the first one of a counted one."""
    if isinstance(labels, (int, np.integer)):
        labels = pd.RangeIndex(labels, labels + len(block))
    is_list = isinstance(columns, (list, pd.Index))
    if block.ndim == 1 and block.dtype.names is None and not is_list:
        return pd.Series(block, index=labels, name=columns)
    return pd.DataFrame(block, index=labels, columns=columns)


def from_delayed(
    dfs: Any,
    meta: Any = None,
    divisions: Any = None,
    prefix: str = "from-delayed",
    verify_meta: bool = True,
) -> Any:
    """Make a collection of delayed pandas objects.

    Parameters
    ----------
    dfs
        Delayed values or futures, one for each partition.
    meta
        What they are like; by default the first one is computed.
    divisions
        Labels between them, if they are in the order of their index.
    verify_meta
        Whether each is compared with `meta`.
    """
    from oxidask.delayed import Delayed, delayed

    if isinstance(dfs, Delayed) or not isinstance(dfs, Iterable):
        dfs = [dfs]
    dfs = [x if isinstance(x, Delayed) else delayed(x) for x in dfs]
    if not dfs:
        raise TypeError("Must supply at least one delayed object")
    meta = make_meta(dfs[0].compute()) if meta is None else make_meta(meta)
    graph: dict[Any, Any] = {}
    for x in dfs:
        graph.update(dict(x.__dask_graph__()))
    name = f"{prefix}-{tokenize([x.key for x in dfs], meta, divisions)}"
    expr = _native.frame_from_graph(graph, name, [x.key for x in dfs])
    if verify_meta:
        from oxidask.dataframe._meta import check_meta

        args = [("partition", expr), ("literal", meta), ("literal", "from_delayed")]
        expr = python_layer(check_meta, args, len(dfs), name="from-delayed")
    if divisions is not None and len(divisions) != len(dfs) + 1:
        raise ValueError("divisions should be a tuple of len(dfs) + 1")
    return new_collection(expr, meta, divisions)


def from_map(
    func: Callable[..., Any],
    *iterables: Iterable[Any],
    args: Sequence[Any] | None = None,
    meta: Any = None,
    divisions: Any = None,
    label: str | None = None,
    enforce_metadata: bool = False,
    **kwargs: Any,
) -> Any:
    """Make a collection whose partitions a function gives for items.

    Parameters
    ----------
    func
        The function: gives a pandas object.
    *iterables
        Its arguments, one of each for each partition.
    args, kwargs
        Further arguments, the same for all.
    meta
        What the results are like; by default the function is called with the first items.

    Examples
    --------
    >>> import pandas as pd
    >>> from_map(lambda n: pd.DataFrame({"x": [n]}), [1, 2]).x.sum().compute().item()
    3
    """
    if not callable(func):
        raise ValueError("`func` argument must be `callable`")
    lists = [list(items) for items in iterables]
    if not lists:
        raise ValueError("from_map requires at least one Iterable input")
    n = len(lists[0])
    if any(len(items) != n for items in lists):
        raise ValueError("All `iterables` must have the same length")
    if n == 0:
        raise ValueError("All `iterables` must have a non-zero length")
    fixed = list(args or [])
    if meta is None:
        meta = make_meta(func(*(items[0] for items in lists), *fixed, **kwargs))
    else:
        meta = make_meta(meta)
    described: list[tuple[Any, ...]] = [("per_block", PerPartition(items)) for items in lists]
    described += [("literal", x) for x in fixed]
    run: Callable[..., Any] = func
    if enforce_metadata:
        from oxidask.dataframe._partitions import _checked

        described = [("literal", func), ("literal", meta), *described]
        run = _checked
    expr = python_layer(
        run, described, n, kwargs, name=label, token=tokenize(func, lists, fixed, kwargs)
    )
    if divisions is not None and len(divisions) != n + 1:
        raise ValueError("divisions should be a tuple of one more than the partitions")
    return new_collection(expr, meta, divisions)
