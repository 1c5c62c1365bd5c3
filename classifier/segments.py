"""Cutting text into segments, with exact offsets into the raw text.

A segment is a sentence, or a clause closed by a semicolon. Every Han character
of a text lies either in a segment or in a span dropped by a rule that has a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier import cutting, normalise, tries
from classifier.compiling import njit
from classifier.cutting import pieces
from classifier.errors import InputError
from classifier.excerpts import Excerpts, Letters, Offsets
from classifier.tries import START, Alphabet, Trie
from classifier.yaml_lines import parse

MIN_HAN = 4  # fewer Han characters make no segment
# Patterns are tried on pieces, and for speakers on heads, of so many characters at most: page furniture
# is short, and what a pattern costs can grow faster than the text.
MAX_FURNITURE = 400
TOO_SHORT = "too-short"
_HAN, _SMALL, _CAPITAL = cutting.HAN[1], (ord("a"), ord("z")), (ord("A"), ord("Z"))
_COLON = re.compile("[：:]")
HAN = re.compile("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in cutting.HAN) + "]")


@dataclass(frozen=True)
class Span:
    """A piece of a text: ``raw[start:end]``, in code points.

    ``paragraph`` counts the text's non-empty lines from 0; ``dropped`` names the
    rule that left the span out of the segments, or is empty.
    """

    start: int
    end: int
    paragraph: int
    dropped: str = ""


@dataclass(frozen=True)
class DropRule:
    """A named rule for page furniture: spans that match are no segments.

    Whatever matches holds one of the ``marks``, half-width and in lower case, and with
    ``digit_first`` no letter stands in it before the first digit.
    """

    name: str
    about: str
    marks: tuple[str, ...]
    expression: str
    example: str
    digit_first: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression, compiled where it is first looked for: most texts call for few of them."""
        return re.compile(self.expression)


class Cut(NamedTuple):
    """Many texts cut, as arrays with one place for each piece.

    ``start`` and ``end`` count from the start of the whole that the texts stand in; ``rule`` is 0 for a
    segment, else one more than the place of the rule that drops the piece in `rule_names`.
    """

    text: NDArray[np.int32]
    paragraph: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    rule: NDArray[np.int32]

    def kept(self) -> Cut:
        """Return the segments alone."""
        chosen = self.rule == 0
        return Cut(*(column[chosen] for column in self))


def cut_all(texts: Excerpts) -> Cut:
    """Cut texts into pieces, dropped ones included; offsets are those of the whole that they stand in."""
    found = pieces(texts.codes, texts.starts, texts.ends)
    rule = (found.han < MIN_HAN).astype(np.int32)
    suspects = _suspects(texts.codes, found.start, found.end)
    suspects[(rule > 0) | (found.end - found.start > MAX_FURNITURE)] = 0
    for i in np.flatnonzero(suspects).tolist():
        rule[i] = _dropped_by(texts.whole[found.start[i] : found.end[i]], int(suspects[i]))
    return Cut(found.text, found.paragraph, found.start, found.end, rule)


def _dropped_by(piece: str, suspected: int) -> int:
    """Return the first of the suspected rules (bits) that drops a piece, as `Cut` numbers them; 0: none."""
    rules = drop_rules()
    while suspected:
        number = (suspected & -suspected).bit_length() - 1  # that of the lowest bit
        if rules[number].pattern.search(piece):
            return number + 2
        suspected &= suspected - 1
    return 0


def rule_names() -> tuple[str, ...]:
    """Return the names of all rules that drop pieces, in the order of `Cut`."""
    return (TOO_SHORT, *(rule.name for rule in drop_rules()))


class _Marks(NamedTuple):
    """What compiled code needs to know of the rules: each mark's rules as bits, which want a digit first.

    ``letter`` gives the letter of each code point below `BMP`, by which ``marks`` are found.
    """

    letter: Letters
    marks: Trie
    rules: NDArray[np.int64]
    digit_first: int


@lru_cache(maxsize=1)
def _marks() -> _Marks:
    rules: dict[str, int] = {}
    for i, rule in enumerate(drop_rules()):
        for mark in rule.marks:
            rules[mark] = rules.get(mark, 0) | 1 << i
    marks = sorted(rules)
    alphabet = Alphabet("".join(sorted(set("".join(marks)))))
    return _Marks(
        normalise.letter_table(alphabet),
        tries.build(marks, alphabet),
        np.array([rules[mark] for mark in marks]),
        sum(1 << i for i, rule in enumerate(drop_rules()) if rule.digit_first),
    )


def _suspects(codes: Letters, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each piece, the rules that may drop it, as bits: it holds a mark of theirs."""
    return np.asarray(_bits_of_marks(_marks(), codes, starts, ends))


@njit(cache=True, nogil=True)
def _bits_of_marks(given: Any, codes: Any, starts: Any, ends: Any) -> Any:
    letter, rules = given.letter, given.rules
    steps, term = given.marks
    out = np.zeros(len(starts), dtype=np.int64)
    for i in range(len(starts)):
        for first in range(starts[i], ends[i]):
            place, at = START, first
            while place and at < ends[i]:
                step = tries.step(steps, place, normalise.letter_of(letter, codes[at]))
                place, at = tries.place_of(step), at + 1
                mark = term[tries.node_of(step)]
                if mark >= 0:
                    out[i] |= rules[mark]
        if out[i] & given.digit_first and _begins_a_word(codes[starts[i]]):
            out[i] &= ~given.digit_first
    return out


@njit
def _begins_a_word(code: int) -> bool:
    """Return whether a character is surely one of words, and no digit."""
    return _HAN[0] <= code <= _HAN[1] or _SMALL[0] <= code <= _SMALL[1] or _CAPITAL[0] <= code <= _CAPITAL[1]


def cut(text: str) -> list[Span]:
    r"""Cut a text into spans, dropped ones included.

    Spans are ordered and disjoint and together hold every Han character.

    >>> [("签约医生上门；药费减半。"[s.start:s.end]) for s in cut("签约医生上门；药费减半。")]
    ['签约医生上门；', '药费减半。']
    >>> [s.dropped for s in cut("责任编辑：王小明\n养殖合作社分红了。")]
    ['editor', '']
    """
    names = ("", *rule_names())
    columns = (column.tolist() for column in cut_all(Excerpts.of([text]))[1:])
    return [
        Span(start, end, paragraph, names[rule]) for paragraph, start, end, rule in zip(*columns, strict=True)
    ]


def segments(text: str) -> list[Span]:
    """Return the segments of a text: its spans that no rule drops.

    >>> raw = "主持人：低保怎么申请？  王局长：到村委会递申请;三十天内有答复。"
    >>> [raw[s.start:s.end] for s in segments(raw)]
    ['主持人：低保怎么申请？', '王局长：到村委会递申请;', '三十天内有答复。']
    """
    return [span for span in cut(text) if not span.dropped]


@lru_cache(maxsize=1)
def drop_rules() -> tuple[DropRule, ...]:
    """Return the rules that leave page furniture out, in the order in which they are tried."""
    return tuple(
        DropRule(
            r["rule"],
            r["about"],
            tuple(r["marks"]),
            r["pattern"],
            r["example"],
            r.get("digit_first", False),
        )
        for r in _furniture()["drop"]
    )


@lru_cache(maxsize=1)
def speaker_tag() -> re.Pattern[str]:
    """Return the pattern of a speaker's tag (`主持人:`) at the head of a segment."""
    tag = _furniture()["speaker_tag"]
    surname, role = "|".join(tag["surnames"].split()), "|".join(tag["roles"].split())
    return re.compile(tag["pattern"].replace("SURNAME", surname).replace("ROLE", role))


def without_speaker(piece: str) -> str:
    """Return a segment's text without the speaker's tag at its head.

    >>> without_speaker("主持人:请介绍健康扶贫。"), without_speaker("目标:户户通水。")
    ('请介绍健康扶贫。', '目标:户户通水。')
    """
    found = _COLON.search(piece, 0, MAX_FURNITURE)
    if not found:
        return piece
    return piece[spoken_from(piece, *np.array([[0], [len(piece)], [found.start()]]))[0] :]


def spoken_from(whole: str, starts: Offsets, ends: Offsets, colons: Offsets) -> list[int]:
    """Return where in each ``whole[start:end]`` the speaker's tag at its head ends, with blanks behind it.

    It is ``start`` where there is no tag. ``colons`` are the places of the segments' first colons.

    >>> spoken_from("主持人： 请介绍健康扶贫。", *np.array([[0], [13], [3]]))
    [5]
    """
    out, stops = starts.tolist(), np.minimum(colons + 1, starts + MAX_FURNITURE).tolist()
    heads = [whole[start:stop] for start, stop in zip(out, stops, strict=True)]
    for i in np.flatnonzero(list(map(_may_be_tag, heads))).tolist():
        out[i] = _behind_tag(whole, heads[i], out[i], int(ends[i]))
    return out


@lru_cache(maxsize=10_000)  # the same few speak again and again
def _may_be_tag(head: str) -> bool:
    """Return whether a head up to its first colon is a tag, or has a bracket, which may hold that colon."""
    return _has_bracket(head) or speaker_tag().match(head) is not None


def _has_bracket(head: str) -> bool:
    return "(" in head or "（" in head


def _behind_tag(whole: str, head: str, start: int, end: int) -> int:
    if _has_bracket(head):
        tag = speaker_tag().match(whole[start : min(end, start + MAX_FURNITURE)])
        return start + tag.end() if tag else start
    at = start + len(head)
    while at < end and whole[at].isspace():
        at += 1
    return at


@lru_cache(maxsize=1)
def _furniture() -> dict[str, Any]:
    file = resources.files("classifier") / "furniture.yaml"
    value, _ = parse(file.read_text(encoding="utf-8"), "furniture.yaml")
    if not isinstance(value, dict):
        raise InputError("furniture.yaml: not a mapping", "install the package again")
    return value
