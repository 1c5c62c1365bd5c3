"""The compiled way from text to scores against the plain one: features times weights, as matrices."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from classifier import normalise
from classifier.codebook import codebook_from_text
from classifier.corpus import read_articles
from classifier.decisions import Decisions
from classifier.errors import FupinError
from classifier.excerpts import bounds_of, text_of
from classifier.features import TextFeatures
from classifier.lexicon import Lexicon
from classifier.model import PolicyClassifier
from classifier.scoring import Features, Scorer, Units, from_units, in_units, rounded
from classifier.store import load_model
from classifier.tries import Alphabet, EveryCharacter

SEEDS = Path(__file__).resolve().parents[1] / "seeds"

# Whatever normalising, cues or counting may stumble over, beside plain sentences.
FRAGMENTS = (
    *("新建村卫生室三十二所", "签约医生每月上门", "为农户发放小额信贷", "把路修到家门口", "培训电商带头人"),
    *("认真学习总书记的讲话", "习近平总书记", "习近平同志", "总书记习近平", "习主席", "学", "习"),
    *("1", "1.2", "３，０００", "1,200.5", "7..8", "9,", ".", "٣٤", "𝟏𝟐", "𐒡", "①", "½", "³", "1.\n2"),
    *("，", "。", "；", "！", "？", "：", "“雨露”", "‘一’", "（二）", "——", "•", "％", "ＧＤＰ", "Cpi"),
    *("主持人：", "王局长: ", "问：", "目标：", "网友“山里人”问：", "：", ":"),
    *(" ", "  ", "\u3000", "\t", "\n", "\r\n", "\x1c", "\x85", "\u2028", "\xa0", "\ufeff", "\u200b"),
    *("e\u0301", "é", "か\u3099", "ｶﾞ", "ｶ", "\u0301", "ﬃ", "㎡", "㍿", "İ", "ΑΣ", "Σ", "σ", "ς"),
    *("\u1100\u1161\u11a8", "\u1100", "가", "\u11a8", "각"),
    *("😀", "👩\u200d🌾", "𠮷", "𪚥", "\ud83d", "\ude00", "\x00", "\uffff", "\U0010ffff"),
)
odd_texts = st.lists(
    st.lists(st.sampled_from(FRAGMENTS) | st.text(st.characters(), max_size=3), max_size=14).map("".join),
    max_size=6,
)

LEXICON = Lexicon(
    "odd",
    "1",
    {
        **{"医生": ("code0", "code2"), "签约医生": ("code1",), "信贷": ("code2",), "电商": ("code3",)},
        **{"1,2": ("code0",), "ας": ("code1",), "가": ("code4",), "𠮷": ("code3",), "\ud83d": ("code2",)},
        **{"总书记": ("code4",), '"雨露"': ("code1",), "é": ("code0",), " ": ("code3",)},
    },
    {"小额信贷": ("code2",), "医生每月": ("code0",), "目标:": ("never",)},  # the last has no column
)
LARGE_LEXICON = Lexicon(  # the last codes have the bits behind those of the first word
    "large",
    "1",
    {chr(0x4E00 + n): (f"other{n:02}",) for n in range(63)}
    | {"路修": ("code0", "other63"), "户发": ("other64",), "小额": ("other65",)},
    {"户发放": ("other64",)},
)
FULL_LEXICON = Lexicon(  # as many codes as a word has bits: the setting's stands in the next
    "full",
    "1",
    {chr(0x4E00 + n): (f"other{n:02}",) for n in range(63)} | {"信贷": ("code0",), "贷": ("other07",)},
    {"小额信贷": ("code0",)},
    setting=("小额", "é", "农户"),
)
SETTING = ("信贷", "农", "小额信贷", "12", "主持人", "总书记")


def made(n_codes=5, *, lexicon=None, ngram_range=(1, 3), exclusive=False):
    """Return a model over the fragments with weights, calibration and thresholds drawn at random."""
    rng = np.random.default_rng(n_codes)
    training = ["".join(rng.choice(FRAGMENTS, size=8)) for _ in range(200)] + list(FRAGMENTS)
    features = TextFeatures(ngram_range, 1, lexicon, 0.5).fit(training)
    codes = [f"code{i}" for i in range(n_codes)]
    listed = "".join(f"  - {{code: {c}, name: {{zh: 码, en: c}}, definition: 措施}}\n" for c in codes)
    head = f'name: odd\nversion: "1"\nexclusive: {str(exclusive).lower()}\n'
    model = PolicyClassifier(codebook_from_text(f"{head}codes:\n{listed}", "odd.yaml"), lexicon)
    shape = (n_codes, len(features.get_feature_names_out()))
    slope, offset, threshold = rng.uniform([[1], [-1], [0.2]], [[4], [1], [0.8]], (3, n_codes))
    model.restore(
        features,
        rounded(rng.normal(0, 3, shape).astype(np.float32)),
        rng.normal(0, 1, n_codes).astype(np.float32),
        Decisions(slope, offset, threshold, exclusive),
        codes,
    )
    return model


MODELS = {
    "single characters": {"ngram_range": (1, 1)},
    "no single characters": {"ngram_range": (2, 3), "lexicon": LEXICON},
    "up to four characters": {"ngram_range": (1, 4), "lexicon": LEXICON},
    "one code, no lexicon": {"n_codes": 1},
    "a full block of codes": {"n_codes": 8, "lexicon": LEXICON},
    "a code more than a block": {"n_codes": 9, "lexicon": LEXICON},
    "a lexicon of more codes than a word has bits": {"lexicon": LARGE_LEXICON},
    "a setting": {"lexicon": replace(LEXICON, setting=SETTING)},
    "a setting, and as many codes as a word has bits": {"lexicon": FULL_LEXICON, "n_codes": 9},
    "codes that exclude each other": {"lexicon": LEXICON, "exclusive": True},
}


@pytest.fixture(scope="module", params=MODELS.values(), ids=MODELS)
def odd_model(request):
    return made(**request.param)


@pytest.fixture(scope="module")
def usual_model():
    return made(lexicon=LEXICON)


@pytest.fixture(scope="module")
def starter_texts():
    return [segment.text for article in read_articles(SEEDS) for segment in article.segments]


def plain_scores(model, texts):
    return model.features_.transform(texts) @ model.coef_.T + model.intercept_


def assert_scored_as_plainly(model, texts):
    expected = model.probabilities(np.asarray(plain_scores(model, texts), dtype=np.float64))
    probabilities = model.predict_proba(texts)
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-5)
    assert np.array_equal(model.predict(texts), model.decide(expected))


# --- the same scores ---


def test_the_starter_corpus_is_scored_and_decided_as_plainly(starter_texts):
    assert len(starter_texts) > 10_000
    assert_scored_as_plainly(load_model(), starter_texts)


@given(odd_texts)
def test_any_texts_are_scored_by_the_default_model_as_plainly(texts):
    assert_scored_as_plainly(load_model(), texts)


@settings(max_examples=60)
@given(odd_texts)
def test_any_texts_are_scored_by_any_model_as_plainly(odd_model, texts):
    assert_scored_as_plainly(odd_model, texts)


def test_a_trained_model_with_an_untrained_code_scores_as_plainly(tiny_model, tiny_corpus):
    assert tiny_model.untrained_
    assert_scored_as_plainly(tiny_model, tiny_corpus.texts)


def test_a_trained_model_with_a_setting_scores_as_plainly(setting_model, tiny_corpus):
    columns = setting_model.coef_[:, -len(setting_model.features_.setting_codes_) :]
    assert columns.shape == (3, 3)
    assert columns.any(axis=1).all()
    assert_scored_as_plainly(setting_model, tiny_corpus.texts)


def test_the_weight_beside_a_setting_is_added_where_it_is_spoken_of():
    model = made(lexicon=replace(LEXICON, setting=("农户",)))
    column = list(model.features_.get_feature_names_out()).index("setting:code3")
    texts, found = ["电商", "农户", "农户电商"], []
    for weight in (0, 4):
        changed, other = model.coef_.copy(), made(lexicon=model.lexicon)
        changed[:, column] = 0
        changed[0, column] = weight
        other.restore(model.features_, changed, model.intercept_, model.decisions_, model.codes_)
        found.append(other.decision_function(texts))
    more = found[1] - found[0]
    assert more[:, 0] == pytest.approx([0, 0, 4 * model.features_.setting_weight], abs=1e-5)
    assert not more[:, 1:].any()


def test_the_odd_models_decide_both_ways(odd_model):
    assert 0 < odd_model.predict(FRAGMENTS).mean() < 1


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("主持人：", id="a speaker's tag alone"),
        pytest.param("\x00" * 5, id="NULs"),
        pytest.param("修" * 100_000, id="one character a hundred thousand times"),
        pytest.param("".join(FRAGMENTS) * 200, id="very long"),
        pytest.param("主持人：" + "新建村卫生室三十二所，" * 5_000, id="very long behind a tag"),
        pytest.param("1,2" * 30_000, id="a very long number"),
    ],
)
def test_an_extreme_text_is_scored_as_plainly(usual_model, text):
    assert_scored_as_plainly(usual_model, [text, "签约医生每月上门", text])


def test_a_letter_that_becomes_a_capital_sigma_is_scored_as_plainly(usual_model):
    assert_scored_as_plainly(usual_model, ["α\u03f9"])


def test_a_text_without_any_known_term_scores_the_intercept(usual_model):
    assert np.array_equal(usual_model.decision_function(["外"]), usual_model.intercept_[None])


def test_no_texts_have_no_scores(odd_model):
    scores = odd_model.decision_function([])
    assert (scores.shape, scores.dtype) == ((0, len(odd_model.codes_)), np.float64)


@given(odd_texts, st.randoms(use_true_random=False))
def test_order_and_company_of_texts_do_not_matter(usual_model, texts, random):
    together = usual_model.decision_function(texts)
    alone = [usual_model.decision_function([text])[0] for text in texts]
    assert np.array_equal(together, np.reshape(alone, together.shape))
    order = random.sample(range(len(texts)), len(texts))
    assert np.array_equal(usual_model.decision_function([texts[i] for i in order]), together[order])


def test_a_scorer_made_twice_scores_alike_and_changes_no_weights(usual_model):
    weights = in_units(usual_model.coef_.T)
    before = from_units(weights)
    parts = usual_model.features_.for_scoring(), weights, usual_model.intercept_
    first, second = (Scorer(*parts).scores(FRAGMENTS) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.array_equal(from_units(weights), before)


# --- normalising in the letters of an alphabet ---

NAMED = re.compile("习近平(?:总书记|同志|主席)?|总书记习近平|(?<!学)习(?:总书记|主席|同志)")
ALPHABETS = {
    "all characters": EveryCharacter(),
    "some": Alphabet(normalise.needed() + "村户发放学é가𠮷:"),
    "just those needed": Alphabet(normalise.needed()),
}


def plainly_folded(text):
    return re.sub(r"\s+", " ", NAMED.sub("总书记", text))


@pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)
def test_folding_in_an_alphabet_is_folding_and_then_taking_its_letters(alphabet):
    tables = normalise.folding(alphabet)

    @given(odd_texts)
    def holds(texts):
        wide = list(map(normalise.one_width, texts))
        bounds = bounds_of(wide)
        folded = normalise.fold(tables, alphabet.letters("".join(wide)), bounds[:-1], bounds[1:])
        masked = normalise.mask_numbers(tables, folded)
        plain = list(map(plainly_folded, wide))
        plain_masked = [re.sub(r"\d+(?:[.,]\d+)*", "0", text) for text in plain]
        for got, expected in ((folded, plain), (masked, plain_masked)):
            assert got.letters.tolist() == alphabet.letters("".join(expected)).tolist()
            assert got.bounds.tolist() == bounds_of(expected).tolist()
            places = sorted(set(zip(got.first.tolist(), got.last.tolist(), strict=True)))
            assert [a for a, _ in places] == [0, *(b for _, b in places)][: len(places)]
            assert len(places) == 0 or places[-1][1] == bounds[-1]  # what letters come from leaves no gap

    holds()


def test_characters_beyond_the_first_plane_are_no_part_of_a_name():
    starts = sorted({name[:n] for name in ("习近平总书记", "总书记习近平", "习主席") for n in range(1, 6)})
    planes = [chr(plane << 16 | ord(letter)) for plane in range(1, 17) for letter in "习近平总书记主席同志"]
    texts = [start + letter for start in starts for letter in planes]
    assert normalise.normalise_all(texts) == [plainly_folded(normalise.one_width(text)) for text in texts]


def test_a_text_folds_without_regard_to_the_one_before_it():
    texts = ["学", "习总书记", "1", ".2", " ", "\n"]
    bounds = bounds_of(texts)
    every = EveryCharacter()
    folded = normalise.fold(normalise.folding(every), every.letters("".join(texts)), bounds[:-1], bounds[1:])
    masked = normalise.mask_numbers(normalise.folding(every), folded)
    assert text_of(folded.letters) == "学总书记1.2  "
    assert text_of(masked.letters) == "学总书记0.0  "


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("가", id="a Hangul syllable"),
        pytest.param("か", id="a kana"),
        pytest.param(" ", id="a blank"),
        pytest.param("a", id="a letter"),
    ],
)
def test_a_character_that_is_not_entangled_becomes_the_same_wherever_it_stands(before):
    tables = normalise.folding(EveryCharacter())
    settled = np.flatnonzero(~tables.entangled).tolist()
    assert len(settled) > 60_000
    changed = [
        hex(code)
        for code in settled
        if normalise.one_width(before + chr(code) + "村") != f"{before}{chr(tables.letter[code])}村"
    ]
    assert changed == []


# --- weights of 8 bits ---

sizes = st.floats(2.0**-120, 2.0**120, width=32) | st.floats(0.125, 8, width=32)
weights = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=6),
    elements=st.just(0.0) | sizes | sizes.map(lambda size: -size),
)


@given(weights)
def test_weights_in_units_are_rounded_by_half_a_unit_at_most(coef):
    units, exponents = in_units(coef)
    assert (units.dtype, exponents.dtype) == (np.int8, np.int8)
    assert units.shape == coef.shape
    error = np.abs(from_units(Units(units, exponents)).astype(np.float64) - coef)
    assert (error <= np.ldexp(0.5, exponents.astype(int))[:, None]).all()
    largest = np.abs(units.astype(int)).max(axis=1, initial=0)
    assert (largest <= 127).all()
    assert (largest[coef.any(axis=1)] >= 64).all()  # all bits are used


@given(weights)
def test_weights_once_rounded_stay_as_they_are(coef):
    once = rounded(coef)
    assert once.dtype == np.float32
    assert np.array_equal(rounded(once), once)
    assert np.array_equal(from_units(in_units(once.T)), once.T)


def test_each_feature_is_rounded_by_its_own_largest_weight():
    coef = np.array([[1000.0, 0.002], [1.0, -0.001]], dtype=np.float32)  # a row a code, a column a feature
    assert rounded(coef) == pytest.approx(np.array([[1000, 0.002], [0, -0.001]]), rel=0.01)


@pytest.mark.parametrize(
    ("weight", "unit", "exponent"),
    [
        pytest.param(1.0, 64, -6, id="a power of two"),
        pytest.param(127 / 128, 127, -7, id="the most that a unit counts"),
        pytest.param(127.5 / 128, 64, -6, id="just above it"),
        pytest.param(-3.0, -96, -5, id="negative"),
        pytest.param(0.0, 0, -7, id="nothing"),
    ],
)
def test_a_weight_in_units(weight, unit, exponent):
    units, exponents = in_units(np.array([[weight]], dtype=np.float32))
    assert (units.tolist(), exponents.tolist()) == ([[unit]], [exponent])


@pytest.mark.parametrize("weight", [1e-37, 1e-38, 1e-40, 1e-45])
def test_a_weight_next_to_nothing_stays_next_to_nothing(weight):
    assert rounded(np.array([[weight]], dtype=np.float32))[0, 0] == pytest.approx(0, abs=1e-36)


def test_more_characters_than_a_step_of_the_walk_has_room_for_are_refused():
    terms = [chr(0x20000 + n) for n in range(65_536)]
    idf = np.ones(len(terms), dtype=np.float32)
    features = Features(terms, idf, 1, Lexicon("", "", {}, {}), 1.0)
    with pytest.raises(FupinError, match="different characters are too many") as caught:
        Scorer(features, in_units(np.ones((len(terms), 1), dtype=np.float32)), np.zeros(1, dtype=np.float32))
    assert caught.value.hint
