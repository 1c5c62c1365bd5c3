"""Normalising text on the way into cues and features; offsets always cut the raw text."""

from __future__ import annotations

import re
import unicodedata

# Ways of naming the same office or office-holder, so that a name carries no weight.
_TITLES = re.compile(r"习近平(?:总书记|同志|主席)?|(?<!学)习(?:总书记|主席|同志)|总书记习近平")
# Marks that NFKC leaves alone although half- and full-width writers mean the same by them.
_MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "•": "·"})
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Return ``text`` in one width, one case and one set of marks.

    >>> normalise("投入１.２亿元，实施“雨露计划”；")
    '投入1.2亿元,实施"雨露计划";'
    """
    text = unicodedata.normalize("NFKC", text).translate(_MARKS).lower()
    return _SPACE.sub(" ", _TITLES.sub("总书记", text))
