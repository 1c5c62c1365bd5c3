"""Exports of other tools and of review stores → segments that every tool can be given again.

The first byte of an input chooses a file; an odd second one that the rest changes values of a file that
is right, and is not the file itself; the third the codebook and what a user says beside the file.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from classifier import doccano, label_studio
from classifier.cap_tables import STYLES, read_cap, write_cap
from classifier.checked_sheets import checked_segments
from classifier.codebook import Codebook, codebook_from_text
from classifier.errors import FupinError
from classifier.exchange_tables import read_segments, write_segments
from classifier.exchanged import CodeMap, Exchanged, completed, read_code_map
from classifier.limits import Limits
from classifier.review_files import _Taking
from classifier.review_items import codebook_id
from classifier.review_lines import read_lines
from classifier.review_store import ReviewStore, open_store
from fuzz import foreign_files, own_files
from fuzz.changes import replaced
from fuzz.choices import Choices
from fuzz.foreign_files import as_csv, as_json, as_lines
from fuzz.reading import Here
from fuzz.refusals import see_refusal

LIMITS = Limits(file_mb=1, unpacked_mb=1, characters=50_000)
BOOKS = tuple(codebook_from_text(text, "village.yaml") for text in foreign_files.CODEBOOKS)
_MAP: CodeMap = {"301": ("clinic",), "学校": ("school", "road"), "703": (), "x": ("road",)}
_VALUES = foreign_files.values(codebook_id(BOOKS[0]))
TOKENS = (
    *('"text": ', '"codes": ', '"label": ', '"data": ', '"annotations": ', '"result": ', '"value": '),
    *('"choices": ', '"completed_by": ', '"was_cancelled": ', '"annotator": ', '"Comments": ', '"note": '),
    *('"proposed": ', '"probabilities": ', '"line": ', '"item"', '"event"', '"end"', '"segment_id": '),
    *("majortopic", "cmp_code", "subtopic", "manifesto_id", "coder", "coded", "theirs", "ours", "doc_id"),
    *("clinic", "school;road", "right? 对否", "should be 应为", "999", "NA", "null", "true", "NaN", "1e999"),
    *('{"', '"}', "[]", "\\ud800", '""', ",", "\n", "\r", "'=", "\ufeff", "in_"),
)
Read = Callable[[Path, Choices, Codebook], list[Exchanged]]


def _label_studio(path: Path, choices: Choices, book: Codebook) -> list[Exchanged]:
    return label_studio.read_label_studio(path, book, choices.of((None, _MAP)), limits=LIMITS)


def _doccano(path: Path, choices: Choices, book: Codebook) -> list[Exchanged]:
    unlabelled, code_map = choices.of((*doccano.UNLABELLED, None)), choices.of((None, _MAP))
    return doccano.read_doccano(path, book, code_map, unlabelled=unlabelled, limits=LIMITS)


def _cap(path: Path, choices: Choices, book: Codebook) -> list[Exchanged]:
    return read_cap(path, book, choices.of((None, _MAP)), limits=LIMITS)


def _table(path: Path, _: Choices, book: Codebook) -> list[Exchanged]:
    return read_segments(path, book)


def _checked(path: Path, _: Choices, book: Codebook) -> list[Exchanged]:
    with Here(LIMITS) as parsers:
        return list(checked_segments(path, book, "zhang", LIMITS, parsers))


def _map(path: Path, _: Choices, book: Codebook) -> list[Exchanged]:
    known = read_code_map(path, book)
    assert all(set(ours) <= set(book.columns) for ours in known.values()), "an unknown code"
    return [Exchanged("a", "a", theirs, proposed=ours) for theirs, ours in list(known.items())[:1]]


def _store(path: Path, *_: Any) -> list[Exchanged]:
    """Take lines into an empty store, and leave it empty."""
    lines = list(read_lines(path))
    with suppress(_TakenInError), _empty_store().writing() as connection:
        taking = _Taking(connection, path.name)
        for kind, some in groupby(lines, key=lambda line: line.kind):
            taking.take(kind, list(some))
        raise _TakenInError
    return [Exchanged("a", "a", "好")]


class _TakenInError(Exception):
    """Undoes what was taken in."""


@lru_cache(maxsize=1)
def _empty_store() -> ReviewStore:
    return open_store(_FOLDER / "store.db")


# What a file is called, how bytes become it, how a value does, the value, and what reads it
_WAYS: tuple[tuple[str, Callable[[bytes], bytes], Callable[[Any], bytes], str, Read], ...] = (
    ("p.json", bytes, as_json, "tasks", _label_studio),
    ("p.json", bytes, as_json, "annotated", _label_studio),
    ("p.csv", bytes, as_csv, "annotated", _label_studio),
    ("zhang.jsonl", bytes, as_lines, "examples", _doccano),
    ("zhang.json", bytes, as_json, "examples", _doccano),
    ("zhang.csv", bytes, as_csv, "examples", _doccano),
    ("e.zip", lambda data: own_files.packed({"zhang.jsonl": data}), as_lines, "examples", _doccano),
    ("c.csv", bytes, as_csv, "cap", _cap),
    ("c.jsonl", bytes, as_lines, "cap", _cap),
    ("c.csv", bytes, as_csv, "manifesto", _cap),
    ("t.csv", bytes, as_csv, "table", _table),
    ("t.jsonl", bytes, as_lines, "table", _table),
    ("k.csv", bytes, as_csv, "checked", _checked),
    ("k.jsonl", bytes, as_lines, "checked", _checked),
    ("k.xlsx", own_files.workbook, own_files.filled, "checked", _checked),
    ("m.csv", bytes, as_csv, "map", _map),
    ("s.jsonl", bytes, as_lines, "store", _store),
)
_CHANGE = 120  # bytes that one change is chosen by: values can stand in values without end
_FOLDER = Path(
    tempfile.mkdtemp(prefix="fuzz-imports-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
)
atexit.register(shutil.rmtree, _FOLDER, ignore_errors=True)


def run(data: bytes) -> bool:
    """Import a file, and see that what is read can be written and exported."""
    way, changed, *_ = *data[:2], 0, 0
    name, packed, written, kind, read = _WAYS[way % len(_WAYS)]
    choices = Choices(data[2:])
    book = choices.of(BOOKS)
    path = _FOLDER / name
    spoken, write = Choices(choices.taken(2)), choices.of(_WRITERS)
    path.write_bytes(written(_changed(_VALUES[kind], choices)) if changed % 2 else packed(choices.rest()))
    try:
        segments = read(path, spoken, book)
    except FupinError as error:
        see_refusal(error, (str(path), name, *(("village", "segment") if kind == "store" else ())))
        return False
    _see_segments(segments, book)
    try:
        write(segments, book)
    except FupinError as error:
        see_refusal(error, "")
    return bool(segments)


def _changed(value: Any, choices: Choices) -> Any:
    """Return a file's values, changed as the bytes choose."""
    for _ in range(1 + choices.below(4)):
        value = replaced(value, Choices(choices.taken(_CHANGE)))
    return value


def _see_segments(segments: Sequence[Exchanged], book: Codebook) -> None:
    """See that segments are what `Exchanged` says."""
    for segment in segments:
        codings = [coding.codes for coding in segment.codings.values() if coding.codes is not None]
        for codes in (*codings, segment.proposed or ()):
            assert codes == tuple(c for c in book.columns if c in codes), "unknown codes, or in another order"
        assert not book.exclusive or all(len(codes) == 1 for codes in codings), "not exactly one code"
        assert all(0 <= p <= 1 for p in segment.probabilities.values()), "no probability"
        told = (segment.segment_id, segment.doc_id, segment.text, *segment.codings, *segment.others)
        assert all(isinstance(text, str) for text in told), "something else than text"
        "".join(told).encode()


def _as_tables(segments: Sequence[Exchanged], book: Codebook) -> None:
    """See that a table says who coded what."""
    for name in ("w.csv", "w.jsonl"):
        write_segments(segments, _FOLDER / name, book)
    if segments:
        completed(segments, segments)
        read_segments(_FOLDER / "w.jsonl", book)


def _as_tasks(segments: Sequence[Exchanged], book: Codebook) -> None:
    label_studio.write_tasks(segments, _FOLDER / "w.json", book)
    label_studio.read_label_studio(_FOLDER / "w.json", book)


def _as_examples(segments: Sequence[Exchanged], book: Codebook) -> None:
    doccano.write_doccano(segments, _FOLDER / "w.zip", book)
    doccano.read_doccano(_FOLDER / "w.zip", book, unlabelled=doccano.UNLABELLED[1])


def _as_cap(segments: Sequence[Exchanged], book: Codebook) -> None:
    for style in STYLES.values():
        write_cap(segments, _FOLDER / "w.csv", book, style)
        if segments:
            read_cap(_FOLDER / "w.csv", book)


_WRITERS = (_as_tables, _as_tasks, _as_examples, _as_cap)


def seeds() -> list[bytes]:
    """Return each file as it should be, for both codebooks, and changes of each."""
    files = [
        bytes([way, 0, book, 0, 1, way])
        + (own_files.filled_rows if name == "k.xlsx" else written)(_VALUES[kind])
        for way, (name, _, written, kind, _) in enumerate(_WAYS)
        for book in (0, 1)
    ]
    return files + [bytes([way, 1, 0, 0, 0, way, 0, 1, 1, 1, 5, 3]) for way in range(len(_WAYS))]
