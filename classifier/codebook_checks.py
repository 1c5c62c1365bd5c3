"""What is wrong with a codebook file: its shape, its codes, its schemes; each fault with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from classifier.errors import Finding
from classifier.inert_text import on_one_line
from classifier.yaml_lines import TEXT, TEXTS, YES_NO, Lines, misshapen

# The columns that `label` writes; a code so named would collide with one of them.
OUTPUT_COLUMNS = (
    *("doc_id", "segment_id", "paragraph", "start", "end", "text"),
    *("codes", "categories", "evidence", "title", "date", "source"),
)
MOST_CODES = 1_000
MOST_SCHEMES = 200
LONGEST_NAME = 100  # characters of a code, a scheme or a category
_BAD_START = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
_BAD_INSIDE = re.compile(r"[;\s\x00-\x1f\x7f]")

# What stands where in the file; see `misshapen`.
_EXAMPLE = {"text!": TEXT, "codes": [TEXT], "why": TEXT}
_CODE = {
    **{"code": TEXT, "name": TEXTS, "definition": TEXTS, "group": TEXT, "includes": [TEXT]},
    "excludes": [{"what!": TEXT, "use": TEXT}],
    **{"examples": [_EXAMPLE], "counter_examples": [_EXAMPLE]},
}
_SCHEME = {
    **{"scheme": TEXT, "name": TEXTS, "source": TEXT, "shared": [TEXT]},
    "categories!": [{"category": TEXT, "codes!": [TEXT]}],
}
_SHAPE = {
    **{"name": TEXT, "version": TEXT, "title": TEXTS, "unit": TEXTS, "exclusive": YES_NO},
    "groups": [{"group!": TEXT, "name!": TEXTS}],
    "rules": [{"title": TEXTS, "text": TEXTS}],
    "codes": [_CODE],
    "schemes": [_SCHEME],
    "sub_measures": [{"code!": TEXT, "name": TEXTS, "items!": [{"item!": TEXT, "cues!": [TEXT]}]}],
}


def by_language(value: Any) -> dict[str, str]:
    """Return a text keyed by language; a plain string serves every language."""
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items() if v not in (None, "")}
    return {} if value in (None, "") else {"zh": str(value), "en": str(value)}


def findings_in(value: Any, lines: Lines) -> list[Finding]:
    """Return what is wrong with a codebook that `yaml_lines.parse` has read."""
    return _Check(value, lines).run()


class _Check:
    """Collects what is wrong with a parsed codebook file."""

    def __init__(self, value: Any, lines: Lines) -> None:
        self.value, self.lines = value, lines
        self.findings: list[Finding] = []

    def error(self, message: str, *path: str | int, level: str = "error") -> None:
        self.findings.append(Finding(self.lines.of(*path), level, f"{on_one_line(message):.300}"))

    def run(self) -> list[Finding]:
        """Check the shape and, where that is sound, what stands in it."""
        if not isinstance(self.value, dict):
            self.error("a codebook is a mapping with 'name', 'version' and 'codes'")
            return self.findings
        for key in ("name", "version", "codes"):
            if self.value.get(key) in (None, "", []):
                self.error(f"'{key}' is missing")
        unshapely = list(misshapen(self.value, _SHAPE, self.lines))
        if unshapely:
            return [*self.findings, *unshapely]
        for key, most in (("codes", MOST_CODES), ("schemes", MOST_SCHEMES)):
            if len(self.value.get(key) or ()) > most:
                return [
                    *self.findings,
                    Finding(self.lines.of(key, most), "error", f"more than {most:,} {key}"),
                ]
        codes = self._codes()
        self._examples(codes)
        self._schemes(codes)
        for i, group in _items(self.value, "sub_measures"):
            self._known(group["code"], codes, "sub_measures", i, "code")
        return self.findings

    def _codes(self) -> list[str]:
        seen: list[str] = []
        for i, item in _items(self.value, "codes"):
            code = text_of(item, "code")
            problem = _name_problem(code, seen)
            if problem:
                self.error(problem, "codes", i, "code")
            if not by_language(item.get("name")):
                self.error(f"code '{code}' has no name", "codes", i)
            seen.append(code)
        return seen

    def _examples(self, codes: list[str]) -> None:
        for i, item in _items(self.value, "codes"):
            own = text_of(item, "code")
            for key, wanted in (("examples", True), ("counter_examples", False)):
                for k, example in _items(item, key):
                    carried = [str(code) for code in example.get("codes") or ()]
                    for code in carried:
                        self._known(code, codes, "codes", i, key, k, "codes")
                    if (own in carried) is not wanted:
                        verb = "does not carry" if wanted else "carries"
                        self.error(f"an item of {key} {verb} '{own}'", "codes", i, key, k)
            for k, left_out in _items(item, "excludes"):
                if left_out.get("use") is not None:
                    self._known(left_out["use"], codes, "codes", i, "excludes", k, "use")

    def _schemes(self, codes: list[str]) -> None:
        names: set[str] = set()
        used: set[str] = set()
        for i, item in _items(self.value, "schemes"):
            name = text_of(item, "scheme")
            self._short(name, "schemes", i)
            if not name or name in names:
                problem = f"scheme '{name}' stands twice" if name else "a scheme without a name"
                self.error(problem, "schemes", i)
            names.add(name)
            used |= self._categories(i, item, codes)
        if names:
            for i, code in enumerate(codes):
                if code not in used:
                    self.error(f"code '{code}' is in no scheme", "codes", i, level="warning")

    def _categories(self, i: int, item: Mapping[str, Any], codes: list[str]) -> set[str]:
        shared = [str(code) for code in item.get("shared") or ()]
        for code in shared:
            self._known(code, codes, "schemes", i, "shared")
        names: set[str] = set()
        used: dict[str, str] = {}
        for k, category in _items(item, "categories"):
            path = ("schemes", i, "categories", k)
            name = text_of(category, "category")
            self._short(name, *path)
            if ";" in name:
                self.error(f"category '{name}' holds ';', which joins categories", *path)
            if not name or name in names:
                self.error(f"category '{name}' stands twice" if name else "a category without a name", *path)
            names.add(name)
            for code in map(str, category["codes"]):
                self._known(code, codes, *path, "codes")
                if used.setdefault(code, name) != name and code not in shared:
                    self.error(f"code '{code}' is in two categories of '{item.get('scheme')}'", *path)
        return set(used)

    def _short(self, name: str, *path: str | int) -> None:
        if len(name) > LONGEST_NAME:
            self.error(f"'{name:.20}…' is longer than {LONGEST_NAME} characters", *path)

    def _known(self, code: Any, codes: list[str], *path: str | int) -> None:
        if str(code) not in codes:
            self.error(f"unknown code '{code}'", *path)


def _items(place: Mapping[str, Any], key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the mappings of a list, each with its number."""
    return enumerate(place.get(key) or ())


def text_of(item: Mapping[str, Any], key: str) -> str:
    """Return what stands behind a key, as text; "" where nothing does."""
    return "" if item.get(key) is None else str(item[key])


def _name_problem(code: str, seen: Sequence[str]) -> str:
    """Say what is wrong with a code's identifier, or return an empty string."""
    if not code:
        return "a code without an identifier"
    if len(code) > LONGEST_NAME:
        return f"code '{code:.20}…' is longer than {LONGEST_NAME} characters"
    if code in seen:
        return f"code '{code}' stands twice (first as number {seen.index(code) + 1})"
    if code in OUTPUT_COLUMNS or code.startswith("in_"):
        return f"code '{code}' is named like an output column"
    if code.startswith(_BAD_START) or _BAD_INSIDE.search(code):
        return f"code '{code}' begins with one of = + - @ or holds ';' or white space"
    return ""
