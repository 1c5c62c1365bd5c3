"""A review store as lines of JSON: which lines there are, what stands in each, and reading them back.

First a line that says the version; then codebooks, sources, items and events, each kind in the order
of the store; at the end how many there are of each, so that a file cut short is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from classifier.errors import FupinError, InputError
from classifier.inert_text import on_one_line
from classifier.json_values import refuse_halves
from classifier.review_items import Event, Item

FORM = 1
KINDS = VERSION, CODEBOOK, SOURCE, ITEM, EVENT, END = (
    *("version", "codebook", "source"),
    *("item", "event", "end"),
)
LONGEST = 32_000_000  # bytes of a line
_HINT = "give a file that `fupin review` exported, as it was written"
_LEFT_OUT = {"number"}  # the order of the lines says it
# What stands in the lines of each kind, and of which type
_KEYS: Mapping[str, Mapping[str, tuple[type, ...]]] = {
    VERSION: {"form": (int,)},
    CODEBOOK: {"name": (str,), "yaml": (str,)},
    SOURCE: {"name": (str,), "codebook": (str,), "options": (dict,)},
    ITEM: {
        **dict.fromkeys(("segment_id", "doc_id"), (str,)),
        **dict.fromkeys(("paragraph", "start", "end"), (int,)),
        **dict.fromkeys(("text", "title", "date", "source"), (str,)),
        **{"codes": (list,), "probabilities": (dict,), "place": (int,), "rank": (int, type(None))},
        **{"purpose": (str,), "drawn": (dict, type(None))},
    },
    EVENT: {
        **dict.fromkeys(("event_id", "segment_id", "coder", "kind"), (str,)),
        **dict.fromkeys(("before", "after"), (list, type(None))),
        **dict.fromkeys(("codebook", "at", "note", "undoes"), (str,)),
        "settles": (bool,),
    },
    END: dict.fromkeys((f"{kind}s" for kind in (CODEBOOK, SOURCE, ITEM, EVENT)), (int,)),
}


@dataclass(frozen=True)
class Line:
    """A line that was read: of which kind, what stands in it, and where, for messages."""

    kind: str
    values: dict[str, Any]
    place: str

    def item(self) -> Item:
        """Return the item of the line."""
        return Item(**{**self.values, "codes": _texts(self, "codes") or ()})

    def event(self) -> Event:
        """Return the event of the line."""
        return Event(**{**self.values, "before": _texts(self, "before"), "after": _texts(self, "after")})

    def wrong(self, error: FupinError) -> InputError:
        """Return an error with where it is."""
        return InputError(f"{self.place}: {error}", error.hint)


def written(kind: str, values: Mapping[str, Any] | Item | Event) -> str:
    """Return a line, with its end."""
    if isinstance(values, Item | Event):
        values = {f.name: getattr(values, f.name) for f in fields(values) if f.name not in _LEFT_OUT}
    return json.dumps({"line": kind, **values}, ensure_ascii=False, allow_nan=False) + "\n"


def read_lines(path: Path) -> Generator[Line, None, None]:
    """Yield the lines of a file, of which each is what it should be and stands where it may.

    Raises `InputError` with file, line and value.
    """
    counts = dict.fromkeys(KINDS, 0)
    last = ""
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(iter(lambda: stream.readline(LONGEST + 1), b""), 1):
                line = _read(raw, f"{path.name}: line {number}")
                _check_order(line, last)
                if line.kind == END:
                    _check_counts(line, counts)
                last, counts[line.kind] = line.kind, counts[line.kind] + 1
                yield line
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}", "check the path") from None
    if last != END:
        raise InputError(f"{path.name}: cut short; the last line, '{END}', is missing", "export it again")


def _read(raw: bytes, place: str) -> Line:
    if len(raw) > LONGEST:
        raise InputError(f"{place} is longer than {LONGEST:,} bytes", _HINT)
    try:
        text = raw.decode("utf-8")
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is no JSON ({on_one_line(str(error))[:100]})", _HINT) from None
    refuse_halves(value, text, place)
    kind = value.pop("line", None) if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"{place}: 'line' is {_shown(kind)}", f"it is one of {', '.join(KINDS)}")
    return Line(kind, _checked(value, kind, place), place)


def _checked(values: dict[str, Any], kind: str, place: str) -> dict[str, Any]:
    """Return the values of a line if it has those that it should, each of its type."""
    expected = _KEYS[kind]
    for name in (*expected, *values):
        if name not in values or name not in expected:
            what = "lacks" if name in expected else "has"
            raise InputError(f"{place}: {kind} {what} {_shown(name)}", _HINT)
        if type(values[name]) not in expected[name]:
            raise InputError(f"{place}: '{name}' is {_shown(values[name])}", _HINT)
    return values


def _check_order(line: Line, last: str) -> None:
    first = not last
    if first != (line.kind == VERSION) or (not first and KINDS.index(line.kind) < KINDS.index(last)):
        raise InputError(f"{line.place}: '{line.kind}' after '{last or 'nothing'}'", _HINT)
    if last == END:
        raise InputError(f"{line.place}: something behind the last line", _HINT)
    if first and line.values["form"] != FORM:
        raise InputError(
            f"{line.place}: form {_shown(line.values['form'])}; this fupin reads form {FORM}", "update fupin"
        )


def _check_counts(line: Line, counts: Mapping[str, int]) -> None:
    for kind in (CODEBOOK, SOURCE, ITEM, EVENT):
        if line.values[f"{kind}s"] != counts[kind]:
            raise InputError(
                f"{line.place}: {line.values[f'{kind}s']} {kind}s were written, {counts[kind]} are there",
                _HINT,
            )


def _texts(line: Line, name: str) -> tuple[str, ...] | None:
    found = line.values[name]
    if found is None:
        return None
    if not all(isinstance(text, str) for text in found):
        raise InputError(f"{line.place}: '{name}' is {_shown(found)}", "a list of codes")
    return tuple(found)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _shown(value: Any) -> str:
    text = on_one_line(repr(value))
    return text if len(text) <= 60 else f"{text[:60]}…"
