"""A solution as a video beside or over its footage: ``render_video``. Streams frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facesolve.render import Texture
from facesolve.render.texture_files import read_texture
from facesolve.runtime.progress import Progress
from facesolve.take import Solution, Take
from facesolve.take.names import TEXTURE
from facesolve.take.provenance import read_provenance

from .encode import check_output, open_writer
from .request import KINDS, NEEDS_TEXTURE, VideoError, VideoRequest
from .scene import SolvedTake
from .sheet import Sheet, chosen_cameras

__all__ = ["KINDS", "Video", "VideoError", "VideoRequest", "baked_texture", "render_video"]


@dataclass(frozen=True)
class Video:
    """What was written. size: (width, height). frames: take frame numbers, one a picture.

    levels: at the ends of the scale of differences, None when none are shown. path holds a ``{frame}`` field when it is
    a sequence.
    """

    path: Path
    size: tuple[int, int]
    frames: tuple[int, ...]
    fps: float
    levels: float | None


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
) -> Video:
    """Renders ``solution`` over the footage of ``take`` into ``path``: .mp4, .gif, or .png.

    A name for several PNG files has a ``{frame:04d}`` field. texture: of ``baked_texture``; textured pictures and
    differences need it. In memory are a few frames, however long the take. Raises FacesolveError with one sentence; no
    unfinished file is left.
    """
    cameras = chosen_cameras(take, request.only_cameras)
    rows = _rows(solution, request.frames)
    check_output(path, len(rows))
    shown = request.panels
    if texture is None and NEEDS_TEXTURE.intersection(shown):
        if request.what != "grid":
            raise VideoError(
                f"video: the solution has no baked texture, which '{request.what}' needs; render another kind, or "
                "solve a rig that has UVs."
            )
        progress.message("The solution has no baked texture: the grid shows neither the texture nor differences.")
        shown = tuple(name for name in shown if name not in NEEDS_TEXTURE)
    scene = SolvedTake.of(solution, take, texture)
    fps = solution.fps if request.fps is None else request.fps
    with Sheet(scene, request.sized_for(path), cameras, shown, rows) as sheet:
        if "difference" in shown and request.levels is None:
            progress.stage("find the scale of differences", 1)
            sheet.fit_levels()
            progress.advance()
        progress.stage(f"render {request.what}", len(rows))
        with open_writer(path, sheet.size, fps, sheet.samples, request.rate_factor) as writer:
            for frame, picture in sheet.pictures(rows):
                writer.add(frame, picture)
                progress.advance()
    levels = sheet.levels if "difference" in shown else None
    return Video(path, sheet.size, tuple(solution.frames[rows].tolist()), fps, levels)


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
