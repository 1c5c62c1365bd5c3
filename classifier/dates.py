"""Dates as they stand in Chinese documents, and the years, quarters or months that they fall into."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

YEARS = (1900, 2099)  # what is outside is no date of a document
MONTHS_SPAN, QUARTERS_SPAN = 18, 48  # spans in months up to which months and quarters are shown
GAPS_SHOWN = 60  # periods up to which those between, in which nothing is dated, are shown too

_DIGITS = str.maketrans("〇○零一二三四五六七八九", "000123456789")
_TENS = re.compile(r"([1-9]?)十([1-9]?)")
_TIME = r"(?:\s*(?:星期|周).)?(?:[T\s]*\d{1,2}[:时点].*)?"  # what may stand behind a day
_FORMS = tuple(
    re.compile(form + _TIME)
    for form in (
        r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})",
        r"(\d{4})()\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]",
        r"(\d{4})()(\d{2})(\d{2})",
        r"(\d{4})()[-/.](\d{1,2})",
        r"(\d{4})()\s*年\s*(\d{1,2})\s*月",
        r"(\d{4})()(?:\s*年)?",
    )
)


@dataclass(frozen=True, order=True)
class Month:
    """The month of a date; 0 where only the year is known."""

    year: int
    month: int = 0


@dataclass(frozen=True)
class Periods:
    """The periods that segments fall into.

    ``names`` in order of time, such as ``2019``, ``2019-Q4`` or ``2019-10``; ``number`` (n,) has
    each segment's period, -1 where it has no readable date; ``unit`` is ``year``, ``quarter`` or
    ``month``; ``unreadable`` counts the cells that hold something else than a date, ``empty``
    those that hold nothing.
    """

    names: tuple[str, ...]
    number: NDArray[np.intp]
    unit: str
    unreadable: int
    empty: int


def read_date(value: Any) -> Month | None:
    """Return the year and month of a date written in one of the usual ways; None for anything else.

    >>> [read_date(text) for text in ("2019年10月17日", "2019/10", "二〇一九年十月", "第十七条")]
    [Month(year=2019, month=10), Month(year=2019, month=10), Month(year=2019, month=10), None]
    """
    if isinstance(value, date) and not pd.isna(value):  # a time of pandas is one too
        return Month(value.year, value.month)
    if isinstance(value, float) and value.is_integer():  # a year in a column where some are missing
        value = int(value)
    text = unicodedata.normalize("NFKC", str(value)).strip().translate(_DIGITS)
    text = _TENS.sub(lambda m: f"{m[1] or 1}{m[2] or 0}", text)
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            year, _, *rest = found.groups()
            return _valid(int(year), *map(int, rest))
    return None


def _valid(year: int, month: int = 0, day: int = 1) -> Month | None:
    if not YEARS[0] <= year <= YEARS[1]:
        return None
    try:
        date(year, month or 1, day)
    except ValueError:
        return None
    return Month(year, month)


def periods(values: pd.Series[Any]) -> Periods:
    """Divide dates into years, or into quarters or months where they span little time.

    Where some dates have no month, years are shown. Periods between the first and the last in
    which nothing is dated are named too, unless there are a great many.
    """
    number, distinct = pd.factorize(values.astype(object).where(values.notna(), "").map(_hashable))
    months = [read_date(value) for value in distinct]
    empty = np.array([str(value).strip() == "" for value in distinct], dtype=bool)
    known = sorted({month for month in months if month is not None})
    unit = _unit(known)
    ordinal = [None if month is None else _ordinal(month, unit) for month in months]
    shown = _shown(sorted({o for o in ordinal if o is not None}))
    place = {o: i for i, o in enumerate(shown)}
    of = np.array([-1 if o is None else place[o] for o in ordinal], dtype=np.intp)
    unreadable = np.array([month is None for month in months], dtype=bool) & ~empty
    return Periods(
        names=tuple(_name(o, unit) for o in shown),
        number=of[number] if len(of) else np.full(len(values), -1, dtype=np.intp),
        unit=unit,
        unreadable=int(unreadable[number].sum()) if len(of) else 0,
        empty=int(empty[number].sum()) if len(of) else 0,
    )


def _hashable(value: Any) -> Any:
    return str(value) if isinstance(value, list | dict | np.ndarray) else value


def _unit(known: Sequence[Month]) -> str:
    """Return the unit fit for the dates that occur, ascending."""
    if not known or any(month.month == 0 for month in known):
        return "year"
    span = 12 * (known[-1].year - known[0].year) + known[-1].month - known[0].month + 1
    return "month" if span <= MONTHS_SPAN else "quarter" if span <= QUARTERS_SPAN else "year"


def _ordinal(month: Month, unit: str) -> int:
    """Return the number of a month's period, counted from the year 0."""
    per_year = {"year": 1, "quarter": 4, "month": 12}[unit]
    return month.year * per_year + max(month.month - 1, 0) * per_year // 12


def _shown(occurring: Sequence[int]) -> Sequence[int]:
    if occurring and occurring[-1] - occurring[0] < GAPS_SHOWN:
        return range(occurring[0], occurring[-1] + 1)
    return occurring


def _name(ordinal: int, unit: str) -> str:
    if unit == "year":
        return str(ordinal)
    if unit == "quarter":
        return f"{ordinal // 4}-Q{ordinal % 4 + 1}"
    return f"{ordinal // 12}-{ordinal % 12 + 1:02d}"
