"""Workers that have joined a moment ago, and don't answer yet: they are asked again.

A worker is known to the scheduler before its Python listens to questions. Until then it refuses
them as one without Python does for ever, so that asking again has an end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PAUSE_S", "TRIES", "not_yet"]

#: How often, and after how long, workers that refuse are asked again.
TRIES, PAUSE_S = 25, 0.02


def not_yet(answers: Mapping[str, Any]) -> list[str]:
    """Return the addresses of workers that have refused because nobody listens there.

    Parameters
    ----------
    answers
        What ``workers.ask`` gave.

    Examples
    --------
    >>> refused = {"class": "NotImplementedError", "text": "nobody here answers worker.run: ..."}
    >>> not_yet({"tcp://a": {"ok": 1}, "tcp://b": {"error": refused}})
    ['tcp://b']
    """
    return [
        address
        for address, answer in answers.items()
        if isinstance(error := answer.get("error"), dict)
        and error.get("class") == "NotImplementedError"
        and str(error.get("text")).startswith("nobody here answers")
    ]
