"""Local contrast normalization and what it must not see: light, background."""

import pytest
import torch
import torch.nn.functional as F

from facesolve.footage.normalize import blur_by_products, blurred, encoded_luminance, normalize

HEIGHT, WIDTH = 48, 64


def pixel_centers(height=HEIGHT, width=WIDTH):
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    return x.double(), y.double()


def waves(x, y):
    """A smooth image with detail of 8 to 20 pixels."""
    return (
        0.5 + 0.15 * torch.sin(x * 0.55 + y * 0.2) + 0.1 * torch.sin(y * 0.6 - x * 0.15 + 1) + 0.05 * torch.cos(x * 0.3)
    )


def image_and_mask(height=HEIGHT, width=WIDTH):
    x, y = pixel_centers(height, width)
    mask = (((x - width / 2) / (0.35 * width)) ** 2 + ((y - height / 2) / (0.35 * height)) ** 2 < 1).double()
    return waves(x, y)[None], mask[None]


@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_the_background_does_not_leak_over_the_outline(size):
    image, mask = image_and_mask(*size)
    other = torch.where(mask > 0, image, torch.rand(image.shape, dtype=torch.float64, generator=torch.manual_seed(2)))
    first, second = normalize(image, mask), normalize(other, mask)
    torch.testing.assert_close(first[mask > 0], second[mask > 0], atol=1e-9, rtol=0)


@pytest.mark.parametrize(("gain", "bias"), [(2.0, 0.0), (0.5, 0.0), (1.0, 0.3), (0.7, -0.1)])
def test_gain_and_bias_of_the_light_do_not_matter(gain, bias):
    image, mask = image_and_mask()
    plain, lit = normalize(image, mask), normalize(gain * image + bias, mask)
    inside = mask > 0
    # the floor under the contrast is all that may show: a hundredth against a contrast of about a tenth
    torch.testing.assert_close(plain[inside], lit[inside], atol=0.03, rtol=0.03)


def test_values_have_zero_mean_and_unit_deviation():
    image, mask = image_and_mask()
    value = normalize(image, mask)[mask > 0]
    assert abs(float(value.mean())) < 0.1
    assert 0.8 < float(value.std()) < 1.2


def test_an_even_image_is_not_amplified():
    """Noise of a thousandth stays a tenth of the contrast floor."""
    noise = 0.001 * torch.randn(1, HEIGHT, WIDTH, dtype=torch.float64, generator=torch.manual_seed(3))
    assert normalize(0.4 + noise, torch.ones_like(noise)).std() < 0.12


def test_values_are_finite_where_nothing_is_seen():
    image, mask = image_and_mask()
    assert normalize(image, torch.zeros_like(mask)).isfinite().all()


@pytest.mark.parametrize("size", [(47, 63), (48, 63), (47, 64)])
def test_an_odd_size_is_as_good_as_an_even_one(size):
    """The same picture in a frame of even size, whose added row and column are masked out."""
    height, width = size
    image, mask = image_and_mask(*size)
    padding = (0, width % 2, 0, height % 2)
    even = normalize(F.pad(image, padding), F.pad(mask, padding))[:, :height, :width]
    torch.testing.assert_close(normalize(image, mask)[mask > 0], even[mask > 0], atol=0.005, rtol=0)


def test_images_of_a_batch_do_not_mix():
    image, mask = image_and_mask()
    batch = normalize(torch.cat([image, 1 - image.flip(1)]), torch.cat([mask, mask.flip(2)]))
    torch.testing.assert_close(batch[:1], normalize(image, mask))


def test_encoded_luminance_is_the_root_of_rec709():
    color = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.25, 0.25, 0.25], [-0.1, 0, 0]])
    expected = torch.tensor([0.2126, 0.7152, 0.0722, 0.25, 0]).sqrt()
    torch.testing.assert_close(encoded_luminance(color), expected)


@pytest.mark.parametrize("size", [(48, 64), (7, 31), (65, 40)])
def test_the_blur_of_a_gpu_is_that_of_a_cpu(size):
    images = torch.rand(2, 3, *size, dtype=torch.float64, generator=torch.manual_seed(2))
    offsets = torch.arange(-5, 6, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (offsets / 1.6) ** 2)
    torch.testing.assert_close(blur_by_products(images, kernel / kernel.sum()), blurred(images, 1.6))
