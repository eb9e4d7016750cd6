"""The residual of frames against a template that is known: what tracking and refining minimize."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from facesolve.geometry.pose import Pose
from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.runtime.kernels import fused

from .normal_equations import normal_equations, to_controls
from .observation import Views
from .photometric import Against, SaidBySamples, Template, said_by_samples
from .quadratic import Quadratic
from .residual import REFINE, TRACK, Known


@dataclass(frozen=True, eq=False)
class Photometric:
    """The residual of B frames against a known template at a pyramid level.

    scale: robust scale of each frame (B,), None to take it from the residuals.
    """

    against: Against
    level: int
    scale: Tensor | None = None
    stages: ClassVar = (TRACK, REFINE)

    @staticmethod
    def of(template: Template, views: Views, level: int, template_share: float = 1.0) -> Photometric:
        """Against a template, of what is seen in ``views``."""
        return Photometric(Against.of(template, views, template_share), level)

    def quadratic(self, known: Known, frames: Tensor, pose: Pose) -> Quadratic:
        """See ``Residual``; frames are those of the views."""
        return self.judged(known, pose, self.scale)[0]

    def judged(self, known: Known, pose: Pose, scale: Tensor | None) -> tuple[Quadratic, Tensor]:
        """The cost of B frames around ``pose``, and the robust scales (B,) used.

        The cost is that of the robust loss; its matrix that of the parabolas that touch the loss from above, whose
        weights ``robust_weight`` gives. Both are divided by the noise's variance, so that they count independent
        observations and add up with priors. Derivatives are a mix of the image's slope and the template's, of share
        ``template_share``. The matrix may be rounded (``exact=False``): it decides how fast a fit arrives, not where.

        scale: as the field.
        """
        placed = known.samples.placed(known.model.deformation(pose.controls.to(known.samples.neutral.dtype)))
        said = self.said(placed, pose.head, scale)
        noise = known.noise_variance(said.scale, self.level)
        A, b = normal_equations(placed, said.information, said.force, exact=False)
        A, b = to_controls(A, b, placed.deformation.J_unknown_control)
        quadratic = Quadratic(
            A / noise[:, None, None], b / noise[:, None], said.cost.double() / noise, said.curvature.double()
        )
        return quadratic, said.scale

    def said(self, placed: PlacedSamples, head: Tensor, scale: Tensor | None) -> SaidBySamples:
        """``said_by_samples``, by what suits the device."""
        if not fused(head.device) or self.against.views.cameras.distortion is not None:
            return said_by_samples(placed, head, self.against, scale)
        from . import photometric_triton

        return photometric_triton.said_by_samples(placed, head, self.against, scale)
