"""The file that a coder fills in: segments drawn, what stands around them, and nothing of the model's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from classifier.codebook import Codebook
from classifier.encoded_rows import encoded
from classifier.errors import InputError, OutputError
from classifier.estimate import scores_of
from classifier.inert_text import inert
from classifier.labelled import Labelled
from classifier.sampling import DESIGNS, DOCUMENT, PROBABILITY, SEED, SEGMENT, STRATUM, UNIT, draw
from classifier.whole_file import whole_file
from classifier.workbook_sheets import Book, library

TO_FILL = ("codes", "coded", "note")
PROPOSED = "proposed"
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"  # so that Excel reads a CSV file as UTF-8
_WIDTHS = {"text": 60, "previous": 30, "next": 30, "codes": 24, "coded": 8, "note": 24, "definition": 90}
_YELLOW = "#F6E3A1"


def make_sample(
    labelled: Labelled, n: int, design: str = "stratified", seed: int = SEED, *, show_model: bool = False
) -> pd.DataFrame:
    """Draw segments of a labelled corpus for hand coding; see `draw`.

    Returns
    -------
    DataFrame
        In the order in which to code: ``segment_id``, ``doc_id``, the ``text`` between the one
        that stands ``previous`` and the one ``next`` in its document, ``codes``, ``coded`` and
        ``note``, empty; with ``show_model`` the codes ``proposed``; then what the estimate needs:
        ``stratum``, ``inclusion_probability`` and ``unit``, what was drawn: "segment" or "document".

    Raises
    ------
    InputError
        Where there is nothing to draw from, or the design is unknown.
    """
    if design not in DESIGNS:
        raise InputError(f"unknown design '{design}'", f"designs: {', '.join(DESIGNS)}")
    if not len(labelled):
        raise InputError(f"{labelled.source}: no segments", "label some text first: fupin label")
    scores = scores_of(labelled.given, labelled.probabilities).to_numpy()
    documents = pd.factorize(labelled.frame["doc_id"])[0].astype(np.intp)
    drawn = draw(scores, documents, n, design, seed)
    about = labelled.frame[["segment_id", "doc_id"]].assign(**_surroundings(labelled.frame))
    columns: dict[str, Any] = {str(name): about[name].to_numpy()[drawn.rows] for name in about}
    columns |= dict.fromkeys(TO_FILL, "")
    if show_model:
        columns[PROPOSED] = _joined(labelled.given.iloc[drawn.rows])
    unit = DOCUMENT if design == DESIGNS[2] else SEGMENT
    columns |= {STRATUM: drawn.stratum + 1, PROBABILITY: drawn.probability, UNIT: unit}
    return pd.DataFrame(columns)


def _surroundings(frame: pd.DataFrame) -> dict[str, pd.Series[str]]:
    """Return each segment's text between its neighbours', empty at the ends of a document."""
    texts = frame.groupby("doc_id", sort=False)["text"]
    return {
        "previous": texts.shift(1).fillna(""),
        "text": frame["text"],
        "next": texts.shift(-1).fillna(""),
    }


def _joined(given: pd.DataFrame) -> list[str]:
    columns = given.columns.to_numpy()
    return [";".join(columns[row]) for row in given.to_numpy(dtype=bool)]


def write_sample(sample: pd.DataFrame, out: Path, codebook: Codebook) -> None:
    """Write a sample as ``.csv``, ``.xlsx`` or ``.jsonl``, whole or not at all.

    In CSV and XLSX no cell is taken for a formula; a workbook has the codes on a second sheet.
    Raises `OutputError` for another ending, where the place cannot be written, or where what
    writes workbooks is not installed.
    """
    write = sample_writer(out)
    content = write(sample, codebook)
    with whole_file(out) as stream:
        stream.buffer.write(content)


def sample_writer(out: Path) -> Callable[[pd.DataFrame, Codebook], bytes]:
    """Return what turns a sample into the bytes of a file so called, or raise `OutputError`."""
    suffix = out.suffix.lower()
    if suffix not in _WRITERS:
        raise OutputError(f"{out}: unknown format '{suffix}'", f"a sample is {', '.join(_WRITERS)}")
    if suffix == ".xlsx":
        library()
    return _WRITERS[suffix]


def _csv(sample: pd.DataFrame, _: Codebook) -> bytes:
    columns = {
        str(name): [inert(v) if isinstance(v, str) else v for v in sample[name].tolist()] for name in sample
    }
    return _BOM.encode() + encoded(columns, "csv", first=True).rows


def _jsonl(sample: pd.DataFrame, _: Codebook) -> bytes:
    rows = sample.to_dict("records")
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _xlsx(sample: pd.DataFrame, codebook: Codebook) -> bytes:
    book = Book("zh", codebook.name)
    _sheet(book, "sample", sample)
    codes = [
        {"code": c.code, **{f"name_{k}": v for k, v in c.name.items()}, "definition": _either(c.definition)}
        for c in codebook.codes
    ]
    _sheet(book, "codes", pd.DataFrame(codes).fillna(""))
    return book.finished()


def _either(texts: Mapping[str, str]) -> str:
    return next(iter(texts.values()), "")


def _sheet(book: Book, name: str, frame: pd.DataFrame) -> None:
    """Write a table as a sheet: what is to be filled in is yellow, the header stays in view."""
    sheet = book.file.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    for column, title in enumerate(map(str, frame.columns)):
        fill = {"bg_color": _YELLOW} if title in TO_FILL and name == "sample" else {}
        book.header(sheet, 0, column, [title], **fill)
        sheet.set_column(column, column, _WIDTHS.get(title, 14))
        for row, value in enumerate(frame[title].tolist(), 1):
            if isinstance(value, str):
                book.text(sheet, row, column, value, text_wrap=True, valign="top", num_format="@", **fill)
            else:
                sheet.write_number(row, column, value)
    sheet.autofilter(0, 0, max(len(frame), 1), frame.shape[1] - 1)


_WRITERS: Mapping[str, Callable[[pd.DataFrame, Codebook], bytes]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".jsonl": _jsonl,
}
