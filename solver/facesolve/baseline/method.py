"""How a first-order solve works: what it learns, how fast, when, and held back by what. Plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

PRIOR, FREE, COMBINED = "prior", "free", "combined"
MODES = (PRIOR, FREE, COMBINED)


@dataclass(frozen=True)
class FirstOrder:
    """What is learnt, learning rates of Adam, their schedule, regularisers, and the resolution.

    mode: ``prior`` learns the rig's controls; ``free`` leaves them at the start pose and learns shapes of the surface;
    ``combined`` learns both, the shapes without what the rig can do. All learn head transforms and the texture.
    controls: control units a step. rotation: radians. translation: centimetres. texture: encoded luminance.
    decay: part of every rate that is left at the end; they decay exponentially over the run.
    level: pyramid level of the footage, 0 is full resolution. seed: of the order of cameras and frames.

    shapes: rate of learnt shapes, centimetres; shape_count: how many, 0 for one a frame; shapes_start: part of the run
    after which ``combined`` lets them move. texture_start: part of the run after which the texture moves;
    texture_ramp: part of it over which its rate then grows from 0. camera_rotation, camera_translation: rates of every
    camera's own motion but the first one's, 0 for cameras as calibrated.

    laplacian, edge_length, normal_consistency, shape_size: weights of ``facesolve.baseline.regularisers`` against the
    mean squared difference of the image, encoded luminance.
    """

    controls: float
    rotation: float
    translation: float
    texture: float
    decay: float
    level: int
    seed: int = 0
    mode: str = PRIOR
    shapes: float = 0.0
    shape_count: int = 0
    shapes_start: float = 0.0
    texture_start: float = 0.0
    texture_ramp: float = 0.0
    camera_rotation: float = 0.0
    camera_translation: float = 0.0
    laplacian: float = 0.0
    edge_length: float = 0.0
    normal_consistency: float = 0.0
    shape_size: float = 0.0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode '{self.mode}', expected one of {', '.join(MODES)}")
        if not (0 <= self.shapes_start < 1 and 0 <= self.texture_start < 1 and self.texture_ramp >= 0):
            raise ValueError(f"starts must lie in the run, 0 to below 1, and a ramp must not be negative, got {self}")
        if self.shape_count < 0:
            raise ValueError(f"a number of shapes must not be negative, got {self.shape_count}")

    @property
    def learns_controls(self) -> bool:
        return self.mode != FREE

    @property
    def learns_shapes(self) -> bool:
        return self.mode != PRIOR

    def rate(self, spent: float) -> float:
        """What part of the rates holds when a part ``spent`` of the run is over."""
        return self.decay**spent

    def texture_rate(self, spent: float) -> float:
        """The same for the texture: nothing before its start, then a linear ramp."""
        if spent < self.texture_start:
            return 0.0
        grown = (spent - self.texture_start) / self.texture_ramp if self.texture_ramp else 1.0
        return self.rate(spent) * min(grown, 1.0)

    def shapes_rate(self, spent: float) -> float:
        """The same for learnt shapes."""
        return 0.0 if self.mode == COMBINED and spent < self.shapes_start else self.rate(spent)


# ``tuned`` has the best of the rates that were tried on the demo's take, at half resolution, where a step costs less.
# ``thesis`` has the published rates, far too small for poses in radians and centimetres; its Laplacian's weight is the
# published one in our units, 5000 / 255^2.
PRESETS = {
    "tuned": FirstOrder(
        controls=2e-2,
        rotation=5e-3,
        translation=2e-2,
        texture=3e-2,
        decay=0.05,
        level=1,
        shapes=2e-2,
        shape_count=4,
        shapes_start=0.5,
        laplacian=3.0,
        edge_length=0.1,
        normal_consistency=0.01,
        shape_size=0.01,
    ),
    "thesis": FirstOrder(
        controls=1e-3,
        rotation=1e-5,
        translation=1e-5,
        texture=1e-3,
        decay=0.005,
        level=0,
        shapes=1e-3,
        shapes_start=0.5,
        laplacian=0.077,
    ),
}
