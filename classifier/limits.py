"""What reading a file may cost: the limits, their defaults, and how a user changes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

MB = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What reading may cost; what goes beyond is refused with the limit's name.

    Parameters
    ----------
    file_mb : int
        Megabytes of a file that is read whole: all but CSV, TSV, JSONL and Parquet.
    unpacked_mb : int
        Megabytes that a packed file unpacks to: .gz, .zip with all that is packed in it, .docx, .xlsx.
    ratio : int
        Times its size that a packed file unpacks to; it counts from `FREE` bytes on.
    nesting : int
        Archives inside archives.
    depth : int
        Lists and mappings inside one another in a line of JSON.
    pages : int
        Pages of a PDF file.
    characters : int
        Characters of a document's text, or of a cell of a table.
    columns : int
        Columns of a table.
    repeated_mb : int
        Millions of characters that id and other columns of a row come to beside its segments, by
        `document.Document.repeated`.
    seconds : int
        Time for a document, for a member of an archive, and for every 500 rows of a workbook.
    memory_mb : int
        Megabytes that parsing a document takes.
    """

    file_mb: int = 100
    unpacked_mb: int = 2_000
    ratio: int = 100
    nesting: int = 3
    depth: int = 100
    pages: int = 2_000
    characters: int = 5_000_000
    columns: int = 16_384
    repeated_mb: int = 1_000
    seconds: int = 10
    memory_mb: int = 512

    def told(self) -> str:
        """Return the limits in a line.

        >>> Limits().told()[:25]
        'file_mb=100, unpacked_mb='
        """
        return ", ".join(f"{name}={value}" for name, value in vars(self).items())

    def changed(self, settings: Sequence[str]) -> Limits:
        """Return these limits with some changed, each given as ``name=number``.

        Raises ValueError, in words for the user, for an unknown name or no whole number above 0.

        >>> Limits().changed(["seconds=60"]).seconds
        60
        """
        known = [field.name for field in fields(self)]
        numbers = {}
        for setting in settings:
            name, _, number = setting.partition("=")
            if name not in known:
                raise ValueError(f"no limit is called '{name}'; there are {', '.join(known)}")
            if not (number.isascii() and number.isdigit() and 0 < int(number) < 2**31):
                raise ValueError(f"'{setting}': write a whole number above 0, such as {name}=60")
            numbers[name] = int(number)
        return replace(self, **numbers)


LIMITS = Limits()
FREE = 10 * MB  # bytes that anything may unpack to, whatever its ratio


def raised(name: str) -> str:
    """Return the hint on how to raise a limit.

    >>> raised("pages")
    'if you trust the file, raise the limit: --limit pages=N'
    """
    return f"if you trust the file, raise the limit: --limit {name}=N"
