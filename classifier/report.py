"""From labelled segments to what a person reads: shares per code and scheme, and the strongest sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from classifier.codebook import Codebook
from classifier.corpus import split_codes
from classifier.errors import InputError, OutputError
from classifier.rendering import TEMPLATES, environment
from classifier.tables import table_rows
from classifier.whole_file import whole_file
from classifier.yaml_lines import parse

LANGUAGES = ("zh", "en")
STRONGEST = 5  # sentences shown for each code
_LIST_MARK = re.compile(r"^(\d*)([-+=.)])")  # what would begin a list, a rule or a heading


@dataclass(frozen=True)
class Share:
    """How often one code or category occurs."""

    name: str
    title: str
    segments: int
    segment_share: float
    documents: int
    document_share: float


@dataclass(frozen=True)
class Sentence:
    """A labelled sentence with its place and, where known, its probability."""

    text: str
    doc_id: str
    segment_id: str
    probability: float | None


@dataclass(frozen=True)
class View:
    """The shares of one scheme's categories, or of the codes themselves."""

    name: str
    title: str
    source: str
    shares: tuple[Share, ...]

    @property
    def largest(self) -> float:
        """The largest segment share, for the length of bars."""
        return max((s.segment_share for s in self.shares), default=0.0) or 1.0


@dataclass(frozen=True)
class Report:
    """Everything a page shows; made by `make_report`, written by `to_markdown` and `to_html`."""

    source: str
    lang: str
    documents: int
    segments: int
    coded: int
    codes: View
    schemes: tuple[View, ...]
    strongest: Mapping[str, tuple[Sentence, ...]]


def read_labelled(path: Path, codebook: Codebook) -> pd.DataFrame:
    """Read what `fupin label` wrote.

    Returns a frame of text columns with one bool column ``given:CODE`` and one float
    column ``p:CODE`` (NaN where unknown) for each code. Raises `InputError` for a
    missing column or a code that the codebook does not have.
    """
    rows = list(table_rows(path))
    for n, row in enumerate(rows, 1):
        missing = [column for column in ("doc_id", "text", "codes") if column not in row]
        if missing:
            raise InputError(
                f"{path}: row {n}: no column '{missing[0]}'", "give a file that `fupin label` wrote"
            )
    given = np.zeros((len(rows), len(codebook.columns)), dtype=bool)
    column_of = {code: i for i, code in enumerate(codebook.columns)}
    for n, row in enumerate(rows):
        for code in split_codes(row["codes"], f"{path.name}: row {n + 1}"):
            if code not in column_of:
                raise InputError(
                    f"{path.name}: row {n + 1}: unknown code '{code}'",
                    "name the model it was labelled with: -m MODEL",
                )
            given[n, column_of[code]] = True
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["doc_id", "segment_id", "text", "codes"])
    probabilities = pd.DataFrame(
        {code: pd.to_numeric(frame.get(code, np.nan), errors="coerce") for code in codebook.columns},
        index=frame.index,
    )
    return pd.concat(
        [
            frame[[c for c in ("doc_id", "segment_id", "text", "title") if c in frame]],
            pd.DataFrame(given, columns=[f"given:{c}" for c in codebook.columns]),
            probabilities.add_prefix("p:"),
        ],
        axis=1,
    )


def make_report(
    labelled: pd.DataFrame,
    codebook: Codebook,
    *,
    source: str = "",
    schemes: Sequence[str] | None = None,
    lang: str = "zh",
) -> Report:
    """Count codes and categories in labelled segments.

    Parameters
    ----------
    labelled : DataFrame
        As `read_labelled` returns it.
    codebook : Codebook
    source : str
        The name of the labelled file, for the heading.
    schemes : sequence of str, optional
        Schemes to show; by default all of the codebook.
    lang : {"zh", "en"}
        The language of the headings; sentences stay as they are.
    """
    given = labelled[[f"given:{c}" for c in codebook.columns]].set_axis(list(codebook.columns), axis=1)
    doc_ids = labelled["doc_id"]
    titles = {c.code: _in(c.name, lang, c.code) for c in codebook.codes}
    views = []
    for name in schemes if schemes is not None else codebook.schemes:
        scheme = codebook.scheme(name)
        shares = _shares(codebook.roll_up(given, name), doc_ids, {})
        views.append(View(name, _in(scheme.name, lang, name), scheme.source, shares))
    return Report(
        source=source,
        lang=lang,
        documents=int(doc_ids.nunique()),
        segments=len(labelled),
        coded=int(given.any(axis=1).sum()),
        codes=View("codes", "", "", _shares(given, doc_ids, titles)),
        schemes=tuple(views),
        strongest={code: _strongest(labelled, code) for code in codebook.columns},
    )


def _in(names: Mapping[str, str], lang: str, otherwise: str) -> str:
    return names.get(lang) or next(iter(names.values()), otherwise)


def _shares(given: pd.DataFrame, doc_ids: pd.Series[str], titles: Mapping[str, str]) -> tuple[Share, ...]:
    documents = max(int(doc_ids.nunique()), 1)
    out = []
    for name in map(str, given.columns):
        n, d = int(given[name].sum()), int(doc_ids[given[name]].nunique())
        out.append(Share(name, titles.get(name, name), n, n / max(len(given), 1), d, d / documents))
    return tuple(out)


def _strongest(labelled: pd.DataFrame, code: str) -> tuple[Sentence, ...]:
    """Return the segments given the code, the most probable first, each text once."""
    rows = labelled[labelled[f"given:{code}"]].drop_duplicates("text")
    rows = rows.sort_values(f"p:{code}", ascending=False, kind="stable").head(STRONGEST)
    return tuple(
        Sentence(
            str(r["text"]), str(r["doc_id"]), str(r.get("segment_id", "")), None if pd.isna(p) else float(p)
        )
        for (_, r), p in zip(rows.iterrows(), rows[f"p:{code}"], strict=True)
    )


def _texts(lang: str) -> Mapping[str, str]:
    value, _ = parse((TEMPLATES / "report_texts.yaml").read_text(encoding="utf-8"), "report_texts.yaml")
    texts: Mapping[str, str] = value[lang]
    return texts


def _render(report: Report, template: str) -> str:
    templates = environment(template)
    templates.filters["percent"] = lambda share: f"{100 * share:.1f}%"
    templates.filters["cell"] = _markdown_cell
    return templates.get_template(template).render(report=report, t=_texts(report.lang))


def _markdown_cell(text: str) -> str:
    """Return text that neither ends a table cell nor starts markup."""
    text = " ".join(text.split())
    for mark in "\\|`*_<>[]#&~":
        text = text.replace(mark, f"\\{mark}")
    return _LIST_MARK.sub(r"\1\\\2", text)


def to_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    return _render(report, "report.md")


def to_html(report: Report) -> str:
    """Return the report as one self-contained page: no script, no request, every text escaped."""
    return _render(report, "report.html")


def write_report(report: Report, out: Path) -> None:
    """Write the report as ``.html`` or ``.md``, whole or not at all; raises `OutputError`."""
    writers = {".html": to_html, ".htm": to_html, ".md": to_markdown}
    if out.suffix.lower() not in writers:
        raise OutputError(f"{out}: unknown format '{out.suffix}'", "a report is .html or .md")
    with whole_file(out) as stream:
        stream.write(writers[out.suffix.lower()](report))
