"""The marks of drop rules: no rule is overlooked because its pattern is tried only where a mark stands."""

from __future__ import annotations

import importlib
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.excerpts import Excerpts, bounds_of, code_points
from classifier.normalise import one_width
from classifier.segments import (
    HAN,
    MIN_HAN,
    TOO_SHORT,
    DropRule,
    _dropped_by,
    _suspects,
    cut,
    cut_all,
    drop_rules,
    rule_names,
)
from classifier.tries import BMP

RULES = drop_rules()
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def suspected(text, starts=(0,), ends=None):
    """Return, for each piece of a text, the names of the rules that are tried on it."""
    bits = _suspects(code_points(text), np.array(starts), np.array(ends or [len(text)]))
    return [{rule.name for i, rule in enumerate(RULES) if piece >> i & 1} for piece in bits.tolist()]


def plainly_dropped(piece):
    """Return what drops a piece, every pattern tried."""
    if len(HAN.findall(piece)) < MIN_HAN:
        return TOO_SHORT
    return next((rule.name for rule in RULES if rule.pattern.search(piece)), "")


def furniture(rule):
    """Return texts in which a rule's pattern is found."""
    return st.from_regex(rule.pattern).filter(rule.pattern.search)


pages = st.lists(
    st.one_of(
        *map(furniture, RULES),
        st.sampled_from([rule.example for rule in RULES]),
        st.sampled_from(["村里修通了公路", "签约医生上门；", "好", "。", "\n", "\n", "　"]),
    ),
    max_size=5,
).map("".join)


# --- marks ---

GAP = "\0"  # stands for whatever a pattern leaves open


def ways_through(nodes):
    """Return what every text in which a parsed pattern is found holds, with gaps: one for each choice."""
    found = {""}
    for operation, value in nodes:
        found = {before + way for before in found for way in _ways_of(str(operation), value)}
    return found


def _ways_of(operation, value):
    if operation == "LITERAL":
        return {chr(value)}
    if operation == "BRANCH":
        return set().union(*map(ways_through, value[1]))
    if operation == "SUBPATTERN":
        return ways_through(value[-1])
    if operation.endswith("REPEAT") and value[0] > 0:
        return {way + GAP for way in ways_through(value[2])}
    if operation == "IN" and all(str(kind) == "LITERAL" for kind, _ in value):
        return {chr(code) for _, code in value}
    return {""} if operation in {"AT", "ASSERT", "ASSERT_NOT"} else {GAP}


@every_rule
def test_each_way_through_a_pattern_passes_a_mark_of_its_rule(rule):
    parser = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
    ways = ways_through(parser.parse(rule.pattern.pattern))
    assert [way for way in ways if not any(mark in one_width(way) for mark in rule.marks)] == []


@every_rule
def test_wherever_a_pattern_is_found_its_rule_is_tried(rule):
    @settings(max_examples=50)
    @given(furniture(rule))
    def holds(text):
        assert rule.name in suspected(text)[0]

    holds()


EVERY_CHARACTER = "".join(map(chr, range(BMP)))


def ways_of_writing(letter):
    """Return all characters that a pattern without regard to case takes for a letter."""
    return re.findall(letter, EVERY_CHARACTER, re.IGNORECASE)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("copyright", "copyright", id="copyright"),
        pytest.param("copyright", "all rights reserved", id="all rights reserved"),
        pytest.param("site", "icp备1", id="a licence"),
        pytest.param("contact", "联系qq", id="an account"),
    ],
)
def test_a_mark_stands_however_the_pattern_lets_a_letter_be_written(name, text):
    rule = next(rule for rule in RULES if rule.name == name)
    letters = sorted({c for c in text if c.isascii() and c.isalpha()})
    written = [text.replace(letter, other, 1) for letter in letters for other in ways_of_writing(letter)]
    assert all(map(rule.pattern.search, written))
    assert [other for other in written if name not in suspected(other)[0]] == []


@every_rule
def test_marks_are_written_as_text_is_normalised_and_each_once(rule):
    assert rule.marks
    assert all(mark and one_width(mark) == mark for mark in rule.marks)
    assert len(set(rule.marks)) == len(rule.marks)


MARKS = sorted({mark for rule in RULES for mark in rule.marks})
bits_of_marks = st.sampled_from([*MARKS, *sorted(set("".join(MARKS))), *"＞．ＱＣｐ－／村"])


@given(st.lists(bits_of_marks, min_size=1, max_size=6))
def test_a_rule_is_tried_just_on_the_pieces_that_hold_one_of_its_marks(pieces):
    bounds = bounds_of(pieces).tolist()
    holders = [
        {
            rule.name
            for rule in RULES
            if any(m in one_width(p) for m in rule.marks)
            and not (rule.digit_first and re.match("[a-zA-Z\u4e00-\u9fff]", p))
        }
        for p in pieces
    ]
    assert suspected("".join(pieces), bounds[:-1], bounds[1:]) == holders


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        pytest.param("ＱＱ", "contact", id="full width"),
        pytest.param("ICP", "site", id="upper case"),
        pytest.param("．", "dateline", id="a full-width point"),
    ],
)
def test_a_mark_is_seen_in_any_width_and_case(raw, rule):
    assert rule in suspected(f"（{raw}村）")[0]


@pytest.mark.parametrize(
    ("text", "tried"), [("3月2日", True), ("（3月2日", True), ("三月2日", False), ("May 3.", False)]
)
def test_a_line_that_begins_with_a_letter_is_no_dateline(text, tried):
    assert ("dateline" in suspected(text)[0]) is tried


def test_a_mark_cut_in_two_is_none():
    assert suspected("首页", [0, 1], [1, 2]) == [set(), set()]


# --- what is dropped ---


@settings(max_examples=50)
@given(pages)
def test_pieces_are_dropped_by_the_first_rule_whose_pattern_is_found(page):
    assert [span.dropped for span in cut(page)] == [
        plainly_dropped(page[span.start : span.end]) for span in cut(page)
    ]


class Counting:
    """A pattern that is never found and notes that it was tried."""

    def __init__(self, tried, number):
        self.tried, self.number = tried, number

    def search(self, piece):
        self.tried.append(self.number)


@pytest.mark.parametrize("suspected_rules", [[], [0], [9], [0, 3, 4], list(range(10))], ids=str)
def test_just_the_rules_in_question_are_tried_in_their_order_and_each_once(monkeypatch, suspected_rules):
    # To try others too gives the same result, and with the last rule alone takes a thousand searches.
    tried = []
    rules = [DropRule(f"rule {i}", "", ("",), "", "") for i in range(10)]
    for i, rule in enumerate(rules):
        vars(rule)["pattern"] = Counting(tried, i)
    monkeypatch.setattr("classifier.segments.drop_rules", lambda: rules)
    assert _dropped_by("村里修通了公路", sum(1 << i for i in suspected_rules)) == 0
    assert tried == suspected_rules


@settings(max_examples=50)
@given(st.lists(pages, max_size=4))
def test_many_texts_at_once_are_cut_as_one_at_a_time(texts):
    bounds, names = bounds_of(texts), ("", *rule_names())
    found = cut_all(Excerpts.of(texts))
    together = [
        (text, start - bounds[text], end - bounds[text], paragraph, names[rule])
        for text, paragraph, start, end, rule in zip(*(column.tolist() for column in found), strict=True)
    ]
    assert together == [
        (i, span.start, span.end, span.paragraph, span.dropped)
        for i, text in enumerate(texts)
        for span in cut(text)
    ]


def test_what_is_kept_of_a_cut_are_the_segments_in_all_columns():
    texts = ["首页 > 新闻中心 > 乡村振兴\n村里修通了公路。好。", "签约医生上门；"]
    kept = cut_all(Excerpts.of(texts)).kept()
    assert ["".join(texts)[a:b] for a, b in zip(kept.start, kept.end, strict=True)] == [
        "村里修通了公路。",
        "签约医生上门；",
    ]
    assert (kept.text.tolist(), kept.paragraph.tolist(), kept.rule.tolist()) == ([0, 1], [1, 0], [0, 0])


def test_rules_have_names_of_their_own_and_stand_behind_that_for_short_pieces():
    assert rule_names() == (TOO_SHORT, *(rule.name for rule in RULES))
    assert len(set(rule_names())) == len(RULES) + 1
