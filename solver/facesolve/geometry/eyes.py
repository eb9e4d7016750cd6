"""Where a rig has eyeballs, and where its lids open over them: found by shape alone, whatever meshes are called.

Knows no image and no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from facesolve.take import Rig

from .face_weight import connected_pieces

ROUND = 0.06  # of the radius, rms, by which an eyeball may be off its sphere
WHOLE = 1.4  # radii that it reaches along each axis, at least
RADII = (0.7, 2.2)  # cm
LEAST_VERTICES = 40
NEAR = 3.0  # radii: surface that may hide an eyeball
FACING = np.cos(np.radians(70.0))  # of the opening, from the direction away from the middle of the skin
DIRECTIONS = 800
COLUMNS = 9  # places along the lids
ACROSS = 0.7  # of the opening's width, its middle, in which they lie
LIFT = np.radians(np.arange(-60.0, 60.5, 1.5))  # up and down from the opening's middle
HALVINGS = 6
RAYS_TOGETHER = 200


@dataclass(frozen=True, eq=False)
class Eyeball:
    """A piece of the rig that is about a sphere. vertices: (n,) int64; center: (3,) and radius: cm, in the neutral;
    outward: (3,) unit, away from the middle of the skin."""

    vertices: np.ndarray
    center: np.ndarray
    radius: float
    outward: np.ndarray


@dataclass(frozen=True, eq=False)
class Lids:
    """Points of an eye's lid margins in n columns, where lids stop hiding the eyeball of the neutral.

    upper, lower: (n,) int64 triangles of the fan-cut mesh, with barycentrics (n, 3).
    """

    upper: np.ndarray
    upper_barycentrics: np.ndarray
    lower: np.ndarray
    lower_barycentrics: np.ndarray


def find_eyeballs(rig: Rig) -> tuple[Eyeball, ...]:
    """The rig's eyeballs, the outermost piece of each."""
    piece = connected_pieces(rig)
    counts = np.bincount(piece)
    middle = rig.neutral[piece == np.argmax(counts)].mean(axis=0)
    found: list[Eyeball] = []
    for number in np.flatnonzero(counts >= LEAST_VERTICES):
        vertices = np.flatnonzero(piece == number)
        points = rig.neutral[vertices]
        if np.ptp(points, axis=0).max() > 2.5 * RADII[1]:
            continue
        center, radius = _sphere(points)
        off = np.linalg.norm(points - center, axis=1) - radius
        whole = (np.ptp(points, axis=0) > WHOLE * radius).all()
        if whole and RADII[0] < radius < RADII[1] and np.sqrt((off**2).mean()) < ROUND * radius:
            found.append(Eyeball(vertices, center, radius, (center - middle) / np.linalg.norm(center - middle)))
    found.sort(key=lambda ball: -ball.radius)
    outer: list[Eyeball] = []
    for ball in found:
        if all(np.linalg.norm(ball.center - other.center) > ball.radius for other in outer):
            outer.append(ball)
    return tuple(sorted(outer, key=lambda ball: -ball.center[0]))


def skin_around(rig: Rig, triangles: np.ndarray, eyeball: Eyeball) -> np.ndarray:
    """(n,) int64 which triangles (F, 3) of the fan-cut mesh are skin near the eyeball, in the neutral."""
    piece = connected_pieces(rig)
    skin = piece == np.argmax(np.bincount(piece))
    near = np.linalg.norm(rig.neutral[triangles].mean(axis=1) - eyeball.center, axis=1) < NEAR * eyeball.radius
    return np.flatnonzero(skin[triangles[:, 0]] & near)


def opening(corners: np.ndarray, center: np.ndarray, outward: np.ndarray) -> np.ndarray:
    """(n, 3) unit directions from an eyeball's center, forward of it, in which no skin hides it.

    corners: (t, 3, 3) of the skin around it; outward: as in ``Eyeball``.
    """
    directions = _sphere_directions()
    directions = directions[directions @ outward > FACING]
    hit, _ = _first_hits(center, directions, corners)
    return directions[hit < 0]


def find_lids(rig: Rig, triangles: np.ndarray) -> tuple[Lids, ...]:
    """The lid margins before each eyeball of a pair, unless lids hide it in the neutral.

    triangles: (F, 3) of the fan-cut mesh.
    """
    eyeballs = find_eyeballs(rig)
    if len(eyeballs) != 2:
        return ()
    side = eyeballs[0].center - eyeballs[1].center
    lids = (_lids_of(rig, triangles, eyeball, side / np.linalg.norm(side)) for eyeball in eyeballs)
    return tuple(each for each in lids if each is not None)


def _lids_of(rig: Rig, triangles: np.ndarray, eyeball: Eyeball, side: np.ndarray) -> Lids | None:
    """side: (3,) unit, from one eye to the other, along which the columns lie."""
    skin = skin_around(rig, triangles, eyeball)
    corners = rig.neutral[triangles[skin]]
    clear = opening(corners, eyeball.center, eyeball.outward)
    if len(clear) < 5:
        return None
    forward = clear.mean(axis=0) / np.linalg.norm(clear.mean(axis=0))
    side = side - (side @ forward) * forward
    side /= np.linalg.norm(side)
    up = np.cross(forward, side)
    width = np.arctan2(clear @ side, clear @ forward)
    middle, half = (width.max() + width.min()) / 2, ACROSS * np.ptp(width) / 2
    found: list[tuple[int, np.ndarray, int, np.ndarray]] = []
    for turn in middle + half * np.linspace(-1, 1, COLUMNS):
        column = _column(eyeball.center, np.cos(turn) * forward + np.sin(turn) * side, up, corners)
        if column is not None:
            found.append(column)
    if not found:
        return None
    upper, upper_places, lower, lower_places = zip(*found, strict=True)
    return Lids(skin[list(upper)], np.array(upper_places), skin[list(lower)], np.array(lower_places))


def _column(
    center: np.ndarray, ahead: np.ndarray, up: np.ndarray, corners: np.ndarray
) -> tuple[int, np.ndarray, int, np.ndarray] | None:
    """Row in ``corners`` and barycentrics of the margin above and of the one below the clear directions of a column."""

    def hits(lift: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _first_hits(center, np.cos(lift)[:, None] * ahead + np.sin(lift)[:, None] * up, corners)

    clear = np.flatnonzero(hits(LIFT)[0] < 0)
    if not len(clear):
        return None
    runs = np.split(clear, np.flatnonzero(np.diff(clear) > 1) + 1)
    run = min(runs, key=lambda each: abs(float(LIFT[each].mean())))
    ends = []
    for inside, beyond in ((run[-1], run[-1] + 1), (run[0], run[0] - 1)):
        if not 0 <= beyond < len(LIFT):
            return None
        free, hidden = float(LIFT[inside]), float(LIFT[beyond])
        for _ in range(HALVINGS):
            between = (free + hidden) / 2
            if hits(np.array([between]))[0][0] < 0:
                free = between
            else:
                hidden = between
        row, place = hits(np.array([hidden]))
        ends.append((int(row[0]), place[0]))
    (upper, upper_place), (lower, lower_place) = ends
    return upper, upper_place, lower, lower_place


def _sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Center and radius of the sphere nearest to points (n, 3)."""
    rows = np.concatenate([2 * points, np.ones((len(points), 1))], axis=1)
    solution = np.linalg.lstsq(rows, (points**2).sum(axis=1), rcond=None)[0]
    return solution[:3], float(np.sqrt(max(solution[3] + solution[:3] @ solution[:3], 0.0)))


def _sphere_directions() -> np.ndarray:
    """(DIRECTIONS, 3) unit, even over the sphere (Fibonacci's spiral)."""
    index = np.arange(DIRECTIONS) + 0.5
    height, turn = 1 - 2 * index / DIRECTIONS, np.pi * (1 + 5**0.5) * index
    across = np.sqrt(1 - height**2)
    return np.stack([across * np.cos(turn), across * np.sin(turn), height], axis=1)


def _first_hits(center: np.ndarray, directions: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangle (n,) that each ray meets first, -1 for none, and the barycentrics (n, 3) of the place.

    directions: (n, 3); corners: (t, 3, 3). Moeller and Trumbore 1997.
    """
    parts = list(_hits_in_parts(center, directions, corners))
    return np.concatenate([row for row, _ in parts]), np.concatenate([place for _, place in parts])


def _hits_in_parts(
    center: np.ndarray, directions: np.ndarray, corners: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    away = center - corners[:, 0]
    turned = np.cross(away, first)
    # (ray x second) . x = ray . (second x x): products of matrices instead of one cross product for each ray
    normal, sideways = np.cross(second, first), np.cross(second, away)
    distance = (turned * second).sum(axis=1)
    for begin in range(0, len(directions), RAYS_TOGETHER):
        rays = directions[begin : begin + RAYS_TOGETHER]
        volume = rays @ normal.T
        volume = np.where(np.abs(volume) < 1e-12, np.inf, volume)
        u, v = rays @ sideways.T / volume, rays @ turned.T / volume
        length = distance / volume
        met = (u >= 0) & (v >= 0) & (u + v <= 1) & (length > 1e-6)
        length = np.where(met, length, np.inf)
        row = length.argmin(axis=1)
        every = np.arange(len(row))
        place = np.stack([1 - u[every, row] - v[every, row], u[every, row], v[every, row]], axis=1)
        yield np.where(met.any(axis=1), row, -1), place
