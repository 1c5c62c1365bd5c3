"""Labelled text: the starter corpus, users' labelled tables, and gold files.

All three become one `Corpus`. Codes are accepted as a list or joined by ``;``.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.codebook import Codebook
from classifier.coded_marks import counts_as_coded
from classifier.errors import CorpusError
from classifier.spreadsheet_guard import unguarded_row
from classifier.tables import table_rows
from classifier.text_files import read_text, suffix_of

ARTICLE_KEYS = ("title", "genre", "province", "year", "coders")


@dataclass(frozen=True)
class Segment:
    """One labelled segment; ``place`` is where it was read, for messages."""

    doc_id: str
    text: str
    codes: tuple[str, ...]
    place: str = ""


@dataclass(frozen=True)
class Article:
    """One article of the starter corpus: what its header says, and its segments."""

    doc_id: str
    about: Mapping[str, str]
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Corpus:
    """Labelled segments of one codebook.

    ``labels`` is a bool array of shape (n_segments, n_codes) in the codebook's
    order; ``groups`` names the document of each segment.
    """

    codebook: Codebook
    segments: tuple[Segment, ...]
    labels: NDArray[np.bool_] = field(repr=False)

    @property
    def texts(self) -> list[str]:
        """The text of each segment."""
        return [s.text for s in self.segments]

    @property
    def groups(self) -> list[str]:
        """The document that each segment stands in."""
        return [s.doc_id for s in self.segments]

    @property
    def support(self) -> dict[str, int]:
        """The number of positive segments of each code."""
        return dict(zip(self.codebook.columns, map(int, self.labels.sum(axis=0)), strict=True))

    def sha256(self) -> str:
        """Return a hash of the texts, documents and labels, whatever files they came in."""
        digest = hashlib.sha256()
        for s in self.segments:
            digest.update(
                json.dumps([s.doc_id, s.text, self.codebook.join(s.codes)], ensure_ascii=False).encode()
            )
        return digest.hexdigest()


def make_corpus(segments: Sequence[Segment], codebook: Codebook) -> Corpus:
    """Check the segments' codes against the codebook and line them up as an array.

    Raises `CorpusError` for an unknown code, for no segment at all, and, where
    the codebook is exclusive, for a segment without exactly one code.
    """
    if not segments:
        raise CorpusError(
            "no labelled segment was found", "see `fupin train --help` for the formats that are read"
        )
    column = {code: i for i, code in enumerate(codebook.columns)}
    labels = np.zeros((len(segments), len(column)), dtype=bool)
    for row, segment in enumerate(segments):
        for code in segment.codes:
            if code not in column:
                raise CorpusError(
                    f"{segment.place}: unknown code '{code}'",
                    f"codes of '{codebook.name}': {', '.join(column)}",
                )
            labels[row, column[code]] = True
        if codebook.exclusive and len(segment.codes) != 1:
            raise CorpusError(
                f"{segment.place}: {len(segment.codes)} codes, but '{codebook.name}' wants exactly one",
                "mend the row, or take `exclusive: true` out of the codebook",
            )
    return Corpus(codebook, tuple(segments), labels)


def read_article(path: Path) -> Article:
    """Read one article of the starter corpus; the format is described in ``seeds/README.md``.

    Raises `CorpusError` with file and line where a line breaks the format.
    """
    about: dict[str, str] = {}
    segments: list[Segment] = []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        place = f"{path.name}:{number}"
        if line.startswith("# "):
            key, _, value = line[2:].partition(": ")
            if key not in ARTICLE_KEYS or key in about or segments or not value.strip():
                raise CorpusError(
                    f"{place}: '{line}' is no header line", f"headers: {', '.join(ARTICLE_KEYS)}"
                )
            about[key] = value
        elif line.count("\t") != 1 or not line.split("\t")[1].strip():
            raise CorpusError(f"{place}: a segment is written 'codes<TAB>text'", "mend the line")
        else:
            codes, text = line.split("\t")
            segments.append(Segment(path.stem, text, split_codes(codes, place), place))
    missing = [key for key in ARTICLE_KEYS if key not in about]
    if missing:
        raise CorpusError(f"{path.name}: header '{missing[0]}' is missing", "see seeds/README.md")
    return Article(path.stem, about, tuple(segments))


def read_articles(folder: Path) -> list[Article]:
    """Read all articles of a starter corpus, in the order of their names."""
    return [read_article(path) for path in sorted((folder / "articles").glob("*.tsv"))]


def split_codes(value: Any, place: str) -> tuple[str, ...]:
    """Return codes given as a list or joined by ``;``; a code given twice is an error.

    >>> split_codes("health;welfare", "第3行")
    ('health', 'welfare')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):  # an empty cell
        return ()
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise CorpusError(
            f"{place}: codes {value!r} are neither a list nor joined by ';'", "write codes as a;b"
        )
    codes = tuple(str(p).strip() for p in parts if str(p).strip())
    if len(set(codes)) < len(codes):
        raise CorpusError(f"{place}: a code stands twice in '{';'.join(codes)}'", "keep one of the two")
    return codes


def read_corpus(paths: Sequence[str | Path], codebook: Codebook) -> Corpus:
    """Read starter-corpus folders and labelled tables into one corpus.

    A table (CSV, TSV, JSONL, XLSX) has the columns ``text`` and ``codes``; its documents are
    named by ``doc_id`` or ``doc`` or, failing these, each row is one of its own. Rows that a column
    ``coded`` says are not coded yet are left out.
    What `fupin label` writes can be read back.
    """
    segments: list[Segment] = []
    for path in map(Path, paths):
        if path.is_dir():
            found = [s for article in read_articles(path) for s in article.segments]
            if not found:
                raise CorpusError(
                    f"{path}: no articles/*.tsv in this folder", "name a starter corpus or a table"
                )
            segments += found
        else:
            segments += _table_segments(path)
    return make_corpus(segments, codebook)


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    return (unguarded_row(row, suffix_of(path)) for row in table_rows(path))


def _table_segments(path: Path) -> Iterator[Segment]:
    for number, row in enumerate(_rows(path), 1):
        place = f"{path.name}: row {number}"
        for column in ("text", "codes"):
            if column not in row:
                raise CorpusError(f"{place}: no column '{column}'", f"columns: {', '.join(map(str, row))}")
        codes = split_codes(row["codes"], place)
        if counts_as_coded(row, codes, place):
            yield Segment(_document_of(row, number), str(row["text"] or ""), codes, place)


def _document_of(row: Mapping[str, Any], number: int) -> str:
    """Return the document of a row: its ``doc_id`` or ``doc``, or the row itself."""
    for column in ("doc_id", "doc"):
        if row.get(column) not in (None, ""):
            return str(row[column])
    return str(number)


def _gold_document_of(row: Mapping[str, Any], number: int) -> str:
    """Return the document of a gold row, which its ``id`` names up to the last ``-``."""
    identifier = str(row.get("id") or "")
    named = {"doc": identifier.rpartition("-")[0] or identifier, **{k: v for k, v in row.items() if v}}
    return _document_of(named, number)


def read_gold(path: str | Path, codebook: Codebook, texts: str | Path | None = None) -> Corpus:
    """Read a gold file: labelled spans, with their text or stand-off.

    Each row has ``codes`` and ``doc_id`` (or an ``id`` that begins with it), and
    either ``text``, or ``sha256`` of its document with ``start`` and ``end`` in
    code points; ``texts`` then names the file or folder with the documents. Rows that a column
    ``coded`` says are not coded yet are left out.

    Raises `CorpusError` where a document cannot be found or a span lies outside it.
    """
    path, fetch = Path(path), _stand_off(Path(texts)) if texts else None
    segments = []
    for number, row in enumerate(_rows(path), 1):
        place = f"{path.name}: row {number}"
        if "codes" not in row:
            raise CorpusError(
                f"{place}: no column 'codes'", "a gold file has doc_id, start, end, codes and text or sha256"
            )
        codes = split_codes(row["codes"], place)
        if counts_as_coded(row, codes, place):
            text = row["text"] if row.get("text") not in (None, "") else _span(row, place, fetch)
            segments.append(Segment(_gold_document_of(row, number), str(text), codes, place))
    return make_corpus(segments, codebook)


def _stand_off(texts: Path) -> Callable[[str], str | None]:
    """Return a look-up of documents by the SHA-256 of their UTF-8 text."""
    known: dict[str, str] = {}
    for document in _documents_of(texts):
        known[hashlib.sha256(document.encode()).hexdigest()] = document
    return known.get


def _documents_of(texts: Path) -> Iterator[str]:
    from classifier.documents import documents

    return (d.text for d in documents([texts]))


def _span(row: Mapping[str, Any], place: str, fetch: Callable[[str], str | None] | None) -> str:
    digest = str(row.get("sha256") or "")
    if not digest:
        raise CorpusError(f"{place}: neither 'text' nor 'sha256'", "a gold row has the one or the other")
    if fetch is None:
        raise CorpusError(f"{place}: labels without text", "name the documents with --texts PATH")
    document = fetch(digest)
    if document is None:
        raise CorpusError(f"{place}: no document with sha256 {digest[:12]}… in --texts", "check --texts PATH")
    try:
        start, end = int(row["start"]), int(row["end"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise CorpusError(
            f"{place}: 'start' and 'end' are not both whole numbers", "they count code points"
        ) from None
    if not 0 <= start < end <= len(document):
        raise CorpusError(
            f"{place}: span {start}–{end} lies outside its document", "the document has changed"
        )
    return document[start:end]
