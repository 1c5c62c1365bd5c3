"""Reading what users have: text files, folders, tables and standard input, as a stream of documents."""

from __future__ import annotations

import glob
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from classifier.errors import InputError, NothingReadError
from classifier.tables import TABLE_SUFFIXES, table_rows
from classifier.text_files import BLOCK, STDIN, read_text, suffix_of
from classifier.yaml_lines import unreadable

TEXT_SUFFIXES = (".txt", ".md")
ID_COLUMNS = ("id", "doc_id", "doc")


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


def _expand(name: str | Path) -> list[tuple[str, Path]]:
    """Return the files that one input stands for, each with its document id."""
    path = Path(name)
    if str(name) == STDIN:
        return [("stdin", path)]
    try:
        if path.is_dir():
            return _folder(path)
        if path.exists():
            return [(_readable(Path(path.name)), path)]
    except OSError as error:  # such as a name that is too long
        raise unreadable(path, error) from None
    matches = [Path(m) for m in sorted(glob.glob(str(name), recursive=True)) if Path(m).is_file()]
    if not matches:
        raise InputError(f"{name}: no such file or folder", "check the path")
    root = Path(os.path.commonpath([m.parent for m in matches]))
    return [(_readable(m.relative_to(root)), m) for m in matches]


def _readable(path: Path) -> str:
    """Return a path as text, also where its bytes are GB18030 or nothing known."""
    name = os.fsencode(path.as_posix())
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return name.decode("gb18030", errors="replace")


def _folder(folder: Path) -> list[tuple[str, Path]]:
    readable = (*TEXT_SUFFIXES, *TABLE_SUFFIXES)
    files = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    known = [(_readable(f.relative_to(folder)), f) for f in files if suffix_of(f) in readable]
    if not known:
        raise NothingReadError(
            f"{folder}: no readable file in this folder", f"read are {', '.join(readable)}"
        )
    return sorted(known)


def documents(
    inputs: Sequence[str | Path],
    reading: Reading = Reading(),
    on_error: Callable[[InputError], None] | None = None,
    on_read: Callable[[int], None] = lambda _: None,
) -> Iterator[Document]:
    """Yield the documents of files, folders, globs and ``-`` (standard input, as plain text).

    A text file is one document, named by its path below the input; a row of a
    table is one, named by its ``id``, else ``doc_id``, else ``doc``, else its number.
    ``on_read`` is told how many bytes were read since it was last told.

    Raises
    ------
    InputError
        For what cannot be read, a missing text column, and a doubled id. With
        ``on_error``, a file that cannot be read is handed there and left out;
        `NothingReadError` where there was nothing else.
    """
    seen = _Names()
    skipped: list[InputError] = []
    for name in inputs:
        for identifier, path in _expand(name):
            try:
                found = _read(identifier, path, reading, on_read)  # bytes are read here, a table's rows below
            except InputError as error:
                if on_error is None:
                    raise
                on_error(error)
                skipped.append(error)
                continue
            for document in found:
                first = seen.add(document.id, str(path))
                if first is not None:
                    raise InputError(
                        f"{path}: id '{document.id}' stands twice (first in {first})",
                        "give each document a name of its own: another --id-column, other file names",
                    )
                yield document
    if skipped and not seen.any:
        worst = skipped[0]
        more = f" (and {len(skipped) - 1} more files that cannot be read)" if skipped[1:] else ""
        raise NothingReadError(f"{worst}{more}", worst.hint)


class _Names:
    """The ids seen so far and where, in a temporary database: there may be more than memory should hold."""

    def __init__(self) -> None:
        self.any = False
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("CREATE TABLE name (id BLOB PRIMARY KEY, place INTEGER) WITHOUT ROWID")
        self._database.execute("BEGIN")
        self._places: dict[str, int] = {}

    def add(self, identifier: str, place: str) -> str | None:
        """Take in an id; return the place where it stood before, if it did."""
        self.any = True
        key = identifier.encode("utf-8", "surrogatepass")
        number = self._places.setdefault(place, len(self._places))
        try:
            self._database.execute("INSERT INTO name VALUES (?, ?)", (key, number))
        except sqlite3.IntegrityError:
            ((first,),) = self._database.execute("SELECT place FROM name WHERE id = ?", (key,))
            return list(self._places)[int(first)]
        return None


def fingerprint(inputs: Sequence[str | Path]) -> str:
    """Return a hash of the names and contents of inputs; "" where standard input is among them.

    Raises `InputError` where an input is missing. A file that cannot be read counts as empty.
    """
    whole = hashlib.sha256()
    for name in inputs:
        if str(name) == STDIN:
            return ""
        for identifier, path in _expand(name):
            own = hashlib.sha256()
            with suppress(OSError), path.open("rb") as stream:
                while block := stream.read(BLOCK):
                    own.update(block)
            whole.update(f"{identifier}\0{own.hexdigest()}\n".encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def size_of(inputs: Sequence[str | Path]) -> int | None:
    """Return the bytes of the files of inputs, to tell how far a run is; None with standard input."""
    if STDIN in map(str, inputs):
        return None
    sizes = 0
    for name in inputs:
        for _, path in _expand(name):
            with suppress(OSError):
                sizes += path.stat().st_size
    return sizes


def _read(
    identifier: str, path: Path, reading: Reading, on_read: Callable[[int], None]
) -> Iterator[Document]:
    suffix = suffix_of(path)
    if suffix in TABLE_SUFFIXES:
        return _rows_as_documents(table_rows(path, reading.encoding, on_read), path, reading)
    if suffix in TEXT_SUFFIXES or str(path) == STDIN:
        document = Document(identifier, read_text(path, reading.encoding))
        if str(path) != STDIN:
            on_read(path.stat().st_size)
        return iter([document])
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
