"""A report as Markdown, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from classifier.inert_text import ACTIVE, inert
from classifier.rendering import environment
from classifier.report_tables import Report, Sentence, Table
from classifier.report_texts import cell_text, report_texts

FORMAT = 1  # of the JSON object
PHRASES = 3  # phrases named behind a sentence
_TEMPLATE = "report.md"
_LIST_MARK = re.compile(r"^(\d*)([-+=.)])")  # what would begin a list, a rule or a heading


def to_markdown(report: Report) -> str:
    """Return the report as Markdown; no text of a document or codebook can become markup in it."""
    texts = report_texts(report.lang)

    def rows(table: Table) -> Iterator[list[str]]:
        kinds = table.kinds
        for row in table.rows:
            yield [
                _markdown_cell(str(value)) if isinstance(value, str) else cell_text(value, kind, texts)
                for value, kind in zip(row, kinds, strict=True)
            ]

    templates = environment(_TEMPLATE)
    templates.filters |= {"cell": _markdown_cell, "rows": rows, "phrases": _phrases}
    return templates.get_template(_TEMPLATE).render(report=report, t=texts)


def _markdown_cell(text: str) -> str:
    """Return text that neither ends a table cell nor starts markup."""
    text = inert(" ".join(text.split()))
    for mark in "\\|`*_<>[]#&~":
        text = text.replace(mark, f"\\{mark}")
    return _LIST_MARK.sub(r"\1\\\2", text)


def _phrases(sentence: Sentence) -> list[str]:
    """Return what speaks most for the code, pieces that touch put together, in the order of the text."""
    runs: list[tuple[int, int, float]] = []
    for start, end, weight in sentence.highlights:
        if runs and runs[-1][1] == start:
            first, _, before = runs.pop()
            runs.append((first, end, before + weight))
        else:
            runs.append((start, end, weight))
    strongest = sorted(runs, key=lambda run: -run[2])[:PHRASES]
    return [sentence.text[start:end] for start, end, _ in sorted(strongest)]


def to_json(report: Report) -> str:
    r"""Return the report as one JSON object, its keys always in this order.

    ``format`` (1), ``source``, ``against`` (empty without), ``lang``, ``heading``, ``about``,
    ``codebook``, ``warnings`` (list of text), ``parts`` (heading by topic), then

    - ``schemes``: ``name``, ``title``, ``source``, ``categories`` (codes by category);
    - ``tables``: ``name``, ``title``, ``note``, ``topic``, ``scheme`` (null for codes),
      ``columns`` (each ``name``, ``title``, ``kind``), ``rows`` (a list of cells each; shares are
      numbers from 0 to 1; null is no figure), ``picture`` (null, or its ``kind`` and the columns
      ``label``, ``value``, ``across``, ``low`` and ``high``; an empty text is none);
    - ``codes``: ``code``, ``title``, ``definition``, ``threshold``, and under ``strongest`` and
      ``doubtful`` sentences: ``text``, ``doc_id``, ``segment_id``, ``title``, ``codes``,
      ``probability``, ``highlights`` (start, end, weight each), ``before``, ``after`` (``text``,
      ``segment_id``, ``codes`` each), ``key``, ``url`` (empty: none).
    """
    value: dict[str, Any] = {"format": FORMAT}
    for name in ("source", "against", "lang", "heading", "about", "codebook", "warnings", "parts"):
        value[name] = getattr(report, name)
    value["schemes"] = [{**vars(s), "categories": dict(s.categories)} for s in report.schemes]
    value["tables"] = [_table(table) for table in report.tables]
    value["codes"] = [asdict(code) for code in report.codes]
    text = json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    return ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _table(table: Table) -> dict[str, Any]:
    names = ("name", "title", "note", "topic", "scheme", "columns", "rows", "picture")
    value = asdict(table)
    return {name: value[name] for name in names}
