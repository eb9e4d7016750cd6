"""The demo head's form as a signed distance: smoothly joined ellipsoids and round cones, and rays that find the skin.

Knows nothing about meshes. Face looks along +z, y is up, the actor's left is +x; centimeters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EYE_CENTER = np.array([3.1, 0.0, 6.35])  # of the left eyeball
EYE_RADIUS = 1.25
LID_THICKNESS = 0.13
FAR = 18.0  # every ray starts at this distance from its origin, outside the head
MARCH_STEPS = 60
MARCH_STRIDE = 0.7  # shorter than the distance, which is approximate
ARRIVED = 1e-10  # centimeters, of the last step


@dataclass(frozen=True)
class Ellipsoid:
    """Joined to what comes before it over the width ``blend``; cut out of it when ``carve``. Mirrored at x = 0."""

    center: tuple[float, float, float]
    radii: tuple[float, float, float]
    blend: float
    carve: bool = False

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Approximate signed distance of points given by coordinates, arrays of one shape."""
        (a, b, c), (u, v, w) = self.center, self.radii
        x, y, z = (x - a) / u, (y - b) / v, (z - c) / w
        inner = np.sqrt(x * x + y * y + z * z)
        x, y, z = x / u, y / v, z / w
        return inner * (inner - 1.0) / np.maximum(np.sqrt(x * x + y * y + z * z), 1e-9)


@dataclass(frozen=True)
class Cone:
    """A segment from ``start`` to ``end`` whose radius goes linearly from one to the other. Mirrored at x = 0."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    start_radius: float
    end_radius: float
    blend: float
    carve: bool = False

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Approximate signed distance of points given by coordinates, arrays of one shape."""
        (a, b, c), (d, e, f) = self.start, self.end
        u, v, w = d - a, e - b, f - c
        x, y, z = x - a, y - b, z - c
        along = np.minimum(np.maximum((x * u + y * v + z * w) / (u * u + v * v + w * w), 0.0), 1.0)
        x, y, z = x - along * u, y - along * v, z - along * w
        radius = self.start_radius + (self.end_radius - self.start_radius) * along
        return np.sqrt(x * x + y * y + z * z) - radius


LEFT_EYE = (float(EYE_CENTER[0]), float(EYE_CENTER[1]), float(EYE_CENTER[2]))
LID_RADIUS = EYE_RADIUS + LID_THICKNESS

FORM: tuple[Ellipsoid | Cone, ...] = (
    Ellipsoid((0.0, 3.2, -1.2), (7.4, 8.2, 9.2), 0.0),  # skull
    Ellipsoid((0.0, -3.0, 1.4), (6.2, 8.0, 7.0), 2.8),  # face
    Ellipsoid((0.0, 4.0, 3.2), (5.8, 4.8, 5.0), 2.4),  # forehead
    Cone((0.0, -7.0, -3.0), (0.0, -22.0, -4.6), 4.5, 5.0, 2.4),  # neck
    Cone((4.7, -4.8, -0.4), (1.5, -9.8, 5.2), 1.3, 1.3, 2.6),  # jaw
    Ellipsoid((0.0, -9.8, 6.5), (1.8, 1.5, 1.5), 1.9),  # chin
    Ellipsoid((4.1, -2.6, 5.2), (1.9, 1.6, 1.9), 2.4),  # cheekbone
    Ellipsoid((2.9, -5.6, 5.6), (2.3, 2.4, 2.0), 2.6),  # cheek
    Ellipsoid((0.0, -6.9, 6.5), (2.8, 2.4, 2.2), 1.8),  # muzzle
    Cone((0.6, 1.7, 7.5), (4.3, 1.65, 5.9), 0.85, 0.75, 1.4),  # brow ridge
    Ellipsoid((3.1, -0.1, 9.2), (1.8, 1.1, 1.9), 1.2, carve=True),  # eye socket
    Ellipsoid(LEFT_EYE, (LID_RADIUS, LID_RADIUS, LID_RADIUS), 0.5),  # lids
    Cone((0.0, 0.9, 7.6), (0.0, -3.1, 9.85), 0.62, 0.74, 1.0),  # bridge of the nose
    Ellipsoid((0.0, -3.4, 9.85), (0.95, 0.85, 0.95), 0.7),  # tip
    Ellipsoid((0.95, -3.75, 8.65), (0.74, 0.7, 0.95), 1.0),  # wing
    Cone((0.0, -3.9, 9.3), (0.0, -4.5, 8.9), 0.42, 0.4, 0.5),  # columella
    Cone((0.0, -5.0, 9.25), (0.0, -5.9, 9.2), 0.22, 0.26, 0.6, carve=True),  # philtrum
    Cone((0.0, -6.44, 8.74), (0.75, -6.36, 8.62), 0.36, 0.4, 0.5),  # upper lip
    Cone((0.75, -6.36, 8.62), (2.35, -6.9, 7.5), 0.4, 0.22, 0.5),
    Cone((0.0, -7.42, 8.6), (1.0, -7.36, 8.42), 0.5, 0.47, 0.5),  # lower lip
    Cone((1.0, -7.36, 8.42), (2.3, -7.0, 7.5), 0.47, 0.22, 0.5),
    Ellipsoid((0.0, -8.55, 8.9), (1.5, 0.5, 0.7), 1.0, carve=True),  # fold above the chin
)


def signed_distance(points: np.ndarray) -> np.ndarray:
    """Distance of points (..., 3) cm from the skin, negative inside; approximate but with an exact zero."""
    x, y, z = (np.ascontiguousarray(points[..., axis]) for axis in range(3))  # numpy is slow along an axis of three
    x = np.abs(x)
    distance = FORM[0].distance(x, y, z)
    for part in FORM[1:]:
        other = part.distance(x, y, z)
        if part.carve:
            distance = -_smooth_minimum(-distance, other, part.blend)
        else:
            distance = _smooth_minimum(distance, other, part.blend)
    return distance


def cast(origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Where rays (..., 3) from inside the head leave it for good: marched from outside towards their origins."""
    shape = np.broadcast_shapes(origins.shape, directions.shape)
    begin, along = (np.broadcast_to(rays, shape).reshape(-1, 3) for rays in (origins, directions))
    reach = np.full(len(begin), FAR)
    marching = np.arange(len(begin))
    for _ in range(MARCH_STEPS):
        step = MARCH_STRIDE * signed_distance(begin[marching] + reach[marching, None] * along[marching])
        reach[marching] = np.maximum(reach[marching] - step, 0.1)
        marching = marching[np.abs(step) > ARRIVED]
        if not len(marching):
            break
    return (begin + reach[:, None] * along).reshape(shape)


def _smooth_minimum(first: np.ndarray, second: np.ndarray, width: float) -> np.ndarray:
    """Minimum whose corner is rounded over ``width`` (Quilez, "Smooth minimum", quadratic polynomial)."""
    overlap = np.maximum(width - np.abs(first - second), 0.0) / width
    return np.minimum(first, second) - overlap * overlap * width * 0.25
