"""What inputs stand for: folders with links and odd names, patterns, formats that are not read."""

from __future__ import annotations

import os
import sys

import pytest

from classifier.documents import documents, fingerprint, size_of
from classifier.errors import InputError, NothingReadError
from classifier.sources import sources_of

unix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and names of any bytes are Unix's")
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names of any bytes")


def write(path, text="一"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read(*inputs):
    skipped = []
    return [d.id for d in documents(inputs, on_error=skipped.append)], [str(e) for e in skipped]


@unix
@pytest.mark.parametrize("pattern", ["", "**/*.txt", "**"], ids=["a folder", "a pattern", "all below"])
def test_a_loop_of_links_ends(pattern, tmp_path):
    write(tmp_path / "in" / "a.txt")
    for name in ("round", "again"):  # two of them: ways through them double with every turn
        (tmp_path / "in" / name).symlink_to(".")
    found, skipped = read(tmp_path / "in" / pattern if pattern else tmp_path / "in")
    assert found == ["a.txt"]
    if not pattern:
        told = [f"{tmp_path}/in/{name}: a link to a folder, not followed" for name in ("again", "round")]
        assert skipped == told


@unix
def test_a_link_to_a_file_is_read_and_one_to_nowhere_told(tmp_path):
    write(tmp_path / "b.txt")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").symlink_to(tmp_path / "b.txt")
    (tmp_path / "in" / "c.txt").symlink_to("nowhere")
    expected = [f"{tmp_path}/in/c.txt: No such file or directory"]
    assert read(tmp_path / "in") == (["a.txt"], expected)
    assert read(tmp_path / "in" / "*.txt") == (["a.txt"], expected)


@unix
def test_a_pipe_is_neither_waited_for_nor_hashed(tmp_path):
    write(tmp_path / "a.txt")
    os.mkfifo(tmp_path / "b.txt")
    assert read(tmp_path) == (["a.txt"], [f"{tmp_path}/b.txt: no regular file"])
    with pytest.raises(NothingReadError, match="no regular file"):
        read(tmp_path / "b.txt")
    assert len(fingerprint([tmp_path])) == 64
    assert size_of([tmp_path]) == len("一".encode())


@linux
def test_names_of_other_bytes_that_read_alike_stay_apart(tmp_path):
    folder = os.fsencode(tmp_path)
    for raw in ("村.txt".encode(), "村.txt".encode("gbk"), b"\xff.txt", b"\xfe.txt"):
        with open(folder + b"/" + raw, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a name of bytes
            stream.write("一")
    found, skipped = read(tmp_path)
    assert sorted(found) == [r"\xb4\xe5.txt", r"\xfe.txt", r"\xff.txt", "村.txt"]
    assert skipped == []


@linux
def test_a_name_of_other_bytes_can_be_told(tmp_path):
    folder = os.fsencode(tmp_path)
    with open(folder + b"/\xb4\xe5.docx", "wb") as stream:  # noqa: PTH123 - a name of bytes
        stream.write(b"x")
    write(tmp_path / "a.txt")
    found, (told,) = read(tmp_path)
    assert found == ["a.txt"]
    assert told == f"{tmp_path}/村.docx: no Word document (File is not a zip file)"
    told.encode("utf-8")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.txt", ["a.txt"]),
        ("**/*.txt", ["a.txt", "x/b.txt", "x/y/c.txt"]),
        ("x/**", ["b.txt", "y/c.txt", "y/d.md"]),
        ("**/y/*", ["c.txt", "d.md"]),
        ("x/**/*.md", ["d.md"]),
        ("*/b.*", ["b.txt"]),
        ("**/.*/*.txt", ["h.txt"]),
    ],
)
def test_patterns_match_as_in_a_shell(pattern, found, tmp_path):
    for name in ("a.txt", "x/b.txt", "x/y/c.txt", "x/y/d.md", ".z/h.txt", "x/.e.txt"):
        write(tmp_path / name)
    assert read(tmp_path / pattern)[0] == found


def test_documents_in_other_formats_are_told_and_other_files_passed_over(tmp_path):
    for name in ("a.txt", "b.doc", "c.xls", "d.rar", "e.png", "f.log", "~$g.docx", "._h.txt", "README"):
        write(tmp_path / name)
    found, skipped = read(tmp_path)
    assert found == ["a.txt"]
    assert skipped == [
        f"{tmp_path}/{name}: unknown format '{name[1:]}'" for name in ("b.doc", "c.xls", "d.rar")
    ]


def test_a_folder_of_nothing_but_other_formats_has_nothing_to_read(tmp_path):
    write(tmp_path / "a.doc")
    with pytest.raises(NothingReadError, match="no readable file in this folder"):
        read(tmp_path)


def test_a_folder_that_may_not_be_entered_is_told(tmp_path, monkeypatch):
    write(tmp_path / "a.txt")
    write(tmp_path / "closed" / "b.txt")
    original = os.scandir

    def scandir(path):
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert read(tmp_path) == (["a.txt"], [f"{tmp_path}/closed: Permission denied"])


def test_rows_without_ids_are_named_by_their_table_where_there_are_several(tmp_path):
    write(tmp_path / "a.csv", "text\n一\n二\n")
    write(tmp_path / "b.csv", "id,text\nx,三\n")
    assert read(tmp_path)[0] == ["a.csv:1", "a.csv:2", "x"]
    assert read(tmp_path / "a.csv")[0] == ["1", "2"]
    assert read(tmp_path / "a.csv", tmp_path / "b.csv")[0] == ["a.csv:1", "a.csv:2", "x"]


def test_a_missing_input_is_told_before_any_is_read(tmp_path):
    found = documents([write(tmp_path / "a.txt"), tmp_path / "none.txt"], on_error=pytest.fail)
    with pytest.raises(InputError, match=r"none\.txt: no such file or folder"):
        next(found)


def test_sources_know_where_they_are(tmp_path):
    path = write(tmp_path / "x" / "a.txt")
    assert [(s.id, s.place, s.error) for s in sources_of(tmp_path)] == [("x/a.txt", path, None)]
    assert [s.id for s in sources_of("-")] == ["stdin"]
