"""Footage: frame numbers, where files are looked for, what is missing."""

import struct

import cv2
import numpy as np
import pytest
from maya import cmds

from facesolve_maya.export import ExportError
from facesolve_maya.export.cameras import camera_shape
from facesolve_maya.export.footage import (
    CameraFootage,
    checked,
    coding_of,
    footage_by_hand,
    footage_of_plane,
    image_plane,
    image_size,
    pattern_of,
    resolve,
)
from facesolve_maya.scene.findings import Report
from tests.facesolve_maya.ma_scene import open_scene


def write_images(folder, numbers, stem="plate_", size=(20, 10)):
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"{stem}{number:04d}.png"), np.zeros((size[1], size[0], 3), np.uint8))


def make_plane(name, frame_offset=0, formula="frame"):
    transform = cmds.createNode("transform", name="cam")
    shape = cmds.createNode("camera", name="camShape", parent=transform)
    plane = cmds.createNode("imagePlane", name="plate", parent=cmds.createNode("transform", name="p", parent=shape))
    cmds.connectAttr(plane + ".message", shape + ".imagePlane[0]")
    cmds.setAttr(plane + ".imageName", name, type="string")
    cmds.expression(string=f"plate.frameExtension={formula}")
    cmds.setAttr(plane + ".useFrameExtension", True)
    cmds.setAttr(plane + ".frameOffset", frame_offset)
    cmds.setAttr(plane + ".coverage", 20, 10)
    return shape, plane


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("footage/cam0/cam0_0000.jpg", "footage/cam0/cam0_{frame:04d}.jpg"),
        ("e:\\tuto\\stA.0000.jpg", "e:/tuto/stA.{frame:04d}.jpg"),
        ("shot2/take01.7.exr", "shot2/take01.{frame}.exr"),
        ("a.00012.tiff", "a.{frame:05d}.tiff"),
    ],
)
def test_pattern_takes_the_last_number(name, pattern):
    assert pattern_of(name, "plate") == pattern


def test_an_image_without_number_is_refused():
    with pytest.raises(ExportError, match=r"plate: the image 'plate\.jpg' has no frame number"):
        pattern_of("plate.jpg", "plate")


SAVED_BY_MAYA_2026 = """
requires maya "2026";
currentUnit -l centimeter -a degree -t pal;
createNode transform -n "cam";
createNode camera -n "camShape" -p "cam";
createNode transform -n "imagePlane1" -p "camShape";
createNode imagePlane -n "imagePlaneShape1" -p "imagePlane1";
\tsetAttr ".fo" 100;
\tsetAttr ".imn" -type "string" "plate.0001.png";
\tsetAttr ".ufe" yes;
\tsetAttr ".cov" -type "short2" 20 10 ;
createNode timeToUnitConversion -n "timeToUnitConversion1";
\tsetAttr ".cf" 0.0041666666666666666;
connectAttr "imagePlaneShape1.msg" "camShape.ip" -na;
connectAttr ":time1.o" "timeToUnitConversion1.i";
connectAttr "timeToUnitConversion1.o" "imagePlaneShape1.fe";
"""


def test_a_plane_as_maya_saves_it_is_read(maya, tmp_path):
    open_scene(SAVED_BY_MAYA_2026, tmp_path)
    plane = image_plane(camera_shape("cam"), Report())
    found = footage_of_plane("cam", plane, (1.0, 30.0), (), Report())
    assert list(found.numbers) == [101, 130]
    assert (found.width, found.height) == (20, 10)


def test_a_size_that_maya_has_not_read_is_not_known(maya, tmp_path):
    write_images(tmp_path, [1])
    shape, plane = make_plane(str(tmp_path / "plate_0001.png"))
    cmds.setAttr(plane + ".coverage", -1, -1)
    report = Report()
    found = checked(footage_of_plane("cam", image_plane(shape, report), (1.0,), (), report), "stop", report)
    assert (found.width, found.height, report.findings) == (20, 10, ())


@pytest.mark.parametrize(
    ("space", "coding"),
    [
        ("sRGB", "srgb"),
        ("", "srgb"),
        ("Utility - sRGB - Texture", "srgb"),
        ("sRGB Encoded Rec.709 (sRGB)", "srgb"),
        ("gamma 2.2 Rec 709", "srgb"),
        ("Raw", "linear"),
        ("Utility - Raw", "linear"),
        ("scene-linear Rec 709/sRGB", "linear"),
        ("scene-linear Rec.709-sRGB", "linear"),
        ("Utility - Linear - sRGB", "linear"),
        ("Linear Rec.709 (sRGB)", "linear"),
        ("lin_rec709", "linear"),
    ],
)
def test_color_spaces_are_known_by_the_names_that_maya_gives_them(maya, space, coding):
    report = Report()
    assert coding_of(space, "plate", report) == coding
    assert not report.findings


@pytest.mark.parametrize(
    "space", ["ACEScg", "scene-linear Rec 2020", "ARRI LogC", "camera Rec 709", "my studio's plate"]
)
def test_another_color_space_keeps_its_name_and_says_what_the_solver_needs(maya, tmp_path, space):
    write_images(tmp_path, range(1, 4))
    shape, plane = make_plane(str(tmp_path / "plate_0001.png"))
    cmds.setAttr(plane + ".colorSpace", space, type="string")
    report = Report()
    found = footage_of_plane("cam", image_plane(shape, report), (1.0, 2.0, 3.0), (), report)
    assert found.color_space == space
    (told,) = report.findings
    assert f"its color space '{space}' is neither sRGB nor linear" in str(told)
    assert "OCIO" in told.remedy


def test_frame_extension_is_evaluated_and_offset_added(maya):
    shape, plane = make_plane("x.0000.png", frame_offset=-1000)
    report = Report()
    found = footage_of_plane("cam", image_plane(shape, report), (1001.0, 1003.0), (), report)
    assert list(found.numbers) == [1, 3]
    cmds.setAttr(plane + ".useFrameExtension", False)
    with pytest.raises(ExportError, match="plate: it shows one still image"):
        footage_of_plane("cam", plane, (1001.0,), (), report)


def test_files_are_found_in_project_scene_folder_environment_and_given_folders(maya, tmp_path, monkeypatch):
    write_images(tmp_path / "project" / "footage", [3])
    write_images(tmp_path / "project" / "sourceimages", [3], "source_")
    write_images(tmp_path / "elsewhere" / "deep", [3], "moved_")
    cmds.workspace(str(tmp_path / "project"), openWorkspace=True)
    cmds.workspace(fileRule=("sourceImages", "sourceimages"))
    monkeypatch.setenv("PLATES", str(tmp_path / "project" / "footage"))
    assert resolve("footage/plate_{frame:04d}.png", 3, ())[0].endswith("project/footage/plate_{frame:04d}.png")
    assert resolve("source_{frame:04d}.png", 3, ())[0].endswith("project/sourceimages/source_{frame:04d}.png")
    assert resolve("$PLATES/plate_{frame:04d}.png", 3, ())[0].endswith("project/footage/plate_{frame:04d}.png")
    given = (str(tmp_path / "elsewhere"),)
    found, _ = resolve("e:/farm/deep/moved_{frame:04d}.png", 3, given)
    assert found == (tmp_path / "elsewhere" / "deep" / "moved_{frame:04d}.png").as_posix()


def test_nothing_found_names_the_places(maya, tmp_path):
    cmds.workspace(str(tmp_path), openWorkspace=True)
    _, plane = make_plane("gone/x.0000.png")
    report = Report()
    found = footage_of_plane("cam", plane, (1.0, 2.0), (str(tmp_path / "more"),), report)
    checked(found, "stop", report)
    (finding,) = report.findings
    assert finding.subject == "cam"
    assert "none of its 2 images is here" in finding.sentence
    assert "more/gone/x." in finding.sentence


def test_some_missing_files_stop_unless_told_otherwise(tmp_path, maya):
    write_images(tmp_path, [1, 3])
    found = CameraFootage("cam", (tmp_path / "plate_{frame:04d}.png").as_posix(), np.array([1, 2, 3]), 20, 10)
    for policy, severity in (("stop", "error"), ("unseen", "warning")):
        report = Report()
        assert checked(found, policy, report).width == 20
        assert [f.severity for f in report.findings] == [severity]
        assert "plate_0002.png" in report.findings[0].sentence


def test_the_files_size_counts_and_a_wrong_coverage_is_reported(tmp_path, maya):
    write_images(tmp_path, [1])
    found = CameraFootage("cam", (tmp_path / "plate_{frame:04d}.png").as_posix(), np.array([1]), 40, 10)
    report = Report()
    result = checked(found, "stop", report)
    assert (result.width, result.height) == (20, 10)
    assert report.findings[0].severity == "warning"


def test_by_hand_pattern_first_image_and_video(tmp_path, maya):
    write_images(tmp_path, [7, 8])
    times = (101.0, 102.0)
    pattern = (tmp_path / "plate_{frame:04d}.png").as_posix()
    assert list(footage_by_hand("cam", pattern, times, ()).numbers) == [101, 102]
    first = footage_by_hand("cam", str(tmp_path / "plate_0007.png"), times, ())
    assert (first.pattern, list(first.numbers)) == (pattern, [7, 8])
    video = footage_by_hand("cam", str(tmp_path / "take.mov"), times, ())
    assert list(video.numbers) == [0, 1]


def test_a_videos_size_is_the_render_resolution_with_a_warning(tmp_path, maya):
    (tmp_path / "take01.mov").write_bytes(b"")
    report = Report()
    found = checked(footage_by_hand("cam", str(tmp_path / "take01.mov"), (101.0,), ()), "stop", report)
    assert (found.width, found.height) == (640, 480)
    assert found.pattern.endswith("take01.mov")
    assert [f.severity for f in report.findings] == ["warning"]
    _, plane = make_plane(str(tmp_path / "take01.mov").replace("\\", "/"))
    assert list(footage_of_plane("cam", plane, (1.0, 2.0), (), report).numbers) == [0, 1]


def exr_header(left, top, right, bottom):
    """The beginning of an OpenEXR file with one channel and this data window."""

    def attribute(name, kind, value):
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value

    window = struct.pack("<4i", left, top, right, bottom)
    channels = b"R\0" + struct.pack("<iiii", 2, 0, 1, 1) + b"\0"
    parts = [attribute(b"channels", b"chlist", channels), attribute(b"compression", b"compression", b"\0")]
    return b"\x76\x2f\x31\x01" + struct.pack("<i", 2) + b"".join(parts) + attribute(b"dataWindow", b"box2i", window)


def test_the_size_of_a_float_plate_is_read_from_its_header(maya, tmp_path):
    """Maya's image class reads bytes; an EXR chosen by hand had no size, though the file was there."""
    for number in (1, 2):
        (tmp_path / f"plate.{number:04d}.exr").write_bytes(exr_header(-2, 0, 1917, 1079))
    found = footage_by_hand("cam", str(tmp_path / "plate.0001.exr"), (1.0, 2.0), ())
    found = checked(found, "stop", Report())
    assert (found.width, found.height) == (1920, 1080)


@pytest.mark.parametrize("content", [b"", b"no EXR at all", exr_header(0, 0, 9, 9)[:40]])
def test_a_file_that_holds_no_header_has_no_size(maya, tmp_path, content):
    (tmp_path / "plate.0001.exr").write_bytes(content)
    assert image_size(str(tmp_path / "plate.0001.exr")) == (0, 0)
