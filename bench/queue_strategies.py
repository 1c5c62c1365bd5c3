"""What `bench.queues` compares: where a learner starts, and how it orders what it has not learned from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from bench.queue_learner import Learned
from classifier.review_queue import doubt, representation, spread

STEP = 100  # labels between two looks at the test part, and two trainings
Doubt = Callable[[Learned, NDArray], NDArray]


@dataclass(frozen=True)
class Strategy:
    """How a pool is ordered: by doubt, by likeness to all (a power), like ones apart; by none: at random.

    ``gold`` is the part of labels drawn at random and set aside, ``batch`` the labels between two
    trainings; with ``once`` the first model's order stays.
    """

    name: str
    doubt: Doubt | None = None
    representation: float = 0.0
    diverse: bool = False
    gold: float = 0.0
    batch: int = STEP
    once: bool = False

    def ranked(
        self, model: Learned, ngrams: csr_matrix, bigrams: csr_matrix, n: int, rng: np.random.Generator
    ) -> NDArray:
        """Return which n of the segments left come first, by their ``ngrams`` and hashed ``bigrams``."""
        if self.doubt is None:
            return rng.permutation(ngrams.shape[0])[:n]
        p = model.probabilities(ngrams)
        worth = self.doubt(model, p) * representation(bigrams) ** self.representation
        return spread(bigrams, worth, n if self.diverse else 0)[:n]


@dataclass(frozen=True)
class Scenario:
    """Where the learner starts; sizes are numbers of segments, cut at whole articles.

    ``own`` is the part of the genres that the first part of the corpus has to itself, so that the
    pool and the test part are of other genres.
    """

    name: str
    told: str
    strategies: tuple[Strategy, ...]
    start: int
    own: float = 0.0
    pool: int = 6000
    test: int = 8000


def entropy(model: Learned, p: NDArray) -> NDArray:
    """Return the largest entropy of a code in bits, shape (n,)."""
    q = np.clip(p[:, model.trained], 1e-9, 1 - 1e-9)
    return np.asarray(-(q * np.log2(q) + (1 - q) * np.log2(1 - q)).max(axis=1))


def threshold(model: Learned, p: NDArray) -> NDArray:
    """Return how near the nearest code is to its threshold, from 0 (at 0 or 1) to 1 (on it)."""
    t, q = model.decisions.threshold, p[:, model.trained]
    return np.asarray((1 - np.where(q >= t, (q - t) / (1 - t), (t - q) / t)).max(axis=1))


def wrong_codes(model: Learned, p: NDArray) -> NDArray:
    """Return the expected number of wrong codes: the sum of 1 - p where a code is given, p where not."""
    return np.nansum(np.abs(model.given(p) - p), axis=1)


def weighed(model: Learned, p: NDArray) -> NDArray:
    """Return doubt as the queue has it, rare codes weighing as much as common ones."""
    return doubt(p)


QUEUE = Strategy("weighed doubt, diverse", weighed, diverse=True)  # what `classifier.review_queue` does
STRATEGIES = (
    Strategy("random"),
    Strategy("nearest threshold", threshold),
    Strategy("largest entropy", entropy),
    Strategy("expected wrong codes", wrong_codes),
    Strategy("weighed doubt", weighed),
    Strategy("weighed doubt, representative", weighed, representation=0.5),
    QUEUE,
    Strategy("weighed doubt, diverse, representative", weighed, representation=0.5, diverse=True),
    Strategy("weighed doubt, diverse; ranked once", weighed, diverse=True, once=True),
    Strategy("weighed doubt, diverse; trained each 50", weighed, diverse=True, batch=50),
    Strategy("weighed doubt, diverse; trained each 200", weighed, diverse=True, batch=200),
    Strategy("weighed doubt, diverse; a fifth gold", weighed, diverse=True, gold=0.2),
)
# Scenarios are named and told as the page has them.
SCENARIOS = (
    Scenario(
        "A small first model",
        "The first part is 500 segments of articles drawn at random; pool and test part are of others.",
        STRATEGIES,
        start=500,
    ),
    Scenario(
        "A model from other genres",
        "The first part is 1,000 segments of half of the genres, drawn anew in each repetition; pool and test"
        " part are of the other half.",
        tuple(s for s in STRATEGIES if s.doubt is not threshold and s.batch == STEP and not s.gold),
        start=1000,
        own=0.5,
    ),
)
