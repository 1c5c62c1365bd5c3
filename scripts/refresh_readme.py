"""Write the figures of the default model into both READMEs, between their markers.

    python scripts/refresh_readme.py [SHARED]

SHARED is the folder with the outside documents (by default ../shared); without it nothing
is written, and the script says so.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from classifier import evaluate, load_model, read_corpus, read_gold, train
from classifier.evaluation import Comparison
from classifier.prior import load_prior
from classifier.store import read_manifest

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = re.compile(r"<!-- figures: begin [^\n]*-->\n"), "<!-- figures: end -->"
HEADS = {
    "README.md": (
        "Micro- and macro-F1 with 95 % intervals by document (macro over codes with at least five gold\n"
        "positives); “support” counts the gold codes.",
        "| text | segments (documents) | support | model, micro-F1 | model, macro-F1 "
        "| lexicon alone, micro-F1 | command |",
    ),
    "README.zh-CN.md": (
        "微平均与宏平均 F1，方括号内为按文章重抽样的 95% 区间；宏平均只计标注中至少出现五次的编码；"
        "“样本数”是标注中编码的总数。",
        "| 文本 | 语段（文章） | 样本数 | 模型，微平均 F1 | 模型，宏平均 F1 | 仅用词表，微平均 F1 | 命令 |",
    ),
}
NAMES = {
    "README.md": (
        "five example articles",
        "three local reports and interviews (real)",
        "TV news 2012–2021 (real)",
    ),
    "README.zh-CN.md": ("五篇示例文章", "三篇地方访谈与报道（真实文本）", "2012—2021 年电视新闻（真实文本）"),
}
OWN = {"README.md": "starter corpus, articles held out", "README.zh-CN.md": "入门语料（留出文章）"}


def row(name: str, comparison: Comparison, command: str) -> str:
    model, baseline = comparison.model, comparison.baseline
    cells = (
        name,
        f"{model.segments:,} ({model.documents:,})",
        f"{int(model.table['support'].sum()):,}",
        str(model.micro),
        str(model.macro),
        str(baseline.micro) if baseline else "–",
        f"`{command}`",
    )
    return f"| {' | '.join(cells)} |"


def comparisons(shared: Path) -> list[tuple[Comparison, str]]:
    model = load_model()
    gold = [(ROOT / "docs" / "examples_gold.jsonl", None, "fupin evaluate docs/examples_gold.jsonl")]
    if shared.is_dir():
        news = "labels/gold/news_dev.jsonl"
        corpus = shared / "corpus" / "news_2012_2021.jsonl.gz"
        gold += [
            (shared / "gold" / "seeds_dev.jsonl", None, "fupin evaluate seeds_dev.jsonl"),
            (ROOT / news, corpus, f"fupin evaluate {news} --texts NEWS"),
        ]
    return [
        (evaluate(model, read_gold(path, model.codebook, texts)), command) for path, texts, command in gold
    ]


def out_of_fold() -> Comparison:
    """Train once more and return the out-of-fold comparison, which the model folder does not hold whole."""
    model = load_model()
    corpus = read_corpus([ROOT / "seeds"], model.codebook)
    if corpus.sha256() != read_manifest(ROOT / "models" / "default")["training"]["sha256"]:
        raise SystemExit("models/default was not made from seeds/ as they are: run make train first")
    return train(corpus, model.lexicon, prior=load_prior(), n_jobs=2).comparisons[0]


def main() -> None:
    shared = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared"
    measured = comparisons(shared)
    if len(measured) < 3:
        raise SystemExit(f"{shared} is absent: the figures on real documents cannot be made here")
    own = out_of_fold()
    for file, (intro, head) in HEADS.items():
        rows = [row(n, c, command) for n, (c, command) in zip(NAMES[file], measured, strict=True)]
        table = [head, "|---|---|---|---|---|---|---|", row(OWN[file], own, "fupin train"), *rows]
        path = ROOT / file
        text = path.read_text(encoding="utf-8")
        begin, end = BEGIN.search(text).end(), text.index(END)
        path.write_text(text[:begin] + "\n".join([intro, "", *table, ""]) + text[end:], encoding="utf-8")


if __name__ == "__main__":
    main()
