"""Parquet files read as columns: parsed in another process, and refused in one line whatever is wrong."""

from __future__ import annotations

import io
from contextlib import nullcontext

import hostile_files
import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from classifier import confined
from classifier.codebook import codebook_from_text
from classifier.confined import Parsers
from classifier.errors import InputError
from classifier.labelled import read_labelled
from classifier.limits import LIMITS
from classifier.table_columns import table_columns
from classifier.tables import table_rows

COLUMNS = {
    "doc_id": ["石磨沟"] * 40,
    "segment_id": [f"石磨沟#{n}" for n in range(40)],
    "text": [f"第{n}户的医生每月上门。" for n in range(40)],
    "codes": ["up", ""] * 20,
    "up": [0.75, 0.25] * 20,
}
BOOK = codebook_from_text("name: d\nversion: '1'\ncodes:\n  - {code: up, name: 上}\n", "d.yaml")


def packed(columns=COLUMNS, **options):
    out = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), out, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def parsers():
    """Return processes that parse, started once for all files."""
    with Parsers(LIMITS) as ours:
        yield ours


@pytest.fixture
def shared(parsers, monkeypatch):
    monkeypatch.setattr(confined, "Parsers", lambda _: nullcontext(parsers))


def read(folder, data, name="l.parquet"):
    """Read bytes as columns; return these, or the error that they are refused with."""
    path = folder / name
    path.write_bytes(data)
    try:
        return table_columns(path, ["text"], "name another")
    except InputError as error:
        for line in (str(error), error.hint):
            assert line, "nothing said"
            assert "\n" not in line, "not one line"
        return error


# --- where it is parsed ---


def test_this_process_parses_no_parquet_file(tmp_path, monkeypatch):
    def parsed(*_, **__):
        raise AssertionError("parsed here")

    data = packed()
    for name in ("ParquetFile", "read_table", "read_metadata"):
        monkeypatch.setattr(parquet, name, parsed)
    assert read(tmp_path, data)["text"].tolist() == COLUMNS["text"]


def test_a_parser_that_breaks_down_takes_nothing_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(confined, "_PROGRAM", "import os; os.abort()")
    error = read(tmp_path, packed())
    assert str(error).endswith("l.parquet: its parser broke down at it (signal 6)")


def test_the_report_of_a_damaged_file_is_one_line_and_a_hint(tmp_path, fupin_here):
    (tmp_path / "l.parquet").write_bytes(packed()[:-300])
    ran = fupin_here("report", tmp_path / "l.parquet", "-o", tmp_path / "r.html")
    assert ran.code == 1
    error, hint = ran.err.splitlines()
    assert "l.parquet: no Parquet file, or a damaged one (" in error
    assert "write it again, or as CSV" in hint
    assert not (tmp_path / "r.html").exists()


# --- what is in it ---


def test_all_rows_come_in_order_whatever_the_groups_of_the_file_are(tmp_path, shared):
    columns = {"text": [f"第{n}户" for n in range(3500)], "n": list(range(3500))}
    found = read(tmp_path, packed(columns, row_group_size=700))
    assert {name: values.tolist() for name, values in found.items()} == columns
    assert found["n"].dtype == np.int64
    assert all(isinstance(values, pd.Series) and values.index[-1] == 3499 for values in found.values())


def test_a_file_without_rows_has_its_columns(tmp_path, shared):
    found = read(tmp_path, packed({"text": pyarrow.array([], pyarrow.string()), "n": [0][:0]}))
    assert [(name, len(values)) for name, values in found.items()] == [("text", 0), ("n", 0)]
    assert "no column 'text'" in str(read(tmp_path, packed({"n": pyarrow.array([], pyarrow.int8())})))


def test_a_column_that_stands_twice_is_refused(tmp_path, shared):
    table = pyarrow.Table.from_arrays([pyarrow.array(["路"])] * 2, names=["text", "text"])
    assert "column 'text' stands twice" in str(read(tmp_path, packed(table)))


def test_texts_of_which_a_file_says_each_once_are_texts(tmp_path, shared):
    """Arrow would make a categorical of them, which nothing that follows knows."""
    found = read(tmp_path, packed({"text": pyarrow.array(["村", "村", None]).dictionary_encode()}))
    assert found["text"].fillna("").tolist() == ["村", "村", ""]
    assert not isinstance(found["text"].dtype, pd.CategoricalDtype)


def test_lists_and_mappings_are_read(tmp_path, shared):
    pairs = pyarrow.array([[("a", 1)], []], pyarrow.map_(pyarrow.string(), pyarrow.int64()))
    found = read(tmp_path, packed({"text": ["修", "路"], "list": [["up"], []], "pairs": pairs}))
    assert [list(value) for value in found["list"]] == [["up"], []]
    assert [list(value) for value in found["pairs"]] == [[("a", 1)], []]


# --- what is wrong with it ---

HOSTILE = {
    "nothing": b"",
    "only its ends": b"PAR1PAR1",
    "a footer longer than the file": packed()[:-8] + b"\xff\xff\xff\x7fPAR1",
    "a footer of nothing": packed()[:-8] + b"\0\0\0\0PAR1",
    "a footer that is cut off": packed()[:-40] + packed()[-8:],
    "the footer of another file": packed()[:400] + packed({"text": ["路"] * 9_000})[-900:],
    "a table of another kind": b"text\n\xe8\xb7\xaf\n",
    "a bomb": hostile_files.repeated("修路。" * 2_000, 100_000),
    "a row too large": hostile_files.long_list(),
    "lists in lists": hostile_files.lists_in_lists(300),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_refused_in_a_line_with_a_hint_that_can_be_followed(tmp_path, shared, kind):
    error = read(tmp_path, HOSTILE[kind])
    assert isinstance(error, InputError)
    assert "--limit" not in error.hint, "an option that these commands do not have"


def test_a_file_cut_off_anywhere_is_refused(tmp_path, shared):
    data = packed()
    for end in range(0, len(data) - 1, 31):
        assert isinstance(read(tmp_path, data[:end]), InputError), end


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_file_with_bits_turned_is_read_or_refused_and_the_next_is_read(tmp_path_factory, parsers, data):
    """Most of all in the footer, which says where everything stands and how much of it there is."""
    whole = packed()
    broken = bytearray(whole)
    footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(footer, len(whole) - 1), st.integers(0, len(whole) - 1)))
        broken[at] ^= 1 << data.draw(st.integers(0, 7))
    folder = tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(confined, "Parsers", lambda _: nullcontext(parsers))
        found = read(folder, bytes(broken))
        assert isinstance(found, dict | InputError)
        assert read(folder, whole)["text"].tolist() == COLUMNS["text"]


ODD = {
    "a day after the year 9999": pyarrow.array([2**31 - 1], pyarrow.date32()),
    "a time zone that there is not": pyarrow.array([0], pyarrow.timestamp("us", "Mars/Phobos")),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_value_that_python_has_not_is_told_with_its_column(tmp_path, shared, kind):
    data = packed({"text": ["修路。"], "日期": ODD[kind]})
    assert "l.parquet: column '日期' holds what cannot be read (" in str(read(tmp_path, data))
    with pytest.raises(InputError, match="column '日期' holds what cannot be read"):
        list(table_rows(tmp_path / "l.parquet"))


def test_rows_tell_of_a_time_that_only_columns_can_hold(tmp_path, shared):
    data = packed({"text": ["修路。"], "日期": pyarrow.array([2**62], pyarrow.timestamp("us"))})
    assert read(tmp_path, data)["日期"][0].year > 9999
    with pytest.raises(InputError, match="column '日期' holds what cannot be read"):
        list(table_rows(tmp_path / "l.parquet"))


def test_labelled_segments_come_through_whole(tmp_path, shared):
    (tmp_path / "l.parquet").write_bytes(packed())
    found = read_labelled(tmp_path / "l.parquet", BOOK)
    assert found.frame["text"].tolist() == COLUMNS["text"]
    assert found.given["up"].tolist() == [True, False] * 20
    assert found.probabilities["up"].tolist() == COLUMNS["up"]
