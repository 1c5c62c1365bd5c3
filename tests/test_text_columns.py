"""The column with the text: by name, else by what it holds; told where nobody named it."""

from __future__ import annotations

import json

import pytest

from classifier.documents import Reading, documents
from classifier.errors import InputError
from classifier.text_columns import LOOKED_AT, text_column

LONG = "村里修好了水泥路。"


@pytest.mark.parametrize(
    ("row", "column"),
    [
        pytest.param({"id": "1", "正文": LONG, "text": "x"}, "text", id="text goes before all"),
        pytest.param({"标题": LONG * 2, "正文": "路"}, "正文", id="a name goes before length"),
        pytest.param({"Content": LONG, "summary": LONG * 2}, "Content", id="whatever its case"),
        pytest.param({" 内容 ": LONG, "x": "路"}, " 内容 ", id="with blanks around it"),
        pytest.param({"content": "text/html", "报道": LONG}, "报道", id="a name that holds no Chinese"),
        pytest.param({"a": "路", "b": LONG, "c": "水"}, "b", id="most Chinese characters"),
        pytest.param({"a": LONG, "b": LONG}, "a", id="the first of equals"),
        pytest.param({"a": "one", "b": 3, "c": None, "d": [LONG]}, None, id="none"),
    ],
)
def test_the_column_is_chosen_by_the_stated_rule(row, column):
    assert text_column([row]) == column


def test_all_rows_looked_at_count_and_may_differ():
    assert text_column([{"a": "路路"}, {"b": LONG}, {"a": "水"}]) == "b"
    assert text_column([]) is None


def read(path, **options):
    notes = []
    return [d.text for d in documents([path], Reading(**options), on_note=notes.append)], notes


def test_the_choice_is_told_where_it_was_one(tmp_path):
    (tmp_path / "a.csv").write_text(f"编号,报道\n1,{LONG}\n", encoding="utf-8")
    note = f"{tmp_path / 'a.csv'}: the text is taken from column '报道'; another: --text-column"
    assert read(tmp_path / "a.csv") == ([LONG], [note])
    assert read(tmp_path / "a.csv", text_column="报道") == ([LONG], [])
    (tmp_path / "b.csv").write_text(f"text\n{LONG}\n", encoding="utf-8")
    assert read(tmp_path / "b.csv") == ([LONG], [])


def test_the_same_choice_is_told_once_and_another_again(tmp_path):
    for name, column in (("1", "正文"), ("2", "正文"), ("3", "内容"), ("4", "正文")):
        (tmp_path / f"{name}.csv").write_text(f"id,{column}\n{name},{LONG}\n", encoding="utf-8")
    told = [note.split(": ")[0][-5:] for note in read(tmp_path)[1]]
    assert told == ["1.csv", "3.csv", "4.csv"]


def test_rows_behind_those_looked_at_are_not_lost(tmp_path):
    rows = [{"id": n, "正文": f"{LONG}{n}"} for n in range(LOOKED_AT + 50)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert read(path)[0] == [row["正文"] for row in rows]


def test_a_column_that_is_named_must_be_there(tmp_path):
    (tmp_path / "a.csv").write_text(f"编号,报道\n1,{LONG}\n", encoding="utf-8")
    for option in ({"text_column": "正文"}, {"id_column": "正文"}):
        with pytest.raises(InputError, match=r"row 1: no column '正文'; columns: 编号, 报道") as caught:
            read(tmp_path / "a.csv", **option)
        assert f"--{next(iter(option)).replace('_', '-')}" in caught.value.hint


def test_a_table_that_is_refused_for_its_columns_is_told_once_whatever_its_rows(tmp_path):
    (tmp_path / "a.csv").write_text(f"编号,报道\n1\n2,{LONG}\n3\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text(LONG, encoding="utf-8")
    skipped = []
    assert len(list(documents([tmp_path], Reading(text_column="正文"), skipped.append))) == 1
    assert [e.reason for e in skipped] == ["row 2: no column '正文'; columns: 编号, 报道"]


def test_a_named_column_may_first_appear_in_a_later_row(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1}\n{"id": 2, "报道": "路"}\n', encoding="utf-8")
    skipped = []
    found = documents([path], Reading(text_column="报道"), skipped.append)
    assert [(d.id, d.text) for d in found] == [("2", "路")]
    assert [e.reason for e in skipped] == ["row 1: no column '报道'; columns: id"]
