"""The rows that the fused kernel makes, against plain PyTorch's: their products say the same."""

import pytest
import torch

from facesolve.geometry.surface_samples import SurfaceSamples
from facesolve.residuals import normal_equations as plain
from tests.kernel_device import DEVICE

from facesolve.residuals import normal_equations_triton as fused  # isort: skip

if DEVICE.type == "cpu":  # fewer programs, each of more: the interpreter takes its time for each
    fused.SAMPLES = 64


def samples(count: int, shapes: int) -> SurfaceSamples:
    random = torch.Generator().manual_seed(1)
    basis = 0.3 * torch.randn(count, 3, shapes, generator=random)
    nothing = torch.zeros(count, 3)
    return SurfaceSamples(nothing[:, 0].long(), nothing, nothing, basis, nothing[:, 0], 0.1)


@pytest.mark.parametrize(("frames", "count", "shapes"), [(2, 50, 70), (1, 0, 4), (0, 5, 4)])
def test_rows_in_half_precision_are_those_of_plain_pytorch(frames, count, shapes):
    random = torch.Generator().manual_seed(2)
    covectors = torch.randn(frames, count, 2, 3, generator=random)
    covectors[:, ::3, 1] = covectors[:, ::3, 0]  # seen by cameras that say one thing
    covectors[:, ::7] = 0  # not seen
    information = covectors.mT @ covectors / 12
    points = 8 * torch.randn(frames, count, 3, generator=random)
    columns = samples(count, shapes).half_columns
    one = plain.half_precision_rows(information, points, columns)
    basis = columns[:, :3, :shapes].to(DEVICE)
    other = fused.half_precision_rows(
        information.to(DEVICE), points.to(DEVICE), basis, columns.shape[2], plain.LEAST_PIVOT
    )
    assert other.shape == one.shape
    product, expected = (rows.cpu().double().mT @ rows.cpu().double() for rows in (other, one))
    size = float(expected.abs().max()) if expected.numel() else 0.0
    torch.testing.assert_close(product, expected, atol=2e-3 * size, rtol=2e-2)
    assert not other[..., shapes + 6 :].any()
