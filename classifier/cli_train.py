"""The command `fupin train`: from labelled text, or from what was reviewed."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from classifier.console import (
    ATTENTION,
    CodebookOption,
    LexiconOption,
    SchemesOption,
    TextsOption,
    say,
    starter_corpus,
    usage,
)
from classifier.errors import InputError

if TYPE_CHECKING:
    from classifier.codebook import Codebook
    from classifier.corpus import Corpus
    from classifier.review_store import ReviewStore
    from classifier.training import Trained


def train(
    corpus: Annotated[
        Optional[list[Path]],
        typer.Option(help="Starter-corpus folder or labelled table (text, codes); may be repeated."),
    ] = None,
    codebook: CodebookOption = None,
    lexicon: LexiconOption = None,
    reviewed: Annotated[
        Optional[str],
        typer.Option(metavar="STORE", help="Correct a model by the labels of a review store."),
    ] = None,
    model: Annotated[
        Optional[Path],
        typer.Option("-m", "--model", help="With --reviewed: the model in use; default: fupin's own."),
    ] = None,
    even_if_worse: Annotated[
        bool,
        typer.Option("--even-if-worse", help="With --reviewed: write a worse model too."),
    ] = False,
    out: Annotated[Path, typer.Option("-o", "--out", help="Model folder to write.")] = Path("model"),
    scheme: SchemesOption = None,
    gold: Annotated[
        Optional[list[Path]],
        typer.Option(help="Gold to score the model on in EVALUATION.md; may be repeated."),
    ] = None,
    texts: TextsOption = None,
    agreement: Annotated[
        Optional[Path], typer.Option(help="YAML: F1 between the coders of the corpus and of each gold.")
    ] = None,
    min_positives: Annotated[
        int, typer.Option(min=1, help="Codes with fewer positive segments stay untrained.")
    ] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Processes; the model does not depend on it.")] = 2,
) -> None:
    """Train a model on labelled text and print how well it does on articles held out. 训练模型。"""
    if reviewed is not None:
        if gold or agreement or scheme or texts:
            usage("--gold, --texts, --agreement, --scheme: with --reviewed the gold is that of the store")
        _retrain(reviewed, corpus, codebook, lexicon, model, out, even_if_worse, min_positives, jobs)
        return
    if model is not None or even_if_worse:
        usage("--model, --even-if-worse: they belong to --reviewed STORE")
    _train(corpus, codebook, lexicon, gold, texts, agreement, scheme, out, min_positives, jobs)


def _train(
    corpus: list[Path] | None,
    codebook: Path | None,
    lexicon: Path | None,
    gold: list[Path] | None,
    texts: Path | None,
    agreement: Path | None,
    scheme: list[str] | None,
    out: Path,
    min_positives: int,
    jobs: int,
) -> None:
    """Train on a corpus, write the model, and print how good it is."""
    from classifier.codebook import load_codebook
    from classifier.corpus import read_corpus, read_gold
    from classifier.evaluation_page import read_agreement
    from classifier.lexicon import load_lexicon
    from classifier.prior import load_prior
    from classifier.training import save_trained
    from classifier.training import train as fit

    paths = corpus or starter_corpus()
    book = load_codebook(codebook)
    words = load_lexicon(lexicon, book.columns) if lexicon or not codebook else None
    labelled = read_corpus(paths, book)
    golds = {path.stem: read_gold(path, book, texts) for path in _of_different_names(gold or [])}
    ceilings = read_agreement(agreement) if agreement else {}
    _say_size(labelled)
    trained = fit(
        labelled,
        words,
        schemes=tuple(scheme) if scheme is not None else _default_schemes(book),
        golds=golds,
        agreement=ceilings,
        prior=None if codebook else load_prior(),
        min_positives=min_positives,
        n_jobs=jobs,
    )
    save_trained(trained, out)
    _tell(trained, min_positives)
    say(f"model written to {out}")


def _say_size(labelled: Corpus) -> None:
    say(f"{len(labelled.texts):,} segments in {len(set(labelled.groups)):,} documents; training …")


def _tell(trained: Trained, min_positives: int) -> None:
    """Print how well a model does on articles held out, and say which codes it has not learned."""
    from classifier.evaluation import to_text

    for comparison in trained.comparisons:
        typer.echo(to_text(comparison, trained.corpus.codebook))
    for code in trained.model.untrained_:
        say(
            f"untrained: '{code}' has {trained.corpus.support[code]} positive segments; "
            f"needed are {min_positives}, in more than one document"
        )


def _of_different_names(gold: list[Path]) -> list[Path]:
    names = [path.stem for path in gold]
    doubled = next((path for i, path in enumerate(gold) if path.stem in names[:i]), None)
    if doubled is not None:
        raise InputError(f"{doubled}: two gold files are called '{doubled.stem}'", "rename one of them")
    return gold


def _default_schemes(book: Codebook) -> tuple[str, ...]:
    """Return the schemes scored at training: the codebook's first, and the one with most categories."""
    if not book.schemes:
        return ()
    first = next(iter(book.schemes))
    widest = max(book.schemes.values(), key=lambda s: len(s.categories)).scheme
    return tuple(dict.fromkeys((first, widest)))


# --- from what was reviewed ---


def _retrain(
    address: str,
    corpus: list[Path] | None,
    codebook: Path | None,
    lexicon: Path | None,
    model: Path | None,
    out: Path,
    even_if_worse: bool,
    min_positives: int,
    jobs: int,
) -> None:
    """Correct a model by a store's labels, print what changed, and write it unless it is worse."""
    from classifier.lexicon import load_lexicon
    from classifier.retrained_model import refuse_existing, retrain_from

    refuse_existing(out)
    with _store(address, codebook) as store:
        book = store.codebook
        words = load_lexicon(lexicon, book.columns) if lexicon else None
        trained = _trained(store, corpus, lexicon, min_positives, jobs) if corpus else None
        made = retrain_from(
            store, model, lexicon=words, trained=trained, tell=lambda what, _: say(f"{what} …")
        )
    found = made.result
    say(f"{len(found.reviewed.corpus.texts):,} reviewed labels in {found.held_out.documents:,} documents")
    for note in found.notes:
        say(note)
    typer.echo(made.text())
    for reason in found.reasons:
        say(reason)
    if found.refused and not even_if_worse:
        say(f"refused ({found.verdict}): no model is written; --even-if-worse writes it")
        raise typer.Exit(ATTENTION)
    made.save(out, even_if_worse=even_if_worse)
    say(f"{found.verdict}: model written to {out}; the old one stays")


def _store(address: str, codebook: Path | None) -> ReviewStore:
    """Open a store that is there, and see that its codebook is the one named."""
    from classifier.codebook import load_codebook
    from classifier.review_items import codebook_id
    from classifier.review_store import open_existing

    wanted = None if codebook is None else codebook_id(load_codebook(codebook))
    store = open_existing(address)
    with ExitStack() as undo:
        undo.callback(store.close)
        in_use = codebook_id(store.codebook)
        if wanted not in (None, in_use):
            raise InputError(
                f"{codebook}: the store's codebook is another, '{in_use}'",
                "leave --codebook out, or change the store's: `fupin codebook migrate`",
            )
        undo.pop_all()
    return store


def _trained(
    store: ReviewStore, paths: list[Path], lexicon: Path | None, min_positives: int, jobs: int
) -> Trained:
    """Train on a corpus without the texts that were reviewed."""
    from classifier.codebook import load_codebook
    from classifier.corpus import read_corpus
    from classifier.lexicon import load_lexicon
    from classifier.prior import load_prior
    from classifier.reviewed_labels import read_reviewed, without_reviewed
    from classifier.training import train as fit

    book = store.codebook
    own = book.columns == load_codebook().columns
    words = load_lexicon(lexicon, book.columns) if lexicon or own else None
    labelled, left_out = without_reviewed(read_corpus(paths, book), read_reviewed(store))
    if left_out:
        say(f"{left_out:,} segments of the corpus were reviewed too: what was reviewed holds")
    _say_size(labelled)
    prior = load_prior() if own else None
    trained = fit(labelled, words, prior=prior, min_positives=min_positives, n_jobs=jobs)
    _tell(trained, min_positives)
    return trained
