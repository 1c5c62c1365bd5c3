"""Folds: whole articles, codes spread evenly, the same folds every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import CorpusError
from classifier.folds import grouped_folds


@st.composite
def corpora(draw):
    """Return labels, groups and a number of folds that the groups suffice for."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=14))
    groups = [f"文{i}" for i, size in enumerate(sizes) for _ in range(size)]
    n_codes = draw(st.integers(1, 4))
    row = st.lists(st.booleans(), min_size=n_codes, max_size=n_codes)
    labels = np.array(draw(st.lists(row, min_size=len(groups), max_size=len(groups))), dtype=bool)
    return labels, groups, draw(st.integers(2, len(sizes)))


def folds_of_groups(groups, folds):
    """Return the set of folds that each group has segments in."""
    return {name: {int(f) for g, f in zip(groups, folds, strict=True) if g == name} for name in groups}


def per_fold(labels, folds, n_folds):
    """Return the positives of each code in each fold, shape (n_folds, n_codes)."""
    return np.array([labels[folds == fold].sum(axis=0) for fold in range(n_folds)])


@given(corpora())
def test_no_group_is_divided(corpus):
    labels, groups, n_folds = corpus
    folds = grouped_folds(labels, groups, n_folds)
    assert all(len(found) == 1 for found in folds_of_groups(groups, folds).values())


@given(corpora())
def test_every_fold_gets_segments_and_no_other_fold_exists(corpus):
    labels, groups, n_folds = corpus
    folds = grouped_folds(labels, groups, n_folds)
    assert folds.shape == (len(groups),)
    assert set(folds.tolist()) == set(range(n_folds))


@given(corpora(), st.randoms(use_true_random=False))
def test_an_articles_fold_does_not_depend_on_the_order_of_segments(corpus, random):
    labels, groups, n_folds = corpus
    order = list(range(len(groups)))
    random.shuffle(order)
    folds = grouped_folds(labels, groups, n_folds)
    shuffled = grouped_folds(labels[order], [groups[i] for i in order], n_folds)
    assert shuffled.tolist() == folds[order].tolist()


@given(corpora())
def test_nothing_is_drawn_at_random(corpus):
    labels, groups, n_folds = corpus
    np.random.seed(1)  # the global state must not matter
    first = grouped_folds(labels, groups, n_folds)
    np.random.seed(2)
    assert grouped_folds(labels, groups, n_folds).tolist() == first.tolist()


@given(st.lists(st.integers(0, 3), min_size=5, max_size=60))
def test_where_each_segment_is_its_own_article_a_code_differs_by_one_between_folds(codes):
    labels = np.eye(4, dtype=bool)[codes]
    folds = grouped_folds(labels, [f"文{i:02}" for i in range(len(codes))], 5)
    counts = per_fold(labels, folds, 5)
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 1


def test_codes_that_stand_in_different_halves_of_the_corpus_reach_every_fold_alike():
    # Cutting in order of names would give the first folds nothing but the first code.
    labels = np.zeros((40, 2), dtype=bool)
    labels[:20:2, 0] = True  # one of two segments in each of the articles 00 … 09
    labels[20::2, 1] = True  # and in each of 10 … 19
    groups = [f"文{i // 2:02}" for i in range(40)]
    folds = grouped_folds(labels, groups, 5)
    assert per_fold(labels, folds, 5).tolist() == [[2, 2]] * 5
    assert np.bincount(folds).tolist() == [8] * 5


def test_a_rare_code_goes_to_as_many_folds_as_it_has_articles():
    labels = np.zeros((60, 2), dtype=bool)
    labels[:, 0] = True  # a code that every segment has
    labels[[0, 3, 6, 9, 12], 1] = True  # a code in the first five articles only
    groups = [f"文{i // 3:02}" for i in range(60)]
    assert per_fold(labels, grouped_folds(labels, groups, 5), 5)[:, 1].tolist() == [1] * 5


def test_spreading_a_rare_code_outweighs_evening_out_sizes():
    # Ten articles have the rare code once each; one of them is as long as a whole fold should be.
    sizes = [40, *[1] * 9, *[15] * 10]
    groups = [f"文{i:02}" for i, size in enumerate(sizes) for _ in range(size)]
    labels = np.array([[int(g[1:]) < 10 and groups.index(g) == i] for i, g in enumerate(groups)])
    assert per_fold(labels, grouped_folds(labels, groups, 5), 5)[:, 0].tolist() == [2] * 5


def test_the_tiny_corpus_is_spread_evenly(tiny_corpus):
    folds = grouped_folds(tiny_corpus.labels, tiny_corpus.groups, 5)
    counts = per_fold(tiny_corpus.labels, folds, 5)
    assert (counts.max(axis=0) - counts.min(axis=0)).tolist() == [0, 0, 0, 1]


def test_a_corpus_without_any_positive_is_still_cut_into_folds_of_one_size():
    folds = grouped_folds(np.zeros((12, 1), dtype=bool), [f"文{i // 2}" for i in range(12)], 3)
    assert np.bincount(folds).tolist() == [4, 4, 4]


@pytest.mark.parametrize(("n_groups", "n_folds"), [(1, 2), (4, 5)])
def test_too_few_groups_are_an_error_that_names_both_numbers(n_groups, n_folds):
    labels = np.ones((8, 1), dtype=bool)
    groups = [f"文{i % n_groups}" for i in range(8)]
    with pytest.raises(
        CorpusError, match=f"^{n_groups} articles cannot be cut into {n_folds} folds$"
    ) as caught:
        grouped_folds(labels, groups, n_folds)
    assert str(n_folds) in caught.value.hint


def test_as_many_groups_as_folds_are_enough():
    assert sorted(grouped_folds(np.ones((3, 1), dtype=bool), ["甲", "乙", "丙"], 3).tolist()) == [0, 1, 2]
