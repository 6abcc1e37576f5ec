"""Nested sequences and cumulative sizes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


def deepmap(func: Callable[..., Any], *seqs: Any) -> Any:
    """Map a function over nested lists of the same shape.

    Examples
    --------
    >>> deepmap(lambda x, y: x + y, [[1, 2], [3]], [[10, 20], [30]])
    [[11, 22], [33]]
    """
    if isinstance(seqs[0], (list, Iterator)):
        return [deepmap(func, *items) for items in zip(*seqs, strict=False)]
    return func(*seqs)


def homogeneous_deepmap(func: Callable[[Any], Any], seq: Any) -> Any:
    """Map a function over nested lists of even depth.

    Examples
    --------
    >>> homogeneous_deepmap(str, [[1, 2], [3]])
    [['1', '2'], ['3']]
    """
    if not seq:
        return seq
    return ndeepmap(ndimlist(seq), func, seq)


def ndeepmap(n: int, func: Callable[[Any], Any], seq: Any) -> Any:
    """Map a function over what lies ``n`` levels deep in nested lists.

    A list in place of a bare value stands for its first item when ``n`` is 0.

    Examples
    --------
    >>> ndeepmap(2, str, [[1, 2], [3]])
    [['1', '2'], ['3']]
    >>> ndeepmap(0, str, [1])
    '1'
    """
    if n > 0:
        return [ndeepmap(n - 1, func, item) for item in seq]
    return func(seq[0] if isinstance(seq, list) else seq)


def ndimlist(seq: Any) -> int:
    """How deep lists are nested.

    Examples
    --------
    >>> ndimlist([[1, 2], [3]]), ndimlist(1)
    (2, 0)
    """
    if not isinstance(seq, (list, tuple)):
        return 0
    return 1 + ndimlist(seq[0]) if seq else 1


def concrete(seq: Any) -> Any:
    """Turn nested iterators into nested lists.

    Examples
    --------
    >>> concrete(map(iter, [[1, 2], [3]]))
    [[1, 2], [3]]
    """
    if isinstance(seq, Iterator):
        seq = list(seq)
    if isinstance(seq, (tuple, list)):
        return list(map(concrete, seq))
    return seq


def unzip(ls: Iterable[Sequence[Any]], nout: int) -> list[tuple[Any, ...]]:
    """Turn a list of rows into ``nout`` columns.

    Examples
    --------
    >>> unzip([(1, "a"), (2, "b")], 2), unzip([], 2)
    ([(1, 2), ('a', 'b')], [(), ()])
    """
    return list(zip(*ls, strict=False)) or [() for _ in range(nout)]


def insert(tup: Iterable[Any], loc: int, val: Any) -> tuple[Any, ...]:
    """A tuple with another value at a place.

    Examples
    --------
    >>> insert(("a", "b", "c"), 0, "x")
    ('x', 'b', 'c')
    """
    items = list(tup)
    items[loc] = val
    return tuple(items)


def digit(n: int, k: int, base: int) -> int:
    """The ``k``-th digit of a number, the last one first.

    Examples
    --------
    >>> [digit(1234, k, 10) for k in range(4)]
    [4, 3, 2, 1]
    """
    return int(n // base**k % base)


def iter_chunks(sizes: Iterable[float], max_size: float) -> Iterator[list[float]]:
    """Cut a run of sizes into runs whose sum is at most ``max_size``.

    Raises
    ------
    ValueError
        When a size is larger than ``max_size`` by itself.

    Examples
    --------
    >>> list(iter_chunks([2, 3, 4, 1], 5))
    [[2, 3], [4, 1]]
    """
    chunk: list[float] = []
    total: float = 0
    for size in sizes:
        if size > max_size:
            raise ValueError(f"size {size} is larger than max_size={max_size}: raise max_size")
        if total + size > max_size:
            yield chunk
            chunk, total = [], 0
        chunk.append(size)
        total += size
    if chunk:
        yield chunk


#: By identity of the tuple, which the entry holds, so that no other takes its address.
_cumsum_cache: dict[tuple[int, bool], tuple[Any, tuple[Any, ...]]] = {}
_max_cache: dict[int, tuple[Any, Any]] = {}
_CACHED = 4096


def cached_cumsum(seq: Any, initial_zero: bool = False) -> tuple[Any, ...]:
    """Running sum of a sequence; that of a tuple is remembered.

    Parameters
    ----------
    seq : sequence of numbers
    initial_zero : bool
        Whether to begin with 0.

    Examples
    --------
    >>> cached_cumsum((1, 2, 3)), cached_cumsum((1, 2, 3), initial_zero=True)
    ((1, 3, 6), (0, 1, 3, 6))
    """
    key = (id(seq), initial_zero)
    found = _cumsum_cache.get(key)
    if found is not None and found[0] is seq:
        return found[1]
    total = tuple(itertools.accumulate(seq, initial=0 if initial_zero else None))
    if isinstance(seq, tuple):
        if len(_cumsum_cache) >= _CACHED:
            _cumsum_cache.clear()
        _cumsum_cache[key] = (seq, total)
    return total


def cached_max(seq: tuple[Any, ...]) -> Any:
    """Largest item of a tuple, remembered; NaN if one is.

    Examples
    --------
    >>> cached_max((1, 3, 2))
    3
    """
    found = _max_cache.get(id(seq))
    if found is not None and found[0] is seq:
        return found[1]
    unknown = any(isinstance(item, float) and math.isnan(item) for item in seq)
    largest = math.nan if unknown else max(seq)
    if isinstance(seq, tuple):
        if len(_max_cache) >= _CACHED:
            _max_cache.clear()
        _max_cache[id(seq)] = (seq, largest)
    return largest


def ensure_dict(d: Mapping[K, V], *, copy: bool = False) -> dict[K, V]:
    """A mapping as a dict: itself, if it is one.

    Parameters
    ----------
    d : mapping
    copy : bool
        Whether to copy a dict too.

    Examples
    --------
    >>> d = {"x": 1}
    >>> ensure_dict(d) is d, ensure_dict(d, copy=True) is d
    (True, False)
    """
    if type(d) is dict:
        return d.copy() if copy else d
    return dict(d)


def ensure_set(s: Set[T], *, copy: bool = False) -> set[T]:
    """A set as a plain set: itself, if it is one.

    Examples
    --------
    >>> ensure_set(frozenset([1]))
    {1}
    """
    if type(s) is set:
        return s.copy() if copy else s
    return set(s)
