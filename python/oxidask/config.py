"""Configuration: one tree of nested dictionaries, read by every part of Oxidask.

Values come, from the weakest source to the strongest, from the built-in defaults, from the
YAML files of the folders in `paths`, from ``DASK_*`` variables, from ``OXIDASK_*`` variables,
and from `set`.  Names are dotted (``"array.chunk-size"``), and ``-`` and ``_`` are the same.
Reading takes no lock; everything that writes to the tree takes `config_lock`.
"""

from __future__ import annotations

import enum
import os
import pathlib
import site
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, overload

from oxidask import _native
from oxidask._config_deprecations import (
    check_deprecations,
    deprecations,
    rename,
    warn_renamed,
)
from oxidask._config_files import find_files, load_file
from oxidask._config_tree import (
    ABSENT,
    GLOBAL,
    Change,
    Tree,
    assign,
    canonical_name,
    merge,
    remove,
    take_back,
    update,
)
from oxidask._config_values import (
    deserialize,
    expand_environment_variables,
    interpret_value,
    serialize,
)

__all__ = [
    "PATH",
    "canonical_name",
    "check_deprecations",
    "collect",
    "collect_env",
    "collect_yaml",
    "config",
    "config_lock",
    "defaults",
    "deprecations",
    "deserialize",
    "ensure_file",
    "expand_environment_variables",
    "get",
    "global_config",
    "interpret_value",
    "merge",
    "no_default",
    "paths",
    "paths_containing_key",
    "pop",
    "refresh",
    "rename",
    "serialize",
    "set",
    "update",
    "update_defaults",
]


class _NoDefault(enum.Enum):
    no_default = "no_default"


no_default: Final = _NoDefault.no_default

#: The tree that every reader sees.
config: Tree = GLOBAL
global_config: Tree = GLOBAL

#: What `update_defaults` registered, oldest first.
defaults: list[Mapping[str, Any]] = []

config_lock = threading.Lock()

#: Prefixes of environment variables, the weaker first: settings made for Dask go on working.
_PREFIXES = ("DASK_", "OXIDASK_")
#: Behind a prefix: the variable in which a parent process hands over its configuration.
_INHERIT = "INTERNAL_INHERIT_CONFIG"
#: Behind a prefix: variables that steer this module and are no settings.
_STEERING = ("CONFIG", "ROOT_CONFIG", _INHERIT)


def _user_folder() -> str:
    return os.path.join(os.path.expanduser("~"), ".config", "oxidask")


def _get_paths() -> list[str]:
    """List the places where configuration files are looked for, the weakest first."""
    places = [
        os.environ.get("OXIDASK_ROOT_CONFIG", "/etc/oxidask"),
        os.path.join(sys.prefix, "etc", "oxidask"),
        *(os.path.join(prefix, "etc", "oxidask") for prefix in site.PREFIXES),
        _user_folder(),
    ]
    if "OXIDASK_CONFIG" in os.environ:
        places.append(os.environ["OXIDASK_CONFIG"])
    # The last mention counts, so that a place named twice keeps its stronger position.
    return list(reversed(dict.fromkeys(reversed(places))))


#: Folders and files that are searched, the weakest first.
paths: list[str] = _get_paths()

#: The folder or file of the user's own settings.
PATH: str | os.PathLike[str] = os.environ.get("OXIDASK_CONFIG", _user_folder())

# Dask's names for arguments hide the module's: these are other names for the same objects.
_registered = defaults
_places = paths


def get(
    key: str,
    default: Any = no_default,
    config: Mapping[str, Any] | None = None,
    override_with: Any = None,
) -> Any:
    """Look up a setting.

    Parameters
    ----------
    key
        Dotted name, such as ``"array.chunk-size"``.
    default
        Returned when there is no such setting.
    config
        The tree to look in; the global one when omitted.
    override_with
        Returned at once unless it is ``None``: lets a keyword argument of a caller take
        precedence over the configuration in one expression.

    Raises
    ------
    KeyError
        When the setting does not exist and no default is given.

    Examples
    --------
    >>> get("array.chunk-size")
    '128MiB'
    >>> get("no.such.setting", default=3)
    3
    >>> get("array.chunk-size", override_with="1MiB")
    '1MiB'
    """
    if override_with is not None:
        return override_with
    node: Any = GLOBAL if config is None else config
    try:
        for name in key.split(".") if "." in key else (key,):
            if name not in node:
                name = canonical_name(name, node)
                if name not in node:
                    break
            node = node[name]
        else:
            return node
    except (KeyError, TypeError, IndexError):
        pass  # a plain value on the way, or a name that another thread just removed
    if default is no_default:
        raise KeyError(key)
    return default


def pop(key: str, default: Any = no_default, config: Tree | None = None) -> Any:
    """Remove a setting and return its value.

    Parameters
    ----------
    key
        Dotted name.
    default
        Returned when there is no such setting.
    config
        The tree to change; the global one when omitted.

    Raises
    ------
    KeyError
        When the setting does not exist and no default is given.

    Examples
    --------
    >>> tree = {"array": {"chunk-size": "1MiB", "backend": "numpy"}}
    >>> pop("array.chunk_size", config=tree)
    '1MiB'
    >>> tree
    {'array': {'backend': 'numpy'}}
    """
    value = remove(GLOBAL if config is None else config, key, default)
    if value is no_default:
        raise KeyError(key)
    return value


def update_defaults(
    new: Mapping[str, Any],
    config: Tree | None = None,
    defaults: list[Mapping[str, Any]] | None = None,
) -> None:
    """Register more defaults, for a library that is built on Oxidask.

    Values that a user has set stay; values that still are a former default are replaced.

    Parameters
    ----------
    new
        A tree of defaults.
    config
        The tree to change; the global one when omitted.
    defaults
        The registered defaults, to which `new` is appended; the global list when omitted.

    Examples
    --------
    >>> tree, registered = {"x": 1, "y": 5}, [{"x": 1, "y": 2}]
    >>> update_defaults({"x": 10, "y": 20, "z": 30}, config=tree, defaults=registered)
    >>> tree
    {'x': 10, 'y': 5, 'z': 30}
    """
    tree = GLOBAL if config is None else config
    registered = _registered if defaults is None else defaults
    with config_lock:
        former = merge(*registered)
        registered.append(new)
        update(tree, new, priority="new-defaults", defaults=former)


class set:
    """Change settings, for good or for the length of a ``with`` block.

    Parameters
    ----------
    arg
        Dotted names and their values.  A dict as a value replaces the whole section.
    config
        The tree to change; the global one when omitted.
    lock
        Held while the tree changes.
    **kwargs
        More settings, with ``__`` for the dots; they win over `arg`.

    Examples
    --------
    >>> import oxidask
    >>> with oxidask.config.set({"array.chunk-size": "1MiB"}):
    ...     oxidask.config.get("array.chunk-size")
    '1MiB'
    >>> oxidask.config.get("array.chunk-size")
    '128MiB'
    >>> _ = oxidask.config.set(my_library__level=3)  # stays
    >>> oxidask.config.get("my-library.level")
    3
    >>> oxidask.config.pop("my_library")
    {'level': 3}
    """

    config: Tree

    def __init__(
        self,
        arg: Mapping[str, Any] | None = None,
        config: Tree | None = None,
        lock: Any = config_lock,
        **kwargs: Any,
    ) -> None:
        self.config = GLOBAL if config is None else config
        self._lock = lock
        self._record: list[Change] = []
        settings = list(arg.items()) if arg else []
        settings += [(key.replace("__", "."), value) for key, value in kwargs.items()]
        with lock:
            try:
                for key, value in settings:
                    assign(self.config, check_deprecations(key), value, self._record)
            except BaseException:
                take_back(self.config, self._record)
                raise

    def __enter__(self) -> Tree:
        return self.config

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            take_back(self.config, self._record)


@overload
def collect_yaml(
    paths: Sequence[str | os.PathLike[str]] | None = None, *, return_paths: Literal[False] = False
) -> Iterator[Tree]: ...


@overload
def collect_yaml(
    paths: Sequence[str | os.PathLike[str]] | None = None, *, return_paths: Literal[True]
) -> Iterator[tuple[pathlib.Path, Tree]]: ...


def collect_yaml(
    paths: Sequence[str | os.PathLike[str]] | None = None, *, return_paths: bool = False
) -> Iterator[Tree] | Iterator[tuple[pathlib.Path, Tree]]:
    """Read configuration files, the weakest first.

    Parameters
    ----------
    paths
        Files, and folders whose ``.yaml``, ``.yml`` and ``.json`` files are read in the order
        of their names; `oxidask.config.paths` when omitted.
    return_paths
        Yield pairs of path and tree.

    Raises
    ------
    ValueError
        When a file is no YAML or no mapping.  Files that can't be opened are passed over.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "my.yaml").write_text("array: {chunk-size: 1MiB}")
    ...     list(collect_yaml([folder]))
    [{'array': {'chunk-size': '1MiB'}}]
    """
    for path in find_files(_places if paths is None else paths):
        tree = load_file(path)
        if tree is not None:
            yield (path, tree) if return_paths else tree


def paths_containing_key(
    key: str, paths: Sequence[str | os.PathLike[str]] | None = None
) -> Iterator[pathlib.Path]:
    """Find the files that set a value, the weakest first.

    Parameters
    ----------
    key
        Dotted name.
    paths
        Files and folders, as for `collect_yaml`.

    Examples
    --------
    >>> list(paths_containing_key("array.chunk-size", paths=[]))
    []
    """
    for path, tree in collect_yaml(paths, return_paths=True):
        if get(key, ABSENT, tree) is not ABSENT:
            yield path


def collect_env(env: Mapping[str, str] | None = None) -> Tree:
    """Read settings from environment variables.

    ``OXIDASK_ARRAY__CHUNK_SIZE=1MiB`` sets ``array.chunk_size``: the prefix goes, two
    underscores are a dot, case does not count, and values are read by `interpret_value`.

    Parameters
    ----------
    env
        Variables; `os.environ` when omitted.

    Notes
    -----
    Variables that begin with ``DASK_`` count as well, and give way to those of ours.

    Examples
    --------
    >>> collect_env({"OXIDASK_ARRAY__SVG__SIZE": "80", "DASK_NUM_WORKERS": "2"})
    {'num_workers': 2, 'array': {'svg': {'size': 80}}}
    """
    variables = os.environ if env is None else env
    tree: Tree = {}
    for prefix in _PREFIXES:
        if text := variables.get(prefix + _INHERIT):
            inherited = deserialize(text)
            if not isinstance(inherited, dict):
                raise ValueError(f"{prefix + _INHERIT} holds {inherited!r}, which is no dict")
            update(tree, inherited)
        for variable, text in variables.items():
            name = variable.removeprefix(prefix)
            if name == variable or name in _STEERING:
                continue
            key = name.lower().replace("__", ".")
            if all(key.split(".")):
                assign(tree, check_deprecations(key), interpret_value(text), [])
    return tree


def collect(
    paths: Sequence[str | os.PathLike[str]] | None = None, env: Mapping[str, str] | None = None
) -> Tree:
    """Read files and environment variables into one new tree.

    Former names of settings are moved to the present ones, with one warning for each that no
    stronger source sets under its present name.

    Parameters
    ----------
    paths
        Files and folders, as for `collect_yaml`.
    env
        Variables, as for `collect_env`.

    Examples
    --------
    >>> collect(paths=[], env={"OXIDASK_NUM_WORKERS": "2"})
    {'num_workers': 2}
    """
    result: Tree = {}
    pending: dict[str, str | None] = {}
    for tree in (*collect_yaml(paths), collect_env(env)):
        found = rename(deprecations, tree)
        for former, present in list(pending.items()):
            answer = f"ignore-deprecated.{former}" if present is None else present
            if get(answer, ABSENT, tree) is not ABSENT:
                del pending[former]
        pending.update(found)
        update(result, tree)
    for former, present in pending.items():
        if present is not None:
            warn_renamed(former, present)
        elif get(f"ignore-deprecated.{former}", ABSENT, result) is ABSENT:
            warnings.warn(
                f"The setting {former!r} was removed and has no effect; to silence this, set "
                f"'ignore-deprecated.{former}' in a stronger file or in the environment",
                FutureWarning,
                stacklevel=3,
            )
    return result


def refresh(
    config: Tree | None = None,
    defaults: Sequence[Mapping[str, Any]] | None = None,
    paths: Sequence[str | os.PathLike[str]] | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    """Read every source again and forget what `set` changed.

    Parameters
    ----------
    config
        The tree to fill; the global one when omitted.
    defaults
        Trees of defaults; the registered ones when omitted.
    paths
        Files and folders, as for `collect_yaml`.
    env
        Variables, as for `collect_env`.

    Examples
    --------
    >>> tree = {"forgotten": 1}
    >>> refresh(config=tree, defaults=[{"a": 1, "b": 2}], paths=[], env={"OXIDASK_B": "3"})
    >>> tree
    {'a': 1, 'b': 3}
    """
    tree = GLOBAL if config is None else config
    fresh = merge(*(_registered if defaults is None else defaults))
    update(fresh, collect(paths, env))
    with config_lock:
        # Readers take no lock: no name may be missing for a moment that was and will be there.
        tree.update(fresh)
        for name in [name for name in tree if name not in fresh]:
            del tree[name]


def ensure_file(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str] | None = None,
    comment: bool = True,
) -> None:
    """Copy a file of defaults to where the user may edit it, unless it is there.

    Parameters
    ----------
    source
        The file, named as it shall be named at the destination.
    destination
        A folder, made when missing; `oxidask.config.PATH` when omitted.
    comment
        Turn every line into a comment, so that the copy changes nothing yet.

    Notes
    -----
    Does nothing where the destination can't be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pathlib.Path(folder, "my.yaml").write_text("level: 3")
    ...     ensure_file(pathlib.Path(folder, "my.yaml"), pathlib.Path(folder, "etc"))
    ...     print(pathlib.Path(folder, "etc", "my.yaml").read_text())
    # level: 3
    """
    source = pathlib.Path(source)
    folder = pathlib.Path(PATH if destination is None else destination)
    target = folder / source.name
    if folder.is_file() or target.exists():  # PATH may name one file instead of a folder
        return
    lines = source.read_text(encoding="utf-8").splitlines(keepends=True)
    if comment:
        lines = [line if not line.strip() or line[0] == "#" else f"# {line}" for line in lines]
    # Many processes may start at once: each writes its own file, and a whole one appears.
    draft = folder / f".{source.name}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        draft.write_text("".join(lines), encoding="utf-8")
        os.replace(draft, target)
    except OSError:
        pass


defaults.append(_native.yaml_load(_native.default_config_yaml()))
refresh()
