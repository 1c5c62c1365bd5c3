"""Calls in the background: their order, their errors, and that nothing is done after one failed."""

import threading

import pytest

from classifier.background import Background


def test_calls_are_made_in_order_and_no_more_than_allowed_wait():
    made, gate = [], threading.Event()
    work = Background[int](most=1)

    def call(n):
        gate.wait(5)
        made.append(n)
        return n

    assert work.call(call, 0) == []
    gate.set()
    assert [result for n in (1, 2, 3) for result in work.call(call, n)] == [0, 1, 2]
    assert (work.settled(), work.settled(), made) == ([3], [], [0, 1, 2, 3])
    work.close()


def test_nothing_is_done_after_a_call_failed():
    made = []
    work = Background[None](most=9)

    def fail():
        raise OSError("no space")

    work.call(made.append, 1)
    work.call(fail)
    work.call(made.append, 2)
    with pytest.raises(OSError, match="no space"):
        work.settled()
    work.close()
    assert made == [1]


def test_what_waits_when_it_is_closed_is_not_done():
    begun, gate, made = threading.Event(), threading.Event(), []
    work = Background[None](most=9)

    def call():
        begun.set()
        gate.wait(5)
        made.append("first")

    work.call(call)
    work.call(made.append, "second")
    begun.wait(5)
    threading.Timer(0.05, gate.set).start()
    work.close()
    assert made == ["first"]
