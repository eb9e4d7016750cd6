"""Packing files into a take: what comes out, and the sentence for every kind of bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from facesolve.geometry.rig_files import read_rig
from facesolve.jobs.pack import pack_cuts, pack_take
from facesolve.jobs.requests import PackRequest
from facesolve.take import FacesolveError, FootageError, TakeError, read_take
from facesolve.take.actor import ActorProfile, write_actor
from facesolve.take.character import Character, CharacterControl, write_character
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.rig_files import write_rig
from facesolve.take.settings_record import SettingsChange
from tests.take import jointed

FRAMES = (3, 5)


class Job:
    """A folder of input files that pack without complaint until a test spoils one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rig: dict[str, Any] = {
            "neutral": 0.03 * np.arange(12, dtype=np.float32).reshape(4, 3),
            "deltas": np.ones((2, 4, 3), np.float32),
            "names": np.array(["smile", "jaw"]),
            "face_counts": np.array([4]),
            "faces": np.arange(4),
            "uv": np.zeros((4, 2), np.float32),
            "face_uvs": np.arange(4),
        }
        camera = {
            "intrinsic": [[800.0, 0, 20], [0, 801, 15], [0, 0, 1]],
            "distortion": [[0.1], [0], [0], [0], [0]],
            "rotation": np.eye(3).tolist(),
            "translation": [[0.0], [1], [90]],
        }
        self.cameras: dict[str, Any] = {
            "a": {**camera, "width": 40, "height": 30},
            "b": {**camera, "translation": [[0.001], [1], [90]], "width": 40, "height": 30},
        }
        self.start: dict[str, Any] = {"frame": 1001, "weights": {"jaw": 0.25}, "head": np.eye(4).tolist()}
        self.source: dict[str, Any] = {"footage": str(folder / "{camera}" / "{camera}_{frame:04d}.png")}
        self.request: dict[str, Any] = {"frames": FRAMES, "fps": 30.0}
        for name in self.cameras:
            (folder / name).mkdir()
            for frame in range(FRAMES[0], FRAMES[1] + 1):
                self.write_image(name, frame)

    def write_image(self, camera: str, frame: int, width: int = 40, height: int = 30) -> Path:
        path = self.folder / camera / f"{camera}_{frame:04d}.png"
        path.write_bytes(cv2.imencode(".png", np.full((height, width, 3), 99, np.uint8))[1].tobytes())
        return path

    def pack_files(self) -> None:
        """Writes the rig, cameras and start pose."""
        np.savez(self.folder / "rig.npz", **self.rig)
        for name, value in (("cameras", self.cameras), ("start", self.start)):
            (self.folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")

    def pack(self, tell: Callable[[str], None] = print) -> Any:
        self.pack_files()
        files = {"rig": "rig.npz", "cameras": "cameras.json", "start": "start.json"}
        paths = {name: self.folder / file for name, file in files.items()}
        request = PackRequest(**{**paths, **self.source, **self.request})
        return pack_take(request, self.folder / "take", tell, overwrite=True)

    def refuse(self, kind: type[FacesolveError]) -> str:
        """Packs, expects an error of ``kind`` and nothing written; returns its sentence."""
        with pytest.raises(kind) as caught:
            self.pack()
        assert not (self.folder / "take").exists()
        return str(caught.value)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_packs_what_the_files_hold(job: Job) -> None:
    job.rig["photometric_weight"] = np.array([1, 1, 0, 0.5], np.float32)
    job.pack()
    take = read_take(job.folder / "take")
    assert take.rig.control_names == ["smile", "jaw"]
    np.testing.assert_array_equal(take.rig.neutral, job.rig["neutral"])
    np.testing.assert_array_equal(take.rig.photometric_weight, [1, 1, 0, 0.5])
    assert [camera.name for camera in take.cameras] == ["a", "b"]
    assert (take.cameras[0].width, take.cameras[0].height) == (40, 30)
    np.testing.assert_array_equal(take.cameras[0].intrinsics[:2, 2], [20, 15])
    np.testing.assert_array_equal(take.cameras[1].translation, [0.001, 1, 90])
    np.testing.assert_array_equal(take.cameras[1].distortion, [0.1, 0, 0, 0, 0])
    assert Path(take.footage[1].image_path(4)) == job.folder / "b" / "b_0004.png"
    np.testing.assert_array_equal(take.frames, [3, 4, 5])


def test_a_character_brings_its_rig_ranges_and_settings(job: Job) -> None:
    controls = {"smile": CharacterControl(minimum=-0.5, maximum=0.5), "jaw": CharacterControl(lock=0.25, stiffness=2.0)}
    hero = Character("hero", rig="rig.npz", strengths={"smoothness": 3.0, "quality": "final"}, controls=controls)
    write_character(hero, job.folder / "character.json")
    job.pack_files()
    request = PackRequest(
        cameras=job.folder / "cameras.json", character=job.folder / "character.json", **job.source, **job.request
    )
    pack_take(request, job.folder / "take", change=SettingsChange(values={"quality": "draft"}))
    take = read_take(job.folder / "take")
    assert (take.rig.controls[0].minimum, take.rig.controls[0].maximum) == (-0.5, 0.5)
    assert (take.settings.smoothness, take.settings.quality) == (3.0, "draft")
    assert take.settings.controls[0].lock is not None
    assert take.actor is None
    write_character(replace(hero, actor="actor.npz"), job.folder / "character.json")
    with pytest.raises(TakeError, match=r"actor.*does not exist"):
        pack_take(request, job.folder / "other")
    count = take.rig.vertex_count
    write_actor(ActorProfile(np.zeros((count, 3)), np.zeros(count), take.rig.meshes), job.folder / "actor.npz")
    assert pack_take(request, job.folder / "other").actor == str(job.folder / "actor.npz")
    with pytest.raises(TakeError, match="give --rig, or a --character"):
        pack_take(replace(request, character=None), job.folder / "third")


def test_start_gives_pose_and_scene_times(job: Job) -> None:
    take = job.pack()
    np.testing.assert_array_equal(take.scene_times, [1001, 1002, 1003])
    assert take.start.frame == 3
    np.testing.assert_array_equal(take.start.controls, [0, 0.25])


def test_without_start_the_scene_is_the_footage(job: Job) -> None:
    job.request["start"] = None
    take = job.pack()
    assert take.start is None
    np.testing.assert_array_equal(take.scene_times, [3, 4, 5])


def test_camera_without_size_takes_it_from_the_first_image(job: Job) -> None:
    for record in job.cameras.values():
        del record["width"], record["height"]
    take = job.pack()
    assert (take.cameras[0].width, take.cameras[0].height) == (40, 30)


def test_unseen_frames_may_be_missing(job: Job) -> None:
    job.source["on_bad_frame"] = "unseen"
    (job.folder / "a" / "a_0003.png").write_bytes(b"\x89PNG cut short")
    (job.folder / "b" / "b_0003.png").unlink()
    take = job.pack()
    assert take.on_bad_frame == "unseen"
    assert take.frame_count == 3


def test_rounding_noise_at_a_limit_is_accepted(job: Job) -> None:
    job.start["weights"] = {"jaw": 1.0000001, "smile": -1e-9}
    np.testing.assert_array_equal(job.pack().start.controls, [0, 1])


@pytest.mark.parametrize("key", ["intrinsic", "distortion", "rotation", "translation"])
def test_missing_camera_key_is_named(job: Job, key: str) -> None:
    del job.cameras["b"][key]
    assert f"camera 'b' in '{job.folder / 'cameras.json'}' lacks {key}." in job.refuse(TakeError)


def test_bad_camera_values_are_named(job: Job) -> None:
    job.cameras["b"]["rotation"] = [[1, 0], [0, 1]]
    assert "rotation has shape (2, 2)" in job.refuse(TakeError)
    job.cameras["b"]["rotation"] = "identity"
    assert "rotation is not an array of numbers" in job.refuse(TakeError)
    job.cameras["b"]["rotation"] = (2 * np.eye(3)).tolist()
    assert "its rotation is scaled by 2" in job.refuse(TakeError)
    job.cameras["b"] = []
    assert "expected an object" in job.refuse(TakeError)
    job.cameras = {}
    assert "holds no camera" in job.refuse(TakeError)


def test_half_a_size_is_refused(job: Job) -> None:
    del job.cameras["a"]["width"]
    assert "both width and height" in job.refuse(TakeError)


@pytest.mark.parametrize("width", [0, 40.5, 1e30, "wide", None, True])
def test_a_size_that_is_no_number_of_pixels_is_refused(job: Job, width: Any) -> None:
    job.cameras["a"]["width"] = width
    assert f"width is {width!r}, expected a number of pixels" in job.refuse(TakeError)


@pytest.mark.parametrize("key", ["neutral", "deltas"])
def test_rig_with_nan_is_refused(job: Job, key: str) -> None:
    job.rig[key].flat[5] = np.nan
    sentence = job.refuse(TakeError)
    assert "not finite" in sentence
    assert "vertex 1" in sentence


@pytest.mark.parametrize("key", ["neutral", "deltas", "names", "face_counts", "faces"])
def test_missing_rig_key_is_named(job: Job, key: str) -> None:
    del job.rig[key]
    assert f"lacks {key}." in job.refuse(TakeError)


def test_uvs_without_their_faces_are_refused(job: Job) -> None:
    del job.rig["face_uvs"]
    assert "both uv and face_uvs" in job.refuse(TakeError)


def test_rig_of_objects_is_refused(job: Job) -> None:
    job.rig["neutral"] = np.array([{"x": 1}], dtype=object)
    assert "not a readable .npz" in job.refuse(TakeError)
    job.rig["neutral"] = np.array([["a", "b", "c"]])
    assert "expected numbers" in job.refuse(TakeError)


def test_pattern_that_matches_nothing_names_camera_and_path(job: Job) -> None:
    job.source["footage"] = str(job.folder / "{camera}" / "{camera}.{frame:05d}.png")
    sentence = job.refuse(FootageError)
    assert "camera 'a'" in sentence
    assert str(job.folder / "a" / "a.00003.png") in sentence


def test_pattern_without_camera_or_with_unknown_fields(job: Job) -> None:
    job.source["footage"] = str(job.folder / "{camera}" / "{camera}_{number}.png")
    assert "no {frame}" in job.refuse(TakeError)


def test_a_folder_one_image_or_another_name_is_answered_with_the_pattern_that_would_match(job: Job) -> None:
    meant = (job.folder / "{camera}" / "{camera}_####.png").as_posix()
    for footage, said in (
        (job.folder / "{camera}", "is a folder; write"),
        (job.folder / "{camera}" / "{camera}_0003.png", "is one image; for the sequence that it belongs to, write"),
    ):
        job.source["footage"] = str(footage)
        assert f"{said} '{meant}'" in job.refuse(FootageError)
    job.source["footage"] = str(job.folder / "{camera}" / "####.png")
    assert f"'{meant}' would match" in job.refuse(FootageError)


def test_one_pattern_for_several_cameras_is_refused(job: Job) -> None:
    job.source["footage"] = str(job.folder / "a" / "a_####.png")
    assert "the same for all 2 cameras; write {camera}" in job.refuse(TakeError)


def test_missing_image_is_named(job: Job) -> None:
    missing = job.folder / "b" / "b_0004.png"
    missing.unlink()
    sentence = job.refuse(FootageError)
    assert f"1 of 3 images are missing: frame 4 (the first is '{missing}')" in sentence
    assert "camera 'b'" in sentence


def test_broken_first_image_is_named(job: Job) -> None:
    path = job.folder / "a" / "a_0003.png"
    path.write_bytes(path.read_bytes()[:40])
    assert str(path) in job.refuse(FootageError)


def test_footage_of_another_size_is_refused(job: Job) -> None:
    job.write_image("b", 3, width=20)
    sentence = job.refuse(FootageError)
    assert "camera 'b': the calibration is for 40x30 pixels, the footage has 20x30" in sentence


def test_videos_are_packed_in_step_with_the_table_told(job: Job) -> None:
    pytest.importorskip("av", reason='needs PyAV: pip install "facesolve[video]"')
    from tests.footage.timing.recordings import write_video

    for name, first in (("a", 0), ("b", 3)):
        times = np.arange(20) / 30
        write_video(job.folder / f"{name}.mov", times, times + first / 30, timecode=f"01:00:00:{first:02d}")
    for camera in job.cameras.values():
        camera.update(width=64, height=48, intrinsic=[[800.0, 0, 32], [0, 801, 24], [0, 0, 1]])
    job.source = {"footage": str(job.folder / "{camera}.mov")}
    job.request = {"range": "01:00:00:05-01:00:00:10"}
    told: list[str] = []
    take = job.pack(told.append)
    assert take.frames.tolist() == [2, 3, 4, 5, 6, 7]
    assert take.fps == 30
    assert [source.image_number(2) for source in take.footage] == [5, 2]
    assert any(line.startswith("b       20      01:00:00:03") for line in told)
    assert told[-1] == "17 frames in common at 30 a second, from 01:00:00:03."
    job.request = {"range": "01:00:00:05-01:00:00:10", "sync": "number", "fps": 30.0}
    with pytest.raises(TakeError, match="range: the footage has no timecode; give --frames"):
        job.pack()


def test_openexr_sequences_of_other_numbers_are_packed_by_their_labels(job: Job) -> None:
    pytest.importorskip("OpenImageIO", reason='needs OpenImageIO: pip install "facesolve[exr]"')
    from tests.footage.timing.test_exr_stamps import write

    (job.folder / "exr").mkdir()
    write(job.folder / "exr", "a", range(1001, 1006), 2)
    write(job.folder / "exr", "b", range(5), 4)
    for camera in job.cameras.values():
        camera.update(width=4, height=4, intrinsic=[[80.0, 0, 2], [0, 80, 2], [0, 0, 1]])
    job.source = {"footage": str(job.folder / "exr" / "{camera}" / "{camera}.{frame:04d}.exr"), "color_space": "linear"}
    job.request = {}
    take = job.pack()
    assert (take.frames.tolist(), take.fps) == ([1003, 1004, 1005], 25)
    assert [source.offset for source in take.footage] == [0, -1003]
    job.request = {"range": "01:02:03:05-01:02:03:06"}
    assert job.pack().frames.tolist() == [1004, 1005]


def test_a_cut_list_makes_a_take_of_each_cut(job: Job) -> None:
    pytest.importorskip("av", reason='needs PyAV: pip install "facesolve[video]"')
    from tests.footage.timing.recordings import write_video

    for name, first in (("a", 0), ("b", 3)):
        times = np.arange(20) / 30
        write_video(job.folder / f"{name}.mov", times, times + first / 30, timecode=f"01:00:00:{first:02d}")
    for camera in job.cameras.values():
        camera.update(width=64, height=48, intrinsic=[[800.0, 0, 32], [0, 801, 24], [0, 0, 1]])
    (job.folder / "cuts.edl").write_text(
        "001 A V C 01:00:00:05 01:00:00:11 00:00:00:00 00:00:00:06\n* FROM CLIP NAME: nod\n"
        "002 A V C 01:00:00:12 01:00:00:15 00:00:00:06 00:00:00:09\n"
    )
    job.pack_files()
    files = {name: job.folder / f"{name}.json" for name in ("cameras", "start")}
    source = str(job.folder / "{camera}.mov")
    request = PackRequest(rig=job.folder / "rig.npz", footage=source, cuts=job.folder / "cuts.edl", **files)
    takes = pack_cuts(request, job.folder / "takes")
    assert {name: take.frames.tolist() for name, take in takes.items()} == {
        "nod": [2, 3, 4, 5, 6, 7],
        "A_002": [9, 10, 11],
    }
    assert read_take(job.folder / "takes" / "A_002").footage[0].image_number(9) == 12
    (job.folder / "cuts.edl").write_text("001 A V C 02:00:00:05 02:00:00:11 00:00:00:00 00:00:00:06\n")
    with pytest.raises(FootageError, match=r"cut 'A_001': frames .*: the videos have 17 frames in common"):
        pack_cuts(request, job.folder / "takes", overwrite=True)


def test_video_that_does_not_exist_is_named(job: Job) -> None:
    job.source["footage"] = str(job.folder / "{camera}.mov")
    assert str(job.folder / "a.mov") in job.refuse(FootageError)


def test_empty_range_is_refused(job: Job) -> None:
    job.request["frames"] = (5, 4)
    assert "range 5..4 is empty" in job.refuse(TakeError)


def test_missing_texture_is_refused(job: Job) -> None:
    job.request["texture"] = job.folder / "skin.png"
    assert "skin.png' does not exist" in job.refuse(TakeError)


@pytest.mark.parametrize("fps", [0.0, -24.0, float("nan"), float("inf")])
def test_bad_rates_are_refused(job: Job, fps: float) -> None:
    job.request["fps"] = fps
    assert "frames a second is not a positive number" in job.refuse(TakeError)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"weights": {"brow": 0.5}}, "weight for 'brow', which the rig does not have"),
        ({"weights": {"jaw": 1.5}}, "weight of 'jaw' in '{}' is 1.5, outside its range 0..1"),
        ({"weights": {"jaw": "half"}}, "is 'half', expected a number"),
        ({"weights": {"jaw": True}}, "is True, expected a number"),
        ({"weights": [0.5]}, "weights is a list of 1, expected an object"),
        ({"head": [[1, 0], [0, 1]]}, "head has 2 entries, expected 4"),
        ({"head": "none"}, "head is 'none', expected a list"),
        ({"head": np.diag([2.0, 2, 2, 1]).tolist()}, "scaled, sheared or mirrored"),
        ({"frame": None}, "'{}': frame is None, expected a number"),
    ],
)
def test_bad_start_poses_are_refused(job: Job, change: dict[str, Any], sentence: str) -> None:
    job.start.update(change)
    assert sentence.format(job.folder / "start.json") in job.refuse(TakeError)


def test_missing_start_key_is_named(job: Job) -> None:
    del job.start["head"]
    assert "lacks 'head'" in job.refuse(TakeError)


def test_packs_the_development_take(facesolve_data: Path, tmp_path: Path) -> None:
    source = facesolve_data / "ict_rom"
    request = PackRequest(
        rig=source / "rig.npz",
        cameras=source / "calibration.json",
        footage=str(source / "footage" / "{camera}" / "{camera}_{frame:04d}.jpg"),
        frames=(0, 39),
        fps=30.0,
        start=source / "start.json",
    )
    take = pack_take(request, tmp_path / "take")
    assert (take.rig.vertex_count, len(take.rig.controls), take.frame_count) == (24591, 55, 40)
    assert take.scene_times[0] == 1001.0
    assert take.start is not None
    assert take.start.controls[take.rig.control_names.index("eyeBlink_L")] == pytest.approx(0.3)
    assert {(camera.width, camera.height) for camera in take.cameras} == {(600, 800)}


@pytest.mark.parametrize("number", ["####", "%04d", "@@@@", "{frame:04d}"])
def test_patterns_that_studios_type_are_stored_in_one_form(job: Job, number: str) -> None:
    job.source["footage"] = str(job.folder / "{camera}" / f"{{camera}}_{number}.png")
    job.pack()
    record = json.loads((job.folder / "take" / "take.json").read_text(encoding="utf-8"))
    assert [Path(source["path"]).name for source in record["footage"]] == ["a_{frame:04d}.png", "b_{frame:04d}.png"]
    assert Path(read_take(job.folder / "take").footage[0].image_path(3)).is_file()


def test_without_a_range_the_frames_that_all_cameras_have_are_packed(job: Job) -> None:
    job.request["frames"] = None
    for frame in (1, 2, 6):
        job.write_image("a", frame)
    job.write_image("b", 2)
    np.testing.assert_array_equal(job.pack().frames, [2, 3, 4, 5])


def test_gaps_in_the_range_found_on_disk_are_named(job: Job) -> None:
    job.request["frames"] = None
    for frame in (10, 11, 15):
        job.write_image("a", frame)
    job.write_image("b", 15)
    sentence = job.refuse(FootageError)
    assert "camera 'a': 7 of 13 images are missing: frames 6-9,12-14 (the first is" in sentence


def test_cameras_without_a_frame_in_common_are_named(job: Job) -> None:
    job.request["frames"] = None
    for frame in range(FRAMES[0], FRAMES[1] + 1):
        (job.folder / "b" / f"b_{frame:04d}.png").unlink()
    assert "camera 'b': nothing matches" in job.refuse(FootageError)
    job.write_image("b", 20)
    assert "no frame in common ('a' has 3-5, 'b' has 20-20)" in job.refuse(FootageError)


def test_frames_that_are_not_there_are_answered_with_those_that_are(job: Job) -> None:
    job.request["frames"] = (1001, 1008)
    assert f"the footage has {FRAMES[0]}-{FRAMES[1]}; give these as --frames" in job.refuse(FootageError)


def test_a_camera_without_a_folder_is_answered_with_the_folders_there_are(job: Job) -> None:
    (job.folder / "b").rename(job.folder / "right")
    sentence = job.refuse(FootageError)
    assert "camera 'b': nothing matches" in sentence
    assert "'right'" in sentence
    assert "check the pattern, and the cameras' names in the calibration" in sentence


def test_a_rig_with_joints_and_skin_is_read_from_its_own_file(tmp_path: Path) -> None:
    write_rig(jointed.rig(), tmp_path / "rig.npz")
    found, rig = read_rig(tmp_path / "rig.npz"), jointed.rig()
    controls = np.random.default_rng(0).uniform(0, 1, (5, 3))
    assert np.array_equal(RigEvaluator(found).vertices(controls), RigEvaluator(rig).vertices(controls))
    assert [joint.name for joint in found.joints] == ["neck", "jaw", "chin"]
