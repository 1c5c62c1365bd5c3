"""What all commands share: options, talk on stderr, the progress bar, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional, Protocol

import typer

from classifier.errors import InputError, NothingReadError, SkippedError
from classifier.limits import LIMITS, Limits
from classifier.skipped import ERRORS, write_skipped
from classifier.whole_file import beside

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from classifier.documents import Document, Parcel

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

InputsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help="Files, folders, globs, or - for standard input (text). Read are txt, md, html, mhtml, docx, "
        "pdf, csv, tsv, xlsx, jsonl, parquet, each also as .gz, and zip archives of them.",
    ),
]
TextColumnOption = Annotated[
    Optional[str], typer.Option(help="The column of a table with the text; default: found, and told.")
]
IdColumnOption = Annotated[Optional[str], typer.Option(help="The column of a table with the id.")]
EncodingOption = Annotated[Optional[str], typer.Option(help="Encoding of inputs; default: found out.")]
LimitOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--limit", metavar="NAME=N", help=f"Change what reading may cost; may be repeated. {LIMITS.told()}."
    ),
]


def say(line: str) -> None:
    """Print one line of talk on stderr."""
    typer.echo(line, err=True)


class ProgressBar(Protocol):
    """What moves a progress bar on."""

    def read(self, size: int) -> None:
        """Note bytes read."""

    def made(self, segments: int) -> None:
        """Note segments made."""


class _NoBar:
    """A bar that nobody sees."""

    def read(self, size: int) -> None: ...

    def made(self, segments: int) -> None: ...


class _Bar:
    """A bar as long as the bytes to be read, with the segments made, their rate and the time left."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task, self._segments = progress, task, 0

    def read(self, size: int) -> None:
        self._progress.advance(self._task, size)

    def made(self, segments: int) -> None:
        self._segments += segments
        elapsed = self._progress.tasks[self._task].elapsed or 0
        rate = self._segments / elapsed if elapsed > 0 else 0.0
        self._progress.update(self._task, made=f"{self._segments:,} segments, {rate:,.0f}/s")


@contextmanager
def progress_bar(about: str, total: Callable[[], int | None]) -> Iterator[ProgressBar]:
    """Show a progress bar on stderr where it is a terminal; there ``total`` is asked, in bytes."""
    if not sys.stderr.isatty():
        yield _NoBar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[made]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bar(progress, progress.add_task(about, total=total(), made=""))


def limits_of(settings: list[str] | None) -> Limits:
    """Return the limits of reading, changed as asked."""
    try:
        return LIMITS.changed(settings or [])
    except ValueError as error:
        usage(f"--limit: {error}")


def usage(message: str) -> NoReturn:
    raise typer.BadParameter(message)


TOLD = 100  # files or rows left out that are told one by one where there is a list of them


@dataclass
class Skipped:
    """What a run leaves out, and whether it has read its inputs at all."""

    errors: list[SkippedError] = field(default_factory=list)
    begun: bool = False

    def begin(self, documents: Iterator[Document | Parcel]) -> Iterator[Document | Parcel]:
        """Yield documents; note that they are asked for."""
        self.begun = True
        yield from documents

    def earlier(self, out: Path | None) -> bool:
        """Say whether an earlier run, which left nothing to do, has left something out."""
        return out is not None and not self.begun and beside(out, ERRORS).exists()


@contextmanager
def told_skipped(out: Path | None) -> Iterator[Skipped]:
    """Tell what a run leaves out, and list it in ``OUT.errors.csv``; also where nothing else was there."""
    skipped = Skipped()
    try:
        yield skipped
    except NothingReadError:
        if len(skipped.errors) > 1:  # one alone is the error itself
            _tell_skipped(skipped, out)
        raise
    _tell_skipped(skipped, out)


def _tell_skipped(skipped: Skipped, out: Path | None) -> None:
    listed = None
    if out is not None and skipped.begun:
        listed = write_skipped(out, skipped.errors)
    for error in skipped.errors[: TOLD if listed else None]:
        say(f"skipped: {error}")
        say(f"  hint: {error.hint}")
    if listed:
        more = f"{len(skipped.errors) - TOLD:,} more; " if len(skipped.errors) > TOLD else ""
        say(f"{more}what was skipped is listed in {listed}")


def starter_corpus() -> list[Path]:
    """Return the folder of the starter corpus; raises `InputError` where there is none."""
    from classifier import shipped

    if not shipped.SEEDS.is_dir():
        raise InputError(
            "no --corpus given, and the starter corpus is not part of the installed package",
            "name labelled text: --corpus table.csv",
        )
    return [shipped.SEEDS]
