"""Methods about labels, axes and sizes, and rows one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from oxidask.dataframe._collection import Collection, new_collection, python_layer
from oxidask.dataframe._meta import make_meta
from oxidask.dataframe._needs import pandas as pd

__all__ = ["Labels"]


class Labels(Collection):
    """Labels, axes, and iteration."""

    def add_prefix(self, prefix: Any, axis: Any = None) -> Any:
        """Return the dataframe with a text before each label."""
        if self._meta.ndim == 1 or axis in (0, "index"):
            return self._partwise(type(self._meta).add_prefix, prefix, axis=axis).clear_divisions()
        return self._relabelled([f"{prefix}{label}" for label in self._meta.columns])  # type: ignore[attr-defined]

    def add_suffix(self, suffix: Any, axis: Any = None) -> Any:
        """Return the dataframe with a text behind each label."""
        if self._meta.ndim == 1 or axis in (0, "index"):
            return self._partwise(type(self._meta).add_suffix, suffix, axis=axis).clear_divisions()
        return self._relabelled([f"{label}{suffix}" for label in self._meta.columns])  # type: ignore[attr-defined]

    @property
    def axes(self) -> list[Any]:
        """The index, and the labels of columns."""
        index: Any = self.index  # type: ignore[attr-defined]
        return [index] if self._meta.ndim == 1 else [index, self._meta.columns]

    def itertuples(self, index: bool = True, name: Any = "Pandas") -> Iterator[Any]:
        """Yield rows as tuples, partition by partition."""
        for at in range(self.npartitions):
            part: Any = self.partitions[at].compute()
            yield from part.itertuples(index=index, name=name)

    def iterrows(self) -> Iterator[Any]:
        """Yield labels and rows, partition by partition."""
        for at in range(self.npartitions):
            part: Any = self.partitions[at].compute()
            yield from part.iterrows()

    def keys(self) -> Any:
        """Return the labels of columns."""
        return self._meta.columns if self._meta.ndim == 2 else self.index  # type: ignore[attr-defined]

    def pop(self, item: Any) -> Any:
        """Return a column, and take it out."""
        frame: Any = self
        column = frame[item]
        del frame[item]
        return column

    def memory_usage_per_partition(self, index: bool = True, deep: bool = False) -> Any:
        """Return the bytes of each partition, as a series."""
        return self.map_partitions(
            _bytes_of,
            index=index,
            deep=deep,
            meta=(None, "int64"),
            enforce_metadata=False,
            clear_divisions=True,
        )

    def rename_axis(self, *args: Any, **kwargs: Any) -> Any:
        """Return the same with another name of the index or of the columns."""
        return self._partwise(type(self._meta).rename_axis, *args, **kwargs)

    @property
    def nlevels(self) -> int:
        """The number of levels of the index."""
        meta = self._meta
        return int(meta.nlevels if isinstance(meta, pd.Index) else meta.index.nlevels)

    def combine(self, other: Any, func: Any, fill_value: Any = None, overwrite: bool = True) -> Any:
        """Return what a function gives for each pair of columns."""
        more = {"overwrite": overwrite} if self._meta.ndim == 2 else {}
        return self._partwise(type(self._meta).combine, other, func, fill_value=fill_value, **more)

    def dot(self, other: Any, meta: Any = None) -> Any:
        """Return the product with a series or a dataframe: of all rows together."""
        from oxidask.dataframe._whole import of_all_rows

        if not isinstance(other, Collection):
            raise TypeError("The second operand to dot must be a dask array or dask dataframe")
        product = of_all_rows(type(self._meta).dot, self, other)
        if meta is None:
            return product
        if isinstance(meta, pd.Series):
            return product.rename(meta.name)
        return new_collection(product._expr, make_meta(meta))

    def enforce_runtime_divisions(self) -> Any:
        """Return the same; computing raises if a partition has labels beyond its divisions."""
        if not self.known_divisions:
            raise ValueError("No divisions to enforce!")
        args = [("partition", self._expr), ("index",), ("literal", self.divisions)]
        expr = python_layer(_checked_ends, args, self.npartitions, name="enforce-divisions")
        return new_collection(expr, self._meta, self._known_divisions)


def with_labels(collection: Any, mapper: Any, sorted_index: bool = False) -> Any:
    """Return the rows with labels that a function, a dict or a series gives for theirs."""
    from oxidask.dataframe._mapping import in_one

    method = type(collection._meta).rename
    lazy = isinstance(mapper, Collection)
    sample = mapper._meta_nonempty if isinstance(mapper, Collection) else mapper
    meta = make_meta(method(collection._meta_nonempty, index=sample))
    ends = None
    if sorted_index and not lazy and collection.known_divisions:
        given = pd.Series(list(collection.divisions), index=list(collection.divisions))
        ends = tuple(given.rename(mapper).index.tolist())
        if any(a > b for a, b in itertools.pairwise(ends)):
            raise ValueError(
                f"sorted_index=True, however the divisions are not sorted (non-monotonic): {ends}"
            )
    args = [
        ("literal", method),
        ("partition", collection._expr),
        ("partition", in_one(mapper)) if lazy else ("literal", mapper),
    ]
    expr = python_layer(_renamed, args, collection.npartitions, name="rename")
    return new_collection(expr, meta, ends)


def _renamed(method: Any, part: Any, mapper: Any) -> Any:
    return method(part, index=mapper)


def _bytes_of(part: Any, index: bool, deep: bool) -> Any:
    usage = part.memory_usage(index=index, deep=deep)
    return pd.Series([int(usage.sum() if hasattr(usage, "sum") else usage)])


def _checked_ends(part: Any, index: tuple[int, ...], ends: tuple[Any, ...]) -> Any:
    at = index[0]
    if not len(part):
        return part
    low, high = part.index.min(), part.index.max()
    is_last = at == len(ends) - 2
    close = "]" if is_last else ")"
    if low < ends[at] or high > ends[at + 1] or (high == ends[at + 1] and not is_last):
        raise RuntimeError(
            f"`enforce_runtime_divisions` failed for partition {at}. Expected a range of "
            f"[{ends[at]}, {ends[at + 1]}{close}, but the real range was [{low}, {high}]."
        )
    return part
