"""Normalising: one width, one case, one set of marks, no name of an office-holder."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.normalise import normalise


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
