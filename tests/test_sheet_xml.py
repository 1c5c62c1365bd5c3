"""Workbooks of rows: cells as Excel has them, the same bytes each time, and no more than a sheet holds."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tracemalloc
import zipfile
from datetime import date, datetime
from decimal import Decimal
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

import classifier.output
from classifier.cells import CELL, Changes
from classifier.encoded_rows import encoded
from classifier.errors import InputError
from classifier.limits import LIMITS
from classifier.output import put_in_place, sink_for
from classifier.sheet_xml import COLUMNS, column_letters, write_workbook, xml_rows
from classifier.workbooks import sheet_rows

ANY = st.text(st.characters(codec=None))
MARK = "…（已截断）"
NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def workbook(*chunks, raw=False):
    """Return the bytes of a workbook made of chunks of columns."""
    lines = [xml_rows(columns, first=not n, raw=raw)[0] for n, columns in enumerate(chunks)]
    data, out = "".join(lines).encode(), io.BytesIO()
    write_workbook(io.BytesIO(data), data.count(b"\n") - 1, out)
    return out.getvalue()


def sheet(*chunks, raw=False):
    return openpyxl.load_workbook(io.BytesIO(workbook(*chunks, raw=raw))).active


def column(*values, raw=True, name="a"):
    """Return the cells below the header that values become, as openpyxl reads them."""
    return [cell.value for cell in sheet({name: list(values), "end": ["x"] * len(values)}, raw=raw)["A"][1:]]


# --- cells ---


@pytest.mark.parametrize(
    "text",
    ["0012", "1E5", "2019-10-17", "TRUE", "1/2", "=1+1", "http://a.example/", "#N/A", " 村 ", "<&>\"'"],
)
def test_a_text_is_a_text_whatever_it_looks_like(text):
    ws = sheet({"doc_id": [text], "text": [text]}, raw=True)
    assert [(c.value, c.data_type, c.number_format, c.hyperlink) for c in ws[2]] == [
        (text, "s", "@", None)
    ] * 2
    assert list(sheet_rows(workbook({"a": [text]}, raw=True), "a.xlsx", LIMITS)) == [["a"], [text]]


def test_no_cell_is_a_formula_and_no_text_a_link_in_the_xml_itself():
    data = workbook({"a": ["=1+1", "http://a.example/"], "b": [-1, True]})
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        root = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
        assert not [e for e in root.iter() if e.tag in (f"{NAMESPACE}f", f"{NAMESPACE}hyperlink")]
        assert sorted(book.namelist())[-1] == "xl/worksheets/sheet1.xml"  # no shared texts, no links


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(3, 3, id="a whole number"),
        pytest.param(-0.5, -0.5, id="a number"),
        pytest.param(1e300, 1e300, id="a great number"),
        pytest.param(True, True, id="yes"),
        pytest.param(10**15 - 1, 10**15 - 1, id="fifteen digits"),
        pytest.param(10**15, "1000000000000000", id="sixteen digits, which Excel would round"),
        pytest.param(-(10**17), "-100000000000000000", id="a great negative number"),
        pytest.param(float("inf"), "inf", id="infinity"),
        pytest.param(float("nan"), None, id="not a number"),
        pytest.param(None, None, id="nothing"),
        pytest.param("", None, id="no text"),
        pytest.param(["一", None], '["一", null]', id="a list"),
        pytest.param(date(2020, 5, 1), "2020-05-01", id="a day"),
        pytest.param(Decimal("1.50"), "1.50", id="a decimal number"),
    ],
)
def test_a_value_becomes_a_cell(value, cell):
    found = column(value)[0]
    assert found == cell
    assert type(found) is type(cell)


def test_probabilities_are_numbers_with_four_places_and_untrained_ones_empty():
    ws = sheet({"text": ["路", "桥"], "road": np.array([0.1234, np.nan]), "start": np.array([0, 7])})
    assert (ws["B2"].value, ws["B2"].number_format, ws["B3"].value) == (0.1234, "0.0000", None)
    assert (ws["C3"].value, ws["C3"].number_format) == (7, "General")


def test_great_numbers_of_an_array_are_texts_too():
    assert [c.value for c in sheet({"a": np.array([1, 10**16])})["A"][1:]] == [1, str(10**16)]


@given(st.lists(ANY | st.text(alphabet="_x0041\0\r5F\ud800=' \n&<>]")))
def test_any_text_is_read_back_by_openpyxl_by_pandas_and_by_us(texts):
    data = workbook({"a": texts, "end": ["x"] * len(texts)}, raw=True)
    cells = [c.value for c in openpyxl.load_workbook(io.BytesIO(data)).active["A"][1:]]
    assert [unescape(c or "") for c in cells] == texts
    with_pandas = pd.read_excel(io.BytesIO(data), dtype=object, keep_default_na=False)["a"].tolist()
    assert [unescape(c) for c in with_pandas] == texts
    ours = [row[0] for row in sheet_rows(data, "a.xlsx", LIMITS)][1:]
    assert ours == ["".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text) for text in texts]


@pytest.mark.parametrize(
    ("text", "end"),
    [
        pytest.param("好" * 40_000, f"好{MARK}", id="Chinese"),
        pytest.param("𠮷" * 40_000, f"𠮷{MARK}", id="characters of two units"),
        pytest.param("=" + "好" * CELL, f"好{MARK}", id="too long with the apostrophe"),
    ],
)
def test_a_long_text_is_cut_at_what_a_cell_holds_with_a_mark(text, end):
    (cell,) = column(text, raw=False)
    assert len(cell.encode("utf-16-le")) // 2 in (CELL, CELL - 1)
    assert cell.endswith(end)
    assert xml_rows({"a": [text]}, first=False)[1].cut == 1


def test_an_escape_does_not_count_for_the_length():
    text = "\0" * CELL
    assert unescape(column(text)[0]) == text
    assert xml_rows({"a": [text]}, first=False)[1] == Changes(1, 0, 1, 0)


def test_what_is_changed_is_counted_by_cell_and_way_and_markup_is_no_change():
    columns = {"=a": ["=1\0", "'=1", "<&>\n", "=" + "好" * CELL, None, 5], "b": ["_x0041_", "-5", *" " * 4]}
    assert xml_rows(columns, first=True)[1] == Changes(5, 4, 2, 1)
    assert xml_rows(columns, first=False)[1] == Changes(4, 3, 2, 1)
    assert xml_rows(columns, first=True, raw=True)[1] == Changes(3, 0, 2, 1)


@pytest.mark.parametrize("text", ["_x0041_", "扶\x08贫", "一\r\n二", "_x005F_"], ids=ascii)
def test_escapes_in_texts_that_a_workbook_shares_are_undone_as_excel_does(text):
    book = xlsxwriter.Workbook(data := io.BytesIO(), {"in_memory": True})
    book.add_worksheet().write_column(0, 0, ["a", text])
    book.close()
    assert list(sheet_rows(data.getvalue(), "a.xlsx", LIMITS)) == [["a"], [text]]


# --- the sheet ---


def test_the_header_stays_in_view_with_filters_and_widths_and_the_text_is_wrapped():
    ws = sheet({"doc_id": ["甲"], "text": ["修路。"], "road": np.array([0.5]), "说明": ["长"]})
    assert (ws.freeze_panes, ws.auto_filter.ref, ws.dimensions) == ("A2", "A1:D2", "A1:D2")
    assert [ws[f"{c}1"].font.bold for c in "ABCD"] == [True] * 4
    assert [ws[f"{c}2"].alignment.wrap_text or False for c in "ABD"] == [False, True, False]
    widths = [ws.column_dimensions[c].width for c in "ABCD"]
    assert widths[1] == max(widths)
    assert widths[2] == min(widths)


def test_a_sheet_without_rows_has_its_header():
    ws = sheet({"doc_id": [], "start": np.array([], dtype=np.int64)})
    assert [[c.value for c in row] for row in ws.rows] == [["doc_id", "start"]]


def test_rows_of_several_chunks_are_numbered_one_behind_the_other():
    data = workbook(*({"n": [f"{k}-{i}" for i in range(300)]} for k in range(3)))
    ws = openpyxl.load_workbook(io.BytesIO(data)).active
    assert [c.value for c in ws["A"]] == ["n", *(f"{k}-{i}" for k in range(3) for i in range(300))]
    assert ws.dimensions == "A1:A901"


@pytest.mark.parametrize("number", [0, 25, 26, 51, 52, 701, 702, 16_383])
def test_columns_are_called_as_openpyxl_calls_them(number):
    assert column_letters(number) == openpyxl.utils.get_column_letter(number + 1)


def test_the_parts_are_those_of_a_workbook_by_xlsxwriter():
    """All but shared texts and a theme, with the same elements in the same order."""
    theirs = io.BytesIO()
    book = xlsxwriter.Workbook(theirs, {"in_memory": True})
    ws = book.add_worksheet("segments")
    ws.write_number(0, 0, 1)
    ws.write_number(1, 0, 1)
    ws.set_column(0, 0, 20)
    ws.freeze_panes(1, 0)
    ws.autofilter(0, 0, 1, 0)
    ws.repeat_rows(0)
    ws.set_landscape()
    ws.set_paper(9)
    ws.ignore_errors({"number_stored_as_text": "A1:A2"})
    book.close()

    def parts(data):
        with zipfile.ZipFile(io.BytesIO(data)) as found:
            return {name: ElementTree.fromstring(found.read(name)) for name in found.namelist()}

    ours, known = parts(workbook({"n": [1]})), parts(theirs.getvalue())
    assert set(known) - set(ours) <= {"xl/theme/theme1.xml", "xl/sharedStrings.xml"}
    assert set(ours) <= set(known)
    for name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"):
        allowed = [e.tag for e in known[name]]
        found = [e.tag for e in ours[name] if e.tag != f"{NAMESPACE}numFmts"]
        assert found == [tag for tag in allowed if tag in found]
    names = {e.get("name"): e.text for e in ours["xl/workbook.xml"].iter(f"{NAMESPACE}definedName")}
    assert names == {e.get("name"): e.text for e in known["xl/workbook.xml"].iter(f"{NAMESPACE}definedName")}


# --- the same bytes ---


CODE = """
import io, sys, zipfile
from classifier.sheet_xml import write_workbook, xml_rows
data = xml_rows({"a": ["路"] * 9}, first=True)[0].encode()
write_workbook(io.BytesIO(data), 10, out := io.BytesIO())
sys.stdout.buffer.write(out.getvalue())
"""


def test_the_same_rows_are_the_same_bytes_in_another_process_zone_and_with_other_hashes():
    made = set()
    for zone, seed in (("UTC", "1"), ("Asia/Shanghai", "2")):
        environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed}
        made.add(
            subprocess.run(
                [sys.executable, "-c", CODE], capture_output=True, env=environment, check=True
            ).stdout
        )
    assert made == {workbook({"a": ["路"] * 9})}


def test_nothing_in_the_file_tells_when_or_where_it_was_made():
    with zipfile.ZipFile(io.BytesIO(workbook({"a": [1]}))) as book:
        assert {(i.date_time, i.create_system) for i in book.infolist()} == {((1980, 1, 1, 0, 0, 0), 3)}
    properties = openpyxl.load_workbook(io.BytesIO(workbook({"a": [1]}))).properties
    assert (properties.created, properties.modified) == (datetime(1980, 1, 1),) * 2


# --- limits ---


@pytest.mark.parametrize("chunk", [1, 2, 5])
def test_a_sheet_that_would_be_overfull_is_an_error_before_it_is(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(classifier.output, "ROWS", 11)
    out = tmp_path / "out.xlsx"
    with sink_for(out, "xlsx", []) as sink:
        ends = [
            sink.append(encoded({"a": ["路"] * chunk}, "xlsx", first=not n).rows) for n in range(10 // chunk)
        ]
        with pytest.raises(InputError, match=r"out\.xlsx: more than the 10 rows") as caught:
            sink.append(encoded({"a": ["路"]}, "xlsx", first=False).rows)
    assert "CSV or Parquet" in caught.value.hint
    with (
        sink_for(out, "xlsx", ends) as sink,  # those that are there count
        pytest.raises(InputError, match="more than the 10 rows"),
    ):
        sink.append(encoded({"a": ["路"]}, "xlsx", first=False).rows)


def test_as_many_rows_as_a_sheet_holds_are_written(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier.output, "ROWS", 11)
    out = tmp_path / "out.xlsx"
    with sink_for(out, "xlsx", []) as sink:
        sink.append(encoded({"a": ["路"] * 10}, "xlsx", first=True).rows)
        sink.finish()
    put_in_place(out)
    assert openpyxl.load_workbook(out).active.max_row == 11


def test_more_columns_than_a_sheet_has_are_refused():
    columns = {f"c{n}": [1] for n in range(COLUMNS + 1)}
    with pytest.raises(InputError, match="16,385 columns, and a sheet holds 16,384") as caught:
        xml_rows(columns, first=True)
    assert "Parquet" in caught.value.hint


def test_putting_together_takes_no_more_memory_for_many_rows(tmp_path):
    path = tmp_path / "rows"
    line = xml_rows({"text": [json.dumps(["村里修好了水渠。"] * 40, ensure_ascii=False)]}, first=False)[
        0
    ].encode()
    with path.open("wb") as stream:
        stream.write(b'<cols><col min="1"/></cols>\n')
        stream.writelines(line for _ in range(20_000))
    assert path.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        with path.open("rb") as lines, (tmp_path / "out").open("w+b") as out:
            write_workbook(lines, 20_000, out)
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()
