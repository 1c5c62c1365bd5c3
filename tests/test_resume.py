"""A run that was broken off and gone on with gives the bytes of an undisturbed one, and says what it does.

The environment variable FUPIN_KILLS sets how often a run is killed at random; six times by default,
and the run of which every line is a moment to die is tried at more of them.
"""

from __future__ import annotations

import csv
import errno
import itertools
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil

import pytest
from pyarrow import parquet

import classifier.batch
import classifier.journal
import classifier.output
import classifier.sheet_xml
from classifier.batch import label_documents
from classifier.crew import AHEAD, ALONE, Processes, ThisProcess
from classifier.documents import documents, parcels
from classifier.errors import OutputError
from classifier.journal import Journal
from classifier.output import FORMATS
from classifier.store import load_model, save_model

KILLS = int(os.environ.get("FUPIN_KILLS", "6"))
MANY, FEW = 7_000, 60


def write_documents(path, texts, number):
    """Write short documents as JSONL: three sentences each, some empty, and a column of their own."""
    with path.open("w", encoding="utf-8") as stream:
        for i in range(number):
            text = "".join(texts[(i * 7 + k) % len(texts)] for k in range(3)) if i % 10 else ""
            stream.write(json.dumps({"id": f"文{i}", "text": text, "n": i}, ensure_ascii=False) + "\n")
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory, tiny_corpus):
    """Return a file whose documents take fourteen chunks."""
    return write_documents(tmp_path_factory.mktemp("many") / "many.jsonl", tiny_corpus.texts, MANY)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, many, tiny_model_folder):
    """Return, for each format, a run over ``many`` that nothing disturbed."""
    folder, model = tmp_path_factory.mktemp("undisturbed"), load_model(tiny_model_folder)
    for name in FORMATS:
        label_documents(parcels([many]), model, folder / f"out.{name}")
    return {path.suffix: path for path in folder.iterdir()}


@pytest.fixture
def few(tmp_path, tiny_corpus, monkeypatch):
    """Return a file of few documents, and let them be labelled ten at a time."""
    monkeypatch.setattr(classifier.batch, "CHUNK", 10)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))  # notes of what was completed
    return write_documents(tmp_path / "few.jsonl", tiny_corpus.texts, FEW)


@pytest.fixture(params=FORMATS)
def out(request, tmp_path):
    """Return where the output goes: a folder of its own, in one format after the other."""
    (tmp_path / "made").mkdir()
    return tmp_path / "made" / f"out.{request.param}"


@pytest.fixture
def label(fupin_here, few, tiny_model_folder):
    """Run `fupin label FEW -o OUT` in this process, with one job."""

    def run(out, *options, source=few, model=tiny_model_folder):
        return fupin_here("label", source, "-m", model, "-o", out, "--jobs", 1, *options)

    return run


@pytest.fixture
def wanted(label, out):
    """Return the bytes of an undisturbed run over ``few``."""
    whole = out.with_name(f"whole{out.suffix}")
    assert label(whole).code == 0
    data = whole.read_bytes()
    whole.unlink()
    return data


@pytest.fixture
def resume_many(fupin_here, many, tiny_model_folder):
    """Go on with a run over ``many`` in this process."""
    return lambda out: fupin_here("label", many, "-m", tiny_model_folder, "-o", out, "--resume", "--jobs", 1)


@pytest.fixture
def start(many, tiny_model_folder):
    """Start `fupin label` over ``many`` in a process of its own; see `killed`."""
    return lambda out, *options, **when: killed((many, "-m", tiny_model_folder, *options), out, **when)


@pytest.fixture
def break_off(label, monkeypatch):
    """Run `fupin label` until it has noted so many chunks, then interrupt it."""

    def run(out, *options, after=2, **source):
        add, calls = Journal.add, itertools.count(1)

        def interrupted(*arguments):
            add(*arguments)
            if next(calls) == after:
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Journal, "add", interrupted)
            ran = label(out, *options, **source)
        assert ran.code == 130
        return ran

    return run


def names(out):
    """Return what stands in the folder of an output, as endings behind its name."""
    return sorted(path.name.removeprefix(out.name) for path in out.parent.iterdir())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def assert_refused(ran, message):
    assert ran.code == 1
    error, hint = ran.problem
    assert message in error
    assert len(hint) > len("hint: ")
    assert "Traceback" not in ran.err


# --- killed ---


def killed(arguments, out, size, by=signal.SIGKILL):
    """Start `fupin label`, kill it once what it writes has reached a size, and return how it ended."""
    command = [sys.executable, "-m", "classifier", "label", *map(str, arguments), "-o", out]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    # Of a workbook the rows come first, as XML, of about eight times the size.
    growing, size = (".spool", 8 * size) if out.suffix == ".xlsx" else (".part", size)
    part = out.with_name(out.name + growing)
    while not (part.exists() and part.stat().st_size >= size):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.001)
            break
    process.send_signal(by)
    process.wait(60)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # the processes that worked for it
    return process.returncode


@pytest.mark.parametrize("seed", range(ceil(KILLS / 6)))
def test_a_run_killed_twice_at_random_and_resumed_has_lost_and_doubled_nothing(
    start, resume_many, undisturbed, out, seed
):
    chance, whole = random.Random(f"{seed}{out.suffix}"), undisturbed[out.suffix].read_bytes()
    for size in sorted(chance.uniform(0, 0.7) * len(whole) for _ in range(2)):
        assert start(out, "--resume", "--jobs", chance.choice([1, 2]), size=size) == -signal.SIGKILL
        assert not out.exists()
    ran = resume_many(out)
    assert ran.code == 0
    assert "going on behind" in ran.err
    assert out.read_bytes() == whole
    assert names(out) == [""]


def test_an_undisturbed_run_has_every_document_in_order(undisturbed):
    with undisturbed[".csv"].open(encoding="utf-8-sig", newline="") as stream:
        ids = [(row["doc_id"], row["segment_id"]) for row in csv.DictReader(stream)]
    assert len(set(ids)) == len(ids)
    assert list(dict.fromkeys(doc for doc, _ in ids)) == [f"文{i}" for i in range(MANY) if i % 10]
    assert undisturbed[".jsonl"].read_bytes().count(b"\n") == len(ids)
    assert parquet.read_metadata(undisturbed[".parquet"]).num_rows == len(ids)


@pytest.mark.parametrize("jobs", [1, 2])
def test_control_c_ends_with_130_and_the_run_can_be_gone_on_with(
    start, resume_many, undisturbed, tmp_path, jobs
):
    out, whole = tmp_path / "out.csv", undisturbed[".csv"].read_bytes()
    assert start(out, "--jobs", jobs, size=len(whole) / 2, by=signal.SIGINT) == 130
    assert names(out) == [".journal", ".part"]
    assert resume_many(out).code == 0
    assert out.read_bytes() == whole


def test_control_c_is_told_with_the_way_to_go_on(break_off, label, tmp_path):
    out = tmp_path / "out.csv"
    told = break_off(out).err
    behind = re.search(r"broken off behind ([\d,]+ documents); .*--resume goes on there\n$", told)
    assert behind, told
    assert f"going on behind {behind[1]}" in label(out, "--resume").err


WATCHED = {classifier.journal.__file__, classifier.output.__file__, classifier.sheet_xml.__file__}
LEFT = ".journal-journal"  # see the expected failure below
PASSES = 3  # through a line, after which it brings nothing new
forking = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


def dies(run):
    """Run something in a copy of this process; return whether that died by `die`."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    with suppress(BaseException):
        run()
    os._exit(0)


def die(*_):
    """End this process as a kill does: nothing is flushed, closed or undone."""
    os._exit(9)


def dying_at(step, run):
    """Return what runs until the n-th new line of the watched modules, and dies there."""
    passes, steps = Counter(), itertools.count(1)

    def each(frame, event, _):
        passes[frame.f_code, frame.f_lineno] += event == "line"
        if event == "line" and passes[frame.f_code, frame.f_lineno] <= PASSES and next(steps) == step:
            die()
        return each

    def traced():
        sys.settrace(lambda frame, *_: each if frame.f_code.co_filename in WATCHED else None)
        run()

    return traced


@pytest.fixture
def run_on(few, tiny_model):
    """Label ``few``, going on with what is there."""
    return lambda out: label_documents(
        documents([few]), tiny_model, out, resume=True, facts={"inputs": "few"}
    )


@forking
def test_a_run_killed_at_any_line_can_be_gone_on_with(run_on, out):
    whole = out.with_name(f"whole{out.suffix}")
    run_on(whole)
    for step in itertools.count(1, max(1, 72 // KILLS)):
        if not dies(dying_at(step, lambda: run_on(out))):
            break
        run_on(out)
        assert out.read_bytes() == whole.read_bytes(), f"killed at step {step}"
        assert set(names(out)) <= {"", whole.name, LEFT}
        out.unlink()
    assert step > 60


@forking
def test_a_run_killed_when_all_was_written_leaves_nothing_once_it_is_gone_on_with(run_on, out, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(classifier.batch, "put_in_place", die)
        assert dies(lambda: run_on(out))
    run_on(out)
    assert names(out) == [""]


# --- a full disk ---


@contextmanager
def room_for(size):
    """Let no file grow beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [0, 4096, 9000, 17_000])
def test_a_full_disk_is_one_line_and_one_hint_and_the_run_can_be_gone_on_with(label, out, wanted, room):
    with room_for(room):
        ran = label(out)
    assert_refused(ran, out.name)
    assert not out.exists()
    assert label(out, "--resume").code == 0
    assert out.read_bytes() == wanted
    assert names(out) == [""]


@pytest.mark.parametrize("chunk", [1, 2, 6])
def test_a_disk_that_is_full_when_a_chunk_is_made_sure_of_doubles_nothing(
    label, out, wanted, monkeypatch, chunk
):
    calls = itertools.count(1)

    def full(_):
        if next(calls) == chunk:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert_refused(label(out), f"{out}: No space left on device")
    assert names(out) == sorted(unfinished(out) if chunk > 1 else [])
    assert label(out, "--resume").code == 0
    assert out.read_bytes() == wanted


@pytest.mark.parametrize("out", ["xlsx"], indirect=True)
def test_a_disk_that_is_full_when_the_workbook_is_put_together_loses_nothing(
    label, break_off, out, wanted, monkeypatch
):
    break_off(out, after=6)  # all rows are made
    out.write_bytes(b"older")

    def full(lines, rows, stream):
        stream.write(b"0" * 60_000)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(classifier.output, "write_workbook", full)
        assert_refused(label(out, "--resume"), f"{out}: No space left on device")
    assert out.read_bytes() == b"older"
    assert names(out) == ["", ".journal", ".part", ".spool"]
    ran = label(out, "--resume")
    assert ran.err.splitlines()[0] == "going on behind 60 documents"
    assert (out.read_bytes(), names(out)) == (wanted, [""])


# --- what stands beside the output ---


def unfinished(out):
    rows = {".parquet": [".part", ".spool"], ".xlsx": [".spool"]}
    return [".journal", *rows.get(out.suffix, [".part"])]


def test_what_is_unfinished_stands_beside_the_output_and_is_gone_when_it_is_whole(
    label, break_off, out, wanted
):
    out.write_bytes(b"older")
    break_off(out)
    assert names(out) == ["", *unfinished(out)]
    assert out.read_bytes() == b"older"
    ran = label(out, "--resume")
    assert ran.err.splitlines()[0] == "going on behind 20 documents"
    assert "60 documents in" in ran.err.splitlines()[-1]
    assert out.read_bytes() == wanted
    assert names(out) == [""]


def test_a_run_can_be_broken_off_as_often_as_one_likes(label, break_off, out, wanted):
    for _ in range(4):
        break_off(out, "--resume", after=1)
    ran = label(out, "--resume")
    assert ran.err.splitlines()[0] == "going on behind 40 documents"
    assert out.read_bytes() == wanted


def test_without_a_journal_a_run_starts_from_the_beginning(label, out, wanted):
    part = out.with_name(f"{out.name}.part")
    part.write_bytes(b"rubbish of something else")
    ran = label(out, "--resume")
    assert (ran.code, len(ran.err.splitlines())) == (0, 1)
    assert out.read_bytes() == wanted
    assert names(out) == [""]


def test_without_resume_an_unfinished_run_is_discarded_in_one_line(label, break_off, out, wanted):
    break_off(out)
    ran = label(out)
    told, done = ran.err.splitlines()
    assert told == "discarded an unfinished run (20 documents done); --resume would have gone on with it"
    assert done.startswith("60 documents in")
    assert (ran.code, out.read_bytes(), names(out)) == (0, wanted, [""])


@pytest.mark.parametrize("rubbish", [b"", b"no journal", b"SQLite format 3\0" + b"\xa5" * 9000])
def test_a_journal_of_rubbish_starts_from_the_beginning(label, break_off, out, wanted, rubbish):
    break_off(out)
    out.with_name(f"{out.name}.journal").write_bytes(rubbish)
    ran = label(out, "--resume")
    assert (ran.code, len(ran.err.splitlines())) == (0, 1)
    assert (out.read_bytes(), names(out)) == (wanted, [""])


# --- complete ---


def test_a_complete_output_is_told_and_not_written_again(label, out):
    label(out)
    before = out.stat()
    ran = label(out, "--resume")
    assert ran.code == 0
    assert ran.err.splitlines()[0] == f"{out} is complete, and its inputs are unchanged: nothing to do"
    assert (out.stat().st_mtime_ns, out.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert names(out) == [""]


@pytest.mark.parametrize("options", [(), ("--unit", "row")], ids=["another input", "another option"])
def test_a_complete_output_of_something_else_is_made_anew(label, few, out, options):
    label(out)
    before = out.read_bytes()
    if not options:
        few.write_text(few.read_text(encoding="utf-8").replace("文3", "章3"), encoding="utf-8")
    ran = label(out, "--resume", *options)
    assert (ran.code, "is complete" in ran.err) == (0, False)
    assert out.read_bytes() != before


# --- changed since ---


def longer(path):
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"id": "新", "text": "新来的医生到了。", "n": 0}\n')


def test_a_changed_input_is_refused_and_what_is_done_stays(label, break_off, few, out):
    break_off(out)
    before = contents(out.parent)
    longer(few)
    ran = label(out, "--resume")
    assert_refused(ran, f"{out}: cannot go on, changed since the run began: inputs")
    assert ran.problem[1] == "hint: run without --resume to start anew"
    assert contents(out.parent) == before


def test_a_changed_model_is_refused_and_what_is_done_stays(label, break_off, out, tiny_model, tmp_path):
    break_off(out)
    before = contents(out.parent)
    save_model(tiny_model, tmp_path / "other", "# 另一个\n", {"sha256": "1" * 64, "segments": 120})
    ran = label(out, "--resume", model=tmp_path / "other")
    assert_refused(ran, f"{out}: cannot go on, changed since the run began: model")
    assert contents(out.parent) == before


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        (("--unit", "row"), "unit"),
        (("--scheme", "two-kinds"), "scheme"),
        (("--explain",), "explain"),
        (("--raw",), "raw"),
        (("--encoding", "utf-8"), "encoding"),
        (("--id-column", "n"), "id column"),
        (("--text-column", "id"), "text column"),
        (("--explain", "--unit", "row"), "explain, unit"),
    ],
)
def test_a_changed_option_is_refused_and_what_is_done_stays(label, break_off, tmp_path, options, changed):
    (tmp_path / "made").mkdir()
    out = tmp_path / "made" / "out.csv"
    break_off(out)
    before = contents(out.parent)
    assert_refused(label(out, "--resume", *options), f"changed since the run began: {changed}")
    assert contents(out.parent) == before


def test_another_format_is_refused(label, break_off, tmp_path):
    out = tmp_path / "out.csv"
    break_off(out)
    ran = label(out, "--resume", "--format", "jsonl")
    assert_refused(ran, "changed since the run began: format")


def test_a_run_over_standard_input_cannot_be_gone_on_with(label, tmp_path):
    ran = label(tmp_path / "out.csv", "--resume", source="-")
    assert_refused(ran, "--resume: standard input cannot be read again")
    assert not (tmp_path / "out.csv.journal").exists()


def test_the_same_input_under_another_folder_is_no_change(label, break_off, few, out, wanted):
    break_off(out)
    folder = few.parent / "moved"
    folder.mkdir()
    ran = label(out, "--resume", source=few.rename(folder / few.name))
    assert (ran.code, out.read_bytes()) == (0, wanted)


# --- one run at a time ---


def test_a_second_run_on_the_same_output_is_refused(fupin, few, tiny_model_folder, tmp_path):
    (tmp_path / "made").mkdir()
    out = tmp_path / "made" / "out.csv"
    with Journal(out) as journal:
        journal.begin({})
        ran = fupin("label", few, "-m", tiny_model_folder, "-o", out)
        assert_refused(ran, f"{out}: another run of fupin is writing it")
        assert ".part" not in names(out)
        assert journal.facts() == {}


# --- units ---


def test_unit_row_gives_a_row_an_input_row_however_often_it_is_broken_off(label, break_off, tmp_path):
    out = tmp_path / "out.jsonl"
    break_off(out, "--unit", "row")
    assert label(out, "--unit", "row", "--resume").code == 0
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [row["doc_id"] for row in rows] == [f"文{i}" for i in range(FEW)]
    assert [row["doc_id"] for row in rows if not row["text"]] == [f"文{i}" for i in range(0, FEW, 10)]


# --- what was changed ---


@pytest.fixture
def odd(tmp_path, tiny_corpus):
    """Return a file of documents whose ids begin like formulas, and some of which hold a NUL."""
    path = tmp_path / "odd.jsonl"
    with path.open("w", encoding="utf-8") as stream:
        for i in range(FEW):
            note = "村\0里" if i % 7 == 0 else "村里"
            row = {"id": f"={i}", "text": tiny_corpus.texts[i], "=note": note}
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path


@pytest.mark.parametrize("out", ["csv", "xlsx"], indirect=True)
def test_what_was_changed_is_counted_alike_however_often_a_run_is_broken_off(label, break_off, odd, out):
    def changed(ran):
        return [line for line in ran.err.splitlines() if "cells changed:" in line]

    whole = changed(label(out, source=odd))
    counts = (
        "130 cells changed: 121 guarded with an apostrophe against formulas (--raw: not), 9 with characters"
    )
    assert len(whole) == 1
    assert whole[0].startswith(counts)  # doc_id and segment_id of 60 rows, a header; a NUL in 9 notes
    assert changed(label(out, "--resume", source=odd)) == whole  # nothing to do, and still told
    out.unlink()
    for _ in range(3):
        break_off(out, "--resume", after=1, source=odd)
    assert changed(label(out, "--resume", source=odd)) == whole
    raw = changed(label(out, "--raw", source=odd))
    assert raw[0].startswith("9 cells changed: 9 with characters")


@pytest.mark.parametrize("out", ["csv", "xlsx"], indirect=True)
def test_what_was_changed_is_counted_alike_whoever_does_the_work(odd, out, tiny_model, two, monkeypatch):
    monkeypatch.setattr(classifier.batch, "CHUNK", 5)  # twelve chunks: the last four are done elsewhere
    alone = label_documents(documents([odd]), tiny_model, out)
    bytes_alone = out.read_bytes()
    assert alone.changes.guarded == 121
    assert label_documents(documents([odd]), tiny_model, out, crew=two) == alone
    assert out.read_bytes() == bytes_alone


def test_a_run_broken_off_between_the_shares_of_one_document_goes_on_with_the_next_share(
    label, wanted, out, break_off, monkeypatch
):
    monkeypatch.setattr(classifier.batch, "WRITTEN", 400)
    if out.suffix == ".parquet":  # its groups of rows are chunks: only the rows are the same
        assert label(out).code == 0
        wanted = out.read_bytes()
        out.unlink()
    for after in (3, 1, 2, 1):
        break_off(out, "--resume", after=after)
    with Journal(out) as journal:
        assert journal.shares() > 0
    assert label(out, "--resume").code == 0
    assert out.read_bytes() == wanted


# --- who does the work ---


class AtOnce:
    """A thread that has done its work when it is started."""

    def __init__(self, *, target, args, daemon):
        self.start = lambda: target(*args)


@pytest.fixture
def two(monkeypatch):
    """Return two processes that are up, and take all the work, as soon as they are called."""
    monkeypatch.setattr("classifier.crew.Thread", AtOnce, raising=False)
    return Processes(2)


@dataclass(frozen=True)
class Where:
    """What was done where."""

    process: int
    model: str
    chunk: int
    rows: bytes = b""


def where(model, chunk):
    return Where(os.getpid(), model, chunk)


def fatal_elsewhere(here, chunk):
    if os.getpid() != here:
        os._exit(1)


@pytest.mark.parametrize("out", ["parquet"], indirect=True)
def test_the_bytes_do_not_depend_on_who_does_the_work(few, out, wanted, tiny_model, two):
    label_documents(documents([few]), tiny_model, out, crew=two)
    assert out.read_bytes() == wanted


def test_processes_share_the_work_in_order_and_read_no_further_ahead_than_they_must(two):
    read, ahead, found = [], [], []
    for made in two.run(where, "model", (read.append(n) or n for n in range(30))):
        found.append(made)
        ahead.append(len(read) - len(found))
    assert [(f.model, f.chunk) for f in found] == [("model", n) for n in range(30)]
    assert [f.process == os.getpid() for f in found] == [True] * ALONE + [False] * (30 - ALONE)
    assert max(ahead) == 2 * AHEAD


@pytest.mark.parametrize("crew", [ThisProcess(), Processes(1), Processes(3)], ids=["this", "one", "three"])
def test_work_that_is_short_or_for_one_is_done_here(crew):
    found = list(crew.run(where, "model", range(ALONE)))
    assert found == [Where(os.getpid(), "model", n) for n in range(ALONE)]


def test_a_process_that_dies_is_one_line_and_the_hint_to_go_on(two):
    with pytest.raises(OutputError, match="a process died, as where memory runs out") as caught:
        list(two.run(fatal_elsewhere, os.getpid(), range(ALONE + 3)))
    assert "--resume" in caught.value.hint
