"""Footage in color spaces of OpenColorIO, against published values of their curves; names that nobody knows."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.footage.ocio import check_color_space, color_space_of, to_named_linear
from facesolve.footage.reader import open_footage
from facesolve.jobs.pack import checked_color_space
from facesolve.take import Camera, Footage, FootageError

pytest.importorskip("PyOpenColorIO", reason='needs OpenColorIO: pip install "facesolve[color]"')

CONFIG = """ocio_profile_version: 2
strictparsing: false
roles: {default: raw, scene_linear: ours, aces_interchange: aces, cie_xyz_d65_interchange: xyz}
file_rules:
  - !<Rule> {name: plates, colorspace: ours, pattern: "*plate*", extension: "*"}
  - !<Rule> {name: Default, colorspace: raw}
displays: {sRGB: [!<View> {name: Raw, colorspace: raw}]}
colorspaces:
  - !<ColorSpace> {name: raw, isdata: true}
  - !<ColorSpace> {name: aces}
  - !<ColorSpace>
    name: xyz
    from_scene_reference: !<BuiltinTransform> {style: "UTILITY - ACES-AP0_to_CIE-XYZ-D65_BFD"}
  - !<ColorSpace>
    name: ours
    to_scene_reference: !<MatrixTransform> {matrix: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]}
"""


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch):
    monkeypatch.delenv("OCIO", raising=False)


@pytest.mark.parametrize(
    ("name", "gray"),  # what 18 % gray is stored as: SMPTE ST 2065-4 and S-2016-001, ARRI's LogC3 for EI 800, sRGB
    [
        ("ACEScct", 0.4135884),
        ("ARRI LogC3 (EI800)", 0.391007),
        ("ACEScg", 0.18),
        ("sRGB Encoded Rec.709 (sRGB)", 0.46136),
    ],
)
def test_gray_is_gray_in_every_color_space(name, gray):
    for stored in (np.full((2, 3, 3), gray, np.float32), np.full((2, 3), round(gray * 65535), np.uint16)):
        np.testing.assert_allclose(to_named_linear(stored, name), np.full((2, 3, 3), 0.18), atol=2e-4)


def test_images_are_read_in_the_color_space_of_their_footage(tmp_path):
    stored = np.full((4, 6, 3), round(0.4135884 * 65535), np.uint16)
    cv2.imwrite(str(tmp_path / "a_1.png"), stored)
    camera = Camera("a", 6, 4, np.array([[9.0, 0, 3], [0, 9, 2], [0, 0, 1]]), np.eye(3), np.zeros(3))
    source = Footage("a", str(tmp_path / "a_{frame}.png"), color_space="ACEScct")
    np.testing.assert_allclose(open_footage(source, camera).read(1).pixels, 0.18, atol=2e-4)
    unknown = Footage("a", source.path, color_space="ACESzz")
    with pytest.raises(FootageError, match=r"camera 'a', frame 1: .* in 'ACESzz' color space: there is no 'ACESzz'"):
        open_footage(unknown, camera).read(1)


def test_unknown_names_are_answered_with_near_ones():
    with pytest.raises(FootageError, match=r"there is no 'LogC4' in OpenColorIO's ACES configuration; .*ARRI LogC4"):
        check_color_space("LogC4")
    with pytest.raises(FootageError, match="set OCIO to it"):
        color_space_of("a.exr")


def test_a_configuration_of_the_studio_and_its_file_rules(tmp_path: Path, monkeypatch):
    (tmp_path / "config.ocio").write_text(CONFIG, encoding="utf-8")
    monkeypatch.setenv("OCIO", str(tmp_path / "config.ocio"))
    assert checked_color_space("ocio", "shot/plate_0001.exr") == "ours"
    np.testing.assert_allclose(to_named_linear(np.full((1, 1, 3), 0.2, np.float32), "ours"), 0.4, atol=1e-5)
    (tmp_path / "broken.ocio").write_text("ocio_profile_version: none", encoding="utf-8")
    monkeypatch.setenv("OCIO", str(tmp_path / "broken.ocio"))
    with pytest.raises(FootageError, match="is no OpenColorIO configuration"):
        checked_color_space("ours", "a.exr")


def test_openexr_is_linear_unless_another_color_space_is_named():
    assert [checked_color_space("auto", path) for path in ("a_{frame}.exr", "a.mov")] == ["linear", "srgb"]
    assert checked_color_space("srgb", "a_{frame}.exr") == "srgb"
