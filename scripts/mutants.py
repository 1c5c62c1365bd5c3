"""Change the code in small ways, one at a time, and show which changes no test notices.

`python scripts/mutants.py [PART ...] [--children N]` needs `pip install mutmut==3.8.1` (not on Windows).
It works on a copy in `build/mutants/PART`, which it keeps: what has been tried there is not tried
again, unless the tests or the code have changed since (then it starts anew). For each module it prints
how many mutants there were and what became of them; `survivors.diff` holds those that nothing noticed.
docs/mutation.md explains each.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "mutants"
MUTMUT = Path(sys.executable).parent / "mutmut"
COPIED = ("classifier", "tests", "labels", "models", "seeds", "docs", "bench", "fuzz", "scripts")
BESIDE = ("conftest.py", "constraints.txt", "pyproject.toml", "README.md", "README.zh-CN.md", "Makefile")
# `make test` checks types too. What mutmut adds to a file to switch mutants on is not ours to mend.
TYPES = ("--output=json", "--no-warn-unused-ignores", "--disable-error-code=no-redef")
# What mutmut notes for a mutant: how its tests ended
ENDS = {
    0: "survived",
    33: "no tests",
    37: "types",
    36: "timeout",
    24: "timeout",
    -24: "timeout",
    None: "not run",
}
LEFT = ("survived", "no tests", "timeout")
COLUMNS = ("killed", "types", "timeout", "survived", "no tests", "not run")


@dataclass(frozen=True)
class Part:
    """Modules, and the tests that exercise them; ``slow`` names those that are left out for their time."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    slow: str = ""


PARTS = {
    "segments": Part(
        ("segments",),
        ("segments", "marks", "cutting"),
        "wherever_a_pattern_is_found or dropped_by_the_first_rule or many_texts_at_once",
    ),
    "codebook": Part(("codebook", "codebook_checks"), ("codebook",)),
    "store": Part(
        ("store", "model_files", "array_files", "bounded_files"),
        ("store", "model_files", "array_files", "bounded_files"),
        "changed_bytes_behind_hashes",
    ),
    "batch": Part(
        ("batch", "journal", "encoded_rows"),
        ("batch", "journal", "output", "writers", "resume"),
        "killed_at_any_line or killed_twice_at_random or alike_whoever_does_the_work or control_c or "
        "process_that_dies or evidence_stands_behind or second_run or share_the_work or held_by_one_run",
    ),
}


def prepare(name: str, part: Part) -> Path:
    """Copy what the tests need, with the settings of mutmut, where it has changed; return the folder."""
    folder = WORK / name
    fresh = WORK / f"{name}.fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for place in COPIED:
        shutil.copytree(ROOT / place, fresh / place, ignore=shutil.ignore_patterns("__pycache__", "findings"))
    for place in BESIDE:
        shutil.copy2(ROOT / place, fresh / place)
    settings = {
        "source_paths": ["classifier"],
        "only_mutate": [f"classifier/{module}.py" for module in part.modules],
        "also_copy": [place for place in (*COPIED, *BESIDE) if place not in {"classifier", "tests"}],
        "pytest_add_cli_args": [
            "-p",
            "no:cacheprovider",
            *(("-k", f"not ({part.slow})") if part.slow else ()),
        ],
        "pytest_add_cli_args_test_selection": [f"tests/test_{test}.py" for test in part.tests],
        "type_check_command": [sys.executable, "-m", "mypy", *TYPES, f"--cache-dir={WORK / 'mypy'}"],
        "timeout_multiplier": 3.0,
        "timeout_constant": 5.0,
        "track_dependencies": False,
        "use_git_change_detection": False,
    }
    table = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    with (fresh / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n[tool.mutmut]\n{table}")
    if folder.exists() and _same(folder, fresh):
        shutil.rmtree(fresh)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        fresh.rename(folder)
    (folder / "mutants").mkdir(exist_ok=True)  # Python forgets a search path that does not exist at its start
    return folder


def _same(old: Path, new: Path) -> bool:
    """Return whether all code, tests and settings of two copies are the same."""
    files = [p.relative_to(new) for p in new.rglob("*") if p.suffix in {".py", ".toml", ".yaml"}]
    return all((old / p).is_file() and (old / p).read_bytes() == (new / p).read_bytes() for p in files)


def try_all(folder: Path, part: Part, children: int) -> None:
    """Try each mutant on the tests that mutmut chose for it, and each that is left on all tests of the part.

    What a fixture of the whole session calls counts as called by the first test alone.
    """
    run(folder, children)
    left = [mutant for mutant, end in ends(folder, part).items() if end in LEFT]
    if not left:
        return
    file = folder / "mutants" / "mutmut-stats.json"
    stats = json.loads(file.read_text(encoding="utf-8"))
    functions = {mutant.rpartition("__mutmut_")[0] for mutant in ends(folder, part)}
    stats["tests_by_mangled_function_name"] = dict.fromkeys(functions, sorted(stats["duration_by_test"]))
    file.write_text(json.dumps(stats), encoding="utf-8")
    run(folder, children, *left)


def run(folder: Path, children: int, *mutants: str) -> None:
    """Run mutmut in a folder on these mutants, by default on all that have not been tried."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "mutants"),
        "NUMBA_CACHE_DIR": str(folder / "compiled"),
        "NUMBA_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [str(MUTMUT), "run", "--max-children", str(children), *mutants]
    with (folder / "run.log").open("a", encoding="utf-8") as log:
        done = subprocess.run(command, cwd=folder, env=environment, stdout=log, stderr=log, check=False)
    if done.returncode:
        sys.exit(f"mutmut ended with {done.returncode}: see {folder / 'run.log'}")


def ends(folder: Path, part: Part) -> dict[str, str]:
    """Return what became of each mutant of a part."""
    found: dict[str, str] = {}
    for module in part.modules:
        file = folder / "mutants" / "classifier" / f"{module}.py.meta"
        noted = json.loads(file.read_text(encoding="utf-8"))["exit_code_by_key"]
        found |= {mutant: ENDS.get(code, "killed") for mutant, code in noted.items()}
    return found


def tell(folder: Path, part: Part) -> None:
    """Print what became of the mutants, and write down those that nothing noticed."""
    found = ends(folder, part)
    for module in part.modules:
        own = Counter(end for mutant, end in found.items() if mutant.split(".")[1] == module)
        print(f"{module:16}{own.total():8}" + "".join(f"{own[column]:10}" for column in COLUMNS), flush=True)
    shown = [_shown(folder, mutant) for mutant, end in found.items() if end in LEFT]
    (folder / "survivors.diff").write_text("\n".join(shown), encoding="utf-8")


def _shown(folder: Path, mutant: str) -> str:
    found = subprocess.run(
        [MUTMUT, "show", mutant], cwd=folder, capture_output=True, text=True, check=True, encoding="utf-8"
    ).stdout
    return "\n".join(line for line in found.splitlines() if re.match(r"# |[-+](?![-+])", line)) + "\n"


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; default: all")
    parser.add_argument("--children", type=int, default=2, help="processes at a time (default: 2)")
    asked = parser.parse_args()
    unknown = [name for name in asked.parts if name not in PARTS]
    if unknown:
        parser.error(f"no part '{unknown[0]}'; parts: {', '.join(PARTS)}")
    if not MUTMUT.exists():
        sys.exit(f"{MUTMUT} is missing: {sys.executable} -m pip install mutmut==3.8.1")
    print(f"{'module':16}{'mutants':>8}" + "".join(f"{column:>10}" for column in COLUMNS))
    for name in asked.parts or PARTS:
        folder = prepare(name, PARTS[name])
        try_all(folder, PARTS[name], asked.children)
        tell(folder, PARTS[name])


if __name__ == "__main__":
    main()
