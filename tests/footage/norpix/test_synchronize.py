"""Images of several recorders are matched: every image of every camera lands on the frame it was taken at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from facesolve.footage.norpix.synchronize import NUMBER, START, Recording, Synchronization, frame_rate, synchronize
from facesolve.take import FootageError

EPOCH = 1_700_000_000_000_000


@dataclass
class Stage:
    """A trigger and its recorders. Each camera remembers at which trigger pulse each of its images was taken."""

    count: int = 200
    fps: float = 60.0
    jitter: float = 0.0  # seconds, of the trigger: all cameras share it
    seed: int = 0

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.pulses = np.arange(self.count) / self.fps + self.jitter * self.random.standard_normal(self.count)

    def record(
        self,
        camera: str,
        first: int = 0,
        last: int | None = None,
        lost: tuple[int, ...] = (),
        ahead: float = 0.0,
        noise: float = 2e-5,
        ppm: float = 0.0,
        late: tuple[int, ...] = (),
        whole_milliseconds: bool = False,
    ) -> tuple[Recording, np.ndarray]:
        """(recording, (N,) pulse of each image)."""
        pulse = np.array([k for k in range(self.count)[first:last] if k not in lost])
        seconds = self.pulses[pulse] * (1 + 1e-6 * ppm) + ahead + noise * self.random.standard_normal(len(pulse))
        seconds[np.isin(pulse, late)] += 0.6 / self.fps
        stamps = EPOCH + np.rint(seconds * 1e6).astype(np.int64)
        return Recording(camera, stamps // 1000 * 1000 if whole_milliseconds else stamps), pulse


def pulses_of_frames(found: Synchronization, taken: list[np.ndarray]) -> np.ndarray:
    """(cameras, frames) pulse of the image that each camera has at each frame, -1 for none."""
    table = np.full((len(taken), found.frames), -1)
    for row, match, pulse in zip(table, found.cameras, taken, strict=True):
        for first, last, image in match.runs:
            row[first : last + 1] = pulse[image : image + last - first + 1]
        assert match.dropped == tuple(np.flatnonzero(row < 0))
        assert match.count == len(pulse)
        assert match.unused == len(pulse) - int((row >= 0).sum())
    return table


def check(recorded: list[tuple[Recording, np.ndarray]], mode: str = "stamps", **ahead: float) -> Synchronization:
    """Matches, and proves that each frame is one pulse, and no image in the common time was lost on the way."""
    found = synchronize([recording for recording, _ in recorded], mode, ahead)
    taken = [pulse for _, pulse in recorded]
    first, last = max(pulse[0] for pulse in taken), min(pulse[-1] for pulse in taken)
    table = pulses_of_frames(found, taken)
    expected = np.arange(first, last + 1)
    assert found.frames == len(expected)
    for row, pulse in zip(table, taken, strict=True):
        np.testing.assert_array_equal(row, np.where(np.isin(expected, pulse), expected, -1))
    return found


def test_drops_and_late_starts() -> None:
    stage = Stage()
    recorded = [
        stage.record("a", lost=(17, 18, 90)),
        stage.record("b", first=3, lost=(4, 17, 199)),
        stage.record("c", last=190),
    ]
    found = check(recorded)
    assert [match.dropped for match in found.cameras] == [(14, 15, 87), (1, 14), ()]
    assert [match.unused for match in found.cameras] == [13, 9, 3]
    assert found.fps == pytest.approx(60, rel=1e-5)
    assert found.worst is not None
    assert found.worst.seconds < 2e-4
    assert found.warnings == ()


def test_a_frame_that_all_cameras_lost_still_counts() -> None:
    stage = Stage()
    found = check([stage.record(name, lost=(50, 51)) for name in "ab"])
    assert [match.dropped for match in found.cameras] == [(50, 51), (50, 51)]


@pytest.mark.parametrize("ahead", [0.004, -0.004, 0.0])
def test_clocks_that_agree_within_half_a_frame(ahead: float) -> None:
    stage = Stage()
    found = check([stage.record("a", first=2), stage.record("b", first=5, ahead=ahead, lost=(9,))])
    assert found.cameras[1].ahead == pytest.approx(ahead, abs=2e-5)
    assert found.worst is not None
    assert found.worst.seconds < 2e-4


@pytest.mark.parametrize("ahead", [0.5, -3.25, 7200.0])
def test_clocks_far_apart_are_found_by_the_jitter_that_all_cameras_share(ahead: float) -> None:
    stage = Stage(jitter=5e-4)
    found = check([stage.record("a", first=4, lost=(30,)), stage.record("b", ahead=ahead, lost=(60, 61, 120))])
    assert found.cameras[1].ahead == pytest.approx(ahead, abs=1e-4)


def test_an_own_hiccup_of_each_recorder_is_no_common_jitter() -> None:
    stage = Stage()
    check([stage.record("a", late=(40,)), stage.record("b", late=(77,))])


def test_first_images_taken_together() -> None:
    stage = Stage()
    recorded = [stage.record("a", lost=(5,)), stage.record("b", ahead=-86_400.3, lost=(7,))]
    found = check(recorded, START)
    assert found.cameras[1].ahead == pytest.approx(-86_400.3, abs=1e-4)


def test_a_clock_known_to_be_ahead() -> None:
    stage = Stage()
    check([stage.record("a"), stage.record("b", first=10, ahead=3.2)], b=3.2)
    check([stage.record("a", ahead=-3.2), stage.record("b", first=10)], a=-3.2)


def test_clocks_that_run_at_different_rates() -> None:
    stage = Stage(count=20_000)
    fast = stage.record("b", ppm=60, ahead=-0.01, lost=(9_000, 15_000))  # a frame and more over the recording
    check([stage.record("a"), fast, stage.record("c", first=50, ppm=-40, ahead=0.006)])


def test_a_late_stamp_takes_the_place_of_its_own_frame() -> None:
    stage = Stage()
    found = check([stage.record("a"), stage.record("b", late=(20, 90), lost=(150,))])
    assert found.worst is not None
    assert found.worst.frame in (20, 90)
    assert found.worst.seconds == pytest.approx(0.01, abs=3e-4)
    assert found.worst.cameras == ("a", "b")
    assert found.worst.far == 2
    assert "2 of 200 frames are stamped more than a quarter of a frame apart" in found.warnings[0]


@pytest.mark.parametrize("fps", [23.976, 60, 240])
def test_stamps_of_whole_milliseconds(fps: float) -> None:
    stage = Stage(count=3000, fps=fps)
    found = check(
        [stage.record(name, whole_milliseconds=True, lost=(n, 2 * n + 1)) for name, n in (("a", 8), ("b", 9))]
    )
    assert found.fps == pytest.approx(fps, rel=1e-5)


def test_cameras_without_a_common_trigger_are_told() -> None:
    stage = Stage(count=2000)
    found = synchronize([stage.record("a")[0], stage.record("b", ppm=400)[0]])
    assert found.worst is not None
    assert found.worst.seconds > 0.25 / 60
    assert [match.dropped for match in found.cameras] == [(), ()]
    assert "without a common trigger" in found.warnings[0]


def test_a_clock_near_half_a_frame_off_is_told() -> None:
    stage = Stage()
    found = synchronize([stage.record("a")[0], stage.record("b", ahead=0.45 / 60)[0]])
    assert "differs from that of 'a' by +7.5" in found.warnings[0]


def test_numbers_alone() -> None:
    recordings = [Recording("a", np.zeros(5, np.int64)), Recording("b", np.zeros(7, np.int64))]
    found = synchronize(recordings, NUMBER)
    assert [match.runs for match in found.cameras] == [((0, 4, 0),), ((0, 4, 0),)]
    assert [match.unused for match in found.cameras] == [0, 2]


def test_a_single_camera_and_a_single_image() -> None:
    stage = Stage(count=50)
    assert check([stage.record("a", lost=(3,))]).worst is None
    one = synchronize([Recording("a", np.array([EPOCH]))])
    assert (one.frames, one.fps, one.cameras[0].runs) == (1, 0.0, ((0, 0, 0),))
    two = synchronize([Recording("a", np.array([EPOCH])), Recording("b", np.array([EPOCH + 100]))])
    assert two.frames == 1


def test_reserved_space_behind_the_last_image_is_no_image() -> None:
    stage = Stage(count=50)
    recording, pulse = stage.record("a")
    padded = Recording("a", np.concatenate([recording.stamps, np.zeros(9, np.int64)]))
    found = synchronize([padded, stage.record("b")[0]])
    assert (found.frames, found.cameras[0].unused, found.cameras[0].dropped) == (len(pulse), 9, ())


def refusal(*recordings: Recording) -> str:
    with pytest.raises(FootageError) as caught:
        synchronize(recordings)
    return str(caught.value)


def test_what_cannot_be_matched_is_refused() -> None:
    stage = Stage(count=50)
    good, _ = stage.record("a")
    back = good.stamps.copy()
    back[20:] -= 10_000_000
    assert "camera 'b': the time stamps do not increase from image 19 to 20" in refusal(good, Recording("b", back))
    assert "camera 'b': the time stamps are empty" in refusal(good, Recording("b", np.zeros(1, np.int64)))
    half = Recording("b", good.stamps[::2])
    assert "camera 'a' recorded 60.003 images a second and 'b' 30.001" in refusal(good, half)
    sentence = refusal(good, stage.record("b", ahead=100)[0])
    assert (
        "cameras 'a' and 'b': their recordings do not overlap (by their clocks they began 100.000 s apart)" in sentence
    )
    assert "'--sync start' or '--clock b=SECONDS'" in sentence
    jump = good.stamps.copy()
    jump[30:] += 10**14
    assert "camera 'b': the time stamps jump by 100000000 s after image 29" in refusal(good, Recording("b", jump))


@pytest.mark.parametrize("seed", range(12))
def test_random_stages(seed: int) -> None:
    random = np.random.default_rng(seed)
    stage = Stage(count=int(random.integers(60, 400)), fps=float(random.uniform(20, 250)), seed=seed)
    recorded = []
    for name in "abcd":
        lost = tuple(
            random.choice(np.arange(12, stage.count - 12), int(random.integers(0, 20)), replace=False).tolist()
        )
        recorded.append(
            stage.record(
                name,
                first=int(random.integers(0, 10)),
                last=stage.count - int(random.integers(0, 10)),
                lost=lost,
                ahead=float(random.uniform(-0.2, 0.2)) / stage.fps,
                noise=0.02 / stage.fps,
                ppm=float(random.uniform(-50, 50)),
            )
        )
    check(recorded)


def test_rate_of_stamps() -> None:
    assert frame_rate(np.array([0, 10_000, 20_000, 50_000, 60_000])) == pytest.approx(100)
    assert frame_rate(np.array([5])) == 0
    assert frame_rate(np.array([5, 5])) == 0
