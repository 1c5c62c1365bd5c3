"""The review pages as Chromium shows them: coding by keyboard, nothing lost, readable by everybody."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import axe_playwright_python
import pytest
import uvicorn
from browsers import NEEDS_CHROMIUM
from review_samples import review_items

from classifier.codebook import codebook_from_text, load_codebook
from classifier.review_access import Session
from classifier.review_evidence import Reader
from classifier.review_items import CODED, SETTLED, UNDONE, codebook_id, current, settled
from classifier.review_job import Job, Outcome
from classifier.review_requests import Service
from classifier.review_server import make_app
from classifier.review_store import open_store
from conftest import ENVIRONMENT, ROOT

KILLS = int(os.environ.get("FUPIN_KILLS", "2"))  # 20 for the issue
SIDES = (("甲", "road"), ("乙", "well"))
PAGES = ("/", "/disputes", "/progress", "/codebook", "/try")
WIDE, TABLET, PHONE = 1280, 820, 390
FINGER, MOUSE = 44, 36  # pixels

pytestmark = NEEDS_CHROMIUM


@pytest.fixture(scope="module", autouse=True)
def compiled(tiny_model):
    """Have compiled what explains before any page waits for it."""
    assert Reader(tiny_model.codebook, lambda: tiny_model).spans("签约医生每月上门。")


@contextmanager
def serving(store, codebook, model, *, coder="", train=None, port=0, lang="zh"):
    """Serve a store on a thread; yield the session."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        session = Session(listener.getsockname()[1])
        job = Job(train, print) if train else None
        clock = iter(f"2026-01-31T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}.000Z" for n in range(80_000))
        service = Service(
            session, Reader(codebook, lambda: model), store, lambda: next(clock), print, lang, coder, job
        )
        config = uvicorn.Config(
            make_app(service),
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            yield session
        finally:
            server.should_exit = True
            thread.join(20)


@pytest.fixture
def store(tmp_path, tiny_codebook):
    with open_store(tmp_path / "村.db") as opened:
        opened.add(review_items(12, gold=("柳树坪#1", "石磨沟#2")), tiny_codebook, "村.csv")
        yield opened


@pytest.fixture
def site(store, tiny_codebook, tiny_model):
    with serving(store, tiny_codebook, tiny_model) as session:
        yield session


@pytest.fixture
def opened(browser):
    """Return how to open a link in a browser of its own; what the page complains of is in ``heard``."""
    contexts = []

    def open_link(session, coder="甲", width=WIDE, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.heard, page.asked = [], set()
        page.on("console", lambda message: page.heard.append(message.text))
        page.on("pageerror", lambda error: page.heard.append(str(error)))
        page.on("request", lambda request: page.asked.add(request.url))
        page.goto(session.link)
        if page.query_selector("#coder") and coder:
            page.fill("#coder", coder)
            page.keyboard.press("Enter")
        if coder:
            ready(page)
        return page

    yield open_link
    for context in contexts:
        context.close()


def ready(page):
    """Wait until scripts have filled the page in and a segment is there; keys pressed before go nowhere."""
    page.wait_for_selector("#bench:not([aria-busy=true]) #sentence:not(:empty), #done:visible")


def at(page, path):
    return re.match(r"http://[^/]+", page.url)[0] + path


def sentence(page):
    return page.inner_text("#sentence")


def press(page, *keys):
    """Press keys one after the other; Enter and s wait for the next segment."""
    for key in keys:
        before = sentence(page)
        page.keyboard.press(key)
        if key in ("Enter", "s"):
            page.wait_for_function(
                "before => document.getElementById('sentence').innerText !== before"
                " || !document.getElementById('done').hidden",
                arg=before,
            )


def saved(page):
    page.wait_for_function("() => document.getElementById('saving').dataset.state === 'saved'")


def bar(page, name):
    """Return a figure of the bar that is always in view."""
    return page.locator("#bar div", has_text=name).locator("dd").inner_text()


def wait_bar(page, name, value):
    page.wait_for_function(
        "([name, value]) => [...document.querySelectorAll('#bar div')]"
        ".some(d => d.innerText.startsWith(name) && d.querySelector('dd').innerText === value)",
        arg=[name, value],
    )


def chosen(page):
    return page.locator(".code[aria-pressed=true] .name").all_inner_texts()


# --- coding ---


def test_thirty_segments_are_coded_by_keyboard_and_nothing_is_lost_on_the_way(opened, site, store):
    page = opened(site)
    assert page.url == f"http://127.0.0.1:{site.port}/"  # the token has left the address
    for n in range(30):
        if n == 15:
            saved(page)
            before = sentence(page)
            page.reload()
            ready(page)
            assert (sentence(page), bar(page, "已标")) == (before, "15 / 72")
        press(page, *(("3", "Enter") if n % 3 == 0 else ("Enter",)))
    saved(page)
    wait_bar(page, "已标", "30 / 72")
    events = store.events()
    assert [e.kind for e in events] == [CODED] * 30
    items = {item.segment_id: item for item in store.items()}
    assert [e.segment_id for e in events] == [item.segment_id for item in store.items()][:30]
    for n, event in enumerate(events):
        item = items[event.segment_id]
        proposed = set() if item.purpose == "gold" else set(item.codes)
        assert set(event.after) == proposed ^ ({"road"} if n % 3 == 0 else set())
    last = events[-1]
    page.keyboard.press("u")
    page.wait_for_function("() => document.getElementById('notice').innerText.startsWith('已撤销')")
    assert sentence(page) == items[last.segment_id].text
    assert store.events()[-1].kind == UNDONE
    assert (last.segment_id, "甲") not in current(store.events())
    wait_bar(page, "已标", "29 / 72")
    assert page.heard == []
    assert {url.split("/")[2] for url in page.asked} == {f"127.0.0.1:{site.port}"}


def test_keys_toggle_codes_skip_clear_and_go_back(opened, site, store):
    page = opened(site)
    first = sentence(page)
    assert chosen(page) == ["看病"]
    press(page, "1", "2")
    assert chosen(page) == ["上学"]
    press(page, "-")
    assert chosen(page) == []
    assert page.inner_text("#accept").startswith("无措施，下一语段")
    press(page, "s")
    assert sentence(page) != first
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("t => document.getElementById('sentence').innerText === t", arg=first)
    assert page.inner_text("#notice") == "您跳过了这一语段。"
    press(page, "1", "Enter")
    saved(page)
    events = store.events()
    assert [(e.kind, e.before, e.after) for e in events] == [("skipped", None, None), (CODED, None, ())]
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("t => document.getElementById('sentence').innerText === t", arg=first)
    assert chosen(page) == []
    press(page, "2", "Enter")
    saved(page)
    assert [(e.before, e.after) for e in store.events()][-1] == ((), ("school",))


def test_arrows_show_the_manual_and_space_toggles(opened, site):
    page = opened(site)
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#manual h2") == "看病"
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#manual h2") == "上学"
    assert "上学读书的措施" in page.inner_text("#manual")
    page.keyboard.press(" ")
    assert chosen(page) == ["看病", "上学"]
    page.keyboard.press("Enter")  # on a code, Enter accepts all the same
    page.wait_for_function("() => document.getElementById('accept').innerText.includes('下一语段')")
    saved(page)


def test_a_code_is_found_by_name(opened, site):
    page = opened(site)
    page.keyboard.press("/")
    page.keyboard.type("打井")
    assert page.locator(".code:visible .name").all_inner_texts() == ["打井"]
    page.keyboard.press("Enter")
    assert chosen(page) == ["看病", "打井"]
    assert page.locator(".code:visible").count() == 4
    page.keyboard.press("/")
    page.keyboard.type("没有这个")
    assert page.is_visible("text=没有相符的编码")
    page.keyboard.press("Escape")
    assert page.locator(".code:visible").count() == 4


def test_the_help_opens_and_closes_and_no_key_goes_through_it(opened, site):
    page = opened(site)
    before = sentence(page)
    page.keyboard.press("?")
    assert page.is_visible("#help")
    page.keyboard.press("s")
    page.keyboard.press("2")
    assert (sentence(page), chosen(page)) == (before, ["看病"])
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")


def test_keys_work_with_chinese_input_switched_on(opened, site):
    page = opened(site)
    send = """([key, code]) => document.body.dispatchEvent(
        new KeyboardEvent('keydown', {key, code, bubbles: true, cancelable: true}))"""
    page.evaluate(send, ["Process", "Digit2"])
    assert chosen(page) == ["看病", "上学"]
    page.evaluate(send, ["３", "Digit3"])
    assert chosen(page) == ["看病", "上学", "修路"]
    page.evaluate(send, ["、", "Slash"])
    assert page.evaluate("document.activeElement.id") == "find"


def test_a_button_clicked_is_not_pressed_again_by_enter(opened, site, store):
    page = opened(site)
    page.click("#clear")
    press(page, "Enter")
    saved(page)
    assert [(e.kind, e.after) for e in store.events()] == [(CODED, ())]


def test_everything_is_done_by_touch_too(opened, site, store):
    page = opened(site, width=TABLET, has_touch=True)
    page.tap(".code >> nth=1")
    assert chosen(page) == ["看病", "上学"]
    page.tap(".chip >> nth=0")
    assert chosen(page) == ["上学"]
    page.tap("#note-button")
    page.fill("#note", "拿不准")
    first = sentence(page)
    page.tap("#accept")
    page.wait_for_function("t => document.getElementById('sentence').innerText !== t", arg=first)
    saved(page)
    assert [(e.after, e.note) for e in store.events()] == [(("school",), "拿不准")]


def test_words_that_decided_are_marked_in_the_sentence(opened, site, tiny_model):
    from classifier.explanation import explain

    page = opened(site)
    page.wait_for_selector("#sentence mark")
    marked = page.locator("#sentence mark").all_inner_texts()
    evidence = next(e for e in explain(tiny_model, sentence(page)) if e.code == "clinic").evidence
    strongest = max(evidence, key=lambda e: e.weight / (e.end - e.start))
    assert any(strongest.text in phrase or phrase in strongest.text for phrase in marked)
    assert "".join(marked) != sentence(page)


def test_offsets_count_characters_beyond_the_basic_plane_once(opened, tmp_path, tiny_codebook, tiny_model):
    item = replace(next(iter(review_items())), text="𠮷𠮷𠮷村的签约医生每月上门。")
    with open_store(tmp_path / "吉.db") as store:
        store.add([item], tiny_codebook, "吉.csv")
        with serving(store, tiny_codebook, tiny_model, coder="甲") as session:
            page = opened(session)
            page.wait_for_selector("#sentence mark")
            assert sentence(page) == item.text
            spans = Reader(tiny_codebook, lambda: tiny_model).spans(item.text)["clinic"]
            expected = [item.text[start:end] for start, end, _ in spans]
            assert "".join(page.locator("#sentence mark").all_inner_texts()) == "".join(expected)


def test_the_random_sample_is_coded_without_a_look_at_the_model(opened, site, store):
    page = opened(site)
    press(page, "Enter")
    assert sentence(page) == store.item("柳树坪#1").text
    assert page.inner_text("#notice").startswith("这一语段属于随机样本")
    assert (chosen(page), page.locator("#sentence mark").count()) == ([], 0)
    assert page.locator(".code .p").all_inner_texts() == [""] * 4
    press(page, "1", "Enter")
    saved(page)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(
        "t => document.getElementById('sentence').innerText === t", arg=store.item("柳树坪#1").text
    )
    assert page.locator("#chips").inner_text().startswith("模型判定")  # now it may be compared


def test_when_all_is_done_skipped_segments_can_be_seen_again(opened, store, tiny_codebook, tiny_model):
    for item in store.items()[:-2]:
        store.record(event_of(store, item.segment_id, "甲", item.codes))
    with serving(store, tiny_codebook, tiny_model, coder="甲") as session:
        page = opened(session)
        press(page, "s", "Enter")
        page.wait_for_selector("#done:visible")
        assert "全部语段都已标完" in page.inner_text("#done")
        page.click("#see-skipped")
        page.wait_for_selector("#sentence:visible")
        assert sentence(page) == store.items()[-2].text
        press(page, "Enter")
        page.wait_for_selector("#done:visible")
        assert not page.is_visible("#see-skipped")


def event_of(store, segment_id, coder, codes, kind=CODED):
    from uuid import uuid4

    from classifier.review_items import Event

    book = codebook_id(store.codebook)
    return Event(uuid4().hex, segment_id, coder, kind, None, tuple(codes), book, "2026-01-31T08:00:00.000Z")


# --- a second coder, settling, counting, exporting ---


def test_two_coders_are_kept_apart_and_settled_and_exported(opened, site, store, tiny_codebook, tiny_model):
    one = opened(site)
    for _ in range(6):
        press(one, "Enter")
    saved(one)
    with serving(store, tiny_codebook, tiny_model, coder="乙") as second:
        other = opened(second)
        assert sentence(other) == store.items()[0].text
        assert chosen(other) == ["看病"]  # the model's, not the first coder's
        for n in range(6):
            press(other, *(("3", "Enter") if n in (0, 4) else ("Enter",)))
        saved(other)
        wait_bar(other, "与他人一致", "67%")
        waiting = store.disputed()
        assert waiting == [store.items()[0].segment_id, store.items()[4].segment_id]
        other.goto(at(other, "/disputes"))
        ready(other)
        assert other.inner_text("#left") == "2个语段待裁定"
        assert "甲" not in other.locator(".side h2").all_inner_texts()[0].replace("编码者甲", "")
        sides = other.locator(".side").all_inner_texts()
        assert sum("修路" in side for side in sides) == 1
        other.keyboard.press("Enter")  # nothing chosen yet
        assert other.inner_text("#notice") == "采用一方，或在下方另选编码"
        other.keyboard.press("[")
        other.keyboard.press("Enter")
        other.wait_for_function("() => document.getElementById('left').innerText === '1个语段待裁定'")
        other.click("#names")
        other.wait_for_function("() => document.querySelector('.side h2').innerText.length === 1")
        assert sorted(other.locator(".side h2").all_inner_texts()) == ["乙", "甲"]
        other.keyboard.press("4")  # a set of their own
        other.keyboard.press("Enter")
        other.wait_for_selector("#done:visible")
        assert store.disputed() == []
        kinds = [e for e in store.events() if e.kind == SETTLED]
        assert [(e.segment_id, e.coder) for e in kinds] == [(name, "乙") for name in waiting]
        assert "well" in settled(store.events())[waiting[1]]
        other.keyboard.press("u")
        other.wait_for_selector("#sides:visible")
        assert other.inner_text("#notice") == "已撤销上一个决定"
        assert store.disputed() == waiting[1:]
        other.keyboard.press("4")
        other.keyboard.press("Enter")
        other.wait_for_selector("#done:visible")
        other.goto(at(other, "/progress"))
        other.wait_for_selector("#figures:visible")
        assert other.locator("#figures tbody tr").count() == 5
        with other.expect_download() as caught:
            other.click("text=各人编码（CSV）")
        rows = list(csv.DictReader(io.StringIO(caught.value.path().read_text(encoding="utf-8-sig"))))
        assert {
            (r["segment_id"], r["coder"]): tuple(filter(None, r["codes"].split(";"))) for r in rows
        } == current(store.events())
        assert one.heard == other.heard == []


def test_who_has_not_coded_a_segment_sees_no_sides_of_it(opened, store, tiny_codebook, tiny_model):
    first, second = (item.segment_id for item in store.items()[:2])
    store.record_all([event_of(store, first, "甲", ["road"]), event_of(store, first, "乙", ["well"])])
    store.record(event_of(store, second, "丙", ["clinic"]))
    with serving(store, tiny_codebook, tiny_model, coder="丙") as session:
        page = opened(session)
        page.goto(at(page, "/disputes"))
        assert page.inner_text("#notice").startswith("您还没有标过这一语段")
        assert page.locator(".side").count() == 0
        page.click("#go-code")
        page.wait_for_function(
            "t => document.getElementById('sentence').innerText === t", arg=store.item(first).text
        )
        press(page, "Enter")
        saved(page)
        page.goto(at(page, "/disputes"))
        assert page.locator(".side").count() == 3


def test_a_training_is_started_watched_and_told(opened, store, tiny_codebook, tiny_model):
    go_on = threading.Event()
    figures = {"before": 0.5, "after": 0.7, "difference": 0.2}
    known = {name: {"value": value, "low": None, "high": None} for name, value in figures.items()}
    row = {"code": "clinic", "support": 4, **known}
    gold = {
        "segments": 9,
        "documents": 3,
        "micro": row,
        "codes": [row, {**row, "code": "well", "support": 0}],
    }

    def train(even_if_worse, say):
        say(f"第1折 {even_if_worse}")
        go_on.wait(10)
        return Outcome("better", "村.model-1", {"gold": gold})

    with serving(store, tiny_codebook, tiny_model, coder="甲", train=train) as session:
        page = opened(session)
        page.goto(at(page, "/progress"))
        page.check("#retrain-force")
        page.click("#retrain-start")
        page.wait_for_function(
            "() => document.getElementById('retrain-state').innerText.includes('第1折 True')"
        )
        assert page.is_disabled("#retrain-start")
        go_on.set()
        page.wait_for_selector("#retrain-tables table")
        assert page.inner_text("#retrain-state").startswith("训练完成 · 新模型更好 · 新模型已存入 村.model-1")
        said = page.inner_text("#retrain-next")  # the server goes on with the model that it was started with
        assert said.startswith("各页仍用原有模型")
        assert "fupin label -m 村.model-1" in said
        rows = [line.split() for line in page.locator("#retrain-tables tbody tr").all_inner_texts()]
        assert rows == [["总体", "4", "0.50", "0.70", "+0.20"], ["看病", "4", "0.50", "0.70", "+0.20"]]
        assert page.heard == []


def test_a_codebook_changed_meanwhile_is_shown_before_anything_is_decided_by_the_old_one(opened, site, store):
    page = opened(site)
    first = sentence(page)
    press(page, "-")
    renamed = codebook_from_text(store.codebook_text.replace("修路", "筑路").replace('"1"', '"2"'), "村.yaml")
    store.set_codebook(renamed)
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('notice').innerText.startsWith('编码手册刚刚更新')")
    assert sentence(page) == first
    assert page.locator(".code .name").all_inner_texts() == ["看病", "上学", "筑路", "打井"]
    assert store.events() == []
    press(page, "3", "Enter")
    saved(page)
    assert [(e.codebook, "road" in e.after) for e in store.events()] == [(codebook_id(renamed), True)]
    assert [line for line in page.heard if "409" not in line] == []


# --- nothing is lost ---


def test_what_is_decided_without_the_network_is_kept_and_saved_later_once(opened, site, store):
    page = opened(site)
    press(page, "Enter")
    saved(page)
    page.context.set_offline(True)
    press(page, "2", "Enter")  # the next segment was there already
    page.wait_for_function("() => document.getElementById('saving').dataset.state === 'waiting'")
    assert page.inner_text("#saving") == "1项未保存，正在重试"
    assert len(store.events()) == 1
    page.context.set_offline(False)
    saved(page)
    assert [e.segment_id for e in store.events()] == [item.segment_id for item in store.items()[:2]]


def test_a_tab_closed_without_the_network_saves_when_it_is_opened_again(opened, site, store):
    page = opened(site)
    context = page.context
    context.set_offline(True)
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('saving').dataset.state === 'waiting'")
    page.close(run_before_unload=False)
    assert store.events() == []
    context.set_offline(False)
    again = context.new_page()
    again.goto(f"http://127.0.0.1:{site.port}/codebook")  # on whatever page
    again.wait_for_function("() => Object.keys(localStorage).length === 0")
    assert [e.after for e in store.events()] == [("clinic", "road")]


def test_leaving_with_unsaved_decisions_is_warned_of(opened, site):
    page = opened(site)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.context.set_offline(True)
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('saving').dataset.state === 'waiting'")
    page.close(run_before_unload=True)
    page.wait_for_event("close") if not page.is_closed() else None
    assert asked == ["beforeunload"]


def test_saved_is_said_when_the_server_has_confirmed_and_not_before(opened, site, store):
    page = opened(site)
    held = []
    page.route("**/decide", lambda route: held.append(route))  # noqa: PLW0108 - the library marks it
    press(page, "Enter")
    assert page.get_attribute("#saving", "data-state") == "saving"
    assert page.inner_text("#saving") == "正在保存…"
    assert store.events() == []
    held[0].continue_()
    saved(page)
    assert len(store.events()) == 1


def test_an_answer_that_is_lost_does_not_record_twice(opened, site, store):
    page = opened(site)
    lost, names = [], []
    page.on("request", lambda r: names.append(r.post_data_json["event_id"]) if "/decide" in r.url else None)

    def lose(route):
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)  # the server has recorded it
            route.abort()

    page.route("**/decide", lose)
    press(page, "Enter")
    saved(page)
    page.wait_for_function("() => Object.keys(localStorage).length === 0")
    assert lost == [200]
    assert names == [store.events()[0].event_id] * 2
    assert page.inner_text("#notice") != "该语段已在别处改过，这里显示的是最新结果，请再看一遍。"


def test_an_undo_that_is_sent_twice_undoes_once(opened, site, store):
    page = opened(site)
    press(page, "Enter", "1", "Enter")
    saved(page)
    lost = []

    def lose(route):
        if lost:
            route.continue_()
        else:
            lost.append(route.fetch().status)
            route.abort()

    page.route("**/undo", lose)
    page.keyboard.press("u")
    page.wait_for_function("() => document.getElementById('notice').innerText.startsWith('已撤销')")
    assert [e.kind for e in store.events()] == [CODED, CODED, UNDONE]
    assert len(current(store.events())) == 1


def test_a_segment_changed_in_another_tab_is_shown_anew(opened, site, store):
    page = opened(site)
    first = store.items()[0]
    store.record(event_of(store, first.segment_id, "甲", ["well"]))
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('notice').innerText.includes('已在别处改过')")
    assert sentence(page) == first.text
    assert chosen(page) == ["打井"]
    assert len(store.events()) == 1


def test_between_two_segments_the_page_is_busy_and_says_so(opened, site):
    page = opened(site)
    assert page.get_attribute("#bench", "aria-busy") == "false"
    page.route("**/item*", lambda route: None)
    press(page, "Enter")  # shows what was asked for before; what comes after it is held
    page.keyboard.press("Enter")
    page.wait_for_selector("#bench[aria-busy=true]")
    before = sentence(page)
    page.keyboard.press("Enter")
    page.wait_for_function("() => getComputedStyle(document.querySelector('.sheet')).opacity === '0.5'")
    assert sentence(page) == before
    page.unroute("**/item*")  # what is held goes on
    ready(page)
    assert sentence(page) != before


def test_a_segment_seen_before_that_cannot_be_had_leaves_no_dead_page(opened, site):
    page = opened(site)
    press(page, "Enter")
    passed = sentence(page)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("before => document.getElementById('sentence').innerText !== before", arg=passed)
    page.route("**/item?id=*", lambda route: route.abort())
    page.keyboard.press("Enter")
    page.wait_for_selector("#bench[aria-busy=true]")
    ready(page)
    page.keyboard.press("1")
    assert chosen(page)


@contextmanager
def settling(opened, store, codebook, model, segments):
    """Yield the page on which so many segments wait that two coders coded differently."""
    for item in store.items()[:segments]:
        store.record_all([event_of(store, item.segment_id, coder, [code]) for coder, code in SIDES])
    with serving(store, codebook, model, coder="甲") as session:
        page = opened(session)
        page.goto(at(page, "/disputes"))
        ready(page)
        yield page


def test_a_disputed_segment_that_cannot_be_had_is_asked_for_again(opened, store, tiny_codebook, tiny_model):
    with settling(opened, store, tiny_codebook, tiny_model, segments=2) as page:
        before = sentence(page)
        page.route("**/dispute?*", lambda route: route.abort(), times=2)
        page.keyboard.press("[")
        page.keyboard.press("Enter")
        page.wait_for_selector("#bench[aria-busy=true]")
        ready(page)
        assert sentence(page) != before
        page.keyboard.press("[")
        page.keyboard.press("Enter")
        page.wait_for_selector("#done:visible")
        assert store.disputed() == []


def test_what_was_asked_for_before_is_not_shown_when_it_comes_late(opened, store, tiny_codebook, tiny_model):
    with settling(opened, store, tiny_codebook, tiny_model, segments=3) as page:
        first, held = sentence(page), []
        page.route("**/dispute?*", lambda route: held.append(route), times=1)  # noqa: PLW0108 - it is marked
        with page.expect_request("**/dispute?*"):
            page.keyboard.press("s")
        page.keyboard.press("s")
        page.wait_for_function("first => document.getElementById('sentence').innerText !== first", arg=first)
        page.keyboard.press("[")
        with page.expect_response("**/dispute?*"):
            held[0].continue_()
        page.wait_for_timeout(200)
        assert page.locator(".side.chosen").count() == 1


@contextmanager
def command(path, model, port):
    """Run the command in a process of its own; yield it and the printed link."""
    process = subprocess.Popen(
        [sys.executable, "-m", "classifier", "review", path, "-m", model, "--no-open", "--port", str(port),
         "--coder", "甲"],
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, **ENVIRONMENT, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    try:
        lines = []
        while not (lines and "token=" in lines[-1]):
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
        yield process, re.search(r"http://\S+", lines[-1])[0]
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def labelled(tmp_path, tiny_codebook):
    path = tmp_path / "村.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["doc_id", "segment_id", "text", "codes", *tiny_codebook.columns, "title", "date"])
        for i in review_items(20):
            shares = [i.probabilities.get(code, "") for code in tiny_codebook.columns]
            writer.writerow([i.doc_id, i.segment_id, i.text, ";".join(i.codes), *shares, i.title, i.date])
    return path


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such kill here")
def test_a_server_killed_while_it_saves_has_lost_nothing_that_was_confirmed(
    browser, labelled, tiny_model_folder
):
    context = browser.new_context()
    context.set_default_timeout(30_000)
    port, confirmed, page = free_port(), {}, None

    def note(response):
        if response.url.endswith("/decide") and response.status == 200:
            body = response.request.post_data_json
            confirmed[body["event_id"]] = body["segment_id"], tuple(body["codes"])

    for kill in range(KILLS):
        with command(labelled, tiny_model_folder, port) as (process, link):
            entrance = context.new_page()  # the new link gives the old tab its cookie back
            entrance.goto(link)
            ready(entrance)
            if page is None:
                page = entrance
                page.on("response", note)
            else:
                entrance.close()
            saved(page)
            ready(page)  # the next segment is asked for once all is saved
            press(page, "1", "Enter", "Enter")
            saved(page)
            ready(page)
            page.keyboard.press("Enter")
            page.wait_for_timeout(kill * 7 % 20)  # before, while or after it is recorded
            process.send_signal(signal.SIGKILL)
            process.wait()
            page.wait_for_timeout(50)
    with command(labelled, tiny_model_folder, port) as (_, link):
        entrance = context.new_page()
        entrance.goto(link)
        saved(page)
        page.wait_for_function("() => Object.keys(localStorage).length === 0")
    context.close()
    with open_store(f"{labelled}.review.db") as store:
        events = store.events()
    recorded = {e.event_id: (e.segment_id, e.after) for e in events}
    assert len(recorded) == len(events)
    assert confirmed.items() <= recorded.items()
    assert len({segment for segment, _ in recorded.values()}) == len(events) == 3 * KILLS


# --- the other pages ---


def test_an_article_is_coloured_listed_explained_and_downloaded(opened, site):
    page = opened(site)
    page.goto(at(page, "/try"))
    text = "签约医生每月上门给老人量血压。\n乡亲们坐在院坝里晒太阳。施工队修通了最后三公里硬化路。"
    page.fill("#article", text)
    assert page.inner_text("#characters") == f"{len(text)}字"
    page.click("#go")
    page.wait_for_selector(".seg")
    assert page.locator(".seg").all_inner_texts() == re.findall("[^\n。]+。", text)
    assert page.inner_text("#counts") == "3个语段，2个涉及措施"
    assert page.locator("#legend button").all_inner_texts() == ["看病 1", "修路 1"]
    page.click(".seg >> nth=0")
    page.wait_for_selector("#why dl div")
    assert page.inner_text("#why h2") == "看病"
    assert "起作用的字词：" in page.inner_text("#why")
    page.select_option("#scheme", "two-kinds")
    assert page.locator("#legend button").all_inner_texts() == ["公共服务 1", "基础设施 1"]
    page.click("#legend button >> nth=1")
    assert page.locator(".seg.faded").count() == 2
    page.click("#as-table")
    assert page.locator("#table tbody tr").all_inner_texts() == [
        "3\t施工队修通了最后三公里硬化路。\t基础设施"
    ]
    with page.expect_download() as caught:
        page.click("[data-format=csv]")
    rows = list(csv.DictReader(io.StringIO(caught.value.path().read_text(encoding="utf-8-sig"))))
    assert [(r["codes"], r["categories"]) for r in rows] == [
        ("clinic", "公共服务"),
        ("", ""),
        ("road", "基础设施"),
    ]
    assert page.heard == []


def test_each_further_code_of_a_segment_shows_its_colour_too(opened, site):
    page = opened(site)
    page.goto(at(page, "/try"))
    page.fill("#article", "签约医生每月上门给老人量血压，施工队修通了最后三公里硬化路。乡亲们都说好。")
    page.click("#go")
    page.wait_for_selector(".seg")

    def tones(place):
        return sorted(
            set(page.locator(place).evaluate_all("all => all.flatMap(e => [...e.classList])")) - OTHER
        )

    assert len(tones("#legend i")) == 2
    assert tones(".seg >> nth=0") + tones(".seg >> nth=0 >> i") == tones("#legend i")
    assert page.locator(".seg >> nth=1 >> i").count() == 0
    page.click("#legend button >> nth=1")
    assert tones(".seg >> nth=0") == tones("#legend button >> nth=1 >> i")
    assert tones(".seg >> nth=0 >> i") == tones("#legend button >> nth=0 >> i")


OTHER = {"seg", "also", "here", "faded"}  # classes that are no colour


def test_on_a_phone_the_name_of_the_open_page_is_in_view(opened, site):
    page = opened(site, width=PHONE, has_touch=True)
    for path in PAGES:
        page.goto(at(page, path))
        page.wait_for_selector("[aria-current]")
        box = page.locator(".top [aria-current]").bounding_box()
        assert (path, box["x"] >= 0, box["x"] + box["width"] <= PHONE) == (path, True, True)
        assert page.evaluate("window.scrollY") == 0


def test_the_manual_is_searched(opened, site):
    page = opened(site)
    page.goto(at(page, "/codebook"))
    assert page.locator(".entry:visible").count() == 4
    page.keyboard.press("/")
    page.keyboard.type("架桥")
    assert page.locator(".entry:visible h2").all_inner_texts()[0].startswith("修路")
    assert page.inner_text("#found") == "1个编码"


def test_the_language_is_switched_and_kept(opened, site):
    page = opened(site)
    page.click("#language")
    page.wait_for_selector("html[lang=en]")
    ready(page)
    assert page.inner_text("#accept").startswith("Accept, next")
    assert bar(page, "Coded") == "0 / 72"
    page.goto(at(page, "/codebook"))
    assert page.locator(".entry h2").all_inner_texts()[0].startswith("clinics")


# --- for everybody ---


@pytest.fixture(scope="module")
def busy(tmp_path_factory, tiny_codebook, tiny_model):
    """Serve a store in which two coders differ, to a browser each that chooses nothing but language."""
    with open_store(tmp_path_factory.mktemp("busy") / "村.db") as store:
        store.add(review_items(12), tiny_codebook, "村.csv")
        for item in store.items()[:8]:
            store.record(event_of(store, item.segment_id, "甲", item.codes))
            store.record(event_of(store, item.segment_id, "乙", ("well",)))
        yield store


AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_page_has_a_serious_fault_of_accessibility(  # noqa: PLR0917 - fixtures
    opened, busy, tiny_codebook, tiny_model, lang, scheme
):
    def train(even_if_worse, say):
        raise AssertionError

    with serving(busy, tiny_codebook, tiny_model, train=train) as session:
        page = opened(session, coder="", color_scheme=scheme, bypass_csp=True)  # axe is put in from outside
        if lang == "en":
            page.click("#language")
            page.wait_for_selector("html[lang=en]")
        page.add_script_tag(path=AXE)
        assert faults(page) == []
        page.fill("#coder", "甲")
        page.keyboard.press("Enter")
        page.wait_for_selector("#sentence mark")
        for path in PAGES:
            page.goto(at(page, path))
            if path == "/progress":
                page.wait_for_selector("#figures:visible")
            if path == "/try":
                page.fill("#article", "签约医生每月上门。\n首页 > 正文\n乡亲们都说好。施工队修通了硬化路。")
                page.click("#go")
                page.click(".seg")
                page.wait_for_selector("#why dl div")
            page.add_script_tag(path=AXE)
            assert (path, faults(page)) == (path, [])
            if path == "/":
                page.keyboard.press("?")
                assert faults(page) == []


def faults(page):
    """Return what axe-core finds serious or critical: rule and first place."""
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        (v["id"], v["nodes"][0]["target"], v["nodes"][0]["failureSummary"])
        for v in found["violations"]
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("width", "touch"), [(WIDE, False), (WIDE, True), (TABLET, True), (PHONE, True)])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_is_wider_than_the_screen_nor_smaller_than_a_finger(  # noqa: PLR0917 - fixtures
    opened, busy, tiny_codebook, tiny_model, width, touch, lang
):
    with serving(busy, tiny_codebook, tiny_model, coder="甲", lang=lang) as session:
        page = opened(session, width=width, has_touch=touch)
        for path in PAGES:
            page.goto(at(page, path))
            assert (path, page.evaluate("document.documentElement.scrollWidth")) == (path, width)
            small = page.evaluate(
                """least => [...document.querySelectorAll('button, a.button, nav a, input, select, textarea')]
                    .filter(e => e.offsetParent && !e.closest('dialog'))
                    .map(e => [e.id || e.className || e.textContent, e.getBoundingClientRect()])
                    .filter(([, box]) => box.width < least || box.height < least).map(([name]) => name)""",
                (FINGER if touch else MOUSE) - 0.5,
            )
            assert [name for name in small if name != "retrain-force"] == []


LONG = "全县各乡镇逐村逐户核对了去年以来办过的每一件事，把经过、人数和账目都写进了台账，"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("book", ["shipped", "300 codes"])
def test_segment_codes_and_buttons_are_in_view_together_however_long_the_context(
    opened, tmp_path, tiny_model, lang, book
):
    codebook = load_codebook()
    if book != "shipped":
        codes = (f"  - {{code: c{n}, name: {{zh: 第{n}项措施, en: Measure no. {n}}}}}" for n in range(300))
        codebook = codebook_from_text("\n".join(("name: big", "version: '1'", "codes:", *codes)), "big.yaml")
    about = replace(next(iter(review_items())), codes=codebook.columns[:2], probabilities={})
    texts = (LONG * 4, LONG * 4, LONG[:60] + "。", LONG * 4, LONG * 4)
    with open_store(tmp_path / "长.db") as store:
        items = [
            replace(about, segment_id=f"长#{n}", text=x, place=n, rank=None) for n, x in enumerate(texts)
        ]
        store.add([*items[:2], replace(items[2], rank=0), *items[3:]], codebook, "长.csv")
        with serving(store, codebook, tiny_model, coder="甲", lang=lang) as session:
            page = opened(session)
            assert sentence(page) == texts[2]
            page.keyboard.press("/")
            page.keyboard.type("9")
            page.keyboard.press("Escape")  # what was narrowed for a while moves nothing
            box = {
                name: page.locator(name).first.bounding_box()
                for name in ("#sentence", "#text", "#chips", ".codes", ".actions", "#manual")
            }
            ends = {name: found["y"] + found["height"] for name, found in box.items()}
            bar = box[".actions"]["y"]
            assert box["#text"]["y"] <= box["#sentence"]["y"]
            assert ends["#sentence"] <= ends["#text"] <= box["#chips"]["y"]
            assert ends["#chips"] <= box[".codes"]["y"]
            assert max(ends[".codes"], ends["#manual"]) <= bar
            assert page.evaluate("document.documentElement.scrollHeight") == 900
            last = page.locator(".code").last
            if book == "shipped":
                assert last.bounding_box()["y"] + last.bounding_box()["height"] <= ends[".codes"]
            for name in ("#text", ".codes", "#manual"):  # what lies beyond an edge is told by a shade there
                attached = page.locator(name).evaluate("e => getComputedStyle(e).backgroundAttachment")
                assert attached.startswith("local, local, scroll, scroll")
            page.keyboard.press("ArrowUp")  # to the last one
            page.wait_for_function(
                "() => document.activeElement === [...document.querySelectorAll('.code')].at(-1)"
            )
            assert last.bounding_box()["y"] + last.bounding_box()["height"] <= ends[".codes"]
            assert page.heard == []


HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202e款扶\u2066\"'--></script>"


def test_hostile_text_stays_text_on_every_page(opened, tmp_path, tiny_codebook, tiny_model):
    first = next(iter(review_items()))
    bad = replace(
        first,
        segment_id=f"{HOSTILE}#0",
        text=f"签约医生{HOSTILE}",
        **dict.fromkeys(("doc_id", "title", "date", "source"), HOSTILE),
    )
    with open_store(tmp_path / "恶.db") as store:
        other = replace(bad, segment_id="后#0", text="乡亲们都说好。", rank=1, place=1)
        store.add([bad, other], tiny_codebook, "恶.csv")
        store.record(replace(event_of(store, bad.segment_id, "<b>丙</b>", ["road"]), note=HOSTILE))
        with serving(store, tiny_codebook, tiny_model, coder="甲") as session:
            page = opened(session)
            page.on("dialog", lambda dialog: page.heard.append(dialog.message))
            page.wait_for_selector("#sentence mark")
            assert "<img src=x onerror=alert(1)>" in sentence(page)
            press(page, "Enter")
            saved(page)
            for path in PAGES:
                page.goto(at(page, path))
                shown = page.evaluate("document.body.innerText")
                assert re.findall("[\u202a-\u202e\u2066-\u2069]", shown) == []
                assert page.locator("img, main script, b b").count() == 0
            page.goto(at(page, "/disputes"))
            page.click("#names")
            page.wait_for_function(
                "() => [...document.querySelectorAll('.side h2')].some(h => h.innerText === '<b>丙</b>')"
            )
            page.goto(at(page, "/try"))
            page.fill("#article", f"签约医生{HOSTILE}每月上门。")
            page.click("#go")
            page.click(".seg")
            page.wait_for_selector("#why dl div")
            assert page.locator("img, main script").count() == 0
            assert page.heard == []
            assert {u.split("/")[2] for u in page.asked if u.startswith("http")} == {
                f"127.0.0.1:{session.port}"
            }
