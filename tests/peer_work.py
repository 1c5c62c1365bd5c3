"""What is done in the real Label Studio and doccano, and what must come back; see ``tests/peers``.

The programs are large and want other versions of what fupin uses, so they have environments of their
own, which ``tests/peers/set_up.py`` makes. What they exported lies in ``tests/peers/recorded``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from exchange_samples import BOOK, SEGMENTS

from classifier.doccano import write_doccano
from classifier.exchanged import Coding, Exchanged, only_coder
from classifier.label_studio import write_tasks
from classifier.label_studio_config import write_config

PEERS = Path(__file__).parent / "peers"
RECORDED = PEERS / "recorded"
A, B, C, D = (segment.segment_id for segment in SEGMENTS)
ZHANG, LI = "zhang@x.org", "li@x.org"

# --- Label Studio ---

TASKS = [
    replace(SEGMENTS[0], proposed=("clinic",), probabilities={"clinic": 0.9, "road": 0.25}),
    *(replace(segment, proposed=()) for segment in SEGMENTS[1:]),
]
STUDIO_FILES = ("JSON.json", "JSON_MIN.json", "CSV.csv", "TSV.tsv")


def studio_work(folder: Path) -> None:
    """Write what Label Studio is to import and do; the first member owns the project."""
    write_config(BOOK, folder / "config.xml")
    write_tasks(TASKS, folder / "tasks.json", BOOK)
    (folder / "members.json").write_text(json.dumps(["admin@x.org", ZHANG, LI]), "utf-8")
    work = [
        {"email": ZHANG, "segment_id": C, "choices": ["clinic", "school"], "note": "两项"},
        {"email": ZHANG, "segment_id": D, "choices": None, "note": ""},
        {"email": LI, "segment_id": D, "choices": [], "note": ""},
    ]
    (folder / "work.json").write_text(json.dumps(work), "utf-8")


def studio_gives(name: str) -> list[Exchanged]:
    """Return what an export holds: accounts have numbers; JSON alone has who skipped."""
    zhang, li = "2", "3"
    by = {
        A: {zhang: Coding(("clinic",), "确定"), li: Coding(("clinic", "road"))},
        B: {zhang: Coding(()), li: Coding(None, "看不懂")},
        C: {li: Coding(("road",)), zhang: Coding(("clinic", "school"), "两项")},
        D: {zhang: Coding(None), li: Coding(())},
    }
    if name == "JSON.json":
        return [replace(task, codings=by[task.segment_id]) for task in TASKS]
    done = {s: {c: k for c, k in codings.items() if k.codes is not None} for s, codings in by.items()}
    return [replace(task, codings=done[task.segment_id]) for task in TASKS]


# --- doccano ---

WANG = "王"
DOCCANO_FILES = ("all.zip", "confirmed.zip", "shared.zip", "all.csv.zip", "all.json.zip")


def doccano_work(folder: Path) -> None:
    """Write what doccano is to import, as the labels of one coder, and to do."""
    labels = write_doccano(only_coder(SEGMENTS, LI), folder / "examples.jsonl", BOOK)
    labels.replace(folder / "label_config.json")
    work = [
        {"member": WANG, "segment_id": A, "labels": ["clinic 看病", "school 上学"], "comment": "两项"},
        {"member": WANG, "segment_id": C, "labels": [], "comment": ""},
        {"member": WANG, "segment_id": B, "labels": None, "comment": "难"},
        {"member": LI, "segment_id": D, "labels": [], "comment": ""},
    ]
    about = {"members": [LI, WANG], "uploader": LI, "exclusive": False, "work": work}
    (folder / "work.json").write_text(json.dumps(about), "utf-8")


def doccano_gives(name: str) -> list[Exchanged]:
    """Return what an export holds, texts without a label counting as coded where it is of confirmed ones."""
    li: dict[str, dict[str, Coding]] = {s.segment_id: dict(s.codings) for s in only_coder(SEGMENTS, LI)}
    if name == "confirmed.zip":
        by = {A: {}, C: {}, D: {LI: Coding(())}} | {
            A: {WANG: Coding(("clinic", "school"), "两项")},
            C: {WANG: Coding(())},
        }
    elif name == "shared.zip":
        by = {
            A: {"all": Coding(("clinic", "school", "road"), "两项")},
            C: {"all": Coding(("road",))},
            D: {"all": Coding(())},
        }
    else:
        by = li | {
            A: {**li[A], WANG: Coding(("clinic", "school"), "两项")},
            B: {**li[B], WANG: Coding(None, "难")},
        }
    return [replace(s, codings=by[s.segment_id]) for s in SEGMENTS if s.segment_id in by]


def unlabelled(name: str) -> str:
    """Return what texts without a label are in an export of doccano."""
    return "coded" if name in ("confirmed.zip", "shared.zip") else "uncoded"
