"""Who does the work: other processes take over once they are up, and what they make comes in order."""

from __future__ import annotations

import os
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread

import pytest

from classifier import crew
from classifier.crew import AHEAD, ALONE, Processes
from classifier.errors import OutputError

OPEN = Path.open
CHUNKS = [[n, n + 1] for n in range(ALONE + 12)]


@pytest.fixture
def up_at_once(monkeypatch):
    """Let the others be up before this process goes on; else it depends on how busy the machine is."""

    class Here:
        def __init__(self, target, args, daemon):
            self.start = lambda: target(*args)

    monkeypatch.setattr(crew, "Thread", Here)


@dataclass(frozen=True)
class Sum:
    """What a chunk of numbers becomes, and who added it up."""

    rows: bytes
    process: int = 0
    total: int = 0

    def apart(self):
        return replace(self, rows=b""), self.rows

    def whole(self, bulk):
        return replace(self, rows=bulk)


@dataclass(frozen=True)
class Numbers:
    """A chunk of numbers as bytes."""

    bulk: bytes
    seen: int = 0  # of the bytes, when they were put together again

    def apart(self):
        return Numbers(b""), memoryview(self.bulk)

    def whole(self, bulk):
        return Numbers(bulk, len(bulk))


def add_up(model, chunk):
    numbers = chunk.bulk if isinstance(chunk, Numbers) else chunk or ()
    total = model * sum(numbers)
    return Sum(b"%d" % total, os.getpid(), total)


EXPECTED = [10 * sum(chunk) for chunk in CHUNKS]


def test_a_long_run_is_shared_and_comes_in_order(up_at_once):
    made = list(Processes(2).run(add_up, 10, CHUNKS))
    assert [(m.total, int(m.rows)) for m in made] == [(total, total) for total in EXPECTED]
    places = [m.process == os.getpid() for m in made]
    assert places == [True] * ALONE + [False] * (len(CHUNKS) - ALONE)


def test_until_the_others_are_up_this_process_goes_on(monkeypatch):
    """Also where they never are, as when the run ends before."""

    class Never:
        def __init__(self, **_):
            self.start = lambda: None

    monkeypatch.setattr(crew, "Thread", Never)
    made = list(Processes(2).run(add_up, 10, CHUNKS))
    assert [(m.process, m.total) for m in made] == [(os.getpid(), total) for total in EXPECTED]


def test_one_process_or_a_short_run_starts_no_other(monkeypatch):
    monkeypatch.setattr(Processes, "_shared", lambda *_: pytest.fail("started others"))
    for jobs, chunks in ((1, CHUNKS), (2, CHUNKS[:ALONE])):
        assert {made.process for made in Processes(jobs).run(add_up, 1, chunks)} == {os.getpid()}


def test_a_process_that_dies_is_told_in_one_line_and_what_was_made_before_stays(up_at_once):
    def dying(model, chunk):
        if chunk == CHUNKS[-1]:
            os._exit(1)
        return add_up(model, chunk)

    made = []
    with pytest.raises(OutputError, match="a process died") as caught:
        made.extend(Processes(2).run(dying, 10, CHUNKS))
    assert "--resume" in caught.value.hint
    assert [m.total for m in made] == EXPECTED[: len(made)]
    assert len(made) >= ALONE


def test_what_goes_wrong_with_one_chunk_is_raised_here(up_at_once):
    def failing(model, chunk):
        if chunk == CHUNKS[-1]:
            raise OutputError("chunk 19", "mend it")
        return add_up(model, chunk)

    found = Processes(2).run(failing, 10, CHUNKS)
    assert [next(found).total for _ in CHUNKS[:-1]] == EXPECTED[:-1]
    with pytest.raises(OutputError, match="chunk 19") as caught:
        next(found)
    assert caught.value.hint == "mend it"  # on its way from another process


@pytest.fixture
def folders(monkeypatch, tmp_path):
    """The folders for what goes to other processes and comes from them, as they are made."""
    made = []

    def make(prefix):
        made.append(tmp_path / f"{prefix}{len(made)}")
        made[-1].mkdir()
        return str(made[-1])

    monkeypatch.setattr(crew, "mkdtemp", make)
    return made


def test_chunks_go_and_rows_come_by_files_that_are_written_over(up_at_once, folders):
    """As many as there are chunks under way, whatever the size of what lay there before."""
    chunks = [Numbers(bytes(range(n % 5 * 40))) for n in range(ALONE + 30)]
    here, seen = os.getpid(), []

    def with_its_size(model, chunk):
        total = sum(chunk.bulk) if chunk else 0
        return Sum(b"%d" % total * (len(chunk.bulk) if chunk else 0), os.getpid(), chunk and chunk.seen)

    for made, chunk in zip(Processes(2).run(with_its_size, 10, chunks), chunks, strict=True):
        size = len(chunk.bulk)
        assert made.rows == b"%d" % sum(chunk.bulk) * size
        if made.process != here:
            assert made.total == size  # all of the chunk's own bytes, none of those before
            seen.append(len([path for path in folders[0].iterdir() if path.name != "model"]))
    assert len(seen) == 30
    assert max(seen) <= AHEAD * 2 + 1
    assert not folders[0].exists()


def no_room(self, mode="r", *_, **__):
    if "b" in mode and mode != "rb":
        raise OSError(28, "No space left on device")
    return OPEN(self, mode)


def test_where_there_is_no_room_for_a_file_rows_come_by_the_pipe(up_at_once, folders):
    here = os.getpid()

    def without_room(model, chunk):
        if os.getpid() != here:
            Path.open = no_room
        return add_up(model, chunk)

    made = list(Processes(2).run(without_room, 10, CHUNKS))
    assert [int(m.rows) for m in made] == EXPECTED
    assert not folders[0].exists()


def test_where_there_is_no_room_for_a_file_chunks_go_by_the_pipe(up_at_once, folders, monkeypatch):
    chunks = [Numbers(bytes([n, 1])) for n in range(ALONE + 12)]
    monkeypatch.setattr(Path, "open", no_room)
    made = list(Processes(2).run(add_up, 10, chunks))
    assert [m.total for m in made] == [10 * (n + 1) for n in range(ALONE + 12)]
    assert sum(m.process != os.getpid() for m in made) == 12


def size_of_model(model, _):
    return len(model)


@pytest.mark.parametrize("opened", [OPEN, no_room], ids=["room", "no room"])
def test_a_model_goes_by_a_file_where_there_is_room_for_it(up_at_once, folders, monkeypatch, opened):
    """Through the pipe of a process that starts it would keep the next from starting."""
    kept, begun = crew._kept, []
    monkeypatch.setattr(crew, "_kept", lambda *given: begun.append(kept(*given)) or begun[0])
    monkeypatch.setattr(Path, "open", opened)
    assert list(Processes(2).run(size_of_model, bytes(1_000_000), CHUNKS)) == [1_000_000] * len(CHUNKS)
    assert len(begun) == 1
    assert (begun[0] is None) == (opened is OPEN)


def test_a_run_that_is_broken_off_leaves_no_folder(up_at_once, folders):
    running = Processes(2).run(add_up, 10, CHUNKS)
    for _ in range(ALONE + 2):
        next(running)
    assert folders[0].exists()
    running.close()
    assert not folders[0].exists()


def test_a_pool_is_given_no_task_once_its_run_ends_and_has_handed_on_the_last():
    """A short run may end while a thread still hands over the first chunks; loky would print a KeyError."""
    inside, gate, waiting, ended = Event(), Event(), Future(), Event()

    class Pool:
        def submit(self, *_):
            inside.set()
            gate.wait(5)
            return waiting

    submit = crew._Submitting(Pool(), add_up)
    Thread(target=submit, args=((None, None, 0),)).start()
    inside.wait(5)
    ending = Thread(target=lambda: (submit.end(), ended.set()))
    ending.start()
    assert not ended.wait(0.05)  # the task is not with the pool yet
    gate.set()
    assert not ended.wait(0.05)  # the pool has not handed it on
    waiting.set_running_or_notify_cancel()
    assert ended.wait(5)
    with pytest.raises(CancelledError):
        submit((None, None, 0))
