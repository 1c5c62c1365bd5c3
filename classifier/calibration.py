"""Whether probabilities mean what they say: reliability in bins of equal mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]

BINS = 10
FLOOR = 0.05  # below it the probabilities of the many segments that lack a code would drown all others


@dataclass(frozen=True)
class Reliability:
    """Bins of (nearly) equal mass over the probabilities of `FLOOR` or more.

    ``expected`` is the mean probability of each bin, ``observed`` the share of gold
    positives in it, ``mass`` the number of segment-code pairs; all of length n_bins.
    """

    expected: Array
    observed: Array
    mass: NDArray[np.intp]

    @property
    def error(self) -> float:
        """Expected calibration error: the mean gap between the two, weighted by mass; NaN if empty.

        Naeini, Cooper & Hauskrecht, AAAI 2015, with bins of equal mass (Nixon et al.,
        CVPR Workshops 2019).
        """
        if not self.mass.sum():
            return float("nan")
        return float(np.average(np.abs(self.expected - self.observed), weights=self.mass))


def reliability(probabilities: Array, gold: Labels) -> Reliability:
    """Bin probabilities by size and compare them with gold.

    Parameters
    ----------
    probabilities : ndarray of float in [0, 1], any shape
        NaN (an untrained code) is left out.
    gold : ndarray of bool, the same shape

    >>> sure = np.full(40, 0.75)
    >>> reliability(sure, np.arange(40) < 30).error
    0.0
    """
    counted = probabilities >= FLOOR  # false for NaN
    p = probabilities[counted]
    _, value, times = np.unique(p, return_inverse=True, return_counts=True)
    yes = (np.bincount(value, weights=gold[counted]) / times)[value]  # equals share theirs, whatever the bin
    order = np.argsort(p, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    return Reliability(
        expected=np.array([p[part].mean() for part in bins]),
        observed=np.array([yes[part].mean() for part in bins]),
        mass=np.array([len(part) for part in bins], dtype=np.intp),
    )
