"""The ``oxidask`` command."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["main"]

#: Commands that Dask's program has for its cluster.
_CLUSTER = {
    "scheduler": "start a scheduler",
    "worker": "start workers of a scheduler",
    "ssh": "start a scheduler and workers on several machines",
    "spec": "start what a description names",
}
_RELATED = ("numpy", "cloudpickle", "pandas", "pyarrow", "fsspec", "zarr", "xarray", "dask")
_USAGE_ERROR = 2
_UNEQUAL = 1
_INTERRUPTED = 128 + signal.SIGINT
_PIPE_CLOSED = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ``oxidask`` command.

    Parameters
    ----------
    argv
        The words behind the name of the program; those of this process by default.

    Returns
    -------
    int
        The exit status: 0 when all went well, 1 when a key was not found or the demo's two runs
        disagreed, 2 when the command could not be done as given, 130 after Ctrl-C.

    Examples
    --------
    >>> main(["config", "get", "array.chunk-size"])
    128MiB
    0
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        status = _main(argv)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        print("oxidask: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read has had enough. What is buffered must not fail again while Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED


def _main(argv: Sequence[str]) -> int:
    if argv and argv[0] in _CLUSTER:
        # Their modules are read only when they are needed: a worker should start fast.
        command = importlib.import_module(f"oxidask._commands_{argv[0]}")
        try:
            return int(command.main(list(argv[1:])))
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else _USAGE_ERROR
    parser = _parser()
    arguments = parser.parse_args(argv)
    if "command" not in arguments:
        parser.print_help(sys.stderr)
        return _USAGE_ERROR
    status: int = arguments.command(arguments)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="oxidask", description="Parallel and larger-than-memory computing with Dask's API."
    )
    parser.add_argument(
        "--version", action=_PrintVersion, nargs=0, help="show the version and exit"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for name, text in _CLUSTER.items():
        # `main` takes them before this parser does: they are here for --help.
        commands.add_parser(name, help=text, add_help=False)

    demo = commands.add_parser("demo", help="run a job on real data, as a task graph and plainly")
    demo.set_defaults(command=_demo)
    demo.add_argument(
        "--output",
        metavar="FOLDER",
        default="demo-output",
        help="where to keep the data and to draw the graph (default: %(default)s)",
    )
    demo.add_argument(
        "--threads", type=_count, help="how many threads to use (default: one a processor)"
    )

    config = commands.add_parser("config", help="show and change settings")
    config_commands = config.add_subparsers(metavar="COMMAND", required=True)
    config_commands.add_parser("list", help="print all settings").set_defaults(command=_config_list)
    get = config_commands.add_parser("get", help="print one setting, or a group of them")
    get.set_defaults(command=_config_get)
    find = config_commands.add_parser("find", help="list the files that make a setting")
    find.set_defaults(command=_config_find)
    set_ = config_commands.add_parser("set", help="write a setting into a configuration file")
    set_.set_defaults(command=_config_set)
    for subparser in (get, find, set_):
        subparser.add_argument("key", metavar="KEY", help="as in array.chunk-size")
    set_.add_argument("value", metavar="VALUE", help="in YAML")
    set_.add_argument(
        "--file",
        type=Path,
        help="the file to write (default: the strongest that has the key, or else your own)",
    )

    info = commands.add_parser("info", help="about this installation")
    info_commands = info.add_subparsers(metavar="COMMAND", required=True)
    info_commands.add_parser("versions", help="print versions in JSON").set_defaults(
        command=_info_versions
    )
    return parser


class _PrintVersion(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from oxidask import __version__

        print(f"oxidask, version {__version__}")
        parser.exit()


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 is expected, not {text!r}")
    return int(text)


def _demo(arguments: argparse.Namespace) -> int:
    from oxidask.demo import DemoError, run

    try:
        equal = run(arguments.output, threads=arguments.threads)
    except DemoError as error:
        return _fail(f"demo: {error}")
    return 0 if equal else _UNEQUAL


def _config_list(arguments: argparse.Namespace) -> int:
    from oxidask import config

    _print_yaml(config.config)
    return 0


def _config_get(arguments: argparse.Namespace) -> int:
    from oxidask import config

    try:
        value = config.get(arguments.key)
    except KeyError:
        print(f"oxidask: there is no setting {arguments.key!r}", file=sys.stderr)
        return 1
    if isinstance(value, (dict, list)):
        _print_yaml(value)
    else:
        print(value)
    return 0


def _config_find(arguments: argparse.Namespace) -> int:
    from oxidask import config

    files = list(config.paths_containing_key(arguments.key))
    for path in files:
        [tree] = config.collect_yaml([path])
        print(f"{path}  [{arguments.key}={config.get(arguments.key, config=tree)}]")
    if not files:
        places = ", ".join(config.paths)
        print(f"oxidask: no file in {places} sets {arguments.key!r}", file=sys.stderr)
    return 0 if files else 1


def _config_set(arguments: argparse.Namespace) -> int:
    from oxidask import _native, config

    path = arguments.file or _file_to_set(arguments.key)
    try:
        value = _native.yaml_load(arguments.value)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        tree = _native.yaml_load(text) or {}
        if not isinstance(tree, dict):
            raise ValueError("the file is no mapping of names to values")
        config.set({arguments.key: value}, config=tree)
        path.parent.mkdir(parents=True, exist_ok=True)
        json_wanted = path.suffix == ".json"
        text = json.dumps(tree, indent=2) + "\n" if json_wanted else _native.yaml_dump(tree)
        path.write_text(text, encoding="utf-8")
    except (ValueError, TypeError, OSError) as error:
        return _fail(f"can't write {arguments.key}={arguments.value} into {path}: {error}")
    print(f"Updated [{arguments.key}] to [{value}], config saved to {path}")
    return 0


def _file_to_set(key: str) -> Path:
    """Return the file whose value counts now, or the user's own file."""
    from oxidask import config

    files = list(config.paths_containing_key(key))
    if files:
        return files[-1]
    own = Path(config.PATH)
    return own if own.suffix in (".yaml", ".yml", ".json") else own / "oxidask.yaml"


def _info_versions(arguments: argparse.Namespace) -> int:
    from oxidask import __version__

    versions: dict[str, str | None] = {
        "Python": platform.python_version(),
        "Platform": platform.system(),
        "oxidask": __version__,
    }
    for name in _RELATED:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    print(json.dumps(versions, indent=2))
    return 0


def _print_yaml(value: Any) -> None:
    from oxidask import _native

    print(_native.yaml_dump(value), end="")


def scheduler() -> int:
    """Run ``dask-scheduler``: the older name of ``oxidask scheduler``."""
    return main(["scheduler", *sys.argv[1:]])


def worker() -> int:
    """Run ``dask-worker``: the older name of ``oxidask worker``."""
    return main(["worker", *sys.argv[1:]])


def ssh() -> int:
    """Run ``dask-ssh``: the older name of ``oxidask ssh``."""
    return main(["ssh", *sys.argv[1:]])


def _fail(message: str) -> int:
    print(f"oxidask: {message}", file=sys.stderr)
    return _USAGE_ERROR
