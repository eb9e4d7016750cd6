"""The fused kernels of images against their twins: normalization, and luminance by a table."""

import pytest
import torch

from facesolve.footage import normalize as plain
from facesolve.footage.color import transfer_table
from facesolve.footage.upload import halved, undistorted
from tests.kernel_device import DEVICE

from facesolve.footage import normalize_triton as fused  # isort: skip

if DEVICE.type == "cpu":  # fewer programs, each of more: the interpreter takes its time for each
    fused.ROWS, fused.COLUMNS, fused.PIXELS = 64, 64, 1024


@pytest.mark.parametrize(("size", "covered", "masked"), [((41, 36), (20, 18), True), ((18, 26), (18, 26), False)])
def test_images_are_normalized_as_by_plain_pytorch(size, covered, masked):
    random = torch.Generator().manual_seed(5)
    luminance = torch.rand(2, *size, generator=random)
    coverage = (torch.rand(2, *covered, generator=random) > 0.4).float()
    mask = torch.rand(2, *size, generator=random) if masked else None
    one = plain.normalize_covered(luminance, coverage, mask)
    # kernels that took strides for granted would read other pixels
    turned = luminance.to(DEVICE).mT.contiguous().mT
    other = fused.normalize_covered(turned, coverage.to(DEVICE), None if mask is None else mask.to(DEVICE))
    torch.testing.assert_close(other.cpu(), one, atol=2e-4, rtol=2e-5)
    assert one.std() > 0.1


@pytest.mark.parametrize(
    ("finest", "dtype", "channels", "bent"),
    [(0, "|u1", 3, False), (2, "<u2", 0, False), (1, "|u1", 3, True)],
)
def test_luminance_of_stored_values_is_that_of_linear_light(finest, dtype, channels, bent):
    random = torch.Generator().manual_seed(6)
    table = torch.from_numpy(transfer_table(dtype, "srgb"))
    shape = (2, 13, 18, channels) if channels else (2, 13, 18)
    stored = torch.randint(len(table), shape, generator=random, dtype=torch.int32)
    stored = stored.to(torch.uint8) if dtype == "|u1" else stored
    maps = 20 * torch.rand(2, 2, 13, 18, generator=random) - 2 if bent else None  # beyond the edges, too
    linear = table[stored.long()]
    linear = linear if maps is None else undistorted(linear, maps)
    one = halved(plain.encoded_luminance(linear) if channels else linear.sqrt(), finest)
    there = None if maps is None else maps.to(DEVICE)
    other = fused.encoded_by_table(stored.to(DEVICE), table.to(DEVICE), finest, there)
    torch.testing.assert_close(other.cpu(), one, atol=1e-5, rtol=1e-5)


def test_no_images_are_none():
    nothing = torch.zeros(0, 8, 8, device=DEVICE)
    assert fused.normalize_covered(nothing, nothing, None).shape == (0, 8, 8)
    stored, table = torch.zeros(0, 8, 8, 3, dtype=torch.uint8, device=DEVICE), torch.zeros(256, device=DEVICE)
    assert fused.encoded_by_table(stored, table, 1).shape == (0, 4, 4)
