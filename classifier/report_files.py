"""Writing a report in the format of its file's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from classifier.check_sheets import check_sheets
from classifier.errors import OutputError
from classifier.labelled import Labelled
from classifier.model import PolicyClassifier
from classifier.report_page import to_html
from classifier.report_tables import Report
from classifier.report_text import to_json, to_markdown
from classifier.report_workbook import write_workbook
from classifier.whole_file import whole_file
from classifier.workbook_sheets import library

TEXT_WRITERS: Mapping[str, Callable[[Report], str]] = {
    ".html": to_html,
    ".htm": to_html,
    ".md": to_markdown,
    ".json": to_json,
}
WORKBOOK = ".xlsx"


def check_format(out: Path) -> None:
    """Raise `OutputError` where the name has no ending of a report, or what writes it is not installed."""
    formats = (*TEXT_WRITERS, WORKBOOK)
    if out.suffix.lower() not in formats:
        raise OutputError(f"{out}: unknown format '{out.suffix}'", f"a report is {', '.join(formats)}")
    if out.suffix.lower() == WORKBOOK:
        library()


def write_report(
    report: Report, out: Path, labelled: Labelled | None = None, model: PolicyClassifier | None = None
) -> tuple[str, ...]:
    """Write the report in the format of its ending, whole or not at all; raises `OutputError`.

    A workbook has sheets for checking segments by hand where it is given what was ``labelled``;
    what decided stands on them where it is given the ``model`` too. Returns what is to be said
    about the file, a line each.
    """
    check_format(out)
    if out.suffix.lower() == WORKBOOK:
        checks = () if labelled is None else tuple(check_sheets(labelled, report.codes, model))
        return tuple(write_workbook(report, out, checks).told())
    text = TEXT_WRITERS[out.suffix.lower()](report)
    with whole_file(out) as stream:
        stream.write(text)
    return ()
