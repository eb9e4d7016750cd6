"""Rig evaluation: Maya's own meshes, the dense reference, and every Jacobian against finite differences."""

import re

import numpy as np
import pytest
import torch

from facesolve.geometry.piecewise_linear import PiecewiseLinear
from facesolve.geometry.rig import RigModel
from facesolve.take import Combination, Control, Driver, Mesh, Rig, Shape, SolveError, TakeError, Target
from facesolve.take.rig_evaluation import RigEvaluator

TETRAHEDRON = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
TETRAHEDRON_FACES = np.array([0, 2, 1, 0, 1, 3, 0, 3, 2, 1, 2, 3])


def random_shape(seed: int, weight: float = 1.0) -> Shape:
    return Shape.from_dense(np.random.default_rng(seed).normal(size=(4, 3)).astype(np.float32), weight)


def tetrahedron_rig(targets, drivers, control_count, combinations=()) -> Rig:
    return Rig(
        neutral=TETRAHEDRON,
        face_counts=np.full(4, 3),
        face_vertices=TETRAHEDRON_FACES,
        targets=tuple(targets),
        controls=tuple(Control(f"control{k}", -2.0, 2.0) for k in range(control_count)),
        drivers=tuple(drivers),
        combinations=tuple(combinations),
    )


def compound_rig() -> Rig:
    """In-betweens on both sides of zero, a bent driver, a shared target, and combinations of combinations."""
    targets = [
        Target("jaw", (random_shape(0, 0.5), random_shape(1))),
        Target("smile", (random_shape(2, -0.5), random_shape(3, -0.25), random_shape(4))),
        Target("frown", (random_shape(5),)),
        Target("jaw_smile", (random_shape(6, 0.3), random_shape(7))),
        Target("jaw_smile_frown", (random_shape(8),)),
        Target("lowest", (random_shape(9),)),
    ]
    drivers = [
        Driver.identity(0, 0),
        Driver(1, 1, np.array([-1.0, 0.0, 1.0]), np.array([-0.2, 0.0, 1.1])),
        Driver(2, 1, np.array([0.0, 1.0]), np.array([0.0, 0.4])),
        Driver(2, 2, np.array([0.0, 0.5, 2.0]), np.array([0.0, 1.0, 1.5])),
        Driver(2, 2, np.array([0.0, 1.0]), np.array([0.1, 0.2])),
    ]
    combinations = [Combination(3, (0, 1)), Combination(4, (3, 2)), Combination(5, (0, 2, 1), "lowest")]
    return tetrahedron_rig(targets, drivers, 3, combinations)


def central_difference(function, x: torch.Tensor, step: float = 1e-6) -> torch.Tensor:
    """d function / d x for rows evaluated independently: x (B, n), function (B, n) -> (B, ...) gives (B, ..., n)."""
    columns = []
    for i in range(x.shape[1]):
        offset = torch.zeros_like(x)
        offset[:, i] = step
        columns.append((function(x + offset) - function(x - offset)) / (2 * step))
    return torch.stack(columns, -1)


def test_activation_jacobian_equals_finite_differences():
    model = RigModel(compound_rig(), dtype=torch.float64)
    controls = 4 * torch.rand(200, 3, dtype=torch.float64, generator=torch.manual_seed(0)) - 2
    _, jacobian = model.activations(controls)
    numeric = central_difference(lambda c: model.activations(c)[0], controls)
    torch.testing.assert_close(jacobian, numeric, atol=1e-8, rtol=1e-7)
    assert (jacobian.abs().amax(0).sum(-1) > 0).all()


def test_vertices_are_differentiable_as_activations_say():
    model = RigModel(compound_rig(), dtype=torch.float64)
    controls = torch.tensor([[0.3, -0.4, 0.7]], dtype=torch.float64)
    _, jacobian = model.activations(controls)
    expected = torch.einsum("bsk,svd->bvdk", jacobian, model.deltas)
    actual = torch.autograd.functional.jacobian(model.vertices, controls)[:, :, :, 0]
    torch.testing.assert_close(actual, expected)


def test_compound_weights_by_hand():
    model = RigModel(compound_rig(), dtype=torch.float64)
    values, _ = model.activations(torch.tensor([[0.75, -1.0, 0.5]], dtype=torch.float64))
    jaw, smile, frown = 0.75, -0.2 + 0.5 * 0.4, 1.0 + 0.1 + 0.5 * 0.1
    expected = [0.5, 0.5, 0, 0, smile, frown, jaw * smile / 0.3, 0, jaw * smile * frown, min(jaw, smile, frown)]
    np.testing.assert_allclose(values[0].numpy(), expected, atol=1e-12)


def test_numpy_evaluates_as_torch_does_in_and_beyond_every_segment():
    model, evaluator = RigModel(compound_rig(), dtype=torch.float64), RigEvaluator(compound_rig())
    knots = np.array([-2.0, -1.0, -0.5, -0.25, 0.0, 0.3, 0.5, 1.0, 2.0])
    random = np.random.default_rng(0).uniform(-2, 2, (200, 3))
    controls = np.concatenate([random, np.stack(np.meshgrid(knots, knots, knots), -1).reshape(-1, 3)])
    tensor = torch.from_numpy(controls)
    np.testing.assert_allclose(evaluator.target_weights(controls), model.target_weights(tensor), atol=1e-12)
    np.testing.assert_allclose(evaluator.activations(controls), model.activations(tensor)[0], atol=1e-12)
    np.testing.assert_allclose(evaluator.vertices(controls), model.vertices(tensor), atol=1e-12)
    assert np.array_equal(evaluator.moving_vertices(), model.moving_vertices().numpy())


def test_product_derivative_where_drivers_are_zero():
    rig = tetrahedron_rig(
        [Target(name, (random_shape(i),)) for i, name in enumerate(("a", "b", "ab"))],
        [Driver.identity(0, 0), Driver.identity(1, 1)],
        2,
        [Combination(2, (0, 1))],
    )
    _, jacobian = RigModel(rig).activations(torch.tensor([[0.0, 0.8], [0.0, 0.0]]))
    torch.testing.assert_close(jacobian[:, 2], torch.tensor([[0.8, 0.0], [0.0, 0.0]]))


@pytest.mark.parametrize(
    ("weight", "expected"),
    [(-1.0, (-2, 0)), (0.0, (0, 0)), (0.25, (0.5, 0)), (0.5, (1, 0)), (0.75, (0.5, 0.5)), (1, (0, 1)), (2, (-2, 3))],
)
def test_in_between_follows_mayas_rule(weight, expected):
    rig = tetrahedron_rig([Target("t", (random_shape(0, 0.5), random_shape(1)))], [Driver.identity(0, 0)], 1)
    values, _ = RigModel(rig).activations(torch.tensor([[float(weight)]]))
    np.testing.assert_allclose(values[0].numpy(), expected, atol=1e-6)


def test_piecewise_linear_equals_interpolation_and_extrapolates():
    inputs = [np.array([-1.0, 0.2, 0.5, 3.0]), np.array([0.0, 2.0])]
    outputs = [np.array([4.0, 1.0, 1.5, -2.0]), np.array([1.0, 0.0])]
    curves = PiecewiseLinear(inputs, outputs, dtype=torch.float64)
    x = torch.linspace(-1, 3, 41, dtype=torch.float64)
    values, slopes = curves(torch.stack((x, x), 1))
    np.testing.assert_allclose(values[:, 0], np.interp(x, inputs[0], outputs[0]), atol=1e-12)
    np.testing.assert_allclose(values[:, 1], 1 - x / 2, atol=1e-12)
    ends, _ = curves(torch.tensor([[-2.0, 0.0], [4.0, 0.0]], dtype=torch.float64))
    np.testing.assert_allclose(ends[:, 0], [4 + 2.5, -2 - 1.4], atol=1e-12)
    assert slopes[0, 0] == pytest.approx(-2.5)


def test_triangulation_keeps_polygons_meshes_and_uvs():
    rig = Rig(
        neutral=np.random.default_rng(0).normal(size=(8, 3)),
        face_counts=np.array([4, 3, 5]),
        face_vertices=np.array([0, 1, 2, 3, 2, 1, 4, 3, 4, 5, 6, 7]),
        targets=(Target("t", (Shape(1.0, np.array([2], np.int32), np.ones((1, 3), np.float32)),)),),
        controls=(Control("t"),),
        drivers=(Driver.identity(0, 0),),
        uvs=np.zeros((12, 2)),
        face_uvs=np.arange(12),
        meshes=(Mesh("skin", 5, 2), Mesh("teeth", 3, 1)),
    )
    model = RigModel(rig)
    expected = [[0, 1, 2], [0, 2, 3], [2, 1, 4], [3, 4, 5], [3, 5, 6], [3, 6, 7]]
    assert model.triangles.tolist() == expected
    assert model.triangle_uvs.tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6], [7, 8, 9], [7, 9, 10], [7, 10, 11]]
    assert model.triangle_polygon.tolist() == [0, 0, 1, 2, 2, 2]
    assert model.triangle_mesh.tolist() == [0, 0, 0, 1, 1, 1]
    assert model.moving_vertices().tolist() == [v == 2 for v in range(8)]
    assert RigEvaluator(rig).moving_vertices().tolist() == [v == 2 for v in range(8)]


def test_rig_without_uvs_has_no_uv_triangles():
    assert RigModel(compound_rig()).triangle_uvs is None


def test_sample_basis_gives_points_of_the_surface():
    model = RigModel(compound_rig(), dtype=torch.float64)
    controls = torch.tensor([[0.3, -0.4, 0.7]], dtype=torch.float64)
    triangles = torch.tensor([0, 3, 3])
    barycentrics = torch.tensor([[1, 0, 0], [0.2, 0.3, 0.5], [0, 0, 1]], dtype=torch.float64)
    neutral, basis = model.sample_basis(triangles, barycentrics)
    values, _ = model.activations(controls)
    corners = model.vertices(controls)[0][model.triangles[triangles]]
    torch.testing.assert_close(
        neutral + torch.einsum("s,snd->nd", values[0], basis), (barycentrics[..., None] * corners).sum(1)
    )


def test_vertex_normals_are_unit_outward_and_area_weighted():
    model = RigModel(compound_rig(), dtype=torch.float64)
    normals = model.vertex_normals(model.neutral[None])
    expected = -np.ones(3) / np.sqrt(3)  # three equal faces meet at the corner
    np.testing.assert_allclose(normals[0, 0], expected, atol=1e-12)
    slant = np.array([1.0, 1.0, 1.0])  # faces of vertex 1: z = 0, y = 0 and the slanted one, times twice their area
    np.testing.assert_allclose(normals[0, 1], (slant - [0, 1, 1]) / np.linalg.norm(slant - [0, 1, 1]), atol=1e-12)


def test_controls_of_the_wrong_length_are_refused():
    with pytest.raises(SolveError, match=r"expected \(frames, 3\)"):
        RigModel(compound_rig()).vertices(torch.zeros(1, 4))
    with pytest.raises(TakeError, match=r"expected \(frames, 3\)"):
        RigEvaluator(compound_rig()).vertices(np.zeros((1, 4)))


def test_ict_rig_equals_dense_evaluation(facesolve_data):
    arrays = np.load(facesolve_data / "ict_rom" / "rig.npz")
    weights = np.load(facesolve_data / "ict_rom" / "truth.npz")["weights"][::13]
    rig = Rig.from_dense(
        arrays["neutral"],
        arrays["deltas"],
        [str(name) for name in arrays["names"]],
        arrays["face_counts"],
        arrays["faces"],
        arrays["uv"],
        arrays["face_uvs"],
    )
    model = RigModel(rig)
    expected = arrays["neutral"] + np.einsum("bk,kvd->bvd", weights, arrays["deltas"].astype(np.float64))
    actual = model.vertices(torch.tensor(weights, dtype=torch.float32))
    np.testing.assert_allclose(actual.numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(RigEvaluator(rig).vertices(weights), expected, atol=1e-5)
    assert len(model.triangles) == (arrays["face_counts"] - 2).sum()
    assert model.triangles.max() == len(arrays["neutral"]) - 1


FBX_FRAME = 46186158000 / 24  # FBX time units in a frame of this 24 frames-a-second file


def fbx_array(text: str, header: str, name: str) -> np.ndarray:
    """The numbers of array ``name`` in the first FBX object whose line holds ``header``."""
    found = re.search(rf"{re.escape(header)}.*?\b{name}: \*\d+ \{{\s*a: ([^}}]*)\}}", text, re.DOTALL)
    assert found, f"{header} has no {name}"
    return np.array(found.group(1).split(","), np.float64)


def maya_in_between_rig(text: str) -> Rig:
    """The two blendshape channels of Maya's FBX file, each driven by its own control."""
    channels = {
        "LiftTop": ("KeyBlend.LiftTop0", "LiftTop"),
        "MoveToSide": ("KeyBlend.MoveToSide0", "KeyBlend.MoveToSide1", "MoveToSide"),
    }
    targets = []
    for channel, geometries in channels.items():
        weights = fbx_array(text, f'"SubDeformer::KeyBlend.{channel}"', "FullWeights") / 100
        shapes = []
        for weight, geometry in zip(weights, geometries, strict=True):
            header = f'"Geometry::{geometry}", "Shape"'
            vertices = fbx_array(text, header, "Indexes").astype(np.int32)
            deltas = fbx_array(text, header, "Vertices").reshape(-1, 3).astype(np.float32)
            shapes.append(Shape(float(weight), vertices, deltas))
        targets.append(Target(channel, tuple(shapes)))
    corners = fbx_array(text, '"Geometry::", "Mesh"', "PolygonVertexIndex").astype(int)
    ends = np.flatnonzero(corners < 0)  # FBX marks a polygon's last corner by its complement
    return Rig(
        neutral=fbx_array(text, '"Geometry::", "Mesh"', "Vertices").reshape(-1, 3),
        face_counts=np.diff(ends, prepend=-1),
        face_vertices=np.where(corners < 0, ~corners, corners),
        targets=tuple(targets),
        controls=tuple(Control(channel, -1.0, 2.0) for channel in channels),
        drivers=(Driver.identity(0, 0), Driver.identity(1, 1)),
    )


@pytest.mark.parametrize("frame", [1, 30, 60, 65, 71, 80, 89, 120])
def test_in_betweens_equal_meshes_that_maya_wrote(facesolve_data, frame):
    folder = facesolve_data / "maya" / "oracles"
    text = (folder / "maya_blend_inbetween_7500_ascii.fbx").read_text(encoding="utf-8")
    weights = []
    for curve in ("AnimationCurve: 2044639029872", "AnimationCurve: 2044639026192"):  # LiftTop, MoveToSide
        first, last = fbx_array(text, curve, "KeyTime") / FBX_FRAME
        values = fbx_array(text, curve, "KeyValueFloat") / 100
        s = (frame - first) / (last - first)
        weights.append(values[0] + (values[1] - values[0]) * s * s * (3 - 2 * s))  # both keys have flat tangents
    lines = (folder / f"maya_blend_inbetween_{frame}.obj").read_text(encoding="utf-8").splitlines()
    expected = np.array([line.split()[1:] for line in lines if line.startswith("v ")], np.float64)
    rig = maya_in_between_rig(text)
    actual = RigModel(rig).vertices(torch.tensor([weights], dtype=torch.float32))[0]
    np.testing.assert_allclose(actual.numpy(), expected, atol=2e-6)
    np.testing.assert_allclose(RigEvaluator(rig).vertices([weights])[0], expected, atol=2e-6)
