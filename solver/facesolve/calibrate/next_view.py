"""Which view of the board would tell most: to which cameras, where in the image, tilted which way.

Every candidate's normal equations are added to those of the views there are; the one that leaves least doubt is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from .board import Board
from .calibrate import Calibration
from .held_out import inverted
from .sightings import Freedom, Rig, Sighting
from .trust import Certainty, at_the_head, head_jacobian
from .view_equations import view_equations

TILT = 0.6  # radians
REGIONS = (1 / 6, 1 / 2, 5 / 6)  # of the image's width and height
MARGIN = 5.0  # pixels from the edge within which a point is not seen
WORTH = 0.05  # share by which a view must lower the doubt to be named
_ACROSS, _DOWN = ("left", "middle", "right"), ("top", "middle", "bottom")
_TILTS = {
    "facing the camera": (0.0, 0.0),
    "its top tilted away": (TILT, 0.0),
    "its top tilted towards the camera": (-TILT, 0.0),
    "its left edge turned away": (0.0, -TILT),
    "its right edge turned away": (0.0, TILT),
}


@dataclass(frozen=True, eq=False)
class NextView:
    """The view to add. cameras: that would see the board; camera: in whose image it stands at ``region``, tilted.

    unit: ``mm`` at the head's place, or ``% of the focal length`` for a single camera; before, after: of that.
    board: (4, 4) where the board would be in the world, cm.
    """

    cameras: tuple[str, ...]
    camera: str
    region: str
    tilt: str
    before: float
    after: float
    unit: str
    board: np.ndarray

    @property
    def sentence(self) -> str:
        """What to do, for the console."""
        names = " and ".join(filter(None, [", ".join(self.cameras[:-1]), self.cameras[-1]]))
        return (
            f"Next view: show the board to {names}, at the {self.region} of {self.camera}'s image, {self.tilt}; the "
            f"uncertainty would fall from {self.before:.2g} to {self.after:.2g} {self.unit}."
        )

    def record(self) -> dict[str, object]:
        """JSON values."""
        return {
            "cameras": list(self.cameras),
            "camera": self.camera,
            "region": self.region,
            "tilt": self.tilt,
            "before": self.before,
            "after": self.after,
            "unit": self.unit,
        }


def next_view(calibration: Calibration) -> NextView | None:
    """The view that lowers the doubt most; None when none lowers it worthwhile."""
    sure, session = calibration.sure, calibration.session
    target, unit, factor = _target(sure)
    board = session.board.front
    information = inverted(sure.covariance) * sure.noise**2
    before = float(np.sqrt(np.trace(target @ sure.covariance @ target.T))) * factor
    best, least = None, before * (1 - WORTH)
    sizes = [session.sizes[camera] for camera in session.cameras]
    for camera, row, column, tilt in product(range(len(sizes)), range(3), range(3), _TILTS):
        pose = _placed(sure.rig, sizes, camera, (REGIONS[column], REGIONS[row]), _TILTS[tilt], board)
        sightings = _sightings(sure.rig, sizes, pose, board)
        if camera not in {s.camera for s in sightings} or (len(sizes) > 1 and len(sightings) < 2):
            continue
        after = float(np.sqrt(np.trace(target @ _with(sure, pose, sightings, information) @ target.T))) * factor
        if after < least:
            names = tuple(session.cameras[s.camera] for s in sightings)
            region = "middle" if row == column == 1 else f"{_DOWN[row]} {_ACROSS[column]}"
            best, least = NextView(names, session.cameras[camera], region, tilt, before, after, unit, pose), after
    return best


def _target(sure: Certainty) -> tuple[np.ndarray, str, float]:
    """(n, P) what is to become certain, the unit it is told in, and the factor to it."""
    J = head_jacobian(sure)
    if J is not None and at_the_head(sure):
        return J, "mm at the head's place", 10 / np.sqrt(len(J) / 3)
    focal = np.zeros((1, len(sure.covariance)))
    focal[0, : sure.freedom.bases[0].shape[1]] = sure.freedom.bases[0][0]
    return focal, "% of the focal length", 100 / float(sure.rig.lenses[0, 0])


def _placed(
    rig: Rig,
    sizes: list[tuple[int, int]],
    camera: int,
    place: tuple[float, float],
    tilt: tuple[float, float],
    board: Board,
) -> np.ndarray:
    """(4, 4) board to world: at a place of a camera's image, as far away as boards were on average."""
    inside = rig.cameras[camera] @ rig.boards
    middles = np.einsum("vij,j->vi", inside[:, :3, :3], board.corners.mean(0)) + inside[:, :3, 3]
    depth = float(np.median(middles[:, 2]))
    lens = rig.lenses[camera]
    x, y = (np.array(place) * sizes[camera] - lens[2:4]) / lens[:2] * depth
    (a, b), (c, d) = np.cos(tilt), np.sin(tilt)
    turn = np.array([[1, 0, 0], [0, a, -c], [0, c, a]]) @ np.array([[b, 0, d], [0, 1, 0], [-d, 0, b]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turn, np.array([x, y, depth]) - turn @ board.corners.mean(0)
    return np.asarray(np.linalg.inv(rig.cameras[camera]) @ pose)


def _sightings(rig: Rig, sizes: list[tuple[int, int]], pose: np.ndarray, board: Board) -> list[Sighting]:
    """What the cameras that see the whole board from its front would see."""
    found = []
    for camera, size in enumerate(sizes):
        matrix = rig.cameras[camera] @ pose
        if (matrix[:3, 3] @ matrix[:3, 2]) <= 0:  # from behind
            continue
        points = board.points @ matrix[:3, :3].T + matrix[:3, 3]
        if points[:, 2].min() <= 1:
            continue
        lens = rig.lenses[camera]
        pixels = points[:, :2] / points[:, 2:] * lens[:2] + lens[2:4]
        if (pixels > MARGIN).all() and (pixels < np.array(size) - MARGIN).all():
            found.append(Sighting(camera, 0, board.points, pixels))
    return found


def _with(sure: Certainty, pose: np.ndarray, sightings: list[Sighting], information: np.ndarray) -> np.ndarray:
    """The covariance with one more view."""
    rig = Rig(sure.rig.lenses, sure.rig.cameras, pose[None], sure.rig.fisheye)
    freedom = Freedom(sure.freedom.bases, sure.freedom.cameras, np.array([True]))
    used = [np.ones(len(s.points), bool) for s in sightings]
    added = view_equations(sightings, used, rig, freedom, None).information[0]
    return sure.noise**2 * inverted(information + added / sure.inflation**2)
