"""Rigs that cannot be read: move each control, record the mesh, put everything back.

The recorded rig adds the controls' effects; how far the real rig is from that is measured and reported.
"""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
from maya import cmds

from facesolve.take import Control, Driver, Rig, Shape, Target
from facesolve.take.in_words import LISTED, listed
from facesolve_maya.scene.findings import Refusal, Report
from facesolve_maya.scene.geometry import read_topology, shape_points, transformed, world_matrix
from facesolve_maya.scene.head import above_in_dag, head_now, not_carried, nudged
from facesolve_maya.scene.plugs import driver_of, keys_of, short_name, split
from facesolve_maya.scene.undisturbed import undisturbed

from .controls import ControlSet
from .drivers import is_channel, limits, rest_value
from .history import visible_meshes
from .rig import NEGLIGIBLE, join, make_rig

STEPS = 4  # intervals of a control's range; each is straight in the recorded rig
_CARRIED = 0.25  # of the vertices must follow the head: a bust has a neck and shoulders that do not
_TOLERANCE = 0.05  # cm; a rig whose controls interact by more is reported


Told = Callable[[int, int], None]  # controls that are recorded, and all of them


def _unheard(done: int, total: int) -> None:
    pass


class Recordings:
    """The last sampled rig, kept, for a check need not move everything again. ``forget`` it when the scene changes."""

    def __init__(self, told: Told = _unheard) -> None:
        self._told = told
        self._kept: Optional[Tuple[Tuple[object, ...], Rig, Report]] = None

    def forget(self) -> None:
        """The next rig is recorded from the scene."""
        self._kept = None

    def rig(
        self, meshes: Tuple[str, ...], head: str, plugs: Tuple[str, ...], times: Tuple[float, ...], report: Report
    ) -> Rig:
        """As ``sample_rig``; what was refused is tried again each time."""
        key = (meshes, head, plugs, times[0])
        if self._kept is None or self._kept[0] != key:
            found = Report()
            try:
                self._kept = (key, sample_rig(meshes, head, plugs, times, found, self._told), found)
            finally:
                self._told(len(plugs), len(plugs))
                report.take_up(found)
        else:
            report.take_up(self._kept[2])
        return self._kept[1]


def sample_rig(
    meshes: Tuple[str, ...],
    head: str,
    plugs: Tuple[str, ...],
    times: Tuple[float, ...],
    report: Report,
    told: Told = _unheard,
) -> Rig:
    """The rig recorded from the scene at the first time. plugs: the controls, with keys or without.

    Raises Refusal for a control that is locked, driven, or has no range.
    """
    shapes = visible_meshes(meshes)
    ranges: Dict[str, Tuple[float, float, float]] = {}
    for plug in plugs:
        with report.collecting(plug):
            ranges[plug] = range_of(plug, times[0])
    report.raise_errors()
    _refuse_bystanders(shapes, head, times[0])
    with undisturbed(plugs, times[0]):
        _set({plug: default for plug, (_, _, default) in ranges.items()})
        neutrals = _record(shapes, head)
        offsets: Dict[str, List[Tuple[float, np.ndarray]]] = {}
        for plug, span in ranges.items():
            told(len(offsets), len(ranges))
            offsets[plug] = _record_control(plug, span, shapes, head, neutrals)
        _report_interaction(ranges, offsets, shapes, head, neutrals, report)
    geometry = join([read_topology(shape, report) for shape in shapes], neutrals, shapes)
    targets, controls = _targets(offsets, ranges, report)
    return make_rig(geometry, targets, controls)


def _refuse_bystanders(shapes: List[str], head: str, time: float) -> None:
    """Refusal for a mesh of which no good part follows when the head moves: skinning carries it, or a parent."""
    shapes = [shape for shape in shapes if not above_in_dag(head, shape)]
    if not shapes:
        return
    with undisturbed((), time):
        before = [transformed(shape_points(shape), world_matrix(shape)) for shape in shapes]
        turn = np.linalg.inv(world_matrix(head))
    with nudged(head, time):
        after = [transformed(shape_points(shape), world_matrix(shape)) for shape in shapes]
        turn = turn @ world_matrix(head)
    for shape, old, new in zip(shapes, before, after):
        expected = transformed(old, turn)
        way = np.linalg.norm(expected - old, axis=1)
        if way.max() > 1e-6 and np.mean(np.linalg.norm(expected - new, axis=1) <= 0.1 * way) < _CARRIED:
            raise not_carried(head, shape)


def range_of(plug: str, time: float) -> Tuple[float, float, float]:
    """(lowest, highest, rest) value of a control; a transform's channel rests where it is at ``time``.

    Raises Refusal for a control that cannot be moved, and for one without a range.
    """
    if not cmds.objExists(plug):
        raise Refusal(plug, "this control does not exist.", "Choose it again.")
    if cmds.getAttr(plug, lock=True):
        raise Refusal(plug, "it is locked, so it cannot be moved.", "Unlock it, or do not sample it.")
    driver = driver_of(plug)
    if driver is not None and keys_of(plug) is None:
        raise Refusal(
            plug, "'{}' drives it, so it cannot be moved.".format(driver), "Sample the control that drives it."
        )
    low, high = limits(plug)
    if low is None or high is None:
        if not split(plug)[1].startswith(("weight[", "w[")) and cmds.nodeType(split(plug)[0]) != "blendShape":
            raise Refusal(
                plug,
                "it has no minimum and maximum, and no limits on its channel.",
                "Set its limits to the range the rig is made for.",
            )
        low, high = 0.0, 1.0
    rest = float(cmds.getAttr(plug, time=time)) if is_channel(plug) else rest_value(plug)
    return low, high, min(max(rest, low), high)


def _set(values: Dict[str, float]) -> None:
    for plug, value in values.items():
        cmds.setAttr(plug, value)


def _record(shapes: List[str], head: str) -> List[np.ndarray]:
    """Points (V, 3) of each mesh in rig space, as the scene stands, centimeters."""
    off = np.linalg.inv(head_now(head)).T
    return [transformed(shape_points(shape), world_matrix(shape) @ off) for shape in shapes]


def _record_control(
    plug: str,
    span: Tuple[float, float, float],
    shapes: List[str],
    head: str,
    neutrals: List[np.ndarray],
) -> List[Tuple[float, np.ndarray]]:
    """(control value, offsets (V, 3) over all meshes) at steps over the control's range, without its default."""
    low, high, default = span
    found = []
    for value in np.linspace(low, high, STEPS + 1):
        if abs(value - default) < 1e-9 * (high - low):
            continue
        cmds.setAttr(plug, float(value))
        recorded = _record(shapes, head)
        found.append((float(value), np.concatenate([a - b for a, b in zip(recorded, neutrals)])))
    cmds.setAttr(plug, default)
    return found


def _report_interaction(
    ranges: Dict[str, Tuple[float, float, float]],
    offsets: Dict[str, List[Tuple[float, np.ndarray]]],
    shapes: List[str],
    head: str,
    neutrals: List[np.ndarray],
    report: Report,
) -> None:
    """Moves all controls half-way together and compares the mesh with the sum of their recorded offsets."""
    together = {}
    expected = np.zeros_like(np.concatenate(neutrals))
    for plug, samples in offsets.items():
        value, moved_by = samples[len(samples) // 2]
        together[plug] = value
        expected = expected + moved_by
    _set(together)
    recorded = np.concatenate([a - b for a, b in zip(_record(shapes, head), neutrals)])
    _set({plug: ranges[plug][2] for plug in together})
    worst = float(np.linalg.norm(recorded - expected, axis=1).max()) if len(expected) else 0.0
    if worst > _TOLERANCE:
        report.warning(
            short_name(shapes[0]),
            "the sampled controls influence each other by up to {:.1f} mm; the recorded rig only adds them.".format(
                10.0 * worst
            ),
            "Sample fewer controls, or expect that much error where they act together.",
        )


def _targets(
    offsets: Dict[str, List[Tuple[float, np.ndarray]]],
    ranges: Dict[str, Tuple[float, float, float]],
    report: Report,
) -> Tuple[Tuple[Target, ...], ControlSet]:
    """One target a control: activation = control value minus default, in units of the control's range."""
    targets: List[Target] = []
    controls: List[Control] = []
    drivers: List[Driver] = []
    still: List[str] = []
    names = [split(plug)[1] for plug in offsets]
    for plug, samples in offsets.items():
        low, high, default = ranges[plug]
        if max(float(np.abs(moved_by).max()) for _, moved_by in samples) < NEGLIGIBLE:
            still.append(plug)
            continue
        attribute = split(plug)[1]
        name = attribute if names.count(attribute) == 1 else plug.rpartition("|")[2]
        width = high - low
        shapes = tuple(Shape.from_dense(moved_by, (value - default) / width, NEGLIGIBLE) for value, moved_by in samples)
        drivers.append(
            Driver(
                len(controls), len(targets), np.array([low, high]), np.array([low - default, high - default]) / width
            )
        )
        targets.append(Target(name, shapes))
        controls.append(Control(name, low, high, default, plug))
    _report_still(still, report)
    return tuple(targets), ControlSet(tuple(controls), tuple(drivers), (), ("sampled",) * len(controls))


def _report_still(plugs: List[str], report: Report) -> None:
    """Controls that move nothing are left out: one by one, or all in one sentence when there are many."""
    if len(plugs) > LISTED:
        sentence = "moving {} of the sampled controls changes nothing: {}; they are left out."
        report.warning("rig", sentence.format(len(plugs), listed(plugs)), "Do not sample them.")
        return
    for plug in plugs:
        report.warning(plug, "moving this control changes nothing; it is left out.", "Do not sample it.")
