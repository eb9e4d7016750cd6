"""Correctives as a job on disk: on top of a solution, into the solution's folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from facesolve.correctives.apply import corrective_targets
from facesolve.correctives.learn import follow, learn
from facesolve.correctives.search import Search
from facesolve.footage.stream import TakeFootage
from facesolve.geometry.pose import Pose
from facesolve.runtime.progress import Progress
from facesolve.solve.provenance import origin
from facesolve.stages.keyframes import choose_keyframes
from facesolve.stages.setup import prepare
from facesolve.take import (
    Correctives,
    Solution,
    StartPose,
    Take,
    TakeError,
    read_solution,
    write_correctives,
)
from facesolve.take.correctives import controls_key
from facesolve.take.files import check_new
from facesolve.take.frame_range import part_of_take
from facesolve.take.names import CORRECTIVES, CORRECTIVES_ARRAYS
from facesolve.take.provenance import read_provenance
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import find_take, fitted_take
from facesolve.take.vertex_mask import read_mask

from .opened_take import open_take

MOST_SAMPLES = 12_000  # at which the surface is compared: shapes are smooth


@dataclass(frozen=True)
class Result:
    """What a search gave. correctives: None where there are none, for the reason ``why``. before, after: mean camera
    residual."""

    correctives: Correctives | None
    before: float
    after: float
    why: str = ""


def find_correctives(
    folder: Path,
    *,
    search: Search,
    take_folder: Path | None,
    mask: Path | None,
    device: str,
    progress: Progress,
    settings: SettingsChange | None = None,
    overwrite: bool = False,
) -> Result:
    """Finds correctives for the solution in ``folder`` and writes ``correctives.npz`` and ``.json`` beside it.

    Where there are none, older ones are removed. take_folder: where the solution's own record is not right. settings:
    changes to those of the solve. mask: vertices that correctives may move. Raises FacesolveError; correctives that are
    there already are an error unless ``overwrite``.
    """
    check_new(folder / CORRECTIVES, overwrite)
    solution = read_solution(folder)
    take = solved_take(solution, fitted_take(find_take(solution, folder, take_folder), solution))
    recorded = read_provenance(solution.provenance).settings.get("quality", take.settings.quality)
    take = replace(take, settings=replace(take.settings, quality=recorded))
    vertices = None if mask is None else read_mask(mask, take.rig.vertex_count) > 0
    opened = open_take(take, device=device, progress=progress, settings=settings)
    take, where = opened.take, opened.device
    problem, _, first = prepare(take, where)
    problem = problem.with_samples(problem.samples.thinned(1 + (len(problem.samples.weight) - 1) // MOST_SAMPLES))
    pose = Pose(torch.as_tensor(solution.controls, device=where), torch.as_tensor(solution.head, device=where))
    frames = choose_keyframes(problem, pose, [first])
    before = float(np.nanmean(solution.residual))
    usable = None if vertices is None else torch.as_tensor(vertices, device=where)
    with TakeFootage(take, where) as footage:
        pixels = [image for _, image in footage.frames(frames.tolist())]
        learned = learn(problem, pixels, pose.at(frames), frames, search, progress, usable)
        if isinstance(learned, str):
            for name in (CORRECTIVES, CORRECTIVES_ARRAYS):
                (folder / name).unlink(missing_ok=True)
            progress.message(f"no correctives: {learned}.")
            return Result(None, before, before, learned)
        followed = follow(problem, footage, pixels, pose, frames, learned, progress)
    activations, shapes = followed.activations.cpu().numpy(), learned.shapes.cpu().numpy()
    largest = np.maximum(np.abs(activations).max(0), 1e-6)
    after = float(np.nanmean(followed.residual.cpu().numpy()))
    record = origin(take, folder, folder, where)
    correctives = Correctives(
        targets=corrective_targets(shapes * largest[:, None, None], (*take.rig.target_names, *take.rig.control_names)),
        meshes=take.rig.meshes,
        frames=take.frames,
        scene_times=take.scene_times,
        activations=activations / largest,
        provenance={
            **{name: record[name] for name in ("facesolve", "torch", "python", "device", "rasterizer", "date")},
            "take": solution.provenance.get("take"),
            "method": "second order, smooth kernels along the normals",
            "search": asdict(search),
            "keyframes": take.frames[frames.cpu().numpy()].tolist(),
            "mean_residual": {"before": round(before, 5), "after": round(after, 5)},
            "mean_deviation": (followed.deviation.mean(0).cpu().numpy() / largest).round(4).tolist(),
            "controls": controls_key(solution),
        },
    )
    write_correctives(correctives, folder)
    return Result(correctives, before, after)


def solved_take(solution: Solution, take: Take) -> Take:
    """The part of ``take`` that was solved, with the solution's first frame as its start pose. Raises TakeError."""
    if tuple(take.rig.control_names) != solution.control_names:
        raise TakeError("solution: its controls are not those of the take; name the take that it was solved from.")
    part = part_of_take(take, int(solution.frames[0]), int(solution.frames[-1]))
    if not np.array_equal(part.frames, solution.frames):
        raise TakeError("solution: its frames are not those of the take; name the take that it was solved from.")
    return replace(part, start=StartPose(int(solution.frames[0]), solution.controls[0], solution.head[0]))
