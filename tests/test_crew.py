"""Who does the work: other processes take over once they are up, and what they make comes in order."""

from __future__ import annotations

import os

import pytest

from classifier import crew
from classifier.crew import ALONE, Processes
from classifier.errors import OutputError

CHUNKS = [[n, n + 1] for n in range(ALONE + 12)]


@pytest.fixture
def up_at_once(monkeypatch):
    """Let the others be up before this process goes on; else it depends on how busy the machine is."""

    class Here:
        def __init__(self, target, args, daemon):
            self.start = lambda: target(*args)

    monkeypatch.setattr(crew, "Thread", Here)


def add_up(model, chunk):
    return os.getpid(), model * sum(chunk)


def test_a_long_run_is_shared_and_comes_in_order(up_at_once):
    made = list(Processes(2).run(add_up, 10, CHUNKS))
    assert [total for _, total in made] == [10 * sum(chunk) for chunk in CHUNKS]
    places = [process == os.getpid() for process, _ in made]
    assert places == [True] * ALONE + [False] * (len(CHUNKS) - ALONE)


def test_until_the_others_are_up_this_process_goes_on(monkeypatch):
    """Also where they never are, as when the run ends before."""

    class Never:
        def __init__(self, **_):
            self.start = lambda: None

    monkeypatch.setattr(crew, "Thread", Never)
    made = list(Processes(2).run(add_up, 10, CHUNKS))
    assert made == [(os.getpid(), 10 * sum(chunk)) for chunk in CHUNKS]


def test_one_process_or_a_short_run_starts_no_other(monkeypatch):
    monkeypatch.setattr(Processes, "_shared", lambda *_: pytest.fail("started others"))
    for jobs, chunks in ((1, CHUNKS), (2, CHUNKS[:ALONE])):
        assert {process for process, _ in Processes(jobs).run(add_up, 1, chunks)} == {os.getpid()}


def test_a_process_that_dies_is_told_in_one_line_and_what_was_made_before_stays(up_at_once):
    def dying(model, chunk):
        if chunk == CHUNKS[-1]:
            os._exit(1)
        return sum(chunk)

    made = []
    with pytest.raises(OutputError, match="a process died") as caught:
        made.extend(Processes(2).run(dying, None, CHUNKS))
    assert "--resume" in caught.value.hint
    assert made == [sum(chunk) for chunk in CHUNKS[: len(made)]]
    assert len(made) >= ALONE


def test_what_goes_wrong_with_one_chunk_is_raised_here(up_at_once):
    def failing(model, chunk):
        if chunk == CHUNKS[-1]:
            raise OutputError("chunk 19", "mend it")
        return sum(chunk)

    found = Processes(2).run(failing, None, CHUNKS)
    assert [next(found) for _ in CHUNKS[:-1]] == [sum(chunk) for chunk in CHUNKS[:-1]]
    with pytest.raises(OutputError, match="chunk 19") as caught:
        next(found)
    assert caught.value.hint == "mend it"  # on its way from another process
