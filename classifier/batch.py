"""Labelling documents: one pure function on frames, and files in, files out."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifier.codebook import OUTPUT_COLUMNS
from classifier.documents import ID_COLUMNS, Document
from classifier.errors import InputError, OutputError
from classifier.explanation import evidence_of
from classifier.model import Classifier, PolicyClassifier
from classifier.segments import segments
from classifier.whole_file import whole_file

FORMATS = ("csv", "jsonl")
UNITS = ("segment", "row")
CHUNK = 500  # documents labelled at a time
_OWN = ("doc_id", "segment_id", "paragraph", "start", "end", "text")
_ABOUT = ("title", "date", "source")


def label(
    documents: pd.DataFrame,
    model: Classifier,
    *,
    unit: str = "segment",
    scheme: str | None = None,
    explain: bool = False,
) -> pd.DataFrame:
    """Cut documents into segments and label each.

    A pure function of its arguments: the same frame gives the same rows, whatever
    else is labelled beside it.

    Parameters
    ----------
    documents : DataFrame
        Columns ``id`` (or ``doc_id`` or ``doc``; else the row's position) and ``text``;
        every other column is carried along.
    model : PolicyClassifier or LexiconClassifier
    unit : {"segment", "row"}
        ``"row"`` takes each text as one segment, uncut.
    scheme : str, optional
        A scheme of the model's codebook; adds the column ``categories``.
    explain : bool
        Adds the column ``evidence``: for each code given the phrases and cues that speak
        most for it, with offsets into the segment; see `evidence_of`.

    Returns
    -------
    DataFrame
        One row a segment: ``doc_id, segment_id, paragraph, start, end, text, codes``,
        with a scheme ``categories``, where asked for ``evidence``, one probability column
        a code (4 decimals, NaN for untrained codes), then ``title, date, source`` and the
        other input columns; a column whose name is taken gets the prefix ``in_``.

    >>> import pandas as pd
    >>> from classifier import load_model
    >>> frame = pd.DataFrame({"id": ["甲"], "text": ["村里建了卫生室，签约医生每周坐诊。大家都说好。"]})
    >>> label(frame, load_model())[["segment_id", "start", "end", "codes"]].to_numpy().tolist()
    [['甲#0', 0, 17, 'health'], ['甲#1', 17, 23, '']]
    """
    id_column = next((c for c in ID_COLUMNS if c in documents.columns), None)
    ids = list(map(str, documents[id_column] if id_column else range(len(documents))))
    others = documents[[c for c in documents.columns if c not in (id_column, "text")]]
    texts = documents["text"].fillna("").tolist()
    return _label(ids, texts, others, model, unit=unit, scheme=scheme, explain=explain)


def _label(
    ids: Sequence[str],
    texts: Sequence[str],
    others: pd.DataFrame,
    model: Classifier,
    *,
    unit: str,
    scheme: str | None,
    explain: bool,
) -> pd.DataFrame:
    rows = [
        (position, identifier, n, *span, text[span[1] : span[2]])
        for position, (identifier, text) in enumerate(zip(ids, texts, strict=True))
        for n, span in enumerate(_spans(text, unit))
    ]
    own = pd.DataFrame(rows, columns=["position", "doc_id", "n", "paragraph", "start", "end", "text"])
    own["segment_id"] = own["doc_id"].astype(str) + "#" + own["n"].astype(str)
    rest = [c for c in others.columns if c not in _ABOUT]
    carried = others.reindex(columns=[*_ABOUT, *rest]).iloc[own["position"]].reset_index(drop=True)
    carried[list(_ABOUT)] = carried[list(_ABOUT)].astype(object).fillna("")
    labelled = _labelled(own["text"].tolist(), model, scheme, explain)
    carried = carried.rename(columns=_renamed(rest, {*OUTPUT_COLUMNS, *model.codes_}))
    return pd.concat([own[list(_OWN)], labelled, carried], axis=1)


def _renamed(columns: Sequence[str], taken: set[str]) -> dict[str, str]:
    """Return a free name for each column whose own is taken: ``in_`` before it, more than once if need be."""
    used, names = {*taken, *columns}, {}
    for column in columns:
        if column in taken:
            new = f"in_{column}"
            while new in used:
                new = f"in_{new}"
            used.add(new)
            names[column] = new
    return names


def _spans(text: str, unit: str) -> list[tuple[int, int, int]]:
    """Return (paragraph, start, end) of each segment of a text."""
    if unit == "row":
        return [(0, 0, len(text))]
    return [(s.paragraph, s.start, s.end) for s in segments(text)]


def _labelled(texts: Sequence[str], model: Classifier, scheme: str | None, explain: bool) -> pd.DataFrame:
    """Return ``codes``, ``categories`` and ``evidence`` where asked for, and the probabilities."""
    codes = list(model.codes_)
    probabilities = model.predict_proba(texts) if texts else np.zeros((0, len(codes)))
    given = pd.DataFrame(model.decide(probabilities), columns=codes)
    out = {"codes": _joined(given)}
    if scheme is not None:
        out["categories"] = _joined(model.codebook.roll_up(given, scheme))
    if explain:
        out["evidence"] = _evidence(texts, given.to_numpy(dtype=bool), model)
    return pd.concat(
        [
            pd.DataFrame(out, index=given.index, dtype=object),
            pd.DataFrame(probabilities.round(4), columns=codes),
        ],
        axis=1,
    )


def _evidence(texts: Sequence[str], given: NDArray[np.bool_], model: Classifier) -> list[str]:
    if not isinstance(model, PolicyClassifier):
        raise InputError(f"{type(model).__name__} cannot explain itself", "explain with a trained model")
    coded = [bool(row.any()) for row in given]
    return [evidence_of(model, text) if yes else "" for text, yes in zip(texts, coded, strict=True)]


def _joined(given: pd.DataFrame) -> list[str]:
    """Return the names of the columns that are true in each row, joined by ``;``."""
    names = list(map(str, given.columns))
    return [
        ";".join(n for n, yes in zip(names, row, strict=True) if yes) for row in given.to_numpy(dtype=bool)
    ]


@dataclass(frozen=True)
class Tally:
    """What a run read and wrote."""

    documents: int
    segments: int
    coded: int  # segments with at least one code


def label_documents(
    documents: Iterable[Document],
    model: Classifier,
    out: Path | None,
    *,
    file_format: str | None = None,
    unit: str = "segment",
    scheme: str | None = None,
    explain: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Label a stream of documents and write the rows to a file, or to standard output.

    The file appears under its name only when it is whole; until then the rows stand
    in ``OUT.part`` beside it. ``progress`` is told the number of documents done.

    Raises `OutputError` for an unknown format or a place that cannot be written.
    """
    writer = _FORMATS[_format_of(out, file_format)]
    count = {"documents": 0, "segments": 0, "coded": 0}
    with _opened(out, bom=writer is _write_csv) as stream:
        header: list[str] | None = None
        for chunk in _chunks(documents):
            ids, texts = [d.id for d in chunk], [d.text for d in chunk]
            frame = _label(ids, texts, _others(chunk), model, unit=unit, scheme=scheme, explain=explain)
            if header is not None and list(frame.columns) != header:
                frame = _fitted(frame, header)
            writer(frame, stream, first=header is None)
            header = list(frame.columns)
            count["documents"] += len(chunk)
            count["segments"] += len(frame)
            count["coded"] += int((frame["codes"] != "").sum())
            progress(len(chunk))
        if header is None:
            frame = _label([], [], _others([]), model, unit=unit, scheme=scheme, explain=explain)
            writer(frame, stream, first=True)
    return Tally(**count)


def _fitted(frame: pd.DataFrame, header: list[str]) -> pd.DataFrame:
    """Line a later chunk up with the header already written."""
    new = [c for c in frame.columns if c not in header]
    if new:
        raise InputError(
            f"column '{new[0]}' first appears after {CHUNK} or more documents",
            "label tables with other columns apart",
        )
    return frame.reindex(columns=header)


def _chunks(documents: Iterable[Document]) -> Iterator[list[Document]]:
    stream = iter(documents)
    while chunk := list(islice(stream, CHUNK)):
        yield chunk


def _others(chunk: Sequence[Document]) -> pd.DataFrame:
    """Return what documents carry beside id and text."""
    about = ({"title": d.title, "date": d.date, "source": d.source} for d in chunk)
    return pd.DataFrame([{**d.meta, **a} for d, a in zip(chunk, about, strict=True)], dtype=object)


def _format_of(out: Path | None, file_format: str | None) -> str:
    name = file_format or ("csv" if out is None else out.suffix.lower().lstrip("."))
    if name not in _FORMATS:
        raise OutputError(f"{out or '--format'}: unknown format '{name}'", f"formats: {', '.join(FORMATS)}")
    return name


@contextmanager
def _opened(out: Path | None, *, bom: bool) -> Iterator[TextIO]:
    """Open a file that appears when it is whole; None is standard output."""
    if out is not None:
        with whole_file(out, bom=bom) as stream:
            yield stream
        return
    stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        yield stdout
    finally:
        stdout.detach()


def _write_csv(frame: pd.DataFrame, stream: TextIO, *, first: bool) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    # Before Python 3.13 the library leaves a lone carriage return bare, and cannot read it back.
    quoting = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    if first:
        writer.writerow(frame.columns)
    for row in _records(frame):
        cells = ["" if _missing(v) else v for v in row]
        (quoting if any("\r" in c for c in cells if isinstance(c, str)) else writer).writerow(cells)


def _write_jsonl(frame: pd.DataFrame, stream: TextIO, *, first: bool) -> None:
    names = list(frame.columns)
    for row in _records(frame):
        values: Mapping[str, Any] = {n: None if _missing(v) else v for n, v in zip(names, row, strict=True)}
        stream.write(json.dumps(values, ensure_ascii=False) + "\n")


def _records(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Yield rows of plain Python values."""
    columns = [frame.iloc[:, i].tolist() for i in range(frame.shape[1])]
    return zip(*columns, strict=True)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


_FORMATS: Mapping[str, Callable[..., None]] = {"csv": _write_csv, "jsonl": _write_jsonl}
