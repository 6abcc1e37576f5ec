"""Drawing task graphs; no program or package besides Oxidask is needed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from oxidask._graph_drawing import FORMATS, Digraph, PngPicture, SvgPicture

__all__ = [
    "Digraph",
    "box_label",
    "cytoscape_graph",
    "dot_graph",
    "graphviz_to_file",
    "has_sub_tasks",
    "label",
    "name",
    "task_label",
    "to_graphviz",
]

_HASH = re.compile("[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}|[a-fA-F0-9]{32}")


def dot_graph(
    dsk: Mapping[Any, Any],
    filename: str | os.PathLike[str] | None = "mydask",
    format: str | None = None,
    **kwargs: Any,
) -> Any:
    """Draw a task graph into a file and for the notebook.

    Parameters
    ----------
    dsk : Mapping
        The graph.
    filename : str or path, optional
        The file to write; None to write none.
    format : {"png", "svg", "dot", "gv"}, optional
        By default what the name of the file ends in, or else ``"png"``.
    **kwargs
        Passed to :func:`to_graphviz`.

    Returns
    -------
    object or None
        For PNG and SVG what a notebook shows as the picture: IPython's ``Image`` or ``SVG`` where
        IPython is installed, else an object of ours with the bytes or the text in ``.data``.

    Raises
    ------
    NotImplementedError
        For pdf, jpeg and jpg: take svg, which any browser prints to PDF, or png.
    ValueError
        For any other format.

    Notes
    -----
    Differs from Dask: no Graphviz is needed; ``format="svg"`` does not make ``x.svg.svg`` of
    ``x.svg``.

    Examples
    --------
    >>> picture = dot_graph({"x": 1, "y": (abs, "x")}, filename=None, format="svg")
    >>> picture.data[:4]
    '<svg'

    See Also
    --------
    to_graphviz
    """
    filename = None if filename is None else os.fspath(filename)
    if filename is not None:
        stem, suffix = os.path.splitext(filename)
        suffix = suffix[1:].lower()
        if suffix == format or (format is None and suffix in FORMATS):
            filename, format = stem, suffix
    format = "png" if format is None else format
    return graphviz_to_file(to_graphviz(dsk, **kwargs), filename, format)


def graphviz_to_file(graph: Digraph, filename: str | None, format: str | None) -> Any:
    """Write a drawing into ``filename.format``, and return what a notebook shows.

    Examples
    --------
    >>> graph = to_graphviz({"x": 1, "y": (abs, "x")})
    >>> graphviz_to_file(graph, None, "png").data[1:4]
    b'PNG'
    """
    format = "png" if format is None else format
    data = graph.pipe(format=format)
    if filename is not None:
        with open(f"{filename}.{format}", "wb") as file:
            file.write(data)
    if format not in ("png", "svg"):
        return None
    try:
        from IPython.display import SVG, Image
    except ImportError:
        return PngPicture(data) if format == "png" else SvgPicture(data.decode())
    return Image(data=data) if format == "png" else SVG(data=data.decode())


def to_graphviz(
    dsk: Mapping[Any, Any],
    data_attributes: Mapping[Any, Mapping[str, Any]] | None = None,
    function_attributes: Mapping[Any, Mapping[str, Any]] | None = None,
    rankdir: str = "BT",
    graph_attr: Mapping[str, Any] | None = None,
    node_attr: Mapping[str, Any] | None = None,
    edge_attr: Mapping[str, Any] | None = None,
    collapse_outputs: bool = False,
    verbose: bool = False,
    color: str | None = None,
    cmap: Any = None,
    maxval: float | None = None,
    o: Mapping[Any, int] | None = None,
    **kwargs: Any,
) -> Digraph:
    """Make a drawing of a task graph: circles for tasks, boxes for data.

    Parameters
    ----------
    dsk : Mapping
        The graph.
    data_attributes, function_attributes : Mapping, optional
        For some keys, attributes of their boxes and circles, in Graphviz's words.
    rankdir : {"BT", "TB", "LR", "RL"}
        Where the arrows point, bottom to top by default.
    graph_attr, node_attr, edge_attr : Mapping, optional
        Attributes of the whole drawing (drawn are ``bgcolor`` and ``dpi``), of all nodes, and of
        all edges (drawn are ``color`` and ``penwidth``).
    collapse_outputs : bool
        Whether to draw one circle for a task and its output, without a box.
    verbose : bool
        Whether to write keys into boxes that have no place in an array or a table.
    color : str, optional
        ``"order"``, ``"ages"``, ``"freed"``, ``"memoryincreases"``, ``"memorydecreases"`` or
        ``"memorypressure"``: outline nodes by that figure, and write it into the circles.
    cmap : str or function, optional
        The scale of colours: ``"plasma"``, ``"viridis"``, ``"inferno"``, or a function from 0...1
        to red, green and blue.
    maxval : float, optional
        The figure at the end of the scale; by default the largest.
    o : Mapping, optional
        When each key is run, for `color`; by default what ``oxidask.order.order`` says.
    **kwargs
        More attributes of the whole drawing.

    Returns
    -------
    Digraph
        With the text in DOT as ``.source``.

    Notes
    -----
    Differs from Dask: a list of keys as a task is drawn with arrows from its items.

    Examples
    --------
    >>> print(to_graphviz({"x": 1, ("y", 0): (abs, "x")}).source.expandtabs(4))
    digraph {
        graph [rankdir=BT]
        node [fontname=helvetica]
        0 [label="" shape=box]
        1 [label=y shape=circle]
        2 [label=0 shape=box]
        0 -> 1
        1 -> 2
    }
    <BLANKLINE>
    """
    from oxidask.core import get_dependencies

    graph_attr = {**(graph_attr or {}), "rankdir": rankdir, **kwargs}
    node_attr = {"fontname": "helvetica", **(node_attr or {})}
    dependencies = {key: get_dependencies(dsk, key) for key in dsk}
    functions: dict[Any, Mapping[str, Any]] = dict(function_attributes or {})
    boxes: dict[Any, Mapping[str, Any]] = dict(data_attributes or {})
    if color is not None:
        node_attr.setdefault("penwidth", 3)
        _add_colours(functions, boxes, color, _run_order(dsk, o), dependencies, cmap, maxval)
    graph = Digraph(graph_attr=graph_attr, node_attr=node_attr, edge_attr=edge_attr)
    for node in _nodes(dsk, dependencies, collapse_outputs):
        tooltip = _tooltip(node.key, dsk[node.key])
        if node.is_task:
            # A circle that stands for its output too heeds what is said about either.
            given = dict(boxes.get(node.key, {})) if collapse_outputs else {}
            given.update(functions.get(node.key, {}))
            attributes = {"label": _function_name(node.key), "shape": "circle", **given}
        else:
            given = dict(boxes.get(node.key, {}))
            attributes = {"label": box_label(node.key, verbose), "shape": "box", **given}
        graph.node(node.id, tooltip=tooltip, **attributes)
    for tail, head in _edges(dsk, dependencies, collapse_outputs):
        graph.edge(tail, head)
    return graph


def cytoscape_graph(dsk: Mapping[Any, Any], filename: str | None = "mydask", **kwargs: Any) -> Any:
    """Not there: Oxidask draws for itself.

    Raises
    ------
    NotImplementedError
        Always: use ``visualize(engine="oxidask")``, which needs no Graphviz.

    Examples
    --------
    >>> cytoscape_graph({"x": 1})
    Traceback (most recent call last):
        ...
    NotImplementedError: there is no cytoscape engine; use visualize(engine="oxidask"), which \
needs no Graphviz and writes SVG and PNG
    """
    raise NotImplementedError(
        'there is no cytoscape engine; use visualize(engine="oxidask"), which needs no Graphviz '
        "and writes SVG and PNG"
    )


def label(x: Any, cache: dict[str, int] | None = None) -> str:
    """`x` as text with hashes replaced by ``#``, numbered by first appearance if there is a cache.

    Examples
    --------
    >>> label("add-ffcd9aa2231d466b5aa91e8bfa9e9487")
    'add-#'
    >>> cache = {}
    >>> label("add-ffcd9aa2231d466b5aa91e8bfa9e9487", cache=cache)
    'add-#0'
    >>> label("add-e890b510984f344edea9a5e5fe05c0db", cache=cache)
    'add-#1'
    """

    def number(match: re.Match[str]) -> str:
        if cache is None:
            return "#"
        return f"#{cache.setdefault(match.group(), len(cache))}"

    return _HASH.sub(number, str(x))


def box_label(key: Any, verbose: bool = False) -> str:
    """What a box says: the place of a chunk or a partition; of other keys nothing, or all.

    Examples
    --------
    >>> box_label(("x", 0)), box_label(("x", 0, 1)), box_label("x"), box_label("x", verbose=True)
    ('0', '(0, 1)', '', 'x')
    """
    if isinstance(key, tuple):
        place = key[1:]
        return str(place[0]) if len(place) == 1 else str(place)
    return str(key) if verbose else ""


def task_label(task: Any) -> str:
    """The name of a task's function, with ``(...)`` if a task is among its arguments.

    Examples
    --------
    >>> task_label((abs, 1)), task_label((abs, (abs, 1)))
    ('abs', 'abs(...)')
    """
    from oxidask._task_spec import is_node
    from oxidask.utils import funcname

    if is_node(task):
        return str(task.key)
    if not isinstance(task, tuple) or not task:
        return str(task)
    nested = any(has_sub_tasks(argument) for argument in task[1:])
    return str(funcname(task[0])) + ("(...)" if nested else "")


def has_sub_tasks(task: Any) -> bool:
    """Whether `task` is a task or a list with one in it.

    Examples
    --------
    >>> has_sub_tasks((abs, 1)), has_sub_tasks([1, [(abs, 1)]]), has_sub_tasks([1])
    (True, True, False)
    """
    from oxidask._task_spec import is_node
    from oxidask.core import istask

    if istask(task) or is_node(task):
        return True
    return isinstance(task, list) and any(has_sub_tasks(item) for item in task)


def name(x: Any) -> str:
    """A name for a node that stands for `x`: the same for equal hashable values.

    Examples
    --------
    >>> name(("x", 0)) == name(("x", 0))
    True
    """
    try:
        return str(hash(x))
    except TypeError:
        return str(hash(str(x)))


class _Node:
    """A circle or a box to be drawn for a key."""

    __slots__ = ("id", "is_task", "key")

    def __init__(self, key: Any, is_task: bool) -> None:
        self.key = key
        self.is_task = is_task
        self.id = (is_task, key)


def _is_task(value: Any) -> bool:
    """Whether a circle is drawn: data, aliases of plain graphs and lists of keys have none."""
    from oxidask._task_spec import is_node
    from oxidask.core import istask

    if is_node(value):
        return all(base.__name__ != "DataNode" for base in type(value).__mro__)
    return istask(value)


def _nodes(
    dsk: Mapping[Any, Any], dependencies: Mapping[Any, set[Any]], collapse: bool
) -> Iterator[_Node]:
    read = {dep for needed in dependencies.values() for dep in needed} if collapse else set()
    for key, value in dsk.items():
        is_task = _is_task(value)
        if is_task:
            yield _Node(key, True)
        if not collapse or (not is_task and (key in read or dependencies[key])):
            yield _Node(key, False)


def _edges(
    dsk: Mapping[Any, Any], dependencies: Mapping[Any, set[Any]], collapse: bool
) -> Iterator[tuple[Any, Any]]:
    is_circle = {key: _is_task(value) for key, value in dsk.items()}
    place = {key: at for at, key in enumerate(dsk)}
    for key in dsk:
        for dep in sorted(dependencies[key], key=place.__getitem__):
            yield (collapse and is_circle[dep], dep), (is_circle[key], key)
        if is_circle[key] and not collapse:
            yield (True, key), (False, key)


def _function_name(key: Any) -> str:
    from oxidask.utils import key_split

    return str(key_split(key))


def _tooltip(key: Any, value: Any) -> str:
    """The key in full and what runs, for the pointer to reveal."""
    function = getattr(value, "func", None)
    if function is None and isinstance(value, tuple) and value and callable(value[0]):
        function = value[0]
    if function is None:
        return repr(key)
    from oxidask.utils import funcname

    return f"{key!r}\n{funcname(function)}"


def _run_order(dsk: Mapping[Any, Any], given: Mapping[Any, int] | None) -> Mapping[Any, int]:
    if given is not None:
        return given
    from oxidask.order import order

    found: Mapping[Any, int] = order(dsk)
    return found


def _add_colours(
    functions: dict[Any, Mapping[str, Any]],
    boxes: dict[Any, Mapping[str, Any]],
    kind: str,
    order: Mapping[Any, int],
    dependencies: Mapping[Any, set[Any]],
    cmap: Any,
    maxval: float | None,
) -> None:
    """Adds colours and figures to the attributes, under what the caller has said."""
    from oxidask import _graph_colours

    of_tasks, of_data = _graph_colours.figures(kind, order, dependencies)
    if maxval is None:
        # One scale for both, or a circle and a box of one colour would mean two figures.
        maxval = max(1, *of_tasks.values(), *of_data.values()) if of_tasks else 1
    for key, colour in _graph_colours.colours(of_tasks, cmap, maxval).items():
        functions[key] = {"label": of_tasks[key], "color": colour, **functions.get(key, {})}
    for key, colour in _graph_colours.colours(of_data, cmap, maxval).items():
        boxes[key] = {"color": colour, **boxes.get(key, {})}
