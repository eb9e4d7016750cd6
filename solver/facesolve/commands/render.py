"""``facesolve render``."""

from __future__ import annotations

from pathlib import Path

from facesolve.review.request import PNG, VideoRequest

from .output import EXIT_OK, Output


def render(
    solution: Path,
    /,
    *,
    request: VideoRequest = VideoRequest(),  # noqa: B008  # frozen
    out: Path,
    overwrite: bool = False,
    take: Path | None = None,
    device: str = "auto",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Show a solution over its footage as a video.

    Renders a solution with its footage into an MP4 (H.264), a GIF, or PNG pictures, by the file's ending.

      footage    the footage alone
      overlay    footage, and next to it the mesh's edges over the footage
      wireframe  the visible polygon edges over the footage
      shaded     the mesh in clay with smooth normals
      textured   the mesh with the texture that the solve baked
      blend      the textured mesh (clay without a texture) mixed into the footage
      heatmap    footage minus textured mesh, red where the footage is brighter, with a color bar
      grid       all of these, a row for each camera

    Footage is shown without its lens distortion, as the solver sees it.

    Args:
        out: file to write, .mp4, .gif or .png; NAME.{frame:04d}.png for a sequence.

    Examples:
        facesolve render my_solution --what overlay --out overlay.mp4
        facesolve render my_solution --what blend --opacity 0.7 --only-cameras left,front --out blend.mp4
        facesolve render my_solution --what heatmap --stabilize --frames 10-40 --height 480 --out heat.gif
        facesolve render my_solution --what grid --frames 20 --out frame20.png
    """
    with output.reporting() as progress:
        from facesolve.review.encode import check_new_pictures
        from facesolve.review.video import baked_texture, render_video
        from facesolve.runtime.devices import choose_device
        from facesolve.take import read_solution, read_take
        from facesolve.take.solved import find_take

        check_new_pictures(out, overwrite)
        solved = read_solution(solution)
        filmed = read_take(take) if take is not None else find_take(solved, solution)
        texture = baked_texture(solution, solved)
        video = render_video(solved, filmed, request, out, progress, texture, choose_device(device))
        progress.done(out)
    width, height = video.size
    scale = "" if video.levels is None else f", scale of differences ±{video.levels:g} of 255"
    count = len(video.frames)
    rate = "" if out.suffix.lower() == PNG else f", {video.fps:g} a second"
    output.note(f"{out}: {count} frame{'s' * (count != 1)}, {width}x{height}{rate}{scale}.")
    return EXIT_OK
