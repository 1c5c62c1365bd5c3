"""Whatever is written is read back to the same values: by us, pandas, openpyxl, Arrow and json."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape
from pyarrow import parquet

import classifier
from classifier.batch import label_documents
from classifier.cells import Changes
from classifier.codings import read_codings
from classifier.confined import Parsers
from classifier.corpus import read_corpus, read_gold
from classifier.documents import Document, Reading, documents
from classifier.encoded_rows import encoded
from classifier.errors import InputError
from classifier.labelled import read_labelled
from classifier.limits import LIMITS
from classifier.output import FORMATS
from classifier.spreadsheet_guard import unguarded, unguarded_row
from classifier.tables import numbered_rows

ROAD, CLINIC = "交通局修通了最后三公里硬化路。", "签约医生每月上门给老人量血压。"
HARD = "=+-@'＝ \t\r\n\0\x1a\ufeff\u200b\"',;_x0041路"
ANY = st.text(st.characters(codec=None)) | st.text(alphabet=HARD + "\ud800\ude00")
WHOLE = st.text(st.characters(exclude_categories=["Cs"])) | st.text(alphabet=HARD)
COLUMN = st.text(alphabet="=@'a路_x0041\t;\"", min_size=1, max_size=8)
# Values that have each given somebody trouble
TROUBLE = [
    *(
        "=1+1",
        "'=1+1",
        " =1",
        "\t=1",
        "\n=1",
        "\r=1",
        "＝1",
        "-5",
        "-5+1",
        "+8613912345678",
        "@张三",
        "'",
        "''",
    ),
    *("0012", "1E5", "2019-10-17", "TRUE", "NA", "NULL", "nan", "1,234", "http://a.example/?a=1&b=<2>"),
    *(
        "一\n二",
        "一\r二",
        "一\r\n二",
        '他说"好"',
        'a,"b";c\td',
        "\ufeff=1",
        "村\ufeff里",
        " 　前后　 ",
        "𠮷" * 9,
    ),
    *("_x0041_", "_x005F_x0041_", "_x005F\x01", "\x01\x0b\x1f\x7f\x85\u2028", "路" * 9000, "'@村医'，他说。"),
]
NOT_IN_CSV = str.maketrans(dict.fromkeys([0, 0x1A, *range(0xD800, 0xE000)], "\ufffd"))


def in_csv(text):
    return text.translate(NOT_IN_CSV)


def half_replaced(text):
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def met(text):
    """Return a text in which halves of a pair that stand together are their character, as in JSON."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@pytest.fixture(scope="module")
def parsers():
    """Return the processes that read workbooks, started once."""
    with Parsers(LIMITS) as ours:
        yield ours


@pytest.fixture(scope="module")
def rows_of(tmp_path_factory, parsers):
    """Write columns as a file of a format, and read its rows as fupin reads a table that it wrote."""
    folder = tmp_path_factory.mktemp("rows")

    def read(columns, file_format):
        from classifier.output import put_in_place, sink_for

        out = folder / f"a.{file_format}"
        with sink_for(out, file_format, []) as sink:
            sink.append(encoded(columns, file_format, first=True).rows)
            sink.finish()
        put_in_place(out)
        return [unguarded_row(row, out.suffix) for _, row in numbered_rows(out, parsers=parsers)]

    return read


# --- any text, by our own reader ---


@given(st.lists(st.tuples(ANY, ANY), min_size=1), COLUMN)
def test_any_text_in_csv_is_read_back_but_for_what_csv_cannot_hold(rows_of, rows, name):
    columns = {"segment_id": [a for a, _ in rows], f"in_{name}": [b for _, b in rows]}
    expected = [{"segment_id": in_csv(a), f"in_{name}": in_csv(b)} for a, b in rows]
    assert rows_of(columns, "csv") == expected


@settings(max_examples=30)
@given(st.lists(st.tuples(ANY, ANY), min_size=1, max_size=20), COLUMN)
def test_any_text_in_a_workbook_is_read_back_but_for_halves_of_pairs(rows_of, rows, name):
    columns = {"segment_id": ["#" + a for a, _ in rows], f"=_{name}": [b for _, b in rows]}
    expected = [{"segment_id": half_replaced("#" + a), f"=_{name}": half_replaced(b)} for a, b in rows]
    assert rows_of(columns, "xlsx") == expected


@given(st.lists(st.tuples(WHOLE, WHOLE), min_size=1), COLUMN)
def test_any_text_in_jsonl_is_read_back(rows_of, rows, name):
    columns = {"segment_id": [a for a, _ in rows], name: [b for _, b in rows]}
    assert rows_of(columns, "jsonl") == [{"segment_id": a, name: b} for a, b in rows]


@given(st.lists(st.tuples(ANY, ANY), min_size=1), COLUMN)
def test_any_text_in_parquet_is_read_back_but_for_halves_of_pairs(rows_of, rows, name):
    columns = {"segment_id": [a for a, _ in rows], name: [b for _, b in rows]}
    expected = [{"segment_id": half_replaced(a), name: half_replaced(b)} for a, b in rows]
    assert rows_of(columns, "parquet") == expected


# --- any text, by others ---


def of_pandas(data):
    frame = pd.read_csv(io.BytesIO(data), dtype=object, keep_default_na=False, encoding="utf-8")
    return [unguarded(text) for text in frame["a"]]


@given(st.lists(ANY, min_size=1))
def test_csv_is_read_alike_by_pandas_and_by_pythons_library(texts):
    made = encoded({"a": texts, "end": ["x"] * len(texts)}, "csv", first=True)
    expected = [in_csv(text) for text in texts]
    rows = list(csv.reader(io.StringIO(made.rows.decode(), newline="")))
    assert [unguarded(row[0]) for row in rows[1:]] == expected
    assert of_pandas(made.rows) == expected
    assert (made.changes.replaced > 0) == (texts != expected)
    assert made.changes.guarded == sum(row[0] != text for row, text in zip(rows[1:], expected, strict=True))


@given(st.lists(ANY))
def test_jsonl_loses_nothing_at_all(texts):
    made = encoded({"a": texts}, "jsonl", first=True)
    assert [json.loads(line)["a"] for line in made.rows.decode().split("\n")[:-1]] == list(map(met, texts))
    assert made.changes.cells == 0


@given(st.lists(ANY, min_size=1))
def test_without_a_guard_csv_has_the_texts_themselves(texts):
    made = encoded({"a": texts, "end": ["x"] * len(texts)}, "csv", first=True, raw=True)
    rows = list(csv.reader(io.StringIO(made.rows.decode(), newline="")))
    assert [row[0] for row in rows[1:]] == [in_csv(text) for text in texts]
    assert made.changes.guarded == 0


@pytest.mark.parametrize(
    "nested", [["路\ud800"], {"路\ud800": ["桥\ude00"]}, [["路", {"桥": "\udfff"}]]], ids=ascii
)
def test_half_a_pair_inside_a_list_or_mapping_crashes_nothing(rows_of, nested):
    for file_format in ("csv", "xlsx", "parquet"):
        (row,) = rows_of({"segment_id": ["a"], "n": [nested]}, file_format)
        assert "\ufffd" in (
            row["n"] if isinstance(row["n"], str) else json.dumps(row["n"], ensure_ascii=False)
        )


def test_what_parquet_cannot_hold_is_replaced_and_counted_in_names_too():
    made = encoded({"a\ud800": ["x\ude00", "y"], "b": ["", float("nan")]}, "parquet", first=True)
    assert (made.changes.cells, made.changes.replaced, made.changes.guarded) == (2, 2, 0)
    assert encoded({"a": ["=1\0"]}, "parquet", first=True).changes.cells == 0


@pytest.mark.parametrize(("name", "file_format"), [("=a", "csv"), ("=a", "xlsx"), ("a\ud800", "parquet")])
def test_a_header_counts_with_the_first_chunk_only(name, file_format):
    columns = {name: [f"{name}1"]}
    found = [encoded(columns, file_format, first=first).changes.cells for first in (True, False)]
    assert found == [2, 1]


def test_a_cell_that_is_both_cleaned_and_guarded_counts_once_as_a_cell():
    made = encoded({"=a": ["=\0", "\x1a=1", "=1", 5, None]}, "csv", first=True)
    assert vars(made.changes) == {"cells": 4, "guarded": 3, "replaced": 2, "cut": 0}
    assert made.rows.decode() == "'=a\n'=\ufffd\n\ufffd=1\n'=1\n5\n\"\"\n"


@pytest.mark.parametrize(
    ("names", "file_format"), [(("a\0", "a\x1a"), "csv"), (("a\ud800", "a\ud801"), "parquet")]
)
def test_columns_whose_names_would_become_the_same_are_refused(names, file_format):
    with pytest.raises(InputError, match="two columns would be called 'a\ufffd'") as caught:
        encoded({name: ["路"] for name in names}, file_format, first=True)
    assert "JSONL" in caught.value.hint


def test_texts_in_an_array_are_guarded_like_others():
    made = encoded({"a": np.array(["=1", "-5", None, ["路"]], dtype=object)}, "csv", first=True)
    assert made.rows.decode() == 'a\n\'=1\n-5\n""\n"[""路""]"\n'
    assert made.changes == Changes(1, 1, 0, 0)


# --- what `label` writes, by all that read it ---


def wild_documents():
    """Return rows of a table full of trouble: ids, texts, known and other columns."""
    for n, value in enumerate(TROUBLE):
        text = ROAD + value if n % 2 else value
        meta = {"=栏": value, "in_=x": n, "codes": "旧", "-": None if n % 3 else value}
        yield Document(f"{value[:40]}#{n}", text, value, meta=meta)


@pytest.fixture(scope="module")
def written(tmp_path_factory, tiny_model):
    """Label the wild rows, each as one segment, in every format."""
    folder = tmp_path_factory.mktemp("written")
    outs = {name: folder / f"out.{name}" for name in FORMATS}
    for out in outs.values():
        label_documents(wild_documents(), tiny_model, out, unit="row", scheme="two-kinds")
    return outs


@pytest.fixture(scope="module")
def frame(tiny_model):
    """Return the same rows labelled to a frame, which nothing is done to."""
    rows = [{"id": d.id, "text": d.text, "title": d.title, **d.meta} for d in wild_documents()]
    return classifier.label(pd.DataFrame(rows), tiny_model, unit="row", scheme="two-kinds")


@pytest.mark.parametrize("name", FORMATS)
def test_read_labelled_gives_what_a_frame_holds(written, frame, tiny_codebook, name):
    found = read_labelled(written[name], tiny_codebook)
    for column in ("doc_id", "segment_id", "text", "codes", "categories", "title", "=栏", "in_codes"):
        values = ["" if v is None else v for v in found.frame[column]]
        assert values == [in_csv(v) if name == "csv" else v for v in frame[column]], column
    assert [int(v) for v in found.frame["in_=x"]] == list(range(len(TROUBLE)))
    assert found.probabilities["road"].round(4).tolist() == pytest.approx(frame["road"].tolist(), abs=1e-6)
    assert found.probabilities["well"].isna().all()


@pytest.mark.parametrize("name", FORMATS)
def test_training_and_evaluation_read_the_texts_and_codes_that_were_written(
    written, frame, tiny_codebook, name
):
    for read in (
        lambda path: read_corpus([path], tiny_codebook),
        lambda path: read_gold(path, tiny_codebook),
    ):
        found = read(written[name])
        assert found.texts == frame["text"].tolist()
        assert [";".join(s.codes) for s in found.segments] == frame["codes"].tolist()
        assert found.groups == frame["doc_id"].tolist()


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "jsonl"])
def test_coders_files_in_different_formats_line_up(written, tiny_codebook, name):
    found = read_codings([written["jsonl"], written[name]], tiny_codebook)
    assert found.coded.all()
    assert (found.labels[0] == found.labels[1]).all()
    assert found.shared.all()


@pytest.mark.parametrize("name", FORMATS)
def test_an_output_is_an_input_whose_rows_are_the_same(written, frame, name):
    found = list(documents([written[name]], Reading(id_column="segment_id")))
    assert [d.id for d in found] == frame["segment_id"].tolist()
    assert [d.text for d in found] == frame["text"].tolist()
    assert [d.title for d in found] == frame["title"].tolist()
    assert [d.meta["=栏"] or "" for d in found] == frame["=栏"].tolist()


@pytest.mark.parametrize("name", FORMATS)
def test_labelled_once_more_row_by_row_an_output_has_the_same_codes(
    written, frame, tiny_model, name, tmp_path
):
    again = tmp_path / f"again.{name}"
    found = documents([written[name]], Reading(id_column="segment_id"))
    label_documents(found, tiny_model, again, unit="row")
    columns = ("text", "codes", "in_in_codes")
    rows = [row for _, row in numbered_rows(again)]
    text_column, codes, before = ([row[c] or "" for row in rows] for c in columns)
    guarded = name in ("csv", "xlsx")
    assert [unguarded(t) if guarded else t for t in text_column] == frame["text"].tolist()
    assert codes == before == frame["codes"].tolist()


def test_a_workbook_is_read_by_openpyxl_with_the_texts_of_the_frame(written, frame):
    rows = list(openpyxl.load_workbook(written["xlsx"]).active.values)
    cells = pd.DataFrame(rows[1:], columns=[unguarded(name) for name in rows[0]])
    for column in ("doc_id", "text", "codes", "=栏"):
        found = [unguarded(unescape(v)) for v in cells[column].fillna("")]
        assert found == frame[column].tolist()
    assert cells["in_=x"].tolist() == list(range(len(TROUBLE)))
    assert cells["road"].tolist() == frame["road"].tolist()


def test_parquet_is_read_by_arrow_as_the_frame(written, frame):
    table = parquet.read_table(written["parquet"])
    for column in ("doc_id", "text", "=栏", "title"):
        assert table[column].to_pylist() == frame[column].tolist()


def test_no_cell_of_csv_or_of_a_workbook_begins_like_a_formula(written):
    with written["csv"].open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    rows += openpyxl.load_workbook(written["xlsx"]).active.values
    cells = [cell for row in rows for cell in row if isinstance(cell, str)]
    live = [c for c in cells if c.lstrip().startswith(tuple("=+-@＝＋－＠")) and c not in ("-", "-5")]
    assert live == []
    assert {"'=栏", "'=1+1", "''=1+1", "'＝1", "'+8613912345678"} <= set(cells)


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_raw_leaves_formulas_and_headers_as_they_are(tiny_model, tmp_path, name):
    out = tmp_path / f"out.{name}"
    tally = label_documents(wild_documents(), tiny_model, out, unit="row", raw=True)
    assert tally.changes.guarded == 0
    if name == "csv":
        with out.open(encoding="utf-8-sig", newline="") as stream:
            rows = [tuple(row) for row in csv.reader(stream)]
    else:
        rows = list(openpyxl.load_workbook(out).active.values)
        assert [c.data_type for c in openpyxl.load_workbook(out).active["F"]] == ["s"] * len(rows)
    titles = [row[rows[0].index("=栏")] for row in rows[1:]]
    assert titles[:2] == ["=1+1", "'=1+1"]


# --- what cannot be written as it is ---


def test_half_a_surrogate_pair_gets_through_label_in_every_format(tiny_model, tmp_path):
    document = [Document("文\ud800", f"{ROAD}\ude00", "题\udfff", meta={"栏\ud800": "\ud83d"})]
    for name in FORMATS:
        out = tmp_path / f"out.{name}"
        tally = label_documents(document, tiny_model, out, unit="row")
        assert tally.changes.cells == (0 if name == "jsonl" else 6), name
        assert tally.coded == 1
    row = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert (row["doc_id"], row["title"], row["栏\ud800"]) == ("文\ud800", "题\udfff", "\ud83d")
    with pytest.raises(InputError, match="line 1 holds half a surrogate pair"):
        list(numbered_rows(tmp_path / "out.jsonl"))  # we read no file that others could not


def test_a_frame_with_half_a_surrogate_pair_is_labelled(tiny_model):
    texts = pd.Series([f"{ROAD}\ud800", CLINIC], dtype=object)
    found = classifier.label(pd.DataFrame({"id": ["甲", "乙"], "text": texts}), tiny_model, unit="row")
    assert found["text"].tolist() == texts.tolist()
    assert found["codes"].tolist() == ["road", "clinic"]
    assert found["road"].dtype == float


# --- the command ---


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.jsonl"
    rows = [
        {"id": f"={n}", "text": CLINIC + "路" * 40_000 * (n == 2), "=注": "村\0里" if n else "-5"}
        for n in range(3)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def label(fupin_here, tiny_model_folder, table):
    return lambda *options: fupin_here("label", table, "--unit", "row", "-m", tiny_model_folder, *options)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "csv",
            "9 cells changed: 7 guarded with an apostrophe against formulas (--raw: not), "
            "2 with characters that CSV cannot hold (now \ufffd)",
        ),
        (
            "xlsx",
            "10 cells changed: 7 guarded with an apostrophe against formulas (--raw: not), 2 with characters "
            "that XML cannot hold (now such as _x0000_, which Excel reads), 1 longer than 32,767 characters",
        ),
        ("jsonl", None),
        ("parquet", None),
    ],
)
def test_what_is_changed_is_told_in_one_line_before_the_last(label, tmp_path, name, told):
    ran = label("-o", tmp_path / f"out.{name}")
    assert ran.code == 0
    assert ran.err.splitlines()[:-1] == ([told] if told else [])


def test_with_raw_nothing_is_told_of_formulas(label, tmp_path):
    ran = label("-o", tmp_path / "out.csv", "--raw")
    assert ran.err.splitlines()[:-1] == [
        "2 cells changed: 2 with characters that CSV cannot hold (now \ufffd)"
    ]
    assert "\n=0,=0#0," in (tmp_path / "out.csv").read_text(encoding="utf-8")


def test_standard_output_is_guarded_too_unless_raw(label):
    assert [row["doc_id"] for row in label().rows] == ["'=0", "'=1", "'=2"]
    assert [row["doc_id"] for row in label("--raw").rows] == ["=0", "=1", "=2"]


@pytest.mark.parametrize("name", ["xlsx", "parquet"])
def test_a_workbook_on_standard_output_is_refused(label, name):
    ran = label("--format", name)
    assert (ran.code, ran.out) == (1, b"")
    assert ran.problem == [
        f"error: --format {name}: not to standard output",
        f"hint: name a file: -o OUT.{name}",
    ]


def test_a_format_that_is_asked_for_overrides_the_name(label, tmp_path):
    out = tmp_path / "out.dat"
    assert label("-o", out, "--format", "xlsx").code == 0
    assert openpyxl.load_workbook(io.BytesIO(out.read_bytes())).active["A2"].value == "'=0"


def test_a_workbook_is_written_where_the_libraries_for_them_are_not_installed(label, tmp_path, monkeypatch):
    for library in ("xlsxwriter", "openpyxl"):
        monkeypatch.setitem(__import__("sys").modules, library, None)
    assert label("-o", tmp_path / "out.xlsx").code == 0


@pytest.mark.parametrize("name", FORMATS)
def test_a_place_that_cannot_be_written_is_one_line_and_one_hint(label, tmp_path, name):
    (tmp_path / "file").write_bytes(b"")
    ran = label("-o", tmp_path / "file" / f"out.{name}")
    assert ran.code == 1
    assert len(ran.problem) == 2
    assert "Not a directory" in ran.problem[0]


def test_the_page_on_writing_names_every_format_and_option():
    page = (Path(classifier.__file__).parents[1] / "docs" / "writing.md").read_text(encoding="utf-8")
    for word in (*(f"`.{name}`" for name in FORMATS), "--raw", "1,048,575", "32,767", "U+FFFD", "_x0000_"):
        assert word in page
