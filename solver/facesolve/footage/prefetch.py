"""Decodes footage ahead of the solve in a bounded thread pool. Knows readers, not files."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from facesolve.take import FootageError

from .image import Image
from .reader import FootageReader

MAX_WORKERS = 8


@dataclass(frozen=True)
class UnseenImage:
    """An image that a camera could not give, and why (a sentence that names camera, frame and file)."""

    camera: str
    frame: int
    reason: str


class Prefetcher:
    """Iterates over (frame, images) in the order of ``frames``; images holds one Image, or None, for each
    reader.

    frames: take frame numbers, asked for only when their images are to be decoded. depth: frames decoded ahead; with
    the one being handed over and the one that the loop body had before, at most ``depth + 2`` frames are in memory,
    however long the take.
    on_bad_frame: ``stop`` raises the reader's FootageError when its frame is reached; ``unseen`` gives None for that
    image and records it in ``unseen``.
    prepare: done with every image on the thread that has read it; what it returns is handed over instead.

    Use it as a context manager: leaving the block, by whatever way, stops the decoding. It can be iterated once.
    """

    def __init__(
        self,
        readers: Sequence[FootageReader],
        frames: Iterable[int],
        depth: int = 2,
        on_bad_frame: str = "stop",
        prepare: Callable[[Image], Any] | None = None,
    ) -> None:
        self.unseen: list[UnseenImage] = []
        self._readers = tuple(readers)
        self._frames = (int(frame) for frame in frames)
        self._depth = max(int(depth), 1)
        self._stop = on_bad_frame == "stop"
        self._prepare = prepare
        self._ahead: deque[tuple[int, list[Future[Any]]]] = deque()
        self._shared = ThreadPoolExecutor(min(MAX_WORKERS, os.cpu_count() or 1), "footage")
        # a video decodes in one thread of its own, in frame order, else its frames would be sought one by one
        self._pools = [ThreadPoolExecutor(1, "video") if r.in_order else self._shared for r in self._readers]

    def __enter__(self) -> Prefetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[int, list[Any]]]:
        try:
            self._fill()
            while self._ahead:
                frame, futures = self._ahead.popleft()
                images = [self._image(frame, index, future) for index, future in enumerate(futures)]
                futures.clear()
                self._fill()
                yield frame, images
                del images
        finally:
            self.close()

    def close(self) -> None:
        """Drops what was decoded ahead and waits for the images being decoded now; may be called twice."""
        for _, futures in self._ahead:
            for future in futures:
                future.cancel()
        self._ahead.clear()
        for pool in {self._shared, *self._pools}:
            pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self) -> None:
        while len(self._ahead) < self._depth and (frame := next(self._frames, None)) is not None:
            futures = [pool.submit(self._read, r, frame) for pool, r in zip(self._pools, self._readers, strict=True)]
            self._ahead.append((frame, futures))

    def _read(self, reader: FootageReader, frame: int) -> Any:
        image = reader.read(frame)
        return image if self._prepare is None else self._prepare(image)

    def _image(self, frame: int, index: int, future: Future[Any]) -> Any:
        try:
            return future.result()
        except FootageError as error:
            if self._stop:
                raise
            self.unseen.append(UnseenImage(self._readers[index].camera.name, frame, str(error)))
            return None
