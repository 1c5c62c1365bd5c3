"""Writing a file whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from classifier.errors import OutputError

PART = ".part"


def beside(out: Path, ending: str) -> Path:
    """Return the place beside ``out`` for what is unfinished: ``OUT`` with an ending behind it.

    >>> beside(Path("标注.csv"), ".part").name
    '标注.csv.part'
    """
    return out.with_name(out.name + ending)


def refuse_device(out: Path) -> None:
    """Raise `OutputError` for a device or pipe: the whole file would be put in its place.

    A user of all rights would so lose ``/dev/null``.
    """
    if out.exists() and not (out.is_file() or out.is_dir()):
        raise OutputError(f"{out}: a device or pipe, and no file", "name a file with -o")


@contextmanager
def whole_file(out: Path) -> Iterator[TextIO]:
    """Open ``OUT.part`` as UTF-8, put in the place of ``OUT`` on success and removed on failure.

    Line ends are written as given. Raises `OutputError` where the place cannot be written.
    """
    with whole_place(out) as part, part.open("w", encoding="utf-8", newline="") as stream:
        yield stream


@contextmanager
def whole_place(out: Path) -> Iterator[Path]:
    """Give the place of ``OUT.part``; what was written there takes that of ``OUT``, or on failure goes.

    Raises `OutputError` where the place cannot be written.
    """
    refuse_device(out)
    part = beside(out, PART)
    try:
        yield part
        part.replace(out)
    except OSError as error:
        raise OutputError(
            f"{out}: {error.strerror or error}", "check the folder and its permissions"
        ) from None
    finally:
        with suppress(OSError):  # after success there is none
            part.unlink()
