"""How often a start pose is found, and whether its confidence can be believed: random heads, cameras and backgrounds.

python -m tests.bench.start_trials 40
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from facesolve.footage.stream import TakeFootage
from facesolve.runtime.progress import Silent
from facesolve.start.find import How, find_start
from tests.start.filmed import expression, film, lenses, placed

FOUND_WITHIN = 3.0  # degrees
TURN, SHIFT = (9.0, 12.0, 7.0), 1.7  # standard deviations: degrees, centimeters
ABSENT = 0.15  # share of the trials whose cameras show different poses, so that nothing can be found


def trial(seed: int, folder: Path) -> tuple[bool, float, float, float, float]:
    """Whether the head was found, its error in degrees, and confidence, agreement and the runner up's."""
    random = np.random.default_rng(seed)
    head = placed(tuple(random.normal(0, TURN)), tuple(random.normal(0, SHIFT, 3)))
    controls = expression()
    controls += np.where(random.random(len(controls)) < 0.4, random.random(len(controls)) ** 2, 0.0)
    clutter, cameras = bool(random.random() < 0.5), lenses()[: random.integers(2, 4)]
    filmed = film(folder, head, controls, clutter, cameras)
    if random.random() < ABSENT:
        for index, camera in enumerate(cameras[1:]):
            film(folder, placed((0, 25 + 15 * index, 0), (0, 0, 0)), controls, clutter, (camera,))
    device = torch.device("cpu")
    with TakeFootage(filmed.take, device) as footage:
        found = find_start(filmed.take, footage, device, Silent(), how=How("search"))
    degrees = filmed.error(found.start)[1]
    return degrees < FOUND_WITHIN, degrees, found.confidence, found.agreement, found.runner_up


def main(count: int) -> None:
    """Prints each trial, then for bins of confidence how many trials in them were right."""
    torch.set_num_threads(1)
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(count):
            outcomes.append(trial(seed, Path(folder)))
            right, degrees, confidence, agreement, runner_up = outcomes[-1]
            print(
                f"{seed:4d} {'right' if right else 'WRONG'} {degrees:6.2f} degrees, confidence {confidence:.2f}, "
                f"agreement {agreement:.2f}, next {runner_up:.2f}",
                flush=True,
            )
    for low, high in ((0.0, 0.3), (0.3, 0.8), (0.8, 1.01)):
        inside = [right for right, _, confidence, _, _ in outcomes if low <= confidence < high]
        print(f"confidence {low:.1f} to {min(high, 1.0):.1f}: {sum(inside)} of {len(inside)} right")


if __name__ == "__main__":
    main(int(sys.argv[1]))
