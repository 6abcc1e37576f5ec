"""Collections and graphs on a cluster: computed, persisted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from oxidask.core import flatten
from oxidask.distributed._client_base import ClientBase
from oxidask.distributed._future import Future
from oxidask.distributed._large_graphs import warn_if_large
from oxidask.distributed._task_options import annotated_options, task_options
from oxidask.distributed.diagnostics.computations import TOPIC as COMPUTATIONS
from oxidask.distributed.diagnostics.computations import code_of_callers, message_of

__all__ = ["CollectionsMixin"]

_CONTAINERS = (list, tuple, set, frozenset)


class CollectionsMixin(ClientBase):
    """``compute``, ``persist``, ``get`` and ``normalize_collection``."""

    gather: Any

    def compute(
        self,
        collections: Any,
        sync: bool = False,
        optimize_graph: bool = True,
        workers: Any = None,
        allow_other_workers: bool = False,
        resources: dict[str, Any] | None = None,
        retries: Any = 0,
        priority: int = 0,
        fifo_timeout: str = "60s",
        actors: Any = None,
        traverse: bool = True,
        **kwargs: Any,
    ) -> Any:
        """Compute collections on the cluster; each becomes one future.

        Parameters
        ----------
        collections
            A collection, or several in a list, tuple or set. What is none is returned as it is.
        sync
            Whether to wait for the results and return them.
        optimize_graph
            Whether to optimise the graph first.
        traverse
            Whether to look for collections in lists, sets and dictionaries.
        workers, allow_other_workers, resources, retries, priority, fifo_timeout, actors
            As for :meth:`submit`.
        **kwargs
            Not needed.

        Returns
        -------
        object
            A future, or futures in a list.

        Examples
        --------
        >>> client.compute(x.sum()).result()  # doctest: +SKIP
        """
        from oxidask.base import is_dask_collection
        from oxidask.delayed import delayed

        is_single = not isinstance(collections, _CONTAINERS)
        items = [collections] if is_single else list(collections)
        if traverse:
            items = [
                delayed(item)
                if isinstance(item, (*_CONTAINERS, dict)) and not is_dask_collection(item)
                else item
                for item in items
            ]
        places = [place for place, item in enumerate(items) if is_dask_collection(item)]
        options = task_options(
            workers=workers,
            resources=resources,
            retries=retries,
            priority=priority,
            allow_other_workers=allow_other_workers,
        )
        chosen = [items[place] for place in places]
        found = self._future_of_each(chosen, optimize_graph, options, actors)
        for place, future in zip(places, found, strict=True):
            items[place] = future
        result = items[0] if is_single else items
        return self.gather(result) if sync else result

    def persist(
        self,
        collections: Any,
        optimize_graph: bool = True,
        workers: Any = None,
        allow_other_workers: bool | None = None,
        resources: dict[str, Any] | None = None,
        retries: Any = None,
        priority: int = 0,
        fifo_timeout: str = "60s",
        actors: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Compute the parts of collections on the cluster, and keep them there.

        Parameters
        ----------
        collections
            A collection, or several in a list, tuple or set.
        optimize_graph, workers, allow_other_workers, resources, retries, priority, fifo_timeout,
        actors, **kwargs
            See :meth:`compute`.

        Returns
        -------
        object
            Equal collections over futures, at once.
        """
        is_single = not isinstance(collections, _CONTAINERS)
        items = [collections] if is_single else list(collections)
        options = task_options(
            workers=workers,
            resources=resources,
            retries=retries,
            priority=priority,
            allow_other_workers=allow_other_workers,
        )
        prepared = _Prepared(items, optimize_graph)
        futures = self._futures(
            prepared.graph, prepared.flat_keys, options, prepared.by_key, actors
        )
        results = [
            _rebuilt(item, {key: futures[key] for key in flatten([keys])})
            for item, keys in zip(prepared.collections, prepared.keys, strict=True)
        ]
        return results[0] if is_single else type(collections)(results)

    def get(
        self,
        dsk: Any,
        keys: Any,
        workers: Any = None,
        allow_other_workers: bool | None = None,
        resources: dict[str, Any] | None = None,
        sync: bool = True,
        asynchronous: bool | None = None,
        direct: bool | None = None,
        retries: Any = None,
        priority: int = 0,
        fifo_timeout: str = "60s",
        actors: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Compute keys of a graph.

        Parameters
        ----------
        dsk
            The graph.
        keys
            A key, or nested lists of keys.
        sync
            Whether to wait for the results and return them rather than futures.
        asynchronous
            Whether to return a coroutine of the results.
        workers, allow_other_workers, resources, direct, retries, priority, fifo_timeout, actors
            As for :meth:`submit`.
        **kwargs
            Not needed.

        Returns
        -------
        object
            Results or futures, nested as the keys are.

        Examples
        --------
        >>> client.get({"x": 1, "y": (abs, "x")}, ["x", "y"])  # doctest: +SKIP
        [1, 1]
        """
        options = task_options(
            workers=workers,
            resources=resources,
            retries=retries,
            priority=priority,
            allow_other_workers=allow_other_workers,
        )
        nested = keys if isinstance(keys, list) else [keys]
        by_key: dict[Any, Any] = {}
        _note_annotations(dsk, by_key)
        flat = list(dict.fromkeys(flatten(nested)))
        futures = self._futures(dsk, flat, options, by_key, actors)
        if not sync:
            found = _nested(nested, futures)
            return found if isinstance(keys, list) else found[0]
        if self.asynchronous if asynchronous is None else asynchronous:
            return self._values_async(futures, keys)
        values = self._values(futures)
        found = _nested(nested, values)
        return found if isinstance(keys, list) else found[0]

    def _values(self, futures: dict[Any, Future]) -> dict[Any, Any]:
        """Wait for futures that nobody else has, and let go of them whatever comes."""
        pending = list(futures.values())
        try:
            values = self._open_core().gather(pending, None, "raise")
            return dict(zip(futures, values, strict=True))
        finally:
            # The traceback of an exception would keep them, and their tasks running.
            for future in pending:
                future.release()

    async def _values_async(self, futures: dict[Any, Future], keys: Any) -> Any:
        nested = keys if isinstance(keys, list) else [keys]
        try:
            values = await self.gather(list(futures.values()), asynchronous=True)
        finally:
            for future in futures.values():
                future.release()
        found = _nested(nested, dict(zip(futures, values, strict=True)))
        return found if isinstance(keys, list) else found[0]

    def normalize_collection(self, collection: Any) -> Any:
        """Return an equal collection that uses what the client has computed already.

        Parameters
        ----------
        collection
            A collection whose graph may have tasks that the client holds futures of.
        """
        known = self._open_core().futures()
        graph = collection.__dask_graph__()
        if not known or not any(key in known for key in graph):
            return collection
        new = {key: Future(key, self) if key in known else task for key, task in graph.items()}
        return _rebuilt(collection, new)

    def _results(self, collections: Sequence[Any], optimize_graph: bool, **kwargs: Any) -> Any:
        """Return the results of collections, for :func:`oxidask.compute`."""
        if self.asynchronous:
            raise RuntimeError(
                f"{self!r} is asynchronous, so that `compute()` can't wait for it here: "
                "use `await client.compute(...)`, or another scheduler with `scheduler=`"
            )
        names = ("workers", "resources", "retries", "priority", "allow_other_workers")
        options = task_options(**{name: kwargs[name] for name in names if name in kwargs})
        prepared = _Prepared(collections, optimize_graph)
        futures = self._futures(
            prepared.graph, prepared.flat_keys, options, prepared.by_key, kwargs.get("actors")
        )
        values = self._values(futures)
        return [
            values[keys] if finish is None else finish[0](_nested(keys, values), *finish[1])
            for keys, finish in zip(prepared.keys, prepared.finish, strict=True)
        ]

    def _future_of_each(
        self, collections: Sequence[Any], optimize_graph: bool, options: Any, actors: Any = None
    ) -> list[Future]:
        if not collections:
            return []
        prepared = _Prepared(collections, optimize_graph)
        futures = self._futures(
            prepared.graph, prepared.flat_keys, options, prepared.by_key, actors
        )
        core = self._open_core()
        found = []
        for keys, finish in zip(prepared.keys, prepared.finish, strict=True):
            if finish is None:
                found.append(futures[keys])
                continue
            function, args = finish
            parts = _nested(keys, futures)
            found.append(core.submit(Future, function, (parts, *args), {}, None, True, options))
        return found

    def _futures(
        self,
        graph: Any,
        keys: list[Any],
        options: Any,
        by_key: dict[Any, Any],
        actors: Any = None,
    ) -> dict[Any, Future]:
        core = self._open_core()
        if actors is not None and actors is not False:
            from oxidask.distributed.actor import hosted

            graph = hosted(graph, keys if actors is True else _keys_in(actors), by_key)
        for key in keys:
            _check_key(key)
        if by_key:
            options = {**(options or {}), "by_key": by_key}
        code = code_of_callers()
        if code:
            body = {"topic": COMPUTATIONS, "body": message_of(code)}
            core.ask_then("topic.log", body, lambda *answer: None)
        futures = core.graph(Future, graph, keys, options)
        warn_if_large(core.last_submission_bytes)
        return dict(zip(keys, futures, strict=True))


class _Prepared:
    """One graph of several collections, and what is wanted of it."""

    def __init__(self, collections: Sequence[Any], optimize_graph: bool) -> None:
        from oxidask._unpack import native_form
        from oxidask.base import _work_of

        self.collections = list(collections)
        self.graph: Any = None
        self.keys: list[Any] = []
        self.finish: list[Any] = []
        self.by_key: dict[Any, Any] = {}
        native = [native_form(collection) for collection in self.collections]
        is_native = all(form is not None for form in native)
        if is_native:
            self._take_native(native, optimize_graph)
        else:
            for collection in self.collections:
                _note_annotations(collection.__dask_graph__(), self.by_key)
            work = _work_of(self.collections, optimize_graph)
            self.graph, self.keys, self.finish = work.graph, work.keys, list(work.finish)
        for place, (keys, finish) in enumerate(zip(self.keys, self.finish, strict=True)):
            # Delayed values of stock Dask are one key, too: no task has to take it out of a list.
            if finish is not None and finish[0].__name__ in ("single_key", "_single_key"):
                self.keys[place], self.finish[place] = keys[0], None
        self.flat_keys = list(dict.fromkeys(flatten(self.keys)))

    def _take_native(self, native: list[Any], optimize_graph: bool) -> None:
        from oxidask import _native
        from oxidask._unpack import is_native_delayed

        for collection in self.collections:
            if is_native_delayed(collection):
                self.keys.append(collection.key)
                self.finish.append(None)
            else:
                self.keys.append(collection.__dask_keys__())
                self.finish.append(collection.__dask_postcompute__())
        if all(map(is_native_delayed, self.collections)):
            self.graph = _native.merge_delayed(self.collections)
        else:
            self.graph = _native.merge_arrays(native, optimize_graph)


def _check_key(key: Any) -> None:
    """Raise if a key is of parts that other processes may not know."""
    if isinstance(key, tuple):
        for part in key:
            _check_key(part)
    elif not isinstance(key, (str, bytes, int, float)):
        raise TypeError(f"unexpected key type {type(key)} (value: {key!r})")


def _note_annotations(graph: Any, by_key: dict[Any, Any]) -> None:
    """Note what the layers of a graph say about their tasks."""
    layers = getattr(graph, "layers", None)
    if not isinstance(layers, Mapping):
        return
    for layer in layers.values():
        annotations = getattr(layer, "annotations", None)
        if not annotations:
            continue
        for key in layer:
            options = annotated_options(annotations, key)
            if options:
                by_key[key] = options


def _keys_in(named: Any) -> list[Any]:
    """Return the keys of collections, futures and keys, one or several."""
    several = named if isinstance(named, _CONTAINERS) and type(named) is not tuple else [named]
    keys: list[Any] = []
    for one in several:
        find = getattr(one, "__dask_keys__", None)
        keys.extend(flatten(find()) if find is not None else [getattr(one, "key", one)])
    return keys


def _nested(keys: Any, values: Mapping[Any, Any]) -> Any:
    """Return values, nested in lists as their keys are."""
    if isinstance(keys, list):
        return [_nested(key, values) for key in keys]
    return values[keys]


def _rebuilt(collection: Any, graph: Any) -> Any:
    rebuild, args = collection.__dask_postpersist__()
    return rebuild(graph, *args)
