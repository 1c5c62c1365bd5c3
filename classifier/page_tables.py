"""The tables of a report as its page shows them: figures with their intervals, bars, heat maps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from classifier.pictures import nice_ceiling
from classifier.report_tables import Cell, Kind, Picture, Table
from classifier.report_texts import cell_text

LEVELS = 8  # of darkness in a heat map, the palest for none at all
_WORDS = ("text", "id", "flag")

Texts = Mapping[str, Any]


@dataclass(frozen=True)
class PageCell:
    """What a reader sees of a cell: its text, and the ends of its interval, empty where there is none."""

    text: str
    interval: str = ""


@dataclass(frozen=True)
class PageColumn:
    """A column as it is shown.

    ``name`` and ``title`` are the table's; ``numeric`` ones stand to the right and are sorted by
    their figures; ``bounds`` says what their intervals are, empty where they have none; ``cells``
    has a cell a row.
    """

    name: str
    title: str
    numeric: bool
    bounds: str
    cells: tuple[PageCell, ...]


@dataclass(frozen=True)
class Bar:
    """A bar and its whisker: where each begins and how wide it is, in per cent of the track."""

    left: float
    width: float
    whisker: tuple[float, float] | None
    below: bool


@dataclass(frozen=True)
class Bars:
    """The bars of a table, one a row (None: no figure), the ends of their axis, and where its zero is."""

    bars: tuple[Bar | None, ...]
    low: str
    high: str
    zero: float


@dataclass(frozen=True)
class Field:
    """A field of a heat map; ``rough`` where the interval is wider than the share itself."""

    text: str
    level: int
    about: str
    rough: bool


@dataclass(frozen=True)
class Heat:
    """A heat map: its fields by row and column, None where there is none; ``high``: its largest figure."""

    corner: str
    across: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Field | None, ...]], ...]
    high: str


def page_columns(table: Table, texts: Texts) -> tuple[PageColumn, ...]:
    """Return the columns that people see, each interval in the column of the figure that it belongs to."""
    shown = table.for_people
    kinds = [column.kind for column in shown.columns]
    bounding = {i for i in range(len(kinds)) if kinds[i : i + 2] == ["low", "high"] and i > 0}
    columns = []
    for i, (column, kind) in enumerate(zip(shown.columns, shown.kinds, strict=True)):
        if i in bounding or i - 1 in bounding:
            continue
        bounded = i + 1 in bounding
        bounds = _bounds(shown.columns[i + 1].name, texts) if bounded else ""
        cells = tuple(
            PageCell(
                figure(row[i], kind, texts), interval(row[i + 1], row[i + 2], kind, texts) if bounded else ""
            )
            for row in shown.rows
        )
        columns.append(PageColumn(column.name, column.title, column.kind not in _WORDS, bounds, cells))
    return tuple(columns)


def _bounds(low: str, texts: Texts) -> str:
    """Return what an interval is, by the name of its lower end: the usual kind, or one of its own."""
    page = texts["page"]
    return str(page["other_intervals"].get(low, page["interval"]))


def figure(value: Cell, kind: Kind, texts: Texts) -> str:
    """Return a cell as the page shows it: as everywhere, but with marks for thousands and a true minus.

    >>> figure(124089, "count", {}), figure(-0.031, "difference", {})
    ('124,089', '−3.1')
    """
    if kind == "count" and isinstance(value, int):
        return f"{value:,}"
    text = cell_text(value, kind, texts)
    return text.replace("-", "−") if isinstance(value, float) else text


def interval(low: Cell, high: Cell, kind: Kind, texts: Texts) -> str:
    """Return an interval, empty where there is none; a share's without the sign for per cent.

    >>> texts = {"page": {"to": " to "}}
    >>> interval(0.21, 0.252, "share", texts), interval(-0.031, 0.02, "difference", texts)
    ('21.0–25.2', '−3.1 to +2.0')
    """
    if low is None or high is None:
        return ""
    between = texts["page"]["to"] if kind == "difference" else "–"
    return str(between).join(figure(end, kind, texts).rstrip("%") for end in (low, high))


def bars(table: Table) -> Bars:
    """Return the bars of a table whose picture is ``bars``, on one axis that holds zero and every end."""
    picture = _picture(table, "bars")
    values = _numbers(table, picture.value)
    low, high = (_numbers(table, name or picture.value) for name in (picture.low, picture.high))
    known = [v for v in (*values, *low, *high) if v is not None]
    least, most = min(known, default=0.0), max(known, default=0.0)
    start = -nice_ceiling(-least) if least < 0 else 0.0
    end = nice_ceiling(most) if most > 0 or start == 0 else 0.0
    made = (
        None if v is None else _bar(v, lo, hi, start, end)
        for v, lo, hi in zip(values, low, high, strict=True)
    )
    kind = _kind(table, picture.value)
    return Bars(tuple(made), _axis(start, kind), _axis(end, kind), 100 * start / (start - end))


def _bar(value: float, low: float | None, high: float | None, start: float, end: float) -> Bar:
    def at(point: float) -> float:
        return round(100 * (point - start) / (end - start), 2)

    left, right = sorted((at(0.0), at(value)))
    whisker = None
    if low is not None and high is not None and low < high:
        whisker = at(low), round(at(high) - at(low), 2)
    return Bar(left, round(right - left, 2), whisker, value < 0)


def _axis(value: float, kind: Kind) -> str:
    """Return an end of an axis, which is round."""
    if kind not in ("share", "difference"):
        return f"{value:g}"
    text = f"{100 * value:g}".replace("-", "−")
    return f"{text}%" if kind == "share" else text


def heat(table: Table, texts: Texts) -> Heat:
    """Return the heat map of a table whose picture is ``heat``.

    The darkness of a field goes with the square root of its share, so that small shares can be
    told apart beside large ones; no share at all is the palest.
    """
    picture = _picture(table, "heat")
    rows, across = table.values(picture.label), table.values(picture.across)
    values = _numbers(table, picture.value)
    low, high = (_numbers(table, name or picture.value) for name in (picture.low, picture.high))
    most = max((v for v in values if v is not None), default=0.0)
    kind = _kind(table, picture.value)
    fields = {
        (row, over): _field(figures, most, kind, texts)
        for row, over, *figures in zip(rows, across, values, low, high, strict=True)
    }
    columns = tuple(dict.fromkeys(across))
    if set(columns) <= set(rows):  # the same things on both axes stand in the same order
        columns = tuple(row for row in dict.fromkeys(rows) if row in set(columns))
    return Heat(
        corner=next(c.title for c in table.columns if c.name == picture.label),
        across=tuple(map(str, columns)),
        rows=tuple(
            (str(row), tuple(fields.get((row, over)) for over in columns)) for row in dict.fromkeys(rows)
        ),
        high=figure(most, kind, texts),
    )


def _field(figures: Sequence[float | None], most: float, kind: Kind, texts: Texts) -> Field | None:
    """Return the field of a value and the ends of its interval."""
    value, low, high = figures
    if value is None:
        return None
    level = math.ceil((LEVELS - 1) * math.sqrt(value / most)) if value > 0 else 0
    text, ends = figure(value, kind, texts), ""
    rough = False
    if low is not None and high is not None and low < high:
        ends = f" ({interval(low, high, kind, texts)})"
        rough = high - low > value
    return Field(text.rstrip("%"), min(level, LEVELS - 1), text + ends, rough)


def _picture(table: Table, kind: str) -> Picture:
    if table.picture is None or table.picture.kind != kind:
        raise ValueError(f"table {table.name} has no picture of kind {kind}")
    return table.picture


def _kind(table: Table, column: str) -> Kind:
    return next(kind for found, kind in zip(table.columns, table.kinds, strict=True) if found.name == column)


def _numbers(table: Table, column: str) -> list[float | None]:
    return [float(v) if isinstance(v, int | float) else None for v in table.values(column)]
