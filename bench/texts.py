"""What all ways work on: text spliced from the starter corpus, so that nothing has seen it before."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from classifier import load_codebook, read_corpus, shipped

TRAINING = 12_000  # segments that the other ways learn from
ARTICLE = 20  # sentences of an article


def spliced(n: int, seed: int = 0) -> Iterator[str]:
    """Yield the first half of one segment of the starter corpus with the second half of another."""
    texts, draw = read_corpus([shipped.SEEDS], load_codebook()).texts, random.Random(seed)
    for _ in range(n):
        first, second = draw.choice(texts), draw.choice(texts)
        yield first[: len(first) // 2] + second[len(second) // 2 :]


def write_sentences(path: Path, n: int) -> None:
    """Write sentences, a line each."""
    path.write_text("\n".join(spliced(n)), encoding="utf-8")


def read_sentences(path: Path) -> list[str]:
    """Read what `write_sentences` wrote."""
    return path.read_text(encoding="utf-8").split("\n")


def write_articles(path: Path, n: int, seed: int) -> None:
    """Write articles as JSONL, one after the other, so that any number of them takes no memory."""
    sentences = spliced(n * ARTICLE, seed)
    with path.open("w", encoding="utf-8") as stream:
        for number in range(n):
            row = {"id": str(number), "text": "\n".join(islice(sentences, ARTICLE))}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def labelled(n: int = TRAINING) -> tuple[list[str], np.ndarray]:
    """Return segments of the starter corpus and their labels, bool of shape (n, n_codes)."""
    corpus = read_corpus([shipped.SEEDS], load_codebook())
    chosen = random.Random(2).sample(range(len(corpus.texts)), min(n, len(corpus.texts)))
    return [corpus.texts[i] for i in chosen], corpus.labels[chosen]
