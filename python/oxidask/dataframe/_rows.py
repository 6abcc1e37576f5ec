"""Methods that choose rows, order them, or move them between partitions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from oxidask.dataframe._collection import (
    Collection,
    natively,
    new_collection,
    on_all,
    python_layer,
    together,
)
from oxidask.dataframe._meta import remembered
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import choosing, map_partitions, tree

__all__ = ["Rows"]


class Rows(Collection):
    """Selection and order of rows."""

    def head(self, n: int = 5, npartitions: int = 1, compute: bool = True) -> Any:
        """Return the first rows.

        Parameters
        ----------
        n
            How many.
        npartitions
            How many of the first partitions they may be of; -1 for all.
        compute
            Whether to compute them at once.
        """
        most = self.npartitions if npartitions == -1 else npartitions
        if most > self.npartitions:
            raise ValueError(f"only {self.npartitions} partitions, head received {npartitions}")
        expr = natively(lambda: self._expr.head(n, False, most) if self._expr.is_native else None)
        if expr is None:
            first = self.partitions[:most]
            args = [("literal", n), ("every", first._expr)]
            expr = python_layer(_head, args, 1, name="head")
        result = new_collection(expr, self._meta)
        if not compute:
            return result
        rows = result.compute()
        if len(rows) < n and npartitions != -1 and self.npartitions > most:
            warnings.warn(
                f"Insufficient elements for `head`. {n} elements requested, only {len(rows)} "
                "elements available. Try passing larger `npartitions` to `head`.",
                stacklevel=2,
            )
        return rows

    def tail(self, n: int = 5, compute: bool = True) -> Any:
        """Return the last rows of the last partition."""
        expr = natively(lambda: self._expr.head(n, True, 1) if self._expr.is_native else None)
        if expr is None:
            last = self.partitions[self.npartitions - 1]
            expr = python_layer(_tail, [("literal", n), ("partition", last._expr)], 1, name="tail")
        result = new_collection(expr, self._meta)
        return result.compute() if compute else result

    def _filtered(self, condition: Any) -> Any:
        if self._expr.is_native and condition._expr.is_native:
            expr = natively(lambda: self._expr.filter(condition._expr))
            if expr is not None:
                return self._with(expr, remembered(expr, self._known_meta, frequency=False))
        return choosing(_choose, self, condition)

    def reset_index(self, drop: bool = False) -> Any:
        """Return the rows with an index that counts them, in each partition anew."""
        expr = natively(lambda: self._expr.reset_index(drop) if self._expr.is_native else None)
        if expr is not None and self._meta.ndim == 1 and not drop and self._meta.name is None:
            expr = None
        if expr is not None:
            return new_collection(expr, remembered(expr, self._known_meta))
        return map_partitions(
            type(self._meta).reset_index,
            self,
            drop=drop,
            clear_divisions=True,
            enforce_metadata=False,
        )

    def sort_values(
        self,
        by: Any = None,
        ascending: Any = True,
        na_position: str = "last",
        npartitions: Any = None,
        ignore_index: bool = False,
        sort_function: Any = None,
        sort_function_kwargs: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Return the rows in order.

        Parameters
        ----------
        by
            A label, or a list of such.
        ascending
            Whether small values come first: one answer, or one for each label.
        na_position
            ``"first"`` or ``"last"``: where missing values go.
        npartitions
            Over how many partitions; by default as many as before.
        """
        from oxidask.dataframe._sorting import sort_values

        return sort_values(
            self,
            by,
            ascending,
            na_position,
            npartitions,
            ignore_index,
            sort_function,
            sort_function_kwargs,
        )

    def drop_duplicates(
        self,
        subset: Any = None,
        keep: Any = "first",
        split_every: Any = None,
        split_out: Any = True,
        ignore_index: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Return the rows without those that recur.

        Parameters
        ----------
        subset
            The columns to compare, of a dataframe.
        keep
            ``"first"``, ``"last"``, or False for none of those that recur.
        split_out
            How many partitions there are afterwards, of a dataframe: rows go where equal ones do,
            and are in their order within each partition. By default they come to one.
        ignore_index
            Whether the rows are counted anew.
        """
        if subset is not None and self._meta.ndim == 1:
            raise TypeError("drop_duplicates() got an unexpected keyword argument 'subset'")
        if subset is not None:
            named = [subset] if not isinstance(subset, (list, tuple)) else subset
            absent = [label for label in named if label not in self._meta.columns]
            if absent:
                raise KeyError(f"{absent} are not among the columns {list(self._meta.columns)}")
        if split_out not in (None, True, False, 1) and self._meta.ndim == 2:
            return self._distinct_by_shuffle(subset, keep, int(split_out), ignore_index)
        if subset is not None and not isinstance(subset, (list, tuple)):
            subset = [subset]
        expr = natively(
            lambda: self._expr.distinct(subset, keep or None) if self._expr.is_native else None
        )
        if isinstance(self._meta, pd.Index):
            expr = None
        if expr is not None:
            result = new_collection(expr, remembered(expr, self._known_meta, frequency=False))
        else:
            settings = {"keep": keep} | ({} if self._meta.ndim == 1 else {"subset": subset})
            cls = pd.Index if isinstance(self._meta, pd.Index) else type(self._meta)
            method = cls.drop_duplicates
            if keep is False:
                args = [("literal", method), ("every", self._expr)]
                layer = python_layer(on_all, args, 1, settings, name="drop-duplicates")
                result = new_collection(layer, self._meta)
            else:
                result = tree(
                    self,
                    method,
                    method,
                    self._meta,
                    chunk_kwargs=settings,
                    aggregate_kwargs=settings,
                    token="drop-duplicates",
                )
        return result.reset_index(drop=True) if ignore_index else result

    def _distinct_by_shuffle(self, subset: Any, keep: Any, n: int, ignore_index: bool) -> Any:
        keys = list(self._meta.columns) if subset is None else subset
        moved = self.shuffle(keys, npartitions=n)  # type: ignore[attr-defined]
        args = [("partition", moved._expr)]
        settings = {"subset": subset, "keep": keep}
        expr = python_layer(pd.DataFrame.drop_duplicates, args, n, settings, name="drop-duplicates")
        result = new_collection(expr, self._meta)
        return result.reset_index(drop=True) if ignore_index else result

    def unique(self, split_every: Any = None, split_out: Any = True, **kwargs: Any) -> Any:
        """Return the different values of a series, as a series."""
        if isinstance(self._meta, pd.Index):
            return self.drop_duplicates()
        result = self.drop_duplicates()
        return result.reset_index(drop=True) if result._expr.is_native else result

    def value_counts(
        self,
        sort: Any = None,
        ascending: bool = False,
        dropna: bool = True,
        normalize: bool = False,
        split_every: Any = None,
        split_out: Any = 1,
    ) -> Any:
        """Return how often each value is there, the most frequent first."""
        if type(split_out) is int and split_out > 1 and self._meta.ndim == 1:
            return self._counted_in_parts(split_out, sort, ascending, dropna, normalize)
        name = "proportion" if normalize else "count"
        chunk = {"dropna": dropna}
        meta = type(self._meta).value_counts(self._meta, normalize=normalize)
        meta.name = name
        settings = {"sort": sort is not False, "ascending": ascending, "normalize": normalize}
        return tree(
            self,
            _counts,
            _counts_in_order,
            meta,
            combine=_counts_together,
            chunk_kwargs=chunk,
            aggregate_kwargs=settings,
            combine_kwargs={},
            token="value-counts",
            concat=False,
        )

    def _counted_in_parts(
        self, n: int, sort: Any, ascending: bool, dropna: bool, normalize: bool
    ) -> Any:
        """Return how often each value is there, over several partitions: in order in each one."""
        groups = self.to_frame(name="value").groupby(  # type: ignore[attr-defined]
            "value", sort=False, dropna=dropna, observed=False
        )
        counts = groups.size(split_out=n).rename("count")
        if normalize:
            counts = (counts / counts.sum()).rename("proportion")
        meta = counts._meta.rename_axis(self._meta.name)
        return counts.map_partitions(
            _named_in_order, self._meta.name, sort is not False, ascending, meta=meta
        )

    def nlargest(self, n: int = 5, columns: Any = None, split_every: Any = None) -> Any:
        """Return the rows with the largest values, the largest first."""
        return self._most("nlargest", n, columns)

    def nsmallest(self, n: int = 5, columns: Any = None, split_every: Any = None) -> Any:
        """Return the rows with the smallest values, the smallest first."""
        return self._most("nsmallest", n, columns)

    def _most(self, name: str, n: int, columns: Any) -> Any:
        if columns is not None and self._meta.ndim == 1:
            raise TypeError(f"Series.{name}() got an unexpected keyword argument 'columns'")
        if columns is None and self._meta.ndim == 2:
            raise TypeError(f"{name}() missing 1 required positional argument: 'columns'")
        method = getattr(type(self._meta), name)
        settings = {"n": n} | ({} if columns is None else {"columns": columns})
        return tree(
            self,
            method,
            method,
            self._meta,
            chunk_kwargs=settings,
            aggregate_kwargs=settings,
            token=name,
        )

    def repartition(
        self,
        divisions: Any = None,
        npartitions: int | None = None,
        partition_size: Any = None,
        freq: Any = None,
        force: bool = False,
    ) -> Any:
        """Return the rows in other partitions.

        Parameters
        ----------
        divisions
            Labels between partitions, the first and the last one included.
        npartitions
            How many partitions.
        partition_size
            Bytes of a partition, as a number or text such as ``"100MB"``: measured by computing.
        freq
            How long the partitions of an index of times are.
        force
            Whether `divisions` may reach beyond those that are there.
        """
        from oxidask.dataframe._repartition import repartition

        return repartition(self, divisions, npartitions, partition_size, freq, force)

    def sample(
        self,
        n: Any = None,
        frac: float | None = None,
        replace: bool = False,
        random_state: Any = None,
    ) -> Any:
        """Return a share of the rows, by chance."""
        if n is not None and frac is None and 0 <= n <= 1:
            warnings.warn(
                f"sample takes a share of the rows: sample(frac={n}), not sample({n})",
                UserWarning,
                stacklevel=2,
            )
            n, frac = None, float(n)
        if n is not None:
            raise ValueError(
                "sample does not support the number of sampled items parameter, 'n'. Please use "
                "the 'frac' parameter instead."
            )
        if frac is None:
            raise ValueError("frac must not be None")
        seeds = np.random.default_rng(
            random_state
            if not isinstance(random_state, np.random.RandomState)
            else random_state.randint(2**31)
        ).integers(0, 2**31, self.npartitions)
        args = [
            ("partition", self._expr),
            ("per_block", _seed_of(seeds.tolist())),
            ("literal", frac),
            ("literal", replace),
        ]
        return new_collection(
            python_layer(_sampled, args, self.npartitions, name="sample"),
            self._meta,
            self._known_divisions,
        )

    def to_dask_array(
        self, lengths: Any = None, meta: Any = None, optimize: bool = True, **kwargs: Any
    ) -> Any:
        """Return the values as an array.

        Parameters
        ----------
        lengths
            The rows of each partition; True to compute them. Else they are unknown.
        optimize
            Without effect: what needs to be done is found out when it is computed.
        """
        from oxidask.array.core import Array

        rows = self._row_counts(lengths)
        values = _values(self._meta)
        chunks: tuple[Any, ...] = (rows,)
        keys = [("partition", self._expr)]
        layer = python_layer(_values, keys, self.npartitions, name="values")
        graph = new_collection(layer, self._meta)._plain_graph()
        name = layer.name
        if values.ndim == 2:
            chunks = (rows, (values.shape[1],))
            graph = {(key[0], key[1], 0) if key[0] == name else key: v for key, v in graph.items()}
        return Array(graph, name, chunks, meta=values)

    def _row_counts(self, lengths: Any) -> tuple[Any, ...]:
        """Return how many rows partitions have: NaN where that isn't known.

        Raises
        ------
        ValueError
            If there are not as many numbers as partitions.
        """
        if lengths is True:
            lengths = self.map_partitions(len, enforce_metadata=False).compute().tolist()
        if not (lengths is None or isinstance(lengths, (list, tuple))):
            raise ValueError(f"Unexpected value for 'lengths': {lengths!r}")
        if lengths is not None and len(lengths) != self.npartitions:
            raise ValueError(
                "The number of items in 'lengths' does not match the number of partitions. "
                f"{len(lengths)} != {self.npartitions}"
            )
        return (np.nan,) * self.npartitions if lengths is None else tuple(lengths)

    def _plain_graph(self) -> dict[Any, Any]:
        return dict(self.__dask_graph__())


def _head(n: int, parts: list[Any]) -> Any:
    return together(parts)[:n] if isinstance(parts[0], pd.Index) else together(parts).head(n)


def _tail(n: int, part: Any) -> Any:
    return part[-n:] if isinstance(part, pd.Index) else part.tail(n)


def _choose(part: Any, condition: Any) -> Any:
    return part[condition]


def _values(part: Any) -> Any:
    if part.ndim == 1 and _is_extension(part.dtype):
        return part.to_numpy(dtype=object)
    return part.to_numpy()


def _is_extension(dtype: Any) -> bool:
    return not isinstance(dtype, (np.dtype, pd.CategoricalDtype, pd.DatetimeTZDtype))


def warn_of_objects(collection: Any) -> None:
    """Warn that values of a dtype of pandas' become Python objects in arrays."""
    if collection._meta.ndim == 1 and _is_extension(collection._meta.dtype):
        warnings.warn(
            f"Arrays have no {collection._meta.dtype}: converting pandas extension dtypes to "
            "arrays gives object dtype",
            UserWarning,
            stacklevel=3,
        )


def _counts(part: Any, dropna: bool) -> Any:
    return type(part).value_counts(part, dropna=dropna, sort=False)


def _counts_together(parts: list[Any]) -> Any:
    counts = pd.concat(parts)
    levels = list(range(counts.index.nlevels))
    return counts.groupby(level=levels, sort=False, dropna=False, observed=True).sum()


def _counts_in_order(parts: list[Any], sort: bool, ascending: bool, normalize: bool) -> Any:
    counts = _counts_together(parts)
    if sort:
        counts = counts.sort_values(ascending=ascending, kind="stable")
    if normalize:
        counts = counts / counts.sum()
        counts.name = "proportion"
    return counts


def _named_in_order(counts: Any, name: Any, sort: bool, ascending: bool) -> Any:
    counts = counts.rename_axis(name)
    return counts.sort_values(ascending=ascending, kind="stable") if sort else counts


class _seed_of:
    """Gives the seed of each partition."""

    def __init__(self, seeds: list[int]) -> None:
        self.seeds = seeds

    def __call__(self, index: tuple[int, ...]) -> int:
        return self.seeds[index[0]]


def _sampled(part: Any, seed: int, frac: float, replace: bool) -> Any:
    return part.sample(frac=frac, replace=replace, random_state=seed) if len(part) else part
