"""Corrected shares in the report: the tables, what divides them, and the command that asks for them."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest

from classifier.hand_labels import read_hand_labels
from classifier.labelled import Labelled
from classifier.report import make_report
from classifier.sample_files import make_sample, write_sample

N = 240
CODED = "clinic"


@pytest.fixture(scope="module")
def labelled(tiny_codebook):
    """Return 240 segments of 40 documents in two years and two provinces."""
    rng = np.random.default_rng(3)
    p = pd.DataFrame(rng.random((N, 4)) ** 3, columns=list(tiny_codebook.columns))
    frame = pd.DataFrame(
        {
            "doc_id": [f"{i // 6:02}.txt" for i in range(N)],
            "segment_id": [f"{i // 6:02}.txt#{i % 6}" for i in range(N)],
            "text": [f"第{i}句：医生每月上门。" for i in range(N)],
            "date": ["2018" if i < N // 3 else "2019" for i in range(N)],
            "province": ["云岭" if i % 4 else "白河" for i in range(N)],
        }
    )
    return Labelled("标注.csv", tiny_codebook, frame, p > 0.5, p)


@pytest.fixture(scope="module")
def truth(labelled):
    """Return what a coder would say: the model errs in every fifth segment."""
    wrong = np.arange(N) % 5 == 0
    return labelled.given[CODED].to_numpy() ^ wrong


def hand_labels(labelled, truth, path, n):
    sample = make_sample(labelled, n)
    place = {name: i for i, name in enumerate(labelled.frame["segment_id"])}
    sample["codes"] = [CODED if truth[place[name]] else "" for name in sample["segment_id"]]
    sample["coded"] = "1"
    write_sample(sample, path, labelled.codebook)
    return read_hand_labels(path, labelled)


@pytest.fixture(scope="module")
def everything(labelled, truth, tmp_path_factory):
    """Return the report where every segment was coded by hand: corrected is then what is true."""
    hand = hand_labels(labelled, truth, tmp_path_factory.mktemp("all") / "s.csv", N)
    return make_report(labelled, hand=hand, by="province", lang="en")


def row_of(table, *keys):
    (row,) = (row for row in table.rows if all(key in row for key in keys))
    return dict(zip((c.name for c in table.columns), row, strict=True))


def test_where_all_is_coded_the_corrected_share_is_the_true_one(everything, labelled, truth):
    row = row_of(everything.table("corrected"), CODED)
    assert row["corrected"] == pytest.approx(truth.mean())
    assert row["corrected_low"] == pytest.approx(row["corrected_high"]) == pytest.approx(truth.mean())
    assert row["naive"] == pytest.approx(labelled.given[CODED].mean())
    assert (row["positives"], row["few_positives"]) == (truth.sum(), False)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(("corrected_period", "2018", "date"), id="a year"),
        pytest.param(("corrected_group", "白河", "province"), id="a province"),
    ],
)
def test_parts_of_the_corpus_have_shares_of_their_own(everything, labelled, truth, case):
    name, part, column = case
    inside = (labelled.frame[column] == part).to_numpy()
    row = row_of(everything.table(name), CODED, part)
    assert row["corrected"] == pytest.approx(truth[inside].mean())
    assert (row["coded"], row["positives"]) == (inside.sum(), truth[inside].sum())


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(("corrected_period_differences", "date", "2019", "2018"), id="years"),
        pytest.param(("corrected_group_differences", "province", "白河", "云岭"), id="groups"),
    ],
)
def test_differences_are_those_of_the_shares(everything, labelled, truth, case):
    name, column, one, other = case
    of = labelled.frame[column].to_numpy()
    wanted = truth[of == one].mean() - truth[of == other].mean()
    assert row_of(everything.table(name), CODED, f"{one} less {other}")["corrected"] == pytest.approx(wanted)


def test_a_category_is_the_union_of_its_codes(everything, labelled):
    for scheme in labelled.codebook.schemes:
        table = everything.table(f"corrected.{scheme}")
        assert table.scheme == scheme
        assert len(table.rows) == len(labelled.codebook.scheme(scheme).categories)


def test_an_interval_of_a_sample_is_given_and_figures_of_few_positives_are_held_back(
    labelled, truth, tmp_path
):
    made = make_report(labelled, hand=hand_labels(labelled, truth, tmp_path / "s.csv", 120))
    rows = [row_of(made.table("corrected"), code) for code in labelled.codebook.columns]
    assert [row["few_positives"] for row in rows] == [row["positives"] < 20 for row in rows]
    assert {row["labels_saved"] is None for row in rows if row["few_positives"]} == {True}
    clinic = rows[labelled.codebook.columns.index(CODED)]
    assert clinic["corrected_low"] < clinic["corrected"] < clinic["corrected_high"]
    assert isinstance(clinic["labels_saved"], int)


def test_without_hand_labels_there_is_no_such_part(labelled):
    assert "corrected" not in make_report(labelled).parts


def test_the_command_reads_the_sample_that_it_drew(fupin_here, tmp_path, tiny_model_folder):
    articles = tmp_path / "a.jsonl"
    texts = ["医生每月上门看病。大家都说好。", "公路修通了。学校开学了。"] * 10
    articles.write_text(
        "".join(
            json.dumps({"id": str(i), "text": t}, ensure_ascii=False) + "\n" for i, t in enumerate(texts)
        ),
        encoding="utf-8",
    )
    labelled, sample = tmp_path / "l.csv", tmp_path / "s.csv"
    assert fupin_here("label", articles, "-o", labelled, "-m", tiny_model_folder, "--jobs", "1").code == 0
    assert fupin_here("sample", labelled, "--n", "20", "-o", sample, "-m", tiny_model_folder).code == 0
    with sample.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        row |= {"codes": CODED if "医生" in row["text"] else "", "coded": "1"}
    with sample.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    ran = fupin_here("report", labelled, "--gold", sample, "-m", tiny_model_folder)
    assert (ran.code, "经人工标注校正的占比" in ran.text) == (0, True)
    rows[3]["segment_id"] = "没有#1"
    with sample.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    ran = fupin_here("report", labelled, "--gold", sample, "-m", tiny_model_folder)
    assert ran.code == 1
    assert "s.csv: row 4: segment_id '没有#1' is not in l.csv" in ran.err
