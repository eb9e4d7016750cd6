"""The scene's units: what commands show times the factor is what the API and the take hold."""

import math

import pytest

from facesolve_maya.scene.units import centimeters, internal_factor, radians

INCHES = {"in": 1, "ft": 12, "yd": 36, "mi": 63360}
METERS = {"mm": 1e-3, "cm": 1e-2, "m": 1.0, "km": 1e3}


@pytest.mark.parametrize("unit", [*INCHES, *METERS])
def test_a_unit_of_length_has_its_centimeters(maya, monkeypatch, unit):
    monkeypatch.setattr("facesolve_maya.scene.units.cmds.currentUnit", lambda query, linear: unit)
    expected = INCHES[unit] * 2.54 if unit in INCHES else METERS[unit] * 100
    assert centimeters() == pytest.approx(expected, rel=1e-12)


def test_plugs_of_lengths_and_angles_have_factors_and_others_none(maya):
    from maya import cmds

    node = cmds.createNode("transform")
    cmds.currentUnit(linear="m", angle="deg")
    assert internal_factor(node + ".translateX") == 100.0
    assert internal_factor(node + ".rotateX") == radians() == math.pi / 180
    assert internal_factor(node + ".scaleX") == 1.0
    cmds.currentUnit(angle="rad")
    assert internal_factor(node + ".rotateX") == radians() == 1.0
