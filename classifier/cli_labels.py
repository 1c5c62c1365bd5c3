"""The commands `fupin codebook` and `fupin lexicon`: look into the files below labels/, and check them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from classifier.console import ATTENTION, CodebookOption, LexiconOption, say, starter_corpus, usage
from classifier.errors import Finding, InputError

if TYPE_CHECKING:
    from classifier.codebook import Codebook, Scheme
    from classifier.codebook_changes import Changes
    from classifier.review_store import ReviewStore

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


@codebook_app.command("migrate")
def codebook_migrate(
    codebook: Annotated[Path, typer.Argument(help="The codebook that is changed; it stays as it is.")],
    changes: Annotated[Path, typer.Argument(help="YAML: rename, merge, split, retire, and the new version.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for what is new, under the old names.")],
    lexicon: Annotated[Optional[Path], typer.Option(help="A lexicon that is to follow.")] = None,
    labels: Annotated[
        Optional[list[Path]],
        typer.Option(help="CSV, JSONL or Parquet with codes that are to follow; may be repeated."),
    ] = None,
    store: Annotated[
        Optional[str], typer.Option(metavar="STORE", help="A review store that is to follow, in place.")
    ] = None,
    model: Annotated[
        Optional[Path],
        typer.Option("-m", "--model", help="A model that is to follow where codes are renamed."),
    ] = None,
) -> None:
    """Rename, merge, split or retire codes; labels follow. 更名、合并、拆分、停用编码，旧标注随之更新。"""
    from classifier.codebook import load_codebook
    from classifier.codebook_changes import read_changes
    from classifier.codebook_rewriting import rewrite_codebook, rewrite_lexicon
    from classifier.label_migration import write_new
    from classifier.renamed_model import rename_model
    from classifier.yaml_lines import SIZE_LIMIT, read_small

    names = [path.name for path in (codebook, lexicon, model, *(labels or ())) if path is not None]
    if len(set(names)) < len(names):
        usage("two inputs have one name: what is new could not be told apart; rename one")
    change = read_changes(changes, load_codebook(codebook))
    book, written = rewrite_codebook(change)
    files, notes = {codebook.name: written.text.encode()}, [*written.notes]
    if lexicon is not None:
        words = rewrite_lexicon(read_small(lexicon, SIZE_LIMIT), change)
        files[lexicon.name] = words.text.encode()
        notes += words.notes
    tables, look = _migrate_tables(labels or [], change, book)
    files |= tables
    for name in (*files, *([model.name] if model else [])):
        if (out / name).exists():
            raise InputError(f"{out / name}: is there already", "name a new folder with -o")
    with _store(store, change) as opened:
        if model is not None:  # first, as it may be refused
            rename_model(model, out / model.name, change, book)
        for name, content in files.items():
            write_new(out / name, content)
        if opened is not None:
            look += _migrate_store(opened, change, book)
    _conclude(change, out, notes, look)


def _migrate_tables(paths: list[Path], changes: Changes, book: Codebook) -> tuple[dict[str, bytes], int]:
    """Return the files that tables become, by name, and how many rows must be decided."""
    from classifier.label_migration import migrate_rows, read_table, table_bytes

    files, look = dict[str, bytes](), 0
    for path in paths:
        table = migrate_rows(read_table(path), path.name, changes, book)
        files[path.name] = table_bytes(table.sure, path.suffix.lower())
        if table.look:
            open_rows = f"{path.stem}.decide{path.suffix}"
            if open_rows in {other.name for other in paths}:
                raise InputError(
                    f"{path}: its rows to decide would go to '{open_rows}', as another table is called",
                    "rename one of the two",
                )
            files[open_rows] = table_bytes(table.look, path.suffix.lower())
        say(f"{path}: {table.changed:,} labels changed, {len(table.look):,} to be decided")
        look += len(table.look)
    return files, look


@contextmanager
def _store(address: str | None, changes: Changes) -> Iterator[ReviewStore | None]:
    """Open a store that fits the changes, before anything is written; None where none is named."""
    from classifier.label_migration import check_fits
    from classifier.review_store import open_existing

    if address is None:
        yield None
        return
    with open_existing(address) as store:
        check_fits(store, changes)
        yield store


def _migrate_store(store: ReviewStore, changes: Changes, book: Codebook) -> int:
    """Let a store's labels follow; return how many segments must be decided."""
    from classifier.label_migration import migrate_store

    at = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    done = migrate_store(store, changes, book, at)
    changed = f"{done.changed:,} of {done.labels:,} decisions changed"
    say(f"{store.shown_url}: {changed}, {done.look:,} segments to be decided")
    return done.look


def _conclude(changes: Changes, out: Path, notes: list[str], look: int) -> None:
    """Say what was done and what somebody must look at; then exit with 3."""
    for note in notes:
        typer.echo(note)
    say(f"{changes.old.name} {changes.old.version} → {changes.version}, written to {out}")
    if notes or look:
        say(f"look at: {len(notes):,} places in the codebook, {look:,} segments")
        raise typer.Exit(ATTENTION)


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
