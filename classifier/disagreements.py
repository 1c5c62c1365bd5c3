"""Where coders differ: which codes are taken for each other, and the list for a codebook meeting."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from classifier.codings import Codings
from classifier.encoded_rows import encoded
from classifier.errors import OutputError
from classifier.inert_text import inert
from classifier.whole_file import whole_file

Labels = NDArray[np.bool_]
NOT_CODED = "(not coded)"  # where a coder did not code a segment; an empty cell: coded, with no code
TO_FILL = ("decision", "note")
_BEFORE, _AFTER = ("segment_id", "doc_id", "text"), ("agreed", "disputed", *TO_FILL)
_BOM = "\ufeff"  # so that Excel reads a CSV file as UTF-8
_MARKUP = re.compile(r"([\\|`*_<>\[\]()#&~!])")


def confusions(labels: Labels, coded: Labels) -> tuple[Counter[tuple[int, int]], Counter[tuple[int, int]]]:
    """Count the codes taken for each other, and those given by one coder with nothing in their place.

    Where two coders differ on a segment, each code that only the first gave stands against each that
    only the second gave; where one gave all that the other did and more, what is more stands alone.
    Of more than two coders, all pairs are counted.

    Parameters
    ----------
    labels : ndarray of bool, shape (n_coders, n_segments, n_codes)
    coded : ndarray of bool, shape (n_coders, n_segments)

    Returns
    -------
    Counter of (code of the coder who comes first, code of the other)
        Codes as numbers.
    Counter of (coder, code)
        Both as numbers.

    >>> doctor, fair = [True, False], [False, True]  # 签约医生每月上门。 · 招聘会办到了村口。
    >>> labels = np.array([[doctor, doctor], [fair, [False, False]]])
    >>> confusions(labels, np.ones((2, 2), dtype=bool))
    (Counter({(0, 1): 1}), Counter({(0, 0): 1}))
    """
    for_each_other: Counter[tuple[int, int]] = Counter()
    alone: Counter[tuple[int, int]] = Counter()
    for i, j in combinations(range(len(labels)), 2):
        differ = coded[i] & coded[j] & (labels[i] != labels[j]).any(axis=1)
        a, b = labels[i, differ], labels[j, differ]
        for only_a, only_b in zip(a & ~b, b & ~a, strict=True):
            first, second = np.flatnonzero(only_a).tolist(), np.flatnonzero(only_b).tolist()
            for_each_other.update((x, y) for x in first for y in second)
            if not (first and second):
                alone.update([*((i, x) for x in first), *((j, y) for y in second)])
    return for_each_other, alone


def disagreements(codings: Codings) -> pd.DataFrame:
    """Return the segments on which coders differ, those with the most disputed codes first.

    Returns
    -------
    DataFrame of str, a row a segment
        ``segment_id``, ``doc_id``, ``text``; a column a coder, named like him, with his codes (None
        where he has not coded the segment); ``agreed``, the codes that all who coded it gave, and
        ``disputed``, those that some gave; ``decision`` and ``note``, empty, to be filled. Codes are
        joined by ``;``. Segments whose most disputed code is the same stand together.
    """
    given = (codings.labels & codings.coded[..., None]).sum(axis=0)
    coders = codings.coded.sum(axis=0)[:, None]
    disputed = (given > 0) & (given < coders)
    rows = np.flatnonzero(disputed.any(axis=1))
    rank = np.empty(disputed.shape[1], dtype=int)
    rank[np.argsort(-disputed.sum(axis=0), kind="stable")] = np.arange(len(rank))
    first = np.where(disputed[rows], rank, len(rank)).min(axis=1, initial=len(rank))
    rows = rows[np.argsort(first, kind="stable")]
    columns = np.array(codings.codebook.columns, dtype=object)
    frame = codings.segments.loc[rows, list(_BEFORE)].reset_index(drop=True)
    for name, labels, coded in zip(_headings(codings.coders), codings.labels, codings.coded, strict=True):
        frame[name] = [";".join(columns[labels[r]]) if coded[r] else None for r in rows]
    frame["agreed"] = [";".join(columns[(given[r] > 0) & ~disputed[r]]) for r in rows]
    frame["disputed"] = [";".join(columns[disputed[r]]) for r in rows]
    return frame.assign(**dict.fromkeys(TO_FILL, ""))


def _headings(coders: Sequence[str]) -> list[str]:
    """Return a column name for each coder, other than the columns that are there in any case."""
    taken = {*_BEFORE, *_AFTER}
    return [f"coder {name}" if name in taken else name for name in coders]


def write_disagreements(frame: pd.DataFrame, out: Path) -> None:
    """Write the list as ``.csv``, ``.jsonl`` or ``.md``, whole or not at all.

    The CSV opens in Excel, and no cell of it is taken for a formula; see `spreadsheet_guard`.
    Raises `OutputError` for another ending or where the place cannot be written.
    """
    write = writer_of(out)
    with whole_file(out) as stream:
        stream.writelines(write(frame))


def writer_of(out: Path) -> Callable[[pd.DataFrame], Iterator[str]]:
    """Return what turns a list into the lines of a file so called, or raise `OutputError`."""
    if out.suffix.lower() not in _WRITERS:
        raise OutputError(
            f"{out}: unknown format '{out.suffix}'", f"the list is written as {', '.join(_WRITERS)}"
        )
    return _WRITERS[out.suffix.lower()]


def _csv(frame: pd.DataFrame) -> Iterator[str]:
    columns = {
        inert(name): [inert(cell) for cell in frame[name].fillna(NOT_CODED)]
        for name in map(str, frame.columns)
    }
    yield _BOM
    yield encoded(columns, "csv", first=True).rows.decode()


def _jsonl(frame: pd.DataFrame) -> Iterator[str]:
    for row in frame.astype(object).where(frame.notna(), None).to_dict("records"):
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _markdown(frame: pd.DataFrame) -> Iterator[str]:
    yield _markdown_row(frame.columns)
    yield "|" + " --- |" * frame.shape[1] + "\n"
    for row in frame.fillna(NOT_CODED).itertuples(index=False):
        yield _markdown_row(row)


def _markdown_row(cells: Iterable[str]) -> str:
    """Return a row of a table, in which no cell ends early, starts markup or hides what it says."""
    flat = (inert(" ".join(cell.split())) for cell in cells)
    return "| " + " | ".join(_MARKUP.sub(r"\\\1", cell) for cell in flat) + " |\n"


_WRITERS: Mapping[str, Callable[[pd.DataFrame], Iterator[str]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".md": _markdown,
}
