"""The version of the installed package."""

from __future__ import annotations

import importlib.metadata

__all__ = ["__version__"]

try:
    __version__ = importlib.metadata.version("oxidask")
except importlib.metadata.PackageNotFoundError:  # the sources themselves, not installed
    __version__ = "0+unknown"
