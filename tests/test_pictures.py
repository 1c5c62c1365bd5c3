"""Lines over time: they show the figures they are given, and nothing else of the library that draws them."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.pictures import HEIGHT, WIDTH, cleaned, line_pictures, nice_ceiling, place
from classifier.report_tables import Column, Picture, Table

PERIODS = ("2015", "2016", "2017", "2018")


def table(figures, label="看病", picture="lines"):
    """Return a table of one line: a share and the ends of its interval for each period."""
    kinds = (("category", "text"), ("period", "text"), ("share", "share"), ("low", "low"), ("high", "high"))
    return Table(
        "trend",
        "变化",
        "",
        tuple(Column(name, name, kind) for name, kind in kinds),
        tuple((label, period, *found) for period, found in zip(PERIODS, figures, strict=False)),
        "trend",
        None,
        Picture(picture, "category", "share", "period", "low", "high"),
    )


def drawn(figures):
    (picture,) = line_pictures(table(figures))
    return picture


def paths(picture):
    """Return the outlines drawn: those that are filled, and those that are lines, without the axis."""
    found = re.findall(r'<path d="([^"]*)" style="([^"]*)"/>', picture.svg)
    assert "".join(f'<path d="{d}" style="{s}"/>' for d, s in found) == picture.svg
    points = [
        (style, [tuple(map(float, p.split())) for p in re.split("[MLz]", d) if p]) for d, style in found
    ]
    filled = [p for style, p in points if "fill:none" not in style]
    lines = [p for style, p in points if "fill:none" in style and not is_axis(p)]
    return filled, lines


def is_axis(points):
    return [x for x, _ in points] == [0, WIDTH]


def height(y, picture):
    """Return the figure that stands at a height, by the foot and the top of the axis that is drawn."""
    axis = [
        float(d.split("L")[0].split()[-1])
        for d in re.findall(r'd="(M0 [^"]*)"', picture.svg)
        if f"L{WIDTH:g}" in d
    ]
    foot, top = max(axis), min(axis)
    return picture.top * (foot - y) / (foot - top)


def test_a_line_stands_at_the_height_of_its_figures_and_at_even_distances():
    picture = drawn([(0.05, 0.04, 0.06), (0.2, 0.15, 0.22), (0.1, 0.09, 0.11), (0.0, 0.0, 0.01)])
    _, (line,) = paths(picture)
    assert [height(y, picture) for _, y in line] == pytest.approx([0.05, 0.2, 0.1, 0.0], abs=0.001)
    steps = [b[0] - a[0] for a, b in pairwise(line)]
    assert steps == pytest.approx([steps[0]] * 3, abs=0.02)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in line)


def test_the_band_runs_along_the_high_ends_and_back_along_the_low_ones():
    picture = drawn([(0.05, 0.04, 0.06), (0.2, 0.15, 0.22), (0.1, 0.09, 0.11)])
    (band,), (line,) = paths(picture)
    assert [height(y, picture) for _, y in band] == pytest.approx(
        [0.06, 0.22, 0.11, 0.09, 0.15, 0.04], abs=0.001
    )
    assert [x for x, _ in band[:3]] == [x for x, _ in line]


def test_a_period_without_a_figure_breaks_the_line_and_its_band():
    picture = drawn([(0.1, 0.05, 0.2), (0.1, 0.05, 0.2), (None, None, None), (0.3, 0.2, 0.4)])
    bands, lines = paths(picture)
    assert [len(line) for line in lines] == [2, 2]
    assert len(set(lines[1])) == 1  # a point that stands alone is a line without length
    assert len(bands) == 2
    assert picture.values == (0.1, 0.1, None, 0.3)
    assert picture.ends == (("2015", 0.1), ("2018", 0.3))


def test_a_line_without_intervals_has_no_band():
    assert paths(drawn([(0.1, None, None), (0.2, None, None)]))[0] == []


def test_a_line_without_any_figure_is_an_empty_picture():
    picture = drawn([(None, None, None)] * 2)
    assert paths(picture) == ([], [])
    assert picture.ends is None


def test_a_very_wide_band_is_cut_at_the_axis_so_that_the_line_can_be_read():
    picture = drawn([(0.02, 0.0, 0.9), (0.02, 0.01, 0.03)])
    (band,), _ = paths(picture)
    assert picture.top == 0.05
    assert height(min(y for _, y in band), picture) == pytest.approx(0.05, abs=0.001)


def test_every_line_has_its_picture_in_the_order_of_the_rows_and_no_text():
    both = table([(0.1, 0.05, 0.2)] * 2).rows + table([(0.3, 0.2, 0.4)] * 2, "上学<b>").rows
    made = line_pictures(Table(**{**vars(table([])), "rows": both}))
    assert [(p.label, p.values) for p in made] == [("看病", (0.1, 0.1)), ("上学<b>", (0.3, 0.3))]
    assert all(re.fullmatch(r'(<path d="[-MLz0-9. ]+" style="[-a-z0-9:;#.]+"/>)+', p.svg) for p in made)


def test_a_table_that_is_no_lines_is_refused():
    with pytest.raises(ValueError, match="table trend is not drawn as lines"):
        line_pictures(table([], picture="heat"))


def test_the_users_settings_of_the_library_neither_show_nor_change():
    figures = [(0.1, 0.05, 0.2), (0.2, 0.1, 0.3)]
    plain = drawn(figures).svg
    own = {"path.sketch": (5, 50, 5), "savefig.bbox": "tight", "svg.fonttype": "path", "figure.dpi": 300}
    with mpl.rc_context({"figure.constrained_layout.use": True, "lines.linewidth": 9, **own}):
        before = dict(mpl.rcParams)
        assert drawn(figures).svg == plain
        assert dict(mpl.rcParams) == before


def test_drawing_loads_neither_windows_nor_the_librarys_global_figures():
    code = (
        "import sys, classifier.pictures as p; assert 'matplotlib' not in sys.modules\n"
        "p._drawn([[(0, 0), (1, 1)]], []); assert 'matplotlib.figure' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "inside",
    [
        pytest.param("<script>x</script>", id="a script"),
        pytest.param('<image href="https://evil.example/x.png"/>', id="an image"),
        pytest.param('<a href="https://evil.example"><path d="M0 0"/></a>', id="a link"),
        pytest.param("<style>*{}</style><text>字</text><metadata/>", id="words and styles"),
        pytest.param("<foreignObject><path d='M0 0'/></foreignObject>", id="other markup"),
    ],
)
def test_what_is_no_path_is_left_out(inside):
    svg = f'<svg xmlns="http://www.w3.org/2000/svg">{inside}<path id="a" onclick="x" d="M 1 2"/></svg>'
    assert cleaned(svg) == '<path d="M1 2"/>'


@given(st.floats(1e-300, 1e300))
def test_a_round_figure_is_not_below_and_at_most_a_third_above(value):
    assert value * (1 - 1e-9) <= nice_ceiling(value) <= value * 4 / 3 * (1 + 1e-9)


def test_zero_has_an_axis_too():
    assert nice_ceiling(0.0) == 1.0


@given(st.integers(2, 60))
def test_periods_stand_in_order_within_the_picture(n):
    places = [place(i, n) for i in range(n)]
    assert places == sorted(set(places))
    assert 0 < places[0] < 0.1
    assert places[0] == pytest.approx(1 - places[-1])
