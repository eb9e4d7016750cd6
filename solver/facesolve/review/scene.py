"""A solved take made ready to look at: its rig posed as in a frame, under the pixels of a camera. Draws no picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from facesolve.appearance.own_tiles import own_tiles
from facesolve.appearance.texel_layout import carried_triangles, lay_out_texels
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.render import Mesh, Texture
from facesolve.render.posed_rig import View, draw, mesh_of, world_vertices
from facesolve.take import Camera, Solution, Take, TakeError
from facesolve.take.provenance import read_provenance
from facesolve.take.rig_evaluation import control_columns
from facesolve.take.solved import take_rows

CARRIED_AT = 1024  # texels a side at which it is judged what of the surface the texture can hold


@dataclass(frozen=True, eq=False)
class SolvedTake:
    """A solution on the take that it solves; build with ``SolvedTake.of``.

    pose: F poses, controls in the order of the rig's. rows: 0-based take frame of each of the solution's frames.
    texture: baked from the footage, or None. gains: (C, 3) by which it must be multiplied for each of the take's
    cameras.
    """

    take: Take
    solution: Solution
    model: RigModel
    pose: Pose
    rows: tuple[int, ...]
    texture: Texture | None
    gains: Tensor

    @staticmethod
    def of(
        solution: Solution, take: Take, texture: Texture | None = None, device: torch.device | str = "cpu"
    ) -> SolvedTake:
        """Ready to be drawn on ``device``.

        Raises TakeError when ``solution`` is not one of ``take``: other controls or frames.
        """
        rows = take_rows(solution, take)
        controls = control_columns(solution.controls, solution.control_names, take.rig, "solution")
        pose = Pose(torch.as_tensor(controls, device=device), torch.as_tensor(solution.head, device=device))
        model = RigModel(solution.fitted_rig(take.rig), device)
        if texture is not None:
            if model.triangle_uvs is None:
                raise TakeError("take: its rig has no UVs, so the texture cannot be drawn; is it the right take?")
            model = model.with_uvs(own_tiles(model))
        gains = _gains(solution, take).to(model.neutral)
        texture = None if texture is None else texture.to(model.device)
        return SolvedTake(take, solution, model, pose, tuple(rows.tolist()), texture, gains)

    def world(self, rows: Sequence[int]) -> Tensor:
        """Vertices (B, V, 3) in the world, cm, at B of the solution's frames (0-based)."""
        return world_vertices(self.model, self.pose.at(list(rows)))

    def view(self, world: Tensor, camera: Camera, rows: Sequence[int]) -> View:
        """Vertices (B, V, 3) as ``camera``, free of distortion and of any size, sees them at the solution's frames."""
        indices = [self.rows[row] for row in rows]
        lens = CameraModel.from_cameras([camera], indices, self.model.device, self.model.dtype)
        return View(world, lens, draw(self.mesh, world, lens, 0))

    @cached_property
    def mesh(self) -> Mesh:
        """The rig's triangles, ready to be drawn."""
        return mesh_of(self.model)

    @cached_property
    def carried(self) -> Tensor:
        """(F,) bool: triangles that the texture speaks of."""
        return carried_triangles(self.model, lay_out_texels(self.model, 1.0, CARRIED_AT))

    @cached_property
    def polygon_edges(self) -> Tensor:
        """(F, 3) bool: the edge opposite a triangle's corner is one of its polygon, not of the cut through it."""
        polygon = self.model.triangle_polygon
        change = polygon[1:] != polygon[:-1]
        end = change.new_ones(1)
        first, last = torch.cat([end, change]), torch.cat([change, end])
        return torch.stack([torch.ones_like(first), last, first], 1)


def _gains(solution: Solution, take: Take) -> Tensor:
    """(C, 3) from the solution's provenance; 1 for a camera of which it says nothing."""
    recorded = read_provenance(solution.provenance).camera_gains
    known = dict(zip(solution.camera_names, recorded, strict=True)) if recorded else {}
    return torch.tensor([known.get(camera.name, (1.0, 1.0, 1.0)) for camera in take.cameras])
