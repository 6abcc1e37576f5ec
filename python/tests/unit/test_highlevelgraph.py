"""Graphs in layers."""

from __future__ import annotations

import pickle
import xml.etree.ElementTree as ElementTree

import pytest
from oxidask.base import annotate, tokenize
from oxidask.highlevelgraph import (
    HighLevelGraph,
    Layer,
    MaterializedLayer,
    compute_layer_dependencies,
)


def inc(x):
    return x + 1


@pytest.fixture
def graph():
    return HighLevelGraph(
        {
            "a": {("a", 0): 1, ("a", 1): 2},
            "b": {("b", 0): (inc, ("a", 0)), ("b", 1): (inc, ("a", 1))},
            "c": {"c": 3},
        },
        {"a": set(), "b": {"a"}, "c": set()},
    )


def test_a_graph_is_a_mapping_of_all_tasks(graph):
    assert graph["a", 1] == 2
    assert graph["c"] == 3
    assert ("b", 2) not in graph
    assert len(graph) == len(list(graph)) == len(graph.keys()) == 5
    assert dict(graph) == graph.to_dict() == dict(graph.items())
    assert list(graph.values()) == [graph[key] for key in graph]
    assert graph.get("q", "none") == "none"
    assert all(isinstance(layer, Layer) for layer in graph.layers.values())


def test_keys_in_other_layers_and_wrong_keys():
    graph = HighLevelGraph({"a": {"b": 1}, "b": {"a": 2}}, {"a": set(), "b": set()})
    assert (graph["b"], graph["a"]) == (1, 2)
    for key in ("q", (), 1):
        with pytest.raises(KeyError):
            graph[key]


def test_culling_keeps_what_is_needed(graph):
    culled = graph.cull([[("b", 1)]])
    assert dict(culled) == {("a", 1): 2, ("b", 1): (inc, ("a", 1))}
    assert list(culled.layers) == ["a", "b"]
    assert culled.dependencies == {"a": set(), "b": {"a"}}
    assert culled.get_all_dependencies() == {("a", 1): set(), ("b", 1): {("a", 1)}}
    assert len(graph) == 5, "the original is left alone"


def test_culling_follows_dependencies_inside_a_layer():
    graph = HighLevelGraph({"a": {"x": 1, "y": (inc, "x"), "z": 0}}, {"a": set()})
    assert dict(graph.cull(["y"])) == {"x": 1, "y": (inc, "x")}


def test_culling_layers(graph):
    culled = graph.cull_layers(["b"])
    assert list(culled.layers) == ["a", "b"]
    assert culled.layers["a"] is graph.layers["a"]


def test_merge_and_from_collections(graph):
    class Collection:
        def __dask_graph__(self):
            return graph

        def __dask_layers__(self):
            return ("b",)

        def __dask_keys__(self):
            return [("b", 0), ("b", 1)]

    new = HighLevelGraph.from_collections("d", {"d": (sum, [("b", 0), ("b", 1)])}, [Collection()])
    assert new.dependencies["d"] == {"b"}
    new.validate()
    merged = HighLevelGraph.merge(new, {"plain": 1})
    assert set(merged) == {*new, "plain"}
    with pytest.raises(TypeError, match="Expected a collection"):
        HighLevelGraph.from_collections("e", {}, [1])


def test_validation_names_the_wrong_layer(graph):
    graph.validate()
    with pytest.raises(ValueError, match="'q'"):
        HighLevelGraph({"a": {"x": 1}}, {"a": {"q"}}).validate()
    with pytest.raises(ValueError, match="dependencies\\['b'\\]"):
        HighLevelGraph({"a": {"x": 1}, "b": {"y": "x"}}, {"a": set(), "b": set()}).validate()
    with pytest.raises(ValueError, match="key_dependencies"):
        HighLevelGraph({"a": {"x": 1}}, {"a": set()}, {"x": {"y"}}).validate()


def test_copies_are_independent(graph):
    graph.get_all_dependencies()
    copy = graph.copy()
    assert copy.layers == graph.layers
    assert copy.layers is not graph.layers
    copy.dependencies["c"].add("a")
    assert graph.dependencies["c"] == set()
    assert copy.key_dependencies == graph.key_dependencies


def test_dependents_and_layer_dependencies(graph):
    assert graph.dependents == {"a": {"b"}, "b": set(), "c": set()}
    assert compute_layer_dependencies(graph.layers) == graph.dependencies
    assert graph.get_all_external_keys() == set(graph)


def test_annotations_come_from_the_context_and_survive_culling():
    with annotate(priority=1):
        layer = MaterializedLayer({"x": 1, "y": 2})
    assert layer.annotations == {"priority": 1}
    assert layer.cull({"x"}, {"x", "y"})[0].annotations == {"priority": 1}
    assert MaterializedLayer({"x": 1}).annotations is None


def test_cloning_a_layer_renames_and_binds():
    layer = MaterializedLayer({"x-1": 1, "y-1": (inc, "x-1")})
    new, bound = layer.clone({"x-1", "y-1"}, seed=0, bind_to="blocker")
    assert bound
    assert not set(new) & {"x-1", "y-1"}
    (x, y) = new
    assert new[x][1:] == (1, "blocker")
    assert new[y] == (inc, x)
    assert not layer.clone({"x-1", "y-1"}, seed=0)[1]


def test_tokens_and_pickles(graph):
    assert tokenize(graph) == tokenize(graph.copy())
    assert tokenize(graph) != tokenize(graph.cull([("b", 0)]))
    assert dict(pickle.loads(pickle.dumps(graph))) == dict(graph)


def test_html_is_well_formed(graph):
    html = graph._repr_html_()
    assert ElementTree.fromstring(html) is not None
    assert "MaterializedLayer" in html
