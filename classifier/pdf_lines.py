"""Pieces of text with their places on pages → lines → paragraphs, as a reader of Chinese would see them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

# What stands in the way of a line break, so that more than one character moves to the next line
_TOKEN = re.compile(
    r"[（《“‘【「『〔([{]*(?:[A-Za-z0-9.,%+\-/]+|.)[，。；：、？！）》”’】」』〕)\]}％…—]*", re.DOTALL
)
_WIDE = re.compile(
    "[\u1100-\u11ff\u2014-\u2026\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]"
)
_CHINESE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60\u3000-\u303f“”‘’—…"
_INNER_BLANK = re.compile(rf"(?<=[{_CHINESE}]) (?=\S)|(?<=\S) (?=[{_CHINESE}])")
_PAGE_NUMBER = re.compile(
    r"[-—–·•\s]*(?:第\s*)?[\dIVXivx]+(?:\s*[/／]\s*\d+|\s*页)?(?:\s*[,，/共]*\s*\d*\s*页)?[-—–·•\s]*"
)
_DIGITS = re.compile(r"\d+")
_EDGE = 3  # lines at the head and at the foot of a page that may be running ones
_REPEATED = 0.4  # of the pages that a running line stands on
_CELL = 1.5  # widths of a character from which on a gap divides cells
_NEAR = 10  # points within which lines end at the same place
_ENOUGH, _MANY = 3, 0.12  # lines, and share of all lines, that make a margin
_LEADERS = re.compile(r"[.．·…]{3,}\s*\d+$")  # a line of a table of contents
_NARROWEST = 12  # characters of the narrowest column; what is shorter was not broken by a margin
_ITEM = re.compile(
    r"[（(]?[一二三四五六七八九十]{1,3}[）)、]|[（(]?\d{1,2}(?:[）)、．]|\.(?!\d))|[①-⑳]"
)  # begins a list item
_INDENT = (1.4, 4.5)  # widths of a character by which a first line is set in


@dataclass(frozen=True)
class Piece:
    """Text as a PDF file places it: where it begins, and its size, in points; ``y`` grows upwards."""

    text: str
    x: float
    y: float
    size: float


@dataclass(frozen=True)
class Line:
    """A line of a page: where it begins and ends, its height on the page and its size, in points."""

    text: str
    left: float
    right: float
    y: float
    size: float


def width(text: str) -> float:
    """Return the width of text in widths of a Chinese character.

    >>> width("户均年增收4200元")
    8.0
    """
    return sum(1.0 if _WIDE.match(c) else 0.5 for c in text)


def lines_of_page(pieces: Sequence[Piece]) -> list[Line]:
    """Put the pieces of a page together as lines, in the order in which the file has them.

    >>> [line.text for line in lines_of_page([Piece("扶", 10, 700, 12), Piece("贫", 22, 700, 12)])]
    ['扶贫']
    """
    lines, row = list[Line](), list[Piece]()
    for piece in pieces:
        if row and not _same_line(row[-1], piece):
            lines.append(_line(row))
            row = []
        if piece.text.strip() or row:
            row.append(piece)
    return [*lines, _line(row)] if row else lines


def _same_line(before: Piece, piece: Piece) -> bool:
    step = 0.5 * max(before.size, piece.size)
    return abs(piece.y - before.y) < step and piece.x > before.x - step


def _line(row: Sequence[Piece]) -> Line:
    text, right = "", row[0].x
    for piece in row:
        if text and piece.x - right > _CELL * piece.size and not piece.text.startswith(" "):
            text += "\t"
        text += piece.text
        # A piece in the middle of a run of glyphs is told to begin where the run began.
        right = max(right, piece.x) + width(_tidy(piece.text)) * piece.size
    sizes = Counter(piece.size for piece in row for _ in piece.text.strip())
    size = max(sizes, key=lambda s: sizes[s]) if sizes else row[0].size
    set_in = len(text) - len(text.lstrip("\u3000"))
    return Line(text.strip(" \u3000"), row[0].x + set_in * size, right, row[0].y, size)


def without_running_lines(pages: Sequence[Sequence[Line]]) -> list[list[Line]]:
    """Return pages without page numbers, and without heads and feet that many pages repeat.

    A line counts as running where it is among the three highest or lowest of its page, and stands,
    but for its digits, at the same height on 40 % of the pages, or on both of two.
    """
    seen = Counter(key for page in pages for key in {_running_key(line) for line in _edges(page)})
    needed = max(2, _REPEATED * len(pages))
    return [
        [line for line in page if seen[_running_key(line)] < needed and not _is_page_number(line, page)]
        for page in pages
    ]


def _edges(page: Sequence[Line]) -> list[Line]:
    by_height = sorted(page, key=lambda line: -line.y)
    return [*by_height[:_EDGE], *by_height[_EDGE:][-_EDGE:]]


def _running_key(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("0", re.sub(r"\s", "", line.text)), round(line.y / 10)


def _is_page_number(line: Line, page: Sequence[Line]) -> bool:
    """Say whether a line is the first or the last of its page, and nothing but a number of one."""
    heights = [other.y for other in page]
    return line.y in (min(heights), max(heights)) and _PAGE_NUMBER.fullmatch(line.text) is not None


def paragraphs(lines: Sequence[Line]) -> Iterator[str]:
    """Join lines that the margin has divided; what an author has divided stays apart.

    A break was forced where the next word would not have fitted before the margin: one of the
    places at which many lines end. A line that is set in, or of another size, begins anew.
    """
    page = _Page.of(lines)
    text = ""
    for i, line in enumerate(lines):
        if i and not page.goes_on(lines[i - 1], line):
            yield _tidy(text)
            text = ""
        text = _joined(text, line.text)
    if text:
        yield _tidy(text)


def _shared(places: Sequence[float]) -> list[float]:
    """Return the places, in points from the left, at which many lines begin or end.

    >>> _shared([440, 441, 443, 120, 310])
    [443]
    """
    near: dict[int, list[float]] = {}
    for place in places:
        near.setdefault(round(place / _NEAR), []).append(place)
    enough = max(_ENOUGH, _MANY * len(places))
    size = {k: len(v) for k, v in near.items()}
    return sorted(
        max(found)
        for k, found in near.items()
        if size[k] + max(size.get(k - 1, 0), size.get(k + 1, 0)) >= enough
    )


@dataclass(frozen=True)
class _Page:
    """What the lines of a document share: where they begin and end, and how far apart they are, in points."""

    lefts: list[float]
    margins: list[float]
    leading: float
    em: float  # the size of most text

    @classmethod
    def of(cls, lines: Sequence[Line]) -> _Page:
        rights = [line.right for line in lines]
        steps = Counter(round(a.y - b.y) for a, b in pairwise(lines) if a.y > b.y)
        usual = [step for step, count in steps.most_common(1) if count >= _ENOUGH]
        leading = usual[0] if usual else 2 * max((line.size for line in lines), default=0)
        margins = _shared(rights) or [max(rights, default=0)]
        return cls(_shared([line.left for line in lines]), margins, leading, _usual_size(lines))

    def goes_on(self, before: Line, line: Line) -> bool:
        """Say whether a line goes on with the paragraph of the line before."""
        em = max(before.size, 1)
        if abs(line.size - before.size) > 0.15 * em or "\t" in before.text + line.text:
            return False
        larger = max(1.0, em / max(self.em, 1))  # lines of a headline are as much further apart
        if before.y - line.y > 1.5 * max(self.leading * larger, em) or _LEADERS.search(before.text):
            return False
        if _ITEM.match(line.text) or before.right - before.left < _NARROWEST * em:
            return False
        return not self._is_set_in(line, before) and self._is_full(before, line)

    def _is_full(self, before: Line, line: Line) -> bool:
        em, token = max(before.size, 1), _TOKEN.match(line.text)
        margin = next((m for m in self.margins if m >= before.right - 0.6 * em), before.right)
        return before.right + width(token[0] if token else "") * em > margin - 0.5 * em

    def _is_set_in(self, line: Line, before: Line) -> bool:
        low, high = _INDENT
        if line.size > 1.1 * self.em and _is_centred_below(line, before):
            return False
        if low * line.size < line.left - before.left < high * line.size:
            return True
        body = line.left - 2 * line.size  # where lines begin that are not set in, if this one is
        near = 0.5 * line.size
        return abs(line.left - before.left) < near and any(abs(body - left) < near for left in self.lefts)


def _usual_size(lines: Sequence[Line]) -> float:
    """Return the size in which most characters are set; 0 without lines."""
    sizes = Counter[float]()
    for line in lines:
        sizes[line.size] += len(line.text)
    return max(sizes, key=lambda size: sizes[size], default=0)


def _is_centred_below(line: Line, before: Line) -> bool:
    return abs(line.left + line.right - before.left - before.right) < line.size


def _joined(text: str, more: str) -> str:
    """Join two lines: with a blank between letters or digits, without one where Chinese stands.

    >>> _joined("铺成水泥路", "，全长"), _joined("village", "doctor")
    ('铺成水泥路，全长', 'village doctor')
    """
    if not text or _WIDE.match(text[-1]) or _WIDE.match(more[:1]) or text[-1] in "“”‘’":
        return text + more
    return f"{text[:-1]}{more}" if text.endswith("\u00ad") else f"{text} {more}"


def _tidy(text: str) -> str:
    """Take out the single blanks beside Chinese characters: typesetting, and no part of the text."""
    return _INNER_BLANK.sub("", text).strip(" \u3000")
