"""EVALUATION.md: every section, figures that are those computed, and confusions that can be counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.calibration import reliability
from classifier.codebook import codebook_from_text
from classifier.corpus import Segment, make_corpus
from classifier.errors import CorpusError, InputError
from classifier.evaluation import evaluate_decisions, paired_difference
from classifier.evaluation_page import HELD_OUT, Measured, _confused, evaluation_page, on_gold, read_agreement
from classifier.training import train

SECTIONS = [
    "# Evaluation",
    "## In short",
    "## Each code, articles held out",
    "## Each code on gold",
    "## Calibration",
    "## Is the model an echo of its lexicon?",
    "## The most frequent confusions",
]


@pytest.fixture(scope="module")
def trained(tiny_corpus, tiny_lexicon, tiny_gold):
    options = {"C": 1.0, "ngram_range": (1, 2), "min_df": 2, "lexicon_weight": 0.5, "n_folds": 2}
    golds, agreement = {"dev": tiny_gold}, {HELD_OUT: 0.875, "test": 0.5}
    return train(tiny_corpus, tiny_lexicon, golds=golds, agreement=agreement, **options)


@pytest.fixture(scope="module")
def tiny_gold(tiny_corpus):
    """Return three of four articles, their labels spoiled here and there so that not all is right."""
    segments = [
        Segment(s.doc_id, s.text, ("clinic",) if n % 11 == 0 else s.codes, s.place)
        for n, s in enumerate(tiny_corpus.segments[:90])
    ]
    return make_corpus(segments, tiny_corpus.codebook)


@pytest.fixture(scope="module")
def page(trained):
    return evaluation_page(trained.model, trained.own, trained.golds)


def section(page, heading):
    """Return the lines between a heading and the next."""
    lines = page.splitlines()
    start = lines.index(heading)
    ends = [i for i, line in enumerate(lines) if i > start and line.startswith("#")]
    return lines[start + 1 : ends[0] if ends else len(lines)]


def table(lines):
    """Return the cells of the (only) table among lines, its head apart from its rows."""
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert set("".join(rows[1])) == {"-"}
    assert {len(row) for row in rows} == {len(rows[0])}
    return rows[0], rows[2:]


def headings(page):
    return [line for line in page.splitlines() if line.startswith("#")]


def test_the_page_holds_each_section(page, trained):
    assert headings(page) == SECTIONS
    assert "codebook `village` 1; C = 1." in page
    assert "nan" not in page


def test_the_same_results_are_the_same_page(page, trained, tiny_corpus, tiny_gold):
    golds = [on_gold(trained.model, tiny_gold, "dev")]
    assert evaluation_page(trained.model, trained.own, golds) == page


def test_the_summary_has_a_row_a_text_with_the_figures_computed(page, trained, tiny_corpus, tiny_gold):
    _, rows = table(section(page, "## In short"))
    assert [r[0] for r in rows] == [HELD_OUT, "dev"]
    for row, s, about in zip(rows, (trained.own, *trained.golds), ("120 (20)", "90 (15)"), strict=True):
        gold = s.gold
        scored = evaluate_decisions(s.given, gold.labels, gold.groups, gold.codebook.columns)
        alone = evaluate_decisions(s.hits, gold.labels, gold.groups, gold.codebook.columns)
        difference = paired_difference(s.given, s.hits, gold.labels, gold.groups)
        most = gold.labels.sum(axis=0).max()
        majority = 2 * most / (len(gold.labels) + gold.labels.sum())
        wanted = [about, str(gold.labels.sum()), scored.micro, scored.macro, alone.micro, difference]
        assert row[1:8] == [*map(str, wanted), f"{majority:.3f}"]
    assert [r[8] for r in rows] == ["0.875", "–"]


def test_what_is_measured_is_out_of_fold_on_the_training_text_and_predicted_on_gold(trained, tiny_gold):
    probabilities, given_codes = trained.model.out_of_fold_
    assert np.array_equal(trained.own.probabilities, probabilities, equal_nan=True)
    assert np.array_equal(trained.own.given, given_codes)
    (dev,) = trained.golds
    assert np.array_equal(dev.given, trained.model.predict(tiny_gold.texts))
    assert np.array_equal(dev.probabilities, trained.model.predict_proba(tiny_gold.texts), equal_nan=True)


def test_decisions_on_gold_are_made_by_the_models_own_thresholds(trained, tiny_gold, monkeypatch):
    monkeypatch.setattr(trained.model, "decide", lambda p: p > 0.01)
    measured_anew = on_gold(trained.model, tiny_gold, "dev")
    assert np.array_equal(measured_anew.given, measured_anew.probabilities > 0.01)
    assert not np.array_equal(measured_anew.given, trained.golds[0].given)


def test_each_code_has_a_row_with_its_figures_and_the_lexicons(page, trained):
    _, rows = table(section(page, "## Each code, articles held out"))
    model, lexicon = trained.comparisons[0].model.table, trained.comparisons[0].baseline.table
    assert [r[:3] for r in rows] == [
        ["`clinic`", "看病", "30"],
        ["`school`", "上学", "40"],
        ["`road`", "修路", "30"],
        ["`well`", "打井", "3"],
    ]
    for row, code in zip(rows[:3], ("clinic", "school", "road"), strict=True):
        figures = [*model.loc[code, ["precision", "recall", "f1"]], lexicon.loc[code, "f1"]]
        assert row[3:7] == [f"{x:.2f}" for x in figures]
    assert rows[3][3] == "–"  # never given: no precision
    assert [r[7] for r in rows] == ["–"] * 4  # too few for a calibration of their own


def test_a_codes_figures_on_gold_are_shown_where_it_has_gold_enough(page, trained, tiny_gold):
    head, rows = table(section(page, "## Each code on gold"))
    assert head == ["code", "dev"]
    f1 = trained.golds[0].comparison.model.table["f1"]
    support = tiny_gold.support
    assert [r[0] for r in rows] == ["`clinic`", "`school`", "`road`"]  # `well` has 3 positives
    assert [r[1] for r in rows] == [f"{f1[c]:.2f} ({support[c]})" for c in ("clinic", "school", "road")]


def test_calibration_is_that_of_all_codes_together_and_drawn_a_line_a_bin(page, trained):
    lines = section(page, "## Calibration")
    for s in (trained.own, *trained.golds):
        r = reliability(s.probabilities, s.gold.labels)
        at = lines.index(f"**{s.name}**: expected calibration error {r.error:.3f}")
        assert lines[at + 1 : at + 3] == ["", "```"]
        drawn = lines[at + 3 : at + 3 + len(r.mass)]
        assert lines[at + 3 + len(r.mass)] == "```"
        for line, expected, observed, mass in zip(drawn, r.expected, r.observed, r.mass, strict=True):
            numbers, picture, count = line.split("|")
            assert numbers.split() == [f"{expected:.2f}", f"{observed:.2f}"]
            assert int(count) == mass
            assert len(picture) == 51
            here = picture.index("*") if "*" in picture else picture.index("x")
            there = picture.index("*") if "*" in picture else picture.index("o")
            assert (here, there) == (round(expected * 50), round(observed * 50))


def test_a_code_with_many_positives_has_its_own_calibration_error(trained, tiny_corpus):
    many = make_corpus(list(tiny_corpus.segments) * 5, tiny_corpus.codebook)
    s = on_gold(trained.model, many, "many")
    _, rows = table(section(evaluation_page(trained.model, s), "## Each code, articles held out"))
    error = reliability(s.probabilities[:, 1], many.labels[:, 1]).error
    assert [r[2] for r in rows] == ["150", "200", "150", "15"]
    assert [r[7] for r in rows] == ["–", f"{error:.3f}", "–", "–"]


def test_the_echo_counts_segments_with_and_without_a_hit_apart(page, trained):
    _, rows = table(section(page, "## Is the model an echo of its lexicon?"))
    assert [r[:2] for r in rows] == [
        [name, about] for name in (HELD_OUT, "dev") for about in ("with a hit", "without")
    ]
    for i, s in enumerate((trained.own, *trained.golds)):
        hit = s.hits.any(axis=1)
        for row, chosen in zip(rows[2 * i : 2 * i + 2], (hit, ~hit), strict=True):
            given_codes, gold = s.given[chosen], s.gold.labels[chosen]
            right = (given_codes & gold).sum()
            precision, recall = right / given_codes.sum(), right / gold.sum()
            assert row[2:6] == [str(chosen.sum()), str(gold.sum()), f"{precision:.2f}", f"{recall:.2f}"]
            assert row[6].startswith(f"{2 * right / (given_codes.sum() + gold.sum()):.3f} [")
        assert int(rows[2 * i][2]) + int(rows[2 * i + 1][2]) == len(s.gold.segments)


def test_where_every_segment_has_a_hit_there_is_no_row_of_those_without(trained, tiny_corpus):
    chosen = [s for s in tiny_corpus.segments if trained.model.lexicon.codes_in(s.text)]
    s = on_gold(trained.model, make_corpus(chosen, tiny_corpus.codebook), "hits")
    _, rows = table(section(evaluation_page(trained.model, s), "## Is the model an echo of its lexicon?"))
    assert [r[:2] for r in rows] == [["hits", "with a hit"]]


def test_without_gold_there_is_no_gold_section(trained):
    alone = evaluation_page(trained.model, trained.own)
    assert headings(alone) == [h for h in SECTIONS if h != "## Each code on gold"]
    assert "dev" not in alone


def test_without_gold_enough_of_any_code_there_is_no_gold_section_but_a_row_in_short(trained, tiny_corpus):
    few = on_gold(trained.model, make_corpus(tiny_corpus.segments[:12], tiny_corpus.codebook), "few")
    made = evaluation_page(trained.model, trained.own, [few])
    assert "## Each code on gold" not in headings(made)
    assert [r[0] for r in table(section(made, "## In short"))[1]] == [HELD_OUT, "few"]


def test_without_a_lexicon_there_is_no_echo_and_nothing_beside_the_model(tiny_corpus):
    outcome = train(tiny_corpus, C=1.0, ngram_range=(1, 1), min_df=2, n_folds=2)
    made = evaluation_page(outcome.model, outcome.own)
    assert "## Is the model an echo of its lexicon?" not in headings(made)
    (row,) = table(section(made, "## In short"))[1]
    assert row[5:7] == ["–", "–"]
    assert {r[6] for r in table(section(made, "## Each code, articles held out"))[1]} == {"–"}


# --- confusions, by hand ---


def measured(book, rows, name="dev"):
    """Return decisions written out: place, gold codes, given codes; probabilities and hits do not matter."""
    segments = [Segment("甲文", "一段话", tuple(gold), place) for place, gold, _ in rows]
    gold = make_corpus(segments, book)
    given_codes = np.array([[c in given_row for c in book.columns] for *_, given_row in rows])
    return Measured(name, gold, np.full(given_codes.shape, 0.5), given_codes, None)


def confusions(trained, s):
    return table(section(evaluation_page(trained.model, s), "## The most frequent confusions"))[1]


def test_confusions_are_counted_and_named_the_most_frequent_first(trained, tiny_codebook):
    rows = [
        ("a:1", ["clinic"], ["school"]),
        ("a:2", ["clinic"], ["school"]),
        ("a:3", ["clinic", "road"], ["road", "school"]),  # `road` is right
        ("a:4", ["clinic"], ["school"]),
        ("b:1", ["road"], []),
        ("b:2", ["road"], []),
        ("b:3", [], ["well"]),
        ("b:4", ["school", "road"], ["well"]),  # each missed with each given
        ("b:5", ["school"], ["school"]),
        ("b:6", [], []),
    ]
    assert confusions(trained, measured(tiny_codebook, rows)) == [
        ["clinic", "school", "4", "a:1; a:2; a:3"],
        ["road", "nothing", "2", "b:1; b:2"],
        ["nothing", "well", "1", "b:3"],
        ["road", "well", "1", "b:4"],
        ["school", "well", "1", "b:4"],
    ]


def test_no_more_confusions_are_shown_than_can_be_read(trained, monkeypatch, tiny_codebook):
    rows = [(f"a:{i}", ["clinic"], ["school"]) for i in range(2)] + [("b", ["road"], []), ("c", [], ["road"])]
    monkeypatch.setattr("classifier.evaluation_page.CONFUSIONS", 2)
    assert [r[:3] for r in confusions(trained, measured(tiny_codebook, rows))] == [
        ["clinic", "school", "2"],
        ["nothing", "road", "1"],
    ]


def test_where_nothing_is_confused_the_table_is_empty(trained, tiny_codebook):
    assert confusions(trained, measured(tiny_codebook, [("a:1", ["road"], ["road"])])) == []


CODES = st.sets(st.sampled_from(["clinic", "school", "road"]))


@given(CODES, CODES)
def test_a_segment_is_confused_where_and_only_where_its_codes_are_wrong(gold, given_codes):
    missed, wrong = sorted(gold - given_codes), sorted(given_codes - gold)
    pairs = _confused(missed, wrong)
    assert {m for m, _ in pairs} - {"nothing"} == set(missed)
    assert {w for _, w in pairs} - {"nothing"} == set(wrong)
    assert ("nothing", "nothing") not in pairs
    assert len(pairs) == max(len(missed), 1) * max(len(wrong), 1) * (gold != given_codes)


def test_a_bar_in_a_name_does_not_break_a_table(trained):
    book = codebook_from_text(
        'name: v\nversion: "1"\ncodes:\n'
        + "".join(
            f"  - {{code: {c}, name: {{zh: '{c}|名'}}}}\n" for c in ("clinic", "school", "road", "well")
        ),
        "v.yaml",
    )
    rows = [("甲|乙.csv: row 1", ["clinic"], ["school"]), *[("丙.csv: row 2", ["road"], ["road"])] * 20]
    s = measured(book, rows, name="dev|news")
    made = evaluation_page(trained.model, s, [s])
    for heading in SECTIONS[1:4]:
        assert table(section(made, heading))[1]  # as many cells in every row as in the head
    assert "| dev/news |" in made
    assert made.count("| clinic | school | 1 | 甲/乙.csv: row 1 |") == 2


# --- agreement between coders ---


def test_agreement_is_read_by_name(tmp_path):
    (tmp_path / "a.yaml").write_text(f"{HELD_OUT}: 0.92\nnews: 1\n", encoding="utf-8")
    assert read_agreement(tmp_path / "a.yaml") == {HELD_OUT: 0.92, "news": 1.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("dev: 1.2", "dev: 1.2", id="over one"),
        pytest.param("dev: -0.1", "dev: -0.1", id="below zero"),
        pytest.param("dev: high", "dev: high", id="a word"),
        pytest.param("dev: true", "dev: True", id="yes or no"),
        pytest.param("dev: .nan", "dev: nan", id="no number"),
        pytest.param("dev:", "dev: None", id="nothing"),
        pytest.param("dev: [0.9, 0.8]", r"dev: \[0.9, 0.8\]", id="two figures"),
        pytest.param("2020: 0.9", "2020: 0.9", id="a number for a name"),
        pytest.param("dev: 0.9\ntest: 90", "test: 90", id="the second of two"),
        pytest.param("- dev", "agreement.yaml", id="a list"),
        pytest.param("0.9", "agreement.yaml", id="a figure alone"),
        pytest.param("", "agreement.yaml", id="an empty file"),
    ],
)
def test_what_is_no_agreement_is_refused_with_file_and_value(tmp_path, text, message):
    path = tmp_path / "agreement.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CorpusError, match=message) as caught:
        read_agreement(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    assert "0.95" in caught.value.hint


def test_an_agreement_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: No such file") as caught:
        read_agreement(tmp_path / "none.yaml")
    assert caught.value.hint
    (tmp_path / "twice.yaml").write_text("dev: 0.9\ndev: 0.8\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"twice\.yaml:2: 'dev' stands twice") as caught:
        read_agreement(tmp_path / "twice.yaml")
    assert caught.value.hint
