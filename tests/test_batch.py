"""Labelling files: the output contract of design.md, to the letter."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifier.batch
import classifier.labelling
from classifier.batch import label_documents
from classifier.codebook import codebook_from_text
from classifier.documents import Document
from classifier.errors import CodebookError, InputError, OutputError
from classifier.explanation import evidence_of
from classifier.journal import Tally
from classifier.labelling import label
from classifier.model import LexiconClassifier
from classifier.segments import segments
from classifier.tables import table_rows

OWN = ["doc_id", "segment_id", "paragraph", "start", "end", "text", "codes"]
CODES = ["clinic", "school", "road", "well"]
ABOUT = ["title", "date", "source"]
WORDS = {"clinic": "医生", "school": "小学", "road": "公路"}


class ByWord:
    """A classifier whose answers can be read off the text: sure of a code where its word stands."""

    def __init__(self, codebook):
        self.codebook, self.codes_ = codebook, codebook.columns

    def predict_proba(self, texts):
        found = [[0.876543 if WORDS.get(c, "？") in t else 0.00004 for c in self.codes_] for t in texts]
        probabilities = np.array(found).reshape(-1, len(self.codes_))
        probabilities[:, 3] = np.nan  # as of an untrained code
        return probabilities

    def decide(self, probabilities):
        return probabilities > 0.5

    def predict(self, texts):
        return self.decide(self.predict_proba(texts))


@pytest.fixture
def by_word(tiny_codebook):
    return ByWord(tiny_codebook)


def frame(*texts, **columns):
    return pd.DataFrame({"id": [f"文{i}" for i in range(len(texts))], "text": list(texts), **columns})


def csv_rows(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def jsonl_rows(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# --- rows and columns ---


def test_columns_stand_in_the_order_of_the_contract(by_word):
    documents = frame("医生来了很久。", note=["甲"], date=["2020"], place=["村口"])
    assert list(label(documents, by_word).columns) == [*OWN, *CODES, *ABOUT, "note", "place"]


def test_with_a_scheme_categories_stand_behind_codes(by_word):
    found = label(frame("医生来了很久。"), by_word, scheme="two-kinds")
    assert list(found.columns) == [*OWN, "categories", *CODES, *ABOUT]


def test_codes_and_categories_are_joined_in_the_codebooks_order_and_empty_where_there_are_none(by_word):
    found = label(frame("公路通到小学，医生也来了。大家都很高兴。"), by_word, scheme="two-kinds")
    assert found["codes"].tolist() == ["clinic;school;road", ""]
    assert found["categories"].tolist() == ["公共服务;基础设施", ""]


@pytest.mark.parametrize("number", [1, 8, 9, 24])
def test_codes_are_joined_however_many_a_codebook_has(number):
    names = [f"c{n}" for n in range(number)]
    given_codes = np.random.default_rng(7).random((50, number)) < 0.3
    assert list(classifier.labelling._joined(given_codes, names)) == [
        ";".join(name for name, yes in zip(names, row, strict=True) if yes) for row in given_codes
    ]


def test_probabilities_have_four_decimals_and_untrained_codes_none(by_word):
    found = label(frame("医生来了很久。"), by_word)
    assert found[CODES[:3]].to_numpy().tolist() == [[0.8765, 0.0, 0.0]]
    assert found["well"].isna().all()


def test_an_unknown_scheme_is_an_error(by_word):
    with pytest.raises(CodebookError, match="no scheme 'three-kinds'") as caught:
        label(frame("医生来了很久。"), by_word, scheme="three-kinds")
    assert "two-kinds" in caught.value.hint


def test_offsets_cut_the_raw_text_line_ends_and_wide_spaces_untouched(by_word):
    raw = "\r\n　医生每月上门；\t小学开学了！\r\n\n  公路通了，大家说“好得很。”\r\n"
    found = label(frame(raw), by_word)
    assert [raw[a:b] for a, b in zip(found["start"], found["end"], strict=True)] == found["text"].tolist()
    assert found["text"].tolist() == ["医生每月上门；", "小学开学了！", "公路通了，大家说“好得很。”"]
    assert found["paragraph"].tolist() == [0, 0, 1]  # non-empty lines count, empty ones do not
    assert found["segment_id"].tolist() == ["文0#0", "文0#1", "文0#2"]
    assert found["doc_id"].tolist() == ["文0"] * 3


def test_offsets_count_code_points_not_bytes_or_utf16_units(by_word):
    found = label(frame("😀😀大家都高兴。𠮷村的医生来了。"), by_word)
    assert found[["start", "end"]].to_numpy().tolist() == [[0, 8], [8, 16]]
    assert found["text"].tolist() == ["😀😀大家都高兴。", "𠮷村的医生来了。"]


@given(st.lists(st.text("医生小学公路。；！\n 　ab1，", max_size=30), max_size=4))
def test_every_row_is_a_segment_of_its_document_in_order(texts):
    book = codebook_from_text(
        'name: v\nversion: "1"\ncodes: [{code: a, name: 甲}, {code: b, name: 乙}, {code: c, name: 丙}, '
        "{code: d, name: 丁}]",
        "v.yaml",
    )
    found = label(frame(*texts), ByWord(book))
    wanted = [
        (f"文{i}", f"文{i}#{n}", s.paragraph, s.start, s.end, text[s.start : s.end])
        for i, text in enumerate(texts)
        for n, s in enumerate(segments(text))
    ]
    assert list(found[OWN[:6]].itertuples(index=False, name=None)) == wanted


def test_unit_row_gives_exactly_one_row_an_input_row_also_for_empty_text(by_word):
    texts = ["医生来了。小学开学了。", "", "  \n ", None, "首页 > 新闻"]
    found = label(frame(*texts), by_word, unit="row")
    assert found["doc_id"].tolist() == [f"文{i}" for i in range(5)]
    assert found["segment_id"].tolist() == [f"文{i}#0" for i in range(5)]
    assert found["text"].tolist() == ["医生来了。小学开学了。", "", "  \n ", "", "首页 > 新闻"]
    assert found[["paragraph", "start"]].to_numpy().tolist() == [[0, 0]] * 5
    assert found["end"].tolist() == [11, 0, 4, 0, 7]
    assert found["codes"].tolist() == ["clinic;school", "", "", "", ""]


def test_documents_are_taken_until_they_are_many_or_long_enough(monkeypatch):
    monkeypatch.setattr(classifier.batch, "CHUNK", 4)
    monkeypatch.setattr(classifier.batch, "CHUNK_CHARACTERS", 10)
    lengths = [[5, 4, 1], [5, 4, 1], [3, 12], [0, 0, 0, 0], [9]]
    taken = [Document(f"文{n}", "字" * n) for chunk in lengths for n in chunk]
    assert [[len(d.text) for d in chunk] for chunk in classifier.batch._chunks(taken)] == lengths
    assert list(classifier.batch._chunks([])) == []


def test_a_chunk_without_its_text_holds_none_of_it_and_with_it_is_the_same_again():
    documents = [
        Document(f"文{n}", "村里修路。𠮷\ud800" * 500, title="修路", meta={"地区": "东"}) for n in range(20)
    ]
    chunk = classifier.batch.Chunk.of(documents)
    rest, bulk = chunk.apart()
    assert (rest.texts.whole, len(rest.texts.codes), rest.ids) == ("", 0, chunk.ids)
    again = rest.whole(bytes(bulk))
    assert list(again.texts) == [d.text for d in documents]
    assert (again.ids, again.carried, again.share) == (chunk.ids, chunk.carried, (0, 1))


def test_what_was_written_to_standard_output_is_counted_over_all_chunks(by_word, capfdbinary, monkeypatch):
    monkeypatch.setattr(classifier.batch, "CHUNK", 1)
    documents = [
        Document("甲", "医生来了很久。大家都说好。"),
        Document("乙", "小学开学很久了。"),
        Document("丙", ""),
    ]
    assert label_documents(documents, by_word, None) == Tally(documents=3, segments=3, coded=2)
    assert capfdbinary.readouterr().out.count(b"\n") == 4


def test_unit_row_that_lost_a_row_is_a_fault_and_no_output(by_word, tmp_path, monkeypatch):
    cut = classifier.labelling._cut
    monkeypatch.setattr(classifier.labelling, "_cut", lambda texts, unit: cut(texts[:1], unit))
    documents = [Document("甲", "医生来了很久。"), Document("乙", "小学开学很久了。")]
    with pytest.raises(OutputError, match=r"out\.csv: 1 rows for 2$") as caught:
        label_documents(documents, by_word, tmp_path / "out.csv", unit="row")
    assert caught.value.hint == "report this fault"
    assert not (tmp_path / "out.csv").exists()


def test_an_unknown_unit_is_refused_and_not_taken_for_another(by_word, tmp_path):
    for ask in (
        lambda: label(frame("医生来了很久。"), by_word, unit="rows"),
        lambda: label_documents([], by_word, tmp_path / "out.csv", unit="rows"),
    ):
        with pytest.raises(InputError, match=r"^unit 'rows' is unknown$") as caught:
            ask()
        assert caught.value.hint == "units: segment, row"
    assert list(tmp_path.iterdir()) == []


def test_input_columns_are_carried_unchanged_and_a_clash_gets_the_prefix(by_word):
    documents = frame(
        "医生来了很久。",
        title=["题"],
        codes=["old"],
        road=[3],
        start=[9],
        doc=["编号"],
        in_place=["这里"],
        doc_id=["另一个"],
    )
    row = label(documents, by_word).iloc[0]
    assert row["title"] == "题"
    assert (row["codes"], row["in_codes"]) == ("clinic", "old")
    assert (row["road"], row["in_road"]) == (0.0, 3)
    assert (row["start"], row["in_start"]) == (0, 9)
    assert (row["doc_id"], row["in_doc_id"]) == ("文0", "另一个")
    assert (row["doc"], row["in_place"]) == ("编号", "这里")  # these clash with nothing
    assert list(label(documents, by_word).columns)[-6:] == [
        "in_codes",
        "in_road",
        "in_start",
        "doc",
        "in_place",
        "in_doc_id",
    ]


def test_labelling_labelled_rows_again_never_makes_one_name_for_two_columns(by_word):
    documents = frame("医生来了很久。", codes=["new"], in_codes=["old"], in_in_codes=["oldest"])
    found = label(documents, by_word)
    assert found.columns.is_unique
    assert {"new", "old", "oldest"} <= set(found.iloc[0].astype(str))
    assert (found["codes"][0], found["in_codes"][0], found["in_in_codes"][0]) == ("clinic", "old", "oldest")


def test_title_date_and_source_are_empty_text_where_unknown(by_word):
    found = label(frame("医生来了很久。", "小学开学很久了。", title=["题", None]), by_word)
    assert found[ABOUT].to_numpy().tolist() == [["题", "", ""], ["", "", ""]]


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"doc": "丙", "doc_id": "乙", "id": "甲"}, "甲"),
        ({"doc": "丙", "doc_id": "乙"}, "乙"),
        ({"doc": "丙"}, "丙"),
        ({}, "0"),
        ({"id": 7}, "7"),
    ],
    ids=["id", "doc_id", "doc", "position", "a number"],
)
def test_a_document_is_named_by_the_first_id_column_there_is(by_word, columns, wanted):
    found = label(pd.DataFrame([{**columns, "text": "医生来了很久。"}]), by_word)
    assert found["doc_id"].tolist() == [wanted]


def test_labelling_is_a_pure_function(by_word):
    documents = frame("医生来了很久。", "小学开学很久了。公路也通了。", place=["东", "西"])
    before = documents.copy(deep=True)
    whole = label(documents, by_word, scheme="two-kinds")
    pd.testing.assert_frame_equal(documents, before)
    parts = [label(documents.iloc[[i]], by_word, scheme="two-kinds") for i in range(2)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


def test_the_frames_index_does_not_matter(by_word):
    documents = frame("医生来了很久。", "小学开学很久了。", place=["东", "西"])
    plain = label(documents, by_word)
    pd.testing.assert_frame_equal(label(documents.set_axis([5, 5]), by_word), plain)
    assert list(plain.index) == [0, 1]


def test_no_documents_give_no_rows_and_all_columns(by_word):
    found = label(pd.DataFrame({"id": [], "text": []}), by_word, scheme="two-kinds")
    assert found.shape == (0, 15)
    assert list(found.columns) == [*OWN, "categories", *CODES, *ABOUT]


# --- files ---

ARTICLES = [
    Document("山.txt", "医生每月上门。\n公路直通小学。大家都说好。", meta={"place": "", "n": 1}),
    Document("水.txt", "", meta={"place": "西", "n": None}),
    Document("田.txt", '他说：“公路,通了"一半"。”', "路, 桥", "2021", meta={"place": "东\n村", "n": 3}),
]


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
@pytest.mark.parametrize("unit", ["segment", "row"])
def test_the_size_of_chunks_does_not_change_a_byte(by_word, tmp_path, monkeypatch, name, unit):
    written = []
    for size in (1, 2, 500):
        monkeypatch.setattr(classifier.batch, "CHUNK", size)
        label_documents(ARTICLES, by_word, tmp_path / name, unit=unit, scheme="two-kinds")
        written.append((tmp_path / name).read_bytes())
    assert len(set(written)) == 1
    assert written[0].count(b"\n") >= 3


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.xlsx"])
def test_a_document_that_is_labelled_in_shares_becomes_the_same_bytes_and_counts(
    by_word, tmp_path, monkeypatch, name
):
    tally = label_documents(ARTICLES, by_word, tmp_path / f"whole-{name}", unit="segment")
    monkeypatch.setattr(classifier.batch, "WRITTEN", 100)
    shared = [
        chunk for chunk in classifier.batch._chunks(ARTICLES) if isinstance(chunk, classifier.batch.Share)
    ]
    assert max(share.of for share in shared) > len(ARTICLES)  # more shares than segments: some are empty
    assert label_documents(ARTICLES, by_word, tmp_path / name, unit="segment") == tally
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()


def test_what_a_document_carries_counts_for_how_much_is_made_at_a_time():
    plain = Document("文", "村里修路。" * 1000)
    heavy = Document("文", "村里修路。" * 1000, meta={"note": "注" * 1_000_000})
    assert len(list(classifier.batch._chunks([plain, plain]))) == 1
    shares = list(classifier.batch._chunks([plain, heavy, plain]))
    assert [type(shares[0]), type(shares[-1])] == [list, list]
    assert len(shares) - 2 == shares[1].of > 40
    assert len(list(classifier.batch._chunks([heavy], "row"))) == 1  # a row says it once


def test_csv_in_a_file_begins_with_one_bom_and_holds_every_cell_as_it_was(by_word, tmp_path, monkeypatch):
    monkeypatch.setattr(classifier.batch, "CHUNK", 1)
    label_documents(ARTICLES, by_word, tmp_path / "out.csv")
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbfdoc_id,segment_id,paragraph,start,end,text,codes,clinic,")
    assert data.count(b"\xef\xbb\xbf") == 1
    rows = csv_rows(tmp_path / "out.csv")
    assert [r["segment_id"] for r in rows] == ["山.txt#0", "山.txt#1", "山.txt#2", "田.txt#0"]
    assert [r["codes"] for r in rows] == ["clinic", "school;road", "", "road"]
    assert rows[3] == {
        **{"doc_id": "田.txt", "segment_id": "田.txt#0", "paragraph": "0", "start": "0", "end": "15"},
        **{"text": '他说：“公路,通了"一半"。”', "codes": "road"},
        **{"clinic": "0.0", "school": "0.0", "road": "0.8765", "well": ""},
        **{"title": "路, 桥", "date": "2021", "source": "", "place": "东\n村", "n": "3"},
    }


@pytest.mark.parametrize("text", ["医生来了\r小学开学", "医生来了\r\n小学开学\n", '"医生", 他说', ";；，"])
def test_any_text_in_a_cell_can_be_read_back(by_word, tmp_path, text):
    label_documents([Document("甲", text)], by_word, tmp_path / "out.csv", unit="row")
    assert csv_rows(tmp_path / "out.csv")[0]["text"] == text


def test_jsonl_has_an_object_a_line_with_codes_as_strings_and_values_of_their_own_kind(by_word, tmp_path):
    meta = {"n": 3, "share": 0.5, "seen": True, "none": None, "tags": ["a", "b"]}
    documents = [Document("甲", "医生和小学都来了。大家高兴得很。", title="题", meta=meta)]
    label_documents(documents, by_word, tmp_path / "out.jsonl", scheme="two-kinds")
    data = (tmp_path / "out.jsonl").read_bytes()
    assert data.startswith(b'{"doc_id": "')
    assert "医生".encode() in data
    first, second = jsonl_rows(tmp_path / "out.jsonl")
    assert list(first) == [*OWN, "categories", *CODES, *ABOUT, *meta]
    assert (first["codes"], first["categories"]) == ("clinic;school", "公共服务")
    assert (second["codes"], second["categories"]) == ("", "")
    assert (first["paragraph"], first["start"], first["end"]) == (0, 0, 9)
    assert (first["clinic"], first["well"]) == (0.8765, None)
    assert {k: first[k] for k in meta} == meta


def test_on_stdout_there_is_csv_without_a_bom(by_word, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")  # whatever the console's encoding
    monkeypatch.setattr("sys.stdout", stream)
    label_documents([Document("甲", "医生来了很久。")], by_word, None)
    data = stream.buffer.getvalue()
    assert data.startswith(b"doc_id,segment_id,")
    assert data.decode("utf-8").splitlines()[1].startswith("甲,甲#0,0,0,7,医生来了很久。,clinic,0.8765,")
    assert not stream.buffer.closed


@pytest.mark.parametrize(
    ("name", "file_format", "begins"),
    [
        ("out.JSONL", None, b"{"),
        ("out.txt", "csv", b"\xef\xbb\xbfdoc_id,"),
        ("out.csv", "jsonl", b"{"),
    ],
    ids=["by the ending, in capitals", "a format for any ending", "the format overrides the ending"],
)
def test_the_format_is_that_of_the_ending_unless_one_is_named(by_word, tmp_path, name, file_format, begins):
    out = tmp_path / name
    label_documents([Document("甲", "医生来了很久。")], by_word, out, file_format=file_format)
    assert out.read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("name", "file_format", "message"),
    [
        ("out.docx", None, "out.docx: unknown format 'docx'"),
        ("out", None, "out: unknown format ''"),
        ("out.csv", "pickle", "out.csv: unknown format 'pickle'"),
        (None, "pickle", "--format: unknown format 'pickle'"),
    ],
)
def test_an_unknown_format_is_an_error_before_anything_is_written(
    by_word, tmp_path, name, file_format, message
):
    out = None if name is None else tmp_path / name
    with pytest.raises(OutputError, match=message) as caught:
        label_documents(iter([]), by_word, out, file_format=file_format)
    assert caught.value.hint == "formats: csv, xlsx, jsonl, parquet"
    assert list(tmp_path.iterdir()) == []


def test_no_documents_leave_a_header_and_nothing_else(by_word, tmp_path):
    tally = label_documents([], by_word, tmp_path / "out.csv", scheme="two-kinds")
    assert (tally.documents, tally.segments, tally.coded) == (0, 0, 0)
    header = ",".join([*OWN, "categories", *CODES, *ABOUT])
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig") == header + "\n"
    label_documents([], by_word, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def test_the_tally_counts_documents_segments_and_those_with_a_code(by_word, tmp_path):
    told = []
    tally = label_documents(ARTICLES, by_word, tmp_path / "out.csv", progress=told.append)
    assert (tally.documents, tally.segments, tally.coded) == (3, 4, 3)
    assert sum(made.documents for made in told) == 3


def test_while_it_works_rows_stand_beside_the_output_and_not_under_its_name(by_word, tmp_path, monkeypatch):
    monkeypatch.setattr(classifier.batch, "CHUNK", 1)
    seen = []

    def stream():
        for document in ARTICLES:
            yield document
            seen.append(sorted(p.name for p in tmp_path.iterdir()))

    label_documents(stream(), by_word, tmp_path / "out.csv")
    assert {name for names in seen for name in names} == {
        "out.csv.journal",
        "out.csv.journal-journal",
        "out.csv.part",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("error", "left"),
    [
        pytest.param(InputError("third.txt: unreadable", "mend it"), set(), id="a fault in the input"),
        pytest.param(KeyboardInterrupt("stop"), {"out.csv.part", "out.csv.journal"}, id="interruption"),
        pytest.param(MemoryError("too much"), {"out.csv.part", "out.csv.journal"}, id="memory"),
    ],
)
def test_a_run_that_fails_half_way_leaves_the_older_output_and_what_can_be_resumed(
    by_word, tmp_path, monkeypatch, error, left
):
    monkeypatch.setattr(classifier.batch, "CHUNK", 1)
    (tmp_path / "out.csv").write_text("older", encoding="utf-8")

    def stream():
        yield from ARTICLES[:2]
        raise error

    with pytest.raises(type(error), match=str(error)):
        label_documents(stream(), by_word, tmp_path / "out.csv")
    assert {p.name for p in tmp_path.iterdir()} == {"out.csv", *left}
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "older"


def test_unless_it_is_asked_to_go_on_a_run_that_was_complete_is_made_anew(by_word, tmp_path):
    told = []
    for _ in range(2):
        label_documents(ARTICLES, by_word, tmp_path / "out.csv", tell=told.append)
    assert told == []
    label_documents(ARTICLES, by_word, tmp_path / "out.csv", tell=told.append, resume=True)
    assert len(told) == 1
    assert told[0].endswith("nothing to do")


def test_success_replaces_the_older_output(by_word, tmp_path):
    (tmp_path / "out.csv").write_text("older", encoding="utf-8")
    label_documents(ARTICLES, by_word, tmp_path / "out.csv")
    assert len(csv_rows(tmp_path / "out.csv")) == 4


@pytest.mark.parametrize(
    ("target", "reason"),
    [("file/out.csv", "Not a directory"), ("none/out.csv", "No such file"), ("folder.csv", "Is a directory")],
)
def test_a_place_that_cannot_be_written_is_told(by_word, tmp_path, target, reason):
    (tmp_path / "file").write_text("older", encoding="utf-8")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(OutputError, match=f"{target}: {reason}") as caught:
        label_documents(ARTICLES, by_word, tmp_path / target)
    assert caught.value.hint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.csv"]


def test_a_later_chunk_without_a_column_leaves_it_empty(by_word, tmp_path, monkeypatch):
    monkeypatch.setattr(classifier.batch, "CHUNK", 1)
    documents = [
        Document("甲", "医生来了。", meta={"n": 1, "place": "东"}),
        Document("乙", "小学开学。", meta={"n": 2}),
    ]
    label_documents(documents, by_word, tmp_path / "out.csv")
    assert [(r["n"], r["place"]) for r in csv_rows(tmp_path / "out.csv")] == [("1", "东"), ("2", "")]


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl", "parquet"])
def test_cells_that_come_after_the_header_are_counted_or_written(ending, by_word, tmp_path, monkeypatch):
    monkeypatch.setattr(classifier.batch, "CHUNK", 1)
    place = {"place": "东"}
    documents = [
        Document("甲", "医生来了。"),
        Document("乙", "小学开学。他也来了。", meta=place),
        Document("丙", "公路通到了村里。", meta={"place": None}),
    ]
    out = tmp_path / f"out.{ending}"
    tally = label_documents(documents, by_word, out)
    rows = list(table_rows(out))
    assert [row["text"] for row in rows] == ["医生来了。", "小学开学。", "他也来了。", "公路通到了村里。"]
    if ending == "jsonl":
        assert [row.get("place") for row in rows] == [None, "东", "东", None]
        assert tally.left_out == 0
    else:
        assert "place" not in rows[1]
        assert tally.left_out == 2


def test_the_real_model_gives_what_predict_and_predict_proba_give(tiny_model, tiny_corpus, tmp_path):
    texts = tiny_corpus.texts[:30]
    documents = [Document(str(i), text) for i, text in enumerate(texts)]
    label_documents(documents, tiny_model, tmp_path / "out.jsonl", unit="row")
    rows = jsonl_rows(tmp_path / "out.jsonl")
    given, probabilities = tiny_model.predict(texts), tiny_model.predict_proba(texts)
    assert [r["codes"] for r in rows] == [";".join(np.array(CODES)[yes]) for yes in given]
    assert [[r[c] for c in CODES[:3]] for r in rows] == probabilities[:, :3].round(4).tolist()


# --- evidence ---


def test_with_explanations_evidence_stands_behind_codes_and_categories(tiny_model):
    documents = frame("签约医生每月上门给老人量血压。乡亲们坐在院坝里晒太阳。")
    plain, explained = (label(documents, tiny_model, explain=yes) for yes in (False, True))
    assert list(explained.columns) == [*OWN, "evidence", *CODES, *ABOUT]
    assert explained.drop(columns="evidence").equals(plain)  # nothing else changes
    both = label(documents, tiny_model, scheme="two-kinds", explain=True)
    assert list(both.columns) == [*OWN, "categories", "evidence", *CODES, *ABOUT]


@pytest.mark.parametrize("unit", ["segment", "row"])
def test_evidence_is_that_of_each_segment_and_its_offsets_count_in_it(tiny_model, unit):
    texts = ["乡亲们向大家问好。\n王局长：签约医生每月上门给老人量血压。", "交通局修通了最后三公里硬化路；"]
    found = label(frame(*texts), tiny_model, unit=unit, explain=True)
    assert found["evidence"].tolist() == [evidence_of(tiny_model, text) for text in found["text"]]
    assert [bool(e) for e in found["evidence"]] == [bool(c) for c in found["codes"]]
    assert found["evidence"].iloc[-1].startswith("road=")
    phrase, _, span = found["evidence"].iloc[-1].split(";")[0].removeprefix("road=").rpartition("@")
    start, end = map(int, span.split("-"))
    assert found["text"].iloc[-1][start:end] == phrase


def test_evidence_of_no_documents_is_a_column_without_rows(tiny_model, tmp_path):
    found = label(frame(), tiny_model, explain=True)
    assert (len(found), list(found.columns)) == (0, [*OWN, "evidence", *CODES, *ABOUT])
    label_documents([], tiny_model, tmp_path / "out.csv", explain=True)
    assert "codes,evidence,clinic" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")


def test_evidence_is_written_to_files(tiny_model, tmp_path):
    text = "签约医生每月上门给老人量血压。"
    for name, read in (("out.csv", csv_rows), ("out.jsonl", jsonl_rows)):
        label_documents([Document("甲", text)], tiny_model, tmp_path / name, explain=True)
        assert [r["evidence"] for r in read(tmp_path / name)] == [evidence_of(tiny_model, text)]


@pytest.mark.parametrize("explain", [False, True])
def test_an_input_column_named_evidence_keeps_its_cells_under_another_name(tiny_model, explain):
    found = label(frame("医生来了很久。", evidence=["我的"]), tiny_model, explain=explain)
    assert found["in_evidence"].tolist() == ["我的"]
    assert list(found.columns).count("evidence") == explain


def test_what_is_no_trained_model_cannot_explain_itself(by_word, tiny_codebook, tiny_lexicon):
    for model in (by_word, LexiconClassifier(tiny_codebook, tiny_lexicon).fit()):
        with pytest.raises(InputError, match=f"{type(model).__name__} cannot explain itself") as caught:
            label(frame("医生来了很久。"), model, explain=True)
        assert caught.value.hint == "explain with a trained model"
