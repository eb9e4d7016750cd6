"""The unknowns of a first-order solve and Adam's step on them: controls, heads, shapes, texture, cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facesolve.appearance.bake import NoTexture, bake_texture
from facesolve.correctives.span import RigSpan
from facesolve.footage.normalize import encoded_luminance
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel, apply_head
from facesolve.geometry.rigid import retract
from facesolve.geometry.smooth_fields import cotangent_laplacian
from facesolve.render.texture import Tile
from facesolve.runtime.devices import device_name
from facesolve.stages.problem import Problem
from facesolve.stages.setup import prepare
from facesolve.take import Camera, Solution, SolveError, Take
from facesolve.take.provenance import Provenance
from facesolve.take.version import VERSION

from .cameras import CameraMotion
from .learned import LearnedShapes
from .method import FREE, FirstOrder
from .regularizers import MeshTopology, edge_length, laplacian, normal_consistency
from .scene import Scene


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a first-order solve found.

    shapes: (J, V, 3) learned displacements in rig space, cm, and activations (F, J); J = 0 where none were learned.
    cameras: the take's, where the solve moved them, else None. texture: encoded luminance (height, width, 1) a tile.
    """

    solution: Solution
    shapes: np.ndarray
    activations: np.ndarray
    cameras: tuple[Camera, ...] | None
    texture: Mapping[Tile, Tensor]


class Descent:
    """Adam on the poses of F frames, the texture, and what else the method learns."""

    def __init__(
        self,
        take: Take,
        device: torch.device,
        method: FirstOrder,
        texture: Mapping[Tile, Tensor] | None,
        mask: np.ndarray | None,
    ) -> None:
        problem, start, first = prepare(take, device)
        self._take, self._method, self._prior, self._first = take, method, problem.prior, first
        self._model = problem.model
        self._scene = Scene(problem, method.level)
        self._residual = np.full((take.frame_count, len(take.cameras)), np.nan)
        self._background = self._scene.background(first, start)
        dtype = problem.model.dtype
        everywhere = torch.arange(take.frame_count, device=device)
        controls = self._prior.clamped(start.controls.expand(take.frame_count, -1), everywhere)
        self._controls = controls.to(dtype).requires_grad_(method.learns_controls)
        self._lower, self._upper = self._prior.lower.to(dtype), self._prior.upper.to(dtype)
        self._problem = problem
        self._head = self._pinned(start.head.repeat(take.frame_count, 1, 1))
        # tangent vectors at the present head transform, which takes them up after each step
        self._turn = torch.zeros(take.frame_count, 3, device=device, requires_grad=True)
        self._shift = torch.zeros(take.frame_count, 3, device=device, requires_grad=True)
        begun = _seen_texture(problem, start, first, method.level) if texture is None else texture
        self._texture = {
            tile: texels.detach().to(device, dtype).clone().requires_grad_(texture is None)
            for tile, texels in begun.items()
        }
        self._shapes = _learned_shapes(take, problem.model, method, mask) if method.learns_shapes else None
        self._topology = MeshTopology.of(problem.model.triangles, take.rig.vertex_count)
        moves = len(take.cameras) > 1 and (method.camera_rotation > 0 or method.camera_translation > 0)
        self._cameras = CameraMotion(len(take.cameras), device) if moves else None
        self._optimizer = torch.optim.Adam(self._parameters())
        self._rates = [group["lr"] for group in self._optimizer.param_groups]

    def step(self, frame: int, camera: int, spent: float) -> None:
        """One step on one image, with the learning rates that hold when a part ``spent`` of the run is over."""
        method = self._method
        factors = {
            "pose": method.rate(spent),
            "texture": method.texture_rate(spent),
            "shapes": method.shapes_rate(spent),
        }
        for group, begun in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = begun * factors[group["of"]]
        image, rest, displacement = self._drawn(frame, camera)
        mask = self._scene.mask[frame][camera].to(image)
        loss = (mask * (image - self._scene.luminance[frame][camera]) ** 2).sum()
        covered = float(mask.sum())
        total = loss if displacement is None else loss + covered * self._roughness(rest, displacement)
        self._optimizer.zero_grad(set_to_none=False)
        total.backward()
        self._optimizer.step()
        with torch.no_grad():
            self._controls.clamp_(self._lower, self._upper)
            self._head = self._pinned(retract(self._head, torch.cat([self._turn, self._shift], 1).double()))
            self._turn.zero_()
            self._shift.zero_()
            if self._cameras is not None:
                self._cameras.keep_step()
        self._residual[frame, camera] = (loss.item() / covered) ** 0.5 if covered else np.nan

    def _pinned(self, head: Tensor) -> Tensor:
        """Head transforms (F, 4, 4) with those of pinned frames at their pins."""
        pinned, pins = self._problem.head_pins
        return torch.where(pinned[:, None, None], pins, head)

    def pose(self) -> tuple[np.ndarray, np.ndarray]:
        """Controls (F, K) and head (F, 4, 4), float64, within bounds and locks to the last bit."""
        controls = self._controls.detach().double().clamp(self._prior.lower, self._prior.upper)
        return controls.cpu().numpy(), self._head.cpu().numpy()

    def picture(self) -> np.ndarray:
        """Footage and render of the first camera at the start frame, side by side: (H, 2 W, 3) uint8 RGB."""
        with torch.no_grad():
            image, _, _ = self._drawn(self._first, 0)
        both = torch.cat([self._scene.luminance[self._first][0].to(image), image], 1)
        # the square root of linear light is close to a screen's encoding
        return (255 * both.clamp(0, 1)).round().byte().cpu().numpy()[..., None].repeat(3, 2)

    def outcome(self, steps: int, seconds: float) -> Outcome:
        """The present state."""
        shapes, activations = np.zeros((0, self._take.rig.vertex_count, 3)), np.zeros((self._take.frame_count, 0))
        if self._shapes is not None:
            found = self._shapes.result()
            shapes, activations = (tensor.double().cpu().numpy() for tensor in found)
        return Outcome(
            solution=self._solution(steps, seconds),
            shapes=shapes,
            activations=activations,
            cameras=None if self._cameras is None else self._cameras.refined(self._take.cameras),
            texture={tile: texels.detach() for tile, texels in self._texture.items()},
        )

    def _drawn(self, frame: int, camera: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """The image (H, W), the rig's surface (V, 3) without learned shapes, and what these add to it (V, 3)."""
        tangent = torch.cat([self._turn[frame], self._shift[frame]])
        head = retract(self._head[frame, None].to(tangent), tangent[None])
        rest = self._model.vertices(self._controls[frame, None])
        displacement = None if self._shapes is None else self._shapes.displacement(frame)
        world = apply_head(head, rest if displacement is None else rest + displacement)
        if self._cameras is not None:
            motion = self._cameras.moves_world(camera, *self._scene.extrinsics(frame, camera))
            world = apply_head(motion[None], world)
        image = self._scene.render(frame, camera, world, self._texture, self._background[camera])
        return image, rest[0], displacement

    def _roughness(self, rest: Tensor, displacement: Tensor) -> Tensor:
        method, topology, rest = self._method, self._topology, rest.detach()
        total = method.shape_size * (displacement**2).sum(1).mean()
        if method.laplacian:
            total = total + method.laplacian * laplacian(topology, displacement)
        if method.edge_length:
            total = total + method.edge_length * edge_length(topology, rest, displacement)
        if method.normal_consistency:
            total = total + method.normal_consistency * normal_consistency(topology, rest, displacement)
        return total

    def _solution(self, steps: int, seconds: float) -> Solution:
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
            provenance=Provenance(
                facesolve=VERSION,
                device=device_name(self._head.device),
                rasterizer=self._scene.backend,
                method=f"first order (Adam), {self._method.mode}",
                rates=asdict(self._method),
                steps=steps,
                seconds={"descend": round(seconds, 3)},
            ).record(),
        )

    def _parameters(self) -> list[dict[str, object]]:
        method = self._method
        groups: list[dict[str, object]] = []

        def learn(params: list[Tensor], rate: float, of: str) -> None:
            if params:
                groups.append({"params": params, "lr": rate, "of": of})

        if method.learns_controls:
            learn([self._controls], method.controls, "pose")
        if self._take.settings.head == "transform":
            learn([self._turn], method.rotation, "pose")
            learn([self._shift], method.translation, "pose")
        learn([texels for texels in self._texture.values() if texels.requires_grad], method.texture, "texture")
        if self._shapes is not None:
            learn(self._shapes.parameters, method.shapes, "shapes")
        if self._cameras is not None:
            learn([self._cameras.turn], method.camera_rotation, "pose")
            learn([self._cameras.shift], method.camera_translation, "pose")
        return groups


def _learned_shapes(take: Take, model: RigModel, method: FirstOrder, mask: np.ndarray | None) -> LearnedShapes:
    """Shapes that leave to the head what is rigid, and in ``combined`` mode to the rig what it can do."""
    weight = model.face_weight if mask is None else model.neutral.new_tensor(mask)
    span = None
    if method.mode != FREE or take.settings.head == "transform":
        _, area = cotangent_laplacian(model.neutral.double(), model.triangles)
        span = RigSpan(model, area * (weight > 0), method.mode == FREE, still=weight == 0)
    count = min(method.shape_count or take.frame_count, take.frame_count)
    return LearnedShapes(count, take.frame_count, weight, span)


def _seen_texture(problem: Problem, start: Pose, first: int, level: int) -> dict[Tile, Tensor]:
    """What the start frame shows of the surface at the start pose: (size, size, 1) encoded luminance of each tile.

    A texel is about as wide as a pixel of the level.
    """
    coarse = replace(problem, pixels_per_cm=problem.pixels_per_cm / 2**level)
    baked = bake_texture(coarse, start, torch.tensor([first], device=start.head.device))
    if isinstance(baked, NoTexture):
        raise SolveError(f"the first-order reference cannot start: {baked.reason}")
    pyramids = baked.texture.pyramids
    return {tile: encoded_luminance(levels[0][0].permute(1, 2, 0))[..., None] for tile, levels in pyramids.items()}
