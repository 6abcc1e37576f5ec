"""The tree that configuration lives in: names, merging, setting and taking back.

Plain functions over nested dictionaries; which tree, which files and which lock is the business
of `oxidask.config`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

Tree = dict[str, Any]
Priority = Literal["new", "old", "new-defaults"]
#: How to take back one assignment: what happened, where, and the value that was there.
Change = tuple[Literal["insert", "replace"], tuple[str, ...], Any]

#: The tree that the whole process reads, as `oxidask.config.config`.
GLOBAL: Tree = {}
#: Stands for a setting that is not there.
ABSENT: Final = object()


def canonical_name(k: str, config: Mapping[str, Any]) -> str:
    """Return the spelling under which `config` already holds `k`.

    ``-`` and ``_`` are the same in names.  A name that `config` does not hold in any
    spelling comes back as it is.

    Parameters
    ----------
    k
        One name, without dots.
    config
        The mapping to look in; only its own level is searched.

    Examples
    --------
    >>> canonical_name("chunk_size", {"chunk-size": "1MiB"})
    'chunk-size'
    >>> canonical_name("new_name", {})
    'new_name'
    """
    if k in config:
        return k
    dashed = k.replace("_", "-")
    if dashed in config:
        return dashed
    underscored = k.replace("-", "_")
    if underscored in config:
        return underscored
    if dashed.count("-") > 1:  # only then can `config` hold a spelling that mixes both
        for name in list(config):  # a copy: another thread may add names meanwhile
            if isinstance(name, str) and name.replace("_", "-") == dashed:
                return name
    return k


def update(
    old: Tree,
    new: Mapping[str, Any],
    priority: Priority = "new",
    defaults: Mapping[str, Any] | None = None,
) -> Tree:
    """Merge `new` into `old`, in place, level by level.

    Parameters
    ----------
    old
        The tree that is changed.
    new
        What is merged into it.
    priority
        Whose value stays where both have one: ``"new"``, ``"old"``, or ``"new-defaults"``,
        which takes the new value only where the old one equals that of `defaults`.
    defaults
        The former defaults, for ``"new-defaults"``.

    Returns
    -------
    dict
        `old` itself.

    Examples
    --------
    >>> update({"x": 1, "y": {"a": 1}}, {"x": 2, "y": {"b": 3}})
    {'x': 2, 'y': {'a': 1, 'b': 3}}
    >>> update({"x": 1}, {"x": 2, "z": 3}, priority="old")
    {'x': 1, 'z': 3}
    """
    if priority not in ("new", "old", "new-defaults"):
        raise ValueError(f"priority must be 'new', 'old' or 'new-defaults', not {priority!r}")
    for k, value in new.items():
        k = canonical_name(k, old)
        former = None if defaults is None else defaults.get(canonical_name(k, defaults))
        if isinstance(value, Mapping):
            # A section replaces a plain value whatever the priority: code that was written for
            # the section reads names inside it.
            if not isinstance(old.get(k), dict):
                section = old.get(k)
                old[k] = dict(section) if isinstance(section, Mapping) else {}
            update(old[k], value, priority, former if isinstance(former, Mapping) else None)
        elif (
            priority == "new"
            or k not in old
            or (
                priority == "new-defaults"
                and defaults is not None
                and canonical_name(k, defaults) in defaults
                and bool(former == old[k])
            )
        ):
            old[k] = value
    return old


def merge(*dicts: Mapping[str, Any]) -> Tree:
    """Merge trees into a new one; later trees win.

    Examples
    --------
    >>> merge({"x": 1, "y": {"a": 2}}, {"y": {"b": 3}})
    {'x': 1, 'y': {'a': 2, 'b': 3}}
    """
    result: Tree = {}
    for tree in dicts:
        update(result, tree)
    return result


def assign(tree: Tree, key: str, value: Any, changes: list[Change]) -> None:
    """Set one dotted name, noting in `changes` how to take it back."""
    node: Any = tree
    names = key.split(".")
    path: tuple[str, ...] = ()
    for depth, name in enumerate(names):
        name = canonical_name(name, node)
        path += (name,)
        rest = names[depth + 1 :]
        present = name in node
        if present and rest and isinstance(node[name], Mapping):
            node = node[name]
            continue
        if present and rest and node[name] is not None:
            held = ".".join(path)
            raise TypeError(
                f"cannot set {key!r}: {held!r} holds {node[name]!r}, which has no names inside; "
                f"set {held!r} itself, to a dict"
            )
        changes.append(("replace", path, node[name]) if present else ("insert", path, None))
        for inner in reversed(rest):
            value = {inner: value}
        node[name] = value
        return


def take_back(tree: Tree, changes: list[Change]) -> None:
    for kind, (*parents, last), value in reversed(changes):
        node: Any = tree
        for name in parents:
            node = node.setdefault(name, {}) if kind == "replace" else node.get(name, {})
            if not isinstance(node, dict):
                break  # someone put a plain value there meanwhile: theirs stays
        else:
            if kind == "replace":
                node[last] = value
            else:
                node.pop(last, None)
    changes.clear()


def remove(tree: Mapping[str, Any], key: str, default: Any) -> Any:
    """Take a dotted name out of `tree` and return its value, or else `default`."""
    node: Any = tree
    *parents, last = key.split(".")
    try:
        for name in parents:
            node = node[canonical_name(name, node)]
        return node.pop(canonical_name(last, node))
    except (KeyError, TypeError, AttributeError, IndexError):
        return default
