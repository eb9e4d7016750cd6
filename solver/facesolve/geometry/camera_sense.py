"""Whether cameras can be: what is impossible or unlikely of a lens, a place and a rig. Knows no files and no footage.

The mistakes that people make most often are named: a transposed or normalized matrix, another image size, the order of
distortion coefficients, axes of another program, camera-to-world instead of world-to-camera, and units.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from facesolve.take.calibration import CalibratedCamera
from facesolve.take.camera import BROWN
from facesolve.take.finding import ERROR, WARNING, Finding

_FOCAL = (0.15, 60.0)  # of the longer side of the image: beyond, it is none that films a face
_LIKELY_FOCAL = (0.35, 20.0)
_OFF_CENTER = 0.2  # of the image's side
_OFF_TOGETHER = 0.015  # ... by which all cameras are off the middle to one side: lenses differ, a crop does not
_TANGENTIAL = 0.02  # p1 and p2 of lenses that were put together well are below 0.005
_DISTANCES = (8.0, 3000.0)  # centimeters between cameras and what they film
_HEAD = 22.0  # centimeters from chin to crown
_SHARE, _LIKELY_SHARE = (0.015, 20.0), (0.12, 4.0)  # of the image's shorter side that a head takes
_MEET = 0.25  # of that distance: how far axes of cameras that film one thing pass it
_PARALLEL = 0.02  # radians
_APART = 0.985  # cosine of 10 degrees
_ROTATION = 1e-4


def camera_findings(cameras: Sequence[CalibratedCamera], placed: bool = True) -> list[Finding]:
    """What cannot be (errors) and what is unlikely (warnings), cameras in order, then the rig.

    placed: whether the cameras have places; lenses alone have none. An empty list when all is well.
    """
    findings = [finding for camera in cameras for finding in _lens_findings(camera)]
    if not findings:
        findings += _crop_findings(cameras)
    if placed:
        findings += [finding for camera in cameras for finding in _rotation_findings(camera)]
    if placed and not any(finding.severity == ERROR for finding in findings):
        findings += _rig_findings(cameras)
    return findings


def _lens_findings(camera: CalibratedCamera) -> Iterator[Finding]:
    subject, k = f"camera '{camera.name}'", camera.intrinsics
    if np.abs(k[2, :2]).max() > 1e-6 * abs(k[0, 0]) and np.abs(k[:2, 2]).max() < 1e-6 * abs(k[0, 0]):
        yield Finding(ERROR, subject, "its intrinsic matrix is transposed.", "Write it row by row, ending in 0 0 1.")
        return
    if np.abs(k[2] - (0.0, 0.0, 1.0)).max() > 1e-6 or abs(k[1, 0]) > 1e-6 * abs(k[0, 0]):
        text = "its intrinsic matrix is none: it must have a zero below the diagonal and end in the row 0 0 1."
        yield Finding(ERROR, subject, text, "Check how it was written.")
        return
    if k[0, 0] <= 0 or k[1, 1] <= 0:
        yield Finding(
            ERROR, subject, "its focal length is not positive.", "Check signs and axes of the intrinsic matrix."
        )
        return
    if max(k[0, 0], k[1, 1]) < 20 and np.abs(k[:2, 2]).max() < 2:
        text = f"its focal length is {k[0, 0]:g}, in parts of the image instead of pixels."
        yield Finding(ERROR, subject, text, "Multiply the first row by the image's width, the second by its height.")
        return
    yield from _size_findings(camera)
    if abs(k[0, 0] / k[1, 1] - 1) > 0.25:
        text = f"its pixels would be {k[1, 1] / k[0, 0]:.2f} times as wide as high."
        yield Finding(WARNING, subject, text, "Check fx and fy.")
    if camera.lens == BROWN and len(camera.distortion) > 3:
        p1, p2 = camera.distortion[2:4]
        if max(abs(p1), abs(p2)) > _TANGENTIAL:
            text = f"its tangential distortion (p1 {p1:g}, p2 {p2:g}) is larger than that of any sound lens."
            yield Finding(WARNING, subject, text, "Check the order of the coefficients: k1 k2 p1 p2 k3, k3 behind p2.")


def _size_findings(camera: CalibratedCamera) -> Iterator[Finding]:
    """Of the matrix beside the image size."""
    if camera.size is None:
        return
    subject, k, size = f"camera '{camera.name}'", camera.intrinsics, np.array(camera.size, np.float64)
    center, focal = k[:2, 2] / size, float(k[0, 0] / size.max())
    written = f"{camera.width}x{camera.height}"
    fits = 2 * center
    if abs(fits[0] / fits[1] - 1) < 0.08 and abs(fits.mean() - 1) > 0.25 and fits.min() > 0:
        other = np.rint(2 * k[:2, 2]).astype(int)
        text = f"its intrinsic matrix is that of images of about {other[0]}x{other[1]} pixels, not of {written}."
        yield Finding(ERROR, subject, text, "Give the image size it was calibrated at, or scale the matrix.")
    elif (center < 0).any() or (center > 1).any():
        text = f"its principal point ({k[0, 2]:.0f}, {k[1, 2]:.0f}) is outside its image of {written} pixels."
        swapped = ((k[:2, 2] / size[::-1] - 0.5) ** 2).sum() < ((center - 0.5) ** 2).sum()
        remedy = "Width and height seem to be swapped." if swapped else "Check the matrix and the image size."
        yield Finding(ERROR if (np.abs(center - 0.5) > 1.5).any() or swapped else WARNING, subject, text, remedy)
    elif (np.abs(center - 0.5) > _OFF_CENTER).any():
        text = f"its principal point ({k[0, 2]:.0f}, {k[1, 2]:.0f}) is far from the middle of {written} pixels."
        yield Finding(WARNING, subject, text, "Check the image size, and whether the images are cropped.")
    if not _FOCAL[0] <= focal <= _FOCAL[1]:
        text = f"its focal length of {k[0, 0]:.0f} pixels cannot be that of images of {written}."
        yield Finding(ERROR, subject, text, "Check that it is in pixels of that size.")
    elif not _LIKELY_FOCAL[0] <= focal <= _LIKELY_FOCAL[1]:
        angle = np.degrees(2 * np.arctan(0.5 / focal))
        text = f"its focal length of {k[0, 0]:.0f} pixels gives an angle of view of {angle:.0f} degrees."
        yield Finding(WARNING, subject, text, "Check that it is in pixels of the image size.")


def _crop_findings(cameras: Sequence[CalibratedCamera]) -> Iterator[Finding]:
    """Of all cameras together: no agreement of theirs tells a principal point that is off by the same in each."""
    sizes = [camera.size for camera in cameras if camera.size is not None]
    if len(cameras) < 3 or len(sizes) < len(cameras):
        return
    pixels = np.stack([camera.intrinsics[:2, 2] for camera in cameras]) - np.array(sizes) / 2
    parts = pixels / np.array(sizes).max(1, keepdims=True)
    common = np.linalg.norm(parts.mean(0))
    if common > _OFF_TOGETHER and np.linalg.norm(parts - parts.mean(0), axis=1).max() < common / 3:
        right, down = np.rint(pixels.mean(0)).astype(int)
        text = f"the principal points of all are off the middle by about {right:+d} pixels across and {down:+d} down."
        remedy = "Check whether the images were cropped after the calibration, or before."
        yield Finding(WARNING, "cameras", text, remedy)


def _rotation_findings(camera: CalibratedCamera) -> Iterator[Finding]:
    subject, r = f"camera '{camera.name}'", camera.rotation
    scale = np.cbrt(abs(np.linalg.det(r)))
    if scale > 0 and abs(scale - 1) > _ROTATION and np.abs(r @ r.T / scale**2 - np.eye(3)).max() < _ROTATION:
        text = f"its rotation is scaled by {scale:.4g}."
        yield Finding(ERROR, subject, text, "Divide rotation and translation by it, or export without scale.")
    elif np.abs(r @ r.T - np.eye(3)).max() > _ROTATION:
        yield Finding(ERROR, subject, "its rotation matrix is none, its axes are not perpendicular.", "Check the file.")
    elif np.linalg.det(r) < 0:
        text = "its rotation is mirrored, from a left-handed program or with one axis turned."
        yield Finding(ERROR, subject, text, "Export right-handed axes.")


def _rig_findings(cameras: Sequence[CalibratedCamera]) -> Iterator[Finding]:
    if len(cameras) < 2:
        return
    rotation = np.stack([camera.rotation for camera in cameras])
    translation = np.stack([camera.translation for camera in cameras])
    centers = -np.einsum("cji,cj->ci", rotation, translation)
    spread = float(np.linalg.norm(centers - centers.mean(0), axis=1).max())
    if spread <= 1e-9 * (1 + np.abs(translation).max()):
        other = _misread(rotation, translation)
        text = "all of them are in one place" + (f", but would stand around one if {other}." if other else ".")
        remedy = _REMEDIES[other] if other else "Give a file with their places, not lenses only."
        yield Finding(ERROR, "cameras", text, remedy)
        return
    met = _meeting(centers, rotation[:, 2])
    if met is None:  # they look the same way, and nothing tells where
        return
    passing, depth = met
    if passing > _MEET * np.median(np.abs(depth)) or np.median(depth) < 0:
        other = _misread(rotation, translation)
        if other:
            spread_out = (rotation[:, 2] @ rotation[:, 2].T).min() < _APART  # else they may just look past each other
            text = f"they do not look at one place, but would if {other}."
            yield Finding(ERROR if spread_out else WARNING, "cameras", text, _REMEDIES[other])
            return
        if np.median(depth) < 0:
            text = "what they film would be behind most of them."
            yield Finding(
                WARNING, "cameras", text, "Check axes, and whether rotations go from the world to the camera."
            )
        else:
            text = "their optical axes do not meet, so they do not film one thing."
            yield Finding(WARNING, "cameras", text, "Check rotations and translations.")
        return
    yield from _distance_findings(cameras, depth)


def _distance_findings(cameras: Sequence[CalibratedCamera], depth: np.ndarray) -> Iterator[Finding]:
    """depth: (C,) centimeters from each camera to what they film."""
    middle = float(np.median(depth))
    shares = [
        _HEAD * camera.intrinsics[1, 1] / d / min(camera.size)
        for camera, d in zip(cameras, depth, strict=True)
        if camera.size is not None
    ]
    share = float(np.median(shares)) if shares else sum(_LIKELY_SHARE) / 2

    def sound(factor: float, of_head: tuple[float, float]) -> bool:
        return _DISTANCES[0] <= middle * factor <= _DISTANCES[1] and of_head[0] <= share / factor <= of_head[1]

    if sound(1.0, _LIKELY_SHARE):
        return
    units = (("m", 100.0), ("mm", 0.1))
    guess = next((unit for unit, factor in units if sound(factor, _LIKELY_SHARE)), None)
    remedy = f"The lengths seem to be in {guess}." if guess else "Check the unit of the lengths."
    severity = WARNING if sound(1.0, _SHARE) else ERROR
    text = f"they are {middle:.3g} cm from what they film, where a head would be {100 * share:.3g} % of the image high."
    yield Finding(severity, "cameras", text, remedy)


_OPENGL = "their axes were OpenGL's (y up, z backwards)"
_INVERSE = "the transforms went from the camera to the world"
_BOTH = "the transforms went from the camera to the world with OpenGL's axes (y up, z backwards)"
_REMEDIES = {
    _OPENGL: "Turn y and z: multiply the second and third row of rotation and translation by -1.",
    _INVERSE: "Invert them: R' = R transposed, t' = -R' t.",
    _BOTH: "Give the file of the program that wrote them, which is converted, or invert them and turn y and z.",
}


def _misread(rotation: np.ndarray, translation: np.ndarray) -> str:
    """Which misreading makes the cameras look at one place in front of them; empty when none does."""
    flip = np.diag((1.0, -1.0, -1.0))
    inverse = np.swapaxes(rotation, 1, 2)
    back = -np.einsum("cij,cj->ci", inverse, translation)
    turned = flip @ inverse
    for name, r, t in (
        (_OPENGL, flip @ rotation, translation @ flip),
        (_INVERSE, inverse, back),
        (_BOTH, turned, back @ flip),
    ):
        centers = -np.einsum("cji,cj->ci", r, t)
        met = _meeting(centers, r[:, 2])
        if (
            np.ptp(centers, axis=0).max() > 0
            and met is not None
            and met[0] < _MEET * np.median(np.abs(met[1]))
            and (met[1] > 0).all()
        ):
            return name
    return ""


def _meeting(centers: np.ndarray, axes: np.ndarray) -> tuple[float, np.ndarray] | None:
    """How far the axes (C, 3) through the centers (C, 3) pass the point nearest to all (root of the mean square), and
    that point's depth in each camera. None when they are parallel."""
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    whole = across.sum(0)
    if np.linalg.eigvalsh(whole)[0] < _PARALLEL**2 * len(axes):
        return None
    point = np.linalg.solve(whole, np.einsum("cij,cj->i", across, centers))
    from_centers = point - centers
    passing = np.einsum("cij,cj->ci", across, from_centers)
    return float(np.sqrt((passing**2).sum(1).mean())), (from_centers * axes).sum(1)
