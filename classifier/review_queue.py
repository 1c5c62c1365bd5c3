"""The order in which labelled segments are reviewed, and the random share of them kept apart as gold.

First comes what teaches most: of what the model is in doubt about, what is like many other segments
and unlike those that stand before it. docs/review-queue.md has the simulations that chose the formula.
Between them stand the segments of a random sample, which are never trained on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from classifier.errors import InputError
from classifier.features import prepare
from classifier.labelled import Labelled
from classifier.review_items import CONTEXT, GOLD, QUEUE, Item
from classifier.sampling import (
    DESIGNS,
    DOCUMENT,
    PROBABILITY,
    SEED,
    SEGMENT,
    STRATUM,
    UNIT,
    draw,
)
from classifier.survey import Array, Numbers

GOLD_SEGMENTS, SHARE = 200, 0.2  # gold in all, and its part of what is reviewed until all of it is
REPRESENTATION = 0.0  # power of a segment's likeness to all others
DEPTH = 10_000  # ranks given one by one; nobody reviews more before the next training
RARE = 0.005  # share below which a code weighs no more for being rare
HASHES = 2**18  # of character bigrams
_CHUNK = 10_000  # segments turned into items at once
_HINT = "give a file that `fupin label` wrote"
How = Mapping[str, Any]


@dataclass(frozen=True)
class Queue:
    """Which segments are reviewed, in which order, and which of them are gold.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        The row of the labelled file at each rank, from 0.
    drawn : mapping of int to mapping
        For each row that is gold how it was drawn: the columns ``stratum``,
        ``inclusion_probability`` and ``unit`` of `fupin sample`.
    """

    rows: Numbers
    drawn: Mapping[int, How]


def make_queue(
    labelled: Labelled,
    *,
    gold: int = GOLD_SEGMENTS,
    share: float = SHARE,
    design: str = DESIGNS[0],
    seed: int = SEED,
    earlier: Mapping[str, How] | None = None,
    decided: Collection[str] = (),
) -> Queue:
    """Put labelled segments in the order in which to review them.

    Parameters
    ----------
    labelled : Labelled
    gold : int
        Segments drawn at random and kept apart, at most ``share`` of all there are.
    share : float, in [0, 1)
        Gold's part of what is reviewed, at any time until all of it is.
    design : {"stratified", "random", "documents"}
        How gold is drawn, see `sampling.draw`; ``"documents"`` draws whole documents, two at least.
    seed : int
    earlier : mapping of str to mapping, optional
        The gold of an earlier queue in its order: segment_id and how it was drawn. It stays, and no
        other is drawn, so that gold is never trained on, however often the queue is made anew.
    decided : collection of str
        The segment_ids that need no more review; they are left out of the queue.

    Raises
    ------
    InputError
        Where there is nothing to review, an option is out of range, or earlier gold is not in the file.

    >>> from classifier.codebook import load_codebook
    >>> frame = pd.DataFrame({"segment_id": ["甲#0", "甲#1"], "text": ["天晴了。", "医生来了。"]})
    >>> frame["doc_id"] = "甲"
    >>> columns = load_codebook().columns
    >>> p = pd.DataFrame(0.01, frame.index, columns).assign(health=[0.01, 0.5])
    >>> labelled = Labelled("甲.csv", load_codebook(), frame, p > 0.4, p)
    >>> queue = make_queue(labelled)
    >>> queue.rows.tolist(), [item.rank for item in items(labelled, queue)]
    ([1, 0], [1, 0])
    """
    if not 0 <= share < 1 or gold < 0:
        raise InputError(f"{gold} gold segments, a share of {share}", "gold is 0 or more, the share below 1")
    if not len(labelled):
        raise InputError(f"{labelled.source}: no segments", "label some text first: fupin label")
    if earlier is None:
        drawn = _drawn(labelled, min(gold, round(share * len(labelled))), design, seed)
    else:
        drawn = _found(earlier, labelled)
    open_ = ~labelled.frame["segment_id"].isin(list(decided)).to_numpy(dtype=bool)
    apart = np.array(list(drawn), dtype=np.intp)
    others = open_.copy()
    others[apart] = False
    rows = np.flatnonzero(others)
    texts = labelled.frame["text"].iloc[rows].tolist()
    queue = rows[order(texts, doubt(labelled.probabilities.to_numpy())[rows])]
    rng = np.random.default_rng([seed, 1])  # another stream than the one that drew gold
    return Queue(mixed(queue, apart[open_[apart]], share, rng), drawn)


def items(labelled: Labelled, queue: Queue) -> Iterator[Item]:
    """Yield every segment as an item, in the order of the file; those not in the queue as context.

    Raises `InputError` with file, row and value where a place in the document is no whole number.
    """
    rank = np.full(len(labelled), -1)
    rank[queue.rows] = np.arange(len(queue.rows))
    paragraph, start, end = (_whole(labelled, name) for name in ("paragraph", "start", "end"))
    title, date, source = (_said(labelled.frame, name) for name in ("title", "date", "source"))
    columns = labelled.given.columns.to_numpy()
    for begin in range(0, len(labelled), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        frame = labelled.frame.iloc[part]
        given = labelled.given.iloc[part].to_numpy(dtype=bool)
        known = labelled.probabilities.iloc[part].to_numpy()
        names = zip(frame["segment_id"], frame["doc_id"], frame["text"], strict=True)
        for i, (segment_id, doc_id, text) in enumerate(names):
            row = begin + i
            has = np.flatnonzero(~np.isnan(known[i]))
            yield Item(
                segment_id=segment_id,
                doc_id=doc_id,
                text=text,
                codes=tuple(columns[given[i]].tolist()),
                probabilities=dict(zip(columns[has].tolist(), known[i, has].tolist(), strict=True)),
                place=row,
                rank=int(rank[row]) if rank[row] >= 0 else None,
                purpose=GOLD if row in queue.drawn else QUEUE if rank[row] >= 0 else CONTEXT,
                drawn=queue.drawn.get(row),
                paragraph=int(paragraph[row]),
                start=int(start[row]),
                end=int(end[row]),
                title=title[row],
                date=date[row],
                source=source[row],
            )


def doubt(probabilities: Array) -> Array:
    """Return how much the model is in doubt about each segment, all codes together, shape (n_segments,).

    √(mean over codes of p (1 - p) / (p̄ (1 - p̄))), with p̄ the mean over the segments: the spread that a
    code's label has when the model has spoken, relative to what it had before, so that a rare code
    counts as much as a common one. It is what `sampling.sizes` stratifies by. Going by the model's own
    doubt is uncertainty sampling (Lewis & Gale, "A sequential algorithm for training text classifiers",
    SIGIR 1994; for many codes at once Esuli & Sebastiani, "Active learning strategies for multi-label
    text classification", ECIR 2009).

    A code without a probability says nothing, and one rarer than `RARE` counts as if it were not rarer.
    A segment of which nothing is known is as doubtful as the most doubtful.

    Parameters
    ----------
    probabilities : ndarray of float, shape (n_segments, n_codes)
        NaN where unknown.

    >>> doubt(np.array([[0.5, 0.1], [0.1, 0.1], [0.0, 0.1]])).round(2).tolist()
    [1.13, 0.88, 0.71]
    """
    total, known = np.zeros(len(probabilities)), np.zeros(len(probabilities), dtype=int)
    for p in probabilities.T:  # one code at a time: there may be hundreds
        has = ~np.isnan(p)
        if has.any():
            mean = np.clip(p[has].mean(), RARE, 1 - RARE)
            total[has] += p[has] * (1 - p[has]) / (mean * (1 - mean))
            known += has
    found = np.sqrt(total / np.maximum(known, 1))
    return np.where(known > 0, found, found.max(initial=0) or 1.0)


def terms(texts: Sequence[str]) -> csr_matrix:
    """Return the character bigrams of texts, hashed and weighed by TF-IDF: rows of length 1 or 0, float32.

    Texts are taken as `features.prepare` writes them, so that those that differ in figures alone are alike.
    """
    hashed = HashingVectorizer(
        analyzer="char",
        lowercase=False,
        ngram_range=(2, 2),
        n_features=HASHES,
        binary=True,
        norm=None,
        alternate_sign=False,
        dtype=np.float32,
    ).transform(prepare(texts))
    return csr_matrix(TfidfTransformer().fit_transform(hashed), dtype=np.float32)


def representation(X: csr_matrix) -> Array:
    """Return the mean cosine of each text with all texts, shape (n_texts,).

    Information density (Settles & Craven, "An analysis of active learning strategies for sequence
    labeling tasks", EMNLP 2008, section 3.4). Of rows of length 1 it is the product with their mean.

    >>> representation(terms(["医生上门。", "医生上门。", "天晴了。"])).round(2).tolist()
    [0.67, 0.67, 0.33]
    """
    return np.asarray(X @ np.asarray(X.mean(axis=0), dtype=np.float64).ravel())


def order(
    texts: Sequence[str], worth: Array, *, power: float = REPRESENTATION, depth: int = DEPTH
) -> Numbers:
    """Return texts in the order of their worth, like ones apart.

    Worth is multiplied by `representation` to the ``power``. Then the next is always the one of
    highest worth times 1 - its greatest cosine with those before it: greedy k-center (Sener &
    Savarese, "Active learning for convolutional neural networks: a core-set approach", ICLR 2018)
    weighed by worth, or maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998) as a product.
    Of equal ones the first comes first.

    Parameters
    ----------
    texts : sequence of str, length n
    worth : ndarray of float, shape (n,), 0 or more
    power : float
    depth : int
        After so many the rest stands in the order that it then has.

    Returns
    -------
    ndarray of int, shape (n,)
        A permutation.

    >>> order(["医生每月上门。", "医生每周上门。", "天晴了。"], np.array([0.9, 0.8, 0.5]), power=0).tolist()
    [0, 2, 1]
    """
    if not len(texts):
        return np.zeros(0, dtype=np.intp)
    X = terms(texts)
    return spread(X, worth * representation(X) ** power if power else worth, depth)


def spread(X: csr_matrix, worth: Array, depth: int = DEPTH) -> Numbers:
    """Do as `order` does with rows of terms and their worth."""
    n = len(worth)
    texts_of = X.tocsc()
    nearest, value, found = np.zeros(n), np.array(worth, dtype=float), []
    for _ in range(min(depth, n)):
        chosen = int(value.argmax())
        found.append(chosen)
        own = slice(X.indptr[chosen], X.indptr[chosen + 1])
        cosine = _cosines(texts_of, X.indices[own], X.data[own])
        np.maximum(nearest, cosine, out=nearest)
        np.multiply(worth, 1 - np.minimum(nearest, 1), out=value)
        value[found] = -1
    rest = np.argsort(-value, kind="stable")[: n - len(found)]
    return np.concatenate([np.array(found, dtype=np.intp), rest])


def _cosines(texts_of: Any, columns: NDArray[Any], weights: NDArray[Any]) -> Array:
    """Return the products of all texts with one, by looking only at texts that share a term with it."""
    ends = [slice(texts_of.indptr[c], texts_of.indptr[c + 1]) for c in columns]
    if not ends:
        return np.zeros(texts_of.shape[0])
    rows = np.concatenate([texts_of.indices[end] for end in ends])
    parts = np.concatenate([texts_of.data[end] * w for end, w in zip(ends, weights, strict=True)])
    return np.asarray(np.bincount(rows, parts, texts_of.shape[0]), dtype=np.float64)


def mixed(queue: Numbers, gold: Numbers, share: float, rng: np.random.Generator) -> Numbers:
    """Return gold among the queue: one at a random place in each run of 1 / ``share``, while both last.

    Gold keeps its order, and where it stands is drawn without a look at what it is; so its first m are
    a random sample for every m (of each stratum, see `sampling.draw`), wherever the coder stops.

    >>> mixed(np.arange(8), np.array([90, 91]), 0.2, np.random.default_rng(1)).tolist()
    [0, 1, 90, 2, 3, 4, 5, 6, 7, 91]
    """
    of_queue = (np.arange(len(queue)) + 0.5) / (1 - share)
    of_gold = (np.arange(len(gold)) + rng.random(len(gold))) / max(share, 1e-9)  # of no share: at the end
    turn = np.argsort(np.concatenate([of_queue, of_gold]), kind="stable")
    return np.concatenate([queue, gold])[turn].astype(np.intp)


def _drawn(labelled: Labelled, n: int, design: str, seed: int) -> dict[int, How]:
    """Draw gold as `fupin sample` does: row and how it was drawn, in the order in which to code."""
    if design not in DESIGNS:
        raise InputError(f"unknown design '{design}'", f"designs: {', '.join(DESIGNS)}")
    if not n:
        return {}
    # Half the bytes: with hundreds of codes these are the largest arrays of all.
    scores = labelled.probabilities.to_numpy(dtype=np.float32)
    scores = np.where(np.isnan(scores), labelled.given.to_numpy(dtype=np.float32), scores)
    documents = pd.factorize(labelled.frame["doc_id"])[0].astype(np.intp)
    drawn = draw(scores, documents, n, design, seed)
    unit = DOCUMENT if design == DESIGNS[2] else SEGMENT
    return {
        int(row): {STRATUM: int(h) + 1, PROBABILITY: float(p), UNIT: unit}
        for row, h, p in zip(drawn.rows, drawn.stratum, drawn.probability, strict=True)
    }


def _found(earlier: Mapping[str, How], labelled: Labelled) -> dict[int, How]:
    """Return the rows of gold drawn for an earlier queue."""
    row_of = {name: row for row, name in enumerate(labelled.frame["segment_id"])}
    missing = next((name for name in earlier if name not in row_of), None)
    if missing is not None:
        raise InputError(
            f"{labelled.source}: gold segment '{missing}' is not in it",
            "give the file that the queue was made from, labelled anew",
        )
    return {row_of[name]: dict(how) for name, how in earlier.items()}


def _whole(labelled: Labelled, column: str) -> Numbers:
    """Return a column of whole numbers; where the file has none: of the text read alone."""
    alone = labelled.frame["text"].str.len() if column == "end" else pd.Series(0, labelled.frame.index)
    if column not in labelled.frame:
        return np.asarray(alone, dtype=np.intp)
    cells = labelled.frame[column]
    empty = cells.isna() | (cells.astype(str).str.strip() == "")
    numbers = pd.to_numeric(cells, errors="coerce").where(~empty, alone)
    wrong = np.flatnonzero(~((numbers >= 0) & (numbers % 1 == 0)).to_numpy(dtype=bool))
    if len(wrong):
        at = int(wrong[0])
        raise InputError(f"{labelled.source}: row {at + 1}: {column} is '{cells.iloc[at]}'", _HINT)
    return np.asarray(numbers, dtype=np.intp)


def _said(frame: pd.DataFrame, column: str) -> list[str]:
    """Return a column as text, empty where the file has none."""
    if column not in frame:
        return [""] * len(frame)
    return [str(value) for value in frame[column].astype(object).where(frame[column].notna(), "")]
