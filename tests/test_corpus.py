"""Labelled text: articles of the starter corpus, users' tables, gold files with text and stand-off."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.codebook import codebook_from_text
from classifier.corpus import (
    Segment,
    make_corpus,
    read_article,
    read_articles,
    read_corpus,
    read_gold,
    split_codes,
)
from classifier.errors import CorpusError, FupinError, InputError

fixed = settings(derandomize=True, deadline=None)

CODES = ("clinic", "school", "road")
CODEBOOK = """\
name: village
version: 1
codes:
  - {code: clinic, name: 看病}
  - {code: school, name: 上学}
  - {code: road, name: 修路}
"""
BOOK = codebook_from_text(CODEBOOK, "mine.yaml")
EXCLUSIVE = codebook_from_text(CODEBOOK + "exclusive: true\n", "mine.yaml")

HEADER = "# title: 石磨沟的路\n# genre: news\n# province: 山西\n# year: 2019\n# coders: w9;r9\n"
ARTICLE = HEADER + "\t石磨沟在山上。\nroad\t路修到了村口。\nclinic;school\t卫生室和小学都翻新了。\n"


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def jsonl(path, *rows):
    return write(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def given_codes(corpus):
    """Return each segment's codes as the array of labels has them."""
    columns = np.array(corpus.codebook.columns)
    return [";".join(columns[row]) for row in corpus.labels]


def refusal(read_it):
    """Return the message of a refusal: one line, with a hint of one line."""
    with pytest.raises(CorpusError, match=r"\S") as caught:
        read_it()
    assert caught.value.hint
    assert "\n" not in str(caught.value) + caught.value.hint
    return str(caught.value)


# --- a corpus --------------------------------------------------------------------------------------


@fixed
@given(st.lists(st.tuples(st.text(), st.sets(st.sampled_from(CODES))), min_size=1))
def test_labels_line_up_with_segments_and_codes(rows):
    corpus = make_corpus([Segment(f"d{n}", text, tuple(codes)) for n, (text, codes) in enumerate(rows)], BOOK)
    assert corpus.labels.dtype == bool
    assert corpus.labels.tolist() == [[code in codes for code in CODES] for _, codes in rows]
    assert corpus.texts == [text for text, _ in rows]
    assert corpus.groups == [f"d{n}" for n in range(len(rows))]
    assert corpus.support == {code: sum(code in codes for _, codes in rows) for code in CODES}


def test_a_corpus_without_segments_is_refused():
    assert refusal(lambda: make_corpus([], BOOK)) == "no labelled segment was found"


def test_an_unknown_code_is_refused_with_its_place_and_the_known_codes():
    with pytest.raises(CorpusError, match=r"^a\.tsv:7: unknown code 'raod'$") as caught:
        make_corpus([Segment("a", "路通了。", ("road", "raod"), "a.tsv:7")], BOOK)
    assert caught.value.hint == "codes of 'village': clinic, school, road"


@pytest.mark.parametrize("codes", [(), ("clinic", "road")], ids=["no code", "two codes"])
def test_an_exclusive_codebook_wants_exactly_one_code(codes):
    segments = [Segment("a", "一", ("road",), "row 1"), Segment("a", "二", codes, "row 2")]
    assert refusal(lambda: make_corpus(segments, EXCLUSIVE)) == (
        f"row 2: {len(codes)} codes, but 'village' wants exactly one"
    )
    assert given_codes(make_corpus(segments, BOOK)) == ["road", ";".join(codes)]
    assert given_codes(make_corpus(segments[:1], EXCLUSIVE)) == ["road"]


def test_the_hash_of_a_corpus_tells_what_was_learnt_and_not_where_it_stood():
    def hashed(*segments):
        return make_corpus([Segment(*segment) for segment in segments], BOOK).sha256()

    base = ("a", "一", ("clinic", "road"))
    assert hashed(base) == hashed((*base, "elsewhere:1")) == hashed(("a", "一", ("road", "clinic")))
    others = [
        hashed(("b", "一", ("clinic", "road"))),
        hashed(("a", "二", ("clinic", "road"))),
        hashed(("a", "一", ("clinic",))),
        hashed(base, base),
        hashed(base, ("b", "二", ())),
        hashed(("b", "二", ()), base),
    ]
    assert len({hashed(base), *others}) == len(others) + 1


# --- codes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        pytest.param("clinic;road", ("clinic", "road"), id="joined"),
        pytest.param(" clinic ; road;", ("clinic", "road"), id="joined with white space"),
        pytest.param(["clinic", "road"], ("clinic", "road"), id="a list"),
        pytest.param(["1", 2], ("1", "2"), id="a list with numbers"),
        pytest.param("", (), id="empty text"),
        pytest.param([], (), id="empty list"),
        pytest.param(None, (), id="null"),
        pytest.param(float("nan"), (), id="an empty cell of a frame"),
    ],
)
def test_codes_are_a_list_or_joined(value, codes):
    assert split_codes(value, "row 1") == codes


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("road;clinic;road", "row 1: a code stands twice in 'road;clinic;road'", id="doubled"),
        pytest.param(["road", "road "], "row 1: a code stands twice in 'road;road'", id="doubled in a list"),
        pytest.param(1, "row 1: codes 1 are neither a list nor joined by ';'", id="a number"),
        pytest.param(
            1.5, "row 1: codes 1.5 are neither a list nor joined by ';'", id="a number with a point"
        ),
        pytest.param(
            {"road": 1}, "row 1: codes {'road': 1} are neither a list nor joined by ';'", id="a mapping"
        ),
    ],
)
def test_codes_in_another_form_are_refused(value, message):
    assert refusal(lambda: split_codes(value, "row 1")) == message


# --- articles of the starter corpus ----------------------------------------------------------------


def test_an_article_is_its_header_and_its_segments(tmp_path):
    article = read_article(write(tmp_path / "w9_001.tsv", ARTICLE))
    assert article.doc_id == "w9_001"
    assert article.about == {
        "title": "石磨沟的路",
        "genre": "news",
        "province": "山西",
        "year": "2019",
        "coders": "w9;r9",
    }
    assert article.segments == (
        Segment("w9_001", "石磨沟在山上。", (), "w9_001.tsv:6"),
        Segment("w9_001", "路修到了村口。", ("road",), "w9_001.tsv:7"),
        Segment("w9_001", "卫生室和小学都翻新了。", ("clinic", "school"), "w9_001.tsv:8"),
    )


def test_an_article_checked_out_with_crlf_or_bom_is_the_same(tmp_path):
    plain = read_article(write(tmp_path / "a.tsv", ARTICLE))
    assert read_article(write(tmp_path / "a.tsv", ARTICLE.replace("\n", "\r\n"))) == plain
    assert read_article(write(tmp_path / "a.tsv", "\ufeff" + ARTICLE)) == plain


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("scratch")


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1).filter(str.strip)


@fixed
@given(st.lists(st.tuples(st.sets(st.sampled_from(CODES)).map(BOOK.join), words)))
def test_what_is_written_as_an_article_is_read_back(scratch, rows):
    path = write(scratch / "a.tsv", HEADER + "".join(f"{codes}\t{text}\n" for codes, text in rows))
    read = read_article(path).segments
    assert [(BOOK.join(s.codes), s.text) for s in read] == rows


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "# genre: news",
            "# genere: news",
            "a.tsv:2: '# genere: news' is no header line",
            id="unknown header",
        ),
        pytest.param(
            "# genre: news", "# genre: ", "a.tsv:2: '# genre: ' is no header line", id="empty header"
        ),
        pytest.param(
            "# genre: news", "# genre:news", "a.tsv:2: '# genre:news' is no header line", id="no space"
        ),
        pytest.param("# genre: news\n", "", "a.tsv: header 'genre' is missing", id="missing header"),
        pytest.param(
            "# genre: news", "# title: 二", "a.tsv:2: '# title: 二' is no header line", id="doubled header"
        ),
        pytest.param("road\t路", "road 路", "a.tsv:7: a segment is written 'codes<TAB>text'", id="no tab"),
        pytest.param(
            "road\t路", "road\t路\t", "a.tsv:7: a segment is written 'codes<TAB>text'", id="two tabs"
        ),
        pytest.param("路修到了村口。", "  ", "a.tsv:7: a segment is written 'codes<TAB>text'", id="no text"),
        pytest.param(
            "road\t路", "\nroad\t路", "a.tsv:7: a segment is written 'codes<TAB>text'", id="blank line"
        ),
        pytest.param(
            "road\t路", "road;road\t路", "a.tsv:7: a code stands twice in 'road;road'", id="doubled code"
        ),
    ],
)
def test_an_article_that_breaks_the_format_is_refused_with_file_and_line(old, new, message, tmp_path):
    assert ARTICLE.count(old) == 1
    path = write(tmp_path / "a.tsv", ARTICLE.replace(old, new))
    assert refusal(lambda: read_article(path)) == message


def test_a_header_below_the_segments_is_refused_with_file_and_line(tmp_path):
    path = write(tmp_path / "a.tsv", ARTICLE.replace("# year: 2019\n", "") + "# year: 2019\n")
    assert refusal(lambda: read_article(path)) == "a.tsv:8: '# year: 2019' is no header line"


def test_an_unknown_code_in_an_article_is_refused_with_file_and_line(tmp_path):
    write(tmp_path / "articles" / "a.tsv", ARTICLE.replace("road\t", "raod\t"))
    assert refusal(lambda: read_corpus([tmp_path], BOOK)) == "a.tsv:7: unknown code 'raod'"


def test_a_folder_is_read_in_the_order_of_its_articles_names(tmp_path):
    for name in ("b", "a", "c"):
        write(tmp_path / "articles" / f"{name}.tsv", ARTICLE)
    write(tmp_path / "articles" / "notes.md", "不是文章")
    assert [article.doc_id for article in read_articles(tmp_path)] == ["a", "b", "c"]
    corpus = read_corpus([tmp_path], BOOK)
    assert corpus.groups == ["a"] * 3 + ["b"] * 3 + ["c"] * 3
    assert given_codes(corpus) == ["", "road", "clinic;school"] * 3


def test_a_folder_without_articles_is_refused(tmp_path):
    write(tmp_path / "a.tsv", ARTICLE)
    assert refusal(lambda: read_corpus([tmp_path], BOOK)) == f"{tmp_path}: no articles/*.tsv in this folder"


# --- labelled tables -------------------------------------------------------------------------------


def test_a_csv_of_ids_texts_and_codes_is_a_corpus(tmp_path):
    path = write(tmp_path / "t.csv", 'id,text,codes\n7,"路通了，\n桥也通了。",clinic;road\n8,都好。,\n')
    corpus = read_corpus([path], BOOK)
    assert corpus.texts == ["路通了，\n桥也通了。", "都好。"]
    assert corpus.groups == ["1", "2"]  # no document id: each row is its own
    assert given_codes(corpus) == ["clinic;road", ""]
    assert corpus.segments[1].place == "t.csv: row 2"


def test_a_jsonl_may_give_codes_as_a_list_or_joined(tmp_path):
    path = jsonl(
        tmp_path / "t.jsonl",
        {"text": "一", "codes": ["road", "clinic"]},
        {"text": "二", "codes": "school;road"},
        {"text": "三", "codes": None},
    )
    assert given_codes(read_corpus([path], BOOK)) == ["clinic;road", "school;road", ""]


@pytest.mark.parametrize(
    ("row", "in_a_table", "in_gold"),
    [
        pytest.param({"doc_id": "甲", "doc": "乙", "id": "丙-1"}, "甲", "甲", id="doc_id first"),
        pytest.param({"doc_id": "", "doc": "乙", "id": "丙-1"}, "乙", "乙", id="then doc"),
        pytest.param(
            {"doc_id": None, "id": "丙-丁-1"}, "1", "丙-丁", id="in gold the id up to its last dash"
        ),
        pytest.param({"id": "丙"}, "1", "丙", id="in gold an id without a dash"),
        pytest.param({}, "1", "1", id="else the row's number"),
    ],
)
def test_the_document_of_a_row(row, in_a_table, in_gold, tmp_path):
    path = jsonl(tmp_path / "t.jsonl", {**row, "text": "路通了。", "codes": "road"})
    assert read_corpus([path], BOOK).groups == [in_a_table]
    assert read_gold(path, BOOK).groups == [in_gold]


def test_rows_that_are_not_coded_yet_are_no_segments_without_a_code(tmp_path):
    rows = "a,路通了。,,1\na,桥塌了。,,\na,校舍新。,school,\na,人都好。,,x\n"
    path = write(tmp_path / "sample.csv", f"doc_id,text,codes,coded\n{rows}")
    for read in (read_corpus([path], BOOK), read_gold(path, BOOK)):
        assert read.texts == ["路通了。", "校舍新。", "人都好。"]
        assert given_codes(read) == ["", "school", ""]


def test_a_mark_that_is_none_is_refused_with_its_row(tmp_path):
    path = write(tmp_path / "sample.csv", "text,codes,coded\n路通了。,,maybe\n")
    with pytest.raises(InputError, match=r"^sample\.csv: row 1: 'coded' is 'maybe'$"):
        read_corpus([path], BOOK)


def test_what_label_writes_can_be_read_back(tmp_path):
    content = (
        "\ufeffdoc_id,segment_id,paragraph,start,end,text,codes,clinic,school,road,title,date,source\n"
        "a.txt,a.txt#0,0,0,4,路通了。,road,0.01,,0.98,,,\n"
        "a.txt,a.txt#1,0,4,8,都说好。,,0.02,,0.03,,,\n"
    )
    corpus = read_corpus([write(tmp_path / "out.csv", content)], BOOK)
    assert corpus.groups == ["a.txt", "a.txt"]
    assert corpus.texts == ["路通了。", "都说好。"]
    assert given_codes(corpus) == ["road", ""]


def test_folders_and_tables_are_read_one_behind_the_other(tmp_path):
    table = jsonl(tmp_path / "t.jsonl", {"text": "一", "codes": "school"})
    write(tmp_path / "seeds" / "articles" / "a.tsv", ARTICLE)
    corpus = read_corpus([table, tmp_path / "seeds", table], BOOK)
    assert given_codes(corpus) == ["school", "", "road", "clinic;school", "school"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("id,codes\n1,road\n", "t.csv: row 1: no column 'text'", id="no text"),
        pytest.param("id,text\n1,路通了。\n", "t.csv: row 1: no column 'codes'", id="no codes"),
        pytest.param(
            "text,codes\n一,road\n二,raod\n", "t.csv: row 2: unknown code 'raod'", id="unknown code"
        ),
        pytest.param(
            "text,codes\n一,road；clinic\n", "t.csv: row 1: unknown code 'road；clinic'", id="another mark"
        ),
        pytest.param(
            "text,codes\n一,road;road\n", "t.csv: row 1: a code stands twice in 'road;road'", id="doubled"
        ),
        pytest.param("text,codes\n", "no labelled segment was found", id="header alone"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_file_and_row(content, message, tmp_path):
    path = write(tmp_path / "t.csv", content)
    assert refusal(lambda: read_corpus([path], BOOK)) == message


def test_an_exclusive_table_is_refused_at_the_row_with_two_codes(tmp_path):
    path = write(tmp_path / "t.csv", "text,codes\n一,road\n二,road;clinic\n")
    assert refusal(lambda: read_corpus([path], EXCLUSIVE)) == (
        "t.csv: row 2: 2 codes, but 'village' wants exactly one"
    )


# --- gold files ------------------------------------------------------------------------------------

DOCUMENT = "𠮷林沟。\r\n卫生室盖好了！路也通了。\n"


def gold_row(start, end, codes="clinic", text=DOCUMENT):
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    return {"doc_id": "甲", "sha256": digest, "start": start, "end": end, "codes": codes}


@pytest.fixture
def texts(tmp_path):
    """Return a folder with the gold's document and another one."""
    write(tmp_path / "texts" / "sub" / "甲.txt", DOCUMENT)
    write(tmp_path / "texts" / "乙.txt", "别的文章。")
    return tmp_path / "texts"


def test_gold_with_text_needs_no_documents(tmp_path):
    path = jsonl(
        tmp_path / "gold.jsonl",
        {"id": "甲-0", "start": 0, "end": 4, "text": "路通了。", "codes": ["road"]},
        {"id": "甲-1", "start": 4, "end": 8, "text": "都说好。", "codes": ""},
    )
    corpus = read_gold(path, BOOK)
    assert corpus.texts == ["路通了。", "都说好。"]
    assert corpus.groups == ["甲", "甲"]
    assert given_codes(corpus) == ["road", ""]


def test_stand_off_gold_is_cut_from_its_document_in_code_points(tmp_path, texts):
    path = jsonl(
        tmp_path / "gold.jsonl", gold_row(0, 4, ""), gold_row(6, 13, ["clinic"]), gold_row(13, 18, "road")
    )
    corpus = read_gold(path, BOOK, texts)
    assert corpus.texts == ["𠮷林沟。", "卫生室盖好了！", "路也通了。"]
    assert corpus.groups == ["甲"] * 3
    assert given_codes(corpus) == ["", "clinic", "road"]


def test_files_may_be_named_by_strings(tmp_path, texts):
    gold = jsonl(tmp_path / "gold.jsonl", gold_row(13, 18, "road"))
    assert read_gold(str(gold), BOOK, str(texts)).texts == ["路也通了。"]
    table = write(tmp_path / "table.csv", "text,codes\n路通了。,road\n")
    assert read_corpus([str(table)], BOOK).texts == ["路通了。"]


def test_stand_off_gold_may_be_a_csv(tmp_path, texts):
    row = gold_row(13, 18, "road")
    path = write(tmp_path / "gold.csv", f"{','.join(row)}\n{','.join(map(str, row.values()))}\n")
    assert read_gold(path, BOOK, texts).texts == ["路也通了。"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.txt", DOCUMENT.encode("utf-8-sig"), id="a text with BOM"),
        pytest.param("a.txt", DOCUMENT.encode("gb18030"), id="a text in GB18030"),
        pytest.param("a.jsonl", json.dumps({"id": "1", "text": DOCUMENT}).encode(), id="a row of a table"),
    ],
)
def test_a_document_is_known_by_the_hash_of_its_decoded_text(name, content, tmp_path):
    path = jsonl(tmp_path / "gold.jsonl", gold_row(6, 13))
    assert read_gold(path, BOOK, write(tmp_path / name, content)).texts == ["卫生室盖好了！"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            {"sha256": "0" * 64}, "no document with sha256 000000000000… in --texts", id="unknown document"
        ),
        pytest.param({"sha256": ""}, "neither 'text' nor 'sha256'", id="no hash and no text"),
        pytest.param({"end": 20}, "span 6–20 lies outside its document", id="span behind the end"),
        pytest.param({"start": -1}, "span -1–13 lies outside its document", id="span before the start"),
        pytest.param({"end": 6}, "span 6–6 lies outside its document", id="empty span"),
        pytest.param({"start": 13, "end": 6}, "span 13–6 lies outside its document", id="span turned round"),
        pytest.param(
            {"start": "六"}, "'start' and 'end' are not both whole numbers", id="start is no number"
        ),
        pytest.param({"end": None}, "'start' and 'end' are not both whole numbers", id="end is null"),
        pytest.param(
            {"end": float("inf")}, "'start' and 'end' are not both whole numbers", id="end is infinite"
        ),
        pytest.param({"codes": "raod"}, "unknown code 'raod'", id="unknown code"),
        pytest.param({"codes": "road;road"}, "a code stands twice in 'road;road'", id="doubled code"),
    ],
)
def test_a_gold_row_that_cannot_be_used_is_refused_with_file_and_row(change, message, tmp_path, texts):
    path = jsonl(tmp_path / "gold.jsonl", gold_row(0, 4), {**gold_row(6, 13), **change})
    assert refusal(lambda: read_gold(path, BOOK, texts)) == f"gold.jsonl: row 2: {message}"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("codes", "no column 'codes'"),
        ("start", "'start' and 'end' are not both whole numbers"),
        ("sha256", "neither 'text' nor 'sha256'"),
    ],
)
def test_a_gold_row_without_a_column_is_refused(missing, message, tmp_path, texts):
    row = {key: value for key, value in gold_row(6, 13).items() if key != missing}
    path = jsonl(tmp_path / "gold.jsonl", row)
    assert refusal(lambda: read_gold(path, BOOK, texts)) == f"gold.jsonl: row 1: {message}"


def test_stand_off_gold_without_documents_is_refused_with_the_option(tmp_path):
    path = jsonl(tmp_path / "gold.jsonl", gold_row(0, 4))
    with pytest.raises(CorpusError, match=r"^gold\.jsonl: row 1: labels without text$") as caught:
        read_gold(path, BOOK)
    assert "--texts" in caught.value.hint


def test_a_changed_document_is_another_document(tmp_path, texts):
    path = jsonl(tmp_path / "gold.jsonl", gold_row(0, 4))
    write(texts / "sub" / "甲.txt", DOCUMENT.replace("\r\n", "\n"))
    assert "no document with sha256" in refusal(lambda: read_gold(path, BOOK, texts))


@pytest.mark.parametrize("name", ["none.jsonl", "none"], ids=["a table", "neither table nor folder"])
def test_a_corpus_that_is_not_there_is_refused_in_one_line(name, tmp_path):
    with pytest.raises(FupinError, match=name) as caught:
        read_corpus([tmp_path / name], BOOK)
    assert caught.value.hint


def test_an_exclusive_gold_is_refused_at_the_row_without_a_code(tmp_path):
    path = jsonl(tmp_path / "gold.jsonl", {"text": "一", "codes": "road"}, {"text": "二", "codes": []})
    assert refusal(lambda: read_gold(path, EXCLUSIVE)) == (
        "gold.jsonl: row 2: 0 codes, but 'village' wants exactly one"
    )
