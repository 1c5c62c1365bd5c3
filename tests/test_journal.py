"""What a run notes down: the journal beside its output, and the note of what was completed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys

import pytest

from classifier.cells import Changes
from classifier.completed import completed, note_completed
from classifier.errors import OutputError
from classifier.journal import Journal, Tally
from classifier.whole_file import whole_file

FACTS = {"inputs": "a1", "model": "b2"}
COLUMNS = ["doc_id", "text"]
DONE = Tally(4, 9, 3, 5, Changes(9, 7, 1, 1))  # of both chunks of `begun`
TABLES = "SELECT name FROM sqlite_master"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "村.csv"


@pytest.fixture
def path(out):
    return out.with_name("村.csv.journal")


def begun(out):
    """Return a journal, open, of a run with two chunks done."""
    journal = Journal(out)
    journal.begin(FACTS)
    journal.add(Tally(2, 5, 3, 5, Changes(7, 6, 1, 0)), 100, COLUMNS)
    journal.add(Tally(2, 4, 0, 0, Changes(2, 1, 0, 1)), 180, COLUMNS)
    return journal


def noted(out):
    """Return all that a journal says, read by another run."""
    with Journal(out) as journal:
        assert journal.begun
        return journal.facts(), journal.tally(), journal.ends(), journal.header(), journal.complete


def opened_elsewhere(out):
    """Open a journal in another process; return what that said."""
    code = "import sys, pathlib, classifier.journal as j; j.Journal(pathlib.Path(sys.argv[1]))"
    done = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2]


# --- what is noted ---


def test_what_a_run_notes_is_there_for_the_next(out):
    begun(out).__exit__()
    assert noted(out) == (FACTS, DONE, [100, 180], COLUMNS, False)


def test_that_all_is_written_is_noted_too(out):
    with begun(out) as journal:
        journal.completed()
    assert noted(out)[-1] is True


def test_before_the_first_chunk_nothing_is_done(out):
    with Journal(out) as journal:
        assert not journal.begun
        journal.begin(FACTS)
    assert noted(out) == (FACTS, Tally(), [], None, False)


def test_beginning_again_forgets_what_was_done(out):
    with begun(out) as journal:
        journal.completed()
    with Journal(out) as journal:
        journal.begin({"inputs": "other"})
    assert noted(out) == ({"inputs": "other"}, Tally(), [], None, False)


def test_a_journal_that_is_removed_leaves_nothing(out, tmp_path):
    assert not Journal.exists(out)
    with begun(out) as journal:
        assert Journal.exists(out)
        journal.remove()
    assert not Journal.exists(out)
    assert list(tmp_path.iterdir()) == []


# --- one run at a time ---


def test_a_journal_is_held_by_one_run_and_free_when_that_is_over(out):
    refusal = f"{out}: another run of fupin is writing it"
    with begun(out):
        assert opened_elsewhere(out).endswith(refusal)
        with pytest.raises(OutputError, match="another run of fupin is writing it") as caught:
            Journal(out)
        assert caught.value.hint
    assert noted(out)[1] == DONE


def test_a_second_run_refused_in_the_same_process_does_not_free_the_journal_for_others(out):
    with begun(out):
        with pytest.raises(OutputError, match="another run of fupin is writing it"):
            Journal(out)
        assert "another run of fupin is writing it" in opened_elsewhere(out)


# --- damage ---


@pytest.mark.parametrize(
    "rubbish",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no journal", id="a word"),
        pytest.param("大家都说好。".encode() * 1000, id="a text"),
        pytest.param(b"\0" * 20_000, id="nothing but zeros"),
        pytest.param(b"SQLite format 3\0" + b"\xa5" * 9000, id="the beginning of a database"),
    ],
)
def test_rubbish_in_the_place_of_a_journal_is_no_run_and_gives_way(out, path, rubbish):
    path.write_bytes(rubbish)
    with Journal(out) as journal:
        assert not journal.begun
        journal.begin(FACTS)
    assert noted(out)[0] == FACTS


def test_a_database_of_something_else_is_no_run(out, path):
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE price (pear INTEGER)")
    other.close()
    with Journal(out) as journal:
        assert not journal.begun
        journal.begin(FACTS)
    assert noted(out)[0] == FACTS


@pytest.mark.parametrize("page", [1, 2, 3], ids=["facts", "chunks", "state"])
def test_a_page_of_rubbish_inside_a_journal_is_one_line_and_one_hint(out, path, page):
    begun(out).__exit__()
    data = bytearray(path.read_bytes())
    data[4096 * page : 4096 * page + 96] = b"\xa5" * 96
    path.write_bytes(data)
    with pytest.raises(OutputError, match=r"村\.csv\.journal: database disk image is malformed") as caught:
        noted(out)
    assert caught.value.hint


def test_the_journal_of_an_older_version_is_no_run(out, path):
    older = sqlite3.connect(path, isolation_level=None)
    older.executescript(
        """CREATE TABLE asked (facts TEXT NOT NULL);
        CREATE TABLE chunk (
            number INTEGER PRIMARY KEY, documents INTEGER NOT NULL, segments INTEGER NOT NULL,
            coded INTEGER NOT NULL, bytes INTEGER NOT NULL, columns TEXT NOT NULL
        );
        CREATE TABLE state (complete INTEGER NOT NULL);
        INSERT INTO state VALUES (0);
        INSERT INTO asked VALUES ('{}');
        INSERT INTO chunk VALUES (1, 2, 5, 3, 100, '[]');"""
    )
    older.close()
    with Journal(out) as journal:
        assert not journal.begun
        journal.begin(FACTS)
        assert journal.tally() == Tally()


def test_a_run_killed_while_it_begins_has_not_begun(out, path):
    begun(out).__exit__()
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("DELETE FROM asked")  # as before the last statement of `begin`
    database.execute("DELETE FROM chunk")
    database.close()
    with Journal(out) as journal:
        assert not journal.begun or journal.facts()


# --- what was completed ---


@pytest.fixture
def made(out, tmp_path, monkeypatch):
    """Return an output that is noted as complete, in a folder for notes of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    out.write_bytes(b"doc_id\n")
    note_completed(out, FACTS, DONE)
    return out


def test_an_output_made_from_the_same_and_not_touched_is_complete(made, monkeypatch):
    assert completed(made, FACTS) == DONE
    monkeypatch.chdir(made.parent)
    assert completed(type(made)("村.csv"), FACTS) == DONE  # by whatever path it is named


def test_an_output_made_from_something_else_is_not_complete(made):
    assert completed(made, {**FACTS, "model": "b3"}) is None
    assert completed(made, {**FACTS, "scheme": "two-kinds"}) is None
    assert completed(made.with_name("other.csv"), FACTS) is None


@pytest.mark.parametrize(
    "touch",
    [
        pytest.param(lambda out: out.unlink(), id="deleted"),
        pytest.param(lambda out: out.write_bytes(b"doc_id\nmore\n"), id="longer"),
        pytest.param(lambda out: os.utime(out, ns=(1, 1)), id="written at another time"),
    ],
)
def test_an_output_touched_since_is_not_complete(made, touch):
    touch(made)
    assert completed(made, FACTS) is None


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"tally": 3}',
        b'{"tally": {"pears": 3}}',
        b'{"tally": {"changes": 1}}',
    ],
)
def test_a_damaged_note_is_no_note(made, tmp_path, note):
    (written,) = (tmp_path / "state").rglob("*.json")
    written.write_bytes(note)
    assert completed(made, FACTS) is None


def test_where_no_note_can_be_kept_nothing_is_said_to_be_complete(out, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    out.write_bytes(b"doc_id\n")
    note_completed(out, FACTS, Tally(4, 9, 3))
    assert completed(out, FACTS) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
@pytest.mark.parametrize("write", [Journal, lambda out: whole_file(out).__enter__()], ids=["run", "file"])
def test_a_pipe_or_device_is_not_replaced_by_an_output(tmp_path, write):
    out = tmp_path / "out.csv"
    os.mkfifo(out)
    with pytest.raises(OutputError, match=r"out\.csv: a device or pipe, and no file"):
        write(out)
    assert out.is_fifo()
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
