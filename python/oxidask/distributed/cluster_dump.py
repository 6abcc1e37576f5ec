"""The state of a whole cluster in a file, for looking into it later."""

from __future__ import annotations

import gzip
from typing import Any

from oxidask.distributed._msgpack import packb, unpackb

__all__ = ["file_name", "load_cluster_dump", "write_state"]

_ENDINGS = {"msgpack": ".msgpack.gz", "yaml": ".yaml"}


def file_name(url: str, format: str = "msgpack") -> str:
    """Return the file of a dump: the name that was given, with the ending of its format.

    Examples
    --------
    >>> file_name("dump"), file_name("file://dump", "yaml")
    ('dump.msgpack.gz', 'file://dump.yaml')
    """
    if format not in _ENDINGS:
        raise ValueError(f"format={format!r} is none of {', '.join(map(repr, _ENDINGS))}")
    ending = _ENDINGS[format]
    return url if url.endswith(ending) else url + ending


def write_state(state: dict[str, Any], url: str, format: str = "msgpack", **options: Any) -> str:
    """Write a state to a file, and return the file's name.

    Parameters
    ----------
    state
        Plain data.
    url
        A path, ``file://`` and a path, or any URL that fsspec knows.
    format
        ``"msgpack"``, compressed, or ``"yaml"``, which needs PyYAML.
    **options
        For fsspec.
    """
    name = file_name(url, format)
    if format == "msgpack":
        data = gzip.compress(packb(_plain(state)))
    else:
        from oxidask.utils import import_required

        yaml = import_required("yaml", "dumps in YAML need the package pyyaml")
        data = yaml.safe_dump(_plain(state), sort_keys=False).encode()
    with _open(name, "wb", options) as file:
        file.write(data)
    return name


def load_cluster_dump(url: str, **kwargs: Any) -> dict[str, Any]:
    """Return the state that :func:`write_state` or :meth:`Client.dump_cluster_state` wrote.

    Parameters
    ----------
    url
        The file, with its ending.
    **kwargs
        For fsspec.

    Examples
    --------
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "dump")
    >>> load_cluster_dump(write_state({"workers": {}}, path))
    {'workers': {}}
    """
    if not url.endswith(tuple(_ENDINGS.values())):
        raise ValueError(f"{url!r} ends with none of {', '.join(_ENDINGS.values())}")
    with _open(url, "rb", kwargs) as file:
        data = file.read()
    if url.endswith(_ENDINGS["msgpack"]):
        state = unpackb(gzip.decompress(data))
    else:
        from oxidask.utils import import_required

        state = import_required("yaml", "dumps in YAML need the package pyyaml").safe_load(data)
    return dict(state)


def _plain(value: Any) -> Any:
    """Return what stands for `value` in a file: plain data as it is, text for all else."""
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, dict):
        return {_plain_name(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return str(value)


def _plain_name(name: Any) -> Any:
    return name if isinstance(name, (str, int)) else str(name)


def _open(name: str, mode: str, options: dict[str, Any]) -> Any:
    scheme, mark, rest = name.partition("://")
    if not mark:
        return open(name, mode)
    if scheme == "file" and not options:
        return open(rest, mode)
    from oxidask.utils import import_required

    return import_required("fsspec", f"{name} is a URL that needs fsspec").open(
        name, mode, **options
    )
