"""Fuzzing a target for so many executions: processes started one after the other, what they do counted."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fuzz import ROOT
from fuzz.counts import COUNTS
from fuzz.targets import Target

EACH = 250_000  # executions of one process: libraries keep things
FINDINGS = 5  # after which a campaign ends
TIMEOUT = 30  # seconds of one execution
MEMORY = 3000  # megabytes of the process
_COVERED = re.compile(rb"\bcov: (\d+)")
_ERROR = re.compile(r"^(?: === Uncaught Python exception: ===|==\d+== ?ERROR: libFuzzer: .*)$", re.M)


@dataclass
class Result:
    """What a campaign did; ``covered`` counts edges of the package's own code."""

    target: str
    executions: int = 0
    accepted: int = 0
    seconds: float = 0.0
    covered_before: int = 0
    covered: int = 0
    inputs: int = 0
    findings: list[tuple[Path, str]] = field(default_factory=list)

    def told(self) -> str:
        """Return the result in a line."""
        rate = self.executions / max(self.seconds, 1e-9)
        return (
            f"{self.target}: {self.executions:,} executions ({self.accepted:,} accepted) in "
            f"{self.seconds:,.0f} s, {rate:,.0f} a second; {self.covered:,} edges covered "
            f"({self.covered - self.covered_before:,} new), {self.inputs:,} inputs kept; "
            f"{len(self.findings)} findings"
        )


def campaign(target: Target, runs: int, seconds: float, folder: Path, *, seed: int) -> Iterator[Result]:
    """Run a target so often, or so long, whichever ends first; yield the result so far, again and again.

    Parameters
    ----------
    folder : Path
        Where inputs that reached something new are kept, and gone on from the next time.
    seed : int
        Of the mutations; each process takes the next one.
    """
    inputs, found = folder / target.name / "inputs", folder / target.name / "findings"
    for place in (inputs, found):
        place.mkdir(parents=True, exist_ok=True)
    write_seeds(target, inputs)
    result, begun = Result(target.name), time.monotonic()
    while result.executions < runs and len(result.findings) < FINDINGS:
        left = seconds - (time.monotonic() - begun)
        if left < 1:
            break
        seed += 1
        before = set(found.iterdir())
        counts, log = (folder / f"{target.name}-{os.getpid()}.{kind}" for kind in ("counts", "log"))
        counts.write_bytes(bytes(COUNTS.size))
        code = _one_process(
            target, min(EACH, runs - result.executions), left, seed, (inputs, found, counts, log)
        )
        executions, accepted = COUNTS.unpack(counts.read_bytes())
        result.executions += executions
        result.accepted += accepted
        covered = [int(number) for number in _COVERED.findall(log.read_bytes())]
        result.covered_before = result.covered_before or (covered[0] if covered else 0)
        result.covered = max([result.covered, *covered])
        result.inputs = len(list(inputs.iterdir()))
        result.seconds = time.monotonic() - begun
        told = log.read_text(encoding="utf-8", errors="replace")
        new = (path for path in sorted(set(found.iterdir()) - before) if not path.name.startswith("slow"))
        result.findings += [(path, _reason(told)) for path in new]
        if code and not executions:
            raise RuntimeError(f"the process could not begin:\n{told[-3000:]}")
        yield result


def write_seeds(target: Target, folder: Path) -> None:
    """Write what a target starts from, and its tokens beside them."""
    for number, seed in enumerate(target.module.seeds()):
        (folder / f"seed-{number:03}").write_bytes(seed)
    tokens = getattr(target.module, "TOKENS", ())
    lines = ['"' + "".join(f"\\x{byte:02x}" for byte in token.encode()) + '"\n' for token in tokens]
    (folder.parent / "tokens").write_text("".join(lines), encoding="ascii")


def _one_process(
    target: Target, runs: int, seconds: float, seed: int, places: tuple[Path, Path, Path, Path]
) -> int:
    inputs, found, counts, log = places
    options: dict[str, object] = {
        "runs": runs,
        "max_total_time": max(1, int(seconds)),
        "max_len": target.longest,
        "seed": seed,
        "timeout": TIMEOUT,
        "rss_limit_mb": MEMORY,
        "artifact_prefix": f"{found}/",
        "reload": 0,
        "print_final_stats": 1,
    }
    command = [sys.executable, "-m", "fuzz.guided", target.name, str(counts)]
    if getattr(target.module, "TOKENS", ()):
        options["dict"] = inputs.with_name("tokens")
    command += [f"-{name}={value}" for name, value in options.items()] + [str(inputs)]
    with log.open("wb") as stream:
        return subprocess.run(command, cwd=ROOT, stdout=stream, stderr=stream, check=False).returncode


def _reason(log: str) -> str:
    """Return the last lines of what a process said of the input that it ended at."""
    begun = _ERROR.search(log)
    lines = log[begun.start() if begun else -2000 :].splitlines()
    ends = [i for i, line in enumerate(lines) if i and line.startswith(("==", "MS: "))]
    return "\n".join(lines[1 : ends[0] if ends else None])[-3000:]
