"""Which segments people check by hand, code by code: the strongest, the doubtful, and some of the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifier.cells import is_missing
from classifier.deciding_phrases import DecidingPhrases
from classifier.labelled import Labelled
from classifier.model import PolicyClassifier
from classifier.report_sentences import NEAR
from classifier.report_tables import CodeSentences

MOST, OF_EACH = 500, 100  # segments on a sheet; of them strongest, and doubtful
SEED = 20_201  # of the random rest
STRONGEST, DOUBTFUL, RANDOM, REST = PICKS = ("strongest", "doubtful", "random", "rest")

_MARKS = re.compile(r"^\W+|\W+$")

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class CheckSheet:
    """Segments to check for one code.

    Parameters
    ----------
    code, title, definition : str
    threshold : float or None
    given : int
        How many segments of the corpus were given the code.
    exclusive : bool
        Whether a segment has exactly one code.
    frame : DataFrame of str, but for one column of float; a row a segment
        ``segment_id``, ``text``, ``codes`` (all that it was given, joined by ``;``), ``probability``
        (of this code; NaN where unknown), ``decided`` (the phrases that speak for it, joined by
        ``、``; empty without a model), ``picked`` (one of `PICKS`), ``title`` and ``doc_id``.
    """

    code: str
    title: str
    definition: str
    threshold: float | None
    given: int
    exclusive: bool
    frame: pd.DataFrame


def check_sheets(
    labelled: Labelled,
    codes: Sequence[CodeSentences],
    model: PolicyClassifier | None = None,
    most: int = MOST,
) -> Iterator[CheckSheet]:
    """Yield a sheet for each code, in the order of ``codes``.

    A sheet has the segments nearest to what decides, on either side (``doubtful``, `OF_EACH` at
    most and `NEAR` at most from it); of the others that were given the code the most probable
    (``strongest``, as many at most), and of those left as many as there is room for, drawn at random with a
    fixed seed (``random``), or all (``rest``). Of segments with the same text the first stands for
    all. They come as ``strongest``, ``doubtful``, ``random`` or ``rest``.

    What is picked is no random sample of the corpus: it serves to find errors, not to measure how
    many there are; for that there is `fupin sample`.

    Parameters
    ----------
    labelled : Labelled
    codes : sequence of CodeSentences
        A report's: what people call each code, and its threshold.
    model : PolicyClassifier, optional
        The one it was labelled with, which tells what decided.
    most : int
        Segments on a sheet.
    """
    picking = _Picking(labelled, most)
    deciding = None if model is None else DecidingPhrases(model)
    for about in codes:
        rows, picks = picking.picked(about.code, about.threshold)
        frame = picking.frame(about.code, rows, picks)
        frame.insert(4, "decided", _decided(frame["text"], about.code, deciding))
        given = int(labelled.given[about.code].sum())
        yield CheckSheet(
            about.code,
            about.title,
            about.definition,
            about.threshold,
            given,
            labelled.codebook.exclusive,
            frame,
        )


def _decided(texts: pd.Series[str], code: str, deciding: DecidingPhrases | None) -> list[str]:
    if deciding is None:
        return [""] * len(texts)
    return ["、".join(dict.fromkeys(_words(deciding.phrases(text, code)))) for text in texts]


def _words(phrases: Sequence[str]) -> Iterator[str]:
    """Yield phrases without the marks around them; a mark alone says nothing to a reader."""
    return filter(None, (_MARKS.sub("", phrase) for phrase in phrases))


class _Picking:
    """Picks segments, and knows which have the same text."""

    def __init__(self, labelled: Labelled, most: int) -> None:
        self.labelled, self.most = labelled, most
        self.text = pd.factorize(labelled.frame["text"])[0]
        self.probabilities = labelled.probabilities.to_numpy(dtype=float)
        self.codes = np.array(labelled.codebook.columns, dtype=object)

    def picked(self, code: str, threshold: float | None) -> tuple[Rows, list[str]]:
        """Return the rows to check for a code, in their order on the sheet, and why each was picked."""
        column = self.labelled.codebook.columns.index(code)
        probability = self.probabilities[:, column]
        distance = np.abs(probability - self._deciding(column, threshold))
        given = self.labelled.given[code].to_numpy(dtype=bool)
        near = np.flatnonzero(distance <= NEAR)
        doubtful = self._new(near[np.argsort(distance[near], kind="stable")])[: min(OF_EACH, self.most)]
        sure = np.flatnonzero(given & ~(distance <= NEAR) & ~np.isnan(probability))
        room = min(OF_EACH, self.most - len(doubtful))
        sure = sure[np.argsort(-probability[sure], kind="stable")]
        strongest = self._new(sure, doubtful)[:room]
        left = self._new(np.flatnonzero(given), np.concatenate([doubtful, strongest]))
        room = self.most - len(doubtful) - len(strongest)
        pick = REST
        if len(left) > room:
            drawn = np.random.default_rng([SEED, column]).choice(left, room, replace=False)
            left, pick = np.sort(drawn), RANDOM
        picks = [STRONGEST] * len(strongest) + [DOUBTFUL] * len(doubtful) + [pick] * len(left)
        return np.concatenate([strongest, doubtful, left]), picks

    def _new(self, rows: Rows, seen: Rows | None = None) -> Rows:
        """Return the first row of each text, in order, but for texts of rows seen."""
        _, first = np.unique(self.text[rows], return_index=True)
        rows = rows[np.sort(first)]
        return rows if seen is None else rows[~np.isin(self.text[rows], self.text[seen])]

    def _deciding(self, column: int, threshold: float | None) -> NDArray[np.float64] | float:
        """Return the probability above which a code is given: its threshold, or the best other code's."""
        if not self.labelled.codebook.exclusive or len(self.codes) == 1:
            return np.nan if threshold is None else threshold
        others = np.delete(self.probabilities, column, axis=1)
        best = np.where(np.isnan(others), -np.inf, others).max(axis=1)
        return np.where(np.isinf(best), np.nan, best)

    def frame(self, code: str, rows: Rows, picks: Sequence[str]) -> pd.DataFrame:
        """Return what stands on a sheet, but for what decided."""
        found = self.labelled.frame.iloc[rows]
        given = self.labelled.given.to_numpy(dtype=bool)[rows]
        columns: Mapping[str, object] = {
            "segment_id": found["segment_id"].to_numpy(),
            "text": found["text"].to_numpy(),
            "codes": [";".join(self.codes[row]) for row in given],
            "probability": self.labelled.probabilities[code].to_numpy(dtype=float)[rows],
            "picked": list(picks),
            "title": [_text(value) for value in found["title"]] if "title" in found else [""] * len(rows),
            "doc_id": found["doc_id"].to_numpy(),
        }
        return pd.DataFrame(columns)


def _text(value: object) -> str:
    return "" if is_missing(value) else str(value)
