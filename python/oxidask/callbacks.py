"""Callbacks: functions that a one-machine scheduler calls while it runs a graph.

A callback is a 5-tuple ``(start, start_state, pretask, posttask, finish)`` whose entries are
functions or None. The schedulers read the active ones from `Callback.active` when they start.
Progress bars and profilers, in `oxidask.diagnostics`, are built on this; so can yours be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeAlias

__all__ = [
    "Callback",
    "add_callbacks",
    "local_callbacks",
    "normalize_callback",
    "unpack_callbacks",
]

CallbackTuple: TypeAlias = tuple[Callable[..., Any] | None, ...]

_METHODS = ("_start", "_start_state", "_pretask", "_posttask", "_finish")

# The sets that running computations took out of `Callback.active` and will put back. Someone may
# unregister a callback meanwhile, and must then find it here.
_suspended: list[set[CallbackTuple]] = []
_lock = threading.RLock()


class Callback:
    """Functions to call at the stages of every computation on this machine's schedulers.

    Give the functions as keywords, or subclass and define methods of the same names with a
    leading underscore. Leave out what is not needed: a stage nobody listens to costs nothing.

    Parameters
    ----------
    start : callable, optional
        ``start(dsk)``, once, before anything else.
    start_state : callable, optional
        ``start_state(dsk, state)``, once, when the scheduler's state is ready and nothing has run.
    pretask : callable, optional
        ``pretask(key, dsk, state)``, just before a task runs.
    posttask : callable, optional
        ``posttask(key, result, dsk, state, worker_id)``, just after a task succeeded.
    finish : callable, optional
        ``finish(dsk, state, errored)``, once, at the end, also when the computation failed.

    Notes
    -----
    ``dsk`` maps keys to tasks. ``state`` maps the names ``dependencies``, ``dependents``,
    ``waiting``, ``waiting_data``, ``cache``, ``ready``, ``running``, ``finished`` and ``released``
    to containers of keys that change as the computation goes on; treat them as read-only.
    ``pretask`` and ``posttask`` are never called by two threads at once.

    A computation started from inside a task does not see the callbacks of the outer one.

    Examples
    --------
    >>> from operator import add
    >>> from oxidask.local import get_sync
    >>> class Announce(Callback):
    ...     def _pretask(self, key, dsk, state):
    ...         print("computing", key)
    >>> with Announce():
    ...     get_sync({"x": (add, 1, 2)}, "x")
    computing x
    3
    """

    active: ClassVar[set[CallbackTuple]] = set()

    def __init__(
        self,
        start: Callable[..., Any] | None = None,
        start_state: Callable[..., Any] | None = None,
        pretask: Callable[..., Any] | None = None,
        posttask: Callable[..., Any] | None = None,
        finish: Callable[..., Any] | None = None,
    ) -> None:
        given = (start, start_state, pretask, posttask, finish)
        for name, function in zip(_METHODS, given, strict=True):
            # Only what was given: an unset keyword must not hide a subclass's method.
            if function is not None:
                setattr(self, name, function)

    @property
    def _callback(self) -> CallbackTuple:
        return tuple(getattr(self, name, None) for name in _METHODS)

    def __enter__(self) -> Any:
        self._context = add_callbacks(self)
        self._context.__enter__()
        return self

    def __exit__(self, *args: object) -> None:
        self._context.__exit__(*args)

    def register(self) -> None:
        """Make this callback active until `unregister`.

        Examples
        --------
        >>> callback = Callback(finish=lambda dsk, state, errored: print("done"))
        >>> callback.register()
        >>> callback.unregister()
        """
        _add([self._callback])

    def unregister(self) -> None:
        """Make this callback inactive.

        Raises
        ------
        KeyError
            If it is not active.

        Examples
        --------
        >>> callback = Callback()
        >>> callback.unregister()
        Traceback (most recent call last):
            ...
        KeyError: 'the callback is not registered: call register() first'
        """
        if not _discard(self._callback):
            raise KeyError("the callback is not registered: call register() first")


class add_callbacks:
    """Make callbacks active, until the end of the block when used as a context.

    Parameters
    ----------
    *callbacks : Callback or tuple
        Callbacks, or 5-tuples of functions or None.

    Examples
    --------
    >>> from operator import add
    >>> from oxidask.local import get_sync
    >>> callback = Callback(start=lambda dsk: print("start"))
    >>> with add_callbacks(callback):
    ...     get_sync({"x": (add, 1, 2)}, "x")
    start
    3
    """

    def __init__(self, *callbacks: Callback | CallbackTuple) -> None:
        self.callbacks = [normalize_callback(callback) for callback in callbacks]
        _add(self.callbacks)

    def __enter__(self) -> None:
        return None

    def __exit__(self, *args: object) -> None:
        for callback in self.callbacks:
            _discard(callback)


@contextmanager
def local_callbacks(
    callbacks: Callback | Iterable[Callback | CallbackTuple] | None = None,
) -> Iterator[set[CallbackTuple] | list[CallbackTuple]]:
    """Give a scheduler the callbacks of one computation.

    With no argument these are the active ones, which are taken out of `Callback.active` for the
    duration: a computation that a task starts must not call them. Otherwise they are exactly
    the given ones.

    Parameters
    ----------
    callbacks : Callback, or iterable of Callback and tuples, optional
        What the user passed as ``get(..., callbacks=...)``.

    Examples
    --------
    >>> with Callback():
    ...     with local_callbacks() as callbacks:
    ...         print(len(callbacks), len(Callback.active))
    ...     print(len(Callback.active))
    1 0
    1
    """
    if callbacks is not None:
        given = [callbacks] if isinstance(callbacks, Callback) else callbacks
        yield [normalize_callback(callback) for callback in given]
        return
    with _lock:
        taken = set(Callback.active)
        Callback.active.clear()
        _suspended.append(taken)
    try:
        yield set(taken)
    finally:
        with _lock:
            # By identity, because two computations may have taken equal sets.
            _suspended[:] = [other for other in _suspended if other is not taken]
            Callback.active.update(taken)


def unpack_callbacks(
    cbs: Iterable[CallbackTuple],
) -> list[Sequence[Callable[..., Any]]]:
    """Sort callbacks by stage: five sequences of functions, without the Nones.

    Examples
    --------
    >>> unpack_callbacks([(print, None, None, None, None)])
    [[<built-in function print>], [], [], [], []]
    """
    cbs = list(cbs)
    if not cbs:
        return [(), (), (), (), ()]
    return [[f for f in stage if f is not None] for stage in zip(*cbs, strict=True)]


def normalize_callback(cb: Callback | CallbackTuple) -> CallbackTuple:
    """Turn a `Callback` into its 5-tuple; a tuple is returned as it is.

    Raises
    ------
    TypeError
        If `cb` is neither.

    Examples
    --------
    >>> normalize_callback(Callback(start=print))
    (<built-in function print>, None, None, None, None)
    """
    if isinstance(cb, Callback):
        return cb._callback
    if isinstance(cb, tuple):
        return cb
    raise TypeError(
        f"Callbacks must be either `Callback` or `tuple`, got {cb!r} of type {type(cb).__name__}"
    )


def _add(callbacks: Iterable[CallbackTuple]) -> None:
    with _lock:
        Callback.active.update(callbacks)


def _discard(callback: CallbackTuple) -> bool:
    """Take a callback out of the active ones, or else out of those that wait to be put back."""
    with _lock:
        for callbacks in (Callback.active, *reversed(_suspended)):
            if callback in callbacks:
                callbacks.discard(callback)
                return True
    return False
