"""Drift: text like the training text passes, other text is told, and the figures survive the model folder."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import re
import shutil
import string
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.feature_extraction.text import CountVectorizer

from classifier import drift
from classifier.codebook import codebook_from_text
from classifier.corpus import Segment, make_corpus
from classifier.decisions import Decisions
from classifier.drift import BAND, FEW_DOCUMENTS, LANGUAGES, MIN_DIFFERENCE, Reference, drift_texts, measure
from classifier.drift_measures import MEASURES, NEAR, near, observe, part, unseen
from classifier.errors import InputError, ModelError
from classifier.features import TextFeatures, prepare
from classifier.model import PolicyClassifier
from classifier.spread import Observed, Typical, typical
from classifier.store import load_model, load_predictor, read_manifest, save_model
from classifier.training import save_trained, train

QUICK = {"C": 1.0, "ngram_range": (1, 2), "min_df": 2, "lexicon_weight": 0.5, "n_folds": 2}
# Invented for the tests, in a Chinese that no village speaks
ANCIENT = (
    "余尝夜宿古寺，闻松涛而起，月在中天。",
    "客问其故，僧笑而不答，但指阶前落叶。",
    "昔有渔者，垂纶三载，未获一鳞，人皆哂之。",
    "或曰：“子何愚也？”渔者曰：“吾钓者志也，非鱼也。”",
)
FIGURES = {"value", "reference", "low", "high"}


@pytest.fixture(scope="module")
def trained(tiny_corpus, tiny_lexicon):
    return train(tiny_corpus, tiny_lexicon, **QUICK)


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("drift") / "model"
    save_trained(trained, path)
    return path


def labelled(model, texts, documents=None):
    """Return what `measure` takes beside the model: each text its own document, unless told otherwise."""
    probabilities = model.predict_proba(texts)
    return texts, documents or [f"{i}" for i in range(len(texts))], probabilities, model.decide(probabilities)


def row_of(found, name):
    (row,) = [r for r in found.rows if r.name == name]
    return row


def names(found):
    return [r.name for r in found.rows]


# --- how figures vary between documents ---

# Davies & Goldsmith, "Statistical Methods in Research and Production" (4th ed., 1972), yields of dyestuff
DYESTUFF = (
    (1545, 1440, 1440, 1520, 1580),
    (1540, 1555, 1490, 1560, 1495),
    (1595, 1550, 1605, 1510, 1560),
    (1445, 1440, 1595, 1465, 1545),
    (1595, 1630, 1515, 1635, 1625),
    (1520, 1455, 1450, 1480, 1445),
)


def observed(documents):
    values = np.concatenate([np.asarray(d, dtype=float) for d in documents])
    document = np.repeat(np.arange(len(documents)), [len(d) for d in documents])
    return Observed(values, np.ones(len(values)), document)


def test_variances_are_those_published_for_the_dyestuff_data():
    found = typical(observed(DYESTUFF))
    assert found.mean == 1527.5
    assert found.between == pytest.approx(1764.05, abs=0.01)
    assert found.within == pytest.approx(2451.25, abs=0.01)
    assert found.error**0.5 == pytest.approx(19.3834, abs=0.001)


def shares_of_documents(rng, sizes, mean, between):
    """Draw the counts of documents whose own shares follow a beta distribution."""
    units = mean * (1 - mean) / between - 1
    own = rng.beta(mean * units, (1 - mean) * units, size=np.shape(sizes))
    return rng.binomial(sizes, own)


def test_variances_of_shares_are_found_again_in_documents_of_unequal_size():
    rng = np.random.default_rng(5)
    sizes = rng.integers(1, 40, size=6000)
    own = shares_of_documents(rng, sizes, 0.2, 0.004)
    found = typical(observed([[1.0] * k + [0.0] * (n - k) for k, n in zip(own, sizes, strict=True)]))
    assert found.mean == pytest.approx(0.2, abs=0.005)
    assert found.between == pytest.approx(0.004, rel=0.15)
    assert found.within == pytest.approx(0.2 * 0.8 - 0.004, rel=0.03)  # E[p(1 - p)] of the documents


def test_pieces_of_many_units_count_as_so_many_units():
    rng = np.random.default_rng(6)
    document = np.repeat(np.arange(3000), 8)
    weight = rng.integers(0, 30, size=len(document)).astype(float)
    own = rng.beta(16, 64, size=3000)  # mean 0.2, variance 0.16 / 81
    total = rng.binomial(weight.astype(int), own[document]).astype(float)
    found = typical(Observed(total, weight, document))
    assert found.mean == pytest.approx(0.2, abs=0.004)
    assert found.between == pytest.approx(0.16 / 81, rel=0.15)
    assert found.within == pytest.approx(0.16 - 0.16 / 81, rel=0.03)


@pytest.mark.parametrize(
    ("documents", "within", "between"),
    [
        pytest.param([[1.0], [3.0], [5.0]], 0.0, 4.0, id="one piece a document: all between them"),
        pytest.param([[0.0, 2.0], [0.0, 2.0]], 2.0, 0.0, id="documents alike: never below nothing"),
        pytest.param([[1.0, 3.0]], 2.0, 0.0, id="one document"),
        pytest.param([[4.0]], 0.0, 0.0, id="one piece"),
    ],
)
def test_variances_where_there_is_little_to_learn_them_from(documents, within, between):
    found = typical(observed(documents))
    assert (found.within, found.between) == (within, between)


@pytest.mark.parametrize(("mean", "units"), [(0.1, 100), (0.5, 10), (0.165, 40), (0.9, 30), (0.02, 400)])
def test_the_band_of_a_share_of_independent_units_is_that_of_the_binomial_distribution(mean, units):
    low, high = Typical(mean, 0.0, mean * (1 - mean), 0.0).band(np.array([float(units)]), 0.99, share=True)
    counts = np.arange(units + 1)
    inside = (stats.binom.sf(counts - 1, units, mean) >= 0.005) & (
        stats.binom.cdf(counts, units, mean) >= 0.005
    )
    assert np.array_equal((counts / units >= low) & (counts / units <= high), inside)


def test_the_band_of_a_length_is_that_of_the_gamma_distribution():
    low, high = Typical(40.0, 80.0, 300.0, 0.5).band(np.array([10.0, 30.0]), 0.99, share=False)
    variance = 80 * (10**2 + 30**2) / 40**2 + 300 / 40 + 0.5
    exact = stats.gamma(40**2 / variance, scale=variance / 40).ppf([0.005, 0.995])
    assert (low, high) == pytest.approx(tuple(exact))


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([15] * 4, id="few documents"),
        pytest.param([1] * 60, id="rows that are documents"),
        pytest.param([200, 3, 3, 3, 3], id="one document rules"),
        pytest.param([12] * 40, id="many documents"),
    ],
)
def test_one_in_a_hundred_corpora_of_the_same_kind_lies_outside_the_band(sizes):
    mean, between = 0.3, 0.01
    rng = np.random.default_rng(7)
    usual = Typical(mean, between, mean * (1 - mean) - between, 0.0)
    low, high = usual.band(np.array(sizes, dtype=float), 0.99, share=True)
    counts = shares_of_documents(rng, np.tile(sizes, (20_000, 1)), mean, between).sum(axis=1)
    share = counts / sum(sizes)
    outside = float(np.mean((share < low) | (share > high)))
    assert 0.002 < outside < 0.02


def test_more_segments_of_one_document_do_not_make_up_for_other_documents():
    usual = Typical(0.3, 0.01, 0.2, 0.0)
    wide, narrow = (usual.band(np.array(sizes), 0.99, share=True) for sizes in ([1e6], [100.0] * 100))
    assert wide[1] - wide[0] > 5 * (narrow[1] - narrow[0])


def test_two_segments_exclude_nothing_where_a_half_is_usual():
    assert Typical(0.5, 0.0, 0.25, 0.0).band(np.array([2.0]), 0.99, share=True) == (0.0, 1.0)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("mean", [0.0, 0.3, 1.0])
def test_what_never_varied_has_a_band_of_one_point(share, mean):
    assert Typical(mean, 0.0, 0.0, 0.0).band(np.array([9.0]), 0.99, share=share) == (mean, mean)


@given(
    mean=st.floats(0.001, 0.999),
    between=st.floats(0, 0.3),
    within=st.floats(0, 0.3),
    sizes=st.lists(st.integers(1, 500), min_size=1, max_size=20),
)
def test_a_band_holds_the_mean_and_widens_with_its_level(mean, between, within, sizes):
    usual, sizes = Typical(mean, between, within, 0.0), np.array(sizes, dtype=float)
    inner, outer = (usual.band(sizes, level, share=True) for level in (0.9, 0.99))
    assert 0 <= outer[0] <= inner[0] + 1e-9
    assert inner[1] - 1e-9 <= outer[1] <= 1
    assert outer[0] - 1e-9 <= mean <= outer[1] + 1e-9


# --- what is measured ---


def test_unseen_pairs_are_those_that_an_ordinary_counter_does_not_find_among_the_terms(trained):
    texts = [
        *ANCIENT,
        "医生：村卫生室报销药费１２元；",
        "签约医生每月上门给老人量血压。",
        "",
        "字",
        "a  b\tc",
    ]
    model = trained.model
    counter = CountVectorizer(analyzer="char", ngram_range=(2, 2), lowercase=False)
    counts = counter.fit_transform(prepare(texts)).toarray()
    foreign = [term not in set(model.features_.terms_) for term in counter.get_feature_names_out()]
    missed, every = unseen(model, part(model, *labelled(model, texts)))
    assert every.tolist() == counts.sum(axis=1).tolist()
    assert missed.tolist() == counts[:, foreign].sum(axis=1).tolist()
    assert 0 < missed.sum() < every.sum()


@pytest.mark.parametrize("min_df", [1, 2, 4])
def test_training_documents_are_judged_by_the_terms_that_there_would_be_without_them(tiny_corpus, min_df):
    options = {**QUICK, "min_df": min_df}
    texts = [text * (1 + i % 3) for i, text in enumerate(tiny_corpus.texts)]  # many terms twice in a segment
    model = PolicyClassifier(tiny_corpus.codebook, **options)
    model.fit(texts, tiny_corpus.labels, tiny_corpus.groups)
    groups = np.array(tiny_corpus.groups)
    whole = part(model, *labelled(model, texts, list(groups)))
    missed, _ = unseen(model, whole, min_df)
    for name in np.unique(groups)[:6]:
        own = np.flatnonzero(groups == name)
        others = TextFeatures((2, 2), min_df).fit(
            [t for t, g in zip(texts, groups, strict=True) if g != name]
        )
        known = set(others.terms_)
        for i in own:
            (text,) = prepare([texts[i]])
            assert missed[i] == sum(text[k : k + 2] not in known for k in range(len(text) - 1))


@pytest.mark.parametrize(("ngram_range", "size"), [((1, 1), 1), ((3, 3), 3), ((1, 3), 2)])
def test_a_model_without_pairs_is_asked_for_the_next_size_that_it_has(tiny_corpus, ngram_range, size):
    model = PolicyClassifier(tiny_corpus.codebook, **{**QUICK, "ngram_range": ngram_range})
    model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)
    _, every = unseen(model, part(model, *labelled(model, ["每月上门量血压。", "好。", "好"])))
    assert every.tolist() == [max(0, n - size + 1) for n in (8, 2, 1)]


THRESHOLDS = np.array([0.4, 0.7])


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        pytest.param([[0.45, 0.05]], [True], id="above the first threshold"),
        pytest.param([[0.1, 0.65]], [True], id="below the second threshold"),
        pytest.param([[0.55, 0.4]], [False], id="each near the other's threshold"),
        pytest.param([[0.99, 0.99]], [False], id="certain"),
        pytest.param([[np.nan, 0.75]], [True], id="one probability unknown"),
        pytest.param([[np.nan, np.nan]], None, id="no probability known"),
    ],
)
def test_a_segment_is_near_a_threshold_where_a_code_is_near_to_its_own(probabilities, expected):
    found = near(np.array(probabilities), Decisions(np.ones(2), np.zeros(2), THRESHOLDS))
    assert (found if found is None else found.tolist()) == expected


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [
        pytest.param([[0.5, 0.45, 0.05], [0.7, 0.2, 0.1]], [True, False], id="the two highest count"),
        pytest.param([[0.4], [0.9]], [False, False], id="a single code has no rival"),
    ],
)
def test_where_codes_exclude_each_other_the_runner_up_is_what_is_near(probabilities, expected):
    n = len(probabilities[0])
    decisions = Decisions(np.ones(n), np.zeros(n), np.full(n, 0.45), exclusive=True)
    assert near(np.array(probabilities), decisions).tolist() == expected


def test_lexicon_and_model_differ_where_their_sets_of_codes_do(trained, tiny_corpus, tiny_lexicon):
    model, texts = trained.model, [*tiny_corpus.texts, *ANCIENT]
    _, _, _, given_codes = found = labelled(model, texts)
    both = {"clinic", "school", "road"}  # `well` is untrained, and has no cue
    differ = [
        tiny_lexicon.codes_in(text) & both
        != {c for c, yes in zip(model.codes_, row, strict=True) if yes} & both
        for text, row in zip(texts, given_codes, strict=True)
    ]
    assert observe(model, part(model, *found))["disagreement"].total.tolist() == differ
    assert 0 < sum(differ) < len(texts)


def test_codes_that_the_lexicon_alone_can_give_are_no_disagreement(trained, tiny_lexicon):
    words = dataclasses.replace(tiny_lexicon, cues={**tiny_lexicon.cues, "机井": ("well",)})
    model = copy.copy(trained.model)
    model.features_ = copy.copy(model.features_)
    model.features_.lexicon = words
    assert words.codes_in("机井") == {"well"}
    texts, documents, probabilities, _ = labelled(trained.model, ["机井"])
    nothing = np.zeros((1, 4), dtype=bool)
    assert row_of(measure(model, texts, documents, probabilities, nothing), "disagreement").value == 0


def test_cheap_facts_are_counted_over_segments(trained):
    texts = ["abc", "１２", "卫生室", "村里，好"]
    _, _, probabilities, _ = labelled(trained.model, texts)
    codes = np.array([[True, False, False, False]] + [[False] * 4] * 3)
    found = measure(trained.model, texts, ["甲"] * 4, probabilities, codes)
    assert {n: row_of(found, n).value for n in ("uncoded", "length", "no_han")} == {
        "uncoded": 0.75,
        "length": 3.0,
        "no_han": 0.5,
    }


# --- the comparison ---


def test_the_training_text_itself_is_like_the_training_text(trained, tiny_corpus):
    found = measure(trained.model, tiny_corpus.texts, tiny_corpus.groups, *trained.model.out_of_fold_)
    assert names(found) == list(MEASURES)
    assert [r.name for r in found.rows if r.unlike] == []
    assert (found.documents, found.segments, found.compared, found.unlike) == (20, 120, True, False)
    for lang in LANGUAGES:
        assert found.warnings(lang) == ()
        assert found.verdict(lang) == drift_texts(lang)["like"]


def test_new_text_of_the_same_kind_is_let_pass_and_old_chinese_is_not(trained, tiny_corpus):
    half = set(sorted(set(tiny_corpus.groups))[::2])
    first, second = (
        make_corpus([s for s in tiny_corpus.segments if (s.doc_id in half) is wanted], tiny_corpus.codebook)
        for wanted in (True, False)
    )
    model = train(first, **QUICK).model
    assert not measure(model, *labelled(model, second.texts, second.groups)).unlike
    found = measure(model, *labelled(model, list(ANCIENT) * 3, list("甲乙丙丁") * 3))
    assert row_of(found, "unseen").unlike
    assert found.unlike


def test_a_warning_names_the_measure_and_gives_its_figures(trained):
    found = measure(trained.model, *labelled(trained.model, list(ANCIENT)))
    row = row_of(found, "unseen")
    for lang in LANGUAGES:
        verdict, *rest = found.warnings(lang)
        assert verdict == found.verdict(lang)
        assert len(rest) == sum(r.unlike for r in found.rows)
        assert drift_texts(lang)["measures"]["unseen"]["name"] in verdict
        for figure in (row.value, row.reference, row.low, row.high):
            assert f"{100 * figure:.1f}%" in rest[0]


def with_reference(model, **measures):
    """Return the model as if its training text had been like this."""
    changed = copy.copy(model)
    changed.reference_ = Reference(1000, {name: Typical(*figures) for name, figures in measures.items()})
    return changed


def uncoded(model, share, segments, documents):
    """Return labelled segments of which this share has no code."""
    given_codes = np.zeros((segments, 4), dtype=bool)
    given_codes[round(share * segments) :, 0] = True
    texts = ["村里的事。"] * segments
    return texts, [f"{i % documents}" for i in range(segments)], np.full((segments, 4), 0.5), given_codes


@pytest.mark.parametrize(
    ("share", "segments", "documents", "unlike"),
    [
        pytest.param(0.90, 1000, 100, True, id="six times the odds, in many documents"),
        pytest.param(0.80, 1000, 100, False, id="outside the band, but four times the odds"),
        pytest.param(0.90, 20, 2, False, id="too few segments to tell"),
        pytest.param(0.88, 1000, 2, False, id="too few documents to tell"),
        pytest.param(0.00, 1000, 100, False, id="fewer than usual is no fault"),
        pytest.param(0.50, 1000, 100, False, id="as usual"),
    ],
)
def test_a_share_is_unlike_where_it_lies_outside_the_band_and_the_effect_matters(
    trained, share, segments, documents, unlike
):
    model = with_reference(trained.model, uncoded=(0.5, 0.04, 0.21, 0.0))
    row = row_of(measure(model, *uncoded(model, share, segments, documents)), "uncoded")
    assert (row.value, row.reference) == (share, 0.5)
    assert row.unlike is unlike


@pytest.mark.parametrize(("share", "unlike"), [(0.04, False), (0.06, True)])
def test_a_few_per_cent_are_let_pass_however_many_times_the_usual_they_are(trained, share, unlike):
    model = with_reference(trained.model, no_han=(0.0, 0.0, 0.0, 0.0))
    texts = ["abc"] * round(share * 100) + ["村里的事。"] * round((1 - share) * 100)
    row = row_of(measure(model, *labelled(model, texts)), "no_han")
    assert row.value == pytest.approx(share)
    assert row.unlike is unlike
    assert 0.04 < MIN_DIFFERENCE < 0.06


@pytest.mark.parametrize(
    ("length", "documents", "direction"),
    [
        pytest.param(21, 50, "high", id="more than twice as long"),
        pytest.param(19, 50, None, id="outside the band, but less than twice"),
        pytest.param(11, 50, None, id="as usual"),
        pytest.param(6, 50, None, id="outside the band, but more than half"),
        pytest.param(4, 50, "low", id="less than half as long"),
        pytest.param(21, 1, None, id="a single document of long segments"),
        pytest.param(4, 1, None, id="a single document of short segments"),
    ],
)
def test_segments_may_be_too_long_and_too_short(trained, length, documents, direction):
    model = with_reference(trained.model, length=(10.0, 16.0, 9.0, 0.0))
    texts = ["村" * length] * 100
    found = measure(model, *labelled(model, texts, [f"{i % documents}" for i in range(100)]))
    assert row_of(found, "length").unlike is (direction is not None)
    for lang in LANGUAGES if direction else ():
        pattern = re.split(r"\{\w+\}", drift_texts(lang)["measures"]["length"][direction])
        assert all(piece in found.warnings(lang)[-1] for piece in pattern)


def test_a_model_made_before_has_no_reference_and_says_so(tiny_model_folder):
    for model in (load_model(tiny_model_folder), load_predictor(tiny_model_folder)):
        found = measure(model, *labelled(model, list(ANCIENT)))
        assert model.reference_ is None
        assert names(found) == list(MEASURES)
        assert all((r.reference, r.low, r.high, r.unlike) == (None, None, None, False) for r in found.rows)
        assert (found.compared, found.unlike) == (False, False)
        assert row_of(found, "unseen").shown(None) == "–"
        for lang in LANGUAGES:
            assert found.warnings(lang) == (drift_texts(lang)["no_reference"],)


def test_without_a_lexicon_there_is_nothing_to_disagree_with(tiny_corpus):
    model = train(tiny_corpus, **QUICK).model
    assert "disagreement" not in model.reference_.measures
    found = measure(model, *labelled(model, tiny_corpus.texts))
    assert names(found) == [name for name in MEASURES if name != "disagreement"]


def test_a_table_without_probabilities_has_no_segments_near_thresholds(trained):
    texts, documents, _, given_codes = labelled(trained.model, list(ANCIENT))
    found = measure(trained.model, texts, documents, np.full((4, 4), np.nan), given_codes)
    assert names(found) == [name for name in MEASURES if name != "near"]


def test_where_codes_exclude_each_other_no_segment_is_without_one():
    codes = "codes:\n  - {code: up, name: 上}\n  - {code: down, name: 下}\n"
    book = codebook_from_text(f'name: d\nversion: "1"\nexclusive: true\n{codes}', "d.yaml")
    segments = [
        Segment(f"{i}", f"{'往上' if i % 2 else '往下'}走{i % 3}步", ("up",) if i % 2 else ("down",))
        for i in range(24)
    ]
    model = train(make_corpus(segments, book), min_df=2, n_folds=2).model
    found = measure(model, *labelled(model, ["往上走", "往下走"]))
    assert names(found) == ["unseen", "near", "length", "no_han"]
    assert not found.unlike


def test_no_segment_is_nothing_to_compare(trained):
    found = measure(trained.model, [], [], np.zeros((0, 4)), np.zeros((0, 4), dtype=bool))
    assert (found.documents, found.segments, found.rows, found.unlike) == (0, 0, (), False)
    for lang in LANGUAGES:
        assert found.verdict(lang) == drift_texts(lang)["nothing"]
        assert found.warnings(lang) == ()


def test_texts_too_short_for_a_pair_leave_that_measure_out(trained):
    assert "unseen" not in names(measure(trained.model, *labelled(trained.model, ["字", ""])))


@pytest.mark.parametrize(("documents", "text"), [(FEW_DOCUMENTS, "like"), (FEW_DOCUMENTS - 1, "like_few")])
def test_few_documents_prove_little_and_the_verdict_says_so(trained, tiny_corpus, documents, text):
    texts = tiny_corpus.texts[:60]
    found = measure(trained.model, *labelled(trained.model, texts, [f"{i % documents}" for i in range(60)]))
    assert not found.unlike
    for lang in LANGUAGES:
        assert found.verdict(lang) == drift_texts(lang)[text].format(documents=documents)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda t, d, p, g: (t, d[1:], p, g), id="a document too few"),
        pytest.param(lambda t, d, p, g: (t, d, p[1:], g), id="a row of probabilities too few"),
        pytest.param(lambda t, d, p, g: (t, d, p, g[:, 1:]), id="a code too few"),
    ],
)
def test_tables_that_do_not_fit_together_are_refused(trained, change):
    with pytest.raises(InputError, match="4 texts with") as caught:
        measure(trained.model, *change(*labelled(trained.model, list(ANCIENT))))
    assert "a row for each text" in caught.value.hint


@settings(max_examples=40)
@given(texts=st.lists(st.text(max_size=20), max_size=12), seed=st.integers(0, 9))
def test_any_text_can_be_measured_and_the_order_of_segments_does_not_matter(trained, texts, seed):
    rng = np.random.default_rng(seed)
    documents = [f"{i}" for i in rng.integers(3, size=len(texts))]
    columns = (
        labelled(trained.model, texts, documents) if texts else ([], [], np.zeros((0, 4)), np.zeros((0, 4)))
    )
    found = measure(trained.model, *columns)
    order = rng.permutation(len(texts))
    shuffled = ([c[i] for i in order] if isinstance(c, list) else c[order] for c in columns)
    assert measure(trained.model, *shuffled) == found
    for row in found.rows:
        assert row.value >= 0
        assert not row.share or row.value <= 1
        assert not row.unlike or not row.low <= row.value <= row.high


# --- what training notes, and the folder keeps ---


def test_the_reference_is_measured_on_documents_held_out(tiny_corpus):
    # A quarter of the codes left out at random: learned by heart where seen, a riddle where held out
    lost = np.random.default_rng(3).random(120) < 0.25
    segments = [
        dataclasses.replace(s, codes=() if gone else s.codes)
        for s, gone in zip(tiny_corpus.segments, lost, strict=True)
    ]
    model = train(make_corpus(segments, tiny_corpus.codebook), **{**QUICK, "C": 10.0}).model
    probabilities, given_codes = model.out_of_fold_
    inside = measure(model, *labelled(model, tiny_corpus.texts, tiny_corpus.groups))
    kept = {name: usual.mean for name, usual in model.reference_.measures.items()}
    apart = np.abs(probabilities[:, model.trained_] - model.decisions_.threshold)
    assert model.reference_.documents == 20
    assert kept["near"] == pytest.approx((apart <= NEAR).any(axis=1).mean(), rel=1e-5)
    assert kept["uncoded"] == pytest.approx((~given_codes.any(axis=1)).mean(), rel=1e-5)
    assert kept["near"] > 2 * row_of(inside, "near").value
    assert kept["uncoded"] != pytest.approx(row_of(inside, "uncoded").value, rel=1e-5)
    assert kept["unseen"] > row_of(inside, "unseen").value


def test_the_folder_keeps_the_reference_in_its_manifest(trained, folder, tiny_corpus):
    said = read_manifest(folder)["training"]["drift"]
    assert said == trained.model.reference_.to_json()
    assert said["documents"] == 20
    columns = labelled(trained.model, [*ANCIENT, *tiny_corpus.texts])
    for model in (load_model(folder), load_predictor(folder)):
        assert model.reference_ == trained.model.reference_
        assert measure(model, *columns) == measure(trained.model, *columns)


def test_saving_what_was_loaded_keeps_the_reference(folder, tmp_path):
    said = {k: v for k, v in read_manifest(folder)["training"].items() if k != "drift"}
    card, page = ((folder / name).read_text(encoding="utf-8") for name in ("MODEL_CARD.md", "EVALUATION.md"))
    save_model(load_model(folder), tmp_path / "again", card, said, page)
    first, second = ({p.name: p.read_bytes() for p in f.iterdir()} for f in (folder, tmp_path / "again"))
    assert first == second


def test_a_model_fitted_anew_forgets_what_the_old_text_was_like(tiny_corpus, trained):
    model = copy.copy(trained.model)
    model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)
    assert model.reference_ is None
    assert trained.model.reference_ is not None


def reseal(folder, training):
    """Write another account of the training and make the manifest's hash fit, as a forger would."""
    manifest = folder / "manifest.json"
    value = json.loads(manifest.read_text(encoding="utf-8"))
    blank = json.dumps({**value, "training": training, "self_sha256": ""})
    digest = hashlib.sha256(blank.encode()).hexdigest()
    manifest.write_text(blank.replace('"self_sha256": ""', f'"self_sha256": "{digest}"'), encoding="utf-8")


def kept(**changes):
    """Return the figures of a reference whose mean of one measure is changed."""
    return {"mean": 0.1, "between": 0.0, "within": 0.1, "error": 0.0, **changes}


FORGERIES = {
    "null": None,
    "a list": [],
    "no measures": {"documents": 9},
    "one key more": {"documents": 9, "measures": {}, "seen": 1},
    "no document": {"documents": 0, "measures": {}},
    "documents that are text": {"documents": "9", "measures": {}},
    "documents that are true": {"documents": True, "measures": {}},
    "measures that are a list": {"documents": 9, "measures": ["near"]},
    "an unknown measure": {"documents": 9, "measures": {"mood": kept()}},
    "a measure that is a number": {"documents": 9, "measures": {"near": 0.1}},
    "a figure too few": {"documents": 9, "measures": {"near": {"mean": 0.1}}},
    "a figure too many": {"documents": 9, "measures": {"near": kept(code="x")}},
    "a figure that is text": {"documents": 9, "measures": {"near": kept(mean="0.1")}},
    "a figure that is true": {"documents": 9, "measures": {"near": kept(mean=True)}},
    "a figure that is no number": {"documents": 9, "measures": {"near": kept(mean=float("nan"))}},
    "an endless figure": {"documents": 9, "measures": {"length": kept(mean=float("inf"))}},
    "a whole number beyond all floats": {"documents": 9, "measures": {"length": kept(mean=10**400)}},
    "a negative variance": {"documents": 9, "measures": {"near": kept(between=-0.1)}},
    "a share above one": {"documents": 9, "measures": {"near": kept(mean=1.5)}},
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES)
def test_a_reference_that_makes_no_sense_is_refused_though_the_hash_fits(folder, tmp_path, forged):
    copied = Path(shutil.copytree(folder, tmp_path / "model"))
    reseal(copied, {"drift": forged})
    for load in (load_model, load_predictor):
        with pytest.raises(ModelError, match="the files do not fit together") as caught:
            load(copied)
        assert str(copied) in str(caught.value)
        assert "\n" not in str(caught.value)
        assert caught.value.hint


def test_a_manifest_that_says_nothing_of_the_training_is_refused(folder, tmp_path):
    copied = Path(shutil.copytree(folder, tmp_path / "model"))
    reseal(copied, None)
    with pytest.raises(ModelError, match="says nothing of the training"):
        load_model(copied)


def test_a_reference_of_fewer_measures_is_legal(folder, tmp_path, tiny_corpus):
    copied = Path(shutil.copytree(folder, tmp_path / "model"))
    reseal(copied, {"drift": {"documents": 9, "measures": {"length": kept(mean=17.5)}}})
    model = load_model(copied)
    found = measure(model, *labelled(model, tiny_corpus.texts))
    assert {r.name for r in found.rows if r.reference is not None} == {"length"}
    assert found.compared


# --- what is said ---


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_measure_has_its_words_and_they_ask_for_no_figure_that_there_is_not(lang):
    texts = drift_texts(lang)
    assert list(texts["measures"]) == list(MEASURES)
    sentences = {"unlike", "like", "like_few", "no_reference", "nothing", "note"}
    assert set(texts) == {"measures", "comma", *sentences}
    for name, judged in MEASURES.items():
        words = texts["measures"][name]
        assert set(words) == {"title", "name", "about", "high", *(["low"] if judged.both_ways else [])}
        for direction in {"high", "low"} & set(words):
            asked = {field for _, field, _, _ in string.Formatter().parse(words[direction]) if field}
            assert {"value", "reference"} <= asked <= FIGURES
    assert f"{NEAR:g}" in texts["measures"]["near"]["about"]


def test_a_language_that_there_is_not_is_told_with_those_that_there_are():
    with pytest.raises(InputError, match="no texts in 'fr'") as caught:
        drift_texts("fr")
    assert caught.value.hint == "languages: zh, en"


def test_the_bounds_are_those_that_were_measured():
    """docs/drift.md gives the error rates at these bounds; whoever changes one measures anew."""
    assert (BAND, MIN_DIFFERENCE, NEAR) == (0.99, 0.05, 0.1)
    assert {name: judged.effect for name, judged in MEASURES.items()} == {
        "unseen": 1.7,
        "near": 2.0,
        "disagreement": 2.0,
        "uncoded": 6.0,
        "length": 2.0,
        "no_han": 2.0,
    }
    assert drift.FEW_DOCUMENTS == 5
