"""The sentences that a report shows for each code: the strongest, the most doubtful, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice, pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifier.cells import is_missing
from classifier.explanation import SHOWN, Explanation, explain
from classifier.labelled import Labelled
from classifier.model import PolicyClassifier
from classifier.report_tables import CodeSentences, Neighbour, Sentence
from classifier.report_texts import named

AROUND = 2  # segments shown before a sentence, and after it
ADDRESSES = ("url", "source")  # columns that may hold the address of a document
NEAR = 0.15  # a probability farther than this from what decides is not doubtful

Highlights = tuple[tuple[int, int, float], ...]


def sentences_of_codes(
    labelled: Labelled, model: PolicyClassifier | None, lang: str, most: int
) -> tuple[CodeSentences, ...]:
    """Return the sentences to show for each code of the codebook.

    Parameters
    ----------
    labelled : Labelled
    model : PolicyClassifier or None
        The one it was labelled with, which tells the thresholds and what decided; without it
        there are no highlights, and no doubtful sentences but where codes exclude each other.
    lang : {"zh", "en"}
    most : int
        Sentences of each kind.
    """
    chosen = _Chosen(labelled, model, most)
    return tuple(
        CodeSentences(
            code=code.code,
            title=named(code.name, lang, code.code),
            definition=named(code.definition, lang, ""),
            threshold=chosen.thresholds.get(code.code),
            **chosen.sentences(code.code),
        )
        for code in labelled.codebook.codes
    )


class _Chosen:
    """Chooses sentences, and knows what stands around them and why they were given their codes."""

    def __init__(self, labelled: Labelled, model: PolicyClassifier | None, most: int) -> None:
        self.labelled, self.model, self.most = labelled, model, most
        self.texts = labelled.frame["text"].tolist()
        self.probabilities = labelled.probabilities.to_numpy(dtype=float)
        self._explained: dict[str, Mapping[str, Explanation]] = {}

    @cached_property
    def thresholds(self) -> Mapping[str, float]:
        """The threshold of each trained code; none where codes exclude each other."""
        if self.model is None or self.labelled.codebook.exclusive:
            return {}
        trained = (c for c, yes in zip(self.model.codes_, self.model.trained_, strict=True) if yes)
        return dict(zip(trained, map(float, self.model.decisions_.threshold), strict=True))

    def sentences(self, code: str) -> dict[str, tuple[Sentence, ...]]:
        """Return the strongest and the doubtful sentences of a code; no text stands in both."""
        kinds = {"strongest": self._strongest(code), "doubtful": self._doubtful(code)}
        seen: set[str] = set()
        return {
            kind: tuple(self._sentence(row, code) for row in islice(self._new(rows, seen), self.most))
            for kind, rows in kinds.items()
        }

    def _new(self, rows: NDArray[np.intp], seen: set[str]) -> Iterator[int]:
        for row in rows.tolist():
            if self.texts[row] not in seen:
                seen.add(self.texts[row])
                yield row

    def _strongest(self, code: str) -> NDArray[np.intp]:
        """Return the segments given the code, the most probable first, unknown ones last."""
        rows = np.flatnonzero(self.labelled.given[code].to_numpy())
        probability = self.probabilities[rows, self._column(code)]
        return rows[np.argsort(-np.nan_to_num(probability, nan=-1.0), kind="stable")]

    def _doubtful(self, code: str) -> NDArray[np.intp]:
        """Return the segments near the probability that decides, on either side, the nearest first."""
        distance = np.abs(self.probabilities[:, self._column(code)] - self._deciding(code))
        near = np.flatnonzero(distance <= NEAR)
        return near[np.argsort(distance[near], kind="stable")]

    def _deciding(self, code: str) -> NDArray[np.float64] | float:
        """Return the probability above which a code is given: its threshold, or the best other code's."""
        others = np.delete(self.probabilities, self._column(code), axis=1)
        if not self.labelled.codebook.exclusive or not others.shape[1]:
            return self.thresholds.get(code, np.nan)
        best = np.where(np.isnan(others), -np.inf, others).max(axis=1)
        return np.where(np.isinf(best), np.nan, best)

    def _column(self, code: str) -> int:
        return self.labelled.codebook.columns.index(code)

    def _sentence(self, row: int, code: str) -> Sentence:
        frame, probability = self.labelled.frame, self.probabilities[row, self._column(code)]
        title = frame["title"].iloc[row] if "title" in frame else ""
        return Sentence(
            text=self.texts[row],
            doc_id=str(frame["doc_id"].iloc[row]),
            segment_id=str(frame["segment_id"].iloc[row]),
            title="" if is_missing(title) else str(title),
            codes=self._codes(row),
            probability=None if np.isnan(probability) else float(probability),
            highlights=self._highlights(self.texts[row], code),
            before=self._around(row, -AROUND, 0),
            after=self._around(row, 1, AROUND + 1),
            key=f"s{row}",
            url=self._address(row),
        )

    def _address(self, row: int) -> str:
        """Return where the document is on the web, empty where no column says it."""
        cells = (self.labelled.frame[name].iloc[row] for name in ADDRESSES if name in self.labelled.frame)
        return next((str(cell) for cell in cells if str(cell).startswith(("http://", "https://"))), "")

    def _codes(self, row: int) -> tuple[str, ...]:
        given = self.labelled.given
        return tuple(given.columns[given.iloc[row].to_numpy(dtype=bool)])

    @cached_property
    def _order(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Rows in the order of documents and text, the place of each row there, and its document."""
        documents = pd.factorize(self.labelled.frame["doc_id"])[0]
        start = pd.to_numeric(self.labelled.frame.get("start", pd.Series(dtype=float)), errors="coerce")
        keys = (documents,) if start.isna().any() or start.empty else (start.to_numpy(), documents)
        order = np.lexsort(keys)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        return order, place, documents

    def _around(self, row: int, first: int, last: int) -> tuple[Neighbour, ...]:
        order, place, documents = self._order
        at = int(place[row])
        rows = order[max(at + first, 0) : max(at + last, 0)]
        ids = self.labelled.frame["segment_id"]
        return tuple(
            Neighbour(self.texts[i], str(ids.iloc[i]), self._codes(i))
            for i in rows.tolist()
            if documents[i] == documents[row]
        )

    def _highlights(self, text: str, code: str) -> Highlights:
        if self.model is None or not text:
            return ()
        if text not in self._explained:
            self._explained[text] = {e.code: e for e in explain(self.model, text)}
        found = self._explained[text].get(code)
        return () if found is None else highlights(found)


def highlights(explanation: Explanation) -> Highlights:
    """Return what speaks for a code as pieces of text without overlaps: start, end, weight.

    The weight of evidence is spread evenly over its characters; where a cue lies in a phrase,
    the weights of both add up.

    >>> from classifier.explanation import Evidence
    >>> evidence = (Evidence("签约医生", 0, 4, 2.0), Evidence("医生", 2, 4, 1.0, is_cue=True))
    >>> highlights(Explanation("health", 0.9, 0.5, True, 3.0, 0.0, 0.0, evidence))
    ((0, 2, 1.0), (2, 4, 2.0))
    """
    speaking = [e for e in explanation.evidence if e.weight >= SHOWN and e.end > e.start]
    bounds = sorted({bound for e in speaking for bound in (e.start, e.end)})
    pieces = []
    for start, end in pairwise(bounds):
        density = sum(e.weight / (e.end - e.start) for e in speaking if e.start <= start and end <= e.end)
        if density:
            pieces.append((start, end, float(density * (end - start))))
    return tuple(pieces)
