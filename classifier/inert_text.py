"""Characters that do things where text is shown: control characters, and marks that turn its direction."""

from __future__ import annotations

import re

ACTIVE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_INSTEAD = "\N{REPLACEMENT CHARACTER}"
_BREAKS = str.maketrans(dict.fromkeys("\t\n\r", _INSTEAD))


def inert(text: str) -> str:
    r"""Return text of the same length in which a mark stands for each character that would do something.

    Tabs and line ends stay. Offsets into the text keep their meaning.

    >>> inert("扶贫\u202e款")
    '扶贫�款'
    """
    return ACTIVE.sub(_INSTEAD, text)


def on_one_line(text: str) -> str:
    r"""Return text as a line that is safe to print: tabs and line ends are replaced too.

    >>> on_one_line("通知\x1b[2J\n错误.txt")
    '通知�[2J�错误.txt'
    """
    return inert(text).translate(_BREAKS)
