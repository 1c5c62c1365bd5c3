"""Parquet files unpacked in this process: batches small enough to hand on, whatever form the file has."""

from __future__ import annotations

import io

import pyarrow
import pytest
from pyarrow import parquet

from classifier import parquet_files
from classifier.errors import InputError
from classifier.limits import Limits
from classifier.parquet_files import parquet_batches


def packed(table, **options) -> bytes:
    out = io.BytesIO()
    parquet.write_table(table, out, **options)
    return out.getvalue()


def batches(data, **limits):
    """Return the number of rows that is said, and the batches."""
    found = list(parquet_batches(data, "a.parquet", Limits(**limits)))
    (count,) = {count for count, _ in found}
    return count, [pyarrow.ipc.open_stream(stream).read_all() for _, stream in found]


def test_every_row_comes_once_and_in_order_in_parts_that_are_small_enough(monkeypatch):
    monkeypatch.setattr(parquet_files, "BATCH_BYTES", 2_000)
    texts = [f"第{n}户修了路。" * (1 + n % 7) for n in range(500)]
    # what the file says of its size is less than the values take: they stand there once, and are repeated
    table = pyarrow.table({"text": texts * 2, "nested": [{"n": n % 3, "list": [n] * 9} for n in range(1000)]})
    count, found = batches(packed(table))
    assert count == 1000
    assert pyarrow.concat_tables(found).to_pydict() == table.to_pydict()
    assert max(part.nbytes for part in found) <= 2_000
    assert len(found) > 10


def test_a_single_row_may_be_larger_than_a_batch_but_not_beyond_the_limits(monkeypatch):
    monkeypatch.setattr(parquet_files, "BATCH_BYTES", 100)
    data = packed(pyarrow.table({"text": ["路" * 300]}))
    assert batches(data, characters=1_000)[1][0]["text"][0].as_py() == "路" * 300
    with pytest.raises(InputError, match=r"^a\.parquet: a row of more than 800 bytes$") as caught:
        batches(data, characters=100)
    assert "characters" in caught.value.hint


def test_values_stand_there_themselves_also_of_dictionaries_and_of_other_peoples_types():
    uuid = pyarrow.array([b"0123456789abcdef"], pyarrow.binary(16))
    table = pyarrow.table(
        {
            "repeated": pyarrow.array(["村"]).dictionary_encode(),
            "other": pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), uuid),
        }
    )
    _, (found,) = batches(packed(table))
    assert found.schema.types == [pyarrow.string(), pyarrow.binary(16)]
    assert found.to_pydict() == {"repeated": ["村"], "other": [b"0123456789abcdef"]}


def test_a_file_that_says_it_has_more_rows_than_it_may_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(parquet_files, "FREE", 1_000)
    data = packed(pyarrow.table({"n": pyarrow.repeat(pyarrow.scalar(None), 10_000_000)}))
    assert len(data) < 100_000
    monkeypatch.setattr(parquet_files, "_dense", lambda _: pytest.fail("unpacked"))
    with pytest.raises(InputError, match="unpacks to more than 2 times its size"):
        batches(data, ratio=2)


def test_a_file_that_unpacks_to_more_than_it_may_is_refused_behind_what_it_may(monkeypatch):
    monkeypatch.setattr(parquet_files, "FREE", 400_000)
    data = packed(pyarrow.table({"text": ["修路" * 50] * 5_000}))
    parts = parquet_batches(data, "a.parquet", Limits(ratio=2))
    assert next(parts)[0] == 5_000
    with pytest.raises(InputError, match="unpacks to more than 2 times its size"):
        list(parts)


def test_a_file_without_rows_gives_one_batch_that_names_its_columns():
    kinds = {"text": pyarrow.string(), "who": pyarrow.dictionary(pyarrow.int8(), pyarrow.string())}
    columns = {name: pyarrow.array([], kind) for name, kind in kinds.items()}
    columns["id"] = pyarrow.ExtensionArray.from_storage(pyarrow.uuid(), pyarrow.array([], pyarrow.binary(16)))
    count, (found,) = batches(packed(pyarrow.table(columns)))
    assert (count, found.num_rows) == (0, 0)
    kinds = [pyarrow.string(), pyarrow.string(), pyarrow.binary(16)]
    assert [(f.name, f.type) for f in found.schema] == list(zip(columns, kinds, strict=True))


def test_mappings_are_measured_with_what_is_in_them_also_where_that_is_nothing(monkeypatch):
    monkeypatch.setattr(parquet_files, "BATCH_BYTES", 2_000)
    pairs = [[(f"第{n}户", [None] * 200)] for n in range(40)]
    kind = pyarrow.map_(pyarrow.string(), pyarrow.list_(pyarrow.null()))
    _, found = batches(packed(pyarrow.table({"pairs": pyarrow.array(pairs, kind)})))
    assert [pair for part in found for pair in part["pairs"].to_pylist()] == pairs
    assert len(found) == 40, "a row of 200 takes more than half of what a batch may"


def test_memory_that_runs_out_is_no_damage_of_the_file(monkeypatch):
    def full(_):
        raise pyarrow.ArrowMemoryError("malloc of size 5 failed")

    monkeypatch.setattr(parquet_files, "_dense", full)
    with pytest.raises(MemoryError):
        batches(packed(pyarrow.table({"text": ["路"]})))


def test_a_file_on_disk_is_read_as_its_bytes_are(tmp_path):
    data = packed(pyarrow.table({"text": ["修路。", None]}))
    (tmp_path / "a.parquet").write_bytes(data)
    one, other = batches(tmp_path / "a.parquet"), batches(data)
    assert one[0] == other[0] == 2
    assert one[1][0].equals(other[1][0])


@pytest.mark.parametrize("data", [b"", b"PAR1", b"text\n", packed(pyarrow.table({"a": [1]}))[:-9]])
def test_what_is_no_parquet_file_or_a_cut_one_is_refused_in_one_line(data):
    with pytest.raises(InputError, match=r"^a\.parquet: no Parquet file, or a damaged one \([^\n]*\)$"):
        list(parquet_batches(data, "a.parquet", Limits()))
