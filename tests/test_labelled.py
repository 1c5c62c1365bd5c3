"""Reading back what was labelled: every format alike, and every fault with its row."""

from __future__ import annotations

import csv
import gzip
import io
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.batch import label_documents
from classifier.documents import Document
from classifier.encoded_rows import encoded
from classifier.errors import CorpusError, FupinError, InputError
from classifier.labelled import NEEDED, read_labelled
from classifier.spreadsheet_guard import guarded, unguarded
from classifier.table_columns import _parquet, _quickly, _row_by_row, table_columns

HEADER = ["doc_id", "segment_id", "text", "codes", "clinic", "school", "road", "well", "date", "门牌"]
ROWS = [
    [
        "山.txt",
        "山.txt#0",
        "医生每月上门,量血压。",
        "clinic",
        "0.71",
        "0.01",
        "0.01",
        "",
        "2019-10-17",
        "007",
    ],
    ["山.txt", "山.txt#1", '医生到"小学"体检。', "clinic;school", "0.93", "0.64", "0.01", "", "", ""],
    ["水.txt", "水.txt#0", "公路\n修通了。", "", "0.01", "0.02", "0.5", "", "2020年", "12"],
]
SUFFIXES = ("csv", "tsv", "jsonl", "parquet", "xlsx", "csv.gz", "jsonl.gz")


def as_csv(rows, header=HEADER, delimiter=","):
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])
    return stream.getvalue().encode()


def with_numbers(rows, header=HEADER):
    """Return rows as `label` has them: probabilities are numbers, None where unknown."""
    numbers = set(HEADER[4:8])
    return [
        {k: (float(v) if v else None) if k in numbers else v for k, v in zip(header, row, strict=True)}
        for row in rows
    ]


def write(path, rows=ROWS, header=HEADER):
    """Write rows in the format of the path's ending."""
    kind = path.name.partition(".")[2]
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in [header, *rows]:
            book.active.append([value or None for value in row])
        book.save(path)
    elif kind == "parquet":
        pd.DataFrame(with_numbers(rows, header), columns=header).to_parquet(path)
    else:
        if "jsonl" in kind:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in with_numbers(rows, header))
            data = "".join(lines).encode()
        else:
            data = as_csv(rows, header, "\t" if kind == "tsv" else ",")
        path.write_bytes(gzip.compress(data) if kind.endswith("gz") else data)
    return path


@pytest.fixture
def read(tmp_path, tiny_codebook):
    """Read bytes, or rows in a format, as labelled segments."""

    def run(content=ROWS, name="labelled.csv", header=HEADER):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            write(path, content, header)
        return read_labelled(path, tiny_codebook)

    return run


# --- what is read ---


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_the_same_texts_codes_and_probabilities(read, suffix):
    found = read(name=f"labelled.{suffix}")
    assert found.source == f"labelled.{suffix}"
    assert len(found) == 3
    assert found.frame["text"].tolist() == [row[2] for row in ROWS]
    assert found.frame["doc_id"].tolist() == ["山.txt", "山.txt", "水.txt"]
    assert found.given.to_numpy().tolist() == [
        [True, False, False, False],
        [True, True, False, False],
        [False, False, False, False],
    ]
    np.testing.assert_allclose(
        found.probabilities.to_numpy(),
        [[0.71, 0.01, 0.01, np.nan], [0.93, 0.64, 0.01, np.nan], [0.01, 0.02, 0.5, np.nan]],
    )
    for frame in (found.frame, found.given, found.probabilities):
        assert frame.index.tolist() == [0, 1, 2]
    assert list(found.given) == list(found.probabilities) == ["clinic", "school", "road", "well"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_columns_stay_as_they_are_in_the_order_of_the_file(read, suffix):
    frame = read(name=f"labelled.{suffix}").frame
    assert list(frame) == ["doc_id", "segment_id", "text", "codes", "date", "门牌"]
    assert frame["门牌"].tolist() == ["007", "", "12"]  # no number, and nothing lost
    assert frame["date"].tolist() == ["2019-10-17", "", "2020年"]  # no time, though Arrow would make it one


@pytest.mark.parametrize("unit", ["segment", "row"])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_what_label_writes_is_read_whole(tmp_path, tiny_model, suffix, unit):
    texts = ["医生每月上门量血压。", "=1+1，公路修通了，\n大家\t高兴。", ""]
    documents = [
        Document(id=f"00{i}", text=t, title="题", source="来", meta={"province": "云岭"})
        for i, t in enumerate(texts)
    ]
    out = tmp_path / f"labelled.{suffix}"
    label_documents(documents, tiny_model, out, unit=unit)
    found = read_labelled(out, tiny_model.codebook)
    if unit == "row":
        assert found.frame["text"].tolist() == texts
    decided = tiny_model.predict(found.frame["text"].tolist())
    assert found.given.to_numpy().tolist() == decided.tolist()
    expected = tiny_model.predict_proba(found.frame["text"].tolist())
    np.testing.assert_allclose(found.probabilities.to_numpy(), expected, atol=6e-5)
    assert set(found.frame["province"]) == {"云岭"}


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_codes_may_be_a_list_and_identifiers_numbers(tmp_path, tiny_codebook, suffix):
    lines = [
        {"doc_id": 7, "segment_id": 1, "text": "医生", "codes": ["clinic", "road"], "clinic": 1},
        {"doc_id": 7, "segment_id": 2, "text": None, "codes": None, "clinic": 0},
    ]
    path = tmp_path / f"labelled.{suffix}"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    if suffix == "parquet":
        pd.DataFrame(lines).to_parquet(path)
    found = read_labelled(path, tiny_codebook)
    assert found.frame[["doc_id", "segment_id", "text"]].to_numpy().tolist() == [
        ["7", "1", "医生"],
        ["7", "2", ""],
    ]
    assert found.given.to_numpy().tolist() == [[True, False, True, False], [False] * 4]
    assert found.probabilities["clinic"].tolist() == [1.0, 0.0]
    assert found.probabilities["road"].isna().all()


def test_a_workbook_saved_again_as_gb18030_is_read(read):
    assert read(as_csv(ROWS).decode().encode("gb18030")).frame["text"].tolist() == [r[2] for r in ROWS]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_cells_guarded_against_formulas_are_unguarded(read, suffix):
    wild = ["=1+1", "'=1+1", "＝1", "'天下'", "-5", "'"]
    rows = [["甲", f"甲#{i}", guarded(text), "", *"    ", guarded("@a"), ""] for i, text in enumerate(wild)]
    rows = [[*row[:4], "", "", "", "", *row[8:]] for row in rows]
    found = read(rows, f"labelled.{suffix}").frame
    assert found["text"].tolist() == wild
    assert set(found["date"]) == {"@a"}


def test_apostrophes_stay_where_there_is_no_spreadsheet(read):
    rows = [["甲", "甲#0", "'=1", "", "", "", "", "", "", ""]]
    assert read(rows, "labelled.jsonl").frame["text"].tolist() == ["'=1"]


@given(st.text())
def test_unguarded_is_what_was_guarded(text):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(tuple("=+-@\t\r＝＋－＠"))


@pytest.mark.parametrize("name", ["labelled.csv", "labelled.jsonl", "labelled.parquet"])
def test_a_file_without_rows_is_no_error(read, name):
    found = read([], name)
    assert len(found) == 0
    assert found.given.shape == found.probabilities.shape == (0, 4)
    assert list(found.frame)[:3] == ["doc_id", "segment_id", "text"]


# --- what is wrong is told, with its row ---


def changed(row, column, value):
    """Return the rows with one cell changed; rows count from 1."""
    rows = [list(r) for r in ROWS]
    rows[row - 1][HEADER.index(column)] = value
    return rows


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet", "xlsx"])
@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("codes", "clinic;market", r"row 2: unknown code 'market'$"),
        ("doc_id", "", r"row 2: doc_id is empty$"),
        ("segment_id", "", r"row 2: segment_id is empty$"),
        ("segment_id", "山.txt#0", r"row 2: segment_id '山\.txt#0' stands in row 1 already$"),
        ("school", "1.5", r"row 2: probability of 'school' is '1\.5'$"),
        ("school", "-0.1", r"row 2: probability of 'school' is '-0\.1'$"),
        ("codes", "clinic;clinic", r"row 2: a code stands twice in 'clinic;clinic'$"),
    ],
)
def test_a_wrong_cell_is_told_with_file_row_and_value(read, suffix, column, value, message):
    with pytest.raises(FupinError, match=f"^labelled.{suffix}: {message}") as caught:
        read(changed(2, column, value), f"labelled.{suffix}")
    assert caught.value.hint


@pytest.mark.parametrize("value", ["abc", "0,5", "inf", "nan"])
def test_what_is_no_probability_is_told(read, value):
    with pytest.raises(InputError, match=f"row 3: probability of 'road' is '{value}'$"):
        read(changed(3, "road", value))


def test_the_first_row_with_an_unknown_code_is_named(read):
    rows = [
        [*ROWS[0][:1], str(i), "好", codes, *[""] * 6]
        for i, codes in enumerate(["", "clinic", "clinic", "x", "x"])
    ]
    with pytest.raises(InputError, match=r"row 4: unknown code 'x'$"):
        read(rows)


def test_a_code_given_twice_is_an_error_of_the_labels(read):
    with pytest.raises(CorpusError, match="stands twice"):
        read(changed(1, "codes", "road;road"))


@pytest.mark.parametrize("column", NEEDED)
@pytest.mark.parametrize("suffix", ["csv", "parquet", "xlsx"])
def test_a_missing_column_is_told_by_its_name(read, column, suffix):
    at = HEADER.index(column)
    rows = [row[:at] + row[at + 1 :] for row in ROWS]
    with pytest.raises(InputError, match=f"no column '{column}'$") as caught:
        read(rows, f"labelled.{suffix}", HEADER[:at] + HEADER[at + 1 :])
    assert "fupin label" in caught.value.hint


LINE = '{"doc_id": "甲", "segment_id": "%s", "text": "好", "codes": ""}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param(
            "a.jsonl", LINE % 1 + '{"doc_id": "甲"}\n', "row 2: no column 'segment_id'", id="a later row"
        ),
        pytest.param("a.jsonl", LINE % 1 + "{甲\n", "line 2 is not JSON", id="no JSON"),
        pytest.param(
            "a.jsonl", (LINE % 1).strip() + LINE % 2, "line 1 is not JSON", id="two objects on a line"
        ),
        pytest.param("a.jsonl", LINE % 1 + "[1]\n", "line 2 is no JSON object", id="a list"),
        pytest.param("a.jsonl", LINE % "\\ud83d", "half a surrogate pair", id="half a character"),
        pytest.param("a.csv", as_csv(ROWS) + b"x,y\n", "row 4 has 2 cells, the header 10", id="a short row"),
        pytest.param("a.csv", as_csv(ROWS) + b'x,"y', "row on line 6", id="an open quote"),
        pytest.param(
            "a.csv", as_csv(ROWS, [*HEADER[:-1], "date"]), "'date' stands twice", id="a doubled column"
        ),
        pytest.param("a.csv", b"", "no column 'doc_id'", id="an empty file"),
        pytest.param("a.parquet", b"PAR1", "no Parquet file|damaged|too small", id="no Parquet"),
        pytest.param("a.ods", b"", "unknown format '.ods'", id="an unknown format"),
    ],
)
def test_what_is_no_labelled_file_is_told(read, name, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read(content if isinstance(content, bytes) else content.encode(), name)
    assert caught.value.hint


def test_a_missing_file_is_told(tmp_path, tiny_codebook):
    with pytest.raises(InputError, match="no such file"):
        read_labelled(tmp_path / "nowhere.csv", tiny_codebook)


# --- column by column is the same as row by row ---

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
IN_CSV = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1a"), max_size=6)
VALUES = st.one_of(st.none(), CELLS, st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False))


def same(one, other):
    """Whether two columns hold the same values, nothing being nothing."""
    return [None if pd.isna(v) else v for v in one] == [None if pd.isna(v) else v for v in other]


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(IN_CSV, IN_CSV), max_size=4))
def test_tables_of_text_are_read_alike_both_ways(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    columns = {"a": [a for a, _ in rows], "b": [b for _, b in rows]}
    path.write_bytes(encoded(columns, "csv", first=True, raw=True).rows)
    fast, slow = _quickly(path), _row_by_row(path, ["a", "b"], "")
    assert fast is not None
    for name in "ab":
        assert fast[name].tolist() == slow[name].tolist() == [row["ab".index(name)] for row in rows]


@settings(max_examples=60)
@given(rows=st.lists(st.fixed_dictionaries({"a": CELLS}, optional={"b": VALUES, "c": VALUES}), max_size=5))
def test_json_is_read_alike_both_ways_or_left_to_the_slow_one(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    fast, slow = _quickly(path), _row_by_row(path, ["a"], "")
    if fast is not None:
        assert set(fast) == set(slow)
        assert all(same(fast[name], slow[name]) for name in fast)


def test_a_big_file_of_each_kind_is_read_the_fast_way(tmp_path):
    for suffix in ("csv", "tsv", "jsonl"):
        assert _quickly(write(tmp_path / f"t.{suffix}")) is not None
    assert _parquet(write(tmp_path / "t.parquet")) is not None


def test_what_arrow_would_read_otherwise_is_left_to_the_slow_way(tmp_path):
    path = tmp_path / "t.jsonl"
    for text in (
        '{"a": "\\ud83d\\ude00"}\n',
        '\ufeff{"a": "1"}\n',
        '{"a": "1"} {"a": "2"}\n',
        '{"a": "1"}\n{"a": "2"} {"a": "3"}\n',
        '{"a": "1"}\n{"b": "1"}\n',
    ):
        path.write_text(text, encoding="utf-8")
        assert _quickly(path) is None
    path.write_text('{"a": "\\ud83d\\ude00"}\n', encoding="utf-8")
    assert table_columns(path, ["a"], "")["a"].tolist() == ["😀"]
