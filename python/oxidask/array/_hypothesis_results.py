"""What tests of hypotheses give: a statistic and its p-value, under each test's name."""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = [
    "F_onewayResult",
    "KurtosistestResult",
    "NormaltestResult",
    "Power_divergenceResult",
    "SkewtestResult",
    "Ttest_1sampResult",
    "Ttest_indResult",
    "Ttest_relResult",
]


class _Result(NamedTuple):
    statistic: Any
    pvalue: Any


class F_onewayResult(_Result):
    """What :func:`oxidask.array.stats.f_oneway` gives."""


class KurtosistestResult(_Result):
    """What :func:`oxidask.array.stats.kurtosistest` gives."""


class NormaltestResult(_Result):
    """What :func:`oxidask.array.stats.normaltest` gives."""


class Power_divergenceResult(_Result):
    """What :func:`oxidask.array.stats.power_divergence` gives."""


class SkewtestResult(_Result):
    """What :func:`oxidask.array.stats.skewtest` gives."""


class Ttest_1sampResult(_Result):
    """What :func:`oxidask.array.stats.ttest_1samp` gives."""


class Ttest_indResult(_Result):
    """What :func:`oxidask.array.stats.ttest_ind` gives."""


class Ttest_relResult(_Result):
    """What :func:`oxidask.array.stats.ttest_rel` gives."""
