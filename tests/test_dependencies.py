"""What comes along: licences that are allowed and no others, and an audit that admits what it did not do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"


def script(name):
    """Load a script of this project."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


licences, audit = script("licences"), script("audit")


@pytest.mark.parametrize(
    ("said", "allowed"),
    [
        ("MIT License", True),
        ("BSD-3-Clause AND 0BSD AND MIT", True),
        ("Mozilla Public License 2.0 (MPL 2.0)", True),
        ("GNU Lesser General Public License v3 (LGPLv3)", True),
        ("LGPL-2.1-or-later", True),
        ("MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later", True),
        ("GPL-3.0-or-later", False),
        ("GPLv3", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("GNU Affero General Public License v3", False),
        ("AGPL-3.0-only", False),
        ("MIT AND GPL-2.0-only", False),
        ("SSPL-1.0", False),
        ("Proprietary", False),
        ("not said", False),
    ],
)
def test_a_licence_is_allowed_or_not(said, allowed):
    assert licences.Part("a", "1", said, "fupin").is_allowed is allowed


def test_nothing_that_comes_along_has_a_licence_that_is_not_allowed():
    try:
        every = list(licences.parts())
    except licences.PackageNotFoundError as error:
        pytest.skip(f"not everything is installed: {error}")
    names = {part.name.lower() for part in every}
    assert {"numpy", "trafilatura", "lxml", "pypdf"} <= names  # what is asked for, and what that asks for
    assert {"courlan", "contourpy"} <= names
    assert "hypothesis" not in names  # the tests' own
    assert [part for part in every if not part.is_allowed] == []


FINE = {"name": "a", "version": "1", "vulns": []}
FAULTY = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("dependencies", "code", "last"),
    [
        pytest.param([FINE, FINE], 0, "audit: 2 packages, no known faults", id="all were looked at"),
        pytest.param([FINE, FAULTY], 1, "b 2: PYSEC-1, mended in 2.1", id="a fault"),
        pytest.param([FINE, SKIPPED], 3, "AUDIT NOT DONE: 1 of 2 packages", id="one was not looked at"),
        pytest.param([FAULTY, SKIPPED], 1, "AUDIT NOT DONE: 1 of 2 packages", id="both"),
        pytest.param([], 3, "AUDIT NOT DONE: 0 of 0 packages", id="nothing at all"),
    ],
)
def test_an_audit_that_looked_at_nothing_does_not_pass(dependencies, code, last):
    """Without its service pip-audit reports no faults and ends with 0."""
    found, lines = audit.judged(dependencies)
    assert found == code
    assert lines[-1].startswith(last)
