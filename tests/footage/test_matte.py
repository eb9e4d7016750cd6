"""The actor told from the background, when nobody knows where the actor is and when the rig tells, of many at once."""

from __future__ import annotations

import pytest
import torch

from facesolve.footage.matte import Matte, actor_mask, clean_background_mattes, half_chroma

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


def test_color_alone_tells_the_actor() -> None:
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
    assert "no single region stands out" in found.refusal


def test_an_empty_stage_is_refused() -> None:
    image = scene(torch.full((HEIGHT, WIDTH, 3), 0.15), torch.zeros(HEIGHT, WIDTH, dtype=torch.bool), (0, 0, 0))
    assert actor_mask(luminance(image), None, torch.ones(HEIGHT, WIDTH, dtype=torch.bool)).alpha is None


def lone(luminance: torch.Tensor, chroma: torch.Tensor | None, mask: torch.Tensor, coverage: torch.Tensor) -> Matte:
    """The matte of one image."""
    color = None if chroma is None else chroma[None]
    (found,) = clean_background_mattes(luminance[None], color, mask[None], coverage[None])
    return found


def stages() -> dict[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor, str]]:
    """By name an image (H, W, 3), what of it the camera saw (H, W), where the rig is predicted, and the refusal."""
    rows, columns = places()
    even, skin, everywhere = torch.full((HEIGHT, WIDTH, 3), 0.15), (0.45, 0.3, 0.25), torch.ones(HEIGHT, WIDTH)
    head = (rows - 55) ** 2 + (columns - 45) ** 2 < 25**2
    hair = head | ((rows - 25) ** 2 + (columns - 45) ** 2 < 20**2)
    speck = head | ((rows > 112) & (columns > 80))
    lamp = head | ((rows > 90) & (columns > 68))
    texture = 0.5 * torch.rand(HEIGHT, WIDTH, 1, generator=torch.Generator().manual_seed(2))
    edge = (columns > 3).float()
    return {
        "a head": (scene(even, head, skin), everywhere, head, ""),
        "the rig beside it": (scene(even, head, skin), everywhere, head.roll(2, 1), ""),
        "hair": (scene(even, hair, skin), everywhere, head, ""),
        "a speck": (scene(even, speck, skin), everywhere, head, ""),
        "an edge that was not seen": (scene(even, head, skin) * edge[..., None], edge, head, ""),
        "nothing": (torch.zeros(HEIGHT, WIDTH, 3), torch.zeros(HEIGHT, WIDTH), head, "missing or empty"),
        "half of every pixel": (scene(even, head, skin), 0.5 * everywhere, head, "too little"),
        "no background": (scene(even, head, skin), everywhere, everywhere > 0, "too little"),
        "a texture": (scene(texture.expand(-1, -1, 3), head, skin), everywhere, head, "not uniform"),
        "a lamp": (scene(even, lamp, skin), everywhere, head, "not clean"),
        "a lamp and no head": (scene(even, lamp & ~head, skin), everywhere, head, "not clean"),
        "no head": (scene(even, head & (rows < 0), skin), everywhere, head, "separated from"),
    }


@pytest.mark.parametrize("name", stages())
@pytest.mark.parametrize("color", [True, False])
def test_background_that_is_refused_and_why(name: str, color: bool) -> None:
    image, mask, coverage, refusal = stages()[name]
    found = lone(luminance(image), half_chroma(image) if color else None, mask, coverage)
    assert bool(found.refusal) == (found.alpha is None) == bool(refusal)
    assert refusal in found.refusal


@pytest.mark.parametrize("color", [True, False])
def test_many_images_give_what_each_gives_alone(color: bool) -> None:
    images, masks, coverages, _ = zip(*stages().values(), strict=True)
    chromas = [half_chroma(image) for image in images]
    luminances = [luminance(image) for image in images]
    parts = (torch.stack(luminances), torch.stack(chromas) if color else None, torch.stack(masks))
    together = clean_background_mattes(*parts, torch.stack(coverages))
    for i, found in enumerate(together):
        alone = lone(luminances[i], chromas[i] if color else None, masks[i], coverages[i])
        assert found.refusal == alone.refusal
        assert (found.alpha is None) == (alone.alpha is None)
        if found.alpha is not None:
            torch.testing.assert_close(found.alpha, alone.alpha, equal_nan=True)


def test_background_is_learned_from_pixels_spread_over_all_that_each_image_shows_of_it() -> None:
    """In images so large that not every pixel is needed, of which one shows three times as much of it as the other."""
    height, width = 150, 240
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    head = (rows - 75) ** 2 + (columns - 50) ** 2 < 30**2
    slope = 0.1 + 0.1 * (columns / width) ** 2 + 0.05 * (rows / height)
    noise = 0.01 * torch.randn(2, height, width, generator=torch.Generator().manual_seed(3))
    images = torch.where(head, 0.5, slope) + noise
    masks = torch.stack([columns < width, columns < 110]).float()
    together = clean_background_mattes(images, None, masks, torch.stack([head, head]))
    for i, found in enumerate(together):
        alone = lone(images[i], None, masks[i], head)
        assert found.alpha is not None
        torch.testing.assert_close(found.alpha, alone.alpha, equal_nan=True)
        assert found.alpha[masks[i] > 0][~head[masks[i] > 0]].mean() < 0.02
        assert float((found.alpha > 0.5).float()[head].mean()) > 0.99


def test_all_of_many_images_may_be_refused() -> None:
    blank = torch.zeros(3, HEIGHT, WIDTH)
    assert [bool(found.refusal) for found in clean_background_mattes(blank, None, blank, blank > 0)] == [True] * 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_sees_the_same_actors() -> None:
    images, masks, coverages, _ = zip(*stages().values(), strict=True)
    luminances, chromas = [luminance(image) for image in images], [half_chroma(image) for image in images]
    parts = tuple(torch.stack(part) for part in (luminances, chromas, masks, coverages))
    for here, there in zip(
        clean_background_mattes(*parts), clean_background_mattes(*(part.cuda() for part in parts)), strict=True
    ):
        assert here.refusal == there.refusal
        if here.alpha is not None:
            assert there.alpha is not None
            torch.testing.assert_close(there.alpha.cpu(), here.alpha, atol=0.01, rtol=0, equal_nan=True)
