"""``facesolve calibrate``."""

from __future__ import annotations

from pathlib import Path

from facesolve.jobs.requests import CalibrateRequest

from .output import EXIT_OK, Output, print_json, quoted


def calibrate(
    request: CalibrateRequest,
    *,
    out: Path,
    overwrite: bool = False,
    json: bool = False,
    output: Output = Output(),  # noqa: B008  # frozen
) -> int:
    """Find the lenses and positions of cameras from images of a board.

    All cameras are calibrated jointly. IMAGES is a pattern with {camera} and {view} (images of one view were taken at
    one moment), a folder with one folder for each camera, a folder with left01.jpg, right01.jpg ..., a folder of one
    camera's images, or one image; or one video or .seq recording a camera: a folder of them, or a pattern with {camera}
    alone.

    Boards, with lengths in mm:

      circles:10x10:20         columns, rows, spacing; add :12 for dots 12 mm wide, to correct perspective bias
      acircles:4x11:20         asymmetric circles
      chessboard:9x6:25        inner corners, side of a square
      charuco:5x7:40:20:6X6_250  squares, side of a square, side of a marker, dictionary; add :18 for the first marker
      aprilgrid:6x6:88:26.4    tags, side of a tag, gap between tags; add :36H11 for the family, :18 for the first tag

    Writes calibration.json for 'facesolve pack' (centimeters; the origin is that of the board at --origin, x points to
    the board's right, y up, and z toward who looks at a board that stood upright; see --stands and --up), the same as
    calibration_thesis.json and as OpenCV's calibration.yml, report.json, rig.png and a picture of each view.

    Args:
        out: folder of the results.

    Examples:
        facesolve calibrate 'session/{camera}/{view}.png' --board circles:10x10:20 --out calibration
        facesolve calibrate stereo_folder --board chessboard:9x6:25 --lens k1k2 --out calibration
        facesolve calibrate 'left{view}.jpg' --board charuco:5x7:40:20:6X6_250 --lens left=rational --out left
        facesolve calibrate session --board circles:10x10:20 --intrinsics lenses.yml --hold-intrinsics --out rig
    """
    with output.reporting() as progress:
        from facesolve.calibrate.report import calibration_record, print_calibration
        from facesolve.jobs.calibrate_images import calibrate_images

        calibration, weaknesses, advice = calibrate_images(request, out, progress, overwrite)
        progress.done(out)
    if json:
        print_json(calibration_record(calibration, weaknesses, advice))
    elif not output.in_lines and not output.quiet:
        print_calibration(calibration, weaknesses, advice)
        output.say(f"{out}: calibration.json. Next: facesolve pack --cameras {quoted(out / 'calibration.json')} ...")
    return EXIT_OK
