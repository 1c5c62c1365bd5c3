"""The words of a report in its language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from classifier.errors import InputError
from classifier.rendering import TEMPLATES
from classifier.report_tables import Cell, Column, Kind
from classifier.yaml_lines import parse

LANGUAGES = ("zh", "en")
_FILE = "report_texts.yaml"


@lru_cache(maxsize=len(LANGUAGES))
def report_texts(lang: str) -> Mapping[str, Any]:
    """Return the words of a language, as `templates/report_texts.yaml` has them.

    Raises `InputError` for a language that there is not.

    >>> report_texts("zh")["parts"]["summary"]
    '概况'
    """
    if lang not in LANGUAGES:
        raise InputError(f"no reports in '{lang}'", f"languages: {', '.join(LANGUAGES)}")
    value, _ = parse((TEMPLATES / _FILE).read_text(encoding="utf-8"), _FILE)
    texts: Mapping[str, Any] = value[lang]
    return texts


def named(names: Mapping[str, str], lang: str, otherwise: str) -> str:
    """Return a name in a language, in any other where it has none in that.

    >>> named({"zh": "看病"}, "en", "clinic")
    '看病'
    """
    return names.get(lang) or next(iter(names.values()), otherwise)


def column(texts: Mapping[str, Any], name: str, kind: Kind, title: str = "") -> Column:
    """Return a column whose title stands under its name, or under ``title``, in the texts."""
    return Column(name, str(texts["columns"][title or name]), kind)


def percent(share: float) -> str:
    """Return a share as per cent.

    >>> percent(0.0525)
    '5.2%'
    """
    return f"{100 * share:.1f}%"


def cell_text(value: Cell, kind: Kind, texts: Mapping[str, Any]) -> str:
    """Return a cell as people read it: shares as per cent, differences as points with a sign.

    ``kind`` is one of a table's `kinds`. A figure that there is not is a dash.

    >>> texts = report_texts("en")
    >>> [cell_text(v, k, texts) for v, k in ((0.05, "share"), (-0.031, "difference"), (None, "number"))]
    ['5.0%', '-3.1', '–']
    """
    if value is None:
        return "–"
    if kind == "flag":
        return str(texts["yes"] if value else texts["no"])
    if isinstance(value, str):
        return value
    return {"share": percent, "difference": _points, "number": "{:.2f}".format}.get(kind, str)(value)


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f}"
