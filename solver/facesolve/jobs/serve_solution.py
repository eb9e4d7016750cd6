"""A solution kept ready for a program that shows and edits it: requests come in lines, answers go out as events."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import TextIO

from facesolve.review.frame_pictures import FrameArtist
from facesolve.runtime.progress import Progress
from facesolve.take import read_solution
from facesolve.take.requests import Request, read_request
from facesolve.take.solved import find_take

END = None  # of the requests


def serve_solution(folder: Path, requests: TextIO, progress: Progress) -> None:
    """Answers until ``requests`` ends; meanwhile draws all frames of the solution in ``folder``.

    A request to draw is answered before the rest; of several that wait the last one counts. Raises FacesolveError.
    """
    solution = read_solution(folder)
    artist = FrameArtist(solution, find_take(solution, folder), folder)
    waiting: queue.Queue[Request | None] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, waiting), name="facesolve requests", daemon=True).start()
    wanted = 0
    while True:
        while artist.undrawn and waiting.empty():
            row = min(artist.undrawn, key=lambda row: abs(row - wanted))
            for path in artist.draw(row):
                progress.picture(path)
        request = waiting.get()
        if request is END:
            return
        wanted = int(abs(solution.frames - request.frame).argmin())


def _listen(requests: TextIO, waiting: queue.Queue[Request | None]) -> None:
    for line in requests:
        if line.strip():
            waiting.put(read_request(line))
    waiting.put(END)
