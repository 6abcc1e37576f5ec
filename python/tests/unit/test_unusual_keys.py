"""Keys that are no plain text: they come back as what they are."""

from __future__ import annotations

import pytest
from oxidask import delayed
from oxidask.callbacks import Callback
from oxidask.local import get_sync
from oxidask.threaded import get

KEYS = [
    "lone \ud800 surrogate",
    ("x\udfff", 1),
    2**80,
    ("x", 2**80),
    frozenset({1}),
    ("a", ("b", None)),
]


@pytest.mark.parametrize("key", KEYS, ids=ascii)
@pytest.mark.parametrize("run", [get, get_sync])
def test_callbacks_see_the_key_itself(run, key):
    seen = []
    with Callback(posttask=lambda key, *_: seen.append(key)):
        assert run({key: (abs, -1), "y": (abs, 2)}, [key, "y"]) == (1, 2)
    assert key in seen
    assert type(seen[seen.index(key)]) is type(key)


@pytest.mark.parametrize("key", KEYS, ids=ascii)
def test_a_delayed_value_keeps_its_name(key):
    x = delayed(1, name=key)
    assert x.key == key
    assert (x + 1).compute() == 2
