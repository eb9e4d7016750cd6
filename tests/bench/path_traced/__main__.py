"""Films a take of an actor who is not the rig, with Cycles.

    python -m tests.bench.path_traced FaceXModel OUT --seed 3 --frames 8

``FaceXModel`` is the folder of that name in ICT-FaceKit (https://github.com/ICT-VGL/ICT-FaceKit, MIT). Needs Blender as
a Python module (``pip install bpy``), which wants a Python of its own version; no other part of the tests does.

Writes rig.npz and calibration.json, as a studio has them; rig_actor.npz, calibration_true.json and truth.npz, as it
really was; start.json and footage/CAMERA/CAMERA_0000.jpg.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .cameras import FPS, LATE, given, stage_cameras, write_calibration
from .head import read_head, write_rig
from .performance import Performance, rough_start, write_start, write_truth

EVERY = 2  # of the camera's frames is filmed, so that a few cover more of the performance


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.path_traced", description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, metavar="FaceXModel")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--samples", type=int, default=8, help="light paths through a pixel")
    chosen = parser.parse_args(arguments)
    rng, out = np.random.default_rng(chosen.seed), chosen.out
    out.mkdir(parents=True)
    studio = read_head(chosen.model).as_another_person(rng)
    actor = studio.as_an_actor(rng)
    write_rig(out / "rig.npz", studio)
    write_rig(out / "rig_actor.npz", actor)
    performance = Performance.random(rng, studio.names)
    cameras = stage_cameras(rng)
    write_calibration(out / "calibration_true.json", cameras)
    write_calibration(out / "calibration.json", given(cameras, rng))
    times = np.arange(chosen.frames) * EVERY / FPS
    write_truth(out / "truth.npz", actor, performance, times, FPS / EVERY)
    write_start(out / "start.json", studio.names, *rough_start(performance, rng))
    from .cycles import Film  # Blender is heavy, and missing it should cost no more than this line

    film = Film(actor, rng, chosen.samples, bearded=chosen.seed % 2 == 1)
    for frame, time in enumerate(times.tolist()):
        for camera in cameras:
            vertices, head = actor.posed(performance, time + LATE.get(camera.name, 0.0))
            film.shoot(camera, vertices, head, out / "footage" / camera.name / f"{camera.name}_{frame:04d}.jpg", frame)
            print(f"frame {frame}, {camera.name}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
