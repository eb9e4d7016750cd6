"""The request of a solve, and its command line. Knows the solver's options and nothing of processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Tuple

from facesolve.take.device_names import check_device
from facesolve.take.errors import SolveError

from .interpreter import Interpreter


@dataclass(frozen=True)
class SolveRequest:
    """One run of the solver.

    take: folder with ``take.json``. out: folder for the solution. quality: None keeps the take's.
    device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``. frames: first and last take frame, both included, None for all.
    resume: continue from the state left in ``out``. overwrite: replace a solution that is in ``out``.
    pictures: have the solve draw itself at work. keep_state: have it leave what edits are answered from. texture: bake
    the actor's, after all else.
    """

    take: Path
    out: Path
    device: str = "auto"
    quality: Optional[str] = None
    frames: Optional[Tuple[int, int]] = None
    resume: bool = False
    overwrite: bool = False
    pictures: bool = False
    keep_state: bool = False
    texture: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "take", Path(self.take).absolute())
        object.__setattr__(self, "out", Path(self.out).absolute())
        object.__setattr__(self, "device", check_device(self.device))
        if self.frames is not None and self.frames[1] < self.frames[0]:
            raise SolveError("the frame range {}-{} is empty.".format(*self.frames))

    def arguments(self) -> List[str]:
        """Arguments of ``facesolve`` for this request."""
        arguments = ["solve", str(self.take), "--out", str(self.out), "--no-report"]  # Review... makes one
        arguments += ["--progress", "jsonl", "--device", self.device]
        if self.quality is not None:
            arguments += ["--quality", self.quality]
        if self.frames is not None:
            # One word: a negative first frame must not look like an option.
            arguments.append("--frames={}-{}".format(*self.frames))
        if self.resume:
            arguments.append("--resume")
        if self.overwrite:
            arguments.append("--overwrite")
        if self.pictures:
            arguments.append("--pictures")
        if self.keep_state:
            arguments.append("--keep-state")
        if not self.texture:
            arguments.append("--no-texture")
        return arguments

    def command(self, interpreter: Interpreter) -> List[str]:
        """The command line, one argument an item; never for a shell."""
        return [str(interpreter.path), "-m", "facesolve", *self.arguments()]
