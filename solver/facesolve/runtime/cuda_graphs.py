"""Functions of tensors that are recorded once and then replayed, where the device can: there, launching costs more
than doing. Owns what a recording is made for and how long it lasts; knows nothing about what is computed.

A function may be captured when it takes ``(given, now)``, tensors in tuples and dataclasses, does not wait for the
device, and is decided by tensors' values in no other way than through them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from facesolve.optimize.levenberg_marquardt import Capture, uncaptured
from facesolve.optimize.nested import copied, tensors_of, with_tensors

Output = TypeVar("Output")

RECORDS = "cuda"  # the kind of device that can
FEW = 3  # steps that are sooner done than recorded
VALUES = (bool, int, float, str, bytes, type(None))  # compared by value; whatever else is there must be the same object


class CudaGraphs:
    """Recordings of one device, all in one pool of memory: nothing of one replay is needed when the next begins.

    A recording serves every later call with the same function, the same numbers and the same objects in ``given``, and
    tensors of the same shapes, strides and types. It keeps those objects alive, so none is taken for another. An object
    with a method ``constants`` stands for what that returns.
    """

    def __init__(self, pool: _Pool | None = None) -> None:
        self._passing = pool is not None
        self._pool = _Pool() if pool is None else pool
        self.met: set[Hashable] = set()
        self.graphs: dict[Hashable, tuple[torch.cuda.CUDAGraph, Any]] = {}
        self._given: dict[Hashable, list[Tensor]] = {}  # what recordings read
        self.ends: dict[Hashable, Any] = {}  # ... and go on from, or end with

    def kept(self) -> Capture:
        """For one run of a loop whose recordings serve later runs too."""
        return _Run(self)

    def passing(self, steps: int) -> Capture:
        """For one run of a loop of ``steps`` steps, whose recordings end with it."""
        return _Run(CudaGraphs(self._pool)) if steps > FEW else uncaptured

    def forget(self) -> None:
        """Gives all recordings and their memory back."""
        for kept in (self.met, self.graphs, self._given, self.ends):
            kept.clear()
        self._pool = _Pool()

    def replayed(self, function: Callable[[Any, Any], Output], given: Any, key: Hashable, now: Any) -> _Done[Output]:
        """``function(given, now)``. key: ``key_of(given)``, whose tensors were loaded.

        The life of a recording, by the calls of one function with one key and one kind of ``now``:

        1. The first call just computes. Its result is copied: the copy is the place of all results of that kind.
        2. The second call copies ``now`` to the place of its kind and records the function, which reads from there and
           from the copies of ``given``, and writes to the place of its result. Then it replays, as recording computes
           nothing.
        3. Every later call copies ``now`` to its place and replays.

        Where the result is of the kind of ``now``, as with the steps of a loop, both have one place: the recording goes
        on from where it ended. ``_Done.again`` lets the caller replay it without any copy. A result is that place
        itself, so it lasts until the next replay that writes there. A recording lives as long as this object: for one
        run where it is made by ``passing``, else as long as the problem that owns it.
        """
        full = (function, key, key_of(now, strides=False))
        if full not in self.met:
            # once as it is: libraries set themselves up when they are first used, which cannot be recorded
            self.met.add(full)
            result = function(given, now)
            self.ends.setdefault(key_of(result, strides=False), copied(result))
            return _Done(result, None)
        if full[2] not in self.ends:
            self.ends[full[2]] = copied(now)
        begin = self.ends[full[2]]
        _load(tensors_of(begin), tensors_of(now))
        if full not in self.graphs:
            if key not in self._given:
                # later runs write to these; where there are none, the caller's serve as they are
                self._given[key] = [part if self._passing else part.clone() for part in tensors_of(given)]
            own = with_tensors(given, iter(self._given[key]))
            self.graphs[full] = self.recorded(function, own, begin)
        graph, end = self.graphs[full]
        graph.replay()
        return _Done(end, graph if end is begin else None)

    def load(self, given: Any, key: Hashable) -> None:
        """Brings a run's given tensors to where recordings of that key read them."""
        _load(self._given.get(key, ()), tensors_of(given))

    def recorded(self, function: Callable[[Any, Any], Any], given: Any, now: Any) -> tuple[torch.cuda.CUDAGraph, Any]:
        self._pool.open(next(tensors_of((now, given))))
        graph = torch.cuda.CUDAGraph()
        # of another pool than those on which other threads send footage: what they do must not be recorded
        stream = torch.cuda.Stream(priority=-1)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            # other threads decode and upload meanwhile
            graph.capture_begin(pool=self._pool.handle, capture_error_mode="thread_local")
            result = function(given, now)
            end = self.ends[key_of(result, strides=False)]  # outside the pool, where other replays would write
            _load(tensors_of(end), tensors_of(result))
            graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)
        return graph, end


@dataclass(frozen=True, eq=False)
class _Done(Generic[Output]):
    """What a call gave. again: the recording that goes on from there, in place, if it does."""

    result: Output
    again: torch.cuda.CUDAGraph | None


class _Run:
    """One run of a loop. What does not change from step to step is looked at once."""

    def __init__(self, graphs: CudaGraphs) -> None:
        self.graphs = graphs
        self._given: Any = None
        self._key: Hashable = None
        self._on_gpu = False

    def __call__(self, function: Callable[[Any, Any], Output]) -> Callable[[Any, Any], Output]:
        """``function``, recorded when it is called for the second time and replayed from then on, where that helps."""
        last: _Done[Output] | None = None

        def called(given: Any, now: Any) -> Output:
            nonlocal last
            if given is not self._given:
                self._meet(given, now)
                last = None
            if not self._on_gpu:
                return function(given, now)
            if last is not None and last.again is not None and now is last.result:
                last.again.replay()
                return last.result
            last = self.graphs.replayed(function, given, self._key, now)
            return last.result

        return called

    def _meet(self, given: Any, now: Any) -> None:
        first = next(tensors_of((given, now)), None)
        self._given, self._on_gpu = given, first is not None and first.device.type == RECORDS
        if self._on_gpu:
            self._key = key_of(given)
            self.graphs.load(given, self._key)


class _Pool:
    """Memory that recordings share. It lasts as long as some recording of it, so there is one that does nothing."""

    handle: Any = None
    _keeper: Any = None

    def open(self, like: Tensor) -> None:
        """Makes the pool on the device of a tensor, unless it is there."""
        if self.handle is not None:
            return
        self.handle = torch.cuda.graph_pool_handle()
        value, graph, stream = like.new_zeros(1), torch.cuda.CUDAGraph(), torch.cuda.Stream(priority=-1)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            graph.capture_begin(pool=self.handle, capture_error_mode="thread_local")
            value.copy_(value + 1)
            graph.capture_end()
        torch.cuda.current_stream().wait_stream(stream)
        self._keeper = (graph, value)


@dataclass(frozen=True, eq=False)
class _Same:
    """Equal to itself of the same object only, which it keeps alive: no other can come to have its address."""

    thing: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.thing is other.thing

    def __hash__(self) -> int:
        return id(self.thing)


def key_of(value: Any, strides: bool = True) -> Hashable:
    """What decides whether a recording serves ``value``: its structure, kinds of tensors, and all that is no tensor."""
    if isinstance(value, Tensor):
        return (tuple(value.shape), value.stride() if strides else (), value.dtype, value.device)
    if isinstance(value, VALUES):
        return (type(value), value)
    if isinstance(value, tuple):
        return (type(value), *(key_of(part, strides) for part in value))
    if hasattr(value, "constants"):
        return (type(value), *(c if isinstance(c, VALUES) else _Same(c) for c in value.constants()))
    if is_dataclass(value) and not isinstance(value, type):
        return (type(value), *(key_of(getattr(value, field.name), strides) for field in fields(value)))
    return _Same(value)


def _load(into: Iterable[Tensor], values: Iterable[Tensor]) -> None:
    """Copies tensors, those of a kind together: one by one they would take longer to send off than to copy."""
    kinds: dict[torch.dtype, tuple[list[Tensor], list[Tensor]]] = {}
    for mine, theirs in zip(into, values, strict=False):
        if mine is not theirs:
            targets, sources = kinds.setdefault(mine.dtype, ([], []))
            targets.append(mine)
            sources.append(theirs)
    for targets, sources in kinds.values():
        torch._foreach_copy_(targets, sources)
