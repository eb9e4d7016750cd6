"""Fewer keys, within a tolerance of the surface in millimeters, as Maya itself evaluates the curves."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve.take import Take, read_take
from facesolve.take.errors import TakeError
from facesolve.take.retime import timeline
from facesolve_maya.scene.rotate_order import ROTATE_ORDERS, rotation_matrix
from facesolve_maya.scene.undo import SceneEdit, run_edit
from facesolve_maya.scene.units import internal_factor

from .channels import CHANNELS
from .curves import key_within
from .layer import layer_curve
from .namespaces import in_this_scene
from .provenance import find_provenance
from .surface import Surface, error_of

_ATTEMPTS = 8
_SHARE = 0.5  # of the tolerance, for the first attempt: effects of several curves add up


def fit_curves(
    curves: List[str],
    plugs: Tuple[str, ...],
    take: Take,
    times: Tuple[float, ...],
    internal: np.ndarray,
    head: str,
    tolerance: float,
    change: oma.MAnimCurveChange,
) -> float:
    """Few keys for ``curves`` (of ``plugs``) that follow ``internal`` (F, P), internal units, at ``times``.

    The tolerance of each curve follows from how far it moves the surface; the whole is then measured with the curves
    that Maya has, and tightened until it holds. Returns the surface error in millimeters.
    """
    surface = Surface(take.rig)
    allowed = _curve_tolerances(plugs, take, surface, head, tolerance)
    wanted = _pose(plugs, take, internal, head)
    error = 0.0
    for _ in range(_ATTEMPTS):
        found = np.stack(
            [
                key_within(curve, times, internal[:, column], allowed[column], change)
                for column, curve in enumerate(curves)
            ],
            axis=1,
        )
        got = _pose(plugs, take, found, head)
        error = error_of(surface, (wanted[0], got[0]), (wanted[1], got[1]))
        if error <= tolerance:
            return error
        allowed = allowed * (0.8 * tolerance / error)
    return error


def _curve_tolerances(plugs: Tuple[str, ...], take: Take, surface: Surface, head: str, tolerance: float) -> np.ndarray:
    """(P,) largest error of each curve, internal units, that alone costs half of ``tolerance``."""
    reach = surface.reach()
    by_plug = {control.plug: index for index, control in enumerate(take.rig.controls)}
    width = take.rig.bounds[:, 1] - take.rig.bounds[:, 0]
    allowed = []
    for plug in plugs:
        if plug in by_plug:
            index = by_plug[plug]
            shown = _SHARE * tolerance * width[index] / max(reach[index], 1e-9)
            allowed.append(min(shown, width[index]) * internal_factor(plug))
        else:
            centimeters = _SHARE * tolerance / 10.0
            allowed.append(centimeters / max(surface.radius, 1.0) if ".rotate" in plug else centimeters)
    return np.array(allowed)


def _pose(plugs: Tuple[str, ...], take: Take, internal: np.ndarray, head: str) -> Tuple[np.ndarray, np.ndarray]:
    """Controls (F, K), shown units, and head transforms (F, 4, 4) that curve values (F, P) mean.

    The head is taken as its channels' own rigid transform, without what stands above it: distances are the same.
    """
    controls = np.tile(take.rig.default_controls, (len(internal), 1))
    by_plug = {control.plug: index for index, control in enumerate(take.rig.controls)}
    heads = np.tile(np.eye(4), (len(internal), 1, 1))
    channels = np.zeros((len(internal), 6))
    for column, plug in enumerate(plugs):
        if plug in by_plug:
            controls[:, by_plug[plug]] = internal[:, column] / internal_factor(plug)
        else:
            channels[:, CHANNELS.index(plug.rpartition(".")[2])] = internal[:, column]
    if head and any(plug not in by_plug for plug in plugs):
        order = ROTATE_ORDERS[int(cmds.getAttr(head + ".rotateOrder"))]
        for index, row in enumerate(channels):
            heads[index, :3, :3] = rotation_matrix(row[3:], order).T
            heads[index, :3, 3] = row[:3]
    return controls, heads


def reduce_keys(tolerance: float, layer: str = "") -> Tuple[int, int]:
    """Thins out the keys of the solve applied last (or of ``layer``), as one undoable entry.

    What the curves are now, edits included, is kept within ``tolerance`` millimeters of the surface at the take's
    frames. Returns the number of keys before and after. Raises TakeError when no applied solve is found.
    """
    if not tolerance > 0:
        raise TakeError("reduce keys: the tolerance is {:g} mm; it must be more than 0.".format(tolerance))
    origin = find_provenance(layer)
    if origin is None:
        raise TakeError("reduce keys: the scene holds no applied solve; apply a solution first.")
    take = in_this_scene(read_take(Path(origin.take_folder)), near=origin.head)
    candidates = [control.plug for control in take.rig.controls if control.plug]
    if origin.head:
        candidates += ["{}.{}".format(origin.head, channel) for channel in CHANNELS]
    plugs = tuple(plug for plug in candidates if layer_curve(origin.layer, plug) is not None)
    curves = [str(layer_curve(origin.layer, plug)) for plug in plugs]
    times = _keyed_times(curves, take)
    internal = np.array([[cmds.getAttr(plug, time=time) * internal_factor(plug) for plug in plugs] for time in times])
    before = _count(curves)

    def keys(change: oma.MAnimCurveChange) -> None:
        fit_curves(curves, plugs, take, times, internal, origin.head, tolerance, change)

    run_edit(SceneEdit(list, keys), "Facesolve: reduce keys")
    return before, _count(curves)


def _keyed_times(curves: List[str], take: Take) -> Tuple[float, ...]:
    """The take's scene times from the first to the last key of the curves."""
    keyed = [time for curve in curves for time in cmds.keyframe(curve, query=True, timeChange=True) or []]
    if not keyed:
        raise TakeError("reduce keys: the layer holds no keys.")
    return tuple(float(t) for t in timeline(take)[0] if min(keyed) - 1e-6 <= t <= max(keyed) + 1e-6)


def _count(curves: List[str]) -> int:
    return int(sum(cmds.keyframe(curve, query=True, keyframeCount=True) or 0 for curve in curves))
