"""``facesolve index``."""

from __future__ import annotations

from pathlib import Path

from facesolve.take.names import INDEX

from .output import EXIT_OK, Output


def index(
    folder: Path,
    /,
    *,
    out: Path | None = None,
    overwrite: bool = False,
    device: str = "auto",
    worst_frames: bool = True,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Show many solutions on one offline page: which takes need you.

    Writes one HTML file over all solutions in a folder: for each take the verdict, the expected error, a picture of the
    worst frame, a line of its errors, cameras that misbehave, time, settings that differ from the other takes', and a
    link to its report; across takes, cameras and controls that are bad in many, and cameras that drift. 'facesolve
    solve' of several takes writes it as takes finish.

    Args:
        folder: folder that holds the folders of solutions.
        out: the page, .html; FOLDER/index.html if omitted.
        worst_frames: draw the worst frame of takes that have no picture of it yet.

    Examples:
        facesolve index solutions
        facesolve index solutions --no-worst-frames --out /shared/morning.html
    """
    path = folder / INDEX if out is None else out
    with output.reporting() as progress:
        from facesolve.review.index.write import write_index
        from facesolve.runtime.devices import choose_device

        count = write_index(
            folder, path, progress, device=str(choose_device(device)), pictures=worst_frames, overwrite=overwrite
        )
        progress.done(path)
    output.note(f"{path}: {count} takes.")
    return EXIT_OK
