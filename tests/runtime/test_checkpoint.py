"""A solve that was interrupted goes on from what is on disk; nothing of another solve is taken or lost unasked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from facesolve.runtime import checkpoint as module
from facesolve.runtime.checkpoint import Checkpoint, KeptState, NoCheckpoint, check_out
from facesolve.take import SolveError, TakeError
from facesolve.take.names import CHECKPOINT, SOLUTION, STATE


def part(value: float = 1.0) -> Mapping[str, np.ndarray]:
    return {"pose": np.full(3, value), "done": np.array(2)}


def test_a_resumed_solve_knows_what_was_put(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "a", resume=False).put("track", part, now=True)
    again = Checkpoint(tmp_path, "a", resume=True)
    found = again.get("track")
    assert found is not None
    assert (found["pose"].tolist(), int(found["done"])) == ([1.0] * 3, 2)
    assert again.get("refine") is None
    again.put("refine", lambda: part(3.0), now=True)
    third = Checkpoint(tmp_path, "a", resume=True)
    assert third.get("track") is not None
    assert third.get("refine") is not None


def test_without_resume_it_begins_anew_and_there_is_something_to_resume_at_once(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "a", resume=False).put("track", part, now=True)
    assert Checkpoint(tmp_path, "a", resume=False).get("track") is None
    assert Checkpoint(tmp_path, "a", resume=True).get("track") is None
    assert (tmp_path / CHECKPOINT).is_file()


def test_what_is_put_again_soon_waits_unless_it_must_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    kept = Checkpoint(tmp_path, "a", resume=False)
    kept.put("track", part)
    assert Checkpoint(tmp_path, "a", resume=True).get("track") is None
    now += 1.01 * module.SECONDS_BETWEEN
    kept.put("track", part)
    assert Checkpoint(tmp_path, "a", resume=True).get("track") is not None


def test_that_of_another_solve_is_refused_or_replaced(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "a", resume=False).put("track", part, now=True)
    with pytest.raises(SolveError, match=r"belongs to another take, .* Give --overwrite to start again\."):
        Checkpoint(tmp_path, "b", resume=True)
    assert Checkpoint(tmp_path, "a", resume=True).get("track") is not None
    assert Checkpoint(tmp_path, "b", resume=True, overwrite=True).get("track") is None
    assert Checkpoint(tmp_path, "b", resume=True).get("track") is None, "it was replaced on disk"


def test_what_is_there_is_replaced_on_the_users_word_alone(tmp_path: Path) -> None:
    check_out(tmp_path, resume=False, overwrite=False)
    (tmp_path / CHECKPOINT).touch()
    with pytest.raises(TakeError, match="belongs to an interrupted solve"):
        check_out(tmp_path, resume=False, overwrite=False)
    check_out(tmp_path, resume=True, overwrite=False)
    check_out(tmp_path, resume=False, overwrite=True)
    (tmp_path / CHECKPOINT).unlink()
    (tmp_path / SOLUTION).touch()
    with pytest.raises(TakeError, match="overwrite"):
        check_out(tmp_path, resume=False, overwrite=False)
    check_out(tmp_path, resume=False, overwrite=True)


def test_a_solve_that_is_done_leaves_nothing_or_its_state(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path, "a", resume=False)
    kept.put("track", part, now=True)
    kept.keep()
    assert [path.name for path in tmp_path.iterdir()] == [STATE]
    state = KeptState(tmp_path, "a")
    assert state.get("track") is not None
    state.put("track", lambda: part(9.0), now=True)
    assert KeptState(tmp_path, "a").get("track")["pose"].tolist() == [1.0] * 3
    with pytest.raises(SolveError, match="Solve the take again with --keep-state"):
        KeptState(tmp_path, "b")
    done = Checkpoint(tmp_path, "a", resume=False)
    done.remove()
    done.remove()  # somebody else was as fast
    assert [path.name for path in tmp_path.iterdir()] == [STATE]


def test_no_checkpoint_keeps_nothing() -> None:
    none = NoCheckpoint()
    none.put("track", part, now=True)
    none.remove()
    assert none.get("track") is None
