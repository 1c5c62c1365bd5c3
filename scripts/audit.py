"""Look for known faults in what is pinned in `constraints.txt`: `python scripts/audit.py`.

It runs `pip-audit` (`pip install pip-audit`), which asks the package index for the faults that are
known of each version. Where the index cannot be asked, or does not know a package, pip-audit ends as
if nothing was wrong; this says how many were not looked at. It ends with 0 where all were and have
none, with 1 where one has, and with 3 where some could not be looked at.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOUND, NOT_DONE = 1, 3


def judged(dependencies: Sequence[dict[str, Any]]) -> tuple[int, list[str]]:
    """Return the exit code for what pip-audit says of packages, and lines for a reader.

    >>> judged([{"name": "a", "version": "1", "vulns": []}])
    (0, ['audit: 1 packages, no known faults'])
    >>> judged([{"name": "a", "skip_reason": "not found"}])
    (3, ['AUDIT NOT DONE: 1 of 1 packages could not be looked up, such as a (not found)'])
    """
    skipped = [one for one in dependencies if "skip_reason" in one]
    lines = [_line(one, fault) for one in dependencies for fault in one.get("vulns", ())]
    code = FOUND if lines else NOT_DONE if skipped or not dependencies else 0
    if skipped or not dependencies:
        such = f", such as {skipped[0]['name']} ({skipped[0]['skip_reason']:.80})" if skipped else ""
        lines.append(
            f"AUDIT NOT DONE: {len(skipped)} of {len(dependencies)} packages could not be looked up{such}"
        )
    return code, lines or [f"audit: {len(dependencies)} packages, no known faults"]


def _line(one: dict[str, Any], fault: dict[str, Any]) -> str:
    mended = ", ".join(fault["fix_versions"]) or "no version yet"
    return f"{one['name']} {one['version']}: {fault['id']}, mended in {mended}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("requirements", type=Path, nargs="?", default=ROOT / "constraints.txt")
    options = parser.parse_args()
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "-r",
        str(options.requirements),
        "--no-deps",
        "--disable-pip",
    ]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, check=False, text=True)
    try:
        code, lines = judged(json.loads(done.stdout)["dependencies"])
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
        code, lines = NOT_DONE, [f"AUDIT NOT DONE: {last:.200}"]
    print("\n".join(lines))
    sys.exit(code)


if __name__ == "__main__":
    main()
