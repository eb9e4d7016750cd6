"""A generic rig brought to an actor: from synthetic identity modes, through the job and the command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from facesolve.cli import main
from facesolve.geometry.rig import RigModel
from facesolve.geometry.rig_files import read_rig
from facesolve.solve.personalize import Personalized
from facesolve.take import Footage, Rig, Settings, StartPose, Take, write_take
from facesolve.take.actor import read_actor
from facesolve.take.rig_files import write_rig
from tests.synthetic import film, head_rig, make_take, performance

FRAMES = 4
DRAFT = Settings(quality="draft", contour=0.0)
TRUE = np.array([1.2, -0.9, 0.5])


def modes() -> np.ndarray:
    """(3, V, 3) cm: a longer face, a wider jaw, a fuller cheek on one side."""
    neutral = head_rig().neutral.astype(np.float64)
    x, y, z = neutral.T
    front = np.exp(-0.5 * ((z - 8) / 5) ** 2)
    longer = np.stack([0 * x, 0.06 * y * front, 0.3 * front * np.cos(y / 3)], 1)
    wider = np.stack([0.06 * x * (y < 0) * front, 0 * y, 0.25 * front * np.sin(x / 3)], 1)
    fuller = 0.5 * np.exp(-0.5 * ((neutral - (3.5, -2, 7)) ** 2).sum(1) / 4)[:, None] * neutral / 9
    return np.stack([longer, wider, fuller])


def actors_rig() -> Rig:
    rig = head_rig()
    return replace(rig, neutral=rig.neutral + np.einsum("m,mvi->vi", TRUE, modes()).astype(np.float32))


def filmed(folder: Path) -> Take:
    take, truth = make_take(head_rig(), DRAFT, FRAMES), performance(2 * FRAMES).at(slice(FRAMES))
    pixels = film(RigModel(actors_rig()), take.cameras, truth)
    footage = []
    for c, lens in enumerate(take.cameras):
        for f, frame in enumerate(pixels):
            image = np.round(255 * frame.luminance[c].numpy()).astype(np.uint8)
            cv2.imwrite(str(folder / f"{lens.name}.{f:04d}.png"), image)
        footage.append(Footage(lens.name, str(folder / f"{lens.name}.{{frame:04d}}.png")))
    start = StartPose(0, truth.controls[0].numpy(), truth.head[0].numpy())
    return replace(take, footage=tuple(footage), start=start)


def off(rig: Rig) -> float:
    """Mean distance in cm of the front of the head from the actor's, without a rigid motion's share."""
    actor = actors_rig().neutral.astype(np.float64)
    front = actor[:, 2] > 3
    one, other = rig.neutral[front].astype(np.float64), actor[front]
    a, b = one - one.mean(0), other - other.mean(0)
    u, _, v = np.linalg.svd(a.T @ b)
    return float(np.linalg.norm(a @ (u @ v) - b, axis=1).mean())


def test_a_generic_head_becomes_the_actors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_take(filmed(tmp_path), tmp_path / "take")
    write_rig(head_rig(), tmp_path / "generic.npz")
    np.savez(tmp_path / "modes.npz", modes=modes().astype(np.float32))
    words = ["personalize", str(tmp_path / "generic.npz"), str(tmp_path / "take"), "--device", "cpu"]
    words += ["--identity", str(tmp_path / "modes.npz"), "--out", str(tmp_path / "actor.npz")]
    assert main(words) == 0
    rig = read_rig(tmp_path / "actor.npz")
    assert off(rig) < 0.5 * off(head_rig())
    assert rig.control_names == head_rig().control_names
    np.testing.assert_array_equal(rig.bounds, head_rig().bounds)
    assert main(words) == 2  # it is there already
    np.savez(tmp_path / "modes.npz", modes=np.zeros((2, 5, 3)))
    assert main([*words, "--overwrite"]) == 2
    assert "modes of 5 vertices, the rig has 642" in capsys.readouterr().err


def test_the_same_is_written_as_a_profile_for_a_takes_own_rig(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is found is made up here: the test above looks for it."""
    rig, begun = actors_rig(), []

    def found(take: Take, *_: object) -> Personalized:
        begun.append(take.rig)
        offset = rig.neutral - take.rig.neutral
        return Personalized(rig, offset, np.full(len(offset), 0.02), TRUE, 1.0, 0.0, (0, 2))

    monkeypatch.setattr("facesolve.jobs.personalize_rig.personalize", found)
    take = str(tmp_path / "take")
    write_take(filmed(tmp_path), take)
    out = str(tmp_path / "actor.npz")
    assert main(["personalize", take, take, "--as-profile", "--out", out, "--device", "cpu"]) == 0
    assert f"facesolve solve {take} --actor {out}" in capsys.readouterr().out
    np.testing.assert_array_equal(begun[0].neutral, head_rig().neutral)
    np.testing.assert_allclose(read_actor(out).applied(head_rig()).neutral, rig.neutral, atol=1e-5)
