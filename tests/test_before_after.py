"""Two models on the same segments: the differences, weighted or not, and how sure they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from sklearn.metrics import f1_score

from classifier.before_after import MIN_DOCUMENTS, before_after, to_text
from classifier.codebook import load_codebook
from classifier.evaluation import paired_difference

COLUMNS = ("a", "b", "c")
RNG = np.random.default_rng(3)
GOLD = RNG.random((120, 3)) < (0.3, 0.5, 0.02)
BEFORE, AFTER = (GOLD ^ (RNG.random((120, 3)) < p) for p in (0.2, 0.1))
GROUPS = [f"第{i % 30}篇" for i in range(120)]


def test_figures_are_those_of_scikit_learn():
    found = before_after(BEFORE, AFTER, GOLD, GROUPS, columns=COLUMNS)
    for change, mine in (("before", BEFORE), ("after", AFTER)):
        per_code = f1_score(GOLD, mine, average=None)
        assert [getattr(c, change).value for c in found.codes] == pytest.approx(per_code)
        assert getattr(found.micro, change).value == pytest.approx(f1_score(GOLD, mine, average="micro"))
    assert (found.segments, found.documents, found.weighted) == (120, 30, False)


def test_weights_count_a_segment_as_often_as_it_stands_for():
    weights = np.where(np.arange(120) % 3 == 0, 4.0, 1.0)
    found = before_after(BEFORE, AFTER, GOLD, GROUPS, columns=COLUMNS, weights=weights)
    wanted = f1_score(GOLD, AFTER, average="micro", sample_weight=weights)
    assert found.micro.after.value == pytest.approx(wanted)
    again = np.repeat(np.arange(120), weights.astype(int))
    plain = before_after(
        BEFORE[again], AFTER[again], GOLD[again], [GROUPS[i] for i in again], columns=COLUMNS
    )
    assert found.micro.difference == plain.micro.difference  # copies stay in their document


def test_the_difference_is_that_of_the_other_paired_comparison():
    found = before_after(BEFORE, AFTER, GOLD, GROUPS, columns=COLUMNS).micro.difference
    other = paired_difference(AFTER, BEFORE, GOLD, GROUPS)
    assert (found.value, found.low, found.high) == pytest.approx((other.value, other.low, other.high))


@given(st.integers(0, 2**30))
def test_the_same_decisions_differ_by_nothing_and_swapped_ones_by_the_opposite(seed):
    rng = np.random.default_rng(seed)
    gold, one, other = (rng.random((20, 3)) < 0.4 for _ in range(3))
    groups = [str(i % 7) for i in range(20)]
    same = before_after(one, one, gold, groups, columns=COLUMNS).micro.difference
    assert (same.value, same.low, same.high) == (0, 0, 0)
    there = before_after(one, other, gold, groups, columns=COLUMNS).micro.difference
    back = before_after(other, one, gold, groups, columns=COLUMNS).micro.difference
    assert (back.value, back.low, back.high) == pytest.approx((-there.value, -there.high, -there.low))


def test_the_interval_holds_the_true_difference_about_as_often_as_it_says():
    # 200 worlds of 40 documents; the truth is the difference over very many segments
    rng = np.random.default_rng(8)

    def world(n):
        gold = np.repeat(rng.random((n // 5, 1)) < 0.5, 5, axis=0) & (rng.random((n, 1)) < 0.8)
        return gold, gold ^ (rng.random((n, 1)) < 0.2), gold ^ (rng.random((n, 1)) < 0.15)

    gold, one, other = world(400_000)
    truth = f1_score(gold, other) - f1_score(gold, one)
    held = 0
    for _ in range(200):
        gold, one, other = world(200)
        d = before_after(one, other, gold, [str(i // 5) for i in range(200)], columns=("a",)).micro.difference
        held += d.low <= truth <= d.high
    assert 0.88 <= held / 200 <= 0.99


def test_a_code_that_neither_stands_nor_is_given_has_no_figure():
    none = np.zeros((10, 1), dtype=bool)
    found = before_after(none, none, none, list("abcdefghij"), columns=("a",))
    assert np.isnan(found.codes[0].after.value)
    assert found.to_json()["codes"][0]["after"] == {"value": None, "low": None, "high": None}
    json.dumps(found.to_json(), allow_nan=False)


def test_few_documents_give_no_interval():
    groups = [str(i % (MIN_DOCUMENTS - 1)) for i in range(120)]
    found = before_after(BEFORE, AFTER, GOLD, groups, columns=COLUMNS).micro.difference
    assert not np.isnan(found.value)
    assert np.isnan(found.low)


def test_the_table_is_no_wider_than_80_columns_whatever_the_names():
    book = load_codebook()
    rng = np.random.default_rng(1)
    gold = rng.random((3000, len(book.columns))) < 0.4
    before, after = (gold ^ (rng.random(gold.shape) < p) for p in (0.9, 0.1))
    text = to_text(
        before_after(before, after, gold, [str(i // 10) for i in range(3000)], columns=book.columns),
        "全部",
        book,
    )
    assert max(map(cell_len, text.splitlines())) <= 80
    assert len(text.splitlines()) == 3 + len(book.columns) + 2
    assert "village_cadres 驻村帮扶与干部… " in text  # a name that is cut says so
    assert "micro-F1" in text
