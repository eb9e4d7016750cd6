"""``facesolve export``: what each format writes, and one sentence for bad input."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from facesolve.cli import main
from tests.export.performances import write

Captured = pytest.CaptureFixture[str]


def test_every_format_is_written(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("pxr", reason='needs usd-core: pip install "facesolve[usd]"')
    solution = str(write(tmp_path))
    places = {"usd": "h.usdc", "obj": "meshes", "csv": "c.csv", "json": "c.json"}
    for kind, name in places.items():
        out = str(tmp_path / name)
        assert main(["export", solution, "--format", kind, "--out", out, "--frames", "1004-1005"]) == 0
        assert capsys.readouterr().out.startswith(f"{out}: 2 frames, 1004-1005.\n")
    assert (tmp_path / "h.usdc").read_bytes()[:8] == b"PXR-USDC"
    assert [path.name for path in sorted((tmp_path / "meshes").iterdir())] == ["head.1004.obj", "head.1005.obj"]
    assert json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["frames"] == [1004, 1005]
    assert len((tmp_path / "c.csv").read_text(encoding="utf-8").splitlines()) == 3
    assert not list(tmp_path.glob("*.part"))


def test_options_reach_the_files(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("pxr", reason='needs usd-core: pip install "facesolve[usd]"')
    solution = str(write(tmp_path))
    out = tmp_path / "h.usda"
    assert main(["export", solution, "--format", "usd", "--out", str(out), "--stabilized", "--up-axis", "z"]) == 0
    text = out.read_text(encoding="utf-8")
    assert "inbetweens:" in text
    assert 'upAxis = "Z"' in text
    assert 'string space = "head"' in text
    assert main(["export", solution, "--format", "usd", "--out", str(out), "--split-inbetweens", "--overwrite"]) == 0
    assert "inbetweens:" not in out.read_text(encoding="utf-8")
    meshes = tmp_path / "meshes"
    assert main(["export", solution, "--format", "obj", "--out", str(meshes), "--stabilized"]) == 0
    assert "rig) space" in (meshes / "head.1002.obj").read_text(encoding="utf-8")
    curves = tmp_path / "c.csv"
    assert main(["export", solution, "--format", "csv", "--out", str(curves), "--all-controls"]) == 0
    assert curves.read_text(encoding="utf-8").startswith("frame,scene_time,head_tx")
    (tmp_path / "take").rename(tmp_path / "elsewhere")
    assert main(["export", solution, "--format", "json", "--out", str(tmp_path / "c.json")]) == 2
    assert "--take" in capsys.readouterr().err
    take = ["--take", str(tmp_path / "elsewhere")]
    assert main(["export", solution, "--format", "json", "--out", str(tmp_path / "c.json"), *take]) == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--format", "csv", "--stabilized"], "--stabilized is for --format usd or obj only."),
        (["--format", "obj", "--up-axis", "y"], "--up-axis is for --format usd or csv only."),
        (["--format", "json", "--all-controls"], "--all-controls is for --format csv only."),
        (["--format", "csv", "--frames", "7-9"], "frames 7-9: none of them is in the solution"),
        (["--format", "fbx"], "invalid value 'fbx'"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path: Path, capsys: Captured, options: list[str], sentence: str) -> None:
    solution = str(write(tmp_path))
    assert main(["export", solution, "--out", str(tmp_path / "x"), *options]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.startswith("facesolve: error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_missing_usd_says_what_to_install(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "pxr" else real(name, *rest))
    arguments = ["export", str(tmp_path), "--format", "usd", "--out", str(tmp_path / "x.usd")]
    assert main(arguments) == 2
    assert 'pip install "facesolve[usd]"' in capsys.readouterr().err
