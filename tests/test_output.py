"""What `label` writes: rows as CSV, JSONL and Parquet, and files put together from chunks.

What is read back from them is in `test_writers`, workbooks in `test_sheet_xml`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from classifier.encoded_rows import encoded
from classifier.errors import InputError, OutputError
from classifier.output import FORMATS, SPOOL, discard, format_of, put_in_place, sink_for
from classifier.whole_file import PART, beside

TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))).map(tuple)
NOTHING = [None, math.nan, pd.NaT]


def csv_cells(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def json_rows(data):
    return [json.loads(line) for line in data.decode("utf-8").split("\n")[:-1]]


def write(out, file_format, chunks, ends=()):
    """Write chunks of columns behind those that end at ``ends``; return where each of them ends."""
    with sink_for(out, file_format, list(ends)) as sink:
        first = not ends
        found = [
            sink.append(encoded(columns, file_format, first=first and not n).rows)
            for n, columns in enumerate(chunks)
        ]
        sink.finish()
    return [*ends, *found]


@pytest.fixture
def table_of(tmp_path):
    """Write chunks as a Parquet file and read it."""

    def written(*chunks):
        out = tmp_path / "out.parquet"
        write(out, "parquet", chunks)
        put_in_place(out)
        return parquet.read_table(out)

    return written


# --- CSV ---


@given(TEXTS, TEXTS)
def test_any_text_in_csv_is_read_back_as_it_was(left, right):
    rows = min(len(left), len(right))
    data = encoded({"左,\r": left[:rows], "右": right[:rows]}, "csv", first=True, raw=True).rows
    expected = [[cell.replace("\x1a", "\ufffd") for cell in row] for row in zip(left, right, strict=False)]
    assert csv_cells(data)[1:] == expected


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        pytest.param(("医生", 3, 0.25), "医生,3,0.25\n", id="nothing to quote"),
        pytest.param(('他说"好"', 3, ""), '"他说""好""",3,\n', id="quotes are doubled"),
        pytest.param(("一\r二", 3, None), '"一\r二",3,\n', id="a lone carriage return is quoted"),
        pytest.param(("一\r\n二", "a,b", 1), '"一\r\n二","a,b",1\n', id="a line end of Windows"),
        pytest.param(("一;二", "a\tb", 1), '"一;二","a\tb",1\n', id="where LibreOffice would divide"),
        pytest.param((["一"], {"二": None}, 1), '"[""一""]","{""二"": null}",1\n', id="lists are JSON"),
        pytest.param(("一\n二", True, 1), '"一\n二",True,1\n', id="a line feed"),
    ],
)
def test_a_row_of_csv_is_quoted_where_it_must_be(cells, line):
    columns = {name: [cell] for name, cell in zip("abc", cells, strict=True)}
    assert encoded(columns, "csv", first=False).rows.decode("utf-8") == line


def test_the_first_chunk_of_csv_brings_the_header_and_later_ones_do_not():
    assert encoded({"a": [], "村": []}, "csv", first=True).rows.decode("utf-8") == "a,村\n"
    assert encoded({"a": [], "村": []}, "csv", first=False).rows == b""


# --- JSONL ---


@given(TEXTS)
def test_any_text_in_jsonl_is_one_line_and_read_back_as_it_was(texts):
    data = encoded({"文": texts}, "jsonl", first=True).rows
    assert json_rows(data) == [{"文": text} for text in texts]


def test_jsonl_keeps_kinds_and_chinese_as_it_is():
    columns = {"n": np.array([1, 2]), "p": np.array([0.25, np.nan]), "x": ["一", [1, {"二": None}]]}
    data = encoded(columns, "jsonl", first=True).rows.decode("utf-8")
    assert data == '{"n": 1, "p": 0.25, "x": "一"}\n{"n": 2, "p": null, "x": [1, {"二": null}]}\n'


@pytest.mark.parametrize("nothing", NOTHING, ids=["None", "NaN", "NaT"])
def test_an_empty_cell_is_empty_in_every_format(nothing, table_of):
    columns = {"a": ["x", nothing], "b": [1, 2]}
    assert encoded(columns, "csv", first=False).rows == b"x,1\n,2\n"
    assert json_rows(encoded(columns, "jsonl", first=False).rows)[1] == {"a": None, "b": 2}
    assert table_of(columns)["a"].to_pylist() == ["x", None]


@pytest.mark.parametrize("value", [date(2020, 5, 1), Decimal("1.5"), b"x"], ids=["date", "decimal", "bytes"])
def test_what_a_parquet_input_can_hold_can_be_written_as_jsonl(value):
    encoded({"a": [value]}, "jsonl", first=True)


# --- Parquet ---


@pytest.mark.parametrize(
    ("values", "kind", "found"),
    [
        pytest.param(["一", None, math.nan], "string", ["一", None, None], id="text with gaps"),
        pytest.param([1, 2, 3], "int64", [1, 2, 3], id="whole numbers"),
        pytest.param([1, None, math.nan], "int64", [1, None, None], id="whole numbers with gaps"),
        pytest.param([1, 2.5, None], "double", [1.0, 2.5, None], id="numbers"),
        pytest.param([True, None, False], "bool", [True, None, False], id="yes and no"),
        pytest.param(NOTHING[:2] * 2, "string", [None] * 4, id="nothing at all"),
        pytest.param([1, "二", None, math.nan], "string", ["1", "二", None, None], id="mixed becomes text"),
        pytest.param([["一"], "二"], "string", ['["一"]', "二"], id="lists and text"),
        pytest.param(np.array([3, 4]), "int64", [3, 4], id="an array"),
    ],
)
def test_a_column_keeps_its_kind_in_parquet(table_of, values, kind, found):
    table = table_of({"a": values})
    assert str(table.schema.field("a").type) == kind
    assert table["a"].to_pylist() == found


def test_probabilities_are_float32_in_parquet_and_untrained_ones_empty(table_of):
    probabilities = np.random.default_rng(0).random((50, 24)).round(4)
    probabilities[:, 5] = np.nan
    columns = {"text": ["一"] * 50, **{f"p{i}": column for i, column in enumerate(probabilities.T)}}
    table = table_of(columns, columns)
    assert {str(table.schema.field(f"p{i}").type) for i in range(24)} == {"float"}
    assert table["p5"].null_count == 100
    found = table.drop(["text", "p5"]).to_pandas().to_numpy()
    expected = np.delete(probabilities, 5, axis=1).astype(np.float32)
    assert np.array_equal(found, np.vstack([expected, expected]))
    assert np.array_equal(found.round(4), np.vstack([expected, expected]).round(4))


@pytest.mark.parametrize(("size", "groups"), [(1, [50, 50]), (10**9, [100])])
def test_chunks_stand_together_in_row_groups_of_some_size(tmp_path, table_of, monkeypatch, size, groups):
    monkeypatch.setattr("classifier.output.GROUP", size)
    columns = {"text": [f"第{i}句。" for i in range(50)]}
    assert table_of(columns, columns)["text"].to_pylist() == columns["text"] * 2
    found = parquet.read_metadata(tmp_path / "out.parquet")
    assert [found.row_group(n).num_rows for n in range(found.num_row_groups)] == groups


def test_columns_of_parquet_are_packed_where_it_pays(tmp_path, table_of):
    names = ["segment_id", "text", "codes", "地区.县", "p"]
    columns = {name: [f"{name}{i % 7}" for i in range(50)] for name in names[:-1]}
    table_of({**columns, "p": np.arange(50) / 50})
    group = parquet.read_metadata(tmp_path / "out.parquet").row_group(0)
    found = {(c := group.column(i)).path_in_schema: c for i in range(group.num_columns)}
    assert list(found) == names
    assert [n for n in names if found[n].compression == "UNCOMPRESSED"] == ["text"]
    assert [n for n in names if found[n].has_dictionary_page] == ["codes", "地区.县"]
    assert [n for n in names if found[n].is_stats_set] == ["codes", "地区.县"]


@pytest.mark.parametrize(
    ("first", "later", "found"),
    [
        pytest.param(["一"], [2, None], ["一", "2", None], id="numbers behind text"),
        pytest.param([None], [2], [None, "2"], id="numbers behind nothing"),
        pytest.param([1], [None], [1, None], id="nothing behind numbers"),
        pytest.param([1], [2.0], [1, 2], id="whole numbers with a point"),
        pytest.param([1.5], [2], [1.5, 2.0], id="whole numbers behind others"),
    ],
)
def test_a_later_chunk_takes_the_kind_of_the_first_where_nothing_is_lost(table_of, first, later, found):
    assert table_of({"a": first}, {"a": later})["a"].to_pylist() == found


@pytest.mark.parametrize(
    ("first", "later"),
    [
        pytest.param([1], ["二"], id="text behind numbers"),
        pytest.param([1], [2.5], id="fractions behind whole numbers"),
        pytest.param([True], ["也许"], id="text behind yes and no"),
        pytest.param(
            [1],
            [["二"]],
            id="lists behind numbers",
        ),
    ],
)
def test_a_column_that_changes_its_kind_is_refused(table_of, first, later):
    with pytest.raises(
        InputError, match=r"^out\.parquet: column 'a' is [\w<>: ]+, later [\w<>: ]+$"
    ) as caught:
        table_of({"a": first}, {"a": later})
    assert "JSONL" in caught.value.hint


@pytest.mark.parametrize(
    ("first", "later"),
    [pytest.param([1], ["007"], id="digits behind numbers"), pytest.param([True], [2], id="2 behind yes")],
)
def test_a_value_that_cannot_be_told_from_the_file_any_more_is_refused(table_of, first, later):
    with pytest.raises(InputError, match="column 'a' is"):
        table_of({"a": first}, {"a": later})


@pytest.mark.parametrize("value", [10**21, {}], ids=["a number of 22 digits", "an empty object"])
def test_what_parquet_cannot_hold_is_written_as_text(table_of, value):
    assert table_of({"a": [value]})["a"].to_pylist() == [str(value)]


def test_a_table_without_rows_has_all_its_columns(table_of):
    table = table_of({"doc_id": [], "start": np.array([], dtype=np.int64)})
    assert (table.num_rows, table.column_names) == (0, ["doc_id", "start"])


# --- files from chunks ---

CHUNKS = [{"doc_id": [f"文{n}", f"章{n}"], "n": [n, None], "p": np.array([0.5, np.nan])} for n in range(4)]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kept", range(5))
def test_a_file_gone_on_with_behind_any_chunk_has_the_bytes_of_one_written_at_once(
    tmp_path, file_format, kept
):
    whole, out = tmp_path / "whole", tmp_path / "out"
    ends = write(whole, file_format, CHUNKS)
    write(out, file_format, CHUNKS)
    for path in (beside(out, PART), beside(out, SPOOL)):
        if path.exists():
            path.write_bytes(path.read_bytes() + b"half a chunk")
    assert write(out, file_format, CHUNKS[kept:], ends[:kept]) == ends
    assert beside(out, PART).read_bytes() == beside(whole, PART).read_bytes()


@pytest.mark.parametrize("file_format", ["xlsx", "parquet"])
def test_what_is_no_stream_does_not_go_to_standard_output(file_format):
    with pytest.raises(OutputError, match=f"--format {file_format}: not to standard output") as caught:
        format_of(None, file_format)
    assert f"-o OUT.{file_format}" in caught.value.hint


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_whole_file_gets_its_name_once_and_leaves_nothing_beside_it(tmp_path, file_format):
    out = tmp_path / "out"
    out.write_bytes(b"older")
    write(out, file_format, CHUNKS)
    assert out.read_bytes() == b"older"
    written = beside(out, PART).read_bytes()
    for _ in range(2):  # a run that is killed just then does it again
        put_in_place(out)
        assert out.read_bytes() == written
        assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_is_discarded_is_gone_and_an_older_file_stays(tmp_path, file_format):
    out = tmp_path / "out"
    out.write_bytes(b"older")
    write(out, file_format, CHUNKS)
    for _ in range(2):
        discard(out)
        assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("out", b"older")]


@pytest.mark.parametrize("file_format", FORMATS)
def test_chunks_that_were_cut_off_since_are_refused(tmp_path, file_format):
    out = tmp_path / "out"
    ends = write(out, file_format, CHUNKS[:2])
    for path in (beside(out, PART), beside(out, SPOOL)):
        if path.exists():
            path.write_bytes(path.read_bytes()[: ends[0] + 3])
    with pytest.raises(OutputError, match="out"):
        write(out, file_format, CHUNKS[2:], ends)


def test_an_output_that_cannot_have_its_name_keeps_what_was_done(tmp_path):
    """A folder of its name came up while it was written; with the folder gone the run can go on."""
    out = tmp_path / "out.csv"
    beside(out, PART).write_bytes(b"rows")
    (out / "in the way").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"out\.csv: "):
        put_in_place(out)
    assert beside(out, PART).read_bytes() == b"rows"
