"""Pictures that need a drawing library: lines over time with the band of their intervals, as SVG."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from classifier.report_tables import Cell, Table

if TYPE_CHECKING:
    from matplotlib.path import Path

WIDTH, HEIGHT = 240.0, 96.0  # of a picture's view box
BAND_LIMIT = 2.5  # the axis ends at most this many times above the highest value, however wide its band
ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0)
_EDGE = 0.02  # of the width and height, so that round line ends are not cut
_LINE, _BAND, _GRID = "#1f4e79", "#d3e1ef", "#c3ccd6"
_DRAWN = frozenset({"svg", "g", "path"})  # elements that are kept
_KEPT = frozenset({"d", "style"})  # attributes that are kept
_LONG_NUMBER = re.compile(r"(\.\d\d)\d+")

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class LinePicture:
    """One line, drawn.

    Parameters
    ----------
    label : str
        What the line is of.
    periods : tuple of str
        The names along its axis.
    values : tuple
        What it shows in each period; None where there is no figure.
    top : float
        The end of the upright axis, which begins at zero.
    svg : str
        What stands inside ``<svg viewBox="0 0 WIDTH HEIGHT">``: paths, without text, ids or links.
    """

    label: str
    periods: tuple[str, ...]
    values: tuple[float | None, ...]
    top: float
    svg: str

    @property
    def ends(self) -> tuple[tuple[str, float], tuple[str, float]] | None:
        """The first and the last period that have a figure, each with it; None where none has."""
        known = [(p, v) for p, v in zip(self.periods, self.values, strict=True) if v is not None]
        return (known[0], known[-1]) if known else None


def line_pictures(table: Table) -> tuple[LinePicture, ...]:
    """Draw one picture for each line of a table whose picture is ``lines``.

    The axis goes from zero to a round figure above the line and its band, but no higher than
    `BAND_LIMIT` times the line. Where a period has no figure the line and its band are broken.
    Words stand beside the picture, in the reader's own letters: there is none in it, so that no
    font is needed to draw or to show it.
    """
    picture = table.picture
    if picture is None or picture.kind != "lines":
        raise ValueError(f"table {table.name} is not drawn as lines")
    labels, across = table.values(picture.label), table.values(picture.across)
    names = (picture.value, picture.low or picture.value, picture.high or picture.value)
    figures = zip(*(table.values(name) for name in names), strict=True)
    periods = tuple(dict.fromkeys(map(str, across)))
    lines: dict[str, dict[str, tuple[Cell, ...]]] = {}
    for label, period, found in zip(labels, across, figures, strict=True):
        lines.setdefault(str(label), {})[str(period)] = found
    missing = (None, None, None)
    return tuple(
        _line_picture(label, periods, [found.get(period, missing) for period in periods])
        for label, found in lines.items()
    )


def _line_picture(label: str, periods: tuple[str, ...], cells: Sequence[tuple[Cell, ...]]) -> LinePicture:
    value, low, high = (tuple(_number(cell) for cell in column) for column in zip(*cells, strict=True))
    top = _top(value, high)
    runs = list(_runs(value))
    lines = [[(place(i, len(periods)), _y(value[i], top)) for i in run] for run in runs]
    bands = [_band(run, low, high, top, len(periods)) for run in runs]
    return LinePicture(label, periods, value, top, _drawn(lines, bands))


def _number(cell: Cell) -> float | None:
    return float(cell) if isinstance(cell, int | float) else None


def nice_ceiling(value: float) -> float:
    """Return the smallest round figure that is not below a value; 1 for zero.

    >>> [nice_ceiling(v) for v in (0.231, 0.0102, 0.5)]
    [0.25, 0.012, 0.5]
    """
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    step = next((s for s in ROUND if s * power >= value * (1 - 1e-9)), 10.0)
    return float(f"{step * power:.3g}")


def _top(value: Sequence[float | None], high: Sequence[float | None]) -> float:
    highest = max((v for v in value if v is not None), default=0.0)
    band = max((h for h in high if h is not None), default=0.0)
    return nice_ceiling(max(highest, min(band, BAND_LIMIT * highest)))


def _runs(value: Sequence[float | None]) -> Iterator[list[int]]:
    """Yield the stretches of periods that all have a figure."""
    run: list[int] = []
    for i, found in enumerate(value):
        if found is not None:
            run.append(i)
        elif run:
            yield run
            run = []
    if run:
        yield run


def place(i: int, n: int) -> float:
    """Return where the ``i``-th of ``n`` periods stands, as a share of the width."""
    return 0.5 if n == 1 else _EDGE + (1 - 2 * _EDGE) * i / (n - 1)


def _y(value: float | None, top: float) -> float:
    """Return how high a figure stands, as a share of the height; what is above the axis is cut."""
    return _EDGE + (1 - 2 * _EDGE) * min(value or 0.0, top) / top


def _band(
    run: Sequence[int], low: Sequence[float | None], high: Sequence[float | None], top: float, n: int
) -> list[tuple[float, float]]:
    """Return the outline of a run's intervals: along the high ends, back along the low ones."""
    known = [i for i in run if low[i] is not None and high[i] is not None]
    above = [(place(i, n), _y(high[i], top)) for i in known]
    below = [(place(i, n), _y(low[i], top)) for i in reversed(known)]
    if len(known) == 1:  # an interval that stands alone is as wide as a line can be seen
        (x, above_y), (_, below_y) = above[0], below[0]
        half = _EDGE / 2
        return [(x - half, above_y), (x + half, above_y), (x + half, below_y), (x - half, below_y)]
    return above + below


def _drawn(lines: Sequence[Points], bands: Sequence[Points]) -> str:
    """Return the paths of lines and bands, given as shares of width and height."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from matplotlib.patches import PathPatch

    figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)  # a point is 1/72 inch
    figure.set_layout_engine("none")
    figure.patch.set_visible(False)

    def add(path: Path, **look: Any) -> None:
        patch = PathPatch(path, transform=figure.transFigure, clip_on=False, **look)
        patch.set(sketch_params=None, path_effects=[])  # whatever the reader's own settings are
        figure.add_artist(patch)

    for outline in bands:
        if outline:
            add(_path(outline, closed=True), facecolor=_BAND, edgecolor="none", linewidth=0)
    for height, width in ((0.0, 1.0), (1.0, 0.5)):  # the foot and the top of the axis
        level = _EDGE + (1 - 2 * _EDGE) * height
        add(_path([(0, level), (1, level)]), fill=False, edgecolor=_GRID, linewidth=width)
    for line in lines:
        if len(line) > 1:
            add(_path(line), fill=False, edgecolor=_LINE, linewidth=2, capstyle="round", joinstyle="round")
        else:  # a point that stands alone: a line without length, its ends round
            add(_path([*line, *line]), fill=False, edgecolor=_LINE, linewidth=5, capstyle="round")
    stream = io.StringIO()
    FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return cleaned(stream.getvalue())


def _path(points: Points, *, closed: bool = False) -> Path:
    from matplotlib.path import Path

    return Path([*points, points[0]] if closed else points, closed=closed)


def cleaned(svg: str) -> str:
    """Return what stands inside an SVG's root: its paths with their shape and style, and nothing else.

    >>> cleaned('<svg><script>x</script><g id="a"><path d="M 1.23456 2" onclick="x"/></g></svg>')
    '<path d="M1.23 2"/>'
    """
    root = ElementTree.fromstring(svg)  # noqa: S314 - matplotlib's own output
    return "".join(_paths(root))


def _paths(element: ElementTree.Element) -> Iterator[str]:
    name = element.tag.rpartition("}")[2]
    if name not in _DRAWN:
        return
    if name == "path":
        kept = {key: value for key, value in element.attrib.items() if key in _KEPT}
        attributes = "".join(f' {key}="{_short(value)}"' for key, value in kept.items())
        yield f"<path{attributes}/>"
    for child in element:
        yield from _paths(child)


def _short(value: str) -> str:
    value = re.sub(r"\s*([MLZz:;])\s*", r"\1", _LONG_NUMBER.sub(r"\1", value))
    return value.replace('"', "").replace("<", "").replace("&", "").strip()
