"""The labels of a review store as text to learn from, with gold kept apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.corpus import Corpus, Segment, make_corpus
from classifier.errors import CorpusError
from classifier.model import MIN_ARTICLES
from classifier.normalise import normalise_all
from classifier.review_items import GOLD, Item
from classifier.review_store import ReviewStore
from classifier.sampling import PROBABILITY, STRATUM

ALIKE = 0.8  # of two texts' pieces that both have (Jaccard), from which on they are the same
PIECE = 5  # characters of a piece


@dataclass(frozen=True)
class Reviewed:
    """The labels of a store: those to learn from, and gold, which is only measured on.

    ``weights`` (n_gold,): how many segments each of gold stands for. ``open`` segments are disputed and
    left out, ``golden`` have a text that is in the gold sample too, and are not learned from. ``apart``:
    the texts of the gold sample, coded or not yet.
    """

    corpus: Corpus
    gold: Corpus | None
    weights: NDArray[np.float64]
    open: int = 0
    golden: int = 0
    apart: tuple[str, ...] = ()


def read_reviewed(store: ReviewStore) -> Reviewed:
    """Return the labels that hold in a store; see `settled`.

    Raises `CorpusError` where there is nothing to learn from, or it all stands in one document.
    """
    labels, book = store.settled(), store.codebook
    items = [item for item in store.items(order="place") if item.segment_id in labels]
    golden = [item for item in items if item.purpose == GOLD]
    apart = tuple(item.text for item in store.items(GOLD))  # one not coded yet will measure when it is
    kept_apart = set(_plain(apart))
    others = [item for item in items if item.purpose != GOLD]
    learned = [
        i for i, text in zip(others, _plain(i.text for i in others), strict=True) if text not in kept_apart
    ]
    if len({item.doc_id for item in learned}) < MIN_ARTICLES:
        raise CorpusError(
            f"{store.shown_url}: {len(learned)} reviewed segments to learn from, in fewer than "
            f"{MIN_ARTICLES} documents",
            "review more, in several documents; disputed segments and the gold sample do not count",
        )
    return Reviewed(
        make_corpus([_segment(item, labels) for item in learned], book),
        make_corpus([_segment(item, labels) for item in golden], book) if golden else None,
        _stands_for(golden, store),
        len(store.disputed()),
        len(others) - len(learned),
        apart,
    )


def _segment(item: Item, labels: Mapping[str, tuple[str, ...]]) -> Segment:
    return Segment(item.doc_id, item.text, labels[item.segment_id], item.segment_id)


def _plain(texts: Iterable[str]) -> list[str]:
    """Return texts without what makes the same sentence look different: width, case, marks, spaces."""
    return ["".join(c for c in text if c.isalnum()) for text in normalise_all(list(texts))]


def _stands_for(golden: Sequence[Item], store: ReviewStore) -> NDArray[np.float64]:
    """Return how many segments each gold item stands for; those coded stand for their stratum's others."""
    if not golden:
        return np.zeros(0)
    stratum = [str((item.drawn or {}).get(STRATUM, "")) for item in golden]
    drawn = [str((item.drawn or {}).get(STRATUM, "")) for item in store.items(GOLD)]
    part = [stratum.count(s) / drawn.count(s) for s in stratum]
    chance = [float((item.drawn or {}).get(PROBABILITY) or 1.0) for item in golden]
    return np.asarray(1 / (np.array(chance) * np.array(part)))


def without_reviewed(corpus: Corpus, reviewed: Reviewed) -> tuple[Corpus, int]:
    """Return a corpus without the texts that were reviewed too, whose reviewed label holds, and how many.

    Texts are the same where they have the same letters, or nearly: a Jaccard similarity of their pieces
    of five characters of 0.8 or more. Gold's texts are left out too, as it measures, now or when it is coded.
    """
    known = _plain([*reviewed.corpus.texts, *reviewed.apart])
    pieces = [_pieces(text) for text in known]
    having: dict[str, list[int]] = {}
    for number, of in enumerate(pieces):
        for piece in sorted(of):
            having.setdefault(piece, []).append(number)
    texts, same = _plain(corpus.texts), set(known)
    keep = [t not in same and not _near(_pieces(t), pieces, having) for t in texts]
    kept = [s for s, yes in zip(corpus.segments, keep, strict=True) if yes]
    return make_corpus(kept, corpus.codebook), len(texts) - len(kept)


def _pieces(text: str) -> set[str]:
    return {text[i : i + PIECE] for i in range(max(1, len(text) - PIECE + 1))}


def _near(of: set[str], pieces: Sequence[set[str]], having: dict[str, list[int]]) -> bool:
    shared: dict[int, int] = {}
    for piece in of:
        for number in having.get(piece, ()):
            shared[number] = shared.get(number, 0) + 1
    return any(n >= ALIKE * (len(of) + len(pieces[number]) - n) for number, n in shared.items())
