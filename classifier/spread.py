"""How a figure varies between documents, and between which values that of a corpus is to be expected.

The unit is the document: segments of one document are alike, so the figure of ten documents may
lie farther from the mean than that of a thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Whole = NDArray[np.intp]

_DIGITS = 6  # significant, of the figures kept
_HALVINGS = 50  # of the interval in which the end of a band is looked for
_FIGURES = {"mean", "between", "within", "error"}


@dataclass(frozen=True)
class Observed:
    """A figure that is a total over units, such as segments: one entry for each piece of a corpus.

    Parameters
    ----------
    total : ndarray of float, shape (n_pieces,)
        What the units of a piece come to.
    weight : ndarray of float, shape (n_pieces,)
        How many units the piece has, perhaps none.
    document : ndarray of int, shape (n_pieces,)
        The number of its document, from 0.
    """

    total: Array
    weight: Array
    document: Whole

    def per_document(self) -> tuple[Array, Array]:
        """Return the totals and the weights of the documents that have any unit."""
        total, weight = _sums(self.document, self.total), _sums(self.document, self.weight)
        return total[weight > 0], weight[weight > 0]

    @property
    def value(self) -> float:
        """The figure of the whole corpus: total by weight."""
        return float(self.total.sum() / self.weight.sum())


def _sums(document: Whole, values: Array) -> Array:
    return np.bincount(document, values).astype(np.float64, copy=False)


_LARGEST = 1e12  # of figures that are read


@dataclass(frozen=True)
class Typical:
    """How a figure lies and varies in a corpus.

    Parameters
    ----------
    mean : float
        Of all units.
    between : float
        Variance of documents, were each of them endless.
    within : float
        Variance of one unit within its document.
    error : float
        Variance of ``mean``.
    """

    mean: float
    between: float
    within: float
    error: float

    def band(self, sizes: Array, level: float, *, share: bool) -> tuple[float, float]:
        """Return between which values the figure of another corpus lies with probability ``level``.

        The corpus is drawn like this one; its own mean and ours both vary, hence a prediction interval.

        Parameters
        ----------
        sizes : ndarray of float, shape (n_documents,)
            The units in each of its documents, together more than 0.
        level : float
        share : bool
            A share is taken for one of independent draws, as many as vary as much; what has no
            upper end to follow a gamma distribution.

        >>> low, high = Typical(0.1, 0.0, 0.09, 0.0).band(np.array([100.0]), 0.95, share=True)
        >>> round(low, 3), round(high, 3)
        (0.041, 0.167)
        """
        total = float(sizes.sum())
        variance = self.between * float((sizes**2).sum()) / total**2 + self.within / total + self.error
        return (_share_band if share else _positive_band)(self.mean, variance, (1 - level) / 2)

    @classmethod
    def from_json(cls, value: Any) -> Typical:
        """Read what `vars` gave; raises ValueError for anything else."""
        if not isinstance(value, Mapping) or set(value) != _FIGURES:
            raise ValueError(f"not the figures {', '.join(sorted(_FIGURES))}")
        if not all(type(x) in (int, float) and 0 <= x <= _LARGEST for x in value.values()):
            raise ValueError("figures that are no numbers of 0 or more, or beyond all measure")
        return cls(**{name: float(x) for name, x in value.items()})


def typical(observed: Observed) -> Typical:
    """Return mean and variances of a figure by a one-way random-effects model.

    The estimator is that of the analysis of variance for unbalanced data (Searle, Casella &
    McCulloch, "Variance Components", 1992, chapter 3), where a piece counts by its units. Where
    no document has two pieces, all variance is taken to be between documents.
    """
    totals, sizes = observed.per_document()
    size, mean = float(sizes.sum()), observed.value
    squares, free = _within(observed)
    within = squares / free if free else 0.0
    apart = float((sizes * (totals / sizes - mean) ** 2).sum()) - (len(sizes) - 1) * within
    room = size - float((sizes**2).sum()) / size
    between = max(0.0, apart / room) if len(sizes) > 1 else 0.0
    error = between * float((sizes**2).sum()) / size**2 + within / size
    return Typical(*(float(f"{x:.{_DIGITS}g}") for x in (mean, between, within, error)))


def _within(observed: Observed) -> tuple[float, int]:
    """Return the sum of squares within documents, and its degrees of freedom."""
    used = observed.weight > 0
    total, weight, document = observed.total[used], observed.weight[used], observed.document[used]
    sizes = _sums(document, weight)
    own = (_sums(document, total) / np.where(sizes > 0, sizes, 1))[document]
    return float((weight * (total / weight - own) ** 2).sum()), len(total) - int((sizes > 0).sum())


def _share_band(mean: float, variance: float, tail: float) -> tuple[float, float]:
    """Return the band of a share of as many independent units as would vary as much.

    A share lies outside where the binomial probability of one as high, or as low, is below
    ``tail``; the number of units need not be whole (Korn & Graubard, "Confidence intervals for
    proportions with small expected number of positive counts estimated from survey data", Survey
    Methodology 24, 1998). So few units that even all or none of them prove nothing exclude nothing.
    """
    if variance == 0 or mean in (0, 1):
        return mean, mean
    units = mean * (1 - mean) / variance
    return 1 - _highest(1 - mean, units, tail), _highest(mean, units, tail)


def _highest(mean: float, units: float, tail: float) -> float:
    """Return the highest share of ``units`` draws that is not too rare where ``mean`` is expected."""
    from scipy.special import betainc  # takes long to import, and labelling needs none of it

    low, high = 0.0, 1.0  # the upper end stays where even all of the draws are not too rare
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        rare = betainc(units * middle, units * (1 - middle) + 1, mean) < tail
        low, high = (low, middle) if rare else (middle, high)
    return high


def _positive_band(mean: float, variance: float, tail: float) -> tuple[float, float]:
    """Return the middle of the gamma distribution with this mean and variance."""
    from scipy.special import gammaincinv

    if variance == 0 or mean == 0:
        return mean, mean
    low, high = gammaincinv(mean**2 / variance, [tail, 1 - tail]) * (variance / mean)
    return float(low), float(high)
