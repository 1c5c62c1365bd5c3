"""From scores to decisions: calibration, and a threshold for each code.

Both are learned from out-of-fold scores, so that they hold for articles the model has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]

# Weight of the threshold shared by all codes, counted in positive segments: a code with
# this many positives leans on its own best threshold and on the shared one alike.
SHRINKAGE = 3000
NEWTON_STEPS = 100
DOUBT = 0.02  # segments with a probability below it, or above 1 minus it, are not in doubt
MIN_DOUBTFUL = 25  # positives, and negatives, needed among those in doubt
MIN_SLOPE = 1e-3


def logistic(z: Array) -> Array:
    """Return ``1 / (1 + exp(-z))``; scipy has it too, but takes a quarter of a second to import.

    >>> logistic(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    return _logistic_of_negative(np.asarray(np.negative(z), dtype=np.float64))


def _logistic_of_negative(z: Array) -> Array:
    """Return ``1 / (1 + exp(z))``, written over ``z``: arrays are large, and memory anew takes as long."""
    with np.errstate(over="ignore"):
        np.exp(z, out=z)
    z += 1
    return np.divide(1, z, out=z)


@dataclass(frozen=True)
class Decisions:
    """Calibration and thresholds, one of each per code.

    A score ``s`` becomes the probability ``1 / (1 + exp(-(slope * s + offset)))``;
    a code is given where the probability reaches its threshold. With
    ``exclusive``, each segment gets the one code of highest probability instead.
    """

    slope: Array
    offset: Array
    threshold: Array
    exclusive: bool = False

    def probabilities(self, scores: Array) -> Array:
        """Return calibrated probabilities, the shape of ``scores`` (n_segments, n_codes)."""
        negative = scores * -self.slope
        negative -= self.offset
        return _logistic_of_negative(negative)

    def decide(self, probabilities: Array) -> Labels:
        """Return which codes each segment is given, bool of the same shape; NaN is never given."""
        if not self.exclusive:
            return np.asarray(probabilities >= self.threshold, dtype=bool)
        chosen = np.zeros(probabilities.shape, dtype=bool)
        known = np.where(np.isnan(probabilities), -1.0, probabilities)
        chosen[np.arange(len(known)), known.argmax(axis=1)] = True
        return chosen


def fit_sigmoid(scores: Array, labels: Labels) -> tuple[float, float]:
    """Fit slope and offset of a sigmoid to scores by maximum likelihood.

    Targets are pulled from 0 and 1 as in Platt, "Probabilistic outputs for support
    vector machines" (1999): ``(n₊ + 1) / (n₊ + 2)`` and ``1 / (n₋ + 2)``. Newton's method
    with step halving (Lin, Lin & Weng, Machine Learning 68, 2007).

    >>> slope, offset = fit_sigmoid(np.array([-1.0, -0.5, 0.5, 1.0]), np.array([False, False, True, True]))
    >>> slope > 0
    True
    """
    positives = int(labels.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2)
    target = np.where(labels, high, low)
    log_odds = float(np.log((positives + 1) / (len(labels) - positives + 1)))
    line = np.array([0.0, log_odds])
    loss = _sigmoid_loss(line, scores, target)
    for _ in range(NEWTON_STEPS):
        step = _newton_step(line, scores, target)
        while (new := _sigmoid_loss(line + step, scores, target)) > loss:
            step /= 2
        if loss - new <= 1e-10 * abs(loss):
            break
        line, loss = line + step, new
    # Scores that mislead, on articles held out, are all but left unused.
    return (float(line[0]), float(line[1])) if line[0] > MIN_SLOPE else (MIN_SLOPE, log_odds)


def fit_calibration(scores: Array, labels: Labels) -> tuple[float, float]:
    """Fit a sigmoid where it matters: twice, the second time to the segments in doubt.

    The many segments that are certain not to have a code would otherwise bend the
    curve where decisions fall. Choosing segments by their score leaves the share of
    positives at each score as it is.
    """
    slope, offset = fit_sigmoid(scores, labels)
    p = logistic(slope * scores + offset)
    doubtful = (p >= DOUBT) & (p <= 1 - DOUBT)
    positives = int(labels[doubtful].sum())
    if min(positives, int(doubtful.sum()) - positives) < MIN_DOUBTFUL:
        return slope, offset
    return fit_sigmoid(scores[doubtful], labels[doubtful])


def _sigmoid_loss(line: Array, scores: Array, target: Array) -> float:
    z = line[0] * scores + line[1]
    return float(np.sum(np.logaddexp(0, z) - target * z))


def _newton_step(line: Array, scores: Array, target: Array) -> Array:
    """Return the step that a second-order model of the loss asks for."""
    p = logistic(line[0] * scores + line[1])
    gap, curve = p - target, p * (1 - p)
    gradient = np.array([gap @ scores, gap.sum()])
    mixed = curve @ scores
    hessian = np.array([[curve @ scores**2, mixed], [mixed, curve.sum()]])
    try:
        return np.linalg.solve(hessian + np.diag([1e-12, 1e-12]), -gradient)
    except np.linalg.LinAlgError:  # a great many scores, all the same: there is no slope to find
        return np.zeros(2)


def best_threshold(probabilities: Array, labels: Labels) -> float:
    """Return the threshold of highest F1, midway between the two probabilities it divides.

    >>> best_threshold(np.array([0.9, 0.6, 0.2]), np.array([True, True, False]))
    0.4
    """
    order = np.argsort(-probabilities, kind="stable")
    ranked = probabilities[order]
    true_positives = np.cumsum(labels[order])
    f1 = 2 * true_positives / (np.arange(1, len(ranked) + 1) + labels.sum())
    f1[:-1][ranked[:-1] == ranked[1:]] = -1  # no threshold lies between equal probabilities
    last = int(np.argmax(f1))
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return float((ranked[last] + below) / 2)


def fit_decisions(
    scores: Array, labels: Labels, *, exclusive: bool = False, shrinkage: float = SHRINKAGE
) -> Decisions:
    """Learn calibration and thresholds from out-of-fold scores.

    Each code's threshold is the one of highest F1, drawn towards the threshold of
    highest micro-F1 shared by all codes, the more the fewer positives it has.

    Parameters
    ----------
    scores : ndarray of float, shape (n_segments, n_codes)
    labels : ndarray of bool, the same shape
        Every column holds at least one positive and one negative.
    exclusive : bool
    shrinkage : float
        The weight of the shared threshold, in positive segments.
    """
    fitted = [fit_calibration(scores[:, j], labels[:, j]) for j in range(labels.shape[1])]
    slope, offset = (np.array(column) for column in zip(*fitted, strict=True))
    untuned = Decisions(slope, offset, np.full(len(slope), 0.5))
    probabilities = untuned.probabilities(scores)
    shared = best_threshold(probabilities.ravel(), labels.ravel())
    own = np.array([best_threshold(probabilities[:, j], labels[:, j]) for j in range(labels.shape[1])])
    weight = labels.sum(axis=0) / (labels.sum(axis=0) + shrinkage)
    return Decisions(slope, offset, weight * own + (1 - weight) * shared, exclusive)


def cross_fitted(
    scores: Array, labels: Labels, folds: NDArray[np.intp], *, exclusive: bool = False
) -> tuple[Array, Labels]:
    """Return out-of-fold probabilities and decisions, each fold decided by what the others taught.

    Thresholds chosen on the very scores they are measured on would flatter. Here the
    threshold that decides a segment was chosen on other folds, and the weights that score
    it were fitted without its article. (The scores of those other folds come from models
    that did see it; a fully nested scheme would cost ``n_folds`` times as much.)
    """
    probabilities, decided = np.zeros_like(scores), np.zeros(labels.shape, dtype=bool)
    for fold in np.unique(folds):
        inside = folds == fold
        learned = fit_decisions(scores[~inside], labels[~inside], exclusive=exclusive)
        probabilities[inside] = learned.probabilities(scores[inside])
        decided[inside] = learned.decide(probabilities[inside])
    return probabilities, decided
