"""Calibration and thresholds: the best ones, from other folds only, and never for what is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from classifier.decisions import (
    MIN_SLOPE,
    Decisions,
    best_threshold,
    cross_fitted,
    fit_calibration,
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


# --- the sigmoid's maximum of likelihood ---


def platt_loss(slope, offset, scores, labels):
    """Return the loss that the sigmoid is to make least, written out by hand."""
    positives, negatives = labels.sum(), (~labels).sum()
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    p = 1 / (1 + np.exp(-(slope * scores + offset)))
    return -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum()


SIGMOIDS = {
    "apart": ([-2.0, -1.0, 1.0, 2.0], [0, 0, 1, 1]),
    "mixed": ([-1.5, -0.5, 0.2, 0.4, 1.0, -0.1], [0, 1, 0, 1, 1, 0]),
    "all on one side of zero": ([-5.0, -4.0, -3.5, -3.0, -2.0], [0, 0, 1, 0, 1]),
    "one positive": ([-1.0, -0.9, -0.8, -0.7, -0.6, 0.3], [0, 0, 0, 0, 0, 1]),
    "far apart in size": ([-300.0, -200.0, 100.0, 250.0, -50.0], [0, 0, 1, 1, 1]),
    "ties": ([0.0, 0.0, 0.0, 1.0, 1.0, 1.0], [0, 0, 1, 0, 1, 1]),
}


@pytest.mark.parametrize("name", SIGMOIDS)
def test_no_other_slope_and_offset_fit_better(name):
    scores, labels = np.array(SIGMOIDS[name][0]), np.array(SIGMOIDS[name][1], dtype=bool)
    slope, offset = fit_sigmoid(scores, labels)
    found = minimize(
        lambda line: platt_loss(*line, scores / np.abs(scores).max(), labels),
        x0=[0.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-13, "maxiter": 4000},
    )
    assert found.success
    assert platt_loss(slope, offset, scores, labels) <= found.fun + 1e-9
    assert slope * np.abs(scores).max() == pytest.approx(found.x[0], rel=1e-3)
    assert offset == pytest.approx(found.x[1], rel=1e-3, abs=1e-4)


def test_two_scores_have_a_sigmoid_that_can_be_worked_out():
    # Each score is met by its own target exactly: σ(2a + b) = 11/12 of ten positives and σ(-a + b) = 1/32
    # of thirty negatives.
    scores = np.array([2.0] * 10 + [-1.0] * 30)
    slope, offset = fit_sigmoid(scores, np.arange(40) < 10)
    high, low = np.log(11), -np.log(31)
    assert slope == pytest.approx((high - low) / 3, rel=1e-4)
    assert offset == pytest.approx(low + (high - low) / 3, rel=1e-4)


@pytest.mark.parametrize(
    ("scores", "labels"),
    [
        pytest.param([2.0, 1.0, -1.0, -2.0], [0, 0, 1, 1], id="the wrong way round"),
        pytest.param([1.0, -1.0, 1.0, -1.0], [0, 0, 1, 1], id="no bearing at all"),
        pytest.param([0.5, 0.5, 0.5, 0.5], [0, 1, 1, 0], id="all the same"),
    ],
)
def test_scores_that_do_not_tell_are_all_but_left_unused(scores, labels):
    slope, offset = fit_sigmoid(np.array(scores), np.array(labels, dtype=bool))
    assert slope == MIN_SLOPE
    assert offset == 0.0  # (2 + 1) / (2 + 1): what the numbers of positives and negatives say
    probabilities = Decisions(np.array([slope]), np.array([offset]), np.array([0.5])).probabilities(
        np.array(scores)[:, None]
    )
    assert probabilities == pytest.approx(0.5, abs=0.001)


def test_without_use_for_the_scores_every_probability_is_the_share_of_positives():
    scores = np.linspace(1, -1, 100)
    slope, offset = fit_sigmoid(scores, np.arange(100) >= 90)
    assert (slope, offset) == (MIN_SLOPE, pytest.approx(np.log(11 / 91)))


def test_a_hundred_thousand_scores_all_the_same_are_no_error():
    slope, offset = fit_sigmoid(np.ones(100_000), np.arange(100_000) % 2 == 0)
    assert (slope, offset) == (MIN_SLOPE, 0.0)


@given(
    st.lists(st.tuples(st.floats(-1e4, 1e4), st.booleans()), min_size=2, max_size=40),
    st.sampled_from([1e-4, 1.0, 1e4]),
)
def test_any_scores_get_a_line_that_fits_no_worse_than_no_slope(pairs, scale):
    scores, labels = np.array([s * scale for s, _ in pairs]), np.array([yes for _, yes in pairs])
    slope, offset = fit_sigmoid(scores, labels)
    assert np.isfinite([slope, offset]).all()
    assert slope >= MIN_SLOPE
    if slope > MIN_SLOPE:
        high, low = (labels.sum() + 1) / (labels.sum() + 2), 1 / ((~labels).sum() + 2)
        target = np.where(labels, high, low)
        z, flat = slope * scores + offset, np.log((labels.sum() + 1) / ((~labels).sum() + 1))
        loss, of_flat = (np.sum(np.logaddexp(0, x) - target * x) for x in (z, np.full_like(z, flat)))
        assert loss <= of_flat + 1e-9


def test_the_certain_many_do_not_bend_the_curve_where_decisions_fall():
    # A logistic truth in the middle, and a long tail of negatives that are far more certain than it says.
    rng = np.random.default_rng(3)
    middle = rng.uniform(-1, 1, 4000)
    tail = rng.uniform(-1.6, -1.4, 40000)
    scores = np.concatenate([middle, tail])
    labels = np.concatenate([rng.random(4000) < expit(3 * middle), np.zeros(40000, dtype=bool)])
    slope, offset = fit_calibration(scores, labels)
    assert (slope, offset) == pytest.approx((3, 0), abs=0.35)
    assert fit_sigmoid(scores, labels)[0] > 4


def test_with_few_in_doubt_the_curve_is_fitted_to_all():
    scores = np.linspace(-1, 1, 40)
    labels = scores > 0
    assert fit_calibration(scores, labels) == fit_sigmoid(scores, labels)
