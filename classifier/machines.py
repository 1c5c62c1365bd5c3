"""One linear machine a code: fitting, scoring articles held out, and choosing the strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack
from sklearn.svm import LinearSVC

from classifier.decisions import cross_fitted
from classifier.features import Counts, TextFeatures
from classifier.folds import grouped_folds
from classifier.prior import Prior

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]
Weights = NDArray[np.float32]

PRIOR_WEIGHT = 0.3  # of the prior's score as a feature, whose own weight is learned
STRENGTHS = (0.5, 1.0, 2.0, 4.0, 8.0)  # of which cross-validation chooses C
CHOICE_SEGMENTS = 8000  # on which it chooses, in whole articles, where there are more
CHOICE_FOLDS = 3


@dataclass(frozen=True)
class Task:
    """What is to be learned: texts counted once, and their labels.

    ``labels`` is bool of shape (n_segments, n_codes), its columns are ``codes``;
    ``options`` are the parameters of `TextFeatures`.
    """

    counts: Counts
    labels: Labels
    codes: tuple[str, ...]
    prior: Prior | None
    options: dict[str, Any]
    exclusive: bool = False

    def rows(self, chosen: NDArray[Any]) -> Task:
        """Return the task on some of the segments."""
        return replace(self, counts=self.counts.rows(chosen), labels=self.labels[chosen])


@dataclass(frozen=True)
class Machines:
    """Fitted features and, for each code, a row of ``coef`` (float32) and an ``intercept``."""

    features: TextFeatures
    coef: Weights
    intercept: Weights

    def scores(self, counts: Counts) -> Scores:
        """Return scores of counted texts, shape (n_texts, n_codes)."""
        return np.asarray(self.features.transform_counts(counts) @ self.coef.T + self.intercept)


def fit(task: Task, C: float) -> Machines:
    """Fit features and one support vector machine a code (squared hinge loss) to a task.

    The prior's score for the code is a feature while fitting, and part of the weights after it.
    """
    features = TextFeatures(**task.options).fit_counts(task.counts)
    X = features.transform_counts(task.counts)
    prior = np.zeros((len(task.codes), X.shape[1]), dtype=np.float32)
    if task.prior is not None:
        prior = task.prior.aligned(task.codes, features.get_feature_names_out())
    outside = PRIOR_WEIGHT * (X @ prior.T)
    rows = _with_room(X)
    fitted = [_fit_code(rows, outside[:, j], task.labels[:, j], C) for j in range(len(task.codes))]
    coef = np.vstack([weights for weights, _ in fitted])
    coef = coef[:, :-1] + coef[:, -1:] * PRIOR_WEIGHT * prior
    return Machines(features, coef.astype(np.float32), np.array([b for _, b in fitted], dtype=np.float32))


def _with_room(X: csr_matrix) -> csr_matrix:
    """Return features as the fitting wants them: float64, in order, each row with a last entry to fill."""
    room = csr_matrix(np.ones((X.shape[0], 1)))
    rows = csr_matrix(hstack([X, room], format="csr", dtype=np.float64))
    rows.sort_indices()
    return rows


def _fit_code(
    rows: csr_matrix, last: NDArray[np.floating[Any]], positive: Labels, C: float
) -> tuple[Scores, float]:
    """Fit one machine to features of which ``last`` is the last."""
    if positive.all() or not positive.any():  # the fold left out holds all there is of the other kind
        return np.zeros(rows.shape[1]), 1.0 if positive.all() else -1.0
    rows.data[rows.indptr[1:] - 1] = last
    machine = LinearSVC(C=C, random_state=0).fit(rows, positive)
    return machine.coef_[0], float(machine.intercept_[0])


def fit_with_folds(task: Task, folds: NDArray[np.intp], C: float, n_jobs: int = 1) -> tuple[Machines, Scores]:
    """Return machines fitted to all segments, and what `out_of_fold` does, in processes side by side."""
    numbers = np.unique(folds)
    held_out = [delayed(_held_out)(task, folds == fold, C) for fold in numbers]
    machines, *parts = Parallel(n_jobs=n_jobs)([delayed(fit)(task, C), *held_out])
    return machines, _in_place(parts, folds)


def out_of_fold(task: Task, folds: NDArray[np.intp], C: float, n_jobs: int = 1) -> Scores:
    """Return scores for each segment by machines fitted without its fold."""
    held_out = (delayed(_held_out)(task, folds == fold, C) for fold in np.unique(folds))
    return _in_place(Parallel(n_jobs=n_jobs)(held_out), folds)


def _in_place(parts: Sequence[Scores], folds: NDArray[np.intp]) -> Scores:
    """Return the scores of each fold's segments in the order of all segments."""
    scores = np.zeros((len(folds), parts[0].shape[1]))
    for fold, part in zip(np.unique(folds), parts, strict=True):
        scores[folds == fold] = part
    return scores


def _held_out(task: Task, inside: Labels, C: float) -> Scores:
    return fit(task.rows(~inside), C).scores(task.counts.rows(inside))


def choose_strength(task: Task, groups: Sequence[str], n_jobs: int = 1) -> float:
    """Return the smallest C whose micro-F1 on articles held out is within a standard error of the best.

    Decisions are made as `cross_fitted` makes them; where codes exclude each other micro-F1 is
    accuracy. The rule is the one of Breiman, Friedman, Olshen & Stone, "Classification and
    Regression Trees", 1984, section 3.4.3 (also Hastie, Tibshirani & Friedman, "The Elements of
    Statistical Learning", 2nd ed. 2009, section 7.10): of what cannot be told apart the simplest
    is taken. Weaker machines also carry over better to text of another kind.
    """
    chosen = _whole_articles(groups, CHOICE_SEGMENTS)
    names = np.asarray(groups, dtype=str)[chosen]
    part = task.rows(chosen)
    n_folds = min(CHOICE_FOLDS, len(np.unique(names)))
    if n_folds < 2 or not part.labels.any(axis=0).all():
        return 1.0
    folds = grouped_folds(part.labels, list(names), n_folds)
    each = (delayed(_score)(part, folds, names, C) for C in STRENGTHS)
    scores = dict(zip(STRENGTHS, Parallel(n_jobs=n_jobs)(each), strict=True))
    best, error = max(scores.values(), key=itemgetter(0))
    return min(C for C, (score, _) in scores.items() if score >= best - error)


def _score(task: Task, folds: NDArray[np.intp], groups: NDArray[np.str_], C: float) -> tuple[float, float]:
    """Return micro-F1 out of fold with its standard error."""
    _, given = cross_fitted(out_of_fold(task, folds, C), task.labels, folds, exclusive=task.exclusive)
    return f1_with_error(given, task.labels, groups)


def f1_with_error(given: Labels, labels: Labels, groups: NDArray[np.str_]) -> tuple[float, float]:
    """Return micro-F1 and its standard error between articles.

    F1 is a ratio of sums over articles, and the error is that of a ratio estimator in a sample of
    clusters (Cochran, "Sampling Techniques", 3rd ed. 1977, section 6.3).

    >>> labels = np.array([[True], [True], [True], [True]])
    >>> given = np.array([[True], [True], [True], [False]])
    >>> score, error = f1_with_error(given, labels, np.array(["甲文", "甲文", "乙文", "乙文"]))
    >>> round(score, 3), round(error, 3)
    (0.857, 0.163)
    """
    _, article = np.unique(groups, return_inverse=True)
    right = np.bincount(article, 2.0 * (given & labels).sum(axis=1))
    total = np.bincount(article, given.sum(axis=1) + labels.sum(axis=1))
    score = float(right.sum() / max(1, total.sum()))
    apart = float(((right - score * total) ** 2).sum()) * len(right) / max(1, len(right) - 1)
    return score, float(apart**0.5 / max(1, total.sum()))


def _whole_articles(groups: Sequence[str], limit: int) -> NDArray[np.bool_]:
    """Return which segments stand in articles drawn, with a fixed seed, until ``limit`` is reached."""
    names, article, sizes = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    order = np.random.default_rng(0).permutation(len(names))
    before = np.concatenate([[0], np.cumsum(sizes[order])[:-1]])
    drawn = np.zeros(len(names), dtype=bool)
    drawn[order[before < limit]] = True
    return drawn[article]
