"""Docstrings taken from other libraries, and warnings of what is deprecated."""

from __future__ import annotations

import functools
import inspect
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def _skip_doctest(line: str) -> str:
    text = line.strip()
    if text == ">>>" or text.startswith(">>> #"):
        return line
    if not text.startswith(">>>"):
        return line
    mark = ", +SKIP" if "# doctest:" in text else "  # doctest: +SKIP"
    return line.rstrip() + mark


def skip_doctest(doc: str | None) -> str:
    """Mark every example of a docstring to be skipped.

    Examples
    --------
    >>> skip_doctest(">>" + "> x")
    '>>> x  # doctest: +SKIP'
    """
    return "" if doc is None else "\n".join(map(_skip_doctest, doc.split("\n")))


def extra_titles(doc: str) -> str:
    r"""Prefix titles of sections that come a second time with "Extra".

    Examples
    --------
    >>> extra_titles("Notes\n-----\nNotes\n-----")
    'Notes\n-----\nExtra Notes\n-----------'
    """
    lines = doc.split("\n")
    seen: Counter[str] = Counter()
    for i, rule in enumerate(lines[1:], start=1):
        title = lines[i - 1].strip()
        if not title or set(rule.strip()) != {"-"} or len(rule.strip()) != len(title):
            continue
        seen[title] += 1
        if seen[title] > 1:
            lines[i - 1] = lines[i - 1].replace(title, f"Extra {title}")
            lines[i] = rule.replace("-" * len(title), "-" * len(f"Extra {title}"))
    return "\n".join(lines)


def unsupported_arguments(doc: str, args: Iterable[str]) -> str:
    """Say beside the parameters of a docstring that Oxidask does not take them.

    Examples
    --------
    >>> print(unsupported_arguments("x : int", ["x"]))
    x : int  (Not supported in Oxidask)
    """
    lines = doc.split("\n")
    for name in args:
        found = [i for i, line in enumerate(lines) if re.match(rf"\s*{re.escape(name)} ?:", line)]
        if len(found) == 1:
            lines[found[0]] += "  (Not supported in Oxidask)"
    return "\n".join(lines)


def ignore_warning(
    doc: str,
    cls: Any,
    name: str,
    extra: str = "",
    skipblocks: int = 0,
    inconsistencies: str | None = None,
) -> str:
    r"""Put a disclaimer behind the first paragraph of a docstring that was taken over.

    Examples
    --------
    >>> import math
    >>> print(ignore_warning("One.\n\nTwo.", math, "sin"))
    One.
    <BLANKLINE>
    This docstring was copied from math.sin.
    <BLANKLINE>
    Some inconsistencies with the Dask version may exist.
    <BLANKLINE>
    Two.
    """
    if inspect.isclass(cls):
        owner = f"{cls.__module__}.{cls.__qualname__}"
    else:
        owner = cls.__name__
    known = f"Known inconsistencies: {inconsistencies}" if inconsistencies else (
        "Some inconsistencies with the Dask version may exist."
    )  # fmt: skip
    blocks = doc.split("\n\n")[skipblocks:]
    head, rest = blocks[0], blocks[1:]
    # The disclaimer stands as deep as the text that it interrupts.
    indent = _indent_of(rest[0]) if rest else ""
    added = [f"{indent}This docstring was copied from {owner}.{name}.", f"{indent}{known}"]
    if extra:
        added.append(extra.rstrip("\n") if not rest else extra.strip("\n"))
    return "\n\n".join([head, *added, *rest]) + ("\n\n" if extra and not rest else "")


def _indent_of(block: str) -> str:
    for line in block.split("\n"):
        if line.strip():
            return line[: len(line) - len(line.lstrip())]
    return ""


def derived_from(
    original_klass: Any,
    version: str | None = None,
    ua_args: Iterable[str] | None = None,
    skipblocks: int = 0,
    inconsistencies: str | None = None,
) -> Callable[[F], F]:
    """Decorate a method with the docstring of the method of the same name of another class.

    Parameters
    ----------
    original_klass : type or module
        Where the docstring comes from.
    version : str, optional
        Version of the other library that has the method, for the note left where it is missing.
    ua_args : iterable of str, optional
        Parameters to mark as not supported, beside those that the method lacks.
    skipblocks : int
        Paragraphs to leave out at the beginning.
    inconsistencies : str, optional
        Known differences, for the disclaimer.

    Examples
    --------
    >>> class Base:
    ...     def f(self, x, y):
    ...         '''Do it.
    ...
    ...         y : int
    ...         '''
    >>> class Derived:
    ...     @derived_from(Base)
    ...     def f(self, x):
    ...         pass
    >>> "y : int  (Not supported in Oxidask)" in Derived.f.__doc__
    True
    """

    def decorate(method: F) -> F:
        name = getattr(method, "__name__", "")
        try:
            method.__doc__ = _derived_doc(
                original_klass, method, list(ua_args or ()), skipblocks, inconsistencies
            )
        except AttributeError:
            module = original_klass.__module__.partition(".")[0]
            wanted = f" {version}" if version else ""

            @functools.wraps(method)
            def missing(*args: Any, **kwargs: Any) -> Any:
                raise NotImplementedError(
                    f"{name} needs a version of {module}{wanted} that has "
                    f"{original_klass.__name__}.{name}; update {module}"
                )

            return missing  # type: ignore[return-value]
        return method

    return decorate


def _derived_doc(
    cls: Any, method: Any, ua_args: list[str], skipblocks: int, inconsistencies: str | None
) -> str:
    name = method.__name__
    original = getattr(cls, name)
    plain = original
    if isinstance(plain, property):
        plain = plain.fget
    elif isinstance(plain, functools.cached_property):
        plain = plain.func
    doc = (original.__doc__ if plain is original else plain.__doc__) or ""
    # Interactive examples show the other library's answers.
    doc = skip_doctest(doc)
    if doc:
        extra = (getattr(method, "__doc__", None) or "").rstrip("\n")
        doc = ignore_warning(doc, cls, name, f"{extra}\n\n" if extra else "", skipblocks,
                             inconsistencies)  # fmt: skip
    unsupported = [*_missing_parameters(plain, method), *ua_args]
    return extra_titles(unsupported_arguments(doc, unsupported))


def _missing_parameters(original: Any, method: Any) -> list[str]:
    try:
        theirs = inspect.signature(original).parameters
        ours = inspect.signature(method).parameters
    except (TypeError, ValueError):
        return []
    return [name for name in theirs if name not in ours]


def _deprecated(
    *,
    version: str | None = None,
    after_version: str | None = None,
    message: str | None = None,
    use_instead: str | None = None,
    category: type[Warning] = FutureWarning,
) -> Callable[[F], F]:
    """Decorate a function that warns when it is called.

    Parameters
    ----------
    version, after_version : str, optional
        Since when, for the message.
    message : str, optional
        In place of the usual message.
    use_instead : str, optional
        What to call instead, for the message.
    category : type of Warning

    Examples
    --------
    >>> @_deprecated(after_version="1.0", use_instead="g")
    ... def f():
    ...     return 1
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     _ = f()
    >>> print(caught[0].message)
    f was deprecated after version 1.0 and will be removed in a future release. Please use g instead.
    """  # noqa: E501

    def decorate(func: F) -> F:
        text = message
        if text is None:
            if version is not None:
                when = f" was deprecated in version {version}"
            elif after_version is not None:
                when = f" was deprecated after version {after_version}"
            else:
                when = " is deprecated"
            text = f"{func.__name__}{when} and will be removed in a future release."
            if use_instead is not None:
                text += f" Please use {use_instead} instead."

        @functools.wraps(func)
        def warn(*args: Any, **kwargs: Any) -> Any:
            warnings.warn(text, category, stacklevel=2)
            return func(*args, **kwargs)

        return warn  # type: ignore[return-value]

    return decorate


def _deprecated_kwarg(
    old_arg_name: str,
    new_arg_name: str | None = None,
    mapping: Mapping[Any, Any] | Callable[[Any], Any] | None = None,
    stacklevel: int = 2,
    comment: str | None = None,
) -> Callable[[F], F]:
    """Decorate a function one of whose parameters has another name now, or none.

    Parameters
    ----------
    old_arg_name : str
    new_arg_name : str, optional
        None: the parameter goes away without a successor.
    mapping : mapping or callable, optional
        From old values to new ones; values that a mapping lacks stay.
    stacklevel : int
    comment : str, optional
        Added to the warning.

    Examples
    --------
    >>> @_deprecated_kwarg("cols", "columns")
    ... def f(columns=""):
    ...     return columns
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     f(cols="x")
    'x'
    """
    if mapping is not None and not (callable(mapping) or hasattr(mapping, "get")):
        raise TypeError(f"mapping must be a mapping or a function, got {mapping!r}")
    tail = f" {comment}" if comment else ""

    def decorate(func: F) -> F:
        @functools.wraps(func)
        def renamed(*args: Any, **kwargs: Any) -> Any:
            if old_arg_name not in kwargs:
                return func(*args, **kwargs)
            old = kwargs.pop(old_arg_name)
            if new_arg_name is None:
                text = (
                    f"the {old_arg_name!r} keyword is deprecated and will be removed in a future "
                    f"version. Please take steps to stop the use of {old_arg_name!r}"
                )
                kwargs[old_arg_name] = old
                warnings.warn(text + tail, FutureWarning, stacklevel=stacklevel)
                return func(*args, **kwargs)
            if new_arg_name in kwargs:
                raise TypeError(f"Can only specify {old_arg_name!r} or {new_arg_name!r}, not both")
            new = old
            text = f"{old_arg_name} is deprecated, use {new_arg_name} instead"
            if mapping is not None:
                new = mapping(old) if callable(mapping) else mapping.get(old, old)
                text = f"{old_arg_name}={old!r} is deprecated, use {new_arg_name}={new!r} instead"
            kwargs[new_arg_name] = new
            warnings.warn(text + tail, FutureWarning, stacklevel=stacklevel)
            return func(*args, **kwargs)

        return renamed  # type: ignore[return-value]

    return decorate
