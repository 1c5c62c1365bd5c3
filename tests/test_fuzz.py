"""The fuzz targets on their seeds, on what they once found, and, where atheris is there, for real."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

import fuzz
from fuzz.campaign import Result, write_seeds
from fuzz.choices import Choices
from fuzz.targets import TARGETS

CASES = [
    pytest.param(name, data, id=f"{name}: {label}")
    for name, target in TARGETS.items()
    for label, data in (
        *((f"seed {n}", seed) for n, seed in enumerate(target.module.seeds())),
        *((path.name, path.read_bytes()) for path in sorted((fuzz.FINDINGS / name).glob("*"))),
    )
]


@pytest.mark.parametrize(("name", "data"), CASES)
def test_a_target_raises_nothing_on_a_seed_or_on_what_was_once_found(name, data):
    assert TARGETS[name].module.run(data) in (True, False)


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_accepts_some_seeds_and_refuses_others(name):
    """Else it would test only one side: what is refused, or what is accepted."""
    module = TARGETS[name].module
    assert {bool(module.run(seed)) for seed in (*module.seeds(), b"", b"\xff\xff")} == {True, False}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_has_no_opinion_on_nothing_and_noise(name):
    for data in (b"", b"\0", bytes(range(256)), b"\xff" * 300):
        assert TARGETS[name].module.run(data) in (True, False)


def test_every_module_whose_coverage_guides_is_one_and_is_not_compiled():
    sources = {
        path.stem: path.read_text(encoding="utf-8") for path in (fuzz.ROOT / "classifier").glob("*.py")
    }
    for target in TARGETS.values():
        for name in target.covered:
            assert "import njit" not in sources[name]


def test_every_finding_belongs_to_a_target():
    assert {path.name for path in fuzz.FINDINGS.iterdir()} <= set(TARGETS)


def test_choices_end_with_the_first_ones():
    choices = Choices(bytes([5, 1, 2, 200]))
    assert choices.of("ab") == "b"
    assert choices.below(1000) == 258
    assert choices.taken(9) == bytes([200])
    assert not choices
    assert [choices.below(7), choices.of("ab"), choices.rest()] == [0, "a", b""]


def test_seeds_and_tokens_are_written_as_libfuzzer_reads_them(tmp_path):
    (tmp_path / "inputs").mkdir()
    write_seeds(TARGETS["lexicons"], tmp_path / "inputs")
    module = TARGETS["lexicons"].module
    assert [path.read_bytes() for path in sorted((tmp_path / "inputs").iterdir())] == module.seeds()
    lines = (tmp_path / "tokens").read_text("ascii").splitlines()
    assert len(lines) == len(module.TOKENS)
    assert lines[0] == '"' + "".join(f"\\x{byte:02x}" for byte in module.TOKENS[0].encode()) + '"'


def test_a_result_is_told_in_a_line():
    result = Result(
        "lexicons", executions=3000, accepted=12, seconds=2.0, covered_before=40, covered=52, inputs=9
    )
    assert result.told() == (
        "lexicons: 3,000 executions (12 accepted) in 2 s, 1,500 a second; 52 edges covered (12 new), "
        "9 inputs kept; 0 findings"
    )


def command(*arguments):
    call = [sys.executable, "-m", "fuzz", *arguments]
    found = subprocess.run(call, cwd=fuzz.ROOT, capture_output=True, text=True, check=False)
    return found.returncode, found.stdout + found.stderr


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed: pip install -e '.[fuzz]'")
def test_the_command_fuzzes_and_counts(tmp_path):
    code, told = command("codebooks", "--runs", "300", "--work", str(tmp_path))
    assert code == 0, told
    assert "codebooks: 300 executions" in told
    assert told.rstrip().endswith("0 findings")


def test_a_target_that_there_is_not_is_a_wrong_call():
    code, told = command("models-of-mars")
    assert code == 2
    assert "models-of-mars" in told
