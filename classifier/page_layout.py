"""The layout of a web page taken out of it: menus, tables that place things, breaks of lines."""

from __future__ import annotations

import re
from typing import Any

_LAYOUT = 100  # characters of a cell from which on its table holds text and no figures
_MENUS = (
    "nav",
    "ul",
    "ol",
    "dl",
    "div",
    "table",
    "tr",
    "td",
    "p",
    "footer",
)  # what may hold nothing but a menu
_MENU_LINKS, _MENU_ENTRY = 2, 12  # links that make a menu; characters of its longest entry
_FOOT = re.compile(r"(?i)(?:^|[\s_-])(?:footer|foot|copyright)(?:$|[\s_-])")  # of a class or an id
_FOOT_LONGEST = 600  # characters of the foot of a page
_BETWEEN = re.compile(r"[\s|｜·•>＞»›/、，,\[\]【】()（）:：-]*")  # what stands between the entries of a menu
_LINKED = 0.3  # of the characters of a list in links, from which on it leads elsewhere
# What browsers show as blocks; `_KEPT` are those that stay what they are, and so does all in them
_BLOCKS = (
    *("address", "article", "blockquote", "center", "details", "div", "dd", "dt", "figcaption", "figure"),
    *("h2", "h3", "h4", "h5", "h6", "header", "li", "main", "p", "section", "summary"),
)
_TABLE = ("caption", "tbody", "tfoot", "thead", "tr", "td", "th")
_KEPT = ("aside", "dl", "footer", "form", "h1", "nav", "ol", "script", "style", "table", "ul")
_BREAK = re.compile(r"[ \t]*[\r\n][ \t\r\n]*")
_CHINESE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60“”‘’…—]")


def without_layout(tree: Any) -> None:
    """Leave of a page what says something, in divisions and paragraphs.

    Menus and feet go. Whatever a reader sees as a block of text, be it a division, an item, a
    heading below the first rank, a line between two breaks or the cell of a table that only lays
    out the page, becomes a paragraph: what looks for articles knows these best, and loses others.
    The line breaks of the source become what browsers make of them: nothing between Chinese
    characters, a blank elsewhere. ``tree`` is a page as lxml has parsed it, and is changed.
    """
    from lxml import etree

    for pre in list(tree.iter("pre")):
        _paragraphs_for_lines(pre)
    _join_lines(tree)
    _drop_menus(tree)
    for table in list(tree.iter("table")):
        if any(_is_layout(cell) for cell in table.iter("td", "th")):
            parts = [part for part in table.iter(*_TABLE) if _table_of(part) is table]
            for part in (table, *parts):
                part.tag = "div"
    for listing in list(tree.iter("ul", "ol", "dl")):
        _open_list(listing)
    etree.strip_tags(tree, "label")
    for body in list(tree.iter("body")):
        _to_paragraphs(body)


def _paragraphs_for_lines(pre: Any) -> None:
    """Put the lines of preformatted text into paragraphs."""
    from lxml import etree

    lines, tail = [line for line in pre.text_content().splitlines() if line.strip()], pre.tail
    pre.clear()
    pre.tag, pre.tail = "div", tail
    for line in lines:
        etree.SubElement(pre, "p").text = line


def _open_list(listing: Any) -> None:
    """Make divisions of a list of texts and its items; a list of links stays one."""
    links = sum(len(_squeezed(link)) for link in listing.iter("a"))
    if links <= _LINKED * len(_squeezed(listing)):
        listing.tag = "div"
        for item in listing.iterchildren("li", "dt", "dd"):
            item.tag = "div"


def _to_paragraphs(block: Any) -> None:
    """Put what stands directly in a block into paragraphs, and do the same in the blocks inside it."""
    blocks = _with_blocks(block)
    waiting = [block]
    while waiting:
        block = waiting.pop()
        inner = [child for child in block if child.tag not in _KEPT and child in blocks]
        if not any(child.tag == "br" or child.tag in _KEPT or child in blocks for child in block):
            block.tag = "p" if block.tag in _BLOCKS else block.tag
            continue
        block.tag = "div" if block.tag != "body" else block.tag
        _wrap_runs(block, blocks)
        waiting += inner


def _with_blocks(body: Any) -> set[Any]:
    """Return the elements that are blocks, or hold one or a line break."""
    found = set()
    for element in body.iter(*_BLOCKS, *_KEPT, "br"):
        outer = element if element.tag != "br" else element.getparent()
        while outer is not None and outer not in found:
            found.add(outer)
            outer = outer.getparent()
    return found


def _wrap_runs(block: Any, blocks: set[Any]) -> None:
    """Put each run of text between the blocks and line breaks of a block into a paragraph."""
    from lxml import etree

    children, run = list(block), etree.Element("p")
    run.text, block.text = block.text, None
    for child in children:
        tail, child.tail = child.tail, None
        block.remove(child)
        if child.tag != "br" and child.tag not in _KEPT and child not in blocks:
            child.tail = tail
            run.append(child)
            continue
        _add(block, run)
        if child.tag != "br":
            block.append(child)
        run = etree.Element("p")
        run.text = tail
    _add(block, run)


def _add(block: Any, run: Any) -> None:
    if len(run) or (run.text or "").strip():
        block.append(run)


def _join_lines(tree: Any) -> None:
    """Take out the line breaks of the source."""
    for element in tree.iter():
        if element.text:
            element.text = joined(element.text)
        if element.tail:
            element.tail = joined(element.tail)


def joined(text: str) -> str:
    r"""Return a text of a page's source with its lines joined.

    >>> joined("过去进村只有一\n  条土路。"), joined("village\ndoctors")
    ('过去进村只有一条土路。', 'village doctors')
    """
    return _BREAK.sub(_for_break, text)


def _for_break(found: re.Match[str]) -> str:
    text = found.string
    beside = text[: found.start()][-1:] + text[found.end() :][:1]
    return "" if _CHINESE.search(beside) else " "


def _drop_menus(tree: Any) -> None:
    for block in list(tree.iter(*_MENUS)):
        if block.getparent() is not None and (_is_foot(block) or _is_menu(block)):
            block.drop_tree()


def _is_foot(block: Any) -> bool:
    named = block.tag == "footer" or any(_FOOT.search(block.get(key) or "") for key in ("class", "id"))
    return named and len(_squeezed(block)) <= _FOOT_LONGEST


def _is_menu(block: Any) -> bool:
    """Say whether a block holds nothing but links of a few characters each."""
    links = list[str]()
    for link in block.iter("a"):
        links += [text] if (text := _squeezed(link)) else []
        if links and len(links[-1]) > _MENU_ENTRY:
            return False
    text = _squeezed(block)
    if len(links) < _MENU_LINKS or len(text) > 2 * _MENU_ENTRY * len(links):
        return False
    for link in links:
        text = text.replace(link, " ", 1)
    return _BETWEEN.fullmatch(text) is not None


def _squeezed(element: Any) -> str:
    return "".join(element.text_content().split())


def _is_layout(cell: Any) -> bool:
    inner = next(cell.iter("table", "p", "br", "div", "h1"), None)
    return inner is not None or len(cell.text_content()) > _LAYOUT


def _table_of(part: Any) -> Any:
    return next(part.iterancestors("table"), None)
