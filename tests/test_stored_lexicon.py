"""A lexicon that a model folder keeps comes back as it was; one that a stranger made up is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import stored_lexicon
from classifier.lexicon import LONGEST, MOST_BEGIN, MOST_WORDS, Lexicon
from classifier.stored_lexicon import lexicon_from_json, lexicon_to_json

CODES = ("clinic", "road", "school")
WORDS = Lexicon(
    "小词表",
    "3",
    {"医生": ("clinic",), "校医": ("school", "clinic")},
    {"医生的儿子": ("clinic",)},
    setting=("贫困", "低保"),
)


def as_stored(lexicon):
    return json.loads(json.dumps(lexicon_to_json(lexicon), sort_keys=True))


def changed(**changes):
    return {**as_stored(WORDS), **changes}


claims = st.dictionaries(
    st.text("医药路校", min_size=1, max_size=5),
    st.lists(st.sampled_from(CODES), min_size=1, unique=True).map(tuple),
    max_size=8,
)


@given(cues=claims, not_cues=claims, setting=st.lists(st.text("贫困", min_size=1), max_size=3))
def test_it_comes_back_as_it_was(cues, not_cues, setting):
    lexicon = Lexicon("n", "1", cues, not_cues, tuple(setting))
    assert lexicon_from_json(as_stored(lexicon), CODES) == lexicon


def test_what_the_shipped_one_finds_is_found_by_it():
    from classifier import load_lexicon

    again = lexicon_from_json(as_stored(load_lexicon()), load_lexicon().codes)
    assert again == load_lexicon()
    assert again.hit_codes(["贫困户大病医疗费用报销比例提高"]).any()


REFUSED = {
    "a list": ([], "list indices|indices must be"),
    "no cues": ({k: v for k, v in as_stored(WORDS).items() if k != "cues"}, "cues"),
    "cues in a list": (changed(cues=["医生"]), "no mapping of entries to lists of codes"),
    "a code that is no list": (changed(cues={"医生": "clinic"}), "no mapping of entries to lists of codes"),
    "a code of no codebook": (changed(cues={"医生": ["market"]}), "that the codebook does not have"),
    "a code that is a list": (changed(cues={"医生": [["clinic"]]}), "unhashable"),
    "an entry of no code": (changed(cues={"医生": []}), "of no code, or of one twice"),
    "an entry of one code twice": (changed(not_cues={"医生": ["road"] * 2}), "of no code, or of one twice"),
    "an empty entry": (changed(not_cues={"": ["road"]}), "is empty, or longer than 50 characters"),
    "an entry too long": (changed(cues={"医" * (LONGEST + 1): ["road"]}), "is empty, or longer"),
    "half a pair": (changed(cues={"\ud800": ["road"]}), "surrogates not allowed"),
    "half a pair in its name": (changed(name="\ud800"), "surrogates not allowed"),
    "a name without end": (changed(name="n" * 20_001), "bytes of a name in the lexicon, more than 20,000"),
    "a name that is a number": (changed(name=3), "no list of texts"),
    "a setting that is a word": (changed(setting="贫困"), "no list of texts"),
    "a setting of numbers": (changed(setting=[1]), "no list of texts"),
    "a setting of many words": (
        changed(setting=[f"{n:03}困" for n in range(MOST_WORDS + 1)]),
        "201 words of the setting in the lexicon, more than 200",
    ),
    "entries that begin one another": (
        changed(cues={"医" * n: ["clinic"] for n in range(1, MOST_BEGIN + 2)}),
        "9 entries that begin one another in the lexicon, more than 8",
    ),
}


@pytest.mark.parametrize(("value", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_none_or_would_be_slow_is_refused(value, told):
    with pytest.raises((ValueError, TypeError, LookupError), match=told):
        lexicon_from_json(value, CODES)


@pytest.mark.parametrize(
    ("limit", "kind"), [("MOST_CODES", "2 codes"), ("MOST_ENTRIES", "3 entries")], ids=str
)
def test_more_codes_or_entries_than_a_file_may_have_are_refused(monkeypatch, limit, kind):
    monkeypatch.setattr(stored_lexicon, limit, 1)
    with pytest.raises(ValueError, match=f"^{kind} in the lexicon, more than 1$"):
        lexicon_from_json(as_stored(WORDS), CODES)


def test_just_as_many_are_taken():
    value = changed(
        cues={"医" * n: ["clinic"] for n in range(LONGEST - MOST_BEGIN + 1, LONGEST + 1)},
        setting=[f"{n:03}困" for n in range(MOST_WORDS)],
        name="n" * 19_999,
    )
    assert len(lexicon_from_json(value, CODES).cues) == MOST_BEGIN
