"""What pictures of a solution cost on a CPU: seconds of computing for a picture of each kind, and for the whole report.

    python -m tests.bench.report_cost my_solution

Seconds are of the process, all threads together, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from facesolve.review.report.write import write_report
from facesolve.review.request import ReportRequest, VideoRequest
from facesolve.review.video import baked_texture, render_videos
from facesolve.runtime.progress import Silent
from facesolve.take import read_solution
from facesolve.take.provenance import read_provenance
from facesolve.take.solved import find_take

HEIGHT = 720  # pixels, as in a report
KINDS = (("wireframe",), ("wireframe", "footage"), ("wireframe", "textured", "heatmap"))


def computed(act: Callable[[], object]) -> float:
    """Seconds of the process that ``act`` takes."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("solution", type=Path)
    folder = parser.parse_args(arguments).solution
    torch.set_num_threads(1)
    solution = read_solution(folder)
    take, texture = find_take(solution, folder), baked_texture(folder, solution)
    pictures = len(solution.frames) * len(take.cameras)
    with tempfile.TemporaryDirectory(prefix="report_cost_") as scratch:
        for kinds in KINDS:
            if texture is None and len(kinds) == len(KINDS[-1]):
                continue
            wanted = [(VideoRequest(kind, height=HEIGHT), Path(scratch) / f"{kind}.mp4") for kind in kinds]
            seconds = computed(partial(render_videos, solution, take, wanted, Silent(), texture))
            print(f"{' and '.join(kinds)}: {seconds:.1f} s, {1000 * seconds / pictures:.0f} ms for a frame of a camera")
        page, request = Path(scratch) / "report.html", ReportRequest(device="cpu")
        seconds = computed(partial(write_report, folder, page, request, Silent()))
        solve = sum(read_provenance(solution.provenance).seconds.values())
        print(f"report: {seconds:.1f} s, {page.stat().st_size / 1e6:.1f} MB; the solve took {solve:.0f} s by the clock")
    return 0


if __name__ == "__main__":
    sys.exit(main())
