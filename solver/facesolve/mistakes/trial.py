"""How well the cameras of a take agree about the head in one frame, for one repair of the take after another.

A trial aligns the head on coarse images, from the start pose, and holds the cameras against each other. It knows no
repair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import sample_surface
from facesolve.stages.align import improve
from facesolve.stages.problem import QUALITY, Problem
from facesolve.take import Footage, StartPose, Take
from facesolve.verdict.agreement import camera_correlation

SAMPLES = 3_000
COARSE, FINE = 75.0, 150.0  # pixels of the smallest side: images on which the head is aligned, and held against others
LOOSE = 0.1  # of a control's range: how far controls may go from the start pose
ROUNDS = 2
LEAST_SIZE = 0.04  # of an image's smallest side: standard deviation of what it shows of the head


@dataclass(frozen=True, eq=False)
class Score:
    """What cameras say of a take. correlation: of each of C cameras with all others, 0 where it sees nothing of the
    head. pose: of the head there (B = 1)."""

    correlation: np.ndarray
    pose: Pose

    @property
    def mean(self) -> float:
        """Over the cameras."""
        return float(self.correlation.mean())


class Trial:
    """One frame of a take, ready to be tried. ``frame`` is the take frame index.

    Raises FootageError where a camera has no image of it.
    """

    def __init__(self, take: Take, start: StartPose, frame: int, device: torch.device) -> None:
        self.take, self.frame, self._device = take, frame, device
        self._plain = replace(take.settings, quality="draft", contour=0.0, head="transform", head_pins=())
        model = RigModel(take.rig, device)
        everything = torch.ones(len(model.triangles), dtype=torch.bool, device=device)
        smallest = min(min(camera.width, camera.height) for camera in take.cameras)
        self.coarse, self.fine = (max(0, round(math.log2(smallest / size))) for size in (COARSE, FINE))
        self._problem = Problem.of(
            take=replace(take, settings=self._plain),
            model=model,
            samples=sample_surface(model, SAMPLES, everything),
            quality=QUALITY["draft"],
            coarsest=self.coarse,
            pixels_per_cm=1.0,
        )
        self.start = Pose(
            torch.as_tensor(start.controls, device=device)[None], torch.as_tensor(start.head, device=device)[None]
        )
        self._seen: dict[int, FramePixels] = {}
        self._frame(frame)  # without it nothing can be told, whatever is repaired

    def score(
        self, repaired: Take, mirrored: Sequence[int] = (), fine: bool = True, start: Pose | None = None
    ) -> Score | None:
        """How well the cameras agree after a repair, the head aligned anew; None where an image is not in the take.

        repaired: the same cameras, rig and images in another order, of other numbers or through other lenses, before
        any frame was left out. mirrored: cameras whose images are taken as in a mirror.
        """
        pixels = self._pixels(repaired, mirrored)
        if pixels is None:
            return None
        problem = self._problem.made_anew(take=replace(repaired, settings=self._plain))
        pose, frames = self.start if start is None else start, torch.tensor([self.frame], device=self._device)
        pose = improve(problem, pixels, pose, frames, self.coarse, free_controls=False, rounds=ROUNDS)
        if fine:
            pose = improve(problem, pixels, pose, frames, self.fine, free_controls=False, rounds=1)
            pose = improve(problem, pixels, pose, frames, self.fine, free_controls=True, deviation=LOOSE, rounds=1)
        return self._scored(problem, pixels, pose, self.fine if fine else self.coarse)

    def at(self, repaired: Take, pose: Pose) -> Score | None:
        """The same at a pose (B = 1) as it is."""
        pixels = self._pixels(repaired, ())
        if pixels is None:
            return None
        return self._scored(
            self._problem.made_anew(take=replace(repaired, settings=self._plain)), pixels, pose, self.fine
        )

    def _scored(self, problem: Problem, pixels: FramePixels, pose: Pose, level: int) -> Score:
        frames = torch.tensor([self.frame], device=self._device)
        correlation, size = camera_correlation(problem, [pixels], pose, frames, level)
        least = [LEAST_SIZE * min(image.shape) for image in pixels.level(level).luminance]
        # a head as small as a pixel looks the same in all cameras
        large = size[0] > size.new_tensor(least)
        believed = torch.where(large, correlation[0], 0.0).nan_to_num(nan=0.0)
        return Score(believed.double().cpu().numpy(), pose)

    def _pixels(self, repaired: Take, mirrored: Sequence[int]) -> FramePixels | None:
        """What the cameras of a repaired take see at the frame."""
        lenses = [
            np.array_equal(own.distortion, other.distortion)
            for own, other in zip(self.take.cameras, repaired.cameras, strict=True)
        ]
        images = []
        for camera, footage in enumerate(repaired.footage):
            source = next(i for i, own in enumerate(self.take.footage) if _same_images(own, footage))
            index = self.frame + footage.offset - self.take.footage[source].offset
            if not 0 <= index < self.take.frame_count:
                return None
            pixels = self._frame(index) if all(lenses) else _read(repaired, index, self.fine, self._device)
            of_camera = (pixels.luminance[source], pixels.mask[source])
            images.append(tuple(image.flip(-1) for image in of_camera) if camera in mirrored else of_camera)
        return FramePixels(tuple(each[0] for each in images), tuple(each[1] for each in images), finest=self.fine)

    def _frame(self, index: int) -> FramePixels:
        if index not in self._seen:
            self._seen[index] = _read(self.take, index, self.fine, self._device)
        return self._seen[index]

    def liveliest(self, reach: int, margin: int, avoid: Sequence[int]) -> int:
        """The take frame index within ``reach`` of the trial's at which most moves.

        margin: frames that are wanted before and after it, where the take has as many. avoid: take frame indices that
        show something else, whose coming and going is no motion of the face.
        """
        count = self.take.frame_count
        near = [
            index
            for index in range(max(1, self.frame - reach), min(count - 1, self.frame + reach + 1))
            if not {index - 1, index, index + 1}.intersection(avoid)
        ]
        inner = [index for index in near if margin <= index < count - margin]

        def motion(index: int) -> float:
            before, after = (self._frame(index + step).level(self.coarse) for step in (-1, 1))
            return sum(float((a - b).abs().mean()) for a, b in zip(before.luminance, after.luminance, strict=True))

        return max(inner or near, key=motion, default=self.frame)


def _read(take: Take, index: int, level: int, device: torch.device) -> FramePixels:
    with TakeFootage(take, device) as opened:
        ((_, pixels),) = opened.frames([index], level, color=False)
    return pixels


def _same_images(one: Footage, other: Footage) -> bool:
    return one.path == other.path and one.arrays is other.arrays
