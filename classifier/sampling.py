"""Drawing segments for hand coding, each with a probability that is known.

A random sample is all that valid figures need. A stratified one makes them more precise: it draws
segments about which the classifier is in doubt more often than others, for all codes at once.
"""

from __future__ import annotations

import numpy as np

from classifier.survey import Array, Drawn, Numbers

DESIGNS = ("stratified", "random", "documents")
SEED = 20200315
EVEN = 0.5  # part of a segment's size that is the same for all, so that none is all but never drawn
# The columns of a sample that say how it was drawn, and what was drawn.
STRATUM, PROBABILITY, UNIT = "stratum", "inclusion_probability", "unit"
SEGMENT, DOCUMENT = UNITS = ("segment", "document")
PER_STRATUM, MOST_STRATA = 15, 20


def draw(scores: Array, documents: Numbers, n: int, design: str = "stratified", seed: int = SEED) -> Drawn:
    """Draw a sample of segments.

    Parameters
    ----------
    scores : ndarray of float, shape (N, k), in [0, 1]
        What the classifier thinks; see `estimate.scores_of`.
    documents : ndarray of int, shape (N,)
        The document of each segment, from 0.
    n : int
        How many segments; all there are, where there are no more. By ``"documents"`` as many as
        stand in n / (mean length) documents, two at least.
    design : {"stratified", "random", "documents"}
    seed : int

    Returns
    -------
    Drawn
        In the order in which to code: the first rows, wherever the coder ends, are a sample of
        each stratum in proportion; documents come whole. Strata are numbered at random, so that
        their numbers tell the coder nothing.

    >>> drawn = draw(np.array([[0.5], [0.9], [0.0], [0.1]] * 30), np.zeros(120, dtype=int), 30)
    >>> len(drawn), round(float(drawn.weight.sum()), 6)
    (30, 120.0)
    """
    rng = np.random.default_rng(seed)
    if design == "documents":
        return whole_documents(documents, n, rng)
    if n >= len(scores) or design == "random":
        stratum, take = np.zeros(len(scores), dtype=np.intp), np.array([min(n, len(scores))])
    else:
        stratum, take = strata(scores, n)
    return from_strata(stratum, take, rng)


def sizes(scores: Array) -> Array:
    """Return how much is to be learned from each segment, shape (N,), with mean 1.

    Half is the same for all; half goes with √(mean over codes of p (1 - p) / (p̄ (1 - p̄))), what a
    segment is expected to add to the variance of the corrected share of a code, relative to the
    variance that a random sample would have without a classifier. Drawing in proportion to the
    root of the residual variance is optimal (Särndal, Swensson & Wretman, "Model Assisted Survey
    Sampling", 1992, section 12.2); the even half guards against probabilities that are too sure.
    Decisions without probabilities have no say: strata made of them saved next to nothing in
    simulations, and the errors that they hide have large weights.
    """
    mean = scores.mean(axis=0)
    spread = mean * (1 - mean)
    relative = np.divide(scores * (1 - scores), spread, out=np.zeros_like(scores), where=spread > 0)
    doubt = np.sqrt(relative.mean(axis=1))
    average = doubt.mean()
    return np.asarray(EVEN + (1 - EVEN) * doubt / average) if average > 0 else np.ones(len(scores))


def strata(scores: Array, n: int) -> tuple[Numbers, Numbers]:
    """Divide a corpus into strata by `sizes`, and say how many segments to draw from each.

    Strata hold equal parts of the sum of sizes and are drawn from alike, so that the inclusion
    probability n_h / N_h goes with the mean size (Wright, "Finite population sampling with
    multivariate auxiliary information", JASA 78, 1983; Särndal et al., section 12.4). Segments
    whose probability would exceed 1 are drawn for certain, as a stratum of their own.

    Returns
    -------
    ndarray of int, shape (N,); ndarray of int, shape (n_strata,)
        Each stratum has two segments drawn from it, or all; where nothing tells segments apart,
        there is one.
    """
    size = sizes(scores)
    certain = _certain(size, n)
    left = n - int(certain.sum())
    count = int(np.clip(left // PER_STRATUM, 1, MOST_STRATA)) if np.ptp(size) else 1
    order = np.argsort(size, kind="stable")
    order = order[~certain[order]]
    position = np.cumsum(size[order]) / size[order].sum() if len(order) else size[order]
    stratum = np.full(len(size), count, dtype=np.intp)
    stratum[order] = np.minimum((position * count * (1 - 1e-12)).astype(np.intp), count - 1)
    held = np.bincount(stratum, minlength=count + 1)
    take = np.append(_shared_out(left, held[:count]), held[count])
    used, stratum = np.unique(stratum, return_inverse=True)
    return stratum.astype(np.intp), take[used]


def _certain(size: Array, n: int) -> Numbers:
    """Return which segments are drawn for certain: those whose part of what is left would be one or more."""
    certain = np.zeros(len(size), dtype=bool)
    while True:
        left = n - certain.sum()
        new = ~certain & (left * size >= size[~certain].sum())
        if not new.any() or left <= 0:
            return certain
        certain |= new


def _shared_out(n: int, held: Numbers) -> Numbers:
    """Return how many to draw from each stratum: alike, but no more than it holds, nor fewer than 2 of 2."""
    take = np.zeros(len(held), dtype=np.intp)
    while take.sum() < min(n, held.sum()):
        room = np.flatnonzero(take < held)[::-1]  # what is over goes to the largest sizes
        each = max((n - take.sum()) // len(room), 1)
        for h in room:
            take[h] += min(each, held[h] - take[h], n - take.sum())
    return take


def from_strata(stratum: Numbers, take: Numbers, rng: np.random.Generator) -> Drawn:
    """Draw from each stratum at random, without replacement."""
    held = np.bincount(stratum, minlength=len(take))
    order = np.argsort(stratum, kind="stable")
    ends = np.cumsum(held)
    drawn = [
        rng.choice(order[end - size : end], number, replace=False)
        for end, size, number in zip(ends, held, take, strict=True)
    ]
    rows = np.concatenate(drawn).astype(np.intp)
    of = np.repeat(np.arange(len(take)), take)
    # The i-th of n_h falls somewhere in the i-th of n_h equal parts of the work.
    within = np.concatenate([np.arange(number) for number in take])
    turn = np.argsort((within + rng.random(len(rows))) / take[of], kind="stable")
    number = rng.permutation(len(take))
    return Drawn(rows[turn], (take / held)[of[turn]], number[of[turn]], rows[turn])


def whole_documents(documents: Numbers, n: int, rng: np.random.Generator) -> Drawn:
    """Draw documents at random, without replacement, and take all their segments."""
    length = np.bincount(documents)
    number = min(max(round(n * len(length) / len(documents)), 2), len(length))
    turn = np.full(len(length), -1)
    turn[rng.choice(len(length), number, replace=False)] = np.arange(number)
    rows = np.flatnonzero(turn[documents] >= 0)
    rows = rows[np.argsort(turn[documents[rows]], kind="stable")]
    probability = np.full(len(rows), number / len(length))
    return Drawn(rows, probability, np.zeros(len(rows), dtype=np.intp), documents[rows])
