"""Layers: the named parts of a :class:`~oxidask.highlevelgraph.HighLevelGraph`."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Set
from html import escape
from typing import Any

from oxidask._task_spec import Task, TaskRef, is_node
from oxidask.core import istask, keys_in_tasks
from oxidask.typing import Key

__all__ = ["Layer", "MaterializedLayer"]


class Layer(Mapping[Key, Any]):
    """A part of a graph that one operation made: a mapping of keys to tasks.

    Subclasses may describe their tasks symbolically and make them on access.

    Parameters
    ----------
    annotations
        What the scheduler should know about the layer's tasks; by default the annotations of the
        enclosing :func:`oxidask.annotate`.
    collection_annotations
        What pictures should show about the collection.
    """

    annotations: dict[str, Any] | None
    collection_annotations: dict[str, Any] | None

    def __init__(
        self,
        annotations: Mapping[str, Any] | None = None,
        collection_annotations: Mapping[str, Any] | None = None,
    ) -> None:
        if annotations is None:
            from oxidask.base import get_annotations

            annotations = get_annotations()
        self.annotations = dict(annotations) if annotations else None
        self.collection_annotations = (
            None if collection_annotations is None else dict(collection_annotations)
        )

    def is_materialized(self) -> bool:
        """Whether all tasks exist already, so that iterating costs nothing extra."""
        return True

    def get_output_keys(self) -> Set[Key]:
        """Return the keys that other layers may use."""
        return self.keys()

    def get_dependencies(self, key: Key, all_hlg_keys: Collection[Key]) -> set[Key]:
        """Return the keys among `all_hlg_keys` that the task of `key` needs."""
        task = self[key]
        if is_node(task):
            return {dep for dep in task.dependencies if dep in all_hlg_keys}
        return keys_in_tasks(all_hlg_keys, [task])  # type: ignore[no-any-return]

    def cull(
        self, keys: set[Key], all_hlg_keys: Collection[Key]
    ) -> tuple[Layer, Mapping[Key, set[Key]]]:
        """Return the layer cut down to what `keys` need, and the dependencies of what is left."""
        dependencies: dict[Key, set[Key]] = {}
        work = [key for key in keys if key in self]
        if len(work) == len(self):
            return self, {key: self.get_dependencies(key, all_hlg_keys) for key in self}
        kept = set(work)
        # A layer's tasks may need one another, whether or not they count as keys of the graph.
        known = _EitherOf(all_hlg_keys, self)
        while work:
            key = work.pop()
            needed = self.get_dependencies(key, known)
            dependencies[key] = needed
            for dep in needed:
                if dep in self and dep not in kept:
                    kept.add(dep)
                    work.append(dep)
        mapping = {key: self[key] for key in self if key in kept}
        return MaterializedLayer(mapping, annotations=self.annotations or {}), dependencies

    def clone(
        self, keys: set[Key], seed: Hashable, bind_to: Key | None = None
    ) -> tuple[Layer, bool]:
        """Return the layer with its keys, and all uses of `keys`, renamed.

        Parameters
        ----------
        keys
            The keys of the graph to rename wherever they are used.
        seed
            What the new names depend on.
        bind_to
            A key that tasks without dependencies of their own shall wait for.

        Returns
        -------
        layer, bound
            The new layer, and whether any of its tasks waits for `bind_to`.
        """
        from oxidask.base import clone_key

        renamed = {key: clone_key(key, seed) for key in keys}
        bound = False
        mapping = {}
        for key, task in self.items():
            is_root = not any(dep in renamed for dep in self.get_dependencies(key, renamed))
            new_key = clone_key(key, seed)
            new = _rename_keys(task, renamed, new_key)
            if bind_to is not None and is_root:
                new = _bind_task(new, new_key, bind_to)
                bound = True
            mapping[new_key] = new
        return MaterializedLayer(mapping, annotations=self.annotations or {}), bound

    def __copy__(self) -> Layer:
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        return new

    def __reduce__(self) -> Any:
        return _restore_layer, (type(self), self.__dict__)

    def layer_info_dict(self) -> dict[str, Any]:
        """Return what ``_repr_html_`` shows about the layer."""
        info: dict[str, Any] = {
            "layer_type": type(self).__name__,
            "is_materialized": self.is_materialized(),
            "number of outputs": len(self.get_output_keys()),
        }
        for extra in (self.annotations, self.collection_annotations):
            info.update((str(k), str(v)) for k, v in (extra or {}).items())
        return info

    def _repr_html_(
        self,
        layer_index: Any = "",
        highlevelgraph_key: str = "",
        dependencies: Iterable[str] = (),
    ) -> str:
        name = highlevelgraph_key or type(self).__name__
        rows = dict(self.layer_info_dict())
        if dependencies:
            rows["depends on"] = ", ".join(sorted(map(str, dependencies)))
        cells = "".join(
            f'<tr><th style="text-align: left">{escape(str(k))}</th>'
            f'<td style="text-align: left">{escape(str(v))}</td></tr>'
            for k, v in rows.items()
        )
        title = f"Layer{layer_index}: {escape(str(name))}"
        return f"<details><summary>{title}</summary><table>{cells}</table></details>"


class _EitherOf(Collection[Any]):
    """The union of two collections of keys, made without copying them."""

    def __init__(self, first: Collection[Any], second: Collection[Any]) -> None:
        self._parts = (first, second)

    def __contains__(self, key: object) -> bool:
        return key in self._parts[0] or key in self._parts[1]

    def __iter__(self) -> Iterator[Any]:
        yield from self._parts[0]
        yield from (key for key in self._parts[1] if key not in self._parts[0])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _restore_layer(cls: type, state: dict[str, Any]) -> Any:
    new: Any = object.__new__(cls)
    new.__dict__.update(state)
    return new


def _rename_keys(task: Any, renamed: Mapping[Any, Any], key: Any) -> Any:
    if is_node(task):
        return task.substitute(renamed, key=key)
    return _rename_in_legacy(task, renamed)


def _rename_in_legacy(task: Any, renamed: Mapping[Any, Any]) -> Any:
    if istask(task):
        return (task[0], *(_rename_in_legacy(arg, renamed) for arg in task[1:]))
    if type(task) is list:
        return [_rename_in_legacy(item, renamed) for item in task]
    if type(task) is dict:
        return {k: _rename_in_legacy(v, renamed) for k, v in task.items()}
    if is_node(task):
        return task.substitute(renamed)
    try:
        return renamed.get(task, task)
    except TypeError:  # not hashable, so not a key
        return task


def _bind_task(task: Any, key: Any, blocker: Any) -> Any:
    from oxidask.graph_manipulation import chunks

    if is_node(task):
        return Task(key, chunks.bind, task, TaskRef(blocker))
    return (chunks.bind, task, blocker)


class MaterializedLayer(Layer):
    """A layer whose tasks are all there.

    Parameters
    ----------
    mapping
        Keys to tasks.
    annotations, collection_annotations
        See :class:`Layer`.

    Examples
    --------
    >>> layer = MaterializedLayer({"x": 1, "y": (abs, "x")})
    >>> dict(layer.cull({"x"}, layer.keys())[0])
    {'x': 1}
    """

    def __init__(
        self,
        mapping: Mapping[Key, Any],
        annotations: Mapping[str, Any] | None = None,
        collection_annotations: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(annotations, collection_annotations)
        self.mapping = mapping

    def __contains__(self, key: object) -> bool:
        return key in self.mapping

    def __getitem__(self, key: Key) -> Any:
        return self.mapping[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.mapping)

    def __len__(self) -> int:
        return len(self.mapping)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self)} tasks>"

    def is_materialized(self) -> bool:
        """Return True."""
        return True

    def get_output_keys(self) -> Set[Key]:
        """Return all keys."""
        return self.keys()
