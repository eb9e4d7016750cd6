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
    """

    shapes: int = 3
    spacing: float = 1.2

    def __post_init__(self) -> None:
        if self.shapes < 1 or not 0.2 <= self.spacing <= 10:
            raise TakeError("correctives: give at least one shape, and kernels 0.2 to 10 cm apart.")
