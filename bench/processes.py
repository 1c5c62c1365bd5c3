"""One process for each way, on the same texts; they take turns, and medians of their rounds are kept.

So a busy moment of the machine does not fall on one of them alone.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.gauges import Figure, forget_peak, peak_memory

Answer = dict[str, Any]  # what one round brought
Task = Callable[[Path, int], Callable[[int], Answer]]  # made ready in a folder, for n sentences; does a round


def in_turn(tasks: Mapping[str, Task], folder: Path, n: int, rounds: int) -> dict[str, dict[str, Any]]:
    """Return the summary of the rounds of each task, one round of each after the other."""
    answers: dict[str, list[Answer]] = {name: [] for name in tasks}
    with ExitStack() as stack:
        pipes = {}
        for name, task in tasks.items():
            begin(name)
            pipes[name] = stack.enter_context(process_for(name, task, folder, n))
        for number in range(rounds):
            for name, pipe in pipes.items():
                pipe.send(number)
                answers[name].append(pipe.recv())
    return {name: summary(found) for name, found in answers.items()}


def begin(what: str) -> None:
    """Say what is begun; it may take minutes."""
    print(f"  {what} ...", file=sys.stderr, flush=True)


@contextmanager
def process_for(name: str, task: Task, folder: Path, n: int) -> Iterator[Any]:
    """Start a process for a task, and yield the pipe to it once it is ready."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(task, folder, n, there))
    process.start()
    there.close()  # so that its end is noticed here
    try:
        here.recv()
        yield here
        here.send(None)
    except EOFError:
        raise SystemExit(f"{name}: its process ended early; what it said stands above") from None
    finally:
        here.close()
        process.join()


def serve(task: Task, folder: Path, n: int, pipe: Any) -> None:
    """Do a round for each number that comes through the pipe; runs in a process of its own."""
    do = task(folder, n)
    forget_peak()
    pipe.send("ready")
    with suppress(EOFError):  # another way failed, and said so
        while (number := pipe.recv()) is not None:
            pipe.send({**do(number), "peak_mb": peak_memory()})


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return medians of rates and the highest peak; ``not_measured`` says why a figure is not there."""
    figures = {
        "sentences_per_s": [a["sentences"] / a["seconds"] for a in answers],
        "mb_per_s": [a["megabytes"] / a["seconds"] for a in answers],
        "bytes_in_per_sentence": [a["megabytes"] * 1e6 / a["sentences"] for a in answers],
    }
    if "megabytes_out" in answers[0]:
        figures["bytes_out_per_sentence"] = [a["megabytes_out"] * 1e6 / a["sentences"] for a in answers]
        figures["steady_sentences_per_s"] = [a["steady_sentences_per_s"] for a in answers]
    peaks = [of_all(max, [a["peak_mb"], a.get("helpers_peak_mb", 0.0)]) for a in answers]
    kept = {name: over(statistics.median, found) for name, found in figures.items()}
    kept["peak_mb"] = over(max, peaks)
    known = {name: figure for name, figure in kept.items() if not isinstance(figure, str)}
    unknown = {name: why for name, why in kept.items() if isinstance(why, str)}
    return {**known, "not_measured": unknown} if unknown else known


def over(way: Callable[[Sequence[float]], float], figures: Sequence[Figure]) -> Figure:
    """Return one figure for those of all rounds; the reason, where it was measured in none."""
    measured = [figure for figure in figures if not isinstance(figure, str)]
    return way(measured) if measured else figures[0]


def of_all(way: Callable[[Sequence[float]], float], figures: Sequence[Figure]) -> Figure:
    """Return one figure for several; the reason, where one of them is not known."""
    measured = [figure for figure in figures if not isinstance(figure, str)]
    unknown = [figure for figure in figures if isinstance(figure, str)]
    return unknown[0] if unknown else way(measured)
