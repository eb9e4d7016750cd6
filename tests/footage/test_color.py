"""The sRGB curve against numbers of the standard, its inverse, and the lookup tables against the curve."""

import numpy as np
import pytest

from facesolve.footage import linear_to_srgb, srgb_to_linear
from facesolve.footage.color import to_linear


def test_known_values() -> None:
    encoded = np.array([0, 0.04045, 0.5, 128 / 255, 1])
    expected = [0, 0.0031308, 0.21404114, 0.21586050, 1]
    np.testing.assert_allclose(srgb_to_linear(encoded), expected, atol=1e-7)


def test_inverse_also_beyond_the_unit_range() -> None:
    values = np.linspace(-0.5, 2, 5001)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-6)
    assert (np.diff(srgb_to_linear(values)) > 0).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tables_hold_the_curve_at_every_level(dtype: type) -> None:
    top = np.iinfo(dtype).max
    levels = np.arange(top + 1, dtype=dtype).reshape(-1, 2)
    linear = to_linear(levels, "srgb")
    assert linear.dtype == np.float32
    np.testing.assert_allclose(linear, srgb_to_linear(levels / top), atol=6e-8)
    np.testing.assert_allclose(to_linear(levels, "linear"), levels / top, atol=6e-8)


def test_float_pixels_keep_their_values_unless_encoded() -> None:
    values = np.array([[0.0, 0.5, 3.0]], np.float32)
    np.testing.assert_array_equal(to_linear(values, "linear"), values)
    np.testing.assert_allclose(to_linear(values, "srgb"), srgb_to_linear(values.astype(np.float64)), rtol=1e-5)
