"""Tables with one code a row, as the Comparative Agendas Project and the Manifesto Project use them.

CAP: ``id, text, majortopic, subtopic``; Manifesto Corpus: ``text, cmp_code, eu_code, pos``. Both have
numbers for codes, and one of them a row. A segment with several codes therefore has several rows
with the same ``segment_id`` and, in the Manifesto's style, places of their own: what the Manifesto
coding handbook calls quasi-sentences, those parts of a sentence that make one statement each.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from classifier.codebook import Codebook
from classifier.errors import InputError
from classifier.exchanged import (
    GUARDED,
    CodeMap,
    Coding,
    Exchanged,
    TheirNames,
    aside,
    json_value,
    merged,
    own_name,
    refuse_other,
)
from classifier.inert_text import on_one_line
from classifier.limits import LIMITS, Limits
from classifier.spreadsheet_guard import guarded, unguarded
from classifier.tables import numbered_rows
from classifier.text_files import suffix_of
from classifier.whole_file import whole_file

MODEL = "fupin"  # who is named as the coder of what the model gave
CODER, NOTE, POS, TEXT, DETAIL, EU = "coder", "note", "pos", "text", "subtopic", "eu_code"
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"  # so that Excel reads it as UTF-8
_HEADING = "H"
_MISSING = ("", "NA")


@dataclass(frozen=True)
class Style:
    """A way to write codes: its name, its columns, and the number that says that there is no code."""

    name: str
    code: str
    none: str
    columns: tuple[str, ...]


CAP = Style("cap", "majortopic", "999", ("id", TEXT, "majortopic", DETAIL))
MANIFESTO = Style("manifesto", "cmp_code", "000", (TEXT, "cmp_code", EU, POS))
STYLES = {style.name: style for style in (CAP, MANIFESTO)}
_ALSO_NONE = {CAP.name: ("999", "0", "000"), MANIFESTO.name: ("000", "0")}
_TAKEN = frozenset(
    (*CAP.columns, *MANIFESTO.columns, "segment_id", "doc_id", CODER, NOTE, "manifesto_id")
)  # what has a meaning in these tables


def numbered(codebook: Codebook) -> dict[str, tuple[str, ...]]:
    """Return the codes by number: by their place in the codebook, or as they are where all are numbers.

    >>> from classifier.codebook import load_codebook
    >>> numbered(load_codebook())["1"] == load_codebook().columns[:1]
    True
    """
    if all(code.isascii() and code.isdigit() for code in codebook.columns):
        return {code: (code,) for code in codebook.columns}
    return {str(number): (code,) for number, code in enumerate(codebook.columns, 1)}


def _foreign(codebook: Codebook, code_map: CodeMap | None) -> dict[str, str]:
    """Return the foreign code for each of ours, the first that means it alone."""
    found: dict[str, str] = {}
    for theirs, ours in (numbered(codebook) if code_map is None else code_map).items():
        if len(ours) == 1:
            found.setdefault(ours[0], theirs)
    without = next((code for code in codebook.columns if code not in found), None)
    if without is not None:
        raise InputError(f"no foreign code for '{without}'", "add a row to the file named with --map")
    return found


def rows(
    segments: Iterable[Exchanged], codebook: Codebook, style: Style = CAP, code_map: CodeMap | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of segments: one for each coder and code, the model counting as a coder.

    A segment coded as having no code has the row with 999 (CAP: no policy content) or 000 (Manifesto: no
    meaningful category applies); one that a coder skipped, or nobody has had, a row without a code.
    CAP's three-digit codes and longer are subtopics, whose major topic is all but the last two digits.

    Raises `InputError` for a code without a foreign one, and a coder called as the model is.
    """
    foreign, place = _foreign(codebook, code_map), dict[str, int]()
    for segment in segments:
        if MODEL in segment.codings:
            raise InputError(f"'{segment.segment_id}': a coder is called '{MODEL}'", "rename the coder")
        by: dict[str, Coding] = {} if segment.proposed is None else {MODEL: Coding(segment.proposed)}
        by |= segment.codings
        for coder, coding in (by or {"": Coding(None)}).items():
            for code in _written(coding, foreign, style):
                pos = place[segment.doc_id] = place.get(segment.doc_id, 0) + 1
                yield {
                    **_coded(segment, code, pos, style),
                    **{"segment_id": segment.segment_id, "doc_id": segment.doc_id},
                    **{CODER: coder, NOTE: coding.note},
                    **{aside(name, _TAKEN): value for name, value in segment.others.items()},
                }


def _written(coding: Coding, foreign: Mapping[str, str], style: Style) -> Sequence[str]:
    if coding.codes is None:
        return [""]
    return [foreign[code] for code in coding.codes] or [style.none]


def _coded(segment: Exchanged, code: str, pos: int, style: Style) -> dict[str, Any]:
    if style.name == MANIFESTO.name:
        return {TEXT: segment.text, style.code: code, EU: "", POS: pos}
    is_subtopic = code.isascii() and code.isdigit() and len(code) > 2 and code != style.none
    return {
        **{"id": segment.segment_id, TEXT: segment.text},
        **{style.code: code[:-2] if is_subtopic else code, DETAIL: code if is_subtopic else ""},
    }


def write_cap(
    segments: Iterable[Exchanged],
    out: Path,
    codebook: Codebook,
    style: Style = CAP,
    code_map: CodeMap | None = None,
) -> int:
    """Write segments as CSV with one code a row, whole or not at all; return the number of rows.

    No cell is taken for a formula. Raises `InputError` as `rows` does, and for another ending than
    ``.csv``.
    """
    if suffix_of(out) != ".csv" or out.suffix.lower() != ".csv":
        raise InputError(f"{out}: unknown format '{out.suffix}'", "name a file OUT.csv")
    found = list(rows(segments, codebook, style, code_map))
    first = [*style.columns, "segment_id", "doc_id", CODER, NOTE]
    names = dict.fromkeys([*first, *(name for row in found for name in row)])
    with whole_file(out) as stream:
        # Quoted, since the library before Python 3.13 leaves a lone carriage return bare, and cannot read it.
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        stream.write(_BOM)
        writer.writerow(map(guarded, names))
        writer.writerows([_cell(row.get(name)) for name in names] for row in found)
    return len(found)


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return value


def read_cap(
    path: Path,
    codebook: Codebook,
    code_map: CodeMap | None = None,
    *,
    text: str = TEXT,
    limits: Limits = LIMITS,
) -> list[Exchanged]:
    """Read a table with one code a row, of CAP (``majortopic``) or of the Manifesto Corpus (``cmp_code``).

    Rows with the same ``segment_id``, or else ``id``, and the same coder are one segment with
    several codes; without these each row is a segment, named by its document (``doc_id``,
    ``manifesto_id`` or the file) and ``pos``. The coder stands in ``coder`` or is what the file is
    called. 000, 0 and 999 say that there is no code; an empty cell, NA and H (a heading) that it
    was not coded.

    Parameters
    ----------
    path : Path
    codebook : Codebook
    code_map : mapping, optional
        Our codes by theirs; by default codes are numbered in the codebook's order. A subtopic that is
        not in it counts as its major topic.
    text : str
        The column with the text.
    limits : Limits

    Raises
    ------
    InputError
        With file, row and value for a missing column, a foreign code that means none of ours, a row that
        stands twice.
    """
    stem = Path(path.name).stem
    foreign = TheirNames(codebook, numbered(codebook) if code_map is None else code_map)
    gathered: dict[tuple[str, str], _Rows] = {}
    clean = unguarded if suffix_of(path) in GUARDED else str
    for number, row in numbered_rows(path, limits=limits):
        place = f"{path.name}: row {number}"
        cells = {clean(str(k)): clean(v) if isinstance(v, str) else v for k, v in row.items()}
        style = _style_of(cells, place)
        one = _segment(cells, stem, number, text, place)
        coder = _name(cells.get(CODER)) if CODER in cells else stem
        known = gathered.setdefault((one.segment_id, coder), _Rows(one, style, place))
        known.take(one, cells, place, foreign)
    if not gathered:
        raise InputError(f"{path}: no rows", "name a table with a row for each segment and code")
    whole = ((known.place, known.whole(coder, foreign)) for (_, coder), known in gathered.items())
    return merged(whole, doubled=True)


class _Rows:
    """What the rows of one segment and coder say."""

    def __init__(self, segment: Exchanged, style: Style, place: str) -> None:
        self.segment, self.style, self.place = segment, style, place
        self.codes: list[str] = []
        self.none, self.note = False, ""

    def take(self, segment: Exchanged, row: Mapping[str, Any], place: str, foreign: TheirNames) -> None:
        """Take in a row; raises `InputError` where it says what another has said."""
        refuse_other(self.segment, segment, place, self.place)
        self.note = str(row.get(NOTE) or "")
        major, detail = _name(row.get(self.style.code)), _name(row.get(DETAIL))
        code = detail if detail not in _MISSING and foreign.known(detail) is not None else major
        if code in _MISSING or code == _HEADING:
            return
        if foreign.known(code) is None and code in _ALSO_NONE[self.style.name]:
            self.none = True
        elif foreign.known(code) is None:
            raise InputError(
                f"{place}: '{self.style.code}' is '{on_one_line(code)[:40]}', which means no code of ours",
                "name a CSV file with the columns theirs,ours: --map FILE",
            )
        elif code in self.codes:
            raise InputError(f"{place}: the segment has code '{code}' in an earlier row too", "keep one")
        else:
            self.codes.append(code)

    def whole(self, coder: str, foreign: TheirNames) -> Exchanged:
        """Return the segment with what the coder, or the model, made of it."""
        if self.codes or self.none:
            if coder == MODEL:
                return replace(self.segment, proposed=foreign.codes(self.codes, self.place))
            coding = foreign.coding(self.codes, self.place, self.note)
        else:
            coding = Coding(None, self.note)
        # a file that names no coder says of an empty row only that it was not coded
        return replace(self.segment, codings={coder: coding} if coder else {})


def _style_of(row: Mapping[str, Any], place: str) -> Style:
    style = next((style for style in STYLES.values() if style.code in row), None)
    if style is None:
        wanted = " nor ".join(f"'{style.code}'" for style in STYLES.values())
        raise InputError(f"{place}: neither column {wanted}", f"columns: {', '.join(map(str, row))}"[:200])
    return style


def _segment(row: Mapping[str, Any], stem: str, number: int, text: str, place: str) -> Exchanged:
    if text not in row:
        raise InputError(f"{place}: no column '{text}'", "name the column with the text: --text-column NAME")
    document = _name(row.get("doc_id")) or _name(row.get("manifesto_id"))
    pos = _name(row.get(POS)) or str(number)
    own = _name(row.get("segment_id")) or _name(row.get("id"))
    name = own or f"{document or stem}#{pos}"
    return Exchanged(
        name,
        document or (name if own else stem),
        "" if row[text] is None else str(row[text]),
        others={own_name(k, _TAKEN): json_value(v) for k, v in row.items() if k not in _TAKEN and k != text},
    )


def _name(value: Any) -> str:
    """Return a cell as text without space around it, whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
