"""The nvdiffrast rasterizer against the built-in one, and which of the two is chosen.

The first needs a CUDA device and nvdiffrast, which is never installed for the user.
"""

import sys
from types import ModuleType

import pytest
import torch

from facesolve.render import CHOICE, choose_backend, rasterize_torch
from facesolve.take import SolveError
from tests.render.on_cuda import SIZES, head_in_view, needs_both, nvdiffrast

if nvdiffrast is not None:
    from facesolve.render import rasterize_nvdiffrast


@needs_both
@pytest.mark.parametrize("size", [*SIZES, (2400, 3200)])
def test_both_see_the_same(size):
    """Pixels that only one covers, or that show another triangle, lie within rounding of an edge: few, and fewer the
    finer the image is against the triangles. Elsewhere depth agrees."""
    clip, triangles = head_in_view()
    ours, theirs = (backend.nearest(clip, triangles, size) for backend in (rasterize_torch, rasterize_nvdiffrast))
    either = (ours[0] >= 0) | (theirs[0] >= 0)
    assert either.float().mean() > 0.1
    other = (ours[0] != theirs[0]) & either
    edges = 3 * len(triangles) * len(clip) * max(size) / 20  # pixels that edges pass through, at most
    assert float(other.sum()) < 0.03 * min(float(either.sum()), edges)
    same = (ours[0] == theirs[0]) & either
    torch.testing.assert_close(ours[1][same], theirs[1][same], rtol=0, atol=3e-5)
    assert torch.isinf(theirs[1][theirs[0] < 0]).all()


@needs_both
def test_nvdiffrast_is_chosen_where_it_is_installed(monkeypatch):
    monkeypatch.delenv(CHOICE, raising=False)
    backend = choose_backend("cuda")
    assert backend.name == "nvdiffrast"
    assert "as it is installed; its license is for research and evaluation" in backend.reason
    monkeypatch.setenv(CHOICE, "nvdiffrast")
    assert f"as set by {CHOICE}" in choose_backend("cuda").reason


def test_without_nvdiffrast_the_built_in_one_runs_and_says_why(monkeypatch):
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.setitem(sys.modules, "facesolve.render.rasterize_nvdiffrast", None)
    monkeypatch.delattr("facesolve.render.rasterize_nvdiffrast", raising=False)
    backend = choose_backend("cuda")
    assert backend.name == "torch"
    assert "nvdiffrast" in backend.reason


def test_an_old_nvdiffrast_is_not_used_and_its_version_is_told(monkeypatch):
    monkeypatch.delenv(CHOICE, raising=False)
    old = ModuleType("nvdiffrast")
    old.__version__, old.torch = "0.3.3", ModuleType("nvdiffrast.torch")
    for name, module in (("nvdiffrast", old), ("nvdiffrast.torch", old.torch)):
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("rasterize_nvdiffrast", "drawing_nvdiffrast"):
        monkeypatch.delitem(sys.modules, f"facesolve.render.{name}", raising=False)
        monkeypatch.delattr(f"facesolve.render.{name}", raising=False)
    backend = choose_backend("cuda")
    assert backend.name == "torch"
    assert "version 0.3.3 is older than 0.4" in backend.reason


def test_the_choice_can_be_made_by_the_user(monkeypatch):
    monkeypatch.setenv(CHOICE, "torch")
    assert choose_backend("cuda").name == "torch"
    monkeypatch.setenv(CHOICE, "nvdiffrast")
    with pytest.raises(SolveError, match="nvdiffrast"):
        choose_backend("cpu")
    monkeypatch.setenv(CHOICE, "fastest")
    with pytest.raises(SolveError, match="'fastest'; set it to auto, torch or nvdiffrast"):
        choose_backend("cpu")
