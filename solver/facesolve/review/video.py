"""A solution as a video beside or over its footage: ``render_video``. Streams frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from facesolve.render import Texture
from facesolve.render.texture_files import read_texture
from facesolve.runtime.progress import Progress
from facesolve.take import Solution, Take
from facesolve.take.names import TEXTURE
from facesolve.take.provenance import read_provenance

from .encode import check_output, in_thread, open_writer
from .request import KINDS, MP4, NEEDS_FOOTAGE, NEEDS_TEXTURE, VideoError, VideoRequest
from .scene import SolvedTake
from .sheet import Sheet, chosen_cameras
from .shots import Shots
from .sound import Track, sound_of

__all__ = ["KINDS", "Video", "VideoError", "VideoRequest", "baked_texture", "render_video", "render_videos"]


@dataclass(frozen=True)
class Video:
    """What was written. size: (width, height). frames: take frame numbers, one a picture.

    levels: at the ends of the scale of differences, None when none are shown. cells: (camera's name, x, y, width,
    height) of each panel in pixels. sound: whether it has the footage's. path holds a ``{frame}`` field when it is a
    sequence.
    """

    path: Path
    size: tuple[int, int]
    frames: tuple[int, ...]
    fps: float
    levels: float | None
    cells: tuple[tuple[str, int, int, int, int], ...]
    sound: bool = False


def baked_texture(folder: Path, solution: Solution) -> Texture | None:
    """The texture that the solve baked into the solution's folder, None when it baked none. Raises TakeError."""
    return read_texture(folder / TEXTURE) if read_provenance(solution.provenance).texture else None


def render_video(
    solution: Solution,
    take: Take,
    request: VideoRequest,
    path: Path,
    progress: Progress,
    texture: Texture | None = None,
    device: torch.device | str = "cpu",
) -> Video:
    """Renders ``solution`` over the footage of ``take`` into ``path``: .mp4, .gif, or .png.

    A name for several PNG files has a ``{frame:04d}`` field. texture: of ``baked_texture``; textured pictures and
    differences need it. device: what draws. In memory are a few frames, however long the take. Raises FacesolveError
    with one sentence; no unfinished file is left.
    """
    return render_videos(solution, take, [(request, path)], progress, texture, device)[0]


def render_videos(
    solution: Solution,
    take: Take,
    wanted: Sequence[tuple[VideoRequest, Path]],
    progress: Progress,
    texture: Texture | None = None,
    device: torch.device | str = "cpu",
) -> list[Video]:
    """Several videos as of ``render_video``; what those of the same cameras and frames share is drawn once."""
    for request, path in wanted:
        chosen_cameras(take, request.only_cameras)
        check_output(path, len(_rows(solution, request.frames)))
    scene = SolvedTake.of(solution, take, texture, device)
    groups: dict[Any, list[int]] = {}
    for index, (request, path) in enumerate(wanted):
        sized = request.sized_for(path)
        alike = (sized.only_cameras, sized.frames, sized.stabilize, sized.scale, sized.height, len(sized.panels))
        groups.setdefault(alike, []).append(index)
    videos: dict[int, Video] = {}
    for members in groups.values():
        made = _together(scene, [wanted[index] for index in members], progress)
        videos.update(zip(members, made, strict=True))
    return [videos[index] for index in range(len(wanted))]


def _together(scene: SolvedTake, wanted: Sequence[tuple[VideoRequest, Path]], progress: Progress) -> list[Video]:
    """Videos of the same cameras, frames and sizes, from one run through the footage."""
    first = wanted[0][0]
    rows = _rows(scene.solution, first.frames)
    cameras = chosen_cameras(scene.take, first.only_cameras)
    shown = [_shown(request, scene.texture, progress) for request, _ in wanted]
    footage = any(NEEDS_FOOTAGE.intersection(names) for names in shown)
    with ExitStack() as opened:
        shots = opened.enter_context(Shots(scene, cameras, rows, footage, first.stabilize))
        sheets, writers = [], []
        sound = _sound(scene, rows, wanted)
        for (request, path), names in zip(wanted, shown, strict=True):
            sheet = Sheet(shots, request.sized_for(path), names, rows)
            if "difference" in names and request.levels is None:
                progress.stage("find the scale of differences", 1)
                sheet.fit_levels()
                progress.advance()
            fps = scene.solution.fps if request.fps is None else request.fps
            writer = open_writer(
                path, sheet.size, fps, sheet.samples, request.rate_factor, None if request.fps else sound
            )
            sheets.append(sheet)
            writers.append(opened.enter_context(in_thread(writer)))
        progress.stage(f"render {', '.join(request.what for request, _ in wanted)}", len(rows))
        for some in shots.of(rows, sheets[0].picture_sizes):
            for sheet, writer in zip(sheets, writers, strict=True):
                for frame, picture in sheet.drawn(some):
                    writer.add(frame, picture)
            progress.advance(len(some[0].rows))
    return [
        _video(scene, request, path, sheet, rows, sound is not None)
        for (request, path), sheet in zip(wanted, sheets, strict=True)
    ]


def _sound(scene: SolvedTake, rows: list[int], wanted: Sequence[tuple[VideoRequest, Path]]) -> Track | None:
    """What was heard, for videos that have sound and run at the footage's pace."""
    if not any(path.suffix.lower() == MP4 and request.fps is None for request, path in wanted):
        return None
    return sound_of(scene.take, scene.solution.frames[rows].tolist(), scene.solution.fps)


def _video(scene: SolvedTake, request: VideoRequest, path: Path, sheet: Sheet, rows: list[int], sound: bool) -> Video:
    fps = scene.solution.fps if request.fps is None else request.fps
    levels = sheet.levels if "difference" in sheet.shown else None
    heard = sound and path.suffix.lower() == MP4 and request.fps is None
    return Video(path, sheet.size, tuple(scene.solution.frames[rows].tolist()), fps, levels, sheet.cells, heard)


def _shown(request: VideoRequest, texture: Texture | None, progress: Progress) -> tuple[str, ...]:
    """The panels that can be drawn. Raises VideoError when that is not what the request is for."""
    if texture is not None or not NEEDS_TEXTURE.intersection(request.panels):
        return request.panels
    if request.what != "grid":
        raise VideoError(
            f"video: the solution has no baked texture, which '{request.what}' needs; render another kind, or "
            "solve a rig that has UVs."
        )
    progress.message("The solution has no baked texture: the grid shows neither the texture nor differences.")
    return tuple(name for name in request.panels if name not in NEEDS_TEXTURE)


def _rows(solution: Solution, frames: tuple[int, int] | None) -> list[int]:
    """0-based frames of the solution. Raises VideoError when the range reaches beyond it."""
    if not len(solution.frames):
        raise VideoError("video: the solution has no frames.")
    first, last = int(solution.frames[0]), int(solution.frames[-1])
    asked = (first, last) if frames is None else frames
    if asked[0] < first or asked[1] > last:
        raise VideoError(f"video: frames {asked[0]}-{asked[1]} reach beyond the solution, which has {first}-{last}.")
    rows = [row for row, frame in enumerate(solution.frames.tolist()) if asked[0] <= frame <= asked[1]]
    if not rows:
        raise VideoError(f"video: the solution has no frame from {asked[0]} to {asked[1]}.")
    return rows
