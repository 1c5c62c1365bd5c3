"""Text that a model has not seen the like of, and the base without it that `bench.retrainings` corrects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import ROOT
from classifier import load_codebook, load_lexicon, shipped
from classifier.corpus import Corpus, Segment, make_corpus, read_articles, read_gold
from classifier.model import PolicyClassifier
from classifier.prior import Prior, load_prior
from classifier.store import load_model, read_manifest, save_model

STRENGTH = 1.0  # the trainer chooses C each time
NEWS_LABELS = ROOT / "labels" / "outside" / "news.jsonl"
NEWS_TEXTS = ROOT.parent / "shared" / "corpus" / "news_2012_2021.jsonl.gz"


@dataclass(frozen=True)
class Shift:
    """A base that was trained without some genres of the starter corpus, which are then the user's text.

    Without genres the user's text is the news of ``labels/outside``, and the base does without the
    prior, which was learned from it.
    """

    name: str
    told: str
    genres: tuple[str, ...] = ()

    @property
    def absent(self) -> str:
        """Why it cannot be simulated here; empty where it can."""
        missing = [path for path in (NEWS_LABELS, NEWS_TEXTS) if not self.genres and not path.exists()]
        return f"{missing[0]} is not here: it is no part of the project" if missing else ""

    @property
    def prior(self) -> Prior | None:
        """What the base's machines learn from beside its corpus."""
        return load_prior() if self.genres else None


SHIFTS = (
    Shift("news", "TV news, `labels/outside`"),
    Shift(
        "narrative", "diaries, essays, deeds, NGO stories", ("village-diary", "essay", "deeds", "ngo-story")
    ),
    Shift(
        "official",
        "statutes, notices, plans, reports, answers",
        ("statute", "notice", "plan", "government-report", "policy-qa"),
    ),
)


def corpora(shift: Shift) -> tuple[Corpus, Corpus]:
    """Return the base's corpus and the user's."""
    book, articles = load_codebook(), read_articles(shipped.SEEDS)

    def of(own: bool) -> list[Segment]:
        return [s for a in articles if (a.about["genre"] in shift.genres) == own for s in a.segments]

    user = make_corpus(of(True), book) if shift.genres else read_gold(NEWS_LABELS, book, NEWS_TEXTS)
    return make_corpus(of(False), book), user


def write_base(shift: Shift, folder: Path) -> None:
    """Train the base and write it to FOLDER/NAME; one that is there stays, if it is of the same corpus."""
    corpus, place = corpora(shift)[0], folder / shift.name
    if (place / "manifest.json").exists() and read_manifest(place)["training"]["sha256"] == corpus.sha256():
        return
    book = corpus.codebook
    model = PolicyClassifier(book, load_lexicon(None, book.columns), shift.prior, C=STRENGTH)
    save_model(model.fit(corpus.texts, corpus.labels, corpus.groups), place, "", {"sha256": corpus.sha256()})


def read_base(shift: Shift, folder: Path) -> PolicyClassifier:
    """Return what `write_base` wrote."""
    return load_model(folder / shift.name)


@contextmanager
def kept_in(folder: Path | None) -> Iterator[Path]:
    """Give a folder for bases: the one named, or one that is removed in the end."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    else:
        with TemporaryDirectory(prefix="bases-") as made:
            yield Path(made)
