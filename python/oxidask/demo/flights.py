"""The job: find the two seasons of the year that differ most in how late flights arrive.

The functions here know nothing of Oxidask. :func:`job` puts them together, lazily or plainly.
"""

from __future__ import annotations

import calendar
import os
import random
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from oxidask.demo.table import Table, words

__all__ = [
    "Comparison",
    "Lateness",
    "Month",
    "NormalMonth",
    "Reference",
    "Season",
    "compare",
    "farthest",
    "job",
    "load",
    "load_reference",
    "normalize",
    "roll",
]

MINUTES_OF_DAY = 1440
#: Delays are told apart by the minute, from an hour early to three hours late and more.
EARLIEST, LATEST = -60, 195
N_DELAYS = LATEST - EARLIEST + 1
#: A time of day is held against those of another season that are at most so far from it.
MAX_SHIFT = 60
_SMOOTHING_MINUTES = 20.0
#: Minutes of the day that are compared at once; their number divides the day's.
_BLOCK = 48
_EARTH_RADIUS_KM = 6371.0

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Month:
    """The flights of a month as its file has them, one row a flight."""

    name: str
    carrier: Words
    tail: Words
    origin: Words
    destination: Words
    minute: Floats
    delay: Floats


@dataclass(frozen=True)
class Reference:
    """What the database knows of airlines, planes and airports; the codes are sorted."""

    carriers: Words
    airlines: list[str]
    tails: Words
    seats: Floats
    airports: Words
    latitude: Floats
    longitude: Floats


@dataclass(frozen=True)
class NormalMonth:
    """The flights of a month that arrived and whose plane and airports are known."""

    name: str
    airlines: list[str]
    airline: NDArray[np.intp]
    minute: NDArray[np.intp]
    delay: Floats
    seat_km: Floats


@dataclass(frozen=True)
class Lateness:
    """An airline's share of the traffic, and its mean delay."""

    share: float
    minutes: float


@dataclass(frozen=True)
class Season:
    """Three months: for each minute of the day, the traffic and how its delays are distributed."""

    name: str
    traffic: Floats
    cumulative: NDArray[np.float32]
    airlines: dict[str, Lateness]


@dataclass(frozen=True)
class Comparison:
    """How far apart two seasons are, and the airline that changed most between them."""

    apart_minutes: float
    first: str
    second: str
    airline: str
    late_minutes: tuple[float, float]


def load(path: str | os.PathLike[str]) -> Month:
    """Read a month's file."""
    table = Table(path)
    month = int(Path(path).stem.rpartition("-")[2])
    return Month(
        name=calendar.month_abbr[month],
        carrier=table.words("carrier"),
        tail=table.words("tailnum"),
        origin=table.words("origin"),
        destination=table.words("dest"),
        minute=table.numbers("hour") * 60 + table.numbers("minute"),
        delay=table.numbers("arr_delay"),
    )


def load_reference(database: str | os.PathLike[str]) -> Reference:
    """Read the tables of airlines, planes and airports."""
    with closing(sqlite3.connect(database)) as connection:
        airlines = dict(connection.execute("SELECT carrier, name FROM airlines ORDER BY carrier"))
        seats = dict(connection.execute("SELECT tailnum, seats FROM planes ORDER BY tailnum"))
        places = connection.execute("SELECT faa, lat, lon FROM airports ORDER BY faa").fetchall()
    return Reference(
        carriers=words(list(airlines)),
        airlines=list(airlines.values()),
        tails=words(list(seats)),
        seats=np.array(list(seats.values()), float),
        airports=words([faa for faa, _, _ in places]),
        latitude=np.radians([latitude for _, latitude, _ in places]),
        longitude=np.radians([longitude for _, _, longitude in places]),
    )


def normalize(month: Month, reference: Reference) -> NormalMonth:
    """Weigh each flight by its seat kilometres, the measure that airlines report.

    Seats come from the table of planes, kilometres from the places of both airports. Cancelled
    flights and those not found in the tables are left out.
    """
    airline, carrier_known = _find(reference.carriers, month.carrier)
    plane, plane_known = _find(reference.tails, month.tail)
    origin, origin_known = _find(reference.airports, month.origin)
    destination, destination_known = _find(reference.airports, month.destination)
    keep = carrier_known & plane_known & origin_known & destination_known
    keep &= np.isfinite(month.delay) & np.isfinite(month.minute)
    kilometres = _great_circle(reference, origin[keep], destination[keep])
    return NormalMonth(
        name=month.name,
        airlines=reference.airlines,
        airline=airline[keep],
        minute=month.minute[keep].astype(np.intp) % MINUTES_OF_DAY,
        delay=month.delay[keep],
        seat_km=reference.seats[plane[keep]] * kilometres,
    )


def roll(a: NormalMonth, b: NormalMonth, c: NormalMonth) -> Season:
    """Pool three months, and smooth them along the day."""
    months = (a, b, c)
    cells = np.zeros(MINUTES_OF_DAY * N_DELAYS)
    for month in months:
        delay = np.clip(month.delay, EARLIEST, LATEST).astype(np.intp) - EARLIEST
        cells += np.bincount(month.minute * N_DELAYS + delay, month.seat_km, cells.size)
    smooth = _smooth_along_day(cells.reshape(MINUTES_OF_DAY, N_DELAYS))
    cumulative = np.cumsum(smooth, axis=1)
    traffic = cumulative[:, -1].copy()
    # Where nobody flies there is no distribution, only the rounding of the smoothing.
    traffic[traffic <= 1e-9 * traffic.max()] = 0
    cumulative /= np.where(traffic > 0, traffic, np.inf)[:, np.newaxis]
    return Season(
        name=f"{a.name}-{b.name}-{c.name}",
        traffic=traffic / max(traffic.sum(), 1.0),
        cumulative=cumulative.astype(np.float32),
        airlines=_airlines(months),
    )


def compare(x: Season, y: Season) -> Comparison:
    """Measure how far apart two seasons are.

    For two times of the day it is the earth mover's distance between the delays of both seasons:
    the minutes by which passengers of one would have to arrive later or earlier to have arrived as
    those of the other. Each time of day is held against that time in the other season, within an
    hour, that is most like it: a timetable moved a little is no difference. The mean over the day
    counts each minute by its traffic.
    """
    shifts = np.arange(-MAX_SHIFT, MAX_SHIFT + 1)
    minutes = np.arange(MINUTES_OF_DAY)[:, np.newaxis]
    apart = _apart_by_shift(x.cumulative, y.cumulative)
    y_rests = (y.traffic == 0)[(minutes + shifts) % MINUTES_OF_DAY]
    apart[(x.traffic == 0)[:, np.newaxis] | y_rests] = N_DELAYS
    from_x = apart.min(axis=1)
    from_y = apart[(minutes - shifts) % MINUTES_OF_DAY, shifts + MAX_SHIFT].min(axis=1)
    mean = ((from_x * x.traffic).sum() + (from_y * y.traffic).sum()) / 2
    return Comparison(float(mean), x.name, y.name, *_most_changed(x, y))


def farthest(comparisons: Sequence[Comparison]) -> Comparison:
    """Return the comparison of the two seasons that are furthest apart."""
    return max(comparisons, key=lambda comparison: comparison.apart_minutes)


def job(
    months: Sequence[str | os.PathLike[str]],
    database: str | os.PathLike[str],
    n_pairs: int,
    seed: int,
    lazy: Callable[[Callable[..., Any]], Callable[..., Any]] = lambda function: function,
) -> tuple[Any, list[Any]]:
    """Compare random pairs of seasons.

    Parameters
    ----------
    months
        The files, in the order of time.
    database
        The SQLite database of airlines, planes and airports.
    n_pairs
        How many pairs of seasons to compare, at most; there are no more than the seasons have.
    seed
        Which pairs.
    lazy
        What is done to each function before it is called: ``oxidask.delayed`` makes a task graph
        of the job. By default nothing, and the job is done at once.

    Returns
    -------
    tuple of Comparison and list of Comparison
        The two seasons that are furthest apart, and all that were compared.
    """
    reference = lazy(load_reference)(database)
    loaded = [lazy(load)(path) for path in months]
    normal = [lazy(normalize)(month, reference) for month in loaded]
    seasons = [lazy(roll)(*three) for three in zip(normal, normal[1:], normal[2:], strict=False)]
    pairs = list(combinations(seasons, 2))
    chosen = random.Random(seed).sample(pairs, min(n_pairs, len(pairs)))
    compared = [lazy(compare)(x, y) for x, y in chosen]
    return lazy(farthest)(compared), compared


def _find(known: Words, wanted: Words) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return where each wanted code is among the sorted known ones, and whether it is."""
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return place, known[place] == wanted


def _great_circle(reference: Reference, here: NDArray[np.intp], there: NDArray[np.intp]) -> Floats:
    """Return kilometres between airports, by the haversine formula."""
    from_latitude, to_latitude = reference.latitude[here], reference.latitude[there]
    east = reference.longitude[there] - reference.longitude[here]
    chord = (
        np.sin((to_latitude - from_latitude) / 2) ** 2
        + np.cos(from_latitude) * np.cos(to_latitude) * np.sin(east / 2) ** 2
    )
    return np.asarray(2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(chord)))


def _smooth_along_day(cells: Floats) -> Floats:
    """Convolve each delay's row of minutes with a Gaussian; after midnight comes the morning."""
    frequency = np.fft.rfftfreq(MINUTES_OF_DAY)
    gaussian = np.exp(-2 * (np.pi * frequency * _SMOOTHING_MINUTES) ** 2)
    spectrum = np.fft.rfft(cells, axis=0) * gaussian[:, np.newaxis]
    return np.maximum(np.fft.irfft(spectrum, MINUTES_OF_DAY, axis=0), 0)


def _apart_by_shift(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the distance of each minute in `x` from those about the same time in `y`.

    In one dimension the earth mover's distance is the area between the cumulative distributions.
    """
    n_shifts = 2 * MAX_SHIFT + 1
    around = np.concatenate([y[-MAX_SHIFT:], y, y[:MAX_SHIFT]])
    windows = sliding_window_view(around, n_shifts, axis=0).transpose(0, 2, 1)
    apart = np.empty((MINUTES_OF_DAY, n_shifts), np.float32)
    # Blocks large enough that threads seldom meet at Python's lock, and small enough for the cache.
    difference = np.empty((_BLOCK, n_shifts, N_DELAYS), np.float32)
    for start in range(0, MINUTES_OF_DAY, _BLOCK):
        block = slice(start, start + _BLOCK)
        np.subtract(x[block, np.newaxis], windows[block], out=difference)
        np.abs(difference, out=difference)
        np.add.reduce(difference, axis=2, out=apart[block])
    return apart


def _airlines(months: Sequence[NormalMonth]) -> dict[str, Lateness]:
    names = months[0].airlines
    traffic, late = np.zeros(len(names)), np.zeros(len(names))
    for month in months:
        traffic += np.bincount(month.airline, month.seat_km, len(names))
        late += np.bincount(month.airline, month.seat_km * month.delay, len(names))
    return {
        name: Lateness(float(flown / traffic.sum()), float(minutes / flown))
        for name, flown, minutes in zip(names, traffic, late, strict=True)
        if flown > 0
    }


def _most_changed(x: Season, y: Season) -> tuple[str, tuple[float, float]]:
    """Return the airline whose change of delay weighs most, and its mean delay in both."""

    def weight(name: str) -> float:
        before, after = x.airlines[name], y.airlines[name]
        return abs(before.minutes - after.minutes) * min(before.share, after.share)

    name = max((name for name in x.airlines if name in y.airlines), key=weight, default=None)
    if name is None:
        return "no airline flew in both", (0.0, 0.0)
    return name, (x.airlines[name].minutes, y.airlines[name].minutes)
