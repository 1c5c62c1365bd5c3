"""The processes that parse: used again, ended and replaced; whatever they say, this process is safe."""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import wait
from pathlib import Path
from types import SimpleNamespace

import pytest
from hostile_files import CORPUS, SENTENCE, cells, paragraph, word, workbook
from hypothesis import given
from hypothesis import strategies as st

from classifier import confined, frames, parsing_process
from classifier.confined import Parsers
from classifier.errors import InputError
from classifier.frames import Frame, as_json, receive, send
from classifier.limits import Limits
from classifier.parsed import Parsed, cleaned, day_of, parsed_from

WORD = word(paragraph(SENTENCE))

# --- messages ---


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=1), st.binary())))
def test_messages_arrive_as_they_were_sent(messages):
    pipe = io.BytesIO()
    for kind, payload in messages:
        send(pipe, Frame(kind, payload))
    pipe.seek(0)
    assert [tuple(receive(pipe, 10**6)) for _ in messages] == messages
    assert receive(pipe, 10**6) is None


@given(st.text(), st.integers())
def test_values_arrive_as_they_were_whatever_characters_they_hold(text, number):
    assert as_json(b"x", {"a": [text, number]}).value() == {"a": [text, number]}


def test_a_message_that_is_cut_off_is_none_and_a_longer_one_is_refused():
    pipe = io.BytesIO()
    send(pipe, Frame(b"x", b"abcdef"))
    data = pipe.getvalue()
    for end in range(len(data)):
        assert receive(io.BytesIO(data[:end]), 6) is None
    with pytest.raises(ValueError, match="a message of 6 bytes"):
        receive(io.BytesIO(data), 5)


# --- what comes back is checked ---

DOCUMENT = {
    "text": "村",
    "title": "",
    "date": "",
    "source": "",
    "url": "",
    "file_date": "",
    "left_out": ["page 2"],
}


def test_a_document_that_was_parsed_elsewhere_is_one():
    assert parsed_from(DOCUMENT) == Parsed("村", left_out=["page 2"])


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="nothing"),
        pytest.param([DOCUMENT], id="a list"),
        pytest.param({**DOCUMENT, "more": ""}, id="too much"),
        pytest.param({"text": "村"}, id="too little"),
        pytest.param({**DOCUMENT, "text": 7}, id="a number as text"),
        pytest.param({**DOCUMENT, "left_out": [None]}, id="no text in a list"),
    ],
)
def test_what_is_no_document_is_refused(value):
    with pytest.raises(ValueError, match="no document"):
        parsed_from(value)


# --- processes ---


@pytest.fixture
def parsers():
    with Parsers(Limits(seconds=5), 2) as several:
        yield several


def pids(parsers):
    return [process._process.pid for process in parsers._idle]


def test_no_process_is_started_before_it_is_needed(parsers):
    assert pids(parsers) == []


def test_a_process_is_used_again_also_after_a_file_that_cannot_be_read(parsers):
    assert parsers.document("word", "a.docx", WORD).text == SENTENCE
    before = pids(parsers)
    with pytest.raises(InputError, match=r"b\.docx: no Word document"):
        parsers.document("word", "b.docx", b"x")
    assert parsers.document("word", "a.docx", WORD).text == SENTENCE
    assert pids(parsers) == before
    assert len(before) == 1


def test_a_process_is_replaced_after_many_files(parsers, monkeypatch):
    monkeypatch.setattr(confined, "USES", 2)
    parsers.document("word", "a.docx", WORD)
    assert len(pids(parsers)) == 1
    parsers.document("word", "a.docx", WORD)
    assert pids(parsers) == []
    assert parsers.document("word", "a.docx", WORD).text == SENTENCE


def test_a_process_whose_rows_nobody_reads_to_the_end_is_ended(parsers):
    rows = "".join(cells(n, SENTENCE) for n in range(1, 3000))
    found = parsers.rows("a.xlsx", workbook(f"<sheetData>{rows}</sheetData>"))
    assert next(found) == [SENTENCE]
    found.close()
    assert pids(parsers) == []


def test_documents_are_parsed_at_the_same_time(parsers):
    together = [parsers.later(parsers.document, "word", f"{n}.docx", WORD) for n in range(6)]
    wait(together)
    assert [one.result().text for one in together] == [SENTENCE] * 6
    assert 1 <= len(pids(parsers)) <= 2


def test_when_reading_ends_no_process_is_left():
    with Parsers(Limits()) as some:
        some.document("word", "a.docx", WORD)
        (process,) = some._idle
    assert process._process.returncode is not None
    with pytest.raises(InputError, match="broken off"):
        some.document("word", "a.docx", WORD)


# Programs in the place of ours: one that dies, that is silent, that says what nobody asked for.
READ = (
    "import sys; sys.path[:] = sys.argv[1:]; from classifier.frames import *; "
    "i, o = sys.stdin.buffer, sys.stdout.buffer; receive(i, 10**9); receive(i, 10**9); "
)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        pytest.param("import sys; sys.exit(3)", "its parser broke down at it (signal 3)", id="dies at once"),
        pytest.param(
            READ + "import os, signal; os.kill(os.getpid(), signal.SIGABRT)",
            "its parser broke down at it (signal 6)",
            id="dies at work",
        ),
        pytest.param(
            READ + "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
            "takes more than 512 MB of memory",
            id="ends itself: it watches its memory where the system does not",
        ),
        pytest.param("import threading; threading.Event().wait()", "takes longer than 1 s", id="is silent"),
        pytest.param(
            READ + "send(o, Frame(b'p', b'{')); send(o, Frame(END, b''))",
            "its parser broke down at it",
            id="no JSON",
        ),
        pytest.param(
            READ + "send(o, Frame(b'p', b'[' * 10**6)); send(o, Frame(END, b''))",
            "its parser broke down at it",
            id="JSON too deep",
        ),
        pytest.param(
            READ
            + "import pickle; send(o, Frame(PARSED, pickle.dumps({'text': ''}))); send(o, Frame(END, b''))",
            "its parser broke down at it",
            id="a pickle",
        ),
        pytest.param(
            READ + "send(o, Frame(PARSED, b'{}')); send(o, Frame(PARSED, b'{}')); send(o, Frame(END, b''))",
            "its parser broke down at it",
            id="too many answers",
        ),
        pytest.param(READ + "send(o, Frame(END, b''))", "its parser broke down at it", id="no answer"),
        pytest.param(
            READ + "send(o, Frame(FAILED, b'7'))", "its parser broke down at it", id="no reason for a failure"
        ),
        pytest.param(
            READ + "o.write(b'p' + b'\\xff' * 8)", "its parser broke down at it", id="a huge answer"
        ),
        pytest.param(READ + "o.write(b'Traceback (most recent …'.encode() * 99)", "its parser", id="noise"),
    ],
)
def test_whatever_a_process_does_the_file_is_refused_in_one_line(program, message, monkeypatch):
    monkeypatch.setattr(confined, "_PROGRAM", program)
    with Parsers(Limits(seconds=1)) as some, pytest.raises(InputError, match=r"a\.docx") as caught:
        some.document("word", "a.docx", WORD)
    assert str(caught.value).startswith(f"a.docx: {message}")
    assert caught.value.hint
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param("rows", [["a", "b"], ["c"]], id="a shorter row"),
        pytest.param("rows", [["a", "b"], ["c", "d", "e"]], id="a longer row"),
        pytest.param("rows", [["a", 7]], id="a cell that is no text"),
        pytest.param("batches", "many", id="a number of rows that is none"),
    ],
)
def test_rows_that_are_none_are_refused_in_one_line(kind, value, monkeypatch):
    def answers(*_, **__):
        yield as_json(frames.ROWS, value)
        if kind == "batches":
            yield Frame(frames.DATA, b"")

    some = Parsers(Limits())
    monkeypatch.setattr(some, "_answers", answers)
    with pytest.raises(InputError, match=r"^a: its parser broke down at it$"):
        list(some.rows("a", b"") if kind == "rows" else some.batches("a", b"", path=None))


def test_the_working_folder_is_no_place_to_find_modules_in(tmp_path, monkeypatch):
    (tmp_path / "expat.py").write_text("raise SystemExit('taken over')", encoding="utf-8")
    (tmp_path / "zipfile.py").write_text("raise SystemExit('taken over')", encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('taken over')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), *sys.path])
    with Parsers(Limits()) as some:
        assert some.document("word", "a.docx", WORD).text == SENTENCE


@pytest.mark.parametrize(
    ("kind", "library"), [("pdf", "pypdf"), ("page", "trafilatura"), ("rows", "openpyxl")]
)
def test_where_a_library_is_missing_one_line_says_how_to_get_it(kind, library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with (
        Parsers(Limits()) as some,
        pytest.raises(InputError, match=f"a: reading it needs {library}") as caught,
    ):
        list(some._answers(kind, "a", b""))
    assert caught.value.hint == 'pip install "fupin-classifier[files]"'


def inside(program: str, memory: int = 200, seconds: int = 20) -> str:
    """Run a program as the process that parses is run, confined to few resources; return what it prints."""
    start = (
        "import sys; sys.path[:] = sys.argv[1:]; from classifier.parsing_process import *; "
        "from classifier import parsing_process as own; own._forbid_connections(); "
        f"own._confine_memory(Limits(memory_mb={memory})); own._confine_time(Limits(seconds={seconds}));\n"
    )
    command = [sys.executable, "-I", "-c", start + program, *confined._import_path()]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.stdout.decode() or f"ended by {-done.returncode}"


CATCH = "try:\n    {}\nexcept {} as error:\n    print(type(error).__name__)"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows are watched, not limited")
@pytest.mark.parametrize(
    ("program", "printed"),
    [
        pytest.param(CATCH.format("b'a' * 300_000_000", "MemoryError"), "MemoryError\n", id="memory"),
        pytest.param("print(len(b'a' * 100_000_000))", "100000000\n", id="less memory"),
        pytest.param(
            CATCH.format("print(1, file=open('/tmp/x', 'w'), flush=True)", "OSError"), "OSError\n", id="files"
        ),
        pytest.param("while True: pass", "ended by 24", id="time: SIGXCPU"),
        pytest.param(
            "import urllib.request\n"
            + CATCH.format("urllib.request.urlopen('http://127.0.0.1:9')", "OSError"),
            "URLError\n",
            id="connections",
        ),
    ],
)
def test_the_process_is_held_to_its_limits_by_the_system(program, printed, tmp_path):
    seconds = 1 if program.startswith("while") else 20
    assert inside(program.replace("/tmp/x", str(tmp_path / "x")), seconds=seconds) == printed


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
def test_where_the_system_does_not_hold_it_the_process_watches_itself():
    program = (
        "own._watch(Limits(memory_mb=50))\nkept = []\n"
        "while True: kept.append(bytearray(10_000_000)); Event().wait(0.02)"
    )
    assert inside(program, memory=2000) == "ended by 15"


@pytest.fixture
def limits_set(monkeypatch):
    """Return the limits that are asked of the system, by name, instead of setting them here."""
    resource = pytest.importorskip("resource", reason="Windows has no such limits")
    found = {}
    names = {getattr(resource, name): name for name in dir(resource) if name.startswith("RLIMIT_")}
    monkeypatch.setattr(resource, "setrlimit", lambda which, pair: found.update({names[which]: pair}))
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows are watched, not limited")
def test_the_system_is_asked_for_no_file_and_for_what_one_document_may_take(limits_set, monkeypatch):
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY,) * 2)
    parsing_process._confine_memory(Limits(memory_mb=300))
    parsing_process._confine_time(Limits(seconds=7))
    assert set(limits_set) == {"RLIMIT_FSIZE", "RLIMIT_CORE", "RLIMIT_AS", "RLIMIT_CPU"}
    assert limits_set["RLIMIT_FSIZE"][0] == limits_set["RLIMIT_CORE"][0] == 0
    used = resource.getrusage(resource.RUSAGE_SELF)
    assert 6 <= limits_set["RLIMIT_CPU"][0] - used.ru_utime - used.ru_stime <= 8
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    assert limits_set["RLIMIT_AS"][0] - mapped == pytest.approx(300 * 2**20, abs=50 * 2**20)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limits")
def test_a_limit_that_the_user_has_set_lower_stays(limits_set, monkeypatch):
    import resource

    monkeypatch.setattr(resource, "getrlimit", lambda which: (3, 4))
    parsing_process._set(resource.RLIMIT_CPU, 60)
    parsing_process._set(resource.RLIMIT_FSIZE, 0)
    assert limits_set == {"RLIMIT_CPU": (4, 4), "RLIMIT_FSIZE": (0, 4)}


@pytest.mark.parametrize(
    ("platform", "limits_of_the_system"),
    [("darwin", {"RLIMIT_FSIZE", "RLIMIT_CORE"}), ("win32", set())],
    ids=["macOS: keeps to no limit of memory", "Windows: has none"],
)
def test_where_the_system_would_not_hold_the_memory_it_is_watched(
    platform, limits_of_the_system, limits_set, monkeypatch
):
    monkeypatch.setattr(sys, "platform", platform)
    if platform == "win32":
        monkeypatch.setitem(sys.modules, "resource", None)
    watched = []
    monkeypatch.setattr(parsing_process, "_watch", watched.append)
    parsing_process._confine_memory(Limits(memory_mb=300))
    assert watched == [Limits(memory_mb=300)]
    assert set(limits_set) == limits_of_the_system
    parsing_process._confine_time(Limits())
    assert ("RLIMIT_CPU" in limits_set) == (platform == "darwin")


def test_the_watch_ends_the_process_once_it_uses_more_than_it_may(monkeypatch):
    """One watch is enough, however many documents come; each sets anew what may be used."""
    begun, ended = [], []
    uses = iter([100, 110, 115, 120, 125])  # bytes, at each look
    monkeypatch.setattr(parsing_process, "_watched", {})
    monkeypatch.setattr(parsing_process, "_memory", lambda: next(uses))
    monkeypatch.setattr(parsing_process, "MB", 1)
    monkeypatch.setattr(parsing_process, "_LOOK", 0)
    monkeypatch.setattr(
        parsing_process, "Thread", lambda target, daemon: SimpleNamespace(start=lambda: begun.append(target))
    )
    monkeypatch.setattr(os, "kill", lambda *what: ended.append(what))
    parsing_process._watch(Limits(memory_mb=5))
    parsing_process._watch(Limits(memory_mb=10))  # up to 120
    assert begun == [parsing_process._end_above]
    parsing_process._end_above()
    assert ended == [(os.getpid(), signal.SIGTERM)]
    assert list(uses) == []  # 115 and 120 were looked at, and allowed


def asked(before: str, kind: str, data: bytes) -> list[Frame]:
    """Ask the process, changed by a program before it begins, and limited to 2 s; return its answers."""
    start = (
        "import sys; sys.path[:] = sys.argv[1:]; from classifier import parsing_process as own; "
        f"{before}\nown.main()"
    )
    request, pipe = {"kind": kind, "name": "a", "limits": vars(Limits(seconds=1))}, io.BytesIO()
    send(pipe, as_json(frames.ASKED, request))
    send(pipe, Frame(frames.DATA, data))
    command = [sys.executable, "-I", "-c", start, *confined._import_path()]
    done = subprocess.run(command, input=pipe.getvalue(), capture_output=True, timeout=60, check=False)
    out, found = io.BytesIO(done.stdout), []
    while (frame := receive(out, 10**9)) is not None:
        found.append(frame)
    return found


def test_each_part_of_a_long_workbook_has_its_own_time():
    """Parsing it all takes longer than 2 s, each part less."""
    wasteful = (
        "from classifier import workbooks\ndef rows(*_):\n    for n in range(8 * own.ROWS):\n"
        "        yield [str(n)]\n        if n % own.ROWS == 0:\n            sum(range(2 * 10**7))\n"
        "workbooks.sheet_rows = rows"
    )
    *parts, last = asked(wasteful, "rows", b"")
    assert sum(len(part.value()) for part in parts) == 8 * parsing_process.ROWS
    assert last.kind == frames.END


CONNECTING = """
import socket
def connecting(*_):
    socket.create_connection(('127.0.0.1', PORT))
    yield from ()
own._PARSERS['word'] = connecting
"""
PRINTING = """
def printing(*_):
    print('noise', flush=True)
    yield from ()
own._PARSERS['word'] = printing
"""


def test_requests_are_answered_one_after_the_other_until_they_end():
    """With no limit to memory and files: so the coverage of the process can be written."""
    start = (
        "import sys; sys.path[:] = sys.argv[1:]; from classifier import parsing_process as own; "
        "own._confine_memory = lambda limits: None\nown.main()"
    )
    pipe = io.BytesIO()
    for name in ("a", "b", "cut off"):
        request = {"kind": "word", "name": name, "limits": vars(Limits())}
        send(pipe, as_json(frames.ASKED, request))
        if name != "cut off":
            send(pipe, Frame(frames.DATA, WORD if name == "a" else b"PK"))
    command = [sys.executable, "-I", "-c", start, *confined._import_path()]
    for sent, left in ((pipe.getvalue(), 0), (pipe.getvalue()[:-1], 0), (b"", 3)):
        done = subprocess.run(command, input=sent, capture_output=True, timeout=60, check=False)
        out = io.BytesIO(done.stdout)
        found = [receive(out, 10**6) for _ in range(3)]
        kinds = [frame.kind for frame in found if frame is not None]
        assert kinds == [frames.PARSED, frames.END, frames.FAILED][left:]
        assert (done.returncode, out.read()) == (0, b"")


def test_a_parser_that_connects_is_refused():
    with socket.create_server(("127.0.0.1", 0)) as server:
        (answer,) = asked(CONNECTING.replace("PORT", str(server.getsockname()[1])), "word", b"")
    assert answer.kind == frames.FAILED
    assert answer.value()[0] == "a: cannot be read (PermissionError)"


def test_what_a_parser_prints_is_no_answer():
    assert [frame.kind for frame in asked(PRINTING, "word", b"")] == [frames.END]


def test_parsing_goes_on_in_other_threads_while_this_one_waits(parsers):
    done = []
    thread = threading.Thread(target=lambda: done.append(parsers.document("word", "a.docx", WORD)))
    thread.start()
    thread.join(timeout=30)
    assert [one.text for one in done] == [SENTENCE]


# --- what all parsers do to text ---


@given(st.text(st.characters(), max_size=50))
def test_cleaned_text_can_be_written_and_holds_no_control_characters(text):
    found = cleaned(text)
    found.encode("utf-8")
    assert not {c for c in found if (c < " " and c not in "\n\t") or c in "\x7f\ufffe\uffff"}
    assert cleaned(found) == found


def test_pairs_of_surrogates_become_their_character():
    assert cleaned("\ud842\udfb7村\udc00") == "𠮷村\ufffd"


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2019年10月7日", "2019-10-07"),
        ("2019-10-07 08:15", "2019-10-07"),
        ("2019/1/7", "2019-01-07"),
        ("2019.12.31讯", "2019-12-31"),
        ("20191007", "2019-10-07"),
        ("D:20191007123000+08'00'", "2019-10-07"),
        ("2019-02-30，2019-03-01", "2019-03-01"),
        ("2019年10月", ""),
        ("投入2019.1.2亿", "2019-01-02"),
        ("电话12019-10-07", ""),
        ("1234567890123", ""),
        ("", ""),
    ],
)
def test_the_first_day_of_a_text_is_found(text, day):
    assert day_of(text) == day


def test_the_environment_of_the_process_is_ours_but_for_threads(parsers):
    assert os.environ.get("OPENBLAS_NUM_THREADS") is None or confined._QUIET["OPENBLAS_NUM_THREADS"] == "1"
    assert frames.END not in (frames.PARSED, frames.ROWS, frames.MEMBER, frames.FAILED)


# --- what the process answers, asked here ---

KINDS = {
    ".docx": "word",
    ".pdf": "pdf",
    ".xlsx": "rows",
    ".zip": "members",
    ".mht": "snapshot",
    ".html": "page",
}
# Those that are good in themselves, or good but for what this process finds
FINE = ("million.xlsx", "far.xlsx", "big5.html", "empty.zip", "nested.zip")
BROKEN = [name for name in CORPUS if Path(name).suffix in KINDS and name not in FINE]


def answered(kind: str, data: bytes, name: str = "a", **limits: int) -> list[Frame]:
    """Return the answers of the process to a request, made in this one."""
    request = {"kind": kind, "name": name, "path": None, "wanted": [".txt", ".zip"], "room": 2_000_000_000}
    return list(parsing_process._answers(request, data, Limits(**limits)))


@pytest.mark.parametrize("name", BROKEN)
def test_each_broken_document_is_answered_with_its_reason(name):
    made, reason = CORPUS[name]
    answers = answered(KINDS[Path(name).suffix], made if isinstance(made, bytes) else made(), name)
    whole = answers[-1].kind == frames.FAILED  # else it is an archive of which a file is refused
    found, hint = answers[-1].value()[:2] if whole else answers[0].value()[1]
    assert re.search(reason, found)
    assert found.startswith(name)
    assert hint


def test_rows_come_in_parts_and_long_ones_sooner(monkeypatch):
    sheet = "".join(cells(n, "村" * 100) for n in range(1, 13))
    data = workbook(f"<sheetData>{sheet}</sheetData>")
    parts = [frame.value() for frame in answered("rows", data) if frame.kind == frames.ROWS]
    assert [len(part) for part in parts] == [12]
    monkeypatch.setattr(parsing_process, "ROWS", 5)
    assert [len(f.value()) for f in answered("rows", data) if f.kind == frames.ROWS] == [5, 5, 2]
    monkeypatch.setattr(parsing_process, "ROWS_CHARACTERS", 300)
    assert [len(f.value()) for f in answered("rows", data) if f.kind == frames.ROWS] == [3, 3, 3, 3, 0]


def test_a_document_and_a_page_are_answered_whole():
    (parsed, end) = answered("word", WORD)
    assert (parsed.kind, end.kind) == (frames.PARSED, frames.END)
    assert parsed_from(parsed.value()).text == SENTENCE
    (parsed, _) = answered("page", f"<html><body><p>{SENTENCE * 9}</p></body></html>".encode())
    assert parsed_from(parsed.value()).text == SENTENCE * 9


def test_a_document_of_more_text_than_is_allowed_is_refused():
    (answer,) = answered("word", WORD, characters=len(SENTENCE) - 1)
    assert answer.kind == frames.FAILED
    assert answer.value()[0] == f"a: more than {len(SENTENCE) - 1:,} characters of text"
    assert answered("word", WORD, characters=len(SENTENCE))[0].kind == frames.PARSED


@pytest.mark.parametrize(
    ("error", "message", "spent"),
    [
        pytest.param(MemoryError(), "a: takes more than 512 MB of memory", True, id="memory"),
        pytest.param(RecursionError(), "a: nested too deeply", False, id="recursion"),
        pytest.param(ImportError("no", name="lxml"), "a: reading it needs lxml", False, id="a library"),
        pytest.param(KeyError("x"), "a: cannot be read (KeyError)", False, id="anything else"),
    ],
)
def test_whatever_a_parser_raises_becomes_an_answer(error, message, spent, monkeypatch):
    def failing(*_):
        raise error

    monkeypatch.setitem(parsing_process._PARSERS, "word", failing)
    (answer,) = answered("word", b"")
    assert answer.kind == frames.FAILED
    assert (answer.value()[0], answer.value()[2]) == (message, spent)
    assert answer.value()[1]


def test_the_memory_in_use_is_known():
    assert 10_000_000 < parsing_process._memory() < 10_000_000_000
