"""The HTML page: complete, every text escaped and inert, and nothing asked for from outside."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import string
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import ACTING, FIGURES, HOSTILE, ROWS, full_report, hostile_report, labelled

from classifier.codebook import codebook_from_text
from classifier.inert_text import ACTIVE
from classifier.page_sentences import page_codes, pieces, place_in_article
from classifier.page_tables import LEVELS, bars, heat, page_columns
from classifier.rendering import TEMPLATES
from classifier.report import make_report
from classifier.report_page import page_texts, ticks, to_html
from classifier.report_tables import Column, Picture, Sentence, Table
from classifier.report_texts import LANGUAGES, report_texts

VOID = {"meta", "link", "br", "img", "input", "hr"}
UNCLOSED = {"td": {"td", "tr", "tbody"}, "tr": {"tr", "tbody"}}  # a new one, or the end of the table, closes


class Page(HTMLParser):
    """Collects the elements of a page and the texts in them."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.texts, self.inside, self.stack = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        while self.stack and self.stack.pop() != tag:
            pass

    def handle_data(self, data):
        if self.stack and self.stack[-1] not in ("style", "script"):
            self.texts.append(data)
            self.inside.append((data, tuple(self.stack)))

    @property
    def shape(self):
        return [(tag, tuple(attributes)) for tag, attributes in self.elements]

    @property
    def text(self):
        return "".join("".join(self.texts).split())

    def values(self, *keys):
        return [a[key] for _, a in self.elements for key in keys if a.get(key) is not None]


@pytest.fixture(scope="module")
def full(tiny_codebook):
    return full_report(tiny_codebook)


@pytest.fixture(scope="module")
def page(full):
    return Page(to_html(full))


def texts_of(lang="zh"):
    return {**report_texts(lang), "page": page_texts(lang)}


# --- nothing acts, nothing is asked for ---


@pytest.fixture(scope="module")
def harmless():
    return Page(to_html(hostile_report("医生")))


@pytest.mark.parametrize("text", [*HOSTILE, *ACTING])
def test_hostile_text_stays_text_and_neither_adds_an_element_nor_turns_a_direction(text, harmless):
    html = to_html(hostile_report(text))
    page = Page(html)
    assert page.shape == harmless.shape
    wanted = ACTIVE.sub("\N{REPLACEMENT CHARACTER}", f"医生{text}").replace("\r\n", "\n")
    assert "".join(wanted.split()) in page.text
    assert not ACTIVE.search(html)
    addresses = page.values("href", "src", "action", "srcset", "data", "poster", "xlink:href")
    assert all(address.startswith("#") or address == "data:," for address in addresses)
    assert html.count("<script") == html.count("</script") == 1
    assert html.count("<style") == html.count("</style") == 1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_asks_for_nothing_and_its_policy_lets_nothing_run_but_its_own_script(tiny_codebook, lang):
    html = to_html(full_report(tiny_codebook, lang))
    page = Page(html)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {*("img", "iframe", "object", "embed", "base", "form", "video", "use", "image")}
    assert not [key for _, a in page.elements for key in a if key.startswith("on")]
    ours = [(TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js")]
    assert re.findall(r"<style>\n(.*?)</style>", html, re.DOTALL) == ours[:1]
    assert re.findall(r"<script>(.*?)</script>", html, re.DOTALL) == ours[1:]
    digest = base64.b64encode(hashlib.sha256(ours[1].encode()).digest()).decode()
    assert page.values("content")[0] == (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_our_own_style_and_script_ask_for_nothing_and_end_where_they_should():
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    assert not re.search(r"url\(|@import|</", style)
    assert not re.search(r"</|<!--|fetch|XMLHttp|import\(|innerHTML|outerHTML|document\.write|eval", script)


def test_words_from_outside_are_set_apart_from_the_text_around_them():
    html = to_html(hostile_report("שלום"))
    found = [tags for data, tags in Page(html).inside if "שלום" in data]
    assert len(found) > 40
    assert {tags[-1] for tags in found if "bdi" not in tags} == {"title", "option"}


def test_a_file_name_that_is_no_text_makes_a_page_too(full):
    source = b"\xff.csv".decode("utf-8", "surrogateescape")
    html = to_html(replace(full, source=source))
    assert "?.csv" in html
    assert html.encode("utf-8")


# --- what a reader finds ---


def test_every_row_of_every_table_stands_in_the_page_with_its_figures_and_intervals(full, page):
    for table in full.tables:
        assert table.topic == "summary" or "".join(table.title.split()) in page.text
        columns = page_columns(table, texts_of())
        if table.picture is not None and table.picture.kind == "bars":
            columns = [c for c in columns if c.name not in (table.picture.label, "code")]
        for i in range(len(table.rows)):
            row = "".join(column.cells[i].text + column.cells[i].interval for column in columns)
            assert "".join(row.split()) in page.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_is_in_one_language(tiny_codebook, lang):
    page = Page(to_html(full_report(tiny_codebook, lang)))
    other = next(name for name in LANGUAGES if name != lang)
    for name, words in page_texts(other).items():
        if isinstance(words, str) and len(words) > 3 and name != "to":
            assert max(words.split("{"), key=len).strip() not in page.texts
    assert page.elements[0] == ("html", {"lang": {"zh": "zh-CN", "en": "en"}[lang]})
    assert page_texts(lang)["contents"] in page.texts


def test_both_languages_have_the_same_words_to_fill_in():
    zh, en = (page_texts(lang) for lang in LANGUAGES)
    assert set(zh) == set(en)

    def fields(words):
        return {name for _, name, _, _ in string.Formatter().parse(words) if name}

    assert {k: fields(v) for k, v in zh.items() if isinstance(v, str)} == {
        k: fields(v) for k, v in en.items() if isinstance(v, str)
    }


def test_ids_are_unique_and_links_lead_to_them(page):
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    links = [link[1:] for link in page.values("href") if link.startswith("#")]
    assert set(links) <= set(ids)
    assert {"part-summary", "part-sentences", "code-0"} <= set(links)


def test_a_sentence_under_two_codes_has_a_place_under_each(full):
    shown = page_codes(full, texts_of())
    anchors = {code.code.code: [s.anchor for s in code.strongest if s.sentence.key == "s1"] for code in shown}
    assert anchors == {"clinic": ["s1"], "school": ["s1-2"], "road": [], "well": []}


def test_tables_that_differ_by_scheme_are_told_apart_and_no_others(full, page):
    topics = {"shares": 2, "trend": 2, "groups": 2, "against": 2}
    marked = [a.get("data-scheme") for tag, a in page.elements if tag == "div" and a.get("class") == "view"]
    assert marked.count("") == marked.count("two-kinds") == len(topics)
    assert marked.count(None) == len(full.tables) - 2 * len(topics)
    options = [a["value"] for tag, a in page.elements if tag == "option"]
    assert options == ["", "two-kinds"]


def test_precision_and_recall_stand_beside_each_share_and_each_code(page):
    assert "0.90/0.80" in page.text
    assert "约有90%判对" in page.text
    assert "约有80%判出（人工标注120个）" in page.text
    assert page.text.count("没有这项措施的准确程度数据") == 1  # the code that was not trained


def test_few_labels_are_told_beside_precision(tiny_codebook):
    few = replace(FIGURES, codes=(replace(FIGURES.codes[0], support=29), *FIGURES.codes[1:]))
    assert "人工标注不足30个" in to_html(full_report(tiny_codebook, figures=few))
    assert "人工标注不足30个" not in to_html(full_report(tiny_codebook))


def test_a_category_leads_to_the_sentences_of_its_codes(tiny_codebook, page):
    chips = [a["href"] for tag, a in page.elements if tag == "a" and a.get("class") == "chip"]
    assert chips[:4] == ["#code-0", "#code-1", "#code-2", "#code-3"]
    first = page.text.index("公共服务", page.text.index("人与物：各类出现情况"))
    assert page.text[first:].startswith("公共服务看病上学")


def test_the_summary_gives_each_share_with_its_count_and_interval(full, page):
    uncoded = next(row for row in full.table("summary").rows if row[0] == "uncoded")
    low, high = (f"{100 * end:.1f}" for end in uncoded[4:])
    assert "文章2语段5涉及措施的语段60.0%3个" in page.text
    assert f"未涉及措施的语段40.0%2个95%置信区间{low}–{high}%" in page.text


def test_the_summary_names_the_most_frequent_first(page):
    assert "出现最多的措施依次是看病40.0%、上学20.0%、修路20.0%。" in page.text
    assert "人与物：出现最多的依次是公共服务40.0%、基础设施20.0%。" in page.text


def test_warnings_stand_before_the_figures(full):
    html = to_html(full)
    assert full.warnings
    assert all(0 < html.index(warning) < html.index('id="part-summary"') for warning in full.warnings)


@pytest.mark.parametrize("exclusive", ["true", "false"])
def test_a_codebook_without_schemes_and_words_makes_a_page_without_a_switch(exclusive):
    book = codebook_from_text(
        f'name: n\nversion: "1"\nexclusive: {exclusive}\n'
        "codes: [{code: clinic, name: 看病}, {code: road, name: 修路}]",
        "n.yaml",
    )
    rows = [row for row in ROWS if ";" not in row[2]]
    page = Page(to_html(make_report(labelled(book, rows))))
    assert "select" not in {tag for tag, _ in page.elements}
    assert "医生每月上门。" in page.text


def test_no_segments_make_a_page_that_says_so(tiny_codebook):
    made = make_report(labelled(tiny_codebook, []))
    page = Page(to_html(made))
    assert made.warnings[0] in page.texts
    assert "nan" not in page.text.lower()
    assert len([tag for tag, a in page.elements if a.get("class") == "tiles"]) == 1
    assert "文章0语段0涉及措施的语段–0个" in page.text


def test_the_same_report_makes_the_same_bytes(tiny_codebook):
    assert to_html(full_report(tiny_codebook)) == to_html(full_report(tiny_codebook))


def test_a_page_of_long_sentences_many_groups_and_periods_stays_small():
    from classifier.codebook import load_codebook

    book = load_codebook()
    rows = [
        (
            f"{i // 9}.txt",
            f"{i}" + "村里修通公路办起夜校" * 20,
            ";".join(book.columns[i % 24 : i % 24 + 4]),
            [0.9] * 24,
            f"{2015 + i % 9}-{1 + i % 12:02d}-01",
            f"第{i % 40}省",
        )
        for i in range(3000)
    ]
    made = make_report(labelled(book, rows), by="province")
    assert len(made.table("groups").rows) == 24 * 31
    assert len(made.codes[0].strongest) == 5
    assert len(to_html(made).encode()) < 5_000_000


# --- columns, bars, heat maps ---


def one_table(rows, kind="share", picture="bars", names=("value", "low", "high")):
    """Return a table of labels with a figure and its interval, and what is across for a heat map."""
    columns = [Column("label", "名称", "text"), Column("across", "跨", "text")]
    columns += [Column(name, name, k) for name, k in zip(names, (kind, "low", "high"), strict=True)]
    drawn = Picture(picture, "label", names[0], "across" if picture == "heat" else "", *names[1:])
    return Table("t", "题", "", tuple(columns), tuple(rows), "shares", None, drawn)


def test_an_interval_stands_in_the_column_of_its_figure_and_is_named():
    *_, value = page_columns(
        one_table([("甲", "", 0.0525, 0.02, 0.1), ("乙", "", None, None, None)]), texts_of()
    )
    assert [(c.text, c.interval) for c in value.cells] == [("5.2%", "2.0–10.0"), ("–", "")]
    assert (value.bounds, value.numeric) == ("95%置信区间", True)


def test_an_interval_that_is_none_of_confidence_has_a_name_of_its_own():
    names = ("reference", "usual_low", "usual_high")
    *_, value = page_columns(one_table([("甲", "", 0.05, 0.02, 0.1)], names=names), texts_of())
    assert value.bounds == "通常范围"


def test_an_end_that_stands_beside_no_figure_is_a_column_like_others():
    table = one_table([("甲", "", 0.05, 0.02, 0.1)])
    alone = replace(table, columns=table.columns[:4], rows=(("甲", "", 0.05, 0.02),), picture=None)
    assert [column.name for column in page_columns(alone, texts_of())] == ["label", "across", "value", "low"]


def test_bars_are_as_long_as_their_shares_on_one_round_axis():
    found = bars(
        one_table([("甲", "", 0.1, 0.05, 0.15), ("乙", "", 0.2, 0.1, 0.38), ("丙", "", None, None, None)])
    )
    assert (found.low, found.high, found.zero) == ("0%", "40%", 0)
    a, b, none = found.bars
    assert (a.left, a.width, a.whisker, a.below) == (0, 25, (12.5, 25), False)
    assert (b.width, b.whisker) == (50, (25, 70))
    assert none is None


def test_bars_of_differences_go_both_ways_from_zero():
    found = bars(one_table([("甲", "", -0.1, -0.3, 0.05), ("乙", "", 0.05, -0.05, 0.1)], "difference"))
    assert (found.low, found.high, found.zero) == ("−30", "10", 75)
    a, b = found.bars
    assert (a.left, a.width, a.below) == (50, 25, True)
    assert (b.left, b.width, b.below) == (75, 12.5, False)
    assert a.whisker == (0, 87.5)


def test_bars_of_nothing_have_an_axis_all_the_same():
    assert bars(one_table([("甲", "", 0.0, None, None)])).bars[0].width == 0
    assert bars(one_table([])).bars == ()


@given(st.lists(st.tuples(*[st.floats(-1, 1)] * 3).map(sorted), min_size=1, max_size=5))
def test_bars_and_whiskers_never_leave_their_track(figures):
    found = bars(one_table([(str(i), "", v, lo, hi) for i, (lo, v, hi) in enumerate(figures)], "difference"))
    for bar in found.bars:
        ends = [bar.left, bar.left + bar.width, *((bar.whisker[0], sum(bar.whisker)) if bar.whisker else ())]
        assert all(-0.02 <= end <= 100.02 for end in ends)


def heat_of(rows):
    return heat(one_table(rows, picture="heat"), texts_of())


def test_a_heat_map_has_a_row_a_label_and_a_column_for_each_across_in_their_order():
    found = heat_of(
        [("甲", "云岭", 0.4, 0.3, 0.5), ("甲", "白河", 0.1, 0.0, 0.2), ("乙", "白河", None, None, None)]
    )
    assert (found.corner, found.across, found.high) == ("名称", ("云岭", "白河"), "40.0%")
    (first, (a, b)), (second, (c, d)) = found.rows
    assert (first, second, c, d) == ("甲", "乙", None, None)
    assert (a.text, a.level, a.about) == ("40.0", LEVELS - 1, "40.0% (30.0–50.0)")
    assert b.level == math.ceil((LEVELS - 1) * 0.5)  # the square root of a quarter
    assert (a.rough, b.rough) == (False, True)  # b's interval is twice as wide as b


def test_a_heat_map_of_things_among_themselves_has_both_axes_in_one_order():
    rows = [("甲", "乙", 0.1, None, None), ("甲", "丙", 0.1, None, None), ("乙", "甲", 0.2, None, None)]
    found = heat_of([*rows, ("丙", "甲", 0.2, None, None)])
    assert found.across == ("甲", "乙", "丙")
    assert found.rows[0][1][0] is None


def test_no_share_at_all_is_the_palest_and_the_smallest_share_is_not():
    (_, fields), *_ = heat_of(
        [("甲", "云岭", 0.0, None, None), ("甲", "白河", 1e-5, None, None), ("甲", "丙", 1.0, None, None)]
    ).rows
    assert [field.level for field in fields] == [0, 1, LEVELS - 1]


@pytest.mark.parametrize(
    ("periods", "named"),
    [
        (("2019",), ["2019"]),
        (("2018", "2019"), ["2018", "2019"]),
        (("2015", "2016", "2017", "2018"), ["2015", "2018"]),
        (tuple(map(str, range(2000, 2024))), ["2000", "2023"]),
        (tuple(f"2019-{m:02d}" for m in range(1, 12)), ["2019-01", "2019-11"]),
    ],
    ids=["one", "two", "no even step", "many", "months"],
)
def test_as_many_periods_are_named_as_there_is_room_for(periods, named):
    found = ticks(periods)
    assert [name for _, name in found] == named
    assert [at for at, _ in found] == sorted(at for at, _ in found)


# --- sentences ---


def sentence(text="签约医生每月上门。", highlights=(), url=""):
    return Sentence(text, "山.txt", "山.txt#0", "", (), 0.9, highlights, (), (), "s0", url)


@given(st.text(min_size=1, max_size=30), st.data())
def test_the_stretches_of_a_sentence_are_the_sentence(text, data):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    weights = [(a, b, data.draw(st.floats(0.01, 9))) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    found = pieces(sentence(text, tuple(weights)))
    assert "".join(piece.text for piece in found) == text
    if weights:
        assert max(piece.shade for piece in found) == 5


def test_what_speaks_twice_as_much_a_character_is_marked_twice_as_dark():
    found = pieces(sentence(highlights=((0, 2, 4.0), (2, 4, 1.6), (4, 6, 0.3))))
    assert [(p.text, p.shade) for p in found] == [("签约", 5), ("医生", 2), ("每月上门。", 0)]


def test_marked_words_are_marked_in_the_page(full):
    first = full.codes[0]
    shown = replace(first, strongest=(replace(first.strongest[0], highlights=((0, 2, 1.0),)),))
    html = to_html(replace(full, codes=(shown, *full.codes[1:])))
    assert '<bdi><mark class="m5">医生</mark>到小学体检。</bdi>' in html


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "javascript://a.example/%0aalert(1)",
        "ftp://a.example/x",
        "data:text/html,x",
        "file:///etc/passwd",
        "//evil.example",
        "https://",
        "https://[",
        "https://a.example/\u202ex",
        "https://a.example/ x",
        "\x01https://a.example",
        "",
    ],
)
def test_what_is_no_address_on_the_web_is_no_link(address):
    assert place_in_article(address, "修路。") == ""


def test_a_link_leads_to_the_sentence_by_its_text():
    assert place_in_article("http://a.example/1#x", "a-b,c&d") == "http://a.example/1#x:~:text=a%2Db%2Cc%26d"
    long = place_in_article("https://a.example", "甲" * 40 + "乙" * 40)
    assert long == f"https://a.example#:~:text={'%E7%94%B2' * 16},{'%E4%B9%99' * 16}"


@pytest.mark.parametrize("column", ["url", "source"])
def test_an_address_in_the_file_becomes_a_link_that_cannot_break_out(tiny_codebook, column):
    address = 'https://a.example/?q="><script>'
    found = labelled(tiny_codebook)
    cells = [address, "javascript:alert(1)", "", "文件.txt", ""]
    page = Page(to_html(make_report(replace(found, frame=found.frame.assign(**{column: cells})))))
    links = [a for tag, a in page.elements if tag == "a" and a.get("target")]
    assert {a["href"] for a in links} == {place_in_article(address, "医生每月上门。")}
    assert all(a["rel"] == "noopener noreferrer nofollow" for a in links)
    assert len([tag for tag, _ in page.elements if tag == "script"]) == 1
