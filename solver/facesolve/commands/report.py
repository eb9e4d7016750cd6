"""``facesolve report``."""

from __future__ import annotations

from pathlib import Path

from facesolve.review.request import ReportRequest

from .output import EXIT_OK, Output


def report(
    solution: Path,
    /,
    *,
    request: ReportRequest = ReportRequest(),  # noqa: B008  # frozen
    out: Path,
    overwrite: bool = False,
    output: Output = Output(),  # noqa: B008
) -> int:
    """Show a solution as one offline web page.

    Writes one HTML file that any browser opens without a network: the overlay video in step with the curves and how
    sure they are, the error of every camera at every frame, the least certain and confused controls, head motion,
    settings and provenance, and what to look at in plain words. Without footage the page has no video and says so.

    Args:
        out: the page, .html.

    Examples:
        facesolve report my_solution --out report.html
        facesolve report my_solution --what wireframe,shaded,heatmap --only-cameras front,left --out report.html
        facesolve report my_solution --no-video --out report.html
        facesolve report my_solution --against other_solution --out both.html
    """
    with output.reporting() as progress:
        from facesolve.review.report.write import write_report

        written = write_report(solution, out, request, progress, overwrite)
        progress.done(out)
    without = f" {written.no_film}" if written.no_film else ""
    output.note(f"{out}: {written.size / 1e6:.1f} MB.{without}")
    return EXIT_OK
