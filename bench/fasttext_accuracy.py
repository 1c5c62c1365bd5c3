"""Compare the generic trainer at its defaults with fastText on characters: one label a text.

    python -m bench.fasttext_accuracy [TRAIN.csv TEST.csv CODEBOOK.yaml]

Needs `pip install fasttext-wheel`. Without arguments the starter corpus is used, articles divided in
five and the last fifth held out: the code of each segment that has exactly one, the genre of the
article that a segment stands in, and the genre of a whole article. With arguments: two tables with
the columns text and codes, and their codebook with `exclusive: true`. Prints accuracy on the texts
held out.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import fasttext
import numpy as np

from classifier import PolicyClassifier, load_codebook, read_corpus, shipped
from classifier.codebook import Codebook, codebook_from_text
from classifier.corpus import Corpus, Segment, make_corpus, read_articles
from classifier.folds import grouped_folds

EPOCH, RATE, NGRAMS = 25, 0.5, 3


def spaced(text: str) -> str:
    return " ".join("".join(text.split()))


def by_fasttext(train: Corpus, test: Corpus) -> np.ndarray:
    codes = np.array(train.codebook.columns)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        labels = codes[train.labels.argmax(axis=1)]
        path.write_text(
            "".join(f"__label__{c} {spaced(t)}\n" for c, t in zip(labels, train.texts, strict=True)),
            encoding="utf-8",
        )
        model = fasttext.train_supervised(
            str(path), epoch=EPOCH, lr=RATE, wordNgrams=NGRAMS, thread=2, verbose=0
        )
    # model.predict fails with numpy 2; the function below it does not
    found = [model.f.predict(spaced(text) + "\n", 1, 0.0, "strict")[0][1] for text in test.texts]
    return np.array([name.removeprefix("__label__") for name in found])


def by_ours(train: Corpus, test: Corpus) -> np.ndarray:
    model = PolicyClassifier(train.codebook, n_jobs=2).fit(train.texts, train.labels, train.groups)
    print(f"    C = {model.C_:g}", flush=True)
    return np.array(train.codebook.columns)[model.predict(test.texts).argmax(axis=1)]


def exclusive(name: str, codes: Sequence[str]) -> Codebook:
    lines = "\n".join(f"  - {{code: {c}, name: {c}}}" for c in codes)
    return codebook_from_text(f'name: {name}\nversion: "1"\nexclusive: true\ncodes:\n{lines}\n', name)


def divided(corpus: Corpus) -> tuple[Corpus, Corpus]:
    held_out = grouped_folds(corpus.labels, corpus.groups, 5) == 4
    parts = [
        [s for s, out in zip(corpus.segments, held_out, strict=True) if out == wanted]
        for wanted in (False, True)
    ]
    return make_corpus(parts[0], corpus.codebook), make_corpus(parts[1], corpus.codebook)


def starter_corpus() -> list[tuple[str, Corpus, Corpus]]:
    book = load_codebook()
    single = [s for s in read_corpus([shipped.SEEDS], book).segments if len(s.codes) == 1]
    articles = read_articles(shipped.SEEDS)
    kinds = exclusive("genre", sorted({a.about["genre"] for a in articles}))
    segments = [Segment(a.doc_id, s.text, (a.about["genre"],)) for a in articles for s in a.segments]
    wholes = [Segment(a.doc_id, "".join(s.text for s in a.segments), (a.about["genre"],)) for a in articles]
    return [
        ("one code a segment", *divided(make_corpus(single, exclusive("code", book.columns)))),
        ("genre of a segment's article", *divided(make_corpus(segments, kinds))),
        ("genre of an article", *divided(make_corpus(wholes, kinds))),
    ]


def tables(train: str, test: str, codebook: str) -> list[tuple[str, Corpus, Corpus]]:
    book = load_codebook(codebook)
    return [(Path(train).stem, read_corpus([Path(train)], book), read_corpus([Path(test)], book))]


def main() -> None:
    tasks = tables(*sys.argv[1:]) if len(sys.argv) > 1 else starter_corpus()
    for name, train, test in tasks:
        gold = np.array(train.codebook.columns)[test.labels.argmax(axis=1)]
        print(f"{name}: {len(train.texts):,} to train, {len(test.texts):,} to test", flush=True)
        for way, predict in (("fastText", by_fasttext), ("fupin", by_ours)):
            begun = time.perf_counter()
            accuracy = (predict(train, test) == gold).mean()
            print(f"  {way:9s} accuracy {accuracy:.3f}  ({time.perf_counter() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
