"""What is read off the clock and off the system: seconds, peak memory, machine and versions.

A figure that cannot be had is a text, the reason; it is never NaN.
"""

from __future__ import annotations

import gc
import math
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

LIBRARIES = (
    *("numpy", "scipy", "scikit-learn", "numba", "pandas", "pyarrow", "joblib"),
    *("jieba", "fasttext", "fasttext-wheel", "pyahocorasick"),
)
PROC = Path("/proc")
SELDOM = 0.5  # seconds

Figure = float | str  # what was measured, or why it could not be


def timed(work: Callable[[], Any]) -> float:
    """Return the seconds that ``work`` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def keep_to(cores: int, first: int = 0) -> None:
    """Keep this process, and those that it starts, to so many cores, where the system lets one choose."""
    if hasattr(os, "sched_setaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[first : first + cores] or allowed)


def peak_memory(pid: int | str = "self") -> Figure:
    """Return the peak memory of a process in MB."""
    with suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1e3
    return "the system does not tell the peak memory of a process"


def forget_peak() -> None:
    """Begin the peak of this process anew, so that training is not part of it."""
    gc.collect()
    with suppress(OSError):
        (PROC / "self" / "clear_refs").write_text("5")


def descendants(pid: int | str = "self") -> Iterator[int]:
    """Yield the processes that a process started, and those that they started."""
    for listed in (PROC / str(pid) / "task").glob("*/children"):
        with suppress(OSError):  # the process has ended meanwhile
            for child in map(int, listed.read_text().split()):
                yield child
                yield from descendants(child)


class Peaks:
    """The peak memory of the processes that a process started, as far as one looked.

    A look takes milliseconds, in which nothing else is done; the system remembers peaks in between.
    """

    def __init__(self, pid: int | str = "self") -> None:
        self.pid = pid
        self.highest = 0.0  # MB
        self._looked = -math.inf

    def look(self, *, seldom: bool = False) -> None:
        """Note how high they are now; where it is to be seldom, once in a while only."""
        now = time.monotonic()
        if seldom and now - self._looked < SELDOM:
            return
        self._looked = now
        found = map(peak_memory, descendants(self.pid))
        self.highest = max([self.highest, *(mb for mb in found if isinstance(mb, float))])


def machine() -> dict[str, Any]:
    """Return what figures depend on."""
    found = {}
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return {
        "cpu": cpu(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "libraries": found,
    }


def cpu() -> str:
    with suppress(OSError, StopIteration):
        lines = (PROC / "cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()
