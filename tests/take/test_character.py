"""A character's set-up: kept by its file, found under other namespaces, applied to rigs and settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.take import Settings, TakeError
from facesolve.take.character import Character, CharacterControl, bare, matched, read_character, write_character
from facesolve.take.character_rig import rig_of_character, with_meshes
from facesolve.take.rig_evaluation import RigEvaluator

from . import jointed, rigs

HERO = Character(
    name="hero",
    rig="hero.npz",
    head="head_GRP",
    meshes=("skin",),
    photometric_mask="mask.npy",
    tolerance=0.1,
    sampled=("jaw_CTL.rotateX",),
    strengths={"stiffness": 1.5, "quality": "final"},
    controls={
        "smile": CharacterControl("Mouth", -0.5, 0.8, symmetric="jaw", stiffness=2.0),
        "jaw": CharacterControl("Jaw", rest=3.0, lock=4.0),
        "elsewhere": CharacterControl("Other", active=False),
    },
)


def test_the_file_keeps_everything(tmp_path: Path) -> None:
    write_character(HERO, tmp_path / "character.json")
    assert read_character(tmp_path / "character.json") == HERO
    record = json.loads((tmp_path / "character.json").read_text(encoding="utf-8"))
    assert record["controls"]["elsewhere"] == {"region": "Other", "active": False}


def test_names_are_found_under_another_namespace() -> None:
    assert bare("|hero:rig|hero:sub:jaw_CTL.rotateX") == "|rig|jaw_CTL.rotateX"
    names = ["hero1:jaw_CTL.rotateX", "hero1:BS.smile", "other"]
    assert matched(["jaw_CTL.rotateX", "BS.smile", "none"], names) == {
        names[0]: "jaw_CTL.rotateX",
        names[1]: "BS.smile",
    }
    twice = ["a:BS.smile", "b:BS.smile"]
    with pytest.raises(TakeError, match=r"is there as 'a:BS\.smile' and 'b:BS\.smile'; say which namespace"):
        matched(["BS.smile"], twice)
    assert matched(["BS.smile"], twice, "b") == {"b:BS.smile": "BS.smile"}
    assert matched(["smile"], ["smile", "x:smile"]) == {"smile": "smile"}


def test_settings_come_under_the_rigs_own_names() -> None:
    settings = HERO.settings(["a:smile", "a:jaw"], Settings(smoothness=3.0))
    assert (settings.smoothness, settings.stiffness, settings.quality) == (3.0, 1.5, "final")
    smile, jaw = settings.controls
    assert (smile.name, smile.symmetric, smile.stiffness) == ("a:smile", "a:jaw", 2.0)
    assert jaw.lock is not None
    assert (jaw.name, jaw.lock.tolist()) == ("a:jaw", [4.0])


def test_a_rig_gets_ranges_rest_and_masks_of_the_chosen_meshes(tmp_path: Path) -> None:
    np.save(tmp_path / "mask.npy", np.array([1.0, 0.5, 0.0, 0.0]))
    rig = rig_of_character(rigs.rig(), HERO, tmp_path / "character.json")
    assert [mesh.name for mesh in rig.meshes] == ["skin"]
    smile, jaw = rig.controls
    assert (smile.minimum, smile.maximum, jaw.default) == (-0.5, 0.8, 3.0)
    np.testing.assert_array_equal(rig.photometric_weight, [1.0, 0.5, 0.0, 0.0])


def test_the_meshes_that_stay_move_as_before() -> None:
    rig = jointed.rig()
    meshes = (rig.meshes[0], replace(rig.meshes[1], face_count=0))
    faces = {"face_counts": rig.face_counts[:1], "face_vertices": rig.face_vertices[:4], "face_uvs": rig.face_uvs[:4]}
    apart = replace(rig, meshes=meshes, **faces)  # its second polygon used both meshes
    controls = np.random.default_rng(0).uniform(0, 1, (3, len(rig.controls)))
    found = RigEvaluator(with_meshes(apart, [0])).vertices(controls)
    np.testing.assert_allclose(found, RigEvaluator(apart).vertices(controls)[:, :4], atol=1e-12)
    with pytest.raises(TakeError, match="uses vertices of several meshes"):
        with_meshes(rig, [1])


BROKEN = {
    "a kind": ({"kind": "facesolve take"}, "kind is 'facesolve take', expected 'facesolve character'"),
    "a strength": ({"strengths": {"speed": 2}}, "there is no 'speed'"),
    "a range": ({"controls": {"jaw": {"minimum": 1.0, "maximum": 1.0}}}, "control 'jaw' has an empty range"),
    "a member": ({"hue": 1}, "has 'hue', which is not known"),
    "a number": ({"controls": {"jaw": {"lock": "high"}}}, "expected a number"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, what: str) -> None:
    change, words = BROKEN[what]
    path = tmp_path / "character.json"
    path.write_text(json.dumps({"schema": 1, "kind": "facesolve character", "name": "x", **change}), encoding="utf-8")
    with pytest.raises(TakeError, match=words) as caught:
        read_character(path)
    assert "\n" not in str(caught.value)


def test_a_mesh_that_the_rig_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(TakeError, match="the rig has no mesh 'teeth'"):
        rig_of_character(rigs.rig(), replace(HERO, meshes=("teeth",)), tmp_path / "character.json")
