"""The finder names what is wrong with a take, and the repair it recommends makes the cameras agree."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from facesolve.mistakes.find import find_mistakes
from facesolve.mistakes.repairs import WORDS, repaired
from facesolve.mistakes.trial import Trial
from facesolve.runtime.progress import Silent
from facesolve.take import Footage, StartPose, Take
from facesolve.take.finding import ERROR, NOTE, Finding
from facesolve_maya.ui.mistake_search import IN_SCENE, in_scene
from tests.synthetic import head_scene, performance

FRAMES = 5


@cache
def sound() -> Take:
    """The head's scene as a take in memory, with a start pose that is off by a few millimeters."""
    scene = head_scene()
    footage = tuple(
        Footage.from_arrays(
            camera.name,
            np.stack([pixels.luminance[index].numpy() ** 2 for pixels in scene.pixels]),
            color_space="linear",
        )
        for index, camera in enumerate(scene.problem.take.cameras)
    )
    pose = performance().at([2])
    head = pose.head[0].numpy().copy()
    head[:3, 3] += (0.2, -0.15, 0.1)
    return replace(scene.problem.take, footage=footage, start=StartPose(2, pose.controls[0].numpy(), head))


def found(take: Take) -> tuple[Finding, ...]:
    return find_mistakes(take, "my_take", Silent(), torch.device("cpu"))


def swapped(take: Take) -> Take:
    left, front, right = take.footage
    return replace(take, footage=(replace(front, camera="left"), replace(left, camera="front"), right))


def test_a_sound_take_is_left_alone():
    (finding,) = found(sound())
    assert finding.severity == NOTE


def test_a_mistake_is_named_with_the_command_that_repairs_it():
    (finding,) = found(swapped(sound()))
    assert finding.severity == ERROR
    assert finding.subject in ("cameras 'left' and 'front'", "cameras 'front' and 'left'")
    assert "swapped" in finding.sentence
    fix = finding.remedy.split("--fix ")[1].split(" ")[0]
    assert finding.remedy == f"Run 'facesolve repair my_take --fix {fix} --out REPAIRED'."
    assert in_scene(finding).remedy == f"Swap the footage of the two cameras. ({fix})"
    mended = repaired(swapped(sound()), fix)
    assert [footage.arrays for footage in mended.footage] == [footage.arrays for footage in sound().footage]


def test_every_repair_of_a_take_has_words_for_a_scene():
    assert set(IN_SCENE) == set(WORDS)


def test_footage_of_another_time_is_told_by_the_start_pose():
    assert sound().start is not None
    early = replace(sound(), start=replace(sound().start, frame=0))  # the pose is that of frame 2
    (finding,) = found(early)
    assert "in frame 2: all images seem to be of another time, by about 2 frames" in finding.sentence
    assert in_scene(finding).remedy == f"Move the frame offset of its image plane. ({finding.fix})"
    assert "--fix shift=all:-2 " in finding.remedy


def scores(take: Take) -> float:
    """How well the cameras agree, the head aligned on coarse images."""
    assert take.start is not None
    score = Trial(take, take.start, 2, torch.device("cpu")).score(take)
    return 0.0 if score is None else score.mean


def test_a_head_as_small_as_a_pixel_does_not_count_as_agreement():
    far = replace(sound(), cameras=tuple(replace(c, translation=100 * c.translation) for c in sound().cameras))
    assert scores(sound()) > 0.9
    assert scores(far) < 0.3


def test_one_camera_cannot_be_held_against_others():
    alone = replace(sound(), cameras=sound().cameras[:1], footage=sound().footage[:1])
    assert "one camera alone" in found(alone)[0].sentence
