"""Every frame of a take refined, in batches that several devices may share. Knows no other stage.

No frame needs another here, so any device may do any of them. Each device has a thread and a problem of its own; what
goes from one to another goes through the host's memory, which every machine can do.
"""

from __future__ import annotations

import math
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.deformation import PointSkin
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.residuals.camera_errors import CameraErrors
from facesolve.residuals.photometric import Template
from facesolve.residuals.quadratic import PackedQuadratics
from facesolve.runtime.devices import make_current
from facesolve.runtime.interrupts import LOOK_EVERY
from facesolve.runtime.memory import halving
from facesolve.runtime.threads import on_threads

from .batching import split, together
from .problem import HOST, Problem
from .refine import Seen, Target, refine_frames

OF_CAMERAS = tuple(field.name for field in fields(Seen))
Data = TypeVar("Data", SurfaceSamples, Template, Pose, CameraErrors, PointSkin)


@dataclass(frozen=True, eq=False)
class RefinedFrames:
    """n frames: take frame indices; poses; photometric quadratics there; what each camera makes of them (n, C)."""

    frames: Sequence[int]
    pose: Pose
    quadratic: PackedQuadratics
    seen: Seen


class Assistants:
    """Devices that help the first one. Each makes its problem, on its thread, while the first works on.

    Use it as a context manager: leaving the block ends the threads.
    """

    def __init__(self, problem: Problem, devices: Sequence[torch.device]) -> None:
        samples = to_device(problem.samples, HOST) if devices else problem.samples
        self._threads = [ThreadPoolExecutor(1, "refine") for _ in devices]
        self._problems = [
            thread.submit(problem_on, problem, samples, device)
            for thread, device in zip(self._threads, devices, strict=True)
        ]

    def __enter__(self) -> Assistants:
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.shutdown(cancel_futures=True)

    def ready(self) -> list[tuple[ThreadPoolExecutor, Problem]]:
        """Thread and problem of each, once they are there. Raises what went wrong."""
        problems = [problem.result() for problem in self._problems]
        return list(zip(self._threads, problems, strict=True))


def problem_on(problem: Problem, samples: SurfaceSamples, device: torch.device) -> Problem:
    """The same problem on another device, which becomes the thread's current one. samples: the problem's, anywhere."""
    make_current(device)
    model = RigModel(problem.take.rig, device, problem.model.dtype)
    return problem.made_anew(model=model, samples=to_device(samples, device))


def to_device(data: Data, device: torch.device) -> Data:
    """A dataclass with its tensors on ``device``."""
    return replace(data, **{part.name: _sent(getattr(data, part.name), device) for part in fields(data)})


def target_on(target: Target, device: torch.device) -> Target:
    """The same target on another device."""
    errors = None if target.errors is None else to_device(target.errors, device)
    eyes = None if target.eyes is None else to_device(target.eyes, device)
    learned = replace(target.learned, template=to_device(target.learned.template, device))
    return Target(learned, target.level, to_device(target.begin, device), errors, eyes)


def _sent(value: Any, device: torch.device) -> Any:
    if isinstance(value, PointSkin):
        return to_device(value, device)
    if not isinstance(value, Tensor) or value.device == device:
        return value
    return value.to(HOST).to(device)


def refined_batches(
    problem: Problem,
    footage: TakeFootage,
    target: Target,
    frames: Sequence[int],
    assistants: Assistants | None = None,
) -> Generator[RefinedFrames, None, None]:
    """Refines the take frame indices ``frames`` (rising) in batches; with assistants they come in any order.

    Raises what the earliest frame that fails raises. Close it when leaving early: that waits for the batches at work.
    """
    if not frames:
        return
    # made when the solve began: what has been learned about the samples since then is the problem's
    helpers = [
        (thread, _up_to_date(other, problem)) for thread, other in ([] if assistants is None else assistants.ready())
    ]
    most = min(together(each, target.level) for each in (problem, *(other for _, other in helpers)))
    if not helpers:
        batches = [frames[part] for part in split(len(frames), most)]
        with closing(footage.batches(batches, target.level)) as images:
            yield from on_threads(lambda batch: refined_batch(problem, target, *batch), images, problem.model.device)
        return
    # loads PyTorch's linear algebra, which two threads must not do at once (pytorch issue 90613)
    torch.linalg.cholesky_ex(problem.samples.weight.new_ones(1, 1))
    share = Share([frames[part] for part in even_split(len(frames), most, 1 + len(helpers))])
    host = target_on(target, HOST)
    with ThreadPoolExecutor(1, "refine") as own:
        jobs = [own.submit(_work, share, problem, target, lambda: nullcontext(footage))]
        for thread, other in helpers:
            opened = partial(TakeFootage, problem.take, other.model.device)
            jobs.append(thread.submit(_work, share, other, host, opened))
        try:
            yield from share.results(len(jobs))
        finally:
            share.end()
            wait(jobs)
    share.raise_error()


def _up_to_date(other: Problem, problem: Problem) -> Problem:
    """A problem on another device, with what has been learned since it was made."""
    device = other.model.device
    if other.take.rig is problem.take.rig:
        return other.weighted(_sent(problem.samples.weight, device))
    model = other.model.with_neutral(problem.take.rig)
    return other.made_anew(take=problem.take, model=model, samples=to_device(problem.samples, device))


def gathered(parts: Sequence[RefinedFrames], device: torch.device) -> RefinedFrames:
    """All frames in rising order, on ``device``."""
    frames = [frame for part in parts for frame in part.frames]
    order = sorted(range(len(frames)), key=frames.__getitem__)

    def whole(values: list[Tensor]) -> Tensor:
        return torch.cat([_sent(value, device) for value in values])[order]

    return RefinedFrames(
        frames=[frames[row] for row in order],
        pose=Pose(whole([part.pose.controls for part in parts]), whole([part.pose.head for part in parts])),
        quadratic=PackedQuadratics(
            lower=whole([part.quadratic.lower for part in parts]),
            b=whole([part.quadratic.b for part in parts]),
            cost=whole([part.quadratic.cost for part in parts]),
        ),
        seen=Seen(*(whole([getattr(part.seen, name) for part in parts]) for name in OF_CAMERAS)),
    )


def refined_arrays(parts: Sequence[RefinedFrames]) -> dict[str, np.ndarray]:
    """The frames so far, for a checkpoint."""
    whole = gathered(parts, HOST)
    tensors = {
        "controls": whole.pose.controls,
        "head": whole.pose.head,
        "lower": whole.quadratic.lower,
        "b": whole.quadratic.b,
        "cost": whole.quadratic.cost,
        **{name: getattr(whole.seen, name) for name in OF_CAMERAS},
    }
    return {"frames": np.array(whole.frames), **{name: tensor.numpy() for name, tensor in tensors.items()}}


def refined_from_arrays(arrays: Mapping[str, np.ndarray], device: torch.device) -> RefinedFrames:
    """The frames back from ``refined_arrays``."""
    tensors = {name: torch.as_tensor(array, device=device) for name, array in arrays.items() if name != "frames"}
    return RefinedFrames(
        frames=arrays["frames"].tolist(),
        pose=Pose(tensors["controls"], tensors["head"]),
        quadratic=PackedQuadratics(tensors["lower"], tensors["b"], tensors["cost"]),
        seen=Seen(*(tensors[name] for name in OF_CAMERAS)),
    )


class Share:
    """Batches of rising frames that threads take from one list, and what they make of them."""

    def __init__(self, batches: Sequence[Sequence[int]]) -> None:
        self._lock = threading.Lock()
        self._rest = deque(batches)
        self._until = batches[-1][-1] + 1  # frames from here on are no longer wanted
        self._error: BaseException | None = None
        self._results: queue.Queue[RefinedFrames | None] = queue.Queue()

    def taken(self, into: deque[Sequence[int]]) -> Iterator[Sequence[int]]:
        """The next batch that no thread has taken, each time; it is added to ``into``."""
        while True:
            with self._lock:
                if not self._rest or not self.wanted(self._rest[0]):
                    return
                batch = self._rest.popleft()
            into.append(batch)
            yield batch

    def wanted(self, batch: Sequence[int]) -> bool:
        """False once an earlier batch has failed, or all is to end."""
        return batch[0] < self._until

    def put(self, found: RefinedFrames | None) -> None:
        """A batch is done; None: a thread has ended."""
        self._results.put(found)

    def results(self, threads: int) -> Iterator[RefinedFrames]:
        """What ``threads`` threads put, until all have ended."""
        while threads:
            try:
                found = self._results.get(timeout=LOOK_EVERY)
            except queue.Empty:
                continue
            if found is None:
                threads -= 1
            else:
                yield found

    def end(self) -> None:
        """No further batch is begun."""
        with self._lock:
            self._until = -1

    def fail(self, frame: int, error: BaseException) -> None:
        """The batch from ``frame`` on has failed: those before it are still done, so that the first error is told."""
        with self._lock:
            if frame < self._until or self._error is None:
                self._until, self._error = min(frame, self._until), error

    def raise_error(self) -> None:
        """Raises the error of the earliest batch that failed, if any did."""
        if self._error is not None:
            raise self._error


def _work(
    share: Share, problem: Problem, target: Target, opened: Callable[[], AbstractContextManager[TakeFootage]]
) -> None:
    """Refines batches on the problem's device until there are none, on a thread of its own."""
    mine: deque[Sequence[int]] = deque()
    try:
        device = problem.samples.weight.device
        make_current(device)
        target = target_on(target, device)
        with opened() as footage, closing(footage.batches(share.taken(mine), target.level)) as batches:
            for frames, pixels in batches:
                if not share.wanted(frames):
                    break
                share.put(refined_batch(problem, target, frames, pixels))
                mine.popleft()
    except BaseException as error:
        share.fail(mine[0][0] if mine else 0, error)
    finally:
        share.put(None)


def refined_batch(
    problem: Problem, target: Target, frames: Sequence[int], pixels: Sequence[FramePixels]
) -> RefinedFrames:
    def work(most: int) -> RefinedFrames:
        parts = []
        for rows in split(len(frames), most):
            fit, seen = refine_frames(problem, target, frames[rows], pixels[rows])
            parts.append(RefinedFrames(frames[rows], fit.pose, PackedQuadratics.of(fit.quadratic), seen))
        return parts[0] if len(parts) == 1 else gathered(parts, parts[0].pose.head.device)

    return halving(len(frames), problem.limit, problem.graphs.forget, work)


def even_split(count: int, most: int, devices: int) -> list[slice]:
    """As ``split``, in as many parts as needed so that each device has as many as the others."""
    rounds = math.ceil(count / (most * devices))
    return split(count, math.ceil(count / (rounds * devices)))
