"""A small solved take that has everything an export must carry: two meshes, in-betweens, curves, a combination."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from facesolve.export import Performance, load_performance
from facesolve.take import (
    Camera,
    Combination,
    Control,
    Driver,
    Footage,
    Mesh,
    Rig,
    Shape,
    Solution,
    Take,
    Target,
    write_solution,
    write_take,
)
from facesolve.take.files import write_atomic

FRAMES = np.array([1001, 1002, 1004, 1005, 1006])
COLUMNS, ROWS = 5, 4  # of the skin's grid of quads


def rig() -> Rig:
    """A bent grid (skin) and a fan of triangles (eye), apart from each other.

    jawOpen 0..10 drives target jaw along a curve, and a little of target puff; smile -1..2 has in-betweens at -0.5 and
    0.4; squash's shapes are at 0.4 and 0.8, none at 1; jaw_smile is a combination; eye turns the second mesh alone.
    """
    skin, skin_faces = _grid()
    eye = np.array([[8, 0, 1], [9, 0, 1], [8.5, 1, 1.5], [7.5, 1, 1], [7.5, -1, 0.5]], np.float32)
    eye_faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 4]]) + len(skin)
    count = len(skin) + len(eye)
    uvs = np.concatenate((skin[:, :2] / 10, eye[:, :2] / 10 + 1, [[0.5, 1.5]])).astype(np.float32)
    face_vertices = np.concatenate((skin_faces.ravel(), eye_faces.ravel()))
    face_uvs = face_vertices.copy()
    face_uvs[7] = count  # a seam: one corner has a UV of its own
    return Rig(
        neutral=np.concatenate((skin, eye)),
        face_counts=np.concatenate((np.full(len(skin_faces), 4), np.full(len(eye_faces), 3))),
        face_vertices=face_vertices,
        uvs=uvs,
        face_uvs=face_uvs,
        targets=(
            Target("jaw", (_shape(1.0, range(0, 9), 1),)),
            Target("face:smile", (_shape(-0.5, [9, 10], 2), _shape(0.4, [10, 11, 12], 3), _shape(1.0, [11, 12], 4))),
            Target("puff", (_shape(1.0, range(4, 16), 5),)),
            Target("squash", (_shape(0.4, [2, 3], 6), _shape(0.8, [3, 4, count - 1], 7))),
            Target("eye", (_shape(1.0, range(len(skin), count), 8),)),
            Target("jaw_smile", (_shape(1.0, [0, 5, 10], 9),)),
        ),
        controls=(
            Control("jawOpen", 0.0, 10.0, 0.0, "rig.jawOpen"),
            Control("smile", -1.0, 2.0),
            Control("squash"),
            Control("eyeBlink_L"),
        ),
        drivers=(
            Driver(0, 0, np.array([0.0, 5.0, 10.0]), np.array([0.0, 0.2, 1.0])),
            Driver(0, 2, np.array([0.0, 10.0]), np.array([0.0, 0.3])),
            Driver.identity(1, 1),
            Driver.identity(2, 3),
            Driver.identity(3, 4),
        ),
        combinations=(Combination(5, (0, 1)),),
        meshes=(Mesh("skin", len(skin), len(skin_faces)), Mesh("eye ball", len(eye), len(eye_faces))),
    )


def take(folder: Path) -> Take:
    """A still camera with distortion and non-square pixels, and one that moves and zooms; both look at the head."""
    still = np.array([[900.0, 0, 300.5], [0, 930.0, 262.25], [0, 0, 1]])
    zoom = np.stack([still + np.diag([40.0 * i, 42.0 * i, 0]) for i in range(len(FRAMES))])
    paths = [(0.1 * i, 0.5, -0.05 * i) for i in range(len(FRAMES))]
    moving = np.stack([_rotation(path) for path in paths])
    places = np.array([[0.5 * i, -2.0, 45 + i] for i in range(len(FRAMES))])
    cameras = (
        Camera("main cam", 640, 480, still, _rotation((0.1, -0.2, 3.1)), np.array([1.0, 2, 60]), np.full(5, 1e-3)),
        Camera("dolly", 600, 500, zoom, moving, places),
    )
    footage = tuple(Footage(c.name, (folder / f"{c.name}.{{frame:04d}}.png").as_posix()) for c in cameras)
    return Take("7 shot", rig(), cameras, footage, FRAMES, 23.976, scene_times=FRAMES / 2)


def solution() -> Solution:
    """All frames but the first; controls reach beyond the ends of curves and in-betweens."""
    frames = FRAMES[1:]
    controls = np.array([[0.0, 1.7, 0.2, 0.0], [4.0, 0.3, 0.7, 1.0], [7.5, -0.2, 1.0, 0.5], [10.0, -0.9, 0.0, 0.25]])
    head = np.tile(np.eye(4), (len(frames), 1, 1))
    for index in range(len(frames)):
        head[index, :3, :3] = _rotation((0.3 * index, 0.9 * index, -0.2))
        head[index, :3, 3] = (index, -2.0 * index, 5)
    return Solution(
        frames=frames,
        scene_times=frames / 2,
        fps=23.976,
        control_names=("jawOpen", "smile", "squash", "eyeBlink_L"),
        controls=controls,
        head=head,
        control_std=0.01 + 0.1 * controls**2,
        head_std=np.arange(6 * len(frames)).reshape(-1, 6) * 1e-3,
        camera_names=("main cam", "dolly"),
        residual=np.array([[0.1, np.nan], [0.2, 0.3], [0.1, 0.1], [0.2, 0.4]]),
        provenance={"take": "../take", "facesolve": "0.1.0", "texture": ["texture.1001.png", "texture.1012.png"]},
    )


def write(folder: Path) -> Path:
    """The take and the solution on disk, with a texture of two tiles; returns the solution's folder."""
    write_take(take(folder), folder / "take")
    out = folder / "solution"
    write_solution(solution(), out)
    for tile in (1001, 1012):
        write_atomic(out / f"texture.{tile}.png", cv2.imencode(".png", np.full((4, 4, 3), tile % 250))[1].tobytes())
    return out


def performance(folder: Path) -> Performance:
    return load_performance(write(folder))


def _rotation(tangent: tuple[float, float, float]) -> np.ndarray:
    return cv2.Rodrigues(np.array(tangent))[0]


def _shape(weight: float, vertices: object, seed: int) -> Shape:
    indices = np.array(list(vertices), np.int32)  # type: ignore[call-overload]
    return Shape(weight, indices, np.random.default_rng(seed).normal(size=(len(indices), 3)).astype(np.float32))


def _grid() -> tuple[np.ndarray, np.ndarray]:
    x, y = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    points = np.stack((x, y, np.sin(x) + 0.3 * y), -1).reshape(-1, 3).astype(np.float32)
    corner = (np.arange(ROWS - 1)[:, None] * COLUMNS + np.arange(COLUMNS - 1)).ravel()
    return points, np.stack((corner, corner + 1, corner + COLUMNS + 1, corner + COLUMNS), 1)
