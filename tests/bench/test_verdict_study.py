"""The study of verdicts: its lines are not made twice, and its table counts them."""

import json
from pathlib import Path

import pytest

from tests.bench import verdict_study


def test_pairs_done_already_are_left_out_and_the_table_counts_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    measured: list[str] = []

    def measure(sound: object, mistake: str, device: object) -> dict[str, object]:
        measured.append(mistake)
        bad = mistake != "none"
        return {"mm": 2.0 if bad else 0.3, "verdict": {"verdict": "does not fit" if bad else "fits"}}

    monkeypatch.setattr(verdict_study, "measure", measure)
    monkeypatch.setattr(verdict_study, "takes", lambda data, device: {"rom0": lambda: None, "other": lambda: None})
    study = tmp_path / "study.jsonl"
    for _ in range(2):
        assert verdict_study.main(["--out", str(study), "--mistakes", "none", "swapped"]) == 0
    assert measured == ["none", "none", "swapped", "swapped"]
    capsys.readouterr()
    assert verdict_study.main(["--table", str(study)]) == 0
    printed = capsys.readouterr().out
    assert "| none | 2 | 0.30 | 0.30 | 2 | 0 | 0 | 0 |" in printed
    assert "| swapped | 2 | 2.00 | 0.30 | 0 | 0 | 2 | 0 |" in printed


def test_sound_takes_that_are_doubted_and_costly_mistakes_that_are_not_are_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    study = tmp_path / "study.jsonl"
    rows = [
        ("none", 0.3, "doubtful"),
        ("swapped", 0.9, "fits"),
        ("unit mm", 60.0, "does not fit"),
        ("late 1", 0.7, "fits"),
    ]
    study.write_text(
        "".join(
            json.dumps({"take": "a", "mistake": mistake, "mm": mm, "verdict": {"verdict": verdict, "reason": "Why."}})
            + "\n"
            for mistake, mm, verdict in rows
        )
    )
    assert verdict_study.main(["--missed", str(study)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "a, none: 0.30 mm (0.30 without) Why.",
        "a, swapped: 0.90 mm (0.30 without) ",
    ]
