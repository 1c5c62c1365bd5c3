"""What was completed: a note, outside the user's folders, of each output and what it was made from.

So `--resume` can say of an output that it is complete, although nothing is left beside it.
A note is only a help to memory: where none can be kept, the run is done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import platformdirs

from classifier.cells import Changes
from classifier.journal import Tally


def _note(out: Path) -> Path:
    name = hashlib.sha256(str(out.resolve()).encode("utf-8", "surrogatepass")).hexdigest()
    return platformdirs.user_state_path("fupin") / "completed" / f"{name}.json"


def _content(out: Path, facts: Mapping[str, str]) -> dict[str, object]:
    stat = out.stat()
    return {"facts": dict(facts), "size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def note_completed(out: Path, facts: Mapping[str, str], tally: Tally) -> None:
    """Note that ``out`` was made, whole, from ``facts``."""
    with suppress(OSError):
        _note(out).parent.mkdir(parents=True, exist_ok=True)
        value = {**_content(out, facts), "tally": asdict(tally)}
        _note(out).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def completed(out: Path, facts: Mapping[str, str]) -> Tally | None:
    """Return what ``out`` holds, where it was made from the same ``facts`` and not touched since."""
    try:
        value = json.loads(_note(out).read_text(encoding="utf-8"))
        counts = value.pop("tally")
        tally = Tally(**{**counts, "changes": Changes(**counts["changes"])})
        return tally if value == _content(out, facts) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # no note, or no such output
        return None
