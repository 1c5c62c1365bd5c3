"""How often a category occurs, with 95 % intervals that take documents as clusters.

The documents counted are taken as a sample of all that could have been written: segments of one
document are alike, so an interval that took them as independent would be too narrow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import sparse, stats

Array = NDArray[np.float64]
Numbers = NDArray[np.intp]

LEVEL = 0.95
NORMAL = float(stats.norm.ppf((1 + LEVEL) / 2))


@dataclass(frozen=True)
class Shares:
    """Counts and shares of K categories in each of G groups of segments.

    ``segments`` (G, K), ``of_segments`` (G, 1) and their ratio ``share`` with its interval
    ``low``, ``high``, documents as clusters; ``documents`` (G, K), ``of_documents`` (G, 1) and
    their ratio ``document_share`` with its Wilson interval. Where a group has no segment, or but
    one document to judge the spread of segments from, the figure is NaN.
    """

    segments: Array
    of_segments: Array
    share: Array
    low: Array
    high: Array
    documents: Array
    of_documents: Array
    document_share: Array
    document_low: Array
    document_high: Array


def marks(given: pd.DataFrame, categories: Mapping[str, Sequence[str]] | None = None) -> sparse.csr_array:
    """Return which segment is in which category, sparse, shape (n_segments, n_categories), 0 and 1.

    A category is the union of its codes; without ``categories`` each code is one.
    """
    codes = sparse.csr_array(given.to_numpy(dtype=float))
    if categories is None:
        return codes
    column_of = {code: i for i, code in enumerate(given.columns)}
    belongs = np.zeros((len(column_of), len(categories)))
    for k, members in enumerate(categories.values()):
        belongs[[column_of[code] for code in members], k] = 1.0
    return sparse.csr_array((codes @ sparse.csr_array(belongs) > 0).astype(float))


def shares(marked: sparse.csr_array, documents: Numbers, groups: Numbers, n_groups: int) -> Shares:
    """Count categories in groups of segments.

    The share of segments is a ratio of two totals over documents, y / m; its variance is
    linearised, v = D / (D - 1) · Σ (y_d - p m_d)² / m², over the D documents that have segments
    in the group (Woodruff, "A simple method for approximating the variance of a complicated
    estimate", JASA 66, 1971; Cochran, "Sampling Techniques", 1977, section 9.2). The interval is
    Wilson's at the effective sample size p (1 - p) / v, at most the number of segments, with the
    quantile of Student's t at D - 1 degrees of freedom (Korn & Graubard, "Confidence intervals for
    proportions with small expected number of positive counts", Survey Methodology 24, 1998; for
    Wilson's in their place Dean & Pagano, J. Survey Statistics and Methodology 3, 2015). Where the
    category occurs nowhere or everywhere, v tells nothing, and the effective size is that most.

    Parameters
    ----------
    marked : sparse array, shape (n_segments, n_categories)
        See `marks`.
    documents, groups : ndarray of int, shape (n_segments,)
        The document and the group of each segment, from 0; segments of group -1 are left out.
    n_groups : int

    >>> yes = sparse.csr_array(np.array([[1.0], [0.0], [0.0], [0.0]]))
    >>> found = shares(yes, np.array([0, 0, 1, 1]), np.zeros(4, dtype=int), 1)
    >>> float(found.share[0, 0]), float(found.document_share[0, 0])
    (0.25, 0.5)
    """
    inside = groups >= 0
    cell, within, group = _cells(documents[inside], groups[inside], n_groups)
    y = sparse.csr_array(cell @ marked[np.flatnonzero(inside)])
    m = np.asarray(within, dtype=float)[:, None]
    of_documents = np.asarray(group.sum(axis=1), dtype=float).reshape(-1, 1)
    segments, of_segments = _dense(group @ y), group @ m
    with np.errstate(divide="ignore", invalid="ignore"):
        share = segments / of_segments
        spread = (
            _dense(group @ y.power(2)) - 2 * share * _dense(group @ y.multiply(m)) + share**2 * (group @ m**2)
        )
        variance = of_documents / (of_documents - 1) * np.maximum(spread, 0) / of_segments**2
        effective = np.fmin(share * (1 - share) / variance, of_segments)  # 0 / 0 is no limit
    quantile = stats.t.ppf((1 + LEVEL) / 2, np.where(of_documents > 1, of_documents - 1, np.nan))
    low, high = wilson(share, effective, quantile)
    holding = _dense(group @ (y > 0).astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        document_share = holding / of_documents
    document_low, document_high = wilson(document_share, of_documents)
    return Shares(
        *(segments, of_segments, share, low, high),
        *(holding, of_documents, document_share, document_low, document_high),
    )


def _cells(
    documents: Numbers, groups: Numbers, n_groups: int
) -> tuple[sparse.csr_array, Numbers, sparse.csr_array]:
    """Return segments → cells of one document in one group, the cells' sizes, and cells → groups."""
    pairs, cell, size = np.unique(
        documents.astype(np.int64) * max(n_groups, 1) + groups, return_inverse=True, return_counts=True
    )
    to_cell = _indicator(cell, len(pairs))
    return to_cell, size, _indicator((pairs % max(n_groups, 1)).astype(np.intp), n_groups)


def _indicator(number: Numbers, n: int) -> sparse.csr_array:
    """Return the matrix, shape (n, len(number)), that sums columns of one number into its row."""
    return sparse.csr_array((np.ones(len(number)), (number, np.arange(len(number)))), shape=(n, len(number)))


def _dense(matrix: sparse.csr_array) -> Array:
    return np.asarray(matrix.toarray(), dtype=float)


def wilson(share: ArrayLike, n: ArrayLike, quantile: ArrayLike = NORMAL) -> tuple[Array, Array]:
    """Return the ends of Wilson's score interval for shares of ``n`` trials; NaN where n is 0.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22, 1927.

    >>> [end.round(4).tolist() for end in wilson([0.0, 0.5], [10, 10])]
    [[0.0, 0.2366], [0.2775, 0.7634]]
    """
    p, n, z = (np.asarray(x, dtype=float) for x in (share, n, quantile))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def difference(one: Shares, other: Shares) -> tuple[Array, Array, Array]:
    """Return the differences of the segment shares of two independent corpora, with their intervals.

    The intervals are put together from those of the two shares (square-and-add; Newcombe,
    "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17, 1998, method 10; for clusters Zou & Donner, ibid. 27, 2008, section 2).
    """
    apart = one.share - other.share
    low = apart - np.hypot(one.share - one.low, other.high - other.share)
    high = apart + np.hypot(one.high - one.share, other.share - other.low)
    return apart, low, high
