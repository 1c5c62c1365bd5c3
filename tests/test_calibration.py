"""Reliability: bins and gaps that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.calibration import BINS, FLOOR, reliability

ANY = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=60)


def arrays(pairs):
    return np.array([p / 20 for p, _ in pairs]), np.array([yes for _, yes in pairs], dtype=bool)


def test_bins_hold_equal_numbers_in_the_order_of_probability():
    p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 0.15, 0.25])
    gold = p > 0.55
    found = reliability(p, gold)
    assert found.mass.tolist() == [2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    assert found.expected.tolist() == pytest.approx([0.125, 0.225, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert found.observed.tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_the_error_weighs_each_gap_by_the_number_in_its_bin():
    # 12 values: two bins of 2, eight of 1. Gaps: 0.2 in the first (0.2 expected, none seen), 0.7 in
    # the second (0.3 expected, all seen), 0 in the others.
    p = np.array([0.2, 0.2, 0.3, 0.3, *[1.0] * 8])
    found = reliability(p, np.array([False, False, True, True, *[True] * 8]))
    assert found.error == pytest.approx((2 * 0.2 + 2 * 0.7) / 12)


def test_what_is_below_the_floor_or_unknown_is_left_out():
    p = np.array([[0.049, np.nan, 0.05], [0.0, 0.5, np.nan]])
    gold = np.array([[True, True, False], [True, True, False]])
    found = reliability(p, gold)
    assert found.expected.tolist() == [FLOOR, 0.5]
    assert found.observed.tolist() == [0.0, 1.0]
    assert found.mass.tolist() == [1, 1]


@pytest.mark.parametrize(
    "p", [np.array([]), np.array([0.01, 0.04]), np.full((3, 2), np.nan)], ids=["none", "all small", "unknown"]
)
def test_nothing_to_count_has_no_error(p):
    found = reliability(p, np.ones(p.shape, dtype=bool))
    assert np.isnan(found.error)
    assert len(found.mass) == 0


def test_perfect_calibration_has_no_error():
    # In each bin of 20 exactly the share that its probability says
    p = np.repeat(np.arange(1, BINS + 1) / BINS, 20)
    gold = np.concatenate([np.arange(20) < round(20 * v) for v in np.arange(1, BINS + 1) / BINS])
    assert reliability(p, gold).error == pytest.approx(0, abs=1e-12)


def test_sure_and_always_wrong_is_the_greatest_error():
    assert reliability(np.ones(30), np.zeros(30, dtype=bool)).error == 1.0


@given(ANY, st.randoms(use_true_random=False))
def test_the_order_of_segments_does_not_matter_although_probabilities_are_equal(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    first, second = reliability(*arrays(pairs)), reliability(*arrays(shuffled))
    assert first.error == pytest.approx(second.error, nan_ok=True)
    assert first.observed.tolist() == pytest.approx(second.observed.tolist())


@given(ANY)
def test_bins_together_hold_all_that_counts_and_its_positives(pairs):
    p, gold = arrays(pairs)
    found = reliability(p, gold)
    counted = p >= FLOOR
    assert found.mass.sum() == counted.sum()
    assert len(found.mass) == min(BINS, counted.sum())
    assert found.mass.max(initial=0) - found.mass.min(initial=99) <= 1
    assert (np.diff(found.expected) >= -1e-12).all()
    assert (found.expected * found.mass).sum() == pytest.approx(p[counted].sum())
    assert (found.observed * found.mass).sum() == pytest.approx(gold[counted].sum())
