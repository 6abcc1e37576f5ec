"""Computing, persisting, optimising and drawing collections of any kind.

A collection is anything with the protocol of :class:`oxidask.typing.DaskCollection`, so stock
Dask's arrays, bags and dataframes, and xarray's objects, are computed here like our own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oxidask._annotations import annotate, get_annotations
from oxidask._key_names import (
    clone_key,
    get_collection_names,
    get_name_from_key,
    replace_name_in_key,
)
from oxidask._schedulers import get_err_msg, get_scheduler, named_schedulers
from oxidask._unpack import (
    child_expressions,
    expression_of,
    is_dask_collection,
    is_expression,
    is_native_delayed,
    native_form,
    unpack_collections,
)
from oxidask.core import flatten, istask, literal
from oxidask.tokenize import TokenizationError, normalize_token, tokenize
from oxidask.utils import ensure_dict, key_split

__all__ = [
    "DaskMethodsMixin",
    "TokenizationError",
    "annotate",
    "clone_key",
    "collections_to_dsk",
    "collections_to_expr",
    "compute",
    "compute_as_if_collection",
    "dont_optimize",
    "get_annotations",
    "get_collection_names",
    "get_err_msg",
    "get_name_from_key",
    "get_scheduler",
    "is_dask_collection",
    "key_split",
    "named_schedulers",
    "normalize_token",
    "optimization_function",
    "optimize",
    "persist",
    "replace_name_in_key",
    "tokenize",
    "unpack_collections",
    "visualize",
    "visualize_dsk",
    "wait",
]


class DaskMethodsMixin:
    """The methods of a collection that follow from the protocol.

    Examples
    --------
    >>> class One(DaskMethodsMixin):
    ...     def __dask_graph__(self): return {"one": 1}
    ...     def __dask_keys__(self): return ["one"]
    ...     def __dask_postcompute__(self): return (lambda parts: parts[0]), ()
    >>> One().compute(scheduler="sync")
    1
    """

    __slots__ = ("__weakref__",)

    def visualize(
        self,
        filename: str | None = "mydask",
        format: str | None = None,
        optimize_graph: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Draw the task graph; see :func:`oxidask.visualize`."""
        return visualize(
            self, filename=filename, format=format, optimize_graph=optimize_graph, **kwargs
        )

    def persist(self, **kwargs: Any) -> Any:
        """Compute the parts and return the same collection over them; see :func:`persist`."""
        (result,) = persist(self, traverse=False, **kwargs)
        return result

    def compute(self, **kwargs: Any) -> Any:
        """Return the result; see :func:`oxidask.compute`."""
        (result,) = compute(self, traverse=False, **kwargs)
        return result

    def __await__(self) -> Any:
        return _awaited(self)


def _awaited(collection: Any) -> Any:
    """Wait for the futures of a collection, and give it back: what awaiting it does."""
    from oxidask.distributed import futures_of, wait

    async def finished() -> Any:
        if futures_of(collection):
            await wait(collection)
        return collection

    return finished().__await__()


def dont_optimize(dsk: Any, keys: Any, **kwargs: Any) -> Any:
    """Return `dsk` as it is.

    Examples
    --------
    >>> dont_optimize({"x": 1}, ["x"])
    {'x': 1}
    """
    return dsk


def optimization_function(x: Any) -> Any:
    """Return the function that optimises the graph of a collection, or of a type of collection.

    Examples
    --------
    >>> optimization_function(object()) is dont_optimize
    True
    """
    return getattr(x, "__dask_optimize__", None) or dont_optimize


@dataclass
class _Work:
    """A graph to run, and the keys wanted of it for each collection, nested as they come."""

    graph: Any
    keys: list[Any]
    finish: list[Any]

    def results(self, values: Sequence[Any]) -> list[Any]:
        """Return the collections' results from the values of their keys."""
        return [
            value if finish is None else finish[0](value, *finish[1])
            for value, finish in zip(values, self.finish, strict=True)
        ]


def _delayed_work(collections: Sequence[Any]) -> _Work:
    """Prepare delayed values only: their graph stays native, and each has one key."""
    from oxidask import _native

    graph = _native.merge_delayed(list(collections))
    return _Work(graph, [c.key for c in collections], [None] * len(collections))


def _native_work(collections: Sequence[Any], fuse: bool) -> _Work | None:
    """Prepare delayed values and arrays for our own schedulers: the graph stays native."""
    from oxidask import _native

    native = [native_form(collection) for collection in collections]
    if any(form is None for form in native):
        return None
    graph = _native.merge_arrays(native, fuse)
    keys: list[Any] = []
    finish: list[Any] = []
    for collection, form in zip(collections, native, strict=True):
        if form is collection:
            keys.append(collection.key)
            finish.append(None)
        elif collection._is_gathered:
            # One task gathers all blocks.
            keys.append(form)
            finish.append(getattr(collection, "_gathered_finish", (own, ())))
        else:
            keys.append(collection.__dask_keys__())
            finish.append(collection.__dask_postcompute__())
    return _Work(graph, keys, finish)


def own(value: Any) -> Any:
    """Return an array that the user may write to."""
    writeable = getattr(getattr(value, "flags", None), "writeable", None)
    if writeable is None:
        return value
    return value[()] if value.ndim == 0 else (value if writeable else value.copy())


def _work_of(
    collections: Sequence[Any], optimize_graph: bool, schedule: Any = None, **kwargs: Any
) -> _Work:
    if all(map(is_native_delayed, collections)):
        return _delayed_work(collections)
    if schedule is not None and schedule in _native_schedulers():
        work = _native_work(collections, optimize_graph)
        if work is not None:
            return work
    if optimize_graph:
        collections = [_optimized_expression(c) for c in collections]
    keys: list[Any] = []
    finish: list[Any] = []
    for collection in collections:
        if is_native_delayed(collection):
            keys.append(collection.key)
            finish.append(None)
        else:
            keys.append(collection.__dask_keys__())
            finish.append(collection.__dask_postcompute__())
    graph = collections_to_dsk(collections, optimize_graph, **kwargs)
    return _Work(graph, keys, finish)


def _optimized_expression(collection: Any) -> Any:
    """Return an equal collection with its expression optimised; others as they are."""
    if is_native_delayed(collection):
        return collection
    if is_expression(collection):
        return collection.optimize(fuse=True)
    if expression_of(collection) is not None:
        method = getattr(collection, "optimize", None)
        return method() if callable(method) else collection
    return collection


def collections_to_dsk(
    collections: Iterable[Any],
    optimize_graph: bool = True,
    optimizations: Iterable[Any] = (),
    **kwargs: Any,
) -> Any:
    """Return one graph for several collections, each kind optimised by its own function.

    Parameters
    ----------
    collections
        The collections.
    optimize_graph
        Whether to optimise.
    optimizations
        Functions of a graph and keys to apply at the end.
    **kwargs
        Passed to the optimisation functions.

    Examples
    --------
    >>> from oxidask import delayed
    >>> x = delayed(abs)(-1)
    >>> list(collections_to_dsk([x])) == [x.key]
    True
    """
    collections = list(collections)
    if collections and all(map(is_native_delayed, collections)) and not optimizations:
        return _delayed_work(collections).graph
    groups: dict[Any, list[Any]] = {}
    for collection in collections:
        function = optimization_function(collection) if optimize_graph else dont_optimize
        groups.setdefault(function, []).append(collection)
    graphs = []
    for function, members in groups.items():
        graph = _merged([member.__dask_graph__() for member in members])
        graphs.append(function(graph, [member.__dask_keys__() for member in members], **kwargs))
    graph = graphs[0] if len(graphs) == 1 else _flat_union(graphs)
    for optimization in optimizations:
        graph = optimization(graph, [c.__dask_keys__() for c in collections], **kwargs)
    return graph


def _merged(graphs: list[Any]) -> Any:
    """Return one graph; graphs in layers of one kind make such a graph."""
    if len(graphs) == 1:
        return graphs[0]
    kind = type(graphs[0])
    if hasattr(kind, "merge") and all(type(graph) is kind for graph in graphs):
        return kind.merge(*graphs)
    return _flat_union(graphs)


def _flat_union(graphs: Iterable[Any]) -> dict[Any, Any]:
    union: dict[Any, Any] = {}
    for graph in graphs:
        union.update(ensure_dict(graph))
    return union


def collections_to_expr(collections: Any, optimize_graph: bool = True) -> Any:
    """Return an expression for one or several collections.

    Examples
    --------
    >>> from oxidask import delayed
    >>> x = delayed(abs)(-1)
    >>> collections_to_expr(x).__dask_keys__() == [x.key]
    True
    """
    from oxidask._expr import CompositeExpr, ExprSequence, HLGExpr

    if is_dask_collection(collections):
        return collections_to_expr([collections], optimize_graph).operands[0]
    found: list[Any] = []
    for collection in collections:
        if is_expression(collection):
            found.append(collection)
        elif (expr := expression_of(collection)) is not None:
            found.append(expr)
        elif child_expressions(collection):
            found.append(CompositeExpr(collection))
        else:
            found.append(HLGExpr.from_collection(collection, optimize_graph))
    return ExprSequence(*found)


def compute(
    *args: Any,
    traverse: bool = True,
    optimize_graph: bool = True,
    scheduler: Any = None,
    get: Any = None,
    **kwargs: Any,
) -> tuple[Any, ...]:
    """Compute several collections at once, sharing what they have in common.

    Parameters
    ----------
    *args
        Collections, containers of them, and anything else, which is returned as it is.
    traverse
        Whether to look for collections in lists, tuples, sets, dictionaries, dataclasses and
        iterators.
    optimize_graph
        Whether to optimise the graph first.
    scheduler
        ``"threads"``, ``"processes"``, ``"sync"``, a function of a graph and keys, an executor or a
        client.  By default the configuration's, or else the collections' own.
    get
        No longer used.
    **kwargs
        Passed to the scheduler, such as ``num_workers``.

    Returns
    -------
    tuple
        The arguments, collections replaced by their results.

    Examples
    --------
    >>> from oxidask import delayed
    >>> x = delayed(abs)(-1)
    >>> compute({"x": x, "y": x + 1}, 5)
    ({'x': 1, 'y': 2}, 5)
    """
    collections, repack = unpack_collections(*args, traverse=traverse)
    if not collections:
        return args if get is None else _reject_get()
    schedule = _scheduler_for(scheduler, collections, get)
    client = _client_of(schedule)
    if client is not None:
        return repack(client._results(collections, optimize_graph, **kwargs))
    work = _work_of(collections, optimize_graph, schedule)
    return repack(work.results(schedule(work.graph, work.keys, **kwargs)))


def _client_of(schedule: Any) -> Any:
    """Return the client of a cluster whose method `schedule` is; None of other schedulers."""
    client = getattr(schedule, "__self__", None)
    return client if hasattr(client, "_results") and hasattr(client, "persist") else None


def _native_schedulers() -> tuple[Any, ...]:
    """Return the schedulers that take native graphs as they are."""
    from oxidask import local, threaded

    return threaded.get, local.get_sync


def _reject_get() -> Any:
    raise TypeError(get_err_msg)


def _scheduler_for(scheduler: Any, collections: Sequence[Any], get: Any = None) -> Any:
    # Delayed values come by the hundred thousand and all have one scheduler: one of them will do.
    native = next((c for c in collections if is_native_delayed(c)), None)
    owners = [] if native is None else [native]
    owners += [
        c for c in collections if not is_native_delayed(c) and hasattr(c, "__dask_scheduler__")
    ]
    found = get_scheduler(scheduler=scheduler, collections=owners, get=get)
    return named_schedulers["threads"] if found is None else found


def persist(
    *args: Any,
    traverse: bool = True,
    optimize_graph: bool = True,
    scheduler: Any = None,
    **kwargs: Any,
) -> tuple[Any, ...]:
    """Compute the parts of several collections and return collections over the computed parts.

    Parameters
    ----------
    *args, traverse, optimize_graph, scheduler, **kwargs
        See :func:`compute`.

    Returns
    -------
    tuple
        The arguments, collections replaced by equal ones whose graphs hold values.

    Examples
    --------
    >>> from oxidask import delayed
    >>> (x,) = persist(delayed(abs)(-1))
    >>> len(x.dask), x.compute()
    (1, 1)
    """
    collections, repack = unpack_collections(*args, traverse=traverse)
    if not collections:
        return args
    schedule = _scheduler_for(scheduler, collections)
    client = _client_of(schedule)
    if client is not None:
        return repack(client.persist(collections, optimize_graph=optimize_graph, **kwargs))
    native = [native_form(collection) for collection in collections]
    if schedule in _native_schedulers() and all(form is not None for form in native):
        from oxidask import _native

        graph = _native.merge_arrays(native, optimize_graph)
    else:
        if optimize_graph:
            collections = [_optimized_expression(c) for c in collections]
        graph = collections_to_dsk(collections, optimize_graph)
    wanted = [list(flatten(c.__dask_keys__())) for c in collections]
    unique = list(dict.fromkeys(key for keys in wanted for key in keys))
    values = dict(zip(unique, schedule(graph, unique, **kwargs), strict=True))
    return repack(
        [
            _rebuilt(collection, {key: _as_data(values[key]) for key in keys})
            for collection, keys in zip(collections, wanted, strict=True)
        ]
    )


def _rebuilt(collection: Any, graph: Any) -> Any:
    rebuild, args = collection.__dask_postpersist__()
    return rebuild(graph, *args)


def _as_data(value: Any) -> Any:
    """Return what stands for `value` itself in a graph."""
    if type(value) in (list, tuple, dict, set, str) or istask(value) or _is_node_like(value):
        return (literal(value),)
    return value


def _is_node_like(value: Any) -> bool:
    from oxidask._task_spec import is_node, is_reference

    return is_node(value) or is_reference(value)


def optimize(*args: Any, traverse: bool = True, **kwargs: Any) -> tuple[Any, ...]:
    """Return equal collections that share one optimised graph.

    Parameters
    ----------
    *args, traverse
        See :func:`compute`.
    **kwargs
        Passed to the optimisation functions.

    Examples
    --------
    >>> from oxidask import delayed
    >>> x = delayed(abs)(-1)
    >>> x2, y2 = optimize(x, x + 1)
    >>> compute(x2, y2)
    (1, 2)
    """
    collections, repack = unpack_collections(*args, traverse=traverse)
    if not collections:
        return args
    by_graph = [c for c in collections if expression_of(c) is None]
    graph = collections_to_dsk(by_graph, **kwargs) if by_graph else {}
    optimized = []
    for collection in collections:
        if any(collection is other for other in by_graph):
            optimized.append(_rebuilt(collection, graph))
        else:
            optimized.append(_optimized_expression(collection))
    return repack(optimized)


def compute_as_if_collection(
    cls: Any, dsk: Any, keys: Any, scheduler: Any = None, get: Any = None, **kwargs: Any
) -> Any:
    """Compute keys of a graph as if it belonged to a collection of type `cls`.

    Examples
    --------
    >>> compute_as_if_collection(DaskMethodsMixin, {"x": 1}, "x", scheduler="sync")
    1
    """
    schedule = get_scheduler(scheduler=scheduler, cls=cls, get=get)
    optimized = optimization_function(cls)(dsk, keys, **kwargs)
    return schedule(optimized, keys, **kwargs)  # type: ignore[misc]


def visualize(
    *args: Any,
    filename: str | None = "mydask",
    traverse: bool = True,
    optimize_graph: bool = False,
    maxval: float | None = None,
    engine: str | None = None,
    **kwargs: Any,
) -> Any:
    """Draw the task graphs of collections, in one picture.

    Parameters
    ----------
    *args
        Collections, containers of them, or plain graphs.
    filename
        Where to write the picture, its suffix tells the format; None to write none.
    traverse
        Whether to look for collections in containers.
    optimize_graph
        Whether to draw the optimised graph.
    maxval
        What the end of the colour scale means.
    engine
        What draws; by default ``visualization.engine`` of the configuration.
    **kwargs
        Passed to the engine, such as ``format``, ``rankdir`` and ``color``.

    Returns
    -------
    object
        What a notebook shows as the picture, if there is something.
    """
    graphs: list[Any] = [arg for arg in args if isinstance(arg, Mapping) and _is_graph(arg)]
    others = [arg for arg in args if not any(arg is graph for graph in graphs)]
    collections, _ = unpack_collections(*others, traverse=traverse)
    if collections:
        if optimize_graph:
            collections = [_optimized_expression(c) for c in collections]
        graphs.append(collections_to_dsk(collections, optimize_graph))
    return visualize_dsk(
        _flat_union(graphs), filename=filename, maxval=maxval, engine=engine, **kwargs
    )


def _is_graph(mapping: Mapping[Any, Any]) -> bool:
    return not is_dask_collection(mapping) and not any(map(is_dask_collection, mapping.values()))


def visualize_dsk(
    dsk: Any,
    filename: str | None = "mydask",
    traverse: bool = True,
    optimize_graph: bool = False,
    maxval: float | None = None,
    o: Any = None,
    engine: str | None = None,
    **kwargs: Any,
) -> Any:
    """Draw a graph; see :func:`visualize`."""
    from oxidask import config, dot

    engine = engine or config.get("visualization.engine", None) or "oxidask"
    options = {"maxval": maxval, "o": o}
    kwargs.update({name: value for name, value in options.items() if value is not None})
    # Our own drawing stands in for Graphviz, whose attributes it takes.
    if engine in ("oxidask", "graphviz"):
        return dot.dot_graph(dsk, filename=filename, **kwargs)
    if engine in ("cytoscape", "ipycytoscape"):
        return dot.cytoscape_graph(dsk, filename=filename, **kwargs)
    raise ValueError(f"Visualization engine {engine!r} is not one of 'oxidask', 'graphviz'")


def wait(x: Any, timeout: Any = None, return_when: str = "ALL_COMPLETED") -> Any:
    """Wait until the futures of a persisted collection are done, and return the collection.

    Without a cluster there is nothing to wait for.

    Examples
    --------
    >>> wait(1)
    1
    """
    try:
        from oxidask.distributed import futures_of
        from oxidask.distributed import wait as wait_for_futures
    except ImportError:
        return x
    if not futures_of(x):
        return x
    try:
        return wait_for_futures(x, timeout=timeout, return_when=return_when)
    except ValueError:  # no client
        return x
