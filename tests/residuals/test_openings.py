"""How far eyes are open: exact derivatives, a shut lid over an open eye costs, and a closed eye says nothing."""

from functools import cache

import numpy as np
import torch

from facesolve.demo.film import develop
from facesolve.demo.performance import cameras, head_transforms
from facesolve.footage.color import srgb_to_linear
from facesolve.footage.normalize import encoded_luminance
from facesolve.footage.stream import FramePixels
from facesolve.geometry.camera import CameraModel
from facesolve.geometry.eyes import find_eyeballs, find_lids
from facesolve.geometry.pose import Pose
from facesolve.geometry.rig import RigModel
from facesolve.residuals.openings import LidPairs, OpeningReference, Openings
from tests.demo_stage import stage

FRONT = cameras()[:1]
STEP = 1e-5


def head() -> RigModel:
    return stage().model


@cache
def filmed(blink: float) -> FramePixels:
    """The front camera's picture at rest but for both lids."""
    rig = head().rig
    controls = np.zeros(len(rig.controls))
    controls[[rig.control_names.index(name) for name in ("eyeBlink_L", "eyeBlink_R")]] = blink
    image = develop(stage().render(controls, head_transforms(2)[0], FRONT[0]), np.random.default_rng(0))
    luminance = encoded_luminance(torch.from_numpy(srgb_to_linear(image / 255.0)).float())
    return FramePixels((luminance,), (torch.ones_like(luminance),))


def posed(blink: float) -> Pose:
    rig = head().rig
    controls = torch.zeros(1, len(rig.controls), dtype=torch.float64)
    controls[:, [rig.control_names.index(name) for name in ("eyeBlink_L", "eyeBlink_R")]] = blink
    return Pose(controls, torch.from_numpy(head_transforms(2)[:1]))


@cache
def reference() -> OpeningReference:
    pairs = LidPairs.of(head())
    assert pairs is not None
    return OpeningReference.of(head(), pairs, filmed(0.0), lenses(), posed(0.0))


def lenses() -> CameraModel:
    return CameraModel.from_cameras(FRONT, [0])


def shown(blink: float) -> Openings:
    return reference().openings([filmed(blink)], lenses(), posed(0.0).head)


def test_eyeballs_and_lids_are_found_by_shape() -> None:
    rig, triangles = head().rig, head().triangles.numpy()
    left, right = find_eyeballs(rig)
    names = [mesh.name for mesh in rig.meshes for _ in range(mesh.vertex_count)]
    assert {names[v] for v in left.vertices} == {"eye_L"}
    assert {names[v] for v in right.vertices} == {"eye_R"}
    for lids in find_lids(rig, triangles):
        upper, lower = (
            (rig.neutral[triangles[each]] * places[..., None]).sum(1)
            for each, places in ((lids.upper, lids.upper_barycentrics), (lids.lower, lids.lower_barycentrics))
        )
        assert len(upper) >= 7
        assert ((upper - lower)[:, 1] > 0.1).all()
        assert 0.8 < (upper - lower)[:, 1].max() < 1.1


def test_gaps_have_exact_derivatives() -> None:
    model = RigModel(head().rig, dtype=torch.float64)
    pairs = LidPairs.of(model)
    assert pairs is not None
    camera = CameraModel.from_cameras(FRONT, [0], dtype=torch.float64)
    along = torch.rand(1, 1, len(pairs.upward), 2, dtype=torch.float64, generator=torch.manual_seed(0))
    nothing = torch.zeros(1, 1, len(pairs.upward), dtype=torch.float64)
    openings, pose = Openings(pairs, camera, along, nothing, nothing, nothing), posed(0.3)
    count = pose.controls.shape[1]
    _, J = openings.gaps(model, pose)
    slopes = model.deformation(pose.controls).J_unknown_control[0]
    J = torch.cat([J[0, 0, :, :-6] @ slopes, J[0, 0, :, -6:]], 1)
    for unknown in (0, count - 8, count - 1, *range(count, count + 6)):
        step = torch.zeros(1, count + 6, dtype=torch.float64)
        step[0, unknown] = STEP
        ahead, behind = (openings.gaps(model, pose.stepped(sign * step))[0][0, 0] for sign in (1, -1))
        torch.testing.assert_close(J[:, unknown], (ahead - behind) / (2 * STEP), rtol=1e-5, atol=1e-7)


def test_a_shut_lid_over_an_open_eye_is_pulled_up_and_an_open_one_left_alone() -> None:
    blink = head().rig.control_names.index("eyeBlink_L")
    openings = shown(0.0)
    frames = torch.zeros(1, dtype=torch.int64)
    shut, right = (openings.quadratic(Model(), frames, posed(amount)) for amount in (0.9, 0.0))
    assert float(shut.cost) > 20
    assert float(shut.b[0, blink] / shut.A[0, blink, blink]) < -0.3, "a step that opens"
    assert float(right.cost) < 0.5


def test_an_eye_that_closes_a_little_is_followed() -> None:
    model = head()
    openings = shown(0.15)
    clear = (openings.weight[0, 0] > 0) & (openings.most == openings.least)[0, 0]
    gap, _ = openings.gaps(model, posed(0.15))
    assert clear.sum() >= 4
    assert float((gap[0, 0] - openings.most[0, 0])[clear].abs().mean()) < 0.1


def test_an_open_lid_over_a_closed_eye_is_pulled_down_and_nearly_shut_ones_are_left_alone() -> None:
    blink = head().rig.control_names.index("eyeBlink_L")
    openings = shown(1.0)
    frames = torch.zeros(1, dtype=torch.int64)
    wide, nearly, shut = (openings.quadratic(Model(), frames, posed(amount)) for amount in (0.0, 0.8, 1.0))
    assert float(wide.cost) > 5
    assert float(wide.b[0, blink] / wide.A[0, blink, blink]) > 0.2, "a step that closes"
    assert float(nearly.cost) == float(shut.cost) == 0


class Model:
    """Of what a residual may look at only the rig."""

    @property
    def model(self) -> RigModel:
        return head()
