"""Saved web pages (.html, .mhtml): the article on them, without navigation, footers and the like."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Any

from classifier.errors import InputError
from classifier.page_facts import Facts, facts_of
from classifier.parsed import Parsed, cleaned

_DECLARED = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{2,20})", re.IGNORECASE)
_HEAD = 4096  # bytes in which a page declares its encoding
_SHORTEST = 40  # characters of an article; trafilatura's own default is made for languages of letters
_LAYOUT = 100  # characters of a cell from which on its table holds text and no figures
_SPACES = re.compile(r"[ \t\r\f\v\xa0]+")
# Lines about the page that stand between headline and article, or at its end
_ABOUT = re.compile(
    r"(?:(?:发布|更新|发表|成文|发稿)?(?:时间|日期)|来源|稿源|作者|编辑|责任编辑|责编|字体|字号|浏览次数|浏览量|点击|阅读|分享到?|打印|当前位置)"
    r"\s*(?:[:：]|$)|[【\[(（]\s*(?:大|字体|打印|责编|责任编辑)|(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?"
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
    _divide(tree)
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
    from trafilatura.settings import use_config

    config = use_config()
    config.set("DEFAULT", "MIN_EXTRACTED_SIZE", str(_SHORTEST))
    found: Any = trafilatura.bare_extraction(
        tree, include_comments=False, include_tables=True, include_links=False, config=config
    )
    text = str(found.text or "") if found else ""
    return [line for line in map(_line, text.split("\n")) if line]


def _line(line: str) -> str:
    r"""Return a line without blanks around it; a row of a table with tabs for its bars.

    >>> _line("　　修路。 "), _line("| 乡镇 | 户数 |"), _line("|---|---|")
    ('修路。', '乡镇\t户数', '')
    """
    line = _SPACES.sub(" ", line).strip(" \u3000")
    if line.startswith("|") and line.endswith("|"):
        cells = [cell.strip(" \u3000") for cell in line.strip("|").split("|")]
        return "" if all(set(cell) <= set("-") for cell in cells) else "\t".join(cells)
    return line


def _divide(tree: Any) -> None:
    """Turn tables that only lay out a page into plain divisions, and line breaks into paragraphs."""
    for table in list(tree.iter("table")):
        cells = list(table.iter("td", "th"))
        if any(_is_layout(cell) for cell in cells):
            for part in (table, *table.iter("tbody", "thead", "tr", "td", "th")):
                if _table_of(part) is table or part is table:
                    part.tag = "div"
    for block in list(tree.iter("div", "p", "td", "section", "font", "span")):
        if any(child.tag == "br" for child in block):
            _paragraphs_for_breaks(block)


def _is_layout(cell: Any) -> bool:
    inner = next(cell.iter("table", "p", "br", "div", "h1"), None)
    return inner is not None or len(cell.text_content()) > _LAYOUT


def _table_of(part: Any) -> Any:
    return next(part.iterancestors("table"), None)


def _paragraphs_for_breaks(block: Any) -> None:
    """Put what stands between the line breaks of a block into paragraphs of their own."""
    from lxml import etree

    if any(child.tag in ("div", "p", "table", "ul", "ol", "section") for child in block):
        return
    children, first = list(block), etree.Element("p")
    first.text, paragraphs = block.text, [first]
    block.text = None
    for child in children:
        block.remove(child)
        if child.tag == "br":
            paragraphs.append(etree.Element("p"))
            paragraphs[-1].text = child.tail
        else:
            paragraphs[-1].append(child)
    if block.tag != "td":
        block.tag = "div"
    block.extend(p for p in paragraphs if len(p) or (p.text or "").strip())


def _without_facts(lines: list[str], facts: Facts) -> list[str]:
    """Return an article without lines about the page around it: dates, sources, buttons."""
    first = next((i for i, line in enumerate(lines) if not _is_about(line, facts)), len(lines))
    last = next((i for i in range(len(lines), first, -1) if not _is_about(lines[i - 1], facts)), first)
    return lines[first:last]


def _is_about(line: str, facts: Facts) -> bool:
    return line == facts.title or (len(line) < _LAYOUT and _ABOUT.match(line) is not None)


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
