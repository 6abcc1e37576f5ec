"""Names and signatures of functions, and small functions with a name and an equality."""

from __future__ import annotations

import functools
import inspect
import types
import weakref
from collections.abc import Callable, Iterable
from typing import Any


def funcname(func: Any) -> str:
    """A short name of a function.

    Examples
    --------
    >>> funcname(len), funcname(lambda: 1), funcname(functools.partial(len))
    ('len', 'lambda', 'len')
    """
    while True:
        if isinstance(func, functools.partial):
            func = func.func
        elif isinstance(func, methodcaller):
            return _shortened(func.method)
        elif isinstance(func, types.MethodType):
            break
        elif _module_starts(func, "toolz", "cytoolz") and hasattr(func, "func"):
            func = func.func
        else:
            break
    if _module_starts(func, "numpy") and type(func).__name__ == "vectorize":
        return f"vectorize_{funcname(func.pyfunc)}"[:50]
    name = getattr(func, "name", None) if _module_starts(func, "multipledispatch") else None
    name = name or getattr(func, "__name__", None) or str(func)
    return "lambda" if name == "<lambda>" else _shortened(name)


def _shortened(name: str) -> str:
    return name[:50]


def _module_starts(obj: Any, *packages: str) -> bool:
    module = getattr(type(obj), "__module__", "") or ""
    return module.partition(".")[0] in packages


def typename(typ: Any, short: bool = False) -> str:
    """The name of a type, or of the type of an object.

    Parameters
    ----------
    typ : type or object
    short : bool
        Whether to give only the first part of the module's name.

    Examples
    --------
    >>> import collections
    >>> typename(int), typename(5), typename(collections.OrderedDict())
    ('int', 'int', 'collections.OrderedDict')
    """
    if not isinstance(typ, type):
        return typename(type(typ), short)
    module = typ.__module__
    if not module or module == "builtins":
        return typ.__name__
    return f"{module.partition('.')[0] if short else module}.{typ.__name__}"


def getargspec(func: Any) -> inspect.FullArgSpec:
    """The parameters of a function, of one behind partial functions and wrappers too.

    Examples
    --------
    >>> getargspec(functools.partial(lambda x, y: None, 1)).args
    ['x', 'y']
    """
    while isinstance(func, functools.partial):
        func = func.func
    func = inspect.unwrap(func)
    return inspect.getfullargspec(func.__init__ if isinstance(func, type) else func)  # type: ignore[misc]


#: Builtin functions without a signature that is worth reading.
ONE_ARITY_BUILTINS = frozenset(
    [
        abs, all, any, ascii, bool, bytearray, bytes, callable, chr, classmethod, complex, dict,
        dir, enumerate, eval, float, format, frozenset, hash, hex, id, int, iter, len, list, max,
        memoryview, min, next, oct, open, ord, range, repr, reversed, round, set, slice, sorted,
        staticmethod, str, sum, tuple, type, vars, zip,
    ]
)  # fmt: skip
MULTI_ARITY_BUILTINS = frozenset(
    [
        compile, delattr, divmod, filter, getattr, hasattr, isinstance, issubclass, map, pow,
        setattr,
    ]
)  # fmt: skip


def takes_multiple_arguments(func: Any, varargs: bool = True) -> bool:
    """Whether a function requires, or gladly takes, more than one argument.

    Parameters
    ----------
    func : callable
    varargs : bool
        Whether ``*args`` counts.

    Examples
    --------
    >>> takes_multiple_arguments(lambda x, y: None)
    True
    >>> takes_multiple_arguments(lambda x, y=None: None)
    False
    >>> takes_multiple_arguments(lambda *args: None)
    True
    """
    try:
        if func in ONE_ARITY_BUILTINS:
            return False
        if func in MULTI_ARITY_BUILTINS:
            return True
    except TypeError:  # without a hash, it is no builtin
        pass
    try:
        spec = getargspec(func)
    except (TypeError, ValueError):
        return False
    # The object itself takes the first place of a constructor and of a bound method.
    bound = inspect.isclass(func) or inspect.ismethod(func)
    required = len(spec.args) - len(spec.defaults or ()) - (1 if bound else 0)
    return required > 1 or (varargs and spec.varargs is not None)


def get_named_args(func: Any) -> list[str]:
    """Names of the parameters of a function, ``*args`` and ``**kwargs`` left out.

    Examples
    --------
    >>> get_named_args(lambda a, b=1, *c, d=2, **e: None)
    ['a', 'b', 'd']
    """
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(func).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind not in stars]


def has_keyword(func: Any, keyword: str) -> bool:
    """Whether a function has a parameter of this name.

    Examples
    --------
    >>> has_keyword(lambda a, b=None: None, "b"), has_keyword(len, "key")
    (True, False)
    """
    try:
        return keyword in inspect.signature(func).parameters
    except (TypeError, ValueError):
        return False


def apply(func: Callable[..., Any], args: Iterable[Any], kwargs: Any = None) -> Any:
    """Call a function: how a task with keyword arguments is written in a graph.

    Examples
    --------
    >>> apply(int, ("ff",), {"base": 16})
    255
    """
    return func(*args, **kwargs) if kwargs else func(*args)


def partial_by_order(*args: Any, **kwargs: Any) -> Any:
    """Call ``function`` with ``args`` and, at their places, the arguments ``other``.

    Examples
    --------
    >>> from operator import sub
    >>> partial_by_order(5, function=sub, other=[(1, 10)])
    -5
    """
    function, other = kwargs.pop("function"), kwargs.pop("other")
    arguments = list(args)
    for place, argument in other:
        arguments.insert(place, argument)
    return function(*arguments, **kwargs)


class IndexCallable:
    """A function that is called with square brackets.

    Examples
    --------
    >>> successor = IndexCallable(lambda x: x + 1)
    >>> successor[3]
    4
    """

    __slots__ = ("fn",)

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self.fn = fn

    def __getitem__(self, key: Any) -> Any:
        return self.fn(key)


class methodcaller:
    """A function that calls the method of this name of its first argument.

    There is one for each name, so they compare by identity. The arguments of the method are
    given when it is called, in which it differs from `operator.methodcaller`.

    Examples
    --------
    >>> count = methodcaller("count")
    >>> count([1, 3, 3], 3)
    2
    >>> methodcaller("count") is count
    True
    """

    __slots__ = ("__weakref__", "method")
    method: str

    @property
    def func(self) -> str:
        """The name of the method, as ``__name__`` is of a function."""
        return self.method

    def __new__(cls, method: str) -> methodcaller:
        found = _method_cache.get(method)
        if found is None:
            found = object.__new__(cls)
            found.method = method
            # Of two threads, the one that comes first is heard.
            found = _method_cache.setdefault(method, found)
        return found

    def __call__(self, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        return getattr(obj, self.method)(*args, **kwargs)

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return methodcaller, (self.method,)

    def __repr__(self) -> str:
        return f"<methodcaller: {self.method}>"


_method_cache: weakref.WeakValueDictionary[str, methodcaller] = weakref.WeakValueDictionary()


class MethodCache:
    """`methodcaller` as attributes.

    Examples
    --------
    >>> M = MethodCache()
    >>> M.count([1, 3, 3], 3)
    2
    """

    __slots__ = ()

    def __getattr__(self, item: str) -> methodcaller:
        return methodcaller(item)

    def __dir__(self) -> list[str]:
        return list(_method_cache)


M = MethodCache()


class itemgetter:
    """`operator.itemgetter` of one index, with an equality.

    Examples
    --------
    >>> itemgetter(1)("abc")
    'b'
    >>> itemgetter(1) == itemgetter(1)
    True
    """

    __slots__ = ("index",)

    def __init__(self, index: Any) -> None:
        self.index = index

    def __call__(self, x: Any) -> Any:
        return x[self.index]

    def __reduce__(self) -> tuple[type, tuple[Any]]:
        return itemgetter, (self.index,)

    def __eq__(self, other: object) -> bool:
        return type(other) is itemgetter and self.index == other.index

    def __hash__(self) -> int:
        return hash((itemgetter, self.index))


class OperatorMethodMixin:
    """Operators that are bound one by one, each with the function that implements it.

    Examples
    --------
    >>> import operator
    >>> class Boxed(OperatorMethodMixin):
    ...     def __init__(self, value):
    ...         self.value = value
    ...     @classmethod
    ...     def _get_binary_operator(cls, op, inv=False):
    ...         return lambda self, other: op(other, self.value) if inv else op(self.value, other)
    >>> Boxed._bind_operator(operator.sub)
    >>> Boxed(5) - 1, 1 - Boxed(5)
    (4, -4)
    """

    __slots__ = ()

    @classmethod
    def _bind_operator(cls, op: Callable[..., Any]) -> None:
        name = op.__name__.strip("_")
        name = name if name not in ("and_", "or_", "inv", "invert") else name.rstrip("_")
        special = f"__{'invert' if name == 'inv' else name}__"
        if name in ("abs", "invert", "inv", "neg", "pos"):
            setattr(cls, special, cls._get_unary_operator(op))
            return
        setattr(cls, special, cls._get_binary_operator(op))
        if name in ("eq", "ge", "gt", "le", "lt", "ne", "getitem"):
            return
        setattr(cls, f"__r{name}__", cls._get_binary_operator(op, inv=True))

    @classmethod
    def _get_unary_operator(cls, op: Callable[..., Any]) -> Any:
        raise NotImplementedError(f"{cls.__name__} must define _get_unary_operator for {op!r}")

    @classmethod
    def _get_binary_operator(cls, op: Callable[..., Any], inv: bool = False) -> Any:
        raise NotImplementedError(f"{cls.__name__} must define _get_binary_operator for {op!r}")
