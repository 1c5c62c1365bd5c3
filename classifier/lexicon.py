"""The lexicon: cues and not-cues for each code, read from one YAML file, checked and matched.

A cue is a plain piece of text. Every occurrence of every cue and not-cue counts,
but one that lies wholly inside a longer one is dropped: the longest match wins.
A not-cue of a code silences that code's cues inside it, and no other code's.

A lexicon may name words of a setting, such as those in which poverty is spoken of: they
are of no code, but a cue beside one of them is better evidence than a cue alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier import cue_matching, shipped
from classifier.cue_matching import Matcher, beginnings
from classifier.errors import Finding, LexiconError
from classifier.excerpts import bounds_of
from classifier.inert_text import on_one_line
from classifier.normalise import normalise_all
from classifier.tries import Alphabet
from classifier.yaml_lines import TEXT, Lines, load, misshapen, parse

MOST_ENTRIES = 100_000  # cues and not-cues, one that several codes claim counted for each
MOST_CODES = 1_000
MOST_WORDS = 200  # of the setting: each is looked for in every entry
LONGEST = 50  # characters of an entry
MOST_BEGIN = 8  # entries that begin one another, as 扶贫 and 扶贫车间: all cost time where one is found
Steps = tuple[str | int, ...]  # the way to an entry in its file


@dataclass(frozen=True)
class Hit:
    """One occurrence of a cue: ``normalised[start:end] == cue``, for these codes."""

    start: int
    end: int
    cue: str
    codes: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """Cues and not-cues, each with the codes that claim it; see `load_lexicon`."""

    name: str
    version: str
    cues: Mapping[str, tuple[str, ...]]
    not_cues: Mapping[str, tuple[str, ...]]
    setting: tuple[str, ...] = ()  # words beside which a cue is better evidence

    @cached_property
    def codes(self) -> tuple[str, ...]:
        """The codes that any cue or not-cue is of, sorted."""
        return tuple(
            sorted({c for claims in (self.cues, self.not_cues) for cs in claims.values() for c in cs})
        )

    @cached_property
    def cue_codes(self) -> tuple[str, ...]:
        """The codes that have a cue, sorted."""
        return tuple(sorted({code for codes in self.cues.values() for code in codes}))

    @property
    def characters(self) -> str:
        """The characters of the entries, each once."""
        return "".join(sorted(set("".join((*self.cues, *self.not_cues, *self.setting)))))

    def matcher(self, alphabet: Alphabet) -> Matcher:
        """Return the lexicon as compiled code takes it; the bits of its masks are ``codes`` in order.

        Where there are words of a setting, the next bit is that of the setting.
        """
        return self._matched(alphabet)[0]

    def _matched(self, alphabet: Alphabet) -> tuple[Matcher, list[str]]:
        return cue_matching.matcher(self.cues, self.not_cues, self.codes, alphabet, self.setting)

    @cached_property
    def _own(self) -> tuple[Alphabet, Matcher, list[str]]:
        alphabet = Alphabet(self.characters)
        return alphabet, *self._matched(alphabet)

    def hits(self, normalised: str) -> list[Hit]:
        """Return the cue hits in a normalised text, in order of their start.

        >>> cues = {"产业": ("industry",), "医疗保险": ("health",), "保险": ("finance",)}
        >>> lexicon = Lexicon("demo", "1", cues, {"产业工人": ("industry",)})
        >>> [(h.cue, h.codes) for h in lexicon.hits("产业工人缴纳医疗保险，村里发展产业。")]
        [('医疗保险', ('health',)), ('产业', ('industry',))]
        """
        alphabet, matcher, entries = self._own
        out = []
        for start, end, entry, mask in zip(
            *cue_matching.find(matcher, alphabet.letters(normalised)), strict=True
        ):
            given = {c for j, c in enumerate(self.codes) if cue_matching.has(mask, j)}
            if given:
                codes = tuple(c for c in self.cues[entries[entry]] if c in given)
                out.append(Hit(int(start), int(end), entries[entry], codes))
        return out

    def hit_codes(self, texts: Sequence[str]) -> NDArray[np.bool_]:
        """Return which codes the cues in raw ``texts`` speak for, bool of shape (n_texts, len(codes)).

        >>> Lexicon("demo", "1", {"医保": ("health",)}, {}).hit_codes(["医保报销", "大家都好"]).tolist()
        [[True], [False]]
        """
        return self.found_in(texts)[0]

    def speaks_of_setting(self, normalised: str) -> bool:
        """Return whether any word of the setting stands in a normalised text.

        >>> Lexicon("demo", "1", {}, {}, setting=("贫困",)).speaks_of_setting("为贫困户报销")
        True
        """
        return any(word in normalised for word in self.setting)

    def found_in(self, texts: Sequence[str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return what `hit_codes` does, and which of the texts speak of the setting, shape (n_texts,).

        >>> lexicon = Lexicon("demo", "1", {"医保": ("health",)}, {}, setting=("贫困", "低保"))
        >>> [found.tolist() for found in lexicon.found_in(["医保报销", "贫困户医保报销"])]
        [[[True], [True]], [False, True]]
        """
        alphabet, matcher, _ = self._own
        normalised = normalise_all(texts)
        masks = cue_matching.codes_found(
            matcher, alphabet.letters("".join(normalised)), bounds_of(normalised)
        )
        bits = cue_matching.unpacked(masks, len(self.codes) + bool(self.setting))
        codes = bits[:, : len(self.codes)]
        return codes, bits[:, -1] if self.setting else np.zeros(len(texts), dtype=bool)

    def codes_in(self, text: str) -> set[str]:
        """Return the codes that any cue in the raw ``text`` speaks for."""
        return {code for code, hit in zip(self.codes, self.hit_codes([text])[0], strict=True) if hit}

    def restricted(self, codes: Collection[str]) -> Lexicon:
        """Return the lexicon with the claims of other codes left out."""
        keep = set(codes)

        def claims(entries: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
            kept = {entry: tuple(c for c in claimed if c in keep) for entry, claimed in entries.items()}
            return {entry: claimed for entry, claimed in kept.items() if claimed}

        return replace(self, cues=claims(self.cues), not_cues=claims(self.not_cues))

    def renamed(self, names: Mapping[str, str]) -> Lexicon:
        """Return the lexicon with other names for some codes."""

        def claims(entries: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
            return {entry: tuple(names.get(c, c) for c in claimed) for entry, claimed in entries.items()}

        return replace(self, cues=claims(self.cues), not_cues=claims(self.not_cues))


NO_LEXICON = Lexicon("", "", {}, {})


class _Reader:
    """Turns a parsed lexicon file into claims, collecting what is wrong with it."""

    def __init__(self, value: Any, lines: Lines, codes: Collection[str] | None) -> None:
        self.value, self.lines, self.codes = value, lines, codes
        self.findings: list[Finding] = []
        self.cues: dict[str, tuple[str, ...]] = {}
        self.not_cues: dict[str, tuple[str, ...]] = {}
        self.setting: dict[str, Steps] = {}  # its words, and the place of each
        self.places: dict[tuple[str, str], Steps] = {}  # of each code and entry
        self._normalised = dict[str, str]()

    def found(self, place: Steps, message: str, *, level: str = "error") -> Finding:
        return Finding(self.lines.of(*place), level, f"{on_one_line(message):.300}")

    def error(self, place: Steps, message: str) -> None:
        self.findings.append(self.found(place, message))

    def read(self) -> _Reader:
        if not isinstance(self.value, Mapping) or not isinstance(self.value.get("codes"), Mapping):
            self.error((), "a lexicon is a mapping with 'name', 'version' and 'codes'")
            return self
        self.findings += misshapen(self.value, {"name": TEXT, "version": TEXT}, self.lines)
        shared = self.value.get("shared") or {}
        if not isinstance(shared, Mapping):
            self.error(("shared",), "'shared' is not a mapping of cues to lists of codes")
            shared = {}
        if self._too_many(shared):
            return self
        self._normalise((*shared, *self._items()))
        for cue, codes in shared.items():
            place: Steps = ("shared", str(cue))
            if not isinstance(codes, list):
                self.error(place, f"'{cue}' needs a list of codes")
                continue
            for code in codes:
                self._claim(self.cues, cue, str(code), place, shared=True)
        for code, lists in self.value["codes"].items():
            self._code(str(code), lists)
        self._setting()
        entries = sorted({*self.cues, *self.not_cues, *self.setting})
        for entry, begun in zip(entries, beginnings(entries), strict=True):
            if begun > MOST_BEGIN:
                told = f"'{entry}' begins with more than {MOST_BEGIN - 1} other entries"
                self.error(self._place(entry), told)
        return self

    def _place(self, entry: str) -> Steps:
        """Return a place at which an entry stands."""
        claims = self.cues.get(entry) or self.not_cues.get(entry)
        return self.places[claims[0], entry] if claims else self.setting[entry]

    def _too_many(self, shared: Mapping[Any, Any]) -> bool:
        """Say whether there are more entries, codes or words than matching them should cost."""
        words = self.value.get("setting")
        claims = sum(len(codes) for codes in shared.values() if isinstance(codes, list))
        claims += sum(1 for _ in self._items())
        codes = {str(c) for cs in shared.values() if isinstance(cs, list) for c in cs}
        for count, most, kind in (
            (claims, MOST_ENTRIES, "entries"),
            (len(codes.union(map(str, self.value["codes"]))), MOST_CODES, "codes"),
            (len(words) if isinstance(words, list) else 0, MOST_WORDS, "words of the setting"),
        ):
            if count > most:
                self.error((), f"{count:,} {kind}, more than {most:,}")
                return True
        return False

    def _items(self) -> Iterator[Any]:
        """Yield whatever stands in a list of cues or not-cues, or among the words of the setting."""
        for lists in self.value["codes"].values():
            for items in lists.values() if isinstance(lists, Mapping) else ():
                yield from items if isinstance(items, list) else ()
        words = self.value.get("setting")
        yield from words if isinstance(words, list) else ()

    def _normalise(self, items: Iterable[Any]) -> None:
        """Normalise all entries at once, which is many times faster than one by one."""
        raw = list(dict.fromkeys(text for item in items if len(text := str(item)) <= LONGEST))
        self._normalised = dict(zip(raw, normalise_all(raw), strict=True))

    def _code(self, code: str, lists: Any) -> None:
        if self.codes is not None and code not in self.codes:
            self.error(("codes", code), f"unknown code '{code}'")
            return
        if not isinstance(lists, Mapping):
            self.error(("codes", code), f"'{code}' needs 'cues' and may have 'not_cues'")
            return
        for key, claims in (("cues", self.cues), ("not_cues", self.not_cues)):
            items = lists.get(key) or []
            if not isinstance(items, list):
                self.error(("codes", code, key), f"'{key}' of '{code}' is not a list")
                continue
            for i, item in enumerate(items):
                self._claim(claims, item, code, ("codes", code, key, i))

    def _setting(self) -> None:
        """Read the words of the setting."""
        words = self.value.get("setting") or []
        if not isinstance(words, list):
            self.error(("setting",), "'setting' is not a list")
            return
        for i, item in enumerate(words):
            place: Steps = ("setting", i)
            word = self._entry(item, "setting", place)
            if word in self.setting:
                self.error(place, f"'{word}' stands twice for 'setting'")
            elif word:
                self.setting[word] = place

    def _entry(self, item: Any, of: str, place: Steps) -> str | None:
        """Return an entry normalised, or None where it is none, which is told."""
        if item is not None and (isinstance(item, bool) or not isinstance(item, str | int | float)):
            self.error(place, f"an entry for '{of}' is no text: {item!r:.60}")
            return None
        entry = "" if item is None else self._normalised.get(str(item), str(item)).strip()
        if len(entry) > LONGEST:
            self.error(place, f"'{entry:.20}…' is longer than {LONGEST} characters")
        elif not entry:
            self.error(place, f"an empty entry for '{of}'")
        else:
            return entry
        return None

    def _claim(
        self, claims: dict[str, tuple[str, ...]], item: Any, code: str, place: Steps, *, shared: bool = False
    ) -> None:
        if self.codes is not None and code not in self.codes:
            self.error(place, f"unknown code '{code}'")
            return
        entry = self._entry(item, code, place)
        if entry is None:
            return
        if code in claims.get(entry, ()):
            self.error(place, f"'{entry}' stands twice for '{code}'")
        elif claims is self.cues and entry in claims and not shared:
            others = ", ".join(claims[entry])
            self.error(place, f"cue '{entry}' is double-claimed: also by {others}; list it under 'shared'")
        else:
            claims[entry] = (*claims.get(entry, ()), code)
            self.places[code, entry] = place


def _inside(reader: _Reader) -> dict[str, list[str]]:
    """Return for each entry the other entries that stand in it."""
    alphabet, matcher, entries = Lexicon("", "", reader.cues, reader.not_cues)._own
    out = {}
    for entry in entries:
        found = dict.fromkeys(cue_matching.find(matcher, alphabet.letters(entry)).entry.tolist())
        out[entry] = [entries[i] for i in found if entries[i] != entry]
    return out


def _check_reach(reader: _Reader) -> Iterator[Finding]:
    """Find entries that can have no effect: dead not-cues, shadowed and contradicted cues."""
    cues, inside = reader.cues, _inside(reader)
    for entry, codes in reader.not_cues.items():
        for code in codes:
            place = reader.places[code, entry]
            if code in cues.get(entry, ()):
                yield reader.found(place, f"'{entry}' is both a cue and a not-cue of '{code}'")
            elif not any(code in cues.get(piece, ()) for piece in inside[entry]):
                yield reader.found(place, f"dead: not-cue '{entry}' holds no cue of '{code}'")
    for cue, codes in cues.items():
        if len(codes) == 1:
            yield from _shadowed(codes[0], cue, inside[cue], reader)
    for word, place in reader.setting.items():
        shorter = min((w for w in reader.setting if w != word and w in word), key=len, default=None)
        if shorter is not None:
            yield reader.found(place, f"shadowed: '{word}' adds nothing to '{shorter}'", level="warning")


def _shadowed(code: str, cue: str, inside: list[str], reader: _Reader) -> Iterator[Finding]:
    """Find out whether a cue holds a shorter cue of the same code and changes nothing by being there."""
    cues, not_cues = reader.cues, reader.not_cues
    # A longer cue earns its place when an entry between the two would silence the shorter one.
    others = any(cues.get(piece, (code,)) != (code,) or code in not_cues.get(piece, ()) for piece in inside)
    known = [piece for piece in inside if piece in cues]
    if known and not others:
        shorter = min(known, key=lambda piece: (len(piece), piece))
        told = f"shadowed: '{cue}' adds nothing to '{shorter}'"
        yield reader.found(reader.places[code, cue], told, level="warning")


def check_lexicon(path: str | Path, codes: Collection[str] | None = None) -> list[Finding]:
    """Return what is wrong with a lexicon file: dead, shadowed and double-claimed entries, with lines.

    ``codes`` are those of the codebook; where None, any code is accepted.
    """
    return findings_in(*load(path), codes)


def findings_in(value: Any, lines: Lines, codes: Collection[str] | None = None) -> list[Finding]:
    """Return what is wrong with a lexicon that `yaml_lines.parse` has read."""
    reader = _Reader(value, lines, codes).read()
    return [*reader.findings, *_check_reach(reader)]


def _build(value: Any, lines: Lines, codes: Collection[str] | None) -> Lexicon:
    reader = _Reader(value, lines, codes).read()
    if reader.findings:
        first = reader.findings[0]
        raise LexiconError(f"{first.place}: {first.message}", "`fupin lexicon check FILE` lists every fault")
    name, version = (str(value.get(key, "")) for key in ("name", "version"))
    return Lexicon(name, version, reader.cues, reader.not_cues, tuple(reader.setting))


def load_lexicon(path: str | Path | None = None, codes: Collection[str] | None = None) -> Lexicon:
    """Read a lexicon file, by default the one that comes with the package.

    Raises `LexiconError` with file and line for an unknown code, an entry that
    can never match, and a cue that two codes claim outside ``shared``.
    """
    if path is None:
        return _shipped()
    return _build(*load(path), codes)


def lexicon_from_text(text: str, name: str, codes: Collection[str] | None = None) -> Lexicon:
    """Build a lexicon from YAML text; ``name`` stands for the file in errors."""
    return _build(*parse(text, name), codes)


@lru_cache(maxsize=1)
def _shipped() -> Lexicon:
    return _build(*load(shipped.LEXICON), None)
