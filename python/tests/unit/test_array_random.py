"""Random arrays: the same numbers whatever the chunks, of NumPy's distributions."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import oxidask.array as da
import pytest

PARAMETERS: dict[str, tuple[float, ...]] = {
    "beta": (2.0, 3.0),
    "binomial": (10, 0.3),
    "chisquare": (3.0,),
    "exponential": (2.0,),
    "f": (3.0, 12.0),
    "gamma": (2.0, 3.0),
    "geometric": (0.3,),
    "gumbel": (1.0, 2.0),
    "hypergeometric": (30, 20, 25),
    "laplace": (1.0, 2.0),
    "logistic": (1.0, 2.0),
    "lognormal": (0.5, 0.4),
    "logseries": (0.6,),
    "negative_binomial": (5, 0.4),
    "noncentral_chisquare": (3.0, 1.5),
    "noncentral_f": (3.0, 12.0, 1.5),
    "normal": (10.0, 0.1),
    "pareto": (6.0,),
    "poisson": (3.5,),
    "power": (3.0,),
    "rayleigh": (2.0,),
    "standard_exponential": (),
    "standard_gamma": (2.0,),
    "standard_normal": (),
    "standard_t": (6.0,),
    "triangular": (-1.0, 0.0, 2.0),
    "uniform": (2.0, 5.0),
    "vonmises": (0.5, 4.0),
    "wald": (3.0, 2.0),
    "weibull": (2.0,),
    "zipf": (6.0,),
}


@pytest.fixture(params=[da.random.default_rng, da.random.RandomState])
def seeded(request: Any) -> Any:
    return request.param


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_numbers_do_not_depend_on_chunks(name: str, seeded: Any) -> None:
    def draw(chunks: Any) -> Any:
        return getattr(seeded(5), name)(*PARAMETERS[name], size=(7, 11), chunks=chunks).compute()

    whole = draw(-1)
    for chunks in [(3, 4), (1, 11), (7, 1), ((2, 5), (6, 5))]:
        np.testing.assert_array_equal(draw(chunks), whole)


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_moments_and_dtypes_are_those_of_numpy(name: str) -> None:
    ours = getattr(da.random.default_rng(5), name)(*PARAMETERS[name], size=100_000, chunks=30_000)
    theirs = getattr(np.random.default_rng(5), name)(*PARAMETERS[name], size=100_000)
    computed = ours.compute()
    assert computed.dtype == ours.dtype == theirs.dtype
    error = 6 * theirs.std() / 100_000**0.5
    assert abs(computed.mean() - theirs.mean()) < 2**0.5 * error
    np.testing.assert_allclose(np.median(computed), np.median(theirs), atol=2 * error + 1e-9)


def test_arrays_of_one_generator_differ(seeded: Any) -> None:
    rng, again = seeded(5), seeded(5)
    x, y = rng.normal(size=10, chunks=5), rng.normal(size=10, chunks=5)
    assert x.name != y.name
    assert (x.compute() != y.compute()).all()
    assert [again.normal(size=10, chunks=5).name for _ in range(2)] == [x.name, y.name]


def test_seeds_in_every_form() -> None:
    def first(seed: Any) -> Any:
        return da.random.default_rng(seed).random(3, chunks=3).compute()

    assert (first(5) == first(np.random.SeedSequence(5))).all()
    assert (first(np.random.PCG64(5)) == first(np.random.Generator(np.random.PCG64(5)))).all()
    assert (first([1, 2]) != first([2, 1])).all()
    assert (first(None) != first(np.random.PCG64)).all()
    assert (first(np.random.RandomState(1)) == first(np.random.RandomState(1))).all()
    rng = da.random.Generator(5)
    assert da.random.default_rng(rng) is rng
    with pytest.raises(ValueError):
        da.random.default_rng(-1)


def test_generators_are_pickled_with_their_state(seeded: Any) -> None:
    rng = seeded(5)
    rng.normal(size=3)
    same = pickle.loads(pickle.dumps(rng))
    assert same.normal(size=3, chunks=3).name == rng.normal(size=3, chunks=3).name


def test_seeding_the_module() -> None:
    da.random.seed(3)
    x = da.random.poisson(4.0, size=10, chunks=5)
    da.random.seed(3)
    assert da.random.poisson(4.0, size=10, chunks=5).name == x.name


def test_parameters_are_broadcast() -> None:
    loc = np.arange(12.0).reshape(4, 3) * 1000
    scale = da.asarray(np.array([[0.1], [0.2], [0.3], [0.4]]))
    x = da.random.default_rng(5).normal(loc, scale, chunks=(2, 3))
    assert x.shape == (4, 3)
    assert abs(x.compute() - loc).max() < 4
    y = da.random.default_rng(5).normal(loc, scale, size=(2, 4, 3), chunks=2).compute()
    assert abs(y - loc).max() < 4
    z = da.random.default_rng(5).normal(loc, scale, chunks=1)
    np.testing.assert_array_equal(z.compute(), x.compute())
    with pytest.raises(ValueError, match="broadcast"):
        da.random.default_rng(5).normal(loc, size=(2, 5), chunks=2)
    with pytest.raises(ValueError):
        da.random.default_rng(5).normal(loc, np.ones(5), chunks=2)


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("normal", (0, -1), "scale < 0"),
        ("normal", (0, [1, -1]), "scale < 0"),
        ("binomial", (5, 1.5), "p < 0, p > 1 or p is NaN"),
        ("pareto", (0,), "a <= 0"),
        ("triangular", (2, 1, 3), "left > mode"),
        ("hypergeometric", (1, 1, 3), "ngood . nbad < nsample"),
        ("poisson", (-1,), "lam < 0"),
        ("multinomial", (3, [0.9, 0.9, 0.1]), "sum.pvals.*> 1.0"),
        ("integers", (5, 5), "low >= high"),
    ],
)
def test_bad_parameters_are_named_at_once(name: str, arguments: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        getattr(da.random.default_rng(5), name)(*arguments, chunks=2)
    with pytest.raises(ValueError):
        getattr(np.random.default_rng(5), name)(*arguments)


def test_bad_parameters_in_blocks_are_named() -> None:
    scale = da.asarray(np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match="scale < 0: normal got -1"):
        da.random.default_rng(5).normal(0, scale, chunks=1).compute()


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "?"])
def test_integers_of_every_dtype(dtype: str) -> None:
    limits = (0, 1) if dtype == "?" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    rng = da.random.default_rng(5)
    x = rng.integers(*limits, size=1000, dtype=dtype, endpoint=True, chunks=300)
    computed = x.compute()
    assert x.dtype == computed.dtype == np.dtype(dtype)
    assert computed.min() < limits[0] + (limits[1] - limits[0]) / 2 <= computed.max()
    with pytest.raises(ValueError, match="high is out of bounds"):
        rng.integers(limits[0], limits[1] + 2, size=3, dtype=dtype)


def test_integers_between_arrays() -> None:
    low, high = np.array([0, 100, 2**62]), np.array([[10], [2**63 - 1]])
    with pytest.raises(ValueError, match="low >= high"):
        da.random.default_rng(5).integers(low, high, chunks=1).compute()
    low[1:] = 5
    x = da.random.default_rng(5).integers(low, high, size=(50, 2, 3), chunks=20).compute()
    assert ((x >= low) & (x < high)).all()
    assert x[:, 0].max() == 9
    assert x[:, 1].max() > 2**60


def test_single_precision() -> None:
    rng = da.random.default_rng(5)
    for x in [
        rng.random(1000, dtype="f4", chunks=300),
        rng.standard_normal(1000, dtype=np.float32, chunks=300),
        rng.standard_exponential(1000, dtype=np.float32, chunks=300),
        rng.standard_gamma(2.0, 1000, dtype=np.float32, chunks=300),
    ]:
        assert x.dtype == x.compute().dtype == np.float32
    assert rng.random(100_000, dtype="f4", chunks=30_000).compute().max() < 1
    with pytest.raises(TypeError, match="Unsupported dtype int64"):
        rng.random(3, dtype="i8")


def test_rows() -> None:
    rng = da.random.default_rng(5)
    x = rng.multinomial(20, [0.2, 0.3, 0.5], size=(5, 4), chunks=(2, 3))
    assert x.shape == (5, 4, 3)
    assert x.chunks == ((2, 2, 1), (3, 1), (3,))
    assert (x.compute().sum(axis=2) == 20).all()
    y = rng.multivariate_hypergeometric([16, 8, 4], 6, size=3, chunks=2).compute()
    assert (y.sum(axis=1) == 6).all()
    assert (y <= [16, 8, 4]).all()
    z = rng.dirichlet([1.0, 2.0, 0.5], chunks=3).compute()
    assert z.shape == (3,)
    assert abs(z.sum() - 1) < 1e-12


def test_choices() -> None:
    a = np.array([1.5, 2.5, 3.5, 4.5])
    p = np.array([0, 0.5, 0.25, 0.25])
    for source in [a, a.tolist(), da.asarray(a)]:
        x = da.random.default_rng(5).choice(source, size=(30, 20), p=p, chunks=(10, 6))
        computed = x.compute()
        assert x.dtype == computed.dtype == np.float64
        assert set(np.unique(computed)) == {2.5, 3.5, 4.5}
        assert abs((computed == 2.5).mean() - 0.5) < 0.1
    texts = da.random.default_rng(5).choice(np.array(["a", "bc"]), size=9, chunks=4).compute()
    assert texts.dtype == np.dtype("U2")
    assert set(texts) == {"a", "bc"}
    single = da.random.default_rng(5).choice(7)
    assert single.shape == ()
    assert 0 <= int(single.compute()) < 7


def test_choices_that_are_not_put_back() -> None:
    def draw(chunks: Any, p: Any = None) -> Any:
        rng = da.random.default_rng(5)
        return rng.choice(1000, size=800, replace=False, p=p, chunks=chunks).compute()

    assert len(set(draw(100))) == 800
    np.testing.assert_array_equal(draw(100), draw(-1))
    p = np.r_[np.full(800, 1 / 800), np.zeros(200)]
    assert sorted(draw(100, p)) == list(range(800))
    np.testing.assert_array_equal(draw(100, p), draw(-1, p))


@pytest.mark.parametrize(
    "arguments",
    [
        {"a": -1},
        {"a": 0},
        {"a": np.ones((3, 1))},
        {"a": 3, "p": [0.5, 0.5]},
        {"a": 3, "p": [[0.2, 0.3, 0.5]]},
        {"a": 3, "p": [0.2, 0.2, 0.3]},
        {"a": 2, "p": [1.5, -0.5]},
        {"a": 3, "size": 4, "replace": False},
        {"a": 3, "axis": 1},
    ],
    ids=str,
)
def test_bad_choices(arguments: Any) -> None:
    with pytest.raises(ValueError):
        da.random.default_rng(5).choice(**{"size": 3, **arguments})


@pytest.mark.parametrize("n", [0, 1, 10, 30_000])
def test_permutations(n: int) -> None:
    x = da.random.default_rng(5).permutation(n)
    assert x.shape == (n,)
    np.testing.assert_array_equal(np.sort(x.compute()), np.arange(n))


def test_permutations_of_rows() -> None:
    a = np.arange(40).reshape(20, 2)
    x = da.random.default_rng(5).permutation(da.asarray(a))
    computed = x.compute()
    assert (computed != a).any()
    np.testing.assert_array_equal(computed[np.argsort(computed[:, 0])], a)


def test_bytes_and_spawned_generators() -> None:
    rng = da.random.default_rng(5)
    assert len(rng.bytes(100)) == 100
    one, two = rng.spawn(2)
    assert (one.random(5, chunks=5).compute() != two.random(5, chunks=5).compute()).all()


def test_deprecated_names() -> None:
    with pytest.warns(DeprecationWarning, match="randint"):
        x = da.random.random_integers(3, size=100, chunks=50)
    assert set(x.compute()) == {1, 2, 3}
    assert da.random.RandomState(5).tomaxint(3, chunks=3).compute().min() >= 0


def test_other_random_states_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="map_blocks"):
        da.random.RandomState(5, RandomState=int)
    with pytest.raises(NotImplementedError, match="out="):
        da.random.default_rng(5).random(3, out=np.empty(3))
    with pytest.raises(NotImplementedError, match="trials"):
        da.random.default_rng(5).multinomial([1, 2], [0.5, 0.5])


def test_huge_arrays_cost_nothing_until_computed() -> None:
    x = da.random.default_rng(5).normal(10, 1, (1_000_000, 1_000_000), chunks=(100_000, 100_000))
    assert x.nbytes == 8 * 10**12


def test_single_numbers_take_any_chunks() -> None:
    x = da.random.default_rng(5).normal(1000, 0.01, chunks=(50,))
    assert x.shape == ()
    assert 999 < float(x.compute()) < 1001


@pytest.mark.parametrize("size", [4, (2, 3)])
def test_blocks_of_kept_arrays_are_delayed_values(size: Any) -> None:
    x = da.random.default_rng(5).normal(size=size, chunks=2)
    kept = x.persist(scheduler="sync")
    for block, whole in zip(kept.to_delayed().flat, x.to_delayed().flat, strict=True):
        np.testing.assert_array_equal(block.compute(), whole.compute())
