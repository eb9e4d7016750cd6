"""The container, the conda recipe and the rez package hold what the product asks for, at its version."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from facesolve.take.version import VERSION

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / ".packaging"
OF_CONDA = {  # names that conda-forge gives what PyPI calls otherwise
    "torch": "pytorch",
    "opencv-python-headless": "py-opencv",
    "matplotlib": "matplotlib-base",
    "openimageio": "py-openimageio",
}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    if sys.version_info < (3, 11):
        pytest.skip("Python reads TOML from 3.11 on")
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def asked(project: dict[str, Any]) -> dict[str, str]:
    """Bounds of versions by name, of the product with videos and OpenEXR."""
    extras = project["project"]["optional-dependencies"]
    listed = [*project["project"]["dependencies"], *extras["video"], *extras["exr"]]
    split = [re.fullmatch(r"([\w-]+)([^;]*)(;.*)?", line.strip()) for line in listed]
    return {found[1].lower(): found[2].strip() for found in split if found}


def test_the_conda_recipe_asks_for_what_the_package_asks_for(project: dict[str, Any]) -> None:
    recipe = yaml.safe_load((PACKAGING / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    given = dict(line.split(" ", 1) for line in recipe["requirements"]["run"])
    assert given.pop("python") == project["project"]["requires-python"]
    assert given == {OF_CONDA.get(name, name): bounds for name, bounds in asked(project).items()}
    assert recipe["context"]["version"] == VERSION
    (entry,) = recipe["build"]["python"]["entry_points"]
    assert entry.split(" = ") == ["facesolve", project["project"]["scripts"]["facesolve"]]


def test_the_container_holds_every_file_that_the_package_is_made_of(project: dict[str, Any]) -> None:
    text = (PACKAGING / "Dockerfile").read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE) for word in line.split()}
    tools = project["tool"]["setuptools"]
    needed = {"pyproject.toml", project["project"]["readme"], project["project"]["license"]["file"]}
    needed |= {*tools["packages"]["find"]["where"]}
    needed |= {pattern.split("/")[0] for patterns in tools["data-files"].values() for pattern in patterns}
    assert needed <= copied
    assert all((ROOT / name).exists() for name in copied)
    assert "--require-hashes" in text


def test_the_rez_package_has_the_version_and_finds_the_command(project: dict[str, Any]) -> None:
    words: dict[str, Any] = {}
    exec(compile((PACKAGING / "rez" / "package.py").read_text(encoding="utf-8"), "package.py", "exec"), words)  # noqa: S102
    assert (words["name"], words["version"]) == (project["project"]["name"], VERSION)
    assert words["tools"] == list(project["project"]["scripts"])
    added: dict[str, list[str]] = {"PATH": [], "PYTHONPATH": []}

    class Environment:
        def __getattr__(self, name: str) -> list[str]:
            return added[name]

    words["commands"].__globals__["env"] = Environment()
    words["commands"]()
    assert added == {"PYTHONPATH": ["{root}/python"], "PATH": ["{root}/python/bin"]}
