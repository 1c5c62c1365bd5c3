"""The queue: every segment once, doubt first, like ones apart; gold a random sample wherever one stops."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.codebook import codebook_from_text
from classifier.errors import InputError
from classifier.features import prepare
from classifier.hand_labels import read_hand_labels
from classifier.labelled import Labelled, read_labelled
from classifier.review_items import CONTEXT, GOLD, QUEUE, checked_item
from classifier.review_queue import RARE, doubt, items, make_queue, mixed, order, representation, terms
from classifier.sample_files import make_sample
from classifier.sampling import DESIGNS
from conftest import VILLAGES, sentence

KINDS = ("clinic", "school", "road", "")
TEXTS = [f"在{VILLAGES[i % 20]}，{sentence(KINDS[i % 4], i)}，{i}户人家都知道。" for i in range(400)]
EXCLUSIVE = """\
name: topics
version: "1"
exclusive: true
codes:
  - {code: sport, name: {zh: 体育, en: sport}, definition: 体育新闻}
  - {code: stock, name: {zh: 股票, en: stocks}, definition: 股票新闻}
"""


def labelled_of(codebook, probabilities, texts=None, given=None, **columns):
    """Return labelled segments, seven to a document, with codes given from 0.4 on."""
    p = np.asarray(probabilities, dtype=float)
    n = len(p)
    frame = pd.DataFrame(
        {
            "doc_id": [f"{VILLAGES[i // 7 % 20]}{i // 140}.txt" for i in range(n)],
            "segment_id": [f"{VILLAGES[i // 7 % 20]}{i // 140}.txt#{i % 7}" for i in range(n)],
            "text": (TEXTS * (n // len(TEXTS) + 1))[:n] if texts is None else texts,
            **columns,
        }
    )
    names = list(codebook.columns)
    given = pd.DataFrame(p >= 0.4 if given is None else given, columns=names)
    return Labelled("标注.csv", codebook, frame, given, pd.DataFrame(p, columns=names))


def random_probabilities(n, seed=3, k=4):
    return np.random.default_rng(seed).random((n, k)) ** 6


# --- every segment once, always the same ---


@settings(max_examples=40)
@given(
    n=st.integers(1, 60),
    options=st.fixed_dictionaries(
        {
            "gold": st.integers(0, 40),
            "share": st.sampled_from([0, 0.1, 0.2, 0.5, 0.9]),
            "design": st.sampled_from(DESIGNS),
            "seed": st.integers(0, 99),
        }
    ),
    missing=st.sampled_from(["none", "a code", "some segments", "everything"]),
)
def test_every_segment_has_one_rank_and_gold_is_no_part_of_the_rest(tiny_codebook, n, options, missing):
    p = random_probabilities(n, options["seed"])
    unknown = {"none": p < 0, "a code": np.arange(4) == 3, "everything": p >= 0}
    p[unknown.get(missing, (np.arange(n) % 3 == 0)[:, None]) & np.ones_like(p, dtype=bool)] = np.nan
    labelled = labelled_of(tiny_codebook, p)
    queue = make_queue(labelled, **options)
    assert sorted(queue.rows.tolist()) == list(range(n))
    made = list(items(labelled, queue))
    assert [item.place for item in made] == list(range(n))
    assert {item.place for item in made if item.purpose == GOLD} == set(queue.drawn)
    assert {item.purpose for item in made} <= {GOLD, QUEUE}
    assert sorted(item.rank for item in made) == list(range(n))
    for item in made:
        assert checked_item(item) is item


def test_the_same_file_and_seed_make_the_same_queue_and_another_seed_another_gold(tiny_codebook):
    labelled = labelled_of(tiny_codebook, random_probabilities(200))
    one, same, other = (make_queue(labelled, seed=seed) for seed in (1, 1, 2))
    assert (one.rows.tolist(), one.drawn) == (same.rows.tolist(), same.drawn)
    assert set(one.drawn) != set(other.drawn)
    assert len(one.drawn) == 40
    both = set(range(200)) - set(one.drawn) - set(other.drawn)
    first = [row for row in one.rows if row in both]
    assert len(first) > 100


def test_gold_is_capped_by_its_share_of_a_small_file(tiny_codebook):
    labelled = labelled_of(tiny_codebook, random_probabilities(50))
    assert len(make_queue(labelled).drawn) == 10
    assert len(make_queue(labelled, gold=4).drawn) == 4
    assert make_queue(labelled, share=0).drawn == {}


def test_one_segment_is_the_queue(tiny_codebook):
    labelled = labelled_of(tiny_codebook, [[0.5, 0.1, 0.1, np.nan]])
    (item,) = items(labelled, make_queue(labelled))
    assert (item.rank, item.purpose, item.drawn) == (0, QUEUE, None)
    assert (item.codes, item.probabilities) == (("clinic",), {"clinic": 0.5, "school": 0.1, "road": 0.1})


def test_equal_texts_of_equal_doubt_stay_in_the_order_of_the_file(tiny_codebook):
    labelled = labelled_of(tiny_codebook, np.full((30, 4), 0.3), texts=["医生每月上门量血压。"] * 30)
    assert make_queue(labelled, gold=0).rows.tolist() == list(range(30))


def test_an_exclusive_codebook_puts_the_least_certain_topic_first():
    p = np.array([[0.99, 0.01], [0.5, 0.5], [0.1, 0.9]])
    given = p == p.max(axis=1, keepdims=True)
    labelled = labelled_of(codebook_from_text(EXCLUSIVE, "题.yaml"), p, TEXTS[:3], given)
    assert make_queue(labelled, gold=0).rows.tolist() == [1, 2, 0]


def test_a_file_without_probabilities_is_ordered_by_unlikeness(tiny_codebook):
    texts = ["医生每月上门。", "医生每月上门。", "小学发放助学金。", "公路修通了。"]
    labelled = labelled_of(tiny_codebook, np.full((4, 4), np.nan), texts, np.zeros((4, 4), dtype=bool))
    queue = make_queue(labelled, gold=0)
    assert queue.rows.tolist() == [0, 2, 3, 1]
    assert all(item.probabilities == {} for item in items(labelled, queue))


def test_empty_texts_do_no_harm(tiny_codebook):
    labelled = labelled_of(tiny_codebook, random_probabilities(3), ["", "  ", "山"])
    assert sorted(make_queue(labelled).rows.tolist()) == [0, 1, 2]


# --- doubt ---


@given(seed=st.integers(0, 200), n=st.integers(1, 30), k=st.integers(1, 6))
def test_doubt_is_the_formula(seed, n, k):
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.02, 0.98, (n, k))
    p[rng.random((n, k)) < 0.2] = np.nan
    known = [j for j in range(k) if not np.isnan(p[:, j]).all()]
    mean = {j: np.nanmean(p[:, j]) for j in known}
    expected = []
    for row in p:
        ratios = [row[j] * (1 - row[j]) / (mean[j] * (1 - mean[j])) for j in known if not np.isnan(row[j])]
        expected.append(np.sqrt(np.mean(ratios)) if ratios else np.nan)
    most = np.nanmax(expected) if known else 1.0
    np.testing.assert_allclose(doubt(p), np.where(np.isnan(expected), most, expected), rtol=1e-9)


def test_a_rare_code_counts_as_much_as_a_common_one():
    common, rare = np.repeat([0.9, 0.1], [50, 50]), np.repeat([0.9, 0.02], [2, 98])
    p = np.column_stack([common, rare])
    assert doubt(p)[0] > 1.5 * doubt(p)[10]  # both have 0.9 of the common code, the first of the rare one too


def test_a_trace_of_a_code_that_hardly_occurs_is_no_reason_to_come_first():
    p = np.zeros((10_000, 2))
    p[:, 0] = 0.05
    p[7, 0], p[8, 1] = 0.5, 0.0001
    assert p[:, 1].mean() < RARE
    assert doubt(p).argmax() == 7
    assert doubt(p)[8] < 1.05 * doubt(p)[0]


def test_an_untrained_code_changes_nothing(tiny_codebook):
    p = random_probabilities(60)
    p[:, 3] = np.nan
    np.testing.assert_allclose(doubt(p), doubt(p[:, :3]))


def test_what_nothing_is_known_of_is_as_doubtful_as_the_most_doubtful():
    p = np.array([[0.5, 0.5], [np.nan, np.nan], [0.01, 0.02]])
    assert doubt(p)[1] == doubt(p)[0] > doubt(p)[2]


# --- likeness ---


def cosines(texts):
    """Return cosines of TF-IDF of character bigrams, worked out without a library."""
    grams = [{t[i : i + 2] for i in range(len(t) - 1)} for t in prepare(texts)]
    every = sorted(set().union(*grams))
    idf = [np.log((1 + len(texts)) / (1 + sum(g in own for own in grams))) + 1 for g in every]
    X = np.array([[w if g in own else 0 for g, w in zip(every, idf, strict=True)] for own in grams])
    X /= np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-300)
    return X @ X.T


pieces = st.lists(st.sampled_from(["医生上门", "修公路", "发助学金", "天晴了", "12户"]), max_size=4).map(
    "".join
)
pools = st.lists(pieces.filter(bool), min_size=1, max_size=25)


@given(texts=pools)
def test_representation_is_the_mean_cosine_with_all(texts):
    np.testing.assert_allclose(representation(terms(texts)), cosines(texts).mean(axis=0), atol=1e-5)


@given(texts=pools, seed=st.integers(0, 99), power=st.sampled_from([0, 0.5, 1]), depth=st.integers(0, 30))
def test_each_next_one_has_the_most_worth_left(texts, seed, power, depth):
    worth = np.random.default_rng(seed).random(len(texts)) + 0.1
    found = order(texts, worth, power=power, depth=depth)
    assert sorted(found.tolist()) == list(range(len(texts)))
    like = cosines(texts)
    base = worth * like.mean(axis=0) ** power
    for turn, chosen in enumerate(found):
        before = found[: min(turn, depth)]
        value = base * (1 - like[before].max(axis=0, initial=0))
        assert value[chosen] >= value[found[turn:]].max() - 1e-5


def test_near_duplicates_are_spread(tiny_codebook):
    kinds = ("签约医生每月上门量血压", "小学给困难孩子发放助学金", "施工队修通了硬化路", "打井队打出机井")
    texts = [f"{kind}，{n}户受益。" for kind in kinds for n in range(11, 31)]
    p = np.full((80, 4), 0.1)
    p[:20] = 0.3  # the model is in doubt about one kind most of all
    first = make_queue(labelled_of(tiny_codebook, p, texts), gold=0).rows[:4]
    assert sorted(first // 20) == [0, 1, 2, 3]
    assert first[0] == 0


# --- gold ---


@given(
    queue=st.integers(0, 200), gold=st.integers(0, 60), share=st.floats(0.05, 0.8), seed=st.integers(0, 999)
)
def test_gold_keeps_its_order_and_at_any_time_its_share(queue, gold, share, seed):
    found = mixed(np.arange(queue), 1000 + np.arange(gold), share, np.random.default_rng(seed))
    is_gold = found >= 1000
    assert found[is_gold].tolist() == list(range(1000, 1000 + gold))
    assert found[~is_gold].tolist() == list(range(queue))
    count = np.cumsum(is_gold)
    last = len(found) - 1
    both = np.arange(len(found)) <= min(
        np.flatnonzero(is_gold)[-1] if gold else last, np.flatnonzero(~is_gold)[-1] if queue else last
    )
    if gold and queue:
        assert (np.abs(count - share * np.arange(1, len(found) + 1))[both] <= 2 + 1e-9).all()


def test_without_a_share_earlier_gold_comes_last():
    rng = np.random.default_rng(0)
    assert mixed(np.arange(5), np.array([7, 8]), 0, rng).tolist() == [0, 1, 2, 3, 4, 7, 8]


def test_gold_stands_anywhere_in_its_run():
    places = [
        int(np.flatnonzero(mixed(np.arange(40), np.array([99]), 0.2, np.random.default_rng(seed)) == 99)[0])
        for seed in range(2000)
    ]
    expected = 2000 * np.array([1, 2, 2, 2, 1]) / 8  # segments of the queue stand in the middle of theirs
    counts = np.bincount(places, minlength=5)
    assert (((counts - expected) ** 2) / expected).sum() < 18.5  # 0.999 of χ² with 4 degrees of freedom


@pytest.mark.parametrize("design", DESIGNS)
def test_gold_is_what_fupin_sample_draws(tiny_codebook, design):
    p = random_probabilities(300)
    given = p >= 0.4
    p[given[:, 0], 0] = np.nan  # decisions without a probability count as 0 and 1
    labelled = labelled_of(tiny_codebook, p, given=given)
    queue = make_queue(labelled, gold=90, share=0.5, design=design, seed=8)
    sample = make_sample(labelled, 90, design, 8)
    names = labelled.frame["segment_id"]
    gold = [(names[row], *queue.drawn[row].values()) for row in queue.rows if row in queue.drawn]
    columns = ["segment_id", "stratum", "inclusion_probability", "unit"]
    assert gold == [tuple(row) for row in sample[columns].itertuples(index=False)]
    assert list(next(iter(queue.drawn.values()))) == columns[1:]


def test_what_is_coded_when_one_stops_estimates_shares_without_bias(tiny_codebook):
    """At each of three stops the mean over draws is the truth, within 4 standard errors, and π is as told."""
    n, times, stops = 120, 300, (50, 80, 120)
    p = random_probabilities(n)
    truth = np.random.default_rng(1).random((n, 4)) < p
    labelled = labelled_of(tiny_codebook, p)
    times_drawn, told = np.zeros(n), np.zeros(n)
    estimates = {stop: [] for stop in stops}
    for seed in range(times):
        queue = make_queue(labelled, gold=60, share=0.5, seed=seed)
        times_drawn[list(queue.drawn)] += 1
        strata = {row: (how["stratum"], how["inclusion_probability"]) for row, how in queue.drawn.items()}
        for row, (_, probability) in strata.items():
            told[row] = probability
        for stop in stops:
            coded = [row for row in queue.rows[:stop] if row in strata]
            estimates[stop].append(_stratified_mean(coded, strata, truth) / n)
    spread = np.sqrt(np.maximum(told * (1 - told), 1e-9) / times)
    assert (np.abs(times_drawn / times - told) <= 4.5 * spread).all()
    assert np.ptp(told) > 0.1
    for found in map(np.array, estimates.values()):
        error = found.std(axis=0, ddof=1) / np.sqrt(times)
        assert (np.abs(found.mean(axis=0) - truth.mean(axis=0)) <= 4 * error).all()


def _stratified_mean(coded, strata, truth):
    """Return Σ N_h ȳ_h over the coded rows of each stratum."""
    total = np.zeros(truth.shape[1])
    for h in {stratum for stratum, _ in strata.values()}:
        drawn = [row for row, (stratum, _) in strata.items() if stratum == h]
        size = len(drawn) / strata[drawn[0]][1]
        total += size * truth[[row for row in coded if strata[row][0] == h]].mean(axis=0)
    return total


def test_fupin_report_takes_the_gold_coded_so_far(tiny_codebook, tmp_path):
    labelled = labelled_of(tiny_codebook, random_probabilities(300))
    queue = make_queue(labelled, gold=60)
    made = sorted(items(labelled, queue), key=lambda item: item.rank)
    coded = {item.segment_id for item in made[:150]}
    rows = [
        {
            "segment_id": item.segment_id,
            "text": item.text,
            "codes": ";".join(item.codes) if item.segment_id in coded else "",
            "coded": "1" if item.segment_id in coded else "",
            **item.drawn,
        }
        for item in made
        if item.purpose == GOLD
    ]
    path = tmp_path / "样本.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    hand = read_hand_labels(path, labelled)
    assert (hand.rows, hand.coded) == (60, 30)
    assert hand.corpus.drawn.weight.sum() == pytest.approx(300)


# --- making it anew ---


def test_a_queue_made_anew_keeps_its_gold_and_leaves_out_what_is_decided(tiny_codebook):
    labelled = labelled_of(tiny_codebook, random_probabilities(200))
    names = labelled.frame["segment_id"]
    first = make_queue(labelled)
    earlier = {names[row]: first.drawn[row] for row in first.rows if row in first.drawn}
    decided = set(names[first.rows[:50]])
    relabelled = replace(labelled, probabilities=labelled.probabilities.iloc[::-1].reset_index(drop=True))
    again = make_queue(relabelled, earlier=earlier, decided=decided, seed=77)
    assert again.drawn == first.drawn
    assert set(names[again.rows]) == set(names) - decided
    open_gold = [row for row in first.rows if row in first.drawn and names[row] not in decided]
    assert [row for row in again.rows if row in again.drawn] == open_gold
    purposes = {item.segment_id: (item.purpose, item.rank) for item in items(relabelled, again)}
    assert {purposes[name] for name in decided - set(earlier)} == {(CONTEXT, None)}
    assert {purposes[name] for name in decided & set(earlier)} == {(GOLD, None)}


def test_gold_is_never_drawn_a_second_time(tiny_codebook):
    labelled = labelled_of(tiny_codebook, random_probabilities(100))
    assert make_queue(labelled, earlier={}).drawn == {}


# --- from files, and what is refused ---


def test_items_of_a_csv_file_have_numbers_and_texts(tiny_codebook, tmp_path):
    path = tmp_path / "标注.csv"
    path.write_text(
        "doc_id,segment_id,paragraph,start,end,text,codes,clinic,school,road,well,title,date,source\n"
        "山.txt,山.txt#0,2,10,18,医生每月上门。,clinic,0.9,0.1,0.05,,山里,2019-10-17,\n"
        "山.txt,山.txt#1,,,,天晴了。,,0.1,0.2,0.05,,,,\n",
        encoding="utf-8",
    )
    labelled = read_labelled(path, tiny_codebook)
    one, other = items(labelled, make_queue(labelled, gold=0))
    assert (one.paragraph, one.start, one.end) == (2, 10, 18)
    assert (one.title, one.date, one.source) == ("山里", "2019-10-17", "")
    assert (other.paragraph, other.start, other.end, other.title) == (0, 0, 4, "")
    assert one.probabilities == {"clinic": 0.9, "school": 0.1, "road": 0.05}
    assert {type(value) for value in (one.rank, one.place, one.start)} == {int}


@pytest.mark.parametrize("value", ["x", "-1", "1.5"])
def test_a_place_that_is_none_is_named_with_its_row(tiny_codebook, value):
    labelled = labelled_of(tiny_codebook, random_probabilities(3), start=["0", value, "0"])
    with pytest.raises(InputError, match=rf"标注\.csv: row 2: start is '{value}'"):
        list(items(labelled, make_queue(labelled)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 1.0}, "a share of 1.0"),
        ({"share": -0.1}, "a share of -0.1"),
        ({"gold": -1}, "-1 gold segments"),
        ({"design": "clever"}, "unknown design 'clever'"),
        ({"earlier": {"无.txt#0": {}}}, r"gold segment '无\.txt#0' is not in it"),
    ],
)
def test_what_cannot_be_is_refused(tiny_codebook, options, message):
    with pytest.raises(InputError, match=message):
        make_queue(labelled_of(tiny_codebook, random_probabilities(5)), **options)


def test_a_file_without_segments_is_refused(tiny_codebook):
    with pytest.raises(InputError, match="no segments"):
        make_queue(labelled_of(tiny_codebook, np.zeros((0, 4)), []))
