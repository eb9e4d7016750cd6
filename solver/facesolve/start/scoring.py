"""How well a head pose explains one frame: judged for thousands of poses at once, on coarse images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from facesolve.geometry.camera import CameraModel

from .proxy import HeadProxy

GRAZING = 0.3  # cosine between normal and viewing ray below which a point is not compared
AT_ONCE = 2_000_000  # projections of points held in memory
DOUBT = 0.03  # of all points seen by all cameras: what agreement must outweigh, so that few points cannot excel
SYMMETRY_SHARE = 0.5  # of the total, next to the agreement of the cameras


@dataclass(frozen=True, eq=False)
class CoarseView:
    """What C cameras saw of one frame at one pyramid level.

    looks: C tensors (H, W), contrast-normalized luminance. valid: C tensors (H, W), 0..1, where anything was seen.
    foreground: C tensors (h, w) in 0..1, where the actor is, or None where it cannot be told from the background; of
    a size at which the head's points leave no gaps.
    cameras: of this level, without distortion, leading dimension (C,).
    """

    looks: Sequence[Tensor]
    valid: Sequence[Tensor]
    foreground: Sequence[Tensor | None]
    cameras: CameraModel


@dataclass(frozen=True, eq=False)
class Scores:
    """For B poses, each (B,) and at most about 1.

    agreement: correlation between what different cameras see at the same surface. symmetry: correlation between both
    sides of the face. outline: overlap of the rig and the actor's silhouette, intersection over union.
    """

    agreement: Tensor
    symmetry: Tensor
    outline: Tensor

    def total(self, outline_share: float) -> Tensor:
        """One number for each pose; ``outline_share``: what the outline counts next to the agreement."""
        return self.agreement + SYMMETRY_SHARE * self.symmetry + outline_share * self.outline


def score(proxy: HeadProxy, view: CoarseView, rotation: Tensor, place: Tensor) -> Scores:
    """Scores of B poses. rotation: (B, 3, 3) rig to world; place: (B, 3) world position of the proxy's center, cm."""
    chunk = max(1, AT_ONCE // (len(view.looks) * len(proxy.points)))
    parts = [
        _score(proxy, view, rotation[begin : begin + chunk], place[begin : begin + chunk])
        for begin in range(0, len(rotation), chunk)
    ]
    return Scores(
        *(torch.cat([getattr(part, name) for part in parts]) for name in ("agreement", "symmetry", "outline"))
    )


def _score(proxy: HeadProxy, view: CoarseView, rotation: Tensor, place: Tensor) -> Scores:
    points = proxy.points - proxy.center
    world = points @ rotation.mT + place[:, None]  # (B, P, 3)
    projection = view.cameras.project(world[:, None])  # (B, C, P, 2)
    weights = _facing(proxy, view.cameras, rotation, place)
    values, outlines = [], []
    for camera, (look, valid, actor) in enumerate(zip(view.looks, view.valid, view.foreground, strict=True)):
        pixels, in_front = projection.pixels[:, camera], projection.valid[:, camera]
        size = pixels.new_tensor([look.shape[1], look.shape[0]])
        inside = in_front & ((pixels > 0) & (pixels < size)).all(-1)
        sampled = _sample(torch.stack([look, valid]), pixels / size)
        values.append(sampled[0])
        weights[:, camera] *= inside * sampled[1]
        if actor is not None:
            outlines.append(_overlap(pixels / size, inside, actor))
    looks = torch.stack(values, 1)  # (B, C, P)
    cameras, count = looks.shape[1:]
    agreement = camera_agreement(looks, weights, DOUBT * cameras * (cameras - 1) * count)
    symmetry = _symmetry(looks, weights, proxy)
    outline = torch.stack(outlines).mean(0) if outlines else torch.zeros_like(agreement)
    return Scores(agreement, symmetry, outline)


def _facing(proxy: HeadProxy, cameras: CameraModel, rotation: Tensor, place: Tensor) -> Tensor:
    """(B, C, P) weight of each point in each camera: 0 where hidden or seen at a slant."""
    centers = cameras.centers  # (C, 3)
    away = F.normalize((centers[None] - place[:, None]) @ rotation, dim=-1)  # (B, C, 3) rig space
    direction = (away @ proxy.directions.T).argmax(-1)
    cosine = (away @ proxy.normals.T).abs()
    weight = ((cosine - GRAZING) / (1 - GRAZING)).clamp_min(0)
    return weight * (proxy.seen & proxy.skin)[direction]


def _sample(images: Tensor, places: Tensor) -> Tensor:
    """Bilinear samples (n, B, P) of images (n, H, W) at places (B, P, 2) in 0..1."""
    return F.grid_sample(images[None], (places * 2 - 1)[None], align_corners=False, padding_mode="border")[0]


def camera_agreement(values: Tensor, weights: Tensor, doubt: float = 0.0) -> Tensor:
    """Correlation over all pairs of cameras (B,): 0 for unrelated images, 1 where all see the same.

    values, weights: (B, C, P). doubt: weight of imagined pairs that are not related at all.
    """
    total = weights.sum(1)
    product = (weights * values).sum(1).square() - (weights * values).square().sum(1)
    power = (weights * values * values * (total[:, None] - weights)).sum(1)
    return product.sum(1) / (power.sum(1) + doubt).clamp_min(1e-6)


def _symmetry(values: Tensor, weights: Tensor, proxy: HeadProxy) -> Tensor:
    """Correlation (B,) of the mean colors (B, C, P) of points and their mirror images."""
    both = (proxy.mirror >= 0).nonzero()[:, 0]
    if not len(both):
        return values.new_zeros(len(values))
    other = proxy.mirror[both]
    total = weights.sum(1)
    means = (weights * values).sum(1) / total.clamp_min(1e-6)
    here, there = means[:, both], means[:, other]
    weight = torch.minimum(total[:, both], total[:, other])
    doubt = DOUBT * values.shape[1] * len(both)
    return (weight * here * there).sum(1) / ((weight * (here**2 + there**2) / 2).sum(1) + doubt)


def _overlap(places: Tensor, inside: Tensor, actor: Tensor) -> Tensor:
    """Intersection over union (B,) of what points at places (B, P, 2) in 0..1 cover and the actor (H, W)."""
    height, width = actor.shape
    column, row = (places * places.new_tensor([width, height])).floor().long().unbind(-1)
    index = torch.where(inside, row * width + column, height * width)
    covered = places.new_zeros(len(places), height * width + 1).scatter_(1, index, 1.0)
    image = covered[:, :-1].view(-1, 1, height, width)
    closed = -F.max_pool2d(-F.max_pool2d(image, 3, 1, 1), 3, 1, 1)  # no gaps between points
    covered = closed.flatten(1)
    shared = covered @ actor.flatten()
    return shared / (covered.sum(1) + actor.sum() - shared).clamp_min(1e-6)
