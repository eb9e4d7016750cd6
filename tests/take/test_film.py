"""Maya's film back and world matrix against numbers that Maya's own projection gave."""

from __future__ import annotations

import gzip
import json
import re

import numpy as np
import pytest

from facesolve.take import TakeError
from facesolve.take.film import (
    FILM_FITS,
    FilmBack,
    extrinsics_from_maya_world_matrix,
    film_back_from_intrinsics,
    intrinsics_from_film_back,
    maya_world_matrix_from_extrinsics,
    visible_film,
)

FULL_FRAME = FilmBack(35.0, 36.0 / 25.4, 24.0 / 25.4)


def maya_matrix(translate, rotate, order="xyz") -> np.ndarray:
    """Maya's world matrix (row vectors) of a transform: degrees, rotations applied in ``order``."""
    matrix = np.eye(4)
    for axis in order:
        i = "xyz".index(axis)
        j, k = (i + 1) % 3, (i + 2) % 3
        angle = np.radians(rotate[i])
        turn = np.eye(4)
        turn[j, j] = turn[k, k] = np.cos(angle)
        turn[j, k], turn[k, j] = np.sin(angle), -np.sin(angle)
        matrix = matrix @ turn
    matrix[3, :3] = translate
    return matrix


def marker_position(film_back, width, height, world_matrix, point) -> np.ndarray:
    """Where a world point is seen, -0.5..0.5 across the image, y up: mmSolver's marker coordinates."""
    rotation, translation = extrinsics_from_maya_world_matrix(world_matrix)
    u, v, w = intrinsics_from_film_back(film_back, width, height) @ (rotation @ point + translation)
    assert w > 0
    return np.array([u / w / width - 0.5, 0.5 - v / w / height])


def test_projection_diagonal_equals_mayas():
    intrinsics = intrinsics_from_film_back(FULL_FRAME, 2048, 1556)
    np.testing.assert_allclose(2 * intrinsics[0, 0] / 2048, 1.94445, atol=1e-5)
    np.testing.assert_allclose(2 * intrinsics[1, 1] / 1556, 2.55927, atol=2e-5)


def test_point_lands_where_maya_puts_it():
    """Numbers from mmSolver's reprojection tests; two rotate orders."""
    world_matrix = maya_matrix((-2, 2, 5), (10, -10, -10))
    actual = marker_position(FULL_FRAME, 2048, 1556, world_matrix, np.array([-0.5, 2.7, 0]))
    np.testing.assert_allclose(actual, (0.0865145, 0.0096300), atol=1e-5)
    world_matrix = maya_matrix((0, 5, 10), (-10, 0, 0), "zxy")
    actual = marker_position(FULL_FRAME, 2048, 1556, world_matrix, np.array([-4.829629, 0, -8.705905]))
    np.testing.assert_allclose(actual, (-0.243416, -0.111167), atol=1e-5)


@pytest.mark.parametrize("size", [(2048, 1556), (800, 1200), (1500, 1000)])
def test_fits_show_the_film_they_promise(size):
    width, height = size
    film = {
        fit: visible_film(FilmBack(35, 1.5, 1.0, fit=fit), width, height)
        for fit in ("fill", "horizontal", "vertical", "overscan")
    }
    assert film["horizontal"][0] == 1.5
    assert film["vertical"][1] == 1.0
    assert film["fill"] == min(film["horizontal"], film["vertical"])
    assert film["overscan"] == max(film["horizontal"], film["vertical"])
    for visible_width, visible_height in film.values():
        assert visible_width / visible_height == pytest.approx(width / height)


def test_film_offset_is_a_length_on_the_film_whatever_the_fit():
    for fit in FILM_FITS:
        film_back = FilmBack(50, 1.0, 1.5, 0.1, -0.2, fit)
        visible = visible_film(film_back, 640, 480)
        intrinsics = intrinsics_from_film_back(film_back, 640, 480)
        np.testing.assert_allclose((0.5 - intrinsics[0, 2] / 640) * visible[0], 0.1)
        np.testing.assert_allclose((intrinsics[1, 2] / 480 - 0.5) * visible[1], -0.2)


def test_film_back_survives_the_round_trip():
    intrinsics = np.array([[1700.0, 0, 930.5], [0, 1650.0, 510.25], [0, 0, 1]])
    film_back = film_back_from_intrinsics(intrinsics, 1920, 1080, horizontal_aperture=1.2)
    assert film_back.horizontal_aperture == 1.2
    np.testing.assert_allclose(intrinsics_from_film_back(film_back, 1920, 1080), intrinsics, rtol=1e-12)


def test_skewed_intrinsics_are_refused():
    with pytest.raises(TakeError, match="skew"):
        film_back_from_intrinsics(np.array([[1700.0, 3, 930], [0, 1700, 510], [0, 0, 1]]), 1920, 1080)


def test_film_backs_without_meaning_are_refused():
    with pytest.raises(TakeError, match="fit 'stretch'"):
        FilmBack(35, 1.5, 1.0, fit="stretch")
    with pytest.raises(TakeError, match="focal length is 0"):
        FilmBack(0, 1.5, 1.0)


def test_world_matrix_survives_the_round_trip():
    world_matrix = np.stack([maya_matrix((1, -2, 30), (10, 20, 30)), maya_matrix((0, 5, 1), (-80, 170, 3))])
    rotation, translation = extrinsics_from_maya_world_matrix(world_matrix)
    np.testing.assert_allclose(maya_world_matrix_from_extrinsics(rotation, translation), world_matrix, atol=1e-12)


def test_camera_at_rest_looks_down_minus_z_with_y_up():
    rotation, translation = extrinsics_from_maya_world_matrix(maya_matrix((1, 2, 3), (0, 0, 0)))
    np.testing.assert_allclose(rotation @ (1, 3, -7) + translation, (0, -1, 10))


def test_scale_of_parents_is_stripped_and_bad_matrices_refused():
    world_matrix = maya_matrix((1, 2, 3), (10, 20, 30))
    scaled = np.diag((2.0, 3.0, 0.5, 1.0)) @ world_matrix
    for expected, actual in zip(
        extrinsics_from_maya_world_matrix(world_matrix), extrinsics_from_maya_world_matrix(scaled)
    ):
        np.testing.assert_allclose(actual, expected, atol=1e-12)
    with pytest.raises(TakeError, match="mirrored"):
        extrinsics_from_maya_world_matrix(np.diag((-1.0, 1, 1, 1)) @ world_matrix)
    with pytest.raises(TakeError, match="sheared"):
        extrinsics_from_maya_world_matrix(world_matrix @ np.diag((1.0, 2, 1, 1)))
    with pytest.raises(TakeError, match="translation in the last row"):
        extrinsics_from_maya_world_matrix(world_matrix.T)


def test_ict_scene_cameras_equal_the_calibration(facesolve_data):
    folder = facesolve_data / "ict_rom"
    calibration = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
    text = gzip.decompress((folder / "scene.ma.gz").read_bytes()).decode("utf-8")
    for name, record in calibration.items():
        node = text.split(f'createNode camera -n "{name}Shape"')[1].split("createNode")[0]
        values = {
            attribute: [float(x) for x in numbers.split()]
            for attribute, numbers in re.findall(r'setAttr "\.(fl|cap|fio|ff)"(?: -type "double2")? ([^;]+);', node)
        }
        film_back = FilmBack(*values["fl"], *values["cap"], *values["fio"], fit=FILM_FITS[int(values["ff"][0])])
        intrinsics = intrinsics_from_film_back(film_back, record["width"], record["height"])
        np.testing.assert_allclose(intrinsics, record["intrinsic"], atol=2e-3, err_msg=name)


def maya_keys(text: str, curve: str) -> dict[float, float]:
    """Key values by frame of an animation curve of a Maya ASCII scene."""
    node = text.split(f' -n "{curve}";')[1].split("createNode")[0]
    numbers = [float(x) for x in re.search(r'"\.ktv\[[^]]*\]"([^;]*);', node)[1].split()]
    assert len(numbers) % 2 == 0
    return dict(zip(numbers[::2], numbers[1::2]))


@pytest.mark.parametrize(("order", "median"), [("zxy", 0.81), ("xyz", 1.74), ("yxz", 12.1)])
def test_a_really_tracked_camera_sees_its_markers(facesolve_data, order, median):
    """Median distance, pixels, between seen and tracked markers of a matchmove; wrong rotate orders are worse."""
    text = (facesolve_data / "maya" / "mmsolver_stA.ma").read_text(encoding="utf-8")
    motion = {
        f"{name}{axis}": maya_keys(text, f"stA_1_1_{name}{axis}") for name in ("translate", "rotate") for axis in "XYZ"
    }
    focal_length = maya_keys(text, "stA_1_1Shape1_focalLength")
    errors = []
    for number in range(1, 15):
        bundle = text.split(f'createNode transform -n "bundle_{number:02d}_BND"')[1]
        point = np.array(re.search(r'"\.t" -type "double3" ([^;]+);', bundle)[1].split(), np.float64)
        marker = {
            name: maya_keys(text, f"marker_{number:02d}_MKR_{name}") for name in ("translateX", "translateY", "enable")
        }
        for frame, x in marker["translateX"].items():
            if not marker["enable"].get(frame, 1):
                continue
            film_back = FilmBack(focal_length[frame], 0.87582530444564, 0.58267716535433101, fit="overscan")
            translate, rotate = ([motion[f"{name}{axis}"][frame] for axis in "XYZ"] for name in ("translate", "rotate"))
            seen = marker_position(film_back, 1936, 1288, maya_matrix(translate, rotate, order), point)
            errors.append(np.hypot(*((seen - (x, marker["translateY"][frame])) * (1936, 1288))))
    assert len(errors) == 1006
    assert np.median(errors) == pytest.approx(median, rel=0.01)
