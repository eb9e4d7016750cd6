"""Textures go to files under Mari's tile numbers and come back; bad files end in one sentence."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from facesolve.footage import srgb_to_linear
from facesolve.render import Texture, texture_files
from facesolve.render.texture_files import read_texture, udim_number, write_texture
from facesolve.take import TakeError

TILES = {(0, 0): 1001, (9, 0): 1010, (0, 1): 1011, (3, 2): 1024}


def picture(seed: int, height: int = 6, width: int = 6) -> Tensor:
    return torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed))


def finest(texture: Texture, tile: tuple[int, int]) -> Tensor:
    return texture.pyramids[tile][0][0].permute(1, 2, 0)


@pytest.mark.parametrize(("tile", "number"), TILES.items())
def test_tiles_are_numbered_as_mari_does(tile: tuple[int, int], number: int) -> None:
    assert udim_number(tile) == number


def test_tiles_come_back_from_their_files(tmp_path: Path) -> None:
    tiles = {tile: picture(number) for tile, number in TILES.items()}
    files = write_texture(Texture.from_tiles(tiles), tmp_path)
    assert [file.name for file in files] == [f"texture.{number}.png" for number in sorted(TILES.values())]
    assert sorted(tmp_path.iterdir()) == files
    texture = read_texture(tmp_path / "texture.<UDIM>.png")
    assert set(texture.pyramids) == set(tiles)
    for tile, image in tiles.items():
        torch.testing.assert_close(finest(texture, tile), image, atol=0.006, rtol=0)


def test_the_file_is_upright_rgb_and_srgb(tmp_path: Path) -> None:
    image = torch.zeros(4, 4, 3)
    image[0, :, 0] = 0.5  # the top row is red
    (file,) = write_texture(Texture.from_tiles({(0, 0): image}), tmp_path)
    stored = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
    assert stored[0, 0].tolist() == [0, 0, 188]  # 0.5 in linear light, BGR
    assert not stored[1:].any()


def test_light_beyond_the_range_is_clipped(tmp_path: Path) -> None:
    (file,) = write_texture(Texture.from_tiles({(0, 0): torch.tensor([[[-0.5, 3.0, 1.0]]])}), tmp_path)
    assert cv2.imread(str(file)).reshape(-1).tolist() == [255, 255, 0]


def test_a_plain_image_of_16_bits_and_a_gray_one_are_tile_0(tmp_path: Path) -> None:
    fine = np.array([[[1000, 30000, 60000]]], np.uint16)  # BGR
    assert cv2.imwrite(str(tmp_path / "fine.png"), fine)
    expected = srgb_to_linear(fine[0, 0, ::-1] / 65535.0)
    color = finest(read_texture(tmp_path / "fine.png"), (0, 0))[0, 0]
    np.testing.assert_allclose(color.numpy(), expected, atol=1e-6)
    assert cv2.imwrite(str(tmp_path / "gray.png"), np.full((2, 3), 188, np.uint8))
    gray = finest(read_texture(str(tmp_path / "gray.png")), (0, 0))
    assert gray.shape == (2, 3, 3)
    torch.testing.assert_close(gray, torch.full((2, 3, 3), 0.503), atol=1e-3, rtol=0)


def test_large_images_are_made_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture_files, "MOST_TEXELS", 8)
    assert cv2.imwrite(str(tmp_path / "large.png"), np.full((16, 32, 3), 188, np.uint8))
    image = finest(read_texture(tmp_path / "large.png"), (0, 0))
    assert image.shape == (4, 8, 3)
    torch.testing.assert_close(image, torch.full((4, 8, 3), 0.503), atol=1e-3, rtol=0)


def test_only_files_of_the_pattern_are_read(tmp_path: Path) -> None:
    write_texture(Texture.from_tiles({(0, 0): picture(0), (1, 0): picture(1)}), tmp_path)
    for name in ("texture.1003.png.part", "texture.0999.png", "texture.10010.png", "other.1004.png"):
        (tmp_path / name).write_bytes(b"not an image")
    assert set(read_texture(tmp_path / "texture.<UDIM>.png").pyramids) == {(0, 0), (1, 0)}


def test_bad_files_end_in_one_sentence(tmp_path: Path) -> None:
    (file,) = write_texture(Texture.from_tiles({(0, 0): picture(0, 64, 64)}), tmp_path)
    file.write_bytes(file.read_bytes()[:500])
    (tmp_path / "text.png").write_text("hello, this is text")
    for name, says in (
        ("texture.<UDIM>.png", "truncated"),
        ("texture.1001.png", "truncated"),
        ("text.png", "not a JPEG"),
        ("absent.png", "does not exist"),
        ("absent.<UDIM>.png", "no file matches"),
        ("no_folder/absent.<UDIM>.png", "no file matches"),
    ):
        with pytest.raises(TakeError, match=says) as raised:
            read_texture(tmp_path / name)
        assert str(raised.value).startswith("texture: ")
        assert "\n" not in str(raised.value)
