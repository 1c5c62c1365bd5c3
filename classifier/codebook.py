"""The codebook: codes, their definitions, and schemes, read from one YAML file and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier import shipped
from classifier.codebook_checks import by_language, findings_in, text_of
from classifier.errors import CodebookError, Finding
from classifier.yaml_lines import Lines, load, parse

if TYPE_CHECKING:
    import pandas as pd


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


def _examples(items: Any) -> tuple[Example, ...]:
    return tuple(
        Example(str(i["text"]), tuple(map(str, i.get("codes") or ())), str(i.get("why") or ""))
        for i in items or ()
    )


def _code(item: Mapping[str, Any]) -> Code:
    return Code(
        code=str(item["code"]),
        name=by_language(item["name"]),
        definition=by_language(item.get("definition")),
        group=str(item.get("group") or ""),
        includes=tuple(map(str, item.get("includes") or ())),
        excludes=tuple((str(e["what"]), text_of(e, "use") or None) for e in item.get("excludes") or ()),
        examples=_examples(item.get("examples")),
        counter_examples=_examples(item.get("counter_examples")),
    )


def _scheme(item: Mapping[str, Any]) -> Scheme:
    categories = {str(c["category"]): tuple(map(str, c["codes"])) for c in item["categories"]}
    return Scheme(
        str(item["scheme"]),
        by_language(item.get("name") or item["scheme"]),
        str(item.get("source") or ""),
        categories,
    )


def _sub_measures(groups: Any) -> tuple[SubMeasure, ...]:
    return tuple(
        SubMeasure(str(g["code"]), by_language(g.get("name")), str(i["item"]), tuple(map(str, i["cues"])))
        for g in groups or ()
        for i in g["items"]
    )


def check_codebook(path: str | Path) -> list[Finding]:
    """Return what is wrong with a codebook file, errors and warnings, each with its line."""
    return findings_in(*load(path))


def _build(value: Any, lines: Lines) -> Codebook:
    errors = [f for f in findings_in(value, lines) if f.level == "error"]
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
        title=by_language(value.get("title")),
        unit=by_language(value.get("unit")),
        groups={str(g["group"]): by_language(g["name"]) for g in value.get("groups") or ()},
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
