"""blendShapes: scenes and meshes that Maya wrote, and everything that is refused by name."""

import numpy as np
import pytest
from maya import cmds

from facesolve_maya.export import ExportError
from facesolve_maya.export.blendshape import read_targets
from facesolve_maya.export.history import blend_shape_span, deformation_chain, visible_meshes
from facesolve_maya.export.rig import offsets_at, read_rig
from facesolve_maya.scene.findings import Report
from facesolve_maya.scene.geometry import plug_points, shape_points
from tests.facesolve_maya.ma_scene import ALIAS_LIST, CUBE, blend_scene, fbx_array, obj_points, open_scene
from tests.facesolve_maya.shown import shown_vertices, snapshot

TIMES = (1.0, 2.0)
FBX_FRAME = 46186158000 / 24
BLEND_SHAPES = 14


def span_of(blend_shape):
    """The mesh of a blendShape with its chain."""
    (mesh,) = visible_meshes((blend_shape,))
    return mesh


def targets_of(blend_shape, report=None):
    """Targets of one node of an open scene, as the export reads them (deformers after it aside)."""
    steps = [step for step in deformation_chain(span_of(blend_shape)) if step.node == blend_shape]
    count = len(plug_points(steps[0].input))
    return read_targets(steps[0], count, TIMES, True, report or Report())


@pytest.fixture
def cubes(maya, facesolve_data):
    cmds.file(str(facesolve_data / "maya" / "mayausd_blendShapesExport.ma"), open=True, force=True)
    cmds.setAttr("squash1.envelope", 0)  # the stand-in does not compute this deformer


def test_fourteen_nodes_nine_live_five_baked(cubes):
    nodes = cmds.ls(type="blendShape")
    assert len(nodes) == BLEND_SHAPES
    live = [n for n in nodes if cmds.listConnections(n + ".inputTarget", type="mesh", destination=False)]
    assert len(live) == 9
    names = [target.alias for node in nodes if node != "blendShape19" for target in targets_of(node)]
    assert len(names) > len(set(names))


@pytest.mark.parametrize("node", ["blendShape10", "blendShape13", "blendShape14"])
def test_in_betweens_are_at_their_weights(cubes, node):
    items = [[round(a, 3) for a, _ in t.shapes] for t in targets_of(node)]
    assert any(len(item) > 1 for item in items) or node == "blendShape14"
    for item in items:
        assert item in ([0.333, 0.667, 1.0], [1.0])


def test_live_targets_are_mesh_minus_base(cubes):
    (target,) = targets_of("blendShape9")
    moved = shape_points("|basic_cube_1_blendshape_no_anim|tgt|tgtShape")
    base = shape_points("|basic_cube_1_blendshape_no_anim|base|baseShape")
    np.testing.assert_allclose(target.shapes[0][1], moved - base, atol=1e-12)
    assert np.abs(target.shapes[0][1]).max() > 0.1


def test_baked_targets_hold_the_offsets_of_their_components(cubes):
    first, second, third = targets_of("blendShape22")
    assert list(np.flatnonzero(np.abs(first.shapes[0][1]).max(axis=1))) == [0, 6, 7]
    assert list(np.flatnonzero(np.abs(second.shapes[0][1]).max(axis=1))) == [1, 7]
    assert third.shapes[0][1][2, 2] == pytest.approx(0.47292137145996094)


def test_every_readable_cube_equals_what_the_scene_shows(cubes):
    """Weights are set in the scene and the mesh is compared with neutral plus offsets."""
    compared = 0
    for node in cmds.ls(type="blendShape"):
        mesh = span_of(node)
        try:
            span = blend_shape_span(mesh, TIMES, Report())
            rest = span.rest
            targets = targets_of(node)
        except ExportError:
            continue
        if span.skin is not None:
            continue
        expected = rest.copy()
        for number, target in enumerate(targets):
            if cmds.listConnections(target.weight, source=True, destination=False):
                value = cmds.getAttr(target.weight)
            else:
                value = 0.2 + 0.3 * number
                cmds.setAttr(target.weight, value)
            expected += offsets_at(target.shapes, value)
        np.testing.assert_allclose(shape_points(mesh), expected, atol=1e-9, err_msg=node)
        compared += 1
    assert compared >= 8


def test_deformation_after_others_is_refused_by_name(cubes):
    with pytest.raises(ExportError, match="blendShape19: this blendShape deforms after other deformers"):
        targets_of("blendShape19")


def test_empty_targets_are_legal(cubes):
    assert all(np.abs(offsets).max() == 0 for target in targets_of("blendShape26") for _, offsets in target.shapes)


def test_skinning_after_the_blend_shape_is_part_of_the_span(cubes):
    span = blend_shape_span(span_of("blendShape23"), TIMES, Report())
    assert span.skin is not None
    assert span.skin.node == "skinCluster2"


def in_between_scene(folder, tmp_path, mutate=False):
    """The FBX oracle's blendShape as a Maya scene; returns the animated weights by frame."""
    text = (folder / "maya_blend_inbetween_7500_ascii.fbx").read_text(encoding="utf-8")
    points = fbx_array(text, '"Geometry::", "Mesh"', "Vertices").reshape(-1, 3)
    corners = fbx_array(text, '"Geometry::", "Mesh"', "PolygonVertexIndex").astype(int)
    faces, face = [], []
    for corner in corners:
        face.append(corner if corner >= 0 else -corner - 1)
        if corner < 0:
            faces.append(face)
            face = []
    targets = {}
    for index, (channel, shapes) in enumerate(
        (
            ("LiftTop", ("KeyBlend.LiftTop0", "LiftTop")),
            ("MoveToSide", ("KeyBlend.MoveToSide0", "KeyBlend.MoveToSide1", "MoveToSide")),
        )
    ):
        weights = fbx_array(text, f'"SubDeformer::KeyBlend.{channel}"', "FullWeights")
        items = []
        for weight, shape in zip(weights, shapes, strict=True):
            header = f'"Geometry::{shape}", "Shape"'
            vertices = fbx_array(text, header, "Indexes").astype(int)
            item = 5000 + round(10 * float(weight)) + (50 if mutate else 0)
            items.append((item, vertices, fbx_array(text, header, "Vertices")))
        targets[channel] = (index, items)
    open_scene(blend_scene(points, faces, targets), tmp_path)
    return points


def key_weights() -> None:
    """LiftTop runs from -1 to 2 and MoveToSide from 2 to -1 over frames 1..120, keys flat (the FBX file's curves)."""
    for alias, first, last in (("LiftTop", -1, 2), ("MoveToSide", 2, -1)):
        for time, value in ((1, first), (120, last)):
            cmds.setKeyframe("BS." + alias, time=time, value=value, inTangentType="flat", outTangentType="flat")


@pytest.mark.parametrize("frame", [1, 30, 60, 65, 71, 80, 89, 120])
@pytest.mark.parametrize("mutate", [False, True])
def test_in_betweens_equal_meshes_that_maya_wrote(maya, facesolve_data, tmp_path, frame, mutate):
    folder = facesolve_data / "maya" / "oracles"
    points = in_between_scene(folder, tmp_path, mutate)
    lift, side = targets_of("BS")
    key_weights()
    weights = [cmds.getAttr("BS." + alias, time=frame) for alias in ("LiftTop", "MoveToSide")]
    found = points + offsets_at(lift.shapes, weights[0]) + offsets_at(side.shapes, weights[1])
    cmds.currentTime(frame)
    np.testing.assert_allclose(shape_points("headShape"), found, atol=1e-9)
    error = np.abs(found - obj_points(folder / f"maya_blend_inbetween_{frame}.obj")).max()
    assert (error > 0.01) if mutate else (error < 2e-6)


# ---------------------------------------------------------------- what the export does with its own small scenes


def one_target(**changes):
    return blend_scene(targets={"smile": (0, [(6000, [0, 1], [[0, 1, 0], [0, 2, 0]])])}, **changes)


def rig():
    return read_rig(("head",), "head_GRP", TIMES, Report())[0]


def dense(target, count=8, which=-1):
    offsets = np.zeros((count, 3))
    shape = target.shapes[which]
    offsets[shape.vertices] = shape.deltas
    return offsets


def test_envelope_and_painted_weights_are_in_the_offsets(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.setAttr("BS.envelope", 0.5)
    cmds.setAttr("BS.inputTarget[0].inputTargetGroup[0].targetWeights[1]", 0.25)
    cmds.setAttr("BS.inputTarget[0].baseWeights[0]", 0.1)
    (target,) = rig().targets
    np.testing.assert_allclose(dense(target)[:2], [[0, 0.05, 0], [0, 0.25, 0]], atol=1e-7)


def test_animated_envelope_is_refused(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.setKeyframe("BS.envelope", time=1, value=1)
    cmds.setKeyframe("BS.envelope", time=2, value=0)
    with pytest.raises(ExportError, match="BS: its envelope is animated"):
        rig()


@pytest.mark.parametrize(
    ("plug", "value", "words"),
    [
        ("BS.nodeState", 1, "not Normal"),
        ("BS.origin", 0, "world space"),
        ("BS.parallelBlender", True, "in parallel"),
        ("BS.targetDirectory[1].directoryWeight", 0.5, "group of its targets has the weight 0.5"),
        ("BS.inputTarget[0].inputTargetGroup[0].postDeformersMode", 1, "tangent space"),
        ("BS.inputTarget[0].inputTargetGroup[0].normalizationId", 2, "normalization group"),
        ("BS.inbetweenInfoGroup[0].inbetweenInfo[5500].inbetweenTargetType", 1, "relative to the main target"),
        ("BS.inbetweenInfoGroup[0].inbetweenInfo[5500].interpolationCurve[1].interpolationCurveY", 0.7, "not straight"),
    ],
)
def test_unsupported_blend_shapes_are_refused_by_name(maya, tmp_path, plug, value, words):
    open_scene(one_target(), tmp_path)
    cmds.setAttr(plug, value)
    with pytest.raises(ExportError, match=f"BS.*{words}") as error:
        rig()
    assert error.value.findings[0].remedy


def test_a_shape_at_a_negative_weight_needs_the_support_of_negative_weights(maya, tmp_path):
    open_scene(blend_scene(targets={"a": (0, [(4000, [0], [[1, 0, 0]]), (6000, [0], [[0, 1, 0]])])}), tmp_path)
    assert [shape.weight for shape in rig().targets[0].shapes] == [-1, 1]
    cmds.setAttr("BS.supportNegativeWeights", False)
    with pytest.raises(ExportError, match=r"BS\.a: it has a shape at a negative weight"):
        rig()


def test_a_component_tag_that_is_not_the_whole_mesh_is_refused(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.setAttr("BS.input[0].componentTagExpression", "upper", type="string")
    with pytest.raises(ExportError, match="component tag 'upper'"):
        rig()


def test_hidden_targets_are_left_out_with_a_note(maya, tmp_path):
    open_scene(
        blend_scene(targets={"a": (0, [(6000, [0], [[1, 0, 0]])]), "b": (3, [(6000, [1], [[1, 0, 0]])])}), tmp_path
    )
    cmds.setAttr("BS.targetVisibility[0]", False)
    report = Report()
    found, _ = read_rig(("head",), "head_GRP", TIMES, report)
    assert found.target_names == ["b"]
    assert [f.subject for f in report.findings] == ["BS.a"]


def test_tweaks_before_and_after_belong_to_the_neutral(maya, tmp_path):
    nodes = "\n".join(
        [
            'createNode tweak -n "tweak1";',
            '\tsetAttr ".pl[0].cp[2]" -type "double3" 0 0 5;',
            'createNode tweak -n "late";',
            '\tsetAttr ".vl[0].vt[3]" -type "float3" 7 0 0;',
        ]
    )
    wires = 'connectAttr "headShapeOrig.w" "tweak1.ip[0].ig";'
    text = one_target(nodes=nodes, connections=wires, base="tweak1.og[0]").replace(
        'connectAttr "BS.og[0]" "headShape.i";',
        'connectAttr "BS.og[0]" "late.ip[0].ig";\nconnectAttr "late.og[0]" "headShape.i";',
    )
    open_scene(text, tmp_path)
    expected = CUBE.copy()
    expected[2, 2] += 5
    expected[3, 0] += 7
    np.testing.assert_allclose(rig().neutral, expected)


def test_head_transform_scale_and_units_are_taken_off(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.setAttr("head_GRP.translate", 1, 2, 3)
    cmds.setAttr("head_GRP.rotate", 10, 20, 30)
    cmds.setAttr("head_GRP.scale", 2, 2, 2)
    cmds.currentUnit(linear="m")
    found = rig()
    np.testing.assert_allclose(found.neutral, 2 * CUBE, atol=1e-6)
    np.testing.assert_allclose(dense(found.targets[0])[1], [0, 4, 0], atol=1e-6)


def test_a_mesh_that_does_not_follow_the_head_is_refused(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.createNode("transform", name="elsewhere")
    cmds.setKeyframe("elsewhere.translateX", time=1, value=0)
    cmds.setKeyframe("elsewhere.translateX", time=2, value=5)
    with pytest.raises(ExportError, match="headShape: this mesh does not move with the head transform 'elsewhere'"):
        read_rig(("head",), "elsewhere", TIMES, Report())


def test_a_transform_beside_the_mesh_is_no_head_though_nothing_moves(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.createNode("transform", name="other_CTL")
    cmds.setAttr("other_CTL.rotateY", 20)
    with pytest.raises(ExportError, match="headShape: this mesh does not move with the head transform 'other_CTL'"):
        read_rig(("head",), "other_CTL", TIMES, Report())
    assert cmds.getAttr("other_CTL.rotateY") == pytest.approx(20)


def test_a_control_that_carries_the_mesh_by_a_constraint_is_a_head(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.createNode("transform", name="head_CTL")
    cmds.setAttr("head_CTL.translate", 1, 2, 3)
    cmds.setAttr("head_CTL.rotate", 0, 0, 0)
    cmds.parentConstraint("head_CTL", "head_GRP", maintainOffset=True)
    before = snapshot(maya)
    np.testing.assert_allclose(read_rig(("head",), "head_CTL", TIMES, Report())[0].neutral, CUBE - [1, 2, 3], atol=1e-6)
    assert snapshot(maya) == before


NECK = """
createNode joint -n "neck";
createNode animCurveTA -n "neck_rz";
\tsetAttr ".tan" 2;
\tsetAttr -s 2 ".ktv[0:1]"  1 0 11 40;
createNode skinCluster -n "skin";
\tsetAttr -s 8 ".wl";
\tsetAttr ".wl[0:7].w" 1 0 1  1 0 1  1 0 1  1 0 1  1 0 1  1 0 1  1 0 1  1 0 1;
\tsetAttr ".pm[0]" -type "matrix" 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1;
\tsetAttr ".gm" -type "matrix" 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1;
"""
NECK_WIRES = """
connectAttr "headShapeOrig.w" "skin.ip[0].ig";
connectAttr "neck_rz.o" "neck.rz";
connectAttr "neck.wm" "skin.ma[0]";
"""


@pytest.fixture
def skinned_first(maya, tmp_path):
    """A skinCluster, its joint keyed from frame 1 to 11, before the blendShape. Frame 6 is shown."""
    open_scene(one_target(nodes=NECK, connections=NECK_WIRES, base="skin.og[0]"), tmp_path)
    cmds.currentTime(6)
    return maya


def test_a_deformer_before_the_blend_shape_that_moves_the_mesh_is_refused(skinned_first):
    with pytest.raises(ExportError, match="skin: this skinCluster deforms the mesh before its blendShape") as error:
        read_rig(("head",), "head_GRP", (1.0, 5.0, 11.0), Report())
    assert "between the frames 1 and 5" in str(error.value)
    assert cmds.currentTime(query=True) == 6


def test_a_deformer_before_the_blend_shape_counts_as_at_the_first_frame(skinned_first):
    cmds.setKeyframe("neck.rotateZ", time=2, value=0)
    cmds.currentTime(11)
    found, _ = read_rig(("head",), "head_GRP", (1.0, 2.0), Report())
    np.testing.assert_allclose(found.neutral, CUBE, atol=1e-5)


def test_two_blend_shapes_in_a_chain_are_one_rig(maya, tmp_path):
    nodes = "\n".join(
        [
            'createNode blendShape -n "BS2";',
            ALIAS_LIST,
            '\tsetAttr ".w[4]" 0;',
            '\tsetAttr ".it[0].itg[4].iti[6000].ipt" -type "pointArray" 1 3 0 0 1 ;',
            '\tsetAttr ".it[0].itg[4].iti[6000].ict" -type "componentList" 1 "vtx[5]";',
            '\tsetAttr ".aal" -type "attributeAlias" {"smile","weight[4]"} ;',
        ]
    )
    text = one_target(nodes=nodes).replace(
        'connectAttr "BS.og[0]" "headShape.i";',
        'connectAttr "BS.og[0]" "BS2.ip[0].ig";\nconnectAttr "BS2.og[0]" "headShape.i";',
    )
    open_scene(text, tmp_path)
    found = rig()
    assert found.target_names == ["BS.smile", "BS2.smile"]
    assert found.control_names == ["BS.smile", "BS2.smile"]
    assert dense(found.targets[1])[5, 0] == 3


def test_several_meshes_of_one_node_share_its_controls(maya, tmp_path):
    brows = blend_scene(targets={}).splitlines()
    start = brows.index('createNode mesh -n "headShapeOrig" -p "head";')
    mesh = brows[start : brows.index('createNode blendShape -n "BS";')]
    nodes = "\n".join(
        [
            'createNode transform -n "brows" -p "head_GRP";',
            'createNode mesh -n "browsShape" -p "brows";',
            *[line.replace("headShapeOrig", "browsShapeOrig").replace('"head"', '"brows"') for line in mesh],
        ]
    )
    extra = [
        'select -ne "BS";',
        '\tsetAttr ".it[1].itg[0].iti[6000].ipt" -type "pointArray" 1 0 0 9 1 ;',
        '\tsetAttr ".it[1].itg[0].iti[6000].ict" -type "componentList" 1 "vtx[7]";',
        '\tsetAttr ".it[1].itg[0].iti[5500].ipt" -type "pointArray" 1 0 0 1 1 ;',
        '\tsetAttr ".it[1].itg[0].iti[5500].ict" -type "componentList" 1 "vtx[7]";',
        'connectAttr "browsShapeOrig.w" "BS.ip[1].ig";',
        'connectAttr "BS.og[1]" "browsShape.i";',
    ]
    open_scene(one_target(nodes=nodes, connections="\n".join(extra)), tmp_path)
    found, _ = read_rig(("BS",), "head_GRP", TIMES, Report())
    assert [(mesh.name, mesh.vertex_count) for mesh in found.meshes] == [("headShape", 8), ("browsShape", 8)]
    (target,) = found.targets
    assert [shape.weight for shape in target.shapes] == [0.5, 1.0]
    np.testing.assert_allclose(dense(target, 16)[[1, 15]], [[0, 2, 0], [0, 0, 9]])
    np.testing.assert_allclose(dense(target, 16, 0)[[1, 15]], [[0, 1, 0], [0, 0, 1]])
    assert len(found.controls) == 1


def test_a_mesh_without_blend_shape_is_refused(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.disconnectAttr("BS.outputGeometry[0]", "headShape.inMesh")
    cmds.connectAttr("headShapeOrig.worldMesh[0]", "headShape.inMesh")
    with pytest.raises(ExportError, match="headShape: no blendShape deforms this mesh"):
        rig()


def test_what_edits_the_mesh_after_the_blend_shape_is_named(maya, tmp_path):
    open_scene(one_target(), tmp_path)
    cmds.createNode("polySmoothFace", name="smooth")
    cmds.disconnectAttr("BS.outputGeometry[0]", "headShape.inMesh")
    cmds.connectAttr("BS.outputGeometry[0]", "smooth.inputPolymesh")
    cmds.connectAttr("smooth.output", "headShape.inMesh")
    with pytest.raises(ExportError, match="smooth: this polySmoothFace deforms the mesh after its blendShape"):
        rig()


def test_vertices_outside_the_deformer_set_do_not_move(maya, tmp_path):
    parts = 'createNode groupParts -n "parts";\n\tsetAttr ".ic" -type "componentList" 2 "vtx[1]" "vtx[4:5]";'
    wires = 'connectAttr "headShapeOrig.w" "parts.ig";'
    targets = {"smile": (0, [(6000, [0, 1, 4], [[0, 1, 0], [0, 2, 0], [3, 0, 0]])])}
    open_scene(blend_scene(targets=targets, nodes=parts, connections=wires, base="parts.og"), tmp_path)
    expected = np.zeros((8, 3))
    expected[1, 1], expected[4, 0] = 2, 3
    np.testing.assert_allclose(dense(rig().targets[0]), expected)
    cmds.setAttr("BS.smile", 1)
    np.testing.assert_allclose(shown_vertices(maya, "headShape", 1.0) - CUBE, expected, atol=1e-6)
