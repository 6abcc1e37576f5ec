"""Small public functions under the names that users of Dask know.

What is here by itself concerns locks, randomness, exceptions and the environment. The rest comes
from the modules that the imports name.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import os
import re
import sys
import threading
import types
import uuid
import weakref
from collections.abc import Hashable, Iterator
from errno import ENOENT
from typing import Any, ClassVar

from oxidask._callables import (
    MULTI_ARITY_BUILTINS,
    ONE_ARITY_BUILTINS,
    IndexCallable,
    M,
    MethodCache,
    OperatorMethodMixin,
    apply,
    funcname,
    get_named_args,
    getargspec,
    has_keyword,
    itemgetter,
    methodcaller,
    partial_by_order,
    takes_multiple_arguments,
    typename,
)
from oxidask._dispatch import Dispatch
from oxidask._docstrings import (
    _deprecated,
    _deprecated_kwarg,
    derived_from,
    extra_titles,
    ignore_warning,
    skip_doctest,
    unsupported_arguments,
)
from oxidask._duck_types import (
    get_meta_library,
    is_arraylike,
    is_cupy_type,
    is_dataframe_like,
    is_empty,
    is_index_like,
    is_integer,
    is_namedtuple_instance,
    is_series_like,
)
from oxidask._formatting import (
    asciitable,
    byte_sizes,
    format_bytes,
    format_time,
    format_time_ago,
    key_split,
    maybe_pluralize,
    memory_repr,
    natural_sort_key,
    parse_bytes,
    parse_timedelta,
    put_lines,
    stringify,
    tds2,
    timedelta_sizes,
)
from oxidask._nesting import (
    cached_cumsum,
    cached_max,
    concrete,
    deepmap,
    digit,
    ensure_dict,
    ensure_set,
    homogeneous_deepmap,
    insert,
    iter_chunks,
    ndeepmap,
    ndimlist,
    unzip,
)
from oxidask._tempfiles import (
    changed_cwd,
    ensure_not_exists,
    filetext,
    filetexts,
    tmp_cwd,
    tmpdir,
    tmpfile,
)

__all__ = [
    "ENOENT", "MULTI_ARITY_BUILTINS", "ONE_ARITY_BUILTINS", "Dispatch", "IndexCallable", "M",
    "MethodCache", "OperatorMethodMixin", "SerializableLock", "_deprecated", "_deprecated_kwarg",
    "apply", "asciitable", "byte_sizes", "cached_cumsum", "cached_max", "cached_property",
    "changed_cwd", "concrete", "deepmap", "derived_from", "digit", "disable_gc", "ensure_bytes",
    "ensure_dict", "ensure_not_exists", "ensure_set", "ensure_unicode", "extra_titles",
    "filetext", "filetexts", "format_bytes", "format_time", "format_time_ago", "funcname",
    "get_default_shuffle_method", "get_meta_library", "get_named_args", "get_scheduler_lock",
    "getargspec", "has_keyword", "homogeneous_deepmap", "ignore_warning", "ignoring",
    "import_required", "insert", "is_arraylike", "is_cupy_type", "is_dataframe_like", "is_empty",
    "is_index_like", "is_integer", "is_namedtuple_instance", "is_series_like", "itemgetter",
    "iter_chunks", "key_split", "maybe_pluralize", "memory_repr", "methodcaller",
    "natural_sort_key", "ndeepmap", "ndimlist", "parse_bytes", "parse_timedelta",
    "partial_by_order", "pseudorandom", "put_lines", "random_state_data", "shorten_traceback",
    "show_versions", "skip_doctest", "stringify", "system_encoding",
    "takes_multiple_arguments", "tds2", "timedelta_sizes", "tmp_cwd", "tmpdir", "tmpfile",
    "typename", "unsupported_arguments", "unzip",
]  # fmt: skip

ignoring = contextlib.suppress

system_encoding = sys.getdefaultencoding()


def ensure_bytes(s: Any) -> bytes:
    """An object as bytes.

    Parameters
    ----------
    s : str, or object with the buffer protocol

    Examples
    --------
    >>> ensure_bytes("123"), ensure_bytes(bytearray(b"123"))
    (b'123', b'123')
    """
    if isinstance(s, bytes):
        return s
    if hasattr(s, "encode"):
        return bytes(s.encode())
    try:
        return memoryview(s).tobytes()
    except TypeError:
        raise TypeError(f"{typename(s)} {s!r} is neither a str nor a buffer of bytes") from None


def ensure_unicode(s: Any) -> str:
    """An object as a text.

    Parameters
    ----------
    s : str, or object with the buffer protocol
        Bytes are taken as UTF-8.

    Examples
    --------
    >>> ensure_unicode(b"123"), ensure_unicode("123")
    ('123', '123')
    """
    return s if isinstance(s, str) else ensure_bytes(s).decode()


def import_required(mod_name: str, error_msg: str) -> types.ModuleType:
    """Import a module, or raise a RuntimeError that says what it is needed for.

    Examples
    --------
    >>> import_required("math", "for sums").__name__
    'math'
    """
    try:
        return importlib.import_module(mod_name)
    except ImportError as error:
        raise RuntimeError(error_msg) from error


class SerializableLock:
    """A lock that can be pickled: within one process, all its copies are one lock.

    It keeps no other process out.

    Parameters
    ----------
    token : hashable, optional
        Locks with one token are one lock.

    Examples
    --------
    >>> import pickle
    >>> lock = SerializableLock()
    >>> with lock:
    ...     pickle.loads(pickle.dumps(lock)).acquire(blocking=False)
    False
    """

    _locks: ClassVar[weakref.WeakValueDictionary[Hashable, Any]] = weakref.WeakValueDictionary()
    _table: ClassVar[Any] = threading.Lock()

    token: Hashable
    lock: Any

    def __init__(self, token: Hashable | None = None) -> None:
        self._bind(str(uuid.uuid4()) if token is None else token)

    def _bind(self, token: Hashable) -> None:
        self.token = token
        with self._table:
            found = self._locks.get(token)
            if found is None:
                found = self._locks[token] = threading.Lock()
        self.lock = found

    def acquire(self, *args: Any, **kwargs: Any) -> bool:
        """As of `threading.Lock`."""
        return bool(self.lock.acquire(*args, **kwargs))

    def release(self) -> None:
        """As of `threading.Lock`."""
        self.lock.release()

    def locked(self) -> bool:
        """As of `threading.Lock`."""
        return bool(self.lock.locked())

    def __enter__(self) -> None:
        self.lock.__enter__()

    def __exit__(self, *args: object) -> None:
        self.lock.__exit__(*args)

    def __getstate__(self) -> Hashable:
        return (self.token,)

    def __setstate__(self, state: tuple[Hashable]) -> None:
        self._bind(state[0])

    def __dask_tokenize__(self) -> tuple[str, Hashable]:
        return "SerializableLock", self.token

    def __repr__(self) -> str:
        return f"<SerializableLock: {self.token}>"

    __str__ = __repr__


def get_scheduler_lock(collection: Any = None, scheduler: Any = None) -> Any:
    """A lock that holds for all the tasks of a computation with this scheduler.

    Examples
    --------
    >>> type(get_scheduler_lock(scheduler="threads")).__name__
    'SerializableLock'
    """
    from oxidask import multiprocessing
    from oxidask.base import get_scheduler

    get = get_scheduler(collections=None if collection is None else [collection],
                        scheduler=scheduler)  # fmt: skip
    if get is multiprocessing.get:
        return multiprocessing.get_context().Manager().Lock()
    client = getattr(get, "__self__", None)
    if client is not None:
        from oxidask.distributed.lock import Lock

        return Lock()
    return SerializableLock()


def get_default_shuffle_method() -> str:
    """How data frames are shuffled where nothing else is said.

    Examples
    --------
    >>> get_default_shuffle_method() in ("disk", "tasks", "p2p")
    True
    """
    from oxidask import config

    chosen = config.get("dataframe.shuffle.method", None)
    if chosen:
        return str(chosen)
    distributed = sys.modules.get("oxidask.distributed")
    if distributed is not None:
        try:
            distributed.default_client()
        except (ValueError, AttributeError):
            return "disk"
        return "p2p"
    return "disk"


def random_state_data(n: int, random_state: Any = None) -> list[Any]:
    """Arrays, each of which can initialise a `numpy.random.RandomState`.

    Parameters
    ----------
    n : int
    random_state : int or RandomState, optional
        The first arrays are the same for every ``n``.

    Examples
    --------
    >>> [state.shape for state in random_state_data(2, 37)]
    [(624,), (624,)]
    """
    import numpy as np

    if not all(hasattr(random_state, name) for name in ("bytes", "shuffle")):
        random_state = np.random.RandomState(random_state)
    data = np.frombuffer(random_state.bytes(624 * 4 * n), dtype=np.uint32)
    return list(data.reshape(n, 624))


def pseudorandom(n: int, p: Any, random_state: Any = None) -> Any:
    """Random indexes, with these probabilities.

    Parameters
    ----------
    n : int
    p : sequence of float
        They add to 1.
    random_state : int or RandomState, optional

    Examples
    --------
    >>> pseudorandom(5, [0.5, 0.5], random_state=123).tolist()
    [1, 0, 0, 1, 1]
    """
    import numpy as np

    limits = np.cumsum(p)
    if not np.isclose(limits[-1], 1) or limits[0] < 0 or len(p) > 127:
        raise ValueError(f"p must be at most 127 probabilities that add to 1, got {p!r}")
    if not isinstance(random_state, np.random.RandomState):
        random_state = np.random.RandomState(random_state)
    drawn = random_state.random_sample(n)
    limits[-1] = 1
    return np.searchsorted(limits, drawn, side="right").astype("i1")


class cached_property(functools.cached_property):  # type: ignore[type-arg]
    """`functools.cached_property` that can't be assigned.

    Examples
    --------
    >>> class A:
    ...     @cached_property
    ...     def x(self):
    ...         return 1
    >>> A().x
    1
    """

    def __set__(self, instance: Any, value: Any) -> None:
        raise AttributeError(f"can't set attribute {self.attrname!r}")

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        # A data descriptor comes before the instance's dictionary, where the value is kept.
        if instance is not None and self.attrname in vars(instance):
            return vars(instance)[self.attrname]
        return super().__get__(instance, owner)


@contextlib.contextmanager
def disable_gc(collect: bool = False) -> Iterator[None]:
    """Hold the garbage collector back within the block.

    Parameters
    ----------
    collect : bool
        Whether to collect behind the block.

    Examples
    --------
    >>> with disable_gc():
    ...     gc.isenabled()
    False
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
        if collect:
            gc.collect()


class shorten_traceback:
    """Leave the frames of ``admin.traceback.shorten`` out of the traceback of an exception.

    The first and the last frame always stay.

    Examples
    --------
    >>> with shorten_traceback():
    ...     1 + 1
    2
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        if error is not None:
            error.__traceback__ = _shortened(traceback)


def _shortened(traceback: types.TracebackType | None) -> types.TracebackType | None:
    from oxidask import config

    patterns = [re.compile(p) for p in config.get("admin.traceback.shorten", None) or []]
    frames: list[types.TracebackType] = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    kept: types.TracebackType | None = None
    for place, frame in reversed(list(enumerate(frames))):
        file = frame.tb_frame.f_code.co_filename
        if place in (0, len(frames) - 1) or not any(p.search(file) for p in patterns):
            kept = types.TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return kept


def show_versions() -> None:
    """Print the versions of what takes part, as JSON, for the report of a bug.

    Examples
    --------
    >>> show_versions()  # doctest: +ELLIPSIS
    {
      "Python": ...
    """
    import json
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | None] = {
        "Python": platform.python_version(),
        "Platform": platform.system(),
    }
    for package in ("oxidask", "numpy", "pandas", "cloudpickle", "fsspec", "bokeh", "pyarrow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    sys.stdout.write(json.dumps(found, indent=2) + os.linesep)
