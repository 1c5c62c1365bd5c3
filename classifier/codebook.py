"""The codebook: codes, their definitions, and schemes, read from one YAML file and checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import shipped
from classifier.errors import CodebookError, Finding
from classifier.yaml_lines import TEXT, TEXTS, YES_NO, Lines, load, misshapen, parse

if TYPE_CHECKING:
    import pandas as pd

# The columns that `label` writes; a code so named would collide with one of them.
OUTPUT_COLUMNS = (
    *("doc_id", "segment_id", "paragraph", "start", "end", "text"),
    *("codes", "categories", "evidence", "title", "date", "source"),
)
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


@dataclass(frozen=True)
class Example:
    """A sentence with the codes it carries and, for a counter-example, why."""

    text: str
    codes: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Code:
    """One policy measure.

    ``name`` and ``definition`` are keyed by language (``zh``, ``en``);
    ``excludes`` pairs what is left out with the code to use instead, or None.
    """

    code: str
    name: Mapping[str, str]
    definition: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    includes: tuple[str, ...] = ()
    excludes: tuple[tuple[str, str | None], ...] = ()
    examples: tuple[Example, ...] = ()
    counter_examples: tuple[Example, ...] = ()


@dataclass(frozen=True)
class Scheme:
    """A view over the codes: ``categories`` maps each category to its codes."""

    scheme: str
    name: Mapping[str, str]
    source: str
    categories: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class SubMeasure:
    """A named part of a code, found by its cues inside segments that carry the code."""

    code: str
    group: Mapping[str, str]
    item: str
    cues: tuple[str, ...]


@dataclass(frozen=True)
class Codebook:
    """Codes in their order, schemes by name; see `load_codebook`."""

    name: str
    version: str
    codes: tuple[Code, ...]
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    exclusive: bool = False
    title: Mapping[str, str] = field(default_factory=dict)
    unit: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rules: tuple[Mapping[str, Any], ...] = ()
    sub_measures: tuple[SubMeasure, ...] = ()
    text: str = field(default="", repr=False, compare=False)  # the YAML it was read from

    @property
    def columns(self) -> tuple[str, ...]:
        """The codes' identifiers, in the codebook's order."""
        return tuple(code.code for code in self.codes)

    def code(self, identifier: str) -> Code:
        """Return one code; raise `CodebookError` where the codebook has none of that name."""
        for code in self.codes:
            if code.code == identifier:
                return code
        raise CodebookError(f"{self.name}: no code '{identifier}'", f"codes: {', '.join(self.columns)}")

    def scheme(self, identifier: str) -> Scheme:
        """Return one scheme; raise `CodebookError` where the codebook has none of that name."""
        if identifier not in self.schemes:
            known = ", ".join(self.schemes) or "none"
            raise CodebookError(f"{self.name}: no scheme '{identifier}'", f"schemes: {known}")
        return self.schemes[identifier]

    def roll_up(self, labels: pd.DataFrame, scheme: str) -> pd.DataFrame:
        """View code labels as the categories of a scheme.

        Parameters
        ----------
        labels : DataFrame of bool
            One row a segment, one column a code.
        scheme : str
            A scheme of this codebook.

        Returns
        -------
        DataFrame of bool
            The same index, one column a category: the union of its codes.

        >>> import pandas as pd
        >>> book = load_codebook()
        >>> labels = pd.DataFrame(False, index=["签约医生每月上门量血压。"], columns=book.columns)
        >>> labels["health"] = True
        >>> view = book.roll_up(labels, "three-guarantees")
        >>> list(view.columns[view.iloc[0]])
        ['基本医疗']
        """
        import pandas as pd

        view = {
            category: labels[list(codes)].any(axis=1)
            for category, codes in self.scheme(scheme).categories.items()
        }
        return pd.DataFrame(view, index=labels.index, dtype=bool)

    def join(self, codes: Sequence[str]) -> str:
        """Return the codes joined by ``;`` in the codebook's order."""
        chosen = set(codes)
        return ";".join(code for code in self.columns if code in chosen)

    def sub_measures_in(self, text: str, codes: Sequence[str]) -> list[SubMeasure]:
        """Return the named parts of the segment's codes whose cues stand in ``text``."""
        return [m for m in self.sub_measures if m.code in codes and any(cue in text for cue in m.cues)]


def _by_language(value: Any) -> dict[str, str]:
    """Return a text keyed by language; a plain string serves every language."""
    if isinstance(value, Mapping):
        return {str(k): str(v) for k, v in value.items() if v not in (None, "")}
    return {} if value in (None, "") else {"zh": str(value), "en": str(value)}


def _examples(items: Any) -> tuple[Example, ...]:
    return tuple(
        Example(str(i["text"]), tuple(map(str, i.get("codes") or ())), str(i.get("why") or ""))
        for i in items or ()
    )


def _code(item: Mapping[str, Any]) -> Code:
    return Code(
        code=str(item["code"]),
        name=_by_language(item["name"]),
        definition=_by_language(item.get("definition")),
        group=str(item.get("group") or ""),
        includes=tuple(map(str, item.get("includes") or ())),
        excludes=tuple((str(e["what"]), _or_none(e.get("use"))) for e in item.get("excludes") or ()),
        examples=_examples(item.get("examples")),
        counter_examples=_examples(item.get("counter_examples")),
    )


def _or_none(value: Any) -> str | None:
    return None if value is None else str(value)


def _scheme(item: Mapping[str, Any]) -> Scheme:
    categories = {str(c["category"]): tuple(map(str, c["codes"])) for c in item["categories"]}
    return Scheme(
        str(item["scheme"]),
        _by_language(item.get("name") or item["scheme"]),
        str(item.get("source") or ""),
        categories,
    )


def _sub_measures(groups: Any) -> tuple[SubMeasure, ...]:
    return tuple(
        SubMeasure(str(g["code"]), _by_language(g.get("name")), str(i["item"]), tuple(map(str, i["cues"])))
        for g in groups or ()
        for i in g["items"]
    )


class _Check:
    """Collects what is wrong with a parsed codebook file."""

    def __init__(self, value: Any, lines: Lines) -> None:
        self.value, self.lines = value, lines
        self.findings: list[Finding] = []

    def error(self, message: str, *path: str | int) -> None:
        self.findings.append(Finding(self.lines.of(*path), "error", message))

    def warn(self, message: str, *path: str | int) -> None:
        self.findings.append(Finding(self.lines.of(*path), "warning", message))

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
        codes = self._codes()
        self._examples(codes)
        self._schemes(codes)
        for i, group in _items(self.value, "sub_measures"):
            self._known(group["code"], codes, "sub_measures", i, "code")
        return self.findings

    def _codes(self) -> list[str]:
        seen: list[str] = []
        for i, item in _items(self.value, "codes"):
            code = _identifier(item, "code")
            problem = _name_problem(code, seen)
            if problem:
                self.error(problem, "codes", i, "code")
            if not _by_language(item.get("name")):
                self.error(f"code '{code}' has no name", "codes", i)
            seen.append(code)
        return seen

    def _examples(self, codes: list[str]) -> None:
        for i, item in _items(self.value, "codes"):
            own = _identifier(item, "code")
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
            name = _identifier(item, "scheme")
            if not name or name in names:
                self.error(
                    f"scheme '{name}' stands twice" if name else "a scheme without a name", "schemes", i
                )
            names.add(name)
            used |= self._categories(i, item, codes)
        if names:
            for i, code in enumerate(codes):
                if code not in used:
                    self.warn(f"code '{code}' is in no scheme", "codes", i)

    def _categories(self, i: int, item: Mapping[str, Any], codes: list[str]) -> set[str]:
        shared = [str(code) for code in item.get("shared") or ()]
        for code in shared:
            self._known(code, codes, "schemes", i, "shared")
        names: set[str] = set()
        used: dict[str, str] = {}
        for k, category in _items(item, "categories"):
            path = ("schemes", i, "categories", k)
            name = _identifier(category, "category")
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

    def _known(self, code: Any, codes: list[str], *path: str | int) -> None:
        if str(code) not in codes:
            self.error(f"unknown code '{code}'", *path)


def _items(place: Mapping[str, Any], key: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the mappings of a list, each with its number."""
    return enumerate(place.get(key) or ())


def _identifier(item: Mapping[str, Any], key: str) -> str:
    return _or_none(item.get(key)) or ""


def _name_problem(code: str, seen: Sequence[str]) -> str:
    """Say what is wrong with a code's identifier, or return an empty string."""
    if not code:
        return "a code without an identifier"
    if code in seen:
        return f"code '{code}' stands twice (first as number {seen.index(code) + 1})"
    if code in OUTPUT_COLUMNS or code.startswith("in_"):
        return f"code '{code}' is named like an output column"
    if code.startswith(_BAD_START) or _BAD_INSIDE.search(code):
        return f"code '{code}' begins with one of = + - @ or holds ';' or white space"
    return ""


def check_codebook(path: str | Path) -> list[Finding]:
    """Return what is wrong with a codebook file, errors and warnings, each with its line."""
    return _Check(*load(path)).run()


def _build(value: Any, lines: Lines) -> Codebook:
    errors = [f for f in _Check(value, lines).run() if f.level == "error"]
    if errors:
        more = f" (and {len(errors) - 1} more)" if errors[1:] else ""
        raise CodebookError(
            f"{errors[0].place}: {errors[0].message}{more}", "`fupin codebook check FILE` lists every fault"
        )
    return Codebook(
        name=str(value["name"]),
        version=str(value["version"]),
        codes=tuple(map(_code, value["codes"])),
        schemes={str(s["scheme"]): _scheme(s) for s in value.get("schemes") or ()},
        exclusive=bool(value.get("exclusive", False)),
        title=_by_language(value.get("title")),
        unit=_by_language(value.get("unit")),
        groups={str(g["group"]): _by_language(g["name"]) for g in value.get("groups") or ()},
        rules=tuple(value.get("rules") or ()),
        sub_measures=_sub_measures(value.get("sub_measures")),
        text=lines.text,
    )


def load_codebook(path: str | Path | None = None) -> Codebook:
    """Read a codebook file, by default the one that comes with the package.

    Raises `CodebookError` with file and line where the file breaks a rule:
    an unknown or doubled code, a missing name, a code named like an output
    column or with ``;``, white space or a leading ``= + - @``.

    >>> load_codebook().code("health").name["zh"]
    '健康扶贫'
    """
    if path is None:
        return _shipped()
    return _build(*load(path))


def codebook_from_text(text: str, name: str) -> Codebook:
    """Build a codebook from YAML text; ``name`` stands for the file in errors."""
    return _build(*parse(text, name))


@lru_cache(maxsize=1)
def _shipped() -> Codebook:
    return _build(*load(shipped.CODEBOOK))
