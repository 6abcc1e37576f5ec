"""Oxidask: Dask, rebuilt in Rust.

Parallel and larger-than-memory computing with Dask's API. See :func:`delayed`, :func:`compute` and
the guide in the documentation.
"""

from __future__ import annotations

from oxidask import config, datasets
from oxidask._version import __version__
from oxidask.core import istask
from oxidask.local import get_sync as get

from oxidask.delayed import delayed  # isort: skip  # hides the submodule on purpose
from oxidask._expr import Expr, HLGExpr, LLGExpr, SingletonExpr
from oxidask.base import (
    annotate,
    compute,
    get_annotations,
    is_dask_collection,
    optimize,
    persist,
    visualize,
)

__all__ = [
    "Expr",
    "HLGExpr",
    "LLGExpr",
    "SingletonExpr",
    "__version__",
    "annotate",
    "compute",
    "config",
    "datasets",
    "delayed",
    "get",
    "get_annotations",
    "is_dask_collection",
    "istask",
    "optimize",
    "persist",
    "visualize",
]
