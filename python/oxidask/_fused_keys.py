"""The keys of fused tasks, made of the names of their parts."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from oxidask.typing import Key
from oxidask.utils import key_split

__all__ = ["default_fused_keys_renamer", "default_fused_linear_keys_renamer"]


def default_fused_linear_keys_renamer(keys: list[Key]) -> Any:
    """Return the key of a fused chain, whose last key comes first in `keys`; None if there is none.

    Examples
    --------
    >>> default_fused_linear_keys_renamer(["c-1", "b-2", "a-3"])
    'a-b-c-1'
    """
    top, *others = keys
    return _joined_key(top, [_split_name(key) for key in reversed(others)], None)


def default_fused_keys_renamer(keys: Iterable[Key], max_fused_key_length: int | None = 120) -> Any:
    """Return the key of fused tasks, the last of `keys` being the one that remains visible.

    Parameters
    ----------
    keys
        The keys of the tasks.
    max_fused_key_length
        Longer names are cut and end in four digits of their hash; 0 or None for no limit.

    Returns
    -------
    str, tuple or None
        None if the last key has no name.

    Examples
    --------
    >>> default_fused_keys_renamer(["read-1", "clean-2", "sum-3"])
    'clean-read-sum-3'
    """
    *others, top = keys
    names = {_split_name(key) for key in others}
    names.discard(_split_name(top))
    return _joined_key(top, sorted(names), max_fused_key_length)


def _split_name(key: Any) -> str:
    return str(key_split(key))


def _joined_key(top: Any, names: list[str], limit: int | None) -> Any:
    if isinstance(top, str):
        return _shortened("-".join([*names, top]), limit)
    if isinstance(top, tuple) and top and isinstance(top[0], str):
        return (_shortened("-".join([*names, top[0]]), limit), *top[1:])
    return None


def _shortened(name: str, limit: int | None) -> str:
    if not limit or len(name) <= limit:
        return name
    digest = blake2b(name.encode(), digest_size=2).hexdigest()
    return f"{name[: limit - 5]}-{digest}"
