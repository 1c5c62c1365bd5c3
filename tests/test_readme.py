"""The READMEs as evidence: what they show is run, and what they name exists."""

import doctest
import os
import re
import runpy
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh-CN.md")
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.S | re.M)


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def commands_of(name):
    """Each `$ command` of the console blocks with the output shown below it."""
    for block in CONSOLE.findall(text_of(name)):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


@pytest.mark.parametrize("name", READMES)
def test_the_commands_print_what_is_shown(name, tmp_path):
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    ran = 0
    for command, output in commands_of(name):
        words = command.split()
        assert words[0] == "fupin"
        done = subprocess.run(
            [sys.executable, "-m", "classifier", *words[1:]],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert (done.returncode, done.stdout + done.stderr) == (0, output), command
        ran += 1
    assert ran >= 4


@pytest.mark.parametrize("name", READMES)
def test_the_python_examples_hold(name):
    failures, tried = doctest.testfile(str(ROOT / name), module_relative=False, encoding="utf-8")
    assert (failures, tried > 0) == (0, True)


def test_both_languages_show_the_same_commands():
    english, chinese = (list(commands_of(name)) for name in READMES)
    assert english == chinese
    in_english, in_chinese = (
        re.findall(r"^((?:fupin|make) .*?)\s*(?:#.*)?$", text_of(n), re.M) for n in READMES
    )
    assert in_english == in_chinese


@pytest.mark.parametrize("name", READMES)
def test_links_lead_somewhere(name):
    targets = re.findall(r"\]\(([^)#:]+)\)", text_of(name))
    assert targets
    assert [t for t in targets if not (ROOT / t).exists()] == []


@cache
def help_of(*words):
    """What a command says of itself; it must be there."""
    done = subprocess.run(
        [sys.executable, "-m", "classifier", *words, "--help"],
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
        check=False,
    )
    assert done.returncode == 0, words
    return done.stdout


@pytest.mark.parametrize("name", READMES)
def test_every_command_and_option_named_exists(name):
    for command, rest in re.findall(r"(?:^|`)fupin ([a-z]+)([^`\n]*)", text_of(name), re.M):
        words = (command, *re.findall(r"^ ([a-z]+)", rest)) if "COMMAND" in help_of(command) else (command,)
        for option in re.findall(r"(?<!\S)--[a-z-]+", rest):
            assert option in help_of(*words), f"{words} {option}"


@pytest.mark.parametrize("name", READMES)
def test_nothing_says_to_install_from_an_index_by_name(name):
    assert not re.search(r"pip install (?:-\S+ )*fupin", text_of(name))


@pytest.mark.parametrize("name", READMES)
def test_the_figures_are_those_of_the_default_models_evaluation(name):
    script = runpy.run_path(str(ROOT / "scripts" / "refresh_readme.py"))
    assert script["figures"](name) in text_of(name)
