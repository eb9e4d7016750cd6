"""Inputs of public bug reports, each through the command line: it ends as its report says it should have.

The files lie outside of the repository (``review/public_cases`` beside the development data); see CONTRIBUTING.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.footage.decode import read_pixels
from facesolve.footage.video import VideoFile
from facesolve.geometry.face_weight import photometric_weight
from facesolve.take import Footage, read_take

pytest.importorskip("av", reason='needs PyAV: pip install "facesolve[video]"')
SKIN = (0.75, 0.55, 0.45)
UNITS = {  # of the files of case 12 that name none
    "anipose_calibration.toml": "mm",
    "colmap": "cm",
    "mccalib_calibrated_cameras_data.yml": "cm",
    "metashape.xml": "cm",
    "multical_calibration.json": "m",
    "transforms.json": "cm",
    "realitycapture.csv": "m",
}
BEAUTY = ((0.15, 0.10, 0.075), (0.30, 0.20, 0.15))  # left and right half


class Ran:
    """The command line in a folder of its own. ``case``: the inputs."""

    def __init__(self, case: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.case, self.folder, self.common, self._capsys = case, folder, case.parent / "common", capsys

    def __call__(self, *words: object, code: int = 0) -> str:
        """What the command printed, its white space as single blanks."""
        self._capsys.readouterr()
        found = main([str(word) for word in words])
        printed = " ".join(" ".join(self._capsys.readouterr()).split())
        assert found == code, printed
        return printed

    def pack(self, *more: object, code: int = 0, **files: object) -> str:
        """Packs with the shared rig, cameras and case 06's videos unless others are named."""
        inputs = {
            "rig": self.common / "rig.npz",
            "cameras": self.common / "cameras_160x96.json",
            "footage": self.case.parent / "06" / "{camera}.mp4",
            "out": self.folder / "take",
            **files,
        }
        return self(
            "pack", *(word for name, value in inputs.items() for word in (f"--{name}", value)), *more, code=code
        )

    def one_camera(self, size: tuple[int, int] = (160, 96)) -> Path:
        """A calibration of one of the shared cameras alone, for images of ``size``."""
        camera = json.loads((self.common / "cameras_160x96.json").read_text(encoding="utf-8"))["camA"]
        matrix = [[300, 0, size[0] / 2], [0, 300, size[1] / 2], [0, 0, 1]]
        path = self.folder / "one.json"
        one = {**camera, "intrinsic": matrix, "width": size[0], "height": size[1]}
        path.write_text(json.dumps({"camA": one}), encoding="utf-8")
        return path


def number_shown(image: np.ndarray) -> int:
    """The number that blocks at the top of an image spell, bit by bit."""
    columns = range(8, image.shape[1] - 8, 18)
    return sum(1 << bit for bit, x in enumerate(columns) if image[12:36, x + 2 : x + 8].mean() > image.max() / 2)


def calibrated(run: Ran, images: str, board: str) -> dict:
    out = run.folder / "found"
    run("calibrate", images, "--board", board, "--lens", "none", "--no-pictures", "--out", out, "--progress", "quiet")
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def case_01(run: Ran) -> None:
    for view in range(1, 9):
        shutil.copy(run.case / "board_4x7.jpg", run.folder / f"v{view}.jpg")
    cv2.setRNGSeed(3)  # found nothing once
    (camera,) = calibrated(run, f"{run.folder}/{{view}}.jpg", "chessboard:4x7:60")["cameras"].values()
    assert [view["points"] for view in camera["per_view"].values()] == [28] * 8
    assert np.ptp([view["rms"] for view in camera["per_view"].values()]) < 1e-6  # whichever thread looked at it


def case_02(run: Ran) -> None:
    report = calibrated(run, f"{run.case}/{{view}}.png", "acircles:4x10:20")
    (camera,) = report["cameras"].values()
    assert camera["parameters"]["fx"] == pytest.approx(384, abs=1)
    assert report["rms"] < 0.1


def case_03(run: Ran) -> None:
    (camera,) = calibrated(run, f"{run.case}/{{view}}.png", "charuco:4x5:54:40.5:4X4_50")["cameras"].values()
    assert [view["points"] for view in camera["per_view"].values()] == [12] * 4


def case_04(run: Ran) -> None:
    run.pack(cameras=run.one_camera(), footage=run.case / "{camera}.avi")
    take = read_take(run.folder / "take")
    assert (take.fps, len(take.frames)) == (30, 40)
    assert _numbers(take.footage[0], range(40)) == list(range(40))


def case_05(run: Ran) -> None:
    for width in (160, 161):
        file = VideoFile(run.case / f"skin_{width}x96_yuv420p10.mkv")
        colors = file.read(0).reshape(-1, 3)
        file.close()
        level = np.iinfo(colors.dtype).max if colors.dtype.kind == "u" else 1.0
        np.testing.assert_allclose(colors.mean(0) / level, SKIN, atol=0.01)


def case_06(run: Ran) -> None:
    assert "camera 'camB' has no image of 1 frames (100), by its time stamps" in run.pack(code=2)
    run.pack("--on-bad-frame", "unseen")
    take = read_take(run.folder / "take")
    assert _numbers(take.footage[0], [99, 150]) == [99, 150]
    assert [take.footage[1].image_number(frame) for frame in (99, 100, 150)] == [99, None, 149]
    assert _numbers(take.footage[1], [99, 150]) == [99, 150]
    assert "camera 'camB', frame 100" in run("inspect", run.folder / "take")


def _numbers(source: Footage, frames: range | list[int]) -> list[int]:
    file = VideoFile(Path(source.path))
    numbers = [number_shown(file.read(source.image_number(frame))) for frame in frames]
    file.close()
    return numbers


def case_07(run: Ran) -> None:
    for path in sorted(run.case.glob("*.exr")):
        shutil.copy(path, run.folder / "camA_0001.exr")
        for out in ("take", "straight"):
            shutil.rmtree(run.folder / out, ignore_errors=True)
        footage, cameras = run.folder / "{camera}_####.exr", run.one_camera((40, 24))
        run.pack("--frames", "1-1", "--fps", 24, footage=footage, cameras=cameras)
        image = read_pixels(run.folder / "camA_0001.exr")
        for half, color in zip(np.split(image, 2, axis=1), BEAUTY, strict=True):
            np.testing.assert_allclose(half.reshape(-1, 3).mean(0), color, atol=2e-3)


def case_09(run: Ran) -> None:
    for path in sorted(run.case.glob("*.tif")):
        first, second = read_pixels(path), read_pixels(path)
        np.testing.assert_array_equal(first, second)
        np.testing.assert_allclose(first.reshape(-1, 3).mean(0) / 65535, 0.5, atol=1e-3)


def case_11(run: Ran) -> None:
    run("convert-cameras", run.case / "opencv_sample_fisheye.yml", "--out", run.folder / "lens.json")
    record = json.loads((run.folder / "lens.json").read_text(encoding="utf-8"))
    assert record["opencv_sample_fisheye"]["lens"] == "fisheye"


def case_12(run: Ran) -> None:
    truth = json.loads((run.case / "truth.json").read_text(encoding="utf-8"))
    apart = _apart(
        *([np.array(truth[name][key]) for key in ("rotation", "translation_cm")] for name in ("camA", "camB"))
    )
    for path in sorted(run.case.iterdir()):
        if path.name in ("README.md", "truth.json"):
            continue
        out = run.folder / f"{path.stem}.json"
        more = ("--unit", UNITS[path.name]) if path.name in UNITS else ()
        size = ("--image-size", "1280x720") if path.stem in ("nersemble_camera_params", "realitycapture") else ()
        run("convert-cameras", path, "--out", out, *more, *size)
        record = json.loads(out.read_text(encoding="utf-8"))
        found = [c for c in record.values() if isinstance(c, dict) and "intrinsic" in c]
        focal = np.array(found[0]["intrinsic"])
        assert focal[0, 0] == pytest.approx(1000, rel=2e-3), path
        if len(found) == 2:
            places = [(np.array(c["rotation"]), np.array(c["translation"])) for c in found]
            assert _apart(*places) == pytest.approx(apart, rel=1e-3), path


def _apart(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> float:
    """Distance between the centers of two cameras."""
    first, second = (-np.asarray(R).T @ np.asarray(t).ravel() for R, t in (one, other))
    return float(np.linalg.norm(first - second))


def case_15(run: Ran) -> None:
    for name, says in {
        "transposed_K": "camera 'camA': its intrinsic matrix is transposed",
        "met*s": "The lengths seem to be in m.",
        "opengl_axes": "would if their axes were OpenGL's",
        "cam_to_world": "if the transforms went from the camera to the world",
    }.items():
        (path,) = run.case.glob(f"{name}.json")
        assert says in run.pack(cameras=path, code=2)
    said = run.pack("--on-bad-frame", "unseen", cameras=run.case / "mm.json")
    assert "The lengths seem to be in mm." in said
    assert "The lengths seem to be in mm." in run("inspect", run.folder / "take")


def case_16(run: Ran) -> None:
    stereo = run.case / "stereo_mm.yml"
    assert "does not name the unit of its lengths" in run.pack(cameras=stereo, code=2)
    run("convert-cameras", stereo, "--unit", "mm", "--out", run.folder / "stereo.json")
    record = json.loads((run.folder / "stereo.json").read_text(encoding="utf-8"))
    places = [(np.array(record[name]["rotation"]), np.array(record[name]["translation"])) for name in ("left", "right")]
    assert _apart(*places) == pytest.approx(40)


def case_17(run: Ran) -> None:
    weights = []
    for name in ("welded", "split_at_seams"):
        run.pack("--on-bad-frame", "unseen", "--overwrite", rig=run.case / f"rig_{name}.npz")
        rig = read_take(run.folder / "take").rig
        weights.append(photometric_weight(rig)[rig.neutral[:, 2] > 4])
    assert min(weights[0].min(), weights[1].min()) == pytest.approx(1)


def case_21(run: Ran) -> None:
    for name, curve in (("hlg", "HLG"), ("pq", "PQ")):
        shutil.copy(run.case / f"{name}_bt2020.mp4", run.folder / "camA.mp4")
        run.pack("--overwrite", cameras=run.one_camera((128, 64)), footage=run.folder / "{camera}.mp4")
        assert curve in run("inspect", run.folder / "take")


def case_27(run: Ran) -> None:
    (camera,) = calibrated(run, str(run.case / "board.bmp"), "charuco:4x5:54:40.5:4X4_50")["cameras"].values()
    assert camera["per_view"]["board"]["points"] == 12


CASES: dict[str, Callable[[Ran], None]] = {
    name.removeprefix("case_"): case for name, case in list(globals().items()) if name.startswith("case_")
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_an_input_of_a_public_report_ends_as_it_should(name, facesolve_data, tmp_path, capsys):
    case = facesolve_data.parent / "review" / "public_cases" / name
    if not case.is_dir():
        pytest.skip(f"inputs of public reports not found at '{case}'")
    CASES[name](Ran(case, tmp_path, capsys))


def test_no_input_is_left_out(facesolve_data):
    folder = facesolve_data.parent / "review" / "public_cases"
    if not folder.is_dir():
        pytest.skip(f"inputs of public reports not found at '{folder}'")
    assert {path.name for path in folder.iterdir() if path.is_dir()} - {"common"} == set(CASES)
