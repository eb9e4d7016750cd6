"""Norpix recordings as the footage of a take: reading by take frame, read ahead, and the check before a solve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.footage import Prefetcher, check_footage, open_footage, srgb_to_linear
from facesolve.take import Footage, FootageError
from tests.footage.specimens import HEIGHT, WIDTH, camera, take, write_image

from .seq_files import Kind, pictures, spoil_image, stamps, stored_pixels, write_seq

BGR = Kind(5, "bgr", 8)
JPEG = Kind(5, "bgr", 8, ".jpg", index=24)


def recording(folder: Path, kind: Kind = BGR, name: str = "left", count: int = 6) -> Footage:
    """Take frames start at 1001; 24 images a second."""
    times = stamps(count, step=41_667)
    return Footage(name, write_seq(folder / f"{name}.seq", kind, pictures(count), times).as_posix(), offset=-1001)


def test_pixels_are_linear_and_numbered_by_offset(tmp_path: Path) -> None:
    images = pictures(6)
    image = open_footage(recording(tmp_path), camera()).read(1004)
    np.testing.assert_allclose(image.pixels, srgb_to_linear((images[3] >> 8) / 255), atol=1e-6)
    assert image.valid.all()
    deep = replace(recording(tmp_path, Kind(5, "mono", 12)), color_space="linear")
    gray = open_footage(deep, camera()).read(1006).pixels
    expected = stored_pixels(images[5], Kind(5, "mono", 12)) / 4095
    np.testing.assert_allclose(gray, np.dstack([expected] * 3), atol=2e-5)  # full scale is exact at both ends


def test_matched_images_and_frames_without_one(tmp_path: Path) -> None:
    images = pictures(6)
    matte = (tmp_path / "matte_{frame}.png").as_posix()
    footage = replace(recording(tmp_path), images=((1001, 1002, 1), (1004, 1005, 4)), matte=matte)
    for number in (1, 2, 4, 5):
        write_image(tmp_path / f"matte_{number}.png", np.full((HEIGHT, WIDTH), 40 * number, np.uint8))
    reader = open_footage(footage, camera())
    for frame, number in ((1001, 1), (1002, 2), (1004, 4), (1005, 5)):
        image = reader.read(frame)
        np.testing.assert_allclose(image.pixels, srgb_to_linear((images[number] >> 8) / 255), atol=1e-6)
        assert image.matte is not None
        np.testing.assert_allclose(image.matte, 40 * number / 255, atol=1e-6)
    with pytest.raises(FootageError, match=r"^camera 'left', frame 1003: '.*left.seq' has no image of this frame"):
        reader.read(1003)
    reader.close()


def test_errors_name_camera_frame_and_file(tmp_path: Path) -> None:
    footage = recording(tmp_path, JPEG)
    spoil_image(Path(footage.path), 1)
    reader = open_footage(footage, camera())
    with pytest.raises(FootageError, match=r"^camera 'left', frame 1002: '.*left.seq' holds an image, number 1, that "):
        reader.read(1002)
    with pytest.raises(FootageError, match=r"frame 1007: .* has 6 images, 0 to 5, but image 6 is needed"):
        reader.read(1007)
    with pytest.raises(FootageError, match=r"frame 1001: .* is 48x32 pixels, but the camera is calibrated at 64x32"):
        open_footage(footage, camera(width=64)).read(1001)
    with pytest.raises(FootageError, match=r"^camera 'left': 'none.seq' does not exist"):
        open_footage(replace(footage, path="none.seq"), camera())


def test_bayer_recordings(tmp_path: Path) -> None:
    footage = recording(tmp_path, Kind(5, "bayer", 8, bayer="GBRG"))
    with pytest.raises(FootageError, match="'--bayer RGGB'"):
        open_footage(footage, camera())
    read = open_footage(replace(footage, bayer="GBRG", color_space="linear"), camera()).read(1001).pixels
    assert np.abs(read - pictures(1)[0] / 65535)[2:-2, 2:-2].mean() < 0.03


@pytest.mark.parametrize("kind", [BGR, JPEG])
def test_frames_are_read_ahead_by_several_threads(tmp_path: Path, kind: Kind) -> None:
    footage = replace(recording(tmp_path, kind, count=40), images=((1001, 1020, 0), (1022, 1040, 21)))
    reader = open_footage(footage, camera())
    order = [1040, *range(1001, 1040)]
    with Prefetcher([reader, reader], order, depth=4, on_bad_frame="unseen") as prefetcher:
        for frame, found in prefetcher:
            for image in found:
                if frame == 1021:
                    assert image is None
                else:
                    assert image is not None
                    expected = srgb_to_linear((pictures(40)[frame - 1001] >> 8) / 255)
                    assert np.abs(image.pixels - expected).mean() < 0.02
        assert [item.frame for item in prefetcher.unseen] == [1021, 1021]


def test_good_recordings_have_no_findings(tmp_path: Path) -> None:
    footage = [recording(tmp_path, BGR), recording(tmp_path, JPEG, "right")]
    assert check_footage(take(footage, [camera(), camera("right")])) == []


@pytest.mark.parametrize(("policy", "severity"), [("stop", "error"), ("unseen", "warning")])
def test_what_is_wrong_with_a_recording_is_found(tmp_path: Path, policy: str, severity: str) -> None:
    footage = recording(tmp_path, JPEG, count=8)
    path = Path(footage.path)
    spoil_image(path, 2)
    path.write_bytes(path.read_bytes()[:-200])
    path.with_name("left.seq.idx").unlink()
    footage = replace(footage, images=((1001, 1003, 0), (1005, 1009, 4)))
    findings = check_footage(take([footage], [camera()], frames=9, policy=policy, fps=30))
    told = [(f.severity, f.action and f.action.frames) for f in findings]
    assert told == [
        (severity, (1004,)),
        (severity, (1008,)),
        ("warning", None),
        (severity, (1003,)),
        ("warning", None),
    ]
    for finding, text in zip(
        findings,
        (
            "has no image of this frame",
            "has 7 images, 0 to 6, but 2 frames of the take from 1008 on need others (0 to 8)",
            "is damaged or truncated after image 6",
            "holds an image, number 2, that is truncated or damaged",
            "runs at 23.9998 frames a second",
        ),
        strict=True,
    ):
        assert text in finding.sentence
    (missing,) = check_footage(take([replace(footage, path="none.seq")], [camera()], policy=policy))
    assert (missing.severity, missing.action) == ("error", None)
    (small,) = check_footage(take([recording(tmp_path, BGR, "b")], [camera("b", width=64)], policy=policy))
    assert (small.severity, small.sentence.split("' ")[1][:15]) == ("error", "is 48x32 pixels")
