"""Finding cues: the compiled matcher against the rules written out slowly."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.cue_matching import codes_found, find, has, matcher, unpacked, words_for
from classifier.excerpts import bounds_of
from classifier.tries import Alphabet

CODES = [f"code{n:03}" for n in range(130)]  # three words of a mask
ALPHABET = Alphabet("ab")
# Codes at both ends of each word.
claims = st.dictionaries(
    st.text("ab", min_size=1, max_size=5),
    st.sets(st.sampled_from([CODES[n] for n in (0, 1, 63, 64, 127, 128, 129)]), min_size=1).map(sorted),
    max_size=8,
)
texts = st.text("abc", max_size=14)  # c is in no entry


def plainly_found(cues, not_cues, text):
    """Return start, end, entry and codes of every occurrence, each compared with every other."""
    pieces = {(a, b): text[a:b] for a in range(len(text)) for b in range(a + 1, len(text) + 1)}
    spans = {span: piece for span, piece in pieces.items() if piece in cues or piece in not_cues}
    found = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        holders = [entry for (a, b), entry in spans.items() if a <= start and end <= b]
        own = spans[start, end]
        silenced = {code for entry in holders for code in not_cues.get(entry, ())}
        speaks = not any(entry in cues for entry in holders if entry != own)
        found.append((start, end, own, set(cues.get(own, ())) - silenced if speaks else set()))
    return found


def found(cues, not_cues, text):
    """Return what the compiled matcher finds, in the same form."""
    compiled, entries = matcher(cues, not_cues, CODES, ALPHABET)
    start, end, entry, masks = find(compiled, ALPHABET.letters(text))
    return [
        (*place, entries[e], named(row))
        for *place, e, row in zip(
            start.tolist(), end.tolist(), entry.tolist(), unpacked(masks, len(CODES)), strict=True
        )
    ]


def named(row):
    return {code for code, held in zip(CODES, row, strict=True) if held}


@settings(max_examples=300)
@given(claims, claims, texts)
def test_occurrences_and_their_codes_are_those_of_the_plain_rules(cues, not_cues, text):
    assert found(cues, not_cues, text) == plainly_found(cues, not_cues, text)


@given(claims, claims, st.lists(texts))
def test_each_of_many_texts_has_the_codes_of_its_own_occurrences(cues, not_cues, many):
    compiled, _ = matcher(cues, not_cues, CODES, ALPHABET)
    masks = codes_found(compiled, ALPHABET.letters("".join(many)), bounds_of(many))
    expected = [set().union(*(hit[-1] for hit in plainly_found(cues, not_cues, text))) for text in many]
    assert [named(row) for row in unpacked(masks, len(CODES))] == expected


words = st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=3, unique=True)


@settings(max_examples=300)
@given(claims, claims, words, st.lists(texts), st.sampled_from([0, 2, 66]))
def test_words_of_a_setting_are_seen_wherever_they_stand_and_change_no_cue(
    cues, not_cues, setting, many, fewer
):
    codes = CODES[fewer:]  # 130, 128 or 64: the setting has the next bit, or a word of its own
    cues, not_cues = ({e: [c for c in of if c in codes] for e, of in x.items()} for x in (cues, not_cues))
    cues, not_cues = ({e: of for e, of in x.items() if of} for x in (cues, not_cues))
    plain, _ = matcher(cues, not_cues, codes, ALPHABET)
    compiled, _ = matcher(cues, not_cues, codes, ALPHABET, setting)
    assert compiled.cues.shape[1] == words_for(len(codes) + 1)
    given_texts = ALPHABET.letters("".join(many)), bounds_of(many)
    bits = unpacked(codes_found(compiled, *given_texts), len(codes) + 1)
    assert bits[:, :-1].tolist() == unpacked(codes_found(plain, *given_texts), len(codes)).tolist()
    assert bits[:, -1].tolist() == [any(word in text for word in setting) for text in many]


def test_a_setting_is_seen_in_a_text_that_is_no_sentence_any_more():
    compiled, _ = matcher({"ab": CODES[:1]}, {"bab": CODES[:1]}, CODES[:1], ALPHABET, ["a"])
    many = ["b" * 2001 + "bab", "b" * 2001]
    bits = unpacked(codes_found(compiled, ALPHABET.letters("".join(many)), bounds_of(many)), 2)
    assert bits.tolist() == [[False, True], [False, False]]  # within a not-cue too


@pytest.mark.parametrize(
    ("cues", "not_cues", "text", "codes"),
    [
        pytest.param({"a": [0]}, {}, "bab", {0}, id="a cue"),
        pytest.param({"a": [0], "aba": [64]}, {}, "aba", {64}, id="a longer cue instead"),
        pytest.param({"a": [0], "aba": [64]}, {}, "abaa", {0, 64}, id="a longer cue elsewhere"),
        pytest.param({"ab": [0], "ba": [64]}, {}, "aba", {0, 64}, id="cues that overlap"),
        pytest.param({"a": [0, 64]}, {"ba": [64]}, "ba", {0}, id="a not-cue of one of two codes"),
        pytest.param({"a": [0, 129]}, {"bb": [0]}, "bba", {0, 129}, id="a not-cue beside"),
        pytest.param({"ab": [0]}, {"ab": [0]}, "ab", set(), id="a not-cue of its own cue"),
        pytest.param(
            {"a": [0], "ab": [1]}, {"abb": [1]}, "abb", set(), id="a longer cue that is silenced itself"
        ),
        pytest.param({}, {"a": [0]}, "a", set(), id="not-cues only"),
        pytest.param({}, {}, "aba", set(), id="no entry"),
    ],
)
def test_the_longest_cue_speaks_and_not_cues_silence(cues, not_cues, text, codes):
    by_name = [{e: [CODES[n] for n in ns] for e, ns in entries.items()} for entries in (cues, not_cues)]
    hits = found(*by_name, text)
    assert set().union(*(hit[-1] for hit in hits)) == {CODES[n] for n in codes}


@pytest.mark.parametrize(("n_codes", "words"), [(0, 1), (1, 1), (64, 1), (65, 2), (128, 2), (129, 3)])
def test_a_mask_has_a_bit_for_each_code_and_one_word_at_least(n_codes, words):
    assert words_for(n_codes) == words
    codes = CODES[:n_codes]
    compiled, _ = matcher({"a": codes[-1:]} if codes else {}, {}, codes, ALPHABET)
    masks = codes_found(compiled, ALPHABET.letters("ab"), bounds_of(["a", "b"]))
    assert masks.shape == (2, words)
    assert unpacked(masks, n_codes).tolist() == [[code == codes[-1] for code in codes], [False] * n_codes]
    assert [has(masks[0], n) for n in range(n_codes)] == unpacked(masks, n_codes)[0].tolist()


def test_the_order_in_which_entries_are_given_changes_nothing():
    cues = {"ab": [CODES[0]], "b": [CODES[1]], "a": [CODES[2]], "bab": [CODES[3]]}
    assert found(dict(reversed(cues.items())), {}, "abbab") == found(cues, {}, "abbab")
