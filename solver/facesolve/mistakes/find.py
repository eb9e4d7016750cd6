"""Which mistake keeps the cameras of a take from agreeing: one hypothesis after the other, on coarse images.

Nothing is changed: each finding says what to do, most by a command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from facesolve.footage.stream import TakeFootage
from facesolve.runtime.progress import Progress
from facesolve.start.find import find_start
from facesolve.take import FacesolveError, StartPose, Take
from facesolve.take.finding import ERROR, FIND_HEAD, NOTE, WARNING, Finding, Offer
from facesolve.verdict.heads_apart import heads_apart

from .hypotheses import Hypothesis, hypotheses, late, of_focal_lengths
from .repairs import repaired, shifted
from .trial import Score, Trial

AGREE = 0.6  # correlation of the cameras on coarse images from which a repair is believed
SOUND = 0.8  # from which only what is hard to see is looked for
GAIN, CLEAR_GAIN = 0.025, 0.15  # by which a repair must raise it: of small mistakes, and of large ones
OTHER_TIME_GAIN = 0.12  # by which the start pose must suit another frame better; one by eye does by 0.05
OTHER_TIME_LOSS = 0.07  # by which it may suit that frame less than an aligned pose suits its own: else it is the lens
CLEAR, CLEAR_LEAD = 0.85, 0.35  # of a repair that so surely is the right one that no other is tried
SUSPECT = 0.15  # below the median camera: a camera that may be the wrong one
FINALISTS = 4
MOST_LATE = 5  # frames
NEAR_START = 10  # frames: as far from the start pose the head is still found from it
NEARER = (0.04, 0.02, 0.01, 0.005)  # parts by which a focal length's factor is changed once one has been found


def find_mistakes(
    take: Take, command: str, progress: Progress, device: torch.device, avoid: Sequence[int] = ()
) -> tuple[Finding, ...]:
    """What is wrong with the take, or a note that its cameras agree. command: the take's folder, as one types it.

    avoid: take frame numbers that show something else than the face. Raises SolveError or FootageError where the take
    cannot be looked at.
    """
    if len(take.cameras) < 2:
        return (Finding(NOTE, "cameras", "one camera alone cannot be held against others."),)
    return _Finder(take, command, progress, device, avoid).findings()


class _Finder:
    """One search."""

    def __init__(
        self, take: Take, command: str, progress: Progress, device: torch.device, avoid: Sequence[int]
    ) -> None:
        self._take, self._command, self._progress, self._device = take, command, progress, device
        self._avoid = [int(row) for row in np.flatnonzero(np.isin(take.frames, avoid))]

    def findings(self) -> tuple[Finding, ...]:
        start = self._take.start
        if start is None:
            return self._without_start()
        trial = self._trial(start)
        as_is = self._score(trial, self._take)
        if as_is is None or as_is.mean < SOUND:
            best, score = self._best(trial, as_is)
            if best is not None and score is not None:
                return (self._finding(best, as_is, score),)
        if as_is is not None and as_is.mean >= AGREE:
            return self._subtle(trial, as_is)
        return self._elsewhere(start, as_is)

    def _trial(self, start: StartPose) -> Trial:
        frame = int(np.flatnonzero(self._take.frames == start.frame)[0])
        return Trial(self._take, start, frame, self._device)

    def _score(self, trial: Trial, take: Take, hypothesis: Hypothesis | None = None, fine: bool = True) -> Score | None:
        """None where the head is out of sight, or a repair does not suit the take."""
        try:
            mended = repaired(take, hypothesis.fix) if hypothesis is not None and hypothesis.fix else take
            return trial.score(mended, () if hypothesis is None else hypothesis.mirrored, fine)
        except FacesolveError:
            return None

    def _best(self, trial: Trial, as_is: Score | None) -> tuple[Hypothesis | None, Score | None]:
        """The repair after which the cameras agree, if one is believed."""
        tried = hypotheses(self._take, _suspects(as_is, len(self._take.cameras)))
        self._progress.stage("look for a mistake", len(tried))
        coarse: list[tuple[float, int]] = []
        for number, hypothesis in enumerate(tried):
            score = self._score(trial, self._take, hypothesis, fine=False)
            coarse.append((-1.0 if score is None else score.mean, -number))
            self._progress.advance()
            if score is not None and score.mean > CLEAR and (as_is is None or as_is.mean < CLEAR - CLEAR_LEAD):
                break
        best, best_score = None, None
        for _, number in sorted(coarse, reverse=True)[:FINALISTS]:
            hypothesis = tried[-number]
            score = self._score(trial, self._take, hypothesis)
            if score is not None and (best_score is None or score.mean > best_score.mean):
                best, best_score = hypothesis, score
        least = AGREE if as_is is None else max(AGREE, as_is.mean + CLEAR_GAIN)
        late_one = self._late(trial, as_is)
        if late_one is not None and (best_score is None or late_one[1].mean >= best_score.mean - GAIN):
            return late_one
        if best is None or best_score is None:
            return None, None
        if best.fix.startswith("focal="):
            best, best_score = self._nearer(trial, best, best_score)
        return (best, best_score) if best_score.mean >= least else (None, None)

    def _subtle(self, trial: Trial, as_is: Score) -> tuple[Finding, ...]:
        """Small mistakes of a take whose cameras agree on the whole."""
        found = self._late(trial, as_is)
        if found is not None:
            return (self._finding(found[0], as_is, found[1]),)
        other_time = self._other_time(trial, as_is)
        if other_time is not None and as_is.mean >= SOUND:  # all of another time agree; else a lens may explain more
            return (other_time,)
        names = ["all", *(self._take.cameras[index].name for index in _suspects(as_is, len(self._take.cameras))[:4])]
        best, best_score = None, as_is
        tried = of_focal_lengths(names, (0.95, 1.05))
        self._progress.stage("look for a wrong lens", len(tried))
        for hypothesis in tried:
            score = self._score(trial, self._take, hypothesis)
            if score is not None and score.mean > best_score.mean:
                best, best_score = hypothesis, score
            self._progress.advance()
        if best is not None and best_score.mean > as_is.mean + GAIN:
            best, best_score = self._nearer(trial, best, best_score)
            return (self._finding(best, as_is, best_score, WARNING),)
        if other_time is not None:
            return (other_time,)
        text = f"they agree about the head as they are (correlation {as_is.mean:.2f}); no repair makes it better."
        return (Finding(NOTE, "cameras", text),)

    def _nearer(self, trial: Trial, best: Hypothesis, score: Score) -> tuple[Hypothesis, Score]:
        """A focal length's factor, more exactly."""
        name, _, factor = best.fix.removeprefix("focal=").rpartition(":")
        middle = float(factor)
        for near in NEARER:
            here = middle
            for there in (round(here * (1 - near), 4), round(here * (1 + near), 4)):
                (hypothesis,) = of_focal_lengths([name], [there])
                other = self._score(trial, self._take, hypothesis)
                if other is not None and other.mean > score.mean:
                    best, score, middle = hypothesis, other, there
        return best, score

    def _late(self, trial: Trial, as_is: Score | None) -> tuple[Hypothesis, Score] | None:
        """A camera whose images are of another time: where there is most motion, its own neighbors agree better."""
        take = self._take
        if as_is is None or take.frame_count < 3 or as_is.mean < AGREE / 2:
            return None
        assert take.start is not None
        moved = Trial(take, take.start, trial.liveliest(NEAR_START, MOST_LATE, self._avoid), self._device)
        here = self._score(moved, take)
        if here is None:
            return None
        best: tuple[float, Hypothesis] | None = None
        self._progress.stage("look for late images", len(take.cameras))
        for index, camera in enumerate(take.cameras):
            for frames in (*range(-MOST_LATE, 0), *range(1, MOST_LATE + 1)):
                there = moved.at(shifted(take, camera.name, frames), here.pose)
                if there is None:
                    continue
                gain = float(there.correlation[index] - here.correlation[index])
                if gain > GAIN / 2 and (best is None or gain > best[0]):
                    best = (gain, late(camera.name, frames))
            self._progress.advance()
        if best is None:
            return None
        name, _, frames_text = best[1].fix.removeprefix("shift=").rpartition(":")
        after = moved.score(shifted(take, name, int(frames_text)))
        if after is None or after.mean < max(AGREE, here.mean + GAIN):
            return None
        return best[1], after

    def _other_time(self, trial: Trial, as_is: Score) -> Finding | None:
        """All cameras agree, but at the start pose they do so in another frame than the one it was posed for."""
        start = self._take.start
        here = trial.at(self._take, trial.start) if start is not None and start.posed else None
        if here is None:
            return None
        best, found = max(here.mean + OTHER_TIME_GAIN, as_is.mean - OTHER_TIME_LOSS), 0
        for frames in (*range(-MOST_LATE, 0), *range(1, MOST_LATE + 1)):
            there = trial.at(shifted(self._take, None, frames), trial.start)
            if there is not None and there.mean > best:
                best, found = there.mean, frames
        if not found:
            return None
        frame = int(self._take.frames[trial.frame])
        text = (
            f"at the start pose the cameras agree by {here.mean:.2f} in frame {frame}, for which it was posed, and by "
            f"{best:.2f} in frame {frame - found}: all images seem to be of another time, by about {abs(found)} frames."
        )
        fix = f"shift=all:{found}"
        remedy = f"Check by which number the images begin; 'facesolve repair {self._command} --fix {fix} "
        return Finding(WARNING, "cameras", text, remedy + "--out REPAIRED' shifts them all.", fix=fix)

    def _elsewhere(self, start: StartPose, as_is: Score | None) -> tuple[Finding, ...]:
        """The head is not where the start pose has it, or cameras show something else."""
        self._progress.message("no repair makes the cameras agree; the head is looked for everywhere")
        found = self._searched()
        if found is not None:
            turn, shift = heads_apart(self._take.rig, start.head, found.head)
            text = f"the head is {shift:.1f} cm and {turn:.0f} degrees from where the start pose has it."
            remedy = f"Run 'facesolve align {self._command} --write --overwrite'."
            return (Finding(ERROR, "start pose", text, remedy, offers=(Offer(FIND_HEAD, "Find the head"),)),)
        if as_is is not None:
            bad = [index for index in _suspects(as_is, len(self._take.cameras)) if _alone(as_is, index)]
            if len(bad) == 1 and len(self._take.cameras) > 2:
                text = "it shows something else than the other cameras, and no repair makes it agree."
                remedy = "Check that its footage is of this take and this actor."
                return (Finding(ERROR, f"camera '{self._take.cameras[bad[0]].name}'", text, remedy),)
        return (_nothing_agrees(),)

    def _without_start(self) -> tuple[Finding, ...]:
        found = self._searched()
        if found is None:
            return (_nothing_agrees(),)
        self._take = replace(self._take, start=found)
        return self.findings()

    def _searched(self) -> StartPose | None:
        take = replace(self._take, start=None)
        try:
            with TakeFootage(take, self._device) as footage:
                found = find_start(take, footage, self._device, self._progress, int(take.frames[0]))
        except FacesolveError as problem:
            self._progress.message(str(problem))
            return None
        return found.start if found.sure else None

    def _finding(self, found: Hypothesis, as_is: Score | None, score: Score, severity: str = ERROR) -> Finding:
        before = "the head is out of sight" if as_is is None else f"they agree by {as_is.mean:.2f}"
        text = f"{found.sentence} As it is, {before}; repaired, the cameras agree by {score.mean:.2f} (correlation)."
        remedy = found.remedy or f"Run 'facesolve repair {self._command} --fix {found.fix} --out REPAIRED'."
        return Finding(severity, found.subject, text, remedy, fix="" if found.remedy else found.fix)


def _suspects(as_is: Score | None, count: int) -> list[int]:
    """Cameras, the worst first: those far below the others, or all where most are bad."""
    if as_is is None:
        return list(range(count))
    order = [int(index) for index in np.argsort(as_is.correlation)]
    far = [index for index in order if as_is.correlation[index] < np.median(as_is.correlation) - SUSPECT]
    return far if far and np.median(as_is.correlation) > AGREE else order


def _alone(score: Score, index: int) -> bool:
    """Whether one camera agrees with none, and the others agree better."""
    others = np.delete(score.correlation, index)
    return bool(score.correlation[index] < 0.3 and others.mean() > score.correlation[index] + 0.3)


def _nothing_agrees() -> Finding:
    text = "they do not agree about a head anywhere, whatever is repaired."
    remedy = "Check that footage, calibration and rig belong to one take and one actor."
    return Finding(ERROR, "cameras", text, remedy)
