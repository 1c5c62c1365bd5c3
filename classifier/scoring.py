"""The fast way from raw text to scores: one compiled walk a segment, no matrix, no tokens in Python.

For each segment the walk normalises, finds the cues, counts the n-grams, and adds up the
weights: ``score = Σ value(term) · weight(term) / length + Σ weight(cue's code) + intercept``
with ``value = idf``, each term taken once, and ``length² = Σ idf²``; a cue's code has another
weight where the segment speaks of the lexicon's setting. These are the features
of `TextFeatures` with the weights of the model; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier import cue_matching, normalise, tries
from classifier.compiling import NONE, ONE, njit
from classifier.cue_matching import Matcher
from classifier.errors import FupinError
from classifier.excerpts import Excerpts, Letters, Offsets, text_of
from classifier.lexicon import Lexicon
from classifier.normalise import Folding
from classifier.processor import BLOCK, add_times, prefetch
from classifier.segments import spoken_from
from classifier.tries import LETTERS, START, Alphabet, Trie

_COLONS, _STOPS, _BRACKETS = (tuple(map(ord, marks)) for marks in (":：", "。，,；;", "（("))
_MARKS = 255  # texts after which the marks of nodes that were seen begin again
_WORTH = 8  # bytes behind the weights in a row
_LINE = 64  # bytes of a cache line
_HUGE = 1 << 23  # bytes of a block for which there are huge pages

Scores = NDArray[np.float32]


class Units(NamedTuple):
    """Weights as a model keeps them, a row a feature: ``units · 2^exponent``.

    ``units`` are whole numbers from -127 to 127, int8 of shape (n_features, n_codes), ``exponents``
    int8 of shape (n_features,).
    """

    units: NDArray[np.int8]
    exponents: NDArray[np.int8]


class Weights(NamedTuple):
    """The model as arrays that compiled code takes.

    ``rows`` has a row of bytes for each node of ``ngrams``: the weights of a term for each
    code, padded, then what one unit of them is worth and the term's idf as float32; idf is
    0 where no term ends. So one look into memory brings all there is to know of a term.
    ``cue_rows`` has a row of float32 for each code of the lexicon; where that knows a setting,
    there are two such tables, the second for segments that speak of it.
    """

    folding: Folding
    ngrams: Trie
    longest: int
    rows: NDArray[np.int8]
    matcher: Matcher
    cue_rows: Scores
    intercept: Scores


@dataclass(frozen=True)
class Features:
    """What weights are for: terms with their idf, and the codes of a lexicon's cues.

    ``terms`` are n-grams of at most ``longest`` characters, in ascending order.
    """

    terms: Sequence[str]
    idf: Scores
    longest: int
    lexicon: Lexicon
    lexicon_weight: float
    setting_weight: float = 0.0


class Scorer:
    """Scores pieces of text for every trained code; made once from a fitted model.

    Parameters
    ----------
    features : Features
    weights : Units
        Of the terms, then of the lexicon's ``cue_codes``, then of those once more if it knows a setting.
    intercept : ndarray of float32, shape (n_codes,)
    """

    def __init__(self, features: Features, weights: Units, intercept: Scores) -> None:
        lexicon, terms = features.lexicon, Excerpts.of(features.terms)
        self.alphabet = _alphabet(terms, features.idf, lexicon)
        trie = tries.build(terms, self.alphabet, features.idf)
        n_terms = len(terms)
        by_term, by_cue = (Units(*(x[part] for x in weights)) for part in np.s_[:n_terms, n_terms:])
        rows, steps = _together(_rows(by_term, features.idf, trie.term), trie.steps)
        self.weights = Weights(
            folding=normalise.folding(self.alphabet),
            ngrams=trie._replace(steps=steps),
            longest=features.longest,
            rows=rows,
            matcher=lexicon.matcher(self.alphabet),
            cue_rows=np.stack([_padded(rows) for rows in _cue_rows(features, from_units(by_cue))]),
            intercept=_padded(intercept[None])[0],
        )
        self.n_codes = len(intercept)

    def scores(self, texts: Sequence[str]) -> Scores:
        """Return scores of segments, float32 of shape (n_texts, n_codes)."""
        given, w = Excerpts.of(texts), self.weights
        starts, ends = given.starts.copy(), given.ends.copy()
        colons, tangled = _look(w.folding.entangled, given.codes, starts, ends)
        speakers = np.flatnonzero(colons)
        starts[speakers] = spoken_from(given.whole, starts[speakers], ends[speakers], colons[speakers])
        beside = self._beside(given, starts, ends, np.flatnonzero(tangled).tolist())
        letters, bounds, hits = _read(w.folding, w.matcher, given.codes, beside, starts, ends)
        out = _add_up(w.ngrams, w.longest, w.rows, w.rows.view(np.float32), letters, bounds)
        _add_cues(w.cue_rows, hits, w.intercept, out)
        return out[:, : self.n_codes]

    def _beside(self, given: Excerpts, starts: Offsets, ends: Offsets, which: list[int]) -> Letters:
        """Return the letters of segments that no table can settle; they stand behind the whole then."""
        parts, at = [np.zeros(0, dtype=np.uint32)], len(given.codes)
        for i in which:
            parts.append(self.alphabet.letters(normalise.one_width(given.whole[starts[i] : ends[i]])))
            starts[i], ends[i] = at, at + len(parts[-1])
            at = ends[i]
        return np.concatenate(parts)


def in_units(coef: Scores) -> Units:
    """Return weights in units; what is smaller than half a unit of its row is lost.

    Parameters
    ----------
    coef : ndarray of float32, shape (n_features, n_codes)

    >>> units, exponents = in_units(np.array([[0.5, -0.25]], dtype=np.float32))
    >>> units.tolist(), exponents.tolist()
    ([[64, -32]], [-7])
    """
    fraction, exponents = np.frexp(np.abs(coef).max(axis=1, initial=0))  # fraction in [0.5, 1), or 0
    exponents = exponents - np.where(fraction * 128 <= 127, 7, 6)  # so that none is above 127
    exponents = np.maximum(exponents, np.iinfo(np.int8).min)  # what is smaller becomes 0
    return Units(np.rint(np.ldexp(coef, -exponents[:, None])).astype(np.int8), exponents.astype(np.int8))


def from_units(weights: Units) -> Scores:
    """Return the weights that `in_units` took apart, float32 of shape (n_features, n_codes)."""
    coef = np.empty(weights.units.shape[::-1], dtype=np.float32)  # as a machine has it: a row a code
    np.multiply(weights.units.T, np.ldexp(np.float32(1), weights.exponents.astype(np.int32)), out=coef)
    return coef.T


def rounded(coef: Scores) -> Scores:
    """Round weights of shape (n_codes, n_features) to what a model keeps: 8 bits, an exponent a feature.

    It is done once, at training: what is stored is what predicts.
    """
    return np.ascontiguousarray(from_units(in_units(coef.T)).T)


def _alphabet(terms: Excerpts, idf: Scores, lexicon: Lexicon) -> Alphabet:
    """Return the characters that can matter: of terms, common ones first, of cues and of normalising."""
    single = np.flatnonzero(terms.ends - terms.starts == 1)
    common_first = terms.codes[terms.starts[single]][np.argsort(idf[single], kind="stable")]
    each = np.flatnonzero(np.bincount(terms.codes)).astype(np.uint32)
    known = (text_of(common_first), text_of(each), lexicon.characters, normalise.needed())
    alphabet = Alphabet("".join(dict.fromkeys("".join(known))))
    if alphabet.size > LETTERS:  # or a step of the walk would be taken for another
        raise FupinError(f"{alphabet.size:,} different characters are too many", "raise min_df")
    return alphabet


def _rows(weights: Units, idf: Scores, columns: NDArray[np.int32]) -> NDArray[np.int8]:
    """Pack weights as `Weights` describes them; ``columns`` names the feature of each node, or -1."""
    worth = np.stack([np.ldexp(idf, weights.exponents), idf], axis=1).astype(np.float32)
    ends = np.flatnonzero(columns >= 0)
    node = np.empty_like(ends)
    node[columns[ends]] = ends
    width = _padded(weights.units[:0]).shape[1]
    out = np.zeros((len(columns), width + worth.itemsize * 2), dtype=np.int8)
    out[node, : weights.units.shape[1]] = weights.units
    out[node, width:] = worth.view(np.int8)
    return out


def _together(*arrays: NDArray[Any]) -> list[Any]:
    """Return copies of arrays in one block of memory, each at the start of a cache line.

    Numpy asks the system for huge pages for large blocks; looks into memory all over a
    block of small pages cost three times as much.
    """
    sizes = [-(-a.nbytes // _LINE) * _LINE for a in arrays]
    block = np.empty(max(sum(sizes), _HUGE) + _LINE, dtype=np.int8)
    at = -block.ctypes.data % _LINE
    out = []
    for array, size in zip(arrays, sizes, strict=True):
        place = block[at : at + array.nbytes].view(array.dtype).reshape(array.shape)
        place[:] = array
        out.append(place)
        at += size
    return out


def _padded(rows: NDArray[Any]) -> NDArray[Any]:
    width = -(-rows.shape[1] // BLOCK) * BLOCK
    out = np.zeros((len(rows), width), dtype=rows.dtype)
    out[:, : rows.shape[1]] = rows
    return out


def _cue_rows(features: Features, coef: Scores) -> list[Scores]:
    """Return what a hit of each code of the lexicon adds, and what it does where the setting is spoken of."""
    lexicon = features.lexicon
    bits = [lexicon.codes.index(code) for code in lexicon.cue_codes]
    alone = np.zeros((len(lexicon.codes), coef.shape[1]), dtype=np.float32)
    alone[bits] = coef[: len(bits)] * np.float32(features.lexicon_weight)
    if not lexicon.setting:
        return [alone]
    beside = alone.copy()
    beside[bits] += coef[len(bits) :] * np.float32(features.setting_weight)
    return [alone, beside]


@njit(cache=True, nogil=True)
def _look(entangled: Any, raw: Any, starts: Any, ends: Any) -> Any:
    """Return where in segments a colon stands that may end a speaker's tag, or 0, and which are entangled.

    It is the first; no comma or stop stands before it but in brackets, and something does.
    """
    colons, tangled = np.zeros(len(starts), dtype=np.int64), np.zeros(len(starts), dtype=np.bool_)
    for i in range(len(starts)):
        tangled[i] = normalise.is_entangled(entangled, raw, starts[i], ends[i])
        brackets = False
        for at in range(starts[i], ends[i]):
            if raw[at] in _COLONS:
                colons[i] = at
                break
            if raw[at] in _BRACKETS:
                brackets = True
            elif raw[at] in _STOPS:
                if not brackets:
                    break
    return colons, tangled


@njit(cache=True, nogil=True)
def _read(folding: Any, matcher: Any, codes: Any, beside: Any, starts: Any, ends: Any) -> Any:
    """Return the letters of segments with numbers masked, where each begins, and the codes of their cues."""
    letters = normalise.look_up(folding.letter, codes, beside)
    folded = normalise.fold(folding, letters, starts, ends)
    hits = cue_matching.codes_found(matcher, folded.letters, folded.bounds)
    masked = normalise.mask_numbers(folding, folded)
    return masked.letters, masked.bounds, hits


@njit(cache=True, nogil=True)
def _add_cues(cue_rows: Any, hits: Any, intercept: Any, out: Any) -> None:
    """Add the cues' weights, and what all segments have."""
    tables, n_codes = cue_rows.shape[:2]
    for i in range(len(out)):
        for j in range(out.shape[1]):
            out[i, j] += intercept[j]
        table = 0
        if tables > 1:
            if cue_matching.has(hits[i], n_codes):  # the bit behind those of the codes
                table = 1
        for code in range(n_codes):
            if cue_matching.has(hits[i], code):
                for j in range(out.shape[1]):
                    out[i, j] += cue_rows[table, code, j]


@njit(cache=True, nogil=True, fastmath=True)
def _add_up(ngrams: Any, longest: int, rows: Any, worth: Any, text: Any, bounds: Any) -> Scores:
    """Return the terms' share of the scores of the texts ``text[bounds[i]:bounds[i + 1]]``."""
    steps, term = ngrams
    out = np.zeros((len(bounds) - 1, rows.shape[1] - _WORTH), dtype=np.float32)
    size = np.max(np.diff(bounds)) + 1 if len(bounds) > 1 else 1
    places, entries = np.zeros(size, dtype=np.uint32), np.zeros(size, dtype=np.uint32)
    nodes = np.zeros(size * longest, dtype=np.uint32)
    seen, idf = np.zeros(len(term), dtype=np.uint8), worth.shape[1] - 1
    for i in range(len(out)):
        mark = np.uint8(i % _MARKS + 1)
        if mark == 1:
            seen[:] = 0
        piece = text[bounds[i] : bounds[i + 1]]
        n = _nodes(steps, longest, piece, places, entries, nodes, rows, seen, mark)
        square = np.float32(0)
        for j in range(0, out.shape[1], BLOCK):  # once, where codes are not many
            square = np.float32(0)
            for k in range(n):
                node = np.uint64(nodes[k])
                unit = worth[node, idf - 1]
                square += worth[node, idf] ** 2
                add_times(out, i, j, rows, node, unit)
        shrink = 1 / np.sqrt(square) if square > 0 else np.float32(0)
        for j in range(out.shape[1]):
            out[i, j] *= shrink
    return out


@njit
def _nodes(
    steps: Any, longest: int, text: Any, places: Any, entries: Any,
    nodes: Any, rows: Any, seen: Any, mark: int,
) -> Any:  # fmt: skip
    """Write the node of each known n-gram of a text, once, and ask for its row; return how many there are.

    All places of a text are walked side by side, one letter further at a time, and each asks for what
    it will look at next: the processor need not wait for one look into memory before it begins the
    next. For each, ``places`` names its letter in the text, ``entries`` where the step by it would be in
    ``steps``. ``seen`` holds ``mark`` for nodes that are written.
    """
    n, size = NONE, np.uint64(len(text))
    left = size
    for k in range(size):
        places[k], entries[k] = k, START + text[k]
    for depth in range(1, longest + 1):
        asked, left, more = left, NONE, depth < longest
        for k in range(asked):
            entry, after = tries.found(steps, entries[k], text[places[k]]), places[k] + ONE
            node = tries.node_of(entry)
            nodes[n] = node
            n += np.uint64(node != NONE)
            prefetch(rows, node)
            if more and after < size:
                behind = tries.place_of(entry)
                following = behind + text[after]
                places[left], entries[left] = after, following
                prefetch(steps, following)
                left += np.uint64(behind != NONE)
    first_seen = NONE
    for k in range(n):  # not above: there, where to look is known too late
        node = nodes[k]
        nodes[first_seen] = node
        first_seen += np.uint64(seen[node] != mark)
        seen[node] = mark
    return first_seen
