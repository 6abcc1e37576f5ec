"""How long a question takes that can be asked again and again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

# What takes longer is asked once; what is shorter, three times.
LONG_S = 1.0


def seconds_of(question: Callable[[], Any]) -> float:
    """Return the median seconds of three answers, or of the first if that took long.

    Ask once before, so that threads are there, imports done and files in the page cache.
    """
    question()
    took: list[float] = []
    while len(took) < 3 and sum(took) < LONG_S:
        began = time.perf_counter()
        question()
        took.append(time.perf_counter() - began)
    return statistics.median(took)
