"""Files made to break a reader: bombs, loops, lies, wrong encodings. All of it is composed here.

``python tests/hostile_files.py FOLDER`` writes them, to be looked at or read with other programs.
`CORPUS` says for each what is wrong with it: a pattern that the reason given for it must match, or
None where it must be read without a complaint.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

SENTENCE = "签约医生每月上门给老人量血压，药费减半。"
TRADITIONAL = "各鄉鎮要落實產業幫扶措施，幫助困難戶增加收入。"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
OLE = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504


# --- parts of which they are made ---


def packed(files: dict[str, bytes | str]) -> bytes:
    """Return a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def word(body: str, before: str = "", **more: bytes | str) -> bytes:
    """Return a Word document with this XML as its body, and ``before`` it."""
    document = f'{before}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    return packed({"word/document.xml": document, "_rels/.rels": "<Relationships/>", **more})


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def workbook(sheet: str, before: str = "") -> bytes:
    """Return an Excel workbook with this XML as the content of its sheet."""
    relation = "http://schemas.openxmlformats.org/package/2006/relationships"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    return packed(
        {
            "[Content_Types].xml": f'<Types xmlns="{relation.replace("relationships", "content-types")}">'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{relation}"><Relationship Id="rId1" '
            f'Type="{R}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}"><sheets>'
            '<sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relation}"><Relationship Id="rId1" '
            f'Type="{R}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": f'{before}<worksheet xmlns="{S}">{sheet}</worksheet>',
        }
    )


def cells(row: int, *texts: str) -> str:
    inside = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f'<row r="{row}">{inside}</row>'


def pdf(*objects: bytes) -> bytes:
    """Return a PDF file of these objects, numbered from 1; the first is its catalogue."""
    out, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (size, table, trailer)


def stream(content: bytes, about: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), about, content)


CATALOGUE = b"<< /Type /Catalog /Pages 2 0 R >>"
PAGES = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
LAUGHS = '<!DOCTYPE a [<!ENTITY b0 "哈">' + "".join(
    f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10)
)
FETCH = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


def locked_pdf() -> bytes:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("秘密", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def scanned_pdf() -> bytes:
    picture = stream(b"\0" * 100, b"/Type /XObject /Subtype /Image /Width 10 /Height 10 /BitsPerComponent 8")
    page = b"<< /Type /Page /Parent 2 0 R /Resources << /XObject << /I 4 0 R >> >> /Contents 5 0 R >>"
    return pdf(CATALOGUE, PAGES, page, picture, stream(b"/I Do"))


def bomb_pdf() -> bytes:
    once = zlib.compress(b"BT (a) Tj ET " * 8_000_000, 6)
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    page = b"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 5 0 R >> >> /Contents 4 0 R >>"
    return pdf(CATALOGUE, PAGES, page, stream(once, b"/Filter /FlateDecode"), font)


def endless_pdf() -> bytes:
    """Return a page that draws a form that draws itself, many times."""
    page = b"<< /Type /Page /Parent 2 0 R /Resources << /XObject << /F 4 0 R >> >> /Contents 5 0 R >>"
    form = stream(b"/F Do " * 50, b"/Type /XObject /Subtype /Form /Resources << /XObject << /F 4 0 R >> >>")
    return pdf(CATALOGUE, PAGES, page, form, stream(b"/F Do"))


def lying_zip() -> bytes:
    """Return an archive whose file is a thousand times as long as its directory says."""
    data = bytearray(packed({"a.txt": b" " * 20_000_000}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 20_000)
    return bytes(data)


def overlapping_zip() -> bytes:
    """Return an archive in which a thousand names lead to the same ten megabytes."""
    data = packed({"a000.txt": b"a" * 10_000_000})
    at, end = data.rindex(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    entry = data[at:end]
    entries = b"".join(entry.replace(b"a000", b"a%03d" % n) for n in range(1000))
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1000, 1000, len(entries), at, 0)
    return data[:at] + entries + tail


def locked_zip() -> bytes:
    """Return an archive whose file says that it is encrypted."""
    data = bytearray(packed({"a.txt": SENTENCE}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.rindex(mark) + offset] |= 1
    return bytes(data)


def nested_zip(depth: int) -> bytes:
    data = packed({"a.txt": SENTENCE})
    for _ in range(depth):
        data = packed({"inner.zip": data})
    return data


def link_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("a.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def parquet() -> bytes:
    import pyarrow
    from pyarrow import parquet as library

    out = io.BytesIO()
    library.write_table(pyarrow.table({"text": [f"{SENTENCE}{n}" for n in range(5000)]}), out)
    return out.getvalue()


def parquet_of(values, **options) -> bytes:
    """Return a Parquet file whose one column holds these values."""
    import pyarrow
    from pyarrow import parquet as library

    out = io.BytesIO()
    library.write_table(pyarrow.table({"text": values}), out, compression="zstd", **options)
    return out.getvalue()


def repeated(text: str, rows: int) -> bytes:
    """Return a Parquet file that says one text once, and by a number how often it stands there."""
    import pyarrow

    once = pyarrow.array([text])
    return parquet_of(pyarrow.DictionaryArray.from_arrays(pyarrow.repeat(pyarrow.scalar(0), rows), once))


def long_list() -> bytes:
    """Return a Parquet file of one row: a list of forty million numbers."""
    import pyarrow

    many = pyarrow.repeat(pyarrow.scalar(7, pyarrow.int32()), 40_000_000)
    return parquet_of(pyarrow.ListArray.from_arrays(pyarrow.array([0, len(many)], pyarrow.int32()), many))


def lists_in_lists(depth: int) -> bytes:
    import pyarrow

    value, kind = SENTENCE, pyarrow.string()
    for _ in range(depth):
        value, kind = [value], pyarrow.list_(kind)
    return parquet_of(pyarrow.array([value], kind))


def multiparts(depth: int) -> bytes:
    """Return a saved page whose parts lie many levels deep."""
    heads = "".join(f"Content-Type: multipart/related; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return f"MIME-Version: 1.0\n{heads}Content-Type: text/plain\n\n无\n".encode()


# --- what is wrong with each ---

Made = Callable[[], bytes] | bytes
CORPUS: dict[str, tuple[Made, str | None]] = {
    # archives
    "bomb.zip": (lambda: packed({"a.txt": b" " * 60_000_000}), "unpacks to more than 100 times its size"),
    "lying.zip": (lying_zip, r"damaged \(Bad CRC"),
    "overlapping.zip": (overlapping_zip, "unpacks to more than 2,000 MB"),
    "nested.zip": (lambda: nested_zip(5), r"/nested\.zip(/inner\.zip){3}: deeper than 3 archives"),
    "up.zip": (packed({"../../up.txt": SENTENCE}), "leads out of the archive"),
    "absolute.zip": (packed({"/tmp/up.txt": SENTENCE}), "leads out of the archive"),
    "drive.zip": (packed({"C:\\up.txt": SENTENCE}), "leads out of the archive"),
    "link.zip": (link_zip, "a link and no file"),
    "locked.zip": (locked_zip, "locked with a password"),
    "cut.zip": (packed({"a.txt": SENTENCE * 1000})[:-60], "no zip archive"),
    "empty.zip": (packed({}), "no readable file in it"),
    "bomb.txt.gz": (lambda: gzip.compress(b" " * 60_000_000), "unpacks to more than 100 times its size"),
    "cut.txt.gz": (gzip.compress(SENTENCE.encode() * 100)[:-20], "damaged gzip file"),
    # Word
    "laughs.docx": (word(paragraph("&b9;"), LAUGHS + "]>"), "declares a document type"),
    "fetch.docx": (word(paragraph("&b;"), FETCH), "declares a document type"),
    "fetch16.docx": (
        packed({"word/document.xml": f"\ufeff{FETCH}<a>&b;</a>".encode("utf-16-le")}),
        "declares a document type",
    ),
    "bomb.docx": (lambda: word(paragraph(" " * 60_000_000)), "unpacks to more than 100 times its size"),
    "deep.docx": (
        lambda: word("<w:p>" * 300_000 + "</w:p>" * 300_000),
        "paragraphs nested more than 50 deep",
    ),
    "locked.docx": (OLE, "locked with a password"),
    "other.docx": (packed({"a.txt": SENTENCE}), "no Word document"),
    "cut.docx": (word(paragraph(SENTENCE) * 1000)[:-100], "no Word document"),
    "broken.docx": (word("<w:p><w:r></w:p>"), "no Word document"),
    # PDF
    "loop.pdf": (
        pdf(CATALOGUE, b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"),
        "no PDF file|no text on its pages",
    ),
    "tree.pdf": (
        lambda: pdf(
            CATALOGUE,
            b"<< /Type /Pages /Kids [%s] /Count 300000 >>" % (b"3 0 R " * 300_000),
            b"<< /Type /Page /Parent 2 0 R >>",
        ),
        "more than 2,000 pages|no PDF file",
    ),
    "bomb.pdf": (bomb_pdf, r"a damaged one \(Limit reached while decompressing"),
    "endless.pdf": (endless_pdf, "no text|takes longer|no PDF file"),
    "deep.pdf": (lambda: pdf(CATALOGUE, b"[" * 100_000), "no PDF file|nested too deeply|no text"),
    "locked.pdf": (locked_pdf, "locked with a password"),
    "scanned.pdf": (scanned_pdf, "no text on its pages: pictures alone"),
    "cut.pdf": (lambda: scanned_pdf()[:300], "no PDF file|no text on its pages"),
    "text.pdf": (SENTENCE.encode(), "no PDF file"),
    # Excel
    "million.xlsx": (
        lambda: workbook(
            '<dimension ref="A1:XFD1048576"/><sheetData>'
            + cells(1, "text")
            + "".join(f'<row r="{n}"/>' for n in range(2, 1_000_002))
            + cells(1_000_003, SENTENCE)
            + "</sheetData>"
        ),
        None,
    ),
    "laughs.xlsx": (workbook("<sheetData/>", LAUGHS + "]>"), "declares a document type"),
    "far.xlsx": (
        workbook(
            f'<sheetData>{cells(1, "text")}<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>'
            "x</t></is></c></row></sheetData>"
        ),
        None,
    ),
    "locked.xlsx": (OLE, "locked with a password"),
    "cut.xlsx": (workbook("<sheetData/>")[:-80], "no Excel workbook"),
    # web pages
    "deep.html": (lambda: b"<div>" * 200_000 + SENTENCE.encode(), "no article"),
    "empty.html": (
        b"<html><head><title></title></head><body><!-- --></body></html>",
        "no article|an empty page",
    ),
    "deep.mhtml": (lambda: multiparts(3000), "nested too deeply|no web page inside|cannot be read"),
    "none.mht": (b"MIME-Version: 1.0\nContent-Type: text/plain\n\nx", "no web page inside"),
    "big5.html": (f"<p>{TRADITIONAL}</p>".encode("big5"), "neither UTF-8"),
    # tables
    "cut.parquet": (lambda: parquet()[:-500], "no Parquet file|damaged|[Pp]arquet"),
    "lie.parquet": (b"PAR1" + b"\xff" * 100 + struct.pack("<I", 2**31 - 1) + b"PAR1", "Parquet|parquet"),
    "dictionary.parquet": (lambda: repeated("村" * 300_000, 20_000), "more than 512 MB of memory|times its"),
    "rows.parquet": (lambda: repeated("村", 12_000_000), "unpacks to more than 100 times its size"),
    "page.parquet": (
        lambda: parquet_of(["a" * 200_000_000], use_dictionary=False),
        "more than 512 MB of memory|a row of more than",
    ),
    "list.parquet": (long_list, "more than 512 MB of memory|a row of more than"),
    "deep.parquet": (lambda: lists_in_lists(400), "nested too deeply"),
    "deep.jsonl": (
        b'{"text": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "not JSON|nested more than|is not text",
    ),
    "line.jsonl": (lambda: b'{"text": "' + b"a" * 100_000_000 + b'"}', "longer than 40,000,000 characters"),
    "half.jsonl": (rb'{"text": "\ud83d"}', "half a surrogate pair"),
    "number.jsonl": (b'{"text": ' + b"1" * 100_000 + b"}", "not JSON|is not text"),
    "open.csv": (lambda: b'id,text\n1,"' + "村\n".encode() * 300_000, "unexpected end of data"),
    # texts
    "line.txt": (lambda: b"a" * 100_000_000, "more than 5,000,000 characters"),
    "long.txt": (lambda: b"a" * 100_000_001, "larger than 100 MB"),
    "nul.txt": (SENTENCE.encode() + b"\0\0", "NUL characters"),
    "noise.txt": (bytes(range(256)) * 40, "neither UTF-8"),
    "cp1252.txt": ("Café naïve — déjà vu".encode("cp1252"), "neither UTF-8"),
    "big5.txt": (TRADITIONAL.encode("big5"), "neither UTF-8"),
    "half.txt": (b"\xff\xfe" + b"\x3d\xd8" + "村".encode("utf-16-le"), "not utf-16-le at byte 2"),
    "cesu.txt": (SENTENCE.encode() + b"\xed\xa0\xbd\xed\xb8\x80", "neither UTF-8"),
    "old.doc": (OLE, "unknown format '.doc'"),
}


def write_corpus(folder: Path) -> dict[str, str | None]:
    """Write all files into a folder; return what is wrong with each, by its path below it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (made, _) in CORPUS.items():
        (folder / name).write_bytes(made if isinstance(made, bytes) else made())
    expected = {name: reason for name, (_, reason) in CORPUS.items()}
    (folder / "good.txt").write_text(SENTENCE, encoding="utf-8")
    return {**expected, "good.txt": None, **_write_special(folder)}


def _write_special(folder: Path) -> dict[str, str | None]:
    """Write what only some systems have: links, pipes, names of any bytes."""
    if sys.platform == "win32":
        return {}
    expected: dict[str, str | None] = {}
    (folder / "self.txt").symlink_to("self.txt")
    expected["self.txt"] = "symbolic links"
    (folder / "gone.txt").symlink_to("nowhere.txt")
    expected["gone.txt"] = "No such file"
    (folder / "round").symlink_to(".")
    expected["round"] = "a link to a folder, not followed"
    os.mkfifo(folder / "pipe.txt")
    expected["pipe.txt"] = "no regular file"
    if Path("/proc/self/mem").exists():
        (folder / "memory.txt").symlink_to("/proc/self/mem")
        expected["memory.txt"] = "Input/output error"
    if sys.platform == "linux":
        Path(os.fsdecode(os.fsencode(folder) + b"/\xb4\xe5.txt")).write_text(SENTENCE, encoding="utf-8")
        expected["村.txt"] = None
        Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.docx")).write_bytes(b"x")
        expected["\ufffd\ufffd.docx"] = "no Word document"
    return expected


if __name__ == "__main__":
    for path, wrong in write_corpus(Path(sys.argv[1])).items():
        print(json.dumps([path, wrong], ensure_ascii=False))  # noqa: T201
    assert all(re.compile(reason or "") for _, reason in CORPUS.values())
