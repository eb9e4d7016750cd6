"""``facesolve render``: what is typed is what is rendered, and a mistake is one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import pytest

from facesolve.cli import main
from facesolve.render.texture import UDIM_COLUMNS
from facesolve.render.texture_files import FIRST_UDIM
from facesolve.review.video import baked_texture
from facesolve.take import read_solution, write_solution, write_take
from tests.review.filmed import Filmed, make


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A take, and a solution beside it that says where its take is, with its texture."""
    folder = tmp_path_factory.mktemp("solved")
    filmed = make(folder)
    write_take(filmed.take, folder / "take")
    filmed.solution.provenance["take"] = "../take"
    write_solution(filmed.solution, folder / "out")
    write_tiles(filmed, folder / "out")
    return folder


def write_tiles(filmed: Filmed, folder: Path) -> None:
    for (u, v), pyramid in filmed.texture.pyramids.items():
        image = (255 * pyramid[0][0].permute(1, 2, 0).numpy()[..., ::-1]).round()
        assert cv2.imwrite(str(folder / f"texture.{FIRST_UDIM + u + UDIM_COLUMNS * v}.png"), image)


def test_options_reach_the_video(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.{frame:03d}.png"
    command = ["render", str(folder / "out"), "--what", "heatmap", "--out", str(out), "--only-cameras", "right,left"]
    assert main([*command, "--frames", "1-2", "--beside", "--height", "90", "--levels", "30", "--no-labels"]) == 0
    said = capsys.readouterr().err
    assert "2 frames" in said
    assert "a second" not in said
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.001.png", "a.002.png"]
    picture = cv2.imread(str(tmp_path / "a.001.png"))
    assert picture.shape[0] == 90
    assert picture.shape[1] > 2 * 58 + 40  # footage and difference, and the color bar
    (tmp_path / "a.final.png").write_bytes(b"mine")
    assert main([*command, "--frames", "2", "--scale", "0.2", "--overwrite"]) == 0
    capsys.readouterr()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.002.png", "a.final.png"]
    assert main([*command[:4], "--out", str(tmp_path / "b.gif"), "--frames", "1", "--scale", "0.2"]) == 0
    assert re.search(r"b\.gif: 1 frame, \d+x\d+, \d+ a second", capsys.readouterr().err)


def test_progress_is_json_lines_when_asked_for(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["render", str(folder / "out"), "--out", str(tmp_path / "a.png"), "--frames", "0", "--progress", "jsonl"]
    assert main(command) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["stage", "progress", "done"]
    assert Path(events[-1]["path"]) == tmp_path / "a.png"


def test_mistakes_are_one_sentence(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["render", str(folder / "out"), "--out", str(tmp_path / "a.mp4")]
    for wrong, sentence in (
        (["--only-cameras", "top"], "no camera 'top'"),
        (["--frames", "0-9"], "reach beyond the solution"),
        (["--what", "pie"], "choose from"),
        (["--scale", "1", "--height", "9"], "scale and a height are both given"),
        (["--take", str(tmp_path)], "no take.json"),
    ):
        assert main([*command, *wrong]) == 2
        captured = capsys.readouterr()
        error = [line for line in captured.err.splitlines() if line.startswith("facesolve: error:")]
        assert sentence in error[0]
    assert not list(tmp_path.iterdir())


def test_a_texture_that_is_named_but_gone_is_one_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    solution = read_solution(folder / "out")
    assert baked_texture(folder / "out", solution) is not None
    write_solution(solution, tmp_path / "out")
    command = ["render", str(tmp_path / "out"), "--take", str(folder / "take"), "--what", "textured"]
    assert main([*command, "--out", str(tmp_path / "a.png")]) == 2
    assert "texture: no file matches" in capsys.readouterr().err
