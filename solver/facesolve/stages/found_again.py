"""Frames of a window that show little of the face, looked for once more, and those that come after them.

Something may cover a part of the face; the rest still poses it. A frame that shows nothing leaves the next ones without
a beginning nearby, and after several of them the expression may be another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from facesolve.geometry.pose import Pose, joined
from facesolve.residuals.observation import observe

from .batching import split
from .believed_frames import BELIEVED, LOST
from .covered import LEAST
from .searched_expression import searched_expression
from .windows import WINDOW, Window, WindowFits, disagreement

BETTER = 0.03  # of the usual correlation, that another beginning must gain
BETTER_AFTER = 0.003  # ... of a frame that shows the memory, but began from one that did not
GAP = 3  # frames without a pose, after which the expression may be another


@dataclass(eq=False)
class FoundAgain:
    """A window of W frames. pose, shown: of its frames, changed in place: poses and their correlation with the memory,
    in parts of the usual one.

    last: pose (B = 1) of the last frame before the window that has one, and gap, how many frames without one lie
    between. partly: rows that are found to be covered in part, and posed by the rest.
    """

    fits: WindowFits
    window: Window
    pose: Pose
    shown: list[float]
    last: Pose
    gap: int = 0
    partly: set[int] = field(default_factory=set)

    def look(self) -> None:
        """Each without what covers the face; those that show little even then from the nearest on either side.

        What shows nothing stays where the last frame was that did: the next ones begin there.
        """
        self._along()
        count = len(self.shown)
        low = [row for row in range(count) if self.shown[row] < BELIEVED and row not in self.partly]
        good = [row for row in range(count) if row not in low]
        for side in (-1, 1) if low else ():
            path = joined([self.pose, self.last])  # the last one before the window comes after all of its frames
            self._try_from(low, path.at([_nearest(good, row, side, count) for row in low]), BETTER)
        held = self.last
        for row in range(count):
            if row in self.partly or self.shown[row] >= BELIEVED:
                held = self.pose.at([row])
            elif self.shown[row] < LOST:
                self._put(row, held)

    def _along(self) -> None:
        """From frame to frame: those of which a part shows the memory, and those that follow a stretch of others."""
        before, begun, misled = self.last, -1 - self.gap, self.gap > 0
        for row in range(len(self.shown)):
            ahead = row - begun
            if self.shown[row] < BELIEVED:
                misled = True
                found, enough = self._uncovered(row, before, ahead)
                if not enough:
                    continue  # the next one begins from the last that showed something
                self.partly.add(row)
                self._put(row, found)
            elif misled:
                misled = self._try_from([row], before, BETTER_AFTER, ahead)
                if ahead > GAP:
                    misled = self._search(row, before) or misled
            before, begun = self.pose.at([row]), row

    def _uncovered(self, row: int, begin: Pose, ahead: int) -> tuple[Pose, bool]:
        """A frame fitted to the memory by what is not covered in it, and whether there is enough of that.

        begin: the pose (B = 1) ``ahead`` frames before.
        """
        fits, window, pose, anchor = self.fits, self.window.rows([row]), begin, self.fits.anchor(begin.controls, ahead)
        for level in fits.levels:
            ((observation, views),) = (part[level] for part in fits.observe(window, pose, [level]))
            clear = fits.cover(observation, level).uncovered(views)
            pose = fits.fit_level(window, clear, pose, level, anchor).pose
        finest = fits.levels[-1]
        ((observation, _),) = (part[finest] for part in fits.observe(window, pose, [finest]))
        found = fits.cover(observation, finest)
        return pose, float(found.clear) > LEAST and float(found.correlation) >= BELIEVED * fits.usual[finest]

    def _search(self, row: int, before: Pose) -> bool:
        """Looks for a frame's expression from the one of ``before`` (B = 1), a gap ago; whether it then shows more."""
        fits, level, one = self.fits, self.fits.levels[-1], self.window.rows([row])
        problem, template = fits.at[level], fits.memory[level].template()
        begin = Pose(before.controls, self.pose.head[[row]])
        visibility = fits.visibility(one, begin, [level])[level]

        def of_poses(poses: Pose) -> Tensor:
            found = []
            for rows in split(len(poses.head), WINDOW):
                some = poses.at(rows)
                count = len(some.head)
                same = self.window.rows([row] * count)
                views = problem.views.build(visibility.repeated(count), level, same.frames, same.pixels)
                seen = observe(problem.samples, problem.model, some.controls, some.head, views)
                found.append(disagreement(seen, template))
            return torch.cat(found)

        begin, changed = searched_expression(problem, begin, self.window.frames[row], of_poses)
        return changed and self._try_from([row], begin, BETTER_AFTER)

    def _try_from(self, rows: Sequence[int], begin: Pose, gain: float, ahead: int = 1) -> bool:
        """Fits some rows from other poses, ``ahead`` frames away; keeps those that then show more; whether any does."""
        fits, part = self.fits, self.window.rows(rows)
        found, _ = fits.fit(part, begin, fits.levels, fits.anchor(begin.controls, ahead))
        reached = fits.shown(fits.observe(part, found), len(rows))
        better = [place for place, row in enumerate(rows) if reached[place] > self.shown[row] + gain]
        for place in better:
            self._put(rows[place], found.at([place]))
            self.shown[rows[place]] = reached[place]
        return bool(better)

    def _put(self, row: int, pose: Pose) -> None:
        self.pose.controls[row], self.pose.head[row] = pose.controls[0], pose.head[0]


def _nearest(rows: Sequence[int], row: int, side: int, otherwise: int) -> int:
    """That of some rows which is nearest to ``row`` on one side (-1, 1), else another."""
    there = [other for other in rows if (other - row) * side > 0]
    return min(there, key=lambda other: abs(other - row), default=otherwise)
