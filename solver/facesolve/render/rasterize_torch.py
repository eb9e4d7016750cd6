"""Rasterization in plain PyTorch by scan conversion: triangle -> rows -> pixels -> nearest. No compiled code.

Knows clip space and pixels only; cameras, meshes with materials and gradients are elsewhere.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from facesolve.runtime.threads import each_on_a_thread

from .barycentrics import barycentrics_at_pixels

# Upper bound on the pixels visited at once, so that memory stays near 100 bytes times this number. Any one triangle is
# done whole, so an image larger than this raises the bound to its own size. Small enough to stay near the CPU's caches.
MAX_CANDIDATES = 8_000_000
MAX_CANDIDATES_CPU = 250_000

_DEPTH_STEPS = 2**30  # NDC depth -1..1 becomes the integers 0..2**31 in the upper half of the depth|triangle key
_INDEX_BITS = 31
_LEAST_AREA = 1e-10  # square pixels; thinner triangles have no usable depth and are not drawn
_EMPTY = torch.iinfo(torch.int64).max


class _ScreenTriangles(NamedTuple):
    """Triangles after projection and near clipping; pixel units, NDC depth, float64."""

    x: tuple[Tensor, ...]  # 3 corners, each (n,)
    y: tuple[Tensor, ...]  # 3 corners, each (n,)
    z: tuple[Tensor, ...]  # 3 corners, each (n,)
    source: Tensor  # (n,) int64, image * F + triangle


def rasterize(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """As ``nearest``, with barycentrics.

    Returns:
        triangle_id: (B, H, W) int32, -1 where no triangle is seen.
        barycentrics: (B, H, W, 3) float32, perspective-correct weights of the triangle's vertices, 0 where empty.
        depth: (B, H, W) float32, NDC z (z / w), +inf where empty.

    Gradients do not flow; `barycentrics.barycentrics_at_pixels` gives differentiable barycentrics for a fixed image.
    """
    triangle_id, depth = nearest(clip, triangles, resolution)
    with torch.no_grad():
        parts = [
            barycentrics_at_pixels(some.float(), triangles, seen)
            for some, seen in zip(_parts(clip), _parts(triangle_id), strict=True)
        ]
    return triangle_id, torch.cat(parts), depth


def nearest(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Find the nearest triangle under every pixel center.

    Both sides of a triangle are drawn. A pixel belongs to a triangle if its center is inside; a center exactly on an
    edge shared by two triangles belongs to one of them (scan conversion with half-open rows and spans, the lower bound
    included). Triangles are clipped exactly by the near plane z = -w, and fragments beyond the far plane z = w are
    dropped, as in OpenGL. At equal depth the lower triangle index wins. Depth is compared in steps of 2**-30 NDC.

    Args:
        clip: (B, V, 4) clip-space positions as in OpenGL; row 0 of the image is y_ndc = -1, so pixel
            x = (x_ndc / 2 + 1/2) * width and y = (y_ndc / 2 + 1/2) * height, pixel centers at .5.
        triangles: (F, 3) integer vertex indices, one topology for all images.
        resolution: (height, width) in pixels.

    Returns:
        triangle_id: (B, H, W) int32, -1 where no triangle is seen.
        depth: (B, H, W) float32, NDC z (z / w), +inf where empty.

    Raises:
        ValueError: if a shape is wrong.
    """
    if clip.dim() != 3 or clip.shape[-1] != 4:
        raise ValueError(f"clip must be (B, V, 4), got {tuple(clip.shape)}")
    if triangles.dim() != 2 or triangles.shape[-1] != 3:
        raise ValueError(f"triangles must be (F, 3), got {tuple(triangles.shape)}")
    with torch.no_grad():
        images = each_on_a_thread(
            lambda part: nearest_triangles(part, triangles, resolution), _parts(clip), clip.device
        )
    triangle_id, depth = (torch.cat(tensors) for tensors in zip(*images, strict=True))
    return triangle_id, depth


def _parts(images: Tensor) -> tuple[Tensor, ...]:
    """One image at a time keeps the temporaries small, which the CPU's allocator and caches like."""
    return images.split(1) if images.device.type == "cpu" else (images,)


def nearest_triangles(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> tuple[Tensor, Tensor]:
    height, width = resolution
    key = torch.full((clip.shape[0] * height * width,), _EMPTY, dtype=torch.int64, device=clip.device)
    if triangles.shape[0] and key.numel():
        _draw(_project(clip.double(), triangles.long(), resolution), triangles.shape[0], resolution, key)
    key = key.view(-1, height, width)
    hit = key != _EMPTY
    triangle_id = torch.where(hit, key & (2**_INDEX_BITS - 1), -1).int()
    return triangle_id, torch.where(hit, (key >> _INDEX_BITS).double() / _DEPTH_STEPS - 1, torch.inf).float()


def _project(clip: Tensor, triangles: Tensor, resolution: tuple[int, int]) -> _ScreenTriangles:
    """Screen triangles of all images: clip (B, V, 4) float64, triangles (F, 3) int64; clipped by the near plane."""
    in_front = (clip[..., 2] >= -clip[..., 3]) & (clip[..., 3] > 0)  # (B, V)
    x, y, z = _to_screen(clip, resolution)
    corners = triangles.t().contiguous()  # (3, F)
    xs, ys, zs = ([plane.index_select(1, corner).flatten() for corner in corners] for plane in (x, y, z))
    source = torch.arange(clip.shape[0] * triangles.shape[0], device=clip.device)
    whole = _ScreenTriangles(tuple(xs), tuple(ys), tuple(zs), source)
    if bool(in_front.all()):
        return whole
    corners_in_front = in_front[:, triangles].flatten(0, 1)  # (B * F, 3)
    count = corners_in_front.sum(1)
    crossing = ((count == 1) | (count == 2)).nonzero().squeeze(1)
    pieces, piece_source = _clip_near(
        clip[:, triangles].flatten(0, 1)[crossing], corners_in_front[crossing], source[crossing]
    )
    piece_xyz = _to_screen(pieces, resolution)  # each (m, 3)
    keep = (count == 3).nonzero().squeeze(1)
    x3, y3, z3 = (
        tuple(torch.cat((plane[k][keep], piece[:, k])) for k in range(3))
        for plane, piece in zip((whole.x, whole.y, whole.z), piece_xyz, strict=True)
    )
    return _ScreenTriangles(x3, y3, z3, torch.cat((source[keep], piece_source)))


def _to_screen(clip: Tensor, resolution: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    """Pixel x, pixel y and NDC z, each (...), of clip (..., 4); meaningless where w <= 0."""
    height, width = resolution
    x, y, z = (clip[..., :3] / clip[..., 3:]).unbind(-1)
    return (x * 0.5 + 0.5) * width, (y * 0.5 + 0.5) * height, z


def _clip_near(corners: Tensor, in_front: Tensor, source: Tensor) -> tuple[Tensor, Tensor]:
    """Cut triangles that cross the near plane: corners (m, 3, 4) clip, in_front (m, 3) bool, source (m,).

    Returns the pieces in front, (k, 3, 4) clip, and their source (k,). One corner in front leaves a triangle, two leave
    a quadrilateral, given as two triangles. Every cut starts from the end in front, so neighbors cut alike.
    """
    odd_one = in_front == (in_front.sum(1, keepdim=True) == 1)  # the corner alone on its side
    order = (odd_one.int().argmax(1)[:, None] + torch.arange(3, device=corners.device)) % 3
    apex, left, right = corners.gather(1, order[..., None].expand(-1, -1, 4)).unbind(1)
    apex_in_front = in_front.sum(1) == 1

    def cut(a: Tensor, b: Tensor, a_in_front: Tensor) -> Tensor:
        start, end = torch.where(a_in_front[:, None], a, b), torch.where(a_in_front[:, None], b, a)
        distance_start, distance_end = start[:, 2:3] + start[:, 3:], end[:, 2:3] + end[:, 3:]
        return start + (end - start) * (distance_start / (distance_start - distance_end))

    cut_left, cut_right = cut(apex, left, apex_in_front), cut(apex, right, apex_in_front)
    tip, quad = apex_in_front, ~apex_in_front
    pieces = (
        torch.stack((apex, cut_left, cut_right), 1)[tip],
        torch.stack((cut_left, left, right), 1)[quad],
        torch.stack((cut_left, right, cut_right), 1)[quad],
    )
    return torch.cat(pieces), torch.cat((source[tip], source[quad], source[quad]))


def _draw(screen: _ScreenTriangles, triangle_count: int, resolution: tuple[int, int], key: Tensor) -> None:
    """Lower key (B * H * W,) in place to the nearest depth|triangle of the screen triangles, chunk by chunk."""
    height, width = resolution
    row_first, row_end = _pixel_range(screen.y, height)
    column_first, column_end = _pixel_range(screen.x, width)
    rows, columns = row_end - row_first, column_end - column_first
    kept = ((rows > 0) & (columns > 0)).nonzero().squeeze(1)
    if kept.numel() == 0:
        return
    visited = (rows[kept] * columns[kept]).long().cumsum(0)
    limit = MAX_CANDIDATES_CPU if key.device.type == "cpu" else MAX_CANDIDATES
    total = int(visited[-1])
    splits = torch.searchsorted(visited, torch.arange(limit, max(total, limit), limit, device=key.device), right=True)
    for part in kept.tensor_split(splits.cpu()):
        chunk = _ScreenTriangles(
            tuple(x.index_select(0, part) for x in screen.x),
            tuple(y.index_select(0, part) for y in screen.y),
            tuple(z.index_select(0, part) for z in screen.z),
            screen.source.index_select(0, part),
        )
        _draw_chunk(chunk, row_first[part].long(), rows[part].long(), triangle_count, resolution, key)


def _pixel_range(corners: tuple[Tensor, ...], size: int) -> tuple[Tensor, Tensor]:
    """First and one past last pixel, float64 (n,), whose centers lie in the half-open extent of 3 corners (n,)."""
    a, b, c = corners
    lowest, highest = torch.minimum(torch.minimum(a, b), c), torch.maximum(torch.maximum(a, b), c)
    return (lowest - 0.5).ceil_().clamp_(0, size), (highest - 0.5).ceil_().clamp_(0, size)


def _draw_chunk(
    screen: _ScreenTriangles,
    row_first: Tensor,  # (n,) int64
    rows: Tensor,  # (n,) int64
    triangle_count: int,
    resolution: tuple[int, int],
    key: Tensor,  # (B * H * W,) int64, lowered in place
) -> None:
    height, width = resolution
    x0, y0, x1, y1, x2, y2 = _sort_by_row(screen)
    long_slope, first_slope, last_slope = _slope(x0, y0, x2, y2), _slope(x0, y0, x1, y1), _slope(x1, y1, x2, y2)
    depth_dx, depth_dy = _depth_slopes(screen)
    depth_origin = screen.z[0] - depth_dx * (screen.x[0] - 0.5) - depth_dy * screen.y[0]
    image, triangle = screen.source // triangle_count, screen.source % triangle_count

    owner, row = enumerate_ranges(rows, row_first)
    of_row = partial(torch.index_select, dim=0, index=owner)
    y = row + 0.5
    row_in_triangle = y - of_row(y0)
    x_long = of_row(x0) + row_in_triangle * of_row(long_slope)
    x_first = of_row(x0) + row_in_triangle * of_row(first_slope)
    x_last = of_row(x1) + (y - of_row(y1)) * of_row(last_slope)
    x_short = torch.where(y < of_row(y1), x_first, x_last)
    column_first = (torch.minimum(x_long, x_short) - 0.5).ceil_().clamp_(0, width).long()
    column_end = (torch.maximum(x_long, x_short) - 0.5).ceil_().clamp_(0, width).long()
    row_depth, row_depth_dx = of_row(depth_origin) + of_row(depth_dy) * y, of_row(depth_dx)
    row_start, row_triangle = of_row(image * (height * width)) + row * width, of_row(triangle)

    span, column = enumerate_ranges(column_end - column_first, column_first)
    of_pixel = partial(torch.index_select, dim=0, index=span)
    depth = of_pixel(row_depth_dx).mul_(column).add_(of_pixel(row_depth))
    steps = ((depth + 1).mul_(_DEPTH_STEPS)).clamp_(min=0).long()
    pixel_key = steps.bitwise_left_shift_(_INDEX_BITS).bitwise_or_(of_pixel(row_triangle))
    pixel_key.masked_fill_(~(depth <= 1), _EMPTY)
    key.scatter_reduce_(0, of_pixel(row_start).add_(column), pixel_key, "amin")


def _sort_by_row(screen: _ScreenTriangles) -> tuple[Tensor, ...]:
    """x0, y0, x1, y1, x2, y2, each (n,), with y0 <= y1 <= y2."""
    x, y = list(screen.x), list(screen.y)
    for i, j in ((0, 1), (1, 2), (0, 1)):
        swap = y[i] > y[j]
        x[i], x[j] = torch.where(swap, x[j], x[i]), torch.where(swap, x[i], x[j])
        y[i], y[j] = torch.minimum(y[i], y[j]), torch.maximum(y[i], y[j])
    return x[0], y[0], x[1], y[1], x[2], y[2]


def _slope(xa: Tensor, ya: Tensor, xb: Tensor, yb: Tensor) -> Tensor:
    """dx/dy of edges (n,), 0 for horizontal ones, which no pixel row crosses.

    Always from the lower to the higher row: both triangles at an edge compute the same crossing to the last bit, so
    their spans meet without a gap or an overlap.
    """
    dy = yb - ya
    return torch.where(dy > 0, (xb - xa) / dy, 0.0)


def _depth_slopes(screen: _ScreenTriangles) -> tuple[Tensor, Tensor]:
    """d(NDC z)/d(pixel x, y), each (n,); NDC z is affine on the screen. NaN for a triangle without area."""
    (xa, xb, xc), (ya, yb, yc), (za, zb, zc) = screen.x, screen.y, screen.z
    bx, by, bz, cx, cy, cz = xb - xa, yb - ya, zb - za, xc - xa, yc - ya, zc - za
    area = bx * cy - by * cx
    area.masked_fill_(area.abs() < _LEAST_AREA, torch.nan)
    return (bz * cy - cz * by) / area, (cz * bx - bz * cx) / area


def enumerate_ranges(counts: Tensor, first: Tensor) -> tuple[Tensor, Tensor]:
    """For each i the integers first[i] .. first[i] + counts[i] - 1: returns i and the integer, each (sum,)."""
    counts = counts.clamp(min=0)
    end = counts.cumsum(0)
    owner = torch.repeat_interleave(counts)
    return owner, torch.arange(owner.numel(), device=counts.device) + (first - end + counts).index_select(0, owner)
