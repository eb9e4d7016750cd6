"""Repairs of a take: each gives back the pixels that a camera would have without the mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.jobs.repair_take import repair_take
from facesolve.mistakes.repairs import repaired
from facesolve.take import Camera, Footage, Take, TakeError, read_take, write_take
from tests.synthetic import head_rig, make_take

POINTS = np.random.default_rng(0).uniform(-6, 6, (20, 3))


def right() -> Take:
    """A take of five frames whose cameras have some distortion."""
    take = make_take(head_rig())
    bent = np.array([0.1, -0.05, 0.01, -0.02, 0.03])
    return replace(take, cameras=tuple(replace(camera, distortion=bent) for camera in take.cameras))


def pixels(camera: Camera) -> np.ndarray:
    """(20, 2) of POINTS, by the lens model as OpenCV documents it."""
    at = POINTS @ camera.rotation.T + camera.translation
    x, y = (at[:, :2] / at[:, 2:]).T
    k1, k2, p1, p2, k3 = camera.distortion
    r = x * x + y * y
    radial = 1 + k1 * r + k2 * r**2 + k3 * r**3
    bent = np.stack(
        [x * radial + 2 * p1 * x * y + p2 * (r + 2 * x * x), y * radial + p1 * (r + 2 * y * y) + 2 * p2 * x * y], 1
    )
    return bent * camera.intrinsics[[0, 1], [0, 1]] + camera.intrinsics[:2, 2]


def changed(take: Take, change: Callable[[Camera], Camera]) -> Take:
    return replace(take, cameras=tuple(map(change, take.cameras)))


FLIP = np.diag([1.0, -1.0, -1.0])


def scaled(camera: Camera) -> Camera:
    return replace(camera, intrinsics=np.diag([0.5, 0.5, 1]) @ camera.intrinsics)


MISTAKES: dict[str, Callable[[Camera], Camera]] = {
    "units=mm": lambda c: replace(c, translation=10 * c.translation),
    "units=m": lambda c: replace(c, translation=c.translation / 100),
    "units=inch": lambda c: replace(c, translation=c.translation / 2.54),
    "axes=opengl": lambda c: replace(c, rotation=FLIP @ c.rotation, translation=FLIP @ c.translation),
    "axes=camera-to-world": lambda c: replace(c, rotation=c.rotation.T, translation=-c.rotation.T @ c.translation),
    "axes=opengl-camera-to-world": lambda c: replace(
        c, rotation=c.rotation.T @ FLIP, translation=-c.rotation.T @ c.translation
    ),
    "axes=row-vectors": lambda c: replace(c, rotation=c.rotation.T),
    "axes=y-down": lambda c: replace(c, rotation=c.rotation @ FLIP),
    "scale=all:2": scaled,
    "focal=all:1.25": lambda c: replace(c, intrinsics=c.intrinsics * [[0.8, 1, 1], [1, 0.8, 1], [1, 1, 1]]),
    "distortion=all": lambda c: replace(c, distortion=-c.distortion),
}


@pytest.mark.parametrize("fix", sorted(MISTAKES))
def test_a_repair_takes_the_mistake_back(fix: str):
    mended = repaired(changed(right(), MISTAKES[fix]), fix)
    for camera, true in zip(mended.cameras, right().cameras, strict=True):
        np.testing.assert_allclose(pixels(camera), pixels(true), atol=1e-6)


@pytest.mark.parametrize(("degrees", "turns"), [(90, 3), (180, 2), (270, 1)])
def test_images_that_were_turned_are_seen_by_a_camera_that_is_turned(degrees: int, turns: int):
    take = right()
    true = take.cameras[1]
    sizes = (true.width, true.height) if degrees == 180 else (true.height, true.width)
    stored = replace(true, width=sizes[0], height=sizes[1])
    mended = repaired(replace(take, cameras=(take.cameras[0], stored, take.cameras[2])), f"rotate=front:{degrees}")
    # numpy turns counterclockwise: follow one pixel of each point through it
    for (x, y), found in zip(pixels(true), pixels(mended.cameras[1]), strict=True):
        width, height = true.width, true.height
        for _ in range(turns):
            x, y, width, height = y, width - x, height, width
        np.testing.assert_allclose(found, (x, y), atol=1e-6)
    np.testing.assert_allclose(pixels(mended.cameras[0]), pixels(take.cameras[0]))


def test_swapped_images_get_their_own_names_back():
    footage = right().footage
    wrong = replace(
        right(),
        footage=(
            replace(footage[1], camera="left"),
            replace(footage[0], camera="front"),
            footage[2],
        ),
    )
    assert repaired(wrong, "swap=left,front").footage == footage


def test_a_late_camera_takes_earlier_images_and_the_take_loses_what_has_none():
    mended = repaired(right(), "shift=front:2")
    assert mended.frames.tolist() == [2, 3, 4]
    assert [footage.image_number(2) for footage in mended.footage] == [2, 0, 2]
    early = repaired(right(), "shift=front:-1")
    assert early.frames.tolist() == [0, 1, 2, 3]
    assert early.footage[1].image_number(0) == 1


def test_a_missing_principal_point_comes_into_the_middle():
    lens = repaired(right(), "center=left").cameras
    assert lens[0].intrinsics[:2, 2].tolist() == [lens[0].width / 2, lens[0].height / 2]
    assert lens[1].intrinsics[:2, 2].tolist() != [lens[1].width / 2, lens[1].height / 2]


@pytest.mark.parametrize(
    "fix",
    ["", "units", "units=", "units=yard", "axes=left", "swap=left", "swap=left,nobody", "rotate=left:45", "shift=left:",
     "shift=left:9", "focal=left:-1", "focal=nobody:2", "shift=left:nan", "color=red"],
)  # fmt: skip
def test_a_repair_that_makes_no_sense_is_one_sentence(fix: str):
    with pytest.raises(TakeError, match=r"^fix: .*\.$"):
        repaired(right(), fix)


def test_the_repaired_take_is_another_folder_and_nothing_else_changes(tmp_path: Path):
    take = right()
    footage = tuple(Footage(camera.name, f"{tmp_path}/{camera.name}.{{frame}}.png") for camera in take.cameras)
    write_take(replace(take, footage=footage), tmp_path / "take")
    before = (tmp_path / "take" / "take.json").read_bytes()
    repair_take(tmp_path / "take", ["units=mm", "shift=left:1"], tmp_path / "mended")
    mended = read_take(tmp_path / "mended")
    np.testing.assert_allclose(mended.cameras[0].translation, take.cameras[0].translation / 10)
    assert mended.footage[0].offset == -1
    assert (tmp_path / "take" / "take.json").read_bytes() == before
    with pytest.raises(TakeError):
        repair_take(tmp_path / "take", ["units=mm"], tmp_path / "take", overwrite=True)
    with pytest.raises(TakeError):
        repair_take(tmp_path / "take", ["units=yard"], tmp_path / "other")
    assert not (tmp_path / "other").exists()
