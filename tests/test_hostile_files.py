"""Hostile and broken files: each is told in one line with a hint, and takes nothing else with it."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hostile_files import CORPUS, SENTENCE, packed, paragraph, word, workbook, write_corpus

from classifier import confined
from classifier.documents import Reading, documents
from classifier.errors import InputError
from classifier.limits import Limits
from classifier.office_parts import office_parts

GOOD = {"good.txt", "村.txt", "million.xlsx:1"}
MEASURED = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "classifier", *sys.argv[1:]])
print("largest process:", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(done.returncode)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with all hostile files, and what is wrong with each."""
    at = tmp_path_factory.mktemp("hostile") / "in"
    return at, write_corpus(at)


@pytest.fixture(scope="module")
def ran(folder, tiny_model_folder):
    """Run `fupin label` on the folder; `bench.hostile` measures how long it takes, on an idle machine."""
    at, _ = folder
    out = at.parent / "out.csv"
    command = [sys.executable, "-c", MEASURED, "label", at, "-o", out, "-m", tiny_model_folder, "--jobs", "2"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}
    done = subprocess.run(
        list(map(str, command)), capture_output=True, timeout=400, check=False, env=environment
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode(), out


def test_a_folder_of_hostile_files_ends_with_3_and_no_traceback(ran):
    code, _, err, _ = ran
    assert code == 3, err
    assert "Traceback" not in err
    assert not [line for line in err.splitlines() if line.startswith("error:")]


def test_what_is_good_among_them_is_labelled(ran):
    with ran[3].open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    expected = GOOD if sys.platform == "linux" else GOOD - {"村.txt"}
    assert {row["doc_id"] for row in rows} == expected
    assert {row["text"] for row in rows} == {SENTENCE}


def told(err, folder):
    """Return the lines on skipped files, each with its hint, by the file's path below the folder."""
    lines = err.splitlines()
    found = [i for i, line in enumerate(lines) if line.startswith("skipped: ")]
    by_file = {}
    for i in found:
        path = lines[i].removeprefix(f"skipped: {folder}/")
        by_file.setdefault(re.match(r"[^/:]+", path)[0], []).append((lines[i], lines[i + 1]))
    return by_file


def test_each_bad_file_is_told_in_one_line_with_its_reason_and_a_hint(ran, folder):
    at, wrong = folder
    found = told(ran[2], at)
    assert set(found) == {name for name, reason in wrong.items() if reason is not None}
    for name, lines in found.items():
        ((line, hint),) = lines
        assert re.search(wrong[name], line), name
        assert re.fullmatch(r"  hint: \S.{5,120}", hint), name


def test_each_bad_file_stands_in_the_list_beside_the_output(ran, folder):
    at, wrong = folder
    with Path(f"{ran[3]}.errors.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    listed = {Path(row["path"]).relative_to(at).parts[0] for row in rows}
    assert listed == {name for name, reason in wrong.items() if reason is not None}
    assert all(row["reason"] and row["hint"] for row in rows)


def test_no_process_took_a_gigabyte(ran):
    largest = int(re.search(r"largest process: (\d+)", ran[1])[1])
    assert 50_000_000 < largest < 1_000_000_000


def test_nothing_was_written_but_the_output(ran, folder):
    assert {p.name for p in folder[0].parent.iterdir()} == {"in", "out.csv", "out.csv.errors.csv"}
    assert not Path("/tmp/up.txt").exists()


def test_the_corpus_is_large_enough_to_mean_something():
    assert len(CORPUS) >= 50


# --- each limit, by itself ---


def refusal(path, **limits):
    with pytest.raises(InputError, match=r"\S") as caught:
        list(documents([path], Reading(limits=Limits(**limits))))
    return str(caught.value).removeprefix(f"{path}: "), caught.value.hint


def write(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


@pytest.mark.parametrize(
    ("name", "data", "limits", "reason"),
    [
        pytest.param("a.txt", b"a" * 1_000_001, {"file_mb": 1}, "larger than 1 MB", id="text: bytes"),
        pytest.param("a.docx", b"a" * 1_000_001, {"file_mb": 1}, "larger than 1 MB", id="Word: bytes"),
        pytest.param("a.txt", "村" * 11, {"characters": 10}, "more than 10 characters", id="text: length"),
        pytest.param(
            "a.docx",
            word(paragraph("村" * 11)),
            {"characters": 10},
            "more than 10 characters of text",
            id="Word: length",
        ),
        pytest.param(
            "a.csv",
            "text\n" + "村" * 11,
            {"characters": 10},
            "row 1: a cell of more than 10 characters",
            id="cell",
        ),
        pytest.param(
            "a.csv",
            "text\n" + "村" * 90,
            {"characters": 10},
            "row on line 2: longer than 80 characters",
            id="row of CSV",
        ),
        pytest.param(
            "a.jsonl",
            '{"text": "' + "村" * 90 + '"}',
            {"characters": 10},
            "line 1 is longer than 80 characters",
            id="line of JSON",
        ),
        pytest.param(
            "a.jsonl",
            '{"text": "村", "a": [[[]]]}',
            {"depth": 3},
            "line 1 is nested more than 3 deep",
            id="depth",
        ),
        pytest.param(
            "a.zip",
            packed({"a.txt": "村" * 400_000}),
            {"unpacked_mb": 1},
            "unpacks to more than 1 MB",
            id="archive: bytes",
        ),
        pytest.param(
            "a.docx",
            word(paragraph("村" * 400_000)),
            {"unpacked_mb": 1},
            "unpacks to more than 1 MB",
            id="Word: unpacked bytes",
        ),
        pytest.param(
            "a.xlsx",
            workbook("<sheetData/>" + " " * 1_100_000),
            {"unpacked_mb": 1},
            "unpacks to more than 1 MB",
            id="Excel: unpacked bytes",
        ),
    ],
)
def test_what_goes_beyond_a_limit_is_refused_with_the_name_of_the_limit(name, data, limits, reason, tmp_path):
    found, hint = refusal(write(tmp_path / name, data), **limits)
    assert found == reason
    (limit,) = limits
    assert hint == f"if you trust the file, raise the limit: --limit {limit}=N"


@pytest.mark.parametrize(
    ("name", "data", "limits"),
    [
        pytest.param("a.txt", "村" * 10, {"characters": 10}, id="text"),
        pytest.param("a.docx", word(paragraph("村" * 10)), {"characters": 10}, id="Word"),
        pytest.param("a.csv", "text\n" + "村" * 10, {"characters": 10}, id="cell"),
        pytest.param("a.jsonl", '{"text": "村", "a": [[]]}', {"depth": 3}, id="depth"),
        pytest.param("a.zip", packed({"b.zip": packed({"a.txt": "村"})}), {"nesting": 2}, id="archives"),
    ],
)
def test_what_is_as_large_as_a_limit_is_read(name, data, limits, tmp_path):
    (document,) = documents([write(tmp_path / name, data)], Reading(limits=Limits(**limits)))
    assert document.text.startswith("村")


def test_what_a_row_may_have_counts_from_its_start(tmp_path):
    path = write(tmp_path / "a.csv", "id,text\n" + "".join(f"{n},村村村\n" for n in range(50)))
    assert len(list(documents([path], Reading(limits=Limits(characters=10))))) == 50


def test_archives_in_an_archive_share_the_bytes_that_it_may_unpack_to(tmp_path):
    inner = packed({"a.txt": os.urandom(300_000).hex()})
    path = write(tmp_path / "a.zip", packed({f"{n}.zip": inner for n in range(3)}))
    limits, skipped = Limits(unpacked_mb=2), []
    found = list(documents([path], Reading(limits=limits), skipped.append))
    assert [d.id for d in found] == ["a.zip/0.zip/a.txt", "a.zip/1.zip/a.txt"]  # 0.9 MB each, unpacked twice
    assert [str(e) for e in skipped] == [f"{path}/2.zip: unpacks to more than 2 MB"]


def test_too_many_pages_are_refused(tmp_path):
    from pypdf import PdfWriter

    writer = PdfWriter()
    for _ in range(4):
        writer.add_blank_page(100, 100)
    writer.write(tmp_path / "a.pdf")
    assert refusal(tmp_path / "a.pdf", pages=3)[0] == "more than 3 pages"
    assert refusal(tmp_path / "a.pdf", pages=4)[0] == "no text on its pages: they are empty"


ENDLESS = """
import sys
sys.path[:] = sys.argv[1:]
from classifier import parsing_process as own
def endless(*_):
    while True:
        pass
own._PARSERS["rows"] = endless
own.main()
"""


def test_a_file_that_takes_too_long_is_given_up_and_the_next_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(confined, "_PROGRAM", ENDLESS)
    write(tmp_path / "1.xlsx", "")
    write(tmp_path / "2.docx", word(paragraph(SENTENCE)))
    skipped = []
    found = documents([tmp_path], Reading(limits=Limits(seconds=2)), skipped.append)
    assert [d.id for d in found] == ["2.docx"]
    assert [(e.reason, e.hint) for e in skipped] == [
        ("takes longer than 2 s", "if you trust the file, raise the limit: --limit seconds=N")
    ]


def test_a_file_that_takes_too_much_memory_is_given_up_and_the_next_is_read(tmp_path):
    write(tmp_path / "1.docx", word(paragraph(os.urandom(12_000_000).hex())))
    write(tmp_path / "2.docx", word(paragraph(SENTENCE)))
    skipped = []
    found = documents([tmp_path], Reading(limits=Limits(memory_mb=40)), skipped.append)
    assert [d.id for d in found] == ["2.docx"]
    assert [e.reason for e in skipped] == ["takes more than 40 MB of memory"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody delete a file that is read")
def test_a_file_that_vanishes_between_being_listed_and_read_is_skipped(tmp_path):
    for name in ("1.txt", "2.txt", "3.csv", "4.docx", "5.zip", "9.txt"):
        write(tmp_path / name, SENTENCE)
    skipped = []
    found = documents([tmp_path], on_error=skipped.append)
    assert next(found).id == "1.txt"
    for name in ("3.csv", "9.txt"):
        (tmp_path / name).unlink()
    assert [d.id for d in found] == ["2.txt"]
    reasons = {Path(e.path).name: e.reason for e in skipped}
    assert reasons["3.csv"].startswith("no such file")
    assert reasons["9.txt"] == "No such file or directory"
    assert set(reasons) == {"3.csv", "4.docx", "5.zip", "9.txt"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_table_that_is_changed_into_another_encoding_while_it_is_read_is_told(name, tmp_path):
    row = f"1,{SENTENCE}" if name == "a.csv" else f'{{"id": 1, "text": "{SENTENCE}"}}'
    head = "id,text\n" if name == "a.csv" else ""
    rows = [row.replace("1", str(n), 1) for n in range(20_000)]
    path = write(tmp_path / name, head + "\n".join(rows))
    skipped = []
    found = documents([path], on_error=skipped.append)
    next(found)
    path.write_bytes((head + "\n".join(rows)).encode("gb18030"))
    assert 0 < sum(1 for _ in found) < len(rows)
    assert [e.reason for e in skipped] == ["changed while it was read"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_skipped(tmp_path):
    write(tmp_path / "1.txt", SENTENCE)
    write(tmp_path / "2.txt", SENTENCE).chmod(0)
    skipped = []
    assert [d.id for d in documents([tmp_path], on_error=skipped.append)] == ["1.txt"]
    assert [e.reason for e in skipped] == ["Permission denied"]


@pytest.mark.parametrize("before", [0, 1, 5, 8, 9, 12])
def test_a_document_type_is_seen_wherever_blocks_of_a_part_end(before):
    """The mark stands across the end of a block, which is a mebibyte."""
    padding = "<!--" + "a" * ((1 << 20) - before - 7) + "-->"
    data = packed({"xl/worksheets/sheet1.xml": f"{padding}<!DOCTYPE a []><a/>"})
    with (
        pytest.raises(InputError, match=r"a\.xlsx: xl/worksheets/sheet1\.xml declares a document type"),
        office_parts(data, "a.xlsx", "Excel workbook", Limits()),
    ):
        pass
