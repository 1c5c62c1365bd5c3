"""fupin's own tables, read as segments on their way to another tool, and written from such segments.

A table has a row for each segment and coder. ``coded`` is 1 where the coder has coded it; a row
that names a coder and is not marked was skipped, a row without a coder nobody has had.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from classifier.codebook import Codebook
from classifier.coded_marks import CODED, counts_as_coded
from classifier.corpus import read_articles, split_codes
from classifier.errors import InputError
from classifier.exchanged import (
    GUARDED,
    Coding,
    Exchanged,
    Placed,
    TheirNames,
    aside,
    json_value,
    merged,
    own_name,
)
from classifier.labelled import Labelled, read_labelled
from classifier.sample_files import PROPOSED, write_sample
from classifier.spreadsheet_guard import unguarded
from classifier.tables import table_rows
from classifier.text_files import GZIP, suffix_of

CODER, NOTE, MARK = "coder", "note", "1"
_ABOUT = ("segment_id", "doc_id", "text")
_COLUMNS = (*_ABOUT, "codes", CODER, CODED, NOTE, PROPOSED)
_NAMES = ("segment_id", "id")  # what names a segment
_DOCUMENTS = ("doc_id", "doc")


def read_segments(path: Path, codebook: Codebook) -> list[Exchanged]:
    r"""Read segments: what `fupin label` wrote, a table coded by hand, or the folder of a starter corpus.

    A table with a column for any code counts as written by `fupin label`; its codes are what the
    model proposed. In any other the codes are a coder's, whose name stands in the column ``coder`` or is
    that of the file; where there is a column ``coded``, only of rows that it marks or that have codes.

    Raises `InputError` with file, row and value, as the readers of these files do.

    >>> from classifier.codebook import load_codebook
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "张.csv"
    ...     _ = path.write_text("segment_id,text,codes\n甲#0,医生每月上门。,health\n", "utf-8")
    ...     read_segments(path, load_codebook())[0].codings
    {'张': Coding(codes=('health',), note='')}
    """
    if path.is_dir():
        return list(_articles(path, codebook))
    first = next(iter(table_rows(path)), None)
    if first is None:
        raise InputError(f"{path}: no rows", "name a table with a row for each segment")
    if any(_plain_name(name) in codebook.columns for name in first):
        return list(labelled_segments(read_labelled(path, codebook)))
    return merged(_coded_rows(path, codebook))


def labelled_segments(labelled: Labelled) -> Iterator[Exchanged]:
    """Yield what the model made of segments: the codes it gave are ``proposed``, nobody has coded them."""
    codes = labelled.codebook.columns
    given = labelled.given.to_numpy(dtype=bool)
    probabilities = labelled.probabilities.to_numpy(dtype=float)
    names = [str(name) for name in labelled.frame.columns]
    for number, row in enumerate(labelled.frame.itertuples(index=False, name=None)):
        cells = dict(zip(names, row, strict=True))
        known = {c: float(p) for c, p in zip(codes, probabilities[number], strict=True) if not math.isnan(p)}
        yield Exchanged(
            *_about(cells),
            proposed=tuple(code for code, has in zip(codes, given[number], strict=True) if has),
            probabilities=known,
            others={
                name: json_value(value) for name, value in cells.items() if name not in (*_ABOUT, "codes")
            },
        )


def _about(cells: Mapping[str, Any]) -> tuple[str, str, str]:
    return cells["segment_id"], cells["doc_id"], cells["text"]


def _plain_name(name: str) -> str:
    return unguarded(str(name))


def _articles(folder: Path, codebook: Codebook) -> Iterator[Exchanged]:
    found = read_articles(folder)
    if not found:
        raise InputError(f"{folder}: no articles/*.tsv in this folder", "name a starter corpus or a table")
    names = TheirNames(codebook)
    coder = folder.resolve().name
    for article in found:
        for number, segment in enumerate(article.segments):
            yield Exchanged(
                f"{article.doc_id}#{number}",
                article.doc_id,
                segment.text,
                codings={coder: names.coding(segment.codes, segment.place)},
                others=dict(article.about),
            )


def _coded_rows(path: Path, codebook: Codebook) -> Iterator[Placed]:
    """Yield a segment a row of a table that people coded."""
    names = TheirNames(codebook)
    stem = Path(path.name.removesuffix(GZIP)).stem
    clean = unguarded if suffix_of(path) in GUARDED else str
    for number, cells in enumerate(table_rows(path), 1):
        row = {_plain_name(k): clean(v) if isinstance(v, str) else json_value(v) for k, v in cells.items()}
        place = f"{path.name}: row {number}"
        for column in ("text", "codes"):
            if column not in row:
                raise InputError(f"{place}: no column '{column}'", f"columns: {', '.join(row)}")
        yield place, _exchanged(row, f"{stem}#{number}", stem, names, place)


def _exchanged(row: Mapping[str, Any], number: str, stem: str, names: TheirNames, place: str) -> Exchanged:
    own = next((n for n in _NAMES if _cell(row, n)), None)
    document = next((n for n in _DOCUMENTS if _cell(row, n)), None)
    segment_id = _cell(row, own) if own else _span(row, document) or number
    proposed = split_codes(row[PROPOSED], place) if PROPOSED in row else None
    used = {*_COLUMNS, own, document}
    return Exchanged(
        segment_id,
        _cell(row, document) if document else segment_id,
        "" if row["text"] is None else str(row["text"]),
        proposed=None if proposed is None else names.codes(proposed, place),
        codings=_codings(row, stem, names, place),
        others={_own(n, names.codebook): v for n, v in row.items() if n not in used},
    )


def _codings(row: Mapping[str, Any], stem: str, names: TheirNames, place: str) -> dict[str, Coding]:
    coder, note = _cell(row, CODER), "" if row.get(NOTE) is None else str(row.get(NOTE))
    codes = split_codes(row["codes"], place)
    if counts_as_coded(row, codes, place):
        return {coder or stem: names.coding(codes, place, note)}
    return {coder or stem: Coding(None, note)} if coder or note.strip() else {}


def _span(row: Mapping[str, Any], document: str | None) -> str:
    """Return the name of a segment that is known by its place, as `fupin agree` names it."""
    spans = [_cell(row, column) for column in ("start", "end")]
    return f"{_cell(row, document)}:{spans[0]}-{spans[1]}" if document and all(spans) else ""


def _cell(row: Mapping[str, Any], column: str) -> str:
    """Return a cell as text without space around it."""
    value = row.get(column)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()


def write_segments(segments: Iterable[Exchanged], out: Path, codebook: Codebook) -> None:
    """Write segments as a table, ``.csv``, ``.xlsx`` or ``.jsonl``, whole or not at all.

    `fupin agree`, `train --corpus`, `evaluate` and `report --gold` read it; see `table_of`. In CSV
    and XLSX no cell is taken for a formula. Raises `OutputError` for another ending, or where the
    place cannot be written.
    """
    write_sample(table_of(segments, codebook), out, codebook)


def table_of(segments: Iterable[Exchanged], codebook: Codebook) -> pd.DataFrame:
    """Return segments as a table, a row for each segment and coder.

    Returns
    -------
    DataFrame
        ``segment_id``, ``doc_id``, ``text``, ``codes`` joined by ``;``, ``coder``, ``coded`` (1 or
        empty), ``note``, ``proposed`` where any segment has it, then all other columns, whose names
        get the prefix ``in_`` where they would be taken for one of these or for a code. Cells that
        are neither text nor numbers are JSON.
    """
    every = list(segments)
    taken = _taken(codebook)
    others = list(dict.fromkeys(name for s in every for name in s.others))
    proposed = any(s.proposed is not None for s in every)
    rows = [
        [
            *(s.segment_id, s.doc_id, s.text, codebook.join(coding.codes or ()), coder),
            *("" if coding.codes is None else MARK, coding.note),
            *([codebook.join(s.proposed or ())] if proposed else []),
            *(_written(s.others.get(name)) for name in others),
        ]
        for s in every
        for coder, coding in (s.codings or {"": Coding(None)}).items()
    ]
    names = [*_COLUMNS[:-1], *([PROPOSED] if proposed else []), *(aside(n, taken) for n in others)]
    return pd.DataFrame(rows, columns=names, dtype=object)


def _taken(codebook: Codebook) -> frozenset[str]:
    return frozenset((*_COLUMNS, *codebook.columns))


def _own(name: str, codebook: Codebook) -> str:
    return own_name(name, _taken(codebook))


def _written(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return json.dumps(value, ensure_ascii=False)
    return value


def only_coded(segments: Iterable[Exchanged]) -> list[Exchanged]:
    """Return the segments that were coded, with the codings of those who did not skip them."""
    found = []
    for segment in segments:
        codings = {coder: c for coder, c in segment.codings.items() if c.codes is not None}
        if codings:
            found.append(replace(segment, codings=codings))
    return found
