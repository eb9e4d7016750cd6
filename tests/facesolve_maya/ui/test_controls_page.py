"""The Controls page: what is solved, and the character that other shots load."""

import json

import pytest

from facesolve_maya.scene.choices import LOCKED
from facesolve_maya.ui.model import ControlChoice
from tests.facesolve_maya.ui.gestures import click, qt

pytestmark = pytest.mark.usefixtures("application")


def test_controls_rest_where_they_are_and_again_at_their_defaults(panel):
    session = panel.session
    click(panel.controls.rest)
    assert session.settings.choice("jawOpen").rest == 2.5, "it does not rest at 0"
    assert session.settings.choice("browDown_L").rest is None, "it is at its default"
    assert "1 controls rest away" in session.notice
    assert "1 rest off" in panel.controls.count.text()
    (jaw,) = [control for control in session.settings.solver_settings(("jawOpen",)).controls]
    assert jaw.rest == 2.5
    click(panel.controls.rest)
    assert session.settings.choice("jawOpen").rest is None


def test_ticks_and_regions_decide_what_is_solved(panel):
    tree, Qt = panel.controls.tree, qt().Qt
    tree.item("jawOpen").setCheckState(0, Qt.Unchecked)
    assert panel.session.settings.controls == {"jawOpen": ControlChoice(active=False)}
    tree.item("eyeBlink_L").parent().setCheckState(0, Qt.Unchecked)
    off = {name for name, choice in panel.session.settings.controls.items() if not choice.active}
    assert off == {"jawOpen"} | {name for name in tree.items_by_name if name.startswith("eye")}


def test_one_edit_applies_to_the_whole_selection(panel):
    tree, Qt = panel.controls.tree, qt().Qt
    for name in ("mouthSmile_L", "mouthSmile_R"):
        tree.item(name).setSelected(True)
    tree.item("mouthSmile_L").setData(1, Qt.UserRole, LOCKED)
    tree.item("mouthSmile_R").setData(2, Qt.UserRole, 4.0)
    expected = ControlChoice(keys=LOCKED, stiffness=4.0)
    assert panel.session.settings.controls == {"mouthSmile_L": expected, "mouthSmile_R": expected}
    assert tree.item("mouthSmile_R").text(1) == "locked"


def test_a_partner_is_that_of_one_control_only(panel):
    tree, Qt = panel.controls.tree, qt().Qt
    for name in ("mouthSmile_L", "mouthSmile_R"):
        tree.item(name).setSelected(True)
    tree.item("mouthSmile_R").setData(3, Qt.UserRole, "mouthSmile_L")
    assert panel.session.settings.controls == {"mouthSmile_R": ControlChoice(symmetric="mouthSmile_L")}


def test_the_likely_partner_is_offered_first(panel):
    tree = panel.controls.tree
    index = tree.indexFromItem(tree.item("mouthSmile_R"), 3)
    assert tree.partners(index)[1][0] == "mouthSmile_L"


def test_a_control_that_cannot_be_keyed_cannot_be_chosen(panel):
    item = panel.controls.tree.item("corrective_014")
    assert not qt().has(item.flags(), qt().Qt.ItemIsEnabled)
    assert "expression" in item.toolTip(0)
    assert "1 cannot be keyed" in panel.controls.count.text()


def test_the_filter_hides_controls_and_empty_regions(panel):
    panel.controls.filter.setText("smile")
    tree = panel.controls.tree
    assert not tree.item("mouthSmile_L").isHidden()
    assert tree.item("mouthClose").isHidden()
    assert tree.item("jawOpen").parent().isHidden()


def test_a_characters_set_up_is_saved_once_and_loaded_in_another_shot(panel, tmp_path):
    session, page = panel.session, panel.controls
    made = {
        "jawOpen": ControlChoice(active=False),
        "mouthSmile_R": ControlChoice(symmetric="mouthSmile_L", keys=LOCKED),
    }
    session.change(controls=made, smoothness=2.5, first=1010, actor=str(tmp_path / "actor.npz"), neutral="1012")
    session.change(sampled=("face_CTL.smile",))
    page.save_setup(str(tmp_path / "hero"))
    assert "hero.json" in session.notice
    assert json.loads((tmp_path / "hero.json").read_text())["actor"] == "actor.npz"
    session.change(actor="", neutral="", sampled=())
    session.change(controls={"tongueOut": ControlChoice(keys=LOCKED)}, smoothness=1.0, first=1005)
    page.load_setup(str(tmp_path / "hero.json"))
    assert session.settings.controls == {
        "jawOpen": ControlChoice(active=False),
        "mouthSmile_R": ControlChoice(symmetric="mouthSmile_L"),
        "tongueOut": ControlChoice(keys=LOCKED),
    }, "keys belong to the shot"
    assert (session.settings.smoothness, session.settings.first) == (2.5, 1005)
    assert (session.settings.actor, session.settings.neutral) == (str(tmp_path / "actor.npz"), "")
    assert session.settings.sampled == ("face_CTL.smile",)
    session.change(mesh="extra:stunt_GEO")
    assert session.settings.sampled == ()
    page.load_setup(str(tmp_path / "none.json"))
    assert session.notice_is_error
