"""How well coders agree with each other and with the model, per code, from a review store."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifier.agreement import Agreement, Labels, agreement
from classifier.codebook import Codebook
from classifier.inert_text import on_one_line
from classifier.review_items import Codes, Item, standings
from classifier.review_pages import shown
from classifier.review_store import ReviewStore

Data = dict[str, Any]
FIGURES = ("alpha", "kappa", "f1")


def coder_rows(store: ReviewStore, coder: str) -> list[Data]:
    """Return how far each coder has come: counts, and his share of segments coded just as the model did."""
    rows = []
    for name in sorted({*store.coders(), coder}):
        found = store.progress(name)
        same, compared = found.with_model
        rows.append(
            {
                "name": on_one_line(name),
                "you": name == coder,
                "coded": f"{found.coded:,} / {found.total:,}",
                "skipped": f"{found.skipped:,}",
                "gold": f"{found.gold_coded:,} / {found.gold_total:,}" if found.gold_total else "–",
                "same": f"{same / compared:.0%}" if compared else "–",
            }
        )
    return rows


def figures(store: ReviewStore, names: Mapping[str, str]) -> Data:
    """Return how often each code was given, and how well people agree on it.

    ``between`` compares coders, ``model`` each coder's work, one after the other, with the model's on the
    same segments; both are None where nothing can be compared. A figure is its value and the ends of
    its 95 % interval (see `agreement`), None where it does not exist.

    Parameters
    ----------
    store : ReviewStore
    names : mapping of str to str
        What each code is called, in the codebook's order.
    """
    codebook = store.codebook
    current = store.current()
    wanted = {segment_id for segment_id, _ in current}
    items = [item for item in store.items(order="place") if item.segment_id in wanted]
    labels, coded, coders = _by_coder(current, items, codebook)
    model = _model(items, codebook)
    by_coders = (labels & coded[..., None]).any(axis=0).sum(axis=0) if coders else [0] * len(names)
    counts = dict(zip(codebook.columns, zip(model.sum(axis=0), by_coders, strict=True), strict=True))
    between = _between(labels, coded, items, codebook)
    with_model = _with_model(labels, coded, model, items, codebook)
    return {
        "codes": [
            {
                "name": shown(name),
                "by_model": int(counts[code][0]),
                "by_coders": int(counts[code][1]),
                "between": _of_code(between, code),
                "model": _of_code(with_model, code),
            }
            for code, name in names.items()
        ],
        "overall": {
            "by_model": int(model.any(axis=1).sum()),
            "by_coders": int((labels & coded[..., None]).any(axis=(0, 2)).sum()),
            "between": _overall(between),
            "model": _overall(with_model),
        },
        "between": _about(between),
        "model": _about(with_model),
    }


def _by_coder(
    current: Mapping[tuple[str, str], Codes], items: Sequence[Item], codebook: Codebook
) -> tuple[Labels, Labels, list[str]]:
    """Return what each coder gave, shape (n_coders, n_segments, n_codes), and what each has coded."""
    coders = sorted({coder for _, coder in current})
    row = {item.segment_id: i for i, item in enumerate(items)}
    column = {code: i for i, code in enumerate(codebook.columns)}
    labels = np.zeros((len(coders), len(items), len(column)), dtype=bool)
    coded = np.zeros(labels.shape[:2], dtype=bool)
    for (segment_id, coder), codes in current.items():
        at = coders.index(coder), row[segment_id]
        coded[at] = True
        labels[at][[column[code] for code in codes]] = True
    return labels, coded, coders


def _model(items: Sequence[Item], codebook: Codebook) -> Labels:
    column = {code: i for i, code in enumerate(codebook.columns)}
    labels = np.zeros((len(items), len(column)), dtype=bool)
    for i, item in enumerate(items):
        labels[i, [column[code] for code in item.codes]] = True
    return labels


def _between(labels: Labels, coded: Labels, items: Sequence[Item], book: Codebook) -> Agreement | None:
    if not (coded.sum(axis=0) >= 2).any():
        return None
    return agreement(labels, coded, [item.doc_id for item in items], book.columns)


def _with_model(
    labels: Labels, coded: Labels, model: Labels, items: Sequence[Item], book: Codebook
) -> Agreement | None:
    """Compare what coders gave with what the model gave, a row for each segment and coder."""
    coder, segment = np.nonzero(coded)
    if not len(segment):
        return None
    both = np.stack([labels[coder, segment], model[segment]])
    documents = [items[i].doc_id for i in segment.tolist()]
    return agreement(both, np.ones(both.shape[:2], dtype=bool), documents, book.columns)


def _of_code(found: Agreement | None, code: str) -> Data | None:
    if found is None:
        return None
    row = found.table.loc[code]
    return {name: [_known(row[f"{name}{end}"]) for end in ("", "_low", "_high")] for name in FIGURES}


def _overall(found: Agreement | None) -> Data | None:
    if found is None:
        return None
    rows = {name: found.overall.loc[name] for name in ("alpha", "f1")}
    return {name: [_known(row[end]) for end in ("value", "low", "high")] for name, row in rows.items()} | {
        "kappa": None
    }


def _about(found: Agreement | None) -> Data | None:
    if found is None:
        return None
    same = _known(found.overall.loc["same_set", "value"])
    return {"segments": found.segments, "documents": found.documents, "same": same}


def _known(value: Any) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)


def skipped_by(store: ReviewStore, coder: str) -> list[str]:
    """Return the segments that a coder has skipped and not decided since."""
    found = standings(store.events())
    return [
        segment_id
        for (segment_id, lane), stack in found.items()
        if lane == coder and stack and stack[-1].skipped
    ]
