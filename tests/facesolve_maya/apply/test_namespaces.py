"""A take is applied in a shot where the rig is referenced under another namespace."""

from dataclasses import replace

import pytest
from maya import cmds

from facesolve.take import TakeError
from facesolve_maya.apply import ApplyRequest, apply_solution
from tests.facesolve_maya.small_head import small_solution, small_take


@pytest.fixture
def request_of(small, tmp_path):
    """A solve of the small head; ``name`` below gives its nodes a namespace."""
    take = small_take(tmp_path)
    return ApplyRequest(take, small_solution(take), head="head_GRP")


def name(namespace):
    for node in ("BS", "face_CTL"):
        cmds.rename(node, f"{namespace}:{node}")


def rig_of(namespace):
    """A second rig with the same controls."""
    node = cmds.createNode("transform", name=namespace + ":face_CTL")
    cmds.addAttr(node, longName="open", attributeType="double", keyable=True)
    node = cmds.createNode("transform", name=namespace + ":BS")
    cmds.addAttr(node, longName="b", attributeType="double", keyable=True)


def solved_as(request, namespace):
    controls = tuple(replace(c, plug=f"{namespace}:{c.plug}") for c in request.take.rig.controls)
    return replace(request, take=replace(request.take, rig=replace(request.take.rig, controls=controls)))


@pytest.mark.parametrize(("solved", "here"), [("", "hero"), ("hero", "hero1"), ("hero", "show:hero")])
def test_the_one_rig_with_all_controls_is_found(request_of, solved, here):
    request = solved_as(request_of, solved) if solved else request_of
    name(here)
    report = apply_solution(request)
    assert report.skipped == ()
    assert f"{here}:face_CTL.open" in report.plugs
    row, column = 3, request.solution.control_names.index("b")
    shown = cmds.getAttr(f"{here}:BS.b", time=float(request.solution.scene_times[row]))
    assert shown == pytest.approx(request.solution.controls[row, column])


def test_of_several_rigs_one_has_to_be_named(request_of):
    name("left")
    rig_of("right")
    with pytest.raises(TakeError, match="the scene has the rig 2 times, as 'left', 'right'; choose a head in one"):
        apply_solution(request_of)
    report = apply_solution(replace(request_of, namespace="right"))
    assert "right:face_CTL.open" in report.plugs


@pytest.mark.parametrize("solved_there", [False, True])
def test_of_several_rigs_the_chosen_heads_own_is_keyed(request_of, solved_there):
    if not solved_there:
        name("left")
    rig_of("right")
    head = cmds.rename("head_GRP", "right:head_GRP")
    report = apply_solution(replace(request_of, head=head))
    assert {"right:face_CTL.open", "right:BS.b"} <= set(report.plugs)


def test_a_rig_without_namespace_can_be_named_too(request_of):
    request = solved_as(request_of, "hero")
    assert "face_CTL.open" in apply_solution(replace(request, namespace="")).plugs


def test_without_such_a_rig_the_controls_are_not_in_the_scene(request_of):
    report = apply_solution(solved_as(request_of, "hero") if cmds.rename("BS", "other") else request_of)
    assert {skipped.reason for skipped in report.skipped} == {"not in the scene"}
