"""Many terms looked up at once: a tree of prefixes, walked one letter at a time.

Text is handled as arrays of numbers, one a character: its code point, or its number in
an `Alphabet`, where the characters that matter lie together. The walks are compiled
(numba), because they are made for every character of every text.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from operator import lt
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from classifier.errors import FupinError

BMP = 0x10000  # code points below it find their letter, and their way from the root, in a table
_LETTER_BITS, _NODE_BITS = 16, 24  # of a packed step: a letter, the node it follows, the node it leads to
LETTERS, _NODE = 1 << _LETTER_BITS, (1 << _NODE_BITS) - 1
_STEP = (1 << (_LETTER_BITS + _NODE_BITS)) - 1
_SCATTER = 0x1E3779B97F4A7C15  # an odd multiplier that spreads steps over the table (Fibonacci hashing)
_SHIFT, _SIEVE_SHIFT = 38, 35

Letters = NDArray[np.uint32]


def code_points(text: str) -> Letters:
    """Return a text's code points; half a surrogate pair is one too.

    >>> code_points("户A").tolist()
    [25143, 65]
    """
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)


def text_of(codes: Letters) -> str:
    """Return the text that `code_points` took apart."""
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


def bounds_of(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return where each of ``texts`` begins when they are joined, and where the last ends."""
    out = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, texts), dtype=np.int64, count=len(texts)), out=out[1:])
    return out


class Alphabet:
    """Characters numbered from 1, common ones first, so that tables over them stay small.

    0 stands for every character that is not among them.

    >>> Alphabet("户产").letters("产业").tolist()
    [2, 0]
    """

    def __init__(self, characters: str) -> None:
        codes = code_points(characters)
        order = np.argsort(codes)
        self._codes, self._numbers = codes[order], (order + 1).astype(np.uint32)
        self.size = len(codes) + 1

    def letters_of(self, codes: Letters) -> Letters:
        """Return the letters that code points stand for."""
        if not len(self._codes):
            return np.zeros(len(codes), dtype=np.uint32)
        place = np.minimum(np.searchsorted(self._codes, codes), len(self._codes) - 1)
        return np.where(self._codes[place] == codes, self._numbers[place], np.uint32(0))

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

    Nodes are numbered from 1; 0 is no node. ``root`` gives the node of each first letter.
    All other steps stand in ``table`` (open addressing), each packed into one number: a
    letter, the node that it follows, and the node that it leads to. ``sieve`` is a small
    table of bits that turns away most steps that lead nowhere. ``term`` is the number of
    the term that ends in a node, or -1.
    """

    root: NDArray[np.int32]
    table: NDArray[np.int64]
    sieve: NDArray[np.uint8]
    term: NDArray[np.int32]


def build(terms: Sequence[str], alphabet: Alphabet, rank: NDArray[Any] | None = None) -> Trie:
    """Return the tree of ``terms``: different, not empty, in ascending order, all letters in the alphabet.

    Nodes are numbered by the ``rank`` of their terms, lowest first: give common terms a
    low one, so that what is often looked at lies together in memory.

    >>> trie = build(["产业", "产业园", "医保"], Alphabet("产业园医保"))
    >>> trie.term.tolist()
    [-1, 0, 1, 2, -1, -1]
    """
    if not all(map(lt, terms, terms[1:])) or "" in terms[:1]:
        raise ValueError("terms are not in ascending order, or one is empty")
    codes, bounds = alphabet.letters("".join(terms)), bounds_of(terms)
    nodes = _count(codes, bounds)
    if nodes >> _NODE_BITS or codes.max(initial=0) >> _LETTER_BITS:
        raise FupinError(f"{len(terms):,} terms are too many", "raise min_df, or take shorter n-grams")
    parent, letter, term = np.zeros((3, nodes + 1), dtype=np.int64)
    _grow(codes, bounds, parent, letter, term)
    ranks = np.arange(len(terms)) if rank is None else rank
    place = np.full(nodes + 1, np.inf)
    place[term >= 0] = ranks[term[term >= 0]]
    place[0] = -np.inf  # the root
    order = np.argsort(place, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(nodes + 1)
    size = 1 << max(4, int(1.6 * nodes).bit_length())
    trie = Trie(
        np.zeros(alphabet.size, dtype=np.int32),
        np.zeros(size, dtype=np.int64),
        np.zeros(size // 2, dtype=np.uint8),
        term[order].astype(np.int32),
    )
    _fill(*trie[:3], number, parent, letter, order)
    return trie


@njit
def _shared(codes: Any, bounds: Any, t: int) -> int:
    """Return how many first characters term ``t`` shares with the one before it."""
    if t == 0:
        return 0
    a, b = bounds[t - 1], bounds[t]
    n = 0
    while a + n < b and b + n < bounds[t + 1] and codes[a + n] == codes[b + n]:
        n += 1
    return n


@njit(cache=True)
def _count(codes: Any, bounds: Any) -> int:
    nodes = 0
    for t in range(len(bounds) - 1):
        nodes += bounds[t + 1] - bounds[t] - _shared(codes, bounds, t)
    return nodes


@njit(cache=True)
def _grow(codes: Any, bounds: Any, parent: Any, letter: Any, term: Any) -> None:
    """Give numbers to the prefixes in their order; note what each follows and with which letter."""
    path = np.zeros(np.max(np.diff(bounds)) + 1 if len(bounds) > 1 else 1, dtype=np.int64)
    last = 0
    term[0] = -1
    for t in range(len(bounds) - 1):
        depth = _shared(codes, bounds, t)
        for at in range(bounds[t] + depth, bounds[t + 1]):
            last += 1
            parent[last], letter[last], term[last] = path[depth], codes[at], -1
            depth += 1
            path[depth] = last
        term[last] = t


@njit(cache=True)
def _fill(root: Any, table: Any, sieve: Any, number: Any, parent: Any, letter: Any, order: Any) -> None:
    for old in order[1:]:
        node, code, target = number[parent[old]], letter[old], number[old]
        if node == 0:
            root[code] = target
            continue
        key = step_key(node, code)
        slot = slot_of(table, key)
        while table[slot] != 0:
            slot = (slot + 1) & (len(table) - 1)
        table[slot] = (target << (_LETTER_BITS + _NODE_BITS)) | key
        bit = _bit(sieve, key)
        sieve[bit >> 3] |= np.uint8(1 << (bit & 7))


@njit
def step_key(node: Any, letter: Any) -> Any:
    """Return the step that a letter is from ``node``, as one number."""
    return (np.int64(node) << _LETTER_BITS) | np.int64(letter)


@njit
def passes(sieve: Any, key: Any) -> Any:
    """Return 0 where a step surely leads nowhere, else 1."""
    bit = _bit(sieve, key)
    return (sieve[bit >> 3] >> (bit & 7)) & 1


@njit
def _bit(sieve: Any, key: Any) -> Any:
    """Return the bit of the sieve that is set where a step is known."""
    return (key * _SCATTER >> _SIEVE_SHIFT) & (8 * len(sieve) - 1)


@njit
def slot_of(table: Any, key: Any) -> Any:
    """Return where a step is to be looked for first."""
    return (key * _SCATTER >> _SHIFT) & (len(table) - 1)


@njit
def node_at(table: Any, key: Any) -> Any:
    """Return the node that a step leads to, or 0."""
    slot = slot_of(table, key)
    while table[slot] != 0 and table[slot] & _STEP != key:
        slot = (slot + 1) & (len(table) - 1)
    return (table[slot] >> (_LETTER_BITS + _NODE_BITS)) & _NODE  # 0 where the place is free


@njit
def step(table: Any, sieve: Any, node: Any, letter: Any) -> Any:
    """Return the node that a letter (below `LETTERS`) leads to from ``node``; 0 where there is none."""
    key = step_key(node, letter)
    return node_at(table, key) if passes(sieve, key) else np.int64(0)
