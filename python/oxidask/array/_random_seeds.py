"""Seeds of random arrays: 128-bit keys, and another one for each array of a generator."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from oxidask import _native

Key = tuple[int, int]


def key_of(seed: Any) -> Key:
    """Return the key of what NumPy takes for a seed.

    Parameters
    ----------
    seed
        None for a fresh one; an int or ints; a ``SeedSequence``; a bit generator or its class, or
        NumPy's ``Generator`` or ``RandomState``, which give their next words.
    """
    if isinstance(seed, type) and issubclass(seed, np.random.BitGenerator):
        seed = seed()
    if isinstance(seed, np.random.Generator):
        seed = seed.bit_generator
    if isinstance(seed, np.random.RandomState):
        return _pair(seed.randint(0, 1 << 64, size=2, dtype=np.uint64))
    if isinstance(seed, np.random.BitGenerator):
        high_words = [int(word) & 0xFFFF_FFFF for word in seed.random_raw(4)]
        return high_words[0] << 32 | high_words[1], high_words[2] << 32 | high_words[3]
    if not isinstance(seed, np.random.SeedSequence):
        seed = np.random.SeedSequence(seed)
    return _pair(seed.generate_state(2, np.uint64))


def _pair(words: Any) -> Key:
    first, second = (int(word) for word in words)
    return first, second


class KeySequence:
    """Keys of the arrays that one generator makes, one after the other."""

    def __init__(self, key: Key, n_used: int = 0) -> None:
        self._key = key
        self._n_used = n_used
        self._lock = threading.Lock()

    def next(self) -> Key:
        """Return the key of one more array."""
        with self._lock:
            n_used = self._n_used
            self._n_used += 1
        return _pair(_native.random_key(self._key, n_used))

    def restart(self, key: Key) -> None:
        """Start again with another key."""
        with self._lock:
            self._key, self._n_used = key, 0

    def __reduce__(self) -> Any:
        return KeySequence, (self._key, self._n_used)

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self._key, self._n_used
