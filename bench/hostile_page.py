"""What `bench.hostile` has measured, as `docs/hostile.md`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEAD = """# Hostile and broken files

Made by `python -m bench.hostile` (seed {seed}): files composed to break readers
(`tests/hostile_files.py`: bombs, loops, lies, entities, links, pipes, a line of a gigabyte), and good
files of every format spoilt in {ways} ways. Each kind was labelled as one folder with `fupin label FOLDER
-o out.csv --jobs 2`, then all of them in one run, a random sample each by itself, and the {worst} that
took longest together.

**{total:,} files: {crashes}.** Each file that was refused is told in one line with one hint, and every
exit code was 0, 1 or 3.

| kind | files | refused | read | slowest file, s | folder, s | largest process, MB | all processes, MB |
|---|--:|--:|--:|--:|--:|--:|--:|
"""
TAIL = """
Read means: something in it was read, and nothing told; a bit flipped in a text leaves a text. The slowest
file is by the time between the end of the reading of the file before and its own; a limit of 10 s holds
for each answer of a parser, so that a workbook or an archive may take longer. The memory of
the largest process is what is resident of it; of all processes together, memory that several share counts
once (proportional set size). Both were looked at every 20 ms.

- All {total:,} in one run: {seconds:.0f} s, exit code {code}, largest process {largest:.0f} MB, all
  together {together:.0f} MB.
- {files} of them each by itself: exit codes {codes}; the longest run took {longest:.0f} s, all
  processes of a run at most {alone:.0f} MB.
- The {worst} that took longest, as one folder: {few:.0f} s (the limit that was set is 60 s).
- Left on the disk: the outputs, their lists of errors, and nothing half-written.

Measured on {machine}, while other work went on on it.
"""


def page(found: Mapping[str, Any]) -> str:
    """Return the page."""
    rows, whole, singles = found["rows"], found["whole"], found["singles"]
    total = sum(row[1] for row in rows)
    crashes = (
        "0 crashes, 0 hangs, 0 half-written outputs" if not found["wrong"] else f"{len(found['wrong'])} WRONG"
    )
    about = found["machine"]
    text = HEAD.format(seed=found["seed"], ways=len(rows) - 1, worst=30, total=total, crashes=crashes)
    for kind, files, refused, read, slowest, seconds, largest, together in rows:
        text += (
            f"| {kind} | {files} | {refused} | {read} | {slowest:.1f} | {seconds:.0f} "
            f"| {largest:.0f} | {together:.0f} |\n"
        )
    text += TAIL.format(
        total=total,
        seconds=whole.seconds,
        code=whole.code,
        largest=whole.largest,
        together=whole.together,
        files=singles["files"],
        codes=", ".join(f"{code} ({count} times)" for code, count in sorted(singles["codes"].items())),
        longest=singles["seconds"],
        alone=singles["together"],
        worst=30,
        few=found["worst"].seconds,
        machine=", ".join(str(about[key]) for key in about if key in ("cpu", "cores", "system")),
    )
    return text + "".join(f"- WRONG: {line}\n" for line in found["wrong"])
