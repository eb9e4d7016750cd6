"""How far eyeballs are turned elsewhere than the true ones, in degrees. Knows no solution, no footage and no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facesolve.geometry.eyes import Eyeball, find_eyeballs, opening, skin_around
from facesolve.geometry.fans import fan_corners
from facesolve.take import Rig

from .vertex_errors import Poses

OPEN = 0.4  # share of the neutral's opening that lids leave clear, from which an eye is open


@dataclass(frozen=True, eq=False)
class Gaze:
    """How E eyeballs that turn look in F frames. degrees: (F, E) from the true ones, in the world; open: (F, E) bool,
    whether the true eye is open."""

    degrees: np.ndarray
    open: np.ndarray

    def of_open_eyes(self) -> np.ndarray:
        """(n,) degrees of all eyes that are open, of all frames."""
        return self.degrees[self.open]


def gaze_error(one: Poses, true: Poses) -> Gaze | None:
    """The gaze of solved poses against true ones; their rigs have the same vertices. None where no control turns an
    eyeball."""
    rig, moving = true.evaluator.rig, true.evaluator.moving_vertices()
    eyes = [_Eye.of(rig, ball) for ball in find_eyeballs(rig) if moving[ball.vertices].all()]
    if not eyes:
        return None
    degrees, is_open = np.zeros((len(true.controls), len(eyes))), np.zeros((len(true.controls), len(eyes)), bool)
    for index in range(len(true.controls)):
        solved, real = one.vertices(index)[0], true.vertices(index)[0]
        for number, eye in enumerate(eyes):
            turns = [
                poses.head[index][:3, :3] @ eye.turn(vertices) for poses, vertices in ((one, solved), (true, real))
            ]
            degrees[index, number] = _angle(turns[0] @ turns[1].T)
            is_open[index, number] = eye.is_open(real)
    return Gaze(degrees, is_open)


def _angle(rotation: np.ndarray) -> float:
    """Degrees of a rotation (3, 3)."""
    apart = float(np.linalg.norm(rotation - np.eye(3)))  # sqrt(8) times the sine of half the angle
    return float(np.degrees(2.0 * np.arcsin(min(apart / np.sqrt(8.0), 1.0))))


@dataclass(frozen=True, eq=False)
class _Eye:
    """An eyeball of a rig, its vertices (n, 3) in the neutral, the skin around it (t, 3), and how many directions are
    clear of lids there."""

    ball: Eyeball
    neutral: np.ndarray
    skin: np.ndarray
    clear: int

    @staticmethod
    def of(rig: Rig, ball: Eyeball) -> _Eye:
        triangles = rig.face_vertices[fan_corners(rig.face_counts)[0]]
        skin = triangles[skin_around(rig, triangles, ball)]
        clear = len(opening(rig.neutral[skin], ball.center, ball.outward))
        return _Eye(ball, rig.neutral[ball.vertices], skin, clear)

    def turn(self, vertices: np.ndarray) -> np.ndarray:
        """(3, 3) rotation of the eyeball from the neutral to vertices (V, 3), rig space (Kabsch 1976)."""
        here = vertices[self.ball.vertices]
        left, _, right = np.linalg.svd((here - here.mean(axis=0)).T @ (self.neutral - self.neutral.mean(axis=0)))
        return np.asarray(left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right)

    def is_open(self, vertices: np.ndarray) -> bool:
        """Whether lids leave enough of it clear."""
        center = self.ball.center + (vertices[self.ball.vertices] - self.neutral).mean(axis=0)
        return len(opening(vertices[self.skin], center, self.ball.outward)) >= max(OPEN * self.clear, 1)
