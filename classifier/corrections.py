"""What reviewed labels correct in a model: a small change of its log-odds, learned on top of it.

A model that was trained on much text is not thrown away for a few hundred labels. What it says,
as log-odds, is taken as given, and a logistic model learns what must be added to it, the nearer
to nothing the fewer labels ask for it: the weights have a normal prior around those of the model
(maximum a posteriori adaptation; Chelba & Acero, "Adaptation of maximum entropy capitalizer: little
data can help a lot", EMNLP 2004, with a stretch of the log-odds learned beside it). The text that the
model was trained on is not needed, and its thresholds stay, as its probabilities are corrected too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack
from threadpoolctl import threadpool_limits

from classifier.codebook import Codebook
from classifier.decisions import Decisions, logistic
from classifier.errors import LexiconError, ModelError
from classifier.features import TextFeatures
from classifier.lexicon import Lexicon
from classifier.model import PolicyClassifier
from classifier.scoring import rounded

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]

# Chosen by simulation: docs/retraining.md. A caution of infinity corrects nothing.
CAUTIONS = (0.3, 1.0, 3.0, 10.0, np.inf)
NEW_CAUTIONS = (0.03, 0.1, 0.3, 1.0)  # for codes that the model does not know: there is nothing to keep
CONSTANT = 0.3  # of the intercept and of the stretch as features, beside rows of length 1
_STEPS = 200


@dataclass(frozen=True)
class Start:
    """Segments as a model sees them: ``X`` (n, n_features), ``log_odds`` (n, n_codes), ``known`` (n_codes,).

    Where a code is not known to the model its log-odds are 0.
    """

    X: csr_matrix
    log_odds: Array
    known: Labels

    def rows(self, chosen: NDArray[np.bool_]) -> Start:
        """Return some of the segments."""
        return Start(self.X[chosen], self.log_odds[chosen], self.known)


@dataclass(frozen=True)
class Corrections:
    """What is added to log-odds: ``X @ weights + intercept + stretch * log_odds``.

    ``weights`` (n_features, n_codes); ``intercept``, ``stretch`` (n_codes,).
    """

    weights: Array
    intercept: Array
    stretch: Array

    def corrected(self, start: Start) -> Array:
        """Return corrected log-odds, shape (n, n_codes)."""
        return np.asarray(start.log_odds * (1 + self.stretch) + start.X @ self.weights + self.intercept)

    @property
    def none(self) -> bool:
        """Whether nothing is corrected."""
        return not (self.weights.any() or self.intercept.any() or self.stretch.any())


def fit_corrections(start: Start, labels: Labels, cautions: Array) -> Corrections:
    """Learn what must be added to the log-odds of a model.

    For each code, the sum of the logistic loss over the segments plus caution / 2 times the squared
    length of what is added is made as small as can be (L-BFGS; the problem is convex).

    Parameters
    ----------
    start : Start
    labels : ndarray of bool, shape (n, n_codes)
    cautions : ndarray of float, shape (n_codes,)
        0 < caution ≤ ∞ for each code.
    """
    used = np.flatnonzero(start.X.getnnz(axis=0))
    constant = np.full((len(labels), 1), CONSTANT)
    A = csr_matrix(hstack([csr_matrix(start.X[:, used]), csr_matrix(constant)], dtype=np.float64))
    weights = np.zeros((start.X.shape[1], labels.shape[1]))
    intercept, stretch = np.zeros(labels.shape[1]), np.zeros(labels.shape[1])
    with threadpool_limits(1):  # vectors as short as these make more threads wait for each other
        for j, caution in enumerate(cautions):
            if np.isfinite(caution):
                known = bool(start.known[j])
                added = _fit_code(A, start.log_odds[:, j], labels[:, j], float(caution), known)
                weights[used, j] = added[:-2]
                intercept[j], stretch[j] = added[-2] * CONSTANT, added[-1] * CONSTANT
    return Corrections(weights, intercept, stretch)


def _fit_code(A: csr_matrix, log_odds: Array, positive: Labels, caution: float, known: bool) -> Array:
    """Return the weights of the columns of ``A``, and that of the log-odds, for one code.

    A code that the model does not know starts from how often it occurs, which is no correction.
    """
    back, sign = csr_matrix(A.T), np.where(positive, 1.0, -1.0)
    again = CONSTANT * log_odds
    rate = np.log((positive.sum() + 0.5) / ((~positive).sum() + 0.5))
    begin = log_odds if known else np.full(len(log_odds), rate)

    def loss(added: Array) -> tuple[float, Array]:
        margin = sign * (begin + A @ added[:-1] + again * added[-1])
        pull = -sign * logistic(-margin)
        slope = np.append(back @ pull, again @ pull) + caution * added
        return float(np.logaddexp(0, -margin).sum() + caution / 2 * (added @ added)), slope

    begun = np.zeros(A.shape[1] + 1)
    found = minimize(loss, begun, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS, "ftol": 1e-10}).x
    if not known:
        found[-2] += rate / CONSTANT
    return np.asarray(found)


@dataclass(frozen=True)
class HeldOut:
    """Corrections tried on documents held out, for each caution, and the caution that did best.

    ``log_odds`` (n, n_codes): of each segment by corrections that did not see its document, with the
    caution that did best on the others; ``cautions`` (n_codes,): that which does best on all.
    """

    log_odds: Array
    cautions: Array


def hold_out(start: Start, labels: Labels, folds: NDArray[np.intp]) -> HeldOut:
    """Correct each fold by what the others teach, and choose how cautious to be.

    The caution of lowest logistic loss on documents held out is chosen, one for all codes that the
    model knows and one for those that are new to it. The one that decides a fold is chosen on the
    other folds, as thresholds are in `cross_fitted`; what corrects it was learned from them alone.
    """
    log_odds, chosen = start.log_odds.copy(), np.full(labels.shape[1], np.inf)
    for codes, grid in ((start.known, CAUTIONS), (~start.known, NEW_CAUTIONS)):
        if codes.any():
            part = Start(start.X, start.log_odds[:, codes], start.known[codes])
            tried = np.stack([_tried(part, labels[:, codes], folds, c) for c in grid])
            losses = np.logaddexp(0, np.where(labels[:, codes], -tried, tried)).sum(axis=2)
            for fold in np.unique(folds):
                best = int(losses[:, folds != fold].sum(axis=1).argmin())
                log_odds[np.ix_(folds == fold, codes)] = tried[best][folds == fold]
            chosen[codes] = grid[int(losses.sum(axis=1).argmin())]
    return HeldOut(log_odds, chosen)


def _tried(start: Start, labels: Labels, folds: NDArray[np.intp], caution: float) -> Array:
    """Return log-odds of each fold, corrected by the others with one caution."""
    out = start.log_odds.copy()
    cautions = np.full(labels.shape[1], caution)
    for fold in np.unique(folds) if np.isfinite(caution) else ():
        inside = folds == fold
        learned = fit_corrections(start.rows(~inside), labels[~inside], cautions)
        out[inside] = learned.corrected(start.rows(inside))
    return out


@dataclass(frozen=True)
class Base:
    """A trained model lined up with a codebook and a lexicon, which may have codes that it does not know.

    ``features``: the model's terms, beside the lexicon's codes. By code, in the codebook's order:
    ``coef`` (n_codes, n_features), ``intercept``, ``slope``, ``offset``, ``threshold`` (n_codes,), and
    ``known``, whether the model was trained on it; what is not known to it has 0, and the usual
    slope and threshold.
    """

    codebook: Codebook
    lexicon: Lexicon | None
    features: TextFeatures
    coef: Array
    intercept: Array
    slope: Array
    offset: Array
    threshold: Array
    known: Labels

    def start(self, texts: Sequence[str]) -> Start:
        """Return texts as the model sees them; log-odds are 0 for codes that are not known to it."""
        X = self.features.transform(texts)
        scores = np.asarray(X @ self.coef.T + self.intercept, dtype=np.float64)
        return Start(X, np.where(self.known, scores * self.slope + self.offset, 0.0), self.known)

    def decide(self, log_odds: Array, trained: Labels) -> Labels:
        """Return the codes that log-odds stand for, shape (n, n_codes); codes not trained are not given."""
        decisions = Decisions(self.slope, self.offset, self.threshold, self.codebook.exclusive)
        return decisions.decide(np.where(trained, logistic(log_odds), np.nan))

    def corrected(self, corrections: Corrections, trained: Labels) -> PolicyClassifier:
        """Return the model with corrections folded into its weights, for the codes that are trained.

        Log-odds are ``slope * score + offset``; slope and offset stay, the score's weights change.
        """
        kept = (1 + corrections.stretch)[:, None] * self.coef + corrections.weights.T / self.slope[:, None]
        shift = corrections.stretch * self.offset + corrections.intercept
        intercept = (1 + corrections.stretch) * self.intercept + shift / self.slope
        slope, offset, threshold = (c[trained] for c in (self.slope, self.offset, self.threshold))
        model = PolicyClassifier(self.codebook, self.lexicon, **self.features.options())
        model.restore(
            self.features,
            rounded(kept[trained].astype(np.float32)),
            intercept[trained].astype(np.float32),
            Decisions(slope, offset, threshold, self.codebook.exclusive),
            [code for code, yes in zip(self.codebook.columns, trained, strict=True) if yes],
        )
        return model


def line_up(model: PolicyClassifier, codebook: Codebook, lexicon: Lexicon | None = None) -> Base:
    """Line a model up with a codebook, and with a lexicon in place of its own.

    Raises `ModelError` where the model knows no code of the codebook, or `LexiconError` where the lexicon has
    codes that the codebook does not have.
    """
    known = np.isin(codebook.columns, [c for c, t in zip(model.codes_, model.trained_, strict=True) if t])
    if not known.any():
        raise ModelError(
            f"the model knows no code of codebook '{codebook.name}' {codebook.version}",
            "train on a corpus of that codebook: --corpus TABLE",
        )
    words = model.lexicon if lexicon is None else lexicon
    strange = set(words.codes if words else ()) - set(codebook.columns)
    if strange:
        raise LexiconError(
            f"the lexicon speaks of '{min(strange)}', which codebook '{codebook.name}' "
            f"{codebook.version} does not have",
            "name one that fits with --lexicon; `fupin codebook migrate --lexicon` makes it",
        )
    fitted = model.features_
    features = TextFeatures.from_terms(fitted.terms_, fitted.idf_, lexicon=words, **fitted.options())
    own = {name: i for i, name in enumerate(fitted.get_feature_names_out())}
    place = np.array([own.get(name, -1) for name in features.get_feature_names_out()])
    coef = np.where(place >= 0, model.coef_[:, place], 0.0).astype(np.float64)
    trained = [code for code, yes in zip(model.codes_, model.trained_, strict=True) if yes]
    rows = np.array([trained.index(code) for code in codebook.columns if code in trained])
    decisions, usual = model.decisions_, np.median

    def spread(values: NDArray[Any], fill: float) -> Array:
        out = np.full((len(known), *values.shape[1:]), fill)
        out[known] = values[rows]
        return out

    return Base(
        codebook,
        words,
        features,
        coef=spread(coef, 0.0),
        intercept=spread(model.intercept_, 0.0),
        slope=spread(decisions.slope, float(usual(decisions.slope))),
        offset=spread(decisions.offset, 0.0),
        threshold=spread(decisions.threshold, float(usual(decisions.threshold))),
        known=np.asarray(known, dtype=bool),
    )
