"""A segment on its way between fupin and another tool, and what the other tool calls the codes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from classifier.cells import is_missing
from classifier.codebook import Codebook
from classifier.corpus import split_codes
from classifier.errors import InputError
from classifier.inert_text import on_one_line
from classifier.spreadsheet_guard import unguarded
from classifier.tables import table_rows
from classifier.text_files import suffix_of

THEIRS, OURS = "theirs", "ours"
ASIDE = "in_"  # what stands before the name of a column that a tool, or fupin, has another use for
GUARDED = (".csv", ".tsv", ".xlsx")  # formats whose cells a spreadsheet may take for formulas
CodeMap = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Coding:
    """What one coder made of a segment.

    Parameters
    ----------
    codes : tuple of str or None
        In the codebook's order; empty: the coder found no measure; None: the coder skipped it.
    note : str
    """

    codes: tuple[str, ...] | None
    note: str = ""


@dataclass(frozen=True)
class Exchanged:
    """A segment, what the model proposed for it, and what coders made of it.

    Parameters
    ----------
    segment_id, doc_id, text : str
    proposed : tuple of str or None
        The codes that the model gave; None: no model is known to have labelled it.
    probabilities : mapping of str to float
        Of the codes whose probability is known, in [0, 1].
    codings : mapping of str to Coding
        By coder; a coder who has not had the segment before him is not in it.
    others : mapping of str to JSON values
        All other columns, such as those that `fupin sample` writes.

    >>> one = Exchanged("甲#0", "甲", "医生每月上门。", codings={"张": Coding(()), "李": Coding(None)})
    >>> [coder for coder, coding in one.codings.items() if coding.codes is not None]
    ['张']
    """

    segment_id: str
    doc_id: str
    text: str
    proposed: tuple[str, ...] | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)
    codings: Mapping[str, Coding] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)


Placed = tuple[str, Exchanged]


def coders_of(segments: Iterable[Exchanged]) -> tuple[str, ...]:
    """Return all coders, in the order in which they come."""
    return tuple(dict.fromkeys(coder for segment in segments for coder in segment.codings))


def only_coder(segments: Iterable[Exchanged], coder: str) -> list[Exchanged]:
    """Return the segments with the codings of one coder; raises `InputError` where there are none."""
    every = list(segments)
    known = coders_of(every)
    if coder not in known:
        raise InputError(f"no coder is called '{coder}'", f"coders: {', '.join(known) or 'none'}")
    return [replace(s, codings={k: v for k, v in s.codings.items() if k == coder}) for s in every]


def without_model(segments: Iterable[Exchanged]) -> Iterator[Exchanged]:
    """Yield the segments without what the model made of them, for coders who are to be blind to it."""
    return (replace(segment, proposed=None, probabilities={}) for segment in segments)


def completed(
    segments: Iterable[Exchanged], drawn: Iterable[Exchanged], source: str = "the sample"
) -> list[Exchanged]:
    """Return all segments of a sample, with what coders made of those that came back from a tool.

    Tools give back what was annotated, and change columns; of a sample, shares need each row as it was
    drawn. Only codings are taken from ``segments``. Raises `InputError` for a segment that the
    sample, called ``source``, does not have.
    """
    came = {segment.segment_id: segment for segment in segments}
    whole = [
        replace(one, codings=came.pop(one.segment_id).codings if one.segment_id in came else {})
        for one in drawn
    ]
    if came:
        first = on_one_line(next(iter(came)))
        raise InputError(
            f"segment '{first}' is not in {source} ({len(came):,} such)", "name the sample that was exported"
        )
    return whole


def merged(placed: Iterable[Placed], *, doubled: bool = False) -> list[Exchanged]:
    """Put together what several rows say of the same segment, each about another coder or the model.

    Parameters
    ----------
    placed : iterable of (str, Exchanged)
        Each with where it stands, for messages.
    doubled : bool
        Whether a row may say nothing new of its segment.

    Raises
    ------
    InputError
        With both places, where a coder has a segment twice, or rows of one segment differ in
        anything but codings.
    """
    found: dict[str, Exchanged] = {}
    places: dict[str, str] = {}
    for place, segment in placed:
        known = found.get(segment.segment_id)
        if known is None:
            found[segment.segment_id], places[segment.segment_id] = segment, place
        else:
            found[segment.segment_id] = _joined(known, segment, place, places[segment.segment_id], doubled)
    return list(found.values())


def _joined(known: Exchanged, segment: Exchanged, place: str, first: str, doubled: bool) -> Exchanged:
    refuse_other(known, segment, place, first)
    both = next((coder for coder in segment.codings if coder in known.codings), None)
    if both is not None or not (segment.codings or doubled):
        whose = f" of coder '{on_one_line(both)}'" if both is not None else ""
        raise InputError(
            f"{place}: segment '{on_one_line(segment.segment_id)}'{whose} stands in {first} already",
            "keep one of the two, or give each segment its own id",
        )
    proposed = segment.proposed if known.proposed is None else known.proposed
    return replace(known, proposed=proposed, codings={**known.codings, **segment.codings})


def refuse_other(known: Exchanged, segment: Exchanged, place: str, first: str) -> None:
    """Refuse a row that says something else of a segment than the ``first``, its codings left aside."""
    about = [{"text": s.text, "doc_id": s.doc_id, **s.others} for s in (known, segment)]
    names = dict.fromkeys([*about[0], *about[1]])
    name = next((n for n in names if about[0].get(n) != about[1].get(n)), None)
    if name is not None:
        value = " ".join(str(about[1].get(name)).split())[:20]
        shown = f"segment '{on_one_line(segment.segment_id)}'"
        raise InputError(
            f"{place}: {shown}: '{on_one_line(name)}' is '{on_one_line(value)}', another than in {first}",
            "rows of one segment may differ in coder, codes and note only; mend it, or take the column out",
        )


def json_value(value: Any) -> Any:
    """Return a cell of any table as JSON can hold it: days and times as text, nothing as None.

    So are numbers that JSON does not have. Arrays are lists.

    >>> json_value([date(2019, 10, 17), float("nan"), float("inf")])
    ['2019-10-17', None, 'inf']
    """
    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in "mM":  # finer times would become numbers
            value = value.astype(f"{value.dtype.kind}8[us]")
        value = value.tolist()
    if is_missing(value):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [json_value(v) for v in value]
    if isinstance(value, dict):
        return {str(k): json_value(v) for k, v in value.items()}
    is_plain = isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))
    return value if is_plain else str(value)


def aside(name: str, taken: frozenset[str]) -> str:
    """Return the name under which a column goes along where its own is taken.

    >>> aside("id", frozenset({"id"})), aside("in_id", frozenset({"id"})), aside("年", frozenset({"id"}))
    ('in_id', 'in_in_id', '年')
    """
    return ASIDE + name if _bare(name) in taken else name


def own_name(name: str, taken: frozenset[str]) -> str:
    """Return the name of a column as it was before `aside`.

    >>> own_name("in_id", frozenset({"id"})), own_name("in_law", frozenset({"id"}))
    ('id', 'in_law')
    """
    return name.removeprefix(ASIDE) if name.startswith(ASIDE) and _bare(name) in taken else name


def _bare(name: str) -> str:
    while name.startswith(ASIDE):
        name = name.removeprefix(ASIDE)
    return name


class TheirNames:
    """What another tool calls the codes of a codebook, and which codes it means by a name.

    Parameters
    ----------
    codebook : Codebook
    code_map : mapping of str to tuple of str, optional
        The codes meant by a foreign name, as `read_code_map` reads them; of other names those
        count that are a code, or what a single code is called in any language.
    """

    def __init__(self, codebook: Codebook, code_map: CodeMap | None = None) -> None:
        self.codebook, self.code_map = codebook, dict(code_map or {})
        meant: dict[str, set[str]] = {}
        for code in codebook.codes:
            for name in {*code.name.values(), *(f"{code.code} {n}" for n in code.name.values())}:
                meant.setdefault(name.strip(), set()).add(code.code)
        self._meant = {name: codes for name, codes in meant.items() if len(codes) == 1}

    def known(self, name: str) -> tuple[str, ...] | None:
        """Return the codes that a name means; None for a name that says nothing."""
        if name in self.code_map:
            return self.code_map[name]
        if name in self.codebook.columns:
            return (name,)
        return tuple(self._meant[name.strip()]) if name.strip() in self._meant else None

    def coding(self, names: Sequence[Any], place: str, note: str = "") -> Coding:
        """Return what a coder meant who gave these names.

        Raises `InputError` with place and value for a name that is none or unknown and, where
        codes exclude each other, for any number of codes but one.
        """
        codes = self.codes(names, place)
        if self.codebook.exclusive and len(codes) != 1:
            raise InputError(
                f"{place}: {len(codes)} codes, but '{self.codebook.name}' wants exactly one",
                "mend it in the tool that it comes from, and export it anew",
            )
        return Coding(codes, note)

    def codes(self, names: Sequence[Any], place: str) -> tuple[str, ...]:
        """Return the codes that names mean, in the codebook's order."""
        meant: set[str] = set()
        for name in names:
            if not isinstance(name, str):
                raise InputError(f"{place}: {_short(name)} is no name of a code", "names of codes are text")
            codes = self.known(name)
            if codes is None:
                raise InputError(
                    f"{place}: unknown code '{_short(name)}'",
                    "`fupin codebook show` lists codes; `fupin import --map FILE` translates others",
                )
            meant.update(codes)
        return tuple(code for code in self.codebook.columns if code in meant)


def _short(value: Any) -> str:
    return on_one_line(str(value))[:40]


def read_code_map(path: Path, codebook: Codebook) -> CodeMap:
    """Read which codes are meant by foreign ones: a table with the columns ``theirs`` and ``ours``.

    ``ours`` is a code, several joined by ``;``, or empty for what has no counterpart. Raises
    `InputError` with file and row for a missing column, an unknown code, or a foreign one that
    stands twice.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(table_rows(path), 1):
        place = f"{path.name}: row {number}"
        for column in (THEIRS, OURS):
            if column not in row:
                raise InputError(f"{place}: no column '{column}'", f"the columns are {THEIRS} and {OURS}")
        clean = unguarded if suffix_of(path) in GUARDED else str
        theirs = clean("" if row[THEIRS] is None else str(row[THEIRS])).strip()
        ours = split_codes(row[OURS], place)
        unknown = next((code for code in ours if code not in codebook.columns), None)
        if unknown is not None:
            raise InputError(f"{place}: unknown code '{unknown}'", "`fupin codebook show` lists codes")
        if not theirs or theirs in found:
            problem = f"'{_short(theirs)}' stands twice" if theirs else f"'{THEIRS}' is empty"
            raise InputError(f"{place}: {problem}", "each foreign code has one row; join codes of ours by ;")
        found[theirs] = ours
    if not found:
        raise InputError(f"{path}: no rows", f"it has the columns {THEIRS} and {OURS}")
    return found
