"""What a cell of a workbook and the tab of a sheet can hold: safe texts, their widths, sheets' names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from classifier.cells import REPLACEMENT, Changes, cut, first_units
from classifier.inert_text import inert
from classifier.spreadsheet_guard import guarded

TAB = 31  # UTF-16 units of a sheet's name; "Excel specifications and limits", Microsoft

_NEWLINE = re.compile("\r\n?")
_NO_CHARACTER = re.compile("[\ud800-\udfff\ufffe\uffff]")  # XML can hold none of these
# What a tab must not hold, each with the full-width mark that looks like it.
_ON_TABS = str.maketrans({**dict(zip("[]:*?/\\", "［］：＊？／＼", strict=True)), "'": "\u2019"})
_RESERVED = "history"  # Excel keeps it for itself
_PIECE = re.compile(r"[!-~]+ *|.", re.DOTALL)  # what a line is not broken inside of
_CLOSING = tuple("，。；：、？！）》”’％%")  # what no line begins with


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
        out = cut(whole, self._mark)
        if (safe, shown, out) != (shown, text, whole):
            self.changes += Changes(1, safe != shown, shown != text, out != whole)
        return out


def visible(text: str) -> str:
    """Return a text in which U+FFFD stands for what would do something, or what XML cannot hold."""
    return _NO_CHARACTER.sub(REPLACEMENT, inert(text))


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
