"""What people filled in on the sheets for checking, read back as labelled segments.

The columns of a sheet have the same names in every language. On each row ``right? 对否`` says
whether the machine decided rightly on this one code: to give it, where ``codes`` has it, or not to
give it, where ``codes`` has not. ``should be 应为`` names codes that it overlooked, joined by ``;``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from classifier.codebook import Codebook
from classifier.corpus import split_codes
from classifier.errors import InputError
from classifier.exchanged import Coding, Exchanged
from classifier.inert_text import on_one_line
from classifier.limits import LIMITS, Limits
from classifier.spreadsheet_guard import unguarded
from classifier.tables import numbered_rows
from classifier.text_files import read_bytes, shown, suffix_of

if TYPE_CHECKING:
    from classifier.confined import Parsers

RIGHT, SHOULD_BE, NOTE = TO_FILL = ("right? 对否", "should be 应为", "note 备注")
PROBABILITY, DECIDED, PICKED = ("probability 概率", "decided by 依据", "picked as 选取")
HEADER = (
    *("segment_id", "text", "codes", PROBABILITY, DECIDED),
    *TO_FILL,
    *(PICKED, "title", "doc_id", "code"),
)
YES, NO = ("yes", "是", "1", "对"), ("no", "否", "0", "错")
_NEEDED = ("segment_id", "text", "codes", "doc_id", "code", RIGHT, SHOULD_BE)

Row = Mapping[str, str]


def checked_segments(
    path: Path, codebook: Codebook, coder: str, limits: Limits = LIMITS, parsers: Parsers | None = None
) -> Iterator[Exchanged]:
    """Yield what `read_checked` reads as the codings of one coder."""
    for row in read_checked(path, codebook, limits, parsers).itertuples(index=False):
        codings = {coder: Coding(split_codes(row.codes, path.name))}
        yield Exchanged(str(row.segment_id), str(row.doc_id), str(row.text), codings=codings)


def read_checked(
    path: Path, codebook: Codebook, limits: Limits = LIMITS, parsers: Parsers | None = None
) -> pd.DataFrame:
    """Read the filled sheets of a workbook that `fupin report` wrote, or of one saved on its own as CSV.

    Only rows with an answer under ``right? 对否`` count. A segment has the codes that the machine
    gave it, without those that were given wrongly, with those that were wrongly not given, and with
    those under ``should be 应为``; all its rows on all sheets are taken together. Workbooks are
    parsed by ``parsers``, by default by a process started for this one.

    Returns
    -------
    DataFrame of str, a row a segment in the order of the sheets
        ``segment_id``, ``doc_id``, ``text``, ``codes`` (joined by ``;``). Saved with ``to_csv``, it
        is what `fupin train --corpus` and `fupin agree` read.

    Raises
    ------
    InputError
        With file, sheet, row and value: an answer that is neither yes nor no, an unknown code, a
        code that one row takes away and another adds; where codes exclude each other, a segment left
        with none or several; a workbook without such sheets.
    """
    segments: dict[str, _Segment] = {}
    for place, row in _rows(path, limits, parsers):
        if row[RIGHT].strip() or row[SHOULD_BE].strip():
            segment = segments.setdefault(row["segment_id"], _Segment(row, codebook))
            segment.take(row, place)
    return pd.DataFrame(
        [(name, s.row["doc_id"], s.row["text"], ";".join(s.codes())) for name, s in segments.items()],
        columns=["segment_id", "doc_id", "text", "codes"],
        dtype=object,
    )


class _Segment:
    """A segment and what was said about it."""

    def __init__(self, row: Row, codebook: Codebook) -> None:
        self.row, self._codebook, self._place = row, codebook, ""
        self._wrong, self._added = dict[str, str](), dict[str, str]()  # code → where it was said

    def take(self, row: Row, place: str) -> None:
        """Take in what one row says."""
        self._place, code = place, self._known([row["code"]], place)[0]
        given = code in self._known(split_codes(row["codes"], place), place)
        if not _is_right(row[RIGHT], place):
            (self._wrong if given else self._added)[code] = place
        for other in self._known(split_codes(row[SHOULD_BE], place), place):
            self._added[other] = place

    def codes(self) -> list[str]:
        """Return the codes that the segment should have, in the codebook's order."""
        both = next((code for code in self._added if code in self._wrong), None)
        if both is not None:
            raise InputError(
                f"{self._added[both]}: adds '{both}', which {self._wrong[both]} takes away",
                "change one of the two rows",
            )
        had = {*split_codes(self.row["codes"], self._place)} - {*self._wrong}
        if self._codebook.exclusive and self._added:
            had = set()  # the one that it should have instead
        codes = [code for code in self._codebook.columns if code in had or code in self._added]
        if self._codebook.exclusive and len(codes) != 1:
            raise InputError(
                f"{self._place}: {len(codes)} codes, but '{self._codebook.name}' wants exactly one",
                f"name it under '{SHOULD_BE}'",
            )
        return codes

    def _known(self, codes: Any, place: str) -> Any:
        unknown = next((code for code in codes if code not in self._codebook.columns), None)
        if unknown is not None:
            raise InputError(f"{place}: unknown code '{unknown}'", "codes are joined by ';'")
        return codes


def _is_right(answer: str, place: str) -> bool:
    """Return what an answer says; none beside a code that was overlooked says that the rest is right."""
    mark = unicodedata.normalize("NFKC", answer).strip().lower()
    if mark and mark not in (*YES, *NO):
        raise InputError(f"{place}: '{RIGHT}' is '{answer}'", f"write {YES[0]}, {YES[1]}, {NO[0]} or {NO[1]}")
    return mark not in NO


def _rows(path: Path, limits: Limits, parsers: Parsers | None) -> Iterator[tuple[str, Row]]:
    """Yield each row of each sheet for checking, and where it stands."""
    found = False
    for place, row in _sheets(path, limits, parsers) if suffix_of(path) == ".xlsx" else _table(path, limits):
        missing = next((column for column in _NEEDED if column not in row), None)
        if missing is None:
            found = True
            yield place, {column: unguarded(_text(row[column])) for column in _NEEDED}
        elif found and suffix_of(path) != ".xlsx":  # a workbook has sheets of other kinds too
            raise InputError(f"{place}: no column '{missing}'", "each row has the columns of the first")
    if not found:
        raise InputError(
            f"{path}: no sheet with the columns {', '.join(_NEEDED)}", "name what `fupin report` wrote"
        )


def _table(path: Path, limits: Limits) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, row in numbered_rows(path, limits=limits):
        yield f"{path.name}: row {number}", row


def _sheets(path: Path, limits: Limits, parsers: Parsers | None) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the rows of all sheets of a workbook below their headers, which another process parses."""
    from classifier.confined import Parsers

    data, header = read_bytes(path, limits), list[str]()
    with Parsers(limits) if parsers is None else nullcontext(parsers) as ours:
        for title, number, cells in ours.sheets(shown(path), data):
            if number:
                place = f"{path.name}: sheet '{on_one_line(title)}': row {number}"
                yield place, dict(zip(header, cells, strict=False))
            else:
                header = cells


def _text(value: Any) -> str:
    return "" if value is None else str(value)
