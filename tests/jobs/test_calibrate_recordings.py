"""``facesolve calibrate`` from one recording a camera: videos and ``.seq`` files, in step by their time stamps."""

import json
from pathlib import Path

import numpy as np
import pytest

from facesolve.calibrate.board import parse_board
from facesolve.calibrate.recordings import find_recordings
from facesolve.cli import main
from facesolve.take import FootageError
from tests.calibrate.boards_seen import waved_boards
from tests.calibrate.photographs import photograph_board

from .test_calibrate_images import BOARD, small_cameras

av = pytest.importorskip("av")
STILL, MOVING = 2, 1  # frames of each pose, and from one to the next


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two cameras film a board that is shown in six poses and moved in between."""
    folder = tmp_path_factory.mktemp("recorded")
    board = parse_board(BOARD)
    for camera in small_cameras():
        poses = waved_boards(board, 6, seed=4, spread=3.0)
        images = [photograph_board(board, camera, pose, 2.4) for pose in poses]
        with av.open(str(folder / f"{camera.name}.mkv"), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "gray"
            for image, following in zip(images, [*images[1:], images[-1]], strict=True):
                blurred = ((image.astype(float) + following) / 2).astype(np.uint8)
                for gray in [image] * STILL + [blurred] * MOVING:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(gray, format="gray")))
            container.mux(stream.encode(None))
    return folder


def test_board_videos_are_calibration_input(videos: Path, tmp_path: Path) -> None:
    command = ["calibrate", str(videos), "--board", BOARD, "--lens", "none", "--out", str(tmp_path / "out")]
    assert main([*command, "--progress", "quiet"]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["rms"] < 0.15
    views = report["cameras"]["cam0"]["per_view"]
    assert 5 <= len(views) <= 6
    step = STILL + MOVING
    assert {int(view) for view in views} <= {f for pose in range(6) for f in range(step * pose, step * pose + STILL)}
    assert (tmp_path / "out" / "views" / "cam0").exists()


def test_recordings_are_told_from_images(videos: Path, tmp_path: Path) -> None:
    assert [source.camera for source in find_recordings(str(videos))] == ["cam0", "cam1"]
    assert [source.camera for source in find_recordings(str(videos / "cam1.mkv"))] == ["cam1"]
    assert find_recordings(f"{videos}/{{camera}}.mkv", ("cam1", "cam0"))[0].camera == "cam1"
    assert find_recordings(str(tmp_path)) == find_recordings(f"{videos}/{{camera}}/{{view}}.png") == ()
    with pytest.raises(FootageError, match="has no camera 'z'; there are cam0, cam1"):
        find_recordings(str(videos), ("z",))
