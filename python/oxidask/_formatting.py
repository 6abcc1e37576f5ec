"""Sizes, durations and keys: from text and to text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

_PREFIXES = ("k", "m", "g", "t", "p")

#: Bytes of every unit that `parse_bytes` knows, in lower case.
byte_sizes: dict[str, int] = {"": 1, "b": 1}
for _power, _prefix in enumerate(_PREFIXES, start=1):
    byte_sizes.update({_prefix: 1000**_power, f"{_prefix}b": 1000**_power})
    byte_sizes.update({f"{_prefix}i": 1024**_power, f"{_prefix}ib": 1024**_power})

_seconds = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800,
    "millisecond": 1e-3, "microsecond": 1e-6, "nanosecond": 1e-9,
}  # fmt: skip
tds2: dict[str, float] = _seconds | {f"{name}s": value for name, value in _seconds.items()}

#: Seconds of every unit that `parse_timedelta` knows.
timedelta_sizes: dict[str, float] = {
    "s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "m": 60, "h": 3600, "d": 86400, "w": 604800,
}  # fmt: skip
timedelta_sizes |= tds2
timedelta_sizes |= {name.upper(): value for name, value in timedelta_sizes.items()}


def _number_and_unit(text: str) -> tuple[str, str]:
    """Cut a text before the letters at its end."""
    unit = re.search(r"[^\W\d_]*\Z", text)
    at = unit.start() if unit else len(text)
    return text[:at].strip(), text[at:]


def parse_bytes(s: float | str) -> int:
    """Parse a number of bytes.

    Parameters
    ----------
    s : str or number
        Such as ``"5.4 kB"``; case does not matter. ``kB`` is 1000 and ``kiB`` 1024 bytes.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        When the number or the unit is none.

    Examples
    --------
    >>> parse_bytes("100 MB"), parse_bytes("1kiB"), parse_bytes("1e6"), parse_bytes("GB")
    (100000000, 1024, 1000000, 1000000000)
    >>> parse_bytes("5 foos")
    Traceback (most recent call last):
    ...
    ValueError: Could not interpret 'foos' as a byte unit; known are B, k, kB, ki, kiB, ..., PiB
    """
    if isinstance(s, (int, float)):
        return int(s)
    number, unit = _number_and_unit(s.replace(" ", ""))
    factor = byte_sizes.get(unit.lower())
    if factor is None:
        raise ValueError(
            f"Could not interpret {unit!r} as a byte unit; known are B, k, kB, ki, kiB, ..., PiB"
        )
    try:
        return int(float(number or "1") * factor)
    except (ValueError, OverflowError):
        raise ValueError(f"Could not interpret {number!r} as a number") from None


def parse_timedelta(s: Any, default: str | bool = "seconds") -> Any:
    """Parse a duration, to seconds.

    Parameters
    ----------
    s : str, number, timedelta or None
        Such as ``"300ms"`` or ``"2 weeks"``. None stays None.
    default : str or False
        Unit of a number that has none. False: it must have one.

    Returns
    -------
    int, float or None

    Raises
    ------
    KeyError
        When the unit is none.
    ValueError
        When the number is none, or ``default`` is False and the unit is missing.

    Examples
    --------
    >>> parse_timedelta("3.5 seconds"), parse_timedelta("300ms"), parse_timedelta(2, "minutes")
    (3.5, 0.3, 120)
    """
    if not (default is False or isinstance(default, str)):
        raise TypeError(f"default must be str or False, got {default!r}")
    if s is None:
        return None
    if isinstance(s, timedelta):
        seconds = s.total_seconds()
        return int(seconds) if seconds.is_integer() else seconds
    number, unit = _number_and_unit(str(s).replace(" ", ""))
    if not unit:
        if default is False:
            raise ValueError(f"Missing time unit: {s}")
        unit = str(default)
    factor = timedelta_sizes.get(unit, timedelta_sizes.get(unit.lower()))
    if factor is None:
        raise KeyError(f"Invalid time unit: {unit}. Valid units are: {', '.join(timedelta_sizes)}")
    try:
        value = float(number or "1") * factor
    except ValueError:
        raise ValueError(f"Could not interpret {number!r} as a number, in {s!r}") from None
    return int(value) if value.is_integer() else value


def format_bytes(n: float) -> str:
    """Format a number of bytes.

    Examples
    --------
    >>> format_bytes(1), format_bytes(1234), format_bytes(12345678)
    ('1 B', '1.21 kiB', '11.77 MiB')
    >>> format_bytes(1234567890000)
    '1.12 TiB'
    """
    for prefix, power in (("Pi", 50), ("Ti", 40), ("Gi", 30), ("Mi", 20), ("ki", 10)):
        # Nine tenths of a unit read better as 0.9 of it than as 921 of the next.
        if n >= 0.9 * 2**power:
            return f"{n / 2**power:.2f} {prefix}B"
    return f"{n} B"


def format_time(n: float) -> str:
    """Format a duration given in seconds.

    Examples
    --------
    >>> format_time(1), format_time(0.001234), format_time(1234.567), format_time(123456.78)
    ('1.00 s', '1.23 ms', '20m 34s', '34hr 17m')
    """
    for limit, (large, in_large), (small, in_small) in (
        (2 * 86400, ("d", 86400), ("hr", 3600)),
        (2 * 3600, ("hr", 3600), ("m", 60)),
        (600, ("m", 60), ("s", 1)),
    ):
        if n > limit:
            return f"{int(n // in_large)}{large} {int(n % in_large // in_small)}{small}"
    if n >= 1:
        return f"{n:.2f} s"
    if n >= 1e-3:
        return f"{n * 1e3:.2f} ms"
    return f"{n * 1e6:.2f} us"


def format_time_ago(n: datetime) -> str:
    """Format how long ago a moment was.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> format_time_ago(datetime.now() - timedelta(hours=3))
    '3 hours ago'
    >>> format_time_ago(datetime.now())
    'Just now'
    """
    passed = (datetime.now(n.tzinfo) - n).total_seconds()
    for unit, days in (("year", 365), ("month", 30), ("week", 7), ("day", 1)):
        if passed >= days * 86400:
            return _ago(passed // (days * 86400), unit)
    for unit, seconds in (("hour", 3600), ("minute", 60)):
        if passed >= seconds:
            return _ago(passed // seconds, unit)
    return "Just now"


def _ago(count: float, unit: str) -> str:
    return f"{maybe_pluralize(int(count), unit)} ago"


def memory_repr(num: float) -> str:
    """Format a size in memory, in powers of 1024.

    Examples
    --------
    >>> memory_repr(10), memory_repr(1536)
    ('10.0 bytes', '1.5 KB')
    """
    for unit in ("bytes", "KB", "MB", "GB"):
        if num < 1024:
            return f"{num:3.1f} {unit}"
        num /= 1024
    return f"{num:3.1f} TB"


def maybe_pluralize(count: float, noun: str, plural_form: str | None = None) -> str:
    """A count and its noun.

    Examples
    --------
    >>> maybe_pluralize(1, "task"), maybe_pluralize(2, "task"), maybe_pluralize(2, "ox", "oxen")
    ('1 task', '2 tasks', '2 oxen')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {plural_form or noun + 's'}"


def natural_sort_key(s: str) -> list[str | int]:
    """Key by which texts with numbers sort as people expect.

    Examples
    --------
    >>> sorted(["f10", "f9", "f1"], key=natural_sort_key)
    ['f1', 'f9', 'f10']
    """
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", s)]


_HEX = re.compile(r"[0-9a-f]+\Z")
_WORD = re.compile(r"[^\W\d_][\w.]*|\w[\w.]*")


def _is_digest(part: str) -> bool:
    """Whether a part of a key is a token: hexadecimal, of the length of one, or a number."""
    return not part.isalpha() or (len(part) == 8 and bool(_HEX.match(part)))


def key_split(s: Any) -> str:
    """The name of the kind of task that a key belongs to: its words, without the token.

    Examples
    --------
    >>> key_split("x-1"), key_split(("x-2", 1)), key_split("hello-world-1")
    ('x', 'x', 'hello-world')
    >>> key_split("ae05086432ca935f6eba409a8ecd4896")
    'data'
    >>> key_split("<module.submodule.myclass object at 0xdaf372")
    'myclass'
    >>> key_split(None)
    'Other'
    """
    if isinstance(s, tuple):
        return key_split(s[0]) if s else "Other"
    if isinstance(s, bytes):
        s = s.decode(errors="replace")
    if not isinstance(s, str) or not s:
        return "Other"
    first, *rest = s.split("-")
    if first.startswith("<"):
        return first.strip("<>").split()[0].rpartition(".")[2]
    if not first[0].isalpha():
        first = first.split(",")[0].strip("_'()\"")
    words = [first] if first else []
    for part in rest:
        if _is_digest(part):
            break
        words.append(part)
    if not words:
        return "Other"
    if len(words) == 1 and len(first) == 32 and _HEX.match(first):
        return "data"
    return "-".join(words)


def asciitable(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """Lay out a table in plain text.

    Examples
    --------
    >>> print(asciitable(["fruit", "n"], [("apple", 1), ("fig", 20)]))
    +-------+----+
    | fruit | n  |
    +-------+----+
    | apple | 1  |
    | fig   | 20 |
    +-------+----+
    """
    table = [[str(cell) for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = "+".join(["", *("-" * (width + 2) for width in widths), ""])
    head, *body = (
        "".join(f"| {cell:<{width}} " for cell, width in zip(row, widths, strict=True)) + "|"
        for row in table
    )
    return "\n".join([rule, head, rule, *body, rule])


def put_lines(buf: Any, lines: Iterable[Any]) -> None:
    r"""Write lines to a file, the last one without a line's end.

    Examples
    --------
    >>> import io
    >>> file = io.StringIO()
    >>> put_lines(file, ["a", 1])
    >>> file.getvalue()
    'a\n1'
    """
    buf.write("\n".join(map(str, lines)))


def stringify(obj: Any, exclusive: Any = None) -> Any:
    """An object as a text; texts and bytes stay.

    Parameters
    ----------
    obj : object
    exclusive : container, optional
        If given, only what is in it becomes a text, in the tuples, lists and values of dicts
        within ``obj``; all else stays.

    Examples
    --------
    >>> stringify(("x", 1))
    "('x', 1)"
    >>> stringify((sum, [("x", 1), 5]), exclusive={("x", 1)})
    (<built-in function sum>, ["('x', 1)", 5])
    """
    if isinstance(obj, (str, bytes)):
        return obj
    if exclusive is None:
        return str(obj)
    try:
        if obj in exclusive:
            return str(obj)
    except TypeError:  # what has no hash is in nothing
        pass
    if type(obj) is dict:
        return {key: stringify(value, exclusive) for key, value in obj.items()}
    if type(obj) in (tuple, list):
        return type(obj)(stringify(item, exclusive) for item in obj)
    return obj
