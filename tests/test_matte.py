"""The actor told from the background when nobody knows where the actor is."""

from __future__ import annotations

import pytest
import torch

from solver.matte import actor_mask, clean_background_matte, half_chroma

HEIGHT, WIDTH = 120, 90


def scene(background: torch.Tensor, actor: torch.Tensor, skin: tuple[float, float, float]) -> torch.Tensor:
    """(H, W, 3) linear light with a little noise."""
    image = torch.where(actor[..., None], torch.tensor(skin), background)
    return image + 0.002 * torch.randn(HEIGHT, WIDTH, 3, generator=torch.Generator().manual_seed(0))


def places() -> tuple[torch.Tensor, torch.Tensor]:
    """Rows and columns (H, W)."""
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return rows, columns


def luminance(image: torch.Tensor) -> torch.Tensor:
    return image @ torch.tensor([0.2126, 0.7152, 0.0722])


def body() -> torch.Tensor:
    """A head, and shoulders that fill the lower border and a part of the sides."""
    rows, columns = places()
    return ((rows - 50) ** 2 + (columns - 40) ** 2 < 28**2) | (rows > 75)


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_actor_before_an_even_or_sloping_background(slope: float) -> None:
    columns = places()[1]
    even = 0.15 + slope * (columns / WIDTH)[..., None] * torch.tensor([1.0, 0.9, 1.1])
    image = scene(even.expand(HEIGHT, WIDTH, 3), body(), (0.45, 0.3, 0.25))
    found = actor_mask(luminance(image), half_chroma(image), torch.ones(HEIGHT, WIDTH, dtype=torch.bool))
    assert found.alpha is not None
    assert ((found.alpha > 0.5) == body()).float().mean() > 0.97


def test_colour_alone_tells_the_actor() -> None:
    gray = torch.full((HEIGHT, WIDTH, 3), 0.2)
    skin = (0.4, 0.14, 0.205)  # of the same luminance
    image = scene(gray, body(), skin)
    valid = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    assert actor_mask(luminance(image), None, valid).alpha is None
    found = actor_mask(luminance(image), half_chroma(image), valid)
    assert found.alpha is not None
    assert ((found.alpha > 0.5) == body()).float().mean() > 0.97


def test_what_the_camera_did_not_see_is_unknown() -> None:
    image = scene(torch.full((HEIGHT, WIDTH, 3), 0.15), body(), (0.45, 0.3, 0.25))
    valid = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    valid[:, :6] = valid[:8] = False
    image[~valid] = 0
    found = actor_mask(luminance(image), half_chroma(image), valid)
    assert found.alpha is not None
    assert found.alpha[~valid].isnan().all()
    assert ((found.alpha > 0.5) == body())[valid].float().mean() > 0.97


def test_a_cluttered_background_is_refused() -> None:
    generator = torch.Generator().manual_seed(1)
    clutter = (
        torch.rand(HEIGHT // 6, WIDTH // 6, 3, generator=generator).repeat_interleave(6, 0).repeat_interleave(6, 1)
    )
    image = scene(clutter, body(), (0.45, 0.3, 0.25))
    found = actor_mask(luminance(image), half_chroma(image), torch.ones(HEIGHT, WIDTH, dtype=torch.bool))
    assert found.alpha is None
    assert "nothing stands out" in found.refusal


def test_an_empty_stage_is_refused() -> None:
    image = scene(torch.full((HEIGHT, WIDTH, 3), 0.15), torch.zeros(HEIGHT, WIDTH, dtype=torch.bool), (0, 0, 0))
    assert actor_mask(luminance(image), None, torch.ones(HEIGHT, WIDTH, dtype=torch.bool)).alpha is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_sees_the_same_actor() -> None:
    image = scene(torch.full((HEIGHT, WIDTH, 3), 0.15), body(), (0.45, 0.3, 0.25))
    valid = torch.ones(HEIGHT, WIDTH, dtype=torch.bool)
    valid[:, :3] = False
    parts = (luminance(image), half_chroma(image), valid, body().roll(2, 0))
    here, there = clean_background_matte(*parts), clean_background_matte(*(part.cuda() for part in parts))
    assert here.alpha is not None
    assert there.alpha is not None
    torch.testing.assert_close(there.alpha.cpu(), here.alpha, atol=0.01, rtol=0, equal_nan=True)
