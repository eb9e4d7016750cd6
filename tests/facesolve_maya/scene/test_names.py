"""Names of the nodes that Facesolve makes."""

import pytest
from maya import cmds

from facesolve_maya.scene.names import free_name, legal_name, node_name


def test_names_have_one_prefix_and_only_what_maya_allows():
    assert node_name("rom 01.b") == "facesolve_rom_01_b"
    assert node_name("correctives", "größe") == "facesolve_correctives_gr__e"


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("left", "left"), ("0", "cam_0"), ("cam 1", "cam_1"), ("_a", "_a"), ("頭", "cam__"), ("", "cam_")],
)
def test_a_legal_name_begins_with_a_letter(wanted, name):
    assert legal_name(wanted, "cam") == name


def test_a_name_that_is_taken_is_numbered(maya):
    assert free_name("facesolve_rom") == "facesolve_rom"
    cmds.createNode("transform", name="facesolve_rom")
    cmds.createNode("transform", name="facesolve_rom_2")
    assert free_name("facesolve_rom") == "facesolve_rom_3"
    assert free_name("facesolve_rom", {"facesolve_rom_3"}) == "facesolve_rom_4"
