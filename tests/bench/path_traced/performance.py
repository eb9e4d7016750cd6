"""A random performance over time, its truth, and a rough start pose. Knows no Blender."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from .head import Head

ACTIVE = 11  # pairs of shapes that play, with jaw, gaze and lids
TURN_DEGREES, SHIFT_CM = (5.0, 7.0, 3.0), 0.5
BLINK_SECONDS = 0.035
START_TURN, START_SHIFT, START_WEIGHT = 0.7, 0.08, 0.06  # degrees, cm, parts of a control: deviations of the start pose


@dataclass(frozen=True, eq=False)
class Performance:
    """weights, head: of a time in seconds, (K,) and (4, 4)."""

    weights: Callable[[float], np.ndarray]
    head: Callable[[float], np.ndarray]

    @staticmethod
    def random(rng: np.random.Generator, names: Sequence[str]) -> Performance:
        """Some shapes come and go, with the jaw; the eyes wander and blink once; the head turns."""
        pairs: dict[str, list[int]] = {}
        for index, name in enumerate(names):
            pairs.setdefault(name.removesuffix("_L").removesuffix("_R"), []).append(index)
        others = [pair for pair in pairs if not pair.startswith(("eye", "jaw", "mouthClose"))]
        playing = [*rng.choice(others, ACTIVE, replace=False).tolist(), "jawOpen"]
        plays = []
        for pair in playing:
            size, level = rng.uniform(0.35, 0.9), rng.uniform(-0.4, 0.3)
            shared, apart = _wave(rng, 0.6 * size), _wave(rng, 0.25 * size)
            plays += [(index, size, level, shared, apart if side else None) for side, index in enumerate(pairs[pair])]
        aside, up, blink = _wave(rng, 0.4), _wave(rng, 0.3), rng.uniform(0.1, 0.4)
        turns = [_wave(rng, np.radians(degrees)) for degrees in TURN_DEGREES]
        shifts = [_wave(rng, SHIFT_CM) for _ in range(3)]
        at = {name: index for index, name in enumerate(names)}

        def weights(time: float) -> np.ndarray:
            found = np.zeros(len(names))
            for index, size, level, shared, apart in plays:
                found[index] = np.clip(shared(time) + level + (apart(time) if apart else 0), 0, size)
            for side, outwards in (("L", 1), ("R", -1)):
                found[at[f"eyeBlink_{side}"]] = min(0.05 + np.exp(-(((time - blink) / BLINK_SECONDS) ** 2)), 1)
                found[at[f"eyeLookOut_{side}"]] = np.clip(outwards * aside(time), 0, 0.8)
                found[at[f"eyeLookIn_{side}"]] = np.clip(-outwards * aside(time), 0, 0.8)
                found[at[f"eyeLookUp_{side}"]] = np.clip(up(time), 0, 0.7)
                found[at[f"eyeLookDown_{side}"]] = np.clip(-up(time), 0, 0.7)
            return found

        def head(time: float) -> np.ndarray:
            matrix = np.eye(4)
            matrix[:3, :3] = cv2.Rodrigues(np.array([turn(time) for turn in turns]))[0]
            matrix[:3, 3] = [shift(time) for shift in shifts]
            return matrix

        return Performance(weights, head)


def rough_start(performance: Performance, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Weights and head at the first frame as somebody would pose them by eye."""
    head, weights = performance.head(0.0), performance.weights(0.0)
    head[:3, :3] = cv2.Rodrigues(np.radians(START_TURN) * rng.normal(size=3))[0] @ head[:3, :3]
    head[:3, 3] += START_SHIFT * rng.normal(size=3)
    changed = rng.random(len(weights)) < 0.5
    return np.clip(weights + START_WEIGHT * changed * rng.normal(size=len(weights)), 0, 1), head


def write_start(path: Path, names: Sequence[str], weights: np.ndarray, head: np.ndarray) -> None:
    """start.json."""
    start = {"frame": 0, "weights": dict(zip(names, weights.tolist(), strict=True)), "head": head.tolist()}
    path.write_text(json.dumps(start, indent=1), encoding="utf-8")


def write_truth(path: Path, actor: Head, performance: Performance, times: np.ndarray, fps: float) -> None:
    """truth.npz, with the vertices in the world as they were filmed."""
    posed = [actor.posed(performance, time) for time in times.tolist()]
    np.savez(
        path,
        vertices=np.array([vertices for vertices, _ in posed], np.float32),
        weights=np.array([performance.weights(time) for time in times.tolist()], np.float32),
        names=np.array(actor.names),
        head=np.array([head for _, head in posed]),
        head_weight=actor.head_weight.astype(np.float32),
        fps=np.float64(fps),
    )


def _wave(rng: np.random.Generator, size: float) -> Callable[[float], float]:
    sizes, phases = size * rng.normal(size=4) * (1, 0.8, 0.5, 0.3), rng.uniform(0, 2 * np.pi, 4)
    return lambda time: float((sizes * np.sin(2 * np.pi * 0.55 * np.arange(1, 5) * time + phases)).sum())
