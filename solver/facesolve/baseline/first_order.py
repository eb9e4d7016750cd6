"""A first-order solve from beginning to end: random frames and cameras, a step on each, until the budget is spent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from facesolve.render.texture import Tile
from facesolve.stages.setup import check_solvable
from facesolve.take import Solution, SolveError, Take

from .descent import Descent, Outcome
from .method import Budget, FirstOrder


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state after ``steps`` steps and ``seconds`` of work: controls (F, K), head (F, 4, 4), both float64.

    spent: part of the budget, up to 1. picture: draws footage beside the render at the start frame, first camera,
    (H, 2 W, 3) uint8 RGB.
    """

    steps: int
    seconds: float
    controls: np.ndarray
    head: np.ndarray
    spent: float
    picture: Callable[[], np.ndarray]


def solve_first_order(
    take: Take,
    device: torch.device,
    method: FirstOrder,
    budget: Budget,
    *,
    texture: Mapping[Tile, Tensor] | None = None,
    observe: Callable[[Snapshot], None] | None = None,
    every: int = 50,
) -> Solution:
    """The solution of ``descend`` alone: controls and head transforms."""
    return descend(take, device, method, budget, texture=texture, observe=observe, every=every).solution


def descend(
    take: Take,
    device: torch.device,
    method: FirstOrder,
    budget: Budget,
    *,
    texture: Mapping[Tile, Tensor] | None = None,
    mask: np.ndarray | None = None,
    observe: Callable[[Snapshot], None] | None = None,
    every: int = 50,
) -> Outcome:
    """Solves ``take`` from its start pose, taken for every frame; deterministic for a budget in steps on a CPU.

    texture: encoded luminance (height, width, 1) of each UDIM tile, used as it is; None learns one, begun from the
    start frame. mask: (V,) 0..1, how far learned shapes may move each vertex; None: as the vertex drives a solve.
    observe: receives the state before the first step, after every ``every`` steps and at the end; its time is not
    counted, that of reading the footage is. Bounds, locks, pins and head pins hold after each step; other settings'
    priors have no part in it. Standard deviations are NaN: a first-order method has none. The residual is the root
    mean square of the last image drawn of each camera and frame, encoded luminance.
    Raises SolveError or FootageError.
    """
    check_solvable(take)
    if take.start is None:
        raise SolveError(
            f"take '{take.name}' has no start pose, which a first-order solve needs; run 'facesolve align TAKE "
            "--write' first."
        )
    clock = _Clock()
    descent = Descent(take, device, method, texture, mask)
    order = torch.Generator().manual_seed(method.seed)
    steps = 0
    while True:
        seconds = clock.seconds()
        spent = budget.spent(steps, seconds)
        ended = steps > 0 and spent >= 1
        if observe is not None and (ended or steps % every == 0):
            with clock.paused():
                observe(Snapshot(steps, seconds, *descent.pose(), min(spent, 1.0), descent.picture))
        if ended:
            break
        frame = int(torch.randint(take.frame_count, (1,), generator=order))
        camera = int(torch.randint(len(take.cameras), (1,), generator=order))
        descent.step(frame, camera, spent)
        steps += 1
    return descent.outcome(steps, clock.seconds())


class _Clock:
    """Seconds since it was made, pauses left out."""

    def __init__(self) -> None:
        self._begun = time.perf_counter()

    def seconds(self) -> float:
        return time.perf_counter() - self._begun

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leaves the block's time out."""
        before = self.seconds()
        yield
        self._begun += self.seconds() - before
