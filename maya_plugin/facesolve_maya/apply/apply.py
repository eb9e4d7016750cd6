"""A solution to keys in the scene: what is keyed is planned first, then done in one edit that undoes as a whole."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Tuple

import numpy as np
from maya import cmds

from facesolve.take.errors import TakeError
from facesolve.take.retime import timeline
from facesolve_maya.scene.head import head_node
from facesolve_maya.scene.plugs import short_name
from facesolve_maya.scene.undo import run_edit
from facesolve_maya.scene.units import centimeters, radians

from .channels import CHANNELS, head_channels
from .companions import companions
from .layer import check_layer, layer_name, why_not_keyable
from .namespaces import in_this_scene
from .planned_keys import ApplyReport, Plan, Skipped
from .provenance import layer_beside, now
from .request import ApplyRequest


def apply_solution(request: ApplyRequest) -> ApplyReport:
    """Keys the solution as one undoable entry. Raises TakeError or Refusal, and then nothing is changed."""
    planned = plan(request)
    run_edit(planned.edit(), "Facesolve: apply {}".format(request.take.name))
    return planned.report


def plan(request: ApplyRequest) -> Plan:
    """What will be keyed. Reads the scene only; raises TakeError when the solution does not fit it."""
    request = replace(request, take=in_this_scene(request.take, request.namespace, request.head))
    solution, take = request.solution, request.take
    times, rows = _keyed_times(request)
    layer = request.layer or (layer_beside(np.array(times)) if request.span is None else "")
    layer = layer_name(layer, take.name)
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
    beside = companions(plugs, layer, times)
    return Plan(request, layer, head, times, tuple(plugs), values, tuple(skipped), now(), beside)


def _keyed_times(request: ApplyRequest) -> Tuple[Tuple[float, ...], np.ndarray]:
    """Rising scene times to key, and the solution's row at each; a row as often as the scene shows its image."""
    times, rows = timeline(request.solution)
    if request.span is not None:
        inside = (times >= request.span[0] - 1e-6) & (times <= request.span[1] + 1e-6)
        if not inside.any():
            raise TakeError("apply: the solution has no frame between {:g} and {:g}.".format(*request.span))
        times, rows = times[inside], rows[inside]
    return tuple(float(time) for time in times), rows


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
        skipped.append(Skipped(node, "its head motion is left out, because it needs all six channels"))
        return node
    found = head_channels(node, request.solution.head[rows], times)
    found[:, :3] /= centimeters()
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
