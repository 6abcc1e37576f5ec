"""What collections are turned into: records, files, tables of databases."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._collection import Collection, new_collection, python_layer

__all__ = ["Conversions"]


class Conversions(Collection):
    """Methods that turn collections into something else."""

    def to_csv(self, *args: Any, **kwargs: Any) -> Any:
        """Write a text table of each partition: see :func:`oxidask.dataframe.to_csv`."""
        from oxidask.dataframe._to_csv import to_csv

        return to_csv(self, *args, **kwargs)

    def to_json(self, *args: Any, **kwargs: Any) -> Any:
        """Write a JSON file of each partition: see :func:`oxidask.dataframe.to_json`."""
        from oxidask.dataframe._formats import to_json

        return to_json(self, *args, **kwargs)

    def to_hdf(self, *args: Any, **kwargs: Any) -> Any:
        """Write partitions into tables of HDF5 files: see :func:`oxidask.dataframe.to_hdf`."""
        from oxidask.dataframe._formats import to_hdf

        return to_hdf(self, *args, **kwargs)

    def to_sql(self, *args: Any, **kwargs: Any) -> Any:
        """Write rows into a table of a database: see :func:`oxidask.dataframe.to_sql`."""
        from oxidask.dataframe._sql import to_sql

        return to_sql(self, *args, **kwargs)

    def to_records(self, index: bool = True, lengths: Any = None) -> Any:
        """Return the rows as an array of records.

        Parameters
        ----------
        index
            Whether records have the labels of rows.
        lengths
            The rows of each partition; True to compute them. Else they are unknown.
        """
        layer = python_layer(
            _records,
            [("partition", self._expr)],
            self.npartitions,
            {"index": index},
            name="to-records",
        )
        meta = self._meta.to_records(index=index)
        from oxidask.array.core import Array

        rows = self._row_counts(lengths)  # type: ignore[attr-defined]
        graph = dict(new_collection(layer, self._meta).__dask_graph__())
        return Array(graph, layer.name, (rows,), meta=meta)


def _records(part: Any, index: bool) -> Any:
    return part.to_records(index=index)
