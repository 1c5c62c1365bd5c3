"""Predicting with a trained model; all that labelling needs, and no more, so that it starts quickly."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from classifier.codebook import Codebook
from classifier.decisions import Decisions
from classifier.drift import Reference
from classifier.errors import FupinError
from classifier.scoring import Features, Scorer, Units

Scores = NDArray[np.float64]
Labels = NDArray[np.bool_]


class Classifier(Protocol):
    """What every classifier of this package offers; columns are ``codes_`` in order."""

    codebook: Codebook
    codes_: tuple[str, ...]

    def predict(self, texts: Sequence[str]) -> Labels:
        """Return bool of shape (n_texts, n_codes)."""

    def predict_proba(self, texts: Sequence[str]) -> Scores:
        """Return float in [0, 1] of shape (n_texts, n_codes)."""

    def decide(self, probabilities: Scores) -> Labels:
        """Return the decisions that belong to probabilities of `predict_proba`."""


class Predicts:
    """Predictions from scores, for classes that have codes, decisions and a scorer.

    ``trained_`` is bool of shape (n_codes,); the scorer has a column for each code that is.
    ``reference_`` is what the training text was like, where that is known.
    """

    codes_: tuple[str, ...]
    trained_: Labels
    decisions_: Decisions
    reference_: Reference | None = None

    def scored_features(self) -> Features:
        """Return what the weights are for: the terms, and the codes of the lexicon's cues."""
        raise NotImplementedError

    def _new_scorer(self) -> Scorer:
        raise NotImplementedError

    @cached_property
    def _scorer(self) -> Scorer:
        return self._new_scorer()

    def _forget_scorer(self) -> None:
        self.__dict__.pop("_scorer", None)

    def _widen(self, columns: NDArray[Any], fill: float | bool) -> NDArray[Any]:
        """Return trained columns among all codes, the untrained ones filled; the same array where all are."""
        if self.trained_.all():
            return columns
        wide = np.full((len(columns), len(self.codes_)), fill, dtype=columns.dtype)
        wide[:, self.trained_] = columns
        return wide

    def _trained(self, columns: NDArray[Any]) -> NDArray[Any]:
        """Return the trained ones among columns of all codes."""
        return columns if self.trained_.all() else columns[:, self.trained_]

    def decision_function(self, texts: Sequence[str]) -> Scores:
        """Return uncalibrated scores of the trained codes, shape (n_texts, n_trained)."""
        return self._scorer.scores(refuse_single(texts)).astype(np.float64)

    def predict_proba(self, texts: Sequence[str]) -> Scores:
        """Return calibrated probabilities, shape (n_texts, n_codes); NaN for untrained codes."""
        return self.probabilities(self.decision_function(texts))

    def probabilities(self, scores: Scores) -> Scores:
        """Return what scores of `decision_function` mean: as `predict_proba` does."""
        return self._widen(self.decisions_.probabilities(scores), np.nan)

    def decide(self, probabilities: Scores) -> Labels:
        """Return which codes probabilities of `predict_proba` stand for."""
        return np.asarray(
            self._widen(self.decisions_.decide(self._trained(probabilities)), False), dtype=bool
        )

    def predict(self, texts: Sequence[str]) -> Labels:
        """Return which codes each text is given, bool of shape (n_texts, n_codes)."""
        return self.decide(self.predict_proba(texts))


class Predictor(Predicts):
    """A trained model as a model folder holds it.

    Parameters
    ----------
    codebook : Codebook
    features : Features
    weights : Units
    intercept : ndarray of float32, shape (n_trained,)
    decisions : Decisions
        Of the trained codes.
    trained : collection of str
    reference : Reference, optional
    """

    def __init__(
        self,
        codebook: Codebook,
        features: Features,
        weights: Units,
        intercept: NDArray[np.float32],
        *,
        decisions: Decisions,
        trained: Sequence[str],
        reference: Reference | None = None,
    ) -> None:
        self.codebook, self.codes_ = codebook, codebook.columns
        self.trained_ = np.isin(self.codes_, list(trained))
        self.decisions_ = decisions
        self.reference_ = reference
        self._parts = features, weights, intercept

    def scored_features(self) -> Features:
        """Return what the weights are for."""
        return self._parts[0]

    def _new_scorer(self) -> Scorer:
        return Scorer(*self._parts)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made again where it is needed."""
        return {k: v for k, v in self.__dict__.items() if k != "_scorer"}


def refuse_single(texts: Sequence[str]) -> Sequence[str]:
    """Return ``texts``; a single string, whose characters would pass for texts, is refused."""
    if isinstance(texts, str):
        raise FupinError("one str was given where a sequence of texts is expected", "write [text]")
    return texts
