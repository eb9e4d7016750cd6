"""The rig in the contract: neutral mesh, targets, joints and skin, and the controls that drive them.

Holds and validates data only: ``rig_evaluation`` evaluates it, ``facesolve.geometry.rig`` does with derivatives.
Must not know torch or Maya.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Optional, Sequence, Set, Tuple

import numpy as np

from .checks import MEASURE, WORD, check_names
from .errors import TakeError
from .rig_logic import CHANNEL, CONTROL, SIGNAL, TARGET, Response, check_responses
from .skeleton import Channel, Joint, Skin, check_joints, check_skin

MULTIPLY = "multiply"
LOWEST = "lowest"
COMBINATION_METHODS = (MULTIPLY, LOWEST)


@dataclass(frozen=True, eq=False)
class Shape:
    """One sculpted shape of a target: where its vertices stand when the target's weight is ``weight``.

    weight: activation at which the shape is fully on (1.0 for the main shape, else an in-between; negative is legal).
    vertices: (n,) int32 vertex indices, strictly increasing.
    deltas: (n, 3) float32 offsets from the neutral in rig space, centimeters.
    """

    weight: float
    vertices: np.ndarray
    deltas: np.ndarray

    @staticmethod
    def from_dense(deltas: np.ndarray, weight: float = 1.0, tolerance: float = 0.0) -> Shape:
        """Sparse shape from dense ``deltas`` (V, 3) cm; vertices moving no more than ``tolerance`` cm are dropped."""
        # "not at most" keeps rows that are not finite, so that the rig's check finds them
        moved = np.flatnonzero(~(np.abs(deltas).max(axis=1) <= tolerance)) if len(deltas) else np.zeros(0, np.int64)
        return Shape(float(weight), moved.astype(np.int32), np.asarray(deltas, np.float32)[moved])


@dataclass(frozen=True, eq=False)
class Target:
    """A blendshape target: a main shape at weight 1 and any number of in-betweens.

    Between shapes the offset is piecewise linear in the weight, passing through zero at weight 0; the first and last
    segments extrapolate (Maya's rule).

    after_skin: whether it is added to what the skin has made, in rig space, rather than to the neutral before.
    """

    name: str
    shapes: Tuple[Shape, ...]
    after_skin: bool = False


@dataclass(frozen=True)
class Combination:
    """A target whose weight is not driven by a control but computed from other targets' weights.

    target, drivers: indices into ``Rig.targets``. method: ``multiply`` (product) or ``lowest`` (minimum).
    """

    target: int
    drivers: Tuple[int, ...]
    method: str = MULTIPLY


@dataclass(frozen=True)
class Control:
    """One animatable scalar of the rig: a blendShape weight, or the attribute that drives it.

    plug: where the result is keyed in Maya (``node.attribute``), empty outside Maya.
    """

    name: str
    minimum: float = 0.0
    maximum: float = 1.0
    default: float = 0.0
    plug: str = ""


@dataclass(frozen=True, eq=False)
class Driver:
    """How a control moves a target's weight: piecewise linear through ``inputs`` -> ``outputs``, ends extrapolate.

    Contributions of several drivers to one target add up. inputs: (n,) strictly increasing, n >= 2; outputs: (n,).
    """

    control: int
    target: int
    inputs: np.ndarray
    outputs: np.ndarray

    @staticmethod
    def identity(control: int, target: int) -> Driver:
        """The control is the target's weight."""
        return Driver(control, target, np.array([0.0, 1.0]), np.array([0.0, 1.0]))


@dataclass(frozen=True)
class Mesh:
    """One geometry of the rig; meshes are concatenated in order. Counts are of vertices and polygons."""

    name: str
    vertex_count: int
    face_count: int


@dataclass(frozen=True, eq=False)
class Rig:
    """A rig at its neutral. All positions are in rig space (before the head transform), centimeters.

    ``vertices = skin(joints(controls), neutral + sum_t weight_t(controls) delta_t)``, then the targets that come after
    the skin. Weights and channels of joints are sums of drivers and responses; then come combinations of weights. A rig
    without a skin is ``linear`` in the activations of its shapes.

    Attributes:
        neutral: (V, 3) float32 vertices.
        face_counts: (P,) int32 corners of each polygon.
        face_vertices: (sum of the counts,) int32 vertex of each corner, polygon after polygon.
        targets: The blendshape targets.
        controls: K controls, what is solved for.
        drivers: How controls move the targets' weights.
        combinations: Targets whose weights follow from other targets' weights, after what they depend on.
        uvs: (T, 2) float32, may leave the unit square (UDIM tiles); empty when there are none.
        face_uvs: (sum of the counts,) int32 UV of each corner; empty when there are none.
        meshes: The geometries that the vertices and polygons are of, in order; one if omitted.
        photometric_weight: (V,) float32 in 0..1 or None: how far a vertex's color may drive the solve; with 0 it only
            occludes.
        rigid_weight: (V,) float32 in 0..1 or None: the part of the surface that fixes the head transform.
        joints: Joints, each after its parent.
        channels: What of the joints the controls move.
        signals: Names of numbers between controls and outputs.
        responses: Further functions of the controls: of targets' weights, channels and signals.
        skin: How joints carry the vertices, or None.

    Raises:
        FacesolveError: When they do not fit together, or a number is not finite.
    """

    neutral: np.ndarray
    face_counts: np.ndarray
    face_vertices: np.ndarray
    targets: Tuple[Target, ...]
    controls: Tuple[Control, ...]
    drivers: Tuple[Driver, ...]
    combinations: Tuple[Combination, ...] = ()
    uvs: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    face_uvs: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    meshes: Tuple[Mesh, ...] = ()
    photometric_weight: Optional[np.ndarray] = None
    rigid_weight: Optional[np.ndarray] = None
    joints: Tuple[Joint, ...] = ()
    channels: Tuple[Channel, ...] = ()
    signals: Tuple[str, ...] = ()
    responses: Tuple[Response, ...] = ()
    skin: Optional[Skin] = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "neutral", np.ascontiguousarray(self.neutral, np.float32))
        object.__setattr__(self, "uvs", np.ascontiguousarray(self.uvs, np.float32))
        for name in ("face_counts", "face_vertices", "face_uvs"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), np.int32))
        if not self.meshes:
            object.__setattr__(self, "meshes", (Mesh("head", len(self.neutral), len(self.face_counts)),))
        _check_topology(self)
        _check_targets(self)
        check_joints(self.joints, self.channels)
        _check_drivers(self)
        _check_combinations(self)
        if self.skin is not None:
            check_skin(self.skin, len(self.joints), len(self.neutral))
        for name in ("photometric_weight", "rigid_weight"):
            _check_vertex_weight(self, name)

    @property
    def vertex_count(self) -> int:
        return len(self.neutral)

    @property
    def controls_in_use(self) -> Set[int]:
        """Indices of controls that a driver or a response reads."""
        inputs = [port for response in self.responses for port in response.inputs]
        return {driver.control for driver in self.drivers} | {p.index for p in inputs if p.kind == CONTROL}

    @property
    def linear(self) -> bool:
        """Whether the vertices are the neutral and a sum of shapes: nothing is skinned."""
        return self.skin is None

    @property
    def control_names(self) -> List[str]:
        return [control.name for control in self.controls]

    @property
    def target_names(self) -> List[str]:
        return [target.name for target in self.targets]

    @property
    def default_controls(self) -> np.ndarray:
        """(K,) float64 control values of the neutral."""
        return np.array([control.default for control in self.controls], np.float64)

    @property
    def bounds(self) -> np.ndarray:
        """(K, 2) float64: minimum and maximum of each control."""
        return np.array([(c.minimum, c.maximum) for c in self.controls], np.float64).reshape(-1, 2)

    @staticmethod
    def from_dense(
        neutral: np.ndarray,
        deltas: np.ndarray,
        names: Sequence[str],
        face_counts: np.ndarray,
        face_vertices: np.ndarray,
        uvs: Optional[np.ndarray] = None,
        face_uvs: Optional[np.ndarray] = None,
        ranges: Optional[np.ndarray] = None,
        defaults: Optional[np.ndarray] = None,
    ) -> Rig:
        """Rig whose controls are the weights of its targets.

        Args:
            neutral: (V, 3) centimeters.
            deltas: (K, V, 3) centimeters, offsets of each target from the neutral.
            names: K names of targets and controls.
            face_counts: (P,) corners of each polygon.
            face_vertices: (sum of the counts,) vertex of each corner.
            uvs: (T, 2), or None.
            face_uvs: (sum of the counts,) UV of each corner, or None.
            ranges: (K, 2) least and largest value of each control, 0..1 if omitted.
            defaults: (K,) values of the neutral, 0 if omitted.

        Raises:
            FacesolveError: When they do not fit together.
        """
        neutral = np.asarray(neutral)
        deltas = np.asarray(deltas)
        if deltas.ndim != 3 or deltas.shape[1:] != neutral.shape or len(names) != len(deltas):
            raise TakeError(
                "rig: deltas have shape {} and there are {} names, but the neutral's shape is {}; expected "
                "(targets, vertices, 3) and one name per target.".format(deltas.shape, len(names), neutral.shape)
            )
        limits = np.tile([0.0, 1.0], (len(names), 1)) if ranges is None else np.asarray(ranges, np.float64)
        rest = np.zeros(len(names)) if defaults is None else np.asarray(defaults, np.float64)
        if limits.shape != (len(names), 2) or rest.shape != (len(names),):
            raise TakeError(
                "rig: ranges have shape {} and defaults {}; expected (targets, 2) and (targets,).".format(
                    limits.shape, rest.shape
                )
            )
        controls = [
            Control(str(name), float(least), float(most), float(value))
            for name, (least, most), value in zip(names, limits, rest)
        ]
        targets = tuple(Target(str(name), (Shape.from_dense(delta),)) for name, delta in zip(names, deltas))
        return Rig(
            neutral=neutral,
            face_counts=face_counts,
            face_vertices=face_vertices,
            targets=targets,
            controls=tuple(controls),
            drivers=tuple(Driver.identity(k, k) for k in range(len(targets))),
            uvs=np.zeros((0, 2), np.float32) if uvs is None else uvs,
            face_uvs=np.zeros(0, np.int32) if face_uvs is None else face_uvs,
        )


def _check_topology(rig: Rig) -> None:
    count = len(rig.neutral)
    if rig.neutral.ndim != 2 or rig.neutral.shape[1] != 3 or count == 0:
        raise TakeError("rig: the neutral has shape {}, expected (vertices, 3).".format(rig.neutral.shape))
    bad = np.flatnonzero(~np.isfinite(rig.neutral).all(axis=1))
    if len(bad):
        raise TakeError(
            "rig: {} neutral vertices are not finite (first: vertex {}); repair the mesh and export again.".format(
                len(bad), bad[0]
            )
        )
    if len(rig.face_counts) == 0 or rig.face_counts.min() < 3:
        raise TakeError("rig: every polygon needs at least 3 corners, and there must be at least one polygon.")
    corners = int(rig.face_counts.sum())
    if len(rig.face_vertices) != corners:
        raise TakeError(
            "rig: polygons have {} corners in all but {} corner vertices are given.".format(
                corners, len(rig.face_vertices)
            )
        )
    if rig.face_vertices.min() < 0 or rig.face_vertices.max() >= count:
        raise TakeError("rig: a polygon uses a vertex outside 0..{}.".format(count - 1))
    if len(rig.face_uvs):
        if len(rig.face_uvs) != corners:
            raise TakeError(
                "rig: {} corner UVs for {} polygon corners; give one per corner or none.".format(
                    len(rig.face_uvs), corners
                )
            )
        if rig.uvs.ndim != 2 or rig.uvs.shape[1] != 2 or not np.isfinite(rig.uvs).all():
            raise TakeError("rig: UVs must be finite and of shape (n, 2).")
        if rig.face_uvs.min() < 0 or rig.face_uvs.max() >= len(rig.uvs):
            raise TakeError("rig: a polygon uses a UV outside 0..{}.".format(len(rig.uvs) - 1))
    if sum(m.vertex_count for m in rig.meshes) != count or sum(m.face_count for m in rig.meshes) != len(
        rig.face_counts
    ):
        raise TakeError("rig: the meshes' vertex and polygon counts do not add up to the rig's.")


def _check_targets(rig: Rig) -> None:
    names = rig.target_names
    check_names(names, "rig: the name of a target")
    if len(set(names)) != len(names):
        raise TakeError("rig: two targets are named '{}'; names must be unique.".format(_first_duplicate(names)))
    for target in rig.targets:
        if not target.shapes:
            raise TakeError("rig: target '{}' has no shape.".format(target.name))
        weights = [shape.weight for shape in target.shapes]
        if weights != sorted(set(weights)) or 0.0 in weights or not np.isfinite(weights).all():
            raise TakeError(
                "rig: target '{}' has shapes at weights {}; they must be increasing, finite and not 0.".format(
                    target.name, weights
                )
            )
        for shape in target.shapes:
            if shape.vertices.shape != (len(shape.deltas),) or shape.deltas.shape != (len(shape.vertices), 3):
                raise TakeError("rig: target '{}' has vertices and deltas of different length.".format(target.name))
            if len(shape.vertices) and (
                shape.vertices.min() < 0
                or shape.vertices.max() >= len(rig.neutral)
                or (shape.vertices[1:] <= shape.vertices[:-1]).any()
            ):
                raise TakeError(
                    "rig: target '{}' moves vertices outside 0..{} or lists one twice.".format(
                        target.name, len(rig.neutral) - 1
                    )
                )
            bad = np.flatnonzero(~np.isfinite(shape.deltas).all(axis=1))
            if len(bad):
                raise TakeError(
                    "rig: target '{}' has a delta that is not finite at vertex {}; repair the shape and export "
                    "again.".format(target.name, shape.vertices[bad[0]])
                )


def _check_drivers(rig: Rig) -> None:
    names = rig.control_names
    if not names:
        raise TakeError("rig: there is no control to solve for; the rig needs at least one blendshape target.")
    check_names(names, "rig: the name of a control")
    if len(set(names)) != len(names):
        raise TakeError("rig: two controls are named '{}'; names must be unique.".format(_first_duplicate(names)))
    for control in rig.controls:
        WORD(control.plug, "rig: the plug of control '{}'".format(control.name))
        for name in ("minimum", "maximum", "default"):
            MEASURE(getattr(control, name), "rig: the {} of control '{}'".format(name, control.name))
        if not control.minimum <= control.default <= control.maximum or control.minimum == control.maximum:
            raise TakeError(
                "rig: control '{}' has range {}..{} and default {}; the default must lie in a range that is not "
                "empty.".format(control.name, control.minimum, control.maximum, control.default)
            )
    for driver in rig.drivers:
        if not (0 <= driver.control < len(rig.controls) and 0 <= driver.target < len(rig.targets)):
            raise TakeError("rig: a driver connects a control or target that does not exist.")
        if (
            len(driver.inputs) < 2
            or len(driver.inputs) != len(driver.outputs)
            or not np.isfinite(driver.inputs).all()
            or not np.isfinite(driver.outputs).all()
            or np.diff(driver.inputs).min() <= 0
        ):
            raise TakeError(
                "rig: the driver from control '{}' to target '{}' needs at least two points with increasing "
                "inputs.".format(names[driver.control], rig.targets[driver.target].name)
            )
    counts = {CONTROL: len(names), SIGNAL: len(rig.signals), TARGET: len(rig.targets), CHANNEL: len(rig.channels)}
    check_responses(rig.responses, rig.signals, counts)


def _check_combinations(rig: Rig) -> None:
    driven = {driver.target for driver in rig.drivers}
    driven |= {response.output.index for response in rig.responses if response.output.kind == TARGET}
    seen = set()
    for combination in rig.combinations:
        if not 0 <= combination.target < len(rig.targets):
            raise TakeError("rig: a combination sets target {}, which does not exist.".format(combination.target))
        name = rig.targets[combination.target].name
        if combination.method not in COMBINATION_METHODS:
            raise TakeError(
                "rig: combination '{}' has method '{}', expected one of {}.".format(
                    name, combination.method, ", ".join(COMBINATION_METHODS)
                )
            )
        if combination.target in driven or combination.target in seen:
            raise TakeError("rig: combination target '{}' is also driven by something else.".format(name))
        if not combination.drivers or any(
            not 0 <= d < len(rig.targets) or d == combination.target for d in combination.drivers
        ):
            raise TakeError("rig: combination '{}' needs at least one existing driver other than itself.".format(name))
        if any(d not in driven and d not in seen for d in combination.drivers):
            raise TakeError(
                "rig: combination '{}' depends on a target that no control drives, or on a later combination; "
                "list combinations after what they depend on.".format(name)
            )
        seen.add(combination.target)


def _check_vertex_weight(rig: Rig, name: str) -> None:
    value = getattr(rig, name)
    if value is None:
        return
    value = np.ascontiguousarray(value, np.float32)
    object.__setattr__(rig, name, value)
    if value.shape != (len(rig.neutral),) or not np.isfinite(value).all() or value.min() < 0 or value.max() > 1:
        raise TakeError(
            "rig: {} must hold one number in 0..1 for each of the {} vertices.".format(name, len(rig.neutral))
        )


def _first_duplicate(names: Sequence[str]) -> str:
    return next(name for i, name in enumerate(names) if name in names[:i])
