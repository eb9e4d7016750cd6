"""The twin of ``seen_samples.seen_samples`` in three kernels: project the vertices, draw depth, look samples up in it.

Surface within a pixel is drawn as the inverse of its depth, the nearest one by an atomic maximum: it does not matter in
which order triangles come, and 0 is an empty pixel. Nothing waits for the GPU. Imported only where Triton is there.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from facesolve.geometry.camera import NEAREST, CameraModel
from facesolve.geometry.surface_samples import SurfaceSamples

from .seen_samples import GRAZING, NEAREST_SURFACE, OCCLUSION_TOLERANCE, SeenSamples, Size

VERTICES = 256  # of one program
TRIANGLES, TILE = 8, 4  # of one program, and the side of the square of pixels that each visits at once
SAMPLES = 128  # of one program


def seen_samples(
    world: Tensor, triangles: Tensor, samples: SurfaceSamples, cameras: CameraModel, sizes: Sequence[Size]
) -> SeenSamples:
    """What C cameras see of N samples in B frames. Arguments: those of the twin, which is told how to rasterize."""
    frames, vertices = world.shape[:2]
    count, points = len(sizes), len(samples.weight)
    world, rotation, translation, intrinsics = (
        part.float().contiguous() for part in (world, cameras.rotation, cameras.translation, cameras.intrinsics)
    )
    places = [height * width for height, width in sizes]
    drawn = torch.zeros(frames * sum(places), dtype=torch.int32, device=world.device)
    weights = torch.empty(frames, count, points, device=world.device)
    triangles, images = triangles.contiguous(), frames * count
    area = cameras.heights * cameras.widths
    before = area.cumsum(0) - area
    if images and vertices and len(triangles):
        screen = torch.empty(images, 3, vertices, device=world.device)
        of_vertices = triton.cdiv(vertices, VERTICES), images
        _project[of_vertices](world, rotation, translation, intrinsics, screen, count, vertices, BLOCK=VERTICES)
        of_triangles = triton.cdiv(len(triangles), TRIANGLES), images
        _draw[of_triangles](
            screen, triangles, drawn, cameras.heights, cameras.widths, before, frames, count, vertices, len(triangles),
            NEAR=NEAREST_SURFACE, TOGETHER=TRIANGLES, TILE=TILE, num_warps=2,
        )  # fmt: skip
    inverse = drawn.view(torch.float32)
    if images and points:
        corners = triangles[samples.triangles]
        _look_up[triton.cdiv(points, SAMPLES), images](
            world, corners, samples.barycentrics.contiguous(), samples.weight.contiguous(), rotation, translation,
            intrinsics, inverse, cameras.heights, cameras.widths, before, weights, frames, count, vertices, points,
            NEAREST=NEAREST, GRAZING=GRAZING, TOLERANCE=OCCLUSION_TOLERANCE, BLOCK=SAMPLES,
        )  # fmt: skip
    covered = (inverse > 0).float().split([frames * place for place in places])
    return SeenSamples(weights, tuple(part.view(frames, *size) for part, size in zip(covered, sizes, strict=True)))


@triton.jit(do_not_specialize=["cameras", "vertices"])
def _project(world, rotation, translation, intrinsics, screen, cameras, vertices, BLOCK: tl.constexpr):
    """Homogeneous pixels (B*C, 3, V) of vertices (B, V, 3): x and y times the depth, and the depth, cm."""
    image = tl.program_id(1).to(tl.int64)
    vertex = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = vertex < vertices
    at = world + ((image // cameras) * vertices + vertex) * 3
    x = tl.load(at, mask=inside, other=0.0)
    y = tl.load(at + 1, mask=inside, other=0.0)
    z = tl.load(at + 2, mask=inside, other=0.0)
    across, down, depth = _in_camera(x, y, z, rotation + image * 9, translation + image * 3)
    lens = intrinsics + image * 9
    column = tl.load(lens) * across + tl.load(lens + 1) * down + tl.load(lens + 2) * depth
    row = tl.load(lens + 3) * across + tl.load(lens + 4) * down + tl.load(lens + 5) * depth
    to = screen + image * 3 * vertices + vertex
    tl.store(to, column, mask=inside)
    tl.store(to + vertices, row, mask=inside)
    tl.store(to + 2 * vertices, depth, mask=inside)


@triton.jit
def _in_camera(x, y, z, rotation, translation):
    """Points in the axes of the camera whose rotation (3, 3) and translation (3,) lie there."""
    across = tl.load(rotation) * x + tl.load(rotation + 1) * y + tl.load(rotation + 2) * z + tl.load(translation)
    down = tl.load(rotation + 3) * x + tl.load(rotation + 4) * y + tl.load(rotation + 5) * z + tl.load(translation + 1)
    depth = tl.load(rotation + 6) * x + tl.load(rotation + 7) * y + tl.load(rotation + 8) * z + tl.load(translation + 2)
    return across, down, depth


@triton.jit
def _one_of(which, first, second, third):
    return tl.where(which == 0, first, tl.where(which == 1, second, third))


@triton.jit
def _cut(xa, ya, wa, xb, yb, wb, near):
    """Where the edge between two corners meets the plane of depth ``near``, from the end in front, so that neighbors
    cut alike; meaningless where it does not."""
    turned = wa < near
    xs, ys, ws = tl.where(turned, xb, xa), tl.where(turned, yb, ya), tl.where(turned, wb, wa)
    xe, ye, we = tl.where(turned, xa, xb), tl.where(turned, ya, yb), tl.where(turned, wa, wb)
    length = ws - we
    share = (ws - near) / tl.where(length > 0, length, 1.0)
    return xs + share * (xe - xs), ys + share * (ye - ys)


@triton.jit
def _first_center(lowest, size):
    """The first pixel whose center is not below ``lowest``, in 0..size."""
    return tl.minimum(tl.maximum(tl.ceil(lowest - 0.5), 0.0), size).to(tl.int32)


@triton.jit
def _inside(xa, ya, xb, yb, x, y, sign):
    """Whether pixel centers are on the inner side of an edge. Rounding must not tear neighbors apart: what is on the
    edge belongs to both, which changes nothing, as they are equally deep there."""
    one, other = (xb - xa) * (y - ya), (yb - ya) * (x - xa)
    return sign * (one - other) >= -5e-7 * (tl.abs(one) + tl.abs(other))


@triton.jit(do_not_specialize=["frames", "cameras", "vertices", "count"])
def _draw(
    screen, triangles, drawn, heights, widths, before, frames, cameras, vertices, count,
    NEAR: tl.constexpr, TOGETHER: tl.constexpr, TILE: tl.constexpr,
):  # fmt: skip
    """Raises each pixel of ``drawn``, bits of float32, to the greatest inverse depth of the triangles over its center.

    A triangle that reaches nearer than NEAR is cut there: one corner in front leaves a triangle, two leave two.
    """
    image = tl.program_id(1).to(tl.int64)
    camera = image % cameras
    height, width = tl.load(heights + camera), tl.load(widths + camera)
    picture = drawn + frames * tl.load(before + camera) + (image // cameras) * height * width
    number = tl.program_id(0) * TOGETHER + tl.arange(0, TOGETHER)
    there = number < count
    at = screen + image * 3 * vertices
    i0 = tl.load(triangles + number * 3, mask=there, other=0)
    i1 = tl.load(triangles + number * 3 + 1, mask=there, other=0)
    i2 = tl.load(triangles + number * 3 + 2, mask=there, other=0)
    w0, w1, w2 = tl.load(at + 2 * vertices + i0), tl.load(at + 2 * vertices + i1), tl.load(at + 2 * vertices + i2)
    x0, x1, x2 = tl.load(at + i0), tl.load(at + i1), tl.load(at + i2)
    y0, y1, y2 = tl.load(at + vertices + i0), tl.load(at + vertices + i1), tl.load(at + vertices + i2)
    f0, f1, f2 = w0 >= NEAR, w1 >= NEAR, w2 >= NEAR
    front = tl.where(there, f0.to(tl.int32) + f1.to(tl.int32) + f2.to(tl.int32), 0)
    # a is the corner that is alone on its side of the plane
    odd = tl.where((f0 != f1) & (f0 != f2), 0, tl.where((f1 != f0) & (f1 != f2), 1, tl.where(f2 != f0, 2, 0)))
    xa, ya, wa = _one_of(odd, x0, x1, x2), _one_of(odd, y0, y1, y2), _one_of(odd, w0, w1, w2)
    xb, yb, wb = _one_of(odd, x1, x2, x0), _one_of(odd, y1, y2, y0), _one_of(odd, w1, w2, w0)
    xc, yc, wc = _one_of(odd, x2, x0, x1), _one_of(odd, y2, y0, y1), _one_of(odd, w2, w0, w1)
    xl, yl = _cut(xa, ya, wa, xb, yb, wb, NEAR)
    xr, yr = _cut(xa, ya, wa, xc, yc, wc, NEAR)
    pieces = tl.max(tl.where(front == 2, 2, tl.where(front > 0, 1, 0)), 0)
    for piece in range(0, pieces):
        second = (front == 2) & (piece == 1)
        alone, pair = front == 1, front == 2
        # the first: (a, b, c), or (a, left cut, right cut), or (left cut, b, c); the second: (left cut, c, right cut)
        px = tl.where(pair, xl, xa)
        py = tl.where(pair, yl, ya)
        pw = tl.where(pair, NEAR, wa)
        qx = tl.where(alone, xl, tl.where(second, xc, xb))
        qy = tl.where(alone, yl, tl.where(second, yc, yb))
        qw = tl.where(alone, NEAR, tl.where(second, wc, wb))
        rx = tl.where(alone | second, xr, xc)
        ry = tl.where(alone | second, yr, yc)
        rw = tl.where(alone | second, NEAR, wc)
        kept = (front > 0) & ((piece == 0) | second)
        # without a corner in front there is nothing to divide by
        pi, qi, ri = 1 / tl.where(kept, pw, 1.0), 1 / tl.where(kept, qw, 1.0), 1 / tl.where(kept, rw, 1.0)
        px, py, qx, qy, rx, ry = px * pi, py * pi, qx * qi, qy * qi, rx * ri, ry * ri
        area = (qx - px) * (ry - py) - (rx - px) * (qy - py)
        kept = kept & (tl.abs(area) >= 1e-10)
        sign = tl.where(area > 0, 1.0, -1.0)
        share = 1 / tl.where(kept, area, 1.0)
        slope_x = ((qi - pi) * (ry - py) - (ri - pi) * (qy - py)) * share
        slope_y = ((ri - pi) * (qx - px) - (qi - pi) * (rx - px)) * share
        farthest, nearest = tl.minimum(pi, tl.minimum(qi, ri)), tl.maximum(pi, tl.maximum(qi, ri))
        first_column = _first_center(tl.minimum(px, tl.minimum(qx, rx)), width.to(tl.float32))
        end_column = _first_center(tl.maximum(px, tl.maximum(qx, rx)), width.to(tl.float32))
        first_row = _first_center(tl.minimum(py, tl.minimum(qy, ry)), height.to(tl.float32))
        end_row = _first_center(tl.maximum(py, tl.maximum(qy, ry)), height.to(tl.float32))
        columns = tl.where(kept, end_column - first_column, 0)
        rows = tl.where(kept & (columns > 0), end_row - first_row, 0)
        across = (tl.max(columns, 0) + TILE - 1) // TILE
        down = (tl.max(rows, 0) + TILE - 1) // TILE
        within = tl.arange(0, TILE * TILE)
        for step in range(0, across * down):
            column = (step % across) * TILE + within[None, :] % TILE
            row = (step // across) * TILE + within[None, :] // TILE
            open_pixel = (column < columns[:, None]) & (row < rows[:, None])
            column, row = column + first_column[:, None], row + first_row[:, None]
            x, y = column.to(tl.float32) + 0.5, row.to(tl.float32) + 0.5
            open_pixel = open_pixel & _inside(px[:, None], py[:, None], qx[:, None], qy[:, None], x, y, sign[:, None])
            open_pixel = open_pixel & _inside(qx[:, None], qy[:, None], rx[:, None], ry[:, None], x, y, sign[:, None])
            open_pixel = open_pixel & _inside(rx[:, None], ry[:, None], px[:, None], py[:, None], x, y, sign[:, None])
            value = pi[:, None] + slope_x[:, None] * (x - px[:, None]) + slope_y[:, None] * (y - py[:, None])
            value = tl.minimum(tl.maximum(value, farthest[:, None]), nearest[:, None])
            tl.atomic_max(picture + row * width + column, value.to(tl.int32, bitcast=True), mask=open_pixel)


@triton.jit(do_not_specialize=["frames", "cameras", "vertices", "count"])
def _look_up(
    world, corners, barycentrics, weight, rotation, translation, intrinsics, inverse, heights, widths, before, weights,
    frames, cameras, vertices, count,
    NEAREST: tl.constexpr, GRAZING: tl.constexpr, TOLERANCE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Weights (B, C, N) of samples: seen at their place in the inverse depth image, less at grazing angles."""
    image = tl.program_id(1).to(tl.int64)
    camera = image % cameras
    height, width = tl.load(heights + camera), tl.load(widths + camera)
    picture = inverse + frames * tl.load(before + camera) + (image // cameras) * height * width
    sample = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = sample < count
    vertex = world + (image // cameras) * vertices * 3
    a = vertex + 3 * tl.load(corners + sample * 3, mask=inside, other=0)
    b = vertex + 3 * tl.load(corners + sample * 3 + 1, mask=inside, other=0)
    c = vertex + 3 * tl.load(corners + sample * 3 + 2, mask=inside, other=0)
    ax, ay, az = tl.load(a), tl.load(a + 1), tl.load(a + 2)
    bx, by, bz = tl.load(b), tl.load(b + 1), tl.load(b + 2)
    cx, cy, cz = tl.load(c), tl.load(c + 1), tl.load(c + 2)
    u = tl.load(barycentrics + sample * 3, mask=inside, other=0.0)
    v = tl.load(barycentrics + sample * 3 + 1, mask=inside, other=0.0)
    w = tl.load(barycentrics + sample * 3 + 2, mask=inside, other=0.0)
    x, y, z = u * ax + v * bx + w * cx, u * ay + v * by + w * cy, u * az + v * bz + w * cz
    across, down, depth = _in_camera(x, y, z, rotation + image * 9, translation + image * 3)
    # the ray in the camera's own axes is the point itself: the normal is turned there, too
    bx, by, bz, cx, cy, cz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    nx, ny, nz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    turn = rotation + image * 9
    mx = tl.load(turn) * nx + tl.load(turn + 1) * ny + tl.load(turn + 2) * nz
    my = tl.load(turn + 3) * nx + tl.load(turn + 4) * ny + tl.load(turn + 5) * nz
    mz = tl.load(turn + 6) * nx + tl.load(turn + 7) * ny + tl.load(turn + 8) * nz
    ray = tl.sqrt(across * across + down * down + depth * depth)
    normal = tl.sqrt(nx * nx + ny * ny + nz * nz)
    facing = tl.abs(mx * across + my * down + mz * depth) / (tl.maximum(ray, 1e-12) * tl.maximum(normal, 1e-12))
    slant = tl.maximum((facing - GRAZING) / (1 - GRAZING), 0.0)
    valid = inside & (depth > NEAREST)
    safe = tl.where(valid, depth, 1.0)
    across, down = across / safe, down / safe
    lens = intrinsics + image * 9
    column = tl.load(lens) * across + tl.load(lens + 1) * down + tl.load(lens + 2)
    row = tl.load(lens + 3) * across + tl.load(lens + 4) * down + tl.load(lens + 5)
    right, bottom = width.to(tl.float32), height.to(tl.float32)
    valid = valid & (column >= 0) & (column < right) & (row >= 0) & (row < bottom)
    column = tl.minimum(tl.maximum(tl.where(valid, column, 0.0) - 0.5, 0.0), right - 1)
    row = tl.minimum(tl.maximum(tl.where(valid, row, 0.0) - 0.5, 0.0), bottom - 1)
    left, top = tl.floor(column), tl.floor(row)
    column, row = column - left, row - top
    first = picture + top.to(tl.int64) * width + left.to(tl.int64)
    step_right = tl.where(left + 1 < right, 1, 0)
    step_down = tl.where(top + 1 < bottom, width, 0)
    p = tl.load(first, mask=valid, other=0.0)
    q = tl.load(first + step_right, mask=valid, other=0.0)
    r = tl.load(first + step_down, mask=valid, other=0.0)
    s = tl.load(first + step_down + step_right, mask=valid, other=0.0)
    pw, qw, rw, sw = (1 - column) * (1 - row), column * (1 - row), (1 - column) * row, column * row
    total = tl.where(p > 0, pw, 0.0) + tl.where(q > 0, qw, 0.0) + tl.where(r > 0, rw, 0.0) + tl.where(s > 0, sw, 0.0)
    nearness = p * pw + q * qw + r * rw + s * sw
    # empty pixels do not take part, and a sample among nothing else is seen
    behind = depth - total / tl.where(total > 0, nearness, 1.0)
    seen = valid & ((total <= 0) | (behind <= TOLERANCE))
    own = tl.load(weight + sample, mask=inside, other=0.0)
    tl.store(weights + image * count + sample, tl.where(seen, slant * own, 0.0), mask=inside)
