"""The request to apply a solution. Knows no scene."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

from facesolve.take import Solution, Take, read_solution, read_take
from facesolve.take.solved import find_take_folder

BLEND_FRAMES = 3


@dataclass(frozen=True, eq=False)
class ApplyRequest:
    """A solution to key, and where.

    head: transform that gets the head's motion; empty leaves the head alone. layer: animation layer, made when it does
    not exist; empty: ``facesolve_`` and the take's name, with a number when that is taken. span: scene times (first,
    last) to key, both included; None keys all. blend: frames over which a span goes over into what is there.
    tolerance: surface error in millimeters that fewer keys may cost; None keys every frame. namespace: of the rig in
    this scene, where it is another than the take's; None finds it when there is one such rig.
    """

    take: Take
    solution: Solution
    head: str = ""
    layer: str = ""
    span: Optional[Tuple[float, float]] = None
    blend: int = BLEND_FRAMES
    tolerance: Optional[float] = None
    take_folder: str = ""
    solution_folder: str = ""
    namespace: Optional[str] = None


def read_request(
    solution: Path,
    take: Optional[Path] = None,
    head: str = "",
    layer: str = "",
    span: Optional[Tuple[float, float]] = None,
    tolerance: Optional[float] = None,
    namespace: Optional[str] = None,
) -> ApplyRequest:
    """The request for files on disk. take: where it is not the one that the solution's provenance names."""
    found = read_solution(solution)
    folder = find_take_folder(found, solution, take)
    return ApplyRequest(
        take=read_take(folder),
        solution=found,
        head=head,
        layer=layer,
        span=span,
        tolerance=tolerance,
        take_folder=str(folder),
        solution_folder=str(solution),
        namespace=namespace,
    )
