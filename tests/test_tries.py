"""Trees of prefixes: what they hold, how they are walked, and what they refuse."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import FupinError
from classifier.excerpts import bounds_of, code_points, text_of
from classifier.tries import START, Alphabet, EveryCharacter, build, node_of, place_of, step

LETTERS = "户产业园a\x00𠮷\ud83d"  # a plane beyond the first, a NUL and half a surrogate pair among them
ALPHABET = Alphabet(LETTERS)
texts = st.text(LETTERS + "外", max_size=12)  # the last letter is in no term
term_lists = st.lists(st.text(LETTERS, min_size=1, max_size=5), unique=True, max_size=30).map(sorted)


def walk(trie, text, alphabet=ALPHABET):
    """Return the node that a text leads to, one letter at a time; 0 for none."""
    entry, place = 0, START
    for letter in alphabet.letters(text):
        entry = step(trie.steps, place, letter) if place else 0
        place = place_of(entry)
    return node_of(entry)


def prefixes_of(terms):
    """Return every prefix of every term, with the number of the term that it is, or -1."""
    found = {term[:n]: -1 for term in terms for n in range(1, len(term) + 1)}
    return found | {term: number for number, term in enumerate(terms)}


# --- characters as numbers ---


@given(st.text(st.characters()))  # surrogates too
def test_text_is_put_together_again_as_it_was_taken_apart(text):
    codes = code_points(text)
    assert codes.tolist() == list(map(ord, text))
    assert text_of(codes) == text


@given(st.lists(texts))
def test_bounds_tell_where_each_of_joined_texts_stands(parts):
    whole, bounds = "".join(parts), bounds_of(parts).tolist()
    assert [whole[a:b] for a, b in pairwise(bounds)] == parts
    assert (bounds[0], bounds[-1]) == (0, len(whole))


def test_an_alphabet_numbers_its_characters_from_1_in_the_order_given():
    assert ALPHABET.letters(LETTERS).tolist() == list(range(1, len(LETTERS) + 1))
    assert ALPHABET.size == len(LETTERS) + 1


@pytest.mark.parametrize("alphabet", [ALPHABET, Alphabet("")], ids=["some characters", "no character"])
def test_characters_outside_an_alphabet_are_all_letter_0(alphabet):
    assert alphabet.letters("外\x01𪚥\uffff\udc00").tolist() == [0] * 5
    assert alphabet.letters("").tolist() == []


def test_in_the_alphabet_of_all_characters_each_is_its_code_point():
    every = EveryCharacter()
    assert every.letters("户\x00\U0010ffff").tolist() == [0x6237, 0, 0x10FFFF]
    assert every.size == 0x110000


# --- what a tree holds ---


@given(term_lists, st.lists(texts.filter(bool)))
def test_just_the_prefixes_of_terms_lead_to_a_node_of_their_own_which_knows_its_term(terms, others):
    trie, prefixes = build(terms, ALPHABET), prefixes_of(terms)
    nodes = {text: int(walk(trie, text)) for text in (*prefixes, *others)}
    assert {text for text, node in nodes.items() if node} == set(prefixes)
    assert sorted(nodes[prefix] for prefix in prefixes) == list(range(1, len(prefixes) + 1))
    assert {prefix: trie.term[nodes[prefix]] for prefix in prefixes} == prefixes
    assert trie.term[0] == -1


@given(term_lists, st.data())
def test_ranks_change_the_numbers_of_nodes_but_not_the_terms_they_lead_to(terms, data):
    ranks = data.draw(st.lists(st.floats(0, 20), min_size=len(terms), max_size=len(terms)))
    trie, prefixes = build(terms, ALPHABET, np.array(ranks)), prefixes_of(terms)
    nodes = {prefix: int(walk(trie, prefix)) for prefix in prefixes}
    assert sorted(nodes.values()) == list(range(1, len(prefixes) + 1))
    assert {prefix: trie.term[node] for prefix, node in nodes.items()} == prefixes
    assert [ranks[t] for t in trie.term[1 : len(terms) + 1]] == sorted(ranks)  # inner nodes come last


def test_a_rank_may_be_any_number():
    assert walk(build(["产", "户"], ALPHABET, np.array([-5.0, 1.0])), "产")


def test_in_a_large_tree_no_step_is_lost_and_none_is_made_up():
    letters = "".join(map(chr, range(0x4E00, 0x4E00 + 20)))
    alphabet = Alphabet(letters)
    every = sorted(map("".join, product(letters, repeat=3)))
    trie = build(every[::2], alphabet)
    found = [trie.term[walk(trie, term, alphabet)] for term in every]
    assert found[::2] == list(range(len(every) // 2))
    assert set(found[1::2]) == {-1}


def far_apart(parents, span):
    """Return terms of two letters: the seconds of each first take up ``span`` squared places, of which few.

    Any two places nearer to each other than that would share an entry: all differences of letters occur.
    """
    seconds = {*range(1, span + 1), *range(span, span**2 + 1, span)}
    return [chr(first) + chr(second) for first in range(0x100, 0x100 + parents) for second in sorted(seconds)]


def test_there_is_room_for_steps_that_cannot_be_packed():
    terms = far_apart(parents=60, span=100)  # a table of 600,000 entries for 12,000 steps
    trie, every = build(terms, EveryCharacter()), EveryCharacter()
    assert len(trie.steps) > 5 * 10**5
    assert [int(trie.term[walk(trie, term, every)]) for term in terms] == list(range(len(terms)))
    assert not any(walk(trie, term[0] + chr(0x3000 + n), every) for n, term in enumerate(terms[::40]))


def test_more_places_than_an_entry_can_name_are_refused():
    with pytest.raises(FupinError, match="terms are too many"):
        build(far_apart(parents=280, span=250), EveryCharacter())


@given(texts)
def test_a_tree_without_terms_leads_nowhere(text):
    trie = build([], ALPHABET)
    assert not any(walk(trie, letter) for letter in text)
    assert trie.term.tolist() == [-1]


def test_a_tree_can_be_built_over_all_characters():
    trie = build(["产业", "户\x00"], EveryCharacter())
    assert [int(trie.term[walk(trie, t, EveryCharacter())]) for t in ("产业", "户", "户\x00")] == [0, -1, 1]


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param(["户", "产"], id="descending"),
        pytest.param(["产", "产"], id="a term twice"),
        pytest.param(["产业", "产"], id="a prefix behind its term"),
        pytest.param(["", "产"], id="an empty term"),
        pytest.param([""], id="an empty term alone"),
    ],
)
def test_terms_that_are_not_ascending_or_empty_are_refused(terms):
    with pytest.raises(ValueError, match="not in ascending order, or one is empty"):
        build(terms, ALPHABET)


@pytest.mark.parametrize(
    ("terms", "alphabet"),
    [
        pytest.param(["产" * (1 << 24)], ALPHABET, id="nodes"),
        pytest.param(["𠮷"], EveryCharacter(), id="letters"),
    ],
)
def test_more_than_a_packed_step_can_hold_is_refused(terms, alphabet):
    with pytest.raises(FupinError, match=r"^1 terms are too many$") as caught:
        build(terms, alphabet)
    assert "min_df" in caught.value.hint
