"""The first-order solve as a job: what it writes, that other commands can use it, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.take import Take, TakeError, read_correctives, read_solution, read_take, write_take
from facesolve.take.provenance import read_provenance
from tests.baseline.filmed import filmed_scene, on_disk


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Take:
    return on_disk(filmed_scene(), tmp_path_factory.mktemp("footage"))


@pytest.fixture(scope="module")
def folder(take: Take, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("take")
    write_take(take, path)
    return path


def test_combined_with_everything(folder: Path, tmp_path: Path, take: Take) -> None:
    pytest.importorskip("av")
    out = tmp_path / "out"
    options = [
        "--mode",
        "combined",
        "--steps",
        "24",
        "--shape-count",
        "2",
        "--texture-start",
        "0.2",
        "--texture-ramp",
        "0.3",
    ]
    arguments = ["baseline", str(folder), "--out", str(out), *options, "--refine-cameras", "--progress-video"]
    assert main([*arguments, "--progress", "quiet", "--device", "cpu"]) == 0
    solution, correctives = read_solution(out), read_correctives(out)
    assert solution.provenance["method"] == "first order (Adam), combined"
    assert solution.provenance["rates"]["texture_ramp"] == 0.3
    correctives.check_belong_to(solution)
    assert correctives.names == ("corrective_1", "corrective_2")
    calibration = json.loads((out / "cameras.json").read_text())
    assert list(calibration) == [camera.name for camera in take.cameras]
    assert calibration["front"]["rotation"] != take.cameras[1].rotation.tolist()
    film = cv2.VideoCapture(str(out / "progress.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 25
    assert film.get(cv2.CAP_PROP_FRAME_WIDTH) == 2 * 160 // 2
    made = read_provenance(solution.provenance)
    assert made.record() == solution.provenance  # it says nothing that the contract does not name
    assert list(made.seconds) == ["descend"]
    assert solution.provenance["texture"]
    assert all((out / name).is_file() for name in solution.provenance["texture"])


def test_the_solution_is_one_for_other_commands(
    folder: Path, tmp_path: Path, take: Take, capsys: pytest.CaptureFixture[str]
) -> None:
    out, truth = tmp_path / "out", tmp_path / "truth.npz"
    assert (
        main(["baseline", str(folder), "--out", str(out), "--steps", "3", "--progress", "quiet", "--device", "cpu"])
        == 0
    )
    names = take.rig.control_names
    np.savez(truth, weights=np.zeros((3, len(names))), names=np.array(names), head=np.tile(np.eye(4), (3, 1, 1)))
    assert main(["evaluate", str(out), "--truth", str(truth), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["regions"]
    assert not (out / "correctives.json").exists()
    assert read_take(out / read_solution(out).provenance["take"]).frame_count == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--texture-start", "1.5"], "a start must be at least 0"),
        (["--steps", "0"], "positive and finite"),
        (["--mask", "nowhere.npy"], "nowhere.npy"),
        (["--frames", "40-50"], "none of them is in the take"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(
    arguments: list[str], sentence: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["baseline", str(folder), "--out", str(out), "--progress", "quiet", *arguments]) == 2
    printed = capsys.readouterr().err.strip()
    assert sentence in printed
    assert len(printed.splitlines()) == 1
    assert not out.exists()


def test_stale_correctives_are_noticed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["baseline", str(folder), "--out", str(out), "--mode", "free", "--steps", "3", "--device", "cpu"]
    assert main([*arguments, "--progress", "quiet"]) == 0
    solution = read_solution(out)
    with pytest.raises(TakeError, match="another solution"):
        read_correctives(out).check_belong_to(replace(solution, controls=solution.controls + 0.1))
