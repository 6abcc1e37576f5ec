"""Actors: objects that stay on one worker and answer calls.

``client.submit(cls, ..., actor=True)`` makes the object on a worker, in a task whose value is a
handle, :class:`Actor`. The handle travels like any value; the object never does. Calls of its
methods give futures, :class:`ActorFuture`, which are waited for or awaited.

The methods of one actor run one after the other on a thread that is nobody else's meanwhile; those
that are coroutines run on the event loop of their worker. Whoever calls from within the same
worker calls on the spot: a worker of one thread never waits for itself.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import uuid
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Generator
from concurrent.futures import Future as ConcurrentFuture
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from oxidask import _native
from oxidask._pickle import dumps, loads
from oxidask._task_spec import Task, convert_legacy_graph
from oxidask.distributed._future import Future
from oxidask.distributed._worker_state import current_worker, get_worker, worker_scope
from oxidask.distributed.core import Status

__all__ = ["Actor", "ActorFuture", "BaseActorFuture", "EagerActorFuture"]

# What any value is asked for, to estimate its bytes: nobody means the actor's.
_OF_VALUES = frozenset({"nbytes", "dtype"})
_CALL, _GET = "call", "get"
# Far more than anybody needs: threads are made when all others are busy.
_MAX_THREADS = 512
_MAX_CALLERS = 10_000

_homes: weakref.WeakValueDictionary[tuple[str, Any], _Home] = weakref.WeakValueDictionary()
_pool: ThreadPoolExecutor | None = None
_pool_lock = threading.Lock()


class BaseActorFuture:
    """What a call of an actor's method gives: awaited, or asked for its result."""

    def result(self, timeout: Any = None) -> Any:
        """Wait for the method's result, and return it or raise what it raised."""
        raise NotImplementedError

    def done(self) -> bool:
        """Whether the method has ended."""
        raise NotImplementedError

    def __await__(self) -> Generator[Any, None, Any]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {'finished' if self.done() else 'pending'}>"


class ActorFuture(BaseActorFuture):
    """The future result of a method that runs elsewhere.

    Examples
    --------
    >>> class Counter:
    ...     n = 0
    ...     def increment(self):
    ...         self.n += 1
    ...         return self.n
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     counter = client.submit(Counter, actor=True).result()
    ...     counter.increment().result()
    1
    """

    def __init__(self, future: ConcurrentFuture[Any]) -> None:
        self._future = future

    def result(self, timeout: Any = None) -> Any:
        """Wait for the method's result, and return it or raise what it raised.

        Parameters
        ----------
        timeout
            Seconds, or text such as ``"2 s"``; by default for ever.

        Raises
        ------
        TimeoutError
            If the method has not ended by then.
        """
        from oxidask.utils import parse_timedelta

        future = self._future
        try:
            return future.result(parse_timedelta(timeout))
        finally:
            # An exception's traceback holds this frame: without these two there is no cycle.
            del future, self

    def done(self) -> bool:
        """Whether the method has ended."""
        return self._future.done()

    def __await__(self) -> Generator[Any, None, Any]:
        # Whoever stops waiting leaves the call to others who wait for it.
        return asyncio.shield(asyncio.wrap_future(self._future)).__await__()


class EagerActorFuture(ActorFuture):
    """The result of a method that was called on the spot."""


class _Home:
    """An actor's object on its worker, and the calls that wait for it."""

    def __init__(self, instance: Any, worker: Any, key: Any) -> None:
        self.instance, self.key = instance, key
        self.worker = worker
        # Re-entrant: a method may call, by way of others, the actor that it belongs to.
        self._in_use = threading.RLock()
        self._waiting: deque[Callable[[], None]] = deque()
        self._has_thread = False
        self._lock = threading.Lock()
        # For each caller the number of its next call, and calls that came before their turn.
        self._turns: OrderedDict[str, tuple[list[int], dict[int, Callable[[], None]]]]
        self._turns = OrderedDict()
        self._turn_lock = threading.Lock()

    def in_turn(self, caller: str, number: int, start: Callable[[], None]) -> None:
        """Start the calls of one caller in the order of their numbers, from 0 on.

        Questions to a worker are answered on several threads, which may overtake one another.
        """
        with self._turn_lock:
            (upcoming,), early = turn = self._turns.setdefault(caller, ([0], {}))
            self._turns.move_to_end(caller)
            early[number] = start
            while upcoming in early:
                early.pop(upcoming)()
                upcoming += 1
            turn[0][0] = upcoming
            # A handle without calls on their way comes back under another name.
            if len(self._turns) > _MAX_CALLERS:
                self._turns.popitem(last=False)

    def post(self, what: str, name: str, args: Any, kwargs: Any) -> ConcurrentFuture[Any]:
        """Call after all calls that came before; from any thread."""
        if what == _CALL and self._is_coroutine(name):
            return self._call_on_loop(name, args, kwargs)
        future: ConcurrentFuture[Any] = ConcurrentFuture()
        if what == _GET:
            _threads().submit(self._run, future, lambda: getattr(self.instance, name))
            return future

        def call() -> None:
            with self._in_use:
                self._run(future, lambda: getattr(self.instance, name)(*args, **kwargs))

        with self._lock:
            self._waiting.append(call)
            if self._has_thread:
                return future
            self._has_thread = True
        _threads().submit(self._work)
        return future

    def call_here(self, name: str, args: Any, kwargs: Any) -> ActorFuture:
        """Call on the spot, on the caller's thread."""
        if self._is_coroutine(name):
            return ActorFuture(self._call_on_loop(name, args, kwargs))
        future: ConcurrentFuture[Any] = ConcurrentFuture()
        with self._in_use:
            self._run(future, lambda: getattr(self.instance, name)(*args, **kwargs))
        return EagerActorFuture(future)

    def _is_coroutine(self, name: str) -> bool:
        return inspect.iscoroutinefunction(getattr(type(self.instance), name, None))

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._has_thread = False
                    return
                call = self._waiting.popleft()
            call()

    def _run(self, future: ConcurrentFuture[Any], call: Callable[[], Any]) -> None:
        with worker_scope(self.worker):
            try:
                result = call()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

    def _call_on_loop(self, name: str, args: Any, kwargs: Any) -> ConcurrentFuture[Any]:
        async def call() -> Any:
            with worker_scope(self.worker):
                return await getattr(self.instance, name)(*args, **kwargs)

        return asyncio.run_coroutine_threadsafe(call(), self.worker.loop.asyncio_loop)


class Actor:
    """A handle to an object on a worker: its methods and attributes, called from anywhere.

    Methods give :class:`ActorFuture`. Attributes are values where the caller may block, and
    awaitables where it may not (with an asynchronous client).

    Parameters
    ----------
    cls
        The object's class.
    address
        Where it lives.
    key
        The task that made it.

    Examples
    --------
    >>> from oxidask.distributed import Client
    >>> with Client(processes=False, n_workers=1, threads_per_worker=1) as client:
    ...     items = client.submit(list, [1], actor=True).result()
    ...     items.append(2).result()
    ...     items.index(2).result()
    1
    """

    key: Any = None

    def __init__(self, cls: type, address: str, key: Any) -> None:
        self.key = key
        self._cls = cls
        self._address = address
        self._home: _Home | None = None
        self._future: Any = None
        # Calls are numbered, so that they are run in order: see `_Home.in_turn`.
        self._lock = threading.Lock()
        self._caller, self._number, self._n_on_their_way = "", 0, 0

    def __repr__(self) -> str:
        return f"<Actor: {getattr(self._cls, '__name__', self._cls)}, key={self.key}>"

    def __reduce__(self) -> Any:
        return Actor, (self._cls, self._address, self.key)

    def __dask_tokenize__(self) -> Any:
        return "Actor", self.key

    def __dir__(self) -> list[str]:
        own = set(super().__dir__())
        return sorted(own.union(name for name in dir(self._cls) if not name.startswith("_")))

    @property
    def client(self) -> Any:
        """The client that calls go through."""
        if self._future is not None:
            return self._future.client
        from oxidask.distributed._current import get_client

        return get_client()

    def substitute(self, subs: Any, key: Any = None) -> Actor:
        """Return the handle itself: nothing in it is named by a graph's keys."""
        return self

    def __getattr__(self, name: str) -> Any:
        is_special = name.startswith("__") and name.endswith("__")
        if is_special or name.startswith(("_repr_", "_ipython_")):
            raise AttributeError(name)
        attribute = getattr(self._cls, name, None)
        if attribute is None and name in _OF_VALUES:
            raise AttributeError(name)
        if not callable(attribute):
            return self._get(name)

        def method(*args: Any, **kwargs: Any) -> BaseActorFuture:
            home = self._home_here()
            if home is not None and _is_on(home):
                return home.call_here(name, args, kwargs)
            return ActorFuture(self._send(_CALL, name, args, kwargs))

        method.__name__ = name
        method.__doc__ = getattr(attribute, "__doc__", None)
        return method

    def _get(self, name: str) -> Any:
        home = self._home_here()
        if home is not None and _is_on(home):
            return getattr(home.instance, name)
        if self.client.asynchronous:
            return ActorFuture(self._send(_GET, name, (), {}))
        return ActorFuture(self._send(_GET, name, (), {})).result()

    def _home_here(self) -> _Home | None:
        return self._home or _homes.get((self._address, self.key))

    def _send(self, what: str, name: str, args: Any, kwargs: Any) -> ConcurrentFuture[Any]:
        home = self._home_here()
        if home is not None:
            if home.worker.status in (Status.closing, Status.closed):
                raise self._gone()
            return home.post(what, name, args, kwargs)
        call = {"key": self.key, "what": what, "name": name, "args": dumps((args, kwargs))}
        body = {"workers": [self._address], "verb": "worker.actor", "body": call}
        core = self.client._open_core()
        future: ConcurrentFuture[Any] = ConcurrentFuture()

        def answered(answer: Any, error: BaseException | None) -> None:
            with self._lock:
                self._n_on_their_way -= 1
            try:
                future.set_result(self._result(answer, error))
            except BaseException as raised:
                future.set_exception(raised)

        with self._lock:
            if self._n_on_their_way == 0:
                self._caller, self._number = uuid.uuid4().hex, 0
            call.update(caller=self._caller, number=self._number)
            core.ask_then("workers.ask", body, answered)
            self._number += 1
            self._n_on_their_way += 1
        return future

    def _result(self, answer: Any, error: BaseException | None) -> Any:
        if error is not None:
            raise error
        one = answer.get(self._address)
        if one is None:
            raise self._gone()
        if "error" in one:
            raise _exception(one["error"])
        return loads(one["ok"])

    def _gone(self) -> OSError:
        return OSError(f"the worker {self._address}, which held {self!r}, is gone")


def _exception(error: dict[str, Any]) -> BaseException:
    from oxidask import _exceptions

    if error.get("bytes"):
        raised: BaseException = _exceptions.loads(error["bytes"])
        return raised
    import builtins

    cls: type[BaseException] = getattr(builtins, error["class"], RuntimeError)
    return cls(error["text"])


def _is_on(home: _Home) -> bool:
    """Whether the caller runs on the worker that holds the object."""
    worker = current_worker()
    return worker is not None and worker is home.worker


def _threads() -> ThreadPoolExecutor:
    global _pool
    with _pool_lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="oxidask-actor")
        return _pool


def host_actor(cls: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Actor:
    """Make an actor on this worker, in a task, and return its handle.

    The object lives as long as the handle that is returned: as long as the task's value.
    """
    worker = get_worker()
    running = _native.running_task()
    assert running is not None
    instance = cls(*args, **kwargs)
    home = _Home(instance, worker, running.key)
    actor = Actor(type(instance), worker.address, running.key)
    actor._home = home
    _homes[worker.address, running.key] = home
    return actor


def close_actors(worker: Any) -> None:
    """Forget the actors of a worker that closes, and the threads when there are no others."""
    global _pool
    for place, home in list(_homes.items()):
        if home.worker is worker:
            _homes.pop(place, None)
    with _pool_lock:
        if _pool is not None and not _homes:
            _pool.shutdown(wait=False)
            _pool = None


def actors_of(address: str) -> dict[Any, Any]:
    """Return the objects of the actors of one worker of this process, by key."""
    return {key: home.instance for (at, key), home in list(_homes.items()) if at == address}


class ActorTask(Future):
    """The future of a task that makes an actor: its result, a handle, keeps the actor alive."""

    __slots__ = ()

    def result(self, timeout: Any = None) -> Any:
        """Wait for the actor, and return its handle; see :meth:`Future.result`."""
        result = super().result(timeout)
        return result if self._is_asynchronous() else self.handle(result)

    async def _result(self) -> Any:
        return self.handle(await super()._result())

    def handle(self, value: Any) -> Any:
        """Return an actor's handle that holds this future; other values as they are."""
        if type(value) is not Actor:
            return value
        bound = Actor(value._cls, value._address, value.key)
        bound._future = self
        return bound


def submission(
    cls: Callable[..., Any], args: tuple[Any, ...], key: Any
) -> tuple[Callable[..., Any], tuple[Any, ...], Any]:
    """Return the function, the arguments and the key of the task that makes an actor."""
    from oxidask.utils import funcname

    return host_actor, (cls, *args), key or f"{funcname(cls)}-{uuid.uuid4().hex}"


def hosted(graph: Any, keys: Any, options: dict[Any, dict[str, Any]]) -> dict[Any, Any]:
    """Return a graph in which the values of some keys are actors, and note that in their options.

    Keys that the graph has not, or no longer, are left out.
    """
    tasks = convert_legacy_graph(dict(graph))
    for key in keys:
        task = tasks.get(key)
        if isinstance(task, Task):
            tasks[key] = Task(key, host_actor, task.func, *task.args, **task.kwargs)
            options[key] = {**options.get(key, {}), "actor": True}
    return tasks


def answer(worker: Any, body: dict[str, Any]) -> ConcurrentFuture[Any]:
    """Answer a worker's question ``worker.actor``: call, and pickle the result.

    Parameters
    ----------
    worker
        The worker that was asked.
    body
        ``key``, ``what`` (``"call"`` or ``"get"``), ``name``, ``args`` (pickled), ``caller`` and
        ``number``.
    """
    pickled: ConcurrentFuture[Any] = ConcurrentFuture()
    home = _homes.get((worker.address, body["key"]))
    if home is None:
        text = f"the worker {worker.address} holds no actor {body['key']!r}: it was released"
        pickled.set_exception(ValueError(text))
        return pickled
    args, kwargs = loads(body["args"])

    def done(result: ConcurrentFuture[Any]) -> None:
        try:
            pickled.set_result(dumps(result.result()))
        except BaseException as error:
            pickled.set_exception(error)

    def start() -> None:
        home.post(body["what"], body["name"], args, kwargs).add_done_callback(done)

    home.in_turn(body["caller"], body["number"], start)
    return pickled
