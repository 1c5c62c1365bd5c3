"""The classifiers keep scikit-learn's contract, written out by hand, and ours on top of it."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, cross_val_predict

import classifier.model
from classifier.codebook import codebook_from_text
from classifier.errors import CorpusError, FupinError
from classifier.model import LexiconClassifier, PolicyClassifier

QUICK = {"C": 1.0, "ngram_range": (1, 2), "min_df": 2, "lexicon_weight": 0.5, "n_folds": 2}


def fitted_parts(model):
    """Return all that a fitted model decides with, and what it says of itself."""
    return [
        model.coef_,
        model.intercept_,
        model.features_.idf_,
        model.decisions_.slope,
        model.decisions_.offset,
        model.decisions_.threshold,
        *model.out_of_fold_,
    ]


def assert_same_bits(one, other):
    for a, b in zip(fitted_parts(one), fitted_parts(other), strict=True):
        assert np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    assert one.features_.terms_ == other.features_.terms_


# --- the estimator's contract ---


def test_making_a_model_stores_its_parameters_and_does_nothing_else(tiny_codebook, tiny_lexicon):
    model = PolicyClassifier(tiny_codebook, tiny_lexicon, C=0.5)
    assert vars(model) == model.get_params(deep=False)


def test_parameters_can_be_read_and_set(tiny_codebook, tiny_lexicon):
    model = PolicyClassifier(tiny_codebook)
    wanted = {
        "codebook": tiny_codebook,
        "lexicon": tiny_lexicon,
        "prior": None,
        "C": 2.0,
        "ngram_range": (2, 3),
        "min_df": 3,
        "lexicon_weight": 0.1,
        "setting_weight": 0.2,
        "n_folds": 3,
        "min_positives": 4,
        "n_jobs": 2,
    }
    assert model.set_params(**wanted) is model
    assert model.get_params(deep=False) == wanted
    with pytest.raises(ValueError, match="Invalid parameter 'colour'"):
        model.set_params(colour=1)


def test_a_clone_has_the_parameters_and_nothing_learned(tiny_model):
    copied = clone(tiny_model)
    assert copied is not tiny_model
    assert copied.get_params(deep=False) == tiny_model.get_params(deep=False)
    assert set(vars(copied)) == set(tiny_model.get_params(deep=False))


def test_a_clone_learns_the_same(tiny_model, tiny_corpus):
    again = clone(tiny_model).fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)
    assert_same_bits(again, tiny_model)


def test_fit_returns_the_model_and_mutates_nothing_it_was_given(tiny_corpus, tiny_lexicon):
    texts, groups = list(tiny_corpus.texts), list(tiny_corpus.groups)
    labels = tiny_corpus.labels.astype(int)
    model = PolicyClassifier(tiny_corpus.codebook, tiny_lexicon, **QUICK)
    given = [texts, groups, labels, model.get_params(deep=False)]
    before = copy.deepcopy(given)
    assert model.fit(texts, labels, groups) is model
    assert (texts, groups) == (before[0], before[1])
    assert np.array_equal(labels, before[2])
    assert model.get_params(deep=False) == before[3]


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_a_model_that_is_not_fitted_says_so(tiny_codebook, method):
    with pytest.raises(NotFittedError, match="not fitted yet; call fit or load_model"):
        getattr(PolicyClassifier(tiny_codebook), method)(["修路"])


def test_two_fits_are_equal_bit_for_bit_whatever_was_learned_before(tiny_corpus, tiny_lexicon):
    one = PolicyClassifier(tiny_corpus.codebook, tiny_lexicon, **QUICK)
    other = PolicyClassifier(tiny_corpus.codebook, tiny_lexicon, **QUICK)
    one.fit(tiny_corpus.texts[:60], tiny_corpus.labels[:60], tiny_corpus.groups[:60])
    for model in (one, other):
        model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups)
    assert_same_bits(one, other)


def test_the_number_of_processes_does_not_matter(tiny_corpus, tiny_lexicon):
    models = [
        PolicyClassifier(tiny_corpus.codebook, tiny_lexicon, **QUICK, n_jobs=n_jobs).fit(
            tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups
        )
        for n_jobs in (1, 2)
    ]
    assert_same_bits(*models)


def test_a_row_alone_equals_its_row_in_a_batch(tiny_model, tiny_corpus):
    texts = tiny_corpus.texts[:12]
    together = tiny_model.predict_proba(texts)
    alone = np.vstack([tiny_model.predict_proba([text]) for text in texts])
    assert np.array_equal(alone, together, equal_nan=True)


def test_permuting_the_texts_permutes_the_rows(tiny_model, tiny_corpus):
    order = np.random.default_rng(3).permutation(len(tiny_corpus.texts))
    permuted = tiny_model.predict_proba([tiny_corpus.texts[i] for i in order])
    assert np.array_equal(permuted, tiny_model.predict_proba(tiny_corpus.texts)[order], equal_nan=True)


def test_cross_val_predict_of_scikit_learn_works(tiny_corpus):
    model = PolicyClassifier(tiny_corpus.codebook, **QUICK, min_positives=5)
    decided = cross_val_predict(model, tiny_corpus.texts, tiny_corpus.labels, cv=KFold(2))
    assert decided.shape == tiny_corpus.labels.shape
    assert (decided == tiny_corpus.labels)[:, :3].mean() > 0.9


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_a_single_str_is_refused_when_asked(tiny_model, method):
    with pytest.raises(FupinError, match="one str was given") as caught:
        getattr(tiny_model, method)("签约医生上门。")
    assert caught.value.hint


def test_a_single_str_is_refused_when_taught(tiny_corpus):
    with pytest.raises(FupinError, match="one str was given") as caught:
        PolicyClassifier(tiny_corpus.codebook).fit("修路", np.ones((2, 4)))
    assert caught.value.hint


def test_no_texts_get_no_rows(tiny_model):
    assert tiny_model.predict([]).shape == (0, 4)
    assert tiny_model.predict([]).dtype == bool
    assert tiny_model.predict_proba([]).shape == (0, 4)


def test_texts_may_come_as_an_array(tiny_model, tiny_corpus):
    texts = tiny_corpus.texts[:5]
    assert np.array_equal(tiny_model.predict(np.array(texts, dtype=object)), tiny_model.predict(texts))


# --- what it learns and gives ---


def test_the_little_corpus_is_learned(tiny_model, tiny_corpus):
    assert np.array_equal(tiny_model.predict(tiny_corpus.texts)[:, :3], tiny_corpus.labels[:, :3])


def test_columns_are_the_codebooks_codes_in_its_order(tiny_model, tiny_codebook):
    assert tiny_model.codes_ == tiny_codebook.columns == ("clinic", "school", "road", "well")
    given = tiny_model.predict(["交通局修通了最后三公里硬化路。"])[0]
    assert dict(zip(tiny_model.codes_, given.tolist(), strict=True)) == {
        "clinic": False,
        "school": False,
        "road": True,
        "well": False,
    }


def test_no_code_is_a_legal_answer(tiny_model):
    assert tiny_model.predict(["大家好。", ""]).sum() == 0


def test_probabilities_lie_between_zero_and_one_and_decide_gives_predict(tiny_model, tiny_corpus):
    probabilities = tiny_model.predict_proba(tiny_corpus.texts)
    known = probabilities[:, :3]
    assert ((known >= 0) & (known <= 1)).all()
    assert np.array_equal(tiny_model.decide(probabilities), tiny_model.predict(tiny_corpus.texts))
    assert np.array_equal(
        known >= tiny_model.decisions_.threshold, tiny_model.predict(tiny_corpus.texts)[:, :3]
    )


def test_weights_are_rounded_once_so_that_what_is_stored_is_what_predicts(tiny_model):
    assert np.array_equal(tiny_model.coef_, tiny_model.coef_.astype(np.float16).astype(np.float32))


def test_a_code_with_fewer_positives_than_asked_for_is_listed_unknown_and_never_given(
    tiny_model, tiny_corpus
):
    assert tiny_corpus.support["well"] == 3
    assert tiny_model.untrained_ == ("well",)
    probabilities = tiny_model.predict_proba(tiny_corpus.texts)
    assert np.isnan(probabilities[:, 3]).all()
    assert not np.isnan(probabilities[:, :3]).any()
    assert not tiny_model.predict(tiny_corpus.texts)[:, 3].any()
    out_of_fold, decided = tiny_model.out_of_fold_
    assert np.isnan(out_of_fold[:, 3]).all()
    assert not decided[:, 3].any()
    assert tiny_model.decision_function(tiny_corpus.texts).shape == (120, 3)


@pytest.mark.parametrize(
    ("min_positives", "untrained"), [(3, ()), (4, ("well",)), (31, ("clinic", "road", "well"))]
)
def test_a_code_with_exactly_min_positives_is_trained(tiny_corpus, min_positives, untrained):
    model = PolicyClassifier(tiny_corpus.codebook, **QUICK, min_positives=min_positives)
    assert model.fit(tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups).untrained_ == untrained


def test_a_code_that_every_segment_has_is_untrained(tiny_corpus):
    labels = tiny_corpus.labels.copy()
    labels[:, 3] = True
    model = PolicyClassifier(tiny_corpus.codebook, **QUICK).fit(tiny_corpus.texts, labels, tiny_corpus.groups)
    assert model.untrained_ == ("well",)


def test_a_code_that_stands_in_one_article_only_is_untrained(tiny_corpus):
    # Held out with its article, nothing of it is left to learn from.
    labels = tiny_corpus.labels.copy()
    labels[:, 3] = np.array(tiny_corpus.groups) == tiny_corpus.groups[0]
    model = PolicyClassifier(tiny_corpus.codebook, **QUICK, min_positives=6)
    assert model.fit(tiny_corpus.texts, labels, tiny_corpus.groups).untrained_ == ("well",)
    labels[6, 3] = True  # now in a second article too
    assert model.fit(tiny_corpus.texts, labels, tiny_corpus.groups).untrained_ == ()


def test_a_fold_that_holds_all_positives_of_a_code_does_not_stop_the_training(tiny_corpus, monkeypatch):
    first_two = np.isin(tiny_corpus.groups, tiny_corpus.groups[:12:6])
    monkeypatch.setattr(classifier.model, "grouped_folds", lambda *_: np.where(first_two, 0, 1))
    labels = tiny_corpus.labels.copy()
    labels[:, 3] = first_two
    model = PolicyClassifier(tiny_corpus.codebook, **QUICK).fit(tiny_corpus.texts, labels, tiny_corpus.groups)
    assert not model.untrained_
    assert np.isfinite(model.out_of_fold_[0]).all()


def test_out_of_fold_scores_of_an_article_do_not_know_its_labels(tiny_corpus, monkeypatch):
    # Calibration is monotone, so the order of probabilities within a fold is that of the raw scores.
    fold = np.array([i // 6 % 2 for i in range(120)])
    monkeypatch.setattr(classifier.model, "grouped_folds", lambda *_: fold)
    turned = tiny_corpus.labels.copy()
    turned[fold == 0] = ~turned[fold == 0]
    orders = []
    for labels in (tiny_corpus.labels, turned):
        model = PolicyClassifier(tiny_corpus.codebook, **QUICK)
        probabilities = model.fit(tiny_corpus.texts, labels, tiny_corpus.groups).out_of_fold_[0]
        orders.append(np.argsort(probabilities[fold == 0, :3], axis=0, kind="stable"))
    assert np.array_equal(*orders)


def test_groups_keep_articles_whole(tiny_corpus, monkeypatch):
    seen = []
    cut = classifier.model.grouped_folds
    monkeypatch.setattr(
        classifier.model,
        "grouped_folds",
        lambda labels, groups, n: seen.append((list(groups), n)) or cut(labels, groups, n),
    )
    PolicyClassifier(tiny_corpus.codebook, **QUICK).fit(
        tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups
    )
    assert seen == [(tiny_corpus.groups, 2)]


def test_without_groups_each_text_is_its_own_article(tiny_corpus):
    model = PolicyClassifier(tiny_corpus.codebook, **QUICK).fit(tiny_corpus.texts, tiny_corpus.labels)
    assert model.out_of_fold_[1].shape == (120, 4)


EXCLUSIVE = """\
name: news
version: "1"
exclusive: true
codes:
  - {code: sport, name: 体育}
  - {code: stock, name: 股票}
  - {code: stage, name: 戏剧}
"""
NEWS = {
    "sport": ("球队赢下比赛", "门将扑出点球"),
    "stock": ("股价收盘上涨", "基金买入股票"),
    "stage": ("剧团排演新戏", "名角登台献唱"),
}


def test_an_exclusive_codebook_gives_each_text_exactly_one_code_the_most_probable():
    texts = [NEWS[code][i // 3 % 2] + "今日" * (i % 4) for i, code in enumerate(list(NEWS) * 12)]
    labels = np.eye(3, dtype=bool)[np.arange(36) % 3]
    model = PolicyClassifier(codebook_from_text(EXCLUSIVE, "news.yaml"), **QUICK).fit(texts, labels)
    assert np.array_equal(model.predict(texts), labels)
    unclear = ["", "天气预报", "门将买入股票", "球队赢下比赛股价收盘上涨剧团排演新戏"]
    probabilities = model.predict_proba(unclear)
    reached = (probabilities >= model.decisions_.threshold).sum(axis=1)
    assert (reached != 1).any()  # by thresholds alone, some of these would get none or two
    assert model.predict(unclear).sum(axis=1).tolist() == [1] * 4
    assert model.predict(unclear).argmax(axis=1).tolist() == probabilities.argmax(axis=1).tolist()
    assert model.out_of_fold_[1].sum(axis=1).tolist() == [1] * 36


# --- mistakes are told ---


def test_labels_of_another_length_are_an_error(tiny_corpus):
    with pytest.raises(CorpusError, match=r"labels of shape \(119, 4\) for 120 texts") as caught:
        PolicyClassifier(tiny_corpus.codebook).fit(tiny_corpus.texts, tiny_corpus.labels[1:])
    assert caught.value.hint


def test_labels_in_one_dimension_are_an_error(tiny_corpus):
    with pytest.raises(CorpusError, match=r"labels of shape \(120,\) for 120 texts") as caught:
        PolicyClassifier(tiny_corpus.codebook).fit(tiny_corpus.texts, tiny_corpus.labels[:, 0])
    assert caught.value.hint


def test_labels_with_another_number_of_columns_are_an_error(tiny_corpus):
    with pytest.raises(CorpusError, match="3 label columns for 4 codes") as caught:
        PolicyClassifier(tiny_corpus.codebook).fit(tiny_corpus.texts, tiny_corpus.labels[:, :3])
    assert caught.value.hint


def test_groups_of_another_length_are_an_error(tiny_corpus):
    with pytest.raises(CorpusError, match="119 groups for 120 texts") as caught:
        PolicyClassifier(tiny_corpus.codebook).fit(
            tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups[1:]
        )
    assert caught.value.hint


def test_a_corpus_with_too_few_positives_of_every_code_is_an_error(tiny_corpus):
    with pytest.raises(CorpusError, match="no code has 50 positive segments") as caught:
        PolicyClassifier(tiny_corpus.codebook, min_positives=50).fit(tiny_corpus.texts, tiny_corpus.labels)
    assert "min_positives" in caught.value.hint


def test_fewer_articles_than_folds_are_an_error(tiny_corpus):
    with pytest.raises(CorpusError, match="20 articles cannot be cut into 21 folds") as caught:
        PolicyClassifier(tiny_corpus.codebook, n_folds=21).fit(
            tiny_corpus.texts, tiny_corpus.labels, tiny_corpus.groups
        )
    assert caught.value.hint


# --- the lexicon as a classifier ---


def test_the_lexicon_classifier_has_the_models_interface(tiny_codebook, tiny_lexicon):
    baseline = LexiconClassifier(tiny_codebook, tiny_lexicon)
    assert baseline.fit() is baseline
    assert baseline.codes_ == tiny_codebook.columns
    texts = ["医生到小学坐诊。", "医生的儿子来了。", ""]
    probabilities = baseline.predict_proba(texts)
    assert probabilities.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert np.array_equal(baseline.predict(texts), probabilities.astype(bool))
    assert np.array_equal(baseline.decide(probabilities), probabilities.astype(bool))
    assert baseline.predict([]).shape == (0, 4)
    assert clone(baseline).get_params(deep=False) == baseline.get_params(deep=False)


def test_the_lexicon_classifier_refuses_a_single_str(tiny_codebook, tiny_lexicon):
    with pytest.raises(FupinError, match="one str was given") as caught:
        LexiconClassifier(tiny_codebook, tiny_lexicon).fit().predict("医生")
    assert caught.value.hint
