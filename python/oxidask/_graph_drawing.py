"""A drawing of a graph, with the interface of the ``graphviz`` package's ``Digraph``."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from typing import Any

from oxidask._native import Picture

__all__ = ["FORMATS", "Digraph", "PngPicture", "SvgPicture"]

# What other Graphviz front ends write, and what we say about it.
FORMATS = ("png", "svg", "dot", "gv", "pdf", "jpeg", "jpg")
_NOT_WRITTEN = ("pdf", "jpeg", "jpg")
# Graphviz draws 96 pixels for each inch, which is what the layout's units are.
_DPI = 96.0


class SvgPicture:
    """An SVG picture that a notebook shows.

    Examples
    --------
    >>> SvgPicture("<svg/>").data
    '<svg/>'
    """

    def __init__(self, data: str) -> None:
        self.data = data

    def _repr_svg_(self) -> str:
        return self.data


class PngPicture:
    """A PNG picture that a notebook shows.

    Examples
    --------
    >>> PngPicture(b"...").data
    b'...'
    """

    def __init__(self, data: bytes) -> None:
        self.data = data

    def _repr_png_(self) -> bytes:
        return self.data


class Digraph:
    """Nodes and arrows to draw.

    Parameters
    ----------
    graph_attr, node_attr, edge_attr : Mapping, optional
        Attributes of the whole drawing, of all nodes and of all edges, in Graphviz's words.

    Examples
    --------
    >>> graph = Digraph(graph_attr={"rankdir": "LR"})
    >>> graph.node("a", label="from here")
    >>> graph.node("b", label="to there", shape="box")
    >>> graph.edge("a", "b")
    >>> print(graph.source.expandtabs(4))
    digraph {
        graph [rankdir=LR]
        0 [label="from here"]
        1 [label="to there" shape=box]
        0 -> 1
    }
    <BLANKLINE>
    """

    def __init__(
        self,
        graph_attr: Mapping[str, Any] | None = None,
        node_attr: Mapping[str, Any] | None = None,
        edge_attr: Mapping[str, Any] | None = None,
    ) -> None:
        self.graph_attr: dict[str, Any] = dict(graph_attr or {})
        self.node_attr: dict[str, Any] = dict(node_attr or {})
        self.edge_attr: dict[str, Any] = dict(edge_attr or {})
        self._places: dict[Hashable, int] = {}
        self._nodes: list[list[tuple[str, str]]] = []
        self._tooltips: list[str] = []
        self._edges: list[tuple[int, int]] = []

    def node(self, name: Hashable, tooltip: str | None = None, **attributes: Any) -> None:
        """Add a node.

        Parameters
        ----------
        name : hashable
            What edges call it.
        tooltip : str, optional
            What a browser shows when the pointer rests on it; for SVG only.
        **attributes
            Such as ``label``, ``shape``, ``color`` and ``fillcolor``.

        Examples
        --------
        >>> Digraph().node("a", label="A", shape="circle")
        """
        if name in self._places:
            raise ValueError(f"there is a node {name!r} already")
        self._places[name] = len(self._nodes)
        self._nodes.append(_attributes(attributes))
        self._tooltips.append("" if tooltip is None else tooltip)

    def edge(self, tail: Hashable, head: Hashable) -> None:
        """Add an arrow from the node `tail` to the node `head`, which are there already.

        Examples
        --------
        >>> graph = Digraph()
        >>> graph.node("a")
        >>> graph.edge("a", "b")
        Traceback (most recent call last):
            ...
        ValueError: there is no node 'b'; add it before its edges
        """
        for end in (tail, head):
            if end not in self._places:
                raise ValueError(f"there is no node {end!r}; add it before its edges")
        self._edges.append((self._places[tail], self._places[head]))

    @property
    def source(self) -> str:
        """The drawing in Graphviz's DOT language."""
        text: str = self._picture().to_dot()
        return text

    @property
    def body(self) -> list[str]:
        """The lines of :attr:`source` that are nodes and edges."""
        lines = self.source.splitlines(keepends=True)[1:-1]
        heads = ("\tgraph [", "\tnode [", "\tedge [")
        return [line for line in lines if not line.startswith(heads)]

    def pipe(self, format: str = "svg") -> bytes:
        """The drawing as the content of a file.

        Parameters
        ----------
        format : {"svg", "png", "dot", "gv"}

        Returns
        -------
        bytes

        Raises
        ------
        NotImplementedError
            For pdf, jpeg and jpg.
        ValueError
            For any other format.

        Examples
        --------
        >>> Digraph().pipe(format="dot").split()
        [b'digraph', b'{', b'graph', b'[rankdir=BT]', b'}']
        """
        if format in _NOT_WRITTEN:
            raise NotImplementedError(
                f"cannot write format={format!r}; use 'svg' (which a browser prints to PDF), "
                "'png', or 'dot' for Graphviz's own programs"
            )
        if format not in FORMATS:
            raise ValueError(f"unknown format={format!r}; use one of 'png', 'svg', 'dot', 'gv'")
        picture = self._picture()
        if format == "png":
            data: bytes = picture.to_png(float(self.graph_attr.get("dpi", _DPI)) / _DPI)
            return data
        text: str = picture.to_svg(self._tooltips) if format == "svg" else picture.to_dot()
        return text.encode()

    def render(self, filename: str | os.PathLike[str], format: str = "svg") -> str:
        """Write the drawing into ``filename.format``, and return that name.

        Examples
        --------
        >>> import os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     os.path.basename(Digraph().render(os.path.join(folder, "graph"), format="png"))
        'graph.png'
        """
        target = f"{os.fspath(filename)}.{format}"
        data = self.pipe(format)
        with open(target, "wb") as file:
            file.write(data)
        return target

    def _picture(self) -> Picture:
        direction = str(self.graph_attr.get("rankdir", "BT"))
        return Picture(
            self._nodes,
            self._edges,
            direction,
            _attributes(self.graph_attr),
            _attributes(self.node_attr),
            _attributes(self.edge_attr),
        )

    def _repr_svg_(self) -> str:
        return self.pipe("svg").decode()


def _attributes(attributes: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(str(key), str(value)) for key, value in attributes.items()]
