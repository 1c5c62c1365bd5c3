"""Reading a sample that was filled in: what counts as coded, how it is weighted, and all mistakes."""

from __future__ import annotations

import csv

import numpy as np
import openpyxl
import pandas as pd
import pytest

from classifier.codebook import codebook_from_text
from classifier.errors import CorpusError, InputError
from classifier.estimate import estimate_shares
from classifier.hand_labels import read_hand_labels
from classifier.labelled import Labelled, read_labelled
from classifier.sample_files import make_sample, write_sample

N = 120


@pytest.fixture(scope="module")
def labelled(tiny_codebook):
    """Return 120 segments of ten documents, and probabilities that mean something."""
    rng = np.random.default_rng(8)
    p = pd.DataFrame(rng.random((N, 4)) ** 4, columns=list(tiny_codebook.columns))
    frame = pd.DataFrame(
        {
            "doc_id": [f"{i // 12:02}.txt" for i in range(N)],
            "segment_id": [f"{i // 12:02}.txt#{i % 12}" for i in range(N)],
            "text": [f"第{i}句：医生每月上门。" for i in range(N)],
        }
    )
    return Labelled("标注.csv", tiny_codebook, frame, p > 0.5, p)


@pytest.fixture
def fill(labelled, tmp_path):
    """Draw a sample, fill it in by a function of its frame, and write it: ``fill(change, n, design)``."""

    def filled(change=lambda frame: frame, n=40, design="stratified", name="s.csv"):
        sample = make_sample(labelled, n, design).astype({"stratum": object, "inclusion_probability": object})
        sample["coded"] = "1"
        sample["codes"] = ["clinic" if i % 3 == 0 else "" for i in range(len(sample))]
        changed = change(sample)
        path = tmp_path / name
        write_sample(sample if changed is None else changed, path, labelled.codebook)
        return path

    return filled


def in_row(row, column, value):
    """Return a change of one cell; rows count from 1, as messages do."""

    def change(frame):
        frame.loc[row - 1, column] = value

    return change


@pytest.mark.parametrize("name", ["s.csv", "s.xlsx", "s.jsonl"])
def test_what_was_filled_in_is_joined_to_the_corpus(fill, labelled, name):
    hand = read_hand_labels(fill(name=name), labelled)
    sample = make_sample(labelled, 40)
    joined = hand.corpus
    assert (hand.rows, hand.coded, hand.set_aside) == (40, 40, 0)
    assert labelled.frame["segment_id"].iloc[joined.drawn.rows].tolist() == sample["segment_id"].tolist()
    assert joined.drawn.probability.tolist() == pytest.approx(sample["inclusion_probability"].tolist())
    assert joined.gold["clinic"].tolist() == [i % 3 == 0 for i in range(40)]
    assert not joined.gold.drop(columns="clinic").any(axis=None)
    assert len(np.unique(joined.drawn.stratum)) == sample["stratum"].nunique() == 2
    assert joined.drawn.unit.tolist() == joined.drawn.rows.tolist()
    assert estimate_shares(joined)["coded"].tolist() == [40] * 4


@pytest.mark.parametrize("mark", ["1", "x", "Ｘ", "是", "yes", 1])
def test_marks_say_that_a_row_is_coded_and_codes_do_too(fill, labelled, mark):
    def change(frame):
        frame["coded"] = [mark if i < 20 else "" for i in range(40)]
        frame["codes"] = ["road" if 20 <= i < 25 else "" for i in range(40)]

    hand = read_hand_labels(fill(change, name="s.jsonl"), labelled)
    assert hand.coded == 25
    assert hand.corpus.gold["road"].sum() == 5


def test_without_a_column_coded_all_rows_are(fill, labelled):
    hand = read_hand_labels(fill(lambda frame: frame.drop(columns="coded")), labelled)
    assert hand.coded == 40


def test_rows_not_reached_make_the_others_stand_for_more(fill, labelled):
    def change(frame):
        frame.loc[20:, ["coded", "codes"]] = ""

    hand = read_hand_labels(fill(change), labelled)
    assert (hand.rows, hand.coded) == (40, 20)
    drawn = hand.corpus.drawn
    assert drawn.weight.sum() == pytest.approx(N)
    sample = make_sample(labelled, 40)
    for h in (1, 2):
        done = sample["stratum"][:20] == h
        whole = sample["inclusion_probability"][sample["stratum"] == h].iloc[0]
        part = done.sum() / (sample["stratum"] == h).sum()
        assert set(drawn.probability[done.to_numpy()].round(12)) == {round(whole * part, 12)}


def test_codes_may_be_joined_by_chinese_marks(fill, labelled):
    hand = read_hand_labels(fill(in_row(2, "codes", "clinic；road、 school")), labelled)
    assert hand.corpus.gold.iloc[1].tolist() == [True, True, True, False]


def test_documents_drawn_whole_are_the_units(fill, labelled):
    hand = read_hand_labels(fill(n=36, design="documents"), labelled)
    drawn = hand.corpus.drawn
    assert len(np.unique(drawn.unit)) == 3
    assert drawn.clustered
    assert hand.corpus.documents.tolist() == [i // 12 for i in range(N)]
    assert set(drawn.probability) == {0.3}


def test_a_document_coded_in_part_is_set_aside(fill, labelled):
    hand = read_hand_labels(fill(in_row(30, "coded", ""), n=36, design="documents"), labelled)
    assert (hand.rows, hand.coded, hand.set_aside) == (36, 35, 11)
    assert len(hand.corpus.drawn) == 24
    assert set(hand.corpus.drawn.probability.round(12)) == {0.2}  # two of ten, not three


def test_a_sample_that_does_not_say_what_was_drawn_is_taken_for_clustered(fill, labelled):
    hand = read_hand_labels(fill(lambda frame: frame.drop(columns="unit")), labelled)
    assert hand.corpus.drawn.unit.tolist() == (hand.corpus.drawn.rows // 12).tolist()
    assert hand.corpus.documents is None


def test_a_sample_drawn_by_hand_needs_no_strata_and_no_texts(fill, labelled):
    kept = ["segment_id", "codes", "inclusion_probability"]
    hand = read_hand_labels(fill(lambda frame: frame[kept], n=30, design="random"), labelled)
    assert len(np.unique(hand.corpus.drawn.stratum)) == 1


def test_what_a_spreadsheet_does_to_texts_is_no_change(fill, labelled, tmp_path):
    def change(frame):
        frame["text"] = frame["text"].str.replace("：", ": ") + "\r\n"

    assert read_hand_labels(fill(change), labelled).coded == 40


def test_texts_that_look_like_formulas_come_back(tiny_codebook, tmp_path):
    texts = ["=1+1", "-帮扶-", "'引号", "+五个一批", "医生\x08来了"]
    frame = pd.DataFrame({"doc_id": ["-a"] * 5, "segment_id": [f"-a#{i}" for i in range(5)], "text": texts})
    p = pd.DataFrame(0.1, index=range(5), columns=list(tiny_codebook.columns))
    corpus = Labelled("标注.csv", tiny_codebook, frame, p > 0.5, p)
    for name in ("s.csv", "s.xlsx", "s.jsonl"):
        write_sample(make_sample(corpus, 5).assign(coded="是"), tmp_path / name, tiny_codebook)
        assert read_hand_labels(tmp_path / name, corpus).coded == 5


MISTAKES = {
    "a segment of another corpus": (
        in_row(3, "segment_id", "99.txt#0"),
        r"s\.csv: row 3: segment_id '99\.txt#0' is not in 标注\.csv",
    ),
    "another text": (
        in_row(4, "text", "别的句子"),
        r"s\.csv: row 4: in 标注\.csv the text of '.+' is '第\d+句：医生",
    ),
    "no probability": (in_row(5, "inclusion_probability", ""), r"s\.csv: row 5: inclusion_probability is ''"),
    "probability 0": (in_row(5, "inclusion_probability", 0), r"row 5: inclusion_probability is '0'"),
    "probability above 1": (
        in_row(5, "inclusion_probability", 1.2),
        r"row 5: inclusion_probability is '1.2'",
    ),
    "probability NaN": (in_row(5, "inclusion_probability", "nan"), r"row 5: inclusion_probability is 'nan'"),
    "probability in words": (
        in_row(5, "inclusion_probability", "高"),
        r"row 5: inclusion_probability is '高'",
    ),
    "unknown code": (in_row(6, "codes", "clinic;bridge"), r"s\.csv: row 6: unknown code 'bridge'"),
    "unknown mark": (in_row(7, "coded", "maybe"), r"s\.csv: row 7: 'coded' is 'maybe'"),
    "unknown unit": (in_row(8, "unit", "page"), r"s\.csv: row 8: 'unit' is 'page'"),
    "two kinds of unit": (in_row(8, "unit", "document"), r"s\.csv: row 8: 'unit' is 'document'"),
    "a row twice": (
        lambda frame: pd.concat([frame, frame.iloc[[1]]]),
        r"s\.csv: row 41: segment_id '.+' stands in s\.csv: row 2 too",
    ),
    "no column": (lambda frame: frame.drop(columns="codes"), r"s\.csv: row 1: no column 'codes'"),
    "nothing coded": (
        lambda frame: frame.assign(coded="", codes=""),
        r"s\.csv: not one row is coded",
    ),
    "rows left out": (
        lambda frame: frame.iloc[:30],
        r"s\.csv: by 'inclusion_probability' its rows stand for \d+, the corpus has 120",
    ),
    "no rows": (lambda frame: frame.iloc[:0], r"s\.csv: no rows"),
}


@pytest.mark.parametrize(("change", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_row(fill, labelled, change, said):
    path = fill(change)
    with pytest.raises(InputError, match=said) as caught:
        read_hand_labels(path, labelled)
    assert "\n" not in str(caught.value) + caught.value.hint
    assert caught.value.hint


def test_a_code_twice_in_a_row_is_told(fill, labelled):
    path = fill(in_row(6, "codes", "clinic;clinic"))
    with pytest.raises(CorpusError, match=r"s\.csv: row 6: a code stands twice"):
        read_hand_labels(path, labelled)


def test_a_stratum_of_which_nothing_is_coded_is_told(fill, labelled):
    def change(frame):
        other = frame["stratum"] != frame["stratum"].iloc[0]
        frame.loc[other, ["coded", "codes"]] = ""

    with pytest.raises(InputError, match=r"s\.csv: row \d+: nothing of stratum '[12]' is coded") as caught:
        read_hand_labels(fill(change), labelled)
    assert "code on" in caught.value.hint


def test_a_document_with_rows_left_out_is_told(fill, labelled):
    path = fill(lambda frame: frame.drop(index=14), n=36, design="documents")
    with pytest.raises(InputError, match=r"row 13: of document '\d\d\.txt' the sample has 11 of 12 segments"):
        read_hand_labels(path, labelled)


def test_documents_of_which_none_is_coded_as_a_whole_are_told(fill, labelled):
    def change(frame):
        frame.loc[[3, 15, 27], ["coded", "codes"]] = ""

    path = fill(change, n=36, design="documents")
    with pytest.raises(InputError, match="not one document is coded as a whole"):
        read_hand_labels(path, labelled)


def test_where_codes_exclude_each_other_a_coded_row_has_one(tmp_path):
    book = codebook_from_text(
        'name: 新闻\nversion: "1"\nexclusive: true\ncodes:\n'
        "  - {code: sport, name: 体育, definition: 体育新闻}\n"
        "  - {code: stock, name: 股票, definition: 股票新闻}\n",
        "news.yaml",
    )
    frame = pd.DataFrame({"doc_id": list("甲乙丙"), "segment_id": list("甲乙丙"), "text": list("天地人")})
    p = pd.DataFrame({"sport": [0.9, 0.6, 0.2], "stock": [0.1, 0.4, 0.8]})
    corpus = Labelled("标注.csv", book, frame, p > 0.5, p)
    sample = make_sample(corpus, 3, "random")
    sample["codes"] = ["sport", "", "stock"]
    write_sample(sample, tmp_path / "s.csv", book)
    assert read_hand_labels(tmp_path / "s.csv", corpus).coded == 2
    write_sample(sample.assign(coded="1"), tmp_path / "t.csv", book)
    with pytest.raises(InputError, match=r"t\.csv: row 2: 0 codes, but '新闻' wants exactly one"):
        read_hand_labels(tmp_path / "t.csv", corpus)


def test_from_the_command_to_the_estimate(
    fupin_here, tiny_model_folder, tiny_corpus, tiny_codebook, tmp_path
):
    """Label, draw, fill in as Excel would, and estimate: the truth lies in the intervals."""
    texts = tmp_path / "texts.csv"
    with texts.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([("id", "text"), *((f"{i}", s.text) for i, s in enumerate(tiny_corpus.segments))])
    out, drawn = tmp_path / "l.csv", tmp_path / "s.xlsx"
    labelling = ("label", texts, "--unit", "row", "-m", tiny_model_folder, "-o", out, "--jobs", "1")
    assert fupin_here(*labelling).code == 0
    assert fupin_here("sample", out, "--n", "80", "-o", drawn, "-m", tiny_model_folder).code == 0
    truth = {s.text: ";".join(s.codes) for s in tiny_corpus.segments}
    book = openpyxl.load_workbook(drawn)
    header, *rows = ([c.value for c in row] for row in book["sample"].iter_rows())
    for number, row in enumerate(rows, 2):
        cells = dict(zip(header, row, strict=True))
        book["sample"].cell(number, header.index("codes") + 1).value = truth[cells["text"]] or None
        book["sample"].cell(number, header.index("coded") + 1).value = 1
    book.save(drawn)
    corpus = read_labelled(out, tiny_codebook)
    table = estimate_shares(read_hand_labels(drawn, corpus).corpus)
    shares = tiny_corpus.labels.mean(axis=0)
    assert ((table["corrected_low"] <= shares) & (shares <= table["corrected_high"])).all()
    assert table["coded"].tolist() == [80] * 4
