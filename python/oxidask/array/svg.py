"""Drawings of chunks, and what a notebook shows of an array.

An array is drawn as a box of up to three axes; further axes are drawn as boxes beside it, the
leading ones first.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oxidask import _native, config
from oxidask.utils import format_bytes

__all__ = [
    "draw_sizes",
    "html_table",
    "ratio_response",
    "svg",
    "svg_1d",
    "svg_2d",
    "svg_3d",
    "svg_nd",
]

# A face with more blocks than this along an axis is one dark area: lines would only run together.
_MOST_LINES = 24
_LIGHT, _DARK = "#F4CF9E", "#8B4903"
_EDGE = "#4A2A0A"
# Where one unit along the depth of a box goes.
_DEPTH = (0.55, -0.4)
_MARGIN, _LABEL = 8.0, 22.0

Point = tuple[float, float]


def ratio_response(x: float) -> float:
    """Return how much longer than another a side is drawn that is `x` times longer.

    Examples
    --------
    >>> ratio_response(1.5), round(ratio_response(1000), 1)
    (1.5, 11.0)
    """
    return x if x <= 2 else 2 + math.log2(x / 2)


def draw_sizes(shape: Sequence[float], size: float = 200) -> tuple[float, ...]:
    """Return the lengths in which the axes of an array are drawn, the longest as `size`.

    Examples
    --------
    >>> draw_sizes((10, 5), size=100)
    (100.0, 50.0)
    """
    longest = max(shape)
    return tuple(size / ratio_response(longest / max(0.1, extent)) for extent in shape)


@dataclass
class _Picture:
    """Elements of a drawing, and the corner that they reach."""

    elements: list[str] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0

    def reach(self, x: float, y: float) -> None:
        self.width, self.height = max(self.width, x), max(self.height, y)

    def face(self, origin: Point, sides: Sequence[tuple[Point, Sequence[float]]]) -> None:
        """Draw a parallelogram from its corner, its sides and where the blocks on them end."""
        (x, y), ((u, u_ends), (v, v_ends)) = origin, sides
        corners = [(x, y), (x + u[0], y + u[1]), (x + u[0] + v[0], y + u[1] + v[1])]
        corners.append((x + v[0], y + v[1]))
        for corner in corners:
            self.reach(*corner)
        is_dense = max(len(u_ends), len(v_ends)) > _MOST_LINES
        points = " ".join(f"{px:.1f},{py:.1f}" for px, py in corners)
        fill = _DARK if is_dense else _LIGHT
        self.elements.append(f'<polygon points="{points}" style="fill:{fill};stroke:{_EDGE}"/>')
        for ends, along, across in ((u_ends, u, v), (v_ends, v, u)):
            if len(ends) > _MOST_LINES:
                continue
            for part in ends[:-1]:
                start = (x + part * along[0], y + part * along[1])
                stop = (start[0] + across[0], start[1] + across[1])
                self.elements.append(
                    f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{stop[0]:.1f}" '
                    f'y2="{stop[1]:.1f}" style="stroke:{_EDGE};stroke-width:0.6"/>'
                )

    def label(self, at: Point, text: str, turned: bool = False) -> None:
        (x, y) = at
        self.reach(x + 5 * len(text), y + 4)
        turn = f' transform="rotate(-90,{x:.1f},{y:.1f})"' if turned else ""
        self.elements.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="0.8rem" text-anchor="middle"{turn}>'
            f"{text}</text>"
        )

    def text(self) -> str:
        width, height = self.width + _MARGIN, self.height + _MARGIN
        head = f'<svg width="{width:.0f}" height="{height:.0f}" style="stroke-width:1">'
        return "\n".join([head, *self.elements, "</svg>"])


def _ends(extents: Sequence[int]) -> list[float]:
    """Return where the blocks of an axis end, as parts of the axis."""
    total = sum(extents)
    at, ends = 0, []
    for extent in extents:
        at += extent
        ends.append(at / total)
    return ends


def _box(picture: _Picture, chunks: Sequence[Sequence[int]], size: float, left: float) -> float:
    """Draw a box of up to three axes; return where it ends."""
    shape = [sum(extents) for extents in chunks]
    if len(chunks) == 1:
        chunks, shape = ((1,), *chunks), [1, *shape]
        lengths = [size * 0.15, size]
        labels = ["", str(shape[1])]
    else:
        lengths = list(draw_sizes(shape, size))
        labels = [str(extent) for extent in shape]
    height, width = lengths[-2:]
    ends = [_ends(extents) for extents in chunks]
    depth = (0.0, 0.0)
    if len(chunks) == 3:
        depth = (lengths[0] * _DEPTH[0], lengths[0] * _DEPTH[1])
    top = _MARGIN - depth[1]
    down, right = ((0.0, height), ends[-2]), ((width, 0.0), ends[-1])
    picture.face((left, top), (down, right))
    if len(chunks) == 3:
        back = (depth, ends[0])
        picture.face((left, top), (back, right))
        picture.face((left + width, top), (back, down))
        picture.label(
            (left + width + depth[0] / 2 + 10, top + height + depth[1] / 2 + 12), labels[0]
        )
    picture.label((left + width / 2, top + height + _LABEL - 4), labels[-1])
    if labels[-2]:
        picture.label((left + width + depth[0] + 14, top + depth[1] + height / 2), labels[-2], True)
    return left + width + depth[0] + 2 * _LABEL


def _checked(chunks: Sequence[Sequence[Any]]) -> None:
    if not chunks:
        raise NotImplementedError("There is nothing to draw of an array with 0 dimensions")
    if any(math.isnan(extent) for extents in chunks for extent in extents):
        raise NotImplementedError(
            "Can't draw an array with unknown chunk sizes: call compute_chunk_sizes() on it first"
        )
    if not all(sum(extents) for extents in chunks):
        raise NotImplementedError("There is nothing to draw of an array with 0-length dimensions")


def svg(chunks: Sequence[Sequence[int]], size: float = 200, **kwargs: Any) -> str:
    """Return a drawing of chunks as SVG text.

    Parameters
    ----------
    chunks
        Extents of the blocks along each axis.
    size
        Pixels of the longest side.

    Raises
    ------
    NotImplementedError
        If there is nothing to draw: no axes, empty ones, or unknown extents.

    Examples
    --------
    >>> svg(((2, 2), (3,))).startswith("<svg width")
    True
    """
    _checked(chunks)
    picture = _Picture()
    left = _MARGIN
    # The last three axes are one box, those before them others, three by three.
    head = len(chunks) % 3 or 3
    for start in [0, *range(head, len(chunks), 3)]:
        stop = head if start == 0 else start + 3
        left = _box(picture, chunks[start:stop], size, left)
    return picture.text()


def svg_1d(chunks: Sequence[Sequence[int]], **kwargs: Any) -> str:
    """Return a drawing of one axis; see :func:`svg`."""
    return svg(chunks, **kwargs)


def svg_2d(chunks: Sequence[Sequence[int]], **kwargs: Any) -> str:
    """Return a drawing of two axes; see :func:`svg`."""
    return svg(chunks, **kwargs)


def svg_3d(chunks: Sequence[Sequence[int]], **kwargs: Any) -> str:
    """Return a drawing of three axes; see :func:`svg`."""
    return svg(chunks, **kwargs)


def svg_nd(chunks: Sequence[Sequence[int]], **kwargs: Any) -> str:
    """Return a drawing of many axes; see :func:`svg`."""
    return svg(chunks, **kwargs)


def _rows(array: Any) -> list[tuple[str, str, str]]:
    """Return the table: what, of the array, of its largest block."""
    rows = []
    if not math.isnan(array.nbytes):
        block = math.prod(array.chunksize) * array.itemsize
        rows.append(("Bytes", format_bytes(array.nbytes), format_bytes(block)))
    else:
        rows.append(("Bytes", "unknown", "unknown"))
    rows.append(("Shape", str(array.shape), str(array.chunksize)))
    layers = len(_native.merge_arrays([array._expr], False).dependencies())
    n_blocks, s = array.npartitions, "" if layers == 1 else "s"
    rows.append(
        ("Graph", f"{n_blocks} chunk{'' if n_blocks == 1 else 's'} in {layers} layer{s}", "")
    )
    kind = type(array._meta)
    rows.append(("Type", str(array.dtype), f"{kind.__module__.partition('.')[0]}.{kind.__name__}"))
    return rows


def html_table(array: Any) -> str:
    """Return what a notebook shows of an array: bytes, shape, blocks, type and a drawing.

    Parameters
    ----------
    array
        The array.
    """
    size = config.get("array.svg.size", 120)
    try:
        drawing = svg(array.chunks, size=size)
    except NotImplementedError:
        drawing = ""
    lines = ["<table>", "<tr>", "<td>", '<table style="border-collapse: collapse;">']
    lines.append("<thead><tr><td></td><th>Array</th><th>Chunk</th></tr></thead>")
    lines.append("<tbody>")
    for name, whole, block in _rows(array):
        cells = "".join(f"<td>{html.escape(text)}</td>" for text in (whole, block))
        lines.append(f"<tr><th>{name}</th>{cells}</tr>")
    lines += ["</tbody>", "</table>", "</td>", f"<td>\n{drawing}\n</td>", "</tr>", "</table>"]
    return "\n".join(lines)
