"""One process that fuzzes, by coverage: `campaign` starts it, and reads what libFuzzer writes.

``python -m fuzz.guided TARGET COUNTS [options and folders for libFuzzer]``. COUNTS is a file of two
numbers, which this process keeps up to date: how often the target was run, and how often what it was
given was accepted.
"""

from __future__ import annotations

import logging
import mmap
import sys
from pathlib import Path

import atheris

from fuzz import ROOT
from fuzz.counts import COUNTS
from fuzz.targets import TARGETS, Target


def _left_out(target: Target) -> list[str]:
    """Return the modules of the package that are not to guide; numba could not compile changed code."""
    names = (path.stem for path in (ROOT / "classifier").glob("*.py"))
    return [f"classifier.{name}" for name in names if name not in target.covered]


def main() -> None:
    target, counts = TARGETS[sys.argv[1]], Path(sys.argv[2])
    logging.lastResort = None  # what parsers have to say goes to nobody, as in the process where they run
    with atheris.instrument_imports(include=["classifier"], exclude=_left_out(target)):
        module = target.module
    for function in getattr(module, "INSTRUMENTED", ()):
        atheris.instrument_func(function)
    for seed in module.seeds():
        module.run(seed)  # numba compiles now, and not on the clock of an execution
    with counts.open("r+b") as file, mmap.mmap(file.fileno(), COUNTS.size) as shared:

        def counted(data: bytes) -> None:
            executions, accepted = COUNTS.unpack_from(shared)
            COUNTS.pack_into(shared, 0, executions + 1, accepted)
            if module.run(data):
                COUNTS.pack_into(shared, 0, executions + 1, accepted + 1)

        atheris.Setup([sys.argv[0], *sys.argv[3:]], counted)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
