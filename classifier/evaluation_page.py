"""EVALUATION.md: how good a model is, on articles held out and on gold, and where it errs."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.calibration import BINS, FLOOR, Reliability, reliability
from classifier.corpus import Corpus
from classifier.errors import CorpusError
from classifier.evaluation import (
    MACRO_SUPPORT,
    Comparison,
    Evaluation,
    baseline_of,
    compare,
    count,
    evaluate_decisions,
    micro_f1,
    shown,
)
from classifier.model import PolicyClassifier
from classifier.rendering import environment
from classifier.yaml_lines import load

Labels = NDArray[np.bool_]

TEMPLATE = "EVALUATION.md"
SINGLE_SUPPORT = 20  # gold positives from which a code's figures on gold are shown singly
CALIBRATION_SUPPORT = 200  # positives from which a code's calibration is shown singly
CONFUSIONS = 15
EXAMPLES = 3  # segments named for each confusion
WIDTH = 50  # characters of the reliability picture
NOTHING = "nothing"
HELD_OUT = "articles held out"  # the name of the training text


@dataclass(frozen=True)
class Measured:
    """What a model made of labelled text that it was not trained on.

    ``probabilities``, ``given`` and ``hits`` (the lexicon's decisions, None without one)
    have the shape of ``gold.labels``; ``ceiling`` is F1 between two coders of the text.
    """

    name: str
    gold: Corpus
    probabilities: NDArray[np.float64]
    given: Labels
    hits: Labels | None
    ceiling: float | None = None

    @cached_property
    def comparison(self) -> Comparison:
        """The model beside the lexicon, per code."""
        return compare(self.gold, self.given, self.hits)

    @cached_property
    def reliability(self) -> Reliability:
        """The calibration of all codes together."""
        return reliability(self.probabilities, self.gold.labels)

    @property
    def majority(self) -> float:
        """Micro-F1 of giving every segment the code that is most frequent here."""
        always = np.zeros_like(self.gold.labels)
        always[:, self.gold.labels.sum(axis=0).argmax()] = True
        return float(micro_f1(count(always, self.gold.labels)))

    def where(self, chosen: NDArray[np.bool_]) -> Evaluation | None:
        """Score the model on some of the segments; None where none is chosen."""
        if not chosen.any():
            return None
        groups = [g for g, yes in zip(self.gold.groups, chosen, strict=True) if yes]
        columns = self.gold.codebook.columns
        return evaluate_decisions(self.given[chosen], self.gold.labels[chosen], groups, columns)


def held_out(model: PolicyClassifier, corpus: Corpus, ceiling: float | None = None) -> Measured:
    """Return what a model just trained on ``corpus`` made of it out of fold."""
    probabilities, given = model.out_of_fold_
    return Measured(HELD_OUT, corpus, probabilities, given, _hits(model, corpus), ceiling)


def on_gold(model: PolicyClassifier, gold: Corpus, name: str, ceiling: float | None = None) -> Measured:
    """Return what a model makes of gold."""
    probabilities = model.predict_proba(gold.texts)
    return Measured(name, gold, probabilities, model.decide(probabilities), _hits(model, gold), ceiling)


def _hits(model: PolicyClassifier, gold: Corpus) -> Labels | None:
    baseline = baseline_of(model)
    return None if baseline is None else baseline.predict(gold.texts)


def evaluation_page(model: PolicyClassifier, own: Measured, golds: Sequence[Measured] = ()) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    model : PolicyClassifier
    own : Measured
        The training text out of fold; see `held_out`.
    golds : sequence of Measured
        See `on_gold`.
    """
    sets = [own, *golds]
    return (
        environment(TEMPLATE)
        .get_template(TEMPLATE)
        .render(
            book=model.codebook,
            constants={
                "macro": MACRO_SUPPORT,
                "single": SINGLE_SUPPORT,
                "calibration": CALIBRATION_SUPPORT,
                "floor": FLOOR,
                "bins": BINS,
            },
            strength=f"{model.C_:g}",
            summary=[_summary_row(s) for s in sets],
            codes=_code_rows(own),
            golds=[s.name for s in golds],
            singly=_single_rows(golds),
            calibration=[(s.name, shown(s.reliability.error, 3), _picture(s.reliability)) for s in sets],
            echo=[row for s in sets for row in _echo_rows(s)],
            confusions=[(s.name, _confusion_rows(s)) for s in sets],
        )
    )


def _summary_row(s: Measured) -> list[str]:
    model, baseline = s.comparison.model, s.comparison.baseline
    return [
        s.name,
        f"{model.segments:,} ({model.documents:,})",
        f"{int(model.table['support'].sum()):,}",
        str(model.micro),
        str(model.macro),
        str(baseline.micro) if baseline else "–",
        str(s.comparison.difference or "–"),
        shown(s.majority, 3),
        shown(s.ceiling, 3),
    ]


def _code_rows(s: Measured) -> list[list[str]]:
    """Return a row a code: support, precision, recall, F1, the lexicon's F1, calibration error."""
    baseline = s.comparison.baseline
    rows = []
    for j, (code, row) in enumerate(s.comparison.model.table.iterrows()):
        enough = row["support"] >= CALIBRATION_SUPPORT
        error = reliability(s.probabilities[:, j], s.gold.labels[:, j]).error if enough else None
        lexicon = baseline.table["f1"].iloc[j] if baseline else None
        figures = [shown(row[k]) for k in ("precision", "recall", "f1")]
        name = s.gold.codebook.code(str(code)).name.get("zh", "")
        support = f"{int(row['support']):,}"
        rows.append([f"`{code}`", name, support, *figures, shown(lexicon), shown(error, 3)])
    return rows


def _single_rows(golds: Sequence[Measured]) -> list[list[str]]:
    """Return a row for each code that some gold has often enough, a cell a gold."""
    if not golds:
        return []
    tables = [s.comparison.model.table for s in golds]
    cells = {
        code: [_single_cell(table["f1"][code], table["support"][code]) for table in tables]
        for code in golds[0].gold.codebook.columns
    }
    return [[f"`{code}`", *row] for code, row in cells.items() if any(c != "–" for c in row)]


def _single_cell(f1: float, support: float) -> str:
    return f"{shown(f1)} ({int(support)})" if support >= SINGLE_SUPPORT else "–"


def _picture(r: Reliability) -> list[str]:
    """Draw a line a bin: `x` stands at the mean probability, `o` at the observed share."""
    lines = []
    for expected, observed, mass in zip(r.expected, r.observed, r.mass, strict=True):
        line = [" "] * (WIDTH + 1)
        line[round(expected * WIDTH)] = "x"
        at = round(observed * WIDTH)
        line[at] = "*" if line[at] == "x" else "o"
        lines.append(f"{expected:.2f} {observed:.2f} |{''.join(line)}| {mass:,}")
    return lines


def _echo_rows(s: Measured) -> list[list[str]]:
    """Return the model's figures on segments with and without a lexicon hit."""
    if s.hits is None:
        return []
    hit = np.asarray(s.hits.any(axis=1), dtype=bool)
    rows = []
    for about, chosen in (("with a hit", hit), ("without", ~hit)):
        scored = s.where(chosen)
        if scored is not None:
            counts = count(s.given[chosen], s.gold.labels[chosen]).sum(axis=0)
            precision, recall = (counts[0] / max(1, counts[0] + counts[k]) for k in (1, 2))
            support = f"{int(scored.table['support'].sum()):,}"
            figures = [shown(precision), shown(recall), str(scored.micro)]
            rows.append([s.name, about, f"{scored.segments:,}", support, *figures])
    return rows


def _confusion_rows(s: Measured) -> list[list[str]]:
    """Return the most frequent confusions: gold code, given code, count, some segments."""
    seen: dict[tuple[str, str], list[str]] = defaultdict(list)
    for segment, pairs in zip(s.gold.segments, map(_confused, *_errors(s)), strict=True):
        for pair in pairs:
            seen[pair].append(segment.place or segment.doc_id)
    counts = Counter({pair: len(places) for pair, places in seen.items()})
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:CONFUSIONS]
    return [[*pair, str(n), "; ".join(seen[pair][:EXAMPLES])] for pair, n in ranked]


def _errors(s: Measured) -> tuple[list[list[str]], list[list[str]]]:
    """Return for each segment the codes missed and the codes wrongly given."""
    columns = np.array(s.gold.codebook.columns)
    return (
        [list(columns[row]) for row in s.gold.labels & ~s.given],
        [list(columns[row]) for row in s.given & ~s.gold.labels],
    )


def _confused(missed: Sequence[str], wrong: Sequence[str]) -> list[tuple[str, str]]:
    """Pair each code missed with each wrongly given; either stands alone beside nothing.

    >>> _confused(["health"], ["welfare"]), _confused([], ["welfare"])
    ([('health', 'welfare')], [('nothing', 'welfare')])
    """
    if not missed and not wrong:
        return []
    return [(m, w) for m in missed or [NOTHING] for w in wrong or [NOTHING]]


def read_agreement(path: str | Path) -> dict[str, float]:
    """Read F1 between the coders of texts: a YAML mapping of a text's name to a figure in [0, 1].

    The training text is `articles held out`, a gold file is called by its name without ending.
    Raises `CorpusError` where the file is no such mapping.
    """
    value, _ = load(path)
    if not isinstance(value, dict):
        raise CorpusError(f"{path}: no mapping of texts to figures", "write lines such as `news: 0.95`")
    for name, figure in value.items():
        if not isinstance(name, str) or type(figure) not in (int, float) or not 0 <= figure <= 1:
            raise CorpusError(
                f"{path}: '{name}: {figure}' is no text with an F1 between 0 and 1", "write name: 0.95"
            )
    return dict(value)
