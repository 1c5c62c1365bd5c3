"""Pictures that the spreadsheet itself draws from the cells: bars with intervals, lines, heat tables.

Nothing is drawn beforehand, so the file needs no font for Chinese.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifier.report_tables import Cell, Column, Kind, Table
from classifier.workbook_cells import reference

COLOURED = 8  # lines that stand out; more colours could not be told apart
# Okabe and Ito, "Color universal design" (2008), yellow left out, which no one sees on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6A3D9A", "#1C2430")
_GREY, _RULE, _BAR, _INTERVAL = "#C3CAD3", "#DFE4EA", "#5B8DB8", "#1C2430"
_SCALE = {"min_color": "#FFFFFF", "mid_color": "#BFD7EA", "max_color": "#4F8FC0"}
_UNITS = 6  # of an axis, at most
_SMALL = 0.05  # shares below which an axis needs a decimal
_AXIS: Mapping[Kind, str] = {"share": "0%", "difference": "+0;-0;0", "number": "0.0##"}
_HEIGHT, _PER_BAR, _WIDTH, _WIDTH_OF_LINES, HEIGHT_OF_LINES = 110, 21, 640, 960, 460  # pixels

_LENGTHS = ("error_low", "error_high")  # columns: how far an interval reaches on either side
TITLE = (0, 1)  # the cell of each sheet with a table in which its title stands

Texts = Mapping[str, Any]


@dataclass(frozen=True)
class Block:
    """A table turned: a row for each label and a column for each value of the other axis."""

    labels: tuple[str, ...]
    across: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]

    def row(self, label: str) -> list[Cell]:
        """Return the cells of one label."""
        return [self.cells.get((label, of)) for of in self.across]


def turned(table: Table) -> Block:
    """Return the values of a picture of lines or heat as a block.

    Both axes keep their order; where they have the same values, as measures named together do,
    both have that of the rows.
    """
    picture = table.picture
    if picture is None:
        raise ValueError(f"table {table.name} has no picture")
    rows, columns = (tuple(map(str, table.values(name))) for name in (picture.label, picture.across))
    labels, across = tuple(dict.fromkeys(rows)), tuple(dict.fromkeys(columns))
    if set(labels) == set(across):
        across = labels
    values = zip(rows, columns, table.values(picture.value), strict=True)
    return Block(labels, across, {(label, of): value for label, of, value in values})


def kind_of(table: Table) -> Kind:
    """Return the kind of what a picture draws."""
    names = [column.name for column in table.columns]
    return table.kinds[names.index(table.picture.value)] if table.picture is not None else "number"


def with_error_bars(table: Table, texts: Texts) -> Table:
    """Return a table of bars with two more columns: how far its interval reaches below and above.

    A spreadsheet draws error bars from lengths, not from ends. They stand in the table itself, so
    that they are sorted and filtered with it.
    """
    picture = table.picture
    if picture is None or picture.kind != "bars" or not (picture.low and picture.high):
        return table
    value, low, high = (table.values(name) for name in (picture.value, picture.low, picture.high))
    points = kind_of(table) == "difference"  # lengths have no sign
    kind: Kind = "number" if points else kind_of(table)
    columns = tuple(Column(name, texts[name], kind) for name in _LENGTHS)
    lengths = (
        [None if pair is None else (100 if points else 1) * pair for pair in map(_between, *ends)]
        for ends in ((low, value), (value, high))
    )
    pairs = zip(*lengths, strict=True)
    rows = tuple((*row, *pair) for row, pair in zip(table.rows, pairs, strict=True))
    return replace(table, columns=(*table.columns, *columns), rows=rows)


def _between(low: Cell, high: Cell) -> float | None:
    if isinstance(low, int | float) and isinstance(high, int | float):
        return max(float(high) - float(low), 0.0)
    return None


def bars(book: Any, sheet: str, table: Table, top: int) -> Any:
    """Return a chart with a bar for each row of a table.

    Parameters
    ----------
    book : xlsxwriter.Workbook
    sheet : str
        The sheet with the table.
    table : Table
        See `with_error_bars`.
    top : int
        The row of the table's header, from 0; it begins in the first column.
    """
    picture = table.picture
    if picture is None:
        raise ValueError(f"table {table.name} has no picture")
    names = [column.name for column in table.columns]

    def cells(name: str) -> list[Any]:
        at = names.index(name)
        return [sheet, top + 1, at, top + len(table.rows), at]

    series: dict[str, Any] = {
        "name": [sheet, top, names.index(picture.value)],
        "categories": cells(picture.label),
        "values": cells(picture.value),
        "fill": {"color": _BAR},
        "gap": 45,
    }
    if _LENGTHS[0] in names:
        series["y_error_bars"] = {
            "type": "custom",
            "minus_values": _range(cells(_LENGTHS[0])),
            "plus_values": _range(cells(_LENGTHS[1])),
            "line": {"color": _INTERVAL, "width": 1},
        }
    chart = book.add_chart({"type": "bar"})
    chart.add_series(series)
    chart.set_legend({"none": True})
    # Of bars, y is the axis of names: from top to bottom as in the table, and clear of bars that go
    # to the left; turned over, it takes the other axis to the top, and "high" is the bottom again.
    chart.set_y_axis({**_plain(), "reverse": True, "label_position": "low"})
    chart.set_x_axis({**_scale_of(table), "label_position": "high"})
    height = _HEIGHT + _PER_BAR * len(table.rows)
    return _dressed(chart, sheet, _WIDTH, height)


def line_chart(book: Any, sheet: str, table: Table, block: Block, corner: tuple[int, int]) -> Any:
    """Return a chart with a line for each row of a block, whose corner is in a row and a column.

    The `COLOURED` with the highest values stand out; the others are grey, and not in the legend.
    """
    chart = book.add_chart({"type": "line"})
    top, left = corner
    strong = strongest(block)
    last = left + len(block.across)
    # The grey ones first, so that they lie behind.
    order = sorted(range(len(block.labels)), key=lambda i: (i in strong, i))
    for i in order:
        row, colour = top + 1 + i, _COLOURS[strong.index(i)] if i in strong else _GREY
        chart.add_series(
            {
                "name": [sheet, row, left],
                "categories": [sheet, top, left + 1, top, last],
                "values": [sheet, row, left + 1, row, last],
                "line": {"color": colour, "width": 2.25 if i in strong else 0.75},
                "marker": {
                    "type": "circle",
                    "size": 4,
                    "fill": {"color": colour},
                    "border": {"color": colour},
                }
                if i in strong
                else {"type": "none"},
            }
        )
    chart.set_legend({"position": "right", "delete_series": list(range(len(order) - len(strong)))})
    chart.set_x_axis({**_plain(), "text_axis": True})  # years are names, not dates
    chart.set_y_axis(_scale_of(table))
    chart.show_blanks_as("gap")
    chart.show_hidden_data()  # a filter on the table hides rows of the block beside it
    return _dressed(chart, sheet, _WIDTH_OF_LINES, HEIGHT_OF_LINES)


def strongest(block: Block) -> list[int]:
    """Return which rows of a block have the highest values on average, at most `COLOURED`, in their order."""
    figures = [[v for v in block.row(label) if isinstance(v, int | float)] for label in block.labels]
    means = np.array([np.mean(row) if row else -np.inf for row in figures])
    return sorted(np.argsort(-means, kind="stable")[:COLOURED].tolist())


def heat() -> dict[str, Any]:
    """Return the conditional format that colours a block: the higher, the darker."""
    return {"type": "3_color_scale", **_SCALE}


def _range(cells: Sequence[Any]) -> str:
    from xlsxwriter.utility import xl_range_abs

    return f"={reference(cells[0])}!{xl_range_abs(*cells[1:])}"


def _plain() -> dict[str, Any]:
    return {"line": {"color": _GREY}, "major_tick_mark": "none", "num_font": {"size": 9}}


def _scale_of(table: Table) -> dict[str, Any]:
    """Return the axis of the values, long enough for the intervals."""
    kind, picture = kind_of(table), table.picture
    drawn = () if picture is None or picture.kind != "bars" else (picture.low, picture.high)
    names = [name for name in (*drawn, picture.value if picture is not None else "") if name]
    values = [v for name in names for v in table.values(name) if isinstance(v, int | float)]
    factor = 100 if kind == "difference" else 1
    low, high, unit = axis([factor * value for value in values])
    small = kind == "share" and high < _SMALL
    return {
        "num_format": "0.0%" if small else _AXIS.get(kind, "#,##0"),
        "num_font": {"size": 9, "color": "#5D6878"},
        "line": {"none": True},
        "major_gridlines": {"visible": True, "line": {"color": _RULE, "width": 0.75}},
        **{"min": low, "max": high, "major_unit": unit},
    }


def axis(figures: Sequence[float]) -> tuple[float, float, float]:
    """Return where an axis that has zero and all figures on it begins and ends, and its round unit.

    >>> axis([0.083, 0.24]), axis([-4.2, 14.6]), axis([])
    ((0.0, 0.25, 0.05), (-5.0, 15.0, 5.0), (0.0, 1.0, 0.2))
    """
    low, high = min((0.0, *figures)), max((0.0, *figures))
    if low == high:
        high = 1.0
    rough = (high - low) / _UNITS
    power = 10.0 ** math.floor(math.log10(rough))
    unit = next(n * power for n in (1, 2, 5, 10) if n * power >= rough * (1 - 1e-9))
    ends = (math.floor(low / unit + 1e-9) * unit, math.ceil(high / unit - 1e-9) * unit)
    return float(f"{ends[0]:.12g}") + 0.0, float(f"{ends[1]:.12g}"), float(f"{unit:.12g}")


def _dressed(chart: Any, sheet: str, wide: int, high: int) -> Any:
    # Named by the cell: a title of its own would be a formula if it began like one.
    chart.set_title({"name": [sheet, *TITLE], "name_font": {"size": 12, "bold": True}, "overlay": False})
    chart.set_chartarea({"border": {"none": True}})
    chart.set_size({"width": wide, "height": high})
    return chart
