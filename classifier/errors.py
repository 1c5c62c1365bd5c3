"""The errors of the package, one tree.

FupinError                  whatever a user can put right; carries a one-line ``hint``
├── CodebookError           a codebook file that breaks its rules
├── LexiconError            a lexicon file that breaks its rules
├── InputError              a file, folder, table or column that cannot be used
│   ├── SkippedError        a file, or a part of one, that was left out of a run that went on
│   └── NothingReadError    not one document could be read
├── OutputError             a place that cannot be written
├── CorpusError             labelled text that cannot be used for training or scoring
├── PriorError              prior weights that are missing or damaged
├── ModelError              a model folder that is damaged, foreign or of another format
└── ReviewError             a review store that cannot be opened, read or written
    └── Outdated            a decision about something that has changed since it was shown
"""

from __future__ import annotations

from dataclasses import dataclass

from classifier.inert_text import on_one_line

LONGEST = 1000  # characters of a line


class FupinError(Exception):
    """An error that the user can put right.

    Parameters
    ----------
    message : str
        One line: file, row, value, and what is wrong with it.
    hint : str
        One line: the remedy.

    Names and values come from files, which may be hostile: what would break the line, or act where
    it is shown, is replaced; of a line longer than `LONGEST` the middle is left out.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(_line(message))
        self.hint = _line(hint)

    def __reduce__(self) -> tuple[type[FupinError], tuple[str, ...]]:
        """Let an error of another process arrive with its hint."""
        return type(self), (str(self), self.hint)


def _line(text: str) -> str:
    if len(text) > LONGEST:
        half = (LONGEST - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return on_one_line(text)


class CodebookError(FupinError):
    """A codebook file breaks one of its rules."""


class LexiconError(FupinError):
    """A lexicon file breaks one of its rules."""


class InputError(FupinError):
    """A file, folder, table or column cannot be used."""


class SkippedError(InputError):
    """A file, or a part of it such as a row, was left out.

    Parameters
    ----------
    path : str
        The file, as it is shown; for one in an archive behind the name of that.
    reason, hint : str
        One line each.
    """

    def __init__(self, path: str, reason: str, hint: str) -> None:
        super().__init__(f"{path}: {reason}", hint)
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple[type[FupinError], tuple[str, ...]]:
        """Let it arrive from another process as it was."""
        return type(self), (self.path, self.reason, self.hint)


class NothingReadError(InputError):
    """Not one of the named inputs could be read."""


class OutputError(FupinError):
    """The output cannot be written where it was asked for."""


class CorpusError(FupinError):
    """Labelled text cannot be used for training or scoring."""


class PriorError(FupinError):
    """Prior weights are missing or damaged."""


class ModelError(FupinError):
    """A model folder is damaged, foreign, or of another format."""


class ReviewError(FupinError):
    """A review store cannot be opened, read or written."""


class Outdated(ReviewError):  # noqa: N818 - it says what is wrong better than with -Error behind it
    """A decision is about something that has changed since it was shown; look at it anew."""


@dataclass(frozen=True)
class Finding:
    """One remark of a check: where, how grave, and what.

    Parameters
    ----------
    place : str
        ``file:line``.
    level : str
        ``"error"`` or ``"warning"``.
    message : str
        One line.
    """

    place: str
    level: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.level}: {self.message}"
