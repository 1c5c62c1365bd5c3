"""Normalising text on the way into cues and features; offsets always cut the raw text.

What a character alone becomes is settled once, in a table; the rest is compiled code
that works on code points, because it sees every character of every text. Characters
that cannot be settled alone (letters with combining marks, ligatures that fall apart)
are told apart, and their text takes the way of Python's `unicodedata`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier import tries
from classifier.compiling import NONE, ONE, njit
from classifier.excerpts import Letters, Offsets, bounds_of, code_points, text_of
from classifier.tries import BMP, LETTERS, START, Alphabet, EveryCharacter, Trie

# Marks that NFKC leaves alone although half- and full-width writers mean the same by them.
_MARKS = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "—": "-", "–": "-", "•": "·"})
# Ways of naming the same office or office-holder, so that a name carries no weight.
_OFFICE = "总书记"
_NAMES = ("习近平总书记", "习近平同志", "习近平主席", "习近平", "总书记习近平")
_NAMES_WITHOUT = ("习总书记", "习主席", "习同志")  # not in 学习总书记…
_TO_STUDY = "学"
# A character with the marks that combine with it, which NFKC takes together.
_CLUSTER = re.compile(r".[\u0300-\u036f\u3099\u309a\uff9e\uff9f]*", re.S)
_JAMO = range(0x1160, 0x1200)  # vowels and tails that join the letter before them
_SHORT, _MOST_MARKS, _JOINER = 300, 30, "\u034f"
_PLANE_ROW = 128  # characters looked at together; with `_APART` between them no more than `_SHORT`
_APART = "\ue000"  # that nothing becomes, and nothing joins
_KINDS = 0x20000  # code points that have a kind; no digit, white space or mark lies beyond

PLAIN, SPACE, DIGIT, NAME = range(4)

Places = NDArray[np.int32]


class Folding(NamedTuple):
    """What compiled code needs to normalise text in the letters of an alphabet.

    ``letter`` gives what each raw code point below `BMP` becomes; ``entangled`` says which
    cannot be settled alone. ``kind`` says of each letter whether it is a digit or white
    space, or one of the ``names`` begins with it. ``barred`` holds, for each of these, a letter
    that must not stand before it, or 0. ``marks`` are the letters of a blank, a zero, a point and a comma.
    """

    letter: Letters
    entangled: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    names: Trie
    barred: Letters
    office: Letters
    marks: Letters


def folding(alphabet: Alphabet) -> Folding:
    """Return the tables for an alphabet that has the letters of `needed`."""
    _, entangled, kinds = _characters()
    kind = np.zeros(alphabet.size, dtype=np.uint8)
    special = np.flatnonzero(kinds).astype(np.uint32)
    kind[alphabet.letters_of(special)] = kinds[special]
    kind[0] = PLAIN  # white space and digits that become others in one width have no letter
    names = sorted((*_NAMES, *_NAMES_WITHOUT))
    kind[alphabet.letters("".join(name[0] for name in names))] = NAME
    study = alphabet.letters(_TO_STUDY)[0]
    return Folding(
        letter=letter_table(alphabet),
        entangled=entangled,
        kind=kind,
        names=tries.build(names, alphabet),
        barred=np.array([study if name in _NAMES_WITHOUT else 0 for name in names], dtype=np.uint32),
        office=alphabet.letters(_OFFICE),
        marks=alphabet.letters(" 0.,"),
    )


def letter_table(alphabet: Alphabet) -> Letters:
    """Return the letter of each code point below `BMP`, taken in one width, case and set of marks."""
    return alphabet.letters_of(_characters()[0])


@njit(cache=True, nogil=True)
def look_up(table: Any, raw: Any, beside: Any) -> Any:
    """Return the letters of raw code points by a `letter_table`, with other letters behind them."""
    out = np.empty(len(raw) + len(beside), dtype=np.uint32)
    for i in range(len(raw)):
        out[i] = letter_of(table, raw[i])
    out[len(raw) :] = beside
    return out


@njit
def letter_of(table: Any, code: int) -> Any:
    """Return the letter of one raw code point by a `letter_table`."""
    return table[min(code, BMP - 1)]


@lru_cache(maxsize=1)
def _whole() -> Folding:
    return folding(EveryCharacter())


@lru_cache(maxsize=1)
def _characters() -> tuple[Letters, NDArray[np.bool_], NDArray[np.uint8]]:
    """Return, made once a process: each character in one width, which are entangled, and their kinds."""
    changed = _changed()
    seconds = _seconds(changed)
    alone = {c: w for c, w in changed.items() if len(w) == 1 and seconds.isdisjoint((c, w))}
    entangled = np.zeros(BMP, dtype=bool)
    entangled[code_points("".join({*seconds, *changed} - alone.keys()))] = True
    forms = np.arange(BMP, dtype=np.uint32)
    forms[code_points("".join(alone))] = code_points("".join(alone.values()))
    forms[entangled] = np.flatnonzero(entangled)
    return forms, entangled, _kinds()


def _rows_where(holds: Callable[[str], bool]) -> Iterator[str]:
    """Yield rows of the characters below `BMP` of which something holds."""
    characters = _first(BMP)
    for at in range(0, BMP, _PLANE_ROW):
        if holds(row := characters[at : at + _PLANE_ROW]):
            yield row


def _first(n: int) -> str:
    """Return the first ``n`` characters, halves of pairs among them."""
    return text_of(np.arange(n, dtype=np.uint32))


def _changed() -> dict[str, str]:
    """Return what becomes in one width of each character below `BMP` that does not stay as it is."""
    out = dict[str, str]()
    for row in _rows_where(lambda row: one_width(row) != row):
        forms = one_width(_APART.join(row)).split(_APART)
        out |= {c: w for c, w in zip(row, forms, strict=True) if c != w}
    return out


def _seconds(changed: Iterable[str]) -> set[str]:
    """Return the characters below `BMP` whose form may depend on the one before them."""
    composed = "".join(_rows_where(lambda row: not unicodedata.is_normalized("NFD", row)))
    decomposed = map(str.split, filter(None, map(unicodedata.decomposition, composed)))
    joined = {chr(int(p[1], 16)) for p in decomposed if len(p) == 2 and not p[0].startswith("<")}
    marks = set(compress(_first(BMP), map(unicodedata.combining, _first(BMP))))
    # A capital sigma is written otherwise at a word's end.
    sigmas = {c for c in changed if "Σ" in unicodedata.normalize("NFKC", c)}
    return {*joined, *marks, *map(chr, _JAMO), *sigmas}


def _kinds() -> NDArray[np.uint8]:
    """Return the kind of each code point below `_KINDS`."""
    out = np.full(_KINDS, PLAIN, dtype=np.uint8)
    characters = _first(_KINDS)
    for kind, pattern in ((SPACE, r"\s"), (DIGIT, r"\d")):
        out[[found.start() for found in re.finditer(pattern, characters)]] = kind
    return out


@lru_cache(maxsize=1)
def needed() -> str:
    """Return the characters that an alphabet must have for text to be normalised in it."""
    special = map(chr, np.flatnonzero(_characters()[2]).tolist())
    wide = set(map(one_width, special))
    return " 0.," + "".join(sorted({*_OFFICE, *"".join(_NAMES), *_TO_STUDY, *"".join(wide)} - set(" 0.,")))


@njit
def is_entangled(entangled: Any, raw: Any, start: int, end: int) -> bool:
    """Return whether a character of ``raw[start:end]`` cannot be normalised alone."""
    for at in range(start, end):
        if raw[at] >= BMP:
            return True
        if entangled[raw[at]]:
            return True
    return False


class Folded(NamedTuple):
    """Normalised texts, one behind the other: text ``i`` is ``letters[bounds[i]:bounds[i + 1]]``.

    A letter was made from ``first`` to ``last`` of the letters that were given.
    """

    letters: Letters
    bounds: Offsets
    first: Places
    last: Places


@njit(cache=True, nogil=True)
def fold(folding: Any, text: Any, starts: Any, ends: Any) -> Folded:
    """Fold the texts ``text[start:end]``: one blank for any white space, one name for all its forms."""
    kind, barred, office, blank = folding.kind, folding.barred, folding.office, folding.marks[0]
    steps, term = folding.names
    size = np.sum(ends - starts) * 3 // 2 + 1  # a name of two letters becomes one of three
    out, bounds = np.empty(size, dtype=np.uint32), np.zeros(len(starts) + 1, dtype=np.int64)
    first, last = np.empty(size, dtype=np.int32), np.empty(size, dtype=np.int32)
    n = NONE
    for i in range(len(starts)):
        at, end = np.uint64(starts[i]), np.uint64(ends[i])
        while at < end:
            letter, stop = text[at], at + ONE
            if kind[letter] == NAME:
                stop = _named(steps, term, barred, text, np.uint64(starts[i]), at, end)
                for k in range(len(office) - 1 if stop > at + ONE else 0):
                    out[n], first[n], last[n] = office[k], at, stop
                    n += ONE
                letter = office[-1] if stop > at + ONE else letter
            elif kind[letter] == SPACE:
                letter = blank
                while stop < end and kind[text[stop]] == SPACE:
                    stop += ONE
            out[n], first[n], last[n] = letter, at, stop
            n += ONE
            at = stop
        bounds[i + 1] = n
    return Folded(out[:n], bounds, first[:n], last[:n])


@njit
def _named(steps: Any, term: Any, barred: Any, text: Any, start: Any, at: Any, end: Any) -> Any:
    """Return where the longest name that begins at ``at`` ends; one behind ``at`` where none does."""
    place, stop, found = START, at, at + ONE
    while place and stop < end and text[stop] < LETTERS:
        step = tries.step(steps, place, text[stop])
        place, stop = tries.place_of(step), stop + ONE
        name = term[tries.node_of(step)]
        if name >= 0 and (at == start or barred[name] == 0 or barred[name] != text[at - ONE]):
            found = stop
    return found


@njit(cache=True, nogil=True)
def mask_numbers(folding: Any, folded: Any) -> Any:
    """Return folded texts with every number as one 0."""
    kind, marks = folding.kind, folding.marks
    text, before, first_before, last_before = folded
    zero, point, comma = marks[1], marks[2], marks[3]
    out, bounds = np.empty_like(text), np.zeros_like(before)
    first, last = np.empty_like(first_before), np.empty_like(last_before)
    n = NONE
    for i in range(len(before) - 1):
        at, end = np.uint64(before[i]), np.uint64(before[i + 1])
        while at < end:
            letter, stop = text[at], at + ONE
            if kind[letter] == DIGIT:
                letter, stop = zero, _number_end(kind, point, comma, text, stop, end)
            out[n], first[n], last[n] = letter, first_before[at], last_before[stop - ONE]
            n += ONE
            at = stop
        bounds[i + 1] = n
    return Folded(out[:n], bounds, first[:n], last[:n])


@njit
def _number_end(kind: Any, point: int, comma: int, text: Any, at: Any, end: Any) -> Any:
    """Return where a number ends: its digits may be parted by single points and commas."""
    while at < end:
        if kind[text[at]] != DIGIT:
            if text[at] != point and text[at] != comma:
                break
            if at + ONE == end or kind[text[at + ONE]] != DIGIT:
                break
        at += ONE
    return at


@dataclass(frozen=True)
class Aligned:
    """A normalised text whose every character knows where it comes from.

    Character ``i`` of ``text`` was made from ``raw[starts[i]:ends[i]]``.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the raw offsets of ``text[start:end]``, which is not empty."""
        return self.starts[start], self.ends[end - 1]


def one_width(text: str) -> str:
    """Return a text in one width, case and set of marks, however its characters are entangled."""
    return unicodedata.normalize("NFKC", _stream_safe(text)).translate(_MARKS).lower()


def _stream_safe(text: str) -> str:
    """Return a text with no more than 30 combining marks in a row: the next ones stand on a joiner.

    Putting marks in their order takes time by the square of their number. This is the Stream-Safe
    Text Format of Unicode Standard Annex #15, section 13; no language writes so many. In short
    texts it does no harm, and is not looked for.
    """
    return text if len(text) <= _SHORT else _surplus_marks().sub(f"\\g<0>{_JOINER}", text)


@lru_cache(maxsize=1)
def _surplus_marks() -> re.Pattern[str]:
    """Return the pattern of as many marks as may stand in a row, where one more follows."""
    mark = "[" + "".join(c for c in map(chr, range(_KINDS)) if unicodedata.combining(c)) + "]"
    return re.compile(f"{mark}{{{_MOST_MARKS}}}(?={mark})")


def normalise(text: str, *, numbers: bool = True) -> str:
    """Return ``text`` in one width, one case and one set of marks.

    With ``numbers=False`` every number becomes a 0.

    >>> normalise("投入１.２亿元，实施“雨露计划”；")
    '投入1.2亿元,实施"雨露计划";'
    >>> normalise("投入１.２亿元", numbers=False)
    '投入0亿元'
    """
    return normalise_all([text], numbers=numbers)[0]


def aligned(text: str, offset: int = 0, *, numbers: bool = True) -> Aligned:
    """Do as `normalise` does, remembering offsets, to which ``offset`` is added.

    >>> found = aligned("投入１.２亿元")
    >>> found.text, found.span(2, 5)
    ('投入1.2亿元', (2, 5))
    """
    pieces = [(one_width(m.group()), m.start(), m.end()) for m in _CLUSTER.finditer(text)]
    whole = "".join(piece for piece, _, _ in pieces)
    if whole != one_width(text):  # a script whose letters compose across clusters: one place for all
        pieces = [(one_width(text), 0, len(text))]
    starts = [offset + start for piece, start, _ in pieces for _ in piece]
    ends = [offset + end for piece, _, end in pieces for _ in piece]
    folded = _fold(["".join(piece for piece, _, _ in pieces)], numbers)
    return Aligned(
        text_of(folded.letters), [starts[i] for i in folded.first], [ends[i - 1] for i in folded.last]
    )


def normalise_all(texts: Sequence[str], *, numbers: bool = True) -> list[str]:
    """Do as `normalise` does with many texts, which is faster than one at a time.

    >>> normalise_all(["１户", "“一批”"])
    ['1户', '"一批"']
    """
    folded = _fold(list(map(one_width, texts)), numbers)
    whole, bounds = text_of(folded.letters), folded.bounds.tolist()
    return [whole[a:b] for a, b in pairwise(bounds)]


def _fold(texts: Sequence[str], numbers: bool) -> Folded:
    """Fold texts that are in one width, in the alphabet of all characters."""
    bounds = bounds_of(texts)
    folded = fold(_whole(), code_points("".join(texts)), bounds[:-1], bounds[1:])
    return folded if numbers else mask_numbers(_whole(), folded)
