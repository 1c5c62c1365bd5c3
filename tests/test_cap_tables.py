"""Tables with one code a row, as CAP and the Manifesto Project have them."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from exchange_samples import BOOK, EXCLUSIVE, SEGMENTS, names, segment_lists, texts
from hypothesis import given

from classifier.cap_tables import CAP, MANIFESTO, STYLES, numbered, read_cap, write_cap
from classifier.codebook import codebook_from_text
from classifier.errors import InputError
from classifier.exchanged import Coding, Exchanged

MAP = {"301": ("clinic",), "6": ("school",), "1002": ("road",), "1010": ("road",), "888": ()}


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def read(folder, content, **options):
    path = folder / "手册.csv"
    path.write_text(content, "utf-8")
    return read_cap(path, options.pop("book", BOOK), options.pop("code_map", None), **options)


# --- there and back ---


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("book", [BOOK, EXCLUSIVE], ids=["several codes", "exactly one code"])
def test_any_segments_come_back_as_they_went(tmp_path_factory, book, style):
    path = tmp_path_factory.mktemp("cap") / "t.csv"

    @given(segment_lists(book, value=texts, coder=names.filter(lambda n: n != "fupin"), probabilities=False))
    def there_and_back(segments):
        write_cap(segments, path, book, style)
        assert read_cap(path, book) == segments

    there_and_back()


def test_a_map_of_theirs_serves_both_ways(tmp_path):
    write_cap(SEGMENTS, tmp_path / "t.csv", BOOK, CAP, MAP)
    assert read_cap(tmp_path / "t.csv", BOOK, MAP) == list(SEGMENTS)
    with pytest.raises(InputError, match="row 1: 'majortopic' is '3', which means no code of ours"):
        read_cap(tmp_path / "t.csv", BOOK, {"6": ("school",)})


# --- what we write ---


def test_a_segment_with_several_codes_has_as_many_rows(tmp_path):
    assert write_cap(SEGMENTS, tmp_path / "t.csv", BOOK) == 7
    found = [(r["id"], r["coder"], r["majortopic"], r["subtopic"]) for r in rows_of(tmp_path / "t.csv")]
    assert found == [
        ("柳树坪#0", "zhang@x.org", "1", ""),
        ("柳树坪#0", "li@x.org", "1", ""),
        ("柳树坪#0", "li@x.org", "3", ""),
        ("柳树坪#1", "zhang@x.org", "999", ""),  # coded: no policy content
        ("柳树坪#1", "li@x.org", "", ""),  # skipped
        ("石磨沟#0", "li@x.org", "3", ""),
        ("石磨沟#1", "", "", ""),  # nobody has had it
    ]


def test_a_long_number_is_a_subtopic_of_its_major_topic(tmp_path):
    write_cap(SEGMENTS[:1], tmp_path / "t.csv", BOOK, CAP, MAP)
    found = [(r["majortopic"], r["subtopic"]) for r in rows_of(tmp_path / "t.csv")]
    assert found == [("3", "301"), ("3", "301"), ("10", "1002")]


def test_the_manifesto_style_has_quasi_sentences_with_their_places_in_the_document(tmp_path):
    write_cap(SEGMENTS, tmp_path / "t.csv", BOOK, MANIFESTO)
    rows = rows_of(tmp_path / "t.csv")
    assert list(rows[0])[:4] == ["text", "cmp_code", "eu_code", "pos"]
    found = [(r["doc_id"], r["pos"], r["cmp_code"]) for r in rows]
    assert found == [
        *(("柳树坪", "1", "1"), ("柳树坪", "2", "1"), ("柳树坪", "3", "3"), ("柳树坪", "4", "000")),
        *(("柳树坪", "5", ""), ("石磨沟", "1", "3"), ("石磨沟", "2", "")),
    ]


def test_what_the_model_gave_is_coded_by_fupin(tmp_path):
    one = Exchanged("a", "a", "好。", proposed=("road",))
    write_cap([one], tmp_path / "t.csv", BOOK)
    assert [(r["coder"], r["majortopic"]) for r in rows_of(tmp_path / "t.csv")] == [("fupin", "3")]
    assert read_cap(tmp_path / "t.csv", BOOK) == [one]
    with pytest.raises(InputError, match="a coder is called 'fupin'"):
        write_cap([replace(one, codings={"fupin": Coding(())})], tmp_path / "t.csv", BOOK)


def test_no_cell_is_taken_for_a_formula(tmp_path):
    one = Exchanged("=1", "a", "=1+1", codings={"@x": Coding((), "+1")}, others={"-名": "＝1"})
    write_cap([one], tmp_path / "t.csv", BOOK)
    (row,) = rows_of(tmp_path / "t.csv")
    cells = [*row, *row.values()]
    assert [c for c in cells if c.startswith(("=", "+", "-", "@", "＝"))] == []
    assert read_cap(tmp_path / "t.csv", BOOK) == [one]


def test_what_a_cell_cannot_hold_is_written_as_json(tmp_path):
    others = {"checked": False, "about": {"县": "石磨沟"}, "years": [2019]}
    write_cap(
        [Exchanged("1", "a", "好。", codings={"x": Coding(())}, others=others)], tmp_path / "t.csv", BOOK
    )
    (row,) = rows_of(tmp_path / "t.csv")
    assert {name: row[name] for name in others} == {
        "checked": "false",
        "about": '{"县": "石磨沟"}',
        "years": "[2019]",
    }


def test_a_code_without_a_foreign_one_is_told(tmp_path):
    with pytest.raises(InputError, match="no foreign code for 'school'"):
        write_cap(SEGMENTS, tmp_path / "t.csv", BOOK, CAP, {"1": ("clinic",), "2": ("road",)})
    with pytest.raises(InputError, match=r"unknown format '\.xlsx'"):
        write_cap(SEGMENTS, tmp_path / "t.xlsx", BOOK)
    assert list(tmp_path.iterdir()) == []


def test_codes_that_are_numbers_keep_them():
    book = codebook_from_text(
        "name: v\nversion: '1'\ncodes: [{code: '504', name: {zh: 福利}}, {code: '101', name: {zh: 外交}}]",
        "v.yaml",
    )
    assert numbered(book) == {"504": ("504",), "101": ("101",)}
    assert numbered(BOOK) == {"1": ("clinic",), "2": ("school",), "3": ("road",)}


# --- what others write ---


def test_a_manifesto_corpus_is_read_as_manifestor_gives_it(tmp_path):
    content = (
        "text,cmp_code,eu_code,pos,manifesto_id\n"
        "村里的路,H,NA,1,41320_200909\n"
        "我们修路，,411,NA,2,41320_200909\n"
        "也办学。,506,NA,3,41320_200909\n"
        "谢谢。,000,NA,4,41320_200909\n"
        "再见。,NA,NA,5,41320_200909\n"
    )
    found = read(tmp_path, content, code_map={"411": ("road",), "506": ("school",)})
    assert [s.segment_id for s in found] == [f"41320_200909#{n}" for n in range(1, 6)]
    assert {s.doc_id for s in found} == {"41320_200909"}
    assert [s.codings["手册"].codes for s in found] == [None, ("road",), ("school",), (), None]


def test_a_cap_table_is_read_by_subtopic_or_else_by_major_topic(tmp_path):
    content = (
        "id,text,majortopic,subtopic,year\n"
        "a,看病。,3,301,2019\nb,看病。,3,399,2019\nc,上学。,6,,2019\nd,好。,0,,2019\ne,别的。,888,,2019\n"
    )
    found = read(tmp_path, content, code_map=MAP | {"3": ("road",)})
    codes = [s.codings["手册"].codes for s in found]
    assert codes == [("clinic",), ("road",), ("school",), (), ()]
    assert found[0].others == {"year": "2019"}


def test_a_table_without_places_is_numbered_by_its_rows(tmp_path):
    found = read(tmp_path, "text,cmp_code\n修路。,3\n办学。,2\n")
    assert [(s.segment_id, s.doc_id) for s in found] == [("手册#1", "手册"), ("手册#2", "手册")]


def test_a_parquet_table_with_numbers_is_read(tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"id": [1, 2], "text": ["修路。", "好。"], "majortopic": [3.0, float("nan")]})
    frame.to_parquet(tmp_path / "t.parquet")
    found = read_cap(tmp_path / "t.parquet", BOOK)
    assert [(s.segment_id, s.codings["t"].codes) for s in found] == [("1", ("road",)), ("2", None)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,text,topic\na,好。,1\n", "row 1: neither column 'majortopic' nor 'cmp_code'"),
        ("id,majortopic\na,1\n", "row 1: no column 'text'"),
        ("id,text,majortopic\n", "no rows"),
        (
            "id,text,majortopic\na,好。,1\nb,好。,77\n",
            "row 2: 'majortopic' is '77', which means no code of ours",
        ),
        ("id,text,majortopic\na,好。,1\na,好。,1\n", "row 2: the segment has code '1' in an earlier row too"),
        ("id,text,majortopic\na,好。,1\na,坏。,2\n", "row 2: segment 'a': 'text' is '坏。', another than in"),
        ("id,text,majortopic,y\na,好。,1,5\na,好。,2,6\n", "row 2: segment 'a': 'y' is '6', another than in"),
        ("text,cmp_code,pos\n好。,1,4\n坏。,2,4\n", "row 2: segment '手册#4': 'text' is '坏。', another"),
    ],
    ids=[
        *("no code", "no text", "nothing", "a code that means none", "a code twice", "two texts of one id"),
        *("another column differs", "a place twice"),
    ],
)
def test_a_table_with_a_fault_is_told_with_its_row(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, content)
    assert caught.value.hint


def test_exactly_one_code_is_wanted_where_codes_exclude_each_other(tmp_path):
    with pytest.raises(InputError, match="row 1: 2 codes, but 'village' wants exactly one"):
        read(tmp_path, "id,text,majortopic\na,好。,1\na,好。,2\n", book=EXCLUSIVE)
