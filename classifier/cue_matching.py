"""Finding cues and not-cues in normalised text: the rules of the lexicon as compiled code.

Every occurrence of every entry counts, but one that lies wholly inside a longer cue is
dropped, and one inside a not-cue loses the codes that the not-cue names. Words of the setting
silence nothing and are silenced by nothing: wherever one stands, the text speaks of the setting.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier import tries
from classifier.compiling import NONE, ONE, njit
from classifier.tries import START, Alphabet, Trie

_WORD = 64  # codes in one word of a mask
_LONG = 2000  # letters of a text that is no sentence any more

Masks = NDArray[np.uint64]
Columns = NDArray[np.uint32]


class Matcher(NamedTuple):
    """A lexicon as arrays that compiled code takes.

    ``cues`` and ``not_cues`` have a row an entry and a bit a code: uint64 of shape
    (n_entries, n_words). ``setting`` has the bit behind those of the codes in the rows of all
    entries that hold a word of the setting. ``longest`` is the length of the longest entry,
    ``most`` the number of entries that can begin at one place.
    """

    trie: Trie
    cues: Masks
    not_cues: Masks
    setting: Masks
    longest: int
    most: int


class Found(NamedTuple):
    """The occurrences of entries in one text, in order of their start, longer ones first.

    ``codes`` are those an occurrence speaks for in the end, as a mask.
    """

    start: Columns
    end: Columns
    entry: Columns
    codes: Masks


def matcher(
    cues: Mapping[str, Sequence[str]],
    not_cues: Mapping[str, Sequence[str]],
    codes: Sequence[str],
    alphabet: Alphabet,
    setting: Sequence[str] = (),
) -> tuple[Matcher, list[str]]:
    """Return the matcher of a lexicon and its entries in the order of their numbers."""
    entries = sorted({*cues, *not_cues, *setting})
    words = words_for(len(codes) + bool(setting))
    bit = {code: i for i, code in enumerate(codes)}
    speaks = re.compile("|".join(map(re.escape, setting)) or "(?!)")
    of_setting = {entry: ("setting",) for entry in entries if speaks.search(entry)}
    compiled = Matcher(
        trie=tries.build(entries, alphabet),
        cues=_masks(entries, cues, bit, words),
        not_cues=_masks(entries, not_cues, bit, words),
        setting=_masks(entries, of_setting, {"setting": len(codes)}, words),
        longest=max(map(len, entries), default=0),
        most=max(beginnings(entries), default=0),
    )
    return compiled, entries


def beginnings(entries: Sequence[str]) -> list[int]:
    """Return with how many of ``entries``, in ascending order, each of them begins, itself counted.

    >>> beginnings(["产业", "产业园", "产品"])
    [1, 2, 1]
    """
    out, begun = list[int](), list[str]()
    for entry in entries:
        while begun and not entry.startswith(begun[-1]):
            begun.pop()
        begun.append(entry)
        out.append(len(begun))
    return out


def _masks(
    entries: Sequence[str], claims: Mapping[str, Sequence[str]], bit: Mapping[str, int], words: int
) -> Masks:
    of_entries = [tuple(claims.get(entry, ())) for entry in entries]
    kinds = {codes: kind for kind, codes in enumerate(dict.fromkeys(of_entries))}  # few, of many entries
    masks = np.zeros((len(kinds), words), dtype=np.uint64)
    for codes, kind in kinds.items():
        for code in codes:
            word, place = divmod(bit[code], _WORD)
            masks[kind, word] |= np.uint64(1 << place)
    return masks[[kinds[codes] for codes in of_entries]]


def words_for(n_codes: int) -> int:
    """Return how many words a mask of so many codes has; one at least."""
    return max(1, -(-n_codes // _WORD))


@njit(cache=True, nogil=True)
def find(matcher: Any, text: Any) -> Found:
    """Return the occurrences of entries in the letters of one normalised text."""
    steps, term = matcher.trie
    starts, ends, entries = np.zeros((3, len(text) * matcher.most), dtype=np.uint32)
    at, taken = np.zeros(len(text) + 1, dtype=np.uint32), np.zeros(len(text) + 1, dtype=np.uint64)
    n = np.int64(_occurrences(len(matcher.cues), steps, term, text, at, taken, starts, ends, entries))
    codes = np.zeros((n, matcher.cues.shape[1]), dtype=np.uint64)
    for i in range(n):
        _decide(matcher.cues, matcher.not_cues, matcher.longest, starts, ends, entries, codes[i], i)
    return Found(starts[:n], ends[:n], entries[:n], codes[:n])


@njit(cache=True, nogil=True)
def codes_found(matcher: Any, text: Any, bounds: Any) -> Masks:
    """Return a mask for each of the texts ``text[bounds[i]:bounds[i + 1]]``: the codes that hit it.

    Where the matcher knows a setting, the bit behind those of the codes says whether the text speaks of it.
    """
    steps, term = matcher.trie
    cues, not_cues, longest, n_entries = matcher.cues, matcher.not_cues, matcher.longest, len(matcher.cues)
    setting = matcher.setting
    out = np.zeros((len(bounds) - 1, cues.shape[1]), dtype=np.uint64)
    size = np.max(np.diff(bounds)) + 1 if len(bounds) > 1 else 1
    at, taken = np.zeros(size, dtype=np.uint32), np.zeros(size, dtype=np.uint64)
    starts, ends, entries = np.zeros((3, size * matcher.most), dtype=np.uint32)
    codes = np.zeros(cues.shape[1], dtype=np.uint64)
    for i in range(len(out)):
        piece = text[bounds[i] : bounds[i + 1]]
        n = np.int64(_occurrences(n_entries, steps, term, piece, at, taken, starts, ends, entries))
        for k in range(n):
            _decide(cues, not_cues, longest, starts, ends, entries, codes, k)
            for word in range(cues.shape[1]):
                out[i, word] |= codes[word] | setting[entries[k], word]
    return out


@njit
def _occurrences(
    n_entries: int,
    steps: Any, term: Any, text: Any, at: Any, taken: Any,
    starts: Any, ends: Any, entries: Any,
) -> Any:  # fmt: skip
    """Write every occurrence of every entry, by start, the longest first; return how many there are.

    All places of the text are walked side by side, one letter further at a time; on goes only a walk
    whose next step leads somewhere, which is ``taken``.
    """
    if len(text) > _LONG:
        return _one_by_one(n_entries, steps, term, text, starts, ends, entries)
    n, left, depth = NONE, NONE, ONE + ONE
    size, last_entry = np.uint64(len(text)), np.uint64(n_entries)
    for k in range(size):  # most walks end with their second letter: two are taken at once
        step = tries.step(steps, START, text[k])
        node, after = tries.node_of(step), k + ONE
        if node != NONE and node <= last_entry:  # nodes in which entries end have the lowest numbers
            n = _put_in(starts, ends, entries, n, k, after, term[node])
        if after < size:
            at[left], taken[left] = k, tries.step(steps, tries.place_of(step), text[after])
            left += np.uint64(taken[left] != NONE)
    while left:
        asked, left = left, NONE
        for k in range(asked):
            start, step = at[k], taken[k]
            node, after = tries.node_of(step), start + depth
            if node != NONE and node <= last_entry:
                n = _put_in(starts, ends, entries, n, start, after, term[node])
            if after < size:
                at[left], taken[left] = start, tries.step(steps, tries.place_of(step), text[after])
                left += np.uint64(taken[left] != NONE)
        depth += ONE
    return n


@njit
def _put_in(starts: Any, ends: Any, entries: Any, n: Any, start: Any, end: Any, entry: int) -> Any:
    """Write an occurrence to its place by start; return how many there are now. Found so far were shorter."""
    i = n
    while i and starts[i - ONE] >= start:
        starts[i], ends[i], entries[i] = starts[i - ONE], ends[i - ONE], entries[i - ONE]
        i -= ONE
    starts[i], ends[i], entries[i] = start, end, entry
    return n + ONE


@njit
def _one_by_one(
    n_entries: int, steps: Any, term: Any, text: Any, starts: Any, ends: Any, entries: Any
) -> Any:
    """Do as `_occurrences` does, start by start: there, a long text takes time by its square."""
    n, size, last_entry = NONE, np.uint64(len(text)), np.uint64(n_entries)
    for start in range(size):
        place, end, first = START, np.uint64(start), n
        while place and end < size:
            step = tries.step(steps, place, text[end])
            node, place, end = tries.node_of(step), tries.place_of(step), end + ONE
            if node != NONE and node <= last_entry:
                starts[n], ends[n], entries[n] = start, end, term[node]
                n += ONE
        ends[first:n] = ends[first:n][::-1].copy()
        entries[first:n] = entries[first:n][::-1].copy()
    return n


@njit
def _decide(
    cues: Any, not_cues: Any, longest: int, starts: Any, ends: Any, entries: Any, codes: Any, i: int
) -> None:
    """Write the codes of one occurrence, settled by those that hold it: none begins later."""
    entry = entries[i]
    for word in range(len(codes)):
        codes[word] = cues[entry, word]
    j = i
    while j >= 0 and starts[i] - starts[j] < longest:
        holder = entries[j]
        if ends[j] >= ends[i]:
            speaks = False  # a longer cue, instead of this one
            for word in range(len(codes)):
                speaks |= holder != entry and cues[holder, word] != 0
            for word in range(len(codes)):
                codes[word] &= np.uint64(0) if speaks else ~not_cues[holder, word]
        j -= 1


@njit
def has(mask: Any, code: int) -> bool:
    """Return whether a mask holds a code's bit."""
    return (mask[code // _WORD] >> np.uint64(code % _WORD)) & np.uint64(1) != 0


def unpacked(masks: Masks, n_codes: int) -> NDArray[np.bool_]:
    """Return masks as bool of shape (n_masks, n_codes)."""
    words, places = np.divmod(np.arange(n_codes), _WORD)
    return (masks[:, words] >> places.astype(np.uint64)) & np.uint64(1) != 0
