"""From figures to a verdict: what is named, and that the gravest is told."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from facesolve.geometry.surface_patches import PATCHES
from facesolve.take.verdict import DOES_NOT_FIT, DOUBTFUL, FITS, Verdict
from facesolve.verdict.agreement import Agreement
from facesolve.verdict.cameras_apart import CamerasApart
from facesolve.verdict.from_start import FromStart
from facesolve.verdict.judge import Judged, judge
from facesolve.verdict.off_calibration import DIRECTION, FOCAL_LENGTH, PLACE, OffCalibration

CAMERAS, FRAMES = ("left", "front", "right"), 10


def sound(cameras: int = 3) -> Judged:
    """Ten frames of which two are held against each other: all cameras agree, but for a little noise."""
    of_patches = torch.full((2, cameras, PATCHES), 0.9)
    offset = 0.1 * torch.randn(2, cameras, PATCHES, 2, generator=torch.Generator().manual_seed(0))
    agreed = Agreement(
        correlation=torch.full((2, cameras), 0.9),
        of_patches=of_patches,
        best=of_patches,
        offset=offset,
        contrast=torch.full((6,), 0.3),
        weights=torch.ones_like(of_patches),
        pixels_per_cm=10.0,
    )
    return Judged(CAMERAS[:cameras], list(range(FRAMES)), agreed, np.full((FRAMES, cameras), 0.95), 0.3)


def with_camera(judged: Judged, number: int, correlation: float, pixels: float) -> Judged:
    """One camera shows something else, or is beside the others."""
    agreed = judged.agreement
    of_camera, of_patches, offset = agreed.correlation.clone(), agreed.of_patches.clone(), agreed.offset.clone()
    of_camera[:, number], of_patches[:, number], offset[:, number, :, 0] = correlation, correlation, pixels
    return replace(judged, agreement=replace(agreed, correlation=of_camera, of_patches=of_patches, offset=offset))


def test_cameras_that_agree_fit_with_their_figures():
    verdict = judge(sound())
    assert verdict.verdict == FITS
    assert not verdict.next_step
    assert verdict.correlation == pytest.approx(0.9)
    assert verdict.share == 1
    assert 0.05 < verdict.off_mm < 0.2  # a tenth of a pixel, of which ten are a centimeter
    assert set(verdict.cameras) == set(CAMERAS)
    assert "0.90" in verdict.reason


@pytest.mark.parametrize(
    ("correlation", "pixels", "verdict", "words"),
    [
        (0.1, 3.0, DOES_NOT_FIT, "camera 'front' does not show what the others show"),
        (0.6, 0.1, DOUBTFUL, "camera 'front' does not show what the others show"),
        (0.85, 1.5, DOUBTFUL, "camera 'front' shows lies 1.5 mm"),
        (0.85, 3.0, DOES_NOT_FIT, "camera 'front' shows lies 3.0 mm"),
    ],
)
def test_a_camera_that_differs_is_named(correlation: float, pixels: float, verdict: str, words: str):
    found = judge(with_camera(sound(), 1, correlation, pixels))
    assert found.verdict == verdict
    assert words in found.reason
    assert "--deep" in found.next_step


def test_of_cameras_that_all_disagree_none_is_named():
    judged = sound()
    for number in range(3):
        judged = with_camera(judged, number, 0.1, 4.0)
    found = judge(judged)
    assert found.verdict == DOES_NOT_FIT
    assert "the cameras do not show the same" in found.reason


def spoiled(rows: slice) -> Verdict:
    judged = sound()
    correlation = judged.correlation.copy()
    correlation[rows] = 0.1
    return judge(replace(judged, correlation=correlation))


def test_frames_that_show_something_else_are_named():
    few, many = spoiled(slice(4, 7)), spoiled(slice(2, 8))
    assert few.verdict == DOUBTFUL
    assert few.frames == (4, 5, 6)
    assert "frames 4 to 6" in few.reason
    assert many.verdict == DOES_NOT_FIT


def test_a_camera_that_alone_shows_something_else_in_some_frames_is_named_with_them():
    judged = sound()
    correlation = judged.correlation.copy()
    correlation[[2, 3, 7], 1] = -0.3
    found = judge(replace(judged, correlation=correlation))
    assert "frames 2 to 3 and 7 show something else than the solved face in camera 'front'." in found.reason
    hidden = np.zeros(FRAMES)
    hidden[[2, 3, 7]] = 0.3
    assert (
        "face in frames 2 to 3 and 7 in camera 'front'; the rest"
        in judge(replace(judged, correlation=correlation, hidden=hidden)).reason
    )


def test_frames_of_which_a_part_is_hidden_are_named_with_how_much():
    hidden = np.zeros(FRAMES)
    hidden[4:7], hidden[8] = 0.45, 0.1
    found = judge(replace(sound(), hidden=hidden))
    assert found.verdict == DOUBTFUL
    assert found.frames == (4, 5, 6)
    assert "something hides 45% of the visible face in frames 4 to 6;" in found.reason


def test_a_head_far_from_the_start_pose_is_doubtful():
    found = judge(replace(sound(), from_start=FromStart(14.3, 0.5, 20.0)))
    assert found.verdict == DOUBTFUL
    assert "solved 14 degrees and 0.5 cm from where the start pose has it" in found.reason


def test_a_face_that_strayed_from_the_start_pose_is_doubtful_and_the_frame_it_resembles_is_named():
    strayed = judge(replace(sound(), from_start=FromStart(2.0, 0.5, 6.2, frame=3, nearest=3, nearest_mm=6.2)))
    assert strayed.verdict == DOUBTFUL
    assert "frame 3 was solved 6.2 mm from where the start pose has the face." in strayed.reason
    assert "align" in strayed.next_step
    other = judge(replace(sound(), from_start=FromStart(2.0, 0.5, 6.2, frame=3, nearest=8, nearest_mm=1.1)))
    assert "the pose is that of frame 8 rather" in other.reason
    assert judge(replace(sound(), from_start=FromStart(2.0, 0.3, 3.0, nearest=8, nearest_mm=1.0))).verdict == FITS


def test_settings_that_hold_a_face_back_are_doubtful():
    found = judge(replace(sound(), stiffness=1e6))
    assert (found.verdict, found.next_step) == (DOUBTFUL, "Lower 'stiffness' or 'sparsity'.")
    assert "hold controls at their defaults 1,000,000 times as strongly as usual" in found.reason
    assert judge(replace(sound(), stiffness=5.0)).verdict == FITS


def test_cameras_that_do_not_stand_as_calibrated_are_doubtful():
    found = judge(replace(sound(), apart=CamerasApart(0.8, 1.1, 1.2)))
    assert found.verdict == DOUBTFUL
    assert "shifted by 0.8 mm (1.1 pixels) that no pose explains" in found.reason
    assert "principal points first" in found.next_step
    of_one = judge(replace(sound(), apart=CamerasApart(0.8, 1.1, 1.2, 1)))
    assert "camera 'front' does not stand to the others as it is calibrated" in of_one.reason
    # calibrations as stages give them
    assert judge(replace(sound(), apart=CamerasApart(0.55, 1.3, 1.0))).verdict == FITS


def test_a_head_of_another_size_than_the_rig_is_doubtful():
    found = judge(replace(sound(), size=(0.04, 0.002)))
    assert found.verdict == DOUBTFUL
    assert "larger than the rig, by 4.0%" in found.reason
    assert "smaller than the rig, by 3.0%" in judge(replace(sound(), size=(-0.03, 0.002))).reason
    assert (
        judge(replace(sound(), size=(0.0055, 0.0048))).verdict
        == judge(replace(sound(), size=(0.0025, 0.001))).verdict
        == FITS
    )


def test_what_lies_beside_by_less_than_images_can_tell_is_no_reason_for_doubt():
    judged = sound()
    small = replace(judged, agreement=replace(judged.agreement, pixels_per_cm=1.0))
    assert judge(small).off_mm > 1
    assert judge(small).verdict == FITS


def test_what_cannot_be_known_is_doubtful_or_does_not_fit():
    assert judge(sound(1)).verdict == DOUBTFUL
    judged = sound()
    nothing = torch.full_like(judged.agreement.correlation, torch.nan)
    unseen = replace(judged, agreement=replace(judged.agreement, correlation=nothing))
    assert judge(unseen).verdict == DOES_NOT_FIT
    flat = replace(judged, agreement=replace(judged.agreement, contrast=torch.full((6,), 0.01)))
    assert judge(flat).verdict == judge(replace(judged, error_mm=9.0)).verdict == DOUBTFUL
    assert judge(replace(judged, error_mm=9.0)).reason == "the surface is known to 9.0 mm only."
    nothing = judge(replace(judged, error_mm=7.9e5))
    assert nothing.verdict == DOUBTFUL
    assert nothing.reason.startswith("the footage does not say where the surface is")


def test_a_camera_far_off_its_calibration_is_doubtful_and_what_is_off_is_named():
    def off(**of_front: Any) -> Verdict:
        return judge(replace(sound(), off_calibration=[OffCalibration(), OffCalibration(**of_front), OffCalibration()]))

    late = off(late=0.9)
    assert late.verdict == DOUBTFUL
    assert "'front' seems to be +0.9 frames late" in late.reason
    longer = off(deviations=20.0, what=FOCAL_LENGTH, amount=0.013)
    assert longer.verdict == DOUBTFUL
    assert "the focal length of camera 'front' is off its calibration by +1.3%, 20 times" in longer.reason
    assert (
        "the place of camera 'front' is off its calibration by 4.2 mm"
        in off(deviations=5.0, what=PLACE, amount=4.2).reason
    )
    assert (
        "the direction of camera 'front' is off its calibration by 0.31 degrees"
        in off(deviations=5.0, what=DIRECTION, amount=0.31).reason
    )
    assert off(deviations=0.5, late=0.2).verdict == FITS
