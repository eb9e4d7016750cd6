"""Which controls are which ARKit shapes."""

from __future__ import annotations

import pytest

from facesolve.export import ExportError
from facesolve.export.arkit import ARKIT_SHAPES, match_shapes

LEFT_EYE = "EyeBlinkLeft"


def test_every_shape_is_found_in_each_house_style() -> None:
    """ARKit's own names, Unreal's, and ICT-FaceKit's with _L and _R."""
    own = [shape[0].lower() + shape[1:] for shape in ARKIT_SHAPES]
    short = [name.replace("Left", "_L").replace("Right", "_R") for name in own]
    short = [name if name not in ("jaw_L", "jaw_R", "mouth_L", "mouth_R") else own[k] for k, name in enumerate(short)]
    for names in (own, list(ARKIT_SHAPES), short):
        match = match_shapes(names)
        assert match.unmatched == ()
        assert match.sources == {shape: (k,) for k, shape in enumerate(ARKIT_SHAPES)}
    assert len(set(ARKIT_SHAPES)) == 52


@pytest.mark.parametrize(
    "name", ["eyeBlink_L", "EYE_BLINK_LEFT", "l_eyeBlink", "Left_Eye_Blink", "face:eyeBlinkLeft", "ctrl.eyeBlink_l"]
)
def test_spellings(name: str) -> None:
    assert match_shapes(["other", name]).sources == {LEFT_EYE: (1,)}


def test_halves_of_one_shape_are_one() -> None:
    match = match_shapes(["browInnerUp_L", "browInnerUp_R", "cheekPuffRight"])
    assert match.sources == {"BrowInnerUp": (0, 1), "CheekPuff": (2,)}
    assert match_shapes(["browInnerUp_L", "browInnerUp"]).unmatched == ("browInnerUp_L",)


def test_control_for_both_sides_serves_both() -> None:
    match = match_shapes(["eyeBlink", "mouthSmile_L", "mouthSmile"])
    assert match.sources == {LEFT_EYE: (0,), "EyeBlinkRight": (0,), "MouthSmileLeft": (1,), "MouthSmileRight": (2,)}


def test_directions_are_not_sides() -> None:
    match = match_shapes(["jaw", "mouth", "jawLeft", "mouthRight"])
    assert match.sources == {"JawLeft": (2,), "MouthRight": (3,)}
    assert match.unmatched == ("jaw", "mouth")


def test_what_does_not_match_is_named_in_order() -> None:
    assert match_shapes(["zeta", "jawOpen", "alpha"]).unmatched == ("zeta", "alpha")


def test_two_controls_for_one_shape_are_refused() -> None:
    with pytest.raises(ExportError, match="'eyeBlink_L' and 'EyeBlinkLeft' would both become EyeBlinkLeft"):
        match_shapes(["eyeBlink_L", "jawOpen", "EyeBlinkLeft"])
