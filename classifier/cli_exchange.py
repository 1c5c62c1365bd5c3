"""The commands `fupin export` and `fupin import`: segments and codings to other tools, and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from classifier.console import (
    ATTENTION,
    CodebookOption,
    LimitOption,
    ModelOption,
    TextColumnOption,
    limits_of,
    say,
    usage,
)

if TYPE_CHECKING:
    from classifier.codebook import Codebook
    from classifier.exchanged import CodeMap, Exchanged

export_app = typer.Typer(
    help="Hand segments and codes to other tools. 导出到其他标注工具。", no_args_is_help=True
)
import_app = typer.Typer(
    help="Take over what was coded in other tools. 导入其他工具的标注结果。", no_args_is_help=True
)

InputArgument = Annotated[
    Path,
    typer.Argument(
        metavar="INPUT",
        help="What `fupin label` or `fupin sample` wrote, a table coded by hand, or a starter corpus.",
    ),
]
TableOption = Annotated[
    Path, typer.Option("-o", "--out", help="The table to write: OUT.csv, OUT.xlsx or OUT.jsonl.")
]
CoderOption = Annotated[Optional[str], typer.Option(help="Only what this coder coded.")]
BlindOption = Annotated[
    bool, typer.Option("--blind", help="Leave out what the model gave, so that coders do not see it.")
]
MapOption = Annotated[
    Optional[Path], typer.Option("--map", help="CSV with the columns theirs,ours: foreign codes and ours.")
]
SampleOption = Annotated[
    Optional[Path],
    typer.Option("--sample", help="The sample that was exported: adds its rows that did not come back."),
]
OnlyCodedOption = Annotated[
    bool,
    typer.Option("--only-coded", help="Leave out what was not coded of a sample too, as for fupin train."),
]


@export_app.command("labelstudio")
def export_labelstudio(
    labelled: InputArgument,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="OUT.json for the tasks; OUT.xml gets the configuration.")
    ],
    blind: BlindOption = False,
    coder: CoderOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Write tasks and the labelling configuration for Label Studio. 导出为 Label Studio 任务与配置。"""
    from classifier.exchanged import coders_of
    from classifier.label_studio import write_tasks
    from classifier.label_studio_config import write_config

    _check_out(labelled, out, (".json",))
    book = _codebook(model, codebook)
    segments = _to_export(labelled, book, coder, blind=blind)
    config = out.with_suffix(".xml")
    write_config(book, config)
    write_tasks(segments, out, book)
    say(f"{len(segments):,} tasks → {out}; labelling configuration → {config}")
    strangers = [name for name in coders_of(segments) if "@" not in name]
    if strangers:
        say(f"coders without an e-mail address: {', '.join(strangers)[:200]}")
        say("Label Studio takes annotations of its members only, by address: write these under 'coder'")


@export_app.command("doccano")
def export_doccano(
    labelled: InputArgument,
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="OUT.jsonl, or OUT.zip for several coders."),
    ],
    blind: BlindOption = False,
    coder: CoderOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Write examples and labels for doccano. 导出为 doccano 数据与标签定义。"""
    from classifier.doccano import write_doccano

    _check_out(labelled, out, (".jsonl", ".zip"))
    book = _codebook(model, codebook)
    segments = _to_export(labelled, book, coder, blind=blind)
    labels = write_doccano(segments, out, book)
    say(f"{len(segments):,} examples → {out}; labels → {labels}")


@export_app.command("cap")
def export_cap(
    labelled: InputArgument,
    out: Annotated[Path, typer.Option("-o", "--out", help="OUT.csv, with a row for each segment and code.")],
    style: Annotated[str, typer.Option(help="cap: majortopic, subtopic; manifesto: cmp_code, pos.")] = "cap",
    code_map: MapOption = None,
    blind: BlindOption = False,
    coder: CoderOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Write a table with one code a row, as CAP and Manifesto have it. 导出为 CAP 或 Manifesto 式表格。"""
    from classifier.cap_tables import STYLES, write_cap

    if style not in STYLES:
        usage(f"--style {style}: choose {' or '.join(STYLES)}")
    _check_out(labelled, out, (".csv",))
    book = _codebook(model, codebook)
    segments = _to_export(labelled, book, coder, blind=blind)
    count = write_cap(segments, out, book, STYLES[style], _code_map(code_map, book))
    say(f"{len(segments):,} segments, {count:,} rows → {out}")
    if code_map is None:
        say("codes are numbers by their order in the codebook; --map FILE gives them others")


@export_app.command("review")
def export_review(
    store: Annotated[
        str, typer.Argument(metavar="STORE", help="File or postgresql:// address of a review store.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="OUT.jsonl to write.")],
) -> None:
    """Write all that a review store holds, to be read back exactly. 导出标注库的全部内容，可原样导回。"""
    from classifier.review_files import export_store
    from classifier.review_store import open_existing

    _check_out(Path(store), out, (".jsonl",))
    with open_existing(store) as opened:
        export_store(opened, out)
        say(f"{opened.shown_url} → {out}")


@import_app.command("review")
def import_review(
    exported: Annotated[
        Path, typer.Argument(metavar="INPUT", help="What `fupin export review` or the review page wrote.")
    ],
    store: Annotated[
        str,
        typer.Option(metavar="STORE", help="File or postgresql:// address; made where there is none."),
    ],
) -> None:
    """Read a review store back, or add to one what another has more. 导回标注库，或并入另一个标注库。"""
    from classifier.review_files import import_store
    from classifier.review_lines import read_lines
    from classifier.review_store import open_store

    for _ in read_lines(exported):  # no store is made for what cannot be read
        pass
    with open_store(store) as opened:
        done = import_store(exported, opened)
        say(
            f"{done.items:,} segments, {done.new_items:,} of them new; "
            f"{done.events:,} decisions, {done.new_events:,} of them new → {opened.shown_url}"
        )


@import_app.command("labelstudio")
def import_labelstudio(
    exported: Annotated[Path, typer.Argument(metavar="INPUT", help="Export of Label Studio: JSON or CSV.")],
    out: TableOption,
    choices: Annotated[str, typer.Option(help="The name of the tag Choices in the configuration.")] = "codes",
    text_column: TextColumnOption = None,
    code_map: MapOption = None,
    coder: CoderOption = None,
    sample: SampleOption = None,
    only_coded: OnlyCodedOption = False,
    limit: LimitOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Read what was annotated in Label Studio. 导入 Label Studio 标注结果。"""
    from classifier.label_studio import read_label_studio

    _check_table(exported, out)
    book = _codebook(model, codebook)
    segments = read_label_studio(
        exported,
        book,
        _code_map(code_map, book),
        choices=choices,
        text=text_column or "text",
        limits=limits_of(limit),
    )
    _import(segments, out, book, coder, sample, only_coded=only_coded)


@import_app.command("doccano")
def import_doccano(
    exported: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Export of doccano: its zip, or JSONL, JSON, CSV.")
    ],
    out: TableOption,
    unlabelled: Annotated[
        Optional[str],
        typer.Option(help="Texts without a label: coded (as having no code) or uncoded."),
    ] = None,
    text_column: TextColumnOption = None,
    code_map: MapOption = None,
    coder: CoderOption = None,
    sample: SampleOption = None,
    only_coded: OnlyCodedOption = False,
    limit: LimitOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Read what was annotated in doccano. 导入 doccano 标注结果。"""
    from classifier.doccano import UNLABELLED, read_doccano

    if unlabelled is not None and unlabelled not in UNLABELLED:
        usage(f"--unlabelled {unlabelled}: choose {' or '.join(UNLABELLED)}")
    _check_table(exported, out)
    book = _codebook(model, codebook)
    segments = read_doccano(
        exported,
        book,
        _code_map(code_map, book),
        unlabelled=unlabelled,
        text=text_column or "text",
        limits=limits_of(limit),
    )
    _import(segments, out, book, coder, sample, only_coded=only_coded)


@import_app.command("cap")
def import_cap(
    exported: Annotated[
        Path, typer.Argument(metavar="INPUT", help="Table with majortopic or cmp_code: one code a row.")
    ],
    out: TableOption,
    text_column: TextColumnOption = None,
    code_map: MapOption = None,
    coder: CoderOption = None,
    sample: SampleOption = None,
    only_coded: OnlyCodedOption = False,
    limit: LimitOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Read a table with one code a row, as CAP and Manifesto have it. 导入 CAP 或 Manifesto 式表格。"""
    from classifier.cap_tables import read_cap

    _check_table(exported, out)
    book = _codebook(model, codebook)
    segments = read_cap(
        exported, book, _code_map(code_map, book), text=text_column or "text", limits=limits_of(limit)
    )
    _import(segments, out, book, coder, sample, only_coded=only_coded)


@import_app.command("checked")
def import_checked(
    workbook: Annotated[
        Path, typer.Argument(metavar="INPUT", help="The workbook of `fupin report`, its sheets filled in.")
    ],
    out: TableOption,
    coder: Annotated[
        Optional[str], typer.Option(help="Who filled it in; default: the name of the file.")
    ] = None,
    limit: LimitOption = None,
    model: ModelOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Read the sheets of a report on which segments were checked. 导入报告工作簿中填好的核对表。"""
    from classifier.checked_sheets import checked_segments

    _check_table(workbook, out)
    book = _codebook(model, codebook)
    segments = list(checked_segments(workbook, book, coder or workbook.stem, limits_of(limit)))
    _import(segments, out, book, None, None, only_coded=True)
    say("sheets for checking are no random sample: they serve training; for shares: fupin sample")


def _check_out(source: Path, out: Path, suffixes: Sequence[str]) -> None:
    """See to it that an output can be, before any work."""
    from classifier.errors import OutputError

    if out.suffix.lower() not in suffixes:
        raise OutputError(f"{out}: unknown format '{out.suffix}'", f"name a file {' or '.join(suffixes)}")
    if out.resolve() == source.resolve():
        raise OutputError(f"{out}: is the input too", "name another file")


def _check_table(source: Path, out: Path) -> None:
    from classifier.sample_files import sample_writer

    sample_writer(out)  # an unknown format is told before any work
    _check_out(source, out, (out.suffix.lower(),))


def _codebook(model: Path | None, codebook: Path | None) -> Codebook:
    from classifier.codebook import load_codebook

    if model is not None and codebook is not None:
        usage("-m and --codebook: name one of the two")
    if model is None:
        return load_codebook(codebook)
    from classifier.store import load_predictor

    return load_predictor(model).codebook


def _code_map(path: Path | None, book: Codebook) -> CodeMap | None:
    from classifier.exchanged import read_code_map

    return None if path is None else read_code_map(path, book)


def _to_export(path: Path, book: Codebook, coder: str | None, *, blind: bool) -> list[Exchanged]:
    from classifier.exchange_tables import read_segments
    from classifier.exchanged import only_coder, without_model

    segments = read_segments(path, book)
    if coder is not None:
        segments = only_coder(segments, coder)
    return list(without_model(segments)) if blind else segments


def _import(
    segments: Sequence[Exchanged],
    out: Path,
    book: Codebook,
    coder: str | None,
    sample: Path | None,
    *,
    only_coded: bool,
) -> None:
    """Write what was read; what was not coded stays only where one coder coded a sample, which needs it."""
    from classifier.exchange_tables import only_coded as coded_of
    from classifier.exchange_tables import read_segments, write_segments
    from classifier.exchanged import coders_of, completed, only_coder
    from classifier.sampling import PROBABILITY

    if coder is not None:
        segments = only_coder(segments, coder)
    if sample is not None:
        segments = completed(segments, read_segments(sample, book), sample.name)
    coded, coders = coded_of(segments), coders_of(segments)
    drawn = any(PROBABILITY in segment.others for segment in segments)
    kept = segments if drawn and len(coders) <= 1 and not only_coded else coded
    write_segments(kept, out, book)
    say(f"{len(coded):,} of {len(segments):,} segments coded, coders: {len(coders)} → {out}")
    if len(coders) > 1:
        say(f"coders: {', '.join(coders)[:200]}; to compare them: fupin agree OUT --coder-column coder")
    if len(kept) > len(coded):
        say(f"{len(kept) - len(coded):,} not coded are kept, as shares need them; for training: --only-coded")
    if drawn and sample is None and len(coders) <= 1 and not only_coded:
        say("for shares all rows of the sample are needed: --sample SAMPLE adds those that did not come back")
    if not coded:
        raise typer.Exit(ATTENTION)
