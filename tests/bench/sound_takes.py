"""Sound takes of kinds that real footage has: flat skin, joints, hair and a microphone, start poses by eye.

All in memory, the demo's head at 300x375 pixels.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from facesolve.demo.film import Stage
from facesolve.demo.film import develop as with_noise
from facesolve.demo.head import build_head, build_rig
from facesolve.demo.jointed import build_jointed_rig, jointed_curves
from facesolve.demo.performance import cameras, control_curves, head_transforms
from facesolve.demo.skin import paint
from facesolve.evaluate.evaluation import Truth
from facesolve.geometry.camera import scaled
from facesolve.geometry.rig import RigModel
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.take import Camera, Footage, Rig, StartPose, Take

from .flat_skin import actor, curves, develop
from .mistakes import Sound, images_of, near, with_images

LENGTH = 24  # frames of the performance that a take is a part of
MARGIN = 5
SIZE = 0.75  # of the demo's images
STRANDS = 220


def flat_skin(device: torch.device, first: int = 6, frames: int = 6) -> Sound:
    """Skin without freckles on a head that is 0.5 mm off its rig, cameras with a mosaic; lids and lips move."""
    head = build_head()
    rig = build_rig(head)
    real = actor(rig)
    stage = Stage.of(RigModel(real, device), paint(head, RigModel(rig), mottled=0.0))
    controls = curves(rig.control_names, LENGTH)
    return _filmed("flat skin", rig, stage, controls, first, frames, mosaic=True)


def jointed(device: torch.device, first: int = 6, frames: int = 4) -> Sound:
    """Jaw, eyes and neck turn on joints below a skin."""
    head = build_head()
    rig = build_jointed_rig(head)
    stage = Stage.of(RigModel(rig, device), paint(head, RigModel(rig)))
    return _filmed("jointed", rig, stage, jointed_curves(rig.control_names, LENGTH), first, frames)


def plain(device: torch.device, first: int = 6, frames: int = 4) -> Sound:
    """The demo's take."""
    head = build_head()
    rig = build_rig(head)
    stage = Stage.of(RigModel(rig, device), paint(head, RigModel(rig)))
    return _filmed("demo", rig, stage, control_curves(rig.control_names, LENGTH), first, frames)


def with_hair(sound: Sound, seed: int = 0, microphone: bool = True) -> Sound:
    """The same with a fringe over forehead and temples, which the rig lacks, and a microphone on a boom."""
    random = np.random.default_rng(seed)
    lines = [_strand(random) for _ in range(STRANDS)]
    boom = np.array([[-7.5, 1.0, 1.0], [-6.8, -4.0, 7.0], [-3.2, -7.6, 10.2]])
    tip = boom[-1] + np.array([[0.0, 0.0, 0.0], [0.9, 0.0, 0.2]])
    images = images_of(sound.take).copy()
    for row, head in enumerate(sound.truth.head):
        for camera, lens in enumerate(sound.take.cameras):
            picture = np.ascontiguousarray(images[camera, row])
            for line, shade in lines:
                _draw(picture, lens, head, line, shade, 0.05)
            if microphone:
                _draw(picture, lens, head, boom, 25, 0.3)
                _draw(picture, lens, head, tip, 18, 1.1)
            images[camera, row] = picture
    return replace(sound, take=with_images(sound.take, images))


def started_by_eye(sound: Sound, seed: int) -> Sound:
    """The same from a start pose that is up to 3 mm and 2 degrees off, its controls at rest."""
    random = np.random.default_rng(seed)
    head = sound.truth.head[0].copy()
    turn, shift = random.standard_normal(3), random.standard_normal(3)
    turn *= np.radians(random.uniform(0.5, 2.0)) / np.linalg.norm(turn)
    head[:3, :3] = head[:3, :3] @ rotation_from_tangent(torch.as_tensor(turn)).numpy()
    head[:3, 3] += shift * random.uniform(0.05, 0.3) / np.linalg.norm(shift)
    assert sound.take.start is not None
    return replace(sound, take=replace(sound.take, start=replace(sound.take.start, head=head)))


def _strand(random: np.random.Generator) -> tuple[np.ndarray, int]:
    """(n, 3) rig space, cm, from the crown down over the forehead, and how bright it is."""
    side = random.uniform(-1, 1)
    root = np.array([5.5 * side, 9.5 - 2.5 * side**2, 4.5])
    tip = np.array([6.6 * side + random.normal(0, 0.5), random.uniform(2.8, 4.5) - 3.0 * side**4, 8.4 - 3.5 * side**2])
    bend = np.array([6.2 * side, 7.5 - 2.0 * side**2, 8.2 - 3.0 * side**2])
    t = np.linspace(0, 1, 9)[:, None]
    return (1 - t) ** 2 * root + 2 * t * (1 - t) * bend + t**2 * tip, int(random.integers(20, 70))


def _draw(picture: np.ndarray, lens: Camera, head: np.ndarray, line: np.ndarray, shade: int, wide: float) -> None:
    """Draws a line (n, 3) in rig space, ``wide`` cm, over an image (H, W, 3) in place."""
    there = (line @ head[:3, :3].T + head[:3, 3]) @ lens.rotation.T + lens.translation
    pixels = (there / there[:, 2:]) @ lens.intrinsics.T
    thick = max(1, round(wide * lens.intrinsics[0, 0] / float(there[:, 2].mean())))
    points = np.rint(16 * pixels[:, :2]).astype(np.int32)
    cv2.polylines(picture, [points], False, (shade, shade, shade), thick, cv2.LINE_AA, shift=4)


def _filmed(
    name: str, rig: Rig, stage: Stage, controls: np.ndarray, first: int, frames: int, mosaic: bool = False
) -> Sound:
    """``frames`` frames of a performance (F, K), from row ``first``; stage: of the head that is filmed."""
    lenses = tuple(scaled(lens, SIZE) for lens in cameras())
    heads = head_transforms(len(controls))
    low, high = max(0, first - MARGIN), min(len(controls), first + frames + MARGIN)
    store = develop if mosaic else with_noise
    images = np.stack(
        [
            [
                store(stage.render(controls[row], heads[row], lens).cpu(), np.random.default_rng((row, number)))
                for row in range(low, high)
            ]
            for number, lens in enumerate(lenses)
        ]
    )
    rows = slice(first, first + frames)
    truth = Truth(controls[rows], tuple(rig.control_names), heads[rows])
    lower, upper = rig.bounds.T
    off = 0.06 * np.minimum(upper - lower, 16.0)  # of a joint a degree
    guess = np.clip(controls[first] + off * np.cos(3.0 * np.arange(len(lower))), lower, upper)
    take = Take(
        name,
        rig,
        lenses,
        tuple(Footage(lens.name, "x{frame}.png") for lens in lenses),
        np.arange(first, first + frames),
        24.0,
        StartPose(first, guess, near(heads[first])),
    )
    take = with_images(take, images[:, first - low : first - low + frames])
    return Sound(take, truth, images, first - low)
