"""Training: figures come from articles held out, and the folder says what they are."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from classifier.codebook import codebook_from_text
from classifier.corpus import Segment, make_corpus, read_corpus
from classifier.errors import CodebookError
from classifier.evaluation_page import evaluation_page
from classifier.machines import STRENGTHS
from classifier.model import PolicyClassifier
from classifier.prior import Prior
from classifier.store import load_model, read_manifest
from classifier.training import save_trained, train

QUICK = {"C": 1.0, "ngram_range": (1, 2), "min_df": 2, "lexicon_weight": 0.5, "n_folds": 2}


@pytest.fixture(scope="module")
def trained(tiny_corpus, tiny_lexicon):
    return train(tiny_corpus, tiny_lexicon, schemes=("two-kinds",), **QUICK)


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("trained") / "model"
    save_trained(trained, path)
    return path


def test_there_is_one_comparison_for_the_codes_and_one_for_each_scheme(trained):
    assert [c.view for c in trained.comparisons] == ["village", "two-kinds"]
    assert list(trained.comparisons[0].model.table.index) == ["clinic", "school", "road", "well"]
    assert list(trained.comparisons[1].model.table.index) == ["公共服务", "基础设施"]
    assert trained.comparisons[0].model.documents == 20


def test_the_figures_are_those_of_the_decisions_out_of_fold(trained, tiny_corpus):
    _, decided = trained.model.out_of_fold_
    table = trained.comparisons[0].model.table
    assert table["given"].tolist() == decided.sum(axis=0).tolist()
    assert table["support"].tolist() == tiny_corpus.labels.sum(axis=0).tolist()


def test_what_cannot_be_learned_from_other_articles_scores_badly_although_the_fit_is_perfect():
    # Each article has words of its own for the code: known once seen, unknown when held out.
    words = ("甲乙", "丙丁", "戊己", "庚辛", "壬癸", "子丑", "寅卯", "辰巳")
    segments = [
        Segment(f"{w}篇", f"{w[n % 2]}{'号' * n}", ("up",) if n % 2 else ("down",))
        for w in words
        for n in range(6)
    ]
    yaml = 'name: d\nversion: "1"\ncodes:\n  - {code: up, name: 上}\n  - {code: down, name: 下}\n'
    corpus = make_corpus(segments, codebook_from_text(yaml, "d.yaml"))
    outcome = train(corpus, ngram_range=(1, 1), C=100.0, min_df=1)
    assert np.array_equal(outcome.model.predict(corpus.texts), corpus.labels)
    assert outcome.comparisons[0].model.micro.value < 0.9


def test_an_unknown_scheme_is_told_before_the_work(tiny_corpus, monkeypatch):
    def fit(*_):
        raise AssertionError("the work began")

    monkeypatch.setattr(PolicyClassifier, "fit", fit)
    with pytest.raises(CodebookError, match="village: no scheme 'three-kinds'") as caught:
        train(tiny_corpus, schemes=("two-kinds", "three-kinds"))
    assert "two-kinds" in caught.value.hint


def test_without_a_lexicon_there_is_no_baseline(tiny_corpus, tmp_path):
    outcome = train(tiny_corpus, **QUICK)
    assert outcome.comparisons[0].baseline is None
    assert outcome.comparisons[0].difference is None
    save_trained(outcome, tmp_path / "m")
    assert read_manifest(tmp_path / "m")["training"]["out_of_fold"]["lexicon_micro_f1"] is None
    assert load_model(tmp_path / "m").lexicon is None


def test_the_manifest_carries_the_figures_with_their_support(trained, folder, tiny_corpus):
    said = read_manifest(folder)["training"]
    overall = trained.comparisons[0]
    assert (said["segments"], said["documents"]) == (120, 20)
    assert said["sha256"] == tiny_corpus.sha256()
    assert said["out_of_fold"] == {
        "micro_f1": round(overall.model.micro.value, 4),
        "macro_f1": round(overall.model.macro.value, 4),
        "lexicon_micro_f1": round(overall.baseline.micro.value, 4),
    }
    assert {code: (v["support"], v["trained"]) for code, v in said["codes"].items()} == {
        "clinic": (30, True),
        "school": (40, True),
        "road": (30, True),
        "well": (3, False),
    }


def test_a_figure_that_does_not_exist_is_null_in_json_and_a_dash_on_the_card(tiny_corpus, tmp_path):
    segments = [s for s in tiny_corpus.segments if "well" not in s.codes]
    save_trained(train(make_corpus(segments, tiny_corpus.codebook), **QUICK), tmp_path / "m")
    manifest = (tmp_path / "m" / "manifest.json").read_text(encoding="utf-8")
    assert "NaN" not in manifest
    assert json.loads(manifest)["training"]["codes"]["well"]["f1"] is None
    card = (tmp_path / "m" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| `well` | 打井 | 0 | – | – | – |" in card


def test_the_card_gives_corpus_figures_each_code_and_what_is_untrained(trained, folder):
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    overall = trained.comparisons[0]
    assert "Codebook: `village` 1." in card
    assert "120 labelled segments in 20 documents" in card
    assert f"micro-F1 {overall.model.micro}" in card
    assert f"the lexicon alone {overall.baseline.micro}" in card
    assert "Untrained codes (too few positives; never given): `well`." in card
    row = overall.model.table.loc["road"]
    assert f"| `road` | 修路 | 30 | {row.precision:.2f} | {row.recall:.2f} | {row.f1:.2f} |" in card


def test_training_twice_writes_the_same_bytes(folder, tiny_corpus, tiny_lexicon, tmp_path):
    save_trained(train(tiny_corpus, tiny_lexicon, schemes=("two-kinds",), **QUICK), tmp_path / "again")
    first, second = ({p.name: p.read_bytes() for p in f.iterdir()} for f in (folder, tmp_path / "again"))
    assert first == second


def test_the_saved_model_is_the_trained_one(trained, folder, tiny_corpus):
    texts = tiny_corpus.texts
    loaded = load_model(folder)
    assert np.array_equal(loaded.predict_proba(texts), trained.model.predict_proba(texts), equal_nan=True)


def test_the_corpus_hash_is_of_texts_documents_and_labels_not_of_files(tiny_corpus, tiny_codebook, tmp_path):
    lines = [
        json.dumps({"doc_id": s.doc_id, "text": s.text, "codes": list(reversed(s.codes))}, ensure_ascii=False)
        for s in tiny_corpus.segments
    ]
    path = tmp_path / "other.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert read_corpus([path], tiny_codebook).sha256() == tiny_corpus.sha256()
    changes = {
        "text": Segment(tiny_corpus.segments[0].doc_id, "别的话。", ("clinic",)),
        "document": Segment("另一篇", tiny_corpus.segments[0].text, ("clinic",)),
        "codes": Segment(tiny_corpus.segments[0].doc_id, tiny_corpus.segments[0].text, ()),
    }
    hashes = {
        what: make_corpus([changed, *tiny_corpus.segments[1:]], tiny_codebook).sha256()
        for what, changed in changes.items()
    }
    assert len({tiny_corpus.sha256(), *hashes.values()}) == 4


def test_gold_is_scored_and_not_trained_on(trained, tiny_corpus, tiny_lexicon):
    spoiled = make_corpus(
        [Segment(s.doc_id, s.text, ("well",), s.place) for s in tiny_corpus.segments[:30]],
        tiny_corpus.codebook,
    )
    outcome = train(tiny_corpus, tiny_lexicon, golds={"dev": spoiled, "test": tiny_corpus}, **QUICK)
    assert np.array_equal(outcome.model.coef_, trained.model.coef_)
    assert [g.name for g in outcome.golds] == ["dev", "test"]
    assert outcome.golds[0].comparison.model.micro.value == 0  # `well` is untrained
    assert np.array_equal(outcome.golds[1].given, trained.model.predict(tiny_corpus.texts))
    assert trained.golds == ()


def test_agreement_goes_to_the_text_of_its_name(tiny_corpus, tiny_lexicon):
    agreement = {"articles held out": 0.9, "dev": 0.8, "elsewhere": 0.1}
    golds = {"dev": tiny_corpus, "test": tiny_corpus}
    outcome = train(tiny_corpus, tiny_lexicon, golds=golds, agreement=agreement, **QUICK)
    assert [m.ceiling for m in (outcome.own, *outcome.golds)] == [0.9, 0.8, None]


def test_the_folder_holds_the_evaluation_and_its_hash(trained, folder):
    page = (folder / "EVALUATION.md").read_bytes()
    assert page.decode() == evaluation_page(trained.model, trained.own)
    assert read_manifest(folder)["files"]["EVALUATION.md"] == hashlib.sha256(page).hexdigest()


def test_the_strength_is_chosen_where_none_is_given(tiny_corpus, tiny_lexicon, tmp_path):
    options = {name: value for name, value in QUICK.items() if name != "C"}
    outcome = train(tiny_corpus, tiny_lexicon, **options)
    assert outcome.model.C_ in STRENGTHS
    again = train(tiny_corpus, tiny_lexicon, **options, C=outcome.model.C_)
    assert np.array_equal(outcome.model.coef_, again.model.coef_)
    assert f"C = {outcome.model.C_:g}." in evaluation_page(outcome.model, outcome.own)


def test_a_prior_is_learned_with_and_its_model_needs_no_prior_to_load(tiny_corpus, tmp_path):
    prior = Prior(("road",), np.array(["公路", "桥"]), np.array([[5.0, 5.0]], dtype=np.float32))
    plain, outcome = train(tiny_corpus, **QUICK), train(tiny_corpus, prior=prior, **QUICK)
    assert not np.array_equal(outcome.model.coef_[2], plain.model.coef_[2])
    rounding = np.abs(outcome.model.coef_).max(axis=0) / 64  # codes share the unit of a feature
    assert (np.abs(outcome.model.coef_[:2] - plain.model.coef_[:2]) <= rounding).all()
    save_trained(outcome, tmp_path / "m")
    loaded, texts = load_model(tmp_path / "m"), tiny_corpus.texts
    assert np.array_equal(loaded.predict_proba(texts), outcome.model.predict_proba(texts), equal_nan=True)


def test_a_bar_in_a_codes_name_does_not_break_the_cards_table(tmp_path):
    yaml = (
        'name: d\nversion: "1"\ncodes:\n  - {code: up, name: {zh: 上|升}}\n  - {code: down, name: {zh: 下}}\n'
    )
    segments = [
        Segment(f"{n}篇", "涨起来了" if n % 2 else "落下去了", ("up" if n % 2 else "down",))
        for n in range(30)
    ]
    book = codebook_from_text(yaml, "d.yaml")
    save_trained(train(make_corpus(segments, book), **QUICK), tmp_path / "m")
    card = (tmp_path / "m" / "MODEL_CARD.md").read_text(encoding="utf-8")
    rows = [line for line in card.splitlines() if line.startswith("| `")]
    assert [row.count("|") for row in rows] == [7, 7]
    assert "上/升" in rows[0]
