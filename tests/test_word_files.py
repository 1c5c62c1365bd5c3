"""Word documents: everything that a reader of the page reads, in its order, and nothing else."""

from __future__ import annotations

import io

import pytest
from hostile_files import W, packed, paragraph, word
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.errors import InputError
from classifier.limits import Limits
from classifier.word_files import read_word

DOCX = pytest.importorskip("docx", reason="python-docx is not installed")


def text_of(body: str, **more) -> str:
    return read_word(word(body, **more), "a.docx", Limits()).text


def run(text: str) -> str:
    return f"<w:r><w:t>{text}</w:t></w:r>"


def cell(*texts: str) -> str:
    return f"<w:tc>{''.join(map(paragraph, texts))}</w:tc>"


def row(*cells: str) -> str:
    return f"<w:tr>{''.join(cells)}</w:tr>"


INNER = row(cell("里"), cell("面"))
BOX = (
    "<w:r><mc:AlternateContent><mc:Choice><w:drawing><w:txbxContent>{0}</w:txbxContent></w:drawing></mc:Choice>"
    "<mc:Fallback><w:pict><w:txbxContent>{0}</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(paragraph("一") + paragraph("") + paragraph("二"), "一\n\n二", id="paragraphs"),
        pytest.param(f"<w:p>{run('修')}{run('路')}</w:p>", "修路", id="runs"),
        pytest.param(
            f"<w:p>{run('甲')}<w:r><w:tab/><w:br/></w:r>{run('乙')}</w:p>", "甲\t\n乙", id="tabs, breaks"
        ),
        pytest.param(f"<w:p><w:hyperlink>{run('网站')}</w:hyperlink></w:p>", "网站", id="a link"),
        pytest.param(f"<w:p><w:ins>{run('新增')}</w:ins></w:p>", "新增", id="an insertion that is tracked"),
        pytest.param(
            f"<w:p>{run('留')}<w:del><w:r><w:delText>删</w:delText></w:r></w:del></w:p>",
            "留",
            id="a deletion",
        ),
        pytest.param(
            f"<w:p><w:moveFrom>{run('旧')}</w:moveFrom><w:moveTo>{run('新')}</w:moveTo></w:p>",
            "新",
            id="a move",
        ),
        pytest.param(
            f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph('控件')}</w:sdtContent></w:sdt>",
            "控件",
            id="a control",
        ),
        pytest.param(
            f"<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>{run('甲')}</w:p>", "甲", id="a tab stop is no tab"
        ),
        pytest.param("<w:p><w:r><w:instrText>PAGE</w:instrText></w:r></w:p>", "", id="a field's instruction"),
        pytest.param(
            f"<w:p><w:ruby><w:rt>{run('lù')}</w:rt><w:rubyBase>{run('路')}</w:rubyBase></w:ruby></w:p>",
            "路",
            id="pinyin above the line",
        ),
        pytest.param(
            f"<w:tbl>{row(cell('乡镇'), cell('户数'))}{row(cell('青杠岭'), cell('152'))}</w:tbl>",
            "乡镇\t户数\n青杠岭\t152",
            id="a table",
        ),
        pytest.param(
            f"<w:tbl>{row(cell('甲', '乙'), cell('丙'))}</w:tbl>", "甲\n乙\n丙", id="a cell of paragraphs"
        ),
        pytest.param(f"<w:tbl>{row(cell('甲'), cell(''))}</w:tbl>", "甲", id="an empty cell"),
        pytest.param(
            f"<w:tbl>{row(f'<w:tc><w:tbl>{INNER}</w:tbl></w:tc>', cell('外'))}</w:tbl>",
            "里\t面\t外",
            id="a table in a table",
        ),
        pytest.param(
            f'<w:p xmlns:mc="m">{run("正文")}{BOX.format(paragraph("框内"))}{run("继续")}</w:p>'
            + paragraph("下段"),
            "正文继续\n框内\n下段",
            id="a text box, once",
        ),
        pytest.param("<w:p><w:r><w:t>a&lt;b&amp;c&#x4e00;</w:t></w:r></w:p>", "a<b&c一", id="references"),
    ],
)
def test_what_a_reader_sees_becomes_lines(body, text):
    assert text_of(body) == text


def test_footnotes_stand_at_the_end_and_the_line_above_them_is_none():
    notes = (
        f'<w:footnotes xmlns:w="{W}"><w:footnote w:type="separator">{paragraph("——")}</w:footnote>'
        f"<w:footnote>{paragraph('注：含易地搬迁户。')}</w:footnote></w:footnotes>"
    )
    assert text_of(paragraph("正文"), **{"word/footnotes.xml": notes}) == "正文\n注：含易地搬迁户。"


def test_headers_and_comments_are_no_text():
    more = {f"word/{name}1.xml": f"<a>{paragraph('别处')}</a>" for name in ("header", "footer", "comments")}
    assert text_of(paragraph("正文"), **more) == "正文"


def test_the_body_is_where_the_relationships_say():
    relations = (
        '<Relationships><Relationship Target="/word/document2.xml" '
        'Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"/></Relationships>'
    )
    body = f'<w:document xmlns:w="http://purl.oclc.org/ooxml/wordprocessingml/main">{paragraph("严格")}</w:document>'
    data = packed({"_rels/.rels": relations, "word/document2.xml": body})
    assert read_word(data, "a.docx", Limits()).text == "严格"


def test_title_and_day_come_from_the_properties():
    properties = (
        '<c:coreProperties xmlns:c="c" xmlns:dc="d" xmlns:t="t"><dc:title> 关于修路的\n通知</dc:title>'
        "<t:created>2018-01-05T08:00:00Z</t:created><t:modified>2019-10-17T01:02:03Z</t:modified></c:coreProperties>"
    )
    found = read_word(word(paragraph("一"), **{"docProps/core.xml": properties}), "a.docx", Limits())
    assert (found.title, found.file_date, found.date) == ("关于修路的 通知", "2019-10-17", "")


def test_broken_properties_are_no_reason_to_refuse_a_document():
    assert text_of(paragraph("一"), **{"docProps/core.xml": "<a>"}) == "一"


@settings(derandomize=True, deadline=None)
@given(
    st.lists(
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20
        ),
        max_size=6,
    )
)
def test_what_python_docx_writes_is_read_back(texts):
    document = DOCX.Document()
    for text in texts:
        document.add_paragraph(text)
    out = io.BytesIO()
    document.save(out)
    assert read_word(out.getvalue(), "a.docx", Limits()).text == "\n".join(texts)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04", id="cut off"),
        pytest.param(packed({"_rels/.rels": "<a/>"}), id="no body"),
        pytest.param(word("<w:p>" * 60 + "</w:p>" * 60), id="nested"),
        pytest.param(word("<w:tbl><w:tr>" * 60 + "</w:tr></w:tbl>" * 60), id="nested tables"),
        pytest.param(packed({"word/document.xml": "<a", "_rels/.rels": "<a/>"}), id="no XML"),
    ],
)
def test_what_is_no_word_document_is_refused_in_one_line(data):
    with pytest.raises(InputError, match=r"^a\.docx: no Word document \([^\n]+\)$") as caught:
        read_word(data, "a.docx", Limits())
    assert caught.value.hint


def test_a_document_of_pictures_alone_is_told_like_a_scanned_pdf():
    data = word("<w:p/>", **{"word/media/image1.png": b"x"})
    with pytest.raises(InputError, match=r"a\.docx: no text in it: pictures alone") as error:
        read_word(data, "a.docx", Limits())
    assert "ocrmypdf" in error.value.hint
    assert (
        read_word(word(paragraph("一"), **{"word/media/image1.png": b"x"}), "a.docx", Limits()).text == "一"
    )


def test_text_that_a_document_takes_in_from_another_format_is_told():
    found = read_word(word(paragraph("一") + "<w:altChunk/>"), "a.docx", Limits())
    assert (found.text, found.left_out) == ("一", ["a part in another format (altChunk), which is not read"])
    with pytest.raises(InputError, match="no text in it: a part in another format"):
        read_word(word("<w:altChunk/>"), "a.docx", Limits())
