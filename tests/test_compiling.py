"""Compiled code may be interrupted at any time."""

import os
import subprocess
import sys

import pytest

from conftest import ROOT

# A signal is sent while a function runs that takes some tenths of a second, and gives arrays back.
INTERRUPTED = """
import os, signal, threading
from classifier import load_model
from classifier.cutting import pieces
from classifier.excerpts import Excerpts

signal.signal(signal.SIGINT, signal.default_int_handler)
model, text = load_model(), Excerpts.of(["村里修好了三条水泥路。" * 1_000_000])
calls = {
    "cutting": lambda text: pieces(text.codes, text.starts, text.ends),
    "scoring": model.predict,
}
for name, call in calls.items():
    call(Excerpts.of(["村里修好了三条水泥路。"]))  # compiles
    for delay in (0.005, 0.01, 0.02):
        try:
            threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
            call(text)
            threading.Event().wait(10)
        except KeyboardInterrupt:
            print(name, "interrupted")
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as POSIX has them")
@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="nothing is compiled")
def test_an_interrupt_in_compiled_code_is_raised_where_it_was_called():
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split("\n")[:-1] == ["cutting interrupted"] * 3 + ["scoring interrupted"] * 3
