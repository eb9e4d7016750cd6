"""Shapes that belong to one take: what its rig lacked, as further blendshape targets with a value at every frame."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Dict, Tuple

import numpy as np

from .checks import cause
from .errors import TakeError
from .files import check_schema, write_json, write_npz
from .layouts import CORRECTIVES_MEMBERS, CORRECTIVES_TABLE
from .names import CORRECTIVES, CORRECTIVES_ARRAYS
from .reading import about, checked, read_json, read_npz
from .rig import Mesh, Target
from .rig_files import target_arrays, targets_from
from .solution import Solution
from .storage import PathLike

CORRECTIVES_SCHEMA = 1


@dataclass(frozen=True, eq=False)
class Correctives:
    """J targets over a rig's mesh with activations (F, J) that go with one solution: ``vertices = rig(controls) +
    sum_j activations[f, j] * shape_j`` in rig space, centimeters, before the head transform.

    targets: each with one shape at weight 1. frames, scene_times: (F,), the solution's. meshes: the rig's, in order,
    so that whoever has the meshes apart can tell whose a vertex is. provenance: anything JSON can hold.
    """

    targets: Tuple[Target, ...]
    meshes: Tuple[Mesh, ...]
    frames: np.ndarray
    scene_times: np.ndarray
    activations: np.ndarray
    provenance: Dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, kind in (("frames", np.int64), ("scene_times", np.float64), ("activations", np.float64)):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), kind))
        count, names = len(self.frames), [target.name for target in self.targets]
        if self.scene_times.shape != (count,) or self.activations.shape != (count, len(names)):
            raise TakeError(
                "correctives: activations have shape {} and scene times {}, expected ({}, {}) and ({},).".format(
                    self.activations.shape, self.scene_times.shape, count, len(names), count
                )
            )
        if not (np.isfinite(self.activations).all() and np.isfinite(self.scene_times).all()):
            raise TakeError("correctives: an activation or a scene time is not finite.")
        if len(set(names)) != len(names):
            raise TakeError("correctives: two targets have the same name.")
        vertices = sum(mesh.vertex_count for mesh in self.meshes)
        for target in self.targets:
            if len(target.shapes) != 1 or target.shapes[0].weight != 1.0:
                raise TakeError("correctives: target '{}' needs one shape, at weight 1.".format(target.name))
            shape = target.shapes[0]
            inside = not len(shape.vertices) or 0 <= shape.vertices[0] <= shape.vertices[-1] < vertices
            if not inside or shape.deltas.shape != (len(shape.vertices), 3) or not np.isfinite(shape.deltas).all():
                raise TakeError("correctives: target '{}' does not fit the rig's meshes.".format(target.name))

    @property
    def names(self) -> Tuple[str, ...]:
        return tuple(target.name for target in self.targets)

    def check_belong_to(self, solution: Solution) -> None:
        """TakeError unless they were made for the frames and the very controls of ``solution``."""
        same = np.array_equal(self.frames, solution.frames)
        if not same or self.provenance.get("controls") != controls_key(solution):
            raise TakeError(
                "correctives: they belong to another solution than the one in their folder; make them again."
            )


def controls_key(solution: Solution) -> str:
    """What tells solutions apart: a digest of controls and head transforms."""
    values = np.concatenate([solution.controls.ravel(), solution.head.ravel()])
    return hashlib.sha256(values.astype("<f8").tobytes()).hexdigest()


def write_correctives(correctives: Correctives, folder: PathLike) -> None:
    """Writes ``correctives.npz`` and ``correctives.json`` into ``folder``."""
    root = Path(folder)
    arrays = dict(target_arrays(correctives.targets))
    for name in ("frames", "scene_times", "activations"):
        arrays[name] = getattr(correctives, name)
    sha256 = write_npz(root / CORRECTIVES_ARRAYS, arrays)
    record = {
        "schema": CORRECTIVES_SCHEMA,
        "kind": "facesolve correctives",
        "arrays": CORRECTIVES_ARRAYS,
        "sha256": sha256,
        "targets": list(correctives.names),
        "meshes": [asdict(mesh) for mesh in correctives.meshes],
        "provenance": correctives.provenance,
    }
    write_json(root / CORRECTIVES, record)


def read_correctives(folder: PathLike) -> Correctives:
    """The correctives in ``folder``. Raises TakeError with one sentence for anything wrong."""
    path = Path(folder) / CORRECTIVES
    if not path.exists():
        raise TakeError(
            "correctives: there is no {} in '{}'; run 'facesolve correctives' first.".format(CORRECTIVES, folder)
        )
    record = read_json(path, "correctives")
    check_schema(record, CORRECTIVES_SCHEMA, "correctives", path, "make them again")
    record = checked(record, CORRECTIVES_MEMBERS, "correctives", path, "make them again")
    arrays = read_npz(path.with_name(CORRECTIVES_ARRAYS), "correctives", record["sha256"], CORRECTIVES_TABLE)
    try:
        return Correctives(
            targets=targets_from(record["targets"], arrays),
            meshes=tuple(Mesh(**mesh) for mesh in record["meshes"]),
            frames=arrays["frames"],
            scene_times=arrays["scene_times"],
            activations=arrays["activations"],
            provenance=record["provenance"],
        )
    except TakeError as error:
        raise about(path, error) from None
    except KeyError as error:
        raise TakeError("correctives: '{}' lacks {}; make them again.".format(path, error)) from None
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise TakeError("correctives: '{}' is malformed ({}); make them again.".format(path, cause(error))) from None
