"""What poses are held against: the interface of every residual of a solve, the product's own and anybody else's.

A residual is a cost of the pose of each frame. It gives its parabola around a pose: value, gradient and a
positive semidefinite matrix (Gauss-Newton's), in units of information. So a residual ``r`` with standard deviation
``s`` and derivative ``J`` has cost ``(r / s)^2 / 2``, ``b = -J^T r / s^2`` and ``A = J^T J / s^2``, and residuals of
every kind may be added.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.take import Take

from .quadratic import Quadratic
from .visibility import ViewBuilder

ALIGN, TRACK, BUNDLE, REFINE, JOINT = STAGES = ("align", "track", "bundle", "refine", "joint")


class Known(Protocol):
    """What a residual may look at: the take, its rig on the device of the solve, and the cameras.

    ``model.at_vertices(controls, vertices)`` gives places of vertices and their derivative, ``samples.placed`` those of
    points on the surface, ``views.cameras(level, frames)`` the cameras (B, C) without distortion at a pyramid level,
    0 being full resolution. ``samples`` are the points at which footage is compared, and ``noise_variance`` what its
    residuals are divided by.
    """

    @property
    def take(self) -> Take: ...

    @property
    def model(self) -> RigModel: ...

    @property
    def views(self) -> ViewBuilder: ...

    @property
    def samples(self) -> SurfaceSamples: ...

    def noise_variance(self, scale: Tensor, level: int) -> Tensor: ...


class Residual(Protocol):
    """A cost of poses. The same object serves all stages, and all devices that share a solve: it holds no state.

    stages: in which of ``STAGES`` it takes part. The frames that ``align``, ``track`` and ``refine`` fit do not depend
    on each other; ``bundle`` fits a few keyframes together, and ``joint`` takes one last step of all frames.
    """

    @property
    def stages(self) -> Iterable[str]: ...

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        """The cost of B frames around their poses, information units.

        Args:
            known: take, rig and cameras.
            frames: (B,) int64, indices into ``take.frames``.
            pose: controls (B, K) and head transforms (B, 4, 4), rig to world, centimeters, float64.

        Returns:
            A (B, K+6, K+6), b (B, K+6) = -gradient and cost (B,), float64, on the device of the pose. Unknowns are the
            controls and the head step (w, u) of ``rigid.retract``: radians, centimeters, along the head's own axes;
            ``rigid.step_basis`` is its derivative in rig space. A (B, K, K) and b (B, K) leave the head alone.
        """
        ...
