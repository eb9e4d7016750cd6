"""``facesolve demo``."""

from __future__ import annotations

from pathlib import Path

from .output import EXIT_OK, Output


def demo(
    *,
    out: Path = Path("facesolve_demo"),
    overwrite: bool = False,
    length: int = 16,
    device: str = "auto",
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Generate a small take, solve it and report the error.

    Builds a head, films a short performance with three cameras, solves it from a start pose that is slightly off,
    prints the errors, and writes curves.png and overlay pictures.

    Args:
        out: folder for all of it.
        length: number of frames of the take, at least 2.

    Examples:
        facesolve demo
        facesolve demo --out try --length 24
    """
    with output.reporting() as progress:
        from facesolve.jobs.run_demo import run_demo
        from facesolve.review.measures import print_evaluation

        evaluation = run_demo(out, frames=length, device=device, progress=progress, overwrite=overwrite)
        progress.done(out)
    if not output.in_lines and not output.quiet:
        print_evaluation(evaluation)
        output.say(f"Look at {out / 'curves.png'} and {out / 'overlay_front.png'}.")
    return EXIT_OK
