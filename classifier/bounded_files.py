"""Reading a file whole that must be a plain one, of so many bytes at most."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from classifier.errors import InputError


def check_plain(found: os.stat_result, name: str) -> None:
    """Raise `InputError` for what is no plain file: a folder, a pipe that nobody may ever write to, a device.

    ``found`` is what the system says of it, ``name`` what it is called in the message.
    """
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{name}: no regular file", "name a file")


def read_bounded(path: Path, limit: int) -> bytes:
    """Return the bytes of a file, of which there are at most ``limit``.

    Raises `InputError` where there are more, and for what is no plain file; a link to one is one.
    `OSError` where the system will not let us read it.
    """
    found = path.stat()
    check_plain(found, str(path))
    if found.st_size <= limit:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)  # it may have grown since
        if len(data) <= limit:
            return data
    raise InputError(
        f"{path}: {found.st_size:,} bytes, over the limit of {limit:,}", "is this the right file?"
    )
