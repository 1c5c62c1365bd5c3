"""docs/retraining.md: what `bench.retrainings` found, as tables between two marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from classifier.retraining import BETTER, VERDICTS, WORSE

BEGIN, END = "<!-- figures: begin (python -m bench.retrainings) -->\n", "<!-- figures: end -->\n"
_CAREFUL = "careful"
Run = Mapping[str, Any]
Key = tuple[Any, ...]


def filled(page: str, results: Mapping[str, Any]) -> str:
    """Return the page with the tables of the results between its marks."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not pattern.search(page):
        raise ValueError(f"the page has no marks {BEGIN.strip()}")
    runs: Sequence[Run] = results["runs"]
    sections = (
        _texts(results["texts"]),
        _shift_table([run for run in runs if run["coder"] == _CAREFUL]),
        _all_over_table([run for run in runs if "all_over" in run]),
        _coder_table([run for run in runs if run["coder"] != _CAREFUL]),
    )
    tables = "\n\n".join("\n".join(section) for section in sections)
    return pattern.sub(lambda _: f"{BEGIN}\n{tables}\n\n{END}", page)


def _texts(texts: Mapping[str, Run]) -> Iterator[str]:
    """Yield a table of the texts."""
    yield from _head("text", "what it is", "documents", "segments", "segments of the base")
    for name, about in texts.items():
        sizes = [f"{about[key]:,}" for key in ("documents", "segments", "base") if key in about]
        yield _row(name, about["told"], *(sizes or ["not measured: the text is not here", "", ""]))


def _shift_table(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what careful labels bring, then in a line what the worst of them brought."""
    yield "### What labels bring"
    yield ""
    head = ("text", "reviewed", "draws", "micro-F1 before", "micro-F1 (lowest … highest)", "macro-F1")
    yield from _head(*head, " / ".join(VERDICTS))
    for (text, labels, order), of in _grouped(runs, "text", "labels", "order").items():
        gains, verdicts = _gains(of), [run["verdict"] for run in of]
        yield _row(
            text,
            f"{labels:,} {order}",
            str(len(of)),
            f"{np.mean([run['before']['micro_f1'] for run in of]):.3f}",
            f"{_shown(np.mean(gains))} ({_shown(min(gains))} … {_shown(max(gains))})",
            _shown(np.mean(_gains(of, "macro_f1"))),
            " / ".join(str(verdicts.count(verdict)) for verdict in VERDICTS),
        )
    if runs:
        yield ""
        yield f"The lowest gain of these {len(runs)} runs is {_shown(min(_gains(runs)))}. {_called(runs)}"


def _called(runs: Sequence[Run]) -> str:
    """Say how many of those called better or worse are not so on the whole test part."""
    better, worse = (_gains([run for run in runs if run["verdict"] == v]) for v in (BETTER, WORSE))
    return (
        f"Of {len(better)} called better {sum(g <= 0 for g in better)} do not gain on the whole test part; "
        f"of {len(worse)} refused as worse {sum(g >= 0 for g in worse)} do not lose there."
    )


def _all_over_table(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the gains of corrections beside those of training all over, on the same draws."""
    yield "### Beside training all over"
    yield ""
    weights = list(runs[0]["all_over"]) if runs else []
    yield from _head("text", "reviewed", "draws", "corrections", *(f"counts {w} ×" for w in weights))
    for (text, labels, order), of in _grouped(runs, "text", "labels", "order").items():
        others = [
            np.mean([run["all_over"][w]["micro_f1"] - run["before"]["micro_f1"] for run in of])
            for w in weights
        ]
        cells = (_shown(gain) for gain in (np.mean(_gains(of)), *others))
        yield _row(text, f"{labels:,} {order}", str(len(of)), *cells)


def _coder_table(runs: Sequence[Run]) -> Iterator[str]:
    """Yield what labels that do damage did, draw by draw, and whether they were refused."""
    yield "### Labels that do damage"
    yield ""
    yield from _head("labels", "text", "reviewed", "micro-F1, each draw (refused: bold)", "refused as worse")
    for (coder, text, labels, order), of in _grouped(runs, "coder", "text", "labels", "order").items():
        refused = [run["verdict"] == WORSE for run in of]
        each = [f"**{_shown(g)}**" if bad else _shown(g) for g, bad in zip(_gains(of), refused, strict=True)]
        yield _row(coder, text, f"{labels:,} {order}", ", ".join(each), f"{sum(refused)} of {len(of)}")


def _gains(runs: Sequence[Run], measure: str = "micro_f1") -> list[float]:
    return [run["after"][measure] - run["before"][measure] for run in runs]


def _shown(gain: float | np.floating) -> str:
    return f"{round(float(gain), 3) or 0.0:+.3f}"  # no -0.000


def _grouped(runs: Sequence[Run], *names: str) -> dict[Key, list[Run]]:
    """Return runs by what they have in these columns, in the order in which they first come."""
    groups: dict[Key, list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(run[name] for name in names), []).append(run)
    return groups


def _head(*cells: str) -> Iterator[str]:
    yield _row(*cells)
    yield "|---" * len(cells) + "|"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
