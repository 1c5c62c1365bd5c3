"""PDF files: their text layer, without page numbers and running heads, lines joined to paragraphs."""

from __future__ import annotations

import io
import logging
import math
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from classifier.errors import InputError
from classifier.limits import Limits, raised
from classifier.parsed import EXTRA, Parsed, cleaned, day_of
from classifier.pdf_fonts import name_encodings
from classifier.pdf_lines import Line, Piece, lines_of_page, paragraphs, without_running_lines

# Radicals that stand for the characters they look like, as some programs write them
# (Unicode Character Database, EquivalentUnifiedIdeograph.txt). Those of Kangxi decompose by
# themselves, the first three into forms that are not today's.
_RADICALS = str.maketrans(
    "⼾⾭⿈⺒⺓⺟⺠⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
    "户青黄巳幺母民西见角贝车長长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
)
_PROGRAM = re.compile(r"^Microsoft \w+ - |\.(?:docx?|wps|html?|pdf|txt|indd)$", re.IGNORECASE)  # in titles
# How pypdf begins to say that it leaves something out
_PASSED_OVER = ("Impossible to decode", "Exceeded", "Error -", "Page contents are not")
_KANGXI = re.compile("[\u2f00-\u2fd5]")


def read_pdf(data: bytes, name: str, limits: Limits) -> Parsed:
    """Return the text of a PDF file, a line for each paragraph.

    Blanks that only set Chinese characters apart are taken out. ``left_out`` names pages that
    hold a picture and no text, and those that are damaged.

    Raises `InputError` for what is no PDF file, is locked, has too many pages, or no text at all.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{name}: locked with a password", "save it without one")
        _refuse_too_many_pages(reader, name, limits)
        read = _read_pages(reader)
        title, day = _properties(reader)
    except DependencyError:
        raise InputError(f"{name}: locked with AES, which needs cryptography", EXTRA) from None
    except (PyPdfError, RecursionError) as error:
        raise _damaged(name, error) from None
    text = "\n".join(paragraphs([line for page in without_running_lines(read.pages) for line in page]))
    if not text.strip():
        if read.problem is not None:
            raise _damaged(name, read.problem)
        kind = "pictures alone, as of a scanner" if read.scanned else "they are empty"
        raise InputError(f"{name}: no text on its pages: {kind}", "recognise its text, such as with ocrmypdf")
    return Parsed(text, title, file_date=day, left_out=read.left_out())


def _damaged(name: str, error: Exception) -> InputError:
    told = re.sub(r", \d{6,}(?=\))", "", str(error))  # pypdf's references show where in memory they lie
    reason = (told or type(error).__name__).splitlines()[0]
    return InputError(f"{name}: no PDF file, or a damaged one ({reason:.100})", "open it, save it anew")


def _refuse_too_many_pages(reader: Any, name: str, limits: Limits) -> None:
    for number, _ in enumerate(reader.pages, 1):
        if number > limits.pages:
            raise InputError(f"{name}: more than {limits.pages:,} pages", raised("pages"))


@dataclass
class _Read:
    """The lines of each page, and the numbers of pages of which text is missing."""

    pages: list[list[Line]] = field(default_factory=list)
    scanned: list[int] = field(default_factory=list)  # a picture and no text
    damaged: list[int] = field(default_factory=list)
    problem: Exception | None = None

    def left_out(self) -> list[str]:
        """Return in words what is missing."""
        words = {"no text on page": self.scanned, "damaged, not or not wholly read: page": self.damaged}
        return [f"{about} {_ranges(numbers)}" for about, numbers in words.items() if numbers]


def _read_pages(reader: Any) -> _Read:
    """Read page by page; a page that is damaged does not take the others with it."""
    read = _Read()
    with _lost_parts() as lost:
        for number, page in enumerate(reader.pages, 1):
            before, lines = len(lost), list[Line]()
            try:
                lines = [line for line in lines_of_page(_pieces(page)) if line.text]
            except MemoryError:
                raise
            except Exception as error:  # of the many that a damaged page raises
                read.problem = read.problem or error
                read.damaged.append(number)
            else:
                if len(lost) > before:
                    read.damaged.append(number)
                elif not lines and _has_picture(page):
                    read.scanned.append(number)
            read.pages.append(lines)
    return read


@contextmanager
def _lost_parts() -> Iterator[list[str]]:
    """Collect what pypdf says of parts of pages that it passes over."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().startswith(_PASSED_OVER):
                said.append(record.getMessage())

    said, collector, logger = list[str](), Collector(), logging.getLogger("pypdf")
    logger.addHandler(collector)
    try:
        yield said
    finally:
        logger.removeHandler(collector)


def _pieces(page: Any) -> list[Piece]:
    """Return the text of a page with its places, turned upright."""
    found: list[Piece] = []

    def visit(text: str, outer: list[float], inner: list[float], _: Any, size: float) -> None:
        text = _readable(text)
        if text:
            a, b, x, y = _placed(outer, inner)
            scale = math.hypot(a, b) or 1.0
            along, across = (x * a + y * b) / scale, (y * a - x * b) / scale
            found.append(Piece(text, along, across, abs(size * scale)))

    name_encodings(page)
    page.extract_text(visitor_text=visit)
    return found


def _placed(outer: list[float], inner: list[float]) -> tuple[float, float, float, float]:
    """Return direction and place of text: the first row and the last of the product of both matrices."""
    a = inner[0] * outer[0] + inner[1] * outer[2]
    b = inner[0] * outer[1] + inner[1] * outer[3]
    x = inner[4] * outer[0] + inner[5] * outer[2] + outer[4]
    y = inner[4] * outer[1] + inner[5] * outer[3] + outer[5]
    return a, b, x, y


def _readable(text: str) -> str:
    text = cleaned(text).replace("\n", "").replace("\xa0", " ").replace("\t", " ")
    return _KANGXI.sub(lambda found: unicodedata.normalize("NFKC", found[0]), text.translate(_RADICALS))


def _has_picture(page: Any) -> bool:
    with suppress(Exception):  # whatever a damaged page raises: it is no picture that can be told
        resources = page["/Resources"].get_object()
        objects = resources.get("/XObject", {}).get_object().values()
        return any(one.get_object().get("/Subtype") == "/Image" for one in objects)
    return False


def _properties(reader: Any) -> tuple[str, str]:
    """Return the title and the day that a file names; "" where it is silent or cannot be understood."""
    title = day = ""
    with suppress(Exception):  # of the many things that can be wrong with them none matters
        about = reader.metadata or {}
        title, day = str(about.get("/Title") or ""), day_of(str(about.get("/CreationDate") or ""))
    return _PROGRAM.sub("", " ".join(cleaned(title).split())), day


def _ranges(numbers: list[int]) -> str:
    """Return page numbers in short.

    >>> _ranges([3, 5, 6, 7, 9])
    '3, 5–7, 9'
    """
    runs: list[list[int]] = []
    for n in numbers:
        if runs and n == runs[-1][-1] + 1:
            runs[-1].append(n)
        else:
            runs.append([n])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
