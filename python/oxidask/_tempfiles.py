"""Temporary files and folders, for tests mostly."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_Open = Callable[..., Any]


def ensure_not_exists(filename: str) -> None:
    """Remove a file, if it is there.

    Examples
    --------
    >>> with tmpfile() as path:
    ...     ensure_not_exists(path)
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(filename)


def _remove(path: str) -> None:
    if os.path.isdir(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            os.remove(path)


@contextlib.contextmanager
def tmpfile(extension: str = "", dir: str | None = None) -> Iterator[str]:
    """A path that is free; what is made there is removed behind the block.

    Parameters
    ----------
    extension : str
        With or without its dot.
    dir : str, optional
        Folder of the path.

    Examples
    --------
    >>> with tmpfile("csv") as path:
    ...     path.endswith(".csv"), os.path.exists(path)
    (True, False)
    """
    if extension:
        extension = "." + extension.lstrip(".")
    handle, path = tempfile.mkstemp(extension, dir=dir)
    os.close(handle)
    os.remove(path)
    try:
        yield path
    finally:
        _remove(path)


@contextlib.contextmanager
def tmpdir(dir: str | None = None) -> Iterator[str]:
    """A new folder, removed behind the block.

    Examples
    --------
    >>> with tmpdir() as path:
    ...     os.path.isdir(path)
    True
    """
    path = tempfile.mkdtemp(dir=dir)
    try:
        yield path
    finally:
        _remove(path)


@contextlib.contextmanager
def changed_cwd(new_cwd: str) -> Iterator[None]:
    """Work in another folder within the block.

    Examples
    --------
    >>> with tmpdir() as path, changed_cwd(path):
    ...     os.path.samefile(os.getcwd(), path)
    True
    """
    old_cwd = os.getcwd()
    os.chdir(new_cwd)
    try:
        yield
    finally:
        os.chdir(old_cwd)


@contextlib.contextmanager
def tmp_cwd(dir: str | None = None) -> Iterator[str]:
    """Work in a new folder within the block.

    Examples
    --------
    >>> with tmp_cwd() as path:
    ...     os.listdir(path)
    []
    """
    with tmpdir(dir) as path, changed_cwd(path):
        yield path


@contextlib.contextmanager
def filetext(
    text: str | bytes, extension: str = "", open: _Open = open, mode: str = "w"
) -> Iterator[str]:
    """A temporary file with this content; gives its path.

    Examples
    --------
    >>> with filetext("hello") as path, open(path) as file:
    ...     file.read()
    'hello'
    """
    with tmpfile(extension) as path:
        with open(path, mode) as file:
            file.write(text)
        yield path


@contextlib.contextmanager
def filetexts(
    d: Mapping[str, str | bytes], open: _Open = open, mode: str = "t", use_tmpdir: bool = True
) -> Iterator[list[str]]:
    """Files with these names and contents; gives the names.

    Parameters
    ----------
    d : mapping
        From file names to contents.
    open : callable
    mode : str
        ``"t"`` or ``"b"``.
    use_tmpdir : bool
        Whether to work in a temporary folder within the block.

    Examples
    --------
    >>> with filetexts({"a.txt": "1", "b.txt": "2"}) as names:
    ...     sorted(names), sorted(os.listdir("."))
    (['a.txt', 'b.txt'], ['a.txt', 'b.txt'])
    """
    with tmp_cwd() if use_tmpdir else contextlib.nullcontext():
        for filename, text in d.items():
            folder = os.path.dirname(filename)
            if folder:
                os.makedirs(folder, exist_ok=True)
            with open(filename, "w" + mode) as file:
                file.write(text)
        try:
            yield list(d)
        finally:
            for filename in d:
                ensure_not_exists(filename)
