"""Drawing task graphs: what is drawn, in which words, and into which files."""

from __future__ import annotations

import builtins
import re
import struct
import xml.etree.ElementTree as ElementTree
from functools import partial
from operator import add, neg

import pytest
from oxidask import _graph_colours, dot
from oxidask._task_spec import Alias, DataNode, Task, TaskRef

DSK = {
    "a": 1,
    "b": 2,
    "c": (neg, "a"),
    "d": (neg, "b"),
    "e": (add, "c", "d"),
    "f": (sum, ["a", "e"]),
}
SVG = "{http://www.w3.org/2000/svg}"
HASHED = "add-ffcd9aa2231d466b5aa91e8bfa9e9487"


def nodes(graph):
    """Label and shape of each node, as drawn into DOT."""
    pattern = re.compile(r'\t(\d+) \[label=("(?:[^"\\]|\\.)*"|\S+) shape=(\w+)')
    return [match.group(2, 3) for match in map(pattern.match, graph.body) if match]


def edges(graph):
    found = [re.fullmatch(r"\t(\d+) -> (\d+)\n", line) for line in graph.body]
    return {(int(match[1]), int(match[2])) for match in found if match}


@pytest.fixture
def no_ipython(monkeypatch):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("IPython"):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)


def test_tasks_are_circles_and_data_are_boxes():
    graph = dot.to_graphviz(DSK)
    circles = [label for label, shape in nodes(graph) if shape == "circle"]
    boxes = [label for label, shape in nodes(graph) if shape == "box"]
    assert circles == ["c", "d", "e", "f"]
    assert boxes == ['""'] * 6
    assert len(edges(graph)) == 10


def test_verbose_writes_the_keys():
    assert {label for label, _ in nodes(dot.to_graphviz(DSK, verbose=True))} == set("abcdef")


@pytest.mark.parametrize(("verbose", "expected"), [(False, '""'), (True, "a")])
def test_collapsed_outputs_leave_the_boxes_of_data_only(verbose, expected):
    graph = dot.to_graphviz({**DSK, "lonely": 3}, collapse_outputs=True, verbose=verbose)
    assert [label for label, shape in nodes(graph) if shape == "circle"] == ["c", "d", "e", "f"]
    assert len(nodes(graph)) == 6
    assert nodes(graph)[0] == (expected, "box")
    assert len(edges(graph)) == 6


def test_boxes_name_the_place_and_circles_the_group():
    dsk = {
        ("x", 0, 1): 1,
        (HASHED, 0): (add, ("x", 0, 1), 1),
        ("z",): (partial(add, 1), (HASHED, 0)),
    }
    expected = [
        ('"(0, 1)"', "box"),
        ("add", "circle"),
        ("0", "box"),
        ("z", "circle"),
        ('"()"', "box"),
    ]
    assert nodes(dot.to_graphviz(dsk)) == expected


def test_nodes_of_task_specs_are_drawn_as_tasks():
    dsk = {
        "data": DataNode("data", 5),
        "alias": Alias("alias", "data"),
        "task": Task("task", add, TaskRef("alias"), 1),
    }
    graph = dot.to_graphviz(dsk, verbose=True)
    expected = [
        ("data", "box"),
        ("alias", "circle"),
        ("alias", "box"),
        ("task", "circle"),
        ("task", "box"),
    ]
    assert nodes(graph) == expected
    assert edges(graph) == {(0, 1), (1, 2), (2, 3), (3, 4)}


def test_an_alias_and_a_list_are_boxes_with_arrows():
    graph = dot.to_graphviz({"x": 1, "y": "x", "z": ["x", ["y"]]}, verbose=True)
    assert nodes(graph) == [("x", "box"), ("y", "box"), ("z", "box")]
    assert edges(graph) == {(0, 1), (0, 2), (1, 2)}


def test_attributes_of_single_nodes_are_taken_and_not_changed():
    data_attributes = {"a": {"shape": "square"}}
    function_attributes = {"c": {"label": "neg_c", "shape": "ellipse"}, "d": {}}
    graph = dot.to_graphviz(
        DSK, data_attributes=data_attributes, function_attributes=function_attributes
    )
    assert ('""', "square") in nodes(graph)
    assert ("neg_c", "ellipse") in nodes(graph)
    assert data_attributes == {"a": {"shape": "square"}}
    assert function_attributes == {"c": {"label": "neg_c", "shape": "ellipse"}, "d": {}}


def test_attributes_of_the_whole_reach_dot_and_the_picture():
    graph = dot.to_graphviz(
        DSK,
        rankdir="LR",
        node_attr={"color": "red", "style": "filled", "fillcolor": "#00ff00"},
        edge_attr={"color": "blue"},
        bgcolor="ivory",
        size="5,5",
    )
    assert (graph.graph_attr["rankdir"], graph.node_attr["color"]) == ("LR", "red")
    assert '\tgraph [rankdir=LR bgcolor=ivory size="5,5"]\n' in graph.source
    assert "\tedge [color=blue]\n" in graph.source
    svg = graph.pipe("svg").decode()
    for colour in ("#ff0000", "#00ff00", "#0000ff", "#fffff0"):
        assert f'"{colour}"' in svg


@pytest.mark.parametrize("rankdir", ["BT", "TB", "LR", "RL"])
def test_arrows_point_where_rankdir_says(rankdir):
    graph = dot.to_graphviz({"x": 1, "y": "x"}, rankdir=rankdir)
    root = ElementTree.fromstring(graph.pipe("svg"))
    x, y = [rect for rect in root.iter(f"{SVG}rect") if "x" in rect.attrib]
    axis, sign = {"BT": ("y", -1), "TB": ("y", 1), "LR": ("x", 1), "RL": ("x", -1)}[rankdir]
    assert sign * (float(y.attrib[axis]) - float(x.attrib[axis])) > 0


def test_unusual_labels_survive_every_format():
    label = "<b> & \"q\" \\N 'x' \u4f60 \N{PILE OF POO}\n2nd"
    graph = dot.to_graphviz({label: (abs, 1)}, function_attributes={label: {"label": label}})
    texts = [t.text for t in ElementTree.fromstring(graph.pipe("svg")).iter(f"{SVG}text")]
    joined = "".join(text for text in texts if text)
    assert "".join(joined.split()) == "".join(label.split())
    assert r"\"q\" \\N" in graph.source
    assert graph.pipe("png").startswith(b"\x89PNG")


def test_the_pointer_reveals_key_and_function():
    svg = dot.to_graphviz({(HASHED, 0): (add, 1, 2)}).pipe("svg")
    titles = {title.text for title in ElementTree.fromstring(svg).iter(f"{SVG}title")}
    assert titles == {f"('{HASHED}', 0)\nadd"}


@pytest.mark.parametrize(
    ("filename", "format", "target"),
    [
        ("graph", None, "graph.png"),
        ("graph", "svg", "graph.svg"),
        ("graph.svg", None, "graph.svg"),
        ("graph.svg", "svg", "graph.svg"),
        ("graph.pdf", "svg", "graph.pdf.svg"),
        ("graph.pdf.svg", None, "graph.pdf.svg"),
        ("graph.v2", None, "graph.v2.png"),
        ("graph.dot", None, "graph.dot"),
        ("graph", "gv", "graph.gv"),
        ("$(touch x)", "dot", "$(touch x).dot"),
    ],
)
def test_files_are_named_as_asked(tmp_path, filename, format, target):
    dot.dot_graph(DSK, filename=tmp_path / filename, format=format)
    assert [path.name for path in tmp_path.iterdir()] == [target]
    starts = {"png": b"\x89PNG", "svg": b"<svg", "dot": b"digraph", "gv": b"digraph"}
    assert (tmp_path / target).read_bytes().startswith(starts[target.rsplit(".", 1)[1]])


def test_by_default_mydask_png_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dot.dot_graph(DSK)
    assert [path.name for path in tmp_path.iterdir()] == ["mydask.png"]


def test_without_a_filename_no_file_is_written(tmp_path, monkeypatch, no_ipython):
    monkeypatch.chdir(tmp_path)
    png = dot.dot_graph(DSK, filename=None)
    svg = dot.dot_graph(DSK, filename=None, format="svg")
    assert dot.dot_graph(DSK, filename=None, format="dot") is None
    assert png._repr_png_().startswith(b"\x89PNG")
    assert svg._repr_svg_() == svg.data
    assert list(tmp_path.iterdir()) == []


def test_ipython_shows_the_picture_where_it_is_installed():
    display = pytest.importorskip("IPython.display")
    assert isinstance(dot.dot_graph(DSK, filename=None, format="png"), display.Image)
    assert isinstance(dot.dot_graph(DSK, filename=None, format="svg"), display.SVG)


@pytest.mark.parametrize("format", ["pdf", "jpeg", "jpg"])
def test_formats_that_are_not_written_name_those_that_are(tmp_path, format):
    for filename, given in [(tmp_path / "x", format), (tmp_path / f"x.{format}", None)]:
        with pytest.raises(NotImplementedError, match=f"'{format}'.*'svg'.*'png'.*'dot'"):
            dot.dot_graph(DSK, filename=filename, format=given)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_drawn_is_named(tmp_path):
    with pytest.raises(ValueError, match="'bmp'"):
        dot.dot_graph(DSK, filename=tmp_path / "x", format="bmp")
    with pytest.raises(ValueError, match="reddish"):
        dot.dot_graph(DSK, filename=tmp_path / "x", node_attr={"color": "reddish"})
    with pytest.raises(ValueError, match="XY"):
        dot.dot_graph(DSK, filename=tmp_path / "x", rankdir="XY")
    with pytest.raises(NotImplementedError, match="oxidask"):
        dot.cytoscape_graph(DSK)
    with pytest.raises(NotImplementedError, match=r"'sparkle'.*'order'"):
        dot.to_graphviz(DSK, color="sparkle", o={})
    with pytest.raises(ValueError, match=r"'sparkle'.*'plasma'"):
        dot.to_graphviz(DSK, color="order", cmap="sparkle", o=dict.fromkeys(DSK, 0))
    assert list(tmp_path.iterdir()) == []


def test_dpi_scales_the_png():
    def size(**kwargs):
        return struct.unpack(">II", dot.to_graphviz(DSK, **kwargs).pipe("png")[16:24])

    width, height = size()
    assert size(dpi=192) == pytest.approx((2 * width, 2 * height), abs=2)


ORDER = {"b": 0, "d": 1, "a": 2, "c": 3, "e": 4, "f": 5}
DEPENDENCIES = {"a": set(), "b": set(), "c": {"a"}, "d": {"b"}, "e": {"c", "d"}, "f": {"a", "e"}}


# The figures that Dask writes into the circles of this graph, run in this order.
@pytest.mark.parametrize(
    ("color", "figures"),
    [
        ("order", {"c": 3, "d": 1, "e": 4, "f": 5}),
        ("age", {"c": 1, "d": 3, "e": 1, "f": 0}),
        ("ages", {"c": 1, "d": 3, "e": 1, "f": 0}),
        ("freed", {"c": 0, "d": 1, "e": 2, "f": 2}),
        ("memoryincreases", {"c": 1, "d": 2, "e": 0, "f": 0}),
        ("memorydecreases", {"c": 0, "d": 0, "e": 1, "f": 0}),
        ("memorypressure", {"c": 2, "d": 1, "e": 3, "f": 2}),
    ],
)
def test_circles_show_figures_in_colour(color, figures):
    graph = dot.to_graphviz(DSK, color=color, o=ORDER)
    circles = [label for label, shape in nodes(graph) if shape == "circle"]
    assert circles == [str(figures[key]) for key in "cdef"]
    assert graph.source.count("color=") == 10
    assert "color" not in graph.graph_attr


def test_memory_pressure_of_boxes_is_that_when_the_data_are_released():
    # Differs from Dask, which documents this but colours boxes as it colours circles.
    _, released = _graph_colours.figures("memorypressure", ORDER, DEPENDENCIES)
    assert released == {"a": 2, "b": 1, "c": 3, "d": 3, "e": 2, "f": 2}


def test_maxval_and_cmap_set_the_colours():
    graph = dot.to_graphviz(DSK, color="order", o=ORDER, maxval=10, cmap=lambda x: (x, 0, 0))
    assert 'label=5 shape=circle color="#800000"' in graph.source
    dark = dot.to_graphviz(DSK, color="order", o=ORDER, cmap="viridis")
    assert 'color="#440154"' in dark.source
    assert 'color="#fde725"' in dark.source


def test_labels_of_keys_and_tasks():
    assert dot.task_label((partial(add, 1), 1)) == "add"
    assert dot.task_label((add, 1)) == "add"
    assert dot.task_label((add, (add, 1, 2))) == "add(...)"
    assert dot.task_label((sum, [1, [(add, 1, 2)]])) == "sum(...)"
    cache = {}
    assert dot.label("x", cache=cache) == "x"
    assert dot.label(HASHED, cache=cache) == "add-#0"
    assert dot.label("y-9da32324-9f2e-4a42-99bf-56babfbea04e", cache=cache) == "y-#1"
    assert dot.label(HASHED, cache=cache) == "add-#0"


def test_a_graph_may_be_empty_or_wide(no_ipython):
    assert nodes(dot.to_graphviz({})) == []
    assert dot.dot_graph({}, filename=None, format="svg").data.startswith("<svg")
    dsk = {("x", i): (neg, 1) for i in range(2_000)}
    dsk["total"] = (sum, list(dsk))
    picture = dot.dot_graph(dsk, filename=None).data
    width, height = struct.unpack(">II", picture[16:24])
    assert max(width, height) == 16_384
