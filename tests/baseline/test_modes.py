"""What the modes learn: shapes where they should move, nothing that the head or the rig can do, and cameras."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from facesolve.baseline.descent import Outcome
from facesolve.baseline.first_order import descend
from facesolve.baseline.learned import LearnedShapes
from facesolve.baseline.method import COMBINED, FREE, PRESETS, Budget
from facesolve.correctives.span import RigSpan
from facesolve.geometry.rig import RigModel
from facesolve.geometry.rotation import rotation_from_tangent
from facesolve.geometry.smooth_fields import cotangent_laplacian
from facesolve.take import SolveError, StartPose, Take
from tests.baseline.filmed import FRAMES
from tests.synthetic import Scene

CPU = torch.device("cpu")
TUNED = PRESETS["tuned"]


def span_of(take: Take, rigid_only: bool) -> RigSpan:
    model = RigModel(take.rig)
    _, area = cotangent_laplacian(model.neutral.double(), model.triangles)
    return RigSpan(model, area, rigid_only)


@pytest.fixture(scope="module")
def freed(take: Take) -> Outcome:
    return descend(take, CPU, replace(TUNED, mode=FREE, shape_count=0), Budget(steps=120))


@pytest.fixture(scope="module")
def combined(take: Take) -> Outcome:
    method = replace(TUNED, mode=COMBINED, shape_count=2, shapes_start=0.3)
    return descend(take, CPU, method, Budget(steps=80))


def test_free_learns_a_shape_a_frame_and_no_control(take: Take, freed: Outcome) -> None:
    assert take.start is not None
    assert freed.shapes.shape == (FRAMES, take.rig.vertex_count, 3)
    assert freed.activations.shape == (FRAMES, FRAMES)
    np.testing.assert_allclose(freed.solution.controls, np.tile(take.start.controls, (FRAMES, 1)), atol=1e-6)
    assert np.linalg.norm(freed.shapes, axis=2).max() > 0.02


def test_free_explains_images_that_a_still_face_does_not(take: Take, freed: Outcome) -> None:
    still = descend(take, CPU, replace(TUNED, mode=FREE, shapes=0.0), Budget(steps=120))
    assert len(still.shapes) == 0
    assert np.nanmean(freed.solution.residual) < 0.93 * np.nanmean(still.solution.residual)


def test_free_shapes_leave_rigid_motion_to_the_head(take: Take, freed: Outcome) -> None:
    assert float(span_of(take, rigid_only=True).share(torch.from_numpy(freed.shapes)).max()) < 1e-4


def test_combined_shapes_leave_to_the_rig_what_it_can_do(take: Take, combined: Outcome) -> None:
    assert take.start is not None
    assert len(combined.shapes) == 2
    assert float(span_of(take, rigid_only=False).share(torch.from_numpy(combined.shapes)).max()) < 1e-4
    assert np.abs(combined.solution.controls - take.start.controls).max() > 0.05


def test_shapes_wait_for_their_start(take: Take) -> None:
    late = replace(TUNED, mode=COMBINED, shapes_start=0.99)
    assert len(descend(take, CPU, late, Budget(steps=20)).shapes) == 0


@pytest.mark.parametrize("mode", [FREE, COMBINED])
def test_only_masked_vertices_move(take: Take, mode: str) -> None:
    mask = (take.rig.neutral[:, 0] > 0).astype(np.float32)
    found = descend(take, CPU, replace(TUNED, mode=mode, shapes_start=0.0), Budget(steps=12), mask=mask)
    moved = np.linalg.norm(found.shapes, axis=2).max(0)
    assert moved[mask == 0].max() == 0
    assert moved[mask > 0].max() > 1e-3


def test_regularizers_smooth_what_is_learned(take: Take) -> None:
    model = RigModel(take.rig)
    laplacian, _ = cotangent_laplacian(model.neutral.double(), model.triangles)

    def roughness(weight: float) -> float:
        method = replace(TUNED, mode=FREE, laplacian=weight, edge_length=0.0, normal_consistency=0.0)
        shapes = torch.from_numpy(descend(take, CPU, method, Budget(steps=25)).shapes)
        gradient = sum(float((shape * (laplacian @ shape)).sum()) for shape in shapes)
        return gradient / float((shapes**2).sum())

    assert roughness(300.0) < 0.8 * roughness(0.0)


def test_a_bumped_camera_is_moved_back(scene: Scene, take: Take) -> None:
    turn = rotation_from_tangent(torch.tensor([[0.004, -0.006, 0.003]], dtype=torch.float64))[0].numpy()
    cameras = list(take.cameras)
    true = cameras[2]
    cameras[2] = replace(true, rotation=turn @ true.rotation, translation=turn @ true.translation)
    truth = scene.truth.at([0])
    start = StartPose(0, truth.controls[0].numpy(), truth.head[0].numpy())
    bumped = replace(
        take, cameras=tuple(cameras), start=start, frames=take.frames[:1], scene_times=take.scene_times[:1]
    )
    # the texture comes from all cameras, so it must be learned anew while the camera moves
    method = replace(
        TUNED,
        camera_rotation=5e-4,
        camera_translation=2e-3,
        texture=1e-2,
        controls=1e-5,
        rotation=1e-6,
        translation=1e-5,
    )
    found = descend(bumped, CPU, method, Budget(steps=120)).cameras
    assert found is not None

    def miss(rotation: np.ndarray, translation: np.ndarray) -> float:
        """Pixels by which the head's middle is seen in the wrong place."""
        points = take.rig.neutral[::20] @ scene.truth.head[0, :3, :3].numpy().T + scene.truth.head[0, :3, 3].numpy()
        seen, right = (
            p @ r.T + t for p, r, t in ((points, rotation, translation), (points, true.rotation, true.translation))
        )
        pixels = [s[:, :2] / s[:, 2:] * true.intrinsics[0, 0] for s in (seen, right)]
        return float(np.linalg.norm(pixels[0] - pixels[1], axis=1).mean())

    before, after = miss(cameras[2].rotation, cameras[2].translation), miss(found[2].rotation, found[2].translation)
    assert before > 1.0
    assert after < 0.5 * before
    np.testing.assert_array_equal(found[0].rotation, take.cameras[0].rotation)
    np.testing.assert_allclose(found[1].rotation @ found[1].rotation.T, np.eye(3), atol=1e-12)


def test_factors_multiply_to_the_displacement() -> None:
    generator = torch.Generator().manual_seed(2)
    learned = LearnedShapes(2, 5, torch.ones(7), None)
    with torch.no_grad():
        for factor in learned.parameters:
            factor += torch.randn(factor.shape, generator=generator)
    shapes, activations = learned.result()
    assert activations.abs().amax(0).tolist() == pytest.approx([1.0, 1.0])
    for frame in range(5):
        torch.testing.assert_close(torch.einsum("j,jvi->vi", activations[frame], shapes), learned.displacement(frame))


def test_knots_spread_over_the_take() -> None:
    learned = LearnedShapes(3, 5, torch.ones(1), None)
    torch.testing.assert_close(
        learned.m1.detach(), torch.tensor([[1, 0.5, 0, 0, 0], [0, 0.5, 1, 0.5, 0], [0, 0, 0, 0.5, 1]])
    )


def test_one_camera_is_not_moved(take: Take) -> None:
    alone = replace(take, cameras=take.cameras[:1], footage=take.footage[:1])
    assert descend(alone, CPU, replace(TUNED, camera_rotation=1e-3), Budget(steps=2)).cameras is None


def test_a_take_without_start_pose_is_refused(take: Take) -> None:
    with pytest.raises(SolveError, match="start pose"):
        descend(replace(take, start=None), CPU, replace(TUNED, mode=FREE), Budget(steps=1))
