"""The browser in which tests look at pages; conftest.py makes its fixture known to all tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is absent: apt install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield Chromium; a module's own, as the event loop that drives it must not outlive it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as library:
        opened = library.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()
