"""Times of day and days of the week in cron's notation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

__all__ = ["Cron"]

_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {
    **{name: n for n, name in enumerate(_DAYS)},
    **{name: n for n, name in enumerate(_MONTHS, start=1)},
}
_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
# A leap day on a given weekday comes at least once in so many years.
_YEARS = 41


@dataclass(frozen=True)
class Cron:
    """Moments that fit a line of five fields: minute, hour, day, month and weekday.

    A field is ``*``, numbers, names (``mon``, ``jan``), ranges (``1-5``), steps (``*/15``), or
    several of these with commas. Where both day and weekday are restricted, one of them has to fit.

    Examples
    --------
    >>> cron = Cron.parse("30 9 * * mon-fri")
    >>> cron.after(datetime(2026, 11, 20, 12, 0))
    datetime.datetime(2026, 11, 23, 9, 30)
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @classmethod
    def parse(cls, line: str) -> Cron:
        """Read a line.

        Raises
        ------
        ValueError
            It is none.
        """
        fields = _SHORT.get(line.strip().lower(), line).split()
        if len(fields) != len(_FIELDS):
            raise ValueError(
                f"cron={line!r}: expected minute, hour, day, month and weekday, such as '0 9 * * 1'"
            )
        sets = [_field(text, *about) for text, about in zip(fields, _FIELDS, strict=True)]
        weekdays = frozenset(day % 7 for day in sets[4])
        either = not fields[2].startswith("*") and not fields[4].startswith("*")
        return cls(sets[0], sets[1], sets[2], sets[3], weekdays, either)

    def after(self, moment: datetime) -> datetime:
        """Return the first moment that fits, later than `moment`.

        Raises
        ------
        ValueError
            There is none, such as the 30th of February.
        """
        found = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
        last_year = moment.year + _YEARS
        while found.year <= last_year:
            if found.month not in self.months:
                found = _next_month(found)
            elif not self._fits_day(found):
                found = found.replace(hour=0, minute=0) + timedelta(days=1)
            elif found.hour not in self.hours:
                found = found.replace(minute=0) + timedelta(hours=1)
            elif found.minute not in self.minutes:
                found += timedelta(minutes=1)
            else:
                return found
        raise ValueError(f"no day fits {self}")

    def _fits_day(self, moment: datetime) -> bool:
        fits_day = moment.day in self.days
        fits_weekday = moment.isoweekday() % 7 in self.weekdays
        return fits_day or fits_weekday if self.either_day else fits_day and fits_weekday


def _next_month(moment: datetime) -> datetime:
    first = moment.replace(day=1, hour=0, minute=0)
    if moment.month == 12:
        return first.replace(year=moment.year + 1, month=1)
    return first.replace(month=moment.month + 1)


def _field(text: str, name: str, low: int, high: int) -> frozenset[int]:
    found: set[int] = set()
    for part in text.lower().split(","):
        span, _, step_text = part.partition("/")
        first, dash, last = span.partition("-")
        if span == "*":
            start, stop = low, high
        else:
            start = _number(first, name, low, high)
            stop = _number(last, name, low, high) if dash else (high if step_text else start)
        step = _number(step_text, name, 1, high) if step_text else 1
        if stop < start:
            raise ValueError(f"cron: {part!r} of the {name} runs backwards")
        found.update(range(start, stop + 1, step))
    return frozenset(found)


def _number(text: str, name: str, low: int, high: int) -> int:
    number = _NAMES.get(text)
    if number is None and text.isdigit():
        number = int(text)
    if number is None or not low <= number <= high:
        raise ValueError(f"cron: {text!r} is no {name} from {low} to {high}")
    return number
