"""`fupin export` and `fupin import` as a user runs them, and what reads the tables they write."""

from __future__ import annotations

import csv
import json
import zipfile

import openpyxl
import pytest
from exchange_samples import BOOK, SEGMENTS

from classifier.check_sheets import check_sheets
from classifier.checked_sheets import HEADER, checked_segments
from classifier.corpus import read_corpus, read_gold
from classifier.errors import InputError
from classifier.exchange_tables import read_segments
from classifier.exchanged import Coding
from classifier.labelled import read_labelled
from classifier.limits import Limits
from classifier.report import make_report
from classifier.report_workbook import write_workbook


def table(path):
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def write_table(path, rows):
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, tiny_model_folder, tiny_table, fupin):
    """Return a folder with 120 labelled segments and a sample of 40, filled in for all but the last three."""
    folder = tmp_path_factory.mktemp("drawn")
    ran = fupin("label", tiny_table, "--unit", "row", "-m", tiny_model_folder, "-o", folder / "l.csv")
    assert ran.code == 0
    ran = fupin("sample", folder / "l.csv", "--n", "40", "-m", tiny_model_folder, "-o", folder / "sample.csv")
    assert ran.code == 0
    truth = {row["text"]: row["codes"] for row in table(tiny_table)}
    rows = table(folder / "sample.csv")
    for row in rows[:-3]:
        row |= {"codes": truth[row["text"]], "coded": "1"}
    write_table(folder / "filled.csv", rows)
    return folder


def gold_report(fupin_here, drawn, gold, model, tmp_path):
    out = tmp_path / "r.json"
    assert fupin_here("report", drawn / "l.csv", "--gold", gold, "-m", model, "-o", out).code == 0
    return out.read_bytes()


# --- through each tool, and the corrected shares stay the same ---


def through_label_studio(fupin_here, drawn, model, folder):
    """Annotate as Label Studio would: tasks that nobody had are not exported by it."""
    fupin_here("export", "labelstudio", drawn / "sample.csv", "-m", model, "-o", folder / "t.json")
    filled = {row["segment_id"]: row for row in table(drawn / "filled.csv")}
    done = []
    for number, task in enumerate(json.loads((folder / "t.json").read_text("utf-8")), 1):
        row = filled[task["data"]["segment_id"]]
        codes = [code for code in row["codes"].split(";") if code]
        region = {"from_name": "codes", "to_name": "text", "type": "choices", "value": {"choices": codes}}
        if row["coded"]:
            annotation = {"completed_by": 7, "result": [region] if codes else []}
            done.append({"id": number, **task, "annotations": [annotation]})
    (folder / "e.json").write_text(json.dumps(done), "utf-8")
    return "labelstudio", folder / "e.json", ()


def through_doccano(fupin_here, drawn, model, folder):
    """Label as doccano would, and export the confirmed texts of one user."""
    fupin_here("export", "doccano", drawn / "sample.csv", "-m", model, "-o", folder / "t.jsonl")
    labels = json.loads((folder / "t.label_config.json").read_text("utf-8"))
    names = {label["text"].split(" ")[0]: label["text"] for label in labels}
    filled = {row["segment_id"]: row for row in table(drawn / "filled.csv")}
    with zipfile.ZipFile(folder / "e.zip", "w") as archive:
        lines = []
        for line in (folder / "t.jsonl").read_text("utf-8").splitlines():
            example = json.loads(line)
            row = filled[example["segment_id"]]
            if row["coded"]:
                lines.append(example | {"label": [names[c] for c in row["codes"].split(";") if c]})
        archive.writestr("张.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return "doccano", folder / "e.zip", ("--unlabelled", "coded")


def through_cap(fupin_here, drawn, model, folder):
    """Hand the filled sample on as a table with one code a row."""
    fupin_here("export", "cap", drawn / "filled.csv", "-m", model, "-o", folder / "e.csv")
    return "cap", folder / "e.csv", ()


WAYS = [through_label_studio, through_doccano, through_cap]


@pytest.mark.parametrize("through", WAYS, ids=["Label Studio", "doccano", "CAP"])
def test_corrected_shares_are_the_same_as_of_the_sample_filled_in_by_hand(
    drawn, tmp_path, fupin_here, tiny_model_folder, through
):
    model = tiny_model_folder
    tool, exported, options = through(fupin_here, drawn, model, tmp_path)
    ran = fupin_here(
        *("import", tool, exported, "-o", tmp_path / "i.csv", "-m", model, *options),
        *("--sample", drawn / "sample.csv"),
    )
    assert ran.code == 0
    assert "37 of 40 segments coded" in ran.err
    by_hand = gold_report(fupin_here, drawn, drawn / "filled.csv", model, tmp_path)
    assert gold_report(fupin_here, drawn, tmp_path / "i.csv", model, tmp_path) == by_hand
    before, after = table(drawn / "sample.csv"), table(tmp_path / "i.csv")
    for column in ("stratum", "inclusion_probability", "unit", "previous", "next"):
        assert [row[column] for row in after] == [row[column] for row in before]


@pytest.mark.parametrize("through", WAYS, ids=["Label Studio", "doccano", "CAP"])
def test_what_was_not_coded_is_no_training_text(drawn, tmp_path, fupin_here, tiny_model_folder, through):
    model = tiny_model_folder
    tool, exported, options = through(fupin_here, drawn, model, tmp_path)
    arguments = ("import", tool, exported, "-o", tmp_path / "i.csv", "-m", model, *options, "--only-coded")
    assert fupin_here(*arguments, "--sample", drawn / "sample.csv").code == 0
    corpus = read_corpus([tmp_path / "i.csv"], read_labelled_book(tiny_model_folder))
    truth = {r["text"]: r["codes"] for r in table(drawn / "filled.csv") if r["coded"]}
    assert {s.text: ";".join(s.codes) for s in corpus.segments} == truth
    assert len(corpus.segments) == 37


def read_labelled_book(model):
    from classifier.store import load_predictor

    return load_predictor(model).codebook


# --- each command that reads tables reads what import writes ---


@pytest.fixture
def coded(tmp_path, tiny_corpus, tiny_codebook_file, fupin_here):
    """Return the tiny corpus as two coders coded it, come back from Label Studio as one table."""
    rows = [
        {
            "segment_id": f"{s.doc_id}#{n}",
            "doc_id": s.doc_id,
            "text": s.text,
            "codes": ";".join(s.codes),
            "coder": coder,
        }
        for n, s in enumerate(tiny_corpus.segments)
        for coder in ("zhang@x.org", "li@x.org")
    ]
    write_table(tmp_path / "hand.csv", rows)
    book = ("--codebook", tiny_codebook_file)
    ran = fupin_here("export", "labelstudio", tmp_path / "hand.csv", *book, "-o", tmp_path / "t.json")
    assert (ran.code, ran.text) == (0, "")
    for name, options in (
        ("both.csv", ()),
        ("one.jsonl", ("--coder", "li@x.org")),
        ("one.xlsx", ("--coder", "li@x.org")),
    ):
        ran = fupin_here("import", "labelstudio", tmp_path / "t.json", *book, "-o", tmp_path / name, *options)
        assert ran.code == 0
        assert "120 of 120 segments coded" in ran.err
    return tmp_path


def test_agree_reads_a_table_of_several_coders_and_one_of_each(coded, fupin_here, tiny_codebook_file):
    book = ("--codebook", tiny_codebook_file)
    ran = fupin_here("agree", coded / "both.csv", "--coder-column", "coder", *book)
    assert ran.code == 0
    assert "120 segments in 20 documents coded by two or more" in ran.text
    ran = fupin_here("agree", coded / "one.jsonl", coded / "one.xlsx", *book)
    assert ran.code == 0
    assert "120 segments in 20 documents coded by two or more" in ran.text


def test_train_and_evaluate_read_a_table(
    coded, fupin_here, tiny_codebook_file, tiny_corpus, tiny_model_folder
):
    book = ("--codebook", tiny_codebook_file)
    ran = fupin_here("train", "--corpus", coded / "one.jsonl", *book, "-o", coded / "m", "--jobs", "1")
    assert ran.code == 0
    assert "120 segments in 20 documents" in ran.err
    ran = fupin_here("evaluate", coded / "one.xlsx", "-m", tiny_model_folder)
    assert ran.code == 0
    for name in ("one.jsonl", "one.xlsx"):
        gold = read_gold(coded / name, tiny_corpus.codebook)
        assert (gold.texts, gold.groups) == (tiny_corpus.texts, tiny_corpus.groups)
        assert (gold.labels == tiny_corpus.labels).all()


# --- sheets for checking ---

LABELLED = (
    "doc_id,segment_id,text,codes,clinic,school,road\n"
    "甲,甲#0,医生每月上门。,clinic,0.9,0.1,0.1\n甲,甲#1,修路。,road,0.1,0.1,0.9\n"
)


@pytest.fixture
def workbook(tmp_path):
    (tmp_path / "l.csv").write_text(LABELLED, "utf-8")
    found = read_labelled(tmp_path / "l.csv", BOOK)
    report = make_report(found)
    write_workbook(report, tmp_path / "核对.xlsx", list(check_sheets(found, report.codes)))
    book = openpyxl.load_workbook(tmp_path / "核对.xlsx")
    sheet = book["核对 看病"]
    sheet.cell(2, HEADER.index("right? 对否") + 1).value = "否"
    sheet.cell(2, HEADER.index("should be 应为") + 1).value = "road"
    book.save(tmp_path / "核对.xlsx")
    return tmp_path / "核对.xlsx"


def test_what_was_checked_is_the_coding_of_whom_the_file_names(workbook):
    (found,) = checked_segments(workbook, BOOK, "张")
    assert (found.segment_id, found.doc_id, found.text) == ("甲#0", "甲", "医生每月上门。")
    assert found.codings == {"张": Coding(("road",))}


def test_the_command_reads_checked_sheets_into_a_corpus(workbook, fupin_here, tmp_path):
    (tmp_path / "b.yaml").write_text(BOOK.text, "utf-8")
    book = ("--codebook", tmp_path / "b.yaml")
    ran = fupin_here("import", "checked", workbook, *book, "-o", tmp_path / "c.csv")
    assert ran.code == 0
    assert "1 of 1 segments coded" in ran.err
    assert "no random sample" in ran.err
    (row,) = table(tmp_path / "c.csv")
    assert (row["codes"], row["coder"], row["coded"]) == ("road", "核对", "1")
    assert read_corpus([tmp_path / "c.csv"], BOOK).segments[0].codes == ("road",)


def test_a_workbook_that_unpacks_to_too_much_or_declares_entities_is_refused(workbook, tmp_path):
    with pytest.raises(InputError, match="unpacks to more than 1 MB"):
        list(checked_segments(padded(workbook, tmp_path / "big.xlsx"), BOOK, "张", Limits(unpacked_mb=1)))
    with zipfile.ZipFile(workbook) as old, zipfile.ZipFile(tmp_path / "e.xlsx", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<workbook", b"<!DOCTYPE x><workbook"))
    with pytest.raises(InputError, match="declares a document type"):
        list(checked_segments(tmp_path / "e.xlsx", BOOK, "张"))


def padded(path, out):
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("pad.bin", b"0" * 2_000_000)
    return out


def test_rows_of_a_sheet_are_numbered_as_they_stand_there_with_empty_ones_between(workbook, tmp_path):
    book = openpyxl.load_workbook(workbook)
    sheet = book["核对 看病"]
    sheet.insert_rows(2)
    sheet.cell(3, HEADER.index("right? 对否") + 1).value = "也许"
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(InputError, match=r"row 2: .right\? 对否. is .也许."):
        list(checked_segments(tmp_path / "x.xlsx", BOOK, "张"))


# --- what the commands say, and refuse ---


@pytest.fixture
def hand(tmp_path):
    from classifier.exchange_tables import write_segments

    write_segments(SEGMENTS, tmp_path / "hand.csv", BOOK)
    (tmp_path / "b.yaml").write_text(BOOK.text, "utf-8")
    return tmp_path


def test_label_studio_gets_tasks_and_configuration(hand, fupin_here):
    ran = fupin_here(
        "export", "labelstudio", hand / "hand.csv", "--codebook", hand / "b.yaml", "-o", hand / "t.json"
    )
    assert (ran.code, ran.err) == (
        0,
        f"4 tasks → {hand / 't.json'}; labelling configuration → {hand / 't.xml'}\n",
    )
    assert (hand / "t.xml").read_text("utf-8").startswith("<View>")


def test_coders_who_are_no_addresses_are_told(hand, fupin_here):
    (hand / "张.csv").write_text("segment_id,text,codes\na,好。,\n", "utf-8")
    ran = fupin_here(
        "export", "labelstudio", hand / "张.csv", "--codebook", hand / "b.yaml", "-o", hand / "t.json"
    )
    assert "coders without an e-mail address: 张" in ran.err


def test_blind_coders_see_nothing_of_the_model(hand, fupin_here):
    (hand / "l.csv").write_text(LABELLED, "utf-8")
    for tool, name in (("labelstudio", "t.json"), ("doccano", "t.jsonl"), ("cap", "t.csv")):
        ran = fupin_here(
            "export", tool, hand / "l.csv", "--codebook", hand / "b.yaml", "--blind", "-o", hand / name
        )
        assert ran.code == 0
        content = (hand / name).read_text("utf-8")
        assert "甲#0" in content
        assert not [word for word in ("0.9", "clinic", "fupin", "proposed") if word in content]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("export", "labelstudio", "hand.csv", "-o", "t.csv"), "error: t.csv: unknown format '.csv'"),
        (("export", "doccano", "hand.csv", "-o", "t.json"), "error: t.json: unknown format '.json'"),
        (
            ("export", "doccano", "hand.csv", "-o", "t.jsonl"),
            "error: t.jsonl: 2 coders: zhang@x.org, li@x.org",
        ),
        (("export", "cap", "hand.csv", "-o", "hand.csv"), "error: hand.csv: is the input too"),
        (("export", "cap", "hand.csv", "-o", "t.csv", "--coder", "王"), "error: no coder is called '王'"),
        (("export", "cap", "none.csv", "-o", "t.csv"), "error: none.csv: no such file or folder"),
        (("import", "cap", "hand.csv", "-o", "t.txt"), "error: t.txt: unknown format '.txt'"),
        (("import", "cap", "hand.csv", "-o", "hand.csv"), "error: hand.csv: is the input too"),
        (("import", "labelstudio", "b.yaml", "-o", "t.csv"), "error: b.yaml: unknown format '.yaml'"),
        (
            ("import", "labelstudio", "none.json", "-o", "t.csv"),
            "error: none.json: No such file or directory",
        ),
        (("import", "doccano", "hand.csv", "-o", "t.csv"), "error: hand.csv: row 1: no column 'label'"),
        (
            ("import", "cap", "hand.csv", "-o", "t.csv"),
            "error: hand.csv: row 1: neither column 'majortopic' nor",
        ),
        (("import", "checked", "hand.csv", "-o", "t.csv"), "error: hand.csv: no sheet with the columns"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line_and_one_hint_and_writes_nothing(
    hand, fupin_here, monkeypatch, arguments, problem
):
    monkeypatch.chdir(hand)
    before = {path.name: path.read_bytes() for path in hand.iterdir()}
    ran = fupin_here(*arguments, "--codebook", "b.yaml")
    assert ran.code == 1
    assert len(ran.problem) == 2
    assert ran.problem[0].startswith(problem)
    assert {path.name: path.read_bytes() for path in hand.iterdir()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "cap", "hand.csv", "-o", "t.csv", "--style", "x"),
        ("import", "doccano", "hand.csv", "-o", "t.csv", "--unlabelled", "x"),
        ("import", "cap", "hand.csv", "-o", "t.csv", "--limit", "x=1"),
        ("import", "cap", "hand.csv", "-o", "t.csv", "-m", "m", "--codebook", "b.yaml"),
        ("import", "brat", "hand.csv", "-o", "t.csv"),
    ],
    ids=["style", "unlabelled", "limit", "two codebooks", "another tool"],
)
def test_a_wrong_option_is_a_usage_error(hand, fupin_here, monkeypatch, arguments):
    monkeypatch.chdir(hand)
    assert fupin_here(*arguments).code == 2


def test_an_export_in_which_nobody_coded_anything_needs_attention(hand, fupin_here):
    (hand / "e.json").write_text('[{"id": 1, "data": {"text": "好。"}, "annotations": []}]', "utf-8")
    ran = fupin_here(
        "import", "labelstudio", hand / "e.json", "--codebook", hand / "b.yaml", "-o", hand / "t.csv"
    )
    assert ran.code == 3
    assert "0 of 1 segments coded" in ran.err


def test_cap_with_a_map_there_and_back(hand, fupin_here):
    (hand / "m.csv").write_text("theirs,ours\n301,clinic\n6,school\n1002,road\n", "utf-8")
    book = ("--codebook", hand / "b.yaml", "--map", hand / "m.csv")
    assert (
        fupin_here(
            "export", "cap", hand / "hand.csv", *book, "-o", hand / "t.csv", "--style", "manifesto"
        ).code
        == 0
    )
    assert (
        fupin_here("import", "cap", hand / "t.csv", *book, "-o", hand / "i.csv", "--coder", "li@x.org").code
        == 0
    )
    found = {s.segment_id: s.codings for s in read_segments(hand / "i.csv", BOOK)}
    assert found == {
        "柳树坪#0": {"li@x.org": Coding(("clinic", "road"))},
        "柳树坪#1": {"li@x.org": Coding(None, "看不懂")},
        "石磨沟#0": {"li@x.org": Coding(("road",))},
        "石磨沟#1": {},
    }
