"""Reading what users have: text files, folders, tables and standard input, as a stream of documents."""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import io
import json
import os
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from classifier.errors import InputError, NothingReadError
from classifier.segments import HAN
from classifier.yaml_lines import unreadable

TEXT_SUFFIXES = (".txt", ".md")
TABLE_SUFFIXES = (".csv", ".tsv", ".jsonl")
GZIP = ".gz"
UNPACKED_LIMIT = 2_000_000_000  # bytes that a .gz file may unpack to
STDIN = "-"
ID_COLUMNS = ("id", "doc_id", "doc")
COMMON_SHARE = 0.9  # of the Han characters of a GB18030 file that must be common ones

_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON can write one; no file can hold it
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True)
class Document:
    """One article, or one row of a table; ``meta`` holds the row's other columns."""

    id: str
    text: str
    title: str = ""
    date: str = ""
    source: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """How tables and bytes are to be read; None leaves the choice to the rules in `documents`."""

    text_column: str = "text"
    id_column: str | None = None
    encoding: str | None = None


@lru_cache(maxsize=1)
def _common_characters() -> frozenset[str]:
    """Return the 3,755 common characters of GB/T 2312 level 1 (rows 16 to 55)."""
    pairs = (bytes([row + 0xA0, cell + 0xA0]) for row in range(16, 56) for cell in range(1, 95))
    return frozenset(pair.decode("gb2312", errors="ignore") for pair in pairs) - {""}


def decode(data: bytes, name: str, encoding: str | None = None) -> str:
    """Decode bytes by their BOM, else as strict UTF-8, else as GB18030 that looks like Chinese.

    Big5 decodes as GB18030 without an error, into rare characters; so GB18030 is
    believed only where 90 % of the Han characters are common ones.

    Raises `InputError` with the byte offset where none of these fits.

    >>> decode("易地搬迁".encode("gb18030"), "旧.txt")
    '易地搬迁'
    """
    if encoding is not None:
        return _decode_as(data, name, encoding)
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return _decode_as(data[len(bom) :], name, codec, skipped=len(bom))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        offset = error.start
    text = data.decode("gb18030", errors="replace")
    han = HAN.findall(text)
    if "\ufffd" in text or sum(c in _common_characters() for c in han) < COMMON_SHARE * max(len(han), 1):
        raise InputError(
            f"{name}: neither UTF-8 (byte {offset}) nor GB18030", "name its encoding: --encoding big5"
        )
    return text


def _decode_as(data: bytes, name: str, encoding: str, skipped: int = 0) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise InputError(
            f"{name}: no encoding is called '{encoding}'", "such as utf-8, gb18030, big5, utf-16"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: not {encoding} at byte {skipped + error.start}", "name its encoding with --encoding"
        ) from None


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; ``-`` is standard input."""
    if str(path) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return _unpacked(path) if path.suffix.lower() == GZIP else path.read_bytes()
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file ({error})", "fetch or pack the file anew") from None
    except OSError as error:
        raise unreadable(path, error) from None


def _unpacked(path: Path) -> bytes:
    with gzip.open(path) as stream:
        data = stream.read(UNPACKED_LIMIT + 1)
    if len(data) > UNPACKED_LIMIT:
        raise InputError(f"{path}: unpacks to more than {UNPACKED_LIMIT:,} bytes", "divide the file")
    return data


def suffix_of(path: Path) -> str:
    """Return the ending that tells a file's format, in lower case; a ``.gz`` behind it does not count."""
    inner = path.with_suffix("") if path.suffix.lower() == GZIP else path
    return inner.suffix.lower()


def read_text(path: Path, encoding: str | None = None) -> str:
    """Return a file's text, decoded as `decode` does; line ends stay as they are."""
    return decode(read_bytes(path), str(path), encoding)


def table_rows(path: Path, encoding: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a CSV, TSV or JSONL file; cells of CSV stay text.

    Raises `InputError` with file and row where a row does not fit the header.
    """
    suffix = suffix_of(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder", "check the path")
    if suffix not in TABLE_SUFFIXES:
        raise InputError(f"{path}: unknown format '{suffix}'", f"tables: {', '.join(TABLE_SUFFIXES)}")
    text = read_text(path, encoding)
    return (
        _json_rows(text, path)
        if suffix == ".jsonl"
        else _csv_rows(text, path, "\t" if suffix == ".tsv" else ",")
    )


def _csv_rows(text: str, path: Path, delimiter: str) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(2**31 - 1)  # an article in one cell is longer than the library's default allows
    # Strict: a quote that never closes is an error; else the rest of the table would become one cell.
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    last = 0  # the line on which the last whole row ended
    try:
        header = next(rows, [])
        last = rows.line_num
        doubled = next((c for i, c in enumerate(header) if c in header[:i]), None)
        if doubled is not None:
            raise InputError(
                f"{path}: column '{doubled}' stands twice in the header", "give each column its own name"
            )
        for number, cells in enumerate((r for r in rows if r), 1):
            last = rows.line_num
            if len(cells) != len(header):
                raise InputError(
                    f"{path}: row {number} has {len(cells)} cells, the header {len(header)}",
                    "cells that hold a comma, a quote or a line break must be quoted",
                )
            yield dict(zip(header, cells, strict=True))
    except csv.Error as error:
        raise InputError(
            f"{path}: row on line {last + 1}: {error}",
            "quote cells that begin with a quote, and double it inside",
        ) from None


def _json_rows(text: str, path: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}: line {number} is not JSON ({error})", "one JSON object a line"
            ) from None
        if not isinstance(row, dict):
            raise InputError(f"{path}: line {number} is no JSON object", 'such as {"id": "1", "text": "…"}')
        if "\\ud" in line.lower() and _SURROGATE.search(json.dumps(row, ensure_ascii=False)):
            raise InputError(
                f"{path}: line {number} holds half a surrogate pair", "write the character whole"
            )
        yield row


def _expand(name: str | Path) -> list[tuple[str, Path]]:
    """Return the files that one input stands for, each with its document id."""
    path = Path(name)
    if str(name) == STDIN:
        return [("stdin", path)]
    try:
        if path.is_dir():
            return _folder(path)
        if path.exists():
            return [(path.name, path)]
    except OSError as error:  # such as a name that is too long
        raise unreadable(path, error) from None
    matches = [Path(m) for m in sorted(glob.glob(str(name), recursive=True)) if Path(m).is_file()]
    if not matches:
        raise InputError(f"{name}: no such file or folder", "check the path")
    root = Path(os.path.commonpath([m.parent for m in matches]))
    return [(m.relative_to(root).as_posix(), m) for m in matches]


def _folder(folder: Path) -> list[tuple[str, Path]]:
    readable = (*TEXT_SUFFIXES, *TABLE_SUFFIXES)
    files = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    known = [(f.relative_to(folder).as_posix(), f) for f in files if suffix_of(f) in readable]
    if not known:
        raise NothingReadError(
            f"{folder}: no readable file in this folder", f"read are {', '.join(readable)}"
        )
    return sorted(known)


def documents(
    inputs: Sequence[str | Path],
    reading: Reading = Reading(),
    on_error: Callable[[InputError], None] | None = None,
) -> Iterator[Document]:
    """Yield the documents of files, folders, globs and ``-`` (standard input, as plain text).

    A text file is one document, named by its path below the input; a row of a
    table is one, named by its ``id``, else ``doc_id``, else ``doc``, else its number.

    Raises
    ------
    InputError
        For what cannot be read, a missing text column, and a doubled id. With
        ``on_error``, a file that cannot be read is handed there and left out;
        `NothingReadError` where there was nothing else.
    """
    seen: dict[str, str] = {}
    skipped: list[InputError] = []
    for name in inputs:
        for identifier, path in _expand(name):
            try:
                found = _read(identifier, path, reading)  # bytes are read here, a table's rows below
            except InputError as error:
                if on_error is None:
                    raise
                on_error(error)
                skipped.append(error)
                continue
            for document in found:
                if document.id in seen:
                    raise InputError(
                        f"{path}: id '{document.id}' stands twice (first in {seen[document.id]})",
                        "give each document a name of its own: another --id-column, other file names",
                    )
                seen[document.id] = str(path)
                yield document
    if skipped and not seen:
        first = skipped[0]
        more = f" (and {len(skipped) - 1} more files that cannot be read)" if skipped[1:] else ""
        raise NothingReadError(f"{first}{more}", first.hint)


def _read(identifier: str, path: Path, reading: Reading) -> Iterator[Document]:
    suffix = suffix_of(path)
    if suffix in TABLE_SUFFIXES:
        return _rows_as_documents(table_rows(path, reading.encoding), path, reading)
    if suffix in TEXT_SUFFIXES or str(path) == STDIN:
        return iter([Document(identifier, read_text(path, reading.encoding))])
    raise InputError(
        f"{path}: unknown format '{suffix}'", f"read are {', '.join((*TEXT_SUFFIXES, *TABLE_SUFFIXES))}"
    )


def _rows_as_documents(rows: Iterator[dict[str, Any]], path: Path, reading: Reading) -> Iterator[Document]:
    for number, row in enumerate(rows, 1):
        for column in (reading.text_column, reading.id_column):
            if column is not None and column not in row:
                option = "--text-column" if column == reading.text_column else "--id-column"
                raise InputError(
                    f"{path}: row {number}: no column '{column}'; columns: {', '.join(row)}",
                    f"name it with {option}",
                )
        id_column = reading.id_column or next((c for c in ID_COLUMNS if c in row), None)
        text = row[reading.text_column]
        if not isinstance(text, str | None):
            raise InputError(
                f"{path}: row {number}: '{reading.text_column}' is not text: {text!r:.60}", "quote the value"
            )
        known = {k: _text(row.get(k)) for k in ("title", "date", "source")}
        meta = {k: v for k, v in row.items() if k not in (reading.text_column, id_column, *known)}
        yield Document(_text(row[id_column]) if id_column else str(number), text or "", **known, meta=meta)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
