"""USD stages, evaluated and validated by OpenUSD itself."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesolve.export import ExportError, Performance
from facesolve.take import Shape
from facesolve.take.rig_logic import CHANNEL, CONTROL, Port, Response
from facesolve.take.skeleton import Channel, Joint, Skin
from facesolve.take.skinning import euler_rotations, joint_matrices

from .performances import performance

pytest.importorskip("pxr", reason='needs usd-core: pip install "facesolve[usd]"')
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdSkel, UsdUtils, UsdValidation

from facesolve.export.usd import UsdOptions, build_stage, write_usd


def with_rig(one: Performance, **changes: Any) -> Performance:
    return Performance(replace(one.take, rig=replace(one.rig, **changes)), one.solution, one.rows, one.folder)


def meshes_of(stage: Any) -> list[Any]:
    return [UsdGeom.Mesh(prim) for prim in stage.Traverse() if prim.IsA(UsdGeom.Mesh)]


def faults(stage: Any) -> list[str]:
    """What OpenUSD's validators (those of usdchecker) find wrong."""
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 20
    return [error.GetMessage() for error in UsdValidation.ValidationContext(validators).Validate(stage)]


def baked(stage: Any, frames: list[int]) -> list[np.ndarray]:
    """World vertices at every frame, deformed by OpenUSD; changes the stage."""
    root = next(prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Root))
    assert UsdSkel.BakeSkinning(UsdSkel.Root(root), Gf.Interval.GetFullInterval())
    found = []
    for frame in frames:
        parts = []
        for mesh in meshes_of(stage):
            world = np.array(mesh.ComputeLocalToWorldTransform(frame))
            parts.append(np.array(mesh.GetPointsAttr().Get(frame)) @ world[:3, :3] + world[3, :3])
        found.append(np.concatenate(parts))
    return found


@pytest.mark.parametrize("suffix", [".usd", ".usda", ".usdc"])
def test_openusd_deforms_the_head_as_the_solver_does(tmp_path: Path, suffix: str) -> None:
    """In-betweens, negative and overshooting weights, curves, combinations, two meshes, the head transform."""
    one = performance(tmp_path)
    write_usd(one, tmp_path / f"head{suffix}")
    stage = Usd.Stage.Open(str(tmp_path / f"head{suffix}"))
    frames = one.solution.frames.tolist()
    for (frame, vertices), found in zip(one.vertices(False), baked(stage, frames), strict=True):
        np.testing.assert_allclose(found, vertices, atol=1e-5, err_msg=f"frame {frame}")


def test_split_inbetweens_deform_the_same_without_any(tmp_path: Path) -> None:
    one = performance(tmp_path)
    stage = build_stage(one, UsdOptions(split_inbetweens=True))
    shapes = [UsdSkel.BlendShape(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.BlendShape)]
    assert not any(shape.GetInbetweens() for shape in shapes)
    skin = [shape.GetPrim().GetName() for shape in shapes if shape.GetPrim().GetParent().GetName() == "skin"]
    smile, squash = ["face_smile_minus_0_5", "face_smile_0_4", "face_smile"], ["squash_0_4", "squash"]
    assert skin == ["jaw", *smile, "puff", *squash, "jaw_smile"]
    assert faults(stage) == []
    for (_, vertices), found in zip(one.vertices(False), baked(stage, one.solution.frames.tolist()), strict=True):
        np.testing.assert_allclose(found, vertices, atol=1e-5)


def test_stabilized_head_stands_still(tmp_path: Path) -> None:
    one = performance(tmp_path)
    for (_, vertices), found in zip(
        one.vertices(True),
        baked(build_stage(one, UsdOptions(stabilized=True)), one.solution.frames.tolist()),
        strict=True,
    ):
        np.testing.assert_allclose(found, vertices, atol=1e-5)


@pytest.mark.parametrize("up_axis", ["y", "z"])
def test_no_validator_complains(tmp_path: Path, up_axis: str) -> None:
    write_usd(performance(tmp_path), tmp_path / "head.usdc", options=UsdOptions(up_axis=up_axis))
    stage = Usd.Stage.Open(str(tmp_path / "head.usdc"))
    assert faults(stage) == []
    stage.GetDefaultPrim().GetStage().ClearDefaultPrim()
    assert len(faults(stage)) == 1  # they do look


def test_stage_says_its_units_and_frames(tmp_path: Path) -> None:
    stage = build_stage(performance(tmp_path), UsdOptions(up_axis="z"))
    assert UsdGeom.GetStageUpAxis(stage) == "Z"
    assert UsdGeom.GetStageUpAxis(build_stage(performance(tmp_path))) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 0.01
    assert stage.GetTimeCodesPerSecond() == stage.GetFramesPerSecond() == 23.976
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1002, 1006)
    root = stage.GetDefaultPrim()
    assert root.GetName() == "_7_shot"
    origin = root.GetCustomDataByKey("facesolve")
    assert (origin["take"], origin["space"], origin["frames"]) == ("7 shot", "world", "1002-1006")
    assert json.loads(origin["solution"])["facesolve"] == "0.1.0"


def test_meshes_hold_polygons_and_uvs(tmp_path: Path) -> None:
    one = performance(tmp_path)
    rig = one.rig
    stage = build_stage(one)
    skin, eye = meshes_of(stage)
    assert (skin.GetPrim().GetName(), eye.GetPrim().GetName()) == ("skin", "eye_ball")
    first = 0
    corner = 0
    for mesh, polygons, vertices in ((skin, 12, 20), (eye, 3, 5)):
        counts = np.array(mesh.GetFaceVertexCountsAttr().Get())
        assert (len(counts), len(mesh.GetPointsAttr().Get())) == (polygons, vertices)
        corners = slice(corner, corner + int(counts.sum()))
        np.testing.assert_array_equal(
            np.array(mesh.GetFaceVertexIndicesAttr().Get()) + first, rig.face_vertices[corners]
        )
        primvar = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st")
        assert primvar.GetInterpolation() == "faceVarying"
        np.testing.assert_array_equal(np.array(primvar.ComputeFlattened()), rig.uvs[rig.face_uvs[corners]])
        assert mesh.GetSubdivisionSchemeAttr().Get() == "none"
        assert len(mesh.GetNormalsAttr().Get()) == vertices
        first, corner = first + vertices, corners.stop


def test_targets_are_blend_shapes_of_the_meshes_they_move(tmp_path: Path) -> None:
    stage = build_stage(performance(tmp_path))
    skin, eye = meshes_of(stage)
    names = ["jaw", "face_smile", "puff", "squash", "jaw_smile"]
    assert list(UsdSkel.BindingAPI(skin).GetBlendShapesAttr().Get()) == names
    assert list(UsdSkel.BindingAPI(eye).GetBlendShapesAttr().Get()) == ["squash", "eye"]
    smile = UsdSkel.BlendShape(skin.GetPrim().GetChild("face_smile"))
    assert sorted(shape.GetWeight() for shape in smile.GetInbetweens()) == pytest.approx([-0.5, 0.4])
    assert smile.GetPrim().GetCustomDataByKey("facesolve:target") == "face:smile"
    both = skin.GetPrim().GetChild("jaw_smile").GetCustomDataByKey("facesolve")
    assert (both["combination"], both["drivers"]) == ("multiply", "jaw, face:smile")


def test_normals_follow_the_shapes(tmp_path: Path) -> None:
    """At full weight of one shape the neutral's normals with its offsets are those of the deformed mesh."""
    one = performance(tmp_path)
    stage = build_stage(one)
    skin = meshes_of(stage)[0]
    puff = UsdSkel.BlendShape(skin.GetPrim().GetChild("puff"))
    normals, points = (np.array(a.Get(), float) for a in (skin.GetNormalsAttr(), skin.GetPointsAttr()))
    local = np.array(puff.GetPointIndicesAttr().Get())
    normals[local] += np.array(puff.GetNormalOffsetsAttr().Get())
    points[local] += np.array(puff.GetOffsetsAttr().Get())
    faces = np.array(skin.GetFaceVertexIndicesAttr().Get()).reshape(-1, 4)
    triangles = np.concatenate((faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]))
    a, b, c = (points[triangles[:, k]] for k in range(3))
    expected = np.zeros_like(points)
    np.add.at(expected, triangles.ravel(), np.repeat(np.cross(b - a, c - a), 3, 0))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(normals, expected, atol=2e-4)


def test_head_turns_the_short_way(tmp_path: Path) -> None:
    one = performance(tmp_path)
    head = np.tile(np.eye(4), (4, 1, 1))
    for index, angle in enumerate((-1.0, -1.5, -2.0, -2.5)):
        head[index, :2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    one = Performance(one.take, replace(one.solution, head=head), one.rows, one.folder)
    stage = build_stage(one)
    animation = UsdSkel.Animation(next(prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Animation)))
    turns = [animation.GetRotationsAttr().Get(frame)[0] for frame in one.solution.frames.tolist()]
    dots = [Gf.Dot(a, b) for a, b in pairwise(turns)]
    assert min(dots) == pytest.approx(np.cos(0.25), abs=1e-6)


def test_root_bounds_the_moving_head(tmp_path: Path) -> None:
    one = performance(tmp_path)
    stage = build_stage(one)
    root = UsdSkel.Root(next(prim for prim in stage.Traverse() if prim.IsA(UsdSkel.Root)))
    for frame, vertices in one.vertices(False):
        box = np.array(root.GetExtentAttr().Get(frame))
        np.testing.assert_allclose(box, [vertices.min(0), vertices.max(0)], atol=1e-5)


def test_texture_is_bound_and_lies_beside_the_file(tmp_path: Path) -> None:
    one = performance(tmp_path)
    (tmp_path / "hand off").mkdir()
    notes = write_usd(one, tmp_path / "hand off" / "head.usda")
    (tmp_path / "hand off").rename(tmp_path / "moved")
    layers, assets, unresolved = UsdUtils.ComputeAllDependencies(str(tmp_path / "moved" / "head.usda"))
    assert (len(layers), unresolved) == (1, [])
    assert sorted(Path(asset).name for asset in assets) == ["texture.1001.png", "texture.1012.png"]
    stage = Usd.Stage.Open(str(tmp_path / "moved" / "head.usda"))
    for mesh in meshes_of(stage):
        material, _ = UsdShade.MaterialBindingAPI(mesh).ComputeBoundMaterial()
        surface = material.ComputeSurfaceSource()[0]
        assert surface.GetIdAttr().Get() == "UsdPreviewSurface"
        source = surface.GetInput("diffuseColor").GetConnectedSources()[0][0].source.GetPrim()
        path = UsdShade.Shader(source).GetInput("file").Get().path
        assert path == "./head_textures/texture.<UDIM>.png"
    assert notes == ["cameras main cam: no lens distortion, which USD cannot store; use undistorted images"]


def test_what_usd_loses_of_a_fisheye_is_told(tmp_path: Path) -> None:
    one = performance(tmp_path)
    bent = replace(one.take.cameras[0], distortion=np.zeros(4), lens="fisheye")
    bent = replace(one, take=replace(one.take, cameras=(bent, *one.take.cameras[1:])))
    notes = write_usd(bent, tmp_path / "head.usda")
    assert notes[0].startswith("cameras main cam: a fisheye cannot be stored in USD, so they are pinholes")
    stage = Usd.Stage.Open(str(tmp_path / "head.usda"))
    lens = next(prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Camera))
    assert lens.GetCustomDataByKey("facesolve")["lens"] == "fisheye"


def test_missing_texture_is_told(tmp_path: Path) -> None:
    one = performance(tmp_path)
    (one.folder / "texture.1012.png").unlink()
    notes = write_usd(one, tmp_path / "head.usda")
    assert notes[0].startswith("without texture.1012.png, which is not in '")
    text = (tmp_path / "head.usda").read_text(encoding="utf-8")
    assert "@./head_textures/texture.1001.png@" in text  # one tile of the first square needs no <UDIM>
    (one.folder / "texture.1001.png").unlink()
    write_usd(one, tmp_path / "plain.usda")
    assert "Material" not in (tmp_path / "plain.usda").read_text(encoding="utf-8")
    assert not (tmp_path / "plain_textures").exists()


def test_names_that_clash_stay_apart(tmp_path: Path) -> None:
    one = performance(tmp_path)
    targets, meshes = list(one.rig.targets), list(one.rig.meshes)
    targets[0], targets[2] = replace(targets[0], name="a b"), replace(targets[2], name="a:b")
    meshes[0] = replace(meshes[0], name="Animation")
    stage = build_stage(with_rig(one, targets=tuple(targets), meshes=tuple(meshes)))
    skin = meshes_of(stage)[0]
    assert skin.GetPath() == Sdf.Path("/_7_shot/Head/Animation_2")
    assert list(UsdSkel.BindingAPI(skin).GetBlendShapesAttr().Get())[:3] == ["a_b", "face_smile", "a_b_2"]
    assert faults(stage) == []


def test_what_usd_cannot_hold_is_refused(tmp_path: Path) -> None:
    one = performance(tmp_path)
    with pytest.raises(ExportError, match=r"head\.fbx' must end in one of \.usd, \.usda, \.usdc"):
        write_usd(one, tmp_path / "head.fbx")
    skin, eye = one.rig.meshes
    crossed = with_rig(one, meshes=(replace(skin, vertex_count=21), replace(eye, vertex_count=4)))
    with pytest.raises(ExportError, match="polygon of mesh 'eye ball' uses a vertex of another mesh"):
        write_usd(crossed, tmp_path / "x.usd")
    nothing = Shape(1.0, np.zeros(0, np.int32), np.zeros((0, 3), np.float32))
    still = with_rig(one, targets=tuple(replace(target, shapes=(nothing,)) for target in one.rig.targets))
    with pytest.raises(ExportError, match="no target of the rig moves a vertex"):
        write_usd(still, tmp_path / "x.usd")
    assert not (tmp_path / "x.usd").exists()
    assert not (tmp_path / "x_textures").exists()


def test_unwritable_place_leaves_nothing(tmp_path: Path) -> None:
    one = performance(tmp_path)
    (tmp_path / "head.usda").mkdir()
    with pytest.raises(OSError, match=r"head\.usda"):
        write_usd(one, tmp_path / "head.usda")
    assert [path.name for path in tmp_path.glob("head.*")] == ["head.usda"]


def test_openusd_carries_the_head_on_its_joints_as_the_solver_does(tmp_path: Path) -> None:
    """A jaw below a neck, a joint that is bound in two places, and what stands still."""
    one = performance(tmp_path)
    jaw, smile = (Port(CONTROL, k) for k in (0, 1))
    joints = (
        Joint("neck", translate=np.array([0.0, -2.0, 0.5]), rotate=np.array([5.0, 0.0, 0.0])),
        Joint("jaw", 0, np.array([0.0, 1.0, 1.0]), orient=euler_rotations(np.array([20.0, 0.0, 10.0]), "xyz")),
    )
    inverse = np.linalg.inv(joint_matrices(joints, (), np.zeros((1, 0)))[0])
    moved = inverse[1].copy()
    moved[:3, 3] += 0.5
    random = np.random.default_rng(1)
    weights = random.dirichlet(np.ones(4), one.rig.vertex_count)
    weights[-1] = 0.0
    carried = with_rig(
        one,
        joints=joints,
        channels=(Channel(1, "rotateX"), Channel(0, "rotateY"), Channel(1, "scaleX")),
        responses=(
            Response.linear(Port(CHANNEL, 0), jaw, 2.5),
            Response.product(Port(CHANNEL, 1), (jaw, smile), 3.0),
            Response.linear(Port(CHANNEL, 2), jaw, 0.125),  # scales that half precision holds
        ),
        skin=Skin.from_dense((0, 1, 1, -1), np.stack([*inverse, moved, np.eye(4)]), weights),
    )
    write_usd(carried, tmp_path / "head.usdc")
    stage = Usd.Stage.Open(str(tmp_path / "head.usdc"))
    assert faults(stage) == []
    (skeleton,) = (UsdSkel.Skeleton(prim) for prim in stage.Traverse() if prim.IsA(UsdSkel.Skeleton))
    assert list(skeleton.GetJointsAttr().Get()) == ["head", "head/neck", "head/neck/jaw", "head/neck/jaw/jaw_3"]
    frames = carried.solution.frames.tolist()
    for (frame, vertices), found in zip(carried.vertices(False), baked(stage, frames), strict=True):
        np.testing.assert_allclose(found, vertices, atol=3e-5, err_msg=f"frame {frame}")
