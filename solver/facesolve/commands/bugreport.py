"""``facesolve bugreport``."""

from __future__ import annotations

from pathlib import Path

from .output import EXIT_OK, Verbosity


def bugreport(
    folder: Path,
    /,
    *,
    out: Path,
    images: bool = False,
    overwrite: bool = False,
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Pack what a developer needs to understand a failure into one zip.

    Holds the files of the take and of its solution (rig geometry, cameras, settings, curves, log, checkpoint) and what
    'facesolve doctor' says. Textures, reports and footage stay out, so that it shows no image of the actor.

    Args:
        folder: folder with take.json or solution.json.
        out: the file, .zip.
        images: also the footage's images of the start frame, which show the actor.

    Examples:
        facesolve bugreport my_solution --out bug.zip
        facesolve bugreport my_take --images --out bug.zip
    """
    from facesolve.jobs.bugreport import write_bugreport

    names = write_bugreport(folder, out, images=images, overwrite=overwrite)
    output.say(f"{out}: {', '.join(names)}.")
    return EXIT_OK
