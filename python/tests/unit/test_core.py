"""Plain graphs: tasks, keys, dependencies, order, cycles and the reference executor."""

from __future__ import annotations

import pickle
from operator import add

import pytest
from oxidask._task_spec import Task, TaskRef
from oxidask.core import (
    flatten,
    get,
    get_dependencies,
    get_deps,
    getcycle,
    has_tasks,
    isdag,
    ishashable,
    iskey,
    istask,
    keys_in_tasks,
    lists_to_tuples,
    literal,
    preorder_traversal,
    quote,
    reshapelist,
    reverse_dict,
    subs,
    toposort,
    validate_key,
)


def inc(x):
    return x + 1


GRAPH = {"x": 1, "y": (inc, "x"), "z": (sum, ["x", ["y"][0], (inc, "y")]), "a": "z"}


def test_values_of_keys_lists_and_aliases():
    assert get(GRAPH, "a") == 6
    assert get(GRAPH, ["x", ["y", "z"]]) == (1, (2, 6))
    assert get({"x": [1, "y"], "y": 2}, "x") == [1, 2]


def test_graphs_deeper_than_the_stack():
    n = 20_000
    dsk = {("x", 0): 0, **{("x", i + 1): (inc, ("x", i)) for i in range(n)}}
    assert get(dsk, ("x", n)) == n
    assert toposort(dsk) == list(dsk)


def test_a_missing_key_is_named():
    with pytest.raises(KeyError, match="'q' is not a key"):
        get(GRAPH, ["x", ["q"]])
    with pytest.raises(KeyError, match="'gone' is needed"):
        get({"x": Task("x", inc, TaskRef("gone"))}, "x")


def test_the_cache_gives_and_takes_values():
    cache = {"x": 10}
    assert get(GRAPH, "y", cache) == 11
    assert cache == {"x": 10, "y": 11}


def test_a_cycle_is_shown():
    dsk = {"a": (inc, "b"), "b": (inc, "c"), "c": (add, "b", "d"), "d": 1}
    assert getcycle(dsk, "a") == ["b", "c", "b"]
    assert not isdag(dsk, ["a"])
    assert isdag(dsk, ["d"])
    with pytest.raises(RuntimeError, match="b->c->b"):
        toposort(dsk)
    with pytest.raises(RuntimeError, match=r"(?s)Cycle.*b.*c.*b"):
        get(dsk, "a")


def test_dependencies():
    assert get_dependencies(GRAPH, "z") == {"x", "y"}
    assert sorted(get_dependencies(GRAPH, "z", as_list=True)) == ["x", "y", "y"]
    assert get_dependencies(GRAPH, task=Task(None, inc, TaskRef("x"))) == {"x"}
    dependencies, dependents = get_deps(GRAPH)
    assert dependents == {"x": {"y", "z"}, "y": {"z"}, "z": {"a"}, "a": set()}
    assert reverse_dict(dependencies) == dependents
    with pytest.raises(ValueError, match="key or task"):
        get_dependencies(GRAPH)


def test_keys_are_found_in_dictionaries_and_unhashable_values_are_passed_over():
    assert keys_in_tasks({"x"}, [(inc, {"k": ["x", {1}]})]) == {"x"}


def test_tasks_and_keys():
    assert istask((inc,))
    assert not istask((1, inc))
    assert has_tasks({}, [[(inc, 1)]])
    assert not has_tasks({}, ["x", [1]])
    assert [iskey(k) for k in ("x", 1, 1.5, ("x", (1,)), (), None, b"x", ["x"])] == [
        *[True] * 5,
        *[False] * 3,
    ]
    assert not ishashable([])
    with pytest.raises(TypeError, match="index=1"):
        validate_key(("x", int))


def test_substitution_compares_only_what_can_be_a_key():
    class Unfriendly:
        def __eq__(self, other):
            raise AssertionError("compared")

    value = Unfriendly()
    assert subs((add, value, [1, "x"]), "x", 2)[2] == [1, 2]


def test_quoting_protects_any_value():
    for value in ([1, "x"], (inc, "x"), {"x": "x"}, "plain"):
        assert get({"x": 1, "q": quote(value)}, "q") == value
    assert pickle.loads(pickle.dumps(literal((1, 2))))() == (1, 2)


def test_shapes_of_nested_lists():
    assert list(flatten([[1], [[2, (3,)]], "ab"])) == [1, 2, (3,), "ab"]
    assert list(flatten(((1,), [2]), container=tuple)) == [1, [2]]
    assert reshapelist((2, 1, 2), range(4)) == [[[0, 1]], [[2, 3]]]
    assert lists_to_tuples([[1], 2], [["x"], "y"]) == ((1,), 2)
    assert list(preorder_traversal((add, (sum, [1]), 2))) == [add, sum, list, 1, 2]
