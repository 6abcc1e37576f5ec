"""Types and protocols of task graphs and collections.

A *collection* is anything with the methods of :class:`DaskCollection`; nothing has to inherit
from a class of ours.  The names of this module are those of ``dask.typing``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from enum import Enum
from typing import Any, Protocol, TypeAlias, TypeVar, Union, runtime_checkable

__all__ = [
    "CollType",
    "CollType_co",
    "DaskCollection",
    "Graph",
    "HLGDaskCollection",
    "Key",
    "NestedKeys",
    "NoDefault",
    "PostComputeCallable",
    "PostPersistCallable",
    "SchedulerGetCallable",
    "no_default",
]

CollType = TypeVar("CollType", bound="DaskCollection")
CollType_co = TypeVar("CollType_co", bound="DaskCollection", covariant=True)
PostComputeCallable: TypeAlias = Callable[..., Any]

Key: TypeAlias = str | int | float | tuple["Key", ...]
"""What names a task: text, a number, or a tuple of keys."""

Graph: TypeAlias = Mapping[Key, Any]
"""Keys to tasks, literals, other keys, or task nodes."""

NestedKeys: TypeAlias = list[Union[Key, "NestedKeys"]]
"""Keys in lists, nested as deep as the collection has dimensions."""


class _NoDefault(Enum):
    """The type of :data:`no_default`, an argument that was not given."""

    no_default = "NO_DEFAULT"

    def __repr__(self) -> str:
        return "<no_default>"


NoDefault: TypeAlias = _NoDefault
no_default = _NoDefault.no_default


class SchedulerGetCallable(Protocol):
    """A scheduler: computes the values of some keys of a graph."""

    def __call__(self, dsk: Graph, keys: Sequence[Key] | Key, **kwargs: Any) -> Any:
        """Return the values of `keys`, nested as `keys` are."""


class PostPersistCallable(Protocol[CollType_co]):
    """Rebuilds a collection from the graph that its computed parts make."""

    def __call__(
        self,
        dsk: Graph,
        *args: Any,
        rename: Mapping[str, str] | None = None,
    ) -> CollType_co:
        """Return a collection like the original one over `dsk`, its names replaced by `rename`."""


@runtime_checkable
class DaskCollection(Protocol):
    """What an object must offer to be computed, persisted and drawn.

    Examples
    --------
    >>> from oxidask.typing import DaskCollection
    >>> isinstance(1, DaskCollection)
    False
    """

    def __dask_graph__(self) -> Graph:
        """Return the task graph."""

    def __dask_keys__(self) -> NestedKeys:
        """Return the keys of the graph that make up the result."""

    def __dask_postcompute__(self) -> tuple[PostComputeCallable, tuple[Any, ...]]:
        """Return the function, and its further arguments, that joins the computed keys."""

    def __dask_postpersist__(self) -> tuple[PostPersistCallable[Any], tuple[Any, ...]]:
        """Return the function, and its further arguments, that rebuilds the collection."""

    def __dask_tokenize__(self) -> Hashable:
        """Return a value that identifies the collection."""

    __dask_optimize__: Any
    __dask_scheduler__: staticmethod[[Graph, Sequence[Key] | Key], Any]

    def compute(self, **kwargs: Any) -> Any:
        """Return the result."""

    def persist(self: CollType, **kwargs: Any) -> CollType:
        """Return the same collection with its parts computed."""

    def visualize(
        self,
        filename: str = "mydask",
        format: str | None = None,
        optimize_graph: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Draw the task graph."""


@runtime_checkable
class HLGDaskCollection(DaskCollection, Protocol):
    """A collection whose graph is a :class:`~oxidask.highlevelgraph.HighLevelGraph`."""

    def __dask_layers__(self) -> Sequence[str]:
        """Return the names of the layers that hold the collection's keys."""
