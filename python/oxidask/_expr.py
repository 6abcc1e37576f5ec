"""Expressions: immutable descriptions of collections, from which task graphs are made.

An expression has operands, some of which may be expressions; subclasses name them in
``_parameters`` and give their tasks in ``_layer``.  The expressions here wrap existing graphs:
:class:`HLGExpr` one in layers, :class:`LLGExpr` a flat one, :class:`ExprSequence` several others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from oxidask._task_spec import convert_legacy_graph
from oxidask._unpack import child_expressions, is_expression
from oxidask.tokenize import tokenize

__all__ = ["CompositeExpr", "Expr", "ExprSequence", "HLGExpr", "LLGExpr", "SingletonExpr"]


class Expr:
    """An expression.

    Parameters
    ----------
    *args, **kwargs
        The operands, by position or by the names in ``_parameters``.

    Examples
    --------
    >>> class Sum(Expr):
    ...     _parameters = ["left", "right"]
    ...     _defaults = {"right": 0}
    >>> Sum(1)
    Sum(left=1, right=0)
    >>> Sum(1).left
    1
    """

    _parameters: ClassVar[list[str]] = []
    _defaults: ClassVar[dict[str, Any]] = {}
    operands: list[Any]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an expression; subclasses need no ``__init__``."""
        operands = list(args)
        for name in cls._parameters[len(operands) :]:
            if name in kwargs:
                operands.append(kwargs.pop(name))
            elif name in cls._defaults:
                operands.append(cls._defaults[name])
            else:
                raise TypeError(f"{cls.__name__} needs the operand {name!r}")
        if kwargs:
            raise TypeError(f"{cls.__name__} has no operands {sorted(kwargs)!r}")
        new = object.__new__(cls)
        object.__setattr__(new, "operands", operands)
        return new

    def __getattr__(self, name: str) -> Any:
        parameters = type(self)._parameters
        if name in parameters:
            return self.operands[parameters.index(name)]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        parameters = type(self)._parameters
        if name in parameters:
            self.operands[parameters.index(name)] = value
        elif hasattr(type(self), name):
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        names = [*self._parameters, *[""] * (len(self.operands) - len(self._parameters))]
        shown = [
            f"{name}={operand!r}" if name else repr(operand)
            for name, operand in zip(names, self.operands, strict=True)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __hash__(self) -> int:
        return hash(self._name)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is type(self) and other._name == self._name)

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), *self.operands)

    def __dask_tokenize__(self) -> Any:
        return type(self).__name__, self.operands

    def operand(self, key: str) -> Any:
        """Return the operand of a name."""
        return self.operands[type(self)._parameters.index(key)]

    def dependencies(self) -> list[Any]:
        """Return the operands that are expressions."""
        return [operand for operand in self.operands if is_expression(operand)]

    @cached_property
    def _name(self) -> str:
        return f"{type(self).__name__.lower()}-{tokenize(self)}"

    def _layer(self) -> dict[Any, Any]:
        """Return the tasks of this expression, without those of its operands."""
        return {}

    def walk(self) -> Iterator[Any]:
        """Yield this expression and all that it is made of, each once."""
        stack = [self]
        seen = set()
        while stack:
            expr = stack.pop()
            if expr._name in seen:
                continue
            seen.add(expr._name)
            yield expr
            stack.extend(expr.dependencies())

    def find_operations(self, operation: type | tuple[type, ...]) -> Iterator[Any]:
        """Yield the expressions of some type."""
        return (expr for expr in self.walk() if isinstance(expr, operation))

    def substitute(self, old: Any, new: Any) -> Any:
        """Return the expression with an operand replaced wherever it occurs."""
        if self == old:
            return new
        operands = [
            op.substitute(old, new) if is_expression(op) else (new if op is old else op)
            for op in self.operands
        ]
        if all(a is b for a, b in zip(operands, self.operands, strict=True)):
            return self
        return type(self)(*operands)

    def simplify(self) -> Any:
        """Return an equal, simpler expression."""
        return self

    def lower_completely(self) -> Any:
        """Return an equal expression all parts of which give tasks."""
        return self

    def fuse(self) -> Any:
        """Return an equal expression with fewer tasks."""
        return self

    def optimize(self, fuse: bool = False) -> Any:
        """Return an equal expression whose graph is optimised."""
        expr = self.simplify().lower_completely()
        return expr.fuse() if fuse else expr

    def finalize_compute(self) -> Any:
        """Return an expression with one key, that of the whole result."""
        return self

    def __dask_graph__(self) -> dict[Any, Any]:
        graph: dict[Any, Any] = {}
        for expr in self.walk():
            graph.update(expr._layer())
        return graph

    def __dask_keys__(self) -> list[Any]:
        return [(self._name, i) for i in range(getattr(self, "npartitions", 1))]

    @property
    def dask(self) -> dict[Any, Any]:
        """The task graph."""
        return self.__dask_graph__()


def _rebuild(cls: type, *operands: Any) -> Any:
    return cls(*operands)


class SingletonExpr(Expr):
    """An expression of which there is one object for the same operands.

    A class with an ``__init__`` of its own, which could change the shared object, gets a new
    object each time.

    Examples
    --------
    >>> class One(SingletonExpr):
    ...     _parameters = ["x"]
    >>> One(1) is One(1)
    True
    """

    _instances: ClassVar[WeakValueDictionary[str, Any]] = WeakValueDictionary()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Return the object with these operands."""
        new = super().__new__(cls, *args, **kwargs)
        if cls.__init__ is not object.__init__:
            return new
        name = f"{cls.__module__}.{cls.__qualname__}-{new._name}"
        return SingletonExpr._instances.setdefault(name, new)


class LLGExpr(Expr):
    """A flat graph; all of its keys are output.

    Examples
    --------
    >>> LLGExpr({"x": 1}).__dask_keys__()
    ['x']
    """

    _parameters: ClassVar[list[str]] = ["dsk"]

    def __dask_keys__(self) -> list[Any]:
        return list(self.dsk)

    def _layer(self) -> dict[Any, Any]:
        return convert_legacy_graph(self.dsk)


class HLGExpr(Expr):
    """The graph of a collection, and how to optimise it.

    Parameters
    ----------
    dsk
        The graph, in layers or flat.
    low_level_optimizer
        A function of a graph and keys; None to leave the graph as it is.
    output_keys
        The keys that make up the result; None for all.
    postcompute, postpersist
        What the collection's protocol says.

    Examples
    --------
    >>> expr = HLGExpr({"x": 1, "y": (abs, "x")}, output_keys=["y"])
    >>> expr.__dask_keys__(), sorted(expr.__dask_graph__())
    (['y'], ['x', 'y'])
    """

    _parameters: ClassVar[list[str]] = [
        "dsk",
        "low_level_optimizer",
        "output_keys",
        "postcompute",
        "postpersist",
    ]
    _defaults: ClassVar[dict[str, Any]] = {
        "low_level_optimizer": None,
        "output_keys": None,
        "postcompute": None,
        "postpersist": None,
    }

    @classmethod
    def from_collection(cls, collection: Any, optimize_graph: bool = True) -> HLGExpr:
        """Return the expression of a collection."""
        from oxidask.base import dont_optimize, optimization_function

        optimizer: Callable[..., Any] | None = None
        if optimize_graph:
            optimizer = optimization_function(collection)
        if optimizer is dont_optimize:
            optimizer = None
        return cls(  # type: ignore[no-any-return]
            collection.__dask_graph__(),
            optimizer,
            collection.__dask_keys__(),
            collection.__dask_postcompute__(),
            collection.__dask_postpersist__(),
        )

    @property
    def hlg(self) -> Any:
        """The graph in layers."""
        from oxidask.highlevelgraph import HighLevelGraph

        return self.dsk if hasattr(self.dsk, "layers") else HighLevelGraph.merge(self.dsk)

    @cached_property
    def _optimized(self) -> Any:
        if self.low_level_optimizer is None:
            return self.dsk
        return self.low_level_optimizer(self.dsk, self.__dask_keys__())

    def optimize(self, fuse: bool = False) -> Any:
        """Return the expression of the optimised graph."""
        return HLGExpr(self._optimized, None, *self.operands[2:])

    def __dask_keys__(self) -> list[Any]:
        return list(self.dsk) if self.output_keys is None else self.output_keys

    def __dask_annotations__(self) -> dict[str, dict[Any, Any]]:
        """Return names of annotations to keys to values."""
        found: dict[str, dict[Any, Any]] = {}
        graph = self._optimized if hasattr(self._optimized, "layers") else self.dsk
        for layer in getattr(graph, "layers", {}).values():
            for name, value in (getattr(layer, "annotations", None) or {}).items():
                for key in layer:
                    found.setdefault(name, {})[key] = value(key) if callable(value) else value
        return found

    def _layer(self) -> dict[Any, Any]:
        return convert_legacy_graph(dict(self._optimized))


class ExprSequence(Expr):
    """Several expressions that are computed together; one list of keys for each.

    Examples
    --------
    >>> ExprSequence(LLGExpr({"x": 1}), LLGExpr({"y": 2})).__dask_keys__()
    [['x'], ['y']]
    """

    def __dask_keys__(self) -> list[Any]:
        return [operand.__dask_keys__() for operand in self.operands]

    def __dask_graph__(self) -> dict[Any, Any]:
        graph: dict[Any, Any] = {}
        for operand in self.operands:
            graph.update(operand.__dask_graph__())
        return graph

    def __dask_annotations__(self) -> dict[str, dict[Any, Any]]:
        """Return names of annotations to keys to values, of all expressions."""
        found: dict[str, dict[Any, Any]] = {}
        for operand in self.operands:
            for name, values in getattr(operand, "__dask_annotations__", dict)().items():
                found.setdefault(name, {}).update(values)
        return found

    def optimize(self, fuse: bool = False) -> Any:
        """Return the sequence with each expression optimised."""
        return ExprSequence(*(operand.optimize(fuse=fuse) for operand in self.operands))


_ExprSequence = ExprSequence


class CompositeExpr(Expr):
    """A collection that consists of several others that have expressions.

    Parameters
    ----------
    collection
        An object whose ``__dask_exprs__`` gives the expressions.
    """

    _parameters: ClassVar[list[str]] = ["collection"]

    @property
    def exprs(self) -> tuple[Any, ...]:
        """The expressions."""
        return child_expressions(self.collection)

    def dependencies(self) -> list[Any]:
        """Return the expressions."""
        return list(self.exprs)

    def __dask_keys__(self) -> list[Any]:
        return [expr.__dask_keys__() for expr in self.exprs]

    def __dask_graph__(self) -> dict[Any, Any]:
        graph: dict[Any, Any] = {}
        for expr in self.exprs:
            graph.update(expr.__dask_graph__())
        return graph
