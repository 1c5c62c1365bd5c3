"""Cutting text into segments, with exact offsets into the raw text.

A segment is a sentence, or a clause closed by a semicolon. Every Han character
of a text lies either in a segment or in a span dropped by a rule that has a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from classifier.errors import InputError
from classifier.yaml_lines import parse

MIN_HAN = 4  # fewer Han characters make no segment
TOO_SHORT = "too-short"

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_LINE = re.compile("[^\n\r\x0b\x0c\x85\u2028\u2029]+")
_END = "。！？；｡!?;"
_ENDS = frozenset(_END)
_CLOSERS = frozenset("”’」』）】》〉〕］｝)]}")
# Half-width ; ! ? end nothing inside a URL, an HTML entity, or between two ASCII letters or digits;
# an apostrophe between two of these is no quote.
_TOKEN = re.compile(
    r"(?P<kept>(?:https?://|www\.)[!-~]*[0-9A-Za-z/=_-]"
    r"|&(?:[A-Za-z]{2,10}|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});"
    r"|(?<=[0-9A-Za-z])[;!?'](?=[0-9A-Za-z]))"
    rf"|(?P<quote>[\"'])|(?P<end>[{_END}]+)"
)


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
    """A named rule for page furniture: spans that match are no segments."""

    name: str
    about: str
    pattern: re.Pattern[str]
    example: str


def _ends(line: str) -> Iterator[int]:
    """Yield the offsets in ``line`` behind each sentence end, closing marks included."""
    is_open: set[str] = set()
    at = 0
    while match := _TOKEN.search(line, at):
        at = match.end()
        if match["quote"]:
            is_open ^= {match["quote"]}
        elif match["end"]:
            # A straight quote closes only where one is open.
            while (mark := line[at : at + 1]) in _CLOSERS or mark in is_open:
                is_open.discard(mark)
                at += 1
            if mark not in _ENDS:  # `？”。` is one end, not two
                yield at


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    """Narrow ``[start, end)`` so that it neither begins nor ends with white space."""
    while start < end and (text[start].isspace() or text[start] in "\ufeff\u200b"):
        start += 1
    while end > start and (text[end - 1].isspace() or text[end - 1] in "\ufeff\u200b"):
        end -= 1
    return start, end


def cut(text: str) -> list[Span]:
    r"""Cut a text into spans, dropped ones included.

    Spans are ordered and disjoint and together hold every Han character.

    >>> [("签约医生上门；药费减半。"[s.start:s.end]) for s in cut("签约医生上门；药费减半。")]
    ['签约医生上门；', '药费减半。']
    >>> [s.dropped for s in cut("责任编辑：王小明\n养殖合作社分红了。")]
    ['editor', '']
    """
    spans: list[Span] = []
    paragraph = -1
    for line in _LINE.finditer(text):
        if not line.group().strip():
            continue
        paragraph += 1
        at = line.start()
        for end in (*(line.start() + e for e in _ends(line.group())), line.end()):
            start, stop = _strip(text, at, end)
            if start < stop:
                spans.append(Span(start, stop, paragraph, _dropped_by(text[start:stop])))
            at = end
    return spans


def segments(text: str) -> list[Span]:
    """Return the segments of a text: its spans that no rule drops.

    >>> raw = "主持人：低保怎么申请？  王局长：到村委会递申请;三十天内有答复。"
    >>> [raw[s.start:s.end] for s in segments(raw)]
    ['主持人：低保怎么申请？', '王局长：到村委会递申请;', '三十天内有答复。']
    """
    return [span for span in cut(text) if not span.dropped]


def _dropped_by(piece: str) -> str:
    if len(HAN.findall(piece)) < MIN_HAN:
        return TOO_SHORT
    return next((rule.name for rule in drop_rules() if rule.pattern.search(piece)), "")


@lru_cache(maxsize=1)
def drop_rules() -> tuple[DropRule, ...]:
    """Return the rules that leave page furniture out, in the order in which they are tried."""
    return tuple(
        DropRule(r["rule"], r["about"], re.compile(r["pattern"]), r["example"]) for r in _furniture()["drop"]
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
    return speaker_tag().sub("", piece, count=1)


@lru_cache(maxsize=1)
def _furniture() -> dict[str, Any]:
    file = resources.files("classifier") / "furniture.yaml"
    value, _ = parse(file.read_text(encoding="utf-8"), "furniture.yaml")
    if not isinstance(value, dict):
        raise InputError("furniture.yaml: not a mapping", "install the package again")
    return value
