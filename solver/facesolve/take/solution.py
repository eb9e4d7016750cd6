"""A solution: what a solve found for each frame, how sure it is, and where it came from; and its files."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple, Union

import numpy as np

from .actor import ActorProfile, read_actor, write_actor
from .checks import cause
from .errors import TakeError
from .files import check_schema, relative_path, write_json, write_npz
from .in_words import counted, frames_in_words
from .layouts import SOLUTION_MEMBERS, SOLUTION_TABLE
from .names import ACTOR, SOLUTION, SOLUTION_ARRAYS
from .provenance import read_provenance
from .reading import about, checked, read_json, read_npz
from .retime import check_repeats
from .rig import Rig
from .rig_evaluation import RigEvaluator, control_columns
from .uncertainty import ConfusedPair, UncertainControl, uncertain_controls
from .verdict import Verdict, read_verdict

SOLUTION_SCHEMA = 2  # from 2 on its provenance is that of take.provenance
PER_FRAME = ("frames", "scene_times", "controls", "head", "control_std", "head_std", "residual")  # arrays (F, ...)
UNCERTAIN_NAMED = 3  # controls that repr names

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True, eq=False, repr=False)
class Solution:
    """What a solve found: K controls and a head transform for each of F frames, and how certain they are.

    Attributes:
        frames: (F,) int64 take frame numbers.
        scene_times: (F,) float64 times on the rig's timeline, in scene frames, where the result is keyed.
        fps: Frames a second.
        control_names: K names, the columns of ``controls``.
        controls: (F, K) float64 control values in the rig's own units.
        head: (F, 4, 4) float64 rigid transforms, ``x_world = head @ x_rig``, centimeters.
        control_std: (F, K) float64 one standard deviation of each control value; 0 where the solve was not free.
        head_std: (F, 6) float64 one standard deviation of rotation (radians) and translation (centimeters) along the
            head's own axes.
        camera_names: C names, the columns of ``residual``.
        residual: (F, C) float64 root mean square of the robust photometric residual, NaN where a camera saw nothing.
        say: (V,) float32 in 0..1 how far each vertex' color drove the solve: 0 where the surface is no face, was not
            seen, or never looked the same twice (hair); None where what made it does not know.
        confused: Pairs of controls that the footage cannot tell apart.
        provenance: Versions, device, settings, take, seconds of each stage: anything JSON can hold.
        verdict: Whether it fits what the cameras saw, and why; None where what made it does not judge.
        repeat_times: (R,) float64 further scene times where a frame is keyed: holds, slow motion, reversals.
        repeat_frames: (R,) int64 the frame numbers there.
        actor: How the neutral differs from the rig's; None where it was taken as it is.

    Raises:
        FacesolveError: For arrays of other shapes, or control values and heads that are not finite.
    """

    frames: np.ndarray
    scene_times: np.ndarray
    fps: float
    control_names: Tuple[str, ...]
    controls: np.ndarray
    head: np.ndarray
    control_std: np.ndarray
    head_std: np.ndarray
    camera_names: Tuple[str, ...]
    residual: np.ndarray
    say: Optional[np.ndarray] = None
    confused: Tuple[ConfusedPair, ...] = ()
    provenance: Dict[str, Any] = field(default_factory=dict)
    verdict: Optional[Verdict] = None
    repeat_times: np.ndarray = field(default_factory=lambda: np.zeros(0))
    repeat_frames: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    actor: Optional[ActorProfile] = None

    def __post_init__(self) -> None:
        if not isinstance(self.fps, (int, float)) or not (np.isfinite(self.fps) and self.fps > 0):
            raise TakeError("solution: {} frames a second is not a positive number.".format(self.fps))
        if not all(isinstance(name, str) for name in (*self.control_names, *self.camera_names)):
            raise TakeError("solution: the names of its controls and cameras must be text.")
        if not isinstance(self.provenance, dict):
            raise TakeError("solution: its provenance must be a JSON object.")
        if not len(self.frames):
            raise TakeError("solution: it has no frames.")
        count, controls, cameras = len(self.frames), len(self.control_names), len(self.camera_names)
        shapes = {
            "frames": (count,),
            "scene_times": (count,),
            "controls": (count, controls),
            "head": (count, 4, 4),
            "control_std": (count, controls),
            "head_std": (count, 6),
            "residual": (count, cameras),
        }
        for name, shape in shapes.items():
            value = np.ascontiguousarray(getattr(self, name), np.int64 if name == "frames" else np.float64)
            object.__setattr__(self, name, value)
            if value.shape != shape:
                raise TakeError("solution: {} has shape {}, expected {}.".format(name, value.shape, shape))
        check_repeats(self, "solution")
        if self.say is not None:
            say = np.ascontiguousarray(self.say, np.float32)
            object.__setattr__(self, "say", say)
            if say.ndim != 1 or not (np.isfinite(say) & (say >= 0) & (say <= 1)).all():
                raise TakeError("solution: say must be one number in 0..1 for each vertex.")
        for name in ("controls", "head"):
            bad = ~np.isfinite(getattr(self, name).reshape(count, -1)).all(axis=1)
            if bad.any():
                raise TakeError(
                    "solution: {} is not finite at frame {}.".format(name, self.frames[np.flatnonzero(bad)[0]])
                )

    def __repr__(self) -> str:
        """Take, frames, counts, how certain and how good it is, its least certain controls, device and seconds."""
        of = read_provenance(self.provenance).take_name
        return "<Solution{}: {} at {:g} fps, {}, {}; {}>".format(
            " of take '{}'".format(of) if of else "",
            frames_in_words(self.frames),
            self.fps,
            counted(len(self.control_names), "control"),
            counted(len(self.camera_names), "camera"),
            "; ".join([*_quality(self), *_made(self)]),
        )

    def uncertain_controls(self, ranges: Optional[Mapping[str, float]] = None) -> List[UncertainControl]:
        """The controls by their median standard deviation over the frames, largest first.

        Args:
            ranges: Length of each control's range, of which the standard deviation becomes a part; 1 where not given.

        Returns:
            Those that have a standard deviation at all, each with the control that it is most confused with.
        """
        given = (self.control_names, self.control_std, self.scene_times, self.confused)
        return uncertain_controls(*given, ranges=ranges or {})

    def part(self, rows: Any) -> "Solution":
        """The solution of some of its frames.

        Args:
            rows: Indices into ``frames``, a slice, or (F,) bool.
        """
        kept = {name: getattr(self, name)[rows] for name in PER_FRAME}
        shown = np.isin(self.repeat_frames, kept["frames"])
        return replace(self, repeat_times=self.repeat_times[shown], repeat_frames=self.repeat_frames[shown], **kept)

    def fitted_rig(self, rig: Rig) -> Rig:
        """The take's rig with the neutral of the actor that was filmed. Raises TakeError for a rig of other meshes."""
        return rig if self.actor is None else self.actor.applied(rig)

    def vertices(self, rig: Rig) -> np.ndarray:
        """The solved surface in world space.

        Args:
            rig: The take's, V vertices.

        Returns:
            (F, V, 3) float64 centimeters; the columns of ``controls`` may be in another order than the rig's controls.

        Raises:
            FacesolveError: When the rig's controls are not the solution's.
        """
        controls = control_columns(self.controls, self.control_names, rig, "solution")
        in_rig = RigEvaluator(self.fitted_rig(rig)).vertices(controls)
        return in_rig @ self.head[:, :3, :3].transpose(0, 2, 1) + self.head[:, None, :3, 3]

    def save(self, folder: PathLike, overwrite: bool = False) -> None:
        """Writes ``solution.json`` and ``solution.npz``, which ``read_solution`` and the command line read.

        Args:
            folder: Is made if needed.
            overwrite: Replace a solution that is there.

        Raises:
            FacesolveError: When the folder holds a solution and ``overwrite`` is False, or cannot be written.
        """
        if not overwrite and (Path(folder) / SOLUTION).exists():
            raise TakeError("solution: '{}' holds a solution; give overwrite=True to replace it.".format(folder))
        write_solution(self, folder)


def _quality(solution: Solution) -> List[str]:
    said = [] if solution.verdict is None else [solution.verdict.verdict]
    deviation = solution.control_std[np.isfinite(solution.control_std)]
    if len(deviation):
        said.append("median standard deviation {:.2g}".format(np.median(deviation)))
    residual = solution.residual[np.isfinite(solution.residual)]
    said.append("mean residual {:.2g}".format(residual.mean()) if len(residual) else "no camera saw the head")
    rows = [row for row in solution.uncertain_controls() if row.std > 0][:UNCERTAIN_NAMED]
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


def write_solution(solution: Solution, folder: PathLike) -> None:
    """Writes ``solution.npz``, ``solution.json`` and the actor's profile, where it has one, into ``folder``.

    An absolute path of its take becomes relative.
    """
    root = Path(folder)
    provenance = dict(solution.provenance)
    if isinstance(provenance.get("take"), str) and os.path.isabs(provenance["take"]):
        provenance["take"] = relative_path(provenance["take"], root)
    arrays = {name: getattr(solution, name) for name in PER_FRAME}
    if solution.say is not None:
        arrays["say"] = solution.say
    if len(solution.repeat_times):
        arrays.update(repeat_times=solution.repeat_times, repeat_frames=solution.repeat_frames)
    sha256 = write_npz(root / SOLUTION_ARRAYS, arrays)
    actor = None if solution.actor is None else write_actor(solution.actor, root / ACTOR)
    record = {
        "schema": SOLUTION_SCHEMA,
        "kind": "facesolve solution",
        "arrays": SOLUTION_ARRAYS,
        "sha256": sha256,
        "fps": solution.fps,
        "control_names": list(solution.control_names),
        "camera_names": list(solution.camera_names),
        "confused": [asdict(pair) for pair in solution.confused],
        "provenance": provenance,
        "verdict": None if solution.verdict is None else solution.verdict.record(),
        "actor": actor,
    }
    write_json(root / SOLUTION, record)
    if actor is None and (root / ACTOR).is_file():
        (root / ACTOR).unlink()  # of the solution that was there before


def read_solution(folder: PathLike) -> Solution:
    """Reads the solution in a folder.

    Args:
        folder: Holds ``solution.json`` and ``solution.npz``, made by ``facesolve solve`` or ``Solution.save``.

    Raises:
        FacesolveError: One sentence for anything that is missing, damaged or does not fit together.
    """
    root = Path(folder)
    path = root / SOLUTION
    if not path.exists():
        raise TakeError("solution: there is no solution.json in '{}'; run 'facesolve solve' first.".format(root))
    record = read_json(path, "solution")
    check_schema(record, SOLUTION_SCHEMA, "solution", path, "solve the take again")
    record = checked(record, SOLUTION_MEMBERS, "solution", path, "solve the take again")
    arrays = read_npz(root / SOLUTION_ARRAYS, "solution", record["sha256"], SOLUTION_TABLE)
    try:
        return Solution(
            fps=record["fps"],
            control_names=tuple(record["control_names"]),
            camera_names=tuple(record["camera_names"]),
            confused=tuple(ConfusedPair(**pair) for pair in record["confused"]),
            provenance=record["provenance"],
            verdict=None if record["verdict"] is None else read_verdict(record["verdict"]),
            actor=None if record["actor"] is None else read_actor(root, record["actor"]),
            **arrays,
        )
    except TakeError as error:
        raise about(path, error) from None
    except KeyError as error:
        raise TakeError("solution: '{}' lacks {}.".format(path, error)) from None
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise TakeError("solution: '{}' is malformed ({}).".format(path, cause(error))) from None
