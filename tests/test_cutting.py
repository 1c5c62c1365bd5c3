"""Cutting lines into pieces: the compiled cutter against the same grammar written as patterns."""

from __future__ import annotations

import re
import sys
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.cutting import pieces
from classifier.excerpts import bounds_of, code_points
from classifier.segments import HAN

# --- the grammar, in four passes over a line ---

BREAK = re.compile("[\n\r\x0b\x0c\x85\u2028\u2029]")
KEPT = re.compile(
    r"(?:https?://|www\.)[!-~]*[A-Za-z0-9/=_-]"  # a URL, but for marks that end the sentence it stands in
    r"|&(?:[A-Za-z]{2,10}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});"
    r"|(?<=[A-Za-z0-9])[;!?'](?=[A-Za-z0-9])"
)
QUOTED = tuple(re.compile(f"{mark}([^{mark}]*){mark}") for mark in "\"'")
PIECE = re.compile(r"[^。！？；｡!?;]*(?:[。！？；｡!?;]+[”’」』）】》〉〕］｝)\]}]*)+|.+", re.S)
BLANK = "".join(filter(str.isspace, map(chr, range(sys.maxunicode + 1)))) + "\ufeff\u200b"


def cut_line(line):
    """Return start and end of each piece of a line."""
    masked = KEPT.sub(lambda kept: "x" * len(kept.group()), line)
    for quoted in QUOTED:
        masked = quoted.sub(r"“\1”", masked)
    for piece in PIECE.finditer(masked):
        bare = piece.group().strip(BLANK)
        if bare:
            start = piece.start() + piece.group().index(bare)
            yield start, start + len(bare)


def plainly_cut(text):
    """Return the pieces of a text: number of its non-empty line, start, end, Han characters."""
    lines = BREAK.split(text)
    begins = accumulate((len(line) + 1 for line in lines), initial=0)
    numbers = accumulate(bool(line.strip()) for line in lines)
    return [
        (number - 1, begin + a, begin + b, len(HAN.findall(line[a:b])))
        for line, begin, number in zip(lines, begins, numbers, strict=False)
        for a, b in cut_line(line)
    ]


def cut(texts):
    """Return, for each text, what the compiled cutter finds in it, with offsets of its own."""
    bounds = bounds_of(texts)
    found = pieces(code_points("".join(texts)), bounds[:-1], bounds[1:])
    assert found.text.tolist() == sorted(found.text.tolist())
    out = [[] for _ in texts]
    for text, line, start, end, han in zip(*(column.tolist() for column in found), strict=True):
        out[text].append((line, start - int(bounds[text]), end - int(bounds[text]), han))
    return out


def parts_of(text):
    return [text[start:end] for _, start, end, _ in cut([text])[0]]


FRAGMENTS = (
    *("村里修了路", "好", "𠮷林", "㐀", "a", "Z9", "x", "#", "/", "https", "www"),
    *(
        "https://a.cn/x?y=1;z=2!",
        "http://b.cn/路",
        "www.c.cn;",
        "http://",
        "www.",
        "https://?!",
        "HTTP://a;b",
    ),
    *("&nbsp;", "&#8220;", "&#x3000;", "&#x;", "&#12345678;", "&a;", "&"),
    *("it's", "a;b", "1!2", "q?r", "'", '"', "''", "a'", "'b", "“", "‘", "（", "(", "……", "，", "."),
    *("。", "！", "？", "；", "｡", "!", "?", ";", "？！", "。；"),
    *("”", "’", "」", "』", "）", "】", "》", "〉", "〕", "］", "｝", ")", "]", "}"),
    *(" ", "\u3000", "\t", "\xa0", "\x1c", "\ufeff", "\u200b", "\x00", "\ud83d", "👩‍🌾", "e\u0301"),
    *("\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"),
)
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(), max_size=2), max_size=15).map("".join)
crowded = st.text("。;!?'\"”)ah1&#x; \n", max_size=15)
blank = st.text("村。 \n\r\x1c\u200b\ufeff", max_size=15)


@pytest.mark.parametrize(
    "strategy", [texts, crowded, blank], ids=["fragments", "marks upon marks", "white space between"]
)
def test_texts_are_cut_as_the_grammar_says(strategy):
    @settings(max_examples=600)
    @given(strategy)
    def holds(text):
        assert cut([text]) == [plainly_cut(text)]

    holds()


@given(st.lists(texts))
def test_many_texts_at_once_are_cut_as_one_at_a_time(many):
    assert cut(many) == [cut([text])[0] for text in many]


@pytest.mark.parametrize("end", "。！？；｡!?;")
def test_each_mark_ends_a_piece(end):
    assert cut([f"修路{end}架桥"]) == [[(0, 0, 3, 2), (0, 3, 5, 2)]]


@pytest.mark.parametrize(
    ("entity", "kept"),
    [
        *(("&a;", False), ("&ab;", True), ("&abcdefghij;", True), ("&abcdefghijk;", False)),
        *(("&#;", False), ("&#1;", True), ("&#1234567;", True), ("&#12345678;", False)),
        *(("&#x;", False), ("&#xF;", True), ("&#x12aBcD;", True), ("&#x1234567;", False), ("&#xg;", False)),
    ],
)
def test_an_entity_is_of_a_length_that_occurs(entity, kept):
    assert len(cut([f"甲{entity}乙"])[0]) == (1 if kept else 2)


@pytest.mark.parametrize("last", "a9Z/=_-")
def test_a_url_ends_with_a_letter_a_digit_or_one_of_four_marks(last):
    assert parts_of(f"见https://a.cn/;{last}!?~好") == [f"见https://a.cn/;{last}!?", "~好"]


@pytest.mark.parametrize(
    ("character", "han"),
    [
        *(("\u33ff", 0), ("\u3400", 1), ("\u4dbf", 1), ("\u4dc0", 0), ("\u4dff", 0), ("\u4e00", 1)),
        *(("\u9fff", 1), ("\ua000", 0), ("\uf8ff", 0), ("\uf900", 1), ("\ufaff", 1), ("\ufb00", 0)),
        *(("\U0001ffff", 0), ("\U00020000", 1), ("\U0003134f", 1), ("\U00031350", 0), ("〇", 0)),
    ],
    ids=ascii,
)
def test_han_characters_are_those_of_the_unified_and_compatibility_blocks(character, han):
    assert cut([character]) == [[(0, 0, 1, han)]]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("见https://a.cn/?a=1;b=2!好", ["见https://a.cn/?a=1;b=2!", "好"], id="a URL"),
        pytest.param("见www.a.cn;b。好", ["见www.a.cn;b。", "好"], id="a URL without a scheme"),
        pytest.param("a&nbsp;b&#8220;c&#x3000;d", ["a&nbsp;b&#8220;c&#x3000;d"], id="entities"),
        pytest.param("a&a;村", ["a&a;", "村"], id="too short for an entity"),
        pytest.param("it's a;b 1!2 q?r", ["it's a;b 1!2 q?r"], id="marks inside words"),
        pytest.param("a; b", ["a;", "b"], id="a mark behind a word"),
        pytest.param(
            "他问\"为何？\"答'好。'走", ['他问"为何？"', "答'好。'", "走"], id="straight quotes closed"
        ),
        pytest.param('修路。"架桥', ["修路。", '"架桥'], id="a straight quote opened"),
        pytest.param("it's。'好", ["it's。", "'好"], id="an apostrophe opens no quote"),
        pytest.param("“为何？”。好", ["“为何？”。", "好"], id="one end, not two"),
        pytest.param("\ufeff 修路 \u200b。\u3000架桥 ", ["修路 \u200b。", "架桥"], id="white space around"),
    ],
)
def test_a_piece_ends_where_its_sentence_does(text, parts):
    assert parts_of(text) == parts


def test_lines_are_counted_without_those_of_white_space_alone():
    assert [piece[0] for piece in cut(["\n修路。架桥\r\n \u3000\n养蜂"])[0]] == [0, 0, 1]


def test_no_texts_have_no_pieces():
    assert cut([]) == []
    assert [column.dtype for column in pieces(code_points(""), bounds_of([])[:-1], bounds_of([])[1:])] == [
        *(np.int32, np.int32, np.int64, np.int64, np.int32)
    ]
