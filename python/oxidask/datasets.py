"""Made-up data to try things on: the same for the same seed."""

from __future__ import annotations

from typing import Any

__all__ = ["timeseries"]


def timeseries(
    start: str = "2000-01-01",
    end: str = "2000-01-31",
    freq: Any = "1s",
    partition_freq: Any = "1D",
    dtypes: Any = None,
    seed: Any = None,
    **kwargs: Any,
) -> Any:
    """Return a dataframe of made-up measurements over time.

    Parameters
    ----------
    start, end
        First and last time.
    freq
        The time from row to row.
    partition_freq
        The time that a partition spans.
    dtypes
        What columns hold, by label: ``float`` (uniform in -1 ... 1), ``int`` (Poisson around 1000),
        ``str`` or ``"category"`` (names). By default ``name``, ``id``, ``x`` and ``y``.
    seed
        Of the random numbers.

    Examples
    --------
    >>> from oxidask.datasets import timeseries
    >>> df = timeseries("2024-01-01", "2024-01-03", freq="1h", partition_freq="1D", seed=1)
    >>> df.npartitions, len(df)
    (2, 48)
    """
    from oxidask.dataframe._made_up import make_timeseries

    return make_timeseries(start, end, dtypes, freq, partition_freq, seed, **kwargs)
