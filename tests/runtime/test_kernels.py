"""Which kernels run where, and that a user hears why."""

import pytest
import torch

from facesolve.runtime import kernels
from facesolve.runtime.kernels import CHOICE, choose_kernels, fused
from facesolve.take import SolveError


@pytest.mark.parametrize("wanted", ["auto", "torch"])
def test_a_cpu_computes_in_plain_pytorch(monkeypatch, wanted):
    monkeypatch.setenv(CHOICE, wanted)
    chosen = choose_kernels("cpu")
    assert not chosen.fused
    why = f"as set by {CHOICE}" if wanted == "torch" else "because Triton's cannot run on cpu: they need an NVIDIA GPU"
    assert chosen.reason == f"plain PyTorch, {why}"


def test_triton_by_name_where_it_cannot_run_is_refused(monkeypatch):
    monkeypatch.setenv(CHOICE, "triton")
    with pytest.raises(
        SolveError, match="FACESOLVE_KERNELS is triton, but its kernels cannot run on cpu: they need an"
    ):
        choose_kernels("cpu")


def test_a_misspelled_choice_names_those_there_are(monkeypatch):
    monkeypatch.setenv(CHOICE, "tritn")
    with pytest.raises(SolveError, match="set it to auto, torch or triton"):
        choose_kernels("cpu")


@pytest.mark.parametrize("obstacle", [None, "RuntimeError: Failed to find C compiler."])
def test_a_gpu_on_which_triton_cannot_compile_is_no_reason_to_fail(monkeypatch, obstacle):
    monkeypatch.setenv(CHOICE, "triton")
    monkeypatch.setattr(kernels, "trial", lambda index: obstacle)
    device = torch.device("cuda:0")
    if obstacle is None:
        assert fused(device, named=True)
    else:
        with pytest.raises(SolveError, match="Failed to find C compiler"):
            choose_kernels(device)
    monkeypatch.delenv(CHOICE)
    assert fused(device) == (obstacle is None)
    assert not fused(device, named=True), "what no GPU has proved runs by name alone"
    assert obstacle is None or "Failed to find C compiler" in choose_kernels(device).reason
