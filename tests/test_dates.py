"""Dates as Chinese documents write them, and the periods they fall into."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.dates import GAPS_SHOWN, Month, periods, read_date

HAN = "〇一二三四五六七八九"


def in_han(n):
    """Return a number from 1 to 31 as it is said: 十, 十七, 二十, 三十一."""
    tens, ones = divmod(n, 10)
    return ("" if not tens else "十" if tens == 1 else f"{HAN[tens]}十") + (HAN[ones] if ones else "")


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_day_is_read_in_each_way_of_writing_it(day):
    y, m, d = day.year, day.month, day.day
    for text in (
        day.isoformat(),
        f"{y}/{m}/{d}",
        f"{y}.{m:02d}.{d:02d}",
        f"{y}{m:02d}{d:02d}",
        f"{y}年{m}月{d}日",
        f" {y} 年 {m} 月 {d} 日 15:00",
        f"{day.isoformat()}T08:30:00+08:00",
        f"{day.isoformat()} 08:30",
        f"{y}年{m}月{d}日星期四",
        "".join(HAN[int(c)] for c in str(y)) + f"年{in_han(m)}月{in_han(d)}日",
        f"{y}年{m}月",
        f"{y}-{m:02d}",
        f"{y}/{m}",
    ):
        assert read_date(text) == Month(y, m), text


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2019", Month(2019)),
        ("2019年", Month(2019)),
        ("２０１９年１０月", Month(2019, 10)),
        (2019, Month(2019)),
        (2019.0, Month(2019)),
        (date(2019, 10, 17), Month(2019, 10)),
        (datetime(2019, 10, 17, 8), Month(2019, 10)),
        (pd.Timestamp("2019-10-17"), Month(2019, 10)),
    ],
)
def test_years_and_values_that_are_dates_are_read(value, wanted):
    assert read_date(value) == wanted


@pytest.mark.parametrize(
    "value",
    [
        "",
        "无",
        "2019-13",
        "2019-02-30",
        "17/10/2019",
        "1017",
        "12019",
        "2019-10/17",
        "1899年",
        "2100",
        "第2019号",
        None,
        float("nan"),
        pd.NaT,
        3.5,
        True,
    ],
)
def test_what_is_no_date_is_not_read_as_one(value):
    assert read_date(value) is None


def names(*values):
    return periods(pd.Series(values)).names


def test_a_short_span_is_divided_finely_and_a_long_one_into_years():
    assert names("2019-11", "2020-02") == ("2019-11", "2019-12", "2020-01", "2020-02")
    assert names("2018-01", "2019-06")[-1] == "2019-06"  # 18 months
    assert names("2018-01", "2019-07") == (
        "2018-Q1",
        "2018-Q2",
        "2018-Q3",
        "2018-Q4",
        "2019-Q1",
        "2019-Q2",
        "2019-Q3",
    )
    assert names("2016-01", "2019-12")[-1] == "2019-Q4"  # 48 months
    assert names("2016-01", "2020-01") == ("2016", "2017", "2018", "2019", "2020")


def test_a_date_without_a_month_makes_years_of_all():
    assert names("2019-11", "2020") == ("2019", "2020")


def test_each_segment_falls_into_the_period_of_its_date():
    found = periods(pd.Series(["2020-02-03", "2019年12月", "不详", "", None, "2020/2/28"]))
    assert [found.names[i] if i >= 0 else None for i in found.number] == [
        "2020-02",
        "2019-12",
        None,
        None,
        None,
        "2020-02",
    ]
    assert (found.unit, found.unreadable, found.empty) == ("month", 1, 2)


def test_quarters_begin_in_january_april_july_and_october():
    found = periods(pd.Series([f"2018-{m:02d}" for m in range(1, 13)] + ["2020-01"]))
    assert [found.names[i] for i in found.number[:12]] == [
        f"2018-Q{q}" for q in (1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4)
    ]


def test_periods_without_a_segment_are_named_unless_there_are_a_great_many():
    assert names("1980", "1982") == ("1980", "1981", "1982")
    assert len(names("1949", "2008")) == GAPS_SHOWN
    assert names("1949", "2009") == ("1949", "2009")


@pytest.mark.parametrize("values", [[], [None, ""], ["无"]])
def test_without_a_date_there_is_no_period(values):
    found = periods(pd.Series(values, dtype=object))
    assert found.names == ()
    assert found.number.tolist() == [-1] * len(values)


def test_times_and_whole_numbers_of_a_column_are_read_as_well():
    assert periods(pd.Series(pd.to_datetime(["2019-10-17", None]))).names == ("2019-10",)
    assert periods(pd.Series([2019, None, 2020])).names == ("2019", "2020")
