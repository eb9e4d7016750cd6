"""``facesolve baseline``."""

from __future__ import annotations

import math
from dataclasses import field, fields, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facesolve.baseline.method import MODES, PRESETS, Budget, FirstOrder
from facesolve.take.documented import field_help

from .output import EXIT_OK, Output

DEFAULT_STEPS = 2000
CHOSEN = (
    "mode",
    "level",
    "shape_count",
    "texture_start",
    "texture_ramp",
    "laplacian",
    "edge_length",
    "normal_consistency",
    "shape_size",
    "seed",
)  # fields of a method that a flag changes; the rest comes from the preset


def _flag(name: str, kind: Any) -> tuple[str, Any, Any]:
    about = {"help": field_help(FirstOrder)[name], "choices": MODES if name == "mode" else ()}
    return name, kind | None, field(default=None, metadata=about)


if TYPE_CHECKING:
    _Flags: Any = object
else:
    _KINDS = {known.name: {"str": str, "int": int, "float": float}[known.type] for known in fields(FirstOrder)}
    _PRESET = field(default="tuned", metadata={"choices": tuple(PRESETS)})
    _CHOSEN = [("preset", str, _PRESET), *(_flag(name, _KINDS[name]) for name in CHOSEN)]
    _Flags = make_dataclass("_Flags", _CHOSEN, frozen=True)


class MethodFlags(_Flags):
    """What a user chose of the method.

    Attributes:
        preset: learning rates, tuned (ours) or thesis (as published); the flags below change single values of it.
    """

    def method(self, refine_cameras: bool) -> FirstOrder:
        """The preset with the changes. Raises SolveError when they do not fit together."""
        preset = PRESETS[self.preset]
        chosen = {name: getattr(self, name) for name in CHOSEN if getattr(self, name) is not None}
        if refine_cameras:  # a camera that was bumped is off by far less than a head
            chosen.update(camera_rotation=preset.rotation / 10, camera_translation=preset.translation / 10)
        return replace(preset, **chosen)


def baseline(
    take: Path,
    /,
    *,
    out: Path,
    overwrite: bool = False,
    method: MethodFlags = MethodFlags(),  # noqa: B008  # frozen
    refine_cameras: bool = False,
    steps: int | None = None,
    seconds: float | None = None,
    mask: Path | None = None,
    frames: tuple[int, int] | None = None,
    progress_video: bool = False,
    device: str = "auto",
    output: Output = Output(),  # noqa: B008
) -> int:
    """Solve a take by gradient descent, for comparison with 'facesolve solve'.

    Adam through a differentiable renderer, the published first-order method; 'solve' is far more accurate in the same
    time. Writes an ordinary solution, the learned texture, and with --mode free or combined the learned shapes as
    correctives.

      prior     the rig's controls
      free      no controls; the surface itself, as a few learned shapes held together by regularizers
      combined  controls, and learned shapes without what the rig can do

    Args:
        out: folder of the solution.
        refine_cameras: also move every camera but the first a little.
        steps: iterations of one image each; 2000 if omitted.
        seconds: stop after this time.
        mask: vertices that learned shapes may move, .npy of one number per vertex or a list of vertex numbers.
        progress_video: write progress.mp4.

    Examples:
        facesolve baseline my_take --out descent --mode prior --steps 4000
        facesolve baseline my_take --out descent --mode combined --shape-count 4 --progress-video
        facesolve baseline my_take --out descent --mode free --mask face.npy --laplacian 10
    """
    if steps is None and seconds is None:
        steps = DEFAULT_STEPS
    budget = Budget(math.inf if steps is None else steps, math.inf if seconds is None else seconds)
    chosen = method.method(refine_cameras)
    with output.reporting() as progress:
        from facesolve.jobs.descend import descend_take_folder

        descend_take_folder(
            take,
            out,
            method=chosen,
            budget=budget,
            device=device,
            frames=frames,
            mask=mask,
            video=progress_video,
            progress=progress,
            overwrite=overwrite,
        )
        progress.done(out)
    return EXIT_OK
