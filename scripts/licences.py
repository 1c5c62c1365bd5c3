"""List what fupin brings along at run time, with its licences: `python scripts/licences.py [-o PAGE]`.

It follows the requirements in `pyproject.toml`, with all extras, through the metadata of what is
installed. It ends with 1 where a licence is missing from the list of those that are allowed, such
as the GPL or the AGPL, and names what is not installed.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
OURS = "fupin"
EXTRAS = ("all", "spark")
# What may come along: each asks for its notice to be kept, and no more, or (MPL, LGPL) for changes to
# its own files to be shared, which nobody makes who uses it as a library.
ALLOWED = (
    *(
        "MIT",
        "MIT-CMU",
        "MIT-0",
        "BSD",
        "Apache",
        "ISC",
        "PSF",
        "Python Software Foundation",
        "HPND",
        "Zlib",
        "0BSD",
    ),
    *("MPL", "Mozilla Public License", "LGPL", "Lesser General Public License", "Unlicense", "CC0", "LLVM"),
    *("matplotlib", "FSFAP", "CNRI", "BSL-1.0", "Apache Software License", "Public Domain"),
)
FORBIDDEN = re.compile(
    r"(?<![LA-Za-z])A?GPL|(?<!Lesser )General Public License|Affero|SSPL|Commons Clause", re.IGNORECASE
)


@dataclass(frozen=True)
class Part:
    """A distribution that comes along: what it says of its licence, and what asks for it."""

    name: str
    version: str
    licence: str
    asked_by: str

    @property
    def is_allowed(self) -> bool:
        """Say whether one of the licences that it may be had under is one that may come along."""
        return any(
            any(name.lower() in choice.lower() for name in ALLOWED) and not FORBIDDEN.search(choice)
            for choice in self.licence.split(" OR ")
        )


def parts() -> Iterator[Part]:
    """Yield all that the package needs at run time, directly or not, in the order of their names."""
    found: dict[str, Part] = {}
    waiting = [(OURS, needed) for needed in own_requirements()]
    seen = set()
    while waiting:
        asked_by, needed = waiting.pop(0)  # what we ask for ourselves comes first
        name = canonicalize_name(needed.name)
        extras = {"", *needed.extras}
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        one = distribution(name)
        found.setdefault(name, Part(one.metadata["Name"], one.version, licence_of(one), asked_by))
        for extra in sorted(extras - {e for n, e in seen if n == name}):
            seen.add((name, extra))
            inner = [Requirement(text) for text in one.requires or ()]
            waiting += [(name, Requirement(str(r).partition(";")[0])) for r in inner if _applies(r, extra)]
    yield from (found[name] for name in sorted(found))


def _applies(needed: Requirement, extra: str) -> bool:
    return needed.marker is None or needed.marker.evaluate({"extra": extra})


def own_requirements() -> list[Requirement]:
    """Return what `pyproject.toml` asks for at run time, with all extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    texts = [*project["dependencies"], *(text for extra in EXTRAS for text in extras[extra])]
    return [Requirement(text) for text in texts]


def licence_of(one: Distribution) -> str:
    """Return what a distribution says of its licence, in a line."""
    about = one.metadata
    classifiers = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or ()
        if line.startswith("License ::")
    ]
    said = about.get("License-Expression") or "; ".join(classifiers) or (about.get("License") or "")
    return " ".join(said.splitlines()[0].split())[:90] if said else "not said"


def table(every: list[Part]) -> str:
    """Return the list as Markdown."""
    lines = ["| package | version | licence | asked for by |", "|---|---|---|---|"]
    lines += [f"| {p.name} | {p.version} | {p.licence} | {p.asked_by} |" for p in every]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, help="replace the table in this Markdown file")
    options = parser.parse_args()
    try:
        every = list(parts())
    except PackageNotFoundError as error:
        sys.exit(f"{error}: install everything first: pip install -e '.[all,spark]'")
    if options.o:
        before = options.o.read_text(encoding="utf-8").partition("| package |")[0]
        options.o.write_text(f"{before}{table(every)}\n", encoding="utf-8")
    else:
        print(table(every))
    wrong = [p for p in every if not p.is_allowed]
    for part in wrong:
        print(f"not allowed: {part.name} {part.version}: {part.licence}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
