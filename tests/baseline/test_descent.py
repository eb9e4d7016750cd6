"""The first-order reference on a small filmed head: it descends, repeats itself, and keeps what it must not change."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from facesolve import __version__
from facesolve.baseline.first_order import Snapshot, solve_first_order
from facesolve.baseline.method import PRESETS, Budget, FirstOrder
from facesolve.geometry.pose import Pose
from facesolve.take import ControlSettings, HeadPin, Pin, Settings, SolveError, Take
from facesolve.take.provenance import read_provenance
from tests.baseline.filmed import FRAMES
from tests.synthetic import RADII, Scene, head_rig

CPU = torch.device("cpu")
TUNED = PRESETS["tuned"]
PINNED = np.array([[0.0, -1.0, 0.0, 0.5], [1.0, 0.0, 0.0, 0.2], [0.0, 0.0, 1.0, -0.1], [0.0, 0.0, 0.0, 1.0]])


def descend(take: Take, steps: int, method: FirstOrder = TUNED, **options: object) -> list[Snapshot]:
    """Snapshots of the beginning and the end."""
    snapshots: list[Snapshot] = []
    solve_first_order(take, CPU, method, Budget(steps=steps), observe=snapshots.append, every=steps, **options)
    return snapshots


def errors(scene: Scene, snapshot: Snapshot) -> Tensor:
    """Mean vertex error (F,) in cm of what the cameras see."""
    return scene.errors(Pose(torch.from_numpy(snapshot.controls), torch.from_numpy(snapshot.head)))


def with_settings(take: Take, settings: Settings) -> Take:
    return replace(take, settings=settings)


def test_descends_in_image_and_in_space(scene: Scene, take: Take) -> None:
    snapshots: list[Snapshot] = []
    full = replace(TUNED, level=0)
    early = solve_first_order(take, CPU, full, Budget(steps=30))
    late = solve_first_order(take, CPU, full, Budget(steps=160), observe=snapshots.append, every=80)
    assert [snapshot.steps for snapshot in snapshots] == [0, 80, 160]
    before, _, after = (errors(scene, snapshot) for snapshot in snapshots)
    assert after.mean() < 0.65 * before.mean()
    assert (after < 0.8 * before).all()
    assert np.nanmean(late.residual) < 0.6 * np.nanmean(early.residual)
    np.testing.assert_array_equal(late.controls, snapshots[-1].controls)
    np.testing.assert_array_equal(late.head, snapshots[-1].head)


def test_published_rates_move_the_head_no_further_than_their_steps(take: Take) -> None:
    first, last = descend(take, 20, replace(PRESETS["thesis"], level=1))
    moved = np.abs(last.head[:, :3, 3] - first.head[:, :3, 3])
    assert 0 < moved.max() < 20 * 2e-5 * RADII.max()
    assert 0 < np.abs(last.controls - first.controls).max() <= 20 * 1.1e-3


def test_solution_belongs_to_the_take(take: Take) -> None:
    solution = solve_first_order(take, CPU, TUNED, Budget(steps=12))
    assert solution.control_names == tuple(take.rig.control_names)
    np.testing.assert_array_equal(solution.frames, take.frames)
    assert np.isnan(solution.control_std).all()
    assert np.isnan(solution.head_std).all()
    assert solution.provenance["steps"] == 12
    assert solution.provenance["rates"]["seed"] == TUNED.seed
    made = read_provenance(solution.provenance)
    assert made.record() == solution.provenance
    assert (made.facesolve, made.rasterizer, list(made.seconds)) == (__version__, "torch", ["descend"])


def test_same_seed_same_result(take: Take) -> None:
    once, again, other = (descend(take, 12, replace(TUNED, seed=seed))[-1] for seed in (4, 4, 5))
    np.testing.assert_array_equal(once.controls, again.controls)
    np.testing.assert_array_equal(once.head, again.head)
    assert np.abs(once.controls - other.controls).max() > 1e-3


def test_bounds_hold_after_every_step(take: Take) -> None:
    bounds = take.rig.bounds
    snapshots: list[Snapshot] = []
    wild = replace(TUNED, controls=0.6)
    solve_first_order(take, CPU, wild, Budget(steps=20), observe=snapshots.append, every=1)
    controls = np.stack([snapshot.controls for snapshot in snapshots])
    assert (controls >= bounds[:, 0]).all()
    assert (controls <= bounds[:, 1]).all()
    assert (controls == bounds[:, 1]).any(), "no bound was reached, so the test shows nothing"


def test_locks_pins_and_inactive_controls_hold(take: Take) -> None:
    assert take.start is not None
    curve = np.array([0.15, 0.3, 0.45])
    settings = Settings(
        controls=(ControlSettings("jaw", lock=curve), ControlSettings("brow", active=False)),
        pins=(Pin(1, "smile", 0.37),),
        head_pins=(HeadPin(2, PINNED),),
    )
    _, last = descend(with_settings(take, settings), 20)
    jaw, brow, smile, puff = (take.rig.control_names.index(name) for name in ("jaw", "brow", "smile", "puff"))
    np.testing.assert_array_equal(last.controls[:, jaw], curve)
    np.testing.assert_array_equal(last.controls[:, brow], take.start.controls[brow])
    assert last.controls[1, smile] == 0.37
    assert last.controls[0, smile] != 0.37
    np.testing.assert_array_equal(last.head[2], PINNED)
    assert np.abs(last.head[1] - take.start.head).max() > 1e-6
    assert (np.abs(last.controls[:, puff] - take.start.controls[puff]) > 1e-3).any()


def test_a_fixed_head_stays(take: Take) -> None:
    assert take.start is not None
    _, last = descend(with_settings(take, Settings(head="fixed")), 10)
    np.testing.assert_array_equal(last.head, np.tile(take.start.head, (FRAMES, 1, 1)))
    assert np.abs(last.controls - take.start.controls).max() > 1e-3


def test_rotations_stay_rotations(take: Take) -> None:
    _, last = descend(take, 20, replace(TUNED, rotation=0.1))
    rotation = last.head[:, :3, :3]
    np.testing.assert_allclose(rotation @ rotation.transpose(0, 2, 1), np.tile(np.eye(3), (FRAMES, 1, 1)), atol=1e-12)


def test_a_given_texture_is_kept_and_used(scene: Scene, take: Take) -> None:
    gray = {tile: torch.full((8, 8, 1), 0.5) for tile in ((0, 0), (1, 0))}
    flat = solve_first_order(take, CPU, TUNED, Budget(steps=60), texture=gray)
    learned = solve_first_order(take, CPU, TUNED, Budget(steps=60))
    assert all(bool((texels == 0.5).all()) for texels in gray.values())
    assert np.nanmean(flat.residual) > 2 * np.nanmean(learned.residual)


def test_the_observer_costs_no_time(take: Take) -> None:
    snapshots: list[Snapshot] = []

    def slow(snapshot: Snapshot) -> None:
        snapshots.append(snapshot)
        time.sleep(1.0 if snapshot.steps == 0 else 0.0)

    solve_first_order(take, CPU, TUNED, Budget(steps=2), observe=slow, every=1)
    assert snapshots[1].seconds - snapshots[0].seconds < 1.0


def test_a_budget_in_seconds_ends(take: Take) -> None:
    snapshots: list[Snapshot] = []
    solve_first_order(take, CPU, TUNED, Budget(seconds=1e-3), observe=snapshots.append)
    assert [snapshot.steps for snapshot in snapshots] == [0, 1]


@pytest.mark.parametrize("budget", [{}, {"steps": 0}, {"seconds": -1.0}, {"steps": float("nan")}])
def test_a_budget_must_end(budget: dict[str, float]) -> None:
    with pytest.raises(SolveError, match="positive and finite"):
        Budget(**budget)


def test_a_rig_without_uvs_is_refused(take: Take) -> None:
    with pytest.raises(SolveError, match="UVs"):
        solve_first_order(replace(take, rig=head_rig()), CPU, TUNED, Budget(steps=1))
