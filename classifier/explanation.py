"""Why a model gives a code: the words and cues that speak for it and against it, with offsets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from classifier.features import prepare_aligned, spoken_aligned
from classifier.model import PolicyClassifier
from classifier.normalise import Aligned

Array = NDArray[np.float64]

SHOWN = 0.05  # the least probability of a code, and the least weight of evidence, shown to people
SHARE = 0.15  # of the strongest character's weight: a weaker character ends a phrase


@dataclass(frozen=True)
class Evidence:
    """What speaks for a code (``weight`` > 0) or against it; ``start`` and ``end`` cut the raw segment."""

    text: str
    start: int
    end: int
    weight: float
    is_cue: bool = False


@dataclass(frozen=True)
class Explanation:
    """Why one code is or is not given.

    The score is ``base`` plus the weights of ``evidence`` plus ``rest``, what characters
    too weak to be shown bring together.
    """

    code: str
    probability: float
    threshold: float
    given: bool
    score: float
    base: float
    rest: float
    evidence: tuple[Evidence, ...]


def explain(model: PolicyClassifier, text: str) -> tuple[Explanation, ...]:
    """Explain every trained code of a segment, the most probable first.

    A term's share of the score is divided evenly among its occurrences and, in each,
    among its characters; neighbouring characters that speak the same way are shown as
    one phrase. A code's lexicon columns are divided evenly among the cues that hit it.

    Parameters
    ----------
    model : PolicyClassifier
    text : str
        One segment; it is not cut.

    >>> from classifier import load_model
    >>> first = explain(load_model(), "签约医生每周到村里坐诊。")[0]
    >>> first.code, first.given, first.evidence[0].weight > 0
    ('health', True, True)
    """
    scores = model.decision_function([text])[0]
    probabilities = model.probabilities(scores[None])
    given = model.decide(probabilities)[0]
    trained = np.flatnonzero(model.trained_)
    parts = list(_Parts(model, text).codes())
    out = [
        Explanation(
            code=model.codes_[column],
            probability=float(probabilities[0, column]),
            threshold=float(model.decisions_.threshold[j]),
            given=bool(given[column]),
            score=float(scores[j]),
            base=float(model.intercept_[j]),
            rest=float(scores[j] - model.intercept_[j] - sum(e.weight for e in parts[j])),
            evidence=parts[j],
        )
        for j, column in enumerate(trained)
    ]
    return tuple(sorted(out, key=lambda e: -e.probability))


class _Parts:
    """The weights of one segment's characters and cues, for each trained code."""

    def __init__(self, model: PolicyClassifier, text: str) -> None:
        self.model, self.text = model, text
        self.prepared = prepare_aligned(text)
        self.values = model.features_.transform([text]).toarray()[0].astype(float)
        self.columns, self.starts, self.ends = model.features_.occurrences(text)
        self.occurring = np.bincount(self.columns, minlength=len(self.values))

    def codes(self) -> Iterator[tuple[Evidence, ...]]:
        """Yield the evidence of each trained code, the strongest first."""
        for weights in self.model.coef_.astype(float):
            evidence = [*_phrases(self._characters(weights), self.prepared, self.text), *self._cues(weights)]
            yield tuple(sorted(evidence, key=lambda e: (-abs(e.weight), e.start, e.is_cue)))

    def _characters(self, weights: Array) -> Array:
        """Return what each character of the prepared segment adds to the score."""
        share = self.values[self.columns] * weights[self.columns] / self.occurring[self.columns]
        out = np.zeros(len(self.prepared.text))
        for start, end, one in zip(self.starts, self.ends, share, strict=True):
            out[start:end] += one / (end - start)
        return out

    def _cues(self, weights: Array) -> Iterator[Evidence]:
        features = self.model.features_
        if features.lexicon is None:
            return
        place = spoken_aligned(self.text)
        hits = features.lexicon.hits(place.text)
        for code, values in features.values_of_hits(place.text).items():
            own = [hit for hit in hits if code in hit.codes]
            weight = sum(value * float(weights[column]) for column, value in values)
            for hit in own if weight else ():
                start, end = place.span(hit.start, hit.end)
                yield Evidence(self.text[start:end], start, end, weight / len(own), is_cue=True)


def _phrases(characters: Array, prepared: Aligned, text: str) -> Iterator[Evidence]:
    """Yield runs of neighbouring characters that speak the same way, weak ones left out."""
    least = SHARE * np.abs(characters).max(initial=0.0)
    sign = np.where(np.abs(characters) > least, np.sign(characters), 0)
    for first, last in _runs(sign):
        start, end = prepared.span(first, last)
        yield Evidence(text[start:end], start, end, float(characters[first:last].sum()))


def _runs(sign: Array) -> Iterator[tuple[int, int]]:
    """Yield the bounds of runs of one sign, zero left out."""
    edges = np.flatnonzero(np.diff(sign, prepend=0, append=0))
    for first, last in pairwise(edges):
        if sign[first]:
            yield int(first), int(last)


def evidence_of(model: PolicyClassifier, text: str, phrases: int = 3) -> str:
    """Return, on one line, what speaks most for each code given: ``code=phrase@start-end;…``.

    >>> from classifier import load_model
    >>> evidence_of(load_model(), "大家都说好。")
    ''
    """
    parts = []
    for e in explain(model, text):
        if e.given:
            spoke = dict.fromkeys((x.text, x.start, x.end) for x in e.evidence if x.weight > 0)
            shown = [f"{_on_one_line(x)}@{start}-{end}" for x, start, end in list(spoke)[:phrases]]
            parts.append(f"{e.code}={';'.join(shown)}")
    return " ".join(parts)


def to_text(explanations: Sequence[Explanation], names: Mapping[str, str]) -> str:
    """Return explanations for people: a block for each code given, or not quite out of the question."""
    blocks = []
    for e in explanations:
        if e.given or e.probability >= SHOWN:
            verdict = "given 判为" if e.given else "not given 不判"
            head = f"{e.code} {names.get(e.code, '')}".strip()
            blocks.append(f"{head}  p={e.probability:.3f}  threshold={e.threshold:.3f}  {verdict}")
            shown = [x for x in e.evidence if abs(x.weight) >= SHOWN]
            blocks += [_line(x) for x in shown]
            others = e.score - sum(x.weight for x in shown)
            blocks.append(f"  {others:+.2f}  (base and all the rest 基准与其余)")
    return "\n".join(blocks) or "no code has a probability worth showing 没有任何编码的概率值得一看"


def _line(x: Evidence) -> str:
    return f"  {x.weight:+.2f}  {x.start}-{x.end}\t{_on_one_line(x.text)}{'  (cue 词表)' if x.is_cue else ''}"


def _on_one_line(phrase: str) -> str:
    return " ".join(phrase.split())
