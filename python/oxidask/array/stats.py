"""Statistics of samples: moments, and tests of hypotheses as in :mod:`scipy.stats`.

Sums are taken of arrays chunk by chunk; p-values of the few numbers that come of it are scipy's,
which is imported when it is needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from oxidask.array import _hypothesis_results
from oxidask.array._hypothesis_results import (
    F_onewayResult,
    KurtosistestResult,
    NormaltestResult,
    Power_divergenceResult,
    SkewtestResult,
    Ttest_1sampResult,
    Ttest_indResult,
    Ttest_relResult,
)
from oxidask.array.core import Array, asanyarray, elemwise
from oxidask.delayed import delayed

__all__ = [
    "chisquare",
    "f_oneway",
    "kurtosis",
    "kurtosistest",
    "moment",
    "normaltest",
    "power_divergence",
    "skew",
    "skewtest",
    "ttest_1samp",
    "ttest_ind",
    "ttest_rel",
]
__all__ += _hypothesis_results.__all__

_POWERS = {
    "pearson": 1,
    "log-likelihood": 0,
    "freeman-tukey": -0.5,
    "mod-log-likelihood": -1,
    "neyman": -2,
    "cressie-read": 2 / 3,
}


def _only_propagate(nan_policy: str) -> None:
    if nan_policy != "propagate":
        raise NotImplementedError(
            f"nan_policy={nan_policy!r}: only 'propagate' is there; replace NaN before"
        )


def _distributions() -> Any:
    from scipy import stats

    return stats


def moment(a: Any, moment: int = 1, axis: int | None = 0, nan_policy: str = "propagate") -> Any:
    """Return a central moment of samples along an axis; see :func:`scipy.stats.moment`.

    Parameters
    ----------
    a
        The samples.
    moment
        The order.
    axis
        The axis; None for all elements.
    nan_policy
        ``"propagate"``.

    Examples
    --------
    >>> import oxidask.array as da
    >>> da.stats.moment(da.ones(4, chunks=2), 2).compute()
    np.float64(0.0)
    """
    _only_propagate(nan_policy)
    a = asanyarray(a)
    if moment == 1:
        return a.mean(axis=axis) * 0.0
    if moment == 0:
        return a.mean(axis=axis) * 0.0 + 1.0
    apart = a - a.mean(axis=axis, keepdims=True)
    return (apart**moment).mean(axis=axis)


def _shape_number(a: Any, axis: int | None, order: int) -> Any:
    """Return a moment in units of the standard deviation; 0 where all samples are equal."""
    spread = moment(a, 2, axis)
    centre = moment(a, order, axis)
    # Rounding alone may spread equal samples.
    level = (np.finfo(np.float64).resolution * asanyarray(a).mean(axis=axis)) ** 2
    is_flat = spread <= level
    scaled = centre / elemwise(np.where, is_flat, 1.0, spread) ** (order / 2)
    return elemwise(np.where, is_flat, np.nan, scaled)


def skew(a: Any, axis: int | None = 0, bias: bool = True, nan_policy: str = "propagate") -> Any:
    """Return the skewness of samples along an axis; see :func:`scipy.stats.skew`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> float(da.stats.skew(da.asarray(np.array([1.0, 2.0, 3.0]))).compute())
    0.0
    """
    _only_propagate(nan_policy)
    if not bias:
        raise NotImplementedError("bias=False: correct the biased skewness yourself")
    return _shape_number(a, axis, 3)


def kurtosis(
    a: Any,
    axis: int | None = 0,
    fisher: bool = True,
    bias: bool = True,
    nan_policy: str = "propagate",
) -> Any:
    """Return the kurtosis of samples along an axis; see :func:`scipy.stats.kurtosis`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> float(da.stats.kurtosis(da.asarray(np.array([1.0, 2.0, 3.0]))).compute())
    -1.5
    """
    _only_propagate(nan_policy)
    if not bias:
        raise NotImplementedError("bias=False: correct the biased kurtosis yourself")
    value = _shape_number(a, axis, 4)
    return value - 3 if fisher else value


def _result(kind: Any, function: Any, *args: Any) -> Any:
    """Return what `function` makes of computed arrays, later, as a result of this kind."""
    return delayed(_named, nout=2, pure=True)(kind, function, *args)


def _named(kind: Any, function: Any, *args: Any) -> Any:
    return kind(*function(*args))


def _skew_test(b2: Any, n: float) -> Any:
    y = b2 * math.sqrt(((n + 1) * (n + 3)) / (6.0 * (n - 2)))
    beta = (
        3.0 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2.0) * (n + 5) * (n + 7) * (n + 9))
    )
    w2 = -1 + math.sqrt(2 * (beta - 1))
    delta = 1 / math.sqrt(0.5 * math.log(w2))
    alpha = math.sqrt(2.0 / (w2 - 1))
    y = np.where(y == 0, 1, y) / alpha
    z = delta * np.log(y + np.sqrt(y**2 + 1))
    return z, 2 * _distributions().norm.sf(np.abs(z))


def _samples(a: Array, axis: int | None) -> float:
    return float(a.size if axis is None else a.shape[axis])


def skewtest(a: Any, axis: int | None = 0, nan_policy: str = "propagate") -> Any:
    """Test whether the skewness is a normal distribution's; see :func:`scipy.stats.skewtest`.

    Returns
    -------
    Delayed
        Statistic and p-value.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.asarray(np.arange(30.0) ** 2)
    >>> statistic, p = da.stats.skewtest(x).compute()
    """
    _only_propagate(nan_policy)
    a = asanyarray(a)
    n = _samples(a, axis)
    if n < 8:
        raise ValueError(
            f"skewtest is not valid with less than 8 samples; {int(n)} samples were given."
        )
    return _result(SkewtestResult, _skew_test, skew(a, axis), n)


def _kurtosis_test(b2: Any, n: float) -> Any:
    expected = 3.0 * (n - 1) / (n + 1)
    variance = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) * (n + 1.0) * (n + 3) * (n + 5))
    x = (b2 - expected) / math.sqrt(variance)
    root_beta = (
        6.0
        * (n * n - 5 * n + 2)
        / ((n + 7) * (n + 9))
        * math.sqrt((6.0 * (n + 3) * (n + 5)) / (n * (n - 2) * (n - 3)))
    )
    a = 6.0 + 8.0 / root_beta * (2.0 / root_beta + math.sqrt(1 + 4.0 / root_beta**2))
    first = 1 - 2 / (9.0 * a)
    below = 1 + x * math.sqrt(2 / (a - 4.0))
    second = np.sign(below) * np.where(
        below == 0, np.nan, np.power((1 - 2.0 / a) / np.abs(below), 1 / 3.0)
    )
    z = (first - second) / math.sqrt(2 / (9.0 * a))
    return z, 2 * _distributions().norm.sf(np.abs(z))


def kurtosistest(a: Any, axis: int | None = 0, nan_policy: str = "propagate") -> Any:
    """Test whether the kurtosis is a normal one's; see :func:`scipy.stats.kurtosistest`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> statistic, p = da.stats.kurtosistest(da.asarray(np.arange(30.0) ** 2)).compute()
    """
    _only_propagate(nan_policy)
    a = asanyarray(a)
    return _result(
        KurtosistestResult, _kurtosis_test, kurtosis(a, axis, fisher=False), _samples(a, axis)
    )


def _normality(skewness: Any, kurt: Any, n: float) -> Any:
    statistic = _skew_test(skewness, n)[0] ** 2 + _kurtosis_test(kurt, n)[0] ** 2
    return statistic, _distributions().chi2.sf(statistic, 2)


def normaltest(a: Any, axis: int | None = 0, nan_policy: str = "propagate") -> Any:
    """Test whether samples are of a normal distribution; see :func:`scipy.stats.normaltest`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> statistic, p = da.stats.normaltest(da.asarray(np.arange(30.0) ** 2)).compute()
    """
    _only_propagate(nan_policy)
    a = asanyarray(a)
    return _result(
        NormaltestResult,
        _normality,
        skew(a, axis),
        kurtosis(a, axis, fisher=False),
        _samples(a, axis),
    )


def _student(difference: Any, error: Any, freedom: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.divide(difference, error)
    return t, 2 * _distributions().t.sf(np.abs(t), freedom)


def ttest_1samp(a: Any, popmean: Any, axis: int = 0, nan_policy: str = "propagate") -> Any:
    """Test whether the mean is `popmean`; see :func:`scipy.stats.ttest_1samp`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> t, p = da.stats.ttest_1samp(da.asarray(np.arange(9.0)), 4.0).compute()
    """
    _only_propagate(nan_policy)
    return _student_test(Ttest_1sampResult, asanyarray(a), popmean, axis)


def _student_test(kind: Any, a: Array, popmean: Any, axis: int) -> Any:
    n = a.shape[axis]
    error = elemwise(np.sqrt, a.var(axis=axis, ddof=1) / float(n))
    return _result(kind, _student, a.mean(axis=axis) - popmean, error, n - 1)


def ttest_rel(a: Any, b: Any, axis: int = 0, nan_policy: str = "propagate") -> Any:
    """Test whether pairs of samples have the same mean; see :func:`scipy.stats.ttest_rel`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = np.arange(9.0)
    >>> t, p = da.stats.ttest_rel(da.asarray(x), da.asarray(x[::-1] ** 2)).compute()
    """
    _only_propagate(nan_policy)
    apart = asanyarray(a) - asanyarray(b)
    return _student_test(Ttest_relResult, apart, 0.0, axis)


def ttest_ind(a: Any, b: Any, axis: int = 0, equal_var: bool = True) -> Any:
    """Test whether independent samples have the same mean; see :func:`scipy.stats.ttest_ind`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = np.arange(9.0)
    >>> t, p = da.stats.ttest_ind(da.asarray(x), da.asarray(x * 2)).compute()
    """
    a, b = asanyarray(a), asanyarray(b)
    n, m = float(a.shape[axis]), float(b.shape[axis])
    of_a, of_b = a.var(axis=axis, ddof=1), b.var(axis=axis, ddof=1)
    freedom: Any
    if equal_var:
        freedom = n + m - 2.0
        variance = ((n - 1) * of_a + (m - 1) * of_b) / freedom
        error = elemwise(np.sqrt, variance * (1.0 / n + 1.0 / m))
    else:
        of_a, of_b = of_a / n, of_b / m
        freedom = (of_a + of_b) ** 2 / (of_a**2 / (n - 1) + of_b**2 / (m - 1))
        error = elemwise(np.sqrt, of_a + of_b)
    means = a.mean(axis=axis), b.mean(axis=axis)
    return _result(Ttest_indResult, _student, means[0] - means[1], error, freedom)


def chisquare(f_obs: Any, f_exp: Any = None, ddof: int = 0, axis: int = 0) -> Any:
    """Test whether counts are as expected; see :func:`scipy.stats.chisquare`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> statistic, p = da.stats.chisquare(da.asarray(np.array([16.0, 18.0, 14.0]))).compute()
    """
    return power_divergence(f_obs, f_exp, ddof=ddof, axis=axis, lambda_="pearson")


def _chi2_tail(statistic: Any, freedom: int) -> Any:
    return statistic, _distributions().chi2.sf(statistic, freedom)


def power_divergence(
    f_obs: Any, f_exp: Any = None, ddof: int = 0, axis: int = 0, lambda_: Any = None
) -> Any:
    """Test whether counts are as expected; see :func:`scipy.stats.power_divergence`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = da.asarray(np.array([16.0, 18.0, 14.0]))
    >>> statistic, p = da.stats.power_divergence(x, lambda_="neyman").compute()
    """
    if isinstance(lambda_, str):
        if lambda_ not in _POWERS:
            raise ValueError(
                f"invalid string for lambda_: {lambda_!r}.  Valid strings are {sorted(_POWERS)}"
            )
        lambda_ = _POWERS[lambda_]
    elif lambda_ is None:
        lambda_ = 1
    f_obs = asanyarray(f_obs)
    f_exp = f_obs.mean(axis=axis, keepdims=True) if f_exp is None else asanyarray(f_exp)
    if lambda_ == 1:
        terms = (f_obs - f_exp) ** 2 / f_exp
    elif lambda_ == 0:
        terms = 2.0 * _times_log(f_obs, f_obs / f_exp)
    elif lambda_ == -1:
        terms = 2.0 * _times_log(f_exp, f_exp / f_obs)
    else:
        terms = f_obs * ((f_obs / f_exp) ** lambda_ - 1)
        terms = terms / (0.5 * lambda_ * (lambda_ + 1))
    n = f_obs.shape[axis]
    return _result(Power_divergenceResult, _chi2_tail, terms.sum(axis=axis), n - 1 - ddof)


def _times_log(x: Array, y: Array) -> Any:
    """Return ``x * log(y)``, 0 where `x` is."""
    return elemwise(np.where, elemwise(np.equal, x, 0), 0.0, x * elemwise(np.log, y))


def _variance_ratio(between: Any, within: Any, n_groups: int, n: int) -> Any:
    f = (between / (n_groups - 1)) / (within / (n - n_groups))
    return f, _distributions().f.sf(f, n_groups - 1, n - n_groups)


def f_oneway(*args: Any) -> Any:
    """Test whether groups have the same mean; see :func:`scipy.stats.f_oneway`.

    Examples
    --------
    >>> import numpy as np, oxidask.array as da
    >>> x = np.arange(9.0)
    >>> f, p = da.stats.f_oneway(da.asarray(x), da.asarray(x + 1)).compute()
    """
    groups = [asanyarray(group) for group in args]
    n = sum(len(group) for group in groups)
    mean = sum(group.sum(axis=0) for group in groups) / float(n)
    between = sum(float(len(group)) * (group.mean(axis=0) - mean) ** 2 for group in groups)
    within = sum(group.var(axis=0) * float(len(group)) for group in groups)
    return _result(F_onewayResult, _variance_ratio, between, within, len(groups), n)
