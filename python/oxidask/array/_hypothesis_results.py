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


class F_onewayResult(NamedTuple):
    """What :func:`oxidask.array.stats.f_oneway` gives."""

    statistic: Any
    pvalue: Any


class KurtosistestResult(NamedTuple):
    """What :func:`oxidask.array.stats.kurtosistest` gives."""

    statistic: Any
    pvalue: Any


class NormaltestResult(NamedTuple):
    """What :func:`oxidask.array.stats.normaltest` gives."""

    statistic: Any
    pvalue: Any


class Power_divergenceResult(NamedTuple):
    """What :func:`oxidask.array.stats.power_divergence` gives."""

    statistic: Any
    pvalue: Any


class SkewtestResult(NamedTuple):
    """What :func:`oxidask.array.stats.skewtest` gives."""

    statistic: Any
    pvalue: Any


class Ttest_1sampResult(NamedTuple):
    """What :func:`oxidask.array.stats.ttest_1samp` gives."""

    statistic: Any
    pvalue: Any


class Ttest_indResult(NamedTuple):
    """What :func:`oxidask.array.stats.ttest_ind` gives."""

    statistic: Any
    pvalue: Any


class Ttest_relResult(NamedTuple):
    """What :func:`oxidask.array.stats.ttest_rel` gives."""

    statistic: Any
    pvalue: Any
