"""The review store, the same tests on SQLite and PostgreSQL: what is kept, refused, found again."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import sqlite3
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from review_stores import AT, BOOK, IN_USE, KINDS, PASSWORD, YAML, event, items
from sqlalchemy import event as on
from sqlalchemy import text

from classifier import review_database
from classifier.codebook import codebook_from_text
from classifier.errors import InputError, Outdated, ReviewError
from classifier.review_database import Place
from classifier.review_items import (
    CODED,
    CONTEXT,
    GOLD,
    MIGRATED,
    QUEUE,
    SETTLED,
    SKIPPED,
    UNDONE,
    codebook_id,
    current,
    disputed,
    settled,
)
from classifier.review_progress import Progress
from classifier.review_schema import METADATA, VERSION
from classifier.review_store import open_existing, open_store

KILLS = int(os.environ.get("FUPIN_KILLS", "3"))
DRAWN = {"stratum": 3, "inclusion_probability": 0.125, "unit": "segment"}
ITEMS = items(9)


@pytest.fixture(params=KINDS)
def url(request, new_url):
    """Return a place for a new store, in SQLite and in PostgreSQL."""
    return new_url(request.param)


@pytest.fixture
def store(url):
    """Return a store of nine segments in three documents."""
    with open_store(url) as opened:
        opened.add(ITEMS, BOOK, "标注.csv")
        yield opened


def undo(store, coder):
    return store.record(replace(store.undo_of(coder), at=AT))


# --- items ---


def test_items_come_back_as_they_were_whatever_is_in_them(url):
    odd = "引号'\"；换行\n制表\t空\x00字符\x1a与\x1a0、𠮷野家；--DROP TABLE\u2028\u202e"
    given = [
        replace(ITEMS[0], text=odd, title=odd, source=odd, date="二〇一八年"),
        replace(ITEMS[1], purpose=GOLD, drawn=DRAWN),
        replace(ITEMS[2], purpose=CONTEXT, rank=None, codes=(), probabilities={}),
    ]
    with open_store(url) as store:
        assert store.add(given, BOOK, odd, {"seed": 7, "种子": [1, None]}) == 3
        assert store.items(order="place") == given
        assert [store.item(item.segment_id) for item in given] == given
    with open_store(url) as again:
        assert again.items(order="place") == given


def test_numbers_of_numpy_are_kept_as_numbers(url):
    drawn = {"stratum": np.int64(2), "inclusion_probability": np.float64(0.1), "unit": "segment"}
    with open_store(url) as store:
        store.add([replace(ITEMS[0], purpose=GOLD, drawn=drawn)], BOOK, "x")
        assert store.item(ITEMS[0].segment_id).drawn == {
            "stratum": 2, "inclusion_probability": 0.1, "unit": "segment",
        }  # fmt: skip


def test_codes_of_the_model_stand_in_the_order_of_the_codebook(url):
    with open_store(url) as store:
        store.add([replace(ITEMS[0], codes=("well", "clinic"))], BOOK, "x")
        assert store.item(ITEMS[0].segment_id).codes == ("clinic", "well")


def test_adding_again_adds_nothing_and_changes_nothing(store):
    assert store.add([replace(i, codes=(), rank=0) for i in ITEMS], BOOK, "标注.csv") == 0
    assert store.add([*ITEMS, *items(11)[9:]], BOOK, "标注.csv") == 2
    assert store.items(order="place")[:9] == ITEMS


REFUSED_ITEMS = {
    "another text": (replace(ITEMS[4], text="换了。"), "segment '柳树坪1.txt#1' has another text"),
    "an unknown code": (
        replace(ITEMS[4], segment_id="新", codes=("clinik",)),
        "segment '新': unknown code 'clinik'",
    ),
    "rubbish": (replace(ITEMS[4], segment_id="新", start=-1), "segment '新': 'start' is -1"),
    "rubbish in how it was drawn": (
        replace(ITEMS[4], segment_id="新", purpose=GOLD, drawn={"p": float("nan")}),
        "segment '新': what it holds cannot be written as JSON",
    ),
}


@pytest.mark.parametrize(("wrong", "message"), REFUSED_ITEMS.values(), ids=REFUSED_ITEMS)
def test_where_one_item_is_refused_none_is_added(store, wrong, message):
    new = replace(ITEMS[0], segment_id="前", place=77)
    with pytest.raises(InputError, match=message):
        store.add([new, wrong], BOOK, "x")
    assert store.items(order="place") == ITEMS


def test_one_name_with_two_texts_in_one_go_is_refused(url):
    with open_store(url) as store, pytest.raises(InputError, match="has another text"):
        store.add([ITEMS[0], replace(ITEMS[0], text="另一句。")], BOOK, "x")


def test_items_labelled_by_another_codebook_are_refused(store):
    other = codebook_from_text(YAML.replace('"1"', '"2"'), "v")
    with pytest.raises(InputError, match=f"its codebook is '{IN_USE}', not 'village 2 sha256") as caught:
        store.add(ITEMS, other, "x")
    assert "fupin codebook migrate" in caught.value.hint


def test_a_new_model_changes_what_it_says_and_the_queue_but_not_what_gold_is(url):
    gold = replace(ITEMS[0], purpose=GOLD, drawn=DRAWN)
    with open_store(url) as store:
        store.add([gold, *ITEMS[1:3]], BOOK, "x")
        new = {"codes": ("well",), "probabilities": {"well": 0.75}, "rank": 40}
        changed = [
            replace(gold, **new, purpose=QUEUE, drawn=None),
            replace(ITEMS[1], **new | {"rank": None}, purpose=CONTEXT),
        ]
        assert store.update(changed) == 2
        assert store.items(order="place") == [replace(gold, **new), changed[1], ITEMS[2]]
        with pytest.raises(InputError, match=r"segment '柳树坪1.txt#0' is not in this store"):
            store.update([ITEMS[3]])
        with pytest.raises(InputError, match="has another text"):
            store.update([replace(ITEMS[1], text="换了。")])


def test_items_come_in_the_order_of_the_queue_or_of_the_file_and_by_purpose(store):
    store.add(
        [replace(ITEMS[0], segment_id="旁", doc_id="旁", place=99, rank=None, purpose=CONTEXT)], BOOK, "x"
    )
    assert [i.rank for i in store.items()] == [*range(9), None]
    assert [i.place for i in store.items(order="place")] == [*range(9), 99]
    assert [i.segment_id for i in store.items(CONTEXT)] == ["旁"]


@pytest.mark.parametrize(("n", "places"), [(1, [3, 4, 5]), (2, [3, 4, 5]), (0, [4])])
def test_around_an_item_stand_its_neighbours_of_the_same_document(store, n, places):
    assert [i.place for i in store.around(ITEMS[4].segment_id, n)] == places


def test_an_item_that_is_not_there_is_said_to_be_missing(store):
    with pytest.raises(InputError, match="no segment '别处'"):
        store.item("别处")


def test_what_no_database_can_hold_is_refused_in_a_line(store):
    for ask in (
        lambda: store.item("\ud800"),
        lambda: store.next_for("\ud800"),
        lambda: store.events(since=2**70),
    ):
        with pytest.raises(ReviewError, match=r"asked for a .* that there cannot be"):
            ask()


def test_a_file_whose_name_is_no_text_is_noted_all_the_same(url):
    with open_store(url) as store:
        assert store.add(ITEMS, BOOK, "标\udcff.csv") == 9


# --- the queue ---


def test_the_next_item_is_the_first_that_this_coder_has_not_decided(store):
    assert store.next_for("甲") == ITEMS[8]
    store.record(event(ITEMS[8], "甲", "road"))
    store.record(event(ITEMS[7], "甲", kind=SKIPPED, after=None))
    store.record(event(ITEMS[6], "乙"))
    assert store.next_for("甲") == ITEMS[6]
    assert store.next_for("乙") == ITEMS[8]
    assert store.next_for("甲", after_rank=2) == ITEMS[5]
    undo(store, "甲")
    assert store.next_for("甲") == ITEMS[7]
    store.record(event(ITEMS[8], "甲", kind=MIGRATED, before=("road",), after=None))
    assert store.next_for("甲") == ITEMS[8]


def test_who_has_decided_all_has_nothing_next_and_context_is_never_next(url):
    with open_store(url) as store:
        store.add([ITEMS[0], replace(ITEMS[1], rank=None, purpose=CONTEXT)], BOOK, "x")
        store.record(event(ITEMS[0], "甲"))
        assert store.next_for("甲") is None


def test_settling_is_no_coding(store):
    store.record(event(ITEMS[8], "甲", "road", kind=SETTLED))
    assert store.next_for("甲") == ITEMS[8]
    assert store.progress("甲").coded == 0
    assert store.settlement(ITEMS[8].segment_id) == ("road",)


# --- events ---


def test_what_is_recorded_is_numbered_and_found_again(store, url):
    first = store.record(event(ITEMS[0], "甲", "well", "clinic", note="存疑\x00\n"))
    second = store.record(event(ITEMS[0], "甲", kind=SKIPPED, before=("clinic", "well"), after=None))
    assert (first.after, second.before) == (("clinic", "well"), ("clinic", "well"))
    assert first.number < second.number
    with open_store(url) as again:
        assert again.events() == [first, second]
        assert again.events(since=first.number) == [second]
        assert again.events_of(ITEMS[0].segment_id) == [first, second]
        assert again.events_of(ITEMS[1].segment_id) == []


def test_an_event_sent_twice_is_recorded_once_though_the_second_comes_later(store):
    sent = event(ITEMS[0], "甲", "well", "clinic")
    first = store.record(sent)
    assert store.record(replace(sent, at="2026-01-31T08:00:09.000Z", after=("clinic", "well"))) == first
    assert store.events() == [first]


OTHER_CONTENT = {
    "codes": {"after": ("road",)},
    "no codes yet": {"before": ()},
    "coder": {"coder": "乙"},
    "segment": {"segment_id": ITEMS[1].segment_id},
    "note": {"note": "改"},
    "kind": {"kind": SETTLED},
}


@pytest.mark.parametrize("other", OTHER_CONTENT.values(), ids=OTHER_CONTENT)
def test_an_event_with_the_name_of_another_is_refused(store, other):
    sent = event(ITEMS[0], "甲", "clinic")
    first = store.record(sent)
    with pytest.raises(InputError, match=f"'{sent.event_id}' was recorded with other content"):
        store.record(replace(sent, **other))
    assert store.events() == [first]


def test_a_decision_about_what_has_changed_since_is_outdated(store):
    store.record(event(ITEMS[0], "甲", "clinic"))
    with pytest.raises(
        Outdated, match=r"segment '柳树坪0.txt#0': coder '甲' has codes 'clinic' now, not no codes"
    ):
        store.record(event(ITEMS[0], "甲", "road"))
    store.record(event(ITEMS[0], "甲", "road", before=("clinic",)))
    with pytest.raises(Outdated, match="has codes 'road' now, not codes 'clinic'"):
        store.record(event(ITEMS[0], "甲", "well", before=("clinic",)))
    assert store.current() == {(ITEMS[0].segment_id, "甲"): ("road",)}


def test_two_coders_are_kept_apart_and_settled(store):
    segment = ITEMS[0].segment_id
    store.record(event(segment, "甲", "clinic"))
    store.record(event(segment, "乙", "road"))
    assert (store.disputed(), store.settled()) == ([segment], {})
    store.record(event(segment, "甲", "road", kind=SETTLED))
    with pytest.raises(Outdated, match="its settlement has codes 'road' now, not no codes"):
        store.record(event(segment, "丙", "clinic", kind=SETTLED))
    assert (store.disputed(), store.settled()) == ([], {segment: ("road",)})
    assert store.current(segment) == {(segment, "甲"): ("clinic",), (segment, "乙"): ("road",)}
    assert store.coders() == ["乙", "甲"]


WRONG_EVENTS = {
    "an unknown code": ({"after": ("clinik",)}, InputError, "unknown code 'clinik'"),
    "an unknown segment": ({"segment_id": "别处#0"}, InputError, "segment '别处#0' is not in this store"),
    "another codebook": (
        {"codebook": "village 0 sha256:0"},
        Outdated,
        "coded by codebook 'village 0 sha256:0'",
    ),
    "no proper event": ({"coder": ""}, InputError, "'coder' is ''"),
    "nothing to migrate": ({"kind": MIGRATED}, InputError, "nothing to migrate"),
    "nothing to undo": (
        {"kind": UNDONE, "undoes": "x", "after": None},
        Outdated,
        "'x' is not the last decision",
    ),
}


@pytest.mark.parametrize(("change", "error", "message"), WRONG_EVENTS.values(), ids=WRONG_EVENTS)
def test_a_wrong_event_is_refused_and_of_several_none_is_recorded(store, change, error, message):
    wrong = replace(event(ITEMS[0], "甲", "road"), **change)
    with pytest.raises(error, match=message):
        store.record_all([event(ITEMS[1], "甲", "road"), wrong])
    assert store.events() == []
    assert store.current() == {}


def test_where_codes_exclude_each_other_a_decision_has_just_one(new_url):
    book = codebook_from_text(YAML + "exclusive: true\n", "v")
    with open_store(new_url("sqlite")) as store:
        store.add(ITEMS, book, "x")
        for after in ((), ("road", "well")):
            with pytest.raises(InputError, match=f"{len(after)} codes, but 'village' wants exactly one"):
                store.record(event(ITEMS[0], "甲", *after, codebook=codebook_id(book)))
        assert store.record(event(ITEMS[0], "甲", "road", codebook=codebook_id(book))).number == 1


def test_only_the_last_decision_of_a_segment_can_be_undone_and_only_to_what_stood_before(store):
    first = store.record(event(ITEMS[0], "甲", "clinic"))
    second = store.record(event(ITEMS[0], "甲", "road", before=("clinic",)))
    back = {"kind": UNDONE, "before": ("road",)}
    with pytest.raises(Outdated, match=f"'{first.event_id}' is not the last decision of coder '甲' there"):
        store.record(event(ITEMS[0], "甲", **back, after=None, undoes=first.event_id))
    with pytest.raises(InputError, match="it would leave no codes, not codes 'clinic'"):
        store.record(event(ITEMS[0], "甲", **back, after=None, undoes=second.event_id))
    undo(store, "甲")
    assert store.current() == {(ITEMS[0].segment_id, "甲"): ("clinic",)}
    undo(store, "甲")
    with pytest.raises(InputError, match="coder '甲': nothing to undo"):
        store.undo_of("甲")


def test_nobody_undoes_the_settlement_of_another(store):
    done = store.record(event(ITEMS[0], "甲", "clinic", kind=SETTLED))
    theirs = event(
        ITEMS[0], "乙", kind=UNDONE, before=("clinic",), after=None, undoes=done.event_id, settles=True
    )
    with pytest.raises(Outdated, match="is not the last decision of coder '乙' there"):
        store.record(theirs)


def test_progress_counts_what_a_coder_did_and_with_whom_he_agrees(url):
    gold = [replace(i, purpose=GOLD, drawn=DRAWN) for i in ITEMS[:3]]
    context = replace(ITEMS[8], rank=None, purpose=CONTEXT)
    with open_store(url) as store:
        store.add([*gold, *ITEMS[3:8], context], BOOK, "x")
        assert store.progress("甲") == Progress(8, 0, 0, 3, 0, (0, 0), {})
        for item, coder, codes in [
            *((item, "甲", item.codes) for item in ITEMS[:2]),
            (ITEMS[2], "甲", ()),
            (ITEMS[4], "甲", ("clinic", "road")),
            (ITEMS[0], "乙", ITEMS[0].codes),
            (ITEMS[2], "乙", ("road",)),
            (ITEMS[5], "乙", ("road",)),
            (ITEMS[4], "丙", ("road", "clinic")),
        ]:
            store.record(event(item, coder, *codes))
        store.record(event(ITEMS[5], "甲", kind=SKIPPED, after=None))
        store.record(event(ITEMS[2], "丁", "road", kind=SETTLED))
        assert store.progress("甲") == Progress(8, 4, 1, 3, 3, (2, 4), {"丙": (1, 1), "乙": (1, 2)})


# --- the codebook ---

SECOND = codebook_from_text(
    YAML.replace('"1"', '"2"').replace("code: road, name: 修路", "code: roads, name: 道路"), "village2.yaml"
)


def test_with_another_codebook_labels_follow_and_the_past_keeps_its_own(store):
    store.record(event(ITEMS[0], "甲", "clinic", "road"))
    new = codebook_id(SECOND)
    migrated = event(
        ITEMS[0], "甲", "clinic", "roads", kind=MIGRATED, before=("clinic", "road"), codebook=new
    )  # fmt: skip
    renamed = [replace(i, codes=("roads",)) if i.codes == ("road",) else i for i in ITEMS]
    store.set_codebook(SECOND, [migrated], renamed)
    assert store.codebook == SECOND
    assert store.codebook_text == SECOND.text
    assert list(store.codebook_texts().values()) == [BOOK.text, SECOND.text]
    assert [e.codebook for e in store.events()] == [IN_USE, new]
    assert store.current() == {(ITEMS[0].segment_id, "甲"): ("clinic", "roads")}
    with pytest.raises(Outdated, match=f"in use is '{new}'"):
        store.record(event(ITEMS[1], "甲", "road"))
    store.set_codebook(SECOND)
    assert len(store.codebook_texts()) == 1 + 1


@pytest.mark.parametrize(
    ("coded", "relabelled", "message"),
    [
        (
            "road",
            True,
            "segment '柳树坪0.txt#0': code 'road', given by a coder, is not in codebook 'village' 2",
        ),
        ("clinic", False, "segment '柳树坪0.txt#2': code 'road', given by the model, is not in codebook"),
    ],
    ids=["a coder's", "the model's"],
)
def test_a_codebook_that_leaves_a_code_behind_is_not_taken_into_use(store, coded, relabelled, message):
    store.record(event(ITEMS[0], "甲", coded))
    renamed = [replace(i, codes=("roads",)) for i in ITEMS if i.codes == ("road",)] if relabelled else []
    with pytest.raises(InputError, match=message):
        store.set_codebook(SECOND, (), renamed)
    assert store.codebook == BOOK
    assert store.items(order="place") == ITEMS


def test_an_empty_store_says_how_to_fill_it(url):
    with open_store(url) as store:
        assert (store.items(), store.events(), store.next_for("甲"), store.coders()) == ([], [], None, [])
        with pytest.raises(ReviewError, match="an empty store") as caught:
            store.record(event("x", "甲"))
        assert caught.value.hint == "fill it: fupin review LABELLED"


# --- events are only ever added ---

FORBIDDEN = (
    "UPDATE review_event SET coder = 'x'",
    "DELETE FROM review_event",
    "UPDATE review_item SET text = 'x'",
    "UPDATE review_item SET segment_id = 'x' || segment_id",
    "DELETE FROM review_item",
)


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_database_itself_refuses_to_change_what_was_decided(store, statement):
    recorded = store.record(event(ITEMS[0], "甲", "road"))
    with pytest.raises(ReviewError, match=r"never (changed|deleted)"), store.writing() as connection:
        connection.execute(text(statement))
    assert store.events() == [recorded]


ROUNDABOUT = {
    "a row put in the place of another": ("sqlite", "REPLACE", "number, event_id", "revision"),
    "a number below the last": ("sqlite", "INSERT", "0, 'new'", "7"),
    "all rows at once": ("postgresql", "TRUNCATE", "", ""),
}


@pytest.mark.parametrize(("kind", "verb", "names", "revision"), ROUNDABOUT.values(), ids=ROUNDABOUT)
def test_roundabout_ways_to_change_what_was_decided_are_closed(new_url, kind, verb, names, revision):
    rest = "item, lane, coder, kind, before, after, codebook, at, note, undoes"
    copied = f"INTO review_event (number, event_id, revision, {rest}) SELECT {names}, {revision}, {rest} FROM"
    statement = f"{verb} {copied if names else ''} review_event"
    with open_store(new_url(kind)) as store:
        store.add(ITEMS, BOOK, "x")
        recorded = store.record(event(ITEMS[0], "甲", "road"))
        with (
            pytest.raises(ReviewError, match=r"only ever added|never deleted"),
            store.writing() as connection,
        ):
            connection.execute(text(statement))
        assert store.events() == [recorded]


# --- against a plain model ---


class Machine(RuleBasedStateMachine):
    """Two coders do anything; the store must say what the list of their decisions says."""

    url = ""

    def __init__(self):
        super().__init__()
        self.store = open_store(self.url)
        name = f"{id(self)}-"
        self.items = [replace(i, segment_id=name + i.segment_id, doc_id=name + i.doc_id) for i in items(4)]
        self.store.add(self.items, BOOK, "x")
        self.own = {i.segment_id for i in self.items}
        self.coders = [name + "甲", name + "乙"]
        self.log = []

    def teardown(self):
        self.store.close()

    def _now(self, segment, lane):
        """Return what stands: the codes after each event, those undone taken back one by one."""
        history = []
        for e in self.log:
            if (e.segment_id, e.coder if not e.settles else "") == (segment, lane):
                if e.kind == UNDONE:
                    history.pop()
                else:
                    history.append(e.after)
        return history[-1] if history else None

    @rule(
        i=st.integers(0, 3),
        c=st.integers(0, 1),
        kind=st.sampled_from([CODED, CODED, SKIPPED, SETTLED]),
        codes=st.sets(st.sampled_from(BOOK.columns), max_size=2),
        stale=st.booleans(),
    )
    def decide(self, i, c, kind, codes, stale):
        segment, coder = self.items[i].segment_id, self.coders[c]
        before = self._now(segment, "" if kind == SETTLED else coder)
        after = None if kind == SKIPPED else tuple(codes)
        wrong = ("well",) if before is None else None
        sent = event(segment, coder, kind=kind, before=wrong if stale else before, after=after)
        if stale:
            with pytest.raises(Outdated):
                self.store.record(sent)
        else:
            self.log.append(self.store.record(sent))
            assert self.store.record(sent) == self.log[-1]

    @rule(c=st.integers(0, 1))
    def undo(self, c):
        with contextlib.suppress(InputError):  # nothing to undo, or others have settled since
            self.log.append(undo(self.store, self.coders[c]))

    @precondition(lambda self: self.log)
    @rule()
    def open_again(self):
        self.store.close()
        self.store = open_store(self.url)

    @invariant()
    def says_what_was_decided(self):
        assert [e for e in self.store.events() if e.segment_id in self.own] == self.log
        standing = {
            (i.segment_id, c): codes
            for i in self.items
            for c in self.coders
            if (codes := self._now(i.segment_id, c)) is not None
        }
        assert (
            {k: v for k, v in self.store.current().items() if k[0] in self.own}
            == standing
            == current(self.log)
        )
        assert {k: v for k, v in self.store.settled().items() if k in self.own} == settled(self.log)
        assert {s for s in self.store.disputed() if s in self.own} == set(disputed(self.log))

    @invariant()
    def offers_what_is_undecided(self):
        for coder in self.coders:
            last = {
                e.segment_id: e
                for e in self.log
                if e.coder == coder and not e.settles and e.event_id not in {u.undoes for u in self.log}
                and e.kind != UNDONE
            }  # fmt: skip
            open_ = [i for i in reversed(self.items) if i.segment_id not in last]
            lowest = self.store.next_for(coder)
            shown = [i for i in self.store.items() if i.segment_id in self.own and i.segment_id not in last]
            assert shown == open_
            if lowest is not None and lowest.segment_id in self.own:
                assert lowest == open_[0]


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 12), ("postgresql", 4)])
def test_whatever_coders_do_the_store_says_what_was_decided(new_url, kind, examples):
    Machine.url = new_url(kind)
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=15,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


# --- several at once ---


def test_ten_coders_at_once_lose_nothing_and_double_nothing(url):
    here, coders, seen = items(7), [f"编码员{k}" for k in range(10)], []
    done = threading.Event()
    with open_store(url) as store:
        store.add(here, BOOK, "x")

    def work(coder):
        sent = []
        with open_store(url) as store:
            while (item := store.next_for(coder)) is not None:
                sent.append(event(item, coder, *item.codes))
                store.record(sent[-1])
                store.record(sent[-1])  # its answer was lost: sent again
        return sent

    def watch():
        with open_store(url) as store:
            while True:
                ended = done.wait(0.01)
                seen.extend(store.events(since=seen[-1].number if seen else 0))
                if ended:
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with ThreadPoolExecutor(10) as pool:
            sent = [e for part in pool.map(work, coders) for e in part]
    finally:
        done.set()
        watcher.join()
    with open_store(url) as store:
        recorded = store.events()
    assert len(sent) == 70
    assert sorted(e.event_id for e in recorded) == sorted(e.event_id for e in sent)
    assert [e.number for e in recorded] == sorted({e.number for e in recorded})
    assert seen == recorded  # one who asks for what is new misses nothing


def test_of_one_coders_tabs_at_once_one_decides_and_the_others_are_told(url):
    with open_store(url) as store:
        store.add(ITEMS, BOOK, "x")
        start = threading.Barrier(6)

        def tab(k):
            start.wait()
            try:
                return store.record(event(ITEMS[0], "甲", BOOK.columns[k % 4]))
            except Outdated:
                return None

        with ThreadPoolExecutor(6) as pool:
            won = [e for e in pool.map(tab, range(6)) if e is not None]
        assert len(won) == 1
        assert store.events() == won


def test_stores_opened_at_once_are_made_once(url):
    start = threading.Barrier(5)

    def make(_):
        start.wait()
        with open_store(url) as store:
            return store.add(ITEMS, BOOK, "x")

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(make, range(5))) == [0, 0, 0, 0, 9]


# --- killed ---

WRITER = """
import sys
from review_stores import BOOK, event, items
from classifier.review_store import open_existing, open_store
with open_store(sys.argv[1]) as store:
    for item in items(3000):
        name = f"{sys.argv[2]}-{item.place}"
        store.record(event(item, sys.argv[2], *item.codes, event_id=name, note="很长的备注" * 50))
        print(name, flush=True)
"""


def test_a_writer_killed_at_any_moment_has_lost_nothing_that_was_confirmed(url):
    rng = random.Random(7)
    confirmed = []
    with open_store(url) as store:
        store.add(items(3000), BOOK, "x")
    for k in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url, f"K{k}"],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        )
        first = [writer.stdout.readline() for _ in range(rng.randint(1, 40))]
        writer.kill()
        rest = writer.communicate(timeout=60)[0].splitlines(keepends=True)
        assert writer.returncode != 0
        confirmed += [line.decode().strip() for line in [*first, *rest] if line.endswith(b"\n")]
    with open_store(url) as store:
        there = [e.event_id for e in store.events()]
        assert len(there) == len(set(there))
        assert set(confirmed) <= set(there)
        assert len(there) <= len(confirmed) + KILLS  # at most the one on its way
        assert store.current() == current(store.events())
        if store.url == url and "://" not in url:
            with store.reading() as connection:
                assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"


def test_what_is_confirmed_lies_on_the_disk(new_url):
    with open_store(new_url("sqlite")) as store, store.writing() as connection:
        asked = [
            connection.execute(text(f"PRAGMA {p}")).scalar()
            for p in ("journal_mode", "synchronous", "foreign_keys")
        ]
        assert asked == ["wal", 2, 1]
    url = new_url("postgresql")
    with open_store(url) as store, store.writing() as connection:
        name = url.rpartition("/")[2]
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"))
    with open_store(url) as store:
        with store.writing() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
            assert connection.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
        with store.reading() as connection:
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "off"


# --- what is found, and how ---


def test_the_queries_of_a_page_look_up_and_do_not_search(new_url):
    with open_store(new_url("sqlite")) as store:
        store.add(items(60), BOOK, "x")
        store.record(event(ITEMS[0], "甲", "road"))
        asked = []
        on.listen(store._engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
        store.next_for("甲")
        store.next_for("甲", 5)
        store.around(ITEMS[4].segment_id)
        store.progress("甲")
        store.events_of(ITEMS[0].segment_id)
        store.undo_of("甲")
        store.record(event(ITEMS[1], "甲", "road"))
        queries = [(q, v) for q, v in asked if q.lstrip().startswith("SELECT")]
        assert len(queries) > 10
        plans = []
        with store.reading() as connection:
            for query, values in queries:
                rows = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + query, values).all()
                plans += [(row[3], query) for row in rows]
        small = ("review_codebook", "SCAN CONSTANT ROW")
        scans = [p for p in plans if p[0].startswith("SCAN") and "COVERING INDEX" not in p[0]]
        assert [p for p in scans if not any(name in p[0] for name in small)] == []
        sorts = [p for p in plans if "TEMP B-TREE FOR ORDER" in p[0]]
        assert [p for p in sorts if "review_event" not in p[1]] == []  # the few of a segment may be sorted


# --- the database's form ---


def test_the_migrations_make_the_tables_that_the_program_uses(store):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION})
        assert compare_metadata(context, METADATA) == []


def test_a_store_of_a_newer_program_is_refused(store, url):
    with store.writing() as connection:
        connection.execute(text(f"UPDATE {VERSION} SET version_num = '9999'"))
    with pytest.raises(
        ReviewError, match="a store of a newer fupin \\(its form is '9999', this one knows"
    ) as caught:
        open_store(url)
    assert caught.value.hint.startswith("update fupin")


def test_the_tables_of_others_stay_beside_ours_on_a_server_but_a_file_of_others_is_refused(new_url, server):
    url = new_url("postgresql")
    connection = server.connection(url.rpartition("/")[2])
    connection.cursor().execute("CREATE TABLE alembic_version (version_num text)")
    connection.close()
    with open_store(url) as store:
        assert store.add(ITEMS, BOOK, "x") == 9
    path = Path(new_url("sqlite"))
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE guests (name TEXT)")
        other.commit()
    before = path.read_bytes()
    with pytest.raises(ReviewError, match="no review store; it has a table 'guests'"):
        open_store(path)
    assert path.read_bytes() == before


# --- places that cannot be opened ---


def refused(place, match):
    with pytest.raises(ReviewError, match=match) as caught:
        open_store(place)
    assert "\n" not in str(caught.value) + caught.value.hint
    assert caught.value.hint
    return caught.value


def test_a_place_that_is_no_file_of_ours_is_refused_in_a_line(tmp_path):
    (tmp_path / "笔记.db").write_text("这不是数据库。" * 200, "utf-8")
    refused(tmp_path / "笔记.db", "笔记.db: no review store: another kind of file")
    refused(tmp_path, "Is a directory|Permission denied")
    refused(tmp_path / "没有" / "x.db", "x.db: No such file or directory")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["笔记.db"]


@pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="needs a folder in which root cannot write: /proc"
)
def test_a_folder_that_cannot_be_written_is_named():
    assert "permissions" in refused(Path("/proc/x.db"), "/proc/x.db: it cannot be opened or made").hint


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "新.db").touch()
    with open_store(tmp_path / "新.db") as store:
        assert store.add(ITEMS, BOOK, "x") == 9


def test_a_damaged_file_is_found_out_when_it_is_opened(tmp_path):
    path = tmp_path / "x.db"
    with open_store(path) as store:
        store.add(items(300), BOOK, "x")
    gc.collect()
    data = bytearray(path.read_bytes())
    data[8192 : 8192 + 20_000] = b"\xa5" * 20_000
    path.write_bytes(data)
    assert "import your last export" in refused(path, "x.db: damaged").hint


def test_a_file_that_another_program_holds_locked_is_said_to_be(tmp_path, monkeypatch):
    monkeypatch.setattr(review_database, "PATIENCE", 0.1)
    path = tmp_path / "x.db"
    open_store(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        refused(path, "x.db: another program holds it locked")
    open_store(path).close()


def test_a_full_disk_is_told_and_what_was_confirmed_stays(tmp_path):
    path = tmp_path / "x.db"
    with open_store(path) as store:
        store.add(ITEMS, BOOK, "x")
        first = store.record(event(ITEMS[0], "甲", "road"))
    with open_store(path) as store:
        on.listen(store._engine, "begin", lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1"))
        with pytest.raises(ReviewError, match=r"x.db: the disk is full") as caught:
            store.add(items(3000), BOOK, "x")
        assert caught.value.hint.startswith("make room")
        assert store.events() == [first]
        assert store.items(order="place") == ITEMS


@pytest.mark.parametrize(
    "mistyped",
    ["u:s3cr%40t@h/db", "//u:s3cr%40t@h/db", "postgresql//u:s3cr%40t@h/db", " postgresql://u:s3cr%40t@h/db"],
    ids=["no scheme", "slashes alone", "no colon", "space before it"],
)
def test_an_address_that_was_mistyped_is_no_file_whose_name_tells_the_password(mistyped):
    for opening in (open_store, open_existing):
        with pytest.raises(ReviewError, match="the address of the store is none") as caught:
            opening(mistyped)
        assert "s3cr" not in f"{caught.value} {caught.value.hint}"


def test_a_store_that_must_be_there_is_not_made(tmp_path):
    with pytest.raises(ReviewError, match=r"x@1:2.db: no such review store"):
        open_existing(str(tmp_path / "x@1:2.db"))
    assert list(tmp_path.iterdir()) == []
    open_store(tmp_path / "甲:乙@丙.db").close()
    open_existing(str(tmp_path / "甲:乙@丙.db")).close()


# --- servers ---


def everything_told(error):
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__cause__) + error.hint


def test_a_wrong_password_a_missing_database_and_a_silent_server_are_told_without_the_password(
    server, caplog
):
    caplog.set_level(0)
    wrong = "wr0ng-secret"
    cases = [
        (server.address("postgres", password=wrong), "the password is wrong, or there is no such user"),
        (server.address("postgres", user="nobody"), "the password is wrong, or there is no such user"),
        (server.address("nowhere"), "there is no such database"),
        (server.address("postgres") + "?sslmode=require", "the server does not encrypt as sslmode asks"),
        (server.address("postgres") + "?sslmode=verify-full", "the server does not encrypt as sslmode asks"),
        (server.address("postgres").replace(f":{server.port}/", ":1/"), "the server cannot be reached"),
        (
            server.address("postgres").replace("127.0.0.1", "no-such-host.invalid"),
            "the server cannot be reached",
        ),
    ]
    for address, message in cases:
        error = refused(address, message)
        told = everything_told(error) + caplog.text
        assert "postgresql://" in told
        assert not [s for s in (wrong, PASSWORD, "s3cret", address) if s in told]


def test_a_user_who_may_not_make_tables_is_told(server, new_url):
    url = new_url("postgresql")
    connection = server.connection(url.rpartition("/")[2])
    cursor = connection.cursor()
    with contextlib.suppress(Exception):
        cursor.execute("CREATE ROLE reader LOGIN PASSWORD 'r3ader'")
    cursor.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    connection.close()
    address = server.address(url.rpartition("/")[2], user="reader", password="r3ader")
    assert "r3ader" not in everything_told(refused(address, "this user may not do that"))


def test_the_password_may_come_from_the_environment_and_is_never_shown(new_url, server, monkeypatch):
    url = new_url("postgresql")
    name = url.rpartition("/")[2]
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with open_store(server.address(name, password=None)) as store:
        assert store.shown_url == f"postgresql://owner@127.0.0.1:{server.port}/{name}"
        assert repr(store) == f"ReviewStore('{store.shown_url}')"
        assert "s3cret" not in repr(vars(store)) + repr(Place(url))
        again = store.url
    monkeypatch.delenv("PGPASSWORD")
    with open_store(again) as store:
        assert store.items() == []


def test_a_server_that_went_away_is_told_and_found_again(new_url, server):
    url = new_url("postgresql")
    with open_store(url) as store:
        store.add(ITEMS, BOOK, "x")
        name = url.rpartition("/")[2]
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        connection = server.connection()
        with (
            pytest.raises(ReviewError, match=r"terminating connection|cannot be reached"),
            store.writing() as held,
        ):
            connection.cursor().execute(end) and held.execute(text("SELECT 1"))
        connection.close()
        assert store.record(event(ITEMS[0], "甲", "road")).number == 1


def test_what_the_pool_of_connections_logs_does_not_reach_the_terminal():
    log = "logging.getLogger('sqlalchemy.pool.impl.QueuePool').error('%s')"
    script = "; ".join(("import logging", log % "one", "import classifier.review_database", log % "two"))
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stderr.split() == ["one"]


ADDRESSES = {
    "an @ in the password": "postgresql://u:geh@eim@host/db",
    "two @ and a slash in the password": "postgresql://u:ge@h/ge@him@host/db",
    "no host": "postgresql://u:geheim@/db",
    "no database": "postgresql://u:geheim@host",
    "one slash": "postgresql:/u:geheim@host/db",
    "another database": "mysql://u:geheim@host/db",
    "no scheme": "user:geheim@host/db",
    "a password in the query": "postgresql://u@host/db?password=geheim",
    "a port that is none": "postgresql://u:geheim@host:port/db",
    "an unknown sslmode": "postgresql://u:geheim@host/db?sslmode=geheim",
}


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_that_is_none_is_refused_without_being_repeated(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReviewError, match="the address of the store") as caught:
        Place(address)
    assert not [piece for piece in ("geh", "eim", "him") if piece in everything_told(caught.value)]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+pg8000"])
def test_addresses_as_other_programs_write_them_are_understood(scheme):
    place = Place(f"{scheme}://u:p%40ss@host:99/db?sslmode=verify-full")
    assert place.shown == "postgresql://u@host:99/db"
    assert place.url == "postgresql://u:p%40ss@host:99/db?sslmode=verify-full"


def test_a_path_is_a_file_and_so_is_its_address(tmp_path):
    with open_store(tmp_path / "村.db") as store:
        assert store.url == store.shown_url == str(tmp_path / "村.db")
    assert Place(f"sqlite:///{tmp_path}/村.db").url == str(tmp_path / "村.db")
    assert Place("C:/data/x.db").path == Path("C:/data/x.db")
