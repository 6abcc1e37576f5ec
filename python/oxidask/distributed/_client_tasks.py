"""Tasks of a client: submitted, mapped, gathered, cancelled, tried again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from oxidask._annotations import _annotations as _annotate_scope
from oxidask.distributed._client_base import ClientBase
from oxidask.distributed._future import Future
from oxidask.distributed._gathering import fill_futures, find_futures, reject_iterators
from oxidask.distributed._large_graphs import warn_if_large
from oxidask.distributed._settling import results_of, settled
from oxidask.distributed._task_options import split_task_keywords, task_options
from oxidask.distributed._waiting import futures_of

__all__ = ["TasksMixin"]

# Submissions below this many bytes are no reason to look at the configuration.
_SMALL = 1_000_000


class TasksMixin(ClientBase):
    """``submit``, ``map``, ``gather``, ``cancel``, ``retry`` and their like."""

    def submit(
        self,
        func: Callable[..., Any],
        *args: Any,
        key: Any = None,
        workers: Any = None,
        resources: dict[str, Any] | None = None,
        retries: Any = None,
        priority: int = 0,
        fifo_timeout: str = "100 ms",
        allow_other_workers: bool = False,
        actor: bool = False,
        actors: bool = False,
        pure: bool = True,
        **kwargs: Any,
    ) -> Future:
        """Run a function on the cluster.

        Parameters
        ----------
        func
            The function; a coroutine function is awaited on the worker.
        *args, **kwargs
            Its arguments. Futures among them, at any depth, are replaced by their results.
            ``timeout`` (seconds that one attempt may take) and ``limit`` (a name and how many tasks
            of that name may run at a time) are for the scheduler if the function does not take
            them; so are the annotations of these names.
        key
            The name of the task; a task of the same name is the same task. By default made from
            the function and the arguments.
        workers
            Names, addresses or hosts of the workers that may run it.
        resources
            What it takes of each resource.
        retries
            How often it is tried again if it raises: a number or a :class:`Retry`.
        priority
            Higher runs earlier.
        fifo_timeout
            Not needed: tasks that are submitted earlier have priority.
        allow_other_workers
            Whether others may run it where none of `workers` is there.
        actor, actors
            Whether the result is an object that stays on its worker and answers calls.
        pure
            Whether equal calls are one task.

        Returns
        -------
        Future

        Examples
        --------
        >>> client.submit(pow, 2, 5).result()  # doctest: +SKIP
        32
        """
        if not callable(func):
            raise TypeError(f"submit takes a function and its arguments, got {func!r}")
        if type(key) is list:
            raise TypeError(f"key= must be text or a tuple, which can be hashed, got {key!r}")
        core = self._core if self.status == "running" else self._open_core()
        options = None
        is_special = workers is not None or allow_other_workers or actor or actors
        if is_special or resources or retries or priority or kwargs or _annotate_scope.get():
            options = task_options(
                workers=workers,
                resources=resources,
                retries=retries,
                priority=priority,
                allow_other_workers=allow_other_workers,
                actor=actor or actors,
                **split_task_keywords(func, kwargs),
            )
        make: type[Future] = Future
        if actor or actors:
            from oxidask.distributed import actor as hosting

            func, args, key = hosting.submission(func, args, key)
            make = hosting.ActorTask
        future: Future = core.submit(make, func, args, kwargs, key, pure, options)
        if core.last_submission_bytes > _SMALL:
            warn_if_large(core.last_submission_bytes)
        return future

    def map(
        self,
        func: Callable[..., Any],
        *iterables: Collection[Any],
        key: str | list[Any] | None = None,
        workers: Any = None,
        retries: Any = None,
        resources: dict[str, Any] | None = None,
        priority: int = 0,
        allow_other_workers: bool = False,
        fifo_timeout: str = "100 ms",
        actor: bool = False,
        actors: bool = False,
        pure: bool = True,
        batch_size: int | None = None,
        **kwargs: Any,
    ) -> list[Future]:
        """Run a function on the cluster once for each item, or for items side by side.

        Parameters
        ----------
        func
            The function.
        *iterables
            What to map over; the shortest counts.
        key
            A prefix of the tasks' names, or all names.
        batch_size
            How many tasks to submit together.
        **kwargs
            Arguments that all calls share; see :meth:`submit`.
        workers, retries, resources, priority, allow_other_workers, fifo_timeout, actor, actors,
        pure
            See :meth:`submit`.

        Returns
        -------
        list of Future

        Examples
        --------
        >>> client.gather(client.map(pow, [1, 2, 3], [2, 2, 2]))  # doctest: +SKIP
        [1, 4, 9]
        """
        if not callable(func):
            raise TypeError(f"map takes a function and iterables, got {func!r}")
        reject_iterators(iterables)
        core = self._open_core()
        options = task_options(
            workers=workers,
            resources=resources,
            retries=retries,
            priority=priority,
            allow_other_workers=allow_other_workers,
            actor=actor or actors,
            **(split_task_keywords(func, kwargs) if kwargs else {}),
        )
        rows = list(zip(*iterables, strict=False))
        keys = list(key) if key is not None and not isinstance(key, str) else key
        if isinstance(keys, list) and len(keys) < len(rows):
            raise ValueError(f"key= has {len(keys)} names for {len(rows)} tasks")
        step = batch_size or len(rows) or 1
        futures: list[Future] = []
        for start in range(0, len(rows), step):
            stop = start + step
            names = keys[start:stop] if isinstance(keys, list) else keys
            futures += core.map(
                Future, func, rows[start:stop] if batch_size else rows, kwargs, names, pure, options
            )
            if core.last_submission_bytes > _SMALL:
                warn_if_large(core.last_submission_bytes)
        return futures

    def gather(
        self,
        futures: Any,
        errors: str = "raise",
        direct: bool | None = None,
        asynchronous: bool | None = None,
    ) -> Any:
        """Wait for futures and return their results.

        Parameters
        ----------
        futures
            Futures in lists, tuples, sets or dictionaries, at any depth.
        errors
            ``"raise"`` the first exception, or ``"skip"`` what failed.
        direct
            Not needed: values always come from the workers.
        asynchronous
            Whether to return a coroutine.

        Returns
        -------
        object
            What was given, with results in the places of futures.
        """
        core = self._open_core()
        is_async = self.asynchronous if asynchronous is None else asynchronous
        is_flat = type(futures) is list and set(map(type, futures)) == {Future}
        if errors == "raise" and is_flat and not is_async:
            return core.gather(futures, None, errors)
        if errors not in ("raise", "skip"):
            raise ValueError(f"errors= must be 'raise' or 'skip', got {errors!r}")
        reject_iterators([futures])
        if is_async:
            return self._gather(futures, errors)
        found, skipped = find_futures(futures), set[int]()
        if errors == "skip":
            core.wait(found, None)
            found, skipped = _finished(found)
        return _with_results(futures, found, core.gather(found, None, "raise"), skipped)

    async def _gather(self, futures: Any, errors: str = "raise") -> Any:
        core = self._open_core()
        found, skipped = find_futures(futures), set[int]()
        if not found:
            return _with_results(futures, found, [], skipped)
        if errors == "skip":
            await settled(core, found)
            found, skipped = _finished(found)
        results = await results_of(core, found)
        return _with_results(futures, found, results, skipped)

    def cancel(
        self,
        futures: Any,
        asynchronous: bool | None = None,
        force: bool = False,
        reason: str | None = None,
        msg: str | None = None,
    ) -> Any:
        """Stop tasks, and what depends on them.

        Parameters
        ----------
        futures
            Futures or collections.
        asynchronous
            Whether to return a coroutine.
        force
            Whether to stop them also if other clients want them.
        reason, msg
            Why, for those who ask for the result.
        """
        self._open_core().cancel(futures_of(futures), force)
        return self._done(asynchronous)

    def retry(self, futures: Any, asynchronous: bool | None = None) -> Any:
        """Run failed tasks again, and what failed for their sake.

        Parameters
        ----------
        futures
            Futures or collections.
        asynchronous
            Whether to return a coroutine.
        """
        self._open_core().retry(futures_of(futures))
        return self._done(asynchronous)

    def _done(self, asynchronous: bool | None) -> Any:
        """Return what the caller of something that is done can await."""
        return _Done() if (self.asynchronous if asynchronous is None else asynchronous) else None

    def futures_of(self, futures: Any) -> list[Future]:
        """Return the futures in collections; see :func:`oxidask.distributed.futures_of`."""
        return futures_of(futures, client=self)

    @property
    def futures(self) -> dict[Any, Any]:
        """The keys that the client holds, and the state of each."""
        return {
            key: _FutureState(status)
            for key, (_, status) in (self._core.futures() if self._core else {}).items()
        }

    @property
    def refcount(self) -> dict[Any, int]:
        """How many futures there are of each key."""
        return _Counts((key, n) for key, (n, _) in self._core.futures().items())


class _Counts(dict[Any, int]):
    def __missing__(self, key: Any) -> int:
        return 0


class _FutureState:
    """The state of a key as :attr:`Client.futures` shows it."""

    __slots__ = ("status",)

    def __init__(self, status: str) -> None:
        self.status = status

    def finish(self) -> None:
        """Do nothing: tasks say themselves that they are done."""

    def __repr__(self) -> str:
        return f"<FutureState: {self.status}>"


class _Done:
    """An awaitable of something that is done already, whether or not somebody awaits it."""

    def __await__(self) -> Any:
        return _nothing().__await__()


async def _nothing() -> None:
    return None


def _finished(futures: list[Future]) -> tuple[list[Future], set[int]]:
    """Return the futures that have a result, and the identities of the others."""
    good = [future for future in futures if future.status == "finished"]
    return good, {id(future) for future in futures if future.status != "finished"}


def _with_results(futures: Any, found: list[Future], results: list[Any], skipped: set[int]) -> Any:
    by_identity = {
        id(future): value if type(future) is Future else future.handle(value)
        for future, value in zip(found, results, strict=True)
    }
    return fill_futures(futures, lambda future: by_identity[id(future)], skipped)
