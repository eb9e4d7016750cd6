"""Cameras held against each other at a pose: what agrees, how far the rest is off, and what moving the head costs."""

from dataclasses import replace

import pytest
import torch

from facesolve.footage.stream import FramePixels
from facesolve.geometry.pose import Pose
from facesolve.verdict.agreement import Agreement, agreement
from tests.synthetic import Scene, head_scene

FRAMES = torch.tensor([0, 2])


def measured(scene: Scene, pose: Pose | None = None, pixels: list[FramePixels] | None = None) -> Agreement:
    shown = scene.pixels if pixels is None else pixels
    some = (scene.truth if pose is None else pose).at(FRAMES)
    return agreement(scene.problem, [shown[i] for i in FRAMES.tolist()], some, FRAMES, 0)


@pytest.fixture(scope="module")
def true() -> Agreement:
    return measured(head_scene())


def test_at_the_true_pose_all_cameras_agree_everywhere(true: Agreement):
    assert (true.correlation > 0.9).all()
    known = true.of_patches.isfinite()
    assert known.float().mean() > 0.2  # of the whole head, of which two cameras see the front
    assert true.of_patches[known].median() > 0.9
    assert true.offset[known].norm(dim=1).median() < 0.2
    assert (true.contrast > 0.02).all()  # of a ball least where it is turned
    assert (true.contrast[3:] > 0.2).all()


def test_an_image_that_is_moved_is_found_to_be_off_by_as_much(true: Agreement):
    moved = []
    for frame in head_scene().pixels:
        luminance = list(frame.luminance)
        luminance[1] = luminance[1].roll((-1, 2), (0, 1))  # two pixels to the right, one up
        moved.append(replace(frame, luminance=tuple(luminance)))
    found = measured(head_scene(), pixels=moved)
    known = found.best[:, 1] > 0.7
    assert known.sum() > 5
    offset = found.offset[:, 1][known].median(0).values
    torch.testing.assert_close(offset, torch.tensor([2.0, -1.0]), rtol=0, atol=0.4)
    assert found.correlation[:, 1].mean() < true.correlation[:, 1].mean() - 0.2


def test_a_camera_that_shows_something_else_agrees_with_none():
    noise = torch.rand(head_scene().pixels[0].luminance[0].shape, generator=torch.Generator().manual_seed(1))
    spoiled = [
        replace(frame, luminance=(frame.luminance[0], noise, frame.luminance[2])) for frame in head_scene().pixels
    ]
    assert (measured(head_scene(), pixels=spoiled).correlation[:, 1].abs() < 0.2).all()
