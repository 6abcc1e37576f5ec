"""What functions, classes and code objects consist of, for `oxidask.tokenize`.

What can be imported counts by its name. The rest counts by value, in the manner in which
cloudpickle would send it to another process: a function by its code, defaults, closure and
the globals that it uses; a class by its bases and its namespace. Files and line numbers take
no part.
"""

from __future__ import annotations

import dis
import enum
import sys
import types
import weakref
from typing import Any

#: Entries of a class's namespace that are made anew for every class, or say where it stands.
_INCIDENTAL = frozenset(
    {
        "__dict__", "__weakref__", "__module__", "__qualname__", "__slotnames__", "_abc_impl",
        "__firstlineno__", "__static_attributes__", "__abstractmethods__", "__annotate__",
        "__annotate_func__", "__annotations_cache__", "__dataclass_fields__",
        "__dataclass_params__",
    }
)  # fmt: skip

_HEAP_TYPE = 1 << 9

_global_names_of: weakref.WeakKeyDictionary[types.CodeType, tuple[str, ...]] = (
    weakref.WeakKeyDictionary()
)


def reference(obj: Any, qualname: str | None = None) -> tuple[str, str] | None:
    """Module and qualified name of an object, if another process can import it from there.

    Examples
    --------
    >>> import json
    >>> reference(json.loads)
    ('json', 'loads')
    >>> reference(lambda: None) is None
    True
    """
    if qualname is None:
        qualname = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    module = getattr(obj, "__module__", None)
    if qualname is None or "<" in qualname:
        return None
    if module is None:
        module = _module_of(obj, qualname)
    if module is None or module == "__main__" or _is_sent_by_value(module):
        return None
    found: Any = sys.modules.get(module)
    try:
        for name in qualname.split("."):
            found = getattr(found, name)
    except AttributeError:
        return None
    # Equal for bound methods, say; what a decorator left under the name may compare in its own way.
    is_it = found is obj or (type(found) is type(obj) and found == obj)
    return (module, qualname) if is_it else None


def _module_of(obj: Any, qualname: str) -> str | None:
    """The module of an object that does not say it, such as a function of C or Cython."""
    import pickle

    try:
        return pickle.whichmodule(obj, qualname)  # type: ignore[attr-defined,no-any-return]
    except Exception:
        return None


def _is_sent_by_value(module: str) -> bool:
    """Whether the user told cloudpickle to send a module, or one of its parents, by value."""
    cloudpickle = sys.modules.get("cloudpickle")
    if cloudpickle is None:
        return False
    registered = cloudpickle.list_registry_pickle_by_value()
    while registered and module:
        if module in registered:
            return True
        module = module.rpartition(".")[0]
    return False


def function_parts(func: types.FunctionType) -> tuple[Any, ...]:
    """Module and name of a function, or all that it consists of.

    Examples
    --------
    >>> import json
    >>> function_parts(json.loads)
    ('json', 'loads')
    >>> function_parts(lambda x=1: x)[:2]
    ('function', '<lambda>')
    """
    name = reference(func)
    if name is not None:
        return name
    used = global_names(func.__code__)
    return (
        "function",
        func.__qualname__,
        func.__code__,
        func.__defaults__,
        func.__kwdefaults__,
        func.__closure__,
        {name: func.__globals__[name] for name in used if name in func.__globals__},
        vars(func),
        _annotations(func),
    )


def _annotations(obj: Any) -> Any:
    try:
        return dict(obj.__annotations__)
    except Exception:  # annotations are evaluated late, and may name what is not there
        return None


def global_names(code: types.CodeType) -> tuple[str, ...]:
    """Names of the globals that a code object uses, its nested functions' included.

    Examples
    --------
    >>> global_names((lambda: sorted(len(x) for x in y)).__code__)
    ('len', 'sorted', 'y')
    """
    names = _global_names_of.get(code)
    if names is None:
        used = {
            instruction.argval
            for instruction in dis.get_instructions(code)
            if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL")
        }
        for const in code.co_consts:
            if isinstance(const, types.CodeType):
                used.update(global_names(const))
        names = tuple(sorted(used))
        _global_names_of[code] = names
    return names


def code_parts(code: types.CodeType) -> tuple[Any, ...]:
    """What a code object does, and not where it was written.

    Examples
    --------
    >>> code_parts(compile("x", "one.py", "eval")) == code_parts(compile("x", "two.py", "eval"))
    True
    """
    return (
        "code",
        code.co_name,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        code.co_code,
        code.co_consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_exceptiontable,
    )


def cell_contents(cell: types.CellType) -> tuple[Any, ...]:
    """What a closure's cell holds.

    Examples
    --------
    >>> import types
    >>> cell_contents(types.CellType(1)), cell_contents(types.CellType())
    (('cell', 1), ('empty cell',))
    """
    try:
        return "cell", cell.cell_contents
    except ValueError:
        return ("empty cell",)


def lru_cache_parts(func: Any) -> Any:
    """A function behind `functools.lru_cache`, whatever the cache holds by now.

    Examples
    --------
    >>> import functools, re
    >>> lru_cache_parts(functools.lru_cache(len))
    ('lru_cache', <built-in function len>, {'maxsize': 128, 'typed': False})
    """
    name = reference(func)
    if name is not None:
        return name
    return "lru_cache", func.__wrapped__, func.cache_parameters()


def class_reference(cls: type) -> Any:
    """Module and name of a class that can be imported, else the class.

    Examples
    --------
    >>> class_reference(int)
    ('class', 'builtins', 'int')
    """
    # Builtin types that are no attribute of their module, such as NoneType, are unique too.
    if not cls.__flags__ & _HEAP_TYPE:
        return "class", cls.__module__, cls.__qualname__
    name = reference(cls)
    return cls if name is None else ("class", *name)


def class_parts(cls: type) -> Any:
    """Module and name of a class, or all that it consists of.

    Examples
    --------
    >>> class_parts(int)
    ('class', 'builtins', 'int')
    >>> class_parts(type("C", (), {"x": 1}))[3]
    ('C', {'x': 1, '__doc__': None})
    """
    found = class_reference(cls)
    if found is not cls:
        return found
    members: dict[str, Any] = {}
    if isinstance(cls, enum.EnumMeta):
        declared: dict[str, Any] = dict(cls.__members__)
        members = {name: member._value_ for name, member in declared.items()}
    namespace = {
        name: "slot" if _is_slot(value, cls) else value
        for name, value in vars(cls).items()
        if name not in _INCIDENTAL and not (members and _is_of_enum(name, members))
    }
    return "class by value", type(cls), cls.__bases__, (cls.__qualname__, namespace), members


def _is_slot(value: Any, cls: type) -> bool:
    slots = (types.MemberDescriptorType, types.GetSetDescriptorType)
    return isinstance(value, slots) and value.__objclass__ is cls


def _is_of_enum(name: str, members: dict[str, Any]) -> bool:
    """Whether an entry of an enum's namespace follows from its members."""
    sunder = len(name) > 2 and name[0] == name[-1] == "_" and name[1] != "_"
    return sunder or name in members or name in ("__new__", "__reduce_ex__")


def enum_member(member: Any) -> Any:
    """Class, name and value of a member of an enum.

    Examples
    --------
    >>> import re
    >>> enum_member(re.RegexFlag.DOTALL)[1:]
    ('DOTALL', 16)
    """
    method = getattr(member, "__dask_tokenize__", None)
    if method is not None:
        return method()
    return class_reference(type(member)), member._name_, member._value_
