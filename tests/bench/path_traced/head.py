"""The head of ICT-FaceKit as arrays, other persons, and actors who differ from their rigs. Knows no Blender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .performance import Performance

# Vertices of ICT-FaceKit's mesh, by what they are (its README); lashes and tear film come after them and are left out.
FACE = slice(0, 9409)
SKIN = slice(0, 11248)  # face, head and neck
MOUTH = slice(11248, 13294)
GUMS = slice(14062, 17039)
TEETH = slice(17039, 21451)
EYES = (slice(21451, 23021), slice(23021, 24591))
VERTICES = 24591

OFF_MM, OFF_LENGTH = 1.0, 3.0  # an actor's neutral: root mean square of what it is off, and its wavelength / 2 pi in cm
GAIN, GAIN_LENGTH = 0.12, 4.0  # an actor's shapes: deviation of their strength, and how it varies over the face
IDENTITIES, IDENTITY_SIZE = 40, 0.7


@dataclass(frozen=True, eq=False)
class Head:
    """neutral: (V, 3) cm; deltas: (K, V, 3); modes: (I, V, 3) of identity; polygons as in rig.npz."""

    neutral: np.ndarray
    deltas: np.ndarray
    names: tuple[str, ...]
    modes: np.ndarray
    uv: np.ndarray
    face_counts: np.ndarray
    faces: np.ndarray
    face_uvs: np.ndarray

    def as_another_person(self, rng: np.random.Generator) -> Head:
        """The rig of a random person."""
        modes = self.modes[:IDENTITIES]
        coefficients = IDENTITY_SIZE * rng.normal(size=len(modes))
        return replace(self, neutral=self.neutral + np.tensordot(coefficients, modes, 1))

    def as_an_actor(self, rng: np.random.Generator) -> Head:
        """Somebody for whom this is the rig: the neutral is off smoothly, and shapes are stronger or weaker."""
        off = np.stack([field(rng, self.neutral, OFF_LENGTH) for _ in range(3)], axis=1)
        off *= OFF_MM / 10 / np.sqrt((off[SKIN] ** 2).sum(1).mean())
        for rigid in (*EYES, TEETH, GUMS):
            off[rigid] = off[rigid].mean(axis=0)
        gains = np.stack([1 + GAIN * field(rng, self.neutral, GAIN_LENGTH) for _ in self.names])
        for eye in EYES:
            gains[:, eye] = 1
        return replace(self, neutral=self.neutral + off, deltas=self.deltas * gains[:, :, None])

    @property
    def head_weight(self) -> np.ndarray:
        """(V,) how far vertices move with the head; the neck stays with the body."""
        low = -12.0 + 0.25 * np.clip(-self.neutral[:, 2], -4, 8)
        share = np.clip((self.neutral[:, 1] - low) / 4, 0, 1)
        weight = share * share * (3 - 2 * share)
        weight[SKIN.stop :] = 1
        return weight

    def posed(self, performance: Performance, time: float) -> tuple[np.ndarray, np.ndarray]:
        """World vertices (V, 3) and head (4, 4) at a time in seconds."""
        head, weight = performance.head(time), self.head_weight[:, None]
        vertices = self.neutral + np.tensordot(performance.weights(time), self.deltas, 1)
        return weight * (vertices @ head[:3, :3].T + head[:3, 3]) + (1 - weight) * vertices, head

    def polygons(self) -> Iterator[np.ndarray]:
        """Vertex indices of each."""
        yield from np.split(self.faces, np.cumsum(self.face_counts)[:-1])

    def moved_by(self, *names: str) -> np.ndarray:
        """(V,) how much the strongest of some shapes moves vertices, as part of its largest."""
        lengths = [np.linalg.norm(self.deltas[self.names.index(name)], axis=1) for name in names]
        return np.max([length / length.max() for length in lengths], axis=0)


def field(rng: np.random.Generator, points: np.ndarray, length: float) -> np.ndarray:
    """(V,) a smooth random field over points (V, 3) with root mean square 1; ``length`` is its wavelength / 2 pi."""
    waves, phases = rng.normal(size=(60, 3)) / length, rng.uniform(0, 2 * np.pi, 60)
    values = np.cos(points @ waves.T + phases).sum(axis=1)
    return values / np.sqrt((values**2).mean())


def read_head(folder: Path) -> Head:
    """From the OBJ files of FaceXModel."""
    base, uv, faces, face_uvs = _read_obj(folder / "generic_neutral_mesh.obj")
    kept = [index for index, face in enumerate(faces) if max(face) < VERTICES]
    flat_uvs = np.concatenate([face_uvs[index] for index in kept])
    used, new = np.unique(flat_uvs, return_inverse=True)
    names, deltas, modes = [], [], []
    for path in sorted(folder.glob("*.obj")):
        if path.stem == "generic_neutral_mesh" or path.stem.startswith("Pupil"):
            continue
        delta = (_read_obj(path)[0] - base)[:VERTICES]
        if path.stem.startswith("identity"):
            modes.append(delta)
        else:
            names.append(path.stem)
            deltas.append(delta)
    return Head(
        neutral=base[:VERTICES],
        deltas=np.array(deltas),
        names=tuple(names),
        modes=np.array(modes),
        uv=uv[used].astype(np.float32),
        face_counts=np.array([len(faces[index]) for index in kept], np.int32),
        faces=np.concatenate([faces[index] for index in kept]).astype(np.int32),
        face_uvs=new.astype(np.int32),
    )


def write_rig(path: Path, head: Head) -> None:
    """rig.npz as ``facesolve pack --rig`` reads it."""
    np.savez(
        path,
        neutral=head.neutral.astype(np.float32),
        deltas=head.deltas.astype(np.float32),
        names=np.array(head.names),
        uv=head.uv,
        face_counts=head.face_counts,
        faces=head.faces,
        face_uvs=head.face_uvs,
    )


def _read_obj(path: Path) -> tuple[np.ndarray, np.ndarray, list[list[int]], list[list[int]]]:
    points, uvs, faces, face_uvs = [], [], [], []
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *rest = line.split() or [""]
        if word == "v":
            points.append([float(value) for value in rest[:3]])
        elif word == "vt":
            uvs.append([float(value) for value in rest[:2]])
        elif word == "f":
            corners = [corner.split("/") for corner in rest]
            faces.append([int(corner[0]) - 1 for corner in corners])
            face_uvs.append([int(corner[1]) - 1 for corner in corners])
    return np.array(points), np.array(uvs), faces, face_uvs
