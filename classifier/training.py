"""Training a model on a labelled corpus, and what is said about it in its folder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from classifier.corpus import Corpus
from classifier.drift import reference
from classifier.evaluation import Comparison, compare, shown
from classifier.evaluation_page import HELD_OUT, Measured, evaluation_page, held_out, on_gold
from classifier.lexicon import Lexicon
from classifier.model import PolicyClassifier
from classifier.store import save_model


@dataclass(frozen=True)
class Trained:
    """A fitted model with its out-of-fold comparison per code and per scheme asked for.

    ``own`` is what it made of its training text out of fold, ``golds`` what it makes of gold.
    """

    model: PolicyClassifier
    corpus: Corpus
    comparisons: tuple[Comparison, ...]
    own: Measured
    golds: tuple[Measured, ...] = ()


def train(
    corpus: Corpus,
    lexicon: Lexicon | None = None,
    *,
    schemes: tuple[str, ...] = (),
    golds: Mapping[str, Corpus] = MappingProxyType({}),
    agreement: Mapping[str, float] = MappingProxyType({}),
    **options: Any,
) -> Trained:
    """Fit a `PolicyClassifier` to a corpus and score it out of fold, and on gold.

    Parameters
    ----------
    corpus : Corpus
    lexicon : Lexicon or None
    schemes : tuple of str
        Schemes of the codebook to score beside the codes.
    golds : mapping of str to Corpus
        Gold to score the model on; it is not trained on.
    agreement : mapping of str to float
        F1 between the coders of the training text and of each gold; see `read_agreement`.
    **options
        Parameters of `PolicyClassifier`, the prior among them.
    """
    for name in schemes:
        corpus.codebook.scheme(name)  # an unknown scheme is told before the work, not after
    model = PolicyClassifier(corpus.codebook, lexicon, **options)
    model.fit(corpus.texts, corpus.labels, corpus.groups)
    own = held_out(model, corpus, agreement.get(HELD_OUT))
    min_df = model.features_.min_df
    model.reference_ = reference(
        model, corpus.texts, corpus.groups, own.probabilities, own.given, min_df=min_df
    )
    comparisons = (own.comparison, *(compare(corpus, own.given, own.hits, name) for name in schemes))
    measured = tuple(on_gold(model, gold, name, agreement.get(name)) for name, gold in golds.items())
    return Trained(model, corpus, comparisons, own, measured)


def save_trained(trained: Trained, folder: str | Path) -> None:
    """Write the model folder, with its figures in the manifest, the card and EVALUATION.md."""
    page = evaluation_page(trained.model, trained.own, trained.golds)
    save_model(trained.model, folder, _card(trained), _figures(trained), page)


def _figures(trained: Trained) -> Mapping[str, Any]:
    overall = trained.comparisons[0]
    return {
        "sha256": trained.corpus.sha256(),
        "segments": overall.model.segments,
        "documents": overall.model.documents,
        "out_of_fold": {
            "micro_f1": _rounded(overall.model.micro.value),
            "macro_f1": _rounded(overall.model.macro.value),
            "lexicon_micro_f1": None if overall.baseline is None else _rounded(overall.baseline.micro.value),
        },
        "codes": {
            code: {
                "support": int(row["support"]),
                "f1": _rounded(row["f1"]),
                "trained": code not in trained.model.untrained_,
            }
            for code, row in overall.model.table.iterrows()
        },
    }


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)  # NaN is no JSON


def _card(trained: Trained) -> str:
    """Return the model card: what the model is, from what, how good, and for what it is not."""
    overall, book = trained.comparisons[0], trained.corpus.codebook
    rows = [
        f"| `{code}` | {_in_table(book.code(str(code)).name.get('zh', ''))} | {row['support']:.0f} | "
        + " | ".join(shown(row[figure]) for figure in ("precision", "recall", "f1"))
        + " |"
        for code, row in overall.model.table.iterrows()
    ]
    baseline = "" if overall.baseline is None else f"; the lexicon alone {overall.baseline.micro}"
    return _CARD.format(
        name=book.name,
        version=book.version,
        segments=overall.model.segments,
        documents=overall.model.documents,
        micro=overall.model.micro,
        macro=overall.model.macro,
        baseline=baseline,
        rows="\n".join(rows),
        setting=_in_table("、".join(trained.model.lexicon.setting if trained.model.lexicon else ()))
        or "none",
        prior="none" if trained.model.prior is None else _PRIOR,
        untrained=", ".join(f"`{c}`" for c in trained.model.untrained_) or "none",
    )


def _in_table(name: str) -> str:
    return name.replace("|", "/")


_PRIOR = (
    "weights of short n-grams, learned from text that is not part of the project (labels/outside/README.md)"
)
_CARD = """# Model card

A linear model over character n-grams (TF-IDF) and lexicon hits, which may count more beside the words
that the lexicon names as its setting; one support vector machine a code, with a calibration and a
threshold for each code learned from out-of-fold scores.

- Codebook: `{name}` {version}. A text read alone gets every code whose measure it names, or none.
- Trained on {segments:,} labelled segments in {documents:,} documents.
- Out of fold, whole documents held out, intervals by document: micro-F1 {micro}; macro-F1 {macro}{baseline}.
- Figures on gold, intervals, calibration and confusions: EVALUATION.md.
- Words of the lexicon's setting: {setting}.
- Prior (what labelled text from outside taught): {prior}.
- Untrained codes (too few positives; never given): {untrained}.

| code | name | support | precision | recall | F1 |
|---|---|---|---|---|---|
{rows}

## What to know before relying on it

- These figures say how well the model fits text like its training text. On other text, measure:
  code a few hundred of your own segments and run `fupin evaluate`.
- If the model was trained on the starter corpus of the project: its articles were composed, not
  collected; a language model wrote and coded them; and agreement between coders of one kind
  flatters. Figures on real documents are in the project's README.
- A share computed from the labels inherits their errors. Treat small differences as noise.
- It finds measures that a text names. It does not say whether they were carried out, or worked.
"""
