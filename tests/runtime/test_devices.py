"""Devices by their names: those that are there, and one sentence for those that are not."""

import ctypes

import pytest
import torch

from facesolve.jobs.doctor import examine
from facesolve.runtime.devices import choose_device, existing_device, idle_gpus
from facesolve.take import SolveError


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Pretends that there are two GPUs; the ones made current."""
    current: list[object] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    return current


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_is_refused_where_there_is_none() -> None:
    for name in ("cuda", "cuda:1"):
        with pytest.raises(SolveError, match="CUDA is not available"):
            choose_device(name)
    assert choose_device("auto") == torch.device("cpu")


@pytest.mark.parametrize(("name", "index"), [("auto", 0), ("cuda", 0), ("cuda:1", 1)])
def test_a_chosen_gpu_has_an_index_and_becomes_current(gpus: list[object], name: str, index: int) -> None:
    assert choose_device(name) == torch.device("cuda", index)
    assert gpus == [torch.device("cuda", index)]


def test_a_gpu_that_is_not_there_is_one_sentence(gpus: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SolveError, match=r"there is no cuda:2; this machine has 2 CUDA devices, cuda:0 to cuda:1"):
        existing_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(SolveError, match=r"there is no cuda:300; this machine has one CUDA device"):
        choose_device("cuda:300")
    assert not gpus


class Driver:
    """What is asked of NVIDIA's driver, which finds some GPUs."""

    def __init__(self, gpus: int) -> None:
        self._gpus = gpus

    def cuInit(self, flags: int) -> int:
        return 0 if self._gpus else 100  # no device

    def cuDeviceGetCount(self, count: object) -> int:
        count._obj.value = self._gpus  # type: ignore[attr-defined]
        return 0


def test_a_gpu_that_this_pytorch_cannot_use_is_said_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(1))
    assert idle_gpus() == 1
    (finding,) = (each for each in examine() if each.subject == "CUDA")
    assert finding.severity == "warning"
    assert "has an NVIDIA GPU, but this PyTorch is built without CUDA" in finding.sentence
    assert "install the CUDA build" in finding.remedy


def test_where_no_gpu_is_idle_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(0))
    monkeypatch.setattr(torch.version, "cuda", None)
    assert idle_gpus() == 0
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(1))
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    assert idle_gpus() == 0  # PyTorch can use it
