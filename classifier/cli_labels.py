"""The commands `fupin codebook` and `fupin lexicon`: look into the files below labels/, and check them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from classifier.console import ATTENTION, CodebookOption, LexiconOption, say, starter_corpus
from classifier.errors import Finding

if TYPE_CHECKING:
    from classifier.codebook import Scheme

codebook_app = typer.Typer(help="Show and check a codebook. 查看、检查编码手册。", no_args_is_help=True)
lexicon_app = typer.Typer(
    help="Check a lexicon, and see what it hits. 检查词表、查看命中。", no_args_is_help=True
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


def _list(heading: str, items: Iterable[str]) -> None:
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


@lexicon_app.command("precision")
def lexicon_precision(
    corpus: Annotated[
        Optional[list[Path]], typer.Argument(help="Labelled text; default: the starter corpus.")
    ] = None,
    lexicon: LexiconOption = None,
    codebook: CodebookOption = None,
) -> None:
    """Show how often each cue is right on labelled text, as TSV. 查看每条线索词的准确率。"""
    from classifier.codebook import load_codebook
    from classifier.corpus import read_corpus
    from classifier.cue_precision import cue_precision
    from classifier.lexicon import load_lexicon

    book = load_codebook(codebook)
    labelled = read_corpus(corpus or starter_corpus(), book)
    table = cue_precision(load_lexicon(lexicon, book.columns), labelled)
    typer.echo(table.to_csv(sep="\t", index=False, float_format="%.3f", lineterminator="\n"), nl=False)
    say(f"{len(table):,} cues, {int((table['segments'] > 0).sum()):,} of them in this text")


def _report_findings(findings: list[Finding]) -> None:
    for finding in findings:
        typer.echo(str(finding))
    say(f"{len(findings)} findings" if findings else "no findings")
    if findings:
        raise typer.Exit(ATTENTION)
