"""Say how many branches of the package its tests take; exit 1 where they are too few.

python scripts/branches.py BRANCHES.json

It reads what `coverage json` wrote. `make branches` runs it; coverage.py's own figure counts lines too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

LEAST, LEAST_OF_A_MODULE = 95, 85  # per cent
SHOWN = 20


def taken(summary: dict[str, Any]) -> float:
    """Return the share of branches that are taken, in per cent; all where there are none."""
    return 100 * summary["covered_branches"] / summary["num_branches"] if summary["num_branches"] else 100.0


def main() -> None:
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    modules = {name: file["summary"] for name, file in found["files"].items()}
    worst = sorted(modules, key=lambda name: (taken(modules[name]), name))
    print("branches  not taken  taken  module")
    for name in worst[:SHOWN]:
        s = modules[name]
        print(f"{s['num_branches']:8,}  {s['missing_branches']:9,}  {taken(s):4.0f}%  {name}")
    total, few = found["totals"], [n for n in worst if taken(modules[n]) < LEAST_OF_A_MODULE]
    print(f"{total['num_branches']:8,}  {total['missing_branches']:9,}  {taken(total):4.1f}%  in all")
    if few:
        print(f"under {LEAST_OF_A_MODULE} %: {', '.join(few)}", file=sys.stderr)
    if taken(total) < LEAST or few:
        print(f"hint: {LEAST} % in all and {LEAST_OF_A_MODULE} % a module are the least", file=sys.stderr)
        raise SystemExit(1)


if __name__ == "__main__":
    main()
