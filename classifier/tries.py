"""Many terms looked up at once: a tree of prefixes, walked one letter at a time.

Text is handled as arrays of numbers, one a character: its code point, or its number in
an `Alphabet`, where the characters that matter lie together. The walks are compiled
(numba), because they are made for every character of every text.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.compiling import NONE, ONE, njit
from classifier.errors import FupinError
from classifier.excerpts import Excerpts, Letters, code_points

BMP = 0x10000  # code points below it find their letter in a table
# What an entry of `Trie.steps` packs, from the lowest bit on: a letter, a node, a place
_LETTER_BITS, _NODE_BITS = 16, 23
_PLACE_SHIFT = _LETTER_BITS + _NODE_BITS
LETTERS, _NODES, _PLACES = 1 << _LETTER_BITS, 1 << _NODE_BITS, 1 << (63 - _PLACE_SHIFT)
_ROOT = 1  # its place
START = np.uint64(_ROOT)
_LETTER, _NODE = np.uint64(LETTERS - 1), np.uint64(_NODES - 1)
_TO_NODE, _TO_PLACE = np.uint64(_LETTER_BITS), np.uint64(_PLACE_SHIFT)
_ALL = np.uint64(2**64 - 1)


class Alphabet:
    """Characters numbered from 1, common ones first, so that tables over them stay small.

    0 stands for every character that is not among them.

    >>> Alphabet("户产").letters("产业").tolist()
    [2, 0]
    """

    def __init__(self, characters: str) -> None:
        codes = code_points(characters)
        self._letters = np.zeros(int(codes.max(initial=0)) + 2, dtype=np.uint32)  # the last is of all others
        self._letters[codes] = np.arange(1, len(codes) + 1)
        self.size = len(codes) + 1

    def letters_of(self, codes: Letters) -> Letters:
        """Return the letters that code points stand for."""
        return self._letters[np.minimum(codes, len(self._letters) - 1)]

    def letters(self, text: str) -> Letters:
        """Return the letters of a text."""
        return self.letters_of(code_points(text))


class EveryCharacter(Alphabet):
    """The alphabet of all characters: each letter is the code point itself."""

    def __init__(self) -> None:
        self.size = sys.maxunicode + 1

    def letters_of(self, codes: Letters) -> Letters:
        """Return the code points themselves."""
        return codes


class Trie(NamedTuple):
    """A tree of prefixes, as arrays that compiled code takes.

    Nodes are numbered from 1; 0 is no node. Each node that has others behind it, the root too,
    has a place of its own: the step by a letter is the entry ``steps[place + letter]``, if that
    names this letter: one look into memory, whether it leads somewhere or not (a double array, of
    which one is enough as no two nodes have one place: Aoe 1989, An Efficient Digital Search
    Algorithm by Using a Double-Array Structure). An entry packs the letter, the node that the step leads to,
    and the place of that, 0 where nothing is behind it. ``term`` is the number of the term that
    ends in a node, or -1.
    """

    steps: NDArray[np.uint64]
    term: NDArray[np.int32]


def build(terms: Sequence[str], alphabet: Alphabet, rank: NDArray[Any] | None = None) -> Trie:
    """Return the tree of ``terms``: different, not empty, in ascending order, all letters in the alphabet.

    Nodes are numbered by the ``rank`` of their terms, lowest first: give common terms a
    low one, so that what is often looked at lies together in memory.

    >>> trie = build(["产业", "产业园", "医保"], Alphabet("产业园医保"))
    >>> trie.term.tolist()
    [-1, 0, 1, 2, -1, -1]
    """
    given = Excerpts.of(terms)
    letters = alphabet.letters_of(given.codes)
    parent, letter, term = _grown(given.codes, letters, given.starts, given.ends)
    if not len(term):
        raise ValueError("terms are not in ascending order, or one is empty")
    if len(term) > _NODES or letters.max(initial=0) >= LETTERS:
        raise _too_many(terms)
    ranks = np.arange(len(terms)) if rank is None else rank
    order_by = np.full(len(term), np.inf)
    order_by[term >= 0] = ranks[term[term >= 0]]
    order_by[0] = -np.inf  # the root
    order = np.argsort(order_by, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(term))
    place = _places(parent, letter)
    if not len(place):
        raise _too_many(terms)
    size = int(place.max()) + min(alphabet.size, LETTERS)
    steps = np.zeros(size, dtype=np.int64)
    packed = (place << _PLACE_SHIFT) | (number << _LETTER_BITS) | letter
    steps[(place[parent] + letter)[1:]] = packed[1:]
    return Trie(steps.view(np.uint64), term[order].astype(np.int32))


def _too_many(terms: Sequence[str]) -> FupinError:
    return FupinError(f"{len(terms):,} terms are too many", "raise min_df, or take shorter n-grams")


def _places(parent: NDArray[np.int64], letter: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a place for each node that has others behind it, 0 for all others: no two steps share an entry.

    Where an entry cannot name all places, none is returned. The root comes first, then nodes with
    many steps, which find room while there is most of it.
    """
    behind = np.bincount(parent[1:], minlength=len(parent))
    first = np.concatenate([[0], np.cumsum(behind)])
    letters = letter[1:][np.argsort(parent[1:], kind="stable")]
    large_first = np.argsort(-behind, kind="stable")
    nodes = np.concatenate([[0], large_first[(large_first != 0) & (behind[large_first] > 0)]])
    return np.asarray(_placed(nodes, first, letters))


@njit
def _shared(codes: Any, starts: Any, ends: Any, t: int) -> int:
    """Return how many first characters term ``t`` shares with the one before it."""
    if t == 0:
        return 0
    a, b = starts[t - 1], starts[t]
    n = 0
    while a + n < ends[t - 1] and b + n < ends[t] and codes[a + n] == codes[b + n]:
        n += 1
    return n


@njit
def _ascends(codes: Any, starts: Any, ends: Any, t: int, shared: int) -> bool:
    """Return whether term ``t`` is not empty and above the last, whose first characters it shares."""
    if starts[t] + shared == ends[t]:
        return False
    if t == 0 or starts[t - 1] + shared == ends[t - 1]:
        return True
    return codes[starts[t - 1] + shared] < codes[starts[t] + shared]


@njit(cache=True)
def _grown(codes: Any, letters: Any, starts: Any, ends: Any) -> Any:
    """Give numbers to the prefixes in their order: what each follows, with which letter, the term it is.

    Nothing is returned, not even the root, of terms that are not in ascending order.
    """
    sizes = ends - starts
    parent, letter, term = np.zeros((3, np.sum(sizes) + 1), dtype=np.int64)
    path = np.zeros(np.max(sizes) + 1 if len(sizes) else 1, dtype=np.int64)
    last = 0
    term[0] = -1
    for t in range(len(starts)):
        depth = _shared(codes, starts, ends, t)
        if not _ascends(codes, starts, ends, t, depth):
            return parent[:0], letter[:0], term[:0]
        for at in range(starts[t] + depth, ends[t]):
            last += 1
            parent[last], letter[last], term[last] = path[depth], letters[at], -1
            depth += 1
            path[depth] = last
        term[last] = t
    return parent[: last + 1], letter[: last + 1], term[: last + 1]


@njit(cache=True)
def _placed(nodes: Any, first: Any, letters: Any) -> Any:
    """Place ``nodes`` in their order, each where its steps find room; their letters stand together.

    A node is not tried where the last with as many steps, to a factor of two, found none before.
    """
    out = np.zeros(len(first) - 1, dtype=np.int64)
    places, entries = np.zeros((2, 2 * (len(letters) + LETTERS) // 64), dtype=np.uint64)  # a bit each
    place, size = _ROOT, 0
    for node in nodes:
        own = letters[first[node] : first[node + 1]]
        if 2 * len(own) <= size:
            place, size = _ROOT, len(own)
        size = max(size, len(own))
        while True:
            taken = _taken(places, entries, place, own)
            if taken != _ALL:
                break
            place += 64
            if place + LETTERS + 128 > 64 * len(places):
                places = np.concatenate((places, np.zeros_like(places)))
                entries = np.concatenate((entries, np.zeros_like(entries)))
        while taken & ONE:
            taken >>= ONE
            place += 1
        if place >= _PLACES:
            return out[:0]
        _take(places, place)
        for letter in own:
            _take(entries, place + letter)
        out[node] = place
    return out


@njit
def _taken(places: Any, entries: Any, place: Any, letters: Any) -> Any:
    """Return a bit for each of 64 places: a node has it, or one of these steps an entry that another has."""
    taken = _bits(places, place)
    for letter in letters:
        if taken == _ALL:
            break
        taken |= _bits(entries, place + letter)
    return taken


@njit
def _bits(words: Any, at: Any) -> Any:
    """Return 64 bits from bit ``at`` on."""
    word, low = at >> 6, np.uint64(at & 63)
    if low == 0:
        return words[word]
    return words[word] >> low | words[word + 1] << (np.uint64(64) - low)


@njit
def _take(words: Any, at: Any) -> None:
    words[at >> 6] |= ONE << np.uint64(at & 63)


@njit
def step(steps: Any, place: Any, letter: Any) -> Any:
    """Return the entry of the step that a letter (below `LETTERS`) is from a place; 0 where there is none."""
    return found(steps, place + np.uint64(letter), letter)


@njit
def found(steps: Any, at: Any, letter: Any) -> Any:
    """Return the entry ``steps[at]`` if it is that of a letter, else 0."""
    entry = steps[at]
    return entry if entry & _LETTER == letter else NONE


@njit
def node_of(entry: Any) -> Any:
    """Return the node that a step leads to; 0 for none."""
    return (entry >> _TO_NODE) & _NODE


@njit
def place_of(entry: Any) -> Any:
    """Return the place of the node that a step leads to; 0 where nothing is behind it."""
    return entry >> _TO_PLACE
