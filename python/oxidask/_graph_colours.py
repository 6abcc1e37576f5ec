"""Colours for drawn task graphs: figures of each task, and scales that turn them into colours."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["KINDS", "colour_map", "colours", "figures"]

KINDS = ("order", "age", "ages", "freed", "memoryincreases", "memorydecreases", "memorypressure")

# The perceptual scales of matplotlib (public domain, CC0), at 17 even steps.
_SCALES = {
    "plasma": (
        "0d0887 310597 4c02a1 6600a7 7e03a8 9511a1 aa2395 bc3587 cc4778 "
        "da5a6a e66c5c f0804e f89540 fdac33 fdc527 f8df25 f0f921"
    ),
    "viridis": (
        "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
        "1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725"
    ),
    "inferno": (
        "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 "
        "d24644 e45a31 f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4"
    ),
}


def figures(
    kind: str,
    order: Mapping[Any, int],
    dependencies: Mapping[Any, set[Any]],
) -> tuple[dict[Any, int], dict[Any, int]]:
    """Figures of each key: of its task, and of the data that the task makes.

    Parameters
    ----------
    kind
        One of ``KINDS``.
    order
        When each key is run.
    dependencies
        The keys that each key needs.

    Returns
    -------
    tuple of dict
        The figure of each key's task and of its data. They differ for ``"memorypressure"`` only:
        how many data are held when the task is run, and when its data are released.

    Examples
    --------
    A pair of tasks whose data live until both are added:

    >>> dependencies = {"a": set(), "b": set(), "c": {"a", "b"}}
    >>> figures("ages", {"a": 0, "b": 1, "c": 2}, dependencies)[0]
    {'a': 2, 'b': 1, 'c': 0}
    >>> figures("freed", {"a": 0, "b": 1, "c": 2}, dependencies)[0]
    {'a': 0, 'b': 0, 'c': 2}
    """
    if kind not in KINDS:
        known = ", ".join(map(repr, KINDS))
        raise NotImplementedError(f"Unknown value color={kind!r}; use one of {known}, or None")
    if kind == "order":
        return dict(order), dict(order)
    keys = sorted(order, key=order.__getitem__)
    last_reader = {dep: key for key in keys for dep in dependencies[key]}
    if kind in ("age", "ages"):
        ages = {key: order[last_reader.get(key, key)] - order[key] for key in keys}
        return ages, ages
    freed = dict.fromkeys(keys, 0)
    for key in last_reader.values():
        freed[key] += 1
    if kind == "freed":
        return freed, freed
    held_when_run = {}
    held = 0
    for key in keys:
        held_when_run[key] = held
        # A key that nobody reads is a result, which is handed over and not held here.
        held += (key in last_reader) - freed[key]
    held_when_released = {key: held_when_run[last_reader.get(key, key)] for key in keys}
    if kind == "memorypressure":
        return held_when_run, held_when_released
    sign = 1 if kind == "memoryincreases" else -1
    growth = {key: max(0, sign * (held_when_released[key] - held_when_run[key])) for key in keys}
    return growth, growth


def colours(
    values: Mapping[Any, float], cmap: Any = None, maxval: float | None = None
) -> dict[Any, str]:
    """The colour of each value, from 0 to `maxval` (or the largest value).

    Examples
    --------
    >>> colours({"a": 0, "b": 2, "c": 1})
    {'a': '#0d0887', 'b': '#f0f921', 'c': '#cc4778'}
    """
    scale = colour_map(cmap)
    top = max(1, max(values.values(), default=1)) if maxval is None else maxval
    if not top > 0:
        raise ValueError(f"maxval={maxval!r} must be larger than 0")
    return {key: scale(min(max(value / top, 0.0), 1.0)) for key, value in values.items()}


def colour_map(cmap: Any = None) -> Callable[[float], str]:
    """A function from 0...1 to ``"#rrggbb"``.

    Parameters
    ----------
    cmap
        ``"plasma"`` (the default), ``"viridis"``, ``"inferno"``, the name of a scale of
        matplotlib if that is installed, or a function from 0...1 to red, green and blue, 0...1.

    Examples
    --------
    >>> colour_map("viridis")(0.0), colour_map(lambda x: (x, x, x))(0.5)
    ('#440154', '#808080')
    """
    if callable(cmap):
        return lambda x: _hexadecimal([255 * float(part) for part in cmap(x)[:3]])
    name = "plasma" if cmap is None else str(cmap)
    if name in _SCALES:
        steps = [bytes.fromhex(step) for step in _SCALES[name].split()]
        return lambda x: _between(steps, x)
    try:
        return colour_map(importlib.import_module("matplotlib").colormaps[name])
    except (ImportError, KeyError):
        known = ", ".join(map(repr, _SCALES))
        raise ValueError(
            f"Unknown colour scale cmap={cmap!r}; use one of {known}, "
            "or pass a function from 0...1 to red, green and blue"
        ) from None


def _between(steps: list[bytes], x: float) -> str:
    place = x * (len(steps) - 1)
    first = min(int(place), len(steps) - 2)
    share = place - first
    pairs = zip(steps[first], steps[first + 1], strict=True)
    return _hexadecimal([low + share * (high - low) for low, high in pairs])


def _hexadecimal(parts: list[float]) -> str:
    return "#" + "".join(f"{int(part + 0.5):02x}" for part in parts)
