"""``facesolve repair``."""

from __future__ import annotations

from pathlib import Path

from .output import EXIT_OK, Verbosity, quoted


def repair(
    take: Path,
    /,
    *,
    fix: tuple[str, ...],
    out: Path,
    overwrite: bool = False,
    output: Verbosity = Verbosity(),  # noqa: B008  # frozen
) -> int:
    """Make a take without a mistake in its cameras or images.

    Writes a new take; the old one and its footage stay as they are. 'facesolve inspect --deep' finds out which repair a
    take needs. Each names what is wrong, for one camera by its name or for all:

      units=mm           lengths are in mm (m, inch), not cm
      axes=opengl        also camera-to-world, opengl-camera-to-world, row-vectors, y-down, z-up, z-down
      swap=A,B           the images of two cameras are swapped
      rotate=A:180       images are turned clockwise by 90, 180 or 270 degrees
      shift=A:2          images are two frames late (-2: early)
      scale=A:2          intrinsics are those of images of half the resolution
      focal=A:1.05       the focal length must be multiplied by 1.05
      center=all         the principal point is missing: it is put into the middle
      distortion=all     the distortion has the opposite sign

    Args:
        fix: what is wrong; may be given several times.
        out: folder of the repaired take.

    Examples:
        facesolve repair my_take --fix units=mm --out my_take_cm
        facesolve repair my_take --fix rotate=left:180 --fix shift=right:1 --out repaired
    """
    from facesolve.jobs.repair_take import repair_take

    repaired = repair_take(take, fix, out, overwrite)
    output.say(f"{out}: {repaired.frame_count} frames. Next: facesolve inspect {quoted(out)} --deep")
    return EXIT_OK
