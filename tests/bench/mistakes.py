"""Takes with one mistake each: what people get wrong about cameras, images, frames, poses and rigs, in several sizes.

A mistake is a function from a take in memory to the take as it would have come; the truth stays. Images are replaced,
never written to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch

from facesolve.evaluate.evaluation import Truth, read_truth
from facesolve.geometry.camera_files import read_cameras
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.jobs.pack import read_rig, read_start
from facesolve.take import Camera, Footage, StartPose, Take

from .generated import film


@dataclass(frozen=True, eq=False)
class Sound:
    """A take with nothing wrong, its footage in memory, and its truth. usual: mean error of a sound solve, mm.

    more: images of the cameras from the frames before and after the take's, (C, n, H, W, 3); ``before`` of them lie
    before. other: images (C, F, H, W, 3) of another person.
    """

    take: Take
    truth: Truth
    more: np.ndarray
    before: int
    other: np.ndarray | None = None


Mistake = Callable[[Sound], Take]


def rom(data: Path, first: int = 0, frames: int = 3, half: bool = True, cameras: int = 3) -> Sound:
    """``ict_rom`` of the development data, from take frame ``first``, at half size."""
    return _from_files("rom", data / "ict_rom", data / "ict_rom" / "rig.npz", first, frames, half, cameras, data)


def stage(
    data: Path, first: int = 0, frames: int = 3, half: bool = True, rig: str = "rig_actor.npz", cameras: int = 3
) -> Sound:
    """``ict_stage``: clutter, hair, cameras that differ and are not quite as calibrated; with the actor's own rig."""
    return _from_files("stage", data / "ict_stage", data / "ict_stage" / rig, first, frames, half, cameras, data)


def generated(seed: int, device: torch.device, frames: int = 3, cameras: int = 3, margin: int = 5) -> Sound:
    """The benchmark's take: the demo's head with 150 shapes, another performance for each seed."""
    made = film(frames + 2 * margin, device, 300, 400, cameras, seed)
    images = np.stack([np.stack(row) for row in made.images], 1)  # (C, n, H, W, 3)
    truth = Truth(made.truth.weights[margin:-margin], made.truth.names, made.truth.head[margin:-margin])
    start = StartPose(
        1,
        np.clip(truth.weights[0] + 0.06 * np.cos(3.0 * np.arange(truth.weights.shape[1])), 0, 1),
        near(truth.head[0]),
    )
    numbers = np.arange(1, frames + 1)
    take = replace(made.take, frames=numbers, scene_times=numbers.astype(np.float64), start=start)
    take = with_images(take, images[:, margin:-margin])
    return Sound(replace(take, name=f"generated{seed}"), truth, images, margin)


def with_images(take: Take, images: np.ndarray) -> Take:
    """images: (C, F, H, W, 3) uint8."""
    footage = tuple(
        Footage.from_arrays(camera.name, of_camera, offset=-int(take.frames[0]))
        for camera, of_camera in zip(take.cameras, images, strict=True)
    )
    return replace(take, footage=footage)


def images_of(take: Take) -> np.ndarray:
    return np.stack([footage.arrays.images for footage in take.footage])


def _from_files(
    name: str, folder: Path, rig_file: Path, first: int, frames: int, half: bool, cameras: int, data: Path
) -> Sound:
    calibrated = read_cameras(folder / "calibration.json")[:cameras]
    rig = read_rig(rig_file)
    whole = [sorted((folder / "footage" / camera.name).glob("*.jpg")) for camera in calibrated]
    low, high = max(0, first - 5), min(len(whole[0]), first + frames + 5)
    images = np.stack([np.stack([_read(file, half) for file in files[low:high]]) for files in whole])
    truth = read_truth(folder / "truth.npz")
    rows = slice(first, first + frames)
    truth = Truth(truth.weights[rows], truth.names, truth.head[rows])
    height, width = images.shape[2:4]
    lenses = tuple(
        Camera(
            c.name, width, height, _scaled(c.intrinsics, 0.5 if half else 1.0), c.rotation, c.translation, c.distortion
        )
        for c in calibrated
    )
    start, _ = read_start(folder / "start.json", rig, first)
    if first:
        there = dict(zip(truth.names, truth.weights[0], strict=True))
        guess = np.array([there[name] for name in rig.control_names]) + 0.06 * np.cos(
            3.0 * np.arange(len(rig.controls))
        )
        start = StartPose(first, np.clip(guess, rig.bounds[:, 0], rig.bounds[:, 1]), near(truth.head[0]))
    take = Take(
        name,
        rig,
        lenses,
        tuple(Footage(c.name, "x{frame}.jpg") for c in lenses),
        np.arange(first, first + frames),
        30.0,
        start,
    )
    take = with_images(take, images[:, first - low : first - low + frames])
    other = data / ("ict_rom" if name == "stage" else "ict_stage") / "footage"
    of_other = [sorted((other / camera.name).glob("*.jpg"))[:frames] for camera in calibrated]
    return Sound(
        take, truth, images, first - low, np.stack([[_read(file, half) for file in files] for files in of_other])
    )


def near(head: np.ndarray) -> np.ndarray:
    """A head pose off by 2 mm and 1 degree."""
    moved = head.copy()
    moved[:3, :3] = (
        head[:3, :3] @ rotation_from_tangent(torch.tensor([0.012, -0.01, 0.008], dtype=torch.float64)).numpy()
    )
    moved[:3, 3] += (0.12, -0.1, 0.12)
    return moved


def _read(file: Path, half: bool) -> np.ndarray:
    image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) if half else image


def _scaled(intrinsics: np.ndarray, factor: float) -> np.ndarray:
    scaled = intrinsics.copy()
    scaled[:2] *= factor
    return scaled


def _cameras(sound: Sound, change: Callable[[Camera], Camera], only: int | None = None) -> Take:
    cameras = tuple(
        change(camera) if only in (None, index) else camera for index, camera in enumerate(sound.take.cameras)
    )
    return replace(sound.take, cameras=cameras)


def unit(factor: float) -> Mistake:
    """Camera places in another unit of length: centimeters times ``factor``."""
    return lambda sound: _cameras(sound, lambda c: replace(c, translation=c.translation * factor))


def _axes(*signs: float) -> Callable[[Camera], Camera]:
    flip = np.diag(signs)
    return lambda c: replace(c, rotation=flip @ c.rotation, translation=flip @ c.translation)


def _world(turn: np.ndarray) -> Callable[[Camera], Camera]:
    return lambda c: replace(c, rotation=c.rotation @ turn)


def _inverse(camera: Camera) -> Camera:
    return replace(camera, rotation=camera.rotation.T, translation=-camera.rotation.T @ camera.translation)


def _transposed(camera: Camera) -> Camera:
    return replace(camera, rotation=camera.rotation.T)


def swapped(sound: Sound) -> Take:
    """The images of the first two cameras under each other's name."""
    images = images_of(sound.take)
    return with_images(sound.take, images[[1, 0, *range(2, len(images))]])


def turned(times: int, only: int | None) -> Mistake:
    """Images turned by quarter turns; by one or three only where their sizes allow it."""

    def change(sound: Sound) -> Take:
        images = images_of(sound.take).copy()
        for camera in range(len(images)):
            if only in (None, camera):
                images[camera] = np.rot90(images[camera], times, (1, 2))
        return with_images(sound.take, images)

    return change


def mirrored(only: int | None) -> Mistake:
    """Images mirrored, left and right."""

    def change(sound: Sound) -> Take:
        images = images_of(sound.take).copy()
        for camera in range(len(images)):
            if only in (None, camera):
                images[camera] = images[camera][:, :, ::-1]
        return with_images(sound.take, images)

    return change


def _lens(
    focal: float = 1.0, size: float = 1.0, right: float = 0.0, down: float = 0.0, corner: bool = False
) -> Callable[[Camera], Camera]:
    """focal: factor. size: factor of everything. right, down: of the principal point, parts of the width."""

    def change(camera: Camera) -> Camera:
        lens = camera.intrinsics.copy()
        lens[[0, 1], [0, 1]] *= focal
        lens[:2] *= size
        lens[:2, 2] += (right * camera.width, down * camera.width)
        if corner:
            lens[:2, 2] = 0
        return replace(camera, intrinsics=lens)

    return change


def _distorted(k1: float) -> Callable[[Camera], Camera]:
    return lambda camera: replace(camera, distortion=np.array([k1, 0.0, 0.0, 0.0, 0.0]))


def late(frames: int, only: int | None = 0) -> Mistake:
    """Images of another time."""

    def change(sound: Sound) -> Take:
        count = sound.take.frame_count
        begin = [sound.before + (frames if only in (None, camera) else 0) for camera in range(len(sound.more))]
        if not all(0 <= b <= sound.more.shape[1] - count for b in begin):
            raise ValueError("the recording is too short")
        images = [of_camera[b : b + count] for of_camera, b in zip(sound.more, begin, strict=True)]
        return with_images(sound.take, np.stack(images))

    return change


def posed(degrees: float, centimeters: float) -> Mistake:
    """A start pose that is off."""

    def change(sound: Sound) -> Take:
        assert sound.take.start is not None
        head = sound.take.start.head.copy()
        axis = np.array([0.4, 0.8, -0.45])
        turn = rotation_from_tangent(torch.as_tensor(np.radians(degrees) * axis / np.linalg.norm(axis))).numpy()
        head[:3, :3] = head[:3, :3] @ turn
        head[:3, 3] += centimeters * np.array([0.7, -0.5, 0.5])
        return replace(sound.take, start=replace(sound.take.start, head=head))

    return change


def other_person(only: int | None) -> Mistake:
    """Another person's footage in one camera, or in all."""

    def change(sound: Sound) -> Take:
        if sound.other is None:
            raise ValueError("there is no other person")
        images = images_of(sound.take).copy()
        for camera in range(len(images)):
            if only in (None, camera):
                images[camera] = np.resize(sound.other[camera], images[camera].shape)
        return with_images(sound.take, images)

    return change


def spoiled(rows: slice, how: str, only: int | None = None) -> Mistake:
    """Some frames show noise, another person, or a hand or a black rectangle over half of the face."""

    def change(sound: Sound) -> Take:
        images = images_of(sound.take).copy()
        if rows.start is not None and images.shape[1] < rows.stop + 2:
            raise ValueError("the take is too short")
        random = np.random.default_rng(0)
        part = images[:, rows] if only is None else images[only : only + 1, rows]
        if how == "noise":
            part[:] = random.integers(0, 256, part.shape, np.uint8)
        elif how == "person":
            if sound.other is None:
                raise ValueError("there is no other person")
            part[:] = np.resize(sound.other, (len(part), *sound.other.shape[1:]))[:, : part.shape[1]]
        elif how == "hand":
            height, width = part.shape[2:4]
            skin = cv2.resize(random.integers(90, 170, (height // 12, width // 12, 3), np.uint8), (width, height))
            part[:, :, :, : int(0.48 * width)] = skin[:, : int(0.48 * width)]
        elif how == "black":
            part[:, :, :, : part.shape[3] // 2] = 0
        elif how == "flicker":
            gains = 1 + 0.3 * random.uniform(-1, 1, (*part.shape[:2], 1, 1, 1))
            part[:] = np.clip(part * gains, 0, 255)
        return with_images(sound.take, images)

    return change


Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])

MISTAKES: dict[str, Mistake] = {
    "none": lambda sound: sound.take,
    "unit mm": unit(10.0),
    "unit m": unit(0.01),
    "unit inch": unit(1 / 2.54),
    "axes OpenGL": lambda sound: _cameras(sound, _axes(1, -1, -1)),
    "camera to world": lambda sound: _cameras(sound, _inverse),
    "row vectors": lambda sound: _cameras(sound, _transposed),
    "z up": lambda sound: _cameras(sound, _world(Z_UP)),
    "turned world": lambda sound: _cameras(sound, _world(np.diag([-1.0, 1, -1]))),
    "swapped": swapped,
    "upside down, one": turned(2, 1),
    "upside down, all": turned(2, None),
    "mirrored, one": mirrored(1),
    "mirrored, all": mirrored(None),
    **{f"focal {f:g}, all": partial(_cameras, change=_lens(f)) for f in (0.8, 0.9, 0.95, 0.98, 1.02, 1.05, 1.1, 1.25)},
    **{f"focal {f:g}, one": partial(_cameras, change=_lens(f), only=1) for f in (0.9, 0.95, 0.98, 0.99, 1.05)},
    "half resolution": lambda sound: _cameras(sound, _lens(size=0.5)),
    "half resolution, one": lambda sound: _cameras(sound, _lens(size=0.5), 1),
    "double resolution": lambda sound: _cameras(sound, _lens(size=2.0)),
    **{f"crop {r:g}, one": partial(_cameras, change=_lens(right=r), only=1) for r in (0.01, 0.02, 0.05, 0.1)},
    **{f"crop {r:g}, all": partial(_cameras, change=_lens(down=r)) for r in (0.02, 0.05, 0.1)},
    "principal point 0": lambda sound: _cameras(sound, _lens(corner=True)),
    **{f"distortion {k:g}": partial(_cameras, change=_distorted(k)) for k in (0.05, 0.1, 0.3, -0.1, -0.3)},
    "footage of another time": late(5, None),
    **{f"late {n}": late(n) for n in (1, 2, 3, 5, -1, -2)},
    **{f"pose {d}/{c}": posed(d, c) for d, c in ((6, 1.5), (12, 3), (25, 6), (60, 10))},
    **{f"{how} in frames 3-5": spoiled(slice(3, 6), how) for how in ("noise", "person", "hand")},
    "flicker": spoiled(slice(None), "flicker"),
    "other person, one": other_person(1),
    "other person, all": other_person(None),
}
