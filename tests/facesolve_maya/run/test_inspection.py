"""The panel's search for mistakes by the real solver, in a process of its own: from a take to words for a scene."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

from facesolve.take import StartPose, write_take
from facesolve_maya.run import InspectTask, Interpreter
from facesolve_maya.ui.mistake_search import in_scene
from tests import synthetic, textured


def test_the_real_solver_names_swapped_cameras_in_words_for_the_scene(tmp_path: Path) -> None:
    folder = tmp_path / "take"
    folder.mkdir()
    take, pose = textured.make_take(folder, textured.rig(), frames=2), synthetic.performance(2)
    textured.film(take, pose)
    first, second, third = take.footage
    swapped = (replace(second, camera=first.camera), replace(first, camera=second.camera), third)
    start = StartPose(0, pose.controls[0].numpy(), pose.head[0].numpy())
    write_take(replace(take, footage=swapped, start=start), folder)
    task = InspectTask(folder, Interpreter(Path(sys.executable), "the tests"), "cpu")
    while task.findings is None and not task.error:
        task.poll()
        time.sleep(0.05)
    assert task.error == ""
    assert task.findings is not None
    mended = [in_scene(finding) for finding in task.findings if finding.fix.startswith("swap=")]
    assert [finding.remedy for finding in mended] == [
        f"Swap the footage of the two cameras. ({finding.fix})" for finding in mended
    ]
    assert {frozenset(finding.fix[5:].split(",")) for finding in mended} == {frozenset((first.camera, second.camera))}
