"""Graphs in layers: each collection operation adds a named layer, which may stay symbolic.

A :class:`HighLevelGraph` maps layer names to :class:`Layer` objects and to the names of the layers
that each needs.  Seen as a mapping it is the flat task graph.
"""

from __future__ import annotations

import copy
from collections.abc import (
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from html import escape
from typing import Any

from oxidask._layer import Layer, MaterializedLayer
from oxidask.core import flatten, get_dependencies, keys_in_tasks, reverse_dict, toposort
from oxidask.typing import Graph, Key

__all__ = [
    "HighLevelGraph",
    "Layer",
    "MaterializedLayer",
    "compute_layer_dependencies",
    "register_highlevelgraph",
    "to_graphviz",
]


def compute_layer_dependencies(layers: Mapping[str, Graph]) -> dict[str, set[str]]:
    """Return, for each layer, the names of the other layers whose keys its tasks use.

    Examples
    --------
    >>> compute_layer_dependencies({"a": {"x": 1}, "b": {"y": (abs, "x")}})
    {'a': set(), 'b': {'a'}}
    """
    owner = {key: name for name, layer in layers.items() for key in layer}
    dependencies = {}
    for name, layer in layers.items():
        used = keys_in_tasks(owner, list(layer.values()))
        dependencies[name] = {owner[key] for key in used} - {name}
    return dependencies


def _is_layer(obj: Any) -> bool:
    return isinstance(obj, Layer) or (
        isinstance(obj, Mapping) and hasattr(obj, "get_output_keys") and hasattr(obj, "cull")
    )


def _is_layered(graph: Any) -> bool:
    """Whether `graph` is a graph in layers, ours or stock Dask's."""
    return isinstance(graph, HighLevelGraph) or (
        isinstance(getattr(graph, "layers", None), Mapping) and hasattr(graph, "dependencies")
    )


class HighLevelGraph(Mapping[Key, Any]):
    """A task graph in named layers.

    Parameters
    ----------
    layers
        Layer names to layers, or to plain mappings of keys to tasks.
    dependencies
        Layer names to the names of the layers that they use.
    key_dependencies
        Keys to the keys they need, as far as known.

    Examples
    --------
    >>> graph = HighLevelGraph({"a": {"x": 1}, "b": {"y": (abs, "x")}}, {"a": set(), "b": {"a"}})
    >>> sorted(graph)
    ['x', 'y']
    >>> list(graph.cull(["x"]).layers)
    ['a']
    """

    layers: Mapping[str, Any]
    dependencies: Mapping[str, set[str]]
    key_dependencies: dict[Key, set[Key]]

    def __init__(
        self,
        layers: Mapping[str, Graph],
        dependencies: Mapping[str, set[str]],
        key_dependencies: dict[Key, set[Key]] | None = None,
    ) -> None:
        self.dependencies = dependencies
        self.key_dependencies = key_dependencies or {}
        self.layers = {
            name: layer if _is_layer(layer) else MaterializedLayer(layer)
            for name, layer in layers.items()
        }

    @classmethod
    def from_collections(
        cls, name: str, layer: Graph, dependencies: Sequence[Any] = ()
    ) -> HighLevelGraph:
        """Return the graph of a new collection: one more layer over those that it uses.

        Parameters
        ----------
        name
            The name of the new layer.
        layer
            The tasks of the new layer.
        dependencies
            The collections that the tasks use.

        Examples
        --------
        >>> HighLevelGraph.from_collections("a", {"x": 1}).dependencies
        {'a': set()}
        """
        from oxidask.base import is_dask_collection

        layers: dict[str, Any] = {name: layer}
        deps: dict[str, set[str]] = {name: set()}
        for collection in dependencies:
            if not is_dask_collection(collection):
                raise TypeError(f"Expected a collection, got {type(collection)}: {collection!r}")
            graph = collection.__dask_graph__()
            if _is_layered(graph):
                layers.update(graph.layers)
                deps.update(graph.dependencies)
                deps[name].update(collection.__dask_layers__())
            else:
                flat_name = str(id(graph))
                layers[flat_name] = graph
                deps[flat_name] = set()
                deps[name].add(flat_name)
        return cls(layers, deps)

    @classmethod
    def merge(cls, *graphs: Graph) -> HighLevelGraph:
        """Return one graph with the layers of several; a plain mapping becomes one layer.

        Examples
        --------
        >>> one = HighLevelGraph.from_collections("a", {"x": 1})
        >>> two = HighLevelGraph.from_collections("b", {"y": 1})
        >>> list(HighLevelGraph.merge(one, two).layers)
        ['a', 'b']
        """
        layers: dict[str, Any] = {}
        dependencies: dict[str, set[str]] = {}
        for graph in graphs:
            if _is_layered(graph):
                layers.update(graph.layers)  # type: ignore[attr-defined]
                dependencies.update(graph.dependencies)  # type: ignore[attr-defined]
            elif isinstance(graph, Mapping):
                layers[str(id(graph))] = graph
                dependencies[str(id(graph))] = set()
            else:
                raise TypeError(f"Expected a graph (a mapping), got {type(graph)}: {graph!r}")
        return cls(layers, dependencies)

    def __getitem__(self, key: Key) -> Any:
        # Most keys are their layer's name, or a tuple that starts with it.
        for name in (key, key[0] if isinstance(key, tuple) and key else None):
            layer = self.layers.get(name) if name is not None else None  # type: ignore[arg-type]
            if layer is not None and key in layer:
                return layer[key]
        for layer in self.layers.values():
            if key in layer:
                return layer[key]
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        try:
            self[key]  # type: ignore[index]
        except KeyError:
            return False
        return True

    def __iter__(self) -> Iterator[Key]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        # Two layers may have a key in common.  Symbolic layers have their own and are not expanded.
        symbolic = [layer for layer in self.layers.values() if not layer.is_materialized()]
        keys = set().union(*(layer for layer in self.layers.values() if layer.is_materialized()))
        return len(keys) + sum(map(len, symbolic))

    def to_dict(self) -> dict[Key, Any]:
        """Return the flat graph."""
        return {key: task for layer in self.layers.values() for key, task in layer.items()}

    def keys(self) -> KeysView[Key]:
        """Return all keys."""
        return self.to_dict().keys()

    def values(self) -> ValuesView[Any]:
        """Return all tasks."""
        return self.to_dict().values()

    def items(self) -> ItemsView[Key, Any]:
        """Return all pairs of key and task."""
        return self.to_dict().items()

    def get_all_external_keys(self) -> set[Key]:
        """Return the keys of all layers that other layers may use."""
        return {key for layer in self.layers.values() for key in layer.get_output_keys()}

    def get_all_dependencies(self) -> dict[Key, set[Key]]:
        """Return the keys that each key needs directly.

        Examples
        --------
        >>> HighLevelGraph({"a": {"x": 1, "y": "x"}}, {"a": set()}).get_all_dependencies()
        {'x': set(), 'y': {'x'}}
        """
        known = self.key_dependencies
        flat = self.to_dict()
        for key, task in flat.items():
            if key not in known:
                known[key] = get_dependencies(flat, task=task)
        return known

    @property
    def dependents(self) -> dict[str, set[str]]:
        """Layer names to the names of the layers that use them."""
        return reverse_dict(self.dependencies)

    def copy(self) -> HighLevelGraph:
        """Return a graph whose layers and dependencies can be changed without changing this one."""
        return type(self)(
            {name: copy.copy(layer) for name, layer in self.layers.items()},
            {name: set(deps) for name, deps in self.dependencies.items()},
            dict(self.key_dependencies),
        )

    def _toposort_layers(self) -> list[str]:
        return toposort(self.layers, dependencies=self.dependencies)  # type: ignore[arg-type, return-value]

    def cull(self, keys: Iterable[Key]) -> HighLevelGraph:
        """Return the graph cut down to what `keys` need; symbolic layers stay symbolic.

        Parameters
        ----------
        keys
            The keys wanted, in lists however deep.
        """
        wanted = set(flatten(keys))
        all_keys = self.get_all_external_keys()
        layers: dict[str, Any] = {}
        key_dependencies: dict[Key, set[Key]] = {}
        for name in reversed(self._toposort_layers()):
            layer = self.layers[name]
            outputs = wanted.intersection(layer.get_output_keys())
            if not outputs and len(layer):
                continue
            culled, needed = layer.cull(outputs, all_keys)
            if not len(culled):
                continue
            for dep_keys in needed.values():
                wanted.update(dep_keys)
            layers[name] = culled
            key_dependencies.update(needed)
        order = [name for name in self.layers if name in layers]
        dependencies = {
            name: {dep for dep in self.dependencies[name] if dep in layers} for name in order
        }
        return type(self)({name: layers[name] for name in order}, dependencies, key_dependencies)

    def cull_layers(self, layers: Iterable[str]) -> HighLevelGraph:
        """Return the graph of the layers that `layers` need, each as it is.

        Examples
        --------
        >>> graph = HighLevelGraph({"a": {"x": 1}, "b": {"y": 2}}, {"a": set(), "b": set()})
        >>> list(graph.cull_layers(["a"]).layers)
        ['a']
        """
        needed: set[str] = set()
        work = list(layers)
        while work:
            name = work.pop()
            if name not in needed:
                needed.add(name)
                work.extend(self.dependencies[name])
        return type(self)(
            {name: layer for name, layer in self.layers.items() if name in needed},
            {name: deps for name, deps in self.dependencies.items() if name in needed},
        )

    def validate(self) -> None:
        """Check that the parts of the graph agree.

        Raises
        ------
        ValueError
            If a layer's dependencies name a layer that is missing, differ from those that its
            tasks show, or if ``key_dependencies`` are wrong.
        """
        for name, deps in self.dependencies.items():
            if name not in self.layers:
                raise ValueError(f"dependencies names the layer {name!r}, which does not exist")
            for dep in deps:
                if dep not in self.layers:
                    raise ValueError(f"{dep!r} in dependencies[{name!r}] is not in layers")
        actual = compute_layer_dependencies(self.layers)
        if self.dependencies.keys() != actual.keys():
            missing = sorted(actual.keys() - self.dependencies.keys())
            raise ValueError(f"dependencies lacks the layers {missing!r}")
        for name, deps in actual.items():
            if set(self.dependencies[name]) != deps:
                raise ValueError(
                    f"dependencies[{name!r}] is {set(self.dependencies[name])!r}, "
                    f"but the tasks of the layer use {deps!r}"
                )
        flat = self.to_dict()
        for key, key_deps in self.key_dependencies.items():
            if (found := get_dependencies(flat, key)) != set(key_deps):
                raise ValueError(f"key_dependencies[{key!r}] is {key_deps!r}, expected {found!r}")

    def visualize(
        self, filename: str | None = "dask-hlg.svg", format: str | None = None, **kwargs: Any
    ) -> Any:
        """Draw the layers and what they depend on; see :func:`oxidask.visualize`."""
        from oxidask.dot import dot_graph

        graph = {
            name: (_LayerLabel(name, layer), *sorted(self.dependencies[name], key=str))
            for name, layer in self.layers.items()
        }
        return dot_graph(graph, filename=filename, format=format, **kwargs)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} with {len(self.layers)} layers."]
        lines.append(f"<{type(self).__module__}.{type(self).__name__} object at 0x{id(self):x}>")
        lines += [f" {i}. {name}" for i, name in enumerate(self._toposort_layers())]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = []
        for i, name in enumerate(self._toposort_layers()):
            layer = self.layers[name]
            parts.append(
                layer._repr_html_(
                    layer_index=i,
                    highlevelgraph_key=name,
                    dependencies=self.dependencies[name],
                )
            )
        title = f"{type(self).__name__} with {len(self.layers)} layers"
        return f"<div><h4>{escape(title)}</h4>{''.join(parts)}</div>"

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, [(name, dict(layer)) for name, layer in self.layers.items()]


class _LayerLabel:
    """Stands for a layer's function in a picture."""

    def __init__(self, name: str, layer: Any) -> None:
        from oxidask.utils import key_split

        self.__name__ = key_split(name)
        self._layer = layer

    def __call__(self, *args: Any) -> Any:
        raise TypeError(f"the layer {self.__name__!r} is a drawing, it cannot be computed")


def to_graphviz(hg: HighLevelGraph, **kwargs: Any) -> Any:
    """Return a picture of the layers of `hg`, without writing a file."""
    return hg.visualize(filename=None, **kwargs)


def register_highlevelgraph(hlg: Any) -> Any:
    """Return `hlg` unchanged; there is nothing to register for tokens of graphs.

    Examples
    --------
    >>> register_highlevelgraph({})
    {}
    """
    return hlg
