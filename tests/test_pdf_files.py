"""PDF files: lines become paragraphs again; heads, feet and numbers of pages are gone; nothing is lost."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import pytest
from hostile_files import CATALOGUE, PAGES, pdf, stream
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.documents import documents
from classifier.errors import InputError
from classifier.limits import Limits
from classifier.pdf_files import _ranges, _readable, read_pdf
from classifier.pdf_lines import Line, Piece, lines_of_page, paragraphs, width, without_running_lines

pytest.importorskip("pypdf", reason="pypdf is not installed")
canvas = pytest.importorskip("reportlab.pdfgen.canvas", reason="reportlab is not installed")
from reportlab.pdfbase import pdfmetrics  # noqa: E402
from reportlab.pdfbase.cidfonts import UnicodeCIDFont  # noqa: E402

FONT = "STSong-Light"
SENTENCE = "签约医生每月上门给老人量血压，药费减半。"

# --- a little typesetter: Chinese text in a column, as any program sets it ---


def typeset(texts, *, em=12.0, columns=30, left=72.0, top=760.0, indent=2, leading=1.8):
    """Return the lines of paragraphs set in a column of so many characters, first lines set in."""
    lines, y = [], top
    for text in texts:
        at, x = 0, indent
        while at < len(text):
            end = at
            while end < len(text) and x + width(text[at : end + 1]) <= columns:
                end += 1
            if end < len(text) and text[end] in "，。；：、？！）》”":  # no line begins with one of these
                end -= 1
            piece = text[at:end]
            start = left + x * em
            lines.append(Line(piece, start, start + width(piece) * em, y, em))
            at, x, y = end, 0, y - leading * em
    return lines


HAN = st.text(alphabet="村里修好了水渠和公路发展产业群众收入增加教育医疗", min_size=1, max_size=90)
MARKED = st.lists(HAN, min_size=1, max_size=8).map(lambda parts: "，".join(parts) + "。")


@settings(derandomize=True, deadline=None)
@given(st.lists(MARKED, min_size=3, max_size=12), st.integers(20, 45), st.sampled_from([9.0, 12.0, 16.0]))
def test_paragraphs_with_first_lines_set_in_are_found_again(texts, columns, em):
    texts = [SENTENCE * 12, *texts]  # some lines that are not set in tell where lines begin
    assert list(paragraphs(typeset(texts, columns=columns, em=em))) == texts


@settings(derandomize=True, deadline=None)
@given(st.lists(MARKED, min_size=3, max_size=12), st.integers(20, 45))
def test_without_them_no_paragraph_is_divided_and_none_joined_within_a_sentence(texts, columns):
    found = list(paragraphs(typeset(texts, columns=columns, indent=0)))
    assert "".join(found) == "".join(texts)
    assert all(paragraph.endswith("。") for paragraph in found)


def test_columns_are_read_one_after_the_other():
    texts = [SENTENCE * 4, "石磨沟村的公路通了，" * 9 + "产业来了。", SENTENCE * 3]
    left = typeset(texts[:2], columns=16, left=50)
    right = typeset(texts[2:], columns=16, left=320)
    assert list(paragraphs([*left, *right])) == texts


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            [Line("关于修路的通知", 200, 340, 760, 20), *typeset([SENTENCE * 3])],
            ["关于修路的通知", SENTENCE * 3],
            id="a headline of another size",
        ),
        pytest.param(
            [
                *typeset(
                    ["关于进一步做好易地搬迁后续扶持工作的通知"], em=24, columns=15, indent=0, leading=1.9
                ),
                *typeset([SENTENCE * 6], top=660),
            ],
            ["关于进一步做好易地搬迁后续扶持工作的通知", SENTENCE * 6],
            id="a headline of two lines, as far apart as they are large",
        ),
        pytest.param(
            [
                Line("关于进一步做好易地搬迁后续扶持", 72, 432, 760, 24),
                Line("工作及产业发展重点项目的通知", 96, 408, 720, 24),
                *typeset([SENTENCE * 6], top=660),
            ],
            ["关于进一步做好易地搬迁后续扶持工作及产业发展重点项目的通知", SENTENCE * 6],
            id="a centred headline of two lines",
        ),
        pytest.param(
            [*typeset([SENTENCE * 3]), Line("一、总体要求", 96, 168, 600, 12)],
            [SENTENCE * 3, "一、总体要求"],
            id="a short line behind a full one, set in",
        ),
        pytest.param(
            [Line("乡镇\t户数", 72, 200, 700, 12), Line("青杠岭\t152", 72, 200, 680, 12)],
            ["乡镇\t户数", "青杠岭\t152"],
            id="rows of a table",
        ),
        pytest.param(
            [Line(f"第{n}章………………{n}", 72, 432, 700 - 20 * n, 12) for n in range(1, 4)],
            [f"第{n}章………………{n}" for n in range(1, 4)],
            id="a table of contents",
        ),
        pytest.param(
            [Line("village doctors and", 72, 300, 700, 12), Line("schools", 72, 114, 680, 12)],
            ["village doctors and schools"],
            id="words of letters keep their blank",
        ),
        pytest.param(
            [Line("一" * 30, 72, 432, 700, 12), Line("二" * 30, 72, 432, 600, 12)],
            ["一" * 30, "二" * 30],
            id="a gap in the page",
        ),
        pytest.param(
            [Line(f"{n}王小明", 72, 120, 700 - 20 * i, 12) for i, n in enumerate("甲乙丙丁")],
            ["甲王小明", "乙王小明", "丙王小明", "丁王小明"],
            id="a list of names",
        ),
        pytest.param(
            [
                Line(f"{n}、把全村的路灯修好并管好", 72, 228, 700 - 20 * i, 12)
                for i, n in enumerate("一二三四")
            ],
            [f"{n}、把全村的路灯修好并管好" for n in "一二三四"],
            id="a list with numbers",
        ),
        pytest.param(
            [Line("全长" * 15, 72, 432, 700, 12), Line("36.5公里。", 72, 126, 680, 12)],
            ["全长" * 15 + "36.5公里。"],
            id="a figure at the head of a line is no number of a list",
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_belongs_together_is_joined_and_what_does_not_stays_apart(lines, expected):
    assert list(paragraphs(lines)) == expected


def test_pieces_of_one_line_are_joined_and_far_ones_are_cells():
    pieces = [
        *(Piece(c, 72 + 12 * n, 700, 12) for n, c in enumerate("路通了")),
        Piece("户数", 300, 700, 12),
        Piece("下一行", 72, 680, 12),
        Piece("，同行", 72, 680, 12),  # as told of a run of glyphs: it begins where that began
    ]
    lines = lines_of_page(pieces)
    assert [line.text for line in lines] == ["路通了\t户数", "下一行，同行"]
    assert (lines[1].left, lines[1].right) == (72, 144)


def test_blanks_that_set_chinese_apart_are_no_text():
    (line,) = lines_of_page(
        [Piece("投资", 72, 700, 12), Piece(" 1.2", 100, 700, 12), Piece(" 亿元", 120, 700, 12)]
    )
    assert list(paragraphs([line])) == ["投资1.2亿元"]
    assert list(paragraphs([Line("use 3 wells", 72, 200, 700, 12)])) == ["use 3 wells"]


# --- running lines ---


def page(number, *body, head="扶贫工作简报", foot="- {} -"):
    lines = [Line(head, 250, 322, 800, 9)] if head else []
    lines += [Line(text, 72, 400, 700 - 20 * n, 12) for n, text in enumerate(body)]
    return [*lines, Line(foot.format(number), 290, 320, 30, 9)] if foot else lines


def bodies(pages):
    return [[line.text for line in one] for one in without_running_lines(pages)]


@pytest.mark.parametrize("foot", ["- {} -", "{}", "第 {} 页", "{}/9", "第{}页 共9页", "— {} —"])
def test_heads_and_numbers_of_pages_are_left_out(foot):
    pages = [page(n, f"正文{'一二三四五'[n]}段。", foot=foot) for n in range(5)]
    assert bodies(pages) == [[f"正文{c}段。"] for c in "一二三四五"]


def test_a_single_page_loses_its_number_and_nothing_else():
    assert bodies([page(7, "正文一。", "2019")]) == [["扶贫工作简报", "正文一。", "2019"]]


def test_lines_of_the_body_that_are_alike_stay():
    pages = [page(n, "甲。", "乙。", "丙。", "附则。", "丁。", "戊。", "己。") for n in range(3)]
    kept = {"附则。", "丙。", "丁。"}  # in the middle of each page
    assert all(kept <= set(body) for body in bodies(pages))
    moved = [[Line("同一句话。", 72, 132, 700 - 90 * n, 12)] for n in range(3)]
    assert bodies(moved) == [["同一句话。"]] * 3


# --- files ---


@pytest.fixture
def make():
    """Return a function that writes lines on pages: ``make([[(x, y, text), …], …])``."""
    pdfmetrics.registerFont(UnicodeCIDFont(FONT))

    def write(pages, **properties):
        out = io.BytesIO()
        sheet = canvas.Canvas(out)
        for name, value in properties.items():
            getattr(sheet, f"set{name.title()}")(value)
        for lines in pages:
            sheet.setFont(FONT, 12)
            for x, y, text in lines:
                sheet.drawString(x, y, text)
            sheet.showPage()
        sheet.save()
        return out.getvalue()

    return write


def read(data):
    return read_pdf(data, "a.pdf", Limits())


def test_text_goes_on_over_the_turn_of_a_page(make):
    first, second = SENTENCE * 2, "石磨沟村的公路通了，产业也来了，群众在家门口就业。"
    whole = first[:-5] + second
    lines = [whole[i : i + 20] for i in range(0, len(whole), 20)]
    pages = [
        [(72, 800, "简报"), *((72, 700 - 20 * n, line) for n, line in enumerate(lines[:2])), (300, 30, "1")],
        [(72, 800, "简报"), *((72, 700 - 20 * n, line) for n, line in enumerate(lines[2:])), (300, 30, "2")],
    ]
    assert read(make(pages)).text == whole


def test_title_and_day_come_from_the_properties(make):
    found = read(make([[(72, 700, SENTENCE)]], title="Microsoft Word - 关于修路的通知.doc"))
    assert found.title == "关于修路的通知"
    assert found.date == ""
    assert len(found.file_date) == 10


def test_pages_of_pictures_are_named_and_the_others_read(make, tmp_path):
    from hostile_files import scanned_pdf
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    text, scan = (PdfReader(io.BytesIO(d)).pages[0] for d in (make([[(72, 700, SENTENCE)]]), scanned_pdf()))
    for one in (scan, text, scan, scan):
        writer.add_page(one)
    writer.add_blank_page(100, 100)
    writer.write(tmp_path / "a.pdf")
    skipped = []
    (document,) = documents([tmp_path / "a.pdf"], on_error=skipped.append)
    assert document.text == SENTENCE
    assert [(e.path, e.reason) for e in skipped] == [(str(tmp_path / "a.pdf"), "no text on page 1, 3–4")]
    assert "ocrmypdf" in skipped[0].hint


def test_a_file_of_more_pages_than_is_allowed_is_refused(make):
    sentences = (SENTENCE, "石磨沟村的公路通了。", "双碑湾打出一眼机井。")
    data = make([[(72, 700, sentence)] for sentence in sentences])
    assert "".join(read_pdf(data, "a.pdf", Limits(pages=3)).text.split()) == "".join(sentences)
    with pytest.raises(InputError, match=r"^a\.pdf: more than 2 pages$") as caught:
        read_pdf(data, "a.pdf", Limits(pages=2))
    assert "pages" in caught.value.hint


def test_a_reason_is_the_same_in_every_run_and_says_no_address_in_memory():
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    page = b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F %s >> >> >>" % font
    looped = b"<< /Length 4 0 R >>\nstream\nBT /F 12 Tf 72 700 Td (village doctors) Tj ET\nendstream"
    with pytest.raises(InputError, match=r"self reference for IndirectObject\(4, 0\)\.\)$"):
        read_pdf(pdf(CATALOGUE, PAGES, page, looped), "a.pdf", Limits())


def test_a_damaged_page_is_named_and_the_others_read():
    page = b"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 5 0 R >> >> /Contents %d 0 R >>"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    broken = stream(b"no deflate stream", b"/Filter /FlateDecode")
    pages = b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>"
    good = stream(b"BT /F 12 Tf 72 700 Td (village doctors) Tj ET")
    found = read(pdf(CATALOGUE, pages, page % 6, page % 7, font, broken, good))
    assert found.text == "village doctors"
    assert found.left_out == ["damaged, not or not wholly read: page 1"]


def test_a_page_that_unpacks_to_too_much_is_named_and_the_others_read():
    page = b"<< /Type /Page /Parent 2 0 R /Resources << /Font << /F 5 0 R >> >> /Contents %d 0 R >>"
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
    bomb = stream(zlib.compress(b" " * 100_000_000, 1), b"/Filter /FlateDecode")
    pages = b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>"
    good = stream(b"BT /F 12 Tf 72 700 Td (village doctors) Tj ET")
    found = read(pdf(CATALOGUE, pages, page % 7, page % 6, font, bomb, good))
    assert found.text == "village doctors"
    assert found.left_out == ["damaged, not or not wholly read: page 2"]


def test_a_file_locked_for_changes_alone_is_read(make):
    from pypdf import PdfReader, PdfWriter

    for algorithm in ("RC4-128", "AES-128", "AES-256"):
        writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make([[(72, 700, SENTENCE)]]))))
        writer.encrypt("", "owner", algorithm=algorithm)
        out = io.BytesIO()
        writer.write(out)
        assert read(out.getvalue()).text == SENTENCE


def test_a_text_layer_of_nonsense_is_refused(make, tmp_path):
    rare = "".join(chr(0x3400 + 7 * n) for n in range(60))  # what glyph numbers become, read as characters
    path = Path(tmp_path / "a.pdf")
    writer = make([[(72, 700 - 20 * n, rare[20 * n : 20 * n + 20]) for n in range(3)]])
    path.write_bytes(writer)
    text = read(writer).text
    if not text.strip():  # the font has none of them
        pytest.skip("the font cannot show rare characters")
    with pytest.raises(InputError, match=r"a\.pdf: its text layer is garbled"):
        list(documents([path]))


# --- fonts that bring their encoding as a table ---

TWO_BYTES = b"1 begincodespacerange <0000> <FFFF> endcodespacerange"


def with_own_encoding(text, ranges=TWO_BYTES, *, in_form=False):
    """Return a file whose codes, from 0x0141 on, mean what only its own table and /ToUnicode say."""
    codes = {c: 0x0141 + n for n, c in enumerate(dict.fromkeys(text))}
    meant = b"".join(b"<%04X> <%04X>\n" % (code, ord(c)) for c, code in codes.items())
    table = b"begincmap\n%s\n" + b"%d beginbfchar\n%s\nendbfchar\nendcmap" % (len(codes), meant)
    content = b"BT /F 12 Tf 72 700 Td <%s> Tj ET" % b"".join(b"%04X" % codes[c] for c in text)
    fonts = b"/Resources << /Font << /F 4 0 R >> /XObject << /X 9 0 R >> >>"
    about = b"/Type /XObject /Subtype /Form /BBox [0 0 600 800] " + fonts
    return pdf(
        CATALOGUE,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R %s >>"
        % (b"/Resources << /XObject << /X 9 0 R >> >>" if in_form else fonts),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /N /Encoding 6 0 R /DescendantFonts [7 0 R] "
        b"/ToUnicode 8 0 R >>",
        stream(b"/X Do" if in_form else content),
        stream(b"begincmap\n%s\nendcmap" % ranges, b"/Type /CMap /CMapName /Own"),
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /N /DW 1000 >>",
        stream(table % ranges),
        stream(content if in_form else b"", about),
    )


@pytest.mark.parametrize("in_form", [False, True], ids=["on the page", "in a form on it"])
def test_codes_of_two_bytes_are_read_as_such_whatever_table_stands_behind_them(in_form):
    """Byte by byte, as pypdf takes them, they are other Chinese characters, and nobody would notice."""
    assert read(with_own_encoding(SENTENCE, in_form=in_form)).text == SENTENCE


def test_codes_of_mixed_length_are_told_and_not_read_wrongly():
    ranges = b"2 begincodespacerange <00> <80> <8140> <FEFE> endcodespacerange"
    with pytest.raises(InputError, match="codes that are not all of two bytes"):
        read(with_own_encoding(SENTENCE, ranges))


def test_a_font_with_many_characters_as_fpdf_writes_it_is_read(tmp_path):
    """Below 256 characters the bytes happen to be right; articles have more."""
    fonts = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
    if not Path(fonts).exists():
        pytest.skip(f"no font with Chinese characters: {fonts} is absent")
    from fpdf import FPDF

    text = "".join(chr(0x4E00 + 3 * n) for n in range(600)) + SENTENCE
    page = FPDF()
    page.add_font("n", fname=fonts, collection_font_number=2)
    page.add_page()
    page.set_font("n", size=12)
    page.multi_cell(0, 8, text)
    assert read(bytes(page.output())).text == text


def test_radicals_become_the_characters_that_they_look_like():
    assert _readable("⼤⼭⾥的⻋，⼾⻔⻓⻘⻩⻰") == "大山里的车，户门长青黄龙"


@pytest.mark.parametrize(
    ("numbers", "text"), [([1], "1"), ([1, 2], "1–2"), ([3, 5, 6, 7, 9], "3, 5–7, 9"), ([], "")]
)
def test_page_numbers_are_told_in_short(numbers, text):
    assert _ranges(numbers) == text
