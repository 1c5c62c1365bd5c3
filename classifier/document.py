"""What a document is, and how files are to be read as documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from classifier.limits import LIMITS, Limits

CHUNK, CHUNK_CHARACTERS = 500, 500_000  # documents handled together; fewer where they are long
SHORT = 10  # characters of a short segment


@dataclass(frozen=True)
class Document:
    """One article, or one row of a table; ``meta`` holds the row's other columns."""

    id: str
    text: str
    title: str = ""
    date: str = ""
    source: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def repeated(self) -> int:
        """How many characters stand beside the text, said again for each of its segments if short.

        >>> Document("甲", "村里修好了三条水泥路。", "修路").repeated
        6
        """
        beside = len(self.id) + len(self.title) + len(self.date) + len(self.source)
        if self.meta:
            beside += sum(map(len, self.meta)) + sum(map(_length, self.meta.values()))
        return (len(self.text) // SHORT + 1) * beside


@dataclass(frozen=True)
class Reading:
    """How files are to be read; None leaves the choice to the rules in `documents`."""

    text_column: str | None = None
    id_column: str | None = None
    encoding: str | None = None
    limits: Limits = LIMITS


def _length(value: Any) -> int:
    return len(value) if isinstance(value, str) else 0 if value is None else len(str(value))
