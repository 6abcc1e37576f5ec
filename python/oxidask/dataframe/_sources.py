"""Where tables are read from and written to: files of this machine, or of what fsspec knows."""

from __future__ import annotations

import glob as globbing
import os
import tempfile
import uuid
from collections.abc import Sequence
from typing import Any

from oxidask.utils import natural_sort_key

__all__ = ["Source", "Target", "find_files", "local_paths"]


def is_remote(path: str) -> bool:
    """Whether a path names a protocol: ``s3://...``, ``memory://...``."""
    return "://" in path or "::" in path


def listed(urlpath: Any) -> list[str]:
    """Return one path, or a list of them, as a list of text."""
    several = isinstance(urlpath, (list, tuple, set))
    paths = [os.fspath(path) for path in (urlpath if several else [urlpath])]
    if not paths:
        raise ValueError("empty list of files")
    return [path.removeprefix("file://").removeprefix("local://") for path in paths]


def local_paths(urlpath: Any) -> list[str] | None:
    """Return the local files that paths and globs name, in order; None if they are elsewhere.

    Raises
    ------
    OSError
        If a glob matches nothing.
    """
    paths = listed(urlpath)
    if any(is_remote(path) for path in paths):
        return None
    found: list[str] = []
    for path in paths:
        path = os.path.expanduser(path)
        matches = globbing.glob(path) if globbing.has_magic(path) else [path]
        found += sorted(matches, key=natural_sort_key)
    if not found:
        raise OSError(f"{urlpath} resolved to no files")
    return found


def filesystem_of(urlpath: Any, storage_options: Any = None) -> tuple[Any, list[str]]:
    """Return fsspec's filesystem of remote paths, and the paths in it."""
    try:
        from fsspec.core import url_to_fs
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            f"{urlpath} is no local file: other places need fsspec, pip install fsspec",
            name="fsspec",
        ) from None
    pairs = [url_to_fs(path, **(storage_options or {})) for path in listed(urlpath)]
    fs = pairs[0][0]
    if any(type(other) is not type(fs) for other, _ in pairs):
        raise ValueError(f"{urlpath}: all paths must be in one filesystem")
    return fs, [path for _, path in pairs]


class Source:
    """A file to read: where it is, and how it is opened.

    Parameters
    ----------
    path
        Its path, as the user wrote it.
    fs
        fsspec's filesystem; None for this machine's.
    inner
        Its path in that filesystem.
    """

    def __init__(self, path: str, fs: Any = None, inner: str | None = None) -> None:
        self.path, self.fs, self.inner = path, fs, inner or path

    def open(self, compression: str | None = None) -> Any:
        """Open the file for reading bytes, without its compression."""
        if self.fs is not None:
            return self.fs.open(self.inner, "rb", compression=compression)
        if compression is None:
            return open(self.path, "rb")
        return _OPENERS[compression](self.path)

    def nbytes(self) -> int:
        """Return how large the file is, as it is stored."""
        if self.fs is not None:
            return int(self.fs.size(self.inner))
        return os.path.getsize(self.path)

    def version(self) -> Any:
        """Return what changes when the file does, for names of tasks."""
        if self.fs is not None:
            return self.path, self.fs.ukey(self.inner)
        try:
            stat = os.stat(self.path)
        except OSError:
            return self.path
        return self.path, stat.st_size, stat.st_mtime_ns

    def __dask_tokenize__(self) -> Any:
        return self.version()

    def __repr__(self) -> str:
        return f"<Source {self.path}>"


def find_files(urlpath: Any, storage_options: Any = None, what: str = "") -> list[Source]:
    """Return the files that paths, folders and globs name, in the order of people.

    Parameters
    ----------
    urlpath
        A path, a glob, a list of such; local or of any protocol that fsspec knows.
    storage_options
        For fsspec's filesystem.
    what
        The end of the names of files that folders are searched for; nothing if folders are none.

    Raises
    ------
    OSError
        If there are none.
    """
    local = local_paths(urlpath)
    if local is not None:
        paths = []
        for path in local:
            if what and os.path.isdir(path):
                names = globbing.glob(os.path.join(globbing.escape(path), f"*{what}"))
                paths += sorted(names, key=natural_sort_key)
            else:
                paths.append(path)
        if not paths:
            raise OSError(f"{urlpath} resolved to no files")
        return [Source(path) for path in paths]
    fs, inner = filesystem_of(urlpath, storage_options)
    found: list[str] = []
    for path in inner:
        if globbing.has_magic(path):
            found += sorted(fs.glob(path), key=natural_sort_key)
        elif what and fs.isdir(path):
            found += sorted(fs.glob(f"{path.rstrip('/')}/*{what}"), key=natural_sort_key)
        else:
            found.append(path)
    if not found:
        raise OSError(f"{urlpath} resolved to no files")
    return [Source(fs.unstrip_protocol(path), fs, path) for path in found]


def _gzip(path: str) -> Any:
    import gzip

    return gzip.open(path, "rb")


def _bz2(path: str) -> Any:
    import bz2

    return bz2.open(path, "rb")


def _xz(path: str) -> Any:
    import lzma

    return lzma.open(path, "rb")


def _zstd(path: str) -> Any:
    import pyarrow as pa

    return pa.input_stream(path, compression="zstd")


def _zip(path: str) -> Any:
    import zipfile

    archive = zipfile.ZipFile(path)
    names = archive.namelist()
    if len(names) != 1:
        raise ValueError(f"{path} holds {len(names)} files: one is read of an archive")
    return archive.open(names[0])


_OPENERS = {"gzip": _gzip, "bz2": _bz2, "xz": _xz, "zstd": _zstd, "zip": _zip}

_ENDINGS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".zip": "zip"}

_NAMES = {"gz": "gzip", "lzma": "xz", "zst": "zstd"}


def compression_of(compression: Any, paths: Sequence[str]) -> str | None:
    """Return the name of the compression of files, by what is said or by the first one's name.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if compression == "infer":
        return _ENDINGS.get(os.path.splitext(paths[0])[1].lower())
    if compression is None:
        return None
    name: str = _NAMES.get(compression, compression)
    if name not in _OPENERS:
        raise ValueError(
            f"Unrecognized compression type: {compression!r}; there are "
            f"{', '.join(sorted(_OPENERS))}, None and 'infer'"
        )
    return name


class Target:
    """A file to write, whole or not at all.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "a.txt")
    >>> with Target(path).whole() as partial:
    ...     _ = open(partial, "w").write("x")
    >>> os.listdir(os.path.dirname(path))
    ['a.txt']
    """

    def __init__(self, path: str, fs: Any = None, inner: str | None = None) -> None:
        self.path, self.fs, self.inner = path, fs, inner or path

    def whole(self) -> _Whole:
        """Return a context of the path of a local file that becomes this one at its end."""
        return _Whole(self)

    def make_folder(self) -> None:
        """Make the folder that the file is in."""
        if self.fs is not None:
            self.fs.makedirs(self.fs._parent(self.inner), exist_ok=True)
            return
        folder = os.path.dirname(self.path)
        if folder:
            os.makedirs(folder, exist_ok=True)

    def __dask_tokenize__(self) -> Any:
        return self.path


class _Whole:
    """Writes under a name of its own, and calls the file by its name when all went well."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __enter__(self) -> str:
        target = self._target
        name = f".part-{uuid.uuid4().hex}-{os.path.basename(target.inner)}"
        folder = tempfile.gettempdir() if target.fs is not None else os.path.dirname(target.path)
        self._partial = os.path.join(folder, name)
        return self._partial

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        target = self._target
        try:
            if kind is None and target.fs is not None:
                target.fs.put_file(self._partial, target.inner)
            elif kind is None:
                os.replace(self._partial, target.path)
        finally:
            if os.path.exists(self._partial):
                os.remove(self._partial)


def targets(
    urlpath: Any, names: Sequence[str] | None = None, storage_options: Any = None, fs: Any = None
) -> list[Target]:
    """Return the files to write: `urlpath` itself, or `names` in it."""
    paths = listed(urlpath) if names is None else [_below(listed(urlpath)[0], n) for n in names]
    if fs is not None:
        return [Target(path, fs) for path in paths]
    if not any(is_remote(path) for path in paths):
        return [Target(os.path.expanduser(path)) for path in paths]
    fs, inner = filesystem_of(paths, storage_options)
    return [Target(path, fs, there) for path, there in zip(paths, inner, strict=True)]


def _below(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else os.path.join(folder, name)
