"""Real scenes: all load, save and load again the same; what is unknown in them raises."""

import numpy as np
import pytest
from maya import cmds

from tests.maya_emulator import EmulatorError
from tests.maya_emulator.schema import is_a

SCENES = {
    "mayausd_UsdExportCameraTest.ma": 81,
    "mayausd_UsdExportEulerFilterTest.ma": 51,
    "mayausd_blendShapesExport.ma": 321,
    "mmsolver_solverDeviationCalculation.ma": 62,
    "mmsolver_stA.ma": 198,
    "studiolibrary_sphere.ma": 53,
    "studiolibrary_test_bake_connected.ma": None,
}


def open_scene(maya, folder, name):
    maya.reference_folders = [str(folder / "maya")]
    cmds.file(str(folder / "maya" / name), open=True, force=True)


def snapshot(session, frames) -> dict[str, np.ndarray]:
    """World matrices and mesh points of everything that can be computed, at some frames."""
    found = {}
    for node in session.graph.order:
        plugs = ["worldMatrix[0]"] if is_a(node.type, "transform") else ["outMesh"] if node.type == "mesh" else []
        for plug in plugs:
            for frame in frames:
                try:
                    value = session.evaluator.value(
                        session.plug(f"{node.full_path}.{plug}"), frame * session.units.ticks_per_frame
                    )
                except EmulatorError:
                    continue
                if value is not None:
                    found[f"{node.full_path}.{plug}@{frame}"] = getattr(value, "points", value)
    return found


DEFAULTS = """
requires maya "2026";
currentUnit -l centimeter -a degree -t film;
select -ne :time1;
\tsetAttr ".o" 1;
select -ne :defaultRenderUtilityList1;
\tsetAttr -s 2 ".u";
select -ne :lambert1;
select -ne :standardSurface1;
\tsetAttr ".bc" -type "float3" 0.40000001 0.40000001 0.40000001 ;
\tsetAttr ".sr" 0.5;
select -ne :openPBR_shader1;
\tsetAttr ".sr" 0.5;
select -ne :initialMaterialInfo;
"""


def test_default_nodes_of_later_versions_are_known(maya, tmp_path):
    (tmp_path / "scene.ma").write_text(DEFAULTS)
    cmds.file(str(tmp_path / "scene.ma"), open=True, force=True)
    assert cmds.objExists("openPBR_shader1")


@pytest.mark.parametrize("name", SCENES)
def test_every_statement_of_the_scene_is_understood(maya, facesolve_data, name):
    open_scene(maya, facesolve_data, name)
    if SCENES[name]:
        assert len(maya.graph.order) == SCENES[name]


@pytest.mark.parametrize("name", [name for name in SCENES if "bake_connected" not in name])
def test_a_saved_scene_is_the_same_scene(maya, facesolve_data, tmp_path, name):
    open_scene(maya, facesolve_data, name)
    before = snapshot(maya, (1, 7.5, 30))
    wires = {(maya.plug_name(d), maya.plug_name(s)) for d, s in maya.graph.inputs.items()}
    cmds.file(rename=str(tmp_path / "saved.ma"))
    cmds.file(save=True, type="mayaAscii")
    cmds.file(str(tmp_path / "saved.ma"), open=True, force=True)
    after = snapshot(maya, (1, 7.5, 30))
    assert before
    assert before.keys() == after.keys()
    for key, value in before.items():
        np.testing.assert_allclose(after[key], value, atol=1e-9, err_msg=key)
    assert {(maya.plug_name(d), maya.plug_name(s)) for d, s in maya.graph.inputs.items()} == wires


@pytest.mark.parametrize(
    "statement",
    [
        "polyTransmogrify;",
        'createNode flyingCarpet -n "a";',
        'createNode transform -n "a" -q 1;',
        'createNode transform -n "a"; setAttr ".nope" 1;',
        'createNode transform -n "a"; setAttr ".t[0]" 1;',
        'createNode transform -n "a"; setAttr ".t" -type "double3" 1 2 3 4;',
        'createNode transform -n "a"; addAttr -zz 1 -ln "b" -at "double";',
        'connectAttr "nothing.tx" "less.ty";',
        'requires -nodeType "unheardOf" "plugin" "1.0";',
    ],
)
def test_unknown_things_in_a_file_raise(maya, tmp_path, statement):
    path = tmp_path / "odd.ma"
    path.write_text(statement)
    with pytest.raises(EmulatorError):
        cmds.file(str(path), open=True, force=True)


def test_references_have_namespaces_edits_locks_and_connections(maya, facesolve_data):
    open_scene(maya, facesolve_data, "studiolibrary_test_bake_connected.ma")
    assert set(cmds.file(query=True, reference=True))
    assert cmds.referenceQuery("srcSphere:sphere", isNodeReferenced=True)
    assert cmds.listConnections("srcSphere:group.translate", source=True, destination=False) == ["locator2"]
    assert cmds.getAttr("srcSphere:sphere.testString") == "Hello world"
    assert cmds.getAttr("srcSphere:sphere.translateZ", time=10) == pytest.approx(11.214436147065292)
    with pytest.raises(RuntimeError, match="locked or connected"):
        cmds.setAttr("srcSphere:sphere.translateZ", 1.0)
    with pytest.raises(RuntimeError, match="referenced file"):
        cmds.delete("srcSphere:sphere")


def test_the_mesh_of_the_large_scene_equals_its_arrays(maya, facesolve_data):
    cmds.file(str(facesolve_data / "ict_rom" / "scene.ma.gz"), open=True, force=True)
    arrays = np.load(facesolve_data / "ict_rom" / "rig.npz")
    mesh = maya.evaluator.value(maya.plug("face_GEOShapeOrig.outMesh"), maya.time)
    np.testing.assert_allclose(mesh.points, arrays["neutral"], atol=1e-6)
    np.testing.assert_array_equal(mesh.corners, arrays["faces"])
    assert cmds.currentTime(query=True) == 1001
    assert cmds.currentUnit(query=True, time=True) == "ntsc"


def test_a_parent_constraint_puts_the_cube_where_the_scene_says(maya, facesolve_data):
    open_scene(maya, facesolve_data, "mayausd_UsdExportEulerFilterTest.ma")
    np.testing.assert_allclose(cmds.getAttr("pCube1.translate"), cmds.getAttr("joint1.translate"), atol=1e-12)
    np.testing.assert_allclose(
        np.reshape(cmds.getAttr("pCube1.worldMatrix[0]"), (4, 4))[:3, :3],
        np.reshape(cmds.getAttr("joint1.worldMatrix[0]"), (4, 4))[:3, :3],
        atol=1e-9,
    )
