"""The one numpy evaluation of a rig: controls -> weights of targets and channels of joints -> shapes, skin -> vertices.

For Maya, exports and measures. Knows no derivatives: a solve has ``facesolve.geometry.rig``, which the tests hold to
this one and both to meshes that Maya wrote. Python 3.7.
"""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Set, Tuple, Union

import numpy as np

from .errors import TakeError
from .rig import LOWEST, Rig
from .rig_logic import CHANNEL, CONTROL, GRID, LEAST, SIGNAL, SUM, TARGET, Port, Response
from .skinning import influence_matrices, joint_matrices, skinned

UNMOVED = 1e-9  # of a matrix: smaller changes are rounding
STILL_BELOW = 1e-6  # centimeters: a vertex that no shape moves further does not move


class RigEvaluator:
    """Evaluates ``rig`` at F sets of K control values; T targets, S shapes (in-betweens included), V vertices.

    Shapes are in the order of ``rig.targets`` and of their ``shapes``:
    ``vertices = skin(neutral + sum_s activation_s * deltas_s)``, rig space, centimeters; shapes of targets that come
    after the skin are added to what it makes.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.shapes = tuple(shape for target in rig.targets for shape in target.shapes)
        self._after = np.array([target.after_skin for target in rig.targets for _ in target.shapes], bool)
        self._groups = _grouped(rig.responses)
        self._moved: Optional[Tuple[np.ndarray, np.ndarray]] = None  # made when vertices are first wanted

    def target_weights(self, controls: np.ndarray) -> np.ndarray:
        """(F, T) weight of every target of controls (F, K), combinations included. TakeError for other shapes."""
        return self._outputs(controls)[0]

    def channel_values(self, controls: np.ndarray) -> np.ndarray:
        """(F, C) what controls (F, K) add to the channels of the joints: centimeters, degrees, factors."""
        return self._outputs(controls)[1]

    def joint_matrices(self, controls: np.ndarray) -> np.ndarray:
        """(F, J, 4, 4) joints in rig space, for column vectors, at controls (F, K)."""
        return joint_matrices(self.rig.joints, self.rig.channels, self.channel_values(controls))

    def _outputs(self, controls: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """Weights of targets (F, T) and values of channels (F, C)."""
        controls = np.asarray(controls, np.float64)
        if controls.ndim != 2 or controls.shape[1] != len(self.rig.controls):
            raise TakeError(
                "rig: control values have shape {}, expected (frames, {}).".format(
                    controls.shape, len(self.rig.controls)
                )
            )
        weights = np.zeros((len(controls), len(self.rig.targets)))
        for driver in self.rig.drivers:
            weights[:, driver.target] += _hats(driver.inputs, controls[:, driver.control]) @ driver.outputs
        channels = np.zeros((len(controls), len(self.rig.channels)))
        values = {CONTROL: controls, SIGNAL: np.zeros((len(controls), len(self.rig.signals)))}
        outputs = {TARGET: weights, CHANNEL: channels, SIGNAL: values[SIGNAL]}
        for group in self._groups:
            if isinstance(group, _Lines):
                np.add.at(outputs[group.output_kind].T, group.outputs, group(values[group.input_kind]).T)
            elif isinstance(group, _Sums):
                np.add.at(outputs[group.output_kind].T, group.outputs, group(values).T)
            else:
                outputs[group.output.kind][:, group.output.index] += _response(group, values)
        for combination in self.rig.combinations:
            drivers = weights[:, list(combination.drivers)]
            lowest = combination.method == LOWEST
            weights[:, combination.target] = drivers.min(axis=1) if lowest else drivers.prod(axis=1)
        return weights, channels

    def activations(self, controls: np.ndarray) -> np.ndarray:
        """(F, S) activation of every shape of controls (F, K)."""
        weights = self.target_weights(controls)
        columns = [
            shape_activations([shape.weight for shape in target.shapes], weights[:, index])
            for index, target in enumerate(self.rig.targets)
        ]
        return np.concatenate([np.zeros((len(weights), 0)), *columns], axis=1)

    def offsets(self, activations: np.ndarray) -> np.ndarray:
        """(F, V, 3) float64 how far activations (F, S), or a difference of some, move vertices before a skin; cm."""
        if self._moved is None:
            self._moved = self._moved_vertices()
        vertices, deltas = self._moved
        offsets = np.zeros((len(activations), self.rig.vertex_count, 3))
        offsets[:, vertices] = (activations @ deltas).reshape(len(activations), len(vertices), 3)
        return offsets

    def vertices(self, controls: np.ndarray) -> np.ndarray:
        """(F, V, 3) float64 vertices of controls (F, K) in rig space, centimeters."""
        activations = self.activations(controls)
        if self.rig.skin is None:
            return self.rig.neutral + self.offsets(activations)
        matrices = influence_matrices(self.rig.skin, self.joint_matrices(controls))
        out = skinned(self.rig.skin, matrices, self.rig.neutral + self.offsets(activations * ~self._after))
        return out + self.offsets(activations * self._after) if self._after.any() else out

    def moving_vertices(self) -> np.ndarray:
        """(V,) bool: vertices that at least one shape moves by more than 1e-6 cm, or a joint that controls move."""
        moving = np.zeros(self.rig.vertex_count, bool)
        for shape in self.shapes:
            moving[shape.vertices] |= np.linalg.norm(shape.deltas, axis=1) > STILL_BELOW
        return moving | carried_vertices(self.rig)

    def _moved_vertices(self) -> Tuple[np.ndarray, np.ndarray]:
        """The n vertices that any shape holds, and the offsets of all shapes there as one matrix (S, 3n) float64."""
        held = np.zeros(self.rig.vertex_count, bool)
        for shape in self.shapes:
            held[shape.vertices] = True
        column = np.cumsum(held) - 1
        deltas = np.zeros((len(self.shapes), int(held.sum()), 3))
        for row, shape in zip(deltas, self.shapes):
            row[column[shape.vertices]] = shape.deltas
        return np.flatnonzero(held), deltas.reshape(len(deltas), deltas[0].size if len(deltas) else 0)


def carried_vertices(rig: Rig) -> np.ndarray:
    """(V,) bool: vertices that hang on a joint which a channel, or one of a joint above it, moves."""
    carried = np.zeros(rig.vertex_count, bool)
    if rig.skin is None:
        return carried
    vertex = np.repeat(np.arange(rig.vertex_count), np.diff(rig.skin.offsets))
    carried[vertex[moving_influences(rig)[rig.skin.influences] & (rig.skin.weights != 0)]] = True
    return carried


def moving_influences(rig: Rig) -> np.ndarray:
    """(I,) bool: influences of the skin whose joint, or one above it, a channel moves."""
    assert rig.skin is not None
    moves = np.zeros(len(rig.joints) + 1, bool)  # the last one is rig space
    moves[[channel.joint for channel in rig.channels]] = True
    for index, joint in enumerate(rig.joints):
        moves[index] |= moves[joint.parent]
    return moves[rig.skin.joints]


def joint_controls(rig: Rig) -> List[int]:
    """The controls that move a channel of a joint, directly or through signals, in rising order."""
    reads: Dict[int, Set[int]] = {}
    found: Set[int] = set()
    for response in rig.responses:
        controls: Set[int] = set()
        for port in response.inputs:
            controls |= {port.index} if port.kind == CONTROL else reads.get(port.index, set())
        if response.output.kind == SIGNAL:
            reads.setdefault(response.output.index, set()).update(controls)
        elif response.output.kind == CHANNEL:
            found |= controls
    return sorted(found)


def joint_motions(rig: Rig) -> np.ndarray:
    """(k, V) cm: how far joints move each vertex from the rest by each of ``joint_controls``, at its farther limit."""
    chosen = joint_controls(rig) if rig.skin is not None else []
    motions = np.zeros((len(chosen), rig.vertex_count))
    if rig.skin is None or not chosen:
        return motions
    evaluator, skin = RigEvaluator(rig), rig.skin
    poses = np.tile(rig.default_controls, (2 * len(chosen) + 1, 1))
    for place, control in enumerate(chosen):
        poses[2 * place : 2 * place + 2, control] = rig.bounds[control]
    matrices = influence_matrices(skin, evaluator.joint_matrices(poses))[..., :3, :]
    vertex = np.repeat(np.arange(rig.vertex_count), np.diff(skin.offsets))
    points = np.concatenate([rig.neutral, np.ones((rig.vertex_count, 1))], axis=1)
    for place, moved in enumerate(matrices[:-1] - matrices[-1]):
        held = np.flatnonzero((np.abs(moved).max(axis=(1, 2)) > UNMOVED)[skin.influences])
        shifts = np.einsum("nij,nj->ni", moved[skin.influences[held]], points[vertex[held]])
        shifts *= skin.weights[held, None]
        total = np.stack([np.bincount(vertex[held], axis, rig.vertex_count) for axis in shifts.T], axis=1)
        motions[place // 2] = np.maximum(motions[place // 2], np.linalg.norm(total, axis=1))
    return motions


class _Lines:
    """Straight responses that follow each other, from one kind of number to one other, evaluated together."""

    def __init__(self, responses: Sequence[Response]) -> None:
        self.input_kind, self.output_kind = responses[0].inputs[0].kind, responses[0].output.kind
        self.outputs = np.array([response.output.index for response in responses])
        self._inputs = np.array([response.inputs[0].index for response in responses])
        axes = np.stack([response.axes[0] for response in responses])
        values = np.stack([response.values for response in responses])
        self._slopes = (values[:, 1] - values[:, 0]) / (axes[:, 1] - axes[:, 0])
        self._starts = values[:, 0] - self._slopes * axes[:, 0]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """(F, n) of numbers (F, m) of their input's kind."""
        return self._starts + self._slopes * values[:, self._inputs]


class _Sums:
    """Weighted sums that follow each other and add to one kind of number, as one matrix."""

    def __init__(self, responses: Sequence[Response]) -> None:
        self.output_kind = responses[0].output.kind
        self.outputs = np.array([response.output.index for response in responses])
        columns: Dict[Port, int] = {}
        for response in responses:
            for port in response.inputs:
                columns.setdefault(port, len(columns))
        self._inputs = list(columns)
        self._matrix = np.zeros((len(responses), len(columns)))
        for row, response in zip(self._matrix, responses):
            np.add.at(row, [columns[port] for port in response.inputs], response.values)

    def __call__(self, values: Dict[str, np.ndarray]) -> np.ndarray:
        """(F, n) of numbers (F, m) by their kind."""
        read = np.stack([values[port.kind][:, port.index] for port in self._inputs], axis=1)
        return read @ self._matrix.T


def _grouped(responses: Sequence[Response]) -> List[Union[Response, _Lines, _Sums]]:
    """The responses in their order, with runs of straight ones, and of sums, put together."""
    groups: List[Union[Response, _Lines, _Sums]] = []
    run: List[Response] = []

    def close() -> None:
        if run and run[0].method == SUM:
            groups.append(_Sums(run))
        elif run:
            groups.append(_Lines(run) if len(run) > 1 else run[0])
        run.clear()

    for response in responses:
        runs = _runs_with(response)
        if run and _runs_with(run[0]) != runs:
            close()
        if runs:
            run.append(response)
        else:
            groups.append(response)
    close()
    return groups


def _runs_with(response: Response) -> Tuple[str, ...]:
    """What responses that are evaluated together have in common; empty for one that is evaluated alone."""
    if response.output.kind == SIGNAL:
        return ()
    if response.method == SUM:
        return SUM, response.output.kind
    straight = response.method == GRID and response.values.shape == (2,)
    return (GRID, response.inputs[0].kind, response.output.kind) if straight else ()


def _response(response: Response, values: Dict[str, np.ndarray]) -> np.ndarray:
    """(F,) what a response says. values: by the kind of input, (F, n)."""
    inputs = [values[port.kind][:, port.index] for port in response.inputs]
    if response.method != GRID:
        stacked = np.stack(inputs, axis=1)
        if response.method == SUM:
            return stacked @ response.values
        return response.values[0] * (stacked.min(axis=1) if response.method == LEAST else stacked.prod(axis=1))
    out = np.broadcast_to(response.values, (len(inputs[0]), *response.values.shape))
    for axis, x in zip(response.axes, inputs):
        out = np.einsum("fn...,fn->f...", out, _hats(axis, x))
    return out


def shape_activations(shape_weights: Sequence[float], weights: np.ndarray) -> np.ndarray:
    """(F, n) activation of a target's n shapes, fully on at ``shape_weights``, of the target's weights (F,).

    Piecewise linear through zero at weight 0; the end segments extrapolate (Maya's rule).
    """
    stops = np.array(sorted({0.0, *shape_weights}))
    return _hats(stops, weights)[:, np.searchsorted(stops, shape_weights)]


def _hats(stops: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(F, n) what each of n rising stops counts at x (F,) in linear interpolation; end segments extrapolate."""
    place = np.clip(np.searchsorted(stops, x, side="right") - 1, 0, len(stops) - 2)
    share = (x - stops[place]) / (stops[place + 1] - stops[place])
    hats = np.zeros((len(x), len(stops)))
    rows = np.arange(len(x))
    hats[rows, place] = 1.0 - share
    hats[rows, place + 1] = share
    return hats


def control_columns(values: np.ndarray, names: Tuple[str, ...], rig: Rig, what: str) -> np.ndarray:
    """``values`` (F, K) with columns in the order of the rig's controls. Raises TakeError naming ``what``."""
    if set(names) != set(rig.control_names) or len(names) != len(rig.controls):
        odd = sorted(set(names) ^ set(rig.control_names))
        raise TakeError(
            "{}: its controls are not the take's (for example '{}').".format(what, odd[0] if odd else names[0])
        )
    return values[:, [names.index(name) for name in rig.control_names]]
