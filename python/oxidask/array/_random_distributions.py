"""The distributions, as methods that ``Generator`` and ``RandomState`` share."""

from __future__ import annotations

from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._random_seeds import KeySequence
from oxidask.array.chunks import normalize_chunks
from oxidask.array.core import Array, asanyarray, new_array

_SHARED_DOC = """        size
            The shape; by default that of the parameters together.
        chunks
            Extents of the blocks. The numbers don't depend on them.

        Returns
        -------
        Array
            Of {dtype}.

        Examples
        --------
        >>> import oxidask.array as da
        >>> x = da.random.default_rng(7).{name}({arguments}size=(4, 6), chunks=(2, 3))
        >>> x.shape, x.dtype
        ((4, 6), dtype('{dtype}'))
        >>> x.mean().compute()  # doctest: +SKIP
        """

_EXAMPLES = {
    "beta": "2.0, 3.0",
    "binomial": "10, 0.3",
    "chisquare": "3",
    "f": "3, 5",
    "gamma": "2.0",
    "geometric": "0.3",
    "hypergeometric": "10, 5, 7",
    "logseries": "0.6",
    "negative_binomial": "5, 0.4",
    "noncentral_chisquare": "3, 1.5",
    "noncentral_f": "3, 5, 1.5",
    "pareto": "3.0",
    "power": "3.0",
    "standard_gamma": "2.0",
    "standard_t": "3",
    "triangular": "-1, 0, 2",
    "vonmises": "0, 4.0",
    "wald": "3.0, 2.0",
    "weibull": "2.0",
    "zipf": "2.5",
}
_COUNTS = {
    "binomial",
    "geometric",
    "hypergeometric",
    "logseries",
    "negative_binomial",
    "poisson",
    "zipf",
}


def shape_of(size: Any) -> tuple[int, ...]:
    """Return the shape that a `size` means."""
    if np.ndim(size) == 0:
        return (int(size),)
    return tuple(int(n) for n in size)


def cut(chunks: Any, shape: tuple[int, ...], dtype: Any) -> tuple[tuple[int, ...], ...]:
    """Return the chunks of a shape; a single number has one block whatever `chunks` says."""
    return normalize_chunks(chunks, shape, dtype=dtype) if shape else ()


def float_typestr(dtype: Any, name: str) -> str:
    """Return the type string of float64 or float32."""
    dtype = np.dtype(dtype)
    if dtype not in (np.float64, np.float32):
        raise TypeError(f"Unsupported dtype {dtype} for {name}; take float64 or float32")
    return str(dtype.str)


class Distributions:
    """Random arrays of NumPy's distributions."""

    _keys: KeySequence

    def _seeded(self, prefix: str, typestr: str, chunks: Any) -> Any:
        return prefix, self._keys.next(), typestr, chunks

    def _chunks(self, size: Any, chunks: Any, dtype: Any, params: Any = ()) -> Any:
        """Return the chunks of a result: of its size, or of its parameters together."""
        shapes = [param.shape for param in params]
        shape = np.broadcast_shapes(*shapes) if size is None else shape_of(size)
        if chunks == "auto":
            for param in params:
                if isinstance(param, Array) and param.shape == shape:
                    return param.chunks
        return cut(chunks, shape, dtype)

    def _draw(
        self,
        name: str,
        params: tuple[Any, ...],
        size: Any,
        chunks: Any,
        typestr: str = "<f8",
        distribution: str | None = None,
    ) -> Array:
        """Return numbers of a distribution of the native module, by default of the same name."""
        distribution = distribution or name
        taken: list[Any] = []
        arrays = []
        for which, param in enumerate(params):
            if not isinstance(param, Array):
                if np.ndim(param) == 0:
                    taken.append(float(param))
                    continue
                numbers = np.asarray(param, dtype=np.float64)
                _native.random_check(distribution, which, numbers)
                param = asanyarray(numbers)
            arrays.append(param)
            taken.append(param._expr)
        chunks = self._chunks(size, chunks, typestr, arrays)
        seeded = self._seeded(name, typestr, chunks)
        return new_array(_native.array_random(seeded, distribution, taken))

    def _rows(self, name: str, n: int, values: Any, size: Any, chunks: Any, dtype: str) -> Array:
        """Return an array whose last axis has a row of numbers for each element of `size`."""
        numbers = [float(x) for x in np.asarray(values).ravel()]
        shape = () if size is None else shape_of(size)
        if isinstance(chunks, tuple) and len(chunks) == len(shape) + 1:
            chunks = chunks[:-1]
        row_chunks = cut(chunks, shape, dtype)
        seeded = self._seeded(name, dtype, row_chunks)
        return new_array(_native.array_random_rows(seeded, name, n, numbers))

    def beta(self, a: Any, b: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a beta distribution, between 0 and 1.

        Parameters
        ----------
        a, b
            Shapes, above 0.
        """
        return self._draw("beta", (a, b), size, chunks)

    def binomial(self, n: Any, p: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a binomial distribution: how many of some trials succeed.

        Parameters
        ----------
        n
            Trials.
        p
            Probability of a success.
        """
        return self._draw("binomial", (n, p), size, chunks, "<i8")

    def bytes(self, length: int) -> bytes:
        """Return random bytes, at once.

        Parameters
        ----------
        length
            How many.

        Examples
        --------
        >>> import oxidask.array as da
        >>> len(da.random.default_rng(7).bytes(5))
        5
        """
        seeded = self._seeded("bytes", "|u1", normalize_chunks("auto", (length,), dtype="u1"))
        drawn = new_array(_native.array_random_integers(seeded, 0, 256, False))
        return np.asarray(drawn.compute()).tobytes()

    def chisquare(self, df: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a chi-square distribution: a sum of squared normals.

        Parameters
        ----------
        df
            Degrees of freedom, above 0.
        """
        return self._draw("chisquare", (df,), size, chunks)

    def dirichlet(self, alpha: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw rows from a Dirichlet distribution: shares that sum to 1.

        Parameters
        ----------
        alpha
            Concentrations, one for each number of a row.
        size
            The shape of the axes before the rows.
        chunks
            Extents of the blocks along those axes.

        Examples
        --------
        >>> import oxidask.array as da
        >>> da.random.default_rng(7).dirichlet([1.0, 2.0], size=3, chunks=2).shape
        (3, 2)
        """
        return self._rows("dirichlet", 0, alpha, size, chunks, "<f8")

    def exponential(self, scale: Any = 1.0, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from an exponential distribution.

        Parameters
        ----------
        scale
            The mean.
        """
        return self._draw("exponential", (scale,), size, chunks)

    def f(self, dfnum: Any, dfden: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from an F distribution: a ratio of chi-squares.

        Parameters
        ----------
        dfnum, dfden
            Degrees of freedom above and below, above 0.
        """
        return self._draw("f", (dfnum, dfden), size, chunks)

    def gamma(self, shape: Any, scale: Any = 1.0, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a gamma distribution.

        Parameters
        ----------
        shape, scale
            Its parameters, at least 0.
        """
        return self._draw("gamma", (shape, scale), size, chunks)

    def geometric(self, p: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a geometric distribution: trials up to the first success.

        Parameters
        ----------
        p
            Probability of a success, above 0.
        """
        return self._draw("geometric", (p,), size, chunks, "<i8")

    def gumbel(
        self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a Gumbel distribution, of extreme values.

        Parameters
        ----------
        loc, scale
            Mode and width.
        """
        return self._draw("gumbel", (loc, scale), size, chunks)

    def hypergeometric(
        self, ngood: Any, nbad: Any, nsample: Any, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a hypergeometric distribution: how many of those taken are good.

        Parameters
        ----------
        ngood, nbad
            How many there are.
        nsample
            How many are taken.
        """
        return self._draw("hypergeometric", (ngood, nbad, nsample), size, chunks, "<i8")

    def laplace(
        self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a Laplace distribution: exponential on both sides.

        Parameters
        ----------
        loc, scale
            Centre and width.
        """
        return self._draw("laplace", (loc, scale), size, chunks)

    def logistic(
        self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a logistic distribution.

        Parameters
        ----------
        loc, scale
            Centre and width.
        """
        return self._draw("logistic", (loc, scale), size, chunks)

    def lognormal(
        self, mean: Any = 0.0, sigma: Any = 1.0, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a log-normal distribution: exponentials of normals.

        Parameters
        ----------
        mean, sigma
            Mean and standard deviation of the normals.
        """
        return self._draw("lognormal", (mean, sigma), size, chunks)

    def logseries(self, p: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a logarithmic series distribution.

        Parameters
        ----------
        p
            Its parameter, below 1.
        """
        return self._draw("logseries", (p,), size, chunks, "<i8")

    def multinomial(self, n: int, pvals: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw rows from a multinomial distribution: how often each outcome comes in some trials.

        Parameters
        ----------
        n
            Trials.
        pvals
            Probabilities of the outcomes; the last one has what the others leave.
        size
            The shape of the axes before the rows.
        chunks
            Extents of the blocks along those axes.

        Examples
        --------
        >>> import oxidask.array as da
        >>> x = da.random.default_rng(7).multinomial(20, [0.5, 0.3, 0.2], size=4, chunks=2)
        >>> x.compute().sum(axis=1)
        array([20, 20, 20, 20])
        """
        if np.ndim(n) != 0:
            raise NotImplementedError(
                "multinomial with an array of trials: draw one array for each number of trials"
            )
        if n < 0:
            raise ValueError(f"n < 0: multinomial got {n}")
        return self._rows("multinomial", int(n), pvals, size, chunks, "<i8")

    def negative_binomial(self, n: Any, p: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a negative binomial distribution: failures before the successes.

        Parameters
        ----------
        n
            Successes, above 0.
        p
            Probability of a success, above 0.
        """
        return self._draw("negative_binomial", (n, p), size, chunks, "<i8")

    def noncentral_chisquare(
        self, df: Any, nonc: Any, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a noncentral chi-square distribution.

        Parameters
        ----------
        df
            Degrees of freedom, above 0.
        nonc
            Non-centrality, at least 0.
        """
        return self._draw("noncentral_chisquare", (df, nonc), size, chunks)

    def noncentral_f(
        self, dfnum: Any, dfden: Any, nonc: Any, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a noncentral F distribution.

        Parameters
        ----------
        dfnum, dfden
            Degrees of freedom above and below, above 0.
        nonc
            Non-centrality, at least 0.
        """
        return self._draw("noncentral_f", (dfnum, dfden, nonc), size, chunks)

    def normal(
        self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a normal distribution.

        Parameters
        ----------
        loc
            The mean.
        scale
            The standard deviation.
        """
        return self._draw("normal", (loc, scale), size, chunks)

    def pareto(self, a: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a Pareto II (Lomax) distribution.

        Parameters
        ----------
        a
            Its shape, above 0.
        """
        return self._draw("pareto", (a,), size, chunks)

    def poisson(self, lam: Any = 1.0, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a Poisson distribution.

        Parameters
        ----------
        lam
            The mean.
        """
        return self._draw("poisson", (lam,), size, chunks, "<i8")

    def power(self, a: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a power distribution, between 0 and 1.

        Parameters
        ----------
        a
            One more than the power of its density, above 0.
        """
        return self._draw("power", (a,), size, chunks)

    def rayleigh(self, scale: Any = 1.0, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a Rayleigh distribution.

        Parameters
        ----------
        scale
            The mode.
        """
        return self._draw("rayleigh", (scale,), size, chunks)

    def standard_cauchy(self, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a Cauchy distribution around 0."""
        return self._draw("standard_cauchy", (), size, chunks)

    def standard_exponential(
        self, size: Any = None, chunks: Any = "auto", *, dtype: Any = np.float64
    ) -> Array:
        """Draw from an exponential distribution of mean 1.

        Parameters
        ----------
        dtype
            float64 or float32.
        """
        name = "standard_exponential"
        return self._draw(name, (1.0,), size, chunks, float_typestr(dtype, name), "exponential")

    def standard_gamma(
        self, shape: Any, size: Any = None, chunks: Any = "auto", *, dtype: Any = np.float64
    ) -> Array:
        """Draw from a gamma distribution of scale 1.

        Parameters
        ----------
        shape
            Its shape, at least 0.
        dtype
            float64 or float32.
        """
        name = "standard_gamma"
        return self._draw(name, (shape, 1.0), size, chunks, float_typestr(dtype, name), "gamma")

    def standard_normal(
        self, size: Any = None, chunks: Any = "auto", *, dtype: Any = np.float64
    ) -> Array:
        """Draw from a normal distribution of mean 0 and standard deviation 1.

        Parameters
        ----------
        dtype
            float64 or float32.
        """
        name = "standard_normal"
        return self._draw(name, (0.0, 1.0), size, chunks, float_typestr(dtype, name), "normal")

    def standard_t(self, df: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from Student's t distribution.

        Parameters
        ----------
        df
            Degrees of freedom, above 0.
        """
        return self._draw("standard_t", (df,), size, chunks)

    def triangular(
        self, left: Any, mode: Any, right: Any, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a triangular distribution.

        Parameters
        ----------
        left, mode, right
            The triangle's corners, in this order.
        """
        return self._draw("triangular", (left, mode, right), size, chunks)

    def uniform(
        self, low: Any = 0.0, high: Any = 1.0, size: Any = None, chunks: Any = "auto"
    ) -> Array:
        """Draw from a uniform distribution.

        Parameters
        ----------
        low, high
            Its ends; `high` is not one of the numbers.
        """
        return self._draw("uniform", (low, high), size, chunks)

    def vonmises(self, mu: Any, kappa: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a von Mises distribution, of angles between -pi and pi.

        Parameters
        ----------
        mu
            The mode.
        kappa
            Concentration, at least 0.
        """
        return self._draw("vonmises", (mu, kappa), size, chunks)

    def wald(self, mean: Any, scale: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a Wald (inverse Gaussian) distribution.

        Parameters
        ----------
        mean, scale
            Its parameters, above 0.
        """
        return self._draw("wald", (mean, scale), size, chunks)

    def weibull(self, a: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a Weibull distribution of scale 1.

        Parameters
        ----------
        a
            Its shape, at least 0.
        """
        return self._draw("weibull", (a,), size, chunks)

    def zipf(self, a: Any, size: Any = None, chunks: Any = "auto") -> Array:
        """Draw from a Zipf distribution.

        Parameters
        ----------
        a
            Its exponent, above 1.
        """
        return self._draw("zipf", (a,), size, chunks, "<i8")


def _complete_docs() -> None:
    """Add what all methods share to their docstrings."""
    for name, method in vars(Distributions).items():
        doc = getattr(method, "__doc__", None)
        if name.startswith("_") or doc is None or "Examples" in doc:
            continue
        arguments = _EXAMPLES.get(name)
        heading = "" if "Parameters" in doc else "\n        Parameters\n        ----------\n"
        shared = _SHARED_DOC.format(
            name=name,
            arguments=f"{arguments}, " if arguments else "",
            dtype="int64" if name in _COUNTS else "float64",
        )
        method.__doc__ = f"{doc.rstrip()}\n{heading}{shared}"


_complete_docs()
