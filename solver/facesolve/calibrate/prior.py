"""What is known of any camera before it sees a board: pixels are square, the axis meets the image near its middle, and
lenses bend an image by some percent. Where views say little, this keeps numbers that nobody measured where they belong.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .lens import CX, CY, FX, FY, K1, K2, K3, PARAMETERS, project
from .sightings import Prior, Rig

CENTER = 0.01  # of the image's longer side: how far principal points lie from the middle (one standard deviation)
ASPECT = 0.001  # by how much the two focal lengths of a camera differ, relative
RADIAL = (0.15, 0.08, 0.04)  # by how much each radial term moves the image's corner, relative to its distance
TANGENTIAL = 0.001  # the coefficients of a lens whose elements are off its axis, whatever part of its image is used
SERIES = 0.5  # of what a found lens moves the corner by: how much each radial number that it lacks may move it
STRAIGHT = 0.01  # the same, relative, of a lens found to be straight
CONTRADICTED = 3.0  # standard deviations of the prior: a lens that far off says that the prior does not hold for it


def lens_prior(
    lenses: np.ndarray,
    sizes: Sequence[tuple[int, int]],
    fisheye: Sequence[bool],
    noise: Sequence[float],
    centered: Sequence[bool] | None = None,
    square: Sequence[bool] | None = None,
) -> Prior:
    """The prior of cameras whose lenses are about ``lenses`` (C, 12).

    sizes: (width, height). noise: pixels, standard deviation of an error that is worth one independent point.
    centered, square: for which cameras the middle of the image and square pixels are believed in.
    """
    means, precision = np.zeros((len(lenses), PARAMETERS)), np.zeros((len(lenses), PARAMETERS, PARAMETERS))
    for index, (lens, size) in enumerate(zip(lenses, sizes, strict=True)):
        focal = lens[[FX, FY]].mean()
        means[index, [CX, CY]] = np.array(size) / 2
        if centered is None or centered[index]:
            precision[index][[CX, CY], [CX, CY]] = (CENTER * max(size)) ** -2.0
        if square is None or square[index]:
            difference = np.zeros(PARAMETERS)
            difference[[FX, FY]] = 1.0, -1.0
            precision[index] += np.outer(difference, difference) / (ASPECT * focal) ** 2
        spread = _spreads(np.hypot(*size) / 2 / focal, fisheye[index])
        precision[index][range(K1, PARAMETERS), range(K1, PARAMETERS)] = spread**-2.0
        precision[index] *= noise[index] ** 2
    return Prior(means, precision, float(np.mean(np.square(noise))))


def converging(
    prior: Prior, rig: Rig, chosen: Sequence[np.ndarray], sizes: Sequence[tuple[int, int]], noise: Sequence[float]
) -> Prior:
    """``prior`` with what is known of the radial numbers that the chosen lenses lack: the series converges.

    chosen: (12, m), what was free of each lens; noise: as of ``lens_prior``. A lens that is seen to bend the image by
    a little has no large numbers of high order.
    """
    precision = prior.precision.copy()
    for index, (lens, basis, size) in enumerate(zip(rig.lenses, chosen, sizes, strict=True)):
        if rig.bends(index) or not basis.shape[1]:
            continue
        reach = np.hypot(*size) / 2 / lens[[FX, FY]].mean()
        edge = project(lens, np.array([[reach, 0.0, 1.0]])).pixels[0, 0] - lens[CX]
        bend = max(abs(edge / (reach * lens[FX]) - 1), STRAIGHT)
        for number, power in ((K1, 1), (K2, 2), (K3, 3)):
            if not basis[number].any():
                deviation = SERIES * bend / reach ** (2 * power)
                precision[index][number, number] = max(
                    precision[index][number, number], (noise[index] / deviation) ** 2
                )
    return Prior(prior.expected, precision, prior.shape)


def contradicted(lens: np.ndarray, size: tuple[int, int]) -> tuple[bool, bool]:
    """Whether a lens found in spite of the prior has its center, and its aspect, where no prior expects them."""
    center = np.linalg.norm(lens[[CX, CY]] - np.array(size) / 2)
    aspect = abs(lens[FX] / lens[FY] - 1)
    return bool(center > CONTRADICTED * CENTER * max(size)), bool(aspect > CONTRADICTED * ASPECT)


def _spreads(corner: float, fisheye: bool) -> np.ndarray:
    """(8,) standard deviations of the coefficients. corner: tangent of the angle between the axis and a corner."""
    reach = np.arctan(corner) if fisheye else corner
    first, second, third = (share / reach ** (2 * power) for power, share in enumerate(RADIAL, 1))
    if fisheye:
        return np.array([first, second, third, third / reach**2, 1.0, 1.0, 1.0, 1.0])
    return np.array([first, second, TANGENTIAL, TANGENTIAL, third, first, second, third])
