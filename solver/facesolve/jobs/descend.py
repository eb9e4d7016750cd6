"""A first-order solve as a job on disk: an ordinary solution, and beside it what else was learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from facesolve.baseline.first_order import Snapshot, descend
from facesolve.baseline.method import Budget, FirstOrder
from facesolve.correctives.apply import corrective_targets
from facesolve.render import Texture
from facesolve.render.texture import Tile
from facesolve.render.texture_files import write_texture
from facesolve.review.encode import Writer, check_output, open_writer
from facesolve.runtime.progress import Progress
from facesolve.solve.provenance import origin
from facesolve.take import Camera, Correctives, Solution, Take, read_take, write_correctives, write_solution
from facesolve.take.correctives import controls_key
from facesolve.take.files import check_new, write_json
from facesolve.take.vertex_mask import read_mask

from .opened_take import open_take

CAMERAS = "cameras.json"
VIDEO = "progress.mp4"
VIDEO_FPS = 12.0
REPORTS = 100  # of how far it is, over the run


def descend_take_folder(
    take_folder: Path,
    out: Path,
    *,
    method: FirstOrder,
    budget: Budget,
    device: str,
    frames: tuple[int, int] | None,
    mask: Path | None,
    video: bool,
    progress: Progress,
    overwrite: bool = False,
) -> Solution:
    """Solves the take in ``take_folder`` and writes the solution into ``out``.

    Also ``texture.<UDIM>.png`` (gray), ``correctives.npz`` and ``.json`` where shapes were learned, ``cameras.json``
    where cameras moved, and ``progress.mp4`` if ``video``. Raises FacesolveError; until it ends nothing is written. A
    solution that is in ``out`` already is an error unless ``overwrite``.
    """
    check_new(out / "solution.json", overwrite)
    take = read_take(take_folder)
    vertices = None if mask is None else read_mask(mask, take.rig.vertex_count)
    if video:
        check_new(out / VIDEO, overwrite)
        check_output(out / VIDEO, 2)
    opened = open_take(take, device=device, progress=progress, frames=frames)
    take, where = opened.take, opened.device
    progress.stage(f"descend ({method.mode})", REPORTS)
    every = max(1, int(min(budget.steps, 1e6)) // REPORTS) if np.isfinite(budget.steps) else 10
    with _film(take, out / VIDEO if video else None, method.level) as writer:
        done = 0

        def observe(snapshot: Snapshot) -> None:
            nonlocal done
            reached = int(REPORTS * snapshot.spent)
            progress.advance(reached - done)
            done = reached
            if writer is not None:
                writer.add(snapshot.steps, _even(snapshot.picture()))

        outcome = descend(take, where, method, budget, mask=vertices, observe=observe, every=every)
    provenance = {**outcome.solution.provenance, **origin(take, take_folder, out, where)}
    files = write_texture(_gray(outcome.texture), out)
    provenance["texture"] = [file.name for file in files]
    solution = replace(outcome.solution, provenance=provenance)
    if len(outcome.shapes):
        taken = [*take.rig.target_names, *take.rig.control_names]
        correctives = Correctives(
            targets=corrective_targets(outcome.shapes, taken),
            meshes=take.rig.meshes,
            frames=take.frames,
            scene_times=take.scene_times,
            activations=outcome.activations,
            provenance={"method": provenance["method"], "controls": controls_key(solution), "take": provenance["take"]},
        )
        write_correctives(correctives, out)
    if outcome.cameras is not None:
        write_json(out / CAMERAS, {camera.name: _calibration(camera) for camera in outcome.cameras})
    write_solution(solution, out)
    return solution


@contextmanager
def _film(take: Take, path: Path | None, level: int) -> Iterator[Writer | None]:
    """A writer of progress pictures, or None."""
    if path is None:
        yield None
        return
    width, height = (size >> level for size in (take.cameras[0].width, take.cameras[0].height))
    with open_writer(path, (2 * width // 2 * 2, height // 2 * 2), VIDEO_FPS, lambda: ()) as writer:
        yield writer


def _even(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2])


def _gray(texture: Mapping[Tile, Tensor]) -> Texture:
    """A texture of encoded luminance as one to write: linear light, the same in all channels."""
    tiles = {tile: (texels.clamp_min(0) ** 2).expand(-1, -1, 3) for tile, texels in texture.items()}
    return Texture.from_tiles(tiles)


def _calibration(camera: Camera) -> dict[str, object]:
    """As ``facesolve pack --cameras`` reads it."""
    return {
        "intrinsic": camera.intrinsics.tolist(),
        "distortion": camera.distortion.tolist(),
        "rotation": camera.rotation.tolist(),
        "translation": camera.translation.tolist(),
        "width": camera.width,
        "height": camera.height,
        "lens": camera.lens,
    }
