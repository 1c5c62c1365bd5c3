"""Saved web pages (.html, .mhtml): the article on them, without navigation, footers and the like."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from functools import lru_cache
from typing import Any

from classifier.errors import InputError
from classifier.page_facts import Facts, facts_of
from classifier.page_layout import without_layout
from classifier.parsed import Parsed, cleaned

_DECLARED = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_HEAD = 4096  # bytes in which a page declares its encoding
_SHORTEST = 40  # characters of an article; trafilatura's own default is made for languages of letters
_LONGEST = 100  # characters of a line about the page
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
# What trafilatura writes in front of an item of a list
_BULLET = re.compile(r"^- (?=\S)")
# Lines at the end of a page about the page
_END = re.compile(
    r"(?i)(?:上一[篇页条]|下一[篇页条]|相关(?:链接|阅读|新闻|文章)|扫一扫|阅读\s*\d|版权所有|copyright|©|主办(?:单位)?\s*[:：]|承办(?:单位)?\s*[:：]"
    r"|网站标识码|[\u4e00-\u9fff]?ICP备|[\[【]?\s*(?:打印本?页?|关闭窗口|返回顶部)\s*[\]】]?\s*(?:$|[|｜/\[【]))"
)
# Lines about the page that stand between headline and article, or at its end
_ABOUT = re.compile(
    r"(?:(?:发布|更新|发表|成文|发稿)?(?:时间|日期|人|者)|(?:信息|文章)?来源|稿源|供稿|录入|审核|作者|编辑|责任编辑|责编|字体|字号|浏览次数|浏览量|点击|阅读|分享到?|打印|当前位置)"
    r"\s*(?:[:：\t]|$)|(?:索引号|信息分类|主题分类|主题词|发文机关|成文日期|发文字号|文号|标题|名称|有效性|公开方式|公开类别)\s*[:：\t]"
    r"|\S{0,20}\s?(?:19|20)\d\d-\d\d-\d\d(?:\s\d\d:\d\d(?::\d\d)?)?$"
    r"|[【\[(（]\s*(?:大|字体|打印|责编|责任编辑)|(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
    r"[\d:：\s]*(?:$|来源|作者)"
)


def declared_encoding(data: bytes) -> str | None:
    """Return the encoding that a page declares for itself; None where it declares none.

    >>> declared_encoding(b'<meta http-equiv="Content-Type" content="text/html; charset=GB2312">')
    'gb2312'
    """
    found = _DECLARED.search(data[:_HEAD])
    return found[1].decode("ascii").lower() if found else None


def read_page(text: str, name: str) -> Parsed:
    """Return the article of a web page: its headline, then its paragraphs, a line each.

    A row of a table of figures is a line, its cells divided by tabs. The headline stands first,
    once. Nothing is fetched; entities beyond those of HTML are not expanded.

    Raises `InputError` where the page holds no text.

    Notes
    -----
    The article is found by trafilatura: A. Barbaresi (2021), "Trafilatura: A Web Scraping Library
    and Command-Line Tool for Text Discovery and Extraction", ACL-IJCNLP System Demonstrations.
    """
    from lxml import etree, html

    try:
        tree = html.document_fromstring(text.encode(), parser=_parser())
    except etree.ParserError:
        raise InputError(f"{name}: an empty page", "save it anew") from None
    facts = facts_of(tree)
    without_layout(tree)
    lines = _without_facts(_article(tree), facts)
    if not lines:
        raise InputError(
            f"{name}: no article on this page", "look at it in a browser; perhaps a script makes it"
        )
    if facts.title and facts.title not in lines[0]:
        lines.insert(0, facts.title)
    return Parsed(cleaned("\n".join(lines)), facts.title, facts.day, facts.source, facts.url)


def _parser() -> Any:
    from lxml import html

    return html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)


def _article(tree: Any) -> list[str]:
    """Return the lines of the article."""
    import trafilatura

    found: Any = trafilatura.bare_extraction(
        tree, include_comments=False, include_tables=True, include_links=False, config=_settings()
    )
    text = str(found.text or "") if found else ""
    return [line for line in map(_line, text.split("\n")) if line]


@lru_cache(maxsize=1)
def _settings() -> Any:
    from trafilatura.settings import use_config

    settings = use_config()  # reads a file each time
    settings.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(_SHORTEST))
    return settings


def _line(line: str) -> str:
    r"""Return a line without blanks around it; a row of a table with tabs for its bars.

    >>> _line("　　修路。 "), _line("| 乡镇 | 户数 |"), _line("|---|---|"), _line("- 修路。")
    ('修路。', '乡镇\t户数', '', '修路。')
    """
    line = _BULLET.sub("", _SPACES.sub(" ", line).strip(" \u3000"))
    if line.startswith("|") and line.endswith("|"):
        cells = [cell.strip(" \u3000") for cell in line.strip("|").split("|")]
        return "" if all(set(cell) <= set("-") for cell in cells) else "\t".join(cells)
    return line


def _without_facts(lines: list[str], facts: Facts) -> list[str]:
    """Return an article without lines about the page around it: dates, sources, buttons."""
    first = next((i for i, line in enumerate(lines) if not _is_about(line, facts)), len(lines))
    last = next((i for i in range(len(lines), first, -1) if not _is_end(lines[i - 1], facts)), first)
    return lines[first:last]


def _is_about(line: str, facts: Facts) -> bool:
    return line == facts.title or (len(line) < _LONGEST and _ABOUT.match(line) is not None)


def _is_end(line: str, facts: Facts) -> bool:
    return _is_about(line, facts) or (len(line) < _LONGEST and _END.match(line) is not None)


def read_snapshot(data: bytes, name: str) -> tuple[bytes, str | None, str]:
    """Return the page in an .mhtml file: its bytes, the encoding that the file names, its address.

    Raises `InputError` where there is none.
    """
    message = message_from_bytes(data, policy=policy.default)
    for part in message.walk():
        if part.get_content_type() == "text/html":
            page = part.get_payload(decode=True)
            if isinstance(page, bytes):
                return page, part.get_content_charset(), str(part.get("Content-Location") or "")
    raise InputError(f"{name}: no web page inside", "save the page anew")
