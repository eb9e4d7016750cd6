"""World matrices at other times are those that Maya shows there, whatever drives the node."""

import numpy as np
import pytest
from maya import cmds

from facesolve_maya.scene.motion import world_matrices
from tests.facesolve_maya.shown import snapshot

TIMES = (1.0, 4.0, 10.0, 12.5)


@pytest.fixture
def chain(maya):
    """A keyed locator drives a, a drives b by constraints; c stands still below b; d is only keyed."""
    for name in ("locator", "a", "b", "d"):
        cmds.createNode("transform", name=name)
    cmds.createNode("transform", name="c", parent="b")
    cmds.setAttr("c.translate", 1, 2, 3)
    for node in ("locator", "d"):
        for time, value in ((1, 0), (10, 40), (20, -7)):
            cmds.setKeyframe(node + ".translateX", time=time, value=value)
            cmds.setKeyframe(node + ".rotateZ", time=time, value=2 * value)
    cmds.setAttr("b.translateY", 5)
    cmds.parentConstraint("locator", "a")
    cmds.parentConstraint("a", "b", maintainOffset=True)
    cmds.currentTime(7)
    return maya


def shown(nodes):
    found = {node: [] for node in nodes}
    for time in TIMES:
        cmds.currentTime(time)
        for node in nodes:
            found[node].append(np.reshape(cmds.getAttr(node + ".worldMatrix[0]"), (4, 4)))
    return found


def test_asking_a_constraint_chain_about_another_time_gives_the_present(chain):
    asked = [cmds.getAttr("b.worldMatrix[0]", time=time) for time in TIMES]
    assert asked[0] == asked[2], "the stand-in does as was measured in Maya"
    assert not np.allclose(shown(["b"])["b"][0], shown(["b"])["b"][2])


@pytest.mark.parametrize("answers", [False, True])
def test_matrices_below_constraints_are_those_of_their_time(chain, answers):
    chain.constraints_answer = answers
    found = world_matrices(("c", "b", "d"), TIMES)
    for node, matrices in shown(("c", "b", "d")).items():
        np.testing.assert_allclose(found[node], matrices, atol=1e-9, err_msg=node)


def test_looking_leaves_no_trace(chain):
    chain.batch = False
    before = (snapshot(chain), len(chain.undo_queue), chain.modified)
    world_matrices(("b",), TIMES)
    assert (snapshot(chain), len(chain.undo_queue), chain.modified) == before
    assert chain.suspended == [True, False], "the viewport stands still meanwhile, and not afterwards"


def test_what_only_keys_move_costs_no_change_of_time(chain, monkeypatch):
    from facesolve_maya.scene import motion

    monkeypatch.setattr(motion, "undisturbed", lambda *_: pytest.fail("time was changed"))
    assert len(world_matrices(("d",), TIMES)["d"]) == len(TIMES)


def test_where_the_answers_hold_few_times_are_visited(chain, monkeypatch):
    from facesolve_maya.scene import motion

    chain.constraints_answer = True
    visited = []
    real = motion.visited
    monkeypatch.setattr(motion, "visited", lambda nodes, times: visited.append(len(times)) or real(nodes, times))
    world_matrices(("b",), tuple(float(time) for time in range(100)))
    assert visited == [3]
