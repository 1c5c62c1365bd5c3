"""Files that are no files: pipes and devices are refused and not waited for, sizes hold to the byte."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from classifier.bounded_files import read_bounded
from classifier.errors import InputError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"12345")
    return path


def test_a_file_of_just_the_limit_is_read_whole(file):
    assert read_bounded(file, 5) == b"12345"


def test_a_file_of_a_byte_more_is_refused_with_both_numbers(file):
    with pytest.raises(InputError, match=r"a\.yaml: 5 bytes, over the limit of 4$") as caught:
        read_bounded(file, 4)
    assert caught.value.hint == "is this the right file?"


def test_a_file_that_has_grown_is_read_no_further_than_a_byte_beyond_the_limit(file, monkeypatch):
    asked = []

    class Grown(io.BytesIO):
        def read(self, size=-1):
            asked.append(size)
            return super().read(size)

    monkeypatch.setattr(Path, "open", lambda *_: Grown(b"1" * 1000))
    with pytest.raises(InputError, match=r"over the limit of 5$"):
        read_bounded(file, 5)
    assert asked == [6]


def test_a_file_that_says_it_is_empty_and_is_not_is_refused_unread():
    place = Path("/proc/self/status")  # as everything in /proc
    if not place.exists():
        pytest.skip("no /proc on this system")
    assert place.stat().st_size == 0
    with pytest.raises(InputError, match=r"over the limit of 10$"):
        read_bounded(place, 10)


def test_a_link_to_a_file_is_read(file, tmp_path):
    (tmp_path / "b").symlink_to(file)
    assert read_bounded(tmp_path / "b", 9) == b"12345"


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=r"pipe: no regular file$") as caught:
        read_bounded(tmp_path / "pipe", 9)
    assert caught.value.hint == "name a file"


def test_a_device_without_end_is_refused_also_behind_a_link(tmp_path):
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero on this system")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"zero: no regular file$"):
        read_bounded(tmp_path / "zero", 9)


def test_links_that_lead_in_a_circle_and_files_that_are_missing_are_the_systems_errors(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    for name in ("a", "none"):
        with pytest.raises(OSError, match=name):
            read_bounded(tmp_path / name, 9)
