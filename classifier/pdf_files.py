"""PDF files: their text layer, without page numbers and running heads, lines joined to paragraphs."""

from __future__ import annotations

import io
import math
import re
import unicodedata
from contextlib import suppress
from typing import Any

from classifier.errors import InputError
from classifier.limits import Limits, raised
from classifier.parsed import EXTRA, Parsed, cleaned, day_of
from classifier.pdf_lines import Line, Piece, lines_of_page, paragraphs, without_running_lines

# Radicals that stand for the characters they look like, as some programs write them
# (Unicode Character Database, EquivalentUnifiedIdeograph.txt). Those of Kangxi decompose by
# themselves, the first three into forms that are not today's.
_RADICALS = str.maketrans(
    "⼾⾭⿈⺒⺓⺟⺠⻄⻅⻆⻉⻋⻑⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
    "户青黄巳幺母民西见角贝车長长门青韦页风飞食马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
)
_PROGRAM = re.compile(r"^Microsoft \w+ - |\.(?:docx?|wps|html?|pdf|txt|indd)$", re.IGNORECASE)  # in titles
_KANGXI = re.compile("[\u2f00-\u2fd5]")


def read_pdf(data: bytes, name: str, limits: Limits) -> Parsed:
    """Return the text of a PDF file, a line for each paragraph.

    Blanks that only set Chinese characters apart are taken out. ``left_out`` names pages that
    hold a picture and no text.

    Raises `InputError` for what is no PDF file, is locked, has too many pages, or no text at all.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise InputError(f"{name}: locked with a password", "save it without one")
        _refuse_too_many_pages(reader, name, limits)
        pages, scanned = _pages(reader)
        title, day = _properties(reader)
    except DependencyError:
        raise InputError(f"{name}: locked with AES, which needs cryptography", EXTRA) from None
    except (PyPdfError, RecursionError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{name}: no PDF file, or a damaged one ({reason:.100})", "open it, save it anew"
        ) from None
    text = "\n".join(paragraphs([line for page in without_running_lines(pages) for line in page]))
    if not text.strip():
        raise InputError(
            f"{name}: no text on its pages: {_kind(scanned)}",
            "recognise its text first, such as with ocrmypdf",
        )
    left = [f"no text on page {_ranges(scanned)} (scanned?)"] if scanned else []
    return Parsed(text, title, file_date=day, left_out=left)


def _kind(scanned: list[int]) -> str:
    return "pictures alone, as of a scanner" if scanned else "they are empty"


def _refuse_too_many_pages(reader: Any, name: str, limits: Limits) -> None:
    for number, _ in enumerate(reader.pages, 1):
        if number > limits.pages:
            raise InputError(f"{name}: more than {limits.pages:,} pages", raised("pages"))


def _pages(reader: Any) -> tuple[list[list[Line]], list[int]]:
    """Return the lines of each page, and the numbers of those that hold a picture and no text."""
    pages, scanned = list[list[Line]](), list[int]()
    for number, page in enumerate(reader.pages, 1):
        lines = lines_of_page(_pieces(page))
        pages.append([line for line in lines if line.text])
        if not pages[-1] and _has_picture(page):
            scanned.append(number)
    return pages, scanned


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
