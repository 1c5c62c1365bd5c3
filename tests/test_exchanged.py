"""Segments on their way to other tools: names of codes, rows put together, fupin's own tables."""

from __future__ import annotations

import csv
import json
import math
import pickle
import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow
import pytest
from exchange_samples import BOOK, EXCLUSIVE, SEGMENTS, names, plain, segment_lists
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from classifier.cap_tables import read_cap, write_cap
from classifier.codebook import codebook_from_text
from classifier.doccano import read_doccano, write_doccano
from classifier.errors import LONGEST, InputError
from classifier.exchange_tables import labelled_segments, only_coded, read_segments, write_segments
from classifier.exchanged import (
    Coding,
    Exchanged,
    TheirNames,
    aside,
    completed,
    json_value,
    merged,
    only_coder,
    own_name,
    read_code_map,
    without_model,
)
from classifier.json_lists import json_objects
from classifier.label_studio import read_label_studio, write_tasks
from classifier.labelled import Labelled
from classifier.limits import Limits

# --- what others call our codes ---


@pytest.mark.parametrize(
    ("name", "code"),
    [("road", "road"), ("修路", "road"), ("road 修路", "road"), (" 修路 ", "road")],
    ids=["the code", "its name", "both, as in doccano", "with space around it"],
)
def test_a_code_goes_by_its_names(name, code):
    assert TheirNames(BOOK).codes([name], "第1行") == (code,)


def test_a_name_that_two_codes_share_means_neither():
    book = codebook_from_text(
        "name: v\nversion: '1'\ncodes: [{code: a, name: {zh: 路}}, {code: b, name: {zh: 路}}]", "v.yaml"
    )
    assert TheirNames(book).known("路") is None
    assert TheirNames(book).known("b 路") == ("b",)


def test_a_map_comes_before_names_and_may_mean_several_codes_or_none():
    names = TheirNames(BOOK, {"road": ("school",), "7": ("road", "clinic"), "999": ()})
    assert names.codes(["road"], "") == ("school",)
    assert names.codes(["7", "999"], "") == ("clinic", "road")


@pytest.mark.parametrize(
    ("name", "message"),
    [("桥", "第3行: unknown code '桥'"), (7, "第3行: 7 is no name"), (None, "第3行: None is no name")],
    ids=["unknown", "a number", "nothing"],
)
def test_what_is_no_code_is_told_with_its_place(name, message):
    with pytest.raises(InputError, match=message):
        TheirNames(BOOK).codes([name], "第3行")


@pytest.mark.parametrize("given_codes", [[], ["road", "clinic"]], ids=["none", "two"])
def test_where_codes_exclude_each_other_a_coding_has_exactly_one(given_codes):
    with pytest.raises(
        InputError, match=rf"第3行: {len(given_codes)} codes, but 'village' wants exactly one"
    ):
        TheirNames(EXCLUSIVE).coding(given_codes, "第3行")


def test_a_code_map_is_read_with_several_codes_and_none(tmp_path):
    (tmp_path / "m.csv").write_text("theirs,ours\n301,clinic;road\n0,\n'=1,school\n", encoding="utf-8")
    found = read_code_map(tmp_path / "m.csv", BOOK)
    assert found == {"301": ("clinic", "road"), "0": (), "=1": ("school",)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("theirs,our\n1,road\n", "m.csv: row 1: no column 'ours'"),
        ("theirs,ours\n1,road\n2,桥\n", "m.csv: row 2: unknown code '桥'"),
        ("theirs,ours\n1,road\n1,clinic\n", "m.csv: row 2: '1' stands twice"),
        ("theirs,ours\n,road\n", "m.csv: row 1: 'theirs' is empty"),
        ("theirs,ours\n", "m.csv: no rows"),
    ],
    ids=["a column is missing", "unknown code", "doubled", "empty", "nothing"],
)
def test_a_code_map_with_a_fault_is_told_with_its_row(tmp_path, content, message):
    (tmp_path / "m.csv").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_code_map(tmp_path / "m.csv", BOOK)


@given(st.text("in_d", max_size=9), st.frozensets(st.sampled_from(["id", "d", "n"])))
def test_a_column_gets_its_name_back_and_never_one_that_is_taken(name, taken):
    moved = aside(name, taken)
    assert moved not in taken
    assert own_name(moved, taken) == name


# --- rows put together ---


def row(segment="甲#0", text="好。", **more):
    return Exchanged(segment, "甲", text, **more)


def test_rows_of_several_coders_become_one_segment():
    found = merged([("1", row(codings={"张": Coding(())})), ("2", row(codings={"李": Coding(None)}))])
    assert found == [row(codings={"张": Coding(()), "李": Coding(None)})]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (row(codings={"张": Coding(())}), "行2: segment '甲#0' of coder '张' stands in 行1 already"),
        (row(), "行2: segment '甲#0' stands in 行1 already"),
        (
            row(text="坏。", codings={"李": Coding(())}),
            "行2: segment '甲#0': 'text' is '坏。', another than in 行1",
        ),
        (
            row(codings={"李": Coding(())}, others={"unit": "x"}),
            "行2: segment '甲#0': 'unit' is 'x', another",
        ),
    ],
    ids=["the coder has it twice", "nobody's, twice", "another text", "another column"],
)
def test_rows_that_do_not_go_together_are_told_with_both_places(second, message):
    with pytest.raises(InputError, match=message):
        merged([("行1", row(codings={"张": Coding(())})), ("行2", second)])


def test_a_sample_is_made_whole_again_with_its_own_columns():
    drawn = [row(f"甲#{n}", others={"inclusion_probability": 0.1 * n}) for n in range(3)]
    drawn[2] = replace(drawn[2], codings={"李": Coding(())})  # what the sample itself says does not count
    back = [row("甲#1", text="changed", codings={"张": Coding(())}, others={"inclusion_probability": "0,1"})]
    found = completed(back, drawn)
    assert [s.others for s in found] == [s.others for s in drawn]
    assert [list(s.codings) for s in found] == [[], ["张"], []]
    assert found[1].text == "好。"
    with pytest.raises(InputError, match=r"segment '乙#0' is not in 样本.csv \(1 such\)"):
        completed([row("乙#0")], drawn, "样本.csv")


def test_one_coder_alone_keeps_segments_that_he_has_not_had():
    assert [list(s.codings) for s in only_coder(SEGMENTS, "zhang@x.org")] == [["zhang@x.org"]] * 2 + [[], []]
    with pytest.raises(InputError, match="no coder is called '王'") as caught:
        only_coder(SEGMENTS, "王")
    assert caught.value.hint == "coders: zhang@x.org, li@x.org"


def test_only_coded_leaves_out_who_skipped_and_what_nobody_had():
    found = {s.segment_id: list(s.codings) for s in only_coded(SEGMENTS)}
    assert found == {
        "柳树坪#0": ["zhang@x.org", "li@x.org"],
        "柳树坪#1": ["zhang@x.org"],
        "石磨沟#0": ["li@x.org"],
    }


def test_blind_takes_off_what_the_model_made_and_nothing_else():
    one = row(proposed=("road",), probabilities={"road": 0.9}, others={"unit": "segment"})
    assert list(without_model([one])) == [row(others={"unit": "segment"})]


# --- fupin's own tables ---


@pytest.mark.parametrize("ending", ["csv", "xlsx", "jsonl"])
def test_a_table_says_who_coded_who_skipped_and_what_nobody_had(tmp_path, ending):
    out = tmp_path / f"t.{ending}"
    write_segments(SEGMENTS, out, BOOK)
    assert read_segments(out, BOOK) == list(SEGMENTS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    segments=segment_lists(
        text=plain,
        coder=names,
        value=st.one_of(plain, st.integers(-9, 9), st.floats(0, 1)),
        note=plain,
        probabilities=False,
    )
)
def test_a_table_gives_back_any_segments(tmp_path, segments):
    write_segments(segments, tmp_path / "t.jsonl", BOOK)
    assert read_segments(tmp_path / "t.jsonl", BOOK) == segments


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(segments=segment_lists(text=plain, value=plain, note=plain, probabilities=False))
def test_a_csv_table_gives_back_any_segments_of_text(tmp_path, segments):
    write_segments(segments, tmp_path / "t.csv", BOOK)
    assert read_segments(tmp_path / "t.csv", BOOK) == segments


def test_what_label_wrote_is_what_the_model_proposed(tmp_path):
    (tmp_path / "l.csv").write_text(
        "doc_id,segment_id,text,codes,clinic,school,road,year\n甲,甲#0,'=好。,road,0.1,,0.9,2019\n", "utf-8"
    )
    (found,) = read_segments(tmp_path / "l.csv", BOOK)
    assert found == Exchanged(
        "甲#0",
        "甲",
        "=好。",
        proposed=("road",),
        probabilities={"clinic": 0.1, "road": 0.9},
        others={"year": "2019"},
    )


def test_parquet_that_label_wrote_has_plain_values(tmp_path):
    import datetime

    import pandas as pd

    frame = pd.DataFrame(
        {"doc_id": ["甲"], "segment_id": ["甲#0"], "text": ["好。"], "codes": [""], "road": [0.5]}
    ).assign(day=[datetime.date(2019, 10, 17)], n=[3], gap=[float("nan")])
    frame.to_parquet(tmp_path / "l.parquet")
    (found,) = read_segments(tmp_path / "l.parquet", BOOK)
    assert found.others == {"day": "2019-10-17", "n": 3, "gap": None}
    assert [type(v) for v in found.others.values()] == [str, int, type(None)]


def test_lists_mappings_and_whole_numbers_of_parquet_become_what_json_can_hold(tmp_path):
    import numpy as np
    import pandas as pd

    frame = pd.DataFrame({"segment_id": [7.0, 8.0], "text": ["好。", "坏。"], "codes": ["", "road"]})
    frame["about"] = [{"county": "石磨沟", "years": [2019]}, {"county": "双碑湾", "years": []}]
    frame.to_parquet(tmp_path / "l.parquet")
    found = read_segments(tmp_path / "l.parquet", BOOK)
    assert [s.segment_id for s in found] == ["7", "8"]  # and not 7.0
    assert [s.others for s in found] == [{"about": about} for about in frame["about"]]
    # a table in memory may hold numpy's own numbers, which JSON does not know
    cells = frame.assign(doc_id="d", about=None).astype({"segment_id": object})
    cells["n"] = pd.Series([np.int64(3), np.float64(0.5)], dtype=object)
    chances = pd.DataFrame(0.5, cells.index, BOOK.columns)
    labelled = Labelled("t", BOOK, cells, chances > 1, chances)
    values = [segment.others["n"] for segment in labelled_segments(labelled)]
    assert (values, [type(v) for v in values]) == ([3, 0.5], [int, float])


def test_arrays_of_a_parquet_column_of_lists_become_lists(tmp_path):
    """Read as columns, a list is an array, which is neither equal nor unequal to itself."""
    times = pyarrow.array([[datetime(2019, 10, 17, 8), None], None], pyarrow.list_(pyarrow.timestamp("ns")))
    table = {
        **{
            "doc_id": ["甲"] * 2,
            "segment_id": ["甲#0", "甲#1"],
            "text": ["好。"] * 2,
            "codes": [["road"], []],
        },
        **{"road": [0.5, 0.5], "years": [[2019, 2020], []], "words": [["路", None], ["桥"]], "times": times},
        "deep": [[[1], [2, 3]], [[]]],
    }
    parquet.write_table(pyarrow.table(table), tmp_path / "l.parquet")
    found = read_segments(tmp_path / "l.parquet", BOOK)
    assert [segment.proposed for segment in found] == [("road",), ()]
    assert [segment.others for segment in found] == [
        {
            **{"years": [2019, 2020], "words": ["路", None], "deep": [[1], [2, 3]]},
            "times": ["2019-10-17T08:00:00", None],
        },
        {"years": [], "words": ["桥"], "times": None, "deep": [[]]},
    ]
    write_tasks(found, tmp_path / "t.json", BOOK)
    assert [s.others for s in read_label_studio(tmp_path / "t.json", BOOK)] == [s.others for s in found]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("inf"), "inf"),
        (np.float32("nan"), None),
        (np.array([[1.5, np.nan]]), [[1.5, None]]),
        (np.datetime64("2019-10-17T08:00:00", "ns"), "2019-10-17T08:00:00"),
        (np.array(["NaT"], "datetime64[ns]"), [None]),
        (Decimal("1.50"), "1.50"),
        ({1: (date(2019, 10, 17), np.array([True]))}, {"1": ["2019-10-17", [True]]}),
    ],
    ids=["endless", "no number", "a table", "nanoseconds", "no time", "decimal", "one in the other"],
)
def test_any_cell_becomes_what_json_can_hold(value, expected):
    assert json_value(value) == expected
    json.dumps(json_value(value), allow_nan=False)


@pytest.mark.parametrize("name", ["e.jsonl", "c.jsonl", "a.jsonl", "t.jsonl"])
def test_what_json_has_no_number_for_can_be_handed_on(tmp_path, name):
    """Python writes and reads NaN and Infinity in JSON; Label Studio and doccano do not."""
    row = {
        **{"text": "修路。", "label": ["road"], "majortopic": 3, "codes": "road", "annotator": 4},
        **{"n": math.nan, "far": [math.inf]},
    }
    (tmp_path / name).write_text(json.dumps(row), encoding="utf-8")
    read = {"e": read_doccano, "c": read_cap, "a": read_label_studio, "t": read_segments}[name[0]]
    found = read(tmp_path / name, BOOK)
    assert (found[0].others["n"], found[0].others["far"]) == (None, ["inf"])
    write_tasks(found, tmp_path / "t.json", BOOK)
    assert read_label_studio(tmp_path / "t.json", BOOK)[0].others["far"] == ["inf"]
    write_doccano(found, tmp_path / "o.jsonl", BOOK)
    write_cap(found, tmp_path / "o.csv", BOOK)


def test_days_of_a_parquet_table_of_codings_can_be_written(tmp_path):
    table = {"text": ["修路。"], "majortopic": [3], "day": [date(2019, 10, 17)]}
    parquet.write_table(pyarrow.table(table), tmp_path / "c.parquet")
    found = read_cap(tmp_path / "c.parquet", BOOK)
    write_segments(found, tmp_path / "t.jsonl", BOOK)
    assert read_segments(tmp_path / "t.jsonl", BOOK)[0].others["day"] == "2019-10-17"


def test_a_probability_beyond_all_numbers_is_told(tmp_path):
    row = {"text": "修路。", "label": ["road"], "probabilities": '{"road": ' + "9" * 400 + "}"}
    (tmp_path / "e.jsonl").write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(InputError, match=r"e\.jsonl: row 1: 'probabilities' is"):
        read_doccano(tmp_path / "e.jsonl", BOOK)


@pytest.mark.parametrize(
    ("name", "cell", "message"),
    [
        ("a.csv", '{"choices": ["\\ud800"]}', "a.csv: row 1: unknown code '{"),
        ("a.csv", '{"choices": ' + "[" * 300 + "]" * 300 + "}", "a.csv: row 1: unknown code '{"),
        ("e.csv", '{"\\ud800": 0.5}', "e.csv: row 1 holds half a surrogate pair"),
        ("e.csv", "[" * 990 + "]" * 990, "e.csv: row 1: 'probabilities' is"),
    ],
    ids=["half a pair", "deep", "half a pair in a probability", "a deep probability"],
)
def test_a_cell_of_json_is_held_to_what_a_file_of_json_is(tmp_path, name, cell, message):
    with (tmp_path / name).open("w", encoding="utf-8", newline="") as stream:
        column = {"a": "codes", "e": "probabilities"}[name[0]]
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "annotation_id", "annotator", column])
        writer.writerow(["修路。", "road", "1", "4", cell])
    read = {"a": read_label_studio, "e": read_doccano}[name[0]]
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read(tmp_path / name, BOOK)
    f"{caught.value}{caught.value.hint}".encode()


def test_a_value_of_any_length_leaves_an_error_one_line_that_can_be_read(tmp_path):
    """The place stands at its beginning and what is wrong at its end."""
    (tmp_path / "m.csv").write_text(f"theirs,ours\n1,{'路' * 30_000}\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_code_map(tmp_path / "m.csv", BOOK)
    assert re.fullmatch(r"m\.csv: row 1: unknown code '路+…路+'", str(caught.value))
    assert len(str(caught.value)) <= LONGEST
    assert str(InputError("a" * LONGEST, "b")) == "a" * LONGEST
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.hint) == (str(caught.value), caught.value.hint)


def test_what_a_cell_of_csv_cannot_hold_is_written_as_json(tmp_path):
    others = {"checked": True, "about": {"县": "石磨沟"}, "years": [2019], "none": None, "n": 3}
    write_segments([row(others=others)], tmp_path / "t.csv", BOOK)
    (found,) = read_segments(tmp_path / "t.csv", BOOK)
    assert found.others == {
        "checked": "true",
        "about": '{"县": "石磨沟"}',
        "years": "[2019]",
        "none": "",
        "n": "3",
    }


def test_a_table_without_marks_was_coded_by_whom_the_file_names(tmp_path):
    (tmp_path / "张.jsonl").write_text('{"id": 7, "text": "好。", "codes": []}\n', "utf-8")
    (found,) = read_segments(tmp_path / "张.jsonl", BOOK)
    assert (found.segment_id, found.doc_id, found.codings) == ("7", "7", {"张": Coding(())})


def test_gold_without_ids_is_named_by_its_spans_and_rows_by_their_number(tmp_path):
    (tmp_path / "g.jsonl").write_text(
        '{"doc_id": "甲", "start": 3, "end": 9, "text": "好。", "codes": "road"}\n', "utf-8"
    )
    (tmp_path / "t.csv").write_text("text,codes\n好。,road\n", "utf-8")
    assert read_segments(tmp_path / "g.jsonl", BOOK)[0].segment_id == "甲:3-9"
    assert read_segments(tmp_path / "t.csv", BOOK)[0].segment_id == "t#1"


def test_a_starter_corpus_is_coded_by_the_name_of_its_folder(tmp_path):
    (tmp_path / "村庄" / "articles").mkdir(parents=True)
    (tmp_path / "村庄" / "articles" / "柳.tsv").write_text(
        "# title: 柳\n# genre: 通讯\n# province: 某省\n# year: 2019\n# coders: A;B\nroad\t修路。\n\t好。\n",
        "utf-8",
    )
    found = read_segments(tmp_path / "村庄", BOOK)
    assert [(s.segment_id, s.codings) for s in found] == [
        ("柳#0", {"村庄": Coding(("road",))}),
        ("柳#1", {"村庄": Coding(())}),
    ]
    assert found[0].others["year"] == "2019"
    with pytest.raises(InputError, match="no articles"):
        read_segments(tmp_path / "村庄" / "articles", BOOK)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("segment_id,text\n甲#0,好。\n", "t.csv: row 1: no column 'codes'"),
        ("segment_id,text,codes\n", "t.csv: no rows"),
        ("segment_id,text,codes\n甲#0,好。,桥\n", "t.csv: row 1: unknown code '桥'"),
        (
            "segment_id,text,codes\n甲#0,好。,\n甲#0,好。,road\n",
            "t.csv: row 2: segment '甲#0' of coder 't' stands",
        ),
        ("segment_id,text,codes,coded\n甲#0,好。,,maybe\n", "t.csv: row 1: 'coded' is 'maybe'"),
    ],
    ids=["a column is missing", "nothing", "unknown code", "doubled id", "a mark that is none"],
)
def test_a_table_with_a_fault_is_told_with_its_row(tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content, "utf-8")
    with pytest.raises(InputError, match=message):
        read_segments(tmp_path / "t.csv", BOOK)


# --- lists in JSON ---


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("[]", []),
        (' [ {"a": 1} ,\n{"b": []} ] ', [(1, {"a": 1}), (2, {"b": []})]),
        ('{"a": 1}', [(1, {"a": 1})]),
    ],
    ids=["an empty list", "space anywhere", "an object alone"],
)
def test_a_json_list_is_read_object_by_object(tmp_path, content, found):
    (tmp_path / "x.json").write_text(content, "utf-8")
    assert list(json_objects(tmp_path / "x.json")) == found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no list of JSON objects"),
        ("7", "no list of JSON objects"),
        ("[1]", "object 1 is no JSON object"),
        ('[{"a": 1}', "object 1 is not followed by"),
        ('[{"a": 1},]', "object 1 is not followed by"),
        ('[{"a": 1} {"a": 1}]', "object 1 is not followed by"),
        ('[{"a": 1}] x', "something stands behind the list"),
        ('{"a": 1} x', "something stands behind the list"),
        ('[{"a": NaN}]', "object 1 is not JSON .NaN is no number"),
        ('[{"a": 1', "object 1 is not JSON"),
        ('[{"a": "\\ud83d"}]', "object 1 holds half a surrogate pair"),
        ('[{"a": ' + "[" * 101 + "]" * 101 + "}]", "object 1 is nested more than 100 deep"),
        ('[{"a": ' + "[" * 100_000, "object 1 is nested more than 100 deep"),
        ('[{"a": ' + "1" * 10_000 + "}]", "object 1 is not JSON"),
    ],
    ids=[
        *(
            "empty",
            "a number",
            "a list of numbers",
            "cut off",
            "a comma too many",
            "no comma",
            "something behind",
        ),
        *(
            "something behind an object",
            "NaN",
            "cut off inside",
            "half a pair",
            "deep",
            "deeper than Python goes",
        ),
        "a number too long",
    ],
)
def test_what_is_no_list_of_objects_is_told(tmp_path, content, message):
    (tmp_path / "x.json").write_text(content, "utf-8")
    with pytest.raises(InputError, match=f"x.json: {message}"):
        list(json_objects(tmp_path / "x.json"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_a_json_list_in_another_encoding_is_read(tmp_path, encoding):
    (tmp_path / "x.json").write_text('[{"text": "医生每月上门。"}]', encoding)
    assert list(json_objects(tmp_path / "x.json")) == [(1, {"text": "医生每月上门。"})]


def test_bytes_that_are_no_text_are_told_with_a_remedy_that_exists(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xff\xff[]")
    with pytest.raises(InputError, match=r"x\.json: neither UTF-8 .byte 0. nor GB18030") as caught:
        list(json_objects(tmp_path / "x.json"))
    assert caught.value.hint == "save it as UTF-8, which JSON is in"


def test_limits_hold_for_json(tmp_path):
    (tmp_path / "x.json").write_text('[{"a": "' + "长" * 400_000 + '"}]', "utf-8")
    with pytest.raises(InputError, match="object 1 is longer than 8,000 characters") as caught:
        list(json_objects(tmp_path / "x.json", Limits(characters=1000)))
    assert "--limit characters=N" in caught.value.hint
    with pytest.raises(InputError, match="larger than 1 MB"):
        list(json_objects(tmp_path / "x.json", Limits(file_mb=1)))
