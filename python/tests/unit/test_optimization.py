"""Optimisations of plain graphs: they change the graph, never the answer."""

from __future__ import annotations

from functools import partial
from operator import add

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oxidask import config
from oxidask._task_spec import Task, TaskRef
from oxidask.core import get, get_dependencies, toposort
from oxidask.optimization import (
    SubgraphCallable,
    cull,
    default_fused_keys_renamer,
    functions_of,
    fuse,
    fuse_linear,
    inline,
    inline_functions,
)


def inc(x):
    return x + 1


def total(*args):
    return sum(args) + 1


@st.composite
def graphs(draw):
    """A random graph over total(), every key of which has a value."""
    dsk = {}
    for i in range(draw(st.integers(1, 14))):
        known = st.sampled_from([*dsk, 5])
        args = draw(st.lists(known, max_size=3))
        shape = draw(st.integers(0, 3))
        task = (total, *args) if shape else (sum, args)
        dsk[f"k{i}"] = i if draw(st.integers(0, 6)) == 0 else task
    wanted = draw(st.lists(st.sampled_from(list(dsk)), min_size=1, max_size=3))
    return dsk, wanted


@given(graphs(), st.sampled_from([1, 1.9, 2, 3, 10]), st.booleans())
def test_no_optimisation_changes_the_values(case, ave_width, rename):
    dsk, wanted = case
    expected = get(dsk, wanted)
    culled, dependencies = cull(dsk, wanted)
    assert get(culled, wanted) == expected
    fused, fused_deps = fuse(culled, wanted, dependencies, ave_width=ave_width, rename_keys=rename)
    assert get(fused, wanted) == expected
    assert fused_deps == {key: get_dependencies(fused, key) for key in fused}
    chained, chained_deps = fuse_linear(culled, wanted, dependencies, rename_keys=rename)
    assert get(chained, wanted) == expected
    assert chained_deps == {key: get_dependencies(chained, key) for key in chained}
    assert get(inline(dsk, list(dsk)[:3]), wanted) == expected
    assert get(inline_functions(dsk, wanted, {total}), wanted) == expected
    assert len(toposort(fused)) == len(fused)


def test_culling_reports_dependencies_and_missing_keys():
    dsk = {"x": 1, "y": (add, "x", "x"), "z": 2}
    assert cull(dsk, [["y"]]) == ({"y": (add, "x", "x"), "x": 1}, {"y": ["x", "x"], "x": []})
    with pytest.raises(KeyError):
        cull(dsk, "q")


def test_chains_are_fused_and_named_after_their_tasks():
    dsk = {"a-1": (inc, 0), "b-2": (inc, "a-1"), "c-3": (inc, "b-2")}
    assert fuse(dsk)[0] == {"a-b-c-3": (inc, (inc, (inc, 0))), "c-3": "a-b-c-3"}
    assert fuse_linear(dsk, ["b-2"], rename_keys=False)[0] == {
        "b-2": (inc, (inc, 0)),
        "c-3": (inc, "b-2"),
    }


def test_work_that_is_used_twice_is_never_done_twice():
    dsk = {"a": (inc, 1), "b": (add, "a", "a"), "c": (inc, "b")}
    for result in (
        fuse(dsk, "c", rename_keys=False)[0],
        fuse_linear(dsk, "c", rename_keys=False)[0],
    ):
        assert result["a"] == (inc, 1)
        assert get(result, "c") == 5


def test_width_decides_over_reductions():
    dsk = {"x": (inc, 0), "a": (inc, "x"), "b": (inc, "x"), "c": (add, "a", "b")}
    assert fuse(dsk, ave_width=1, rename_keys=False)[0] == dsk
    assert fuse(dsk, ave_width=2, rename_keys=False)[0] == {
        "x": (inc, 0),
        "c": (add, (inc, "x"), (inc, "x")),
    }
    with config.set({"optimization.fuse.ave-width": 2}):
        assert len(fuse(dsk, rename_keys=False)[0]) == 2
    with config.set({"optimization.fuse.active": False}):
        assert fuse(dsk)[0] is dsk


def test_long_chains_stay_within_the_stack():
    n = 20_000
    dsk = {"k0": 0, **{f"k{i + 1}": (inc, f"k{i}") for i in range(n)}}
    for optimised in (fuse(dsk, f"k{n}")[0], fuse_linear(dsk, f"k{n}")[0]):
        assert len(optimised) < n // 50
        assert get(optimised, f"k{n}") == n


def test_data_and_nodes_stay_in_the_graph():
    data = {"x": np.arange(3), "y": (np.sum, "x")}
    assert fuse(data, "y")[0] is not None
    assert fuse(data, "y")[0]["x"] is data["x"]
    nodes = {"x": Task("x", inc, 1), "y": (inc, "x"), "z": Task("z", inc, TaskRef("y"))}
    assert fuse(nodes, ["z"])[0] == nodes
    assert fuse_linear(nodes, ["z"])[0] == nodes
    assert inline_functions(nodes, ["z"], [inc]) == nodes


def test_fused_keys_keep_the_position_and_a_readable_length():
    assert default_fused_keys_renamer([("read-1", 0), ("sum-2", 0)]) == ("read-sum-2", 0)
    long = default_fused_keys_renamer(["a" * 100, "b" * 100, "c"])
    assert len(long) == 120
    assert default_fused_keys_renamer([1, 2]) is None


def test_inlining_lists_constants_and_output_keys():
    dsk = {"a": 1, "b": "a", "c": (add, "b", 2)}
    assert inline(dsk)["c"] == (add, 1, 2)
    assert inline(dsk, inline_constants=False) == dsk
    cheap = {"x": (inc, 1), "y": (sum, ["x", 2])}
    assert inline_functions(cheap, [], [inc]) == {"y": (sum, [(inc, 1), 2])}
    assert inline_functions(cheap, ["x"], [inc]) == cheap


def test_functions_of_a_task():
    assert functions_of((add, (partial(inc), 1), [(sum, [])])) == {add, inc, sum}
    assert functions_of([1]) == set()


def test_subgraph_callables():
    call = SubgraphCallable({"y": (add, "a", "b")}, "y", ["a", "b"])
    assert call(1, 2) == 3
    assert call == SubgraphCallable({"y": (add, "a", "b")}, "y", ["a", "b"])
    with pytest.raises(ValueError, match="Expected 2 arguments"):
        call(1)
