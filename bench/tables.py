"""What the command prints: tables of 80 columns, and ratios to the plain pipeline."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from bench.files import ALONE, FLOOR, MORE
from bench.ways import FASTTEXT, OURS, PLAIN

WIDTH, NAME = 80, 38
LIMIT = 600  # MB that a process may take, however long the run
ABOUT_LARGE = (
    ("documents", "{documents:,} articles, {sentences:,} sentences, {megabytes:,.0f} MB"),
    ("seconds", "{seconds:,.0f} with {processes} processes, their start-up included"),
    ("documents/s", "{documents_per_s:,.0f}"),
    ("sentences/s", "{sentences_per_s:,.0f}"),
)

Row = Mapping[str, Any]
Rows = Mapping[str, Row]


def tell(result: Row) -> None:
    """Print all that was measured."""
    text, files = result["text_to_decisions"], result["file_to_file"]
    base = text[PLAIN]["sentences_per_s"] if PLAIN in text else None
    tell_rates("text → decisions, one core", text, base)
    for name, why in result["skipped"].items():
        print(f"{name:{NAME}}  skipped: {why}")
    tell_ratios(text)
    tell_rates("file → file", files, base)
    tell_floor(files)
    tell_processes(files)
    for title in ("start_up", "training"):
        tell_seconds(title, result.get(title, {}))
    if "large" in result:
        tell_large(result["large"])
    if "ablation" in result:
        tell_ablation(result["ablation"])


def tell_rates(title: str, rows: Rows, base: float | None) -> None:
    """Print rates; the last column is a ratio to ``base``, the plain pipeline's."""
    print(f"\n{title:{NAME}}{'sentences/s':>13}{'MB/s':>9}{'peak MB':>9}{'÷ plain':>9}")
    for name, row in rows.items():
        ratio = f"{row['sentences_per_s'] / base:.1f}×" if base else "–"
        peak = f"{row['peak_mb']:.0f}" if "peak_mb" in row else "–"
        print(f"{name:{NAME}}{row['sentences_per_s']:13,.0f}{row['mb_per_s']:9.2f}{peak:>9}{ratio:>9}")
    tell_reasons(rows)


def tell_reasons(rows: Rows) -> None:
    """Print why figures are not there."""
    for name, row in rows.items():
        for figure, why in row.get("not_measured", {}).items():
            tell_note(f"{name}: {figure} not measured: {why}.")


def tell_note(text: str) -> None:
    print(textwrap.fill(text, WIDTH))


def tell_ratios(text: Rows) -> None:
    for other in (PLAIN, FASTTEXT):
        if other in text:
            ratio = text[OURS]["sentences_per_s"] / text[other]["sentences_per_s"]
            print(f"{OURS} is {ratio:.1f}× {other}")


def tell_floor(files: Rows) -> None:
    alone, floor = files[ALONE], files[FLOOR]
    print(
        f"the floor is {floor['sentences_per_s'] / alone['sentences_per_s']:.1f}× one core; a sentence:",
        f"{alone['bytes_in_per_sentence']:.0f} bytes in, {alone['bytes_out_per_sentence']:.0f} out",
    )


def tell_processes(files: Rows) -> None:
    """Print how many times as fast more cores are."""
    print(f"\n{'more cores, ÷ one core':{NAME}}{'whole run, start included':>26}{'all up':>14}")
    for name in MORE:
        whole, steady = (times(files[name], files[ALONE], f"{of}sentences_per_s") for of in ("", "steady_"))
        print(f"{name:{NAME}}{whole:>26}{steady:>14}")
    tell_note("The last row is what the machine allows: its runs share nothing but the machine.")


def times(row: Row, base: Row, figure: str) -> str:
    return f"{row[figure] / base[figure]:.2f}×" if figure in row and figure in base else "–"


def tell_seconds(title: str, found: Mapping[str, float]) -> None:
    if found:
        print(f"\n{title.replace('_', '-')}, seconds")
    for name, seconds in found.items():
        print(f"{name:{NAME}}{seconds:13.2f}")


def tell_large(found: Row) -> None:
    print("\na large run of fupin label to Parquet")
    for name, shown in ABOUT_LARGE:
        print(f"{name:14}{shown.format(**found)}")
    if "peak_mb" in found:
        own, helpers = found["own_peak_mb"], found["helpers_peak_mb"]
        kept = "below" if found["peak_mb"] < LIMIT else "NOT below"
        print(f"{'peak MB':14}{own:.0f} the first process, {helpers:.0f} the highest other: {kept} {LIMIT}")
    tell_reasons({"peak memory": found})


def tell_ablation(rows: Rows) -> None:
    print(f"\n{'what each element costs':{NAME}}{'kernel/s':>13}{'÷ shipped':>11}{'F1 held':>9}{'F1 ex.':>9}")
    base = next(iter(rows.values()))["kernel_sentences_per_s"]
    for name, row in rows.items():
        speed = f"{row['kernel_sentences_per_s']:13,.0f}{row['kernel_sentences_per_s'] / base:10.2f}×"
        print(f"{name:{NAME}}{speed}{row['f1_held_out']:9.3f}{row['f1_examples']:9.3f}")
    tell_note(
        "kernel/s: sentences a second of the compiled loop that adds up weights, changed in this one"
        " element and checked against scikit-learn; normalising, cues and decisions are not in it. F1:"
        " scikit-learn machines with this change (C 4, no prior) on starter articles held out, and on"
        " docs/examples_gold.jsonl."
    )
