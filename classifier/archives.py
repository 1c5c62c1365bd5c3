"""Zip archives: the files in them, one after the other, unpacked in memory and never on the disk."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from classifier.errors import InputError
from classifier.inert_text import on_one_line
from classifier.limits import FREE, MB, Limits, raised
from classifier.office_parts import DAMAGE
from classifier.skipped import ERRORS

ZIP = ".zip"
_BLOCK = 1 << 20
_UTF8 = 0x800  # the flag of an entry whose name is UTF-8
_LOCKED = 0x1
_EACH = "pack it anew, with one file of each name"
_APPLE = "__MACOSX/"  # what macOS adds for itself


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name as text, and its bytes, or why these cannot be had."""

    name: str
    data: bytes = b""
    error: InputError | None = None


def members(
    source: bytes | Path, name: str, wanted: tuple[str, ...], room: int, limits: Limits
) -> Iterator[Member]:
    """Yield the files of a zip archive whose names end with one of ``wanted``, in order of their names.

    A file that cannot be had is yielded with its error, named ``archive.zip/inner/file``. Names
    that are not UTF-8 count as GB18030, where they can be. Nothing is written to the disk.

    Parameters
    ----------
    source : bytes or Path
        The archive, or where it lies.
    wanted : tuple of str
        Endings in lower case.
    room : int
        Bytes that the files may unpack to, together.

    Raises
    ------
    InputError
        Where it is no zip archive, or unpacks to more than the limits allow.
    """
    try:
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            named = sorted(((_name(entry), entry) for entry in archive.infolist()), key=lambda pair: pair[0])
            chosen = [
                (inner, entry)
                for inner, entry in named
                if inner.lower().endswith(wanted) and not entry.is_dir() and not is_litter(inner)
            ]
            _refuse_bomb([entry for _, entry in chosen], size, room, name, limits)
            before = None
            for inner, entry in chosen:
                shown = f"{name}/{on_one_line(inner.lstrip('/'))}"
                yield _member(archive, entry, inner, shown, limits, doubled=inner == before)
                before = inner
    except DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{name}: no zip archive, or a damaged one ({reason:.100})", "pack it anew"
        ) from None


def is_litter(name: str) -> bool:
    """Say whether a file is one that systems and programs, this one too, leave behind, and no document.

    >>> is_litter("__MACOSX/a.txt"), is_litter("通知/._a.docx"), is_litter("~$a.docx"), is_litter("a.docx")
    (True, True, True, False)
    """
    own = name.rpartition("/")[2]
    return name.startswith(_APPLE) or own.startswith(("._", "~$")) or own.endswith(ERRORS)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the name of an entry as text, with ``/`` between its parts."""
    name = entry.orig_filename
    if not entry.flag_bits & _UTF8:
        raw = name.encode("cp437", "replace")  # as zipfile has decoded it
        for encoding in ("utf-8", "gb18030"):
            try:
                name = raw.decode(encoding)
                break
            except UnicodeDecodeError:
                continue
    return name.replace("\\", "/")


def _refuse_bomb(entries: list[zipfile.ZipInfo], packed: int, room: int, name: str, limits: Limits) -> None:
    """Refuse an archive that says it unpacks to too much; none yields more than it says."""
    whole = sum(entry.file_size for entry in entries)
    if whole > room:
        raise InputError(f"{name}: unpacks to more than {limits.unpacked_mb:,} MB", raised("unpacked_mb"))
    if whole > max(FREE, packed * limits.ratio):
        raise InputError(f"{name}: unpacks to more than {limits.ratio} times its size", raised("ratio"))


def _member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inner: str, shown: str, limits: Limits, *, doubled: bool
) -> Member:
    problem = ("its name stands twice in the archive", _EACH) if doubled else _problem(entry, inner, limits)
    if problem is not None:
        return Member(inner, error=InputError(f"{shown}: {problem[0]}", problem[1]))
    try:
        with archive.open(entry) as stream:
            return Member(inner, stream.read())
    except DAMAGE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        return Member(inner, error=InputError(f"{shown}: damaged ({reason:.100})", "pack it anew"))


def _problem(entry: zipfile.ZipInfo, inner: str, limits: Limits) -> tuple[str, str] | None:
    """Return why an entry is not to be opened, and what to do about it."""
    if ".." in inner.split("/") or inner.startswith("/") or inner[1:2] == ":":
        return "its name leads out of the archive", "pack it anew, with names that stay inside"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link and no file", "pack the file itself"
    if entry.flag_bits & _LOCKED:
        return "locked with a password", "unpack it, and name the folder"
    if entry.file_size > limits.file_mb * MB:
        return f"larger than {limits.file_mb:,} MB", raised("file_mb")
    return None
