"""What dataframes, series, indexes and scalars have in common: how they are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from oxidask import _native
from oxidask._native import FrameExpr, NoKernel
from oxidask.base import DaskMethodsMixin, named_schedulers, tokenize
from oxidask.dataframe._meta import (
    make_meta,
    meta_nonempty,
    meta_of_schema,
    remembered,
    with_frequency,
)
from oxidask.dataframe._needs import pandas as pd
from oxidask.utils import funcname

__all__ = ["Collection", "is_collection", "natively", "new_collection", "python_layer"]


def natively(build: Callable[[], Any]) -> Any:
    """Return what `build` builds of native expressions, or None if there is no kernel."""
    try:
        return build()
    except NoKernel:
        return None


def is_collection(x: Any) -> bool:
    """Whether `x` is a dataframe, series, index or scalar of ours."""
    return isinstance(x, Collection)


class Collection(DaskMethodsMixin):
    """A lazy value in partitions.

    Parameters
    ----------
    expr
        The native handle.
    meta
        The empty pandas object that partitions are like; by default that of the expression's
        schema.
    divisions
        What divides the partitions by their index; by default what the expression knows.
    """

    # What moved the rows to other partitions than those they came in, if something did.
    _moved: str | None = None

    __dask_scheduler__ = staticmethod(named_schedulers["threads"])

    def __init__(self, expr: FrameExpr, meta: Any = None, divisions: Any = None) -> None:
        self._expr = expr
        self._known_meta = meta
        self._known_divisions = None if divisions is None else tuple(divisions)

    # The protocol of collections.

    @property
    def _name(self) -> str:
        return str(self._expr.name)

    @property
    def _is_gathered(self) -> bool:
        return bool(self._expr.is_native)

    @property
    def dask(self) -> Any:
        """The graph, in layers."""
        return self.__dask_graph__()

    def __dask_graph__(self) -> Any:
        from oxidask.array._graph import layered_graph

        return layered_graph([self._expr])

    def __dask_keys__(self) -> list[Any]:
        return [(self._name, at) for at in range(self.npartitions)]

    def __dask_layers__(self) -> tuple[str, ...]:
        return (self._name,)

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self._name

    def __dask_postcompute__(self) -> tuple[Any, tuple[Any, ...]]:
        return _settled_in_one, (self._meta,)

    @property
    def _gathered_finish(self) -> tuple[Any, tuple[Any, ...]]:
        return settled, (self._meta,)

    def __dask_postpersist__(self) -> tuple[Any, tuple[Any, ...]]:
        return _rebuilt, (self._expr, self._known_meta, self._known_divisions)

    @staticmethod
    def __dask_optimize__(dsk: Any, keys: Any, **_: Any) -> Any:
        return dsk

    # What is known without computing.

    @property
    def _meta(self) -> Any:
        if self._known_meta is None:
            self._known_meta = meta_of_schema(self._expr.schema)
        return self._known_meta

    @property
    def _meta_nonempty(self) -> Any:
        return meta_nonempty(self._meta)

    @property
    def npartitions(self) -> int:
        """The number of partitions."""
        return int(self._expr.npartitions)

    @property
    def divisions(self) -> tuple[Any, ...]:
        """Labels between partitions, the first and the last one included; None where unknown."""
        if self._known_divisions is not None:
            return self._known_divisions
        return (None,) * (self.npartitions + 1)

    @property
    def known_divisions(self) -> bool:
        """Whether it is known which partition holds which labels."""
        return self.divisions[0] is not None

    def __reduce__(self) -> tuple[Any, ...]:
        graph = dict(self.__dask_graph__())
        return _unpickled, (graph, self._name, self.npartitions, self._meta, self._known_divisions)

    def _with(self, expr: FrameExpr | None, meta: Any = None, divisions: Any = None) -> Any:
        """Return a collection over another expression; by default with the same divisions."""
        if expr is None:
            return None
        if divisions is None and expr.npartitions == self.npartitions:
            divisions = self._known_divisions
        if meta is None:
            meta = remembered(expr, self._known_meta)
        result = new_collection(expr, meta, divisions)
        if result.npartitions == self.npartitions:
            result._moved = self._moved
        return result

    # Python's functions of partitions.

    def map_partitions(
        self,
        func: Callable[..., Any],
        *args: Any,
        meta: Any = None,
        enforce_metadata: bool = True,
        transform_divisions: bool = True,
        clear_divisions: bool = False,
        align_dataframes: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Call a function on each partition.

        Parameters
        ----------
        func
            The function, of a pandas object.
        *args, **kwargs
            Passed to it; partitions of the same number for collections among them.
        meta
            What the result is like: see :func:`make_meta`. By default the function is tried.
        enforce_metadata
            Whether each result is compared with `meta`.
        clear_divisions
            Whether the divisions are unknown afterwards.

        Examples
        --------
        >>> import pandas as pd
        >>> from oxidask.dataframe import from_pandas
        >>> df = from_pandas(pd.DataFrame({"x": [1, 2, 3, 4]}), npartitions=2)
        >>> df.map_partitions(lambda part: part.x.sum(), meta=(None, "i8")).compute().tolist()
        [3, 7]
        """
        from oxidask.dataframe._partitions import map_partitions

        return map_partitions(
            func,
            self,
            *args,
            meta=meta,
            enforce_metadata=enforce_metadata,
            transform_divisions=transform_divisions,
            clear_divisions=clear_divisions,
            align_dataframes=align_dataframes,
            **kwargs,
        )

    def _partwise(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a function of pandas' on each partition: rows stay where they are."""
        from oxidask.dataframe._partitions import elementwise

        return elementwise(func, self, *args, **kwargs)

    def explain(self) -> str:
        """Return what will be done, step by step, as text: each step with its inputs below it.

        Examples
        --------
        >>> import pandas as pd
        >>> from oxidask.dataframe import from_pandas
        >>> df = from_pandas(pd.DataFrame({"x": [1, 2, 3], "y": [4, 5, 6]}), npartitions=3)
        >>> print((df.x + 1).explain())
        add: 3 partitions
          getitem: 3 partitions
            from-pandas: 3 partitions, 1 of 2 columns, 3 rows, 0.0 MB
        <BLANKLINE>
        """
        return str(self._expr.explain())

    def get_partition(self, n: int) -> Any:
        """Return one partition as a collection of its own.

        Raises
        ------
        ValueError
            If there is no such partition.
        """
        if not 0 <= n < self.npartitions:
            raise ValueError(f"n must be 0 <= n < {self.npartitions}, not {n}")
        return self.partitions[n]

    @property
    def partitions(self) -> Any:
        """Partitions by number: ``df.partitions[0]``, ``df.partitions[1:3]``."""
        return _Partitions(self)

    def to_delayed(self, optimize_graph: bool = True) -> list[Any]:
        """Return the partitions as delayed values."""
        from oxidask.delayed import Delayed

        graph = self.__dask_graph__()
        return [Delayed(key, graph, layer=self._name) for key in self.__dask_keys__()]

    def copy(self, deep: bool = False) -> Any:
        """Return a collection over the same expression."""
        if deep is not False:
            raise ValueError(
                "The `deep` value must be False. This is strictly a shallow copy of the underlying "
                "computational graph."
            )
        return self._with(self._expr, self._known_meta)

    def clear_divisions(self) -> Any:
        """Return the same with divisions unknown."""
        return self._with(self._expr, self._known_meta, (None,) * (self.npartitions + 1))

    def pipe(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Call ``func(self, *args, **kwargs)``."""
        if isinstance(func, tuple):
            func, target = func
            if target in kwargs:
                raise ValueError(f"{target} is both the pipe target and a keyword argument")
            return func(*args, **{target: self}, **kwargs)
        return func(self, *args, **kwargs)


class _Partitions:
    """Selects partitions by number."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __getitem__(self, index: Any) -> Any:
        collection = self._collection
        numbers = list(range(collection.npartitions))
        if isinstance(index, slice):
            chosen = numbers[index]
        elif isinstance(index, (list, tuple)):
            chosen = [numbers[i] for i in index]
        else:
            chosen = [numbers[index]]
        divisions = (None,) * (len(chosen) + 1)
        if collection.known_divisions and chosen and chosen == sorted(set(chosen)):
            ends = collection.divisions
            divisions = (*(ends[at] for at in chosen), ends[chosen[-1] + 1])
        expr = collection._expr.partitions(chosen)
        return new_collection(expr, collection._meta, divisions)

    def __len__(self) -> int:
        return self._collection.npartitions

    def __iter__(self) -> Any:
        return (self[at] for at in range(len(self)))


def put_in_one(parts: Sequence[Any], meta: Any) -> Any:
    """Return one pandas object of those of all partitions."""
    if not isinstance(meta, (pd.DataFrame, pd.Series, pd.Index)):
        return parts[0]
    if len(parts) == 1:
        return parts[0]
    full = [part for part in parts if len(part)] or [parts[0]]
    if isinstance(meta, pd.Index):
        return full[0].append(list(full[1:])) if len(full) > 1 else full[0]
    if len(full) == 1:
        return full[0]
    return pd.concat(_united(full))


def _settled_in_one(parts: Sequence[Any], meta: Any) -> Any:
    return settled(put_in_one(parts, meta), meta)


def settled(result: Any, meta: Any) -> Any:
    """Return a computed pandas object with what partitions don't carry, taken from `meta`.

    That is the frequency of an index of times, where the rows have it, and the kind of labels of
    no columns.
    """
    frames = isinstance(result, pd.DataFrame) and isinstance(meta, pd.DataFrame)
    if frames and not len(result.columns) and not len(meta.columns):
        result.columns = meta.columns
    if isinstance(result, (pd.DataFrame, pd.Series)) and hasattr(meta, "index"):
        with_frequency(result.index, meta.index)
        return result
    return with_frequency(result, meta)


def together(parts: Sequence[Any]) -> Any:
    """Return one pandas object of the partitions, which are like the first of them."""
    return put_in_one(parts, parts[0])


def on_all(func: Callable[..., Any], parts: Sequence[Any], **kwargs: Any) -> Any:
    """Call a function on all rows of some partitions together."""
    return func(together(parts), **kwargs)


def _united(parts: list[Any]) -> list[Any]:
    """Return parts whose categorical columns have the same categories."""
    from pandas.api.types import union_categoricals

    first = parts[0]
    if isinstance(first, pd.Series):
        if isinstance(first.dtype, pd.CategoricalDtype) and any(
            part.dtype != first.dtype for part in parts
        ):
            dtype = union_categoricals(parts, ignore_order=True).dtype
            return [part.astype(dtype) for part in parts]
        return parts
    for at, dtype in enumerate(first.dtypes):
        if isinstance(dtype, pd.CategoricalDtype):
            columns = [part.iloc[:, at] for part in parts]
            if any(column.dtype != dtype for column in columns):
                label = first.columns[at]
                united = union_categoricals(columns, ignore_order=True).dtype
                parts = [part.astype({label: united}) for part in parts]
    return parts


def _rebuilt(graph: Any, expr: FrameExpr, meta: Any, divisions: Any, rename: Any = None) -> Any:
    name = expr.name if rename is None else rename.get(expr.name, expr.name)
    keys = [(name, at) for at in range(expr.npartitions)]
    rebuilt = _native.frame_from_graph(dict(graph), name, keys, like=expr)
    return new_collection(rebuilt, meta, divisions)


def _unpickled(graph: Any, name: str, npartitions: int, meta: Any, divisions: Any) -> Any:
    keys = [(name, at) for at in range(npartitions)]
    return new_collection(_native.frame_from_graph(graph, name, keys), meta, divisions)


def new_collection(expr: FrameExpr, meta: Any = None, divisions: Any = None) -> Any:
    """Return the collection of an expression, of the class that its `meta` calls for."""
    from oxidask.dataframe import _frame, _index, _scalar

    if meta is None:
        kind = expr.schema[0]
    elif isinstance(meta, pd.DataFrame):
        kind = "frame"
    elif isinstance(meta, pd.Series):
        kind = "series"
    elif isinstance(meta, pd.Index):
        kind = "index"
    else:
        return _scalar.Scalar(expr, meta, (None, None))
    cls = {"frame": _frame.DataFrame, "series": _frame.Series, "index": _index.Index}[kind]
    return cls(expr, meta, divisions)


def python_layer(
    func: Callable[..., Any],
    args: Iterable[tuple[Any, ...]],
    npartitions: int,
    kwargs: dict[str, Any] | None = None,
    name: str | None = None,
    rows_of: FrameExpr | None = None,
    token: Any = None,
) -> FrameExpr:
    """Return the expression of a function of partitions: see ``_native.frame_python_layer``."""
    args = list(args)
    label = name or funcname(func).replace("<", "").replace(">", "")
    said = [
        (arg[0], arg[1].name if isinstance(arg[1], FrameExpr) else arg[1], *arg[2:])
        if len(arg) > 1
        else arg
        for arg in args
    ]
    token = token or tokenize(func, said, npartitions, kwargs)
    layer: FrameExpr = _native.frame_python_layer(
        f"{label}-{token}", func, args, npartitions, kwargs or {}, rows_of=rows_of
    )
    return layer


__all__ += ["make_meta", "put_in_one"]
