"""The check before a solve: every problem at once, each with its node and remedy, and nothing changed."""

import numpy as np
import pytest
from maya import cmds

from facesolve.take import Solution
from facesolve.take.finding import FIND_HEAD, SET_RESOLUTION
from facesolve_maya.apply import ApplyRequest, apply_solution
from facesolve_maya.export import ExportError, ExportRequest, export_take, preflight
from facesolve_maya.scene.choices import OVER
from tests.facesolve_maya.ma_scene import blend_scene, open_scene
from tests.facesolve_maya.shown import snapshot


@pytest.fixture
def scene(maya, tmp_path):
    import cv2

    open_scene(blend_scene(targets={"a": (0, [(6000, [0], [[1, 0, 0]])])}), tmp_path)
    cmds.createNode("camera", name="camShape", parent=cmds.createNode("transform", name="cam"))
    cmds.setAttr("cam.translateZ", 40)
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / f"plate.{number:04d}.png"), np.zeros((480, 640, 3), np.uint8))
    return {"cam": str(tmp_path / "plate.{frame:04d}.png")}


def request(footage, **changes):
    values = {"meshes": ("head",), "head": "head_GRP", "cameras": ("cam",), "frames": (1.0, 2.0), "footage": footage}
    return ExportRequest(**{**values, **changes})


def test_a_sound_scene_has_no_findings_and_exports(scene):
    assert preflight(request(scene)) == ()
    take = export_take(request(scene, name="shot"))
    assert (take.name, list(take.frames), take.footage[0].offset) == ("shot", [1, 2], 0)


def test_what_maya_cannot_show_of_a_fisheye_is_told(scene):
    cmds.addAttr("camShape", longName="facesolveLens", dataType="string")
    cmds.setAttr("camShape.facesolveLens", "fisheye", type="string")
    (finding,) = preflight(request(scene))
    assert (finding.severity, finding.subject) == ("note", "cam")
    assert "the solve uses it, but the view shows a pinhole" in finding.sentence
    assert export_take(request(scene)).cameras[0].lens == "fisheye"


def test_all_problems_are_found_at_once(scene, maya):
    cmds.setAttr("BS.nodeState", 1)
    cmds.setAttr("camShape.filmRollValue", 5)
    cmds.createNode("camera", name="otherShape", parent=cmds.createNode("transform", name="other"))
    version = maya.graph.version
    found = preflight(request(scene, cameras=("cam", "other", "nobody")))
    assert [(f.severity, f.subject) for f in found] == [("error", n) for n in ("BS", "cam", "other", "nobody")]
    assert all(f.sentence.endswith(".") and f.remedy for f in found)
    assert maya.graph.version == version
    with pytest.raises(ExportError) as error:
        export_take(request(scene, cameras=("cam", "other", "nobody")))
    assert error.value.findings == found


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames": ()}, "frame range is empty"),
        ({"frames": (2.0, 1.0)}, "do not increase"),
        ({"cameras": ()}, "no camera with footage is in it"),
        ({"meshes": ()}, "no head mesh is given"),
        ({"head": "nobody"}, "head transform 'nobody' does not exist"),
        ({"head": "BS"}, "it is not a transform"),
        ({"meshes": ("head_GRP",)}, "0 visible mesh shapes"),
    ],
)
def test_bad_requests_are_sentences(scene, changes, words):
    assert any(
        words in finding.sentence for finding in preflight(request(scene, **changes)) if finding.severity == "error"
    )


def test_locked_controls_are_a_warning_and_follow_the_scene(scene):
    cmds.setAttr("BS.a", 0.25)
    cmds.setAttr("BS.a", lock=True)
    (finding,) = preflight(request(scene))
    assert (finding.severity, finding.subject) == ("warning", "BS.a")
    (control,) = export_take(request(scene)).settings.controls
    assert (control.name, list(control.lock)) == ("a", [0.25])


def test_what_cannot_be_read_is_solved_and_keyed_over_what_drives_it_where_that_is_chosen(scene):
    """Left alone it is locked to the scene; chosen, it is a control whose keys go over the expression."""
    cmds.createNode("expression", name="wiggle")
    cmds.setAttr("wiggle.internalExpression", ".O[0] = 0.25 + 0.01 * frame;", type="string")
    cmds.connectAttr("wiggle.output[0]", "BS.a")
    (warning,) = preflight(request(scene))
    assert "batch --over-rig NAME" in warning.remedy
    assert export_take(request(scene)).settings.controls[0].lock is not None
    take = export_take(request(scene, keys={"a": OVER}))
    assert take.settings.controls == ()
    assert take.start.controls == pytest.approx([0.26])
    solution = solution_of(take, controls=np.array([[0.8], [0.5]]))
    report = apply_solution(ApplyRequest(take, solution, head="head_GRP"))
    assert report.skipped == ()
    for time, value in ((1, 0.8), (2, 0.5)):
        cmds.currentTime(time)
        assert cmds.getAttr("BS.a") == pytest.approx(value)
    (unknown,) = preflight(request(scene, keys={"b": OVER}))
    assert "no control of this rig is called so" in unknown.sentence


def solution_of(take, controls):
    count = len(take.frames)
    return Solution(
        frames=take.frames,
        scene_times=take.scene_times,
        fps=24.0,
        control_names=tuple(take.rig.control_names),
        controls=controls,
        head=np.tile(take.start.head, (count, 1, 1)),
        control_std=np.zeros_like(controls),
        head_std=np.zeros((count, 6)),
        camera_names=("cam",),
        residual=np.zeros((count, 1)),
        provenance={"facesolve": "0.1.0", "take": "../take"},
    )


def test_a_scene_in_meters_gives_the_same_take(scene):
    first = export_take(request(scene))
    cmds.currentUnit(linear="m")
    second = export_take(request(scene))
    np.testing.assert_array_equal(first.rig.neutral, second.rig.neutral)
    np.testing.assert_array_equal(first.start.head, second.start.head)


def test_a_node_whose_curve_holds_no_number_is_named(scene, monkeypatch):
    monkeypatch.setattr(
        "facesolve_maya.scene.head.world_matrices",
        lambda nodes, times: {node: np.full((len(times), 4, 4), np.nan) for node in nodes},
    )
    errors = [finding for finding in preflight(request(scene)) if finding.severity == "error"]
    assert ("head_GRP", "its world matrix holds a value that is no number.") in [
        (finding.subject, finding.sentence) for finding in errors
    ]


def test_a_scene_that_maya_cannot_evaluate_is_a_finding_and_no_traceback(scene, monkeypatch):
    def fails(*_):
        raise RuntimeError("(kInvalidParameter): Object is\nincompatible")

    monkeypatch.setattr("facesolve_maya.export.take.read_rig", fails)
    (finding,) = [finding for finding in preflight(request(scene)) if finding.severity == "error"]
    assert finding.sentence == (
        "Maya cannot say what is needed of it (RuntimeError: (kInvalidParameter): Object is incompatible)."
    )


def test_a_head_that_a_camera_does_not_see_is_offered_to_be_looked_for(scene):
    cmds.setAttr("head_GRP.translateX", 60)
    (finding,) = preflight(request(scene))
    assert (finding.severity, finding.subject) == ("warning", "head_GRP")
    assert "outside the image of cam" in finding.sentence
    assert [(offer.kind, offer.label) for offer in finding.offers] == [(FIND_HEAD, "Find the head")]
    export_take(request(scene))  # what is looked for in


def test_an_image_of_another_aspect_than_the_render_settings_has_a_button_that_is_one_undo(scene, maya):
    from facesolve_maya.ui.scene import MayaScene

    cmds.setAttr("defaultResolution.width", 1920)
    before = snapshot(maya)
    (finding,) = preflight(request(scene))
    assert (finding.severity, finding.subject) == ("warning", "cam")
    (offer,) = finding.offers
    assert (offer.kind, offer.label, offer.values) == (SET_RESOLUTION, "Render 640x480", (640, 480))
    assert MayaScene().set_render_resolution(*offer.values) == "The render resolution is 640x480."
    assert preflight(request(scene)) == ()
    cmds.undo()
    assert snapshot(maya) == before
