"""`fupin agree`: lining up coders' files, the tables, the list for a meeting, and mistakes of all kinds."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len

from classifier.agreement_table import to_text
from classifier.codebook import codebook_from_text
from classifier.coded_marks import is_coded
from classifier.codings import read_codings
from classifier.disagreements import confusions, disagreements, write_disagreements
from classifier.errors import CodebookError, CorpusError, InputError, OutputError
from classifier.spreadsheet_guard import guarded, unguarded

COLUMNS = ("segment_id", "doc_id", "text", "codes")
KEYED = ("segment_id", "codes")
# Six segments of three documents. By hand: `clinic` is disputed in 山#1 and 湖#0, `road` in 山#1 and
# 水#1, `school` in 湖#0; all other codes are agreed.
FIRST = [
    ("山.txt#0", "山.txt", "医生每月上门量血压。", "clinic"),
    ("山.txt#1", "山.txt", "医生走新路进村。", "clinic"),
    ("水.txt#0", "水.txt", "桥修通了。", "road"),
    ("水.txt#1", "水.txt", "乡亲们赶场。", ""),
    ("湖.txt#0", "湖.txt", "小学请来了医生。", "clinic;school"),
    ("湖.txt#1", "湖.txt", "大家都高兴。", ""),
]
SECOND_CODES = ("clinic", "road", "road", "road", "", "")
SECOND = [(*row[:3], codes) for row, codes in zip(FIRST, SECOND_CODES, strict=True)]


def write_csv(path, rows, columns=COLUMNS):
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return path


def write_jsonl(path, rows, columns=COLUMNS):
    lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_xlsx(path, rows, columns=COLUMNS):
    book = openpyxl.Workbook()
    for row in (columns, *rows):
        book.active.append(row)
    book.save(path)
    return path


def write_parquet(path, rows, columns=COLUMNS):
    pd.DataFrame(rows, columns=list(columns)).to_parquet(path)
    return path


def write_gzip(path, rows, columns=COLUMNS):
    plain = write_csv(path.with_suffix(""), rows, columns)
    path.write_bytes(gzip.compress(plain.read_bytes()))
    return path


@pytest.fixture
def two_files(tmp_path):
    return write_csv(tmp_path / "张.csv", FIRST), write_csv(tmp_path / "李.csv", SECOND)


@pytest.fixture
def agree_here(fupin_here, tiny_codebook_file):
    """Run `fupin agree … --codebook` the tiny one in this process."""
    return lambda *arguments: fupin_here("agree", *arguments, "--codebook", tiny_codebook_file)


def given_codes(codings, coder):
    """Segment → codes of one coder, for the segments that he coded."""
    columns = np.array(codings.codebook.columns)
    return {
        name: ";".join(columns[row])
        for name, row, yes in zip(
            codings.segments["segment_id"], codings.labels[coder], codings.coded[coder], strict=True
        )
        if yes
    }


def csv_rows(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


# --- lining up ---


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("李.csv", write_csv),
        ("李.jsonl", write_jsonl),
        ("李.xlsx", write_xlsx),
        ("李.parquet", write_parquet),
        ("李.csv.gz", write_gzip),
    ],
)
def test_files_of_any_kind_and_in_any_order_are_lined_up(tmp_path, tiny_codebook, name, write):
    paths = [write_csv(tmp_path / "张.csv", FIRST), write(tmp_path / name, SECOND[::-1])]
    codings = read_codings(paths, tiny_codebook)
    assert codings.coders == ("张", "李")
    assert codings.segments["segment_id"].tolist() == [row[0] for row in FIRST]
    assert codings.segments["doc_id"].tolist() == [row[1] for row in FIRST]
    assert given_codes(codings, 0) == {row[0]: row[3] for row in FIRST}
    assert given_codes(codings, 1) == {row[0]: row[3] for row in SECOND}


def test_segments_that_one_coder_lacks_are_missing_not_different(tmp_path, tiny_codebook):
    paths = [write_csv(tmp_path / "a.csv", FIRST[:4]), write_csv(tmp_path / "b.csv", SECOND[2:])]
    codings = read_codings(paths, tiny_codebook)
    assert codings.coded.tolist() == [[True] * 4 + [False] * 2, [False] * 2 + [True] * 4]
    assert codings.shared.tolist() == [False, False, True, True, False, False]
    assert disagreements(codings)["segment_id"].tolist() == ["水.txt#1"]


@pytest.mark.parametrize(
    ("mark", "coded"),
    [
        ("1", True),
        ("yes", True),
        ("是", True),
        ("x", True),
        (" X ", True),
        ("１", True),
        (True, True),
        (1, True),
        ("", False),
        ("  ", False),
        (None, False),
        (float("nan"), False),
        (False, False),
    ],
)
def test_the_column_coded_says_which_rows_have_been_coded(mark, coded):
    assert is_coded(mark, "a.csv: row 1") is coded


@pytest.mark.parametrize("mark", ["0", "no", "否", "？", "done"])
def test_any_other_mark_is_refused(mark):
    with pytest.raises(InputError, match=rf"a\.csv: row 7: 'coded' is '{mark}'"):
        is_coded(mark, "a.csv: row 7")


def test_an_empty_cell_means_no_code_where_the_row_is_marked_and_nothing_where_it_is_not(
    tmp_path, tiny_codebook
):
    columns = (*COLUMNS, "coded")
    marks = ("1", "", "是", "x", "yes", "")
    filled = [(*row, mark) for row, mark in zip(SECOND, marks, strict=True)]
    paths = [write_csv(tmp_path / "a.csv", FIRST), write_csv(tmp_path / "b.csv", filled, columns)]
    codings = read_codings(paths, tiny_codebook)
    assert codings.coded[0].all()
    assert given_codes(codings, 1) == {row[0]: row[3] for row in SECOND[:5]}  # 山#1: a code, no mark


def test_gold_is_lined_up_by_document_and_place(tmp_path, tiny_codebook):
    columns = ("doc_id", "start", "end", "codes")
    first = write_jsonl(tmp_path / "a.jsonl", [("甲", 0, 9, ["clinic"]), ("甲", 9, 20, [])], columns)
    second = write_csv(tmp_path / "b.csv", [("甲", "9", "20", "road"), ("甲", "0", "9", "clinic")], columns)
    codings = read_codings([first, second], tiny_codebook)
    assert codings.segments["segment_id"].tolist() == ["甲:0-9", "甲:9-20"]
    assert given_codes(codings, 1) == {"甲:0-9": "clinic", "甲:9-20": "road"}


@pytest.mark.parametrize(
    ("column", "names", "documents"),
    [
        ("segment_id", ("甲#0", "甲#1", "乙"), ["甲", "甲", "乙"]),
        ("id", ("甲-0", "甲-1", 7.0), ["甲", "甲", "7"]),
    ],
)
def test_without_doc_id_the_name_of_the_segment_names_the_document(
    tmp_path, tiny_codebook, column, names, documents
):
    rows = [(name, "road") for name in names]
    paths = [write_jsonl(tmp_path / f"{n}.jsonl", rows, (column, "codes")) for n in "ab"]
    assert read_codings(paths, tiny_codebook).segments["doc_id"].tolist() == documents


def test_the_key_is_the_first_that_all_files_have(tmp_path, tiny_codebook):
    both = write_csv(tmp_path / "a.csv", [("s1", "7", "road")], ("segment_id", "id", "codes"))
    one = write_csv(tmp_path / "b.csv", [("7", "road")], ("id", "codes"))
    assert read_codings([both, one], tiny_codebook).segments["segment_id"].tolist() == ["7"]


def test_one_file_may_hold_all_coders(tmp_path, tiny_codebook):
    rows = [("张", *row) for row in FIRST] + [("李", *row) for row in SECOND]
    path = write_csv(tmp_path / "all.csv", rows, ("coder", *COLUMNS))
    codings = read_codings([path], tiny_codebook, "coder")
    assert codings.coders == ("张", "李")
    assert given_codes(codings, 1) == {row[0]: row[3] for row in SECOND}


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (("a.csv", "b.jsonl"), ("a", "b")),
        (("a.csv", "a.jsonl"), ("a.csv", "a.jsonl")),
        (("张/a.csv", "李/a.csv"), ("张/a.csv", "李/a.csv")),
    ],
    ids=["names", "endings", "folders"],
)
def test_coders_are_named_by_what_tells_their_files_apart(tmp_path, tiny_codebook, places, names):
    paths = [tmp_path / place for place in places]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        (write_csv if path.suffix == ".csv" else write_jsonl)(path, FIRST)
    assert read_codings(paths, tiny_codebook).coders == names


def test_a_guarded_text_is_the_text_that_it_guards(tmp_path, tiny_codebook):
    plain = write_jsonl(tmp_path / "a.jsonl", [("=1#0", "=1", "=HYPERLINK(1)", "road")])
    filled = write_csv(tmp_path / "b.csv", [("'=1#0", "'=1", "'=HYPERLINK(1)", "")])
    codings = read_codings([plain, filled], tiny_codebook)
    assert codings.segments.loc[0].tolist() == ["=1#0", "=1", "=HYPERLINK(1)"]
    assert codings.shared.tolist() == [True]


def test_line_breaks_that_a_spreadsheet_changed_make_no_other_text(tmp_path, tiny_codebook):
    paths = [
        write_csv(tmp_path / f"{name}.csv", [("甲#0", "甲", text, "road")])
        for name, text in (("a", "路通了。\r\n　"), ("b", "路通了。"))
    ]
    assert read_codings(paths, tiny_codebook).shared.tolist() == [True]


def test_without_text_and_document_of_the_first_those_of_the_second_serve(tmp_path, tiny_codebook):
    bare = write_csv(tmp_path / "a.csv", [("s1", "road")], ("segment_id", "codes"))
    full = write_csv(tmp_path / "b.csv", [("s1", "甲", "路通了。", "road")])
    assert read_codings([bare, full], tiny_codebook).segments.loc[0].tolist() == ["s1", "甲", "路通了。"]


# --- mistakes ---


@pytest.mark.parametrize(
    ("rows", "columns", "problem"),
    [
        ([("山.txt#0", "bridge")], KEYED, ("b.csv: row 1: unknown code 'bridge'", "--codebook")),
        ([("山.txt#0", "road；well")], KEYED, ("b.csv: row 1: unknown code 'road；well'", "by ';'")),
        (
            [("山.txt#0", "road"), ("水.txt#0", ""), ("山.txt#0", "")],
            KEYED,
            ("b.csv: row 3: segment '山.txt#0' stands in b.csv: row 1 already", "keep one"),
        ),
        (
            [("山.txt#0", "山.txt", "另一句话。", "road")],
            COLUMNS,
            ("b.csv: row 1: segment '山.txt#0' has another text than before: '另一句话。'", "same sample"),
        ),
        (
            [("山.txt#0", "谷.txt", "", "road")],
            COLUMNS,
            ("b.csv: row 1: segment '山.txt#0' has another doc_id than before: '谷.txt'", "same sample"),
        ),
        ([("山.txt#0", "x")], ("segment_id", "text"), ("no column 'codes'", "columns: segment_id, text")),
        ([("", "road")], KEYED, ("b.csv: row 1: 'segment_id' is empty", "fill")),
        ([], KEYED, ("b.csv: no rows", "a row for each")),
        ([("a", "road")], ("name", "codes"), ("b.csv: no column 'segment_id'", "doc_id, start and end")),
        ([("河#9", "road")], KEYED, ("no segment was coded by two coders (a: 6, b: 1)", "ids")),
        ([("山.txt#0", "road", "?")], (*KEYED, "coded"), ("b.csv: row 1: 'coded' is '?'", "yes, 是")),
        ([("山.txt#0", "", "")], (*KEYED, "coded"), ("two coders (a: 6, b: 0)", "'coded'")),
    ],
    ids=[
        *("unknown code", "wrong semicolon", "doubled segment", "other text", "other document", "no codes"),
        *("no name", "no rows", "no key", "nothing shared", "unknown mark", "nothing coded yet"),
    ],
)
def test_a_mistake_is_named_with_file_and_row(tmp_path, tiny_codebook, rows, columns, problem):
    paths = [write_csv(tmp_path / "a.csv", FIRST), write_csv(tmp_path / "b.csv", rows, columns)]
    with pytest.raises(InputError) as caught:
        read_codings(paths, tiny_codebook)
    assert problem[0] in str(caught.value)
    assert problem[1] in caught.value.hint
    assert "\n" not in str(caught.value) + caught.value.hint


def test_a_code_given_twice_is_a_mistake(tmp_path, tiny_codebook):
    paths = [
        write_csv(tmp_path / "a.csv", FIRST),
        write_csv(tmp_path / "b.csv", [(*FIRST[0][:3], "road;road")]),
    ]
    with pytest.raises(CorpusError, match=r"b\.csv: row 1: a code stands twice in 'road;road'"):
        read_codings(paths, tiny_codebook)


def test_a_json_row_without_codes_is_not_taken_for_one_without_a_measure(tmp_path, tiny_codebook):
    path = tmp_path / "b.jsonl"
    path.write_text('{"segment_id": "山.txt#0", "codes": ""}\n{"segment_id": "水.txt#0"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"b\.jsonl: row 2: no 'codes'"):
        read_codings([write_csv(tmp_path / "a.csv", FIRST), path], tiny_codebook)


def test_a_coder_column_must_be_there_be_filled_and_name_two(tmp_path, tiny_codebook):
    path = write_csv(tmp_path / "a.csv", [("", *FIRST[0]), ("张", *FIRST[1])], ("coder", *COLUMNS))
    with pytest.raises(InputError, match=r"a\.csv: no column 'who'"):
        read_codings([path], tiny_codebook, "who")
    with pytest.raises(InputError, match=r"a\.csv: row 1: 'coder' is empty"):
        read_codings([path], tiny_codebook, "coder")
    write_csv(path, [("张", *row) for row in FIRST], ("coder", *COLUMNS))
    with pytest.raises(InputError, match="one coder only: '张'"):
        read_codings([path], tiny_codebook, "coder")


def test_a_file_named_twice_is_not_two_coders(two_files, tiny_codebook):
    with pytest.raises(InputError, match="named twice"):
        read_codings([two_files[0], two_files[0].parent / "." / "张.csv"], tiny_codebook)


def test_with_an_exclusive_codebook_each_coded_row_has_one_code(tmp_path):
    book = codebook_from_text(
        'name: news\nversion: "1"\nexclusive: true\n'
        "codes: [{code: sport, name: 体育}, {code: stock, name: 股票}]\n",
        "news.yaml",
    )
    columns = ("id", "codes", "coded")
    first = write_csv(tmp_path / "a.csv", [("1", "sport", "1"), ("2", "stock", "1"), ("3", "", "")], columns)
    second = write_csv(tmp_path / "b.csv", [("1", "sport", "1"), ("2", "sport", "1")], columns)
    codings = read_codings([first, second], book)
    assert codings.labels.sum(axis=2).tolist() == [[1, 1, 0], [1, 1, 0]]
    text = to_text(codings)
    assert next(x for x in text.splitlines() if "sport / stock" in x).split()[-3:] == ["1", "0", "1"]
    write_csv(second, [("1", "", "1")], columns)
    with pytest.raises(InputError, match=r"b\.csv: row 1: 0 codes, but 'news' wants exactly one"):
        read_codings([first, second], book)


# --- codes taken for each other, and the list ---


def test_codes_taken_for_each_other_and_codes_given_alone_are_told_apart(two_files, tiny_codebook):
    codings = read_codings(two_files, tiny_codebook)
    clinic, school, road = 0, 1, 2
    for_each_other, alone = confusions(codings.labels, codings.coded)
    assert for_each_other == Counter({(clinic, road): 1})  # 山#1: 张 clinic, 李 road
    assert alone == Counter({(1, road): 1, (0, clinic): 1, (0, school): 1})


def test_what_a_coder_did_not_code_is_confused_with_nothing():
    labels = np.array([[[1, 0]], [[0, 0]], [[0, 1]]], dtype=bool)
    coded = np.array([[True], [False], [True]])
    assert confusions(labels, coded) == (Counter({(0, 1): 1}), Counter())


def test_the_list_has_what_a_meeting_needs_with_the_most_disputed_codes_first(two_files, tiny_codebook):
    frame = disagreements(read_codings(two_files, tiny_codebook))
    assert list(frame) == [
        "segment_id",
        "doc_id",
        "text",
        "张",
        "李",
        "agreed",
        "disputed",
        "decision",
        "note",
    ]
    # `clinic` and `road` are disputed twice each, `clinic` comes first in the codebook.
    assert frame["segment_id"].tolist() == ["山.txt#1", "湖.txt#0", "水.txt#1"]
    assert frame["disputed"].tolist() == ["clinic;road", "clinic;school", "road"]
    assert frame["agreed"].tolist() == ["", "", ""]
    assert frame["张"].tolist() == ["clinic", "clinic;school", ""]
    assert frame["李"].tolist() == ["road", "", "road"]


def test_agreed_codes_are_those_of_all_who_coded_the_segment(tmp_path, tiny_codebook):
    rows = [
        ("甲#0", "甲", "小学请医生，路也通了。", codes)
        for codes in ("clinic;school;road", "school;clinic", "clinic")
    ]
    paths = [write_csv(tmp_path / f"{n}.csv", [row]) for n, row in zip("abc", rows, strict=True)]
    paths.append(write_csv(tmp_path / "d.csv", [("乙#0", "乙", "水来了。", "well")]))
    out = tmp_path / "out.csv"
    write_disagreements(disagreements(read_codings(paths, tiny_codebook)), out)
    (row,) = csv_rows(out)
    assert (row["agreed"], row["disputed"], row["d"]) == ("clinic", "school;road", "(not coded)")


def test_a_coder_called_like_a_column_gets_one_of_his_own(tmp_path, tiny_codebook):
    paths = [write_csv(tmp_path / "text.csv", FIRST), write_csv(tmp_path / "note.csv", SECOND)]
    frame = disagreements(read_codings(paths, tiny_codebook))
    assert frame[["text", "coder text", "coder note", "note"]].loc[0].tolist() == [
        *("医生走新路进村。", "clinic", "road", "")
    ]


@pytest.fixture
def hostile(tmp_path, tiny_codebook):
    """Codings of texts that want to be a formula, a script, a table cell or a link."""
    texts = [
        "=HYPERLINK(1)",
        "<script>alert(1)</script>",
        "a|b\n| - |",
        "\u202e到\x1b[31m",
        "＠说",
        "[x](http://y)",
    ]
    paths = [
        write_jsonl(tmp_path / f"{name}.jsonl", [(f"-{i}#0", f"-{i}", t, codes) for i, t in enumerate(texts)])
        for name, codes in (("=a", "road"), ("b", ""))
    ]
    return texts, disagreements(read_codings(paths, tiny_codebook))


def test_the_csv_opens_in_excel_and_holds_no_formula(tmp_path, hostile):
    texts, frame = hostile
    out = tmp_path / "out.csv"
    write_disagreements(frame, out)
    assert out.read_bytes().startswith(b"\xef\xbb\xbfsegment_id,doc_id,text,'=a,b,")
    rows = csv_rows(out)
    cells = [cell for row in rows for cell in (*row, *row.values())]
    formulas = [cell for cell in cells if cell.startswith(tuple("=+-@＝＋－＠\t\r"))]
    assert {cell for cell in formulas if not re.fullmatch("-[0-9]+", cell)} == set()  # -0 is a number
    assert [unguarded(row["text"]) for row in rows][:3] == texts[:3]
    assert rows[3]["text"] == "\ufffd到\ufffd[31m"
    assert unguarded(rows[0]["segment_id"]) == "-0#0"


def test_in_markdown_hostile_texts_stay_in_their_cells(tmp_path, hostile):
    out = tmp_path / "out.md"
    write_disagreements(hostile[1], out)
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(out.read_text(encoding="utf-8"))
    rows = [t for t in tokens if t.type == "tr_open"]
    cells = [t for t in tokens if t.type in ("td_open", "th_open")]
    assert (len(rows), len(cells)) == (7, 63)
    inline = [child for t in tokens for child in t.children or ()]
    assert {t.type for t in inline} <= {"text", "text_special"}
    said = ["".join(c.content for c in t.children) for t in tokens if t.type == "inline"]
    assert "<script>alert(1)</script>" in said
    assert "a|b | - |" in said


def test_jsonl_keeps_texts_as_they_are(tmp_path, hostile):
    texts, frame = hostile
    out = tmp_path / "out.jsonl"
    write_disagreements(frame, out)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in rows] == texts
    assert rows[0] == {
        **{"segment_id": "-0#0", "doc_id": "-0", "text": "=HYPERLINK(1)", "=a": "road", "b": ""},
        **{"agreed": "", "disputed": "road", "decision": "", "note": ""},
    }


def test_a_list_of_another_kind_is_refused_and_nothing_is_left(tmp_path, hostile):
    with pytest.raises(OutputError, match=r"out\.docx: unknown format '\.docx'"):
        write_disagreements(hostile[1], tmp_path / "out.docx")
    with pytest.raises(OutputError, match="No such file"):
        write_disagreements(hostile[1], tmp_path / "nowhere" / "out.csv")
    assert not list(tmp_path.glob("out*"))


@given(st.text(alphabet="'=+-@\t\r＝＋－＠a字") | st.text())
def test_the_guard_lets_no_formula_through_and_comes_off_again(text):
    assert not guarded(text).startswith(tuple("=+-@\t\r＝＋－＠"))
    assert unguarded(guarded(text)) == text


# --- the tables ---


def test_the_tables_are_those_counted_by_hand(two_files, tiny_codebook):
    text = to_text(read_codings(two_files, tiny_codebook))
    blocks = [block.splitlines() for block in text.split("\n\n")]
    heading, alphas, shares, whole, positives, confused, alone = blocks
    assert heading == [
        "village: 6 segments in 3 documents coded by two or more",
        "  A  张  6 coded, 6 of them by others too",
        "  B  李  6 coded, 6 of them by others too",
    ]
    # clinic: 1 both, 2 first only, 3 neither. alpha = 1 - 11 · 4 / (2 · 4 · 8), kappa = 1/3, F1 = 2/4.
    assert alphas[1].split()[:3] == ["clinic", "看病", f"{1 - 11 * 2 / (4 * 8):.3f}"]
    assert "0.333" in alphas[1]
    assert shares[1].split()[:3] == ["clinic", "看病", "66.7"]
    assert "0.500" in shares[1]
    assert alphas[4].split() == ["well", "打井", "–", "–"]
    assert whole[0] == "all together"
    assert whole[2].split()[:6] == ["exactly", "the", "same", "set,", "%", "50.0"]
    assert whole[3].split()[:2] == ["micro-F1", "0.444"]
    assert "nobody gave the code" in whole[4]
    assert [line.split() for line in positives[1:]] == [
        *(["clinic", "看病", "3", "1"], ["school", "上学", "1", "0"]),
        *(["road", "修路", "1", "3"], ["well", "打井", "0", "0"]),
    ]
    assert [line.split() for line in confused] == [
        ["taken", "for", "each", "other", "times", "A", "/", "B", "B", "/", "A"],
        ["clinic", "/", "road", "1", "1", "0"],
    ]
    assert [line.split() for line in alone[1:]] == [
        *(["clinic", "1", "1", "0"], ["school", "1", "1", "0"], ["road", "1", "0", "1"])
    ]


def test_how_often_a_code_was_given_is_counted_where_others_coded_too(tmp_path, tiny_codebook):
    paths = [write_csv(tmp_path / "a.csv", FIRST), write_csv(tmp_path / "b.csv", SECOND[3:])]
    text = to_text(read_codings(paths, tiny_codebook))
    assert text.startswith("village: 3 segments in 2 documents")
    assert "  A  a  6 coded, 3 of them by others too" in text
    positives = next(b for b in text.split("\n\n") if b.startswith("segments given")).splitlines()
    assert positives[1].split() == ["clinic", "看病", "1", "0"]


def test_a_direction_is_that_of_the_coders_not_of_the_codebook(two_files, tiny_codebook):
    text = to_text(read_codings(two_files[::-1], tiny_codebook))
    assert "clinic / road" in text
    assert next(x for x in text.splitlines() if "clinic / road" in x).split()[-3:] == ["1", "0", "1"]


def test_a_scheme_measures_its_categories(two_files, tiny_codebook):
    text = to_text(read_codings(two_files, tiny_codebook), "two-kinds")
    assert text.startswith("two-kinds: 6 segments")
    positives = next(b for b in text.split("\n\n") if b.startswith("segments given")).splitlines()
    assert [line.split() for line in positives[1:]] == [["公共服务", "3", "1"], ["基础设施", "1", "3"]]
    assert "公共服务 / 基础设施" in text


def test_no_line_is_wider_than_a_terminal_however_long_the_names_and_many_the_coders(tmp_path):
    codes = "\n".join(
        f"  - {{code: code_with_a_long_name_{i}, name: 名称很长很长很长很长的措施{i}}}" for i in range(3)
    )
    book = codebook_from_text(f'name: {"long" * 20}\nversion: "1"\ncodes:\n{codes}\n', "long.yaml")
    paths = []
    for i in range(12):
        rows = [(f"d{n}#0", book.columns[(n * i) % 3]) for n in range(9)]
        paths.append(write_csv(tmp_path / f"{'长' * 60}{i}.csv", rows, ("segment_id", "codes")))
    text = to_text(read_codings(paths, book))
    assert max(map(cell_len, text.splitlines())) <= 80
    assert "κ and F1 are means over the pairs of coders" in text
    heads = [line.split()[2:] for line in text.splitlines() if line.startswith("segments given")]
    assert [letter for head in heads for letter in head] == list("ABCDEFGHIJKL")


def test_of_the_confusions_the_ten_most_frequent_are_shown(tmp_path):
    codes = "\n".join(f"  - {{code: k{i:02}, name: k{i:02}}}" for i in range(15))
    book = codebook_from_text(f'name: b\nversion: "1"\ncodes:\n{codes}\n', "b.yaml")
    pairs = [(0, i) for i in range(1, 15) for _ in range(i)]
    for name, side in (("a", 0), ("b", 1)):
        rows = [(f"d#{n}", book.columns[pair[side]]) for n, pair in enumerate(pairs)]
        write_csv(tmp_path / f"{name}.csv", rows, ("segment_id", "codes"))
    text = to_text(read_codings([tmp_path / "a.csv", tmp_path / "b.csv"], book))
    shown = [line.split()[2:4] for line in text.splitlines() if " / " in line and line.startswith("k")]
    assert shown == [[f"k{i:02}", str(i)] for i in range(14, 4, -1)]


# --- the command ---


def test_the_command_prints_tables_and_writes_the_list(agree_here, two_files, tmp_path, tiny_codebook):
    out = tmp_path / "分歧.csv"
    ran = agree_here(*two_files, "-o", out)
    assert (ran.code, ran.text) == (0, to_text(read_codings(two_files, tiny_codebook)))
    assert ran.err.splitlines() == [
        "3 documents are few to resample: the intervals are too narrow",
        f"3 segments on which coders differ → {out}",
    ]
    assert [row["disputed"] for row in csv_rows(out)] == ["clinic;road", "clinic;school", "road"]


def test_the_same_input_gives_the_same_bytes(agree_here, two_files, tmp_path):
    outs = [tmp_path / f"{n}.csv" for n in "xy"]
    first, second = (agree_here(*two_files, "-o", out) for out in outs)
    assert first.out == second.out
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_each_scheme_follows_the_codes(agree_here, two_files):
    ran = agree_here(*two_files, "--scheme", "two-kinds")
    assert [x for x in ran.text.splitlines() if " segments in " in x] == [
        "village: 6 segments in 3 documents coded by two or more",
        "two-kinds: 6 segments in 3 documents coded by two or more",
    ]


def test_a_model_brings_its_codebook(fupin_here, two_files, tiny_model_folder):
    ran = fupin_here("agree", *two_files, "-m", tiny_model_folder)
    assert ran.code == 0
    assert ran.text.startswith("village: ")


def test_what_label_wrote_can_be_compared(fupin_here, tiny_model_folder, tmp_path):
    (tmp_path / "山.txt").write_text(
        "签约医生每月上门给老人量血压。乡亲们坐在院坝里晒太阳。", encoding="utf-8"
    )
    model, outs = ("-m", tiny_model_folder), (tmp_path / "a.csv", tmp_path / "b.jsonl")
    for out in outs:
        assert fupin_here("label", tmp_path / "山.txt", *model, "-o", out, "--jobs", "1").code == 0
    ran = fupin_here("agree", *outs, *model)
    assert ran.code == 0
    assert "exactly the same set, %  100.0 [–]" in ran.text
    assert "all segments are in one document: there are no intervals" in ran.err


def test_work_that_does_not_count_is_told(agree_here, tmp_path):
    rows = [(*row, "1" if n < 2 else "") for n, row in enumerate(SECOND)]
    third = write_csv(tmp_path / "c.csv", [("井#0", "井", "井水清。", "well")])
    paths = write_csv(tmp_path / "a.csv", FIRST), write_csv(tmp_path / "b.csv", rows, (*COLUMNS, "coded"))
    said = agree_here(*paths, third).err.splitlines()
    assert "c: not one segment that another coder coded too" in said
    assert "3 of 7 segments were not coded by two coders; they do not count" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.csv",), "name a file for each coder"),
        (("a.csv", "b.csv", "-m", "model"), "-m and --codebook"),
        ((), "Missing argument"),
    ],
)
def test_what_makes_no_sense_to_ask_for_is_exit_two(agree_here, arguments, message):
    ran = agree_here(*arguments)
    assert (ran.code, ran.out) == (2, b"")
    assert message in ran.err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("missing.csv",), "missing.csv: no such file"),
        (("-o", "list.docx"), "list.docx: unknown format"),
        (("--scheme", "three"), "village: no scheme 'three'"),
    ],
)
def test_a_mistake_is_one_line_and_one_hint(agree_here, two_files, change, message):
    ran = agree_here(*two_files, *change)
    assert (ran.code, ran.out) == (1, b"")
    assert [line.partition(":")[0] for line in ran.problem] == ["error", "hint"]
    assert message in ran.problem[0]
    assert len(ran.err.splitlines()) == 2


def test_a_list_without_disagreements_has_its_header(agree_here, tmp_path):
    paths = [write_csv(tmp_path / f"{n}.csv", FIRST) for n in "ab"]
    ran = agree_here(*paths, "-o", tmp_path / "out.csv")
    assert ran.code == 0
    assert "0 segments on which coders differ" in ran.err
    text = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert list(csv.reader(io.StringIO(text))) == [
        ["segment_id", "doc_id", "text", "a", "b", "agreed", "disputed", "decision", "note"]
    ]


def test_an_unknown_scheme_is_told_by_the_library_too(two_files, tiny_codebook):
    with pytest.raises(CodebookError, match="no scheme 'three'"):
        to_text(read_codings(two_files, tiny_codebook), "three")
