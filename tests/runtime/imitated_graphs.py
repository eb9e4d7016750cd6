"""Everything of recorded functions but the CUDA graph itself, on a CPU."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

from facesolve.optimize.nested import copied, tensors_of
from facesolve.runtime import cuda_graphs
from facesolve.runtime.cuda_graphs import CudaGraphs, key_of

# what waits for a GPU, or brings it something from the host: neither can be recorded
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "_unique2", "bincount", "lift_fresh"}
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_"}
# modules that wait on a CPU alone, by a branch of their own
BRANCHING = ("optimize/", "residuals/normal_equations", "residuals/color_elimination", "residuals/patch_sums")


class Imitation:
    """Stands for a CUDA graph: computes again, from where the recording reads to where it writes."""

    def __init__(self, function: Any, given: Any, now: Any, end: Any) -> None:
        self.all = function, given, now, end

    def replay(self) -> None:
        function, given, now, end = self.all
        for mine, theirs in zip(tensors_of(end), list(tensors_of(copied(function(given, now)))), strict=True):
            mine.copy_(theirs)


class Recording(TorchDispatchMode):
    """Refuses, as a CUDA graph does, what cannot be recorded."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function._schema.name.partition("::")[2]
        by_mask = name in INDEXED and any(index is not None and index.dtype.itemsize == 1 for index in args[1])
        if name in WAITING or by_mask:
            place = _place()
            assert place.startswith(BRANCHING), f"{place}: {name} is not permitted when a stream is capturing"
        return function(*args, **(kwargs or {}))


def _place() -> str:
    """File and line of the product's code that is at work."""
    frame = sys._getframe(1)
    while frame is not None and "/solver/facesolve/" not in frame.f_code.co_filename:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_filename.rpartition('/facesolve/')[2]}:{frame.f_lineno}"


def imitate_graphs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """From now on functions are recorded on a CPU, too; the list of those that were."""
    functions: list[Any] = []

    def recorded(graphs: CudaGraphs, function: Any, given: Any, now: Any) -> tuple[Imitation, Any]:
        functions.append(function)
        with Recording():
            result = function(given, now)
        end = graphs.ends[key_of(result, strides=False)]
        return Imitation(function, given, now, end), end

    monkeypatch.setattr(CudaGraphs, "recorded", recorded)
    monkeypatch.setattr(cuda_graphs, "RECORDS", "cpu")
    return functions
