"""What the tests of pictures, videos and pages share: a filmed take that none of them changes, and a browser."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from .browser import find_chromium
from .filmed import Filmed, make


@pytest.fixture(scope="session")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Filmed:
    return make(tmp_path_factory.mktemp("filmed"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed; pip install playwright"
    )
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # Chromium refuses to start its sandbox as root
    with playwright.sync_playwright() as api:
        try:
            started = api.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"] if root else [])
        except playwright.Error as error:
            pytest.skip(f"no Chromium starts here (apt-get install chromium, or FACESOLVE_CHROMIUM): {error.message}")
        yield started
        started.close()
