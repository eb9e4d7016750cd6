"""``facesolve undistort``."""

from __future__ import annotations

from pathlib import Path

from facesolve.jobs.requests import UndistortRequest

from .output import EXIT_OK, Output, quoted


def undistort(
    request: UndistortRequest,
    *,
    out: Path,
    overwrite: bool = False,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Write footage without its lens distortion.

    Writes every image of a sequence, video or .seq without the lens distortion of its calibration, at the same size and
    depth and with the same intrinsics, and the calibration that belongs to the new images. A solve does this itself: it
    is for programs that know pinhole cameras only. The folder appears when all is written. Several .seq files are
    matched by their time stamps; images that a camera dropped are reported and left out.

    Args:
        out: folder of the images.

    Examples:
        facesolve undistort 'footage/{camera}/{camera}_{frame:04d}.jpg' --cameras calibration.json --out straight
        facesolve undistort '{camera}.mov' --cameras calibration.yml --frames 10-50 --format jpg --out straight
    """
    with output.reporting() as progress:
        from facesolve.jobs.undistort_footage import undistort_footage

        count = undistort_footage(request, out, progress, overwrite)
        progress.done(out)
    output.say(f"{out}: {count} images. Their cameras: {quoted(out / 'calibration.json')}")
    return EXIT_OK
