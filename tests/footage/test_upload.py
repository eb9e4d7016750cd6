"""Images on their way to a GPU: sent as they are stored, all cameras together, they are what a CPU makes of each."""

import numpy as np
import pytest
import torch

from facesolve.footage import Image
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
