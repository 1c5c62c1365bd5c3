"""The simulation of retraining: its parts are clean, its coders err as said, its tables are right."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import vstack
from sklearn.svm import LinearSVC

from bench import all_over, coders, retrainings, shifts
from bench.retraining_page import BEGIN, END, filled
from bench.retrainings import QUEUE, RANDOM, Case, Ground
from bench.shifts import SHIFTS, Shift
from classifier.corpus import make_corpus, read_articles
from classifier.machines import Task, fit
from classifier.review_queue import doubt, order
from classifier.shipped import SEEDS

TINY = Shift("小", "测试用", ("消息",))
GONE = Shift("远", "不在此处")
PAGE = f"前\n{BEGIN}旧\n{END}后\n"


@pytest.fixture(scope="module")
def on(tiny_model, tiny_corpus):
    p = tiny_model.predict_proba(tiny_corpus.texts)
    return Ground(tiny_model, tiny_corpus, p, tiny_model.decide(p))


def part(corpus, rows):
    return make_corpus([corpus.segments[i] for i in rows], corpus.codebook)


@pytest.fixture
def halves(tiny_corpus, tiny_lexicon, monkeypatch):
    """Make the base's corpus and the user's those of the little corpus: eight articles are the user's."""
    split = part(tiny_corpus, range(72)), part(tiny_corpus, range(72, 120))
    for module in (shifts, retrainings):
        monkeypatch.setattr(module, "corpora", lambda shift: split)
        monkeypatch.setattr(module, "SHIFTS", (TINY, GONE), raising=False)
    monkeypatch.setattr(shifts, "load_lexicon", lambda path, codes: tiny_lexicon)
    monkeypatch.setattr(Shift, "absent", property(lambda shift: "" if shift is TINY else f"{shift.name}没有"))
    monkeypatch.setattr(Shift, "prior", None)
    monkeypatch.setattr(retrainings, "ProcessPoolExecutor", ThreadPoolExecutor)
    for cached in (retrainings.ground, retrainings.counts_of):
        cached.cache_clear()
    yield split
    for cached in (retrainings.ground, retrainings.counts_of):
        cached.cache_clear()


# --- what is simulated ---


def test_no_document_is_both_reviewed_and_measured_on_and_gold_is_of_the_latter(on, monkeypatch):
    monkeypatch.setattr(retrainings, "GOLD", 20)
    parts = retrainings.parted(on.user, np.random.default_rng(1))
    groups = np.array(on.user.groups)
    assert not set(groups[parts.pool]) & set(groups[parts.test])
    assert len(set(groups[parts.pool])) == len(set(groups[parts.test])) == 10
    assert sorted([*parts.pool, *parts.test]) == list(range(120))
    assert set(parts.gold) < set(parts.test)
    assert len(set(parts.gold)) == 20


def test_in_random_order_more_labels_hold_those_that_fewer_did_and_the_queue_is_the_shipped_one(on):
    pool = np.arange(60, 120)
    some, more = (
        set(retrainings.reviewed_rows(Case(TINY, n, RANDOM), on, pool, np.random.default_rng(3)))
        for n in (10, 30)
    )
    assert some < more < set(pool)
    queue = retrainings.reviewed_rows(Case(TINY, 10, QUEUE), on, pool, np.random.default_rng(3))
    whole = order([on.user.texts[i] for i in pool], doubt(on.probabilities[60:]))
    assert set(queue) == set(pool[whole[:10]])


def test_genres_of_the_shifts_are_those_of_the_starter_corpus():
    genres = {article.about["genre"] for article in read_articles(SEEDS)}
    assert {genre for shift in SHIFTS for genre in shift.genres} < genres


def test_what_is_held_out_for_the_user_is_not_in_the_base():
    narrative = next(shift for shift in SHIFTS if shift.genres)
    base, user = shifts.corpora(narrative)
    articles = read_articles(SEEDS)
    assert len(base.segments) + len(user.segments) == sum(len(a.segments) for a in articles)
    assert {a.doc_id for a in articles if a.about["genre"] in narrative.genres} == set(user.groups)
    assert not set(base.groups) & set(user.groups)


def test_news_is_left_out_with_the_reason_where_it_is_not_here(monkeypatch, tmp_path):
    monkeypatch.setattr(shifts, "NEWS_TEXTS", tmp_path / "none.jsonl.gz")
    assert "none.jsonl.gz is not here" in SHIFTS[0].absent
    assert not any(shift.absent for shift in SHIFTS[1:])


# --- coders ---


@pytest.fixture(scope="module")
def truth():
    return np.random.default_rng(7).random((3000, 5)) < np.array([0.5, 0.4, 0.3, 0.2, 0.1])


def test_a_careless_coder_mixes_up_every_third_segment_and_no_other(truth):
    given = coders.careless(truth, np.random.default_rng(1))
    slipped = np.arange(3000) % 3 == 0
    assert np.array_equal(given[~slipped], truth[~slipped])
    assert sorted(map(tuple, given[slipped])) == sorted(map(tuple, truth[slipped]))
    alone = np.eye(6, dtype=bool)  # no two segments have the same codes: each slip shows
    assert (coders.careless(alone, np.random.default_rng(1)) != alone).any(axis=1).tolist() == [
        *(True, False, False) * 2
    ]


def test_a_lazy_coder_gives_one_code_at_most_and_none_to_two_in_five(truth):
    given = coders.lazy(truth, np.random.default_rng(1))
    assert given.sum(axis=1).max() == 1
    assert not (given & ~truth).any()
    assert not (given[:, 1] & truth[:, 0]).any()  # the first of the codebook's
    assert given.any(axis=1).sum() / truth.any(axis=1).sum() == pytest.approx(0.6, abs=0.03)


def test_a_careful_coder_gives_what_is_true_and_may_be_changed_afterwards(truth):
    given = coders.careful(truth, np.random.default_rng(1))
    assert np.array_equal(given, truth)
    assert given is not truth


def test_another_reading_adds_one_code_and_takes_one_away_of_the_codebook():
    codes = ["a", "b", "c", "d"]
    truth = np.array([[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 1, 0]], dtype=bool)
    read = coders.read_otherwise(truth, codes, {"also": {"a": "b"}, "never": {"c": "d"}})
    assert read.tolist() == [
        [True, True, True, False],
        [False, False, False, True],
        [False, False, True, False],
    ]
    user = shifts.load_codebook().columns
    every = np.ones((1, len(user)), dtype=bool)
    assert coders.read_otherwise(every, user).sum() == len(user) - 1  # its file names codes that there are


# --- training all over ---


def test_counting_once_training_all_over_is_the_projects_trainer(tiny_corpus, tiny_model):
    base, user = part(tiny_corpus, range(60)), part(tiny_corpus, range(60, 120))
    text = all_over.counted(base, user, tiny_model, None)
    rows, test = np.arange(30), np.arange(30, 60)
    reviewed = ~user.labels[rows]  # so that it shows which texts they are learned with
    given = next(all_over.trained_all_over(text, tiny_model, rows, reviewed, test))
    options = {
        name: getattr(tiny_model, name) for name in ("ngram_range", "min_df", "lexicon", "lexicon_weight")
    }
    codes = tuple(c for c, yes in zip(tiny_model.codes_, tiny_model.trained_, strict=True) if yes)
    labels = np.concatenate([base.labels, reviewed])[:, tiny_model.trained_]
    task = Task(text.counts.rows(np.arange(90)), labels, codes, None, options)
    scores = fit(task, shifts.STRENGTH).scores(text.counts.rows(np.arange(90, 120)))
    decisions = tiny_model.decisions_
    wanted = decisions.decide(decisions.probabilities(scores))
    assert np.array_equal(given[:, tiny_model.trained_], wanted)
    assert not given[:, ~tiny_model.trained_].any()


def test_a_segment_that_counts_five_times_is_as_good_as_five(tiny_corpus, tiny_model):
    X = tiny_model.features_.transform(tiny_corpus.texts)
    positive = tiny_corpus.labels[:, 0]
    found = all_over.scored(X, positive, np.repeat([1.0, 5.0], 60), np.zeros(X.shape[1]), X)
    often = LinearSVC(C=shifts.STRENGTH, random_state=0, tol=1e-6, max_iter=10_000).fit(
        vstack([X, *[X[60:]] * 4]), np.concatenate([positive, *[positive[60:]] * 4])
    )
    np.testing.assert_allclose(found, often.decision_function(X), atol=0.01)


# --- all together ---


def test_the_command_simulates_writes_figures_and_fills_the_page(halves, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(retrainings, "GOLD", 12)
    cases = (Case(TINY, 300, QUEUE), Case(TINY, 12, RANDOM, "lazy"), Case(GONE, 12, RANDOM))
    monkeypatch.setattr(retrainings, "CASES", cases)
    page = tmp_path / "page.md"

    def run(name, *more):
        page.write_text(PAGE, encoding="utf-8")
        arguments = [
            "--draws",
            "2",
            "--all-over",
            "1",
            "--processes",
            "1",
            "--bases",
            str(tmp_path / "bases"),
        ]
        monkeypatch.setattr(
            sys, "argv", ["x", "-o", str(tmp_path / name), "--page", str(page), *arguments, *more]
        )
        retrainings.main()
        return (tmp_path / name).read_bytes(), page.read_text(encoding="utf-8")

    figures, text = run("one.json")
    told = capsys.readouterr()
    assert told.out == ""
    assert "远: left out: 远没有" in told.err
    assert "小, 300, queue, careful, 1: " in told.err
    found = json.loads(figures)
    assert [(run["coder"], run["draw"], "all_over" in run) for run in found["runs"]] == [
        *(("careful", 0, True), ("lazy", 0, False)),
        *(("careful", 1, False), ("lazy", 1, False)),
    ]
    assert set(found["runs"][0]["all_over"]) == {"1", "5", "25"}
    assert found["texts"]["小"] == {"told": "测试用", "base": 72, "segments": 48, "documents": 8}
    assert "| 远 | 不在此处 | not measured: the text is not here |" in text
    assert "| 小 | 300 queue | 2 |" in text
    assert "旧" not in text
    monkeypatch.setattr(shifts.PolicyClassifier, "fit", lambda *_: pytest.fail("the base is there already"))
    retrainings.ground.cache_clear()
    assert run("two.json") == (figures, text)
    assert run("one.json", "--tables-only") == (figures, text)


def test_a_base_of_another_corpus_is_trained_anew(halves, monkeypatch, tmp_path):
    fitted = []

    def fit(model, texts, *others):
        fitted.append(len(texts))
        return own_fit(model, texts, *others)

    own_fit = shifts.PolicyClassifier.fit
    monkeypatch.setattr(shifts.PolicyClassifier, "fit", fit)
    other = part(halves[0], range(60))
    for base in (halves[0], halves[0], other):
        monkeypatch.setattr(shifts, "corpora", lambda _, base=base: (base, halves[1]))
        shifts.write_base(TINY, tmp_path)
    assert fitted == [72, 60]


# --- the page ---


def run(gain, verdict="equal", **more):
    values = {"text": "小", "labels": 300, "order": QUEUE, "coder": "careful", "draw": 0, "verdict": verdict}
    before = {"micro_f1": 0.5, "macro_f1": 0.4}
    after = {"micro_f1": 0.5 + gain, "macro_f1": 0.4 + gain / 2}
    return {**values, "before": before, "after": after, **more}


def page_of(*runs):
    return filled(
        PAGE, {"texts": {"小": {"told": "测试", "base": 5, "segments": 4, "documents": 3}}, "runs": runs}
    )


def test_the_table_has_means_extremes_and_verdicts():
    few = run(-0.0002, "worse", labels=100)
    text = page_of(run(0.01), run(0.044, "better"), run(-0.02, "better"), run(0.03, "worse"), few)
    assert "| 小 | 300 queue | 4 | 0.500 | +0.016 (-0.020 … +0.044) | +0.008 | 2 / 1 / 1 / 0 |" in text
    assert "| 小 | 100 queue | 1 | 0.500 | +0.000 (+0.000 … +0.000) | +0.000 | 0 / 0 / 1 / 0 |" in text
    assert "The lowest gain of these 5 runs is -0.020. Of 2 called better 1 do not gain on the whole" in text
    assert "of 2 refused as worse 1 do not lose there." in text


def test_training_all_over_is_set_beside_corrections_of_the_same_draws_only():
    other = {"1": {"micro_f1": 0.53, "macro_f1": 0}, "5": {"micro_f1": 0.49, "macro_f1": 0}}
    text = page_of(run(0.01, all_over=other), run(0.09, draw=1))
    assert "| text | reviewed | draws | corrections | counts 1 × | counts 5 × |" in text
    assert "| 小 | 300 queue | 1 | +0.010 | +0.030 | -0.010 |" in text


def test_labels_that_do_damage_are_shown_draw_by_draw_and_are_not_among_the_careful():
    text = page_of(run(0.01), run(-0.05, "worse", coder="lazy"), run(0.02, coder="lazy"))
    assert "| lazy | 小 | 300 queue | **-0.050**, +0.020 | 1 of 2 |" in text
    assert "The lowest gain of these 1 runs is +0.010. Of 0 called" in text


def test_tables_go_between_the_marks_and_nowhere_else():
    text = page_of(run(0.01))
    assert text.startswith(f"前\n{BEGIN}")
    assert text.endswith(f"{END}后\n")
    results = {"texts": {}, "runs": [run(0.01)]}
    assert filled(filled(PAGE, results), results) == filled(PAGE, results)
    with pytest.raises(ValueError, match="no marks"):
        filled("前\n后\n", results)


def test_every_case_is_another_and_its_coder_is_known():
    assert len(set(retrainings.CASES)) == len(retrainings.CASES)
    assert {case.coder for case in retrainings.CASES} == set(coders.CODERS)
    assert retrainings.OTHERWISE in coders.CODERS
    assert replace(retrainings.CASES[0], labels=300).all_over
