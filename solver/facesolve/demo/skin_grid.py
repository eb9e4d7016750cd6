"""The skin of the demo head: a grid of rays from inside, slit open at the lids and lips, with the mouth's bag behind.

Rows go from the crown down to the neck, columns around the head from the back over the actor's right to the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .sculpt import EYE_CENTER, EYE_RADIUS, cast

COLUMNS = 96
HEAD_ROWS = 58
NECK_ROWS = 9
ROWS = HEAD_ROWS + NECK_ROWS
CENTER = np.array([0.0, 1.5, 0.0])  # where the head's rays start
NECK_BASE = np.array([0.0, -11.0, -3.4])  # where the last row's rays start
LOWEST = np.radians(-58.0)  # elevation of the chin's and neck's rays
FRONT_DENSITY = 0.55  # 0: columns evenly around the head; towards 1: crowded into the face
MOUTH_LINE = -6.98  # height of the closed lips
MOUTH_HALF_WIDTH = 2.45
EYE_INNER, EYE_OUTER = 1.72, 4.42  # |x| of the lids' corners
UPPER_LID, LOWER_LID = np.radians(4.1), np.radians(2.6)  # how far the lids are open, seen from CENTER
MOUTH_UV_GAP = 1.6  # rows that the lips are parted in the texture, to make room for their inner sides
ROOF = ((0.3, 0.1), (0.5, 0.9), (1.2, 1.7), (3.2, 1.6), (4.6, 1.0), (4.9, 0.0))  # cm inwards from the lip, cm up
FLOOR = ((0.3, 0.05), (0.9, 0.4), (1.9, 1.2), (3.4, 1.4), (4.6, 0.9), (4.9, 0.0))  # cm inwards, cm down
BAG_UV_STEP = 0.0026
NOSE_SOFTENING = 3


@dataclass(frozen=True)
class Slit:
    """Columns first..last of ``row``; the two end columns are the shared corners."""

    row: int
    first: int
    last: int

    def inside(self, column: int) -> bool:
        return self.first < column < self.last

    def across(self, column: np.ndarray) -> np.ndarray:
        """-1 at the first corner to 1 at the last."""
        return 2.0 * (column - self.first) / (self.last - self.first) - 1.0


@dataclass(frozen=True, eq=False)
class SkinGrid:
    """vertices: (V, 3) cm; uvs: (T, 2); faces and face_uvs: polygons (3 or 4 corners) as lists of indices.

    side: (V,) +1 on the edge of an upper lip or lid and behind it, -1 on a lower one, 0 elsewhere and on corners.
    depth: (V,) 0 on the skin, then 1, 2.. rows into the mouth or behind the lids. row, column: (V,) place in the grid.
    upper, lower: (ROWS, COLUMNS) vertex at each place, different where a slit parts the skin. eyes: left, then right.
    """

    vertices: np.ndarray
    uvs: np.ndarray
    faces: list[list[int]]
    face_uvs: list[list[int]]
    side: np.ndarray
    depth: np.ndarray
    row: np.ndarray
    column: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    eyes: tuple[Slit, ...]
    mouth: Slit


def azimuths() -> np.ndarray:
    """(COLUMNS,) azimuth of each column in radians: -pi at the back, 0 in front (+z), the actor's left positive."""
    even = np.arange(COLUMNS) * 2.0 / COLUMNS - 1.0
    return np.pi * ((1.0 - FRONT_DENSITY) * even + FRONT_DENSITY * even**3)


def elevations() -> np.ndarray:
    """(ROWS,) elevation of each row in radians, denser over the face; the neck's rows share the last one."""
    steps = np.linspace(0.0, 1.0, HEAD_ROWS)
    heights = np.radians([84.0, 20.0, 6.0, -20.0, -35.0, -50.0, -58.0])
    places = np.array([0.0, 0.25, 0.37, 0.62, 0.77, 0.95, 1.0])
    return np.concatenate([np.interp(steps, places, heights), np.full(NECK_ROWS, LOWEST)])


def build_skin() -> SkinGrid:
    """The neutral skin with open eyes and closed lips; symmetric in x."""
    builder = _Builder()
    builder.add_skin()
    for slit in builder.eyes:
        builder.add_lid_rims(slit)
    builder.add_mouth_bag()
    return builder.finish()


class _Builder:
    def __init__(self) -> None:
        self.azimuth, self.elevation = azimuths(), elevations()
        front = np.radians(40.0)
        eye_row = int(np.argmin(np.abs(self.elevation - np.arctan2(EYE_CENTER[1] - CENTER[1], 7.9))))
        mouth_row = int(np.argmin(np.abs(self.elevation - np.arctan2(MOUTH_LINE - CENTER[1], 9.0))))
        line = self._directions(np.full(COLUMNS, self.elevation[eye_row]), self.azimuth)
        x = cast(CENTER, line)[:, 0]
        in_front = np.abs(self.azimuth) < front
        left = np.flatnonzero(in_front & (x > EYE_INNER - 0.1) & (x < EYE_OUTER + 0.1))
        half = COLUMNS // 2
        self.eyes = [
            Slit(eye_row, int(left[0]), int(left[-1])),
            Slit(eye_row, int(2 * half - left[-1]), int(2 * half - left[0])),
        ]
        self.mouth_elevation = self._mouth_line(in_front)
        points = cast(CENTER, self._directions(self.mouth_elevation, self.azimuth))
        lips = np.flatnonzero(in_front & (np.abs(points[:, 0]) < MOUTH_HALF_WIDTH + 0.05))
        self.mouth = Slit(mouth_row, int(lips[0]), int(lips[-1]))
        self.positions: list[np.ndarray] = []
        self.uvs: list[tuple[float, float]] = []
        self.faces: list[list[int]] = []
        self.seam_faces: list[int] = []
        self.tags: list[tuple[int, int, int, int]] = []  # side, depth, row, column

    def _directions(self, elevation: np.ndarray, azimuth: np.ndarray) -> np.ndarray:
        flat = np.cos(elevation)
        return np.stack([flat * np.sin(azimuth), np.sin(elevation), flat * np.cos(azimuth)], axis=-1)

    def _mouth_line(self, in_front: np.ndarray) -> np.ndarray:
        """Elevation in each column at which the skin is at the height of the lips' line, found by bisection."""
        low, high = np.full(COLUMNS, np.radians(-58.0)), np.full(COLUMNS, np.radians(-30.0))
        for _ in range(14):
            middle = 0.5 * (low + high)
            above = cast(CENTER, self._directions(middle, self.azimuth))[:, 1] > MOUTH_LINE
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return np.where(in_front, 0.5 * (low + high), np.nan)

    def add_skin(self) -> None:
        """The grid itself; ``upper`` and ``lower`` differ where a slit parts what is above from what is below."""
        rows, columns = np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
        sheets = [self._sheet(rows, columns, sign) for sign in (1, -1)]
        self.upper = np.zeros((ROWS, COLUMNS), np.int64)
        self.lower = np.zeros((ROWS, COLUMNS), np.int64)
        for i in range(ROWS):
            for j in range(COLUMNS):
                parted = any(slit.row == i and slit.inside(j) for slit in (*self.eyes, self.mouth))
                for sheet, target, sign in zip(sheets, (self.upper, self.lower), (1, -1), strict=True):
                    if sign < 0 and not parted:
                        target[i, j] = self.upper[i, j]
                        continue
                    target[i, j] = self._vertex(sheet[0][i, j], sheet[1][i, j], sign * parted, 0, i, j)
        for i in range(ROWS - 1):
            for j in range(COLUMNS):
                k = (j + 1) % COLUMNS
                corners = [self.lower[i, j], self.upper[i + 1, j], self.upper[i + 1, k], self.lower[i, k]]
                self._face(corners, seam=k == 0)
        crown = self._vertex(cast(CENTER, np.array([[0.0, 1.0, 1e-9]]))[0], np.array([0.5, 1.0]), 0, 0, 0, 0)
        for j in range(COLUMNS):
            self._face([crown, int(self.upper[0, j]), int(self.upper[0, (j + 1) % COLUMNS])], seam=j == COLUMNS - 1)

    def _sheet(self, rows: np.ndarray, columns: np.ndarray, sign: int) -> tuple[np.ndarray, np.ndarray]:
        """Positions (ROWS, COLUMNS, 3) and UVs of the grid with its slits' own rows on the upper or lower side."""
        elevation = np.broadcast_to(self.elevation[:, None], rows.shape).copy()
        v = rows.astype(np.float64)
        bend = np.nan_to_num(self.mouth_elevation - self.elevation[self.mouth.row])
        taper = np.clip((np.radians(40.0) - np.abs(self.azimuth)) / np.radians(18.0), 0.0, 1.0)
        elevation += (bend * taper**2 * (3 - 2 * taper)) * _bump((rows - self.mouth.row) / 11.0)
        for slit in self.eyes:
            across = slit.across(columns)
            lateral = 0.25 * (across if slit.first > COLUMNS // 2 else -across)  # the outer half opens a little less
            open_by = np.clip(1.0 - across**2, 0.0, None) ** 0.8 * (1.0 - lateral * 0.5)
            above = (rows < slit.row) | ((rows == slit.row) & (sign > 0))
            shift = np.where(above, UPPER_LID, -LOWER_LID) * open_by * _bump((rows - slit.row) / 7.0)
            elevation += shift
            v -= shift / np.radians(1.25)
        across = self.mouth.across(columns)
        above = (rows < self.mouth.row) | ((rows == self.mouth.row) & (sign > 0))
        part = np.where(above, -1, 1) * np.clip(1.0 - across**2, 0.0, None) * _bump((rows - self.mouth.row) / 8.0)
        v += MOUTH_UV_GAP * part
        slide = np.clip((rows - HEAD_ROWS + 1) / NECK_ROWS, 0.0, 1.0)
        origins = CENTER + slide[..., None] * (NECK_BASE - CENTER)
        points = _soften_nose(cast(origins, self._directions(elevation, np.broadcast_to(self.azimuth, rows.shape))))
        uv = np.stack([columns / COLUMNS, 1.0 - 0.8 * (v + 1.0) / ROWS], axis=-1)
        return points, uv

    def add_lid_rims(self, slit: Slit) -> None:
        """The lids' thickness: from the margins inwards until behind the front of the eyeball."""
        middle = EYE_CENTER * (1.0 if slit.first > COLUMNS // 2 else -1.0, 1.0, 1.0)
        for chain, sign in ((self.upper, 1), (self.lower, -1)):
            inner: dict[int, int] = {}
            for j in range(slit.first, slit.last + 1):
                margin = int(chain[slit.row, j])
                ray = self.positions[margin] - middle
                point = middle + ray * (EYE_RADIUS - 0.06) / np.linalg.norm(ray)
                uv = np.array(self.uvs[margin]) - (0.0, 0.0035 * sign)
                inner[j] = self._vertex(point, uv, sign * slit.inside(j), 1, slit.row, j)
            for j in range(slit.first, slit.last):
                corners = [int(chain[slit.row, j]), inner[j], inner[j + 1], int(chain[slit.row, j + 1])]
                self._face(corners if sign > 0 else corners[::-1])

    def add_mouth_bag(self) -> None:
        """From both lips' edges over the inner lips and the mouth's roof and floor to its back."""
        slit = self.mouth
        columns = np.arange(slit.first, slit.last + 1)
        round_off = np.sqrt(np.clip(1.0 - slit.across(columns) ** 2, 0.0, None))
        for chain, sign, profile in ((self.upper, 1, ROOF), (self.lower, -1, FLOOR)):
            edge = [int(vertex) for vertex in chain[slit.row, columns]]
            previous = edge
            for depth, (inward, rise) in enumerate(profile, start=1):
                row = []
                for lip, j, middle in zip(edge, columns, round_off.tolist(), strict=True):
                    point = self.positions[lip] * np.array([1.0 - 0.06 * depth, 1.0, 1.0])
                    point += np.array([0.0, sign * rise * middle, -inward * (0.35 + 0.65 * middle)])
                    uv = np.array(self.uvs[lip]) - np.array([0.0, sign * BAG_UV_STEP * depth * middle])
                    row.append(self._vertex(point, uv, sign * slit.inside(int(j)), depth, slit.row, int(j)))
                for n in range(len(row) - 1):
                    corners = [previous[n], row[n], row[n + 1], previous[n + 1]]
                    self._face(corners if sign > 0 else corners[::-1])
                previous = row

    def _vertex(self, point: np.ndarray, uv: np.ndarray, side: int, depth: int, row: int, column: int) -> int:
        self.positions.append(np.asarray(point, np.float64))
        self.uvs.append((float(uv[0]), float(uv[1])))
        self.tags.append((side, depth, row, column))
        return len(self.positions) - 1

    def _face(self, corners: list[int], seam: bool = False) -> None:
        """One polygon; ``seam`` when it joins the last column to the first across the back of the head."""
        if seam:
            self.seam_faces.append(len(self.faces))
        self.faces.append([int(corner) for corner in corners])

    def finish(self) -> SkinGrid:
        """The parts collected so far; column 0 gets a second set of UVs at the texture's right edge."""
        uvs, face_uvs, right = list(self.uvs), [list(face) for face in self.faces], dict[int, int]()
        for face in self.seam_faces:
            for place, corner in enumerate(self.faces[face]):
                if self.uvs[corner][0] == 0.0:
                    if corner not in right:
                        right[corner] = len(uvs)
                        uvs.append((1.0, self.uvs[corner][1]))
                    face_uvs[face][place] = right[corner]
        side, depth, row, column = np.array(self.tags).T
        return SkinGrid(
            vertices=np.array(self.positions),
            uvs=np.array(uvs),
            faces=self.faces,
            face_uvs=face_uvs,
            side=side,
            depth=depth,
            row=row,
            column=column,
            upper=self.upper,
            lower=self.lower,
            eyes=tuple(self.eyes),
            mouth=self.mouth,
        )


def _soften_nose(points: np.ndarray) -> np.ndarray:
    """Evens out points (ROWS, COLUMNS, 3) beside the nose, where rays graze the skin and their spacing shows."""
    from_wing = np.linalg.norm((points - (0.0, -3.2, 8.6)) / (1.9, 1.7, 1.6), axis=-1)
    amount = np.clip(1.6 - from_wing, 0.0, 1.0)[..., None]
    for _ in range(NOSE_SOFTENING):
        across = 0.5 * points + 0.25 * (np.roll(points, 1, axis=1) + np.roll(points, -1, axis=1))
        points = points + amount * (across - points)
    return points


def _bump(distance: np.ndarray) -> np.ndarray:
    """1 at 0, falling smoothly to 0 at distance 1 and beyond."""
    inside = np.clip(1.0 - np.abs(distance), 0.0, 1.0)
    return inside * inside * (3.0 - 2.0 * inside)
