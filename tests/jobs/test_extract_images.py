"""Images of a recording as files: what is in them, their table, and no half file after whatever goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.jobs import extract_images as extract
from facesolve.jobs.requests import ExtractRequest
from facesolve.take import FootageError
from facesolve.take.files import write_atomic
from tests.footage.norpix.seq_files import Kind, pictures, spoil_image, stored_pixels, write_seq

COUNT = 5
Captured = pytest.CaptureFixture[str]


def read(path: Path) -> np.ndarray:
    """Pixels as stored, RGB."""
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    return pixels if pixels.ndim == 2 else pixels[..., ::-1]


def run(path: Path, out: Path, *options: str) -> int:
    return main(["extract", str(path), "--out", str(out), "--progress", "quiet", *options])


@pytest.mark.parametrize("form", ["tif", "png"])
@pytest.mark.parametrize("kind", [Kind(5, "mono", 8), Kind(5, "bgr", 8), Kind(4, "mono", 12), Kind(5, "rgb", 16)])
def test_no_bit_is_lost(tmp_path: Path, form: str, kind: Kind) -> None:
    images = pictures(COUNT)
    assert run(write_seq(tmp_path / "shot.seq", kind, images), tmp_path / "out", "--format", form) == 0
    for number, image in enumerate(images):
        written = read(tmp_path / "out" / f"shot_{number:06d}.{form}")
        assert written.dtype == (np.uint8 if kind.bits == 8 else np.uint16)
        stored = stored_pixels(image, kind)
        expected = stored[..., ::-1] if kind.color == "bgr" else stored
        np.testing.assert_array_equal(written >> (8 * written.itemsize - kind.bits), expected)
    assert len(list((tmp_path / "out").iterdir())) == COUNT + 1


def test_stored_jpegs_are_copied_and_others_made(tmp_path: Path) -> None:
    path = write_seq(tmp_path / "shot.seq", Kind(5, "bgr", 8, ".jpg", padded=True), pictures(COUNT))
    assert run(path, tmp_path / "out", "--format", "jpg") == 0
    for number in range(COUNT):
        assert (tmp_path / "out" / f"shot_{number:06d}.jpg").read_bytes() in path.read_bytes()
    deep = write_seq(tmp_path / "deep.seq", Kind(5, "rgb", 12), pictures(1))
    assert run(deep, tmp_path / "out", "--format", "jpg") == 0
    written = read(tmp_path / "out" / "deep_000000.jpg").astype(int)
    assert np.abs(written - (pictures(1)[0] >> 8)).mean() < 4


def test_the_table_has_every_stamp_to_the_microsecond(tmp_path: Path, capsys: Captured) -> None:
    path = write_seq(tmp_path / "shot.seq", Kind(5, "mono"), pictures(3), np.array([7_000_001, 7_033_010, 8_000_000]))
    assert run(path, tmp_path / "out", "--frames", "0-2") == 0
    assert (tmp_path / "out" / "shot.csv").read_text(encoding="utf-8").splitlines() == [
        "image,file,seconds,step_ms",
        "0,shot_000000.tif,7.000001,",
        "1,shot_000001.tif,7.033010,33.009",
        "2,shot_000002.tif,8.000000,966.990",
    ]
    assert "3 images; time stamps in shot.csv." in capsys.readouterr().out


def test_ranges_and_names(tmp_path: Path, capsys: Captured) -> None:
    path = write_seq(tmp_path / "my {frame} shot.seq", Kind(5, "mono"), pictures(COUNT))
    assert run(path, tmp_path / "out", "--frames", "2-3", "--name", "x.{frame:03d}.{name}", "--format", "png") == 0
    names = {entry.name for entry in (tmp_path / "out").iterdir()}
    stem = "my {frame} shot"
    assert names == {f"x.002.{stem}.png", f"x.003.{stem}.png", f"{stem}.csv"}
    for options, sentence in (
        (("--frames", "3-5"), "frames 3-5: "),
        (("--frames", "-1-2"), "frames -1-2: "),
        (("--frames", "4-1"), "empty"),
        (("--name", "{name}"), "has no {frame}"),
        (("--name", "../{frame}"), "contains a folder"),
        (("--name", "c:{frame}"), "contains a folder"),
    ):
        words = [f"{options[0]}={options[1]}"]
        assert run(path, tmp_path / "none", *words) == 2
        assert sentence in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_bayer(tmp_path: Path, capsys: Captured) -> None:
    kind = Kind(5, "bayer", 12, bayer="GRBG")
    path = write_seq(tmp_path / "shot.seq", kind, pictures(1))
    assert run(path, tmp_path / "out") == 2
    assert "give it as '--bayer RGGB'" in capsys.readouterr().err
    assert run(path, tmp_path / "mosaic", "--bayer", "none") == 0
    written = read(tmp_path / "mosaic" / "shot_000000.tif")
    np.testing.assert_array_equal(written >> 4, stored_pixels(pictures(1)[0], kind))
    assert run(path, tmp_path / "color", "--bayer", "GRBG") == 0
    written = read(tmp_path / "color" / "shot_000000.tif")
    assert np.abs(written / 65535 - pictures(1)[0] / 65535)[2:-2, 2:-2].mean() < 0.03


def damaged(path: Path) -> Path:
    """A recording whose image 2 is damaged inside."""
    write_seq(path, Kind(5, "bgr", 8, ".jpg", index=24), pictures(COUNT))
    spoil_image(path, 2)
    return path


def test_a_damaged_image_stops_or_is_left_out(tmp_path: Path, capsys: Captured) -> None:
    path = damaged(tmp_path / "shot.seq")
    for form in ("jpg", "png"):
        assert run(path, tmp_path / form, "--format", form) == 2
        assert f"'{path}' holds an image, number 2, that is truncated or damaged" in capsys.readouterr().err
        assert not (tmp_path / form / "shot.csv").exists()
        assert run(path, tmp_path / form, "--format", form, "--on-bad-frame", "unseen", "--overwrite") == 0
        assert "4 images, 1 left out" in capsys.readouterr().out
        assert not (tmp_path / form / f"shot_000002.{form}").exists()
        rows = (tmp_path / form / "shot.csv").read_text(encoding="utf-8").splitlines()[1:]
        assert [row.split(",")[0] for row in rows] == ["0", "1", "3", "4"]


def test_an_interrupted_extract_leaves_whole_files(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_seq(tmp_path / "shot.seq", Kind(5, "mono"), pictures(40))

    def interrupted(target: Path, data: bytes) -> None:
        if "000017" in target.name:
            raise KeyboardInterrupt
        write_atomic(target, data)

    monkeypatch.setattr(extract, "write_atomic", interrupted)
    assert run(path, tmp_path / "out", "--format", "png") == 130
    written = sorted((tmp_path / "out").iterdir())
    assert {entry.suffix for entry in written} == {".png"}
    assert len(written) < 40
    for entry in written:
        assert read(entry) is not None

    def full(target: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(extract, "write_atomic", full)
    assert run(path, tmp_path / "full") == 2
    assert "No space left on device" in capsys.readouterr().err


def test_progress_lines(tmp_path: Path, capsys: Captured) -> None:
    path = damaged(tmp_path / "shot.seq")
    options = ["--progress", "jsonl", "--on-bad-frame", "unseen"]
    assert main(["extract", str(path), "--out", str(tmp_path / "out"), *options]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["stage", "message", "progress", "done"]
    assert events[2]["done"] == COUNT


def test_the_real_samples(facesolve_data: Path, tmp_path: Path) -> None:
    source = facesolve_data / "norpix"
    assert run(source / "sample_norpix6.seq", tmp_path, "--format", "png") == 0
    assert run(source / "peds30.seq", tmp_path, "--format", "jpg") == 0
    assert len(list(tmp_path.glob("*.png"))) == 6
    assert len(list(tmp_path.glob("*.jpg"))) == 30
    rows = (tmp_path / "sample_norpix6.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1] == "0,sample_norpix6_000000.png,1435776075.775430,"
    assert [row.split(",")[3] for row in rows[2:]] == ["32.797", "33.001", "33.002", "36.589", "33.554"]


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    request = ExtractRequest(tmp_path / "none.seq", "tif")
    with pytest.raises(FootageError, match=r"none.seq' does not exist"):
        extract.extract_images(request, tmp_path / "out", extract.Progress)  # type: ignore[arg-type]


def test_overwriting_leaves_no_image_of_before_and_every_file_of_others(tmp_path: Path) -> None:
    path = write_seq(tmp_path / "shot.seq", Kind(5, "mono"), pictures(COUNT))
    out = tmp_path / "out"
    assert run(path, out) == 0
    table = out / "shot.csv"
    listed = table.read_text(encoding="utf-8")
    table.write_text(f"{listed}9,../mine.png,0.0,\n9,shot.seq,0.0,\n", encoding="utf-8")
    for mine in (tmp_path / "mine.png", out / "shot_000099.tif", out / "shot.seq"):
        mine.write_bytes(b"mine")
    assert run(path, out, "--frames", "1-2", "--overwrite") == 0
    names = sorted(file.name for file in out.iterdir())
    assert names == ["shot.csv", "shot.seq", "shot_000001.tif", "shot_000002.tif", "shot_000099.tif"]
    assert (tmp_path / "mine.png").exists()
