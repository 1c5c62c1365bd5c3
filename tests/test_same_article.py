"""One article in every format that is read: the same segments, the same labels."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
from hostile_files import packed

from classifier.batch import label_documents
from classifier.documents import documents

TITLE = "石磨沟村的三条路"
PARAGRAPHS = [
    "石磨沟村地处大山深处，过去进村只有一条土路，雨天一身泥，晴天一身灰。2018年，交通局筹资1.2亿元，修通了"
    "最后三公里硬化路，惠及8个村2600多户群众。",
    "路通了，产业也来了：村里养起黑山羊，户均年增收4200元；驻村工作队又牵头建起车间，安排68名群众就业。",
    "“以前看病要走两个小时山路，现在签约医生每月上门。”七十三岁的老人说，药费报销比例提高到90%以上。",
    "村小学的变化更大：新建两层教学楼，寄宿生每学期领到625元助学金。没有一个孩子因为家里困难而辍学。",
    "打井队在山脚打出一眼机井，家家户户喝上了放心水。",
]
TEXT = "\n".join([TITLE, *PARAGRAPHS])
LATIN = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"  # a font with Chinese characters, if it is there
)


def html(charset: str = "utf-8") -> str:
    """Return the article as a page with navigation, a list of other articles, and a foot."""
    links = "".join(f'<li><a href="/{n}">{n}</a></li>' for n in ("首页", "要闻", "政策", "数据", "互动"))
    others = "".join(f'<li><a href="/o{n}">青杠岭乡第{n}次会议召开</a></li>' for n in "一二三")
    body = "".join(f"<p>　　{p}</p>" for p in PARAGRAPHS)
    return (
        f'<!DOCTYPE html><html><head><meta charset="{charset}"><title>{TITLE}_石磨沟县人民政府</title></head>'
        f'<body><div class="nav"><ul>{links}</ul></div><div class="article"><h1>{TITLE}</h1>'
        f'<div class="info">发布时间：2019-10-17　来源：石磨沟县融媒体中心</div>{body}</div>'
        f'<div class="related"><h3>相关链接</h3><ul>{others}</ul></div>'
        '<div class="footer"><p>主办单位：石磨沟县人民政府办公室</p></div></body></html>'
    )


def docx() -> bytes:
    document = pytest.importorskip("docx", reason="python-docx is not installed").Document()
    document.add_heading(TITLE, 1)
    for text in PARAGRAPHS:
        document.add_paragraph(text)
    document.sections[0].header.paragraphs[0].text = "扶贫工作简报"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf_named_font() -> bytes:
    """Return pages set in a font that the file names and does not hold, with heads and page numbers."""
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate

    def edges(page, template):
        page.setFont("STSong-Light", 9)
        page.drawCentredString(300, 800, "石磨沟县扶贫工作简报")
        page.drawCentredString(300, 30, f"- {template.page} -")

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    style = ParagraphStyle(
        "body", fontName="STSong-Light", fontSize=14, leading=24, wordWrap="CJK", firstLineIndent=28
    )
    title = ParagraphStyle("title", fontName="STSong-Light", fontSize=20, leading=40, alignment=1)
    first, *rest = PARAGRAPHS
    flow = [
        Paragraph(TITLE, title),
        Paragraph(first, style),
        PageBreak(),
        *(Paragraph(p, style) for p in rest),
    ]
    out = io.BytesIO()
    SimpleDocTemplate(out, title=TITLE).build(flow, onFirstPage=edges, onLaterPages=edges)
    return out.getvalue()


def pdf_embedded_font() -> bytes:
    """Return pages set in a font that the file holds, lines as wide as the page."""
    if not Path(LATIN).exists():
        pytest.skip(f"no font with Chinese characters: {LATIN} is absent")
    from fpdf import FPDF

    page = FPDF()
    page.add_font("n", fname=LATIN, collection_font_number=2)
    page.add_page()
    page.set_font("n", size=20)
    page.cell(0, 20, TITLE, align="C")
    page.ln(20)
    page.set_font("n", size=13)
    for text in PARAGRAPHS:
        page.multi_cell(0, 9, text)
        page.ln(4)
    return bytes(page.output())


def table(delimiter: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([["id", "text"], ["a", TEXT]])
    return out.getvalue().encode()


def xlsx() -> bytes:
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    book = openpyxl.Workbook()
    book.active.append(["编号", "正文"])
    book.active.append(["a", TEXT])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def parquet() -> bytes:
    import pyarrow
    from pyarrow import parquet as library

    out = io.BytesIO()
    library.write_table(pyarrow.table({"id": ["a"], "text": [TEXT]}), out)
    return out.getvalue()


FORMS = {
    "utf8.txt": TEXT.encode,
    "bom.txt": lambda: TEXT.encode("utf-8-sig"),
    "gb18030.txt": lambda: TEXT.encode("gb18030"),
    "utf16.txt": lambda: TEXT.encode("utf-16"),
    "packed.md.gz": lambda: gzip.compress(TEXT.encode()),
    "page.html": lambda: html().encode(),
    "old.htm": lambda: html("gb2312").encode("gb18030"),
    "word.docx": docx,
    "named.pdf": pdf_named_font,
    "embedded.pdf": pdf_embedded_font,
    "table.csv": lambda: table(","),
    "table.tsv": lambda: table("\t"),
    "sheet.xlsx": xlsx,
    "lines.jsonl": lambda: json.dumps({"id": "a", "text": TEXT}).encode(),
    "columns.parquet": parquet,
    "archive.zip": lambda: packed({"里/面.txt": TEXT.encode("gb18030")}),
    "word.zip": lambda: packed({"inner.zip": packed({"word.docx": docx()})}),
}


def labelled(path, model, tmp_path):
    """Return segments and codes of the one document in a file, and all that is known of it."""
    (document,) = documents([path])
    out = tmp_path / "out.jsonl"
    label_documents([document], model, out)
    rows = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    return [(row["paragraph"], row["text"], row["codes"]) for row in rows], document


@pytest.fixture(scope="module")
def expected(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("expected")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    return labelled(folder / "a.txt", tiny_model, folder)[0]


@pytest.mark.parametrize("name", FORMS)
def test_an_article_has_the_same_segments_and_labels_in_every_format(name, tiny_model, expected, tmp_path):
    (tmp_path / name).write_bytes(FORMS[name]())
    rows, document = labelled(tmp_path / name, tiny_model, tmp_path)
    assert rows == expected
    assert len({codes for _, _, codes in rows}) > 3  # there is something to be the same
    # White space apart, there is none: paragraphs are lines, and nothing else stands between them.
    assert document.text.removesuffix("\n") == TEXT


def test_what_a_page_says_of_its_article_is_known(tmp_path):
    (tmp_path / "page.html").write_text(html(), encoding="utf-8")
    (document,) = documents([tmp_path / "page.html"])
    known = (document.title, document.date, document.source, document.meta)
    assert known == (TITLE, "2019-10-17", "石磨沟县融媒体中心", {"url": ""})


def test_all_formats_in_one_archive_are_read_in_the_order_of_their_names(tmp_path):
    missing = ("embedded.pdf", "sheet.xlsx", "columns.parquet", "table.tsv", "lines.jsonl")
    names = [name for name in FORMS if name not in missing]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for name in names:
            archive.writestr(name, FORMS[name]())
    found = list(documents([tmp_path / "all.zip"], on_error=pytest.fail, parsers=3))
    inside = {"archive.zip": "archive.zip/里/面.txt", "word.zip": "word.zip/inner.zip/word.docx"}
    expected = [f"all.zip/{inside.get(name, name)}" for name in sorted(names)]
    expected[expected.index("all.zip/table.csv")] = "a"  # a row has its own
    assert [d.id for d in found] == expected
    assert {d.text for d in found} == {TEXT}
