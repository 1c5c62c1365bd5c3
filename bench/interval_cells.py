"""What the simulation of `bench.intervals` consists of, what is required of it, and how a cell did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.simulated import DISTORTIONS

PREVALENCES = (0.005, 0.01, 0.02, 0.05, 0.10, 0.20, 0.40)
F1 = (0.60, 0.75, 0.85, 0.95)
SIZES = (200, 600, 1500)
DESIGNS = ("random", "stratified", "documents")
CORRELATIONS = (0.1, 0.2)  # of the truth within a document
OTHER = (0.3, 0.6)  # a second group: its part of the corpus, and its prevalences over the first's
FEW = 20  # expected gold positives from which coverage is to lie in the band
BAND, LEAST, WIDER = (0.93, 0.97), 0.93, 1.05
SEED = 20231102


@dataclass(frozen=True)
class Cell:
    """What is simulated: a design on corpora of one kind, for all prevalences at once."""

    design: str
    f1: float
    n: int
    correlation: float = 0.0
    distortion: str | None = None
    difference: bool = False

    @property
    def share_of_work(self) -> float:
        """Which part of the replications asked for it gets: only the grid gets all."""
        return 0.25 if self.distortion else 0.5 if self.difference else 1.0

    def seed(self, corpus: int) -> list[int]:
        """Return the seed of a corpus, other for each cell."""
        wrong = [*DISTORTIONS].index(self.distortion) + 1 if self.distortion else 0
        kind = [DESIGNS.index(self.design), wrong, int(self.difference)]
        return [SEED, *kind, round(100 * self.f1), round(100 * self.correlation), self.n, corpus]


@dataclass(frozen=True)
class Result:
    """How a cell did: for each prevalence coverage, mean width and root mean squared error, (k,)."""

    cell: Cell
    gold_coverage: NDArray
    coverage: NDArray
    gold_width: NDArray
    width: NDArray
    gold_error: NDArray
    error: NDArray

    @property
    def expected(self) -> NDArray:
        """Expected gold positives; for a difference those in the group that has fewer."""
        part = OTHER[0] * OTHER[1] if self.cell.difference else 1.0
        return self.cell.n * np.array(PREVALENCES) * part

    @property
    def few(self) -> NDArray:
        """Where fewer gold positives are expected than the band is for."""
        return np.asarray(self.expected < FEW - 1e-9)

    @property
    def ratio(self) -> NDArray:
        """Mean width of corrected intervals over that of intervals from hand labels alone."""
        return np.asarray(self.width / self.gold_width)

    @property
    def missed(self) -> NDArray:
        """Where what is required does not hold."""
        off = (self.coverage < BAND[0]) | (self.coverage > BAND[1]) | (self.ratio > WIDER)
        return np.where(self.few, self.coverage < LEAST, off)
