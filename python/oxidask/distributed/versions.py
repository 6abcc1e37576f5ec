"""Versions of Python and of packages: they must be alike in all processes of a cluster."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "VersionMismatchWarning",
    "error_message",
    "get_package_info",
    "get_system_info",
    "get_versions",
]

#: Packages that matter to what is sent around.
_PACKAGES = (
    "python", "oxidask", "cloudpickle", "numpy", "pandas", "pyarrow", "msgpack", "toolz",
    "tornado", "lz4", "xarray", "scipy",
)  # fmt: skip
#: Differences in these matter: values and functions travel as they pickle them.
_CRITICAL = ("python", "oxidask", "cloudpickle", "numpy", "pandas")


class VersionMismatchWarning(Warning):
    """Processes of a cluster have different versions of a package."""


def get_versions(packages: Iterable[str] | None = None) -> dict[str, dict[str, Any]]:
    """Return what this process runs on.

    Parameters
    ----------
    packages
        Further packages.

    Returns
    -------
    dict
        ``"host"``: the system; ``"packages"``: versions, None where there is no such package.

    Examples
    --------
    >>> get_versions()["packages"]["python"].count(".") >= 2
    True
    """
    return {"host": get_system_info(), "packages": get_package_info(packages or ())}


def get_system_info() -> dict[str, Any]:
    """Return the system that this process runs on."""
    return {
        "python": platform.python_version(),
        "python-bits": 64 if sys.maxsize > 2**32 else 32,
        "OS": platform.system(),
        "OS-release": platform.release(),
        "machine": platform.machine(),
        "processor": platform.processor(),
        "byteorder": sys.byteorder,
        "LC_ALL": os.environ.get("LC_ALL", "None"),
        "LANG": os.environ.get("LANG", "None"),
    }


def get_package_info(packages: Iterable[str] = ()) -> dict[str, str | None]:
    """Return versions of packages, without importing them."""
    found: dict[str, str | None] = {}
    for name in dict.fromkeys([*_PACKAGES, *packages]):
        if name == "python":
            found[name] = ".".join(str(part) for part in sys.version_info)
        elif name == "oxidask":
            from oxidask import __version__

            found[name] = __version__
        else:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = None
    return found


def error_message(
    scheduler: Mapping[str, Any],
    workers: Mapping[str, Any],
    source: Any,
    source_name: str = "Client",
) -> dict[str, Any]:
    """Return a table of the packages that differ.

    Parameters
    ----------
    scheduler, source
        Versions of the scheduler and of the process that asks.
    workers
        Versions of workers by address.
    source_name
        What to call the process that asks.

    Returns
    -------
    dict
        ``"warning"``: text, empty if all is well; ``"error"``: None.
    """
    nodes = {source_name: source, "Scheduler": scheduler, **workers}
    rows = []
    for package in _CRITICAL:
        seen = {
            name: (node or {}).get("packages", {}).get(package, "MISSING")
            for name, node in nodes.items()
        }
        if len(set(map(str, seen.values()))) > 1:
            rows += [(package, name, str(version)) for name, version in seen.items()]
    if not rows:
        return {"warning": "", "error": None}
    from oxidask.utils import asciitable

    return {
        "warning": "Mismatched versions found\n\n"
        + asciitable(["Package", "Process", "Version"], rows),
        "error": None,
    }
