"""Functions of blocks by letters."""

from __future__ import annotations

from typing import Any

import numpy as np
import oxidask.array as da
import pytest
from oxidask.blockwise import blockwise_token, index_subs


def shapes_seen(concatenate: bool) -> list[Any]:
    seen: list[Any] = []

    def note(a: Any, b: Any) -> Any:
        if concatenate:
            seen.append((a.shape, b.shape))
            return (a * b).sum(axis=1)
        seen.append(([x.shape for x in a], [y.shape for y in b]))
        return sum((x * y).sum(axis=1) for x, y in zip(a, b, strict=True))

    a = da.arange(8, chunks=8).reshape((2, 4)).rechunk((2, 2))
    b = da.full((2, 1), 3, chunks=(2, 1))
    meta = np.empty(0, dtype=int)
    y = da.blockwise(note, "i", a, "ij", b, "ij", dtype=int, meta=meta, concatenate=concatenate)
    assert y.compute(scheduler="sync").tolist() == [18, 66]
    return seen


def test_the_only_block_of_a_summed_letter_keeps_its_extent() -> None:
    assert shapes_seen(concatenate=True) == [((2, 4), (2, 1))]


def test_the_only_block_of_a_summed_letter_comes_as_often_as_the_others() -> None:
    assert shapes_seen(concatenate=False) == [([(2, 2), (2, 2)], [(2, 1), (2, 1)])]


def test_letters_are_replaced_at_once() -> None:
    assert index_subs("ijk", {"i": "j", "j": "i"}) == ("j", "i", "k")
    assert index_subs(None, {"i": "j"}) is None


@pytest.mark.parametrize("name", [blockwise_token(0), "_", ".0"])
def test_literals_may_look_like_arguments(name: str) -> None:
    x = da.from_array(np.array(["a", "b"], dtype=object), chunks=1)
    y = da.blockwise(np.add, "i", x, "i", name, None, dtype=object)
    assert y.compute().tolist() == ["a" + name, "b" + name]
