"""Two models on the same labelled segments: what one does better or worse, per code, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len

from classifier.codebook import Codebook
from classifier.evaluation import MACRO_SUPPORT, REPLICATIONS, f1, micro_f1

Array = NDArray[np.float64]
Labels = NDArray[np.bool_]

MIN_DOCUMENTS = 5  # below which resampling documents says nothing about chance
SEED = 20181121
_NOTHING = "–"


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval; ``low`` and ``high`` are NaN where too few documents give none."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """Return the figure for pages and files; what is not known is None."""
        return {k: None if np.isnan(v) else round(float(v), 4) for k, v in vars(self).items()}


@dataclass(frozen=True)
class Change:
    """F1 before and after, and the difference: of one code, or over all (``code`` is micro or macro).

    ``support`` is the number of segments that carry the code.
    """

    code: str
    support: int
    before: Figure
    after: Figure
    difference: Figure


@dataclass(frozen=True)
class BeforeAfter:
    """Two models compared on the same segments, in the order of the codebook.

    ``weighted`` says whether segments count by what they stand for.
    """

    segments: int
    documents: int
    weighted: bool
    codes: tuple[Change, ...]
    micro: Change
    macro: Change

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, for a page or a manifest."""
        return {
            "segments": self.segments,
            "documents": self.documents,
            "weighted": self.weighted,
            "micro": _plain(self.micro),
            "macro": _plain(self.macro),
            "codes": [_plain(change) for change in self.codes],
        }


def _plain(change: Change) -> dict[str, Any]:
    figures = {name: getattr(change, name).to_json() for name in ("before", "after", "difference")}
    return {"code": change.code, "support": change.support, **figures}


def before_after(
    before: Labels,
    after: Labels,
    gold: Labels,
    groups: Sequence[str],
    *,
    columns: Sequence[str],
    weights: Array | None = None,
) -> BeforeAfter:
    """Compare decisions of two models with gold.

    Both are scored on the same resampled documents, so that what is hard for both does not
    blur the difference (paired cluster bootstrap; Davison & Hinkley, "Bootstrap Methods", 1997,
    section 3.8).

    Parameters
    ----------
    before, after, gold : ndarray of bool, shape (n_segments, n_codes)
    groups : sequence of str, length n_segments
        The document of each segment.
    columns : sequence of str
    weights : ndarray of float, shape (n_segments,), optional
        How many segments each stands for: one over its inclusion probability.

    >>> gold = np.array([[True, False], [True, True]])
    >>> before_after(gold & False, gold, gold, ["甲", "乙"], columns=["a", "b"]).micro.difference.value
    1.0
    """
    names, document = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    drawn = _resampled(len(names))
    single = np.ones(len(gold)) if weights is None else weights
    sums = [_per_document(given, gold, document, len(names), single) for given in (before, after)]
    totals = [s.sum(axis=0) for s in sums]
    draws = [np.tensordot(drawn, s, axes=1) for s in sums]
    support = gold.sum(axis=0)
    enough = support >= MACRO_SUPPORT

    def change(code: str, of: Any, count: int) -> Change:
        values, replications = [of(t) for t in totals], [of(d) for d in draws]
        sure = len(names) >= MIN_DOCUMENTS
        difference = _figure(values[1] - values[0], replications[1] - replications[0], sure)
        first, second = (_figure(v, r, sure) for v, r in zip(values, replications, strict=True))
        return Change(code, count, first, second, difference)

    def macro(counts: Array) -> Array:
        every = f1(counts)[..., enough]
        return np.asarray(every.mean(axis=-1)) if enough.any() else np.full(counts.shape[:-2], np.nan)

    return BeforeAfter(
        segments=len(gold),
        documents=len(names),
        weighted=weights is not None,
        codes=tuple(
            change(code, lambda c, j=j: _f1_or_nan(c[..., j, :]), int(support[j]))
            for j, code in enumerate(columns)
        ),
        micro=change("micro", micro_f1, int(support.sum())),
        macro=change("macro", macro, int(support.sum())),
    )


def _per_document(given: Labels, gold: Labels, document: NDArray[np.intp], n: int, weights: Array) -> Array:
    """Return true positives, false positives, false negatives of each document, (n, n_codes, 3)."""
    kinds = np.stack([given & gold, given & ~gold, ~given & gold], axis=-1) * weights[:, None, None]
    out = np.zeros((n, *kinds.shape[1:]))
    np.add.at(out, document, kinds)
    return out


def _f1_or_nan(counts: Array) -> Array:
    """Return F1; NaN where nothing is given and nothing is gold."""
    return np.asarray(np.where(counts.sum(axis=-1) > 0, f1(counts), np.nan))


def _resampled(n: int) -> Array:
    rng = np.random.default_rng(SEED)
    return rng.multinomial(n, np.full(n, 1 / n), size=REPLICATIONS).astype(float)


def _figure(value: Any, replications: Array, sure: bool) -> Figure:
    known = replications[~np.isnan(replications)]
    if not sure or np.isnan(value) or len(known) < REPLICATIONS / 2:
        return Figure(float(value), np.nan, np.nan)
    low, high = np.quantile(known, [0.025, 0.975])
    return Figure(float(value), float(low), float(high))


def to_text(compared: BeforeAfter, about: str, codebook: Codebook) -> str:
    """Return a comparison as a table of at most 80 columns: a line a code, then the averages.

    Codes that neither stand nor were given are left out.
    """
    names = {c.code: f"{c.code} {c.name.get('zh', '')}".strip() for c in codebook.codes}
    shown = [c for c in compared.codes if not np.isnan(c.before.value) or not np.isnan(c.after.value)]
    rows = [*shown, compared.micro, compared.macro]
    width = min(31, max(cell_len(names.get(c.code, f"{c.code}-F1")) for c in rows))
    lines = [
        f"\n{about}: {compared.segments:,} segments, {compared.documents:,} documents"
        + (", weighted" if compared.weighted else ""),
        f"{'code':{width}} support  before   after  difference, 95 %",
    ]
    lines += [_line(c, names.get(c.code, f"{c.code}-F1"), width) for c in rows]
    return "\n".join(lines)


def _line(change: Change, name: str, width: int) -> str:
    while cell_len(name) > width:
        name = name.removesuffix("…")[:-1] + "…"
    cells = "".join(f"{_shown(f.value, '.3f'):>8}" for f in (change.before, change.after))
    d = change.difference
    interval = "" if np.isnan(d.low) else f" [{d.low:+.3f}, {d.high:+.3f}]"
    filled = name + " " * (width - cell_len(name))
    return f"{filled}{change.support:8,}{cells}{_shown(d.value, '+.3f'):>8}{interval}"


def _shown(value: float, form: str) -> str:
    return _NOTHING if np.isnan(value) else format(value, form)
