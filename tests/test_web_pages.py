"""Saved web pages: the whole article and nothing but the article, and what the page says about it."""

from __future__ import annotations

import pytest

from classifier.documents import Reading, documents
from classifier.errors import InputError
from classifier.text_files import decode_page

pytest.importorskip("trafilatura", reason="trafilatura is not installed")
from classifier.page_layout import joined
from classifier.web_pages import declared_encoding, read_page, read_snapshot

TITLE = "石磨沟村的三条路"
LONG = [
    "石磨沟村地处大山深处，过去进村只有一条土路。2018年，交通局筹资1.2亿元，把通村公路铺成水泥路。",
    "路通了，产业也来了。村里成立养殖合作社，带动132户养殖黑山羊，户均年增收4200元。",
    "“以前看病要走两个小时山路，现在签约医生每月上门。”七十三岁的老人说，药费报销了九成。",
    "村小学新建两层教学楼，寄宿生每学期领到625元生活补助，没有一个孩子因为困难而辍学。",
]
NAV = (
    "<ul>"
    + "".join(f'<li><a href="/{n}">{n}</a></li>' for n in ("首页", "要闻", "政策", "互动", "服务"))
    + "</ul>"
)
FOOT = '<div class="footer"><p>主办单位：石磨沟县人民政府办公室　京ICP备00000000号</p></div>'
RELATED = "".join(f'<li><a href="/{n}">{n}</a></li>' for n in ("青杠岭乡召开会议", "晒谷坝村分红大会举行"))


def page(body: str, head: str = f"<title>{TITLE}</title>") -> str:
    return f"<html><head>{head}</head><body>{body}</body></html>"


def government(paragraphs: list[str]) -> str:
    inside = "".join(f"<p>　　{p}</p>" for p in paragraphs)
    return page(
        f'<div class="nav">{NAV}</div><div class="crumbs">当前位置：<a href="/">首页</a> &gt; 要闻</div>'
        f'<div class="article"><h1>{TITLE}</h1>'
        '<div class="info">发布时间：2019-10-17 09:30　来源：县融媒体中心　'
        "字体：【<a>大</a> <a>中</a> <a>小</a>】</div>"
        f'<div class="TRS_Editor">{inside}</div><div class="share">分享到：<a>微信</a><a>微博</a></div></div>'
        f'<div class="related"><ul>{RELATED}</ul></div>{FOOT}'
    )


def news(paragraphs: list[str]) -> str:
    inside = "".join(f"<p>　　{p}</p>" for p in paragraphs)
    return page(
        f'{NAV}<div class="w1000"><h1>{TITLE}</h1>'
        '<div class="box01">2019年10月17日08:15　来源：<a>县日报</a></div>'
        f'<div class="box_con">{inside}<div class="edit">(责编：某某)</div></div></div>{FOOT}'
    )


def old(paragraphs: list[str]) -> str:
    """Return a page laid out by tables, its paragraphs divided by line breaks."""
    inside = "<br>".join(f"　　{p}" for p in paragraphs)
    return page(
        f"<table><tr><td>{NAV}</td></tr><tr><td align=center><b>{TITLE}</b></td></tr>"
        "<tr><td>日期：2019-10-17 作者：办公室 点击：12</td></tr>"
        f"<tr><td><font size=3>{inside}</font></td></tr>"
        f"<tr><td>{FOOT}</td></tr></table>"
    )


def divisions(paragraphs: list[str]) -> str:
    inside = "".join(f"<div>　　{p}</div>" for p in paragraphs)
    return page(f'<div class="nav">{NAV}</div><div id="zoom"><div>{TITLE}</div>{inside}</div>{FOOT}')


def message(paragraphs: list[str]) -> str:
    """Return a page as a messenger's editor makes it: sections in sections, bits of text in spans."""
    inside = "".join(
        f"<section><section><p><span>{p[:20]}</span><span><strong>{p[20:]}</strong></span></p></section></section>"
        for p in paragraphs
    )
    return page(f'<div id="js_content">{inside}</div>')


@pytest.mark.parametrize("count", [4, 2, 1], ids=["long", "short", "a single paragraph"])
@pytest.mark.parametrize("layout", [government, news, old, divisions, message])
def test_the_article_is_read_whole_and_alone(layout, count):
    assert read_page(layout(LONG[:count]), "a.html").text.split("\n") == [TITLE, *LONG[:count]]


@pytest.mark.parametrize("layout", [government, news])
def test_day_and_source_stand_beside_the_headline(layout):
    found = read_page(layout(LONG), "a.html")
    assert (found.title, found.date) == (TITLE, "2019-10-17")
    assert found.source in ("县融媒体中心", "县日报")


def test_what_the_head_of_a_page_says_goes_before_what_its_body_says():
    head = (
        f'<title>{TITLE}_石磨沟县</title><meta name="ArticleTitle" content="三条路"><meta name="PubDate" '
        'content="2020-01-02 08:00"><meta name="ContentSource" content="县报"><meta name="Url" '
        'content="https://example.gov.cn/a.html"><meta property="og:url" content="https://example.com">'
    )
    found = read_page(government(LONG).replace(f"<title>{TITLE}</title>", head), "a.html")
    known = (found.title, found.date, found.source, found.url)
    assert known == ("三条路", "2020-01-02", "县报", "https://example.gov.cn/a.html")


def test_open_graph_and_canonical_links_are_known_too():
    head = (
        '<meta property="og:title" content="三条路"><meta property="article:published_time" '
        'content="2020-01-02T08:00:00+08:00"><link rel="canonical" href="https://example.com/a">'
    )
    found = read_page(page("".join(f"<p>{p}</p>" for p in LONG), head), "a.html")
    assert (found.title, found.date, found.url) == ("三条路", "2020-01-02", "https://example.com/a")


@pytest.mark.parametrize(
    ("title", "headline"),
    [
        ("三条路_石磨沟县人民政府", "三条路"),
        ("三条路--新闻网", "三条路"),
        ("三条路 | 县报", "三条路"),
        ("三条路", "三条路"),
        ("2018-2020年规划", "2018-2020年规划"),
    ],
)
def test_the_name_of_a_site_is_no_part_of_a_title(title, headline):
    found = read_page(page("".join(f"<p>{p}</p>" for p in LONG), f"<title>{title}</title>"), "a.html")
    assert found.title == headline
    assert found.text.split("\n")[0] == headline


def test_a_day_in_the_text_is_not_that_of_the_article():
    text = "2018年1月5日，全县动员大会召开，部署了道路硬化和安全饮水工作，各乡镇随后行动起来。"
    assert read_page(page(f"<p>{text}</p><p>{LONG[0]}</p>"), "a.html").date == ""


def test_a_table_of_figures_keeps_its_rows():
    table = "<table><tr><td>乡镇</td><td>户数</td></tr><tr><td>青杠岭乡</td><td>152户</td></tr></table>"
    text = read_page(page("".join(f"<p>{p}</p>" for p in LONG) + table), "a.html").text
    assert text.split("\n")[-2:] == ["乡镇\t户数", "青杠岭乡\t152户"]


def test_scripts_styles_and_hidden_code_are_no_text():
    code = "<script>var 村 = '脚本';</script><style>.村{}</style><!-- 注释 --><noscript>请启用脚本</noscript>"
    text = read_page(page(code + "".join(f"<p>{p}</p>" for p in LONG)), "a.html").text
    assert text.split("\n") == [TITLE, *LONG]


def test_entities_of_a_page_are_not_expanded_and_nothing_is_fetched(tmp_path):
    (tmp_path / "secret.txt").write_text("秘密", encoding="utf-8")
    kind = f'<!DOCTYPE html [<!ENTITY a SYSTEM "file://{tmp_path}/secret.txt"><!ENTITY b "哈哈">]>'
    body = "".join(f"<p>{p}</p>" for p in LONG) + "<p>外部&a;内部&b;结束了这一段文字。</p>"
    text = read_page(kind + page(body), "a.html").text
    assert "秘密" not in text
    assert "哈哈" not in text


@pytest.mark.parametrize("text", ["", " ", "<html></html>", "<!-- x -->", "<p> </p>"])
def test_a_page_without_an_article_is_refused(text):
    with pytest.raises(InputError, match=r"^a\.html: (no article on this page|an empty page)$") as caught:
        read_page(text, "a.html")
    assert caught.value.hint


def plain(*paragraphs: str) -> str:
    return "".join(f"<p>{p}</p>" for p in paragraphs)


def test_lines_of_the_source_are_joined_where_no_reader_sees_a_break():
    """Programs such as Word break the lines of a page in the middle of sentences."""
    broken = [f"{p[:18]}\n   {p[18:30]}</span>\n<span>{p[30:]}" for p in LONG]
    text = read_page(page(f"<h1>{TITLE}</h1>" + plain(*(f"<span>{p}</span>" for p in broken))), "a.html").text
    assert [line.replace(" ", "") for line in text.split("\n")] == [TITLE, *LONG]
    assert all(p[:30] in text for p in LONG)  # a blank stands at most where elements meet


def test_the_lines_of_preformatted_text_stay():
    text = read_page(page("<h1>三条路</h1><pre>" + "\n".join(LONG) + "</pre>"), "a.html").text
    assert text.split("\n") == ["三条路", *LONG]


@pytest.mark.parametrize(
    ("text", "joined_text"),
    [
        ("一条\r\n  土路", "一条土路"),
        ("village\n doctors", "village doctors"),
        ("GDP\n增长", "GDP增长"),
        ("路。\n", "路。"),
        ("\n", " "),
        ("一条 土路", "一条 土路"),
    ],
)
def test_a_break_between_chinese_characters_is_nothing_and_elsewhere_a_blank(text, joined_text):
    assert joined(text) == joined_text


def test_menus_in_the_cells_of_a_layout_are_left_out():
    side = "<table><tr><td><a href=1>领导之窗</a></td></tr><tr><td><a href=2>政策法规</a></td></tr></table>"
    breaks = "<br>".join(LONG)
    body = (
        f"<table><tr><td><a>首页</a> | <a>要闻</a></td></tr><tr><td>{side}</td><td>"
        f"<table><tr><td>{TITLE}</td></tr><tr><td>{breaks}</td></tr></table></td></tr></table>"
        "<table><tr><td>Copyright 县扶贫办</td></tr></table>"
    )
    assert read_page(page(body), "a.html").text.split("\n") == [TITLE, *LONG]


def test_links_in_the_text_of_an_article_are_no_menu():
    linked = LONG[1].replace("养殖合作社", "<a href=1>养殖合作社</a>").replace("黑山羊", "<a>黑山羊</a>")
    text = read_page(page(f"<h1>{TITLE}</h1>" + plain(LONG[0], linked, *LONG[2:])), "a.html").text
    assert text.split("\n") == [TITLE, *LONG]


def test_a_list_of_linked_headlines_is_no_menu():
    heads = [f"青杠岭乡第{n}次脱贫攻坚推进会议召开" for n in "一二三四五六"]
    items = "".join(f"<li><a href=x>{head}</a></li>" for head in heads)
    assert read_page(page(f"<ul>{items}</ul>", "<title>要闻</title>"), "a.html").text.split("\n") == [
        "要闻",
        *heads,
    ]


def test_a_single_sentence_is_an_article_and_menu_and_foot_are_none():
    found = read_page(
        page(f"{NAV}<div><p>　　签约医生每月上门。</p></div>{FOOT}", "<title>简讯</title>"), "a.html"
    )
    assert found.text == "简讯\n签约医生每月上门。"


def test_items_of_a_list_have_no_marks_that_the_page_does_not_have():
    body = f"<h1>{TITLE}</h1>" + plain(*LONG) + "<ul><li>一是修路，投入1.2亿元。</li><li>二是养羊。</li></ul>"
    assert read_page(page(body), "a.html").text.split("\n")[-2:] == ["一是修路，投入1.2亿元。", "二是养羊。"]


def test_the_table_above_an_official_document_gives_its_day_and_is_no_text_of_it():
    facts = [("索引号", "00001/2019-00012"), ("发文机关", "县政府"), ("成文日期", "2019年10月12日")]
    table = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in [*facts, ("发布日期", "2019年10月17日")])
    found = read_page(page(f"<table>{table}</table>" + plain("各乡镇人民政府：", *LONG)), "a.html")
    assert found.date == "2019-10-17"  # the day of publication goes before that of writing
    assert found.text.split("\n") == [TITLE, "各乡镇人民政府：", *LONG]


def test_the_days_of_a_list_are_not_that_of_the_page():
    items = "".join(f"<li><a>青杠岭乡第{n}次会议召开</a><span>2019-10-0{n}</span></li>" for n in range(1, 7))
    assert read_page(page(f"<h1>要闻</h1><ul>{items}</ul>", ""), "a.html").date == ""


def test_a_day_that_is_marked_as_one_counts_where_no_other_is_found():
    body = f'<h1>{TITLE}</h1><time datetime="2019-10-17T09:00+08:00">十月</time>' + plain(*LONG)
    assert read_page(page(body), "a.html").date == "2019-10-17"
    assert read_page(page(body + '<time datetime="2020-01-01">一月</time>'), "a.html").date == ""


def test_what_of_a_title_stands_on_the_page_is_the_headline():
    body = f"<div>{TITLE}</div>" + plain(*LONG)
    found = read_page(page(body, f"<title>{TITLE} - 石磨沟县扶贫开发局</title>"), "a.html")
    assert found.title == TITLE
    assert found.text.split("\n") == [TITLE, *LONG]
    assert read_page(page(body, f"<title>打印 - {TITLE}</title>"), "a.html").title == TITLE


ONE, TWO = "打井队在山脚打出一眼机井，家家户户喝上了放心水。", "驻村工作队牵头办起车间，安排68人就业。"
BLOCKS = {
    "paragraphs": "<p>{}</p><p>{}</p>",
    "divisions among paragraphs": "<div>{}</div><div>{}</div>",
    "divisions in divisions": "<div><div>{}</div></div><div><section>{}</section></div>",
    "a list": "<ul><li>{}</li><li>{}</li></ul>",
    "a list of paragraphs": "<ol><li><p>{}</p></li><li><p>{}</p></li></ol>",
    "terms": "<dl><dt>{}</dt><dd>{}</dd></dl>",
    "a heading": "<h3>{}</h3><p>{}</p>",
    "a heading at the end": "<p>{}</p><h4>{}</h4>",
    "bare text between breaks": "{}<br>{}",
    "bare text beside a paragraph": "{}<p></p>{}",
    "spans between breaks": "<span>{}</span><br><span>{}</span>",
    "a break within emphasis": "<p><b>{}<br>{}</b></p>",
    "centred text": "<center>{}</center><center>{}</center>",
    "quotations": "<blockquote>{}</blockquote><blockquote><p>{}</p></blockquote>",
    "the words below a picture": "<figure><img src=a><figcaption>{}</figcaption></figure><p>{}</p>",
    "what can be folded": "<details><summary>{}</summary>{}</details>",
    "labels": "<p><label>{}</label></p><p>{}</p>",
    "cells of a layout": "<table><tr><td><p>{}</p></td></tr><tr><td>{}</td></tr></table>",
}
AROUND = {
    "an article": "<article><h1>{}</h1>{}</article>",
    "divisions": "<div class=con><h1>{}</h1><div id=zoom>{}</div></div>",
    "nothing": "<h1>{}</h1>{}",
}


@pytest.mark.parametrize("place", [0, 2, 4], ids=["first", "in the middle", "last"])
@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_no_block_of_an_article_is_lost_wherever_it_stands(block, around, place):
    """Trafilatura alone loses many of these without a word."""
    parts = [f"<p>{p}</p>" for p in LONG]
    parts.insert(place, block.format(ONE, TWO))
    body = NAV + around.format(TITLE, "".join(parts)) + FOOT
    expected = [TITLE, *LONG[:place], ONE, TWO, *LONG[place:]]
    assert read_page(page(body), "a.html").text.split("\n") == expected


@pytest.mark.parametrize(
    "line",
    [
        "发布人：管理员 发布时间：2019年10月17日 09:12 浏览：88次",
        "县融媒体中心 2019-10-17 18:00",
        "供稿：办公室",
    ],
)
def test_lines_about_the_page_below_the_headline_are_left_out(line):
    body = f"<h1>{TITLE}</h1><div>{line}</div>" + plain(*LONG)
    assert read_page(page(body), "a.html").text.split("\n") == [TITLE, *LONG]


# --- encodings ---


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ('<meta charset="gbk">', "gbk"),
        ("<META CHARSET=Big5>", "big5"),
        ("<meta http-equiv='Content-Type' content='text/html; charset=gb2312'>", "gb2312"),
        ('<meta name="description" content="charset">', None),
        ("", None),
    ],
)
def test_a_page_may_declare_its_encoding(declaration, encoding):
    assert declared_encoding(b"<html><head>" + declaration.encode()) == encoding


TRADITIONAL = "各鄉鎮要落實產業幫扶措施，幫助困難戶增加收入。"


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        pytest.param("扶贫".encode(), "gb2312", "扶贫", id="UTF-8, whatever it declares"),
        pytest.param("扶贫政策".encode("gb18030"), "utf-8", "扶贫政策", id="GB18030, whatever it declares"),
        pytest.param(
            "镕﨑".encode("gb18030"), "gb2312", "镕﨑", id="rare characters of GB18030, declared as GB 2312"
        ),
        pytest.param(TRADITIONAL.encode("big5"), "big5", TRADITIONAL, id="Big5 where declared"),
        pytest.param("栃木".encode("shift_jis"), "shift_jis", "栃木", id="another encoding where declared"),
    ],
)
def test_a_page_is_decoded_as_it_declares_where_it_is_not_plainly_otherwise(data, declared, text):
    assert decode_page(data, "a.html", declared) == text


@pytest.mark.parametrize("declared", [None, "utf-8", "nonsense", "big5"])
def test_a_page_that_is_in_no_encoding_it_names_is_refused(declared):
    data = b"\xff\xff\xff" if declared == "big5" else TRADITIONAL.encode("big5")
    with pytest.raises(InputError, match=r"a\.html: neither UTF-8 \(byte 0\) nor GB18030"):
        decode_page(data, "a.html", declared)


def test_an_encoding_named_by_the_user_goes_before_all(tmp_path):
    body = "".join(f"<p>{TRADITIONAL * 3}</p>" for _ in range(3))
    (tmp_path / "a.html").write_bytes(page(body, '<meta charset="utf-8">').encode("big5"))
    (document,) = documents([tmp_path], Reading(encoding="big5"))
    assert TRADITIONAL in document.text


# --- snapshots ---

SNAPSHOT = (
    "From: <Saved>\nSnapshot-Content-Location: https://example.gov.cn/a\nMIME-Version: 1.0\n"
    'Content-Type: multipart/related; boundary="b"\n\n--b\nContent-Type: text/html; charset=gbk\n'
    "Content-Transfer-Encoding: base64\nContent-Location: https://example.gov.cn/a\n\n{}\n--b\n"
    "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0K\n--b--\n"
)


def test_a_snapshot_holds_a_page_with_its_address(tmp_path):
    import base64

    data = SNAPSHOT.format(base64.b64encode(government(LONG).encode("gbk")).decode()).encode()
    assert read_snapshot(data, "a.mhtml")[1:] == ("gbk", "https://example.gov.cn/a")
    (tmp_path / "a.mhtml").write_bytes(data)
    (document,) = documents([tmp_path / "a.mhtml"])
    assert document.text.split("\n") == [TITLE, *LONG]
    assert document.meta["url"] == "https://example.gov.cn/a"


def test_a_snapshot_without_a_page_is_refused():
    with pytest.raises(InputError, match=r"a\.mht: no web page inside"):
        read_snapshot(b"Content-Type: text/plain\n\nx", "a.mht")


@pytest.mark.parametrize(
    "declared", ["punycode", "idna", "unicode_escape", "undefined", "hex", "a\0b", "x" * 9999]
)
def test_an_encoding_that_no_page_is_in_is_not_tried(declared):
    # Python knows some of them: punycode takes time by the square, idna raises errors of its own
    with pytest.raises(InputError, match="neither UTF-8"):
        decode_page("扶貧".encode("big5"), "頁.html", declared)


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ("big5", "扶貧"),
        ("big5-hkscs", "扶貧"),
        ("shift_jis", "農村"),
        ("windows-1252", "café€"),
        ("latin1", "é"),
    ],
)
def test_the_encodings_of_pages_are_tried(declared, text):
    assert decode_page(text.encode(declared), "頁.html", declared) == text
