"""A solution's surface, and what saving it writes and refuses."""

from pathlib import Path

import numpy as np
import pytest

from facesolve.take import FacesolveError, read_solution
from tests.take.rigs import NEUTRAL, TURNED, rig, solution


def test_the_surface_stands_where_controls_and_head_put_it():
    at_rest = solution(2, controls=np.array([[0.0, 0.0], [0.0, 10.0]]), head=np.stack([np.eye(4), TURNED]))
    vertices = at_rest.vertices(rig())
    np.testing.assert_allclose(vertices[0], NEUTRAL, atol=1e-12)
    opened = NEUTRAL.astype(float)
    opened[3] += 1.0  # the jaw's shape
    np.testing.assert_allclose(vertices[1], opened @ TURNED[:3, :3].T + TURNED[:3, 3], atol=1e-12)


def test_columns_may_be_in_another_order_than_the_rigs_controls():
    one = solution()
    other = solution(control_names=one.control_names[::-1], controls=one.controls[:, ::-1])
    assert np.array_equal(one.vertices(rig()), other.vertices(rig()))


def test_what_each_vertex_had_to_say_is_a_share():
    with pytest.raises(FacesolveError, match=r"say must be one number in 0\.\.1"):
        solution(say=np.array([0.5, 1.5]))


def test_another_rig_is_refused():
    with pytest.raises(FacesolveError, match="controls are not the take's"):
        solution(control_names=("smile", "brow")).vertices(rig())


def test_a_saved_solution_is_read_back_with_its_take_relative_to_it(tmp_path: Path):
    take = tmp_path / "takes" / "shot"
    solved = solution(provenance={"take": take.as_posix()})
    solved.save(tmp_path / "solutions" / "shot")
    read = read_solution(tmp_path / "solutions" / "shot")
    assert np.array_equal(read.controls, solved.controls)
    assert read.provenance["take"] == "../../takes/shot"
    assert solved.provenance["take"] == take.as_posix()


def test_a_solution_that_is_there_is_replaced_only_on_request(tmp_path: Path):
    solution().save(tmp_path)
    with pytest.raises(FacesolveError, match=r"holds a solution; give overwrite=True"):
        solution(5).save(tmp_path)
    assert len(read_solution(tmp_path).frames) == 3
    solution(5).save(tmp_path, overwrite=True)
    assert len(read_solution(tmp_path).frames) == 5
