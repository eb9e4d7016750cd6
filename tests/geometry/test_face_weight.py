"""Which surface drives a solve when nobody painted it: skin that expressions move, seams or not."""

from dataclasses import replace

import numpy as np

from facesolve.geometry.face_weight import connected_pieces, photometric_weight, share_with_a_say
from facesolve.take import Rig
from tests.stages.test_jointed_rig import jointed_head
from tests.synthetic import head_rig, with_ball


def unpainted(rig: Rig) -> Rig:
    return replace(rig, photometric_weight=None)


def sheet(shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A square of 12 x 12 cm in quads: vertices and faces."""
    y, x = np.mgrid[:13, :13].astype(float)
    first = (np.arange(12)[:, None] * 13 + np.arange(12)).ravel()
    faces = np.stack([first, first + 1, first + 14, first + 13], 1)
    return np.stack([x + shift, y, 0 * x], -1).reshape(-1, 3), faces


def rig_of(neutral: np.ndarray, faces: np.ndarray, deltas: np.ndarray) -> Rig:
    names = [f"shape{k}" for k in range(len(deltas))]
    return Rig.from_dense(neutral, deltas, names, np.full(len(faces), 4), faces.ravel())


def pushes(neutral: np.ndarray, *centers: tuple[float, float]) -> np.ndarray:
    """Shapes that push up to 1 cm out around centers, 2 cm wide."""
    distance = [np.linalg.norm(neutral[:, :2] - center, axis=1) for center in centers]
    return np.stack([np.exp(-((d / 2) ** 2))[:, None] * np.array([0.0, 0.0, 1.0]) for d in distance])


def test_skin_that_expressions_move_drives_and_the_rest_does_not() -> None:
    neutral, faces = sheet()
    weight = photometric_weight(rig_of(neutral, faces, pushes(neutral, (2, 2), (2, 6))))
    assert weight[np.linalg.norm(neutral[:, :2] - (2, 2), axis=1) < 1.5].min() == 1
    assert weight[neutral[:, 0] > 8].max() == 0


def test_a_control_of_the_whole_head_is_no_expression() -> None:
    neutral, faces = sheet()
    local = pushes(neutral, (2, 2), (2, 6))
    turn = np.full((1, *neutral.shape), 5.0)
    both = photometric_weight(rig_of(neutral, faces, np.concatenate([local, turn])))
    np.testing.assert_array_equal(both, photometric_weight(rig_of(neutral, faces, local)))


def test_where_no_expression_moves_anything_all_skin_drives() -> None:
    neutral, faces = sheet()
    assert photometric_weight(rig_of(neutral, faces, np.full((1, *neutral.shape), 1.0))).min() == 1


def test_a_mesh_cut_along_a_seam_is_one_piece() -> None:
    (left, faces), (right, _) = sheet(), sheet(12.0)
    neutral, both = np.concatenate([left, right]), np.concatenate([faces, faces + len(left)])
    rig = rig_of(neutral, both, pushes(neutral, (11, 6), (13, 6)))
    assert len(set(connected_pieces(rig))) == 1
    weight = photometric_weight(rig)
    assert weight[: len(left)].max() == 1
    assert weight[len(left) :].max() == 1


def test_eyeballs_only_occlude() -> None:
    rig = unpainted(with_ball(head_rig()))
    skin = head_rig().vertex_count
    weight = photometric_weight(rig)
    assert weight[:skin].max() == 1
    assert not weight[skin:].any()


def test_a_painted_weight_wins() -> None:
    own = np.linspace(0, 1, with_ball(head_rig()).vertex_count, dtype=np.float32)
    assert np.array_equal(photometric_weight(replace(with_ball(head_rig()), photometric_weight=own)), own)


def test_pieces_of_shuffled_strips() -> None:
    """Three strips of quads, vertices in any order, one of them a single triangle."""
    rng = np.random.default_rng(0)
    strips = [np.arange(2 * n).reshape(n, 2) for n in (40, 9)]
    faces = [np.concatenate([s[i], s[i + 1][::-1]]) for s in (strips[0], strips[1] + 80) for i in range(len(s) - 1)]
    faces.append(np.array([98, 99, 100]))
    order = rng.permutation(101)
    rig = Rig.from_dense(
        rng.normal(size=(101, 3)),
        np.zeros((1, 101, 3)),
        ["none"],
        np.array([len(face) for face in faces]),
        order[np.concatenate(faces)],
    )
    piece = connected_pieces(rig)
    assert [len(set(piece[order[part]])) for part in (slice(0, 80), slice(80, 98), slice(98, 101))] == [1, 1, 1]
    assert len(set(piece)) == 3


def test_vertices_without_polygons_are_pieces_of_their_own() -> None:
    neutral, faces = sheet()
    lonely = np.concatenate([neutral, [[9.0, 9.0, 9.0]]])
    rig = rig_of(lonely, faces, np.zeros((1, *lonely.shape)))
    piece = connected_pieces(rig)
    assert len(set(piece)) == 2
    assert photometric_weight(rig)[-1] == 0


def test_the_share_of_what_expressions_move_that_drives_is_told() -> None:
    neutral, faces = sheet()
    face = rig_of(neutral, faces, pushes(neutral, (2, 2), (2, 6)))
    assert share_with_a_say(face) == 1
    half = np.where(neutral[:, 1] < 4, 1, 0).astype(np.float32)
    assert 0.3 < share_with_a_say(replace(face, photometric_weight=half)) < 0.7


def test_a_face_smaller_than_the_body_beside_it_is_missed_by_the_default() -> None:
    (neutral, faces), (body, _) = sheet(), sheet(50.0)
    body = body * 3
    deltas = np.concatenate([pushes(neutral, (2, 2), (2, 6)), np.zeros((2, len(body), 3))], 1)
    rig = rig_of(np.concatenate([neutral, body]), np.concatenate([faces, faces + len(neutral)]), deltas)
    assert share_with_a_say(rig) < 0.01


def test_eyeballs_that_a_joint_turns_have_a_say() -> None:
    rig = unpainted(jointed_head())
    ball = np.arange(rig.vertex_count) >= head_rig().vertex_count
    weight = photometric_weight(rig)
    assert (weight[ball] == 1).mean() > 0.9  # but for what lies on its axes
    assert 0.05 < weight[~ball].mean() < 0.9
