"""Small functions around clusters that users and other packages import from here."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import inspect
import logging
import multiprocessing
import os
import socket
import sys
import tempfile
import xml.etree.ElementTree
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar
from urllib.parse import quote

from oxidask.distributed import _loop
from oxidask.distributed._addresses import interface_host
from oxidask.distributed._logs import Log, Logs, silence

__all__ = [
    "CancelledError",
    "LateLoopEvent",
    "Log",
    "Logs",
    "NoOpAwaitable",
    "TimeoutError",
    "ensure_memoryview",
    "format_dashboard_link",
    "get_ip",
    "get_ip_interface",
    "get_ipv6",
    "get_mp_context",
    "get_traceback",
    "has_arg",
    "has_keyword",
    "import_file",
    "import_term",
    "in_async_call",
    "is_coroutine_function",
    "is_kernel",
    "is_valid_xml",
    "iscoroutinefunction",
    "key_split_group",
    "log_errors",
    "nbytes",
    "offload",
    "open_port",
    "parse_ports",
    "silence_logging_cmgr",
    "sync",
    "tmp_text",
    "truncate_exception",
    "url_escape",
    "wait_for",
]

T = TypeVar("T")
TimeoutError = TimeoutError  # part of the module, as in Dask

logger = logging.getLogger("distributed.utils")


def get_ip(host: str = "8.8.8.8", port: int = 80) -> str:
    """Return the address of this machine that the way to `host` begins at; sends nothing.

    Examples
    --------
    >>> get_ip("127.0.0.1")
    '127.0.0.1'
    """
    return _ip_towards(host, port, socket.AF_INET, "127.0.0.1")


def get_ipv6(host: str = "2001:4860:4860::8888", port: int = 80) -> str:
    """Return the IPv6 address of this machine that the way to `host` begins at."""
    return _ip_towards(host, port, socket.AF_INET6, "::1")


def _ip_towards(host: str, port: int, family: Any, default: str) -> str:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((host, port))
            return str(probe.getsockname()[0])
    except OSError:
        return default


def get_ip_interface(ifname: str) -> str:
    """Return the IPv4 address of a network interface.

    Raises
    ------
    ValueError
        If there is no such interface.
    """
    return interface_host(ifname)


def open_port(host: str = "") -> int:
    """Return a port that nobody listens on at the moment.

    Examples
    --------
    >>> open_port() > 0
    True
    """
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def parse_ports(port: int | str | list[int] | None) -> list[int | None]:
    """Return the ports that a port, or a range such as ``"8000:8010"``, stands for.

    Examples
    --------
    >>> parse_ports("8000:8002"), parse_ports(None), parse_ports(5)
    ([8000, 8001, 8002], [None], [5])
    """
    from oxidask.distributed._addresses import ports_to_try

    return [None] if port is None else list(ports_to_try(port))


def sync(
    loop: Any, func: Callable[..., Any], *args: Any, callback_timeout: Any = None, **kwargs: Any
) -> Any:
    """Run a coroutine function on the package's loop from another thread, and wait.

    Parameters
    ----------
    loop
        Not needed: there is one loop.
    func
        A coroutine function, or a function that returns an awaitable.
    callback_timeout
        Seconds to wait; by default for ever.

    Examples
    --------
    >>> async def add(x, y):
    ...     return x + y
    >>> sync(None, add, 1, y=2)
    3
    """
    from oxidask.utils import parse_timedelta

    async def call() -> Any:
        result = func(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    timeout = None if callback_timeout is None else parse_timedelta(callback_timeout)
    return _loop.run(call(), timeout)


async def wait_for(fut: Awaitable[T], timeout: float | None) -> T:
    """Await with a limit, in seconds.

    Raises
    ------
    TimeoutError
        When it is over.
    """
    return await asyncio.wait_for(fut, timeout)


async def offload(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    """Await a function that blocks, which runs on another thread.

    Examples
    --------
    >>> asyncio.run(offload(sum, [1, 2]))
    3
    """
    result: T = await _loop.in_own_thread(fn, *args, **kwargs)
    return result


def in_async_call(loop: Any, default: bool = False) -> bool:
    """Whether the caller runs on an event loop.

    Examples
    --------
    >>> in_async_call(None)
    False
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return default
    return True


class LateLoopEvent:
    """An :class:`asyncio.Event` that belongs to the loop where it is first used.

    Examples
    --------
    >>> event = LateLoopEvent()
    >>> event.set()
    >>> event.is_set(), asyncio.run(event.wait())
    (True, True)
    """

    def __init__(self) -> None:
        self._event: asyncio.Event | None = None

    def _made(self) -> asyncio.Event:
        if self._event is None:
            self._event = asyncio.Event()
        return self._event

    def set(self) -> None:
        """Let all go on that wait."""
        self._made().set()

    def is_set(self) -> bool:
        """Whether nobody has to wait."""
        return self._made().is_set()

    async def wait(self) -> bool:
        """Wait until it is set."""
        return await self._made().wait()


class NoOpAwaitable:
    """Awaited, it gives None.

    Examples
    --------
    >>> async def main():
    ...     return await NoOpAwaitable()
    >>> asyncio.run(main()) is None
    True
    """

    def __await__(self) -> Iterator[Any]:
        return iter(())


def iscoroutinefunction(f: Any) -> bool:
    """Whether calling `f` gives a coroutine, also behind :func:`functools.partial`.

    Examples
    --------
    >>> async def f(): ...
    >>> iscoroutinefunction(functools.partial(f)), iscoroutinefunction(len)
    (True, False)
    """
    while isinstance(f, functools.partial):
        f = f.func
    return inspect.iscoroutinefunction(f) or inspect.iscoroutinefunction(
        getattr(f, "__call__", None)  # noqa: B004
    )


is_coroutine_function = iscoroutinefunction


def has_keyword(func: Callable[..., Any], keyword: str) -> bool:
    """Whether a function takes a keyword of this name.

    Examples
    --------
    >>> has_keyword(lambda x, worker=None: 1, "worker")
    True
    """
    try:
        return keyword in inspect.signature(func).parameters
    except (TypeError, ValueError):
        return False


has_arg = has_keyword


def is_kernel() -> bool:
    """Whether this process is the kernel of a notebook.

    Examples
    --------
    >>> is_kernel()
    False
    """
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None


def is_valid_xml(text: str) -> bool:
    """Whether a text is XML; raises what is wrong if it is not.

    Examples
    --------
    >>> is_valid_xml("<p>x</p>")
    True
    """
    xml.etree.ElementTree.fromstring(text)
    return True


def import_file(path: str) -> list[ModuleType]:
    """Import what a file holds: a module, or the modules of an archive or of a package.

    The file's folder, or the archive, is put in front of ``sys.path``.
    """
    where = Path(path).resolve()
    archive = where.suffix in (".egg", ".zip", ".pyz", ".whl")
    folder = str(where if archive else where.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    names = _names_in_archive(where) if archive else [where.stem]
    importlib.invalidate_caches()
    modules = []
    for name in names:
        if name in sys.modules:
            modules.append(importlib.reload(sys.modules[name]))
        else:
            modules.append(importlib.import_module(name))
    return modules


def _names_in_archive(path: Path) -> list[str]:
    import zipfile

    with zipfile.ZipFile(path) as file:
        tops = {name.split("/")[0] for name in file.namelist() if name.endswith(".py")}
    return sorted(name.removesuffix(".py") for name in tops if name.split(".")[0].isidentifier())


def import_term(name: str) -> Any:
    """Return what a dotted name means.

    Examples
    --------
    >>> import_term("math.sqrt")(9)
    3.0
    """
    module, _, attribute = name.rpartition(".")
    if not module:
        return importlib.import_module(name)
    return getattr(importlib.import_module(module), attribute)


def get_mp_context() -> Any:
    """Return how new processes are made: as ``distributed.worker.multiprocessing-method`` says."""
    from oxidask import config

    method = config.get("distributed.worker.multiprocessing-method", "spawn")
    return multiprocessing.get_context(method)


def get_traceback() -> Any:
    """Return the traceback of the exception that is handled."""
    return sys.exc_info()[2]


def truncate_exception(e: BaseException, n: int = 10_000) -> BaseException:
    """Return an exception whose text is cut behind `n` characters.

    Examples
    --------
    >>> len(str(truncate_exception(ValueError("x" * 100), 10))) < 100
    True
    """
    text = str(e)
    if len(text) <= n:
        return e
    try:
        return type(e)("Long error message", text[:n])
    except Exception:  # some want other arguments
        return Exception("Long error message", type(e), text[:n])


def key_split_group(x: Any) -> str:
    """Return the group of a task's key: all but the numbers of its chunks.

    Examples
    --------
    >>> key_split_group(("x-123", 0, 1)), key_split_group("f-1"), key_split_group("a-b-c-1")
    ('x-123', 'f', 'a-b-c')
    """
    from oxidask.utils import key_split

    if isinstance(x, tuple):
        return str(x[0])
    return str(key_split(x))


def nbytes(frame: Any, _bytes_like: Any = (bytes, bytearray)) -> int:
    """Return the bytes of a bytes-like object.

    Examples
    --------
    >>> nbytes(b"123")
    3
    """
    return len(frame) if isinstance(frame, _bytes_like) else memoryview(frame).nbytes


def ensure_memoryview(obj: Any) -> memoryview:
    """Return the bytes of an object as a view of single bytes.

    Examples
    --------
    >>> ensure_memoryview(b"123").nbytes
    3
    """
    view = memoryview(obj)
    if not view.contiguous:
        view = memoryview(view.tobytes())
    return view.cast("B") if view.nbytes else memoryview(b"")


@contextlib.contextmanager
def log_errors(pdb: bool = False) -> Iterator[None]:
    """Log what is raised in the block, and let it pass."""
    try:
        yield
    except (GeneratorExit, CancelledError, asyncio.CancelledError):
        raise
    except Exception as error:
        logger.exception(str(error))
        raise


@contextlib.contextmanager
def silence_logging_cmgr(level: int | str, root: str = "distributed") -> Iterator[None]:
    """Show only records of this level and above while the block runs."""
    undo = silence(level)
    try:
        yield
    finally:
        undo()


@contextlib.contextmanager
def tmp_text(filename: str, text: str) -> Iterator[str]:
    """Give the path of a file of this name with this text, which is gone afterwards.

    Examples
    --------
    >>> with tmp_text("x.txt", "text") as path:
    ...     open(path).read()
    'text'
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, filename)
        Path(path).write_text(text, encoding="utf-8")
        yield path


def format_dashboard_link(host: str, port: int | str) -> str:
    """Return the link of a dashboard, as ``distributed.dashboard.link`` says.

    Examples
    --------
    >>> format_dashboard_link("127.0.0.1", 8787)
    'http://127.0.0.1:8787/status'
    """
    from oxidask import config

    template = config.get("distributed.dashboard.link", "{scheme}://{host}:{port}/status")
    secure = config.get("distributed.scheduler.dashboard.tls.cert", None)
    scheme = "https" if secure else "http"
    return str(template.format(**{**os.environ, "scheme": scheme, "host": host, "port": port}))


def url_escape(url: str, *args: Any, **kwargs: Any) -> str:
    """Return a text as it stands in an address of the web.

    Examples
    --------
    >>> url_escape("a b")
    'a+b'
    """
    return quote(url, safe=" ").replace(" ", "+")
