"""A solved take whose footage is known to be its textured render: filmed on disk, 3 frames, 3 cameras, 160x120."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from facesolve.geometry.camera import CameraModel
from facesolve.geometry.pose import Pose
from facesolve.render import Texture
from facesolve.review.panels import Shot
from facesolve.review.request import NEEDS_FOOTAGE
from facesolve.review.scene import SolvedTake
from facesolve.review.sheet import Sheet
from facesolve.review.shots import Shots
from facesolve.review.video import Video, VideoRequest, render_video
from facesolve.runtime.progress import Silent
from facesolve.take import Camera, Solution, Take
from tests import synthetic, textured

GAINS = {"left": (1.2, 1.1, 1.0), "front": (1.0, 1.0, 1.0), "right": (0.7, 0.9, 0.8)}
TILE = 512


@dataclass(frozen=True, eq=False)
class Filmed:
    """A take, its true solution and its true texture."""

    take: Take
    solution: Solution
    texture: Texture

    def render(self, path: Path, texture: bool = True, **request: object) -> Video:
        """``render_video`` of a request with these fields."""
        chosen = VideoRequest(**request)  # type: ignore[arg-type]
        return render_video(self.solution, self.take, chosen, path, Silent(), self.texture if texture else None)

    def scene(self) -> SolvedTake:
        return SolvedTake.of(self.solution, self.take, self.texture)

    @contextmanager
    def sheet(self, shown: tuple[str, ...], cameras: tuple[int, ...] = (0, 1, 2), **request: object) -> Iterator[Sheet]:
        """The pictures ``shown`` of all frames."""
        rows, asked = list(range(self.take.frame_count)), VideoRequest(**request)  # type: ignore[arg-type]
        footage = bool(NEEDS_FOOTAGE.intersection(shown))
        with Shots(self.scene(), cameras, rows, footage, asked.stabilize) as shots:
            yield Sheet(shots, asked, shown, rows)

    def shots(
        self, shown: tuple[str, ...], cameras: tuple[int, ...] = (0, 1, 2), **request: object
    ) -> list[list[Shot]]:
        """One of each camera, for all frames, at the sizes of such a sheet."""
        with self.sheet(shown, cameras, **request) as sheet:
            return list(sheet.shots.of(range(self.take.frame_count), sheet.picture_sizes))


def make(folder: Path) -> Filmed:
    """Films the head without the code under test; the cameras differ in color balance."""
    take = textured.make_take(folder, textured.rig())
    pose = synthetic.performance(3)
    textured.film(take, pose, GAINS)
    tiles = {tile: textured.tile_colors(TILE) for tile in (textured.FRONT, textured.SIDE, textured.BACK)}
    return Filmed(take, solved(take, pose), Texture.from_tiles(tiles))


def solved(take: Take, pose: Pose | None = None) -> Solution:
    """The solution that says exactly ``pose``, by default the neutral at the world's origin."""
    frames, controls, cameras = take.frame_count, len(take.rig.controls), len(take.cameras)
    if pose is None:
        pose = Pose(torch.zeros(frames, controls).double(), torch.eye(4).double().repeat(frames, 1, 1))
    return Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=take.fps,
        control_names=tuple(take.rig.control_names),
        controls=pose.controls.numpy(),
        head=pose.head.numpy(),
        control_std=np.full((frames, controls), 0.01),
        head_std=np.full((frames, 6), 0.001),
        camera_names=tuple(camera.name for camera in take.cameras),
        residual=np.zeros((frames, cameras)),
        provenance={
            "texture": ["texture.1001.png"],
            "camera_gains": [list(GAINS.get(camera.name, (1.0, 1.0, 1.0))) for camera in take.cameras],
        },
    )


def with_footage(filmed: Filmed, folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> Filmed:
    """The same take with every stored image changed, its footage in ``folder``."""
    footage = tuple(replace(source, path=str(folder / Path(source.path).name)) for source in filmed.take.footage)
    for old, new in zip(filmed.take.footage, footage, strict=True):
        for frame in filmed.take.frames.tolist():
            image = cv2.imread(old.image_path(frame), cv2.IMREAD_UNCHANGED)
            assert cv2.imwrite(new.image_path(frame), change(image))
    return replace(filmed, take=replace(filmed.take, footage=footage))


def with_lens(filmed: Filmed, folder: Path, distortion: tuple[float, ...]) -> Filmed:
    """The same take filmed through a distorting lens: each stored pixel shows where its undistorted position looks."""
    cameras = tuple(replace(camera, distortion=np.array(distortion)) for camera in filmed.take.cameras)
    lens = iter([camera for camera in cameras for _ in filmed.take.frames])

    def distorted(image: np.ndarray) -> np.ndarray:
        source = _undistorted_places(next(lens)) - 0.5
        return cv2.remap(image, source[..., 0], source[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    moved = with_footage(filmed, folder, distorted)
    return replace(moved, take=replace(moved.take, cameras=cameras))


def _undistorted_places(camera: Camera) -> np.ndarray:
    """(H, W, 2) float32 where each stored pixel lies in the undistorted image, centers at .5."""
    rows, columns = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    pixels = torch.stack((columns, rows), -1).reshape(-1, 2).double()
    places, valid = CameraModel.from_cameras([camera], dtype=torch.float64).undistort_points(pixels)
    assert valid.all()
    return places[0].view(camera.height, camera.width, 2).float().numpy()
