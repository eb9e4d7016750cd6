"""A solution against the truth, in millimeters and degrees. Knows no torch.

Python 3.7: Maya imports it together with the contract.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Optional, Tuple, Union

if TYPE_CHECKING:
    from facesolve.take import Solution, Take

    from .evaluation import Evaluation, Truth

__all__ = ["evaluate"]


def evaluate(
    solution: Solution,
    take: Take,
    truth: Union[Truth, str, os.PathLike[str]],
    region: Optional[Tuple[int, int]] = None,
) -> Evaluation:
    """Compares a solution of F frames with what really happened.

    Args:
        solution: Of any part of the take's frames.
        take: The take that was solved; its rig makes the vertices that are compared.
        truth: Its rows are the frames of ``take``. Or the path of an ``.npz`` of ``weights`` (F, K), ``names`` (K) and
            ``head`` (F, 4, 4).
        region: Vertex range [first, last) that is measured in addition to the whole face.

    Returns:
        Vertex errors in millimeters with and without the head transform, head rotation in degrees, control errors.

    Raises:
        FacesolveError: The frames or controls of the three do not correspond, the region exceeds the rig, or the
            truth cannot be read.
    """
    from .evaluation import compare

    return compare(solution, take, truth, region)
