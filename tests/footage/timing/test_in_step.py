"""Videos of several cameras are put in step by time, or stopped with a table; never guessed."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facesolve.footage.timing.ltc import decode_ltc
from facesolve.footage.timing.match_videos import VideoSync, match_videos
from facesolve.footage.video import VideoFile
from facesolve.take import Footage, FootageError, TakeError
from tests.footage.timing.recordings import image_at, ltc_sound, sound_at, time_of, write_sound, write_video

pytest.importorskip("av", reason='needs PyAV: pip install "facesolve[video]"')

STEP = 1 / 30


def even(count: int, step: float = STEP) -> np.ndarray:
    return step * np.arange(count)


def match(folder: Path, *names: str, frames=None, on_bad_frame="unseen", **sync):
    footage = [Footage(name, str(folder / f"{name}.mov")) for name in names]
    return match_videos(footage, VideoSync(**sync), frames, on_bad_frame)


def shown(matched, most: float = 0.51 * STEP) -> np.ndarray:
    """(frames, cameras) seconds of the scene that each camera shows at each frame; NaN where it has no image."""
    files = [VideoFile(Path(source.path)) for source in matched.footage]
    table = np.full((matched.frames[1] + 1, len(files)), np.nan)
    for column, (file, source) in enumerate(zip(files, matched.footage, strict=True)):
        for frame in range(len(table)):
            number = source.image_number(frame)
            if number is not None:
                table[frame, column] = time_of(file.read(number))
        file.close()
    spread = np.nanmax(table, 1) - np.nanmin(table, 1)
    assert spread.max() <= most + 0.011, spread  # images tell their time in hundredths
    return table


def test_images_tell_their_time():
    for seconds in (0.0, 0.37, 12.34, 40.95):
        assert time_of(image_at(seconds)) == pytest.approx(seconds)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Three cameras with timecode: 'a' runs well, 'b' lost two images and began late, 'c' is a phone that films at a
    variable rate by a fast clock and began later still; 'd' is 'a' without timecode."""
    folder = tmp_path_factory.mktemp("stage")
    write_video(folder / "a.mov", even(120), timecode="01:00:00:00")
    late = even(110)[np.r_[0:30, 32:110]]
    write_video(folder / "b.mov", late, late + 10 * STEP, timecode="01:00:00:10")
    jitter = np.random.default_rng(1).uniform(-0.2, 0.2, 100) * STEP
    wander = even(100) + jitter - jitter[0]
    write_video(folder / "c.mov", wander * 1.0002, wander + 15 * STEP, timecode="01:00:00:15")
    write_video(folder / "d.mov", even(120))
    return folder


def test_a_dropped_frame_a_late_camera_a_drifting_clock_and_a_variable_rate_are_put_in_step(stage):
    matched = match(stage, "a", "b", "c")
    table = shown(matched)
    assert matched.frames == (0, 99)
    assert (matched.fps, str(matched.start)) == (30, "01:00:00:15")
    assert np.isnan(table[:, 1]).nonzero()[0].tolist() == [25, 26]
    assert not np.isnan(table[:, [0, 2]]).any()
    head, a, b, c, told = matched.report
    assert head.split()[:3] == ["camera", "images", "first"]
    assert a.split() == ["a", "120", "01:00:00:00", "30.000", "+0.00", "+0", "none", "0.0", "timecode", "track"]
    assert b.split()[:6] == ["b", "108", "01:00:00:10", "30.000", "+10.00", "+0"]
    assert "25-26" in b
    assert "varies" in c
    assert "+15.00" in c
    assert told == "100 frames in common at 30 a second, from 01:00:00:15."


def test_a_frame_that_a_camera_lacks_stops_a_take_that_may_lack_none(stage):
    with pytest.raises(FootageError, match=r"camera 'b' has no image of 2 frames \(30, 31\), by its time stamps"):
        match(stage, "a", "b", on_bad_frame="stop")
    assert match(stage, "a", "b", on_bad_frame="stop", frames=(32, 60)).frames == (32, 60)


def test_frames_are_chosen_by_timecode(stage):
    assert match(stage, "a", "c", span="01:00:00:20-01:00:01:04").frames == (5, 19)
    for span, says in (
        ("01:00:00:20", "is not a span such as"),
        ("01:00:00:20-01:00:00:10", "is empty"),
        ("01:00:00:40-01:00:01:00", "cannot be at 30 frames a second"),
    ):
        with pytest.raises(TakeError, match=says):
            match(stage, "a", "c", span=span)
    with pytest.raises(FootageError, match="100 frames in common, 0 to 99, 01:00:00:15 to 01:00:03:24"):
        match(stage, "a", "c", span="02:00:00:00-02:00:00:10")
    with pytest.raises(TakeError, match="is of timecode, which the footage does not have"):
        match(stage, "d", span="01:00:00:20-01:00:01:04")


def test_a_camera_without_timecode_beside_others_stops_them(stage):
    with pytest.raises(FootageError, match="camera 'd' has no timecode, but 'a' has, and no sound tells"):
        match(stage, "a", "d")
    assert match(stage, "a", "d", mode="start").frames == (0, 119)


def test_recordings_that_do_not_overlap_or_film_at_other_rates_stop_with_the_table(stage, tmp_path):
    for name in ("a", "d"):
        (tmp_path / f"{name}.mov").write_bytes((stage / f"{name}.mov").read_bytes())
    write_video(tmp_path / "b.mov", even(30), timecode="02:00:00:00")
    with pytest.raises(
        FootageError, match=r"do not overlap\. 'a': 120 images from 01:00:00:00, 30 a second, begins \+0.00"
    ):
        match(tmp_path, "a", "b")
    write_video(tmp_path / "e.mov", even(60, 1 / 25), rate=Fraction(25), timecode="01:00:00:00")
    with pytest.raises(FootageError, match="camera 'a' films 30 images a second and 'e' 25"):
        match(tmp_path, "a", "e")


def test_the_camera_that_films_most_evenly_sets_the_frames_and_one_between_them_is_named(stage, tmp_path):
    matched = match(stage, "c", "a")
    assert matched.fps == 30
    assert matched.report[2].split()[:6] == ["a", "120", "01:00:00:00", "30.000", "-15.00", "+0"]
    write_video(tmp_path / "a.mov", even(60))
    write_video(tmp_path / "b.mov", even(60) + 0.4 * STEP)
    matched = match(tmp_path, "a", "b", mode="start", ahead={"b": -0.4 * STEP})
    assert matched.report[3].startswith("warning: camera 'b' films up to 0.40 of a frame away from the others")


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mpeg4"), ("a.mxf", "mpeg2video")])
def test_timecode_of_other_containers_is_read(tmp_path, name, codec):
    write_video(tmp_path / name, even(30, 1 / 25), rate=Fraction(25), timecode="10:11:12:13", codec=codec)
    footage = [Footage(camera, str(tmp_path / name)) for camera in ("a", "b")]
    matched = match_videos(footage, VideoSync(), None, "stop")
    assert str(matched.start) == "10:11:12:13"
    assert matched.frames == (0, 29)


def test_videos_that_are_in_step_stay_as_they_are(stage):
    matched = match(stage, "a", "a")
    assert [source.images for source in matched.footage] == [(), ()]


def test_without_any_stamps_sound_puts_them_in_step_and_tells_a_drifting_clock(tmp_path):
    fast = 1 + 150e-6
    instants = np.arange(int(16.0 * 48000)) / 48000
    write_video(tmp_path / "a.mov", even(480), sound=sound_at(instants + 5))
    count = int(11.0 * 30)
    write_video(
        tmp_path / "b.mov",
        even(count) * fast,
        even(count) + 3.21,
        sound=0.4 * sound_at(instants[: 15 * 48000] / fast + 5 + 3.21)
        + np.random.default_rng(2).normal(size=15 * 48000) * 0.01,
    )
    matched = match(tmp_path, "a", "b")
    table = shown(matched)
    assert matched.frames[1] > 320
    assert np.abs(table[:, 0] - table[:, 1]).mean() < 0.6 * STEP
    assert matched.report[1].endswith("sound")
    drift = float(matched.report[2].split()[5])
    assert drift == pytest.approx(0, abs=20)  # its images come at the scene's pace once its clock is corrected
    write_video(tmp_path / "d.mov", even(60))
    with pytest.raises(FootageError, match="camera 'd' has no sound"):
        match(tmp_path, "a", "d", mode="sound")


def test_timecode_in_the_sound_tells_clock_and_pace(tmp_path):
    fast = 1 + 400e-6
    write_video(tmp_path / "a.mov", even(300), sound=ltc_sound((1, 0, 0, 0), 300, 25, False, 25.0))
    ltc = ltc_sound((1, 0, 4, 0), 150, 25, False, 25.0, 48000 * fast)
    write_video(tmp_path / "b.mov", even(170) * fast, even(170) + 4, sound=ltc)
    matched = match(tmp_path, "a", "b")
    table = shown(matched)
    np.testing.assert_allclose(table[:, 0], table[:, 1], atol=0.0101)
    assert str(matched.start) == "01:00:04:00"
    assert matched.report[2].endswith("timecode in the sound")
    assert "+120.00" in matched.report[2]


def test_labels_with_dropped_numbers_are_counted(tmp_path):
    ntsc = Fraction(30000, 1001)
    write_video(tmp_path / "a.mov", even(60, float(1 / ntsc)), rate=ntsc, timecode="00:59:59;20")
    write_video(
        tmp_path / "b.mov", even(50, float(1 / ntsc)), even(50, float(1 / ntsc)) + 22 / ntsc, ntsc, "01:00:00;12"
    )
    matched = match(tmp_path, "a", "b")
    assert matched.frames == (0, 37)
    assert str(matched.start) == "01:00:00;12"
    assert matched.fps == pytest.approx(29.97003, abs=1e-5)
    shown(matched)


def test_recordings_go_on_over_midnight(tmp_path):
    write_video(tmp_path / "a.mov", even(90), timecode="23:59:59:00")
    write_video(tmp_path / "b.mov", even(50), even(50) + 40 * STEP, timecode="00:00:00:10")
    matched = match(tmp_path, "a", "b", span="00:00:00:12-00:00:01:00")
    assert str(matched.start) == "00:00:00:10"
    assert matched.frames == (2, 20)
    shown(matched)


@pytest.mark.parametrize(
    ("fps", "drop", "rate"), [(24, False, 24), (25, False, 25), (30, False, 30), (30, True, 29.97)]
)
@pytest.mark.parametrize("how", ["clean", "noisy, quiet, upside down"])
def test_linear_timecode_is_read_at_every_rate(fps, drop, rate, how):
    samples = ltc_sound((9, 58, 59, 10), 60, fps, drop, rate)
    if how != "clean":
        samples = -0.05 * samples + np.random.default_rng(0).normal(size=len(samples)) * 0.0015
    found = decode_ltc(samples, 48000)
    assert str(found.labels[0]) in [f"09:58:59{';' if drop else ':'}{n}" for n in (10, 11)]  # the first may be cut
    assert len(found.labels) >= 58
    start, pace = found.clock(48000)
    assert pace == pytest.approx(1, abs=2e-4)
    assert start == pytest.approx(float(found.labels[0].seconds) - found.positions[0] / 48000, abs=2e-3)


def test_other_sounds_hold_no_timecode():
    instants = np.arange(48000) / 48000
    rng = np.random.default_rng(0)
    for samples in (
        np.zeros(48000),
        rng.normal(size=48000),
        np.sin(instants * 6283),
        np.sign(np.sin(instants * 15079)),
    ):
        assert decode_ltc(samples, 48000) is None


def test_a_broadcast_waves_time_reference_is_read(tmp_path):
    """An audio recorder's file beside a camera without timecode."""
    import av

    write_video(tmp_path / "a.mov", even(60), timecode="10:00:00:00")
    write_video(tmp_path / "d.mov", even(60), even(60) + 0.5)
    for name, reference in (("a", 36000 * 48000), ("d", int(36000.5 * 48000))):
        with av.open(str(tmp_path / f"{name}.wav"), "w", options={"write_bext": "1"}) as container:
            container.metadata["time_reference"] = str(reference)
            track = container.add_stream("pcm_s16le", rate=48000, layout="mono")
            write_sound(container, track, np.random.default_rng(len(name)).normal(size=48000) * 0.01)
    matched = match(tmp_path, "a", "d", sound=str(tmp_path / "{camera}.wav"))
    assert matched.frames == (0, 44)
    shown(matched)
    assert matched.report[2].endswith("Broadcast Wave time reference")


def test_motion_puts_videos_in_step_when_it_is_asked_for(tmp_path, stage):
    rng = np.random.default_rng(6)
    moves = np.round(np.cumsum(rng.uniform(0, 0.6, 140) ** 4), 2)
    write_video(tmp_path / "a.mov", even(120), moves[:120])
    write_video(tmp_path / "b.mov", even(110), moves[17:127])
    matched = match(tmp_path, "a", "b", mode="motion")
    assert matched.frames == (0, 102)
    assert shown(matched, 1e-3).shape == (103, 2)
    matched = match(tmp_path, "a", "b")
    assert matched.report[0].startswith("warning: no timecode and no sound tells how the videos belong together")
    write_video(tmp_path / "e.mov", even(60), [0.5] * 60)
    with pytest.raises(FootageError, match="do not show one motion clearly enough to be put in step"):
        match(tmp_path, "a", "e", mode="motion")


def test_a_clock_that_is_known_to_be_ahead_is_set_back(stage):
    plain = match(stage, "a", "b", ahead={"b": 1.0})
    assert plain.frames == (0, 99 - 10)
    with pytest.raises(TakeError, match="clock: there is no camera 'x'"):
        match(stage, "a", ahead={"x": 1.0})


def test_footage_of_videos_survives_a_take(stage, tmp_path):
    from facesolve.take import read_take, write_take
    from tests.take import rigs

    take = rigs.take(tmp_path)
    source = replace(match(stage, "a", "b").footage[1], camera=take.cameras[0].name)
    write_take(replace(take, footage=(source, *take.footage[1:])), tmp_path / "take")
    assert read_take(tmp_path / "take").footage[0].images == source.images
