"""What writers have in common: names of files, and how writing is started."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

from oxidask.base import compute as compute_all
from oxidask.dataframe._collection import new_collection, python_layer
from oxidask.dataframe._needs import pandas as pd
from oxidask.dataframe._partitions import PerPartition
from oxidask.dataframe._sources import Target, is_remote, listed, targets

__all__ = ["computed", "numbered", "path_series"]


def path_series() -> Any:
    """Return what a task that writes gives: nothing of interest, as an empty meta."""
    return pd.Series([0]).iloc[:0]


def numbered(
    filename: Any,
    n: int,
    name_function: Callable[[int], str] | None,
    suffix: str,
    storage_options: Any = None,
) -> list[Target]:
    """Return a file for each partition.

    Parameters
    ----------
    filename
        A list of paths, a path with a ``*`` for the partition's number, or a folder.
    n
        How many partitions there are.
    name_function
        Gives what stands in place of ``*``.
    suffix
        The end of the names of files in a folder.

    Raises
    ------
    ValueError
        If there are not as many paths as partitions, or two are the same.
    """
    if isinstance(filename, (list, tuple)):
        if len(filename) != n:
            raise ValueError(f"{len(filename)} paths for {n} partitions")
        files = targets(list(filename), None, storage_options)
    else:
        path = listed(filename)[0]
        if path.count("*") > 1:
            raise ValueError("Output path spec must contain at most one '*'.")
        width = len(str(n - 1))
        name = name_function or (lambda i: str(i).zfill(width))
        names = [name(i) for i in range(n)]
        if "*" in path:
            files = targets([path.replace("*", one) for one in names], None, storage_options)
        else:
            files = targets(path, [f"{one}{suffix}" for one in names], storage_options)
    if len({file.path for file in files}) != n:
        raise ValueError("name_function must give another name for each partition")
    made = set()
    for file in files:
        folder = os.path.dirname(file.inner)
        if folder not in made:
            file.make_folder()
            made.add(folder)
    return files


def computed(
    written: Any,
    files: list[Target],
    compute: bool,
    options: dict[str, Any] | None,
) -> Any:
    """Write now and return the paths; or return a delayed value of each path."""
    told = python_layer(
        _path,
        [("partition", written), ("per_block", PerPartition([file.path for file in files]))],
        len(files),
        name="path",
    )
    delayed = new_collection(told, path_series()).to_delayed()
    if not compute:
        return delayed
    return list(compute_all(*delayed, **(options or {})))


def scheduled(scheduler: Any, options: dict[str, Any] | None) -> dict[str, Any]:
    """Return keywords of ``compute``; `scheduler` as a keyword of writers is going away.

    Raises
    ------
    ValueError
        If two schedulers are named.
    """
    options = dict(options or {})
    if scheduler is not None:
        warnings.warn(
            "the keyword scheduler is deprecated: use compute_kwargs={'scheduler': ...}",
            FutureWarning,
            stacklevel=4,
        )
        if options.get("scheduler", scheduler) is not scheduler:
            raise ValueError(
                f"Differing values for 'scheduler': {scheduler!r} and {options['scheduler']!r}"
            )
        options["scheduler"] = scheduler
    return options


def _path(_: Any, path: str) -> str:
    return path


def is_local(path: Any) -> bool:
    """Whether one path, or the first of several, is on this machine."""
    return not is_remote(listed(path)[0])
