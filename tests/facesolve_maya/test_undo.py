"""Whatever the panel does to a scene is one undo: the scene is as it was before, and as it was after when redone."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from maya import cmds

from facesolve.take import write_solution, write_take
from facesolve.take.actor import ActorProfile
from facesolve.take.summary import FrameError
from facesolve_maya.apply import ActorRequest, CorrectivesRequest, apply_actor, apply_correctives
from facesolve_maya.cameras import AT_FIRST_CAMERA, Stage
from facesolve_maya.run import FoundHead
from facesolve_maya.ui.model import PanelSettings
from tests.facesolve_maya.apply.test_correctives import some
from tests.facesolve_maya.cameras.test_create_cameras import calibration
from tests.facesolve_maya.shown import snapshot
from tests.facesolve_maya.small_head import small_solution, small_take

SETTINGS = PanelSettings(mesh="head", head_transform="head_GRP", first=1, last=10)
FRAMES = (FrameError(3.0, 0.2, 1), FrameError(4.0, 0.9, 2))
ELSEWHERE = FoundHead({"open": 2.5, "b": 0.3}, np.diag((1.0, -1.0, -1.0, 1.0)), Path("head.jpg"), ())


class Shot:
    """The small head with a solve on disk, and what the panel can do to it."""

    def __init__(self, maya, folder):
        from facesolve_maya.ui.scene import MayaScene

        self.maya, self.folder, self.scene = maya, folder, MayaScene()
        self.take = small_take(folder)
        self.found = replace(small_solution(self.take), provenance={"take": "../take"})
        write_take(self.take, folder / "take")
        write_solution(self.found, folder / "solution")
        again = replace(small_solution(self.take, 1.0, np.arange(3, 7)), provenance={"take": "../take"})
        write_solution(again, folder / "range")
        self.scene.controls(SETTINGS)

    def state(self):
        """Nodes with plugs and keys in any order, connections, selection and time."""
        nodes = sorted(re.split(r"\n(?=\S)", snapshot(self.maya)))
        return nodes, cmds.ls(selection=True) or [], cmds.currentTime(query=True)

    def apply(self):
        self.scene.apply(self.folder / "solution", SETTINGS, None)

    def apply_range(self):
        self.scene.apply(self.folder / "range", SETTINGS, (4, 7))

    def edit(self):
        cmds.setKeyframe("BS.b", animLayer="facesolve_small", time=5.0, value=0.9)
        cmds.currentTime(5.0)

    def key_as_solved(self):
        self.scene.key_as_solved()

    def reduce_keys(self):
        self.scene.reduce_keys(2.0)

    def pose_head(self):
        self.scene.pose_head(ELSEWHERE, SETTINGS)

    def key_the_head(self):
        cmds.setKeyframe("head_GRP.translateX", time=1.0, value=0.4)
        cmds.currentTime(8.0)

    def toggle_overlay(self):
        self.scene.toggle_overlay(SETTINGS)

    def show_certainty(self):
        self.scene.show_certainty(self.found, (), FRAMES)

    def remove_certainty(self):
        assert self.scene.remove_certainty()

    def select_solved(self):
        self.scene.select_solved()

    def load_cameras(self):
        path, _ = calibration(self.folder)
        self.scene.create_cameras(path)

    def place_stage(self):
        self.scene.place_stage("facesolve_cameras", Stage(origin=AT_FIRST_CAMERA, unit="mm"), SETTINGS)

    def set_render_resolution(self):
        self.scene.set_render_resolution(400, 500)

    def add_correctives(self):
        apply_correctives(CorrectivesRequest(self.take, some(self.take, self.found), "head_GRP"))

    def add_actor(self):
        offset = 0.1 * np.ones((self.take.rig.vertex_count, 3))
        profile = ActorProfile(offset, np.full(len(offset), 0.01), self.take.rig.meshes)
        apply_actor(ActorRequest(self.take, profile, "head_GRP"))


# what is done, after what
STEPS = {
    "apply": (),
    "apply_range": ("apply",),
    "key_as_solved": ("apply", "edit"),
    "reduce_keys": ("apply",),
    "pose_head": ("key_the_head",),
    "toggle_overlay": (),
    "toggle_overlay again": ("toggle_overlay",),
    "show_certainty": ("apply",),
    "show_certainty again": ("apply", "show_certainty", "select_solved"),
    "remove_certainty": ("apply", "show_certainty"),
    "select_solved": ("apply",),
    "load_cameras": (),
    "place_stage": ("load_cameras",),
    "set_render_resolution": (),
    "add_correctives": ("apply",),
    "add_actor": ("apply",),
}


@pytest.mark.parametrize("step", STEPS)
def test_one_undo_takes_it_back_and_redo_brings_it_again(small, tmp_path, step):
    shot = Shot(small, tmp_path)
    for earlier in STEPS[step]:
        getattr(shot, earlier)()
    before, queue = shot.state(), len(small.undo_queue)
    getattr(shot, step.split()[0])()
    after = shot.state()
    assert after != before
    assert len(small.undo_queue) == queue + 1
    for _ in range(2):
        cmds.undo()
        assert shot.state() == before
        cmds.redo()
        assert without_identities(shot.state()) == without_identities(after)


def without_identities(state):
    """A node that redo makes again has another one."""
    return (sorted(re.sub(r'rename -uid "[^"]*"', "", node) for node in state[0]), *state[1:])


def test_what_the_panel_changes_of_a_scene_is_all_here():
    """Each method of the scene adapter that changes the scene, by the verbs that such methods begin with."""
    from facesolve_maya.ui.scene import MayaScene

    verbs = r"(apply|create|key|place|pose|reduce|remove|select|set|show|toggle)"
    named = {"create_cameras": "load_cameras", "select": "select_solved"}
    elsewhere = {"applied_ranges", "selected_mesh", "selected_range", "set_preference", "set_current_time"}
    changing = {named.get(name, name) for name in vars(MayaScene) if re.match(verbs, name)} - elsewhere
    assert changing <= {step.split()[0] for step in STEPS}
