"""Finds the start pose of a take that has none. What ``facesolve align`` and a solve use.

By landmarks where MediaPipe is installed, which is quick and needs one camera; by a search over head poses, which needs
nothing but two cameras, where it is not or where it leaves doubt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from facesolve.footage import linear_to_srgb
from facesolve.footage.stream import FramePixels, TakeFootage
from facesolve.geometry.camera import CameraModel, without_distortion
from facesolve.geometry.rig import RigModel
from facesolve.residuals.priors import ControlPrior
from facesolve.runtime.progress import Progress
from facesolve.take import FootageError, SolveError, StartPose, Take

from .detector import Detector, LandmarkError, find_detector
from .evidence import Evidence, gather
from .found import FoundStart, confidence
from .landmarks import LandmarkFit, RigLandmarks, fit_landmarks, landmarks_of_rig
from .method import LANDMARKS, SEARCH, How
from .proxy import HeadProxy, make_proxy
from .search import search
from .settle import Settled, settle

OTHER_FRAMES = (1 / 3, 2 / 3)  # places in the take that are tried when the first frame leaves doubt
CANDIDATES = 3  # poses of the search that are settled when the best leaves doubt
SAME_WITHIN = 0.1  # of the head's radius
SAME_SIZE = (0.85, 1.18)  # of the rig, within which an actor's face may differ
LANDMARK_LEAD = 0.3  # what landmarks that all fall into their places are worth; fewer count in proportion
LONE_CONFIDENCE = 0.7  # at best, by landmarks in a single camera, where nothing can be compared


def find_start(
    take: Take,
    footage: TakeFootage,
    device: torch.device,
    progress: Progress,
    frame: int | None = None,
    how: How | None = None,
) -> FoundStart:
    """The start pose of ``take`` at take frame number ``frame``, or at a frame where it is found well.

    A start that the take has already is not used. Raises SolveError when nothing can be found, FootageError.
    """
    finder = _Finder(take, device, How() if how is None else how)
    indices = _frames_to_try(take) if frame is None else [_index(take, frame)]
    best: FoundStart | None = None
    progress.stage("find the start pose", len(indices))
    for index in indices:
        if best is None or not best.sure:
            ((_, pixels),) = footage.frames([index])
            if any(bool((mask > 0).any()) for mask in pixels.mask):  # images may be missing when the take allows it
                found = finder.find(index, pixels)
                best = found if best is None or found.confidence > best.confidence else best
        progress.advance()
    if best is None:
        raise FootageError(f"take '{take.name}': no camera has an image at the frames that are searched for the head.")
    return best


def _frames_to_try(take: Take) -> list[int]:
    last = take.frame_count - 1
    return sorted({0, *(round(part * last) for part in OTHER_FRAMES)})


def _index(take: Take, frame: int) -> int:
    found = np.flatnonzero(take.frames == frame)
    if not len(found):
        raise SolveError(f"frame {frame} is not one of the take's frames {take.frames[0]}..{take.frames[-1]}.")
    return int(found[0])


class _Finder:
    """Looks for the head in single frames of one take."""

    def __init__(self, take: Take, device: torch.device, how: How) -> None:
        self._take, self._how = take, how
        self._model = RigModel(take.rig, device)
        self._detector: Detector | None = None
        if how.method != SEARCH:
            self._detector = find_detector(how.landmark_python, how.landmark_model)
        if how.method == LANDMARKS and self._detector is None:
            raise LandmarkError(
                "landmarks: MediaPipe is not installed here; name a Python that has it by --landmark-python or "
                "FACESOLVE_LANDMARK_PYTHON, or use --method search."
            )

    def find(self, index: int, pixels: FramePixels) -> FoundStart:
        """The start pose at take frame index ``index`` by the chosen method, or the first that is certain."""
        if self._detector is None:
            return self._by_search(index, pixels, ())
        if self._how.method == LANDMARKS:
            return self._by_landmarks(self._detector, index, pixels)
        try:
            found = self._by_landmarks(self._detector, index, pixels)
        except LandmarkError as problem:
            return self._by_search(index, pixels, (f"landmarks failed ({str(problem).rstrip('.')})",))
        if found.sure or len(self._take.cameras) < 2:
            return found
        searched = self._by_search(index, pixels, ("landmarks were inconclusive",))
        return searched if searched.confidence > found.confidence else found

    @cached_property
    def _proxy(self) -> HeadProxy:
        return make_proxy(self._model)

    @cached_property
    def _rig_landmarks(self) -> RigLandmarks:
        assert self._detector is not None  # only asked for with one
        proxy = self._proxy
        return landmarks_of_rig(self._model, proxy.axes, proxy.center, proxy.radius, self._detector)

    def _by_landmarks(self, detector: Detector, index: int, pixels: FramePixels) -> FoundStart:
        take, rig = self._take, self._rig_landmarks
        faces = detector.detect(pictures(pixels))
        lenses = [without_distortion(camera) for camera in take.cameras]
        cameras = CameraModel.from_cameras(lenses, index, self._model.device, torch.float64)
        prior = ControlPrior.from_take(take, self._model.device)
        fit = fit_landmarks(self._model, rig, cameras, faces.points, prior, index, self._proxy.axes, self._proxy.radius)
        notes = (_landmark_note(take, rig, faces.engine, faces.points, fit),)
        start = self._start(index, fit.pose.controls[0].cpu().numpy(), fit.pose.head[0].cpu().numpy())
        if len(take.cameras) < 2:
            return FoundStart(start, LANDMARKS, LONE_CONFIDENCE * fit.inliers, math.nan, math.nan, notes)
        settled = settle(take, self._model, self._proxy, index, pixels, start)
        belief = confidence(settled.agreement, LANDMARK_LEAD * fit.inliers)
        return FoundStart(settled.start, LANDMARKS, belief, settled.agreement, math.nan, notes)

    def _by_search(self, index: int, pixels: FramePixels, notes: tuple[str, ...]) -> FoundStart:
        take, evidence = self._take, gather(self._take, index, pixels)
        settled: list[Settled] = []
        best = None
        for anyway_up in (False, True):
            for head in search(self._proxy, evidence, CANDIDATES, anyway_up):
                start = self._start(index, take.rig.default_controls, head)
                settled.append(settle(take, self._model, self._proxy, index, pixels, start))
                best = _best(self._proxy, settled, (*notes, _outline_note(evidence)))
                if best.sure and not math.isnan(best.runner_up):
                    return best
        assert best is not None
        return best

    def _start(self, index: int, controls: np.ndarray, head: np.ndarray) -> StartPose:
        return StartPose(int(self._take.frames[index]), controls, head)


def pictures(pixels: FramePixels) -> list[np.ndarray]:
    """What the cameras saw as (H, W, 3) uint8 RGB, from luminance and half-size chroma: a detector wants color."""
    found = []
    for luminance, chroma in zip(pixels.luminance, pixels.chroma, strict=True):
        wide = F.interpolate(chroma[None].to(luminance), size=luminance.shape, mode="bilinear")[0]
        green = luminance.square() - 0.2126 * wide[0] - 0.0722 * wide[1]
        linear = torch.stack([green + wide[0], green, green + wide[1]], -1)
        found.append(np.asarray(np.rint(255 * linear_to_srgb(linear.clamp(0, 1).cpu().numpy())), np.uint8))
    return found


def _best(proxy: HeadProxy, settled: Sequence[Settled], notes: tuple[str, ...]) -> FoundStart:
    """The pose at which the cameras agree best, held against the best of the others."""
    ranked = sorted(settled, key=lambda one: -one.agreement)
    others = [one.agreement for one in ranked[1:] if not same_pose(proxy, one.start, ranked[0].start)]
    agreement, runner_up = ranked[0].agreement, max(others, default=math.nan)
    lead = 0.0 if math.isnan(runner_up) else agreement - runner_up
    return FoundStart(ranked[0].start, SEARCH, confidence(agreement, lead), agreement, runner_up, notes)


def same_pose(proxy: HeadProxy, one: StartPose, other: StartPose) -> bool:
    """Whether two heads are nowhere on the proxy farther from each other than ``SAME_WITHIN`` of its radius."""
    points = proxy.points.double().cpu().numpy()
    first, second = (points @ start.head[:3, :3].T + start.head[:3, 3] for start in (one, other))
    return bool(np.linalg.norm(first - second, axis=1).max() < SAME_WITHIN * proxy.radius)


def _landmark_note(
    take: Take, rig: RigLandmarks, engine: str, faces: Sequence[np.ndarray | None], fit: LandmarkFit
) -> str:
    shown = [camera.name for camera, face in zip(take.cameras, faces, strict=True) if face is not None]
    size = ""
    if not SAME_SIZE[0] <= fit.size <= SAME_SIZE[1]:
        size = (
            f"; the face is {fit.size:.3g} times as large as the rig's: cameras of a reconstruction need a "
            f"--scale {1 / fit.size:.4g} times as large in 'facesolve pack'"
        )
    return (
        f"{engine}: a face in {len(shown)} of {len(take.cameras)} cameras ({', '.join(shown)}), {len(rig.number)} "
        f"landmarks on the rig; {fit.inliers:.0%} of them fit, to {fit.residual:.1%} of the head's radius (median)"
        f"{size}"
    )


def _outline_note(evidence: Evidence) -> str:
    names = [camera.name for camera in evidence.take.cameras]
    told = [name for name, actor in zip(names, evidence.actors, strict=True) if actor is not None]
    if len(told) == len(names):
        return "the actor's outline was used in every camera"
    refused = [f"{name}: {reason}" for name, reason in zip(names, evidence.refusals, strict=True) if name not in told]
    return f"the actor's outline was used in {len(told)} of {len(names)} cameras ({'; '.join(refused)})"
