"""The prefetcher: order, both policies, bounded memory, and an end that leaves nothing running."""

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facesolve.footage import FootageReader, Image, Prefetcher, open_footage, srgb_to_linear
from facesolve.take import FootageError

from .specimens import camera, picture, write_sequence, write_video


class CountingReader(FootageReader):
    """Makes images out of nothing, slower for odd frames, and counts the ones alive and the reads begun."""

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__(write_sequence(folder, name, 0), camera(name))
        self.alive, self.peak, self.begun = 0, 0, 0
        self._lock = threading.Lock()

    def read(self, frame: int) -> Image:
        with self._lock:
            self.begun += 1
        time.sleep(0.004 if frame % 2 else 0.001)
        image = Image(np.full((4, 4, 3), frame, np.float32), self._everywhere)
        with self._lock:
            self.alive += 1
            self.peak = max(self.peak, self.alive)
        weakref.finalize(image, self._released)
        return image

    def _released(self) -> None:
        self.alive -= 1


@pytest.fixture
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not [thread for thread in threading.enumerate() if thread not in before]


pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_frames_come_in_order_with_one_image_for_each_camera(tmp_path: Path) -> None:
    readers = [open_footage(write_sequence(tmp_path, name), camera(name)) for name in ("left", "right")]
    order = [1006, 1001, 1004]
    seen = []
    with Prefetcher(readers, order) as frames:
        for frame, images in frames:
            seen.append(frame)
            for image in images:
                assert image is not None
                np.testing.assert_allclose(image.pixels, srgb_to_linear(picture(frame - 1001) / 255), atol=1e-6)
    assert seen == order


def test_memory_does_not_grow_with_the_take(tmp_path: Path) -> None:
    readers = [CountingReader(name, tmp_path) for name in ("left", "right")]
    depth = 3
    with Prefetcher(readers, range(60), depth) as frames:
        for frame, images in frames:
            assert [image.pixels[0, 0, 0] for image in images if image is not None] == [frame, frame]
            time.sleep(0.002)
    del images
    gc.collect()
    for reader in readers:
        assert reader.begun == 60
        assert 2 <= reader.peak <= depth + 2
        assert reader.alive == 0


def test_nothing_is_decoded_further_than_depth(tmp_path: Path) -> None:
    reader = CountingReader("left", tmp_path)
    with Prefetcher([reader], range(50), depth=4) as frames:
        steps = iter(frames)
        next(steps)
        time.sleep(0.1)
        assert reader.begun == 5


def test_stop_raises_at_the_bad_frame(tmp_path: Path) -> None:
    readers = [open_footage(write_sequence(tmp_path, name), camera(name)) for name in ("left", "right")]
    (tmp_path / "right_0003.png").unlink()
    seen = []
    with (
        pytest.raises(FootageError, match="camera 'right', frame 1004"),
        Prefetcher(readers, range(1001, 1007), depth=6) as frames,
    ):
        seen.extend(frame for frame, _ in frames)
    with Prefetcher(readers, range(1001, 1007), depth=6) as frames:
        steps = iter(frames)
        assert [next(steps)[0] for _ in range(3)] == [1001, 1002, 1003]
        with pytest.raises(FootageError, match="frame 1004"):
            next(steps)


def test_unseen_gives_none_and_says_why(tmp_path: Path) -> None:
    readers = [open_footage(write_sequence(tmp_path, name), camera(name)) for name in ("left", "right")]
    (tmp_path / "right_0003.png").unlink()
    damaged = tmp_path / "left_0004.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    with Prefetcher(readers, range(1001, 1007), on_bad_frame="unseen") as frames:
        missing = {(frame, index) for frame, images in frames for index, image in enumerate(images) if image is None}
    assert missing == {(1004, 1), (1005, 0)}
    assert [(bad.camera, bad.frame) for bad in frames.unseen] == [("right", 1004), ("left", 1005)]
    assert "right_0003.png' does not exist" in frames.unseen[0].reason
    assert "left_0004.png' is truncated" in frames.unseen[1].reason


def test_a_fault_of_the_program_is_never_an_unseen_image(tmp_path: Path) -> None:
    class Broken(CountingReader):
        def read(self, frame: int) -> Image:
            raise MemoryError

    with Prefetcher([Broken("left", tmp_path)], range(3), on_bad_frame="unseen") as frames, pytest.raises(MemoryError):
        next(iter(frames))


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, None])
def test_an_early_end_stops_the_decoding(tmp_path: Path, interruption: type[BaseException] | None) -> None:
    reader = CountingReader("left", tmp_path)

    def loop() -> None:
        with Prefetcher([reader], range(1000), depth=8) as frames:
            for frame, _ in frames:
                if frame == 5:
                    if interruption is not None:
                        raise interruption
                    return

    if interruption is None:
        loop()
    else:
        with pytest.raises(interruption):
            loop()
    assert reader.begun <= 14
    gc.collect()
    assert reader.alive == 0


def test_videos_are_decoded_forward_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = open_footage(write_video(tmp_path / "take.mkv", codec="ffv1", pixels="bgr0"), camera())
    read, asked = reader.read, []
    monkeypatch.setattr(reader, "read", lambda frame: (asked.append(frame), read(frame))[1])
    with Prefetcher([reader], range(1001, 1031), depth=8) as frames:
        for frame, (image,) in frames:
            assert image is not None
            np.testing.assert_allclose(image.pixels, srgb_to_linear(picture(frame - 1001) / 255), atol=1e-6)
    assert asked == list(range(1001, 1031))
    reader.close()
