"""The simulation of queues: its learner is the project's, its splits are clean, its figures are right."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from bench import queue_learner, queue_strategies, queues
from bench.queue_page import BEGIN, END, chosen_levels, difference, filled, labels_needed, ratio
from bench.queue_strategies import Scenario, Strategy, weighed
from classifier.features import TextFeatures
from classifier.machines import Task, fit

LABELS = np.arange(0, 1001, 100)
GENRES = ("消息", "通知", "讲话", "日记")


@pytest.fixture(scope="module")
def segments(tiny_corpus):
    names = sorted(set(tiny_corpus.groups))
    return queue_learner.counted(tiny_corpus, {name: GENRES[i % 4] for i, name in enumerate(names)})


def test_the_learner_scores_as_the_projects_trainer_does(tiny_corpus, segments):
    features = {"ngram_range": (1, 3), "min_df": queue_learner.MIN_DF, "lexicon": None, "lexicon_weight": 1.0}
    task = Task(
        TextFeatures(**features).count(tiny_corpus.texts),
        tiny_corpus.labels,
        tiny_corpus.codebook.columns,
        None,
        features,
    )
    rows, others = np.arange(90), np.arange(90, 120)
    theirs = fit(task.rows(rows), queue_learner.STRENGTH).scores(task.rows(others).counts)
    ours = queue_learner.fit(segments.ngrams[rows], segments.labels[rows]).scores(segments.ngrams[others])
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_code_with_few_positives_is_untrained_and_never_given(segments):
    learned = queue_learner.learn(segments, np.arange(120))
    assert learned.trained.tolist() == [True, True, True, False]
    p = learned.probabilities(segments.ngrams[:5])
    assert np.isnan(p[:, 3]).all()
    assert not np.isnan(p[:, :3]).any()
    assert not learned.given(p)[:, 3].any()


def test_f1_is_that_of_scikit_learn():
    rng = np.random.default_rng(2)
    truth, given = rng.random((2, 50, 4)) < np.array([0.5, 0.3, 0.1, 0.0])
    macro, micro = (f1_score(truth, given, average=a, zero_division=0) for a in ("macro", "micro"))
    assert queue_learner.f1(given, truth) == pytest.approx((macro, micro))


@pytest.mark.parametrize("own", [0.0, 0.5])
def test_parts_are_whole_articles_of_their_own_and_where_asked_of_other_genres(segments, own):
    scenario = Scenario("小", "", (), 24, own, 30, 20)
    found = queues.parts(segments, scenario, np.random.default_rng(5))
    for rows, size in zip(found, (24, 30, 20), strict=True):
        assert size <= len(rows) < size + 6 or own
        for name in set(segments.articles[rows]):
            assert (segments.articles == name).sum() == (segments.articles[rows] == name).sum()
    start, pool, test = (set(segments.articles[rows]) for rows in found)
    assert not start & pool
    assert not start & test
    assert not pool & test
    if own:
        genres = [set(segments.genres[rows]) for rows in found]
        assert not genres[0] & (genres[1] | genres[2])


def test_simulated_strategies_start_alike_and_go_their_ways(segments, monkeypatch):
    strategies = (
        Strategy("random", batch=10),
        Strategy("doubt", weighed, diverse=True, batch=10),
        Strategy("often", weighed, diverse=True, batch=5),
        Strategy("seldom", weighed, batch=20),
        Strategy("once", weighed, batch=10, once=True),
        Strategy("gold", weighed, batch=10, gold=0.2),
    )
    scenario = Scenario("小", "", strategies, 40, 0, 50, 20)
    trained, seen = [], []

    def ranked(strategy, model, ngrams, *others):
        seen.append((strategy.name, ngrams.shape[0]))
        return own_ranked(strategy, model, ngrams, *others)

    def learn(segments, rows):
        trained.append(rows)
        return queue_learner.learn(segments, rows)

    own_ranked = Strategy.ranked
    monkeypatch.setattr(Strategy, "ranked", ranked)
    monkeypatch.setattr(queues, "segments_of", lambda: segments)
    monkeypatch.setattr(queues, "SCENARIOS", (scenario,))
    monkeypatch.setattr(queues, "STEP", 10)
    monkeypatch.setattr(queues, "BUDGET", 40)
    monkeypatch.setattr(queues, "learn", learn)
    curves = queues.simulated(scenario, 0)
    assert {len(curve) for curve in curves.values()} == {5}
    assert len({curve[0] for curve in curves.values()}) == 1
    assert np.isnan([point[0] for point in curves["seldom"]]).tolist() == [False, True, False, True, False]
    sizes = [len(rows) - len(trained[0]) for rows in trained[1:]]
    steady = [10, 20, 30, 40]
    assert sizes == [*steady * 2, *range(5, 41, 5), 20, 40, *steady, 8, 16, 24, 32]
    pool = next(size for name, size in seen if name == "random")
    left = [pool - size for name, size in seen if name == "gold"]
    assert left[:4] == [2, 12, 22, 32]  # what is set aside is not ranked, nor what is known
    assert all(len(set(rows.tolist())) == len(rows) for rows in trained)
    np.testing.assert_equal(queues.simulated(scenario, 0), curves)
    made = queues.results({scenario: [curves]})["小"]
    assert made["labels"] == [0, 10, 20, 30, 40]
    assert made["strategies"]["seldom"]["macro_f1"][0][1] is None


def test_labels_needed_lie_between_two_looks_on_a_curve_that_rises():
    curve = 0.3 + LABELS / 10_000
    assert labels_needed(LABELS, curve, 0.345) == pytest.approx(450)
    assert labels_needed(LABELS, curve, 0.2) == 0
    assert labels_needed(LABELS, curve, 0.41) == np.inf
    dented = curve.copy()
    dented[4:6] = dented[5:3:-1]  # 0.35, 0.34 become 0.345 twice
    assert labels_needed(LABELS, dented, 0.345) == pytest.approx(400)
    gaps = np.where(LABELS % 200, np.nan, curve)
    assert labels_needed(LABELS, gaps, 0.345) == pytest.approx(450)


def test_the_ratio_is_one_half_where_a_curve_rises_twice_as_fast():
    rng = np.random.default_rng(0)
    slow = 0.3 + LABELS / 10_000 + rng.normal(0, 0.002, (20, 1))
    fast = slow + LABELS / 10_000
    middle, low, high = ratio(LABELS, fast, slow, 0.37)
    assert (middle, low <= middle <= high) == (pytest.approx(0.5, abs=0.01), True)
    assert high - low < 0.05
    assert ratio(LABELS, slow, slow, 0.37) == (1, 1, 1)


def test_a_difference_has_the_interval_of_a_paired_t_test():
    one, other = np.random.default_rng(4).normal(0.5, 0.05, (2, 20))
    expected = stats.ttest_rel(one, other).confidence_interval()
    found = [float(part.strip("[],")) for part in difference(one, other).split()]
    np.testing.assert_allclose(found, 100 * np.array([(one - other).mean(), *expected]), atol=0.051)
    assert difference(np.where(one > 0.5, np.nan, one), other) == "—"


def test_levels_lie_above_the_start_and_where_random_order_comes_to():
    curve = np.tile(0.435 + 0.2 * LABELS / 1000, (3, 1))
    assert chosen_levels(LABELS, curve) == pytest.approx([0.5, 0.55, 0.6])


def test_tables_go_between_the_marks_and_nowhere_else():
    curve = (0.4 + LABELS / 5000).tolist()
    found = {name: {"macro_f1": [curve] * 3, "micro_f1": [curve] * 3} for name in ("random", "doubt")}
    results = {"小": {"told": "讲明。", "queue": "doubt", "labels": LABELS.tolist(), "strategies": found}}
    page = filled(f"前\n{BEGIN}旧\n{END}后\n", results)
    assert page.startswith(f"前\n{BEGIN}")
    assert page.endswith(f"{END}后\n")
    assert "旧" not in page
    assert "### 小\n\n讲明。" in page
    assert "| **doubt** | +0.0 [+0.0, +0.0] |" in page
    assert filled(page, results) == page
    with pytest.raises(ValueError, match="no marks"):
        filled("前\n后\n", results)


def test_what_is_compared_has_names_of_its_own_and_random_order_first():
    for scenario in queue_strategies.SCENARIOS:
        names = [strategy.name for strategy in scenario.strategies]
        assert len(set(names)) == len(names)
        assert names[0] == "random"
