"""docs/coverage.md: what the simulation of `bench.intervals` found, as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from bench.interval_cells import CORRELATIONS, F1, OTHER, PREVALENCES, SIZES, Cell, Result
from bench.simulated import DISTORTIONS, LENGTH, SEGMENTS, SHARED

Results = Mapping[Cell, Result]
Shown = Callable[[Result, int], str]

_HEAD = """\
# Do the intervals of corrected shares hold the truth?

`make coverage` writes this page. A 95 % interval should hold the truth in 95 % of samples; and it
should be no wider than the one that the hand labels give without the classifier, or the classifier
is of no use. Both are asked here of corpora for which the truth is known, since they are simulated.

**The answer.** {answer}

## How shares are estimated

In words; the formulas with their sources are in `classifier/correction.py` and `classifier/survey.py`.

- **Share.** λ times the mean score over the corpus, plus the weighted mean of (gold − λ · score) over the
  sample; weights are inverse inclusion probabilities. λ is cov(gold, score) / var(score) over what sampled
  units add to the estimate, leaning on 1 with the weight of five units, and clipped to [0, 1]. A score is
  the model's probability, or its decision where it has none.
- **Variance.** By design, from the residuals of units (segments, or whole documents) within strata, with
  finite population correction, each residual over 1 − its leverage on λ.
- **Added events.** A good classifier errs so rarely that a sample may hold no error and show no spread. So
  ρ · (½ (1 − ρ) + 2 · exp(−positives / 8)) errors are added to those seen; ρ is the share of gold's variance
  that the classifier leaves open, by its probabilities or by the residuals, whichever is more.
- **Interval.** A score interval, as Wilson's: the variance at each θ is used that would hold if θ were the
  truth. Student's t with units − strata degrees of freedom. Where documents are drawn, the design effect
  is not taken to be less than that of the classifier's scores, which is known for the whole corpus.
- **Groups and differences.** Groups are domains with known size and mean score; differences are put
  together from the two intervals by squares (MOVER).

## What was simulated

Corpora of {segments:,} segments with seven codes of {shares}. A classifier's scores are normal, so
far apart for segments with and without the code that the best F1 is {f1}, and
become the probabilities that they mean. Corpora made of documents have twice as many segments,
{length} to a document on average (coefficient of variation 0.5); the share of a code in a document has a
beta distribution with an intra-cluster correlation of {correlations}, and a document's scores are
off together (correlation {shared}). The median correlation over the 24 codes is 0.10 in the starter
corpus and 0.21 in the labelled TV news.

Samples of {sizes} segments are drawn as `fupin sample` draws them: at `random`,
`stratified` by the classifier's doubt about all codes at once, or as whole `documents` (so that the
number of segments varies; 200 are 13 documents). Gold-only is Wilson's interval for random samples,
and the design-based one for the others. The constants of the corrected interval were chosen on
simulations like these, with other seeds; the last section shows what becomes of it elsewhere.

{replications:,} samples a cell in the first three sections, drawn from {corpora} corpora; half of
that for differences, a quarter for wrong probabilities. One standard error of a coverage of 95 % is
{error:.1f} points at {replications:,} samples, so a cell 1 point off is worth a look and one 0.5 off is not.

What is required: with 20 expected gold positives or more, coverage between 93 and 97 % and width at
most 5 % above gold-only; with fewer, coverage of 93 % or more. In the tables, *italics* are cells
with fewer than 20 expected gold positives, and **bold** are those that miss what is required.

"""


def page(results: Results, replications: int, corpora: int) -> str:
    """Return the page."""
    grid = [r for r in results.values() if r.cell.distortion is None and not r.cell.difference]
    parts = [
        _HEAD.format(
            answer=_answer(grid),
            segments=SEGMENTS,
            shares=_listed(f"{100 * p:g}" for p in PREVALENCES) + " %",
            f1=_listed(f"{f:.2f}" for f in F1),
            length=LENGTH,
            correlations=_listed(map(str, CORRELATIONS)),
            shared=SHARED,
            sizes=_listed(map(str, SIZES)),
            replications=replications,
            corpora=corpora,
            error=100 * (0.95 * 0.05 / replications) ** 0.5,
        ),
        *_grid_sections(grid),
        *_stratified_section(results),
        *_difference_section(results),
        *_wrong_section(results),
    ]
    return "".join(parts)


def _answer(grid: Sequence[Result]) -> str:
    """Return what the grid says in words."""
    many = np.concatenate([r.coverage[~r.few] for r in grid])
    few = np.concatenate([r.coverage[r.few] for r in grid])
    ratio = np.concatenate([r.ratio[~r.few] for r in grid])
    missed = sum(int(r.missed.sum()) for r in grid)
    total = len(many) + len(few)
    verdict = "What is required holds in all" if not missed else f"What is required fails in {missed} of the"
    return (
        f"{verdict} {total} cells of the grid.\n"
        f"With 20 expected gold positives or more ({len(many)} cells) coverage lies between\n"
        f"{100 * many.min():.1f} and {100 * many.max():.1f} %, {100 * many.mean():.1f} % on average, and"
        f" corrected intervals are\n{ratio.min():.2f} to {ratio.max():.2f} times as wide as gold-only ones."
        f" With fewer ({len(few)} cells) coverage is\n{100 * few.min():.1f} % or more."
    )


def _listed(items: Iterable[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}"


def _grid_sections(grid: Sequence[Result]) -> Iterator[str]:
    for name, title in (
        ("random", "Random samples of segments"),
        ("stratified", "Stratified samples of segments"),
        ("documents", "Samples of whole documents"),
    ):
        of = [r for r in grid if r.cell.design == name]
        correlation = name == "documents"
        yield f"## {title}\n\nCoverage of the corrected interval, %, and its width, gold-only being 1:\n\n"
        yield _table(of, _coverage_and_width, correlation)
        yield "\nCoverage of the gold-only interval, %:\n\n"
        once = [r for r in of if r.cell.f1 == of[0].cell.f1] if name != "stratified" else of
        yield _table(once, lambda r, k: f"{100 * r.gold_coverage[k]:.1f}", correlation, name == "stratified")
        yield "\n"


def _coverage_and_width(result: Result, k: int) -> str:
    text = f"{100 * result.coverage[k]:.1f} ({result.ratio[k]:.2f})"
    mark = "**" if result.missed[k] else "*" if result.few[k] else ""
    return f"{mark}{text}{mark}"


def _table(results: Sequence[Result], shown: Shown, correlation: bool, f1: bool = True) -> str:
    """Return a table with a row a cell and a column a prevalence."""
    head = [*(["correlation"] if correlation else []), *(["F1"] if f1 else []), "n"]
    head += [f"{100 * p:g} %" for p in PREVALENCES]
    lines = [head, ["---"] * len(head)]
    for r in results:
        first = [f"{r.cell.correlation:g}"] if correlation else []
        first += [f"{r.cell.f1:.2f}"] if f1 else []
        lines.append([*first, str(r.cell.n), *(shown(r, k) for k in range(len(PREVALENCES)))])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _stratified_section(results: Results) -> Iterator[str]:
    """Yield what stratification saves."""
    pairs = [
        (r, results[replace(r.cell, design="random")])
        for r in results.values()
        if r.cell.design == "stratified" and r.cell.distortion is None and not r.cell.difference
    ]
    yield (
        "## What the classifier and the strata save\n\n"
        "Labels that a random sample without a classifier would need for an interval as narrow, over those\n"
        "that were coded: of a random sample with correction, and of a stratified one with correction.\n\n"
    )
    by_cell = {stratified.cell: random for stratified, random in pairs}

    def saved(result: Result, k: int) -> str:
        random = by_cell[result.cell]
        gold = random.gold_width[k]
        return f"{(gold / random.width[k]) ** 2:.1f} · {(gold / result.width[k]) ** 2:.1f}"

    yield _table([stratified for stratified, _ in pairs], saved, correlation=False)
    error = np.mean([s.error / r.error for s, r in pairs])
    worst = np.max([s.error / r.error for s, r in pairs])
    yield (
        "\nThe root mean squared error of the corrected share from a stratified sample is"
        f" {error:.2f} times that\nfrom a random one on average, and {worst:.2f} times in the worst cell:"
        " strata serve rare codes most,\nand cost the most frequent one little.\n\n"
    )


def _difference_section(results: Results) -> Iterator[str]:
    yield (
        "## Differences between two groups\n\n"
        f"A second group holds {100 * OTHER[0]:g} % of the corpus; its prevalences are {OTHER[1]} times"
        " those of the\nfirst, which the columns name; documents have a correlation of 0.1. Coverage of the"
        " corrected\ndifference, %, and its width; expected positives are those of the group that has"
        " fewer.\n\n"
    )
    yield _by_design([r for r in results.values() if r.cell.difference])
    yield "\n"


def _wrong_section(results: Results) -> Iterator[str]:
    yield (
        "## When the probabilities are wrong\n\n"
        "Nothing is required here; it shows how far the intervals can be trusted when what they lean on\n"
        "fails. The corrected share is as good as unbiased whatever the scores are; but where a good\n"
        "classifier errs so rarely that a sample holds few errors or none, the interval has to go by what\n"
        "the probabilities say. Bold is what would miss the mark.\n\n"
    )
    for way in DISTORTIONS:
        yield f"**{way[0].upper()}{way[1:]}.**\n\n"
        yield _by_design([r for r in results.values() if r.cell.distortion == way])
        yield "\n"


def _by_design(results: Sequence[Result]) -> str:
    """Return a table whose first column is the design."""
    rows = _table(results, _coverage_and_width, correlation=False).splitlines()
    first = ["design", "---", *(r.cell.design for r in results)]
    return "".join(f"| {name} {row}\n" for name, row in zip(first, rows, strict=True))
