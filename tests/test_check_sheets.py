"""The sheets on which people check segments: which are picked, why they were decided, and reading back."""

from __future__ import annotations

import copy
import csv
import io
import json
from contextlib import suppress

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.check_sheets import MOST, OF_EACH, PICKS, check_sheets
from classifier.checked_sheets import HEADER, read_checked
from classifier.codebook import codebook_from_text
from classifier.confined import Parsers
from classifier.deciding_phrases import DecidingPhrases
from classifier.errors import FupinError, InputError
from classifier.explanation import explain
from classifier.labelled import Labelled, read_labelled
from classifier.lexicon import Lexicon
from classifier.limits import LIMITS
from classifier.report import make_report
from classifier.report_sentences import NEAR, highlights, sentences_of_codes
from classifier.report_workbook import write_workbook
from conftest import PARTS, VILLAGES, sentence

THRESHOLD = 0.5


def labelled(codebook, probabilities, texts=None, given=None):
    """Return segments of which the first code has these probabilities, and is given above a half."""
    p = np.full((len(probabilities), len(codebook.columns)), np.nan)
    p[:, 0] = probabilities
    n = len(probabilities)
    frame = {
        "doc_id": [f"文{i // 3}" for i in range(n)],
        "segment_id": [f"文{i // 3}#{i % 3}" for i in range(n)],
    }
    frame["text"] = [f"第{i}句。" for i in range(n)] if texts is None else texts
    marks = p > THRESHOLD
    marks[:, 0] = marks[:, 0] if given is None else given
    names = list(codebook.columns)
    return Labelled(
        "l.csv",
        codebook,
        pd.DataFrame(frame),
        pd.DataFrame(marks, columns=names),
        pd.DataFrame(p, columns=names),
    )


def picked(found, threshold=THRESHOLD, most=MOST):
    """Return the sheet of the first code as a frame."""
    about = sentences_of_codes(found, None, "zh", 1)[0]
    about = type(about)(**{**vars(about), "threshold": threshold})
    (sheet,) = check_sheets(found, [about], most=most)
    return sheet.frame


def rows_of(frame, pick):
    return [int(text[1:-2]) for text in frame["text"][frame["picked"] == pick]]


# --- which segments ---


def test_the_doubtful_lie_on_both_sides_of_the_threshold_the_nearest_first(tiny_codebook):
    frame = picked(labelled(tiny_codebook, [0.9, 0.52, 0.49, 0.2, 0.6, 0.36, 0.7]))
    assert rows_of(frame, "doubtful") == [2, 1, 4, 5]
    assert NEAR == 0.15


def test_the_strongest_are_given_the_code_and_not_doubtful_the_most_probable_first(tiny_codebook):
    frame = picked(labelled(tiny_codebook, [0.7, 0.99, 0.55, 0.8, 0.1]))
    assert rows_of(frame, "strongest") == [1, 3, 0]
    assert frame["picked"].tolist() == ["strongest"] * 3 + ["doubtful"]


def test_one_that_is_doubtful_is_never_called_strong_however_many_there_are(tiny_codebook):
    frame = picked(labelled(tiny_codebook, [*np.linspace(0.51, 0.64, OF_EACH + 50), 0.9, 0.8]))
    assert rows_of(frame, "strongest") == [OF_EACH + 50, OF_EACH + 51]
    assert frame["picked"].value_counts().to_dict() == {"doubtful": OF_EACH, "rest": 50, "strongest": 2}


def test_a_segment_that_was_not_given_the_code_is_listed_only_where_it_is_doubtful(tiny_codebook):
    frame = picked(labelled(tiny_codebook, [0.1, 0.45, 0.9]))
    assert sorted(frame["text"]) == ["第1句。", "第2句。"]
    assert frame.set_index("text")["codes"].to_dict() == {"第1句。": "", "第2句。": "clinic"}


def test_of_many_there_are_as_many_as_there_is_room_for_and_the_rest_is_drawn_at_random(tiny_codebook):
    p = np.concatenate([np.linspace(0.7, 0.99, 3000), np.linspace(0.4, 0.6, 400)])
    found = labelled(tiny_codebook, p)
    frame = picked(found)
    counts = frame["picked"].value_counts().to_dict()
    assert counts == {"strongest": OF_EACH, "doubtful": OF_EACH, "random": MOST - 2 * OF_EACH}
    assert frame["text"].is_unique
    assert frame.equals(picked(found))  # the seed is fixed
    drawn = np.array(rows_of(frame, "random"))
    left = [i for i in range(3400) if p[i] > 0.5 and i not in {*rows_of(frame, "strongest")}]
    assert set(drawn) <= set(left) - {*rows_of(frame, "doubtful")}
    # 300 of some 3,000 at random: in each third of the file 100, give or take four standard deviations
    thirds = np.bincount(np.searchsorted([1033, 2066], drawn, side="right"), minlength=3)
    assert np.abs(thirds - 100).max() < 4 * np.sqrt(300 * 2 / 9)


def test_where_all_find_room_the_rest_is_not_called_random(tiny_codebook):
    frame = picked(labelled(tiny_codebook, np.linspace(0.7, 0.99, 150)))
    assert frame["picked"].value_counts().to_dict() == {"strongest": 100, "rest": 50}


def test_each_text_is_listed_once(tiny_codebook):
    texts = ["医生上门。", "医生上门。", "公路通了。", "公路通了。", "药费报了。"]
    frame = picked(labelled(tiny_codebook, [0.9, 0.95, 0.5, 0.9, 0.8], texts))
    assert sorted(frame["text"]) == ["公路通了。", "医生上门。", "药费报了。"]
    assert frame.set_index("text")["probability"].to_dict() == {
        "医生上门。": 0.95,
        "公路通了。": 0.5,
        "药费报了。": 0.8,
    }


def test_segments_whose_probability_is_unknown_are_among_the_rest(tiny_codebook):
    frame = picked(labelled(tiny_codebook, [np.nan, 0.9, np.nan], given=[True, True, False]))
    assert list(zip(frame["text"], frame["picked"], strict=True)) == [
        ("第1句。", "strongest"),
        ("第0句。", "rest"),
    ]


def test_without_a_threshold_nothing_is_doubtful(tiny_codebook):
    frame = picked(labelled(tiny_codebook, [0.5, 0.6]), threshold=None)
    assert frame["picked"].tolist() == ["strongest"]


def test_where_codes_exclude_each_other_the_doubtful_are_those_with_a_close_rival():
    codes = "codes: [{code: a, name: {zh: 甲}}, {code: b, name: {zh: 乙}}]"
    book = codebook_from_text(f"name: v\nversion: '1'\nexclusive: true\n{codes}", "v.yaml")
    found = labelled(book, [0.52, 0.9, 0.45, 0.1])
    found.probabilities["b"] = 1 - found.probabilities["a"]
    found.given["b"] = ~found.given["a"]
    about = sentences_of_codes(found, None, "zh", 1)
    sheet, _ = check_sheets(found, about)
    assert rows_of(sheet.frame, "doubtful") == [0, 2]
    assert rows_of(sheet.frame, "strongest") == [1]
    assert sheet.exclusive


@given(
    st.lists(st.sampled_from([0.05, 0.36, 0.49, 0.51, 0.7, 0.9, np.nan]), max_size=40),
    st.integers(0, 12),
    st.booleans(),
)
def test_a_sheet_never_has_more_than_asked_for_nor_a_segment_twice(probabilities, most, alike):
    book = codebook_from_text("name: v\nversion: '1'\ncodes: [{code: a, name: {zh: 甲}}]", "v.yaml")
    texts = [f"第{i // (1 + alike)}句。" for i in range(len(probabilities))]
    frame = picked(labelled(book, probabilities, texts), most=most)
    assert len(frame) <= most
    assert frame["text"].is_unique
    assert frame["picked"].map(PICKS.index).is_monotonic_increasing
    near = frame["picked"] == "doubtful"
    assert ((frame["codes"] == "a") | near).all()
    assert ((frame["probability"] - THRESHOLD).abs()[near] <= NEAR).all()


def test_a_sheet_counts_all_segments_with_the_code_also_those_it_has_no_room_for(tiny_codebook):
    found = labelled(tiny_codebook, [0.9] * 7)
    (sheet, *_) = check_sheets(found, sentences_of_codes(found, None, "zh", 1), most=3)
    assert (sheet.given, len(sheet.frame)) == (7, 3)


# --- what decided ---

CASES = [
    pytest.param("签约医生每月上门给老人量血压，村卫生室为慢性病患者送药。", id="cues of one code"),
    pytest.param("主持人：医生的儿子在村小学领到1,200元助学金。", id="a speaker, a not-cue and a number"),
    pytest.param("交通局１９年把通村公路铺成水泥路，医生２人坐诊。", id="full-width digits"),
    pytest.param("习总书记到村卫生室看望医生，硬化路也修通了。", id="a name that becomes longer"),
    pytest.param("㎞公路\u3000 \u3000医生ｅ\u0301卫生室", id="marks that compose, and white space"),
    pytest.param("无", id="nothing known"),
    pytest.param("，，。", id="marks only"),
    pytest.param("", id="nothing"),
]


def highlighted(model, text, code, most=5):
    """Return what `explain` and `highlights` bring: touching pieces as one, the heaviest of them."""
    (found,) = [e for e in explain(model, text) if e.code == code] if text else [None]
    runs = []
    for start, end, weight in highlights(found) if found else ():
        if runs and runs[-1][1] == start:
            first, _, before = runs.pop()
            runs.append((first, end, before + weight))
        else:
            runs.append((start, end, weight))
    return tuple(text[a:b] for a, b, _ in sorted(sorted(runs, key=lambda run: -run[2])[:most]))


@pytest.mark.parametrize("text", CASES)
def test_the_phrases_are_those_that_the_explanation_highlights(tiny_model, text):
    deciding = DecidingPhrases(tiny_model)
    for code in ("clinic", "school", "road"):
        assert deciding.phrases(text, code) == highlighted(tiny_model, text, code)


@pytest.mark.parametrize("text", CASES)
def test_a_model_without_a_lexicon_has_phrases_of_terms_alone(wordless_model, text):
    deciding = DecidingPhrases(wordless_model)
    for code in ("clinic", "school", "road"):
        assert deciding.phrases(text, code) == highlighted(wordless_model, text, code)


@pytest.mark.parametrize("text", CASES)
def test_phrases_beside_words_of_a_setting_are_those_highlighted(setting_model, text):
    deciding = DecidingPhrases(setting_model)
    for code in ("clinic", "school", "road"):
        assert deciding.phrases(text, code) == highlighted(setting_model, text, code)


@given(
    st.lists(
        st.sampled_from([who for who, _ in PARTS.values() for who in who])
        | st.sampled_from([what for _, what in PARTS.values() for what in what])
        | st.sampled_from([*VILLAGES[:3], "，", "。", "300", "３．５", " "]),
        max_size=8,
    ).map("".join)
)
def test_of_any_text_the_phrases_are_those_highlighted(tiny_model, text):
    deciding = DecidingPhrases(tiny_model)
    assert deciding.phrases(text, "clinic") == highlighted(tiny_model, text, "clinic")


@pytest.fixture(scope="module")
def cued_model(tiny_model):
    """Return the tiny model with cues that no n-gram of it knows, one of them with a number."""
    model = copy.deepcopy(tiny_model)
    cues = {**model.features_.lexicon.cues, "鼋鼍": ("clinic",), "3000蛐": ("clinic", "school")}
    model.features_.lexicon = Lexicon("v", "1", cues, {})
    return model


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        pytest.param("鼋鼍", ("鼋鼍",), id="one cue"),
        pytest.param("蝓3000蛐蝓", ("3000蛐",), id="a cue with a number, which n-grams do not see"),
        pytest.param("鼋鼍蝓" * 40, (), id="so many that each brings next to nothing"),
        pytest.param("鼋鼍蝓" * 2 + "3000蛐", None, id="cues of one code and of two"),
    ],
)
def test_cues_decide_too_and_share_what_their_code_brings(cued_model, text, phrases):
    found = DecidingPhrases(cued_model).phrases(text, "clinic")
    assert found == highlighted(cued_model, text, "clinic")
    assert phrases in (found, None)


def test_a_cue_that_decides_only_beside_a_word_of_the_setting(cued_model):
    model = copy.deepcopy(cued_model)
    cues = {**model.features_.lexicon.cues}
    model.features_.lexicon = Lexicon("v", "1", cues, {}, setting=("蝓",))
    both = np.zeros((len(model.coef_), 3), dtype=np.float32)
    columns = list(model.features_.get_feature_names_out())
    model.coef_ = np.hstack([model.coef_, both])
    for name, weight in (("lexicon:clinic", 0.06), ("setting:clinic", 0.06)):  # of 0.5 each: too weak alone
        model.coef_[0, columns.index(name)] = weight
    deciding = DecidingPhrases(model)
    assert [deciding.phrases(text, "clinic") for text in ("鼋鼍", "鼋鼍蝓")] == [(), ("鼋鼍",)]


def test_a_code_that_the_model_was_not_trained_on_has_no_phrases(tiny_model):
    assert DecidingPhrases(tiny_model).phrases("打井队在山脚打出一眼机井。", "well") == ()


def test_phrases_stand_on_the_sheet_without_the_marks_around_them(tiny_model):
    text = f"{sentence('clinic', 0)}，、。"
    found = labelled(tiny_model.codebook, [0.9], [text])
    about = sentences_of_codes(found, tiny_model, "zh", 1)
    (sheet, *_) = check_sheets(found, about, tiny_model)
    phrases = sheet.frame["decided"][0].split("、")
    assert "医生" in "".join(phrases)
    assert all(phrase in text and phrase.strip("，、。") == phrase for phrase in phrases)


# --- reading back what people filled in ---

SEGMENTS = """\
doc_id,segment_id,text,codes,clinic,school,road,well
007,007#0,医生每月上门。,clinic,0.9,0.1,0.1,
007,007#1,'=医生到小学体检。,clinic;school,0.8,0.7,0.1,
水,水#0,公路修通了。,road,0.1,0.1,0.9,
"""


@pytest.fixture
def book(tmp_path, tiny_codebook):
    """Return a workbook with sheets for checking, as a path."""
    (tmp_path / "l.csv").write_text(SEGMENTS, encoding="utf-8")
    found = read_labelled(tmp_path / "l.csv", tiny_codebook)
    report = make_report(found)
    write_workbook(report, tmp_path / "r.xlsx", list(check_sheets(found, report.codes)))
    return tmp_path / "r.xlsx"


def fill(path, *answers):
    """Fill in rows of sheets: the sheet, the segment, whether it is right, and what it should be."""
    book = openpyxl.load_workbook(path)
    for sheet, segment, right, should_be in answers:
        (row,) = (r for r in book[sheet].iter_rows(2) if r[0].value == segment)
        row[HEADER.index("right? 对否")].value = right
        row[HEADER.index("should be 应为")].value = should_be
    book.save(path)
    return path


def codes_of(frame):
    return dict(zip(frame["segment_id"], frame["codes"], strict=True))


def test_only_what_was_answered_is_read_and_right_answers_change_nothing(book, tiny_codebook):
    found = read_checked(fill(book, ("核对 看病", "007#0", "是", None)), tiny_codebook)
    assert found.to_dict("records") == [
        {"segment_id": "007#0", "doc_id": "007", "text": "医生每月上门。", "codes": "clinic"}
    ]


def test_a_wrong_code_goes_and_one_that_was_overlooked_comes(book, tiny_codebook):
    fill(book, ("核对 看病", "007#0", "否", "well;road"), ("核对 修路", "水#0", "no", None))
    assert codes_of(read_checked(book, tiny_codebook)) == {"007#0": "road;well", "水#0": ""}


def test_what_several_sheets_say_of_a_segment_is_taken_together(book, tiny_codebook):
    fill(book, ("核对 看病", "007#1", "否", None), ("核对 上学", "007#1", "是", "road"))
    found = read_checked(book, tiny_codebook)
    assert codes_of(found) == {"007#1": "school;road"}
    assert found["text"][0] == "=医生到小学体检。"  # the apostrophe is off again


def test_a_code_that_was_wrongly_not_given_comes(tmp_path, tiny_codebook):
    rows = [dict.fromkeys(HEADER, "")]
    rows[0] |= {"segment_id": "山#1", "doc_id": "山", "text": "好", "codes": "road", "code": "clinic"}
    rows[0] |= {"right? 对否": "错"}
    with (tmp_path / "一张.csv").open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, HEADER)
        writer.writeheader()
        writer.writerows(rows)
    assert codes_of(read_checked(tmp_path / "一张.csv", tiny_codebook)) == {"山#1": "clinic;road"}


def test_what_was_read_back_is_a_corpus_to_train_on(book, tiny_codebook, tmp_path):
    from classifier.corpus import read_corpus

    fill(book, ("核对 看病", "007#0", "否", "well"), ("核对 修路", "水#0", "是", None))
    read_checked(book, tiny_codebook).to_csv(tmp_path / "checked.csv", index=False)
    corpus = read_corpus([tmp_path / "checked.csv"], tiny_codebook)
    assert [(s.doc_id, s.codes) for s in corpus.segments] == [("007", ("well",)), ("水", ("road",))]


def test_a_sheet_saved_on_its_own_is_what_label_writes(book, tiny_codebook, tmp_path):
    sheet = openpyxl.load_workbook(book)["核对 看病"]
    stream = io.StringIO()
    csv.writer(stream).writerows(
        [["" if v is None else v for v in row] for row in sheet.iter_rows(values_only=True)]
    )
    (tmp_path / "一张.csv").write_text(stream.getvalue(), encoding="utf-8")
    found = read_labelled(tmp_path / "一张.csv", tiny_codebook)
    assert found.frame["segment_id"].tolist() == ["007#0", "007#1"]
    assert found.given["school"].tolist() == [False, True]


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            [("核对 看病", "007#0", "也许", None)],
            "r.xlsx: sheet '核对 看病': row 1: 'right. 对否' is '也许'",
        ),
        ([("核对 修路", "水#0", "否", "健康")], "r.xlsx: sheet '核对 修路': row 1: unknown code '健康'"),
        (
            [("核对 看病", "007#1", "否", None), ("核对 上学", "007#1", "是", "clinic")],
            "sheet '核对 上学': row 1: adds 'clinic', which r.xlsx: sheet '核对 看病': row 2 takes away",
        ),
    ],
    ids=["neither yes nor no", "no code", "two rows that contradict each other"],
)
def test_an_answer_that_cannot_be_is_told_with_its_place(book, tiny_codebook, answers, message):
    with pytest.raises(InputError, match=message) as caught:
        read_checked(fill(book, *answers), tiny_codebook)
    assert caught.value.hint


def test_where_codes_exclude_each_other_exactly_one_must_be_left(tmp_path):
    codes = "codes: [{code: a, name: {zh: 甲}}, {code: b, name: {zh: 乙}}]"
    book = codebook_from_text(f"name: v\nversion: '1'\nexclusive: true\n{codes}", "v.yaml")
    (tmp_path / "l.csv").write_text("doc_id,segment_id,text,codes\n山,山#0,好。,a\n", encoding="utf-8")
    found = read_labelled(tmp_path / "l.csv", book)
    report = make_report(found)
    out = tmp_path / "r.xlsx"
    write_workbook(report, out, list(check_sheets(found, report.codes)))
    with pytest.raises(InputError, match="row 1: 0 codes, but 'v' wants exactly one"):
        read_checked(fill(out, ("核对 甲", "山#0", "否", None)), book)
    assert codes_of(read_checked(fill(out, ("核对 甲", "山#0", "否", "b")), book)) == {"山#0": "b"}


def test_a_file_without_such_sheets_is_told(tmp_path, tiny_codebook):
    openpyxl.Workbook().save(tmp_path / "x.xlsx")
    (tmp_path / "y.xlsx").write_bytes(b"no workbook")
    (tmp_path / "z.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name, message in (("x.xlsx", "no sheet"), ("y.xlsx", "no Excel workbook"), ("z.csv", "no sheet")):
        with pytest.raises(InputError, match=f"{name}: {message}"):
            read_checked(tmp_path / name, tiny_codebook)


def test_this_process_parses_no_workbook(book, tiny_codebook, monkeypatch):
    fill(book, ("核对 看病", "007#0", "是", None))

    def parsed(*_, **__):
        raise AssertionError("parsed here")

    monkeypatch.setattr(openpyxl, "load_workbook", parsed)
    assert codes_of(read_checked(book, tiny_codebook)) == {"007#0": "clinic"}


def test_what_is_wrong_is_told_with_the_row_of_the_sheet_though_rows_are_empty(tmp_path, tiny_codebook):
    """Office programs write no cells at the end of a row that is not filled in."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("核对")
    header = sorted(HEADER, key=lambda name: name == "should be 应为")  # which stands last, and stays empty
    values = {"segment_id": "山#0", "doc_id": "山", "text": "好。", "codes": "road", "code": "road"}
    sheet.append(header)
    for at, answer in ((2, "是"), (6, "大概")):
        for column, name in enumerate(header[:-1], 1):
            sheet.cell(at, column, (values | {"right? 对否": answer}).get(name))
    book.save(tmp_path / "r.xlsx")
    with pytest.raises(InputError, match=r"r\.xlsx: sheet '核对': row 5: 'right. 对否' is '大概'"):
        read_checked(tmp_path / "r.xlsx", tiny_codebook)


def test_a_row_that_lacks_columns_of_those_before_is_not_passed_over(tmp_path, tiny_codebook):
    row = dict.fromkeys(HEADER, "") | {"segment_id": "山#0", "doc_id": "山", "code": "road"}
    path = tmp_path / "k.jsonl"
    path.write_text(json.dumps(row) + '\n{"segment_id": "山#1"}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"k\.jsonl: row 2: no column 'text'"):
        read_checked(path, tiny_codebook)


def test_a_workbook_with_bits_turned_or_cut_off_is_read_or_refused(book, tiny_codebook):
    whole = fill(book, ("核对 看病", "007#0", "是", None)).read_bytes()
    with Parsers(LIMITS) as parsers:
        for at in range(11, len(whole), len(whole) // 40):
            turned = bytes([*whole[:at], whole[at] ^ (1 << at % 8), *whole[at + 1 :]])
            for data in (turned, whole[:at]):
                book.write_bytes(data)
                with suppress(FupinError):
                    assert set(codes_of(read_checked(book, tiny_codebook, parsers=parsers))) <= {"007#0"}
        book.write_bytes(whole)
        assert codes_of(read_checked(book, tiny_codebook, parsers=parsers)) == {"007#0": "clinic"}
