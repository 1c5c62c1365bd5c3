"""Copy the figures of models/default/EVALUATION.md into both READMEs, between their markers.

python scripts/refresh_readme.py
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVALUATION = ROOT / "models" / "default" / "EVALUATION.md"
BEGIN, END = re.compile(r"<!-- figures: begin [^\n]*-->\n"), "<!-- figures: end -->"
# Of the table's columns: text, segments, support, model micro, model macro, lexicon, difference, coders
COLUMNS = (0, 1, 2, 3, 4, 5, 6, 8)
INTRO = {
    "README.md": (
        "Made by `make train` ([all figures](models/default/EVALUATION.md)): micro- and macro-F1 with 95 %\n"
        "intervals by document (macro over codes with at least five gold positives); “support” counts the\n"
        "gold codes, “coders” is F1 between two coders of the same text.",
        "| text | segments (documents) | support | model, micro-F1 | model, macro-F1 "
        "| lexicon alone, micro-F1 | model − lexicon | coders |",
    ),
    "README.zh-CN.md": (
        "由 `make train` 算出（[全部数字](models/default/EVALUATION.md)）："
        "微平均与宏平均 F1，方括号内为按文章重抽样的 95% 区间；"
        "宏平均只计标注中至少出现五次的编码；“样本数”是标注中编码的总数，“编码员”是两名编码员之间的 F1。",
        "| 文本 | 语段（文章） | 样本数 | 模型，微平均 F1 | 模型，宏平均 F1 "
        "| 仅用词表，微平均 F1 | 模型 − 词表 | 编码员 |",
    ),
}
NAMES = {
    "articles held out": ("starter corpus, articles held out", "入门语料（留出文章）"),
    "examples_gold": ("five example articles", "五篇示例文章"),
    "seeds_dev": (
        "three local reports and interviews (real)",
        "三篇地方访谈与报道（真实文本）",
    ),
    "news_dev": ("TV news 2012–2021 (real)", "2012—2021 年电视新闻（真实文本）"),
}


def summary() -> list[list[str]]:
    """Return the rows of the first table of EVALUATION.md."""
    lines = EVALUATION.read_text(encoding="utf-8").splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("| text |")) + 2
    rows = []
    for line in lines[first:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def figures(file: str) -> str:
    """Return what stands between the markers of a README."""
    intro, head = INTRO[file]
    language = list(INTRO).index(file)
    table = [head, "|" + "---|" * len(COLUMNS)]
    for row in summary():
        cells = [NAMES[row[0]][language], *(row[i] for i in COLUMNS[1:])]
        table.append(f"| {' | '.join(cells)} |")
    return "\n".join([intro, "", *table, ""])


def main() -> None:
    for file in INTRO:
        path = ROOT / file
        text = path.read_text(encoding="utf-8")
        begin, end = BEGIN.search(text).end(), text.index(END)
        path.write_text(text[:begin] + figures(file) + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
