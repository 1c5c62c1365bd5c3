"""Cutting a corpus into folds: whole groups, with each code spread evenly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from classifier.errors import CorpusError


def grouped_folds(labels: NDArray[np.bool_], groups: Sequence[str], n_folds: int) -> NDArray[np.intp]:
    """Give each segment a fold so that no group is divided and codes are evenly spread.

    Groups are dealt out greedily, those with the rarest codes first, each to the
    fold that lacks its codes most (iterative stratification of Sechidis et al.,
    ECML PKDD 2011, with groups in the place of single examples). Nothing is drawn
    at random: the same corpus has the same folds.

    Parameters
    ----------
    labels : ndarray of bool, shape (n_segments, n_codes)
    groups : sequence of str, length n_segments
        The article that each segment stands in.
    n_folds : int

    Returns
    -------
    ndarray of int, shape (n_segments,)
        The fold of each segment, 0 … n_folds - 1.

    Raises
    ------
    CorpusError
        Where there are fewer groups than folds.

    >>> import numpy as np
    >>> labels = np.array([[True], [False], [True], [False]])
    >>> grouped_folds(labels, ["甲文", "甲文", "乙文", "乙文"], 2).tolist()
    [1, 1, 0, 0]
    """
    names, group_of = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    if len(names) < n_folds:
        raise CorpusError(
            f"{len(names)} articles cannot be cut into {n_folds} folds", f"label at least {n_folds} articles"
        )
    # The last column counts the segments themselves, so that folds are of one size too.
    counted = np.column_stack([labels, np.ones(len(labels), dtype=bool)]).astype(float)
    sums = np.zeros((len(names), counted.shape[1]))
    np.add.at(sums, group_of, counted)
    weight = sums / np.maximum(sums.sum(axis=0), 1)
    lacking = np.tile(sums.sum(axis=0) / n_folds, (n_folds, 1))
    rarity = 1 / np.maximum(sums.sum(axis=0), 1)
    fold_of = np.zeros(len(names), dtype=np.intp)
    for group in np.argsort(-weight.max(axis=1), kind="stable"):
        need = lacking @ (sums[group] * rarity**2)
        fold_of[group] = int(np.argmax(need))
        lacking[fold_of[group]] -= sums[group]
    return fold_of[group_of]
