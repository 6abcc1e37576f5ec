"""Columns of a CSV file as NumPy arrays.

The whole file is looked at as one array of bytes, so that the work is done inside NumPy, which
lets other Python threads run meanwhile. Fields must not be quoted.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BrokenTableError", "Table", "words"]

_COMMA, _NEWLINE, _MINUS, _ZERO = b",\n-0"
_MISSING = int.from_bytes(b"NA".ljust(8, b"\0"), "big")
#: Bytes of a short text, packed into one number.
_WORD = 8


class BrokenTableError(ValueError):
    """A file is not the table that it should be."""


def words(texts: list[str]) -> NDArray[np.uint64]:
    """Pack texts of at most eight bytes into numbers that sort as they do.

    Examples
    --------
    >>> words(["JFK", "EWR"]).argsort().tolist()
    [1, 0]
    """
    return np.array([text.encode() for text in texts], f"S{_WORD}").view(">u8").astype(np.uint64)


class Table:
    r"""A CSV file whose first line names its columns.

    Parameters
    ----------
    path : str or path
        The file.

    Raises
    ------
    BrokenTableError
        When a line has more or fewer fields than the first, or the file ends within a line.
    OSError
        When the file can't be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "delays.csv")
    ...     _ = path.write_text("origin,delay\nJFK,-5\nEWR,NA\n")
    ...     table = Table(path)
    >>> table.numbers("delay").tolist()
    [-5.0, nan]
    >>> (table.words("origin") == words(["JFK", "EWR"])).tolist()
    [True, True]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._bytes = np.fromfile(self.path, np.uint8)
        if self._bytes.size == 0 or self._bytes[-1] != _NEWLINE:
            raise BrokenTableError(f"{self.path} ends within a line, or is empty")
        ends = np.flatnonzero((self._bytes == _COMMA) | (self._bytes == _NEWLINE))
        is_last = self._bytes[ends] == _NEWLINE
        n_columns = int(np.argmax(is_last)) + 1
        if ends.size % n_columns or not self._is_rectangle(is_last.reshape(-1, n_columns)):
            self._complain_of_width(is_last, n_columns)
        starts = np.concatenate([[0], ends[:-1] + 1])
        header = self._bytes[: ends[n_columns - 1]].tobytes().decode(errors="replace")
        self._places = {name: place for place, name in enumerate(header.split(","))}
        self._starts = starts.reshape(-1, n_columns)[1:]
        self._ends = ends.reshape(-1, n_columns)[1:]

    def __len__(self) -> int:
        return len(self._starts)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of whole numbers; ``NA`` becomes NaN."""
        start, end = self._column(name)
        missing = self._pack(start, end) == _MISSING
        negative = self._bytes[start] == _MINUS
        start = start + negative
        width = end - start
        values = np.zeros(len(start))
        bad = width < 1
        for place in range(int(width.max(initial=0))):
            inside = place < width
            digit = self._bytes[np.minimum(start + place, end)] - np.uint8(_ZERO)
            bad |= inside & (digit > 9)
            values = np.where(inside, values * 10 + digit, values)
        bad &= ~missing
        if bad.any():
            self._complain_of_field(name, int(np.argmax(bad)), "a whole number or NA")
        values[missing] = np.nan
        return np.where(negative, -values, values)

    def words(self, name: str) -> NDArray[np.uint64]:
        """Return a column of texts of at most eight bytes, packed as :func:`words` does."""
        start, end = self._column(name)
        too_long = end - start > _WORD
        if too_long.any():
            self._complain_of_field(name, int(np.argmax(too_long)), f"at most {_WORD} bytes")
        return self._pack(start, end)

    def _column(self, name: str) -> tuple[NDArray[Any], NDArray[Any]]:
        if name not in self._places:
            raise BrokenTableError(f"{self.path} has no column {name!r} in its first line")
        place = self._places[name]
        return self._starts[:, place], self._ends[:, place]

    def _pack(self, start: NDArray[Any], end: NDArray[Any]) -> NDArray[np.uint64]:
        packed = np.zeros((len(start), _WORD), np.uint8)
        for place in range(int(np.minimum(end - start, _WORD).max(initial=0))):
            at = np.minimum(start + place, end)
            packed[:, place] = np.where(at < end, self._bytes[at], 0)
        return packed.view(">u8").ravel().astype(np.uint64)

    @staticmethod
    def _is_rectangle(is_last: NDArray[np.bool_]) -> bool:
        return bool(is_last[:, -1].all()) and not is_last[:, :-1].any()

    def _complain_of_width(self, is_last: NDArray[np.bool_], n_columns: int) -> None:
        widths = np.diff(np.flatnonzero(is_last), prepend=-1)
        line = int(np.argmax(widths != n_columns))
        raise BrokenTableError(
            f"{self.path}, line {line + 1}: {widths[line]} fields where the first line has "
            f"{n_columns}"
        )

    def _complain_of_field(self, name: str, row: int, expected: str) -> None:
        start, end = self._column(name)
        field = self._bytes[start[row] : end[row]].tobytes().decode(errors="replace")
        raise BrokenTableError(
            f"{self.path}, line {row + 2}: {name} is {field!r} where {expected} is expected"
        )
