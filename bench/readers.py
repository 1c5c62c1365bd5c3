"""What reading costs, a document: `python -m bench.readers`.

Two hundred ordinary articles in each format, read by `documents` with its processes, beside what the
parsers alone take in one process: python-docx, pypdf and trafilatura as everybody calls them.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.gauges import timed
from bench.hostile_inputs import SENTENCE, cells, packed, workbook

PARAGRAPHS = [f"{SENTENCE}第{n}户住进新房，孩子领到助学金；" * 6 for n in range(12)]
MEASURED = """
import json, subprocess, sys, time
from classifier.documents import documents
started, original = [0], subprocess.Popen
def counted(*a, **k):
    started[0] += 1
    return original(*a, **k)
subprocess.Popen = counted
begun = time.perf_counter()
read = sum(1 for _ in documents([sys.argv[1]], parsers=int(sys.argv[2])))
print(json.dumps([read, time.perf_counter() - begun, started[0]]))
"""


def article(ending: str, number: int) -> bytes:
    """Return an article of about 1,900 characters."""
    lines = [f"石磨沟村的第{number}条路", *PARAGRAPHS]
    body = "".join(f"<p>{line}</p>" for line in lines)
    made: dict[str, Callable[[], bytes]] = {
        ".txt": lambda: "\n".join(lines).encode(),
        ".html": f"<html><meta charset=utf-8><title>{lines[0]}</title><body>{body}</body></html>".encode,
        ".docx": lambda: written_by_word(lines),
        ".pdf": lambda: set_as_pdf(lines),
        ".zip": lambda: packed({"a.txt": "\n".join(lines)}),
        ".xlsx": lambda: workbook(
            f"<sheetData>{cells(1, 'text', 'n')}{cells(2, ''.join(lines), '1')}</sheetData>"
        ),
    }
    return made[ending]()


def written_by_word(lines: list[str]) -> bytes:
    import docx

    document, out = docx.Document(), io.BytesIO()
    for line in lines:
        document.add_paragraph(line)
    document.save(out)
    return out.getvalue()


def set_as_pdf(lines: list[str]) -> bytes:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    style = ParagraphStyle("a", fontName="STSong-Light", fontSize=12, leading=20, wordWrap="CJK")
    out = io.BytesIO()
    SimpleDocTemplate(out).build([Paragraph(line, style) for line in lines])
    return out.getvalue()


def alone(folder: Path, ending: str) -> float | None:
    """Return the seconds that the usual library alone takes for a folder; None where there is none."""
    files = sorted(folder.iterdir())
    if ending == ".docx":
        import docx

        return timed(lambda: [[p.text for p in docx.Document(str(f)).paragraphs] for f in files])
    if ending == ".pdf":
        import pypdf

        return timed(lambda: [[p.extract_text() for p in pypdf.PdfReader(f).pages] for f in files])
    if ending == ".html":
        import trafilatura

        return timed(lambda: [trafilatura.extract(f.read_text(encoding="utf-8")) for f in files])
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=200)
    options = parser.parse_args()
    print("| format | ms a document, 1 process | 4 processes | the library alone | processes started |")
    print("|---|--:|--:|--:|--:|")
    for ending in (".txt", ".html", ".docx", ".pdf", ".xlsx", ".zip"):
        with tempfile.TemporaryDirectory() as work:
            for number in range(options.n):
                (Path(work) / f"{number}{ending}").write_bytes(article(ending, number))
            found = []
            for parsers in (1, 4):
                command = [sys.executable, "-c", MEASURED, work, str(parsers)]
                done = subprocess.run(command, capture_output=True, check=True)
                found.append(json.loads(done.stdout))
            library = alone(Path(work), ending)
        each = [f"{1e3 * seconds / read:.1f}" for read, seconds, _ in found]
        own = "" if library is None else f"{1e3 * library / options.n:.1f}"
        print(f"| {ending} | {each[0]} | {each[1]} | {own} | {found[0][2]}, {found[1][2]} |", flush=True)


if __name__ == "__main__":
    main()
