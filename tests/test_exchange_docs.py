"""docs/exchange.md as evidence: what it shows is run, and what it names exists."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^( *)```(console|sh)\n(.*?)^ *```", re.S | re.M)


def blocks(kind):
    return [textwrap.dedent(body) for _, found, body in BLOCK.findall(PAGE) if found == kind]


def test_the_commands_print_what_is_shown(tmp_path, fupin_here, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    shutil.copy(ROOT / "docs" / "examples_gold.jsonl", tmp_path / "docs")
    shown = [part for block in blocks("console") for part in re.split(r"^\$ ", block, flags=re.M)[1:]]
    assert len(shown) >= 6
    for part in shown:
        command, _, output = part.partition("\n")
        words = command.split()
        assert words[0] == "fupin"
        ran = fupin_here(*words[1:])
        assert (ran.code, ran.text + ran.err) == (0, output), command


@pytest.fixture
def helps(fupin_here, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    found = {}
    for command in ("export", "import"):
        listed = re.findall(
            r"^  ([a-z]+) ", fupin_here(command, "--help").text.partition("Commands:")[2], re.M
        )
        found |= {f"{command} {name}": fupin_here(command, name, "--help").text for name in listed}
    for command in ("agree", "report", "train"):
        found[command] = fupin_here(command, "--help").text
    return found


def test_every_option_that_is_named_exists(helps):
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) >= 8
    for line in lines:
        words = line.split()
        name = " ".join(words[1:3]) if words[1] in ("export", "import") else words[1]
        for option in (word for word in words if re.match(r"--?[a-z]", word)):
            assert option in helps[name], line
    every = "".join(helps.values())
    assert [o for o in re.findall(r"`(--[a-z-]+)", PAGE) if o not in every] == []


def test_every_tool_has_its_place_on_the_page(helps):
    assert {name for name in helps if " " in name} == {
        *(f"export {tool}" for tool in ("labelstudio", "doccano", "cap", "review")),
        *(f"import {tool}" for tool in ("labelstudio", "doccano", "cap", "checked", "review")),
    }
    assert [name for name in helps if " " in name and f"fupin {name}" not in PAGE] == []
