"""A share corrected for a classifier's errors, the share from hand labels alone, and their intervals.

What is estimated is the share in this very corpus. Chance comes in by the drawing of the sample
alone; what the classifier gets wrong is estimated, not assumed. The corrected share is

    λ · mean of scores over the corpus + weighted mean of (gold - λ · score) over the sample,

the difference estimator (Särndal, Swensson & Wretman, "Model Assisted Survey Sampling", 1992,
section 6.3) with λ fitted to the sample: prediction-powered inference with power tuning
(Angelopoulos, Duchi & Zrnic, "PPI++: Efficient prediction-powered inference", arXiv 2311.01453,
2023), or design-based supervised learning (Egami, Hinck, Stewart & Wei, NeurIPS 2023), for a mean.
docs/coverage.md shows how often its intervals hold the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from classifier.survey import Array, Drawn, Numbers

Labels = NDArray[np.bool_]

LEVEL = 0.95
NORMAL = 1.959963984540054  # quantile of the normal distribution for it
# The following were chosen by simulation: bench/intervals.py.
LEAN = 5.0  # units' worth of evidence for λ = 1, that scores are probabilities
EVENTS, FEW_EVENTS, FEW_SCALE = 0.5, 2.0, 8.0  # errors added to those seen; see `added_events`
OPEN_UNKNOWN = 0.25  # share of variance that decisions without probabilities leave open
_TINY = 1e-300


@dataclass(frozen=True)
class Known:
    """What is known of all segments of the corpus, or of a group in it, without any hand label.

    ``size`` segments; ``score`` (k,): the mean score; ``open`` (k,): the share of the variance of
    gold that scores leave open if they are probabilities, mean p (1 - p) over p̄ (1 - p̄);
    ``clustering`` (k,): by how much drawing whole documents would multiply the variance of the mean
    score (Kish's design effect), 1 where segments are drawn.
    """

    size: int
    score: Array
    open: Array
    clustering: Array


@dataclass(frozen=True)
class Figures:
    """Shares of k columns with their intervals, shape (k,), and what each unit adds, (n_units, k)."""

    share: Array
    low: Array
    high: Array
    spread: Array


@dataclass(frozen=True)
class Slope:
    """λ of each column, shape (k,), and the pull of each unit on it, its leverage, (n_units, k)."""

    value: Array
    leverage: Array


@dataclass(frozen=True)
class Sample:
    """Hand labels of drawn segments beside their scores, in the corpus or in a group of it.

    ``gold``, ``score`` : float, shape (n, k); ``inside`` : bool, shape (n,).
    """

    drawn: Drawn
    gold: Array
    score: Array
    inside: Labels

    @property
    def n(self) -> int:
        """The number of segments inside."""
        return int(self.inside.sum())

    @property
    def weight(self) -> Array:
        """The share of the group that each segment stands for, shape (n, 1); 0 outside."""
        weight = self.drawn.weight * self.inside
        return np.asarray(weight / weight.sum())[:, None]

    def mean(self, values: Array) -> Array:
        """Return the weighted mean of values, shape (k,): Hájek's, of a group its ratio estimator."""
        return np.asarray((self.weight * values).sum(axis=0))

    def influence(self, values: Array) -> Array:
        """Return the linearised form of `mean`, shape (n, k) (Särndal et al., section 5.7, ch. 10)."""
        return np.asarray(self.weight * (values - self.mean(values)))

    def spread(self, values: Array) -> Array:
        """Return what each unit adds to `mean`, shape (n_units, k); see `Drawn.spread`."""
        return self.drawn.spread(self.influence(values))

    def typical(self, values: Array, mass: Array) -> Array:
        """Return the mean of ``values`` (n, 1 or k) over segments inside that count by ``mass`` (n, k)."""
        mass = (mass + 1e-9) * self.inside[:, None]
        return np.asarray((mass * values).sum(axis=0) / mass.sum(axis=0))

    def brought(self, mass: Array) -> Array:
        """Return the variance that one segment more or less brings, (k,): 1 / n² of n drawn at random."""
        return self.typical(self.weight**2 * self.drawn.left_out, mass)

    def step(self, positive: Array) -> Array:
        """Return by how much a share moves with one positive more, (k,): 1 / n of n drawn at random."""
        return self.typical(self.weight * self.drawn.left_out, positive * self.weight) + _TINY

    @property
    def evenly(self) -> float:
        """What the variance of a share p is over p (1 - p), had no more than weights a say in it."""
        return float((self.weight**2 * self.drawn.left_out).sum())


def known(scores: Array, inside: Labels | None = None, documents: Numbers | None = None) -> Known:
    """Sum up the scores of a corpus, or of the segments ``inside`` a group of it.

    Parameters
    ----------
    scores : ndarray of float, shape (N, k), in [0, 1]
    inside : ndarray of bool, shape (N,), optional
    documents : ndarray of int, shape (N,), optional
        The document of each segment, where documents were drawn.
    """
    scores = scores if inside is None else scores[inside]
    mean = scores.mean(axis=0)
    left_open = (scores * (1 - scores)).mean(axis=0) / np.maximum(mean * (1 - mean), _TINY)
    clustering = np.ones_like(mean)
    if documents is not None:
        clustering = _clustering(scores - mean, documents if inside is None else documents[inside])
    return Known(len(scores), mean, np.where(left_open > 0, left_open, OPEN_UNKNOWN), clustering)


def _clustering(centred: Array, documents: Numbers) -> Array:
    """Return the design effect of drawing documents: squared totals over squared values, 1 or more."""
    size = int(documents.max()) + 1
    totals = np.stack([np.bincount(documents, column, size) for column in centred.T], axis=1)
    squares = (centred**2).sum(axis=0)
    return np.asarray(np.maximum((totals**2).sum(axis=0) / np.maximum(squares, _TINY), 1))


def fit_slope(sample: Sample) -> Slope:
    """Fit the λ of smallest variance, cov(gold, score) / var(score) over what units add.

    It is the power tuning of PPI++ and, for any design, the optimal coefficient of Särndal et al.,
    section 6.8. As it is noise where few units count, it leans on 1 with the weight of `LEAN`
    units, against the k = (Σ s²)² / Σ s⁴ units that effectively speak; then it is clipped to [0, 1].
    """
    gold, score = (sample.drawn.spread(sample.influence(x)) for x in (sample.gold, sample.score))
    squares = score**2
    total = np.maximum(squares.sum(axis=0), _TINY)
    units = total**2 / np.maximum((squares**2).sum(axis=0), _TINY)
    fitted = (gold * score).sum(axis=0) / total
    value = np.clip((units * fitted + LEAN) / (units + LEAN), 0, 1)
    return Slope(value, np.minimum(squares / total * units / (units + LEAN), 0.9))


def score_interval(share: Array, variance: Array, step: Array, quantile: float) -> tuple[Array, Array]:
    """Return the θ in [0, 1] with (θ - share)² ≤ t² · (variance at θ), as Wilson does for a binomial.

    The variance at θ is ``variance`` + ``step`` · (1 - 2 share) · (θ - share) - ``step`` · (θ - share)².
    With variance p (1 - p) / n and step 1 / n that is Wilson's interval (JASA 22, 1927); with an
    effective n in place of n it is the one that Dean & Pagano recommend for surveys (J. Survey
    Statistics and Methodology 3, 2015), and Franco, Little, Louis & Slud (ibid. 7, 2019).

    >>> low, high = score_interval(np.array([0.5]), np.array([0.025]), np.array([0.1]), 1.959964)
    >>> [round(float(end[0]), 4) for end in (low, high)]
    [0.2366, 0.7634]
    """
    tilt = (1 - 2 * share) * step
    scale = 1 + quantile**2 * step
    middle = share + quantile**2 * tilt / 2 / scale
    half = quantile / scale * np.sqrt(variance * scale + quantile**2 * tilt**2 / 4)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def added_events(positives: Array, left_open: Array) -> Array:
    """Return how many errors are added to those seen, in units of the variance that one brings.

    ρ · (½ (1 - ρ) + 2 · exp(-positives / 8)), where ρ is the share of gold's variance that the
    classifier leaves open. A sample in which a good classifier happens to err nowhere shows no
    spread, yet proves no perfection; as successes and failures are added by Agresti & Coull (American
    Statistician 52, 1998), errors are here. At ρ = 1, where Wilson's interval needs no help, only
    the second part stays, which ends with the few positives that it is for.
    """
    few = FEW_EVENTS * np.exp(-positives / FEW_SCALE)
    return np.asarray(left_open * (EVENTS * (1 - left_open) + few))


def gold_only(sample: Sample) -> Figures:
    """Estimate shares from hand labels alone.

    A sample drawn at random segment by segment gets Wilson's interval, with n / (1 - π) in place
    of n for the finite corpus; any other one `score_interval` with the variance by design.
    """
    share, spread = sample.mean(sample.gold), sample.spread(sample.gold)
    if sample.drawn.simple:
        step = np.full_like(share, sample.evenly)
        return Figures(share, *score_interval(share, share * (1 - share) * step, step, NORMAL), spread)
    one = sample.brought(sample.gold)
    times = design_effect(sample, sample.gold, one)
    step = times * sample.step(sample.gold)
    added = added_events(_smoothed(share, sample.n) / step, np.ones_like(share)) * times**2 * one
    return Figures(share, *_interval(share, _total(spread) + added, step, sample), spread)


def corrected(sample: Sample, of: Known, slope: Slope) -> Figures:
    """Estimate shares from scores and hand labels together.

    The variance is that of the residuals gold - λ · score, each over 1 - its leverage on the λ that
    it helped to fit (HC3, the jackknife's; MacKinnon & White, J. Econometrics 29, 1985), plus
    `added_events`.
    The interval is `score_interval`'s: with each positive the variance grows as that of the share
    from hand labels alone would, times the part of it that the residuals have.
    """
    residual = sample.gold - slope.value * sample.score
    spread = sample.spread(residual) / (1 - slope.leverage)
    share = _possible(slope.value * of.score + sample.mean(residual), sample, of.size)
    smooth = _smoothed(share, sample.n)
    of_gold = np.maximum(_total(sample.spread(sample.gold)), smooth * (1 - smooth) * sample.evenly)
    times = np.maximum(design_effect(sample, sample.gold, sample.brought(sample.gold)), of.clustering)
    step = sample.step(sample.gold + sample.score)
    variance = _total(spread) + _added(sample, of, residual, _total(spread), smooth / step)
    part = np.minimum(1, variance / np.maximum(of_gold, _TINY))
    return Figures(share, *_interval(share, variance, part * times * step, sample), spread)


def _added(sample: Sample, of: Known, residual: Array, variance: Array, positives: Array) -> Array:
    """Return the variance of the events to add to the ``variance`` of residuals, shape (k,).

    What one error brings is averaged over segments by the doubt p (1 - p) about them, of
    which half is spread evenly: errors also happen where a classifier sees none.
    """
    doubt = sample.score * (1 - sample.score)
    one = sample.brought(doubt + sample.typical(doubt, np.zeros_like(doubt)))
    of_gold = _total(sample.spread(sample.gold))
    left_open = np.maximum(of.open, (variance + one + _TINY) / (of_gold + one + _TINY)).clip(0, 1)
    times = design_effect(sample, residual, one)
    return np.asarray(added_events(positives / times, left_open) * times**2 * one)


def design_effect(sample: Sample, values: Array, one: Array) -> Array:
    """Return by how much drawing documents multiplies the variance of a mean, 1 or more, shape (k,).

    The variance by design over that of segments drawn one by one with the same probabilities
    (Kish, "Survey Sampling", 1965); to both the variance of ``one`` event is added,
    as they are noise where there are few.
    """
    if not sample.drawn.clustered:
        return np.ones_like(one)
    single = (sample.drawn.left_out * sample.influence(values) ** 2).sum(axis=0)
    return np.asarray(np.maximum((_total(sample.spread(values)) + one) / (single + one + _TINY), 1))


def _total(spread: Array) -> Array:
    """Return the variances that the columns of `Drawn.spread` add up to."""
    return np.asarray((spread**2).sum(axis=0))


def _smoothed(share: Array, n: int) -> Array:
    """Return shares with half a positive added, so that none is 0."""
    return np.asarray((share * n + 0.5) / (n + 1))


def _possible(share: Array, sample: Sample, size: int) -> Array:
    """Return shares within what the segments seen allow: those with the code are in the corpus."""
    seen = (sample.gold * sample.inside[:, None]).sum(axis=0)
    return np.asarray(np.clip(share, seen / size, 1 - (sample.n - seen) / size))


def _interval(share: Array, variance: Array, step: Array, sample: Sample) -> tuple[Array, Array]:
    degrees = sample.drawn.degrees(sample.inside)
    if not degrees:
        return np.zeros_like(share), np.ones_like(share)
    return score_interval(share, variance, step, float(stdtrit(degrees, (1 + LEVEL) / 2)))
