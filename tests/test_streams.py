"""Reading big files a little at a time: encodings, lines, tables, and the fingerprint of inputs."""

from __future__ import annotations

import gzip
import io
import json
import os
import tracemalloc
from contextlib import contextmanager
from datetime import date

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from classifier.confined import Parsers
from classifier.documents import Document, Reading, documents, fingerprint, size_of
from classifier.errors import InputError
from classifier.limits import Limits
from classifier.parquet_files import BATCH, BATCH_BYTES, parquet_batches
from classifier.tables import table_rows
from classifier.text_files import BLOCK, Blocks, encoding_of, read_text
from classifier.text_lines import lines_of

SENTENCE = "村里修好了水渠，药费减半。"
CODECS = ["utf-8", "utf-8-sig", "utf-16", "gb18030", "big5"]


def blocks(data, size):
    return [data[i : i + size] for i in range(0, len(data), size)]


def found(data_blocks, encoding=None):
    """Return the encoding of bytes, or the message that refuses them."""
    try:
        return encoding_of(data_blocks, "a.txt", encoding)
    except InputError as error:
        return str(error)


# --- encodings, block by block ---


@given(
    st.text("村里修渠a，\n", min_size=2),
    st.sampled_from(CODECS),
    st.sampled_from([b"", b"\x80", b"\xe6\x9d"]),
)
def test_the_encoding_is_the_same_in_blocks_of_any_size(text, codec, behind):
    data = text.encode(codec) + behind
    for encoding in (None, codec.removesuffix("-sig")):
        whole = found([data], encoding)
        assert {found(blocks(data, size), encoding) for size in range(3, len(data) + 1)} <= {whole}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"ab\xff\xff", "neither UTF-8 (byte 2) nor GB18030", id="bytes of no encoding"),
        pytest.param(SENTENCE.encode()[:-1], "neither UTF-8 (byte 36) nor GB18030", id="UTF-8 cut off"),
        pytest.param("標題：鄉鎮".encode("big5"), "neither UTF-8 (byte 0) nor GB18030", id="Big5"),
        pytest.param(b"ok " * 5 + "鄉鎮".encode("big5"), "neither UTF-8 (byte 15) nor GB18030", id="later"),
    ],
)
def test_the_first_wrong_byte_is_counted_from_the_beginning_of_the_file(data, message, size):
    assert found(blocks(data, size)) == f"a.txt: {message}"


def test_bytes_of_a_bom_in_a_later_block_are_none():
    first, second = (SENTENCE * 10).encode("gb18030"), "锘库房".encode("gb18030")  # EF BB BF …
    assert found([first + second]) == "gb18030"
    assert found([first, second]) == "gb18030"


def test_no_bytes_are_utf8():
    assert found([]) == found([b""]) == "utf-8"


# --- lines ---


def written(path, data):
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz"])
@pytest.mark.parametrize("codec", [c for c in CODECS if c != "big5"])
@pytest.mark.parametrize(
    ("newline", "lines"),
    [
        pytest.param("", ["一村\n", "二村\r", "三村\r\n", "\n", "四\u2028村\x0c五村"], id="any line end"),
        pytest.param("\n", ["一村\n", "二村\r三村\r\n", "\n", "四\u2028村\x0c五村"], id="line feeds"),
    ],
)
def test_a_file_is_divided_at_line_ends_which_stay(tmp_path, name, codec, newline, lines):
    data = "".join(lines).encode(codec)
    if codec == "gb18030":
        lines = [line.replace("\u2028", "，") for line in lines]  # beside few characters it looks rare
        data = "".join(lines).encode(codec)
    path = written(tmp_path / name, data)
    assert list(lines_of(path, newline=newline)) == lines
    assert "".join(lines) == read_text(path)


def test_a_named_encoding_is_taken(tmp_path):
    path = written(tmp_path / "a.txt", "鄉鎮\n道路".encode("big5"))
    assert list(lines_of(path, "big5")) == ["鄉鎮\n", "道路"]


def test_an_empty_file_has_no_lines(tmp_path):
    assert list(lines_of(written(tmp_path / "a.txt", b""))) == []


def test_a_wrong_byte_at_the_end_is_refused_before_the_first_line(tmp_path):
    path = written(tmp_path / "a.txt", b"ok\n" * 500_000 + b"\xff")
    with pytest.raises(InputError, match=r"a\.txt: neither UTF-8 \(byte 1500000\) nor GB18030") as caught:
        lines_of(path)
    assert "--encoding" in caught.value.hint


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv"])
def test_what_is_told_of_bytes_read_adds_up_to_the_size_of_the_file(tmp_path, name):
    path = written(tmp_path / name, f"{SENTENCE}\n".encode() * 5000)
    told = []
    assert sum(1 for _ in lines_of(path, on_read=told.append)) == 5000
    assert sum(told) == size_of([path]) == path.stat().st_size
    assert name.endswith(".gz") or len(told) > 10


def test_blocks_are_the_file(tmp_path):
    data = os.urandom(3 * BLOCK) + b"end"
    for name in ("a", "a.gz"):
        found_blocks = list(Blocks(written(tmp_path / name, data)))
        assert b"".join(found_blocks) == data
        assert len(found_blocks) == 4


# --- memory ---


@contextmanager
def at_most(size):
    """Fail where more memory than that was held at any moment."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
    finally:
        tracemalloc.stop()


ROWS, LONG = 30, SENTENCE * 27_000  # rows of a megabyte each: 30 MB


def write_jsonl(path):
    row = json.dumps({"text": LONG}, ensure_ascii=False)
    path.write_text(f"{row}\n" * ROWS, encoding="utf-8")


def write_csv(path):
    path.write_text("text\n" + f"{LONG}\n" * ROWS, encoding="utf-8")


def write_many_lines(path):
    row = json.dumps({"text": SENTENCE * 50}, ensure_ascii=False)
    path.write_text(f"{row}\n" * 10_000, encoding="utf-8")


@pytest.mark.parametrize(
    ("write", "name", "rows"),
    [
        pytest.param(write_jsonl, "a.jsonl", ROWS, id="long lines of JSON"),
        pytest.param(write_csv, "a.csv", ROWS, id="long cells of CSV"),
        pytest.param(write_many_lines, "a.jsonl", 10_000, id="many lines"),
    ],
)
def test_a_file_is_never_in_memory_as_a_whole(tmp_path, write, name, rows):
    path = tmp_path / name
    write(path)
    with at_most(path.stat().st_size / 2):
        assert sum(1 for _ in documents([path])) == rows


def test_a_fingerprint_takes_a_block_of_memory(tmp_path):
    path = written(tmp_path / "a.txt", b"a" * 30_000_000)
    with at_most(5_000_000):
        assert fingerprint([path])


# --- Parquet ---


@pytest.fixture
def table(tmp_path):
    """Write columns as a Parquet file."""

    def write(**columns):
        parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
        return tmp_path / "a.parquet"

    return write


def test_rows_of_parquet_keep_their_kinds(table):
    rows = [
        {"n": 1, "p": 0.5, "yes": True, "day": date(2020, 5, 1), "text": SENTENCE},
        {"n": None, "p": None, "yes": None, "day": None, "text": ""},
    ]
    path = table(**{name: [row[name] for row in rows] for name in rows[0]})
    assert list(table_rows(path)) == rows


def test_rows_of_parquet_come_in_order_and_tell_how_much_is_read(table):
    path, told = table(n=range(BATCH * 2 + 7)), []
    assert [row["n"] for row in table_rows(path, on_read=told.append)] == list(range(BATCH * 2 + 7))
    size = path.stat().st_size
    assert len(told) == 3
    assert size - 3 <= sum(told) <= size


def test_a_row_of_parquet_is_a_document(table):
    path = table(编号=[7, 8], 正文=[SENTENCE, None], title=["题", None], n=[1, 2])
    assert list(documents([path], Reading("正文", "编号"))) == [
        Document("7", SENTENCE, "题", meta={"n": 1}),
        Document("8", "", "", meta={"n": 2}),
    ]


def test_a_text_of_parquet_that_is_none_is_refused(table):
    with pytest.raises(InputError, match=r"a\.parquet: row 2: 'text' is not text: 5") as caught:
        list(documents([table(text=pyarrow.array([None, 5]))]))
    assert caught.value.hint


@pytest.mark.parametrize("keep", [0, 3, 200], ids=["empty", "three bytes", "cut off"])
def test_what_is_no_parquet_file_is_refused_in_one_line(table, keep):
    path = table(text=[SENTENCE] * 500)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        InputError, match=r"a\.parquet: no Parquet file, or a damaged one \([^\n]+\)$"
    ) as caught:
        list(table_rows(path))
    assert caught.value.hint


def test_a_damaged_page_of_parquet_is_refused_in_one_line(table):
    path = table(text=[f"{SENTENCE}{n}" for n in range(2000)])
    data = bytearray(path.read_bytes())
    data[20:2000] = b"\xa5" * 1980
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.parquet: .*a damaged one \([^\n]+\)$") as caught:
        list(table_rows(path))
    assert caught.value.hint


def test_a_doubled_column_of_parquet_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    parquet.write_table(pyarrow.table([["一"], ["二"]], names=["text", "text"]), path)
    with pytest.raises(InputError, match=r"a\.parquet: column 'text' stands twice") as caught:
        list(table_rows(path))
    assert caught.value.hint


# --- fingerprint and size ---


@pytest.fixture
def folder(tmp_path):
    for name, text in (("一.txt", SENTENCE), ("二.txt", "路通了。"), ("skip.log", "?")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: (f / "一.txt").write_text("路通了。", encoding="utf-8"), id="content"),
        pytest.param(lambda f: (f / "一.txt").rename(f / "三.txt"), id="a name"),
        pytest.param(lambda f: (f / "三.md").write_bytes(b""), id="one more"),
        pytest.param(lambda f: (f / "二.txt").unlink(), id="one less"),
        pytest.param(lambda f: (f / "二.txt").write_text("路通了。\n", encoding="utf-8"), id="a line end"),
    ],
)
def test_a_fingerprint_changes_with_names_and_contents(folder, change):
    before = fingerprint([folder])
    change(folder)
    assert fingerprint([folder]) != before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda f: os.utime(f / "一.txt", (1, 1)), id="a time"),
        pytest.param(lambda f: (f / "skip.log").write_bytes(b"more"), id="a file that is not read"),
        pytest.param(lambda f: (f / "一.txt.part").write_bytes(b"more"), id="what is unfinished"),
    ],
)
def test_a_fingerprint_does_not_change_with_anything_else(folder, change):
    before = fingerprint([folder])
    change(folder)
    assert fingerprint([folder]) == before


def test_a_fingerprint_depends_on_the_order_of_inputs(folder):
    one, two = folder / "一.txt", folder / "二.txt"
    assert fingerprint([one, two]) != fingerprint([two, one])
    assert fingerprint([one, two]) == fingerprint([str(one), str(two)]) == fingerprint([folder])


def test_standard_input_has_neither_fingerprint_nor_size(folder):
    assert fingerprint([folder, "-"]) == ""
    assert size_of([folder, "-"]) is None


def test_an_input_that_is_missing_has_neither(folder):
    for ask in (fingerprint, size_of):
        with pytest.raises(InputError, match=r"none\.txt: no such file or folder") as caught:
            ask([folder / "none.txt"])
        assert caught.value.hint


def test_the_size_of_inputs_is_that_of_their_files(folder):
    assert size_of([folder]) == len((SENTENCE + "路通了。").encode())


# --- Parquet files that say much with few bytes ---


def batches(data, **limits):
    return [
        pyarrow.ipc.open_stream(stream).read_next_batch()
        for _, stream in parquet_batches(data, "a.parquet", Limits(**limits))
    ]


def table_bytes(columns, **options):
    out = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), out, **options)
    return out.getvalue()


def test_batches_are_dense_whatever_kind_their_columns_are():
    """A word that a file says once and repeats by number takes its room each time: no batch is a bomb."""
    words = pyarrow.DictionaryArray.from_arrays([0, 1, 0], ["修路", "打井"])
    (batch,) = batches(table_bytes({"text": words, "n": [1, 2, 3]}))
    assert batch.schema.field("text").type == pyarrow.string()
    assert batch.to_pylist() == [{"text": t, "n": n + 1} for n, t in enumerate(["修路", "打井", "修路"])]


def test_large_rows_come_a_few_at_a_time_and_in_order():
    found = batches(table_bytes({"n": range(30), "text": ["a" * 1_000_000] * 30}, use_dictionary=False))
    assert all(batch.nbytes <= BATCH_BYTES for batch in found)
    assert [row["n"] for batch in found for row in batch.to_pylist()] == list(range(30))


def test_a_single_row_beyond_the_limit_is_refused():
    data = table_bytes({"text": ["a" * 11_000_000]}, use_dictionary=False, compression=None)
    assert len(batches(data)) == 1
    with pytest.raises(InputError, match=r"a\.parquet: a row of more than 8,000,000 bytes") as caught:
        batches(data, characters=1_000_000)
    assert caught.value.hint.endswith("--limit characters=N")


def test_a_list_of_nothing_counts_by_its_length():
    """As Python objects a million nulls take eight million bytes; as Arrow has them none."""
    many = pyarrow.ListArray.from_arrays([0, 2_000_000], pyarrow.nulls(2_000_000, pyarrow.int8()))
    with pytest.raises(InputError, match="a row of more than 8,000,000 bytes"):
        batches(table_bytes({"text": ["村"], "list": many}), characters=1_000_000, ratio=10_000)


def test_more_than_the_ratio_is_refused_behind_what_it_allows():
    repeated = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 5000), ["村" * 2000])
    data = table_bytes({"text": repeated}, compression="zstd")
    assert 300 * len(data) < 5000 * 6000  # bytes that it unpacks to
    found = parquet_batches(data, "a.parquet", Limits(ratio=100))
    assert len(next(found)[1]) > 100 * len(data)  # within the ten megabytes that are free
    with pytest.raises(InputError, match="unpacks to more than 100 times its size") as caught:
        list(found)
    assert caught.value.hint.endswith("--limit ratio=N")
    assert sum(batch.num_rows for batch in batches(data, ratio=2**30)) == 5000


def test_what_another_process_says_are_rows_is_checked(tmp_path, monkeypatch):
    path = tmp_path / "a.parquet"
    path.write_bytes(table_bytes({"text": ["村"]}))
    no_utf8 = pyarrow.Array.from_buffers(pyarrow.string(), 1, pyarrow.array([b"\xff"]).buffers())
    wrong = pyarrow.RecordBatch.from_arrays([no_utf8], ["text"])
    out = io.BytesIO()
    with pyarrow.ipc.new_stream(out, wrong.schema) as stream:
        stream.write_batch(wrong)
    for answer in (out.getvalue(), b"", b"no stream", out.getvalue()[:100]):
        monkeypatch.setattr(Parsers, "batches", lambda *_, answer=answer, **__: iter([(1, answer)]))
        with pytest.raises(InputError, match=r"a\.parquet: damaged \("):
            list(table_rows(path))
