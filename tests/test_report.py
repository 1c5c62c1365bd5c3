"""Reports: counts that can be checked by hand, and pages that no text can break."""

from __future__ import annotations

import csv
import json
from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from classifier.codebook import codebook_from_text
from classifier.errors import CodebookError, InputError, OutputError
from classifier.report import LANGUAGES, make_report, read_labelled, to_html, to_markdown, write_report

HEADER = ["doc_id", "segment_id", "text", "codes", "clinic", "school", "road", "well"]
# Two documents, five segments. By hand: clinic 2 segments of 5 (40 %) in 1 document of 2 (50 %);
# school 1 (20 %) in 1; road 1 (20 %) in 1; well none. 3 segments have a code.
# 公共服务 (clinic or school): 2 segments (40 %) in 1 document; 基础设施 (road or well): 1 in 1.
ROWS = [
    ["山.txt", "山.txt#0", "医生每月上门。", "clinic", "0.71", "0.01", "0.01", ""],
    ["山.txt", "山.txt#1", "医生到小学体检。", "clinic;school", "0.93", "0.64", "0.01", ""],
    ["山.txt", "山.txt#2", "大家都说好。", "", "0.01", "0.02", "0.01", ""],
    ["水.txt", "水.txt#0", "公路修通了。", "road", "0.01", "0.01", "0.88", ""],
    ["水.txt", "水.txt#1", "乡亲们很高兴。", "", "0.02", "0.01", "0.03", ""],
]


def labelled_file(folder, rows=ROWS, header=HEADER, name="labelled.csv"):
    path = folder / name
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


@pytest.fixture
def report(tmp_path, tiny_codebook):
    def make(rows=ROWS, codebook=tiny_codebook, **options):
        return make_report(read_labelled(labelled_file(tmp_path, rows), codebook), codebook, **options)

    return make


def counts(view):
    return {s.name: (s.segments, s.segment_share, s.documents, s.document_share) for s in view.shares}


# --- counts and shares ---


def test_counts_and_shares_of_codes_are_those_counted_by_hand(report):
    made = report()
    assert (made.documents, made.segments, made.coded) == (2, 5, 3)
    assert counts(made.codes) == {
        "clinic": (2, 2 / 5, 1, 1 / 2),
        "school": (1, 1 / 5, 1, 1 / 2),
        "road": (1, 1 / 5, 1, 1 / 2),
        "well": (0, 0, 0, 0),
    }


def test_a_segment_with_two_codes_of_one_category_counts_once_in_it(report):
    (scheme,) = report().schemes
    assert counts(scheme) == {"公共服务": (2, 2 / 5, 1, 1 / 2), "基础设施": (1, 1 / 5, 1, 1 / 2)}


def test_the_schemes_shown_can_be_chosen(report):
    assert report(schemes=[]).schemes == ()
    assert [view.name for view in report(schemes=["two-kinds"]).schemes] == ["two-kinds"]
    with pytest.raises(CodebookError, match="no scheme 'three-kinds'") as caught:
        report(schemes=["three-kinds"])
    assert "two-kinds" in caught.value.hint


def test_the_strongest_sentences_come_most_probable_first_with_their_place(report):
    strongest = report().strongest
    assert [(s.text, s.doc_id, s.segment_id, s.probability) for s in strongest["clinic"]] == [
        ("医生到小学体检。", "山.txt", "山.txt#1", 0.93),
        ("医生每月上门。", "山.txt", "山.txt#0", 0.71),
    ]
    assert strongest["well"] == ()


def test_each_sentence_is_shown_once_and_five_at_most(report):
    same = [["山.txt", f"山.txt#{i}", "医生每月上门。", "clinic", "0.99", "", "", ""] for i in range(3)]
    more = [["水.txt", f"水.txt#{i}", f"医生来了{i}次。", "clinic", f"0.5{i}", "", "", ""] for i in range(6)]
    shown = report([*same, *more]).strongest["clinic"]
    assert [s.text for s in shown] == ["医生每月上门。", *(f"医生来了{i}次。" for i in (5, 4, 3, 2))]


def test_a_sentence_without_probability_is_shown_last_and_without_a_number(report):
    rows = [
        ["山.txt", "山.txt#0", "医生每月上门。", "clinic", "", "", "", ""],
        ["山.txt", "山.txt#1", "医生到小学体检。", "clinic", "0.2", "", "", ""],
    ]
    made = report(rows, lang="en")
    assert [s.probability for s in made.strongest["clinic"]] == [0.2, None]
    assert "nan" not in to_html(made).lower()
    assert "nan" not in to_markdown(made).lower()


def test_an_empty_file_makes_an_empty_report(report):
    made = report([])
    assert (made.documents, made.segments, made.coded) == (0, 0, 0)
    assert counts(made.codes)["clinic"] == (0, 0, 0, 0)
    assert "0.0%" in to_html(made)
    assert "0.0%" in to_markdown(made)


# --- reading what was labelled ---


def test_jsonl_and_csv_of_the_same_labels_make_the_same_report(tmp_path, tiny_codebook):
    rows = [
        {k: (float(v) if v else None) if k in HEADER[4:] else v for k, v in zip(HEADER, row, strict=True)}
        for row in ROWS
    ]
    path = tmp_path / "labelled.jsonl"
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    reports = [
        make_report(read_labelled(file, tiny_codebook), tiny_codebook)
        for file in (path, labelled_file(tmp_path))
    ]
    assert reports[0] == reports[1]


def test_an_unknown_code_is_an_error_with_file_row_and_code(tmp_path, tiny_codebook):
    rows = [ROWS[0], [*ROWS[1][:3], "clinic;market", *ROWS[1][4:]]]
    with pytest.raises(InputError, match=r"^labelled\.csv: row 2: unknown code 'market'$") as caught:
        read_labelled(labelled_file(tmp_path, rows), tiny_codebook)
    assert "-m MODEL" in caught.value.hint


@pytest.mark.parametrize("column", ["doc_id", "text", "codes"])
def test_a_missing_column_is_an_error_that_names_it(tmp_path, tiny_codebook, column):
    at = HEADER.index(column)
    path = labelled_file(tmp_path, [row[:at] + row[at + 1 :] for row in ROWS], HEADER[:at] + HEADER[at + 1 :])
    with pytest.raises(InputError, match=f"labelled.csv: row 1: no column '{column}'") as caught:
        read_labelled(path, tiny_codebook)
    assert "fupin label" in caught.value.hint


def test_a_later_json_row_without_codes_is_an_error_that_names_the_row(tmp_path, tiny_codebook):
    path = tmp_path / "labelled.jsonl"
    path.write_text(
        '{"doc_id": "甲", "text": "好", "codes": ""}\n{"doc_id": "甲", "text": "好"}\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match="row 2: no column 'codes'") as caught:
        read_labelled(path, tiny_codebook)
    assert caught.value.hint


# --- two languages ---


@pytest.mark.parametrize(
    ("lang", "heading", "name", "html"),
    [("zh", "扶贫政策措施报告", "看病", 'lang="zh-CN"'), ("en", "Policy measures", "clinics", 'lang="en"')],
)
def test_headings_and_names_are_in_the_language_asked_for_and_sentences_as_they_are(
    report, lang, heading, name, html
):
    made = report(lang=lang)
    for page in (to_markdown(made), to_html(made)):
        assert heading in page
        assert name in page
        assert "医生到小学体检。" in page
    assert html in to_html(made)
    other = {"zh": "Segments", "en": "语段"}[lang]
    assert other not in to_markdown(made)
    assert other not in to_html(made)


def test_there_are_two_languages():
    assert LANGUAGES == ("zh", "en")


def test_a_name_missing_in_one_language_is_shown_in_the_other(report):
    book = codebook_from_text(
        'name: v\nversion: "1"\ncodes: [{code: clinic, name: {zh: 看病}}, {code: school, name: {zh: 上学}}, '
        "{code: road, name: {zh: 修路}}]",
        "v.yaml",
    )
    assert [s.title for s in report(codebook=book, lang="en").codes.shares] == ["看病", "上学", "修路"]


# --- what the pages show ---


class Page(HTMLParser):
    """Collects the tags, attributes and texts of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.texts, self.styles, self.stack = set(), [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.stack.append(tag)
        self.attributes += [(tag, key, value or "") for key, value in attributes]

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data):
        (self.styles if self.stack and self.stack[-1] == "style" else self.texts).append(data)


def tables(markdown):
    """Return the tables of a Markdown text, as rows of cell texts."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    found, row = [], []
    for i, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            row = []
        elif token.type in ("td_open", "th_open"):
            row.append("".join(c.content for c in tokens[i + 1].children))
        elif token.type == "tr_close":
            found[-1].append(row)
    return found


def test_markdown_has_a_table_for_the_codes_and_one_for_each_scheme(report):
    codes, scheme = tables(to_markdown(report()))
    assert codes[1:] == [
        ["看病", "clinic", "2", "40.0%", "1", "50.0%"],
        ["上学", "school", "1", "20.0%", "1", "50.0%"],
        ["修路", "road", "1", "20.0%", "1", "50.0%"],
        ["打井", "well", "0", "0.0%", "0", "0.0%"],
    ]
    assert scheme[1:] == [
        ["公共服务", "2", "40.0%", "1", "50.0%"],
        ["基础设施", "1", "20.0%", "1", "50.0%"],
    ]


def test_html_shows_counts_bars_and_sentences_with_their_source(report):
    page = Page(to_html(report(source="labelled.csv")))
    texts = [text.strip() for text in page.texts if text.strip()]
    at = texts.index("看病")
    assert texts[at : at + 6] == ["看病", "clinic", "2", "40.0%", "1", "50.0%"]
    bars = [value for tag, key, value in page.attributes if (tag, key) == ("div", "style")]
    assert bars[:4] == ["width:100.00%", "width:50.00%", "width:50.00%", "width:0.00%"]
    assert "医生到小学体检。" in texts
    assert any("山.txt#1" in text and "0.93" in text for text in texts)
    assert any("labelled.csv" in text for text in texts)


def test_links_inside_the_page_lead_somewhere(report):
    page = Page(to_html(report()))
    targets = {value for _, key, value in page.attributes if key == "id"}
    links = {value for _, key, value in page.attributes if key == "href"}
    assert links == {f"#{target}" for target in targets} != set()


def test_the_same_labels_make_the_same_page(report):
    assert to_html(report()) == to_html(report())
    assert to_markdown(report()) == to_markdown(report())


# --- nothing that is read can break a page ---

HOSTILE = [
    pytest.param("<script>alert('医生')</script>", id="a script"),
    pytest.param('"><img src=x onerror="alert(1)">', id="quotes and an image"),
    pytest.param("' onmouseover='alert(1)", id="an attribute"),
    pytest.param("<a href='javascript:alert(1)'>医生</a>", id="a javascript link"),
    pytest.param("[医生](javascript:alert(1)) ![x](https://evil.example/x.png)", id="Markdown links"),
    pytest.param("<https://evil.example> </style><style>*{display:none}", id="an autolink and a style"),
    pytest.param("a | b || c \\| d \\", id="cell bars and a backslash"),
    pytest.param("第一行\n\n# 标题\n---\n- 项目\r\n| x | y |", id="lines that look like blocks"),
    pytest.param("`代码` **粗** _斜_ ~~删~~ &lt;b&gt; &#60;script&#62;", id="marks and entities"),
    pytest.param("{{ 7 * 7 }} {% raw %} {# x #}", id="template code"),
    pytest.param("\\*不粗\\* \\[不是链接\\](x) 末尾\\", id="backslashes before marks"),
    pytest.param("1. 发展养殖", id="a numbered point"),
    pytest.param("2) 修路", id="a numbered point with a bracket"),
    pytest.param("- 修路", id="a dash"),
    pytest.param("+ 修路", id="a plus"),
    pytest.param("---", id="a rule"),
]


def hostile_report(report, text):
    """Return a report in which the text stands in every place that comes from outside."""
    code = text.replace(";", "").translate(dict.fromkeys(map(ord, " \r\n"), None)).lstrip("-+=@") or "x"
    book = codebook_from_text(
        json.dumps(
            {
                "name": text,
                "version": "1",
                "codes": [{"code": code, "name": {"zh": text, "en": text}}],
                "schemes": [
                    {
                        "scheme": text,
                        "name": {"zh": text},
                        "source": text,
                        "categories": [{"category": text.replace(";", ""), "codes": [code]}],
                    }
                ],
            },
            ensure_ascii=False,
        ),
        "hostile.yaml",
    )
    rows = [[text, f"{text}#0", f"医生{text}", code, "0.9", "", "", ""]]
    return report(rows, codebook=book, source=text)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_html(report, text):
    harmless = Page(to_html(hostile_report(report, "医生")))
    page = Page(to_html(hostile_report(report, text)))
    assert page.tags == harmless.tags
    assert [(tag, key) for tag, key, _ in page.attributes] == [
        (tag, key) for tag, key, _ in harmless.attributes
    ]
    assert page.styles == harmless.styles
    wanted = f"医生{text}".replace("\r\n", "\n").split()
    assert "".join(wanted) in "".join("".join(page.texts).split())


@pytest.mark.parametrize("text", ["医生", *HOSTILE])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_html_page_asks_for_nothing_from_outside(report, tiny_codebook, text, lang):
    rows = [[text, "甲#0", text, "clinic", "0.9", "", "", ""]]
    page = Page(to_html(report(rows, source=text, lang=lang)))
    assert not page.tags & {
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "svg",
        "video",
    }
    addresses = [
        v for _, k, v in page.attributes if k in ("href", "src", "action", "srcset", "data", "poster")
    ]
    assert all(address.startswith("#") for address in addresses)
    assert not [key for _, key, _ in page.attributes if key.startswith("on")]
    style = "".join(page.styles)
    assert "url(" not in style
    assert "@import" not in style
    policy = [v for tag, k, v in page.attributes if (tag, k) == ("meta", "content") and "default-src" in v]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_markdown(report, text):
    markdown = to_markdown(hostile_report(report, text))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not kinds & {
        "html_block",
        "html_inline",
        "link_open",
        "image",
        "code_inline",
        "fence",
        "code_block",
    }
    harmless = to_markdown(hostile_report(report, "医生"))
    assert [t.type for t in tokens] == [
        t.type for t in MarkdownIt("commonmark", {"html": True}).enable("table").parse(harmless)
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_read_in_markdown_as_it_was(report, text):
    rows = [["甲", "甲#0", text, "clinic", "0.9", "", "", ""]]
    tokens = MarkdownIt("commonmark", {"html": True}).parse(to_markdown(report(rows)))
    (item,) = (
        tokens[i - 1]
        for i, t in enumerate(tokens)
        if t.type == "paragraph_close" and "甲 (0.90)" in (tokens[i - 1].content)
    )
    shown = "".join(child.content for child in item.children)
    assert shown == " ".join(text.split()) + " — 甲 (0.90)"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_cannot_move_the_cells_of_a_markdown_table(report, text):
    # A renderer drops the cells that a row has too many: what counts is that the last ones are the counts.
    (_, code), (_, category) = tables(to_markdown(hostile_report(report, text)))
    assert code[0] == " ".join(text.split())
    assert code[2:] == category[1:] == ["1", "100.0%", "1", "100.0%"]


# --- writing ---


@pytest.mark.parametrize(
    ("name", "begins"), [("r.html", "<!DOCTYPE html>"), ("r.HTM", "<!DOCTYPE html>"), ("r.md", "# ")]
)
def test_the_ending_decides_the_format(report, tmp_path, name, begins):
    write_report(report(), tmp_path / name)
    text = (tmp_path / name).read_bytes().decode("utf-8")
    assert text.startswith(begins)
    assert "\r" not in text


@pytest.mark.parametrize("name", ["r.pdf", "r"])
def test_an_unknown_format_is_an_error_and_writes_nothing(report, tmp_path, name):
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match=f"{name}: unknown format") as caught:
        write_report(report(), tmp_path / "out" / name)
    assert ".html" in caught.value.hint
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [("file/r.html", "Not a directory"), ("none/r.md", "No such file"), ("d.html", "Is a dir")],
)
def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(report, tmp_path, target, reason):
    made, out = report(), tmp_path / "out"
    (out / "d.html").mkdir(parents=True)
    (out / "file").write_text("旧", encoding="utf-8")
    with pytest.raises(OutputError, match=f"{target}: {reason}") as caught:
        write_report(made, out / target)
    assert caught.value.hint
    assert sorted(p.name for p in out.iterdir()) == ["d.html", "file"]


def test_an_older_report_is_replaced_whole_and_no_part_is_left(report, tmp_path):
    made, out = report(), tmp_path / "out"
    out.mkdir()
    (out / "r.html").write_text("旧" * 100_000, encoding="utf-8")
    write_report(made, out / "r.html")
    assert (out / "r.html").read_text(encoding="utf-8") == to_html(made)
    assert [p.name for p in out.iterdir()] == ["r.html"]
