"""Twins of ``normalize.normalize_covered`` and of ``upload.Uploader.luminance``, in fused kernels.

What a pixel needs is read once and kept in registers; plain PyTorch writes each step to memory. Imported only where
Triton is there.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from .normalize import CONTRAST_FLOOR, SIGMA, gaussian

ROWS, COLUMNS = 4, 128  # of pixels of one program
PIXELS = 512  # of one program where rows do not matter


def encoded_by_table(stored: Tensor, table: Tensor, finest: int, maps: Tensor | None = None) -> Tensor:
    """Encoded luminance (n, H', W') of stored values, 2x2-averaged ``finest`` times.

    stored: (n, H, W) or (n, H, W, 3) whole numbers; table: (T,) linear light of each. maps: (n, 2, H, W) where each
    pixel is read in the stored image, bilinearly in linear light.
    """
    count, height, width = stored.shape[:3]
    rows, columns = height >> finest, width >> finest
    found = torch.empty(count, rows, columns, device=stored.device)
    if found.numel():
        grid = triton.cdiv(rows * columns, PIXELS), count
        channels = 3 if stored.ndim == 4 else 1
        _luminance[grid](
            stored.contiguous(), table, found, found if maps is None else maps.contiguous(), height, width, rows,
            columns, CHANNELS=channels, SIDE=2**finest, WARPED=maps is not None, BLOCK=PIXELS,
        )  # fmt: skip
    return found


def normalize_covered(luminance: Tensor, coverage: Tensor, mask: Tensor | None) -> Tensor:
    """Local contrast normalization (n, H, W). Arguments: those of the twin."""
    count, height, width = luminance.shape
    found = torch.empty_like(luminance, memory_format=torch.contiguous_format)
    if not found.numel():
        return found
    luminance, coverage = luminance.contiguous(), coverage.contiguous()
    rows, columns = (height + 1) // 2, (width + 1) // 2
    taps = gaussian(SIGMA / 2, luminance.device, luminance.dtype)
    sums, across = (torch.empty(count, 3, rows, columns, device=luminance.device) for _ in range(2))
    half = triton.cdiv(columns, COLUMNS), triton.cdiv(rows, ROWS), count
    size = {"ROWS": ROWS, "COLUMNS": COLUMNS}
    _sums[half](
        luminance, coverage, luminance if mask is None else mask.contiguous(), sums, height, width, rows, columns,
        coverage.shape[1], coverage.shape[2], coverage.shape[1] / height, coverage.shape[2] / width,
        MASKED=mask is not None, **size,
    )  # fmt: skip
    _blur_across[half](sums, across, taps, rows, columns, REACH=len(taps) // 2, **size)
    _blur_down[half](across, sums, taps, rows, columns, CONTRAST_FLOOR**2, REACH=len(taps) // 2, **size)
    whole = triton.cdiv(width, COLUMNS), triton.cdiv(height, ROWS), count
    _apply[whole](luminance, sums, found, height, width, rows, columns, **size)
    return found


@triton.jit(do_not_specialize=["height", "width", "rows", "columns"])
def _luminance(
    stored, table, found, maps, height, width, rows, columns,
    CHANNELS: tl.constexpr, SIDE: tl.constexpr, WARPED: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Means of SIDE x SIDE pixels of the encoded luminance."""
    image = tl.program_id(1).to(tl.int64)
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = place < rows * columns
    first = (place // columns) * SIDE * width + (place % columns) * SIDE
    picture = stored + image * height * width * CHANNELS
    total = tl.zeros([BLOCK], tl.float32)
    for step in tl.static_range(SIDE * SIDE):
        pixel = first + (step // SIDE) * width + step % SIDE
        if WARPED:
            at = maps + image * 2 * height * width + pixel
            light = _light_between(
                picture, table, tl.load(at, mask=inside, other=0.0),
                tl.load(at + height * width, mask=inside, other=0.0), height, width, inside, CHANNELS,
            )  # fmt: skip
        else:
            light = _light(picture + pixel * CHANNELS, table, inside, CHANNELS)
        total += tl.sqrt(tl.maximum(light, 0.0))
    tl.store(found + image * rows * columns + place, total / (SIDE * SIDE), mask=inside)


@triton.jit
def _light(at, table, inside, CHANNELS: tl.constexpr):
    """Luminance in linear light of the pixels stored there."""
    light = tl.load(table + tl.load(at, mask=inside, other=0).to(tl.int32))
    if CHANNELS == 3:
        green = tl.load(table + tl.load(at + 1, mask=inside, other=0).to(tl.int32))
        blue = tl.load(table + tl.load(at + 2, mask=inside, other=0).to(tl.int32))
        light = 0.2126 * light + 0.7152 * green + 0.0722 * blue
    return light


@triton.jit
def _light_between(picture, table, x, y, height, width, inside, CHANNELS: tl.constexpr):
    """Luminance in linear light between pixels, edges repeated."""
    x = tl.minimum(tl.maximum(x, 0.0), width - 1.0)
    y = tl.minimum(tl.maximum(y, 0.0), height - 1.0)
    left, top = tl.floor(x), tl.floor(y)
    x, y = x - left, y - top
    x0, y0 = left.to(tl.int32), top.to(tl.int32)
    x1, y1 = tl.minimum(x0 + 1, width - 1), tl.minimum(y0 + 1, height - 1)
    a = _light(picture + (y0 * width + x0) * CHANNELS, table, inside, CHANNELS)
    b = _light(picture + (y0 * width + x1) * CHANNELS, table, inside, CHANNELS)
    c = _light(picture + (y1 * width + x0) * CHANNELS, table, inside, CHANNELS)
    d = _light(picture + (y1 * width + x1) * CHANNELS, table, inside, CHANNELS)
    return (a * (1 - x) + b * x) * (1 - y) + (c * (1 - x) + d * x) * y


@triton.jit
def _block(ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Row and column of each pixel of a program, and its image."""
    row = tl.program_id(1) * ROWS + tl.arange(0, ROWS)[:, None]
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)[None, :]
    return row, column, tl.program_id(2).to(tl.int64)


@triton.jit(do_not_specialize=["height", "width", "rows", "columns", "coverage_rows", "coverage_columns"])
def _sums(
    luminance, coverage, mask, sums, height, width, rows, columns, coverage_rows, coverage_columns, down, right,
    MASKED: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
):  # fmt: skip
    """2x2 means of weights, weighted luminance and its square; beyond an odd edge the weight is 0."""
    row, column, image = _block(ROWS, COLUMNS)
    weight = tl.zeros([ROWS, COLUMNS], tl.float32)
    first = tl.zeros([ROWS, COLUMNS], tl.float32)
    second = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in tl.static_range(4):
        y, x = 2 * row + step // 2, 2 * column + step % 2
        inside = (y < height) & (x < width)
        at = image * height * width + y * width + x
        # nearest, as plain PyTorch rounds it
        cy = tl.minimum(tl.floor(y.to(tl.float32) * down).to(tl.int32), coverage_rows - 1)
        cx = tl.minimum(tl.floor(x.to(tl.float32) * right).to(tl.int32), coverage_columns - 1)
        there = image * coverage_rows * coverage_columns + cy * coverage_columns + cx
        own = tl.load(coverage + there, mask=inside, other=0.0)
        if MASKED:
            own = own * tl.load(mask + at, mask=inside, other=0.0)
        value = tl.load(luminance + at, mask=inside, other=0.0)
        weight += own
        first += own * value
        second += own * value * value
    inside = (row < rows) & (column < columns)
    to = sums + image * 3 * rows * columns + row * columns + column
    tl.store(to, weight / 4, mask=inside)
    tl.store(to + rows * columns, first / 4, mask=inside)
    tl.store(to + 2 * rows * columns, second / 4, mask=inside)


@triton.jit(do_not_specialize=["rows", "columns"])
def _blur_across(sums, found, taps, rows, columns, REACH: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Blurs the three images along their rows, edges repeated."""
    row, column, image = _block(ROWS, COLUMNS)
    inside = (row < rows) & (column < columns)
    plane = rows * columns
    line = image * 3 * plane + row * columns
    weight = tl.zeros([ROWS, COLUMNS], tl.float32)
    first = tl.zeros([ROWS, COLUMNS], tl.float32)
    second = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in tl.static_range(2 * REACH + 1):
        tap = tl.load(taps + step)
        at = sums + line + tl.minimum(tl.maximum(column + step - REACH, 0), columns - 1)
        weight += tap * tl.load(at, mask=inside, other=0.0)
        first += tap * tl.load(at + plane, mask=inside, other=0.0)
        second += tap * tl.load(at + 2 * plane, mask=inside, other=0.0)
    to = found + line + column
    tl.store(to, weight, mask=inside)
    tl.store(to + plane, first, mask=inside)
    tl.store(to + 2 * plane, second, mask=inside)


@triton.jit(do_not_specialize=["rows", "columns"])
def _blur_down(sums, found, taps, rows, columns, floor, REACH: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Blurs along columns, and makes the mean and the inverse deviation, the first two of three images."""
    row, column, image = _block(ROWS, COLUMNS)
    inside = (row < rows) & (column < columns)
    plane = rows * columns
    line = image * 3 * plane + column
    weight = tl.zeros([ROWS, COLUMNS], tl.float32)
    first = tl.zeros([ROWS, COLUMNS], tl.float32)
    second = tl.zeros([ROWS, COLUMNS], tl.float32)
    for step in tl.static_range(2 * REACH + 1):
        tap = tl.load(taps + step)
        at = sums + line + tl.minimum(tl.maximum(row + step - REACH, 0), rows - 1) * columns
        weight += tap * tl.load(at, mask=inside, other=0.0)
        first += tap * tl.load(at + plane, mask=inside, other=0.0)
        second += tap * tl.load(at + 2 * plane, mask=inside, other=0.0)
    weight = tl.maximum(weight, 1e-3)
    mean = first / weight
    variance = tl.maximum(second / weight - mean * mean, 0.0)
    to = found + line + row * columns
    tl.store(to, mean, mask=inside)
    tl.store(to + plane, 1 / tl.sqrt(variance + floor), mask=inside)


@triton.jit(do_not_specialize=["height", "width", "rows", "columns"])
def _apply(luminance, local, found, height, width, rows, columns, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    """Luminance less the local mean, over the local deviation, both bilinear between pixels of half the size."""
    row, column, image = _block(ROWS, COLUMNS)
    inside = (row < height) & (column < width)
    at = image * height * width + row * width + column
    y = tl.maximum((row.to(tl.float32) + 0.5) * 0.5 - 0.5, 0.0)
    x = tl.maximum((column.to(tl.float32) + 0.5) * 0.5 - 0.5, 0.0)
    top, left = tl.floor(y), tl.floor(x)
    y, x = y - top, x - left
    y0, x0 = top.to(tl.int32), left.to(tl.int32)
    y1, x1 = tl.minimum(y0 + 1, rows - 1), tl.minimum(x0 + 1, columns - 1)
    plane = rows * columns
    mean = local + image * 3 * plane
    value = tl.load(luminance + at, mask=inside, other=0.0)
    average = _between(mean, y0, y1, x0, x1, y, x, columns, inside)
    scale = _between(mean + plane, y0, y1, x0, x1, y, x, columns, inside)
    tl.store(found + at, (value - average) * scale, mask=inside)


@triton.jit
def _between(image, y0, y1, x0, x1, y, x, columns, inside):
    """Bilinear values of an image."""
    a = tl.load(image + y0 * columns + x0, mask=inside, other=0.0)
    b = tl.load(image + y0 * columns + x1, mask=inside, other=0.0)
    c = tl.load(image + y1 * columns + x0, mask=inside, other=0.0)
    d = tl.load(image + y1 * columns + x1, mask=inside, other=0.0)
    return (a * (1 - x) + b * x) * (1 - y) + (c * (1 - x) + d * x) * y
