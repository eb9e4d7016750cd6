"""Finds a head in one frame with nothing known about it: many poses on coarse images, then fewer on finer ones."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from facesolve.geometry.rigid import nearest_rotation, rigid
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.take import SolveError

from .evidence import Evidence
from .orientation import camera_centers, head_pixels, head_rotation, meeting_point, upward_directions
from .proxy import HeadProxy
from .scoring import CoarseView, score

COARSE_HEAD = 18.0  # pixels across the head on the coarsest images
GRID_STEP = 0.3  # head radii between the places tried first
GRID_REACH = 4.0  # head radii around where the cameras look
MOST_PLACES = 3000
YAWS = np.radians(np.arange(-100.0, 101.0, 20.0))
NODS = np.radians([-14.0, 12.0])
SURROUNDED = 0.4  # length of the mean direction to the cameras below which the head may face anywhere


@dataclass(frozen=True)
class Round:
    """One round of the search: the best poses that are kept apart, and how they are shaken.

    finer: pyramid levels above the coarsest. stride: every how many points of the proxy. turn: degrees, shift: head
    radii, standard deviations of the first shaking; each further one of ``times`` is smaller. tries: shakings of each.
    outline: what the outline counts next to the agreement: on fine images the agreement tells more.
    """

    finer: int
    stride: int
    kept: int
    turn: float
    shift: float
    times: int
    tries: int
    outline: float


ROUNDS = (
    Round(finer=0, stride=10, kept=36, turn=8.0, shift=0.2, times=6, tries=36, outline=1.0),
    Round(finer=1, stride=5, kept=18, turn=5.0, shift=0.12, times=7, tries=36, outline=0.7),
    Round(finer=2, stride=3, kept=8, turn=3.0, shift=0.06, times=7, tries=36, outline=0.4),
    Round(finer=3, stride=1, kept=4, turn=1.5, shift=0.03, times=6, tries=28, outline=0.3),
)
UPRIGHT, FACING = 0.1, 0.05  # in units of the total score
SHRINK = 0.85
APART_TURN, APART_SHIFT = 12.0, 0.3  # degrees, head radii: poses nearer than both are one


def search(proxy: HeadProxy, evidence: Evidence, most: int, anyway_up: bool = False) -> list[np.ndarray]:
    """At most ``most`` head poses (4, 4), rig to world, cm, that differ from each other, the best first.

    anyway_up: also heads that do not stand upright in the cameras, which may be mounted on their side. Raises
    SolveError for a single camera: nothing can be compared.
    """
    if len(evidence.take.cameras) < 2:
        raise SolveError(
            f"take '{evidence.take.name}': with one camera the head cannot be searched for; use landmarks (see "
            "'facesolve align --help') or give a start pose."
        )
    middle = _middle(proxy, evidence)
    coarsest = max(0, round(math.log2(head_pixels(evidence.take, evidence.frame, proxy.radius, middle) / COARSE_HEAD)))
    rotation, place = _first_poses(proxy, evidence, middle, anyway_up)
    generator = torch.Generator().manual_seed(0)
    for part in ROUNDS:
        view, few = evidence.at(max(0, coarsest - part.finer), coarsest), proxy.thinned(part.stride)
        total = score(few, view, rotation, place).total(part.outline) + likelihood(proxy, evidence, rotation)
        chosen = _distinct(proxy, rotation, place, total, part.kept)
        rotation, place = _shake(proxy, few, view, rotation[chosen], place[chosen], part, generator)
    total = score(few, view, rotation, place).total(part.outline)
    return [_head(proxy, rotation[i], place[i]) for i in _distinct(proxy, rotation, place, total, most)]


def likelihood(proxy: HeadProxy, evidence: Evidence, rotation: Tensor) -> Tensor:
    """(B,) what speaks for rotations (B, 3, 3) before anything is seen: upright in the cameras, facing them."""
    poses = [camera.at(evidence.frame) for camera in evidence.take.cameras]
    up = np.mean([-turn[1] for _, turn, _ in poses], axis=0)
    facing = np.mean([-turn[2] for _, turn, _ in poses], axis=0)
    axes = proxy.axes
    directions = torch.as_tensor(np.stack([UPRIGHT * up, FACING * facing])).to(rotation)
    own = rotation @ rotation.new_tensor(np.stack([axes.up, axes.forward], 1))  # (B, 3, 2)
    return (own * directions.T).sum((1, 2))


def _head(proxy: HeadProxy, rotation: Tensor, place: Tensor) -> np.ndarray:
    """(4, 4) float64, rig to world, exactly rigid."""
    turn = nearest_rotation(rotation.double())
    return np.asarray(rigid(turn, place.double() - turn @ proxy.center.to(turn)).cpu().numpy())


def _middle(proxy: HeadProxy, evidence: Evidence) -> np.ndarray:
    """(3,) world, cm: about where the cameras look; at the distance where a head fills half of the view if unsure."""
    cameras, frame = evidence.take.cameras, evidence.frame
    point = meeting_point(cameras, frame)
    if point is not None:
        return point
    centers = camera_centers(cameras, frame)
    ahead = np.mean([camera.at(frame)[1][2] for camera in cameras], axis=0)
    focal = np.median([camera.at(frame)[0][0, 0] / min(camera.width, camera.height) for camera in cameras])
    return np.asarray(centers.mean(axis=0) + ahead * 4.0 * proxy.radius * focal)


def _first_poses(proxy: HeadProxy, evidence: Evidence, middle: np.ndarray, anyway_up: bool) -> tuple[Tensor, Tensor]:
    """Rotations (B, 3, 3) and places (B, 3) on a coarse grid: turned towards the cameras within reason."""
    places = _places(proxy, evidence, middle)
    towards = camera_centers(evidence.take.cameras, evidence.frame) - middle
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    mean = towards.mean(axis=0)
    surrounded = np.linalg.norm(mean) < SURROUNDED
    facing = towards[0] if surrounded else mean / np.linalg.norm(mean)
    yaws = np.radians(np.arange(0.0, 360.0, 20.0)) if surrounded else YAWS
    turns = np.array([(yaw, nod, 0.0) for yaw in yaws for nod in NODS])
    ups = upward_directions(evidence.take.cameras, evidence.frame, facing)
    rotations = np.concatenate([head_rotation(proxy.axes, up, facing, turns) for up in (ups if anyway_up else ups[:1])])
    rotation = torch.as_tensor(rotations).to(proxy.points)
    place = torch.as_tensor(places).to(proxy.points)
    return rotation.repeat_interleave(len(place), 0), place.repeat(len(rotation), 1)


def _places(proxy: HeadProxy, evidence: Evidence, middle: np.ndarray) -> np.ndarray:
    """Places (n, 3) for the head's center, world, cm, that enough cameras have in view, on the actor where known."""
    step = GRID_STEP * proxy.radius
    while True:
        reach = int(GRID_REACH * proxy.radius / step)
        line = step * np.arange(-reach, reach + 1)
        grid = middle + np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
        inside = grid[_in_view(evidence, grid)]
        if len(inside) <= MOST_PLACES:
            return inside if len(inside) else middle[None]
        step *= 1.2


def _in_view(evidence: Evidence, points: np.ndarray) -> np.ndarray:
    """(n,) bool: which world points (n, 3) at least two cameras see (or the only one), nowhere off the actor."""
    seen, off = np.zeros(len(points), int), np.zeros(len(points), bool)
    for camera, actor in zip(evidence.take.cameras, evidence.actors, strict=True):
        intrinsics, rotation, translation = camera.at(evidence.frame)
        at = points @ rotation.T + translation
        depth = np.where(at[:, 2] > 1.0, at[:, 2], np.inf)
        pixels = (at @ intrinsics.T)[:, :2] / depth[:, None]
        inside = (at[:, 2] > 1.0) & ((pixels >= 0) & (pixels < (camera.width, camera.height))).all(axis=1)
        seen += inside
        if actor is not None:
            height, width = actor.shape
            column, row = (pixels[inside] * (width / camera.width, height / camera.height)).astype(int).T
            off[inside] |= actor.cpu().numpy()[row.clip(max=height - 1), column.clip(max=width - 1)] < 0.5
    return (seen >= min(2, len(evidence.take.cameras))) & ~off


def _distinct(proxy: HeadProxy, rotation: Tensor, place: Tensor, total: Tensor, most: int) -> list[int]:
    """Indices of the best poses, each apart from all better ones."""
    order = total.argsort(descending=True)[: 40 * most].tolist()
    cosine = math.cos(math.radians(APART_TURN))
    chosen: list[int] = []
    for index in order:
        if chosen:
            traces = (rotation[chosen] * rotation[index]).sum((1, 2))
            turned = (traces - 1) / 2 < cosine
            shifted = (place[chosen] - place[index]).norm(dim=1) > APART_SHIFT * proxy.radius
            if not bool((turned | shifted).all()):
                continue
        chosen.append(index)
        if len(chosen) == most:
            break
    return chosen


def _shake(
    proxy: HeadProxy,
    few: HeadProxy,
    view: CoarseView,
    rotation: Tensor,
    place: Tensor,
    part: Round,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Each of n poses improved by an evolution strategy with its own step sizes (Hansen, "The CMA evolution strategy: a
    tutorial", 2016, with a diagonal covariance): it moves to the weighted mean of its better random neighbors."""
    count, elite = len(rotation), part.tries // 2
    rank = torch.arange(elite, dtype=torch.float32) + 1
    weights = (math.log(elite + 0.5) - rank.log()).to(rotation)
    weights = weights / weights.sum()
    unit = rotation.new_tensor([math.radians(part.turn)] * 3 + [part.shift * proxy.radius] * 3)
    deviation = unit.expand(count, 6)
    for _ in range(part.times):
        noise = torch.randn(count, part.tries, 6, generator=generator).to(rotation) * deviation[:, None]
        turned = rotation[:, None] @ rotation_from_tangent(noise[..., :3])
        moved = place[:, None] + noise[..., 3:]
        total = score(few, view, turned.flatten(0, 1), moved.flatten(0, 1)).total(part.outline)
        total = total.view(count, part.tries)
        best = total.topk(elite, dim=1).indices
        chosen = noise.gather(1, best[..., None].expand(-1, -1, 6))
        mean = (weights[:, None] * chosen).sum(1)
        rotation = rotation @ rotation_from_tangent(mean[:, :3])
        place = place + mean[:, 3:]
        spread = (weights[:, None] * chosen.square()).sum(1).sqrt()
        deviation = (0.5 * deviation + 0.5 * spread).clamp_max(deviation) * SHRINK
    return rotation, place
