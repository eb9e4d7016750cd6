"""A solution to keys in the scene: what is keyed is planned first, then done in one edit that undoes as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Tuple

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from maya_plugin.export.head import head_node
from maya_plugin.export.plugs import short_name
from maya_plugin.undo import Command, SceneEdit, run_edit
from maya_plugin.units import centimetres, internal_factor, radians
from solver.take.errors import TakeError

from .channels import CHANNELS, head_channels
from .curves import key_all
from .layer import check_layer, layer_commands, layer_curves, layer_name, why_not_keyable
from .provenance import now, provenance_commands
from .reduction import fit_keys
from .request import ApplyRequest


@dataclass(frozen=True)
class Skipped:
    """A plug that was not keyed, and why."""

    plug: str
    reason: str


@dataclass(frozen=True)
class ApplyReport:
    """What was keyed. surface_error: millimetres that a reduction of keys cost, 0 when every frame is keyed."""

    layer: str
    plugs: Tuple[str, ...]
    skipped: Tuple[Skipped, ...]
    keys: int
    surface_error: float = 0.0

    def __str__(self) -> str:
        text = "Keyed {} channels on layer '{}' ({} keys).".format(len(self.plugs), self.layer, self.keys)
        if self.surface_error:
            text += " Fewer keys cost at most {:.3f} mm.".format(self.surface_error)
        if self.skipped:
            text += " Left alone: {}.".format("; ".join("{} ({})".format(s.plug, s.reason) for s in self.skipped))
        return text


@dataclass(eq=False)
class Plan:
    """Curves to key: plugs with values (F, P) in shown units at scene times (F,).

    head: the node that gets the head's motion, empty for none. applied: when this was planned; redo records the same.
    ``report`` is filled when the edit has run.
    """

    request: ApplyRequest
    layer: str
    head: str
    times: Tuple[float, ...]
    plugs: Tuple[str, ...]
    values: np.ndarray
    skipped: Tuple[Skipped, ...]
    applied: str
    reports: List[ApplyReport] = field(default_factory=list)

    def edit(self) -> SceneEdit:
        """The undoable edit."""
        return SceneEdit(self._nodes, self._keys)

    @property
    def report(self) -> ApplyReport:
        """What the last run of the edit did."""
        return self.reports[-1]

    def _nodes(self) -> List[Command]:
        request = self.request
        commands = layer_commands(self.layer, self.plugs, self.times[0], [float(value) for value in self.values[0]])
        return commands + provenance_commands(
            request.solution,
            request.take.name,
            request.take_folder,
            request.solution_folder,
            self.layer,
            self.head,
            self.applied,
            request.span,
        )

    def _keys(self, change: oma.MAnimCurveChange) -> None:
        names = layer_curves(self.layer, self.plugs)
        factors = np.array([internal_factor(plug) for plug in self.plugs])
        internal = self.values * factors
        error = 0.0
        if self.request.tolerance is not None and len(self.times) > 2:
            error = fit_keys(names, self, internal, self.request.tolerance, change)
        else:
            for column, name in enumerate(names):
                key_all(name, self.times, internal[:, column], change)
        count = sum(cmds.keyframe(name, query=True, keyframeCount=True) or 0 for name in names)
        self.reports.append(ApplyReport(self.layer, self.plugs, self.skipped, int(count), error))


def apply_solution(request: ApplyRequest) -> ApplyReport:
    """Keys the solution as one undoable entry. Raises TakeError or Refusal, and then nothing is changed."""
    planned = plan(request)
    run_edit(planned.edit(), "Facesolve: apply {}".format(request.take.name))
    return planned.report


def plan(request: ApplyRequest) -> Plan:
    """What will be keyed. Reads the scene only; raises TakeError when the solution does not fit it."""
    solution, take = request.solution, request.take
    rows = _rows(request)
    times = tuple(float(time) for time in solution.scene_times[rows])
    layer = layer_name(request.layer, take.name)
    check_layer(layer)
    locked = {control.name for control in take.settings.controls if control.lock is not None}
    known = {control.name: control for control in take.rig.controls}
    plugs: List[str] = []
    columns: List[np.ndarray] = []
    skipped: List[Skipped] = []
    for number, name in enumerate(solution.control_names):
        if name not in known:
            raise TakeError("solution: control '{}' is not in take '{}'; choose its own take.".format(name, take.name))
        plug = known[name].plug
        reason = "locked to the scene's curve" if name in locked else why_not_keyable(plug)
        if reason:
            skipped.append(Skipped(plug or name, reason))
            continue
        plugs.append(plug)
        columns.append(solution.controls[rows, number])
    head = _head(request, times, rows, plugs, columns, skipped)
    if not plugs:
        raise TakeError("apply: nothing can be keyed. {}".format(ApplyReport(layer, (), tuple(skipped), 0)))
    values = np.stack(columns, axis=1)
    if request.span is not None:
        values = _blended(tuple(plugs), times, values, request.blend)
    return Plan(request, layer, head, times, tuple(plugs), values, tuple(skipped), now())


def _rows(request: ApplyRequest) -> np.ndarray:
    times = request.solution.scene_times
    if request.span is None:
        return np.arange(len(times))
    rows = np.flatnonzero((times >= request.span[0] - 1e-6) & (times <= request.span[1] + 1e-6))
    if not len(rows):
        raise TakeError("apply: the solution has no frame between {:g} and {:g}.".format(*request.span))
    return rows


def _head(
    request: ApplyRequest,
    times: Tuple[float, ...],
    rows: np.ndarray,
    plugs: List[str],
    columns: List[np.ndarray],
    skipped: List[Skipped],
) -> str:
    """Adds the head's six channels, all or none of them; returns the node."""
    if not request.head:
        return ""
    node = short_name(head_node(request.head))
    channels = ["{}.{}".format(node, channel) for channel in CHANNELS]
    reasons = [Skipped(plug, why_not_keyable(plug)) for plug in channels]
    if any(item.reason for item in reasons):
        skipped += [item for item in reasons if item.reason]
        skipped.append(Skipped(node, "its head motion is left out, for it needs all six channels"))
        return node
    found = head_channels(node, request.solution.head[rows], times)
    found[:, :3] /= centimetres()
    found[:, 3:] /= radians()
    plugs += channels
    columns += list(found.T)
    return node


def _blended(plugs: Tuple[str, ...], times: Tuple[float, ...], values: np.ndarray, blend: int) -> np.ndarray:
    """A span's values, going over into the scene's present ones within ``blend`` frames of both ends."""
    count = len(times)
    reach = min(blend, (count - 1) // 2)
    if reach < 1:
        return values
    steps = np.arange(count)
    edge = np.minimum(steps, count - 1 - steps) / reach
    share = np.clip(edge, 0.0, 1.0)
    share = share * share * (3.0 - 2.0 * share)
    present = np.array([[float(cmds.getAttr(plug, time=time)) for plug in plugs] for time in times])
    return present + share[:, None] * (values - present)
