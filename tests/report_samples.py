"""Reports for tests of what is written: a whole one, and one in which a hostile text stands everywhere."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from classifier.codebook import codebook_from_text
from classifier.evaluation_tables import CodeFigures, ModelFigures, TextFigures
from classifier.labelled import Labelled
from classifier.report import make_report

# document, text, codes, probabilities of the first three codes, date, province
ROWS = (
    ("山.txt", "医生每月上门。", "clinic", (0.71, 0.01, 0.01), "2018", "云岭"),
    ("山.txt", "医生到小学体检。", "clinic;school", (0.93, 0.64, 0.01), "2018", "云岭"),
    ("山.txt", "大家都说好。", "", (0.01, 0.02, 0.01), "2018", "云岭"),
    ("水.txt", "公路修通了。", "road", (0.01, 0.01, 0.88), "2019", "白河"),
    ("水.txt", "乡亲们很高兴。", "", (0.02, 0.01, 0.03), "2019", ""),
)
FIGURES = ModelFigures(
    codes=(
        CodeFigures("clinic", True, 120, 0.9, 0.8, 0.847, {"dev": (0.7, 31)}),
        CodeFigures("school", True, 90, 0.8, 0.8, 0.8),
        CodeFigures("road", True, 60, 0.7, 0.9, 0.787),
        CodeFigures("well", False, 3, None, None, None),
    ),
    texts=(TextFigures("articles held out", 900, 40, 300, 0.8, 0.75, 0.85, 0.6, None),),
)

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
    pytest.param("{{ 7 * 7 }} {% raw %} {# x #} {0} {scheme} %s", id="template code"),
    pytest.param("\\*不粗\\* \\[不是链接\\](x) 末尾\\", id="backslashes before marks"),
    pytest.param("1. 发展养殖", id="a numbered point"),
    pytest.param("2) 修路", id="a numbered point with a bracket"),
    pytest.param("- 修路", id="a dash"),
    pytest.param("+ 修路", id="a plus"),
    pytest.param("---", id="a rule"),
    pytest.param('=HYPERLINK("https://evil.example","医生")', id="a formula"),
    pytest.param("＝1＋1", id="a full-width formula"),
    pytest.param("@SUM(1+1)*cmd|' /C calc'!A0", id="a formula that starts a program"),
]
ACTING = [
    pytest.param("红\u202e字", id="a mark that turns the direction"),
    pytest.param("响\x07铃\x1b[2J", id="control characters"),
    pytest.param("\u200e\u200f\u2066零\u2069", id="marks of direction"),
    pytest.param("换\u2028行\x85", id="line separators"),
]


def labelled(codebook, rows=ROWS, source="labelled.csv", **columns):
    """Return labelled segments; unknown codes are left out, so that any codebook will do."""
    given = [[code in row[2].split(";") for code in codebook.columns] for row in rows]
    p = [[*row[3], *[np.nan] * len(codebook.columns)][: len(codebook.columns)] for row in rows]
    frame = {
        "doc_id": [row[0] for row in rows],
        "segment_id": [f"{rows[i][0]}#{i}" for i in range(len(rows))],
        "text": [row[1] for row in rows],
        "date": [row[4] for row in rows],
        "province": [row[5] for row in rows],
        **columns,
    }
    names = list(codebook.columns)
    return Labelled(
        source,
        codebook,
        pd.DataFrame(frame),
        pd.DataFrame(given, columns=names, dtype=bool),
        pd.DataFrame(p, columns=names, dtype=float),
    )


def full_report(codebook, lang="zh", **options):
    """Return a report with every kind of table."""
    other = labelled(codebook, ROWS[2:], "别处.csv")
    options = {"by": "province", "against": other, "figures": FIGURES, **options}
    return make_report(labelled(codebook), lang=lang, **options)


def hostile_report(text, lang="zh"):
    """Return a report in which the text stands in every place that comes from outside."""
    code = "".join(c for c in text if c.isprintable() and c not in "; ").lstrip("-+=@＝＋－＠") or "x"
    category = {"category": text.replace(";", ""), "codes": [code]}
    book = {
        "name": text,
        "version": "1",
        "codes": [
            {"code": code, "name": {"zh": text, "en": text}, "definition": text},
            {"code": "other", "name": "别的"},
        ],
        "schemes": [{"scheme": text, "name": {"zh": text}, "source": text, "categories": [category]}],
    }
    codebook = codebook_from_text(json.dumps(book), "hostile.yaml")
    rows = [
        (text, f"医生{text}", f"{code};other", (0.9, 0.8), "2018", text),
        (f"{text}'", text, "other", (0.2, 0.7), "2019", "甲"),
        (text, "甲", "", (0.1, 0.1), text, ""),
    ]
    columns = {"title": [text] * 3, f"列{text}": [text, text, "乙"]}
    figures = ModelFigures(
        (CodeFigures(code, True, 1, 0.5, 0.5, 0.5, {text: (0.5, 20)}),),
        (TextFigures(text, 1, 1, 1, 0.5, 0.4, 0.6, None, None),),
    )
    return make_report(
        labelled(codebook, rows, text, **columns),
        by=f"列{text}",
        against=labelled(codebook, rows[:2], f"{text}.csv", title=[text] * 2),
        figures=figures,
        lang=lang,
    )
