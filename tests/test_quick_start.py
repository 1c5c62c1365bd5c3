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


def test_linear_algebra_can_be_had_afterwards():
    assert last_line(f"{QUICKLY}\nimport scipy.linalg\nprint(scipy.linalg.norm([3, 4]))") == "5.0"


def test_where_it_is_there_already_numba_keeps_it():
    script = f"import scipy.linalg\n{QUICKLY}\nfrom numba.np import arraymath\nprint(arraymath._HAVE_BLAS)"
    assert last_line(script) == "True"


def test_a_library_that_is_imported_leaves_numba_as_it_is():
    script = "import classifier; classifier.load_model\nfrom numba.np.arraymath import _HAVE_BLAS as have"
    assert last_line(f"{script}\nprint(have)") == "True"
