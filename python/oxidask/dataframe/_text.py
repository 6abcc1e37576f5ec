"""How collections look as text: their columns, dtypes and divisions, without any rows."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._needs import pandas as pd

__all__ = ["Text"]

_GAP = "..."


class Text:
    """Texts of dataframes and series."""

    def _table(self: Any) -> Any:
        """Return a pandas object whose rows are divisions and whose values are dtypes."""
        n = self.npartitions
        labels = list(self.divisions) if self.known_divisions else [""] * (n + 1)
        index = pd.Index([str(x) for x in labels], name=f"npartitions={n}", dtype=object)
        if self._meta.ndim == 1:
            cells = [_dtype_of(self._meta), *[_GAP] * n]
            return pd.Series(cells, index=index, dtype=object)
        table = pd.DataFrame(_GAP, index=index, columns=range(self._meta.shape[1]), dtype=object)
        if len(table.columns):
            table.iloc[0] = [_dtype_of(self._meta.iloc[:, at]) for at in table.columns]
        table.columns = self._meta.columns
        return table

    def to_string(self: Any, max_rows: int = 5) -> str:
        """Return divisions and dtypes as a table of text.

        Parameters
        ----------
        max_rows
            How many rows of the table are shown.
        """
        table = self._table()
        if table.ndim == 1:
            return str(table.to_string(max_rows=max_rows, length=False, dtype=False))
        return str(table.to_string(max_rows=max_rows))

    def to_html(self: Any, max_rows: int = 5) -> str:
        """Return divisions and dtypes as a table of HTML."""
        table = self._table()
        if table.ndim == 1:
            table = table.to_frame(name="" if self.name is None else self.name)
        body = table.to_html(max_rows=max_rows, show_dimensions=False)
        kind = type(self).__name__
        return (
            f"<div><strong>Dask {kind} Structure:</strong></div>\n{body}\n"
            f"<div>Dask Name: {self._name}, {self.npartitions} partitions</div>"
        )

    _repr_html_ = to_html

    def __repr__(self: Any) -> str:
        empty = "Empty " if self._meta.ndim == 2 and not len(self._meta.columns) else ""
        named = ""
        if self._meta.ndim == 1:
            said = "" if self.name is None else f"Name: {self.name}, "
            named = f"{said}dtype: {self.dtype}\n"
        return (
            f"{empty}Dask {type(self).__name__} Structure:\n{self.to_string()}\n{named}"
            f"Dask Name: {self._name}, {self.npartitions} partitions"
        )


def _dtype_of(column: Any) -> str:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return f"category[{'known' if len(dtype.categories) else 'unknown'}]"
    return str(dtype)
