"""The commands that count and compare: `report`, `agree`, `sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from classifier.console import ATTENTION, CodebookOption, ModelOption, SchemesOption, say, usage

if TYPE_CHECKING:
    from classifier.codebook import Codebook
    from classifier.codings import Codings

FEW_DOCUMENTS = 30  # resampled from 20, intervals that should hold 95 % held 91 % in a simulation


def report(
    labelled: Annotated[
        Path, typer.Argument(help="What `fupin label` wrote: CSV, TSV, JSONL, Parquet or XLSX.")
    ],
    out: Annotated[
        Optional[Path],
        typer.Option("-o", "--out", help="OUT.html, .xlsx, .md or .json; default: Markdown on stdout."),
    ] = None,
    scheme: SchemesOption = None,
    by: Annotated[
        Optional[str], typer.Option(help="A column whose values are compared, such as province.")
    ] = None,
    date_column: Annotated[
        Optional[str], typer.Option(help="The column with dates; default: date, where there is one.")
    ] = None,
    gold: Annotated[Optional[Path], typer.Option(help="A sample coded by hand: corrected shares.")] = None,
    against: Annotated[Optional[Path], typer.Option(help="Another labelled corpus, to compare with.")] = None,
    lang: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    model: ModelOption = None,
) -> None:
    """Report how often each measure occurs, where and when. 统计各项措施的占比、变化和分布，生成报告。"""
    from classifier.evaluation_tables import read_figures
    from classifier.hand_labels import read_hand_labels
    from classifier.labelled import read_labelled
    from classifier.report import make_report
    from classifier.report_files import check_format, write_report
    from classifier.report_text import to_markdown
    from classifier.report_texts import LANGUAGES
    from classifier.shipped import MODEL
    from classifier.store import load_model

    if lang not in LANGUAGES:
        usage(f"--lang {lang}: choose {' or '.join(LANGUAGES)}")
    if out is not None:
        check_format(out)  # an unknown format is told before any work
    loaded = load_model(model)
    for name in scheme or ():
        loaded.codebook.scheme(name)
    found = read_labelled(labelled, loaded.codebook)
    made = make_report(
        found,
        model=loaded,
        figures=read_figures(model or MODEL, loaded.codebook),
        schemes=scheme,
        lang=lang,
        date_column=date_column,
        by=by,
        against=None if against is None else read_labelled(against, loaded.codebook),
        hand=None if gold is None else read_hand_labels(gold, found),
    )
    if out is None:
        typer.echo(to_markdown(made), nl=False)
    else:
        for line in (f"report written to {out}", *write_report(made, out, found, loaded)):
            say(line)
    if not len(found):
        say(f"{labelled}: no segments to report")
        raise typer.Exit(ATTENTION)


def agree(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="A table a coder: segment_id and codes.")
    ],
    coder_column: Annotated[
        Optional[str], typer.Option(help="The column that names the coder, where one file holds several.")
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option("-o", "--out", help="List the disagreements: OUT.csv, OUT.jsonl or OUT.md."),
    ] = None,
    scheme: SchemesOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Measure how well coders agree, and list where they do not. 计算编码者之间的一致性，列出分歧。"""
    from classifier.agreement_table import to_text
    from classifier.codebook import load_codebook
    from classifier.codings import read_codings
    from classifier.disagreements import disagreements, write_disagreements, writer_of

    if model is not None and codebook is not None:
        usage("-m and --codebook: name one of the two")
    if coder_column is None and len(files) < 2:
        usage("name a file for each coder, or the column that tells them apart: --coder-column")
    if out is not None:
        writer_of(out)  # an unknown format is told before any work
    book = load_codebook(codebook) if codebook else _codebook_of(model)
    views = [None, *(scheme or ())]
    for name in scheme or ():
        book.scheme(name)
    codings = read_codings(files, book, coder_column)
    _tell_about(codings)
    typer.echo("\n".join(to_text(codings, view) for view in views), nl=False)
    if out is not None:
        found = disagreements(codings)
        write_disagreements(found, out)
        say(f"{len(found):,} segments on which coders differ → {out}")


def _tell_about(codings: Codings) -> None:
    """Say what of the coders' work is not counted, and what weakens the figures."""
    for coder, coded in zip(codings.coders, codings.coded, strict=True):
        if not (coded & codings.shared).any():
            say(f"{coder}: not one segment that another coder coded too")
    alone = len(codings.segments) - int(codings.shared.sum())
    if alone:
        say(
            f"{alone:,} of {len(codings.segments):,} segments were not coded by two coders; they do not count"
        )
    documents = codings.segments["doc_id"][codings.shared].nunique()
    if documents == 1:
        say("all segments are in one document: there are no intervals, which resample documents")
    elif documents < FEW_DOCUMENTS:
        say(f"{documents} documents are few to resample: the intervals are too narrow")


def sample(
    labelled: Annotated[
        Path, typer.Argument(help="What `fupin label` wrote: CSV, TSV, JSONL, Parquet or XLSX.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="SAMPLE.csv, SAMPLE.xlsx or SAMPLE.jsonl.")],
    n: Annotated[int, typer.Option("--n", min=1, help="How many segments to draw.")] = 600,
    design: Annotated[
        str,
        typer.Option(help="stratified: those in doubt more often; random; documents: whole documents."),
    ] = "stratified",
    seed: Annotated[Optional[int], typer.Option(min=0, help="Another seed draws another sample.")] = None,
    show_model: Annotated[
        bool, typer.Option("--show-model", help="Add the codes the model gave: the coder is not blind then.")
    ] = False,
    model: ModelOption = None,
) -> None:
    """Draw a sample to code by hand, for corrected shares. 抽取供人工编码的样本，用于校正占比。"""
    from classifier.errors import OutputError
    from classifier.labelled import read_labelled
    from classifier.sample_files import make_sample, sample_writer, write_sample
    from classifier.sampling import DESIGNS, SEED

    if design not in DESIGNS:
        usage(f"--design {design}: choose {', '.join(DESIGNS)}")
    sample_writer(out)  # an unknown format is told before any work
    if out.exists():
        raise OutputError(f"{out}: is there already, and may hold hand labels", "name another file")
    book = _codebook_of(model)
    corpus = read_labelled(labelled, book)
    drawn = make_sample(corpus, n, design, SEED if seed is None else seed, show_model=show_model)
    write_sample(drawn, out, book)
    part = "all" if len(drawn) == len(corpus) else f"{len(drawn):,} of"
    where = f"in {drawn['doc_id'].nunique():,} documents; strata: {drawn['stratum'].nunique()}"
    say(f"{part} {len(corpus):,} segments, {where} → {out}")
    say("fill in 'codes', and write 1 under 'coded' once a row is done, where there is no code too;")
    say("then: fupin report LABELLED --gold SAMPLE")


def _codebook_of(model: Path | None) -> Codebook:
    """Return the codebook of a model folder, or the shipped one."""
    from classifier.codebook import load_codebook

    if model is None:
        return load_codebook()
    from classifier.store import load_model

    return load_model(model).codebook
