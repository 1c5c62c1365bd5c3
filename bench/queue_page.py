"""docs/review-queue.md: what the simulation of `bench.queues` found, as tables between two marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import isotonic_regression

BEGIN, END = "<!-- figures: begin (python -m bench.queues) -->\n", "<!-- figures: end -->\n"
RESAMPLED, SEED = 2000, 11
LEVELS = 4  # macro-F1 for which labels are counted
_DASH = "—"


def filled(page: str, results: Mapping[str, Any]) -> str:
    """Return the page with the tables of the results between its marks."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no marks {BEGIN.strip()}")
    tables = "\n".join(_section(name, about) for name, about in results.items())
    return pattern.sub(lambda _: f"{BEGIN}\n{tables}\n{END}", page)


def _section(name: str, about: Mapping[str, Any]) -> str:
    """Return the tables of one scenario."""
    labels = np.array(about["labels"])
    curves = {s: np.array(found["macro_f1"], dtype=float) for s, found in about["strategies"].items()}
    micro = {s: np.array(found["micro_f1"], dtype=float) for s, found in about["strategies"].items()}
    lines = [f"### {name}", "", about["told"], "", *_f1_table(labels, curves, micro, about["queue"]), ""]
    lines += ["Labels needed to reach a macro-F1, and their ratio to those that random order needs:", ""]
    return "\n".join([*lines, *_label_table(labels, curves, about["queue"]), ""])


def _f1_table(
    labels: NDArray, macro: Mapping[str, NDArray], micro: Mapping[str, NDArray], queue: str
) -> Iterator[str]:
    """Yield macro-F1 in random order, and the differences to it, paired by repetition."""
    at = [int(np.flatnonzero(labels == n)[0]) for n in (200, 400, 600, labels[-1])]
    heads = [f"{labels[i]:,}" for i in at]
    yield f"| macro-F1 × 100 after | {' | '.join(heads)} | micro-F1, {heads[1]} | all looks, to the queue's |"
    yield "|---" * (len(at) + 3) + "|"
    random = macro["random"]
    own = [f"{100 * random[:, i].mean():.1f}" for i in at]
    own += [f"{100 * micro['random'][:, at[1]].mean():.1f}", _against(random, macro[queue])]
    yield f"| random (before: {100 * random[:, 0].mean():.1f}) | {' | '.join(own)} |"
    for strategy, found in macro.items():
        if strategy != "random":
            cells = [difference(found[:, i], random[:, i]) for i in at]
            cells.append(difference(micro[strategy][:, at[1]], micro["random"][:, at[1]]))
            cells.append(_DASH if strategy == queue else _against(found, macro[queue]))
            name = f"**{strategy}**" if strategy == queue else strategy
            yield f"| {name} | {' | '.join(cells)} |"


def _against(found: NDArray, queue: NDArray) -> str:
    """Return how the mean over looks, at which both were measured, differs from the queue's."""
    both = ~np.isnan(found).any(axis=0) & (np.arange(found.shape[1]) > 0)
    return difference(found[:, both].mean(axis=1), queue[:, both].mean(axis=1))


def difference(one: NDArray, other: NDArray) -> str:
    """Return the mean of paired differences × 100 with its 95 % t interval; a dash where not measured."""
    gaps = 100 * (one - other)
    if np.isnan(gaps).any():
        return _DASH
    half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / np.sqrt(len(gaps))
    return f"{gaps.mean():+.1f} [{gaps.mean() - half:+.1f}, {gaps.mean() + half:+.1f}]"


def _label_table(labels: NDArray, curves: Mapping[str, NDArray], queue: str) -> Iterator[str]:
    levels = chosen_levels(labels, curves["random"])
    yield f"| macro-F1 | {' | '.join(f'{100 * level:.0f}' for level in levels)} |"
    yield "|---" * (len(levels) + 1) + "|"
    for strategy, found in curves.items():
        cells = []
        for level in levels:
            needed = labels_needed(labels, found.mean(axis=0), level)
            cells.append(f"{needed:,.0f}" if needed <= labels[-1] else f"over {labels[-1]:,}")
            if strategy != "random":
                cells[-1] += " ({:.2f} [{:.2f}, {:.2f}])".format(
                    *ratio(labels, found, curves["random"], level)
                )
        name = f"**{strategy}**" if strategy == queue else strategy
        yield f"| {name} | {' | '.join(cells)} |"


def chosen_levels(labels: NDArray, random: NDArray) -> list[float]:
    """Return levels in even steps that random order reaches after the first look, with most of the budget."""
    mean = random.mean(axis=0)
    low, high = mean[1], mean[labels <= 0.9 * labels[-1]].max()
    step = next(s for s in (0.01, 0.02, 0.03, 0.05, 0.1, 1) if (high - low) / s <= LEVELS + 1)
    last = np.floor(high / step)
    return [float(step * i) for i in np.arange(last - LEVELS + 1, last + 1) if step * i > low]


def labels_needed(labels: NDArray, curve: NDArray, level: float) -> float:
    """Return how many labels bring a curve to a level; infinity where it stays below.

    The curve is made to rise (isotonic regression), and is a line between two looks.
    """
    seen = ~np.isnan(curve)
    x = labels[seen]
    rising = isotonic_regression(curve[seen]).x
    above = np.flatnonzero(rising >= level)
    if not len(above):
        return float("inf")
    i = int(above[0])
    if i == 0:
        return float(x[0])
    part = (level - rising[i - 1]) / (rising[i] - rising[i - 1])
    return float(x[i - 1] + part * (x[i] - x[i - 1]))


def ratio(labels: NDArray, one: NDArray, other: NDArray, level: float) -> tuple[float, float, float]:
    """Return the labels that one needs over those the other needs, with a 95 % bootstrap interval.

    Repetitions are drawn with replacement, the same for both; their mean curves are compared
    (percentile interval, Efron & Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13).
    A curve that stays below the level counts as reaching it with the last label.
    """
    rng = np.random.default_rng(SEED)

    def of(drawn: Sequence[int] | NDArray) -> float:
        needed = [min(labels_needed(labels, c[drawn].mean(axis=0), level), labels[-1]) for c in (one, other)]
        return needed[0] / max(needed[1], 1)

    drawn = [of(rng.integers(0, len(one), len(one))) for _ in range(RESAMPLED)]
    return (of(np.arange(len(one))), *map(float, np.quantile(drawn, [0.025, 0.975])))  # type: ignore[return-value]
