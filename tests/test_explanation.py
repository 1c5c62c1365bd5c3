"""Explanations: the score taken apart without remainder, and every piece cut from the raw segment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import classifier.explanation
from classifier.codebook import codebook_from_text
from classifier.explanation import SHARE, Evidence, Explanation, evidence_of, explain, to_text
from classifier.lexicon import Lexicon
from classifier.model import PolicyClassifier

PLAIN = "签约医生每月上门给老人量血压。"
TEXTS = {
    "a plain measure": PLAIN,
    "two measures": "村卫生室为慢性病患者送药，教育局给困难孩子发放助学金。",
    "nothing": "乡亲们坐在院坝里晒太阳。",
    "full-width digits": "县医院的医生１，２００人次帮住院群众报销药费３４５．６万元。",
    "a title": "习近平总书记来到村小学，学习习近平同志的讲话。",
    "wide spaces and line ends": "把通村公路\u3000\n铺成  水泥路，\r\n医\n生坐诊。",
    "a speaker's tag": "王局长： 签约医生每月上门。",
    "compatibility characters": "新建㎡教学楼①栋，ﬃ cafe\u0301。",
    "a cue that is no cue": "医生的儿子和医生和医生",
    "composing across characters": "\u1100\u1161医生送药",
    "nothing known": "ABC 龘",
    "empty": "",
}
ANY = st.lists(st.sampled_from("医生卫药费小学助金公路桥。， １2\n①习近平总书记王局长：县"), max_size=25).map(
    "".join
)


def whole(e):
    return e.base + e.rest + sum(x.weight for x in e.evidence)


@pytest.mark.parametrize("name", TEXTS)
def test_base_rest_and_evidence_are_the_score_and_the_rest_is_small(tiny_model, name):
    for e in explain(tiny_model, TEXTS[name]):
        assert whole(e) == pytest.approx(e.score, abs=1e-9)
        # The rest holds characters alone that are weaker than a share of the strongest.
        strongest = max((abs(x.weight) for x in e.evidence if not x.is_cue), default=0.0)
        assert abs(e.rest) <= SHARE * strongest * len(TEXTS[name]) + 1e-5


@pytest.mark.parametrize("name", TEXTS)
def test_where_no_character_is_too_weak_nothing_is_left_over(tiny_model, monkeypatch, name):
    # The rest is what is missing; only here can it be seen that nothing is lost on the way.
    monkeypatch.setattr(classifier.explanation, "SHARE", 0.0)
    for e in explain(tiny_model, TEXTS[name]):
        assert e.rest == pytest.approx(0, abs=1e-5)
        assert e.base == pytest.approx(
            float(tiny_model.intercept_[["clinic", "school", "road"].index(e.code)])
        )


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_setting_adds_to_cues_is_part_of_their_share(setting_model, monkeypatch, name):
    monkeypatch.setattr(classifier.explanation, "SHARE", 0.0)
    for e in explain(setting_model, TEXTS[name]):
        assert e.rest == pytest.approx(0, abs=1e-5)
        assert whole(e) == pytest.approx(e.score, abs=1e-9)


@pytest.mark.parametrize("name", TEXTS)
def test_without_a_lexicon_terms_alone_are_evidence_and_make_up_the_score(wordless_model, name):
    for e in explain(wordless_model, TEXTS[name]):
        assert whole(e) == pytest.approx(e.score, abs=1e-9)
        assert not any(x.is_cue for x in e.evidence)


@settings(max_examples=60)
@given(ANY)
def test_every_piece_of_evidence_is_cut_from_the_raw_segment_and_none_stands_twice(tiny_model, text):
    for e in explain(tiny_model, text):
        assert [x.text for x in e.evidence] == [text[x.start : x.end] for x in e.evidence]
        assert all(0 <= x.start < x.end <= len(text) for x in e.evidence)
        cues = [(x.start, x.end) for x in e.evidence if x.is_cue]
        assert len(set(cues)) == len(cues)
        assert [abs(x.weight) for x in e.evidence] == sorted(
            (abs(x.weight) for x in e.evidence), reverse=True
        )
        assert whole(e) == pytest.approx(e.score, abs=1e-9)


@pytest.mark.parametrize("name", TEXTS)
def test_probabilities_scores_thresholds_and_decisions_are_the_models(tiny_model, name):
    text = TEXTS[name]
    found = {e.code: e for e in explain(tiny_model, text)}
    probabilities, given_codes = tiny_model.predict_proba([text])[0], tiny_model.predict([text])[0]
    scores = tiny_model.decision_function([text])[0]
    assert set(found) == {"clinic", "school", "road"}  # `well` is untrained
    for j, code in enumerate(("clinic", "school", "road")):
        e = found[code]
        assert (e.probability, e.given, e.score) == (probabilities[j], given_codes[j], scores[j])
        assert e.threshold == tiny_model.decisions_.threshold[j]


def test_the_most_probable_code_comes_first(tiny_model):
    for text in TEXTS.values():
        probabilities = [e.probability for e in explain(tiny_model, text)]
        assert probabilities == sorted(probabilities, reverse=True)
    assert explain(tiny_model, PLAIN)[0].code == "clinic"


# --- a model small enough to work out ---

BOOK = 'name: d\nversion: "1"\ncodes:\n  - {code: good, name: 好}\n  - {code: bad, name: 坏}\n'


@pytest.fixture(scope="module")
def small():
    """Return what weighs a model over single characters, whose weights are set by hand."""
    return weighing(())


@pytest.fixture(scope="module")
def small_setting():
    """Return the same where the lexicon knows a setting."""
    return weighing(("锡",))


def weighing(setting):
    cues = {"金银": ("good",), "铜": ("good", "bad")}
    lexicon = Lexicon("d", "1", cues, {"铜钱草": ("good",)}, setting=setting)
    book = codebook_from_text(BOOK, "d.yaml")
    model = PolicyClassifier(
        *(book, lexicon),
        **{"C": 1.0, "ngram_range": (1, 1), "min_df": 1, "lexicon_weight": 0.5, "setting_weight": 0.5},
        **{"n_folds": 2, "min_positives": 1},
    )
    texts, labels = ["金银铜", "铁锡0", "铜锡书", "铁铅 总"] * 2, [[True, False], [False, True]] * 4
    model.fit(texts, np.array(labels))
    names = list(model.features_.get_feature_names_out())

    def weigh(code, **weights):
        coef = np.zeros_like(model.coef_)
        for name, weight in weights.items():
            coef[["good", "bad"].index(code), names.index(name.replace("_", ":"))] = weight
        model.restore(model.features_, coef, model.intercept_, model.decisions_, model.codes_)
        return model

    return weigh


def of_good(model, text):
    return next(e for e in explain(model, text) if e.code == "good")


def shown(e):
    return [(x.text, x.start, x.end, x.is_cue) for x in e.evidence]


def test_neighbours_that_speak_the_same_way_are_one_phrase_and_others_are_apart(small):
    model = small("good", 金=1.0, 银=1.0, 铁=-1.0, 锡=2.0)
    e = of_good(model, "金银铁锡")
    assert sorted(shown(e), key=lambda x: x[1]) == [
        ("金银", 0, 2, False),
        ("铁", 2, 3, False),
        ("锡", 3, 4, False),
    ]
    assert [x.weight > 0 for x in sorted(e.evidence, key=lambda x: x.start)] == [True, False, True]


def test_a_terms_share_is_divided_evenly_among_its_occurrences(small):
    e = of_good(small("good", 金=1.0), "金丙金丁金")
    assert [x[:3] for x in shown(e)] == [("金", 0, 1), ("金", 2, 3), ("金", 4, 5)]
    assert [x.weight for x in e.evidence] == pytest.approx([1 / 3] * 3)  # the row has length one


def test_a_weak_character_ends_a_phrase_and_goes_to_the_rest(small):
    e = of_good(small("good", 金=1.0, 锡=0.01, 铁=1.0), "金锡铁")
    assert {x[0] for x in shown(e)} == {"金", "铁"}
    assert 0 < e.rest < 0.01


def test_a_cues_column_is_divided_among_the_cues_that_hit_it_and_silenced_ones_say_nothing(small):
    e = of_good(small("good", lexicon_good=3.0), "金银、铜钱草、铜")
    assert shown(e) == [("金银", 0, 2, True), ("铜", 7, 8, True)]
    assert [x.weight for x in e.evidence] == pytest.approx([0.75, 0.75])  # 3 · 0.5 in two halves
    assert e.rest == pytest.approx(0, abs=1e-6)


def test_beside_a_word_of_the_setting_cues_share_both_weights(small_setting):
    model = small_setting("good", lexicon_good=3.0, setting_good=2.0)
    for text, share in (("金银、铜钱草、铜", 0.75), ("锡局长：金银、铜", 0.75), ("金银、铜、锡", 1.25)):
        e = of_good(model, text)  # 3 · 0.5 in two halves, and 2 · 0.5 in two halves more
        assert [x.weight for x in e.evidence] == pytest.approx([share, share])
        assert e.rest == pytest.approx(0, abs=1e-6)
    assert shown(of_good(model, "锡")) == []  # a word of the setting alone is no evidence


def test_a_cue_of_another_code_can_speak_against(small):
    e = of_good(small("good", lexicon_bad=-2.0), "铜钱草")  # for `good` it is no cue, for `bad` it is
    assert shown(e) == [("铜", 0, 1, True)]
    assert e.evidence[0].weight == pytest.approx(-1.0)


def test_offsets_count_from_the_raw_beginning_although_the_speakers_tag_does_not_speak(small):
    text = "王局长：金，铜。"
    e = of_good(small("good", 金=1.0, lexicon_good=1.0), text)
    assert sorted(shown(e)) == [("金", 4, 5, False), ("铜", 6, 7, True)]


def test_a_number_and_an_office_holder_are_shown_as_they_were_written(small):
    e = of_good(small("good", **{"0": 1.0, "总": 1.0}), "习近平总书记给了１，２３４元")
    assert sorted(shown(e)) == [("习近平总书记", 0, 6, False), ("１，２３４", 8, 13, False)]


# --- on one line ---


def test_on_one_line_each_code_given_has_its_strongest_phrases_with_offsets(tiny_model):
    text = TEXTS["two measures"]
    line = evidence_of(tiny_model, text)
    given_codes = [e.code for e in explain(tiny_model, text) if e.given]
    assert sorted(given_codes) == ["clinic", "school"]
    parts = line.split(" ")
    assert [p.split("=")[0] for p in parts] == given_codes
    for part in parts:
        phrases = part.split("=")[1].split(";")
        assert 1 <= len(phrases) <= 3
        for phrase in phrases:
            piece, _, span = phrase.rpartition("@")
            start, end = map(int, span.split("-"))
            assert text[start:end] == piece


def test_on_one_line_stand_the_strongest_that_speak_for_the_code_in_order_each_once(small, monkeypatch):
    model = small("good", 金=3.0, 铁=-9.0, 锡=2.0, 铅=1.0, 书=0.9)
    monkeypatch.setattr(model, "decide", lambda p: np.array([[True, False]] * len(p)))
    text = "锡铁金铁铅铁书"
    assert evidence_of(model, text) == "good=金@2-3;锡@0-1;铅@4-5"
    assert evidence_of(model, text, phrases=1) == "good=金@2-3"
    # A character and the cue at the same place are one phrase.
    assert evidence_of(small("good", 铜=1.0, lexicon_good=1.0), "铜") == "good=铜@0-1"


def test_where_no_code_is_given_the_line_is_empty(tiny_model):
    assert evidence_of(tiny_model, TEXTS["nothing"]) == ""
    assert evidence_of(tiny_model, "") == ""


def test_a_line_is_one_line_although_the_raw_text_has_line_ends(small, monkeypatch):
    model = small("good", 金=1.0, 银=1.0, **{" ": 1.0})
    monkeypatch.setattr(model, "decide", lambda p: np.array([[True, False]] * len(p)))
    text = "金\r\n银 \u2028金"
    assert [x.text for x in of_good(model, text).evidence] == [text]  # offsets hold for the raw text
    assert evidence_of(model, text) == "good=金 银 金@0-7"
    assert to_text([of_good(model, text)], {}).splitlines()[1].endswith("  0-7\t金 银 金")


# --- for people ---


def test_for_people_there_is_a_block_for_each_code_given_or_not_out_of_the_question():
    evidence = (
        Evidence("上门", 2, 4, 0.5),
        Evidence("医生", 0, 2, 0.25, is_cue=True),
        Evidence("晒", 5, 6, -0.051),
        Evidence("天", 6, 7, 0.049),
    )
    found = to_text(
        [
            Explanation("clinic", 0.9, 0.4, True, 1.0, 0.252, 0.0, evidence),
            Explanation("school", 0.06, 0.4, False, -0.5, -0.5, 0.0, ()),
            Explanation("road", 0.02, 0.01, True, -0.9, -0.9, 0.0, ()),
            Explanation("well", 0.04, 0.4, False, -1.0, -1.0, 0.0, ()),
        ],
        {"clinic": "看病", "school": "上学"},
    )
    assert found.splitlines() == [
        "clinic 看病  p=0.900  threshold=0.400  given 判为",
        "  +0.50  2-4\t上门",
        "  +0.25  0-2\t医生  (cue 词表)",
        "  -0.05  5-6\t晒",
        "  +0.30  (base and all the rest 基准与其余)",
        "school 上学  p=0.060  threshold=0.400  not given 不判",
        "  -0.50  (base and all the rest 基准与其余)",
        "road  p=0.020  threshold=0.010  given 判为",
        "  -0.90  (base and all the rest 基准与其余)",
    ]


def test_for_people_nothing_to_show_is_said():
    unlikely = Explanation("well", 0.01, 0.4, False, -1.0, -1.0, 0.0, ())
    assert to_text([unlikely], {}).startswith("no code has a probability worth showing")
    assert to_text([], {}).startswith("no code")
