"""The workbook, read back with openpyxl: figures, formats, links, pictures, and nothing that acts."""

from __future__ import annotations

import io
import sys
import unicodedata
import zipfile
from dataclasses import replace
from string import Formatter
from xml.etree import ElementTree

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula
from report_samples import ACTING, HOSTILE, ROWS, full_report, hostile_report, labelled

from classifier.cells import CELL
from classifier.check_sheets import check_sheets
from classifier.checked_sheets import HEADER
from classifier.codebook import codebook_from_text
from classifier.errors import OutputError
from classifier.inert_text import ACTIVE
from classifier.report import make_report
from classifier.report_files import write_report
from classifier.report_tables import Column, Picture, Table
from classifier.report_workbook import to_xlsx
from classifier.spreadsheet_guard import unguarded
from classifier.workbook_cells import TAB, SafeTexts, sheet_names, width
from classifier.workbook_pictures import axis, turned, with_error_bars
from classifier.workbook_sheets import workbook_texts

LIVE = tuple("=+-@\t\r＝＋－＠")
CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
TOPICS = {"zh": "频次", "en": "Shares"}


class Written:
    """A workbook as a reader meets it: through openpyxl, and its parts as XML."""

    def __init__(self, report, checks=()):
        self.report, self.checks = report, tuple(checks)
        self.bytes, self.changes = to_xlsx(report, self.checks)
        self.book = openpyxl.load_workbook(io.BytesIO(self.bytes))
        self.archive = zipfile.ZipFile(io.BytesIO(self.bytes))

    def sheet(self, name):
        """Return the sheet of a table, by the table's name."""
        return self.book.worksheets[1 + [t.name for t in self.report.tables].index(name)]

    def check(self, code):
        return self.book.worksheets[2 + len(self.report.tables) + [c.code for c in self.checks].index(code)]

    def charts(self, sheet):
        """Return the XML of the charts of a sheet."""
        return [self._xml(f"xl/charts/{name}") for name in self._parts(sheet)]

    def _parts(self, sheet):
        number = self.book.worksheets.index(sheet) + 1
        drawings = self._targets(f"xl/worksheets/_rels/sheet{number}.xml.rels", "drawings/drawing")
        return [
            name.rpartition("/")[2]
            for drawing in drawings
            for name in self._targets(f"xl/drawings/_rels/{drawing.rpartition('/')[2]}.rels", "charts/chart")
        ]

    def _targets(self, part, kind):
        if part not in self.archive.namelist():
            return []
        found = (item.attrib["Target"] for item in self._xml(part))
        return [target for target in found if kind in target]

    def _xml(self, part):
        return ElementTree.fromstring(self.archive.read(part))

    def cells(self, reference):
        """Return the values that a reference such as ``'频次'!$A$4:$A$7`` leads to."""
        sheet, _, cells = reference.lstrip("=").rpartition("!")
        name = sheet.strip("'").replace("''", "'")
        found = self.book[name][cells.replace("$", "")]
        return [c.value for row in found for c in row] if isinstance(found, tuple) else [found.value]

    def filled(self):
        return [
            cell
            for s in self.book.worksheets
            for row in s.iter_rows()
            for cell in row
            if cell.value is not None
        ]


def header_row(sheet):
    """Return the number of the row that the filter is on."""
    return openpyxl.utils.cell.range_boundaries(sheet.auto_filter.ref)[1]


def table_on(sheet):
    """Return the titles and the rows of the table that the filter is on."""
    left, top, right, bottom = openpyxl.utils.cell.range_boundaries(sheet.auto_filter.ref)
    rows = list(sheet.iter_rows(top, bottom, left, right, values_only=True))
    return list(rows[0]), [list(row) for row in rows[1:]]


@pytest.fixture(scope="session")
def written(tiny_codebook):
    """Return the workbook of a report with every kind of table, and sheets for checking."""
    report = full_report(tiny_codebook)
    return Written(report, check_sheets(labelled(tiny_codebook), report.codes))


# --- the cover ---


def test_the_cover_comes_first_and_says_what_the_report_is_of(written):
    cover = written.book.worksheets[0]
    said = [cell.value for row in cover.iter_rows() for cell in row if isinstance(cell.value, str)]
    report = written.report
    for text in (report.heading, report.source, report.against, report.codebook, *report.warnings):
        assert text in said
    assert report.warnings
    assert any(text.startswith(report.about) and "95%" in text for text in said)


def test_the_contents_lead_to_every_sheet_and_each_sheet_back(written):
    cover, *others = written.book.worksheets
    targets = [c.hyperlink.location for row in cover.iter_rows() for c in row if c.hyperlink]
    assert {t.rpartition("!")[0].strip("'") for t in targets} == {s.title for s in others}
    for sheet in others:
        back = [c.hyperlink.location for row in sheet.iter_rows(1, 1) for c in row if c.hyperlink]
        assert back == [f"'{cover.title}'!A1"]


def test_a_link_to_a_picture_leads_to_the_right_of_its_table(written):
    cover = written.book.worksheets[0]
    links = {
        (row[0].value, row[3].hyperlink.location) for row in cover.iter_rows() if row[3].hyperlink is not None
    }
    assert len(links) == sum(t.picture is not None for t in written.report.tables)
    for name, location in links:
        column = openpyxl.utils.cell.coordinate_from_string(location.rpartition("!")[2])[0]
        sheet = written.book[name]
        assert openpyxl.utils.column_index_from_string(column) == len(table_on(sheet)[0]) + 2


def test_links_survive_names_with_apostrophes_and_signs(tiny_codebook):
    report = full_report(tiny_codebook)
    scheme = replace(report.schemes[0], title="it's #1 (50%) & 'x'!")
    book = Written(replace(report, schemes=(scheme,))).book
    locations = [c.hyperlink.location for row in book.worksheets[0].iter_rows() for c in row if c.hyperlink]
    names = {t.rpartition("!")[0][1:-1].replace("''", "'") for t in locations}
    assert names == set(book.sheetnames[1:])
    assert any("#1 (50%) & " in name for name in names)


# --- tables ---


def test_each_table_has_a_sheet_with_its_figures(written):
    for table in written.report.tables:
        sheet, shown = written.sheet(table.name), table.for_people
        titles, rows = table_on(sheet)
        n = len(shown.columns)
        assert titles[:n] == [column.title for column in shown.columns]
        assert len(rows) == len(shown.rows)
        for found, row in zip(rows, shown.rows, strict=True):
            for value, cell, kind in zip(row, found, shown.kinds, strict=False):
                if kind == "flag":
                    assert cell == {True: "是", False: "否", None: None}[value]
                elif kind == "difference" and value is not None:
                    assert cell == pytest.approx(100 * value)  # percentage points
                else:
                    assert cell == (pytest.approx(value) if isinstance(value, float) else value)


FORMATS = {"count": "#,##0", "share": "0.0%", "number": "0.00", "difference": "+0.0;-0.0;0.0", "id": "@"}


def test_numbers_have_the_format_of_their_column(written):
    seen = set()
    for table in written.report.tables:
        sheet, shown = written.sheet(table.name), table.for_people
        top = header_row(sheet)
        for at, kind in enumerate(shown.kinds, 1):
            for row in range(top + 1, top + 1 + len(shown.rows)):
                cell = sheet.cell(row, at)
                if cell.value is not None and kind in FORMATS:
                    assert cell.number_format == FORMATS[kind], (table.name, kind)
                    seen.add(kind)
    assert seen == set(FORMATS)


def test_the_header_stays_in_view_and_has_a_filter_over_the_whole_table(written):
    for table in written.report.tables:
        sheet = written.sheet(table.name)
        top = header_row(sheet)
        assert sheet.freeze_panes == f"B{top + 1}"
        left, _, right, bottom = openpyxl.utils.cell.range_boundaries(sheet.auto_filter.ref)
        assert (left, bottom) == (1, top + len(table.rows))
        assert right >= len(table.for_people.columns)


def test_title_and_note_stand_above_the_table(written):
    for table in written.report.tables:
        sheet = written.sheet(table.name)
        above = [sheet.cell(row, 2).value for row in range(1, header_row(sheet))]
        assert above[0] == table.title
        assert "".join(above[1:]).replace(" ", "") == table.note.replace(" ", "")


def test_columns_are_as_wide_as_their_content_han_characters_counting_double():
    long = Table(
        *("t", "表", "", (Column("a", "类", "text"), Column("b", "类", "text"), Column("c", "数", "count"))),
        rows=(("易地扶贫搬迁与后续扶持", "abcdefghijk", 1_234_567), ("短", "b", 3)),
        topic="summary",
    )
    sheet = Written(one_table(long)).sheet("t")
    assert sheet.column_dimensions["A"].width == pytest.approx(22 + 2, abs=1)
    assert sheet.column_dimensions["B"].width == pytest.approx(11 + 2, abs=1)
    assert sheet.column_dimensions["C"].width >= len("1,234,567")
    assert (width("扶贫"), width("ab"), width("，")) == (4, 2, 2)


def one_table(table):
    """Return a report with this table only."""
    book = codebook_from_text("name: v\nversion: '1'\ncodes: [{code: a, name: {zh: 甲}}]", "v.yaml")
    report = make_report(labelled(book, [("山", "甲", "a", (0.9,), "", "")]))
    return replace(report, tables=(table,), parts={table.topic: "部分"}, schemes=())


# --- pictures ---


def part(chart, *path):
    return chart.findall(".//" + "/".join(f"{CHART}{step}" for step in path))


def references(chart, *path):
    """Return the cells that parts of a chart refer to, as numbers or as texts."""
    return [f.text for found in part(chart, *path) for f in found.iter(f"{CHART}f")]


def test_every_table_with_bars_or_lines_has_a_chart_and_no_other_has(written):
    drawn = {t.name for t in written.report.tables if written.charts(written.sheet(t.name))}
    wanted = {t.name for t in written.report.tables if t.picture and t.picture.kind in ("bars", "lines")}
    assert drawn == wanted
    assert {t.picture.kind for t in written.report.tables if t.picture} == {"bars", "lines", "heat"}
    assert all(len(written.charts(written.sheet(name))) == 1 for name in wanted)


def test_bars_are_drawn_from_the_cells_of_the_table(written):
    for table in written.report.tables:
        if table.picture is None or table.picture.kind != "bars":
            continue
        (chart,) = written.charts(written.sheet(table.name))
        factor = 100 if table.picture.value == "difference" else 1
        assert written.cells(*references(chart, "title")) == [table.title]
        (names,), (values,) = references(chart, "cat"), references(chart, "val")
        assert written.cells(names) == list(table.values(table.picture.label))
        expected = [
            None if v is None else pytest.approx(factor * v) for v in table.values(table.picture.value)
        ]
        assert written.cells(values) == expected
        assert part(chart, "plotVisOnly")[0].attrib["val"] == "1"  # bars are filtered with their table


def test_error_bars_reach_from_one_end_of_the_interval_to_the_other(written):
    checked = 0
    for table in written.report.tables:
        if table.picture is None or table.picture.kind != "bars" or not table.picture.low:
            continue
        (chart,) = written.charts(written.sheet(table.name))
        factor = 100 if table.picture.value == "difference" else 1
        value, low, high = (table.values(getattr(table.picture, end)) for end in ("value", "low", "high"))
        for side, ends in (("minus", (low, value)), ("plus", (value, high))):
            (reference,) = references(chart, "errBars", side)
            lengths = [
                None if None in pair else pytest.approx(factor * (pair[1] - pair[0]), abs=1e-9)
                for pair in zip(*ends, strict=True)
            ]
            assert written.cells(reference) == lengths
            checked += sum(length is not None for length in lengths)
    assert checked > 10


def test_an_interval_that_is_not_known_has_no_error_bar():
    columns = (Column("a", "类", "text"), *(Column(n, n, "share") for n in ("v", "low", "high")))
    table = Table("t", "表", "", columns, (("甲", 0.5, None, None), ("乙", 0.5, 0.4, 0.7)), "shares")
    bars = replace(table, picture=Picture("bars", "a", "v", low="low", high="high"))
    lengths = [row[4:] for row in with_error_bars(bars, workbook_texts("zh")).rows]
    assert lengths == [(None, None), pytest.approx((0.1, 0.2))]


def test_lines_have_a_series_for_each_category_over_all_periods(written):
    for table in written.report.tables:
        if table.picture is None or table.picture.kind != "lines":
            continue
        (chart,) = written.charts(written.sheet(table.name))
        block = turned(table)
        names = [written.cells(f)[0] for f in references(chart, "ser", "tx")]
        assert sorted(names) == sorted(set(table.values(table.picture.label)))
        values, periods = references(chart, "val"), references(chart, "cat")
        for name, value, period in zip(names, values, periods, strict=True):
            assert written.cells(value) == [v if v is None else pytest.approx(v) for v in block.row(name)]
            assert written.cells(period) == sorted(set(table.values("period")))
        assert part(chart, "plotVisOnly") == []  # a filter on the table must not empty the lines


def trend(labels, values=(0.1, 0.2)):
    """Return a table of lines: one label a row of values, over years."""
    columns = (Column("a", "类", "text"), Column("p", "时期", "text"), Column("v", "占比", "share"))
    rows = tuple((a, str(2018 + i), v) for a in labels for i, v in enumerate(values))
    return Table("t", "表", "", columns, rows, "trend", picture=Picture("lines", "a", "v", across="p"))


def test_of_many_lines_the_highest_stand_out_and_only_they_are_in_the_legend():
    table = trend([f"类{i}" for i in range(12)])
    high = tuple((a, p, v + (int(a[1:]) in range(3, 11)) * 0.5) for a, p, v in table.rows)
    book = Written(one_table(replace(table, rows=high)))
    (chart,) = book.charts(book.sheet("t"))
    deleted = [int(e.find(f"{CHART}idx").attrib["val"]) for e in part(chart, "legendEntry")]
    shown = [book.cells(f)[0] for i, f in enumerate(references(chart, "ser", "tx")) if i not in deleted]
    assert shown == [f"类{i}" for i in range(3, 11)]
    assert len(deleted) == 4


def test_heat_tables_stand_beside_the_long_form_in_three_colours(written):
    heats = [t for t in written.report.tables if t.picture and t.picture.kind in ("heat", "lines")]
    assert len(heats) > 3
    for table in heats:
        sheet, block = written.sheet(table.name), turned(table)
        (rule,) = sheet.conditional_formatting
        (scale,) = rule.rules
        assert scale.type == "colorScale"
        assert len(scale.colorScale.color) == 3
        left, top, right, bottom = openpyxl.utils.cell.range_boundaries(str(rule.sqref))
        header = [sheet.cell(top - 1, c).value for c in range(left, right + 1)]
        assert header == list(block.across)
        for row in range(top, bottom + 1):
            found = [sheet.cell(row, c).value for c in range(left, right + 1)]
            label = sheet.cell(row, left - 1).value
            assert found == [v if v is None else pytest.approx(v) for v in block.row(label)]
        assert bottom - top + 1 == len(block.labels)


def test_a_table_of_measures_named_together_has_them_in_one_order_on_both_axes():
    columns = (Column("a", "一", "text"), Column("b", "二", "text"), Column("v", "占比", "share"))
    pairs = ("甲丙", "乙丙", "丙甲", "丙乙")
    rows = tuple((a, b, 0.5) for a, b in pairs)
    table = Table("t", "表", "", columns, rows, "together", picture=Picture("heat", "a", "v", across="b"))
    block = turned(table)
    assert block.labels == block.across == ("甲", "乙", "丙")
    assert block.row("甲") == [None, None, 0.5]


def test_a_table_without_rows_has_a_header_and_no_picture():
    book = Written(one_table(replace(trend(["甲"]), rows=())))
    sheet = book.sheet("t")
    assert table_on(sheet) == (["类", "时期", "占比"], [])
    assert book.charts(sheet) == []
    assert list(sheet.conditional_formatting) == []


@given(st.lists(st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6 or x == 0), max_size=5))
def test_an_axis_holds_zero_and_all_figures_and_has_few_marks(figures):
    low, high, unit = axis(figures)
    slack = 1e-6 * unit
    assert low - slack <= min((0.0, *figures)) <= max((0.0, *figures)) <= high + slack
    assert 1 <= round((high - low) / unit) <= 8
    assert f"{unit:e}"[0] in "125"


# --- sheets for checking ---


def test_a_sheet_for_checking_has_its_header_first_and_empty_cells_to_fill(written):
    sheet = written.check("clinic")
    titles, rows = table_on(sheet)
    assert tuple(titles) == HEADER
    assert sheet.auto_filter.ref.startswith("A1:")
    assert sheet.freeze_panes == "B2"
    found = [dict(zip(titles, row, strict=True)) for row in rows]
    assert [(r["segment_id"], r["text"], r["codes"], r["doc_id"], r["code"]) for r in found] == [
        ("山.txt#1", "医生到小学体检。", "clinic;school", "山.txt", "clinic"),
        ("山.txt#0", "医生每月上门。", "clinic", "山.txt", "clinic"),
    ]
    assert [r["probability 概率"] for r in found] == [0.93, 0.71]
    assert {r[name] for r in found for name in ("right? 对否", "should be 应为", "note 备注")} == {None}


@pytest.mark.parametrize(("lang", "answers"), [("zh", '"是,否"'), ("en", '"yes,no"')])
def test_answers_are_chosen_from_lists(tiny_codebook, lang, answers):
    report = full_report(tiny_codebook, lang)
    book = Written(report, check_sheets(labelled(tiny_codebook), report.codes))
    rules = {str(rule.sqref): rule for rule in book.check("clinic").data_validations.dataValidation}
    assert set(rules) == {"F2:F3", "G2:G3"}
    assert HEADER[5:7] == ("right? 对否", "should be 应为")
    assert rules["F2:F3"].formula1 == answers
    assert book.cells(rules["G2:G3"].formula1) == ["clinic", "school", "road", "well"]
    assert rules["G2:G3"].errorStyle == "warning"  # several codes are no item of the list


def test_where_codes_exclude_each_other_only_one_of_the_list_will_do(exclusive):
    found = labelled(exclusive, [("山", "甲", "a", (0.9, 0.1), "", "")])
    report = make_report(found)
    book = Written(report, check_sheets(found, report.codes))
    (_, codes) = sorted(book.check("a").data_validations.dataValidation, key=lambda rule: str(rule.sqref))
    assert codes.errorStyle in (None, "stop")
    assert book.cells(codes.formula1) == ["a", "b"]


@pytest.fixture
def exclusive():
    codes = "codes: [{code: a, name: {zh: 甲}}, {code: b, name: {zh: 乙}}]"
    return codebook_from_text(f"name: v\nversion: '1'\nexclusive: true\n{codes}", "v.yaml")


def test_a_code_without_any_segment_has_a_sheet_with_a_header_only(written):
    sheet = written.check("well")
    assert table_on(sheet) == (list(HEADER), [])
    assert sheet.data_validations.dataValidation == []


def test_ids_that_look_like_numbers_stay_text(tiny_codebook):
    rows = [("007", "医生上门。", "clinic", (0.9,), "2018", "01"), ("1e5", "甲", "", (0.1,), "2019", "02")]
    found = labelled(tiny_codebook, rows)
    found.frame["segment_id"] = ["00012", "3.0"]
    report = make_report(found, by="province")
    book = Written(report, check_sheets(found, report.codes))
    row = dict(zip(HEADER, book.check("clinic")[2], strict=False))
    assert [(row[n].value, row[n].data_type) for n in ("segment_id", "doc_id")] == [
        ("00012", "s"),
        ("007", "s"),
    ]
    assert row["segment_id"].number_format == "@"
    sheet = book.sheet("groups")
    assert {cell.value for cell in sheet["C"]} >= {"01", "02"}
    assert all(cell.data_type == "s" for cell in sheet["C"] if cell.value is not None)


def test_without_labelled_segments_there_are_no_sheets_for_checking(tiny_codebook, tmp_path):
    report = full_report(tiny_codebook)
    write_report(report, tmp_path / "r.xlsx")
    assert len(openpyxl.load_workbook(tmp_path / "r.xlsx").sheetnames) == 1 + len(report.tables)
    write_report(report, tmp_path / "r.xlsx", labelled(tiny_codebook))
    names = openpyxl.load_workbook(tmp_path / "r.xlsx").sheetnames
    assert names[-5:] == ["编码", "核对 看病", "核对 上学", "核对 修路", "核对 打井"]


# --- whatever there is to report ---


def test_an_empty_corpus_makes_a_workbook(tiny_codebook):
    found = labelled(tiny_codebook, [])
    report = make_report(found)
    book = Written(report, check_sheets(found, report.codes))
    assert len(book.book.sheetnames) == 1 + len(report.tables) + 1 + 4
    assert [sheet for sheet in book.book.worksheets if book.charts(sheet)] == []
    assert {"没有", "语段"} <= {text[i : i + 2] for text in report.warnings for i in range(len(text))}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_words_are_in_the_language_asked_for(tiny_codebook, lang):
    report = full_report(tiny_codebook, lang)
    book = Written(report, check_sheets(labelled(tiny_codebook), report.codes))
    assert book.book.sheetnames[2] == TOPICS[lang]
    said = {cell.value for row in book.book.worksheets[0].iter_rows() for cell in row}
    other = {"zh": "en", "en": "zh"}[lang]
    for key in ("how", "how_check", "what", "rows", "picture", "check_part"):
        assert workbook_texts(lang)[key] in said
        assert workbook_texts(other)[key] not in said
    picked = {cell.value for cell in book.check("clinic")["I"][1:]}
    assert picked == {{"zh": "最有把握", "en": "strongest"}[lang]}


def test_both_languages_have_the_same_texts():
    def keys(value, path=()):
        if isinstance(value, dict):
            return {found for name, inner in value.items() for found in keys(inner, (*path, name))}
        return {(*path, *sorted(field for _, field, _, _ in Formatter().parse(value) if field))}

    assert keys(dict(workbook_texts("zh"))) == keys(dict(workbook_texts("en")))


def test_the_same_report_is_the_same_bytes_and_dated_by_no_clock(tiny_codebook):
    report = full_report(tiny_codebook)
    checks = list(check_sheets(labelled(tiny_codebook), report.codes))
    first, second = to_xlsx(report, checks)[0], to_xlsx(report, checks)[0]
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {item.date_time[:3] for item in archive.infolist()} == {(1980, 1, 1)}
        assert archive.read("docProps/core.xml").count(b"1980-01-01T00:00:00Z") == 2


# --- names of sheets ---


def test_codes_whose_names_are_alike_in_31_characters_have_sheets_of_their_own():
    long = "关于进一步做好新时代脱贫攻坚与乡村振兴有效衔接各项工作的若干政策措施"
    codes = ", ".join(f"{{code: c{i}, name: {{zh: {long}{i}}}}}" for i in range(3))
    book = codebook_from_text(f"name: v\nversion: '1'\ncodes: [{codes}]", "v.yaml")
    found = labelled(book, [("山", f"第{i}句", f"c{i}", (), "", "") for i in range(3)])
    report = make_report(found)
    written = Written(report, check_sheets(found, report.codes))
    names = written.book.sheetnames[-3:]
    assert [name[-4:] for name in names[1:]] == [" (2)", " (3)"]
    assert all(name.startswith("核对 关于进一步") and len(name) <= TAB for name in names)
    assert [written.book[name]["B2"].value for name in names] == ["第0句", "第1句", "第2句"]


@given(st.lists(st.text(max_size=40), max_size=8), st.booleans())
def test_names_of_sheets_are_such_as_excel_takes(wanted, alike):
    wanted = [text[:2] * 15 for text in wanted] if alike else wanted
    names = sheet_names(wanted)
    assert len(names) == len(wanted)
    for name in names:
        assert 0 < len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\'")
        assert not ACTIVE.search(name)
        assert name == name.strip()
        assert name.casefold() != "history"
    keys = [unicodedata.normalize("NFKC", name).casefold() for name in names]
    assert len(set(keys)) == len(keys)


def test_names_that_excel_takes_are_left_alone():
    assert sheet_names(["频次 五个一批", "变化", "Trend (2018)"]) == ("频次 五个一批", "变化", "Trend (2018)")


# --- nothing that is read can act ---


def assert_inert(written):
    """Check each cell of a workbook: no formula, nothing that would be one in a CSV, nothing active."""
    cells = written.filled()
    assert not [c for c in cells if c.data_type == "f" or isinstance(c.value, ArrayFormula)]
    texts = [c.value for c in cells if isinstance(c.value, str)]
    assert not [t for t in texts if t.startswith(LIVE)]
    assert not [t for t in texts if ACTIVE.search(t)]
    links = [c.hyperlink for c in cells if c.hyperlink]
    assert all(link.target is None for link in links)  # each leads into the workbook
    names = written.archive.namelist()
    assert not [name for name in names if "vba" in name.lower() or "external" in name.lower()]
    for name in names:
        if name.endswith((".xml", ".rels")):
            ElementTree.fromstring(written.archive.read(name))
    rels = [n for n in names if n.endswith(".rels")]
    assert not [n for n in rels if b'TargetMode="External"' in written.archive.read(n)]


def hostile_book(text):
    """Return a workbook in which the text stands wherever something from outside can."""
    report = hostile_report(text)
    book = codebook_from_text("name: v\nversion: '1'\ncodes: [{code: a, name: {zh: 甲}}]", "v.yaml")
    rows = [(text, text, "a", (0.9,), "", ""), (f"医生{text}", f"医生{text}", "a", (0.8,), "", "")]
    found = labelled(book, rows, title=[text] * 2)
    codes = make_report(found).codes
    named = replace(codes[0], title=text, definition=text * 30)
    checks = [replace(check, code=text) for check in check_sheets(found, [named])]
    return Written(report, checks)


@pytest.mark.parametrize("text", [*HOSTILE, *ACTING])
def test_hostile_text_is_inert_and_still_read_as_it_was(text):
    written = hostile_book(text)
    assert_inert(written)
    plain = ACTIVE.sub("\N{REPLACEMENT CHARACTER}", text).replace("\r\n", "\n").replace("\r", "\n")
    (check,) = written.book.worksheets[-1:]
    rows = [dict(zip(HEADER, row, strict=False)) for row in check.iter_rows(2, 3, values_only=True)]
    assert [unguarded(row["text"]) for row in rows] == [plain, f"医生{plain}"]
    assert {unguarded(row["title"]) for row in rows} == {plain}
    titles, _ = table_on(written.sheet("groups"))
    assert f"列{plain}" in titles


@pytest.mark.parametrize("lead", LIVE)
def test_a_group_column_or_category_that_begins_like_a_formula_is_guarded_in_headers_too(tiny_codebook, lead):
    name = f"{lead}cmd|' /C calc'!A0"
    found = labelled(tiny_codebook, **{name: [name] * len(ROWS)})
    written = Written(make_report(found, by=name))
    assert_inert(written)
    titles, rows = table_on(written.sheet("groups"))
    shown = name.replace("\r", "\n")
    assert titles[2] == f"'{shown}"
    assert {row[2] for row in rows} == ({f"'{shown}"} if shown == shown.strip() else {shown.strip()})


def test_changed_cells_are_counted_on_the_cover_and_told(tiny_codebook, tmp_path):
    rows = [("=甲", "医生\u202e上门。", "clinic", (0.9,), "", ""), ("乙", "好" * 40_000, "", (0.1,), "", "")]
    found = labelled(tiny_codebook, rows)
    found.given.loc[1, "clinic"] = True
    report = make_report(found)
    written = Written(report, check_sheets(found, report.codes))
    # segment_id and doc_id begin like formulas; one text has a mark of direction, one is too long
    assert vars(written.changes) == {"cells": 4, "guarded": 2, "replaced": 1, "cut": 1}
    said = [cell.value for cell in written.book.worksheets[0]["B"] if cell.value]
    assert any("有4个单元格" in text and "2个以公式符号开头" in text for text in said)
    (told,) = write_report(report, tmp_path / "r.xlsx", found)
    assert told.startswith("4 cells changed: 2 began like a formula, 1 held")


def test_where_nothing_was_changed_the_cover_says_so_and_nothing_is_told(written, tmp_path):
    assert written.changes.cells == 0
    assert any("照原文" in str(cell.value) for cell in written.book.worksheets[0]["B"])
    assert write_report(written.report, tmp_path / "r.xlsx") == ()


@pytest.mark.parametrize(("character", "n"), [("好", 40_000), ("𠮷", 40_000), ("𠮷", 17_000)])
def test_a_text_longer_than_a_cell_is_cut_by_utf_16_units_and_says_so(character, n):
    safe = SafeTexts("…（已截断）")
    cut = safe(character * n)
    assert len(cut.encode("utf-16-le")) // 2 in (CELL, CELL - 1)
    assert cut.endswith(f"{character}…（已截断）")
    fits = character * (CELL // (len(character.encode("utf-16-le")) // 2))
    assert safe(fits) == fits
    assert safe.changes.cut == 1


@given(st.text(st.characters(codec=None), max_size=30))
def test_any_text_becomes_one_that_xml_holds_and_no_spreadsheet_runs(text):
    safe = SafeTexts("…")
    made = safe(text)
    assert not made.startswith(LIVE)
    assert not ACTIVE.search(made)
    root = ElementTree.fromstring(f"<t>{made.replace('&', '&amp;').replace('<', '&lt;')}</t>".encode())
    assert (root.text or "") == made
    assert (made == text) or safe.changes.cells == 1 or "\r" in text


# --- writing ---


def test_without_the_library_the_user_is_told_how_to_get_it_first(monkeypatch, tmp_path, fupin_here):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    ran = fupin_here("report", tmp_path / "absent.csv", "-o", tmp_path / "r.xlsx")
    assert ran.code == 1
    assert ran.problem == [
        "error: writing Excel files needs XlsxWriter",
        'hint: pip install "fupin-classifier[files]"',
    ]


def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(tiny_codebook, tmp_path):
    (tmp_path / "d.xlsx").mkdir()
    with pytest.raises(OutputError, match=r"d\.xlsx: Is a directory"):
        write_report(full_report(tiny_codebook), tmp_path / "d.xlsx")
    assert [p.name for p in tmp_path.iterdir()] == ["d.xlsx"]


def test_an_older_workbook_stays_where_the_new_one_fails(tiny_codebook, tmp_path, monkeypatch):
    out = tmp_path / "r.xlsx"
    out.write_bytes("旧".encode())
    monkeypatch.setattr("classifier.report_workbook.to_xlsx", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(full_report(tiny_codebook), out)
    assert out.read_bytes() == "旧".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["r.xlsx"]


def test_the_command_writes_a_workbook_and_says_what_it_changed(tiny_model_folder, tmp_path, fupin_here):
    source = tmp_path / "l.csv"
    source.write_text(
        "doc_id,segment_id,text,codes,clinic,school,road,well\n"
        "007,007#0,签约医生每月上门给老人量血压。,clinic,0.97,0.01,0.01,\n"
        "007,007#1,'＝修通了硬化路,road,0.01,0.01,0.90,\n",
        encoding="utf-8",
    )
    out = tmp_path / "r.XLSX"
    ran = fupin_here("report", source, "-o", out, "-m", tiny_model_folder)
    assert ran.code == 0
    assert ran.err.splitlines() == [
        f"report written to {out}",
        "1 cell changed: 1 began like a formula",
    ]
    book = openpyxl.load_workbook(out)
    row = dict(zip(HEADER, book["核对 看病"][2], strict=False))
    assert row["segment_id"].value == "007#0"
    assert "医生" in row["decided by 依据"].value
    assert book["核对 修路"]["B2"].value == "'＝修通了硬化路"
