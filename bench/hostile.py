"""How `fupin label` takes a thousand and more hostile and broken files: `python -m bench.hostile`.

Every kind of them is labelled as a folder, all together once more, a sample file by file, and those
that took longest by themselves. What is written goes to `docs/hostile.md`.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.gauges import machine
from bench.hostile_inputs import write_inputs

ROOT = Path(__file__).resolve().parents[1]
LOOK = 0.02  # seconds between two looks at the memory in use
WORST = 30
ENVIRONMENT = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
# Reads all files of a folder one after the other, and says how long after the one before each was done.
READING = """
import json, sys, time
from classifier.documents import documents
from classifier.errors import NothingReadError
begun, last, took = time.perf_counter(), "", {}
def done(place):
    global begun
    now = time.perf_counter()
    took[place], begun = took.get(place, 0) + now - begun, now
try:
    for d in documents([sys.argv[1]], on_error=lambda e: done(e.path), parsers=1):
        done(sys.argv[1] + "/" + d.id)
except NothingReadError:
    pass
print(json.dumps(took))
"""


@dataclass(frozen=True)
class Run:
    """What a run of the command did; memory in MB, of the largest process and of all together."""

    seconds: float
    code: int
    errors: list[str]
    largest: float
    together: float
    left: set[str]

    def told(self) -> list[tuple[str, str]]:
        """Return the lines on what was skipped or went wrong, each with the line behind it."""
        lines = [*self.errors, ""]
        at = [i for i, line in enumerate(lines) if line.startswith(("skipped: ", "error: "))]
        return [(lines[i], lines[i + 1].strip()) for i in at]


def run(out: Path, *inputs: Path, limit: float = 3600, **options: object) -> Run:
    """Label inputs as a user would; the memory of all its processes is looked at while it runs."""
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "classifier", "label", *map(str, inputs), "-o", str(out), "--jobs", "2"]
    begun, largest, together = time.perf_counter(), 0.0, 0.0
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(
            command,
            stdout=said,
            stderr=said,
            env=ENVIRONMENT,
            cwd=ROOT,
            **options,  # type: ignore[call-overload]
        )
        first = psutil.Process(running.pid)
        while running.poll() is None:
            sizes = list(_memory(first))
            largest = max([largest, *(resident for resident, _ in sizes)])
            together = max(together, sum(own for _, own in sizes))
            if time.perf_counter() - begun > limit:
                running.kill()
            time.sleep(LOOK)
        seconds = time.perf_counter() - begun
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    left = {path.name for path in out.parent.iterdir()}
    return Run(seconds, running.returncode, text.splitlines(), largest, together, left)


def _memory(first: psutil.Process) -> Iterator[tuple[float, float]]:
    """Yield the resident memory of a process and of all that it has started, in MB.

    Behind it the same with pages that several processes share divided among them (proportional set
    size), so that it may be added up; where the system does not tell it, the resident memory again.
    """
    try:
        for process in (first, *first.children(recursive=True)):
            found = process.memory_full_info()
            yield found.rss / 1e6, getattr(found, "pss", found.rss) / 1e6
    except psutil.NoSuchProcess:
        return


def problems(one: Run, out: Path, *, folder: bool) -> list[str]:
    """Return what should not have happened."""
    found = []
    allowed = {out.name, f"{out.name}.errors.csv"} if one.code in (0, 3) else {f"{out.name}.errors.csv"}
    if one.left - allowed:
        found.append(f"left behind: {sorted(one.left - allowed)}")
    nothing = any("more that cannot be read" in line for line, _ in one.told())
    if one.code not in ((0, 3) if folder and not nothing else (0, 1, 3)):
        found.append(f"exit code {one.code}")
    if any("Traceback" in line for line in one.errors):
        found.append("a traceback")
    if any(not re.fullmatch(r"hint: \S.{5,150}", hint) for _, hint in one.told()):
        found.append("a line without a hint")
    if one.code == 1 and len([line for line, _ in one.told() if line.startswith("error: ")]) != 1:
        found.append(f"{len(one.told())} lines of error")
    if one.code in (0, 3) and not _is_whole(out):
        found.append("a table with rows of different lengths")
    return found


def _is_whole(out: Path) -> bool:
    csv.field_size_limit(2**31 - 1)
    with out.open(encoding="utf-8-sig", newline="") as stream:
        return len({len(row) for row in csv.reader(stream)}) == 1


def slowest_files(folder: Path) -> dict[str, float]:
    """Return the seconds that reading each file of a folder took."""
    command = [sys.executable, "-c", READING, str(folder)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=ROOT, env=ENVIRONMENT)
    return dict(json.loads(done.stdout))


def measure(work: Path, each: int, sample: int, seed: int) -> dict[str, object]:
    """Make the inputs, label them in every way, and return what was measured."""
    inputs, rows, wrong, times = work / "in", [], list[str](), dict[str, float]()
    count = write_inputs(inputs, each, seed)
    for name in ("gigabyte.txt", "gigabyte.csv", "gigabyte.jsonl"):
        _link_gigabyte(work / "gigabyte", inputs / "composed" / name)
    count["composed"] += 3
    for kind, files in count.items():
        say(f"{kind}: {files} files")
        out = work / "out" / kind / "out.csv"
        one = run(out, inputs / kind)
        wrong += [f"{kind}: {what}" for what in problems(one, out, folder=True)]
        refused = refused_files(one, inputs / kind)
        took = slowest_files(inputs / kind)
        times |= took
        rows.append(
            [
                kind,
                files,
                refused,
                files - refused,
                max(took.values()),
                one.seconds,
                one.largest,
                one.together,
            ]
        )
    whole = run(work / "all" / "out.csv", inputs)
    wrong += [f"all: {what}" for what in problems(whole, work / "all" / "out.csv", folder=True)]
    singles = one_by_one(inputs, work, sample, seed)
    wrong += singles["wrong"]
    worst = sorted(times, key=lambda name: -times[name])
    fewest = _worst(worst, work / "worst")
    few = run(work / "few" / "out.csv", fewest)
    return {
        "rows": rows,
        "whole": whole,
        "worst": few,
        "singles": singles,
        "wrong": wrong,
        "seed": seed,
        "machine": machine(),
    }


def refused_files(one: Run, folder: Path) -> int:
    """Return how many files of a folder something is told of."""
    names = (line.partition(": ")[2].removeprefix(f"{folder}/") for line, _ in one.told())
    return len({re.match(r"[^/:]*", name)[0] for name in names})  # type: ignore[index]


def _link_gigabyte(once: Path, name: Path) -> None:
    """Give a file of a gigabyte without a line end one more name."""
    if not once.exists():
        with once.open("wb") as stream:
            stream.writelines([b"a" * 10**6] * 1000)
    os.link(once, name)


def _worst(names: Sequence[str], folder: Path) -> Path:
    folder.mkdir()
    for number, name in enumerate([name for name in names if Path(name).is_file()][:WORST]):
        # a link stays a link: it may lead to what cannot be read
        shutil.copyfile(name, folder / f"{number:02d}-{Path(name).name}", follow_symlinks=False)
    return folder


def one_by_one(inputs: Path, work: Path, sample: int, seed: int) -> dict[str, object]:
    """Label some files each by itself; return how they ended."""
    import numpy as np

    files = sorted(path for path in inputs.rglob("*.*") if path.is_file())
    chosen = np.random.default_rng(seed).choice(len(files), min(sample, len(files)), replace=False)
    codes, wrong, seconds, largest = dict[int, int](), list[str](), 0.0, 0.0
    for number in sorted(chosen):
        out = work / "single" / str(number) / "out.csv"
        one = run(out, files[number])
        codes[one.code] = codes.get(one.code, 0) + 1
        wrong += [f"{files[number].relative_to(inputs)}: {what}" for what in problems(one, out, folder=False)]
        seconds, largest = max(seconds, one.seconds), max(largest, one.together)
    return {"codes": codes, "wrong": wrong, "seconds": seconds, "together": largest, "files": len(chosen)}


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    from bench.hostile_page import page

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, default=ROOT / "docs" / "hostile.md")
    parser.add_argument("--each", type=int, default=6, help="files spoilt in each way, of each format")
    parser.add_argument("--sample", type=int, default=100, help="files labelled each by itself")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hostile-") as work:
        found = measure(Path(work), options.each, options.sample, options.seed)
    options.o.write_text(page(found), encoding="utf-8")
    for line in found["wrong"]:  # type: ignore[attr-defined]
        say(f"WRONG: {line}")
    sys.exit(1 if found["wrong"] else 0)


if __name__ == "__main__":
    main()
