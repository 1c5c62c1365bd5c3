"""What a run leaves out: on stderr, in ``OUT.errors.csv``, and as exit code 3."""

from __future__ import annotations

import copy
import csv
import gzip
import io
import re
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from hostile_files import SENTENCE, packed, paragraph, word
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from classifier.console import TOLD
from classifier.errors import OutputError, SkippedError
from classifier.inert_text import on_one_line
from classifier.limits import LIMITS, Limits
from classifier.skipped import write_skipped
from classifier.spreadsheet_guard import unguarded

BIG5 = "鄉親們的醫療與教育".encode("big5")
REASON = "neither UTF-8 (byte 0) nor GB18030"
HINT = "name its encoding: --encoding big5"


@pytest.fixture
def label(fupin_here, tiny_model_folder):
    return lambda *arguments, **options: fupin_here("label", *arguments, "-m", tiny_model_folder, **options)


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a good text, one in Big5, and a table with a bad row."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(SENTENCE, encoding="utf-8")
    (tmp_path / "in" / "b.txt").write_bytes(BIG5)
    (tmp_path / "in" / "c.csv").write_text("id,text\n1,医生来了很久。\n2\n", encoding="utf-8")
    return tmp_path / "in"


def listed(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


# --- the list ---


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(*[st.text(st.characters(exclude_categories=["Cs"]), min_size=1)] * 3), min_size=1))
def test_what_is_written_is_read_back_and_holds_no_formula(tmp_path_factory, rows):
    out = tmp_path_factory.mktemp("list") / "out.csv"
    path = write_skipped(out, [SkippedError(*row) for row in rows])
    assert path.read_bytes().startswith(b"\xef\xbb\xbfpath,reason,hint\n")
    _, *found = listed(path)
    assert [tuple(map(unguarded, row)) for row in found] == [tuple(map(on_one_line, row)) for row in rows]
    assert not [c for row in found for c in row if c.startswith(tuple("=+-@\t＝＋－＠"))]


@pytest.mark.parametrize(
    "error", [OutputError("a.csv: no space", "free some"), SkippedError("a.txt", REASON, HINT)]
)
def test_an_error_of_another_process_arrives_as_it_was(error):
    """They are taken apart and made anew on the way, as in a copy."""
    arrived = copy.copy(error)
    assert (type(arrived), vars(arrived), str(arrived)) == (type(error), vars(error), str(error))


def test_an_empty_run_removes_the_list_of_the_one_before(tmp_path):
    out = tmp_path / "out.csv"
    assert write_skipped(out, []) is None
    assert write_skipped(out, [SkippedError("a", "b", "c")]) == tmp_path / "out.csv.errors.csv"
    assert write_skipped(out, []) is None
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "out.csv.errors.csv").mkdir()
    for skipped in ([], [SkippedError("a", "b", "c")]):
        with pytest.raises(OutputError, match=r"out\.csv\.errors\.csv: ") as caught:
            write_skipped(tmp_path / "out.csv", skipped)
        assert caught.value.hint


# --- the command ---


def test_what_is_left_out_is_told_listed_and_ends_with_3(label, folder, tmp_path):
    out = tmp_path / "out.csv"
    ran = label(folder, "-o", out)
    cells = "cells that hold a comma, a quote or a line break must be quoted"
    expected = [
        [f"{folder}/b.txt", REASON, HINT],
        [f"{folder}/c.csv", "row 2 has 1 cells, the header 2", cells],
    ]
    assert ran.code == 3
    assert ran.err.splitlines()[:-1] == [
        *(
            line
            for path, reason, hint in expected
            for line in (f"skipped: {path}: {reason}", f"  hint: {hint}")
        ),
        f"what was skipped is listed in {out}.errors.csv",
    ]
    assert listed(tmp_path / "out.csv.errors.csv") == [["path", "reason", "hint"], *expected]
    assert len(listed(out)) == 3


def test_a_run_that_leaves_nothing_out_removes_the_list(label, folder, tmp_path):
    label(folder, "-o", tmp_path / "out.csv")
    (folder / "b.txt").unlink()
    (folder / "c.csv").unlink()
    assert label(folder, "-o", tmp_path / "out.csv").code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "out.csv"]


def test_without_an_output_file_there_is_no_list(label, folder, tmp_path):
    ran = label(folder)
    assert (ran.code, len(ran.rows)) == (3, 2)
    assert "listed" not in ran.err
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_a_resumed_run_that_has_nothing_to_do_keeps_list_and_exit_code(label, folder, tmp_path):
    out = tmp_path / "out.csv"
    label(folder, "-o", out)
    before = (tmp_path / "out.csv.errors.csv").read_bytes()
    ran = label(folder, "-o", out, "--resume")
    assert "nothing to do" in ran.err
    assert ran.code == 3
    assert (tmp_path / "out.csv.errors.csv").read_bytes() == before


def test_of_very_many_only_the_first_are_told_on_stderr(label, folder, tmp_path):
    (folder / "c.csv").write_text("id,text\n1,医生来了很久。\n" + "2\n" * (TOLD + 4), encoding="utf-8")
    ran = label(folder, "-o", tmp_path / "out.csv")
    assert ran.err.count("skipped: ") == TOLD
    assert f"5 more; what was skipped is listed in {tmp_path}/out.csv.errors.csv" in ran.err
    assert len(listed(tmp_path / "out.csv.errors.csv")) == TOLD + 6
    assert label(folder).err.count("skipped: ") == TOLD + 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_a_name_that_would_move_the_cursor_or_begin_a_line_does_neither(label, folder, tmp_path):
    (folder / "\x1b[2J\nerror: x\u202e.txt").write_bytes(BIG5)
    data = packed({"\x1b]0;x\x07\r\n.txt": BIG5, "\x1b[1m.txt": "\0"})
    (folder / "d.zip").write_bytes(data)
    (folder / "e.csv").write_text("\x1b[31m报道\n医生来了很久。\n", encoding="utf-8")
    ran = label(folder, "-o", tmp_path / "out.csv")
    assert ran.code == 3
    assert len([line for line in ran.err.splitlines() if line.startswith("skipped: ")]) == 5
    assert not set(ran.err) & set("\x1b\x07\r\u202e\0")
    assert not [line for line in ran.err.splitlines() if line.startswith("error")]
    assert len(listed(tmp_path / "out.csv.errors.csv")) == 6


def test_a_formula_in_a_files_name_is_guarded(label, folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "=1+1.txt").write_bytes(BIG5)
    label("in/a.txt", "=1+1.txt", "-o", "out.csv")
    assert listed(tmp_path / "out.csv.errors.csv")[1][0] == "'=1+1.txt"


# --- limits ---


def test_limits_are_changed_by_name():
    assert Limits().changed([]) == LIMITS
    assert Limits().changed(["seconds=60", "pages=1", "seconds=70"]) == Limits(seconds=70, pages=1)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("second=60", "no limit is called 'second'; there are file_mb, unpacked_mb"),
        ("", "no limit is called ''"),
        ("seconds", "write a whole number above 0, such as seconds=60"),
        ("seconds=", "write a whole number above 0"),
        ("seconds=0", "write a whole number above 0"),
        ("seconds=-1", "write a whole number above 0"),
        ("seconds=1.5", "write a whole number above 0"),
        ("seconds=²", "write a whole number above 0"),
        ("seconds=2147483648", "write a whole number above 0"),
    ],
)
def test_a_limit_that_makes_no_sense_is_a_mistake_in_usage(setting, message, label, folder):
    with pytest.raises(ValueError, match=message):
        Limits().changed([setting])
    ran = label(folder, "--limit", setting)
    assert ran.code == 2
    assert ran.out == b""
    assert "--limit" in ran.err


def test_a_limit_named_on_the_command_line_holds(label, tmp_path):
    (tmp_path / "a.docx").write_bytes(word(paragraph(SENTENCE)))
    assert label(tmp_path / "a.docx").code == 0
    ran = label(tmp_path / "a.docx", "--limit", "characters=10", "--limit", "seconds=9")
    assert ran.code == 1
    assert ran.problem == [
        f"error: {tmp_path}/a.docx: more than 10 characters of text",
        "hint: if you trust the file, raise the limit: --limit characters=N",
    ]


def test_every_limit_stands_in_the_help_with_its_default(label):
    words = "".join(label("--help").text.split())
    for name, value in vars(LIMITS).items():
        assert f"{name}={value}" in words


def test_the_page_on_reading_has_every_limit_with_its_default():
    page = (Path(__file__).resolve().parents[1] / "docs" / "reading.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE))
    assert table == {name: str(value) for name, value in vars(LIMITS).items()}


def test_the_column_that_was_found_is_told(label, tmp_path):
    (tmp_path / "a.csv").write_text(f"编号,正文\n9,{SENTENCE}\n", encoding="utf-8")
    ran = label(tmp_path / "a.csv")
    assert ran.code == 0
    assert "the text is taken from column '正文'" in ran.err
    assert [(r["doc_id"], r["text"], r["编号"]) for r in ran.rows] == [("1", SENTENCE, "9")]


# --- other processes are started for those files only that need them ---

WATCHED = """
import subprocess, sys
original = subprocess.Popen
def watched(command, *arguments, **options):
    if "parsing_process" in str(command):
        print("STARTED", file=sys.stderr)
    return original(command, *arguments, **options)
subprocess.Popen = watched
from classifier.cli import main
sys.argv = ["fupin", *sys.argv[1:]]
try:
    main()
finally:
    heavy = {"trafilatura", "lxml", "pypdf", "openpyxl"} & set(sys.modules)
    print("LOADED", sorted(heavy), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("names", "started"),
    [
        pytest.param(["a.txt", "b.csv", "c.jsonl", "e.txt.gz"], 0, id="plain files"),
        pytest.param(["a.txt", "d.parquet"], 1, id="a Parquet file"),
        pytest.param(["a.txt", "f.docx", "g.docx"], 1, id="Word documents"),
    ],
)
def test_only_files_that_need_it_start_a_process_and_no_parser_is_loaded_here(
    names, started, tiny_model_folder, tmp_path
):
    table = io.BytesIO()
    parquet.write_table(pyarrow.table({"id": ["d"], "text": [SENTENCE]}), table)
    files = {
        "a.txt": SENTENCE.encode(),
        "b.csv": f"id,text\nb,{SENTENCE}\n".encode(),
        "c.jsonl": f'{{"id": "c", "text": "{SENTENCE}"}}'.encode(),
        "d.parquet": table.getvalue(),
        "e.txt.gz": gzip.compress(SENTENCE.encode()),
        "f.docx": word(paragraph(SENTENCE)),
        "g.docx": word(paragraph(SENTENCE)),
    }
    for name in names:
        (tmp_path / name).write_bytes(files[name])
    command = [sys.executable, "-c", WATCHED, "label", tmp_path, "-m", tiny_model_folder, "--jobs", "1"]
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=60, check=False)
    err = done.stderr.decode("utf-8", "replace")
    assert done.returncode == 0, err
    assert f"{len(names)} documents in" in err
    assert err.count("STARTED") == started
    assert "LOADED []" in err
