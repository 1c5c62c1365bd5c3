"""Excerpts of one text: what they hold, and their UTF-8."""

import copy
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.excerpts import Excerpts

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8)


@given(texts)
def test_texts_are_excerpts_of_themselves(given_texts):
    found = Excerpts.of(given_texts)
    assert (list(found), len(found)) == (given_texts, len(given_texts))
    assert [found[i] for i in range(len(found))] == given_texts
    assert list(found[1:3]) == given_texts[1:3]
    assert Excerpts.of(found) is found


@given(texts, st.data())
def test_their_bytes_are_those_of_the_strings(given_texts, data):
    whole = Excerpts.of(given_texts)
    ends = st.integers(0, len(whole.whole))
    spans = [sorted(pair) for pair in data.draw(st.lists(st.tuples(ends, ends), max_size=6))]
    starts, stops = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    chosen = whole.at(starts, stops)
    found, bounds = chosen.utf8()
    cut = [found[a:b].tobytes().decode() for a, b in pairwise(bounds.tolist())]
    assert cut == list(chosen) == [whole.whole[a:b] for a, b in spans]


def test_half_a_pair_has_no_utf8_where_an_excerpt_holds_it():
    found = Excerpts.of(["修路", "a\ud800", "桥"])
    assert found[2:].utf8()[0].tobytes().decode() == "桥"
    with pytest.raises(UnicodeEncodeError):
        found.utf8()


@given(st.lists(st.text(max_size=8), max_size=6))  # halves of pairs too
def test_they_are_put_together_again_of_their_places_and_the_code_points(given_texts):
    found = Excerpts.of(given_texts)
    emptied = found.of_codes(found.codes[:0])
    assert (emptied.whole, len(emptied.codes)) == ("", 0)
    assert list(emptied.of_codes(found.codes)) == given_texts
    again = copy.copy(found)  # as it goes to another process
    assert (list(again), again.codes.tolist()) == (given_texts, found.codes.tolist())


@given(st.one_of(texts, texts.map(sorted)))
def test_they_ascend_as_strings_do(given_texts):
    assert Excerpts.of(given_texts).ascend() == all(a < b for a, b in pairwise(given_texts))


@pytest.mark.parametrize("ascending", [["产", "产业"], ["", "产业", "产业园", "医"], ["\x00", "\x00\x00"]])
def test_what_begins_another_comes_before_it(ascending):
    assert Excerpts.of(ascending).ascend()
    assert not Excerpts.of([*ascending, ascending[-1]]).ascend()
