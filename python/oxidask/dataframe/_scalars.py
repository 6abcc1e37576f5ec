"""Single values across the border."""

from __future__ import annotations

from typing import Any

from oxidask.dataframe._needs import pandas as pd

__all__ = ["from_native"]


def from_native(value: Any) -> Any:
    """Return a scalar as pandas has it: times come as tuples."""
    if not isinstance(value, tuple):
        return value
    kind, number, unit, *zone = value
    if kind == "timedelta":
        return pd.Timedelta(number, unit=unit)
    time = pd.Timestamp(number, unit=unit)
    return time if zone[0] is None else time.tz_localize("UTC").tz_convert(zone[0])
