"""A session while it is photographed: which images are new, what they add, which are refused. Writes and shows nothing.

Each look takes in the files that are complete by then; the calibration of what is there says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from facesolve.footage.container import UnreadableImage
from facesolve.footage.decode import read_pixels
from facesolve.geometry.camera import pixels_to_opencv
from facesolve.runtime.progress import Silent
from facesolve.take import FootageError, TakeError

from .board import Board
from .calibrate import Calibration, Request, calibrate
from .detect import detect_all, to_gray
from .images import find_images
from .markers import check_markers
from .next_view import NextView, next_view
from .recordings import APART, STILL
from .session import BoardImage, Detection, Session

SOON = 0.5  # seconds between two images of one movement
SMEARED = (
    0.6  # of the sharpness of a camera's sharp images: below, about from 8 pixels of movement on, a view is refused
)
SHARP = 75.0  # percentile of a camera's images that is sharp
STEEPEST = 99.0  # percentile of the slopes that stands for the edges
DIRECTIONS = 12
SMEAR = "it is blurred there: the board moved, or is out of focus"
FEWEST_VIEWS = 3  # of every camera, before a calibration is tried


@dataclass(frozen=True, eq=False)
class Looked:
    """What came of one image. detections: of the boards found. taken: seconds, when its file was written; minus
    infinity for one that was there when watching began: it may have been copied.

    sharpness: as of ``sharpness``, of each of the detections. damaged: the file could not be read.
    """

    image: BoardImage
    size: tuple[int, int]
    detections: tuple[Detection, ...]
    taken: float
    refused: str = ""
    sharpness: tuple[float, ...] = ()
    damaged: bool = False


@dataclass(frozen=True, eq=False)
class Watched:
    """The session so far. looked: all images in order. calibration: None until views allow one; trouble: why."""

    looked: tuple[Looked, ...] = ()
    calibration: Calibration | None = None
    advice: NextView | None = None
    trouble: str = ""

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras that have images."""
        return tuple(dict.fromkeys(one.image.camera for one in self.looked))

    def of_camera(self, camera: str) -> list[Looked]:
        """What came of the images of a camera."""
        return [one for one in self.looked if one.image.camera == camera]

    def size(self, camera: str) -> tuple[int, int]:
        """(width, height) pixels of a camera's images; (1, 1) while none could be read."""
        return next((one.size for one in self.of_camera(camera) if any(one.size)), (1, 1))

    @property
    def kept(self) -> tuple[Looked, ...]:
        """Those in which a board was found and all stood still."""
        return tuple(one for one in self.looked if one.detections and not one.refused)

    def session(self, boards: Sequence[Board]) -> Session:
        """The views that are kept. Raises TakeError for a camera without any."""
        sizes = {camera: self.size(camera) for camera in self.cameras}
        detections = tuple(detection for one in self.kept for detection in one.detections)
        for camera in self.cameras or ("camera",):
            if not any(detection.camera == camera for detection in detections):
                raise TakeError(
                    f"camera '{camera}': no image shows the whole board standing still; check --board (columns, rows)."
                )
        counts = {camera: len(self.of_camera(camera)) for camera in self.cameras}
        return Session(boards[0], sizes, detections, counts, tuple(boards[1:]))


@dataclass(eq=False)
class Watch:
    """Looks for new images of ``source`` (as of ``images.find_images``). wanted: how to calibrate cameras of names."""

    source: str
    boards: Sequence[Board]
    only_cameras: Sequence[str]
    wanted: Callable[[Sequence[str]], Request]
    state: Watched = field(default_factory=Watched)
    _looked: dict[Path, Looked] = field(default_factory=dict)
    _growing: dict[Path, tuple[int, float]] = field(default_factory=dict)
    _read: dict[Path, tuple[int, float]] = field(default_factory=dict)
    _early: frozenset[Path] | None = None

    def __post_init__(self) -> None:
        for board in self.boards:
            check_markers(board)

    def look(self) -> bool:
        """Takes in what is new; whether anything was. A file counts once two looks find it of one size and time."""
        try:
            images = find_images(self.source, self.only_cameras)
        except FootageError:  # none yet
            images = ()
        if self._early is None:
            self._early = frozenset(image.path for image in images)
        complete = [image for image in images if self._is_new(image.path)]
        for image in images:  # names may change: of left01.jpg alone it is not known that 'left' is the camera
            if image.path in self._looked:
                self._looked[image.path] = _renamed(self._looked[image.path], image)
        for image in complete:
            self._looked[image.path] = self._judged(image)
        if not complete:
            return False
        order = [self._looked[image.path] for image in images if image.path in self._looked]
        self.state = self._calibrated(Watched(tuple(_without_moving(_without_blurred(order)))))
        return True

    def _is_new(self, path: Path) -> bool:
        """Whether a file is whole that was not looked at, or was damaged then and has been written since."""
        earlier = self._looked.get(path)
        if earlier is not None and not earlier.damaged:
            return False
        try:
            there = path.stat()
        except OSError:  # gone again
            return False
        now = there.st_size, there.st_mtime
        before, self._growing[path] = self._growing.get(path), now
        return now == before and now[0] > 0 and now != self._read.get(path)

    def _judged(self, image: BoardImage) -> Looked:
        self._read[image.path] = self._growing[image.path]
        taken = -np.inf if image.path in (self._early or ()) else self._growing[image.path][1]
        try:
            gray = to_gray(read_pixels(image.path))
        except UnreadableImage as problem:
            return Looked(image, (0, 0), (), taken, f"the file {problem}", damaged=True)
        size = (gray.shape[1], gray.shape[0])
        width, height = next(
            (o.size for o in self._looked.values() if o.image.camera == image.camera and any(o.size)), size
        )
        if size != (width, height):
            why = f"it has {size[0]}x{size[1]} pixels, others {width}x{height}"
            return Looked(image, (width, height), (), taken, why)
        found = tuple(detect_all(gray, self.boards, image.camera, image.view))
        return Looked(image, size, found, taken, "", tuple(sharpness(gray, each.pixels) for each in found))

    def _calibrated(self, state: Watched) -> Watched:
        """With the calibration of the views that are kept, or why there is none yet."""
        counts = [sum(one.image.camera == camera for one in state.kept) for camera in state.cameras]
        few = [camera for camera, count in zip(state.cameras, counts, strict=True) if count < FEWEST_VIEWS]
        if few:
            return replace(state, trouble=f"{', '.join(few)}: fewer than {FEWEST_VIEWS} views so far")
        try:
            found = calibrate(state.session(self.boards), self.wanted(state.cameras), Silent())
        except TakeError as problem:
            return replace(state, trouble=str(problem))
        return replace(state, calibration=found, advice=next_view(found))


def sharpness(gray: np.ndarray, pixels: np.ndarray) -> float:
    """How steep the edges of the board at ``pixels`` (n, 2) are in the direction in which they are flattest.

    gray: (H, W) uint8. In parts of the contrast; a board that moves flattens edges along its way.
    """
    x0, y0 = np.maximum(np.floor(pixels_to_opencv(pixels).min(0)).astype(int) - 2, 0)
    x1, y1 = np.ceil(pixels_to_opencv(pixels).max(0)).astype(int) + 3
    part = cv2.GaussianBlur(gray[y0:y1, x0:x1].astype(np.float32), (0, 0), 1.0)
    slopes = np.stack([cv2.Scharr(part, cv2.CV_32F, 1, 0), cv2.Scharr(part, cv2.CV_32F, 0, 1)], -1)
    angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    along = np.abs(slopes @ np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32))
    steep = np.percentile(along.reshape(-1, DIRECTIONS), STEEPEST, axis=0)
    return float(steep.min() / max(float(np.ptp(np.percentile(part, (5, 95)))), 1.0))


def _without_blurred(looked: Sequence[Looked]) -> list[Looked]:
    """Those refused that are much less sharp than the same board in other images of their camera."""
    sharp: dict[tuple[str, int], list[float]] = {}
    for one in looked:
        for each, value in zip(one.detections, one.sharpness, strict=True):
            sharp.setdefault((each.camera, each.board), []).append(value)
    least = {board: SMEARED * float(np.percentile(values, SHARP)) for board, values in sharp.items()}
    return [
        replace(one, refused=SMEAR)
        if not one.refused
        and any(
            value < least[each.camera, each.board] for each, value in zip(one.detections, one.sharpness, strict=True)
        )
        else one
        for one in looked
    ]


def _without_moving(looked: Sequence[Looked]) -> list[Looked]:
    """Those refused in whose view some camera shows the board moving.

    It moves where it is blurred, and where several images taken shortly before or after show it a little further on;
    images that were copied together show it somewhere else.
    """
    moving = {one.image.view: one.image.camera for one in looked if one.refused == SMEAR}
    for one in looked:
        near = [
            detection
            for other in looked
            if other is not one and other.image.camera == one.image.camera and abs(other.taken - one.taken) < SOON
            for detection in other.detections
        ]
        for each in one.detections:
            steps = np.array([_step(each, other) for other in near if other.board == each.board])
            little = steps[steps < APART * one.size[0]]
            if len(little) >= 2 and little.min() > STILL:
                moving.setdefault(one.image.view, one.image.camera)
    return [
        replace(one, refused=f"the board moves in {moving[one.image.view]}")
        if one.image.view in moving and not one.refused
        else one
        for one in looked
    ]


def _renamed(looked: Looked, image: BoardImage) -> Looked:
    """The same as an image of another camera or view."""
    found = tuple(replace(each, camera=image.camera, view=image.view) for each in looked.detections)
    return replace(looked, image=image, detections=found)


def _step(one: Detection, other: Detection) -> float:
    """Median pixels between the points that both detections have; none at all is far away."""
    shared, mine, theirs = np.intersect1d(one.ids, other.ids, return_indices=True)
    if not len(shared):
        return float("inf")
    return float(np.median(np.linalg.norm(one.pixels[mine] - other.pixels[theirs], axis=1)))
