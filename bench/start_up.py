"""How long it takes until work begins: fresh processes, loading, training."""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

from bench.gauges import timed
from bench.texts import ARTICLE, labelled, spliced
from bench.ways import FASTTEXT, OURS, PLAIN, by_fasttext, missing, plain
from classifier import load_codebook, load_lexicon, shipped

STARTS = 4  # fresh processes, of which the first does not count: it may compile
LOADING = """
import time
import classifier.model
from classifier.store import {load}
begun = time.perf_counter()
{load}()
print(time.perf_counter() - begun)
"""


def start_up(folder: Path) -> dict[str, float]:
    """Return seconds of fresh processes."""
    article = folder / "article.txt"
    article.write_text("".join(spliced(ARTICLE, seed=3)), encoding="utf-8")
    fupin = (sys.executable, "-m", "classifier")
    return {
        "fupin --help": fresh(*fupin, "--help"),
        "fupin label, one article": fresh(*fupin, "label", str(article), "-o", str(folder / "one.csv")),
        "the model, as fupin label loads it": fresh_load("load_predictor"),
        "load_model()": fresh_load("load_model"),
    }


def fresh(*command: str) -> float:
    """Return the median seconds of a command."""
    return middle(
        [timed(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(STARTS)]
    )


def fresh_load(load: str) -> float:
    """Return the median seconds of a function that loads, its libraries imported before."""
    command = (sys.executable, "-c", LOADING.format(load=load))
    return middle(
        [float(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(STARTS)]
    )


def middle(seconds: list[float]) -> float:
    return statistics.median(seconds[1:])


def training() -> dict[str, float]:
    """Return seconds to train on the same segments; ours chooses its strength and thresholds in that time."""
    from classifier import PolicyClassifier  # here, lest scikit-learn weigh on every process of the benchmark

    given, book = labelled(), load_codebook()
    model = PolicyClassifier(book, load_lexicon(shipped.LEXICON, book.columns))
    fits = {
        "plain pipeline, one fit": (PLAIN, partial(plain, given)),
        "fastText, one fit": (FASTTEXT, partial(by_fasttext, given)),
        "fupin, strength and thresholds chosen": (OURS, partial(model.fit, *given)),
    }
    return {name: timed(fit) for name, (way, fit) in fits.items() if not missing(way)}
