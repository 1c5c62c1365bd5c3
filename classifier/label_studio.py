"""Tasks of Label Studio, written from segments and read back from any of its exports of text classification.

What Label Studio writes was read off label-studio 1.23 and label-studio-sdk 2.1 (``converter``,
``tasks/serializers.py``): JSON has tasks with all their annotations, JSON-MIN and CSV a row an
annotation, in which those that were skipped are left out and an annotation without a choice has no
cell for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from classifier.codebook import Codebook
from classifier.errors import InputError
from classifier.exchanged import (
    GUARDED,
    CodeMap,
    Coding,
    Exchanged,
    Placed,
    TheirNames,
    aside,
    json_value,
    merged,
    own_name,
)
from classifier.inert_text import on_one_line
from classifier.json_lists import json_objects
from classifier.json_values import refuse_deep, refuse_halves
from classifier.limits import LIMITS, Limits
from classifier.spreadsheet_guard import unguarded
from classifier.tables import numbered_rows
from classifier.text_files import suffix_of
from classifier.whole_file import whole_file

CHOICES, TEXT, NOTE = "codes", "text", "note"  # what the tags of our labelling configuration are called
PROPOSED, PROBABILITIES = "proposed", "probabilities"
_ANNOTATION = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "history")
_OURS = ("segment_id", "doc_id", TEXT, CHOICES, NOTE, PROPOSED, PROBABILITIES)
_TAKEN = frozenset((*_OURS, *_ANNOTATION, "id"))
_DATA = "_data_"  # what the CSV export puts before a column of the task named like a tag
_ANEW = "export it from Label Studio as JSON"


def tasks(segments: Iterable[Exchanged], version: str) -> Iterator[dict[str, Any]]:
    """Yield a task of Label Studio for each segment.

    ``data`` has the text, the ids, what the model made of it and all other columns, with the
    prefix ``in_`` where Label Studio writes a column of that name; ``predictions`` what the model
    proposed, with the probability of its least certain decision as score; ``annotations`` what
    coders gave, ``was_cancelled`` where they skipped. Coders are named as e-mail addresses, by which
    Label Studio finds them.

    Parameters
    ----------
    segments : iterable of Exchanged
    version : str
        What is named as the version of the model.
    """
    for segment in segments:
        about = (segment.text, segment.segment_id, segment.doc_id)
        data: dict[str, Any] = dict(zip((TEXT, "segment_id", "doc_id"), about, strict=True))
        if segment.proposed is not None:
            data[PROPOSED] = ";".join(segment.proposed)  # exports name predictions by their number only
        if segment.probabilities:
            data[PROBABILITIES] = dict(segment.probabilities)
        data |= {aside(name, _TAKEN): value for name, value in segment.others.items()}
        yield {
            "data": data,
            "predictions": [] if segment.proposed is None else [_prediction(segment, version)],
            "annotations": [_annotation(coder, coding) for coder, coding in segment.codings.items()],
        }


def _prediction(segment: Exchanged, version: str) -> dict[str, Any]:
    proposed = segment.proposed or ()
    found: dict[str, Any] = {"model_version": version, "result": _result(Coding(proposed))}
    if segment.probabilities:
        certain = (p if code in proposed else 1 - p for code, p in segment.probabilities.items())
        found["score"] = round(min(certain), 6)
    return found


def _annotation(coder: str, coding: Coding) -> dict[str, Any]:
    return {
        "completed_by": {"email": coder},
        "was_cancelled": coding.codes is None,
        "result": _result(coding),
    }


def _result(coding: Coding) -> list[dict[str, Any]]:
    values: list[tuple[str, str, dict[str, Any]]] = []
    if coding.codes:
        values.append((CHOICES, "choices", {"choices": list(coding.codes)}))
    if coding.note:
        values.append((NOTE, "textarea", {"text": [coding.note]}))
    return [
        {"id": name, "from_name": name, "to_name": TEXT, "type": kind, "value": value}
        for name, kind, value in values
    ]


def write_tasks(segments: Iterable[Exchanged], out: Path, codebook: Codebook) -> None:
    """Write tasks as Label Studio imports them, a JSON list with a task a line, whole or not at all."""
    version = f"{codebook.name} {codebook.version}"
    with whole_file(out) as stream:
        before = "[\n"
        for task in tasks(segments, version):
            stream.write(before + json.dumps(task, ensure_ascii=False, allow_nan=False))
            before = ",\n"
        stream.write("\n]\n" if before == ",\n" else "[]\n")


def read_label_studio(
    path: Path,
    codebook: Codebook,
    code_map: CodeMap | None = None,
    *,
    choices: str = CHOICES,
    text: str = TEXT,
    limits: Limits = LIMITS,
) -> list[Exchanged]:
    """Read an export of Label Studio: JSON, JSON-MIN, CSV or TSV.

    Of an annotator who annotated a task more than once the last annotation counts that was not
    skipped. Results other than the choices and the note are left out.

    Parameters
    ----------
    path : Path
    codebook : Codebook
    code_map : mapping, optional
        Codes meant by choices that are not called as ours; see `read_code_map`.
    choices : str
        The name of the tag Choices in the labelling configuration.
    text : str
        The column of the task's data with the text.
    limits : Limits

    Raises
    ------
    InputError
        With file, task and value for what is no export of text classification, choices under
        another name, an unknown code, or a segment that stands twice.
    """
    reading = _Reading(TheirNames(codebook, code_map), choices, text)
    if suffix_of(path) == ".json":
        found = ((f"{path.name}: task {n}", task) for n, task in json_objects(path, limits))
    else:
        rows = numbered_rows(path, limits=limits)
        guarded = suffix_of(path) in GUARDED
        found = ((f"{path.name}: row {n}", _plain(row, guarded=guarded)) for n, row in rows)
    return merged(reading.segment(place, task) for place, task in reading.whole(found, path))


def _plain(row: Mapping[str, Any], *, guarded: bool) -> dict[str, Any]:
    """Return a row of CSV without guards; choices of several codes are JSON in it."""
    return {k: unguarded(v) if guarded and isinstance(v, str) else v for k, v in row.items()}


class _Reading:
    """Reads tasks whose choices have a certain name."""

    def __init__(self, names: TheirNames, choices: str, text: str) -> None:
        self.names, self.choices, self.text = names, choices, text

    def whole(
        self, found: Iterable[tuple[str, dict[str, Any]]], path: Path
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield tasks with all their annotations, put together from rows where need be."""
        rows: dict[str, tuple[str, dict[str, Any]]] = {}
        annotated, chosen = False, False
        for place, task in found:
            if "data" in task and isinstance(task["data"], dict):
                yield place, task
                continue
            if "annotation_id" not in task and "annotator" not in task:
                raise InputError(f"{place}: neither 'data' nor 'annotator'", _ANEW)
            annotated |= _named(task.get("annotation_id")) is not None
            chosen |= self.choices in task
            name = _named(task.get("segment_id")) or _named(task.get("id")) or place
            _, known = rows.setdefault(name, (place, self._task(task)))
            known["annotations"] += self._annotations(task, place)
        if annotated and not chosen:
            raise InputError(
                f"{path.name}: no column '{self.choices}'",
                "name the tag Choices of your labelling configuration: --choices NAME",
            )
        yield from rows.values()

    def _task(self, row: Mapping[str, Any]) -> dict[str, Any]:
        data = {
            name.removeprefix(_DATA): value
            for name, value in row.items()
            if name not in (*_ANNOTATION, "id", self.choices, NOTE)
        }
        for name in (PROBABILITIES,):
            if isinstance(data.get(name), str):
                data[name] = _json(data[name]) if data[name] else {}
        return {"id": row.get("id"), "data": data, "annotations": []}

    def _annotations(self, row: Mapping[str, Any], place: str) -> list[dict[str, Any]]:
        if _named(row.get("annotation_id")) is None and _named(row.get("annotator")) is None:
            return []
        note = row.get(NOTE) or ""
        value = {"choices": self._chosen(row, place)}
        given = [{"type": "choices", "from_name": self.choices, "value": value}]
        notes = note if isinstance(note, list) else [note] if note else []
        if notes:
            given.append({"type": "textarea", "from_name": NOTE, "value": {"text": notes}})
        about = {"completed_by": row.get("annotator"), "created_at": row.get("created_at")}
        return [{**about, "result": given}]

    def _chosen(self, row: Mapping[str, Any], place: str) -> list[Any]:
        """Return the choices of a row: one as it is, several as a mapping, in CSV as JSON."""
        value = row.get(self.choices)
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = _json(value)
        if value is None or value == "":
            return []
        if isinstance(value, str):
            return [value]
        if not isinstance(value, dict) or not isinstance(value.get("choices"), list):
            raise InputError(f"{place}: '{self.choices}' is {_short(value)}, and no choice", _ANEW)
        return list(value["choices"])

    def segment(self, place: str, task: Mapping[str, Any]) -> Placed:
        """Return the segment of a task."""
        data = task["data"]
        text = data.get(self.text)
        if not isinstance(text, str):
            found = f"is {_short(text)}" if self.text in data else "is not in 'data'"
            problem = f"'{self.text}' {found}"
            raise InputError(f"{place}: {problem}", "name the column with the text: --text-column NAME")
        name = _named(data.get("segment_id")) or _named(task.get("id")) or place.rpartition(" ")[2]
        used = {"segment_id", "doc_id", self.text, PROPOSED, PROBABILITIES}
        return place, Exchanged(
            name,
            _named(data.get("doc_id")) or name,
            text,
            proposed=self._proposed(task, place),
            probabilities=_probabilities(data.get(PROBABILITIES), place),
            codings=self._codings(task, place),
            others={own_name(str(k), _TAKEN): json_value(v) for k, v in data.items() if k not in used},
        )

    def _proposed(self, task: Mapping[str, Any], place: str) -> tuple[str, ...] | None:
        ours = task["data"].get(PROPOSED)
        if isinstance(ours, str):
            return self.names.codes([code for code in ours.split(";") if code], place)
        predictions = [p for p in _list(task, "predictions", place) if isinstance(p, dict)]
        if not predictions:
            return None
        return self.names.codes(self._choices_in(predictions[-1], place), place)

    def _codings(self, task: Mapping[str, Any], place: str) -> dict[str, Coding]:
        """Return what each annotator made of a task; of several annotations the last counts."""
        listed = _list(task, "annotations" if "annotations" in task else "completions", place)
        for one in listed:
            if not isinstance(one, dict):
                raise InputError(f"{place}: an annotation is {_short(one)}, and no object", _ANEW)
        found: dict[str, Coding] = {}
        for one in sorted(listed, key=lambda a: str(a.get("created_at") or "")):
            coder = _coder(one, place)
            skipped = bool(one.get("was_cancelled") or one.get("skipped"))
            if not skipped:
                found[coder] = self.names.coding(self._choices_in(one, place), place, _note_in(one, place))
            else:
                found.setdefault(coder, Coding(None, _note_in(one, place)))
        return found

    def _choices_in(self, one: Mapping[str, Any], place: str) -> list[Any]:
        """Return the choices of an annotation or a prediction."""
        found: list[Any] = []
        for region in _regions(one, place):
            value = region["value"]
            if region.get("type") != "choices":
                continue
            if region.get("from_name") != self.choices:
                raise InputError(
                    f"{place}: choices are called {_short(region.get('from_name'))}, not '{self.choices}'",
                    "name the tag Choices of your labelling configuration: --choices NAME",
                )
            if not isinstance(value.get("choices"), list):
                raise InputError(f"{place}: 'choices' is {_short(value.get('choices'))}", _ANEW)
            found += value["choices"]
        return found


def _regions(one: Mapping[str, Any], place: str) -> Iterator[dict[str, Any]]:
    for region in _list(one, "result", place):
        if not isinstance(region, dict) or not isinstance(region.get("value", {}), dict):
            raise InputError(f"{place}: a result is {_short(region)}", _ANEW)
        yield {"value": {}, **region}


def _note_in(one: Mapping[str, Any], place: str) -> str:
    notes = [
        text
        for region in _regions(one, place)
        if region.get("type") == "textarea" and region.get("from_name") == NOTE
        for text in _list(region["value"], "text", place)
    ]
    return "\n".join(map(str, notes))


def _list(holder: Mapping[str, Any], key: str, place: str) -> list[Any]:
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InputError(f"{place}: '{key}' is {_short(value)}, and no list", _ANEW)
    return value


def _coder(annotation: Mapping[str, Any], place: str) -> str:
    """Return who annotated: an address, or the number of an account."""
    who = annotation.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    name = _named(who)
    if name is None:
        raise InputError(f"{place}: an annotation of nobody: 'completed_by' is {_short(who)}", _ANEW)
    return name


def _named(value: Any) -> str | None:
    """Return a name or number as text; None for anything else."""
    if isinstance(value, str):
        return value.strip() or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _probabilities(value: Any, place: str) -> dict[str, float]:
    if not value:
        return {}
    if not isinstance(value, dict) or not all(
        isinstance(p, int | float) and not isinstance(p, bool) and 0 <= p <= 1 for p in value.values()
    ):
        raise InputError(f"{place}: '{PROBABILITIES}' is {_short(value)}", "they are numbers from 0 to 1")
    return {str(code): float(p) for code, p in value.items()}


def _json(text: str) -> Any:
    """Return what a cell of JSON holds; the text itself where it is none, or none that is read."""
    try:
        found = json.loads(text)
        refuse_deep(found, text, "", LIMITS)
        refuse_halves(found, text, "")
    except (ValueError, RecursionError, InputError):
        return text
    return found


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return on_one_line(shown if len(shown) <= 40 else shown[:39] + "…")
