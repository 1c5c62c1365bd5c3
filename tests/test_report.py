"""Reports as Markdown and JSON, and as files: complete, in two languages, and safe from what is read."""

from __future__ import annotations

import json
import unicodedata
from string import Formatter

import pytest
from markdown_it import MarkdownIt
from report_samples import ACTING, HOSTILE, ROWS, full_report, hostile_report, labelled

from classifier.codebook import codebook_from_text
from classifier.errors import InputError, OutputError
from classifier.inert_text import ACTIVE, inert
from classifier.report import make_report
from classifier.report_files import write_report
from classifier.report_text import to_json, to_markdown
from classifier.report_texts import LANGUAGES, report_texts


@pytest.fixture
def report(tiny_codebook):
    def make(rows=ROWS, codebook=tiny_codebook, **options):
        return make_report(labelled(codebook, rows), **options)

    return make


@pytest.fixture
def report_of_model(tiny_model):
    """Return a report of what the tiny model labelled, highlights and doubtful sentences included."""
    texts = ["签约医生每月上门给老人量血压。", "施工队把通村公路铺成水泥路。", "乡亲们说好。"]
    rows = []
    for text, p, yes in zip(texts, tiny_model.predict_proba(texts), tiny_model.predict(texts), strict=True):
        codes = ";".join(c for c, given in zip(tiny_model.codes_, yes, strict=True) if given)
        rows.append(("山.txt", text, codes, tuple(p), "", ""))
    return make_report(labelled(tiny_model.codebook, rows), model=tiny_model)


# --- Markdown ---


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


def test_markdown_shows_counts_shares_and_intervals_as_people_read_them(report):
    summary, codes, scheme, *_, together = tables(to_markdown(report()))
    assert [row[:3] for row in summary[1:4]] == [
        ["文章", "2", "–"],
        ["语段", "5", "–"],
        ["涉及措施的语段", "3", "60.0%"],
    ]
    assert [[*row[:4], *row[6:8]] for row in codes[1:]] == [
        ["看病", "clinic", "2", "40.0%", "1", "50.0%"],
        ["上学", "school", "1", "20.0%", "1", "50.0%"],
        ["修路", "road", "1", "20.0%", "1", "50.0%"],
        ["打井", "well", "0", "0.0%", "0", "0.0%"],
    ]
    assert [row[:3] for row in scheme[1:]] == [["公共服务", "2", "40.0%"], ["基础设施", "1", "20.0%"]]
    assert together[1][:6] == ["看病", "clinic", "上学", "school", "1", "50.0%"]
    assert all(row[4].endswith("%") for row in codes[1:])


def test_differences_are_points_with_their_sign_and_interval(tiny_codebook):
    made = full_report(tiny_codebook, "en")
    table = next(t for t in tables(to_markdown(made)) if "Difference (points)" in t[0])
    at = table[0].index("Difference (points)")
    assert [row[at] for row in table[1:]] == ["+40.0", "+20.0", "-13.3", "+0.0"]  # 1 road of 5, there 1 of 3
    assert all(row[at + 1][0] in "+-" for row in table[1:])
    assert "Compared with: 别处.csv" in to_markdown(made)


def test_each_sentence_stands_with_its_place_and_probability(report):
    lines = to_markdown(report()).splitlines()
    at = lines.index("### 看病 (clinic)")
    assert [line for line in lines[at:] if line.startswith("- ")][:2] == [
        "- 医生到小学体检。 — 山.txt\\#1 (0.93)",
        "- 医生每月上门。 — 山.txt\\#0 (0.71)",
    ]


def test_the_words_that_decided_stand_behind_the_sentence_and_the_threshold_above(report_of_model):
    markdown = to_markdown(report_of_model)
    (line,) = (x for x in markdown.splitlines() if x.startswith("- 签约医生每月上门给老人量血压。 — 山.txt"))
    phrases = line.partition("〔")[2].removesuffix("〕").split("、")
    assert 1 <= len(phrases) <= 3
    assert any("医生" in phrase for phrase in phrases)
    assert all(phrase in "签约医生每月上门给老人量血压。" for phrase in phrases)


def test_a_code_that_does_not_occur_has_no_heading_of_its_own(report):
    assert "### 打井" not in to_markdown(report())


def test_what_must_be_known_first_stands_before_the_figures(report):
    markdown = to_markdown(report())
    assert markdown.index("只有2篇文章") < markdown.index("## 概况")


# --- JSON ---


def test_json_holds_the_whole_report(report_of_model):
    value = json.loads(to_json(report_of_model))
    assert list(value) == [
        *("format", "source", "against", "lang", "heading", "about", "codebook", "warnings", "parts"),
        *("schemes", "tables", "codes"),
    ]
    for table, written in zip(report_of_model.tables, value["tables"], strict=True):
        assert [tuple(row) for row in written["rows"]] == list(table.rows)
        assert [c["name"] for c in written["columns"]] == [c.name for c in table.columns]
        assert (written["name"], written["topic"], written["scheme"]) == (
            table.name,
            table.topic,
            table.scheme,
        )
    clinic, sentence = value["codes"][0], report_of_model.codes[0].strongest[0]
    assert clinic["threshold"] == report_of_model.codes[0].threshold
    assert clinic["strongest"][0]["text"] == sentence.text
    assert [tuple(h) for h in clinic["strongest"][0]["highlights"]] == list(sentence.highlights)
    assert clinic["strongest"][0]["after"][0]["text"] == sentence.after[0].text
    assert value["schemes"][0]["categories"] == {
        "公共服务": ["clinic", "school"],
        "基础设施": ["road", "well"],
    }


def test_json_has_null_where_there_is_no_figure(report):
    value = json.loads(to_json(report([ROWS[0]])))  # one document: no interval
    (shares,) = (t for t in value["tables"] if t["name"] == "shares")
    assert shares["rows"][0][4] is None


def test_json_escapes_what_would_act_where_it_is_shown_and_loses_nothing(report):
    text = "医生\u202e\x85\u2028\x1b[31m。"
    written = to_json(report([("山", text, "clinic", (0.9,), "", "")]))
    assert not ACTIVE.search(written)
    assert json.loads(written)["codes"][0]["strongest"][0]["text"] == text


# --- two languages ---


@pytest.mark.parametrize(
    ("lang", "heading", "name"),
    [("zh", "扶贫政策措施统计报告", "看病"), ("en", "Policy measures", "clinics")],
)
def test_headings_and_names_are_in_the_language_asked_for_and_sentences_as_they_are(
    report, lang, heading, name
):
    page = to_markdown(report(lang=lang))
    assert page.startswith(f"# {heading}\n")
    assert f"| {name} | clinic |" in page
    assert "医生到小学体检。" in page
    assert {"zh": "Segments", "en": "语段"}[lang] not in page


def test_there_are_two_languages_and_a_third_is_an_error(report):
    assert LANGUAGES == ("zh", "en")
    with pytest.raises(InputError, match="no reports in 'fr'") as caught:
        report(lang="fr")
    assert "zh, en" in caught.value.hint


def leaves(texts, at=""):
    """Yield the place and the placeholders of each text."""
    for key, value in texts.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{at}{key}.")
        else:
            yield f"{at}{key}", tuple(sorted({name for _, name, _, _ in Formatter().parse(value) if name}))


def test_both_languages_have_the_same_texts_with_the_same_places_to_fill():
    zh, en = (dict(leaves(report_texts(lang))) for lang in LANGUAGES)
    assert zh == en
    assert all(isinstance(text, str) for text in zh)


def test_a_name_missing_in_one_language_is_shown_in_the_other(report):
    book = codebook_from_text(
        'name: v\nversion: "1"\ncodes: [{code: clinic, name: {zh: 看病}}, {code: school, name: {zh: 上学}}, '
        "{code: road, name: {zh: 修路}}]",
        "v.yaml",
    )
    made = report(codebook=book, lang="en")
    assert made.table("shares").values("category") == ("看病", "上学", "修路")
    assert [c.title for c in made.codes] == ["看病", "上学", "修路"]


def test_the_same_labels_make_the_same_bytes(report):
    assert to_markdown(report()) == to_markdown(report())
    assert to_json(report()) == to_json(report())


# --- nothing that is read can break a page ---


def parsed(markdown):
    return MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_in_markdown(text):
    tokens = parsed(to_markdown(hostile_report(text)))
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not kinds & {
        *("html_block", "html_inline", "link_open", "image", "code_inline", "fence", "code_block")
    }
    harmless = parsed(to_markdown(hostile_report("医生")))
    assert [t.type for t in tokens] == [t.type for t in harmless]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_read_in_markdown_as_it_was(report, text):
    tokens = parsed(to_markdown(report([("甲", text, "clinic", (0.9,), "", "")])))
    item = next(t for t in tokens if t.type == "inline" and "甲\\#0 (0.90)" in t.content)
    shown = "".join(child.content for child in item.children)
    assert shown == " ".join(text.split()) + " — 甲#0 (0.90)"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_cannot_move_the_cells_of_a_markdown_table(text):
    # A renderer drops the cells that a row has too many: what counts is that the last ones are the figures.
    hostile, harmless = (tables(to_markdown(hostile_report(t))) for t in (text, "医生"))
    assert len(hostile) == len(harmless) > 10
    figures = [[row[-1] for row in table[1:] if row[-1][-1] in "%0123456789–"] for table in hostile]
    assert figures == [[row[-1] for row in table[1:] if row[-1][-1] in "%0123456789–"] for table in harmless]
    assert any(row[0] == " ".join(text.split()) for table in hostile for row in table)


@pytest.mark.parametrize("text", [*HOSTILE, *ACTING])
def test_hostile_text_leaves_json_what_it_is(text):
    value = json.loads(to_json(hostile_report(text)))
    assert value["source"] == text
    assert value["codes"][0]["title"] == text
    assert value["codes"][0]["strongest"][0]["text"] == f"医生{text}"


@pytest.mark.parametrize("text", ACTING)
def test_characters_that_act_are_shown_as_marks_in_markdown(text):
    markdown = to_markdown(hostile_report(text))
    assert not ACTIVE.search(markdown)
    assert inert(" ".join(text.split())) in "".join(markdown.split("\\"))


def test_every_control_character_and_mark_of_direction_is_among_those_that_act():
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for character in map(chr, range(0x110000)):
        control = unicodedata.category(character) == "Cc" and character not in "\t\n\r"
        if control or unicodedata.bidirectional(character) in turning:
            assert ACTIVE.fullmatch(character), ascii(character)
    assert not ACTIVE.search("扶贫，100%。\t\r\n")


def test_inert_text_is_as_long_as_it_was_and_keeps_line_ends():
    text = "".join(map(chr, range(0x2100))) + "扶贫"
    made = inert(text)
    assert len(made) == len(text)
    assert [
        a for a, b in zip(text, made, strict=True) if a == b and not a.isprintable() and a.isspace()
    ] == list(
        "\t\n\r\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f"
    )
    assert made.endswith("扶贫")


# --- writing ---


@pytest.mark.parametrize(
    ("name", "begins"),
    [("r.html", "<!DOCTYPE html>"), ("r.HTM", "<!DOCTYPE html>"), ("r.md", "# "), ("r.JSON", "{")],
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
    (out / "r.md").write_text("旧" * 100_000, encoding="utf-8")
    write_report(made, out / "r.md")
    assert (out / "r.md").read_text(encoding="utf-8") == to_markdown(made)
    assert [p.name for p in out.iterdir()] == ["r.md"]
