"""The demo head's blendshapes: offsets as smooth fields over the neutral, named as ARKit names them; centimeters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .parts import Part
from .sculpt import EYE_CENTER
from .skin_grid import MOUTH_LINE, ROOF, SkinGrid

Weighted = list[tuple[float, np.ndarray]]  # a target's shapes: weight at which each is fully on, offsets (V, 3)
ShapeFunction = Callable[["Anatomy"], Weighted]

HINGE = np.array([0.0, -2.6, 0.0])  # of the lower jaw
JAW_ANGLE = np.radians(14.0)
LID_ROWS = 7  # rows above the margin that follow the upper lid
COMBINATION = "jawOpen_mouthPucker"
COMBINATION_DRIVERS = ("jawOpen", "mouthPucker")


@dataclass(frozen=True, eq=False)
class Anatomy:
    """What the shapes need to know of each vertex; V vertices.

    points: (V, 3) neutral. anchors: (V, 3) the same, but the lip's edge for what hangs behind it. normals: (V, 3).
    skin: (V,) 1 on skin and what hangs on it, 0 on the parts. lip: (V,) 1 above the mouth, -1 below, passing smoothly
    through 0 beyond the corners. part_jaw: (V,) 1 on parts that the lower jaw carries. lids: for the left eye and the
    right one, ``_Lids``.
    """

    points: np.ndarray
    anchors: np.ndarray
    normals: np.ndarray
    skin: np.ndarray
    lip: np.ndarray
    part_jaw: np.ndarray
    lids: tuple[_Lids, _Lids]

    @staticmethod
    def of(skin: SkinGrid, parts: Sequence[Part], vertices: np.ndarray, faces: list[list[int]]) -> Anatomy:
        """The anatomy of the head that consists of ``skin`` and ``parts``, in this order."""
        count = len(skin.vertices)
        on_skin = (np.arange(len(vertices)) < count).astype(np.float64)
        jaw = np.concatenate([np.zeros(count), *(np.full(len(part.vertices), part.jaw) for part in parts)])
        anchors = vertices.copy()
        behind_lips = np.flatnonzero((skin.depth > 0) & (skin.row == skin.mouth.row))
        for vertex in behind_lips:
            chain = skin.upper if skin.side[vertex] >= 0 else skin.lower
            anchors[vertex] = vertices[chain[skin.row[vertex], skin.column[vertex]]]
        lip = np.zeros(len(vertices))
        lip[:count] = _lip_side(skin, anchors[:count])
        lids = (_Lids.of(skin, 0), _Lids.of(skin, 1))
        return Anatomy(vertices, anchors, _normals(vertices, faces), on_skin, lip, jaw, lids)

    def mirrored(self) -> Anatomy:
        """The head seen in a mirror: its left is the right."""
        flip = np.array([-1.0, 1.0, 1.0])
        return replace(
            self,
            points=self.points * flip,
            anchors=self.anchors * flip,
            normals=self.normals * flip,
            lids=(self.lids[1], self.lids[0]),
        )

    def near(self, center: Sequence[float], widths: Sequence[float]) -> np.ndarray:
        """(V,) skin within Gaussian ``widths`` (x, y, z) of ``center``."""
        apart = (self.anchors - np.asarray(center)) / np.asarray(widths)
        return self.skin * np.exp(-0.5 * (apart**2).sum(axis=1))


@dataclass(frozen=True, eq=False)
class _Lids:
    """One eye's lids. upper, lower: (V_skin,) how far each vertex follows the margin. close: (V_skin,) the angle about
    the eyeball's x axis that brings the upper margin of the vertex's column onto the lower one, radians."""

    upper: np.ndarray
    lower: np.ndarray
    close: np.ndarray

    @staticmethod
    def of(skin: SkinGrid, eye: int) -> _Lids:
        slit = skin.eyes[eye]
        center = EYE_CENTER * (1.0 if eye == 0 else -1.0, 1.0, 1.0)

        def elevation(vertices: np.ndarray) -> np.ndarray:
            local = skin.vertices[vertices] - center
            return np.arctan2(local[:, 1], local[:, 2])

        columns = np.arange(slit.first, slit.last + 1)
        angle = np.zeros(skin.upper.shape[1])
        angle[columns] = elevation(skin.upper[slit.row, columns]) - elevation(skin.lower[slit.row, columns])
        away = np.clip(1.0 - np.abs(skin.row - slit.row) / LID_ROWS, 0.0, 1.0)
        follow = away * away * (3.0 - 2.0 * away)
        follow = np.where((skin.depth > 0) & (skin.row != slit.row), 0.0, follow)
        above = (skin.row < slit.row) | ((skin.row == slit.row) & (skin.side > 0))
        below = (skin.row > slit.row) | ((skin.row == slit.row) & (skin.side < 0))
        return _Lids(follow * above, follow * below, angle[skin.column])


def shape_functions() -> dict[str, ShapeFunction]:
    """Every control's target by name, in the rig's order."""
    both: dict[str, ShapeFunction] = {
        "jawOpen": lambda a: _whole(jaw_open(a)),
        "mouthPucker": lambda a: _whole(_pucker(a)),
        "mouthFunnel": lambda a: _whole(_funnel(a)),
        "mouthLeft": lambda a: _whole(_pull(a, (0.0, -6.9, 8.0), (2.6, 1.6, 3.0), (0.9, 0.0, -0.1))),
        "mouthUpperUp": lambda a: _whole(_lips(a, 1.0)),
        "mouthLowerDown": lambda a: _whole(_lips(a, -1.0)),
        "browInnerUp": lambda a: _whole(_above_lids(a, _brow_inner_up(a))),
        "cheekPuff": lambda a: _whole(_cheek_puff(a)),
    }
    left: dict[str, ShapeFunction] = {
        "mouthSmile": lambda a: _whole(_smile(a)),
        "mouthFrown": lambda a: _whole(_pull(a, (2.45, -7.1, 7.3), (1.2, 1.2, 1.8), (0.15, -0.85, -0.25))),
        "browOuterUp": lambda a: _whole(_above_lids(a, _pull(a, (4.2, 2.2, 6.0), (1.4, 1.2, 2.4), (0.05, 0.75, -0.1)))),
        "browDown": lambda a: _whole(_above_lids(a, _pull(a, (2.0, 1.8, 7.8), (1.6, 1.1, 2.0), (-0.25, -0.48, 0.14)))),
        "eyeBlink": _blink,
        "eyeSquint": lambda a: _whole(_squint(a)),
        "noseSneer": lambda a: _whole(_sneer(a)),
    }
    for name, function in left.items():
        both[f"{name}_L"] = function
        both[f"{name}_R"] = _on_the_right(function)
    return both


def combination_shape(a: Anatomy) -> np.ndarray:
    """What an open jaw and a pucker need on top of each other: a narrower, rounder mouth. (V, 3)."""
    near = a.near((0.0, -7.4, 8.2), (2.2, 1.9, 2.6))
    narrow = np.stack([-0.22 * a.anchors[:, 0] * near, np.zeros(len(near)), 0.45 * near], axis=1)
    return narrow + _pull(a, (0.0, -8.2, 8.6), (1.8, 1.0, 2.0), (0.0, 0.75, 0.2)) * (a.lip < 0)[:, None]


def jaw_open(a: Anatomy) -> np.ndarray:
    """Lower face turned about the hinge; the neck and the back of the head stay. (V, 3)."""
    weight = jaw_weight(a)
    return weight[:, None] * (_turned(a.points, HINGE, np.full(len(weight), JAW_ANGLE)) - a.points)


def jaw_weight(a: Anatomy) -> np.ndarray:
    """(V,) how far each vertex follows the lower jaw, 0..1."""
    neck = _smooth_step((a.points[:, 1] + 15.5) / 4.5) * _smooth_step((a.anchors[:, 2] + 1.5) / 4.5)
    return np.maximum(0.5 * (1.0 - a.lip) * a.skin * neck, a.part_jaw)


def _whole(offset: np.ndarray) -> Weighted:
    return [(1.0, offset)]


def _on_the_right(function: ShapeFunction) -> ShapeFunction:
    return lambda a: [(weight, offset * (-1.0, 1.0, 1.0)) for weight, offset in function(a.mirrored())]


def _pull(a: Anatomy, center: Sequence[float], widths: Sequence[float], vector: Sequence[float]) -> np.ndarray:
    return a.near(center, widths)[:, None] * np.asarray(vector)


def _above_lids(a: Anatomy, offset: np.ndarray) -> np.ndarray:
    """``offset`` without its effect on the lids themselves."""
    return offset * _smooth_step((a.points[:, 1] - 0.3) / 1.5)[:, None]


def _blink(a: Anatomy) -> Weighted:
    """The upper lid slides over the eyeball: an arc, hence an in-between half way."""
    return [(amount, _turn_lid(a, a.lids[0].upper, amount)) for amount in (0.5, 1.0)]


def _turn_lid(a: Anatomy, follow: np.ndarray, amount: float) -> np.ndarray:
    offset = np.zeros_like(a.points)
    count = len(follow)
    angle = amount * follow * a.lids[0].close
    offset[:count] = _turned(a.points[:count], EYE_CENTER, angle) - a.points[:count]
    return offset


def _squint(a: Anatomy) -> np.ndarray:
    cheek = _pull(a, (3.3, -1.9, 7.0), (1.5, 0.8, 1.8), (0.0, 0.32, 0.16))
    return cheek * _smooth_step((-0.5 - a.points[:, 1]) / 0.8)[:, None] + _turn_lid(a, a.lids[0].lower, -0.32)


def _smile(a: Anatomy) -> np.ndarray:
    corner = _pull(a, (2.6, -7.0, 7.2), (1.25, 1.15, 1.8), (0.75, 0.85, -0.75))
    cheek = a.near((3.7, -4.3, 6.3), (1.2, 1.1, 1.6))[:, None] * (0.3 * a.normals + (0.0, 0.4, 0.0))
    stretched = _pull(a, (1.2, -6.9, 8.2), (0.9, 0.8, 1.4), (0.25, 0.12, -0.2))
    return corner + cheek * _smooth_step((-1.6 - a.points[:, 1]) / 1.2)[:, None] + stretched


def _pucker(a: Anatomy) -> np.ndarray:
    near = a.near((0.0, -6.95, 8.0), (2.1, 1.35, 2.4))
    forward = 0.85 * near * np.exp(-((a.anchors[:, 0] / 1.9) ** 2))
    return np.stack([-0.42 * a.anchors[:, 0] * near, -0.08 * a.lip * near, forward], axis=1)


def _funnel(a: Anatomy) -> np.ndarray:
    near = a.near((0.0, -6.95, 8.0), (2.0, 1.5, 2.4))
    middle = np.exp(-((a.anchors[:, 0] / 1.5) ** 2))
    lift = np.where(a.lip > 0, 0.42, 0.62) * a.lip * near * middle
    return np.stack([-0.26 * a.anchors[:, 0] * near, lift, 0.55 * near * middle], axis=1)


def _lips(a: Anatomy, side: float) -> np.ndarray:
    """The upper lip (``side`` 1) raised, or the lower one (-1) lowered."""
    reach = a.near((0.0, -6.95 + 0.5 * side, 8.2), (1.5, 1.1, 2.4)) * np.clip(side * a.lip, 0.0, 1.0)
    return reach[:, None] * np.array([0.0, 0.6 * side, 0.12])


def _brow_inner_up(a: Anatomy) -> np.ndarray:
    right = _pull(a, (-1.1, 2.1, 7.9), (1.0, 1.1, 2.0), (0.0, 0.75, 0.0))
    return right + _pull(a, (1.1, 2.1, 7.9), (1.0, 1.1, 2.0), (0.0, 0.75, 0.0))


def _cheek_puff(a: Anatomy) -> np.ndarray:
    near = a.near((3.4, -6.0, 6.3), (1.35, 1.5, 1.9)) + a.near((-3.4, -6.0, 6.3), (1.35, 1.5, 1.9))
    return 0.85 * near[:, None] * a.normals


def _sneer(a: Anatomy) -> np.ndarray:
    wing = _pull(a, (1.2, -3.5, 8.5), (0.7, 0.9, 1.2), (0.08, 0.5, -0.12))
    lip = _pull(a, (1.4, -5.7, 8.2), (0.8, 0.9, 1.4), (0.0, 0.35, 0.06))
    return wing + lip * np.clip(a.lip, 0.0, 1.0)[:, None]


def _lip_side(skin: SkinGrid, anchors: np.ndarray) -> np.ndarray:
    """(V_skin,) 1 above the mouth to -1 below it; the line rises from the lips' corners towards the ears."""
    line = MOUTH_LINE + 0.3 * np.clip(7.4 - anchors[:, 2], 0.0, None)
    height = anchors[:, 1] - line
    across = np.clip(skin.mouth.across(skin.column), -1.0, 1.0)
    sign = np.where(skin.row == skin.mouth.row, skin.side, np.sign(skin.mouth.row - skin.row))
    joined = 1.0 - np.clip(
        np.where(skin.row == skin.mouth.row, skin.depth, 0) / len(ROOF), 0.0, 1.0
    )  # at the bag's back
    return np.clip(sign * joined * np.sqrt(1.0 - across**2) + height / 2.4, -1.0, 1.0)


def _turned(points: np.ndarray, center: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """points (n, 3) turned about the x axis through ``center`` by angle (n,): what is in front goes down."""
    y, z = points[:, 1] - center[1], points[:, 2] - center[2]
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([points[:, 0], center[1] + y * cos - z * sin, center[2] + y * sin + z * cos], axis=1)


def _smooth_step(x: np.ndarray) -> np.ndarray:
    inside = np.clip(x, 0.0, 1.0)
    return inside * inside * (3.0 - 2.0 * inside)


def _normals(vertices: np.ndarray, faces: list[list[int]]) -> np.ndarray:
    """(V, 3) unit outward normals: mean of the polygons' around each vertex."""
    normals = np.zeros_like(vertices)
    corners = np.array([[face[0], face[1], face[-2], face[-1]] for face in faces])
    across = np.cross(
        vertices[corners[:, 2]] - vertices[corners[:, 0]], vertices[corners[:, 3]] - vertices[corners[:, 1]]
    )
    for k in range(4):
        np.add.at(normals, corners[:, k], across)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
