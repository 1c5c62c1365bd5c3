"""A process of the command begins without what it does not need, and lacks nothing for it later."""

from __future__ import annotations

import subprocess
import sys

import pytest

QUICKLY = "from classifier.quick_start import begin_quickly; begin_quickly()"
LABEL = """
import sys
sys.argv[1:] = ['label', {article!r}, '-o', {out!r}{more}]
from classifier.cli import main
try: main()
except SystemExit as end: assert not end.code
"""
LOADED = "import sys; print([m for m in ('pydantic', 'scipy.linalg', 'sklearn') if m in sys.modules])"


def last_line(script):
    command = [sys.executable, "-W", "ignore", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return ran.stdout.splitlines()[-1]


@pytest.mark.parametrize(("more", "loaded"), [("", "[]"), (", '--explain'", "['scipy.linalg', 'sklearn']")])
def test_an_article_is_labelled_without_linear_algebra_unless_it_is_asked_for(tmp_path, more, loaded):
    article, out = tmp_path / "甲.txt", tmp_path / "out.csv"
    article.write_text("村里建了卫生室，签约医生每周坐诊。", encoding="utf-8")
    script = LABEL.format(article=str(article), out=str(out), more=more)
    assert (
        last_line(f"{script}try: main()\nexcept SystemExit as end: assert not end.code\n{LOADED}") == loaded
    )
    assert ",health," in out.read_text(encoding="utf-8-sig")


def test_what_there_is_is_not_looked_at_once_more_at_the_end():
    script = "import atexit, gc\natexit.register(lambda: print(gc.get_freeze_count() > 1000))"
    assert last_line(f"{script}\n{QUICKLY}") == "True"


def test_linear_algebra_can_be_had_afterwards():
    assert last_line(f"{QUICKLY}\nimport scipy.linalg\nprint(scipy.linalg.norm([3, 4]))") == "5.0"


COMPILES = """
import numba, numpy as np

@numba.njit
def share(given):
    return sum([part for part in given if part < np.median(given)]) / np.sum(given)

print(share(np.array([5, 3, 2])))
"""


@pytest.mark.parametrize("begun", [QUICKLY, ""], ids=["quickly", "as ever"])
def test_what_is_in_no_cache_is_compiled_as_ever(begun):
    assert last_line(begun + COMPILES) == "0.2"


def test_what_is_loaded_asks_for_no_tables_of_what_could_be_compiled(tmp_path):
    article = tmp_path / "甲.txt"
    article.write_text("村里建了卫生室，签约医生每周坐诊。", encoding="utf-8")
    script = LABEL.format(article=str(article), out=str(tmp_path / "out.csv"), more="")
    last_line(f"{script}print()")  # which may compile
    assert last_line(f"{script}print('numba.typed.typeddict' in sys.modules)") == "False"


def test_where_it_is_there_already_numba_keeps_it():
    script = f"import scipy.linalg\n{QUICKLY}\nfrom numba.np import arraymath\nprint(arraymath._HAVE_BLAS)"
    assert last_line(script) == "True"


def test_a_library_that_is_imported_leaves_numba_as_it_is():
    script = "import classifier; classifier.load_model\nfrom numba.np.arraymath import _HAVE_BLAS as have"
    assert last_line(f"{script}\nprint(have)") == "True"
