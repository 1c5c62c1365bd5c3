"""What the review pages show and count: words, codes, context, blindness, agreement, exports, training."""

from __future__ import annotations

import csv
import io
import json
import re
import socket
import sys
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from review_samples import AT, MARK, filled_store, make_site, review_items
from sklearn.metrics import cohen_kappa_score, f1_score

from classifier.codebook import codebook_from_text, load_codebook
from classifier.codings import read_codings
from classifier.errors import CorpusError, InputError, ModelError
from classifier.explanation import Evidence, Explanation, explain
from classifier.inert_text import ACTIVE
from classifier.labelled import read_labelled
from classifier.rendering import TEMPLATES
from classifier.review_evidence import LEAST, SHADES, Reader, shaded
from classifier.review_exports import EXPORTS, exported
from classifier.review_figures import figures
from classifier.review_items import CODED, SETTLED, Event, codebook_id
from classifier.review_job import Job, Outcome
from classifier.review_pages import (
    KEYS,
    bar_view,
    book_about,
    code_groups,
    code_rows,
    dispute_view,
    item_view,
    render,
    review_texts,
    shown,
)
from classifier.review_store import Progress, open_store
from conftest import VILLAGES

FOLDER = TEMPLATES / "review"
FIRST, SECOND = f"{VILLAGES[0]}#0", f"{VILLAGES[0]}#1"


@pytest.fixture
def store(tmp_path, tiny_codebook):
    with filled_store(tmp_path, tiny_codebook, review_items(gold=(SECOND,))) as opened:
        yield opened


@pytest.fixture
def decide(store):
    """Record what a coder decides."""
    numbers = iter(range(10_000))

    def record(segment_id, coder, codes, *, kind=CODED, before=None, note=""):
        after = None if codes is None else tuple(codes)
        book = codebook_id(store.codebook)
        return store.record(
            Event(f"{next(numbers):032x}", segment_id, coder, kind, before, after, book, AT, note)
        )

    return record


# --- words ---


def leaves(words, above=""):
    for name, value in words.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def test_both_languages_have_the_same_words_and_the_same_gaps_in_them():
    zh, en = (dict(leaves(review_texts(lang))) for lang in ("zh", "en"))
    assert set(zh) == set(en)
    gaps = {name: [sorted(re.findall(r"{\w+}", words[name])) for words in (zh, en)] for name in zh}
    assert {name for name, (one, other) in gaps.items() if one != other} == set()
    assert [name for name, value in zh.items() if not isinstance(value, str)] == []


def used_words():
    """Yield the words that scripts and templates name: ``t.review.skip`` and the like."""
    for path in (*FOLDER.glob("*.js"), *FOLDER.glob("*.html")):
        for name in re.findall(
            r"(?<![\w.])t\.([a-z0-9_]+(?:\.[a-z0-9_]+)*)", path.read_text(encoding="utf-8")
        ):
            yield path.name, name.removesuffix(".format").removesuffix(".filter")


def test_every_word_that_a_page_names_is_there():
    words = dict(leaves(review_texts("zh")))
    known = {name.rsplit(".", n)[0] for name in words for n in range(name.count(".") + 1)}
    missing = [(path, name) for path, name in used_words() if name not in known]
    assert missing == []
    assert len(list(used_words())) > 150


def test_no_word_is_named_like_a_method_which_a_template_would_find_in_its_place():
    named = {name for path, name in used_words() if path.endswith(".html")}
    assert not {name for name in named for part in name.split(".") if hasattr(dict, part)}


def test_another_language_is_refused():
    with pytest.raises(InputError, match="no pages in 'fr'"):
        review_texts("fr")


# --- codes ---


def test_keys_are_given_out_in_the_order_of_the_codebook_and_never_twice(tiny_codebook):
    assert [row["key"] for row in code_rows(tiny_codebook, "zh")] == list("1234")
    assert len(set(KEYS)) == len(KEYS)
    assert not set(KEYS) & set("su")  # skip and undo


def test_three_hundred_codes_are_all_there_and_those_without_a_key_are_found_by_search():
    codes = "\n".join(f"  - {{code: c{i}, name: 第{i}项}}" for i in range(300))
    book = codebook_from_text(f'name: many\nversion: "1"\ncodes:\n{codes}\n', "many.yaml")
    rows = code_rows(book, "zh")
    assert [row["key"] for row in rows] == [*KEYS, *[""] * (300 - len(KEYS))]
    (group,) = code_groups(book, rows, "zh")
    assert len(group["codes"]) == 300
    assert all(f"第{i}项" in row["find"] and f"c{i}" in row["find"] for i, row in enumerate(rows))


def test_codes_stand_in_the_codebooks_groups_in_its_order():
    book = load_codebook()
    groups = code_groups(book, code_rows(book, "zh"), "zh")
    assert [group["name"] for group in groups] == [names["zh"] for names in book.groups.values()]
    for group, name in zip(groups, book.groups, strict=True):
        assert [row["code"] for row in group["codes"]] == [c.code for c in book.codes if c.group == name]


GROUPED = """\
name: grouped
version: "1"
groups:
  - {group: none, name: {zh: 空组, en: Nothing here}}
  - {group: water, name: {zh: 水, en: Water}}
codes:
  - {code: other, name: 其他}
  - {code: boat, name: 行船, group: transport}
  - {code: well, name: 打井, group: water}
  - {code: pipe, name: 水管, group: water}
"""


@pytest.mark.parametrize(("lang", "water"), [("zh", "水"), ("en", "Water")])
def test_a_group_without_codes_has_no_heading_and_codes_without_a_group_stand_last(lang, water):
    book = codebook_from_text(GROUPED, "grouped.yaml")
    groups = code_groups(book, code_rows(book, lang), lang)
    found = [(group["name"], [row["code"] for row in group["codes"]]) for group in groups]
    # a group that the codebook does not name goes by its identifier
    assert found == [(water, ["well", "pipe"]), ("transport", ["boat"]), ("", ["other"])]


RULES = """\
name: ruled
version: "1"
rules:
  - {title: {zh: 只编措施, en: Measures only}, text: {zh: 口号不编。, en: No slogans.}}
  - {text: 整句一起看。}
  - {title: {zh: , en: In doubt}, text: {zh: "", en: Give no code.}}
codes:
  - {code: well, name: 打井}
"""


@pytest.mark.parametrize(
    ("lang", "first"),
    [("zh", ("只编措施", "口号不编。")), ("en", ("Measures only", "No slogans."))],
)
def test_a_rule_is_told_in_the_language_of_the_page_and_in_another_where_it_has_none_in_that(lang, first):
    about = book_about(codebook_from_text(RULES, "ruled.yaml"), lang)
    assert [(rule["title"], rule["text"]) for rule in about["rules"]] == [
        first,
        ("", "整句一起看。"),  # one text for all languages, and no title
        ("In doubt", "Give no code."),
    ]


def test_the_page_of_the_codebook_lists_its_rules_in_their_order(tmp_path, tiny_model):
    book = codebook_from_text(RULES, "ruled.yaml")
    site = make_site(tmp_path, book, tiny_model, store=False)
    site.enter()
    listed = re.search(r'<ol class="rules">(.*?)</ol>', site.get("/codebook").text, re.DOTALL)[1]
    assert [re.sub("<.*?>", "", line).strip() for line in listed.strip().splitlines()] == [
        "只编措施 口号不编。",
        "整句一起看。",
        "In doubt Give no code.",
    ]


def test_the_manual_says_of_each_code_what_the_codebook_says():
    book = load_codebook()
    names = {code.code: code.name["zh"] for code in book.codes}
    for code, row in zip(book.codes, code_rows(book, "zh"), strict=True):
        assert (row["name"], row["definition"]) == (code.name["zh"], code.definition["zh"])
        assert row["includes"] == list(code.includes)
        assert [(out["what"], out["use"]) for out in row["excludes"]] == [
            (what, names.get(use, "")) for what, use in code.excludes
        ]
        assert [e["text"] for e in row["examples"]] == [e.text for e in code.examples]
        for told, example in zip(row["counter"], code.counter_examples, strict=True):
            assert told["text"] == example.text
            assert all(names[c] in told["about"] for c in example.codes)
            assert example.why in told["about"]


# --- inert ---


@given(st.text(alphabet=st.characters(codec=None), max_size=30))
def test_what_is_shown_has_the_same_length_can_be_encoded_and_does_not_act(text):
    made = shown(text)
    assert len(made) == len(text)
    assert ACTIVE.search(made) is None
    made.encode("utf-8")


def test_a_template_escapes_and_makes_inert_and_so_does_the_data_in_a_page():
    bad = "</script><b>\u202e"
    page = render("refused", "zh", reason="used")
    assert "只能用一次" in page
    code = f'{{code: a, name: "{bad}", includes: ["{bad}"]}}'
    book = codebook_from_text(f'name: x\nversion: "1"\ntitle: "{bad}"\ncodes:\n  - {code}\n', "x")
    rows = code_rows(book, "zh")
    made = render(
        "codebook",
        "zh",
        page="codebook",
        pages=[],
        coder=bad,
        data={"codes": rows},
        book={"title": bad, "version": bad, "n": 1, "exclusive": False, "unit": bad, "rules": []},
        groups=code_groups(book, rows, "zh"),
        schemes=[],
    )
    assert "<b>\ufffd" not in made
    assert "\u202e" not in made
    assert made.count("</script>") == made.count("<script")
    data = re.search(r'id="data">(.*?)</script>', made, re.DOTALL)[1]
    assert json.loads(data)["codes"][0]["name"] == "</script><b>\ufffd"


# --- a segment ---


def test_a_segment_stands_in_its_context_of_two_on_each_side(store):
    view = item_view(store, f"{VILLAGES[1]}#2", "甲")
    texts = {item.segment_id: item.text for item in store.items()}
    assert view["before"] == [texts[f"{VILLAGES[1]}#{n}"] for n in (0, 1)]
    assert view["after"] == [texts[f"{VILLAGES[1]}#{n}"] for n in (3, 4)]
    first = item_view(store, f"{VILLAGES[1]}#0", "甲")
    assert first["before"] == []  # nothing of another document
    assert (first["title"], first["date"]) == (f"{VILLAGES[1]}记事", "2019-05-01")


def test_a_coder_sees_his_own_codes_and_not_anothers(store, decide):
    decide(FIRST, "乙", ["well"], note=MARK)
    view = item_view(store, FIRST, "甲")
    assert (view["mine"], view["note"], view["skipped"]) == (None, "", False)
    assert MARK not in json.dumps(view, ensure_ascii=False)
    assert "well" not in json.dumps(view)
    decide(FIRST, "甲", ["road"], note="看过")
    view = item_view(store, FIRST, "甲")
    assert (view["mine"], view["note"]) == (["road"], "看过")


def test_what_was_skipped_says_so_and_has_no_codes(store, decide):
    decide(FIRST, "甲", None, kind="skipped")
    view = item_view(store, FIRST, "甲")
    assert (view["mine"], view["skipped"], view["hidden"]) == (None, True, False)


def test_the_random_sample_keeps_the_models_codes_back_until_it_is_coded(store, decide):
    view = item_view(store, SECOND, "甲")
    assert (view["hidden"], view["proposed"], view["probabilities"]) == (True, None, None)
    decide(SECOND, "乙", ["school"])
    assert item_view(store, SECOND, "甲")["hidden"]
    decide(SECOND, "甲", None, kind="skipped")
    assert item_view(store, SECOND, "甲")["hidden"]  # what is skipped can still be coded
    decide(SECOND, "甲", ["school"])
    view = item_view(store, SECOND, "甲")
    assert (view["hidden"], view["proposed"]) == (False, ["school"])
    assert view["probabilities"]["school"] == 0.9


def test_no_question_about_the_random_sample_gives_the_model_away(tmp_path, tiny_codebook, tiny_model):
    site = make_site(tmp_path, tiny_codebook, tiny_model, items=review_items(gold=(SECOND,)))
    site.enter()
    name = SECOND.replace("#", "%23").encode("utf-8")
    name = "".join(chr(b) if b < 128 else f"%{b:02X}" for b in name)
    assert site.get(f"/evidence?id={name}").json == {"spans": {}}
    assert site.get(f"/item?id={name}").json["item"]["probabilities"] is None
    assert site.post("/decide", site.decision(SECOND, ["school"])).status == 200
    assert site.get(f"/evidence?id={name}").json["spans"] != {}
    site.store.close()


def test_shares_in_view_are_of_what_can_be_compared():
    nothing = bar_view(Progress(10, 0, 0, 2, 0, (0, 0)))
    assert (nothing["model"], nothing["others"]) == (None, None)
    some = bar_view(Progress(10, 4, 1, 2, 1, (3, 4), {"乙": (1, 2), "丙": (1, 1)}))
    assert (some["model"], some["others"]) == (0.75, pytest.approx(2 / 3))


# --- disputes ---


def test_sides_have_no_names_until_asked_and_an_order_that_tells_none(store, decide):
    for n in range(6):
        name = f"{VILLAGES[n // 6]}#{n}"
        decide(name, "甲", ["road"])
        decide(name, "乙", ["well"])
    orders = set()
    for n in range(6):
        name = f"{VILLAGES[0]}#{n}"
        view = dispute_view(store, "裁", "", name, names=False)["item"]
        assert view == dispute_view(store, "裁", "", name, names=False)["item"]
        assert [side["name"] for side in view["sides"]] == ["", ""]
        orders.add(tuple(side["codes"][0] for side in view["sides"]))
        named = dispute_view(store, "裁", "", name, names=True)["item"]["sides"]
        assert {(side["name"], *side["codes"]) for side in named} == {("甲", "road"), ("乙", "well")}
    assert orders == {("road", "well"), ("well", "road")}


def test_disputes_follow_one_another_and_begin_again(store, decide):
    names = [f"{VILLAGES[0]}#{n}" for n in range(3)]
    for name in names:
        decide(name, "甲", ["road"])
        decide(name, "乙", ["well"])
    seen, after = [], ""
    for _ in range(4):
        after = dispute_view(store, "裁", after, "", names=False)["item"]["id"]
        seen.append(after)
    assert seen == [*names, names[0]]
    decide(names[0], "裁", ["road"], kind=SETTLED)
    view = dispute_view(store, "裁", names[0], "", names=False)
    assert (view["item"]["id"], view["left"]) == (names[1], 2)


def test_who_codes_sees_the_sides_of_what_he_has_coded_only(store, decide):
    decide(FIRST, "甲", ["road"])
    decide(FIRST, "乙", ["well"])
    assert dispute_view(store, "丙", "", FIRST, names=True)["item"]["sides"] is not None  # he only settles
    decide(f"{VILLAGES[1]}#0", "丙", [])
    view = dispute_view(store, "丙", "", FIRST, names=True)["item"]
    assert view["sides"] is None
    assert not {"road", "well", "甲", "乙"} & set(json.dumps(view, ensure_ascii=False).split('"'))
    decide(FIRST, "丙", [])
    assert len(dispute_view(store, "丙", "", FIRST, names=False)["item"]["sides"]) == 3


# --- deciding words ---


def test_spans_are_the_phrases_of_the_explanation_in_the_raw_text(tiny_codebook, tiny_model):
    text = "　１２月，签约医生上门；𠮷村修公路。"
    spans = Reader(tiny_codebook, lambda: tiny_model).spans(text)
    for found in explain(tiny_model, text):
        places = {(e.start, e.end) for e in found.evidence if e.weight > 0}
        assert {(start, end) for start, end, _ in spans.get(found.code, ())} <= places
    assert any("医生" in text[a:b] for a, b, _ in spans["clinic"])
    assert any("公路" in text[a:b] for a, b, _ in spans["road"])


evidence = st.builds(
    lambda start, size, weight: Evidence("", start, start + size, weight),
    st.integers(0, 30),
    st.integers(0, 8),
    st.floats(-3, 3),
)


@given(st.lists(evidence, max_size=12))
def test_spans_do_not_overlap_rise_and_are_shaded_by_density(found):
    spans = shaded(Explanation("a", 0.9, 0.5, True, 1.0, 0.0, 0.0, tuple(found)))
    assert all(b[0] >= a[1] for a, b in pairwise(spans))
    for start, end, shade in spans:
        assert 1 <= shade <= SHADES
        assert sum(e.weight for e in found if (e.start, e.end) == (start, end) and e.weight > 0) > 0


def test_the_densest_phrase_is_the_darkest_and_faint_ones_are_left_out():
    weights = (3.0, 2.0, 1.0, 3 * LEAST * 0.9)
    found = tuple(Evidence("", 10 * i, 10 * i + 1, w) for i, w in enumerate(weights))
    spans = shaded(Explanation("a", 0.9, 0.5, True, 1.0, 0.0, 0.0, found))
    assert spans == [(0, 1, 3), (10, 11, 2), (20, 21, 1)]


def test_the_model_is_read_once_however_many_ask(tiny_codebook, tiny_model):
    read, begin = [], threading.Barrier(8)

    def load():
        read.append(1)
        return tiny_model

    reader = Reader(tiny_codebook, load)
    assert not reader.ready

    def ask():
        begin.wait()
        assert reader.spans("医生上门。")["clinic"]

    threads = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(read), reader.ready) == (1, True)


@pytest.mark.parametrize("text", ["", "\n\n", "abc", "\ufeff", "首页 > 正文"])
def test_an_article_without_segments_has_none(tiny_codebook, tiny_model, text):
    reader = Reader(tiny_codebook, lambda: tiny_model)
    assert [s for s in reader.article(text) if s["raw"].strip() == ""] == []
    assert reader.spans("") == {}
    assert reader.why("") == {"probabilities": [], "spans": {}}


def test_an_articles_segments_are_cut_and_labelled_as_the_command_does(
    fupin, tmp_path, tiny_model, tiny_model_folder
):
    text = "签约医生每月上门。\r\n乡亲们都说好。修通了硬化路，=1+1也不怕。"
    path = tmp_path / "text"
    path.write_bytes(text.encode())
    reader = Reader(tiny_model.codebook, lambda: tiny_model)
    segments = reader.article(text)
    (tmp_path / "a.txt").write_bytes(text.encode())
    rows = fupin("label", tmp_path / "a.txt", "-m", tiny_model_folder, "--scheme", "two-kinds").rows
    assert [(s["raw"], ";".join(s["codes"])) for s in segments] == [(r["text"], r["codes"]) for r in rows]
    assert [text[s["start"] : s["end"]] for s in segments] == [s["raw"] for s in segments]
    table = reader.table(text, "csv", "two-kinds").decode("utf-8-sig")
    ours = list(csv.DictReader(io.StringIO(table)))
    same = ("codes", "categories", "start", "end", "clinic", "well")
    assert [[r[c] for c in same] for r in ours] == [[r[c] for c in same] for r in rows]


def test_tables_of_an_article_are_read_back_alike(tmp_path, tiny_model):
    reader = Reader(tiny_model.codebook, lambda: tiny_model)
    texts = ["签约医生每月上门。", "修通了硬化路。"]
    text = "".join(texts)
    for name in ("csv", "xlsx", "jsonl"):
        path = tmp_path / f"t.{name}"
        path.write_bytes(reader.table(text, name))
        found = read_labelled(path, tiny_model.codebook)
        assert found.frame["text"].tolist() == ["签约医生每月上门。", "修通了硬化路。"]
        assert (
            found.given.to_numpy().tolist()
            == tiny_model.predict(["签约医生每月上门。", "修通了硬化路。"]).tolist()
        )
    with pytest.raises(InputError, match="no table as 'exe'"):
        reader.table(text, "exe")


# --- agreement ---


def test_agreement_is_what_scikit_learn_computes_on_the_same_segments(store, decide, tiny_codebook):
    rng = np.random.default_rng(5)
    columns = list(tiny_codebook.columns)
    given_codes = {coder: rng.random((24, 4)) < 0.4 for coder in ("甲", "乙")}
    items = store.items(order="place")
    for coder, labels in given_codes.items():
        for item, row in zip(items[:20] if coder == "甲" else items[4:], labels, strict=False):
            decide(item.segment_id, coder, [c for c, yes in zip(columns, row, strict=True) if yes])
    found = figures(store, dict.fromkeys(columns, "名"))
    one, other = given_codes["甲"][4:20], given_codes["乙"][:16]  # both coded segments 4 to 19
    model = np.array([[c in item.codes for c in columns] for item in items])
    people = np.concatenate([given_codes["甲"][:20], given_codes["乙"][:20]])
    machine = np.concatenate([model[:20], model[4:24]])
    for i, row in enumerate(found["codes"]):
        assert row["between"]["kappa"][0] == pytest.approx(
            cohen_kappa_score(one[:, i], other[:, i]), abs=1e-4
        )
        assert row["between"]["f1"][0] == pytest.approx(f1_score(one[:, i], other[:, i]), abs=1e-4)
        assert row["model"]["f1"][0] == pytest.approx(f1_score(people[:, i], machine[:, i]), abs=1e-4)
        assert row["by_model"] == model[:, i].sum()
        either = np.zeros(24, dtype=bool)
        either[:20] |= given_codes["甲"][:20, i]
        either[4:] |= given_codes["乙"][:20, i]
        assert row["by_coders"] == either.sum()
    assert found["between"]["segments"] == 16
    assert found["between"]["same"] == pytest.approx((one == other).all(axis=1).mean(), abs=1e-4)
    assert found["model"]["segments"] == 40
    micro = f1_score(people.ravel(), machine.ravel())
    assert found["overall"]["model"]["f1"][0] == pytest.approx(micro, abs=1e-4)


def test_where_there_is_nothing_to_compare_there_are_no_figures(store, decide, tiny_codebook):
    names = dict.fromkeys(tiny_codebook.columns, "名")
    empty = figures(store, names)
    assert (empty["between"], empty["model"]) == (None, None)
    assert [row["by_coders"] for row in empty["codes"]] == [0] * 4
    decide(FIRST, "甲", ["clinic"])
    alone = figures(store, names)
    assert (alone["between"], alone["model"]["segments"]) == (None, 1)


# --- exports ---


def test_the_coders_table_is_what_fupin_agree_reads(store, decide, tmp_path, tiny_codebook):
    decide(FIRST, "甲", ["clinic", "road"])
    decide(FIRST, "乙", [])
    decide(SECOND, "甲", None, kind="skipped")
    path = tmp_path / "codings.csv"
    path.write_bytes(exported(store, "codings")[1])
    codings = read_codings([path], tiny_codebook, "coder")
    assert sorted(codings.coders) == ["乙", "甲"]
    row = codings.segments["segment_id"].tolist().index(FIRST)
    given_codes = {coder: codings.labels[i, row].tolist() for i, coder in enumerate(codings.coders)}
    assert given_codes == {"甲": [True, False, True, False], "乙": [False] * 4}
    assert codings.coded[:, row].all()


def test_the_settled_table_has_what_holds_and_nothing_disputed(store, decide):
    decide(FIRST, "甲", ["clinic"])
    decide(FIRST, "乙", ["clinic"])
    for coder, code in (("甲", "road"), ("乙", "well")):
        decide(f"{VILLAGES[1]}#0", coder, [code])
        decide(f"{VILLAGES[2]}#0", coder, [code])
    decide(f"{VILLAGES[2]}#0", "乙", ["school"], kind=SETTLED)
    text = exported(store, "settled")[1].decode("utf-8-sig")
    rows = {row["segment_id"]: row["codes"] for row in csv.DictReader(io.StringIO(text))}
    assert rows == {FIRST: "clinic", f"{VILLAGES[2]}#0": "school"}


def test_the_random_sample_is_whole_tells_how_it_was_drawn_and_not_what_the_model_gave(store, decide):
    decide(SECOND, "甲", ["school"])
    rows = list(csv.DictReader(io.StringIO(exported(store, "gold")[1].decode("utf-8-sig"))))
    assert [(r["segment_id"], r["codes"], r["coded"]) for r in rows] == [(SECOND, "school", "1")]
    assert (rows[0]["stratum"], rows[0]["inclusion_probability"], rows[0]["unit"]) == ("1", "0.5", "segment")
    assert "proposed" not in rows[0]


def test_every_export_that_is_offered_can_be_made_and_has_a_name_in_words(store, decide):
    decide(FIRST, "甲", ["clinic"])
    decide(FIRST, "乙", ["road"])
    for what in EXPORTS:
        export, content = exported(store, what)
        assert content
        assert re.fullmatch(r"[a-z-]+\.(csv|json|jsonl|zip)", export.name)
        assert review_texts("zh")["progress"]["exports"][what]
    with pytest.raises(InputError, match="no export 'x'"):
        exported(store, "x")


def test_all_decisions_come_back_as_they_were(store, decide, tmp_path):
    from classifier.review_files import import_store

    decide(FIRST, "甲", ["clinic"], note="一")
    decide(SECOND, "乙", None, kind="skipped")
    path = tmp_path / "review.jsonl"
    path.write_bytes(exported(store, "events")[1])
    with open_store(tmp_path / "又.db") as other:
        import_store(path, other)
        assert other.events() == store.events()
        assert other.items() == store.items()


# --- training ---


def test_one_training_at_a_time_and_its_end_is_told():
    go_on, begun = threading.Event(), threading.Event()

    def train(even_if_worse, say):
        say("40%")
        begun.set()
        go_on.wait(10)
        return Outcome("better", f"村-{even_if_worse}")

    job = Job(train, print)
    assert job.state.state == "idle"
    assert job.start(even_if_worse=True)
    begun.wait(10)
    assert (job.state.state, job.state.message) == ("running", "40%")
    assert not job.start(even_if_worse=False)
    go_on.set()
    ended(job)
    assert (job.state.state, job.state.outcome) == ("done", Outcome("better", "村-True"))
    assert job.start(even_if_worse=False)
    ended(job)
    assert job.state.outcome == Outcome("better", "村-False")


def ended(job):
    for thread in threading.enumerate():
        if thread.name == "training":
            thread.join(10)


@pytest.mark.parametrize(
    ("fault", "message", "lines"),
    [
        (
            ModelError("the new model is worse", "keep the old one"),
            "the new model is worse; keep the old one",
            0,
        ),
        (CorpusError("3 reviewed segments", "review more"), "3 reviewed segments; review more", 0),
        (ZeroDivisionError(MARK), "ZeroDivisionError", 1),
    ],
    ids=["of the user", "too little reviewed", "of ours"],
)
def test_a_training_that_fails_says_so_and_another_may_begin(fault, message, lines):
    told = []

    def train(even_if_worse, say):
        raise fault

    job = Job(train, told.append)
    job.start(even_if_worse=False)
    ended(job)
    assert (job.state.state, job.state.message, len(told)) == ("failed", message, lines)
    assert job.state.reason in ("", *review_texts("zh")["progress"]["reasons"])
    assert (job.state.reason == "too_little") == isinstance(fault, CorpusError)
    assert job.start(even_if_worse=False)
    ended(job)


# --- other codebooks and the server without a store ---


EXCLUSIVE = """\
name: kinds
version: "1"
exclusive: true
codes:
  - {code: sport, name: 体育}
  - {code: stock, name: 股票}
"""


def test_an_exclusive_codebook_takes_exactly_one_code(tmp_path, tiny_model):
    book = codebook_from_text(EXCLUSIVE, "kinds.yaml")
    plain = replace(next(iter(review_items())), codes=("sport",), probabilities={"sport": 0.7, "stock": 0.3})
    site = make_site(tmp_path, book, tiny_model, items=[plain])
    site.enter()
    assert '"exclusive": true' in site.get("/").text
    for codes in ([], ["sport", "stock"]):
        assert site.post("/decide", site.decision(FIRST, codes)).json["reason"] == "one_code"
    assert site.post("/decide", site.decision(FIRST, ["stock"])).status == 200
    for path in ("/codebook", "/progress", "/figures", "/disputes", "/try"):
        assert site.get(path).status == 200
    site.store.close()


def test_without_a_store_there_are_the_pages_that_need_none(tmp_path, tiny_codebook, tiny_model):
    site = make_site(tmp_path, tiny_codebook, tiny_model, store=False, coder="")
    site.enter()
    assert site.get("/").headers["location"] == "/try"
    assert [site.get(path).status for path in ("/try", "/codebook")] == [200, 200]
    assert [site.get(path).status for path in ("/progress", "/disputes", "/item", "/export")] == [404] * 4
    assert "/disputes" not in site.get("/try").text


def test_a_name_is_asked_for_kept_and_can_be_changed(tmp_path, tiny_codebook, tiny_model):
    site = make_site(tmp_path, tiny_codebook, tiny_model, coder="")
    site.enter()
    assert "coder-form" in site.get("/").text
    assert site.get("/item").status == 422
    cookie = site.post("/settings", {"coder": "王芳"}).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    name, value = cookie.split(";")[0].split("=")
    site.cookies[name] = value
    page = site.get("/").text
    assert "coder-form" not in page
    assert "王芳" in page
    site.cookies[name] = ""
    assert "coder-form" in site.get("/").text
    site.cookies[name] = "%E2%80%AE"  # a mark that turns the direction
    assert "coder-form" in site.get("/").text
    site.store.close()


def test_an_undo_names_what_it_undoes_and_does_it_once(store, decide, tmp_path, tiny_codebook, tiny_model):
    site = make_site(tmp_path, tiny_codebook, tiny_model, store=store)
    site.enter()
    assert site.get("/last").json == {"undoes": None}
    one, two = decide(FIRST, "甲", ["clinic"]), decide(FIRST, "甲", ["road"], before=("clinic",))
    assert site.get("/last").json == {"undoes": two.event_id, "segment_id": FIRST}
    body = {"undoes": two.event_id, "segment_id": FIRST, "coder": "甲"}
    for _ in range(3):
        assert site.post("/undo", body).json == {"segment_id": FIRST, "codes": ["clinic"]}
    assert len(store.events()) == 3
    body["undoes"] = one.event_id
    assert site.post("/undo", body).json == {"segment_id": FIRST, "codes": None}
    assert site.get("/last").json == {"undoes": None}


def test_nothing_is_recorded_of_requests_by_the_library(tmp_path, tiny_codebook, tiny_model):
    from classifier import review_server

    assert set(review_server._NO_TELEMETRY.values()) == {False}


# --- the command ---


def test_the_command_refuses_what_cannot_be_with_a_line_and_a_hint(fupin_here, tmp_path, tiny_model_folder):
    missing = fupin_here("review", tmp_path / "无.csv")
    assert (missing.code, len(missing.problem)) == (1, 2)
    alone = fupin_here("review", "--store", tmp_path / "无.db")
    assert (alone.code, len(alone.problem)) == (1, 2)
    assert not (tmp_path / "无.db").exists()
    wrong = tmp_path / "错.csv"
    wrong.write_text("id,text\n1,医生来了。\n", encoding="utf-8")
    assert fupin_here("review", wrong).code == 1
    unknown = tmp_path / "编.csv"
    unknown.write_text("doc_id,segment_id,text,codes\n甲,甲#0,医生来了。,nothing\n", encoding="utf-8")
    found = fupin_here("review", unknown, "-m", tiny_model_folder)
    assert "unknown code 'nothing'" in found.problem[0]
    assert list(Path(tmp_path).glob("*.db*")) == []
    open_store(tmp_path / "空.db").close()
    assert "an empty store" in fupin_here("review", "--store", tmp_path / "空.db").problem[0]
    assert fupin_here("review", "--lang", "fr").code == 2
    assert fupin_here("review", "--coder", " 甲").code == 2


def test_a_store_is_gone_on_with_and_takes_no_other_texts(
    fupin_here, tmp_path, tiny_model_folder, monkeypatch
):
    served = []
    monkeypatch.setattr("classifier.cli_review._serve", lambda service, *_, **__: served.append(service))
    path = tmp_path / "村.csv"

    def write(*rows):
        path.write_text("doc_id,segment_id,text,codes\n" + "\n".join(rows) + "\n", encoding="utf-8")

    write("甲,甲#0,医生每月上门。,clinic", "甲,甲#1,修通了公路。,road")
    first = fupin_here("review", path, "-m", tiny_model_folder)
    assert (first.code, served[0].store.shown_url) == (0, f"{path}.review.db")
    assert "2 segments; putting them in order" in first.err
    assert first.err.splitlines()[-1].startswith("stopped; codings 0, skipped 0, coders 0: ")
    again = fupin_here("review", path, "-m", tiny_model_folder)
    alone = fupin_here("review", "--store", f"{path}.review.db", "-m", tiny_model_folder)
    assert (again.code, alone.code) == (0, 0)
    assert "putting" not in again.err + alone.err
    assert (
        served[0].session.port == served[1].session.port == served[2].session.port
    )  # the browser finds it again
    write("甲,甲#0,医生每月上门。,clinic", "甲,甲#1,修通了公路。,road", "乙,乙#0,小学开学。,school")
    assert "1 of 3 segments are not in" in fupin_here("review", path, "-m", tiny_model_folder).problem[0]
    write("甲,甲#0,医生每月上门。,clinic", "甲,甲#1,修通了铁路。,road")
    assert "the text of segment '甲#1'" in fupin_here("review", path, "-m", tiny_model_folder).problem[0]
    assert len(served) == 3


def test_a_file_labelled_by_a_new_model_puts_the_queue_in_order_again(
    fupin_here, tmp_path, tiny_model_folder, monkeypatch
):
    monkeypatch.setattr("classifier.cli_review._serve", lambda *_, **__: None)
    old, new, place = tmp_path / "一.csv", tmp_path / "二.csv", tmp_path / "一.csv.review.db"

    def write(path, *probabilities):
        rows = [f"甲,甲#{i},{i}号医生上门。,{'clinic' * (p > 0.5)},{p}" for i, p in enumerate(probabilities)]
        path.write_text("doc_id,segment_id,text,codes,clinic\n" + "\n".join(rows) + "\n", encoding="utf-8")

    def review(path):
        return fupin_here("review", path, "-m", tiny_model_folder, "--store", place).err

    write(old, 0.5, 0.01, *[0.01 + i / 1000 for i in range(8)])
    write(new, 0.01, 0.6, *[0.01 + i / 1000 for i in range(8)])
    review(old)
    with open_store(place) as store:
        before = store.items()
        first = next(item for item in before if item.purpose == "queue")
        name = codebook_id(store.codebook)
        store.record(Event("1", first.segment_id, "甲", CODED, None, ("clinic",), name, AT))
    assert "putting" not in review(old)
    with open_store(place) as store:
        assert store.items() == before
    assert "10 segments, labelled anew; putting them in order again" in review(new)
    with open_store(place) as store:
        after = store.items()
        assert store.current() == {(first.segment_id, "甲"): ("clinic",)}
    drawn = [[(item.segment_id, item.drawn) for item in of if item.drawn] for of in (before, after)]
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) == 2
    asked = [next(item.segment_id for item in of if not item.drawn) for of in (before, after)]
    doubtful = [
        max((x for x in of if not x.drawn), key=lambda x: -abs(x.probabilities["clinic"] - 0.5))
        for of in (before, after)
    ]
    assert asked == [item.segment_id for item in doubtful]
    assert asked[0] != asked[1]
    assert {item.segment_id: item.codes for item in after}["甲#1"] == ("clinic",)


def test_without_arguments_the_command_serves_what_needs_no_store(fupin_here, monkeypatch):
    served = []
    monkeypatch.setattr("classifier.cli_review._serve", lambda service, *_, **__: served.append(service))
    assert (fupin_here("review").code, served[0].store) == (0, None)


def test_a_port_in_use_is_told_when_it_was_asked_for(fupin_here, monkeypatch):
    monkeypatch.setattr("classifier.cli_review._serve", lambda *_, **__: None)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = fupin_here("review", "--port", str(port))
    assert (found.code, len(found.problem)) == (1, 2)
    assert f"port {port} cannot be used" in found.problem[0]


@pytest.mark.parametrize("missing", ["fastapi", "sqlalchemy", "uvicorn"])
def test_what_is_not_installed_is_told_with_how_to_install_it(fupin_here, monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    found = fupin_here("review")
    assert (found.code, found.problem[1]) == (1, 'hint: pip install "fupin-classifier[review]"')
    assert missing in found.problem[0]
