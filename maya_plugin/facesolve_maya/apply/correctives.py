"""A take's corrective shapes as targets of new blendShape nodes with keyed weights, added in one undoable edit."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import List, Optional, Tuple

import maya.api.OpenMayaAnim as oma
import numpy as np
from maya import cmds

from facesolve.take import Correctives, Take, read_correctives
from facesolve.take.errors import TakeError
from facesolve.take.retime import Shown, timeline
from facesolve_maya.export.history import blend_shape_span
from facesolve_maya.scene.findings import Refusal, Report
from facesolve_maya.scene.geometry import shape_points
from facesolve_maya.scene.head import head_node, mesh_in_rig_space
from facesolve_maya.scene.names import free_name, node_name
from facesolve_maya.scene.plugs import require_node, short_name, source, split
from facesolve_maya.scene.undo import Command, SceneEdit, run_edit

from .curves import key_all
from .request import read_request

FULL = 6000  # item index of weight 1: 5000 + 1000 * weight
ORIGIN = "facesolveCorrectives"  # string attribute that says where the shapes came from
STILL = 1e-5  # centimeters


@dataclass(frozen=True, eq=False)
class CorrectivesRequest:
    """Correctives to add to a scene. head: the transform that the take's head motion means. folder: where from."""

    take: Take
    correctives: Correctives
    head: str
    folder: str = ""

    def timeline(self) -> Tuple[np.ndarray, np.ndarray]:
        """Scene times to key, rising, and the row of the activations at each."""
        found, take = self.correctives, self.take
        again = np.isin(take.repeat_frames, found.frames)
        return timeline(Shown(found.frames, found.scene_times, take.repeat_times[again], take.repeat_frames[again]))


@dataclass(frozen=True)
class CorrectivesReport:
    """What was added: blendShape nodes and the plugs of their weights."""

    nodes: Tuple[str, ...]
    plugs: Tuple[str, ...]
    keys: int

    def __str__(self) -> str:
        return "Added {} correctives on {} ({} keys).".format(len(self.plugs), ", ".join(self.nodes), self.keys)


@dataclass(frozen=True, eq=False)
class _Addition:
    """What one mesh gets: a node, and for each weight its alias, vertices, offsets in object space (cm), and column."""

    node: str
    shape: str
    aliases: Tuple[str, ...]
    vertices: Tuple[np.ndarray, ...]
    offsets: Tuple[np.ndarray, ...]
    columns: Tuple[int, ...]

    @property
    def plugs(self) -> List[str]:
        return ["{}.weight[{}]".format(self.node, index) for index in range(len(self.columns))]


@dataclass(eq=False)
class CorrectivesPlan:
    """Nodes to add; ``report`` is filled when the edit has run."""

    request: CorrectivesRequest
    additions: Tuple[_Addition, ...]
    reports: List[CorrectivesReport] = field(default_factory=list)

    def edit(self) -> SceneEdit:
        """The undoable edit."""
        return SceneEdit(self._nodes, self._keys)

    @property
    def report(self) -> CorrectivesReport:
        """What the last run of the edit did."""
        return self.reports[-1]

    def _nodes(self) -> List[Command]:
        commands: List[Command] = []
        found = self.request.correctives
        times, rows = self.request.timeline()
        for added in self.additions:
            commands.append(partial(cmds.blendShape, added.shape, name=added.node))
            commands.append(partial(cmds.setAttr, added.node + ".supportNegativeWeights", True))
            for index, (alias, vertices, offsets) in enumerate(zip(added.aliases, added.vertices, added.offsets)):
                commands += target_commands(added.node, index, alias, vertices, offsets)
            for plug, column in zip(added.plugs, added.columns):
                first = float(found.activations[rows[0], column])
                commands.append(partial(cmds.setKeyframe, plug, time=float(times[0]), value=first))
            commands.append(partial(cmds.addAttr, added.node, longName=ORIGIN, dataType="string"))
            commands.append(partial(cmds.setAttr, "{}.{}".format(added.node, ORIGIN), self._origin(), type="string"))
        return commands

    def _keys(self, change: oma.MAnimCurveChange) -> None:
        found, plugs = self.request.correctives, []
        times, rows = self.request.timeline()
        for added in self.additions:
            for plug, column in zip(added.plugs, added.columns):
                key_all(_curve(plug), [float(time) for time in times], found.activations[rows, column], change)
                plugs.append(plug)
        nodes = tuple(added.node for added in self.additions)
        self.reports.append(CorrectivesReport(nodes, tuple(plugs), len(plugs) * len(times)))

    def _origin(self) -> str:
        return "{} ({})".format(self.request.folder.replace("\\", "/") or "a take", self.request.take.name)


def read_correctives_request(solution: Path, take: Optional[Path] = None, head: str = "") -> CorrectivesRequest:
    """The request for files on disk. take: where it is not the one that the solution's provenance names.

    Raises TakeError, also when the correctives were made for another solution than the one beside them.
    """
    found = read_correctives(solution)
    request = read_request(solution, take=take)
    found.check_belong_to(request.solution)
    return CorrectivesRequest(request.take, found, head, str(solution))


def apply_correctives(request: CorrectivesRequest) -> CorrectivesReport:
    """Adds the shapes and keys their weights as one undoable entry.

    Raises TakeError or Refusal, and then nothing is changed.
    """
    planned = plan_correctives(request)
    run_edit(planned.edit(), "Facesolve: correctives of {}".format(request.take.name))
    return planned.report


def plan_correctives(request: CorrectivesRequest) -> CorrectivesPlan:
    """What will be added. Reads the scene only."""
    found, head = request.correctives, head_node(request.head)
    if not len(found.frames) or not found.targets:
        raise TakeError("correctives: there is none to add.")
    if found.meshes != request.take.rig.meshes:
        raise TakeError("correctives: they were made for other meshes than the take's; make them again.")
    times = tuple(float(request.timeline()[0][end]) for end in (0, -1))
    additions: List[_Addition] = []
    first = 0
    for mesh in found.meshes:
        span = slice(first, first + mesh.vertex_count)
        first += mesh.vertex_count
        moving = [
            (column, target.name, _part(target.shapes[0].vertices, target.shapes[0].deltas, span))
            for column, target in enumerate(found.targets)
        ]
        moving = [entry for entry in moving if len(entry[2][0])]
        if not moving:
            continue
        shape = checked_shape(mesh.name, mesh.vertex_count, "correctives")
        # what deforms after the blendShapes would deform the correctives, too
        skin = blend_shape_span(shape, times, Report()).skin
        if skin is not None:
            raise Refusal(skin.node, "it would carry the correctives along.", "Apply the solution without them.")
        to_object = np.linalg.inv(mesh_in_rig_space(shape, head, times)[:3, :3])
        node = free_name(node_name("correctives", request.take.name), {added.node for added in additions})
        additions.append(
            _Addition(
                node,
                shape,
                tuple(name for _, name, _ in moving),
                tuple(vertices for _, _, (vertices, _) in moving),
                tuple(deltas.astype(np.float64) @ to_object for _, _, (_, deltas) in moving),
                tuple(column for column, _, _ in moving),
            )
        )
    return CorrectivesPlan(request, tuple(additions))


def _part(vertices: np.ndarray, deltas: np.ndarray, span: slice) -> Tuple[np.ndarray, np.ndarray]:
    """The vertices of a shape within a mesh's span, numbered as in the mesh, and their offsets."""
    inside = (vertices >= span.start) & (vertices < span.stop) & (np.abs(deltas).max(axis=1) > STILL)
    return vertices[inside] - span.start, deltas[inside]


def target_commands(node: str, index: int, alias: str, vertices: np.ndarray, offsets: np.ndarray) -> List[Command]:
    """What gives a blendShape node a target at an index. vertices: (n,) rising; offsets: (n, 3) object space, cm."""
    item = "{}.inputTarget[0].inputTargetGroup[{}].inputTargetItem[{}]".format(node, index, FULL)
    points = [(float(x), float(y), float(z), 1.0) for x, y, z in offsets]
    parts = _components(vertices)
    return [
        partial(cmds.setAttr, item + ".inputPointsTarget", len(points), *points, type="pointArray"),
        partial(cmds.setAttr, item + ".inputComponentsTarget", len(parts), *parts, type="componentList"),
        partial(cmds.aliasAttr, alias, "{}.weight[{}]".format(node, index)),
    ]


def checked_shape(name: str, count: int, what: str) -> str:
    """Long name of the mesh shape that the take calls ``name``; TakeError when it has other vertices now."""
    shape = require_node(name, "mesh")
    present = len(shape_points(shape))
    if present != count:
        raise TakeError(
            "{}: mesh '{}' has {} vertices, the take's had {}; export and solve again.".format(
                what, short_name(shape), present, count
            )
        )
    return shape


def _components(vertices: np.ndarray) -> List[str]:
    """``vtx[a:b]`` for each run of vertex numbers, which rise."""
    breaks = np.flatnonzero(np.diff(vertices) > 1) + 1
    return [
        "vtx[{}]".format(run[0]) if len(run) == 1 else "vtx[{}:{}]".format(run[0], run[-1])
        for run in np.split(vertices, breaks)
    ]


def _curve(plug: str) -> str:
    """The curve that keys ``plug``; TakeError when Maya made none."""
    found = source(plug)
    if found is None or not cmds.nodeType(split(found)[0]).startswith("animCurveT"):
        raise TakeError("correctives: Maya set no key on '{}'.".format(plug))
    return split(found)[0]
