"""Little files of every format to begin with; all of it is composed here."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

SENTENCE = "签约医生每月上门给老人量血压，药费减半。"
ENDINGS = ("txt", "csv", "tsv", "jsonl", "parquet", "html", "mhtml", "docx", "pdf", "xlsx", "zip", "txt.gz")
TOKENS = (
    *(
        "<p>",
        "</p>",
        "<table>",
        "<td>",
        "<meta ",
        "charset=",
        "gb2312",
        "<title>",
        "<!DOCTYPE ",
        "<!ENTITY ",
        "&#x",
    ),
    *("w:p", "w:t", "w:tbl", "w:tr", "w:tc", "w:tab", "w:br", "w:del", "w:sdt", "mc:AlternateContent"),
    *(
        "<row r=",
        "<c r=",
        't="s"',
        "inlineStr",
        "<v>",
        "A1",
        "endobj",
        "stream",
        "/Kids",
        "/Parent",
        "/Contents",
    ),
    *(
        " Tj",
        " TJ",
        " Td",
        " Tm",
        "BT ",
        " ET",
        "/Length",
        "/Filter",
        "/FlateDecode",
        "text",
        "content",
        "id",
    ),
    *("Content-Type: ", "boundary=", "quoted-printable", "base64", "PK\x03\x04", "\ufeff", '""', "\\ud800"),
)
_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_P = "http://schemas.openxmlformats.org/package/2006/"


def packed(files: dict[str, bytes | str]) -> bytes:
    """Return a zip archive."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def zipped(content: bytes) -> bytes:
    """Return bytes as gzip."""
    return gzip.compress(content, compresslevel=1, mtime=0)


def word(body: bytes) -> bytes:
    """Return a Word document with this XML as its body."""
    document = b'<w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (_W.encode(), body)
    return word_part(document)


def word_part(document: bytes) -> bytes:
    """Return a Word document with this as its main part."""
    return packed({"word/document.xml": document, "_rels/.rels": "<Relationships/>"})


def workbook(sheet: bytes) -> bytes:
    """Return an Excel workbook with this XML as the content of its sheet."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relations = f'<Relationships xmlns="{_P}relationships"><Relationship Id="r" Type="{_R}'
    return packed(
        {
            "[Content_Types].xml": f'<Types xmlns="{_P}content-types"><Override PartName="/xl/workbook.xml" '
            f'ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/s.xml" '
            f'ContentType="{kind}.worksheet+xml"/></Types>',
            "_rels/.rels": f'{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{_S}" xmlns:r="{_R}"><sheets>'
            '<sheet name="a" sheetId="1" r:id="r"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'{relations}/worksheet" Target="s.xml"/></Relationships>',
            "xl/s.xml": b'<worksheet xmlns="%s">%s</worksheet>' % (_S.encode(), sheet),
        }
    )


def pdf_with(content: bytes) -> bytes:
    """Return a PDF file of one page that shows this content stream."""
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R "
        b"/Resources << /Font << /F 5 0 R >> >> >>"
    )
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        font,
    )
    out, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n%s%s" % (table, trailer)


def inner() -> tuple[bytes, ...]:
    """Return what is packed into files: the body of a Word document, the whole of its part, and so on."""
    paragraph = f"<w:p><w:r><w:t>{SENTENCE}</w:t></w:r></w:p>"
    body = f"{paragraph}<w:tbl><w:tr><w:tc>{paragraph}</w:tc></w:tr></w:tbl>".encode()
    document = b'<w:document xmlns:w="%s"><w:body>%s</w:body></w:document>' % (_W.encode(), body)
    return body, document, _sheet(), _csv(), _jsonl(), packed({"c.txt": SENTENCE}), _CONTENT


_CONTENT = b"BT /F 12 Tf 50 700 Td (village clinic) Tj 0 -14 Td [(doc) -200 (tor)] TJ ET"


def _csv() -> bytes:
    return f'id,text,日期\n1,{SENTENCE},2021\n2,"他说""好""\n",\n'.encode()


def _jsonl() -> bytes:
    return f'{{"id": 1, "text": "{SENTENCE}", "x": [1, {{"a": null}}]}}\n{{"text": "好"}}\n'.encode()


def _sheet() -> bytes:
    return _sheet_of([("text", "n"), (SENTENCE, "1")])


def _sheet_of(rows: Iterable[Iterable[str]]) -> bytes:
    cells = ["".join(f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>' for text in row) for row in rows]
    return f"<sheetData>{''.join(f'<row>{row}</row>' for row in cells)}</sheetData>".encode(
        "utf-8", "replace"
    )


def filled_rows(value: Any) -> bytes:
    """Return the XML of a sheet with a list of mappings below their names."""
    rows = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return _sheet_of([names, *([str(row.get(name, "")) for name in names] for row in rows)])


def filled(value: Any) -> bytes:
    """Return an Excel workbook with a list of mappings as its sheet."""
    return workbook(filled_rows(value))


def _page() -> str:
    return (
        f'<html><head><meta charset="utf-8"><title>通知</title></head>'
        f"<body><article><h1>通知</h1><p>{SENTENCE}</p>"
        f"<p>发布时间：2021-03-05 来源：某报</p><p>{SENTENCE * 3}</p></article></body></html>"
    )


def _snapshot() -> bytes:
    return (
        "MIME-Version: 1.0\r\nSnapshot-Content-Location: http://a.cn/\r\n"
        'Content-Type: multipart/related; boundary="B"\r\n\r\n--B\r\n'
        f'Content-Type: text/html; charset="utf-8"\r\nContent-Location: http://a.cn/\r\n\r\n{_page()}\r\n--B--\r\n'
    ).encode()


def _parquet() -> bytes:
    import pyarrow
    from pyarrow import parquet

    stream = io.BytesIO()
    table = pyarrow.table({"id": ["1"], "text": [SENTENCE], "n": [3]})
    parquet.write_table(table, stream, compression="none", write_statistics=False, store_schema=False)
    return stream.getvalue()


@lru_cache(maxsize=1)
def by_ending() -> dict[str, bytes]:
    """Return a file for each of `ENDINGS`."""
    text = f"{SENTENCE}\n大家都说好。\n"
    return {
        "txt": text.encode("gb18030"),
        "csv": _csv(),
        "tsv": _csv().replace(b",", b"\t"),
        "jsonl": _jsonl(),
        "parquet": _parquet(),
        "html": _page().encode(),
        "mhtml": _snapshot(),
        "docx": word(inner()[0]),
        "pdf": pdf_with(_CONTENT),
        "xlsx": workbook(_sheet()),
        "zip": packed({"通知.txt": text, "b.csv": _csv(), "../c.txt": text}),
        "txt.gz": zipped(text.encode("utf-16")),
    }
