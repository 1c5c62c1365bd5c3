"""Rows of JSONL, parsed by whoever labels them: documents, errors and output are the same."""

from __future__ import annotations

import json
import pickle

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

import classifier.batch
import classifier.crew
import classifier.table_documents
import classifier.tables
import classifier.text_lines
from classifier.batch import label_documents
from classifier.crew import Processes
from classifier.document import Document
from classifier.documents import Parcel, documents, parcels
from classifier.errors import InputError, NothingReadError, SkippedError
from classifier.tables import JsonLines, json_parts

SENTENCES = (
    "县里给贫困户发补助。",
    "村卫生室的医生上门看病。",
    "大伙儿在树下乘凉。",
    "乡里修通了公路；架起了桥。",
)
FORMATS = ("csv", "jsonl", "parquet", "xlsx")


def row(n, **more):
    text = "".join(SENTENCES[(n + k) % 4] for k in range(n % 5))
    return json.dumps({"id": f"文{n}", "text": text, "n": n, **more}, ensure_ascii=False)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Have a part hold four lines."""
    monkeypatch.setattr(classifier.tables, "CHUNK", 4)
    monkeypatch.setattr(classifier.batch, "CHUNK", 4)


@pytest.fixture(params=["whole", "in smaller chunks"])
def parcels_are_labelled(request, monkeypatch):
    """Have parcels labelled as they are, or come to more rows than one chunk should."""
    if request.param != "whole":
        monkeypatch.setattr(classifier.batch, "_OF_PARCEL", 60)


@pytest.fixture
def write(tmp_path):
    def write(*lines, name="甲.jsonl"):
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8", newline="")
        return tmp_path / name

    return write


BAD = ("{", "[1]", '{"id": "坏"}', '{"text": 7}', '{"text": "\\ud800"}')
ODD = [
    *map(row, range(6)),
    *BAD[:2],
    "",
    row(6, note="一行\u2028两行\r\x85"),
    *("", " ", BAD[2], BAD[3]),
    *map(row, range(7, 12)),
    row(12, note="长" * 9_000),
    *map(row, range(13, 19)),
    *(BAD[4] for _ in range(9)),
    row(19) + "\r",
    json.dumps({"text": "没有编号。"}, ensure_ascii=False),
]


def read(way, *paths, **options):
    skipped = []
    found = list(way([*paths], on_error=skipped.append, **options))
    return found, skipped


def told(skipped):
    return [(str(error), error.hint) for error in skipped]


def opened(found):
    """Return the documents of a stream, and how many parcels it has."""
    out, count = [], 0
    for one in found:
        if isinstance(one, Parcel):
            assert out, "a parcel comes first"
            count += 1
            out += one.documents()
        else:
            out.append(one)
    return out, count


def test_parcels_hold_what_documents_yield(write):
    path, skipped = write(*ODD), []
    expected, errors = read(documents, path)
    found, count = opened(parcels([path], on_error=skipped.append))
    assert found == expected
    assert told(skipped) == told(errors)
    assert len(errors) == 13
    assert (len(found), found[-1].id) == (21, str(34))
    assert count == 9  # four lines each, before and behind the long one


def test_they_come_through_another_process_as_they_were(write):
    rows = [one.rows for one in parcels([write(*ODD)], on_error=lambda _: None) if isinstance(one, Parcel)]
    for one in rows:
        bare, bulk = pickle.loads(pickle.dumps(one.apart()))
        assert not bare.lines.lines
        assert bare.whole(bulk) == one


@given(st.lists(st.text(st.sampled_from("户\r\x85\u2028 a\ud800{}\0"), max_size=3), min_size=1))
def test_lines_are_divided_as_they_were_joined(texts):
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    lines = [line + b"\n" for line in encoded[:-1]] + ([encoded[-1]] if encoded[-1] else [])
    one = JsonLines("甲.jsonl", lines, before=7, rows_before=5)
    assert one.divided(one.joined()) == one
    after = one.behind([b"x"])
    rows = sum(bool(text.strip()) for text in texts)
    assert (after.before, after.rows_before) == (7 + len(lines), 5 + rows)


def test_parts_hold_few_lines_or_one_that_is_long(write):
    parts = list(json_parts(write(*map(row, range(5)), row(5, note="长" * 9_000), *map(row, range(6, 12)))))
    assert [len(part.lines) for part in parts] == [4, 1, 1, 4, 2]
    assert [part.long for part in parts] == [False, False, True, False, False]
    assert [part.before for part in parts] == [0, 4, 5, 6, 10]


def test_lines_before_one_that_cannot_be_read_are_not_lost(write, monkeypatch):
    def broken(*_, **__):
        yield from (f"{row(n)}\n".encode() for n in range(6))
        raise InputError("甲.jsonl: torn", "mend it")

    monkeypatch.setattr(classifier.tables, "utf8_lines_of", broken)
    found, skipped = read(documents, write(row(0)))
    assert [document.id for document in found] == [f"文{n}" for n in range(6)]
    assert told(skipped)[0][0].endswith(": torn")


def label(path, out, model, *, jobs=1, way=parcels, **options):
    skipped = []
    found = way([*path] if isinstance(path, list) else [path], on_error=skipped.append)
    tally = label_documents(found, model, out, crew=Processes(jobs), **options)
    return tally, told(skipped)


def rows_in(out):
    """Return what a file holds; in JSONL a row names the columns of its chunk, also where it has no value."""
    if out.suffix == ".jsonl":
        rows = map(json.loads, out.read_bytes().splitlines())
        return [{name: value for name, value in row.items() if value is not None} for row in rows]
    return pyarrow.parquet.read_table(out).to_pylist() if out.suffix == ".parquet" else out.read_bytes()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.usefixtures("parcels_are_labelled")
def test_their_rows_and_errors_are_those_of_documents(write, tmp_path, tiny_model, name):
    path, there, here = write(*ODD), tmp_path / f"there.{name}", tmp_path / f"here.{name}"
    expected = label(path, there, tiny_model, way=documents)
    assert label(path, here, tiny_model) == expected
    assert rows_in(here) == rows_in(there)
    assert (expected[0].documents, len(expected[1])) == (21, 13)


@pytest.mark.parametrize("name", FORMATS)
def test_other_processes_parse_them_alike(write, tmp_path, tiny_model, monkeypatch, name):
    monkeypatch.setattr(classifier.crew, "ALONE", 1)
    path, alone, shared = write(*ODD * 1), tmp_path / f"alone.{name}", tmp_path / f"shared.{name}"
    expected = label(path, alone, tiny_model)
    assert label(path, shared, tiny_model, jobs=2) == expected
    assert shared.read_bytes() == alone.read_bytes()


class StoppedError(Exception):
    pass


def stop_after(chunks):
    left = iter(range(chunks))

    def progress(_):
        if next(left, None) is None:
            raise StoppedError

    return progress


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.usefixtures("parcels_are_labelled")
def test_a_run_broken_off_behind_any_chunk_is_gone_on_with(write, tmp_path, tiny_model, name):
    paths = [write(*ODD), write(*(row(n + 100) for n in range(9)), name="乙.jsonl")]
    whole, out, chunks = tmp_path / f"whole.{name}", tmp_path / f"out.{name}", []
    expected = label(paths, whole, tiny_model, progress=chunks.append)
    assert len(chunks) > 8
    for count in range(len(chunks)):
        with pytest.raises(StoppedError):
            label(paths, out, tiny_model, progress=stop_after(count))
        _, errors = label(paths, out, tiny_model, resume=True)
        assert out.read_bytes() == whole.read_bytes(), count
        assert errors == expected[1]
        out.unlink()


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_id_that_stands_twice_is_refused(write, tmp_path, tiny_model, jobs):
    path = write(*map(row, range(20)), row(3))
    for way in (documents, parcels):
        with pytest.raises(InputError, match="id '文3' stands twice"):
            label(path, tmp_path / "out.csv", tiny_model, way=way, jobs=jobs)


def test_without_anybody_to_be_told_the_first_bad_row_is_raised(write):
    path = write(*map(row, range(8)), "{", row(9), "[")
    for way in (documents, lambda inputs: opened(parcels(inputs))[0]):
        with pytest.raises(SkippedError, match="line 9 is not JSON"):
            list(way([path]))


def test_bad_rows_beyond_those_that_are_told_are_counted_at_the_end(write, tmp_path, tiny_model, monkeypatch):
    monkeypatch.setattr(classifier.table_documents, "BAD_ROWS", 2)
    path = write(row(0), *("{" for _ in range(17)), row(1))
    _, errors = label(path, tmp_path / "out.csv", tiny_model)
    assert errors == label(path, tmp_path / "out.csv", tiny_model, way=documents)[1]
    assert [text.split(": ")[-1] for text, _ in errors][-1] == "15 more rows that cannot be read"
    assert len(errors) == 3


def test_a_table_of_bad_rows_alone_has_nothing_to_be_read(write):
    with pytest.raises(NothingReadError, match="and 16 more"):
        read(parcels, write(*("{" for _ in range(17))))


def test_the_first_document_has_a_place_for_what_others_may_bring(write, tmp_path):
    (tmp_path / "页.html").write_text("<p>" + SENTENCES[0], encoding="utf-8")
    first, *_ = parcels([write(*map(row, range(9))), tmp_path / "页.html"])
    assert isinstance(first, Document)
    assert first.meta == {"url": None, "n": 0}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_parcels_hold_the_same_whatever_the_encoding(write, encoding):
    path = write(*map(row, range(30)))
    expected = list(documents([path]))
    path.write_bytes(path.read_text(encoding="utf-8").encode(encoding))
    found, count = opened(parcels([path]))
    assert (found, count) == (expected, 7)


def test_the_column_is_found_by_many_rows_though_lines_are_long(write, monkeypatch):
    looked_at, find = [], classifier.table_documents.text_column

    def text_column(rows):
        looked_at.extend(rows)
        return find(rows)

    monkeypatch.setattr(classifier.table_documents, "text_column", text_column)
    lines = [json.dumps({"号": n, "内容": SENTENCES[n % 4] * (2_000 if n < 2 else 1)}) for n in range(11)]
    found, count = opened(parcels([write(*lines)]))
    assert [row["号"] for row in looked_at] == list(range(11))
    assert [document.meta["号"] for document in found] == list(range(11))
    assert count == 0


def test_a_file_that_was_changed_is_told_of_once(write, tmp_path, tiny_model, monkeypatch):
    path = write(*map(row, range(6)))
    with path.open("ab") as stream:
        stream.write("\n".join(["", *map(row, range(6, 20))]).encode("gb18030"))
    monkeypatch.setattr(classifier.text_lines, "encoding_of", lambda *_: "utf-8")
    tally, errors = label(path, tmp_path / "out.csv", tiny_model)
    assert [text.split(": ")[-1] for text, _ in errors] == ["changed while it was read"]
    assert tally.documents == 6
