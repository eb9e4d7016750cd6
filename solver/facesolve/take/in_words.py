"""A take or a solution in one paragraph for a person at a prompt: what ``repr`` shows. Python 3.7."""

from __future__ import annotations

from typing import TYPE_CHECKING, List

import numpy as np

from .provenance import read_provenance
from .settings import SCALARS, Settings
from .summary import uncertain_controls

if TYPE_CHECKING:
    from .solution import Solution
    from .take import Take

UNCERTAIN_NAMED = 3
LISTED = 4  # things of a kind that are named one by one


def take_in_words(take: Take) -> str:
    """Name, frames, cameras and their sizes, the rig's counts, start pose, and the settings that are not default."""
    sizes = ["{} {}x{}".format(camera.name, camera.width, camera.height) for camera in take.cameras]
    start = "no start pose" if take.start is None else "start pose at frame {}".format(take.start.frame)
    return "<Take '{}': {} at {:g} fps, {} ({}), a rig of {} vertices and {}, {}; settings: {}>".format(
        take.name,
        _frames(take.frames),
        take.fps,
        counted(len(take.cameras), "camera"),
        _listed(sizes),
        take.rig.vertex_count,
        counted(len(take.rig.controls), "control"),
        start,
        ", ".join(changed_settings(take.settings)) or "default",
    )


def changed_settings(settings: Settings) -> List[str]:
    """The settings that differ from the defaults, each in a few words."""
    default = Settings()
    changed = [
        "{} {}".format(name, getattr(settings, name))
        for name in SCALARS
        if getattr(settings, name) != getattr(default, name)
    ]
    counts = ((settings.controls, "control"), (settings.pins, "pin"), (settings.head_pins, "head pin"))
    return changed + [counted(len(given), "{} set".format(kind), kind + "s set") for given, kind in counts if given]


def solution_in_words(solution: Solution) -> str:
    """Take, frames, counts, how certain and how good it is, its least certain controls, device and seconds."""
    of = read_provenance(solution.provenance).take_name
    return "<Solution{}: {} at {:g} fps, {}, {}; {}>".format(
        " of take '{}'".format(of) if of else "",
        _frames(solution.frames),
        solution.fps,
        counted(len(solution.control_names), "control"),
        counted(len(solution.camera_names), "camera"),
        "; ".join([*_quality(solution), *_made(solution)]),
    )


def _quality(solution: Solution) -> List[str]:
    said = []
    deviation = solution.control_std[np.isfinite(solution.control_std)]
    if len(deviation):
        said.append("median standard deviation {:.2g}".format(np.median(deviation)))
    residual = solution.residual[np.isfinite(solution.residual)]
    said.append("mean residual {:.2g}".format(residual.mean()) if len(residual) else "no camera saw the head")
    rows = [row for row in uncertain_controls(solution, {}) if row.std > 0][:UNCERTAIN_NAMED]
    if rows:
        said.append(
            "least certain: "
            + ", ".join(
                "{} ±{:.2g}{}".format(row.name, row.std, ", mistaken for " + row.confused if row.confused else "")
                for row in rows
            )
        )
    return said


def _made(solution: Solution) -> List[str]:
    """How it was made, as far as its provenance tells."""
    made = read_provenance(solution.provenance)
    if not made.device:
        return []
    seconds = " in {:.1f} s".format(sum(made.seconds.values())) if made.seconds else ""
    return ["solved on {}{}".format(made.device, seconds)]


def counted(count: int, one: str, several: str = "") -> str:
    """``1 camera``, ``3 cameras``."""
    return "{} {}".format(count, one if count == 1 else several or one + "s")


def _frames(frames: np.ndarray) -> str:
    if len(frames) == 1:
        return "frame {}".format(frames[0])
    return "{} frames, {} to {}".format(len(frames), frames[0], frames[-1])


def _listed(names: List[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names if more <= 0 else [*names[:LISTED], "and {} more".format(more)])
