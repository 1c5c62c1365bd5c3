"""The sentences a report shows: which, in what order, with what around them, and what decided."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.codebook import codebook_from_text
from classifier.explanation import Evidence, Explanation, explain
from classifier.labelled import Labelled
from classifier.report import against_thresholds, make_report
from classifier.report_sentences import NEAR, highlights, sentences_of_codes


def labelled(codebook, rows, **columns):
    """Return labelled segments from document, text and probabilities; given is what is above a half."""
    p = pd.DataFrame([row[2:] for row in rows], columns=list(codebook.columns), dtype=float)
    frame = {"doc_id": [r[0] for r in rows], "segment_id": [f"{r[0]}#{i}" for i, r in enumerate(rows)]}
    frame |= {"text": [r[1] for r in rows], **columns}
    return Labelled("l.csv", codebook, pd.DataFrame(frame), p > 0.5, p)


NO = (0.0, 0.0, np.nan)
ROWS = [
    ("山", "医生甲。", 0.71, *NO),
    ("山", "医生乙。", 0.93, *NO),
    ("山", "大家都说好。", 0.01, *NO),
    ("水", "医生乙。", 0.99, *NO),
    ("水", "乡亲们很高兴。", 0.02, *NO),
]


def strongest(found, code="clinic", most=5, model=None):
    (made,) = (c for c in sentences_of_codes(found, model, "zh", most) if c.code == code)
    return made.strongest


# --- the strongest ---


def test_the_most_probable_come_first_and_each_text_once(tiny_codebook):
    found = strongest(labelled(tiny_codebook, ROWS))
    assert [(s.text, s.segment_id, s.probability) for s in found] == [
        ("医生乙。", "水#3", 0.99),
        ("医生甲。", "山#0", 0.71),
    ]


def test_equally_probable_ones_stand_as_in_the_file_and_there_are_no_more_than_asked_for(tiny_codebook):
    rows = [("山", f"医生{i}。", 0.9, *NO) for i in range(9)]
    assert [s.text for s in strongest(labelled(tiny_codebook, rows), most=3)] == [
        "医生0。",
        "医生1。",
        "医生2。",
    ]


def test_a_sentence_whose_probability_is_unknown_stands_last(tiny_codebook):
    found = labelled(tiny_codebook, ROWS)
    found.given.loc[4, "clinic"], found.probabilities.loc[4, "clinic"] = True, np.nan
    assert [s.probability for s in strongest(found)] == [0.99, 0.71, None]


def test_a_code_that_is_never_given_has_no_sentences(tiny_codebook):
    assert strongest(labelled(tiny_codebook, ROWS), "road") == ()


def test_a_sentence_knows_all_its_codes_its_title_and_its_row(tiny_codebook):
    rows = [("山", "无。", *[0.0] * 4), ("山", "医生进小学。", 0.9, 0.8, 0.1, np.nan)]
    (found,) = strongest(labelled(tiny_codebook, rows, title=[None, "巡诊记"]))
    assert (found.codes, found.title, found.key) == (("clinic", "school"), "巡诊记", "s1")


# --- what stands around ---


def test_two_segments_before_and_after_are_shown_and_none_of_another_document(tiny_codebook):
    found = strongest(labelled(tiny_codebook, ROWS))
    assert [n.text for n in found[0].before] == []
    assert [n.text for n in found[0].after] == ["乡亲们很高兴。"]
    assert [(n.segment_id, n.codes) for n in found[1].after] == [("山#1", ("clinic",)), ("山#2", ())]
    long = labelled(tiny_codebook, [("山", f"第{i}句。", 0.9 * (i == 3), *NO) for i in range(7)])
    (middle,) = strongest(long)
    assert [n.text for n in middle.before] == ["第1句。", "第2句。"]
    assert [n.text for n in middle.after] == ["第4句。", "第5句。"]


def test_rows_that_were_shuffled_are_put_back_in_the_order_of_the_text(tiny_codebook):
    rows = [("山", f"第{i}句。", 0.9 * (i == 1), *NO) for i in (2, 0, 1)]
    rows.insert(1, ("水", "别处。", 0.0, *NO))
    (found,) = strongest(labelled(tiny_codebook, rows, start=["20", "0", "0", "10"]))
    assert [n.text for n in found.before] == ["第0句。"]
    assert [n.text for n in found.after] == ["第2句。"]


def test_without_offsets_the_order_of_the_file_counts(tiny_codebook):
    rows = [("山", f"第{i}句。", 0.9 * (i == 1), *NO) for i in range(3)]
    (found,) = strongest(labelled(tiny_codebook, rows, start=["", "0", "x"]))
    assert [n.text for n in (*found.before, *found.after)] == ["第0句。", "第2句。"]


# --- the doubtful ---


def doubtful(model, values):
    """Return the doubtful clinic sentences of segments with these probabilities."""
    rows = [("山", f"医生{p:.4f}。", p, *NO) for p in values]
    (made,) = (
        c for c in sentences_of_codes(labelled(model.codebook, rows), model, "zh", 3) if c.code == "clinic"
    )
    return made


def test_the_nearest_to_the_threshold_on_either_side_are_doubtful(tiny_model):
    t = float(tiny_model.decisions_.threshold[0])
    values = [t + 0.02, t - 0.01, t + 0.001, t - 0.005, t + NEAR + 0.01, 0.999]
    made = doubtful(tiny_model, values)
    assert made.threshold == t
    shown = {s.text for s in made.strongest}
    expected = [
        p
        for p in sorted(values, key=lambda p: abs(p - t))
        if f"医生{p:.4f}。" not in shown and abs(p - t) <= NEAR
    ]
    assert [s.probability for s in made.doubtful] == expected[:3]


def test_far_from_the_threshold_nothing_is_doubtful(tiny_model):
    t = float(tiny_model.decisions_.threshold[0])
    assert doubtful(tiny_model, [0.0, t - NEAR - 0.01]).doubtful == ()


def test_no_text_is_both_strong_and_doubtful(tiny_model):
    t = float(tiny_model.decisions_.threshold[0])
    made = doubtful(tiny_model, [t + 0.11, t + 0.12, t + 0.13, t + 0.14])
    assert not {s.text for s in made.strongest} & {s.text for s in made.doubtful}


def test_an_untrained_code_has_no_threshold_and_nothing_doubtful(tiny_model):
    made = sentences_of_codes(labelled(tiny_model.codebook, ROWS), tiny_model, "zh", 5)
    assert made[3].code == "well"
    assert (made[3].threshold, made[3].doubtful) == (None, ())


def test_codes_that_exclude_each_other_are_doubtful_where_two_are_nearly_as_probable():
    book = codebook_from_text(
        'name: v\nversion: "1"\nexclusive: true\ncodes: [{code: a, name: 甲}, {code: b, name: 乙}]', "v.yaml"
    )
    p = pd.DataFrame([[0.52, 0.48], [0.47, 0.53], [0.9, 0.1]], columns=["a", "b"])
    frame = pd.DataFrame({"doc_id": "山", "segment_id": ["0", "1", "2"], "text": ["x", "y", "z"]})
    made = sentences_of_codes(Labelled("l", book, frame, p > 0.5, p), None, "zh", 1)[0]
    assert [s.text for s in made.strongest] == ["z"]
    assert [s.text for s in made.doubtful] == ["x"]


# --- what decided ---


def test_the_words_that_decided_are_those_of_the_explanation(tiny_model):
    text = "在柳树坪，签约医生每月上门给老人量血压。"
    found = labelled(tiny_model.codebook, [("山", text, 0.9, *NO)])
    (sentence,) = strongest(found, model=tiny_model)
    (why,) = (e for e in explain(tiny_model, text) if e.code == "clinic")
    assert sentence.highlights == highlights(why)
    assert "医生" in "".join(text[start:end] for start, end, _ in sentence.highlights)
    speaking = sum(e.weight for e in why.evidence if e.weight >= 0.05)
    assert sum(weight for _, _, weight in sentence.highlights) == pytest.approx(speaking)


def test_without_a_model_nothing_is_highlighted(tiny_codebook):
    assert all(s.highlights == () for s in strongest(labelled(tiny_codebook, ROWS)))


EVIDENCE = st.lists(
    st.builds(
        lambda start, size, weight: Evidence("", start, start + size, weight),
        st.integers(0, 20),
        st.integers(0, 6),
        st.floats(-3, 3),
    ),
    max_size=6,
)


@given(EVIDENCE)
def test_highlights_do_not_overlap_and_keep_the_weight_of_what_speaks_for_the_code(evidence):
    made = highlights(Explanation("c", 0.9, 0.5, True, 0.0, 0.0, 0.0, tuple(evidence)))
    assert all(start < end for start, end, _ in made)
    assert all(one[1] <= other[0] for one, other in pairwise(made))
    speaking = [e for e in evidence if e.weight >= 0.05 and e.end > e.start]
    assert sum(weight for *_, weight in made) == pytest.approx(sum(e.weight for e in speaking))
    covered = {i for e in speaking for i in range(e.start, e.end)}
    assert {i for start, end, _ in made for i in range(start, end)} == covered


# --- labels of another model ---


def test_labels_against_the_thresholds_are_told(tiny_model):
    texts = [f"在村里，签约医生每月上门给第{i}位老人量血压。" for i in range(30)]
    p = pd.DataFrame(tiny_model.predict_proba(texts), columns=list(tiny_model.codes_)).round(4)
    given = pd.DataFrame(tiny_model.predict(texts), columns=list(tiny_model.codes_))
    frame = pd.DataFrame({"doc_id": "山", "segment_id": list(map(str, range(30))), "text": texts})
    own = Labelled("l.csv", tiny_model.codebook, frame, given, p)
    assert given["clinic"].all()
    assert against_thresholds(own, tiny_model) == 0
    foreign = replace(own, given=given.assign(clinic=False, road=True))
    assert against_thresholds(foreign, tiny_model) == 1
    assert any("另一模型" in w for w in make_report(foreign, model=tiny_model).warnings)
    assert not any("另一模型" in w for w in make_report(own, model=tiny_model).warnings)
    assert any("打井" in w for w in make_report(own, model=tiny_model).warnings)  # untrained


def test_a_threshold_met_but_for_rounding_is_no_sign_of_another_model(tiny_model):
    t = float(tiny_model.decisions_.threshold[0])
    found = labelled(tiny_model.codebook, [("山", "医生。", t - 0.00004, *NO)])
    found.given.loc[0, "clinic"] = True
    assert against_thresholds(found, tiny_model) == 0
