"""Videos: every frame decodes to what was drawn, in a form that players know; bad input leaves nothing behind."""

from __future__ import annotations

import sys
import weakref
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.review.encode import open_writer
from facesolve.review.panels import Shot
from facesolve.review.request import KINDS, VideoError
from facesolve.review.video import baked_texture, render_video
from facesolve.take import FacesolveError, FootageError

from . import filmed as film
from .filmed import Filmed

av = pytest.importorskip("av")


def decoded(path: Path) -> tuple[object, list[np.ndarray]]:
    """The video stream and every frame as RGB."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream, [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]


@pytest.mark.parametrize("what", KINDS)
def test_every_kind_becomes_a_video(filmed: Filmed, tmp_path: Path, what: str) -> None:
    video = filmed.render(tmp_path / "new" / "a.mp4", what=what, frames=(1, 2))
    with av.open(str(video.path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        context = stream.codec_context
        assert [frame.time for frame in frames] == pytest.approx([0, 1 / 30], abs=1e-6)
        assert all((frame.width, frame.height) == video.size for frame in frames)
    assert (context.codec.canonical_name, context.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 30)
    assert not any(length % 2 for length in video.size)
    assert video.frames == (1, 2)
    assert (video.levels is not None) == (what in ("heatmap", "grid"))
    assert [file.name for file in video.path.parent.iterdir()] == ["a.mp4"]


def test_mp4_decodes_to_the_pictures_in_color_and_order(filmed: Filmed, tmp_path: Path) -> None:
    video = filmed.render(tmp_path / "a.mp4", what="overlay", height=240, fps=23.976)
    filmed.render(tmp_path / "a.{frame:02d}.png", what="overlay", height=240)
    stream, frames = decoded(video.path)
    assert stream.average_rate == Fraction(24000, 1001)  # type: ignore[attr-defined]
    context = stream.codec_context  # type: ignore[attr-defined]
    assert [context.color_range, context.colorspace, context.color_primaries, context.color_trc] == [1, 1, 1, 1]
    pictures = [cv2.imread(str(tmp_path / f"a.{frame:02d}.png"))[..., ::-1] for frame in range(3)]
    assert len(frames) == 3
    for index, frame in enumerate(frames):
        errors = [np.abs(frame.astype(float) - picture).mean() for picture in pictures]
        assert errors[index] < 4
        assert sorted(range(3), key=errors.__getitem__)[0] == index


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 150, 120), (255, 255, 255)])
def test_colors_are_those_of_bt_709(tmp_path: Path, color: tuple[int, int, int]) -> None:
    with open_writer(tmp_path / "a.mp4", (64, 48), 24.0, lambda: []) as writer:
        writer.add(0, np.full((48, 64, 3), color, np.uint8))
    with av.open(str(tmp_path / "a.mp4")) as container:
        (frame,) = container.decode(video=0)
    luma = 16 + 219 / 255 * np.dot((0.2126, 0.7152, 0.0722), color)
    assert abs(frame.to_ndarray()[24, 32] - luma) <= 1
    assert np.abs(frame.to_ndarray(format="rgb24")[24, 32].astype(int) - color).max() <= 2


def test_rate_factor_trades_size_for_faithfulness(filmed: Filmed, tmp_path: Path) -> None:
    sizes = [
        filmed.render(tmp_path / f"{factor}.mp4", what="wireframe", rate_factor=factor).path.stat().st_size
        for factor in (17, 35)
    ]
    assert sizes[1] < 0.6 * sizes[0]


def test_index_precedes_the_pictures(filmed: Filmed, tmp_path: Path) -> None:
    filmed.render(tmp_path / "a.mp4", what="wireframe", only_cameras=("front",))
    data = (tmp_path / "a.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_gif_keeps_time_and_colors(filmed: Filmed, tmp_path: Path) -> None:
    video = filmed.render(tmp_path / "a.gif", what="overlay", only_cameras=("front",), height=120, fps=20)
    filmed.render(tmp_path / "a.{frame}.png", what="overlay", only_cameras=("front",), height=120)
    stream, frames = decoded(video.path)
    assert len(frames) == 3
    assert float(stream.duration * stream.time_base) == pytest.approx(3 / 20, abs=0.011)  # type: ignore[attr-defined]
    for number, frame in enumerate(frames):
        picture = cv2.imread(str(tmp_path / f"a.{number}.png"))[..., ::-1].astype(float)
        assert np.abs(cv2.blur(frame.astype(float), (5, 5)) - cv2.blur(picture, (5, 5))).mean() < 3


def test_fast_footage_becomes_a_gif_that_browsers_play_at_speed(filmed: Filmed, tmp_path: Path) -> None:
    filmed.render(tmp_path / "a.gif", what="shaded", only_cameras=("front",), height=60, fps=120)
    _, frames = decoded(tmp_path / "a.gif")
    assert len(frames) == 1  # every third


def test_one_picture_needs_no_pattern_and_no_pyav(
    filmed: Filmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    filmed.render(tmp_path / "a.png", what="shaded", frames=(1, 1), scale=1)
    height, width = cv2.imread(str(tmp_path / "a.png")).shape[:2]
    assert (width, height) == (2 * 160 + 2, 2 * 120 + 2)


def test_fifty_solved_frames_are_numbered_as_the_take_numbers_them(filmed: Filmed, tmp_path: Path) -> None:
    video = filmed.render(tmp_path / "a.{frame:04d}.png", what="shaded", only_cameras=("left",), frames=(1, 2))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.0001.png", "a.0002.png"]
    assert video.frames == (1, 2)


@pytest.mark.parametrize(
    ("request_fields", "name", "sentence"),
    [
        ({"only_cameras": ("top",)}, "a.mp4", "no camera 'top'; it has left, front, right"),
        ({"frames": (1, 3)}, "a.mp4", "frames 1-3 reach beyond the solution, which has 0-2"),
        ({"frames": (-2, 1)}, "a.mp4", "frames -2-1 reach beyond"),
        ({"what": "everything"}, "a.mp4", "'everything' is not one of footage, "),
        ({"opacity": 1.2}, "a.mp4", "opacity 1.2 is not within 0"),
        ({"scale": 1.0, "height": 300}, "a.mp4", "give one of them"),
        ({"fps": float("nan")}, "a.mp4", "fps nan is not above 0"),
        ({"height": 0}, "a.mp4", "height 0 is not above 0"),
        ({}, "a.avi", "ends in none of .mp4, .gif and .png"),
        ({}, "a.png", "one file for 3 frames; name it 'a.{frame:04d}.png'"),
    ],
)
def test_bad_requests_are_one_sentence(
    filmed: Filmed, tmp_path: Path, request_fields: dict[str, object], name: str, sentence: str
) -> None:
    with pytest.raises(VideoError) as caught:
        filmed.render(tmp_path / name, **request_fields)
    assert sentence in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_without_a_texture_only_what_shows_it_is_refused(filmed: Filmed, tmp_path: Path) -> None:
    for what in ("textured", "heatmap"):
        with pytest.raises(VideoError, match=f"no baked texture, which '{what}' needs"):
            filmed.render(tmp_path / "a.mp4", texture=False, what=what)
    assert not list(tmp_path.iterdir())
    with_clay = filmed.render(tmp_path / "a.png", texture=False, what="grid", frames=(0, 0), scale=1)
    assert with_clay.size[0] == 3 * 160 + 2 * 2
    assert with_clay.levels is None
    filmed.render(tmp_path / "b.png", texture=False, what="blend", frames=(0, 0))


def test_missing_pyav_is_one_sentence(filmed: Filmed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(VideoError, match=r'pip install "facesolve\[video\]"'):
        filmed.render(tmp_path / "a.mp4")


def test_a_missing_image_leaves_the_old_file(filmed: Filmed, tmp_path: Path) -> None:
    folder = tmp_path / "footage"
    folder.mkdir()
    broken = film.with_footage(filmed, folder, lambda image: image)
    Path(broken.take.footage[1].image_path(2)).unlink()
    (tmp_path / "a.mp4").write_bytes(b"the old one")
    with pytest.raises(FootageError, match="camera 'front', frame 2"):
        broken.render(tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"the old one"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mp4", "footage"]
    broken.render(tmp_path / "b.mp4", what="shaded")  # needs no footage


def test_a_texture_that_is_gone_is_one_sentence(filmed: Filmed, tmp_path: Path) -> None:
    with pytest.raises(FacesolveError, match="no file matches"):
        baked_texture(tmp_path, filmed.solution)


def test_progress_counts_frames(filmed: Filmed, tmp_path: Path) -> None:
    class Counts(list[object]):
        def stage(self, name: str, total: int) -> None:
            self.append((name, total))

        def advance(self, count: int = 1) -> None:
            self.append(count)

    counts = Counts()
    request = film.VideoRequest(what="shaded", only_cameras=("front",))
    render_video(filmed.solution, filmed.take, request, tmp_path / "a.mp4", counts)  # type: ignore[arg-type]
    assert counts == [("render shaded", 3), 1, 1, 1]


@pytest.mark.parametrize("name", ["a.mp4", "a.gif"])
def test_an_interruption_leaves_nothing(tmp_path: Path, name: str) -> None:
    picture = np.zeros((48, 64, 3), np.uint8)
    for before in (0, 2):
        with pytest.raises(KeyboardInterrupt):
            interrupted(tmp_path / name, picture, before)
        assert not list(tmp_path.iterdir())


def interrupted(path: Path, picture: np.ndarray, before: int) -> None:
    """Writes ``before`` pictures and is stopped."""
    with open_writer(path, (picture.shape[1], picture.shape[0]), 24.0, lambda: [picture]) as writer:
        for frame in range(before):
            writer.add(frame, picture)
        raise KeyboardInterrupt


def test_pictures_too_large_for_the_encoder_are_one_sentence(tmp_path: Path) -> None:
    with (
        pytest.raises(VideoError, match="takes no pictures of 20000x64"),
        open_writer(tmp_path / "a.mp4", (20000, 64), 24.0, lambda: []) as out,
    ):
        out.add(0, np.zeros((64, 20000, 3), np.uint8))
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_frames(filmed: Filmed, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: weakref.WeakSet[Shot] = weakref.WeakSet()
    made = Shot.__init__

    def counted(self: Shot, *arguments: object, **named: object) -> None:
        made(self, *arguments, **named)  # type: ignore[arg-type]
        alive.add(self)

    monkeypatch.setattr(Shot, "__init__", counted)
    rows = [0, 1, 2] * 4
    most = 0
    with filmed.sheet(("edges",), cameras=(1,)) as sheet:
        for _ in sheet.pictures(rows):
            most = max(most, len(alive))
    assert 1 <= most <= 4  # each and its window
