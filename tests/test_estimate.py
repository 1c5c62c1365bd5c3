"""Corrected shares: against ppi-python, closed forms, published examples, all samples, and simulation."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.interval_cells import WIDER, Cell
from bench.interval_page import page
from bench.intervals import run
from bench.simulated import DISTORTIONS
from classifier.correction import (
    Known,
    Sample,
    Slope,
    added_events,
    corrected,
    fit_slope,
    gold_only,
    known,
    score_interval,
)
from classifier.estimate import (
    CodedCorpus,
    estimate_by_group,
    estimate_differences,
    estimate_shares,
    scores_of,
)
from classifier.survey import Drawn

REFERENCE = json.loads((Path(__file__).parent / "ppi_reference.json").read_text(encoding="utf-8"))["cases"]
NORMAL = stats.norm.ppf(0.975)
RARELY = 1e-9  # an inclusion probability for which the corpus is as good as infinite


def at_random(n, probability=RARELY):
    """Return n segments drawn at random one by one."""
    return Drawn(np.arange(n), np.full(n, probability), np.zeros(n, dtype=int), np.arange(n))


def sample_of(gold, score=None, drawn=None, inside=None):
    gold = np.asarray(gold, dtype=float).reshape(len(gold), -1)
    score = np.zeros_like(gold) if score is None else np.asarray(score, dtype=float).reshape(gold.shape)
    inside = np.ones(len(gold), dtype=bool) if inside is None else inside
    return Sample(drawn or at_random(len(gold)), gold, score, inside)


def fixed(slope, sample):
    """Return a slope that was not fitted to the sample."""
    return Slope(np.full(sample.gold.shape[1], float(slope)), np.zeros((1, sample.gold.shape[1])))


def corpus_of(mean, size=10**6, left_open=0.5, k=1):
    return Known(size, np.full(k, mean), np.full(k, left_open), np.ones(k))


# --- against ppi-python ---


@pytest.mark.parametrize("case", REFERENCE)
@pytest.mark.parametrize("which", range(3), ids=["λ 0", "λ ½", "λ 1"])
def test_share_and_variance_are_those_of_ppi_python(case, which):
    sample, found = sample_of(case["gold"], case["score"]), case["found"][which]
    figures = corrected(sample, corpus_of(case["others"]["mean"]), fixed(found["slope"], sample))
    assert figures.share[0] == pytest.approx(found["share"], abs=1e-12)
    # theirs adds the variance of the mean score, which is known here, and divides by n, not n - 1
    theirs = ((found["high"] - found["low"]) / 2 / NORMAL) ** 2
    theirs -= found["slope"] ** 2 * case["others"]["variance"] / case["others"]["n"]
    n = len(case["gold"])
    assert (figures.spread**2).sum() == pytest.approx(theirs * n / (n - 1), rel=1e-6)


@pytest.mark.parametrize("case", REFERENCE[::2])
def test_the_slope_is_ppi_pythons_where_units_are_many(case):
    sample = sample_of(np.tile(case["gold"], 4000), np.tile(case["score"], 4000))
    n, others = len(case["gold"]), case["others"]["n"]
    assert 0 < case["tuned"] < 1
    assert fit_slope(sample).value[0] == pytest.approx(case["tuned"] * (1 + n / others), rel=2e-3)


@pytest.mark.parametrize("case", REFERENCE)
def test_weighted_shares_are_ppi_pythons(case):
    weighted = case["weighted"]
    weights = np.array(weighted["weights"])
    drawn = replace(at_random(len(weights)), probability=RARELY / weights)
    sample = sample_of(case["gold"], case["score"], drawn)
    figures = corrected(sample, corpus_of(case["others"]["mean"]), fixed(weighted["slope"], sample))
    # a share cannot be negative, an estimate of theirs can
    assert figures.share[0] == pytest.approx(max(weighted["share"], 0), abs=1e-6)


# --- closed forms ---


@given(n=st.integers(5, 2000), part=st.floats(0, 1))
def test_gold_only_of_a_random_sample_is_wilsons(n, part):
    positives = round(n * part)
    figures = gold_only(sample_of(np.arange(n) < positives))
    theirs = stats.binomtest(positives, n).proportion_ci(0.95, method="wilson")
    assert figures.low[0] == pytest.approx(theirs.low, abs=1e-7)
    assert figures.high[0] == pytest.approx(theirs.high, abs=1e-7)


@pytest.mark.parametrize("positives", [0, 3, 50, 200])
def test_the_score_interval_ends_where_the_test_just_rejects(positives):
    n, share = 200, positives / 200
    ends = score_interval(np.array([share]), np.array([share * (1 - share) / n]), np.array([1 / n]), NORMAL)
    for end in (float(e[0]) for e in ends):
        if 0 < end < 1:
            assert (end - share) ** 2 == pytest.approx(NORMAL**2 * end * (1 - end) / n, rel=1e-9)


@pytest.mark.parametrize("design", ["random", "stratified"])
def test_a_useless_classifier_changes_nothing(design):
    rng = np.random.default_rng(1)
    gold, n = rng.random(600) < 0.3, 600
    drawn = at_random(n)
    if design == "stratified":
        drawn = replace(drawn, stratum=np.arange(n) % 6, probability=0.01 + 0.02 * (np.arange(n) % 6))
    sample = sample_of(gold, np.full(n, 0.3), drawn)
    ours, alone = corrected(sample, corpus_of(0.3, left_open=1.0), fit_slope(sample)), gold_only(sample)
    assert ours.share[0] == pytest.approx(alone.share[0], abs=1e-12)
    assert ours.high[0] - ours.low[0] == pytest.approx(alone.high[0] - alone.low[0], rel=0.01)


def test_scores_that_are_noise_get_little_weight():
    rng = np.random.default_rng(2)
    sample = sample_of(rng.random(2000) < 0.3, rng.random(2000))
    assert fit_slope(sample).value[0] < 0.06


def test_a_slope_leans_on_1_with_the_weight_of_five_units():
    gold, score = np.zeros(20), np.where(np.arange(20) % 2, 0.5, -0.5)
    gold[:10:2], gold[1:10:2] = 0.4, 0.6  # gold goes with scores by 0.2, in half of the units
    slope = fit_slope(sample_of(gold, score))  # all 20 units weigh alike, together they say 0.1
    assert slope.value[0] == pytest.approx((20 * 0.1 + 5) / 25)
    assert slope.leverage[0].sum() == pytest.approx(0.05 * 20 / 25)


def test_scores_of_whole_documents_tell_what_drawing_documents_costs():
    scores = np.repeat([0.1, 0.5, 0.9, 0.5], 6)[:, None]
    assert known(scores, documents=np.repeat(np.arange(4), 6)).clustering.tolist() == pytest.approx([6])
    assert known(scores, documents=np.arange(24)).clustering.tolist() == pytest.approx([1])
    assert known(scores).clustering.tolist() == [1]


def test_an_interval_reaches_further_up_where_scores_are_clustered():
    drawn = replace(at_random(300), unit=np.arange(300) // 10)
    gold = np.zeros(300)
    gold[::60] = 1  # five positives, each in a document of its own: the sample shows no clustering
    sample = sample_of(gold, np.full(300, 0.02), drawn)
    apart, alike = (
        corrected(sample, replace(corpus_of(0.02), clustering=np.full(1, times)), fit_slope(sample))
        for times in (1.0, 4.0)
    )
    assert alike.high[0] > 1.2 * apart.high[0]


def test_a_perfect_classifier_leaves_an_interval_of_about_one_segment():
    gold = np.arange(600) % 10 == 0
    sample = sample_of(gold, gold)
    figures = corrected(sample, known(np.tile(gold.astype(float)[:, None], (100, 1))), fit_slope(sample))
    assert figures.share[0] == pytest.approx(0.1, abs=1e-12)
    assert figures.high[0] - figures.low[0] < 2 / 600  # no sample of 600 shows that there are no errors


def test_a_sample_of_all_there_is_leaves_no_doubt():
    rng = np.random.default_rng(3)
    gold, score = rng.random((50, 2)) < 0.3, rng.random((50, 2))
    sample = sample_of(gold, score, at_random(50, 1.0))
    for figures in (gold_only(sample), corrected(sample, known(score), fit_slope(sample))):
        assert figures.share == pytest.approx(gold.mean(axis=0), abs=1e-12)
        assert figures.low == pytest.approx(figures.high, abs=1e-9)


def test_drawing_half_of_the_corpus_halves_the_variance():
    gold = np.arange(400) % 4 == 0
    wide, narrow = (gold_only(sample_of(gold, drawn=at_random(400, p))) for p in (RARELY, 0.5))
    assert (narrow.spread**2).sum() == pytest.approx((wide.spread**2).sum() / 2, rel=1e-6)
    assert narrow.high[0] - narrow.low[0] == pytest.approx((wide.high[0] - wide.low[0]) / 2**0.5, rel=0.01)


def test_one_document_proves_nothing():
    drawn = replace(at_random(30), unit=np.zeros(30, dtype=int))
    sample = sample_of(np.arange(30) < 3, np.full(30, 0.1), drawn)
    for figures in (gold_only(sample), corrected(sample, corpus_of(0.1), fit_slope(sample))):
        assert (figures.low[0], figures.high[0]) == (0.0, 1.0)


def test_documents_alike_within_are_worth_their_number_only():
    gold = np.repeat(np.arange(60) % 5 == 0, 10)  # 60 documents, all or none of each
    drawn = replace(at_random(600), unit=np.repeat(np.arange(60), 10))
    figures = gold_only(sample_of(gold, drawn=drawn))
    assert (figures.spread**2).sum() == pytest.approx(0.2 * 0.8 / 59, rel=1e-6)
    theirs = stats.binomtest(12, 60).proportion_ci(0.95, method="wilson")
    assert figures.high[0] - figures.low[0] == pytest.approx(theirs.high - theirs.low, rel=0.15)


def test_events_are_added_where_few_were_to_be_seen_and_fade():
    left_open = np.full(4, 0.5)
    added = added_events(np.array([0.0, 8.0, 40.0, 1e9]), left_open)
    assert added == pytest.approx(
        [0.5 * (0.25 + 2), 0.5 * (0.25 + 2 / np.e), 0.5 * (0.25 + 2 * np.exp(-5)), 0.125]
    )
    assert added_events(np.array([1e9]), np.array([1.0]))[0] == 0


# --- all samples there are ---

TRUTH = np.array([1, 0, 0, 1, 0, 1, 0, 0, 0.0])
SCORES = np.array([0.9, 0.2, 0.1, 0.4, 0.0, 0.8, 0.6, 0.1, 0.3])


def every_sample(design):
    """Yield every sample that a design can draw from the nine segments, all alike probable."""
    if design == "random":
        for rows in combinations(range(9), 4):
            yield Drawn(np.array(rows), np.full(4, 4 / 9), np.zeros(4, dtype=int), np.array(rows))
    elif design == "stratified":  # two of the first three, three of the other six
        for one, other in product(combinations(range(3), 2), combinations(range(3, 9), 3)):
            rows = np.array(one + other)
            yield Drawn(rows, np.array([2 / 3] * 2 + [0.5] * 3), np.array([0] * 2 + [1] * 3), rows)
    else:  # two of three documents of three segments
        for chosen in combinations(range(3), 2):
            rows = np.concatenate([np.arange(3 * d, 3 * d + 3) for d in chosen])
            yield Drawn(rows, np.full(6, 2 / 3), np.zeros(6, dtype=int), rows // 3)


@pytest.mark.parametrize("design", ["random", "stratified", "documents"])
@pytest.mark.parametrize("slope", [0.0, 0.6, 1.0])
def test_share_and_variance_are_unbiased_over_all_samples(design, slope, monkeypatch):
    monkeypatch.setattr("classifier.correction._possible", lambda share, *_: share)  # no clipping
    of = known(SCORES[:, None])
    found = []
    for drawn in every_sample(design):
        sample = sample_of(TRUTH[drawn.rows], SCORES[drawn.rows], drawn)
        figures = corrected(sample, of, fixed(slope, sample))
        found.append((figures.share[0], (figures.spread**2).sum()))
    shares, variances = np.array(found).T
    assert shares.mean() == pytest.approx(TRUTH.mean(), abs=1e-12)
    assert variances.mean() == pytest.approx(shares.var(), rel=1e-9)


def test_a_stratum_of_one_segment_is_taken_together_with_the_next():
    drawn = Drawn(np.arange(5), np.full(5, 0.5), np.array([0, 1, 1, 2, 2]), np.arange(5))
    together = replace(drawn, stratum=np.array([1, 1, 1, 2, 2]))
    values = np.array([[1.0], [5.0], [2.0], [7.0], [3.0]])
    assert drawn.spread(values) == pytest.approx(together.spread(values))
    last = replace(drawn, stratum=np.array([0, 0, 1, 1, 2]))
    assert last.spread(values) == pytest.approx(
        replace(drawn, stratum=np.array([0, 0, 1, 1, 1])).spread(values)
    )
    assert drawn.degrees(np.ones(5, dtype=bool)) == 3


def test_a_lone_segment_that_was_certain_adds_no_variance():
    probability = np.array([1.0, 0.5, 0.5])
    drawn = Drawn(np.arange(3), probability, np.array([0, 1, 1]), np.arange(3))
    assert drawn.spread(np.array([[9.0], [1.0], [2.0]]))[0, 0] == 0
    assert drawn.degrees(np.ones(3, dtype=bool)) == 1


# --- properties ---


@st.composite
def samples(draw):
    """Return a sample of two columns by any design."""
    n = draw(st.integers(4, 60))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    gold = rng.random((n, 2)) < draw(st.floats(0, 1))
    score = np.clip(gold * draw(st.floats(0, 1)) + rng.random((n, 2)) * draw(st.floats(0, 1)), 0, 1)
    strata = draw(st.integers(1, 3))
    stratum = np.sort(rng.integers(0, strata, n))
    probability = np.array([0.01, 0.2, 1.0])[stratum]
    unit = np.arange(n) // draw(st.integers(1, 4)) + 1000 * stratum
    return sample_of(gold, score, Drawn(np.arange(n), probability, stratum, unit))


@given(samples(), st.floats(0, 1))
def test_intervals_lie_between_0_and_1_and_hold_the_estimate(sample, mean):
    of = corpus_of(mean, size=10_000, k=2)
    for figures in (gold_only(sample), corrected(sample, of, fit_slope(sample))):
        assert np.all((figures.low >= 0) & (figures.high <= 1))
        assert np.all((figures.low <= figures.share + 1e-12) & (figures.share <= figures.high + 1e-12))


@given(samples(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_means_nothing(sample, random):
    order = list(range(len(sample.gold)))
    random.shuffle(order)
    drawn = Drawn(
        *(getattr(sample.drawn, name)[order] for name in ("rows", "probability", "stratum", "unit"))
    )
    turned = Sample(drawn, sample.gold[order][:, ::-1], sample.score[order][:, ::-1], sample.inside[order])
    of = corpus_of(0.3, size=10_000, k=2)
    one, other = (corrected(s, of, fit_slope(s)) for s in (sample, turned))
    for name in ("share", "low", "high"):
        assert getattr(one, name) == pytest.approx(getattr(other, name)[::-1], abs=1e-9)


@given(samples())
def test_slopes_lie_between_0_and_1(sample):
    slope = fit_slope(sample)
    assert np.all((slope.value >= 0) & (slope.value <= 1))
    assert np.all((slope.leverage >= 0) & (slope.leverage < 1))


# --- tables ---


def coded_corpus(n=400, size=4000, seed=5, documents=None):
    """Return a corpus of three codes, one without probabilities, and hand labels drawn at random."""
    rng = np.random.default_rng(seed)
    truth = rng.random((size, 3)) < [0.3, 0.1, 0.05]
    p = np.clip(truth * 0.7 + 0.25 * rng.random((size, 3)), 0, 1)
    names = ["clinic", "school", "road"]
    labels, probabilities = pd.DataFrame(p > 0.5, columns=names), pd.DataFrame(p, columns=names)
    probabilities["road"] = np.nan
    labels["road"] = False
    rows = rng.choice(size, n, replace=False)
    drawn = Drawn(rows, np.full(n, n / size), np.zeros(n, dtype=int), rows)
    gold = pd.DataFrame(truth[rows], columns=names)
    return CodedCorpus(labels, scores_of(labels, probabilities), gold, drawn), truth


def test_the_table_sets_three_shares_side_by_side():
    corpus, _ = coded_corpus()
    table = estimate_shares(corpus)
    assert table.index.name == "code"
    assert table["naive"].tolist() == corpus.given.mean().tolist()
    assert table["gold"].tolist() == pytest.approx(corpus.gold.mean().tolist())
    assert table["positives"].tolist() == corpus.gold.sum().tolist()
    assert table["few_positives"].tolist() == (corpus.gold.sum() < 20).tolist()
    assert (table[["segments", "coded"]] == [4000, 400]).all(axis=None)
    width = table["corrected_high"] - table["corrected_low"]
    assert (width[:2] < (table["gold_high"] - table["gold_low"])[:2]).all()


def test_a_code_without_probabilities_and_never_given_is_estimated_from_hand_labels():
    corpus, _ = coded_corpus(n=1200)
    row = estimate_shares(corpus).loc["road"]
    assert row["naive"] == 0
    assert row["corrected"] == pytest.approx(row["gold"], abs=1e-12)
    assert row["corrected_high"] == pytest.approx(row["gold_high"], rel=0.02)


def test_labels_saved_are_those_that_a_random_sample_would_need_more():
    corpus, _ = coded_corpus()
    row = estimate_shares(corpus).loc["clinic"]
    n = 400 + row["labels_saved"]
    # the corpus is finite: n of 4000 are worth n / (1 - n₀ / 4000), with n₀ = 400 for both widths
    low, high = (
        f(stats.norm, row["corrected"], n / 0.9)
        for f in (lambda d, p, m: wilson_end(p, m, -1), lambda d, p, m: wilson_end(p, m, 1))
    )
    assert high - low == pytest.approx(row["corrected_high"] - row["corrected_low"], rel=0.01)


def test_labels_saved_by_a_sample_of_documents_are_measured_by_its_own_hand_labels():
    corpus, _ = coded_corpus()
    documents = np.arange(4000) // 10
    drawn = replace(corpus.drawn, unit=documents[corpus.drawn.rows])
    row = estimate_shares(replace(corpus, drawn=drawn)).loc["clinic"]
    widths = [row[f"{way}_high"] - row[f"{way}_low"] for way in ("gold", "corrected")]
    assert row["labels_saved"] == round(400 * ((widths[0] / widths[1]) ** 2 - 1))


def wilson_end(p, n, side):
    z = NORMAL
    return (p + z * z / 2 / n + side * z * np.sqrt(p * (1 - p) / n + z * z / 4 / n / n)) / (1 + z * z / n)


def test_a_group_of_all_segments_is_the_corpus():
    corpus, _ = coded_corpus()
    whole = estimate_shares(corpus)
    groups = estimate_by_group(corpus, np.zeros(4000, dtype=int), ["all"])
    pd.testing.assert_frame_equal(groups.loc["all"], whole)


def test_groups_have_their_own_shares_and_cover_the_truth():
    corpus, truth = coded_corpus()
    year = (np.arange(4000) % 3).astype(int)
    table = estimate_by_group(corpus, year, ["2016", "2017", "2018"])
    assert table.index.names == ["group", "code"]
    for y, name in enumerate(("2016", "2017", "2018")):
        inside = year[corpus.drawn.rows] == y
        rows = table.loc[name]
        assert rows["coded"].tolist() == [inside.sum()] * 3
        assert rows["gold"].tolist() == pytest.approx(corpus.gold[inside].mean().tolist())
        assert rows["naive"].tolist() == pytest.approx(corpus.given[year == y].mean().tolist())
        assert ((rows["corrected_low"] <= truth[year == y].mean(axis=0)).to_numpy()).all()
        assert ((rows["corrected_high"] >= truth[year == y].mean(axis=0)).to_numpy()).all()


def test_a_group_without_hand_labels_has_the_naive_share_only():
    corpus, _ = coded_corpus()
    group = np.zeros(4000, dtype=int)
    group[np.setdiff1d(np.arange(4000), corpus.drawn.rows)[:10]] = 1
    table = estimate_by_group(corpus, group, ["甲县", "乙县", "丙县"])
    assert table.loc["乙县", "corrected"].isna().all()
    assert table.loc["乙县", "naive"].notna().all()
    assert table.loc["乙县", "few_positives"].all()
    assert table.loc["丙县", ["naive", "gold", "corrected_low"]].isna().all(axis=None)
    apart = estimate_differences(corpus, group, ["甲县", "乙县"])
    assert apart["corrected"].isna().all()
    assert apart["naive"].notna().all()


def test_degrees_of_freedom_in_a_group_are_those_of_its_documents():
    drawn = replace(at_random(12), unit=np.repeat(np.arange(6), 2), stratum=np.repeat([0, 1], 6))
    inside = np.arange(12) < 5  # three documents of the first stratum
    assert drawn.degrees(inside) == 2
    assert drawn.degrees(np.ones(12, dtype=bool)) == 4


def test_a_difference_is_newcombes_published_example():
    # Newcombe, Statistics in Medicine 17, 1998, table II, example (a), method 10: 56/70 and 48/80
    gold = pd.DataFrame({"clinic": np.r_[np.arange(80) < 48, np.arange(70) < 56]})
    given = pd.DataFrame({"clinic": np.zeros(150, dtype=bool)})
    corpus = CodedCorpus(given, given.astype(float), gold, at_random(150))
    table = estimate_differences(corpus, np.repeat([0, 1], [80, 70]), ["second", "first"])
    row = table.loc[("first", "second", "clinic")]
    assert [round(row[c], 4) for c in ("gold", "gold_low", "gold_high")] == [0.2, 0.0524, 0.3339]


def test_differences_are_between_neighbours_unless_asked_otherwise():
    corpus, _ = coded_corpus()
    year = np.arange(4000) % 3
    names = ["2016", "2017", "2018"]
    shares = estimate_by_group(corpus, year, names)["corrected"]
    table = estimate_differences(corpus, year, names)["corrected"]
    assert list(table.index.droplevel("code").unique()) == [("2017", "2016"), ("2018", "2017")]
    assert table["2018"]["2017"].tolist() == pytest.approx((shares["2018"] - shares["2017"]).tolist())
    asked = estimate_differences(corpus, year, names, [(0, 2)])["corrected"]
    assert asked["2018"]["2016"].tolist() == pytest.approx((shares["2018"] - shares["2016"]).tolist())
    assert len(estimate_differences(corpus, year * 0, ["all"])) == 0


def test_a_difference_is_marked_where_either_group_has_few_positives():
    corpus, _ = coded_corpus(n=1000)
    group = (np.arange(4000) >= 3800).astype(int)
    shares = estimate_by_group(corpus, group, ["many", "few"])["few_positives"]
    assert not shares["many"].any()
    assert shares["few"].any()
    apart = estimate_differences(corpus, group, ["many", "few"])
    assert apart["few_positives"].tolist() == shares["few"].tolist()


def test_groups_that_divide_documents_are_compared_within_them():
    # Each document is either all yes or all no, half of it in each group: the difference is certain.
    gold = np.repeat(np.arange(40) % 4 == 0, 10)
    drawn = replace(at_random(400), unit=np.repeat(np.arange(40), 10))
    given = pd.DataFrame({"clinic": np.zeros(400, dtype=bool)})
    corpus = CodedCorpus(given, given.astype(float), pd.DataFrame({"clinic": gold}), drawn)
    apart = estimate_differences(corpus, np.arange(400) % 2, ["one", "other"]).iloc[0]
    alone = estimate_shares(corpus).iloc[0]
    assert apart["gold"] == pytest.approx(0)
    assert apart["gold_high"] - apart["gold_low"] < 0.5 * (alone["gold_high"] - alone["gold_low"])


def test_categories_are_unions_of_their_codes():
    corpus, _ = coded_corpus()
    rolled = corpus.rolled_up({"公共服务": ["clinic", "school"], "道路": ["road"]})
    pair = corpus.scores[["clinic", "school"]].to_numpy()
    assert rolled.scores["公共服务"].to_numpy() == pytest.approx(1 - (1 - pair[:, 0]) * (1 - pair[:, 1]))
    assert (rolled.gold["公共服务"] == corpus.gold["clinic"] | corpus.gold["school"]).all()
    exclusive = corpus.rolled_up({"公共服务": ["clinic", "school"]}, exclusive=True)
    assert exclusive.scores["公共服务"].to_numpy() == pytest.approx(np.minimum(pair.sum(axis=1), 1))
    assert estimate_shares(rolled).index.tolist() == ["公共服务", "道路"]


def test_probabilities_are_preferred_to_decisions():
    labels = pd.DataFrame({"clinic": [True, False], "road": [True, False]})
    p = pd.DataFrame({"clinic": [0.6, np.nan], "road": [np.nan, np.nan]})
    assert scores_of(labels, p).to_numpy().tolist() == [[0.6, 1.0], [0.0, 0.0]]


# --- simulation ---

CELLS = [
    Cell("random", 0.6, 600),
    Cell("random", 0.95, 600),
    Cell("stratified", 0.85, 600),
    Cell("documents", 0.75, 600, 0.1),
]


@pytest.fixture(scope="module")
def simulated():
    return {cell: run(cell, 400, 8) for cell in CELLS}


@pytest.mark.parametrize("cell", CELLS, ids=lambda c: f"{c.design}, F1 {c.f1}")
def test_intervals_hold_the_truth_and_are_no_wider_than_gold_only(cell, simulated):
    result = simulated[cell]
    error = 3.5 * (0.05 * 0.95 / 400) ** 0.5  # 28 coverages are looked at
    many = ~result.few
    assert many.sum() == 4
    assert np.all(result.coverage > 0.93 - error)
    assert np.all(result.coverage[many] < 0.97 + error)
    assert np.all(result.ratio[many] < WIDER)
    assert np.all(result.error[many] < result.gold_error[many])


def test_a_stratified_sample_is_more_precise_than_a_random_one():
    cells = [Cell(design, 0.85, 600) for design in ("random", "stratified")]
    random, stratified = (run(cell, 200, 4) for cell in cells)
    assert (stratified.width / random.width)[:5].mean() < 0.9
    assert (stratified.width / random.width).max() < 1.1


def test_intervals_of_differences_hold_the_truth():
    result = run(Cell("random", 0.85, 1500, difference=True), 400, 4)
    assert np.all(result.coverage[~result.few] > 0.93 - 3.5 * (0.05 * 0.95 / 200) ** 0.5)


def test_the_page_says_what_missed():
    cells = [Cell("random", 0.85, 200), Cell("stratified", 0.85, 200)]
    cells += [Cell("documents", 0.85, 200, 0.1), replace(cells[0], difference=True)]
    cells += [replace(cells[0], distortion=next(iter(DISTORTIONS)))]
    results = {cell: run(cell, 8, 2) for cell in cells}
    one = results[cells[0]]
    perfect = {c: replace(r, coverage=np.full(7, 0.95), width=r.gold_width) for c, r in results.items()}
    assert "holds in all 21 cells" in page(perfect, 8, 2)
    worse = {**perfect, cells[0]: replace(one, coverage=np.full(7, 0.92), width=one.gold_width)}
    assert "fails in 7 of the 21 cells" in page(worse, 8, 2)
    assert "**92.0 (1.00)**" in page(worse, 8, 2)
    wide = {**perfect, cells[0]: replace(one, coverage=np.full(7, 0.95), width=1.06 * one.gold_width)}
    assert "fails in 3 of the 21 cells" in page(wide, 8, 2)  # width counts from 20 positives on
