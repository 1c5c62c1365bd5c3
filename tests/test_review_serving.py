"""The command `fupin review` as it serves: its link, what it says, how it stops, what it leaves alone."""

from __future__ import annotations

import http.client
import http.cookiejar
import json
import signal
import socket
import threading
import urllib.request
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from uuid import uuid4

import pytest
from review_samples import filled_store
from review_stores import BOOK, event, items

from classifier import cli_review
from classifier.cli_review import HOST
from classifier.codebook import codebook_from_text
from classifier.errors import ModelError
from classifier.review_access import Session
from classifier.review_evidence import Reader
from classifier.review_items import GOLD, codebook_id
from classifier.review_requests import Service
from classifier.review_store import open_store
from conftest import CODEBOOK


class Tab:
    """A browser that keeps cookies and goes through no proxy."""

    def __init__(self, link):
        self._origin = link.partition("/?")[0]
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        self.entrance = self._ask(link)

    def get(self, path):
        return json.loads(self._ask(self._origin + path))

    def post(self, path, body):
        headers = {"Origin": self._origin, "Content-Type": "application/json"}
        return json.loads(self._ask(self._origin + path, json.dumps(body).encode(), headers))

    def _ask(self, address, body=None, headers=None):
        with self._opener.open(urllib.request.Request(address, body, headers or {}), timeout=60) as answer:
            return answer.read().decode("utf-8")


def then_stopped(visit, found):
    """Return what a browser does with a link: its visit; then Ctrl-C, whatever came of it."""

    def browse(link):
        try:
            found.append(visit(Tab(link)))
        finally:
            signal.raise_signal(signal.SIGINT)

    return browse


def test_the_browser_is_opened_at_the_printed_link_and_what_is_decided_in_it_is_kept(
    fupin_here, monkeypatch, tmp_path, tiny_codebook, tiny_model_folder
):
    filled_store(tmp_path, tiny_codebook).close()
    place, visits, links = tmp_path / "村.db", [], []

    def visit(tab):
        item = tab.get("/item")["item"]
        tab.get("/last")
        decision = {
            **{"event_id": uuid4().hex, "segment_id": item["id"], "coder": "甲", "kind": "coded"},
            **{"before": None, "codes": ["road"], "codebook": codebook_id(tiny_codebook), "note": ""},
        }
        return item["id"], tab.entrance, tab.post("/decide", decision)

    browse = then_stopped(visit, visits)
    monkeypatch.setattr("webbrowser.open", lambda link: (links.append(link), browse(link)))
    ran = fupin_here("review", "--store", place, "-m", tiny_model_folder, "--coder", "甲", "--lang", "en")
    assert ran.code == 0, ran.err
    ((segment, page, _),) = visits
    assert '<html lang="en"' in page
    said = ran.err.splitlines()
    assert said[0] == f"fupin review · {place}"
    assert said[1].endswith(f": {links[0]}")
    assert said[-1] == f"stopped; codings 1, skipped 0, coders 1: {place}"
    with open_store(place) as store:
        assert store.current() == {(segment, "甲"): ("road",)}
        assert datetime.fromisoformat(store.events()[0].at.replace("Z", "+00:00")).utcoffset() == timedelta(0)


def test_an_answer_that_takes_too_long_at_the_end_is_cut_off_without_a_trace(
    fupin_here, monkeypatch, caplog, *, tmp_path, tiny_codebook, tiny_model_folder
):
    filled_store(tmp_path, tiny_codebook).close()
    monkeypatch.setattr(cli_review, "GRACE", 1)
    begun, asked = threading.Event(), []

    def answering(*_):
        begun.set()
        threading.Event().wait(3)

    def ask(tab):
        with suppress(OSError, http.client.HTTPException):
            tab.get("/item")

    def visit(tab):
        monkeypatch.setattr("classifier.review_store.ReviewStore.next_for", answering)
        asked.append(threading.Thread(target=ask, args=(tab,)))
        asked[0].start()
        return begun.wait(60)

    visits = []
    monkeypatch.setattr("webbrowser.open", then_stopped(visit, visits))
    ran = fupin_here("review", "--store", tmp_path / "村.db", "-m", tiny_model_folder, "--coder", "甲")
    asked[0].join(60)
    assert ran.code == 0, ran.err
    assert visits == [True]
    assert any("Cancel 1 running task" in record.getMessage() for record in caplog.records)
    assert not [record for record in caplog.records if record.exc_info]
    assert ran.err.splitlines()[-1].startswith("stopped; codings 0, ")


def test_no_browser_is_opened_where_none_is_wanted_and_the_link_is_printed_all_the_same(
    monkeypatch, capsys, tiny_codebook, tiny_model
):
    visits, opened = [], []
    monkeypatch.setattr("webbrowser.open", opened.append)
    with cli_review._bound(0) as listener:
        session = Session(listener.getsockname()[1])
        service = Service(session, Reader(tiny_codebook, lambda: tiny_model), None, cli_review._now, print)
        browse = then_stopped(lambda tab: tab.entrance, visits)
        visitor = threading.Thread(target=browse, args=(session.link,))
        visitor.start()
        cli_review._serve(service, listener, open_browser=False)
        visitor.join(60)
    assert (opened, len(visits)) == ([], 1)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "fupin review"  # no store, so none is named
    assert said[1].endswith(f": {session.link}")


def test_a_decision_is_dated_in_utc_to_the_millisecond(monkeypatch):
    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 1, 31, 16, 0, 0, 5_999, timezone(timedelta(hours=8))).astimezone(tz)

    monkeypatch.setattr("classifier.cli_review.datetime", Clock)
    assert cli_review._now() == "2026-01-31T08:00:00.005Z"


def test_a_model_that_cannot_be_read_is_told_while_the_pages_go_on(capsys, tiny_codebook):
    def load():
        raise ModelError("村: weights.npz is cut short", "train it again")

    cli_review._warm(Reader(tiny_codebook, load))
    assert capsys.readouterr().err.splitlines() == [
        "error: 村: weights.npz is cut short",
        "hint: train it again",
    ]


def test_where_another_program_has_the_usual_port_of_a_store_a_free_one_is_taken(
    fupin_here, monkeypatch, tmp_path, tiny_codebook, tiny_model_folder
):
    filled_store(tmp_path, tiny_codebook).close()
    ports = []
    monkeypatch.setattr(cli_review, "_serve", lambda service, *_, **__: ports.append(service.session.port))
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        monkeypatch.setattr(cli_review, "_usual_port", lambda store: taken.getsockname()[1])
        ran = fupin_here("review", "--store", tmp_path / "村.db", "-m", tiny_model_folder)
        assert ran.code == 0, ran.err
        assert ports[0] not in (0, taken.getsockname()[1])


def test_the_usual_port_of_a_store_is_its_own_and_none_that_systems_hand_out():
    one, other = SimpleNamespace(shown_url="/村/甲.db"), SimpleNamespace(shown_url="/村/乙.db")
    ports = [cli_review._usual_port(store) for store in (one, other, None)]
    assert ports[0] == cli_review._usual_port(one)
    assert len(set(ports)) == 3
    assert all(20_000 <= port < 32_000 for port in ports)  # Linux hands out those from 32,768 on


@pytest.fixture
def labelled_again(fupin_here, monkeypatch, tmp_path, tiny_model_folder):
    """Fill a store with 12 segments; return its place, and what opens it with so many labelled anew."""
    monkeypatch.setattr(cli_review, "_serve", lambda *_, **__: None)
    path, place = tmp_path / "村.csv", tmp_path / "村.db"

    def review(n, given, probability, *options):
        rows = [f"甲,甲#{i},{i}号医生上门。,{given},{probability}" for i in range(n)]
        path.write_text("\n".join(["doc_id,segment_id,text,codes,clinic", *rows, ""]), encoding="utf-8")
        ran = fupin_here("review", path, "-m", tiny_model_folder, "--store", place, *options)
        assert ran.code == 0, ran.err
        return ran.err

    assert "12 segments; putting them in order" in review(12, "", 0.4, "--gold", "1")
    return place, lambda n: review(n, "clinic", 0.9)


def items_in(place):
    with open_store(place) as store:
        return store.items()


def test_the_random_sample_is_as_large_as_was_asked_for_and_stays_so(labelled_again):
    place, again = labelled_again
    drawn = [item.segment_id for item in items_in(place) if item.purpose == GOLD]
    assert len(drawn) == 1  # by default there would be two: a fifth
    assert "12 segments, labelled anew" in again(12)
    assert [item.segment_id for item in items_in(place) if item.purpose == GOLD] == drawn


def test_a_file_of_some_segments_of_a_store_changes_nothing_in_it(labelled_again):
    place, again = labelled_again
    before = items_in(place)
    assert "putting" not in again(11)
    assert items_in(place) == before


def test_a_store_that_has_gone_on_to_another_codebook_keeps_its_order(labelled_again):
    place, again = labelled_again
    with open_store(place) as store:
        store.set_codebook(
            codebook_from_text(CODEBOOK.replace('version: "1"', 'version: "2"'), "village.yaml")
        )
    before = items_in(place)
    assert "putting" not in again(12)
    assert items_in(place) == before


def test_at_the_end_the_work_of_all_coders_is_added_up(capsys, tmp_path):
    here = items(3)
    with open_store(tmp_path / "村.db") as store:
        store.add(here, BOOK, "村.csv")
        store.record(event(here[0], "甲", "road"))
        store.record(event(here[1], "甲", kind="skipped", after=None))
        store.record(event(here[2], "甲"))  # none of the codes: a coding too
        store.record(event(here[0], "乙", "well"))
        cli_review._conclude(store)
    cli_review._conclude(None)
    assert capsys.readouterr().err.splitlines() == [
        f"stopped; codings 3, skipped 1, coders 2: {store.shown_url}",
        "stopped; nothing is kept",
    ]
