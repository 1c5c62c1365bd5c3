"""Counts, shares and their intervals: against published examples, closed forms, loops and simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats

from classifier.codebook import load_codebook
from classifier.shares import difference, marks, shares, wilson

ONE = np.zeros(1, dtype=np.intp)


def counted(values, documents, groups=None, n_groups=1):
    """Count one category that is there where a value is 1."""
    values = np.asarray(values, dtype=float)
    groups = np.zeros(len(values), dtype=np.intp) if groups is None else np.asarray(groups, dtype=np.intp)
    marked = sparse.csr_array(values[:, None])
    return shares(marked, np.asarray(documents, dtype=np.intp), groups, n_groups)


# --- published examples ---


@pytest.mark.parametrize(
    ("positives", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_of_newcombe_1998_table_1(positives, n, low, high):
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
    # Medicine 17, 1998, table I, method 3
    found = wilson(positives / n, n)
    assert (round(float(found[0]), 4), round(float(found[1]), 4)) == (low, high)


@pytest.mark.parametrize(
    ("one", "other", "ends"),
    [
        ((56, 70), (48, 80), [0.0524, 0.3339]),
        ((9, 10), (3, 10), [0.1705, 0.8090]),
        ((6, 7), (2, 7), [0.0582, 0.8062]),
        ((5, 56), (0, 29), [-0.0381, 0.1926]),
        ((0, 10), (0, 20), [-0.1611, 0.2775]),
        ((10, 10), (0, 20), [0.6791, 1.0]),
    ],
)
def test_differences_are_those_of_newcombe_1998_table_2(one, other, ends):
    # "Interval estimation for the difference between independent proportions", ibid., table II, method 10
    def simple(positives, total):
        made = counted([1], [0])
        ends = (np.reshape(end, (1, 1)) for end in wilson(positives / total, total))
        return replace(
            made, share=np.array([[positives / total]]), **dict(zip(("low", "high"), ends, strict=True))
        )

    apart, *found = (float(x[0, 0]) for x in difference(simple(*one), simple(*other)))
    assert apart == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert [round(end, 4) for end in found] == ends


# --- closed forms and an independent computation ---


def test_documents_of_one_segment_each_give_the_interval_of_a_simple_sample():
    # v = p (1 - p) / (D - 1), so the effective sample size is D - 1
    found = counted([1] * 12 + [0] * 28, range(40))
    low, high = wilson(0.3, 39, stats.t.ppf(0.975, 39))
    assert (found.low[0, 0], found.high[0, 0]) == pytest.approx((float(low), float(high)))


def test_documents_all_or_nothing_count_as_one_observation_each():
    each = counted(np.repeat([1] * 6 + [0] * 14, 9), np.repeat(range(20), 9))
    single = counted([1] * 6 + [0] * 14, range(20))
    assert each.low[0, 0] == pytest.approx(single.low[0, 0])
    assert each.high[0, 0] == pytest.approx(single.high[0, 0])


def test_the_spread_between_documents_widens_the_interval():
    mixed = counted([1, 0] * 40, np.repeat(range(20), 4))
    apart = counted([1] * 40 + [0] * 40, np.repeat(range(20), 4))
    assert mixed.share[0, 0] == apart.share[0, 0] == 0.5
    assert apart.high[0, 0] - apart.low[0, 0] > 1.5 * (mixed.high[0, 0] - mixed.low[0, 0])


def by_loops(values, documents):
    """Return share, low and high, written out document by document as in the docstring of `shares`."""
    values, documents = np.asarray(values, dtype=float), np.asarray(documents)
    names = sorted(set(documents.tolist()))
    n, d = len(values), len(names)
    p = values.sum() / n
    squares = 0.0
    for name in names:
        mine = [v for v, of in zip(values, documents, strict=True) if of == name]
        squares += (sum(mine) - p * len(mine)) ** 2
    if d < 2:
        return p, np.nan, np.nan
    v = d / (d - 1) * squares / n**2
    effective = n if v < 1e-15 else min(n, p * (1 - p) / v)
    t2 = stats.t.ppf(0.975, d - 1) ** 2
    # Wilson's ends as the roots of (p - x)² = t² x (1 - x) / n
    roots = np.roots([1 + t2 / effective, -(2 * p + t2 / effective), p * p])
    return p, float(min(roots.real)), float(max(roots.real))


SEGMENTS = st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(-1, 3)), min_size=1, max_size=40)


@given(SEGMENTS)
def test_each_group_is_counted_as_if_it_were_alone(segments):
    values, documents, groups = (np.array(x) for x in zip(*segments, strict=True))
    found = counted(values, documents, groups, 4)
    for g in range(4):
        inside = groups == g
        assert found.of_segments[g, 0] == inside.sum()
        assert found.segments[g, 0] == values[inside].sum()
        assert found.documents[g, 0] == len(set(documents[inside & values].tolist()))
        assert found.of_documents[g, 0] == len(set(documents[inside].tolist()))
        figures = [float(a[g, 0]) for a in (found.share, found.low, found.high)]
        if inside.any():
            expected = by_loops(values[inside], documents[inside])
            np.testing.assert_allclose(figures, expected, atol=1e-7)
        else:
            assert np.isnan(figures).all()
            assert np.isnan(found.document_share[g, 0])


def test_several_categories_are_counted_each_for_itself():
    rng = np.random.default_rng(5)
    values, documents = rng.random((60, 3)) < [0.1, 0.5, 0.9], rng.integers(0, 9, 60)
    together = shares(sparse.csr_array(values.astype(float)), documents, np.zeros(60, dtype=np.intp), 1)
    for k in range(3):
        alone = counted(values[:, k], documents)
        for name in ("segments", "share", "low", "high", "documents", "document_low"):
            assert getattr(together, name)[0, k] == pytest.approx(getattr(alone, name)[0, 0])


def test_one_document_tells_nothing_of_how_documents_differ():
    found = counted([1, 0, 0], [0, 0, 0])
    assert found.share[0, 0] == pytest.approx(1 / 3)
    assert np.isnan([found.low[0, 0], found.high[0, 0]]).all()


def test_what_never_occurs_may_still_occur_elsewhere():
    found = counted([0] * 30, np.repeat(range(10), 3))
    assert found.share[0, 0] == found.low[0, 0] == 0
    assert 0 < found.high[0, 0] < 0.2


def test_nothing_at_all_gives_no_figure_and_no_error():
    found = counted([], [], [], 1)
    assert found.of_segments[0, 0] == 0
    assert np.isnan(found.share[0, 0])


# --- simulation ---


@pytest.mark.parametrize(("prevalence", "alike"), [(0.05, 0.02), (0.2, 0.1), (0.4, 0.3)])
def test_intervals_cover_the_true_share_as_often_as_they_say(prevalence, alike):
    # 2,000 corpora of 60 documents of 3 to 17 segments; segments of a document are alike with an
    # intraclass correlation of `alike` (beta-binomial). Each corpus is a group.
    rng = np.random.default_rng(7)
    corpora, documents = 2000, 60
    sizes = rng.integers(3, 18, corpora * documents)
    spread = 1 / alike - 1
    p = rng.beta(prevalence * spread, (1 - prevalence) * spread, corpora * documents)
    document = np.repeat(np.arange(corpora * documents), sizes)
    values = rng.random(len(document)) < p[document]
    found = counted(values, document, document // documents, corpora)
    covered = (found.low[:, 0] <= prevalence) & (prevalence <= found.high[:, 0])
    assert 0.93 <= covered.mean() <= 0.975
    # taken as independent, segments would give intervals that are too narrow
    low, high = wilson(found.share[:, 0], found.of_segments[:, 0])
    assert ((low <= prevalence) & (prevalence <= high)).mean() < covered.mean()


# --- categories ---


def test_a_category_is_the_union_of_its_codes_as_the_codebook_rolls_them_up():
    book, rng = load_codebook(), np.random.default_rng(3)
    labels = pd.DataFrame(rng.random((200, len(book.columns))) < 0.1, columns=list(book.columns))
    assert (marks(labels).toarray() == labels.to_numpy()).all()
    for name, scheme in book.schemes.items():
        assert (marks(labels, scheme.categories).toarray() == book.roll_up(labels, name).to_numpy()).all()
