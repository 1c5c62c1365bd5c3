"""Measure how the model grows with the starter corpus, and print a table for docs/accuracy.md.

    python scripts/learning_curve.py [SHARED]

Whole articles are drawn; each share holds the smaller ones. SHARED is the folder with the
outside documents (by default ../shared).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from classifier import evaluate, load_codebook, load_lexicon, read_corpus, read_gold, train
from classifier.corpus import Corpus
from classifier.prior import load_prior

ROOT = Path(__file__).resolve().parent.parent
SHARES = (1 / 8, 1 / 4, 1 / 2, 1)


def part(corpus: Corpus, share: float) -> Corpus:
    """Return the segments of a share of the articles, drawn with a fixed seed."""
    articles = np.unique(corpus.groups)
    order = np.random.default_rng(1).permutation(len(articles))
    chosen = set(articles[order[: round(share * len(articles))]])
    kept = [i for i, group in enumerate(corpus.groups) if group in chosen]
    return Corpus(corpus.codebook, tuple(corpus.segments[i] for i in kept), corpus.labels[kept])


def main() -> None:
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    book, lexicon = load_codebook(), load_lexicon()
    corpus = read_corpus([ROOT / "seeds"], book)
    news = shared / "corpus" / "news_2012_2021.jsonl.gz"
    gold = [
        read_gold(shared / "gold" / "seeds_dev.jsonl", book),
        read_gold(ROOT / "labels" / "gold" / "news_dev.jsonl", book, news),
    ]
    print("| segments | features | out of fold | seeds_dev | news_dev |\n|---|---|---|---|---|")
    kinds = (
        (None, None, "text alone"),
        (lexicon, None, "text and lexicon"),
        (lexicon, load_prior(), "text, lexicon, prior"),
    )
    for words, prior, name in kinds:
        for share in SHARES:
            trained = train(part(corpus, share), words, prior=prior, C=1.0, n_jobs=4)
            figures = [trained.comparisons[0].model] + [evaluate(trained.model, g).model for g in gold]
            cells = " | ".join(f"{f.micro.value:.3f} / {f.macro.value:.3f}" for f in figures)
            print(f"| {len(trained.corpus.texts):,} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
