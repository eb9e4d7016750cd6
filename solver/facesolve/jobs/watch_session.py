"""A calibration whose session is still being photographed: looks for new images until it is interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from facesolve.calibrate.session import BoardImage, Session
from facesolve.calibrate.wall import coverage_page
from facesolve.calibrate.watch import Watch, Watched
from facesolve.runtime.interrupts import interruptible
from facesolve.take.files import check_folder, write_atomic

from .calibrate_images import check_outputs, lens_requests, wanted_boards
from .requests import CalibrateRequest

COVERAGE = "coverage.html"
LOOK_EVERY = 1.0  # seconds


def watch_session(
    request: CalibrateRequest,
    out: Path,
    show: Callable[[Watched], None],
    overwrite: bool = False,
    wait: Callable[[float], None] = time.sleep,
) -> tuple[Session, tuple[BoardImage, ...]]:
    """What was photographed until Ctrl-C: the views that were kept, and their images, for ``calibrate_images``.

    ``coverage.html`` in ``out`` shows where boards were seen, whenever something is new; ``show`` hears of it, too.
    Raises TakeError when no view could be kept.
    """
    check_folder(out)
    check_outputs(out, overwrite)
    boards = wanted_boards(request)
    watch = Watch(request.images, boards, request.only_cameras, lambda names: lens_requests(request, names))
    _write(out, watch.state)
    show(watch.state)
    with interruptible():
        try:
            while True:
                if watch.look():
                    _write(out, watch.state)
                    show(watch.state)
                wait(LOOK_EVERY)
        except KeyboardInterrupt:
            _write(out, watch.state, live=False)
    return watch.state.session(boards), tuple(one.image for one in watch.state.kept)


def _write(out: Path, state: Watched, live: bool = True) -> None:
    write_atomic(out / COVERAGE, coverage_page(state, live).encode("utf-8"))
