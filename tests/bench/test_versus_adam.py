"""What versus_adam concludes from given curves, and what it says to bad input; its measurements are not repeated."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.bench.versus_adam import SECOND_ORDER, Comparison, Point, comparison_record, draw_comparison, main


@pytest.fixture
def comparison() -> Comparison:
    """The second-order solve ends after 10 s at 0.2 mm; Adam has then 1.2 mm, and would be better had it 20 s."""
    start = Point(0.0, 0, 9.0, 2.0)
    adam = [start, Point(4.0, 40, 3.0, 1.5), Point(10.1, 99, 1.2, 1.0), Point(20.0, 200, 0.1, 0.1)]
    curves = {SECOND_ORDER: [start, Point(10.0, 0, 0.2, 0.1)], "Adam, quick": adam, "Adam, brief": adam[:2]}
    return Comparison("face", 3, "a CPU", 20.0, curves, dict.fromkeys(curves, 9.0))


def test_ratio_is_taken_when_the_second_order_solve_ends(comparison: Comparison) -> None:
    assert comparison.ratios()["Adam, quick"] == pytest.approx(6.0)


def test_a_method_that_ended_earlier_counts_by_its_last_state(comparison: Comparison) -> None:
    assert comparison.ratios()["Adam, brief"] == pytest.approx(15.0)


def test_record_is_json_with_every_point(comparison: Comparison) -> None:
    record = json.loads(json.dumps(comparison_record(comparison), allow_nan=False))
    assert record["curves"]["Adam, quick"][2] == {"seconds": 10.1, "steps": 99, "world": 1.2, "rig": 1.0}
    assert record["ratio_at_end_of_second_order"]["Adam, quick"] == pytest.approx(6.0)


def test_picture_is_drawn(comparison: Comparison, tmp_path: Path) -> None:
    draw_comparison(comparison, tmp_path / "new" / "versus.png")
    image = cv2.imread(str(tmp_path / "new" / "versus.png"))
    assert image.shape[1] > 600
    assert len({tuple(pixel) for pixel in image.reshape(-1, 3)[::7].tolist()}) > 4


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{take}"], "--truth"),
        (["{take}", "--truth", "{take}/truth.npz"], "truth.npz"),
        (["--budget", "soon", "{take}", "--truth", "{truth}"], "neither 'auto' nor"),
        (["--budget", "-3", "{take}", "--truth", "{truth}"], "neither 'auto' nor"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = tmp_path / "true.npz"
    np.savez(truth, weights=np.zeros((1, 1)), names=np.array(["a"]), head=np.eye(4)[None])
    filled = [argument.format(take=tmp_path / "take", truth=truth) for argument in arguments]
    assert main([*filled, "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
