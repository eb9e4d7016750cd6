"""How a first-order solve works: what it learns, how fast, when, and held back by what. Plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

from facesolve.take.errors import SolveError

PRIOR, FREE, COMBINED = "prior", "free", "combined"
MODES = (PRIOR, FREE, COMBINED)


@dataclass(frozen=True)
class FirstOrder:
    """What is learned, learning rates of Adam, their schedule, regularizers, and the resolution.

    Head transforms and the texture are always learned. Rates are steps of one iteration; weights of regularizers weigh
    against the mean squared difference of the image, encoded luminance.

    Attributes:
        controls: rate of controls, control units.
        rotation: rate of the head's rotation, radians.
        translation: rate of the head's translation, centimeters.
        texture: rate of the texture, encoded luminance.
        decay: part of every rate that is left at the end; they decay exponentially over the run.
        level: pyramid level of the footage, 0 is full resolution.
        seed: seed of the order of frames and cameras.
        mode: prior learns the rig's controls; free leaves them at the start pose and learns shapes of the surface;
            combined learns both, the shapes without what the rig can do.
        shapes: rate of learned shapes, centimeters.
        shape_count: number of learned shapes, 0 for one shape per frame.
        shapes_start: part of the run after which combined lets shapes move, 0 to 1.
        texture_start: part of the run after which the texture is learned, 0 to 1.
        texture_ramp: part of the run over which the texture's rate then grows from 0, 0 to 1.
        camera_rotation: rate of every camera's own rotation but the first one's, 0 for cameras as calibrated.
        camera_translation: the same for translation.
        laplacian: weight that keeps learned shapes smooth.
        edge_length: weight that keeps the length of edges.
        normal_consistency: weight that keeps the angle between neighboring faces.
        shape_size: weight that keeps learned shapes small.
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
            raise SolveError(f"baseline: mode '{self.mode}', expected one of {', '.join(MODES)}.")
        if not (0 <= self.shapes_start < 1 and 0 <= self.texture_start < 1 and self.texture_ramp >= 0):
            raise SolveError("baseline: a start must be at least 0 and less than 1, and a ramp must not be negative.")
        if self.shape_count < 0:
            raise SolveError(f"baseline: the number of shapes is {self.shape_count}, it must not be negative.")

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
        """The same for learned shapes."""
        return 0.0 if self.mode == COMBINED and spent < self.shapes_start else self.rate(spent)


@dataclass(frozen=True)
class Budget:
    """When to end: after ``steps`` steps or ``seconds`` seconds, whichever is first. Only steps are reproducible."""

    steps: float = float("inf")
    seconds: float = float("inf")

    def __post_init__(self) -> None:
        if not 0 < min(self.steps, self.seconds) < float("inf"):
            raise SolveError("baseline: a budget needs a positive and finite number of steps or seconds.")

    def spent(self, steps: int, seconds: float) -> float:
        """Part of the budget that is spent, 0 to 1 and above."""
        return max(steps / self.steps, seconds / self.seconds)


# ``tuned`` has the best of the rates that were tried on the demo's take, at half resolution, where a step costs less.
# ``thesis`` has the published rates, far too small for poses in radians and centimeters; its Laplacian's weight is the
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
