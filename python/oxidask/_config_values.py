"""Values of settings: how they are read from text, expanded, and handed to child processes."""

from __future__ import annotations

import ast
import base64
import json
import os
from typing import Any

_WORDS: dict[str, bool | None] = {"none": None, "null": None, "true": True, "false": False}


def interpret_value(value: str) -> Any:
    """Read the value of an environment variable.

    ``none``, ``null``, ``true`` and ``false`` are understood in any case, Python literals are
    evaluated, and whatever is neither stays the text that it is.

    Examples
    --------
    >>> interpret_value("12"), interpret_value("TRUE"), interpret_value("[1, 'a']")
    (12, True, [1, 'a'])
    >>> interpret_value("128 MiB")
    '128 MiB'
    """
    word = value.lower()
    if word in _WORDS:
        return _WORDS[word]
    try:
        return ast.literal_eval(value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return value


def expand_environment_variables(config: Any) -> Any:
    """Replace ``$NAME`` and ``${NAME}`` in every text of a value, at any depth.

    The names of dictionaries stay as they are, and so do variables that are not defined.

    Examples
    --------
    >>> import os
    >>> os.environ["OXIDASK_EXAMPLE"] = "scratch"
    >>> expand_environment_variables({"folder": "$OXIDASK_EXAMPLE/a", "sizes": [1, 2]})
    {'folder': 'scratch/a', 'sizes': [1, 2]}
    >>> del os.environ["OXIDASK_EXAMPLE"]
    """
    if isinstance(config, str):
        return os.path.expandvars(config)
    if isinstance(config, dict):
        return {name: expand_environment_variables(value) for name, value in config.items()}
    if type(config) in (list, tuple, set, frozenset):
        return type(config)(expand_environment_variables(value) for value in config)
    return config


def serialize(data: Any) -> str:
    """Turn a value into text that fits in an environment variable.

    Raises
    ------
    TypeError
        When the value holds something that JSON can't say.

    Examples
    --------
    >>> serialize({"a": 1})
    'eyJhIjogMX0='
    """
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode()


def deserialize(data: str) -> Any:
    """Read what `serialize` wrote.

    Raises
    ------
    ValueError
        When the text was not written by `serialize`.

    Examples
    --------
    >>> deserialize(serialize({"a": [1, None]}))
    {'a': [1, None]}
    """
    try:
        return json.loads(base64.urlsafe_b64decode(data))
    except ValueError as error:
        shown = data if len(data) <= 40 else data[:40] + "..."
        raise ValueError(
            f"{shown!r} is no serialized configuration ({error}); "
            "make one with oxidask.config.serialize"
        ) from error
