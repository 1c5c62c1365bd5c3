"""Machines: articles held out are held out, and the strength is chosen on them, the same way every time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix, hstack
from sklearn.svm import LinearSVC

import classifier.machines
from classifier.decisions import cross_fitted
from classifier.features import TextFeatures
from classifier.folds import grouped_folds
from classifier.machines import (
    PRIOR_WEIGHT,
    STRENGTHS,
    Task,
    _whole_articles,
    choose_strength,
    f1_with_error,
    fit,
    fit_with_folds,
    out_of_fold,
)
from classifier.prior import Prior

OPTIONS = {"ngram_range": (1, 2), "min_df": 2, "lexicon_weight": 0.5}


@pytest.fixture(scope="module")
def task(tiny_corpus, tiny_lexicon):
    """Return the tiny corpus to be learned, its rare code left out."""
    options = {**OPTIONS, "lexicon": tiny_lexicon}
    counts = TextFeatures(**options).count(tiny_corpus.texts)
    prior = Prior(("road",), np.array(["公路", "桥"]), np.array([[1.0, 2.0]], dtype=np.float32))
    return Task(counts, tiny_corpus.labels[:, :3], ("clinic", "school", "road"), prior, options)


@pytest.fixture(scope="module")
def folds(task, tiny_corpus):
    return grouped_folds(task.labels, tiny_corpus.groups, 4)


def f1(given, gold):
    return 2 * (given & gold).sum() / (given.sum() + gold.sum())


def test_a_fold_is_scored_by_machines_fitted_to_all_others(task, folds):
    scores = out_of_fold(task, folds, 1.0)
    for fold in range(4):
        alone = fit(task.rows(folds != fold), 1.0).scores(task.counts.rows(folds == fold))
        assert np.array_equal(scores[folds == fold], alone)


def test_what_a_fold_is_labelled_with_does_not_touch_its_own_scores(task, folds):
    inside = folds == 2
    labels = task.labels.copy()
    labels[inside] = ~labels[inside]
    changed = Task(task.counts, labels, task.codes, task.prior, task.options)
    first, second = out_of_fold(task, folds, 1.0), out_of_fold(changed, folds, 1.0)
    assert np.array_equal(first[inside], second[inside])
    assert not np.array_equal(first[~inside], second[~inside])


def test_scores_do_not_depend_on_the_number_of_processes(task, folds):
    assert np.array_equal(out_of_fold(task, folds, 0.5, n_jobs=1), out_of_fold(task, folds, 0.5, n_jobs=2))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_fitted_beside_the_folds_the_machines_and_scores_are_those_of_each_alone(task, folds, n_jobs):
    machines, scores = fit_with_folds(task, folds, 0.5, n_jobs)
    alone = fit(task, 0.5)
    assert machines.features.terms_ == alone.features.terms_
    assert np.array_equal(machines.coef, alone.coef)
    assert np.array_equal(machines.intercept, alone.intercept)
    assert np.array_equal(scores, out_of_fold(task, folds, 0.5))


def test_without_the_terms_too_rare_for_all_segments_every_fold_learns_the_same(tiny_corpus, folds):
    counts = TextFeatures(min_df=3).count(tiny_corpus.texts)
    common = counts.of_terms_in(3)
    assert 0 < len(common.terms) < len(counts.terms)
    for inside in (folds == fold for fold in set(folds)):
        all_terms, fewer = (TextFeatures(min_df=3).fit_counts(c.rows(~inside)) for c in (counts, common))
        assert fewer.terms_ == all_terms.terms_
        assert np.array_equal(fewer.idf_, all_terms.idf_)


def test_texts_counted_once_score_as_texts_do(task, tiny_corpus):
    machines = fit(task, 1.0)
    by_text = machines.features.transform(tiny_corpus.texts) @ machines.coef.T + machines.intercept
    assert machines.scores(task.counts) == pytest.approx(by_text, abs=1e-5)


def test_weights_hold_what_the_machine_learned_from_the_priors_score(task):
    # Written out: the score is one more column while fitting; without the column scores are the same.
    X = fit(task, 1.0).features.transform_counts(task.counts)
    names = fit(task, 1.0).features.get_feature_names_out()
    outside = X @ task.prior.aligned(["road"], names)[0] * PRIOR_WEIGHT
    wider = hstack([X, csr_matrix(outside[:, None])], format="csr", dtype=np.float32)
    machine = LinearSVC(C=1.0, random_state=0).fit(wider, task.labels[:, 2])
    assert abs(machine.coef_[0, -1]) > 0.01
    assert fit(task, 1.0).scores(task.counts)[:, 2] == pytest.approx(
        machine.decision_function(wider), abs=1e-5
    )


@pytest.mark.parametrize(("label", "score"), [(False, -1.0), (True, 1.0)], ids=["no positive", "no negative"])
def test_a_code_of_one_kind_only_is_given_to_all_or_none(task, label, score):
    labels = task.labels.copy()
    labels[:, 1] = label
    machines = fit(Task(task.counts, labels, task.codes, task.prior, task.options), 1.0)
    assert machines.scores(task.counts)[:, 1].tolist() == [score] * 120


def test_the_stronger_the_nearer_to_the_text(task):
    weak, strong = (fit(task, c).scores(task.counts) for c in (0.01, 10.0))
    gold = np.where(task.labels, 1, -1)
    assert (gold * strong).min() > (gold * weak).min()


# --- choosing the strength ---


def test_the_smallest_strength_within_a_standard_error_of_the_best_on_articles_held_out_is_chosen(
    task, tiny_corpus
):
    folds = grouped_folds(task.labels, tiny_corpus.groups, 3)
    made = {C: cross_fitted(out_of_fold(task, folds, C), task.labels, folds)[1] for C in STRENGTHS}
    scored = {C: f1(given, task.labels) for C, given in made.items()}
    best = max(scored, key=scored.get)
    error = f1_with_error(made[best], task.labels, np.array(tiny_corpus.groups))[1]
    wanted = min(C for C in STRENGTHS if scored[C] >= scored[best] - error)
    assert choose_strength(task, tiny_corpus.groups) == wanted


@pytest.mark.parametrize("best", STRENGTHS)
def test_any_of_the_strengths_can_win_and_no_other_is_tried(task, tiny_corpus, monkeypatch, best):
    tried = []

    def score(_, __, ___, C):
        tried.append(C)
        return (1.0, 0.1) if best == C else (0.5, 0.9)  # the error that counts is that of the best

    monkeypatch.setattr(classifier.machines, "_score", score)
    assert choose_strength(task, tiny_corpus.groups) == best
    assert tuple(tried) == STRENGTHS


@pytest.mark.parametrize(("behind", "place"), [(0.009, 0), (0.011, -1)], ids=["within the error", "worse"])
def test_a_weaker_machine_wins_where_it_is_hardly_worse(task, tiny_corpus, monkeypatch, behind, place):
    def score(_, __, ___, C):
        return (0.8 if STRENGTHS[-1] == C else 0.8 - behind), 0.01

    monkeypatch.setattr(classifier.machines, "_score", score)
    assert choose_strength(task, tiny_corpus.groups) == STRENGTHS[place]


def test_where_all_strengths_are_equal_the_smallest_is_taken(task, tiny_corpus, monkeypatch):
    monkeypatch.setattr(classifier.machines, "_score", lambda *_: (0.5, 0.0))
    assert choose_strength(task, tiny_corpus.groups) == min(STRENGTHS)


def test_the_standard_error_is_about_the_spread_of_f1_over_corpora_drawn_by_article():
    rng = np.random.default_rng(5)

    def drawn(n_articles=80):
        groups = np.repeat(np.arange(n_articles), rng.integers(1, 12, n_articles))
        hard = rng.uniform(0.05, 0.6, n_articles)[groups][:, None]  # articles differ, so they are the unit
        labels = rng.random((len(groups), 3)) < 0.3
        given_codes = labels ^ (rng.random(labels.shape) < 0.3 * hard)
        return given_codes, labels, groups.astype(str)

    scores, errors = np.array([f1_with_error(*drawn()) for _ in range(400)]).T
    assert errors.mean() == pytest.approx(scores.std(), rel=0.1)


def test_the_score_with_its_error_is_micro_f1_and_one_article_alone_or_nothing_given_has_no_error():
    labels = np.array([[True, False], [True, True], [False, False]])
    given_codes = np.array([[True, False], [False, True], [False, False]])
    score, error = f1_with_error(given_codes, labels, np.array(["a", "b", "b"]))
    assert (score, error > 0) == (f1(given_codes, labels), True)
    assert f1_with_error(given_codes, labels, np.array(["a"] * 3)) == (score, 0.0)
    assert f1_with_error(labels & False, labels & False, np.array(["a", "b", "b"])) == (0.0, 0.0)


def test_the_choice_is_the_same_every_time_and_for_any_number_of_processes(task, tiny_corpus, monkeypatch):
    monkeypatch.setattr(classifier.machines, "CHOICE_SEGMENTS", 50)
    chosen = [choose_strength(task, tiny_corpus.groups, n_jobs) for n_jobs in (1, 1, 2)]
    assert chosen[0] in STRENGTHS
    assert len(set(chosen)) == 1


def test_the_choice_is_made_on_whole_articles_in_folds_of_whole_articles(task, tiny_corpus, monkeypatch):
    seen = []

    def score(part, folds, *_):
        seen.append((part, folds))
        return 0.5, 0.1

    monkeypatch.setattr(classifier.machines, "CHOICE_SEGMENTS", 50)
    monkeypatch.setattr(classifier.machines, "_score", score)
    choose_strength(task, tiny_corpus.groups)
    part, folds = seen[0]
    assert len(part.labels) == 54  # nine articles of six: the ninth begins below 50
    whole = _whole_articles(tiny_corpus.groups, 50)
    assert np.array_equal(part.labels, task.labels[whole])
    groups = np.array(tiny_corpus.groups)[whole]
    assert {len(set(folds[groups == g])) for g in groups} == {1}
    assert set(folds) == {0, 1, 2}


def test_with_one_article_or_without_a_positive_there_is_nothing_to_choose_by(task):
    assert choose_strength(task, ["one"] * 120) == 1.0
    labels = task.labels.copy()
    labels[:, 2] = False
    without = Task(task.counts, labels, task.codes, task.prior, task.options)
    assert choose_strength(without, [str(i // 6) for i in range(120)]) == 1.0


@pytest.mark.parametrize("exclusive", [False, True])
def test_where_codes_exclude_each_other_the_most_probable_is_what_counts(
    task, tiny_corpus, monkeypatch, exclusive
):
    asked = []
    original = classifier.machines.cross_fitted

    def noted(*arguments, exclusive):
        asked.append(exclusive)
        return original(*arguments, exclusive=exclusive)

    monkeypatch.setattr(classifier.machines, "cross_fitted", noted)
    one_only = Task(task.counts, task.labels, task.codes, None, task.options, exclusive)
    assert choose_strength(one_only, tiny_corpus.groups) in STRENGTHS
    assert asked == [exclusive] * len(STRENGTHS)


@given(st.lists(st.sampled_from("甲乙丙丁戊己"), min_size=1, max_size=40), st.integers(1, 45))
def test_articles_are_drawn_whole_until_there_are_enough_segments(groups, limit):
    drawn = _whole_articles(groups, limit)
    names = np.array(groups)
    taken = {g for g in groups if drawn[names == g].all()}
    assert drawn.sum() == sum((names == g).sum() for g in taken)
    assert drawn.sum() >= min(limit, len(groups))
    if len(groups) <= limit:
        assert drawn.all()
    else:  # one article less would have been too few
        assert any(drawn.sum() - (names == g).sum() < limit for g in taken)
    assert np.array_equal(drawn, _whole_articles(groups, limit))
