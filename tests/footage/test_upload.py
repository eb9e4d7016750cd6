"""Images on their way to a GPU: sent as they are stored, all cameras together, they are what a CPU makes of each."""

import numpy as np
import pytest
import torch

from facesolve.footage import Image
from facesolve.footage.undistort import Undistortion
from facesolve.footage.upload import Uploader, staged
from facesolve.take import Camera

CPU = torch.device("cpu")
SIZES = ((40, 30), (40, 30), (24, 30), (40, 30), (40, 30))


def cameras() -> list[Camera]:
    return [Camera(str(c), w, h, np.diag([90.0, 90, 1]), np.eye(3), np.zeros(3)) for c, (h, w) in enumerate(SIZES)]


def images() -> list[Image | None]:
    """8-bit, 16-bit linear with a hole, another size, a float with a matte and a hole, and none."""
    random = np.random.default_rng(0)
    hole = [np.ones(size, bool) for size in SIZES]
    hole[1][3:9, 5:20] = hole[3][10:14, :4] = False
    return [
        Image(random.integers(0, 256, (*SIZES[0], 3)).astype(np.uint8), hole[0], None, "srgb"),
        Image(random.integers(0, 65536, SIZES[1]).astype(np.uint16), hole[1], None, "linear"),
        Image(random.integers(0, 256, (*SIZES[2], 3)).astype(np.uint8), hole[2], None, "srgb"),
        Image(
            random.random((*SIZES[3], 3)).astype(np.float32),
            hole[3],
            random.random(SIZES[3]).astype(np.float32),
            "linear",
        ),
        None,
    ]


@pytest.mark.parametrize("color", [True, False])
@pytest.mark.parametrize("finest", [0, 1, 2])
def test_sent_as_stored_and_made_linear_there_is_the_same(finest, color):
    upload = Uploader(cameras(), CPU, finest, color)
    sent = upload.gather([None if image is None else staged(image) for image in images()])
    plain = upload.gather([None if image is None else upload.prepare(image) for image in images()])
    for mine, theirs in zip(sent, plain, strict=True):
        for name in ("luminance", "mask", "chroma", "matte"):
            ours, other = getattr(mine, name), getattr(theirs, name)
            assert (ours is None) == (other is None)
            if ours is not None:
                torch.testing.assert_close(ours, other, equal_nan=True, atol=1e-3 if name == "chroma" else 1e-6, rtol=0)
    assert not plain[4].mask.any()
    assert float(plain[1].mask.min()) == 0
    assert plain[3].matte.isnan().any()


def test_images_of_several_kinds_keep_their_places():
    upload = Uploader(cameras(), CPU, 0, False)
    sent = upload.gather([None if image is None else staged(image) for image in images()])
    assert [tuple(pixels.luminance.shape) for pixels in sent] == list(SIZES)
    brightness = [float(pixels.luminance.mean()) for pixels in sent]
    assert brightness[4] == 0
    assert min(brightness[:4]) > 0.2


def seen_through_lenses() -> tuple[list[Camera], list[Image]]:
    """Three images of smooth waves as lenses bend them: 8-bit, 16-bit gray with a hole, and floats."""
    lenses = [np.array([0.25, -0.1, 0.01, 0.0]), np.array([-0.2, 0.0, 0.0, 0.01]), np.array([0.3, 0.0, 0.0, 0.0])]
    middle = np.array([[60.0, 0, 30], [0, 60, 25], [0, 0, 1]])
    seen_by = [Camera(str(c), 60, 50, middle, np.eye(3), np.zeros(3), bent) for c, bent in enumerate(lenses)]
    y, x = np.meshgrid(np.arange(50) / 9, np.arange(60) / 9, indexing="ij")
    waves = np.stack([0.5 + 0.3 * np.sin(x + k) * np.cos(y) for k in range(3)], -1)
    whole = [Undistortion(camera) for camera in seen_by]
    hole = whole[1].valid.copy()
    hole[20:30, 10:20] = False
    return seen_by, [
        Image((255 * waves).astype(np.uint8), whole[0].valid, None, "srgb", whole[0]),
        Image((65535 * waves[..., 0]).astype(np.uint16), hole, None, "linear", whole[1]),
        Image(waves.astype(np.float32), whole[2].valid, None, "linear", whole[2]),
    ]


@pytest.mark.parametrize("finest", [0, 1])
def test_images_are_undistorted_where_they_are_sent_as_on_the_cpu(finest):
    seen_by, bent = seen_through_lenses()
    upload = Uploader(seen_by, CPU, finest, True)
    sent = upload.gather([staged(image) for image in bent])
    plain = upload.gather(bent)
    straight = upload.gather([Image(image.stored, image.valid, None, image.color_space) for image in bent])
    for mine, theirs, other in zip(sent, plain, straight, strict=True):
        seen = theirs.mask > 0.99
        off = (mine.luminance - theirs.luminance).abs()[seen]
        assert off.max() < 4e-3, "the CPU reads at steps of a 32nd of a pixel"
        assert (other.luminance - theirs.luminance).abs()[seen].max() > 10 * off.max()
        torch.testing.assert_close(mine.mask, theirs.mask)
        torch.testing.assert_close(mine.chroma[:, 3:-3, 3:-3], theirs.chroma[:, 3:-3, 3:-3], atol=0.02, rtol=0)
    assert sent[0].mask.data_ptr() == upload.gather([staged(image) for image in bent])[0].mask.data_ptr()


def test_a_lens_that_changes_is_sent_anew():
    seen_by, bent = seen_through_lenses()
    upload = Uploader(seen_by[:1], CPU, 0, False)
    first = upload.gather([staged(bent[0])])[0].luminance
    zoomed = Undistortion(seen_by[2])
    other = upload.gather([staged(Image(bent[0].stored, zoomed.valid, None, "srgb", zoomed))])[0].luminance
    again = upload.gather([staged(bent[0])])[0].luminance
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 0.02
