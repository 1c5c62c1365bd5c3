"""Which column of a table holds the text, and which title, date and source, where nobody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from classifier.segments import HAN

TEXT = "text"
# Names that columns of texts have, the first that is there counts
NAMES = (
    TEXT,
    "正文",
    "内容",
    "全文",
    "文本",
    "文章",
    "文章内容",
    "正文内容",
    "content",
    "body",
    "article",
    "fulltext",
)
# Names of the columns that hold what is known of a text; the first that is there counts
FACTS: Mapping[str, tuple[str, ...]] = {
    "title": ("title", "标题", "题目", "文章标题", "篇名"),
    "date": ("date", "日期", "发布日期", "发布时间", "发表时间", "时间"),
    "source": ("source", "来源", "文章来源", "信息来源", "出处"),
}
LOOKED_AT, LOOKED_AT_CHARACTERS = 100, 1_000_000  # rows, fewer where they are long


def text_column(rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the column that holds the text: by its name, else the one with most Chinese characters.

    Names are compared without regard to case. ``text`` counts whatever it holds, the other names
    where any of the rows has Chinese characters there. None where no column has.

    >>> text_column([{"编号": "1", "标题": "修路", "正文": "村里修好了水泥路。"}])
    '正文'
    >>> text_column([{"a": "1", "b": "村里修好了水泥路。", "c": "修路"}])
    'b'
    """
    columns = dict.fromkeys(column for row in rows for column in row)
    if TEXT in columns:
        return TEXT
    han = {column: sum(_han(row.get(column)) for row in rows) for column in columns}
    by_name = {column.strip().lower(): column for column in reversed(columns)}
    for name in NAMES:
        column = by_name.get(name)
        if column is not None and (name == TEXT or han[column]):
            return column
    best = max(han, key=lambda column: han[column], default=None)
    return best if best is not None and han[best] else None


def fact_in(row: Mapping[str, Any], fact: str) -> str:
    """Return what a row says as ``title``, ``date`` or ``source``, in whatever column; "" where nothing.

    >>> fact_in({"标题": "修路", "正文": "村里修好了路。"}, "title")
    '修路'
    """
    column = next((name for name in FACTS[fact] if name in row), None)
    value = None if column is None else row[column]
    return "" if value is None else str(value)


def _han(value: Any) -> int:
    return len(value) - len(HAN.sub("", value)) if isinstance(value, str) else 0
