"""Little exports of other tools to begin with, as values, and their bytes in each form; all composed here."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

CODEBOOK = """\
name: village
version: '1'
codes:
  - {code: clinic, name: {zh: 看病}}
  - {code: school, name: {zh: 上学}}
  - {code: road, name: {zh: 修路}}
"""
CODEBOOKS = (CODEBOOK, CODEBOOK.replace("codes:", "exclusive: true\ncodes:", 1))
_TEXT = "签约医生上门，药费减半。"


def _result(*codes: str, note: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"from_name": "codes", "to_name": "text", "type": "choices", "value": {"choices": [*codes]}}
    ]
    if note:
        text = {"text": [note]}
        found.append({"from_name": "note", "to_name": "text", "type": "textarea", "value": text})
    return found


_TASKS: list[Any] = [
    {
        "id": 7,
        "data": {"text": _TEXT, "segment_id": "甲#0", "doc_id": "甲", "year": 2019, "in_id": "3"},
        "annotations": [
            {
                "completed_by": {"id": 4, "email": "a@x.org"},
                "created_at": "2026-01-02",
                "was_cancelled": False,
                "result": _result("clinic", note="确定"),
            },
            {"completed_by": 9, "was_cancelled": True, "result": []},
        ],
        "predictions": [{"result": _result("road"), "score": 0.25}],
    },
    {
        "id": 8,
        "data": {"text": "=修路", "proposed": "road", "probabilities": {"road": 0.75}},
        "annotations": [{"completed_by": 4, "result": _result("road")}],
    },
]
_ANNOTATED: list[Any] = [
    {"id": 1, "text": _TEXT, "codes": "clinic", "note": "a", "annotator": 4, "annotation_id": 1, "y": 0.5},
    {"id": 1, "text": _TEXT, "codes": "road", "annotator": 5, "annotation_id": 2, "y": 0.5},
    {
        "id": 2,
        "text": "好",
        "codes": {"choices": ["road"]},
        "probabilities": {"road": 0.5},
        "annotation_id": 3,
        "annotator": "b@x.org",
    },
]
_EXAMPLES: list[Any] = [
    {"id": 1, "text": _TEXT, "label": ["clinic 看病"], "Comments": ["a", "b"], "year": 2019},
    {
        "id": 2,
        "text": " ",
        "label": ["road"],
        "segment_id": "甲#1",
        "doc_id": "甲",
        "proposed": "road",
        "probabilities": '{"road": 0.5}',
        "coded_by": "zhang",
        "skipped_by": "",
        "note": "c",
    },
    {"id": 3, "text": "'=路", "label": ["学校"], "in_text": "x"},
]
_CAP: list[Any] = [
    {"id": "1", "text": _TEXT, "majortopic": 1, "subtopic": "", "coder": "a", "note": "b", "in_pos": "2"},
    {"id": "1", "text": _TEXT, "majortopic": "3", "subtopic": None, "coder": "a", "in_pos": "2"},
    {"id": "2", "text": "好", "majortopic": "999", "segment_id": "甲#1", "doc_id": "甲", "coder": "fupin"},
]
_MANIFESTO: list[Any] = [
    {"text": _TEXT, "cmp_code": "1", "eu_code": "NA", "pos": 1, "manifesto_id": "41"},
    {"text": "标题", "cmp_code": "H", "eu_code": "NA", "pos": 2, "manifesto_id": "41"},
    {"text": "好", "cmp_code": "000", "eu_code": "NA", "pos": 3.0, "manifesto_id": "41"},
]
_TABLE: list[Any] = [
    {"segment_id": "甲#0", "doc_id": "甲", "text": _TEXT, "codes": "clinic", "coder": "a", "coded": 1},
    {"doc": "甲", "start": 3, "end": 9, "text": "路", "codes": ["road"], "in_clinic": 0.5},
    {"id": 5, "text": "'=好", "codes": "road", "coded": "", "note": "x", "proposed": "road", "y": None},
]
_CHECKED: list[Any] = [
    {
        "segment_id": "甲#0",
        "doc_id": "甲",
        "text": _TEXT,
        "codes": "clinic",
        "code": code,
        "right? 对否": right,
        "should be 应为": other,
        "note 备注": "",
    }
    for code, right, other in (("clinic", "否", "road"), ("school", "是", ""))
]
_MAP: list[Any] = [{"theirs": "301", "ours": "clinic"}, {"theirs": "学校", "ours": "school;road"}]
_STORE: list[Any] = [
    {"line": "version", "form": 1},
    {"line": "codebook", "name": "", "yaml": CODEBOOK},
    {"line": "source", "name": "l.csv", "codebook": "", "options": {"n": 2}},
    *(
        {
            "line": "item",
            **{"segment_id": f"甲#{n}", "doc_id": "甲", "paragraph": 0, "start": n, "end": n + 9},
            **{"text": _TEXT, "title": "", "date": "2019", "source": ""},
            **{"codes": ["clinic"], "probabilities": {"clinic": 0.75}, "place": n, "rank": n or None},
            **{"purpose": "queue", "drawn": None},
        }
        for n in (0, 1)
    ),
    *(
        {
            "line": "event",
            **{"event_id": f"e{n}", "segment_id": "甲#0", "coder": "zhang", "kind": kind},
            **{"before": before, "after": after, "codebook": "", "at": f"2026-01-31T08:00:00.00{n}Z"},
            **{"note": "", "undoes": undoes, "settles": False},
        }
        for n, (kind, before, after, undoes) in enumerate(
            (("coded", None, ["road"], ""), ("undone", ["road"], None, "e0"), ("skipped", None, None, ""))
        )
    ),
    {"line": "end", "codebooks": 1, "sources": 1, "items": 2, "events": 3},
]


def values(codebook_name: str) -> dict[str, list[Any]]:
    """Return an export of each kind; in those of a store the codebook is called as it must be."""
    kinds = {
        "tasks": _TASKS,
        "annotated": _ANNOTATED,
        "examples": _EXAMPLES,
        "cap": _CAP,
        "manifesto": _MANIFESTO,
        "table": _TABLE,
        "checked": _CHECKED,
        "map": _MAP,
        "store": _STORE,
    }
    found: dict[str, list[Any]] = json.loads(json.dumps(kinds))
    for line in found["store"]:
        named = {"codebook": "name", "source": "codebook", "event": "codebook"}.get(line["line"])
        if named:
            line[named] = codebook_name
    return found


def as_json(value: Any) -> bytes:
    """Return a value as JSON, characters as they are where they can be written."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def as_lines(value: Any) -> bytes:
    """Return a list as lines of JSON."""
    return b"".join(as_json(one) + b"\n" for one in (value if isinstance(value, list) else [value]))


def as_csv(value: Any) -> bytes:
    """Return a list of mappings as CSV; lists of texts are joined, other values JSON in it."""
    listed = value if isinstance(value, list) else [value]
    rows: list[Mapping[str, Any]] = [one for one in listed if isinstance(one, dict)]
    names = dict.fromkeys(name for row in rows for name in row)
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_cell(row.get(name)) for name in names] for row in rows)
    return stream.getvalue().encode("utf-8", "replace")


def _cell(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ";".join(value)
    return as_json(value).decode()
