"""A million numbers of every distribution are distributed so, by Kolmogorov and Smirnov's test."""

from __future__ import annotations

from typing import Any

import numpy as np
import oxidask.array as da
import pytest

stats = pytest.importorskip("scipy.stats")

N = 1_000_000
#: The distance that a sample of this size exceeds once in a thousand times; of numbers that can be
#: equal, more seldom.
FARTHEST = 1.95 / np.sqrt(N)
#: Every so many of the ordered numbers are looked at.
STRIDE = 50

# Method, its arguments, SciPy's distribution. Where an algorithm depends on the parameters there is
# a row for each.
CONTINUOUS = [
    ("beta", (2.0, 3.0), stats.beta(2, 3)),
    ("beta", (0.4, 0.6), stats.beta(0.4, 0.6)),
    ("chisquare", (3.0,), stats.chi2(3)),
    ("chisquare", (0.5,), stats.chi2(0.5)),
    ("exponential", (2.0,), stats.expon(scale=2)),
    ("f", (3.0, 12.0), stats.f(3, 12)),
    ("gamma", (2.0, 3.0), stats.gamma(2, scale=3)),
    ("gamma", (0.3, 3.0), stats.gamma(0.3, scale=3)),
    ("gumbel", (1.0, 2.0), stats.gumbel_r(1, 2)),
    ("laplace", (1.0, 2.0), stats.laplace(1, 2)),
    ("logistic", (1.0, 2.0), stats.logistic(1, 2)),
    ("lognormal", (0.5, 0.4), stats.lognorm(0.4, scale=np.exp(0.5))),
    ("noncentral_chisquare", (3.0, 1.5), stats.ncx2(3, 1.5)),
    ("noncentral_chisquare", (0.7, 1.5), stats.ncx2(0.7, 1.5)),
    ("noncentral_f", (3.0, 12.0, 1.5), stats.ncf(3, 12, 1.5)),
    ("normal", (10.0, 0.1), stats.norm(10, 0.1)),
    ("pareto", (6.0,), stats.lomax(6)),
    ("power", (3.0,), stats.powerlaw(3)),
    ("random", (), stats.uniform()),
    ("rayleigh", (2.0,), stats.rayleigh(scale=2)),
    ("standard_cauchy", (), stats.cauchy()),
    ("standard_exponential", (), stats.expon()),
    ("standard_gamma", (2.0,), stats.gamma(2)),
    ("standard_gamma", (1.0,), stats.gamma(1)),
    ("standard_normal", (), stats.norm()),
    ("standard_t", (6.0,), stats.t(6)),
    ("triangular", (-1.0, 0.0, 2.0), stats.triang(1 / 3, -1, 3)),
    ("uniform", (2.0, 5.0), stats.uniform(2, 3)),
    # Without the turns that lie beyond half a circle.
    ("vonmises", (0.0, 4.0), stats.vonmises(4)),
    ("vonmises", (0.0, 0.2), stats.vonmises(0.2)),
    ("wald", (3.0, 2.0), stats.invgauss(1.5, scale=2)),
    ("weibull", (2.0,), stats.weibull_min(2)),
]
DISCRETE = [
    ("binomial", (10, 0.3), stats.binom(10, 0.3)),
    ("binomial", (1000, 0.4), stats.binom(1000, 0.4)),
    ("binomial", (1000, 0.9), stats.binom(1000, 0.9)),
    ("geometric", (0.3,), stats.geom(0.3)),
    ("geometric", (0.7,), stats.geom(0.7)),
    ("hypergeometric", (30, 20, 25), stats.hypergeom(50, 30, 25)),
    ("hypergeometric", (3000, 2000, 700), stats.hypergeom(5000, 3000, 700)),
    ("integers", (-3, 40), stats.randint(-3, 40)),
    ("integers", (0, 2**33), stats.randint(0, 2**33)),
    ("logseries", (0.6,), stats.logser(0.6)),
    ("logseries", (0.99,), stats.logser(0.99)),
    ("negative_binomial", (5, 0.4), stats.nbinom(5, 0.4)),
    ("poisson", (3.5,), stats.poisson(3.5)),
    ("poisson", (400.0,), stats.poisson(400)),
    ("zipf", (6.0,), stats.zipf(6)),
    ("zipf", (2.0,), stats.zipf(2)),
]


def sample(name: str, args: tuple[Any, ...], **kwargs: Any) -> np.ndarray:
    rng = da.random.default_rng(20_000)
    return getattr(rng, name)(*args, size=N, chunks=300_000, **kwargs).compute()


def distance(values: np.ndarray, distribution: Any) -> float:
    """Return the most by which the share of numbers up to some value is off, or a bit more."""
    ordered = np.sort(values)
    at = np.append(np.arange(0, N, STRIDE), N - 1)
    expected = distribution.cdf(ordered[at])
    return float(np.abs(expected - (at + 0.5) / N).max() + STRIDE / N)


def discrete_distance(values: np.ndarray, distribution: Any) -> float:
    """Return the most by which the share of numbers up to any of them is off."""
    numbers, counts = np.unique(values, return_counts=True)
    return float(np.abs(distribution.cdf(numbers) - np.cumsum(counts) / N).max())


@pytest.mark.parametrize(("name", "args", "distribution"), CONTINUOUS)
def test_kolmogorov_smirnov(name, args, distribution):
    assert distance(sample(name, args), distribution) < FARTHEST


@pytest.mark.parametrize(("name", "args", "distribution"), DISCRETE)
def test_kolmogorov_smirnov_of_integers(name, args, distribution):
    assert discrete_distance(sample(name, args), distribution) < FARTHEST


@pytest.mark.parametrize(
    ("name", "args", "distribution"),
    [
        ("random", (), stats.uniform()),
        ("standard_normal", (), stats.norm()),
        ("standard_exponential", (), stats.expon()),
        ("standard_gamma", (2.0,), stats.gamma(2)),
    ],
)
def test_kolmogorov_smirnov_in_single_precision(name, args, distribution):
    values = sample(name, args, dtype="f4")
    assert values.dtype == np.float32
    assert distance(values, distribution) < FARTHEST


def test_kolmogorov_smirnov_of_rows():
    """Each place of a row has a distribution of its own."""
    rng = da.random.default_rng(7)
    rows = rng.dirichlet([2.0, 3.0, 4.0], size=N, chunks=(300_000, 3)).compute()
    assert distance(rows[:, 1], stats.beta(3, 6)) < FARTHEST
    rows = rng.multinomial(20, [0.2, 0.3, 0.5], size=N, chunks=(300_000, 3)).compute()
    assert discrete_distance(rows[:, 2], stats.binom(20, 0.5)) < FARTHEST
    rows = rng.multivariate_hypergeometric([30, 20, 10], 25, size=N, chunks=(300_000, 3)).compute()
    assert discrete_distance(rows[:, 0], stats.hypergeom(60, 30, 25)) < FARTHEST


def test_kolmogorov_smirnov_of_weighted_choices():
    values = da.random.default_rng(3).choice(3, size=N, p=[0.2, 0.7, 0.1], chunks=300_000).compute()
    shares = np.cumsum(np.bincount(values, minlength=3)) / N
    assert np.abs(shares - [0.2, 0.9, 1]).max() < FARTHEST


@pytest.mark.parametrize("kind", ["default_rng", "RandomState"])
@pytest.mark.parametrize("chunks", [N, 300_000, 77_777, ((1, 0, N - 1),)])
def test_a_seeded_array_is_one_whatever_its_chunks(kind, chunks):
    def draw(chunks: Any) -> Any:
        rng = getattr(da.random, kind)(99)
        first = rng.standard_normal(N, chunks=chunks)
        second = rng.poisson(3.5, N, chunks=chunks)
        return first, second

    for mine, want in zip(draw(chunks), draw(N), strict=True):
        np.testing.assert_array_equal(mine.compute(), want.compute())


def test_another_seed_gives_other_numbers():
    """The test above would pass for constants."""
    one, two = (da.random.default_rng(seed).random(1000).compute() for seed in (1, 2))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.2
    assert len(np.unique(one)) == 1000
