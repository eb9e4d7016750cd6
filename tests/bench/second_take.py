"""Is a second take of an actor whose profile is known as accurate with a camera fewer, and no slower?

    python -m tests.bench.second_take

The first take of a generated person is posed by hand and leaves a profile. The second, of other frames, is solved with
all cameras and no profile, then with the profile and one camera less. Prints errors of the head's front and seconds
of the processor.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from facesolve import Settings, Solution, Take, solve
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.take import Footage, StartPose
from facesolve.take.actor import write_actor
from tests.stages.test_neutral import actors_rig
from tests.synthetic import film, head_rig, make_take, performance

FRAMES = 8


def filmed(first: int, posed: bool) -> tuple[Take, Pose]:
    """A take of the person from one of the performance's frames on, and the truth."""
    take = make_take(head_rig(), Settings(contour=0.0), FRAMES)
    truth = performance(first + FRAMES).at(slice(first, first + FRAMES))
    pixels = film(RigModel(actors_rig()), take.cameras, truth)
    footage = []
    for c, lens in enumerate(take.cameras):
        images = np.stack([np.round(255 * frame.luminance[c].numpy()).astype(np.uint8) for frame in pixels])
        footage.append(Footage.from_arrays(lens.name, images))
    start = StartPose(0, truth.controls[0].numpy(), truth.head[0].numpy(), posed)
    return replace(take, footage=tuple(footage), start=start), truth


def without(take: Take, camera: int) -> Take:
    """The take without one of its cameras."""
    kept = [index for index in range(len(take.cameras)) if index != camera]
    return replace(take, cameras=tuple(take.cameras[c] for c in kept), footage=tuple(take.footage[c] for c in kept))


def error(found: Solution, truth: Pose) -> float:
    """Mean distance in mm of the front of the head from the person's."""
    there = RigModel(actors_rig()).vertices(truth.controls.float()) @ truth.head[:, :3, :3].mT.float()
    world = (there + truth.head[:, None, :3, 3].float()).numpy()
    front = head_rig().neutral[:, 2] > 3
    return 10 * float(np.linalg.norm(found.vertices(head_rig()) - world, axis=2)[:, front].mean())


def main() -> None:
    """See the module."""
    table = Table("", "error, mm", "controls", "seconds")

    def solved(name: str, take: Take, truth: Pose) -> Solution:
        began = time.process_time()
        found = solve(take, device="cpu")
        seconds = time.process_time() - began
        controls = np.abs(found.controls - truth.controls.numpy()).mean()
        table.add_row(name, f"{error(found, truth):.2f}", f"{controls:.3f}", f"{seconds:.1f}")
        return found

    learned = solved("first take, all cameras", *filmed(0, True))
    assert learned.actor is not None
    second, truth = filmed(FRAMES, False)
    solved("second take, all cameras, no profile given", second, truth)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "actor.npz"
        write_actor(learned.actor, file)
        for camera, lens in enumerate(second.cameras):
            take = replace(without(second, camera), actor=str(file))
            solved(f"second take, without '{lens.name}', with the profile", take, truth)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
