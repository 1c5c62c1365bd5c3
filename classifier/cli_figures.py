"""The commands that count and compare: `report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from classifier.console import ModelOption, SchemesOption, say, usage

if TYPE_CHECKING:
    from classifier.codebook import Codebook


def report(
    labelled: Annotated[Path, typer.Argument(help="What `fupin label` wrote: CSV or JSONL.")],
    out: Annotated[
        Optional[Path], typer.Option("-o", "--out", help="OUT.html or OUT.md; default: Markdown on stdout.")
    ] = None,
    scheme: SchemesOption = None,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    model: ModelOption = None,
) -> None:
    """Report how often each measure occurs. 统计各项措施，生成报告。"""
    from classifier.report import LANGUAGES, make_report, read_labelled, to_markdown, write_report

    if lang not in LANGUAGES:
        usage(f"--lang {lang}: choose {' or '.join(LANGUAGES)}")
    book = _codebook_of(model)
    made = make_report(read_labelled(labelled, book), book, source=labelled.name, schemes=scheme, lang=lang)
    if out is None:
        typer.echo(to_markdown(made), nl=False)
    else:
        write_report(made, out)
        say(f"report written to {out}")


def _codebook_of(model: Path | None) -> Codebook:
    """Return the codebook of a model folder, or the shipped one."""
    from classifier.codebook import load_codebook

    if model is None:
        return load_codebook()
    from classifier.store import load_model

    return load_model(model).codebook
