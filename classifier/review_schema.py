"""The tables of a review store, and how a store made by an older version is brought up to date.

Tables are described twice: here as they are, and in ``classifier/migrations/`` step by step as they
came to be; a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    insert,
    inspect,
    text,
    update,
)
from sqlalchemy.types import TypeDecorator

from classifier.errors import ReviewError

if TYPE_CHECKING:
    from alembic.script import ScriptDirectory

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION = "review_version"  # the table that says which migrations were run
LOCK = 0x66757069  # names what writers hold on PostgreSQL, one at a time
AT_ONCE = 2_000  # rows sent as one value
_NUL, _ESCAPE = "\x00", "\x1a"


class AnyText(TypeDecorator[str]):
    """Text that may hold the character NUL, which PostgreSQL does not store."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Write NUL, and the character that announces it, as two others."""
        return None if value is None else _escaped(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """Return what was written."""
        if value is None or _ESCAPE not in value:
            return value
        return str(value).replace(_ESCAPE + "0", _NUL).replace(_ESCAPE + "1", _ESCAPE)


def _escaped(value: str) -> str:
    if _NUL not in value and _ESCAPE not in value:
        return value
    return value.replace(_ESCAPE, _ESCAPE + "1").replace(_NUL, _ESCAPE + "0")


METADATA = MetaData()

# The codebooks that were in use, the last one now; and where items came from.
codebooks = Table(
    "review_codebook",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", AnyText, nullable=False),
    Column("yaml", AnyText, nullable=False),
)
sources = Table(
    "review_source",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", AnyText, nullable=False),
    Column("codebook", AnyText, nullable=False),
    Column("options", AnyText, nullable=False),
)
items = Table(
    "review_item",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("segment_id", AnyText, nullable=False, unique=True),
    Column("doc_id", AnyText, nullable=False),
    Column("paragraph", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("text", AnyText, nullable=False),
    Column("title", AnyText, nullable=False),
    Column("date", AnyText, nullable=False),
    Column("source", AnyText, nullable=False),
    Column("codes", AnyText, nullable=False),
    Column("probabilities", AnyText, nullable=False),
    Column("place", Integer, nullable=False),
    Column("rank", Integer),
    Column("purpose", AnyText, nullable=False),
    Column("drawn", AnyText),
    Index("review_item_of_document", "doc_id", "place"),
    Index("review_item_in_queue", "rank", "number"),
    Index("review_item_of_purpose", "purpose", "rank"),
    Index("review_item_facts", "number", "purpose", "rank", "codes"),
)
# One decision a row. No two are the same revision of a lane, whoever writes them at the same time.
events = Table(
    "review_event",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event_id", AnyText, nullable=False, unique=True),
    Column("item", ForeignKey("review_item.number"), nullable=False),
    Column("lane", AnyText, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("coder", AnyText, nullable=False),
    Column("kind", AnyText, nullable=False),
    Column("before", AnyText),
    Column("after", AnyText),
    Column("codebook", ForeignKey("review_codebook.number"), nullable=False),
    Column("at", AnyText, nullable=False),
    Column("note", AnyText, nullable=False),
    Column("undoes", AnyText, unique=True),
    UniqueConstraint("item", "lane", "revision", name="review_event_revision"),
    Index("review_event_of_coder", "coder", "number"),
)
# What stands in each lane: it follows from the events, and is kept so that it need not be worked out.
# No row: undecided. Codes NULL: skipped. "decided": the number of the event that gave these codes.
standing = Table(
    "review_standing",
    METADATA,
    Column("lane", AnyText, primary_key=True),
    Column("item", ForeignKey("review_item.number"), primary_key=True),
    Column("codes", AnyText),
    Column("decided", Integer, nullable=False),
    Index("review_standing_of_item", "item", "lane", "codes"),
    sqlite_with_rowid=False,
)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have the same keys.

    PostgreSQL gets them as one value: its driver would send and wait for each, ten times as long.
    """
    if connection.dialect.name == "postgresql":
        for part, sent, form in _as_one_value(table, rows):
            names = ", ".join(f'"{name}"' for name in part)
            query = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {form}"  # noqa: S608
            connection.execute(text(query), {"sent": sent})
    elif rows:
        connection.execute(insert(table), list(rows))


def update_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Update rows that have the same keys; ``number`` says which row each one is."""
    if connection.dialect.name == "postgresql":
        for part, sent, form in _as_one_value(table, rows):
            changes = ", ".join(f'"{name}" = sent."{name}"' for name in part if name != "number")
            query = f"UPDATE {table.name} SET {changes} FROM {form} WHERE {table.name}.number = sent.number"  # noqa: S608
            connection.execute(text(query), {"sent": sent})
    elif rows:
        named = [{**row, "of": row["number"]} for row in rows]
        values: dict[str, Any] = {name: bindparam(name) for name in rows[0] if name != "number"}
        connection.execute(update(table).where(table.c.number == bindparam("of")).values(values), named)


def _as_one_value(table: Table, rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[list[str], str, str]]:
    """Yield column names, rows as JSON, and the expression that makes rows of it again."""
    kinds = {Integer: "integer", Boolean: "boolean"}
    for first in range(0, len(rows), AT_ONCE):
        part = rows[first : first + AT_ONCE]
        form = ", ".join(f'"{name}" {kinds.get(type(table.c[name].type), "text")}' for name in part[0])
        plain = [{k: _escaped(v) if isinstance(v, str) else v for k, v in row.items()} for row in part]
        sent = json.dumps(plain, ensure_ascii=False)
        yield list(part[0]), sent, f"json_to_recordset(CAST(:sent AS json)) AS sent({form})"


def migrate(connection: Connection, place: str) -> None:
    """Bring a database up to date, one that is empty too; inside a transaction that writes.

    Raises `ReviewError` where it is newer than this program; ``place`` names it there.
    """
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    context = MigrationContext.configure(connection, opts={"version_table": VERSION})
    scripts, now = _scripts(), context.get_current_revision()
    for script in reversed(_missing(scripts, now, place)):
        script.module.upgrade(Operations(context))
        context.stamp(scripts, script.revision)


def _scripts() -> ScriptDirectory:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def _missing(scripts: ScriptDirectory, now: str | None, place: str) -> list[Any]:
    """Return the migrations that are still to be run, the first one last."""
    known = [script.revision for script in scripts.walk_revisions()]
    if now is not None and now not in known:
        raise ReviewError(
            f"{place}: a store of a newer fupin (its form is '{now}', this one knows up to '{known[0]}')",
            "update fupin: pip install -U fupin-classifier[review]",
        )
    return list(scripts.iterate_revisions("head", now or "base"))


def check_kind(connection: Connection, place: str) -> None:
    """Raise `ReviewError` for a file that another program made; a server may hold tables of others."""
    tables = set(inspect(connection).get_table_names())
    foreign = connection.dialect.name == "sqlite" and tables and VERSION not in tables
    if foreign or (VERSION not in tables and tables & set(METADATA.tables)):
        raise ReviewError(
            f"{place}: no review store; it has a table '{min(tables)}'", "name another file, or a new one"
        )
