"""Zip archives: names in any encoding, many encodings in one, archives in archives, nothing on the disk."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest
from hostile_files import SENTENCE, TRADITIONAL, packed, paragraph, word
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.archives import is_litter, members
from classifier.documents import Document, documents, size_of
from classifier.errors import InputError, NothingReadError
from classifier.limits import Limits


@pytest.fixture
def archive(tmp_path):
    """Write an archive: ``archive({"a.txt": "…"})``."""

    def write(files, name="a.zip"):
        (tmp_path / name).write_bytes(packed(files))
        return tmp_path / name

    return write


def read(path):
    skipped = []
    return list(documents([path], on_error=skipped.append)), [(e.path, e.reason) for e in skipped]


def with_raw_names(names: dict[bytes, str]) -> bytes:
    """Return an archive whose names are these bytes, with no mark of their encoding."""
    placeholders = {f"name{n:0{len(raw) - 4}d}": raw for n, raw in enumerate(names)}
    data = packed(dict(zip(placeholders, names.values(), strict=True)))
    for placeholder, raw in placeholders.items():
        assert len(placeholder) == len(raw)
        data = data.replace(placeholder.encode(), raw)
    return data


def test_files_are_read_in_the_order_of_their_names_with_ids_behind_the_archives(archive):
    found, skipped = read(archive({"b.txt": "乙", "村/a.md": "甲", "a/c.txt": "丙"}))
    assert [(d.id, d.text) for d in found] == [
        ("a.zip/a/c.txt", "丙"),
        ("a.zip/b.txt", "乙"),
        ("a.zip/村/a.md", "甲"),
    ]
    assert skipped == []


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param("扶贫通知.txt".encode("gbk"), "扶贫通知.txt", id="GBK, as Windows packs"),
        pytest.param("扶贫通知.txt".encode(), "扶贫通知.txt", id="UTF-8 without its flag"),
        pytest.param("政策\\2019\\通知.txt".encode("gbk"), "政策/2019/通知.txt", id="backslashes"),
        pytest.param(b"notice.txt", "notice.txt", id="ASCII"),
        pytest.param(b"caf\xff\xff.txt", "caf\xa0\xa0.txt", id="neither"),
    ],
)
def test_names_are_read_whatever_their_encoding(raw, shown, tmp_path):
    (tmp_path / "a.zip").write_bytes(with_raw_names({raw: SENTENCE}))
    found, skipped = read(tmp_path / "a.zip")
    assert [d.id for d in found] == [f"a.zip/{shown}"]
    assert skipped == []


def test_one_archive_may_hold_many_encodings(archive):
    files = {"1.txt": "utf-8", "2.txt": "gb18030", "3.txt": "utf-16", "4.txt": "big5", "5.txt": "utf-8-sig"}
    texts = {name: TRADITIONAL if codec == "big5" else SENTENCE for name, codec in files.items()}
    path = archive({name: texts[name].encode(codec) for name, codec in files.items()})
    found, skipped = read(path)
    assert {d.text for d in found} == {SENTENCE}
    assert len(found) == 4
    assert skipped == [(f"{path}/4.txt", "neither UTF-8 (byte 0) nor GB18030")]


def test_tables_packed_texts_and_archives_are_read_inside(archive):
    path = archive(
        {
            "1.csv": "id,text\nr1,一\n",
            "2.csv": "编号,正文\nx,二\n",
            "3.jsonl.gz": gzip.compress('{"text": "三"}'.encode()),
            "4.zip": packed({"深/4.txt": "四"}),
            "5.docx": word(paragraph("五")),
        }
    )
    found, skipped = read(path)
    assert skipped == []
    assert [(d.id, d.text) for d in found] == [
        ("r1", "一"),
        ("a.zip/2.csv:1", "二"),
        ("a.zip/3.jsonl.gz:1", "三"),
        ("a.zip/4.zip/深/4.txt", "四"),
        ("a.zip/5.docx", "五"),
    ]


def test_what_is_no_document_is_passed_over_and_what_cannot_be_read_is_told(archive):
    path = archive(
        {
            "a.txt": "甲",
            "图.png": "x",
            "__MACOSX/._a.txt": "x",
            "x/._b.docx": "x",
            "~$c.docx": "x",
            "旧.doc": "x",
        }
    )
    found, skipped = read(path)
    assert [d.id for d in found] == ["a.zip/a.txt"]
    assert skipped == [(f"{path}/旧.doc", "unknown format '.doc'")]


def test_a_name_that_stands_twice_is_read_once(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "一")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.txt", "二")
    found, skipped = read(path)
    assert [(d.id, d.text) for d in found] == [("a.zip/a.txt", "一")]
    assert skipped == [(f"{path}/a.txt", "its name stands twice in the archive")]


def test_an_archive_with_nothing_to_read_is_refused(archive):
    with pytest.raises(NothingReadError, match=r"a\.zip: no readable file in it") as caught:
        list(documents([archive({"a.png": "x"})], on_error=lambda _: None))
    assert ".docx" in caught.value.hint


def test_the_first_document_has_a_place_for_what_later_ones_bring(archive, tmp_path):
    page = (
        "<html><head><meta property='og:url' content='https://e.cn/a'></head><body>"
        + f"<p>{SENTENCE * 9}</p>"
    )
    archive({"1.txt": "一", "2.html": page, "3.docx": word(paragraph("三"))})
    first, *rest = documents([tmp_path / "a.zip"])
    assert first == Document("a.zip/1.txt", "一", meta={"url": None, "file_date": None})
    assert [dict(d.meta) for d in rest] == [{"url": "https://e.cn/a"}, {"file_date": ""}]
    (tmp_path / "b.txt").write_text("二", encoding="utf-8")
    assert [dict(d.meta) for d in documents([tmp_path / "b.txt"])] == [{}]


def test_bytes_read_are_told_once_an_archive(archive):
    told, path = [], archive({"a.txt": "甲" * 100, "b.csv": "text\n乙", "c.zip": packed({"d.txt": "丁"})})
    assert len(list(documents([path], on_read=told.append))) == 3
    assert sum(told) == size_of([path])


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 3), st.data())
def test_no_change_of_bytes_makes_it_raise_anything_else_or_write_anything(noise, cuts, data):
    whole = bytearray(packed({"a.txt": SENTENCE, "b/c.txt": SENTENCE * 3}))
    for _ in range(cuts + 1):
        at = data.draw(st.integers(0, len(whole)))
        whole[at : at + data.draw(st.integers(0, 8))] = noise[: data.draw(st.integers(0, 8))]
    told = []
    try:
        for member in members(bytes(whole), "a.zip", (".txt",), 10**6, Limits()):
            assert ".." not in member.name.split("/") or member.error is not None
            assert len(member.data) < 10**6
    except InputError as error:
        told = [error]
    assert all(str(error).startswith("a.zip: ") and error.hint for error in told)


@pytest.mark.parametrize(
    ("name", "litter"),
    [
        ("__MACOSX/a.txt", True),
        ("通知/._a.docx", True),
        ("~$通知.docx", True),
        ("通知.docx", False),
        ("a/~$b/c.txt", False),
        ("._", True),
        ("out.csv.errors.csv", True),
    ],
)
def test_what_programs_leave_behind_is_known(name, litter):
    assert is_litter(name) == litter


def test_an_archive_is_unpacked_bit_by_bit(monkeypatch):
    """A file is not unpacked before the one before it was taken."""
    opened, original = [], zipfile.ZipFile.open

    def noting(self, entry, *arguments):
        opened.append(entry.filename)
        return original(self, entry, *arguments)

    data = packed({f"{n}.txt": SENTENCE for n in range(9)})
    monkeypatch.setattr(zipfile.ZipFile, "open", noting)
    found = members(data, "a.zip", (".txt",), 10**6, Limits())
    next(found)
    assert opened == ["0.txt"]
    assert io.BytesIO(next(found).data).read().decode() == SENTENCE


def test_a_file_in_an_archive_that_says_it_is_larger_than_allowed_is_not_unpacked():
    data = packed({"a.txt": "修路。", "b.txt": "路" * 700_000})
    small, large = members(data, "a.zip", (".txt",), 10**9, Limits(file_mb=1))
    assert (small.data.decode(), small.error) == ("修路。", None)
    assert large.data == b""
    assert str(large.error) == "a.zip/b.txt: larger than 1 MB"
