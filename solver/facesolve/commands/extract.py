"""``facesolve extract``."""

from __future__ import annotations

from pathlib import Path

from facesolve.jobs.requests import ExtractRequest

from .output import EXIT_OK, Output


def extract(
    request: ExtractRequest,
    *,
    out: Path,
    overwrite: bool = False,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Write the images of a Norpix .seq recording as files.

    Writes each image of a recording as TIFF, PNG or JPEG, and a table of their time stamps to the microsecond. TIFF and
    PNG keep the bit depth (9 to 16 bits become 16, at full scale). JPEG images that are wanted as JPEG are copied as
    they are. A take can use the .seq itself as footage; nothing has to be extracted for a solve.

    Args:
        out: folder of the images.

    Examples:
        facesolve extract shot/cam0.seq --out frames --format png
        facesolve extract shot/cam0.seq --out frames --frames 100-199 --name '{name}.{frame:04d}'
        facesolve extract bayer.seq --out frames --format tif --bayer RGGB
    """
    with output.reporting() as progress:
        from facesolve.jobs.extract_images import extract_images

        done = extract_images(request, out, progress, overwrite)
        progress.done(out)
    left_out = f", {done.left_out} left out" if done.left_out else ""
    output.say(f"{out}: {done.written} images{left_out}; time stamps in {done.table.name}.")
    return EXIT_OK
