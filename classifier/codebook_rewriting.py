"""A codebook and a lexicon after a change: the new YAML, and what in it somebody must look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from classifier.codebook import Codebook, codebook_from_text
from classifier.codebook_changes import Changes
from classifier.yaml_edits import rewrite
from classifier.yaml_lines import parse

_LISTS = ("includes", "excludes", "examples", "counter_examples")
_EMPTY: tuple[Any, ...] = (None, "", [], {})

Value = dict[str, Any]


@dataclass(frozen=True)
class Rewritten:
    """New YAML text, and in a line each what somebody must look at."""

    text: str
    notes: tuple[str, ...] = ()


def rewrite_codebook(changes: Changes) -> tuple[Codebook, Rewritten]:
    """Return the codebook after a change, its text edited in place as far as can be.

    Codes follow in examples, in what is excluded, in schemes and in sub-measures. A category has all
    parts of a code that was split, so that it holds the same segments as before.
    """
    value, _ = parse(changes.old.text, "codebook")
    value, notes = _Book(changes).changed(deepcopy(value))
    text = rewrite(changes.old.text, value)
    notes += _prose(text, changes)
    return codebook_from_text(text, "the new codebook"), Rewritten(text, tuple(notes))


class _Book:
    """Changes the parsed YAML of a codebook, and notes what it cannot decide."""

    def __init__(self, changes: Changes) -> None:
        self.changes, self.becomes = changes, changes.becomes
        self.notes: list[str] = []

    def changed(self, value: Value) -> tuple[Value, list[str]]:
        value["version"] = self.changes.version
        before = {str(entry["code"]): entry for entry in value["codes"]}
        for entry in value["codes"]:
            self._references(entry)
        value["codes"] = [self._finished(e) for entry in value["codes"] for e in self._entries(entry, before)]
        for scheme in value.get("schemes") or ():
            self._scheme(scheme)
        if value.get("sub_measures"):
            value["sub_measures"] = [m for m in value["sub_measures"] if self._sub_measure(m)]
        return value, self.notes

    def _codes(self, codes: Iterable[Any]) -> list[str]:
        """Return what codes become, each once."""
        return list(dict.fromkeys(new for code in codes for new in self.becomes[str(code)]))

    def _references(self, entry: Value) -> None:
        """Let codes follow in the examples of an entry, and in what it excludes."""
        for key in ("examples", "counter_examples"):
            for example in entry.get(key) or ():
                split = [c for c in map(str, example.get("codes") or ()) if c in self.changes.split]
                if split and str(entry["code"]) not in split:
                    self.notes.append(
                        f"{entry['code']}: an item of {key} carries all parts of '{split[0]}': "
                        f"{example['text'][:20]}…"
                    )
                if example.get("codes"):
                    example["codes"] = self._codes(example["codes"])
        for item in entry.get("excludes") or ():
            used = None if item.get("use") is None else str(item["use"])
            if used is not None and self.becomes[used] != (used,):
                item["use"] = next(iter(self.becomes[used]), None)
                if used in self.changes.split:
                    self.notes.append(f"{entry['code']}: excludes to '{item['use']}' what was '{used}'")

    def _entries(self, entry: Value, before: Mapping[str, Value]) -> list[Value]:
        """Return the entries that take the place of one."""
        code, changes = str(entry["code"]), self.changes
        if code in changes.retire:
            return []
        if code in changes.split:
            return [self._part(entry, part) for part in changes.split[code]]
        new = self.becomes[code][0]
        parts = changes.merge.get(new, (code,))
        if code in parts[1:]:
            return []
        given = {"code": new, **changes.entries.get(new, {})}
        made: Value = _joined([before[part] for part in parts], new, given) if parts[1:] else entry
        return [made | given]

    def _part(self, entry: Value, part: str) -> Value:
        """Return the entry of a part of a split code; one that keeps the name keeps the texts too."""
        given = dict(self.changes.entries.get(part, {}))
        kept = {k: v for k, v in entry.items() if k == "group"}
        if part == str(entry["code"]):
            kept = {k: v for k, v in entry.items() if k not in ("examples", "counter_examples")}
        for key in ("examples", "counter_examples"):
            if entry.get(key) and part == self.changes.split[str(entry["code"])][0]:
                self.notes.append(f"{entry['code']}: its {key} are left out; give each part its own")
        return {"code": part} | kept | given

    def _finished(self, entry: Value) -> Value:
        """Let an entry keep to the rules: its examples carry it, its counter-examples do not."""
        own = entry["code"]
        strays = [e for e in entry.get("counter_examples") or () if own in (e.get("codes") or ())]
        if strays:
            entry["counter_examples"] = [e for e in entry["counter_examples"] if e not in strays]
            self.notes += [f"{own}: no counter-example any more: {e['text'][:20]}…" for e in strays]
        if entry.get("excludes"):
            entry["excludes"] = [e for e in entry["excludes"] if e.get("use") != own]
        return entry

    def _scheme(self, scheme: Value) -> None:
        if scheme.get("shared"):
            scheme["shared"] = self._codes(scheme["shared"])
        emptied = []
        for category in scheme["categories"]:
            had = category["codes"]
            category["codes"] = self._codes(had)
            if had and not category["codes"]:
                emptied.append(category["category"])
                self.notes.append(f"scheme {scheme['scheme']}: category '{category['category']}' is left out")
        scheme["categories"] = [c for c in scheme["categories"] if c["category"] not in emptied]
        self._shared(scheme)

    def _shared(self, scheme: Value) -> None:
        """Note codes that stand in two categories since codes of both were merged."""
        of: dict[str, list[str]] = {}
        for category in scheme["categories"]:
            for code in category["codes"]:
                of.setdefault(code, []).append(category["category"])
        shared = list(scheme.get("shared") or ())
        for code, categories in of.items():
            if categories[1:] and code not in shared:
                shared.append(code)
                self.notes.append(f"scheme {scheme['scheme']}: '{code}' is in {' and '.join(categories)} now")
        if shared:
            scheme["shared"] = shared

    def _sub_measure(self, measure: Value) -> bool:
        """Let a code's named parts follow it; say whether they are kept."""
        code = str(measure["code"])
        new = self.becomes[code]
        if code in self.changes.split:
            self.notes.append(f"sub_measures of '{code}' stand under '{new[0]}' now")
        if new and new != (code,):
            measure["code"] = new[0]
        return bool(new)


def _joined(parts: list[Value], new: str, given: Value) -> Value:
    """Return what entries say together; one that keeps its name goes first, and gives name and definition."""
    own = next((part for part in parts if str(part["code"]) == new), parts[0])
    unsaid = () if str(own["code"]) == new else ("name", "definition")
    out = {k: v for k, v in own.items() if k in given or k not in unsaid}
    for key in _LISTS:
        items = [item for part in [own, *(p for p in parts if p is not own)] for item in part.get(key) or ()]
        if items:
            out[key] = [item for i, item in enumerate(items) if item not in items[:i]]
    return out


def _prose(text: str, changes: Changes) -> list[str]:
    """Return notes on lines whose text or comments still name a code that is no more."""
    gone = set(changes.old.columns) - {new for codes in changes.becomes.values() for new in codes}
    notes = []
    for code in sorted(gone):
        word = re.compile(rf"(?<![\w.-]){re.escape(code)}(?![\w.-])", re.ASCII)
        lines = [str(n) for n, line in enumerate(text.splitlines(), 1) if word.search(line)]
        if lines:
            more = f" and {len(lines) - 8} more" if lines[8:] else ""
            notes.append(f"'{code}' is still named on line {', '.join(lines[:8])}{more}")
    return notes


def rewrite_lexicon(text: str, changes: Changes) -> Rewritten:
    """Return a lexicon's YAML after a change.

    Where codes are merged, the new one is hit wherever any of them was: a not-cue that holds a cue of
    another part is left out, and told. Where a code is split, its cues speak for all parts.
    """
    value, _ = parse(text, "lexicon")
    value = deepcopy(value)
    notes: list[str] = []
    shared = {str(cue): list(map(str, codes)) for cue, codes in (value.get("shared") or {}).items()}
    codes = {str(code): lists or {} for code, lists in value["codes"].items()}
    claims = _claims(codes, shared)
    for code, parts in changes.split.items():
        cues = [str(cue) for cue in (codes.get(code) or {}).get("cues") or ()]
        shared |= {cue: list(parts) if cue not in shared else shared[cue] for cue in cues}
        if cues:
            notes.append(f"lexicon: {len(cues):,} cues of '{code}' speak for {' and '.join(parts)} now")
    becomes = changes.becomes
    value["codes"] = _lists(codes, changes, claims)
    for new, parts in changes.merge.items():
        had = {str(n) for part in parts for n in (codes.get(part) or {}).get("not_cues") or ()}
        lost = had - {str(n) for n in value["codes"].get(new, {}).get("not_cues") or ()}
        if lost:
            notes.append(f"lexicon: {len(lost):,} not-cues of parts of '{new}' are left out: {min(lost)} …")
    moved = {c for parts in changes.split.values() for c in parts} - set(changes.old.columns)
    followed = {
        cue: list(dict.fromkeys(new for c in of for new in ((c,) if c in moved else becomes.get(c, (c,)))))
        for cue, of in shared.items()
    }
    if followed or "shared" in value:
        value["shared"] = {cue: of for cue, of in followed.items() if of}
    return Rewritten(rewrite(text, value), tuple(notes))


def _claims(codes: Mapping[str, Any], shared: Mapping[str, list[str]]) -> Callable[[str], list[str]]:
    """Return what finds the cues of a code, its own and those that it shares."""

    def of(code: str) -> list[str]:
        own = [str(cue) for cue in (codes.get(code) or {}).get("cues") or ()]
        return own + [cue for cue, with_codes in shared.items() if code in with_codes]

    return of


def _lists(
    codes: Mapping[str, Value], changes: Changes, claims: Callable[[str], list[str]]
) -> dict[str, Value]:
    """Return cues and not-cues by new code."""
    out: dict[str, Value] = {}
    for code, every in codes.items():
        lists = {k: v for k, v in every.items() if k != "cues" or code not in changes.split}
        for new in changes.becomes.get(code, (code,)):
            others = [part for part in changes.merge.get(new, ()) if part != code]
            cues = [cue for part in others for cue in claims(part)]
            kept = dict(lists)
            if others and kept.get("not_cues"):  # a not-cue must not silence the cues of the other parts
                kept["not_cues"] = [n for n in kept["not_cues"] if not any(c in str(n) for c in cues)]
            into = out.setdefault(new, {})
            for key, items in kept.items():
                had = into.get(key) or []
                into[key] = had + [item for item in items or () if item not in had]
    return {code: {k: v for k, v in lists.items() if v not in _EMPTY} for code, lists in out.items()}
