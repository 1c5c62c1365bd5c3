"""Figures: checked against an example worked on paper, with intervals that resample documents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from classifier.corpus import Segment, make_corpus
from classifier.errors import CodebookError
from classifier.evaluation import (
    MACRO_SUPPORT,
    compare,
    evaluate,
    evaluate_decisions,
    paired_difference,
    to_text,
)

# Worked on paper. Two documents, five segments, two codes; gold | given:
#
#   甲#0   a      | a          code a: TP 2 (甲#0 甲#1), FP 0, FN 1 (乙#0)
#   甲#1   a b    | a              P = 2/2, R = 2/3, F1 = 2·2 / (2·2 + 0 + 1) = 4/5
#   甲#2   –      | b          code b: TP 1 (乙#1), FP 1 (甲#2), FN 1 (甲#1)
#   乙#0   a      | –              P = 1/2, R = 1/2, F1 = 2·1 / (2·1 + 1 + 1) = 1/2
#   乙#1   b      | b          together: TP 3, FP 1, FN 2, micro-F1 = 6 / (6 + 1 + 2) = 2/3
#                              macro-F1 = (4/5 + 1/2) / 2 = 0.65
GOLD = np.array([[1, 0], [1, 1], [0, 0], [1, 0], [0, 1]], dtype=bool)
GIVEN = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, 1]], dtype=bool)
DOCUMENTS = ["甲", "甲", "甲", "乙", "乙"]


def times(n, *arrays):
    """Return the example n times over, each time with documents of its own.

    (Both documents happen to have a micro-F1 of 2/3; tests of intervals make each segment a document.)
    """
    groups = [f"{d}{i}" for i in range(n) for d in DOCUMENTS]
    return (*(np.tile(a, (n, 1)) for a in arrays), groups)


def test_the_worked_example_per_code():
    table = evaluate_decisions(GIVEN, GOLD, DOCUMENTS, ["a", "b"]).table
    assert table.loc["a"].tolist() == pytest.approx([1, 2 / 3, 4 / 5, 3, 2])
    assert table.loc["b"].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 2, 2, 2])
    assert table.columns.tolist() == ["precision", "recall", "f1", "support", "given"]


def test_the_worked_example_together():
    given, gold, groups = times(3, GIVEN, GOLD)  # supports 9 and 6: wide enough for the macro average
    outcome = evaluate_decisions(given, gold, groups, ["a", "b"])
    assert outcome.micro.value == pytest.approx(2 / 3)
    assert outcome.macro.value == pytest.approx(0.65)
    assert (outcome.segments, outcome.documents) == (15, 6)


def test_the_macro_average_leaves_out_codes_with_few_gold_positives():
    # A third code with one positive fewer than needed, never found: F1 = 0, and not counted.
    given, gold, groups = times(3, GIVEN, GOLD)
    rare = np.arange(15) < MACRO_SUPPORT - 1
    gold, given = np.column_stack([gold, rare]), np.column_stack([given, np.zeros(15, dtype=bool)])
    assert evaluate_decisions(given, gold, groups, ["a", "b", "c"]).macro.value == pytest.approx(0.65)
    gold[-1, 2] = True  # one more positive, and it counts
    assert evaluate_decisions(given, gold, groups, ["a", "b", "c"]).macro.value == pytest.approx(1.3 / 3)


def test_without_any_wide_enough_code_there_is_no_macro_average():
    macro = evaluate_decisions(GIVEN, GOLD, DOCUMENTS, ["a", "b"]).macro
    assert np.isnan([macro.value, macro.low, macro.high]).all()


def test_a_figure_that_does_not_exist_is_nan_and_one_that_is_zero_is_zero():
    gold = np.array([[False, True, False]])
    given = np.array([[False, False, True]])
    table = evaluate_decisions(given, gold, ["甲"], ["neither", "missed", "invented"]).table
    assert table.loc["neither", ["precision", "recall", "f1"]].isna().all()
    assert table.loc["missed", ["recall", "f1"]].tolist() == [0, 0]
    assert np.isnan(table.loc["missed", "precision"])
    assert table.loc["invented", ["precision", "f1"]].tolist() == [0, 0]
    assert np.isnan(table.loc["invented", "recall"])


def test_nothing_gold_and_nothing_given_is_micro_zero_not_an_error():
    nothing = np.zeros((2, 1), dtype=bool)
    assert evaluate_decisions(nothing, nothing, ["甲", "乙"], ["a"]).micro.value == 0


def test_identical_documents_leave_no_doubt():
    given, gold = np.tile(GIVEN, (4, 1)), np.tile(GOLD, (4, 1))
    groups = [f"文{i // 5}" for i in range(20)]
    micro = evaluate_decisions(given, gold, groups, ["a", "b"]).micro
    assert micro.low == micro.value == micro.high == pytest.approx(2 / 3)


def test_documents_are_drawn_and_not_segments():
    # One document all right, one all wrong, 500 segments each: drawing segments would hardly vary,
    # drawing documents gives all right or all wrong in a quarter of the replications each.
    gold = np.ones((1000, 1), dtype=bool)
    given = np.arange(1000)[:, None] < 500
    micro = evaluate_decisions(given, gold, ["甲"] * 500 + ["乙"] * 500, ["a"]).micro
    assert (micro.low, micro.high) == (0, 1)


def test_the_interval_narrows_with_more_documents():
    few, many = (
        evaluate_decisions(*times(n, GIVEN, GOLD)[:2], [str(i) for i in range(5 * n)], ["a", "b"]).micro
        for n in (2, 50)
    )
    assert many.high - many.low < (few.high - few.low) / 2
    for micro in (few, many):
        assert micro.low < micro.value < micro.high


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.sampled_from("甲乙丙丁")), min_size=1, max_size=25)
)
def test_figures_and_intervals_stay_between_zero_and_one(rows):
    gold, given = (np.array([[row[i]] for row in rows]) for i in (0, 1))
    micro = evaluate_decisions(given, gold, [row[2] for row in rows], ["a"]).micro
    assert 0 <= micro.low <= micro.high <= 1
    assert 0 <= micro.value <= 1


def test_the_same_decisions_have_the_same_interval_whatever_the_global_seed():
    outcomes = []
    for seed in (1, 2):
        np.random.seed(seed)
        each = [str(i) for i in range(25)]
        outcomes.append(evaluate_decisions(*times(5, GIVEN, GOLD)[:2], each, ["a", "b"]))
    assert outcomes[0].micro == outcomes[1].micro
    assert outcomes[0].macro == outcomes[1].macro


def test_an_estimate_reads_as_value_and_interval():
    gold = np.ones((2, 1), dtype=bool)
    assert str(evaluate_decisions(gold, gold, ["甲", "乙"], ["a"]).micro) == "1.000 [1.000, 1.000]"


# --- two classifiers on the same gold ---


def test_the_paired_difference_is_first_minus_second():
    # The first finds all (micro-F1 1), the second is the worked example (2/3).
    given, gold, _ = times(6, GIVEN, GOLD)
    each = [str(i) for i in range(30)]
    better = paired_difference(gold, given, gold, each)
    assert better.value == pytest.approx(1 / 3)
    assert 0 < better.low < better.value < better.high < 1
    worse = paired_difference(given, gold, gold, each)
    assert (worse.value, worse.low, worse.high) == pytest.approx((-better.value, -better.high, -better.low))


def test_the_paired_difference_of_equal_decisions_is_exactly_zero():
    given, gold, groups = times(6, GIVEN, GOLD)
    difference = paired_difference(given, given.copy(), gold, groups)
    assert (difference.value, difference.low, difference.high) == (0, 0, 0)


def test_both_classifiers_are_scored_on_the_same_draws():
    # In half of the documents both find everything, in the other half nothing, but for one positive:
    # each figure alone varies widely with the documents drawn, their difference hardly.
    gold = np.ones((40, 1), dtype=bool)
    first = np.arange(40)[:, None] < 20
    second = first & (np.arange(40)[:, None] > 0)
    groups = [f"文{i // 2}" for i in range(40)]
    alone = evaluate_decisions(first, gold, groups, ["a"]).micro
    difference = paired_difference(first, second, gold, groups)
    assert alone.high - alone.low > 0.3
    assert 0 <= difference.low < difference.value < difference.high < 0.1


def gold_of(tiny_codebook):
    rows = [("甲", ("clinic",)), ("甲", ("school", "road")), ("乙", ()), ("乙", ("well",))]
    return make_corpus(
        [Segment(d, f"第{i}句话。", codes) for i, (d, codes) in enumerate(rows)], tiny_codebook
    )


def test_a_scheme_is_scored_on_categories_where_any_of_their_codes_will_do(tiny_codebook):
    # Categories: 公共服务 ← clinic, school; 基础设施 ← road, well. Worked on paper:
    #   gold 公共服务 0 1 – –, 基础设施 – 1 – 3;  given 公共服务 0 – 2 –, 基础设施 – 1 – 3.
    # Segment 0 (school for clinic) and 3 (road for well) are right as categories.
    gold = gold_of(tiny_codebook)
    given = np.zeros((4, 4), dtype=bool)
    given[[0, 1, 2, 3], [1, 2, 0, 2]] = True  # school, road, clinic, road
    outcome = compare(gold, given, None, "two-kinds")
    assert outcome.view == "two-kinds"
    assert outcome.model.table.index.tolist() == ["公共服务", "基础设施"]
    assert outcome.model.table.loc["公共服务"].tolist() == pytest.approx([1 / 2, 1 / 2, 1 / 2, 2, 2])
    assert outcome.model.table.loc["基础设施"].tolist() == pytest.approx([1, 1, 1, 2, 2])
    assert outcome.model.micro.value == pytest.approx(2 * 3 / (2 * 3 + 1 + 1))
    assert outcome.baseline is None
    assert outcome.difference is None


def test_per_code_the_same_decisions_score_as_codes(tiny_codebook):
    gold = gold_of(tiny_codebook)
    outcome = compare(gold, gold.labels, np.zeros((4, 4), dtype=bool))
    assert outcome.view == "village"
    assert outcome.model.table.index.tolist() == ["clinic", "school", "road", "well"]
    assert outcome.model.micro.value == 1
    assert outcome.baseline.micro.value == 0
    assert outcome.difference.value == 1


def test_an_unknown_scheme_is_an_error_that_lists_the_known_ones(tiny_codebook):
    gold = gold_of(tiny_codebook)
    with pytest.raises(CodebookError, match="village: no scheme 'three-kinds'") as caught:
        compare(gold, gold.labels, None, "three-kinds")
    assert "two-kinds" in caught.value.hint


def test_a_model_is_scored_beside_its_lexicon_on_the_golds_own_spans(tiny_model, tiny_codebook):
    # Two sentences in one span: they are one segment of the gold, and stay one.
    text = "交通局修通了最后三公里硬化路。签约医生每月上门给老人量血压。"
    gold = make_corpus(
        [Segment("甲", text, ("clinic", "road")), Segment("乙", "大家好。", ())], tiny_codebook
    )
    outcome = evaluate(tiny_model, gold)
    assert outcome.model.segments == 2
    assert outcome.model.table["support"].tolist() == [1, 0, 1, 0]
    assert outcome.model.table["given"].tolist() == tiny_model.predict(gold.texts).sum(axis=0).tolist()
    assert outcome.baseline.table["given"].tolist() == [1, 0, 1, 0]  # 医生, 硬化路


def test_the_printed_table_has_a_line_a_code_and_the_averages(tiny_codebook):
    gold = gold_of(tiny_codebook)
    lines = to_text(compare(gold, gold.labels, np.zeros((4, 4), dtype=bool)), tiny_codebook).splitlines()
    assert lines[1] == "village: 4 segments, 2 documents"
    assert lines[2].split() == ["code", "support", "precision", "recall", "F1", "lexicon", "F1"]
    assert lines[3].split() == ["clinic", "看病", "1", "1.00", "1.00", "1.00", "0.00"]
    assert lines[7].startswith("micro-F1 1.000 [1.000, 1.000]   lexicon 0.000")
    assert lines[8].startswith("macro-F1 nan")
    assert lines[9] == "model − lexicon, micro-F1 1.000 [1.000, 1.000]"
    assert {cell_len(line) for line in lines[2:7]} == {cell_len(lines[2])}  # columns line up
    assert max(map(cell_len, lines)) <= 80


def test_the_printed_table_shows_a_dash_for_what_does_not_exist_and_no_lexicon_where_there_is_none(
    tiny_codebook,
):
    gold = gold_of(tiny_codebook)
    text = to_text(compare(gold, np.zeros((4, 4), dtype=bool), None), tiny_codebook)
    assert "lexicon" not in text
    assert text.splitlines()[3].split() == ["clinic", "看病", "1", "–", "0.00", "0.00"]
