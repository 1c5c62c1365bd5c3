"""The first tables: items, events that are only ever added, and what stands.

On SQLite as on PostgreSQL the database itself refuses to change or delete an event, and to change
what a segment is.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0001"
down_revision = None

_SQLITE = (
    """CREATE TRIGGER review_event_unchanged BEFORE UPDATE ON review_event
    BEGIN SELECT RAISE(ABORT, 'events are never changed'); END""",
    """CREATE TRIGGER review_event_undeleted BEFORE DELETE ON review_event
    BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END""",
    # INSERT OR REPLACE would delete without asking the trigger above
    """CREATE TRIGGER review_event_rising BEFORE INSERT ON review_event
    WHEN NEW.number <= (SELECT coalesce(max(number), 0) FROM review_event)
      OR EXISTS (SELECT 1 FROM review_event WHERE event_id = NEW.event_id)
      OR EXISTS (SELECT 1 FROM review_event
                 WHERE item = NEW.item AND lane = NEW.lane AND revision = NEW.revision)
      OR EXISTS (SELECT 1 FROM review_event WHERE undoes = NEW.undoes)
    BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END""",
    """CREATE TRIGGER review_item_unchanged
    BEFORE UPDATE OF number, segment_id, doc_id, paragraph, "start", "end", text, drawn ON review_item
    WHEN OLD.number <> NEW.number OR OLD.segment_id <> NEW.segment_id OR OLD.doc_id <> NEW.doc_id
      OR OLD.paragraph <> NEW.paragraph OR OLD."start" <> NEW."start" OR OLD."end" <> NEW."end"
      OR OLD.text <> NEW.text OR (OLD.drawn IS NOT NULL AND OLD.drawn IS NOT NEW.drawn)
    BEGIN SELECT RAISE(ABORT, 'a segment is never changed'); END""",
    """CREATE TRIGGER review_item_undeleted BEFORE DELETE ON review_item
    BEGIN SELECT RAISE(ABORT, 'a segment is never deleted'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION review_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$""",
    """CREATE TRIGGER review_event_unchanged BEFORE UPDATE ON review_event
    FOR EACH ROW EXECUTE FUNCTION review_refuse('events are never changed')""",
    """CREATE TRIGGER review_event_undeleted BEFORE DELETE ON review_event
    FOR EACH ROW EXECUTE FUNCTION review_refuse('events are never deleted')""",
    """CREATE TRIGGER review_event_kept BEFORE TRUNCATE ON review_event
    FOR EACH STATEMENT EXECUTE FUNCTION review_refuse('events are never deleted')""",
    """CREATE TRIGGER review_item_unchanged
    BEFORE UPDATE OF number, segment_id, doc_id, paragraph, "start", "end", text, drawn ON review_item
    FOR EACH ROW
    WHEN (OLD.number <> NEW.number OR OLD.segment_id <> NEW.segment_id OR OLD.doc_id <> NEW.doc_id
      OR OLD.paragraph <> NEW.paragraph OR OLD."start" <> NEW."start" OR OLD."end" <> NEW."end"
      OR OLD.text <> NEW.text OR (OLD.drawn IS NOT NULL AND OLD.drawn IS DISTINCT FROM NEW.drawn))
    EXECUTE FUNCTION review_refuse('a segment is never changed')""",
    """CREATE TRIGGER review_item_undeleted BEFORE DELETE ON review_item
    FOR EACH ROW EXECUTE FUNCTION review_refuse('a segment is never deleted')""",
)


def upgrade(op: Operations) -> None:
    """Make the tables, and what guards them."""
    _codebooks_and_items(op)
    _events(op)
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(sa.text(statement.replace(":", r"\:")))


def _codebooks_and_items(op: Operations) -> None:
    op.create_table(
        "review_codebook",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("yaml", sa.Text, nullable=False),
    )
    op.create_table(
        "review_source",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("codebook", sa.Text, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
    )
    op.create_table(
        "review_item",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("segment_id", sa.Text, nullable=False, unique=True),
        sa.Column("doc_id", sa.Text, nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("paragraph", "start", "end")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("text", "title", "date", "source")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("codes", "probabilities")),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("rank", sa.Integer),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("drawn", sa.Text),
    )
    op.create_index("review_item_of_document", "review_item", ["doc_id", "place"])
    op.create_index("review_item_in_queue", "review_item", ["rank", "number"])
    op.create_index("review_item_of_purpose", "review_item", ["purpose", "rank"])
    op.create_index("review_item_facts", "review_item", ["number", "purpose", "rank", "codes"])


def _events(op: Operations) -> None:
    op.create_table(
        "review_event",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("item", sa.Integer, sa.ForeignKey("review_item.number"), nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("coder", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("codebook", sa.Integer, sa.ForeignKey("review_codebook.number"), nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("undoes", sa.Text, unique=True),
        sa.UniqueConstraint("item", "lane", "revision", name="review_event_revision"),
    )
    op.create_index("review_event_of_coder", "review_event", ["coder", "number"])
    op.create_table(
        "review_standing",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("item", sa.Integer, sa.ForeignKey("review_item.number"), primary_key=True),
        sa.Column("codes", sa.Text),
        sa.Column("decided", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("review_standing_of_item", "review_standing", ["item", "lane", "codes"])
