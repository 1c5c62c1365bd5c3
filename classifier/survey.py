"""How a sample was drawn, and what that says about the spread of an estimate made from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Drawn:
    """Segments drawn from a corpus with known probabilities, and how.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Where in the corpus the segments stand.
    probability : ndarray of float, shape (n,)
        The inclusion probability of each, in (0, 1].
    stratum : ndarray of int, shape (n,)
        The stratum that each was drawn from.
    unit : ndarray of int, shape (n,)
        What was drawn: the same number for segments that were drawn together, as a document.
    """

    rows: Numbers
    probability: Array
    stratum: Numbers
    unit: Numbers

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self.rows)

    @property
    def weight(self) -> Array:
        """How many segments of the corpus each stands for, shape (n,)."""
        return np.asarray(1 / self.probability)

    @property
    def left_out(self) -> Array:
        """The probability with which each was not drawn, shape (n, 1)."""
        return np.asarray(1 - self.probability)[:, None]

    @cached_property
    def clustered(self) -> bool:
        """Whether segments were drawn together."""
        return len(self._layout.first) < len(self)

    @cached_property
    def simple(self) -> bool:
        """Whether segments were drawn at random one by one, each with the same probability."""
        alike = bool(np.ptp(self.probability) < 1e-12)
        return alike and not self.clustered and len(self._layout.begin) == 1

    def degrees(self, inside: NDArray[np.bool_]) -> int:
        """Return the degrees of freedom of a variance in a group: its units less its strata.

        Counted are those of which a segment is ``inside``, shape (n,) (Korn & Graubard, "Analysis of
        Health Surveys", 1999, chapter 5). 0 where there is but one unit.
        """
        layout = self._layout
        units = np.add.reduceat(inside[layout.order].astype(int), layout.first) > 0
        return int(units.sum()) - len(np.unique(layout.stratum[units]))

    @cached_property
    def _layout(self) -> _Layout:
        order = np.lexsort((self.unit, self.stratum))
        stratum, unit = self.stratum[order], self.unit[order]
        first = _starts(stratum, unit)
        probability = self.probability[order][first]
        joined = _joined(stratum[first], probability)
        begin = _starts(joined)
        counts = np.diff(np.r_[begin, len(joined)])
        n = np.repeat(counts, counts).astype(float)[:, None]
        factor = np.sqrt((1 - probability)[:, None] * n / np.maximum(n - 1, 1))
        return _Layout(order, first, joined, begin, n, factor)

    def spread(self, influence: Array) -> Array:
        """Return what each unit adds to an estimate, such that sums of products are (co)variances.

        For an estimate whose linearised form is the sum of ``influence`` over the sample, the
        variance is v = Σ_h n_h / (n_h - 1) Σ_c (1 - π_c) (z_c - z̄_h)², where z_c is the total of
        unit c of the n_h units drawn from stratum h. Within strata of equal π it is the unbiased
        estimator for simple random sampling, of segments or of whole documents (Särndal, Swensson &
        Wretman, "Model Assisted Survey Sampling", 1992, sections 3.7 and 4.2, with linearised
        values in place of y as in section 5.5); where π differ it is Hájek's approximation (Annals
        of Mathematical Statistics 35, 1964). A stratum of one unit shows no spread, and is taken
        together with the next (collapsed strata; Cochran, "Sampling Techniques", 1977, section 5A.12).

        Parameters
        ----------
        influence : ndarray of float, shape (n, k)

        Returns
        -------
        ndarray of float, shape (n_units, k)
            Units stand in the order of strata and units; the squares of a column add up to its variance.

        >>> drawn = Drawn(np.arange(3), np.full(3, 0.5), np.zeros(3, dtype=int), np.arange(3))
        >>> spread = drawn.spread(np.array([[1.0], [2.0], [3.0]]) / 3)  # a mean: v = (1 - ½) s² / n
        >>> float((spread**2).sum().round(6))
        0.166667
        """
        layout = self._layout
        totals = np.add.reduceat(influence[layout.order], layout.first, axis=0)
        sums = np.add.reduceat(totals, layout.begin, axis=0)
        return np.asarray(layout.factor * (totals - sums[layout.stratum] / layout.n))


@dataclass(frozen=True)
class _Layout:
    """Segments in the order of strata and units, and where units and strata begin.

    ``stratum`` (m,), ``n`` (m, 1): each unit's stratum and the units drawn from it; ``factor``
    (m, 1): √((1 - π) n / (n - 1)).
    """

    order: Numbers
    first: Numbers
    stratum: Numbers
    begin: Numbers
    n: Array
    factor: Array


def _starts(*columns: Numbers) -> Numbers:
    """Return where a new value begins in any of the columns."""
    new = np.any([np.diff(column) != 0 for column in columns], axis=0)
    return np.flatnonzero(np.r_[True, new])


def _joined(stratum: Numbers, probability: Array) -> Numbers:
    """Return the strata of units, numbered from 0; one of a lone unit not certain joins a neighbour."""
    begin = _starts(stratum)
    counts = np.diff(np.r_[begin, len(stratum)])
    lone = (counts == 1) & (probability[begin] < 1)
    joins = np.r_[False, lone[:-1]]  # the next takes a lone one in
    joins[-1] |= lone[-1] and len(begin) > 1  # the last has no next
    return np.repeat(np.cumsum(~joins) - 1, counts).astype(np.intp)
