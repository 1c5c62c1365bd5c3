"""What follows from decisions: what stands, what is disputed, what is settled, what can be undone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_stores import AT, BOOK, IN_USE, event, items

from classifier.codebook import codebook_from_text
from classifier.errors import InputError
from classifier.review_items import (
    CODED,
    CONTEXT,
    GOLD,
    MIGRATED,
    SETTLED,
    SKIPPED,
    UNDONE,
    Event,
    checked_event,
    checked_item,
    codebook_id,
    current,
    disputed,
    settled,
    undo_of,
)

HERE = "柳树坪#0"
SCRIPTS = {
    "nobody has coded it": ([], None, None),
    "one coder has": ([("甲", "a")], "a", None),
    "two agree": ([("甲", "a"), ("乙", "a")], "a", None),
    "two agree that there is no measure": ([("甲", ""), ("乙", "")], "", None),
    "two gave the same codes in another order": ([("甲", "a b"), ("乙", "b a")], "a b", None),
    "two differ": ([("甲", "a"), ("乙", "b")], None, "disputed"),
    "one found no measure, one did": ([("甲", ""), ("乙", "b")], None, "disputed"),
    "two differed, one has come round": ([("甲", "a"), ("乙", "b"), ("乙", "a")], "a", None),
    "two differ, a third settled": ([("甲", "a"), ("乙", "b"), ("丙", "!c")], "c", None),
    "one of the two settled": ([("甲", "a"), ("乙", "b"), ("甲", "!b")], "b", None),
    "settled that there is no measure": ([("甲", "a"), ("乙", "b"), ("丙", "!")], "", None),
    "settled, then one coder objects": (
        [("甲", "a"), ("乙", "b"), ("丙", "!a"), ("乙", "c")],
        None,
        "disputed",
    ),
    "settled, then one coder comes round": ([("甲", "a"), ("乙", "b"), ("丙", "!a"), ("乙", "a")], "a", None),
    "settled, then a new coder agrees": ([("甲", "a"), ("乙", "b"), ("丙", "!b"), ("丁", "b")], "b", None),
    "settled, then all coders say otherwise": (
        [("甲", "a"), ("丙", "!b"), ("甲", "c")],
        None,
        "disputed",
    ),
    "settled again": ([("甲", "a"), ("乙", "b"), ("丙", "!a"), ("乙", "c"), ("丙", "!c")], "c", None),
    "one of the two passes it by": ([("甲", "a"), ("乙", "b"), ("乙", "-")], "a", None),
    "passed by": ([("甲", "-")], None, None),
    "one of the two undoes": ([("甲", "a"), ("乙", "b"), ("乙", "<")], "a", None),
    "the settlement is undone": ([("甲", "a"), ("乙", "b"), ("丙", "!a"), ("丙", "<")], None, "disputed"),
    "settled, a coder objects and undoes that": (
        [("甲", "a"), ("乙", "b"), ("丙", "!a"), ("乙", "c"), ("乙", "<")],
        "a",
        None,
    ),
    "settled, then the codebook changes": (
        [("甲", "a"), ("乙", "b"), ("丙", "!a"), ("丙", "!>a2"), ("乙", ">b2"), ("甲", ">a2")],
        "a2",
        None,
    ),
    "the codebook asks for another look": ([("甲", "a"), ("甲", ">?")], None, None),
}


def played(script):
    """Return the events of a script.

    ``"a b"`` codes, ``"-"`` skips, ``"<"`` undoes, ``"!a"`` settles, ``">a"`` and ``"!>a"`` migrate, to
    nothing with ``"?"``.
    """
    events: list[Event] = []
    for coder, what in script:
        if what == "<":
            events.append(replace(undo_of(events, coder), at=AT))
            continue
        kind = SKIPPED if what == "-" else SETTLED if what.startswith("!") else CODED
        codes = tuple(what.lstrip("!>").split())
        after = None if what[-1:] in ("-", "?") and what else codes
        migrated = ">" in what
        events.append(
            event(HERE, coder, kind=MIGRATED if migrated else kind, after=after, settles="!" in what)
        )
    return events


@pytest.mark.parametrize(("script", "codes", "open_"), SCRIPTS.values(), ids=SCRIPTS)
def test_what_holds_for_a_segment_follows_from_what_was_decided(script, codes, open_):
    events = played(script)
    assert {k: set(v) for k, v in settled(events).items()} == (
        {} if codes is None else {HERE: set(codes.split())}
    )
    assert disputed(events) == ([HERE] if open_ else [])


def test_who_codes_and_settles_keeps_his_own_codes():
    events = played([("甲", "a"), ("乙", "b"), ("甲", "!b")])
    assert current(events) == {(HERE, "甲"): ("a",), (HERE, "乙"): ("b",)}


def test_disputes_stand_in_the_order_in_which_segments_were_first_coded():
    order = ["三", "一", "二"]
    events = [event(name, coder, coder) for name in order for coder in ("甲", "乙")]
    assert disputed(events) == order


def test_undoing_goes_back_decision_by_decision():
    events = played([("甲", "a"), ("甲", "-"), ("甲", "b")])
    seen = []
    for _ in range(3):
        events.append(replace(undo_of(events, "甲"), at=AT))
        seen.append(current(events).get((HERE, "甲")))
    assert seen == [None, ("a",), None]
    with pytest.raises(InputError, match="coder '甲': nothing to undo"):
        undo_of(events, "甲")


def test_undoing_is_about_the_coders_own_last_decision_on_whatever_segment():
    events = [event("一", "甲", "a"), event("二", "甲", "b"), event("一", "乙", "c")]
    undo = undo_of(events, "甲")
    assert (undo.segment_id, undo.kind, undo.before, undo.after) == ("二", UNDONE, ("b",), None)
    assert undo.undoes == events[1].event_id


def test_undoing_twice_by_a_double_click_is_the_same_event():
    events = played([("甲", "a")])
    assert undo_of(events, "甲").event_id == undo_of(list(events), "甲").event_id


@pytest.mark.parametrize(
    "script",
    [[("甲", "a"), ("甲", ">b")], [("甲", "!a"), ("乙", "!b")]],
    ids=["the codebook changed", "another one settled"],
)
def test_what_others_changed_since_is_not_undone(script):
    with pytest.raises(InputError, match=f"segment '{HERE}': what coder '甲' decided last was changed"):
        undo_of(played(script), "甲")


class Naive:
    """What stands, by keeping a list of each lane's codes: written without a look at the module."""

    def __init__(self):
        self.lanes = {}

    def play(self, event):
        history = self.lanes.setdefault((event.segment_id, event.coder if not event.settles else None), [])
        if event.kind == UNDONE:
            history.pop()
        else:
            history.append(event.after)

    def current(self):
        return {k: v[-1] for k, v in self.lanes.items() if k[1] is not None and v and v[-1] is not None}


STEPS = st.lists(
    st.tuples(
        st.sampled_from("一二"),
        st.sampled_from("甲乙"),
        st.sampled_from(["a", "b", "", "-", "<", "!a", "!b"]),
    ),
    max_size=14,
)


@given(STEPS)
def test_what_stands_is_what_a_plain_list_of_decisions_says(steps):
    naive, events = Naive(), []
    for place, coder, what in steps:
        try:
            new = (
                replace(undo_of(events, coder), at=AT)
                if what == "<"
                else replace(played([(coder, what)])[0], segment_id=place)
            )
        except InputError:
            continue
        events.append(new)
        naive.play(new)
    assert current(events) == naive.current()
    both = {s for s, codes in settled(events).items()} | set(disputed(events))
    standing = {k[0] for k, v in naive.lanes.items() if v and v[-1] is not None}
    assert both == standing  # what was coded is settled or disputed, never both
    assert not set(settled(events)) & set(disputed(events))


# --- what is refused ---

HOSTILE_EVENTS = {
    "no name": ({"event_id": ""}, "not the name of an event"),
    "a name with a slash": ({"event_id": "../x"}, "not the name of an event"),
    "a long name": ({"event_id": "x" * 65}, "not the name of an event"),
    "no coder": ({"coder": ""}, "'coder' is ''"),
    "a coder on two lines": ({"coder": "甲\n乙"}, "coder '甲"),
    "a coder with space around": ({"coder": " 甲"}, "coder ' 甲'"),
    "a long coder": ({"coder": "甲" * 101}, "'coder' has 101 characters"),
    "a long note": ({"note": "x" * 4001}, "'note' has 4,001 characters"),
    "half a surrogate pair": ({"note": "\ud800"}, "'note' holds half a surrogate pair"),
    "an unknown kind": ({"kind": "guessed"}, "kind 'guessed'"),
    "a time without milliseconds": ({"at": "2026-01-31T08:00:00Z"}, "'at' is '2026-01-31T08:00:00Z'"),
    "a time of another zone": ({"at": "2026-01-31T08:00:00.000+08:00"}, "'at' is"),
    "a day that there is not": ({"at": "2026-02-30T08:00:00.000Z"}, "'at' is"),
    "codes as one text": ({"after": "road"}, "'after' is road"),
    "a code twice": ({"after": ("road", "road")}, "'after' is"),
    "a number for a code": ({"after": (1,)}, "'after' is"),
    "coded without codes": ({"after": None}, "coded without codes"),
    "skipped with codes": ({"kind": SKIPPED, "after": ("road",)}, "skipped with codes"),
    "coded for all": ({"settles": True}, "coded, and settles"),
    "undoes nothing": ({"kind": UNDONE}, "undoes ''"),
    "coded, and undoes": ({"undoes": "event-1"}, "undoes 'event-1'"),
    "no text": ({"segment_id": 7}, "'segment_id' is '7'"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE_EVENTS.values(), ids=HOSTILE_EVENTS)
def test_an_event_that_is_none_is_refused_with_its_name(change, message):
    good = {"event_id": "abc", "segment_id": HERE, "coder": "甲", "kind": CODED, "before": None, "after": ()}
    good |= {"codebook": IN_USE, "at": AT}
    assert checked_event(Event(**good))
    with pytest.raises(InputError, match="event '") as caught:
        checked_event(Event(**good | change))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value) + caught.value.hint


HOSTILE_ITEMS = {
    "no segment_id": ({"segment_id": " "}, "'segment_id' is ' '"),
    "a long doc_id": ({"doc_id": "x" * 501}, "'doc_id' has 501 characters"),
    "no text": ({"text": None}, "'text' is 'None'"),
    "a place that is no number": ({"place": "1"}, "'place' is 1"),
    "a negative start": ({"start": -1}, "'start' is -1"),
    "a rank that is no whole number": ({"rank": 1.5}, "'rank' is 1.5"),
    "a rank too large for a database": ({"rank": 2**31}, "'rank' is 2147483648"),
    "an unknown purpose": ({"purpose": "silver"}, "purpose 'silver'"),
    "gold without how it was drawn": ({"purpose": GOLD}, "purpose 'gold'"),
    "drawn, but not gold": ({"drawn": {"stratum": 1}}, "purpose 'queue'"),
    "a probability above 1": ({"probabilities": {"road": 1.1}}, "probability of 'road' is 1.1"),
    "a probability that is none": ({"probabilities": {"road": float("nan")}}, "probability of 'road' is nan"),
}


@pytest.mark.parametrize(("change", "message"), HOSTILE_ITEMS.values(), ids=HOSTILE_ITEMS)
def test_an_item_that_is_none_is_refused_with_its_name(change, message):
    good = items(1)[0]
    assert checked_item(good)
    assert checked_item(replace(good, purpose=CONTEXT, rank=None))
    with pytest.raises(InputError, match="segment '") as caught:
        checked_item(replace(good, **change))
    assert message in str(caught.value)


def test_a_codebook_is_called_by_what_makes_it_another_one():
    assert (
        codebook_id(BOOK)
        == "village 1 sha256:" + __import__("hashlib").sha256(BOOK.text.encode()).hexdigest()[:12]
    )
    assert codebook_id(codebook_from_text(BOOK.text + "# 补注\n", "v")) != codebook_id(BOOK)


def test_who_does_not_review_need_not_have_a_database_installed():
    code = (
        "import sys, classifier, classifier.review_items, classifier.cli; print('sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
