"""The command: exit codes, one line and one hint for mistakes, and the whole way from text to report."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import classifier
import classifier.text_files
from classifier.console import progress_bar
from classifier.errors import OutputError
from classifier.output import StandardOutput
from classifier.store import load_model

HEADER = "doc_id,segment_id,paragraph,start,end,text,codes,clinic,school,road,well,title,date,source"
CLINIC, ROAD, NOTHING = (
    "签约医生每月上门给老人量血压。",
    "交通局修通了最后三公里硬化路。",
    "乡亲们坐在院坝里晒太阳。",
)
LEXICON = """\
name: v
version: "1"
codes:
  clinic:
    cues: [药费]
  school:
    cues: [课桌]
"""
LABELLED = "text,codes\n药费报了大半。,clinic\n药费真贵。,\n路通了。,road\n"
BIG5 = "鄉親們的醫療與教育".encode("big5")


@pytest.fixture
def articles(tmp_path):
    """Return a folder with two articles of two sentences each."""
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "山.txt").write_text(CLINIC + NOTHING, encoding="utf-8")
    (folder / "水.txt").write_text(f"{ROAD}\r\n{NOTHING}", encoding="gb18030", newline="")
    return folder


@pytest.fixture
def label_here(fupin_here, tiny_model_folder):
    """Run `fupin label … -m` the tiny model in this process."""
    return lambda *arguments, **options: fupin_here("label", *arguments, "-m", tiny_model_folder, **options)


def csv_rows(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def assert_fails(ran, message):
    """The run ends with 1, one ``error:`` line and one ``hint:`` line, and nothing on stdout."""
    assert ran.code == 1
    assert len(ran.problem) == 2
    error, hint = ran.problem
    assert error.startswith("error: ")
    assert message in error
    assert hint.startswith("hint: ")
    assert len(hint) > len("hint: ")
    assert "Traceback" not in ran.err
    assert ran.out == b""


# --- in a process of its own ---


def test_a_folder_of_articles_becomes_a_table_that_opens_in_excel(
    fupin, tiny_model_folder, articles, tmp_path
):
    out = tmp_path / "out.csv"
    ran = fupin("label", articles, "-m", tiny_model_folder, "-o", out, "--scheme", "two-kinds")
    assert (ran.code, ran.out) == (0, b"")
    assert ran.err == f"2 documents in, 4 segments out, 2 with a measure → {out}\n"
    assert out.read_bytes().startswith(b"\xef\xbb\xbfdoc_id,")
    rows = csv_rows(out)
    assert [(r["segment_id"], r["paragraph"], r["start"], r["end"], r["text"]) for r in rows] == [
        ("山.txt#0", "0", "0", "15", CLINIC),
        ("山.txt#1", "0", "15", "27", NOTHING),
        ("水.txt#0", "0", "0", "15", ROAD),
        ("水.txt#1", "1", "17", "29", NOTHING),
    ]
    assert [(r["codes"], r["categories"]) for r in rows] == [
        ("clinic", "公共服务"),
        ("", ""),
        ("road", "基础设施"),
        ("", ""),
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["articles", "out.csv"]


def test_standard_input_is_one_text_and_standard_output_is_csv_without_bom(fupin, tiny_model_folder):
    ran = fupin("label", "-", "-m", tiny_model_folder, stdin=CLINIC.encode())
    assert ran.code == 0
    assert ran.text.splitlines()[0] == HEADER
    assert [(r["doc_id"], r["text"], r["codes"]) for r in ran.rows] == [("stdin", CLINIC, "clinic")]


def test_a_mistake_is_one_line_and_one_hint(fupin, articles, tmp_path):
    ran = fupin("codebook", "check", tmp_path / "none.yaml")
    assert_fails(ran, "none.yaml: No such file or directory")
    assert len(ran.err.splitlines()) == 2


def test_a_damaged_model_is_one_line_and_one_hint(fupin_here, damaged, articles, tmp_path):
    ran = fupin_here("label", articles, "-m", damaged, "-o", tmp_path / "out.csv")
    assert_fails(ran, "weights.npz: changed since the model was made")
    assert len(ran.err.splitlines()) == 2
    assert not list(tmp_path.glob("out.csv*"))


def test_a_console_that_lacks_a_character_is_no_error(fupin, tmp_path):
    (tmp_path / "a.txt").write_text("村口的😀笑脸墙修好了。", encoding="utf-8")
    ran = fupin("segments", tmp_path / "a.txt", console="gbk")
    assert ran.code == 0
    assert ran.out.decode("gbk").split() == ["0", "11", "0", "村口的?笑脸墙修好了。"]


HEAVY = ("sklearn", "pandas", "jieba", "numpy", "scipy", "joblib", "yaml", "rich.progress", "jinja2")


@pytest.mark.parametrize("doing", ["import classifier.cli", "import classifier", "--help"])
def test_the_command_answers_before_anything_heavy_is_imported(doing):
    if doing == "--help":
        doing = "import sys; sys.argv[1:] = ['--help']\nfrom classifier.cli import main\ntry: main()\n"
        doing += "except SystemExit: pass"
    script = f"{doing}\nimport sys; print('loaded:', [m for m in {HEAVY} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "loaded: []"


# --- usage ---


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["label"],
        ["label", "a.txt", "--unit", "word"],
        ["label", "a.txt", "--nonsense"],
        ["report", "a.csv", "--lang", "fr"],
        ["train", "--min-positives", "few"],
        ["train", "--jobs", "0"],
        ["segments"],
    ],
    ids=" ".join,
)
def test_a_wrong_usage_ends_with_2_and_says_how_to_get_help(fupin_here, arguments):
    ran = fupin_here(*arguments)
    assert ran.code == 2
    assert ran.out == b""
    assert "--help" in ran.err
    assert "Traceback" not in ran.err


def test_the_version_is_the_packages(fupin_here):
    ran = fupin_here("--version")
    assert (ran.code, ran.text) == (0, f"fupin {classifier.__version__}\n")


@pytest.mark.parametrize(
    "command", ["demo", "train", "label", "evaluate", "report", "segments", "codebook", "lexicon"]
)
def test_every_command_has_help(fupin_here, command):
    ran = fupin_here(command, "--help")
    assert ran.code == 0
    assert "Usage:" in ran.text
    assert "--help" in ran.text


# --- mistakes: exit 1, nothing half-written ---


@pytest.fixture
def damaged(tiny_model_folder, tmp_path_factory):
    """Return a copy of the tiny model with one byte changed."""
    folder = tmp_path_factory.mktemp("damaged") / "model"
    folder.mkdir()
    for file in tiny_model_folder.iterdir():
        data = file.read_bytes()
        if file.name == "weights.npz":
            data = data[:100] + bytes([data[100] ^ 1]) + data[101:]
        (folder / file.name).write_bytes(data)
    return folder


@pytest.mark.parametrize("command", ["label", "evaluate", "report"])
def test_every_command_that_takes_a_model_refuses_a_damaged_one(
    fupin_here, damaged, tiny_table, tmp_path, command
):
    assert_fails(
        fupin_here(command, tiny_table, "-m", damaged), "weights.npz: changed since the model was made"
    )


def bad_inputs(folder):
    """Return inputs that cannot be used, each with what the error must say."""
    files = {
        "undecodable.txt": BIG5,
        "picture.png": b"PK",
        "broken.docx": b"PK",
        "no-text.csv": b"id,body\n1,doctor\n",
        "no-text.jsonl": b'{"id": "1", "body": "doctor"}',
        "broken.jsonl": b'{"text": ',
        "undecodable.csv": b"id,text\n1," + BIG5,
        "doubled.csv": "id,text\n1,医生来了\n1,小学开学\n".encode(),
        "half-pair.jsonl": rb'{"text": "\ud83d"}',
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "empty").mkdir()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("undecodable.txt", "undecodable.txt: neither UTF-8 (byte 0) nor GB18030"),
        ("picture.png", "picture.png: unknown format '.png'"),
        ("broken.docx", "broken.docx: no Word document (File is not a zip file)"),
        ("no-text.csv", "no-text.csv: no column with Chinese text; columns: id, body"),
        ("no-text.jsonl", "no-text.jsonl: no column with Chinese text; columns: id, body"),
        ("broken.jsonl", "broken.jsonl: line 1 is not JSON"),
        ("undecodable.csv", "undecodable.csv: neither UTF-8 (byte 10) nor GB18030"),
        ("doubled.csv", "doubled.csv: id '1' stands twice"),
        ("half-pair.jsonl", "half-pair.jsonl: line 1 holds half a surrogate pair"),
        ("empty", "empty: no readable file in this folder"),
        ("nowhere.txt", "nowhere.txt: no such file or folder"),
    ],
)
def test_an_input_that_cannot_be_used_is_told_and_an_older_output_stays(label_here, tmp_path, name, message):
    bad_inputs(tmp_path)
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / "out.csv"
    out.write_text("older", encoding="utf-8")
    for ran in (label_here(tmp_path / name), label_here(tmp_path / name, "-o", out)):
        assert_fails(ran, message)
        assert len(ran.err.splitlines()) == 2
    assert out.read_text(encoding="utf-8") == "older"
    assert [p.name for p in out.parent.iterdir()] == ["out.csv"]


def test_several_inputs_that_all_cannot_be_used_are_counted_and_listed(label_here, tmp_path):
    bad_inputs(tmp_path)
    bad = (tmp_path / "undecodable.txt", tmp_path / "picture.png")
    ran = label_here(*bad, "-o", tmp_path / "out.csv")
    assert_fails(ran, "undecodable.txt: neither UTF-8 (byte 0) nor GB18030 (and 1 more that cannot be read)")
    assert [line.split(":")[0] for line in ran.err.splitlines()] == [
        *("skipped", "  hint", "skipped", "  hint"),
        f"what was skipped is listed in {tmp_path / 'out.csv.errors.csv'}",
        *("error", "hint"),
    ]
    assert [p.name for p in tmp_path.glob("out.csv*")] == ["out.csv.errors.csv"]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("out.docx", "out.docx: unknown format 'docx'"),
        ("file/out.csv", "file/out.csv: Not a directory"),
        ("none/out.csv", "none/out.csv: No such file or directory"),
    ],
)
def test_an_output_that_cannot_be_written_is_told(label_here, articles, tmp_path, target, message):
    (tmp_path / "file").write_text("older", encoding="utf-8")
    assert_fails(label_here(articles, "-o", tmp_path / target), message)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["articles", "file"]


def test_a_report_that_cannot_be_written_is_told(fupin_here, tiny_model_folder, articles, tmp_path):
    labelled = tmp_path / "labelled.csv"
    fupin_here("label", articles, "-m", tiny_model_folder, "-o", labelled)
    below = labelled / "r.html"
    assert_fails(fupin_here("report", labelled, "-m", tiny_model_folder, "-o", below), "Not a directory")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["articles", "labelled.csv"]


def test_a_model_that_cannot_be_written_is_told(fupin_here, tiny_table, tiny_codebook_file, tmp_path):
    (tmp_path / "file").write_text("older", encoding="utf-8")
    train = ("train", "--corpus", tiny_table, "--codebook", tiny_codebook_file, "--jobs", 1)
    assert_fails(fupin_here(*train, "-o", tmp_path / "file" / "model"), "Not a directory")
    assert_fails(fupin_here(*train, "-o", tmp_path), "not empty and no model folder")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_unknown_scheme_is_told_before_any_work(
    fupin_here, tiny_model_folder, tiny_table, tiny_codebook_file, tmp_path
):
    scheme = ("--scheme", "three-kinds")
    train = ("train", "--corpus", tiny_table, "--codebook", tiny_codebook_file, "-o", tmp_path / "model")
    for ran in (
        fupin_here("label", "nowhere.txt", "-m", tiny_model_folder, *scheme),
        fupin_here("evaluate", tiny_table, "-m", tiny_model_folder, "--scheme", "two-kinds", *scheme),
        fupin_here(*train, *scheme),
    ):
        assert_fails(ran, "village: no scheme 'three-kinds'")
        assert "two-kinds" in ran.problem[1]
    assert not (tmp_path / "model").exists()


def test_two_files_of_one_name_are_an_error_and_not_one_file_less(fupin_here, tiny_model_folder, tmp_path):
    for folder in ("东", "西"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.txt").write_text(CLINIC, encoding="utf-8")
    out = tmp_path / "out.csv"
    ran = fupin_here("label", tmp_path / "东", tmp_path / "西", "-m", tiny_model_folder, "-o", out)
    assert_fails(ran, "id 'a.txt' stands twice")
    assert not list(tmp_path.glob("out.csv*"))


def test_training_on_a_code_that_the_codebook_lacks_names_file_row_and_code(
    fupin_here, tiny_codebook_file, tmp_path
):
    table = tmp_path / "table.csv"
    table.write_text("text,codes\n医生来了,clinic\n赶集去了,market\n", encoding="utf-8")
    ran = fupin_here("train", "--corpus", table, "--codebook", tiny_codebook_file, "-o", tmp_path / "model")
    assert_fails(ran, "table.csv: row 2: unknown code 'market'")
    assert not (tmp_path / "model").exists()


def test_reporting_labels_of_another_codebook_names_row_and_code(fupin_here, tiny_model_folder, tmp_path):
    table = tmp_path / "labelled.csv"
    table.write_text("doc_id,segment_id,text,codes\n甲,甲#0,赶集,market\n", encoding="utf-8")
    ran = fupin_here("report", table, "-m", tiny_model_folder)
    assert_fails(ran, "labelled.csv: row 1: unknown code 'market'")


# --- 3: done, but needs attention ---


def test_one_bad_file_among_good_ones_is_told_and_the_rest_is_complete(
    fupin_here, tiny_model_folder, articles, tmp_path
):
    (articles / "乱.txt").write_bytes(BIG5)
    out = tmp_path / "out.csv"
    ran = fupin_here("label", articles, "-m", tiny_model_folder, "-o", out)
    assert ran.code == 3
    assert "乱.txt: neither UTF-8 (byte 0) nor GB18030" in ran.err
    assert "--encoding" in ran.err
    assert ran.problem == []
    assert [r["segment_id"] for r in csv_rows(out)] == ["山.txt#0", "山.txt#1", "水.txt#0", "水.txt#1"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("empty.txt", b""),
        ("bom.txt", b"\xef\xbb\xbf"),
        ("blank.txt", b" \r\n\n"),
        ("empty.csv", b""),
        ("header.csv", b"id,text\n"),
        ("empty.jsonl", b""),
    ],
)
def test_an_empty_input_gives_a_header_and_3(fupin_here, tiny_model_folder, tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    ran = fupin_here("label", tmp_path / name, "-m", tiny_model_folder)
    assert (ran.code, ran.text) == (3, HEADER + "\n")
    assert ran.problem == []
    out = tmp_path / "out.csv"
    assert fupin_here("label", tmp_path / name, "-m", tiny_model_folder, "-o", out).code == 3
    assert out.read_text(encoding="utf-8-sig") == HEADER + "\n"


def test_a_check_that_finds_something_ends_with_3(
    fupin_here, tiny_codebook_file, tiny_lexicon_file, tmp_path
):
    assert fupin_here("codebook", "check", tiny_codebook_file).code == 0
    clean = fupin_here("lexicon", "check", tiny_lexicon_file, "--codebook", tiny_codebook_file)
    assert (clean.code, clean.out) == (0, b"")
    broken = tmp_path / "broken.yaml"
    text = tiny_codebook_file.read_text(encoding="utf-8")
    broken.write_text(text.replace("code: road", "code: clinic"), encoding="utf-8")
    found = fupin_here("codebook", "check", broken)
    assert found.code == 3
    assert found.text.startswith("broken.yaml:6: error: code 'clinic' stands twice")
    dead = tmp_path / "dead.yaml"
    dead.write_text(
        "name: d\nversion: '1'\ncodes:\n  road:\n    cues: [公路]\n    not_cues: [水路]\n", encoding="utf-8"
    )
    found = fupin_here("lexicon", "check", dead, "--codebook", tiny_codebook_file)
    assert found.code == 3
    assert found.text.startswith("dead.yaml:6: error: dead: not-cue '水路'")


# --- 130: interrupted ---


def test_an_interruption_ends_with_130_and_leaves_the_older_output(
    fupin_here, tiny_model_folder, articles, tmp_path, monkeypatch
):
    out = tmp_path / "out.csv"
    out.write_text("older", encoding="utf-8")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(classifier.text_files, "read_bytes", interrupted)
    ran = fupin_here("label", articles, "-m", tiny_model_folder, "-o", out)
    assert ran.code == 130
    assert "Traceback" not in ran.err
    assert out.read_text(encoding="utf-8") == "older"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["articles", "out.csv"]


# --- tables, columns, units ---


def test_unit_row_keeps_rows_ids_and_columns(fupin_here, tiny_model_folder, tmp_path):
    table = tmp_path / "new.csv"
    rows = f"key,body,codes,id\n007,{CLINIC}{ROAD},old,x\n008,,,y\n"
    table.write_text(rows, encoding="utf-8")
    options = ("--unit", "row", "--text-column", "body", "--id-column", "key")
    ran = fupin_here("label", table, "-m", tiny_model_folder, *options)
    assert ran.code == 0
    assert [(r["doc_id"], r["text"], r["codes"], r["in_codes"], r["id"]) for r in ran.rows] == [
        ("007", CLINIC + ROAD, "clinic;road", "old", "x"),
        ("008", "", "", "", "y"),
    ]


def test_a_format_can_be_named_for_standard_output(fupin_here, tiny_model_folder):
    ran = fupin_here("label", "-", "-m", tiny_model_folder, "--format", "jsonl", stdin=ROAD.encode("utf-16"))
    row = json.loads(ran.text)
    assert (row["text"], row["codes"], row["well"]) == (ROAD, "road", None)


def test_an_encoding_can_be_named(fupin_here, tiny_model_folder, tmp_path):
    (tmp_path / "old.txt").write_bytes(BIG5)
    ran = fupin_here("label", tmp_path / "old.txt", "-m", tiny_model_folder, "--encoding", "big5")
    assert (ran.code, ran.rows[0]["text"]) == (0, "鄉親們的醫療與教育")


# --- from labels onwards ---


@pytest.fixture(scope="module")
def labelled(fupin, tiny_model_folder, tiny_corpus, tmp_path_factory):
    """Return what `fupin label` makes of the tiny corpus, put back together as articles."""
    folder = tmp_path_factory.mktemp("corpus")
    for name in dict.fromkeys(tiny_corpus.groups):
        lines = [s.text for s in tiny_corpus.segments if s.doc_id == name]
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path_factory.mktemp("labelled") / "labelled.csv"
    assert fupin("label", folder, "-m", tiny_model_folder, "-o", out).code == 0
    return out


def test_labels_become_a_report_on_stdout_and_as_a_page(fupin_here, labelled, tiny_model_folder, tmp_path):
    ran = fupin_here("report", labelled, "-m", tiny_model_folder, "--lang", "en")
    assert ran.code == 0
    assert ran.text.startswith("# Policy measures\n")
    assert "| clinics | clinic | 30 | 25.0% |" in ran.text
    assert "| 公共服务 | 60 | 50.0% |" in ran.text
    page = tmp_path / "report.html"
    ran = fupin_here("report", labelled, "-m", tiny_model_folder, "-o", page)
    assert (ran.code, ran.out, ran.err) == (0, b"", f"report written to {page}\n")
    assert "labelled.csv" in page.read_text(encoding="utf-8")
    ran = fupin_here("report", labelled, "-m", tiny_model_folder, "--scheme", "three-kinds")
    assert_fails(ran, "no scheme 'three-kinds'")


def test_labels_can_be_trained_on(fupin_here, labelled, tiny_codebook_file, tiny_model_folder, tmp_path):
    model = tmp_path / "model"
    options = ("--codebook", tiny_codebook_file, "--jobs", 1, "-o", model)
    ran = fupin_here("train", "--corpus", labelled, *options)
    assert ran.code == 0
    assert "120 segments in 20 documents" in ran.err
    assert "untrained: 'well' has 0 positive segments" in ran.err
    assert "village: 120 segments, 20 documents" in ran.text
    assert "two-kinds: 120 segments, 20 documents" in ran.text
    again = fupin_here("label", "-", "-m", model, stdin=(CLINIC + NOTHING).encode())
    assert [r["codes"] for r in again.rows] == ["clinic", ""]


def test_labels_are_their_own_gold(fupin_here, labelled, tiny_model_folder):
    ran = fupin_here("evaluate", labelled, "-m", tiny_model_folder, "--scheme", "two-kinds")
    assert ran.code == 0
    codes, scheme = ran.text.strip().split("\n\n")
    assert codes.splitlines()[0] == "village: 120 segments, 20 documents"
    assert scheme.splitlines()[0] == "two-kinds: 120 segments, 20 documents"
    for view in (codes, scheme):
        assert "micro-F1 1.000 [1.000, 1.000]   lexicon 0." in view
        assert "model − lexicon, micro-F1 0." in view
    assert [line.split()[:2] for line in scheme.splitlines()[2:4]] == [["公共服务", "60"], ["基础设施", "30"]]


def test_stand_off_gold_is_scored_with_its_documents(fupin_here, tiny_model_folder, tmp_path):
    text = f"开头。\n{CLINIC}{ROAD}"
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "甲.txt").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    spans = [
        (4, 19, ["clinic"]),
        (19, 34, "road"),
        (4, 34, "clinic;road"),
    ]  # the last one holds two sentences
    gold = tmp_path / "gold.jsonl"
    lines = [
        json.dumps({"id": f"甲-{i}", "start": a, "end": b, "codes": codes, "sha256": digest, "source": "甲"})
        for i, (a, b, codes) in enumerate(spans)
    ]
    gold.write_text("\n".join(lines), encoding="utf-8")
    ran = fupin_here("evaluate", gold, "--texts", tmp_path / "texts", "-m", tiny_model_folder)
    assert ran.code == 0
    assert "village: 3 segments, 1 documents" in ran.text
    assert "micro-F1 1.000" in ran.text
    assert_fails(
        fupin_here("evaluate", gold, "-m", tiny_model_folder), "gold.jsonl: row 1: labels without text"
    )


# --- a codebook of one's own, and no lexicon ---


def test_a_users_own_multi_label_codebook_needs_a_table_and_nothing_else(
    fupin_here, tiny_table, tiny_codebook_file, tmp_path
):
    model, new, out = tmp_path / "model", tmp_path / "new.jsonl", tmp_path / "out.jsonl"
    trained = fupin_here(
        "train", "--corpus", tiny_table, "--codebook", tiny_codebook_file, "--jobs", 1, "-o", model
    )
    assert trained.code == 0
    assert "120 segments in 120 documents" in trained.err  # no document id: each row is its own
    assert "lexicon" not in trained.text
    assert load_model(model).lexicon is None
    rows = [{"id": 7, "text": CLINIC + ROAD, "n": 1}, {"id": 8, "text": ""}, {"id": 9, "text": NOTHING}]
    new.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    ran = fupin_here("label", new, "--unit", "row", "-m", model, "-o", out)
    assert ran.code == 0
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(r["doc_id"], r["codes"], r["n"]) for r in found] == [
        ("7", "clinic;road", 1),
        ("8", "", None),
        ("9", "", None),
    ]


def test_a_users_own_lexicon_is_scored_beside_the_model(
    fupin_here, tiny_table, tiny_codebook_file, tiny_lexicon_file, tmp_path
):
    options = (
        "--codebook",
        tiny_codebook_file,
        "--lexicon",
        tiny_lexicon_file,
        "--jobs",
        1,
        "--scheme",
        "two-kinds",
    )
    ran = fupin_here("train", "--corpus", tiny_table, *options, "-o", tmp_path / "model")
    assert ran.code == 0
    assert ran.text.count("model − lexicon, micro-F1") == 2
    assert load_model(tmp_path / "model").lexicon.name == "village"


EXCLUSIVE = """\
name: news
version: "1"
exclusive: true
codes:
  - {code: sport, name: {zh: 体育, en: sport}, definition: 体育新闻}
  - {code: stock, name: {zh: 股票, en: stocks}, definition: 股票新闻}
"""


def test_an_exclusive_codebook_gives_every_row_exactly_one_code(fupin_here, tmp_path):
    codebook, table, model = tmp_path / "news.yaml", tmp_path / "table.csv", tmp_path / "model"
    codebook.write_text(EXCLUSIVE, encoding="utf-8")
    sport = [
        f"{who}{what}"
        for who in ("球队", "门将", "教练")
        for what in ("赢下比赛", "扑出点球", "换人上场", "夺得奖杯")
    ]
    stock = [
        f"{who}{what}"
        for who in ("大盘", "基金", "散户")
        for what in ("收盘上涨", "买入股票", "抛售股份", "分得红利")
    ]
    rows = [
        f"{i},{text},{code}"
        for i, (text, code) in enumerate(zip(sport + stock, ["sport"] * 12 + ["stock"] * 12, strict=True))
    ]
    table.write_text("\n".join(["id,text,codes", *rows]), encoding="utf-8")
    trained = fupin_here("train", "--corpus", table, "--codebook", codebook, "--jobs", 1, "-o", model)
    assert trained.code == 0
    assert "24 segments in 24 documents" in trained.err
    new = tmp_path / "new.csv"
    new.write_text('id,text\na,教练赢下比赛\nb,散户买入股票\nc,""\nd,天气预报\n', encoding="utf-8")
    ran = fupin_here("label", new, "--unit", "row", "-m", model)
    assert ran.code == 0
    assert [r["codes"] for r in ran.rows][:2] == ["sport", "stock"]
    assert {r["codes"] for r in ran.rows} == {"sport", "stock"}
    assert [r["codes"] for r in ran.rows] == [
        ("sport", "stock")[int(np.argmax([float(r["sport"]), float(r["stock"])]))] for r in ran.rows
    ]


def test_an_exclusive_codebook_refuses_a_row_with_two_codes(fupin_here, tmp_path):
    codebook, table = tmp_path / "news.yaml", tmp_path / "table.csv"
    codebook.write_text(EXCLUSIVE, encoding="utf-8")
    table.write_text("text,codes\n门将买入股票,sport;stock\n", encoding="utf-8")
    ran = fupin_here("train", "--corpus", table, "--codebook", codebook, "-o", tmp_path / "model")
    assert_fails(ran, "table.csv: row 1: 2 codes, but 'news' wants exactly one")


def test_a_code_in_one_document_only_is_listed_as_untrained_with_the_reason(
    fupin_here, tiny_codebook_file, tiny_corpus, tmp_path
):
    table = tmp_path / "table.jsonl"
    lines = [{"doc_id": s.doc_id, "text": s.text, "codes": list(s.codes)} for s in tiny_corpus.segments]
    for line in lines[:6]:
        line["codes"].append("well") if "well" not in line["codes"] else None
    table.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    options = ("--codebook", tiny_codebook_file, "--jobs", 1, "--min-positives", 6, "-o", tmp_path / "model")
    ran = fupin_here("train", "--corpus", table, *options)
    assert ran.code == 0
    assert "untrained" not in ran.err  # documents 2 and 3 have `well` too
    for line in lines[6:]:
        line["codes"] = [code for code in line["codes"] if code != "well"]
    table.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    ran = fupin_here("train", "--corpus", table, *options)
    assert ran.code == 0
    assert "untrained: 'well' has 6 positive segments; needed are 6, in more than one document" in ran.err


# --- looking things up ---


def test_codes_schemes_hits_and_cuts_can_be_shown(
    fupin_here, tiny_codebook_file, tiny_lexicon_file, tmp_path
):
    book = ("--codebook", tiny_codebook_file)
    assert fupin_here("codebook", "show", *book).text.splitlines()[0] == "clinic\t看病\t看病就医的措施"
    assert fupin_here("codebook", "show", "road", *book).text.splitlines()[0] == "road  修路 / roads"
    assert_fails(fupin_here("codebook", "show", "market", *book), "village: no code 'market'")
    assert fupin_here("codebook", "schemes", *book).text == "two-kinds\t人与物\t2\n"
    shown = fupin_here("codebook", "schemes", "two-kinds", *book).text
    assert shown == "公共服务\tclinic;school\n基础设施\troad;well\n"
    hits = fupin_here("lexicon", "hits", "医生的儿子和医生", "--lexicon", tiny_lexicon_file)
    assert hits.text == "6\t8\t医生\tclinic\n"
    (tmp_path / "a.txt").write_text("责任编辑：王小明\n修路的民工来了；", encoding="utf-8")
    cut = fupin_here("segments", tmp_path / "a.txt")
    assert cut.text == "0\t8\t0\teditor\t责任编辑：王小明\n9\t17\t1\t\t修路的民工来了；\n"
    assert "editor\t" in fupin_here("segments", "--rules").text


# --- explaining ---


def test_a_sentence_is_explained_with_terms_and_offsets(fupin_here, tiny_model_folder):
    ran = fupin_here("explain", CLINIC, "-m", tiny_model_folder)
    assert ran.code == 0
    lines = ran.text.splitlines()
    assert lines[0].startswith("clinic 看病  p=0.")
    assert lines[0].endswith("given 判为")
    assert any(line.endswith("医生  (cue 词表)") and "  2-4\t" in line for line in lines)
    shown = [line.split("\t") for line in lines if "\t" in line]
    for place, piece in shown:
        start, end = map(int, place.split()[1].split("-"))
        assert CLINIC[start:end] == piece.removesuffix("  (cue 词表)")
    assert lines[-1].endswith("(base and all the rest 基准与其余)")


def test_a_sentence_without_a_measure_can_be_explained_too(fupin_here, tiny_model_folder):
    for text in (NOTHING, ""):
        ran = fupin_here("explain", text, "-m", tiny_model_folder)
        assert ran.code == 0
        assert ran.text.strip()
        assert "given 判为" not in ran.text


def test_explaining_needs_a_text_and_a_sound_model(fupin_here, damaged, tmp_path):
    assert fupin_here("explain").code == 2
    message = "weights.npz: changed since the model was made"
    assert_fails(fupin_here("explain", CLINIC, "-m", damaged), message)
    assert "Usage:" in fupin_here("explain", "--help").text


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_labels_can_carry_their_evidence(label_here, articles, tmp_path, name):
    out = tmp_path / name
    assert label_here(articles, "-o", out, "--explain").code == 0
    rows = (
        csv_rows(out) if name == "out.csv" else [json.loads(x) for x in out.read_text("utf-8").splitlines()]
    )
    assert [r["codes"] for r in rows] == ["clinic", "", "road", ""]
    assert [r["evidence"].partition("=")[0] for r in rows] == ["clinic", "", "road", ""]
    phrase, _, span = rows[0]["evidence"].removeprefix("clinic=").split(";")[0].rpartition("@")
    start, end = map(int, span.split("-"))
    assert rows[0]["text"][start:end] == phrase


def test_without_asking_there_is_no_evidence(label_here, articles):
    ran = label_here(articles)
    assert ran.text.splitlines()[0] == HEADER


def test_labels_with_evidence_are_reported_and_trained_on_like_others(
    fupin_here, label_here, articles, tiny_model_folder, tmp_path
):
    plain, explained = tmp_path / "plain.csv", tmp_path / "explained.csv"
    label_here(articles, "-o", plain)
    label_here(articles, "-o", explained, "--explain")
    reports = [fupin_here("report", out, "-m", tiny_model_folder) for out in (plain, explained)]
    assert [r.code for r in reports] == [0, 0]
    assert reports[1].text.replace("explained.csv", "plain.csv") == reports[0].text


# --- the evaluation of a model just trained ---


@pytest.fixture
def train_here(fupin_here, tiny_table, tiny_codebook_file, tiny_lexicon_file, tmp_path):
    """Run `fupin train …` on the tiny table in this process."""
    options = ("--codebook", tiny_codebook_file, "--lexicon", tiny_lexicon_file, "--jobs", 1)
    return lambda *more: fupin_here(
        "train", "--corpus", tiny_table, *options, "-o", tmp_path / "model", *more
    )


def gold_file(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_gold_with_and_without_text_and_agreement_come_into_the_evaluation(train_here, tmp_path):
    texts = tmp_path / "texts"
    texts.mkdir()
    whole = CLINIC + ROAD
    (texts / "山.txt").write_text(whole, encoding="utf-8")
    digest = hashlib.sha256(whole.encode()).hexdigest()
    dev = gold_file(tmp_path / "dev.jsonl", [{"id": "a-1", "text": CLINIC, "codes": ["clinic"]}])
    spans = [
        {"id": "山-1", "sha256": digest, "start": 0, "end": 15, "codes": ["clinic"]},
        {"id": "山-2", "sha256": digest, "start": 15, "end": 30, "codes": ["school"]},
    ]
    test = gold_file(tmp_path / "test.jsonl", spans)
    (tmp_path / "agreement.yaml").write_text("articles held out: 0.91\ntest: 0.82\n", encoding="utf-8")
    ran = train_here(
        "--gold", dev, "--gold", test, "--texts", texts, "--agreement", tmp_path / "agreement.yaml"
    )
    assert ran.code == 0
    lines = (tmp_path / "model" / "EVALUATION.md").read_text(encoding="utf-8").splitlines()
    rows = [
        line.strip("| ").split(" | ") for line in lines if line.startswith(("| articles", "| dev", "| test"))
    ]
    assert [(r[0], r[1], r[-1]) for r in rows[:3]] == [
        ("articles held out", "120 (120)", "0.910"),
        ("dev", "1 (1)", "–"),
        ("test", "2 (1)", "0.820"),
    ]
    assert "| school | road | 1 | test.jsonl: row 2 |" in lines


def test_gold_and_agreement_that_cannot_be_used_are_told_before_any_work(train_here, tmp_path, monkeypatch):
    def fit(*_, **__):
        raise AssertionError("the work began")

    monkeypatch.setattr("classifier.model.PolicyClassifier.fit", fit)
    stand_off = gold_file(tmp_path / "bare.jsonl", [{"id": "a", "sha256": "0" * 64, "codes": []}])
    assert_fails(train_here("--gold", stand_off), "bare.jsonl: row 1: labels without text")
    unknown = gold_file(tmp_path / "other.jsonl", [{"id": "a", "text": CLINIC, "codes": ["market"]}])
    assert_fails(train_here("--gold", unknown), "other.jsonl: row 1: unknown code 'market'")
    (tmp_path / "agreement.yaml").write_text("dev: 95\n", encoding="utf-8")
    assert_fails(train_here("--agreement", tmp_path / "agreement.yaml"), "agreement.yaml: 'dev: 95'")
    assert_fails(train_here("--agreement", tmp_path / "none.yaml"), "none.yaml: No such file")
    assert not (tmp_path / "model").exists()


def test_two_golds_of_one_name_are_refused_before_the_work(fupin_here, tmp_path):
    paths = [tmp_path / folder / "gold.jsonl" for folder in ("a", "b")]
    done = fupin_here("train", "--gold", paths[0], "--gold", paths[1], "-o", tmp_path / "m")
    assert done.code == 1
    assert "two gold files are called 'gold'" in done.err
    assert not (tmp_path / "m").exists()


def test_each_cue_is_shown_with_its_precision(fupin_here, tmp_path, tiny_codebook):
    files = {"codebook.yaml": tiny_codebook.text, "lexicon.yaml": LEXICON, "text.csv": LABELLED}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = fupin_here(
        "lexicon",
        "precision",
        tmp_path / "text.csv",
        "--lexicon",
        tmp_path / "lexicon.yaml",
        "--codebook",
        tmp_path / "codebook.yaml",
    )
    assert done.code == 0
    assert done.text.splitlines() == [
        "cue\tcode\tsegments\tright\tprecision\tlow\thigh",
        "药费\tclinic\t2\t1\t0.500\t0.095\t0.905",
        "课桌\tschool\t0\t0\t\t\t",
    ]
    assert "2 cues, 1 of them in this text" in done.err


def test_what_resume_is_to_go_on_with_must_be_named(label_here, articles):
    ran = label_here(articles, "--resume")
    assert ran.code == 2
    assert "--resume: name the output that it is to go on with" in ran.err


def test_cells_of_columns_that_appear_too_late_are_counted_and_told(label_here, tmp_path):
    """The columns of a table are settled by its first 500 documents."""
    rows = [{"id": str(n), "text": ROAD} for n in range(502)]
    rows[-1] |= {"region": "石磨沟", "year": "2019"}
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "in.jsonl").write_text(lines, encoding="utf-8")
    out = tmp_path / "out.csv"
    ran = label_here(tmp_path / "in.jsonl", "-o", out)
    assert ran.code == 3
    assert "2 cells left out: their columns first appear after 500 or more documents" in ran.err
    assert "hint: write JSONL" in ran.err
    assert "石磨沟" not in out.read_text(encoding="utf-8")
    ran = label_here(tmp_path / "in.jsonl", "-o", tmp_path / "out.jsonl")  # as the hint says
    assert ran.code == 0
    assert "石磨沟" in (tmp_path / "out.jsonl").read_text(encoding="utf-8")


def test_an_installed_package_asks_for_labelled_text_to_train_on(fupin_here, tmp_path, monkeypatch):
    monkeypatch.setattr(classifier.shipped, "SEEDS", tmp_path / "none")
    ran = fupin_here("train", "-o", tmp_path / "model")
    assert_fails(ran, "no --corpus given, and the starter corpus is not part of the installed package")
    assert "--corpus table.csv" in ran.problem[1]


def test_a_code_is_shown_with_what_it_covers_and_its_examples(fupin_here, tmp_path):
    path = tmp_path / "b.yaml"
    path.write_text(
        "name: v\nversion: '1'\ncodes:\n"
        "  - code: clinic\n    name: {zh: 看病, en: clinics}\n    definition: 看病就医的措施\n"
        "    includes: [坐诊, 送药]\n"
        "    excludes: [{what: 修路, use: road}, {what: 闲谈}]\n"
        "    examples: [{text: 医生来了, codes: [clinic]}]\n"
        "    counter_examples: [{text: 路通了, codes: [road], why: 不是看病}]\n"
        "  - {code: road, name: 修路}\n",
        encoding="utf-8",
    )
    assert fupin_here("codebook", "show", "clinic", "--codebook", path).text.splitlines() == [
        "clinic  看病 / clinics",
        "看病就医的措施",
        *("包括 covers", "  - 坐诊", "  - 送药"),
        *("不包括 does not cover", "  - 修路 → road", "  - 闲谈"),
        *("例 examples", "  - 医生来了  [clinic]"),
        *("反例 counter-examples", "  - 路通了  [road]  不是看病"),
    ]
    assert fupin_here("codebook", "show", "road", "--codebook", path).text == "road  修路\n"


# --- progress ---


class Terminal(io.StringIO):
    """A terminal as far as programs can tell."""

    def isatty(self):
        return True


def test_at_a_terminal_a_bar_shows_how_far_the_work_is_and_how_much_was_made(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress_bar("labelling", lambda: 200) as bar:
        bar.made(1_200)
        bar.read(150)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert re.search(r"labelling .* 75% 1,200 segments, [\d,]+/s", shown)


def test_elsewhere_nothing_is_shown_and_the_size_is_not_asked_for(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bar("labelling", lambda: pytest.fail("asked")) as bar:
        bar.read(150)
        bar.made(1_200)
    assert stream.getvalue() == ""


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no disk that is always full")
@pytest.mark.parametrize("command", [["codebook", "show"], ["segments", "--rules"]], ids=" ".join)
def test_a_full_disk_behind_standard_output_is_told(command):
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "classifier", *command], stdout=full, stderr=subprocess.PIPE, check=False
        )
    error, hint = ran.stderr.decode().splitlines()
    assert (ran.returncode, error) == (1, "error: standard output: No space left on device")
    assert hint.startswith("hint: ")


def test_standard_output_that_the_shell_has_closed_is_told(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="standard output is closed"):
        StandardOutput().append(b"x")
