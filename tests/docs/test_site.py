"""The site builds without a warning and without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .pages import ROOT


@pytest.mark.skipif(find_spec("mkdocstrings") is None, reason="the site's tools are not here: pip install .[docs]")
def test_the_site_builds_strictly_and_asks_no_network_for_anything(tmp_path: Path):
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for source in ("fonts.googleapis", "cdn.", "unpkg"):
            assert source not in text, f"{page.name} loads something from {source}"
    assert "--smoothness X" in (tmp_path / "reference" / "cli.html").read_text(encoding="utf-8")
