"""An actor's profile: how the neutral of a rig differs from the face of the person who was filmed, in one file.

Python 3.7, numpy only.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Dict, Tuple, Union

import numpy as np

from .errors import TakeError
from .files import write_npz
from .layouts import ACTOR_MEMBERS, ACTOR_TABLE
from .names import ACTOR
from .reading import BadText, about, checked, json_value, read_npz
from .rig import Mesh, Rig

ACTOR_SCHEMA = 1

PathLike = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True, eq=False)
class ActorProfile:
    """What is known of an actor, besides the rig.

    Attributes:
        offset: (V, 3) float32 cm, rig space: added to the rig's neutral, before any skin.
        deviation: (V,) float32 cm: standard deviation of the offset across the surface, 0 where nothing was learned.
        meshes: The rig's, in order, so that whoever has the meshes apart can tell whose a vertex is.
        provenance: Which takes it was learned from, when and how: anything JSON can hold.

    Raises:
        FacesolveError: For arrays that do not fit the meshes, or numbers that are not finite.
    """

    offset: np.ndarray
    deviation: np.ndarray
    meshes: Tuple[Mesh, ...]
    provenance: Dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "offset", np.ascontiguousarray(self.offset, np.float32))
        object.__setattr__(self, "deviation", np.ascontiguousarray(self.deviation, np.float32))
        count = sum(mesh.vertex_count for mesh in self.meshes)
        if self.offset.shape != (count, 3) or self.deviation.shape != (count,):
            raise TakeError(
                "actor: the offset has shape {} and its deviation {}, but the meshes have {} vertices.".format(
                    self.offset.shape, self.deviation.shape, count
                )
            )
        if not (np.isfinite(self.offset).all() and np.isfinite(self.deviation).all() and (self.deviation >= 0).all()):
            raise TakeError("actor: the offset and its deviation must be finite, and the deviation not below 0.")

    @property
    def largest(self) -> float:
        """How far the offset moves the surface at most, mm."""
        return 10 * float(np.linalg.norm(self.offset, axis=1).max(initial=0))

    def applied(self, rig: Rig) -> Rig:
        """``rig`` with the actor's neutral. Raises TakeError when the profile was made for other meshes."""
        if self.meshes != rig.meshes:
            raise TakeError(
                "actor: the profile was made for a rig with other meshes ({} vertices, this rig has {}); learn it "
                "again.".format(len(self.offset), rig.vertex_count)
            )
        return replace(rig, neutral=rig.neutral + self.offset)


def write_actor(profile: ActorProfile, path: PathLike) -> str:
    """Writes a profile to an ``.npz``; returns the file's SHA-256 in hexadecimal."""
    record = {
        "schema": ACTOR_SCHEMA,
        "kind": "facesolve actor profile",
        "meshes": [asdict(mesh) for mesh in profile.meshes],
        "provenance": profile.provenance,
    }
    arrays = {"offset": profile.offset, "deviation": profile.deviation, "profile": np.array(json.dumps(record))}
    return write_npz(Path(path), arrays)


def read_actor(path: PathLike, sha256: str = "") -> ActorProfile:
    """The profile in a file, or in a solution's folder.

    sha256: that the file must have, empty for any. Raises TakeError with one sentence for anything wrong.
    """
    file = Path(path)
    file = file / ACTOR if file.is_dir() else file
    arrays = read_npz(file, "actor", sha256, ACTOR_TABLE)
    try:
        record = checked(json_value(str(arrays["profile"])), ACTOR_MEMBERS, "actor", file, "learn it again")
    except BadText as error:
        raise TakeError("actor: '{}' does not say what it is for ({}); learn it again.".format(file, error)) from None
    if record["schema"] != ACTOR_SCHEMA:
        raise TakeError(
            "actor: '{}' has schema {}, this version reads {}; update Facesolve, or learn it again.".format(
                file, record["schema"], ACTOR_SCHEMA
            )
        )
    try:
        meshes = tuple(Mesh(**mesh) for mesh in record["meshes"])
        return ActorProfile(arrays["offset"], arrays["deviation"], meshes, record["provenance"])
    except TakeError as error:
        raise about(file, error) from None


def actor_key(path: PathLike) -> str:
    """What tells files of profiles apart; empty where there is none."""
    file = Path(path)
    file = file / ACTOR if file.is_dir() else file
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""
