"""The study of verdicts: its lines are not made twice, and its table counts them."""

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
