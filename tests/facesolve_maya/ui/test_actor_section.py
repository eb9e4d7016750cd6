"""Bringing the rig to the actor from the set-up page: a process of its own, and a profile that is used or left."""

import json
from pathlib import Path

import numpy as np
import pytest

from facesolve.take.actor import ActorProfile, read_actor
from facesolve.take.rig import Mesh
from facesolve_maya.ui.document import settings_from_text

pytestmark = pytest.mark.usefixtures("application")


def profile():
    return ActorProfile(np.full((4, 3), 0.1), np.full(4, 0.02), (Mesh("face_GEO", 4, 1),))


def test_the_profile_that_was_found_is_used_by_the_next_solves(panel, scene, solver, wait):
    section, session = panel.setup.actor_section, panel.session
    assert section.use.isHidden()
    section.identity.setText("/rigs/identity modes.npz")
    section.identity.editingFinished.emit()
    scene.actor = profile()
    section.bring.click()
    assert session.busy
    assert not section.bring.isEnabled()
    wait(lambda: not session.busy)
    assert not section.use.isHidden()
    assert "up to 1.7 mm" in section.words.text()
    section.use.click()
    assert section.use.isHidden()
    assert panel.setup.actor.text() == session.settings.actor
    np.testing.assert_allclose(read_actor(session.settings.actor).offset, 0.1, rtol=1e-6)
    ((_, take, _),) = scene.exported
    words = json.loads((take / "seen.json").read_text(encoding="utf-8"))
    assert words[:4] == ["personalize", str(take), str(take), "--as-profile"]
    assert words[words.index("--identity") + 1] == "/rigs/identity modes.npz"
    assert "--neutral=12,13" in words
    session.keep_settings()
    assert settings_from_text(scene.stored).identity == "/rigs/identity modes.npz"


def test_a_rig_that_is_left_has_no_profile_and_an_earlier_one_is_not_replaced(panel, scene, solver, wait):
    section, session = panel.setup.actor_section, panel.session
    scene.actor = profile()
    for _ in range(2):
        section.bring.click()
        wait(lambda: not session.busy)
        found = session.personalizing.found
        section.leave.click()
        assert session.settings.actor == ""
    assert Path(found.profile).name == "actor_002.npz"
    assert found.profile.with_name("actor_001.npz").exists()


def test_what_stopped_it_is_said_in_a_sentence(panel, scene, solver, wait):
    panel.setup.actor_section.bring.click()
    wait(lambda: not panel.session.busy)
    assert panel.session.notice == "the take shows no face."
    assert panel.session.notice_is_error
    assert panel.setup.actor_section.words.isHidden()
