"""Does the start frame keep its pose when frames are added? Flat skin, an actor who is not the rig, lids and lips.

    python -m tests.bench.flat_skin [--lengths 1 2 5 20] [--quality standard] [--out DIR]

The demo's head without freckles and moles, 0.5 mm off its rig in a smooth way, filmed by cameras with a Bayer mosaic
and JPEG. Eyes are open in most frames, lids close twice, the mouth opens over teeth and tongue. The start pose is the
true one of the first frame. Prints what the first frame's surface, lids and lips are off by, before and after each
solve.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.console import Console
from rich.table import Table

import facesolve
from facesolve.demo.film import READ_NOISE, SHOT_NOISE, Stage
from facesolve.demo.head import Head, build_head, build_rig
from facesolve.demo.performance import cameras, head_transforms
from facesolve.demo.skin import paint
from facesolve.demo.skin_grid import Slit
from facesolve.evaluate.evaluation import read_truth
from facesolve.footage import linear_to_srgb
from facesolve.geometry.rig import RigModel
from facesolve.jobs.demo_take import FPS, TRUTH
from facesolve.take import Footage, Rig, Solution, StartPose, Take, read_take, write_take
from facesolve.take.files import write_atomic
from facesolve.take.names import TAKE
from facesolve.take.rig_evaluation import RigEvaluator
from facesolve.take.settings import QUALITIES

FRAMES = 20
FIRST = 1
MISFIT = 0.05  # cm rms over the face
BUMPS, WIDEST = 60, 3.0
JPEG_QUALITY = 90
STANDS = 0.2  # of a control's range, in all frames, at rest in truth

# when each control peaks and half its length, in frames, and how high it goes
ACTIONS: tuple[tuple[str, float, float, float], ...] = (
    ("eyeBlink_L", 6.0, 2.5, 1.0),
    ("eyeBlink_R", 6.0, 2.5, 1.0),
    ("eyeBlink_L", 15.0, 2.5, 1.0),
    ("eyeBlink_R", 15.0, 2.5, 0.95),
    ("jawOpen", 8.0, 5.0, 0.6),
    ("mouthFunnel", 10.0, 4.0, 0.5),
    ("mouthSmile_L", 15.0, 5.0, 0.7),
    ("mouthSmile_R", 15.0, 5.0, 0.6),
    ("mouthLowerDown", 16.0, 3.5, 0.5),
    ("mouthUpperUp", 16.0, 3.5, 0.4),
)
# centers and radius, cm, of regions of the skin of which errors are told
REGIONS: Mapping[str, tuple[tuple[tuple[float, float, float], ...], float]] = {
    "brows": (((2.6, 2.2, 7.5), (-2.6, 2.2, 7.5)), 1.8),
    "lids": (((3.1, 0.0, 7.0), (-3.1, 0.0, 7.0)), 1.4),
    "lips": (((0.0, -7.0, 8.5), (1.4, -7.0, 8.2), (-1.4, -7.0, 8.2)), 1.2),
    "chin": (((0.0, -10.2, 8.0),), 1.6),
}


def curves(names: Sequence[str], frames: int = FRAMES) -> np.ndarray:
    """(frames, K): all at rest in the first frame."""
    when = np.arange(frames)
    found = np.zeros((frames, len(names)))
    for name, peak, half, height in ACTIONS:
        phase = np.clip((when - peak) / half, -1.0, 1.0)
        found[:, names.index(name)] += height * 0.5 * (1.0 + np.cos(np.pi * phase))
    return found


def actor(rig: Rig, seed: int = 3) -> Rig:
    """The rig with a neutral that is off by a smooth field of ``MISFIT`` rms over the skin of the face."""
    random = np.random.default_rng(seed)
    skin = np.arange(rig.vertex_count) < rig.meshes[0].vertex_count
    face = skin & (rig.neutral[:, 2] > 2.0) & (rig.neutral[:, 1] > -12.0) & (rig.neutral[:, 1] < 6.0)
    centers = rig.neutral[random.choice(np.flatnonzero(face), BUMPS)]
    widths = random.uniform(WIDEST / 2, WIDEST, BUMPS)
    apart = np.linalg.norm(rig.neutral[:, None] - centers, axis=2) / widths
    field = np.exp(-0.5 * apart**2) @ random.standard_normal((BUMPS, 3)) * skin[:, None]
    field *= MISFIT / np.sqrt((field[face] ** 2).sum(1).mean())
    return replace(rig, neutral=rig.neutral + field)


def develop(image: torch.Tensor, random: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 sRGB of linear light (H, W, 3): one color a pixel, sensor noise, the rest interpolated."""
    light = image.numpy()
    mosaic = light[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = light[::2, ::2, 0], light[1::2, 1::2, 2]
    noisy = mosaic + np.sqrt(READ_NOISE**2 + SHOT_NOISE**2 * mosaic) * random.standard_normal(mosaic.shape)
    levels = np.rint(4095 * linear_to_srgb(np.clip(noisy, 0, 1))).astype(np.uint16)
    colors = cv2.cvtColor(levels, cv2.COLOR_BayerBG2RGB)
    return np.asarray(np.rint(colors / 4095 * 255), np.uint8)


def film(folder: Path) -> tuple[Take, Rig]:
    """The take of all frames in ``folder``, whose rig is not the actor's; and the actor's."""
    head = build_head()
    rig = build_rig(head)
    real = actor(rig)
    if not (folder / TAKE).exists():
        _film(folder, head, rig, real)
    return read_take(folder), real


def _film(folder: Path, head: Head, rig: Rig, real: Rig) -> None:
    stage = Stage.of(RigModel(real), paint(head, RigModel(rig), mottled=0.0))
    take = unfilmed(folder, rig)
    controls, heads = curves(rig.control_names), head_transforms(3 * FRAMES)[:FRAMES]
    for index in range(FRAMES):
        for number, (lens, footage) in enumerate(zip(take.cameras, take.footage, strict=True)):
            image = develop(stage.render(controls[index], heads[index], lens), np.random.default_rng((index, number)))
            encoded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
            write_atomic(Path(footage.image_path(FIRST + index)), encoded.tobytes())
    write_take(take, folder)


def unfilmed(folder: Path, rig: Rig) -> Take:
    """The take without its images; its truth is written into ``folder``."""
    lenses, controls, heads = cameras(), curves(rig.control_names), head_transforms(3 * FRAMES)[:FRAMES]
    patterns = [folder / lens.name / f"{lens.name}_{{frame:04d}}.jpg" for lens in lenses]
    buffer = io.BytesIO()
    np.savez_compressed(buffer, weights=controls, names=np.array(rig.control_names), head=heads, fps=FPS)
    write_atomic(folder / TRUTH, buffer.getvalue())
    return Take(
        name="flat skin",
        rig=rig,
        cameras=lenses,
        footage=tuple(Footage(lens.name, path.as_posix()) for lens, path in zip(lenses, patterns, strict=True)),
        frames=np.arange(FIRST, FIRST + FRAMES),
        fps=FPS,
        start=StartPose(FIRST, controls[0], heads[0]),
    )


def some_frames(take: Take, count: int) -> Take:
    """``count`` frames, the first among them, spread over the take."""
    rows = np.unique(np.linspace(0, FRAMES - 1, count).round().astype(int)) if count > 1 else np.array([0])
    return replace(take, frames=take.frames[rows], scene_times=take.scene_times[rows])


@dataclass(frozen=True)
class Errors:
    """Of the first frame: mm of the face and of each region, mean; of all frames: mm that lids' openings and the lips'
    gap are off, means and worst; controls that stand out though they are at rest."""

    regions: dict[str, float]
    lids: tuple[float, float]
    lips: tuple[float, float]
    standing: dict[str, float]
    within: tuple[float, float] | None = None

    def record(self) -> dict[str, object]:
        return self.__dict__


def errors(take: Take, real: Rig, poses: tuple[np.ndarray, np.ndarray], folder: Path) -> Errors:
    """Of controls (F, K) and heads (F, 4, 4) in the order of the take's frames."""
    truth = np.load(folder / TRUTH)
    rows = take.frames - FIRST
    true_controls, true_heads = truth["weights"][rows], truth["head"][rows]
    skin = build_head().skin
    solved = _in_world(RigEvaluator(take.rig), *poses)
    true = _in_world(RigEvaluator(real), true_controls, true_heads)
    first = 10 * np.linalg.norm(solved[0] - true[0], axis=1)
    face = np.asarray(take.rig.photometric_weight) > 0
    face &= (real.neutral[:, 2] > 2.0) & (real.neutral[:, 1] > -12.0)
    regions = {"face": float(first[face].mean())}
    for name, (centers, radius) in REGIONS.items():
        near = np.linalg.norm(real.neutral[:, None] - np.array(centers), axis=2).min(axis=1) < radius
        regions[name] = float(first[face & near].mean())
    lids = np.concatenate([_gaps(skin.upper, skin.lower, slit, solved, true) for slit in skin.eyes], 1)
    lips = _gaps(skin.upper, skin.lower, skin.mouth, solved, true)
    at_rest = np.abs(true_controls).max(axis=0) < 1e-3
    least = poses[0].min(axis=0)
    standing = {
        name: round(float(value), 2)
        for name, value, rest in zip(take.rig.control_names, least, at_rest, strict=True)
        if rest and value > STANDS
    }
    return Errors(regions, (lids.mean(), lids.max()), (lips.mean(), lips.max()), standing)


def _gaps(upper: np.ndarray, lower: np.ndarray, slit: Slit, *worlds: np.ndarray) -> np.ndarray:
    """(F, n) mm by which the openings of a slit differ, at n columns in its middle half."""
    columns = np.arange(slit.first, slit.last + 1)
    middle = columns[np.abs(slit.across(columns)) < 0.5]
    over, under = upper[slit.row, middle], lower[slit.row, middle]
    one, other = (world[:, over, 1] - world[:, under, 1] for world in worlds)
    return np.asarray(10 * np.abs(one - other))


def _in_world(evaluator: RigEvaluator, controls: np.ndarray, heads: np.ndarray) -> np.ndarray:
    return np.asarray(evaluator.vertices(controls) @ heads[:, :3, :3].swapaxes(1, 2) + heads[:, None, :3, 3])


def measure(take: Take, real: Rig, folder: Path, device: str = "cpu") -> tuple[Errors, Solution]:
    """One solve and its errors."""
    solution = facesolve.solve(take, device=device)
    as_solved = replace(take, rig=solution.fitted_rig(take.rig))
    found = errors(as_solved, real, (solution.controls, solution.head), folder)
    whole, rows = read_truth(folder / TRUTH), take.frames - FIRST
    truth = replace(whole, weights=whole.weights[rows], head=whole.head[rows])
    return replace(found, within=facesolve.evaluate(solution, take, truth).within), solution


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.flat_skin", description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=[1, 2, 5, 20])
    parser.add_argument("--quality", choices=QUALITIES, default="standard")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the take")
    chosen = parser.parse_args(arguments)
    table = Table(title="mm off in the first frame; of all frames, mean (worst)", title_justify="left")
    for heading in ("frames", "face", *REGIONS, "lid opening", "lip gap", "stand", "within", "s"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if chosen.out is None else chosen.out
        whole, real = film(folder)
        whole = replace(whole, settings=replace(whole.settings, quality=chosen.quality))
        assert whole.start is not None
        for count in chosen.lengths:
            take = some_frames(whole, count)
            if count == chosen.lengths[0]:
                start = some_frames(whole, 1)
                given = errors(start, real, (whole.start.controls[None], whole.start.head[None]), folder)
                _row(table, "start", given, 0.0)
            begun = time.process_time()
            found, _ = measure(take, real, folder)
            _row(table, str(count), found, time.process_time() - begun)
            print(json.dumps({"frames": count, **found.record()}), file=sys.stderr)
    Console(width=140).print(table)
    return 0


def _row(table: Table, name: str, found: Errors, seconds: float) -> None:
    gaps = (f"{mean:.2f} ({worst:.2f})" for mean, worst in (found.lids, found.lips))
    standing = " ".join(f"{name} {value}" for name, value in found.standing.items())
    within = "" if found.within is None else "/".join(f"{100 * share:.0f}" for share in found.within)
    values = (f"{value:.2f}" for value in found.regions.values())
    table.add_row(name, *values, *gaps, standing, within, f"{seconds:.0f}")


if __name__ == "__main__":
    sys.exit(main())
