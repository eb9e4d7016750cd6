"""First-order reference: Adam through a differentiable renderer, the published way to do what ``solver.solve`` does.

Adam moves the controls and head pose of every frame, and the texture, down the plain L2 difference of one rendered
image from the footage; camera and frame are drawn at random for each step. It exists so that claims of speed and
accuracy are ratios measured in one run, and is not part of a solve.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from . import __version__
from .appearance import NoTexture, bake_texture
from .baseline_scene import Scene
from .problem import Pose, Problem
from .render.texture import Tile
from .residuals.normalisation import encoded_luminance
from .rig import retract
from .solve import check_solvable, prepare
from .take import Solution, SolveError, Take


@dataclass(frozen=True)
class FirstOrder:
    """Learning rates of Adam, a step, and the resolution it works at.

    controls: control units. rotation: radians. translation: centimetres. texture: encoded luminance.
    decay: part of every rate that is left at the end; they decay exponentially over the run.
    level: pyramid level of the footage, 0 is full resolution. seed: of the order of cameras and frames.
    """

    controls: float
    rotation: float
    translation: float
    texture: float
    decay: float
    level: int
    seed: int = 0


# ``tuned`` has the best of the rates that were tried on the demo's take, at half resolution, where a step costs less.
# ``thesis`` has the published rates, far too small for poses in radians and centimetres.
PRESETS = {
    "tuned": FirstOrder(controls=2e-2, rotation=5e-3, translation=2e-2, texture=3e-2, decay=0.05, level=1),
    "thesis": FirstOrder(controls=1e-3, rotation=1e-5, translation=1e-5, texture=1e-3, decay=0.005, level=0),
}


@dataclass(frozen=True)
class Budget:
    """When to end: after ``steps`` steps or ``seconds`` seconds, whichever is first. Only steps are reproducible."""

    steps: float = float("inf")
    seconds: float = float("inf")

    def __post_init__(self) -> None:
        if not 0 < min(self.steps, self.seconds) < float("inf"):
            raise ValueError(f"a budget needs a positive and finite number of steps or seconds, got {self}")

    def spent(self, steps: int, seconds: float) -> float:
        """Part of the budget that is spent, 0 to 1 and above."""
        return max(steps / self.steps, seconds / self.seconds)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state after ``steps`` steps and ``seconds`` of work: controls (F, K), head (F, 4, 4), both float64."""

    steps: int
    seconds: float
    controls: np.ndarray
    head: np.ndarray


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
    """Solves ``take`` from its start pose, taken for every frame; the same each time for a budget in steps on a CPU.

    texture: encoded luminance (height, width, 1) of each UDIM tile, used as it is; None learns one, begun from the
    start frame. observe: receives the state before the first step, after every ``every`` steps and at the end; its
    time is not counted, that of reading the footage is. Bounds, locks and pins hold after each step; other settings'
    priors have no part in it. Standard deviations are NaN: a first-order method has none. The residual is the root
    mean square of the last image drawn of each camera and frame, encoded luminance.
    Raises SolveError or FootageError.
    """
    check_solvable(take)
    clock = _Clock()
    descent = _Descent(take, device, method, texture)
    order = torch.Generator().manual_seed(method.seed)
    steps = 0
    while True:
        seconds = clock.seconds()
        ended = steps > 0 and budget.spent(steps, seconds) >= 1
        if observe is not None and (ended or steps % every == 0):
            with clock.paused():
                observe(Snapshot(steps, seconds, *descent.pose()))
        if ended:
            break
        frame = int(torch.randint(take.frame_count, (1,), generator=order))
        camera = int(torch.randint(len(take.cameras), (1,), generator=order))
        descent.step(frame, camera, method.decay ** budget.spent(steps, seconds))
        steps += 1
    return descent.solution(steps, clock.seconds())


class _Descent:
    """Adam on the poses of F frames and the texture."""

    def __init__(
        self, take: Take, device: torch.device, method: FirstOrder, texture: Mapping[Tile, Tensor] | None
    ) -> None:
        problem, start, first = prepare(take, device)
        self._take, self._method, self._prior = take, method, problem.prior
        self._scene = Scene(problem, method.level)
        self._residual = np.full((take.frame_count, len(take.cameras)), np.nan)
        self._background = self._scene.background(first, start)
        dtype = problem.model.dtype
        everywhere = torch.arange(take.frame_count, device=device)
        controls = self._prior.clamped(start.controls.expand(take.frame_count, -1), everywhere)
        self._controls = controls.to(dtype).requires_grad_()
        self._lower, self._upper = self._prior.lower.to(dtype), self._prior.upper.to(dtype)
        self._head = start.head.repeat(take.frame_count, 1, 1)
        # tangent vectors at the present head transform, which takes them up after each step
        self._turn = torch.zeros(take.frame_count, 3, device=device, requires_grad=True)
        self._shift = torch.zeros(take.frame_count, 3, device=device, requires_grad=True)
        begun = _seen_texture(problem, start, first, method.level) if texture is None else texture
        self._texture = {
            tile: texels.detach().to(device, dtype).clone().requires_grad_(texture is None)
            for tile, texels in begun.items()
        }
        self._optimizer = torch.optim.Adam(self._parameters())
        self._rates = [group["lr"] for group in self._optimizer.param_groups]

    def step(self, frame: int, camera: int, rate: float) -> None:
        """One step on one image, with every learning rate multiplied by ``rate``."""
        for group, begun in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = begun * rate
        tangent = torch.cat([self._turn[frame], self._shift[frame]])
        head = retract(self._head[frame, None].to(tangent), tangent[None])
        pose = Pose(self._controls[frame, None], head)
        image = self._scene.render(frame, camera, pose, self._texture, self._background[camera])
        mask = self._scene.mask[frame][camera].to(image)
        loss = (mask * (image - self._scene.luminance[frame][camera]) ** 2).sum()
        self._optimizer.zero_grad(set_to_none=False)
        loss.backward()
        self._optimizer.step()
        with torch.no_grad():
            self._controls.clamp_(self._lower, self._upper)
            self._head = retract(self._head, torch.cat([self._turn, self._shift], 1).double())
            self._turn.zero_()
            self._shift.zero_()
        seen = float(mask.sum())
        self._residual[frame, camera] = (loss.item() / seen) ** 0.5 if seen else np.nan

    def pose(self) -> tuple[np.ndarray, np.ndarray]:
        """Controls (F, K) and head (F, 4, 4), float64, within bounds and locks to the last bit."""
        controls = self._controls.detach().double().clamp(self._prior.lower, self._prior.upper)
        return controls.cpu().numpy(), self._head.cpu().numpy()

    def solution(self, steps: int, seconds: float) -> Solution:
        """The present state as a solution."""
        take = self._take
        controls, head = self.pose()
        return Solution(
            frames=take.frames,
            scene_times=take.scene_times,
            fps=take.fps,
            control_names=tuple(take.rig.control_names),
            controls=controls,
            head=head,
            control_std=np.full_like(controls, np.nan),
            head_std=np.full((len(head), 6), np.nan),
            camera_names=tuple(camera.name for camera in take.cameras),
            residual=self._residual,
            provenance={
                "version": __version__,
                "method": "first order (Adam)",
                "rates": asdict(self._method),
                "steps": steps,
                "seconds": round(seconds, 3),
                "device": str(self._head.device),
                "backend": self._scene.backend,
            },
        )

    def _parameters(self) -> list[dict[str, object]]:
        method = self._method
        groups: list[dict[str, object]] = [{"params": [self._controls], "lr": method.controls}]
        if self._take.settings.head == "transform":
            groups.append({"params": [self._turn], "lr": method.rotation})
            groups.append({"params": [self._shift], "lr": method.translation})
        texels = [texels for texels in self._texture.values() if texels.requires_grad]
        if texels:
            groups.append({"params": texels, "lr": method.texture})
        return groups


def _seen_texture(problem: Problem, start: Pose, first: int, level: int) -> dict[Tile, Tensor]:
    """What the start frame shows of the surface at the start pose: (size, size, 1) encoded luminance of each tile.

    A texel is about as wide as a pixel of the level.
    """
    coarse = replace(problem, pixels_per_cm=problem.pixels_per_cm / 2**level)
    seen = bake_texture(coarse, start, torch.tensor([first], device=start.head.device))
    if isinstance(seen, NoTexture):
        raise SolveError(f"the first-order reference cannot begin: {seen.reason}")
    pyramids = seen.texture.pyramids
    return {tile: encoded_luminance(levels[0][0].permute(1, 2, 0))[..., None] for tile, levels in pyramids.items()}


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
