"""A change of a codebook: which codes are renamed, merged, split or retired, and what follows for labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from classifier.codebook import Codebook
from classifier.errors import InputError
from classifier.yaml_lines import TEXT, Lines, misshapen, parse, read_small

KINDS = RENAME, MERGE, SPLIT, RETIRE = "rename", "merge", "split", "retire"
KEYS = ("from", "version", *KINDS, "codes")
SIZE_LIMIT = 1_000_000  # bytes
_HINT = "see docs/codebook-changes.md"


@dataclass(frozen=True)
class Changes:
    """What becomes of codes.

    ``rename`` maps old to new codes, ``merge`` a new code to the old ones that it joins, ``split`` an
    old code to those that it becomes; ``entries`` holds, by code, what the file says of new codes, as in
    a codebook. ``old`` is the codebook that is changed, ``version`` that of the new one.
    """

    old: Codebook
    version: str
    rename: Mapping[str, str] = field(default_factory=dict)
    merge: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    split: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retire: tuple[str, ...] = ()
    entries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sha256: str = ""

    @cached_property
    def becomes(self) -> dict[str, tuple[str, ...]]:
        """What each old code becomes: one new code, several of which one must be chosen, or none."""
        out = {code: (code,) for code in self.old.columns}
        out |= {old: (new,) for old, new in self.rename.items()}
        out |= {old: (new,) for new, parts in self.merge.items() for old in parts}
        return out | dict(self.split) | dict.fromkeys(self.retire, ())

    def follow(self, codes: Iterable[str]) -> Followed:
        """Return what becomes of a segment's codes.

        Somebody must look at it where it has a code that was split, and where nothing is left of
        codes that it had.
        """
        codes = tuple(codes)
        becomes = self.becomes
        new = tuple(dict.fromkeys(c for code in codes if code not in self.split for c in becomes[code]))
        choices = {code: tuple(self.split[code]) for code in codes if code in self.split}
        return Followed(new, choices, bool(choices) or bool(codes and not new))


@dataclass(frozen=True)
class Followed:
    """What became of a segment's codes: those that are sure, and what must be chosen for each split code."""

    codes: tuple[str, ...]
    choices: Mapping[str, tuple[str, ...]]
    look: bool

    @property
    def why(self) -> str:
        """What must be decided, in a line; empty where nothing must."""
        if self.choices:
            return "; ".join(f"{code}: {' / '.join(parts)}?" for code, parts in self.choices.items())
        return "no code is left 原有编码均已停用" if self.look else ""


def read_changes(path: Path, codebook: Codebook) -> Changes:
    """Read a file of changes and check it against the codebook that it changes.

    Raises `InputError` with file and line where it has another form, names a code that is unknown,
    names one twice, gives a new code a name that is taken, leaves a new code without a name, leaves no
    code, or where the codebook has the new version already.
    """
    text = read_small(path, SIZE_LIMIT)
    return changes_from_text(text, path.name, codebook)


def changes_from_text(text: str, name: str, codebook: Codebook) -> Changes:
    """Do as `read_changes` does, with text; ``name`` stands for the file in errors."""
    value, lines = parse(text, name)
    _check_shape(value, lines)
    reader = _Reader(value, lines, codebook)
    reader.check()
    return Changes(
        old=codebook,
        version=str(value["version"]),
        rename=reader.texts(RENAME),
        merge=reader.lists(MERGE),
        split=reader.lists(SPLIT),
        retire=tuple(map(str, value.get(RETIRE) or ())),
        entries=reader.entries,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
    )


def _check_shape(value: Any, lines: Lines) -> None:
    if not isinstance(value, dict) or value.get("version") in (None, ""):
        raise InputError(
            f"{lines.of()}: changes are a mapping with 'version', that of the new codebook", _HINT
        )
    unknown = next((key for key in value if key not in KEYS), None)
    if unknown is not None:
        raise InputError(
            f"{lines.of(unknown)}: '{unknown}' is no part of changes", f"parts: {', '.join(KEYS)}"
        )
    lists = {RETIRE: [TEXT], "codes": [{"code!": TEXT}], "version": TEXT, "from": TEXT}
    shape = {**lists, **{kind: _of_keys(value.get(kind), kind) for kind in (RENAME, MERGE, SPLIT)}}
    for found in misshapen(value, shape, lines):
        raise InputError(f"{found.place}: {found.message}", _HINT)
    if not any(value.get(kind) for kind in KINDS):
        raise InputError(f"{lines.of()}: nothing is changed", f"name one of: {', '.join(KINDS)}")


def _of_keys(value: Any, kind: str) -> Any:
    inner: Any = TEXT if kind == RENAME else [TEXT]
    return {f"{key}!": inner for key in value} if isinstance(value, dict) else {}


class _Reader:
    """Checks changes of the right form against a codebook."""

    def __init__(self, value: dict[str, Any], lines: Lines, codebook: Codebook) -> None:
        self.value, self.lines, self.book = value, lines, codebook
        self.entries = {str(entry["code"]): entry for entry in value.get("codes") or ()}

    def texts(self, kind: str) -> dict[str, str]:
        return {str(k): str(v) for k, v in (self.value.get(kind) or {}).items()}

    def lists(self, kind: str) -> dict[str, tuple[str, ...]]:
        return {str(k): tuple(map(str, v)) for k, v in (self.value.get(kind) or {}).items()}

    def refuse(self, message: str, hint: str, *path: str | int) -> None:
        raise InputError(f"{self.lines.of(*path)}: {message}", hint)

    def check(self) -> None:
        """Raise `InputError` for the first thing that is wrong."""
        asked, version = self.value.get("from"), str(self.value["version"])
        if version == self.book.version:
            self.refuse(
                f"codebook '{self.book.name}' has version {version} already",
                "these changes were made, or want another version",
                "version",
            )
        if asked is not None and str(asked) != self.book.version:
            self.refuse(
                f"these changes are for version {asked}, the codebook has {self.book.version}",
                "name the codebook that they are for",
                "from",
            )
        self._old()
        made = self._new()
        self._entries(made)
        gone = {code for _, codes, _ in self._named() for code in codes}
        if not made and gone == set(self.book.columns):
            self.refuse("no code is left", "keep one, or write a new codebook", RETIRE)

    def _named(self) -> Iterator[tuple[str, tuple[str, ...], tuple[str | int, ...]]]:
        """Yield what is done to which old codes, and where it stands."""
        for old in self.texts(RENAME):
            yield RENAME, (old,), (RENAME, old)
        for new, parts in self.lists(MERGE).items():
            yield MERGE, parts, (MERGE, new)
        for old in self.lists(SPLIT):
            yield SPLIT, (old,), (SPLIT, old)
        for i, old in enumerate(map(str, self.value.get(RETIRE) or ())):
            yield RETIRE, (old,), (RETIRE, i)

    def _old(self) -> None:
        done: dict[str, str] = {}
        for kind, codes, place in self._named():
            for code in codes:
                if code not in self.book.columns:
                    self.refuse(f"unknown code '{code}'", f"codes: {', '.join(self.book.columns)}", *place)
                if code in done:
                    self.refuse(
                        f"code '{code}' stands twice: under {done[code]} and under {kind}",
                        "one thing at a time: make two versions",
                        *place,
                    )
                done[code] = kind

    def _new(self) -> list[str]:
        """Return the new codes; raise where one is taken, or a merge or a split is none."""
        made: list[str] = []

        def make(code: str, own: tuple[str, ...], *place: str | int) -> None:
            if (code in self.book.columns and code not in own) or code in made:
                self.refuse(
                    f"code '{code}' is taken",
                    "name another; a name that becomes free can be given later",
                    *place,
                )
            made.append(code)

        for old, new in self.texts(RENAME).items():
            make(new, (), RENAME, old)
        for new, parts in self.lists(MERGE).items():
            if len(parts) < 2:
                self.refuse(f"'{new}' is merged from fewer than two codes", f"use {RENAME}", MERGE, new)
            make(new, parts, MERGE, new)
        for old, parts in self.lists(SPLIT).items():
            if len(parts) < 2:
                self.refuse(f"'{old}' is split into fewer than two codes", f"use {RENAME}", SPLIT, old)
            for part in parts:
                make(part, (old,), SPLIT, old)
        return made

    def _entries(self, made: list[str]) -> None:
        for i, entry in enumerate(self.value.get("codes") or ()):
            code = str(entry["code"])
            if code not in made:
                self.refuse(f"'{code}' is none of the new codes", f"new: {', '.join(made)}", "codes", i)
            if [str(e["code"]) for e in self.value["codes"]].count(code) > 1:
                self.refuse(f"code '{code}' stands twice", "keep one of the two", "codes", i)
        renamed = self.texts(RENAME).values()
        for code in made:
            if (
                code not in self.book.columns
                and code not in renamed
                and not self.entries.get(code, {}).get("name")
            ):
                self.refuse(
                    f"new code '{code}' has no name",
                    f"write under codes: - {{code: {code}, name: …}}",
                    "codes",
                )
