"""Calibration and thresholds: the best ones, from other folds only, and never for what is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from classifier.decisions import (
    Decisions,
    best_threshold,
    cross_fitted,
    fit_decisions,
    fit_sigmoid,
)


def f1(given, gold):
    return 2 * (given & gold).sum() / max(given.sum() + gold.sum(), 1)


@st.composite
def probabilities_and_labels(draw):
    """Return probabilities in steps of a thousandth, ties among them, with at least one positive."""
    pairs = draw(st.lists(st.tuples(st.integers(1, 999), st.booleans()), min_size=1, max_size=30))
    assume(any(yes for _, yes in pairs))
    return np.array([p / 1000 for p, _ in pairs]), np.array([yes for _, yes in pairs])


@given(probabilities_and_labels())
def test_no_other_threshold_has_a_higher_f1(example):
    probabilities, labels = example
    reached = f1(probabilities >= best_threshold(probabilities, labels), labels)
    assert reached == max(f1(probabilities >= t, labels) for t in probabilities)


@given(probabilities_and_labels())
def test_a_threshold_lies_midway_between_the_two_probabilities_it_divides(example):
    probabilities, labels = example
    threshold = best_threshold(probabilities, labels)
    above = probabilities[probabilities >= threshold].min()
    below = max(probabilities[probabilities < threshold], default=0.0)
    assert threshold == pytest.approx((above + below) / 2)


def test_a_threshold_does_not_fall_between_equal_probabilities():
    # Giving all three has F1 = 2·2/(3+2) = 0.8; only a cut inside the tie at 0.5 would have 1.0.
    assert best_threshold(np.array([0.9, 0.5, 0.5]), np.array([True, True, False])) == 0.25


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=4, max_size=30).filter(
        lambda pairs: len({yes for _, yes in pairs}) == 2
    )
)
def test_calibration_never_turns_the_order_of_scores_around(pairs):
    scores, labels = np.array([s for s, _ in pairs]), np.array([yes for _, yes in pairs])
    decisions = fit_decisions(scores[:, None], labels[:, None])
    calibrated = decisions.probabilities(np.sort(scores)[:, None])[:, 0]
    assert (np.diff(calibrated) >= 0).all()
    assert ((calibrated >= 0) & (calibrated <= 1)).all()


def test_scores_that_rank_negatives_first_still_get_a_rising_calibration():
    slope, _ = fit_sigmoid(np.array([2.0, 1.0, -1.0, -2.0]), np.array([False, False, True, True]))
    assert slope > 0


def test_calibrated_probabilities_add_up_to_the_number_of_positives():
    # At the maximum of the likelihood the mean probability is the mean target (Platt 1999):
    # 30 of 100 positive: (30 · 31/32 + 70 · 1/72) / 100.
    rng = np.random.default_rng(4)
    labels = np.arange(100) < 30
    scores = rng.normal(size=100) + 2 * labels
    slope, offset = fit_sigmoid(scores, labels)
    mean = (1 / (1 + np.exp(-(slope * scores + offset)))).mean()
    assert mean == pytest.approx((30 * 31 / 32 + 70 / 72) / 100, abs=1e-4)


def test_a_code_with_many_positives_leans_on_its_own_threshold_and_a_rare_one_on_the_shared_one():
    rng = np.random.default_rng(7)
    n = 4000
    labels = np.column_stack([np.arange(n) < 2000, np.arange(n) % (n // 4) == 0])
    scores = rng.normal(size=(n, 2)) + np.where(labels, 2.0, -1.0)
    decisions = fit_decisions(scores, labels, shrinkage=100)
    probabilities = decisions.probabilities(scores)
    own = np.array([best_threshold(probabilities[:, j], labels[:, j]) for j in range(2)])
    shared = best_threshold(probabilities.ravel(), labels.ravel())
    share_of_own = labels.sum(axis=0) / (labels.sum(axis=0) + 100)
    assert share_of_own.round(2).tolist() == [0.95, 0.04]
    assert decisions.threshold == pytest.approx(share_of_own * own + (1 - share_of_own) * shared)


def two_codes_in_three_folds():
    rng = np.random.default_rng(11)
    labels = rng.random((60, 2)) < 0.4
    return rng.normal(size=(60, 2)) + labels, labels, np.arange(60) % 3


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("fold", [0, 1, 2])
def test_what_a_fold_is_labelled_with_does_not_touch_its_own_probabilities_and_decisions(fold, exclusive):
    scores, labels, folds = two_codes_in_three_folds()
    inside = folds == fold
    other_labels = labels.copy()
    other_labels[inside] = ~labels[inside]
    first = cross_fitted(scores, labels, folds, exclusive=exclusive)
    second = cross_fitted(scores, other_labels, folds, exclusive=exclusive)
    assert np.array_equal(first[0][inside], second[0][inside])
    assert np.array_equal(first[1][inside], second[1][inside])
    assert not np.array_equal(first[0][~inside], second[0][~inside])  # the other folds do learn from it


def test_each_fold_is_decided_by_what_the_other_folds_taught():
    scores, labels, folds = two_codes_in_three_folds()
    probabilities, decided = cross_fitted(scores, labels, folds)
    learned = fit_decisions(scores[folds != 1], labels[folds != 1])
    assert np.array_equal(probabilities[folds == 1], learned.probabilities(scores[folds == 1]))
    assert np.array_equal(decided[folds == 1], learned.decide(probabilities[folds == 1]))


def three_codes(*, exclusive):
    return Decisions(np.ones(3), np.zeros(3), np.array([0.5, 0.2, 0.9]), exclusive)


def test_a_code_is_given_where_its_probability_reaches_its_own_threshold():
    given = three_codes(exclusive=False).decide(np.array([[0.5, 0.19, 0.9], [0.49, 0.2, 0.89]]))
    assert given.tolist() == [[True, False, True], [False, True, False]]


def test_an_unknown_probability_is_never_given():
    nan = np.nan
    rows = np.array([[nan, 0.6, nan], [nan, nan, nan]])
    assert three_codes(exclusive=False).decide(rows).tolist() == [[False, True, False], [False] * 3]
    assert three_codes(exclusive=True).decide(rows)[0].tolist() == [False, True, False]


@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=20))
def test_exclusive_gives_each_text_exactly_one_code_the_most_probable_whatever_the_thresholds(rows):
    probabilities = np.array(rows)
    given = three_codes(exclusive=True).decide(probabilities)
    assert given.sum(axis=1).tolist() == [1] * len(rows)
    assert np.array_equal(probabilities[given], probabilities.max(axis=1))


def test_no_texts_get_no_decisions():
    for exclusive in (False, True):
        assert three_codes(exclusive=exclusive).decide(np.zeros((0, 3))).shape == (0, 3)
