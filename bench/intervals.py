"""How often the intervals of corrected shares hold the truth, and how wide they are.

    make coverage
    python -m bench.intervals [--replications R] [--corpora C] [-o docs/coverage.md]

Corpora are simulated for which the truth is known (`bench.simulated`); samples are drawn from them
by the package's designs, and the package estimates. Same arguments, same page.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.interval_cells import CORRELATIONS, DESIGNS, F1, OTHER, PREVALENCES, SIZES, Cell, Result
from bench.interval_page import page
from bench.simulated import DISTORTIONS, Corpus, joined, sampler, simulate
from classifier.correction import Figures, Sample, corrected, fit_slope, gold_only, known
from classifier.estimate import CodedCorpus, estimate_differences
from classifier.survey import Drawn
from classifier.whole_file import whole_file


def run(cell: Cell, replications: int, corpora: int) -> Result:
    """Simulate a cell: samples drawn from corpora, as many from each."""
    each = round(replications * cell.share_of_work / corpora)
    sums = np.sum([_one_corpus(cell, number, each) for number in range(corpora)], axis=0)
    means = sums / (each * corpora)
    return Result(cell, *means[:4], *np.sqrt(means[4:]))


def _one_corpus(cell: Cell, number: int, samples: int) -> NDArray:
    """Return sums over samples of coverage, width and squared error, each gold-only and corrected, (6, k)."""
    rng = np.random.default_rng(cell.seed(number))
    shares = np.array(PREVALENCES)
    corpus = simulate(rng, cell.f1, cell.correlation, shares)
    first = len(corpus.truth)
    if cell.difference:
        size = int(first * OTHER[0] / (1 - OTHER[0]))
        corpus = joined(corpus, simulate(rng, cell.f1, cell.correlation, shares * OTHER[1], size))
    corpus = corpus.distorted(cell.distortion)
    measure = _differences(corpus, first, cell) if cell.difference else _shares(corpus, cell)
    draw = sampler(corpus, cell.design, cell.n)
    return np.sum([measure(draw(rng)) for _ in range(samples)], axis=0)


def _shares(corpus: Corpus, cell: Cell) -> Callable[[Drawn], NDArray]:
    """Return what estimates shares from a sample, and measures them by the truth."""
    truth = corpus.truth.mean(axis=0)
    of = known(corpus.scores, documents=corpus.documents if cell.design == "documents" else None)

    def measure(drawn: Drawn) -> NDArray:
        gold, score = corpus.truth[drawn.rows].astype(float), corpus.scores[drawn.rows]
        sample = Sample(drawn, gold, score, np.ones(len(drawn), dtype=bool))
        return _measured(truth, gold_only(sample), corrected(sample, of, fit_slope(sample)))

    return measure


def _differences(corpus: Corpus, first: int, cell: Cell) -> Callable[[Drawn], NDArray]:
    """Return what estimates the difference of two groups, of which the first has ``first`` segments."""
    truth = corpus.truth[first:].mean(axis=0) - corpus.truth[:first].mean(axis=0)
    group = np.repeat([0, 1], [first, len(corpus.truth) - first])
    given, scores = pd.DataFrame(corpus.scores > 0.5), pd.DataFrame(corpus.scores)
    documents = corpus.documents if cell.design == "documents" else None

    def measure(drawn: Drawn) -> NDArray:
        coded = CodedCorpus(given, scores, pd.DataFrame(corpus.truth[drawn.rows]), drawn, documents)
        found = estimate_differences(coded, group, ["one", "other"])
        figures = [
            Figures(*(found[way + end].to_numpy() for end in ("", "_low", "_high")), np.empty(0))
            for way in ("gold", "corrected")
        ]
        return _measured(truth, *figures)

    return measure


def _measured(truth: NDArray, *figures: Figures) -> NDArray:
    holds = [(f.low <= truth) & (truth <= f.high) for f in figures]
    return np.array(
        [*holds, *(f.high - f.low for f in figures), *((f.share - truth) ** 2 for f in figures)], dtype=float
    )


def cells() -> list[Cell]:
    """Return all that is simulated: the grid, differences of groups, and classifiers gone wrong."""
    segments = [Cell(d, f1, n) for d, f1, n in product(DESIGNS[:2], F1, SIZES)]
    documents = [Cell(DESIGNS[2], f1, n, c) for c, f1, n in product(CORRELATIONS, F1, SIZES)]
    differences = [
        Cell(d, f1, n, CORRELATIONS[0] if d == DESIGNS[2] else 0.0, difference=True)
        for d, f1, n in product(DESIGNS, (0.75, 0.95), SIZES[1:])
    ]
    wrong = [
        Cell(d, f1, n, CORRELATIONS[0] if d == DESIGNS[2] else 0.0, way)
        for d, way, f1, n in product(DESIGNS, DISTORTIONS, (0.75, 0.95), SIZES[1:])
    ]
    return [*segments, *documents, *differences, *wrong]


def simulated(
    wanted: Sequence[Cell], replications: int, corpora: int, processes: int = 2
) -> dict[Cell, Result]:
    """Simulate cells; the figures do not depend on the number of processes."""
    with ProcessPoolExecutor(processes) as crew:
        made = crew.map(partial(run, replications=replications, corpora=corpora), wanted)
        return {result.cell: result for result in made}


def main() -> None:
    """Write the page, and say in how many cells what is required does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.intervals", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("docs/coverage.md"))
    parser.add_argument("--replications", type=int, default=4000, help="samples for each cell")
    parser.add_argument("--corpora", type=int, default=40, help="corpora that they are drawn from")
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    results = simulated(cells(), asked.replications, asked.corpora, asked.processes)
    with whole_file(asked.out) as stream:
        stream.write(page(results, asked.replications, asked.corpora))
    grid = [r for cell, r in results.items() if cell.distortion is None]
    print(
        f"{sum(int(r.missed.sum()) for r in grid)} of {sum(r.missed.size for r in grid)} cells miss the mark"
    )


if __name__ == "__main__":
    main()
