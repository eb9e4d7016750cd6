"""A solution kept ready for a program that shows and edits it: requests come in lines, answers go out as events."""

from __future__ import annotations

import os
import queue
import threading
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import numpy as np

from facesolve.footage.stream import TakeFootage
from facesolve.review.frame_pictures import FrameArtist
from facesolve.runtime.checkpoint import KeptState
from facesolve.runtime.devices import choose_device
from facesolve.runtime.progress import Reporter, Silent
from facesolve.solve.edited import EditableSolve
from facesolve.solve.pipeline import solve_take
from facesolve.solve.solution import shared_variance
from facesolve.take import FacesolveError, HeadPin, Pin, Solution, SolveError, Take, read_solution, write_solution
from facesolve.take.frame_range import part_of_take
from facesolve.take.names import STATE
from facesolve.take.provenance import read_provenance
from facesolve.take.requests import Draw, Request, Solve, read_request
from facesolve.take.settings_record import SettingsChange
from facesolve.take.solved import find_take_folder, fingerprint
from facesolve.take.storage import read_take
from facesolve.take.version import VERSION

from .solve_folder import sweep

END = None  # of the requests


def serve_solution(folder: Path, requests: TextIO, progress: Reporter, device: str = "auto") -> None:
    """Answers until ``requests`` ends; meanwhile draws all frames of the solution in ``folder``.

    First it removes what a task that was killed left unfinished there.

    When these are drawn, it makes ready for edits, if the solve kept its state. A request is answered before the
    drawing goes on. A request to solve that fails gives an error event. device: of the solve, whose state was kept
    on that kind. Raises FacesolveError.
    """
    solution = read_solution(folder)
    sweep(folder)
    take_folder = find_take_folder(solution, folder)
    take = read_take(take_folder)
    waiting: queue.Queue[Request | None] = queue.Queue()
    threading.Thread(target=_listen, args=(requests, waiting), name="facesolve requests", daemon=True).start()
    artist = FrameArtist(solution, take, folder)
    wanted = 0
    with ExitStack() as opened:
        editor: Editor | None = None
        tried = False
        while True:
            while artist.undrawn and waiting.empty():
                row = min(artist.undrawn, key=lambda row: abs(row - wanted))
                for path in artist.draw(row):
                    progress.picture(path)
            if not tried and waiting.empty() and (folder / STATE).is_file():
                tried = True
                with suppress(FacesolveError):  # an edit that is asked for finds it again, and says it
                    editor = opened.enter_context(Editor(folder, solution, take, take_folder, device))
            request = waiting.get()
            if request is END:
                return
            if isinstance(request, Draw):
                wanted = int(abs(solution.frames - request.frame).argmin())
                continue
            try:
                if editor is None:
                    editor = opened.enter_context(Editor(folder, solution, take, take_folder, device))
                editor.answer(request)
                progress.done(Path(request.out))
            except FacesolveError as error:
                progress.error(str(error))


class Editor(ExitStack):
    """A solve of which all is in memory, from the state that it kept. Use it as a context manager."""

    def __init__(self, folder: Path, solution: Solution, take: Take, take_folder: Path, device: str) -> None:
        """Raises SolveError where no state was kept, or that of another solve or version."""
        super().__init__()
        if not (folder / STATE).is_file():
            raise SolveError(
                f"'{folder}' kept no state of its solve; solve with --keep-state, or solve the range instead."
            )
        self._solution, self._take_folder = solution, take_folder
        self._take = _as_solved(solution, take, folder)
        where = choose_device(device)
        state = KeptState(folder, f"{fingerprint(self._take, take_folder)} {VERSION} {where.type}")
        self._solved = solve_take(self._take, where, Silent(), state)
        self._editable = EditableSolve(self._solved, self.enter_context(TakeFootage(self._take, where)))

    def answer(self, request: Solve) -> None:
        """Writes the frames that an edit moves as a solution of their own."""
        names, frames = set(self._take.rig.control_names), set(self._take.frames.tolist())
        unknown = [str(one) for frame, control, _ in request.pins for one in ((frame,) if frame not in frames else ())]
        unknown += [control for _, control, _ in request.pins if control not in names]
        if unknown:
            raise SolveError(f"edit: the take has no {unknown[0]!r}.")
        pins = [Pin(frame, control, value) for frame, control, value in request.pins]
        heads = [HeadPin(frame, np.array(rows)) for frame, rows in request.head_pins]
        edited = self._editable.edit(pins, heads)
        rows = edited.changed or [int(np.flatnonzero(self._take.frames == pin.frame)[0]) for pin in pins]
        span = slice(min(rows, default=0), max(rows, default=0) + 1)
        pose, count = edited.joint.pose, len(self._take.rig.controls)
        variance = edited.joint.variance + shared_variance(self._solved.bundled, count + 6) * (
            edited.joint.variance > 0
        )
        deviation = variance.sqrt().cpu().numpy()[span]
        out = Path(request.out)
        repeated = np.isin(self._take.repeat_frames, self._take.frames[span])
        found = Solution(
            frames=self._take.frames[span],
            scene_times=self._take.scene_times[span],
            fps=self._take.fps,
            control_names=tuple(self._take.rig.control_names),
            controls=pose.controls.cpu().numpy()[span],
            head=pose.head.cpu().numpy()[span],
            control_std=deviation[:, :count],
            head_std=deviation[:, count:],
            camera_names=tuple(camera.name for camera in self._take.cameras),
            residual=edited.seen.residual.cpu().numpy()[span],
            confused=self._solution.confused,
            actor=self._solution.actor,
            provenance={**self._solution.provenance, "take": _relative(self._take_folder, out)},
            repeat_times=self._take.repeat_times[repeated],
            repeat_frames=self._take.repeat_frames[repeated],
        )
        write_solution(found, out)


def _as_solved(solution: Solution, take: Take, folder: Path) -> Take:
    """``take`` with the frames, the settings and the profile that its solve was given. folder: of the solution."""
    made = read_provenance(solution.provenance)
    part = part_of_take(take, int(solution.frames[0]), int(solution.frames[-1]))
    settings = SettingsChange(values=made.settings).over(part.settings)
    return replace(part, settings=settings, actor=str((folder / made.actor).resolve()) if made.actor else None)


def _relative(take_folder: Path, out: Path) -> str:
    try:
        return Path(os.path.relpath(take_folder.resolve(), out.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return take_folder.resolve().as_posix()


def _listen(requests: TextIO, waiting: queue.Queue[Request | None]) -> None:
    for line in requests:
        if line.strip():
            waiting.put(read_request(line))
    waiting.put(END)
