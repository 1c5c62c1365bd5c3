"""Measure how fast text is labelled, beside the usual ways to do it on the same texts.

    make bench
    python -m bench.speed [--sentences N] [--rounds R] [--training] [--ablation] [--large [N]] [-o OUT.json]

Every way works in a process of its own, on one core unless its name says more, and they take turns.
Figures are medians over the rounds. Needs `pip install jieba fasttext-wheel pyahocorasick`; what is
missing is left out, and said so.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from bench import large
from bench.files import ARTICLES, FILES
from bench.gauges import machine
from bench.processes import begin, in_turn
from bench.start_up import start_up, training
from bench.tables import tell
from bench.texts import ARTICLE, write_articles, write_sentences
from bench.ways import SENTENCES, WAYS, missing, text_rounds

FILE = 200  # times the sentences for files, so that starting processes does not rule


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.speed", description="Measure how fast text is labelled."
    )
    parser.add_argument("-o", "--out", type=Path, help="write the figures as JSON")
    parser.add_argument(
        "--sentences", type=positive, default=20_000, help="of a round; files have 200 times as many"
    )
    parser.add_argument("--rounds", type=positive, default=5)
    parser.add_argument("--training", action="store_true", help="time training too")
    parser.add_argument(
        "--ablation", action="store_true", help="what elements of the model cost, in speed and F1"
    )
    parser.add_argument(
        "--large",
        type=positive,
        nargs="?",
        const=large.MILLION,
        default=0,
        metavar="N",
        help="label N articles too (1,000,000), and tell the memory of each process",
    )
    return parser.parse_args()


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError
    return number


def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return all figures that were asked for."""
    large.refuse_without_room(options.large, folder)
    skipped = {name: why for name in WAYS if (why := missing(name))}
    n, rounds = options.sentences, options.rounds
    write_sentences(folder / SENTENCES, n * rounds)
    write_articles(folder / ARTICLES, FILE * n // ARTICLE, seed=1)
    ways = {name: partial(text_rounds, name) for name in WAYS if name not in skipped}
    result: dict[str, Any] = {"machine": machine(), "sentences": n, "rounds": rounds, "skipped": skipped}
    # First, as it leaves compiled code: compiling would count in the memory of whoever does it.
    result["start_up"] = start_up(folder)
    result["text_to_decisions"] = in_turn(ways, folder, n, rounds)
    result["file_to_file"] = in_turn(FILES, folder, n, rounds)
    if options.training:
        begin("training")
        result["training"] = training()
    if options.large:
        result["large"] = large.label_many(options.large, folder)
    if options.ablation:
        result["ablation"] = ablation(rounds)
    return result


def ablation(rounds: int) -> dict[str, dict[str, float]]:
    from bench.elements import f1_of_all
    from bench.kernels import kernel_speeds

    begin("what each element costs")
    speeds = kernel_speeds(rounds)
    return {name: {"kernel_sentences_per_s": speeds[name], **f1} for name, f1 in f1_of_all().items()}


def main() -> None:
    options = asked()
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_STATE_HOME"] = place  # where fupin notes what it has completed
        result = measured(options, Path(place))
    tell(result)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(result, ensure_ascii=False, indent=1, allow_nan=False)
        options.out.write_text(f"{text}\n", encoding="utf-8")
        print(f"\nwritten to {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
