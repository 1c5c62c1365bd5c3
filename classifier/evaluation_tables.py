"""How good a model is, read back from its folder: its manifest, and the tables of EVALUATION.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classifier.bounded_files import read_bounded
from classifier.codebook import Codebook
from classifier.errors import InputError, ModelError
from classifier.store import EVALUATION, FILES, read_manifest

_RULE = re.compile(r"\|(?:-+:?\|)+")
_LARGEST = 1e15
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_PER_CODE = {"code", "support", "precision", "recall", "F1"}
_PER_TEXT = {"text", "segments (documents)", "support", "model, micro-F1"}

Record = Mapping[str, str]  # a row of a Markdown table by its header


@dataclass(frozen=True)
class CodeFigures:
    """Figures of one code on documents held out; None where the folder does not say.

    ``golds`` maps the name of a gold to F1 and the number of gold positives, where there are
    enough of these.
    """

    code: str
    trained: bool
    support: int | None
    precision: float | None
    recall: float | None
    f1: float | None
    golds: Mapping[str, tuple[float, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class TextFigures:
    """Micro-F1 on one text with its 95 % interval, beside the lexicon's and that between coders."""

    text: str
    segments: int
    documents: int
    support: int
    f1: float
    low: float
    high: float
    lexicon_f1: float | None
    coders_f1: float | None


@dataclass(frozen=True)
class ModelFigures:
    """What a model folder says of how good its model is; either part may be empty."""

    codes: tuple[CodeFigures, ...]
    texts: tuple[TextFigures, ...]


def read_figures(folder: Path, codebook: Codebook) -> ModelFigures:
    """Return the figures of a model folder.

    Support and F1 come from the manifest; precision, recall and the figures on gold from
    EVALUATION.md, where the model was evaluated. Raises `ModelError` where one cannot be read.

    >>> from classifier import load_codebook, shipped
    >>> figures = read_figures(shipped.MODEL, load_codebook())
    >>> all(0 < code.precision < 1 for code in figures.codes), len(figures.texts) > 0
    (True, True)
    """
    path = folder / EVALUATION
    try:
        text = read_bounded(path, FILES[EVALUATION]).decode("utf-8")
    except (InputError, OSError, UnicodeError):
        raise ModelError(f"{path}: cannot be read", "fetch the folder anew") from None
    return figures_in(read_manifest(folder), text, codebook, folder)


def figures_in(manifest: Mapping[str, Any], text: str, codebook: Codebook, folder: Path) -> ModelFigures:
    """Do as `read_figures` does, with a manifest and the text of EVALUATION.md at hand."""
    try:
        return _figures(manifest["training"].get("codes") or {}, list(markdown_tables(text)), codebook)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        raise ModelError(f"{folder}: its figures make no sense", "fetch the folder anew") from None


def _figures(noted: Mapping[str, Any], tables: list[list[Record]], codebook: Codebook) -> ModelFigures:
    per_code = next((rows for rows in tables if rows and set(rows[0]) >= _PER_CODE), [])
    of_code = {row["code"]: row for row in per_code}
    golds = _golds(tables)
    return ModelFigures(
        codes=tuple(
            _code(code, noted.get(code) or {}, of_code.get(_shown(code)) or {}, golds.get(_shown(code)) or {})
            for code in codebook.columns
            if code in noted or _shown(code) in of_code
        ),
        texts=tuple(_text(row) for rows in tables if rows and set(rows[0]) >= _PER_TEXT for row in rows),
    )


def _shown(code: str) -> str:
    """Return a code as the tables show it."""
    return f"`{code}`".replace("|", "/")


def _code(code: str, noted: Mapping[str, Any], row: Record, golds: Record) -> CodeFigures:
    on_gold = {name: _numbers(cell) for name, cell in golds.items() if name != "code"}
    support = _noted(noted, "support", _whole(row.get("support", "")))
    return CodeFigures(
        code=code,
        trained=bool(noted.get("trained", True)),
        support=None if support is None else int(support),
        precision=_figure(row.get("precision", "")),
        recall=_figure(row.get("recall", "")),
        f1=_noted(noted, "f1", _figure(row.get("F1", ""))),
        golds={name: (found[0], int(found[1])) for name, found in on_gold.items() if len(found) == 2},
    )


def _noted(noted: Mapping[str, Any], name: str, otherwise: float | None) -> float | None:
    """Return a figure of the manifest; raises ValueError where it is no number, or below 0."""
    figure = noted.get(name, otherwise)
    if figure is None:
        return None
    if type(figure) in (int, float) and 0 <= figure < _LARGEST:
        return float(figure)
    raise ValueError(f"{name} is no figure")


def _golds(tables: list[list[Record]]) -> Mapping[str, Record]:
    """Return the figures on gold by code, from the table of cells such as ``0.84 (60)``."""
    for rows in tables:
        header = list(rows[0]) if rows else []
        if header[:1] == ["code"] and "name" not in header:
            return {row["code"]: row for row in rows}
    return {}


def _text(row: Record) -> TextFigures:
    segments, documents = map(int, _numbers(row["segments (documents)"]))
    f1, low, high = _numbers(row["model, micro-F1"])
    return TextFigures(
        text=row["text"],
        segments=segments,
        documents=documents,
        support=_whole(row["support"]) or 0,
        f1=f1,
        low=low,
        high=high,
        lexicon_f1=_figure(row.get("lexicon alone, micro-F1", "")),
        coders_f1=_figure(row.get("coders", "")),
    )


def _numbers(cell: str) -> list[float]:
    return [float(number.replace(",", "")) for number in _NUMBER.findall(cell)]


def _figure(cell: str) -> float | None:
    """Return the first number of a cell; None where it has only a dash."""
    return next(iter(_numbers(cell)), None)


def _whole(cell: str) -> int | None:
    figure = _figure(cell)
    return None if figure is None else int(figure)


def markdown_tables(text: str) -> Iterator[list[Record]]:
    r"""Yield the tables of a Markdown text, each as its rows by header.

    >>> list(markdown_tables("| 代号 | 数 |\n|---|---:|\n| 甲 | 3 |"))
    [[{'代号': '甲', '数': '3'}]]
    """
    lines, at = [*text.splitlines(), ""], 1
    while at < len(lines):
        if _RULE.fullmatch(lines[at].replace(" ", "")):
            header, rows = _cells(lines[at - 1]), list[Record]()
            while lines[at + 1].startswith("|"):  # the last line is empty
                at += 1
                rows.append(dict(zip(header, _cells(lines[at]), strict=False)))
            yield rows
        at += 1


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]
