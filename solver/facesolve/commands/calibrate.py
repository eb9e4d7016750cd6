"""``facesolve calibrate``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from facesolve.jobs.requests import CalibrateRequest

from .output import EXIT_OK, Output, print_json, quoted


def calibrate(
    request: CalibrateRequest,
    *,
    out: Path,
    watch: bool = False,
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

    With --watch the session may still be going on: new images are taken in as they are written, coverage.html in --out
    (it reloads itself) shows where boards were seen and where to hold the next one, moving boards are refused, and
    Ctrl-C ends the session and calibrates.

    Args:
        out: folder of the results.
        watch: look for new images until Ctrl-C, and show what they cover.

    Examples:
        facesolve calibrate 'session/{camera}/{view}.png' --board circles:10x10:20 --out calibration
        facesolve calibrate stereo_folder --board chessboard:9x6:25 --lens k1k2 --out calibration
        facesolve calibrate 'left{view}.jpg' --board charuco:5x7:40:20:6X6_250 --lens left=rational --out left
        facesolve calibrate session --board charuco:5x7:40:20:6X6_250 --out calibration --watch
        facesolve calibrate session --board circles:10x10:20 --intrinsics lenses.yml --hold-intrinsics --out rig
    """
    found = _watched(request, out, overwrite, output) if watch else None
    with output.reporting() as progress:
        from facesolve.calibrate.report import calibration_record, print_calibration
        from facesolve.jobs.calibrate_images import calibrate_images

        calibration, weaknesses, advice = calibrate_images(request, out, progress, overwrite, found)
        progress.done(out)
    if json:
        print_json(calibration_record(calibration, weaknesses, advice))
    elif not output.in_lines and not output.quiet:
        print_calibration(calibration, weaknesses, advice)
        output.say(f"{out}: calibration.json. Next: facesolve pack --cameras {quoted(out / 'calibration.json')} ...")
    return EXIT_OK


def _watched(request: CalibrateRequest, out: Path, overwrite: bool, output: Output) -> Any:
    """The boards of a session that goes on until Ctrl-C; its coverage is shown in the terminal."""
    from rich.live import Live

    from facesolve.calibrate.wall import coverage_table
    from facesolve.calibrate.watch import Watched
    from facesolve.jobs.watch_session import COVERAGE, watch_session

    shown = not output.in_lines and not output.quiet
    output.say(f"{out / COVERAGE} shows the coverage. Ctrl-C ends the session and calibrates.")
    with Live(auto_refresh=False) if shown else nullcontext() as live:

        def show(state: Watched) -> None:
            if live is not None:
                live.update(coverage_table(state), refresh=True)

        return watch_session(request, out, show, overwrite)
