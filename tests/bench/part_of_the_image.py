"""Real photographs of a board of which only a small window of the image counts, against the calibration of all of it.

    python -m tests.bench.part_of_the_image IMAGES BOARD [SHARE]

IMAGES and BOARD as of ``facesolve calibrate``; SHARE of the image, 0.12 unless given. Nine windows, each calibrated
with the lens that its views choose and with five coefficients: how far they are off the whole image's cameras, and what
they state. Real boards, lenses and corners have errors that generated ones lack.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, product

import numpy as np

from facesolve.calibrate.board import parse_board
from facesolve.calibrate.calibrate import Calibration, Request, calibrate
from facesolve.calibrate.detect import detect_session
from facesolve.calibrate.images import find_images
from facesolve.calibrate.session import Session
from facesolve.calibrate.single import LensRequest
from facesolve.calibrate.trust import distance, orientation
from facesolve.runtime.progress import Silent

PLACES = (0.32, 0.5, 0.68)  # of a window's middle, as a share of the image's width and height
FEWEST_POINTS, FEWEST_VIEWS = 12, 4  # of a board inside the window, and of a camera
PARTS = ("focal length, %", "principal point, px", "angle, degrees", "apart, mm")


def window(session: Session, share: float, middle: tuple[float, float]) -> Session | None:
    """The points of a session in a window of its images; None where too few boards reach into it."""
    found = []
    for detection in session.detections:
        size = np.array(session.sizes[detection.camera])
        inside = (np.abs(detection.pixels - middle * size) < np.sqrt(share) / 2 * size).all(1)
        if inside.sum() >= FEWEST_POINTS:
            found.append(replace(detection, ids=detection.ids[inside], pixels=detection.pixels[inside]))
    counts = [sum(detection.camera == camera for detection in found) for camera in session.cameras]
    return Session(session.board, session.sizes, tuple(found)) if min(counts) >= FEWEST_VIEWS else None


def errors(found: Calibration, whole: Calibration) -> Iterator[tuple[str, float, float]]:
    """Of each part: how far off what the whole image says, and the stated deviation."""
    for one, other in zip(found.cameras, whole.cameras, strict=True):
        focal = other.parameters[0]
        yield PARTS[0], 100 * (one.parameters[0] / focal - 1), 100 * one.deviation[0] / focal
        for number in (2, 3):
            yield PARTS[1], one.parameters[number] - other.parameters[number], one.deviation[number]
    for a, b in combinations(range(len(found.cameras)), 2):
        turn = orientation(found.sure, a, b)
        yield PARTS[2], turn.angle - orientation(whole.sure, a, b).angle, turn.deviation
        length, deviation = distance(found.sure, a, b)
        yield PARTS[3], 10 * (length - distance(whole.sure, a, b)[0]), 10 * deviation


def row(session: Session, whole: Calibration, share: float, lens: str) -> str:
    """A row of the table: the 95th percentile of the errors, the median of what is stated, how often two hold."""
    models: Counter[str] = Counter()
    told: dict[str, list[tuple[float, float]]] = {part: [] for part in PARTS}
    windows = [found for middle in product(PLACES, PLACES) if (found := window(session, share, middle)) is not None]
    for part_of_it in windows:
        calibration = calibrate(part_of_it, Request(lens=LensRequest(lens)), Silent())
        models.update(one.model for one in calibration.cameras)
        for part, error, deviation in errors(calibration, whole):
            told[part].append((error, deviation))
    cells = [lens, str(len(windows))]
    for values in map(np.array, told.values()):
        if len(values):
            size, stated = np.percentile(np.abs(values[:, 0]), 95), np.median(values[:, 1])
            held = np.mean(np.abs(values[:, 0]) <= 2 * values[:, 1])
            cells.append(f"{size:.3f} (± {stated:.3f}, {100 * held:.0f} %)")
        else:
            cells.append("")
    cells.append(", ".join(f"{model} {count}" for model, count in models.most_common()))
    return f"| {' | '.join(cells)} |"


def main() -> None:
    images, board = sys.argv[1:3]
    share = float(sys.argv[3]) if len(sys.argv) > 3 else 0.12
    session = detect_session(find_images(images), [parse_board(board)], Silent())
    whole = calibrate(session, Request(), Silent())
    heading = f"| lens | windows | {' | '.join(PARTS)} | chosen |"
    print(f"{heading}\n{'|---' * (heading.count('|') - 1)}|")
    for lens in ("auto", "brown"):
        print(row(session, whole, share, lens), flush=True)


if __name__ == "__main__":
    main()
