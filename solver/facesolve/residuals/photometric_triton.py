"""The twin of ``photometric.said_by_samples`` in one kernel: a sample's cameras one after the other, in registers.

Where the robust scale is not known, a kernel before it writes the residuals. Every sum has one order. Imported only
where Triton is there.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
import triton
import triton.language as tl
from torch import Tensor

from facesolve.geometry.camera import NEAREST, CameraModel
from facesolve.geometry.surface_samples import PlacedSamples
from facesolve.optimize.robust import LEAST_CURVATURE, residual_scale

from .observation import ImageStack
from .photometric import Against, SaidBySamples

SAMPLES = 64  # of one program


def said_by_samples(placed: PlacedSamples, head: Tensor, against: Against, scale: Tensor | None) -> SaidBySamples:
    """What samples at B poses say, held against a template. Arguments: those of the twin; cameras do not distort."""
    points = placed.points.contiguous()
    call = _Call(points, against.views.cameras.within(head.to(points.dtype)), against)
    if scale is None:
        scale = residual_scale(*call.residuals())
    return call.said(scale)


class _Call:
    """The kernels' arguments for B frames of C cameras and N samples. cameras: in the axes of the rig."""

    def __init__(self, points: Tensor, cameras: CameraModel, against: Against) -> None:
        self._points, self._against = points, against
        self._frames, self._count = points.shape[:2]
        self._cameras = cameras.rotation.shape[1]
        self._blocks = triton.cdiv(self._count, SAMPLES)
        views, template = against.views, against.template
        self._moving = views.velocity is not None and views.delay is not None
        velocity, delay = (views.velocity, views.delay) if self._moving else (points, points)
        assert velocity is not None
        assert delay is not None
        parts = (cameras.rotation, cameras.translation, cameras.intrinsics, velocity, delay)
        self._common = (
            points,
            *(
                part.expand(self._frames, *part.shape[1:]).contiguous() if part.ndim > 2 else part.contiguous()
                for part in parts
            ),
            views.visibility,
            *views.visibility.stride(),
            template.values,
            template.values.stride(0),
            template.weights,
            template.weights.stride(0),
        )

    def residuals(self) -> tuple[Tensor, Tensor]:
        """Residuals and their weights (B, C, N); a residual of no weight is 0."""
        residual = self._points.new_zeros(self._frames, self._cameras, self._count)
        weights = torch.zeros_like(residual)
        if residual.numel():
            for stack, position, first, cameras in _runs(self._against.views.images):
                _residuals[self._blocks, self._frames](
                    *self._common, stack.values.contiguous(), residual, weights,
                    position, first, cameras, len(stack.cameras), *stack.values.shape[2:], self._cameras, self._count,
                    MOVING=self._moving, NEAREST=NEAREST, BLOCK=SAMPLES,
                )  # fmt: skip
        return residual, weights

    def said(self, scale: Tensor) -> SaidBySamples:
        """All that the samples say, by robust scales (B,)."""
        information = self._points.new_zeros(self._frames, self._count, 3, 3)
        force = torch.zeros_like(self._points)
        sums = self._points.new_zeros(self._frames, self._blocks, 3)
        gradient, share = self._against.gradient, self._against.template_share
        if force.numel():
            for number, (stack, position, first, cameras) in enumerate(_runs(self._against.views.images)):
                _said[self._blocks, self._frames](
                    *self._common, stack.values.contiguous(), gradient.normal.contiguous(),
                    gradient.least.contiguous(), gradient.across.contiguous(), scale.contiguous(),
                    information, force, sums, share,
                    position, first, cameras, len(stack.cameras), *stack.values.shape[2:], self._cameras, self._count,
                    MOVING=self._moving, FOOTAGE=share < 1, MORE=number > 0, NEAREST=NEAREST, BLOCK=SAMPLES,
                )  # fmt: skip
        cost, total, bent = sums.sum(1).unbind(1)
        curvature = (4 * bent / total - 3).nan_to_num(nan=1.0).clamp(LEAST_CURVATURE, 1)
        return SaidBySamples(information, force, 0.5 * cost * scale.square(), curvature, scale)


def _runs(stacks: tuple[ImageStack, ...]) -> Iterator[tuple[ImageStack, int, int, int]]:
    """Cameras that follow each other and share a stack: the stack, the place of the first in it, its number, and how
    many there are."""
    for stack in stacks:
        for _, run in itertools.groupby(enumerate(stack.cameras), lambda pair: pair[1] - pair[0]):
            places = list(run)
            yield stack, *places[0], len(places)


@triton.jit
def _seen(
    x, y, z, rotation, translation, intrinsics, height, width, inside,
    NEAREST: tl.constexpr,
):  # fmt: skip
    """Pixels, places on the plane z = 1 and inverse depth of points, and whether they are a pixel within the image."""
    across = tl.load(rotation) * x + tl.load(rotation + 1) * y + tl.load(rotation + 2) * z + tl.load(translation)
    down = tl.load(rotation + 3) * x + tl.load(rotation + 4) * y + tl.load(rotation + 5) * z + tl.load(translation + 1)
    depth = tl.load(rotation + 6) * x + tl.load(rotation + 7) * y + tl.load(rotation + 8) * z + tl.load(translation + 2)
    inside = inside & (depth > NEAREST)
    inverse = 1 / tl.where(inside, depth, 1.0)
    across, down = across * inverse, down * inverse
    column = tl.load(intrinsics) * across + tl.load(intrinsics + 1) * down + tl.load(intrinsics + 2)
    row = tl.load(intrinsics + 3) * across + tl.load(intrinsics + 4) * down + tl.load(intrinsics + 5)
    inside = inside & (column > 1) & (column < width - 1) & (row > 1) & (row < height - 1)
    return column, row, across, down, inverse, inside


@triton.jit
def _corner(column, row, inside):
    """The pixel up and left of places, and how far they are from its center."""
    column, row = tl.where(inside, column, 1.0) - 0.5, tl.where(inside, row, 1.0) - 0.5
    left, top = tl.floor(column), tl.floor(row)
    return left.to(tl.int32), top.to(tl.int32), column - left, row - top


@triton.jit
def _pixel(picture, row, column, height, width, inside):
    """Pixels of an image whose edges are repeated."""
    row = tl.minimum(tl.maximum(row, 0), height - 1)
    column = tl.minimum(tl.maximum(column, 0), width - 1)
    return tl.load(picture + row * width + column, mask=inside, other=0.0).to(tl.float32)


@triton.jit(
    do_not_specialize=[
        "visibility_0", "visibility_1", "visibility_2", "values_0", "known_0", "position", "first", "run", "stacked",
        "height", "width", "cameras", "count",
    ]
)  # fmt: skip
def _residuals(
    points, rotation, translation, intrinsics, velocity, delay, visibility, visibility_0, visibility_1, visibility_2,
    values, values_0, known, known_0, images, residual, weights, position, first, run, stacked, height, width, cameras,
    count, MOVING: tl.constexpr, NEAREST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Residuals and weights (B, C, N) of a run of cameras."""
    frame = tl.program_id(1).to(tl.int64)
    sample = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = sample < count
    at = points + (frame * count + sample) * 3
    x = tl.load(at, mask=there, other=0.0)
    y = tl.load(at + 1, mask=there, other=0.0)
    z = tl.load(at + 2, mask=there, other=0.0)
    value = tl.load(values + sample * values_0, mask=there, other=0.0)
    kept = there & (tl.load(known + sample * known_0, mask=there, other=0.0) > 0)
    for step in range(0, run):
        camera = first + step
        image = frame * cameras + camera
        px, py, pz = x, y, z
        if MOVING:
            late = tl.load(delay + camera)
            moves = velocity + (frame * count + sample) * 3
            px += late * tl.load(moves, mask=there, other=0.0)
            py += late * tl.load(moves + 1, mask=there, other=0.0)
            pz += late * tl.load(moves + 2, mask=there, other=0.0)
        column, row, _, _, _, inside = _seen(
            px, py, pz, rotation + image * 9, translation + image * 3, intrinsics + image * 9, height, width, kept,
            NEAREST,
        )  # fmt: skip
        weight = tl.load(
            visibility + frame * visibility_0 + camera * visibility_1 + sample * visibility_2, mask=inside, other=0.0
        )
        inside = inside & (weight > 0)
        left, top, fx, fy = _corner(column, row, inside)
        picture = images + (frame * stacked + position + step) * height * width
        a, b = _pixel(picture, top, left, height, width, inside), _pixel(picture, top, left + 1, height, width, inside)
        c = _pixel(picture, top + 1, left, height, width, inside)
        d = _pixel(picture, top + 1, left + 1, height, width, inside)
        seen = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
        to = image * count + sample
        tl.store(residual + to, tl.where(inside, seen - value, 0.0), mask=there)
        tl.store(weights + to, weight, mask=there)


@triton.jit(
    do_not_specialize=[
        "visibility_0", "visibility_1", "visibility_2", "values_0", "known_0", "share", "position", "first", "run",
        "stacked", "height", "width", "cameras", "count",
    ]
)  # fmt: skip
def _said(
    points, rotation, translation, intrinsics, velocity, delay, visibility, visibility_0, visibility_1, visibility_2,
    values, values_0, known, known_0, images, normal, least, across_slopes, scale, information, force, sums, share,
    position, first, run, stacked, height, width, cameras, count,
    MOVING: tl.constexpr, FOOTAGE: tl.constexpr, MORE: tl.constexpr, NEAREST: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Information and force of samples, and sums of their robust losses, from a run of cameras. MORE: added to what is
    there."""
    frame = tl.program_id(1).to(tl.int64)
    sample = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    there = sample < count
    own = (frame * count + sample) * 3
    x = tl.load(points + own, mask=there, other=0.0)
    y = tl.load(points + own + 1, mask=there, other=0.0)
    z = tl.load(points + own + 2, mask=there, other=0.0)
    nx = tl.load(normal + own, mask=there, other=0.0)
    ny = tl.load(normal + own + 1, mask=there, other=0.0)
    nz = tl.load(normal + own + 2, mask=there, other=0.0)
    sx = tl.load(across_slopes + own, mask=there, other=0.0)
    sy = tl.load(across_slopes + own + 1, mask=there, other=0.0)
    sz = tl.load(across_slopes + own + 2, mask=there, other=0.0)
    smallest = tl.load(least + frame * count + sample, mask=there, other=1.0)
    value = tl.load(values + sample * values_0, mask=there, other=0.0)
    kept = there & (tl.load(known + sample * known_0, mask=there, other=0.0) > 0)
    inverse_scale = 1 / tl.load(scale + frame)
    xx, xy, xz = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    yy, yz, zz = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    bx, by, bz = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    cost, total, bent = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    for step in range(0, run):
        camera = first + step
        image = frame * cameras + camera
        turn, shift, lens = rotation + image * 9, translation + image * 3, intrinsics + image * 9
        px, py, pz = x, y, z
        if MOVING:
            late = tl.load(delay + camera)
            px += late * tl.load(velocity + own, mask=there, other=0.0)
            py += late * tl.load(velocity + own + 1, mask=there, other=0.0)
            pz += late * tl.load(velocity + own + 2, mask=there, other=0.0)
        column, row, across, down, inverse, inside = _seen(px, py, pz, turn, shift, lens, height, width, kept, NEAREST)
        weight = tl.load(
            visibility + frame * visibility_0 + camera * visibility_1 + sample * visibility_2, mask=inside, other=0.0
        )
        inside = inside & (weight > 0)
        left, top, fx, fy = _corner(column, row, inside)
        picture = images + (frame * stacked + position + step) * height * width
        a, b = _pixel(picture, top, left, height, width, inside), _pixel(picture, top, left + 1, height, width, inside)
        c = _pixel(picture, top + 1, left, height, width, inside)
        d = _pixel(picture, top + 1, left + 1, height, width, inside)
        seen = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
        r00, r01, r02 = tl.load(turn), tl.load(turn + 1), tl.load(turn + 2)
        r10, r11, r12 = tl.load(turn + 3), tl.load(turn + 4), tl.load(turn + 5)
        r20, r21, r22 = tl.load(turn + 6), tl.load(turn + 7), tl.load(turn + 8)
        # the ray from the camera's center, in the axes of the rig
        ux = r00 * across + r10 * down + r20
        uy = r01 * across + r11 * down + r21
        uz = r02 * across + r12 * down + r22
        length = 1 / tl.sqrt(ux * ux + uy * uy + uz * uz)
        ux, uy, uz = ux * length, uy * length, uz * length
        volume = nx * ux + ny * uy + nz * uz
        size = tl.maximum(tl.abs(volume), smallest)
        volume = 1 / tl.where(volume < 0, -size, size)
        gx = (sy * uz - sz * uy) * volume
        gy = (sz * ux - sx * uz) * volume
        gz = (sx * uy - sy * ux) * volume
        if FOOTAGE:
            # central differences over two pixels of the bilinear image
            e = _pixel(picture, top, left - 1, height, width, inside)
            f = _pixel(picture, top, left + 2, height, width, inside)
            g = _pixel(picture, top + 1, left - 1, height, width, inside)
            h = _pixel(picture, top + 1, left + 2, height, width, inside)
            i = _pixel(picture, top - 1, left, height, width, inside)
            j = _pixel(picture, top - 1, left + 1, height, width, inside)
            k = _pixel(picture, top + 2, left, height, width, inside)
            m = _pixel(picture, top + 2, left + 1, height, width, inside)
            right = ((b - e) * (1 - fx) + (f - a) * fx) * (1 - fy) + ((d - g) * (1 - fx) + (h - c) * fx) * fy
            below = ((c - i) * (1 - fy) + (k - a) * fy) * (1 - fx) + ((d - j) * (1 - fy) + (m - b) * fy) * fx
            right, below = right / 2, below / 2
            qx = (right * tl.load(lens) + below * tl.load(lens + 3)) * inverse
            qy = (right * tl.load(lens + 1) + below * tl.load(lens + 4)) * inverse
            qz = -(qx * across + qy * down)
            gx = gx * share + (1 - share) * (qx * r00 + qy * r10 + qz * r20)
            gy = gy * share + (1 - share) * (qx * r01 + qy * r11 + qz * r21)
            gz = gz * share + (1 - share) * (qx * r02 + qy * r12 + qz * r22)
        residual = tl.where(inside, seen - value, 0.0)
        square = residual * inverse_scale
        square = square * square
        part = 1 / (1 + square)
        weight = tl.where(inside, weight, 0.0) * part
        cost += weight * square
        weight = weight * part
        total += weight
        bent += weight * part
        pull = weight * residual
        bx -= pull * gx
        by -= pull * gy
        bz -= pull * gz
        wx, wy, wz = weight * gx, weight * gy, weight * gz
        xx += wx * gx
        xy += wx * gy
        xz += wx * gz
        yy += wy * gy
        yz += wy * gz
        zz += wz * gz
    to = information + (frame * count + sample) * 9
    if MORE:
        xx += tl.load(to, mask=there, other=0.0)
        xy += tl.load(to + 1, mask=there, other=0.0)
        xz += tl.load(to + 2, mask=there, other=0.0)
        yy += tl.load(to + 4, mask=there, other=0.0)
        yz += tl.load(to + 5, mask=there, other=0.0)
        zz += tl.load(to + 8, mask=there, other=0.0)
        bx += tl.load(force + own, mask=there, other=0.0)
        by += tl.load(force + own + 1, mask=there, other=0.0)
        bz += tl.load(force + own + 2, mask=there, other=0.0)
    tl.store(to, xx, mask=there)
    tl.store(to + 1, xy, mask=there)
    tl.store(to + 2, xz, mask=there)
    tl.store(to + 3, xy, mask=there)
    tl.store(to + 4, yy, mask=there)
    tl.store(to + 5, yz, mask=there)
    tl.store(to + 6, xz, mask=there)
    tl.store(to + 7, yz, mask=there)
    tl.store(to + 8, zz, mask=there)
    tl.store(force + own, bx, mask=there)
    tl.store(force + own + 1, by, mask=there)
    tl.store(force + own + 2, bz, mask=there)
    of_block = sums + (frame * tl.num_programs(0) + tl.program_id(0)) * 3
    cost, total, bent = tl.sum(cost, 0), tl.sum(total, 0), tl.sum(bent, 0)
    if MORE:
        cost += tl.load(of_block)
        total += tl.load(of_block + 1)
        bent += tl.load(of_block + 2)
    tl.store(of_block, cost)
    tl.store(of_block + 1, total)
    tl.store(of_block + 2, bent)
