"""The list of what a run has left out: ``OUT.errors.csv``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from classifier.errors import OutputError, SkippedError
from classifier.inert_text import on_one_line
from classifier.spreadsheet_guard import guarded
from classifier.whole_file import beside, whole_file

ERRORS = ".errors.csv"
COLUMNS = ("path", "reason", "hint")


def write_skipped(out: Path, skipped: Sequence[SkippedError]) -> Path | None:
    """Write what was left out beside the output; where nothing was, remove an older list.

    One row a file or part of a file: its path, the reason, a hint; in UTF-8 with a mark in
    front, so that Excel reads it. A text that a spreadsheet would take for a formula is guarded;
    marks stand for control characters.

    Returns the list's path; None where nothing was left out. Raises `OutputError` where it cannot
    be written.
    """
    path = beside(out, ERRORS)
    if not skipped:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{path}: {error.strerror or error}", "delete it: it is out of date") from None
        return None
    with whole_file(path) as stream:
        stream.write("\ufeff")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for one in skipped:
            writer.writerow(guarded(on_one_line(cell)) for cell in (one.path, one.reason, one.hint))
    return path
