"""Checkpoints, waiting, binding and cloning."""

from __future__ import annotations

from operator import add

import oxidask
import pytest
from oxidask import delayed
from oxidask.base import DaskMethodsMixin, get_collection_names, replace_name_in_key
from oxidask.graph_manipulation import bind, checkpoint, clone, wait_on
from oxidask.highlevelgraph import HighLevelGraph


class Parts(DaskMethodsMixin):
    """A collection that is no class of ours: a tuple of the values of some keys."""

    __dask_optimize__ = None
    __dask_scheduler__ = staticmethod(oxidask.threaded.get)

    def __init__(self, graph, keys):
        self._graph = graph
        self._keys = keys

    def __dask_graph__(self):
        return self._graph

    def __dask_keys__(self):
        return self._keys

    def __dask_layers__(self):
        return tuple(sorted(get_collection_names(self)))

    def __dask_tokenize__(self):
        return self._keys

    def __dask_postcompute__(self):
        return tuple, ()

    def __dask_postpersist__(self):
        return Parts._rebuild, (self._keys,)

    @staticmethod
    def _rebuild(graph, keys, *, rename=None):
        return Parts(graph, [replace_name_in_key(key, rename or {}) for key in keys])


class Recorder:
    """Remembers the order of calls."""

    def __init__(self):
        self.calls = []

    def __dask_tokenize__(self):
        return id(self)

    def note(self, name):
        self.calls.append(name)
        return name


@pytest.fixture
def recorder():
    return Recorder()


def pair(recorder, name, layers):
    """Two parts, the second after the first, in layers or flat."""
    graph = HighLevelGraph(
        {
            f"{name}-0": {f"{name}-0": (recorder.note, name + "0")},
            f"{name}-1": {(f"{name}-1", 0): (recorder.note, f"{name}-0")},
        },
        {f"{name}-0": set(), f"{name}-1": {f"{name}-0"}},
    )
    return Parts(graph if layers else graph.to_dict(), [(f"{name}-1", 0)])


layered = pytest.mark.parametrize("layers", [True, False])


@layered
def test_a_checkpoint_waits_for_everything(recorder, layers):
    done = checkpoint([pair(recorder, "a", layers)], pair(recorder, "b", layers))
    assert done.compute(scheduler="sync") is None
    assert sorted(recorder.calls) == ["a0", "a0", "b0", "b0"]


@layered
def test_waiting_keeps_values_and_structure(recorder, layers):
    one, two = pair(recorder, "a", layers), pair(recorder, "b", layers)
    waited = wait_on(one, {"k": two})
    assert oxidask.compute(*waited, scheduler="sync") == (("a0",), {"k": ("b0",)})
    assert len(recorder.calls) == 4
    assert isinstance(wait_on(one), Parts)


@layered
def test_bound_collections_start_after_their_parents(recorder, layers):
    child, parent = pair(recorder, "child", layers), pair(recorder, "parent", layers)
    bound = bind(child, parent, assume_layers=layers)
    assert bound.compute(scheduler="sync") == ("child0",)
    assert recorder.calls == ["parent0", "parent0", "child0", "child0"]
    assert not set(bound.__dask_keys__()) & set(child.__dask_keys__())


@layered
def test_omitted_tasks_are_shared(layers):
    low = Parts(HighLevelGraph({"low": {"low": 1}}, {"low": set()}), ["low"])
    high = Parts(
        HighLevelGraph(
            {"low": {"low": 1}, "high": {"high": (add, "low", 1)}},
            {"low": set(), "high": {"low"}},
        ),
        ["high"],
    )
    copy = clone(high, omit=low, assume_layers=layers)
    assert set(copy.__dask_graph__()) & set(high.__dask_graph__()) == {"low"}
    assert copy.compute(scheduler="sync") == (2,)
    copy.__dask_graph__().validate()


@layered
def test_clones_share_nothing_and_depend_on_the_seed(recorder, layers):
    one = pair(recorder, "a", layers)
    copies = [clone(one, seed=seed, assume_layers=layers) for seed in (1, 1, 2, None)]
    keys = [set(copy.__dask_graph__()) for copy in copies]
    assert keys[0] == keys[1]
    assert not keys[0] & keys[2]
    assert not any(k & set(one.__dask_graph__()) for k in keys)
    assert oxidask.compute(*copies, scheduler="sync") == (("a0",),) * 4


def test_delayed_values_take_part():
    one = delayed(add)(1, 2)
    assert clone(one).compute(scheduler="sync") == 3
    assert wait_on(one).compute(scheduler="sync") == 3
    assert bind(one, delayed(add)(0, 0)).compute(scheduler="sync") == 3
    assert checkpoint(one).compute(scheduler="sync") is None


@pytest.mark.parametrize(
    ("split_every", "n_joints"), [(2, 99), (3, 50), (8, 15), (None, 15), (1e9, 1), (False, 1)]
)
def test_how_many_parts_a_task_waits_for(split_every, n_joints):
    many = Parts({("a", i): i for i in range(100)}, [("a", i) for i in range(100)])
    graph = checkpoint(many, split_every=split_every).__dask_graph__()
    assert len(graph) == 200 + n_joints


@pytest.mark.parametrize(
    ("wrong", "error"), [(1, ValueError), (0, ValueError), (-2, ValueError), ({0: 2}, TypeError)]
)
def test_wrong_split_every_is_named(wrong, error):
    with pytest.raises(error, match="split_every"):
        checkpoint(Parts({"a": 1, "b": 2}, ["a", "b"]), split_every=wrong)
