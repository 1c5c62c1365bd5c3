"""From text to features: what counts as the same text, and what the numbers are."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from classifier.errors import FupinError
from classifier.features import TextFeatures, prepare, prepare_aligned
from classifier.predictor import refuse_single

TEXTS = ["修路修路", "修桥", "上学"]


def row(features, text):
    """Return one text's features as a mapping without zeros."""
    values = features.transform([text]).toarray()[0]
    names = features.get_feature_names_out()
    return {str(name): float(value) for name, value in zip(names, values, strict=True) if value}


def test_a_term_weighs_its_smooth_idf_however_often_it_stands_there_and_rows_have_length_one():
    # Of 3 texts 修 stands in 2, 路 in 1: idf = ln((1 + 3) / (1 + df)) + 1.
    # 修 stands three times in 修修修路, and counts once. The row is then divided by its length.
    features = TextFeatures(ngram_range=(1, 1), min_df=1).fit(TEXTS)
    fix, road = math.log(4 / 3) + 1, math.log(4 / 2) + 1
    length = math.hypot(fix, road)
    assert row(features, "修修修路") == pytest.approx({"修": fix / length, "路": road / length}, rel=1e-6)


def test_terms_are_the_character_ngrams_of_the_lengths_asked_for():
    features = TextFeatures(ngram_range=(2, 3), min_df=1).fit(["修路架桥"])
    assert sorted(features.get_feature_names_out()) == sorted(["修路", "路架", "架桥", "修路架", "路架桥"])


def test_a_term_in_fewer_texts_than_min_df_is_no_feature():
    assert list(TextFeatures(ngram_range=(1, 1), min_df=2).fit(TEXTS).get_feature_names_out()) == ["修"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("投入１２万元，修路！", "投入12万元,修路!", id="full and half width"),
        pytest.param("投入3万元修路", "投入1,200.5万元修路", id="another number"),
        pytest.param("主持人：请讲讲修路。", "请讲讲修路。", id="a speaker's tag"),
        pytest.param("修通“幸福路”", '修通"幸福路"', id="curly and straight quotes"),
    ],
)
def test_what_says_the_same_is_prepared_alike(one, other):
    assert prepare([one]) == prepare([other])


def test_a_number_is_seen_but_not_its_value():
    assert prepare(["2019年投入1.2亿元"]) == ["0年投入0亿元"]


def test_lexicon_hits_are_the_last_columns_with_the_weight_asked_for(tiny_lexicon):
    features = TextFeatures((1, 1), 1, tiny_lexicon, 0.25).fit(TEXTS)
    assert features.get_feature_names_out()[-3:].tolist() == [
        "lexicon:clinic",
        "lexicon:road",
        "lexicon:school",
    ]
    assert row(features, "医生来了。") == {"lexicon:clinic": 0.25}
    hits = {name: v for name, v in row(features, "小学门前通了公路，公路直通小学。").items() if ":" in name}
    assert hits == {"lexicon:road": 0.25, "lexicon:school": 0.25}  # a code hit twice counts once


def test_hits_where_the_setting_is_spoken_of_are_further_columns(tiny_lexicon):
    lexicon = replace(tiny_lexicon, setting=("孤儿", "低保"))
    features = TextFeatures((1, 1), 1, lexicon, 0.25, 0.5).fit(TEXTS)
    assert features.get_feature_names_out()[-6:].tolist() == [
        f"{kind}:{code}" for kind in ("lexicon", "setting") for code in ("clinic", "road", "school")
    ]
    assert row(features, "医生来了。") == {"lexicon:clinic": 0.25}
    assert row(features, "医生看了低保户。") == {"lexicon:clinic": 0.25, "setting:clinic": 0.5}
    assert row(features, "低保户和孤儿来了。") == {}
    assert row(features, "医生的儿子是孤儿。") == {}  # a not-cue silences both columns
    assert row(features, "低保办主任：医生来了。") == {"lexicon:clinic": 0.25}  # no tag counts


@given(st.lists(st.sampled_from(["医生", "公路", "低保", "孤儿", "医生的儿子", "，", "某"]), max_size=6))
def test_the_columns_that_hits_are_said_to_fill_are_those_that_they_fill(tiny_lexicon, pieces):
    lexicon = replace(tiny_lexicon, setting=("孤儿", "低保"))
    features = TextFeatures((1, 1), 1, lexicon, 0.25, 0.5).fit(TEXTS)
    text = "".join(pieces)
    values, names = features.values_of_hits(text), features.get_feature_names_out()
    said = {names[column]: value for code in lexicon.codes_in(text) for column, value in values[code]}
    assert said == {name: value for name, value in row(features, text).items() if ":" in name}


def test_a_not_cue_silences_the_lexicon_column(tiny_lexicon):
    assert row(TextFeatures((1, 1), 1, tiny_lexicon).fit(TEXTS), "医生的儿子来了。") == {}


def test_a_cue_in_a_speakers_tag_is_no_hit(tiny_lexicon):
    features = TextFeatures((1, 1), 1, tiny_lexicon, 0.5).fit(TEXTS)
    assert row(features, "王医生：大家好。") == {}
    assert row(features, "请王医生坐诊。") == {"lexicon:clinic": 0.5}


def test_without_a_lexicon_there_are_terms_only():
    features = TextFeatures((1, 1), 1).fit(TEXTS)
    assert features.transform(TEXTS).shape == (3, 5)
    assert sorted(features.get_feature_names_out()) == sorted("修路桥上学")


def test_a_text_of_unknown_characters_has_no_feature_at_all():
    assert row(TextFeatures((1, 1), 1).fit(TEXTS), "养蜂") == {}


@given(st.lists(st.text("修路架桥上学看病0 ,", max_size=8), min_size=1, max_size=6))
def test_a_row_depends_on_its_own_text_alone(texts):
    features = TextFeatures((1, 2), 1).fit(TEXTS)
    together = features.transform(texts).toarray()
    alone = np.vstack([features.transform([text]).toarray() for text in texts])
    assert np.array_equal(together, alone)


def test_no_texts_give_no_rows_and_all_columns(tiny_lexicon):
    empty = TextFeatures((1, 1), 1, tiny_lexicon).fit(TEXTS).transform([])
    assert empty.shape == (0, 8)
    assert empty.dtype == np.float32


def test_features_restored_from_terms_and_idf_equal_the_fitted_ones_bit_for_bit(tiny_corpus, tiny_lexicon):
    fitted = TextFeatures((1, 4), 2, tiny_lexicon, 0.5).fit(tiny_corpus.texts)
    restored = TextFeatures.from_terms(
        fitted.terms_, fitted.idf_, ngram_range=(1, 4), min_df=2, lexicon=tiny_lexicon, lexicon_weight=0.5
    )
    first, second = fitted.transform(tiny_corpus.texts), restored.transform(tiny_corpus.texts)
    assert (first != second).nnz == 0
    assert first.dtype == second.dtype == np.float32


def test_fitting_returns_itself_and_leaves_texts_and_parameters_alone(tiny_lexicon):
    texts = list(TEXTS)
    features = TextFeatures((1, 2), 1, tiny_lexicon, 0.3)
    before = features.get_params(deep=False)
    assert features.fit(texts) is features
    assert texts == TEXTS
    assert features.get_params(deep=False) == before


def test_a_clone_has_the_parameters_and_nothing_learned(tiny_lexicon):
    features = TextFeatures((2, 3), 4, tiny_lexicon, 0.3).fit(["修路架桥"] * 4)
    copy = clone(features)
    assert copy.get_params(deep=False) == features.get_params(deep=False)
    assert not hasattr(copy, "terms_")


@pytest.mark.parametrize("method", ["fit", "transform"])
def test_a_single_str_is_refused(method):
    features = TextFeatures((1, 1), 1).fit(TEXTS)
    with pytest.raises(FupinError, match="one str was given where a sequence of texts") as caught:
        getattr(features, method)("修路架桥")
    assert "[text]" in caught.value.hint


def test_a_sequence_is_handed_through_unchanged():
    assert refuse_single(TEXTS) is TEXTS


@pytest.mark.parametrize("texts", [["修路", "上学"], ["", ""]])
def test_texts_without_a_common_term_are_an_error_not_a_crash(texts):
    with pytest.raises(FupinError, match="no features") as caught:
        TextFeatures((1, 1), min_df=2).fit(texts)
    assert "min_df" in caught.value.hint


def test_texts_counted_once_give_the_features_of_texts_read_anew(tiny_lexicon, tiny_corpus):
    read = TextFeatures((1, 3), 2, tiny_lexicon, 0.3).fit(tiny_corpus.texts)
    counts = read.count(tiny_corpus.texts)
    counted = TextFeatures((1, 3), 2, tiny_lexicon, 0.3).fit_counts(counts)
    assert counted.terms_ == read.terms_
    assert (read.transform(tiny_corpus.texts) != counted.transform_counts(counts)).nnz == 0


def test_some_rows_of_counts_weigh_as_if_they_had_been_counted_alone(tiny_lexicon, tiny_corpus):
    some = np.arange(len(tiny_corpus.texts)) % 2 == 0
    texts = [text for text, yes in zip(tiny_corpus.texts, some, strict=True) if yes]
    alone = TextFeatures((1, 2), 2, tiny_lexicon).fit(texts)
    share = TextFeatures((1, 2), 2, tiny_lexicon).count(tiny_corpus.texts).rows(some)
    features = TextFeatures((1, 2), 2, tiny_lexicon).fit_counts(share)
    assert features.terms_ == alone.terms_
    assert (alone.transform(texts) != features.transform_counts(share)).nnz == 0


# --- where terms stand ---

ODD = st.text("主持人：王局长 \n１2３,.45亿㎡①习近平总书记ﾞｶe\u0301。", max_size=25)


@given(st.one_of(st.text(max_size=25), ODD))
def test_with_offsets_a_segment_is_prepared_as_without(text):
    found = prepare_aligned(text)
    assert [found.text] == prepare([text])
    assert all(0 <= a < b <= len(text) for a, b in zip(found.starts, found.ends, strict=True))


@pytest.mark.parametrize(
    ("raw", "prepared", "piece"),
    [
        pytest.param("主持人：投入１.２亿元", "0", "１.２", id="a number"),
        pytest.param("主持人： 惠及3,000户。", "惠", "惠", id="behind a speaker's tag"),
        pytest.param("王局长：王局长来了", "王局长", "王局长", id="the tag's words said again"),
        pytest.param("惠及３，０００户", "及0户", "及３，０００户", id="a number within a phrase"),
    ],
)
def test_offsets_of_a_prepared_segment_count_from_its_raw_beginning(raw, prepared, piece):
    found = prepare_aligned(raw)
    at = found.text.index(prepared)
    start, end = found.span(at, at + len(prepared))
    assert raw[start:end] == piece
    assert "：" not in raw[start:end]


@settings(max_examples=50)
@given(st.text("王局长：医生送药费1２ 3\n，。", max_size=20))
def test_terms_stand_where_they_are_cut_and_those_that_stand_somewhere_are_features(text):
    features = TextFeatures((1, 3), 1).fit(["医生送药", "药费1 2,3", "王局长:局长医"])
    columns, starts, ends = features.occurrences(text)
    (prepared,) = prepare([text])
    assert [prepared[a:b] for a, b in zip(starts, ends, strict=True)] == [features.terms_[c] for c in columns]
    assert len(set(zip(columns.tolist(), starts.tolist(), strict=True))) == len(columns)
    counted = features.counter_.transform([prepared]).toarray()[0]
    assert (np.bincount(columns, minlength=len(features.terms_)) > 0).tolist() == counted.tolist()
