"""The check before a solve, and the report of the codecs."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from facesolve.footage import check_footage, describe_codecs
from facesolve.take import Footage
from facesolve.take.finding import Show

from .specimens import camera, picture, take, write_image, write_sequence, write_video


def test_good_footage_has_no_findings(tmp_path: Path) -> None:
    names = ("left", "right")
    footage = [write_sequence(tmp_path, "left"), write_sequence(tmp_path, "right", suffix=".jpg")]
    assert check_footage(take(footage, [camera(name) for name in names])) == []


@pytest.mark.parametrize(("policy", "severity"), [("stop", "error"), ("unseen", "warning")])
def test_bad_frames_are_found_by_camera_and_frame(tmp_path: Path, policy: str, severity: str) -> None:
    footage = write_sequence(tmp_path, suffix=".jpg")
    (tmp_path / "left_0001.jpg").unlink()
    cut = tmp_path / "left_0003.jpg"
    cut.write_bytes(cut.read_bytes()[:-100])
    write_image(tmp_path / "left_0004.jpg", picture(4, 40, 30))
    findings = check_footage(take([footage], [camera()], policy=policy))
    assert [(f.severity, f.subject) for f in findings] == [
        (severity, f"camera 'left', frame {n}") for n in (1002, 1004, 1005)
    ]
    assert [f.action for f in findings] == [Show((n,)) for n in (1002, 1004, 1005)]
    for finding, text in zip(findings, ("does not exist", "is truncated", "is 40x30 pixels"), strict=True):
        assert text in finding.sentence


def test_every_skips_contents_but_never_existence(tmp_path: Path) -> None:
    footage = write_sequence(tmp_path, count=8)
    (tmp_path / "left_0001.png").unlink()
    for number in (2, 4, 7):
        path = tmp_path / f"left_{number:04d}.png"
        path.write_bytes(path.read_bytes()[:-5])
    findings = check_footage(take([footage], [camera()], frames=8), every=4)
    assert [finding.action for finding in findings] == [Show((n,)) for n in (1002, 1005, 1008)]


def test_a_wrong_path_is_one_finding(tmp_path: Path) -> None:
    footage = Footage("left", (tmp_path / "nowhere" / "{frame}.png").as_posix())
    (finding,) = check_footage(take([footage], [camera()], policy="unseen"))
    assert (finding.severity, finding.action) == ("error", None)
    assert "none of the 6 images exists" in finding.sentence
    assert "nowhere/1001.png" in finding.sentence


def test_mattes_are_checked_and_a_still_one_only_once(tmp_path: Path) -> None:
    footage = replace(write_sequence(tmp_path), matte=(tmp_path / "matte_{frame:04d}.png").as_posix())
    for number in (0, 1, 2, 4, 5):
        write_image(tmp_path / f"matte_{number:04d}.png", picture(0)[..., 0])
    (finding,) = check_footage(take([footage], [camera()]))
    assert finding.action == Show((1004,))
    assert "matte_0003.png' does not exist" in finding.sentence
    write_image(tmp_path / "still.png", picture(0, 20, 20)[..., 0])
    (finding,) = check_footage(take([replace(footage, matte=(tmp_path / "still.png").as_posix())], [camera()]))
    assert "still.png' is 20x20 pixels" in finding.sentence


def test_two_cameras_with_the_same_files(tmp_path: Path) -> None:
    footage = write_sequence(tmp_path)
    (finding,) = check_footage(take([footage, replace(footage, camera="right")], [camera(), camera("right")]))
    assert (finding.severity, finding.subject) == ("warning", "camera 'right'")
    assert "is also the footage of camera 'left'" in finding.sentence


def test_videos(tmp_path: Path) -> None:
    footage = write_video(tmp_path / "take.mp4")
    assert check_footage(take([footage], [camera()], frames=30)) == []
    findings = check_footage(take([footage], [camera(width=64)], frames=33, fps=30))
    assert [(f.severity, f.action) for f in findings] == [("error", None), ("error", Show((1031,))), ("warning", None)]
    assert "is 48x32 pixels, but the camera is calibrated at 64x32" in findings[0].sentence
    assert "3 frames of the take from 1031 on" in findings[1].sentence
    assert "runs at 24 frames a second, the take at 30" in findings[2].sentence
    (finding,) = check_footage(take([replace(footage, path="absent.mp4")], [camera()]))
    assert "'absent.mp4' does not exist" in finding.sentence


def test_codecs(monkeypatch: pytest.MonkeyPatch) -> None:
    opencv = describe_codecs()["OpenCV"]
    assert opencv.version
    assert opencv.reads == ("JPEG", "PNG", "TIFF")
    for name, module, extra in (("OpenImageIO", "OpenImageIO", "exr"), ("PyAV", "av", "video")):
        pytest.importorskip(module)
        there = describe_codecs()[name]
        assert there.version
        assert there.reads
        assert not there.install
        monkeypatch.setitem(sys.modules, module, None)
        absent = describe_codecs()[name]
        assert (absent.version, absent.reads) == (None, ())
        assert absent.install == f'pip install "facesolve[{extra}]"'


def test_missing_images_are_one_finding_that_names_them_as_ranges(tmp_path: Path) -> None:
    footage = write_sequence(tmp_path)
    for number in (1, 2, 3, 5):
        (tmp_path / f"left_{number:04d}.png").unlink()
    (finding,) = check_footage(take([footage], [camera()]))
    assert finding.sentence.startswith("4 of 6 images do not exist: frames 1002-1004,1006; the first is '")
    assert (finding.subject, finding.action) == ("camera 'left'", Show((1002, 1003, 1004, 1006)))
