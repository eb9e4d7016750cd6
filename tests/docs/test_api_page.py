"""The Python API page shows every public name, and the site's tool finds all of them."""

from __future__ import annotations

import importlib
import re

import facesolve

from .pages import ROOT

PAGE = (ROOT / "docs" / "reference" / "api" / "index.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^::: ([\w.]+)$", PAGE, re.MULTILINE)


def test_every_public_name_is_shown():
    assert sorted(path.rpartition(".")[2] for path in SHOWN) == sorted(set(facesolve.__all__) - {"__version__"})


def test_what_is_shown_under_a_name_is_what_has_that_name():
    for path in SHOWN:
        module, _, name = path.rpartition(".")
        assert getattr(importlib.import_module(module), name) is getattr(facesolve, name)
