"""What a cell can hold, and the guard against formulas."""

from __future__ import annotations

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from classifier.cells import (
    CELL,
    Changes,
    as_text,
    cut,
    escaped,
    first_units,
    is_missing,
    plain,
    unescaped,
    units,
)
from classifier.spreadsheet_guard import guarded, guarded_texts, unguarded, unguarded_row

ANY = st.text(st.characters(codec=None))
WILD = st.text(alphabet="'=+-@\t\r\n ＝＋－＠　\xa0\ufeff\u200b\0\x1ca字5.%eE") | ANY
SIGNS = "=+-@＝＋－＠"


# --- the guard ---


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    "before",
    [
        "",
        " ",
        "\t",
        "\n",
        "\r\n",
        " \n ",
        "\xa0",
        "\u3000",
        "\ufeff",
        "\u200b",
        "\u2060",
        "\0",
        "\x1c",
        "\x7f",
    ],
    ids=ascii,
)
def test_nothing_that_is_not_seen_hides_a_formula(before, sign):
    assert guarded(f"{before}{sign}1+1") == f"'{before}{sign}1+1"


@pytest.mark.parametrize("text", ["\t", "\n村", "\r村"], ids=ascii)
def test_a_tab_or_a_line_end_in_front_is_guarded_whatever_follows(text):
    assert guarded(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "修路", "1+1", "'天下'", "　　修路", "《=》", "a=1", "—", "“=1”", "'"], ids=ascii
)
def test_what_is_no_formula_is_left(text):
    assert guarded(text) == text
    assert guarded_texts([text]) == [text]


@given(WILD)
def test_the_guard_comes_off_again_and_leaves_no_formula(text):
    assert unguarded(guarded(text)) == text
    assert not re.match(rf"\s*[{re.escape(SIGNS)}]", guarded(text))


@given(st.lists(WILD))
def test_a_column_is_guarded_as_each_of_its_texts_but_for_negative_numbers(texts):
    found = guarded_texts(texts)
    assert [unguarded(text) for text in found] == texts
    for text, made in zip(texts, found, strict=True):
        if made != guarded(text):
            assert text == made
            assert text == "-" or float(text.rstrip("%")) <= 0
    assert (found is texts) == (list(found) == texts)


@pytest.mark.parametrize("text", ["-5", "-5.", "-.5", "-1.2e-5", "-3%", "-"])
def test_a_negative_number_in_a_column_stays_one(text):
    assert guarded_texts([text]) == [text]


@pytest.mark.parametrize(
    "text", ["-5+1", "-a", "+5", "--5", "-5 ", "-５", "-%", "-.", "=-5", "-1,000", "-e5"]
)
def test_what_only_begins_like_a_negative_number_is_guarded(text):
    assert guarded_texts([text]) == [f"'{text}"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx"])
def test_only_a_table_that_fupin_wrote_is_unguarded(suffix):
    ours = {"segment_id": "'=1#0", "'=n": "'＝1", "x": None, "n": 5}
    assert unguarded_row(ours, suffix) == {"segment_id": "=1#0", "=n": "＝1", "x": None, "n": 5}
    theirs = {"id": "'=1", "text": "'@村医'，他说。"}
    assert unguarded_row(theirs, suffix) == theirs


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_where_nothing_is_guarded_nothing_is_taken_off(suffix):
    row = {"segment_id": "'=1#0", "text": "'=1"}
    assert unguarded_row(row, suffix) == row


# --- lengths ---


@given(ANY)
def test_a_character_beyond_the_first_plane_counts_as_two(text):
    assert units(text) == len(text) + sum(character > "\uffff" for character in text)


@given(ANY, st.integers(-1, 12))
def test_the_beginning_of_a_text_is_the_longest_that_fits(text, most):
    kept = first_units(text, most)
    assert units(kept) <= max(most, 0)
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # halves that meet
    assert whole.startswith(kept)
    if kept != whole:
        assert units(kept) + units(whole[len(kept)]) > max(most, 0)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        pytest.param("好" * CELL, "好" * CELL, id="just fits"),
        pytest.param("好" * (CELL + 1), "好" * (CELL - 1) + "…", id="one too many"),
        pytest.param("𠮷" * (CELL // 2), "𠮷" * (CELL // 2), id="two units each, fits"),
        pytest.param("𠮷" * (CELL // 2 + 1), "𠮷" * (CELL // 2) + "…", id="two units each, one too many"),
    ],
)
def test_what_is_longer_than_a_cell_is_cut_and_says_so(text, made):
    assert cut(text, "…") == made


# --- escapes ---


@given(st.text(alphabet="_x0041\0\r5FfD8\ud800\ude00\uffff\n") | ANY)
def test_an_escape_is_undone_by_us_and_by_openpyxl_and_xml_can_hold_it(text):
    made = escaped(text)
    assert unescaped(made) == unescape(made) == text
    assert not re.search("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", made)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("修路\n架桥\t", "修路\n架桥\t"),
        ("\0", "_x0000_"),
        ("a\r\n", "a_x000D_\n"),
        ("_x0041_", "_x005F_x0041_"),
        ("_x0041_x0042_", "_x005F_x0041_x005F_x0042_"),
        ("_x005F\0", "_x005F_x005F_x0000_"),
        ("_x00_ _x0041", "_x00_ _x0041"),
        ("\uffff𠮷", "_xFFFF_𠮷"),
    ],
    ids=ascii,
)
def test_escapes_are_those_of_excel(text, made):
    assert escaped(text) == made


# --- values ---


@pytest.mark.parametrize("nothing", [None, float("nan"), pd.NaT, pd.NA, np.float64("nan")], ids=str)
def test_what_is_nothing_is_an_empty_cell(nothing):
    assert is_missing(nothing)
    assert plain(["修路", nothing]) == ["修路", None]


@pytest.mark.parametrize("value", ["", 0, False, [], {}, "nan", float("inf"), date(2020, 5, 1)], ids=repr)
def test_what_is_little_is_none_the_less_something(value):
    assert not is_missing(value)
    assert plain([value]) == [value]


def test_arrays_become_plain_values():
    assert plain(np.array([1, 2])) == [1, 2]
    assert plain(np.array([0.5, np.nan])) == [0.5, None]
    assert plain(np.array(["路", None], dtype=object)) == ["路", None]


def test_lists_and_mappings_are_json_and_all_else_is_as_it_prints():
    found = [as_text(v) for v in ("路", ["路", None], {"路": date(2020, 5, 1)}, None, date(2020, 5, 1), b"x")]
    assert found == ["路", '["路", null]', '{"路": "2020-05-01"}', "", "2020-05-01", "b'x'"]


# --- counting ---


def test_changes_add_up_and_are_told_in_one_line():
    assert list(Changes().told()) == []
    both = Changes(2, 1, 1, 0) + Changes(1, 1, 0, 1)
    assert both == Changes(3, 2, 1, 1)
    assert list(both.told("guarded", "replaced")) == [
        "3 cells changed: 2 guarded, 1 replaced, 1 longer than 32,767 characters"
    ]
    assert list(Changes(1, 1, 0, 0).told("guarded", "")) == ["1 cell changed: 1 guarded"]
