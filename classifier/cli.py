"""The command `fupin`: Typer commands that call the library and say what it did.

Heavy modules are imported inside the commands, so that `fupin --help` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Optional

import typer

from classifier import __version__
from classifier.errors import Finding, FupinError, InputError

if TYPE_CHECKING:
    from classifier.codebook import Codebook, Scheme

ATTENTION = 3  # exit code: done, but something needs attention

app = typer.Typer(
    help="Which policy measures does each sentence of a Chinese text name? 逐句识别文本中的扶贫政策措施。",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
codebook_app = typer.Typer(help="Show and check a codebook. 查看、检查编码手册。", no_args_is_help=True)
lexicon_app = typer.Typer(
    help="Check a lexicon, and see what it hits. 检查词表、查看命中。", no_args_is_help=True
)
app.add_typer(codebook_app, name="codebook")
app.add_typer(lexicon_app, name="lexicon")

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


@app.command()
def train(
    corpus: Annotated[
        Optional[list[Path]],
        typer.Option(help="Starter-corpus folder or labelled table (text, codes); may be repeated."),
    ] = None,
    codebook: CodebookOption = None,
    lexicon: LexiconOption = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder to write.")] = Path("model"),
    scheme: SchemesOption = None,
    min_positives: Annotated[
        int, typer.Option(min=1, help="Codes with fewer positive segments stay untrained.")
    ] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the model does not depend on it.")] = 2,
) -> None:
    """Train a model on labelled text and print how well it does on articles held out. 训练模型。"""
    from classifier import shipped
    from classifier.codebook import load_codebook
    from classifier.corpus import read_corpus
    from classifier.evaluation import to_text
    from classifier.lexicon import load_lexicon
    from classifier.prior import load_prior
    from classifier.training import save_trained
    from classifier.training import train as fit

    paths = corpus or [shipped.SEEDS]
    if not corpus and not shipped.SEEDS.is_dir():
        raise InputError(
            "no --corpus given, and the starter corpus is not part of the installed package",
            "name labelled text: --corpus table.csv",
        )
    book = load_codebook(codebook)
    words = load_lexicon(lexicon, book.columns) if lexicon or not codebook else None
    labelled = read_corpus(paths, book)
    say(f"{len(labelled.texts):,} segments in {len(set(labelled.groups)):,} documents; training …")
    schemes = tuple(scheme) if scheme is not None else _default_schemes(book)
    prior = None if codebook else load_prior()
    trained = fit(labelled, words, prior=prior, schemes=schemes, min_positives=min_positives, n_jobs=jobs)
    save_trained(trained, out)
    for comparison in trained.comparisons:
        typer.echo(to_text(comparison, book))
    for code in trained.model.untrained_:
        say(
            f"untrained: '{code}' has {labelled.support[code]} positive segments; "
            f"needed are {min_positives}, in more than one document"
        )
    say(f"model written to {out}")


def _default_schemes(book: Codebook) -> tuple[str, ...]:
    """Return the schemes scored at training: the codebook's first, and the one with most categories."""
    if not book.schemes:
        return ()
    first = next(iter(book.schemes))
    widest = max(book.schemes.values(), key=lambda s: len(s.categories)).scheme
    return tuple(dict.fromkeys((first, widest)))


@app.command()
def label(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for standard input.")
    ],
    model: ModelOption = None,
    out: Annotated[
        Optional[Path], typer.Option("-o", "--out", help="OUT.csv or OUT.jsonl; default: CSV on stdout.")
    ] = None,
    unit: Annotated[
        str, typer.Option(help="segment: cut each text; row: each row's text is one segment.")
    ] = "segment",
    file_format: Annotated[
        Optional[str], typer.Option("--format", help="csv or jsonl; default: by the name of OUT.")
    ] = None,
    scheme: Annotated[Optional[str], typer.Option(help="Add the categories of this scheme.")] = None,
    text_column: Annotated[str, typer.Option(help="The column with the text.")] = "text",
    id_column: Annotated[Optional[str], typer.Option(help="The column with the id.")] = None,
    encoding: Annotated[
        Optional[str], typer.Option(help="Encoding of the inputs; default: found out.")
    ] = None,
) -> None:
    """Label articles, sentence by sentence. 逐句标注文章。"""
    from classifier.batch import UNITS, label_documents
    from classifier.documents import Reading, documents
    from classifier.store import load_model

    if unit not in UNITS:
        _usage(f"--unit {unit}: choose {' or '.join(UNITS)}")
    skipped: list[InputError] = []
    loaded = load_model(model)
    if scheme is not None:
        loaded.codebook.scheme(scheme)  # an unknown scheme is told before any work
    stream = documents(inputs, Reading(text_column, id_column, encoding), skipped.append)
    with progress_bar("labelling") as progress:
        tally = label_documents(
            stream, loaded, out, file_format=file_format, unit=unit, scheme=scheme, progress=progress
        )
    _complain(skipped)
    say(
        f"{tally.documents:,} documents, {tally.segments:,} segments, {tally.coded:,} with a measure"
        + (f" → {out}" if out else "")
    )
    if skipped or not tally.segments:
        raise typer.Exit(ATTENTION)


def _complain(errors: list[InputError]) -> None:
    for error in errors:
        say(f"skipped: {error}")
        say(f"  hint: {error.hint}")


@app.command()
def evaluate(
    gold: Annotated[
        Path, typer.Argument(help="Gold file: JSONL or CSV with codes, and text or sha256, start, end.")
    ],
    texts: Annotated[Optional[Path], typer.Option(help="The documents, where the gold has no text.")] = None,
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


@app.command()
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
        _usage(f"--lang {lang}: choose {' or '.join(LANGUAGES)}")
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


@app.command()
def segments(
    file: Annotated[Optional[Path], typer.Argument(help="A text file.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules that drop page furniture.")] = False,
) -> None:
    """Show how a text is cut, and what is dropped by which rule. 查看切分结果与剔除规则。"""
    from classifier.documents import read_text
    from classifier.segments import MIN_HAN, TOO_SHORT, cut, drop_rules

    if rules:
        typer.echo(f"{TOO_SHORT}\t少于{MIN_HAN}个汉字 (fewer than {MIN_HAN} Han characters)")
        for rule in drop_rules():
            typer.echo(f"{rule.name}\t{rule.about}")
    elif file is None:
        _usage("name a file, or give --rules")
    else:
        text = read_text(file)
        for span in cut(text):
            typer.echo(
                f"{span.start}\t{span.end}\t{span.paragraph}\t{span.dropped}\t{text[span.start : span.end]}"
            )


@codebook_app.command("show")
def codebook_show(
    code: Annotated[Optional[str], typer.Argument(help="A code; default: all, a line each.")] = None,
    codebook: CodebookOption = None,
) -> None:
    """Show the codes, or one code with its definition and examples. 查看编码。"""
    from classifier.codebook import load_codebook

    book = load_codebook(codebook)
    if code is None:
        for item in book.codes:
            typer.echo(f"{item.code}\t{item.name.get('zh', '')}\t{item.definition.get('zh', '')}")
        return
    item = book.code(code)
    typer.echo(f"{item.code}  {' / '.join(dict.fromkeys(item.name.values()))}")
    for text in dict.fromkeys(item.definition.values()):
        typer.echo(text)
    _list("包括 covers", item.includes)
    _list("不包括 does not cover", (f"{what}{f' → {use}' if use else ''}" for what, use in item.excludes))
    _list("例 examples", (f"{e.text}  [{';'.join(e.codes)}]" for e in item.examples))
    _list(
        "反例 counter-examples", (f"{e.text}  [{';'.join(e.codes)}]  {e.why}" for e in item.counter_examples)
    )


def _list(heading: str, items: Any) -> None:
    lines = [f"  - {item}" for item in items]
    if lines:
        typer.echo("\n".join((heading, *lines)))


@codebook_app.command("check")
def codebook_check(
    file: Annotated[Optional[Path], typer.Argument(help="Default: fupin's own.")] = None,
) -> None:
    """Check a codebook file: every fault with its line. 检查编码手册。"""
    from classifier import shipped
    from classifier.codebook import check_codebook

    _report_findings(check_codebook(file or shipped.CODEBOOK))


@codebook_app.command("schemes")
def codebook_schemes(
    scheme: Annotated[Optional[str], typer.Argument(help="A scheme; default: all, a line each.")] = None,
    codebook: CodebookOption = None,
) -> None:
    """Show the schemes, or one with its categories and their codes. 查看分类体系。"""
    from classifier.codebook import load_codebook

    book = load_codebook(codebook)
    if scheme is None:
        for item in book.schemes.values():
            typer.echo(f"{item.scheme}\t{item.name.get('zh', '')}\t{len(item.categories)}")
        return
    chosen: Scheme = book.scheme(scheme)
    for category, codes in chosen.categories.items():
        typer.echo(f"{category}\t{';'.join(codes)}")


@lexicon_app.command("check")
def lexicon_check(
    file: Annotated[Optional[Path], typer.Argument(help="Default: fupin's own.")] = None,
    codebook: CodebookOption = None,
) -> None:
    """Check a lexicon file: dead, shadowed and double-claimed cues, with lines. 检查词表。"""
    from classifier import shipped
    from classifier.codebook import load_codebook
    from classifier.lexicon import check_lexicon

    _report_findings(check_lexicon(file or shipped.LEXICON, load_codebook(codebook).columns))


@lexicon_app.command("hits")
def lexicon_hits(
    text: Annotated[str, typer.Argument(help="A sentence.")], lexicon: LexiconOption = None
) -> None:
    """Show what the lexicon hits in a sentence: offsets, cue, codes. 查看一句话的命中。"""
    from classifier.lexicon import load_lexicon
    from classifier.normalise import normalise

    for hit in load_lexicon(lexicon).hits(normalise(text)):
        typer.echo(f"{hit.start}\t{hit.end}\t{hit.cue}\t{';'.join(hit.codes)}")


def _report_findings(findings: list[Finding]) -> None:
    for finding in findings:
        typer.echo(str(finding))
    say(f"{len(findings)} findings" if findings else "no findings")
    if findings:
        raise typer.Exit(ATTENTION)


def _usage(message: str) -> NoReturn:
    raise typer.BadParameter(message)


def _fail(error: FupinError) -> NoReturn:
    say(f"error: {error}")
    say(f"hint: {error.hint}")
    raise SystemExit(1)


def main() -> None:
    """Run the command; an error that the user can mend is one line and one hint."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that lacks a character shows ?
    try:
        app()
    except FupinError as error:
        _fail(error)
