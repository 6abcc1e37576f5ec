"""Random arrays, lazy and in parallel: the same numbers for a seed whatever the chunks.

An element depends on the seed, on its place in the whole array and on the distribution's parameters
only. The numbers are not those of NumPy's generators.
"""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._random_distributions import Distributions, cut, float_typestr, shape_of
from oxidask.array._random_seeds import KeySequence, key_of
from oxidask.array.core import Array, asanyarray, asarray, new_array


class SampleError(ValueError, NotImplementedError):
    """More are to be chosen than there are: NumPy raises the one, Dask the other."""


class _Choices(Distributions):
    """What ``Generator`` and ``RandomState`` choose from things that there are."""

    def _indices(self, n: int, size: Any, chunks: Any, replace: bool, weights: Any) -> Array:
        shape = () if size is None else shape_of(size)
        wanted = int(np.prod(shape, dtype=object)) if shape else 1
        if n < 0 or (n == 0 and wanted):
            raise ValueError(f"a must be greater than 0 unless no samples are taken: it has {n}")
        if not replace and wanted > n:
            raise SampleError(
                f"Cannot take a larger sample than population when replace is False: {wanted} of "
                f"{n}"
            )
        seeded = self._seeded("choice", "<i8", cut(chunks, shape, "i8"))
        if not wanted:
            n = 1
        return new_array(_native.array_random_indices(seeded, n, replace, weights))

    def _integers(
        self, name: str, low: Any, high: Any, size: Any, chunks: Any, dtype: Any, endpoint: bool
    ) -> Array:
        if high is None:
            low, high = 0, low
        dtype = np.dtype(dtype)
        if dtype.kind not in "biu":
            raise TypeError(f"Unsupported dtype {dtype} for {name}")
        arrays = []
        bounds = []
        for bound in (low, high):
            if not isinstance(bound, Array):
                if np.ndim(bound) == 0:
                    bounds.append(int(bound))
                    continue
                bound = asanyarray(np.asarray(bound))
            arrays.append(bound)
            bounds.append(bound._expr)
        chunks = self._chunks(size, chunks, dtype, arrays)
        seeded = self._seeded(name, dtype.str, chunks)
        return new_array(_native.array_random_integers(seeded, *bounds, endpoint))

    def choice(
        self,
        a: Any,
        size: Any = None,
        replace: bool = True,
        p: Any = None,
        axis: int = 0,
        shuffle: bool = True,
        chunks: Any = "auto",
    ) -> Array:
        """Choose from the elements of a one-dimensional array.

        Parameters
        ----------
        a
            The array, or an int for what ``arange(a)`` has.
        size
            The shape; by default one element.
        replace
            Whether an element may be chosen several times.
        p
            Probabilities of the elements; by default all the same.
        axis
            0: there is no other.
        shuffle
            Taken for NumPy's sake: the order is always random.
        chunks
            Extents of the blocks. What is chosen doesn't depend on them.

        Examples
        --------
        >>> import oxidask.array as da
        >>> x = da.random.default_rng(7).choice(5, size=5, replace=False, chunks=2)
        >>> sorted(x.compute().tolist())
        [0, 1, 2, 3, 4]
        """
        if axis != 0:
            raise ValueError(f"axis must be 0 since a is one dimensional, got {axis}")
        source = None
        if isinstance(a, Integral):
            n = int(a)
        else:
            source = asarray(a)
            if source.ndim == 0 and source.dtype.kind in "iu":
                n, source = int(source.compute()), None
            elif source.ndim != 1:
                raise ValueError(f"a must be one dimensional, it has {source.ndim} dimensions")
            else:
                n = len(source)
        indices = self._indices(n, size, chunks, replace, _probabilities(p, n))
        if source is None:
            return indices
        picked = _native.array_pick("choice", indices._expr, source._expr)
        return new_array(picked, np.empty((0,) * indices.ndim, dtype=source.dtype))

    def permutation(self, x: Any) -> Array:
        """Return the elements along the first axis in random order.

        Parameters
        ----------
        x
            An array, or an int for what ``arange(x)`` has.

        Examples
        --------
        >>> import oxidask.array as da
        >>> x = da.random.default_rng(7).permutation(5)
        >>> sorted(x.compute().tolist())
        [0, 1, 2, 3, 4]
        """
        if isinstance(x, Integral):
            return self._indices(int(x), int(x), "auto", False, None)
        x = asarray(x)
        if x.ndim == 0:
            raise np.exceptions.AxisError("x must be an integer or at least 1-dimensional")
        order = self._indices(len(x), len(x), -1, False, None)
        shuffled: Array = x[order.compute(scheduler="sync")]
        return shuffled


def _probabilities(p: Any, n: int) -> list[float] | None:
    """Return checked probabilities of `n` elements."""
    if p is None:
        return None
    weights = np.asarray(p.compute() if isinstance(p, Array) else p, dtype=np.float64)
    if weights.ndim != 1:
        raise ValueError(f"p must be one dimensional, it has {weights.ndim} dimensions")
    if len(weights) != n:
        raise ValueError(f"a and p must have the same size: {n} and {len(weights)}")
    if not (weights >= 0).all():
        raise ValueError("probabilities are not non-negative")
    total = float(weights.sum())
    if abs(total - 1) > 1e-8:
        raise ValueError(f"probabilities do not sum to 1: they sum to {total}")
    return [float(weight) for weight in weights]


class Generator(_Choices):
    """Random arrays of a seed.

    Parameters
    ----------
    bit_generator
        A seed in any form: a bit generator of NumPy or its class, a ``SeedSequence``, ints, None.

    Examples
    --------
    >>> import oxidask.array as da
    >>> rng = da.random.Generator(3)
    >>> x = rng.normal(10, 0.1, size=(6, 4), chunks=(3, 4))
    >>> y = da.random.Generator(3).normal(10, 0.1, size=(6, 4), chunks=2)
    >>> bool((x.compute() == y.compute()).all())
    True
    """

    def __init__(self, bit_generator: Any = None) -> None:
        self._keys = KeySequence(key_of(bit_generator))

    def __repr__(self) -> str:
        return f"Generator(ARS) at 0x{id(self):X}"

    __str__ = __repr__

    def spawn(self, n_children: int) -> list[Generator]:
        """Return generators whose numbers have nothing to do with each other.

        Parameters
        ----------
        n_children
            How many.

        Examples
        --------
        >>> import oxidask.array as da
        >>> len(da.random.default_rng(7).spawn(3))
        3
        """
        return [Generator(list(self._keys.next())) for _ in range(n_children)]

    def random(
        self, size: Any = None, dtype: Any = np.float64, out: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw numbers from 0 up to, but not, 1.

        Parameters
        ----------
        size
            The shape.
        dtype
            float64 or float32.
        out
            Nothing: there is no array to write to yet.
        chunks
            Extents of the blocks. The numbers don't depend on them.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.random.default_rng(7).random((4, 6), chunks=3).chunks
        ((3, 1), (3, 3))
        """
        if out is not None:
            raise NotImplementedError("out=: arrays are lazy; use the array that random gives")
        typestr = float_typestr(dtype, "random")
        return self._draw("random", (0.0, 1.0), size, chunks, typestr, "uniform")

    def integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: Any = np.int64,
        endpoint: bool = False,
        chunks: Any = "auto",
    ) -> Array:
        """Draw integers, each as likely as the others.

        Parameters
        ----------
        low
            The lowest; if `high` is None, 0 is, and this is `high`.
        high
            The one after the highest.
        size
            The shape; by default that of the bounds together.
        dtype
            A dtype of integers, or bool.
        endpoint
            Whether `high` is one of the integers.
        chunks
            Extents of the blocks. The numbers don't depend on them.

        Examples
        --------
        >>> import oxidask.array as da
        >>> x = da.random.default_rng(7).integers(5, 8, size=100, chunks=50)
        >>> sorted(set(x.compute().tolist()))
        [5, 6, 7]
        """
        return self._integers("integers", low, high, size, chunks, dtype, bool(endpoint))

    def multivariate_hypergeometric(
        self,
        colors: Any,
        nsample: int,
        size: Any = None,
        method: str = "marginals",
        chunks: Any = "auto",
    ) -> Array:
        """Draw rows: how many of each colour are among those taken.

        Parameters
        ----------
        colors
            How many there are of each colour.
        nsample
            How many are taken.
        size
            The shape of the axes before the rows.
        method
            Taken for NumPy's sake: the distribution is the same.
        chunks
            Extents of the blocks along those axes.

        Examples
        --------
        >>> import oxidask.array as da
        >>> rng = da.random.default_rng(7)
        >>> rng.multivariate_hypergeometric([16, 8, 4], 6, size=2, chunks=2).compute().sum(axis=1)
        array([6, 6])
        """
        if method not in ("count", "marginals"):
            raise ValueError(f"method must be 'count' or 'marginals', got {method!r}")
        if nsample < 0 or min(colors, default=0) < 0:
            raise ValueError(f"colors and nsample must not be negative: {colors} and {nsample}")
        name = "multivariate_hypergeometric"
        return self._rows(name, int(nsample), colors, size, chunks, "<i8")


def default_rng(seed: Any = None) -> Generator:
    """Return a generator of random arrays.

    Parameters
    ----------
    seed
        A seed in any form; a ``Generator`` of ours is returned as it is.

    Examples
    --------
    >>> import oxidask.array as da
    >>> rng = da.random.default_rng(42)
    >>> rng.poisson(3.0, size=10, chunks=5)
    dask.array<poisson, shape=(10,), dtype=int64, chunksize=(5,), chunktype=numpy.ndarray>
    """
    return seed if isinstance(seed, Generator) else Generator(seed)


class RandomState(_Choices):
    """Random arrays of a seed, with the names of NumPy's older class.

    Parameters
    ----------
    seed
        A seed in any form.
    RandomState
        NumPy's class, or None.

    Examples
    --------
    >>> import oxidask.array as da
    >>> state = da.random.RandomState(1234)
    >>> state.normal(10, 0.1, size=(6, 4), chunks=(3, 4)).shape
    (6, 4)
    """

    def __init__(self, seed: Any = None, RandomState: Any = None) -> None:
        if RandomState not in (None, np.random.RandomState):
            raise NotImplementedError(
                f"RandomState={RandomState!r}: the numbers are made natively; move the array with "
                "map_blocks"
            )
        self._keys = KeySequence(key_of(seed))

    def seed(self, seed: Any = None) -> None:
        """Start again with another seed.

        Parameters
        ----------
        seed
            A seed in any form.

        Examples
        --------
        >>> import oxidask.array as da
        >>> state = da.random.RandomState(1)
        >>> state.seed(2)
        """
        self._keys.restart(key_of(seed))

    def random_sample(self, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw numbers from 0 up to, but not, 1.

        Parameters
        ----------
        size
            The shape.
        chunks
            Extents of the blocks. The numbers don't depend on them.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.random.RandomState(7).random_sample((4, 6), chunks=3).shape
        (4, 6)
        """
        return self._draw("random_sample", (0.0, 1.0), size, chunks, distribution="uniform")

    def random(self, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw numbers from 0 up to, but not, 1: see :meth:`random_sample`.

        Parameters
        ----------
        size
            The shape.
        chunks
            Extents of the blocks.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.random.random((4, 6), chunks=3).shape
        (4, 6)
        """
        return self._draw("random", (0.0, 1.0), size, chunks, distribution="uniform")

    def randint(
        self, low: Any, high: Any = None, size: Any = None, chunks: Any = "auto", dtype: Any = "l"
    ) -> Array:
        """Draw integers, each as likely as the others.

        Parameters
        ----------
        low
            The lowest; if `high` is None, 0 is, and this is `high`.
        high
            The one after the highest.
        size
            The shape; by default that of the bounds together.
        chunks
            Extents of the blocks. The numbers don't depend on them.
        dtype
            A dtype of integers, or bool.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.random.randint(0, 255, size=10, chunks=5, dtype="uint8").dtype
        dtype('uint8')
        """
        return self._integers("randint", low, high, size, chunks, dtype, False)

    def random_integers(
        self, low: Any, high: Any = None, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw integers from `low` to `high`; deprecated as NumPy's: use :meth:`randint`.

        Parameters
        ----------
        low
            The lowest; if `high` is None, 1 is, and this is `high`.
        high
            The highest.
        size
            The shape; by default that of the bounds together.
        chunks
            Extents of the blocks.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.random.random_integers(6, size=10, chunks=5).shape  # doctest: +SKIP
        (10,)
        """
        warnings.warn(
            "random_integers is deprecated: use randint, whose high is not one of the integers",
            DeprecationWarning,
            stacklevel=2,
        )
        if high is None:
            low, high = 1, low
        return self._integers("random_integers", low, high, size, chunks, np.int64, True)

    def tomaxint(self, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw integers from 0 to the largest ``int64``.

        Parameters
        ----------
        size
            The shape.
        chunks
            Extents of the blocks.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.random.RandomState(7).tomaxint(5, chunks=5).dtype
        dtype('int64')
        """
        most = np.iinfo(np.int64).max
        return self._integers("tomaxint", 0, most, size, chunks, np.int64, True)


_state = RandomState()

seed = _state.seed

beta = _state.beta
binomial = _state.binomial
bytes = _state.bytes
chisquare = _state.chisquare
choice = _state.choice
dirichlet = _state.dirichlet
exponential = _state.exponential
f = _state.f
gamma = _state.gamma
geometric = _state.geometric
gumbel = _state.gumbel
hypergeometric = _state.hypergeometric
laplace = _state.laplace
logistic = _state.logistic
lognormal = _state.lognormal
logseries = _state.logseries
multinomial = _state.multinomial
negative_binomial = _state.negative_binomial
noncentral_chisquare = _state.noncentral_chisquare
noncentral_f = _state.noncentral_f
normal = _state.normal
pareto = _state.pareto
permutation = _state.permutation
poisson = _state.poisson
power = _state.power
randint = _state.randint
random = _state.random
random_integers = _state.random_integers
random_sample = _state.random_sample
rayleigh = _state.rayleigh
standard_cauchy = _state.standard_cauchy
standard_exponential = _state.standard_exponential
standard_gamma = _state.standard_gamma
standard_normal = _state.standard_normal
standard_t = _state.standard_t
triangular = _state.triangular
uniform = _state.uniform
vonmises = _state.vonmises
wald = _state.wald
weibull = _state.weibull
zipf = _state.zipf
