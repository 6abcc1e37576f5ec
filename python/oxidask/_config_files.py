"""Files of settings: which ones there are, and what one says."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

from oxidask import _native

SUFFIXES = (".json", ".yaml", ".yml")


def load_file(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Read one file; ``None`` when it is empty, gone, or not ours to read."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8")
    except OSError:
        return None
    except UnicodeDecodeError as error:
        raise ValueError(
            f"The configuration file {str(path)!r} is malformed, original error message:\n\n{error}"
        ) from error
    try:
        tree = _native.yaml_load(text)
    except ValueError as error:
        raise ValueError(
            f"The configuration file {str(path)!r} is malformed, original error message:\n\n{error}"
        ) from error
    if tree is not None and not isinstance(tree, dict):
        raise ValueError(
            f"The configuration file {str(path)!r} is malformed: it must have a dict at its top "
            f"level, not a {type(tree).__name__}"
        )
    return tree


def find_files(places: Iterable[str | os.PathLike[str]]) -> Iterator[pathlib.Path]:
    for place in places:
        if os.path.isdir(place):
            try:
                names = sorted(os.listdir(place))
            except OSError:
                continue  # a folder that we may not read is like one that is not there
            for name in names:
                if os.path.splitext(name)[1].lower() in SUFFIXES:
                    yield pathlib.Path(place, name)
        elif os.path.exists(place):
            yield pathlib.Path(place)
