"""Where compiled code and notes are kept while tests run: compiled code anew for every state of the sources.

Numba looks only at the file of a function for changes, not at the files of those it calls. With
NUMBA_DISABLE_JIT=1 nothing is compiled, so that it can be seen which branches are taken.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent
STATE = hashlib.sha256(b"".join(p.read_bytes() for p in sorted((ROOT / "classifier").glob("*.py"))))
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "build" / f"compiled-{STATE.hexdigest()[:12]}"))
os.environ["XDG_STATE_HOME"] = str(ROOT / "build" / "state")

if os.environ.get("NUMBA_DISABLE_JIT") == "1":
    from classifier import processor

    def add_times(*given: Any) -> None:
        """Do in Python what `processor.add_times` does."""
        out, i, at, rows, row, times = given
        out[i, at : at + processor.BLOCK] += rows[row, at : at + processor.BLOCK] * times

    processor.prefetch = lambda array, row: None  # an order to the processor: Python has none
    processor.add_times = add_times


def pytest_configure(config: pytest.Config) -> None:
    """Let numbers wrap around in plain Python as they do in compiled code."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        config.addinivalue_line("filterwarnings", "ignore:overflow encountered in scalar:RuntimeWarning")
