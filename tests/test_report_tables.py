"""The tables of a report: figures that can be counted by hand, and axes that pictures can rely on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from classifier.codebook import codebook_from_text
from classifier.drift import Drift, Row
from classifier.drift_tables import drift_tables
from classifier.errors import CodebookError, InputError
from classifier.evaluation_tables import CodeFigures, ModelFigures, TextFigures
from classifier.labelled import Labelled
from classifier.report import make_report
from classifier.report_tables import Column, Table
from classifier.report_texts import LANGUAGES, report_texts
from classifier.shares import wilson

CODES = ("clinic", "school", "road", "well")
# Three documents, six segments. By hand: clinic 3 segments of 6 in 2 documents of 3; school 2 in 1;
# road 1 in 1; well none. 公共服务 (clinic or school): 3 in 2; 基础设施 (road or well): 1 in 1.
# Segments with a measure: 4; with two or more: 2.
SEGMENTS = (
    ("山.txt", "clinic", "2018", "云岭"),
    ("山.txt", "clinic;school", "2018", "云岭"),
    ("山.txt", "clinic;school", "2018", "云岭"),
    ("水.txt", "road", "2019年3月", "白河"),
    ("水.txt", "", "2019年3月", "白河"),
    ("田.txt", "", "不详", ""),
)


def labelled(codebook, segments=SEGMENTS, source="本批.csv"):
    """Return labelled segments: document, codes, date, province."""
    codes = [row[1].split(";") for row in segments]
    given = pd.DataFrame(
        [[c in of for c in codebook.columns] for of in codes], columns=list(codebook.columns)
    )
    frame = pd.DataFrame(
        {
            "doc_id": [row[0] for row in segments],
            "segment_id": [f"{row[0]}#{i}" for i, row in enumerate(segments)],
            "text": [f"第{i}句。" for i in range(len(segments))],
            "date": [row[2] for row in segments],
            "province": [row[3] for row in segments],
        }
    )
    unknown = pd.DataFrame(np.nan, index=frame.index, columns=list(codebook.columns))
    return Labelled(source, codebook, frame, given.astype(bool), unknown)


@pytest.fixture
def report(tiny_codebook):
    def make(segments=SEGMENTS, **options):
        return make_report(labelled(tiny_codebook, segments), **options)

    return make


def records(table):
    """Return the rows of a table by their columns' names."""
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def picked(table, *names):
    return [tuple(row[name] for name in names) for row in records(table)]


# --- the corpus and its categories ---


def test_the_summary_counts_documents_and_segments_with_and_without_a_measure(report):
    assert picked(report().table("summary"), "item", "count", "share") == [
        ("documents", 3, None),
        ("segments", 6, None),
        ("coded", 4, 4 / 6),
        ("uncoded", 2, 2 / 6),
        ("several", 2, 2 / 6),
        ("coded_documents", 2, 2 / 3),
        ("uncoded_documents", 1, pytest.approx(1 / 3)),
    ]


def test_with_and_without_a_measure_have_intervals_that_mirror_each_other(report):
    rows = {row["item"]: row for row in records(report().table("summary"))}
    for one, other in (("coded", "uncoded"), ("coded_documents", "uncoded_documents")):
        assert rows[one]["low"] == pytest.approx(1 - rows[other]["high"])
        assert rows[one]["high"] == pytest.approx(1 - rows[other]["low"])


def test_codes_are_counted_in_segments_and_in_documents(report):
    table = report().table("shares")
    assert picked(table, "category", "code", "segments", "share", "documents", "document_share") == [
        ("看病", "clinic", 3, 3 / 6, 1, 1 / 3),
        ("上学", "school", 2, 2 / 6, 1, 1 / 3),
        ("修路", "road", 1, 1 / 6, 1, 1 / 3),
        ("打井", "well", 0, 0.0, 0, 0.0),
    ]
    low, high = wilson(1 / 3, 3)
    assert picked(table, "document_low", "document_high")[0] == pytest.approx((float(low), float(high)))


def test_a_segment_with_two_codes_of_one_category_counts_once_in_it(report):
    table = report().table("shares.two-kinds")
    assert picked(table, "category", "segments", "share", "documents") == [
        ("公共服务", 3, 3 / 6, 1),
        ("基础设施", 1, 1 / 6, 1),
    ]
    assert (table.scheme, table.topic) == ("two-kinds", "shares")
    assert "测试用" in table.note


def test_the_schemes_shown_can_be_chosen(report):
    assert report(schemes=[]).schemes == ()
    assert [view.name for view in report(schemes=["two-kinds"]).schemes] == ["two-kinds"]
    assert dict(report().schemes[0].categories) == {
        "公共服务": ("clinic", "school"),
        "基础设施": ("road", "well"),
    }
    with pytest.raises(CodebookError, match="no scheme 'three-kinds'") as caught:
        report(schemes=["three-kinds"])
    assert "two-kinds" in caught.value.hint


# --- over time ---


def test_the_trend_counts_each_category_in_each_period_and_says_what_has_no_date(report):
    table = report().table("trend")
    rows = picked(table, "code", "period", "segments", "of_segments", "share", "documents")
    assert rows[:4] == [
        ("clinic", "2018", 3, 3, 1.0, 1),
        ("clinic", "2019", 0, 2, 0.0, 0),
        ("school", "2018", 2, 3, 2 / 3, 1),
        ("school", "2019", 0, 2, 0.0, 0),
    ]
    assert len(rows) == 8
    assert "1个语段" in table.note
    assert "16.7%" in table.note
    assert len(report().table("trend.two-kinds").rows) == 4


def test_without_dates_or_with_but_one_period_there_is_no_trend(report):
    for dates in (["", "", ""], ["2019", "2019", ""]):
        segments = [("山.txt", "clinic", d, "") for d in dates]
        assert not [t for t in report(segments).tables if t.topic == "trend"]
        assert report(segments).warnings == report([("山.txt", "clinic", "", "")] * 3).warnings


def test_dates_that_cannot_be_read_are_told_and_those_asked_for_are_an_error(report):
    segments = [("山.txt", "clinic", "去年", "")] * 2
    assert any("2个值不能识别为日期" in warning for warning in report(segments).warnings)
    with pytest.raises(InputError, match=r"本批\.csv: column 'date' has no date that can be read") as caught:
        report(segments, date_column="date")
    assert "2019年10月17日" in caught.value.hint


def test_the_column_of_dates_can_be_named(report):
    segments = [("山.txt", "clinic", "", "2018"), ("山.txt", "clinic", "", "2019")]
    assert set(report(segments, date_column="province").table("trend").values("period")) == {"2018", "2019"}


@pytest.mark.parametrize("option", ["date_column", "by"])
def test_a_column_that_is_not_there_is_an_error_that_lists_those_that_are(report, option):
    with pytest.raises(InputError, match=r"no column 'county'$") as caught:
        report(**{option: "county"})
    assert "doc_id, segment_id, text, date, province" in caught.value.hint


# --- between groups ---


def test_groups_are_compared_in_the_order_of_their_size_and_empty_cells_named(report):
    table = report(by="province").table("groups")
    assert picked(table, "code", "group", "segments", "of_segments", "share")[:3] == [
        ("clinic", "云岭", 3, 3, 1.0),
        ("clinic", "白河", 0, 2, 0.0),
        ("clinic", "未注明", 0, 1, 0.0),
    ]
    assert table.columns[2].title == "province"
    assert "province" in table.title


def test_many_groups_are_put_together_and_that_is_said(report):
    segments = [(f"{i}.txt", "clinic", "", f"县{i}") for i in range(35)]
    table = report(segments, by="province", lang="en").table("groups")
    assert table.values("group")[30] == "other 5 groups"
    assert "30 groups" in table.note
    assert "“other 5 groups”" in table.note


def test_without_a_column_to_group_by_there_are_no_groups(report):
    assert not [t for t in report().tables if t.topic == "groups"]


# --- together ---


def test_codes_of_the_same_segment_are_counted_in_both_directions(report):
    rows = picked(report().table("together"), "code", "second_code", "both", "share", "lift", "jaccard")
    # of 3 segments with clinic 2 have school; of 2 with school both have clinic; P(a) P(b) = 3/6 · 2/6
    assert rows == [
        ("clinic", "school", 2, 2 / 3, pytest.approx((2 / 6) / (3 / 6 * 2 / 6)), 2 / 3),
        ("school", "clinic", 2, 1.0, pytest.approx(2.0), 2 / 3),
    ]


def test_with_very_many_codes_only_the_most_frequent_are_looked_at_together():
    codes = "".join(f"\n  - {{code: c{i:02d}, name: 类{i}}}" for i in range(45))
    book = codebook_from_text(f'name: many\nversion: "1"\ncodes:{codes}', "many.yaml")
    every = ";".join(book.columns)
    table = make_report(
        labelled(book, [("甲", every, "", ""), ("乙", ";".join(book.columns[5:]), "", "")])
    ).table("together")
    assert len(table.rows) == 40 * 39
    assert set(table.values("code")) == set(book.columns[5:])
    assert "40" in table.note


def test_codes_that_exclude_each_other_never_stand_together():
    book = codebook_from_text(
        'name: news\nversion: "1"\nexclusive: true\ncodes: [{code: a, name: 甲}, {code: b, name: 乙}]',
        "news.yaml",
    )
    made = make_report(labelled(book, [("甲", "a", "", ""), ("乙", "b", "", "")]))
    assert [t.name for t in made.tables] == ["summary", "shares"]


# --- side by side ---


def test_two_corpora_stand_side_by_side_with_their_difference(report, tiny_codebook):
    other = labelled(tiny_codebook, [("东.txt", "road", "", ""), ("西.txt", "", "", "")] * 2, "别处.csv")
    made = report(against=other)
    table = made.table("against")
    assert made.against == "别处.csv"
    assert "别处.csv" in table.note
    here = picked(table, "code", "segments", "share", "there_segments", "there_share", "difference")
    assert here[0] == ("clinic", 3, 0.5, 0, 0.0, 0.5)
    assert here[2] == ("road", 1, 1 / 6, 2, 0.5, pytest.approx(1 / 6 - 1 / 2))
    for row in records(table):
        assert row["difference_low"] <= row["difference"] <= row["difference_high"]
    assert "相同" not in table.note


def test_documents_that_stand_in_both_corpora_are_told(report, tiny_codebook):
    made = report(against=labelled(tiny_codebook, SEGMENTS[:4]))
    assert "2篇文章编号相同" in made.table("against").note


# --- how right the model is ---

FIGURES = ModelFigures(
    codes=(
        CodeFigures("clinic", True, 120, 0.9, 0.8, 0.847, {"dev": (0.7, 31)}),
        CodeFigures("well", False, 3, None, None, None),
    ),
    texts=(TextFigures("articles held out", 900, 40, 300, 0.8, 0.75, 0.85, 0.6, None),),
)


def test_what_the_model_folder_says_of_its_figures_becomes_tables(report):
    made = report(figures=FIGURES, lang="en")
    names = ("code", "trained", "support", "precision", "recall", "f1", "f1.dev", "support.dev")
    assert picked(made.table("quality"), *names) == [
        ("clinic", True, 120, 0.9, 0.8, 0.847, 0.7, 31),
        ("well", False, 3, None, None, None, None, None),
    ]
    assert made.table("quality.texts").rows == (
        ("documents held out of training", 900, 40, 300, 0.8, 0.75, 0.85, 0.6, None),
    )


def test_a_model_folder_without_figures_makes_no_table_of_them(report):
    assert "quality" not in report(figures=ModelFigures((), ())).parts


# --- how unlike the training corpus the text is ---


@pytest.mark.parametrize("lang", LANGUAGES)
def test_measures_of_unlikeness_become_a_table_of_shares_and_one_of_others(lang):
    rows = (
        Row("unseen", 0.31, 0.02, 0.01, 0.04, True),
        Row("near", 0.1, 0.09, 0.05, 0.15),
        Row("length", 38.9),
    )
    drift = Drift(3, 6, rows, compared=True)
    shares, lengths = drift_tables(drift, lang, report_texts(lang))
    names = ("item", "value", "reference", "usual_low", "usual_high", "unlike")
    assert picked(shares, *names) == [
        ("unseen", 0.31, 0.02, 0.01, 0.04, True),
        ("near", 0.1, 0.09, 0.05, 0.15, False),
    ]
    assert picked(lengths, *names) == [("length", 38.9, None, None, None, None)]
    assert (shares.kinds[2:6], lengths.kinds[2:6]) == (("share",) * 4, ("number",) * 4)
    assert shares.note == drift.verdict(lang)


def test_text_unlike_the_training_corpus_is_told_before_the_figures(tiny_model, monkeypatch):
    segments = labelled(tiny_model.codebook)
    plain = make_report(segments, model=tiny_model)
    assert {t.name for t in plain.tables if t.topic == "drift"} == {"drift", "drift.lengths"}
    drift = Drift(3, 6, (Row("unseen", 0.31, 0.02, 0.01, 0.04, True),), compared=True)
    monkeypatch.setattr("classifier.report.drift_of", lambda *_: drift)
    warned = make_report(segments, model=tiny_model).warnings
    assert set(warned) - set(plain.warnings) == set(drift.warnings("zh"))
    assert len(drift.warnings("zh")) == 2


# --- what a reader must be told ---


def test_few_documents_are_told(report):
    assert any("3篇" in warning for warning in report().warnings)
    many = [(f"{i}.txt", "", "", "") for i in range(20)]
    assert report(many).warnings == ()


def test_one_document_has_no_interval_and_that_is_told(report):
    made = report([("山.txt", "clinic", "", ""), ("山.txt", "", "", "")])
    assert any("只有一篇" in warning for warning in made.warnings)
    assert picked(made.table("shares"), "share", "low", "high")[0] == (0.5, None, None)


def test_no_segments_make_a_report_without_figures(report):
    made = report([], by="province")
    assert made.warnings == ("这批数据没有语段。",)
    assert picked(made.table("summary"), "count", "share")[0] == (0, None)
    assert picked(made.table("shares"), "segments", "share", "low", "document_share")[0] == (
        0,
        None,
        None,
        None,
    )
    assert made.table("groups").rows == made.table("together").rows == ()


# --- what pictures, workbooks and pages rely on ---


@pytest.fixture(params=LANGUAGES)
def full(report, tiny_codebook, request):
    other = labelled(tiny_codebook, SEGMENTS[:5], "别处.csv")
    return report(by="province", against=other, figures=FIGURES, lang=request.param)


def test_every_part_of_the_report_is_there_in_the_order_in_which_people_read(full):
    assert list(full.parts) == ["summary", "shares", "trend", "groups", "together", "against", "quality"]
    assert all(full.parts.values())


def test_names_of_tables_and_titles_of_columns_are_unique(full):
    names = [t.name for t in full.tables]
    assert len(set(names)) == len(names)
    for table in full.tables:
        for what in ("name", "title"):
            found = [getattr(c, what) for c in table.columns]
            assert len(set(found)) == len(found), (table.name, found)
        assert table.title


def test_cells_are_what_their_column_says(full):
    types = {"key": str, "text": str, "id": str, "count": int, "flag": bool}
    for table in full.tables:
        for column, kind in zip(table.columns, table.kinds, strict=True):
            for value in table.values(column.name):
                assert value is None or type(value) is types.get(column.kind, float), (table.name, column)
                if kind == "share" and value is not None:
                    assert 0 <= value <= 1


def test_intervals_hold_the_figure_they_belong_to(full):
    for table in full.tables:
        figure = None
        for column in table.columns:
            if column.kind in ("share", "difference", "number"):
                figure = column.name
            if column.kind in ("low", "high"):
                for value, end in zip(table.values(figure), table.values(column.name), strict=True):
                    if end is not None:
                        assert (end <= value + 1e-12) if column.kind == "low" else (end >= value - 1e-12)


def test_pictures_draw_columns_that_are_there_and_each_of_their_fields_once(full):
    for table in full.tables:
        if table.picture is None:
            continue
        kinds = {c.name: c.kind for c in table.columns}
        drawn = table.picture
        assert kinds[drawn.label] == "text"
        assert kinds[drawn.value] in ("share", "difference", "number")
        assert not drawn.low or (kinds[drawn.low], kinds[drawn.high]) == ("low", "high")
        assert bool(drawn.across) == (drawn.kind != "bars")
        fields = picked(table, drawn.label, *([drawn.across] if drawn.across else []))
        assert len(set(fields)) == len(fields)


def test_two_codes_of_one_name_are_told_apart():
    book = codebook_from_text(
        'name: v\nversion: "1"\ncodes: [{code: a, name: 看病}, {code: b, name: 看病}, {code: c, name: 修路}]',
        "v.yaml",
    )
    table = make_report(labelled(book, [("甲", "a;b", "", "")])).table("shares")
    assert table.values("category") == ("看病 (a)", "看病 (b)", "修路")


def test_a_row_that_does_not_fit_its_columns_is_refused():
    with pytest.raises(ValueError, match="table t: 2 cells in 1 columns"):
        Table("t", "题", "", (Column("a", "甲", "text"),), (("x", "y"),), "summary")


def test_what_only_programs_need_is_left_out_for_people(report):
    table = report().table("summary")
    assert [c.name for c in table.for_people.columns] == [c.name for c in table.columns][1:]
    assert table.for_people.rows[0] == table.rows[0][1:]
    with pytest.raises(KeyError, match="item"):
        table.for_people.values("item")


def test_ends_of_intervals_are_shown_like_the_figure_they_bound(full):
    kinds = dict(
        zip((c.name for c in full.table("against").columns), full.table("against").kinds, strict=True)
    )
    assert kinds["there_low"] == "share"
    assert kinds["difference_low"] == "difference"
    texts = full.table("quality.texts")
    assert dict(zip((c.name for c in texts.columns), texts.kinds, strict=True))["low"] == "number"


def test_a_table_that_there_is_not_is_a_key_error(report):
    with pytest.raises(KeyError, match="shares of nothing"):
        report().table("shares of nothing")
