"""Spans: names for the parts of a workflow, which its tasks carry."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from oxidask import annotate
from oxidask._annotations import get_annotations

__all__ = ["span"]


@contextmanager
def span(*tags: str) -> Iterator[str]:
    """Name the tasks that are submitted in the block.

    Parameters
    ----------
    *tags
        The names; spans nest, and those inside bear the names of those around them too.

    Yields
    ------
    str
        The identifier of the span.

    Examples
    --------
    >>> with span("load"), span("clean") as inner:
    ...     get_annotations()["span"]["name"]
    ('load', 'clean')
    """
    if not tags:
        raise ValueError("a span needs a name: span('load')")
    for tag in tags:
        if not isinstance(tag, str):
            raise TypeError(f"the name of a span is text, not {tag!r}")
    outer: dict[str, Any] = get_annotations().get("span", {"name": (), "ids": ()})
    ids = tuple(str(uuid.uuid4()) for _ in tags)
    with annotate(span={"name": outer["name"] + tags, "ids": outer["ids"] + ids}):
        yield ids[-1]
