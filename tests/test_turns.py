"""Turns: first come, first served; who gives up or fails lets the next one in."""

import threading

import pytest

from classifier import review_database
from classifier.errors import ReviewError
from classifier.review_database import Place
from classifier.turns import Turns


def _come(turns, name, order, threads):
    """Let a thread stand in line, and return once it does."""

    def work():
        with turns.turn(60):
            order.append(name)

    before = len(turns._line)
    threads.append(threading.Thread(target=work))
    threads[-1].start()
    while len(turns._line) == before:
        threading.Event().wait(0.001)


def test_who_came_first_goes_first_whoever_was_in_before():
    turns, order, threads = Turns(), [], []
    with turns.turn(1):
        for name in "甲乙丙丁戊":
            _come(turns, name, order, threads)
        assert order == []
    for thread in threads:
        thread.join()
    assert order == list("甲乙丙丁戊")


def test_who_waited_too_long_is_told_and_leaves_the_line():
    turns = Turns()
    with turns.turn(1), pytest.raises(TimeoutError), turns.turn(0.01):
        raise AssertionError("let in")
    with turns.turn(1):
        pass


def test_an_error_inside_lets_the_next_one_in():
    turns, order, threads = Turns(), [], []

    def fail():
        with turns.turn(1):
            _come(turns, "乙", order, threads)
            raise KeyError("村")

    with pytest.raises(KeyError):
        fail()
    threads[0].join(60)
    assert order == ["乙"]


def test_all_writers_of_a_file_stand_in_one_line_by_whatever_name(tmp_path, monkeypatch):
    monkeypatch.setattr(review_database, "PATIENCE", 0.01)
    path, other = tmp_path / "村.db", tmp_path / "镇.db"
    path.touch()
    (tmp_path / "同.db").symlink_to(path)
    with Place(path).turn():
        with Place(other).turn():
            pass
        for name in (path, tmp_path / "同.db"):
            with pytest.raises(ReviewError, match="too many at once"), Place(name).turn():
                raise AssertionError("let in")
    with Place(path).turn():
        pass
