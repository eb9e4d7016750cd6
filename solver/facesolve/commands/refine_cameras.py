"""``facesolve refine-cameras``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from .output import EXIT_OK, Output, print_json, quoted


def refine_cameras(
    take: Path,
    solution: Path | None = None,
    /,
    *,
    out: Path,
    overwrite: bool = False,
    only_cameras: tuple[str, ...] = (),
    device: str = "auto",
    json: bool = False,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Find cameras that were bumped after calibration.

    Finds from the footage and a solve which cameras moved after calibration, and writes a new take with their new
    poses. Solved shapes stay fixed; the head is refitted together with the cameras. This needs at least three cameras,
    most of them unmoved, or the names of those that moved. Then solve the new take. After a large bump repeat both
    steps: it also distorted the shapes of the first solve.

    Args:
        solution: a solve of the take; without one it is solved as a draft first.
        out: folder of the new take.
        only_cameras: cameras that are known to have moved; found from the footage if omitted.

    Examples:
        facesolve refine-cameras my_take my_solution --out my_take_2
        facesolve refine-cameras my_take my_solution --only-cameras left --out my_take_2
    """
    with output.reporting() as progress:
        from facesolve.jobs.refine_cameras import refine_take_cameras

        motions = refine_take_cameras(
            take, solution, out, cameras=only_cameras, device=device, progress=progress, overwrite=overwrite
        )
        progress.done(out)
    written = any(motion.moved for motion in motions)
    if json:
        print_json({"cameras": [asdict(motion) for motion in motions], "take": str(out) if written else None})
        return EXIT_OK
    for motion in motions:
        if motion.moved:
            output.say(
                f"{motion.camera}: turned by {motion.turn:.3f} degrees, moved by {motion.shift:.2f} mm, "
                f"{motion.pixels:.1f} pixels in its image."
            )
        else:
            output.say(f"{motion.camera}: not moved.")
    if written:
        output.say(f"{out}: a new take. Next: facesolve solve {quoted(out)} --out ...")
    else:
        output.say("No camera was bumped; nothing was written.")
    return EXIT_OK
