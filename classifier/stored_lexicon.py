"""A lexicon as a model folder keeps it: what was read of its file, so that it need not be read anew.

A folder may come from a stranger: what it holds is checked as a file is, though not for entries
that can have no effect, and without naming lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Any

from classifier.cue_matching import beginnings
from classifier.lexicon import LONGEST, MOST_BEGIN, MOST_CODES, MOST_ENTRIES, MOST_WORDS, Lexicon
from classifier.yaml_lines import TEXT_LIMIT


def lexicon_to_json(lexicon: Lexicon) -> dict[str, Any]:
    """Return a lexicon as JSON takes it.

    >>> lexicon_to_json(Lexicon("小词表", "1", {"药费": ("health",)}, {}))["cues"]
    {'药费': ['health']}
    """
    return {
        "name": lexicon.name,
        "version": lexicon.version,
        "cues": {entry: list(codes) for entry, codes in lexicon.cues.items()},
        "not_cues": {entry: list(codes) for entry, codes in lexicon.not_cues.items()},
        "setting": list(lexicon.setting),
    }


def lexicon_from_json(value: Any, known: Collection[str]) -> Lexicon:
    """Return the lexicon that `lexicon_to_json` took apart; ``known`` are the codes of the codebook.

    Raises ValueError, TypeError or LookupError where it is none, or would take long to match.

    >>> lexicon_from_json(lexicon_to_json(Lexicon("小词表", "1", {"药费": ("health",)}, {})), ["health"]).cues
    {'药费': ('health',)}
    """
    cues, not_cues = (_claims(value[key], known) for key in ("cues", "not_cues"))
    setting = _texts(value["setting"], MOST_WORDS)
    name, version = _texts([value["name"], value["version"]], 2)
    _check_entries({*cues, *not_cues, *setting})
    _at_most(len((name + version).encode()), TEXT_LIMIT, "bytes of a name")
    return Lexicon(name, version, cues, not_cues, tuple(setting))


def _claims(value: Any, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict) or not set(map(type, value.values())) <= {list}:
        raise ValueError("the lexicon has no mapping of entries to lists of codes")
    claims: dict[str, tuple[str, ...]] = {entry: tuple(codes) for entry, codes in value.items()}
    codes = set(chain.from_iterable(claims.values()))
    if not codes <= set(known):
        raise ValueError("codes in the lexicon that the codebook does not have")
    if not all(len(set(c)) == len(c) > 0 for c in set(claims.values())):
        raise ValueError("an entry of the lexicon is of no code, or of one twice")
    _at_most(len(codes), MOST_CODES, "codes")
    _at_most(sum(map(len, claims.values())), MOST_ENTRIES, "entries")
    return claims


def _texts(value: Any, most: int) -> list[str]:
    if not isinstance(value, list) or not set(map(type, value)) <= {str}:
        raise ValueError("the lexicon has no list of texts")
    _at_most(len(value), most, "words of the setting")
    return value


def _check_entries(entries: Iterable[str]) -> None:
    """Refuse entries that are no text, and such as would make matching slow."""
    ascending = sorted(entries)
    "".join(ascending).encode()  # half a surrogate pair is no text
    if ascending and not (ascending[0] and max(map(len, ascending)) <= LONGEST):
        raise ValueError(f"an entry of the lexicon is empty, or longer than {LONGEST} characters")
    _at_most(max(beginnings(ascending), default=0), MOST_BEGIN, "entries that begin one another")


def _at_most(count: int, most: int, kind: str) -> None:
    if count > most:
        raise ValueError(f"{count:,} {kind} in the lexicon, more than {most:,}")
