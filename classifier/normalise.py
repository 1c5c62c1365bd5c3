"""Normalising text on the way into cues and features; offsets always cut the raw text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

# Ways of naming the same office or office-holder, so that a name carries no weight.
_TITLES = re.compile(r"习近平(?:总书记|同志|主席)?|(?<!学)习(?:总书记|主席|同志)|总书记习近平")
# Marks that NFKC leaves alone although half- and full-width writers mean the same by them.
_MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "•": "·"})
_RULES = ((_TITLES, "总书记"), (re.compile(r"\s+"), " "))
# A character with the marks that combine with it, which NFKC takes together.
_CLUSTER = re.compile(r".[\u0300-\u036f\u3099\u309a\uff9e\uff9f]*", re.S)


def normalise(text: str) -> str:
    """Return ``text`` in one width, one case and one set of marks.

    >>> normalise("投入１.２亿元，实施“雨露计划”；")
    '投入1.2亿元,实施"雨露计划";'
    """
    text = _one_width(text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def _one_width(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_MARKS).lower()


@dataclass(frozen=True)
class Aligned:
    """A normalised text whose every character knows where it comes from.

    Character ``i`` of ``text`` was made from ``raw[starts[i]:ends[i]]``.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def sub(self, pattern: re.Pattern[str], replacement: str) -> Aligned:
        """Replace as `re.sub` does; what is put in comes from all that was taken out."""
        text, starts, ends, at = "", list[int](), list[int](), 0
        for match in pattern.finditer(self.text):
            first, last = match.span()
            text += self.text[at:first] + replacement
            starts += [*self.starts[at:first], *[self.starts[first]] * len(replacement)]
            ends += [*self.ends[at:first], *[self.ends[last - 1]] * len(replacement)]
            at = last
        return Aligned(text + self.text[at:], [*starts, *self.starts[at:]], [*ends, *self.ends[at:]])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the raw offsets of ``text[start:end]``, which is not empty."""
        return self.starts[start], self.ends[end - 1]


def aligned(text: str, offset: int = 0) -> Aligned:
    """Do as `normalise` does, remembering offsets, to which ``offset`` is added.

    >>> found = aligned("投入１.２亿元")
    >>> found.text, found.span(2, 5)
    ('投入1.2亿元', (2, 5))
    """
    whole, starts, ends = "", list[int](), list[int]()
    for match in _CLUSTER.finditer(text):
        piece = _one_width(match.group())
        whole += piece
        starts += [offset + match.start()] * len(piece)
        ends += [offset + match.end()] * len(piece)
    if whole != _one_width(text):  # a script whose letters compose across clusters: one place for all
        whole = _one_width(text)
        starts, ends = [offset] * len(whole), [offset + len(text)] * len(whole)
    out = Aligned(whole, starts, ends)
    for pattern, replacement in _RULES:
        out = out.sub(pattern, replacement)
    return out
