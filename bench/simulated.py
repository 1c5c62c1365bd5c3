"""Corpora for which the truth is known, with the probabilities of a classifier of a given F1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats
from scipy.special import expit, logit

from classifier.sampling import from_strata, strata, whole_documents
from classifier.survey import Drawn

SEGMENTS = 20_000  # of a corpus; of one made of documents twice as many
LENGTH, VARIATION = 15, 0.5  # segments of a document: mean, coefficient of variation
SHARED = 0.3  # part that a document has in its segments' scores, as a correlation

# How probabilities can be wrong; each keeps the order of segments.
DISTORTIONS: Mapping[str, Callable[[NDArray], NDArray]] = {
    "too sure: log odds × 1.6": lambda p: expit(1.6 * logit(p)),
    "too unsure: log odds × 0.6": lambda p: expit(0.6 * logit(p)),
    "too high: log odds + 1": lambda p: expit(logit(p) + 1),
    "decisions only": lambda p: p,  # see `Corpus.decided`
}
DECISIONS = "decisions only"


@dataclass(frozen=True)
class Corpus:
    """Truth (N, k), probabilities (N, k) and documents (N,) of a simulated corpus."""

    truth: NDArray
    scores: NDArray
    documents: NDArray

    def distorted(self, way: str | None) -> Corpus:
        """Return the corpus with probabilities that are wrong in some way."""
        if way is None:
            return self
        inside = np.clip(self.scores, 1e-12, 1 - 1e-12)
        scores = self.decided() if way == DECISIONS else DISTORTIONS[way](inside)
        return Corpus(self.truth, scores, self.documents)

    def decided(self) -> NDArray:
        """Return decisions, as 0 and 1, at the thresholds of best F1."""
        decided = np.zeros_like(self.scores)
        for k, scores in enumerate(self.scores.T):
            order = np.argsort(-scores)
            found = np.cumsum(self.truth[order, k])
            f1 = 2 * found / (np.arange(1, len(order) + 1) + found[-1])
            decided[order[: int(f1.argmax()) + 1], k] = 1
        return decided


@cache
def separation(f1: float, prevalence: float) -> float:
    """Return how far apart scores of segments with and without a code lie, for a best F1 of ``f1``."""
    cut = np.linspace(-6, 18, 4001)

    def best(apart: float) -> float:
        found = prevalence * stats.norm.sf(cut - apart)
        given = found + (1 - prevalence) * stats.norm.sf(cut)
        return float((2 * found / (given + prevalence)).max())

    return float(optimize.brentq(lambda apart: best(apart) - f1, 0.01, 12))


def simulate(
    rng: np.random.Generator, f1: float, correlation: float, prevalences: NDArray, n: int | None = None
) -> Corpus:
    """Simulate a corpus, made of documents where there is an intra-cluster ``correlation`` of truth.

    The share of a code in a document has a beta distribution. A score is normal, around 0 for a
    segment without the code and around `separation` for one with it, and becomes the probability
    that it means in the corpus as a whole.
    """
    n = n or SEGMENTS * (2 if correlation else 1)
    documents = lengths(rng, n) if correlation else np.arange(n)
    count = int(documents[-1]) + 1
    truth, scores = np.empty((n, len(prevalences)), dtype=bool), np.empty((n, len(prevalences)))
    for k, share in enumerate(prevalences):
        local, noise = np.full(n, share), rng.standard_normal(n)
        if correlation:
            size = 1 / correlation - 1
            local = rng.beta(share * size, (1 - share) * size, count)[documents]
            noise = np.sqrt(1 - SHARED**2) * noise + SHARED * rng.standard_normal(count)[documents]
        truth[:, k] = rng.random(n) < local
        apart = separation(f1, float(share))
        score = apart * truth[:, k] + noise
        scores[:, k] = expit(logit(share) + apart * score - apart**2 / 2)
    return Corpus(truth, scores, documents)


def joined(one: Corpus, other: Corpus) -> Corpus:
    """Return two corpora as one."""
    pairs = zip(
        (one.truth, one.scores, one.documents),
        (other.truth, other.scores, other.documents + one.documents[-1] + 1),
        strict=True,
    )
    return Corpus(*(np.concatenate(pair) for pair in pairs))


def lengths(rng: np.random.Generator, n: int) -> NDArray:
    """Return the document of each of n segments: lengths are Poisson around gamma-distributed means."""
    shape = 1 / VARIATION**2
    length = np.maximum(rng.poisson(rng.gamma(shape, LENGTH / shape, n)), 1)
    return np.repeat(np.arange(n), length)[:n]


def sampler(corpus: Corpus, design: str, n: int) -> Callable[[np.random.Generator], Drawn]:
    """Return what draws samples of a corpus as `classifier.sampling.draw` does, strata made once."""
    if design == "documents":
        return lambda rng: whole_documents(corpus.documents, n, rng)
    stratum, take = np.zeros(len(corpus.truth), dtype=np.intp), np.array([n])
    if design == "stratified":
        stratum, take = strata(corpus.scores, n)
    return lambda rng: from_strata(stratum, take, rng)
