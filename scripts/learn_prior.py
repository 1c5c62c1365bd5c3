"""Learn `labels/prior.npz` from the labelled outside documents.

    python scripts/learn_prior.py [SHARED]

The labels are stand-off, in labels/outside/; SHARED (by default ../shared) is the folder with
the documents. What is kept of them is a weight per code for each n-gram of at most three characters
that stands in five documents or more. The lexicon is left out: it was revised on some of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.svm import LinearSVC

from classifier import load_codebook, read_corpus, read_gold, shipped
from classifier.features import TextFeatures
from classifier.prior import Prior, save_prior

ROOT = Path(__file__).resolve().parent.parent
MIN_DOCUMENTS = 5
C = 2.0


def document_frequency(X, groups) -> np.ndarray:
    """Return in how many documents each column of a sparse matrix stands."""
    _, document = np.unique(groups, return_inverse=True)
    entries = X.tocoo()
    pairs = np.unique(np.stack([document[entries.row], entries.col]), axis=1)
    return np.bincount(pairs[1], minlength=X.shape[1])


def main() -> None:
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    book = load_codebook()
    features = TextFeatures().fit(read_corpus([shipped.SEEDS], book).texts)
    news = shared / "corpus" / "news_2012_2021.jsonl.gz"
    outside = read_gold(ROOT / "labels" / "outside" / "news.jsonl", book, news)
    X = features.transform(outside.texts)
    kept = np.flatnonzero(document_frequency(X, outside.groups) >= MIN_DOCUMENTS)
    X, names = X[:, kept], features.get_feature_names_out()[kept].astype(str)
    weights = np.vstack([LinearSVC(C=C, random_state=0).fit(X, y).coef_[0] for y in outside.labels.T])
    order = np.argsort(names)
    prior = Prior(book.columns, names[order], weights[:, order].astype(np.float32))
    save_prior(prior, shipped.PRIOR)
    documents = len(set(outside.groups))
    print(f"{len(outside.texts):,} segments in {documents:,} documents; {len(kept):,} features")


if __name__ == "__main__":
    main()
