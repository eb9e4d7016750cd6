"""Which kernels run where, and that a user hears why."""

import pytest
import torch

from facesolve.runtime import kernels
from facesolve.runtime.kernels import CHOICE, choose_kernels, fused
from facesolve.take import SolveError


def test_triton_computes_on_a_gpu_where_it_can(monkeypatch):
    monkeypatch.delenv(CHOICE, raising=False)
    monkeypatch.setattr(kernels, "trial", lambda index: None)
    assert choose_kernels("cpu").reason == "plain PyTorch"
    assert choose_kernels("cuda:0").reason == f"Triton's ({CHOICE}=torch does without them)"
    assert fused(torch.device("cuda:0"))


def test_plain_pytorch_computes_where_it_is_named(monkeypatch):
    monkeypatch.setenv(CHOICE, "torch")
    monkeypatch.setattr(kernels, "trial", lambda index: pytest.fail("a trial takes a second"))
    assert choose_kernels("cuda:0").reason == "plain PyTorch"
    assert not fused(torch.device("cuda:0"))


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


def test_a_gpu_on_which_triton_cannot_compile_does_without_unless_it_is_named(monkeypatch):
    monkeypatch.setattr(kernels, "trial", lambda index: "RuntimeError: Failed to find C compiler.")
    monkeypatch.delenv(CHOICE, raising=False)
    why = "plain PyTorch, because Triton's, which are faster, cannot be used (RuntimeError: Failed to find C compiler.)"
    assert choose_kernels("cuda:0").reason == why
    monkeypatch.setenv(CHOICE, "triton")
    with pytest.raises(SolveError, match="Failed to find C compiler"):
        choose_kernels("cuda:0")


def test_triton_runs_where_it_is_named_and_can(monkeypatch):
    monkeypatch.setattr(kernels, "trial", lambda index: None)
    monkeypatch.setenv(CHOICE, "triton")
    assert fused(torch.device("cuda:0"))
    assert not fused(torch.device("cpu"))
