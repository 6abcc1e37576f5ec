"""Functions that users have called with every new array: the setting ``array_plugins``."""

from __future__ import annotations

from typing import Any

from oxidask import config

__all__ = ["plugged"]


def plugged(array: Any) -> Any:
    """Return a new array, or what the plugins make of it.

    Parameters
    ----------
    array
        The array; each plugin gets what the one before it gave, unless that was None.

    Examples
    --------
    >>> import oxidask, oxidask.array as da
    >>> with oxidask.config.set(array_plugins=[lambda x: x.compute()]):
    ...     da.ones(2)
    array([1., 1.])
    """
    for plugin in config.get("array_plugins", None) or ():
        result = plugin(array)
        if result is not None:
            array = result
    return array
