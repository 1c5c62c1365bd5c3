"""`fupin report` as it is used: options, formats, and what it says of mistakes."""

from __future__ import annotations

import json

import pytest

HEADER = "doc_id,segment_id,text,codes,clinic,school,road,well,date,province\n"
ROWS = """\
山.txt,山.txt#0,签约医生每月上门。,clinic,0.9,0.01,0.01,,2018年3月,云岭
山.txt,山.txt#1,村小学发放助学金。,school,0.01,0.9,0.01,,2018年3月,云岭
水.txt,水.txt#0,公路修通了。,road,0.01,0.01,0.9,,2020,白河
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "l.csv"
    path.write_text(HEADER + ROWS, encoding="utf-8")
    return path


@pytest.fixture
def report(fupin_here, tiny_model_folder):
    return lambda *arguments: fupin_here("report", *arguments, "-m", tiny_model_folder)


def test_trend_groups_and_comparison_are_there_when_asked_for(report, table, tmp_path):
    other = tmp_path / "别处.jsonl"
    other.write_text(
        '{"doc_id": "东", "segment_id": "东#0", "text": "公路。", "codes": "road"}\n', encoding="utf-8"
    )
    out = tmp_path / "r.json"
    ran = report(table, "--by", "province", "--against", other, "-o", out)
    assert (ran.code, ran.out, ran.err) == (0, b"", f"report written to {out}\n")
    made = json.loads(out.read_text(encoding="utf-8"))
    assert list(made["parts"]) == ["summary", "shares", "trend", "groups", "together", "against", "drift"]
    assert made["against"] == "别处.jsonl"
    trend = next(t for t in made["tables"] if t["name"] == "trend")
    assert [row[2] for row in trend["rows"][:3]] == ["2018", "2019", "2020"]


def test_the_column_of_dates_is_the_one_that_is_named(report, tmp_path):
    path = tmp_path / "l.csv"
    path.write_text(HEADER.replace("date", "发布") + ROWS, encoding="utf-8")
    assert "2019" not in report(path).text
    assert "| 看病 | clinic | 2019 | 0 | 0 |" in report(path, "--date-column", "发布").text


def test_every_format_of_the_same_labels_gives_the_same_report(report, table, tmp_path):
    import pandas as pd

    frame = pd.read_csv(table, dtype={"date": str})
    frame["well"] = frame["well"].astype(float)
    frame.to_parquet(tmp_path / "l.parquet")
    frame.to_json(tmp_path / "l.jsonl", orient="records", lines=True, force_ascii=False)
    frame.to_excel(tmp_path / "l.xlsx", index=False)
    texts = [report(table).text]
    texts += [
        report(tmp_path / name).text.replace(name, "l.csv") for name in ("l.parquet", "l.jsonl", "l.xlsx")
    ]
    assert len(texts[0]) > 3000
    assert texts == [texts[0]] * 4


def test_the_report_says_what_decided(report, table):
    (line,) = (x for x in report(table).text.splitlines() if x.startswith("- 签约医生每月上门。"))
    assert "医生" in line.partition("〔")[2]


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["--by", "county"], "l.csv: no column 'county'", "province"),
        (["--date-column", "text"], "l.csv: column 'text' has no date that can be read", "2019-10-17"),
        (["--scheme", "three-kinds"], "village: no scheme 'three-kinds'", "two-kinds"),
        (["--against", "nowhere.csv"], "nowhere.csv: no such file", "path"),
        (["-o", "r.pdf"], "r.pdf: unknown format '.pdf'", ".json"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(report, table, arguments, message, hint):
    ran = report(table, *arguments)
    assert ran.code == 1
    assert ran.out == b""
    error, remedy = ran.problem
    assert message in error
    assert hint in remedy
    assert len(ran.err.splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "l.csv: no column 'doc_id'"),
        ("text,codes\n好,\n", "l.csv: no column 'doc_id'"),
        (HEADER + ROWS + ROWS, "l.csv: row 4: segment_id '山.txt#0' stands in row 1 already"),
        (HEADER + ROWS.replace("road,", "market,"), "l.csv: row 3: unknown code 'market'"),
        (
            HEADER + ROWS.replace("0.9,0.01,0.01", "高,0.01,0.01"),
            "l.csv: row 1: probability of 'clinic' is '高'",
        ),
        (HEADER + "甲,甲#0\n", "row 1 has 2 cells, the header 10"),
    ],
)
def test_a_file_that_is_no_labelled_one_is_told_with_its_row(report, table, content, message):
    table.write_text(content, encoding="utf-8")
    ran = report(table)
    assert ran.code == 1
    assert message in ran.problem[0]
    assert ran.problem[1].startswith("hint: ")


def test_a_language_that_there_is_not_is_a_mistake_of_use(report, table):
    assert report(table, "--lang", "fr").code == 2


def test_an_output_of_label_without_segments_makes_an_empty_report_that_needs_attention(report, table):
    table.write_text(HEADER, encoding="utf-8")
    ran = report(table)
    assert ran.code == 3
    assert "这批数据没有语段" in ran.text
    assert "no segments" in ran.err
