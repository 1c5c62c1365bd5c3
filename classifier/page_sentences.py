"""The codes of a report as its page shows them: their figures, and their sentences, marked and linked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from classifier.page_tables import figure, interval
from classifier.report_tables import CodeSentences, Report, Sentence, Topic

SHADES = 5  # of what decided, the darkest for what speaks most for the code
LONG, ENDS = 60, 16  # a longer sentence is looked for by its first and its last characters
ROUNDING = 1e-9
FEW = 30  # labels below which precision and recall say little

Texts = Mapping[str, Any]
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Piece:
    """A stretch of a sentence; ``shade`` is 0 for what does not speak for the code."""

    text: str
    shade: int


@dataclass(frozen=True)
class PageSentence:
    """A sentence as it is shown.

    Parameters
    ----------
    sentence : Sentence
    anchor : str
        The id of what stands around it; no two in a page are the same.
    pieces : tuple of Piece
        Its text, in order and whole.
    others : tuple of str
        The other codes that it was given.
    given : bool
        Whether it was given the code under which it is shown.
    link : str
        Its place in the article on the web; empty where no address is known.
    """

    sentence: Sentence
    anchor: str
    pieces: tuple[Piece, ...]
    others: tuple[str, ...]
    given: bool
    link: str


@dataclass(frozen=True)
class Quality:
    """How right the model is on a code: precision, recall, and the labels that tell it; None: not known."""

    precision: float | None
    recall: float | None
    support: int | None

    @property
    def few(self) -> bool:
        """Whether there are too few labels to trust the two."""
        return (self.support or 0) < FEW


@dataclass(frozen=True)
class PageCode:
    """A code as it is shown.

    Parameters
    ----------
    code : CodeSentences
    anchor : str
        Its id in the page.
    segments, share, interval : str
        How often it occurs.
    quality : Quality
    categories : tuple of (str, tuple of str)
        Its categories in each scheme that has it, by the scheme's name.
    strongest, doubtful : tuple of PageSentence
    """

    code: CodeSentences
    anchor: str
    segments: str
    share: str
    interval: str
    quality: Quality
    categories: tuple[tuple[str, tuple[str, ...]], ...]
    strongest: tuple[PageSentence, ...]
    doubtful: tuple[PageSentence, ...]


def page_codes(report: Report, texts: Texts) -> tuple[PageCode, ...]:
    """Return the codes of a report with what its tables say of them, in the codebook's order."""
    counted = _by_code(report, "shares", "share")
    checked = _by_code(report, "quality", "precision")
    shown = _Shown()
    made = []
    for i, code in enumerate(report.codes):
        counts, right = counted.get(code.code, {}), checked.get(code.code, {})
        made.append(
            PageCode(
                code=code,
                anchor=f"code-{i}",
                segments=figure(counts.get("segments"), "count", texts),
                share=figure(counts.get("share"), "share", texts),
                interval=interval(counts.get("low"), counts.get("high"), "share", texts),
                quality=Quality(right.get("precision"), right.get("recall"), right.get("support")),
                categories=tuple(_categories(report, code.code)),
                strongest=shown.sentences(code.strongest, code.code),
                doubtful=shown.sentences(code.doubtful, code.code),
            )
        )
    return tuple(made)


def _by_code(report: Report, topic: Topic, column: str) -> dict[str, Figures]:
    """Return the rows of the first table of a part that has codes and a column: code → name → cell."""
    for table in report.of(topic):
        names = [found.name for found in table.columns]
        if "code" in names and column in names:
            rows = (dict(zip(names, row, strict=True)) for row in table.rows)
            return {str(row["code"]): row for row in rows}
    return {}


def _categories(report: Report, code: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for scheme in report.schemes:
        found = tuple(category for category, codes in scheme.categories.items() if code in codes)
        if found:
            yield scheme.name, found


class _Shown:
    """Makes the sentences of a page, and knows which were made: one can stand under several codes."""

    def __init__(self) -> None:
        self.times: Counter[str] = Counter()

    def sentences(self, found: Sequence[Sentence], code: str) -> tuple[PageSentence, ...]:
        return tuple(
            PageSentence(
                sentence=sentence,
                anchor=self._anchor(sentence.key),
                pieces=pieces(sentence),
                others=tuple(other for other in sentence.codes if other != code),
                given=code in sentence.codes,
                link=place_in_article(sentence.url, sentence.text),
            )
            for sentence in found
        )

    def _anchor(self, key: str) -> str:
        self.times[key] += 1
        return key if self.times[key] == 1 else f"{key}-{self.times[key]}"


def pieces(sentence: Sentence) -> tuple[Piece, ...]:
    """Return a sentence in stretches, shaded by their weight per character, the densest the darkest.

    What weighs less than a fifth of it is not marked: otherwise most of a long sentence would be, and
    nothing would stand out.

    >>> evidence = ((0, 2, 1.0), (2, 4, 4.0), (4, 6, 0.1))
    >>> s = Sentence("签约医生上门。", "a", "a#0", "", (), None, evidence, (), (), "s0")
    >>> [(p.text, p.shade) for p in pieces(s)]
    [('签约', 1), ('医生', 5), ('上门。', 0)]
    """
    densest = max((w / (end - start) for start, end, w in sentence.highlights), default=1.0)
    found, at = [], 0
    for start, end, weight in sentence.highlights:
        shade = math.floor(SHADES * weight / (end - start) / densest + ROUNDING)
        if shade > 0:
            found += [Piece(sentence.text[at:start], 0), Piece(sentence.text[start:end], shade)]
            at = end
    found.append(Piece(sentence.text[at:], 0))
    return tuple(piece for piece in found if piece.text)


def place_in_article(address: str, text: str) -> str:
    """Return the address of a sentence in an article on the web; empty where that is no such address.

    The browser looks for the sentence itself (WICG, "URL Fragment Text Directives", 2023, section 3).

    >>> place_in_article("https://news.example/1", "修路。")
    'https://news.example/1#:~:text=%E4%BF%AE%E8%B7%AF%E3%80%82'
    >>> place_in_article("javascript:alert(1)", "修路。")
    ''
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    printable = all(c.isprintable() and not c.isspace() for c in address)
    if parts.scheme not in ("http", "https") or not parts.netloc or not printable:
        return ""
    ends: Sequence[str] = (text,) if len(text) <= LONG else (text[:ENDS], text[-ENDS:])
    directive = ",".join(quote(end, safe="", errors="replace").replace("-", "%2D") for end in ends)
    return f"{address}{'' if parts.fragment else '#'}:~:text={directive}"
