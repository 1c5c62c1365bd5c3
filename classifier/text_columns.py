"""Which column of a table holds the text, and which title, date and source, where nobody says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from classifier.segments import HAN

TEXT = "text"
ID_COLUMNS = ("id", "doc_id", "doc")  # the first that is there counts
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


class Fields(NamedTuple):
    """Which columns of a row hold what: its id, the facts that are there, and what is carried along."""

    id: str | None
    facts: Mapping[str, str]
    rest: tuple[str, ...]


@lru_cache(maxsize=100)  # most tables have the same columns in each row
def fields_of(columns: tuple[str, ...], text_column: str, id_column: str | None = None) -> Fields:
    """Return which columns hold the id, and ``title``, ``date`` and ``source``, as far as there is one.

    >>> fields_of(("标题", "正文", "地区"), "正文")
    Fields(id=None, facts={'title': '标题'}, rest=('标题', '地区'))
    """
    id_column = id_column or next((c for c in ID_COLUMNS if c in columns), None)
    found = {fact: next((n for n in names if n in columns), None) for fact, names in FACTS.items()}
    facts = {fact: column for fact, column in found.items() if column is not None}
    return Fields(id_column, facts, tuple(c for c in columns if c not in (text_column, id_column, *FACTS)))


def _han(value: Any) -> int:
    return len(value) - len(HAN.sub("", value)) if isinstance(value, str) else 0
