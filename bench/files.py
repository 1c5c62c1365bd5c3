"""Ways from file to file: `fupin label` with one process and with more, and between what bounds."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from bench.gauges import Figure, Peaks, keep_to, timed
from bench.processes import Answer, Task, of_all, process_for
from classifier.batch import CHUNK, Made, label_documents
from classifier.crew import Crew, Processes
from classifier.documents import documents, parcels
from classifier.excerpts import Excerpts
from classifier.quick_start import collect_seldom
from classifier.segments import cut_all
from classifier.store import load_predictor

JOBS = (1, 2, 4)
ARTICLES = "articles.jsonl"
AT_ONCE = f"{JOBS[-1]} such runs at once, a core each"
TOGETHER = ("sentences", "megabytes", "megabytes_out", "steady_sentences_per_s")  # of which runs have a sum
ENOUGH = 3  # chunks for each process, once all are up, or their rate is not told


def floor_rounds(folder: Path, n: int) -> Callable[[int], Answer]:
    """Read and cut, and nothing else: no way of labelling can be faster."""
    collect_seldom()  # as the command does
    source = folder / ARTICLES

    def read_and_cut() -> int:
        sentences, stream = 0, documents([source])
        while texts := [d.text for d in islice(stream, CHUNK)]:
            sentences += len(cut_all(Excerpts.of(texts)).kept().text)
        return sentences

    sentences, megabytes = read_and_cut(), source.stat().st_size / 1e6
    return lambda number: {"seconds": timed(read_and_cut), "sentences": sentences, "megabytes": megabytes}


def file_rounds(jobs: int, folder: Path, n: int) -> Callable[[int], Answer]:
    """Label the articles into a Parquet file, as `fupin label --jobs` does, on as many cores as processes."""
    keep_to(jobs)
    collect_seldom()  # as the command does
    model, source = load_predictor(), folder / ARTICLES

    def do(number: int, articles: int | None = None) -> Answer:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            out, crew, begun = Path(place) / "out.parquet", Watched(jobs), time.perf_counter()
            found = parcels([source]) if articles is None else islice(documents([source]), articles)
            tally = label_documents(found, model, out, crew=crew)
            seconds = time.perf_counter() - begun
            wrote = out.stat().st_size / 1e6
        return {
            "seconds": seconds,
            "sentences": tally.segments,
            "megabytes": source.stat().st_size / 1e6,
            "megabytes_out": wrote,
            "steady_sentences_per_s": crew.steady(),
            "helpers_peak_mb": crew.peaks.highest,
        }

    do(0, articles=2 * CHUNK)  # compiles, and loads the libraries that write
    return do


def one_of_many(core: int, folder: Path, n: int) -> Callable[[int], Answer]:
    """Label the articles on a core of its own."""
    keep_to(1, first=core)
    return file_rounds(1, folder, n)


def rounds_at_once(runs: int, folder: Path, n: int) -> Callable[[int], Answer]:
    """Label the articles so many times at once, a core each: no run of that many processes can be faster.

    They share nothing but the machine.
    """

    def do(number: int) -> Answer:
        with ExitStack() as stack:
            tasks = [partial(one_of_many, core) for core in range(runs)]
            pipes = [stack.enter_context(process_for(AT_ONCE, task, folder, n)) for task in tasks]
            begun = time.perf_counter()
            for pipe in pipes:
                pipe.send(number)
            answers = [pipe.recv() for pipe in pipes]
            seconds = time.perf_counter() - begun
        together = {name: of_all(sum, [answer[name] for answer in answers]) for name in TOGETHER}
        peak = of_all(max, [answer["peak_mb"] for answer in answers])
        return {"seconds": seconds, **together, "helpers_peak_mb": peak}

    return do


class Watched(Crew):
    """The crew of `fupin label`, of which is noted when each chunk was written, and who had labelled it."""

    def __init__(self, jobs: int) -> None:
        self.jobs, self.peaks = jobs, Peaks()
        self.done: list[tuple[float, int, int]] = []  # seconds, process, sentences

    def run(self, task: Callable[..., Any], model: Any, chunks: Iterable[Any]) -> Iterator[Any]:
        """Yield ``task(model, chunk)`` for each chunk, in order."""
        for found in Processes(self.jobs).run(partial(signed, task), model, chunks):
            self.peaks.look(seldom=True)
            yield found.made  # and go on when it is written
            self.done.append((time.perf_counter(), found.process, found.made.tally.segments))

    def steady(self) -> Figure:
        """Return the sentences a second from when all processes are up until all is labelled."""
        others = (i for i, (_, process, _) in enumerate(self.done) if process != os.getpid())
        # the first process labels until all others are up, and none after that
        first = next(others, len(self.done)) if self.jobs > 1 else 1
        later = self.done[first:]
        if len(later) < ENOUGH * self.jobs:
            told = f"{len(later)} of {len(self.done)} chunks came after all processes were up"
            return f"the run is too short: {told}, {ENOUGH * self.jobs} are needed"
        return sum(sentences for _, _, sentences in later) / (later[-1][0] - self.done[first - 1][0])


@dataclass(frozen=True)
class Signed:
    """What a chunk became, and which process did it."""

    made: Made
    process: int

    def apart(self) -> tuple[Signed, bytes]:
        """Return it without its rows, and them."""
        made, rows = self.made.apart()
        return replace(self, made=made), rows

    def whole(self, bulk: bytes) -> Signed:
        """Return it with the rows that were taken from it."""
        return replace(self, made=self.made.whole(bulk))


def signed(task: Callable[..., Made], model: Any, chunk: Any) -> Signed:
    """Do a task, and sign it."""
    return Signed(task(model, chunk), os.getpid())


FILES: Mapping[str, Task] = {
    "read and cut only (the floor)": floor_rounds,
    **{f"fupin: file to Parquet, {jobs} core{'s' * (jobs > 1)}": partial(file_rounds, jobs) for jobs in JOBS},
    AT_ONCE: partial(rounds_at_once, JOBS[-1]),
}
FLOOR, ALONE, *MORE = FILES
