"""What `classifier.retraining` brings: a base corrected by labels on text that it has not seen the like of.

    python -m bench.retrainings [--draws D] [--bases FOLDER] [-o bench/results/retrainings.json]

Half of the user's documents are for review, in random order or in that of the queue, and the corrected
model is scored on all of the others, of which a gold sample of 200 segments gives the verdict. Same
arguments, same figures. Text that is no part of the project is left out where it is not here, and that
is said.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.all_over import WEIGHTS, Counted, counted, trained_all_over
from bench.coders import CODERS, Labels, read_otherwise
from bench.retraining_page import filled
from bench.shifts import SHIFTS, Shift, corpora, kept_in, read_base, write_base
from classifier.corpus import Corpus, Segment, make_corpus
from classifier.evaluation import count, f1, micro_f1
from classifier.model import PolicyClassifier
from classifier.retraining import Retrained, retrain
from classifier.review_queue import doubt, order
from classifier.reviewed_labels import Reviewed
from classifier.whole_file import whole_file

SEED, GOLD = 20240711, 200
RANDOM, QUEUE = "random", "queue"
OTHERWISE = "another reading"
ROW = dict[str, Any]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Case:
    """A model of a shift corrected by so many labels, in an order, of a coder."""

    shift: Shift
    labels: int
    order: str
    coder: str = "careful"

    @property
    def all_over(self) -> bool:
        """Whether it is compared with training all over."""
        return self.coder == "careful" and self.labels >= 300


CASES = (
    *(Case(s, n, way) for s in SHIFTS for n in (100, 300, 1000) for way in (RANDOM, QUEUE)),
    *(Case(s, 300, QUEUE, coder) for s in SHIFTS[:2] for coder in CODERS if coder != "careful"),
)


@dataclass(frozen=True)
class Ground:
    """A base and the user's text, with what the base says of it."""

    base: PolicyClassifier
    user: Corpus
    probabilities: NDArray
    given: Labels

    def corpus(self, rows: Rows, labels: Labels) -> Corpus:
        """Return rows of the user's text with these labels (n_rows, n_codes)."""
        codes = np.array(self.user.codebook.columns)
        chosen = [(self.user.segments[i], tuple(codes[row])) for i, row in zip(rows, labels, strict=True)]
        return make_corpus([Segment(s.doc_id, s.text, c, s.place) for s, c in chosen], self.user.codebook)


@dataclass(frozen=True)
class Parts:
    """Rows of the user's text: ``pool`` is reviewed from, ``test`` is of other documents, ``gold`` of it."""

    pool: Rows
    test: Rows
    gold: Rows


@cache
def ground(shift: Shift, folder: Path) -> Ground:
    """Read base and text; once a process."""
    base, user = read_base(shift, folder), corpora(shift)[1]
    probabilities = base.predict_proba(user.texts)
    return Ground(base, user, probabilities, base.decide(probabilities))


@cache
def counts_of(shift: Shift, folder: Path) -> Counted:
    """Count what is trained on all over; once a process."""
    return counted(*corpora(shift), read_base(shift, folder), shift.prior)


def parted(user: Corpus, rng: np.random.Generator) -> Parts:
    """Draw half of the documents for review, and gold from the others."""
    groups = np.array(user.groups)
    documents = rng.permutation(np.unique(groups))
    inside = np.isin(groups, documents[: len(documents) // 2])
    pool, test = np.flatnonzero(~inside), np.flatnonzero(inside)
    return Parts(pool, test, np.sort(rng.permutation(test)[:GOLD]))


def reviewed_rows(case: Case, on: Ground, pool: Rows, rng: np.random.Generator) -> Rows:
    """Return which segments are reviewed, in the order of the text."""
    if case.order == RANDOM:
        return np.sort(rng.permutation(pool)[: case.labels])
    texts = [on.user.segments[i].text for i in pool]
    queue = order(texts, doubt(on.probabilities[pool]), depth=case.labels)
    return np.sort(pool[queue[: case.labels]])


def simulated(case: Case, draw: int, folder: Path, all_over: bool) -> ROW:
    """Correct a base once, and return what came of it; the parts are those of all cases of a draw."""
    on = ground(case.shift, folder)
    rng = np.random.default_rng([SEED, SHIFTS.index(case.shift), draw])
    parts = parted(on.user, rng)
    truth = on.user.labels
    if case.coder == OTHERWISE:
        truth = read_otherwise(truth, on.user.codebook.columns)
    rows = reviewed_rows(case, on, parts.pool, rng)
    labels = CODERS[case.coder](truth[rows], rng)
    gold = on.corpus(parts.gold, truth[parts.gold])
    made = retrain(Reviewed(on.corpus(rows, labels), gold, np.ones(len(parts.gold))), on.base)
    after = made.model.predict([on.user.segments[i].text for i in parts.test])
    found = {
        **_names(case, draw),
        "before": _scores(on.given[parts.test], truth[parts.test]),
        "after": _scores(after, truth[parts.test]),
        **_verdict(made),
    }
    if all_over and case.all_over:
        text = counts_of(case.shift, folder)
        tried = trained_all_over(text, on.base, rows, labels, parts.test)
        scores = [_scores(given, truth[parts.test]) for given in tried]
        found["all_over"] = {str(w): s for w, s in zip(WEIGHTS, scores, strict=True)}
    return found


def _names(case: Case, draw: int) -> ROW:
    named = {"text": case.shift.name, "labels": case.labels, "order": case.order, "coder": case.coder}
    return {**named, "draw": draw}


def _verdict(made: Retrained) -> ROW:
    differences = {name: c.micro.difference.to_json()["value"] for name, c in made.compared.items()}
    return {"verdict": made.verdict, "measured": differences}


def _scores(given: Labels, truth: Labels) -> dict[str, float]:
    """Return micro-F1, and macro-F1 over the codes that stand in the text."""
    counts = count(given, truth)
    macro = f1(counts)[truth.any(axis=0)].mean()
    return {"micro_f1": round(float(micro_f1(counts)), 4), "macro_f1": round(float(macro), 4)}


def all_runs(draws: int, all_over: int, folder: Path, processes: int) -> Iterator[ROW]:
    """Train bases, then correct them, draw by draw; cases of text that is not here are left out."""
    shifts = [shift for shift in SHIFTS if not shift.absent]
    jobs = [(c, d, folder, d < all_over) for d in range(draws) for c in CASES if c.shift in shifts]
    with ProcessPoolExecutor(processes) as crew:
        for shift, _ in zip(shifts, crew.map(write_base, shifts, [folder] * len(shifts)), strict=True):
            _tell(f"{shift.name}: base trained")
        for row in crew.map(simulated, *zip(*jobs, strict=True)):
            gain = row["after"]["micro_f1"] - row["before"]["micro_f1"]
            named = ", ".join(str(row[name]) for name in ("text", "labels", "order", "coder", "draw"))
            _tell(f"{named}: {gain:+.4f} {row['verdict']}")
            yield row


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def texts() -> dict[str, ROW]:
    """Say what text there is, and why other text is left out."""
    told: dict[str, ROW] = {}
    for shift in SHIFTS:
        told[shift.name] = {"told": shift.told}
        if shift.absent:
            told[shift.name]["absent"] = shift.absent
            _tell(f"{shift.name}: left out: {shift.absent}")
        else:
            base, user = corpora(shift)
            sizes = {"base": len(base.texts), "segments": len(user.texts), "documents": len(set(user.groups))}
            told[shift.name] |= sizes
    return told


def main() -> None:
    """Simulate, write the figures after each run, and put the tables into the page."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.retrainings", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("-o", "--out", type=Path, default=Path("bench/results/retrainings.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/retraining.md"))
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--all-over", type=int, default=3, help="draws that are also trained all over")
    parser.add_argument(
        "--bases", type=Path, help="keep the bases here, and take those that are here already"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--tables-only", action="store_true", help="from the figures that there are")
    asked = parser.parse_args()
    if not asked.tables_only:
        found: ROW = {"texts": texts(), "gold": GOLD, "runs": []}
        with kept_in(asked.bases) as folder:
            for row in all_runs(asked.draws, asked.all_over, folder, asked.processes):
                found["runs"].append(row)
                with whole_file(asked.out) as stream:
                    stream.write(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
    page = filled(asked.page.read_text(encoding="utf-8"), json.loads(asked.out.read_text(encoding="utf-8")))
    with whole_file(asked.page) as stream:
        stream.write(page)


if __name__ == "__main__":
    main()
