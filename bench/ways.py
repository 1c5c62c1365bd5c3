"""Ways from text to decisions: each learns or loads, and returns what decides."""

from __future__ import annotations

import importlib.util
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.gauges import timed
from bench.processes import Answer
from bench.texts import labelled, read_sentences
from classifier import load_codebook, load_lexicon, load_model, shipped
from classifier.store import load_predictor

LEAST = 1.0  # seconds of a round: a way that is through sooner does the same sentences again
SENTENCES = "sentences.txt"

Predict = Callable[[Sequence[str]], Any]
Labelled = tuple[list[str], np.ndarray]


def linear(vectorizer: Any) -> Any:
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(vectorizer, OneVsRestClassifier(LinearSVC()))


def plain(given: Labelled) -> Predict:
    import jieba
    from sklearn.feature_extraction.text import TfidfVectorizer

    jieba.setLogLevel("WARNING")
    jieba.initialize()
    words = TfidfVectorizer(tokenizer=jieba.lcut, ngram_range=(1, 2), token_pattern=None)
    return linear(words).fit(*given).predict


def hashing(given: Labelled) -> Predict:
    from sklearn.feature_extraction.text import HashingVectorizer

    ngrams = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=2**18)
    return linear(ngrams).fit(*given).predict


def spaced(text: str) -> str:
    return " ".join("".join(text.split()))


def by_fasttext(given: Labelled) -> Predict:
    import fasttext

    codes = load_codebook().columns
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        with path.open("w", encoding="utf-8") as stream:
            for text, labels in zip(*given, strict=True):
                names = [f"__label__{codes[j]}" for j in np.flatnonzero(labels)] or ["__label__none"]
                stream.write(f"{' '.join(names)} {spaced(text)}\n")
        model = fasttext.train_supervised(
            str(path), epoch=10, lr=0.5, wordNgrams=3, loss="ova", thread=1, verbose=0
        )
    # the function below model.predict, which fails with numpy 2
    return lambda lines: model.f.multilinePredict(lines, -1, 0.5, "strict")


def keywords() -> Predict:
    import ahocorasick

    lexicon = load_lexicon(shipped.LEXICON, load_codebook().columns)
    automaton = ahocorasick.Automaton()
    for cue, codes in lexicon.cues.items():
        automaton.add_word(cue, [lexicon.codes.index(code) for code in codes])
    automaton.make_automaton()

    def predict(texts: Sequence[str]) -> np.ndarray:
        out = np.zeros((len(texts), len(lexicon.codes)), dtype=bool)
        for i, text in enumerate(texts):
            for _, columns in automaton.iter(text):
                out[i, columns] = True
        return out

    return predict


def same_features() -> Predict:
    model = load_model()

    def predict(texts: Sequence[str]) -> np.ndarray:
        scores = model.features_.transform(texts) @ model.coef_.T + model.intercept_
        return model.decide(model.probabilities(np.asarray(scores, dtype=np.float64)))

    return predict


def ours() -> Predict:
    return load_predictor().predict


@dataclass(frozen=True)
class Way:
    """One way from text to decisions; ``needs`` are modules, ``prepare`` is done before the clock runs."""

    make: Callable[[], Predict]
    needs: tuple[str, ...] = ()
    prepare: Callable[[str], str] | None = None


WAYS: Mapping[str, Way] = {
    "jieba, TF-IDF, LinearSVC (plain)": Way(lambda: plain(labelled()), ("jieba",)),
    "HashingVectorizer, LinearSVC": Way(lambda: hashing(labelled())),
    "our features in scikit-learn": Way(same_features),
    "Aho-Corasick keyword list": Way(keywords, ("ahocorasick",)),
    "fastText, text prepared before": Way(
        lambda: by_fasttext(labelled()), ("fasttext",), prepare=lambda text: spaced(text) + "\n"
    ),
    "fupin: predict": Way(ours),
}
PLAIN, FASTTEXT, OURS = (list(WAYS)[place] for place in (0, -2, -1))


def missing(name: str) -> str:
    """Return why a way cannot be gone here; empty where it can."""
    lacking = [module for module in WAYS[name].needs if importlib.util.find_spec(module) is None]
    return f"no module {', '.join(lacking)}" if lacking else ""


def text_rounds(name: str, folder: Path, n: int) -> Callable[[int], Answer]:
    """Make a way ready; what is returned labels ``n`` sentences, in each round others.

    All ways label the same sentences in a round.
    """
    way, texts = WAYS[name], read_sentences(folder / SENTENCES)
    size = np.array([len(text.encode()) for text in texts])
    lines = list(map(way.prepare, texts)) if way.prepare else texts
    predict = way.make()
    predict(lines[:200])  # compiles, and fills what is filled on first use

    def do(number: int) -> Answer:
        part, passes = slice(number * n, (number + 1) * n), list[float]()
        given = lines[part]
        while sum(passes) < LEAST:
            passes.append(timed(lambda: predict(given)))
        megabytes = float(size[part].sum() / 1e6)
        return {"seconds": statistics.median(passes), "sentences": len(given), "megabytes": megabytes}

    return do
