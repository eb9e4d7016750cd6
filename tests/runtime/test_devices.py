"""Devices by their names: those that are there, and one sentence for those that are not."""

import pytest
import torch

from facesolve.runtime.devices import choose_device, existing_device
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
