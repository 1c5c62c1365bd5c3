"""Retraining from folder to folder: which model is corrected, and what the new folder says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from classifier import shipped
from classifier.before_after import BeforeAfter, to_text
from classifier.errors import ModelError, OutputError
from classifier.lexicon import Lexicon
from classifier.model import PolicyClassifier
from classifier.model_files import DRIFT
from classifier.rendering import environment
from classifier.retraining import CORPUS_TEXT, GOLD_TEXT, REVIEWED_TEXT, Retrained, Tell, label_hash, retrain
from classifier.review_store import ReviewStore
from classifier.reviewed_labels import read_reviewed
from classifier.store import MANIFEST, load_model, model_hash, read_manifest, save_model
from classifier.training import Trained

REVIEWED, BASE, SEEN, FOLDER, HASH = "reviewed", "base", "seen", "folder", "sha256"  # keys of the manifest
TEMPLATE = "RETRAINED.md"
_ABOUT = {
    GOLD_TEXT: "gold sample, coded by hand",
    REVIEWED_TEXT: "reviewed documents, each held out",
    CORPUS_TEXT: "corpus, documents held out",
}


@dataclass(frozen=True)
class Retraining:
    """What retraining made, and of what: see `retrain_from`."""

    result: Retrained
    store: str
    base: Mapping[str, Any]

    def save(self, folder: str | Path, *, even_if_worse: bool = False) -> None:
        """Write the new model to a new folder.

        Raises `ModelError` where the model is refused and not wanted even so, or `OutputError` where
        there is a file or a folder of that name already: no model is overwritten.
        """
        if self.result.refused and not even_if_worse:
            raise ModelError(
                f"the new model is {self.result.verdict}: {'; '.join(self.result.reasons)}",
                "keep the old model, or write it with --even-if-worse",
            )
        refuse_existing(folder)
        page = self._page()
        save_model(self.result.model, folder, page, self._manifest(), page)

    def text(self) -> str:
        """Return the comparisons as tables of 80 columns."""
        book = self.result.base.codebook
        return "\n".join(to_text(found, _ABOUT[name], book) for name, found in self.result.compared.items())

    def _manifest(self) -> dict[str, Any]:
        held, corpus = self.result.held_out, self.result.reviewed.corpus
        trained = self.result.model.trained_
        after = {"micro": held.micro.after.to_json()["value"], "macro": held.macro.after.to_json()["value"]}
        return {
            HASH: corpus.sha256(),
            "segments": held.segments,
            "documents": held.documents,
            "out_of_fold": {"micro_f1": after["micro"], "macro_f1": after["macro"], "lexicon_micro_f1": None},
            "codes": {
                c.code: {"support": c.support, "f1": c.after.to_json()["value"], "trained": bool(yes)}
                for c, yes in zip(held.codes, trained, strict=True)
            },
            BASE: dict(self.base),
            REVIEWED: {
                "store": self.store,
                "labels": len(corpus.segments),
                HASH: corpus.sha256(),
                "verdict": self.result.verdict,
                "compared": {n: f.to_json() for n, f in self.result.compared.items()},
                SEEN: sorted({label_hash(segment) for segment in corpus.segments}),
            },
        }

    def _page(self) -> str:
        result = self.result
        return (
            environment(TEMPLATE)
            .get_template(TEMPLATE)
            .render(
                book=result.base.codebook,
                result=result,
                base=self.base,
                summary=[
                    row for name, found in result.compared.items() for row in _summary(_ABOUT[name], found)
                ],
                tables=[(_ABOUT[name], _rows(found)) for name, found in result.compared.items()],
                untrained=[f"`{code}`" for code in result.model.untrained_],
            )
        )


def _summary(about: str, found: BeforeAfter) -> list[list[str]]:
    """Return a row on a text, where there are documents enough for an interval; else none."""
    after, support = found.micro.after, found.micro.support
    size = f"{found.segments:,} ({found.documents:,})"
    figure = f"{after.value:.3f} [{after.low:.3f}, {after.high:.3f}]"
    return [[about, size, f"{support:,}", figure]] if after.low == after.low else []


def _rows(found: BeforeAfter) -> list[list[str]]:
    """Return the codes that stand or are given, then the averages: cells of a Markdown table."""
    return [
        [
            f"`{change.code}`".replace("|", "/"),
            f"{change.support:,}",
            *(_cell(f.value, ".3f") for f in (change.before, change.after)),
            f"{_cell(d.value, '+.3f')} [{_cell(d.low, '+.3f')}, {_cell(d.high, '+.3f')}]",
        ]
        for change in (*found.codes, found.micro, found.macro)
        if change.before.value == change.before.value or change.after.value == change.after.value  # no NaN
        for d in (change.difference,)
    ]


def _cell(value: float, form: str) -> str:
    return format(value, form) if value == value else "–"  # noqa: PLR0124 - not a number


def refuse_existing(folder: str | Path) -> None:
    """Raise `OutputError` where something of that name is there already: the old model stays."""
    path = Path(folder)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise OutputError(f"{folder}: is there already, and no model is overwritten", "name a new folder: -o")


def free_folder(place: Path) -> Path:
    """Return a name for a new model beside others: PLACE-1, PLACE-2 … whichever is not taken."""
    names = (place.with_name(f"{place.name}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def retrain_from(
    store: ReviewStore,
    folder: str | Path | None = None,
    *,
    lexicon: Lexicon | None = None,
    trained: Trained | None = None,
    tell: Tell = lambda _, __: None,
) -> Retraining:
    """Learn from a store what a model got wrong, and compare; nothing is written.

    Where the model learned from reviewed labels itself, the model that it was made from is corrected
    again, by all labels there are now: so labels count once, and nothing is learned from what was
    changed since.

    Parameters
    ----------
    store : ReviewStore
    folder : path, optional
        The model in use, by default the one that comes with the package.
    lexicon : Lexicon, optional
        In place of the model's own, where the codebook has changed.
    trained : Trained, optional
        A model just trained on a corpus, to be corrected in place of the one in use; see
        `without_reviewed`.
    tell : callable
        Told what is being done, and how much of all is behind, from 0 to 1.

    Raises
    ------
    CorpusError
        Where the store has too little to learn from.
    ModelError
        Where a model cannot be read, or knows no code of the store's codebook.
    """
    reviewed = read_reviewed(store)
    path = shipped.MODEL if folder is None else Path(folder)
    manifest = read_manifest(path)
    old, facts = load_model(path), manifest["training"]
    seen = facts.get(REVIEWED, {}).get(SEEN, [])
    base, about = (old, _about(path, facts)) if trained is None else (trained.model, _of_corpus(trained))
    if trained is None and REVIEWED in facts:
        base, about = _base_of(path, facts)
    result = retrain(
        reviewed,
        base,
        old=None if base is old else old,
        seen=seen,
        lexicon=lexicon,
        trained=trained,
        tell=tell,
    )
    return Retraining(result, store.shown_url, about)


def _about(path: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a manifest says of the model that was corrected."""
    folder = "" if path == shipped.MODEL else str(path.resolve())
    training = {k: v for k, v in facts.items() if k not in (DRIFT, "codes")}
    return {HASH: model_hash(path), FOLDER: folder, "training": training}


def _of_corpus(trained: Trained) -> dict[str, Any]:
    micro = trained.comparisons[0].model.micro.value
    corpus = {HASH: trained.corpus.sha256(), "segments": len(trained.corpus.segments)}
    return {HASH: "", FOLDER: "", "training": {**corpus, "out_of_fold": {"micro_f1": round(micro, 4)}}}


def _base_of(path: Path, facts: Mapping[str, Any]) -> tuple[PolicyClassifier, dict[str, Any]]:
    """Return the model that a corrected one was made from, found by its hash."""
    about = facts.get(BASE) or {}
    for place in (shipped.MODEL, Path(about.get(FOLDER) or shipped.MODEL)):
        if (place / MANIFEST).is_file() and model_hash(place) == about.get(HASH):
            return load_model(place), dict(about)
    raise ModelError(*_gone(path, about))


def _gone(path: Path, about: Mapping[str, Any]) -> tuple[str, str]:
    """Return what to say of a model that is not found any more, and the remedy."""
    if about.get(FOLDER):
        return (
            f"{path}: the model that it was made from is not at '{about[FOLDER]}' any more",
            "name that model with -m, or give the corpus again: --corpus",
        )
    if about.get(HASH):
        return (
            f"{path}: it was made from fupin's own model, which is another one in this version",
            "leave out -m: fupin's own model is corrected, by all labels of the store",
        )
    return (
        f"{path}: it was trained on a corpus and corrected at once, and the model between is not kept",
        "give the corpus again: --corpus",
    )
