"""Two solutions of one rig against each other, frame by frame: vertices, head, controls. Draws nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facesolve.evaluate.evaluation import head_rotation
from facesolve.evaluate.vertex_errors import MILLIMETERS, Poses, VertexErrors, vertex_errors
from facesolve.take import Rig, Solution, Take, TakeError
from facesolve.take.csv_text import csv_text
from facesolve.take.files import write_atomic
from facesolve.take.provenance import read_provenance
from facesolve.take.rig_evaluation import RigEvaluator, control_columns

SAME_PLACE = 1e-3  # cm: neutrals that lie nearer are the same
SHOWN_FRAMES = 6  # ranges of frames that a sentence lists


@dataclass(frozen=True, eq=False)
class Comparison:
    """Solution B beside solution A on their F common frames; B minus A where there is a sign.

    a, b: the solutions, reduced to the common frames. vertices: millimeters. head_rotation: (F,) degrees. head_shift:
    (F,) millimeters by which the head transforms move the middle of the neutral's face apart. controls: names (K,) that
    both have; difference: (F, K); deviation: (F, K) standard deviation of the difference as the solutions tell it.
    notes: sentences about what could not be compared, or only with care.
    """

    a: Solution
    b: Solution
    vertices: VertexErrors
    head_rotation: np.ndarray
    head_shift: np.ndarray
    controls: tuple[str, ...]
    difference: np.ndarray
    deviation: np.ndarray
    notes: tuple[str, ...]

    @property
    def frames(self) -> np.ndarray:
        """(F,) take frame numbers."""
        return self.a.frames

    def most_different(self) -> list[int]:
        """Indices into ``controls``, the largest mean absolute difference first."""
        return [int(k) for k in np.argsort(-np.abs(self.difference).mean(axis=0), kind="stable")]


def compare(
    a: Solution, b: Solution, take_a: Take, take_b: Take | None = None, region: tuple[int, int] | None = None
) -> Comparison:
    """Compares two solutions on the frames, by number, that both have.

    take_b: of solution B, None when it is the one of A. Each solution poses the rig of its own take. region: vertex
    range [first, last) measured beside the whole face. Raises TakeError when they have no frame in common or their rigs
    do not have the same vertices.
    """
    take_b = take_a if take_b is None else take_b
    common, rows_a, rows_b = np.intersect1d(a.frames, b.frames, return_indices=True)
    if not len(common):
        raise TakeError(f"compare: A has frames {_ranges(a.frames)}, B has {_ranges(b.frames)}: none is in both.")
    notes = [*_rig_notes(take_a.rig, take_b.rig), *_frame_notes(a, b), *_take_notes(a, b)]
    a, b = a.part(rows_a), b.part(rows_b)
    poses_a = _poses(a, take_a.rig, "A")
    poses_b = _poses(b, take_b.rig, "B", poses_a.evaluator if take_b.rig is take_a.rig and a.actor is b.actor else None)
    face = poses_a.evaluator.moving_vertices()
    middle = take_a.rig.neutral[face if face.any() else slice(None)].mean(axis=0).astype(np.float64)
    shift = (b.head[:, :3, :3] - a.head[:, :3, :3]) @ middle + b.head[:, :3, 3] - a.head[:, :3, 3]
    names = tuple(name for name in a.control_names if name in set(b.control_names))
    in_a, in_b = ([s.control_names.index(name) for name in names] for s in (a, b))
    return Comparison(
        a=a,
        b=b,
        vertices=vertex_errors(poses_a, poses_b, common, a.fps, region),
        head_rotation=head_rotation(a.head, b.head),
        head_shift=MILLIMETERS * np.linalg.norm(shift, axis=1),
        controls=names,
        difference=b.controls[:, in_b] - a.controls[:, in_a],
        deviation=np.hypot(a.control_std[:, in_a], b.control_std[:, in_b]),
        notes=tuple(notes),
    )


def write_csv(comparison: Comparison, path: Path) -> None:
    """Writes a row for each common frame: distances in mm, head, and B minus A of every common control.

    Distances are those of the face; a region that was asked for adds columns that begin with its name.
    """
    columns: dict[str, np.ndarray] = {}
    for index, region in enumerate(comparison.vertices.regions):
        prefix = f"{region.name} " if index else ""
        columns |= {
            f"{prefix}vertex_mean_mm": region.frame_world_mean,
            f"{prefix}vertex_max_mm": region.frame_world_max,
            f"{prefix}head_removed_mean_mm": region.frame_rig_mean,
            f"{prefix}head_removed_max_mm": region.frame_rig_max,
        }
    columns |= {"head_rotation_deg": comparison.head_rotation, "head_shift_mm": comparison.head_shift}
    rows = []
    for row, frame in enumerate(comparison.frames.tolist()):
        values = [*(column[row] for column in columns.values()), *comparison.difference[row]]
        rows.append([frame, *(f"{value:.6f}" for value in values)])
    write_atomic(path, csv_text(["frame", *columns, *comparison.controls], rows).encode("utf-8"))


def _poses(solution: Solution, rig: Rig, which: str, evaluator: RigEvaluator | None = None) -> Poses:
    controls = control_columns(solution.controls, solution.control_names, rig, f"solution {which}")
    return Poses(evaluator or RigEvaluator(solution.fitted_rig(rig)), controls, solution.head)


def _rig_notes(a: Rig, b: Rig) -> list[str]:
    """What differs between the rigs. Raises TakeError when their vertices do not correspond."""
    if a is b:
        return []
    if a.vertex_count != b.vertex_count or not np.array_equal(a.face_vertices, b.face_vertices):
        raise TakeError(
            f"compare: the rigs are not the same mesh ({a.vertex_count} and {b.vertex_count} vertices), so nothing "
            "corresponds; compare solutions of one rig."
        )
    notes = []
    apart = float(np.linalg.norm(a.neutral - b.neutral, axis=1).max())
    if apart > SAME_PLACE:
        notes.append(f"The neutrals of the two rigs differ by up to {MILLIMETERS * apart:.2f} mm, which is included.")
    for name, one, other in (("A", a, b), ("B", b, a)):
        alone = [control for control in one.control_names if control not in set(other.control_names)]
        if alone:
            notes.append(f"Only {name}'s rig has {', '.join(alone)}; not compared as controls.")
    return notes


def _frame_notes(a: Solution, b: Solution) -> list[str]:
    return [
        f"Frames {_ranges(alone)} are in {name} only and are not compared."
        for name, alone in (("A", np.setdiff1d(a.frames, b.frames)), ("B", np.setdiff1d(b.frames, a.frames)))
        if len(alone)
    ]


def _take_notes(a: Solution, b: Solution) -> list[str]:
    notes = []
    takes = [read_provenance(solution.provenance).take_name for solution in (a, b)]
    if takes[0] != takes[1]:
        notes.append(f"The takes have different names ({takes[0]}, {takes[1]}); frames are matched by number.")
    if a.fps != b.fps:
        notes.append(f"A has {a.fps:g} frames a second, B {b.fps:g}; frames are matched by number.")
    return notes


def _ranges(frames: np.ndarray) -> str:
    """``0-5, 9`` for frames 0 to 5 and 9."""
    runs = np.split(np.sort(frames), np.flatnonzero(np.diff(np.sort(frames)) > 1) + 1)
    texts = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return ", ".join(texts[:SHOWN_FRAMES] + (["..."] if len(texts) > SHOWN_FRAMES else []))
