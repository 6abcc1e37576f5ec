"""Products that sum over axes: ``dot``, ``matmul``, ``tensordot``, ``vdot``, ``einsum``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from oxidask import _native
from oxidask.array._chunk_counts import warn_of_more_blocks
from oxidask.array.core import Array, asanyarray, blockwise_layer, new_array
from oxidask.tokenize import tokenize

__all__ = ["contract", "dot", "einsum", "matmul", "tensordot", "vdot"]


def contract(
    a: Array, b: Array, a_labels: Sequence[int], b_labels: Sequence[int], out: Sequence[int]
) -> Array:
    """Sum products over the axes whose label the result hasn't got.

    Parameters
    ----------
    a, b
        Arrays.
    a_labels, b_labels, out
        A number for each axis; axes of one number are one axis.

    Examples
    --------
    >>> import oxidask.array as da
    >>> from oxidask.array.contractions import contract
    >>> x = da.ones((2, 3), chunks=1)
    >>> contract(x, x, [0, 1], [2, 1], [0, 2]).compute()
    array([[3., 3.],
           [3., 3.]])
    """
    expr = _native.array_contract(a._expr, b._expr, list(a_labels), list(b_labels), list(out))
    if expr.typestr is not None:
        return new_array(expr)
    from oxidask.array._numpy_linalg import _product

    return new_array(expr, _product(a._meta, b._meta, list(a_labels), list(b_labels), list(out)))


def tensordot(lhs: Any, rhs: Any, axes: Any = 2) -> Array:
    """Sum products over pairs of axes.

    Parameters
    ----------
    lhs, rhs
        Arrays.
    axes
        How many of the last axes of `lhs` meet the first of `rhs`, or the axes of each.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((4, 6), chunks=2)
    >>> da.tensordot(x, x, axes=2).compute()
    np.float64(24.0)
    """
    lhs, rhs = asanyarray(lhs), asanyarray(rhs)
    if isinstance(axes, (tuple, list)) and len(axes) == 2:
        left, right = (list(one) if np.iterable(one) else [one] for one in axes)
    else:
        count = int(axes)
        left, right = list(range(lhs.ndim - count, lhs.ndim)), list(range(count))
    left = [axis + lhs.ndim if axis < 0 else axis for axis in left]
    right = [axis + rhs.ndim if axis < 0 else axis for axis in right]
    fits = len(left) == len(right) and all(
        0 <= i < lhs.ndim and 0 <= j < rhs.ndim for i, j in zip(left, right, strict=True)
    )
    if not fits:
        raise ValueError(
            f"shape-mismatch for sum: axes {axes} of arrays of shapes {lhs.shape} and {rhs.shape}"
        )
    a_labels = list(range(lhs.ndim))
    b_labels = list(range(lhs.ndim, lhs.ndim + rhs.ndim))
    for i, j in zip(left, right, strict=True):
        b_labels[j] = a_labels[i]
    out = [label for label in a_labels if label not in b_labels]
    out += [label for label in b_labels if label not in a_labels]
    result = contract(lhs, rhs, a_labels, b_labels, out)
    warn_of_more_blocks([lhs, rhs], [result], stacklevel=3)
    return result


def dot(a: Any, b: Any) -> Any:
    """Return the dot product by NumPy's rules.

    Parameters
    ----------
    a, b
        Arrays: the last axis of `a` meets the last but one of `b`.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((2, 3), chunks=2)
    >>> da.dot(x, x.T).compute()
    array([[3., 3.],
           [3., 3.]])
    """
    a, b = asanyarray(a), asanyarray(b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tensordot(a, b, axes=((a.ndim - 1,), (max(b.ndim - 2, 0),)))


def matmul(a: Any, b: Any) -> Array:
    """Return the matrix product, of stacks of matrices too.

    Parameters
    ----------
    a, b
        Arrays of at least one dimension.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((2, 3), chunks=2)
    >>> da.matmul(x, x.T).compute()
    array([[3., 3.],
           [3., 3.]])
    """
    a, b = asanyarray(a), asanyarray(b)
    expr = _native.array_matmul(a._expr, b._expr)
    if expr.typestr is not None:
        return new_array(expr)
    return new_array(expr, np.matmul(a._meta, b._meta))


def vdot(a: Any, b: Any) -> Array:
    """Return the sum of products of all elements, those of `a` conjugated.

    Parameters
    ----------
    a, b
        Arrays of one size.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((2, 3), chunks=2)
    >>> da.vdot(x, x).compute()
    np.float64(6.0)
    """
    a, b = asanyarray(a), asanyarray(b)
    if a.dtype.kind == "c":
        a = a.conj()
    if a.shape != b.shape:
        a, b = a.ravel(), b.ravel()
    return tensordot(a, b, axes=a.ndim)


def _parse(subscripts: str, operands: Sequence[Array]) -> tuple[list[list[Any]], list[Any]]:
    """Return the labels of the operands and of the result."""
    subscripts = subscripts.replace(" ", "")
    left, arrow, right = subscripts.partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(
            f"einsum's subscripts {subscripts!r} name {len(terms)} operands, but there are "
            f"{len(operands)}"
        )
    labels = []
    widest = 0
    for term, operand in zip(terms, operands, strict=True):
        head, dots, tail = term.partition("...")
        extra = operand.ndim - len(head) - len(tail)
        if extra < 0 or (extra and not dots):
            raise ValueError(f"einsum's operand {term!r} has shape {operand.shape}")
        widest = max(widest, extra)
        labels.append([*head, *range(-extra, 0), *tail])
    if arrow:
        head, dots, tail = right.partition("...")
        out: list[Any] = [*head, *(range(-widest, 0) if dots else ()), *tail]
    else:
        letters = [label for one in labels for label in one if isinstance(label, str)]
        once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        out = [*range(-widest, 0), *once]
    known = {label for one in labels for label in one}
    unknown = [label for label in out if label not in known]
    if unknown or len(set(out)) < len(out):
        raise ValueError(f"einsum's output {right!r} does not follow from {left!r}")
    return labels, out


def _interleaved(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return subscripts and arrays of the form ``a, [0, 1], b, [1, 2], [0, 2]``."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

    def term(axes: Any) -> str:
        return "".join("..." if axis is Ellipsis else letters[axis] for axis in axes)

    arrays, terms = list(operands[0 : len(operands) // 2 * 2 : 2]), operands[1::2]
    subscripts = ",".join(map(term, terms))
    if len(operands) % 2:
        subscripts += "->" + term(operands[-1])
    return subscripts, arrays


def _without_repeats(x: Array, labels: list[Any]) -> tuple[Array, list[Any]]:
    """Take the diagonal of axes that share a label."""
    distinct = list(dict.fromkeys(labels))
    if len(distinct) == len(labels):
        return x, labels
    # The diagonal of an axis in several blocks lies in the blocks of the grid's diagonal: that
    # axis is brought into one block.
    repeated = {label for label in labels if labels.count(label) > 1}
    x = x.rechunk({i: -1 for i, label in enumerate(labels) if label in repeated})
    chunks = tuple(x.chunks[labels.index(label)] for label in distinct)
    numbers = [distinct.index(label) for label in labels]
    out = list(range(len(distinct)))
    name = f"einsum-diagonal-{tokenize(x, numbers)}"
    block = ("blocks", x, numbers, [False] * x.ndim)
    args = [("literal", None), block]
    result = blockwise_layer(
        name,
        _diagonal,
        args[1:],
        chunks,
        np.einsum(x._meta, numbers, out),
        kwargs={"numbers": numbers, "out": out},
    )
    return result, distinct


def _diagonal(block: Any, numbers: Sequence[int], out: Sequence[int]) -> Any:
    return np.einsum(block, list(numbers), list(out))


def _summed(x: Array, labels: list[Any], kept: set[Any]) -> tuple[Array, list[Any]]:
    """Sum over the axes whose labels nobody else needs."""
    gone = tuple(i for i, label in enumerate(labels) if label not in kept)
    if gone:
        x = x.sum(axis=gone, dtype=x.dtype)
        labels = [label for label in labels if label in kept]
    return x, labels


def _pair(
    a: tuple[Array, list[Any]], b: tuple[Array, list[Any]], needed: set[Any]
) -> tuple[Array, list[Any]]:
    """Contract two operands; `needed` are the labels that others or the result have."""
    (x, left), (y, right) = a, b
    for label in set(left) & set(right) - needed:
        # An axis of extent 1 that is summed against a longer one only repeats.
        for one, other in ((0, 1), (1, 0)):
            arrays, axes = [x, y], [left, right]
            at = axes[one].index(label) if label in axes[one] else None
            if at is None or label not in axes[other]:
                continue
            if arrays[one].shape[at] == 1 != arrays[other].shape[axes[other].index(label)]:
                arrays[one] = arrays[one][(slice(None),) * at + (0,)]
                axes[one] = axes[one][:at] + axes[one][at + 1 :]
                x, y = arrays
                left, right = axes
    x, left = _summed(x, left, needed | set(right))
    y, right = _summed(y, right, needed | set(left))
    out = [label for label in dict.fromkeys((*left, *right)) if label in needed]
    numbers = {label: i for i, label in enumerate(dict.fromkeys((*left, *right)))}
    result = contract(
        x,
        y,
        [numbers[label] for label in left],
        [numbers[label] for label in right],
        [numbers[label] for label in out],
    )
    return result, out


def _path(labels: list[list[Any]], out: list[Any], shapes: Sequence[Any], optimize: Any) -> Any:
    """Return which operands to contract, step by step."""
    if len(labels) < 3:
        return [tuple(range(len(labels)))]
    if isinstance(optimize, (list, tuple)):
        return [step for step in optimize if not isinstance(step, str)]
    names = {
        label: i for i, label in enumerate(dict.fromkeys(name for one in labels for name in one))
    }
    args: list[Any] = []
    for one, shape in zip(labels, shapes, strict=True):
        known = [1 if math.isnan(n) else n for n in shape]
        args += [np.broadcast_to(0.0, known), [names[label] for label in one]]
    how = optimize if isinstance(optimize, str) else "greedy"
    path = np.einsum_path(*args, [names[label] for label in out], optimize=how)[0]
    return path[1:]


def einsum(
    *operands: Any,
    dtype: Any = None,
    optimize: Any = False,
    split_every: Any = None,
    **kwargs: Any,
) -> Array:
    """Sum products by Einstein's convention.

    Parameters
    ----------
    *operands
        Subscripts and arrays, as NumPy's.
    dtype
        The dtype to compute in.
    optimize
        How the order of contractions is found, where there are more than two operands: one of
        NumPy's names, or a path.
    split_every
        Taken for compatibility: sums are split by bytes.
    **kwargs
        ``casting`` and ``order`` of NumPy's.

    Examples
    --------
    >>> import oxidask.array as da
    >>> x = da.ones((4, 6), chunks=2)
    >>> da.einsum("ij,kj->ik", x, x).sum().compute()
    np.float64(96.0)
    """
    casting = kwargs.pop("casting", "safe")
    kwargs.pop("order", None)
    if kwargs:
        raise TypeError(f"einsum() got unexpected keyword arguments {sorted(kwargs)}")
    if isinstance(operands[0], str):
        subscripts, arrays = operands[0], list(operands[1:])
    else:
        subscripts, arrays = _interleaved(operands)
    xs = [asanyarray(x) for x in arrays]
    wanted = np.result_type(*(x.dtype for x in xs)) if dtype is None else np.dtype(dtype)
    for x in xs:
        if not np.can_cast(x.dtype, wanted, casting):
            raise TypeError(
                f"Cannot cast an einsum operand from {x.dtype} to {wanted} by the rule {casting!r}"
            )
    labels, out = _parse(subscripts, xs)
    terms = [_without_repeats(x.astype(wanted), one) for x, one in zip(xs, labels, strict=True)]
    for step in _path([t[1] for t in terms], out, [t[0].shape for t in terms], optimize):
        chosen = [terms[i] for i in step]
        terms = [term for i, term in enumerate(terms) if i not in step]
        while len(chosen) > 1:
            others = chosen[2:] + terms
            needed = set(out).union(*(one for _, one in others))
            chosen = [_pair(chosen[0], chosen[1], needed), *chosen[2:]]
        terms.append(chosen[0])
    while len(terms) > 1:
        needed = set(out).union(*(one for _, one in terms[2:]))
        terms = [_pair(terms[0], terms[1], needed), *terms[2:]]
    result, left = _summed(*terms[0], set(out))
    order = [left.index(label) for label in out]
    return result if order == list(range(len(order))) else result.transpose(order)
