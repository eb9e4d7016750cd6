"""Evaluates a rig: controls -> activations of its shapes, joints -> vertices -> world, each with its exact Jacobian.

Knows no camera, no image and no Maya. Without derivatives and torch: ``facesolve.take.rig_evaluation``.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from facesolve.take import Combination, Rig, SolveError
from facesolve.take.rig import MULTIPLY
from facesolve.take.rig_evaluation import joint_controls, joint_motions, moving_influences

from .deformation import Deformation, PointSkin
from .face_weight import photometric_weight
from .fans import fan_corners
from .piecewise_linear import PiecewiseLinear
from .rig_logic import RigLogic, Said, others_product
from .skeleton import Skeleton, SkinPose

_STILL_BELOW = 1e-6  # centimeters: a vertex that no shape moves further does not move


class RigModel:
    """A rig as tensors on one device. B = poses (frames), K = controls, S = shapes, V = vertices, F = triangles.

    Every shape of every target, in-betweens included, is one column of the basis, in the order of ``rig.targets`` and
    of their ``shapes``: ``vertices = skin(neutral + sum_s activation_s * deltas[s])``, rig space, centimeters; shapes
    of targets that come after the skin are added to what it makes. Without a skin vertices are linear in activations.

    neutral: (V, 3). deltas: (S, V, 3). bounds: (K, 2). default: (K,) control values of the neutral.
    triangles: (F, 3) int64 vertex indices, polygons cut into fans, corners shared as in the mesh.
    triangle_polygon: (F,) int64 polygon of each triangle. triangle_mesh: (F,) int64 index into ``rig.meshes``.
    uvs: (T, 2); triangle_uvs: (F, 3) int64 indices into ``uvs``, or None when the rig has no UVs.
    shape_target: (S,) int64 index into ``rig.targets`` of each shape.
    """

    def __init__(self, rig: Rig, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.rig = rig
        self.device = torch.device(device)
        self.dtype = dtype
        self.control_count = len(rig.controls)
        self.target_count = len(rig.targets)
        self.shape_count = sum(len(target.shapes) for target in rig.targets)
        self.neutral = self._tensor(rig.neutral)
        self.deltas = self._tensor(_dense_deltas(rig))
        self.bounds = self._tensor(rig.bounds)
        self.default = self._tensor(rig.default_controls)
        self.uvs = self._tensor(rig.uvs)
        corners, polygon = fan_corners(rig.face_counts)
        self.triangles = self._indices(rig.face_vertices[corners])
        self.triangle_uvs = self._indices(rig.face_uvs[corners]) if len(rig.face_uvs) else None
        self.triangle_polygon = self._indices(polygon)
        mesh_of_polygon = np.repeat(np.arange(len(rig.meshes)), [mesh.face_count for mesh in rig.meshes])
        self.triangle_mesh = self._indices(mesh_of_polygon[polygon])

        self._driver_control = self._indices([driver.control for driver in rig.drivers])
        self._driver_target = self._indices([driver.target for driver in rig.drivers])
        self._driver_curves = PiecewiseLinear(
            [driver.inputs for driver in rig.drivers], [driver.outputs for driver in rig.drivers], self.device, dtype
        )
        self._driver_entry = self._driver_target * self.control_count + self._driver_control
        self.shape_target = self._indices([t for t, target in enumerate(rig.targets) for _ in target.shapes])
        self._one_shape_each = all(len(target.shapes) == 1 for target in rig.targets)
        self._shape_curves = _shape_curves(rig, self.device, dtype)
        self._logic = RigLogic(rig, self.device, dtype) if rig.responses else None
        self._skeleton = None if rig.skin is None else Skeleton(rig, rig.skin, self.device, dtype)
        self._joint_controls = self._indices(joint_controls(rig) if rig.skin is not None else [])
        chosen = np.eye(self.control_count)[self._joint_controls.cpu().numpy()]
        self._chosen = self._tensor(chosen)  # (k, K) which control each of those that move joints is
        late = np.array([target.after_skin for target in rig.targets for _ in target.shapes], bool)
        late = late if rig.skin is not None else np.zeros_like(late)
        self._late = self._tensor(late) if late.any() else None  # (S,) 1 for shapes after the skin

    def with_neutral(self, rig: Rig) -> RigModel:
        """The same of a rig that differs in its neutral alone; everything else is shared."""
        other = copy(self)
        other.rig, other.neutral = rig, self._tensor(rig.neutral)
        return other

    def with_uvs(self, rig: Rig) -> RigModel:
        """The same of a rig that differs in its UVs alone; everything else is shared."""
        other, (corners, _) = copy(self), fan_corners(rig.face_counts)
        other.rig, other.uvs, other.triangle_uvs = rig, self._tensor(rig.uvs), self._indices(rig.face_uvs[corners])
        return other

    def activations(self, controls: Tensor) -> tuple[Tensor, Tensor]:
        """Activation of every shape and its derivative with respect to the controls.

        controls: (B, K) -> a (B, S), differentiable, and da (B, S, K), a constant to autograd. At a curve's corner da
        is the slope towards growing input; in ``lowest`` combinations it is that of the lowest driver (one of equals).
        Raises SolveError if ``controls`` has another shape.
        """
        values, jacobian, _ = self._activations(controls)
        return values, jacobian

    def deformation(self, controls: Tensor) -> Deformation:
        """The rig at controls (B, K), with derivatives. Raises SolveError as ``activations`` does."""
        values, jacobian, said = self._activations(controls)
        if self._skeleton is None:
            return Deformation(values, jacobian)
        chosen = self._chosen
        skin = self._skin_pose(values, said, len(controls))
        return Deformation(values, torch.cat([jacobian, chosen.expand(len(controls), -1, -1)], 1), skin)

    def target_weights(self, controls: Tensor) -> Tensor:
        """Weight of every target in the order of ``rig.targets``, combinations included. (B, K) -> (B, T)."""
        return self._target_weights(controls)[0]

    def vertices(self, controls: Tensor) -> Tensor:
        """Vertex positions in rig space, centimeters; differentiable. controls: (B, K) -> (B, V, 3)."""
        weights, _, said = self._target_weights(controls)
        values, _ = self._shape_curves(self._of_shapes(weights))
        if self._skeleton is None:
            return self._unskinned(values)
        carried = self._skin_pose(values, said, len(controls)).vertices
        if self._late is None:
            return carried
        return carried + ((values * self._late) @ self.deltas.flatten(1)).unflatten(1, (-1, 3))

    def places(self, controls: Tensor, vertices: Tensor) -> Tensor:
        """Some vertices in rig space, cm: (B, n, 3). controls: (B, K); vertices: (n,) int64."""
        deformation = self.deformation(controls)
        activations, skin = deformation.activations, deformation.skin
        deltas = self.deltas[:, vertices].permute(1, 2, 0)  # (n, 3, S)
        if skin is None:
            return self.neutral[vertices] + (deltas @ activations[:, None, :, None])[..., 0]
        points = skin.at(vertices).vertices
        if self._late is None:
            return points
        return points + ((deltas * self._late) @ activations[:, None, :, None])[..., 0]

    def at_vertices(self, controls: Tensor, vertices: Tensor) -> tuple[Tensor, Tensor]:
        """Some vertices in rig space, cm, and their derivative by the controls.

        controls: (B, K); vertices: (n,) int64. Returns (B, n, 3) and (B, n, 3, K).
        """
        deformation = self.deformation(controls)
        activations, slopes, skin = deformation.activations, deformation.J_unknown_control, deformation.skin
        deltas = self.deltas[:, vertices].permute(1, 2, 0)  # (n, 3, S)
        if skin is None:
            points = self.neutral[vertices] + (deltas @ activations[:, None, :, None])[..., 0]
            return points, deltas @ slopes[:, None]
        skin = skin.at(vertices)
        points, turns = skin.vertices, skin.matrices[..., :3]
        if self._late is None:
            rows = turns @ deltas
        else:
            late = deltas * self._late
            points = points + (late @ activations[:, None, :, None])[..., 0]
            rows = turns @ (deltas - late) + late
        return points, torch.cat([rows, skin.joint_columns], -1) @ slopes[:, None]

    def sample_basis(self, triangles: Tensor, barycentrics: Tensor) -> tuple[Tensor, Tensor]:
        """Neutral position and basis of surface samples before any skin, rig space, centimeters.

        triangles: (n,) int64 triangle of each sample; barycentrics: (n, 3), one weight for each corner of
        ``self.triangles``. Returns neutral (n, 3) and basis (S, n, 3): ``x = neutral + sum_s a_s basis[s]``.
        """
        corners = self.triangles[triangles]  # (n, 3)
        neutral = (barycentrics[..., None] * self.neutral[corners]).sum(-2)
        basis = self.deltas.new_zeros(self.shape_count, len(triangles), 3)
        for corner in range(3):
            basis += barycentrics[:, corner, None] * self.deltas[:, corners[:, corner]]
        return neutral, basis

    def sample_skin(self, triangles: Tensor, barycentrics: Tensor) -> PointSkin | None:
        """How the same points hang on the skin; None for a rig without one."""
        if self._skeleton is None:
            return None
        corners = self.triangles[triangles]
        basis = self.deltas[:, corners].permute(1, 2, 3, 0).flatten(1, 2)  # (n, 9, S)
        if self._late is None:
            return PointSkin(corners, barycentrics, basis.contiguous(), None)
        late = (barycentrics[..., None, None] * basis.unflatten(1, (3, 3))).sum(1) * self._late
        return PointSkin(corners, barycentrics, basis * (1 - self._late), late)

    def vertex_normals(self, vertices: Tensor) -> Tensor:
        """Unit normals, the area-weighted mean of the triangles around each vertex; zero where there is none.

        vertices: (B, V, 3) -> (B, V, 3), same frame; outward where the mesh is wound counter-clockwise.
        """
        a, b, c = (vertices[:, self.triangles[:, corner]] for corner in range(3))
        twice_area = torch.linalg.cross(b - a, c - a)
        normals = torch.zeros_like(vertices)
        for corner in range(3):
            normals = normals.index_add(1, self.triangles[:, corner], twice_area)
        return torch.nn.functional.normalize(normals, dim=-1, eps=torch.finfo(vertices.dtype).tiny)

    @cached_property
    def face_weight(self) -> Tensor:
        """(V,) how far each vertex's color may drive the solve: see ``geometry.face_weight.photometric_weight``."""
        return self._tensor(photometric_weight(self.rig))

    def largest_motion(self) -> Tensor:
        """(V,) cm: how far a vertex moves by that shape, or that control of joints at a limit, which moves it most."""
        motion = self.neutral.new_zeros(len(self.neutral))
        if self.shape_count:
            motion = torch.linalg.vector_norm(self.deltas, dim=-1).amax(0)
        if self._skeleton is None:
            return motion
        return torch.maximum(motion, self._tensor(joint_motions(self.rig).max(axis=0, initial=0)))

    def carriers(self) -> Tensor:
        """(V,) int64: the influence that carries most of each vertex, -1 where it never moves within the rig."""
        if self.rig.skin is None:
            return self._indices(np.full(self.rig.vertex_count, -1))
        influences, weights = self.rig.skin.padded()
        main = np.take_along_axis(influences, weights.argmax(axis=1)[:, None], 1)[:, 0]
        moves = moving_influences(self.rig)[main] & (weights.max(axis=1) > 0)
        return self._indices(np.where(moves, main, -1))

    def moving_vertices(self) -> Tensor:
        """(V,) bool: vertices that at least one shape moves by more than 1e-6 cm, or a joint that controls move."""
        return self.largest_motion() > _STILL_BELOW

    def _activations(self, controls: Tensor) -> tuple[Tensor, Tensor, Said | None]:
        weights, driver_slopes, said = self._target_weights(controls)
        values, slopes = self._shape_curves(self._of_shapes(weights))
        with torch.no_grad():
            jacobian = self._of_shapes(self._target_jacobian(weights, driver_slopes, said))
        return values, slopes[:, :, None] * jacobian, said

    def _unskinned(self, activations: Tensor) -> Tensor:
        return self.neutral + (activations @ self.deltas.flatten(1)).unflatten(1, (-1, 3))

    def _skin_pose(self, activations: Tensor, said: Said | None, frames: int) -> SkinPose:
        assert self._skeleton is not None
        points = self._unskinned(activations if self._late is None else activations * (1 - self._late))
        if said is None:
            channels = activations.new_zeros(frames, len(self.rig.channels))
            return SkinPose(self._skeleton, points, channels, channels.new_zeros(*channels.shape, 0))
        return SkinPose(self._skeleton, points, said.channels, said.J_channels[:, :, self._joint_controls])

    def _of_shapes(self, of_targets: Tensor) -> Tensor:
        """(B, T, ...) of each target -> (B, S, ...) of each shape's target."""
        return of_targets if self._one_shape_each else of_targets[:, self.shape_target]

    def _target_weights(self, controls: Tensor) -> tuple[Tensor, Tensor, Said | None]:
        """Weight of every target (B, T), combinations included, the slope of every driver (B, drivers), and what the
        responses say, None where there are none."""
        if controls.ndim != 2 or controls.shape[1] != self.control_count:
            raise SolveError(
                f"rig: control values have shape {tuple(controls.shape)}, expected (frames, {self.control_count})."
            )
        values, slopes = self._driver_curves(controls[:, self._driver_control])
        weights = controls.new_zeros(len(controls), self.target_count).index_add(1, self._driver_target, values)
        said = None if self._logic is None else self._logic(controls)
        if said is not None:
            weights = weights + said.weights
        if self.rig.combinations:
            columns = list(weights.unbind(1))
            for combination in self.rig.combinations:
                drivers = torch.stack([columns[driver] for driver in combination.drivers], 1)
                columns[combination.target] = drivers.prod(1) if combination.method == MULTIPLY else drivers.amin(1)
            weights = torch.stack(columns, 1)
        return weights, slopes, said

    def _target_jacobian(self, weights: Tensor, driver_slopes: Tensor, said: Said | None) -> Tensor:
        """Derivative of every target's weight (B, T) with respect to the controls: (B, T, K)."""
        jacobian = weights.new_zeros(len(weights), self.target_count * self.control_count)
        jacobian.index_add_(1, self._driver_entry, driver_slopes)
        jacobian = jacobian.unflatten(1, (self.target_count, self.control_count))
        if said is not None:
            jacobian = jacobian + said.J_weights
        for combination in self.rig.combinations:
            drivers = torch.stack([weights[:, driver] for driver in combination.drivers], 1)
            factors = _combination_gradient(combination, drivers)
            for i, driver in enumerate(combination.drivers):
                jacobian[:, combination.target] += factors[:, i, None] * jacobian[:, driver]
        return jacobian

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.tensor(values, device=self.device, dtype=self.dtype)

    def _indices(self, values: np.ndarray | Sequence[int]) -> Tensor:
        return torch.tensor(np.asarray(values, np.int64), device=self.device)


def apply_head(head: Tensor, points: Tensor) -> Tensor:
    """World positions ``R p + t`` of rig-space points, centimeters. head: (B, 4, 4), points: (B, n, 3) -> (B, n, 3)."""
    return points @ head[:, :3, :3].mT + head[:, None, :3, 3]


def _combination_gradient(combination: Combination, weights: Tensor) -> Tensor:
    """Derivative of the combination's weight with respect to its drivers' weights. (B, n) -> (B, n)."""
    count = weights.shape[1]
    if combination.method == MULTIPLY:
        return others_product(weights)
    return torch.nn.functional.one_hot(weights.argmin(1), count).to(weights.dtype)


def _dense_deltas(rig: Rig) -> np.ndarray:
    """(S, V, 3) float32 offsets of every shape of every target from the neutral."""
    shapes = [shape for target in rig.targets for shape in target.shapes]
    dense = np.zeros((len(shapes), rig.vertex_count, 3), np.float32)
    for row, shape in zip(dense, shapes, strict=True):
        row[shape.vertices] = shape.deltas
    return dense


def _shape_curves(rig: Rig, device: torch.device, dtype: torch.dtype) -> PiecewiseLinear:
    """For every shape its activation as a function of its target's weight: 1 at its own weight, 0 at the target's
    other shapes and at weight 0."""
    inputs, outputs = [], []
    for target in rig.targets:
        knots = np.array(sorted({0.0, *(shape.weight for shape in target.shapes)}))
        for shape in target.shapes:
            inputs.append(knots)
            outputs.append((knots == shape.weight).astype(np.float64))
    return PiecewiseLinear(inputs, outputs, device, dtype)
