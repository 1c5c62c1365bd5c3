"""The classifiers: a linear model over TF-IDF, and the lexicon alone behind the same interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError

from classifier.codebook import Codebook
from classifier.decisions import Decisions, cross_fitted, fit_decisions
from classifier.drift import Reference
from classifier.errors import CorpusError
from classifier.features import TextFeatures
from classifier.folds import grouped_folds
from classifier.lexicon import Lexicon
from classifier.machines import Task, choose_strength, fit_with_folds
from classifier.predictor import Labels, Predicts, Scores, refuse_single
from classifier.prior import Prior
from classifier.scoring import Features, Scorer, in_units, rounded

Weights = NDArray[np.float32]

MIN_ARTICLES = 2  # in which a code must stand to be trained


class LexiconClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The baseline: a segment has a code where the lexicon hits it.

    >>> from classifier import load_codebook, load_lexicon
    >>> baseline = LexiconClassifier(load_codebook(), load_lexicon()).fit()
    >>> found = baseline.predict(["签约医生每月上门量血压。"])
    >>> [code for code, given in zip(baseline.codes_, found[0]) if given]
    ['health']
    """

    def __init__(self, codebook: Codebook, lexicon: Lexicon) -> None:
        self.codebook = codebook
        self.lexicon = lexicon

    def fit(self, texts: Any = None, labels: Any = None) -> LexiconClassifier:
        """Learn nothing; there to share the model's interface."""
        self.codes_ = self.codebook.columns
        return self

    def predict_proba(self, texts: Sequence[str]) -> Scores:
        """Return 1.0 where the lexicon hits a code, else 0.0."""
        hit = self.lexicon.hit_codes(refuse_single(texts))
        out = np.zeros((len(texts), len(self.codes_)))
        for i, code in enumerate(self.lexicon.codes):
            if code in self.codes_:
                out[:, self.codes_.index(code)] = hit[:, i]
        return out

    def decide(self, probabilities: Scores) -> Labels:
        """Return where the probability is one."""
        return np.asarray(probabilities > 0.5, dtype=bool)

    def predict(self, texts: Sequence[str]) -> Labels:
        """Return bool of shape (n_texts, n_codes): which codes the lexicon hits."""
        return self.decide(self.predict_proba(texts))


class PolicyClassifier(Predicts, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """TF-IDF with a one-vs-rest linear model, calibrated, with a threshold for each code.

    A support vector machine is fitted for each code (squared hinge loss). Out-of-fold
    scores, with whole articles in one fold, give the calibration and the thresholds.

    Parameters
    ----------
    codebook : Codebook
        Its codes are the label columns; where it is exclusive, each text gets
        exactly one code, the most probable.
    lexicon : Lexicon or None
        Its hits become features.
    prior : Prior or None
        What labelled text from outside taught; its score becomes a feature of each code.
    C : float or None
        Inverse strength of regularisation; None chooses it by cross-validation over
        whole articles, see `choose_strength`.
    ngram_range, min_df, lexicon_weight, setting_weight
        See `TextFeatures`.
    n_folds : int
    min_positives : int
        Codes with fewer positive segments, or with all of them in one article, are not
        trained: they are listed in ``untrained_``, have probability NaN and are never given.
    n_jobs : int
        Processes for fitting; the result does not depend on it.

    Attributes
    ----------
    C_ : float
        The strength used.
    codes_, untrained_ : tuple of str
    decisions_ : Decisions
        Of the trained codes.
    out_of_fold_ : pair of ndarrays, shape (n_segments, n_codes)
        Probabilities and decisions for each training segment by models that have not seen
        its article and thresholds chosen on other articles; see `cross_fitted`.
    reference_ : Reference or None
        What the training text was like; `train` notes it, and a model folder keeps it.
    """

    def __init__(
        self,
        codebook: Codebook,
        lexicon: Lexicon | None = None,
        prior: Prior | None = None,
        *,
        C: float | None = None,
        ngram_range: tuple[int, int] = (1, 3),
        min_df: int = 3,
        lexicon_weight: float = 0.075,
        setting_weight: float = 0.14,
        n_folds: int = 5,
        min_positives: int = 10,
        n_jobs: int = 1,
    ) -> None:
        self.codebook = codebook
        self.lexicon = lexicon
        self.prior = prior
        self.C = C
        self.ngram_range = ngram_range
        self.min_df = min_df
        self.lexicon_weight = lexicon_weight
        self.setting_weight = setting_weight
        self.n_folds = n_folds
        self.min_positives = min_positives
        self.n_jobs = n_jobs

    def fit(self, texts: Sequence[str], labels: Any, groups: Sequence[str] | None = None) -> PolicyClassifier:
        """Fit to labelled segments.

        Parameters
        ----------
        texts : sequence of str, length n_segments
        labels : array of bool, shape (n_segments, n_codes)
        groups : sequence of str, length n_segments, optional
            The article of each segment; by default each segment is its own.

        Raises
        ------
        CorpusError
            Where the lengths differ, a code has too few positives in every column,
            or there are fewer articles than folds.
        """
        labels = self._checked(texts, labels)
        groups = list(groups) if groups is not None else list(map(str, range(len(texts))))
        if len(groups) != len(texts):
            raise CorpusError(f"{len(groups)} groups for {len(texts)} texts", "one article name a text")
        self.codes_ = self.codebook.columns
        self.trained_ = self._trainable(labels, groups)
        self.untrained_ = tuple(c for c, t in zip(self.codes_, self.trained_, strict=True) if not t)
        known = labels[:, self.trained_]
        folds = grouped_folds(known, groups, self.n_folds)
        task = self._task(texts, known)
        self.C_ = self.C if self.C is not None else choose_strength(task, groups, self.n_jobs)
        machines, scores = fit_with_folds(task, folds, self.C_, self.n_jobs)
        self.decisions_ = fit_decisions(scores, known, exclusive=self.codebook.exclusive)
        probabilities, decided = cross_fitted(scores, known, folds, exclusive=self.codebook.exclusive)
        self.out_of_fold_ = self._widen(probabilities, np.nan), self._widen(decided, False)
        self._take(machines.features, rounded(machines.coef), machines.intercept)
        return self

    def _take(self, features: TextFeatures, coef: Weights, intercept: Weights) -> None:
        self.features_, self.coef_, self.intercept_ = features, coef, intercept
        self.reference_ = None  # that of other text
        self._forget_scorer()

    def scored_features(self) -> Features:
        """Return what the weights are for."""
        if not hasattr(self, "coef_"):
            raise NotFittedError("this PolicyClassifier is not fitted yet; call fit or load_model")
        return self.features_.for_scoring()

    def _new_scorer(self) -> Scorer:
        return Scorer(self.scored_features(), in_units(self.coef_.T), self.intercept_)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made again where it is needed."""
        return {k: v for k, v in super().__getstate__().items() if k != "_scorer"}

    def _task(self, texts: Sequence[str], labels: Labels) -> Task:
        options = {name: getattr(self, name) for name in TextFeatures().get_params(deep=False)}
        codes = tuple(c for c, t in zip(self.codes_, self.trained_, strict=True) if t)
        # What is too rare in all segments is too rare in each fold, and would be sent to every process.
        counts = TextFeatures(**options).count(texts).of_terms_in(self.min_df)
        return Task(counts, labels, codes, self.prior, options, self.codebook.exclusive)

    def restore(
        self,
        features: TextFeatures,
        coef: Weights,
        intercept: Weights,
        decisions: Decisions,
        trained: Sequence[str],
        *,
        reference: Reference | None = None,
    ) -> None:
        """Take fitted parts from a model folder; ``coef`` has a row for each code of ``trained``."""
        self.codes_ = self.codebook.columns
        self.trained_ = np.isin(self.codes_, list(trained))
        self.untrained_ = tuple(c for c in self.codes_ if c not in trained)
        self.decisions_ = decisions
        self._take(features, coef, intercept)
        self.reference_ = reference

    def _checked(self, texts: Sequence[str], labels: Any) -> Labels:
        refuse_single(texts)
        array = np.asarray(labels)
        if array.ndim != 2 or len(array) != len(texts):
            raise CorpusError(
                f"labels of shape {array.shape} for {len(texts)} texts", "one row a text, one column a code"
            )
        if array.shape[1] != len(self.codebook.columns):
            raise CorpusError(
                f"{array.shape[1]} label columns for {len(self.codebook.columns)} codes",
                "one column a code, in the codebook's order",
            )
        return array.astype(bool)

    def _trainable(self, labels: Labels, groups: Sequence[str]) -> Labels:
        positives = labels.sum(axis=0)
        # A code that one article alone has cannot be measured on articles held out.
        articles = np.array([len({g for g, yes in zip(groups, y, strict=True) if yes}) for y in labels.T])
        enough = (positives >= self.min_positives) & (articles >= MIN_ARTICLES)
        trained = np.asarray(enough & (positives < len(labels)), dtype=bool)
        if not trained.any():
            raise CorpusError(
                f"no code has {self.min_positives} positive segments in {MIN_ARTICLES} articles",
                "label more text, or lower min_positives",
            )
        return trained
