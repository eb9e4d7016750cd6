"""An actor's profile in the scene: the offset of the neutral as a target of a node of its own, with weight 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import List, Optional, Tuple

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve.take import Take
from facesolve.take.actor import ActorProfile
from facesolve.take.errors import TakeError
from facesolve_maya.export.history import blend_shape_span
from facesolve_maya.scene.findings import Refusal, Report
from facesolve_maya.scene.head import head_node, mesh_in_rig_space
from facesolve_maya.scene.names import free_name, node_name
from facesolve_maya.scene.undo import Command, SceneEdit, run_edit

from .correctives import STILL, checked_shape, target_commands
from .request import read_request

TARGET = "actor"  # what the target is called
ORIGIN = "facesolveActor"  # string attribute that says where the offset came from


@dataclass(frozen=True, eq=False)
class ActorRequest:
    """A profile to add to a scene. head: the transform that the take's head motion means. folder: where from."""

    take: Take
    profile: ActorProfile
    head: str
    folder: str = ""


@dataclass(frozen=True)
class ActorReport:
    """What was added: blendShape nodes. largest: how far they move the surface, mm."""

    nodes: Tuple[str, ...]
    largest: float

    def __str__(self) -> str:
        return "Added the actor's neutral on {} (up to {:.2f} mm).".format(", ".join(self.nodes), self.largest)


@dataclass(frozen=True, eq=False)
class _Addition:
    """What one mesh gets: vertices that move, and their offsets in object space, cm."""

    node: str
    shape: str
    vertices: np.ndarray
    offsets: np.ndarray


@dataclass(frozen=True, eq=False)
class ActorPlan:
    """Nodes to add."""

    request: ActorRequest
    additions: Tuple[_Addition, ...]

    def edit(self) -> SceneEdit:
        """The undoable edit."""
        return SceneEdit(self._nodes, _no_keys)

    @property
    def report(self) -> ActorReport:
        """What the edit does."""
        return ActorReport(tuple(added.node for added in self.additions), self.request.profile.largest)

    def _nodes(self) -> List[Command]:
        commands: List[Command] = []
        origin = "{} ({})".format(self.request.folder.replace("\\", "/") or "a take", self.request.take.name)
        for added in self.additions:
            commands.append(partial(cmds.blendShape, added.shape, name=added.node))
            commands += target_commands(added.node, 0, TARGET, added.vertices, added.offsets)
            commands.append(partial(cmds.setAttr, added.node + ".weight[0]", 1.0))
            commands.append(partial(cmds.addAttr, added.node, longName=ORIGIN, dataType="string"))
            commands.append(partial(cmds.setAttr, "{}.{}".format(added.node, ORIGIN), origin, type="string"))
        return commands


def _no_keys(change: oma.MAnimCurveChange) -> None:
    """A weight that stays at 1 needs no curve."""


def read_actor_request(solution: Path, take: Optional[Path] = None, head: str = "") -> ActorRequest:
    """The request for a solution on disk. take: where it is not the one that the solution's provenance names.

    Raises TakeError, also for a solution that took the rig as it is.
    """
    request = read_request(solution, take=take)
    if request.solution.actor is None:
        raise TakeError("actor: the solution took the rig's neutral as it is, so there is nothing to add.")
    return ActorRequest(request.take, request.solution.actor, head, str(solution))


def apply_actor(request: ActorRequest) -> ActorReport:
    """Adds the offset as one undoable entry. Raises TakeError or Refusal, and then nothing is changed."""
    planned = plan_actor(request)
    run_edit(planned.edit(), "Facesolve: actor of {}".format(request.take.name))
    return planned.report


def plan_actor(request: ActorRequest) -> ActorPlan:
    """What will be added. Reads the scene only."""
    head, rig = head_node(request.head), request.take.rig
    request.profile.applied(rig)  # which says where it does not belong to the rig
    times = tuple(float(request.take.scene_times[end]) for end in (0, -1))
    additions: List[_Addition] = []
    first = 0
    for mesh in rig.meshes:
        offsets = request.profile.offset[first : first + mesh.vertex_count].astype(np.float64)
        first += mesh.vertex_count
        vertices = np.flatnonzero(np.abs(offsets).max(axis=1) > STILL)
        if not len(vertices):
            continue
        shape = checked_shape(mesh.name, mesh.vertex_count, "actor")
        skin = blend_shape_span(shape, times, Report()).skin
        if skin is not None:
            raise Refusal(skin.node, "it would come before the actor's offset.", "Add the offset to the neutral mesh.")
        to_object = np.linalg.inv(mesh_in_rig_space(shape, head, times)[:3, :3])
        node = free_name(node_name("actor", request.take.name), {added.node for added in additions})
        additions.append(_Addition(node, shape, vertices, offsets[vertices] @ to_object))
    if not additions:
        raise TakeError("actor: the profile moves no vertex, so there is nothing to add.")
    return ActorPlan(request, tuple(additions))
