"""What a rig of a film's size costs a solve: time and memory of one linearization, by parts.

    python -m tests.bench.big_rig [--device cpu] [--samples 10000]

650 targets, 250 controls with products on three levels, 800 joints, 12 influences a vertex, on a sphere of 25,000
vertices.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from facesolve.geometry.rig import RigModel
from facesolve.geometry.surface_samples import sample_surface
from facesolve.residuals.normal_equations import normal_equations, to_controls
from facesolve.take import Control, Driver, Rig, Shape, Target
from facesolve.take.rig_logic import CHANNEL, CONTROL, SIGNAL, TARGET, Port, Response
from facesolve.take.skeleton import RIG_SPACE, Channel, Joint, Skin

TARGETS, CONTROLS, PRODUCTS, JOINTS, INFLUENCES = 650, 250, 250, 800, 12
RINGS, SPOKES = 125, 200
READS = 5  # inputs of a channel


def big_rig() -> Rig:
    """The sphere, its logic and its skin, all from one seed."""
    random = np.random.default_rng(0)
    tilt, turn = np.meshgrid(np.linspace(0.02, 3.1, RINGS), np.arange(SPOKES) * 2 * np.pi / SPOKES, indexing="ij")
    unit = np.stack([np.sin(tilt) * np.cos(turn), np.cos(tilt), np.sin(tilt) * np.sin(turn)], -1).reshape(-1, 3)
    points = 10 * unit
    ring, spoke = np.meshgrid(np.arange(RINGS - 1), np.arange(SPOKES), indexing="ij")
    first, beside = ring * SPOKES + spoke, ring * SPOKES + (spoke + 1) % SPOKES
    faces = np.stack([first, beside, beside + SPOKES, first + SPOKES], -1).reshape(-1, 4)
    targets = []
    for number in range(TARGETS):
        near = np.exp(-((points - points[random.integers(len(points))]) ** 2).sum(1) / 4)
        kept = np.flatnonzero(near > 0.02).astype(np.int32)
        targets.append(Target(f"t{number}", (Shape(1.0, kept, near[kept, None] * random.normal(0, 0.2, 3)),)))
    responses, ports = _products(random)
    for target in range(CONTROLS, TARGETS):
        responses.append(Response.linear(Port(TARGET, target), ports[random.integers(len(ports))], 1.0))
    joints = tuple(_joint(number, random) for number in range(JOINTS))
    channels = tuple(Channel(joint, axis) for joint in range(JOINTS) for axis in ("rotateX", "rotateY", "translateZ"))
    for place, channel in enumerate(channels):
        size = 0.02 if channel.attribute.startswith("translate") else 1.0
        for port in random.choice(len(ports), READS, replace=False):
            responses.append(Response.linear(Port(CHANNEL, place), ports[port], random.normal(0, size)))
    influences = random.integers(0, JOINTS, (len(points), INFLUENCES))
    return Rig(
        neutral=points,
        face_counts=np.full(len(faces), 4),
        face_vertices=faces.ravel(),
        targets=tuple(targets),
        controls=tuple(Control(f"c{number}") for number in range(CONTROLS)),
        drivers=tuple(Driver.identity(number, number) for number in range(CONTROLS)),
        joints=joints,
        channels=channels,
        signals=tuple(f"s{number}" for number in range(PRODUCTS)),
        responses=tuple(responses),
        skin=Skin(
            joints=np.arange(JOINTS),
            inverse_bind=np.tile(np.eye(4), (JOINTS, 1, 1)),
            offsets=np.arange(len(points) + 1) * INFLUENCES,
            influences=influences.ravel(),
            weights=random.dirichlet(np.ones(INFLUENCES), len(points)).ravel(),
        ),
        photometric_weight=np.ones(len(points), np.float32),
    )


def _products(random: np.random.Generator) -> tuple[list[Response], list[Port]]:
    """Products on three levels, and everything that may be read."""
    ports = [Port(CONTROL, number) for number in range(CONTROLS)]
    responses = []
    for level in np.array_split(np.arange(PRODUCTS), 3):
        chosen = [[ports[place] for place in random.choice(len(ports), 3, replace=False)] for _ in level]
        signals = [Port(SIGNAL, int(number)) for number in level]
        responses += [Response.product(signal, inputs) for signal, inputs in zip(signals, chosen, strict=True)]
        ports = [*ports, *signals]
    return responses, ports


def _joint(number: int, random: np.random.Generator) -> Joint:
    """A tree eight joints deep."""
    return Joint(f"j{number}", RIG_SPACE if number < 100 else number - 100, random.normal(0, 0.3, 3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--samples", type=int, default=10_000)
    given = parser.parse_args()
    device = torch.device(given.device)

    def timed(name: str, task: Callable[[], Any], again: int = 1) -> Any:
        for _ in range(again):
            begun = time.perf_counter()
            found = task()
            if device.type == "cuda":
                torch.cuda.synchronize()
            print(f"{name:28} {time.perf_counter() - begun:8.3f} s")
        return found

    rig = timed("generated", big_rig)
    model = timed("as tensors", lambda: RigModel(rig, device))
    seen = torch.ones(len(model.triangles), dtype=torch.bool, device=device)
    samples = timed("samples", lambda: sample_surface(model, given.samples, seen))
    controls = 0.3 * torch.rand(1, CONTROLS, device=device)
    placed = timed("pose", lambda: samples.placed(model.deformation(controls)), 2)
    assert placed.deformation.skin is not None
    timed("columns of joints", lambda: placed.deformation.skin.joint_columns)
    information = torch.eye(3, device=device).expand(1, given.samples, 3, 3).contiguous()
    force = torch.ones(1, given.samples, 3, device=device)
    A, b = timed("normal equations", lambda: normal_equations(placed, information, force, exact=False), 2)
    timed("to controls", lambda: to_controls(A, b, placed.deformation.J_unknown_control))
    if device.type == "cuda":
        print(f"{torch.cuda.max_memory_allocated() / 2**30:.2f} GiB at most on the device")
        return
    import resource

    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB at most")


if __name__ == "__main__":
    main()
