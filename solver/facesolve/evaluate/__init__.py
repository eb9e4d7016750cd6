"""A solution against the truth, in millimetres and degrees. Knows no torch.

Python 3.7: Maya imports it together with the contract.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Tuple

if TYPE_CHECKING:
    from facesolve.take import Solution, Take

    from .evaluation import Evaluation, Truth

__all__ = ["evaluate"]


def evaluate(solution: Solution, take: Take, truth: Truth, region: Optional[Tuple[int, int]] = None) -> Evaluation:
    """Compares a solution of F frames with what really happened.

    Args:
        solution: Of any part of the take's frames.
        take: The take that was solved; its rig makes the vertices that are compared.
        truth: Its rows are the frames of ``take``.
        region: Vertex range [first, last) that is measured in addition to the whole face.

    Returns:
        Vertex errors in millimeters with and without the head transform, head rotation in degrees, control errors.

    Raises:
        FacesolveError: The frames or controls of the three do not correspond, or the region exceeds the rig.
    """
    from .evaluation import compare

    return compare(solution, take, truth, region)
