"""Delayed values: what they compute to, their keys, and their way through pickle."""

from __future__ import annotations

import dataclasses
import operator
import pickle
from collections import namedtuple

import cloudpickle
import pytest
from oxidask import compute, delayed, persist
from oxidask.delayed import Delayed


@delayed
def inc(x):
    return x + 1


BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor"]
BINARY += ["lshift", "rshift", "eq", "ne", "lt", "le", "gt", "ge"]


@pytest.mark.parametrize("name", BINARY)
def test_operators_give_what_they_give(name):
    function = getattr(operator, name)
    for left, right in [(7, 2), (2, 7), (True, False)]:
        expected = function(left, right) if right or ("div" not in name and name != "mod") else None
        if expected is None:
            continue
        assert function(delayed(left), right).compute() == expected
        assert function(delayed(left), delayed(right)).compute() == expected
        assert function(left, delayed(right)).compute() == expected


@pytest.mark.parametrize("name", ["neg", "pos", "abs", "invert"])
def test_unary_operators_give_what_they_give(name):
    function = getattr(operator, name)
    assert function(delayed(-3)).compute() == function(-3)


def test_attributes_methods_and_items():
    value = delayed([3, 1, 2])
    assert value[0].compute() == 3
    assert value[1:].compute() == [1, 2]
    assert value.count(1).compute() == 1
    assert delayed(1 + 2j).imag.compute() == 2.0
    assert value[delayed(2)].compute() == 2
    with pytest.raises(AttributeError):
        value._hidden  # noqa: B018
    with pytest.raises(AttributeError):
        delayed(1).nowhere.compute()


Point = namedtuple("Point", "x y")


@dataclasses.dataclass
class Pair:
    left: object
    right: object


def test_values_inside_containers_are_found():
    one, two = inc(0), inc(1)
    found = delayed(lambda value: value)(
        [one, (two, {"a": one}), {one}, Point(one, 3), Pair(two, [one]), slice(one, two)]
    )
    expected = [1, (2, {"a": 1}), {1}, Point(1, 3), Pair(2, [1]), slice(1, 2)]
    assert found.compute() == expected
    assert compute({"x": [one]}, two, 5) == ({"x": [1]}, 2, 5)


def test_without_traverse_they_are_not():
    value = delayed([inc(1)], traverse=False).compute()
    assert isinstance(value[0], Delayed)


def test_nout_makes_a_value_unpackable():
    quotient, remainder = delayed(divmod, nout=2)(7, 3)
    assert compute(quotient, remainder) == (2, 1)
    assert len(delayed(divmod, nout=2)(7, 3)) == 2
    assert list(delayed(list, nout=0)([])) == []
    with pytest.raises(TypeError):
        iter(delayed(divmod)(7, 3))
    for wrong in (-1, 1.5, "2", True):
        with pytest.raises(ValueError, match="nout"):
            delayed(divmod, nout=wrong)


def test_names_and_tokens():
    assert delayed(1, name="one").key == "one"
    assert inc(1, dask_key_name="mine").key == "mine"
    assert inc(1).key != inc(1).key
    assert inc(1, pure=True).key == inc(1, pure=True).key
    assert inc(1, pure=True).key != inc(2, pure=True).key
    assert inc(1).key.startswith("inc-")


def test_equal_pure_calls_run_once():
    runs = []

    def count(x):
        runs.append(x)
        return x

    compute(*[delayed(count, pure=True)(1) for _ in range(5)])
    assert runs == [1]


def test_truth_and_assignment_are_refused():
    value = inc(1)
    with pytest.raises(TypeError):
        bool(value)
    with pytest.raises(TypeError, match="immutable"):
        value.x = 1
    with pytest.raises(TypeError, match="immutable"):
        value[0] = 1


def test_persist_keeps_the_key():
    value = inc(1)
    (kept,) = persist(value)
    assert kept.key == value.key
    assert kept.compute() == 2


@pytest.mark.parametrize("module", [pickle, cloudpickle])
def test_pickle_keeps_key_length_and_answer(module):
    quotient = delayed(divmod, nout=2)(delayed(sum)([3, 4]), 3)
    copy = module.loads(module.dumps(quotient))
    assert (copy.key, len(copy), copy.compute()) == (quotient.key, 2, (2, 1))


def test_a_long_chain_computes_and_pickles_without_recursion():
    value = delayed(abs)(-1)
    for _ in range(50_000):
        value = delayed(abs)(value)
    assert value.compute() == 1
    assert value.compute(scheduler="sync") == 1
    copy = pickle.loads(pickle.dumps(value))
    assert copy.key == value.key
    assert copy.compute() == 1
