"""The journal of a run: what is written already, so that a run that was killed can go on.

It is an SQLite file, ``OUT.journal``, beside the output. It holds what the run was asked
to do, and for each chunk of documents where its bytes end in ``OUT.part`` (or in
``OUT.spool``, see `output`). A run holds it locked, so that no second one writes beside it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from errno import EISDIR
from pathlib import Path
from typing import Any

from classifier.cells import Changes
from classifier.errors import OutputError
from classifier.whole_file import beside, refuse_device

JOURNAL = ".journal"

_COUNTED = ("documents", "segments", "coded", "left_out", *(one.name for one in fields(Changes)))
_COUNTS = ", ".join(f"{name} INTEGER NOT NULL" for name in _COUNTED)
_SCHEMA = f"""
CREATE TABLE asked (facts TEXT NOT NULL);
CREATE TABLE chunk (number INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, columns TEXT NOT NULL, {_COUNTS});
CREATE TABLE state (complete INTEGER NOT NULL);
INSERT INTO state VALUES (0);
"""  # noqa: S608 - our own names


@dataclass(frozen=True)
class Tally:
    """What a run read and wrote."""

    documents: int = 0
    segments: int = 0
    coded: int = 0  # segments with at least one code
    left_out: int = 0  # cells in columns that came after the header was written
    changes: Changes = field(default_factory=Changes)  # cells that do not hold what was to be written

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.documents + other.documents,
            self.segments + other.segments,
            self.coded + other.coded,
            self.left_out + other.left_out,
            self.changes + other.changes,
        )


class Journal:
    """The journal beside ``out``, opened and locked; a context that closes it.

    Raises `OutputError` where another run holds it, or it cannot be written.
    """

    def __init__(self, out: Path) -> None:
        self.out, self.path = out, beside(out, JOURNAL)
        _check_place(out, self.path)
        try:
            self._connection = _locked(self.path)
        except sqlite3.DatabaseError as error:
            if "locked" in str(error):
                raise OutputError(
                    f"{out}: another run of fupin is writing it", "wait for it, or name another -o"
                ) from None
            if not isinstance(error, sqlite3.OperationalError):  # no database: rubbish under this name
                self.path.unlink()
                self._connection = _locked(self.path)
                return
            raise OutputError(
                f"{self.path}: {error}", "check the folder, its permissions and the space left"
            ) from None

    @staticmethod
    def exists(out: Path) -> bool:
        """Return whether a journal stands beside ``out``."""
        return beside(out, JOURNAL).exists()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def begun(self) -> bool:
        """Whether an earlier run has left anything here that this version can read."""
        made = self._all(f"SELECT 1 FROM pragma_table_info('chunk') WHERE name = '{_COUNTED[-1]}'")  # noqa: S608
        return bool(made and self._all("SELECT facts FROM asked"))

    def begin(self, facts: Mapping[str, str]) -> None:
        """Start anew: forget what an earlier run did, and note what this one is asked."""
        self._write("BEGIN")
        for (name,) in self._all("SELECT name FROM sqlite_master WHERE type = 'table'"):
            self._write(f'DROP TABLE "{name}"')
        for statement in filter(str.strip, _SCHEMA.split(";")):
            self._write(statement)
        self._write("INSERT INTO asked VALUES (?)", json.dumps(dict(facts), sort_keys=True))
        self._write("COMMIT")

    def facts(self) -> dict[str, str]:
        """Return what the earlier run was asked to do."""
        value: dict[str, str] = json.loads(self._all("SELECT facts FROM asked")[0][0])
        return value

    def add(self, tally: Tally, end: int, columns: list[str]) -> None:
        """Note that a chunk with these columns is written and that its last byte stands before ``end``."""
        counts = (tally.documents, tally.segments, tally.coded, tally.left_out, *astuple(tally.changes))
        names = ("bytes", "columns", *_COUNTED)
        places = ", ".join("?" * len(names))
        query = f"INSERT INTO chunk ({', '.join(names)}) VALUES ({places})"  # noqa: S608 - our own names
        self._write(query, end, json.dumps(columns), *counts)

    def tally(self) -> Tally:
        """Return what is done so far."""
        sums = ", ".join(f"coalesce(sum({name}), 0)" for name in _COUNTED)
        documents, segments, coded, left_out, *changes = self._all(f"SELECT {sums} FROM chunk")[0]  # noqa: S608
        return Tally(documents, segments, coded, left_out, Changes(*changes))

    def shares(self) -> int:
        """Return how many shares are done of a document that is not yet done whole."""
        last = "SELECT coalesce(max(number), 0) FROM chunk WHERE documents > 0"
        ((count,),) = self._all(f"SELECT count(*) FROM chunk WHERE number > ({last})")  # noqa: S608 - our own
        return int(count)

    def ends(self) -> list[int]:
        """Return where the bytes of each chunk end."""
        return [end for (end,) in self._all("SELECT bytes FROM chunk ORDER BY number")]

    def header(self) -> list[str] | None:
        """Return the columns of the output; None before the first chunk."""
        found = self._all("SELECT columns FROM chunk ORDER BY number LIMIT 1")
        return list(json.loads(found[0][0])) if found else None

    @property
    def complete(self) -> bool:
        """Whether all is written, so that nothing is left but to put the output in its place."""
        return bool(self._all("SELECT complete FROM state")[0][0])

    def completed(self) -> None:
        """Note that all is written."""
        self._write("UPDATE state SET complete = 1")

    def remove(self) -> None:
        """Close the journal and delete it."""
        self._connection.close()
        self.path.unlink(missing_ok=True)
        beside(self.path, "-journal").unlink(missing_ok=True)  # SQLite's own

    def _write(self, statement: str, *values: object) -> None:
        try:
            self._connection.execute(statement, values)
        except sqlite3.DatabaseError as error:
            raise OutputError(
                f"{self.path}: {error}", "make room on the disk, then go on with --resume"
            ) from None

    def _all(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return list(self._connection.execute(query))
        except sqlite3.DatabaseError as error:
            raise OutputError(f"{self.path}: {error}", "delete it, and start again") from None


def _check_place(out: Path, journal: Path) -> None:
    """Find out, in the system's words, whether a place can be written; SQLite is less plain about it."""
    try:
        if out.is_dir():
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR))
        refuse_device(out)
        # One that is there may be locked by this very process: to open and close it would unlock it.
        if not journal.exists():
            journal.open("xb").close()
    except OSError as error:
        hint = "check the folder and its permissions"
        raise OutputError(f"{out}: {error.strerror or error}", hint) from None


def _locked(path: Path) -> sqlite3.Connection:
    """Open a database that nobody else can open until it is closed."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=1, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
