"""What every refusal must be."""

from __future__ import annotations

from classifier.errors import FupinError

LONGEST = 1000  # characters


def see_refusal(error: FupinError, place: str | tuple[str, ...]) -> None:
    """See that a refusal is one line, with its place (one of them) before it, and one line of hint."""
    told = str(error)
    assert told.startswith(place), f"no place: {told!r}"
    for line in (told, error.hint):
        assert line, "an empty line"
        assert not set(line) & set("\n\r\t\x1b\u202e"), f"more than one line, or not inert: {line!r}"
        assert len(line) <= LONGEST, f"a long line: {line[:100]!r}"
        line.encode()
