"""What the elements of the model cost: the compiled kernel with one of them changed, checked and timed.

A changed kernel is the source of the shipped one with a few expressions replaced. So it is as fast as
the shipped one but for the change, and cannot fall behind it: what is no longer there to be replaced
ends the run.
"""

from __future__ import annotations

import inspect
import statistics
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from unittest import mock

import numpy as np

from bench.elements import ELEMENTS, PRESENCE, RAW, SUBLINEAR, Element, weighted_terms
from bench.gauges import timed
from bench.texts import spliced
from classifier import PolicyClassifier, load_model, scoring
from classifier.compiling import njit

SENTENCES = 20_000
CHECKED = 2_000  # of them, against scikit-learn
ROUNDS = 5  # at least
WITHOUT_CACHE = (("cache=True, ", ""),)  # which is for functions of a file
WITHOUT_NORM = (("square += worth[node, idf] ** 2", "pass"), ("out[i, j] *= shrink", "pass"))
WITH_COUNTS = (  # the table of marks becomes one of counts, which are taken back when they are used
    ("np.zeros(len(term), dtype=np.uint8)", "np.zeros(len(term), dtype=np.uint16)"),
    ("seen[node] != mark", "seen[node] == 0"),
    ("seen[node] = mark", "seen[node] += 1"),
    (
        "unit = worth[node, idf - 1]",
        "tf, seen[node] = of_count(seen[node]), 0; unit = tf * worth[node, idf - 1]",
    ),
    ("square += worth[node, idf] ** 2", "square += (tf * worth[node, idf]) ** 2"),
)

Given = tuple[Any, ...]  # what `classifier.scoring._add_up` is called with


@njit(fastmath=True)
def sublinear(count: Any) -> Any:
    value = np.float32(1)
    if count > 1:
        value += np.log(np.float32(count))
    return value


@njit
def raw(count: Any) -> Any:
    return np.float32(count)


OF_COUNT = {SUBLINEAR: sublinear, RAW: raw}


def kernel_speeds(rounds: int) -> dict[str, float]:
    """Return the sentences a second of the kernel with each element changed; they take turns on one input."""
    model, texts = load_model(), list(spliced(SENTENCES, seed=4))
    given = given_for(model, texts)
    kernels = {name: ready(element, given) for name, element in ELEMENTS.items()}
    for name, run in kernels.items():  # which compiles too
        check(name, run(), plain_scores(model, ELEMENTS[name], texts[:CHECKED]))
    seconds: Mapping[str, list[float]] = {name: [] for name in kernels}
    for _ in range(max(rounds, ROUNDS)):
        for name, run in kernels.items():
            seconds[name].append(timed(run))
    return {name: len(texts) / statistics.median(found) for name, found in seconds.items()}


def given_for(model: PolicyClassifier, texts: Sequence[str]) -> Given:
    """Return the input of the kernel, as the scorer makes it of texts."""
    with mock.patch.object(scoring, "_add_up", wraps=scoring._add_up) as kernel:
        model.predict(texts)
    return kernel.call_args.args


def ready(element: Element, given: Given) -> Callable[[], np.ndarray]:
    """Return the kernel with an element changed, to be run on its input."""
    run = changed_kernel(element)
    return partial(run, *(given if element.small else in_float32(given)))


def changed_kernel(element: Element) -> Callable[..., np.ndarray]:
    """Return `classifier.scoring._add_up` with an element changed, to be compiled when it is first called."""
    changes = WITHOUT_CACHE + (() if element.norm else WITHOUT_NORM)
    if element.tf != PRESENCE:
        changes += WITH_COUNTS
    source = "".join(inspect.getsource(f.py_func) for f in (scoring._nodes, scoring._add_up))
    for old, new in changes:
        if source.count(old) != 1:
            raise SystemExit(f"bench/kernels.py is out of date: classifier/scoring.py has no one `{old}`")
        source = source.replace(old, new)
    names = {**vars(scoring), "of_count": OF_COUNT.get(element.tf)}
    exec(source, names)
    return names["_add_up"]


def in_float32(given: Given) -> Given:
    """Return the same input with weights in float32, times the term's idf, in place of 8 bits and a unit."""
    ngrams, longest, rows, worth, text, bounds = given
    codes = rows.shape[1] - scoring._WORTH
    wide = np.zeros(rows.shape, dtype=np.float32)
    wide[:, :codes] = rows[:, :codes] * worth[:, -2:-1]
    wide[:, -2], wide[:, -1] = 1, worth[:, -1]
    wide, steps = scoring._together(wide, ngrams.steps)
    return ngrams._replace(steps=steps), longest, wide, wide, text, bounds


def plain_scores(model: PolicyClassifier, element: Element, texts: Sequence[str]) -> np.ndarray:
    """Return the terms' share of the scores, by scikit-learn."""
    X = weighted_terms(model.features_, element, texts)
    return np.asarray(X @ model.coef_[:, : X.shape[1]].T)


def check(name: str, found: np.ndarray, expected: np.ndarray) -> None:
    """End the run where a kernel does not compute what its element says."""
    apart = np.abs(found[: len(expected), : expected.shape[1]] - expected).max() / np.abs(expected).max()
    if not apart < 1e-5:
        raise SystemExit(f"bench/kernels.py: '{name}' is {apart:.1e} of the highest score off scikit-learn's")
