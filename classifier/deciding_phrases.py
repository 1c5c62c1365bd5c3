"""Which phrases decided, for many segments and one code at a time.

The phrases are those that `explain` finds and a report highlights; a test holds the two together.
`explain` weighs a segment for all codes; this weighs it for those asked for, and reads it once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.explanation import SHARE, SHOWN
from classifier.features import prepare_aligned, spoken_aligned
from classifier.model import PolicyClassifier
from classifier.normalise import Aligned

MOST = 5  # phrases named of a segment

Array = NDArray[np.float64]
Piece = tuple[int, int, float]  # start and end in the raw segment, and the weight
Columns = tuple[tuple[int, float], ...]  # columns, each with a value


@dataclass(frozen=True)
class _Read:
    """A segment as the features see it.

    ``columns``, ``starts``, ``ends`` and ``each`` have an item for each place where a term stands:
    which term, where, and what a weight of 1 would add for it to each of its characters.
    ``cues`` are those of the lexicon: start, end (in the raw segment), the columns of the code that
    they are of, and what a weight of 1 would add for each of these.
    """

    place: Aligned
    columns: NDArray[np.intp]
    starts: NDArray[np.intp]
    ends: NDArray[np.intp]
    each: Array
    cues: tuple[tuple[int, int, Columns], ...]


class DecidingPhrases:
    """Finds what speaks for codes in segments.

    Parameters
    ----------
    model : PolicyClassifier
    """

    def __init__(self, model: PolicyClassifier) -> None:
        self._features = model.features_
        trained = (code for code, yes in zip(model.codes_, model.trained_, strict=True) if yes)
        self._weights = dict(zip(trained, model.coef_.astype(float), strict=True))
        self._texts: dict[str, _Read] = {}

    def phrases(self, text: str, code: str) -> tuple[str, ...]:
        """Return what speaks most for a code in a segment, in the order of the text; `MOST` at most.

        None for a code that the model was not trained on.

        >>> from classifier import load_model
        >>> DecidingPhrases(load_model()).phrases("村里请签约医生上门看病。", "health")
        ('签约医生上门看病',)
        """
        weights = self._weights.get(code)
        if weights is None or not text:
            return ()
        if text not in self._texts:
            self._texts[text] = self._read(text)
        read = self._texts[text]
        cued = [
            (start, end, sum(each * float(weights[column]) for column, each in values))
            for start, end, values in read.cues
        ]
        found = [*_spoken_for(read, weights), *cued]
        joined = _joined([piece for piece in found if piece[2] >= SHOWN])
        strongest = sorted(joined, key=lambda piece: -piece[2])[:MOST]
        return tuple(text[start:end] for start, end, _ in sorted(strongest))

    def _read(self, text: str) -> _Read:
        place, features = prepare_aligned(text), self._features
        columns, starts, ends = features.occurrences(text)
        listed = columns.tolist()
        times = Counter(listed)
        squared = float(np.square(features.idf_[list(times)].astype(float)).sum())
        length = squared**0.5 or 1.0  # of the row; rows of TF-IDF are divided by it
        each = features.idf_[columns].astype(float) / length
        each /= [times[column] for column in listed] * (ends - starts)
        return _Read(place, columns, starts, ends, each, tuple(self._cues(text, place)))

    def _cues(self, text: str, place: Aligned) -> Iterator[tuple[int, int, Columns]]:
        """Yield the cues in a segment; those of one code share the values of its columns."""
        if self._features.lexicon is None:
            return
        # Features see every number as a 0, the lexicon does not; elsewhere the two see the same.
        spoken = spoken_aligned(text) if "0" in place.text else place
        hits = self._features.lexicon.hits(spoken.text)
        times = Counter(code for hit in hits for code in hit.codes)
        values = self._features.values_of_hits(spoken.text) if hits else {}
        for hit in hits:
            for code in hit.codes:
                each = tuple((column, value / times[code]) for column, value in values[code])
                yield *spoken.span(hit.start, hit.end), each


def _spoken_for(read: _Read, weights: Array) -> list[Piece]:
    """Return runs of characters that speak for a code, weak ones left out."""
    size = len(read.place.text)
    share = read.each * weights[read.columns]
    steps = np.bincount(read.starts, share, size + 1) - np.bincount(read.ends, share, size + 1)
    characters = np.cumsum(steps)[:size]
    speaks = characters > SHARE * np.abs(characters).max(initial=0.0)
    edges = np.zeros(size + 2, dtype=bool)
    edges[1:-1] = speaks
    bounds = np.flatnonzero(edges[1:] != edges[:-1]).reshape(-1, 2).tolist()
    return [(*read.place.span(a, b), float(characters[a:b].sum())) for a, b in bounds]


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Return pieces that touch or overlap as one, their weights added up."""
    out: list[Piece] = []
    for start, end, weight in sorted(pieces):
        if out and start <= out[-1][1]:
            first, last, before = out.pop()
            start, end, weight = first, max(end, last), before + weight  # noqa: PLW2901
        out.append((start, end, weight))
    return out
