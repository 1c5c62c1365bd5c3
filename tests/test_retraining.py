"""Retraining: what is learned from, what is measured on, what is refused; nothing is overwritten."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from review_stores import KINDS

from classifier.before_after import Change, Figure
from classifier.corpus import Segment, make_corpus
from classifier.errors import CorpusError, ModelError, OutputError
from classifier.retrained_model import Retraining, free_folder, retrain_from
from classifier.retraining import BETTER, EQUAL, UNCHANGED, WORSE, judged, label_hash, retrain
from classifier.review_items import CODED, GOLD, QUEUE, SETTLED, Event, Item, codebook_id
from classifier.review_store import open_store
from classifier.reviewed_labels import read_reviewed, without_reviewed
from classifier.store import load_model, read_manifest
from classifier.training import train
from conftest import PARTS, VILLAGES

AT = "2026-01-31T08:00:00.000Z"


def fresh(i, k):
    """Return a segment of document ``i``, unlike those of the model's corpus in that wells are many."""
    village = VILLAGES[i % 20]
    kinds = ("well", "well", "clinic", "school", "road", "")
    code = kinds[(i + k) % 6]
    if code == "well":
        who, what = (
            ("打井队", "水利站", "乡亲们"),
            ("打出一眼机井", "清洗水井", "给水井换上新泵", "量出井水深浅"),
        )
        return f"{village}{who[k % 3]}{what[(i + k) % 4]}，第{i}天。", ("well",)
    who, what = PARTS[code]
    return f"{village}的{who[(i + k) % 4]}{what[(i * 3 + k) % 4]}，第{i}天。", (code,) if code else ()


def fill(path, book, *, documents=24, gold=6, codes_of=lambda codes: codes, coder="甲"):
    """Make a store: ``documents`` of six coded segments each, the last ``gold`` of them gold."""
    items, events, name = [], [], codebook_id(book)
    for i in range(documents):
        for k in range(6):
            text, codes = fresh(i, k)
            last = i >= documents - gold
            drawn = {"stratum": "1", "inclusion_probability": 0.5, "unit": "segment"} if last else None
            purpose = GOLD if last else QUEUE
            n = len(items)
            items.append(
                Item(
                    f"{i}.txt#{k}", f"{i}.txt", 0, 0, len(text), text,
                    place=n, rank=n, purpose=purpose, drawn=drawn,
                )
            )  # fmt: skip
            given = codes if last else codes_of(codes)
            events.append(Event(f"e{n}", items[-1].segment_id, coder, CODED, None, given, name, AT))
    store = open_store(path)
    store.add(items, book, "测试")
    store.record_all(events)
    return store


@pytest.fixture
def store(tmp_path, tiny_codebook):
    with fill(tmp_path / "s.db", tiny_codebook) as made:
        yield made


@pytest.fixture(scope="module")
def made(tmp_path_factory, tiny_codebook, tiny_model_folder):
    """Return a store and what retraining made of it."""
    with fill(tmp_path_factory.mktemp("made") / "s.db", tiny_codebook) as store:
        yield SimpleNamespace(store=store, retraining=retrain_from(store, tiny_model_folder))


# --- what is learned from ---


def test_gold_is_kept_apart_and_stands_for_its_stratum(store):
    found = read_reviewed(store)
    assert len(found.corpus.segments) == 18 * 6
    assert set(found.corpus.groups) == {f"{i}.txt" for i in range(18)}
    assert set(found.gold.groups) == {f"{i}.txt" for i in range(18, 24)}
    assert found.weights.tolist() == [2.0] * 36


def test_gold_that_is_not_coded_is_stood_for_by_what_is(tmp_path, tiny_codebook):
    with fill(tmp_path / "s.db", tiny_codebook) as store:
        more = [
            replace(i, segment_id=f"x{i.segment_id}", text=f"另{i.text}", place=1000 + n)
            for n, i in enumerate(store.items(GOLD)[:12])
        ]
        store.add(more, tiny_codebook, "再抽")
        assert read_reviewed(store).weights.tolist() == [2.0 * 48 / 36] * 36


def test_disputed_segments_are_left_out_and_counted_and_settled_ones_are_in(store, tiny_codebook):
    name = codebook_id(tiny_codebook)
    store.record(Event("a", "0.txt#0", "乙", CODED, None, ("road", "school"), name, AT))
    store.record(Event("b", "0.txt#1", "乙", CODED, None, ("road", "school"), name, AT))
    store.record(Event("c", "0.txt#1", "丙", SETTLED, None, ("road",), name, AT))
    found = read_reviewed(store)
    assert found.open == 1
    labels = {s.place: s.codes for s in found.corpus.segments}
    assert "0.txt#0" not in labels
    assert labels["0.txt#1"] == ("road",)


def test_a_text_that_is_in_gold_too_is_not_learned_from(store, tiny_codebook):
    text = store.items(GOLD)[0].text.replace("，", ",")
    store.add([Item("z#0", "z", 0, 0, 9, text, place=999, rank=999)], tiny_codebook, "重")
    store.record(Event("z", "z#0", "甲", CODED, None, (), codebook_id(tiny_codebook), AT))
    found = read_reviewed(store)
    assert found.golden == 1
    assert "z" not in found.corpus.groups


def test_a_text_of_gold_that_is_not_coded_yet_is_not_learned_from_either(store, tiny_codebook):
    text = "抽中而尚未编码的一句：村口打出一眼机井。"
    drawn = {"stratum": "1", "inclusion_probability": 0.5, "unit": "segment"}
    gold = Item("y#0", "y", 0, 0, 9, text, place=998, rank=998, purpose=GOLD, drawn=drawn)
    store.add([gold, Item("z#0", "z", 0, 0, 9, text, place=999, rank=999)], tiny_codebook, "重")
    store.record(Event("z", "z#0", "甲", CODED, None, ("well",), codebook_id(tiny_codebook), AT))
    found = read_reviewed(store)
    assert (found.golden, "z" in found.corpus.groups) == (1, False)
    corpus = make_corpus([Segment("d", text, ()), Segment("e", "乡亲们说起从前的事。", ())], tiny_codebook)
    kept, left_out = without_reviewed(corpus, found)
    assert (kept.groups, left_out) == (["e"], 1)


def test_what_stands_in_one_document_is_too_little(tmp_path, tiny_codebook):
    with (
        fill(tmp_path / "s.db", tiny_codebook, documents=1, gold=0) as store,
        pytest.raises(CorpusError, match="6 reviewed segments to learn from, in fewer than 2 documents"),
    ):
        read_reviewed(store)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("{}", False, id="the same text"),
        pytest.param("“{}”", False, id="other marks"),
        pytest.param("今天，{}", False, id="two words more"),
        pytest.param("村里的老人说起从前的事来总是没完没了，谁也不愿打断。", True, id="another text"),
        pytest.param("井", True, id="a text shorter than a piece"),
    ],
)
def test_of_a_corpus_texts_that_were_reviewed_too_are_left_out(store, tiny_codebook, text, kept):
    reviewed = read_reviewed(store)
    long = replace(
        reviewed.corpus.segments[0], text="打井队今年春天在柳树坪山脚下一口气打出三眼机井并装上水泵"
    )
    corpus = make_corpus([long, *reviewed.corpus.segments[1:]], tiny_codebook)
    own = make_corpus([Segment("d", text.format(long.text), ("road",))] * 2, tiny_codebook)
    if kept:
        found, left_out = without_reviewed(own, replace(reviewed, corpus=corpus))
        assert (len(found.segments), left_out) == (2, 0)
    else:
        with pytest.raises(CorpusError, match="no labelled segment"):
            without_reviewed(own, replace(reviewed, corpus=corpus))


# --- what is learned ---


def test_a_code_that_the_model_did_not_know_is_learned_and_gold_shows_it(made):
    result = made.retraining.result
    assert result.verdict == BETTER
    wells = {name: found.codes[3] for name, found in result.compared.items()}
    assert wells["gold"].before.value == 0
    assert wells["gold"].after.value > 0.8
    assert wells["reviewed"].after.value > 0.8
    assert result.model.untrained_ == ()
    given = result.model.predict(["新来的打井队在村口打出一眼机井。", "县医院的医生坐诊。"])
    assert given[:, [0, 3]].tolist() == [[False, True], [True, False]]


def test_labels_that_say_what_the_model_says_change_next_to_nothing(tmp_path, tiny_model, tiny_codebook):
    with fill(tmp_path / "s.db", tiny_codebook) as store:
        reviewed = read_reviewed(store)
    given = tiny_model.predict(reviewed.corpus.texts)
    same = replace(reviewed.corpus, labels=given, segments=tuple(
        replace(s, codes=tuple(np.array(tiny_codebook.columns)[row]))
        for s, row in zip(reviewed.corpus.segments, given, strict=True)
    ))  # fmt: skip
    result = retrain(replace(reviewed, corpus=same), tiny_model)
    assert result.verdict in (EQUAL, UNCHANGED)
    assert (result.model.predict(same.texts) == given).mean() > 0.99


@pytest.fixture
def contradicting(tmp_path, tiny_codebook, tiny_model):
    """Return labels of two documents: in one all that the model says is right, in the other all wrong."""
    with fill(tmp_path / "s.db", tiny_codebook, documents=2, gold=0) as store:
        reviewed = read_reviewed(store)
    columns = np.array(tiny_codebook.columns)
    labels = tiny_model.predict(reviewed.corpus.texts)
    labels[np.array(reviewed.corpus.groups) == "1.txt"] ^= True
    labels[:, list(columns).index("well")] = False  # new to the model; nobody labels it here
    segments = [
        replace(s, codes=tuple(columns[row])) for s, row in zip(reviewed.corpus.segments, labels, strict=True)
    ]
    return replace(reviewed, corpus=make_corpus(segments, tiny_codebook))


def test_documents_that_contradict_each_other_teach_nothing(contradicting, tiny_model, tmp_path):
    result = retrain(contradicting, tiny_model)
    assert (result.verdict, result.refused) == (UNCHANGED, True)
    assert result.reasons == ("what was reviewed teaches nothing that holds on documents held out",)
    texts = [fresh(i, k)[0] for i in range(4) for k in range(6)]
    assert np.array_equal(result.model.predict(texts), tiny_model.predict(texts))
    with pytest.raises(ModelError, match="the new model is unchanged: what was reviewed teaches nothing"):
        Retraining(result, "s.db", {}).save(tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_where_labels_teach_nothing_an_old_model_that_had_learned_is_compared_all_the_same(
    contradicting, tiny_model, wordless_model
):
    result = retrain(contradicting, tiny_model, old=wordless_model)
    assert result.verdict != UNCHANGED  # the new model is the base, which is another than the old one


def test_labels_against_all_sense_are_refused_by_gold(tmp_path, tiny_codebook, tiny_model_folder):
    swapped = {"clinic": "road", "road": "school", "school": "clinic", "well": "road"}
    with fill(
        tmp_path / "s.db", tiny_codebook, codes_of=lambda codes: tuple(swapped[c] for c in codes)
    ) as store:
        made = retrain_from(store, tiny_model_folder)
    assert made.result.verdict == WORSE
    assert made.result.reasons[0].startswith("worse on gold: micro-F1 -0.")
    with pytest.raises(ModelError, match="the new model is worse") as caught:
        made.save(tmp_path / "new")
    assert "--even-if-worse" in caught.value.hint
    assert not (tmp_path / "new").exists()


def test_what_is_left_out_is_told_with_how_much(store, tiny_codebook, tiny_model):
    name, golden = codebook_id(tiny_codebook), store.items(GOLD)[0].text
    store.add([Item("z#0", "z", 0, 0, 9, golden, place=999, rank=999)], tiny_codebook, "重")
    store.record(Event("z", "z#0", "甲", CODED, None, (), name, AT))
    for i in (0, 1):
        store.record(Event(f"a{i}", f"{i}.txt#0", "乙", CODED, None, ("road", "school"), name, AT))
    result = retrain(read_reviewed(store), tiny_model)
    assert result.notes == (
        "2 disputed segments are left out: settle them on the page",
        "1 reviewed segments have a text of the gold sample: left out",
    )


def test_labels_that_the_old_model_has_all_learned_are_compared_on_gold_alone(made, tiny_model):
    reviewed = made.retraining.result.reviewed
    seen = [label_hash(segment) for segment in reviewed.corpus.segments]
    result = retrain(reviewed, tiny_model, old=made.retraining.result.model, seen=seen)
    assert set(result.compared) == {"gold"}
    assert result.notes == ("108 reviewed labels are known to the old model: not compared there",)


def test_what_a_page_shows_is_plain_data_with_every_count(made):
    result = made.retraining.result
    shown = result.to_json()
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown
    assert {name: shown[name] for name in ("verdict", "refused", "reasons", "notes")} == {
        "verdict": BETTER,
        "refused": False,
        "reasons": [],
        "notes": [],
    }
    counts = {name: shown[name] for name in ("labels", "documents", "gold", "open")}
    assert counts == {"labels": 108, "documents": 18, "gold": 36, "open": 0}
    assert {name: (c["segments"], c["weighted"]) for name, c in shown["compared"].items()} == {
        "gold": (36, True),
        "reviewed": (108, False),
    }


def test_on_a_corpus_the_comparison_is_out_of_fold(store, tiny_corpus, tiny_lexicon):
    options = {"C": 1.0, "ngram_range": (1, 2), "min_df": 2, "n_folds": 4}
    trained = train(tiny_corpus, tiny_lexicon, **options)
    result = retrain(read_reviewed(store), trained.model, trained=trained)
    before = result.compared["corpus"]
    assert before.documents == 20
    assert before.micro.before.value == pytest.approx(trained.comparisons[0].model.micro.value, abs=0.05)
    assert set(result.compared) == {"gold", "reviewed", "corpus"}


def test_progress_is_told_and_rises(store, tiny_model):
    told = []
    retrain(read_reviewed(store), tiny_model, tell=lambda what, part: told.append((what, part)))
    assert [part for _, part in told] == sorted(part for _, part in told)
    assert told[0][1] == 0
    assert all(what for what, _ in told)


# --- what is refused ---


def compared(value, low, high, support=100):
    nothing, d = Figure(0.5, 0.4, 0.6), Figure(value, low, high)
    return SimpleNamespace(micro=Change("micro", support, nothing, nothing, d))


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        pytest.param({"gold": (0.03, 0.01, 0.05)}, BETTER, id="surely better"),
        pytest.param({"gold": (0.03, -0.01, 0.05)}, EQUAL, id="perhaps better"),
        pytest.param({"gold": (-0.005, -0.02, 0.01)}, EQUAL, id="noise below nothing"),
        pytest.param({"gold": (-0.005, -0.009, -0.001)}, WORSE, id="surely worse, if by little"),
        pytest.param({"gold": (-0.02, -0.06, 0.02)}, WORSE, id="a great loss, if unsure"),
        pytest.param({"gold": (-0.02, -0.06, 0.02, 99)}, EQUAL, id="a great loss on hardly anything"),
        pytest.param({"gold": (0, 0, 0), "reviewed": (-0.01, -0.02, -0.001)}, WORSE, id="on reviewed text"),
        pytest.param(
            {"gold": (0.05, 0.01, 0.09), "reviewed": (-0.03, -0.1, 0.1)}, WORSE, id="one better, one worse"
        ),
        pytest.param(
            {"reviewed": (0, 0, 0), "corpus": (-0.01, -0.012, -0.008)}, EQUAL, id="little forgotten"
        ),
        pytest.param({"reviewed": (0, 0, 0), "corpus": (-0.05, -0.06, -0.04)}, WORSE, id="much forgotten"),
        pytest.param({"corpus": (0.05, 0.04, 0.06)}, EQUAL, id="the corpus alone makes none better"),
        pytest.param({"gold": (-0.01, np.nan, np.nan)}, EQUAL, id="too few documents for an interval"),
    ],
)
def test_a_model_is_refused_where_it_does_damage_and_not_for_noise(found, verdict):
    assert judged({name: compared(*d) for name, d in found.items()})[0] == verdict


# --- folders ---


def test_the_old_model_stays_and_no_folder_is_overwritten(made, tiny_model_folder, tmp_path):
    before = {p.name: p.read_bytes() for p in tiny_model_folder.iterdir()}
    made.retraining.save(tmp_path / "new")
    assert {p.name: p.read_bytes() for p in tiny_model_folder.iterdir()} == before
    for taken in (tmp_path / "new", tiny_model_folder):
        with pytest.raises(OutputError, match="no model is overwritten"):
            made.retraining.save(taken)


def test_the_folder_says_what_it_was_made_from_and_predicts_what_was_measured(made, tmp_path):
    made.retraining.save(tmp_path / "new")
    facts = read_manifest(tmp_path / "new")["training"]
    corpus = made.retraining.result.reviewed.corpus
    assert facts["reviewed"]["labels"] == facts["segments"] == len(corpus.segments)
    assert facts["reviewed"]["sha256"] == corpus.sha256()
    assert facts["reviewed"]["seen"] == sorted({label_hash(s) for s in corpus.segments})
    assert facts["codes"]["well"]["support"] == corpus.support["well"]
    texts = made.retraining.result.reviewed.gold.texts
    new = load_model(tmp_path / "new")
    assert np.array_equal(new.predict(texts), made.retraining.result.model.predict(texts))
    page = (tmp_path / "new" / "EVALUATION.md").read_text(encoding="utf-8")
    assert "| `well` | 12 |" in page
    assert not any(segment.text in page for segment in corpus.segments)


def test_the_same_store_gives_the_same_bytes(made, tiny_model_folder, tmp_path):
    made.retraining.save(tmp_path / "one")
    retrain_from(made.store, tiny_model_folder).save(tmp_path / "two")
    assert all(
        (tmp_path / "one" / p.name).read_bytes() == p.read_bytes() for p in (tmp_path / "two").iterdir()
    )


def test_a_model_that_has_learned_is_not_corrected_again_but_the_one_it_came_from(
    store, tiny_codebook, tiny_model_folder, tmp_path
):
    retrain_from(store, tiny_model_folder).save(tmp_path / "one")
    assert retrain_from(store, tmp_path / "one").result.verdict == UNCHANGED
    more = [
        Item(f"n{i}#0", f"n{i}", 0, 0, 9, f"新村第{i}口井打好了。", place=900 + i, rank=900 + i)
        for i in range(8)
    ]
    store.add(more, tiny_codebook, "后来")
    name = codebook_id(tiny_codebook)
    store.record_all(Event(f"n{i}", f"n{i}#0", "甲", CODED, None, ("well",), name, AT) for i in range(8))
    again = retrain_from(store, tmp_path / "one")
    direct = retrain_from(store, tiny_model_folder)
    assert again.base == direct.base
    assert np.array_equal(again.result.model.coef_, direct.result.model.coef_)
    # what the old model has learned from cannot show that it is worse
    assert again.result.compared["reviewed"].segments == 8
    assert "108 reviewed labels are known to the old model" in again.result.notes[0]


def test_a_corpus_or_a_lexicon_is_something_new_even_where_no_label_is(
    store, tiny_corpus, tiny_lexicon, tiny_model_folder, tmp_path
):
    retrain_from(store, tiny_model_folder).save(tmp_path / "one")
    trained = train(tiny_corpus, tiny_lexicon, C=1.0, ngram_range=(1, 2), min_df=2, n_folds=4)
    other = replace(tiny_lexicon, cues={**tiny_lexicon.cues, "机井": ("well",)})
    assert retrain_from(store, tmp_path / "one", trained=trained).result.verdict != UNCHANGED
    assert retrain_from(store, tmp_path / "one", lexicon=other).result.verdict != UNCHANGED
    assert retrain_from(store, tmp_path / "one", lexicon=tiny_lexicon).result.verdict == UNCHANGED


def test_without_the_model_it_came_from_a_corrected_one_cannot_learn_more(store, tiny_model_folder, tmp_path):
    retrain_from(store, tiny_model_folder).save(tmp_path / "one")
    manifest = (tmp_path / "one" / "manifest.json").read_text(encoding="utf-8")
    assert str(tiny_model_folder) in manifest
    moved = tiny_model_folder.with_name("elsewhere")
    tiny_model_folder.rename(moved)
    try:
        with pytest.raises(ModelError, match="the model that it was made from is not at") as caught:
            retrain_from(store, tmp_path / "one")
    finally:
        moved.rename(tiny_model_folder)
    assert "-m" in caught.value.hint


@pytest.mark.parametrize(
    ("base", "said"),
    [
        pytest.param(
            ("0" * 64, ""), ("fupin's own model, which is another", "leave out -m"), id="fupin's own"
        ),
        pytest.param(("", ""), ("trained on a corpus and corrected at once", "--corpus"), id="of a corpus"),
        pytest.param(("0" * 64, "{here}"), ("is not at '{here}' any more", "-m"), id="folder emptied"),
    ],
)
def test_why_the_model_it_came_from_is_not_found_is_said(base, said, store, tiny_model_folder, tmp_path):
    here = tmp_path / "emptied"
    here.mkdir()
    about = {"sha256": base[0], "folder": base[1].format(here=here), "training": {"segments": 9}}
    replace(retrain_from(store, tiny_model_folder), base=about).save(tmp_path / "one")
    with pytest.raises(ModelError, match=re.escape(said[0].format(here=here))) as caught:
        retrain_from(store, tmp_path / "one")
    assert said[1] in caught.value.hint


def test_a_new_model_gets_a_name_that_is_not_taken(tmp_path):
    names = []
    for _ in range(3):
        names.append(free_folder(tmp_path / "model").name)
        (tmp_path / names[-1]).mkdir()
    assert names == ["model-1", "model-2", "model-3"]


# --- the command ---


def test_the_command_retrains_prints_what_changed_and_keeps_to_80_columns(
    store, tiny_model_folder, fupin_here, tmp_path
):
    path = store.shown_url
    ran = fupin_here("train", "--reviewed", path, "-m", tiny_model_folder, "-o", tmp_path / "new")
    assert ran.code == 0, ran.err
    assert (tmp_path / "new" / "manifest.json").exists()
    assert "gold sample, coded by hand: 36 segments, 6 documents, weighted" in ran.text
    assert "better: model written to" in ran.err
    assert max(len(line) for line in ran.text.splitlines()) <= 80
    again = fupin_here("train", "--reviewed", path, "-m", tiny_model_folder, "-o", tmp_path / "new")
    assert (again.code, len(again.problem)) == (1, 2)
    same = fupin_here("train", "--reviewed", path, "-m", tmp_path / "new", "-o", tmp_path / "newer")
    assert same.code == 3
    assert "refused (unchanged)" in same.err
    assert not (tmp_path / "newer").exists()


def test_the_command_trains_on_a_corpus_first_where_one_is_given(
    store, tiny_table, tiny_lexicon_file, fupin_here, tmp_path
):
    ran = fupin_here(
        *("train", "--reviewed", store.shown_url, "--corpus", tiny_table, "--lexicon", tiny_lexicon_file),
        *("-o", tmp_path / "new", "--jobs", "1", "--even-if-worse"),
    )
    assert ran.code == 0, ran.err
    assert "corpus, documents held out: 120 segments" in ran.text
    assert read_manifest(tmp_path / "new")["training"]["base"]["training"]["segments"] == 120


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--even-if-worse"], 2, "they belong to --reviewed", id="an option without a store"),
        pytest.param(["--reviewed", "none.db"], 1, "none.db: no such review store", id="no store"),
        pytest.param(["--reviewed", "x", "--gold", "g"], 2, "the gold is that of the store", id="gold"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, code, message, fupin_here, tmp_path):
    ran = fupin_here("train", *arguments, "-o", tmp_path / "m")
    assert ran.code == code
    assert message in ran.err.replace("\n", " ").replace("│", "")
    assert "Traceback" not in ran.err


# --- from the page ---


@pytest.fixture
def trained_from_the_page(fupin_here, monkeypatch, tiny_model_folder, tmp_path):
    """Run `fupin review` here, ask for trainings as its page does; return their ends and what was said."""
    monkeypatch.chdir(tmp_path)

    def train(place, *asked):
        states = []

        def serve(service, *_, **__):
            for even_if_worse in asked:
                assert service.job.start(even_if_worse=even_if_worse)
                next(t for t in threading.enumerate() if t.name == "training").join(60)
                states.append(service.job.state)

        monkeypatch.setattr("classifier.cli_review._serve", serve)
        ran = fupin_here("review", "--store", place, "-m", tiny_model_folder)
        assert ran.code == 0, ran.err
        assert [(state.state, state.message) for state in states] == [("done", "")] * len(asked)
        return [state.outcome for state in states], ran.err

    return train


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_trained_from_the_page_stands_beside_the_store_and_takes_no_name_that_is_there(
    kind, new_url, trained_from_the_page, tiny_codebook, tiny_model_folder
):
    place = new_url(kind)
    with fill(place, tiny_codebook) as store:
        expected = retrain_from(store, tiny_model_folder)
    name = f"{place}.model" if kind == "sqlite" else "review.model"  # an address is no place for a folder
    Path(f"{name}-1").mkdir()
    (outcome,), said = trained_from_the_page(place, False)
    assert (outcome.verdict, outcome.folder) == (BETTER, f"{name}-2")
    assert f"new model: {name}-2" in said.splitlines()
    assert outcome.compared == expected.result.to_json()["compared"]
    expected.save("expected")
    assert np.array_equal(load_model(outcome.folder).coef_, load_model("expected").coef_)
    assert list(Path(f"{name}-1").iterdir()) == []


def test_a_worse_model_is_written_from_the_page_only_where_it_is_wanted_even_so(
    trained_from_the_page, tiny_codebook, tmp_path
):
    swapped = {"clinic": "road", "road": "school", "school": "clinic", "well": "road"}
    place = tmp_path / "s.db"
    fill(place, tiny_codebook, codes_of=lambda codes: tuple(swapped[c] for c in codes)).close()
    outcomes, said = trained_from_the_page(place, False, True)
    assert [(o.verdict, o.folder) for o in outcomes] == [(WORSE, ""), (WORSE, f"{place}.model-1")]
    assert said.count("new model: ") == 1
    assert [path.name for path in tmp_path.glob("*.model-*")] == ["s.db.model-1"]
    assert read_manifest(Path(outcomes[1].folder))["training"]["reviewed"]["verdict"] == WORSE
