"""Learning from what was reviewed: a store's labels and a model give another model, and what it changed.

The old model stays as it is. What the new one does better or worse is measured on text that neither
has learned from, and one that does worse is not written unless that is wanted. How, and why so, stands
in docs/retraining.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.before_after import BeforeAfter, before_after
from classifier.corpus import Corpus, Segment
from classifier.corrections import Base, Corrections, Labels, Start, fit_corrections, hold_out, line_up
from classifier.folds import grouped_folds
from classifier.lexicon import Lexicon
from classifier.model import MIN_ARTICLES, PolicyClassifier
from classifier.reviewed_labels import Reviewed
from classifier.training import Trained

BETTER, EQUAL, WORSE, UNCHANGED = VERDICTS = "better", "equal", "worse", "unchanged"
GOLD_TEXT, REVIEWED_TEXT, CORPUS_TEXT = TEXTS = "gold", "reviewed", "corpus"
FOLDS = 5
MIN_POSITIVES = 10  # from which a code that is new to the model is learned
DAMAGE = 0.02  # of micro-F1: a loss as large is refused, however wide its interval …
ENOUGH = 100  # … where so many codes were given by hand: on fewer it is two or three segments
FORGOTTEN = 0.03  # of micro-F1 on the corpus, which reviewed labels may well contradict

_NOTHING_LEARNED = "what was reviewed teaches nothing that holds on documents held out"
_NOTHING_NEW = "nothing was reviewed since the old model learned"

Tell = Callable[[str, float], None]  # what is being done, and how much of all is behind, from 0 to 1


@dataclass(frozen=True)
class Retrained:
    """A model corrected by reviewed labels, and how it compares with the old one.

    ``compared`` maps gold, reviewed and corpus, as far as there is such text, to the comparison with the
    old model; ``held_out`` is the same of the base, on all reviewed documents held out. ``verdict`` is
    one of ``VERDICTS``, and ``reasons`` says in a line each why.
    """

    model: PolicyClassifier
    base: Base
    reviewed: Reviewed
    compared: dict[str, BeforeAfter]
    held_out: BeforeAfter
    verdict: str
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def refused(self) -> bool:
        """Whether the new model is worse, or no other than the old one."""
        return self.verdict in (WORSE, UNCHANGED)

    def to_json(self) -> dict[str, Any]:
        """Return what a page shows: verdict, reasons, notes, counts and the comparisons."""
        return {
            "verdict": self.verdict,
            "refused": self.refused,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "labels": len(self.reviewed.corpus.segments),
            "documents": len(set(self.reviewed.corpus.groups)),
            "gold": len(self.reviewed.weights),
            "open": self.reviewed.open,
            "compared": {name: found.to_json() for name, found in self.compared.items()},
        }


def label_hash(segment: Segment) -> str:
    """Return what a model folder calls a label that a model has learned: it tells neither text nor codes."""
    said = "\n".join((segment.doc_id, segment.text, *sorted(segment.codes)))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def retrain(
    reviewed: Reviewed,
    base: PolicyClassifier,
    *,
    old: PolicyClassifier | None = None,
    seen: Collection[str] = (),
    lexicon: Lexicon | None = None,
    trained: Trained | None = None,
    tell: Tell = lambda _, __: None,
) -> Retrained:
    """Correct a model by reviewed labels, and compare the result with the old model.

    Parameters
    ----------
    reviewed : Reviewed
        See `read_reviewed`.
    base : PolicyClassifier
        What is corrected: a model that has learned from none of these labels.
    old : PolicyClassifier, optional
        What the new model is compared with, by default ``base``.
    seen : collection of str
        The labels that ``old`` has learned from, as `label_hash` names them; on them it is not compared.
    lexicon : Lexicon, optional
        In place of the base's own.
    trained : Trained, optional
        Where ``base`` was just trained on a corpus: the comparison is made there too, out of fold.
    tell : callable
        Told what is being done, and how much of all is behind.

    Raises
    ------
    ModelError, LexiconError
        See `line_up`.
    """
    tell("reading", 0.0)
    lined = line_up(base, reviewed.corpus.codebook, lexicon)
    start = lined.start(reviewed.corpus.texts)
    learned = _learn(lined, start, reviewed.corpus, tell)
    learned.model.reference_ = base.reference_
    tell("comparing", 0.9)
    measure = _Measure(lined, old or base)
    compared, notes = _compared(measure, reviewed, learned, frozenset(seen))
    if trained is not None:
        compared[CORPUS_TEXT] = _on_corpus(lined, trained, learned)
    before = lined.decide(start.log_odds, lined.known)
    held_out = measure.compare(reviewed.corpus, learned.given, before)
    verdict, reasons = judged(compared)
    other = trained is not None or lined.lexicon != base.lexicon  # then more is new than labels
    if not other and set(seen) == {label_hash(segment) for segment in reviewed.corpus.segments}:
        verdict, reasons = UNCHANGED, (_NOTHING_NEW,)
    elif learned.corrections.none and old is None:
        verdict, reasons = UNCHANGED, (_NOTHING_LEARNED,)
    return Retrained(learned.model, lined, reviewed, compared, held_out, verdict, reasons, notes)


@dataclass(frozen=True)
class _Learned:
    """Corrections, the codes that they are for, the corrected model, and decisions held out."""

    corrections: Corrections
    codes: Labels
    model: PolicyClassifier
    given: Labels


def _learn(base: Base, start: Start, corpus: Corpus, tell: Tell) -> _Learned:
    """Learn corrections, first of each fold without it, then of all."""
    tell("measuring on documents held out", 0.1)
    codes = base.known | _learnable(corpus)
    part, labels = Start(start.X, start.log_odds[:, codes], base.known[codes]), corpus.labels[:, codes]
    tried = hold_out(part, labels, grouped_folds(labels, corpus.groups, _n_folds(corpus)))
    log_odds = start.log_odds.copy()
    log_odds[:, codes] = tried.log_odds
    tell("learning", 0.8)
    corrections = _widened(fit_corrections(part, labels, tried.cautions), codes)
    return _Learned(corrections, codes, base.corrected(corrections, codes), base.decide(log_odds, codes))


def _n_folds(corpus: Corpus) -> int:
    return min(FOLDS, len(set(corpus.groups)))


def _learnable(corpus: Corpus) -> Labels:
    """Return the codes that can be learned from nothing, shape (n_codes,)."""
    groups = np.array(corpus.groups)
    documents = np.array([len(set(groups[column])) for column in corpus.labels.T])
    positives = corpus.labels.sum(axis=0)
    enough = (positives >= MIN_POSITIVES) & (positives < len(groups)) & (documents >= MIN_ARTICLES)
    return np.asarray(enough, dtype=bool)


def _widened(corrections: Corrections, learned: Labels) -> Corrections:
    """Return corrections for all codes, nothing for those that are not learned."""
    weights = np.zeros((len(corrections.weights), len(learned)))
    intercept, stretch = np.zeros(len(learned)), np.zeros(len(learned))
    weights[:, learned] = corrections.weights
    intercept[learned], stretch[learned] = corrections.intercept, corrections.stretch
    return Corrections(weights, intercept, stretch)


@dataclass(frozen=True)
class _Measure:
    """Compares decisions with those of the old model, whose codes may be others."""

    base: Base
    old: PolicyClassifier

    def before(self, texts: Sequence[str]) -> Labels:
        """Return what the old model gives, in the columns of the new codebook."""
        given, columns = self.old.predict(texts), self.base.codebook.columns
        out = np.zeros((len(texts), len(columns)), dtype=bool)
        for j, code in enumerate(columns):
            if code in self.old.codes_:
                out[:, j] = given[:, self.old.codes_.index(code)]
        return out

    def compare(
        self, corpus: Corpus, after: Labels, before: Labels, weights: NDArray[np.float64] | None = None
    ) -> BeforeAfter:
        columns = corpus.codebook.columns
        return before_after(before, after, corpus.labels, corpus.groups, columns=columns, weights=weights)


def _compared(
    measure: _Measure, reviewed: Reviewed, learned: _Learned, seen: frozenset[str]
) -> tuple[dict[str, BeforeAfter], tuple[str, ...]]:
    """Compare on gold, and on reviewed documents held out, as far as the old model has not seen them."""
    compared, notes = {}, []
    gold, corpus = reviewed.gold, reviewed.corpus
    if gold is not None:
        after, before = learned.model.predict(gold.texts), measure.before(gold.texts)
        compared[GOLD_TEXT] = measure.compare(gold, after, before, reviewed.weights)
    new = np.array([label_hash(segment) not in seen for segment in corpus.segments])
    if new.any():
        part = _part(corpus, new)
        compared[REVIEWED_TEXT] = measure.compare(part, learned.given[new], measure.before(part.texts))
    if not new.all():
        notes.append(f"{int((~new).sum()):,} reviewed labels are known to the old model: not compared there")
    if reviewed.open:
        notes.append(f"{reviewed.open:,} disputed segments are left out: settle them on the page")
    if reviewed.golden:
        notes.append(f"{reviewed.golden:,} reviewed segments have a text of the gold sample: left out")
    return compared, tuple(notes)


def _part(corpus: Corpus, chosen: Labels) -> Corpus:
    kept = tuple(s for s, yes in zip(corpus.segments, chosen, strict=True) if yes)
    return replace(corpus, segments=kept, labels=corpus.labels[chosen])


def _on_corpus(base: Base, trained: Trained, learned: _Learned) -> BeforeAfter:
    """Compare on the corpus that the base was trained on, by its probabilities out of fold."""
    corpus = trained.corpus
    p = np.clip(np.nan_to_num(trained.model.out_of_fold_[0], nan=0.5), 1e-12, 1 - 1e-12)
    start = Start(base.features.transform(corpus.texts), np.log(p / (1 - p)), base.known)
    decided = (
        base.decide(start.log_odds, base.known),
        base.decide(learned.corrections.corrected(start), base.known),
    )
    return before_after(*decided, corpus.labels, corpus.groups, columns=corpus.codebook.columns)


def judged(compared: Mapping[str, BeforeAfter]) -> tuple[str, tuple[str, ...]]:
    """Say whether a model is better, equal or worse, and why it is worse.

    It is worse where, on gold or on reviewed documents held out, the interval of the difference of
    micro-F1 lies below 0, or the difference is -0.02 or less and there are 100 codes given by hand; and
    where it surely loses more than 0.03 on the corpus. It is better where an interval on gold or
    reviewed lies above 0.
    """
    worse, better = [], False
    for name, found in compared.items():
        d = found.micro.difference
        if name == CORPUS_TEXT:
            bad = d.high < -FORGOTTEN
        else:
            bad = d.high < 0 or (d.value <= -DAMAGE and found.micro.support >= ENOUGH)
            better = better or d.low > 0
        if bad:
            interval = "" if np.isnan(d.low) else f" [{d.low:+.3f}, {d.high:+.3f}]"
            worse.append(f"worse on {name}: micro-F1 {d.value:+.3f}{interval}")
    return (WORSE, tuple(worse)) if worse else (BETTER if better else EQUAL, ())
