"""Word documents (.docx): the text of their body, paragraph by paragraph."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath
from xml.parsers import expat

from classifier.errors import InputError
from classifier.limits import Limits
from classifier.office_parts import office_parts
from classifier.parsed import Parsed, cleaned, day_of

_PROPERTIES = "docProps/core.xml"
_DEEPEST = 50  # boxes in boxes, tables in tables
_FOREIGN = "a part in another format (altChunk), which is not read"
_REMEDY = "save it anew in Word; recognise the text of pictures, such as with ocrmypdf"
_INSTEAD = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": "\t"}
# Deleted text, the second copy of a text box for older programs, pinyin above the line, settings
_LEFT_OUT = {"del", "moveFrom", "Fallback", "rt", "rPr", "pPr"}


def read_word(data: bytes, name: str, limits: Limits) -> Parsed:
    """Return the text of a Word document: paragraphs, headings, rows of tables, boxes, footnotes.

    Each paragraph is a line. Of a table each row is one, its cells divided by tabs; a cell of
    several paragraphs gives a line to each. A text box stands behind the paragraph that it hangs
    on. Headers, footers, comments and deleted text are left out.

    Raises `InputError` for what is no Word document, or beyond the limits.
    """
    with office_parts(data, name, "Word document", limits) as parts:
        body = _body(parts)
        notes = [str(PurePosixPath(body).with_name(f"{kind}.xml")) for kind in ("footnotes", "endnotes")]
        try:
            lines = [line for part in (body, *notes) for line in _paragraphs(parts, part)]
            title, day = _properties(parts)
            pictures = any("/media/" in part for part in parts.namelist())
        except expat.ExpatError as error:
            raise ValueError(f"broken XML: {error}") from None
        left_out = [_FOREIGN] if _holds_foreign(parts, body) else []
    text = cleaned("\n".join(lines))
    if not text.strip() and (pictures or left_out):
        what = "pictures alone" if pictures else _FOREIGN
        raise InputError(f"{name}: no text in it: {what}", _REMEDY)
    return Parsed(text, " ".join(cleaned(title).split()), file_date=day, left_out=left_out)


def _body(parts: zipfile.ZipFile) -> str:
    """Return the name of the part that holds the body."""
    found: list[str] = []

    def begins(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            found.append(attributes.get("Target", "").lstrip("/"))

    _parse(parts, "_rels/.rels", begins)
    return found[0] if found else "word/document.xml"


def _holds_foreign(parts: zipfile.ZipFile, body: str) -> bool:
    """Say whether the body takes in parts of other formats, which Word turns into text when it opens it."""
    found: list[str] = []
    _parse(parts, body, lambda tag, _: found.append(tag) if tag == "altChunk" else None)
    return bool(found)


def _parse(
    parts: zipfile.ZipFile,
    part: str,
    begins: Callable[[str, dict[str, str]], None],
    ends: Callable[[str], None] = lambda _: None,
    text: Callable[[str], None] = lambda _: None,
) -> None:
    """Go through a part of XML; tags come without their namespaces."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda tag, attributes: begins(tag.rpartition(" ")[2], attributes)
    parser.EndElementHandler = lambda tag: ends(tag.rpartition(" ")[2])
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    with parts.open(part) as stream:
        parser.ParseFile(stream)


def _refuse_doctype(*_: object) -> None:
    raise ValueError("it declares a document type")


def _paragraphs(parts: zipfile.ZipFile, part: str) -> Iterator[str]:
    if part not in parts.namelist():
        if part.endswith("notes.xml"):
            return
        raise ValueError(f"no {part}")
    walk = _Walk()
    _parse(parts, part, walk.begins, walk.ends, walk.text)
    yield from walk.lines


class _Walk:
    """Gathers paragraphs while a part is gone through."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._open: list[list[str]] = []  # paragraphs that have begun, one inside a text box of another
        self._waiting: list[list[str]] = []  # lines of boxes, for when the paragraph around them is done
        self._rows: list[list[list[str]]] = []  # rows that have begun: their cells' paragraphs
        self._hidden = 0  # elements begun inside one that is left out, itself included
        self._in_text = False

    def begins(self, tag: str, attributes: dict[str, str]) -> None:
        if self._hidden or tag in _LEFT_OUT or _is_hidden_note(tag, attributes):
            self._hidden += 1
        elif tag == "p":
            if len(self._open) >= _DEEPEST:
                raise ValueError(f"paragraphs nested more than {_DEEPEST} deep")
            self._open.append([])
            self._waiting.append([])
        elif tag == "tr":
            if len(self._rows) >= _DEEPEST:
                raise ValueError(f"tables nested more than {_DEEPEST} deep")
            self._rows.append([])
        elif tag == "tc" and self._rows:
            self._rows[-1].append([])
        elif tag == "t":
            self._in_text = True
        elif tag in _INSTEAD and self._open:
            self._open[-1].append(_INSTEAD[tag])

    def text(self, data: str) -> None:
        if self._in_text and self._open and not self._hidden:
            self._open[-1].append(data)

    def ends(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= 1
        elif tag == "p" and self._open:
            lines = ["".join(self._open.pop()), *self._waiting.pop()]
            self._take(lines)
        elif tag == "tr" and self._rows:
            self._take(_row(self._rows.pop()))
        elif tag == "t":
            self._in_text = False

    def _take(self, lines: list[str]) -> None:
        """Put lines where they belong: behind the paragraph around them, into a cell, or into the text."""
        if self._waiting:
            self._waiting[-1] += lines
        elif self._rows and self._rows[-1]:
            self._rows[-1][-1] += lines
        else:
            self.lines += lines


def _is_hidden_note(tag: str, attributes: dict[str, str]) -> bool:
    """Say whether a footnote is but the line that divides footnotes from the text."""
    kind = next((value for key, value in attributes.items() if key.endswith(" type")), "")
    return tag in ("footnote", "endnote") and "eparator" in kind


def _row(cells: list[list[str]]) -> list[str]:
    r"""Return a row as lines: one, with tabs, where every cell holds one paragraph.

    >>> _row([["乡镇"], ["户数"]]), _row([["甲"], ["一", "二"]])
    (['乡镇\t户数'], ['甲', '一', '二'])
    """
    filled = [[line for line in cell if line.strip()] for cell in cells]
    if all(len(cell) <= 1 for cell in filled):
        return ["\t".join(line for cell in filled for line in cell)]
    return [line for cell in filled for line in cell]


def _properties(parts: zipfile.ZipFile) -> tuple[str, str]:
    """Return the title, and the day on which the document was last saved, else made."""
    known = {"title": "", "modified": "", "created": ""}
    at: list[str] = []

    def text(data: str) -> None:
        if at and at[-1] in known:
            known[at[-1]] += data

    if _PROPERTIES in parts.namelist():
        with suppress(expat.ExpatError):
            _parse(parts, _PROPERTIES, lambda tag, _: at.append(tag), lambda _: at.clear(), text)
    return known["title"], day_of(known["modified"]) or day_of(known["created"])
