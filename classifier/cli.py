"""The command `fupin`: Typer commands that call the library and say what it did.

Heavy modules are imported inside the commands, so that `fupin --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, Optional

import typer

from classifier import __version__
from classifier.cli_exchange import export_app, import_app
from classifier.cli_figures import agree, report, sample
from classifier.cli_labels import codebook_app, lexicon_app
from classifier.cli_review import review
from classifier.cli_train import train
from classifier.console import (
    ATTENTION,
    EncodingOption,
    IdColumnOption,
    InputsArgument,
    LimitOption,
    ModelOption,
    SchemesOption,
    Skipped,
    TextColumnOption,
    TextsOption,
    limits_of,
    progress_bar,
    say,
    told_skipped,
    usage,
)
from classifier.errors import FupinError, InputError, OutputError
from classifier.quick_start import begin_quickly, collect_seldom

if TYPE_CHECKING:
    from classifier.documents import Reading
    from classifier.journal import Tally

_FULL = (ENOSPC, EFBIG, EDQUOT, EIO)  # what a disk behind standard output may answer
app = typer.Typer(
    help="Which policy measures does each sentence of a Chinese text name? 逐句识别文本中的扶贫政策措施。",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(codebook_app, name="codebook")
app.add_typer(lexicon_app, name="lexicon")
app.add_typer(export_app, name="export")
app.add_typer(import_app, name="import")
app.command()(report)
app.command()(agree)
app.command()(sample)
app.command()(review)


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(f"fupin {__version__}")
        raise typer.Exit


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for what the demo makes.")] = Path(
        "build/demo"
    ),
) -> None:
    """Train, label the example articles and write a report. 训练、标注示例文章并生成报告。"""
    from classifier.demo import run_demo

    for line in run_demo(out):
        say(line)


app.command()(train)


_OutOption = Annotated[
    Optional[Path],
    typer.Option("-o", "--out", help="OUT.csv, .xlsx, .jsonl or .parquet; default: CSV on stdout."),
]
_UnitOption = Annotated[
    str, typer.Option(help="segment: cut each text; row: each row's text is one segment.")
]
_FormatOption = Annotated[
    Optional[str], typer.Option("--format", help="csv, xlsx, jsonl or parquet; default: by OUT's name.")
]
_RawOption = Annotated[
    bool, typer.Option("--raw", help="CSV, XLSX: leave what a spreadsheet would take for a formula as it is.")
]


@app.command()
def label(
    inputs: InputsArgument,
    model: ModelOption = None,
    out: _OutOption = None,
    unit: _UnitOption = "segment",
    file_format: _FormatOption = None,
    scheme: Annotated[Optional[str], typer.Option(help="Add the categories of this scheme.")] = None,
    text_column: TextColumnOption = None,
    id_column: IdColumnOption = None,
    encoding: EncodingOption = None,
    limit: LimitOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Add what speaks for each code given.")] = False,
    raw: _RawOption = False,
    jobs: Annotated[
        Optional[int],
        typer.Option(min=1, help="Processes; default: all cores. The output does not depend on it."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was broken off.")] = False,
    dask: Annotated[Optional[str], typer.Option(help="Address of a Dask cluster to work, or local.")] = None,
) -> None:
    """Label articles, sentence by sentence. 逐句标注文章。"""
    begin_quickly()
    from classifier.batch import label_documents
    from classifier.crew import DaskCluster, Processes
    from classifier.documents import Reading, parcels, size_of
    from classifier.labelling import UNITS
    from classifier.output import format_of
    from classifier.shipped import MODEL
    from classifier.store import load_model, load_predictor

    if resume and out is None:
        usage("--resume: name the output that it is to go on with: -o OUT")
    if unit not in UNITS:
        usage(f"--unit {unit}: choose {' or '.join(UNITS)}")
    loaded = load_model(model) if explain else load_predictor(model)
    if scheme is not None:
        loaded.codebook.scheme(scheme)  # an unknown scheme is told before any work
    reading, jobs = Reading(text_column, id_column, encoding, limits_of(limit)), jobs or os.cpu_count() or 1
    facts = _facts(inputs, reading, model or MODEL, resume=resume) if out else {}
    with told_skipped(out) as skipped, progress_bar("labelling", lambda: size_of(inputs)) as bar:
        found = parcels(inputs, reading, skipped.errors.append, bar.read, on_note=say, parsers=jobs)
        tally = label_documents(
            skipped.begin(found),
            loaded,
            out,
            file_format=file_format,
            unit=unit,
            scheme=scheme,
            explain=explain,
            raw=raw,
            crew=DaskCluster(dask) if dask else Processes(jobs),
            facts=facts,
            resume=resume,
            tell=say,
            progress=lambda made: bar.made(made.segments),
        )
    _conclude(tally, skipped, out, format_of(out, file_format))


def _conclude(tally: Tally, skipped: Skipped, out: Path | None, file_format: str) -> None:
    """Say what was done; exit with 3 where something needs attention."""
    from classifier.encoded_rows import told_changes

    for line in told_changes(tally.changes, file_format):
        say(line)
    if tally.left_out:
        say(f"{tally.left_out:,} cells left out: their columns first appear after 500 or more documents")
        say("hint: write JSONL, or label tables with other columns apart")
    counts = f"{tally.documents:,} documents in, {tally.segments:,} segments out"
    say(f"{counts}, {tally.coded:,} with a measure" + (f" → {out}" if out else ""))
    if not tally.segments:
        say("nothing to label: no text, or none but page furniture (fupin segments TEXT shows by which rule)")
    if skipped.errors or skipped.earlier(out) or tally.left_out or not tally.segments:
        raise typer.Exit(ATTENTION)


def _facts(inputs: list[str], reading: Reading, model: Path, *, resume: bool) -> dict[str, str]:
    """Return what the output depends on, beside the way it is asked for."""
    from classifier.documents import fingerprint
    from classifier.store import model_hash

    content = fingerprint(inputs)
    if resume and not content:
        raise InputError("--resume: standard input cannot be read again", "save it as a file, and name that")
    how = {name.replace("_", " "): str(value) for name, value in vars(reading).items()}
    return {"fupin": __version__, "inputs": content, "model": model_hash(model), **how}


@app.command()
def evaluate(
    gold: Annotated[
        Path, typer.Argument(help="Gold file: JSONL or CSV with codes, and text or sha256, start, end.")
    ],
    texts: TextsOption = None,
    scheme: SchemesOption = None,
    model: ModelOption = None,
) -> None:
    """Score the model, and the lexicon beside it, on gold labels. 用人工标注评测模型。"""
    from classifier.corpus import read_gold
    from classifier.evaluation import evaluate as score
    from classifier.evaluation import to_text
    from classifier.store import load_model

    loaded = load_model(model)
    labelled = read_gold(gold, loaded.codebook, texts)
    scored = [score(loaded, labelled, name) for name in (None, *(scheme or ()))]
    for comparison in scored:
        typer.echo(to_text(comparison, loaded.codebook))


@app.command("explain")
def explain_text(text: Annotated[str, typer.Argument(help="A sentence.")], model: ModelOption = None) -> None:
    """Show what speaks for and against each code in a sentence, with offsets. 解释一句话的判断依据。"""
    from classifier.explanation import explain, to_text
    from classifier.store import load_model

    loaded = load_model(model)
    names = {c.code: c.name.get("zh", "") for c in loaded.codebook.codes}
    typer.echo(to_text(explain(loaded, text), names))


@app.command()
def segments(
    file: Annotated[Optional[Path], typer.Argument(help="A text file.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules that drop page furniture.")] = False,
) -> None:
    """Show how a text is cut, and what is dropped by which rule. 查看切分结果与剔除规则。"""
    from classifier.segments import MIN_HAN, TOO_SHORT, cut, drop_rules
    from classifier.text_files import read_text

    if rules:
        typer.echo(f"{TOO_SHORT}\t少于{MIN_HAN}个汉字 (fewer than {MIN_HAN} Han characters)")
        for rule in drop_rules():
            typer.echo(f"{rule.name}\t{rule.about}")
    elif file is None:
        usage("name a file, or give --rules")
    else:
        text = read_text(file)
        for span in cut(text):
            typer.echo(
                f"{span.start}\t{span.end}\t{span.paragraph}\t{span.dropped}\t{text[span.start : span.end]}"
            )


def _fail(error: FupinError) -> NoReturn:
    say(f"error: {error}")
    say(f"hint: {error.hint}")
    raise SystemExit(1)


def main() -> None:
    """Run the command; an error that the user can mend is one line and one hint."""
    collect_seldom()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks a character shows ?
    try:
        app()
    except FupinError as error:
        _fail(error)
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            raise
        with suppress(OSError, ValueError):  # else Python tries once more to write what it still holds
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(OutputError(f"standard output: {error.strerror}", "make room, or name a file on another disk"))
