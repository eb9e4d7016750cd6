"""What the demo head has besides skin: eyeballs, teeth, tongue and ears, as small grids. Symmetric in x."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .sculpt import EYE_CENTER, EYE_RADIUS


@dataclass(frozen=True, eq=False)
class Part:
    """A grid of quads. vertices: (n, 3) cm; uvs: (n, 2); faces: (m, 4). jaw: 1 when it moves with the lower jaw."""

    name: str
    vertices: np.ndarray
    uvs: np.ndarray
    faces: np.ndarray
    jaw: float = 0.0


@dataclass(frozen=True)
class Island:
    """Where a part lies in the texture: its rectangle's corner and size."""

    u: float
    v: float
    width: float
    height: float

    def place(self, local: np.ndarray) -> np.ndarray:
        """local (..., 2) in 0..1 -> UVs."""
        return np.array([self.u, self.v]) + local * (self.width, self.height)


EYE_ISLAND = Island(0.02, 0.01, 0.17, 0.17)
UPPER_TEETH_ISLAND = Island(0.22, 0.10, 0.25, 0.07)
LOWER_TEETH_ISLAND = Island(0.22, 0.01, 0.25, 0.07)
TONGUE_ISLAND = Island(0.50, 0.01, 0.17, 0.17)
EAR_ISLAND = Island(0.70, 0.01, 0.14, 0.17)
OTHER_EAR_ISLAND = Island(0.85, 0.01, 0.14, 0.17)


def build_parts() -> list[Part]:
    """All parts: they share texture where both sides look alike (eyes), and mirror each other."""
    ear = _ear()
    return [
        _eyeball("eye_L", 1.0),
        _eyeball("eye_R", -1.0),
        _teeth("teeth_upper", -6.05, -7.05, 7.95, UPPER_TEETH_ISLAND, 0.0),
        _teeth("teeth_lower", -7.95, -7.15, 7.65, LOWER_TEETH_ISLAND, 1.0),
        _tongue(),
        ear,
        Part("ear_R", ear.vertices * (-1.0, 1.0, 1.0), _mirrored_ear_uvs(ear.uvs), ear.faces[:, ::-1]),
    ]


def _grid_faces(rows: int, columns: int, closed: bool) -> np.ndarray:
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    k = (j + 1) % columns
    corners = [i * columns + j, (i + 1) * columns + j, (i + 1) * columns + k, i * columns + k]
    return np.stack(corners, axis=-1).reshape(-1, 4)


def _eyeball(name: str, side: float) -> Part:
    """The front two thirds of a sphere with a slight cornea, rings around the line of sight (+z)."""
    rings, spokes = 14, 20
    tilt, turn = np.meshgrid(np.linspace(0.002, 2.1, rings), np.arange(spokes) * 2 * np.pi / spokes, indexing="ij")
    cornea = 0.07 * np.exp(-((tilt / 0.38) ** 2))
    radius = EYE_RADIUS + cornea
    local = np.stack([np.sin(tilt) * np.cos(turn), np.sin(tilt) * np.sin(turn), np.cos(tilt)], axis=-1)
    vertices = EYE_CENTER * (side, 1.0, 1.0) + radius[..., None] * local
    flat = 0.5 + 0.5 * tilt[..., None] / 2.1 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    faces = _grid_faces(rings, spokes, closed=True)
    return Part(name, vertices.reshape(-1, 3), EYE_ISLAND.place(flat).reshape(-1, 2), faces)


def _teeth(name: str, gum: float, edge: float, front: float, island: Island, jaw: float) -> Part:
    """A band along the dental arch from the gum to the biting edge, and a little inwards behind it."""
    across = np.linspace(-1.0, 1.0, 21)
    down = np.array([0.0, 0.3, 0.65, 1.0, 1.0])
    back = np.array([0.12, 0.0, 0.0, 0.05, 0.45])
    x = 2.35 * across
    z = front - 1.7 * across**2 - 0.4 * across**4
    height = gum + (edge - gum) * down
    vertices = np.stack(np.broadcast_arrays(x[None, :], height[:, None], z[None, :] - back[:, None]), axis=-1)
    local = np.stack(np.broadcast_arrays((across[None, :] + 1) / 2, 1 - np.linspace(0, 1, 5)[:, None]), axis=-1)
    faces = _grid_faces(5, 21, closed=False)
    return Part(name, vertices.reshape(-1, 3), island.place(local).reshape(-1, 2), faces, jaw)


def _tongue() -> Part:
    rings, spokes = 7, 16
    tilt, turn = np.meshgrid(np.linspace(0.005, 1.7, rings), np.arange(spokes) * 2 * np.pi / spokes, indexing="ij")
    local = np.stack([np.sin(tilt) * np.cos(turn), np.cos(tilt), -np.sin(tilt) * np.sin(turn)], axis=-1)
    vertices = np.array([0.0, -8.05, 5.6]) + local * (1.7, 0.55, 1.75)
    flat = 0.5 + 0.5 * tilt[..., None] / 1.7 * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    uvs = TONGUE_ISLAND.place(flat).reshape(-1, 2)
    return Part("tongue", vertices.reshape(-1, 3), uvs, _grid_faces(rings, spokes, closed=True), 1.0)


def _ear() -> Part:
    """The left ear: a tilted oval dish with a rolled rim (helix), an inner ridge and a lobe, stuck into the head."""
    rings, spokes = 11, 26
    out, turn = np.meshgrid(np.linspace(0.005, 1.0, rings), np.arange(spokes) * 2 * np.pi / spokes, indexing="ij")
    along, up = out * np.cos(turn), out * np.sin(turn)  # forward and up, unit disc
    narrow = 1.0 - 0.28 * np.clip(-up, 0.0, 1.0)
    rim = np.exp(-(((out - 0.86) / 0.11) ** 2)) * np.clip(0.75 + 0.9 * up - 0.8 * along, 0.0, 1.0)
    ridge = 0.6 * np.exp(-(((out - 0.55) / 0.12) ** 2)) * np.clip(0.4 - along, 0.0, 1.0)
    dish = -0.55 * np.exp(-((out / 0.42) ** 2))
    flare = -0.95 * along  # the back stands away from the head
    lift = 0.42 * rim + 0.42 * ridge + dish + 0.75 * flare - 0.5 * (out > 0.97)
    vertices = np.stack(
        [7.15 + 0.55 * lift + 0.0 * up, -1.6 + 3.1 * up, -0.7 + 1.75 * along * narrow - 0.45 * up], axis=-1
    )
    flat = np.stack([0.5 + 0.5 * along, 0.5 + 0.5 * up], axis=-1)
    uvs = EAR_ISLAND.place(flat).reshape(-1, 2)
    return Part("ear_L", vertices.reshape(-1, 3), uvs, _grid_faces(rings, spokes, closed=True)[:, ::-1])


def _mirrored_ear_uvs(uvs: np.ndarray) -> np.ndarray:
    return uvs + np.array([OTHER_EAR_ISLAND.u - EAR_ISLAND.u, 0.0])
