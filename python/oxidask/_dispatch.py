"""Single dispatch on the type of the first argument, with handlers that are registered lazily.

`functools.singledispatch` cannot wait for a library to be imported before it registers the
handlers of that library's types; `Dispatch` can.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])


class _DocOfDefault:
    """The docstring of a `Dispatch`: of what it does with any object, else of the class."""

    def __init__(self, of_class: str) -> None:
        self.of_class = of_class

    def __get__(self, dispatch: Dispatch | None, owner: type | None = None) -> str | None:
        if dispatch is None:
            return self.of_class
        try:
            return dispatch.dispatch(object).__doc__
        except TypeError:
            return self.of_class


class Dispatch:
    """A function whose implementation is chosen by the type of its first argument.

    The most specific registered class in the method resolution order of the type wins.

    Parameters
    ----------
    name : str, optional
        ``__name__`` of the function.

    Examples
    --------
    >>> double = Dispatch("double")
    >>> @double.register(int)
    ... def double_int(x):
    ...     return 2 * x
    >>> @double.register((list, tuple))
    ... def double_sequence(x):
    ...     return type(x)(map(double, x))
    >>> double([1, (2, 3)])
    [2, (4, 6)]
    """

    __doc__ = _DocOfDefault(__doc__)

    def __init__(self, name: str | None = None) -> None:
        self._lookup: dict[type, Callable[..., Any]] = {}
        self._lazy: dict[str, Callable[[], object]] = {}
        # What the classes that nobody registered resolve to. Weak: classes come and go.
        self._inherited: weakref.WeakKeyDictionary[type, Callable[..., Any]] = (
            weakref.WeakKeyDictionary()
        )
        self._lock = threading.RLock()
        if name:
            self.__name__ = name

    @overload
    def register(self, type: Any, func: F) -> F: ...
    @overload
    def register(self, type: Any, func: None = None) -> Callable[[F], F]: ...

    def register(self, type: Any, func: F | None = None) -> F | Callable[[F], F]:
        """Use ``func`` for objects of a class, and of its subclasses without their own.

        Parameters
        ----------
        type : type or tuple of types
        func : callable, optional
            Without it, a decorator is returned.

        Examples
        --------
        >>> size = Dispatch()
        >>> size.register(str, len)
        <built-in function len>
        >>> size("four")
        4
        """

        def enter(func: F) -> F:
            classes = type if isinstance(type, tuple) else (type,)
            with self._lock:
                for cls in classes:
                    self._lookup[cls] = func
                self._inherited.clear()
            return func

        return enter if func is None else enter(func)

    @overload
    def register_lazy(self, toplevel: str, func: F) -> F: ...
    @overload
    def register_lazy(self, toplevel: str, func: None = None) -> Callable[[F], F]: ...

    def register_lazy(self, toplevel: str, func: F | None = None) -> F | Callable[[F], F]:
        """Call ``func``, which registers handlers, when a type of a package is first met.

        Parameters
        ----------
        toplevel : str
            The package, such as ``"pandas"``.
        func : callable without arguments, optional
            Without it, a decorator is returned.

        Examples
        --------
        >>> describe = Dispatch()
        >>> @describe.register_lazy("fractions")
        ... def register_fractions():
        ...     from fractions import Fraction
        ...     describe.register(Fraction, lambda x: f"{x.numerator} over {x.denominator}")
        >>> from fractions import Fraction
        >>> describe(Fraction(1, 2))
        '1 over 2'
        """

        def enter(func: F) -> F:
            with self._lock:
                self._lazy[toplevel] = func
                self._inherited.clear()
            return func

        return enter if func is None else enter(func)

    def dispatch(self, cls: type) -> Callable[..., Any]:
        """The implementation for a class.

        Raises
        ------
        TypeError
            When neither the class nor one of its bases is registered.

        Examples
        --------
        >>> show = Dispatch()
        >>> _ = show.register(object, repr)
        >>> show.dispatch(bool)
        <built-in function repr>
        """
        func = self._lookup.get(cls)
        if func is None:
            func = self._inherited.get(cls)
        return self._resolve(cls) if func is None else func

    def _resolve(self, cls: type) -> Callable[..., Any]:
        # Under the lock, so that no thread resolves a class between the moment when a lazy
        # registration leaves the table and the moment when its handlers are in.
        with self._lock:
            for base in cls.__mro__ if hasattr(cls, "__mro__") else cls.mro():
                func = self._lookup.get(base)
                if func is None:
                    toplevel = getattr(base, "__module__", None) or ""
                    register = self._lazy.pop(str(toplevel).partition(".")[0], None)
                    if register is not None:
                        register()
                        func = self._lookup.get(base)
                if func is not None:
                    if base is not cls:
                        self._inherited[cls] = func
                    return func
        name = getattr(self, "__name__", type(self).__name__)
        raise TypeError(
            f"{name} has no implementation for {cls.__module__}.{cls.__qualname__}; "
            f"register one with {name}.register"
        )

    def __call__(self, arg: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the implementation for the type of ``arg``."""
        return self.dispatch(type(arg))(arg, *args, **kwargs)
