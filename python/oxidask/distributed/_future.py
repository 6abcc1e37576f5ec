"""Futures: results of tasks, there or still to come."""

from __future__ import annotations

import asyncio
import builtins
import sys
from collections.abc import Callable, Generator
from html import escape
from types import GenericAlias
from typing import Any

from oxidask._native import FutureCore
from oxidask.distributed import _current
from oxidask.distributed._settling import results_of, settled
from oxidask.distributed._task_options import seconds
from oxidask.distributed._values import is_plain

__all__ = ["Future"]


class Future(FutureCore):
    """The result of a task on the cluster, there or still to come.

    Futures come from :meth:`Client.submit` and its siblings. As long as a future of a key exists
    somewhere, the result is kept. A future can be an argument of other tasks, at any depth, and
    can be awaited.

    Parameters
    ----------
    key
        The name of a task that the scheduler knows.
    client
        The client that asks for it; by default the current one.

    Examples
    --------
    >>> future = client.submit(pow, 2, 5)  # doctest: +SKIP
    >>> future.result()  # doctest: +SKIP
    32
    """

    __slots__ = ()
    __class_getitem__: Any = classmethod(GenericAlias)

    @property
    def client(self) -> Any:
        """The client that the future belongs to."""
        return _current.client_of(self.client_core)

    @property
    def executor(self) -> Any:
        """The client; the name that executors of :mod:`concurrent.futures` would have for it."""
        return self.client

    def bind_client(self, client: Any) -> None:
        """Give a future that was unpickled where there was no client its client."""
        self.bind(client._core)

    def result(self, timeout: Any = None) -> Any:
        """Wait for the result and return it; raise the exception of the task if it failed.

        Parameters
        ----------
        timeout
            Seconds to wait, or text such as ``"100 ms"``; by default for ever.

        Returns
        -------
        object
            The result; a coroutine of it if the client is asynchronous.

        Raises
        ------
        TimeoutError
            The result is not there in time.
        CancelledError
            The future was cancelled.
        """
        if self._is_asynchronous():
            return self._timed(self._result(), timeout)
        return self.result_now(timeout if timeout is None else seconds(timeout))

    def exception(self, timeout: Any = None, **kwargs: Any) -> Any:
        """Wait for the task and return its exception, None if it gave a result.

        Parameters
        ----------
        timeout
            As for :meth:`result`.
        **kwargs
            ``asynchronous``.
        """
        if self._is_asynchronous(**kwargs):
            return self._timed(self._after(self.exception_now), timeout)
        return self.exception_now(timeout if timeout is None else seconds(timeout))

    def traceback(self, timeout: Any = None, **kwargs: Any) -> Any:
        """Wait for the task and return the traceback of its exception, None if it gave a result.

        Parameters
        ----------
        timeout, **kwargs
            As for :meth:`exception`.
        """
        if self._is_asynchronous(**kwargs):
            return self._timed(self._after(self._traceback_now), timeout)
        return self._traceback_now(timeout if timeout is None else seconds(timeout))

    def _traceback_now(self, timeout: float | None) -> Any:
        error = self.exception_now(timeout)
        return None if error is None else error.__traceback__

    def cancelled(self) -> bool:
        """Whether the future was cancelled."""
        return bool(self.status == "cancelled")

    def cancel(self, reason: str | None = None, msg: str | None = None, **kwargs: Any) -> Any:
        """Stop the task, and what depends on it; see :meth:`Client.cancel`."""
        return self._owner().cancel([self], reason=reason, msg=msg, **kwargs)

    def retry(self, **kwargs: Any) -> Any:
        """Run the task again if it failed; see :meth:`Client.retry`."""
        return self._owner().retry([self], **kwargs)

    def add_done_callback(self, fn: Callable[[Future], Any]) -> None:
        """Call `fn` with the future once it is done, on a thread of the client or on its loop.

        Parameters
        ----------
        fn
            What it raises is logged.
        """
        self._owner()._call_when_settled(self, fn)

    @property
    def type(self) -> Any:
        """The type of the result, None as long as it is not known.

        The type's name, if it can't be had without importing anything.
        """
        name = self.type_name
        return None if name is None else _type_of_name(name)

    def substitute(self, subs: dict[Any, Any], key: Any = None) -> Any:
        """Return what stands in a graph in place of the future where keys are renamed."""
        from oxidask._task_spec import TaskRef

        new = subs.get(self.key, self.key)
        return self if new == self.key else TaskRef(new)

    def __getattr__(self, name: str) -> Any:
        # Called by hand here and there; as a method it would slow the end of every future.
        if name == "__del__":
            return self.release
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._result().__await__()

    def __dask_tokenize__(self) -> Any:
        # Two futures of a key may come from different runs of it.
        return "Future", self.key, id(self)

    def __reduce__(self) -> Any:
        return _restored, (self.key,)

    def __repr__(self) -> str:
        name = self.type_name
        kind = "" if name is None else f" type: {_short_type(name)},"
        return f"<Future: {self.status},{kind} key: {self.key}>"

    def _repr_html_(self) -> str:
        parts = [f"<b>Future</b> status: {self.status}"]
        if self.type_name is not None:
            parts.append(f"type: {escape(_short_type(self.type_name))}")
        parts.append(f"key: {escape(str(self.key))}")
        return ", ".join(parts)

    def _owner(self) -> Any:
        client = self.client
        if client is None:
            raise ValueError(f"{self!r} belongs to no client: give it one with bind_client")
        return client

    def _is_asynchronous(self, asynchronous: bool | None = None) -> bool:
        if asynchronous is not None:
            return asynchronous
        client = self.client
        return client is not None and client.asynchronous

    async def _result(self) -> Any:
        (result,) = await results_of(self._bound_core(), [self])
        client = self.client
        if client is not None and not client._reads_pickles and not is_plain(result):
            raise TypeError(f"the result of {self.key!r} is a pickle, which this client can't read")
        return result

    def _bound_core(self) -> Any:
        if self.client_core is None:
            self._owner()
        return self.client_core

    async def _after(self, read: Callable[[Any], Any]) -> Any:
        await settled(self._bound_core(), [self])
        return read(None)

    def _timed(self, coroutine: Any, timeout: Any) -> Any:
        return coroutine if timeout is None else self._in_time(coroutine, seconds(timeout))

    async def _in_time(self, coroutine: Any, timeout: float) -> Any:
        try:
            return await asyncio.wait_for(coroutine, timeout)
        except TimeoutError as error:
            if self.done():
                raise  # the task's own
            raise TimeoutError(
                f"{self.key} has no result after {timeout:g} s; wait longer, or cancel it"
            ) from error


def _restored(key: Any) -> Future:
    """Return a future that was pickled, bound to the client that is meant here."""
    return Future(key, _current.implied_client())


def _type_of_name(name: str) -> Any:
    found = getattr(builtins, name, None)
    if isinstance(found, type):
        return found
    module_name, _, path = name.rpartition(".")
    while module_name:
        module = sys.modules.get(module_name)
        if module is not None:
            found = module
            for part in path.split("."):
                found = getattr(found, part, None)
            return found if isinstance(found, type) else name
        module_name, _, outer = module_name.rpartition(".")
        path = f"{outer}.{path}"
    return name


def _short_type(name: str) -> str:
    """Return the name of a type by the package and the class: ``pandas.DataFrame``."""
    package, _, rest = name.partition(".")
    return f"{package}.{rest.rpartition('.')[2]}" if rest else name
