"""How many labels a queue saves: strategies simulated on the starter corpus, labels revealed when asked.

    python -m bench.queues [--repetitions R] [-o bench/results/queues.json] [--page docs/review-queue.md]

A model learns from a first part, ranks a pool, learns what was ranked first, and so on; a test part
says how good it has become. Articles are never divided. Same arguments, same figures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.queue_learner import Learned, Segments, f1, learn, read_segments
from bench.queue_page import filled
from bench.queue_strategies import QUEUE, SCENARIOS, STEP, Scenario, Strategy
from classifier.review_queue import terms
from classifier.whole_file import whole_file

BUDGET = 800  # labels in all
SEED = 20240607
Curves = dict[str, list[tuple[float, float]]]
segments_of = cache(read_segments)  # once a process


def parts(
    segments: Segments, scenario: Scenario, rng: np.random.Generator
) -> tuple[NDArray, NDArray, NDArray]:
    """Return the rows of the first part, the pool and the test part, all of whole articles."""
    names, first, article = np.unique(segments.articles, return_index=True, return_inverse=True)
    genres = rng.permutation(np.unique(segments.genres))
    own = np.isin(segments.genres[first], genres[: round(scenario.own * len(genres))])
    order = rng.permutation(len(names))
    start = _filled(order[own[order]] if scenario.own else order, article, scenario.start)
    others = order[~own[order] & ~np.isin(order, start)]
    pool = _filled(others, article, scenario.pool)
    test = _filled(others[len(pool) :], article, scenario.test)
    one, two, three = (np.flatnonzero(np.isin(article, part)) for part in (start, pool, test))
    return one, two, three


def _filled(order: NDArray, article: NDArray, size: int) -> NDArray:
    """Return the first articles that together have so many segments."""
    held = np.cumsum(np.bincount(article)[order])
    return order[: int(np.searchsorted(held, size)) + 1]


def simulated(scenario: Scenario, repetition: int) -> Curves:
    """Return for each strategy macro- and micro-F1 after so many labels, all on the same split."""
    segments = segments_of()
    rng = np.random.default_rng([SEED, SCENARIOS.index(scenario), repetition])
    start, pool, test = parts(segments, scenario, rng)
    first = learn(segments, start)
    return {
        strategy.name: list(_curve(segments, strategy, first, (start, pool, test), rng.spawn(1)[0]))
        for strategy in scenario.strategies
    }


def _curve(
    segments: Segments,
    strategy: Strategy,
    model: Learned,
    split: tuple[NDArray, NDArray, NDArray],
    rng: np.random.Generator,
) -> Iterator[tuple[float, float]]:
    """Yield macro- and micro-F1 after 0, 100, 200 … labels; NaN where no model is trained by then."""
    known, pool, test = split
    ngrams, truth = segments.ngrams[test], segments.labels[test]
    bigrams = terms(list(segments.texts[pool]))
    left, queue = np.arange(len(pool)), np.arange(0)
    for asked in range(0, BUDGET + 1, min(strategy.batch, STEP)):
        trained = asked % strategy.batch == 0 or (strategy.once and asked % STEP == 0)
        if asked and trained:
            model = learn(segments, known)
        if asked % STEP == 0:
            yield f1(model.given(model.probabilities(ngrams)), truth) if trained else (np.nan, np.nan)
        if asked % strategy.batch == 0 and not (strategy.once and asked):
            gold = rng.choice(left, round(strategy.gold * strategy.batch), replace=False)  # never trained on
            left = np.setdiff1d(left, gold)
            n = BUDGET if strategy.once else strategy.batch - len(gold)
            queue = left[strategy.ranked(model, segments.ngrams[pool[left]], bigrams[left], n, rng)]
        now = min(strategy.batch, STEP) - round(strategy.gold * min(strategy.batch, STEP))
        known, left = np.concatenate([known, pool[queue[:now]]]), np.setdiff1d(left, queue[:now])
        queue = queue[now:]


def results(made: dict[Scenario, list[Curves]]) -> dict[str, Any]:
    """Return what goes into the file: for each scenario, strategy and measure a row a repetition."""
    return {
        scenario.name: {
            "told": scenario.told,
            "queue": QUEUE.name,
            "labels": list(range(0, BUDGET + 1, STEP)),
            "strategies": {
                strategy.name: {
                    measure: [[_shown(point[i]) for point in curves[strategy.name]] for curves in repetitions]
                    for i, measure in enumerate(("macro_f1", "micro_f1"))
                }
                for strategy in scenario.strategies
            },
        }
        for scenario, repetitions in made.items()
    }


def _shown(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def main() -> None:
    """Simulate, write the figures, and put the tables into the page."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.queues", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("bench/results/queues.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/review-queue.md"))
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first repetition")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tables-only", action="store_true", help="from the figures that there are")
    asked = parser.parse_args()
    if not asked.tables_only:
        jobs = [(s, asked.first + r) for r in range(asked.repetitions) for s in SCENARIOS]
        made: dict[Scenario, list[Curves]] = {scenario: [] for scenario in SCENARIOS}
        with ProcessPoolExecutor(asked.processes) as crew:
            for (scenario, _), curves in zip(
                jobs, crew.map(simulated, *zip(*jobs, strict=True)), strict=True
            ):
                made[scenario].append(curves)
                with whole_file(asked.out) as stream:
                    stream.write(json.dumps(results(made), separators=(",", ":")) + "\n")
    found = json.loads(asked.out.read_text(encoding="utf-8"))
    page = filled(asked.page.read_text(encoding="utf-8"), found)
    with whole_file(asked.page) as stream:
        stream.write(page)


if __name__ == "__main__":
    main()
