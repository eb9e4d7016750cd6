"""Names of the nodes that Facesolve makes."""

from maya import cmds

from facesolve_maya.scene.names import free_name, node_name


def test_names_have_one_prefix_and_only_what_maya_allows():
    assert node_name("rom 01.b") == "facesolve_rom_01_b"
    assert node_name("correctives", "größe") == "facesolve_correctives_gr__e"


def test_a_name_that_is_taken_is_numbered(maya):
    assert free_name("facesolve_rom") == "facesolve_rom"
    cmds.createNode("transform", name="facesolve_rom")
    cmds.createNode("transform", name="facesolve_rom_2")
    assert free_name("facesolve_rom") == "facesolve_rom_3"
    assert free_name("facesolve_rom", {"facesolve_rom_3"}) == "facesolve_rom_4"
