"""The benchmark measures what it says: figures that cannot be had are left out, kernels are as claimed."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench import kernels, large, texts
from bench.elements import ELEMENTS, RAW, Element, weighted_terms
from bench.files import ARTICLES, Watched, rounds_at_once
from bench.gauges import Peaks, descendants, keep_to, peak_memory
from bench.processes import of_all, summary
from bench.tables import tell_large, tell_rates
from classifier import load_model, scoring
from classifier.batch import Made
from classifier.excerpts import Excerpts
from classifier.journal import Tally
from classifier.segments import cut_all

HERE, OTHER = os.getpid(), -1


def watched(jobs, *done):
    crew = Watched(jobs)
    crew.done = [(float(second), process, sentences) for second, process, sentences in done]
    return crew


def test_one_process_is_steady_from_its_first_chunk_on():
    assert watched(1, (5, HERE, 9), (6, HERE, 10), (7, HERE, 20), (9, HERE, 30)).steady() == 60 / 4


def test_more_processes_are_steady_once_the_first_no_longer_labels_itself():
    own, others = [(1, HERE, 7), (3, HERE, 7)], [(4 + i, OTHER, 10) for i in range(6)]
    assert watched(2, *own, *others).steady() == 60 / 6


@pytest.mark.parametrize("others", [0, 1, 5])
def test_a_run_too_short_for_a_steady_rate_says_so_instead(others):
    done = [(i, HERE, 10) for i in range(8)] + [(8 + i, OTHER, 10) for i in range(others)]
    told = f"too short: {others} of {8 + others} chunks came after all processes were up, 6 are needed"
    assert watched(2, *done).steady().endswith(told)


def test_a_crew_without_a_chunk_says_so_too():
    assert "0 of 0 chunks" in watched(1).steady()


def test_chunks_are_noted_in_order_with_the_process_that_did_them():
    crew = Watched(1)
    made = [Made(b"rows", ["id"], Tally(segments=n)) for n in (3, 4)]
    assert list(crew.run(lambda model, chunk: made[chunk], None, [0, 1])) == made
    assert [(process, n) for _, process, n in crew.done] == [(HERE, 3), (HERE, 4)]


def answer(**changes):
    figures = {"seconds": 2.0, "sentences": 10, "megabytes": 1.0, "megabytes_out": 3.0, "peak_mb": 7.0}
    return {**figures, "steady_sentences_per_s": 8.0, "helpers_peak_mb": 9.0, **changes}


def test_a_summary_has_medians_of_rates_and_the_highest_peak_of_any_process():
    found = summary([answer(), answer(seconds=1.0), answer(seconds=4.0, peak_mb=11.0)])
    assert found["sentences_per_s"] == 5
    assert found["mb_per_s"] == 0.5
    assert (found["peak_mb"], found["steady_sentences_per_s"]) == (11, 8)
    assert "not_measured" not in found


def test_what_no_round_could_measure_is_left_out_with_the_reason():
    found = summary([answer(steady_sentences_per_s="too short", peak_mb="no /proc")] * 2)
    assert found["not_measured"] == {"steady_sentences_per_s": "too short", "peak_mb": "no /proc"}
    assert not {"steady_sentences_per_s", "peak_mb"} & set(found)
    json.dumps(found, allow_nan=False)


def test_what_one_round_could_measure_is_kept():
    found = summary([answer(steady_sentences_per_s="too short"), answer()])
    assert found["steady_sentences_per_s"] == 8


def test_tables_are_no_wider_than_80_columns_and_never_say_nan(capsys):
    why = "the run is too short: 4 of 39 chunks came after all processes were up, 12 are needed"
    tell_rates(
        "file → file",
        {"fupin: file to Parquet, 4 processes": summary([answer(steady_sentences_per_s=why)])},
        1.0,
    )
    tell_large(
        {
            "documents": 10**6,
            "sentences": 2 * 10**7,
            "megabytes": 2400.0,
            "seconds": 100.0,
            "processes": 4,
            "documents_per_s": 1e4,
            "sentences_per_s": 2e5,
            "peak_mb": 601.0,
            "own_peak_mb": 601.0,
            "helpers_peak_mb": 5.0,
        }
    )
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert "nan" not in told
    assert "NOT below 600" in told
    assert re.search(r"12 are\s+needed", told)


def test_memory_and_helpers_are_read_off_the_system():
    if not Path("/proc/self/status").exists():
        pytest.skip("no /proc here")
    assert 1 < peak_memory() < 100_000
    assert isinstance(peak_memory(2**30), str)
    import subprocess

    with subprocess.Popen(["sh", "-c", "sleep 5 & wait"], stdout=subprocess.PIPE) as process:
        while len(list(descendants())) < 2:
            assert process.poll() is None
        seen = Peaks()
        seen.look()
        assert seen.highest > 0
        seen.highest = 0.0
        seen.look(seldom=True)  # so soon after, it looks no more
        assert seen.highest == 0
        for pid in list(descendants(process.pid)):
            os.kill(pid, 15)
        process.kill()


def test_a_disk_without_room_is_told_before_the_work(tmp_path):
    large.refuse_without_room(1, tmp_path)
    with pytest.raises(SystemExit, match="GB free, 1,000,000,000,000 articles take"):
        large.refuse_without_room(10**12, tmp_path)


def test_a_command_that_fails_ends_the_run_with_what_it_said(tmp_path):
    with pytest.raises(SystemExit, match="no such thing"):
        large.run_watched(("sh", "-c", "echo no such thing >&2; exit 3"), tmp_path / "said.txt")


def test_articles_are_made_of_sentences_that_follow_a_seed(tmp_path):
    texts.write_articles(tmp_path / "a", 3, seed=1)
    texts.write_articles(tmp_path / "b", 3, seed=1)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    rows = [json.loads(line) for line in (tmp_path / "a").read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["text"].count("\n")) for row in rows] == [("0", 19), ("1", 19), ("2", 19)]
    assert list(texts.spliced(5, 1)) == rows[0]["text"].split("\n")[:5]


@pytest.mark.parametrize("name", ELEMENTS)
def test_a_changed_kernel_computes_what_its_element_says(name):
    model, some = load_model(), ["学学学习学习，学习。", "为贫困户发放贴息贷款，贷款到户。", "", "好" * 300]
    run = kernels.ready(ELEMENTS[name], kernels.given_for(model, some))
    kernels.check(name, run(), kernels.plain_scores(model, ELEMENTS[name], some))
    other = Element(tf=RAW) if ELEMENTS[name].tf != RAW else Element()
    with pytest.raises(SystemExit, match="off scikit-learn's"):
        kernels.check(name, run(), kernels.plain_scores(model, other, some))


def test_a_kernel_that_has_changed_since_ends_the_run(monkeypatch):
    monkeypatch.setattr(kernels, "WITHOUT_NORM", (("no such line", "pass"),))
    with pytest.raises(SystemExit, match=r"out of date: classifier/scoring.py has no one `no such line`"):
        kernels.changed_kernel(replace(Element(), norm=False))


def test_given_for_leaves_the_kernel_as_it_was():
    before = scoring._add_up
    kernels.given_for(load_model(), ["好。"])
    assert scoring._add_up is before


def test_terms_weigh_their_idf_times_what_the_element_says():
    features = load_model().features_
    plain, raw, log = (
        weighted_terms(features, Element(norm=False, tf=tf), ["学学学"])
        for tf in ("presence", "tf", "1 + ln tf")
    )
    column = features.terms_.index("学")
    idf = features.idf_[column]
    assert plain[0, column] == pytest.approx(idf)
    assert raw[0, column] == pytest.approx(3 * idf)
    assert log[0, column] == pytest.approx((1 + np.log(3)) * idf)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system lets nobody choose cores")
def test_a_process_is_kept_to_as_many_cores_as_it_may_use():
    before = os.sched_getaffinity(0)
    try:
        keep_to(1)
        assert os.sched_getaffinity(0) == {min(before)}
        os.sched_setaffinity(0, before)
        keep_to(1, first=len(before) - 1)
        assert os.sched_getaffinity(0) == {max(before)}
        os.sched_setaffinity(0, before)
        keep_to(1, first=len(before))  # there is no such core
        assert os.sched_getaffinity(0) == before
    finally:
        os.sched_setaffinity(0, before)


def test_runs_at_once_count_together(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    texts.write_articles(tmp_path / ARTICLES, 30, seed=1)
    found = rounds_at_once(2, tmp_path, 0)(1)
    lines = (tmp_path / ARTICLES).read_text(encoding="utf-8").splitlines()
    segments = cut_all(Excerpts.of([json.loads(line)["text"] for line in lines])).kept()
    assert found["sentences"] == 2 * len(segments.text)
    assert found["seconds"] > 0
    assert "too short" in found["steady_sentences_per_s"]
    assert isinstance(found["helpers_peak_mb"], float)


def test_what_one_of_the_runs_cannot_tell_is_not_known_of_all():
    assert of_all(sum, [1, 2.5]) == 3.5
    assert of_all(sum, [1, "too short", "other"]) == "too short"
