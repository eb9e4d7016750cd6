"""The small scenes of the Maya evidence (shared/review/maya_inputs): each is read right, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.take.rig_evaluation import RigEvaluator
from facesolve_maya.export import ExportError
from facesolve_maya.export.rig import read_rig
from facesolve_maya.export.sampling import sample_rig
from facesolve_maya.scene.findings import Report
from facesolve_maya.scene.geometry import shape_points
from facesolve_maya.scene.head import head_now

TIMES = (1.0, 5.0, 10.0)


@pytest.fixture
def open_input(maya, facesolve_data):
    """Opens one of the scenes by name."""
    folder = facesolve_data.parent / "review" / "maya_inputs"
    if not folder.is_dir():
        pytest.skip(f"the scenes of the Maya evidence are not at '{folder}'")

    def opened(name: str) -> Path:
        path = folder / f"{name}.ma"
        cmds.file(str(path), open=True, force=True)
        return path

    return opened


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("one_weight_unreadable", {"smile": (0, 1), "b": (0, 1)}),
        ("partial_deformer_set", {"smile": (0, 1)}),
        ("rotate_channel_control", {"rotateX": (0, np.degrees(0.5))}),
        ("sampled_control_is_keyed", {"smile": (0, 1), "b": (0, 1)}),
        ("transform_limits", {"translateY": (0, 1)}),  # its limits are set but not switched on
        ("two_solves_one_folder", {"smile": (0, 1), "blink": (0, 1)}),
    ],
)
def test_the_exported_rig_is_where_the_scene_is(open_input, name, controls):
    open_input(name)
    rig, found = read_rig(("head",), "head_GRP", TIMES, Report())
    assert found.locked == ()
    assert {control.name for control in rig.controls} == set(controls)
    for control in rig.controls:
        assert (control.minimum, control.maximum) == pytest.approx(controls[control.name], rel=2e-3)
        for curve in cmds.listConnections(control.plug, source=True, destination=False) or []:
            cmds.delete(curve)  # its keys: it is moved below
    random = np.random.default_rng(0)
    for _ in range(10):
        values = random.uniform(*rig.bounds.T)
        for control, value in zip(rig.controls, values, strict=True):
            cmds.setAttr(control.plug, float(value))
        placed = head_now("head_GRP")
        points = RigEvaluator(rig).vertices(values[None])[0] @ placed[:3, :3].T + placed[:3, 3]
        np.testing.assert_allclose(points, shape_points("headShape"), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "head", "words"),
    [
        ("head_not_above_mesh", "other_CTL", "does not move with the head transform"),
        ("skincluster_before_blendshape", "head_GRP", "deforms the mesh before its blendShape"),
    ],
)
def test_what_would_be_keyed_wrong_is_refused_by_name(open_input, name, head, words):
    open_input(name)
    with pytest.raises(ExportError, match=words) as refused:
        read_rig(("head",), head, TIMES, Report())
    assert len(refused.value.findings) == 1


def test_a_control_with_keys_is_sampled_and_keeps_them(open_input):
    open_input("sampled_control_is_keyed")
    curve = cmds.ls(type="animCurve")[0]
    plug = cmds.listConnections(curve, plugs=True, source=False, destination=True)[0]
    rig = sample_rig(("head",), "head_GRP", (plug,), TIMES, Report())
    assert len(rig.controls) == len(rig.targets) == 1
    assert cmds.listConnections(curve, plugs=True, source=False, destination=True) == [plug]


def test_an_image_plane_that_maya_2026_saved_is_read(open_input):
    open_input("imageplane_saved_by_maya2026")
    assert cmds.ls(type="imagePlane")
