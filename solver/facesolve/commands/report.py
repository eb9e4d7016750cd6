"""``facesolve report``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from facesolve.review.request import KINDS

from .declare import EXIT_OK, add_command, add_progress, reporting


def add(commands: Any) -> None:
    parser = add_command(
        commands,
        "report",
        _run,
        "show a solution as one offline web page",
        "Writes one HTML file that any browser opens without a network: the overlay video in step with the curves and\n"
        "how sure they are, the error of every camera at every frame, the least certain and confused controls,\n"
        "head motion, settings and provenance, and what to look at in plain words. Without footage the page has no\n"
        "video and says so.",
        "  facesolve report my_solution --out report.html\n"
        "  facesolve report my_solution --what wireframe,shaded,heatmap --cameras front,left --out report.html\n"
        "  facesolve report my_solution --no-video --out report.html",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder with solution.json")
    parser.add_argument("--out", dest="file", type=Path, required=True, metavar="FILE", help="the page, .html")
    parser.add_argument(
        "--what",
        metavar="A,B",
        default="wireframe",
        help=f"videos to choose from on the page: {', '.join(KINDS)} (default wireframe)",
    )
    parser.add_argument("--no-video", action="store_true", help="curves and errors only")
    parser.add_argument("--cameras", metavar="A,B", help="cameras in the video, all by default")
    parser.add_argument("--height", type=int, default=720, help="height of the video in pixels (default 720)")
    parser.add_argument("--take", type=Path, help="the take, when it is not where the solution says")
    add_progress(parser)


def _run(arguments: argparse.Namespace) -> int:
    with reporting(arguments.progress) as progress:
        from facesolve.review.report.write import ReportRequest, write_report

        request = ReportRequest(
            kinds=() if arguments.no_video else _names(arguments.what),
            cameras=_names(arguments.cameras or ""),
            height=arguments.height,
            take=arguments.take,
        )
        report = write_report(arguments.out, arguments.file, request, progress)
        progress.done(arguments.file)
    if arguments.progress == "bar":
        without = f" {report.no_film}" if report.no_film else ""
        print(f"{arguments.file}: {report.size / 1e6:.1f} MB.{without}", file=sys.stderr)
    return EXIT_OK


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
