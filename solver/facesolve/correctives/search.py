"""What to look for in a search for correctives. Plain numbers."""

from __future__ import annotations

from dataclasses import dataclass

from facesolve.take import TakeError


@dataclass(frozen=True)
class Search:
    """What to look for.

    Attributes:
        shapes: maximum number of shapes.
        spacing: distance between the kernels in centimeters, 0.2 to 10; finer deformation is not found.
        largest: millimeters that a shape may move the surface; what moves farther is no detail that the rig lacks.
        gain: least share of all disagreement between cameras and frames that the shapes must explain together, 0 to 1.
    """

    shapes: int = 3
    spacing: float = 1.2
    largest: float = 5.0
    gain: float = 0.02

    def __post_init__(self) -> None:
        if self.shapes < 1 or not 0.2 <= self.spacing <= 10:
            raise TakeError("correctives: give at least one shape, and kernels 0.2 to 10 cm apart.")
        if not self.largest > 0 or not 0 <= self.gain < 1:
            raise TakeError("correctives: give a largest motion above 0 mm, and a gain of at least 0 and below 1.")
