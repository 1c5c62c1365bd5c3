"""Normalising: one width, one case, one set of marks, no name of an office-holder."""

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.normalise import _changed, aligned, normalise, one_width
from classifier.tries import BMP


@settings(derandomize=True, deadline=None)
@given(st.text())
def test_normalising_twice_is_normalising_once(text):
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        pytest.param("投入１.２亿元", "投入1.2亿元", id="full-width digits"),
        pytest.param("ＧＤＰ和CPI", "gdp和cpi", id="letters in one case and width"),
        pytest.param("真的吗？好！走；（快）：是，", "真的吗?好!走;(快):是,", id="full-width marks"),
        pytest.param("好。行、", "好。行、", id="marks without a half-width twin stay"),
        pytest.param("“雨露计划”‘一批’", "\"雨露计划\"'一批'", id="curly quotes"),
        pytest.param("一——二–三—四", "一--二-三-四", id="dashes"),
        pytest.param("买买提•艾力", "买买提·艾力", id="bullet between names"),
        pytest.param("甲 \u3000\t乙\n\n丙", "甲 乙 丙", id="any run of white space is one space"),
        pytest.param("①村㎡", "1村m2", id="compatibility characters"),
        pytest.param("健康扶貧", "健康扶貧", id="traditional characters stay"),
        pytest.param("", "", id="empty"),
    ],
)
def test_width_case_and_marks(raw, normalised):
    assert normalise(raw) == normalised


@pytest.mark.parametrize(
    "named",
    ["习近平总书记", "习近平同志", "习近平主席", "习近平", "习总书记", "习主席", "习同志", "总书记习近平"],
    ids=[
        "name and office",
        "name, comrade",
        "name, chairman",
        "name",
        "office",
        "chairman",
        "comrade",
        "behind",
    ],
)
def test_ways_of_naming_the_office_holder_are_one(named):
    assert normalise(named) == "总书记"


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        pytest.param("学习总书记", "学习总书记", id="to study is no surname"),
        pytest.param("学习习总书记", "学习总书记", id="to study, then the surname"),
        pytest.param("学习习近平总书记", "学习总书记", id="to study, then the full name"),
        pytest.param("向先进同志学习", "向先进同志学习", id="to study, nobody named"),
        pytest.param("县委书记和主席", "县委书记和主席", id="other offices"),
    ],
)
def test_words_that_only_look_like_the_name_stay(raw, normalised):
    assert normalise(raw) == normalised


# --- with offsets ---

# What changes its length or joins its neighbours: ligatures, compatibility forms, combining marks,
# Hangul letters, a sigma that ends a word, white space, office-holders, and plain text.
ODD = st.text(
    "ﬃ㎡①㍿ｶﾞ\u3099ー가\u1100\u1161ΑΣσİe\u0301\u0323 \u3000\n“—•习近平总书记主席学1２.a。", max_size=20
)


@pytest.mark.parametrize("texts", [st.text(), ODD], ids=["any text", "odd text"])
def test_with_offsets_the_text_is_the_same_and_every_character_comes_from_the_raw_text_in_order(texts):
    @given(texts)
    def holds(text):
        found = aligned(text)
        assert found.text == normalise(text)
        assert len(found.starts) == len(found.ends) == len(found.text)
        assert all(0 <= a < b <= len(text) for a, b in zip(found.starts, found.ends, strict=True))
        assert list(found.starts) == sorted(found.starts)
        assert list(found.ends) == sorted(found.ends)

    holds()


@given(ODD)
def test_where_the_raw_text_stands_later_all_offsets_do(text):
    here, later = aligned(text), aligned(text, offset=7)
    assert later.text == here.text
    assert list(later.starts) == [a + 7 for a in here.starts]
    assert list(later.ends) == [b + 7 for b in here.ends]


@pytest.mark.parametrize(
    ("raw", "normalised", "piece"),
    [
        pytest.param("投入１.２亿元", "1.2", "１.２", id="full-width digits"),
        pytest.param("实施“雨露计划”", '"雨露计划"', "“雨露计划”", id="quotes"),
        pytest.param("听习近平总书记说", "总书记", "习近平总书记", id="a title"),
        pytest.param(
            "听习近平总书记说", "记说", "习近平总书记说", id="the end of a title, whole in the raw text"
        ),
        pytest.param("听习近平总书记说", "听", "听", id="before a title"),
        pytest.param("听习近平总书记说话", "说话", "说话", id="behind a title"),
        pytest.param("甲 \u3000\n乙丙", " 乙", " \u3000\n乙", id="spaces"),
        pytest.param("甲 \u3000\n乙丙", "丙", "丙", id="behind spaces"),
        pytest.param("五㎡地", "m2", "㎡", id="one character that becomes two"),
        pytest.param("五㎡地", "2地", "㎡地", id="half of it, whole in the raw text"),
        pytest.param("cafe\u0301好", "é", "e\u0301", id="two characters that become one"),
        pytest.param("ｶﾞ好", "ガ", "ｶﾞ", id="a half-width letter with its mark"),
    ],
)
def test_offsets_cut_the_right_piece_of_the_raw_text(raw, normalised, piece):
    found = aligned(raw)
    at = found.text.index(normalised)
    start, end = found.span(at, at + len(normalised))
    assert raw[start:end] == piece


def test_a_number_becomes_one_zero_that_comes_from_all_its_characters():
    found = aligned("在1,200.5户", numbers=False)
    assert found.text == "在0户"
    assert [found.span(i, i + 1) for i in range(3)] == [(0, 1), (1, 8), (8, 9)]


def test_combining_marks_without_end_do_not_take_time_by_their_square():
    marks = "\u0301\u0327" * 150_000  # each has to be put in its place among those before it
    found = normalise("户" + marks)
    assert found.replace("\u034f", "").startswith("户")
    assert sorted(found.replace("\u034f", "")) == sorted("户" + marks)


@given(st.text(alphabet="e户\u0301\u0327\u0323 ", max_size=700))
def test_marks_that_a_language_writes_are_normalised_as_unicode_says(text):
    """As long as no more than thirty stand in a row, which the annex allows."""
    runs = re.findall("[\u0301\u0327\u0323]+", text)
    if max(map(len, runs), default=0) <= 30:
        assert one_width(text) == unicodedata.normalize("NFKC", text)


def test_a_text_with_more_marks_than_that_knows_where_its_characters_come_from():
    text = "户" * 300 + "e" + "\u0301" * 100 + "户"
    found = aligned(text)
    assert found.text == normalise(text)
    assert all(0 <= a < b <= len(text) for a, b in zip(found.starts, found.ends, strict=True))
    assert len(found.starts) == len(found.ends) == len(found.text)


def test_rows_of_characters_become_what_each_becomes_alone():
    forms = {chr(code): one_width(chr(code)) for code in range(BMP)}
    assert _changed() == {c: form for c, form in forms.items() if form != c}
