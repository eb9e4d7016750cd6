"""The soak of the panel's session sees what it is there to see; ``python -m tests.bench.panel_soak`` runs 200 takes."""

from __future__ import annotations

import sys

import pytest

from tests.maya_emulator.stand_in import stand_in_is_there

__all__ = ["stand_in_is_there"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_two_takes_in_one_session_are_equal_and_leave_nothing() -> None:
    pytest.importorskip("PySide6")
    from tests.bench.panel_soak import soak

    said: list[str] = []
    flat, text = soak(2, in_process=True, look_every=1000, tell=said.append)
    assert flat, text
    assert "differ by 0;" in text
    assert len(said) == 1
