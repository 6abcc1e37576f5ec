"""Task nodes: what they compute, need, turn into, and survive."""

from __future__ import annotations

import pickle
from collections import namedtuple

import pytest
from oxidask._task_spec import (
    Alias,
    DataNode,
    Dict,
    GraphNode,
    List,
    Set,
    Task,
    TaskRef,
    Tuple,
    convert_legacy_graph,
    convert_legacy_task,
    cull,
    execute_graph,
    fuse,
    fuse_linear_task_spec,
    parse_input,
    resolve_aliases,
)

Pair = namedtuple("Pair", "left right")


def join(*args, **kwargs):
    return "-".join([*map(str, args), *(f"{k}={v}" for k, v in kwargs.items())])


def test_a_task_calls_its_function_with_the_values_of_its_references():
    task = Task("z", join, TaskRef("x"), 1, Task(None, join, TaskRef("y")), k=TaskRef("x"))
    assert task.dependencies == {"x", "y"}
    assert task({"x": "a", "y": "b", "unused": 0}) == "a-1-b-k=a"


def test_a_missing_value_is_named():
    with pytest.raises(RuntimeError, match=r"missing keys \{'y'\}"):
        Task("z", join, TaskRef("x"), TaskRef("y"))({"x": 1})


def test_plain_containers_are_not_searched_but_parsed_ones_are():
    assert Task("z", join, [TaskRef("x")]).dependencies == frozenset()
    assert Task("z", len, parse_input([TaskRef("x"), 2]))({"x": 1}) == 2


@pytest.mark.parametrize(
    ("obj", "value"),
    [
        ([TaskRef("x"), [TaskRef("x")]], [1, [1]]),
        ((TaskRef("x"), 2), (1, 2)),
        ({TaskRef("x"), 2}, {1, 2}),
        (frozenset([TaskRef("x")]), frozenset([1])),
        ({"a": TaskRef("x"), TaskRef("x"): 0}, {"a": 1, 1: 0}),
        (Pair(TaskRef("x"), 2), Pair(1, 2)),
    ],
)
def test_parsed_containers_keep_their_type(obj, value):
    node = parse_input(obj)
    assert node.dependencies == {"x"}
    result = node({"x": 1})
    assert result == value
    assert type(result) is type(value)


def test_parsing_returns_what_needs_nothing():
    obj = [1, {"a": (2, {3})}]
    assert parse_input(obj) is obj


@pytest.mark.parametrize("cls", [List, Tuple, Set, Dict])
def test_empty_containers(cls):
    assert cls(cls.klass())() == cls.klass()


def test_dict_nodes_are_mappings_and_ignore_order():
    node = Dict({"a": TaskRef("x"), "b": 2})
    assert dict(node) == {"a": TaskRef("x"), "b": 2}
    assert node == Dict([("b", 2), ("a", TaskRef("x"))])
    assert node != Dict(a=TaskRef("y"), b=2)


def test_substitution_renames_and_inlines():
    task = Task("z", join, TaskRef("x"), List(TaskRef("y")))
    assert task.substitute({"q": "r"}) is task
    renamed = task.substitute({"x": "a", "y": "b"}, key="w")
    assert (renamed.key, renamed.dependencies) == ("w", {"a", "b"})
    inlined = task.substitute({"y": DataNode("other", 7)})
    assert inlined.dependencies == {"x"}
    assert inlined({"x": 1}) == "1-[7]"
    assert task.dependencies == {"x", "y"}, "the original is left alone"


def test_substitution_keeps_what_a_subclass_adds():
    class Marked(Task):
        __slots__ = ("mark",)

    task = Marked("z", join, TaskRef("x"))
    task.mark = "m"
    assert task.substitute({"x": "y"}).mark == "m"


@pytest.mark.parametrize(
    "node",
    [
        Task("z", join, TaskRef("x"), k=1),
        Alias("z", "x"),
        DataNode("z", [1]),
        List(TaskRef("x"), 2),
        Dict(a=TaskRef("x")),
        TaskRef("x"),
    ],
)
def test_nodes_pickle_and_have_no_instance_dictionary(node):
    copy = pickle.loads(pickle.dumps(node))
    assert copy == node
    assert getattr(copy, "dependencies", None) == getattr(node, "dependencies", None)
    assert not hasattr(node, "__dict__")


def test_equality_of_array_arguments_is_decided_by_content():
    np = pytest.importorskip("numpy")
    one, two = (Task("z", np.sum, np.arange(3)) for _ in range(2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Task("z", np.sum, np.arange(4))


def test_legacy_graphs_become_nodes():
    dsk = {
        "x": 1,
        "y": "x",
        "z": (join, "x", ["y", (join, "x")], ("q", "x"), {"k": "x"}),
        "self": TaskRef("self"),
        "l": [1, 2],
    }
    nodes = convert_legacy_graph(dsk)
    assert "self" not in nodes
    assert all(isinstance(node, GraphNode) and node.key == key for key, node in nodes.items())
    assert nodes["z"].dependencies == {"x", "y"}
    assert execute_graph(nodes)["z"] == "1-[1, '1']-('q', 1)-{'k': 'x'}"
    assert nodes["l"] == DataNode("l", [1, 2])


def test_a_boolean_is_not_taken_for_the_key_one():
    assert convert_legacy_task("z", (join, True), {1, "z"}).dependencies == frozenset()


def test_execution_does_not_recurse_and_frees_values():
    alive = 0

    class Value:
        def __init__(self, before=None):
            nonlocal alive
            alive += 1
            assert alive <= 2, "an input outlived its last use"

        def __del__(self):
            nonlocal alive
            alive -= 1

    nodes = [Task(0, Value)] + [Task(i, Value, TaskRef(i - 1)) for i in range(1, 5000)]
    assert list(execute_graph(reversed(nodes), keys=[4999])) == [4999]


def test_a_cycle_among_nodes_is_an_error():
    nodes = [Task("x", join, TaskRef("y")), Task("y", join, TaskRef("x"))]
    with pytest.raises(RuntimeError, match="Cycle"):
        execute_graph(nodes)


def test_fusing_runs_each_task_once():
    calls = []

    def record(x):
        calls.append(x)
        return x

    first = Task("a", record, TaskRef("in"))
    left, right = Task("b", join, first.ref(), 1), Task("c", join, first.ref(), 2)
    fused = fuse(right, Task("d", join, left.ref(), right.ref()), first, left, key="new")
    assert (fused.key, fused.dependencies) == ("new", {"in"})
    assert fused({"in": "i"}) == "i-1-i-2"
    assert calls == ["i"]


def test_fusing_unrelated_tasks_is_refused():
    with pytest.raises(ValueError, match="multiple outputs"):
        fuse(Task("a", join), Task("b", join))


def test_linear_fusion_respects_branches_and_wanted_keys():
    tasks = [
        DataNode("a", 1),
        Task("b", join, TaskRef("a")),
        Task("c", join, TaskRef("b")),
        Task("d", join, TaskRef("c")),
        Task("e", join, TaskRef("c")),
    ]
    dsk = {task.key: task for task in tasks}
    fused = fuse_linear_task_spec(dsk, {"b", "d", "e"})
    assert set(fused) == {"a-b", "b", "c", "d", "e"}
    assert fused["b"] == Alias("b", "a-b")
    want = {key: execute_graph(dsk)[key] for key in "bde"}
    assert {key: execute_graph(fused)[key] for key in "bde"} == want


def test_aliases_are_resolved_where_nothing_else_needs_them():
    nodes = [Task("a", join, 1), Alias("b", "a"), Alias("c", "b"), DataNode("d", 0)]
    dsk = {node.key: node for node in nodes}
    resolved = resolve_aliases(dsk, {"c"}, {"a": {"b"}, "b": {"c"}, "c": set()})
    assert list(resolved) == ["c"]
    assert resolved["c"]() == "1"
    assert set(resolve_aliases(dsk, {"a", "c"}, {"a": {"b"}, "b": {"c"}})) == {"a", "c"}


def test_culling_nodes():
    dsk = {"a": DataNode("a", 1), "b": Task("b", join, TaskRef("a")), "c": DataNode("c", 2)}
    assert set(cull(dsk, ["b"])) == {"a", "b"}


def test_stock_nodes_are_understood():
    spec = pytest.importorskip("dask._task_spec")
    stock = spec.Task("y", join, spec.TaskRef("x"), 2)
    graph = convert_legacy_graph({"x": 1, "y": stock, "z": (join, "y")})
    assert graph["y"] is stock
    assert execute_graph(graph)["z"] == "1-2"
    fused = fuse_linear_task_spec(graph, {"z"})
    assert execute_graph(fused)["z"] == "1-2"
