"""Files that the page of progress offers: every decision, tables of codes, and what other tools read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from classifier.codebook import Codebook
from classifier.doccano import write_doccano
from classifier.errors import InputError
from classifier.exchange_tables import write_segments
from classifier.exchanged import Coding, Exchanged, without_model
from classifier.label_studio import write_tasks
from classifier.review_files import export_store
from classifier.review_items import GOLD, Item, standings
from classifier.review_store import ReviewStore

Write = Callable[[ReviewStore, Path], object]


@dataclass(frozen=True)
class Export:
    """A kind of file: its name and media type, and what writes it."""

    name: str
    media: str
    write: Write


def exported(store: ReviewStore, what: str) -> tuple[Export, bytes]:
    """Return a file of a store's content; raises `InputError` for a kind that there is not."""
    if what not in EXPORTS:
        raise InputError(f"no export '{what[:40]}'", f"exports: {', '.join(EXPORTS)}")
    export = EXPORTS[what]
    with tempfile.TemporaryDirectory(prefix="fupin-") as folder:
        out = Path(folder) / export.name
        export.write(store, out)
        return export, out.read_bytes()


def coded_segments(store: ReviewStore) -> Iterator[Exchanged]:
    """Yield the segments that somebody has coded or skipped, with what each coder made of them."""
    codings: dict[str, dict[str, Coding]] = {}
    for (segment_id, coder), stack in standings(e for e in store.events() if not e.settles).items():
        if stack and (stack[-1].skipped or stack[-1].codes is not None):
            codings.setdefault(segment_id, {})[coder] = Coding(stack[-1].codes, stack[-1].note)
    for item in store.items(order="place"):
        if item.segment_id in codings:
            yield _exchanged(item, codings[item.segment_id])


def settled_segments(store: ReviewStore, purpose: str | None = None) -> Iterator[Exchanged]:
    """Yield the segments whose codes hold: settled, or agreed on; with nobody's name."""
    found = store.settled()
    for item in store.items(purpose, order="place"):
        if item.segment_id in found:
            yield _exchanged(item, {"": Coding(found[item.segment_id])})


def gold_segments(store: ReviewStore) -> Iterator[Exchanged]:
    """Yield the random sample with the codes that hold, and without what the model proposed.

    What is not coded, or disputed, is there too, uncoded: the estimate must know what was drawn.
    """
    found = store.settled()
    for item in store.items(GOLD):
        coding = {"": Coding(found[item.segment_id])} if item.segment_id in found else {}
        yield _exchanged(item, coding)


def _exchanged(item: Item, codings: Mapping[str, Coding]) -> Exchanged:
    about = {name: getattr(item, name) for name in ("title", "date", "source")}
    return Exchanged(
        segment_id=item.segment_id,
        doc_id=item.doc_id,
        text=item.text,
        proposed=item.codes,
        probabilities=dict(item.probabilities),
        codings=dict(codings),
        others={**{name: value for name, value in about.items() if value}, **(item.drawn or {})},
    )


def _table(segments: Callable[[ReviewStore], Iterable[Exchanged]]) -> Write:
    def write(store: ReviewStore, out: Path) -> None:
        write_segments(segments(store), out, store.codebook)

    return write


def _for_tool(write: Callable[[Iterable[Exchanged], Path, Codebook], object]) -> Write:
    def write_coded(store: ReviewStore, out: Path) -> None:
        write(coded_segments(store), out, store.codebook)

    return write_coded


_JSONL = "application/jsonl; charset=utf-8"
_CSV, _JSON, _ZIP = "text/csv; charset=utf-8", "application/json; charset=utf-8", "application/zip"
EXPORTS: Mapping[str, Export] = {
    "events": Export("review.jsonl", _JSONL, export_store),
    "codings": Export("codings.csv", _CSV, _table(coded_segments)),
    "settled": Export("settled.csv", _CSV, _table(settled_segments)),
    "gold": Export("gold.csv", _CSV, _table(lambda store: without_model(gold_segments(store)))),
    "labelstudio": Export("label-studio.json", _JSON, _for_tool(write_tasks)),
    "doccano": Export("doccano.zip", _ZIP, _for_tool(write_doccano)),
}
