"""What all commands share: options, talk on stderr, the progress bar, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer

from classifier.errors import InputError

ATTENTION = 3  # exit code: done, but something needs attention

ModelOption = Annotated[
    Optional[Path],
    typer.Option("-m", "--model", help="Model folder; default: the one that comes with fupin."),
]
CodebookOption = Annotated[
    Optional[Path], typer.Option("--codebook", help="Codebook file; default: fupin's own.")
]
LexiconOption = Annotated[
    Optional[Path],
    typer.Option("--lexicon", help="Lexicon file; default: fupin's own, with its own codebook."),
]
SchemesOption = Annotated[
    Optional[list[str]], typer.Option("--scheme", help="A scheme of the codebook; may be repeated.")
]
TextsOption = Annotated[Optional[Path], typer.Option(help="The documents, where the gold has no text.")]


def say(line: str) -> None:
    """Print one line of talk on stderr."""
    typer.echo(line, err=True)


@contextmanager
def progress_bar(about: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show a progress bar on stderr where it is a terminal; yields a function that moves it on."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(about, total=total)
        yield lambda n: progress.advance(task, n)


def usage(message: str) -> NoReturn:
    raise typer.BadParameter(message)


def starter_corpus() -> list[Path]:
    """Return the folder of the starter corpus; raises `InputError` where there is none."""
    from classifier import shipped

    if not shipped.SEEDS.is_dir():
        raise InputError(
            "no --corpus given, and the starter corpus is not part of the installed package",
            "name labelled text: --corpus table.csv",
        )
    return [shipped.SEEDS]
