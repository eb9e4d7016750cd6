"""Iterations that are recorded once and then replayed, where the device can: there, launching costs more than doing.

Knows nothing about what is iterated.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

State = TypeVar("State")

FEW = 3  # steps that are sooner done than recorded


class Recordings:
    """CUDA graphs by key. All share one pool of memory: nothing of one replay is needed when the next begins."""

    def __init__(self) -> None:
        self._recordings: dict[Hashable, _Recording] = {}
        self._pool: Any = None

    def repeat(
        self,
        key: Hashable,
        step: Callable[[Any, State], State],
        inputs: Any,
        state: State,
        times: int,
        finished: Callable[[State], bool],
        ask: bool = False,
        begin: Callable[[Any, State], State] | None = None,
    ) -> State:
        """``state`` after ``times`` applications of ``state = step(inputs, state)``, fewer once it is ``finished``.

        key: of what else decides ``step``, everything but tensors' values; None keeps no recording. inputs, state:
        tensors, or tuples and dataclasses of them. ask: whether a GPU is asked for ``finished``, for which it has to
        stop: only worth while for long steps. begin: applied once, before the steps. On a GPU neither must wait for the
        device, and the tensors of the first ``inputs`` of a key are written to by later calls of it.
        """
        tensors = list(_tensors((inputs, state)))
        if not tensors or tensors[0].device.type != "cuda" or (key is None and times <= FEW):
            state = state if begin is None else begin(inputs, state)
            for _ in range(times):
                if finished(state):
                    break
                state = step(inputs, state)
            return state
        full_key = (key, *((tensor.shape, tensor.stride(), tensor.dtype) for tensor in tensors))
        recording = None if key is None else self._recordings.get(full_key)
        if recording is not None:
            return recording.repeat(inputs, state, times, finished if ask else None)
        # once for the libraries, which set themselves up when they are first used
        state = state if begin is None else begin(inputs, state)
        state, times = step(inputs, state), times - 1
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
            # the pool lasts as long as some recording of it
            self._recordings["pool"] = _Recording(lambda _, x: x + 1, (), tensors[0].new_zeros(1), self._pool)
        recording = _Recording(step, inputs, state, self._pool)
        if key is not None:
            recording.begin_with(begin)
            self._recordings[full_key] = recording
        return recording.repeat(inputs, state, times, finished if ask else None, begun=True)


class _Recording:
    def __init__(self, step: Callable[[Any, Any], Any], inputs: Any, state: Any, pool: Any) -> None:
        self._inputs, self._state, self._pool = inputs, _copy(state), pool
        self._step = self._recorded(step)
        self._begin: torch.cuda.CUDAGraph | None = None

    def begin_with(self, begin: Callable[[Any, Any], Any] | None) -> None:
        """Records what goes before the steps."""
        self._begin = None if begin is None else self._recorded(begin)

    def repeat(
        self, inputs: Any, state: State, times: int, finished: Callable[[State], bool] | None, begun: bool = False
    ) -> State:
        """begun: ``state`` is that after the beginning."""
        _load((self._inputs, self._state), (inputs, state))
        if self._begin is not None and not begun:
            self._begin.replay()
        for _ in range(times):
            if finished is not None and finished(self._state):
                break
            self._step.replay()
        result: State = _copy(self._state)
        return result

    def _recorded(self, step: Callable[[Any, Any], Any]) -> torch.cuda.CUDAGraph:
        graph = torch.cuda.CUDAGraph()
        # of another pool than those on which other threads send footage: what they do must not be recorded
        stream = torch.cuda.Stream(priority=-1)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            # other threads decode and upload meanwhile
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            _load(self._state, step(self._inputs, self._state))
            graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)
        return graph


def _load(into: Any, values: Any) -> None:
    """Copies tensors, those of a kind together: one by one they would take longer to send off than to copy."""
    kinds: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for mine, theirs in zip(_tensors(into), _tensors(values), strict=True):
        if mine is not theirs:
            targets, sources = kinds.setdefault(mine.dtype, ([], []))
            targets.append(mine)
            sources.append(theirs)
    for targets, sources in kinds.values():
        torch._foreach_copy_(targets, sources)


def _tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in a tensor, tuple or dataclass, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _tensors(part)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name))


def chosen(old: State, new: State, use_new: Tensor) -> State:
    """``new`` where ``use_new`` () bool is True, else ``old``, tensor by tensor; both of one kind."""
    return cast(State, _mapped(lambda a, b: torch.where(use_new, b, a), old, new))


def _mapped(function: Callable[[Tensor, Tensor], Tensor], first: Any, second: Any) -> Any:
    if isinstance(first, Tensor):
        return function(first, second)
    if isinstance(first, tuple):
        return tuple(_mapped(function, a, b) for a, b in zip(first, second, strict=True))
    if is_dataclass(first) and not isinstance(first, type):
        parts = ((field.name, getattr(first, field.name), getattr(second, field.name)) for field in fields(first))
        return replace(first, **{name: _mapped(function, a, b) for name, a, b in parts})
    return first


def _copy(value: State) -> State:
    """The same with its tensors copied."""
    copy: State = _mapped(lambda tensor, _: torch.empty_like(tensor), value, value)
    _load(copy, value)
    return copy
