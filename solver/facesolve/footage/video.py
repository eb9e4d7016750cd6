"""Frame-exact reading of video files through PyAV: image number n is the n-th frame shown, whatever the time stamps."""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .container import UnreadableImage, no_such_image
from .decode import is_damaged_jpeg
from .exr import optional_module
from .planes import rgb_of
from .self_test import wrong_colors

_TRANSFERS = {16: "PQ", 18: "HLG"}  # codes of ITU-T H.273, table 3
_DECODING_TIMES = ("avi", "asf", "asf_o")  # containers that store no times of showing
_FIRST = 40  # images in which B-frames would show


class VideoFile:
    """An open video. Reading forward decodes each frame once; other accesses seek to the keyframe before.

    count: number of frames; width, height: pixels of the image as it is shown, a phone's turned upright; fps: mean
    rate, or 0 when unknown; transfer: ``PQ`` or ``HLG`` where the file names one of these, else empty; stated: how many
    frames its header says. careful: also take a frame for damaged when the decoder complains while it makes it
    up; slower, for checks.
    Raises UnreadableImage when PyAV is not installed or the file is missing, damaged or has no picture.
    """

    def __init__(self, path: Path, careful: bool = False) -> None:
        self._av = optional_module("av", "video")
        if wrong_colors():
            raise UnreadableImage(
                f"cannot be trusted to this PyAV ({self._av.__version__}): {wrong_colors()} Run: pip install -U av."
            )
        self._path, self._careful = path, careful
        self._spoiled = False  # a part of a frame was made up, and others may be predicted from it
        self._lock = threading.Lock()
        self._corrupt: set[int] = set()
        self._open()
        try:
            self._index()
        except BaseException:
            self.close()
            raise
        self._restart()

    def read(self, number: int) -> np.ndarray:
        """(H, W, 3) RGB of frame ``number`` (0-based): uint8, or uint16 at full scale for more than 8 bits.

        Safe to call from several threads, which then wait for each other. Raises UnreadableImage.
        """
        with self._lock:
            if not 0 <= number < self.count:
                raise no_such_image(number, self.count)
            frame = self._sought(number)
            if frame is None:  # the container's seek went too far
                self._restart()
                frame = self._advance(number)
            if frame is None:
                raise _damaged(number)
            if frame.interlaced_frame:
                raise UnreadableImage(
                    f"is interlaced at image {number}: its lines show two moments. Make whole images of it first, "
                    "for example with: ffmpeg -i FILE -vf bwdif OUT."
                )
            return np.ascontiguousarray(np.rot90(rgb_of(frame), self._quarters))

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

    @property
    def times(self) -> np.ndarray:
        """(count,) seconds at which the images are shown, rising; evenly by the mean rate where the file tells none."""
        if self._timed:
            return np.array(self._times, np.float64) * float(self._stream.time_base)
        return np.arange(self.count) / (self.fps or 25.0)

    @property
    def timecode(self) -> str | None:
        """The label of the first image, of a timecode track or the file's header; None without one."""
        streams = (self._stream, *self._container.streams)
        told = [held.metadata.get("timecode") for held in (*streams, self._container)]
        return next((label for label in told if label), None)

    def _open(self) -> None:
        if not self._path.exists():
            raise UnreadableImage("does not exist; check the footage path.")
        try:
            # titles in another encoding than UTF-8 are no reason to refuse the pictures
            self._container = self._av.open(str(self._path), metadata_errors="replace")
        except (self._av.FFmpegError, OSError) as error:
            raise UnreadableImage(f"cannot be opened as a video ({error.strerror}); copy or encode it again.") from None
        if not self._container.streams.video:
            self._container.close()
            raise UnreadableImage("has no video stream; check the footage path.")
        self._stream = self._container.streams.video[0]
        if self._stream.codec_context is None:
            self._container.close()
            raise UnreadableImage("has a video stream of an unknown kind; convert it to H.264, ProRes or images.")
        # what a decoder says on a thread of its own cannot be heard
        self._stream.thread_type = "NONE" if self._careful else "AUTO"
        self._stream.codec_context.options = {"err_detect": "explode"}  # else JPEG and others conceal what they lack

    def _index(self) -> None:
        """Presentation times of all frames and of the keyframes, from the packets alone (nothing is decoded)."""
        packets, stored = [], 0
        try:
            for packet in self._container.demux(self._stream):
                stored += packet.size > 0
                if packet.size and not packet.is_discard:
                    packets.append((packet.pts, packet.is_keyframe))
                    # a cut packet may decode to half a picture without an error
                    if packet.pts is not None and (packet.is_corrupt or self._is_damaged_jpeg(packet)):
                        self._corrupt.add(packet.pts)
        except self._av.FFmpegError as error:
            raise UnreadableImage(f"is truncated or damaged ({error.strerror}); copy or encode it again.") from None
        self.count = len(packets)
        if not packets:
            raise UnreadableImage("has no frames; copy or encode it again.")
        times = sorted(pts for pts, _ in packets if pts is not None)
        self._timed = len(set(times)) == self.count and not self._misleads()
        self._number = {pts: number for number, pts in enumerate(times)}
        # a damaged or cut video may begin without a keyframe: from its beginning everything else can be reached
        self._keyframes = sorted({0, *(self._number[pts] for pts, key in packets if key)}) if self._timed else [0]
        self._times = times
        context = self._stream.codec_context
        self._quarters = self._turned()
        size = context.width, context.height
        self.width, self.height = size[::-1] if self._quarters % 2 else size
        self.transfer = _TRANSFERS.get(int(context.color_trc or 0), "")
        self.fps = float((self._stream.average_rate if self._timed else self._stream.guessed_rate) or 0)
        self.stated = self._stated(stored, times)

    def _is_damaged_jpeg(self, packet: Any) -> bool:
        """Whether the JPEG library finds damage in a packet of Motion JPEG that FFmpeg's decoder passes over."""
        return self._careful and self._stream.codec_context.name == "mjpeg" and is_damaged_jpeg(bytes(packet))

    def _stated(self, stored: int, times: list[int]) -> int:
        """How many images the container says it has; ``count`` where it does not say, or only roughly."""
        if self._stream.frames:
            return self.count + int(self._stream.frames) - stored
        steps = np.diff(times)
        even = len(steps) > 1 and steps.max() < 1.5 * np.median(steps)  # else the rate is a mean
        if len(self._container.streams) > 1 or not (even and self._container.duration and self.fps):
            return self.count
        return round(self._container.duration / self._av.time_base * self.fps)

    def _misleads(self) -> bool:
        """Whether the times are those of decoding, not of showing: AVI and ASF have no others, and B-frames differ."""
        if not self._stream.codec_context.has_b_frames or self._container.format.name not in _DECODING_TIMES:
            return False
        self._restart()
        shown: list[int] = []
        try:
            for frame in self._frames:
                shown.append(frame.pts)
                if len(shown) == _FIRST:
                    break
        except self._av.FFmpegError:  # told by whoever reads that image
            pass
        return None in shown or shown != sorted(set(shown))

    def _turned(self) -> int:
        """By how many quarters counter-clockwise images are turned to be upright, as the container says."""
        self._restart()
        try:
            frame = next(self._frames, None)
        except self._av.FFmpegError:
            return 0
        return round(frame.rotation / 90) % 4 if frame is not None else 0

    def _restart(self) -> None:
        """Opens the file anew, so that decoding begins at frame 0."""
        self._container.close()
        self._open()
        self._frames: Any = self._container.decode(self._stream)
        self._next, self._spoiled = 0, False

    def _sought(self, number: int) -> Any:
        """Frame ``number``, decoded on from where the last read ended or from the nearest keyframe; None on a miss."""
        keyframe = self._keyframes[max(bisect.bisect_right(self._keyframes, number) - 1, 0)]
        if not keyframe <= self._next <= number:
            if self._timed:
                try:
                    self._container.seek(self._times[keyframe], stream=self._stream)
                except self._av.FFmpegError:
                    return None
                self._frames = self._container.decode(self._stream)
                self._next, self._spoiled = keyframe, False
            elif self._next > number:
                self._restart()
        return self._advance(number)

    def _advance(self, number: int) -> Any:
        """Decodes up to frame ``number``; None when it is not among what is left. UnreadableImage at damage."""
        while True:
            try:
                with self._listening() as said:
                    frame = next(self._frames, None)
                self._spoiled = bool(said) or (self._spoiled and not (frame is not None and frame.key_frame))
                damaged = frame is not None and (frame.is_corrupt or frame.pts in self._corrupt or self._spoiled)
            except self._av.FFmpegError:
                damaged = True
            if damaged or frame is None:
                self._next = self.count  # the decoder is spent: the next read begins at a keyframe
            if damaged:
                raise _damaged(number)
            if frame is None:
                return None
            current = self._number.get(frame.pts, -1) if self._timed else self._next
            self._next = current + 1
            if current == number:
                return frame
            if current > number:
                return None

    @contextmanager
    def _listening(self) -> Iterator[list[Any]]:
        """What the decoder says of errors that it conceals, where the file is read carefully; else nothing."""
        if not self._careful:
            yield []
            return
        logging = self._av.logging
        level = logging.get_level()
        logging.set_level(logging.ERROR)
        try:
            with logging.Capture(local=True) as said:
                yield said
        finally:
            logging.set_level(level)


def _damaged(number: int) -> UnreadableImage:
    return UnreadableImage(f"cannot be decoded at image {number} (damaged); copy or encode it again.")
