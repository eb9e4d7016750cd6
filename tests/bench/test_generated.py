"""The benchmark's take: its images reach a solve from memory."""

import numpy as np
import torch

from facesolve.footage.stream import TakeFootage
from tests.bench.generated import film


def test_images_are_read_from_memory() -> None:
    filmed = film(2, torch.device("cpu"), width=48, height=64, cameras=2)
    with filmed.in_memory(), TakeFootage(filmed.take, torch.device("cpu")) as footage:
        frames = dict(footage.frames(range(2), color=False))
    assert len(frames) == 2
    assert [image.shape for image in frames[1].luminance] == [(64, 48)] * 2
    assert not np.array_equal(frames[0].luminance[0].numpy(), frames[1].luminance[0].numpy())
