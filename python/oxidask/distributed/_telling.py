"""Asking a scheduler elsewhere one thing."""

from __future__ import annotations

import os
from typing import Any

from oxidask import _native

__all__ = ["tell"]


def tell(
    scheduler: str, secrets: dict[str, Any] | None, verb: str, body: dict[str, Any]
) -> dict[str, Any]:
    """Ask a scheduler elsewhere something, on a connection for that alone.

    A scheduler without Python does not know all verbs: it is as if it had nothing to say.
    """
    client = _native.ClientCore.connect(
        scheduler, f"{verb} of process {os.getpid()}", 30.0, secrets
    )
    try:
        answer = client.ask(verb, body)
        return answer if isinstance(answer, dict) else {}
    except (NotImplementedError, KeyError, ValueError):
        return {}
    finally:
        client.close()
