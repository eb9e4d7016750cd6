"""Shared fixtures: where the development data lies."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def facesolve_data() -> Path:
    """The development data's folder: FACESOLVE_DATA, else ../shared/data beside the checkout; skips when absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FACESOLVE_DATA") or default)
    if not folder.is_dir():
        pytest.skip(f"development data not found at '{folder}'; set FACESOLVE_DATA to its folder")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    try:
        import torch
    except ImportError:  # Maya's own Python, which runs tests/in_maya alone
        return
    torch.set_num_threads(1)
