"""A warning for those who send much data with their tasks."""

from __future__ import annotations

import warnings

from oxidask import config
from oxidask.utils import format_bytes, parse_bytes

__all__ = ["large_graph_bytes", "warn_if_large"]

_SETTING = "distributed.admin.large-graph-warning-threshold"


def large_graph_bytes() -> int:
    """Return from how many bytes on a submission is worth a warning.

    Examples
    --------
    >>> large_graph_bytes()
    10000000
    """
    return int(parse_bytes(config.get(_SETTING, "10MB")))


def warn_if_large(nbytes: int) -> None:
    """Warn if a submission of `nbytes` is large."""
    if nbytes < large_graph_bytes():
        return
    warnings.warn(
        f"Sending large graph of size {format_bytes(nbytes)}: data that many tasks share, or that "
        "is large, is better put on the workers first, with `client.scatter`, or loaded by tasks.",
        stacklevel=3,
    )
