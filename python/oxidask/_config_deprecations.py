"""Settings that had other names once: a former name still works, and says so."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from oxidask import _native
from oxidask._config_tree import ABSENT, GLOBAL, Tree, assign, remove

#: Former names of settings; ``None`` marks a setting that was removed.
deprecations: dict[str, str | None] = dict(_native.config_deprecations())


def check_deprecations(key: str, deprecations: Mapping[str, str | None] = deprecations) -> str:
    """Return the present name of a setting, with a warning when `key` is a former one.

    Parameters
    ----------
    key
        Dotted name.
    deprecations
        Former names, and the present ones, or ``None`` for settings that are gone.

    Raises
    ------
    ValueError
        When the setting was removed.

    Examples
    --------
    >>> check_deprecations("array.chunk-size")
    'array.chunk-size'
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     check_deprecations("old_name", {"old-name": "new.name"})
    'new.name'
    """
    former = key.replace("_", "-")
    if former not in deprecations:
        return key
    present = deprecations[former]
    if present is None:
        raise ValueError(f"The setting {key!r} was removed and has no effect; do not set it")
    warn_renamed(key, present)
    return present


def warn_renamed(former: str, present: str) -> None:
    warnings.warn(
        f"The setting {former!r} is deprecated; it is called {present!r} now",
        FutureWarning,
        stacklevel=4,
    )


def rename(
    deprecations: Mapping[str, str | None] = deprecations, config: Tree | None = None
) -> dict[str, str | None]:
    """Move settings from their former names to their present ones, in place.

    Parameters
    ----------
    deprecations
        Former names, and the present ones, or ``None`` for settings that are gone.
    config
        The tree to change; the global one when omitted.

    Returns
    -------
    dict
        The part of `deprecations` that was met.

    Examples
    --------
    >>> tree = {"old_name": 1}
    >>> rename({"old-name": "new.name"}, config=tree)
    {'old-name': 'new.name'}
    >>> tree
    {'new': {'name': 1}}
    """
    tree = GLOBAL if config is None else config
    found: dict[str, str | None] = {}
    moved: list[tuple[str, Any]] = []
    for former, present in deprecations.items():
        value = remove(tree, former, ABSENT)
        if value is not ABSENT:
            found[former] = present
            if present is not None:
                moved.append((present, value))
    # Assigned last: a present name may lie inside a former one.
    for present, value in moved:
        assign(tree, present, value, [])
    return found
