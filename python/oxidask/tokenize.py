"""Deterministic tokens: equal objects get equal tokens, in every process and on every day.

The native `tokenize` hashes the builtin types by itself. For everything else it asks this
module, by `_normalize`, for builtin objects that say the same as the object: through what was
registered with `normalize_token`, else the object's own ``__dask_tokenize__`` method, else what
pickle would store of it. The answers are compared by value alone, so neither the memory
address of an object, nor the order of a set, nor whether two equal strings are one takes part.

Functions and classes that cannot be imported by name are in `oxidask._tokenize_code`, arrays
and tables in `oxidask._tokenize_arrays`.
"""

from __future__ import annotations

import copyreg
import datetime
import decimal
import enum
import functools
import pathlib
import types
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, TypeVar

from oxidask import _tokenize_code as _code
from oxidask._dispatch import Dispatch
from oxidask._native import tokenize, tokenize_defer

__all__ = [
    "TokenizationError",
    "normalize_bound_method",
    "normalize_builtin_function_or_method",
    "normalize_compose",
    "normalize_dict",
    "normalize_function",
    "normalize_literal",
    "normalize_object",
    "normalize_ordered_dict",
    "normalize_partial",
    "normalize_seq",
    "normalize_set",
    "normalize_token",
    "tokenize",
]

F = TypeVar("F", bound=Callable[..., Any])

#: What the nearest enclosing call of `tokenize` asked for, where it asked.
_ENSURE_DETERMINISTIC: ContextVar[bool] = ContextVar("_ENSURE_DETERMINISTIC")

#: The types that the native walk absorbs without asking.
_NATIVE = (
    type(None), bool, int, float, complex, str, bytes, bytearray,
    tuple, list, dict, set, frozenset, slice, range,
)  # fmt: skip


class TokenizationError(RuntimeError):
    """An object has no deterministic token, and a deterministic one was asked for.

    Examples
    --------
    >>> try:
    ...     tokenize(object(), ensure_deterministic=True)
    ... except TokenizationError as error:
    ...     print("refused")
    refused
    """


class _NormalizeDispatch(Dispatch):
    """`Dispatch` that takes the builtin types out of the native walk's hands on request."""

    def register(self, type: Any, func: Any = None) -> Any:
        if func is None:
            return lambda func: self.register(type, func)
        for cls in type if isinstance(type, tuple) else (type,):
            if cls in _NATIVE:
                tokenize_defer(cls)
        return super().register(type, func)


normalize_token = _NormalizeDispatch("normalize_token")
_register_native = functools.partial(Dispatch.register, normalize_token)


def _normalize(obj: Any, ensure_deterministic: bool | None = None) -> Any:
    """What the native walk absorbs in place of an object that is no builtin."""
    if ensure_deterministic is None:
        return _parts(obj)
    reset = _ENSURE_DETERMINISTIC.set(ensure_deterministic)
    try:
        return _parts(obj)
    finally:
        _ENSURE_DETERMINISTIC.reset(reset)


def _parts(obj: Any) -> Any:
    parts = normalize_token(obj)
    return normalize_object(obj) if parts is obj else parts


def _maybe_raise_nondeterministic(msg: str) -> None:
    """Raise `TokenizationError` where deterministic tokens are asked for."""
    ensure = _ENSURE_DETERMINISTIC.get(None)
    if ensure is None:
        from oxidask import config

        ensure = config.get("tokenize.ensure-deterministic", False)
    if ensure:
        raise TokenizationError(msg)


def _random(obj: object, why: str) -> str:
    """A token that no other object will get, or `TokenizationError`."""
    _maybe_raise_nondeterministic(
        f"Object of type {type(obj).__module__}.{type(obj).__qualname__} cannot be "
        f"deterministically hashed: {why}. Give its class a __dask_tokenize__ method, or "
        "register a handler with oxidask.tokenize.normalize_token.register"
    )
    return uuid.uuid4().hex


def _identity(obj: Any) -> Any:
    return obj


_register_native(
    (
        type(None), bool, int, float, complex, str, bytes, slice, range, type(Ellipsis),
        decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, pathlib.PurePath,
        uuid.UUID,
    ),
    _identity,
)  # fmt: skip


def _container(obj: Any, cls: type) -> Any:
    # A subclass may carry attributes of its own, or order where its base has none.
    return (cls.__name__, tokenize(obj)) if type(obj) is cls else normalize_object(obj)


@functools.partial(_register_native, (list, tuple))
def normalize_seq(seq: Any) -> Any:
    """Normalize a list or a tuple.

    Examples
    --------
    >>> normalize_seq([1, 2]) == normalize_seq((1, 2))
    False
    """
    return _container(seq, list if isinstance(seq, list) else tuple)


@functools.partial(_register_native, dict)
def normalize_dict(d: Any) -> Any:
    """Normalize a dictionary, whatever the order of its keys.

    Examples
    --------
    >>> normalize_dict({1: 2, 3: 4}) == normalize_dict({3: 4, 1: 2})
    True
    """
    return _container(d, dict)


@functools.partial(_register_native, (set, frozenset))
def normalize_set(s: Any) -> Any:
    """Normalize a set.

    Examples
    --------
    >>> normalize_set({1, 2}) == normalize_set({2, 1})
    True
    """
    return _container(s, set if isinstance(s, set) else frozenset)


@functools.partial(_register_native, OrderedDict)
def normalize_ordered_dict(d: OrderedDict[Any, Any]) -> Any:
    """Normalize an ordered dictionary, whose order counts.

    Examples
    --------
    >>> first = OrderedDict([(1, 2), (3, 4)])
    >>> tokenize(first) == tokenize(OrderedDict(reversed(first.items())))
    False
    """
    if hasattr(d, "__dask_tokenize__"):
        return normalize_object(d)
    return _code.class_reference(type(d)), list(d.items()), vars(d) or None


@functools.partial(_register_native, (memoryview, bytearray))
def _normalize_buffer(buffer: bytearray | memoryview) -> Any:
    if type(buffer) is bytearray:
        return "bytearray", tokenize(buffer)
    if isinstance(buffer, memoryview):
        from oxidask._native import hash_buffer_hex

        whole = buffer if buffer.contiguous else memoryview(buffer.tobytes())
        return "memoryview", buffer.format, buffer.shape, hash_buffer_hex(whole)
    return normalize_object(buffer)


def normalize_literal(lit: Any) -> Any:
    """Normalize a literal of a graph.

    Examples
    --------
    >>> class literal:
    ...     def __call__(self):
    ...         return [1]
    >>> normalize_literal(literal())
    ('literal', [1])
    """
    return "literal", lit()


@functools.partial(_register_native, object)
def normalize_object(o: Any) -> Any:
    """Normalize any object: by its ``__dask_tokenize__`` method, else by what pickle stores.

    Examples
    --------
    >>> class Version:
    ...     def __dask_tokenize__(self):
    ...         return ("Version", 3)
    >>> normalize_object(Version())
    ('Version', 3)
    """
    method = getattr(o, "__dask_tokenize__", None)
    if method is not None and not isinstance(o, type):
        return method()
    return _reduced(o)


#: Plain `object()`s, kept so that no other takes the address of one, and their random tokens.
_pure_objects: dict[int, tuple[object, str]] = {}


def _reduced(o: Any) -> Any:
    """The type and the parts of an object, as pickle finds them."""
    cls = type(o)
    if cls is object:
        token = _random(o, "a plain object() has no value, it is only itself")
        return _pure_objects.setdefault(id(o), (o, token))[1]
    try:
        reduce = copyreg.dispatch_table.get(cls)
        reduced = o.__reduce_ex__(4) if reduce is None else reduce(o)
    except RecursionError:
        raise
    except Exception as error:
        return _reduced_by_cloudpickle(o, error)
    if isinstance(reduced, str):
        # The object is a global of that name, or pickle would refuse it.
        reference = _code.reference(o, reduced)
        if reference is not None:
            return reference
        return _reduced_by_cloudpickle(o, f"{reduced!r} cannot be imported from its module")
    return _reconstruction(o, reduced)


def _reduced_by_cloudpickle(o: Any, error: object) -> Any:
    """As `_reduced`, for the types that cloudpickle adds to those of pickle."""
    import cloudpickle

    reduce = cloudpickle.CloudPickler.dispatch_table.get(type(o))
    if reduce is None:
        return _random(o, str(error) or type(error).__name__)
    try:
        return _reconstruction(o, reduce(o))
    except RecursionError:
        raise
    except Exception as second:
        return _random(o, str(second) or type(second).__name__)


def _reconstruction(o: Any, reduced: tuple[Any, ...]) -> Any:
    function, arguments, state, items, pairs, *setter = (*reduced, None, None, None)[:6]
    if function is copyreg.__newobj__ and arguments and isinstance(arguments[0], type):  # type: ignore[attr-defined]
        function, arguments = _code.class_reference(arguments[0]), arguments[1:]
    elif isinstance(function, type):
        function = _code.class_reference(function)
    return (
        function,
        arguments,
        _without_caches(type(o), state),
        None if items is None else list(items),
        None if pairs is None else dict(pairs),
        setter[0] if setter else None,
    )


def _without_caches(cls: type, state: Any) -> Any:
    """The state of an object, less what its cached properties have computed so far."""
    if type(state) is tuple and len(state) == 2 and type(state[0]) is dict:  # and its slots
        return _without_caches(cls, state[0]), state[1]
    if type(state) is not dict:
        return state
    cached = [
        name for name in state if isinstance(getattr(cls, name, None), functools.cached_property)
    ]
    # Without attributes, the state is None.
    return {k: v for k, v in state.items() if k not in cached} or None if cached else state


def _normalize_seq_func(seq: Iterable[Any]) -> tuple[Any, ...]:
    """`normalize_token` of each item."""
    return tuple(map(normalize_token, seq))


_register_native(type, _code.class_parts)
_register_native(types.CodeType, _code.code_parts)
_register_native(types.ModuleType, lambda module: ("module", module.__name__))
_register_native(enum.Enum, _code.enum_member)
_register_native(property, lambda p: ("property", p.fget, p.fset, p.fdel))
_register_native(functools.cached_property, lambda p: ("cached_property", p.func, p.attrname))
_register_native(classmethod, lambda m: ("classmethod", m.__func__))
_register_native(staticmethod, lambda m: ("staticmethod", m.__func__))
_register_native(types.CellType, _code.cell_contents)
_register_native(functools._lru_cache_wrapper, _code.lru_cache_parts)


@functools.partial(_register_native, types.FunctionType)
def normalize_function(func: Callable[..., Any]) -> Any:
    """Normalize a function: by its name if it can be imported, else by all that it consists of.

    A function that cannot be imported counts by its code, defaults, closure and the globals
    that it uses, yet not by where it stands, so that the same text gives the same token.

    Examples
    --------
    >>> import json
    >>> normalize_function(json.loads)
    ('json', 'loads')
    >>> tokenize(lambda x: x + 1) == tokenize(lambda x: x + 2)
    False

    Differs from Dask
    -----------------
    Dask hashes what cloudpickle makes of the function, which changes with its line number.
    """
    if isinstance(func, types.FunctionType):
        return _code.function_parts(func)
    return normalize_token(func)


@functools.partial(_register_native, types.MethodType)
def normalize_bound_method(meth: Any) -> Any:
    """Normalize a bound method: the function and the object that it is bound to.

    Examples
    --------
    >>> from fractions import Fraction
    >>> tokenize(Fraction(1, 2).limit_denominator) == tokenize(Fraction(1, 3).limit_denominator)
    False
    """
    return "method", meth.__func__, meth.__self__


@functools.partial(_register_native, types.BuiltinFunctionType)
def normalize_builtin_function_or_method(func: Any) -> Any:
    """Normalize a builtin function or a method of a builtin object.

    Examples
    --------
    >>> normalize_builtin_function_or_method(len)
    ('builtins', 'len')
    >>> normalize_builtin_function_or_method("-".join)
    ('method', '-', 'join')
    """
    owner = func.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        name = _code.reference(func, func.__qualname__)
        if name is not None:
            return name
        module = owner.__name__ if owner is not None else func.__module__
        return module, func.__qualname__
    return "method", owner, func.__name__


@functools.partial(_register_native, functools.partial)
def normalize_partial(func: functools.partial[Any]) -> Any:
    """Normalize a partial function.

    Examples
    --------
    >>> tokenize(functools.partial(max, 1)) == tokenize(functools.partial(max, 2))
    False
    """
    attributes = vars(func) or None
    return _code.class_reference(type(func)), func.func, func.args, func.keywords, attributes


def normalize_compose(func: Any) -> Any:
    """Normalize a composition of functions of toolz.

    Examples
    --------
    >>> class Compose:
    ...     first, funcs = len, (str,)
    >>> normalize_compose(Compose)[1:]
    (<built-in function len>, (<class 'str'>,))
    """
    return "compose", func.first, func.funcs


@normalize_token.register_lazy("numpy")
def register_numpy() -> None:
    """Register the types of NumPy."""
    from oxidask import _tokenize_arrays

    _tokenize_arrays.register_numpy()


@normalize_token.register_lazy("pandas")
def register_pandas() -> None:
    """Register the types of pandas."""
    from oxidask import _tokenize_tables

    _tokenize_tables.register_pandas()


@normalize_token.register_lazy("pyarrow")
def register_pyarrow() -> None:
    """Register the types of PyArrow."""
    from oxidask import _tokenize_tables

    _tokenize_tables.register_pyarrow()


@normalize_token.register_lazy("scipy")
def register_scipy() -> None:
    """Register the sparse arrays of SciPy."""
    from oxidask import _tokenize_arrays

    _tokenize_arrays.register_scipy()


@normalize_token.register_lazy("numba")
def register_numba() -> None:
    """Register the compiled functions of Numba."""
    from oxidask import _tokenize_arrays

    _tokenize_arrays.register_numba()
