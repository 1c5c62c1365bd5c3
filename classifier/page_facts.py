"""What a web page says about the article on it: title, day, source and address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from classifier.parsed import cleaned, day_of

# The names under which pages say it, the first that says anything counts. ArticleTitle, PubDate,
# ContentSource and Url are those that every site of a Chinese government office must use
# (国办发〔2017〕47号《政府网站发展指引》, 网页标签规范); the others are Open Graph's and schema.org's.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "title": ("articletitle", "og:title", "twitter:title", "headline", "dc.title"),
    "day": (
        *("pubdate", "article:published_time", "og:release_date", "datepublished", "publishdate"),
        *("publish_date", "date", "dc.date", "dc.date.issued", "weibo:article:create_at"),
    ),
    "source": ("contentsource", "og:site_name", "article:author_source", "source", "sitename"),
    "url": ("url", "og:url"),
}
_PUBLISHED = re.compile(r"(?:发布|发表|发稿|成文|更新)?(?:时间|日期)\s*[:：]")
_LABELS = tuple(re.compile(rf"{kind}(?:时间|日期)\s*[:：]?") for kind in ("(?:发布|发表)", "(?:成文|更新)"))
_BEGINS_WITH_DAY = re.compile(r"(?:19|20)\d\d\s*[-/.年]")
_NEAR = 12  # short texts behind the headline among which a day alone is that of the article
_SOURCE = re.compile(r"(?:来源|稿源|信息来源|文章来源)\s*[:：]\s*([^\s:：|｜【\[(（]{2,40})")
_LONGEST = 200  # characters of a line that says when and where an article came out
_BEHIND = re.compile(r"\s*(?:--+|__?|[|｜–—])\s*[^-_|｜–—]*$")  # the site's name behind a title
_PARTS = re.compile(r"\s*(?:--+|__?|[|｜–—-])\s*")
_MOST_DAYS = 2  # different days near a headline: more of them are those of a list


@dataclass(frozen=True)
class Facts:
    """What is known of an article; "" where the page does not say."""

    title: str = ""
    day: str = ""
    source: str = ""
    url: str = ""


def facts_of(tree: Any) -> Facts:
    """Return what a page says about its article: in its head, else beside the headline.

    ``tree`` is a page as lxml has parsed it.
    """
    said = _said_in_head(tree)
    lines = list(_short_lines(tree))
    source = said.get("contentsource") or next((m[1] for m in map(_SOURCE.search, lines) if m), "")
    title = _tidy(_first(said, "title") or _heading(tree, lines))
    return Facts(
        title,
        day_of(_first(said, "day")) or _day_in(lines, title) or _marked_day(tree),
        _tidy(source or _first(said, "source")),
        _web_address(_first(said, "url") or _canonical(tree)),
    )


def _said_in_head(tree: Any) -> dict[str, str]:
    """Return what ``<meta>`` elements say, the first of each name; names in lower case."""
    said: dict[str, str] = {}
    for element in tree.iter("meta"):
        name = element.get("name") or element.get("property") or element.get("itemprop") or ""
        content = (element.get("content") or "").strip()
        if name and content:
            said.setdefault(name.strip().lower(), content)
    return said


def _first(said: Mapping[str, str], fact: str) -> str:
    return next((said[name] for name in _NAMES[fact] if name in said), "")


def _heading(tree: Any, lines: Sequence[str]) -> str:
    """Return the one heading of the first rank, else the title of the page without its site's name.

    What of the title stands alone on the page, too, is the headline.
    """
    headings = [text for h in tree.iter("h1") if (text := _tidy(h.text_content()))]
    if len(set(headings)) == 1:
        return headings[0]
    title = next((_tidy(t.text_content()) for t in tree.iter("title")), "")
    marks = list(_PARTS.finditer(title))
    parts = [title, *(title[: mark.start()] for mark in marks), *(title[mark.end() :] for mark in marks)]
    shown = {*headings, *lines} - {""}
    longest = max((part for part in parts if part in shown), key=len, default="")
    return longest or _BEHIND.sub("", title) or title


def _short_lines(tree: Any) -> Iterator[str]:
    """Yield the texts of elements that are short, such as those beside a headline, in their order."""
    for element in tree.iter("h1", "h2", "h3", "div", "p", "span", "td", "li", "em", "i", "b", "time"):
        text, whole = "", True
        for piece in element.itertext():
            text += piece
            if len(text) > _LONGEST:
                whole = False
                break
        if whole and text.strip():
            yield " ".join(text.split())


def _day_in(lines: list[str], title: str) -> str:
    """Return the day that a line calls that of publication, else one that stands alone near the headline."""
    for line in lines:
        if _PUBLISHED.search(line) and day_of(line):
            return day_of(line)
    for label in _LABELS:
        for before, line in pairwise(lines):
            if label.fullmatch(before) and day_of(line):
                return day_of(line)
    behind = [i for i, line in enumerate(lines) if title and title in line]
    near = lines[behind[-1] + 1 :][:_NEAR] if behind else []
    days = [day_of(line) for line in near if _BEGINS_WITH_DAY.match(line) and day_of(line)]
    return days[0] if days and len(set(days)) <= _MOST_DAYS else ""


def _marked_day(tree: Any) -> str:
    """Return the one day that ``<time>`` elements mark; "" where there is none, or more than one."""
    days = {day_of(mark.get("datetime") or "") for mark in tree.iter("time")} - {""}
    return days.pop() if len(days) == 1 else ""


def _canonical(tree: Any) -> str:
    links = (link for link in tree.iter("link") if (link.get("rel") or "").lower() == "canonical")
    return next((link.get("href") or "" for link in links), "")


def _web_address(text: str) -> str:
    return text.strip() if text.strip().lower().startswith(("http://", "https://")) else ""


def _tidy(text: str) -> str:
    return " ".join(cleaned(text).split())
