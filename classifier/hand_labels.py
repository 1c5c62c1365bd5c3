"""What a coder filled in: reading it, joining it to the labelled corpus, and refusing what does not fit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classifier.codebook import Codebook
from classifier.coded_marks import CODED, is_coded
from classifier.corpus import split_codes
from classifier.correction import Labels
from classifier.errors import InputError
from classifier.estimate import CodedCorpus, scores_of
from classifier.inert_text import inert
from classifier.labelled import Labelled
from classifier.sampling import DOCUMENT, PROBABILITY, STRATUM, UNIT, UNITS
from classifier.spreadsheet_guard import GUARDED, unguarded
from classifier.survey import Array, Drawn, Numbers
from classifier.tables import table_rows
from classifier.text_files import suffix_of

OFF = 0.1  # how far the weights may add up to another number than there is in the corpus
_NEEDED = ("segment_id", "codes", PROBABILITY)
_SEMICOLONS = re.compile("[；，、,]")
_CUT = 16_000  # characters beyond which a workbook's cell may not hold the whole text
_SAME = "name the labelled file that the sample was drawn from, and keep all rows of the sample"


@dataclass(frozen=True)
class HandLabels:
    """Hand labels joined to the corpus they were drawn from.

    ``corpus``: for `estimate_shares` and its kin; ``rows`` of the sample; ``coded`` of them;
    ``set_aside``: coded rows of documents not coded as a whole, though drawn as such.
    """

    corpus: CodedCorpus
    rows: int
    coded: int
    set_aside: int = 0


@dataclass(frozen=True)
class _Row:
    """A row of the sample, and where it stands, for messages."""

    cells: Mapping[str, Any]
    place: str

    def text(self, column: str) -> str:
        """Return a cell as text, without space around it."""
        value = self.cells.get(column)
        return "" if value is None or value != value else str(value).strip()  # noqa: PLR0124 - not a number


def read_hand_labels(path: Path, labelled: Labelled) -> HandLabels:
    """Read a sample that was filled in, and join it to the labelled corpus by ``segment_id``.

    A row counts as coded if its cell ``coded`` says so (see `is_coded`) or it has codes; without a
    column ``coded`` all rows do. Rows that are not coded are taken as missing at random within
    their stratum: the inclusion probabilities of the others are multiplied by their part. Without
    a column ``unit`` segments of one document are taken to have been drawn together, which at
    worst makes intervals wider than need be.

    Raises
    ------
    InputError
        With file, row and value for a missing column, a segment that is not in the corpus, stands
        twice or has another text, an inclusion probability that is none, an unknown code, a mark
        that is none, and where nothing of the sample or of a stratum is coded, or the inclusion
        probabilities do not fit the corpus.
    """
    rows = _read(path)
    at = _joined(rows, labelled)
    by_document = _drawn_as(rows)
    documents = pd.factorize(labelled.frame["doc_id"])[0].astype(np.intp)
    unit = at if by_document is False else documents[at]
    every = documents if by_document else np.arange(len(documents), dtype=np.intp)
    if by_document:
        _check_whole(rows, unit, documents)
    probability = np.array([_probability(row) for row in rows])
    _check_weights(probability, every[at], int(every.max()) + 1, path)
    coded, gold = _coded(rows), _gold(rows, labelled.codebook)
    counted = coded & ~np.isin(unit, unit[~coded]) if by_document else coded
    if not counted.any():
        what = "document is coded as a whole" if coded.any() else "row is coded"
        raise InputError(
            f"{path.name}: not one {what}",
            f"fill in 'codes', and write 1 under '{CODED}' where there is no code too",
        )
    stratum = _strata(rows)
    part = _part(counted, stratum, every[at], rows)
    drawn = Drawn(at[counted], (probability * part)[counted], stratum[counted], unit[counted])
    corpus = CodedCorpus(
        labelled.given,
        scores_of(labelled.given, labelled.probabilities),
        pd.DataFrame(gold[counted], columns=list(labelled.codebook.columns)),
        drawn,
        documents if by_document else None,
    )
    return HandLabels(corpus, len(rows), int(coded.sum()), int((coded & ~counted).sum()))


def _read(path: Path) -> list[_Row]:
    clean = unguarded if suffix_of(path) in GUARDED else str
    rows = [
        _Row({k: clean(v) if isinstance(v, str) else v for k, v in cells.items()}, f"{path.name}: row {n}")
        for n, cells in enumerate(table_rows(path), 1)
    ]
    if not rows:
        raise InputError(f"{path}: no rows", "give a sample that `fupin sample` wrote, filled in")
    for row in rows:
        missing = next((column for column in _NEEDED if column not in row.cells), None)
        if missing is not None:
            raise InputError(f"{row.place}: no column '{missing}'", f"columns: {', '.join(row.cells)}")
    return rows


def _joined(rows: Sequence[_Row], labelled: Labelled) -> Numbers:
    """Return where in the corpus each row of the sample stands."""
    places = {inert(name).strip(): i for i, name in enumerate(labelled.frame["segment_id"])}
    texts = labelled.frame["text"]
    seen: dict[int, str] = {}
    for row in rows:
        name = row.text("segment_id")
        if name not in places:
            raise InputError(f"{row.place}: segment_id '{name}' is not in {labelled.source}", _SAME)
        i = places[name]
        if i in seen:
            raise InputError(
                f"{row.place}: segment_id '{name}' stands in {seen[i]} too", "keep one of the two"
            )
        if "text" in row.cells and not _alike(row.text("text"), texts.iloc[i]):
            begins = " ".join(texts.iloc[i].split())[:20]
            raise InputError(f"{row.place}: in {labelled.source} the text of '{name}' is '{begins}…'", _SAME)
        seen[i] = row.place
    return np.array(list(seen), dtype=np.intp)


def _alike(one: str, other: str) -> bool:
    """Return whether two texts have the same words, whatever a spreadsheet did to marks and spaces."""
    words = [re.sub(r"\W+", "", text) for text in (one, other)]
    return words[0] == words[1] or (len(other) > _CUT and words[1].startswith(words[0][: _CUT // 2]))


def _drawn_as(rows: Sequence[_Row]) -> bool | None:
    """Return whether whole documents were drawn; None where the sample does not say."""
    if not any(UNIT in row.cells for row in rows):
        return None
    for row in rows:
        if row.text(UNIT) not in UNITS or row.text(UNIT) != rows[0].text(UNIT):
            raise InputError(
                f"{row.place}: '{UNIT}' is '{row.text(UNIT)}'",
                f"it says what was drawn, in all rows alike: {' or '.join(UNITS)}",
            )
    return rows[0].text(UNIT) == DOCUMENT


def _probability(row: _Row) -> float:
    try:
        value = float(row.text(PROBABILITY))
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise InputError(
            f"{row.place}: {PROBABILITY} is '{row.text(PROBABILITY)}'",
            "it is a number above 0, at most 1, which `fupin sample` wrote; take it from there",
        )
    return value


def _strata(rows: Sequence[_Row]) -> Numbers:
    number, _ = pd.factorize(np.array([row.text(STRATUM) for row in rows], dtype=object))
    return number.astype(np.intp)


def _coded(rows: Sequence[_Row]) -> Labels:
    if not any(CODED in row.cells for row in rows):
        return np.ones(len(rows), dtype=bool)
    marked = [is_coded(row.cells.get(CODED), row.place) or bool(row.text("codes")) for row in rows]
    return np.array(marked, dtype=bool)


def _gold(rows: Sequence[_Row], codebook: Codebook) -> Labels:
    """Return the codes of each row, shape (n_rows, n_codes); none where it is not coded."""
    column = {code: k for k, code in enumerate(codebook.columns)}
    gold = np.zeros((len(rows), len(column)), dtype=bool)
    coded = _coded(rows)
    for i, row in enumerate(rows):
        value = row.cells["codes"]
        codes = split_codes(_SEMICOLONS.sub(";", value) if isinstance(value, str) else value, row.place)
        unknown = next((code for code in codes if code not in column), None)
        if unknown is not None:
            raise InputError(
                f"{row.place}: unknown code '{unknown}'", "`fupin codebook show` lists codes; join them by ;"
            )
        if codebook.exclusive and coded[i] and len(codes) != 1:
            raise InputError(
                f"{row.place}: {len(codes)} codes, but '{codebook.name}' wants exactly one",
                f"mend the row, or leave it without codes and '{CODED}' empty",
            )
        gold[i, [column[code] for code in codes]] = True
    return gold


def _check_whole(rows: Sequence[_Row], unit: Numbers, documents: Numbers) -> None:
    """See that the sample holds all segments of each document that was drawn."""
    size = np.bincount(documents)
    held = np.bincount(unit, minlength=len(size))
    for row, document in zip(rows, unit, strict=True):
        if held[document] < size[document]:
            raise InputError(
                f"{row.place}: of document '{row.text('doc_id')}' the sample has {held[document]} of"
                f" {size[document]} segments",
                f"keep all rows of a document, or write '{UNITS[0]}' under '{UNIT}' if segments were drawn",
            )


def _check_weights(probability: Array, unit: Numbers, size: int, path: Path) -> None:
    """See that what was drawn stands for as many units as there are in the corpus."""
    _, first = np.unique(unit, return_index=True)
    total = float((1 / probability[first]).sum())
    if abs(total / size - 1) > OFF:
        raise InputError(
            f"{path.name}: by '{PROBABILITY}' its rows stand for {total:,.0f}, the corpus has {size:,}", _SAME
        )


def _part(counted: Labels, stratum: Numbers, unit: Numbers, rows: Sequence[_Row]) -> Array:
    """Return for each row which part of its stratum's units is coded, shape (n_rows,)."""
    part = np.ones(len(rows))
    for h in np.unique(stratum):
        of = stratum == h
        done = len(np.unique(unit[of & counted])) / len(np.unique(unit[of]))
        if not done:
            row = rows[int(np.flatnonzero(of)[0])]
            raise InputError(
                f"{row.place}: nothing of {STRATUM} '{row.text(STRATUM)}' is coded",
                "code on, from the first row of the sample to this one at least",
            )
        part[of] = done
    return part
