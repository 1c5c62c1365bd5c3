"""Measure how fast text is labelled, beside the usual ways to do it on the same texts.

    python bench/speed.py -o bench/results/speed.json [--sentences N] [--rounds R] [--training] [--ablation]

Every way works in a process of its own, on one core, and they take turns, so that a busy moment of the
machine does not fall on one of them alone. Figures are medians over the rounds. Needs
`pip install jieba fasttext-wheel pyahocorasick`; what is missing is left out, and said so.
"""

from __future__ import annotations

import os

# read when the libraries are imported; processes started from here inherit it
os.environ.update({f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")})

import argparse
import gc
import importlib.util
import json
import multiprocessing
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from classifier import load_codebook, load_lexicon, load_model, read_corpus, read_gold, shipped

TRAINING = 12_000  # segments that the other ways learn from
FAST = 10  # times the sentences for ways that would be through in no time
FILE = 50  # times the sentences for files, so that starting processes does not rule
ARTICLE = 20  # sentences of an article in the files
JOBS = (1, 2, 4)
STARTS = 4  # fresh processes, of which the first does not count
ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "numba", "pandas", "pyarrow", "joblib"),
    *("jieba", "fasttext", "fasttext-wheel", "pyahocorasick"),
)

Predict = Callable[[Sequence[str]], Any]
Answer = dict[str, float]


# --- text ---


def spliced(n: int, seed: int = 0) -> Iterator[str]:
    """Yield the first half of one segment of the starter corpus with the second half of another."""
    texts, draw = read_corpus([shipped.SEEDS], load_codebook()).texts, random.Random(seed)
    for _ in range(n):
        first, second = draw.choice(texts), draw.choice(texts)
        yield first[: len(first) // 2] + second[len(second) // 2 :]


def write_texts(folder: Path, n: int) -> None:
    """Write what all ways work on: sentences a line each, and articles as JSONL."""
    (folder / "sentences.txt").write_text("\n".join(spliced(FAST * n)), encoding="utf-8")
    sentences = spliced(FILE * n, seed=1)
    with (folder / "articles.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(FILE * n // ARTICLE):
            row = {"id": str(number), "text": "\n".join(islice(sentences, ARTICLE))}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


# --- ways from text to decisions: each learns or loads, and returns what decides ---


def labelled(n: int = TRAINING) -> tuple[list[str], np.ndarray]:
    corpus = read_corpus([shipped.SEEDS], load_codebook())
    chosen = random.Random(2).sample(range(len(corpus.texts)), min(n, len(corpus.texts)))
    return [corpus.texts[i] for i in chosen], corpus.labels[chosen]


def linear(vectorizer: Any) -> Any:
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    return make_pipeline(vectorizer, OneVsRestClassifier(LinearSVC()))


def plain_pipeline() -> Any:
    import jieba
    from sklearn.feature_extraction.text import TfidfVectorizer

    jieba.setLogLevel("WARNING")
    jieba.initialize()
    return linear(TfidfVectorizer(tokenizer=jieba.lcut, ngram_range=(1, 2), token_pattern=None))


def plain() -> Predict:
    return plain_pipeline().fit(*labelled()).predict


def hashing() -> Predict:
    from sklearn.feature_extraction.text import HashingVectorizer

    return (
        linear(HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=2**18))
        .fit(*labelled())
        .predict
    )


def spaced(text: str) -> str:
    return " ".join("".join(text.split()))


def by_fasttext() -> Predict:
    import fasttext

    texts, labels = labelled()
    codes = load_codebook().columns
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "train.txt"
        with path.open("w", encoding="utf-8") as stream:
            for text, given in zip(texts, labels, strict=True):
                names = [f"__label__{codes[j]}" for j in np.flatnonzero(given)] or ["__label__none"]
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
    return load_model().predict


@dataclass(frozen=True)
class Way:
    """One way from text to decisions; ``needs`` are modules, ``prepare`` is done before the clock runs."""

    make: Callable[[], Predict]
    needs: tuple[str, ...] = ()
    fast: bool = False
    prepare: Callable[[str], str] | None = None


WAYS: Mapping[str, Way] = {
    "jieba, TF-IDF, LinearSVC (plain)": Way(plain, ("jieba",)),
    "HashingVectorizer, LinearSVC": Way(hashing),
    "our features in scikit-learn": Way(same_features),
    "Aho-Corasick keyword list": Way(keywords, ("ahocorasick",), fast=True),
    "fastText, text prepared before": Way(
        by_fasttext, ("fasttext",), fast=True, prepare=lambda t: spaced(t) + "\n"
    ),
    "fupin: predict": Way(ours, fast=True),
}
PLAIN, OURS = next(iter(WAYS)), list(WAYS)[-1]


def missing(way: Way) -> str:
    lacking = [name for name in way.needs if importlib.util.find_spec(name) is None]
    return f"no module {', '.join(lacking)}" if lacking else ""


def text_rounds(name: str, folder: Path, n: int) -> Callable[[int], Answer]:
    """Make a way ready; what is returned does one round, on other sentences than the one before."""
    way = WAYS[name]
    texts = (folder / "sentences.txt").read_text(encoding="utf-8").split("\n")
    size = np.array([len(t.encode()) for t in texts])
    lines = list(map(way.prepare, texts)) if way.prepare else texts
    predict = way.make()
    predict(lines[:200])  # compiles, and fills what is filled on first use

    def do(number: int) -> Answer:
        start = 0 if way.fast else number * n % len(lines)
        part = lines[start:] if way.fast else lines[start : start + n]
        begun = time.perf_counter()
        predict(part)
        seconds = time.perf_counter() - begun
        megabytes = size[start : start + len(part)].sum() / 1e6
        return {"seconds": seconds, "sentences": len(part), "megabytes": megabytes}

    return do


# --- ways from file to file ---


def floor_rounds(folder: Path, n: int) -> Callable[[int], Answer]:
    """Read and cut, and nothing else: no way of labelling can be faster."""
    from classifier.batch import CHUNK
    from classifier.documents import documents
    from classifier.segments import cut_all
    from classifier.tries import bounds_of

    source = folder / "articles.jsonl"

    def do(number: int) -> Answer:
        begun, sentences = time.perf_counter(), 0
        stream = documents([source])
        while texts := [d.text for d in islice(stream, CHUNK)]:
            sentences += len(cut_all("".join(texts), bounds_of(texts)).kept().text)
        seconds = time.perf_counter() - begun
        return {"seconds": seconds, "sentences": sentences, "megabytes": source.stat().st_size / 1e6}

    do(0)
    return do


def file_rounds(jobs: int, folder: Path, n: int) -> Callable[[int], Answer]:
    """Label the articles into a Parquet file, as `fupin label --jobs` does."""
    from classifier.batch import label_documents
    from classifier.crew import Processes
    from classifier.documents import documents

    model, source = load_model(), folder / "articles.jsonl"
    model.predict(["卫生室建好了。"])

    def do(number: int) -> Answer:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            out, seen, begun = Path(place) / "out.parquet", Watch(jobs), time.perf_counter()
            tally = label_documents(documents([source]), model, out, crew=Processes(jobs), progress=seen)
            seconds = time.perf_counter() - begun
            wrote = out.stat().st_size / 1e6
        read = source.stat().st_size / 1e6
        found = {"seconds": seconds, "sentences": tally.segments, "megabytes": read, "megabytes_out": wrote}
        return {**found, "steady": seen.steady(), "peak_of_helpers": seen.peak}

    return do


class Watch:
    """Notes when chunks are done, and the peak memory of the processes that help."""

    def __init__(self, jobs: int) -> None:
        from classifier.crew import ALONE

        self.up = 2 + ALONE + jobs  # chunks done when each process has done one, as a rule
        self.times: list[tuple[float, int]] = []
        self.peak = 0.0

    def __call__(self, made: Any) -> None:
        """Note a chunk."""
        self.times.append((time.perf_counter(), made.segments))
        self.peak = max([self.peak, *map(peak_memory, helpers())])

    def steady(self) -> float:
        """Return the sentences a second once all processes are up; NaN where the text is too short."""
        later = self.times[max(self.up, len(self.times) // 3) :]
        if len(later) < 2:
            return float("nan")
        return sum(n for _, n in later[1:]) / (later[-1][0] - later[0][0])


def helpers() -> list[str]:
    found = (p.read_text().split() for p in Path("/proc/self/task").glob("*/children"))
    with suppress(OSError):
        return [pid for pids in found for pid in pids]
    return []


def peak_memory(pid: str = "self") -> float:
    """Return the peak memory of a process in MB, NaN where the system does not tell."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3
    return float("nan")


def forget_peak() -> None:
    """Begin the peak anew, so that training is not part of it."""
    gc.collect()
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


# --- processes that take turns ---


def task_of(name: str) -> Callable[[Path, int], Callable[[int], Answer]]:
    return {**{way: partial(text_rounds, way) for way in WAYS}, **FILES}[name]


FILES: Mapping[str, Callable[[Path, int], Callable[[int], Answer]]] = {
    "read and cut only (the floor)": floor_rounds,
    **{
        f"fupin: file to Parquet, {jobs} process{'es' * (jobs > 1)}": partial(file_rounds, jobs)
        for jobs in JOBS
    },
}
FLOOR, ALONE = list(FILES)[:2]


def serve(name: str, folder: Path, n: int, pipe: Any) -> None:
    """Do a round for each number that comes through the pipe; runs in a process of its own."""
    do = task_of(name)(folder, n)
    forget_peak()
    pipe.send("ready")
    with suppress(EOFError):  # another way failed, and said so
        while (number := pipe.recv()) is not None:
            pipe.send({**do(number), "peak": peak_memory()})


@contextmanager
def process_for(name: str, folder: Path, n: int) -> Iterator[Any]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(name, folder, n, there))
    process.start()
    there.close()  # so that its end is noticed here
    try:
        here.recv()
        yield here
        here.send(None)
    except EOFError:
        raise SystemExit(f"{name}: its process ended early; what it said stands above") from None
    finally:
        here.close()
        process.join()


def in_turn(names: Sequence[str], folder: Path, n: int, rounds: int) -> dict[str, Answer]:
    """Return the median of the rounds of each way, one round of each after the other."""
    from contextlib import ExitStack

    answers: dict[str, list[Answer]] = {name: [] for name in names}
    with ExitStack() as stack:
        pipes = {}
        for name in names:
            print(f"  {name} ...", file=sys.stderr, flush=True)
            pipes[name] = stack.enter_context(process_for(name, folder, n))
        for number in range(rounds):
            for name, pipe in pipes.items():
                pipe.send(number)
                answers[name].append(pipe.recv())
    return {name: summary(found) for name, found in answers.items()}


def summary(answers: Sequence[Answer]) -> Answer:
    middle = {key: statistics.median(a[key] for a in answers) for key in answers[0]}
    rates = {
        "sentences_per_s": statistics.median(a["sentences"] / a["seconds"] for a in answers),
        "mb_per_s": statistics.median(a["megabytes"] / a["seconds"] for a in answers),
        "peak_mb": max(max(a["peak"], a.get("peak_of_helpers", 0.0)) for a in answers),
    }
    if "megabytes_out" in middle:
        rates["steady_sentences_per_s"] = middle["steady"]
        rates["bytes_out_per_sentence"] = middle["megabytes_out"] * 1e6 / middle["sentences"]
    return {**rates, "bytes_in_per_sentence": middle["megabytes"] * 1e6 / middle["sentences"]}


# --- start-up and training ---


def start_up(folder: Path) -> dict[str, float]:
    """Return seconds of fresh processes, the first of which may compile and does not count."""
    article = folder / "article.txt"
    article.write_text("".join(spliced(ARTICLE, seed=3)), encoding="utf-8")
    load = "import time, classifier.store as s; b = time.perf_counter(); s.load_model(); "
    told = "print(time.perf_counter() - b)"
    fupin = (sys.executable, "-m", "classifier")
    return {
        "fupin --help": fresh(*fupin, "--help"),
        "fupin label, one article": fresh(*fupin, "label", str(article), "-o", str(folder / "one.csv")),
        "load_model(), libraries imported": fresh(sys.executable, "-c", load + told, told=True),
    }


def fresh(*command: str, told: bool = False) -> float:
    """Return the median seconds of a command, or those that it prints itself."""
    seconds = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
        seconds.append(float(done.stdout) if told else time.perf_counter() - begun)
    return statistics.median(seconds[1:])


def training() -> dict[str, float]:
    """Return seconds to train on the same segments; ours chooses its strength and thresholds in that time."""
    from classifier import PolicyClassifier

    texts, labels = labelled()
    book = load_codebook()
    model = PolicyClassifier(book, load_lexicon(shipped.LEXICON, book.columns))
    return {
        "plain pipeline, one fit": timed(lambda: plain_pipeline().fit(texts, labels)),
        "fupin, strength and thresholds chosen": timed(lambda: model.fit(texts, labels)),
    }


def timed(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


# --- what each element of the model costs ---

ELEMENTS: Mapping[str, dict[str, bool]] = {
    "as shipped": {},
    "without L2 norm": {"norm": False},
    "without sublinear tf": {"log": False},
    "float32 weights, not 8 bits": {"small": False},
}


def ablation(rounds: int) -> dict[str, dict[str, float]]:
    speed = kernel_speeds(rounds)
    return {name: {"kernel_sentences_per_s": speed[name], **f1_of(**left)} for name, left in ELEMENTS.items()}


def f1_of(norm: bool = True, log: bool = True, small: bool = True) -> dict[str, float]:
    """Return F1 of scikit-learn machines without an element: 3/5 train, 1/5 sets thresholds, 1/5 tests."""
    from classifier.decisions import fit_decisions

    corpus, gold, fold = task_for_f1()
    texts, labels = np.array(corpus.texts, dtype=object), corpus.labels
    vectors = vectors_of(texts[fold < 3], norm, log)
    coef, intercept = machines(vectors(texts[fold < 3]), labels[fold < 3], small)

    def scores(part: Any) -> np.ndarray:
        return np.asarray(vectors(part) @ coef.T + intercept, dtype=np.float64)

    decisions = fit_decisions(scores(texts[fold == 3]), labels[fold == 3], exclusive=False)
    held_out = decisions.decide(decisions.probabilities(scores(texts[fold == 4])))
    on_gold = decisions.decide(decisions.probabilities(scores(gold.texts)))
    return {
        "f1_held_out": micro_f1(held_out, labels[fold == 4]),
        "f1_examples": micro_f1(on_gold, gold.labels),
    }


def task_for_f1() -> tuple[Any, Any, np.ndarray]:
    from classifier.folds import grouped_folds

    book = load_codebook()
    corpus = read_corpus([shipped.SEEDS], book)
    gold = read_gold(ROOT / "docs" / "examples_gold.jsonl", book)
    return corpus, gold, grouped_folds(corpus.labels, corpus.groups, 5)


def vectors_of(texts: Sequence[str], norm: bool, log: bool) -> Callable[[Sequence[str]], Any]:
    """Fit TF-IDF beside the lexicon's hits as the model has them; return what makes vectors of texts.

    Without the norm all rows are divided by one number, so that they have length 1 on average
    and the strength of the machines means the same.
    """
    from scipy.sparse import csr_matrix, hstack
    from sklearn.feature_extraction.text import TfidfTransformer

    from classifier.features import TextFeatures

    features = TextFeatures(lexicon=load_lexicon(shipped.LEXICON, load_codebook().columns)).fit(texts)
    counter = features.counter_
    known = len(features.terms_)

    def counts(part: Sequence[str]) -> Any:
        from classifier.features import prepare

        return counter.transform(prepare(part))

    weigh = TfidfTransformer(norm="l2" if norm else None, sublinear_tf=log).fit(counts(texts))
    shrink = 1.0 if norm else 1 / float(np.sqrt(weigh.transform(counts(texts)).power(2).sum(axis=1).mean()))
    return lambda part: csr_matrix(
        hstack([shrink * weigh.transform(counts(part)), features.transform(part)[:, known:]])
    )


def machines(X: Any, labels: np.ndarray, small: bool, C: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.svm import LinearSVC

    from classifier.scoring import rounded

    fitted = [LinearSVC(C=C, random_state=0).fit(X, column) for column in labels.T]
    coef = np.vstack([m.coef_[0] for m in fitted]).astype(np.float32)
    return (rounded(coef) if small else coef), np.array([m.intercept_[0] for m in fitted])


def micro_f1(given: np.ndarray, truth: np.ndarray) -> float:
    return 2 * float((given & truth).sum()) / float(given.sum() + truth.sum())


def kernel_speeds(rounds: int) -> dict[str, float]:
    """Time the kernel that adds up weights, and copies of it without an element, on one input."""
    from classifier import scoring

    caught: list[Any] = []
    real, texts = scoring._add_up, list(spliced(20_000, seed=4))
    scoring._add_up = lambda *given: caught.append(given) or real(*given)  # its input, as the scorer makes it
    try:
        load_model().predict(texts)
    finally:
        scoring._add_up = real
    kernels = {name: kernel(caught[0], **left) for name, left in ELEMENTS.items()}
    if not np.allclose(kernels["as shipped"](), real(*caught[0]), atol=1e-4):
        raise SystemExit("bench/speed.py: its copy of the kernel is out of date")
    for run in kernels.values():
        run()  # compiles
    times = {name: [] for name in kernels}
    for _ in range(max(rounds, 5)):
        for name, run in kernels.items():
            times[name].append(timed(run))
    return {name: len(texts) / statistics.median(found) for name, found in times.items()}


def kernel(
    given: Sequence[Any], norm: bool = True, log: bool = True, small: bool = True
) -> Callable[[], np.ndarray]:
    """Return a copy of `classifier.scoring._add_up` without an element, ready to run on its input."""
    from classifier.scoring import _WORTH

    ngrams, longest, rows, worth, text, bounds = given
    unit, idf = worth[:, -2].copy(), worth[:, -1].copy()
    codes = rows.shape[1] - _WORTH
    if not small:  # each weight as it is worth, and then the idf alone
        scale = np.divide(unit, idf, out=np.zeros_like(unit), where=idf > 0)
        rows, worth = rows[:, :codes] * scale[:, None], np.stack([idf, idf], axis=1)
    run = compiled_kernel(compiled_weigh(norm, log), longest, codes)
    return lambda: run(ngrams, rows, worth, text, bounds)


def compiled_weigh(norm: bool, log: bool) -> Any:
    """Return `classifier.scoring._weigh` without an element; what is false here is not compiled at all."""
    from numba import njit

    @njit(fastmath=True)
    def value_of(count):
        value = np.float32(1)
        if count > 1:
            value = value + np.log(np.float32(count)) if log else np.float32(count)
        return value

    @njit(fastmath=True)
    def weigh(worth, nodes, n, counts, values):
        square, idf = np.float32(0), worth.shape[1] - 1
        for k in range(n):
            node = nodes[k]
            value = value_of(counts[node])
            counts[node], values[k] = 0, value * worth[node, idf - 1]
            if norm:
                square += (value * worth[node, idf]) ** 2
        shrink = 1 / np.sqrt(square) if square > 0 else np.float32(0)
        if norm:
            for k in range(n):
                values[k] *= shrink

    return weigh


def compiled_kernel(weigh: Any, longest: int, codes: int) -> Any:
    from numba import njit

    from classifier.scoring import _count, _nodes

    @njit(fastmath=True)
    def add_up(ngrams, rows, worth, text, bounds):
        root, table, sieve, term = ngrams
        out = np.zeros((len(bounds) - 1, codes), dtype=np.float32)
        size = np.max(np.diff(bounds)) + 1
        starts, at = np.zeros((2, size), dtype=np.int32)
        nodes, values = np.zeros(size * longest, dtype=np.int32), np.zeros(size * longest, dtype=np.float32)
        counts = np.zeros(len(term), dtype=np.int32)
        for i in range(len(out)):
            n = _nodes(root, table, sieve, longest, text[bounds[i] : bounds[i + 1]], starts, at, nodes)
            n = _count(nodes, n, counts)
            weigh(worth, nodes, n, counts, values)
            for k in range(n):
                row, value = rows[nodes[k]], values[k]
                for j in range(codes):
                    out[i, j] += value * row[j]
        return out

    return add_up


# --- what is told ---


def machine() -> dict[str, Any]:
    found = {}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": found,
    }


def cpu() -> str:
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()


def table(title: str, found: Mapping[str, Answer], base: float | None, what: str) -> None:
    """Print rates; the last column is a ratio to ``base``, the plain pipeline's."""
    print(f"\n{title:38}{'sentences/s':>13}{'MB/s':>9}{'peak MB':>9}{what:>9}")
    for name, row in found.items():
        ratio = f"{row['sentences_per_s'] / base:8.1f}×" if base else f"{'–':>9}"
        print(f"{name:38}{row['sentences_per_s']:13,.0f}{row['mb_per_s']:9.2f}{row['peak_mb']:9.0f}{ratio}")


def tell(result: Mapping[str, Any]) -> None:
    text, files = result["text_to_decisions"], result["file_to_file"]
    base = text[PLAIN]["sentences_per_s"] if PLAIN in text else None
    table("text → decisions, one core", text, base, "÷ plain")
    for name, why in result["skipped"].items():
        print(f"{name:38}  skipped: {why}")
    table("file → file", files, base, "÷ plain")
    alone = files[ALONE]
    print(
        f"\nthe floor is {files[FLOOR]['sentences_per_s'] / alone['sentences_per_s']:.1f}× one process;",
        end=" ",
    )
    print(
        f"a sentence: {alone['bytes_in_per_sentence']:.0f} bytes in,",
        f"{alone['bytes_out_per_sentence']:.0f} out",
    )
    for name in list(FILES)[2:]:
        whole, steady = (files[name][k] / alone[k] for k in ("sentences_per_s", "steady_sentences_per_s"))
        print(f"{name:38}{whole:5.2f}× one process; {steady:.2f}× once all are up")
    for title in ("start_up", "training"):
        if result.get(title):
            print(f"\n{title.replace('_', '-') + ', seconds':38}")
        for name, seconds in result.get(title, {}).items():
            print(f"{name:38}{seconds:13.2f}")
    if "ablation" in result:
        tell_ablation(result["ablation"])


def tell_ablation(found: Mapping[str, Mapping[str, float]]) -> None:
    print(f"\n{'what each element costs':38}{'kernel/s':>13}{'÷ shipped':>10}{'F1 held':>9}{'F1 ex.':>9}")
    base = found["as shipped"]["kernel_sentences_per_s"]
    for name, row in found.items():
        rate = row["kernel_sentences_per_s"]
        print(f"{name:38}{rate:13,.0f}{rate / base:9.2f}×{row['f1_held_out']:9.3f}{row['f1_examples']:9.3f}")
    print(
        "kernel/s: sentences of the compiled loop that adds up weights, and of copies of it;\n"
        "normalising, cues and decisions are not in it. F1: scikit-learn machines without the\n"
        "element (C 4, no prior) on starter articles held out, and on docs/examples_gold.jsonl."
    )


def measured(options: argparse.Namespace) -> dict[str, Any]:
    skipped = {name: why for name, way in WAYS.items() if (why := missing(way))}
    n, rounds = options.sentences, options.rounds
    result: dict[str, Any] = {"machine": machine(), "sentences": n, "rounds": rounds, "skipped": skipped}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_texts(folder, n)
        result["text_to_decisions"] = in_turn([w for w in WAYS if w not in skipped], folder, n, rounds)
        result["file_to_file"] = in_turn(list(FILES), folder, n, rounds)
        result["start_up"] = start_up(folder)
    if options.training:
        result["training"] = training()
    if options.ablation:
        result["ablation"] = ablation(rounds)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how fast text is labelled.")
    parser.add_argument("-o", "--out", type=Path, help="write the figures as JSON")
    parser.add_argument("--sentences", type=int, default=20_000, help="a round of the slow ways")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--training", action="store_true", help="time training too")
    parser.add_argument("--ablation", action="store_true", help="what L2 norm, sublinear tf and 8 bits cost")
    options = parser.parse_args()
    result = measured(options)
    tell(result)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
