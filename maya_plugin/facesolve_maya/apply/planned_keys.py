"""What Apply is about to key and what it reports: the plan that keys and reduction share. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Set, Tuple

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve_maya.scene.undo import Command, SceneEdit
from facesolve_maya.scene.units import internal_factor

from .companions import Companion
from .curves import key_all
from .layer import check_members, driver_below, layer_commands, layer_curves, layer_members
from .provenance import provenance_commands
from .reduction import fit_curves
from .request import ApplyRequest
from .shown import why_not_shown


@dataclass(frozen=True)
class Skipped:
    """A plug that was not keyed, and why."""

    plug: str
    reason: str


@dataclass(frozen=True)
class ApplyReport:
    """What was keyed. surface_error: millimeters that a reduction of keys cost, 0 when every frame is keyed.

    held: channels that came into the layer with a keyed one and got keys of what they showed. over: plugs whose keys go
    over what drives them, with that. warning: what keeps the scene from showing the keys, empty when it shows them.
    """

    layer: str
    plugs: Tuple[str, ...]
    skipped: Tuple[Skipped, ...]
    keys: int
    surface_error: float = 0.0
    held: Tuple[str, ...] = ()
    over: Tuple[Skipped, ...] = ()
    warning: str = ""

    def __str__(self) -> str:
        text = "Keyed {} channels on layer '{}' ({} keys).".format(len(self.plugs), self.layer, self.keys)
        if self.surface_error:
            text += " Fewer keys change the surface by at most {:.3f} mm.".format(self.surface_error)
        if self.held:
            text += " Also keyed, unchanged, because a layer takes all axes of a rotation: {}.".format(
                ", ".join(self.held)
            )
        if self.over:
            drivers = sorted({item.reason for item in self.over})
            text += " The layer goes over {} in {} channels; delete it to get that back.".format(
                ", ".join("'{}'".format(driver) for driver in drivers), len(self.over)
            )
        if self.skipped:
            text += " Left alone: {}.".format("; ".join("{} ({})".format(s.plug, s.reason) for s in self.skipped))
        return "{} {}".format(text, self.warning) if self.warning else text


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
    companions: Tuple[Companion, ...] = ()
    reports: List[ApplyReport] = field(default_factory=list)
    _members: Set[str] = field(default_factory=set)
    _over: Tuple[Skipped, ...] = ()

    def edit(self) -> SceneEdit:
        """The undoable edit."""
        return SceneEdit(self._nodes, self._keys)

    @property
    def report(self) -> ApplyReport:
        """What the last run of the edit did."""
        return self.reports[-1]

    def _nodes(self) -> List[Command]:
        request = self.request
        first_keys = [(plug, self.times[0], float(value)) for plug, value in zip(self.plugs, self.values[0])]
        first_keys += [(beside.plug, beside.times[0], float(beside.values[0])) for beside in self.companions]
        self._members = layer_members(self.layer)
        drivers = [Skipped(plug, driver_below(plug)) for plug in self.plugs]
        self._over = tuple(item for item in drivers if item.reason)
        commands = layer_commands(self.layer, self.plugs, first_keys)
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
        tolerance, take = self.request.tolerance, self.request.take
        if tolerance is not None and len(self.times) > 2:
            error = fit_curves(names, self.plugs, take, self.times, internal, self.head, tolerance, change)
        else:
            for column, name in enumerate(names):
                key_all(name, self.times, internal[:, column], change)
        for beside, name in zip(self.companions, layer_curves(self.layer, [beside.plug for beside in self.companions])):
            key_all(name, beside.times, beside.values * internal_factor(beside.plug), change)
        check_members(self.layer, self._members)
        count = sum(cmds.keyframe(name, query=True, keyframeCount=True) or 0 for name in names)
        held = tuple(beside.plug for beside in self.companions)
        warning = why_not_shown(self.layer, self.plugs, self.times, self.values) if not error else ""
        self.reports.append(
            ApplyReport(self.layer, self.plugs, self.skipped, int(count), error, held, self._over, warning)
        )
