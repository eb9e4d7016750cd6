"""``facesolve calibrate`` on photographs on disk: what is written, what is printed, what is refused."""

import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from rich.console import Console

from facesolve.calibrate.board import parse_board
from facesolve.calibrate.detect import detect
from facesolve.calibrate.wall import coverage_page, coverage_table
from facesolve.calibrate.watch import SMEAR
from facesolve.cli import main
from facesolve.geometry.camera_files import read_cameras
from facesolve.jobs.calibrate_images import calibrate_images
from facesolve.jobs.requests import CalibrateRequest
from facesolve.jobs.watch_session import watch_session
from facesolve.runtime.progress import Silent
from facesolve.take import Camera, TakeError
from facesolve.take.files import write_json
from tests.calibrate.boards_seen import arc_of_cameras, waved_boards
from tests.calibrate.photographs import photograph_board

BOARD = "circles:5x4:40:24"


def small_cameras() -> list[Camera]:
    """Two cameras of 320x240 pixels without distortion."""
    cameras = []
    for camera in arc_of_cameras(2, distortion=np.zeros(0)):
        intrinsics = camera.intrinsics.copy()
        intrinsics[:2] /= 5
        cameras.append(Camera(camera.name, 320, 240, intrinsics, camera.rotation, camera.translation))
    return cameras


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a folder for each camera; one image shows no board."""
    folder = tmp_path_factory.mktemp("session")
    board = parse_board(BOARD)
    for camera in small_cameras():
        (folder / camera.name).mkdir()
        for view, pose in enumerate(waved_boards(board, 5, seed=4, spread=3.0)):
            image = photograph_board(board, camera, pose, 2.4, noise=1, seed=view)
            cv2.imwrite(str(folder / camera.name / f"v{view}.png"), image)
    cv2.imwrite(str(folder / "cam0" / "v9.png"), np.full((240, 320), 128, np.uint8))
    return folder


def calibrate(folder: Path, out: Path, *more: str) -> int:
    lens = () if "--hold-intrinsics" in more else ("--lens", "none")
    board = () if "--board" in more else ("--board", BOARD)
    return main(["calibrate", str(folder), *board, *lens, "--out", str(out), "--progress", "quiet", *more])


def test_everything_is_written(photographs, tmp_path, capsys):
    earlier = {"cameras": {"cam1": {"per_view": {"v1": {}, "v77": {}, "../../mine": {}}}}}
    write_json(tmp_path / "out" / "report.json", earlier)
    views = tmp_path / "out" / "views"
    for name in ("cam1/v77.jpg", "cam1/sketch.jpg", "../mine.jpg"):
        (views / name).parent.mkdir(parents=True, exist_ok=True)
        (views / name).write_bytes(b"")
    assert calibrate(photographs, tmp_path / "out", "--origin", "v0", "--overwrite") == 0
    assert not (views / "cam1" / "v77.jpg").exists()
    for mine in (tmp_path / "out" / "mine.jpg", views / "cam1" / "sketch.jpg"):
        mine.unlink()  # they are not of a calibration, and were kept
    printed = capsys.readouterr().out
    assert "few views constrain its lens (5)" in printed
    assert "cam0 and cam1" in printed
    assert "Views left out" in printed
    assert "certain to" in printed
    cameras = read_cameras(tmp_path / "out" / "calibration.json")
    for name in ("calibration.yml", "calibration_thesis.json"):
        others = read_cameras(tmp_path / "out" / name)
        assert all(np.allclose(a.intrinsics, b.intrinsics) for a, b in zip(cameras, others, strict=True))
    world = json.loads((tmp_path / "out" / "calibration.json").read_text(encoding="utf-8"))["world"]
    assert world["up"] == "y"
    assert all(-camera.rotation[1, 1] > 0.9 for camera in cameras)  # upright, as the cameras of the photographs stood
    truth = small_cameras()
    apart = np.linalg.norm(
        cameras[0].rotation.T @ cameras[0].translation - cameras[1].rotation.T @ cameras[1].translation
    )
    true = np.linalg.norm(truth[0].rotation.T @ truth[0].translation - truth[1].rotation.T @ truth[1].translation)
    assert apart == pytest.approx(true, rel=0.01)
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["rms"] < 0.15
    assert set(report["cameras"]["cam0"]["per_view"]) == {"v0", "v1", "v2", "v3", "v4"}
    assert report["cameras"]["cam1"]["per_view"]["v2"]["points"] == 20
    pictures = sorted(
        path.relative_to(tmp_path / "out" / "views").as_posix() for path in (tmp_path / "out" / "views").rglob("*.jpg")
    )
    assert pictures == [
        *(f"cam0/v{view}.jpg" for view in (0, 1, 2, 3, 4, 9)),
        *(f"cam1/v{view}.jpg" for view in range(5)),
    ]
    assert cv2.imread(str(tmp_path / "out" / "rig.png")).std() > 5
    assert cv2.imread(str(tmp_path / "out" / "views" / "cam0" / "v1.jpg")).std() > 5


def test_lenses_given_are_held_and_json_is_printed(photographs, tmp_path, capsys):
    assert calibrate(photographs, tmp_path / "first", "--no-pictures") == 0
    assert not (tmp_path / "first" / "views").exists()
    capsys.readouterr()
    pattern = f"{photographs.as_posix()}/{{camera}}/v{{view}}.png"
    given = (
        "--intrinsics",
        str(tmp_path / "first" / "calibration.yml"),
        "--hold-intrinsics",
        "--only-cameras",
        "cam1,cam0",
    )
    assert calibrate(Path(pattern), tmp_path / "out", *given, "--no-pictures", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report["cameras"]) == ["cam1", "cam0"]
    assert report["cameras"]["cam0"]["held"] is True
    first = {c.name: c for c in read_cameras(tmp_path / "first" / "calibration.json")}
    for camera in read_cameras(tmp_path / "out" / "calibration.json"):
        np.testing.assert_allclose(camera.intrinsics, first[camera.name].intrinsics, atol=1e-9)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--lens", "wide"), "no model 'wide'; choose one of auto, none, k1"),
        (("--lens", "cam7=k1"), "names camera 'cam7', but there are cam0, cam1"),
        (("--origin", "v9"), "no camera found the board in view 'v9'"),
        (("--only-cameras", "cam0,z"), "no camera 'z'"),
        (("--intrinsics", "nowhere.yml"), "'nowhere.yml' does not exist"),
        (("--board", "circles:4x3:40"), "the board was found in none of its 6 images; check --board"),
    ],
)
def test_refusals_are_one_sentence_and_write_nothing(photographs, tmp_path, capsys, more, says):
    assert calibrate(photographs, tmp_path / "out", *more) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert len(captured.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_lenses_given_are_a_start_for_simpler_ones(photographs, tmp_path, capsys):
    camera = small_cameras()[0]
    record = {
        name: {
            "intrinsic": (camera.intrinsics * [[1.02], [1], [1]]).tolist(),
            "distortion": [0.05, 0.3, 0.01, 0.01, 2.0],
            "rotation": np.eye(3).tolist(),
            "translation": [0, 0, 0],
        }
        for name in ("cam0", "cam1")
    }
    given = ("--intrinsics", str(tmp_path / "given.json"))
    (tmp_path / "given.json").write_text(json.dumps(record), encoding="utf-8")
    assert calibrate(photographs, tmp_path / "out", *given, "--lens", "k1", "--square-pixels", "--no-pictures") == 0
    for found in json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["cameras"].values():
        assert found["lens"] == "k1"
        parameters = found["parameters"]
        assert parameters["fx"] == pytest.approx(parameters["fy"], rel=1e-12)
        assert [parameters[name] for name in ("k2", "p1", "p2", "k3")] == [0, 0, 0, 0]
    capsys.readouterr()
    assert calibrate(photographs, tmp_path / "held", *given, "--hold-intrinsics", "--lens", "k1") == 2
    assert "are kept as they are; leave --lens out" in capsys.readouterr().err
    assert not (tmp_path / "held").exists()


def test_few_boards_are_warned_of_and_an_impossible_lens_is_refused(photographs, tmp_path, capsys, monkeypatch):
    folder = tmp_path / "few" / "cam0"
    folder.mkdir(parents=True)
    for view in (0, 1):
        (folder / f"v{view}.png").write_bytes((photographs / "cam0" / f"v{view}.png").read_bytes())
    empty = (photographs / "cam0" / "v9.png").read_bytes()
    for view in range(2, 8):
        (folder / f"v{view}.png").write_bytes(empty)
    assert calibrate(tmp_path / "few", tmp_path / "out", "--no-pictures") == 0
    assert "camera 'cam0': the board was found in only 2 of its 8 images. Check --board" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))["cameras"]["cam0"]["images"] == 8

    def detect_noise(gray, board, camera, view):
        found = detect(gray, board, camera, view)
        return found and replace(found, pixels=np.random.default_rng(0).uniform(0, 240, found.pixels.shape))

    monkeypatch.setattr("facesolve.calibrate.detect.detect", detect_noise)
    assert calibrate(tmp_path / "few", tmp_path / "none", "--no-pictures") == 2
    assert "no lens explains where the board was found in 2 of its 8 images" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_an_error_that_no_calibration_can_have_is_refused(photographs, tmp_path, capsys, monkeypatch):
    def detect_bent(gray, board, camera, view):
        found = detect(gray, board, camera, view)
        shift = np.random.default_rng(int(view[-1])).normal(0, 4, (20, 2))
        return found and replace(found, pixels=found.pixels + shift)

    monkeypatch.setattr("facesolve.calibrate.detect.detect", detect_bent)
    assert calibrate(photographs, tmp_path / "out", "--only-cameras", "cam0") == 2
    assert "nearer than" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_lenses_of_another_size_or_camera_are_refused(photographs, tmp_path, capsys):
    assert calibrate(photographs, tmp_path / "first", "--no-pictures") == 0
    path = tmp_path / "first" / "calibration.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["cam0"]["width"] = 640
    path.write_text(json.dumps(record), encoding="utf-8")
    assert calibrate(photographs, tmp_path / "out", "--intrinsics", str(path)) == 2
    assert "calibrated at 640x240 pixels, its images have 320x240" in capsys.readouterr().err
    del record["cam0"]
    record["other"] = record["cam1"]
    path.write_text(json.dumps(record), encoding="utf-8")
    assert calibrate(photographs, tmp_path / "out", "--intrinsics", str(path)) == 2
    assert "has no camera 'cam0'; it has cam1, other" in capsys.readouterr().err


def test_a_session_is_watched_while_it_is_photographed(photographs, tmp_path):
    """Images come in between looks: whole ones, one half written, a smeared one, and a board that moves."""
    session, out, written, shown = tmp_path / "session", tmp_path / "out", iter(range(9)), []
    for camera in ("cam0", "cam1"):
        (session / camera).mkdir(parents=True)

    def write(camera: str, view: str, image: np.ndarray, taken: float) -> None:
        path = session / camera / f"{view}.png"
        cv2.imwrite(str(path), image)
        os.utime(path, (taken, taken))

    def wait(_: float) -> None:
        second = next(written)
        for camera in ("cam0", "cam1"):
            images = [cv2.imread(str(photographs / camera / f"v{view}.png"), 0) for view in range(5)]
            if second == 0:
                for view in range(3):
                    write(camera, f"v{view}", images[view], 100.0)  # copied together
                    write(camera, f"a{view}", np.roll(images[0], 4 * view, 1), 1000 + 0.2 * view)  # one movement
                (session / camera / "v4.png").write_bytes((photographs / camera / "v4.png").read_bytes()[:900])
            if second == 2:
                smear = camera == "cam1"
                write(camera, "v3", cv2.blur(images[3], (9, 1)) if smear else images[3], 300.0)
                write(camera, "v4", images[4], 400.0)
                write(camera, "v5", images[4][:, :300], 500.0)
        if second == 4:
            raise KeyboardInterrupt

    request = CalibrateRequest(str(session), BOARD, lens=("none",), pictures=False)
    found = watch_session(request, out, shown.append, wait=wait)
    assert found[0].views == ("v0", "v1", "v2", "v4")
    state = shown[-1]
    assert [len(each.kept) for each in shown] == [0, 6, 8]
    assert any(one.damaged for one in shown[1].looked)
    assert not any(one.damaged for one in state.looked)
    refused = {(one.image.camera, one.image.view): one.refused for one in state.looked if one.refused}
    assert refused["cam1", "v3"] == SMEAR
    assert refused["cam0", "v3"] == "the board moves in cam1"
    assert {refused[camera, f"a{view}"] for camera in ("cam0", "cam1") for view in range(3)} == {
        "the board moves in cam0"
    }
    assert refused["cam0", "v5"] == "it has 300x240 pixels, others 320x240"
    assert shown[1].calibration is not None
    page = (out / "coverage.html").read_text(encoding="utf-8")
    assert "http-equiv" not in page  # the session is over
    assert page.count("<polygon") >= 8
    assert "4 views" in page
    assert "cam1, v3: it is blurred there" in page
    assert "stroke-dasharray" in coverage_page(state)
    calibration, _, _ = calibrate_images(request, out, Silent(), found=found)
    assert set(calibration.boards) == {"v0", "v1", "v2", "v4"}
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(coverage_table(state))
    assert "cam0" in console.export_text()


def test_a_watched_session_without_a_board_is_one_sentence(tmp_path):
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(TakeError, match="no image shows the whole board standing still"):
        watch_session(CalibrateRequest(str(tmp_path), BOARD), tmp_path / "out", lambda state: None, wait=interrupt)


def test_a_measured_distance_decides_how_large_the_board_is(photographs, tmp_path, capsys):
    """The board is printed 1 % smaller than it is said to be; cameras stand as far apart as they do."""
    command = ("--board", "circles:5x4:40.4:24.24", "--no-pictures", "--json")
    cameras = small_cameras()
    true = np.linalg.norm(np.subtract(*(-c.rotation.T @ c.translation for c in cameras)))
    assert calibrate(photographs, tmp_path / "out", *command, "--distances", f"cam0,cam1={true:.4f}") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["pairs"][0]["mm"] == pytest.approx(10 * true, abs=0.01)
    (told,) = [finding for finding in report["warnings"] if finding["subject"] == "board"]
    percent, size = re.search(
        r"by the distance measured it is (.*) % (.*) than --board says", told["sentence"]
    ).groups()
    assert (float(percent), size) == (pytest.approx(1, abs=0.3), "smaller")  # so well the few views know it
    assert told["severity"] == "warning"
    unknown = "there is no camera 'x'; there are cam0, cam1"
    for given, says in (("cam0,x=50", unknown), ("cam0,cam1=50", "you measured 50")):
        assert calibrate(photographs, tmp_path / "other", *command, "--distances", given) == 2
        assert says in capsys.readouterr().err
    assert not (tmp_path / "other").exists()
