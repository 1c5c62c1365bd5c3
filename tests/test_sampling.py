"""Drawing samples: the probabilities are exact, the strata pay, and the file tells the coder nothing."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.simulated import simulate
from classifier.errors import InputError, OutputError
from classifier.labelled import Labelled
from classifier.sample_files import TO_FILL, make_sample, sample_writer, write_sample
from classifier.sampling import EVEN, draw, sizes, strata

N = 3000
CORPUS = simulate(np.random.default_rng(4), 0.85, 0.0, np.array([0.01, 0.03, 0.1, 0.3]), N)
SCORES = CORPUS.scores
DOCUMENTS = np.repeat(np.arange(300), 10)


@given(size=st.integers(1, 300), n=st.integers(1, 400), seed=st.integers(0, 1000), sure=st.booleans())
def test_probabilities_are_exact_and_rows_distinct_whatever_the_size(size, n, seed, sure):
    rng = np.random.default_rng(seed)
    scores = rng.random((size, 3)) ** rng.integers(1, 30)
    drawn = draw(np.round(scores) if sure else scores, np.arange(size) // 7, n, "stratified", seed)
    assert len(drawn) == len(set(drawn.rows.tolist())) == min(n, size)
    assert ((drawn.probability > 0) & (drawn.probability <= 1)).all()
    assert drawn.weight.sum() == pytest.approx(size, rel=1e-9)
    for h in np.unique(drawn.stratum):
        probability = np.unique(drawn.probability[drawn.stratum == h])
        assert len(probability) == 1
        assert (drawn.stratum == h).sum() / probability[0] == pytest.approx(
            round((drawn.stratum == h).sum() / probability[0])
        )


@given(size=st.integers(2, 400), n=st.integers(2, 300), seed=st.integers(0, 1000))
def test_each_stratum_gives_two_segments_or_all_it_has(size, n, seed):
    n = min(n, size)
    stratum, take = strata(np.random.default_rng(seed).random((size, 2)) ** 9, n)
    held = np.bincount(stratum)
    assert take.sum() == n
    assert (take <= held).all()
    assert ((take >= 2) | (take == held)).all()


@pytest.mark.parametrize("design", ["stratified", "random"])
def test_each_segment_is_drawn_as_often_as_its_probability_says(design):
    scores, times = SCORES[:60], 4000
    count, probability = np.zeros(60), np.zeros(60)
    for seed in range(times):
        drawn = draw(scores, DOCUMENTS[:60], 35, design, seed)
        count[drawn.rows] += 1
        probability[drawn.rows] = drawn.probability
    assert (probability > 0).all()
    error = np.sqrt(probability * (1 - probability) / times)
    assert np.all(np.abs(count / times - probability) <= 4.5 * error + 1e-12)


def test_doubtful_segments_are_drawn_more_often_and_none_much_less_than_at_random():
    drawn = draw(SCORES, DOCUMENTS, 600)
    probability = np.empty(N)
    stratum, take = strata(SCORES, 600)
    probability = (take / np.bincount(stratum))[stratum]
    doubtful = ((SCORES > 0.3) & (SCORES < 0.7)).any(axis=1)
    assert probability[doubtful].mean() > 1.5 * probability[~doubtful].mean()
    assert probability.min() > 0.95 * EVEN * 600 / N
    assert sorted(np.unique(drawn.probability)) == sorted(np.unique(probability))


def test_a_rare_code_is_found_more_often_than_at_random():
    rare = CORPUS.truth[:, 0]
    found = [rare[draw(SCORES, DOCUMENTS, 300, d, 7).rows].sum() for d in ("stratified", "random")]
    assert found[0] > 1.5 * found[1]


def test_decisions_without_probabilities_have_no_say():
    decided = (SCORES > 0.5).astype(float)
    assert sizes(decided).tolist() == [1.0] * N
    assert len(np.unique(draw(decided, DOCUMENTS, 600).stratum)) == 1
    beside = np.hstack([SCORES, decided])
    assert np.argsort(sizes(beside)).tolist() == np.argsort(sizes(SCORES)).tolist()


def test_where_nothing_is_known_all_segments_are_alike():
    assert sizes(np.zeros((50, 3))).tolist() == [1.0] * 50
    assert len(draw(np.zeros((50, 3)), np.zeros(50, dtype=int), 20)) == 20


def test_a_segment_that_alone_is_in_doubt_is_drawn_for_certain():
    scores = np.zeros((1000, 1))
    scores[17] = 0.5
    drawn = draw(scores, np.arange(1000), 40)
    assert drawn.probability[drawn.rows == 17].tolist() == [1.0]


@pytest.mark.parametrize("design", ["stratified", "random", "documents"])
def test_more_than_there_are_means_all(design):
    drawn = draw(SCORES[:30], DOCUMENTS[:30], 500, design)
    assert sorted(drawn.rows) == list(range(30))
    assert (drawn.probability == 1).all()


def test_wherever_the_coder_ends_each_stratum_is_coded_in_proportion():
    drawn = draw(SCORES, DOCUMENTS, 600)
    total = np.bincount(drawn.stratum)
    assert len(total) > 10
    for end in (60, 150, 300, 599):
        done = np.bincount(drawn.stratum[:end], minlength=len(total))
        assert np.abs(done - total * end / 600).max() < 2.5


def test_strata_are_numbered_at_random():
    probability = [
        d.probability[np.argsort(d.stratum, kind="stable")]
        for d in (draw(SCORES, DOCUMENTS, 300, "stratified", seed) for seed in range(4))
    ]
    assert not all((np.diff(p) >= 0).all() for p in probability)
    assert len({tuple(p) for p in probability}) == 4


def test_documents_come_whole_one_after_the_other_in_reading_order():
    drawn = draw(SCORES, DOCUMENTS, 200, "documents")
    assert len(drawn) == 200
    assert np.bincount(np.bincount(DOCUMENTS[drawn.rows]))[10] == 20
    assert set(drawn.probability) == {20 / 300}
    for one, other in pairwise(drawn.rows):
        assert other == one + 1 or DOCUMENTS[one] != DOCUMENTS[other]
    assert (np.diff(drawn.unit) < 0).any()
    assert len(draw(SCORES, DOCUMENTS, 1, "documents")) == 20  # of one no spread can be seen


def test_a_seed_draws_the_same_sample_and_another_another():
    one, same, other = (draw(SCORES, DOCUMENTS, 100, "stratified", seed) for seed in (1, 1, 2))
    assert one.rows.tolist() == same.rows.tolist()
    assert one.rows.tolist() != other.rows.tolist()


# --- the file ---


@pytest.fixture
def labelled(tiny_codebook):
    """Return twelve segments of three documents, two of them hostile to spreadsheets."""
    texts = [f"第{i}句，医生上门。" for i in range(12)]
    texts[3], texts[8] = "=HYPERLINK(1)", "＋五个一批"
    documents = [f"{i // 4 + 1:03}" for i in range(12)]
    frame = pd.DataFrame(
        {"doc_id": documents, "segment_id": [f"{d}#{i % 4}" for i, d in enumerate(documents)], "text": texts}
    )
    codes = list(tiny_codebook.columns)
    p = pd.DataFrame(np.random.default_rng(1).random((12, 4)), columns=codes)
    return Labelled("标注.csv", tiny_codebook, frame, p > 0.6, p)


def test_each_row_has_its_neighbours_and_nothing_filled_in(labelled):
    sample = make_sample(labelled, 12)
    assert [*sample.columns] == [
        *("segment_id", "doc_id", "previous", "text", "next", "codes", "coded", "note"),
        *("stratum", "inclusion_probability", "unit"),
    ]
    assert (sample[list(TO_FILL)] == "").all(axis=None)
    rows = sample.set_index("segment_id")
    assert rows.loc[["001#0", "002#0", "003#0"], "previous"].tolist() == [""] * 3
    assert rows.loc["002#1", ["previous", "next"]].tolist() == ["第4句，医生上门。", "第6句，医生上门。"]
    assert rows.loc[["001#3", "002#3", "003#3"], "next"].tolist() == [""] * 3
    assert set(sample["unit"]) == {"segment"}
    assert set(make_sample(labelled, 4, "documents")["unit"]) == {"document"}


def test_the_coder_sees_what_the_model_gave_only_if_asked(labelled, tmp_path):
    for name in ("a.csv", "a.jsonl"):
        write_sample(make_sample(labelled, 8), tmp_path / name, labelled.codebook)
        content = (tmp_path / name).read_text("utf-8")
        assert not any(code in content for code in labelled.codebook.columns)
    shown = make_sample(labelled, 12, show_model=True).set_index("segment_id")["proposed"]
    given_ = {
        s: ";".join(labelled.given.columns[g])
        for s, g in zip(labelled.frame["segment_id"], labelled.given.to_numpy(), strict=True)
    }
    assert shown.to_dict() == given_


def test_a_csv_opens_in_a_spreadsheet_and_holds_no_formula(labelled, tmp_path):
    write_sample(make_sample(labelled, 12), tmp_path / "s.csv", labelled.codebook)
    content = (tmp_path / "s.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert {r["segment_id"]: r["text"] for r in rows}["001#3"] == "'=HYPERLINK(1)"
    assert not any(v.startswith(("=", "+", "＋")) for r in rows for v in r.values())


def test_a_workbook_keeps_ids_as_text_and_lists_the_codes(labelled, tmp_path):
    write_sample(make_sample(labelled, 12), tmp_path / "s.xlsx", labelled.codebook)
    book = openpyxl.load_workbook(tmp_path / "s.xlsx")
    assert book.sheetnames == ["sample", "codes"]
    header, *rows = book["sample"].values
    cells = [dict(zip(header, row, strict=True)) for row in rows]
    assert {c["doc_id"] for c in cells} == {"001", "002", "003"}
    assert all(isinstance(c["inclusion_probability"], int | float) for c in cells)
    assert {c["text"] for c in cells} >= {"'=HYPERLINK(1)", "'＋五个一批"}
    assert [row[0] for row in book["codes"].values] == ["code", *labelled.codebook.columns]
    assert book["codes"]["B2"].value == "看病"


def test_the_same_sample_is_the_same_bytes(labelled, tmp_path):
    for suffix in ("csv", "jsonl", "xlsx"):
        for name in ("one", "other"):
            write_sample(make_sample(labelled, 9), tmp_path / f"{name}.{suffix}", labelled.codebook)
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"other.{suffix}").read_bytes()
    lines = (tmp_path / "one.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["unit"] for line in lines] == ["segment"] * 9


def test_what_cannot_be_drawn_or_written_is_told(labelled, tmp_path):
    with pytest.raises(InputError, match="unknown design 'systematic'") as caught:
        make_sample(labelled, 3, "systematic")
    assert caught.value.hint == "designs: stratified, random, documents"
    empty = Labelled(
        "空.csv", labelled.codebook, labelled.frame[:0], labelled.given[:0], labelled.probabilities[:0]
    )
    with pytest.raises(InputError, match=r"空\.csv: no segments"):
        make_sample(empty, 3)
    with pytest.raises(OutputError, match=r"unknown format '\.doc'"):
        sample_writer(tmp_path / "s.doc")


# --- the command ---


@pytest.fixture(scope="module")
def labelled_file(tmp_path_factory, tiny_corpus):
    path = tmp_path_factory.mktemp("labelled") / "标注.csv"
    codes = tiny_corpus.codebook.columns
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["doc_id", "segment_id", "text", "codes", *codes])
        for n, s in enumerate(tiny_corpus.segments):
            p = [0.9 if c in s.codes else 0.1 + (n % 7) / 20 for c in codes]
            writer.writerow([s.doc_id, f"{s.doc_id}#{n}", s.text, ";".join(s.codes), *p])
    return path


def test_the_command_writes_a_sample_and_says_what_to_do(
    fupin_here, labelled_file, tiny_model_folder, tmp_path
):
    out = tmp_path / "s.csv"
    ran = fupin_here("sample", labelled_file, "--n", "60", "-o", out, "-m", tiny_model_folder)
    assert ran.code == 0
    assert ran.out == b""
    assert ran.err.splitlines()[0] == f"60 of 120 segments, in 20 documents; strata: 4 → {out}"
    assert "under 'coded'" in ran.err
    assert len(out.read_text("utf-8-sig").splitlines()) == 61
    again = fupin_here(
        "sample", labelled_file, "--n", "60", "-o", tmp_path / "t.csv", "-m", tiny_model_folder
    )
    assert again.code == 0
    assert out.read_bytes() == (tmp_path / "t.csv").read_bytes()


def test_the_command_says_where_all_are_taken(fupin_here, labelled_file, tiny_model_folder, tmp_path):
    ran = fupin_here("sample", labelled_file, "-o", tmp_path / "s.jsonl", "-m", tiny_model_folder)
    assert ran.err.startswith("all 120 segments, in 20 documents; strata: 1 →")


def test_hand_labels_are_never_overwritten(fupin_here, labelled_file, tiny_model_folder, tmp_path):
    out = tmp_path / "s.csv"
    out.write_text("编了三天", "utf-8")
    ran = fupin_here("sample", labelled_file, "-o", out, "-m", tiny_model_folder)
    assert ran.code == 1
    assert ran.problem == [
        f"error: {out}: is there already, and may hold hand labels",
        "hint: name another file",
    ]
    assert out.read_text("utf-8") == "编了三天"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--design", "snowball"), 2, "--design snowball: choose stratified, random, documents"),
        (("-o", "s.pdf"), 1, "unknown format '.pdf'"),
        (("--n", "0"), 2, "--n"),
    ],
    ids=["unknown design", "unknown format", "nothing asked for"],
)
def test_mistakes_are_told_before_any_work(fupin_here, tmp_path, options, code, said):
    ran = fupin_here("sample", tmp_path / "none.csv", "-o", tmp_path / "s.csv", *options)
    assert ran.code == code
    assert said in ran.err
    assert list(tmp_path.iterdir()) == []
