"""Who gets through to the review server: each way in that is wrong is refused, told, and changes nothing."""

from __future__ import annotations

import json
import re
import threading

import pytest
from review_samples import HERE, MARK, PORT, filled_store, make_site

from classifier import review_access
from classifier.errors import ReviewError
from classifier.review_access import HEADERS, MOST_BODY, Session
from classifier.review_job import Job, Outcome

PAGES = ("/", "/disputes", "/progress", "/codebook", "/try")


@pytest.fixture(scope="module")
def store(tmp_path_factory, tiny_codebook):
    """Return one store for all: what is refused leaves it as it is."""
    with filled_store(tmp_path_factory.mktemp("store"), tiny_codebook) as opened:
        yield opened


@pytest.fixture
def outside(store, tiny_codebook, tiny_model, tmp_path):
    """Return a server that nobody has entered."""
    return make_site(tmp_path, tiny_codebook, tiny_model, store=store)


@pytest.fixture
def site(outside):
    outside.enter()
    return outside


def refused(site, answer, status, reason):
    """Check that a request was refused and told in one line, and that nothing it said is in that line."""
    assert (answer.status, len(site.told)) == (status, 1)
    assert re.fullmatch(rf"refused: {status} [A-Z?]+ [?/a-z.-]+ \((?:{reason})\)", site.told[0])
    assert MARK not in site.told[0]
    assert site.session.token not in answer.text + site.told[0]
    assert site.session.secret not in answer.text + site.told[0]
    assert MARK not in answer.text
    assert site.store.events() == []
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value


# --- the link and the cookie ---


def test_the_link_is_exchanged_for_a_cookie_and_leaves_the_address(outside):
    answer = outside.enter()
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"fupin_session_{PORT}={outside.session.secret};")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    assert outside.session.token not in cookie
    assert outside.get("/").status == 200
    assert outside.told == []


def test_the_link_lets_in_one_browser_only(outside):
    outside.enter()
    outside.cookies.clear()
    answer = outside.get(f"/?token={outside.session.token}")
    refused(outside, answer, 403, "used")
    assert "只能用一次" in answer.text
    assert "set-cookie" not in answer.headers


def test_the_browser_that_used_the_link_may_open_it_again(site):
    answer = site.get(f"/?token={site.session.token}")
    assert (answer.status, answer.headers["location"], site.told) == (303, "/", [])


@pytest.mark.parametrize("token", ["", "x", "暗号xyzzy", "A" * 43], ids=["none", "short", "ours not", "long"])
def test_a_wrong_token_is_refused_and_does_not_use_up_the_link(outside, token):
    from urllib.parse import quote

    refused(outside, outside.get(f"/?token={quote(token)}"), 403, "token")
    assert outside.enter().status == 303


def test_half_of_the_token_is_wrong(outside):
    refused(outside, outside.get(f"/?token={outside.session.token[:-1]}"), 403, "token")


@pytest.mark.parametrize("path", [*PAGES, "/item", "/export?what=codings", "/static/review.css", "/nothing"])
def test_without_the_cookie_nothing_is_told_apart(outside, path):
    refused(outside, outside.get(path), 401, "cookie")


@pytest.mark.parametrize(
    "cookies",
    [
        {f"fupin_session_{PORT}": "x"},
        {f"fupin_session_{PORT + 1}": "SECRET"},
        {f"fupin_session_{PORT}": ""},
        {"session": "SECRET"},
    ],
    ids=["wrong", "of another port", "empty", "of another name"],
)
def test_another_cookie_is_none(outside, cookies):
    outside.cookies = {k: v.replace("SECRET", outside.session.secret) for k, v in cookies.items()}
    refused(outside, outside.get("/progress"), 401, "cookie")


@pytest.mark.parametrize(
    "other",
    ['prefs={"a":1}', "a=b c", "bad name=1", "alone", "中=文".encode().decode("latin-1"), "expires=3", '"'],
    ids=["JSON", "space", "space in the name", "no value", "Chinese", "a reserved name", "half a quote"],
)
def test_cookies_of_other_programs_on_this_machine_do_not_lock_the_owner_out(site, other):
    ours = "; ".join(f"{name}={value}" for name, value in site.cookies.items())
    site.cookies = {}
    for cookies in (f"{other}; {ours}", f"{ours}; {other}"):
        assert site.get("/progress", headers={"cookie": cookies}).status == 200
    assert site.told == []


def test_two_servers_have_other_tokens_and_secrets():
    one, other = Session(1), Session(1)
    assert len({one.token, other.token, one.secret, other.secret}) == 4
    assert min(map(len, (one.token, one.secret))) >= 43  # 256 bits
    assert one.token not in repr(one)
    assert one.secret not in repr(one)


# --- host, origin, fetch metadata ---


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        f"127.0.0.1:{PORT + 1}",
        f"127.0.0.1.evil.example:{PORT}",
        f"[::1]:{PORT}",
        f"0.0.0.0:{PORT}",
        "",
        None,
    ],
)
def test_another_host_is_refused_with_cookie_and_all(site, host):
    refused(site, site.get("/", headers={"host": host}), 421, "host")


def test_localhost_is_this_machine_too(site):
    assert site.get("/", headers={"host": f"localhost:{PORT}"}).status == 200


@pytest.mark.parametrize("doubled", ["host", "origin", "content-length", "sec-fetch-site"])
def test_a_header_that_stands_twice_is_refused(site, doubled):
    values = {"host": f"127.0.0.1:{PORT}", "origin": HERE, "content-length": "2", "sec-fetch-site": "none"}
    answer = site.post(
        "/settings", {}, headers={doubled: values[doubled]}, extra=[(doubled, values[doubled])]
    )
    refused(site, answer, 400, "headers")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        f"https://127.0.0.1:{PORT}",
        f"http://localhost:{PORT}",
        "http://127.0.0.1",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origin_is_refused(site, method, origin):
    if method == "GET":
        answer = site.get("/progress", headers={"origin": origin})
    else:
        answer = site.post("/decide", site.decision("柳树坪#0", ["clinic"]), headers={"origin": origin})
    refused(site, answer, 403, "origin")


def test_what_changes_something_must_name_its_origin(site):
    answer = site.post("/decide", site.decision("柳树坪#0", ["clinic"]), headers={"origin": None})
    refused(site, answer, 403, "origin")


@pytest.mark.parametrize("said", ["cross-site", "same-site"])
def test_a_page_of_another_site_or_port_may_not_even_look(site, said):
    refused(site, site.get("/", headers={"sec-fetch-site": said}), 403, "origin")


def test_another_site_cannot_use_up_the_link(outside):
    answer = outside.get(f"/?token={outside.session.token}", headers={"sec-fetch-site": "cross-site"})
    refused(outside, answer, 403, "origin")
    assert outside.enter().status == 303


def test_our_own_pages_may(tmp_path, tiny_codebook, tiny_model):
    site = make_site(tmp_path, tiny_codebook, tiny_model)
    site.enter()
    headers = {"sec-fetch-site": "same-origin"}
    assert site.post("/decide", site.decision("柳树坪#0", ["clinic"]), headers=headers).status == 200
    assert site.told == []
    assert len(site.store.events()) == 1
    site.store.close()


# --- paths and methods ---


@pytest.mark.parametrize(
    "raw",
    [
        "/..%2f..%2fetc/passwd",
        "/static/..%2freview_store.py",
        "/static/../../review_store.py",
        "/static/%2e%2e/review_store.py",
        "/static/..\\review_store.py",
        "//evil.example/",
        "/%00",
        "/codebook\x00",
        "/codebook%0d%0aX: y",
        "http://evil.example/",
        "/codebook;a=b",
        "/static/review.css/..",
        "*",
    ],
)
def test_tricks_with_paths_are_refused(site, raw):
    refused(site, site.get("/codebook", raw=raw), 400, "path")


@pytest.mark.parametrize(
    "path",
    [
        "/static",
        "/static/",
        "/static/texts.yaml",
        "/docs",
        "/openapi.json",
        "/codebook/",
        "/favicon.ico",
        "/暗号",
    ],
)
def test_what_is_not_in_the_list_is_not_there(site, path):
    status, reason = (400, "path") if path == "/暗号" else (404, "path")
    refused(site, site.get(path, raw="/%E6%9A%97" if path == "/暗号" else None), status, reason)


def test_from_a_page_that_is_not_there_a_link_leads_back(site):
    for path in ("/nope", "/?id=nowhere"):
        assert re.findall(r'href="([^"]*)"', site.get(path).text) == ["data:,", "/"]


def test_a_query_longer_than_any_of_ours_is_refused(site):
    refused(site, site.get("/item?id=" + "x" * 5000), 400, "path")


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_there_are_two_methods(site, method):
    refused(site, site.ask(method, "/progress"), 405, "method")


def test_a_method_that_is_none_is_not_repeated(site):
    answer = site.ask("XYZZY", "/progress")
    assert site.told == ["refused: 405 ? /progress (method)"]
    assert answer.status == 405


def test_a_head_request_does_not_use_up_the_link(outside):
    refused(outside, outside.ask("HEAD", f"/?token={outside.session.token}"), 405, "method")
    assert outside.enter().status == 303


# --- bodies ---


def test_a_body_that_says_it_is_too_long_is_not_read(site):
    answer = site.post("/decide", b"{}", headers={"content-length": str(MOST_BODY + 1)})
    refused(site, answer, 413, "size")


def test_a_body_that_is_too_long_and_does_not_say_so_is_refused_on_the_way(site):
    chunks = [b" " * 10_000] * 8
    headers = {"origin": HERE, "content-type": "application/json", "transfer-encoding": "chunked"}
    refused(site, site.ask("POST", "/decide", headers=headers, body=chunks, hangs=True), 413, "size")


def test_an_article_may_be_longer_and_not_without_end(site):
    text = "医生每月上门。" * 20_000
    assert site.post("/try", {"text": text}).status == 200
    site.told.clear()
    refused(site, site.post("/try", b" " * 2_000_001), 413, "size")


def test_an_article_has_its_limit_in_characters_too(site):
    refused(
        site,
        site.post("/try", json.dumps({"text": "医" * 200_001}, ensure_ascii=False).encode()),
        422,
        "wrong",
    )


def test_a_body_that_never_ends_is_given_up(site, monkeypatch):
    monkeypatch.setattr(review_access, "SECONDS_FOR_BODY", 0.05)
    headers = {"origin": HERE, "content-type": "application/json"}
    refused(site, site.ask("POST", "/decide", headers=headers, body=[b"{"], hangs=True), 408, "slow")


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "１２", " ", "9" * 20])
def test_a_length_that_is_no_number_is_refused(site, length):
    headers = {"content-length": length.encode("utf-8").decode("latin-1")}
    refused(site, site.post("/decide", b"{}", headers=headers), 400, "headers")


def test_a_body_of_which_two_ends_are_told_is_refused(site):
    headers = {"content-length": "2", "transfer-encoding": "chunked"}
    refused(site, site.post("/decide", b"{}", headers=headers), 400, "headers")


@pytest.mark.parametrize("headers", [{"content-length": "5"}, {"transfer-encoding": "chunked"}])
def test_a_question_has_no_body(site, headers):
    refused(site, site.get("/progress", headers=headers), 400, "body")


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=gbk",
        "text/json",
    ],
)
def test_a_body_is_json_and_says_so(site, kind):
    answer = site.post("/decide", site.decision("柳树坪#0", []), headers={"content-type": kind})
    refused(site, answer, 415, "kind")


BROKEN = {
    "nothing": b"",
    "half an object": b'{"event_id": "',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "not UTF-8": b'{"note": "\xff"}',
    "too deep": b"[" * 30_000 + b"]" * 30_000,
    "too deep inside": b'{"codes": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "not a number": b'{"before": NaN}',
    "a number without end": b'{"before": ' + b"9" * 50_000 + b"}",
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_malformed_json_is_refused(site, body):
    answer = site.post("/decide", body)
    assert answer.status in (400, 422)
    refused(site, answer, answer.status, "wrong")


WRONG = {
    "no id": {"event_id": None},
    "an id of another form": {"event_id": MARK},
    "an id too short": {"event_id": "a" * 31},
    "an id with a line end": {"event_id": "a" * 32 + "\n"},
    "an unknown kind": {"kind": MARK},
    "another kind of event": {"kind": "settled"},
    "codes as text": {"codes": "clinic"},
    "codes as numbers": {"codes": [1]},
    "codes in lists": {"codes": [["clinic"]]},
    "no codes where coded": {"codes": None},
    "codes where skipped": {"kind": "skipped"},
    "more than there is": {"admin": True},
    "no coder": {"coder": ""},
    "a coder that acts": {"coder": "甲\u202e"},
    "a coder on two lines": {"coder": "甲\n乙"},
    "a coder that no file may be called": {"coder": "甲/乙"},
    "a coder too long": {"coder": "甲" * 41},
    "a coder that is a list": {"coder": ["甲"]},
    "a note too long": {"note": "长" * 2001},
    "a note of half a character": {"note": "\ud800"},
    "a code of half a character": {"codes": ["\udfff"]},
    "a name of half a character": {"segment_id": "\ud800"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_decision_of_another_form_is_refused(site, change):
    refused(site, site.post("/decide", site.decision("柳树坪#0", ["clinic"], **change)), 422, "wrong")


@pytest.mark.parametrize(
    "missing", ["event_id", "segment_id", "coder", "kind", "before", "codes", "codebook"]
)
def test_a_decision_that_lacks_something_is_refused(site, missing):
    body = site.decision("柳树坪#0", ["clinic"])
    del body[missing]
    refused(site, site.post("/decide", body), 422, "wrong")


@pytest.mark.parametrize("name", [MARK, "", "柳树坪#0\x00", "../柳树坪#0", "柳树坪#99"])
def test_an_unknown_segment_is_refused(site, name):
    refused(site, site.post("/decide", site.decision(name, ["clinic"])), 404, "unknown_segment")


@pytest.mark.parametrize("codes", [[MARK], ["clinic", "doctor"], [""], ["CLINIC"]])
def test_an_unknown_code_is_refused(site, codes):
    refused(site, site.post("/decide", site.decision("柳树坪#0", codes)), 400, "unknown_code")


def test_a_decision_about_what_has_changed_since_is_refused(site):
    refused(
        site, site.post("/decide", site.decision("柳树坪#0", ["road"], before=["clinic"])), 409, "outdated"
    )


def test_a_decision_by_another_codebook_is_refused(site):
    answer = site.post("/decide", site.decision("柳树坪#0", ["road"], codebook="village 2 sha256:0"))
    refused(site, answer, 409, "outdated")


def test_the_same_code_twice_is_refused(site):
    answer = site.post("/decide", site.decision("柳树坪#0", ["road", "road"]))
    refused(site, answer, 400, "wrong")


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/settings", {"lang": "fr"}, 422, "wrong"),
        ("/settings", {"coder": " 甲"}, 422, "wrong"),
        ("/settings", {"theme": "dark"}, 422, "wrong"),
        ("/undo", {"undoes": MARK, "segment_id": "nowhere", "coder": "甲"}, 404, "unknown_segment"),
        ("/undo", {"undoes": MARK}, 422, "wrong"),
        ("/try", {"text": 1}, 422, "wrong"),
        ("/try-table", {"text": "医生。", "format": MARK}, 400, "wrong"),
        ("/try-table", {"text": "医生。", "format": "csv", "scheme": MARK}, 400, "wrong"),
        ("/retrain", {}, 404, "closed"),
    ],
)
def test_other_bodies_of_another_form_are_refused(site, path, body, status, reason):
    refused(site, site.post(path, body), status, reason)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/item?id=nowhere",
            "/item?after=x",
            "/item?after=-1",
            f"/item?after={2**31}",
            f"/item?after={2**80}",
        ),
        *("/evidence", "/dispute?id=%00", "/export?what=x"),
    ],
)
def test_questions_about_what_there_is_not_are_refused(site, path):
    answer = site.get(path)
    assert answer.status in (400, 404, 422)
    refused(site, answer, answer.status, "unknown_segment|wrong")


# --- what goes out ---


@pytest.mark.parametrize(
    "path", [*PAGES, "/item", "/bar", "/static/review.css", "/static/page.js", "/export?what=codings"]
)
def test_every_answer_carries_the_policy_and_no_servers_name(site, path):
    answer = site.get(path)
    assert answer.status == 200
    for name, value in HEADERS.items():
        assert answer.headers[name.lower()] == value
    assert "server" not in answer.headers
    assert "access-control-allow-origin" not in answer.headers


def test_the_policy_lets_nothing_in_but_our_own_files():
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "form-action")} == {"'self'"}
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_holds_a_script_a_style_or_an_address_of_elsewhere(site, path):
    page = site.get(path).text
    assert re.findall(r"<script(?![^>]*(src=\"/static/[a-z]+\.js\"|type=\"application/json\"))", page) == []
    assert re.findall(r"\sstyle=|<style|\son[a-z]+=|javascript:", page) == []
    assert set(re.findall(r"(?:src|href)=\"([^\"#]*)", page)) - {""} <= {
        "data:,",
        *PAGES,
        *re.findall(r"/static/[a-z]+\.(?:css|js)", page),
        *re.findall(r"/export\?what=[a-z]+", page),
    }


def test_a_fault_of_ours_is_told_by_its_place_and_not_by_what_was_sent(site, monkeypatch):
    def fail(*_):
        raise RuntimeError(MARK)

    monkeypatch.setattr(type(site.store), "progress", fail)
    answer = site.get("/bar")
    assert answer.status == 500
    assert MARK not in answer.text
    assert len(site.told) == 1
    assert re.fullmatch(r"error: GET /bar: RuntimeError in \w+\.py:\d+", site.told[0])


def test_a_database_that_does_not_answer_is_told_and_asked_again_later(site, monkeypatch):
    def fail(*_):
        raise ReviewError("村.db: the disk is full", "make room")

    monkeypatch.setattr(type(site.store), "record", fail)
    answer = site.post("/decide", site.decision("柳树坪#0", ["clinic"]))
    assert (answer.status, answer.json["reason"]) == (503, "failed")
    assert site.told[0] == "error: 村.db: the disk is full; make room"
    assert site.told[1:] == ["refused: 503 POST /decide (failed)"]


def test_a_second_training_is_refused_while_one_goes_on(store, tiny_codebook, tiny_model, tmp_path):
    go_on = threading.Event()
    job = Job(lambda *_: go_on.wait(10) and Outcome("equal"), print)
    site = make_site(tmp_path, tiny_codebook, tiny_model, store=store, job=job)
    site.enter()
    assert site.post("/retrain", {}).json["state"] == "running"
    refused(site, site.post("/retrain", {}), 409, "busy")
    go_on.set()
