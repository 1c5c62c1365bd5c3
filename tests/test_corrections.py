"""Corrections: near to nothing where little asks for them, and folded into weights without a difference."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from classifier.codebook import codebook_from_text
from classifier.corrections import CONSTANT, Start, fit_corrections, hold_out, line_up
from classifier.errors import LexiconError, ModelError
from classifier.lexicon import Lexicon

RNG = np.random.default_rng(5)


def cloud(n=200, m=6, seed=0):
    """Return segments whose log-odds are wrong by ``2`` on the first feature, and their labels."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, m))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    log_odds = 3 * X[:, 1:2]
    right = log_odds + 4 * X[:, :1]
    labels = rng.random((n, 1)) < 1 / (1 + np.exp(-right))
    return Start(csr_matrix(X), log_odds, np.array([True])), labels


def test_they_are_those_of_a_logistic_regression_where_the_model_says_nothing():
    # log-odds 0: then it is plain logistic regression, its constant feature and stretch aside
    start, labels = cloud()
    blank = Start(start.X, np.zeros_like(start.log_odds), start.known)
    found = fit_corrections(blank, labels, np.array([0.5]))
    X = np.hstack([start.X.toarray(), np.full((200, 1), CONSTANT)])
    other = LogisticRegression(C=2.0, fit_intercept=False, tol=1e-8, max_iter=1000).fit(X, labels[:, 0])
    assert np.allclose(found.weights[:, 0], other.coef_[0][:-1], atol=2e-3)
    assert found.intercept[0] == pytest.approx(other.coef_[0][-1] * CONSTANT, abs=2e-3)


def test_the_gradient_vanishes_where_the_model_speaks():
    start, labels = cloud()
    caution = 0.7
    found = fit_corrections(start, labels, np.array([caution]))

    def loss(step, part):
        weights, intercept, stretch = found.weights[:, 0].copy(), found.intercept[0], found.stretch[0]
        if part < 6:
            weights[part] += step
        intercept, stretch = intercept + step * (part == 6), stretch + step * (part == 7)
        z = start.log_odds[:, 0] * (1 + stretch) + start.X @ weights + intercept
        length = weights @ weights + (intercept / CONSTANT) ** 2 + (stretch / CONSTANT) ** 2
        return np.logaddexp(0, np.where(labels[:, 0], -z, z)).sum() + caution / 2 * length

    for part in range(8):
        assert abs(loss(1e-4, part) - loss(-1e-4, part)) / 2e-4 < 0.02


def test_the_more_caution_the_less_is_corrected_and_with_all_of_it_nothing():
    start, labels = cloud()
    sizes = [
        np.linalg.norm(fit_corrections(start, labels, np.array([caution])).weights)
        for caution in (0.1, 1.0, 10.0, 1000.0, np.inf)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[3] < 0.05
    assert fit_corrections(start, labels, np.array([np.inf])).none


def test_a_lasting_error_is_corrected_on_segments_that_were_not_seen():
    start, labels = cloud(600)
    held = hold_out(start, labels, np.arange(600) % 5)
    before, after = (np.logaddexp(0, np.where(labels, -z, z)).sum() for z in (start.log_odds, held.log_odds))
    assert after < 0.9 * before


def test_labels_that_agree_with_the_model_teach_next_to_nothing():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(400, 40))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    log_odds = 6 * X[:, :1]
    labels = rng.random((400, 1)) < 1 / (1 + np.exp(-log_odds))
    held = hold_out(Start(csr_matrix(X), log_odds, np.array([True])), labels, np.arange(400) % 5)
    assert held.cautions[0] >= 3
    assert np.abs(held.log_odds - log_odds).mean() < 0.4


def test_a_fold_is_never_corrected_by_its_own_labels(monkeypatch):
    monkeypatch.setattr("classifier.corrections.CAUTIONS", (1.0,))
    start, labels = cloud(100)
    folds = np.arange(100) % 4
    other = labels.copy()
    other[folds == 2] ^= True
    one, two = (hold_out(start, given, folds).log_odds for given in (labels, other))
    assert np.array_equal(one[folds == 2], two[folds == 2])
    assert not np.allclose(one[folds != 2], two[folds != 2])


def test_the_caution_that_decides_a_fold_is_not_chosen_on_it(monkeypatch):
    # caution 9 is right wherever it is looked at but on fold 0, where caution 1 is
    start, labels = cloud(40)
    folds = np.arange(40) % 4
    sure, wrong = np.where(labels, 5.0, -5.0), np.where(labels, -5.0, 5.0)
    inside = (folds == 0)[:, None]
    tried = {1.0: np.where(inside, sure, wrong), 9.0: np.where(inside, wrong, sure)}
    monkeypatch.setattr("classifier.corrections.CAUTIONS", (1.0, 9.0))
    monkeypatch.setattr("classifier.corrections._tried", lambda *given: tried[given[-1]])
    held = hold_out(start, labels, folds)
    assert held.cautions.tolist() == [9.0]
    assert np.array_equal(held.log_odds, tried[9.0])


def test_a_code_that_the_model_does_not_know_starts_from_how_often_it_occurs():
    X = csr_matrix((50, 3))
    labels = np.zeros((50, 1), dtype=bool)
    labels[:10] = True
    found = fit_corrections(Start(X, np.zeros((50, 1)), np.array([False])), labels, np.array([1.0]))
    assert 1 / (1 + np.exp(-found.intercept[0])) == pytest.approx(0.2, abs=0.02)


# --- folded into a model ---


def test_a_model_lined_up_with_its_own_codebook_says_what_it_said(tiny_model, tiny_corpus):
    base = line_up(tiny_model, tiny_corpus.codebook)
    start = base.start(tiny_corpus.texts)
    assert np.array_equal(base.decide(start.log_odds, base.known), tiny_model.predict(tiny_corpus.texts))
    p = tiny_model.predict_proba(tiny_corpus.texts)[:, base.known]
    assert np.allclose(1 / (1 + np.exp(-start.log_odds[:, base.known])), p, atol=1e-4)
    assert base.known.tolist() == [True, True, True, False]


def test_folded_into_the_weights_corrections_say_the_same(tiny_model, tiny_corpus):
    base = line_up(tiny_model, tiny_corpus.codebook)
    start = base.start(tiny_corpus.texts)
    found = fit_corrections(start, tiny_corpus.labels[::-1], np.where(base.known, 0.3, np.inf))
    model = base.corrected(found, base.known)
    wanted = 1 / (1 + np.exp(-found.corrected(start)[:, base.known]))
    assert np.allclose(model.predict_proba(tiny_corpus.texts)[:, base.known], wanted, atol=0.02)  # 8 bits
    assert not np.allclose(wanted, tiny_model.predict_proba(tiny_corpus.texts)[:, base.known], atol=0.1)
    assert model.untrained_ == ("well",)


def test_codes_and_cues_are_lined_up_by_name(tiny_model, tiny_corpus, tiny_lexicon):
    text = 'name: d\nversion: "2"\ncodes:\n  - {code: new, name: 新}\n  - {code: road, name: 路}\n'
    book = codebook_from_text(text, "d.yaml")
    words = Lexicon("d", "1", {"公路": ("road",), "新村": ("new",)}, {})
    base = line_up(tiny_model, book, words)
    names = list(base.features.get_feature_names_out())
    old = list(tiny_model.features_.get_feature_names_out())
    assert base.known.tolist() == [False, True]
    assert base.coef[1, names.index("lexicon:road")] == tiny_model.coef_[2, old.index("lexicon:road")] != 0
    assert base.coef[1, names.index("lexicon:new")] == 0
    assert not base.coef[0].any()
    assert base.coef[1, names.index("公路")] == tiny_model.coef_[2, old.index("公路")]


def test_what_a_setting_adds_is_lined_up_and_corrected_too(setting_model, tiny_model, tiny_corpus):
    base = line_up(setting_model, tiny_corpus.codebook)
    assert base.features.setting_weight == setting_model.setting_weight
    assert np.array_equal(base.coef[base.known], setting_model.coef_)
    start = base.start(tiny_corpus.texts)
    found = fit_corrections(start, tiny_corpus.labels[::-1], np.where(base.known, 0.3, np.inf))
    model = base.corrected(found, base.known)
    wanted = 1 / (1 + np.exp(-found.corrected(start)[:, base.known]))
    assert np.allclose(model.predict_proba(tiny_corpus.texts)[:, base.known], wanted, atol=0.02)  # 8 bits
    columns = list(base.features.get_feature_names_out())
    assert found.weights[columns.index("setting:clinic")].any()
    # a lexicon with a setting in place of one without: its columns begin with nothing
    newer = line_up(tiny_model, tiny_corpus.codebook, setting_model.lexicon)
    names = list(newer.features.get_feature_names_out())
    assert not newer.coef[:, [name.startswith("setting:") for name in names]].any()
    assert newer.coef[0, names.index("lexicon:clinic")] != 0


def test_a_model_that_knows_none_of_the_codes_is_refused(tiny_model):
    book = codebook_from_text('name: d\nversion: "1"\ncodes:\n  - {code: x, name: 无}\n', "d.yaml")
    with pytest.raises(ModelError, match="knows no code of codebook 'd' 1") as caught:
        line_up(tiny_model, book)
    assert "--corpus" in caught.value.hint


def test_a_lexicon_with_codes_that_are_no_more_is_refused(tiny_model):
    book = codebook_from_text('name: d\nversion: "2"\ncodes:\n  - {code: road, name: 路}\n', "d.yaml")
    with pytest.raises(LexiconError, match="speaks of 'clinic', which codebook 'd' 2 does not have"):
        line_up(tiny_model, book)
