"""What one camera shows of B frames, each as pictures: footage, edges, clay, texture, difference. Knows no video.

Pictures are (B, H, W, 3) uint8 RGB; light is linear until the last step, on the device of the scene.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from torch import Tensor

from facesolve.footage.color import linear_to_srgb
from facesolve.geometry.camera import CameraModel, cropped
from facesolve.render.clay import CLAY, clay_rendering
from facesolve.render.posed_rig import Rendering, View, texture_drawing
from facesolve.take import Camera

from .scene import SolvedTake

WIRE = (0.01, 0.55, 0.80)  # linear light
WIRE_OPACITY = 0.7
WIRE_WIDTH = 1.3  # pixels
FULL_WIDTH_UP_TO = 900  # pixels of height; edges of larger pictures are wider in proportion
SPARSE, LEAST_SPARSE = 7.0, 0.25  # pixels: edges of smaller triangles fade, else a dense mesh hides the face
OUTLINE_STEP, OUTLINE_STEEP = 0.2, 12.0  # cm, and pixels' widths at that depth: smaller steps are no outline
FAR = 1e6  # cm, depth of the background
PLAIN_CLAY = 0.6  # of the clay, flat: what must not be taken for texture
BACKDROP = 0.010  # linear light behind a mesh that stands alone
DIVERGING = "RdBu_r"
SHADES = 1024  # of that scale
OUTSIDE_DIFFERENCE = 40  # of 255: gray where there is nothing to compare
LEVELS = 255.0
STEPS = 65535  # of linear light, that is encoded by a table
AROUND = 3  # pixels around the mesh that are drawn, too: lines and smooth outlines reach beyond it


@dataclass(frozen=True)
class Look:
    """How pictures are drawn. opacity: of the render over the footage in a blend. levels: at the ends of the scale of
    differences, in levels of 255 of the encoded image."""

    opacity: float = 0.5
    levels: float = 20.0


class Window(NamedTuple):
    """Pixels of a picture: first column and row, how many there are."""

    x: int
    y: int
    width: int
    height: int

    def of(self, pictures: np.ndarray) -> np.ndarray:
        """The window of (B, H, W, ...), a view."""
        return pictures[:, self.y : self.y + self.height, self.x : self.x + self.width]


@dataclass(frozen=True, eq=False)
class Shot:
    """One camera at B of the solution's frames, ``rows``. What pictures of different kinds share is made once.

    camera: index into the take's; lens: as it stands for the pictures, free of distortion. world: (B, V, 3) cm.
    footage: (B, H, W, 3) linear light, None when none is shown. filmed: (B, H, W) in 0..1, 0 where the footage does not
    reach; None with the footage. lacking: B times whether the footage has no image there. of_height: where the shot is
    a window, the height of the whole picture.
    """

    scene: SolvedTake
    rows: tuple[int, ...]
    camera: int
    lens: Camera
    world: Tensor
    footage: Tensor | None = None
    filmed: Tensor | None = None
    lacking: tuple[bool, ...] = ()
    of_height: int = 0

    @property
    def height(self) -> int:
        """Pixels of the whole picture, which lines are drawn for."""
        return self.of_height or self.lens.height

    @cached_property
    def view(self) -> View:
        """The rig under the pictures' pixels."""
        return self.scene.view(self.world, self.lens, self.rows)

    @cached_property
    def window(self) -> Window:
        """What of the pictures the mesh may touch in any of the frames; one pixel at least."""
        lens, size = self.lens, (self.lens.width, self.lens.height)
        camera = CameraModel.from_cameras([lens], [self.scene.rows[row] for row in self.rows], self.world.device)
        places = self.world @ camera.rotation[:, 0].mT + camera.translation[:, :1]
        if float(places[..., 2].min()) <= 0:  # part of it is behind the camera
            return Window(0, 0, *size)
        seen = places @ camera.intrinsics[:, 0].mT
        pixels = (seen[..., :2] / seen[..., 2:]).flatten(0, 1)
        low, high = pixels.amin(0).floor().tolist(), pixels.amax(0).ceil().tolist()
        first = [min(max(int(value) - AROUND, 0), most - 1) for value, most in zip(low, size, strict=True)]
        last = [min(max(int(value) + AROUND, 1), most) for value, most in zip(high, size, strict=True)]
        width, height = (max(end - begin, 1) for begin, end in zip(first, last, strict=True))
        return Window(first[0], first[1], width, height)

    @cached_property
    def inside(self) -> Shot:
        """The shot within its window."""
        x, y, width, height = self.window
        rows, columns = slice(y, y + height), slice(x, x + width)
        footage = None if self.footage is None else self.footage[:, rows, columns]
        filmed = None if self.filmed is None else self.filmed[:, rows, columns]
        lens = cropped(self.lens, *self.window)
        return replace(self, lens=lens, footage=footage, filmed=filmed, of_height=self.height)

    @cached_property
    def plate(self) -> np.ndarray:
        """(B, H, W, 3) uint8: the footage as it is shown, or the backdrop; not to be written into."""
        return encoded(_plate(self)) if self.footage is not None else self.filled(BACKDROP)

    def filled(self, light: float) -> np.ndarray:
        """(B, H, W, 3) uint8 of one gray, in linear light."""
        size = (len(self.rows), self.lens.height, self.lens.width, 3)
        return np.full(size, encoded(torch.tensor([light]))[0], np.uint8)

    @cached_property
    def clay(self) -> Rendering:
        """The mesh in clay."""
        return clay_rendering(self.scene.model, self.view)

    @cached_property
    def baked(self) -> Rendering:
        """The textured mesh in the camera's own color balance."""
        scene = self.scene
        assert scene.texture is not None, "no texture"
        plain = texture_drawing(scene.model, scene.texture, self.view.drawing, scene.carried)
        return Rendering(plain.colors * scene.gains[self.camera], plain.coverage)


Panel = Callable[[Shot, Look], np.ndarray]


def footage(shot: Shot, look: Look) -> np.ndarray:
    """The footage as it is."""
    return shot.plate


def edges(shot: Shot, look: Look) -> np.ndarray:
    """The mesh's visible polygon edges over the footage."""
    opacity = WIRE_OPACITY * edge_opacity(shot.inside).flatten()
    drawn = (opacity > 0).nonzero().squeeze(1)
    plate = _plate(shot.inside).reshape(-1, 3).index_select(0, drawn)
    lines = plate + opacity.index_select(0, drawn)[:, None] * (plate.new_tensor(WIRE) - plate)
    pictures = shot.plate.copy()
    window = shot.window.of(pictures)
    pixels = window.reshape(-1, 3)
    pixels[drawn.cpu().numpy()] = encoded(lines)
    window[:] = pixels.reshape(window.shape)
    return pictures


def clay(shot: Shot, look: Look) -> np.ndarray:
    """The mesh alone in gray clay with smooth normals, lit from the camera, so that its shape can be judged."""
    inside = shot.inside
    return _pasted(shot, shot.filled(BACKDROP), _over(inside.clay, torch.full_like(inside.clay.colors, BACKDROP)))


def textured(shot: Shot, look: Look) -> np.ndarray:
    """The mesh alone with its baked texture; plain clay where the texture says nothing."""
    inside = shot.inside
    triangle = inside.view.drawing.triangle_id
    facing = _facing(inside).gather(1, triangle.flatten(1).clamp(min=0).long()).view(triangle.shape)
    clay = facing[..., None] * facing.new_tensor(CLAY) * PLAIN_CLAY
    mesh = _over(inside.baked, torch.where((triangle >= 0)[..., None], clay, BACKDROP))
    return _pasted(shot, shot.filled(BACKDROP), mesh)


def _facing(shot: Shot) -> Tensor:
    """(B, F) how much each triangle is turned to the camera, 0 to 1."""
    lens, corners = shot.view.lens, shot.scene.model.triangles
    a, b, c = (shot.world[:, corners[:, corner]] for corner in range(3))
    normal = F.normalize(torch.linalg.cross(b - a, c - a), dim=-1)
    return (normal @ lens.rotation[:, 0, 2, :, None])[..., 0].abs()


def blend(shot: Shot, look: Look) -> np.ndarray:
    """The render (textured, clay when there is no texture) over the footage at the look's opacity."""
    inside = shot.inside
    rendering = inside.clay if shot.scene.texture is None else inside.baked
    plate = _plate(inside)
    return _pasted(shot, shot.plate.copy(), plate + look.opacity * (_over(rendering, plate) - plate))


def difference(shot: Shot, look: Look) -> np.ndarray:
    """Footage minus textured render: red where the footage is brighter, blue where darker, white where they agree."""
    pictures = np.full((len(shot.rows), shot.lens.height, shot.lens.width, 3), OUTSIDE_DIFFERENCE, np.uint8)
    found = signed_difference(shot.inside)
    if found is None:
        return pictures
    levels, coverage = found
    table = _diverging(levels.device)
    places = (0.5 + 0.5 * (levels / look.levels).clamp(-1, 1)) * (len(table) - 1)
    colors = table[places.round().long()]
    mixed = (LEVELS * colors * coverage + OUTSIDE_DIFFERENCE * (1 - coverage)).round().byte()
    shot.window.of(pictures)[:] = mixed.cpu().numpy()
    return pictures


@cache
def _diverging(device: torch.device) -> Tensor:
    """(n, 3) colors in 0..1 of the scale of differences."""
    return torch.tensor(colormaps[DIVERGING](np.linspace(0, 1, SHADES))[:, :3], dtype=torch.float32, device=device)


def signed_difference(shot: Shot) -> tuple[Tensor, Tensor] | None:
    """Footage minus textured render, mean of the channels, (B, H, W) in levels of 255, and the coverage (B, H, W, 1).

    Coverage is of the textured part of the mesh, as far as the footage reaches. None when there is no footage.
    """
    if shot.footage is None or shot.filmed is None:
        return None
    levels = LEVELS * (_srgb(shot.footage) - _srgb(_over(shot.baked, shot.footage))).mean(-1)
    return levels, (shot.baked.coverage * shot.filmed)[..., None]


def edge_opacity(shot: Shot) -> Tensor:
    """(B, H, W) in 0..1: how much of each pixel a visible polygon edge covers."""
    drawing = shot.view.drawing
    triangle = drawing.triangle_id
    batch, height, width = triangle.shape
    covered = (triangle >= 0).flatten().nonzero().squeeze(1)
    first = torch.arange(batch, device=triangle.device) * len(shot.scene.model.triangles)
    seen = (triangle + first.view(-1, 1, 1)).flatten().index_select(0, covered)
    x, y = (covered % width).float() + 0.5, (covered // width % height).float() + 0.5
    *lines, lowest = _edge_lines(shot)
    nearest = torch.full_like(x, torch.inf)
    for place in range(0, 9, 3):  # one column at a time: selecting rows of a table is several times slower on a CPU
        across, down, offset = (column.index_select(0, seen) for column in lines[place : place + 3])
        torch.minimum(nearest, offset.addcmul_(across, x).addcmul_(down, y).abs_(), out=nearest)
    reach = WIRE_WIDTH / 2 * max(1.0, shot.height / FULL_WIDTH_UP_TO)
    line = (reach + 0.5 - nearest).clamp_(0.0, 1.0).mul_(lowest.index_select(0, seen))
    image = line.new_zeros(triangle.numel()).index_copy(0, covered, line).view(triangle.shape)
    return drawing.antialias(torch.maximum(image, _outline(shot))[..., None])[..., 0]


def _edge_lines(shot: Shot) -> list[Tensor]:
    """10 columns (B * F,): of each edge a, b and c, where a x + b y + c are a pixel's distance from it, infinite for
    edges that are not drawn; last how much is seen of edges of so small a triangle."""
    model, clip = shot.scene.model, shot.view.drawing.clip.double()
    halves = clip.new_tensor([shot.lens.width / 2, shot.lens.height / 2])
    planes = ((clip[..., 0] + clip[..., 3]) * halves[0], (clip[..., 1] + clip[..., 3]) * halves[1], clip[..., 3])
    corners = model.triangles.long().t()
    x, y, w = ([plane.index_select(1, corner) for corner in corners] for plane in planes)  # pixels times w
    lines, lowest = [], torch.full_like(w[0], torch.inf)
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        line = (y[i] * w[j] - w[i] * y[j], w[i] * x[j] - x[i] * w[j], x[i] * y[j] - y[i] * x[j])
        steep = torch.rsqrt((line[0].square() + line[1].square()).clamp(min=1e-18))
        far = (line[0] * x[k] + line[1] * y[k] + line[2] * w[k]) * steep / w[k]
        lowest = torch.minimum(lowest, far.abs())
        drawn = shot.scene.polygon_edges[:, k]
        a, b = ((part * steep).masked_fill(~drawn, 0.0) for part in line[:2])
        lines += [a, b, (line[2] * steep).masked_fill(~drawn, torch.inf)]
    lines.append((lowest / SPARSE).clamp(LEAST_SPARSE, 1.0))
    return [column.flatten().float() for column in lines]


def _outline(shot: Shot) -> Tensor:
    """(B, H, W) 0 or 1: where a nearer part of the mesh ends before a farther one or the background."""
    depth = shot.view.depth
    focal = shot.view.lens.intrinsics[:, 0, 0, 0].view(-1, 1, 1)
    step = (depth * (OUTLINE_STEEP / focal)).clamp_(min=OUTLINE_STEP)
    farthest = depth.clamp(max=FAR)
    for axis in (1, 2):  # the farthest of 3 x 3 pixels
        wide = F.pad(farthest, (0, 0, 1, 1) if axis == 1 else (1, 1))
        count = farthest.shape[axis]
        one, two, three = (wide.narrow(axis, start, count) for start in range(3))
        farthest = torch.maximum(torch.maximum(one, two), three)
    return ((farthest - depth > step) & torch.isfinite(depth)).float()


def encoded(light: Tensor) -> np.ndarray:
    """(..., 3) uint8 sRGB of linear light, by a table that is exact but for rounding."""
    steps = light.clamp(0, 1).mul_(STEPS).round_().to(torch.int32)
    if light.device.type == "cpu":
        return np.asarray(_encoding().take(steps.numpy(), mode="clip"))
    return np.asarray(_encoding_on(light.device)[steps].cpu().numpy())  # a byte travels, not four


@cache
def _encoding_on(device: torch.device) -> Tensor:
    """``_encoding`` on a device."""
    return torch.from_numpy(_encoding()).to(device)


@cache
def _encoding() -> np.ndarray:
    """(65536,) uint8 sRGB of every step of linear light."""
    return np.rint(LEVELS * linear_to_srgb(np.arange(STEPS + 1) / STEPS)).astype(np.uint8)


def _pasted(shot: Shot, pictures: np.ndarray, inside: Tensor) -> np.ndarray:
    """``pictures`` with linear light (B, h, w, 3) in the shot's window."""
    shot.window.of(pictures)[:] = encoded(inside)
    return pictures


def _srgb(light: Tensor) -> Tensor:
    """sRGB values in 0..1 of linear light, as ``footage.color.linear_to_srgb``."""
    light = light.clamp(0, 1)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _plate(shot: Shot) -> Tensor:
    """(B, H, W, 3) the footage, or the backdrop where there is none."""
    if shot.footage is not None:
        return shot.footage
    size = (len(shot.rows), shot.lens.height, shot.lens.width, 3)
    return torch.full(size, BACKDROP, device=shot.scene.model.device)


def _over(rendering: Rendering, backdrop: Tensor) -> Tensor:
    """(B, H, W, 3), as ``backdrop``."""
    return rendering.colors + (1 - rendering.coverage[..., None]) * backdrop
