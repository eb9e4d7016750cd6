"""What Apply is about to key and what it reports: the plan that keys and reduction share. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List, Tuple

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve_maya.scene.undo import Command, SceneEdit
from facesolve_maya.scene.units import internal_factor

from .curves import key_all
from .layer import layer_commands, layer_curves
from .provenance import provenance_commands
from .reduction import fit_curves
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
        tolerance, take = self.request.tolerance, self.request.take
        if tolerance is not None and len(self.times) > 2:
            error = fit_curves(names, self.plugs, take, self.times, internal, self.head, tolerance, change)
        else:
            for column, name in enumerate(names):
                key_all(name, self.times, internal[:, column], change)
        count = sum(cmds.keyframe(name, query=True, keyframeCount=True) or 0 for name in names)
        self.reports.append(ApplyReport(self.layer, self.plugs, self.skipped, int(count), error))
