"""The names that keys start with: reading, replacing and varying them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from oxidask._unpack import is_dask_collection
from oxidask.core import flatten
from oxidask.tokenize import tokenize
from oxidask.typing import Key
from oxidask.utils import key_split

__all__ = ["clone_key", "get_collection_names", "get_name_from_key", "replace_name_in_key"]


def get_collection_names(collection: Any) -> set[str]:
    """Return the names of the keys of a collection: usually one.

    Examples
    --------
    >>> from oxidask import delayed
    >>> x = delayed(abs)(-1, dask_key_name="one")
    >>> get_collection_names(x)
    {'one'}
    """
    if not is_dask_collection(collection):
        raise TypeError(f"Expected Dask collection; got {type(collection)}")
    return {get_name_from_key(key) for key in flatten(collection.__dask_keys__())}


def get_name_from_key(key: Key) -> str:
    """Return the name that a key starts with.

    Examples
    --------
    >>> get_name_from_key("x-1"), get_name_from_key(("x-1", 0, 2))
    ('x-1', 'x-1')
    """
    name = key[0] if isinstance(key, tuple) and key else key
    if not isinstance(name, str):
        raise TypeError(f"Expected str or a tuple starting with str; got {key!r}")
    return name


def replace_name_in_key(key: Any, rename: Mapping[str, str]) -> Any:
    """Return `key` with the name it starts with replaced, if `rename` has it.

    Examples
    --------
    >>> replace_name_in_key(("x", 0), {"x": "y"})
    ('y', 0)
    """
    name = get_name_from_key(key)
    new = rename.get(name, name)
    if isinstance(key, tuple):
        return (new, *key[1:])
    return new


def clone_key(key: Any, seed: Hashable) -> Any:
    """Return another key with the same prefix, the same one for the same seed.

    Examples
    --------
    >>> clone_key("x-1", seed=0) == clone_key("x-1", seed=0)
    True
    >>> clone_key(("x-1", 0), seed=0)[1]
    0
    """
    name = get_name_from_key(key)
    if isinstance(key, tuple):
        return (clone_key(name, seed), *key[1:])
    return f"{key_split(name)}-{tokenize(name, seed)}"
