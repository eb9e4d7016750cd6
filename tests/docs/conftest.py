"""One small workspace for all pages, with everything that the guides' commands need."""

from __future__ import annotations

from pathlib import Path

import pytest

from .workspace import make_workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of ``make_workspace``; tests that write take a copy."""
    folder = tmp_path_factory.mktemp("workspace")
    make_workspace(folder)
    return folder
