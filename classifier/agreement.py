"""Agreement between coders of the same segments: α, κ, shares and F1, with intervals by document.

Everything is computed from sums over documents; so a bootstrap replication, which draws documents,
costs no more than a weighted sum of them. What is undefined is not a number: α of a code that
nobody gave, κ of two coders who cannot but agree, F1 of a code that neither gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

Labels = NDArray[np.bool_]
Floats = NDArray[np.float64]

REPLICATIONS = 2000
SEED = 20040131
UNDEFINED = 0.025  # of the replications; with more of them undefined, the tails of an interval are unknown
_CELLS = 8_000_000  # numbers held at a time while replications are computed
_BLOCK = 256  # label sets compared with all others at a time

BY_CODE = ("alpha", "kappa", "agree", "f1")
OVERALL = ("alpha", "same_set", "f1")


@dataclass(frozen=True)
class Agreement:
    """How well coders agree; every figure with its 95 % interval, NaN where it does not exist.

    Parameters
    ----------
    table : DataFrame of float, index: codes or categories
        ``alpha``, ``kappa``, ``agree`` (share of pairs of coders) and ``f1``, each with ``…_low``
        and ``…_high``.
    overall : DataFrame of float, columns ``value``, ``low``, ``high``
        ``alpha`` of label sets with the MASI distance, ``same_set`` (share of pairs of coders who
        gave exactly the same codes) and ``f1`` over all codes together.
    segments, documents : int
        Those that two coders or more coded.
    """

    table: pd.DataFrame
    overall: pd.DataFrame
    segments: int
    documents: int


def agreement(labels: Labels, coded: Labels, documents: Sequence[str], columns: Sequence[str]) -> Agreement:
    """Measure how well coders agree, per code and over whole label sets.

    α is Krippendorff's, for nominal data, any number of coders and missing values (K. Krippendorff,
    "Computing Krippendorff's Alpha-Reliability", 2011, section C); over label sets it takes
    `masi_distance`. κ is that of J. Cohen ("A Coefficient of Agreement for Nominal Scales", 1960);
    of more than two coders the mean over their pairs (R. J. Light, "Measures of Response Agreement
    for Qualitative Data", 1971). F1 between two coders does not depend on which of them is taken
    as gold; of more, it is the mean over their pairs (G. Hripcsak & A. S. Rothschild, "Agreement,
    the F-Measure, and Reliability in Information Retrieval", 2005). A pair of whom a figure is
    undefined does not enter its mean.

    Intervals are percentiles of 2,000 bootstrap replications that draw documents with replacement:
    segments of one document are alike (A. C. Davison & D. V. Hinkley, "Bootstrap Methods and their
    Application", 1997, section 3.8). There is none with fewer than two documents, nor where a figure
    is undefined in more than 2.5 % of the replications.

    Parameters
    ----------
    labels : ndarray of bool, shape (n_coders, n_segments, n_columns)
    coded : ndarray of bool, shape (n_coders, n_segments)
        Who coded which segment; segments that fewer than two did are left out.
    documents : sequence of str, length n_segments
    columns : sequence of str
        Codes or categories.

    Examples
    --------
    >>> doctor, fair = [True, False], [False, True]  # 签约医生每月上门。 · 招聘会办到了村口。
    >>> labels = np.array([[doctor, fair, fair], [doctor, fair, doctor]])
    >>> found = agreement(labels, np.ones((2, 3), dtype=bool), ["甲", "乙", "丙"], ["health", "employment"])
    >>> found.table["alpha"].round(3).tolist(), found.overall["value"].round(3).tolist()
    ([0.444, 0.444], [0.444, 0.667, 0.667])
    """
    shared = coded.sum(axis=0) >= 2
    names = np.asarray(documents, dtype=str)[shared]
    sums = _sums(labels[:, shared], coded[:, shared], names)
    figures = sums.figures(np.ones((1, sums.n_documents)))
    replications = _joined([sums.figures(drawn) for drawn in _drawn(sums.n_documents, sums.width)])
    estimates = {
        name: _with_interval(figures[name][0], replications[name], sums.n_documents) for name in figures
    }
    by_code = {
        f"{name}{ending}": values
        for name in BY_CODE
        for ending, values in zip(("", "_low", "_high"), estimates[f"{name} by code"], strict=True)
    }
    overall = {name: [float(v) for v in estimates[name]] for name in OVERALL}
    return Agreement(
        pd.DataFrame(by_code, index=pd.Index(list(columns), name="code")),
        pd.DataFrame.from_dict(overall, orient="index", columns=["value", "low", "high"]),
        int(shared.sum()),
        sums.n_documents,
    )


def masi_distance(first: Labels, second: Labels) -> Floats:
    """Return how far apart label sets are: 1 - Jaccard's coefficient × monotonicity.

    Monotonicity is 1 for equal sets, 2/3 where one holds the other, 1/3 where they overlap
    otherwise, 0 where they share nothing (R. Passonneau, "Measuring Agreement on Set-valued Items
    (MASI) for Semantic and Pragmatic Annotation", 2006). Two empty sets are equal; an empty set,
    the answer "no measure", shares nothing with any other. Of sets with one code each, the
    distance is nominal: 0 or 1.

    Parameters
    ----------
    first, second : ndarray of bool, shape (…, n_codes)

    Returns
    -------
    ndarray of float, shape (…)

    >>> one, two = np.array([True, False]), np.array([True, True])
    >>> float(masi_distance(one, two).round(3)), float(masi_distance(one, ~two))
    (0.667, 1.0)
    """
    return _masi((first & second).sum(axis=-1), first.sum(axis=-1), second.sum(axis=-1))


def _masi(both: NDArray[np.int64], first: NDArray[np.int64], second: NDArray[np.int64]) -> Floats:
    """Return the MASI distance from the sizes of the intersection and of the two sets."""
    either = first + second - both
    # Equal sets hold each other, and sets that hold each other overlap: each step is worth a third.
    # Where nothing is shared, Jaccard's coefficient is 0 whatever the steps say.
    thirds = (both > 0).astype(np.int8) + (both == np.minimum(first, second)) + (both == either)
    return np.where(either == 0, 0.0, 1 - thirds * both / np.maximum(3 * either, 1))


def alpha(observed: Floats, expected: Floats, values: Floats) -> Floats:
    """Return Krippendorff's α = 1 - (n - 1) × observed / expected; NaN where nothing varies.

    Parameters
    ----------
    observed : ndarray of float
        Over segments, the distances of all ordered pairs of values, divided by one less than the
        number of values of the segment.
    expected : ndarray of float
        The distances of all ordered pairs of values, of whatever segments.
    values : ndarray of float
        n, the number of values in segments with two or more.

    Notes
    -----
    The last form of section C in Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011,
    with distances that need not be 0 or 1 as in its section E.
    """
    return _ratio_or_nan(expected - (values - 1) * observed, expected)


def cohen_kappa(counts: Floats) -> Floats:
    """Return Cohen's κ = (p_o - p_e) / (1 - p_e); NaN where both coders always give the same answer.

    Parameters
    ----------
    counts : ndarray of float, shape (…, 4)
        Segments to which both coders gave the code, only the first, only the second, neither.
    """
    both, first, second, neither = np.moveaxis(counts, -1, 0)
    total = both + first + second + neither
    # Both sides are multiplied by the square of the total: whole numbers, so that 0 is exactly 0.
    expected = (both + first) * (both + second) + (neither + first) * (neither + second)
    return _ratio_or_nan(total * (both + neither) - expected, total**2 - expected)


def pair_f1(counts: Floats) -> Floats:
    """Return F1 between two coders; NaN where neither gave the code. Shapes are as in `cohen_kappa`."""
    both, first, second, _ = np.moveaxis(counts, -1, 0)
    return _ratio_or_nan(2 * both, 2 * both + first + second)


def _ratio_or_nan(above: Floats, below: Floats) -> Floats:
    out = np.full(np.shape(below), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _mean_of_defined(values: Floats, axis: int) -> Floats:
    """Return the mean over an axis of what is a number."""
    defined = ~np.isnan(values)
    return _ratio_or_nan(np.where(defined, values, 0).sum(axis=axis), defined.sum(axis=axis).astype(float))


@dataclass(frozen=True)
class _Sums:
    """What all figures are made of, summed over the segments of each document.

    ``codes``: shape (n_documents, n_columns, 3): coders who gave the code times coders who did not,
    divided by one less than the coders of the segment; coders who gave it; coders.
    ``pairs``: shape (n_documents, n_pairs, n_columns, 4), see `cohen_kappa`.
    ``whole``: shape (n_documents, 4): MASI distances of ordered pairs, divided likewise; values;
    pairs of coders with the same set; pairs of coders.
    ``frequencies``: shape (n_documents, n_sets): how often each of ``sets`` was given.
    """

    codes: Floats
    pairs: Floats
    whole: Floats
    frequencies: sparse.csr_array
    sets: Labels

    @property
    def n_documents(self) -> int:
        return len(self.codes)

    @property
    def width(self) -> int:
        """The numbers that one replication needs at a time."""
        return max(self.n_documents, int(np.prod(self.pairs.shape[1:])), 2 * len(self.sets))

    def figures(self, weights: Floats) -> Mapping[str, Floats]:
        """Return all figures of documents counted as often as ``weights``, shape (n, n_documents), say."""
        crossed, ones, values = np.moveaxis(np.tensordot(weights, self.codes, 1), -1, 0)
        pairs = np.tensordot(weights, self.pairs, 1)
        distance, n, same, compared = (weights @ self.whole).T
        alike = pairs[..., 0] + pairs[..., 3]
        return {
            "alpha by code": alpha(2 * crossed, 2 * ones * (values - ones), values),
            "kappa by code": _mean_of_defined(cohen_kappa(pairs), axis=1),
            "agree by code": _ratio_or_nan(alike.sum(axis=1), pairs.sum(axis=(1, 3))),
            "f1 by code": _mean_of_defined(pair_f1(pairs), axis=1),
            "alpha": alpha(distance, self._expected(weights), n),
            "same_set": _ratio_or_nan(same, compared),
            "f1": _mean_of_defined(pair_f1(pairs.sum(axis=2)), axis=1),
        }

    def _expected(self, weights: Floats) -> Floats:
        """Return the MASI distances of all pairs of values, in blocks of sets: there may be thousands."""
        frequencies = np.asarray((self.frequencies.T @ weights.T).T)
        members, sizes = self.sets.astype(float), self.sets.sum(axis=1)
        out = np.zeros(len(weights))
        for start in range(0, len(sizes), _BLOCK):
            block, rest = slice(start, start + _BLOCK), slice(start, None)
            both = (members[block] @ members[rest].T).astype(np.int64)
            distances = _masi(both, sizes[block, None], sizes[rest])
            distances[:, _BLOCK:] *= 2  # the distance back is the same
            out += ((frequencies[:, rest] @ distances.T) * frequencies[:, block]).sum(axis=1)
        return out


def _sums(labels: Labels, coded: Labels, documents: NDArray[np.str_]) -> _Sums:
    """Sum over documents; each segment has two coders or more."""
    names, document = np.unique(documents, return_inverse=True)
    within = sparse.csr_array(
        (np.ones(len(document)), (document, np.arange(len(document)))), shape=(len(names), len(document))
    )
    sets, number = _distinct_sets(labels[coded])
    given = sparse.csr_array(
        (np.ones(len(number)), (np.nonzero(coded)[1], number)), shape=(len(document), len(sets))
    )
    pairs = list(combinations(range(len(labels)), 2))
    return _Sums(
        codes=_over(within, _code_values(labels, coded)),
        pairs=np.stack([_over(within, _pair_kinds(labels, coded, *pair)) for pair in pairs], axis=1),
        whole=_over(within, _set_values(labels, coded)),
        frequencies=sparse.csr_array(within @ given),
        sets=sets,
    )


def _over(within: sparse.csr_array, values: Floats) -> Floats:
    """Sum values over the segments of each document."""
    return np.asarray(within @ values.reshape(len(values), -1)).reshape(-1, *values.shape[1:])


def _distinct_sets(given: Labels) -> tuple[Labels, NDArray[np.int64]]:
    """Return the different label sets, and which of them each row is."""
    packed, number = np.unique(np.packbits(given, axis=1), axis=0, return_inverse=True)
    return np.unpackbits(packed, axis=1, count=given.shape[1]).astype(bool), number.reshape(-1)


def _code_values(labels: Labels, coded: Labels) -> Floats:
    """Return what α per code is made of, for each segment; see `_Sums`."""
    ones = (labels & coded[..., None]).sum(axis=0).astype(float)
    values = np.broadcast_to(coded.sum(axis=0)[:, None].astype(float), ones.shape)
    return np.stack([ones * (values - ones) / (values - 1), ones, values], axis=-1)


def _pair_kinds(labels: Labels, coded: Labels, first: int, second: int) -> Floats:
    """Return for each segment and code which of the four kinds it is for two coders; see `cohen_kappa`."""
    a, b = labels[first], labels[second]
    kinds = np.stack([a & b, a & ~b, ~a & b, ~a & ~b], axis=-1)
    return np.asarray(kinds & (coded[first] & coded[second])[:, None, None], dtype=float)


def _set_values(labels: Labels, coded: Labels) -> Floats:
    """Return what the figures over label sets are made of, for each segment; see `_Sums`."""
    values = coded.sum(axis=0).astype(float)
    distance, same, compared = np.zeros((3, len(values)))
    for first, second in combinations(range(len(labels)), 2):
        both = coded[first] & coded[second]
        apart = masi_distance(labels[first], labels[second])
        distance += 2 * both * apart
        same += both & (apart == 0)
        compared += both
    return np.stack([distance / (values - 1), values, same, compared], axis=-1)


def _drawn(n_documents: int, width: int) -> Iterator[Floats]:
    """Yield how often each document is drawn in some replications at a time; the seed is fixed."""
    rng = np.random.default_rng(SEED)
    at_a_time = min(REPLICATIONS, max(1, _CELLS // width))
    for start in range(0, REPLICATIONS, at_a_time):
        size = min(at_a_time, REPLICATIONS - start)
        drawn = rng.integers(n_documents, size=(size, n_documents)) + n_documents * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * n_documents).astype(np.float64)
        yield counts.reshape(size, n_documents)


def _joined(parts: Sequence[Mapping[str, Floats]]) -> Mapping[str, Floats]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _with_interval(value: Floats, replications: Floats, n_documents: int) -> Floats:
    """Return figures with the ends of their intervals, shape (3, …)."""
    defined = ~np.isnan(replications)
    known = (defined.mean(axis=0) >= 1 - UNDEFINED) & ~np.isnan(value) & (n_documents > 1)
    # Where an end is not known, any number stands in, so that the quantiles need not look for gaps.
    low, high = np.nanquantile(np.where(known, replications, 0.0), [0.025, 0.975], axis=0)
    return np.stack([value, np.where(known, low, np.nan), np.where(known, high, np.nan)])
