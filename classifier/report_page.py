"""A report as one self-contained page: it asks for nothing from outside, and no text in it can act."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from classifier.inert_text import inert
from classifier.page_sentences import FEW, PageCode, Quality, page_codes
from classifier.page_tables import (
    LEVELS,
    Bars,
    Heat,
    PageCell,
    PageColumn,
    bars,
    figure,
    heat,
    interval,
    page_columns,
)
from classifier.pictures import HEIGHT, WIDTH, LinePicture, line_pictures, place
from classifier.rendering import TEMPLATES, environment
from classifier.report_tables import Report, Table
from classifier.report_texts import percent, report_texts
from classifier.yaml_lines import parse

_PAGE, _STYLE, _SCRIPT, _TEXTS = "report.html", "report.css", "report.js", "page_texts.yaml"
MOST = 5  # categories named in the summary
SIZE = ("documents", "segments")  # items of the summary that say how much there is at all
ROOM = 22  # characters of period names that stand side by side below a small picture

Texts = Mapping[str, Any]


@dataclass(frozen=True)
class RowHead:
    """What a row of bars is of.

    ``tag`` is its code, ``anchor`` the place of its sentences, ``parts`` the codes of a category;
    each is empty where there is none.
    """

    text: str
    tag: str
    anchor: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """A table of the report with all that the page makes of it.

    ``scheme`` is the name of its scheme where it is one of several tables that tell the same of
    different schemes (empty: of codes), of which a reader chooses one; None for all others.
    ``heads`` and ``bars`` are there where its picture is bars, in place of the first column;
    ``heat`` and ``lines`` where it is that.
    """

    table: Table
    scheme: str | None
    columns: tuple[PageColumn, ...]
    heads: tuple[RowHead, ...] = ()
    bars: Bars | None = None
    heat: Heat | None = None
    lines: tuple[LinePicture, ...] = ()

    @property
    def value(self) -> str:
        """The name of the column that its picture shows."""
        return self.table.picture.value if self.table.picture is not None else ""


@dataclass(frozen=True)
class Tile:
    """Figures of the summary that stand together, each with its title.

    ``count`` and ``interval`` stand below a share; they are empty where there are none.
    """

    figures: tuple[tuple[str, str], ...]
    count: str = ""
    interval: str = ""


def to_html(report: Report) -> str:
    """Return the report as an HTML page that asks for nothing from outside.

    Its one script is named by its hash in the page's policy, so that no other can run. Whatever
    is written into the page is escaped and made inert in one place.
    """
    texts = {**report_texts(report.lang), "page": page_texts(report.lang)}
    script = (TEMPLATES / _SCRIPT).read_text(encoding="utf-8")
    templates = environment(_PAGE)
    templates.finalize = _inert
    templates.filters |= {"percent": percent, "ticks": ticks, "thousands": "{:,}".format, "ours": Markup}
    codes = page_codes(report, texts)
    by_code = {found.code.code: found for found in codes}
    return templates.get_template(_PAGE).render(
        report=report,
        t=texts,
        p=texts["page"],
        policy=_policy(script),
        style=(TEMPLATES / _STYLE).read_text(encoding="utf-8"),
        script=script,
        sections={topic: tuple(_section(report, topic, by_code, texts)) for topic in report.parts},
        codes=codes,
        by_code=by_code,
        tiles=tuple(_tiles(report, texts)),
        leading=tuple(_leading(report)),
        box=f"0 0 {WIDTH:g} {HEIGHT:g}",
        levels=LEVELS,
        few=FEW,
    )


@lru_cache(maxsize=2)
def page_texts(lang: str) -> Texts:
    """Return the words that only the page has, as `templates/page_texts.yaml` has them."""
    value, _ = parse((TEMPLATES / _TEXTS).read_text(encoding="utf-8"), _TEXTS)
    texts: Texts = value[lang]
    return texts


def _inert(value: object) -> object:
    """Return what a template writes such that it cannot act, nor turn the direction of what follows."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return inert(value).encode("utf-8", "replace").decode("utf-8")  # a file's name may hold half of one


def _policy(script: str) -> str:
    """Return the page's content security policy (W3C, "Content Security Policy Level 3", section 2.3)."""
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


# --- tables and their pictures ---


def _section(report: Report, topic: str, codes: Mapping[str, PageCode], texts: Texts) -> Iterator[Shown]:
    """Yield the tables of one part."""
    tables = [table for table in report.tables if table.topic == topic]
    switched = any(table.scheme is not None for table in tables)
    categories = {scheme.name: scheme.categories for scheme in report.schemes}
    for table in tables:
        scheme = (table.scheme or "") if switched else None
        columns = page_columns(table, texts)
        drawn = table.picture.kind if table.picture is not None else ""
        if drawn == "bars":
            heads = tuple(_heads(table, codes, categories.get(table.scheme or "", {})))
            columns = (*_without_heads(table, columns), *_right(table, codes, texts))
            yield Shown(table, scheme, columns, heads=heads, bars=bars(table))
        elif drawn == "heat":
            yield Shown(table, scheme, columns, heat=heat(table, texts))
        elif drawn == "lines":
            yield Shown(table, scheme, columns, lines=line_pictures(table))
        else:
            yield Shown(table, scheme, columns)


def _heads(
    table: Table, codes: Mapping[str, PageCode], categories: Mapping[str, tuple[str, ...]]
) -> Iterator[RowHead]:
    """Yield what the rows of bars are of; only where they are counted do they lead to sentences."""
    labels = table.values(table.picture.label if table.picture is not None else "")
    tags = table.values("code") if _has(table, "code") else ("",) * len(labels)
    leading = table.topic == "shares"
    for label, tag in zip(map(str, labels), map(str, tags), strict=True):
        anchor = codes[tag].anchor if leading and tag in codes else ""
        parts = categories.get(label, ()) if leading else ()
        yield RowHead(label, tag, anchor, tuple(code for code in parts if code in codes))


def _without_heads(table: Table, columns: Sequence[PageColumn]) -> Iterator[PageColumn]:
    label = table.picture.label if table.picture is not None else ""
    return (column for column in columns if column.name not in (label, "code"))


def _right(table: Table, codes: Mapping[str, PageCode], texts: Texts) -> Iterator[PageColumn]:
    """Yield the column that says beside each code's share how right the model is on it."""
    if table.topic != "shares" or not _has(table, "code"):
        return
    found = [codes[str(code)] for code in table.values("code")]
    if any(code.quality.precision is not None for code in found):
        cells = tuple(PageCell(_both(code.quality)) for code in found)
        yield PageColumn("quality", texts["page"]["quality"], True, texts["page"]["of_model"], cells)


def _both(found: Quality) -> str:
    known = found.precision is not None and found.recall is not None
    return f"{found.precision:.2f}\N{NO-BREAK SPACE}/\N{NO-BREAK SPACE}{found.recall:.2f}" if known else "–"


def _has(table: Table, column: str) -> bool:
    return any(found.name == column for found in table.columns)


def ticks(periods: tuple[str, ...]) -> list[tuple[float, str]]:
    """Return the periods named below a small picture, each with its place in per cent of the width.

    Named are the first, the last, and as many between, evenly spread, as there is room for.

    >>> [name for _, name in ticks(("2015", "2016", "2017", "2018", "2019"))]
    ['2015', '2017', '2019']
    >>> [name for _, name in ticks(("2018-Q1", "2018-Q2", "2018-Q3", "2018-Q4"))]
    ['2018-Q1', '2018-Q4']
    """
    n = len(periods)
    room = max(2, ROOM // (max(map(len, periods)) + 2))
    steps = [step for step in range(1, n) if (n - 1) % step == 0 and (n - 1) // step < room]
    return [(100 * place(i, n), periods[i]) for i in range(0, n, min(steps, default=1))]


# --- the summary ---


def _tiles(report: Report, texts: Texts) -> Iterator[Tile]:
    """Yield the figures of the summary; first how much there is at all, in one tile."""
    summary = next(report.of("summary"), None)
    if summary is None:
        return
    named = (summary.values(name) for name in ("item", "title", "count", "share", "low", "high"))
    rows = [
        (item, str(title), figure(count, "count", texts), *figures)
        for item, title, count, *figures in zip(*named, strict=True)
    ]
    yield Tile(tuple((count, title) for item, title, count, *_ in rows if item in SIZE))
    for item, title, count, share, low, high in rows:
        if item not in SIZE:
            shown, ends = figure(share, "share", texts), interval(low, high, "share", texts)
            yield Tile(((shown, title),), count, ends)


def _leading(report: Report) -> Iterator[tuple[str, str, tuple[tuple[str, float], ...]]]:
    """Yield for the codes and each scheme its name, its title, and its most frequent categories."""
    titles = {scheme.name: scheme.title for scheme in report.schemes}
    for table in report.tables:
        if table.topic == "shares" and table.picture is not None:
            labels, shares = table.values(table.picture.label), table.values(table.picture.value)
            known = ((str(name), share) for name, share in zip(labels, shares, strict=True))
            found = [(name, float(share)) for name, share in known if isinstance(share, float) and share > 0]
            ranked = sorted(found, key=lambda pair: -pair[1])[:MOST]
            if ranked:
                yield table.scheme or "", titles.get(table.scheme or "", ""), tuple(ranked)
