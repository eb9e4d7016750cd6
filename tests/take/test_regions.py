"""Regions of the face and left/right partners, by name alone."""

import pytest

from facesolve.take.regions import group_by_region, partner_of, region_of
from tests.facesolve_maya.ui.fake_scene import NAMES


@pytest.mark.parametrize(
    ("name", "region"),
    [
        ("browInnerUp_L", "Brows"),
        ("eyebrow_raise_r", "Brows"),
        ("eyeBlinkLeft", "Eyes"),
        ("noseSneer_L", "Nose"),
        ("cheekSquintLeft", "Cheeks"),
        ("mouthFrown_R", "Mouth"),
        ("jawOpen", "Jaw"),
        ("lip_corner_puller_l", "Mouth"),
        ("actor:face_CTL.jawOpen", "Jaw"),
        ("eyes:rig_CTL.shape12", "Other"),
        ("headTilt", "Head"),
    ],
)
def test_regions(name, region):
    assert region_of(name) == region


def test_groups_keep_every_control_once():
    groups = group_by_region(NAMES)
    assert sorted(name for _, names in groups for name in names) == sorted(NAMES)
    assert [region for region, _ in groups] == ["Brows", "Eyes", "Nose", "Cheeks", "Mouth", "Jaw", "Other"]


@pytest.mark.parametrize(
    ("name", "partner"),
    [
        ("mouthSmile_L", "mouthSmile_R"),
        ("eyeBlinkLeft", "eyeBlinkRight"),
        ("l_browUp", "r_browUp"),
        ("LfBlink", "RtBlink"),
        ("SMILE_L", "SMILE_R"),
        ("face_CTL.browUp_R", "face_CTL.browUp_L"),
        ("jawLeft", None),
        ("mouthRight", None),
        ("jawOpen", None),
    ],
)
def test_partners(name, partner):
    names = [name, partner or "jawRight", "mouthLeft", "jawLeft"]
    assert partner_of(name, names) == partner


def test_a_partner_must_exist():
    assert partner_of("mouthSmile_L", ["mouthSmile_L"]) is None
