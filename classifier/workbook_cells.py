"""What a cell of a workbook and the tab of a sheet can hold: safe texts, their widths, sheets' names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from classifier.inert_text import inert
from classifier.spreadsheet_guard import guarded

# "Excel specifications and limits", Microsoft; both count UTF-16 units.
CELL, TAB = 32_767, 31

_NEWLINE = re.compile("\r\n?")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")  # XML can hold none of these
_INSTEAD = "\N{REPLACEMENT CHARACTER}"
# What a tab must not hold, each with the full-width mark that looks like it.
_ON_TABS = str.maketrans({**dict(zip("[]:*?/\\", "［］：＊？／＼", strict=True)), "'": "\u2019"})
_RESERVED = "history"  # Excel keeps it for itself
_PIECE = re.compile(r"[!-~]+ *|.", re.DOTALL)  # what a line is not broken inside of
_CLOSING = tuple("，。；：、？！）》”’％%")  # what no line begins with


@dataclass
class Changes:
    """How many cells were changed, and in what way; one cell can be changed in several."""

    cells: int = 0
    guarded: int = 0
    replaced: int = 0
    cut: int = 0

    def told(self) -> Iterator[str]:
        """Yield the line to tell the user, where there is anything to tell.

        >>> list(Changes(cells=2, guarded=1, replaced=1).told())
        ['2 cells changed: 1 began like a formula, 1 held control characters or marks of direction']
        """
        ways = {
            "began like a formula": self.guarded,
            "held control characters or marks of direction": self.replaced,
            f"longer than {CELL:,} characters": self.cut,
        }
        if self.cells:
            counted = ", ".join(f"{n:,} {way}" for way, n in ways.items() if n)
            yield f"{self.cells:,} cells changed: {counted}"


class SafeTexts:
    r"""Makes texts fit for cells, and counts those that it had to change.

    A text that a spreadsheet would take for a formula, were the sheet saved as CSV and opened
    again, gets an apostrophe before it; for characters that would do something, and those that
    XML cannot hold, stands U+FFFD; what is longer than a cell is cut, and says so at its end.
    Line ends become ``\n``, which does not count.

    >>> safe = SafeTexts(" …（已截断）")
    >>> safe("医生每月上门。"), safe("＝HYPERLINK(1)"), safe("扶贫\x08款\r\n")
    ('医生每月上门。', "'＝HYPERLINK(1)", '扶贫�款\n')
    >>> safe.changes
    Changes(cells=2, guarded=1, replaced=1, cut=0)
    """

    def __init__(self, cut_mark: str) -> None:
        self.changes, self._mark = Changes(), cut_mark

    def __call__(self, text: str) -> str:
        """Return a text fit for a cell."""
        shown = visible(text)
        safe = guarded(shown)
        whole = _NEWLINE.sub("\n", safe)
        out = whole
        if len(whole) > CELL // 2 and _units(whole) > CELL:
            out = first_units(whole, CELL - _units(self._mark)) + self._mark
        done = (safe != shown, shown != text, out != whole)
        if any(done):
            found = self.changes
            found.cells, found.guarded = found.cells + 1, found.guarded + done[0]
            found.replaced, found.cut = found.replaced + done[1], found.cut + done[2]
        return out


def visible(text: str) -> str:
    """Return a text in which U+FFFD stands for what would do something, or what XML cannot hold."""
    return _NO_CHARACTER.sub(_INSTEAD, inert(text))


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def first_units(text: str, most: int) -> str:
    """Return the beginning of a text, of so many UTF-16 units at most; no character is cut in two.

    >>> first_units("𠮷𠮷", 3)
    '𠮷'
    """
    return text.encode("utf-16-le", "surrogatepass")[: 2 * max(most, 0)].decode("utf-16-le", "ignore")


def width(text: str) -> int:
    r"""Return how wide the widest line of a text is, in digits: a Han character is as wide as two.

    >>> width("扶贫 2019"), width("上\n下乡")
    (9, 4)
    """
    return max(sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) for line in text.split("\n"))


def lines(text: str, wide: int) -> Iterator[str]:
    """Yield a text as lines of a width, words of Latin letters kept whole.

    >>> list(lines("精确率为判对的比重，F1为调和平均。", 16))
    ['精确率为判对的比', '重，F1为调和平均。']
    """
    for paragraph in text.split("\n"):
        line, size = "", 0
        for piece in _PIECE.findall(paragraph):
            more = width(piece)
            if size + more > wide and line and not piece.startswith(_CLOSING):
                yield line.rstrip()
                line, size = "", 0
            line, size = line + piece, size + more
        if line.strip():
            yield line.rstrip()


def sheet_names(wanted: Iterable[str]) -> tuple[str, ...]:
    """Return names that Excel takes for sheets: none empty, too long, or the same but for case or width.

    >>> sheet_names(["频次 [2018/2019]", "Wells", "wells", ""])
    ('频次 ［2018／2019］', 'Wells', 'wells (2)', '-')
    """
    taken, names = {_RESERVED}, []
    for text in wanted:
        plain = " ".join(visible(text).translate(_ON_TABS).split()) or "-"
        name, number = first_units(plain, TAB).rstrip(), 1
        while _alike(name) in taken:
            number += 1
            ending = f" ({number})"
            name = first_units(plain, TAB - len(ending)).rstrip() + ending
        taken.add(_alike(name))
        names.append(name)
    return tuple(names)


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def reference(sheet: str) -> str:
    """Return a sheet's name as links and formulas write it.

    >>> reference("核对 看病")
    "'核对 看病'"
    """
    return "'" + sheet.replace("'", "''") + "'"
