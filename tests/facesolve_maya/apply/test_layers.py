"""What joins the layer with the solved channels, and what keeps a solve from being seen."""

import numpy as np
import pytest
from maya import cmds

from facesolve.take import TakeError
from facesolve_maya.apply import ApplyRequest, apply_solution
from tests.facesolve_maya.ma_scene import blend_scene, open_scene
from tests.facesolve_maya.shown import snapshot
from tests.facesolve_maya.small_head import make_solution, small_solution, small_take

JAW = """
createNode transform -n "jaw_CTL";
createNode animCurveTA -n "jaw_CTL_rotateY";
\tsetAttr ".tan" 2;
\tsetAttr -s 2 ".ktv[0:1]"  1 0 21 20;
createNode unitConversion -n "uc";
\tsetAttr ".cf" 2.0;
"""
WIRES = """
connectAttr "jaw_CTL_rotateY.o" "jaw_CTL.ry";
connectAttr "jaw_CTL.rx" "uc.i";
connectAttr "uc.o" "BS.w[0]";
"""


@pytest.fixture
def jaw(maya, tmp_path):
    """A jaw whose rotateX opens the mouth and whose rotateY and -Z are somebody else's: keyed, and posed."""
    targets = {"open": (0, [(6000, [0, 1], [[1, 0, 0], [0, 0.5, 0]])])}
    open_scene(blend_scene(targets=targets, nodes=JAW, connections=WIRES), tmp_path)
    cmds.setAttr("jaw_CTL.rotateZ", 7)
    take = small_take(tmp_path)
    controls = np.linspace(*take.rig.bounds[0], len(take.frames))[:, None]
    return take, make_solution(take, controls, np.tile(take.start.head, (len(take.frames), 1, 1)))


def test_the_other_channels_of_a_rotation_go_on_as_they_were(jaw, maya):
    times = [0.0, 1.0, 5.5, 10.0, 15.0, 21.0, 24.0]
    before = [cmds.getAttr("jaw_CTL.rotate", time=time)[0][1:] for time in times]
    report = apply_solution(ApplyRequest(*jaw))
    after = [cmds.getAttr("jaw_CTL.rotate", time=time)[0][1:] for time in times]
    np.testing.assert_allclose(after, before, atol=1e-6)
    assert report.plugs == ("jaw_CTL.rotateX",)
    assert report.held == ("jaw_CTL.rotateY", "jaw_CTL.rotateZ")
    assert "Also keyed, unchanged" in str(report)
    cmds.undo()
    assert cmds.listConnections("jaw_CTL.rotateY", source=True, destination=False) == ["jaw_CTL_rotateY"]


def test_a_second_solve_into_the_same_layer_leaves_edits_of_the_others_alone(jaw, maya):
    layer = apply_solution(ApplyRequest(*jaw)).layer
    cmds.setKeyframe("jaw_CTL.rotateY", animLayer=layer, time=5, value=-3)
    assert apply_solution(ApplyRequest(*jaw, layer=layer)).held == ()
    assert cmds.getAttr("jaw_CTL.rotateY", time=5) == pytest.approx(-3)


def test_a_member_without_a_curve_stops_the_solve(jaw, maya, monkeypatch):
    """Nothing may come into the layer and be held still unseen: not even by a rule of Maya's that we do not know."""
    monkeypatch.setattr("facesolve_maya.apply.apply.companions", lambda *_: ())
    before = snapshot(maya)
    with pytest.raises(TakeError, match=r"contains jaw_CTL\.rotateY, jaw_CTL\.rotateZ without a key"):
        apply_solution(ApplyRequest(*jaw))
    assert snapshot(maya) == before


@pytest.fixture
def applied(small, tmp_path):
    """A solve in layer ``solved``, to be applied again."""
    take = small_take(tmp_path)
    request = ApplyRequest(take, small_solution(take), head="head_GRP", layer="solved")
    assert apply_solution(request).warning == ""
    return request


def override(name, **settings):
    cmds.animLayer(name, override=True)
    cmds.animLayer(name, edit=True, attribute=["BS.b"])
    cmds.setKeyframe("BS.b", animLayer=name, time=1, value=0.123)
    for flag, value in settings.items():
        cmds.animLayer(name, edit=True, **{flag: value})


def test_a_layer_above_that_hides_the_solve_is_named(applied):
    override("polish")
    warning = apply_solution(applied).warning
    assert warning.startswith("But the scene shows other values for BS.b: they are also in layer 'polish'")
    cmds.animLayer("polish", edit=True, mute=True)
    assert apply_solution(applied).warning == ""


def test_a_soloed_layer_a_muted_parent_and_a_low_weight_are_named(applied):
    cmds.animLayer("solved", edit=True, weight=0.5)
    assert "the weight of layer 'solved' is less than 1" in apply_solution(applied).warning
    cmds.animLayer("solved", edit=True, weight=1)
    cmds.animLayer("polish", override=True)
    cmds.animLayer("polish", edit=True, solo=True)
    assert "layer 'polish' is soloed" in str(apply_solution(applied))
    cmds.animLayer("polish", edit=True, solo=False)
    cmds.animLayer("solved", edit=True, parent="polish")
    cmds.animLayer("polish", edit=True, mute=True)
    assert "its parent layer 'polish' is muted" in apply_solution(applied).warning


@pytest.mark.parametrize(("wanted", "made"), [("my layer", "my_layer"), ("012", "layer_012")])
def test_a_layers_name_is_made_legal(small, tmp_path, wanted, made):
    take = small_take(tmp_path)
    assert apply_solution(ApplyRequest(take, small_solution(take), layer=wanted)).layer == made
    assert cmds.nodeType(made) == "animLayer"
