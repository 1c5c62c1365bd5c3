"""Which files the inputs of a run stand for: files, folders, globs, standard input; each with its name."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from classifier.archives import ZIP, is_litter
from classifier.bounded_files import check_plain
from classifier.errors import InputError, NothingReadError
from classifier.tables import TABLE_SUFFIXES
from classifier.text_files import GZIP, STDIN, Held, decoded_name, refused, shown, suffix_of

TEXT_SUFFIXES = (".txt", ".md")
PAGE_SUFFIXES = (".html", ".htm", ".xhtml", ".mhtml", ".mht")
WORD, PDF = ".docx", ".pdf"
READABLE = (*TEXT_SUFFIXES, *PAGE_SUFFIXES, WORD, PDF, *TABLE_SUFFIXES, ZIP)
# Documents in formats that are not read: they are told, not passed over.
_DOCX, _CSV, _UNPACK = "save it as .docx", "save it as .xlsx or .csv", "unpack it, and name the folder"
FOREIGN = {
    **dict.fromkeys((".doc", ".docm", ".dot", ".wps", ".rtf", ".odt", ".pages"), _DOCX),
    **dict.fromkeys((".xls", ".xlsm", ".xlsb", ".et", ".ods", ".numbers"), _CSV),
    **dict.fromkeys((".rar", ".7z", ".tar", ".tgz", ".bz2", ".xz"), _UNPACK),
    **dict.fromkeys((".ppt", ".pptx", ".caj", ".ofd", ".epub"), "save it as .pdf or .txt"),
}
KNOWN = (*READABLE, *FOREIGN)


@dataclass(frozen=True)
class Source:
    """A file to be read: its id as a document, and where it is; or why it cannot be read."""

    id: str
    place: Path | Held
    error: InputError | None = None


def sources_of(name: str | Path) -> list[Source]:
    """Return the files that one input stands for, in the order of their ids.

    Links to folders are not followed, so that no loop of them can be entered.

    Raises
    ------
    InputError
        Where there is no such file or folder; `NothingReadError` for a folder without a
        readable file.
    """
    path = Path(name)
    if str(name) == STDIN:
        return [Source("stdin", path)]
    try:
        if path.is_dir():
            return _folder(path)
        if path.exists() or path.is_symlink():
            return [Source(decoded_name(path.name), path)]
    except OSError as error:  # such as a name that is too long
        raise refused(path, error) from None
    matches = sorted(_glob(str(name)), key=lambda match: match.as_posix())
    if not matches:
        raise InputError(f"{shown(path)}: no such file or folder", "check the path")
    root = Path(os.path.commonpath([match.parent for match in matches]))
    return _named([Source(decoded_name(match.relative_to(root).as_posix()), match) for match in matches])


def wanted_endings() -> tuple[str, ...]:
    """Return the endings of the files in an archive that are read, or told that they are not."""
    return (*KNOWN, *(suffix + GZIP for suffix in READABLE))


def _folder(folder: Path) -> list[Source]:
    found = list(_walk(folder, lambda parts: suffix_of(Path(parts[-1])) in KNOWN))
    sources = [
        Source(decoded_name(path.relative_to(folder).as_posix()), path, error) for path, error in found
    ]
    if not any(suffix_of(source.place) in READABLE for source in sources):
        raise NothingReadError(
            f"{shown(folder)}: no readable file in this folder", f"read are {', '.join(READABLE)}"
        )
    return _named(sorted(sources, key=lambda source: source.id))


def _walk(folder: Path, chosen: Callable[[Sequence[str]], bool]) -> Iterator[tuple[Path, InputError | None]]:
    """Yield files below a folder, and what stands in the way to more of them."""
    problems: list[OSError] = []
    for at, folders, names in os.walk(folder, onerror=problems.append):
        here = Path(at)
        for name in folders:
            if (here / name).is_symlink():
                hint = "name the folder that it leads to as an input"
                yield here / name, InputError(f"{shown(here / name)}: a link to a folder, not followed", hint)
        for name in names:
            path = here / name
            if chosen(path.relative_to(folder).parts) and not is_litter(name):
                yield path, None
    for problem in problems:
        path = Path(problem.filename)
        yield path, InputError(f"{shown(path)}: {problem.strerror}", "check the permissions of the folder")


def _glob(pattern: str) -> list[Path]:
    """Return the files that a pattern matches; ``**`` goes into no link to a folder."""
    parts = Path(pattern).parts
    if "**" not in parts:
        return [Path(match) for match in glob.glob(pattern) if not Path(match).is_dir()]
    first = parts.index("**")
    root = str(Path(*parts[:first]))
    return [
        path
        for folder in ([root] if Path(root).is_dir() else glob.glob(root))
        for path, error in _walk(Path(folder), lambda found: _matches(found, parts[first:]))
        if error is None
    ]


def _matches(found: Sequence[str], pattern: Sequence[str]) -> bool:
    """Say whether the parts of a path match those of a pattern, of which ``**`` stands for any number.

    As in a shell, a name that begins with a point is matched by none that does not.

    >>> _matches(("甲", "乙", "a.txt"), ("**", "*.txt")), _matches(("a.txt",), ("*", "*.txt"))
    (True, False)
    """
    if not pattern or not found:
        return not found and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        visible = not found[0].startswith(".")
        return _matches(found, pattern[1:]) or (visible and _matches(found[1:], pattern))
    if found[0].startswith(".") and not pattern[0].startswith("."):
        return False
    return fnmatch(found[0], pattern[0]) and _matches(found[1:], pattern[1:])


def _named(sources: list[Source]) -> list[Source]:
    """Return files with different ids: names of other bytes that read alike are spelt out."""
    count: dict[str, int] = {}
    for source in sources:
        count[source.id] = count.get(source.id, 0) + 1
    return [source if count[source.id] == 1 else _spelt(source) for source in sources]


def _spelt(source: Source) -> Source:
    raw = os.fsencode(source.place.name)
    name = raw.decode("utf-8", "backslashreplace")
    return Source(str(Path(source.id).with_name(name).as_posix()), source.place, source.error)


def refuse_special(path: Path) -> None:
    """Raise `InputError` for what is no plain file, or where the system will not say."""
    try:
        found = path.stat()
    except OSError as error:
        raise refused(path, error) from None
    check_plain(found, shown(path))
