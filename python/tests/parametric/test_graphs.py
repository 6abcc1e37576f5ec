"""Random graphs: the same answers from every scheduler, the plain evaluator and the peer."""

from __future__ import annotations

import oxidask
from hypothesis import given, settings
from hypothesis import strategies as st
from oxidask import core, local, multiprocessing, threaded
from oxidask._task_spec import Alias, DataNode, Task, TaskRef

try:
    from dask.threaded import get as peer_get
except ImportError:
    peer_get = None


def total(*args, **kwargs):
    """A number of everything in the arguments that depends on its place."""
    return _weigh(list(args) + sorted(kwargs.items()))


def _weigh(value):
    if isinstance(value, dict):
        value = sorted(value.items())
    if isinstance(value, (list, tuple)):
        return sum((at + 1) * _weigh(item) for at, item in enumerate(value)) % 1_000_003
    if isinstance(value, str):
        return len(value)
    # What is in a dict stays as it is, calls and all.
    return value if isinstance(value, int) else 1


# No literal may look like a key by accident: keys are texts and tuples, literals are numbers and
# texts with a mark.
literals = st.integers(0, 1000) | st.sampled_from(["!", "!!", ""])


def keys_of(n):
    return [f"k{i}" if i % 3 else ("t", i) for i in range(n)]


@st.composite
def arguments(draw, earlier, depth=0):
    kinds = ["literal"] + ["key"] * (3 if earlier else 0)
    kinds += ["list", "dict", "task"] if depth < 3 else []
    kind = draw(st.sampled_from(kinds))
    if kind == "literal":
        return draw(literals)
    if kind == "key":
        return draw(st.sampled_from(earlier))
    inner = [draw(arguments(earlier, depth + 1)) for _ in range(draw(st.integers(0, 3)))]
    if kind == "list":
        return inner
    if kind == "dict":
        return {f"!{at}": value for at, value in enumerate(inner)}
    return (total, *inner)


@st.composite
def graphs(draw, nodes=False):
    """A graph, and the keys wanted of it; with task objects if `nodes`."""
    keys = keys_of(draw(st.integers(1, 12)))
    graph = {}
    for at, key in enumerate(keys):
        earlier = keys[:at]
        kind = draw(st.sampled_from(["task"] * 4 + ["literal", "alias", "list"]))
        refs = draw(st.lists(st.sampled_from(earlier), max_size=4)) if earlier else []
        if kind == "alias" and earlier:
            target = draw(st.sampled_from(earlier))
            graph[key] = Alias(key, target) if nodes else target
        elif kind == "literal" or (kind == "alias" and not earlier):
            value = draw(literals)
            graph[key] = DataNode(key, value) if nodes else value
        elif nodes:
            graph[key] = Task(key, total, *map(TaskRef, refs), draw(literals))
        elif kind == "list":
            graph[key] = [draw(arguments(earlier)) for _ in range(draw(st.integers(0, 3)))]
        else:
            graph[key] = (total, *refs, draw(arguments(earlier)))
    order = draw(st.permutations(keys))
    wanted = draw(st.lists(st.sampled_from(keys) | st.lists(st.sampled_from(keys)), max_size=6))
    return {key: graph[key] for key in order}, wanted


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_plain_graphs(case):
    graph, wanted = case
    answer = local.get_sync(graph, wanted)
    assert threaded.get(graph, wanted, num_workers=3) == answer
    assert core.get(graph, wanted) == answer
    if peer_get is not None:
        assert peer_get(graph, wanted) == answer


@settings(max_examples=60, deadline=None)
@given(graphs(nodes=True))
def test_graphs_of_task_objects(case):
    graph, wanted = case
    answer = local.get_sync(graph, wanted)
    assert threaded.get(graph, wanted, num_workers=3) == answer
    assert core.get(graph, wanted) == answer


@settings(max_examples=60, deadline=None)
@given(graphs(), st.integers(1, 5))
def test_a_tiny_budget_changes_no_answer(case, kibibytes):
    graph, wanted = case
    answer = threaded.get(graph, wanted, memory_limit=kibibytes * 1024)
    assert answer == local.get_sync(graph, wanted)


@settings(max_examples=8, deadline=None)
@given(graphs(), st.booleans())
def test_processes_give_the_same(case, optimize_graph):
    graph, wanted = case
    with oxidask.config.set({"multiprocessing.context": "fork"}):
        answer = multiprocessing.get(graph, wanted, num_workers=2, optimize_graph=optimize_graph)
    assert answer == local.get_sync(graph, wanted)


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_the_cache_ends_with_the_values_of_all_tasks(case):
    graph, wanted = case
    cache = {}
    answer = threaded.get(graph, wanted, cache=cache)
    # A second time, everything is known.
    assert threaded.get(graph, wanted, cache=cache) == answer
    assert local.get_sync({}, wanted, cache=cache) == answer
