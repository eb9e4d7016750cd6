"""Which frames and controls an export is made from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facesolve.export import load_performance
from facesolve.take import TakeError, write_solution

from .performances import FRAMES, performance, solution, write


def test_frames_are_chosen_by_number(tmp_path: Path) -> None:
    out = write(tmp_path)
    part = load_performance(out, frames=(1003, 1005))
    np.testing.assert_array_equal(part.solution.frames, [1004, 1005])
    np.testing.assert_array_equal(part.rows, [2, 3])  # of the take, which begins at 1001
    np.testing.assert_array_equal(part.solution.head, solution().head[1:3])
    with pytest.raises(TakeError, match=r"frames 7-9: none of them is in the solution, which has 1002-1006\."):
        load_performance(out, frames=(7, 9))


def test_controls_are_put_in_the_order_of_the_rig(tmp_path: Path) -> None:
    out = write(tmp_path)
    known = solution()
    order = [2, 0, 3, 1]
    shuffled = replace(
        known,
        control_names=tuple(known.control_names[k] for k in order),
        controls=known.controls[:, order],
        control_std=known.control_std[:, order],
    )
    write_solution(shuffled, out)
    loaded = load_performance(out).solution
    assert loaded.control_names == known.control_names
    np.testing.assert_array_equal(loaded.controls, known.controls)
    np.testing.assert_array_equal(loaded.control_std, known.control_std)


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    out = write(tmp_path)
    write_solution(replace(solution(), frames=np.array([1, 2, 3, 4])), out)
    with pytest.raises(TakeError, match="its frame 1 is not one of the take's"):
        load_performance(out)
    write_solution(replace(solution(), head=2 * solution().head), out)
    with pytest.raises(TakeError, match="head transform of frame 1002 is scaled"):
        load_performance(out)
    write_solution(replace(solution(), control_names=("a", "b", "c", "d")), out)
    with pytest.raises(TakeError, match="its controls are not the take's"):
        load_performance(out)


def test_vertices_are_in_the_world_or_in_rig_space(tmp_path: Path) -> None:
    one = performance(tmp_path)
    for index, ((frame, world), (_, still)) in enumerate(zip(one.vertices(False), one.vertices(True), strict=True)):
        assert frame == FRAMES[index + 1]
        head = one.solution.head[index]
        np.testing.assert_allclose(world, still @ head[:3, :3].T + head[:3, 3], atol=1e-12)
    first = next(one.vertices(True))[1]  # jawOpen 0, smile 1.7: the last segment of the in-betweens goes on
    smile = one.rig.targets[1].shapes
    expected = one.rig.neutral[11].astype(float) + smile[2].deltas[0] * (1.7 - 0.4) / 0.6
    expected += smile[1].deltas[1] * (1 - 1.7) / 0.6
    np.testing.assert_allclose(first[11], expected, atol=1e-6)


def test_weights_are_those_of_targets(tmp_path: Path) -> None:
    weights = performance(tmp_path).target_weights()
    np.testing.assert_allclose(weights[2], [0.6, -0.2, 0.225, 1.0, 0.5, -0.12], atol=1e-12)
