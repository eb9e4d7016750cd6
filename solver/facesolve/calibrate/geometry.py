"""What is weak about a calibration's views, in plain sentences with a remedy. Judges; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import cv2
import numpy as np
import torch

from facesolve.geometry.camera import CameraModel
from facesolve.take.finding import NOTE, WARNING, Finding

from .calibrate import CalibratedLens, Calibration, Checked
from .lens import CX, FX, FY
from .single import COVERED
from .trust import orientation

FEW_FOUND = 1 / 3  # of a camera's images
FEW_VIEWS = 6
FEW_LINKS = 3
TILTED = 12.0  # degrees between a board and the image plane from which perspective tells the focal length
FEW_TILTED = 3
FOCAL_DEVIATION = 0.003  # of the focal length
ASPECT = 0.05  # difference of the focal lengths of both axes, relative; sensors have square pixels
CENTER_DEVIATION = 4.0  # pixels, of the principal point
PLACE_DEVIATION = 0.1  # cm, of a camera's center in the world
ANGLE_DEVIATION = 0.1  # degrees, of the angle between two cameras' axes
AXIS_DEVIATION = 0.025  # cm, of a camera's center along an axis, seen from the head's place
FLAT = 0.04  # thickness over width of the cloud of all board points
WRONG_SHARE = 0.2  # of a camera's points
CLEAR = 3.0  # standard deviations from which on a board is said to be other than meant
SLIGHT_BULGE, SLIGHT_STRETCH = 0.1, 0.05  # mm and percent: less is not worth a word
UNUSUAL = 5.0  # times what boards usually have: more is not told by the few numbers that are found


def find_weaknesses(calibration: Calibration) -> tuple[Finding, ...]:
    """What makes a calibration less sure than its reprojection error says: of each camera in order, then of all."""
    places = tuple(_of_places(calibration))
    found = [
        Finding(WARNING, f"camera '{lens.camera.name}'", sentence, remedy)
        for lens in calibration.cameras
        for sentence, remedy in _of_camera(calibration, lens, calibration.of_camera(lens.camera.name), not places)
    ]
    return (*found, *places, *_of_rig(calibration))


def board_tilt(calibration: Calibration, lens: CalibratedLens, view: str) -> float:
    """Degrees between the board of a view and the camera's image plane."""
    axis = lens.camera.rotation[2] @ calibration.boards[view][:3, 2]
    return float(np.degrees(np.arccos(np.clip(abs(axis), 0, 1))))


def coverage(lens: CalibratedLens, checked: Sequence[Checked]) -> float:
    """Share of the image inside the convex hull of the points used, 0..1."""
    points = np.concatenate([item.detection.pixels[item.used] for item in checked])
    hull = cv2.convexHull(points.astype(np.float32))
    return float(cv2.contourArea(hull)) / (lens.camera.width * lens.camera.height)


def _of_camera(
    calibration: Calibration, lens: CalibratedLens, checked: Sequence[Checked], say_center: bool
) -> Iterator[tuple[str, str]]:
    """Sentence and remedy. say_center: of an uncertain principal point, where nothing is said of what follows of it."""
    used = [item for item in checked if item.used.any()]
    images = calibration.session.images.get(lens.camera.name, 0)
    if len(checked) < FEW_FOUND * images:
        yield (
            f"the board was found in only {len(checked)} of its {images} images.",
            "Check --board (columns, rows), and that it is whole and sharp in them.",
        )
    points = sum(len(item.used) for item in checked)
    wrong = points - sum(int(item.used.sum()) for item in checked)
    if wrong > WRONG_SHARE * points:
        yield f"{wrong} of {points} detected points were rejected as outliers.", "Look at its pictures."
    if not lens.held:
        if len(used) < FEW_VIEWS:
            yield f"few views constrain its lens ({len(used)}).", f"Photograph the board in {FEW_VIEWS} or more."
        if lens.focal_assumed:
            yield (
                f"its views do not tell its focal length; {lens.parameters[FX]:.0f} pixels are assumed.",
                "Show the board in other places and tilts, in images that are not cropped.",
            )
        tilts = [board_tilt(calibration, lens, item.detection.pose) for item in used]
        tilted = sum(tilt > TILTED for tilt in tilts)
        if tilted < FEW_TILTED:
            yield (
                f"the board is tilted by more than {TILTED:.0f} degrees in few views ({tilted}), so focal length and "
                "distance are hard to tell apart.",
                "Tilt it by 20 to 45 degrees in several directions.",
            )
        share = coverage(lens, used)
        if share < COVERED and lens.model != "none":
            yield (
                f"the board reached {100 * share:.0f} % of the image, so the distortion elsewhere is a guess.",
                "Move it into the corners." if lens.tried else "Move it into the corners, or choose a simpler --lens.",
            )
        relative = lens.deviation[FX] / lens.parameters[FX]
        if relative > FOCAL_DEVIATION:
            text = f"its focal length is uncertain by {100 * relative:.2f} % (one standard deviation)."
            yield text, "Show the board larger and more tilted."
        aspect = lens.parameters[FX] / lens.parameters[FY]
        if abs(aspect - 1) > ASPECT:
            text = f"its pixels would be {1 / aspect:.2f} times as wide as high."
            yield text, "Check --board, or use --square-pixels."
        offset = float(lens.deviation[CX : CX + 2].max())
        if say_center and offset > CENTER_DEVIATION:
            text = f"its principal point is uncertain by {offset:.1f} pixels (one standard deviation)."
            yield text, "Show the board in more places of the image and more tilted."
    if _folds(lens):
        yield (
            f"its lens model '{lens.model}' turns back inside the image: pixels near the edge cannot be undistorted.",
            "Choose a simpler --lens or show the board there.",
        )
    place = float(np.linalg.norm(lens.world_deviation if lens.center_deviation is None else lens.center_deviation))
    if place > PLACE_DEVIATION:
        text = f"its position is uncertain by {10 * place:.1f} mm (one standard deviation)."
        yield text, "Show the board to it and to other cameras more often."


def _of_rig(calibration: Calibration) -> Iterator[Finding]:
    for a, b, count in calibration.links:
        if count < FEW_LINKS:
            text = f"they are linked by {count} shared view{'s' * (count != 1)}."
            yield Finding(WARNING, f"cameras '{a}' and '{b}'", text, "Show the board to both of them more often.")
    for number, shape in enumerate(calibration.shapes):
        subject = "board" if len(calibration.shapes) == 1 else f"board {number + 1}"
        severity = WARNING if shape.unusual > UNUSUAL else NOTE
        if shape.bulge > max(SLIGHT_BULGE, CLEAR * shape.bulge_deviation):
            bulge = f"{shape.bulge:.2f} ± {shape.bulge_deviation:.2f} mm"
            text = f"it is not flat but bulges by {bulge}, which is allowed for."
            yield Finding(severity, subject, text, "Glue it to glass or another plate that does not bend.")
        if abs(shape.stretch) > max(SLIGHT_STRETCH, CLEAR * shape.stretch_deviation):
            longer = "wider" if shape.stretch > 0 else "higher"
            text = f"its print is {abs(shape.stretch):.2f} % {longer} than it should be, which is allowed for."
            yield Finding(severity, subject, text, "Measure the print, or give --distances for its size.")
    points = {view: board.points for view, board in calibration.session.board_by_view.items()}
    cloud = np.concatenate([points[v] @ pose[:3, :3].T + pose[:3, 3] for v, pose in calibration.boards.items()])
    widths = np.linalg.svd(cloud - cloud.mean(0), compute_uv=False)
    if widths[2] < FLAT * widths[0]:
        text = "they lie nearly in one plane, which constrains focal lengths and positions poorly."
        remedy = "Move the board towards and away from the cameras and tilt it."
        yield Finding(WARNING, "boards", text, remedy)


def _of_places(calibration: Calibration) -> Iterator[Finding]:
    """Where boards over a small part of the images do not hold the cameras as boards that fill them do."""
    lenses, sure = calibration.cameras, calibration.sure
    turns = {pair: orientation(sure, *pair).deviation for pair in combinations(range(len(lenses)), 2)}
    seen = [lens.center_deviation.max() for lens in lenses if lens.center_deviation is not None]
    if not turns or (max(turns.values()) <= ANGLE_DEVIATION and max(seen, default=0.0) <= AXIS_DEVIATION):
        return
    own = [(lens, [item for item in calibration.of_camera(lens.camera.name) if item.used.any()]) for lens in lenses]
    if all(lens.held or coverage(lens, used) >= COVERED for lens, used in own):
        return
    a, b = (lenses[index].camera.name for index in max(turns, key=lambda pair: turns[pair]))
    places = f" and their places to ± {10 * max(seen):.2f} mm" if seen else ""
    text = (
        f"these views hold the angles between them to ± {max(turns.values()):.2f} degrees only ('{a}' and '{b}')"
        f"{places} (one standard deviation)."
    )
    remedy = (
        "Add views of the board half as high as the image, in the middle and in every corner, for each camera in turn: "
        "hold it nearer, or use a larger one; the other cameras need not see it."
    )
    yield Finding(WARNING, "cameras", text, remedy)


def _folds(lens: CalibratedLens) -> bool:
    """Whether some pixel at the image's edge lies beyond the lens model's range."""
    camera = lens.camera
    if not camera.distorted:
        return False
    x, y = np.linspace(0.5, camera.width - 0.5, 21), np.linspace(0.5, camera.height - 0.5, 21)
    edge = [(u, v) for u in x for v in (y[0], y[-1])] + [(u, v) for v in y for u in (x[0], x[-1])]
    model = CameraModel.from_cameras([camera], dtype=torch.float64)
    _, valid = model.undistort_points(torch.tensor(edge, dtype=torch.float64))
    return not bool(valid.all())
