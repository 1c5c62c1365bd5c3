"""Reading documents: encodings, tables, folders, globs, ids, and what is refused."""

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from classifier.documents import Document, Reading, documents
from classifier.errors import InputError, NothingReadError
from classifier.limits import FREE, Limits
from classifier.table_documents import BAD_ROWS
from classifier.tables import table_rows
from classifier.text_files import decode, read_text, suffix_of

fixed = settings(derandomize=True, deadline=None)

SENTENCE = "签约医生每月上门，药费减半。"
TRADITIONAL = "各鄉鎮要落實產業幫扶措施，幫助困難戶增加收入。"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Return a folder for files that a property test writes again and again."""
    return tmp_path_factory.mktemp("scratch")


def write(path, content):
    """Write text as UTF-8 with its line ends untouched, or bytes as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def read(*inputs, **options):
    return list(documents(inputs, Reading(**options)))


def refusal(read_it, error=InputError):
    """Return the message of a refusal: one line, with a hint of one line."""
    with pytest.raises(error, match=r"\S") as caught:
        read_it()
    assert caught.value.hint
    assert "\n" not in str(caught.value) + caught.value.hint
    return str(caught.value), caught.value.hint


def is_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- encodings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SENTENCE.encode("utf-8"), id="UTF-8"),
        pytest.param(SENTENCE.encode("utf-8-sig"), id="UTF-8 with BOM"),
        pytest.param(b"\xff\xfe" + SENTENCE.encode("utf-16-le"), id="UTF-16 LE with BOM"),
        pytest.param(b"\xfe\xff" + SENTENCE.encode("utf-16-be"), id="UTF-16 BE with BOM"),
        pytest.param(SENTENCE.encode("gb18030"), id="GB18030"),
        pytest.param(SENTENCE.encode("gbk"), id="GBK"),
    ],
)
def test_the_encoding_is_found_out_and_the_bom_removed(data):
    assert decode(data, "a.txt") == SENTENCE


@fixed
@given(st.text(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_unicode_text_survives_whatever_it_holds(text, encoding):
    assume(not text.startswith("\ufeff"))
    assert decode(text.encode(encoding), "a.txt") == text


@fixed
@given(st.text(alphabet="村里修好了水渠和公路，发展产业。", min_size=6))
def test_common_chinese_in_gb18030_is_read(text):
    assume(set(text) - set("，。"))
    assume(not is_utf8(text.encode("gb18030")))  # a few characters of GB18030 may be
    assert decode(text.encode("gb18030"), "a.txt") == text


def test_gb18030_with_a_tenth_of_rare_characters_is_still_read_and_with_more_refused():
    common, rare = "村" * 9, "\u3400"  # a character beyond GB 2312
    assert decode((common + rare).encode("gb18030"), "a.txt") == common + rare
    message, _ = refusal(lambda: decode((common + rare * 2).encode("gb18030"), "a.txt"))
    assert message == "a.txt: neither UTF-8 (byte 0) nor GB18030"


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        pytest.param(TRADITIONAL.encode("big5"), 0, id="Big5"),
        pytest.param(b"title: " + TRADITIONAL.encode("big5"), 7, id="Big5 behind ASCII"),
        pytest.param(SENTENCE.encode("utf-8")[:-1], 39, id="UTF-8 cut off in a character"),
        pytest.param(b"caf\xe9", 3, id="Latin-1"),
        pytest.param("ａｂ".encode("gb18030"), 0, id="GB18030 without a Han character to judge by"),
        pytest.param("村里修路。".encode("gb18030") + b"\xff", 0, id="GB18030 with a broken byte"),
        pytest.param(b"ab\xff\xff\xff", 2, id="bytes of no encoding"),
    ],
)
def test_other_bytes_are_refused_with_the_offset_and_the_option(data, offset):
    message, hint = refusal(lambda: decode(data, "a.txt"))
    assert message == f"a.txt: neither UTF-8 (byte {offset}) nor GB18030"
    assert "--encoding" in hint


@pytest.mark.parametrize(
    ("data", "encoding", "byte"),
    [
        pytest.param(b"\xef\xbb\xbf" + b"ab\xff", "utf-8", 5, id="UTF-8 BOM"),
        pytest.param(b"\xff\xfe" + "村".encode("utf-16-le") + b"x", "utf-16-le", 4, id="UTF-16 BOM"),
    ],
)
def test_bytes_that_belie_their_bom_are_refused_with_the_offset_in_the_file(data, encoding, byte):
    message, hint = refusal(lambda: decode(data, "a.txt"))
    assert message == f"a.txt: not {encoding} at byte {byte}"
    assert "--encoding" in hint


def test_a_named_encoding_is_believed():
    assert decode(TRADITIONAL.encode("big5"), "a.txt", "big5") == TRADITIONAL
    assert decode(SENTENCE.encode("utf-8-sig"), "a.txt", "utf-8") == SENTENCE
    assert decode(SENTENCE.encode("utf-16"), "a.txt", "utf-16") == SENTENCE


@pytest.mark.parametrize(
    ("data", "encoding", "byte"),
    [
        pytest.param(b"ab\xff", "utf-8", 2, id="a byte that is none"),
        pytest.param("路".encode("utf-16-le"), "utf-16", 0, id="no mark at the beginning"),
        pytest.param(b"abcde", "utf-32", 0, id="no mark, and cut short"),
    ],
)
def test_a_named_encoding_that_does_not_fit_is_refused_with_the_byte(data, encoding, byte):
    message, _ = refusal(lambda: decode(data, "a.txt", encoding))
    assert message == f"a.txt: not {encoding} at byte {byte}"


@pytest.mark.parametrize("name", ["big6", "hex", "zip", "rot13", "undefined", "idna", "punycode", "a\0b"])
def test_an_encoding_that_does_not_exist_or_makes_no_text_is_refused(name):
    message, hint = refusal(lambda: decode(b"ab", "a.txt", name))
    assert message == f"a.txt: no encoding is called '{name}'".replace("\0", "\ufffd")
    assert "big5" in hint


def test_line_ends_stay_as_they_are(tmp_path):
    text = "一\r\n二\r三\n四\u2028五\x0c"
    assert read_text(write(tmp_path / "a.txt", text)) == text


# --- tables: CSV and TSV ---------------------------------------------------------------------------


def rows(path, content, **options):
    return list(table_rows(write(path, content), **options))


def test_csv_cells_may_hold_commas_quotes_and_line_breaks(tmp_path):
    content = 'id,text\r\n007,"他说：""好""，\r\n走吧"\r\n8,\r\n'
    assert rows(tmp_path / "a.csv", content) == [
        {"id": "007", "text": '他说："好"，\r\n走吧'},
        {"id": "8", "text": ""},
    ]


def test_a_tsv_is_split_at_tabs(tmp_path):
    assert rows(tmp_path / "a.tsv", "id\ttext\n1\t一，二,三\n") == [{"id": "1", "text": "一，二,三"}]


def test_a_csv_from_excel_is_read_in_its_encoding(tmp_path):
    content = f"编号,正文\r\n1,{SENTENCE}\r\n"
    expected = [{"编号": "1", "正文": SENTENCE}]
    assert rows(tmp_path / "bom.csv", content.encode("utf-8-sig")) == expected
    assert rows(tmp_path / "gbk.csv", content.encode("gbk")) == expected
    assert rows(tmp_path / "named.csv", content.encode("utf-16-le"), encoding="utf-16-le") == expected


def test_blank_lines_of_a_csv_are_no_rows(tmp_path):
    assert [row["id"] for row in rows(tmp_path / "a.csv", "id,text\n1,一\n\n2,二\n\n")] == ["1", "2"]


@pytest.mark.parametrize("content", ["", "id,text\n"], ids=["empty file", "header alone"])
def test_a_csv_without_rows_has_none(content, tmp_path):
    assert rows(tmp_path / "a.csv", content) == []


def test_a_cell_may_be_longer_than_the_librarys_limit(tmp_path):
    assert len(rows(tmp_path / "a.csv", "text\n" + "村" * 200_000)[0]["text"]) == 200_000


@fixed
@given(
    st.lists(
        st.tuples(*[st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"))] * 2)
    )
)
def test_what_a_csv_writer_writes_is_read_back(scratch, cells):
    stream = io.StringIO()
    csv.writer(stream).writerows([("id", "text"), *cells])
    assert rows(scratch / "a.csv", stream.getvalue()) == [{"id": a, "text": b} for a, b in cells]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("id,text\n1,一\n2,二,三\n", "row 2 has 3 cells, the header 2", id="too many cells"),
        pytest.param("id,text\n1,一\n\n2\n", "row 2 has 1 cells, the header 2", id="too few cells"),
        pytest.param("id,text,id\n1,一,2\n", "column 'id' stands twice in the header", id="doubled column"),
        pytest.param(
            'id,text\n1,一\n2,"二\n3,三\n4,四\n',
            "row on line 3: unexpected end of data",
            id="a quote that never closes",
        ),
        pytest.param(
            'id,text\n"1"x,一\n', "row on line 2: ',' expected after '\"'", id="text behind a quoted cell"
        ),
        pytest.param(
            '"id,text\n1,一\n', "row on line 1: unexpected end of data", id="an open quote in the header"
        ),
    ],
)
def test_a_csv_that_does_not_fit_its_header_is_refused_with_the_row(content, message, tmp_path):
    path = tmp_path / "a.csv"
    assert refusal(lambda: rows(path, content))[0] == f"{path}: {message}"


# --- tables: JSONL ---------------------------------------------------------------------------------


def test_jsonl_keeps_the_types_of_values_and_skips_blank_lines(tmp_path):
    content = '{"id": 7, "text": "一\u2028二", "tags": ["a"]}\r\n\n  \n{"id": "8", "text": null}'
    assert rows(tmp_path / "a.jsonl", content) == [
        {"id": 7, "text": "一\u2028二", "tags": ["a"]},
        {"id": "8", "text": None},
    ]


@fixed
@given(st.lists(st.fixed_dictionaries({"id": st.integers(), "text": st.text()})), st.booleans())
def test_what_a_json_writer_writes_is_read_back(scratch, written, ascii_only):
    content = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in written)
    assert rows(scratch / "a.jsonl", content) == written


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param('{"id": "2", "text": }', r"line 3 is not JSON (Expecting value", id="no JSON"),
        pytest.param('{"id": "2"', "line 3 is not JSON (", id="cut off"),
        pytest.param('["2", "二"]', "line 3 is no JSON object", id="a list"),
        pytest.param('"二"', "line 3 is no JSON object", id="a text"),
        pytest.param("[" * 100_000, "line 3 is not JSON (", id="nested too deeply"),
        pytest.param('{"text": "\\ud83d"}', "line 3 holds half a surrogate pair", id="half a character"),
    ],
)
def test_a_line_that_is_no_json_object_is_refused_with_its_number(line, message, tmp_path):
    path = tmp_path / "a.jsonl"
    said, _ = refusal(lambda: rows(path, '{"id": "1", "text": "一"}\n\n' + line))
    assert said.startswith(f"{path}: {message}")


def test_a_table_of_unknown_format_is_refused(tmp_path):
    message, hint = refusal(lambda: rows(tmp_path / "a.xls", b""))
    assert message == f"{tmp_path / 'a.xls'}: unknown format '.xls'"
    assert ".csv" in hint


# --- rows as documents -----------------------------------------------------------------------------


def test_a_row_becomes_a_document_with_its_other_columns(tmp_path):
    path = write(
        tmp_path / "a.csv",
        "id,text,title,date,source,region\n007,签约医生上门。,标题,2020-01-02,县报,山区\n",
    )
    assert read(path) == [Document("007", "签约医生上门。", "标题", "2020-01-02", "县报", {"region": "山区"})]


@pytest.mark.parametrize(
    ("header", "identifier"),
    [
        pytest.param("doc,doc_id,id,text", "c", id="id first"),
        pytest.param("doc,doc_id,other,text", "b", id="then doc_id"),
        pytest.param("doc,other,another,text", "a", id="then doc"),
        pytest.param("x,y,z,text", "1", id="else the row's number"),
    ],
)
def test_a_row_is_named_by_its_first_id_column(header, identifier, tmp_path):
    assert read(write(tmp_path / "a.csv", f"{header}\na,b,c,一\n"))[0].id == identifier


def test_the_columns_can_be_named(tmp_path):
    path = write(tmp_path / "a.csv", "id,no,正文\n1,甲,一\n")
    assert read(path, text_column="正文", id_column="no") == [Document("甲", "一", meta={"id": "1"})]


def test_an_id_that_is_no_text_is_written_as_one(tmp_path):
    assert read(write(tmp_path / "a.jsonl", '{"id": 7, "text": "一"}'))[0].id == "7"


def test_an_empty_text_is_a_document_too(tmp_path):
    path = write(tmp_path / "a.jsonl", '{"text": ""}\n{"text": null}\n{"text": "一"}')
    assert [(d.id, d.text) for d in read(path)] == [("1", ""), ("2", ""), ("3", "一")]


@pytest.mark.parametrize(
    ("content", "options", "message", "hint"),
    [
        pytest.param(
            '{"id": 1, "body": "one"}',
            {},
            "no column with Chinese text; columns: id, body",
            "--text-column",
            id="text",
        ),
        pytest.param(
            '{"id": 1, "body": "一"}',
            {"text_column": "content"},
            "row 1: no column 'content'; columns: id, body",
            "--text-column",
            id="text named",
        ),
        pytest.param(
            '{"id": 1, "text": "一"}\n{"id": 2}',
            {},
            "row 2: no column 'text'; columns: id",
            "--text-column",
            id="later",
        ),
        pytest.param(
            '{"id": 1, "text": "一"}',
            {"id_column": "no"},
            "row 1: no column 'no'; columns: id, text",
            "--id-column",
            id="id",
        ),
        pytest.param(
            '{"id": 1, "text": 3}', {}, "row 1: 'text' is not text: 3", "quote", id="a number as text"
        ),
        pytest.param(
            '{"id": 1, "text": ["一"]}', {}, "row 1: 'text' is not text: ['一']", "quote", id="a list as text"
        ),
    ],
)
def test_a_row_without_the_column_or_a_text_in_it_is_refused(content, options, message, hint, tmp_path):
    path = write(tmp_path / "a.jsonl", content)
    said, remedy = refusal(lambda: read(path, **options))
    assert said == f"{path}: {message}"
    assert hint in remedy


# --- files, folders, globs, standard input ---------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Return a folder with texts and a table, nested, among files of other kinds."""
    write(tmp_path / "in" / "b.txt", "乙")
    write(tmp_path / "in" / "a.md", "甲")
    write(tmp_path / "in" / "b" / "c.TXT", "丙")
    write(tmp_path / "in" / "b" / "t.csv", "id,text\nr1,丁\n")
    write(tmp_path / "in" / "picture.png", b"\x89PNG")
    write(tmp_path / "in" / "README", "没有后缀")
    return tmp_path / "in"


def test_a_folder_is_read_to_the_bottom_in_the_order_of_its_paths(folder):
    assert [(d.id, d.text) for d in read(folder)] == [
        ("a.md", "甲"),
        ("b.txt", "乙"),
        ("b/c.TXT", "丙"),
        ("r1", "丁"),
    ]


def test_a_single_file_is_named_without_its_folder(folder):
    assert [d.id for d in read(folder / "b" / "c.TXT")] == ["c.TXT"]


@pytest.mark.parametrize(
    ("pattern", "ids"),
    [
        pytest.param("*.txt", ["b.txt"], id="one folder"),
        pytest.param("**/*.[tT]*[tT]", ["b.txt", "b/c.TXT"], id="below: in the order of the paths"),
        pytest.param("b/*.TXT", ["c.TXT"], id="named below the common folder"),
    ],
)
def test_a_glob_names_files_below_their_common_folder(pattern, ids, folder):
    assert [d.id for d in read(folder / pattern)] == ids


def test_inputs_are_read_in_the_order_given(folder):
    assert [d.id for d in read(folder / "b.txt", folder / "a.md")] == ["b.txt", "a.md"]


def test_a_name_with_glob_characters_is_taken_as_it_stands_where_it_exists(tmp_path):
    write(tmp_path / "1.txt", "别的")
    assert [d.text for d in read(write(tmp_path / "[1].txt", "就是它"))] == ["就是它"]


@pytest.mark.parametrize("encoding", [None, "big5"], ids=["found out", "named"])
def test_standard_input_is_one_text(encoding, monkeypatch):
    data = TRADITIONAL.encode(encoding or "utf-8-sig")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert read("-", encoding=encoding) == [Document("stdin", TRADITIONAL)]


def test_an_empty_file_is_an_empty_document(tmp_path):
    assert read(write(tmp_path / "a.txt", "")) == [Document("a.txt", "")]


@pytest.mark.parametrize("name", ["none.txt", "*.txt"], ids=["a file", "a glob without a match"])
def test_what_is_not_there_is_refused(name, tmp_path):
    assert refusal(lambda: read(tmp_path / name))[0] == f"{tmp_path / name}: no such file or folder"


def test_a_text_in_the_place_of_a_path_is_refused():
    assert refusal(lambda: read("长" * 300))[0].startswith("长" * 300 + ": ")


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    def forbidden(path, mode):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "a.txt", "一")
    monkeypatch.setattr(Path, "open", forbidden)
    assert refusal(lambda: read(path))[0] == f"{path}: Permission denied"


def test_a_folder_with_nothing_to_read_is_refused(tmp_path):
    write(tmp_path / "picture.png", b"")
    message, hint = refusal(lambda: read(tmp_path), NothingReadError)
    assert message == f"{tmp_path}: no readable file in this folder"
    assert ".jsonl" in hint


def test_a_file_of_unknown_format_is_refused(tmp_path):
    for name, remedy in (("a.png", ".txt"), ("a.doc", "save it as .docx"), ("a.xls", ".xlsx")):
        path = write(tmp_path / name, b"")
        message, hint = refusal(lambda path=path: read(path))
        assert message == f"{path}: unknown format '{path.suffix}'"
        assert remedy in hint


# --- doubled ids and skipped files -----------------------------------------------------------------


def test_a_doubled_id_in_one_table_is_refused(tmp_path):
    path = write(tmp_path / "a.csv", "id,text\n1,一\n2,二\n1,三\n")
    message, hint = refusal(lambda: read(path))
    assert message == f"{path}: id '1' stands twice (first in {path})"
    assert "--id-column" in hint


@pytest.mark.parametrize("held", [0, 2, 3])
@pytest.mark.parametrize("doubled", ["甲", "乙", "丙"])
def test_a_doubled_id_is_found_whether_ids_are_held_in_memory_or_not(tmp_path, monkeypatch, held, doubled):
    monkeypatch.setattr("classifier.documents.NAMES", held)
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("id,text\n甲,修路。\n乙,架桥。\n丙,通水。\n", encoding="utf-8")
    second.write_text(f"id,text\n丁,通电。\n{doubled},建房。\n", encoding="utf-8")
    stream = documents([first, second])
    assert [next(stream).id for _ in range(4)] == ["甲", "乙", "丙", "丁"]
    with pytest.raises(InputError) as caught:
        next(stream)
    assert str(caught.value) == f"{second}: id '{doubled}' stands twice (first in {first})"


def test_a_doubled_id_in_two_inputs_is_refused_though_files_may_be_skipped(tmp_path):
    first, second = write(tmp_path / "a" / "x.txt", "一"), write(tmp_path / "b" / "x.txt", "二")
    skipped = []
    message, _ = refusal(lambda: list(documents([first, second], on_error=skipped.append)))
    assert message == f"{second}: id 'x.txt' stands twice (first in {first})"
    assert skipped == []


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_rows_whose_id_is_empty_are_named_by_their_numbers(tmp_path, name):
    empty = {
        "a.csv": "id,text\n,一\n甲,二\n,三\n",
        "a.jsonl": '{"id":null,"text":"一"}\n{"id":"甲","text":"二"}\n{"id":"","text":"三"}\n',
    }
    found = read(write(tmp_path / name, empty[name]))
    assert [(d.id, d.text) for d in found] == [("1", "一"), ("甲", "二"), ("3", "三")]


# --- what grows ---


def test_a_table_with_too_many_columns_is_refused_at_once(tmp_path):
    path = write(
        tmp_path / "a.csv", "text," + ",".join(map(str, range(300_000))) + "\n一" + "," * 300_000 + "\n"
    )
    message, hint = refusal(lambda: read(path))
    assert message == f"{path}: more than 16,384 columns"
    assert "columns=N" in hint


def test_one_row_of_json_with_too_many_columns_is_left_out(tmp_path):
    wide = json.dumps({"text": "二", **dict.fromkeys(map(str, range(9)))})
    path = write(tmp_path / "a.jsonl", f'{{"text": "一"}}\n{wide}\n')
    skipped = []
    found = list(documents([path], Reading(limits=Limits(columns=9)), on_error=skipped.append))
    assert [d.text for d in found] == ["一"]
    assert [s.reason for s in skipped] == ["row 2: more than 9 columns"]


@pytest.mark.parametrize("column", ["id", "note", "list"])
def test_what_each_segment_would_say_again_is_limited(tmp_path, column):
    value = ["注"] * 20_000 if column == "list" else "注" * 20_000
    path = write(tmp_path / "a.jsonl", json.dumps({"text": "修路。" * 1000, column: value}) + "\n")
    assert len(read(path)) == 1
    message, hint = refusal(lambda: read(path, limits=Limits(repeated_mb=5)))
    assert message == f"{path}: row 1: id and other columns come to more than 5 MB beside its segments"
    assert "repeated_mb=N" in hint


def test_the_note_on_the_column_that_was_found_is_short(tmp_path):
    path, notes = write(tmp_path / "a.csv", "文" * 50_000 + "\n医生每月上门。\n"), []
    assert len(list(documents([path], on_note=notes.append))) == 1
    assert len(notes[0]) < len(str(path)) + 200


def test_a_page_whose_title_is_no_title_says_its_beginning(tmp_path):
    page = (
        f"<html><head><title>{'修路' * 100_000}</title></head><body>{'<p>' + SENTENCE * 9}</p></body></html>"
    )
    (found,) = read(write(tmp_path / "a.html", page))
    assert found.title == "修路" * 499 + "修…"


@pytest.mark.parametrize("codec", ["utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.html"])
def test_utf_32_with_a_mark_is_read_and_not_taken_for_utf_16(tmp_path, codec, name):
    text = {"a.txt": SENTENCE, "a.csv": f"text\n{SENTENCE}\n", "a.html": f"<html><body><p>{SENTENCE * 9}</p>"}
    (found,) = read(write(tmp_path / name, f"\ufeff{text[name]}".encode(codec)))
    assert found.text.startswith(SENTENCE)


def test_a_mark_that_was_written_twice_is_no_part_of_a_name(tmp_path):
    path = write(tmp_path / "a.csv", f"\ufeff\ufeffid,text\n甲,{SENTENCE}\n")
    assert [(d.id, d.text) for d in read(path)] == [("甲", SENTENCE)]
    assert read(write(tmp_path / "a.txt", f"\ufeff\ufeff{SENTENCE}"))[0].text == SENTENCE


def test_a_text_that_cannot_be_read_is_skipped_and_told(tmp_path):
    write(tmp_path / "1.txt", "一")
    bad = write(tmp_path / "2.txt", TRADITIONAL.encode("big5"))
    write(tmp_path / "3.txt", "三")
    skipped = []
    assert [d.id for d in documents([tmp_path], on_error=skipped.append)] == ["1.txt", "3.txt"]
    assert [str(error) for error in skipped] == [f"{bad}: neither UTF-8 (byte 0) nor GB18030"]
    assert refusal(lambda: read(tmp_path))[0] == str(skipped[0])


@pytest.mark.parametrize(("files", "more"), [(1, ""), (3, " (and 2 more that cannot be read)")])
def test_where_every_file_is_skipped_nothing_was_read(files, more, tmp_path):
    for n in range(files):
        write(tmp_path / f"{n}.txt", TRADITIONAL.encode("big5"))
    skipped = []
    message, _ = refusal(lambda: list(documents([tmp_path], on_error=skipped.append)), NothingReadError)
    assert message == f"{skipped[0]}{more}"
    assert len(skipped) == files


def test_a_file_of_unknown_format_in_a_glob_is_skipped_and_told(tmp_path):
    write(tmp_path / "a.txt", "一")
    bad = write(tmp_path / "b.pages", b"")
    skipped = []
    assert [d.id for d in documents([tmp_path / "*"], on_error=skipped.append)] == ["a.txt"]
    assert [str(error) for error in skipped] == [f"{bad}: unknown format '.pages'"]


@pytest.mark.parametrize(
    ("name", "content", "read_on", "reasons"),
    [
        pytest.param(
            "a.csv",
            "id,text\n1,一\n2,二,三\n3\n4,四\n",
            ["1", "4"],
            ["row 2 has 3 cells, the header 2", "row 3 has 1 cells, the header 2"],
            id="CSV: cells",
        ),
        pytest.param(
            "a.csv",
            'id,text\n1,一\n"2"x,二\n3,三\n',
            ["1", "3"],
            ["row on line 3: ',' expected after '\"'"],
            id="CSV: quotes",
        ),
        pytest.param(
            "a.csv",
            'id,text\n1,一\n2,"二\n3,三\n',
            ["1"],
            ["row on line 3: unexpected end of data"],
            id="CSV: a quote that never closes",
        ),
        pytest.param(
            "a.jsonl",
            '{"id": "1", "text": "一"}\n{"id": \n\n{"id": "4"}\n{"id": "5", "text": "五"}\n',
            ["1", "5"],
            ["line 2 is not JSON (Expecting value", "row 3: no column 'text'; columns: id"],
            id="JSONL",
        ),
    ],
)
def test_bad_rows_of_a_table_are_left_out_and_the_rest_is_read(name, content, read_on, reasons, tmp_path):
    path, skipped = write(tmp_path / name, content), []
    assert [d.id for d in documents([path], on_error=skipped.append)] == read_on
    assert [error.path for error in skipped] == [str(path)] * len(reasons)
    for error, reason in zip(skipped, reasons, strict=True):
        assert error.reason.startswith(reason)
        assert error.hint
    assert refusal(lambda: read(path))[0] == str(skipped[0])


def test_rows_without_an_id_keep_their_number_where_bad_ones_are_left_out(tmp_path):
    for name, content in (
        ("a.csv", "text\n一\n二,三\n四\n"),
        ("quotes.csv", 'text\n一\n"二"x\n四\n'),
        ("a.jsonl", '{"text":"一"}\n{\n\n{"text":"四"}'),
    ):
        path = write(tmp_path / name, content)
        assert [(d.id, d.text) for d in documents([path], on_error=lambda _: None)] == [
            ("1", "一"),
            ("3", "四"),
        ]


def test_of_very_many_bad_rows_the_first_are_told_and_the_others_counted(tmp_path):
    path, skipped = write(tmp_path / "a.csv", "id,text\n1,一\n" + "2\n" * (BAD_ROWS + 7)), []
    assert [d.id for d in documents([path], on_error=skipped.append)] == ["1"]
    assert len(skipped) == BAD_ROWS + 1
    assert skipped[-1].reason == "7 more rows that cannot be read"


# --- packed files ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("a.JSONL.gz", ".jsonl"), ("a.txt.GZ", ".txt"), ("a.csv", ".csv"), ("a.gz", ""), ("a", "")],
)
def test_the_ending_behind_which_gz_stands_tells_the_format(name, suffix, tmp_path):
    assert suffix_of(tmp_path / name) == suffix


def test_packed_texts_and_tables_are_read_like_unpacked_ones(tmp_path):
    write(tmp_path / "a.txt.gz", gzip.compress(SENTENCE.encode("gb18030")))
    write(tmp_path / "b.jsonl.gz", gzip.compress('{"id": "r", "text": "一"}'.encode()))
    assert [(d.id, d.text) for d in read(tmp_path)] == [("a.txt.gz", SENTENCE), ("r", "一")]


@pytest.mark.parametrize(
    "data",
    [b"no gzip at all", gzip.compress(b"x" * 1000)[:-9], gzip.compress(b"x" * 1000)[:10] + b"\xff" * 30],
    ids=["another format", "cut off", "broken inside"],
)
def test_a_damaged_packed_file_is_refused(data, tmp_path):
    path = write(tmp_path / "a.txt.gz", data)
    assert refusal(lambda: read(path))[0].startswith(f"{path}: damaged gzip file (")


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz"])
@pytest.mark.parametrize(
    ("limits", "size", "message"),
    [
        pytest.param(Limits(unpacked_mb=1), 1_000_001, "unpacks to more than 1 MB", id="bytes"),
        pytest.param(Limits(), FREE + 1, "unpacks to more than 100 times its size", id="ratio"),
    ],
)
def test_a_packed_file_that_unpacks_to_too_much_is_refused(name, limits, size, message, tmp_path):
    path = write(tmp_path / name, gzip.compress(b" " * size))
    assert refusal(lambda: read(path, limits=limits))[0] == f"{path}: {message}"


def test_standard_input_that_the_shell_has_closed_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    message, hint = refusal(lambda: read("-"))
    assert message == "-: standard input is closed"
    assert "name a file" in hint
