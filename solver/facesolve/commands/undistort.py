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

    Removes the lens distortion of a calibration from every image of a sequence, video or .seq, at the same size, depth
    and intrinsics, and writes the calibration of the new images. A solve needs no undistorted footage; this is for
    programs that only know pinhole cameras. The folder appears once everything is written. Several .seq files are
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
