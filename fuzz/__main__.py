"""The command: ``python -m fuzz TARGET [--runs N] [--seconds S] [--work FOLDER] [--seed N]``.

Ends with 0 where nothing was found, 1 where something was, 2 for a wrong call.
"""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

from fuzz import ROOT
from fuzz.campaign import Result, campaign
from fuzz.targets import TARGETS


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Fuzz a part of fupin by coverage.")
    parser.add_argument(
        "target", choices=[*TARGETS, "all"], help="what is fuzzed; 'all': one after the other"
    )
    parser.add_argument("--runs", type=int, default=1_000_000, help="executions of a target")
    parser.add_argument(
        "--seconds", type=float, default=1e9, help="for a target, should the runs take longer"
    )
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "fuzz", help="where inputs are kept")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations")
    return parser.parse_args()


def main() -> int:
    options = asked()
    if find_spec("atheris") is None:
        print("fuzzing needs atheris: pip install -e '.[fuzz]'", file=sys.stderr)
        return 2
    names = list(TARGETS) if options.target == "all" else [options.target]
    return max(one(name, options) for name in names)


def one(name: str, options: argparse.Namespace) -> int:
    """Fuzz one target, and tell what came of it."""
    result = Result(name)
    for result in campaign(TARGETS[name], options.runs, options.seconds, options.work, seed=options.seed):
        print(result.told(), file=sys.stderr, flush=True)
    for path, reason in result.findings:
        print(f"{path}\n{reason}\n")
    print(result.told())
    return int(bool(result.findings))


if __name__ == "__main__":
    sys.exit(main())
