"""What Maya's versions answer when they are asked for the curve of a plug in a layer."""

from __future__ import annotations

import pytest
from maya import cmds

from facesolve_maya.apply.layer import layer_curve


@pytest.mark.parametrize(
    ("answer", "curve"),
    [("jaw_curve", "jaw_curve"), (["jaw_curve"], "jaw_curve"), ([], None), ("", None), (None, None)],
)
def test_a_list_a_string_or_nothing(monkeypatch: pytest.MonkeyPatch, answer: object, curve: object) -> None:
    monkeypatch.setattr(cmds, "animLayer", lambda *_, **__: answer)
    assert layer_curve("facesolve", "face.jaw") == curve
