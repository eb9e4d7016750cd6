"""The picture of a solve at work: its lines lie on the surface, and it takes a small part of the time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch

from facesolve.runtime.progress import Silent
from facesolve.solve import live_picture
from facesolve.solve.live_picture import LivePicture
from tests.synthetic import HEIGHT, WIDTH, head_scene


class Told(Silent):
    """Counts the pictures, of which each takes ``cost`` seconds of ``now``."""

    count, cost, now = 0, 0.0, 0.0

    def picture(self, path: Path) -> None:
        self.count += 1
        self.now += self.cost


def test_lines_follow_the_surface_in_every_camera(tmp_path: Path):
    scene, file = head_scene(), tmp_path / "live.jpg"
    lines = []
    for shift in (0.0, 2.0):  # cm, upwards
        pose = scene.truth.at([0])
        pose.head[0, 1, 3] += shift
        LivePicture(scene.problem, file, Told()).show(0, scene.pixels[0], pose)
        picture = cv2.imread(str(file)).astype(int)
        lines.append(picture[..., 2] - picture[..., 0] > 30)  # the footage is gray
    assert lines[0].shape == (2 * HEIGHT, 2 * WIDTH)
    for top, left in ((0, 0), (0, WIDTH), (HEIGHT, 0)):
        before, after = (seen[top : top + HEIGHT, left : left + WIDTH] for seen in lines)
        assert before.sum() > 300
        rise = np.argwhere(before)[:, 0].mean() - np.argwhere(after)[:, 0].mean()
        assert abs(rise - 2.0 * scene.problem.pixels_per_cm) < 2


def test_pictures_take_two_hundredths_of_the_time_and_come_once_a_second_at_most(tmp_path: Path):
    scene, told = head_scene(), Told()
    picture = LivePicture(scene.problem, tmp_path / "live.jpg", told, lambda: told.now)
    pose = scene.truth.at([0])
    for cost, seconds, expected in ((0.0, 20, 21), (1.0, 200, 4)):
        told.cost, told.count, end = cost, 0, told.now + seconds
        while told.now <= end:
            picture.show(0, scene.pixels[0], pose)
            told.now += 0.25
        assert abs(told.count - expected) <= 1, cost


def test_a_solve_goes_on_when_its_picture_cannot_be_written(tmp_path: Path):
    scene, told = head_scene(), Told()
    said: list[str] = []
    told.message = said.append  # type: ignore[method-assign]
    (tmp_path / "live.jpg").mkdir()
    picture = LivePicture(scene.problem, tmp_path / "live.jpg", told)
    for _ in range(2):
        picture.show(0, scene.pixels[0], scene.truth.at([0]))
    assert len(said) == 1
    assert "live.jpg" in said[0]
    assert told.count == 0


def test_many_cameras_share_a_canvas_of_some_rows():
    pictures = [np.full((40, 30, 3), camera, np.uint8) for camera in range(9)]
    canvas = live_picture.in_rows(pictures)
    assert 1.5 < canvas.shape[1] / canvas.shape[0] < 3
    assert set(np.unique(canvas)) == set(range(9))
    assert torch.equal(torch.as_tensor(canvas[:40, 30:60]), torch.as_tensor(pictures[1]))
